"""How exact the calculation is: in one short line, and in full."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.answers.accuracy import Accuracy, Cost, Drawn, DrawnCost, DrawnErrors
from otosome.answers.numbers import number
from otosome.report.summary import capital


def short(errors: Accuracy) -> str:
    """The numerical error in one short line."""
    parts = [] if errors.measure is None else [f"{number(errors.measure.time, 2)} {errors.measure.unit}"]
    if errors.total is not None and errors.total.peak is not None:
        parts.append(f"{number(100 * errors.total.peak, 2)} % of the vesicles' peak")
    if not parts:
        parts.append(f"{number(errors.mass_balance, 2)} of what was given")
    beyond = errors.beyond is not None and (errors.beyond.best or errors.beyond.drawn)
    what = "; in some ears concentrations of vesicles are less exact than their limits"
    return f"Numerical error {', '.join(parts)}{what if beyond else ''}"


def exactness(errors: Accuracy, subjects: int) -> str:
    """The numerical errors in plain sentences."""
    balance = (
        f"what was given is accounted for to {number(errors.mass_balance, 2)} of the dose, "
        f"and {_flagged(errors.flagged, subjects)}."
    )
    if errors.measure is not None:
        off = f"{number(errors.measure.time, 2)} {errors.measure.unit}"
        balance = f"steps three times as fine move the compared measure by {off}; {balance}"
    if errors.total is None:
        return capital(balance)
    first = "Twice the places, and steps half as long, move the vesicles of the best-value ear in sum by"
    return f"{first} {_cost(errors.total)}{_drawn_cost(errors.drawn)}. {capital(balance)}"


def _flagged(count: int, subjects: int) -> str:
    if count == 0:
        return "no ear was flagged"
    verb = "was" if count == 1 else "were"
    return f"{count} of {subjects} ears {verb} flagged for time steps that may be too coarse"


def _cost(error: Cost) -> str:
    peak = "no number" if error.peak is None else f"{number(100 * error.peak, 2)} % of the peak"
    apex = error.apex_log10
    return peak if apex is None else f"{peak} and {number(apex, 2)} powers of ten at the apex"


def _drawn_cost(drawn: DrawnErrors | None) -> str:
    if drawn is None or drawn.ears == 0:
        return ""
    peak, apex = drawn.total.peak, drawn.total.apex_log10
    median, worst = _cost(Cost(peak.median, apex.median)), _cost(Cost(peak.worst, apex.worst))
    return (
        f"; those of {_ears(drawn)} by {median}{'' if drawn.ears == 1 else f' (median), by {worst} (worst)'}"
    )


def _ears(drawn: DrawnErrors) -> str:
    return f"{drawn.ears} drawn ear{'' if drawn.ears == 1 else 's'}"


def limits(errors: Accuracy) -> str:
    """Whether the errors stay within their limits, and what it means where they do not; empty without vesicles."""
    beyond, drawn, total = errors.beyond, errors.drawn, errors.total
    if beyond is None or drawn is None or total is None:
        return ""
    allowed = _cost(errors.limits)
    ears = ["the best-value ear"] if beyond.best else []
    ears += [f"{beyond.drawn} of {_ears(drawn)}"] if beyond.drawn else []
    if not ears:
        return f"The errors of vesicles are within their limits, {allowed}."
    finer = 2 * errors.fineness
    cure = f"; fineness = {finer} in the study, in four times the time, comes closer" if finer <= 8 else ""
    return (
        f"Beyond the limits, {allowed}: {' and '.join(ears)}. Read concentrations of vesicles in such an ear "
        f"{', and '.join(_closest(errors.limits, total, drawn.total))}{cure}."
    )


def _closest(allowed: Cost, best: Cost, drawn: DrawnCost) -> list[str]:
    """How closely concentrations can be read where an error passes its limit."""
    peak = max(best.peak or 0.0, drawn.peak.worst or 0.0)
    apex = max(best.apex_log10 or 0.0, drawn.apex_log10.worst or 0.0)
    closest = []
    if peak > (allowed.peak or 0.0):
        closest.append(f"no closer than {number(100 * peak, 2)} % of their peak")
    if apex > (allowed.apex_log10 or 0.0):
        closest.append(f"at the apex no closer than by a factor of {number(10**apex)}")
    return closest


@dataclass(frozen=True)
class ErrorRow:
    """An error as a row of a table: what moved, of the best-value ear, and of drawn ones, median and worst."""

    moved: str
    shown: list[str]


def error_rows(errors: Accuracy) -> list[ErrorRow]:
    """The errors of space, of time and of both; none without vesicles."""
    drawn = errors.drawn
    if drawn is None or errors.space is None or errors.time is None or errors.total is None:
        return []
    parts = (
        ("Twice the places", errors.space, drawn.space),
        ("Steps half as long", errors.time, drawn.time),
        ("Sum of both", errors.total, drawn.total),
    )
    return [row for heading, best, of_drawn in parts for row in _part_rows(heading, best, of_drawn)]


def _part_rows(heading: str, best: Cost, drawn: DrawnCost) -> list[ErrorRow]:
    return [
        ErrorRow(f"{heading}, of the peak", _shown(best.peak, drawn.peak, 100.0, " %")),
        ErrorRow(f"{heading}, powers of ten at the apex", _shown(best.apex_log10, drawn.apex_log10)),
    ]


def _shown(best: float | None, drawn: Drawn, factor: float = 1.0, unit: str = "") -> list[str]:
    return [
        "–" if value is None else f"{number(factor * value, 2)}{unit}"
        for value in (best, drawn.median, drawn.worst)
    ]
