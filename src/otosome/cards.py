"""An entry's file: TOML as plain values, and the card made of them, its options checked against those of its shelf."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from otosome.errors import BadInput, at
from otosome.evidence import (
    STANDINGS,
    Curve,
    Parameter,
    Source,
    is_parameter,
    make_curves,
    make_parameters,
)
from otosome.files import content
from otosome.fitting.joint import FITS, row_of
from otosome.roles import OPTIONS, On, Options
from otosome.units import Array

LARGEST_FILE = 1_000_000
DEEPEST_FILE = 8


@dataclass(frozen=True)
class Card:
    """One entry's file: what it is, its options, its parameters by species and its curves.

    ``stated``  every option the file states, as it states it: those of the shelf, and of the entry's own formula
    """

    shelf: str
    stem: str
    file: str
    about: str
    options: Options
    stated: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)

    @property
    def names(self) -> Mapping[str, On]:
        """Options that name entries, with the shelves these stand on."""
        return _names(self.shelf)

    def parameter(self, key: str, species: str) -> Parameter:
        """The parameter for a species; raises BadInput if it has neither its own nor a general value."""
        by_species = self.parameters[key]
        number = by_species.get(species) or by_species.get("")
        if number is None:
            raise BadInput(
                f"{species} has no value for {self.stem}.{key}",
                file=self.file,
                key=f"{key}.{species}",
                allowed=sorted(by_species),
                cure="add one with its source, or one with scaled_from and rule",
            )
        return number

    def profile(self, name: str, species: str) -> Mapping[str, Array]:
        """The columns of a curve for a species; raises BadInput as ``curve`` does."""
        return {key: np.array(column) for key, column in self.curve(name, species).columns.items()}

    def curve(self, name: str, species: str) -> Curve:
        """The curve for a species; raises BadInput if it has neither its own nor a general one."""
        by_species = self.profiles[name]
        curve = by_species.get(species) or by_species.get("")
        if curve is None:
            raise BadInput(
                f"{species} has no curve {name} in {self.stem}", file=self.file, allowed=sorted(by_species)
            )
        return curve


def read_toml(file: Path) -> dict[str, object]:
    """A TOML file as plain values; raises BadInput if it is too large, too deep, not finite or not TOML."""
    return parse_toml(content(file, LARGEST_FILE), str(file))


def parse_toml(raw: bytes, file: str) -> dict[str, object]:
    """Bytes of a TOML file as plain values; raises BadInput as ``read_toml`` does."""
    if len(raw) > LARGEST_FILE:
        raise BadInput(f"is larger than {LARGEST_FILE} bytes", file=file)
    try:
        values = tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(
            f"is not UTF-8 text (byte {error.start})", file=file, cure="save it as UTF-8 in your editor"
        ) from error
    except ValueError as error:
        # Not only TOMLDecodeError: an integer of thousands of digits is a plain ValueError.
        raise BadInput(f"is not valid TOML: {error}", file=file) from error
    except RecursionError as error:
        raise BadInput(f"is nested deeper than {DEEPEST_FILE} levels", file=file) from error
    check_plain(values, file)
    return values


def check_plain(values: Mapping[str, object], file: str) -> None:
    """Refuse values that are nested too deep, or numbers that are not finite."""
    _check_plain(values, file, "", DEEPEST_FILE)


def _check_plain(value: object, file: str, key: str, depth: int) -> None:
    if depth < 0:
        raise BadInput(f"is nested deeper than {DEEPEST_FILE} levels", file=file, key=key[:80])
    if isinstance(value, float) and not math.isfinite(value):
        raise BadInput("is not finite", file=file, key=key, given=str(value))
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _check_plain(inner, file, f"{key}.{name}" if key else name, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check_plain(inner, file, key, depth - 1)


def read_card(file: Path, shelf: str, formula: type | None = None) -> Card:
    """An entry's TOML file; raises BadInput naming file, key, value given and values allowed."""
    return make_card(_joined(read_toml(file), shelf, file), shelf, file.stem, file.name, formula)


def _joined(values: dict[str, object], shelf: str, file: Path) -> dict[str, object]:
    """An entry's values, where each number that names a fit is linked as the fit's draws say."""
    fits = file.parent.parent / FITS

    def row(value: object, name: str, key: str) -> object:
        if not (isinstance(value, dict) and is_parameter(value)):
            return value
        with at(file.name, key):
            return row_of({species: row(each, name, key) for species, each in value.items()}, name, fits)

    stated = values.get("numbers")
    if shelf == "strains" and isinstance(stated, dict):
        restated = {name: row(value, name, f"numbers.{name}") for name, value in stated.items()}
        return {**values, "numbers": restated}
    return {key: row(value, f"{shelf}.{file.stem}.{key}", key) for key, value in values.items()}


