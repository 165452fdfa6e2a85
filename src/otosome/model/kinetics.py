"""What a pharmacologist says of a curve: its peak and when, the area under it, and how fast its end falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.units import Array, Hours

# Fewer points tell no half-life.
_FEWEST = 3


@dataclass(frozen=True)
class Kinetics:
    """Non-compartmental numbers of curves, each of shape (curve,).

    ``peak``       highest concentration, and ``peak_time``, h, when it is first reached
    ``area``       under the curve to its last point, amount h/uL
    ``half_life``  h, of its end; NaN where it does not fall
    ``whole``      the area to infinity, by that half-life; NaN likewise
    """

    peak: Array
    peak_time: Hours
    area: Array
    half_life: Hours
    whole: Array


def kinetics(hours: Hours, curves: Array, after: float = 0.0) -> Kinetics:
    """Non-compartmental numbers of curves.

    The area is linear where a curve rises and logarithmic where it falls. The half-life is that of the last points from
    three on whose straight line through the logarithms explains most, by adjusted R2, after the peak and the last dose.

    ``hours``   rising, shape (time,);  ``curves``  not negative, shape (curve, time)
    ``after``   h, when the last dose ends
    Source      Gabrielsson and Weiner 2012 (linear-up log-down; best fit of the end)
    """
    top = np.argmax(curves, axis=1)
    lines = range(len(curves))
    rates = np.array([_fall(hours, curves[n], max(float(hours[top[n]]), after)) for n in lines])
    last = np.array([row[row > 0][-1] if np.any(row > 0) else 0.0 for row in curves])
    area = np.sum(_pieces(hours, curves), axis=1)
    falls = rates > 0
    rate = np.where(falls, rates, np.nan)
    return Kinetics(
        curves[lines, top], hours[top], area, np.log(2.0) / rate, np.where(falls, area + last / rate, np.nan)
    )


def _pieces(hours: Hours, curves: Array) -> Array:
    """Area of each interval, shape (curve, time - 1)."""
    left, right, width = curves[:, :-1], curves[:, 1:], np.diff(hours)
    falls = (right < left) & (right > 0.0)
    ratio = np.divide(left, right, out=np.full_like(left, np.e), where=falls)
    # Where a fall is so small that its logarithm is rounding, both rules are alike.
    falls &= ratio > 1.0 + 1e-9
    logarithmic = (left - right) / np.log(np.where(falls, ratio, np.e))
    return np.asarray(width * np.where(falls, logarithmic, 0.5 * (left + right)))


def _fall(hours: Hours, curve: Array, after: float) -> float:
    """Rate of the end of a curve, 1/h; not above zero where it does not fall."""
    end = (hours > after) & (curve > 0.0)
    if np.count_nonzero(end) < _FEWEST:
        return 0.0
    # From the last point on: sums over ever more of the points before it.
    x, y = hours[end][::-1] - hours[end].max(), np.log(curve[end][::-1])
    n = np.arange(1.0, x.size + 1)
    sx, sy, sxx, syy, sxy = (np.cumsum(part) for part in (x, y, x * x, y * y, x * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        along, up, both = sxx - sx * sx / n, syy - sy * sy / n, sxy - sx * sy / n
        adjusted = 1.0 - (1.0 - both * both / (along * up)) * (n - 1.0) / (n - 2.0)
    adjusted[: _FEWEST - 1] = -np.inf
    best = int(np.argmax(np.where(np.isfinite(adjusted), adjusted, -np.inf)))
    return float(-both[best] / along[best]) if best >= _FEWEST - 1 else 0.0
