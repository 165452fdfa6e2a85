"""What an electrode does to hearing: where it lies, past its tip, and in ears that react to it as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from otosome.model.equations import Equation
from otosome.model.injury import fading, past, touched
from otosome.roles import Ear, Exposure, Kind
from otosome.units import (
    Fraction,
    Hours,
    Millimetres,
    PerHour,
    Plain,
)


@dataclass(frozen=True)
class Implantation:
    """Damage along the electrode, inflammation that fades past its tip, and in some ears a reaction that takes all.

    The first two are those of any instrument, but that the inflammation falls e-fold over ``spread`` past the tip. In
    a ``share`` of ears, those lowest in ``reacting``, hair cells and synapses are lost along the whole duct at the
    rate 1 / ``reaction`` from the operation on: what little hearing there is goes within months.
    """

    cells: tuple[Kind, ...]
    damage: PerHour
    duration: Hours
    irritation: PerHour
    inflammation: Hours
    reach: Millimetres
    edge: Millimetres
    spread: Millimetres
    reacting: Plain
    share: Fraction
    reaction: Hours
    needs: tuple[str, ...] = ()

    EQUATIONS: ClassVar[tuple[Equation, ...]] = (
        Equation("beyond", "x * length - reach", "mm", "past the tip; x is 0 at the base and 1 at the apex"),
        Equation("there", "(1 - tanh(beyond / edge)) / 2", "", "1 where the electrode lies"),
        Equation("hazard", "damage * there * exp(-since / duration)", "1/h", "of each kind it injures"),
        Equation(
            "production",
            "irritation * max(there, exp(-max(beyond, 0) / spread)) * exp(-since / inflammation)",
            "1/h",
            "of stress; since is what has passed after the operation, h",
        ),
        Equation("loss", "1 / reaction", "1/h", "loss after it, in the share of ears that react to it"),
    )

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Direct death rate of each kind it reaches, 1/h, shape (subject, time, place)."""
        there = touched(past(ear, exposure, self.reach), self.edge)
        return dict.fromkeys(self.cells, self.damage * there * fading(exposure, self.duration))

    def stress(self, ear: Ear, exposure: Exposure) -> PerHour:
        """Production of stress, 1/h, shape (subject, time, place)."""
        beyond = past(ear, exposure, self.reach)
        inflamed = np.maximum(touched(beyond, self.edge), np.exp(-np.maximum(beyond, 0.0) / self.spread))
        return self.irritation * inflamed * fading(exposure, self.inflammation)

    def losses(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Rate at which cells go in ears that react, 1/h, by kind, shape (subject, time, place)."""
        begun = fading(exposure, self.reaction) > 0.0
        rate = np.where(begun & (ndtr(self.reacting) < self.share), 1.0 / self.reaction, 0.0)
        return dict.fromkeys(self.cells, rate)
