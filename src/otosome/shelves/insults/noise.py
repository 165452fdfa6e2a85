"""Noise: half an octave above its band, more for every decibel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otosome.model.equations import Equation
from otosome.roles import Ear, Exposure
from otosome.units import (
    Array,
    Decibels,
    DecibelsSPL,
    Fraction,
    PerHour,
    Plain,
)


@dataclass(frozen=True)
class Noise:
    """Damage by a band of noise of a level and a duration.

    Rates double with every ``..._doubling`` decibels; they hold at ``reference`` and at the places half an
    octave (``upward``) above the band, and fade in octaves below and, more slowly, above. What reaches an ear is
    ``received`` dB off the level stated, less its ``shading``; ``susceptibility`` multiplies all three rates of an
    animal alike.
    """

    reference: DecibelsSPL
    upward: Plain
    width_below: Plain
    width_above: Plain
    irritation: PerHour
    irritation_doubling: Decibels
    ohc: PerHour
    ohc_doubling: Decibels
    synapse: PerHour
    synapse_doubling: Decibels
    received: Decibels
    shading: Decibels
    susceptibility: Plain
    needs: tuple[str, ...] = ("noise.level", "noise.band")

    EQUATIONS: ClassVar[tuple[Equation, ...]] = (
        Equation("octave", "log2(frequency) - upward", "", "of the sound that does most at a place, kHz"),
        Equation("below", "max(log2(low) - octave, 0) / width_below", "", "how far below the band that is"),
        Equation("above", "max(octave - log2(high), 0) / width_above", "", "how far above it"),
        Equation("share", "exp(-(below ** 2 + above ** 2) / 2)", "", "of the injury that reaches the place"),
        Equation("louder", "level + received - shading - reference", "dB", "what reaches the ear"),
        *(
            Equation(
                left,
                f"during * {rate} * susceptibility * 2 ** (louder / {rate}_doubling) * share",
                "1/h",
                f"{what}; during is 1 in the exposure and 0 else",
            )
            for left, rate, what in (
                ("production", "irritation", "of stress"),
                ("hazard_ohc", "ohc", "injury of outer hair cells"),
                ("hazard_synapse", "synapse", "injury of synapses"),
            )
        ),
    )

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Direct injury rate of hair cells and synapses, 1/h, shape (subject, time, place)."""
        return {
            "ohc": self._injury(ear, exposure, self.ohc, self.ohc_doubling),
            "synapse": self._injury(ear, exposure, self.synapse, self.synapse_doubling),
        }

    def stress(self, ear: Ear, exposure: Exposure) -> PerHour:
        """Production of stress, 1/h, shape (subject, time, place)."""
        return self._injury(ear, exposure, self.irritation, self.irritation_doubling)

    def _injury(self, ear: Ear, exposure: Exposure, rate: PerHour, doubling: Decibels) -> PerHour:
        level = exposure.use.level
        if level is None:
            raise ValueError("noise needs a level in dB SPL, such as level = '100 dB SPL'")
        louder = 2.0 ** ((level + self.received - self.shading - self.reference) / doubling)
        here: Array = rate * self.susceptibility * louder * self._where(ear, exposure)
        return here * exposure.during()[None, :, None]

    def _where(self, ear: Ear, exposure: Exposure) -> Fraction:
        if exposure.use.band is None:
            raise ValueError("noise needs a band, such as band = ['8 kHz', '16 kHz']")
        low, high = exposure.use.band
        octave: Array = np.log2(ear.frequency)[None, None, :] - self.upward
        below = np.maximum(np.log2(low) - octave, 0.0) / self.width_below
        above = np.maximum(octave - np.log2(high), 0.0) / self.width_above
        return np.exp(-0.5 * (below**2 + above**2))
