"""Experiments on vesicles that could be done next, in the worlds of the published ones, and what each would tell.

A candidate is done like a published experiment, at another dose or on another day, and reads thresholds or cells. In
every world its effect is known, so a world that is drawn by its weight says what the experiment may read, and that
reading weighs all worlds anew (preposterior analysis: Raiffa and Schlaifer 1961; Lindley 1956,
https://doi.org/10.1214/aoms/1177728069). What is expected of the interval of the benefit is the mean over readings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
from scipy.special import ndtri, stdtrit

from otosome.review.experiments.experiment import Experiment
from otosome.review.pooling.likelihood import GRID, Outcome, chance
from otosome.review.priors.posterior import SPREAD, Prior, Result, posterior, quantiles, resampled
from otosome.review.priors.stored import Worlds, arm_of
from otosome.units import Array, quantity

STORED = Path(__file__).with_name("further.csv")
# Doses as multiples of that of the published experiment, and days of the dose after the insult begins.
DOSES, DAYS = (0.1, 1.0, 10.0), (-1, 1, 3)
ANIMALS = (6, 12, 24)
# What is read, and the cell that is counted for it; thresholds are read as the published experiment reads them.
READ: Mapping[str, str] = {"threshold": "", "hair cells": "OHC", "synapses": "synapse", "neurons": "SGN"}
# Readings that each candidate is expected to give, spread evenly over what is believed.
READINGS = 60


@dataclass(frozen=True)
class Candidate:
    """An experiment done like a published one.

    ``like``  its name;  ``dose``  as a multiple of that one's;  ``day``  of the dose, after the insult begins
    ``read``  threshold, hair cells, synapses or neurons
    """

    like: str
    dose: float
    day: int
    read: str

    @property
    def name(self) -> str:
        """As the head of a column."""
        return f"{self.like}/{self.read}/{self.dose:g}/{self.day}"

    @classmethod
    def of(cls, name: str) -> Candidate:
        """From the head of a column."""
        like, read, dose, day = name.split("/")
        return cls(like, float(dose), int(day), read)


@dataclass(frozen=True)
class Further:
    """Effects of candidates in worlds, in SDs of an animal: by candidate, shape (world,).

    ``evidence``  fingerprint of the numbers they were computed with
    """

    effects: Mapping[Candidate, Array]
    evidence: str


def write(further: Further, file: Path = STORED) -> None:
    """Write effects to a hundredth of an SD, a row a world."""
    names = list(further.effects)
    table = np.stack([further.effects[name] for name in names], axis=1)
    rows = [",".join(f"{value + 0.0:.2f}".rstrip("0").rstrip(".") for value in row) for row in table]
    head = [f"# {further.evidence}", ",".join(name.name for name in names)]
    file.write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8", newline="\n")


def read(file: Path = STORED) -> Further:
    """Effects that ``write`` has written."""
    mark, head, *rows = file.read_text(encoding="utf-8").splitlines()
    table = np.array([row.split(",") for row in rows], dtype=float)
    effects = {Candidate.of(name): table[:, place] for place, name in enumerate(head.split(","))}
    return Further(effects, mark.removeprefix("# "))


@lru_cache(maxsize=1)
def shipped() -> Further:
    """The candidates that came with the package, read once; none where they were not computed."""
    return read() if STORED.is_file() else Further({}, "")


def candidates(worlds: Worlds, printed: Sequence[Result]) -> Further:
    """Every candidate that worlds hold: the published experiments done again, and those computed besides."""
    again = {
        each: worlds.benefit(row.experiment, arm, row.control) / SPREAD
        for row in printed
        for arm in row.evidence.treated
        if (each := _again(row.experiment, arm)) is not None
    }
    computed = shipped().effects if shipped().evidence == worlds.evidence else {}
    return Further({**again, **computed}, worlds.evidence)


def _again(experiment: Experiment, group: str) -> Candidate | None:
    """A published experiment done again: its dose as a multiple of the weakest of its arms."""
    table = experiment.options.simulate
    if table is None:
        return None
    arms = cast("Sequence[Mapping[str, Sequence[str]]]", table.study["arm"])
    doses = cast("Mapping[str, Mapping[str, object]]", table.study["treatment"])
    (name,) = next(arm["treatments"] for arm in arms if arm["name"] == arm_of(experiment, group))
    first = cast("Sequence[str]", doses[name]["at"])[0]
    potency = float(cast("float", doses[name].get("potency", 1.0)))
    return Candidate(experiment.name, potency, round(quantity(first, "d")), "threshold")


@dataclass(frozen=True)
class Narrowing:
    """What a candidate with ``n`` animals a group is expected to do to the interval of the benefit, under a prior.

    ``now``, ``after``  width of the 5 to 95 % of the benefit, dB, and as expected after it
    ``effect``          that it would find, SD of an animal: median
    ``finds``           chance that vesicles are significantly better in it, p below 0.05
    """

    prior: str
    like: str
    dose: float
    day: int
    read: str
    n: int
    effect: float
    now: float
    after: float
    finds: float


def narrowings(
    name: Prior, worlds: Worlds, printed: Sequence[Result], further: Further, counts: Sequence[int] = ANIMALS
) -> list[Narrowing]:
    """Every candidate under a prior by name, those that narrow most first; of alike ones that with fewer animals.

    The benefit is that of the published experiments, mean of all, in each world.
    raises  BadInput where too few worlds explain what was printed
    """
    weighed = posterior(name, worlds, printed)
    benefit = SPREAD * np.mean([row.effects for row in printed], axis=0)
    rows = [
        _narrowing(name, each, n, effect, weighed.weights, benefit)
        for each, effect in further.effects.items()
        for n in counts
    ]
    return sorted(rows, key=lambda row: (round(row.after, 1), row.n))


def _narrowing(
    name: str, each: Candidate, n: int, effect: Array, weights: Array, benefit: Array
) -> Narrowing:
    now, after = expected_width(effect, standard_error(effect, n), weights, benefit)
    return Narrowing(
        prior=name,
        **vars(each),
        n=n,
        effect=float(quantiles(effect, weights, [0.5])[0]),
        now=now,
        after=after,
        finds=power(effect, n, weights),
    )


def standard_error(effect: Array, n: int) -> Array:
    """Standard error of Hedges' g with ``n`` animals in each of two groups, by true effect."""
    return np.sqrt(2 / n + effect**2 / (4 * n))


