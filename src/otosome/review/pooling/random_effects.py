"""Random effects by REML with Hartung and Knapp's interval, the prediction interval, and regression on moderators.

Viechtbauer 2005 (https://doi.org/10.3102/10769986030003261) for REML; Knapp and Hartung 2003
(https://doi.org/10.1002/sim.1482); Higgins, Thompson and Spiegelhalter 2009
(https://doi.org/10.1111/j.1467-985X.2008.00552.x) for the prediction interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, stdtr, stdtrit

from otosome.errors import BadInput
from otosome.units import Array

# Below so many studies a regression on a moderator mostly finds chance (Cochrane Handbook 10.11.4).
LEAST_FOR_REGRESSION = 10
_LARGEST_TAU2 = 1e8


@dataclass(frozen=True)
class Pool:
    """Effects together.

    ``value``, ``error``  the mean effect and its standard error after Hartung and Knapp; ``low``, ``high``  95 %
    ``plain_low``, ``plain_high``  95 % by the normal: of few alike studies Hartung and Knapp's can be too narrow
    ``tau2``, ``i2``      variance between studies, and its share of all, in %;  ``q``, ``q_p``  Cochran's test
    ``next_low``, ``next_high``  where 95 % of further studies' true effects are expected; none of a single study
    ``k``                 effects;  ``weights``  of each, shares of 1
    """

    value: float
    error: float
    low: float
    high: float
    plain_low: float
    plain_high: float
    tau2: float
    i2: float
    q: float
    q_p: float
    next_low: float | None
    next_high: float | None
    k: int
    weights: tuple[float, ...]

    @property
    def safe(self) -> tuple[float, float]:
        """The wider of the two 95 % intervals."""
        wider = self.plain_high - self.plain_low > self.high - self.low
        return (self.plain_low, self.plain_high) if wider else (self.low, self.high)


@dataclass(frozen=True)
class Regression:
    """Effects over moderators: coefficients, errors and p of each column, and what variance is left between studies."""

    coefficients: tuple[float, ...]
    errors: tuple[float, ...]
    p: tuple[float, ...]
    tau2: float
    k: int


def pool(values: Array, variances: Array) -> Pool:
    """The pool of independent effects; of a single one, itself with its normal interval.

    ``values``, ``variances``  shape (study,), finite, variances above zero
    """
    k = values.size
    tau2 = reml(values, variances, np.ones((k, 1)))
    weights = 1 / (variances + tau2)
    mean = float(np.sum(weights * values) / np.sum(weights))
    fixed = 1 / variances
    q = float(np.sum(fixed * (values - np.sum(fixed * values) / np.sum(fixed)) ** 2))
    if k == 1:
        error, quantile = math.sqrt(float(variances[0])), 1.959963984540054
    else:
        error = math.sqrt(float(np.sum(weights * (values - mean) ** 2) / (k - 1) / np.sum(weights)))
        quantile = float(stdtrit(k - 1, 0.975))
    plain = 1.959963984540054 / math.sqrt(float(np.sum(weights)))
    ahead = quantile * math.sqrt(tau2 + error**2) if k > 1 else None
    typical = (k - 1) * np.sum(fixed) / (np.sum(fixed) ** 2 - np.sum(fixed**2)) if k > 1 else 0.0
    return Pool(
        mean,
        error,
        mean - quantile * error,
        mean + quantile * error,
        mean - plain,
        mean + plain,
        tau2,
        float(100 * tau2 / (tau2 + typical)) if tau2 else 0.0,
        q,
        float(chdtrc(k - 1, q)) if k > 1 else 1.0,
        None if ahead is None else mean - ahead,
        None if ahead is None else mean + ahead,
        k,
        tuple(float(w) for w in weights / weights.sum()),
    )


def reml(values: Array, variances: Array, moderators: Array) -> float:
    """Variance between studies by restricted maximum likelihood, never below zero.

    ``moderators``  (study, column), a column of ones among them
    """
    if values.size <= moderators.shape[1]:
        return 0.0

    def slope(tau2: float) -> float:
        weights = 1 / (variances + tau2)
        projection = _projection(weights, moderators)
        residual = projection @ values
        return float(residual @ residual - np.trace(projection))

    if slope(0.0) <= 0:
        return 0.0
    upper = max(float(np.var(values)), float(variances.max()))
    while slope(upper) > 0 and upper < _LARGEST_TAU2:
        upper *= 4
    from scipy.optimize import brentq  # a tenth of a second to import

    return float(brentq(slope, 0.0, upper, xtol=1e-14 * upper, rtol=1e-14))


def _projection(weights: Array, moderators: Array) -> Array:
    weighted = weights[:, None] * moderators
    inner = np.linalg.solve(moderators.T @ weighted, weighted.T)
    return np.asarray(np.diag(weights) - weighted @ inner)


def regression(values: Array, variances: Array, moderators: Array, names: Sequence[str]) -> Regression:
    """Effects over moderators with Knapp and Hartung's errors; raises BadInput below ten studies, with how many lack.

    ``moderators``  shape (study, column), without the column of ones;  ``names``  of its columns
    """
    k = values.size
    if k < LEAST_FOR_REGRESSION:
        raise BadInput(
            f"{LEAST_FOR_REGRESSION - k} more studies are needed before effects are regressed on {' and '.join(names)}",
            key="--by",
            given=f"{k} studies",
            allowed=f"{LEAST_FOR_REGRESSION} or more",
        )
    design = np.column_stack([np.ones(k), moderators])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise BadInput("does not differ between these studies", key="--by", given=" and ".join(names))
    tau2 = reml(values, variances, design)
    weights = 1 / (variances + tau2)
    covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
    coefficients = covariance @ (design.T @ (weights * values))
    left = values - design @ coefficients
    freedom = k - design.shape[1]
    errors = np.sqrt(np.diag(covariance) * np.sum(weights * left**2) / freedom)
    p = 2 * stdtr(freedom, -np.abs(coefficients) / errors)
    return Regression(tuple(coefficients.tolist()), tuple(errors.tolist()), tuple(p.tolist()), tau2, k)


def without_each(values: Array, variances: Array) -> list[Pool]:
    """The pool without each effect in turn; of two effects or more."""
    every = np.arange(values.size)
    return [pool(values[every != left], variances[every != left]) for left in every]


def cumulative(values: Array, variances: Array, years: Array) -> list[tuple[int, Pool]]:
    """The pool as it stood after each year, (year, pool) in order."""
    return [(int(year), pool(values[years <= year], variances[years <= year])) for year in np.unique(years)]
