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

_PERCENT = 100.0
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
    """The part of the benefit that is lost when one action of every mechanism is knocked out.

    Parts are of all that the knock-outs lose together, and none where nothing is gained.

    ``study``  whose compared arms are looked at, with every mechanism of the shelf
    """

    study: str

    def figure(self, laboratory: Laboratory) -> Figure:
        """The share of repair, with every action as a part."""
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
        total = np.maximum(sum(lost.values()), np.finfo(float).tiny)
        parts = tuple(Figure.over(_PERCENT * part / total, "%", words) for words, part in lost.items())
        return Figure.over(
            _PERCENT * lost["repair"] / total,
            "%",
            "of the benefit in thresholds goes when repair is knocked out",
            parts,
        )
