"""A drug into the middle ear or a vein, and a sample through the round window some time later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from otosome.transport import Dose, Flow, Sample, schedule, solve
from otosome.units import Array, Fraction, Micrograms, Microlitres

# h; the first, the middle (of logarithms) and the last time of sampling, each taken by a third of the people.
_DELAYS = (0.5, 1.2, 3.0)
# h; a sample of 20 uL is drawn by hand in about a minute.
_DRAWN = 1 / 60


@dataclass(frozen=True)
class PkC10:
    """Three ways of giving, one way of sampling."""

    tympanic: Micrograms
    instilled: Microlitres
    vein_low: Array
    vein_high: Array
    sampled: Microlitres
    place: Fraction

    def replicate(self, bench: Any) -> dict[str, Array]:
        """Concentration of each person's sample, ug/uL."""
        mass, nothing = bench.anatomy.body_mass, np.zeros(bench.ears)
        given = {
            "pk:C10": ("intratympanic", self.tympanic.ravel(), self.instilled.ravel()),
            "pk:C10.vein_low": ("intravenous", self.vein_low.ravel() * mass, nothing),
            "pk:C10.vein_high": ("intravenous", self.vein_high.ravel() * mass, nothing),
        }
        return {row: self.sample(bench, *dose) for row, dose in given.items()}

    def sample(self, bench: Any, route: str, micrograms: Array, volume: Array) -> Array:
        """Concentration in the sample of each ear, ug/uL, shape (ears,)."""
        molar = bench.numbers("solutes", "methylprednisolone")["molar_mass"]
        dose = Dose(0.0, 0.0, (micrograms / molar)[None], volume)
        flows = bench.bind("routes", route).deliver(dose, bench.anatomy)
        found = np.stack([self.drawn(bench, flows, delay) for delay in _DELAYS])
        ears = np.arange(bench.ears)
        return np.asarray(found[ears % len(_DELAYS), ears] * molar)

    def drawn(self, bench: Any, flows: list[Flow], delay: float) -> Array:
        """Concentration in a sample of every ear so long after the dose, uM, shape (ears,)."""
        sample = Sample(
            "scala_tympani", delay, delay + _DRAWN, self.sampled.ravel(), float(self.place.flat[0])
        )
        window = (sample.start, sample.stop)
        knots = schedule([0.0, *window], delay + 2 * _DRAWN, [window], first=2e-3, growth=1.2)
        solute = bench.bind("solutes", "methylprednisolone")
        run = solve(bench.anatomy, solute, flows, knots, keep=(), samples=[sample])
        return np.asarray(run.samples[0, :, 0])
