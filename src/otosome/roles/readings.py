"""Shelves of what is read of an ear: endpoints, instruments, scales of hearing loss, what a measurement costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from pydantic import Field

from otosome.evidence import Basis
from otosome.roles.nouns import Cells, Ear, Reading
from otosome.roles.options import AskingOptions, On, Options, UnitName
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.laboratory.file import Export
    from otosome.laboratory.tables import Tables

# What an endpoint may ask of a measure.
Word = Literal[
    "frequency",
    "cell",
    "level",
    "material",
    "speech",
    "noise",
    "solute",
    "of",
    "place",
    "sample",
    "collected",
    "limit",
]


@dataclass(frozen=True)
class EndpointOptions(AskingOptions):
    """Options of an endpoint.

    ``unit``    it is read in;  ``better``  which way is better
    ``label``   its name on an axis;  ``ears``  sides it is read of;  ``hears``  endpoint whose value enters its own
    ``session``  share of a reading's error variance that all readings of one session by one reader have in common
    ``stimulus``  level it is read at where a measure names none, dB SPL (of f2 for emissions): others are not compared
    """

    unit: UnitName = field(kw_only=True)
    better: Literal["lower", "higher"] = field(kw_only=True)
    label: str = ""
    asks: tuple[Word, ...] = ()
    takes: tuple[Word, ...] = ()
    ears: tuple[Literal["left", "right"], ...] = ("left",)
    session: Annotated[float, Field(ge=0, lt=1)] = 0.0
    hears: Annotated[str, On(("endpoints",))] | None = None
    stimulus: Annotated[float, Field(ge=-30, le=140)] | None = None


class Endpoint(Protocol):
    """Something measured, with its error.

    What it ``asks`` of a measure and what it ``takes`` besides stand in its TOML, as do its unit, what is better,
    and the endpoint it ``hears`` by, if another's value enters its own.
    """

    def value(self, ear: Ear, cells: Cells, frequency: Array) -> Array:
        """The true value, shape (subject, time, frequency)."""
        ...

    def read(self, value: Array, uniform: Array) -> Reading:
        """A reading of the true value; ``uniform`` in (0, 1), same shape."""
        ...

    def log_likelihood(self, reading: Reading, value: Array) -> Array:
        """Log-probability of each reading if the truth were ``value``, same shape."""
        ...


@dataclass(frozen=True)
class InstrumentOptions(Options):
    """Options of an instrument: the ``layouts`` it reads, and the sources that describe them."""

    layouts: tuple[str, ...] = ()
    layout_sources: tuple[str, ...] = ()


class Instrument(Protocol):
    """A laboratory instrument, or a published table, whose files are read."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins like this is one of its exports; no other instrument says so too."""
        ...

    def read(self, export: Export) -> Tables:
        """The file's ``Tables``: what it holds, and what of it was refused; raises BadInput where all is."""
        ...


@dataclass(frozen=True)
class RuleTable(Options):
    """A rule of a scale as its file states it: the ``grade``, and the level that is passed for it."""

    grade: int
    of: Literal["threshold", "shift", "response"] = "threshold"
    at: tuple[str, ...] = ()
    over: Literal["any", "all", "mean"] = "any"
    run: Annotated[int, Field(ge=0)] = 0
    above: str | None = None
    reaches: str | None = None
    ears: Literal["worse", "better"] = "worse"


@dataclass(frozen=True)
class ScaleOptions(Options):
    """Options of a scale of hearing loss.

    ``labels``  of its grades, best first;  ``needs``  frequencies without which it does not grade
    """

    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    rule: Annotated[tuple[RuleTable, ...], Field(min_length=1)]
    basis: Basis
    needs: tuple[str, ...] = ()
    source: str = ""
    locator: str = ""
    because: str = ""


@dataclass(frozen=True)
class MeasurementOptions(Options):
    """Options of a measurement that a laboratory can make: the ``numbers`` it tells, by key, and what it costs.

    ``animals``  it takes;  ``days``  of work;  ``because``  why so much
    """

    numbers: Annotated[tuple[str, ...], Field(min_length=1)]
    animals: Annotated[int, Field(ge=0)]
    days: Annotated[float, Field(gt=0)]
    because: str
