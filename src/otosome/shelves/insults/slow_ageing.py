"""Slow ageing: what the years take from every kind of cell, from the study's start of it on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from otosome.model.equations import Equation
from otosome.model.injury import elapsed
from otosome.roles import Ear, Exposure
from otosome.units import Array, PerHour


@dataclass(frozen=True)
class SlowAgeing:
    """A constant, tiny rate of loss of each kind, the same at every place; it never ends and makes no stress.

    What is lost was not injured first, so no healing brings it back. An ear that a population has aged already
    must not get the same years as well.

    ``ohc`` ... ``sgn``  rate of loss of a kind, 1/h
    """

    ohc: PerHour
    ihc: PerHour
    synapse: PerHour
    sgn: PerHour
    needs: tuple[str, ...] = ()

    EQUATIONS: ClassVar[tuple[Equation, ...]] = tuple(
        Equation(f"loss_{kind}", f"begun * {kind}", "1/h", "loss; begun is 1 from the start on and 0 before")
        for kind in ("ohc", "ihc", "synapse", "sgn")
    )

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Direct injury: none."""
        return {}

    def losses(self, ear: Ear, exposure: Exposure) -> dict[str, PerHour]:
        """Rate of loss of each kind, 1/h, shape (subject, time, place)."""
        acting = _begun(exposure) * np.ones((1, 1, ear.place.size))
        return {kind: getattr(self, kind) * acting for kind in ("ohc", "ihc", "synapse", "sgn")}

    def stress(self, ear: Ear, exposure: Exposure) -> PerHour:
        """Production of stress: none, shape (1, time, 1)."""
        return np.zeros((1, exposure.knots.size, 1))


def _begun(exposure: Exposure) -> Array:
    """1 from the first start on, else 0; shape (1, time, 1)."""
    begun = [np.isfinite(elapsed(exposure.knots, start)) for start in exposure.use.start]
    return np.any([np.zeros(exposure.knots.size, bool), *begun], axis=0).astype(float)[None, :, None]
