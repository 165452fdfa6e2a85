"""What a design answers: numbers with their words, curves, an estimand, a paragraph for the analysis plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from otosome.answers.numbers import number, share, unit_text


@dataclass(frozen=True)
class Line:
    """A number of the answer: what it is, its value in ``unit``, and how every output writes it."""

    name: str
    value: float
    unit: str
    text: str


@dataclass(frozen=True)
class Series:
    """A line of a figure: its ``label``, and points along and up, each of one length."""

    label: str
    across: tuple[float, ...]
    up: tuple[float, ...]


@dataclass(frozen=True)
class Chart:
    """A figure: its heading, what its axes are, and its lines. ``mark`` is a height worth a line of its own."""

    heading: str
    across: str
    up: str
    series: tuple[Series, ...]
    mark: float | None = None


@dataclass(frozen=True)
class Part:
    """A table of the answer below its heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Estimand:
    """What a trial estimates, by the five attributes of ICH E9(R1)."""

    population: str
    treatments: str
    variable: str
    intercurrent: str
    summary: str


@dataclass(frozen=True)
class Plan:
    """What a design answers without simulating patients.

    ``headline``  the answer in one sentence;  ``n``  how many in each group, by its name
    ``analysis``  a paragraph for the protocol
    """

    headline: str
    n: Mapping[str, int]
    parts: tuple[Part, ...]
    charts: tuple[Chart, ...]
    estimand: Estimand
    analysis: str
    notes: tuple[str, ...] = field(default=())


def line(name: str, value: float, unit: str = "", digits: int = 3) -> Line:
    """A number with its unit."""
    return Line(name, float(value), unit, f"{number(float(value), digits)} {unit_text(unit)}".rstrip())


def chance(name: str, value: float) -> Line:
    """A probability, 0 to 1, written in per cent."""
    return Line(name, float(value), "", share(float(value)).text)


def counted(name: str, value: int) -> Line:
    """A whole number."""
    return Line(name, float(value), "", str(value))
