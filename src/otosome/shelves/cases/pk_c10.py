"""A drug into the middle ear or a vein of people, and a sample through the opened round window some time later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Dose, schedule, solve
from otosome.units import (
    Array,
    Hours,
    Micrograms,
    Microlitres,
    MicrolitresPerHour,
)

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# h; the middle (of logarithms), the first and the last time of sampling, each taken by a third of the people.
_DELAYS = (1.2, 0.5, 3.0)
# People of each group; no person is in two.
_GROUPS = {"pk:C10": 18, "pk:C10.vein_low": 8, "pk:C10.vein_high": 7}


@dataclass(frozen=True)
class PkC10:
    """Three ways of giving, one way of sampling.

    The sample empties the base of the tube and air follows: cerebrospinal fluid comes in so slowly in people that a
    minute brings next to none of it.
    """

    tympanic: Micrograms
    instilled: Microlitres
    vein_low: Array
    vein_high: Array
    sampled: Microlitres
    inflow: MicrolitresPerHour
    opened: Hours

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Concentration of each person's sample, ug/uL, and the ratio of the groups' medians."""
        mass, nothing = bench.anatomy.body_mass, np.zeros(bench.ears)
        doses = {
            "pk:C10": ("intratympanic", self.tympanic.ravel(), self.instilled.ravel()),
            "pk:C10.vein_low": ("intravenous", self.vein_low.ravel() * mass, nothing),
            "pk:C10.vein_high": ("intravenous", self.vein_high.ravel() * mass, nothing),
        }
        shape = (-1, bench.subjects)
        samples = {row: self.sample(bench, *dose).reshape(shape) for row, dose in doses.items()}
        # Those through the eardrum are the first of a world, those by a vein the last.
        samples |= {row: samples[row][:, ::-1] for row in ("pk:C10.vein_low", "pk:C10.vein_high")}
        middle = {row: np.median(samples[row][:, :n], axis=1, keepdims=True) for row, n in _GROUPS.items()}
        for name in ("low", "high"):
            ratio = middle["pk:C10"] / middle[f"pk:C10.vein_{name}"]
            samples[f"pk:C10.ratio_{name}"] = np.broadcast_to(ratio, samples["pk:C10"].shape)
        return {row: values.ravel() for row, values in samples.items()}

    def sample(self, bench: Bench, route: str, micrograms: Array, volume: Array) -> Array:
        """Concentration in the sample of each ear, ug/uL, shape (ears,)."""
        molar = bench.numbers("solutes", "methylprednisolone")["molar_mass"]
        dose = Dose(0.0, 0.0, (micrograms / molar)[None], volume)
        flows = bench.bind("routes", route).deliver(dose, bench.anatomy)
        knots = schedule([0.0, *_DELAYS], max(_DELAYS) + 0.1, first=2e-3, growth=1.2)
        solute = bench.bind("solutes", "methylprednisolone")
        scalae = ("scala_tympani", "scala_vestibuli")
        run = solve(bench.anatomy, solute, flows, knots, [*scalae, "cerebrospinal_fluid"])
        ears = np.arange(bench.ears)
        at = np.searchsorted(knots, _DELAYS)[ears % len(_DELAYS)]
        room, amount = (
            np.concatenate([tympani, vestibuli[:, ::-1]], axis=1)
            for tympani, vestibuli in (
                [run.volume[s] for s in scalae],
                [run.volume[s] * run.concentration[s][0, ears, at] for s in scalae],
            )
        )
        wanted = np.broadcast_to(self.sampled.ravel(), ears.shape)
        entered = np.minimum(wanted, (self.inflow * self.opened).ravel())
        drawn = [_first(w, v, a) for w, v, a in zip(wanted - entered, room, amount, strict=True)]
        entered = entered * run.concentration["cerebrospinal_fluid"][0, ears, at]
        return np.asarray((np.array(drawn) + entered) / wanted * molar)


def _first(wanted: float, volume: Array, amount: Array) -> float:
    """Amount in so much of a row of cells, from its beginning."""
    ends = np.concatenate([[0.0], np.cumsum(volume)])
    return float(np.interp(wanted, ends, np.concatenate([[0.0], np.cumsum(amount)])))
