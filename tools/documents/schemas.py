"""Schemas from types: what each verb answers with ``--json`` (docs/schemas), and what a study file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from otosome.jobs.outputs import ANSWERS, Refusal
from otosome.lots.editors import record_schema, specification_schema
from otosome.study import Tables

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(verb: str) -> dict[str, Any]:
    """The schema of a verb's one object: its answer, or a refusal."""
    kinds: Any = ANSWERS[verb] | Refusal
    either = TypeAdapter(kinds).json_schema(ref_template="#/$defs/{model}")
    title = f"What `otosome {verb} --json` prints"
    return closed({"$schema": DIALECT, "title": title, **either})


def closed(part: Any) -> Any:
    """A schema in which an object holds what it names and nothing else."""
    if isinstance(part, list):
        return [closed(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    whole = {key: closed(inner) for key, inner in part.items()}
    if "properties" in whole and isinstance(whole.get("type"), str):
        whole.setdefault("additionalProperties", False)
    return whole


def text(verb: str) -> str:
    """The file of a verb's schema."""
    return json.dumps(schema(verb), indent=1) + "\n"


def write(root: Path) -> None:
    """Write docs/schemas and the schemas for editors anew."""
    folder = root / "docs" / "schemas"
    folder.mkdir(exist_ok=True)
    for verb in ANSWERS:
        (folder / f"{verb}.json").write_text(text(verb), encoding="utf-8", newline="\n")
    for room, name, keys in (
        ("study", "study", Tables.model_json_schema()),
        ("lots", "batch", record_schema()),
        ("lots", "specification", specification_schema()),
    ):
        # For a reader of the documents, and in the package for an editor of a person who installed that alone.
        for place in (root / "docs", root / "src" / "otosome" / room):
            (place / f"{name}.schema.json").write_text(
                json.dumps(keys, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
            )
