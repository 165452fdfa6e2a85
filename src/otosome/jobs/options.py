"""What a job is asked, as its record keeps it; and the same asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from otosome.errors import BadInput
from otosome.results import Record
from otosome.units import Json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Inputs = TypeVar("Inputs", bound="DataclassInstance")
# Where a result goes is no part of what it answers.
_PLACE = ("out", "force")


def options_of(inputs: DataclassInstance) -> Json:
    """A job's inputs as JSON holds them: paths in full, tuples as lists, without where the result went."""
    return {
        part.name: _plain(getattr(inputs, part.name)) for part in fields(inputs) if part.name not in _PLACE
    }


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value.resolve())
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def inputs_of(kind: type[Inputs], stated: Mapping[str, object]) -> Inputs:
    """A job's inputs from a command line's options by name: a list as a tuple, an empty one where it is not given."""
    make: Callable[..., Inputs] = kind
    values = {}
    for part in fields(kind):
        if part.name in stated:
            value = stated[part.name]
            absent = value is None and part.default == ()
            values[part.name] = () if absent else tuple(value) if isinstance(value, list) else value
    return make(**values)


def inputs_again(kind: type[Inputs], record: Record, out: Path) -> Inputs:
    """The inputs of a job that was done, for another folder; raises BadInput where the record lacks one it needs."""
    hints = get_type_hints(kind)
    for part in fields(kind):
        if part.default is MISSING and part.name not in record.options:
            raise BadInput(
                f"does not say with which {part.name} its {record.verb} was asked",
                file=record.name,
                key=part.name,
                cure=f"ask again: otosome {record.verb}",
            )
    place: Json = {"out": out, "force": True}
    options = {name: _typed(record.options[name], hints[name]) for name in hints if name in record.options}
    return kind(**options, **place)


def _typed(option: object, hint: Any) -> object:
    if isinstance(option, list):
        return tuple(Path(text) if Path in get_args(hint) else text for text in option)
    return Path(option) if isinstance(option, str) and Path in (hint, *get_args(hint)) else option
