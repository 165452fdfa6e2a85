"""The Connected Speech Test: a transfer function known as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from otosome.units import Array, Fraction, Plain


@dataclass(frozen=True)
class Cst:
    """Key words of connected speech.

    ``importance``  of each third octave: ``frequency`` (kHz) and ``weight``, 1 in sum
    ``transfer``    ``share`` of key words at each ``index``, both rising from 0 to 1
    ``words``       on which a score rests
    """

    importance: Mapping[str, Array]
    transfer: Mapping[str, Array]
    words: Plain
    monosyllables: bool = False

    def share(self, index: Fraction) -> Fraction:
        """Share of key words understood at an index, 0 to 1, same shape: straight lines through the table."""
        return np.interp(index, self.transfer["index"], self.transfer["share"])
