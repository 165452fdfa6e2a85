"""Cells counted in a stretch of the cochlea, as a fraction of the healthy number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, xlog1py, xlogy

from otosome.model.counts import binomial
from otosome.model.injury import LABELS, Cells
from otosome.roles import Ear, Reading
from otosome.units import (
    Array,
    Fraction,
    Kilohertz,
    Plain,
)


@dataclass(frozen=True)
class CellCount:
    """Surviving fraction of one kind of cell at a frequency's place, from a count.

    ``cell``     OHC, IHC, synapse (per surviving inner hair cell) or SGN
    ``counted``  cells a healthy ear would show in the stretch counted; the count is binomial
    """

    counted: Plain
    cell: str = "OHC"

    def value(self, ear: Ear, cells: Cells, frequency: Kilohertz) -> Fraction:
        """True fraction alive, shape (subject, time, frequency), 0 to 1."""
        kind = next(stem for stem, label in LABELS.items() if self.cell in (stem, label))
        place = ear.place_of(np.asarray(frequency, dtype=float))
        return _at_places(cells.counted(kind), ear.place, place)

    def read(self, value: Fraction, uniform: Array) -> Reading:
        """A count over the healthy number; ``uniform`` in (0, 1), same shape as ``value``."""
        number = self._number()
        share = binomial(uniform, number, np.clip(value, 0.0, 1.0)) / number
        return Reading(share, np.zeros_like(share))

    def _number(self) -> Array:
        return np.maximum(np.round(self.counted), 1.0)

    def log_likelihood(self, reading: Reading, value: Fraction) -> Array:
        """Log-probability of each count, same shape."""
        number = self._number()
        count = np.minimum(np.round(reading.value * number), number)  # more than all is all
        chance = np.clip(value, 0.0, 1.0)
        ways = gammaln(number + 1.0) - gammaln(count + 1.0) - gammaln(number - count + 1.0)
        result: Array = ways + xlogy(count, chance) + xlog1py(number - count, -chance)
        return result


def _at_places(values: Array, places: Array, wanted: Array) -> Array:
    """Values (subject, time, place) interpolated at other places, shape (subject, time, frequency)."""
    if places.size == 1:
        return np.repeat(values, wanted.size, axis=2)
    right = np.clip(np.searchsorted(places, wanted), 1, places.size - 1)
    span = places[right] - places[right - 1]
    share = np.clip((wanted - places[right - 1]) / span, 0.0, 1.0)
    return values[:, :, right - 1] * (1.0 - share) + values[:, :, right] * share
