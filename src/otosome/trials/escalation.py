"""Dose escalation: the Bayesian optimal interval design and the continual reassessment method.

Liu and Yuan, Journal of the Royal Statistical Society C 2015; O'Quigley, Pepe and Fisher, Biometrics 1990, with the
one-parameter power model and a normal prior. Trials are simulated cohort by cohort, all at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray
from scipy.special import betainc

from otosome.units import Array

Counts = NDArray[np.int64]


class Rule(Protocol):
    """How an escalation goes on, and what it chooses; arrays are (trial, dose) or (trial,)."""

    def following(self, treated: Counts, toxic: Counts, dose: Counts) -> Counts:
        """The next dose of each trial, from 0; -1 ends it."""
        ...

    def choice(self, treated: Counts, toxic: Counts) -> Counts:
        """The dose each trial recommends, -1 for none."""
        ...


@dataclass(frozen=True)
class Intervals:
    """The Bayesian optimal interval design.

    ``target``   wanted share of toxicity;  ``low``, ``high``  shares that are too low and too high
    ``sure``     posterior probability of being too toxic from which a dose and those above are dropped
    """

    target: float
    low: float
    high: float
    sure: float = 0.95

    @property
    def escalate(self) -> float:
        """Observed share up to which the dose rises."""
        return _edge(self.low, self.target)

    @property
    def deescalate(self) -> float:
        """Observed share from which the dose falls."""
        return _edge(self.target, self.high)

    def dropped(self, treated: Counts, toxic: Counts) -> NDArray[np.bool_]:
        """Doses that are too toxic for certain, and all above them, shape (trial, dose)."""
        over = 1 - betainc(1.0 + toxic, 1.0 + treated - toxic, self.target)
        return np.logical_or.accumulate((over > self.sure) & (treated >= 3), axis=1)

    def following(self, treated: Counts, toxic: Counts, dose: Counts) -> Counts:
        """The next dose of each trial, from 0; -1 ends it."""
        rows = np.arange(dose.size)
        observed = toxic[rows, dose] / np.maximum(treated[rows, dose], 1)
        step = (observed <= self.escalate).astype(np.int64) - (observed >= self.deescalate)
        wanted = np.clip(dose + step, 0, treated.shape[1] - 1)
        dropped = self.dropped(treated, toxic)
        allowed = np.where(dropped.any(axis=1), dropped.argmax(axis=1), treated.shape[1]) - 1
        return np.minimum(wanted, allowed)

    def choice(self, treated: Counts, toxic: Counts) -> Counts:
        """The tried dose whose isotonic share of toxicity is nearest the target."""
        dropped = self.dropped(treated, toxic)
        weights = np.asarray(treated + 0.1, dtype=np.float64)
        smooth = isotonic(np.asarray((toxic + 0.05) / weights), weights)
        # Of equal shares the higher dose below the target, and the lower above it.
        smooth = smooth + 1e-10 * np.arange(treated.shape[1])
        off = np.where((treated > 0) & ~dropped, np.abs(smooth - self.target), np.inf)
        return np.where(np.isfinite(off).any(axis=1), off.argmin(axis=1), -1)


@dataclass(frozen=True)
class Reassessment:
    """The continual reassessment method: toxicity of dose i is ``skeleton[i] ** exp(a)``, a normal with ``spread``."""

    target: float
    skeleton: tuple[float, ...]
    spread: float = math.sqrt(1.34)
    sure: float = 0.95

    def shares(self, treated: Counts, toxic: Counts) -> tuple[Array, Array]:
        """Posterior mean toxicity of each dose, (trial, dose), and how surely the lowest is too toxic, (trial,)."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(61)
        # Powers far out in the prior would round to none and all.
        rates = np.clip(np.array(self.skeleton)[:, None] ** np.exp(self.spread * nodes), 1e-12, 1 - 1e-12)
        fit = toxic @ np.log(rates) + (treated - toxic) @ np.log1p(-rates)
        mass = weights * np.exp(fit - fit.max(axis=1, keepdims=True))
        mass /= mass.sum(axis=1, keepdims=True)
        return mass @ rates.T, mass @ (rates[0] > self.target)

    def following(self, treated: Counts, toxic: Counts, dose: Counts) -> Counts:
        """The dose nearest the target, never skipping one on the way up; -1 where even the lowest is too toxic."""
        means, over = self.shares(treated, toxic)
        nearest = np.abs(means - self.target).argmin(axis=1)
        return np.where(over > self.sure, -1, np.minimum(nearest, dose + 1))

    def choice(self, treated: Counts, toxic: Counts) -> Counts:
        """The dose nearest the target among those tried."""
        means, over = self.shares(treated, toxic)
        off = np.where(treated > 0, np.abs(means - self.target), np.inf)
        return np.where(over > self.sure, -1, off.argmin(axis=1))


@dataclass(frozen=True)
class Escalations:
    """Trials simulated: people treated and toxic at each dose, (trial, dose), and the dose chosen, (trial,)."""

    treated: Counts
    toxic: Counts
    chosen: Counts

    def shares_chosen(self) -> Array:
        """How often each dose is chosen, shape (dose,)."""
        return np.array([(self.chosen == dose).mean() for dose in range(self.treated.shape[1])])


def simulate(
    rule: Rule, rates: tuple[float, ...], cohort: int, cohorts: int, trials: int, seed: int
) -> Escalations:
    """Trials of a rule where the doses are as toxic as ``rates`` say, begun at the lowest."""
    uniform = Generator(Philox(seed)).random((cohorts, trials, cohort))
    treated, toxic = (np.zeros((trials, len(rates)), dtype=np.int64) for _ in range(2))
    dose, rows = np.zeros(trials, dtype=np.int64), np.arange(trials)
    for people in uniform:
        going = dose >= 0
        at = dose[going]
        treated[rows[going], at] += cohort
        toxic[rows[going], at] += (people[going] < np.array(rates)[at][:, None]).sum(axis=1)
        dose[going] = rule.following(treated[going], toxic[going], at)
    chosen = np.where(dose >= 0, rule.choice(treated, toxic), -1)
    return Escalations(treated, toxic, chosen)


def isotonic(shares: Array, weights: Array) -> Array:
    """Shares that never fall along the doses, nearest by weight, shape (trial, dose): the min-max formula."""
    doses = shares.shape[1]
    total, mass = (np.pad(np.cumsum(part, axis=1), ((0, 0), (1, 0))) for part in (shares * weights, weights))
    means = np.full((shares.shape[0], doses, doses), np.nan)
    for first in range(doses):
        for last in range(first, doses):
            means[:, first, last] = (total[:, last + 1] - total[:, first]) / (
                mass[:, last + 1] - mass[:, first]
            )
    columns = [
        np.min([means[:, : dose + 1, last].max(axis=1) for last in range(dose, doses)], axis=0)
        for dose in range(doses)
    ]
    return np.stack(columns, axis=1)


def _edge(low: float, high: float) -> float:
    """Share at which two shares of toxicity explain what is seen equally well."""
    return math.log((1 - low) / (1 - high)) / math.log(high * (1 - low) / (low * (1 - high)))
