"""Into the middle ear through the eardrum: what does not fit is lost."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from otosome.model.transport import (
    Anatomy,
    Delivery,
    Dose,
    Flow,
)
from otosome.units import Array, Fraction, Microlitres


@dataclass(frozen=True)
class Intratympanic:
    """A share of what the middle ear holds stays; what spills is lost with all the rest.

    ``bioavailability``  0 to 1, of what the middle ear holds;  ``capacity``  of the middle ear, uL
    """

    into: str
    bioavailability: Fraction
    capacity: Microlitres

    def deliver(self, dose: Dose, anatomy: Anatomy) -> list[Flow]:
        """Flows whose amounts sum to the dose given; no more volume stays than the middle ear holds."""
        share = self.stays(dose.volume)
        staying = replace(dose, volume=np.ravel(dose.volume) * share)
        return Delivery(self.into, self.bioavailability * share[:, None, None]).deliver(staying, anatomy)

    def stays(self, volume: Microlitres) -> Fraction:
        """Share of a volume that fits, 0 to 1, shape (subject,)."""
        capacity, volumes = np.broadcast_arrays(np.ravel(self.capacity), np.ravel(volume))
        share: Array = np.minimum(1.0, capacity / np.maximum(volumes, capacity))
        return share
