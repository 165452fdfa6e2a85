"""Five audiograms, one for each grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# kHz, and dB HL at each.
_FREQUENCY = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 8.0])
_AUDIOGRAMS = np.array(
    [
        [10.0, 10.0, 15.0, 20.0, 20.0, 20.0],
        [10.0, 10.0, 15.0, 20.0, 25.0, 30.0],
        [10.0, 10.0, 20.0, 25.0, 40.0, 50.0],
        [10.0, 25.0, 30.0, 40.0, 60.0, 70.0],
        [20.0, 45.0, 50.0, 60.0, 70.0, 80.0],
    ]
)


@dataclass(frozen=True)
class EarA8:
    """The scale by itself."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Grade of each audiogram."""
        grades = bench.bind("scales", "siop_boston").grade(_AUDIOGRAMS, _FREQUENCY)
        return {"ear:A8": np.asarray(grades, dtype=float)}
