"""A flat loss of 40 dB HL, without and with gain as the rule asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model import speech
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

_LOSS = 40.0


@dataclass(frozen=True)
class EarA4:
    """The rule by itself, before the real ear takes from it."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Gain at the rule's own frequencies, and the index without and with it."""
        aid = bench.bind("devices", "hearing_aid")
        bands = bench.entry("endpoints", "word_score").card.profile("bands", bench.species)
        points, centres = aid.rule["frequency"], bands["frequency"]
        gain = aid.prescribed(np.full((1, 1, points.size), _LOSS), points)
        level = np.full((1, 1, centres.size), _LOSS)
        quiet = np.full_like(bands["normal"], speech.SILENCE)
        indices = [
            speech.index(level, bands["normal"], quiet, added, bands, bands["importance"])
            for added in (np.zeros(()), aid.prescribed(level, centres))
        ]
        # The rule's numbers are the same in every ear.
        return {"ear:A4": gain[0, 0], "ear:A4.index": np.array([np.ravel(index)[0] for index in indices])}
