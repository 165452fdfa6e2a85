"""The rat's place map, whose published form is logarithmic in place instead of exponential."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from otosome.units import (
    Array,
    Fraction,
    Kilohertz,
    Plain,
    Unit,
)

PerKilohertz = Annotated[Array, Unit("1/kHz")]


@dataclass(frozen=True)
class RatEpl:
    """frequency = -ln((place + start) / span) / rate, with place from the base.

    The formula crosses zero before the apex: there it gives ``lowest``.

    ``start``, ``span``  fractions of the length
    """

    start: Plain
    span: Plain
    rate: PerKilohertz
    lowest: Kilohertz

    def frequency(self, place: Fraction) -> Kilohertz:
        """Best frequency of each place, kHz, falling from base to apex, never below ``lowest``.

        ``place``  0 base to 1 apex
        """
        frequency = -np.log((place + self.start) / self.span) / self.rate
        return np.maximum(frequency, self.lowest)

    def place(self, frequency: Kilohertz) -> Fraction:
        """Place of each frequency in kHz, 0 base to 1 apex; below 0 where the cochlea does not reach it."""
        place: Array = self.span * np.exp(-self.rate * np.maximum(frequency, self.lowest)) - self.start
        return place
