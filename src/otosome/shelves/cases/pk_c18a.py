"""Cerebrospinal fluid that follows a measured course, and the scala tympani behind the aqueduct."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import Flow, schedule, solve
from otosome.units import (
    Array,
    Hours,
    Millimetres,
    quantity,
)

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# uL; so much cerebrospinal fluid that it keeps its concentration.
_SEA = 1e9
# Steps of the course.
_STEPS = 100


@dataclass(frozen=True)
class PkC18a:
    """What a course does is the sum of what its steps do, since nothing saturates.

    ``course``  ``share`` of the highest concentration at each ``minute``
    """

    after: Hours
    near: Millimetres
    far: Millimetres
    course: Mapping[str, Array]

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Concentration at each place over the highest of the course, shape (ears,)."""
        after = float(self.after.flat[0])
        knots, scala, where = self.step(bench, after)
        times = np.linspace(0.0, after, _STEPS + 1)
        levels = np.interp(times, self.course["minute"] * quantity("1 min"), self.course["share"])
        since = after - 0.5 * (times[1:] + times[:-1])
        places = {"pk:C18a": float(self.near.flat[0]), "pk:C18a.far": float(self.far.flat[0])}
        return {
            row: np.array(
                [
                    np.diff(levels) @ np.interp(since, knots, history_at(at, x, history))
                    for x, history in zip(where, scala, strict=True)
                ]
            )
            for row, at in places.items()
        }

    def step(self, bench: Bench, until: float) -> tuple[Hours, Array, Millimetres]:
        """Knots, the scala tympani (ears, time, place) after a step of one in that fluid, and where each place is."""
        ears = bench.ears
        still = replace(bench.anatomy, csf_volume=np.full(ears, _SEA), csf_turnover=np.zeros(ears))
        filled = Flow("cerebrospinal_fluid", 0.0, 0.0, np.full((1, ears), _SEA), np.zeros(ears))
        knots = schedule([0.0], until, first=2e-3, growth=1.2)
        run = solve(still, bench.bind("solutes", "iohexol"), [filled], knots, ["scala_tympani"])
        where = still.grid.place[None] * still.scala_tympani_length[:, None]
        return knots, run.concentration["scala_tympani"][0], where


def history_at(at: float, where: Millimetres, history: Array) -> Array:
    """A history (time, place) at one distance from the base."""
    return np.array([np.interp(at, where, now) for now in history])
