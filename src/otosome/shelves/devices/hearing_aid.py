"""A hearing aid fitted by the NAL-R rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otosome.roles import Ear
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    DecibelsSPL,
    Fraction,
    Hours,
    Kilohertz,
    Plain,
)


@dataclass(frozen=True)
class HearingAid:
    """Linear gain by the audiogram, as far as the ear canal and loudness let it. It repairs nothing.

    The rule gives ``slope`` of the level at each frequency, a constant there, and a part of the sum of the levels
    at 0.5, 1 and 2 kHz: ``common`` of it up to ``knee``, ``steep`` beyond.

    ``rule``       ``frequency`` (kHz) and ``constant`` (dB), rising, shape (point,)
    ``shortfall``  by which gain in the real ear stays below the rule;  ``most``  before it whistles
    ``spoken``     speech it is set for;  ``loudest``  that speech may become
    ``adoption``   share of people with a loss who would wear it: a score is of those who do
    """

    rule: Mapping[str, Array]
    slope: Plain
    common: Plain
    steep: Plain
    knee: DecibelsHL
    shortfall: Decibels
    most: Decibels
    spoken: DecibelsSPL
    loudest: DecibelsSPL
    adoption: Fraction

    def prescribed(self, level: DecibelsHL, frequency: Kilohertz) -> Decibels:
        """Insertion gain the rule asks for, dB, not negative, same shape as ``level``.

        ``level``      dB HL, shape (subject, time, frequency)
        ``frequency``  kHz, shape (frequency,), rising; between frequencies linear in octaves, flat beyond the ends
        """
        points = self.rule["frequency"]
        at = level @ _between(frequency, points)
        total = np.sum(level @ _between(frequency, np.array([0.5, 1.0, 2.0])), axis=-1, keepdims=True)
        beyond = np.maximum(total - self.knee, 0.0)
        shared = self.common * (total - beyond) + self.steep * beyond
        gain: Array = np.maximum(shared + self.slope * at + self.rule["constant"], 0.0)
        return gain @ _between(points, frequency)

    def gain(self, level: DecibelsHL, frequency: Kilohertz) -> Decibels:
        """Insertion gain in the real ear, dB, same shape as ``level``."""
        reached = np.maximum(self.prescribed(level, frequency) - self.shortfall, 0.0)
        limit = np.maximum(np.minimum(self.most, self.loudest - self.spoken), 0.0)
        return np.minimum(reached, limit)

    def electric(self, ear: Ear, cells: object, since: Hours) -> None:
        """None: it has no electrode."""
        return

    def flows(self, dose: object, anatomy: object) -> Sequence[object]:
        """None: it releases nothing."""
        return []


def _between(known: Kilohertz, wanted: Kilohertz) -> Array:
    """Weights (known, wanted) that read values at other frequencies, linear in octaves."""
    each = np.eye(known.size)
    return np.array([np.interp(np.log(wanted), np.log(known), row) for row in each])
