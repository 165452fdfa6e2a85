"""A sketch of figures that numbers are fitted to, and of the log-posterior that they make.

What a figure says of numbers ends at its bounds: a log-posterior has kinks there and is flat beyond them, while the
figure itself goes on smoothly. So each figure is sketched, by a plane and what is left of it by kriging, and what is
printed of it is laid on afterwards. Of many numbers few move the figures: what is left is alike over a distance along
those alone, as the slopes of a parabola have it (an active subspace: Constantine, Dow and Wang, SIAM Journal on
Scientific Computing 2014).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from otosome.fitting.sketch import Rehearsal, alike, terms
from otosome.units import Array

# A sketch is of the latest looks, so many at most, and of so many for each number and one at least.
_MOST, _LEAST = 4000, 4
# Errors of a figure beyond which nobody cares how far.
_FAR = 12.0
# What a plane does not have is alike over so many standard deviations along the steepest direction. Variance of a look
# against that of what is sketched, and how steep the flattest directions are taken to be against the mean of all.
_REACH, _RIPPLE, _FLATTEST = 2.0, 1e-3, 0.05
# How much bends of the parabola are held back, against the errors of all looks together; depths below the highest look
# that count for slopes.
_HELD, _DEEP = 3.0, 20.0
# How far off a sketch may be in log-posterior at half of the looks that it has not seen: one through so many of four
# fifths is tried at the rest.
_WORST, _TRIED = 2.0, 1500
# Degrees of freedom with which a sketched figure is missed.
_TAILS = 2.0
# Figures in their errors -> by how many errors each is missed, (place, figure).
Misses = Callable[[Array], Array]


@dataclass(frozen=True)
class FigureSketch(Rehearsal):
    """Figures near some places that were looked at.

    ``turn``     to distances along which figures change, (number, number);  ``looks``  in these, (look, number)
    ``plane``    constant and slopes of each figure, (1 + number, figure);  ``weights``  of looks, (look, figure)
    ``misses``   by how many errors: figures (place, figure) -> (place, figure)
    """

    turn: Array
    looks: Array
    plane: Array
    weights: Array
    misses: Misses

    @classmethod
    def of(
        cls, places: Array, figures: Array, misses: Misses, ends: tuple[Array, Array]
    ) -> FigureSketch | None:
        """The sketch of looks in the order they came; None where they are too few, or it would be far off.

        ``places``  (look, number);  ``figures``  in their errors, (look, figure)
        ``misses``  by how many errors;  ``ends``  what is printed of each, low and high
        """
        known = np.isfinite(figures[:, 0])
        places, figures = places[known][-_MOST:], figures[known][-_MOST:]
        if len(places) < _LEAST * (places.shape[1] + 1):
            return None
        near = np.clip(figures, ends[0] - _FAR, ends[1] + _FAR)
        before = 4 * len(places) // 5
        trial = cls._through(places[:before][-_TRIED:], near[:before][-_TRIED:], misses)
        heights = likelihood(misses(near)) - 0.5 * np.sum(places**2, axis=1)
        probable = heights[before:] > heights.max() - _DEEP
        apart = likelihood(misses(trial.figures(places[before:]))) - likelihood(misses(near[before:]))
        if not probable.any() or np.median(np.abs(apart[probable])) > _WORST:
            return None
        return cls._through(places, near, misses)

    @classmethod
    def _through(cls, places: Array, figures: Array, misses: Misses) -> FigureSketch:
        turn = _turn(places, likelihood(misses(figures)), figures)
        looks, whole = places @ turn, _plane(places)
        like = cho_factor(alike(looks, looks, _REACH) + _RIPPLE * np.eye(len(looks)))
        solved = cho_solve(like, np.hstack([whole, figures]))
        own, left = solved[:, : whole.shape[1]], solved[:, whole.shape[1] :]
        plane: Array = np.asarray(np.linalg.lstsq(whole.T @ own, whole.T @ left, rcond=None)[0], float)
        return cls(turn, looks, plane, left - own @ plane, misses)

    def figures(self, places: Array) -> Array:
        """Figures at places (place, number), in their errors, (place, figure)."""
        return np.asarray(
            _plane(places) @ self.plane + alike(places @ self.turn, self.looks, _REACH) @ self.weights
        )

    def flattened(self, places: Array, flat: float) -> Array:
        """Log-posteriors of places where figures say less; what was thought before says as much as ever.

        Squared: few figures tell little of many numbers, so that what was thought before alone is not far off. A figure
        that is missed by far may be sketched badly: Student's t in the place of a normal distribution lets walkers
        stand where it is, and so come away from there.
        """
        likely = (
            -0.5 * (_TAILS + 1.0) * np.sum(np.log1p(self.misses(self.figures(places)) ** 2 / _TAILS), axis=1)
        )
        return np.asarray(flat**2 * likely - 0.5 * np.sum(places**2, axis=1))


def likelihood(misses: Array) -> Array:
    """The log-likelihood of figures that are missed by so many errors, (place, figure) -> (place,)."""
    return np.asarray(-0.5 * np.sum(misses**2, axis=1))


def _plane(places: Array) -> Array:
    return np.hstack([np.ones((len(places), 1)), places])


def _turn(places: Array, heights: Array, figures: Array) -> Array:
    """To distances along which figures change by as much: one in the steepest direction is a standard deviation."""
    whole, numbers = terms(places), places.shape[1]
    ridge = np.full(whole.shape[1], _HELD)
    ridge[: numbers + 1] = 0.01
    parabola = np.linalg.solve(whole.T @ whole + np.diag(ridge), whole.T @ figures)
    near = places[heights > heights.max() - _DEEP]
    first, second = np.triu_indices(numbers)
    steep = np.zeros((numbers, numbers))
    for column in parabola.T:
        bends = np.zeros((numbers, numbers))
        bends[first, second] = column[numbers + 1 :]
        slopes = column[1 : numbers + 1] + near @ (bends + bends.T)
        steep += slopes.T @ slopes / len(near)
    strength, turned = np.linalg.eigh(steep + _FLATTEST * np.trace(steep) / numbers * np.eye(numbers))
    return np.asarray(turned * np.sqrt(strength / strength[-1]))