def make_card(
    values: Mapping[str, object], shelf: str, stem: str, file: str, formula: type | None = None
) -> Card:
    """A card from plain values; raises BadInput as ``read_card`` does.

    ``formula``  the entry's dataclass, whose own words, lists and tables are options too
    """
    about = values.get("about")
    if not isinstance(about, str) or not about:
        raise BadInput("an entry begins with one sentence of what it is", file=file, key="about")
    parameters: dict[str, dict[str, Parameter]] = {}
    profiles: dict[str, dict[str, Curve]] = {}
    stated: dict[str, object] = {}
    tables = {f.name for f in fields(OPTIONS.get(shelf, Options))}
    for key, value in values.items():
        if key == "profile" and isinstance(value, dict):
            for name, inner in value.items():
                with at(file, f"profile.{name}"):
                    profiles[name] = make_curves(inner, f"{shelf}.{stem}.{name}")
        elif isinstance(value, dict) and key not in tables and is_parameter(value):
            with at(file, key):
                parameters[key] = make_parameters(value, f"{shelf}.{stem}.{key}")
        elif key != "about":
            stated[key] = value
    with at(file):
        options = make_options(stated, shelf, formula)
    return Card(shelf, stem, file, about, options, stated, parameters, profiles)


def make_options(stated: Mapping[str, object], shelf: str, formula: type | None) -> Options:
    """The options of a shelf from plain values; raises BadInput for an unknown one, or a wrong type or value.

    ``formula``  the entry's dataclass: what it alone asks is checked too, and goes to it when it is bound
    """
    schema = OPTIONS.get(shelf, Options)
    of_shelf = {f.name for f in fields(schema)}
    of_formula = {} if formula is None else _own_options(formula)
    allowed = sorted({*of_shelf, *of_formula})
    for key, value in stated.items():
        if key not in allowed:
            near = get_close_matches(key, allowed, n=1)
            raise BadInput(
                f"is not an option of {shelf}",
                key=key,
                given=value,
                allowed=allowed,
                cure=f"is it {near[0]}?" if near else None,
            )
        if key in of_formula:
            with at(key=key):
                checked(of_formula[key], value)
    return cast(Options, checked(schema, {key: stated[key] for key in stated if key in of_shelf}))


@lru_cache(maxsize=64)
def _names(shelf: str) -> Mapping[str, On]:
    schema = OPTIONS.get(shelf, Options)
    hints = get_type_hints(schema, include_extras=True)
    marks = {f.name: [mark for mark in _marks(hints[f.name]) if isinstance(mark, On)] for f in fields(schema)}
    return {name: named[0] for name, named in marks.items() if named}


def _marks(kind: object) -> Iterator[object]:
    """What is annotated anywhere in a type."""
    yield from getattr(kind, "__metadata__", ())
    for inner in get_args(kind):
        yield from _marks(inner)


def _own_options(formula: type) -> dict[str, object]:
    """Fields of a formula that its file may state as an option, with their types: all but numbers and curves."""
    hints = get_type_hints(formula, include_extras=True)
    return {f.name: hints[f.name] for f in fields(formula) if f.init and _is_plain(hints[f.name])}


def _is_plain(kind: object) -> bool:
    """Whether a type is made of words, numbers, lists and tables alone, as TOML holds them."""
    if kind in (str, bool, int, float, object, NoneType, Ellipsis) or get_origin(kind) is Literal:
        return True
    if get_origin(kind) is Annotated:
        return _is_plain(get_args(kind)[0])
    return get_origin(kind) in (Union, UnionType, tuple, Mapping) and all(map(_is_plain, get_args(kind)))


def checked(kind: object, value: object) -> object:
    """A plain value as a type states it; raises BadInput naming the key, the value given and those allowed."""
    try:
        return _adapter(kind).validate_json(json.dumps(value, default=_no_text), strict=True)
    except ValidationError as error:
        raise _refusal(kind, error) from error


@lru_cache(maxsize=512)
def _adapter(kind: Any) -> TypeAdapter[object]:
    return TypeAdapter(kind)


def _no_text(moment: object) -> Mapping[str, None]:
    """A day or time of TOML is none of ours: options state those in quotes."""
    return {str(moment): None}


# What is said of a value of the wrong type, by the beginning of pydantic's name for it.
_WRONG = {
    "string": "must be text in quotes",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "tuple": "must be a list",
    "dict": "must be a table",
    "dataclass": "must be a table",
    "missing": "is missing",
    "unexpected": "is not a key here",
    "literal": "is not known",
    "too": "holds too few or too many",
}


