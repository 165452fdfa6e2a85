"""One dose into a vein, over minutes, hours or a day: plasma over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Dose, schedule, solve
from otosome.units import Array, Hours

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# h; lengths of infusion beside the rapid one, and a time by which plasma has emptied.
_HOUR, _MIDDLE, _DAY, _UNTIL = 1.0, 3.0, 24.0, 48.0


@dataclass(frozen=True)
class EarB1:
    """Plasma alone is looked at."""

    dose: Array
    rapid: Hours

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Ratios of peaks and areas; clearance and volume per body surface, uL/h/m2 and uL/m2."""
        rapid, middle, day = (self.plasma(bench, length) for length in (self.rapid.flat[0], _MIDDLE, _DAY))
        knots, hour = self.plasma(bench, _HOUR)
        dose = self.dose.ravel()
        clearance = dose / np.trapezoid(hour, knots)
        late = (knots > 2.0) & (knots < 4.0)
        slope = -np.polyfit(knots[late], np.log(hour[:, late]).T, 1)[0]
        areas = [np.trapezoid(curve, times) for times, curve in (rapid, day)]
        return {
            "ear:B1": rapid[1].max(axis=1) / day[1].max(axis=1),
            "ear:B1.middle": rapid[1].max(axis=1) / middle[1].max(axis=1),
            "ear:B1.area": areas[1] / areas[0],
            "ear:B2": clearance,
            "ear:B2.volume": clearance / slope,
        }

    def plasma(self, bench: Bench, length: Hours | float) -> tuple[Hours, Array]:
        """Knots, and cisplatin in plasma at each, ug/uL, shape (ears, time)."""
        species, drug = bench.numbers("species", "human"), bench.numbers("solutes", "cisplatin")
        surface = species["body_mass"] / species["mass_per_surface"]
        amount = self.dose.ravel() * surface / drug["molar_mass"]
        dose = Dose(0.0, float(length), amount[None], np.zeros(bench.ears))
        flows = bench.bind("routes", "intravenous").deliver(dose, bench.anatomy)
        knots = schedule([0.0, float(length)], _UNTIL, first=2e-3, longest=1.0)
        run = solve(bench.anatomy, bench.bind("solutes", "cisplatin"), flows, knots, ["plasma"])
        return knots, run.concentration["plasma"][0] * drug["molar_mass"][:, None]
