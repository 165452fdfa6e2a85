"""Relative potency: a lot beside a reference in one assay, reported only where the two act alike.

First the assay must be fit for use (suitability), then the two curves must be alike within margins of
equivalence (90 % intervals of slope, range and lower end), and only then one number says by how much the lot's
curve is shifted: r = 2 where half the dose does the same. Runs of several days are combined as a random sample
of runs. The order is that of USP chapters 1032 to 1034 as the literature tells it (their text was not read);
margins are an assay's own (shelf ``assays/``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t as student

from otosome.errors import BadInput
from otosome.lots.belief import Belief
from otosome.lots.curve import (
    Fit,
    fit_line,
    fit_logistic,
    fit_shared_line,
    fit_shared_logistic,
)
from otosome.units import Array

MODELS = ("four_parameter", "parallel_line")
# Doses that a curve of so many numbers needs, and one more to show that it is that curve.
FEWEST_DOSES = {"four_parameter": 5, "parallel_line": 3}
REPEAT = "repeat the assay"
# Runs whose errors differ by more than so many times are not weighed by them.
_ALIKE = 2.0
_WHY = "find out why before it is released"
_MORE = "measure more doses"
# Of ln r: a shift by more than a billionfold is none that an assay shows.
_FARTHEST = float(np.log(1e9))


@dataclass(frozen=True)
class Assay:
    """A potency assay: its model and the limits within which a run counts.

    ``slope_margin``   ratio of slopes within 1 / this and this
    ``range_margin``   the same for the range from lower to upper end
    ``lower_margin``   difference of lower ends over the reference's range, either way
    ``determination``  least R squared of the reference
    ``replicate_error``  largest standard deviation of replicate wells over the reference's range
    ``window``         least ratio of the reference's highest to its lowest mean response, or to the standard error of
                       that mean where this is larger, as where a blank was taken off
    """

    model: str
    slope_margin: float
    range_margin: float
    lower_margin: float
    determination: float
    replicate_error: float
    window: float


@dataclass(frozen=True)
class Run:
    """Wells of one run: dose (any one unit, above zero) and response of the reference and of the sample.

    ``reference_wells``, ``sample_wells``  their names, where they have any
    """

    name: str
    reference_dose: Array
    reference: Array
    sample_dose: Array
    sample: Array
    reference_wells: tuple[str, ...] = ()
    sample_wells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One condition with what was found; ``low`` and ``high`` are a 90 % interval where there is one."""

    name: str
    value: float
    least: float
    most: float
    low: float | None = None
    high: float | None = None

    @property
    def passed(self) -> bool:
        """Whether what was found, and all of its interval, lies within the limits."""
        ends = (self.value if self.low is None else self.low, self.value if self.high is None else self.high)
        return self.least <= min(ends) and max(ends) <= self.most


@dataclass(frozen=True)
class RunPotency:
    """What one run says: r with its 95 % interval, or why it says nothing and what would mend it.

    ``unlike``  whether the run is fit for use and the sample does not act like the reference in it
    ``log`` and ``variance``  of ln r, within the run; ``freedom`` of that variance
    """

    run: str
    checks: tuple[Check, ...]
    refused: str = ""
    log: float = np.nan
    variance: float = np.nan
    freedom: int = 0
    low: float = np.nan
    high: float = np.nan
    unlike: bool = False
    cure: str = ""

    @property
    def r(self) -> float:
        """Relative potency."""
        return float(np.exp(self.log))


@dataclass(frozen=True)
class Potency:
    """Relative potency over runs: r, its 95 % interval, and the spread between runs (of ln r).

    ``error`` and ``freedom``  of ln r; the spread between runs is NaN where there is one run
    ``alike``  whether the runs' errors differ up to twofold; else the interval may be wider than it need be
    """

    r: float
    low: float
    high: float
    between: float
    runs: int
    error: float
    freedom: int
    alike: bool = True

    @property
    def belief(self) -> Belief:
        """What is known of r."""
        return Belief.student(np.log(self.r), self.error, self.freedom)


