"""Several arms whose allotment follows what is seen: the posterior of each arm's share, and rules that stop.

Arms have uniform priors. At each look an arm that is surely best ends the trial, one that is surely not is dropped,
arms that are surely alike end it too, and the next people are allotted by each arm's probability of being best.
Integrals over the posteriors are sums over a grid, so that no noise of draws crosses a limit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from otosome.units import Array

Counts = NDArray[np.int64]
Chosen = NDArray[np.bool_]
_NODES = 256
# Beyond so many deviations of a posterior nothing is left.
_FAR = 7.0
NONE, ALIKE = -1, -2
# Trials simulated together, so that memory stays flat.
_CHUNK = 250


@dataclass(frozen=True)
class Adaptation:
    """Rules of the trial.

    ``looks``  people read at each, the last is the most entered;  ``ahead``  people entered by then and not yet read
    ``superior``  probability of being best that ends the trial; below one less that much an arm is dropped
    ``fewest``    smallest share of people allotted to an arm
    ``alike``     probability that all arms lie ``within`` a difference of shares which ends the trial
    """

    looks: tuple[int, ...]
    ahead: int
    superior: float
    fewest: float
    alike: float
    within: float


@dataclass(frozen=True)
class Adapted:
    """Trials simulated: people ``treated`` by arm, (trial, arm), and how each ended, (trial,).

    ``ending``  the arm that is superior, from 0; ``ALIKE``, or ``NONE`` at the last look
    """

    treated: Counts
    ending: Counts

    @property
    def superior(self) -> Chosen:
        """Whether a trial finds a superior arm, (trial,)."""
        return self.ending >= 0

    @property
    def size(self) -> Counts:
        """People entered in each trial, (trial,)."""
        return self.treated.sum(axis=1)


def simulate(rule: Adaptation, shares: tuple[float, ...], trials: int, seed: int) -> Adapted:
    """Trials whose arms have these true shares of people with the event that is to be avoided."""
    random = Generator(Philox(seed))
    sizes = [min(_CHUNK, trials - first) for first in range(0, trials, _CHUNK)]
    parts = [_simulated(rule, shares, size, random) for size in sizes]
    return Adapted(np.concatenate([p.treated for p in parts]), np.concatenate([p.ending for p in parts]))


def calibrated(rule: Adaptation, share: float, arms: int, error: float, trials: int, seed: int) -> Adaptation:
    """The rule with the lowest limit, from 0.9, at which at most this share of trials of equal arms call one superior.

    To 0.002, which moves that share by less than the noise of a thousand trials.
    """
    low, high = 0.9, 1.0
    while high - low > 0.002:
        middle = (low + high) / 2
        positive = simulate(replace(rule, superior=middle), (share,) * arms, trials, seed).superior.mean()
        low, high = (low, middle) if positive <= error else (middle, high)
    return replace(rule, superior=high)


def _simulated(rule: Adaptation, shares: tuple[float, ...], trials: int, random: Generator) -> Adapted:
    most, arms = rule.looks[-1], len(shares)
    allot, happen = random.random((2, trials, most))
    arm, event = np.zeros((2, trials, most), dtype=np.int64)
    odds = np.full((trials, arms), 1 / arms)
    active, going = np.ones((trials, arms), dtype=bool), np.ones(trials, dtype=bool)
    entered, ending = np.zeros(trials, dtype=np.int64), np.full(trials, NONE)
    first = 0
    for look in rule.looks:
        last = min(look + rule.ahead, most)
        bounds = np.cumsum(odds[going], axis=1)[:, None, :-1]
        arm[going, first:last] = (allot[going, first:last, None] >= bounds).sum(axis=2)
        event[going, first:last] = happen[going, first:last] < np.array(shares)[arm[going, first:last]]
        entered[going], first = last, last
        rows = np.flatnonzero(going)
        n = counts(arm[rows, :look], np.ones((rows.size, look), dtype=np.int64), arms)
        bad = counts(arm[rows, :look], event[rows, :look], arms)
        ended, active[rows], odds[rows] = judged(rule, n, bad, active[rows])
        ending[rows] = ended
        going[rows] = ended == NONE
    within = np.arange(most) < entered[:, None]
    return Adapted(counts(arm, within.astype(np.int64), arms), ending)


def judged(rule: Adaptation, n: Counts, bad: Counts, active: Chosen) -> tuple[Counts, Chosen, Array]:
    """What a look decides of trials: how each ends, the arms that go on, and the odds of their next people.

    ``n``, ``bad``  people read and events among them, (trial, arm)
    """
    best, alike = beliefs(n, bad, active, rule.within)
    while True:
        # The leading arm stays, whatever the limits.
        stays = active & ((best > 1 - rule.superior) | (best == best.max(axis=1, keepdims=True)))
        fewer = (stays != active).any(axis=1)
        if not fewer.any():
            break
        best[fewer], alike[fewer] = beliefs(n[fewer], bad[fewer], stays[fewer], rule.within)
        active = stays
    single = active.sum(axis=1) == 1
    ending = np.where(alike >= rule.alike, ALIKE, NONE)
    ending = np.where((best.max(axis=1) >= rule.superior) | single, best.argmax(axis=1), ending)
    return ending, active, floored(best, active, rule.fewest)


def beliefs(n: Counts, bad: Counts, active: Chosen, within: float) -> tuple[Array, Array]:
    """Probability that each arm's share is the lowest, (trial, arm), and that all lie within a difference, (trial,).

    Arms that are not ``active`` have none, and are not among those compared.
    """
    x, step = _grid(n, bad)
    log = bad[:, :, None] * np.log(x)[:, None] + (n - bad)[:, :, None] * np.log1p(-x)[:, None]
    mass = np.exp(log - log.max(axis=2, keepdims=True))
    mass /= mass.sum(axis=2, keepdims=True)
    below = np.cumsum(mass, axis=2) - mass / 2
    near = _further(below, within / step) - below
    above = np.where(active[:, :, None], 1 - below, 1.0)
    near = np.where(active[:, :, None], near, 1.0)
    best = np.stack([_lowest(mass, above, arm) for arm in range(n.shape[1])], axis=1) * active
    alike = np.stack([_lowest(mass, near, arm) for arm in range(n.shape[1])], axis=1) * active
    return best / best.sum(axis=1, keepdims=True), alike.sum(axis=1)


def _lowest(mass: Array, others: Array, arm: int) -> Array:
    """Sum over the share of one arm of what holds for all others there, (trial,)."""
    rest = np.delete(others, arm, axis=1).prod(axis=1)
    return np.asarray((mass[:, arm] * rest).sum(axis=1))


def _grid(n: Counts, bad: Counts) -> tuple[Array, Array]:
    """Shares that cover all posteriors of a trial, (trial, node), and their step, (trial,)."""
    mean = (bad + 1) / (n + 2)
    reach = _FAR * np.sqrt(mean * (1 - mean) / (n + 3)) + _FAR / (n + 3)
    low = np.maximum((mean - reach).min(axis=1), 0.0)
    step = (np.minimum((mean + reach).max(axis=1), 1.0) - low) / _NODES
    return low[:, None] + (np.arange(_NODES) + 0.5) * step[:, None], step


def _further(below: Array, steps: Array) -> Array:
    """A cumulative probability so many steps further on, between nodes by a line."""
    place = np.minimum(np.arange(_NODES) + steps[:, None], _NODES - 1.0)
    left = np.minimum(place.astype(np.int64), _NODES - 2)
    part = (place - left)[:, None]
    low, high = (np.take_along_axis(below, (left + k)[:, None].repeat(below.shape[1], 1), 2) for k in (0, 1))
    return np.asarray(low + part * (high - low))


def floored(best: Array, active: Chosen, fewest: float) -> Array:
    """Odds in proportion to ``best``, none of an active arm below ``fewest``, (trial, arm)."""
    fixed = np.zeros_like(active)
    odds = best
    for _ in range(best.shape[1]):
        fixed |= active & (odds < fewest)
        room = 1 - fewest * fixed.sum(axis=1, keepdims=True)
        free = np.where(fixed, 0.0, best)
        share = np.divide(free, free.sum(axis=1, keepdims=True), out=np.zeros_like(free), where=free > 0)
        odds = np.where(fixed, fewest, share * room)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def counts(arm: Counts, weight: Counts, arms: int) -> Counts:
    """Sum of ``weight``, (trial, person), by arm, (trial, arm)."""
    return np.stack([np.where(arm == place, weight, 0).sum(axis=1) for place in range(arms)], axis=1)
