"""Seven flat losses in quiet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from otosome.model import speech
from otosome.units import Array

_LOSSES = np.arange(0.0, 61.0, 10.0)[:, None]


@dataclass(frozen=True)
class EarA3:
    """The index by itself."""

    def replicate(self, bench: Any) -> dict[str, Array]:
        """Index of each loss."""
        bands = bench.entry("endpoints", "word_score").card.profile("bands", bench.species)
        level = np.broadcast_to(_LOSSES, (_LOSSES.size, bands["frequency"].size))
        quiet, still = np.full_like(bands["normal"], speech.SILENCE), np.zeros(())
        found = speech.index(level, bands["normal"], quiet, still, bands, bands["importance"])
        return {"ear:A3": found}
