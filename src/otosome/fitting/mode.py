"""The most probable numbers, searched from several starts, and the curvature around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from otosome.units import Array

# Log-posterior (lane,) of deviates (lane, number); and its parts that are independent, (lane, term), without the prior.
LogPosterior = Callable[[Array], Array]
Terms = Callable[[Array], Array]
# Slopes of terms are differences over so many deviates.
_STEP = 5e-4
# Slopes of a search and curvature are taken over so many standard deviations of the posterior, and curvature again over
# the second: ripples of some hundredths, which sums over nodes leave, bend narrower ones.
_NEAR, _FAR = 0.5, 1.0
# Beyond so many standard deviations of the prior nothing is believed.
_FARTHEST = 6.0
# A search is turned back there by a wall that rises so.
_WALL = 100.0
# Steps of a search at most, and the gain at which it ends; that at which a start ends that none is compared with, and
# that at which directions are sought anew.
_STEPS, _GAIN, _ALONE, _NEARLY = 40, 0.05, 0.5, 2.0
# What a step must bend by to be learnt from, against what was thought.
_LEAST_BENT = 0.3
# Lengths of a step that are tried, and how many standard deviations the longest part of it may be.
_TRIED, _LONGEST = np.array([1.0, 0.5, 0.25, 1.5]), 3.0
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
    """The summit of a log-posterior by quasi-Newton steps, from the best value and the highest of some random places.

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
        searches.append(_search(coarse, rough, start, _GAIN if starts > 1 else _ALONE))
        tick(number + 1)
    best, spreads = max(searches, key=lambda search: search[0].log_posterior)
    summit, height, _ = _rounds(land, np.array(best.ended), spreads)
    covariance, refusal = laplace(land, summit, spreads)
    return Mode(
        summit, height, tuple(start for start, _ in searches), spreads @ spreads.T, covariance, refusal
    )


def _search(land: Landscape, rough: Landscape, start: Array, enough: float = _GAIN) -> tuple[Start, Array]:
    """Scoring on a rough landscape, then steps on this one until one gains no more than ``enough``.

    Besides, directions about one standard deviation long, as the landscape has them where the first of these end.
    """
    place, scored = _scored(rough.terms, start)
    place, _, first = _rounds(land, place, _spreads(land.terms, place), _NEARLY)
    spreads, curved = _curved(land, place)
    place, height, last = _rounds(land, place, spreads, enough)
    used = scored + start.size + 1 + first + curved + last
    return Start(start.tolist(), place.tolist(), height, used), spreads


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
    looks = 1 + many + 1 + 2 * many + many * (many - 1)
    along = _spreads(near.terms, at)
    curvature = _both_ways(near.log_posterior, at, _NEAR * along) / _NEAR**2
    if not np.all(np.isfinite(curvature)):
        return along, looks
    strength, turned = np.linalg.eigh(curvature)
    return np.asarray(along @ turned / np.sqrt(np.maximum(np.abs(strength), _FLAT))), looks


def _rounds(land: Landscape, place: Array, spreads: Array, enough: float = _GAIN) -> tuple[Array, float, int]:
    """Where quasi-Newton steps along directions about a standard deviation long end; the height there, and the looks.

    Slopes are those over half a standard deviation to either side: what ripples within that cannot lead astray. What
    a direction bends by is seen at once, how directions turn each other's slopes is learnt from step to step (Broyden,
    Fletcher, Goldfarb and Shanno). It ends where no more than ``enough`` is left to gain, or gained.
    """
    height, used = float(_walled(land, place[None])[0]), 1
    inverse, step, was = None, np.zeros(place.size), np.zeros(place.size)
    for _ in range(_STEPS):
        slope, bend = _sides(land.around(place), place, spreads)
        fresh = inverse is None
        straight = np.diag(1.0 / np.maximum(bend, _FLAT))
        inverse = straight if inverse is None else _turned(inverse, step, was - slope)
        ahead = inverse @ slope
        left = 0.5 * float(slope @ ahead)
        steps = _TRIED[:, None] * ahead * (_LONGEST / max(_LONGEST, float(np.max(np.abs(ahead)))))
        heights = _walled(land, place + steps @ spreads.T)
        used += 1 + 2 * place.size + len(steps)
        best, gain = int(heights.argmax()), float(heights.max()) - height
        if gain > 0.0:
            place, height = place + spreads @ steps[best], float(heights[best])
        if left < enough or (fresh and gain < enough):
            break
        step, was = steps[best], slope
        if gain < enough or _TRIED[best] < 0.5:  # what was learnt is no good
            inverse = None
    return np.clip(place, -_FARTHEST, _FARTHEST), height, used


