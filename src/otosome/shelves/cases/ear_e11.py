"""Words of normal ears by level in quiet: how they rise, where half are understood, how many far above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model import speech
from otosome.units import Array, Fraction

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# dB SPL in the open: 32 dB above the threshold of spondees, and 40 dB HL; an earphone reads 7 dB more.
_SPONDEES, _LOUD = 14.5 + 32.0 - 7.0, 40.0 + 20.0 - 7.0
_LEVELS = np.arange(-5.0, 75.0, 0.5)
_LISTS = {"nu6": "nu6", "w22": "cid_w22"}


@dataclass(frozen=True)
class EarE11:
    """Two lists of monosyllables in quiet."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Rise per dB, level of half of the words in dB SPL, and shares at two levels, of each list."""
        values = {}
        for name, material in _LISTS.items():
            share = _understood(bench, material)
            low, half, high = (
                np.array([np.interp(part, row, _LEVELS) for row in share]) for part in (0.2, 0.5, 0.8)
            )
            head = f"ear:E11.{name}"
            # An ear that is beyond all levels has no rise: as steep as one step tells.
            values[head] = 0.6 / np.maximum(high - low, _LEVELS[1] - _LEVELS[0])
            values[f"{head}_half"] = half
            for title, level in (("spondees", _SPONDEES), ("loud", _LOUD)):
                values[f"{head}_{title}"] = np.array([np.interp(level, _LEVELS, row) for row in share])
        return values


def _understood(bench: Bench, material: str) -> Fraction:
    """Share of a list's words that an ear of 0 dB HL understands at each level, (ear, level)."""
    words = bench.bind("materials", material)
    bands = bench.entry("endpoints", "word_score").card.profile("bands", bench.species)
    spoken = speech.at_level(bands["normal"], bands["frequency"], _LEVELS[:, None])
    quiet, still = np.full_like(bands["normal"], speech.SILENCE), np.zeros_like(spoken[0])
    weight = words.importance["weight"]
    audible = np.array([speech.index(still, level, quiet, still, bands, weight) for level in spoken])
    return np.asarray(words.share(np.broadcast_to(audible, (bench.ears, 1, audible.size)))[:, 0])
