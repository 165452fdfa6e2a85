"""Power and size of comparisons of means, shares and times, exactly where the exact answer is known.

Means: the noncentral t (Johnson, Kotz and Balakrishnan 1995, chapter 31). Shares: the normal test with the pooled
variance under no difference (Fleiss 1981). Times to an event: Schoenfeld, Biometrics 1983. ``alpha`` is two-sided.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import gammaincinv, nctdtr, ndtr, ndtri, stdtrit

from otosome.errors import BadInput
from otosome.units import Array

MOST = 1_000_000


def t_edge(share: float, freedom: float) -> float:
    """The value that this share of a t distribution lies above."""
    return -float(stdtrit(freedom, share))


def chi2_quantiles(shares: float | Array, freedom: float) -> Array:
    """Values below which these shares of a chi-squared distribution lie, of the shape of ``shares``."""
    return np.asarray(2 * gammaincinv(freedom / 2, shares))


def t_power(shift: float, freedom: float, alpha: float) -> float:
    """Power of a two-sided t test whose statistic has this noncentrality and so many degrees of freedom."""
    edge = t_edge(alpha / 2, freedom)
    right, wrong = abs(shift), 0.0
    # The other side is below 1e-9 from here on, and SciPy's series no longer ends.
    if right < 6:
        wrong = float(nctdtr(freedom, right, -edge))
    return 1 - float(nctdtr(freedom, min(right, 200.0), edge)) + wrong


def two_means(n: float, other: float, difference: float, sd: float, alpha: float) -> float:
    """Power of the two-sample t test with ``n`` and ``other`` units of equal spread."""
    return t_power(difference / (sd * math.sqrt(1 / n + 1 / other)), n + other - 2, alpha)


def one_mean(n: float, difference: float, sd: float, alpha: float) -> float:
    """Power of the one-sample t test, of the differences within ``n`` pairs for one."""
    return t_power(difference * math.sqrt(n) / sd, n - 1, alpha)


def least(power: Callable[[float], float], target: float, first: float, most: float = MOST) -> float:
    """The size from which the power reaches a target, not rounded; raises BadInput where none up to ``most`` does."""
    if power(first) >= target:
        return first
    high = first
    while power(high) < target:
        high *= 2
        if high > most:
            raise BadInput(
                f"no group of up to {most} reaches this power",
                key="power",
                given=target,
                cure="state a larger difference, or a smaller spread",
            )
    return _rising(power, target, high / 2, high)


def feasible(n: float, target: float) -> float:
    """A size, as it is; raises BadInput for one that no trial has."""
    if n > MOST:
        raise BadInput(
            f"no group of up to {MOST} reaches this power",
            key="power",
            given=target,
            cure="state a larger difference, or a more frequent event",
        )
    return n


def _rising(power: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Where a power that rises reaches a target, to rounding; halving, as loading SciPy's solvers takes longer."""
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (low, middle) if power(middle) >= target else (middle, high)
    return high


def least_whole(power: Callable[[float], float], target: float, first: int, most: int = MOST) -> int:
    """The smallest whole size whose power reaches a target."""
    return math.ceil(least(power, target, first, most) - 1e-9)


def normal_size(difference: float, sd: float, alpha: float, power: float) -> float:
    """Both groups together, of equal size, were the spread known."""
    return 4.0 * (sd * _deviates(alpha, power) / difference) ** 2


def shares_size(share: float, other: float, alpha: float, power: float) -> float:
    """Both groups together, of equal size, to tell two shares apart."""
    middle = (share + other) / 2
    spread = ndtri(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    apart = ndtri(power) * math.sqrt(share * (1 - share) + other * (1 - other))
    return float(2 * ((spread + apart) / (share - other)) ** 2)


def shares_power(n: float, share: float, other: float, alpha: float) -> float:
    """Power with ``n`` in each group to tell two shares apart; the far tail is left out."""
    middle = (share + other) / 2
    edge = ndtri(1 - alpha / 2) * math.sqrt(2 * middle * (1 - middle))
    apart = math.sqrt(share * (1 - share) + other * (1 - other))
    return float(ndtr((abs(share - other) * math.sqrt(n) - edge) / apart)) if apart else 1.0


def normal_power(shift: float, alpha: float) -> float:
    """Power of a two-sided test of a normal statistic with this expected value."""
    edge = ndtri(1 - alpha / 2)
    return float(ndtr(shift - edge) + ndtr(-edge - shift))


def events_needed(ratio: float, alpha: float, power: float) -> float:
    """Events of two equal groups together to find a hazard ratio."""
    return float(4 * _deviates(alpha, power) ** 2 / math.log(ratio) ** 2)


def event_share(rate: float, accrual: float, follow_up: float) -> float:
    """Share of people who have had the event at the end, with a constant rate and steady accrual."""
    if accrual == 0:
        return -math.expm1(-rate * follow_up)
    left = math.exp(-rate * follow_up) * -math.expm1(-rate * accrual) / (rate * accrual)
    return 1 - left


def detectable(n: float, other: float, sd: float, alpha: float, power: float) -> float:
    """The smallest true difference that so many find with this power."""
    unit = sd * math.sqrt(1 / n + 1 / other)
    return _rising(lambda shift: t_power(shift, n + other - 2, alpha), power, 0.0, 200.0) * unit


def significant(n: float, other: float, sd: float, alpha: float) -> float:
    """The smallest difference seen that is significant where the spread seen is the true one."""
    return float(t_edge(alpha / 2, n + other - 2) * sd * math.sqrt(1 / n + 1 / other))


def exaggeration(shift: float, freedom: float, alpha: float) -> tuple[float, float]:
    """By how much significant results overstate a difference, and the share of them with the wrong sign.

    ``shift``  the true difference in standard errors, above zero
    source     Gelman and Carlin, Perspectives on Psychological Science 2014; here with the spread estimated
    """
    spread = np.sqrt(chi2_quantiles((np.arange(2000) + 0.5) / 2000, freedom) / freedom)
    edge = t_edge(alpha / 2, freedom) * spread
    right, wrong = ndtr(shift - edge), ndtr(-edge - shift)
    size = shift * right + _density(edge - shift) + _density(edge + shift) - shift * wrong
    share = float((right + wrong).mean())
    return float(size.mean()) / share / shift, float(wrong.mean()) / share


def ears_as_animals(n: int, ears: int, correlation: float, alpha: float) -> float:
    """Share of experiments without any effect that a t test of ears, each counted as an animal, calls significant.

    ``n``  animals in each of two groups;  ``correlation``  of two ears of one animal
    """
    inflation = 1 + (ears - 1) * correlation
    quantiles = (np.arange(400) + 0.5) / 400
    between = inflation * chi2_quantiles(quantiles, 2 * (n - 1))[:, None] if n > 1 else 0.0
    within = (1 - correlation) * chi2_quantiles(quantiles, 2 * n * (ears - 1))[None, :] if ears > 1 else 0.0
    freedom = 2 * n * ears - 2
    edge = t_edge(alpha / 2, freedom) * np.sqrt((between + within) / freedom / inflation)
    return float(2 * ndtr(-edge).mean())


def _density(deviate: Array) -> Array:
    """Of the normal distribution."""
    return np.asarray(np.exp(-(deviate**2) / 2) / math.sqrt(2 * math.pi))


def _deviates(alpha: float, power: float) -> float:
    return float(ndtri(1 - alpha / 2) + ndtri(power))
