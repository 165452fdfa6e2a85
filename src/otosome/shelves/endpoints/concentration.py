"""Concentration of a drug in a fluid or tissue of the ear, as an assay reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri

from otosome.model.injury import Cells
from otosome.roles import Ear, Reading
from otosome.units import Array, Kilohertz, Micromolar, Plain


@dataclass(frozen=True)
class Concentration:
    """What is in a fluid or a sample of it. A reading has a log-normal error; below its ``limit`` none is quantified.

    ``error``          standard deviation of the logarithm of a reading
    ``limit``          of quantification, uM; what lies below is censored there
    ``concentration``  uM, shape (subject, time), not negative; of the ears it is bound to
    """

    error: Plain
    limit: Micromolar | float = 0.0
    concentration: Micromolar | None = None

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> Micromolar:
        """True concentration, uM, shape (subject, time, frequency); the same at every frequency."""
        assert self.concentration is not None  # bound with it where cells are of an arm
        return np.repeat(self.concentration[:, :, None], np.size(frequency), axis=2)

    def read(self, value: Micromolar, uniform: Array) -> Reading:
        """A reading; ``uniform`` in (0, 1), same shape as ``value``."""
        amount = value * np.exp(self.error * ndtri(uniform))
        above = amount > self.limit
        return Reading(np.where(above, amount, self.limit), np.where(above, 0.0, -1.0))

    def log_likelihood(self, reading: Reading, value: Micromolar) -> Array:
        """Log-density of each concentration read, or log-probability of one below the limit, same shape."""
        # What is not there is never read: its logarithm is kept finite only to say so.
        tiny = np.finfo(float).tiny
        read, truth = (np.log(np.maximum(part, tiny)) for part in (reading.value, value))
        z = (read - truth) / self.error
        density = -0.5 * z**2 - np.log(self.error * np.sqrt(2.0 * np.pi)) - read
        return np.where(reading.censored < 0, log_ndtr(z), density)
