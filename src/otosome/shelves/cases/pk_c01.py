"""A drug held at the round window, near it and far from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Flow, schedule, solve
from otosome.units import Array, Hours, Millimetres

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# uL; so much that the fluid at the window keeps its concentration.
_BATH = 1e6


@dataclass(frozen=True)
class PkC01:
    """A bath at the round window that neither shrinks nor clears, for a while."""

    duration: Hours
    base: Millimetres
    apex: Millimetres

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Concentration at the base over that at the apex, in each ear."""
        ears, until = bench.ears, float(self.duration.flat[0])
        anatomy = replace(bench.anatomy, middle_ear_half_time=np.full(ears, np.inf))
        bath = Flow("middle_ear", 0.0, 0.0, np.full((1, ears), _BATH), np.full(ears, _BATH))
        knots = schedule([0.0], until, first=2e-3, growth=1.2)
        run = solve(anatomy, bench.bind("solutes", "gentamicin"), [bath], knots, ["scala_tympani"])
        last = run.concentration["scala_tympani"][0, :, -1]
        where = anatomy.grid.place[None] * anatomy.scala_tympani_length[:, None]
        base, apex = (
            np.array([np.interp(float(at.flat[0]), x, c) for x, c in zip(where, last, strict=True)])
            for at in (self.base, self.apex)
        )
        return {"pk:C01": base / apex}
