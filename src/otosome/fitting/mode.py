"""The most probable numbers, searched from several starts, and the curvature around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from otosome.units import Array

# Log-posterior (lane,) of deviates (lane, number); and its parts that are independent, (lane, term), without the prior.
LogPosterior = Callable[[Array], Array]
Terms = Callable[[Array], Array]
# Slopes are differences over so many deviates: the summit is off by half of it, and rounding is a millionth of it.
_STEP = 5e-4
# Curvature is taken over so many standard deviations of the posterior, and again over the second.
_NEAR, _FAR = 0.25, 0.75
# Beyond so many standard deviations of the prior nothing is believed.
_FARTHEST = 6.0
# A search is turned back there by a wall that rises so.
_WALL = 100.0
# Rounds of a search, steps of each, and the gain at which it ends.
_ROUNDS, _STEPS, _GAIN = 12, 15, 0.02
# Steps of scoring before them, the gain at which they end, and of each step the lengths that are tried.
_SCORINGS, _ROUGHLY, _LENGTHS = 40, 0.3, np.array([8.0, 4.0, 2.0, 1.0, 0.3, 0.05])
# Random places that are looked at for each start.
_LOOKS = 8
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
    ``spread``      a covariance from the slopes of the terms, always there, no interval
    ``refusal``     why there is no covariance, in a sentence; empty where there is one
    """

    deviates: Array
    log_posterior: float
    starts: tuple[Start, ...]
    spread: Array
    covariance: Array | None
    refusal: str

    @property
    def agreeing(self) -> int:
        """How many starts ended as high as the best."""
        return sum(start.log_posterior > self.log_posterior - AGREEMENT for start in self.starts)


def mode(
    log_posterior: LogPosterior,
    terms: Terms,
    numbers: int,
    starts: int,
    seed: int,
    tick: Callable[[int], None],
    rough: Terms | None = None,
) -> Mode:
    """The summit of a log-posterior by L-BFGS-B, from the best value and from the highest of some random places.

    ``terms``  what the posterior is the sum of, but for its prior: their slopes say how steep it is in each direction
    ``tick``   called with the number of starts that are done
    ``rough``  terms that are quicker and nearly the same, with which a search may begin
    """
    began = [np.zeros(numbers)]
    if starts > 1:
        looks = np.random.default_rng(seed).normal(0.0, 1.0, (_LOOKS * (starts - 1), numbers))
        began += list(looks[np.argsort(-log_posterior(looks))[: starts - 1]])
    searches = list[Start]()
    for number, start in enumerate(began):
        searches.append(_search(log_posterior, terms, start, rough or terms))
        tick(number + 1)
    best = max(searches, key=lambda search: search.log_posterior)
    summit = np.array(best.ended)
    spreads = _spreads(terms, summit)
    covariance, refusal = laplace(log_posterior, summit, spreads)
    return Mode(summit, best.log_posterior, tuple(searches), spreads @ spreads.T, covariance, refusal)


def _spreads(terms: Terms, at: Array) -> Array:
    """Directions about one standard deviation long, (number, number) by column, from the slopes of the terms.

    How independent slopes differ stands for the curvature (Berndt, Hall, Hall and Hausman 1974).
    """
    information = _information(_slopes(terms, at)[1])
    if not np.all(np.isfinite(information)):
        return np.eye(at.size)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(information)).T)


def _slopes(terms: Terms, at: Array) -> tuple[Array, Array]:
    """The terms at a place, (term,), and their slopes there, (number, term)."""
    values = terms(at + _STEP * np.concatenate([np.zeros((1, at.size)), np.eye(at.size)]))
    return values[0], (values[1:] - values[:1]) / _STEP


def _information(slopes: Array) -> Array:
    """What terms and prior tell of each direction, (number, number), from the slopes of the terms."""
    apart = slopes - slopes.mean(axis=1, keepdims=True)
    return np.asarray(np.eye(len(slopes)) + apart @ apart.T)


def _scored(terms: Terms, start: Array) -> tuple[Array, int]:
    """Where a few steps of scoring lead, each the best of several lengths; and how often terms were looked at.

    A step goes where a parabola would have its summit whose curvature is how the slopes of the terms differ.
    """
    place, evaluations = start, 0
    for _ in range(_SCORINGS):
        values, slopes = _slopes(terms, place)
        height = values.sum() - 0.5 * place @ place
        slope, information = slopes.sum(axis=1) - place, _information(slopes)
        if not (np.isfinite(height) and np.all(np.isfinite(information))):
            break
        step = np.linalg.solve(information, slope)
        tries = np.clip(place + _LENGTHS[:, None] * step, -_FARTHEST, _FARTHEST)
        heights = terms(tries).sum(axis=1) - 0.5 * np.sum(tries**2, axis=1)
        heights = np.where(np.isfinite(heights), heights, -np.inf)
        evaluations += len(tries) + start.size + 1
        if heights.max() > height:
            place = tries[heights.argmax()]
        if heights.max() - height < _ROUGHLY:
            break
    return place, evaluations


