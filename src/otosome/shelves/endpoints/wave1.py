"""Amplitude of wave I of the auditory brainstem response to a tone at one level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri

from otosome.errors import BadInput
from otosome.model import hearing
from otosome.model.injury import Cells
from otosome.roles import Ear, Reading
from otosome.units import (
    Array,
    DecibelsSPL,
    Fraction,
    Kilohertz,
    Plain,
)


@dataclass(frozen=True)
class Wave1:
    """What the nerve sends at one level, relative to a mean healthy ear at that level.

    A reading has a log-normal error; below the noise ``floor`` no wave is seen (censored below, there).

    ``level``   of the tone, dB SPL
    ``growth``  the healthy nerve's amplitude over level
    ``recruited``  level from which a threshold shift is made up for, dB SPL
    ``release``    growth beside a stretch whose outer hair cells fail
    ``scale``   this ear against the mean
    ``error``   standard deviation of the logarithm of a reading
    """

    level: DecibelsSPL | float
    growth: Mapping[str, Array]
    recruited: DecibelsSPL
    release: Plain
    scale: Plain
    error: Plain
    floor: Fraction

    def __post_init__(self) -> None:
        healthy = hearing.growth(np.asarray(self.level), self.growth["level"], self.growth["amplitude"])
        if not np.all(healthy > 0):
            raise BadInput(
                "no wave is seen at it even in a healthy ear",
                key="level",
                given=f"{self.level} dB SPL",
                cure=f"measure from {np.min(self.growth['level']):g} dB SPL on",
            )

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> Plain:
        """True relative amplitude, shape (subject, time, frequency), not negative."""
        level = np.asarray(self.level, dtype=float)
        levels, amplitudes = self.growth["level"], self.growth["amplitude"]
        recruitment = (self.recruited, self.release)
        return self.scale * hearing.wave1(
            ear, cells, np.asarray(frequency), level, levels, amplitudes, *recruitment
        )

    def read(self, value: Plain, uniform: Array) -> Reading:
        """A reading; ``uniform`` in (0, 1), same shape as ``value``."""
        amplitude = value * np.exp(self.error * ndtri(uniform))
        above = amplitude > self.floor
        return Reading(np.where(above, amplitude, self.floor), np.where(above, 0.0, -1.0))

    def log_likelihood(self, reading: Reading, value: Plain) -> Array:
        """Log-density of each amplitude read, or log-probability of none seen, same shape."""
        # A wave of zero height is never seen: its logarithm is kept finite only to say so.
        truth = np.log(np.maximum(value, np.finfo(float).tiny))
        z = (np.log(reading.value) - truth) / self.error
        density = -0.5 * z**2 - np.log(self.error * np.sqrt(2.0 * np.pi)) - np.log(reading.value)
        return np.where(reading.censored < 0, log_ndtr(z), density)
