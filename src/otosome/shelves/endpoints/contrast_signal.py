"""Signal of contrast agent in a region of an image, in units of the scanner's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri

from otosome.model.injury import Cells
from otosome.roles import Ear, Reading
from otosome.units import Array, Kilohertz, Micromolar, Plain, Signal, SignalPerMicromolar


@dataclass(frozen=True)
class ContrastSignal:
    """An offset and a gain times the concentration; a reading has a normal error that grows with what contrast adds.

    ``gain``           signal that a concentration adds;  ``offset``  signal without contrast
    ``error``          standard deviation of a reading;  ``error_share``  what comes on top, of what contrast adds
    ``concentration``  uM, shape (subject, time); of the ears it is bound to
    """

    gain: SignalPerMicromolar
    offset: Signal
    error: Signal
    error_share: Plain
    concentration: Micromolar | None = None

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> Signal:
        """True signal, shape (subject, time, frequency); the same at every frequency."""
        assert self.concentration is not None  # bound with it where cells are of an arm
        signal = self.offset + self.gain * self.concentration[:, :, None]
        return np.repeat(signal, np.size(frequency), axis=2)

    def read(self, value: Signal, uniform: Array) -> Reading:
        """A reading; ``uniform`` in (0, 1), same shape as ``value``."""
        signal = value + self._spread(value) * ndtri(uniform)
        return Reading(signal, np.zeros_like(signal))

    def log_likelihood(self, reading: Reading, value: Signal) -> Array:
        """Log-density of each signal read, or log-probability of one beyond the end of the scale, same shape."""
        spread = self._spread(value)
        z = (reading.value - value) / spread
        density = -0.5 * z**2 - np.log(spread * np.sqrt(2.0 * np.pi))
        beyond = log_ndtr(-np.sign(reading.censored) * z)
        return np.where(reading.censored != 0, beyond, density)

    def _spread(self, value: Signal) -> Signal:
        return np.hypot(self.error, self.error_share * (value - self.offset))
