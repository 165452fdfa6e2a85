"""Norms of hearing at the ages, levels and standings that the standards' examples state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from otosome.units import Array, quantity

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# dB, years, kHz, and the standing among one's like: the median, or the worst tenth.
_WORST = float(ndtri(0.9))
_NOISE = ((90.0, 20.0, 4.0, 0.0), (90.0, 20.0, 4.0, _WORST), (100.0, 40.0, 3.0, _WORST))


@dataclass(frozen=True)
class EarA1:
    """One man of each example."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Medians and spreads, dB."""
        return {"ear:A1": self.aged(bench), "ear:A2": self.deafened(bench)}

    def aged(self, bench: Bench) -> Array:
        """A man of 60 at 4 kHz, and how far one a spread worse than the median is from it at 1 kHz."""
        norm, sixty = bench.bind("populations", "otologically_normal"), quantity("60 year")
        man = replace(norm, age=(sixty, sixty), sex="male", standing=np.zeros((1, 1, 1)))
        worse = replace(man, standing=np.ones((1, 1, 1)))
        at = np.array([1.0, 4.0])
        median, spread = man.aged(at)[0, 0], worse.aged(at)[0, 0]
        return np.array([median[1], spread[0] - median[0]])

    def deafened(self, bench: Bench) -> Array:
        """The shift of noise alone in each example."""
        norm = bench.bind("populations", "otologically_normal")
        men = [
            (
                replace(
                    norm,
                    standing=np.full((1, 1, 1), worse),
                    noise_level=level,
                    noise_time=quantity(f"{time} year"),
                ),
                at,
            )
            for level, time, at, worse in _NOISE
        ]
        return np.array([man.deafened(np.array([at])).item() for man, at in men])
