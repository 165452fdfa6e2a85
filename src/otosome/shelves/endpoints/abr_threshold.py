"""Threshold of the auditory brainstem response, read on a grid of levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from otosome.model.hearing import shift
from otosome.model.injury import Cells
from otosome.model.levels import log_on_grid, read_on_grid
from otosome.roles import Ear, Reading
from otosome.units import (
    Array,
    Decibels,
    DecibelsSPL,
    Kilohertz,
)


@dataclass(frozen=True)
class AbrThreshold:
    """The level from which the brainstem answers: baseline of the species plus the shift.

    A reading is the truth with a normal error, to the nearest level of the grid. Above the loudest level
    there is no response (censored above, at that level); at the softest there is no telling how much lower
    the truth lies (censored below). Half-way between a healthy ear and one without an amplifier readings
    err by more than at either end.

    ``baseline``  healthy ears' mean threshold, dB SPL, over frequency, kHz
    ``offset``    this ear against that mean, dB
    ``error``     of a reading where a threshold is healthy, or as high as it gets
    ``error_between``  what readings err by besides, ``half_way`` above the lowest healthy threshold; it fades as a
                  bell of standard deviation ``half_width``
    """

    baseline: Mapping[str, Array]
    offset: Decibels
    error: Decibels
    error_between: Decibels
    half_way: Decibels
    half_width: Decibels
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
        return read_on_grid(value, uniform, self.deviation(value), self.grid, self.lowest, self.highest)

    def log_likelihood(self, reading: Reading, value: DecibelsSPL) -> Array:
        """Log-probability of each reading, same shape: the normal's share of its bin, exact in the tails."""
        return log_on_grid(reading, value, self.deviation(value), self.grid)

    def deviation(self, value: DecibelsSPL) -> Decibels:
        """Standard deviation of readings of true thresholds, same shape."""
        raised = value - self.baseline["threshold"].min()
        bell = np.exp(-0.5 * ((raised - self.half_way) / self.half_width) ** 2)
        return np.asarray(np.hypot(self.error, self.error_between * bell))
