"""A drug held at round windows of two lengths, at the apex."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Flow, schedule, solve
from otosome.units import Array, Hours, Millimetres

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# uL; so much that the fluid at the window keeps its concentration, which is one.
_BATH = 1e6


@dataclass(frozen=True)
class PkC02:
    """A bath at the round window that neither shrinks nor clears, for a while."""

    duration: Hours
    wide: Millimetres
    point: Millimetres

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Concentration at the apex over that of the bath, and a wide window's over a point's, in each ear."""
        wide, point = (self.apex(bench, float(extent.flat[0])) for extent in (self.wide, self.point))
        return {"pk:C02": wide, "pk:C02.extent": wide / point}

    def apex(self, bench: Bench, extent: float) -> Array:
        """Concentration at the apex under a window of this length, shape (ears,)."""
        ears = bench.ears
        anatomy = replace(
            bench.anatomy,
            middle_ear_half_time=np.full(ears, np.inf),
            round_window_extent=np.full(ears, extent),
        )
        bath = Flow("middle_ear", 0.0, 0.0, np.full((1, ears), _BATH), np.full(ears, _BATH))
        knots = schedule([0.0], float(self.duration.flat[0]), first=2e-3, growth=1.2)
        run = solve(anatomy, bench.bind("solutes", "gentamicin"), [bath], knots, ["scala_tympani"])
        return np.asarray(run.concentration["scala_tympani"][0, :, -1, -1])
