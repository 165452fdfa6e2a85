"""Seeking the largest value of a function that takes long: an even scan, then where a Gaussian process expects most.

Points lie in the unit cube. Expected improvement: Jones, Schonlau and Welch, Journal of Global Optimization 1998.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr
from scipy.stats import qmc

from otosome.errors import BadInput
from otosome.units import Array

# Points compared for each one that is computed, a power of two, and as many near the best.
_COMPARED, _NEAR = 10, 256
_STEP = 0.05
# Points alike to so many digits are one.
_DIGITS = 9


def seek(
    value: Callable[[Array], float],
    standing: Callable[[Array], Array | None],
    size: int,
    scan: int,
    more: int,
    seed: int,
) -> tuple[Array, Array]:
    """Points computed, (point, dimension), and their values, (point,), in the order computed.

    ``value``     of a point;  ``standing``  the point that stands for another, None where none may
    ``size``      dimensions;  ``scan``  points spread evenly;  ``more``  points computed after them
    raises        BadInput where no point is allowed
    """
    points = _distinct(qmc.Sobol(size, rng=seed).random_base2(_COMPARED), standing, np.empty((0, size)))[
        :scan
    ]
    if not len(points):
        raise BadInput("leaves no regimen", key="limits", cure="widen what is searched, or loosen its limits")
    values = np.array([value(point) for point in points])
    for number in range(more):
        following = _promising(points, values, standing, seed + number + 1)
        if following is None:
            break
        points, values = np.vstack([points, following]), np.append(values, value(following))
    return points, values


def _distinct(some: Array, standing: Callable[[Array], Array | None], known: Array) -> Array:
    """Points that stand for some, each once, in their order, and none that is known."""
    own = [point for point in map(standing, some) if point is not None]
    rows = np.asarray(np.round(np.vstack([known, *own]), _DIGITS), dtype=np.float64)
    _, first = np.unique(rows, axis=0, return_index=True)
    return rows[np.sort(first[first >= len(known)])]


def _promising(
    points: Array, values: Array, standing: Callable[[Array], Array | None], seed: int
) -> Array | None:
    """The point whose expected improvement is largest; None where every point is computed, or all are alike."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    size = points.shape[1]
    random = np.random.default_rng(seed)
    near = points[values.argmax()] + _STEP * random.standard_normal((_NEAR, size))
    even = qmc.Sobol(size, rng=seed).random_base2(_COMPARED)
    others = _distinct(np.vstack([even, np.clip(near, 0, 1)]), standing, points)
    if not len(others) or not values.std() > 0:
        return None
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * Matern(np.ones(size), (0.05, 50.0), nu=2.5)
    process = GaussianProcessRegressor(
        kernel, alpha=1e-6, normalize_y=True, n_restarts_optimizer=1, random_state=seed
    )
    with warnings.catch_warnings():
        # A length at its bound says that a dimension hardly matters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(points, values)
    mean, deviation = process.predict(others, return_std=True)
    above = mean - values.max()
    z = above / np.maximum(deviation, 1e-12)
    gain = above * ndtr(z) + deviation * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(others[gain.argmax()])
