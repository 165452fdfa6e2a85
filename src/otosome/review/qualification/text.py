"""The rows in words, and as lines on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from otosome.review.qualification import counts, coverage
from otosome.review.qualification.verdict import (
    Row,
)

# Of the largest end of an interval around nothing: below it is what floating-point sums leave of zero.
_ROUNDING = 1e-9


def row_lines(rows: Sequence[Row]) -> list[str]:
    """A line for each row, and the counts."""
    cells = [(row.verdict, row.id, simulated(row), measured(row), _marks(row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    for name, by_verdict in counts(rows).items():
        parts = ", ".join(f"{n} {verdict}" for verdict, n in by_verdict.items() if n)
        lines += [f"{name}: {parts}"] if parts else []
    for name, by_mark in coverage(rows).items():
        cover = f"{by_mark['covering']} cover what was measured ({by_mark['covering, sharp']} of them sharp)"
        exclude = f"{by_mark['excluding']} exclude it ({by_mark['excluding, sharp']} sharp)"
        lines += [f"intervals of {name}: {cover}, {exclude}"] if any(by_mark.values()) else []
    return lines


def _marks(row: Row) -> str:
    calibrated = "calibrated on it" if row.used else "weak" if row.weak else ""
    return ", ".join(mark for mark in (calibrated, "wide" if row.sharp is False else "") if mark)


def simulated(row: Row) -> str:
    """Median and 5 to 95 % of the statistic over worlds."""
    if row.simulated is None:
        return ""
    ends = [row.simulated[key] for key in ("low", "median", "high")]
    # What a difference leaves of nothing is written as nothing; ratios of all sizes have one sign.
    noise = _ROUNDING * max(map(abs, ends)) if min(ends) < 0.0 < max(ends) else 0.0
    low, median, high = (0.0 if abs(end) < noise else end for end in ends)
    if row.kind == "exact":
        return valued(median, row.unit)
    return f"{number(median)} ({number(low)} to {number(high)}) {row.unit}".rstrip()


def measured(row: Row) -> str:
    """What was published, with its error, its range or its direction."""
    m = row.measured
    for key, word in (("above", "above"), ("below", "below")):
        if m.get(key) is not None:
            chance = "" if row.probability is None else f", p = {row.probability:.2f}"
            return f"{word} {valued(m[key], row.unit)}{chance}"
    if m["value"] is None and m["low"] is None:
        return ""
    value = f"{number(m['low'])} to {number(m['high'])}" if m["value"] is None else number(m["value"])
    if m.get("se") is not None:
        value += f" +- {number(m['se'])} (SE)"
    elif m.get("sd") is not None:
        value += f" +- {number(m['sd'])} (SD)"
    elif m["value"] is not None and m["low"] is not None:
        value += f" (ears {number(m['low'])} to {number(m['high'])})"
    count = f", n = {row.n}" if row.n > 1 else ""
    return f"{value} {row.unit}".rstrip() + count


def valued(value: float | None, unit: str) -> str:
    """A number to three digits with its unit."""
    return f"{number(value)} {unit}".rstrip()


def number(value: float | None) -> str:
    """A number to three digits; nothing where there is none."""
    return "" if value is None else f"{value:.3g}"
