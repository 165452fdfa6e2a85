"""Diameters: classes that diffuse as their members do, and quantiles of a counted distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd

CLASSES = 3
NM = convert(1.0, "nm", "mm")
# Of a drawn distribution: how many points, and the share of the particles beyond which its tail is left out.
_POINTS, _FAR = 150, 0.999


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


def size_density(particles: pd.DataFrame) -> tuple[Array, Array]:
    """The size distribution over all videos of a table: diameter in nm, particles/mL for each nm.

    A density, so that bins of any width show the same distribution; neighbours are joined where there are many.
    """
    bins = particles.groupby("diameter", sort=True)["concentration"].sum() / particles["replicate"].nunique()
    size, count = bins.index.to_numpy(dtype=float) / NM, bins.to_numpy(dtype=float)
    width = np.gradient(size) if size.size > 1 else np.ones(1)
    far = int(np.searchsorted(np.cumsum(count), _FAR * count.sum())) + 2
    size, count, width = size[:far], count[:far], width[:far]
    first = np.arange(0, size.size, -(-size.size // _POINTS))
    size, count, width = (np.add.reduceat(values, first) for values in (size * width, count, width))
    return size / width, count / width * convert(1.0, "particles/uL", "particles/mL")


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
