"""Group-sequential designs: boundaries, and what becomes of a trial that stops early.

The score process at information fractions t is Brownian; sub-densities are carried from look to look by quadrature
(Armitage, McPherson and Rowe 1969; Jennison and Turnbull 2000, chapter 19). ``alpha`` is one-sided.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from otosome.errors import BadInput
from otosome.units import Array

Kind = Literal[
    "obrien_fleming", "pocock", "lan_demets_obrien_fleming", "lan_demets_pocock", "hwang_shih_decani"
]
MOST_LOOKS = 20
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
# Beyond so many standard errors nothing is left to carry.
_FAR = 9.0
# No statistic of a trial is larger; a look that spends next to nothing asks for it.
_NEVER = 30.0


@dataclass(frozen=True)
class Boundaries:
    """Looks at fractions of the information, with z values that stop the trial.

    ``upper``  stops for benefit;  ``lower``  stops as futile, minus infinity where it never does
    """

    fractions: tuple[float, ...]
    upper: tuple[float, ...]
    lower: tuple[float, ...]

    def crossing(self, drift: float, futility: bool = True) -> tuple[Array, Array]:
        """Probability of stopping for benefit, and as futile, first at each look, shape (look,).

        ``drift``     expected z at the end;  ``futility``  whether its bounds are kept
        """
        above, below = [], []
        path = _Path()
        for fraction, upper, lower in zip(self.fractions, self.upper, self.lower, strict=True):
            low = lower if futility and fraction < 1 else -math.inf
            above.append(path.above(fraction, upper, drift))
            below.append(path.below(fraction, low, drift))
            path = path.on(fraction, low, upper, drift)
        return np.array(above), np.array(below)

    def power(self, drift: float, futility: bool = True) -> float:
        """Probability of ever stopping for benefit."""
        return float(self.crossing(drift, futility)[0].sum())

    def drift(self, power: float, futility: bool = True) -> float:
        """Expected z at the end for this power."""
        return float(brentq(lambda d: self.power(d, futility) - power, 0.0, 20.0, xtol=1e-10))

    def expected(self, drift: float, futility: bool = True) -> float:
        """Expected information, as a part of that at the end."""
        above, below = self.crossing(drift, futility)
        stopped = (above + below)[:-1]
        early = np.array(self.fractions[:-1])
        return float((stopped * early).sum() + 1 - stopped.sum())

    def nominal(self) -> Array:
        """One-sided p value that each look asks for, shape (look,)."""
        return np.asarray(ndtr(-np.array(self.upper)))


@dataclass(frozen=True)
class _Path:
    """Trials that go on after a look: nodes of the score with the density times the weight of each."""

    fraction: float = 0.0
    score: Array | None = None
    mass: Array | None = None

    def above(self, fraction: float, z: float, drift: float) -> float:
        """Probability that the next look lies above z."""
        return self._beyond(fraction, z, drift, 1.0)

    def below(self, fraction: float, z: float, drift: float) -> float:
        """Probability that the next look lies below z."""
        return 0.0 if z == -math.inf else self._beyond(fraction, z, drift, -1.0)

    def upper(self, fraction: float, share: float) -> float:
        """The z above which this share of the trials without an effect lies; that of none is ``_NEVER``."""
        if self.above(fraction, _NEVER, 0.0) >= share:
            return _NEVER
        return float(brentq(lambda z: self.above(fraction, z, 0.0) - share, -_FAR, _NEVER, xtol=1e-12))

    def lower(self, fraction: float, most: float, drift: float, share: float) -> float:
        """The z below which this share lies; no more than ``most``."""
        if self.below(fraction, most, drift) <= share:
            return most
        return float(brentq(lambda z: self.below(fraction, z, drift) - share, -2 * _FAR, most, xtol=1e-12))

    def _beyond(self, fraction: float, z: float, drift: float, side: float) -> float:
        score, mass = self._nodes()
        step = fraction - self.fraction
        reach = (score + drift * step - z * math.sqrt(fraction)) / math.sqrt(step)
        return float((mass * ndtr(side * reach)).sum())

    def on(self, fraction: float, low: float, high: float, drift: float) -> _Path:
        """Trials between two z values at the next look."""
        score, mass = self._nodes()
        step, root = fraction - self.fraction, math.sqrt(fraction)
        middle = drift * fraction
        ends = max(low * root, middle - _FAR * root), min(high * root, middle + _FAR * root)
        half = max(0.0, (ends[1] - ends[0]) / 2)
        nodes = (ends[0] + ends[1]) / 2 + half * _NODES
        off = (nodes[:, None] - score[None, :] - drift * step) / math.sqrt(step)
        density = np.exp(-(off**2) / 2) @ mass / math.sqrt(2 * math.pi * step)
        return _Path(fraction, nodes, density * _WEIGHTS * half)

    def _nodes(self) -> tuple[Array, Array]:
        return (
            (np.zeros(1), np.ones(1)) if self.score is None or self.mass is None else (self.score, self.mass)
        )


def boundaries(kind: Kind, fractions: Sequence[float], alpha: float, shape: float = -4.0) -> Boundaries:
    """Boundaries for benefit that spend ``alpha`` in all; raises BadInput for looks that do not rise to 1.

    ``shape``  gamma of Hwang, Shih and DeCani's spending
    """
    looks = check_fractions(fractions)
    never = (-math.inf,) * len(looks)
    if kind in ("obrien_fleming", "pocock"):
        scale = np.sqrt(1 / np.array(looks)) if kind == "obrien_fleming" else np.ones(len(looks))

        def spent(constant: float) -> float:
            return Boundaries(looks, tuple(constant * scale), never).power(0.0) - alpha

        constant = float(brentq(spent, 0.01, 8.0, xtol=1e-12))
        return Boundaries(looks, tuple(float(z) for z in constant * scale), never)
    spend = spending(kind, alpha, shape)
    upper, path, before = [], _Path(), 0.0
    for fraction in looks:
        upper.append(path.upper(fraction, spend(fraction) - before))
        path, before = path.on(fraction, -math.inf, upper[-1], 0.0), spend(fraction)
    return Boundaries(looks, tuple(upper), never)


def with_futility(
    design: Boundaries, beta: float, kind: Kind, shape: float = -4.0
) -> tuple[Boundaries, float]:
    """Boundaries with futility bounds that spend ``beta``, and the drift at which they meet at the end.

    Non-binding: the bounds for benefit are as they were, and hold though futility is not obeyed.
    """
    spend = spending(kind, beta, shape)

    def at_drift(drift: float) -> Boundaries:
        lower, path, before = [], _Path(), 0.0
        for fraction, upper in zip(design.fractions[:-1], design.upper, strict=False):
            lower.append(path.lower(fraction, upper, drift, spend(fraction) - before))
            path, before = path.on(fraction, lower[-1], upper, drift), spend(fraction)
        return Boundaries(design.fractions, design.upper, (*lower, design.upper[-1]))

    drift = float(brentq(lambda d: at_drift(d).power(d) - (1 - beta), 0.1, 15.0, xtol=1e-10))
    return at_drift(drift), drift


def spending(kind: Kind, total: float, shape: float) -> Callable[[float], float]:
    """How much of an error is spent by a fraction of the information."""
    if kind in ("obrien_fleming", "lan_demets_obrien_fleming"):
        edge = float(ndtri(1 - total / 2))
        return lambda t: float(2 * ndtr(-edge / math.sqrt(t)))
    if kind in ("pocock", "lan_demets_pocock"):
        return lambda t: total * math.log(1 + (math.e - 1) * t)
    if shape == 0:
        return lambda t: total * t
    return lambda t: total * math.expm1(-shape * t) / math.expm1(-shape)


def check_fractions(fractions: Sequence[float]) -> tuple[float, ...]:
    """Looks that rise from above 0 to 1; raises BadInput."""
    looks = tuple(float(t) for t in fractions)
    rising = all(a < b for a, b in zip((0.0, *looks), looks, strict=False))
    if not looks or len(looks) > MOST_LOOKS or not rising or looks[-1] != 1.0:
        raise BadInput(
            "rise from above 0 to 1, the last look",
            key="looks",
            given=looks,
            allowed=f"up to {MOST_LOOKS} looks, such as 0.33, 0.67, 1",
        )
    return looks
