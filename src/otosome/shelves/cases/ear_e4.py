"""Adults with one implant, after three months and after all learning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from otosome.model.counts import binomial
from otosome.units import (
    Array,
    Fraction,
    Hours,
    Plain,
)

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench
    from otosome.shelves.devices.cochlear_implant import CochlearImplant

_LIST = 50
# Shares of words: what three in four exceed, and the gain that is counted.
_EXCEEDED, _GAINED = 0.42, 0.15


@dataclass(frozen=True)
class EarE4:
    """Scores on a list of 50 words; ``chance`` and ``survival`` are standard normal deviates of each person.

    ``early``  from the first sound to a test of people who still learn
    """

    survival: Plain
    survivors: Fraction
    survivors_spread: Plain
    before: Fraction
    chance: Plain
    early: Hours

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Scores, how far they rose, and whether each exceeds what is counted (0 or 1), of each person."""
        device = bench.bind("devices", "cochlear_implant")
        words, before = self.words(device), self.before.ravel()
        heard = self.scored(words)
        # An electrode of a deviate beyond all others keeps to the scala tympani.
        inside = self.words(replace(device, path=np.full_like(device.path, np.inf)))
        early = self.words(device, self.early[:, :, 0])
        return {
            "ear:E4": (heard > _EXCEEDED).astype(float),
            "ear:E4.gain": (heard - before >= _GAINED).astype(float),
            "ear:E4.early": self.scored(early) - before,
            "ear:E4.mean": self.scored(inside),
        }

    def words(self, device: CochlearImplant, practice: Hours | float = np.inf) -> Fraction:
        """Share of words that each person understands, after all learning where nothing else is said, shape (ear,)."""
        came = np.minimum(self.survivors * np.exp(self.survivors_spread * self.survival), 1.0)[:, :, 0]
        share: Array = device.words(came, came, np.asarray(practice))[:, 0]
        return share

    def scored(self, words: Fraction) -> Fraction:
        """Score of each person, by one luck whatever the list, shape (ear,)."""
        return np.asarray(binomial(ndtr(self.chance.ravel()), _LIST, words) / _LIST)
