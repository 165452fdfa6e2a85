"""Dose and response: a four-parameter logistic curve, or a line, for one preparation or for two alike.

A curve is ``low + (high - low) / (1 + exp(-slope (x - middle)))`` over x, the logarithm of the dose: ``low`` is
the response without, ``high`` that of a very high dose, and the slope is above zero whether the response rises
or falls. A line is ``level + slope x``. Two preparations that act alike differ by a shift along x alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import expit

from otosome.units import Array

_Model = Callable[[Array], Array]


@dataclass(frozen=True)
class Fit:
    """Least squares: what was found, how well it is known.

    ``estimate``    low, high, log slope, middle (two middles where two preparations share the rest); of a line
                    level and slope (two levels and one slope)
    ``covariance``  of the estimate, from the residual variance
    ``freedom``     wells less numbers fitted
    ``determination``  share of the response's variance that the curve accounts for (R squared)
    """

    estimate: Array
    covariance: Array
    residuals: Array
    freedom: int
    determination: float

    @property
    def variance(self) -> float:
        """Of one well around the curve."""
        return float(self.residuals @ self.residuals) / self.freedom


def logistic(x: Array, low: float, high: float, log_slope: float, middle: Array | float) -> Array:
    """The response at each log dose."""
    return np.asarray(low + (high - low) * expit(np.exp(log_slope) * (x - middle)))


def line(x: Array, level: float, slope: float) -> Array:
    """The response at each log dose."""
    return np.asarray(level + slope * x)


def fit_logistic(x: Array, y: Array) -> Fit | None:
    """One preparation's curve; None where the wells do not determine one.

    ``x``  log dose of each well, shape (well,)
    ``y``  its response, same shape
    """
    if not _determine(x, y, 4):
        return None
    return _curve(x, y, np.zeros(x.size, dtype=int), _start(x, y))


def fit_shared_logistic(x: Array, y: Array, preparation: Array) -> Fit | None:
    """Two curves that differ by a shift alone: low, high, log slope and two middles.

    ``preparation``  0 or 1 for each well
    """
    own = [(x[preparation == k], y[preparation == k]) for k in (0, 1)]
    if not (_determine(x, y, 5) and all(_determine(*part, 1) for part in own)):
        return None
    parts = [_start(*part) for part in own]
    common = (parts[0][:3] + parts[1][:3]) / 2
    return _curve(x, y, preparation, np.concatenate([common, [parts[0][3], parts[1][3]]]))


def fit_line(x: Array, y: Array) -> Fit | None:
    """One preparation's line: level and slope."""
    return _linear(np.column_stack([np.ones_like(x), x]), y)


def fit_shared_line(x: Array, y: Array, preparation: Array) -> Fit | None:
    """Two parallel lines: two levels and the slope they share."""
    return _linear(np.column_stack([preparation == 0, preparation == 1, x]).astype(float), y)


def _determine(x: Array, y: Array, numbers: int) -> bool:
    """Whether there are more wells than numbers to fit, at more than one dose and of more than one response."""
    return y.size > numbers and bool(np.ptp(x) > 0 and np.ptp(y) > 0)


def _start(x: Array, y: Array) -> Array:
    """The best of a grid of slopes and middles, each with the low and high that suit it best."""
    width = np.ptp(x)
    slopes, middles = np.meshgrid(
        np.geomspace(2, 60, 10) / width, np.linspace(x.min(), x.max(), 15), indexing="ij"
    )
    basis = expit(slopes.reshape(-1, 1) * (x - middles.reshape(-1, 1)))
    centred = basis - basis.mean(axis=1, keepdims=True)
    off = y - y.mean()
    gain = (centred @ off) / (centred**2).sum(axis=1)
    best = int(np.argmax(gain * (centred @ off)))
    low = y.mean() - gain[best] * basis[best].mean()
    return np.array([low, low + gain[best], np.log(slopes.flat[best]), middles.flat[best]])


def _curve(x: Array, y: Array, preparation: Array, start: Array) -> Fit | None:
    # Beyond these a curve is a step or a line, and its logistic numbers mean nothing.
    width, spread = np.ptp(x), np.ptp(y)
    own = np.eye(start.size - 3)[preparation]

    def residuals(theta: Array) -> Array:
        return logistic(x, theta[0], theta[1], theta[2], theta[3:][preparation]) - y

    def slopes(theta: Array) -> Array:
        slope, off = np.exp(theta[2]), x - theta[3:][preparation]
        share = expit(slope * off)
        steep = (theta[1] - theta[0]) * share * (1 - share) * slope
        return np.column_stack([1 - share, share, steep * off, -steep[:, None] * own])

    scale = np.r_[spread, spread, 1.0, [width] * own.shape[1]]
    with np.errstate(over="ignore", invalid="ignore"):  # a step too far is no solution, and is turned back
        solution = least_squares(residuals, start, slopes, method="lm", x_scale=scale)
    if not solution.success or not -6 < solution.x[2] + np.log(width) < 8:
        return None
    estimate: Array = np.asarray(solution.x, dtype=np.float64)
    return _fit(estimate, slopes(estimate), -residuals(estimate), y)


def _linear(design: Array, y: Array) -> Fit | None:
    estimate: Array = np.asarray(np.linalg.lstsq(design, y, rcond=None)[0], dtype=np.float64)
    return _fit(estimate, design, y - design @ estimate, y)


def _fit(estimate: Array, jacobian: Array, residuals: Array, y: Array) -> Fit | None:
    freedom = y.size - estimate.size
    scale = np.linalg.norm(jacobian, axis=0)
    # Columns brought to one length: what is then near singular is so whatever the units.
    if freedom < 1 or not (scale > 0).all() or np.linalg.cond(jacobian / scale) > 1e6:
        return None
    inverse = np.linalg.inv((jacobian / scale).T @ (jacobian / scale)) / np.outer(scale, scale)
    left = float(residuals @ residuals)
    total = float(((y - y.mean()) ** 2).sum())
    return Fit(estimate, inverse * left / freedom, residuals, freedom, 1 - left / total if total else 0.0)
