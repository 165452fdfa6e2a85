"""Words by the index, and words by level of normal and of impaired ears in quiet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model import speech
from otosome.model.hearing import arriving
from otosome.units import Array, DecibelsHL, Fraction

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

_INDEX = np.array([0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.60])
# dB SPL in the open, up to what an audiometer gives.
_LEVELS = np.arange(0.0, 100.0, 1.0)


@dataclass(frozen=True)
class EarE1:
    """The materials by themselves, and one audiogram.

    ``audiogram``  of the impaired: ``level`` (dB HL) at each ``frequency`` (kHz)
    """

    audiogram: Mapping[str, Array]

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Share of key words at each index, and share of W-22 words that a decibel adds."""
        bands = bench.entry("endpoints", "word_score").card.profile("bands", bench.species)
        known, wanted = (np.log2(x["frequency"]) for x in (self.audiogram, bands))
        lost = np.interp(wanted, known, self.audiogram["level"])
        normal, impaired = (self.rise(bench, bands, level) for level in (np.zeros_like(lost), lost))
        return {
            "ear:E1": bench.bind("materials", "cst").share(_INDEX),
            "ear:E1.normal": normal,
            "ear:E1.slower": normal,
            "ear:E1.impaired": impaired,
        }

    def rise(self, bench: Bench, bands: Mapping[str, Array], lost: DecibelsHL) -> Array:
        """Mean rise of each ear's words from 20 to 80 %, or to its most, per dB."""
        words, numbers = bench.bind("materials", "cid_w22"), bench.numbers("endpoints", "word_score")
        spoken = speech.at_level(bands["normal"], bands["frequency"], _LEVELS[:, None])
        quiet, still = np.full_like(bands["normal"], speech.SILENCE), np.zeros(())
        weight = words.importance["weight"]
        audible = np.array([speech.index(lost, level, quiet, still, bands, weight) for level in spoken])
        left = fibres(bench, lost) @ weight
        skill = numbers["proficiency"] * speech.spared(left, numbers["reliance"])
        share = words.share((audible * skill[:, None])[:, None, :])[:, 0]
        return np.array([_rise(row) for row in share])


def fibres(bench: Bench, lost: DecibelsHL) -> Fraction:
    """Share of fibres that ears arrive with in each band, shape (ear, band)."""
    rates = {kind: bench.numbers("cells", kind) for kind in ("ohc", "ihc")}
    outer = bench.numbers("populations", "otologically_normal")["outer_share"][:, None, None]
    return arriving(np.broadcast_to(lost, (bench.ears, 1, lost.size)), outer, rates)["synapse"]


def _rise(share: Fraction) -> float:
    """Rise per dB between 20 and 80 %, or the most there is, of shares on ``_LEVELS``."""
    most = int(share.argmax())
    rising, levels = share[: most + 1], _LEVELS[: most + 1]
    high = min(0.8, 0.99 * float(rising[-1]))
    low, top = np.interp([0.2, high], rising, levels)
    return float((high - 0.2) / (top - low))