def misshapen(sort: str, key: str, value: object) -> tuple[str, str] | None:
    """What to say of a table, a list of tables or a value in another's place, and the cure; None of anything else.

    ``sort``  what pydantic calls the fault;  ``key``  where it stands: "compare", "insult.blast"
    """
    if sort.startswith(("model", "dataclass", "dict")):
        return _no_table(key, value, of_names=sort.startswith("dict"))
    if sort.startswith(("list", "tuple")) and isinstance(value, Mapping):
        return "is written as one table, where a list of tables is", f"write [[{key}]] for each"
    if sort.startswith(("list", "tuple")) and isinstance(value, (str, int, float)):
        return "is one value, where a list is", f"write {key.rpartition('.')[2]} = [{json.dumps(value)}]"
    return None


def _no_table(key: str, value: object, *, of_names: bool) -> tuple[str, str] | None:
    """The same of what stands where a table is, or one of named tables; None of a list of no tables."""
    if isinstance(value, list):
        own = f"[{key}.NAME], a name of your own for each" if of_names else f"[{key}], once"
        are = all(isinstance(each, Mapping) for each in value)
        return (f"is written [[{key}]], as a list of tables", f"write {own}") if are else None
    above = key.rpartition(".")[0]
    named = f"write [{above or key}.NAME], with a name of your own, and its keys below"
    cure = named if above or of_names else f"write [{key}], and its keys below"
    return "is one value, where a table is", cure


def _refusal(kind: object, error: ValidationError) -> BadInput:
    """Pydantic's complaint in our words; a misspelt key before what is missing for it."""
    complaints = error.errors()
    first = next((c for c in complaints if c["type"] == "unexpected_keyword_argument"), complaints[0])
    sort, place = first["type"], first["loc"]
    allowed: list[str] | None = None
    if sort == "unexpected_keyword_argument":
        allowed = _keys(kind, place[:-1])
    elif sort == "literal_error":
        allowed = first["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    if sort.startswith("missing"):
        # All that is missing at once, so that nobody comes back for each.
        missing = [_place(c["loc"]) for c in complaints if c["type"] == sort]
        return BadInput("is missing" if len(missing) == 1 else "are missing", key=", ".join(missing))
    shape = misshapen(sort, _place(place), first["input"])
    return BadInput(
        _WRONG.get(sort.partition("_")[0], first["msg"].removeprefix("Value error, ").removeprefix("Input ")),
        key=_place(place) or None,
        given=first["input"],
        allowed=allowed,
        cure=None if shape is None else shape[1],
    )


def _place(place: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in place if part != "[key]")


def _keys(kind: object, place: Sequence[int | str]) -> list[str]:
    """The keys of the table that stands at a place of a schema."""
    if get_origin(kind) is Annotated:
        return _keys(get_args(kind)[0], place)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        by_key = {_in_file(f.name, hints[f.name]): hints[f.name] for f in fields(kind)}
        return _keys(by_key[str(place[0])], place[1:]) if place else list(by_key)
    if get_origin(kind) in (Union, UnionType):
        return _keys(next(part for part in get_args(kind) if part is not NoneType), place)
    return _keys(get_args(kind)[0 if get_origin(kind) is tuple else -1], place[1:])


def _in_file(name: str, hint: object) -> str:
    """The key of a field: its name, or the alias it states."""
    aliases = (extra.alias for extra in get_args(hint) if isinstance(extra, FieldInfo))
    return next(filter(None, aliases), name)


@lru_cache(maxsize=256)
def read_source(file: Path) -> Source:
    """A source's TOML file; raises BadInput for an unknown or missing key."""
    values = read_toml(file)
    words = ["title", "authors", "link", "date", "reason", "superseded_by", "read", "licence"]
    allowed = [*words, "year", "standing", "note"]
    standing = values.get("standing", "current")
    if standing not in STANDINGS:
        raise BadInput(
            "is not known", file=file.name, key="standing", given=standing, allowed=list(STANDINGS)
        )
    # A tombstone keeps nothing of what was withdrawn.
    if standing == "withdrawn":
        allowed = ["standing", "date", "reason"]
    for key in values:
        if key not in allowed:
            raise BadInput(f"is not a key of a {standing} source", file=file.name, key=key, allowed=allowed)
    wanted = {"current": ["title", "link"], "withdrawn": ["date", "reason"]}
    for key in wanted.get(str(standing), ["title", "link", "date", "reason"]):
        if not isinstance(values.get(key), str) or not values[key]:
            raise BadInput(f"a {standing} source states it", file=file.name, key=key)
    year = values.get("year")
    return Source(
        key=file.stem,
        year=year if isinstance(year, int) else None,
        standing=standing,  # type: ignore[arg-type]  # checked above
        **{"title": "", "link": "", **{k: str(values[k]) for k in words if k in values}},
    )
