"""Ears that could be one person's, weighed by what else was read of the ear; and those of people chosen by a reading.

Both are candidates drawn again. What is not known of all ears stays as it was drawn: readings weigh the ears of a
world against each other, and no world against another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from otosome.ears import Columns, Ears
from otosome.errors import BadInput
from otosome.evidence import RUNS, SUBJECTS, Parameter, draw_columns, layout, uniforms, world_luck
from otosome.forward.cochleae import Cochleae
from otosome.forward.endpoints import came
from otosome.forward.planning import plan
from otosome.roles import Population, Reading
from otosome.study import Study
from otosome.units import Array, Plain

# Candidates for each ear, and how many go through together.
CANDIDATES = 40
_TOGETHER = 400
# What a norm is shown at, kHz, and by how many people of it.
_AT = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
_NORM = 4000


def fresh(study: Study, first: int, last: int, seed: int, world: int, prior: Ears | None = None) -> Ears:
    """Ears ``first`` to ``last`` as they are drawn, chosen by nothing; ``prior`` as ``draw`` has it."""
    columns = draw_columns(study.parameters.values(), seed, first, last, world, study.cohort)
    kin = layout(first, last, world, study.cohort)
    drawn = Ears(columns, kin.ear, kin.world, kin.lot, kin.run, kin.person, np.ones(kin.ear.size), seed)
    return drawn if prior is None else drawn.assign(**informed(study, drawn, prior))


def informed(study: Study, ears: Ears, prior: Ears) -> dict[str, Array]:
    """Columns (ear,) of drawn ears whose worlds have the numbers and the spreads of a posterior's draws, one each.

    raises  BadInput for draws that hold none of the study's numbers, or of different weights
    """
    prior.alike("a draw from a posterior")
    row = ears.world % prior.size
    numbers = study.parameters
    known = {name: prior[name][row] for name in prior}
    free = {n: values for n, values in known.items() if n in numbers and numbers[n].shape != "fixed"}
    spread = [n for n in numbers if f"{n}.{SUBJECTS}" in known or f"{n}.{RUNS}" in known]
    if not free and not spread:
        raise BadInput("holds none of the numbers of this study", key="prior", given=sorted(prior)[:6])
    settled = _settled(numbers, ears, free)
    shelved = {name: numbers[name].at(ears.seed, ears.world) for name in {*settled, *spread}}
    moved = {n: numbers[n].around(ears[n], shelved[n], value) for n, value in settled.items()}
    kin = ears.kin(study.cohort.ears)
    for name in spread:
        number = numbers[name]
        runs = known.get(f"{name}.{RUNS}", number.runs)
        subjects = known.get(f"{name}.{SUBJECTS}", number.subjects)
        value = settled.get(name, shelved[name])
        moved[name] = number.differing(value, ears.seed, kin, runs, subjects)
    return moved


def _settled(numbers: Mapping[str, Parameter], ears: Ears, free: Columns) -> dict[str, Array]:
    """In the world of each ear the value of numbers that a posterior holds, and of those linked to one of them."""
    from scipy.special import ndtr, ndtri

    own: dict[str, Array] = {}

    def luck(name: str) -> Array:
        """The own deviate of a number in the world of each ear: what the posterior's value leaves, or as drawn."""
        if name not in own:
            number = numbers.get(name)
            key = name if number is None else number.stream(name)
            own[name] = ndtri(world_luck(ears.seed, key, ears.world))
            if number is not None and name in free:
                own[name] = number.rest(number.deviate(free[name]), luck)
        return own[name]

    followers = [
        p for n, p in numbers.items() if n not in free and free.keys() & {name for name, _ in p.linked}
    ]
    return {**free, **{p.name: p.quantile(ndtr(p.mix(luck))) for p in followers}}


def arrive(study: Study, first: int, last: int, seed: int, world: int, prior: Ears | None = None) -> Ears:
    """Ears as what was read of the person leaves them, chosen in proportion to their importance weight.

    returns  ears whose ``selection`` has their world's effective sample size of ``candidates``, (sum of weights)^2 /
             sum of their squares, of ``CANDIDATES`` times ``world``
    raises   BadInput where no candidate of some world could have been read so at all
    """
    candidates = _candidates(study, first, last, seed, world, prior)
    logs = likelihood(study, candidates).reshape(-1, CANDIDATES * world)
    if not np.all(np.isfinite(logs.max(axis=1))):
        raise BadInput(
            "no ear that hears so could have been read so",
            key="population.readings",
            given=[other.measure.endpoint for other in study.other_readings],
            cure="look for a slip in what was read besides the audiogram",
        )
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    effective = np.repeat(1.0 / np.sum(weights**2, axis=1), weights.shape[1])
    return _chosen(candidates, weights, {"candidates": effective}, slice(first, last), world)


