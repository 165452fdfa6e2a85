"""How many particles there are: videos within measurements within days, and what more counts would tell.

ln count = truth + day + measurement + video. How far videos differ is seen in the files. How far measurements of
a day and days differ is published as ranges only; every spread in them is as likely as any other until the
lot's own days say more. What no repetition shows, an instrument's own calibration, is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from otosome.lots.belief import Belief
from otosome.units import Array

_STEPS = 15


@dataclass(frozen=True)
class Measurement:
    """One measurement of a lot: counts of its videos in particles/uL of the product, above zero, and its day."""

    day: str
    counts: Array


@dataclass(frozen=True)
class Scatter:
    """Ranges of the coefficient of variation within and between days, each (least, most), 0 to 1."""

    within: tuple[float, float]
    between: tuple[float, float]


@dataclass(frozen=True)
class Count:
    """A lot's count, and what it rests on.

    ``belief``   of the particles per uL
    ``videos``   standard deviation of ln count between videos; NaN where no measurement has two
    ``within``, ``between``  posterior means of the spread within and between days
    """

    belief: Belief
    measurements: int
    days: int
    videos: float
    within: float
    between: float
    _grid: tuple[Array, Array, Array]
    _precision: Array

    @property
    def taken(self) -> str:
        """How often it was counted, in words."""
        counts, days = (
            f"{n} {word}{'' if n == 1 else 's'}"
            for n, word in ((self.measurements, "count"), (self.days, "day"))
        )
        return f"{counts} on {days}"

    def after(self, more: int, days: int, per_measurement: int = 5) -> Belief:
        """What would be known after ``more`` further measurements on each of ``days`` further days, if the
        count stayed what it is."""
        video, within, between = self._grid
        day = (video / per_measurement + within) / more + between
        spread = np.sqrt(1 / (self._precision + days / day))
        middle = np.full(spread.size, np.log(self.belief.quantile(0.5)))
        return Belief(self.belief.weight, middle, spread, self.belief.freedom)


def count(measurements: Sequence[Measurement], scatter: Scatter) -> Count:
    """The count of a lot from its measurements (one or more), with every level of its error."""
    logs = [np.log(measurement.counts) for measurement in measurements]
    video, within, between = _spreads(logs, scatter)
    means = np.array([log.mean() for log in logs])
    sizes = np.array([log.size for log in logs])
    each = video[:, None] / sizes + within[:, None]
    day_mean, day_variance, likelihood = _days(means, each, [measurement.day for measurement in measurements])
    total = day_variance + between[:, None]
    precision = (1 / total).sum(axis=1)
    middle = (day_mean / total).sum(axis=1) / precision
    likelihood -= 0.5 * (np.log(total) + (day_mean - middle[:, None]) ** 2 / total).sum(axis=1)
    likelihood -= 0.5 * np.log(precision)
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    belief = Belief(weight, middle, precision**-0.5, np.full(weight.size, np.inf))
    pooled, freedom = _pooled(logs)
    return Count(
        belief,
        len(logs),
        day_mean.shape[1],
        float(np.sqrt(pooled)) if freedom else float("nan"),
        float(weight @ np.sqrt(within)),
        float(weight @ np.sqrt(between)),
        (video, within, between),
        precision,
    )


def _pooled(logs: Sequence[Array]) -> tuple[float, int]:
    freedom = sum(log.size - 1 for log in logs)
    squares = sum(float(((log - log.mean()) ** 2).sum()) for log in logs)
    return (squares / freedom if freedom else 0.0), freedom


def _spreads(logs: Sequence[Array], scatter: Scatter) -> tuple[Array, Array, Array]:
    """Variances of video, measurement and day at every point of a grid of equal prior weight."""
    pooled, freedom = _pooled(logs)
    shares = (np.arange(_STEPS) + 0.5) / _STEPS
    video = pooled * freedom / chdtri(freedom, shares) if freedom else np.zeros(1)
    within, between = (
        np.log1p((low + shares * (high - low)) ** 2) for low, high in (scatter.within, scatter.between)
    )
    grid = np.meshgrid(video, within, between, indexing="ij")
    return grid[0].ravel(), grid[1].ravel(), grid[2].ravel()


def _days(means: Array, variance: Array, days: Sequence[str]) -> tuple[Array, Array, Array]:
    """Mean and variance of every day at every point of the grid, and the likelihood within days."""
    names = sorted(set(days))
    middle, spread = (np.empty((variance.shape[0], len(names))) for _ in range(2))
    likelihood = np.zeros(variance.shape[0])
    for k, name in enumerate(names):
        own = np.array([day == name for day in days])
        precision = (1 / variance[:, own]).sum(axis=1)
        spread[:, k] = 1 / precision
        middle[:, k] = (means[own] / variance[:, own]).sum(axis=1) / precision
        off = means[own] - middle[:, k, None]
        likelihood -= 0.5 * (np.log(variance[:, own]) + off**2 / variance[:, own]).sum(axis=1)
        likelihood -= 0.5 * np.log(precision)
    return middle, spread, likelihood


def ratio(after: Array, before: Array, within: tuple[float, float]) -> Belief:
    """One measurement over another of the same day, such as with and without detergent: the day cancels.

    ``after``, ``before``  counts of the videos
    ``within``  range of the coefficient of variation within a day
    """
    logs = [np.log(after), np.log(before)]
    pooled, freedom = _pooled(logs)
    shares = (np.arange(_STEPS) + 0.5) / _STEPS
    video = pooled * freedom / chdtri(freedom, shares) if freedom else np.zeros(1)
    each = np.log1p((within[0] + shares * (within[1] - within[0])) ** 2)
    grid = np.meshgrid(video * (1 / after.size + 1 / before.size), 2 * each, indexing="ij")
    spread = np.sqrt((grid[0] + grid[1]).ravel())
    middle = np.full(spread.size, logs[0].mean() - logs[1].mean())
    return Belief(np.full(spread.size, 1 / spread.size), middle, spread, np.full(spread.size, np.inf))


def share(shares: Mapping[int, float]) -> Belief | None:
    """A share of the particles from its videos, on the logit scale; None where one video cannot tell.

    ``shares``  by video, 0 to 1; an end is taken as half a particle in a thousand away from it
    """
    values = np.clip(np.array(list(shares.values())), 5e-4, 1 - 5e-4)
    if values.size < 2:
        return None
    z = np.log(values / (1 - values))
    return Belief.student(z.mean(), z.std(ddof=1) / np.sqrt(z.size), z.size - 1, "logit")
