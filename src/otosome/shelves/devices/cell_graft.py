"""Living cells in the ear that secrete vesicles until they are gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from otosome.model.injury import Cells
from otosome.model.transport import Anatomy, Dose, Flow
from otosome.roles import Ear
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Fraction,
    Hours,
    Kilohertz,
    Place,
    Unit,
)

ParticlesPerCellHour = Annotated[Array, Unit("particles/cells/h")]


@dataclass(frozen=True)
class CellGraft:
    """Cells that stay where they were put, secrete vesicles at one rate each, and are cleared at a constant rate.

    N cells of which a share ``taken`` lives secrete N taken ``secretion`` exp(-k t) an hour, k = ln 2 / ``half_life``.
    That is just what leaves a depot of N taken secretion / k vesicles which empties at the rate k.

    ``place``  of the scala tympani where they lie, 0 base to 1 apex
    """

    taken: Fraction
    secretion: ParticlesPerCellHour
    half_life: Hours
    place: Place
    brings: str = ""

    def gain(self, level: DecibelsHL, frequency: Kilohertz) -> Decibels:
        """None: it amplifies nothing."""
        return np.zeros_like(level)

    def electric(self, ear: Ear, cells: Cells, since: Hours) -> None:
        """None: it has no electrode."""
        return

    def flows(self, dose: Dose, anatomy: Anatomy) -> Sequence[Flow]:
        """What its cells secrete from the start of a dose on.

        ``dose``  its amount: cells put in, shared out among the size classes of what they secrete, (classes, subject)
        """
        rate = np.log(2.0) / np.ravel(self.half_life)
        secreted = np.asarray(dose.amount) * np.ravel(self.taken) * np.ravel(self.secretion) / rate
        none = np.zeros(anatomy.subjects)
        release = np.broadcast_to(rate, none.shape)
        return [Flow("scala_tympani", dose.start, dose.start, secreted, none, at=self.place, release=release)]
