"""Threshold of the auditory brainstem response, read on a grid of levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri

from otosome.hearing import shift
from otosome.injury import Cells
from otosome.roles import Ear, Reading
from otosome.units import Array, Decibels, DecibelsSPL, Kilohertz


@dataclass(frozen=True)
class AbrThreshold:
    """The level from which the brainstem answers: baseline of the species plus the shift.

    A reading is the truth with a normal error, to the nearest level of the grid. Above the loudest level
    there is no response (censored above, at that level); at the softest there is no telling how much lower
    the truth lies (censored below).

    ``baseline``  healthy ears' mean threshold, dB SPL, over frequency, kHz
    ``offset``    this ear against that mean, dB
    """

    baseline: Mapping[str, Array]
    offset: Decibels
    error: Decibels
    grid: Decibels
    lowest: DecibelsSPL
    highest: DecibelsSPL

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> DecibelsSPL:
        """True threshold, dB SPL, shape (subject, time, frequency)."""
        frequency = np.asarray(frequency, dtype=float)
        healthy = np.interp(np.log(frequency), np.log(self.baseline["frequency"]), self.baseline["threshold"])
        return healthy[None, None, :] + self.offset + shift(ear, cells, frequency)

    def read(self, value: DecibelsSPL, uniform: Array) -> Reading:
        """A reading on the grid; ``uniform`` in (0, 1), same shape as ``value``."""
        found = value + self.error * ndtri(uniform)
        # Half upwards, as the bins of the likelihood are closed below.
        level = self.lowest + self.grid * np.floor((found - self.lowest) / self.grid + 0.5)
        censored = np.where(level > self.highest, 1.0, np.where(level <= self.lowest, -1.0, 0.0))
        return Reading(np.clip(level, self.lowest, self.highest), censored)

    def log_likelihood(self, reading: Reading, value: DecibelsSPL) -> Array:
        """Log-probability of each reading, same shape: the normal's share of its bin, exact in the tails."""
        over = np.where(reading.censored > 0, self.grid, 0.0)
        low = np.where(reading.censored < 0, -np.inf, reading.value + over - 0.5 * self.grid)
        high = np.where(reading.censored > 0, np.inf, reading.value + 0.5 * self.grid)
        return _log_between((low - value) / self.error, (high - value) / self.error)


def _log_between(low: Array, high: Array) -> Array:
    """Log-probability that a standard normal lies between; both ends moved to the tail where digits live."""
    flip = low > 0.0
    lower, upper = np.where(flip, -high, low), np.where(flip, -low, high)
    top, bottom = log_ndtr(upper), log_ndtr(lower)
    result: Array = top + np.log1p(-np.exp(bottom - top))
    return result
