"""Contact against cargo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class Cargo:
    """The part of the benefit that goes when vesicles carry no RNA.

    ``study``   whose compared arms are looked at, with every mechanism of the shelf
    ``copies``  the number that says how much RNA a vesicle carries;  ``loaded``  that many times more
    """

    study: str
    copies: str
    loaded: float

    def figure(self, laboratory: Laboratory) -> Figure:
        """Share of the RNA at its natural copies, with a loaded batch as a part."""
        natural = self._share(laboratory, 1.0)
        loaded = self._share(laboratory, self.loaded)
        words = "of the benefit goes without the RNA"
        parts = (
            Figure.over(natural, "%", f"{words}, natural copies"),
            Figure.over(loaded, "%", f"{words}, {self.loaded:g} times as many copies"),
        )
        return replace(parts[0], words=f"{words}; the rest is by contact", parts=parts)

    def _share(self, laboratory: Laboratory, times: float) -> Array:
        study = laboratory.study(self.study, mechanisms=None)
        copies = laboratory.table(study)[self.copies]
        arms = laboratory.compared(study)
        (whole,), (without,) = (
            laboratory.gains(study, arms, numbers={self.copies: number})
            for number in (times * copies, 0.0 * copies)
        )
        share: Array = _PERCENT * (whole - without) / np.where(whole > 0, whole, np.inf)
        return share
