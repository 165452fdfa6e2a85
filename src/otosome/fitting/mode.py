"""The most probable numbers, searched from several starts, and the curvature around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import minimize

from otosome.units import Array

# Log-posterior (lane,) of deviates (lane, number); and its parts that are independent, (lane, term), without the prior.
LogPosterior = Callable[[Array], Array]
Terms = Callable[[Array], Array]
# Slopes of terms are differences over so many deviates.
_STEP = 5e-4
# Slopes of a search are differences over so many standard deviations of the posterior, wide enough for the ripples that
# sums over nodes leave; what a parabola bends by on the way is taken off.
_STRIDE = 0.05
# Curvature is taken over so many standard deviations of the posterior, and again over the second.
_NEAR, _FAR = 0.25, 0.75
# Beyond so many standard deviations of the prior nothing is believed.
_FARTHEST = 6.0
# A search is turned back there by a wall that rises so.
_WALL = 100.0
# Rounds of a search, steps of each, and the gain at which it ends.
_ROUNDS, _STEPS, _GAIN = 6, 15, 0.05
# Looks of a line search; where ripples leave no way up more are in vain.
_TRIES = 6
# Steps of scoring before them, the gain at which they end, and of each step the lengths that are tried.
_SCORINGS, _ROUGHLY, _LENGTHS = 40, 5.0, np.array([8.0, 4.0, 2.0, 1.0, 0.3, 0.05])
# The least curvature of a direction that a search believes, against what the terms tell of it.
_FLAT = 0.1
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
        best = max(start.log_posterior for start in self.starts)
        return sum(start.log_posterior > best - AGREEMENT for start in self.starts)


class Landscape(Protocol):
    """A log-posterior, and what is quicker and nearly the same."""

    def log_posterior(self, deviates: Array) -> Array:
        """Of vectors of deviates (lane, number), shape (lane,)."""
        ...

    def terms(self, deviates: Array) -> Array:
        """What it is the sum of, but for its prior, (lane, term): their slopes say how steep it is."""
        ...

    def around(self, deviates: Array) -> Landscape:
        """The same near a vector of deviates (number,)."""
        ...

    def coarser(self) -> Landscape:
        """Nearly the same everywhere."""
        ...


def mode(land: Landscape, numbers: int, starts: int, seed: int, tick: Callable[[int], None]) -> Mode:
    """The summit of a log-posterior by L-BFGS-B, from the best value and from the highest of some random places.

    Every search ends on a coarser landscape, where they are compared; the best goes on to the summit itself.

    ``tick``  called with the number of starts that are done
    """
    coarse = land.coarser()
    rough = coarse.coarser()
    began = [np.zeros(numbers)]
    if starts > 1:
        looks = np.random.default_rng(seed).normal(0.0, 1.0, (_LOOKS * (starts - 1), numbers))
        began += list(looks[np.argsort(-rough.log_posterior(looks))[: starts - 1]])
    searches = list[tuple[Start, Array]]()
    for number, start in enumerate(began):
        searches.append(_search(coarse, rough, start))
        tick(number + 1)
    best, spreads = max(searches, key=lambda search: search[0].log_posterior)
    summit, height, _ = _rounds(land, np.array(best.ended), spreads)
    covariance, refusal = laplace(land, summit, spreads)
    return Mode(
        summit, height, tuple(start for start, _ in searches), spreads @ spreads.T, covariance, refusal
    )


def _search(land: Landscape, rough: Landscape, start: Array) -> tuple[Start, Array]:
    """Scoring on a rough landscape, then rounds of L-BFGS-B; besides, directions about one standard deviation long."""
    place, used = _scored(rough.terms, start)
    spreads, more = _curved(land, place)
    place, height, last = _rounds(land, place, spreads)
    return Start(start.tolist(), place.tolist(), height, used + more + last), spreads


def onward(land: Landscape, near: Mode) -> Mode:
    """The summit of a landscape that is nearly another's, from that one's; its curvature is taken to be the same."""
    spreads = np.asarray(np.linalg.cholesky(near.spread), dtype=np.float64)
    place, height, used = _rounds(land, near.deviates, spreads)
    start = Start(near.deviates.tolist(), place.tolist(), height, used)
    return Mode(place, height, (start,), near.spread, near.covariance, near.refusal)


def _curved(land: Landscape, at: Array) -> tuple[Array, int]:
    """Directions about one standard deviation long, (number, number) by column, from the curvature at a place.

    Where it is less than a little of what the terms tell, as far from a summit, that little stands for it; also how
    often the landscape was looked at.
    """
    near, many = land.around(at), at.size
    looks = many + 1 + 1 + 2 * many + many * (many - 1) // 2
    along = _spreads(near.terms, at)
    curvature = _curvature(near.log_posterior, at, _NEAR * along) / _NEAR**2
    if not np.all(np.isfinite(curvature)):
        return along, looks
    strength, turned = np.linalg.eigh(curvature)
    return np.asarray(along @ turned / np.sqrt(np.maximum(np.abs(strength), _FLAT))), looks


def _rounds(land: Landscape, place: Array, spreads: Array) -> tuple[Array, float, int]:
    """Where rounds of L-BFGS-B end, each near where it begins; the height there, and how often it looked.

    The last round is one that gains next to nothing. What is quick near a place may lead astray: then the round is
    made again by the landscape itself.
    """
    height, used = float(land.log_posterior(place[None])[0]), 1
    for _ in range(_ROUNDS):
        tried, left, looks = _climb(land.around(place).log_posterior, spreads, place)
        reached = float(land.log_posterior(tried[None])[0])
        used += looks + 1
        if not reached >= height:
            tried, left, looks = _climb(land.log_posterior, spreads, place)
            reached, used = float(land.log_posterior(tried[None])[0]), used + looks + 1
        gain = reached - height
        if gain > 0.0:
            place, height = tried, reached
        if gain < _GAIN or left < _GAIN / 10.0:
            break
    return place, height, used


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


def _climb(log_posterior: LogPosterior, spreads: Array, start: Array) -> tuple[Array, float, int]:
    """Where L-BFGS-B ends that begins at a place and goes along directions.

    Besides, what is left to gain by a parabola with the curvature that the directions stand for, and how often it
    looked.
    """
    numbers, evaluations = start.size, 0
    sides = _STRIDE * np.concatenate([np.zeros((1, numbers)), np.eye(numbers)])

    def height_and_slope(along: Array) -> tuple[float, Array]:
        nonlocal evaluations
        evaluations += len(sides)
        places = start + (along + sides) @ spreads.T
        beyond = np.maximum(np.abs(places) - _FARTHEST, 0.0)
        heights = log_posterior(np.clip(places, -_FARTHEST, _FARTHEST)) - _WALL * np.sum(beyond**2, axis=1)
        return -float(heights[0]), -(heights[1:] - heights[0]) / _STRIDE - 0.5 * _STRIDE

    top = float(log_posterior(start[None])[0])
    done = minimize(
        height_and_slope,
        np.zeros(numbers),
        jac=True,
        method="L-BFGS-B",
        options={
            "ftol": _GAIN / 5.0 / max(abs(top), 1.0),
            "gtol": 0.03,
            "maxiter": _STEPS,
            "maxcor": 20,
            "maxls": _TRIES,
        },
    )
    return start + spreads @ done.x, 0.5 * float(done.jac @ done.jac), evaluations + 1


def laplace(land: Landscape, summit: Array, spreads: Array | None = None) -> tuple[Array | None, str]:
    """The covariance that the curvature at a summit implies, or the reason why there is none.

    The curvature is taken over a quarter of a standard deviation and, along each direction, again over three quarters:
    where both differ by much, the summit is no parabola (a kink lies on it) and an interval from it would be wrong.

    ``spreads``  directions about one standard deviation long, (number, number) by column; the prior's if left out
    """
    along = np.eye(summit.size) if spreads is None else spreads
    close = land.around(summit)
    straight, far = (
        _straight(close.log_posterior, summit, width * along) / width**2 for width in (_NEAR, _FAR)
    )
    reason = _no_parabola(summit, straight, far)
    if reason:
        return None, reason
    near = _both_ways(land.coarser().around(summit).log_posterior, summit, _NEAR * along) / _NEAR**2
    near[np.diag_indices(summit.size)] = straight
    if np.linalg.eigvalsh(near).min() <= 0:  # what is coarser may be at fault
        near = _both_ways(close.log_posterior, summit, _NEAR * along) / _NEAR**2
    least = float(np.linalg.eigvalsh(near).min())
    if least <= 0:
        return None, _no_summit(least)
    return np.asarray(along @ np.linalg.inv(near) @ along.T, dtype=np.float64), ""


def _no_parabola(summit: Array, straight: Array, far: Array) -> str:
    """Why there is no interval, by curvatures along directions close to a summit and far; empty where there is one."""
    if straight.min() <= 0:
        return _no_summit(float(straight.min()))
    if np.any(far <= 0) or np.max(np.abs(np.log(far / straight))) > np.log(1.5):
        return "the curvature differs by more than half between two widths: a kink lies at the summit"
    if np.any(np.abs(summit) > _FARTHEST - _NEAR):
        return f"a number lies at {_FARTHEST:g} standard deviations of its prior, where nothing is believed"
    return ""


def _no_summit(least: float) -> str:
    return f"the curvature is not that of a summit (its least is {least:.2g})"


def _both_ways(log_posterior: LogPosterior, summit: Array, along: Array) -> Array:
    """The mean of both curvatures along directions and against them: odd terms cancel."""
    return 0.5 * (_curvature(log_posterior, summit, along) + _curvature(log_posterior, summit, -along))


def _straight(log_posterior: LogPosterior, summit: Array, along: Array) -> Array:
    """Minus the second differences along each direction (number, number) by column, shape (number,)."""
    heights = log_posterior(summit + np.concatenate([np.zeros((1, summit.size)), along.T, -along.T]))
    return np.asarray(2.0 * heights[0] - heights[1 : summit.size + 1] - heights[summit.size + 1 :])


def _curvature(log_posterior: LogPosterior, place: Array, along: Array) -> Array:
    """Minus the matrix of second differences along directions, (number, number)."""
    many = place.size
    pairs = [(i, j) for i in range(many) for j in range(i)]
    corners = [along[:, i] - along[:, j] for i, j in pairs]
    heights = log_posterior(place + np.stack([np.zeros(many), *along.T, *-along.T, *corners]))
    ahead, back = heights[1 : many + 1] - heights[0], heights[many + 1 : 2 * many + 1] - heights[0]
    curvature = np.diag(-ahead - back)
    for (i, j), corner in zip(pairs, heights[2 * many + 1 :] - heights[0], strict=True):
        # What is left of the corner between two directions without what each does alone.
        curvature[i, j] = curvature[j, i] = corner - ahead[i] - back[j]
    return np.asarray(curvature)
