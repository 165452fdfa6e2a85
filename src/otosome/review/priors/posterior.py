"""What the published experiments say of worlds: a weight for each, by what they printed, under a prior by name.

``mechanism``   no experiment on efficacy is used
``as_printed``  every result that was printed is taken so, and results of either kind are printed alike
``sceptic``     of results without significance one in ten is printed
``none``        vesicles do nothing, whatever is printed

The weight of a world is the chance of all results in it, each at its printed counts (``pooling.likelihood``). The level
of a control enters first: none was printed, so it stays as it was believed, and each result is weighed among worlds
whose controls are hurt alike. Else significance would choose worlds with badly hurt controls, and efficacy would take
the credit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from otosome.errors import BadInput
from otosome.review.experiments.experiment import Experiment
from otosome.review.pooling.likelihood import GRID, Evidence, evidence
from otosome.review.priors.stored import Worlds
from otosome.review.question import Question
from otosome.units import Array

Prior = Literal["as_printed", "mechanism", "sceptic", "none"]
PRIORS: tuple[Prior, ...] = ("as_printed", "mechanism", "sceptic", "none")
# Of results without significance, the share that is printed.
SHARES: Mapping[str, float] = {"as_printed": 1.0, "sceptic": 0.1}
MEANINGS: Mapping[str, str] = {
    "as_printed": "published experiments taken as printed",
    "mechanism": "no experiment on efficacy used",
    "sceptic": "one null result in ten is printed",
    "none": "vesicles do nothing",
}
# SD of an animal's mean threshold in a group, dB: the four groups of huang_2021 have 8.5 to 9.5.
SPREAD = 9.0
# Weights are tempered until as many worlds count, and refused where too few do before.
ENOUGH, LEAST = 100.0, 30.0
# Groups of worlds by how high their control lies, as many worlds in each.
ALIKE_GROUPS = 10


@dataclass(frozen=True)
class Result:
    """A published result in the model: chance of it in each world, (world,), by the share of null results printed."""

    experiment: Experiment
    control: str
    effects: Array
    evidence: Evidence

    @property
    def name(self) -> str:
        """How it is called."""
        controls = {outcome.control for outcome in self.experiment.options.outcome.values()}
        words = self.control.replace("_", " ")
        return self.experiment.short if len(controls) == 1 else f"{self.experiment.short} ({words})"

    def chance(self, share: float) -> Array:
        """Chance of what was printed among all that is printed, in each world."""
        row = self.evidence
        printed = row.printed(share) / (row.printable + share * (1 - row.printable))
        return np.interp(self.effects, GRID, printed)

    def without_effect(self, share: float) -> float:
        """The same where vesicles do nothing."""
        row = self.evidence
        printed = row.printed(share) / (row.printable + share * (1 - row.printable))
        return float(np.interp(0.0, GRID, printed))


@dataclass(frozen=True)
class Posterior:
    """Worlds weighed by what was printed.

    ``weights``    shape (world,), 1 in sum;  ``effective``  how many worlds they are worth
    ``order``      worlds by how much vesicles do in the experiments, least first, (world,)
    ``tempered``   power that the weights were taken to, 1 where enough worlds counted without
    ``favours``    how much likelier all of it is in these worlds than without any effect
    ``controls``   medians of each experiment's control before and after, dB
    """

    name: str
    weights: Array
    order: NDArray[np.intp]
    effective: float
    tempered: float
    favours: float
    controls: dict[str, tuple[float, float]]

    def draw(self, count: int, seed: int) -> NDArray[np.intp]:
        """So many worlds in proportion to their weights, spread evenly over how much vesicles do in them."""
        return resampled(self.weights, self.order, count, seed)


def resampled(weights: Array, order: NDArray[np.intp], count: int, seed: int) -> NDArray[np.intp]:
    """So many worlds in proportion to their weights, by systematic resampling along an order, then shuffled.

    ``weights``  ``order``  shape (world,);  returns  worlds, (count,)
    """
    start = np.random.default_rng(seed).random()
    places = (start + np.arange(count)) / count
    chosen = np.searchsorted(np.cumsum(weights[order]), places)
    return np.random.default_rng(seed + 1).permutation(order[np.minimum(chosen, weights.size - 1)])


def results(worlds: Worlds, every: Sequence[Experiment]) -> list[Result]:
    """What the experiments that count printed of hearing, with the effect of each world, in SDs of an animal."""
    question = Question.of("hearing")
    rows = []
    for experiment in every:
        if experiment.why_out or not worlds.has(experiment):
            continue
        for row in evidence(experiment, question.outcomes(experiment)):
            benefits = [worlds.benefit(experiment, arm, row.control) for arm in row.treated]
            rows.append(Result(experiment, row.control, np.mean(benefits, axis=0) / SPREAD, row))
    return rows


def posterior(name: Prior, worlds: Worlds, printed: Sequence[Result]) -> Posterior:
    """Worlds weighed under a prior by name; raises BadInput where too few of them explain what was printed."""
    order = np.argsort(sum((row.effects for row in printed), np.zeros(worlds.size)), kind="stable")
    if name in ("mechanism", "none") or not printed:
        even = np.full(worlds.size, 1 / worlds.size)
        return Posterior(name, even, order, float(worlds.size), 1.0, 1.0, _controls(worlds, printed, even))
    share = SHARES[name]
    likely = sum(np.log(np.maximum(row.chance(share), 1e-300)) for row in printed)
    names = dict.fromkeys(row.experiment.name for row in printed)
    of_each = [[row for row in printed if row.experiment.name == name] for name in names]
    log = np.asarray(sum(_among_alike(worlds, rows, share) for rows in of_each))
    none = sum(np.log(row.without_effect(share)) for row in printed)
    favours = float(np.exp(logsumexp(likely) - np.log(worlds.size) - none))
    power = _power(log)
    weights = _normal(power * log)
    controls = _controls(worlds, printed, weights)
    return Posterior(name, weights, order, _effective(weights), power, favours, controls)


def _power(log: Array) -> float:
    """The power to which weights are taken so that enough worlds count; raises BadInput where too few do."""
    plain = _effective(_normal(log))
    if plain >= min(ENOUGH, 0.5 * log.size):
        return 1.0
    if plain < min(LEAST, 0.15 * log.size):
        raise BadInput(
            "is explained by too few worlds to be believed",
            key="prior",
            given=f"{plain:.0f} effective worlds of {log.size}",
            allowed=f"{LEAST:.0f} or more",
            cure="compute more worlds: python -m tools.worlds 10000",
        )
    from scipy.optimize import brentq  # a tenth of a second to import, and seldom needed

    wanted = min(ENOUGH, 0.5 * log.size)
    return float(brentq(lambda power: _effective(_normal(power * log)) - wanted, 1e-3, 1.0))


def _normal(log: Array) -> Array:
    return np.asarray(np.exp(log - logsumexp(log)))


def _effective(weights: Array) -> float:
    return float(1 / np.sum(weights**2))


def _among_alike(worlds: Worlds, rows: Sequence[Result], share: float) -> Array:
    """Log of the chance of an experiment's results over its mean among worlds whose control lies as high, (world,)."""
    level = worlds.level(rows[0].experiment, rows[0].control)
    chance = np.maximum(np.prod([row.chance(share) for row in rows], axis=0), 1e-300)
    ends = np.quantile(level, np.linspace(0, 1, ALIKE_GROUPS + 1)[1:-1])
    group = np.searchsorted(ends, level)
    means = np.bincount(group, chance, ALIKE_GROUPS) / np.maximum(
        np.bincount(group, minlength=ALIKE_GROUPS), 1
    )
    return np.asarray(np.log(chance) - np.log(means[group]))


