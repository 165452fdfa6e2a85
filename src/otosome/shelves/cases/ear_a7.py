"""The place of one frequency by every map it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

_KILOHERTZ = np.array([16.0])


@dataclass(frozen=True)
class EarA7:
    """Maps in the order the entry names them."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Place of 16 kHz by each map, share of the length from the base."""
        maps = [bench.bind(*name.split(".")) for name in bench.rests]
        return {"ear:A7": np.array([float(np.ravel(tonotopy.place(_KILOHERTZ))[0]) for tonotopy in maps])}
