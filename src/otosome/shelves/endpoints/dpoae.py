"""Level of the distortion product that outer hair cells send back, at f2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri

from otosome.model.hearing import amplifier_shift, once
from otosome.roles import Cells, Ear, Reading
from otosome.units import (
    Array,
    Decibels,
    DecibelsSPL,
    Kilohertz,
    Plain,
)


@dataclass(frozen=True)
class Dpoae:
    """Noise floor, or a level that falls as outer hair cells and stria fail; the nerve plays no part.

    Primaries of moderate level (65 and 55 dB SPL); frequency is f2. A reading has a normal error; what does
    not rise above the noise ``floor`` is read there (censored below).

    ``healthy``  mean level of healthy ears, dB SPL, over frequency, kHz
    ``offset``   this ear against that mean, dB
    ``slope``    dB of emission lost per dB of shift
    ``floor``    of the noise where the distortion product is looked for, dB SPL
    """

    healthy: Mapping[str, Array]
    offset: Decibels
    slope: Plain
    floor: DecibelsSPL
    error: Decibels

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> DecibelsSPL:
        """True level at each f2, dB SPL, shape (subject, time, frequency), never below the noise floor."""
        frequency = np.asarray(frequency, dtype=float)
        lost = once(ear, cells, frequency, amplifier_shift)
        healthy = np.interp(np.log(frequency), np.log(self.healthy["frequency"]), self.healthy["level"])
        return np.maximum(healthy + self.offset - self.slope * lost, self.floor)

    def read(self, value: DecibelsSPL, uniform: Array) -> Reading:
        """A reading; ``uniform`` in (0, 1), same shape as ``value``."""
        level = value + self.error * ndtri(uniform)
        above = level > self.floor
        return Reading(np.where(above, level, self.floor), np.where(above, 0.0, -1.0))

    def log_likelihood(self, reading: Reading, value: DecibelsSPL) -> Array:
        """Log-density of each level read, or log-probability of none above the floor, same shape."""
        z = (reading.value - value) / self.error
        density = -0.5 * z**2 - np.log(self.error * np.sqrt(2.0 * np.pi))
        return np.where(reading.censored < 0, log_ndtr(z), density)
