"""Dose finding: contrasts of candidate curves tested together, and the dose with the effect wanted under each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from otosome.answers.numbers import share
from otosome.errors import BadInput
from otosome.trials.kinds import NO_LOSS, DesignBase, Difference, Loss, Spread, not_zero, same_unit
from otosome.trials.plan import Chart, Estimand, Part, Plan, Series, chance, counted, line
from otosome.trials.power import least_whole
from otosome.trials.shapes import Joint, Name, Shape, contrasts, dose_for
from otosome.units import Array

Bend = Annotated[float, Field(gt=0.0, lt=1e12)]


@dataclass(frozen=True, kw_only=True)
class McpMod(DesignBase):
    """Groups at several doses, the first without any, of equal size.

    ``doses``   in any unit, from 0;  ``shapes``  candidates by name, each with what bends it, in units of dose
    ``most``    largest true effect within the doses;  ``spread``  between people
    ``target``  effect whose dose is sought
    ``alpha``   one-sided
    """

    doses: Annotated[tuple[Annotated[float, Field(ge=0.0, lt=1e15)], ...], Field(min_length=3, max_length=20)]
    shapes: Annotated[Mapping[Name, Bend], Field(min_length=1, max_length=6)]
    most: Difference
    spread: Spread
    target: Difference
    attrition: Loss = NO_LOSS
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.025

    def check(self) -> None:
        """Refuse doses that do not rise from 0, more shapes than they tell apart, a target that none reaches."""
        super().check()
        if self.doses[0] != 0 or any(a >= b for a, b in zip(self.doses, self.doses[1:], strict=False)):
            raise BadInput("must rise from 0", key="doses", given=self.doses)
        not_zero("most", self.most)
        same_unit(self.most.unit, {"spread": self.spread, "target": self.target})
        if not 0 < self.target / self.most <= 1:
            raise BadInput(
                "is reached at no dose of the design",
                key="target",
                given=self.target.text,
                allowed=f"up to {self.most.text}",
            )
        for shape in self.candidates:
            rise = shape.response(self._doses) - shape.response(self._doses[:1])
            if not np.isfinite(rise).all() or rise.max() <= 0:
                raise BadInput("does not rise within the doses", key=f"shapes.{shape.name}", given=shape.bend)

    @property
    def candidates(self) -> tuple[Shape, ...]:
        """The candidate curves."""
        return tuple(Shape(name, bend) for name, bend in self.shapes.items())

    @property
    def _doses(self) -> Array:
        return np.array(self.doses)

    def mean(self, shape: Shape) -> Array:
        """True means at the doses under a curve, without dose 0, shape (dose,)."""
        rise = shape.response(self._doses) - shape.response(self._doses[:1])
        return np.asarray(abs(self.most) * rise / rise.max())

    def joint(self, n: float) -> Joint:
        """The test of all candidates with ``n`` people at each dose."""
        each = np.full(len(self.doses), float(n))
        return Joint(contrasts(self.candidates, self._doses, each), each, self.alpha)

    def reached(self, n: float) -> dict[str, float]:
        """Power under each candidate with ``n`` people at each dose."""
        joint = self.joint(n)
        edge = joint.critical()
        return {s.name: joint.power(self.mean(s), float(self.spread), edge) for s in self.candidates}

    def plan(self) -> Plan:
        """How many people a dose, the contrasts, and the dose with the effect wanted under each curve."""
        n = least_whole(lambda size: min(self.reached(round(size)).values()), self.power, 2, 20_000)
        entered = math.ceil(n / (1 - self.attrition) - 1e-9)
        joint, powers = self.joint(n), self.reached(n)
        ends = self.doses[0], self.doses[-1]
        sought = {
            s.name: dose_for(s, abs(self.target), float(self.mean(s).max()), ends) for s in self.candidates
        }
        rows = (
            counted("people a dose, read", n),
            counted("people a dose, entered", entered),
            line("critical value of the largest t", joint.critical(), digits=4),
            *(chance(f"power if {name.replace('_', ' ')}", power) for name, power in powers.items()),
        )
        weights = tuple(
            line(f"{s.name.replace('_', ' ')} at {dose:g}", weight, digits=3)
            for s, row in zip(self.candidates, joint.rows, strict=True)
            for dose, weight in zip(self.doses, row, strict=True)
        )
        doses = tuple(line(f"{name.replace('_', ' ')}", dose) for name, dose in sought.items())
        grid = np.linspace(*ends, 101)
        curves = tuple(
            Series(s.name.replace("_", " "), tuple(map(float, grid)), tuple(map(float, self._along(s, grid))))
            for s in self.candidates
        )
        return Plan(
            f"{entered} people at each of {len(self.doses)} doses, {entered * len(self.doses)} in all, find a curve "
            f"with a power of at least {share(min(powers.values())).text}, whichever candidate is true.",
            {"each dose": entered},
            (
                Part("How many people", rows),
                Part("Contrasts", weights),
                Part(f"Dose with an effect of {self.target.text}", doses),
            ),
            (
                Chart(
                    "Candidate curves",
                    "dose",
                    f"effect, {self.most.unit or 'fraction'}",
                    curves,
                    abs(float(self.target)),
                ),
            ),
            Estimand(
                population="people as the protocol enrols them",
                treatments=f"doses {', '.join(f'{dose:g}' for dose in self.doses)}",
                variable="the reading at the end",
                intercurrent="whoever stops treatment is read all the same (treatment policy)",
                summary=f"the dose with an effect of {self.target.text} over none",
            ),
            f"A curve is shown if the largest contrast exceeds {joint.critical():.3f} (one-sided {self.alpha:g}, joint "
            f"over {', '.join(name.replace('_', ' ') for name in self.shapes)}). Curves that are shown are fitted by "
            f"least squares and weighted by their AIC; the dose sought has an effect of {self.target.text}.",
        )

    def _along(self, shape: Shape, grid: Array) -> Array:
        rise = shape.response(self._doses) - shape.response(self._doses[:1])
        return np.asarray(abs(self.most) * (shape.response(grid) - shape.response(grid[:1])) / rise.max())
