"""Contact against cargo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory


@dataclass(frozen=True)
class Cargo:
    """What of the benefit goes when vesicles carry no RNA, in dB: a part of nothing is none.

    ``study``   whose compared arms are looked at, with every mechanism of the shelf
    ``copies``  the number that says how much RNA a vesicle carries;  ``loaded``  that many times more
    """

    study: str
    copies: str
    loaded: float

    def figure(self, laboratory: Laboratory) -> Figure:
        """What goes without the RNA at its natural copies, with a loaded batch and the whole benefit as parts."""
        natural, whole = self._lost(laboratory, 1.0)
        loaded, _ = self._lost(laboratory, self.loaded)
        words = "of the benefit goes without the RNA"
        parts = (
            Figure.over(natural, "dB", f"{words}, natural copies"),
            Figure.over(loaded, "dB", f"{words}, {self.loaded:g} times as many copies"),
            Figure.over(whole, "dB", "the whole benefit"),
        )
        return replace(parts[0], words=f"{words}; the rest is by contact", parts=parts)

    def _lost(self, laboratory: Laboratory, times: float) -> tuple[Array, Array]:
        study = laboratory.study(self.study, mechanisms=None)
        copies = laboratory.table(study)[self.copies]
        arms = laboratory.compared(study)
        (whole,), (without,) = (
            laboratory.gains(study, arms, numbers={self.copies: number})
            for number in (times * copies, 0.0 * copies)
        )
        return whole - without, whole
