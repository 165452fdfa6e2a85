"""The same particles by two ways, where the scala tympani begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import (
    Dose,
    Solute,
    schedule,
    solve,
)
from otosome.units import Array, Microlitres, Millimetres

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# h; when the two are compared. One particle per ear: at so small a dose transport is linear.
_DAY, _ONE = 24.0, 1.0


@dataclass(frozen=True)
class EvP2:
    """A dose into the niche and into a vein."""

    diameter: Millimetres
    volume: Microlitres

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Mean concentration in the basal fifth of the scala tympani by one way over the other, in each ear."""
        window, vein = (self.arrived(bench, route) for route in ("round_window", "intravenous"))
        return {"ev:P2": window / vein}

    def arrived(self, bench: Bench, route: str) -> Array:
        """Mean concentration in the basal fifth after a day, shape (ears,)."""
        numbers = dict(bench.numbers("solutes", "vesicle"))
        fields = Solute.__dataclass_fields__.keys() - {"diffusion"}
        particle = Solute.sized(
            self.diameter,
            numbers["temperature"],
            numbers["viscosity"],
            **{name: value for name, value in numbers.items() if name in fields},
        )
        dose = Dose(0.0, 0.0, np.full((1, bench.ears), _ONE), self.volume.ravel())
        flows = bench.bind("routes", route).deliver(dose, bench.anatomy)
        knots = schedule([0.0], _DAY, first=2e-3, growth=1.2)
        run = solve(bench.anatomy, particle, flows, knots, ["scala_tympani"])
        base = run.grid.place < 0.2
        room = run.volume["scala_tympani"][:, base]
        return np.asarray((run.concentration["scala_tympani"][0, :, -1, base].T * room).sum(1) / room.sum(1))
