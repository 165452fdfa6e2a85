"""People out of a file of audiograms, such as those of a survey, drawn again from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from otosome.errors import BadInput
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
SILENT = ", no response"


@dataclass(frozen=True)
class Recorded:
    """Ears that hear as those in a file do, each drawn by its rank among them, with cells that could be behind it.

    ``rank``      standard normal deviate: which person, from the one who hears best to the one who hears worst
    ``off``       the person's levels against those recorded, dB;  ``beyond``  rank of a level without response
    ``limit``     the worst level there is
    ``outer_share``, ``hidden``, ``inner_lost``, ``lone``  what an audiogram leaves open: see ``hearing.left``
    ``readings``  dB HL by frequency ("0.5 kHz"), a row per person, without gaps; with 1 where there was no response
                  in a column of the same name and ", no response", which may be left out
    ``ear``       which ear of each was taken into ``readings``
    """

    rank: Plain
    off: Decibels
    beyond: Plain
    limit: DecibelsHL
    outer_share: Fraction
    hidden: Fraction
    inner_lost: Plain
    lone: Fraction
    readings: Readings = field(default_factory=dict)
    ear: str = "better"
    interpolate: bool = False

    @cached_property
    def frequency(self) -> Kilohertz:
        """Frequencies recorded, kHz, rising."""
        return np.array([_kilohertz(name) for name in self._names])

    @cached_property
    def levels(self) -> DecibelsHL:
        """What was read of everyone, dB HL, shape (person, frequency), those who hear best first."""
        return self._table[self._order]

    @cached_property
    def _table(self) -> DecibelsHL:
        names = self._names
        columns = [np.asarray(self.readings[name]) for name in names]
        if len({column.shape for column in columns}) != 1 or not columns[0].size:
            raise BadInput("are columns of one length, one for each frequency", key="readings", given=names)
        table = np.stack(columns, axis=-1)
        if table.dtype.kind not in "if" or not np.all((table >= -30.0) & (table <= 130.0)):
            raise BadInput("are hearing levels", key="readings", allowed="-30 to 130 dB HL, without gaps")
        return table.astype(float)

    @property
    def _names(self) -> list[str]:
        names = [name for name in self.readings if not name.endswith(SILENT)]
        if not names:
            raise BadInput("holds nobody", key="readings", cure="give a file of audiograms")
        return sorted(names, key=_kilohertz)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self._table.mean(axis=-1), kind="stable")

    @cached_property
    def _silent(self) -> Array:
        none = np.zeros(len(self._table))
        columns = [np.asarray(self.readings.get(f"{name}{SILENT}", none)) for name in self._names]
        if any(column.shape != none.shape for column in columns):
            raise BadInput("are columns of one length, one for each frequency", key="readings")
        return np.stack(columns, axis=-1)[self._order].astype(float)

    @cached_property
    def drawn(self) -> NDArray[np.intp]:
        """Which person each subject is, by rank among those recorded, shape (subject,)."""
        people = len(self._table)
        return np.minimum((ndtr(np.ravel(self.rank)) * people).astype(int), people - 1)

    @property
    def covered(self) -> tuple[float, float]:
        """Lowest and highest frequency recorded, kHz; raises BadInput for columns that are no people."""
        _ = self._table
        return float(self.frequency[0]), float(self.frequency[-1])

    @property
    def ages(self) -> None:
        """Nobody's age is in a file of audiograms."""
        return None

    @property
    def recorded(self) -> tuple[Kilohertz, DecibelsHL, NDArray[np.intp]]:
        """Frequencies, the levels read of each person, those who hear best first, and whom each subject is."""
        return self.frequency, self.levels, self.drawn

    def check(self, frequency: Kilohertz) -> None:
        """Raise BadInput for a frequency nobody was tested at, unless it lies between two and may."""
        low, high = self.covered
        for tone in np.asarray(frequency, dtype=float):
            known = np.any(np.isclose(self.frequency, tone, rtol=1e-3))
            if not known and not (self.interpolate and low < tone < high):
                raise BadInput(
                    "was not recorded there",
                    key="audiogram",
                    given=f"{tone:g} kHz",
                    allowed=[f"{tone:g} kHz" for tone in self.frequency],
                    cure="leave the frequency out, or, between two of them, ask for it: interpolate = true",
                )

    def baseline(self, frequency: Kilohertz) -> DecibelsHL:
        """Hearing level of each subject, dB HL, shape (subject, 1, frequency).

        ``frequency``  kHz, shape (frequency,); between recorded frequencies by octaves, beyond as at the last
        """
        level, silent = self.levels[self.drawn][:, None, :], self._silent[self.drawn][:, None, :]
        unheard = level + (np.maximum(self.limit, level) - level) * ndtr(self.beyond)
        true = np.where(silent > 0, unheard, np.minimum(level + self.off, self.limit))
        return between(self.frequency, true, frequency)

    def arrived(self, ear: Ear, rates: Mapping[str, Mapping[str, Array]]) -> dict[str, Fraction]:
        """Share left of each kind of cell, shape (subject, place), by kind."""
        level = self.baseline(ear.frequency)
        return left(level, rates, self.outer_share, self.hidden, self.inner_lost, self.lone)


def _kilohertz(name: str) -> float:
    number, _, unit = name.partition(" ")
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if unit != "kHz" or not 0.05 <= value <= 30.0:
        raise BadInput("is no frequency", key="readings", given=name, allowed='columns like "0.5 kHz"')
    return value
