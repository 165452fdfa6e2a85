"""The permeability that each route needs, against the one that is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.ears import Rows
from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.forward import Cochleae, Fate
    from otosome.review.claims import Laboratory

# Below saturation the first guess is exact; each round by the secant takes out what saturation bends, in the ears in
# which the round before still changed the logarithm by more than this.
_ROUNDS, _SETTLED = 8, 1e-6
_STEEPNESS = (0.1, 10.0)
# Stands for what no permeability reaches, because the fluid is full or empty before.
_NONE = 1e15
_PERCENT = 100.0


@dataclass(frozen=True)
class Barrier:
    """The smallest permeability at which a route brings the organ of Corti to a mechanism's half-effect dose.

    The highest concentration of all places and times is taken, potency included: the kindest to the claim.

    ``study``      with an arm for each route
    ``barriers``   by route, the number that is its barrier
    ``mechanism``  whose half-effect concentration (``ec50``) is to be reached
    """

    study: Mapping[str, object]
    barriers: Mapping[str, str]
    mechanism: str

    def figure(self, laboratory: Laboratory) -> Figure:
        """Needed over the highest that is assumed, for the first route, with every route as a part."""
        parts = tuple(self._route(laboratory, route, number) for route, number in self.barriers.items())
        words = (
            f"permeability that the same 10 uL needs by a vein, over the highest assumed; {parts[0].words}"
        )
        return replace(parts[0], words=words, parts=parts)

    def _route(self, laboratory: Laboratory, route: str, number: str) -> Figure:
        study = laboratory.study(self.study)
        assumed = study.parameters[number]
        needed = self.needed(laboratory, route, number)
        enough = _PERCENT * np.mean(laboratory.table(study)[number] >= needed * assumed.value)
        never = _PERCENT * np.mean(needed >= _NONE)
        words = (
            f"{route.replace('_', ' ')}: {number.rpartition('.')[2].replace('_', ' ')}, assumed {assumed.low:.2g} to "
            f"{assumed.high:.2g} {assumed.unit}".rstrip()
            + f"; as drawn it suffices in {enough:.0f} % of worlds, none does in {never:.0f} %"
        )
        return Figure.over(needed * assumed.value / assumed.high, "times", words)

    def needed(self, laboratory: Laboratory, route: str, number: str) -> Array:
        """Needed permeability over the assumed best value in each ear, shape (subject,)."""
        study = laboratory.study(self.study)
        arm, assumed = laboratory.arm(study, route), study.parameters[number].value

        def reached(ears: Cochleae) -> dict[str, Array]:
            return {"reached": self._reached(laboratory.fate(ears, arm))}

        def off(factor: Array, ears: Rows) -> Array:
            """How far a permeability is from enough in some ears, as a logarithm."""
            numbers = {number: assumed * np.exp(factor)}
            reach = laboratory.run(study, [arm], reached, numbers=numbers, ears=ears)
            return np.log(np.maximum(reach["reached"], 1.0 / _NONE))

        ears = np.arange(laboratory.ears)
        before, slope = np.zeros(ears.size), np.ones(ears.size)
        short = off(before, ears)
        factor: Array = -short
        for _ in range(_ROUNDS):
            now, apart = off(factor, ears), factor[ears] - before[ears]
            bent = np.divide(now - short[ears], apart, out=np.ones_like(now), where=apart != 0.0)
            step = now / np.clip(bent, *_STEEPNESS)
            further = np.clip(factor[ears] - step, -np.log(_NONE), np.log(_NONE))
            before[ears], short[ears], slope[ears] = factor[ears], now, bent
            factor[ears], ears = further, ears[np.abs(further - factor[ears]) > _SETTLED]
            if not ears.size:
                break
        full = (short < -1.0) & (slope < _STEEPNESS[0])
        return np.where(full, _NONE, np.exp(factor))

    def _reached(self, fate: Fate) -> Array:
        """Highest effective concentration in the organ of Corti over the half-effect one, shape (subject,)."""
        if fate.vesicles is None:
            return np.zeros(fate.ears.subjects)
        peak = fate.vesicles.concentration["organ_of_corti"].sum(axis=0).max(axis=(1, 2))
        half = fate.ears.columns[f"mechanisms.{self.mechanism}.ec50"]
        return np.asarray(fate.batch.potency_of(self.mechanism) * peak / half)
