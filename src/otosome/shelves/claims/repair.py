"""Which action of vesicles the benefit comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.injury import Protection
from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.forward import Cochleae
    from otosome.review.claims import Laboratory

_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "repair": ("repair",),
    "prevent": ("prevent",),
    "rescue": ("rescue",),
    "clear stress": ("clear",),
    "support neurons": ("support",),
    "revive silent cells": ("revive",),
}


@dataclass(frozen=True)
class Repair:
    """What of the benefit goes when one action of every mechanism is knocked out, in dB: a part of nothing is none.

    ``study``  whose compared arms are looked at, with every mechanism of the shelf
    """

    study: str

    def figure(self, laboratory: Laboratory) -> Figure:
        """What goes without repair, with every action as a part."""
        study = laboratory.study(self.study, mechanisms=None)
        measure = laboratory.measured(study)
        last = float(max(measure.at))
        arms = laboratory.compared(study)

        def work(ears: Cochleae) -> dict[str, Array]:
            fate = laboratory.fate(ears, arms[1])
            protection = fate.protection

            def heard(factors: Mapping[tuple[str, str], Array]) -> Array:
                cells = fate.under(Protection(factors)).at(ears.plan.at([last]))
                level: Array = laboratory.read(ears, measure, cells, arms[1], last).mean(axis=1)
                return level

            all_ = heard(protection.factors)
            return {
                words: np.abs(heard({k: f for k, f in protection.factors.items() if k[0] not in out}) - all_)
                for words, out in _ACTIONS.items()
            }

        lost = laboratory.run(study, arms, work)
        parts = tuple(Figure.over(part, "dB", words) for words, part in lost.items())
        words = "of the benefit in thresholds goes when repair is knocked out"
        return Figure.over(lost["repair"], "dB", words, parts)
