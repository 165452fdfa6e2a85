"""Animals of a trial that are exposed together: whole runs are drawn, and the analysis counts runs.

Where each group has runs of its own (``apart``) the run is the unit: its mean stands for its animals. Where every run
holds both groups (``blocked``) what a run does to all its animals cancels: run and group add, by least squares.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from otosome.units import Array

Rows = NDArray[np.intp]


def whole_runs(rows: Rows, run: NDArray[np.int64], size: int) -> Rows:
    """The runs of a world that have all their animals, shape (run, animal): rows of the bank, in their order."""
    _, first, count = np.unique(run[rows], return_index=True, return_counts=True)
    whole = first[count == size]
    return np.asarray(rows[whole[:, None] + np.arange(size)])


def drawn(random: Generator, runs: Rows, wide: int, blocked: bool) -> Rows:
    """Rows of two groups of ``wide`` animals, (group, animal), run by run.

    ``runs``  of a world, (run, animal), none of them twice in a trial while there are enough; where they are
              ``blocked`` the first half of a run's animals is the control group's, the other the treated one's
    """
    groups = 1 if blocked else 2
    each = runs.shape[1] // (3 - groups)
    blocks = -(-wide // each)
    wanted = groups * blocks
    chosen = random.permutation(len(runs))[:wanted]
    if chosen.size < wanted:
        chosen = random.integers(len(runs), size=wanted)
    animals = runs[chosen].reshape(blocks, 2, each) if blocked else runs[chosen].reshape(2, blocks, each)
    both = animals.transpose(1, 0, 2) if blocked else animals
    return np.asarray(both.reshape(2, -1)[:, :wide])


def means(values: Array, counted: NDArray[np.bool_], run: NDArray[np.int64]) -> tuple[Array, Array]:
    """Means of the counted animals of each run and how many there are, both (trial, group, run).

    ``values``, ``counted``, ``run``  (trial, group, animal); runs of a group count from 0. None counted: a mean of 0
    """
    number = np.arange(int(run.max()) + 1)
    of = (run[..., None] == number) & counted[..., None]
    count = of.sum(axis=2).astype(float)
    total = np.where(of, values[..., None], 0.0).sum(axis=2)
    return np.divide(total, count, out=np.zeros_like(total), where=count > 0), count


class Blocked:
    """Run and group as what adds in each trial: differences between groups, and what is left of products.

    ``counted``, ``run``  (trial, group, animal)
    """

    def __init__(self, counted: NDArray[np.bool_], run: NDArray[np.int64]) -> None:
        self._counted, self._run = counted, run
        _, count = means(np.zeros(counted.shape), counted, run)
        both = count.sum(axis=1)
        self._weight = np.divide(count[:, 0] * count[:, 1], both, out=np.zeros_like(both), where=both > 0)
        self.weight = self._weight.sum(axis=1)
        # Each run that has an animal costs a mean, and the group's difference costs one more.
        self.freedom = both.sum(axis=1) - (both > 0).sum(axis=1) - 1

    def difference(self, values: Array) -> Array:
        """Treated less control within runs, (trial,)."""
        apart: Array = (self._weight * self._apart(values)).sum(axis=1) / self.weight
        return apart

    def left(self, first: Array, second: Array) -> Array:
        """Sum of products of what run and group leave of two readings, (trial,)."""
        within = self._within(first) * self._within(second)
        off, beside = (self._apart(v) - self.difference(v)[:, None] for v in (first, second))
        products: Array = within.sum(axis=(1, 2)) + (self._weight * off * beside).sum(axis=1)
        return products

    def _apart(self, values: Array) -> Array:
        mean, _ = means(values, self._counted, self._run)
        return mean[:, 1] - mean[:, 0]

    def _within(self, values: Array) -> Array:
        """What animals are off the mean of their group in their run; none where they are not counted."""
        mean, _ = means(values, self._counted, self._run)
        return np.where(self._counted, values - np.take_along_axis(mean, self._run, axis=2), 0.0)
