"""Where the benefit stops growing with the dose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.roles import Figure
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory


@dataclass(frozen=True)
class Dose:
    """The smallest dose that gives most of the benefit of the largest, over decades of dose.

    ``study``      whose compared arm gets other doses in the same volume
    ``particles``  the doses, rising;  ``plateau``  share of the largest dose's benefit that counts as most
    """

    study: str
    particles: tuple[float, ...]
    plateau: float

    def figure(self, laboratory: Laboratory) -> Figure:
        """Where the plateau begins, as a power of ten of particles; the benefit at each dose as parts."""
        study = laboratory.study(self.study)
        against, _ = laboratory.compared(study)
        arms = [laboratory.compared(study, amount=Quantity(f"{n!r} particles"))[1] for n in self.particles]
        gains = np.array(laboratory.gains(study, [against, *arms]))
        parts = tuple(
            Figure.over(gain, "dB", f"{n:.0e} particles")
            for n, gain in zip(self.particles, gains, strict=True)
        )
        begins = self.begins(gains)
        last = 100 * np.mean(begins > np.log10(self.particles[-2]))
        words = (
            f"dose that gives {100 * self.plateau:.0f} % of the largest dose's benefit; "
            f"{np.ptp(np.quantile(begins, [0.05, 0.95])):.1f} decades wide, still rising in {last:.0f} % of worlds"
        )
        return Figure.over(10.0**begins, "particles", words, parts)

    def begins(self, gains: Array) -> Array:
        """log10 of the dose at which the plateau begins, shape (subject,), from gains (dose, subject)."""
        doses = np.log10(self.particles)
        share = np.maximum.accumulate(gains, axis=0) / np.maximum(gains.max(axis=0), np.finfo(float).tiny)
        return np.array([np.interp(self.plateau, rise, doses) for rise in share.T])
