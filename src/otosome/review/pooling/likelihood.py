"""What a result printed as p or direction says of the true effect: the chance of printing it, for each effect.

A test of two groups is a noncentral t at the printed counts, of two ears of one subject a paired one. Several
frequencies or arms of one control are read in the same subjects: their chances are joined through one common factor
(a Gaussian copula), as the plain product would take correlated readings for independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, nctdtr, ndtr, ndtri, stdtrit

from otosome.evidence import ALIKE
from otosome.review.experiments.effects import WITHIN, effects, units
from otosome.review.experiments.experiment import Experiment
from otosome.roles import OutcomeTable
from otosome.units import Array

_WHOLE = math.sqrt(2.0 * math.pi)


def _density(deviate: Array) -> Array:
    """Density of a standard normal. (SciPy's distributions, which have it too, take half a second to import.)"""
    return np.asarray(np.exp(-(deviate**2) / 2.0) / _WHOLE)


def _log_density(deviate: Array) -> Array:
    """Its logarithm."""
    return -(deviate**2) / 2.0 - math.log(_WHOLE)


# Animals a group where a paper prints no count, and the level of a test where it says only that nothing differed.
ASSUMED_N, ASSUMED_LEVEL = 6, 0.05
# Places of the common factor, in standard deviations, and their weights.
_NODES: Array = np.linspace(-8.0, 8.0, 161)
_NODE_WEIGHTS = _density(_NODES) / _density(_NODES).sum()
# Effects in units of an animal's SD, on which chances are computed.
GRID: Array = np.linspace(-6.0, 10.0, 321)


@dataclass(frozen=True)
class Outcome:
    """A test as it was printed: t between two ends, or at a point where both ends are the same.

    ``scale``  noncentrality for an effect of one SD;  ``freedom``  its degrees of freedom
    """

    low: float
    high: float
    scale: float
    freedom: float

    def quantiles(self, effect: Array) -> tuple[Array, Array]:
        """The two ends as quantiles of a standard normal, for each true effect."""
        ends = [self._quantile(end, effect) for end in (self.low, self.high)]
        return ends[0], ends[1]

    def _quantile(self, end: float, effect: Array) -> Array:
        if math.isinf(end):
            return np.full_like(effect, end)
        # Both tails are computed, so that neither is one less nearly all.
        below = nctdtr(self.freedom, self.scale * effect, end)
        above = nctdtr(self.freedom, -self.scale * effect, -end)
        tiny = 1e-300
        quantile = np.where(below < 0.5, ndtri(np.maximum(below, tiny)), -ndtri(np.maximum(above, tiny)))
        # Far out the series for the tail fails; there t less its mean is nearly normal.
        normal = (end - self.scale * effect) / math.sqrt(1 + end**2 / (2 * self.freedom))
        return np.where(np.isfinite(quantile) & (np.abs(quantile) < 8), quantile, normal)

    def density(self, effect: Array) -> Array:
        """Density of t at the printed point, for each true effect."""
        from scipy.stats import nct  # half a second to import, and needed for an exact p only

        return np.nan_to_num(np.asarray(nct.pdf(self.low, self.freedom, self.scale * effect)))


def results(experiment: Experiment, outcome: OutcomeTable) -> list[Outcome]:
    """What an outcome printed as p or direction says of t, once for each frequency it names."""
    counts = [units(experiment, name) or ASSUMED_N for name in (outcome.treated, outcome.control)]
    paired = outcome.paired
    freedom = counts[0] - 1 if paired else sum(counts) - 2
    # Two ears differ by less than two animals, so the same effect is more of the spread of their difference.
    scale = math.sqrt(counts[0] / (2 * (1 - ALIKE)) if paired else counts[0] * counts[1] / sum(counts))
    low, high = ends(outcome, freedom)
    return [Outcome(low, high, scale, freedom)] * max(1, len(outcome.frequency))


def ends(outcome: OutcomeTable, freedom: float) -> tuple[float, float]:
    """Between which values of t an outcome lies, above zero where the treated are better."""
    if outcome.direction == "none":
        critical = -float(stdtrit(freedom, (outcome.p_above or ASSUMED_LEVEL) / 2))
        return -critical, critical
    sign = 1.0 if outcome.direction == "better" else -1.0
    if outcome.p is not None:
        point = -sign * float(stdtrit(freedom, outcome.p / 2))
        return point, point
    least = 0.0 if outcome.p_below is None else -float(stdtrit(freedom, outcome.p_below / 2))
    return (least, math.inf) if sign > 0 else (-math.inf, -least)


def chance(each: Sequence[Outcome], effect: Array, within: float = WITHIN) -> Array:
    """Chance (or density) of all that was printed of the same subjects, for each true effect.

    ``effect``  in SDs of an animal, shape (effect,);  ``within``  correlation of two readings of one subject
    """
    log = np.zeros((effect.size, _NODES.size))
    for test in each:
        alike = within * _retained(test.freedom)
        common, own = math.sqrt(alike) * _NODES, math.sqrt(1 - alike)
        low, high = test.quantiles(effect)
        if test.low == test.high:
            inner = _log_density((low[:, None] - common) / own) - math.log(own) - _log_density(low)[:, None]
            log += inner + np.log(np.maximum(test.density(effect), 1e-300))[:, None]
        else:
            inside = ndtr((high[:, None] - common) / own) - ndtr((low[:, None] - common) / own)
            log += np.log(np.maximum(inside, 1e-300))
    return np.asarray(np.exp(log) @ _NODE_WEIGHTS)


def _retained(freedom: float) -> float:
    """Part of a correlation of readings that their t keep: each is divided by an SD of its own."""
    if freedom <= 2:
        return 0.0
    ratio = gammaln((freedom - 1) / 2) - gammaln(freedom / 2)
    return float(math.exp(2 * ratio) * (freedom - 2) / 2)


@dataclass(frozen=True)
class Evidence:
    """What an experiment says of its true standardised effect, once for each control.

    ``chance``   of what was printed for each effect of ``GRID``;  ``certain``  the part of it that is significant for
                 the treatment;  ``printable``  chance of significance there
    ``strength`` it was printed in;  ``rows``  the outcomes it stands on
    ``middle``, ``low``, ``high``  2.5, 50 and 97.5 % of the effect by that chance alone
    """

    experiment: Experiment
    control: str
    treated: tuple[str, ...]
    strength: str
    chance: Array
    certain: Array
    printable: Array
    rows: tuple[str, ...]
    p_is: str

    def printed(self, share: float) -> Array:
        """Chance of what was printed, where of results that are not significant only a share is, for each effect."""
        return self.certain + share * (self.chance - self.certain)

    @property
    def bounds(self) -> tuple[float, float, float]:
        """2.5, 50 and 97.5 % of the effect if all were as likely before."""
        mass = np.cumsum(self.chance)
        low, middle, high = np.interp(np.array([0.025, 0.5, 0.975]) * mass[-1], mass, GRID)
        return float(low), float(middle), float(high)


_ORDER = ("individuals", "means", "p", "direction")


def evidence(experiment: Experiment, keys: Sequence[str], within: float = WITHIN) -> list[Evidence]:
    """What an experiment's outcomes say of its effect, for each control in the strongest strength printed there."""
    strong = effects(experiment, keys, "g", within)
    rows = [_of_effect(experiment, e.control, e.treated, e.rows, e.value, e.variance) for e in strong]
    left: dict[str, list[str]] = {}
    for key in keys:
        outcome = experiment.options.outcome[key]
        if outcome.control and outcome.control not in {e.control for e in strong}:
            left.setdefault(outcome.control, []).append(key)
    return rows + [_of_tests(experiment, control, named, within) for control, named in left.items()]


def _of_effect(
    experiment: Experiment,
    control: str,
    treated: tuple[str, ...],
    rows: tuple[str, ...],
    value: float,
    variance: float,
) -> Evidence:
    error = math.sqrt(variance)
    strength = experiment.options.outcome[rows[0]].strength
    critical = float(ndtri(0.975)) * error
    of_value = _density((value - GRID) / error) / error
    certain = of_value if value > critical else np.zeros_like(of_value)
    printable = ndtr(-(critical - GRID) / error)
    return Evidence(experiment, control, treated, strength, of_value, certain, printable, rows, "")


def _of_tests(experiment: Experiment, control: str, keys: Sequence[str], within: float) -> Evidence:
    outcomes = {key: experiment.options.outcome[key] for key in keys}
    strongest = min((o.strength for o in outcomes.values()), key=_ORDER.index)
    used = {key: outcome for key, outcome in outcomes.items() if outcome.strength == strongest}
    each = [test for outcome in used.values() for test in results(experiment, outcome)]
    first = each[0]
    critical = -float(stdtrit(first.freedom, ASSUMED_LEVEL / 2))
    beyond = Outcome(critical, math.inf, first.scale, first.freedom)
    certain = [replace(test, low=max(test.low, critical)) for test in each if test.high > critical]
    return Evidence(
        experiment,
        control,
        tuple(dict.fromkeys(outcome.treated for outcome in used.values())),
        strongest,
        chance(each, GRID, within),
        chance(certain, GRID, within) if len(certain) == len(each) else np.zeros_like(GRID),
        chance([beyond], GRID, within),
        tuple(used),
        "assumed" if any(outcome.p_is == "assumed" for outcome in used.values()) else "stated",
    )


@dataclass(frozen=True)
class Believed:
    """The mean effect of experiments of every strength, in SDs of an animal: median, 5 and 95 %.

    ``better``        probability that the mean effect is above zero;  ``share``  of null results that is printed
    ``between``       SD between experiments, median;  ``next_low``, ``next_high``  5 and 95 % of a further effect
    """

    share: float
    median: float
    low: float
    high: float
    better: float
    between: float
    next_low: float
    next_high: float


_MEANS: Array = np.linspace(-3.0, 5.0, 201)
_BETWEENS: Array = np.linspace(0.0, 3.0, 31)
# What is thought of mean effects and of the SD between experiments before any is read: normal around none, and half
# of a normal. A p bounds an effect from below only; what ends it above is this assumption.
PRIOR_SD, PRIOR_BETWEEN = 1.0, 1.0


def believed(every: Sequence[Evidence], share: float = 1.0) -> Believed:
    """The mean effect where of results that are not significant ``share`` is printed."""
    log = _log_density(_MEANS / PRIOR_SD)[:, None] + _log_density(_BETWEENS / PRIOR_BETWEEN)
    spread = _smooth()
    for row in every:
        all_printed = row.printable + share * (1 - row.printable)
        log = log + np.log(np.maximum(spread @ row.printed(share), 1e-300)) - np.log(spread @ all_printed)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    of_mean, of_between = weights.sum(axis=1), weights.sum(axis=0)
    ahead = np.einsum("mb,mbe->e", weights, spread)
    mean, further = _quantiles(_MEANS, of_mean), _quantiles(GRID, ahead)
    return Believed(
        share,
        mean[1],
        mean[0],
        mean[2],
        float(of_mean[_MEANS > 0].sum() + 0.5 * of_mean[_MEANS == 0].sum()),
        _quantiles(_BETWEENS, of_between)[1],
        further[0],
        further[2],
    )


@dataclass(frozen=True)
class OneMore:
    """What one more experiment would change: width of the 5 to 95 % of the mean effect now, and as expected after it.

    ``n``  animals a group, means and spreads printed;  ``settles``  chance that 5 to 95 % then leave out none
    """

    n: int
    now: float
    after: float
    settles: float


_DRAWS = 9


def one_more(every: Sequence[Evidence], n: int) -> OneMore:
    """What an experiment with ``n`` animals a group would change, over what it is likely to find (nine quantiles)."""
    now = believed(every)
    # Effects of a further experiment, with its own error, as evenly likely draws of a normal with these ends.
    between = (now.next_high - now.next_low) / (2 * ndtri(0.95))
    error = math.sqrt(2 / n + ((now.next_low + now.next_high) / 2) ** 2 / (4 * n))
    shares = (np.arange(_DRAWS) + 0.5) / _DRAWS
    likely_effects = (now.next_low + now.next_high) / 2 + math.hypot(between, error) * ndtri(shares)
    after = []
    for effect in likely_effects:
        likely = _density((effect - GRID) / error) / error
        further = replace(every[0], chance=likely, certain=likely, printable=np.ones_like(GRID))
        after.append(believed([*every, further]))
    widths = [row.high - row.low for row in after]
    return OneMore(
        n,
        now.high - now.low,
        float(np.mean(widths)),
        float(np.mean([row.low > 0 or row.high < 0 for row in after])),
    )


@lru_cache(maxsize=1)
def _smooth() -> Array:
    """Weights of each effect of ``GRID`` for each mean and SD between experiments, (mean, between, effect)."""
    wide = np.maximum(_BETWEENS, 0.5 * (GRID[1] - GRID[0]))
    weights = _density((GRID - _MEANS[:, None, None]) / wide[None, :, None]) / wide[None, :, None]
    return np.asarray(weights / weights.sum(axis=2, keepdims=True))


def _quantiles(at: Array, weights: Array) -> tuple[float, float, float]:
    middle = np.cumsum(weights) - weights / 2
    low, median, high = np.interp([0.05, 0.5, 0.95], middle, at)
    return float(low), float(median), float(high)
