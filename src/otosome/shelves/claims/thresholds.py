"""How probable it is that a group given vesicles reads better thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class Thresholds:
    """Probability that n animals with vesicles read lower on average than n without: prior predictive, uncalibrated.

    ``study``    whose compared arms are looked at;  ``animals``  in each group
    """

    study: Mapping[str, object]
    animals: int

    def figure(self, laboratory: Laboratory) -> Figure:
        """The probability in a typical world, with 5 and 95 % of worlds."""
        study = laboratory.study(self.study)
        effect, spread = laboratory.effect(study)
        certain: Array = ndtr(effect / (spread * np.sqrt(2.0 / self.animals)))
        words = (
            f"that {self.animals} animals with vesicles read lower than {self.animals} without; uncalibrated"
        )
        mean = Figure.over(effect, "dB", "benefit in a world")
        return Figure.over(_PERCENT * certain, "%", words, (mean,))
