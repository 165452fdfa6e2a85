"""An entry's file: TOML as plain values, and the card made of them."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from otosome.errors import BadInput
from otosome.evidence import (
    STANDINGS,
    Curve,
    Parameter,
    Source,
    is_parameter,
    make_curves,
    make_parameters,
)
from otosome.units import Array

LARGEST_FILE = 1_000_000
DEEPEST_FILE = 8


@dataclass(frozen=True)
class Card:
    """One entry's file: what it is, its options, its parameters by species and its curves."""

    shelf: str
    stem: str
    file: str
    about: str
    options: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)

    def parameter(self, key: str, species: str) -> Parameter:
        """The parameter for a species; raises BadInput if it has neither its own nor a general value."""
        by_species = self.parameters[key]
        found = by_species.get(species) or by_species.get("")
        if found is None:
            raise BadInput(
                f"{species} has no value for {self.stem}.{key}",
                file=self.file,
                key=f"{key}.{species}",
                allowed=sorted(by_species),
                cure="add one with its source, or one with scaled_from and rule",
            )
        return found

    def profile(self, name: str, species: str) -> Mapping[str, Array]:
        """The columns of a curve for a species; raises BadInput as ``curve`` does."""
        return {key: np.array(column) for key, column in self.curve(name, species).columns.items()}

    def curve(self, name: str, species: str) -> Curve:
        """The curve for a species; raises BadInput if it has neither its own nor a general one."""
        by_species = self.profiles[name]
        found = by_species.get(species) or by_species.get("")
        if found is None:
            raise BadInput(
                f"{species} has no curve {name} in {self.stem}", file=self.file, allowed=sorted(by_species)
            )
        return found


def read_toml(file: Path) -> dict[str, object]:
    """A TOML file as plain values; raises BadInput if it is too large, too deep, not finite or not TOML."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=str(file)) from error
    return parse_toml(raw, str(file))


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


def read_card(file: Path, shelf: str) -> Card:
    """An entry's TOML file; raises BadInput naming file, key, value given and values allowed."""
    values = read_toml(file)
    return make_card(values, shelf, file.stem, file.name)


def make_card(values: Mapping[str, object], shelf: str, stem: str, file: str) -> Card:
    """A card from plain values; raises BadInput as ``read_card`` does."""
    about = values.get("about")
    if not isinstance(about, str) or not about:
        raise BadInput("an entry begins with one sentence of what it is", file=file, key="about")
    parameters: dict[str, dict[str, Parameter]] = {}
    profiles: dict[str, dict[str, Curve]] = {}
    options: dict[str, object] = {}
    for key, value in values.items():
        if key == "profile" and isinstance(value, dict):
            profiles = {
                name: make_curves(inner, f"{shelf}.{stem}.{name}", file) for name, inner in value.items()
            }
        elif isinstance(value, dict) and is_parameter(value):
            parameters[key] = make_parameters(value, f"{shelf}.{stem}.{key}", file, key)
        elif key != "about":
            options[key] = value
    return Card(shelf, stem, file, about, options, parameters, profiles)


@lru_cache(maxsize=256)
def read_source(file: Path) -> Source:
    """A source's TOML file; raises BadInput for an unknown or missing key."""
    values = read_toml(file)
    told = ["title", "authors", "link", "date", "reason", "superseded_by", "read", "licence"]
    allowed = [*told, "year", "standing", "note"]
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
        **{"title": "", "link": "", **{k: str(values[k]) for k in told if k in values}},
    )
