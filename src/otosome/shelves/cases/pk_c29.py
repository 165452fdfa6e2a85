"""A contrast agent from blood into the lateral wall, with the barrier as it is and as it leaks in inflammation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Flow, schedule, solve
from otosome.units import Array, Fraction, Hours

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench


@dataclass(frozen=True)
class PkC29:
    """An injection into a vein, followed for a few minutes in control and in inflammation."""

    leak: Fraction
    followed: Hours

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Transfer constant in inflammation over that of controls, in each ear."""
        inflamed, control = self.transfer(bench, float(self.leak.flat[0])), self.transfer(bench, 1.0)
        return {"pk:C29": inflamed / control}

    def transfer(self, bench: Bench, leak: float) -> Array:
        """What the lateral wall takes up per volume, over the area under the plasma curve, 1/h, shape (ears,)."""
        until = float(self.followed.flat[0])
        dose = Flow("plasma", 0.0, 0.0, np.ones((1, bench.ears)), np.zeros(bench.ears))
        knots = schedule([0.0], until, first=2e-3, growth=1.2)
        fluids = ["plasma", "lateral_wall"]
        factors = np.full(knots.size, leak)
        solute = bench.bind("solutes", "gadolinium")
        run = solve(bench.anatomy, solute, [dose], knots, fluids, leak=factors)
        wall, room = run.concentration["lateral_wall"][0, :, -1], run.volume["lateral_wall"]
        area = np.trapezoid(run.concentration["plasma"][0], knots, axis=1)
        return np.asarray((wall * room).sum(axis=1) / room.sum(axis=1) / area)
