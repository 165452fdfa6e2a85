"""Aminoglycosides: hair cells hoard gentamicin; above a steep threshold it kills them, base first."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

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
)


@dataclass(frozen=True)
class Aminoglycoside:
    """Damage by gentamicin that cells hoarded, base first.

    Cells take gentamicin up and keep it for days to weeks, so daily doses add up; a steep sigmoid of what
    they hold drives stress and direct hazards. The half-effect amount rises exponentially from base to apex.

    ``uptake``       hoarded gentamicin gained per h and per gentamicin around the cell
    ``media_share``  weight of endolymph around the cell, the rest is of the organ of Corti
    ``ec50``, ``gradient``  hoarded gentamicin at half effect at the base; its rise to the apex as a logarithm
    """

    uptake: PerHour
    media_share: Fraction
    half_life: Hours
    ec50: Micromolar
    gradient: Plain
    hill: Plain
    irritation: PerHour
    ohc: PerHour
    ihc: PerHour
    synapse: PerHour
    sgn: PerHour
    needs: tuple[str, ...] = ("gentamicin.scala_media", "gentamicin.organ_of_corti")

    EQUATIONS: ClassVar[tuple[Equation, ...]] = (
        Equation(
            "around", "media_share * media + (1 - media_share) * corti", "uM", "gentamicin around the cells"
        ),
        Equation("dg/dt", "uptake * around - log(2) / half_life * g", "uM/h", "gentamicin in the cells"),
        Equation(
            "half", "ec50 * exp(gradient * x)", "uM", "of half effect; x is 0 at the base and 1 at the apex"
        ),
        Equation("effect", "g ** hill / (half ** hill + g ** hill)", "", "of what the cells hold"),
        Equation("production", "irritation * effect", "1/h", "of stress"),
        *(
            Equation(f"hazard_{kind}", f"{kind} * effect", "1/h", "direct injury")
            for kind in ("ohc", "ihc", "synapse", "sgn")
        ),
    )

    def hoarded(self, exposure: Exposure) -> Micromolar:
        """Gentamicin in the cells, uM, shape (subject, time, place), not negative."""
        media = np.maximum(exposure.concentration["gentamicin.scala_media"], 0.0)
        corti = np.maximum(exposure.concentration["gentamicin.organ_of_corti"], 0.0)
        around = self.media_share * media + (1.0 - self.media_share) * corti
        return relax(exposure.knots, self.uptake * around, log(2.0) / self.half_life)

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Direct injury rate of each kind, 1/h, shape (subject, time, place)."""
        effect = self._effect(ear, exposure)
        return {kind: getattr(self, kind) * effect for kind in ("ohc", "ihc", "synapse", "sgn")}

    def stress(self, ear: Ear, exposure: Exposure) -> PerHour:
        """Production of stress, 1/h, shape (subject, time, place)."""
        return self.irritation * self._effect(ear, exposure)

    def _effect(self, ear: Ear, exposure: Exposure) -> Fraction:
        half: Array = self.ec50 * np.exp(self.gradient * ear.place[None, None, :])
        return exposure.once(self, ear, lambda: emax(self.hoarded(exposure), half, self.hill))
