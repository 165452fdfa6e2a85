"""First scores of a list of fifty words, and what a second one may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.speech import critical_difference
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

_WORDS = 50
_RIGHT = np.array([25, 40, 45, 48])


@dataclass(frozen=True)
class EarA6:
    """The binomial by itself."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Lowest and highest second score of each first, share of the words."""
        low, high = critical_difference(_WORDS)
        return {"ear:A6": np.stack([low[_RIGHT], high[_RIGHT]], axis=1).ravel() / _WORDS}
