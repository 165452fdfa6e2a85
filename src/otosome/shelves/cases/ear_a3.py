"""Seven flat losses in quiet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model import speech
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

_LOSSES = np.arange(0.0, 61.0, 10.0)[:, None]


@dataclass(frozen=True)
class EarA3:
    """The index by itself."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Index of each loss."""
        bands = bench.entry("endpoints", "word_score").card.profile("bands", bench.species)
        level = np.broadcast_to(_LOSSES, (_LOSSES.size, bands["frequency"].size))
        quiet, still = np.full_like(bands["normal"], speech.SILENCE), np.zeros(())
        index = speech.index(level, bands["normal"], quiet, still, bands, bands["importance"])
        return {"ear:A3": index}
