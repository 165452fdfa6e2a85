"""A number with unit, spread, species, source and standing, and drawing it.

A parameter has a best value and what is not known about it (``low`` and ``high``: 5 and 95 %, or the ends of
a uniform range). Spread between exposure runs, between animals and between lots comes on top. A draw is a function of
seed, name and row alone: row i is ear i, in world i // 10 (one draw of everything unknown), of an animal in a run of
that world, with lot i % 3. Numbers of which only a combination is known are linked: the deviate of one is made of its
own and of those of the others it names.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from otosome.errors import BadInput, at
from otosome.units import Array, convert, house, split

WORLD = 10
LOTS = 3
# Correlation of the two ears of one animal in what differs between animals: right against left in 492 pairs of injured
# mice (davidbritt/Quercetin-GCV-CMV-antiviral-data).
ALIKE = 0.54
# What a spread between subjects or runs is called as a number of its own, after the name of the number that spreads.
SUBJECTS, RUNS = "subjects", "runs"
# 95th percentile of the standard normal: `low` and `high` are 5 and 95 %.
_Z95 = 1.6448536269514722

Shape = Literal["fixed", "normal", "lognormal", "uniform", "loguniform"]
Numbers = NDArray[np.int64]
Basis = Literal["measured", "secondary", "unverified", "computed", "direction", "assumed"]
BASES: tuple[Basis, ...] = ("measured", "secondary", "unverified", "computed", "direction", "assumed")
SHAPES: tuple[Shape, ...] = ("fixed", "normal", "lognormal", "uniform", "loguniform")
Standing = Literal["current", "corrected", "disputed", "retracted", "withdrawn"]
STANDINGS: tuple[Standing, ...] = ("current", "corrected", "disputed", "retracted", "withdrawn")
# What claims a source, and can be read in it a second time.
READ: tuple[Basis, ...] = ("measured", "secondary", "unverified", "computed")
_NEEDS_BECAUSE = ("direction", "assumed", "unverified")
_PARAMETER_KEYS = (
    "meaning",
    "value",
    "low",
    "high",
    "shape",
    "runs",
    "subjects",
    "alike",
    "lots",
    "basis",
    "source",
    "locator",
    "because",
    "note",
    "scaled_from",
    "rule",
    "linked",
    "fit",
)
_FIRST_SHELVES = {"cases": "observations", "adverse_events": "harms"}
_CURVE_KEYS = ("basis", "source", "locator", "because", "note")


@dataclass(frozen=True)
class Source:
    """Where a number was read, and how it stands today.

    ``standing``  current, corrected, disputed, retracted (by its journal) or withdrawn (by its owner); of a
                  withdrawn source only key, date and reason are kept
    ``date``      of the last change of standing;  ``superseded_by``  key of the source that takes its place
    """

    key: str
    title: str
    link: str
    authors: str = ""
    year: int | None = None
    standing: Standing = "current"
    date: str = ""
    reason: str = ""
    superseded_by: str = ""
    read: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Parameter:
    """A number in house units with what is known of it.

    ``low``, ``high``  5 and 95 % of what is not known (ends of the range for uniform shapes)
    ``subjects``       spread between subjects: geometric standard deviation as a log, or additive
    ``alike``          correlation of both ears of a subject in that spread; 1 for what is of the whole body
    ``runs``, ``lots``  the same as ``subjects`` between exposure runs, between lots
    ``given``          the quantity as the file states it
    ``linked``         numbers by full name with the share, -1 to 1, that each one's own standard normal deviate has in
                       this one's; squares sum to less than one, and its own deviate makes up the rest
    ``fit``            the fit it comes from, whose draws link it
    ``streams``        of numbers whose full name begins so, what their draws are keyed by in its place: a name that a
                       person chose changes no draw
    """

    name: str
    meaning: str
    value: float
    unit: str
    low: float
    high: float
    shape: Shape
    basis: Basis
    given: str
    subjects: float = 0.0
    lots: float = 0.0
    runs: float = 0.0
    alike: float = ALIKE
    additive: bool = False
    source: str | None = None
    locator: str = ""
    because: str = ""
    species: str = ""
    scaled_from: str = ""
    linked: tuple[tuple[str, float], ...] = ()
    fit: str = ""
    streams: tuple[tuple[str, str], ...] = ()

    def stream(self, name: str) -> str:
        """What the draws of a number are keyed by: its full name, but for what a person named or what was renamed."""
        return first_name(
            next((key + name.removeprefix(of) for of, key in self.streams if name.startswith(of)), name)
        )

    @property
    def own_unit(self) -> str:
        """The unit its file states it in, of the same kind as the house unit ``unit``."""
        return split(self.given)[1]

    def quantile(self, probability: Array) -> Array:
        """The value with this probability of what is not known lying below it, any shape."""
        from scipy.special import ndtri

        if self.shape == "fixed":
            return np.full(np.shape(probability), self.value)
        if self.shape == "uniform":
            return self.low + probability * (self.high - self.low)
        if self.shape == "loguniform":
            return self.low * (self.high / self.low) ** probability
        z = ndtri(probability) / _Z95
        side = np.where(z < 0, self.low, self.high)
        if self.shape == "lognormal":
            return self.value * (side / self.value) ** np.abs(z)
        return self.value + (side - self.value) * np.abs(z)

    def deviate(self, value: Array) -> Array:
        """The standard normal deviate whose quantile is this value, any shape but a fixed one."""
        from scipy.special import ndtri

        if self.shape == "uniform":
            return np.asarray(ndtri((value - self.low) / (self.high - self.low)))
        if self.shape == "loguniform":
            return np.asarray(ndtri(np.log(value / self.low) / np.log(self.high / self.low)))
        low, middle, high = np.array([self.low, self.value, self.high])
        if self.shape == "lognormal":
            value, low, middle, high = (np.log(number) for number in (value, low, middle, high))
        side = np.where(value < middle, middle - low, high - middle)
        return np.asarray(_Z95 * (value - middle) / side)

    def ends(self) -> tuple[float, float]:
        """5 and 95 % of what is not known and of what differs between lots, each taken to the same side."""
        low, high = self.quantile(np.array([0.05, 0.95]))
        if not self.lots:
            return float(low), float(high)
        off = _Z95 * self.lots
        if self.additive:
            return float(low - off), float(high + off)
        return float(low * math.exp(-off)), float(high * math.exp(off))

    def draw(
        self, seed: int, start: int, stop: int, world: int = WORLD, cohort: Cohort | None = None
    ) -> Array:
        """Values of ears ``start`` to ``stop``, shape (ear,), of whom ``world`` share a world."""
        return self.drawn(seed, layout(start, stop, world, cohort))

    def drawn(self, seed: int, kin: Kin) -> Array:
        """Values of ears by what each belongs to, shape (ear,)."""
        return self.differing(self.at(seed, kin.world), seed, kin, self.runs, self.subjects)

    def differing(
        self, values: Array, seed: int, kin: Kin, runs: Array | float, subjects: Array | float
    ) -> Array:
        """Values of the worlds of ears (ear,) with what differs between lots, runs and animals on top, (ear,).

        ``runs``, ``subjects``  spreads between them, one for all ears or (ear,)
        """
        for kind, spread, numbers in (("lot", self.lots, kin.lot), ("run", runs, kin.run)):
            if np.any(spread):
                values = self._spread(values, spread, self._luck(seed, kind, numbers))
        return self._spread(values, subjects, self._of_animal(seed, kin)) if np.any(subjects) else values

    def _luck(self, seed: int, kind: str, numbers: Numbers) -> Array:
        """Standard normal deviates of lots, runs, animals or ears by number, shape (number,)."""
        from scipy.special import ndtri

        return np.asarray(
            ndtri(_by_number(numbers, partial(uniforms, seed, f"{self.stream(self.name)}/{kind}")))
        )

    def _of_animal(self, seed: int, kin: Kin) -> Array:
        """Standard normal deviate of each ear: its animal's, and where both ears are studied in part its own."""
        shared = self._luck(seed, "subject", kin.person)
        if kin.ears == 1:
            return shared
        own = self._luck(seed, "ear", kin.ear)
        return math.sqrt(self.alike) * shared + math.sqrt(1.0 - self.alike) * own

    def _worlds(self, seed: int, first: int, last: int) -> Array:
        """Probability of each world's value: uniform in (0, 1) whatever it is linked to."""
        from scipy.special import ndtr, ndtri

        def own(name: str) -> Array:
            return uniforms(seed, f"{self.stream(name)}/world", first, last)

        if not self.linked:
            return own(self.name)
        return np.asarray(ndtr(self.mix(lambda name: ndtri(own(name)))))

    def mix(self, own: Callable[[str], Array]) -> Array:
        """Its standard normal deviate, made of its own and of those of the numbers it is linked to, by full name."""
        rest = math.sqrt(1.0 - sum(share**2 for _, share in self.linked))
        return rest * own(self.name) + sum(share * own(name) for name, share in self.linked)

    def rest(self, whole: Array, own: Callable[[str], Array]) -> Array:
        """The own deviate that makes ``mix`` the whole one."""
        share = math.sqrt(1.0 - sum(part**2 for _, part in self.linked))
        return np.asarray((whole - sum(part * own(name) for name, part in self.linked)) / share)

    def at(self, seed: int, worlds: NDArray[np.int64]) -> Array:
        """The value of each world (subject,), before anything differs between lots or subjects."""
        return self.quantile(_by_number(worlds, lambda *ends: self._worlds(seed, *ends)))

    @property
    def spreads(self) -> bool:
        """Whether anything differs between its lots, runs or subjects."""
        return bool(self.lots or self.runs or self.subjects)

    def around(self, drawn: Array, then: Array, now: Array) -> Array:
        """Drawn values (subject,) with the value of their world moved from one to another."""
        return drawn - then + now if self.additive or not self.spreads else drawn / then * now

    def _spread(self, values: Array, spread: Array | float, deviate: Array) -> Array:
        deviation = spread * deviate
        return values + deviation if self.additive else values * np.exp(deviation)

    @property
    def hash(self) -> str:
        """Changes when the number, its spread, its source or what it is linked to does."""
        stated = (
            self.name,
            self.value,
            self.low,
            self.high,
            self.shape,
            self.unit,
            self.source,
            self.basis,
            self.subjects,
            self.lots,
            self.additive,
            *((self.runs, self.alike) if self.runs or self.alike != ALIKE else ()),
            *self.linked,
        )
        return hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Curve:
    """Columns of one length, in the units their formula states; the first, along which the others run, rises."""

    name: str
    columns: Mapping[str, tuple[float, ...]]
    basis: Basis
    source: str | None = None
    locator: str = ""
    because: str = ""
    species: str = ""

    @property
    def meaning(self) -> str:
        """What runs along what."""
        along, *others = self.columns
        return f"{', '.join(others)} along {along}"

    @property
    def points(self) -> int:
        """How many points it has."""
        return len(next(iter(self.columns.values())))

    @property
    def hash(self) -> str:
        """Changes when a point or its source does."""
        stated = (self.name, list(self.columns.items()), self.source, self.basis)
        return hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Cohort:
    """How ears come together: ``ears`` of each animal that are studied, ``animals`` exposed in one run."""

    ears: int = 1
    animals: int = 1


