"""Plain values of a study file -> its tables; a refusal names the key, the value and what is allowed there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from otosome.cards import misshapen
from otosome.catalog import RENAMED
from otosome.errors import BadInput
from otosome.study.tables import Table, Tables

_Of = TypeVar("_Of", bound=Table)
_Place = tuple[int | str, ...]
# How pydantic names the forms of a value that may have several.
_FORMS = ("function-", "list[", "[key]")
# A list or table of a wrong length: what to say, and which end it passed.
_LENGTHS = {
    "too_short": ("holds too few", "at least", "min_length"),
    "too_long": ("holds too many", "at most", "max_length"),
}


def tables_of(values: Mapping[str, object], file: str) -> Tables:
    """The tables of a study from plain values; raises BadInput for the first key that is wrong."""
    return table_of(Tables, values, file)


def table_of(table: type[_Of], values: Mapping[str, object], file: str) -> _Of:
    """One table from plain values; raises BadInput for the first key that is wrong."""
    try:
        return table.model_validate(values)
    except ValidationError as error:
        raise _refusal(error, file, table) from error


def _refusal(error: ValidationError, file: str, root: type[Table]) -> BadInput:
    """Pydantic's first complaint in otosome's words."""
    complaint = _first(error)
    place, kind = complaint["loc"], complaint["type"]
    message, value = complaint["msg"].removeprefix("Value error, "), complaint.get("input")
    allowed: object = None
    cure: str | None = None
    if kind == "extra_forbidden":
        message, value, allowed = "is not a key here", str(place[-1]), list(_table(place, root).model_fields)
        cure = f"it is {RENAMED[value]} now" if value in RENAMED else None
    elif kind == "missing":
        message, value = "is missing", None
    elif kind == "literal_error":
        allowed = complaint["ctx"]["expected"]
    elif kind in _LENGTHS:
        message, words, end = _LENGTHS[kind]
        allowed = f"{words} {complaint['ctx'][end]}: {_description(place, root)}"
    shape = misshapen(kind, _key(place), value)
    if shape is not None:
        message, cure = shape
        value = f"[[{_key(place)}]] {len(value)} times" if isinstance(value, list) else value
    return BadInput(
        message,
        file=file,
        key=_key(place),
        given=value,
        allowed=allowed or _description(place, root),
        cure=cure,
    )


def _first(error: ValidationError) -> ErrorDetails:
    """Of a value that may be a text or a list, the complaint about the form it has."""
    complaints = error.errors()
    apt = (c for c in complaints if c["type"] != "string_type" or not isinstance(c["input"], list))
    return next(apt, complaints[0])


def _key(place: _Place) -> str:
    return ".".join(str(part) for part in place if not str(part).startswith(_FORMS))


def _description(place: _Place, root: type[Table]) -> str | None:
    """What the key at a place takes, where its table describes it."""
    keys = _table(place, root).model_fields
    return next((keys[part].description for part in place if isinstance(part, str) and part in keys), None)


def _table(place: _Place, root: type[Table]) -> type[Table]:
    """The table of a file that a place lies in."""
    field = root.model_fields.get(str(place[0])) if len(place) > 1 else None
    return root if field is None else next(_tables_in(field.annotation), root)


def _tables_in(annotation: object) -> Iterator[type[Table]]:
    """The tables that a type speaks of, as ``dict[str, Arm]`` speaks of ``Arm``."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables_in(inner)