def power(effect: Array, n: int, weights: Array) -> float:
    """Chance that an experiment is significant for the treated; ``effect``, ``weights`` shape (world,)."""
    return float(weights @ np.interp(effect, GRID, _significant(n)))


@lru_cache(maxsize=8)
def _significant(n: int) -> Array:
    """Chance of significance for the treated with ``n`` animals a group, for each effect of ``GRID``."""
    freedom = 2.0 * n - 2.0
    beyond = Outcome(float(stdtrit(freedom, 0.975)), math.inf, math.sqrt(n / 2), freedom)
    return chance([beyond], GRID)


def expected_width(
    effect: Array, error: Array, weights: Array, benefit: Array, readings: int = READINGS
) -> tuple[float, float]:
    """Width of the 5 to 95 % of the benefit, and as expected after one more reading of the effect.

    ``effect``   that the experiment has in each world, and ``error`` of reading it, (world,)
    ``weights``  of worlds, 1 in sum;  ``benefit``  in each, (world,)
    """
    order = np.argsort(benefit, kind="stable")
    rising = benefit[order]
    now = _width(rising, weights[order][None, :])[0]
    # Readings as evenly likely as so few can be: worlds along the effect, errors by a sequence that fills its range.
    drawn = resampled(weights, np.argsort(effect, kind="stable"), readings, 1)
    luck = ndtri((np.arange(readings) * 0.6180339887498949 + 0.5) % 1.0)
    read_ = effect[drawn] + error[drawn] * luck
    log = -0.5 * ((read_[:, None] - effect[None, :]) / error) ** 2 - np.log(error)
    likely = weights * np.exp(log - log.max(axis=1, keepdims=True))
    anew = likely / likely.sum(axis=1, keepdims=True)
    return float(now), float(_width(rising, anew[:, order]).mean())


def _width(rising: Array, weights: Array) -> Array:
    """Width of the 5 to 95 % of rising values, for each row of weights, (row, world)."""
    middles = np.cumsum(weights, axis=1) - weights / 2
    ends = np.array([np.interp([0.05, 0.95], row, rising) for row in middles])
    return np.asarray(ends[:, 1] - ends[:, 0])