def enrol(study: Study, first: int, last: int, seed: int, world: int, prior: Ears | None = None) -> Ears:
    """Ears of people who were enrolled for what they were read at as they came.

    Who is read low by bad luck is enrolled more often than who is read high, so that all seem better the next time:
    regression to the mean, the same in every arm.

    returns  ears whose ``selection`` has the ``share`` of candidates enrolled in their world, what they were ``read``
             at then, and the ``truth``
    raises   BadInput where in some world nobody would have been enrolled
    """
    candidates = _candidates(study, first, last, seed, world, prior)
    read, truth = _screened(study, candidates)
    fits = _fits(study, read).reshape(-1, CANDIDATES * world)
    if not np.all(fits.any(axis=1)):
        raise BadInput(
            "nobody would have been taken in",
            file=study.name,
            key="enrolment",
            given=f"readings from {read.min():g} to {read.max():g}",
            cure="widen what is taken in, or study people of whom more would be",
        )
    share = np.repeat(fits.mean(axis=1), fits.shape[1])
    weights = fits / fits.sum(axis=1, keepdims=True)
    return _chosen(
        candidates, weights, {"share": share, "read": read, "truth": truth}, slice(first, last), world
    )


def _candidates(study: Study, first: int, last: int, seed: int, world: int, prior: Ears | None) -> Ears:
    """All candidate ears of the worlds that ears ``first`` to ``last`` live in."""
    worlds = layout(first, last, world).world
    many = CANDIDATES * world
    return fresh(study, int(worlds[0]) * many, (int(worlds[-1]) + 1) * many, seed, many, prior)


def _chosen(candidates: Ears, weights: Plain, selection: Columns, part: slice, world: int) -> Ears:
    """Ears of a part chosen among candidate ears: as many for each world as it has ears; (world, candidate)."""
    worlds = int(candidates.world[0]) + np.arange(len(weights))
    rows = [again(weight, world, candidates.seed, int(w)) for w, weight in zip(worlds, weights, strict=True)]
    start = part.start - int(worlds[0]) * world
    among = np.concatenate([some + n * weights.shape[1] for n, some in enumerate(rows)])
    chosen = among[start : start + part.stop - part.start]
    ears = np.arange(part.start, part.stop)
    taken = replace(candidates, selection=selection).take(chosen)
    return replace(taken, ear=ears, run=ears, person=ears)


def _screened(study: Study, candidates: Ears) -> tuple[Array, Array]:
    """What each ear was read at before anything was done, and what is true of it, mean over frequency: (subject,)."""
    assert study.tables.enrolment is not None  # asked for by who calls
    measure = study.tables.measure[study.tables.enrolment.measure]
    tones = np.array(measure.tones)
    read, true = [], []
    for start, block in _blocks(study, candidates):
        bound, value = came(block, measure, tones)
        ends = tones.size * (int(candidates.ear[start]) + np.array([0, block.subjects]))
        luck = uniforms(candidates.seed, "enrolment", int(ends[0]), int(ends[1])).reshape(value.shape)
        read.append(bound.read(value, luck).value[:, 0].mean(axis=-1))
        true.append(value[:, 0].mean(axis=-1))
    return np.concatenate(read), np.concatenate(true)


def _fits(study: Study, read: Array) -> NDArray[np.bool_]:
    stated = study.tables.enrolment
    assert stated is not None  # as above
    unit = study.unit(stated.measure)
    low, high = (
        beyond if end is None else end.to(unit)
        for end, beyond in ((stated.lowest, -np.inf), (stated.highest, np.inf))
    )
    return np.asarray((read >= low) & (read <= high))