def _levels(worlds: Worlds, printed: Sequence[Result]) -> dict[str, Array]:
    return {row.experiment.name: worlds.level(row.experiment, row.control) for row in printed}


def _controls(worlds: Worlds, printed: Sequence[Result], weights: Array) -> dict[str, tuple[float, float]]:
    even = np.full(worlds.size, 1 / worlds.size)
    return {
        name: (_median(level, even), _median(level, weights))
        for name, level in _levels(worlds, printed).items()
    }


def _median(values: Array, weights: Array) -> float:
    return float(quantiles(values, weights, [0.5])[0])


def quantiles(values: Array, weights: Array, shares: Sequence[float]) -> Array:
    """Values below which these shares of all weight lie; ``values``, ``weights`` shape (world,)."""
    order = np.argsort(values)
    middles = np.cumsum(weights[order]) - weights[order] / 2
    return np.interp(shares, middles / weights.sum(), values[order])


@dataclass(frozen=True)
class Conflict:
    """A published result beside the model: its chance under each prior, and whether the mechanism cannot explain it."""

    experiment: str
    printed: str
    chance: dict[str, float]
    unexplained: bool


# A result that the mechanism gives a smaller chance than this it cannot explain.
UNEXPLAINED = 0.1


def conflicts(worlds: Worlds, printed: Sequence[Result]) -> list[Conflict]:
    """Every published result with its chance under each prior, where all are printed."""
    named: tuple[Prior, ...] = ("mechanism", "as_printed", "sceptic")
    weights = {name: posterior(name, worlds, printed).weights for name in named}
    rows = []
    for row in printed:
        chance: dict[str, float] = {name: float(weights[name] @ row.chance(1.0)) for name in named}
        chance["none"] = row.without_effect(1.0)
        strength = row.evidence.strength
        rows.append(Conflict(row.name, strength, chance, chance["mechanism"] < UNEXPLAINED))
    return rows


@dataclass(frozen=True)
class Reconciling:
    """A number that would let the model explain the papers: at which end, and how much likelier all of it is there."""

    number: str
    end: str
    value: float
    times: float


def reconciling(printed: Sequence[Result], columns: Mapping[str, Array], most: int = 3) -> list[Reconciling]:
    """The numbers at one of whose ends (a tenth of the worlds) all that was printed is likeliest, best first.

    ``columns``  of the worlds' numbers, by full name, (world,)
    """
    likely = np.exp(sum(np.log(np.maximum(row.chance(1.0), 1e-300)) for row in printed))
    rows = []
    for name, column in columns.items():
        low, high = np.quantile(column, [0.1, 0.9])
        if high > low:
            ends = {"low": likely[column <= low].mean(), "high": likely[column >= high].mean()}
            end = max(ends, key=lambda key: float(ends[key]))
            rows.append(
                Reconciling(name, end, float(low if end == "low" else high), float(ends[end] / likely.mean()))
            )
    return sorted(rows, key=lambda row: -row.times)[:most]
