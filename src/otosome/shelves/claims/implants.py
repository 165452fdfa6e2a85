"""Words that a cochlear implant gives, and the hearing and the neurons it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.roles import Figure
from otosome.units import quantity

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class Implants:
    """Words understood with the implant less those without, in the same ears.

    ``study``      that has both arms;  ``of``, ``against``  with the implant, and without
    ``measure``    words in quiet;  ``residual``, ``low``  the audiogram, and the low tones that may still be heard
    ``cell``       the kind of cell counted in both arms
    """

    study: str
    of: str
    against: str
    measure: str
    residual: str
    low: tuple[str, ...]
    cell: str

    def figure(self, laboratory: Laboratory) -> Figure:
        """Words gained, with low-tone hearing and neurons lost as parts."""
        study = laboratory.study(self.study)
        arms = [laboratory.arm(study, name) for name in (self.against, self.of)]
        without, implanted = laboratory.ends(study, arms, self.measure)
        before, after = laboratory.ends(study, arms, self.residual)
        whole, remaining = laboratory.counted(study, arms, self.cell)
        low = np.isin(study.tables.measure[self.residual].tones, [quantity(tone, "kHz") for tone in self.low])
        heard = f"hearing lost without the device at {' and '.join(self.low)}"
        parts = (
            Figure.over((after - before)[:, low].mean(axis=1) + 0.0, "dB", heard),
            Figure.over(_PERCENT * (whole - remaining), "% points", "neurons lost"),
        )
        words = "of words gained in quiet a year after the operation, by the study's candidates"
        return Figure.over((implanted - without).mean(axis=1), "points", words, parts)
