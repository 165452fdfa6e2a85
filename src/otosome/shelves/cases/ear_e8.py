"""Six people with an implant in each ear."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from otosome.model.counts import binomial
from otosome.units import Array, Fraction, Plain

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

_LIST = 50


@dataclass(frozen=True)
class EarE8:
    """Two ears of each person: neurons that differ, and scores on a list of 50 words each.

    ``survival``, ``side``, ``other_ear``, ``other_path``, ``chance``, ``other_chance``  standard normal deviates
    ``apart``  spread of the logarithm of the ratio of the two ears' neurons
    """

    survival: Plain
    survivors: Fraction
    survivors_spread: Plain
    side: Plain
    apart: Plain
    other_ear: Plain
    other_path: Plain
    chance: Plain
    other_chance: Plain

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Correlation of the differences over the people of each group, the same for each of its people."""
        first = bench.bind("devices", "cochlear_implant")
        second = replace(first, ear=self.other_ear, path=self.other_path)
        came = (self.survivors * np.exp(self.survivors_spread * self.survival))[:, :, 0]
        half = np.exp(0.5 * self.apart * self.side)[:, :, 0]
        ears = ((first, came * half, self.chance), (second, came / half, self.other_chance))
        neurons = np.minimum(came * half, 1.0) - np.minimum(came / half, 1.0)
        heard = [
            binomial(ndtr(luck.ravel()), _LIST, device.understood(came, np.minimum(now, 1.0))[:, 0]) / _LIST
            for device, now, luck in ears
        ]
        groups = [v.reshape(-1, bench.subjects) for v in (neurons.ravel(), heard[0] - heard[1])]
        correlations = [np.corrcoef(n, words)[0, 1] for n, words in zip(*groups, strict=True)]
        return {"ear:E8": np.repeat(correlations, bench.subjects)}
