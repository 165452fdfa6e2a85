"""Hearing loss of long standing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.units import Decibels, DecibelsHL, Hours


@dataclass(frozen=True)
class Chronic:
    """Nothing comes back by itself.

    A score by which people were chosen still rises when it is read again: a study's ``[enrolment]`` does that.
    """

    def regained(self, level: DecibelsHL, since: Hours) -> Decibels:
        """Nothing, dB, shape of ``level`` over time."""
        return np.zeros((*np.broadcast_shapes(level.shape, (1, since.size, 1)),))
