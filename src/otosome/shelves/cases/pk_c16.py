"""A long infusion, and the hours after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Flow, schedule, solve
from otosome.units import Array, Hours

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

MicrogramsPerHour = Array
# h after the end between which the half-time is taken.
_BETWEEN = (1.0, 7.0)


@dataclass(frozen=True)
class PkC16:
    """A steady infusion into plasma that ends."""

    rate: MicrogramsPerHour
    duration: Hours

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Plasma, perilymph (mean of the scala tympani) and endolymph (mean of the scala media) of each rat."""
        stop, ears = float(self.duration.flat[0]), bench.ears
        molar = bench.numbers("solutes", "gentamicin")["molar_mass"]
        amount = self.rate.ravel() * stop / molar
        infusion = Flow("plasma", 0.0, stop, amount[None], np.zeros(ears))
        times = [stop, *(stop + hours for hours in _BETWEEN)]
        knots = schedule([0.0, *times], times[-1] + 0.1, first=2e-3, growth=1.2)
        keep = ["plasma", "scala_tympani", "scala_media"]
        run = solve(bench.anatomy, bench.bind("solutes", "gentamicin"), [infusion], knots, keep)
        at = np.searchsorted(knots, times)
        volume = run.volume["scala_tympani"][:, None]
        # pmol/uL times ug/pmol is ug/uL.
        plasma = run.concentration["plasma"][0][:, at] * molar[:, None]
        fluid, media = (
            (run.concentration[name][0][:, at] * volume).sum(axis=2) / volume.sum(axis=2) * molar[:, None]
            for name in ("scala_tympani", "scala_media")
        )
        fall = np.log2(fluid[:, 1] / fluid[:, 2])
        return {
            "pk:C16": plasma[:, 0],
            "pk:C16.perilymph": fluid[:, 0],
            "pk:C16.endolymph": media[:, 0],
            "pk:C16.half_time": (_BETWEEN[1] - _BETWEEN[0]) / fall,
        }
