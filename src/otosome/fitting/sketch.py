"""A log-posterior sketched from where it was looked at: quick, nearly right, and a rehearsal for walkers.

A parabola and what is left of it by kriging (Sacks, Welch, Mitchell and Wynn, Statistical Science 1989). Walkers take
many steps on a sketch and are then accepted or turned back by the log-posterior itself, so that what they draw of is
exact however bad the sketch is (Liu, Monte Carlo Strategies in Scientific Computing 2001, 9.4.3; Christen and Fox,
Journal of Computational and Graphical Statistics 2005).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from otosome.units import Array

# A proposal: new places of walkers (walker, number), and the log-ratio of going back to going there.
Proposal = Callable[[Array, np.random.RandomState], tuple[Array, Array]]
# A sketch is of the latest looks, so many at most, and so many for each number and one: its cost grows with their cube.
_MOST, _EACH = 5000, 350
# Depths below the summit, beyond so much and one for each number, that no walker will see: a sketch heeds them less.
_DEEP = 10.0
# What no parabola has is alike over so many standard deviations, times the root of how many numbers there are.
_REACH = 4.0
# Variance of a look against that of what is sketched: the ripples of sums over nodes.
_RIPPLE = 1e-4
# Beyond the farthest look a sketch falls off so steeply.
_WALL = 10.0
# How far off a sketch may be, in log-posterior, at looks that it has not seen: one through so many of four fifths is
# tried at the rest.
_WORST, _TRIED = 2.0, 2000


class Rehearsal(ABC):
    """A sketch on which walkers rehearse."""

    @abstractmethod
    def flattened(self, places: Array, flat: float) -> Array:
        """Log-posteriors of places (place, number), taken to be the flatter the less ``flat``, 0 to 1, (place,)."""

    def rehearsed(self, leap: Proposal, scale: Array, steps: int, anywhere: float, flat: float) -> Proposal:
        """A proposal where so many steps on the sketch lead; it is in balance with the sketch flattened by ``flat``.

        Every step is in balance with it, and which kind comes when is as likely one way as the other: so is all of it.

        ``leap``      to anywhere;  ``scale``  of steps to nearby, (number, number)
        ``anywhere``  share of steps that go anywhere. After few steps without any walkers are still near, where a
                      sketch is off by much the same as where they were
        ``flat``      how high the sketch is taken to be, 0 to 1. A walker far out, where a sketch is too low, stays the
                      longer the steeper it is
        """
        nearby = 2.4 / np.sqrt(len(scale)) * np.linalg.cholesky(scale).T

        def propose(places: Array, luck: np.random.RandomState) -> tuple[Array, Array]:
            begun = now = self.flattened(places, flat)
            for _ in range(steps):
                if luck.uniform() < anywhere:
                    new, ratio = leap(places, luck)
                else:
                    new, ratio = places + luck.normal(size=places.shape) @ nearby, np.zeros(len(places))
                then = self.flattened(new, flat)
                goes = np.log(luck.uniform(size=len(places))) < then - now + ratio
                places, now = np.where(goes[:, None], new, places), np.where(goes, then, now)
            return places, begun - now

        return propose


@dataclass(frozen=True)
class Sketch(Rehearsal):
    """Heights of a log-posterior near some places that were looked at.

    ``centre`` ``turn``  to standard deviations: (place - centre) @ turn, (number,) and (number, number)
    ``looks``   in these, (look, number);  ``weights``  of each, (look,);  ``parabola``  coefficients
    ``top``     of the highest look, which the others are measured from;  ``farthest``  a look may be, squared
    """

    centre: Array
    turn: Array
    looks: Array
    weights: Array
    parabola: Array
    top: float
    farthest: float

    @classmethod
    def of(cls, places: Array, heights: Array) -> Sketch | None:
        """The sketch of looks in the order they came; None where they are too few, or it would be far off.

        ``places``  (look, number);  ``heights``  (look,), of which the highest is finite
        """
        most = min(_MOST, _EACH * (places.shape[1] + 1))
        places, heights = places[-most:], heights[-most:]
        before = 4 * len(places) // 5
        trial = cls._through(places[:before][-_TRIED:], heights[:before][-_TRIED:])
        if trial is None:
            return None
        probable = heights[before:] > trial.top - _deep(places.shape[1])
        if probable.sum() < 2:
            return None
        apart = trial.heights(places[before:][probable]) - heights[before:][probable]
        return cls._through(places, heights) if np.std(apart) < _WORST else None

    @classmethod
    def _through(cls, places: Array, heights: Array) -> Sketch | None:
        top, deep = float(heights.max()), _deep(places.shape[1])
        depth = np.minimum(top - heights, 4.0 * deep)
        probable = places[depth < deep]
        numbers = places.shape[1]
        if len(probable) < 1.5 * (numbers + 1) * (numbers + 2) / 2:
            return None
        centre = probable.mean(axis=0)
        turn: Array = np.asarray(
            np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(probable.T)))).T, float
        )
        looks = (places - centre) @ turn
        ripple = _RIPPLE * (1.0 + np.maximum(depth - deep, 0.0) ** 2)
        root = np.linalg.cholesky(alike(looks, looks, _reach(numbers)) + np.diag(ripple))
        trend, values = (solve_triangular(root, part, lower=True) for part in (terms(looks), -depth))
        parabola = np.linalg.lstsq(trend, values, rcond=None)[0]
        weights = solve_triangular(root.T, values - trend @ parabola, lower=False)
        farthest = float(np.max(np.sum(((probable - centre) @ turn) ** 2, axis=1)))
        return cls(centre, turn, looks, weights, parabola, top, farthest)

    def heights(self, places: Array) -> Array:
        """Log-posteriors of places (place, number), shape (place,)."""
        at = (places - self.centre) @ self.turn
        far = np.sqrt(np.maximum(np.sum(at**2, axis=1) / self.farthest, 1.0)) - 1.0
        wall = _WALL * self.farthest * far**2
        return np.asarray(
            self.top
            + terms(at) @ self.parabola
            + alike(at, self.looks, _reach(self.centre.size)) @ self.weights
            - wall
        )

    def flattened(self, places: Array, flat: float) -> Array:
        """Log-posteriors of places, all of them times ``flat``."""
        return np.asarray(flat * self.heights(places))


def _deep(numbers: int) -> float:
    return _DEEP + numbers


def terms(at: Array) -> Array:
    """One, each number, and each product of two: (place, term)."""
    first, second = np.triu_indices(at.shape[1])
    return np.concatenate([np.ones((len(at), 1)), at, at[:, first] * at[:, second]], axis=1)


def _reach(numbers: int) -> float:
    return float(_REACH * np.sqrt(numbers))


def alike(these: Array, those: Array, reach: float) -> Array:
    """How alike what is left of a trend is at two places: Matérn's, twice differentiable, (these, those)."""
    # In place: most of a rehearsal's time is here, and fresh memory would take half of it.
    apart = these @ those.T
    apart *= -2.0
    apart += np.sum(these**2, axis=1)[:, None]
    apart += np.sum(those**2, axis=1)
    np.maximum(apart, 0.0, out=apart)
    apart *= 5.0 / reach**2
    np.sqrt(apart, out=apart)
    both: Array = apart / 3.0
    both += 1.0
    both *= apart
    both += 1.0
    np.negative(apart, out=apart)
    both *= np.exp(apart, out=apart)
    return both
