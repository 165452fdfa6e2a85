"""Which mechanisms a study of knock-outs could tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class Mechanisms:
    """The share of pairs of knock-outs whose thresholds differ by more than a study of n animals would miss.

    ``study``    whose compared arm is given with one mechanism of the shelf knocked out at a time
    ``animals``  in each group;  ``power``, ``error`` (two-sided)  of each comparison
    """

    study: str
    animals: int
    power: float
    error: float

    def figure(self, laboratory: Laboratory) -> Figure:
        """Share of pairs told apart, over worlds, with each knock-out's cost as a part."""
        study = laboratory.study(self.study, mechanisms=None)
        against, whole = laboratory.compared(study)
        out = [laboratory.compared(study, without=[name])[1] for name in study.mechanisms]
        all_, *others = laboratory.gains(study, [against, whole, *out], world=2)
        means = [gain.reshape(-1, 2).mean(axis=1) for gain in others]
        _, spread = laboratory.effect(study)
        apart = self.apart(np.array(means), spread)
        parts = tuple(
            Figure.over(all_ - gain, "dB", f"lost without {name}")
            for name, gain in zip(study.mechanisms, others, strict=True)
        )
        pairs = len(list(combinations(out, 2)))
        words = f"of {pairs} pairs of knock-outs differ enough for {self.animals} animals a group"
        return Figure.over(_PERCENT * apart, "%", words, parts)

    def apart(self, means: Array, spread: Array) -> Array:
        """Share of pairs told apart in each world, from means (mechanism, world) and spread (world,)."""
        least = (ndtri(1.0 - self.error / 2) + ndtri(self.power)) * spread * np.sqrt(2.0 / self.animals)
        pairs = [np.abs(a - b) > least for a, b in combinations(means, 2)]
        share: Array = np.mean(pairs, axis=0)
        return share
