"""Trials resampled from a bank: who enrols, what is read of them, who is lost, and what the analysis says.

A trial is a function of seed and its number alone (Philox, one key each), so any part of them alone is the same to the
bit. Its subjects are of one world: what is not known is shared by all of them, and differs between trials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.typing import NDArray
from scipy.stats import t

from otosome.errors import BadInput
from otosome.forward.endpoints import endpoint
from otosome.study import Study
from otosome.trials.bank import Bank
from otosome.trials.exposed import Blocked, drawn, means
from otosome.trials.simulated import FEWEST, Simulate
from otosome.units import Array

CHUNK = 100
# Candidates read for each subject that a trial wants, where it enrols by a reading.
SCREENED = 10
# With fewer than FEWEST in a group a trial failed, and counts as not positive; no more than these may fail.
MOST_FAILED = 0.05


@dataclass(frozen=True)
class Subjects:
    """Subjects of trials, arrays of shape (trial, group, subject): groups control and treated.

    ``row``       of the bank;  ``baseline``, ``reading``  as read, means over frequencies; NaN without a baseline
    ``analysed``  whether a subject is enrolled and was not lost;  ``enrolled``  whether there was one to enrol
    ``worse``     whether it is worse than its baseline, or of a run the share that is, where that is analysed
    ``assessed``  how many were read to enrol so many, (trial, group)
    ``run``       each was exposed in, from 0 in each group; none where each was alone
    """

    row: NDArray[np.int64]
    baseline: Array
    reading: Array
    analysed: NDArray[np.bool_]
    enrolled: NDArray[np.bool_]
    worse: NDArray[np.bool_] | Array
    assessed: NDArray[np.int64]
    run: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Results:
    """What the analysis of each trial says, arrays of shape (trial,).

    ``estimate``  treated less control;  ``error``  standard;  ``low``, ``high``  of its interval;  ``p``  two-sided
    ``world``     the trial is of;  ``analysed``  subjects in all

    Of a trial with too few to analyse the estimate is NaN and p is 1.
    """

    estimate: Array
    error: Array
    low: Array
    high: Array
    p: Array
    world: NDArray[np.int64]
    analysed: NDArray[np.int64]


def subjects(
    study: Study,
    bank: Bank,
    protocol: Simulate,
    first: int,
    last: int,
    null: bool,
    gain: Array,
    ratio: Array | None = None,
) -> Subjects:
    """Subjects of trials ``first`` to ``last``.

    ``null``   the treated get what the control gets, with ``gain`` of each trial taken from what is read, (trial,)
    ``ratio``  of each trial: so many of the treated who would be worse still are, (trial,); all without it
    """
    worlds = bank.worlds()
    screens = protocol.least is not None or protocol.most is not None
    wide = protocol.n * (SCREENED if screens else 1)
    tones, moments = bank.values.shape[3], len(protocol.moments) + 1
    count = last - first
    row, uniform = np.empty((count, 2, wide), dtype=np.int64), np.empty((count, 2, wide, moments, tones))
    lost, spared = np.empty((count, 2, wide)), np.empty((count, 2, wide))
    blocked = protocol.runs == "blocked"
    for place, number in enumerate(range(first, last)):
        random = Generator(Philox(SeedSequence(protocol.seed, spawn_key=(number,))))
        ears = worlds[number % len(worlds)]
        if bank.runs:
            row[place] = drawn(random, bank.runs[number % len(worlds)], wide, blocked)
        else:
            row[place] = ears[random.integers(ears.size, size=(2, wide))]
        uniform[place], lost[place] = random.random(uniform.shape[1:]), random.random((2, wide))
        spared[place] = random.random((2, wide))
        if protocol.analysis == "paired":
            _pair(row[place], lost[place], random.random(wide) < protocol.ear_correlation)
    arm = np.zeros(2, dtype=int) if null else np.arange(2)
    true = bank.values[row, arm[None, :, None]]
    true[:, 1, :, -1] -= gain[:, None, None]
    columns = {name: column[row.ravel()] for name, column in bank.columns.items()}
    bound = endpoint(study, study.tables.measure[protocol.measure], columns)
    order = (*range(true.shape[3]), 0)  # the baseline once more, where there is a lead-in
    flat = true[:, :, :, order].reshape(-1, moments, tones)
    tone = bound.read(flat, uniform.reshape(flat.shape)).value.reshape(count, 2, wide, moments, tones)
    read = tone.mean(axis=-1)
    base = np.full(read.shape[:3], np.nan) if protocol.baseline is None else read[..., 0]
    eligible = _eligible(base, protocol)
    pick = np.argsort(~eligible, axis=2, kind="stable")[:, :, : protocol.n]

    def chosen(values: Array) -> Array:
        return np.take_along_axis(values, pick, axis=2)

    enrolled = np.take_along_axis(eligible, pick, axis=2)
    end, after = len(protocol.moments) - 1, moments - 1 if protocol.lead_in else 0
    if protocol.analysis == "shares":
        bad = worse(study, protocol, tone[..., after, :], tone[..., end, :])
        if ratio is not None:
            bad[:, 1] &= spared[:, 1] < ratio[:, None]
    else:
        bad = np.zeros(eligible.shape, dtype=bool)
    return Subjects(
        row=np.take_along_axis(row, pick, axis=2),
        baseline=chosen(read[..., -1] if protocol.lead_in else base),
        reading=chosen(read[..., end]),
        analysed=enrolled & (chosen(lost) >= protocol.dropout),
        enrolled=enrolled,
        worse=np.take_along_axis(bad, pick, axis=2),
        assessed=np.where(enrolled.all(axis=2), pick.max(axis=2) + 1, wide),
        run=pick // (bank.together // (2 if blocked else 1)) if bank.runs else None,
    )


def _pair(row: NDArray[np.int64], lost: Array, same: NDArray[np.bool_]) -> None:
    """Make neighbours ears of one person, each (group, subject): alike in all where the other ear is the ``same`` one.

    Whatever differs between ears of a world is then as alike in a person's two as often as they are the same.
    """
    row[1, same] = row[0, same]
    lost[1] = lost[0]


def worse(study: Study, protocol: Simulate, before: Array, now: Array) -> NDArray[np.bool_]:
    """Whether subjects are worse than they were, by a loss in the mean or by a grade of a scale.

    ``before``, ``now``  levels, shape (..., frequency);  returns shape (...)
    """
    if protocol.scale is None:
        return np.asarray(now.mean(axis=-1) - before.mean(axis=-1) >= float(protocol.loss or 0.0))
    scale, tones = study.scale(protocol.scale), study.tables.measure[protocol.measure].tones
    grades = scale.grade(now, np.sort(tones), before)
    return np.asarray(grades >= scale.labels.index(str(protocol.grade)))


def _eligible(baseline: Array, protocol: Simulate) -> NDArray[np.bool_]:
    fits = np.ones(baseline.shape, dtype=bool)
    if protocol.least is not None:
        fits &= baseline >= float(protocol.least)
    if protocol.most is not None:
        fits &= baseline <= float(protocol.most)
    return fits


def analyse(people: Subjects, protocol: Simulate, world: NDArray[np.int64]) -> Results:
    """The declared analysis of each trial."""
    analysed = people.analysed.sum(axis=(1, 2))
    if people.run is not None and (protocol.runs == "apart" or protocol.analysis == "change"):
        people = _by_run(people)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate, error, freedom = _ANALYSES[protocol.analysis](people, protocol)
        statistic = np.where(
            error > 0, estimate / error, np.where(estimate == 0, 0.0, np.inf * np.sign(estimate))
        )
    few = people.analysed.sum(axis=2).min(axis=1) < FEWEST
    estimate, error = np.where(few, np.nan, estimate), np.where(few, np.nan, error)
    edge = t.isf(protocol.alpha / 2, np.maximum(freedom, 1.0))
    p = np.where(few, 1.0, 2 * t.sf(np.abs(statistic), np.maximum(freedom, 1.0)))
    return Results(
        estimate, error, estimate - edge * error, estimate + edge * error, np.asarray(p), world, analysed
    )


def _by_run(people: Subjects) -> Subjects:
    """Means of runs in the place of their animals, of those of a run that are analysed."""
    assert people.run is not None
    (baseline, count), (reading, _), (share, _) = (
        means(np.nan_to_num(values), people.analysed, people.run)
        for values in (people.baseline, people.reading, people.worse.astype(float))
    )
    return replace(people, baseline=baseline, reading=reading, worse=share, analysed=count > 0, run=None)


def _moments(values: Array, counted: NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Count, mean and sum of squares about it, of each group; shape (trial, group)."""
    n = counted.sum(axis=2)
    mean = np.where(counted, values, 0.0).sum(axis=2) / np.maximum(n, 1)
    squares = np.where(counted, (values - mean[..., None]) ** 2, 0.0).sum(axis=2)
    return n.astype(float), mean, squares


