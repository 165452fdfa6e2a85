"""The most probable numbers, searched from several starts, and the curvature around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from otosome.units import Array

LogPosterior = Callable[[Array], Array]
# Slopes are differences over so many deviates to both sides: wide enough to pass over kinks of a thousandth of a
# decibel, narrow enough that curvature costs its square.
_STEP, _CURVE = 1e-3, 0.05
# Deviates are searched within so many standard deviations of the prior.
_FARTHEST = 6.0
# Starts that end within so much log-posterior of the best agree.
AGREEMENT = 0.1


@dataclass(frozen=True)
class Start:
    """Where one search began and ended."""

    began: list[float]
    ended: list[float]
    log_posterior: float
    evaluations: int


@dataclass(frozen=True)
class Mode:
    """The most probable deviates.

    ``deviates``    (number,);  ``log_posterior``  there, up to a constant
    ``covariance``  of Laplace's approximation, (number, number); None where the curvature is not that of a summit
    ``refusal``     why there is no covariance, in a sentence; empty where there is one
    """

    deviates: Array
    log_posterior: float
    starts: tuple[Start, ...]
    covariance: Array | None
    refusal: str

    @property
    def agreeing(self) -> int:
        """How many starts ended as high as the best."""
        return sum(start.log_posterior > self.log_posterior - AGREEMENT for start in self.starts)


def mode(
    log_posterior: LogPosterior, numbers: int, starts: int, seed: int, tick: Callable[[int], None]
) -> Mode:
    """The summit of a log-posterior of deviates (lane, number) by L-BFGS-B, from the best value and random starts.

    ``tick``  called with the number of starts that are done
    """
    luck = np.random.default_rng(seed)
    began = [np.zeros(numbers), *(luck.normal(0.0, 1.0, numbers) for _ in range(starts - 1))]
    searches = list[Start]()
    for number, start in enumerate(began):
        searches.append(_search(log_posterior, start))
        tick(number + 1)
    best = max(searches, key=lambda search: search.log_posterior)
    summit = np.array(best.ended)
    covariance, refusal = laplace(log_posterior, summit)
    return Mode(summit, best.log_posterior, tuple(searches), covariance, refusal)


def _search(log_posterior: LogPosterior, start: Array) -> Start:
    numbers = start.size
    sides = _STEP * np.concatenate([np.zeros((1, numbers)), np.eye(numbers), -np.eye(numbers)])
    evaluations = 0

    def height_and_slope(deviates: Array) -> tuple[float, Array]:
        nonlocal evaluations
        evaluations += len(sides)
        heights = log_posterior(deviates + sides)
        slope = (heights[1 : numbers + 1] - heights[numbers + 1 :]) / (2.0 * _STEP)
        return -float(heights[0]), -slope

    bounds = [(-_FARTHEST, _FARTHEST)] * numbers
    done = minimize(
        height_and_slope,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"ftol": 1e-7, "gtol": 1e-2, "maxiter": 200},
    )
    return Start(start.tolist(), done.x.tolist(), -float(done.fun), evaluations)


def laplace(log_posterior: LogPosterior, summit: Array) -> tuple[Array | None, str]:
    """The covariance that the curvature at a summit implies, or the reason why there is none.

    The curvature is taken over a twentieth of a deviate and again over a tenth: where both differ by much, the summit
    is no parabola (a kink lies on it) and an interval from it would be wrong.
    """
    near, far = (_curvature(log_posterior, summit, step) for step in (_CURVE, 2.0 * _CURVE))
    least = float(np.linalg.eigvalsh(near).min())
    if least <= 0:
        return None, f"the curvature is not that of a summit (its least eigenvalue is {least:.2g})"
    apart = (
        float(np.max(np.abs(np.log(np.diag(far) / np.diag(near))))) if np.all(np.diag(far) > 0) else np.inf
    )
    if apart > np.log(1.5):
        return None, "the curvature differs by more than half between two widths: a kink lies at the summit"
    if np.any(np.abs(summit) > _FARTHEST - _CURVE):
        return None, f"a number lies at {_FARTHEST:g} standard deviations of its prior, where the search ends"
    return np.asarray(np.linalg.inv(near), dtype=np.float64), ""


def _curvature(log_posterior: LogPosterior, summit: Array, step: float) -> Array:
    """Minus the matrix of second differences, (number, number)."""
    numbers = summit.size
    each = step * np.eye(numbers)
    pairs = [(i, j) for i in range(numbers) for j in range(i)]
    points = [np.zeros(numbers), *each, *-each]
    points += [sign * (each[i] + each[j]) for i, j in pairs for sign in (1.0, -1.0)]
    heights = log_posterior(summit + np.stack(points))
    ahead, back, corners = (
        heights[1 : numbers + 1],
        heights[numbers + 1 : 2 * numbers + 1],
        heights[2 * numbers + 1 :],
    )
    straight = ahead + back - 2.0 * heights[0]
    curvature = np.diag(straight)
    for number, (i, j) in enumerate(pairs):
        both = corners[2 * number] + corners[2 * number + 1] - 2.0 * heights[0]
        curvature[i, j] = curvature[j, i] = 0.5 * (both - straight[i] - straight[j])
    return np.asarray(-curvature / step**2)
