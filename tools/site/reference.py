"""Reference pages written from the program itself: verbs, keys of a study file, ``--json``, names in Python."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from otosome.cli import app
from otosome.jobs.examples import EXAMPLES
from otosome.jobs.outputs import ANSWERS
from otosome.study import Tables

Schema = dict[str, Any]
# What a person calls from Python, by heading.
NAMES = {
    "From a study to an answer": [
        "otosome.load",
        "otosome.save",
        "otosome.draw",
        "otosome.simulate",
        "otosome.measure",
        "otosome.observe",
        "otosome.answer",
        "otosome.contrast",
        "otosome.sources",
    ],
    "Laboratory files, shelves and published cases": [
        "otosome.read",
        "otosome.get",
        "otosome.names",
        "otosome.qualify",
    ],
    "What these give and take": [
        "otosome.study.Study",
        "otosome.ears.Ears",
        "otosome.answers.contrast.Contrast",
        "otosome.answers.numbers.Interval",
        "otosome.errors.BadInput",
    ],
    "Jobs: what the verbs of the command line do": [
        "otosome.jobs.run",
        "otosome.jobs.compare",
        "otosome.jobs.measure",
        "otosome.jobs.import_",
        "otosome.jobs.fit",
        "otosome.jobs.quality",
        "otosome.jobs.trial",
        "otosome.jobs.optimise",
        "otosome.jobs.review",
        "otosome.jobs.StudyInputs",
        "otosome.jobs.ImportInputs",
        "otosome.jobs.FitInputs",
        "otosome.jobs.QualityInputs",
        "otosome.jobs.TrialInputs",
        "otosome.jobs.StudyResult",
        "otosome.jobs.Watch",
        "otosome.jobs.Progress",
    ],
}


def pages() -> dict[str, str]:
    """Every generated page of the reference, by its path in the site's sources."""
    return {
        "reference/command_line.md": command_line(),
        "reference/study_file.md": study_file(),
        "reference/json.md": json_answers(),
        "reference/python.md": python(),
    }


def command_line() -> str:
    """The page of all verbs: arguments, options, defaults, examples."""
    program = get_command(app)
    parts = [
        "# Command line\n\nWritten from the program. `otosome VERB --help` says the same. Exit codes: 0 done, "
        "2 bad input, 1 a defect of ours, 71 no memory, 74 no room on the disk, 130 interrupted. With `--json` every "
        "verb prints one object on standard output ([JSON](json.md)). `otosome --install-completion` completes verbs, "
        "options, studies and shelves in your shell.\n"
    ]
    for name, verb in program.commands.items():
        rows = [_row(parameter) for parameter in verb.params if not getattr(parameter, "hidden", False)]
        parts.append(f"## {name}\n\n{verb.help}\n\n    otosome {name} {_usage(verb)}\n")
        parts.append("\n".join(["| | | default |", "|---|---|---|", *rows]) + "\n")
        parts.append(
            "\n".join(f"    {command}   # {does}" for command, does in EXAMPLES.get(name, ())) + "\n"
        )
    return "\n".join(parts)


def _usage(verb: Any) -> str:
    words = [_word(parameter) for parameter in verb.params if parameter.param_type_name == "argument"]
    return " ".join([*words, "[OPTIONS]"])


def _word(argument: Any) -> str:
    word = (argument.metavar or argument.name.upper()) + ("..." if argument.nargs == -1 else "")
    return word if argument.required else f"[{word}]"


