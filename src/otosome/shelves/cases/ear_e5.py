"""A learning curve through the mean scores of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.units import Array, Hours

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

_DAY = 24.0


@dataclass(frozen=True)
class EarE5:
    """Mean scores of a group at some times since the first sound, and the curve a (1 - exp(-t / tau)) through them.

    ``days``  since the first sound
    """

    days: tuple[float, ...]

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """The time constant of each group, h, the same for each of its people."""
        device, since = bench.bind("devices", "cochlear_implant"), np.array(self.days) * _DAY
        typical = device.neurons[:, :, 0]
        # Each from the first sound on, whatever day that was.
        words = device.words(typical, typical, since[None, :])
        means = words.reshape(-1, bench.subjects, since.size).mean(axis=1)
        constants = np.array([_constant(since, mean) for mean in means])
        return {"ear:E5": np.repeat(constants, bench.subjects)}


def _constant(since: Hours, score: Array) -> float:
    """The time constant of the curve that fits best, h."""
    # A tenth of a second to import, and every case is read for its rows.
    from scipy.optimize import minimize_scalar

    def missed(log_tau: float) -> float:
        shape = -np.expm1(-since / np.exp(log_tau))
        return float(((score - shape * (score @ shape) / (shape @ shape)) ** 2).sum())

    least, most = np.log(0.1 * since[0]), np.log(10.0 * since[-1])
    return float(np.exp(minimize_scalar(missed, bounds=(least, most), method="bounded").x))
