"""A published number or direction: what was measured, in how many, and how near counts as the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import exp, log, pi, sqrt
from statistics import NormalDist

from otosome.catalog import Entry
from otosome.errors import BadInput, at
from otosome.roles import CaseOptions, RowTable
from otosome.units import (
    convert,
    house,
    quantity,
    split,
)

# A normal's 5 and 95 % lie this many standard deviations from its mean.
Z95 = 1.6448536269514722
_QUANTITIES = ("value", "se", "sd", "low", "high", "above", "below")


@dataclass(frozen=True)
class Case:
    """One row: a published number with its error, a bound, or exact values; numbers in the paper's unit.

    ``value``         the published mean or median;  ``se``, ``sd``  its standard error, and the spread of single ears
    ``low``, ``high`` the range of single ears beside a number, or the range that is printed instead of one
    ``above``, ``below``  a direction: the statistic lies on this side
    ``expect``        exact values, each to be met within ``tolerance`` (a share of the value, or in its unit)
    ``n``             ears the statistic was taken over;  ``summary``  "mean" or "median" over them
    ``used``          what was calibrated on it (then it is no evidence);  ``weak``  why it could hardly fail
    ``why``           our reading of a disagreement;  ``no_test``  why it cannot be simulated
    """

    id: str
    about: str
    source: str
    locator: str
    unit: str = ""
    value: float | None = None
    se: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    expect: tuple[float, ...] = ()
    tolerance: str = ""
    n: int = 1
    summary: str = "mean"
    statistic: Mapping[str, object] = field(default_factory=dict)
    used: str = ""
    weak: str = ""
    why: str = ""
    no_test: str = ""

    @property
    def kind(self) -> str:
        """ "none", "exact", "direction" or "interval"."""
        if self.no_test:
            return "none"
        if self.expect:
            return "exact"
        return "interval" if self.above is None and self.below is None else "direction"

    @property
    def figure(self) -> str:
        """What it says beyond a middle: "spread", "correlation", "shape" or "run"; "" of a middle."""
        stated = str(self.statistic.get("figure", "middle"))
        return "" if stated == "middle" else stated

    def band(self) -> tuple[float, float]:
        """The measured value with its own error, 5 to 95 %: from its SE, else its SD and n, else the range of its n
        ears; without a value, the printed range."""
        if self.value is None:
            assert self.low is not None and self.high is not None
            return self.low, self.high
        if self.ranged:
            factor = exp(Z95 * self.doubt)
            return self.value / factor, self.value * factor
        return self.value - Z95 * self.error, self.value + Z95 * self.error

    @property
    def ranged(self) -> bool:
        """Whether all that is printed of a value's error is the range of its ears."""
        return self.value is not None and self.high is not None and not self.error

    @property
    def doubt(self) -> float:
        """Standard error of a published value's logarithm from the range of its ears, which are taken as log-normal.

        The range of n ears is some 2 z of their standard deviations, z the largest normal score. Where the lowest ear
        is zero, below what the assay sees, twice the upper half stands for the range. A median errs sqrt(pi/2)
        times as far as a mean.
        Source: Blom 1958 (normal scores)
        """
        assert self.value is not None and self.high is not None
        half = log(self.high / self.low) / 2 if self.low else log(self.high / self.value)
        score = NormalDist().inv_cdf((self.n - 0.375) / (self.n + 0.25))
        return half / score * sqrt((pi / 2 if self.summary == "median" else 1.0) / self.n)

    @property
    def error(self) -> float:
        """Standard error of the published mean, 0 where none is stated."""
        if self.se is not None:
            return self.se
        return 0.0 if self.sd is None else self.sd / self.n**0.5

    @property
    def spread(self) -> float | None:
        """Standard deviation between ears: as printed, else from the SE; a range of a few is no such number, and none
        is the error of a figure that tells how ears differ."""
        if self.figure:
            return None
        if self.sd is not None:
            return self.sd
        return None if self.se is None else self.se * self.n**0.5


def no_row(name: str, known: Iterable[str], key: str = "row") -> BadInput:
    """What to say of a row that is none: those that read like it, or else how many there are."""
    known = sorted(known)
    close = get_close_matches(name, known, 3, 0.5)
    return BadInput(
        "is no row of a case",
        key=key,
        given=name,
        allowed=close or f"{len(known)} rows, {known[0]} to {known[-1]}",
        cure="docs/validation.md lists them; of a case of your own name its folder: --shelves DIR",
    )


def cases(entry: Entry[CaseOptions, object]) -> list[Case]:
    """The rows of a case; raises BadInput naming file, key, value given and values allowed."""
    return [_case(entry, row_id, row) for row_id, row in entry.options.row.items()]


