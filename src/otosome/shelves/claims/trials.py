"""How many patients a trial needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

# Stands for any number beyond it, and for none at all.
_MOST = 1e6


@dataclass(frozen=True)
class Trials:
    """Patients in each arm to show the simulated benefit, if people gain and differ as the simulated ones do.

    Normal approximation: 2 ((z of the error) + (z of the power))^2 (spread / effect)^2.

    ``study``  whose compared arms are looked at;  ``power``, ``error`` (two-sided)  of the trial
    """

    study: str
    power: float
    error: float

    def figure(self, laboratory: Laboratory) -> Figure:
        """Patients in each arm, over worlds."""
        study = laboratory.study(self.study)
        effect, spread = laboratory.effect(study)
        n = self.patients(effect, spread)
        never = 100 * float(np.mean(n >= _MOST))
        words = (
            f"in each arm for {100 * self.power:.0f} % power, with cisplatin in people as simulated ({_MOST:.0e} "
            f"stands for more and for never: {never:.0f} % of worlds)"
        )
        return Figure.over(n, "patients", words, (Figure.over(effect, "dB", "benefit in a world"),))

    def patients(self, effect: Array, spread: Array) -> Array:
        """Patients in each arm; an effect that is none, or makes hearing worse, needs more than any number."""
        needed = 2.0 * (ndtri(1.0 - self.error / 2) + ndtri(self.power)) ** 2
        ratio = np.divide(spread, effect, out=np.full(effect.shape, _MOST), where=effect > spread / _MOST)
        return np.minimum(np.ceil(needed * ratio**2), _MOST)
