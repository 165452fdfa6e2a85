"""The Connected Speech Test's transfer function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from otosome.units import Array

_INDEX = np.array([0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.60])


@dataclass(frozen=True)
class EarE1:
    """The material by itself."""

    def replicate(self, bench: Any) -> dict[str, Array]:
        """Share of key words at each index."""
        return {"ear:E1": bench.bind("materials", "cst").share(_INDEX)}
