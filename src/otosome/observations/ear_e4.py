"""Adults with one implant, after all learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

from otosome.units import Array, Fraction, Plain

_LIST = 50
# Shares of words: what three in four exceed, and the gain that is counted.
_EXCEEDED, _GAINED = 0.42, 0.15


@dataclass(frozen=True)
class EarE4:
    """Scores on a list of 50 words; ``chance`` and ``survival`` are standard normal deviates of each person."""

    survival: Plain
    survivors: Fraction
    survivors_spread: Plain
    before: Fraction
    chance: Plain

    def replicate(self, bench: Any) -> dict[str, Array]:
        """Scores, and whether each exceeds what is counted (0 or 1), of each person."""
        came = np.minimum(self.survivors * np.exp(self.survivors_spread * self.survival), 1.0)[:, :, 0]
        words = bench.bind("devices", "cochlear_implant").understood(came, came)[:, 0]
        heard = binom.ppf(ndtr(self.chance.ravel()), _LIST, words) / _LIST
        return {
            "ear:E4": (heard > _EXCEEDED).astype(float),
            "ear:E4.gain": (heard - self.before.ravel() >= _GAINED).astype(float),
            "ear:E4.mean": heard,
        }