def measure(run: Run, assay: Assay) -> RunPotency:
    """Suitability, then similarity, then r; a run that cannot be judged says why."""
    few = _too_few(run, assay)
    if few is not None:
        return few
    x = np.log(np.concatenate([run.reference_dose, run.sample_dose]))
    y = np.concatenate([run.reference, run.sample])
    which = np.repeat([0, 1], [run.reference.size, run.sample.size])
    fit = fit_logistic if assay.model == "four_parameter" else fit_line
    both = [fit(x[which == k], y[which == k]) for k in (0, 1)]
    reference, sample = both
    if reference is None:
        return RunPotency(
            run.name,
            (),
            "the reference's wells determine no curve: the assay is not fit for use",
            cure=REPEAT,
        )
    checks = _suitability(run, assay, reference)
    failed = [check.name for check in checks if not check.passed]
    if failed:
        return RunPotency(
            run.name, checks, f"the assay is not fit for use ({', '.join(failed)})", cure=REPEAT
        )
    if sample is None:
        return RunPotency(
            run.name,
            checks,
            "the sample's wells determine no curve; it has no potency to report",
            unlike=True,
            cure=_WHY,
        )
    alike = _similarity(assay, reference, sample)
    checks = (*checks, *alike)
    failed = [check.name for check in alike if not check.passed]
    if failed:
        reason = f"sample and reference do not act alike ({', '.join(failed)})"
        return RunPotency(run.name, checks, reason, unlike=True, cure=_WHY)
    return _shift(run, assay, x, y, which, checks)


def combine(runs: Sequence[RunPotency]) -> Potency | None:
    """Runs that count, as a random sample of runs; None where none counts.

    Weights are of the variance within and between runs (Paule and Mandel), the interval is Student's over runs
    (Hartung and Knapp): with equal weights exactly the t interval of the runs' ln r. Where the runs' errors differ
    more than twofold, few runs cannot tell what the vague ones weigh: all then weigh the same, and the t interval
    holds the truth at least as often as it says (Bakirov and Szekely 2006). One run has its own interval, which
    knows nothing of other days.
    """
    counting = [run for run in runs if not run.refused]
    if not counting:
        return None
    if len(counting) == 1:
        run = counting[0]
        return Potency(run.r, run.low, run.high, np.nan, 1, float(np.sqrt(run.variance)), run.freedom)
    log = np.array([run.log for run in counting])
    # Wells without any error would weigh infinitely.
    within = np.maximum([run.variance for run in counting], 1e-12)
    between = _between(log, within)
    alike = bool(within.max() <= _ALIKE**2 * within.min())
    weight = 1 / (within + between) if alike else np.ones(log.size)
    middle = float(weight @ log / weight.sum())
    freedom = log.size - 1
    error = float(np.sqrt(weight @ (log - middle) ** 2 / freedom / weight.sum()))
    off = float(student.ppf(0.975, freedom)) * error
    ends = np.exp([middle, middle - off, middle + off])
    return Potency(
        float(ends[0]),
        float(ends[1]),
        float(ends[2]),
        float(np.sqrt(between)),
        log.size,
        error,
        freedom,
        alike,
    )


def _between(log: Array, within: Array) -> float:
    """Variance between runs at which the weighted squares are what so many runs give (Paule and Mandel)."""

    def excess(between: float) -> float:
        weight = 1 / (within + between)
        return float(weight @ (log - weight @ log / weight.sum()) ** 2) - (log.size - 1)

    if excess(0.0) <= 0:
        return 0.0
    most = float(np.ptp(log)) ** 2 * log.size
    return float(brentq(excess, 0.0, most))


def _too_few(run: Run, assay: Assay) -> RunPotency | None:
    """The refusal of a run with too few doses for its curve; None where there are enough."""
    fewest = FEWEST_DOSES[assay.model]
    line = ', or write assay = "parallel_line" in its [[assay]] where the doses lie on the straight part'
    for name, dose, wells in (
        ("reference", run.reference_dose, run.reference_wells),
        ("sample", run.sample_dose, run.sample_wells),
    ):
        doses = np.unique(dose).size
        if doses < fewest:
            where = f" in the wells {_listed(wells)}" if wells else ""
            reason = (
                f"the {name} has too few doses for its curve: {doses} dose{'' if doses == 1 else 's'}{where}, "
                f"where {assay.model} needs {fewest} or more"
            )
            others = doses >= FEWEST_DOSES["parallel_line"]
            return RunPotency(run.name, (), reason, cure=_MORE + (line if others else ""))
    return None


