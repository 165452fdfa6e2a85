"""Pure-tone audiogram of a person, read on a grid of levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.model.hearing import apart, shift, together
from otosome.model.injury import Cells
from otosome.model.levels import log_on_grid, read_on_grid
from otosome.roles import (
    Ear,
    Population,
    Reading,
    Recovery,
)
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Hours,
    Kilohertz,
)


@dataclass(frozen=True)
class Audiogram:
    """Hearing level of pure tones: what the ear arrives with, and the shift.

    An ear arrives near audiometric zero (``offset``) and whole, or as its ``population`` says and with the cells
    this has left it: what these do not explain stays with the ear. It adds to the shift as age and noise do,
    H + N - H N / ``limit``, so that an ear which nothing injures keeps its audiogram. A reading is the truth with
    a normal error, to the nearest level of the grid; no response at the loudest level is censored above.
    What of the level it arrives with comes back by itself (``recovery``) is heard, whatever the cells.

    ``offset``      this ear against audiometric zero, dB HL, where no population says how it arrives
    ``population``  whom the ear belongs to
    ``arrived``     the cells it arrived with, at one moment; all of them where none are given
    ``recovery``    how hearing returns by itself, and h from time zero, shape (time,)
    """

    offset: DecibelsHL
    limit: Decibels
    error: Decibels
    grid: Decibels
    lowest: DecibelsHL
    highest: DecibelsHL
    population: Population | None = None
    arrived: Cells | None = None
    recovery: tuple[Recovery, Hours] | None = None

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> DecibelsHL:
        """True hearing level, dB HL, shape (subject, time, frequency).

        raises  BadInput where the ear's population has no norm at a frequency (above 8 kHz there is none)
        """
        frequency = np.asarray(frequency, dtype=float)
        came = level = self.offset if self.population is None else self.population.baseline(frequency)
        if self.arrived is not None:
            level = apart(self.limit, level, shift(ear, self.arrived, frequency))
        heard = together(self.limit, level, shift(ear, cells, frequency))
        if self.recovery is None:
            return heard
        recovery, since = self.recovery
        return heard - recovery.regained(np.asarray(came), since)

    def read(self, value: DecibelsHL, uniform: Array) -> Reading:
        """A reading on the grid; ``uniform`` in (0, 1), same shape as ``value``."""
        return read_on_grid(value, uniform, self.error, self.grid, self.lowest, self.highest)

    def log_likelihood(self, reading: Reading, value: DecibelsHL) -> Array:
        """Log-probability of each reading, same shape, exact in the tails."""
        return log_on_grid(reading, value, self.error, self.grid)
