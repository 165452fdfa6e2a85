"""How likely what a paper prints is: means with their spread, and comparisons of groups, at many tones together.

What one animal reads at several tones goes together, so tones of a group are no independent evidence. Means of a group
are jointly normal with the covariance of single animals, their variances chi-squared. The t of two groups is
noncentral, a normal difference over a chi-squared spread. Differences at all tones share one factor, spreads another.

Arrays have a lane for each vector of numbers and a row for each tone or moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import chdtr, gammaincinv, ndtr, ndtri, stdtrit
from scipy.stats import chi2, norm

from otosome.units import Array

# A probability nearer to 0 or 1 than this is taken for it, so that its deviate is finite.
_NEAREST = 1e-15
# Points of the factor that differences share, in even steps; correlations beyond the last are taken for it.
_FACTOR, _CLOSEST = np.linspace(-6.0, 6.0, 81), 0.98
# Points and weights of a standard normal: of the factor that spreads share, and of each spread's own.
_POINTS, _WEIGHTS = hermegauss(12)
_WEIGHTS = _WEIGHTS / np.sqrt(2.0 * np.pi)
# Below it a probability is taken for it, so that its logarithm is finite.
_LEAST = 1e-300


def log_of_means(mean: Array, of: Array, covariance: Array, n: int) -> Array:
    """Log-density of means (row,) of n animals, shape (lane,).

    ``of``  what animals read on average, (lane, row);  ``covariance``  between them, (lane, row, row)
    """
    lower = np.linalg.cholesky(covariance / n)
    apart = np.linalg.solve(lower, (mean - of)[..., None])[..., 0]
    halves = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * np.sum(apart**2, axis=1) - halves - 0.5 * mean.size * np.log(2.0 * np.pi))


def log_of_spreads(sd: Array, covariance: Array, n: int) -> Array:
    """Log-density of standard deviations (row,) of n animals, shape (lane,).

    (n - 1) sd² over the variance is chi-squared; two of them correlate by the square of what their readings do.
    """
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    scaled = (n - 1) * sd**2 / variance
    own = chi2.logpdf(scaled, n - 1) + np.log(2.0 * (n - 1) * sd / variance)
    if sd.size == 1:
        return np.asarray(own[:, 0])
    deviates = ndtri(np.clip(chdtr(n - 1, scaled), _NEAREST, 1.0 - _NEAREST))
    together = (covariance / np.sqrt(variance[:, :, None] * variance[:, None, :])) ** 2
    joint = log_of_means(np.zeros(sd.size), deviates, together, 1)
    return np.asarray(own.sum(axis=1) + joint - norm.logpdf(deviates).sum(axis=1))


@dataclass(frozen=True)
class Verdict:
    """What a paper prints of a comparison at one tone: where its t statistic lies, "of" less "against".

    ``between``  spans that hold it, as pairs of ends;  ``exactly``  where a p value is printed, the absolute t it means
    ``side``     -1 below zero, 1 above, 0 where the sign is not stated
    """

    between: tuple[tuple[float, float], ...] = ()
    exactly: float | None = None
    side: int = 0

    @classmethod
    def of(cls, p: float | None, relation: str, side: int, freedom: int) -> Verdict:
        """A verdict from a two-sided p (None: the direction alone), its relation "<", ">" or "=", and the direction."""
        if p is None:
            return cls(between=((-np.inf, 0.0) if side < 0 else (0.0, np.inf),))
        edge = -float(stdtrit(freedom, p / 2.0))
        if relation == "=":
            return cls(exactly=edge, side=side)
        if relation == ">":
            spans = [(-edge, edge)] if not side else [(-edge, 0.0)] if side < 0 else [(0.0, edge)]
        else:
            spans = [(-np.inf, -edge)] * (side <= 0) + [(edge, np.inf)] * (side >= 0)
        return cls(between=tuple(spans))


def log_of_comparison(
    verdicts: tuple[Verdict, ...], effect: Array, correlation: Array, freedom: int
) -> Array:
    """Log-probability of what was found at several tones of the same animals together, shape (lane,).

    ``effect``       noncentrality of each t: the difference over its standard error, (lane, row)
    ``correlation``  between rows, (lane,), 0 to 1;  ``freedom``  degrees of freedom, two groups' n less 2
    """
    share = np.clip(correlation, 0.0, _CLOSEST)[:, None, None, None]
    spread = _spreads(share, freedom)
    chance = np.ones((len(effect), _FACTOR.size, _POINTS.size))
    for row, verdict in enumerate(verdicts):
        chance = chance * _chance_of(verdict, effect[:, row, None, None, None], share, spread)
    factor = norm.pdf(_FACTOR) * (_FACTOR[1] - _FACTOR[0])
    total = np.einsum("lfs,f,s->l", chance, factor, _WEIGHTS)
    return np.asarray(np.log(np.maximum(total, _LEAST)))


def _spreads(share: Array, freedom: int) -> Array:
    """Estimated over true spread at each point of the factor and of its own, shape (lane, 1, point, point).

    Where readings correlate by r their squares do by r².
    """
    deviates = share * _POINTS[:, None] + np.sqrt(1.0 - share**2) * _POINTS
    # Half a chi-squared is a gamma of half its freedom.
    return np.asarray(np.sqrt(2.0 * gammaincinv(freedom / 2.0, ndtr(deviates)) / freedom))


def _chance_of(verdict: Verdict, effect: Array, share: Array, spread: Array) -> Array:
    """The probability of a verdict, or the density of an exact t, given both factors; shape (lane, point, point)."""
    rest = np.sqrt(1.0 - share)
    pulled = effect + np.sqrt(share) * _FACTOR[:, None, None]
    if verdict.exactly is None:
        ends = [[ndtr((t * spread - pulled) / rest) for t in span] for span in verdict.between]
        chance = sum((high - low for low, high in ends), start=np.zeros(1))
    else:
        sides = (-1.0, 1.0) if not verdict.side else (float(verdict.side),)
        each = [norm.pdf((side * verdict.exactly * spread - pulled) / rest) for side in sides]
        chance = sum(each, start=np.zeros(1)) * spread / rest
    return np.asarray(chance @ _WEIGHTS)
