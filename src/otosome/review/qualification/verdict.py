"""Simulated beside measured: the interval of the published statistic, and what it says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from otosome.review.qualification.case import Case, to_paper, tolerance
from otosome.units import LEVELS, Array, Json

VERDICTS = ("agrees", "disagrees", "uninformative", "no test")
# When an interval says too little: 95 % over 5 % of a positive number, dB of a level, measured spreads, and
# half of all a share can be.
RATIO, DECIBELS, SPREADS, SHARE, CORRELATION = 10.0, 30.0, 5.0, 0.5, 1.0
# Probability of a direction from which it agrees; below its complement it disagrees.
SURE = 0.9


@dataclass(frozen=True)
class Row:
    """A published case beside its simulation; numbers in the paper's unit.

    ``simulated``    5, 50 and 95 % of the statistic over worlds, None for a row that is no test
    ``measured``     as printed, and ``from``, ``to``: the value with its own error, 5 to 95 %
    ``inside``       whether the measured value itself lies in that interval
    ``covers``       whether the interval meets the measured value with its error;  ``sharp``  whether it is narrow
                     enough to tell; None for a row that is no interval
    ``probability``  of a direction, over worlds; uncalibrated
    ``widths``       the interval's width over the measured spread;  ``score``  its interval score (90 %)
    ``used``         what was calibrated on it: then it counts apart and is no evidence
    """

    id: str
    verdict: str
    about: str
    kind: str
    unit: str
    simulated: dict[str, float] | None
    measured: dict[str, float | None]
    n: int
    inside: bool | None
    covers: bool | None
    sharp: bool | None
    probability: float | None
    widths: float | None
    score: float | None
    used: str
    weak: str
    reason: str
    why: str
    source: str
    locator: str

    def as_dict(self) -> Json:
        """Plain values for a machine."""
        values = asdict(self)
        if self.probability is not None:
            values["calibrated"] = False
        return values


def judge(case: Case, values: Array) -> Row:
    """A row's verdict from its statistic in each world (exact rows: from its values), in house units."""
    values = np.array([to_paper(float(v), case.unit) for v in np.ravel(values)])
    if not np.all(np.isfinite(values)):
        raise FloatingPointError(f"{case.id}: the statistic is not finite")
    return {"exact": _exact, "direction": _direction, "interval": _interval}[case.kind](case, values)


def no_test(case: Case, reason: str) -> Row:
    """A row that nothing is simulated for, and why."""
    return _row(case, "no test", None, reason=reason)


def _row(case: Case, verdict: str, simulated: dict[str, float] | None, **more: Any) -> Row:
    measured: dict[str, float | None] = {
        "value": case.value,
        "low": case.low,
        "high": case.high,
        "se": case.se,
        "sd": case.sd,
        "above": case.above,
        "below": case.below,
        "from": None,
        "to": None,
    }
    if case.kind == "interval":
        measured["from"], measured["to"] = case.band()
    row: Json = {
        "id": case.id,
        "verdict": verdict,
        "about": case.about,
        "kind": case.figure or case.kind,
        "unit": case.unit,
        "simulated": simulated,
        "measured": measured,
        "n": case.n,
        "inside": None,
        "covers": None,
        "sharp": None,
        "probability": None,
        "widths": None,
        "score": None,
        "used": case.used,
        "weak": case.weak,
        "reason": "",
        "why": case.why,
        "source": case.source,
        "locator": case.locator,
    }
    return Row(**{**row, **more})


def _three(values: Array) -> dict[str, float]:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"low": float(low), "median": float(median), "high": float(high)}


def _exact(case: Case, values: Array) -> Row:
    """Every value within its tolerance; the one furthest off is shown."""
    if values.size != len(case.expect):
        raise ValueError(f"{case.id}: {values.size} values for {len(case.expect)} expected")
    expected = np.array(case.expect)
    allowed = np.array([tolerance(case, e) for e in expected])
    off = np.abs(values - expected)
    worst = int(np.argmax(off / np.where(allowed > 0, allowed, 1e-300)))
    value = float(values[worst])
    expectation = {"value": float(expected[worst]), "low": None, "high": None}
    return _row(
        case,
        "agrees" if bool(np.all(off <= allowed)) else "disagrees",
        {"low": value, "median": value, "high": value},
        measured=expectation,
        reason=f"tolerance {case.tolerance}; the furthest off of {values.size} is shown",
    )


def _direction(case: Case, values: Array) -> Row:
    """How probable the published direction is before any of it is known."""
    inside = np.ones(values.size, dtype=bool)
    if case.above is not None:
        inside &= values > case.above
    if case.below is not None:
        inside &= values < case.below
    probability = float(inside.mean())
    verdict = "uninformative"
    if probability >= SURE:
        verdict = "agrees"
    elif probability <= 1.0 - SURE:
        verdict = "disagrees"
    return _row(
        case, verdict, _three(values), probability=probability, reason="prior-predictive, uncalibrated"
    )


def _interval(case: Case, values: Array) -> Row:
    """Whether the interval meets what was measured comes first: one that does not is wrong, however wide it is."""
    three = _three(values)
    low, high = three["low"], three["high"]
    measured_low, measured_high = case.band()
    covers = low <= measured_high and measured_low <= high
    wide = too_wide(case, low, high)
    marks: Json = {"reason": wide, "covers": covers, "sharp": not wide}
    if case.value is not None:
        marks |= {"inside": low <= case.value <= high, "score": interval_score(low, high, case.value)}
    if case.spread:
        marks["widths"] = (high - low) / case.spread
    verdict = "disagrees" if not covers else "uninformative" if wide else "agrees"
    return _row(case, verdict, three, **marks)


def too_wide(case: Case, low: float, high: float) -> str:
    """Why an interval says too little, empty where it says something.

    A level, or a difference of two, by its width in dB; a correlation, and a share, which rows state in %, by its part
    of the whole; any other number, all of which are positive, by the ratio of its ends; and each by the measured
    spread where one is known.
    """
    if case.unit in LEVELS:
        if high - low > DECIBELS:
            return f"wider than {DECIBELS:.0f} dB"
    elif case.figure in ("correlation", "run"):
        if high - low > CORRELATION:
            return f"wider than {CORRELATION:.0f}, half of all a correlation can be"
    elif case.unit == "%":
        if high - low > 100.0 * SHARE:
            return "wider than half of all a share can be"
    elif low <= 0 or high / low > RATIO:
        return f"95 % over 5 % is above {RATIO:.0f}"
    if case.spread and high - low > SPREADS * case.spread:
        return f"wider than {SPREADS:.0f} times the measured spread"
    return ""


def interval_score(low: float, high: float, value: float, share: float = 0.9) -> float:
    """Width of an interval plus what it misses a value by, times 2 over the share left out; less is better.

    Source: Gneiting and Raftery 2007, equation 43, https://doi.org/10.1198/016214506000001437
    """
    missed = max(low - value, 0.0) + max(value - high, 0.0)
    return high - low + 2.0 / (1.0 - share) * missed
