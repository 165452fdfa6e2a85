"""One person's ear, as far as an audiogram tells it from others.

The audiogram is taken over exactly: were every level as likely as any other before it was read, the truth lies about
the reading as readings lie about the truth. What else was measured of the ear weighs the subjects (``forward``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from otosome.errors import BadInput
from otosome.model.grades import PTA4, pure_tone_average
from otosome.model.hearing import between, left
from otosome.roles import Ear
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Fraction,
    Kilohertz,
    Plain,
)

Readings = Mapping[str, Sequence[float] | Sequence[str]]
EARS = ("left", "right")
# What a study may call an audiogram's columns; each is as long as the others.
COLUMNS = ("quantity", "ear", "frequency", "value", "censored")


@dataclass(frozen=True)
class OwnAudiogram:
    """Ears that hear what was read, each with cells that could be behind it.

    ``off_125`` ... ``off_8000``  standard normal deviate of the truth from the reading, by frequency in Hz
    ``error``, ``grid``, ``limit``  of the audiogram: one reading's deviation, its step, the worst level there is
    ``outer_share``, ``hidden``, ``inner_lost``, ``lone``  what an audiogram leaves open: see ``hearing.left``
    ``readings``     columns ``COLUMNS`` of one length: dB HL where the quantity is "audiogram"; kHz
    ``ear``          "left", "right" or the "better" one by its mean at 0.5, 1, 2 and 4 kHz
    ``interpolate``  whether a frequency between two tested ones may be taken from them where an average needs it
    """

    error: Decibels
    grid: Decibels
    limit: DecibelsHL
    outer_share: Fraction
    hidden: Fraction
    inner_lost: Plain
    lone: Fraction
    off_125: Plain
    off_250: Plain
    off_500: Plain
    off_750: Plain
    off_1000: Plain
    off_1500: Plain
    off_2000: Plain
    off_3000: Plain
    off_4000: Plain
    off_6000: Plain
    off_8000: Plain
    readings: Readings = field(default_factory=dict)
    ear: str = "better"
    interpolate: bool = False

    @cached_property
    def chosen(self) -> str:
        """The ear that is studied, "left" or "right"; raises BadInput where the better one cannot be told."""
        if self.ear in EARS:
            self.tested(self.ear)
            return self.ear
        means = {ear: self.average(ear) for ear in EARS}
        return min(EARS, key=lambda ear: means[ear])

    def has(self, ear: str) -> bool:
        """Whether an ear was tested."""
        quantity, side, *_ = self._columns
        return bool(np.any((quantity == "audiogram") & (side == ear)))

    def average(self, ear: str) -> float:
        """Mean level an ear was read at over 0.5, 1, 2 and 4 kHz, dB HL; raises BadInput where one is missing."""
        frequency, level, _ = self.tested(ear)
        self._known(
            np.array(PTA4), frequency, f"was not tested, and is needed to tell the better ear ({ear})"
        )
        return float(pure_tone_average(between(frequency, level, np.array(PTA4)), np.array(PTA4)))

    def tested(self, ear: str) -> tuple[Kilohertz, DecibelsHL, Array]:
        """Frequencies tested at an ear, rising, with the mean level read there and 1 where there was no response.

        raises  BadInput where it was not tested, or where the columns are none of an audiogram
        """
        quantity, side, frequency, value, censored = self._columns
        here = (quantity == "audiogram") & (side == ear)
        if not np.any(here):
            raise BadInput("was not tested", key="ear", given=ear, allowed=sorted(set(side) & set(EARS)))
        tones = np.unique(frequency[here])
        groups = [here & (frequency == tone) for tone in tones]
        levels = np.array([value[group].mean() for group in groups])
        silent = np.array([np.all(censored[group] == "above") for group in groups], dtype=float)
        return tones, levels, silent

    @cached_property
    def _columns(self) -> tuple[Array, Array, Array, Array, Array]:
        lengths = {len(column) for column in self.readings.values()}
        if len(lengths) != 1 or lengths == {0} or not self.readings.keys() >= set(COLUMNS):
            raise BadInput(
                "are columns of one length", key="readings", given=list(self.readings), allowed=list(COLUMNS)
            )
        quantity, ear, frequency, value, censored = (np.asarray(self.readings[name]) for name in COLUMNS)
        for name, column in (("frequency", frequency), ("value", value)):
            if column.dtype.kind not in "if" or not np.all(np.isfinite(column)):
                raise BadInput("holds numbers", key=f"readings.{name}", given=str(column[:5]))
        heard = quantity == "audiogram"
        bounds = (("frequency", frequency, 0.05, 30.0, "kHz"), ("value", value, -30.0, 130.0, "dB HL"))
        for name, column, low, high, unit in bounds:
            astray = column[heard & ((column < low) | (column > high))]
            if astray.size:
                raise BadInput(
                    "is none of an audiogram",
                    key=f"readings.{name}",
                    given=float(astray[0]),
                    allowed=f"{low:g} to {high:g} {unit}",
                    cure="correct it, or leave it out: then it counts as not tested",
                )
        return quantity, ear, frequency.astype(float), value.astype(float), censored

    @property
    def covered(self) -> tuple[float, float]:
        """Lowest and highest frequency tested, kHz."""
        frequency, _, _ = self.tested(self.chosen)
        return float(frequency[0]), float(frequency[-1])

    @property
    def ages(self) -> None:
        """Nobody's age is in a file of audiograms."""
        return None

    @property
    def recorded(self) -> tuple[Kilohertz, DecibelsHL, NDArray[np.intp]]:
        """Frequencies tested, the levels read there, (1, frequency), and that every subject is this person."""
        frequency, level, _ = self.tested(self.chosen)
        return frequency, level[None], np.zeros(np.size(self.outer_share), dtype=np.intp)

    def check(self, frequency: Kilohertz) -> None:
        """Raise BadInput for a frequency that was not tested, or lies between tested ones and may not."""
        tested, _, _ = self.tested(self.chosen)
        self._known(frequency, tested, "was not tested")

    def _known(self, wanted: Kilohertz, tested: Kilohertz, message: str) -> None:
        for tone in np.asarray(wanted, dtype=float):
            known = np.any(np.isclose(tested, tone, rtol=1e-3))
            if not known and not (self.interpolate and tested[0] < tone < tested[-1]):
                raise BadInput(
                    message,
                    key="audiogram",
                    given=f"{tone:g} kHz",
                    allowed=[f"{other:g} kHz" for other in tested],
                    cure="do without it, or, between two that were tested, ask for it: interpolate = true",
                )

    def baseline(self, frequency: Kilohertz) -> DecibelsHL:
        """Hearing level of each ear that could be this one, dB HL, shape (subject, 1, frequency).

        ``frequency``  kHz, shape (frequency,); between tested frequencies by octaves, beyond as at the last
        """
        tested, level, silent = self.tested(self.chosen)
        return between(tested, self._true(tested, level, silent), frequency)

    def _true(self, tested: Kilohertz, level: DecibelsHL, silent: Array) -> DecibelsHL:
        """True levels at the tested frequencies, (subject, 1, tested): rounding to the grid adds its own error."""
        off = np.concatenate([self._off(tone) for tone in tested], axis=-1)
        read = level + off * np.sqrt(self.error**2 + self.grid**2 / 12.0)
        unheard = level + (np.maximum(self.limit, level) - level) * ndtr(off)
        return np.where(silent > 0, unheard, np.minimum(read, self.limit))

    def _off(self, tone: float) -> Plain:
        """Deviate at a frequency: of the nearest on the audiometer, in octaves."""
        names = [name for name in self.__dataclass_fields__ if name.startswith("off_")]
        octaves = [abs(np.log2(float(name.removeprefix("off_")) / 1e3 / tone)) for name in names]
        nearest: Array = getattr(self, names[int(np.argmin(octaves))])
        return nearest

    def arrived(self, ear: Ear, rates: Mapping[str, Mapping[str, Array]]) -> dict[str, Fraction]:
        """Share left of each kind of cell, shape (subject, place), by kind."""
        level = self.baseline(ear.frequency)
        return left(level, rates, self.outer_share, self.hidden, self.inner_lost, self.lone)