def again(weights: Plain, number: int, seed: int, world: int) -> NDArray[np.intp]:
    """Candidates drawn again in proportion to their weights, in an order of no meaning: systematic resampling."""
    start = uniforms(seed, "arrival/start", world, world + 1)
    marks = (np.arange(number) + start) / number
    sums = np.cumsum(weights)
    chosen = np.searchsorted(sums / sums[-1], marks)
    order = np.argsort(uniforms(seed, "arrival/order", world * number, (world + 1) * number))
    return np.asarray(chosen[order], dtype=np.intp)


def likelihood(study: Study, columns: Columns) -> Array:
    """Log-likelihood of what was read besides the audiogram, for each ear, shape (subject,)."""
    return np.concatenate([_of_block(block) for _, block in _blocks(study, columns)])


def _blocks(study: Study, columns: Columns) -> Iterator[tuple[int, Cochleae]]:
    """Candidates so many at a time, with the number of the first."""
    chain, total = plan(study), next(iter(columns.values())).size
    for start in range(0, total, _TOGETHER):
        few = {name: column[start : start + _TOGETHER] for name, column in columns.items()}
        yield start, Cochleae(chain, few)


def _of_block(block: Cochleae) -> Array:
    total = np.zeros(block.subjects)
    for other in block.study.other_readings:
        bound, value = came(block, other.measure, other.frequency)
        reading = Reading(*(np.broadcast_to(part, value.shape) for part in (other.value, other.censored)))
        total += bound.log_likelihood(reading, value)[:, 0].sum(axis=-1)
    return total


def people(study: Study, columns: Columns) -> dict[str, object]:
    """Who the subjects are beside whom a file recorded, or beside the norm they come from; nothing without either.

    returns  ``entry``; the one person's ``ear``; ``people`` in the file, none of a norm; how many different ones the
             subjects are worth, (subjects)^2 / sum of the squares of how often each is drawn (``effective``); by
             ``frequency``, kHz, 10, 50 and 90 % of the levels ``recorded``, or of the norm, and of those the subjects
             came with (``drawn``), dB HL, and how far the shares at or below a level of both lie apart at most
             (``apart``)
    """
    population, use = study.population(columns), study.tables.population
    if population is None or use is None:
        return {}
    about: dict[str, object] = {"entry": use.entry, "ear": study.ear}
    if population.recorded is None:
        beside = _by_norm(study, population, next(iter(columns.values())).size)
        return about | beside if beside else {}
    frequency, levels, drawn = population.recorded
    counts = np.bincount(drawn)
    about |= {
        "people": len(levels),
        "effective": float(drawn.size**2 / np.sum(counts.astype(float) ** 2)),
    }
    return about | _beside(frequency, levels, population.baseline(frequency)[:, 0], levels[drawn])


def _by_norm(study: Study, population: Population, subjects: int) -> dict[str, object]:
    """The subjects beside people of their norm who differ from each other, and in nothing that is not known."""
    low, high = population.covered
    frequency = np.array([tone for tone in _AT if low <= tone <= high])
    if not frequency.size:
        return {}
    own = [replace(p, shape="fixed") for p in study.parameters.values() if p.name.startswith("populations.")]
    like = study.population(draw_columns(own, 0, 0, _NORM, _NORM))
    assert like is not None  # the study has a population
    norm, came = (
        np.broadcast_to(group.baseline(frequency)[:, 0], (number, frequency.size))
        for group, number in ((like, _NORM), (population, subjects))
    )
    return {"people": None, "effective": float(subjects), **_beside(frequency, norm, came, came)}


def _beside(frequency: Array, levels: Array, came: Array, drawn: Array) -> dict[str, object]:
    """The levels of those recorded, or of a norm, and of the subjects; ``drawn`` without what a reading is off."""
    spread: dict[str, object] = {
        "frequency": frequency.tolist(),
        "recorded": _tenths(levels),
        "drawn": _tenths(came),
    }
    if len(levels) > 1:
        spread["apart"] = [_apart(*pair) for pair in zip(levels.T, drawn.T, strict=True)]
    return spread


def _tenths(levels: Array) -> list[list[float]]:
    return [[float(v) for v in row] for row in np.quantile(levels, [0.1, 0.5, 0.9], axis=0)]


def _apart(recorded: Array, drawn: Array) -> float:
    """Largest difference between two samples' shares at or below a level."""
    marks = np.unique(recorded)
    below = [
        np.searchsorted(np.sort(sample), marks, side="right") / sample.size for sample in (recorded, drawn)
    ]
    return float(np.max(np.abs(below[0] - below[1])))