def _listed(wells: Sequence[str], most: int = 12) -> str:
    return ", ".join(wells[:most]) + (f" and {len(wells) - most} more" if len(wells) > most else "")


def _suitability(run: Run, assay: Assay, fit: Fit) -> tuple[Check, ...]:
    doses, place = np.unique(run.reference_dose, return_inverse=True)
    wells = np.bincount(place)
    means = np.bincount(place, weights=run.reference) / wells
    span = _span(assay, fit, means)
    left = ((run.reference - means[place]) ** 2).sum()
    replicates = run.reference.size - doses.size
    # Without replicates the wells' distance from the curve is all there is.
    error = np.sqrt(left / replicates) if replicates else np.sqrt(fit.variance)
    # A blank taken off may leave a lowest mean of nothing: it is then told from zero no better than by its error.
    k = int(np.argmin(means))
    floor = max(float(means[k]), float(error / np.sqrt(wells[k])))
    highest = max(float(means.max()), 0.0)
    window = highest / floor if floor > 0 else np.inf
    ratio = error / span if span > 0 else np.inf
    return (
        Check("fit of the reference (R squared)", fit.determination, assay.determination, 1.0),
        Check("error of replicate wells over the range", float(ratio), 0.0, assay.replicate_error),
        Check("signal window (highest over lowest mean)", float(window), assay.window, np.inf),
    )


def _span(assay: Assay, fit: Fit, means: Array) -> float:
    if assay.model == "four_parameter":
        return float(abs(fit.estimate[1] - fit.estimate[0]))
    return float(np.ptp(means))


def _similarity(assay: Assay, reference: Fit, sample: Fit) -> tuple[Check, ...]:
    freedom = reference.freedom + sample.freedom
    pooled = (reference.freedom * reference.variance + sample.freedom * sample.variance) / freedom
    quantile = float(student.ppf(0.95, freedom))
    # One error for both preparations: they stand on the same plate.
    covariance = [
        fit.covariance * (pooled / fit.variance if fit.variance else 1.0) for fit in (reference, sample)
    ]
    theta = [reference.estimate, sample.estimate]
    if assay.model == "parallel_line":
        return (_ratio("ratio of slopes", 1, theta, covariance, quantile, assay.slope_margin),)
    difference = theta[1][2] - theta[0][2]
    off = quantile * np.sqrt(covariance[0][2, 2] + covariance[1][2, 2])
    with np.errstate(over="ignore"):  # an interval without an end reaches infinity
        ratio, low, high = np.exp([difference, difference - off, difference + off]).tolist()
    slope = Check("ratio of slopes", ratio, 1 / assay.slope_margin, assay.slope_margin, low, high)
    to_range = np.array([-1.0, 1.0, 0.0, 0.0])
    ranges = [np.array([to_range @ ends]) for ends in theta]
    spread = [np.array([[to_range @ ends @ to_range]]) for ends in covariance]
    return (
        slope,
        _ratio("ratio of ranges", 0, ranges, spread, quantile, assay.range_margin),
        _lower_ends(theta, covariance, quantile, assay.lower_margin),
    )


def _ratio(
    name: str, index: int, theta: list[Array], covariance: list[Array], quantile: float, margin: float
) -> Check:
    """Sample over reference with Fieller's interval of the ratio of two independent estimates."""
    a, b = float(theta[1][index]), float(theta[0][index])
    va, vb = float(covariance[1][index, index]), float(covariance[0][index, index])
    low, high = fieller(a, b, va, vb, 0.0, quantile)
    return Check(name, a / b if b else np.nan, 1 / margin, margin, low, high)


def fieller(a: float, b: float, va: float, vb: float, vab: float, quantile: float) -> tuple[float, float]:
    """Interval of a / b; the whole line where b may be zero (Fieller 1954)."""
    if quantile**2 * vb >= b**2:
        return -np.inf, np.inf
    g = quantile**2 * vb / b**2
    ratio = a / b
    middle = (ratio - g * vab / vb) / (1 - g) if vb > 0 else ratio
    inner = va - 2 * ratio * vab + ratio**2 * vb - g * (va - (vab**2 / vb if vb > 0 else 0.0))
    off = quantile / abs(b) / (1 - g) * np.sqrt(max(inner, 0.0))
    return float(middle - off), float(middle + off)