def _sides(land: Landscape, place: Array, spreads: Array) -> tuple[Array, Array]:
    """Slopes along directions, and what the landscape bends by, (number,) each."""
    many = place.size
    heights = _walled(land, place + _NEAR * np.concatenate([np.zeros((1, many)), spreads.T, -spreads.T]))
    ahead, back = heights[1:].reshape(2, many)
    return (ahead - back) / (2.0 * _NEAR), (2.0 * heights[0] - ahead - back) / _NEAR**2


def _walled(land: Landscape, places: Array) -> Array:
    """Heights of places (place, number), beyond what is believed as high as at its end, less a wall: (place,)."""
    beyond = np.maximum(np.abs(places) - _FARTHEST, 0.0)
    heights = land.log_posterior(np.clip(places, -_FARTHEST, _FARTHEST))
    return np.asarray(heights - _WALL * np.sum(beyond**2, axis=1))


def _turned(inverse: Array, step: Array, change: Array) -> Array:
    """The inverse of a curvature that over a step is seen to have changed the slope by so much less.

    What bends next to nothing, or far more than was thought, is a ripple or a kink, and teaches nothing.
    """
    bent = float(step @ change)
    expected = float(step @ np.linalg.solve(inverse, step))
    if not _LEAST_BENT * expected < bent < expected / _LEAST_BENT:
        return inverse
    push = np.eye(step.size) - np.outer(step, change) / bent
    return np.asarray(push @ inverse @ push.T + np.outer(step, step) / bent)


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


def laplace(land: Landscape, summit: Array, spreads: Array | None = None) -> tuple[Array | None, str]:
    """The covariance that the curvature at a summit implies, or the reason why there is none.

    The curvature is taken over a whole standard deviation and, along each direction, again over half of one:
    where both differ by much, the summit is no parabola (a kink lies on it) and an interval from it would be wrong.

    ``spreads``  directions about one standard deviation long, (number, number) by column; the prior's if left out
    """
    along = np.eye(summit.size) if spreads is None else spreads
    # What is quick near a summit is too flat a whole standard deviation away.
    straight, far = (
        _straight(land.log_posterior, summit, width * along) / width**2 for width in (_NEAR, _FAR)
    )
    reason = _no_parabola(straight, far, np.abs(summit) + _FAR * np.abs(along).max(axis=1))
    if reason:
        return None, reason
    curvature = _both_ways(land.log_posterior, summit, _FAR * along) / _FAR**2
    least = float(np.linalg.eigvalsh(curvature).min())
    if least <= 0:
        return None, _no_summit(least)
    return np.asarray(along @ np.linalg.inv(curvature) @ along.T, dtype=np.float64), ""


def _no_parabola(straight: Array, far: Array, reached: Array) -> str:
    """Why there is no interval; empty where there is one.

    ``straight`` ``far``  curvatures along directions, close to a summit and far
    ``reached``           the farthest that any number went for them, in standard deviations of its prior
    """
    if straight.min() <= 0:
        return _no_summit(float(straight.min()))
    if np.any(far <= 0) or np.max(np.abs(np.log(far / straight))) > np.log(1.5):
        return "the curvature differs by more than half between two widths: a kink lies at the summit"
    if np.any(reached > _FARTHEST):
        return f"a number lies at {_FARTHEST:g} standard deviations of its prior, where nothing is believed"
    return ""


def _no_summit(least: float) -> str:
    return f"the curvature is not that of a summit (its least is {least:.2g})"


def _both_ways(log_posterior: LogPosterior, place: Array, along: Array) -> Array:
    """Minus the matrix of second differences along directions and against them, (number, number): odd terms cancel.

    Between two directions it looks as far out as along one.
    """
    many = place.size
    first, second = np.tril_indices(many, -1)
    corners = (along.T[first] - along.T[second]) / np.sqrt(2.0)
    steps = np.concatenate([np.zeros((1, many)), along.T, -along.T, corners, -corners])
    heights = log_posterior(place + steps)
    (ahead, back), (there, opposite) = (
        heights[1 : 2 * many + 1].reshape(2, many),
        heights[2 * many + 1 :].reshape(2, -1),
    )
    bend, across = 2.0 * heights[0] - ahead - back, 2.0 * heights[0] - there - opposite
    curvature = np.diag(bend)
    # Across a corner it bends by the mean of both directions, less what they share.
    curvature[first, second] = curvature[second, first] = 0.5 * (bend[first] + bend[second]) - across
    return np.asarray(curvature)


def _straight(log_posterior: LogPosterior, summit: Array, along: Array) -> Array:
    """Minus the second differences along each direction (number, number) by column, shape (number,)."""
    heights = log_posterior(summit + np.concatenate([np.zeros((1, summit.size)), along.T, -along.T]))
    return np.asarray(2.0 * heights[0] - heights[1 : summit.size + 1] - heights[summit.size + 1 :])
