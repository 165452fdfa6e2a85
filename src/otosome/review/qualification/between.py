"""What a table says beyond its means: how much subjects differ, whether they differ together, and where it began.

Each takes readings of the subjects of every world, shape (world, subject, frequency), and gives one number a world.
"""

from __future__ import annotations

import numpy as np

from otosome.ears import Rows
from otosome.units import Array


def spread(values: Array) -> Array:
    """Standard deviation between subjects, mean over frequencies, shape (world,)."""
    deviation: Array = values.std(axis=1, ddof=1).mean(axis=-1)
    return deviation


def correlation(values: Array, beside: Array | None = None) -> Array:
    """How far subjects differ together, -1 to 1, shape (world,).

    ``beside``  another measure at the same frequencies: the mean over these of its correlation with the first; without
                it the median correlation of neighbouring frequencies. 0 where subjects do not differ at all
    """
    if beside is None:
        together = _correlated(values[..., :-1], values[..., 1:])
        return np.asarray(np.median(together, axis=-1))
    return np.asarray(_correlated(values, beside).mean(axis=-1))


def _correlated(first: Array, other: Array) -> Array:
    """Correlation over subjects, shape (world, frequency)."""
    off = [part - part.mean(axis=1, keepdims=True) for part in (first, other)]
    scale = np.sqrt(np.prod([(part**2).sum(axis=1) for part in off], axis=0))
    product = (off[0] * off[1]).sum(axis=1)
    return np.divide(product, scale, out=np.zeros_like(product), where=scale > 0)


def shape(values: Array) -> Array:
    """Mean at the highest frequency less that at the lowest, shape (world,)."""
    mean = values.mean(axis=1)
    return np.asarray(mean[:, -1] - mean[:, 0])


def run(values: Array, runs: Rows) -> Array:
    """Share of the variance of subjects' means over frequencies that lies between runs, 0 to 1, shape (world,).

    ``runs``  of each subject, shape (world, subject); of runs of one subject, or of one run, there is none to tell
    """
    return np.array([_share(*pair) for pair in zip(values.mean(axis=-1), runs, strict=True)])


def _share(values: Array, runs: Rows) -> float:
    """Intraclass correlation by analysis of variance with groups of unequal size, not below none."""
    _, place, size = np.unique(runs, return_inverse=True, return_counts=True)
    groups, subjects = size.size, values.size
    if groups in (1, subjects):
        return 0.0
    mean = np.bincount(place, values) / size
    within = float(((values - mean[place]) ** 2).sum()) / (subjects - groups)
    among = float((size * (mean - values.mean()) ** 2).sum()) / (groups - 1)
    typical = (subjects - float((size**2).sum()) / subjects) / (groups - 1)
    between = max((among - within) / typical, 0.0)
    return between / (between + within) if between + within > 0 else 0.0
