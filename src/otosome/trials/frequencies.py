"""Several frequencies of one animal tested together: t statistics that share animals.

The statistics of several frequencies have correlated means and correlated spreads. Both are drawn from the exact
distribution, the pooled covariance by Bartlett's decomposition of the Wishart, with common random numbers for every
size, so that a curve of power rises without noise between its points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.random import Generator, Philox
from scipy.special import chdtri

from otosome.trials.power import t_edge
from otosome.units import Array

Rule = Literal["any", "all", "mean"]
DRAWS = 50_000


@dataclass(frozen=True)
class Together:
    """Two groups of animals compared at several frequencies.

    ``difference``   true difference at each, in standard deviations of an animal's value, shape (frequency,)
    ``correlation``  between two frequencies of one animal
    ``paired``       each animal is its own control: ``difference`` is in deviations of the difference
    """

    difference: tuple[float, ...]
    correlation: float
    alpha: float
    paired: bool = False
    seed: int = 1
    draws: int = DRAWS

    @cached_property
    def _common(self) -> tuple[Array, Array, Array]:
        """Deviates of the means, shape (draw, frequency), below the diagonal and of the diagonal of the spreads."""
        size = len(self.difference)
        random = Generator(Philox(self.seed))
        means = random.standard_normal((self.draws, size))
        below = np.tril(random.standard_normal((self.draws, size, size)), -1)
        return means, below, random.random((self.draws, size))

    @cached_property
    def _root(self) -> Array:
        size = len(self.difference)
        alike = np.full((size, size), self.correlation) + (1 - self.correlation) * np.eye(size)
        return np.asarray(np.linalg.cholesky(alike), dtype=np.float64)

    def statistics(self, n: int) -> Array:
        """t statistics with ``n`` animals in each group, shape (draw, frequency)."""
        means, below, uniform = self._common
        freedom = self._freedom(n)
        errors = 1.0 if self.paired else math.sqrt(2.0)
        shift = np.array(self.difference) * math.sqrt(n) / errors
        diagonal = np.sqrt(chdtri(freedom - np.arange(uniform.shape[1]), uniform))
        factor = self._root @ (below + np.einsum("df,fg->dfg", diagonal, np.eye(uniform.shape[1])))
        spread = np.sqrt((factor**2).sum(axis=2) / freedom)
        return np.asarray((shift + means @ self._root.T) / spread)

    def power(self, n: int, rule: Rule) -> float:
        """Share of experiments that are positive: ``any`` frequency by Holm's first step, or ``all`` of them."""
        alpha = self.alpha / len(self.difference) if rule == "any" else self.alpha
        passed = np.abs(self.statistics(n)) > t_edge(alpha / 2, self._freedom(n))
        return float((passed.any(axis=1) if rule == "any" else passed.all(axis=1)).mean())

    def _freedom(self, n: int) -> int:
        return n - 1 if self.paired else 2 * n - 2


def spread_of_mean(sd: float, frequencies: int, correlation: float) -> float:
    """Standard deviation of an animal's mean over so many frequencies."""
    return sd * math.sqrt((1 + (frequencies - 1) * correlation) / frequencies)
