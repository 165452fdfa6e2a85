"""Irrigation of the round window, read by electrodes in the scala tympani."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Flow, schedule, solve
from otosome.units import (
    Array,
    Hours,
    Micromolar,
    Millimetres,
)

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# uL; so much that the fluid at the window keeps its concentration.
_BATH = 1e6
# h; nothing moves any more.
_STEADY = 48.0


@dataclass(frozen=True)
class PkC03:
    """A bath at the round window that neither shrinks nor clears, for a while."""

    irrigated: Micromolar
    duration: Hours
    base: Millimetres
    apex: Millimetres

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Concentration at each electrode in each ear, uM, their ratio, and the steady base over the steady apex."""
        until = float(self.duration.flat[0])
        where, last = self.along(bench, until, first=2e-3, growth=1.2)
        base, apex = (_at(float(place.flat[0]), where, last) for place in (self.base, self.apex))
        where, steady = self.along(bench, _STEADY, first=5e-3, growth=1.4)
        ratio = _at(float(self.base.flat[0]), where, steady) / steady[:, -1]
        return {"pk:C03": base, "pk:C03.apex": apex, "pk:C03.ratio": base / apex, "pk:C03.steady": ratio}

    def along(
        self, bench: Bench, until: float, first: float, growth: float
    ) -> tuple[Millimetres, Micromolar]:
        """Distances from the base and concentrations there after so many hours of the bath, (ear, place)."""
        ears = bench.ears
        anatomy = replace(bench.anatomy, middle_ear_half_time=np.full(ears, np.inf))
        amount = np.broadcast_to(self.irrigated.ravel() * _BATH, (1, ears))
        bath = Flow("middle_ear", 0.0, 0.0, amount, np.full(ears, _BATH))
        knots = schedule([0.0], until, first=first, growth=growth)
        run = solve(anatomy, bench.bind("solutes", "tmpa"), [bath], knots, ["scala_tympani"])
        where = anatomy.grid.place[None] * anatomy.scala_tympani_length[:, None]
        return where, run.concentration["scala_tympani"][0, :, -1]


def _at(place: float, where: Millimetres, values: Micromolar) -> Micromolar:
    return np.array([np.interp(place, x, c) for x, c in zip(where, values, strict=True)])