def _row(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    shown = ", ".join(parameter.opts) if is_option else (parameter.metavar or parameter.name.upper())
    default = parameter.default
    plain = (
        ""
        if default is None or default is False or callable(default) or "default:" in _help(parameter)
        else default
    )
    return f"| `{cell(shown)}` | {cell(_help(parameter))} | {cell(str(plain))} |"


def _help(parameter: Any) -> str:
    return str(getattr(parameter, "help", None) or "")


def study_file() -> str:
    """The page of a study file's keys: each with its kind, its default and what it is."""
    schema = Tables.model_json_schema()
    parts = [
        "# Study file\n\nA study is a TOML file. Quantities stand in quotes with their unit. The same, for an editor: "
        "{download}`study.schema.json <../study.schema.json>`, in the package as `otosome/study/study.schema.json`. "
        "`otosome new study` writes one with comments.\n\n## The file itself\n"
    ]
    parts.append(_keys(schema))
    for name, table in schema["$defs"].items():
        if "properties" in table:
            places = ", ".join(f"`{place}`" for place in _places(schema, name))
            about = _paragraph(table.get("description", ""))
            parts.append(f"## {name}\n\n{about}\n\nStands under {places}.\n\n{_keys(table)}")
    return "\n".join(parts)


def _places(schema: Schema, name: str) -> list[str]:
    """Under which keys a table stands: ``[insult.NAME]``, ``[[arm]]``."""
    places = []
    for owner, of in (("", schema), *schema["$defs"].items()):
        for key, value in of.get("properties", {}).items():
            if f'"#/$defs/{name}"' in json.dumps(value):
                listed, named = '"items"' in json.dumps(value), '"additionalProperties"' in json.dumps(value)
                inside = f"[[{key}]]" if listed else f"[{key}.NAME]" if named else f"[{key}]"
                places.append(f"{owner}: {key}" if owner else inside)
    return places


def _keys(table: Schema) -> str:
    rows = ["| key | kind | default | |", "|---|---|---|---|"]
    for key, value in table["properties"].items():
        default = "" if value.get("default") in (None, "", [], {}) else json.dumps(value["default"])
        needed = "*needed*" if key in table.get("required", ()) else f"`{default}`" if default else ""
        rows.append(f"| `{key}` | {cell(kind(value))} | {needed} | {cell(value.get('description', ''))} |")
    return "\n".join(rows) + "\n"


def kind(value: Schema) -> str:
    """What a key may hold, in words."""
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(kind(part) for part in value["anyOf"] if part.get("type") != "null"))
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if "enum" in value or "const" in value:
        return ", ".join(f'"{word}"' for word in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        return f"list of {kind(value.get('items', {})) or 'values'}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"tables of {kind(inner)}" if isinstance(inner, dict) and inner else "table"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return words.get(str(value.get("type", "")), str(value.get("type", "any value")))


def json_answers() -> str:
    """The page of what each verb prints with ``--json``."""
    parts = [
        "# JSON\n\nWith `--json` a verb prints one object: `otosome` (the version), `command`, `ok`, and either "
        "its answer or an `error` with `message`, `file`, `key`, `given`, `allowed` and `cure`. Each schema is made "
        "from the program's own types, and a test holds every answer to it.\n\n"
        "| verb | answers with | schema |\n|---|---|---|"
    ]
    for verb in ANSWERS:
        keys = ", ".join(f"`{key}`" for key in _answer_keys(verb))
        parts.append(f"| `{verb}` | {keys} | {{download}}`{verb}.json <../schemas/{verb}.json>` |")
    return "\n".join(parts) + "\n"


def _answer_keys(verb: str) -> Iterator[str]:
    from tools.documents.schemas import schema

    whole = schema(verb)
    for part in whole["anyOf"]:
        of = whole["$defs"][part["$ref"].rpartition("/")[2]]
        yield from (key for key in of["properties"] if key not in ("otosome", "command", "ok", "error"))


def python() -> str:
    """The page of the names a person calls, with their docstrings."""
    parts = [
        "# Python\n\nEverything a person needs is in `otosome` itself; importing it loads nothing heavy. Arrays "
        "are NumPy arrays in house units (mm, uL, h, uM, kHz, dB); a docstring says shape, unit and range of each. "
        "Results are `xarray.Dataset`, tables `pandas.DataFrame`. Bad input is raised as `BadInput`.\n"
    ]
    for heading, names in NAMES.items():
        parts.append(f"## {heading}\n\n```{{eval-rst}}")
        parts += [_directive(name) for name in names]
        parts.append("```\n")
    return "\n".join(parts)


def _directive(name: str) -> str:
    stem = name.rpartition(".")[2]
    if stem[0].islower():
        return f".. autofunction:: {name}\n"
    members = "" if stem in ("Interval", "BadInput") or stem.endswith("Inputs") else "   :members:\n"
    return f".. autoclass:: {name}\n{members}"


def cell(text: str) -> str:
    """Text in a cell of a table: on one line, and no mark of its own."""
    plain = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return re.sub(r"(?<!`)([*_])(?![^`]*`)", r"\\\1", plain) if "`" not in plain else plain


def _paragraph(text: str) -> str:
    return " ".join(text.split())


def write(source: Path) -> None:
    """Write every generated page of the reference into the site's sources."""
    for name, text in pages().items():
        file = source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
