"""What was never printed: the pool as a curve over the share of results without significance that get printed.

A result is significant if its one-sided p for the treatment is below 0.025; those are all printed, of the others a
share. The likelihood of what was printed is divided by the chance of being printed (Hedges 1992, Vevea and Hedges
1995, https://doi.org/10.1007/BF02294384). A few studies cannot tell that share, so it is no estimate but an axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from otosome.units import Array

SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
_CRITICAL = float(ndtri(0.975))


@dataclass(frozen=True)
class Selected:
    """The pool if of results without significance that share is printed: mean, error, variance between studies."""

    share: float
    value: float
    error: float
    tau2: float

    @property
    def low(self) -> float:
        """Its 2.5 %."""
        return self.value - _CRITICAL * self.error

    @property
    def high(self) -> float:
        """Its 97.5 %."""
        return self.value + _CRITICAL * self.error


def curve(values: Array, variances: Array, shares: tuple[float, ...] = SHARES) -> list[Selected]:
    """The pool for each share of results without significance that is printed, by maximum likelihood."""
    return [selected(values, variances, share) for share in shares]


def minus_log_likelihood(mean: float, tau2: float, values: Array, variances: Array, share: float) -> float:
    """Minus the log-likelihood of printed effects, with their chance of being printed, up to a constant."""
    spread = np.sqrt(variances + tau2)
    significant = ndtr((mean - _CRITICAL * np.sqrt(variances)) / spread)
    printed = significant + share * (1 - significant)
    return float(np.sum(((values - mean) / spread) ** 2 / 2 + np.log(spread) + np.log(printed)))


def selected(values: Array, variances: Array, share: float) -> Selected:
    """The pool for one share, with the error of the curvature of both numbers at its maximum."""
    from scipy.optimize import minimize

    scale = float(np.sqrt(np.var(values) + variances.mean()))

    def minus(numbers: Array) -> float:
        return minus_log_likelihood(scale * numbers[0], (scale * numbers[1]) ** 2, values, variances, share)

    starts = [np.array([np.average(values, weights=1 / variances) / scale, tau]) for tau in (0.05, 0.5, 1.0)]
    best = min(
        (
            minimize(
                minus, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 4000}
            )
            for start in starts
        ),
        key=lambda ended: float(ended.fun),
    )
    mean, tau2 = float(scale * best.x[0]), float((scale * best.x[1]) ** 2)
    return Selected(share, mean, _error(mean, tau2, values, variances, share), tau2)


def _error(mean: float, tau2: float, values: Array, variances: Array, share: float) -> float:
    """The mean's standard error; at no variance between studies, with that variance held there."""
    step = np.array([1e-3 * np.sqrt(variances.mean()), 1e-3 * max(tau2, variances.mean())])

    def at(a: float, b: float) -> float:
        return minus_log_likelihood(mean + a * step[0], tau2 + b * step[1], values, variances, share)

    here = at(0, 0)
    curved = (at(1, 0) - 2 * here + at(-1, 0)) / step[0] ** 2
    if tau2 <= step[1]:
        return float(1 / np.sqrt(curved))
    other = (at(0, 1) - 2 * here + at(0, -1)) / step[1] ** 2
    both = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * step[0] * step[1])
    return float(1 / np.sqrt(curved - both**2 / other))