def _t(people: Subjects, protocol: Simulate) -> tuple[Array, Array, Array]:
    return _means_apart(people, people.reading)


def _means_apart(people: Subjects, values: Array) -> tuple[Array, Array, Array]:
    if people.run is not None:
        runs = Blocked(people.analysed, people.run)
        variance = runs.left(values, values) / runs.freedom
        return runs.difference(values), np.sqrt(variance / runs.weight), runs.freedom
    n, mean, squares = _moments(values, people.analysed)
    freedom = n.sum(axis=1) - 2
    error = np.sqrt(squares.sum(axis=1) / freedom * (1 / n).sum(axis=1))
    return mean[:, 1] - mean[:, 0], error, freedom


def _ancova(people: Subjects, protocol: Simulate) -> tuple[Array, Array, Array]:
    if people.run is not None:
        runs = Blocked(people.analysed, people.run)
        start = runs.left(people.baseline, people.baseline)
        tilt = runs.left(people.reading, people.baseline) / start
        before = runs.difference(people.baseline)
        free = runs.freedom - 1
        least = (runs.left(people.reading, people.reading) - tilt**2 * start) / free
        whole = runs.difference(people.reading) - tilt * before
        return whole, np.sqrt(least * (1 / runs.weight + before**2 / start)), free
    n, mean, squares = _moments(people.reading, people.analysed)
    _, before, spread = _moments(people.baseline, people.analysed)
    off, start = (
        values - centre[..., None] for values, centre in ((people.reading, mean), (people.baseline, before))
    )
    shared = np.where(people.analysed, off * start, 0.0).sum(axis=(1, 2))
    wide = spread.sum(axis=1)
    slope = np.divide(shared, wide, out=np.zeros_like(wide), where=wide > 0)
    apart = before[:, 1] - before[:, 0]
    freedom = n.sum(axis=1) - 3
    variance = (squares.sum(axis=1) - slope * shared) / freedom
    tilt = np.divide(apart**2, wide, out=np.zeros_like(wide), where=wide > 0)
    return mean[:, 1] - mean[:, 0] - slope * apart, np.sqrt(variance * ((1 / n).sum(axis=1) + tilt)), freedom


