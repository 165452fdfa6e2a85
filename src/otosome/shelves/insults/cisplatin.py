"""Cisplatin: from the lateral wall and the organ of Corti to reactive platinum, stress and direct damage."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Annotated, ClassVar

import numpy as np

from otosome.model.equations import Equation
from otosome.model.injury import emax, relax
from otosome.roles import Ear, Exposure
from otosome.units import (
    Array,
    Fraction,
    Hours,
    Micromolar,
    PerHour,
    Plain,
    Unit,
)

THIOSULFATE = "thiosulfate.organ_of_corti"
PerHourAndMicromolar = Annotated[Array, Unit("1/h/uM")]
# Years at which the norms of hearing begin, and a child is grown.
GROWN = 18.0


@dataclass(frozen=True)
class Cisplatin:
    """Damage by platinum that cells took up, base first.

    Cells take cisplatin up; what is reactive drives stress and direct hazards through a sigmoid and within
    hours to days ends bound, which stays for months and by itself does no more. The half-effect concentration
    rises exponentially from base to apex. What is bound has used up the tissue's reserve: the rise shrinks by
    reserve / (reserve + bound), so the apex follows with cumulative dose.

    ``uptake``       reactive platinum gained per h and per cisplatin around the cell
    ``wall_share``   share of that from the lateral wall, the rest from the organ of Corti
    ``ec50``, ``gradient``  reactive platinum at half effect at the base; its rise to the apex as a logarithm
    ``reserve``      bound platinum that halves that rise
    ``neutralising`` rate at which thiosulfate takes reactive platinum away, for each uM in the organ of Corti
    ``childhood``    logarithm by which a newborn's half-effect lies below a grown person's; none at 18 years
    """

    uptake: PerHour
    wall_share: Fraction
    reactive_half_life: Hours
    bound_half_life: Hours
    ec50: Micromolar
    gradient: Plain
    reserve: Micromolar
    childhood: Plain
    neutralising: PerHourAndMicromolar
    hill: Plain
    irritation: PerHour
    ohc: PerHour
    ihc: PerHour
    synapse: PerHour
    sgn: PerHour
    needs: tuple[str, ...] = ("cisplatin.lateral_wall", "cisplatin.organ_of_corti")
    meets: tuple[str, ...] = (THIOSULFATE,)

    EQUATIONS: ClassVar[tuple[Equation, ...]] = (
        Equation(
            "around", "wall_share * wall + (1 - wall_share) * corti", "uM", "cisplatin around the cells"
        ),
        Equation("binding", "log(2) / reactive_half_life", "1/h", "rate at which reactive platinum is bound"),
        Equation(
            "dr/dt",
            "uptake * around - (binding + neutralising * thiosulfate) * r",
            "uM/h",
            "reactive platinum in the tissue",
        ),
        Equation("dp/dt", "binding * r - log(2) / bound_half_life * p", "uM/h", "bound platinum"),
        Equation(
            "half",
            "ec50 * exp(gradient * reserve / (reserve + p) * x - childhood * youth)",
            "uM",
            "reactive platinum at half effect; x is 0 at the base and 1 at the apex, youth 1 at birth and 0 when grown",
        ),
        Equation("effect", "r ** hill / (half ** hill + r ** hill)", "", "of reactive platinum"),
        Equation("production", "irritation * effect", "1/h", "of stress"),
        *(
            Equation(f"hazard_{kind}", f"{kind} * effect", "1/h", "direct injury")
            for kind in ("ohc", "ihc", "synapse", "sgn")
        ),
    )

    def reactive(self, exposure: Exposure) -> Micromolar:
        """Reactive platinum in the tissue, uM, shape (subject, time, place), not negative."""
        wall = np.maximum(exposure.concentration["cisplatin.lateral_wall"], 0.0)
        corti = np.maximum(exposure.concentration["cisplatin.organ_of_corti"], 0.0)
        around = self.wall_share * wall + (1.0 - self.wall_share) * corti
        return relax(exposure.knots, self.uptake * around, self._binding() + self._bound_away(exposure))

    def _binding(self) -> PerHour:
        return log(2.0) / self.reactive_half_life

    def _bound_away(self, exposure: Exposure) -> PerHour:
        """Rate at which thiosulfate takes reactive platinum away, 1/h; none where it is not given."""
        if THIOSULFATE not in exposure.concentration:
            return np.zeros((1, 1, 1))
        return self.neutralising * np.maximum(exposure.concentration[THIOSULFATE], 0.0)

    def bound(self, exposure: Exposure) -> Micromolar:
        """Bound, inert platinum in the tissue, uM, same shape: what a chemist measures later."""
        return self._bound(exposure, self.reactive(exposure))

    def _bound(self, exposure: Exposure, reactive: Micromolar) -> Micromolar:
        source = self._binding() * reactive
        return relax(exposure.knots, source, log(2.0) / self.bound_half_life)

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Direct injury rate of each kind, 1/h, shape (subject, time, place)."""
        effect = self._effect(ear, exposure)
        return {kind: getattr(self, kind) * effect for kind in ("ohc", "ihc", "synapse", "sgn")}

    def stress(self, ear: Ear, exposure: Exposure) -> PerHour:
        """Production of stress, 1/h, shape (subject, time, place)."""
        return self.irritation * self._effect(ear, exposure)

    def _effect(self, ear: Ear, exposure: Exposure) -> Fraction:
        return exposure.once(self, ear, lambda: self._response(ear, exposure))

    def _response(self, ear: Ear, exposure: Exposure) -> Fraction:
        reactive = self.reactive(exposure)
        left = self.reserve / (self.reserve + self._bound(exposure, reactive))
        rise = self.gradient * left * ear.place[None, None, :] - self.childhood * youth(ear)
        half: Array = self.ec50 * np.exp(rise)
        return emax(reactive, half, self.hill)


def youth(ear: Ear) -> Fraction:
    """1 for a newborn, straight to 0 at 18 years, and 0 where no age is known; shape (subject, 1, 1)."""
    if ear.years is None:
        return np.zeros((1, 1, 1))
    return np.reshape(np.clip(1.0 - ear.years / GROWN, 0.0, 1.0), (-1, 1, 1))
