"""Neurons saved from cisplatin, and the assumed hazard that decides it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class Cisplatin:
    """Cells alive with vesicles less those alive without, in percent of the healthy number.

    ``measure``, ``beside``  counts of the study: neurons, and hair cells beside them
    ``hazards``              numbers that decide how many neurons there are to save
    """

    study: str
    measure: str
    beside: str
    hazards: tuple[str, ...]

    def figure(self, laboratory: Laboratory) -> Figure:
        """Neurons saved, with hair cells and the neurons lost without vesicles as parts."""
        study = laboratory.study(self.study)
        saved = Figure.over(*self._saved(laboratory, self.measure), "neurons saved")
        beside = Figure.over(*self._saved(laboratory, self.beside), "outer hair cells saved")
        lost = _PERCENT * (1.0 - laboratory.ends(study, laboratory.compared(study), self.measure)[0])
        numbers = [study.parameters[name] for name in self.hazards]
        grounds = ", ".join(
            f"{n.name} {n.low:g} to {n.high:g} {n.unit} ({n.basis})".replace("  ", " ") for n in numbers
        )
        without = Figure.over(lost.mean(axis=1), "%", "neurons lost without vesicles")
        return replace(saved, words=f"neurons saved; rests on {grounds}", parts=(saved, beside, without))

    def _saved(self, laboratory: Laboratory, measure: str) -> tuple[Array, str]:
        study = laboratory.study(self.study)
        without, treated = laboratory.ends(study, laboratory.compared(study), measure)
        return _PERCENT * (treated - without).mean(axis=1), "% points"
