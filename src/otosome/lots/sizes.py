"""Diameters: classes that diffuse as their members do, and quantiles of a counted distribution."""

from __future__ import annotations

import numpy as np

from otosome.units import Array

CLASSES = 3


def classes(diameters: Array, counts: Array, n: int = CLASSES) -> tuple[Array, Array]:
    """Classes of equal count, each with the diameter that diffuses as its members do on average.

    A vesicle's diffusion goes as 1/d, so a class's diameter is the harmonic mean of its members': the sum of
    weight / diameter is that of the whole distribution. A bin on a boundary is shared between two classes.

    ``diameters``  any unit, above zero, shape (bin,), in any order
    ``counts``     particles in each bin, not negative, shape (bin,)
    returns        diameters (same unit, rising) and weights (sum 1), each of shape (n,)
    raises         ValueError if nothing is counted or a number is not finite
    """
    order = np.argsort(diameters, kind="stable")
    size, count = np.asarray(diameters, dtype=float)[order], np.asarray(counts, dtype=float)[order]
    if n < 1 or not np.isfinite(size).all() or not np.isfinite(count).all():
        raise ValueError(f"sizes: {n} classes of {size.size} bins; expected 1 or more, and finite numbers")
    if size.size == 0 or size[0] <= 0 or count.min() < 0 or not count.sum() > 0:
        raise ValueError("sizes: expected diameters above zero, counts not negative and one particle or more")
    edges = np.arange(n + 1) / n
    upper = np.cumsum(count / count.sum())
    upper[-1] = 1.0
    lower = np.concatenate([[0.0], upper[:-1]])
    shared = np.minimum(upper, edges[1:, None]) - np.maximum(lower, edges[:-1, None])
    weight = np.maximum(shared, 0.0)
    return weight.sum(axis=1) / (weight / size).sum(axis=1), weight.sum(axis=1)


def lognormal_classes(median: Array, spread: Array, n: int = CLASSES) -> tuple[Array, Array]:
    """The classes of a log-normal distribution of diameters, exactly.

    ``median``  any unit, above zero, shape (subject,)
    ``spread``  geometric standard deviation, 1 or more, shape (subject,)
    returns     diameters (same unit) and weights, each of shape (n, subject)
    """
    from scipy.special import ndtr, ndtri

    sigma = np.log(spread)
    edges = ndtri(np.arange(n + 1) / n)[:, None]
    # E[exp(-sigma z)] between two edges, from the upper tail: no two numbers near one are subtracted.
    tail = ndtr(-(edges + sigma))
    slowness = n * np.exp(sigma**2 / 2) * (tail[:-1] - tail[1:]) / median
    return 1.0 / slowness, np.full(slowness.shape, 1.0 / n)


def quantile(size: Array, count: Array, share: float) -> float:
    """Between bin centres, as the instrument's own D50: half of a bin lies below its centre."""
    middle = np.cumsum(count) - count / 2
    filled = count > 0
    return float(np.interp(share * count.sum(), middle[filled], size[filled]))


def geometric_deviation(size: Array, count: Array) -> float:
    """Of the log-normal with the same D10 and D90."""
    from scipy.special import ndtri

    between = ndtri(0.9) - ndtri(0.1)
    return float((quantile(size, count, 0.9) / quantile(size, count, 0.1)) ** (1 / between))
