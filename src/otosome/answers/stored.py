"""Typed answers in a result: written into its attributes as JSON, and read back as what they were."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from otosome.errors import BadInput

if TYPE_CHECKING:
    import xarray as xr

Answer = TypeVar("Answer")


def write(result: xr.Dataset, **answers: object) -> None:
    """Keep answers - dataclasses, or lists and dictionaries of them - in a result under these names."""
    from pydantic_core import to_jsonable_python

    result.attrs |= {name: json.dumps(to_jsonable_python(value)) for name, value in answers.items()}


@cache
def _reader(kind: Any) -> Any:
    """What reads answers of a kind: making it takes longer than to read one."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def read(result: xr.Dataset, name: str, kind: type[Answer]) -> Answer:
    """An answer as it was written; raises BadInput where another version wrote it differently."""
    from pydantic import ValidationError

    try:
        reader: Any = _reader
        known: Answer = reader(kind).validate_json(result.attrs[name])
        return known
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(
            f"was written by otosome {result.attrs.get('version', 'of another version')}, which stored it differently",
            key=".".join(map(str, (name, *first["loc"]))),
            cure="run study.toml of the result folder again",
        ) from error
