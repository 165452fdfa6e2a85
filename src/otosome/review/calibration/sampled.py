"""Free numbers given all else, from draws of their joint posterior: for figures that words or bounds bend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otosome.fitting.posterior import Around, Chain, sample
from otosome.fitting.sketch import Rehearsal
from otosome.review.calibration.linear import Conditional
from otosome.review.calibration.sketched import FigureSketch, likelihood
from otosome.units import Array

# Slopes below so many of their standard errors are chance, and how many draws a chain is worth at most.
_CHANCE, _WORTH = 2.5, 400
# Beyond so many standard deviations of what was thought before nothing is believed.
_FARTHEST = 6.0


@dataclass(frozen=True)
class Figures:
    """The log-posterior of deviates of free numbers and of all else, as figures make it: a landscape of walkers.

    ``scaled``  figures in their errors: deviates (place, number) -> (place, figure)
    ``ends``    what is printed of each, low and high, in its errors
    """

    scaled: Callable[[Array], Array]
    ends: tuple[Array, Array]

    def look(self, places: Array) -> Array:
        """Figures at places; none where a deviate is not believed."""
        inside = np.max(np.abs(places), axis=1) < _FARTHEST
        views = np.full((len(places), self.ends[0].size), np.nan)
        if inside.any():
            views[inside] = self.scaled(places[inside])
        return views

    def heights(self, places: Array, views: Array) -> Array:
        """The log-posterior."""
        heights = likelihood(self.misses(views)) - 0.5 * np.sum(places**2, axis=1)
        return np.where(np.isnan(views[:, 0]), -np.inf, heights)

    def misses(self, views: Array) -> Array:
        """By how many errors each figure (place, figure) lies beyond what is printed."""
        low, high = self.ends
        return np.asarray(np.maximum(0.0, np.maximum(low - views, views - high)))

    def sketch(self, looks: Array, views: Array) -> Rehearsal | None:
        """A sketch of the figures."""
        return FigureSketch.of(looks, views, self.misses, self.ends)


def chain(
    figures: Figures,
    begun: Array,
    walkers: int,
    steps: int,
    seed: int,
    file: Path,
    problem: str,
    tick: Callable[[int, int, float | None], None],
) -> Chain:
    """Walkers' steps in standard normal deviates of free numbers and of all else, (step, walker, number).

    ``begun``  draws of all of them (draw, number) that are near the posterior, such as the shelves' own
    raises     BadInput for a file of another fit
    """
    around = Around(begun.mean(axis=0), np.cov(begun.T) + 1e-6 * np.eye(begun.shape[1]))
    return sample(figures, begun[:walkers], around, steps, seed, file, problem, tick)


def regressed(free: Array, beside: Array) -> Conditional:
    """The normal distribution nearest to draws of free numbers (draw, free) given those of all else (draw, other)."""
    whole = np.column_stack([np.ones(len(free)), beside])
    slopes = np.asarray(np.linalg.lstsq(whole, free, rcond=None)[0], dtype=np.float64)
    left = np.std(free - whole @ slopes, axis=0)
    certain = np.abs(slopes) >= _CHANCE * left / np.sqrt(min(len(free), _WORTH))
    certain[0] = True
    for k, stands in enumerate(certain.T):
        slopes[:, k] = 0.0
        slopes[stands, k] = np.linalg.lstsq(whole[:, stands], free[:, k], rcond=None)[0]
    root = np.linalg.cholesky(np.atleast_2d(np.cov((free - whole @ slopes).T)))
    return Conditional(slopes[0], slopes[1:].T, root, 0, True)