def _shares(people: Subjects, protocol: Simulate) -> tuple[Array, Array, Array]:
    if people.run is not None or people.worse.dtype != bool:
        return _means_apart(people, people.worse.astype(float))
    n, share, _ = _moments(people.worse.astype(float), people.analysed)
    middle = (n * share).sum(axis=1) / n.sum(axis=1)
    error = np.sqrt(middle * (1 - middle) * (1 / n).sum(axis=1))
    return share[:, 1] - share[:, 0], error, np.full(len(n), 1e6)


def _change(people: Subjects, protocol: Simulate) -> tuple[Array, Array, Array]:
    n, mean, squares = _moments(people.reading - people.baseline, people.analysed)
    treated = n[:, 1]
    return mean[:, 1], np.sqrt(squares[:, 1] / (treated - 1) / treated), treated - 1


def _paired(people: Subjects, protocol: Simulate) -> tuple[Array, Array, Array]:
    both = np.asarray(people.analysed.all(axis=1, keepdims=True))
    apart = people.reading[:, 1:] - people.reading[:, :1]
    n, mean, squares = (part[:, 0] for part in _moments(apart, both))
    return mean, np.sqrt(squares / (n - 1) / n), n - 1


_ANALYSES = {"paired": _paired, "t": _t, "ancova": _ancova, "shares": _shares, "change": _change}


def trials(
    study: Study,
    bank: Bank,
    protocol: Simulate,
    null: bool,
    gain: Array,
    ratio: Array | None = None,
    entered: Callable[[int], None] = lambda more: None,
) -> Results:
    """All trials, in parts so that memory stays flat; raises BadInput where too few subjects can be enrolled.

    ``gain``, ``ratio``  of each trial, shape (trial,): zero, and none, but where a belief is simulated
    ``entered``  called with how many more subjects were entered
    """
    parts = []
    worlds = len(bank.worlds())
    for first in range(0, protocol.trials, CHUNK):
        last = min(first + CHUNK, protocol.trials)
        believed = None if ratio is None else ratio[first:last]
        people = subjects(study, bank, protocol, first, last, null, gain[first:last], believed)
        parts.append(analyse(people, protocol, np.arange(first, last) % worlds))
        entered((last - first) * protocol.entered)
    whole = Results(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Results)))
    failed = float(np.isnan(whole.estimate).mean())
    if failed > MOST_FAILED:
        raise BadInput(
            "leaves too few to analyse in too many trials",
            key="dropout"
            if protocol.least is protocol.most is None
            else "least"
            if protocol.most is None
            else "most",
            given=f"{100 * failed:.0f} % of trials",
            allowed=f"{FEWEST} in each group, in all but {100 * MOST_FAILED:.0f} % of trials",
            cure="widen what is enrolled, or enter more",
        )
    return whole