def _search(log_posterior: LogPosterior, terms: Terms, start: Array, rough: Terms) -> Start:
    """Scoring with rough terms, then rounds of L-BFGS-B, each along the directions that hold where it begins.

    The last round is one that gains next to nothing.
    """
    (place, evaluations), height = _scored(rough, start), -np.inf
    for _ in range(_ROUNDS):
        place, reached, used = _climb(log_posterior, _spreads(terms, place), place)
        evaluations += used + start.size + 1
        gain, height = reached - height, reached
        if gain < _GAIN:
            break
    return Start(start.tolist(), place.tolist(), height, evaluations)


def _climb(log_posterior: LogPosterior, spreads: Array, start: Array) -> tuple[Array, float, int]:
    """Where L-BFGS-B ends that begins at a place and goes along directions; its height, and how often it looked."""
    numbers, evaluations = start.size, 0
    sides = _STEP * np.concatenate([np.zeros((1, numbers)), np.eye(numbers)])

    def height_and_slope(along: Array) -> tuple[float, Array]:
        nonlocal evaluations
        evaluations += len(sides)
        places = start + spreads @ along + sides
        beyond = np.maximum(np.abs(places) - _FARTHEST, 0.0)
        heights = log_posterior(np.clip(places, -_FARTHEST, _FARTHEST)) - _WALL * np.sum(beyond**2, axis=1)
        return -float(heights[0]), -(heights[1:] - heights[0]) / _STEP @ spreads

    done = minimize(
        height_and_slope,
        np.zeros(numbers),
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 1e-7, "gtol": 1e-2, "maxiter": _STEPS, "maxcor": 20},
    )
    return start + spreads @ done.x, -float(done.fun), evaluations


def laplace(
    log_posterior: LogPosterior, summit: Array, spreads: Array | None = None
) -> tuple[Array | None, str]:
    """The covariance that the curvature at a summit implies, or the reason why there is none.

    The curvature is taken over a quarter of a standard deviation and, along each direction, again over three quarters:
    where both differ by much, the summit is no parabola (a kink lies on it) and an interval from it would be wrong.

    ``spreads``  directions about one standard deviation long, (number, number) by column; the prior's if left out
    """
    along = np.eye(summit.size) if spreads is None else spreads
    near = _curvature(log_posterior, summit, _NEAR * along) / _NEAR**2
    least = float(np.linalg.eigvalsh(near).min())
    if least <= 0:
        return None, f"the curvature is not that of a summit (its least eigenvalue is {least:.2g})"
    far = _straight(log_posterior, summit, _FAR * along) / _FAR**2
    if np.any(far <= 0) or np.max(np.abs(np.log(far / np.diag(near)))) > np.log(1.5):
        return None, "the curvature differs by more than half between two widths: a kink lies at the summit"
    if np.any(np.abs(summit) > _FARTHEST - _NEAR):
        return (
            None,
            f"a number lies at {_FARTHEST:g} standard deviations of its prior, where nothing is believed",
        )
    return np.asarray(along @ np.linalg.inv(near) @ along.T, dtype=np.float64), ""


def _straight(log_posterior: LogPosterior, summit: Array, along: Array) -> Array:
    """Minus the second differences along each direction (number, number) by column, shape (number,)."""
    heights = log_posterior(summit + np.concatenate([np.zeros((1, summit.size)), along.T, -along.T]))
    return np.asarray(2.0 * heights[0] - heights[1 : summit.size + 1] - heights[summit.size + 1 :])


def _curvature(log_posterior: LogPosterior, summit: Array, along: Array) -> Array:
    """Minus the matrix of second differences along directions, (number, number)."""
    straight = _straight(log_posterior, summit, along)
    pairs = [(i, j) for i in range(summit.size) for j in range(i)]
    curvature = np.diag(straight)
    if pairs:
        # Halfway between two directions and away from both: odd terms cancel.
        corners = np.stack([along[:, i] - along[:, j] for i, j in pairs])
        middle = log_posterior(summit[None])[0]
        ahead, back = np.split(log_posterior(summit + np.concatenate([corners, -corners])), 2)
        for (i, j), both in zip(pairs, 2.0 * middle - ahead - back, strict=True):
            curvature[i, j] = curvature[j, i] = 0.5 * (straight[i] + straight[j] - both)
    return np.asarray(curvature)
