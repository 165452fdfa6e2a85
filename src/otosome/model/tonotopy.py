"""Where along the cochlea a frequency is heard: the form that most published place maps share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.units import (
    Array,
    Fraction,
    Kilohertz,
    Plain,
)


@dataclass(frozen=True)
class Greenwood:
    """frequency = scale (10^(slope x) - offset), with x from the apex; a map that is linear in octaves has no offset.

    A map of another form brings a formula with the same two methods (``maps/rat_epl.py``).

    ``scale``   kHz, above zero
    ``slope``   decades over the length, above zero
    ``offset``  below 1, so that the apex answers to some frequency
    Source: Greenwood 1990, https://doi.org/10.1121/1.399052; each map's numbers name their own.
    """

    scale: Kilohertz
    slope: Plain
    offset: Plain

    def frequency(self, place: Fraction) -> Kilohertz:
        """Best frequency of each place, kHz, falling from base to apex.

        ``place``  0 base to 1 apex, any shape that broadcasts with the numbers
        """
        frequency: Array = self.scale * (10.0 ** (self.slope * (1.0 - place)) - self.offset)
        return frequency

    def place(self, frequency: Kilohertz) -> Fraction:
        """Place of each frequency, 0 base to 1 apex; below 0 or above 1 where the cochlea does not reach it.

        ``frequency``  kHz, above zero
        """
        place: Array = 1.0 - np.log10(frequency / self.scale + self.offset) / self.slope
        return place
