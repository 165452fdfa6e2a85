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


@dataclass(frozen=True)
class PkC03:
    """A bath at the round window that neither shrinks nor clears, for a while."""

    irrigated: Micromolar
    duration: Hours
    base: Millimetres
    apex: Millimetres

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Concentration at each electrode in each ear, uM, and their ratio."""
        ears = bench.ears
        anatomy = replace(bench.anatomy, middle_ear_half_time=np.full(ears, np.inf))
        amount = np.broadcast_to(self.irrigated.ravel() * _BATH, (1, ears))
        bath = Flow("middle_ear", 0.0, 0.0, amount, np.full(ears, _BATH))
        until = float(self.duration.flat[0])
        knots = schedule([0.0], until, first=2e-3, growth=1.2)
        run = solve(anatomy, bench.bind("solutes", "tmpa"), [bath], knots, ["scala_tympani"])
        last = run.concentration["scala_tympani"][0, :, -1]
        where = anatomy.grid.place[None] * anatomy.scala_tympani_length[:, None]
        base, apex = (
            np.array([np.interp(float(at.flat[0]), x, c) for x, c in zip(where, last, strict=True)])
            for at in (self.base, self.apex)
        )
        return {"pk:C03": base, "pk:C03.apex": apex, "pk:C03.ratio": base / apex}
