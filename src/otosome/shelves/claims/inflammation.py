"""Stress with and without vesicles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.injury import stress
from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.forward import Cochleae, Fate
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class Inflammation:
    """How much smaller the stress is, summed over the study and the cochlea, where vesicles are given.

    ``study``  whose compared arms are looked at
    """

    study: str

    def figure(self, laboratory: Laboratory) -> Figure:
        """Part of the stress that vesicles take away."""
        study = laboratory.study(self.study)
        against, treated = laboratory.compared(study)

        def work(ears: Cochleae) -> dict[str, Array]:
            return {
                name: self._sum(laboratory.fate(ears, arm))
                for name, arm in (("without", against), ("with", treated))
            }

        stress_by_arm = laboratory.run(study, [against, treated], work)
        less = _PERCENT * (
            1.0 - stress_by_arm["with"] / np.maximum(stress_by_arm["without"], np.finfo(float).tiny)
        )
        return Figure.over(less, "%", "less stress with vesicles, over the whole study and cochlea")

    def _sum(self, fate: Fate) -> Array:
        knots = fate.ears.plan.knots
        rate = stress(knots, fate.injury.production, fate.ears.species["stress_clearance"], fate.protection)
        total: Array = np.trapezoid(rate.mean(axis=2), knots, axis=1)
        return total
