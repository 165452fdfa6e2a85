"""How many lots read outside their label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from otosome.evidence import uniforms
from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0
_WORLDS = 4000


@dataclass(frozen=True)
class Production:
    """The share of lots whose count, read on some day, lies beyond a tolerance of the label.

    Lots and readings err log-normally and independently; the label is the process's median.

    ``tolerance``  as a share of the label
    """

    tolerance: float

    def figure(self, laboratory: Laboratory) -> Figure:
        """The share, with lots alone and readings alone as parts."""
        lots = laboratory.parameter("claims", "production", "between_lots")
        days = laboratory.parameter("instruments", "nanosight", "day_to_day")
        between, read = (
            np.log1p(number.quantile(uniforms(laboratory.seed, number.name, 0, _WORLDS)) ** 2)
            for number in (lots, days)
        )
        parts = (
            Figure.over(self.beyond(between), "%", "lots alone"),
            Figure.over(self.beyond(read), "%", "readings alone"),
        )
        words = f"of lots are read more than {_PERCENT * self.tolerance:.0f} % off their label"
        return Figure.over(self.beyond(between + read), "%", words, parts)

    def beyond(self, variance: Array) -> Array:
        """Share beyond the tolerance, %, for a variance of the logarithm."""
        deviation = np.sqrt(variance)
        inside = ndtr(np.log1p(self.tolerance) / deviation) - ndtr(np.log1p(-self.tolerance) / deviation)
        outside: Array = _PERCENT * (1.0 - inside)
        return outside
