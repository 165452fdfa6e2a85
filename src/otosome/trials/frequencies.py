"""Several frequencies of one animal tested together: t statistics that share animals.

The statistics of several frequencies have correlated means and correlated spreads. Both are drawn from the exact
distribution, the pooled covariance by Bartlett's decomposition of the Wishart, with common random numbers for every
size, so that a curve of power rises without noise between its points.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.random import Generator, Philox
from scipy.special import chdtri

from otosome.trials.power import t_edge
from otosome.units import Array

Rule = Literal["any", "all", "mean"]
# Draws, fewer of many frequencies: so many numbers in all.
DRAWS, NUMBERS = 20_000, 500_000


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

    @property
    def draws(self) -> int:
        """Experiments drawn for each power."""
        return min(DRAWS, max(NUMBERS // len(self.difference) ** 2, 1000))

    def statistics(self, n: int) -> Array:
        """t statistics with ``n`` animals in each group, shape (draw, frequency)."""
        errors = 1.0 if self.paired else math.sqrt(2.0)
        shift = np.array(self.difference) * math.sqrt(n) / errors
        size = len(self.difference)
        return np.asarray(
            (shift + _means(size, self.correlation, self.seed, self.draws))
            / _spreads(size, self.correlation, self.seed, self.draws, self._freedom(n))
        )

    def power(self, n: int, rule: Rule) -> float:
        """Share of experiments that are positive: ``any`` frequency by Holm's first step, or ``all`` of them."""
        alpha = self.alpha / len(self.difference) if rule == "any" else self.alpha
        passed = np.abs(self.statistics(n)) > t_edge(alpha / 2, self._freedom(n))
        return float((passed.any(axis=1) if rule == "any" else passed.all(axis=1)).mean())

    def _freedom(self, n: int) -> int:
        return n - 1 if self.paired else 2 * n - 2


def _root(size: int, correlation: float) -> Array:
    alike = np.full((size, size), correlation) + (1 - correlation) * np.eye(size)
    return np.asarray(np.linalg.cholesky(alike), dtype=np.float64)


@lru_cache(maxsize=4)
def _common(size: int, correlation: float, seed: int, draws: int) -> tuple[Array, Array, Array]:
    """Deviates of the means, shape (draw, frequency), below the diagonal and of the diagonal of the spreads."""
    random = Generator(Philox(seed))
    means = random.standard_normal((draws, size))
    below = np.tril(random.standard_normal((draws, size, size)), -1)
    return means @ _root(size, correlation).T, _root(size, correlation) @ below, random.random((draws, size))


def _means(size: int, correlation: float, seed: int, draws: int) -> Array:
    return _common(size, correlation, seed, draws)[0]


@lru_cache(maxsize=64)
def _spreads(size: int, correlation: float, seed: int, draws: int, freedom: int) -> Array:
    """Standard deviations as they are estimated, in true ones, shape (draw, frequency): the same for any difference."""
    _, below, uniform = _common(size, correlation, seed, draws)
    diagonal = np.sqrt(chdtri(freedom - np.arange(size), uniform))
    factor = below + _root(size, correlation) * diagonal[:, None, :]
    return np.asarray(np.sqrt((factor**2).sum(axis=2) / freedom))


def spread_of_mean(sd: float, frequencies: int, correlation: float) -> float:
    """Standard deviation of an animal's mean over so many frequencies."""
    return sd * math.sqrt((1 + (frequencies - 1) * correlation) / frequencies)