def _case(entry: Entry[CaseOptions, object], row_id: str, row: RowTable) -> Case:
    with at(entry.card.file, f'row."{row_id}"'):
        numbers, expect, unit = _numbers(row)
        case = Case(
            id=row_id,
            about=row.about or entry.card.about,
            source=row.source or entry.options.source,
            locator=row.locator or entry.options.locator,
            unit=unit,
            value=numbers["value"],
            se=numbers["se"],
            sd=numbers["sd"],
            low=numbers["low"],
            high=numbers["high"],
            above=numbers["above"],
            below=numbers["below"],
            expect=expect,
            tolerance=row.tolerance,
            n=row.n,
            summary=row.summary,
            statistic=row.statistic,
            used=row.used,
            weak=row.weak,
            why=row.why,
            no_test=row.no_test,
        )
        _check(case)
        # A formula of one's own knows of how many its error is.
        if entry.formula is None and case.sd is not None and case.n < 2:
            raise BadInput(
                "is one, left out or stated, and one animal has no spread",
                key="n",
                given=case.n,
                allowed="2 and more beside an sd",
                cure="state n, the animals of the group, or se in the place of sd",
            )
    return case


def _numbers(row: RowTable) -> tuple[dict[str, float | None], tuple[float, ...], str]:
    """The numbers of a row by key, its exact values, and the unit of the first of them, which all are in."""
    stated: dict[str, str] = {name: getattr(row, name) for name in _QUANTITIES}
    first = next((key for key, text in stated.items() if text), "expect" if row.expect else "")
    if not first:
        return dict.fromkeys(stated), (), ""
    unit = _split(row.expect[0] if first == "expect" else stated[first], first)[1]
    numbers = {name: _read(text, unit, name, first) if text else None for name, text in stated.items()}
    return numbers, tuple(_read(text, unit, "expect", first) for text in row.expect), unit


def _split(text: str, key: str) -> tuple[float, str]:
    try:
        return split(text)
    except ValueError as error:
        raise BadInput(str(error), key=_in_file(key), given=text) from error


def _read(text: str, unit: str, key: str, first: str) -> float:
    """A number in the unit of the first that its row states; raises BadInput where it is of another kind."""
    value, stated = _split(text, key)
    try:
        return value if stated == unit else convert(value, stated, unit)
    except ValueError as error:
        raise BadInput(
            f"is in another kind of unit than {_in_file(first)} of the same row",
            key=_in_file(key),
            given=text,
            allowed=f"a number in {unit}" if unit else "a number without a unit",
            cure=f"mend this or {_in_file(first)}",
        ) from error


def _in_file(key: str) -> str:
    return "found" if key == "value" else key


def _check(case: Case) -> None:
    """Refuse a row that states no number or too little of one."""
    if not (_is_measured(case) or case.expect or case.no_test):
        raise BadInput(
            "says what was measured, or why it is no test",
            allowed=["found", *_QUANTITIES[1:], "expect", "no_test"],
        )
    if case.kind == "direction" and (others := _beside_bound(case)):
        raise BadInput(
            "stands beside a bound, which has no value and no error of its own",
            key=others[0],
            allowed=["above", "below"],
            cure='state the bound alone; a fit states its error: [error."ROW"]',
        )
    if case.expect:
        _check_tolerance(case)
    if case.ranged and not (case.n > 1 and _rises(0.0, case.low or 0.0, case.value or 0.0, case.high or 0.0)):
        raise BadInput(
            "a range beside a value is that of two ears or more, from zero up, and holds it",
            given=(case.low, case.value, case.high, case.n),
        )
    if case.kind == "interval" and not _rises(*case.band()):
        raise BadInput("low and high must rise", given=case.band())


def _beside_bound(case: Case) -> list[str]:
    """The keys of values and errors that a row states."""
    keys = ("value", "se", "sd", "low", "high")
    return [_in_file(key) for key in keys if getattr(case, key) is not None]


def _is_measured(case: Case) -> bool:
    """Whether a row states a number, a range or a direction."""
    ranged = case.low is not None and case.high is not None
    return case.value is not None or ranged or case.kind == "direction"


def _check_tolerance(case: Case) -> None:
    if not case.tolerance:
        raise BadInput("an exact row has a tolerance", key="tolerance")
    try:
        tolerance(case, case.expect[0])
    except ValueError as error:
        raise BadInput(str(error), key="tolerance", given=case.tolerance) from error


def _rises(*numbers: float) -> bool:
    return all(a <= b for a, b in itertools.pairwise(numbers))


def to_paper(value: float, unit: str) -> float:
    """A number in house units in the paper's unit."""
    return convert(value, house(unit), unit)


def tolerance(case: Case, expected: float) -> float:
    """How far an exact value may lie off, in the paper's unit."""
    value, unit = split(case.tolerance)
    if unit == "%" and case.unit != "%":
        return abs(expected) * quantity(case.tolerance)
    return convert(value, unit, case.unit)