@dataclass(frozen=True)
class Kin:
    """What each ear belongs to, by number, all shape (ear,): its animal or ``person``, exposure run, lot and world.

    ``ears``  how many of each animal are studied
    """

    ear: Numbers
    person: Numbers
    run: Numbers
    lot: Numbers
    world: Numbers
    ears: int = 1


def _by_number(numbers: NDArray[np.int64], stream: Callable[[int, int], Array]) -> Array:
    """What a stream gives at each number, shape (number,)."""
    first = int(numbers.min())
    return stream(first, int(numbers.max()) + 1)[numbers - first]


def layout(start: int, stop: int, world: int = WORLD, cohort: Cohort | None = None) -> Kin:
    """What each row of a draw belongs to: rows of one world, run and animal are neighbours, a world's lots take turns.

    ``stop``  above ``start``;  ``world``  rows of one world;  ``cohort``  each animal alone with one ear, if left out
    returns   an animal or run that a world has no room for is cut short, and never goes on in the next
    """
    cohort = cohort or Cohort()
    rows = np.arange(start, stop)
    worlds = rows // world
    animals = -(-world // cohort.ears)
    animal = rows % world // cohort.ears
    runs = -(-animals // cohort.animals)
    person, run = worlds * animals + animal, worlds * runs + animal // cohort.animals
    lots = LOTS * worlds + (rows if cohort.ears == 1 else animal) % LOTS
    return Kin(rows, person, run, lots, worlds, cohort.ears)


def first_name(name: str) -> str:
    """A number's full name as it was first called: draws stay keyed by it, so that a better word moves no answer."""
    shelf, _, rest = name.partition(".")
    if shelf == "cells" and rest.endswith(".susceptibility"):
        return f"{name.removesuffix('susceptibility')}frailty"
    return f"{_FIRST_SHELVES[shelf]}.{rest}" if shelf in _FIRST_SHELVES else name


def near(name: str, names: Iterable[str]) -> list[str]:
    """The numbers that a misspelt name may mean: the one that was called so, or up to three that read like it."""
    names = list(names)
    return [now for now in names if first_name(now) == name] or get_close_matches(name, names, 3, 0.5)


def uniforms(seed: int, name: str, start: int, stop: int) -> Array:
    """Uniform numbers in (0, 1) for rows ``start`` to ``stop``: Philox keyed by seed and name, counter = row."""
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
    philox = np.random.Philox(key=int.from_bytes(digest, "little"), counter=start)
    raw = philox.random_raw(4 * (stop - start))[::4]
    return open_interval(raw)


def world_luck(seed: int, name: str, worlds: NDArray[np.int64]) -> Array:
    """The uniform number of each world's own value of a number, shape (subject,)."""
    return _by_number(worlds, partial(uniforms, seed, f"{first_name(name)}/world"))


def open_interval(raw: NDArray[np.uint64]) -> Array:
    """64 random bits as a number in (0, 1), never an end: 52 bits and a half fit a float without rounding."""
    return np.asarray(((raw >> np.uint64(12)) + 0.5) * 2.0**-52, dtype=np.float64)


def is_parameter(value: Mapping[str, object]) -> bool:
    """Whether a table of a file states a number, of all species or of each of several; no species' name has a dot."""
    return not value.keys().isdisjoint(("value", "meaning")) or any(
        isinstance(v, dict) and "value" in v and "." not in k for k, v in value.items()
    )


def make_curves(value: object, name: str) -> dict[str, Curve]:
    """The curves of a table by species, ``""`` for one that holds for all; raises BadInput as ``make_curve`` does."""
    if not isinstance(value, dict):
        raise BadInput("must be a table of columns", given=value)
    by_species = {species: inner for species, inner in value.items() if isinstance(inner, dict)}
    if not by_species:
        return {"": make_curve(value, name)}
    curves = {}
    for species, inner in by_species.items():
        with at(key=species):
            curves[species] = make_curve(inner, name, species)
    return curves


def make_curve(value: Mapping[str, object], name: str, species: str = "") -> Curve:
    """A curve from plain values: columns as lists of numbers, the rest text.

    raises  BadInput unless there are two columns or more of one length, the first of which rises, and a source
            or a reason as for a number
    """
    columns = {key: _column(column, key) for key, column in value.items() if isinstance(column, list)}
    words = {key: word for key, word in value.items() if key not in columns}
    for key, word in words.items():
        if key not in _CURVE_KEYS or not isinstance(word, str):
            raise BadInput("is not a column or a word of a curve", key=key, allowed=list(_CURVE_KEYS))
    _check_columns(columns)
    text = {key: str(words.get(key, "")) for key in _CURVE_KEYS}
    basis = _basis(text["basis"], text["source"], text["because"])
    return Curve(name, columns, basis, text["source"] or None, text["locator"], text["because"], species)


def _column(value: list[object], key: str) -> tuple[float, ...]:
    numbers = [float(v) for v in value if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(numbers) < len(value):
        raise BadInput("a column holds numbers", key=key, given=value)
    return tuple(numbers)


def _check_columns(columns: Mapping[str, tuple[float, ...]]) -> None:
    lengths = {len(column) for column in columns.values()}
    if len(columns) < 2 or len(lengths) != 1 or max(lengths) < 2:
        raise BadInput("a curve has two columns or more, of one length of two points or more")
    first = next(iter(columns))
    if any(b <= a for a, b in itertools.pairwise(columns[first])):
        raise BadInput("the first column of a curve rises", key=first)


def _basis(basis: str, source: str, because: str) -> Basis:
    """What holds for numbers and curves alike: a known basis, with the source or the reason it asks for."""
    if basis not in BASES:
        raise BadInput("is not known", key="basis", given=basis, allowed=list(BASES))
    if basis in _NEEDS_BECAUSE and not because:
        raise BadInput(f"what is {basis} says why", key="because")
    if basis not in ("assumed", "direction") and not source:
        cure = (
            'of a paper or a data sheet of your own write shelves/sources/NAME.toml (title, link, read = "whole"), and '
            'here source = "NAME"'
        )
        raise BadInput(f"what is {basis} names its source", key="source", cure=cure)
    return basis


def make_parameters(value: Mapping[str, object], name: str) -> dict[str, Parameter]:
    """The numbers of a table by species, ``""`` for one that holds for all; raises BadInput naming the key."""
    meaning = value.get("meaning")
    if not isinstance(meaning, str):
        raise BadInput("a parameter says what it means", key="meaning")
    numbers = {}
    general = {key: inner for key, inner in value.items() if not isinstance(inner, dict) or key == "linked"}
    _check_keys(general)
    if "value" in general or len(general) == len(value):
        numbers[""] = _parameter(general, name, meaning, "")
    for species, inner in value.items():
        if species not in general and isinstance(inner, dict):
            with at(key=species):
                numbers[species] = _parameter(inner, name, meaning, species)
    kinds = sorted({number.unit for number in numbers.values()})
    if len(kinds) > 1:
        raise BadInput("is of one kind in every species", given=kinds)
    return numbers


def _check_keys(value: Mapping[str, object]) -> None:
    unknown = sorted(set(value) - set(_PARAMETER_KEYS))
    if unknown:
        raise BadInput("is not a key of a parameter", key=unknown[0], allowed=list(_PARAMETER_KEYS))


def _parameter(value: Mapping[str, object], name: str, meaning: str, species: str) -> Parameter:
    _check_keys(value)
    if "value" not in value:
        raise BadInput("a parameter has a value", key="value")
    text = {key: _text(value, key) for key in _PARAMETER_KEYS if key != "linked"}
    number, unit = _number(text["value"], None, "value")
    low, high = _range(value, text, number, unit)
    spreads, additive = _spreads(text, unit)
    return Parameter(
        name=name,
        meaning=meaning,
        value=number,
        unit=unit,
        low=low,
        high=high,
        shape=_shape(text["shape"], low, high),
        basis=_basis(text["basis"], text["source"], text["because"]),
        given=text["value"],
        **spreads,
        alike=_alike(text["alike"]),
        additive=additive,
        source=text["source"] or None,
        locator=text["locator"],
        because=text["because"],
        species=species,
        scaled_from=text["scaled_from"],
        linked=_linked(value.get("linked", {}), name),
        fit=text["fit"],
        streams=(),
    )


def _text(value: Mapping[str, object], key: str) -> str:
    text = value.get(key, "")
    if not isinstance(text, str):
        raise BadInput("must be text in quotes", key=key, given=text)
    return text


def _range(
    value: Mapping[str, object], text: Mapping[str, str], number: float, unit: str
) -> tuple[float, float]:
    """Ends of what is not known; both the number itself where none are stated."""
    if ("low" in value) != ("high" in value):
        raise BadInput("low and high come together, or neither")
    if "low" not in value:
        return number, number
    low, high = (_number(text[end], unit, end)[0] for end in ("low", "high"))
    if not low <= number <= high:
        raise BadInput("low, value and high must rise", given=(low, number, high))
    return low, high


def _shape(text: str, low: float, high: float) -> Shape:
    """The shape a number states, or the one its range has: fixed, log-normal above zero, else normal."""
    usual: Shape = "fixed" if low == high else "lognormal" if low > 0 else "normal"
    shape = text or usual
    if shape not in SHAPES:
        raise BadInput("is not known", key="shape", given=shape, allowed=list(SHAPES))
    if shape in ("lognormal", "loguniform") and low <= 0:
        raise BadInput(f"a {shape} number lies above zero", key="low", given=low)
    return shape


def _spreads(text: Mapping[str, str], unit: str) -> tuple[dict[str, float], bool]:
    """Spread between runs, subjects and lots by key, and whether they are additive."""
    both = {key: _deviation(text[key], unit, key) for key in ("runs", "subjects", "lots")}
    sorts = {additive for spread, additive in both.values() if spread}
    if len(sorts) > 1:
        raise BadInput("runs, subjects and lots are all in % or all in the unit of the value")
    return {key: spread for key, (spread, _) in both.items()}, sorts == {True}


def _alike(text: str) -> float:
    """Correlation of both ears of a subject, 0 to 1."""
    alike = ALIKE if not text else _number(text, "", "alike")[0]
    if not 0.0 <= alike <= 1.0:
        raise BadInput("a correlation of two ears lies from 0 to 1", key="alike", given=text)
    return alike


def _linked(value: object, name: str) -> tuple[tuple[str, float], ...]:
    """Shares by full name, in the order of names; their squares leave something to the number itself."""
    cure = 'write linked = { "shelf.entry.number" = 0.5 }'
    if not isinstance(value, dict):
        raise BadInput("is a table of names and shares", key="linked", given=value, cure=cure)
    for other, share in value.items():
        if not isinstance(share, float) or other == name or other.count(".") != 2:
            raise BadInput(
                "is not the share of another number", key=f"linked.{other}", given=share, cure=cure
            )
    if sum(share**2 for share in value.values()) >= 1.0:
        raise BadInput(
            "leaves nothing to the number itself",
            key="linked",
            given=value,
            allowed="shares whose squares sum to less than 1",
        )
    return tuple(sorted(value.items()))


def _number(text: str, unit: str | None, key: str) -> tuple[float, str]:
    """A quantity in house units, or in the unit of the number it belongs to; and its unit."""
    try:
        value, stated = split(text)
        unit = house(stated) if unit is None else unit
        return convert(value, stated, unit), unit
    except ValueError as error:
        raise BadInput(str(error), key=key, given=text) from error


def _deviation(text: str, unit: str, key: str) -> tuple[float, bool]:
    """Spread between subjects or lots: a CV in % becomes the SD of the log, a quantity stays additive."""
    if not text:
        return 0.0, False
    relative = text.endswith("%")
    spread, _ = _number(text, "" if relative else unit, key)
    if spread < 0:
        raise BadInput("a spread is not negative", key=key, given=text)
    return (math.sqrt(math.log1p(spread**2)) if relative else spread), not relative


# A number that lost its source is at least this many times wider either way.
WITHDRAWN_WIDTH = 3.0
Sourced = TypeVar("Sourced", Parameter, Curve)


def without_source(stated: Sourced, source: Source) -> Sourced:
    """What is left of a number or curve whose source was withdrawn: assumed, a number wider, and saying so."""
    because = f"Its source {source.key} was withdrawn on {source.date}: {source.reason}"
    if isinstance(stated, Curve):
        return replace(stated, basis="assumed", because=because)
    return replace(_widened(stated), basis="assumed", because=because, linked=())


def _widened(parameter: Parameter) -> Parameter:
    if parameter.value > 0 and parameter.low > 0:
        low, high = parameter.low / WITHDRAWN_WIDTH, parameter.high * WITHDRAWN_WIDTH
        shape: Shape = "loguniform" if parameter.shape in ("uniform", "loguniform") else "lognormal"
    else:
        off = WITHDRAWN_WIDTH * max(parameter.high - parameter.value, parameter.value - parameter.low)
        off = off or abs(parameter.value)
        low, high = parameter.value - off, parameter.value + off
        shape = "fixed" if off == 0 else "normal"
    return replace(parameter, low=low, high=high, shape=shape)


def provisional(stated: Parameter | Curve) -> bool:
    """Whether a number or curve claims a source in which it was read only once, so far as this version knows."""
    return stated.basis in READ and read_twice().get(full_name(stated)) != stated.hash


def full_name(stated: Parameter | Curve) -> str:
    """Its name, with the species of which it holds where it does not hold for all."""
    return ".".join(filter(None, (stated.name, stated.species)))


@lru_cache(maxsize=1)
def read_twice() -> dict[str, str]:
    """Hashes, by full name, of the numbers and curves that two independent readings of a source agree on."""
    lines = (Path(__file__).parent / "shelves" / "second.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split() for line in lines)


def draw_columns(
    parameters: Iterable[Parameter],
    seed: int,
    start: int,
    stop: int,
    world: int = WORLD,
    cohort: Cohort | None = None,
) -> dict[str, Array]:
    """A column per parameter for ears ``start`` to ``stop``: name -> values, shape (ear,).

    ``world``  ears that share one draw of everything that is not known;  ``cohort``  as ``layout`` has it
    """
    kin = layout(start, stop, world, cohort)
    return {p.name: p.drawn(seed, kin) for p in parameters}
