"""Hearing that comes back by itself, in every arm alike: what a treatment must beat.

The return is one of decibels: which cells are behind it has not been counted, so counts stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Fraction,
    Hours,
    Plain,
)


@dataclass(frozen=True)
class Recovery:
    """A loss of which a part fades from its onset on, at one pace; who enters later has less of it left to regain.

    The part is ``share`` of the level up to ``turning``, and falls by ``fall`` dB for each dB beyond it: the
    deafest regain least. Each person departs from it by ``own``, at all frequencies alike.

    ``pace``     time after which a third of what comes back is still missing, h
    ``entered``  day of entry: h after onset at the study's time zero
    Source: this project's own form, through the placebo arms named in ``sudden_loss.toml``.
    """

    share: Fraction
    turning: DecibelsHL
    fall: Plain
    own: Decibels
    pace: Hours
    entered: float = 0.0

    def regained(self, level: DecibelsHL, since: Hours) -> Decibels:
        """Part of a hearing level that has come back, dB, from none to the level; shape of ``level`` over time.

        ``level``  dB HL at entry, shape (subject, time, frequency)
        ``since``  h from the study's time zero, shape (time,); nothing has come back before it
        """
        gone = np.exp(-self.entered / self.pace)
        come = gone * -np.expm1(-np.maximum(since, 0.0)[None, :, None] / self.pace)
        return np.asarray(come * np.clip(self._whole(level), 0.0, np.maximum(level, 0.0)))

    def _whole(self, level: DecibelsHL) -> Decibels:
        """What comes back from onset on, dB, in the end."""
        below, beyond = np.minimum(level, self.turning), np.maximum(level - self.turning, 0.0)
        whole: Array = self.share * below - self.fall * beyond + self.own
        return whole
