"""The place of one frequency by every map it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from otosome.units import Array

_KILOHERTZ = np.array([16.0])


@dataclass(frozen=True)
class EarA7:
    """Maps in the order the entry names them."""

    def replicate(self, bench: Any) -> dict[str, Array]:
        """Place of 16 kHz by each map, share of the length from the base."""
        maps = [bench.bind(*name.split(".")) for name in bench.rests]
        return {"ear:A7": np.array([float(np.ravel(one.place(_KILOHERTZ))[0]) for one in maps])}