def _lower_ends(theta: list[Array], covariance: list[Array], quantile: float, margin: float) -> Check:
    """Difference of the lower ends over the reference's range, with the interval of its linear expansion."""
    (low, high), other = theta[0][:2], theta[1][0]
    span = high - low
    value = (other - low) / span
    slope = np.array([(other - high) / span**2, -(other - low) / span**2])
    error = np.sqrt(slope @ covariance[0][:2, :2] @ slope + covariance[1][0, 0] / span**2)
    off = quantile * float(error)
    return Check(
        "difference of lower ends over the range",
        float(value),
        -margin,
        margin,
        float(value - off),
        float(value + off),
    )


def _shift(run: Run, assay: Assay, x: Array, y: Array, which: Array, checks: tuple[Check, ...]) -> RunPotency:
    if assay.model == "parallel_line":
        fit = fit_shared_line(x, y, which)
        if fit is None:
            return RunPotency(run.name, checks, "the wells determine no pair of parallel lines", cure=REPEAT)
        return _line_shift(run, fit, checks)
    fit = fit_shared_logistic(x, y, which)
    if fit is None:
        return RunPotency(run.name, checks, "the wells determine no pair of curves of one shape", cure=REPEAT)
    middle = fit.estimate[3:]
    for k, dose in enumerate((run.reference_dose, run.sample_dose)):
        if not np.log(dose.min()) <= middle[k] <= np.log(dose.max()):
            name = ("reference", "sample")[k]
            return RunPotency(
                run.name,
                checks,
                f"the doses of the {name} do not reach its half effect on both sides",
                cure=_MORE,
            )
    spread = fit.covariance[3:, 3:]
    variance = float(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    log = float(middle[0] - middle[1])
    off = float(student.ppf(0.975, fit.freedom)) * np.sqrt(variance)
    return _stated(run, checks, log, variance, (log - off, log + off), fit.freedom)


def _line_shift(run: Run, fit: Fit, checks: tuple[Check, ...]) -> RunPotency:
    contrast = np.array([-1.0, 1.0, 0.0])
    a, b = float(contrast @ fit.estimate), float(fit.estimate[2])
    va = float(contrast @ fit.covariance @ contrast)
    vb, vab = float(fit.covariance[2, 2]), float(contrast @ fit.covariance[:, 2])
    low, high = fieller(a, b, va, vb, vab, float(student.ppf(0.975, fit.freedom)))
    log = a / b if b else np.nan
    variance = (va - 2 * log * vab + log**2 * vb) / b**2 if b else np.nan
    return _stated(run, checks, log, variance, (low, high), fit.freedom)


def _stated(
    run: Run,
    checks: tuple[Check, ...],
    log: float,
    variance: float,
    ends: tuple[float, float],
    freedom: int,
) -> RunPotency:
    """A shift as a potency; refused where the run leaves it open by more than any assay spans."""
    if not np.isfinite(variance) or max(map(abs, ends)) > _FARTHEST:
        reason = "the wells leave the shift open: the slope may be zero, or they scatter too far"
        return RunPotency(run.name, checks, reason, cure=REPEAT)
    low, high = (float(np.exp(end)) for end in ends)
    return RunPotency(
        run.name, checks, log=log, variance=float(variance), freedom=freedom, low=low, high=high
    )


def assay_of(values: Mapping[str, float], model: str) -> Assay:
    """An assay of an entry's numbers; raises BadInput naming one that is missing, or a model that is none."""
    if model not in MODELS:
        raise BadInput("is not a model of dose and response", key="model", given=model, allowed=list(MODELS))
    wanted = [name for name in Assay.__dataclass_fields__ if name != "model"]
    for name in wanted:
        if name not in values:
            raise BadInput("an assay states it", key=name, allowed=wanted)
    return Assay(model=model, **{name: float(values[name]) for name in wanted})
