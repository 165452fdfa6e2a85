"""A published number or direction: what was measured, in how many, and how near counts as the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log, pi, sqrt
from statistics import NormalDist

from otosome.catalog import Entry
from otosome.errors import BadInput
from otosome.roles import ObservationOptions
from otosome.units import (
    convert,
    house,
    quantity,
    split,
)

# A normal's 5 and 95 % lie this many standard deviations from its mean.
Z95 = 1.6448536269514722
_TEXTS = ("about", "source", "locator", "used", "weak", "why", "no_test", "summary")
_QUANTITIES = ("found", "se", "sd", "low", "high", "above", "below")
_KEYS = (*_TEXTS, *_QUANTITIES, "expect", "tolerance", "n", "statistic")
SUMMARIES = ("mean", "median")


@dataclass(frozen=True)
class Case:
    """One row: a published number with its error, a bound, or exact values; numbers in the paper's unit.

    ``found``         the published mean or median;  ``se``, ``sd``  its standard error, and the spread of single ears
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
    found: float | None = None
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

    def band(self) -> tuple[float, float]:
        """The measured value with its own error, 5 to 95 %: from its SE, else its SD and n, else the range of its n
        ears; without a value, the printed range."""
        if self.found is None:
            assert self.low is not None and self.high is not None
            return self.low, self.high
        if self.ranged:
            factor = exp(Z95 * self.doubt)
            return self.found / factor, self.found * factor
        return self.found - Z95 * self.error, self.found + Z95 * self.error

    @property
    def ranged(self) -> bool:
        """Whether all that is printed of a value's error is the range of its ears."""
        return self.found is not None and self.high is not None and not self.error

    @property
    def doubt(self) -> float:
        """Standard error of a published value's logarithm from the range of its ears, which are taken as log-normal.

        The range of n ears is some 2 z of their standard deviations, z the largest normal score. Where the lowest ear
        is zero, below what the assay sees, twice the upper half stands for the range. A median errs sqrt(pi/2)
        times as far as a mean.
        Source: Blom 1958 (normal scores)
        """
        assert self.found is not None and self.high is not None
        half = log(self.high / self.low) / 2 if self.low else log(self.high / self.found)
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
        """Standard deviation between ears: as printed, else from the SE; a range of a few is no such number."""
        if self.sd is not None:
            return self.sd
        return None if self.se is None else self.se * self.n**0.5


def cases(entry: Entry[ObservationOptions, object]) -> list[Case]:
    """The rows of an observation; raises BadInput naming file, key, value given and values allowed."""
    return [_case(entry, row_id, row) for row_id, row in entry.options.row.items()]


def _case(entry: Entry[ObservationOptions, object], row_id: str, row: Mapping[str, object]) -> Case:
    file, key = entry.card.file, f'row."{row_id}"'
    for name in row:
        if name not in _KEYS:
            raise BadInput("is not a key of a row", file=file, key=f"{key}.{name}", allowed=list(_KEYS))
    of_all = {
        "about": entry.card.about,
        "source": entry.options.source,
        "locator": entry.options.locator,
    }
    texts = {k: v for k, v in {**of_all, **row}.items() if k in _TEXTS}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise BadInput("must be text in quotes", file=file, key=f"{key}.{name}", given=text)
    numbers, unit = _numbers(row, file, key)
    made = Case(
        id=row_id, **texts, **numbers, unit=unit,  # type: ignore[arg-type]
        expect=_expected(row, unit, file, key), tolerance=str(row.get("tolerance", "")),
        n=_count(row, file, key), statistic=_table(row, file, key),
    )  # fmt: skip
    _check(made, file, key)
    return made


def _numbers(row: Mapping[str, object], file: str, key: str) -> tuple[dict[str, float], str]:
    given = {name: str(row[name]) for name in _QUANTITIES if name in row}
    listed = row.get("expect")
    first = [*given.values(), *([str(v) for v in listed] if isinstance(listed, list) else [])]
    unit = _read(first[0], None, file, key)[1] if first else ""
    return {name: _read(text, unit, file, f"{key}.{name}")[0] for name, text in given.items()}, unit


def _expected(row: Mapping[str, object], unit: str, file: str, key: str) -> tuple[float, ...]:
    listed = row.get("expect", [])
    if not isinstance(listed, list):
        raise BadInput("must be a list", file=file, key=f"{key}.expect", given=listed)
    return tuple(_read(str(text), unit, file, f"{key}.expect")[0] for text in listed)


def _read(text: str, unit: str | None, file: str, key: str) -> tuple[float, str]:
    try:
        value, given = split(text)
        return (value, given) if unit in (None, given) else (convert(value, given, str(unit)), str(unit))
    except ValueError as error:
        raise BadInput(str(error), file=file, key=key, given=text) from error


def _count(row: Mapping[str, object], file: str, key: str) -> int:
    n = row.get("n", 1)
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise BadInput("must be a whole number above zero", file=file, key=f"{key}.n", given=n)
    return n


def _table(row: Mapping[str, object], file: str, key: str) -> Mapping[str, object]:
    table = row.get("statistic", {})
    if not isinstance(table, dict):
        raise BadInput("must be a table", file=file, key=f"{key}.statistic", given=table)
    return table


def _check(case: Case, file: str, key: str) -> None:
    told = case.found is not None or (case.low is not None and case.high is not None)
    if not (told or case.expect or case.no_test or case.kind == "direction"):
        raise BadInput(
            "says what was measured, or why it is no test", file=file, key=key, allowed=list(_KEYS)
        )
    if case.summary not in SUMMARIES:
        raise BadInput(
            "is not known", file=file, key=f"{key}.summary", given=case.summary, allowed=list(SUMMARIES)
        )
    if case.expect and not case.tolerance:
        raise BadInput("an exact row has a tolerance", file=file, key=f"{key}.tolerance")
    if case.ranged and not (
        case.n > 1 and 0.0 <= (case.low or 0.0) <= (case.found or 0.0) <= (case.high or 0.0)
    ):
        raise BadInput(
            "a range beside a value is that of two ears or more, from zero up, and holds it",
            file=file, key=key, given=(case.low, case.found, case.high, case.n),
        )  # fmt: skip
    if case.expect:
        try:
            tolerance(case, case.expect[0])
        except ValueError as error:
            raise BadInput(str(error), file=file, key=f"{key}.tolerance", given=case.tolerance) from error
    low, high = case.band() if case.kind == "interval" else (0.0, 0.0)
    if low > high:
        raise BadInput("low and high must rise", file=file, key=key, given=(low, high))


def to_paper(value: float, unit: str) -> float:
    """A number in house units in the paper's unit."""
    return convert(value, house(unit), unit)


def tolerance(case: Case, expected: float) -> float:
    """How far an exact value may lie off, in the paper's unit."""
    value, unit = split(case.tolerance)
    if unit == "%" and case.unit != "%":
        return abs(expected) * quantity(case.tolerance)
    return convert(value, unit, case.unit)
