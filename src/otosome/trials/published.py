"""A published trial of shares: its control arm chooses among worlds, and its treated arm is predicted beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.typing import NDArray
from scipy.stats import betabinom

from otosome.answers.numbers import Interval, interval, share
from otosome.forward.endpoints import endpoint
from otosome.study import Study
from otosome.trials.bank import Bank
from otosome.trials.operating import Prediction
from otosome.trials.replicates import worse
from otosome.trials.simulated import Published, Simulate
from otosome.units import Array

# Trials that are imagined for a prediction, and the key of their draws, which no replicate has.
_IMAGINED, _KEY = 20_000, 2**62


def predicted(study: Study, bank: Bank, protocol: Simulate, published: Published) -> tuple[Bank, Prediction]:
    """The bank whose worlds count as the published control arm says, and what that says of the treated arm.

    A world's share is known from its ears alone, so its trials are beta-binomial: Jeffreys' posterior of that share.
    """
    counts = _counts(study, bank, protocol)
    (events, people), (treated_events, treated_people) = map(published.counts, ("control", "treated"))
    likelihood: Array = np.asarray(betabinom.pmf(events, people, *_posterior(counts[:, 0])))
    weight = likelihood / likelihood.sum()
    every = np.full(len(counts), 1.0 / len(counts))
    before, after = (_spread(counts[:, 0], w, people) for w in (every, weight))
    treated = _spread(counts[:, 1], weight, treated_people)
    cumulative = float(weight @ betabinom.cdf(treated_events, treated_people, *_posterior(counts[:, 1])))
    effective = float(1.0 / np.sum(weight**2))
    text = (
        f"published {published.treated.replace(' ', '')} = {share(treated_events / treated_people).text} worse with "
        f"treatment; predicted {treated.text} of {treated_people}, from worlds in which the control arm is like the "
        f"published {published.control.replace(' ', '')} = {share(events / people).text}"
    )
    choice = Prediction(
        published.control, before, after, published.treated, treated, cumulative, effective, text
    )
    return replace(bank, counted=_systematic(weight)), choice


def _counts(study: Study, bank: Bank, protocol: Simulate) -> NDArray[np.int64]:
    """Ears of each world and arm that read worse, and those that do not, (world, arm, 2)."""
    measure = study.tables.measure[protocol.measure]
    random = Generator(Philox(SeedSequence(protocol.seed, spawn_key=(_KEY,))))
    arms = []
    for arm in range(2):
        true = bank.values[:, arm]
        bound = endpoint(study, measure, bank.columns)
        read = bound.read(true, random.random(true.shape)).value
        arms.append(worse(study, protocol, read[:, 0], read[:, -1]))
    bad = np.stack(arms, axis=1)
    return np.stack(
        [np.stack([bad[r].sum(axis=0), (~bad[r]).sum(axis=0)], axis=-1) for r in bank.worlds()]
    ).astype(np.int64)


def _posterior(counts: NDArray[np.int64]) -> tuple[Array, Array]:
    """Parameters of what the ears of each world say of its share, a beta distribution, each (world,)."""
    worse_ears, others = np.asarray(counts.T, dtype=float) + 0.5
    return worse_ears, others


def _spread(counts: NDArray[np.int64], weight: Array, people: int) -> Interval:
    """Shares that trials of so many people find, over worlds by their weights."""
    world = np.searchsorted(np.cumsum(weight), (np.arange(_IMAGINED) + 0.5) / _IMAGINED)
    random = Generator(Philox(SeedSequence(people, spawn_key=(_KEY,))))
    share_of = random.beta(*_posterior(counts[np.minimum(world, len(counts) - 1)]))
    return interval(100.0 * random.binomial(people, share_of) / people, "%")


def _systematic(weight: Array) -> NDArray[np.intp]:
    """How often each world counts when as many are taken evenly by weight."""
    size = weight.size
    edges = np.concatenate([[0.0], np.cumsum(weight) / weight.sum()])
    return np.diff(np.ceil(size * edges - 0.5)).astype(np.intp)
