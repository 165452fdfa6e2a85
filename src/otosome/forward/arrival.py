"""Ears that could be one person's, weighed by what else was read of the ear; and those of people chosen by a reading.

Both are candidates drawn again. What is not known of all ears stays as it was drawn: readings weigh the ears of a
world against each other, and no world against another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from otosome.errors import BadInput
from otosome.evidence import draw_columns, uniforms
from otosome.forward.block import Block
from otosome.forward.planning import plan
from otosome.roles import Population, Reading
from otosome.study import Study
from otosome.units import Array, Plain, quantity

# Candidates for each ear, and how many go through together.
CANDIDATES = 40
_TOGETHER = 400
# What a norm is shown at, kHz, and by how many people of it.
_AT = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
_NORM = 4000


def arrive(study: Study, subjects: int, seed: int, world: int) -> tuple[dict[str, Array], Plain]:
    """Ears as what was told of the person leaves them, and how many candidates of each world count.

    returns  a column per number, shape (subject,); the effective number of candidates, (sum of weights)^2 / sum of
             their squares, shape (world,), of ``CANDIDATES`` times ``world``
    raises   BadInput where no candidate of some world could have been read so at all
    """
    many, worlds = CANDIDATES * world, -(-subjects // world)
    columns = draw_columns(study.parameters.values(), seed, 0, worlds * many, many)
    logs = likelihood(study, columns).reshape(worlds, many)
    if not np.all(np.isfinite(logs.max(axis=1))):
        raise BadInput(
            "no ear that hears so could have been read so", key="population.readings",
            given=[told.measure.endpoint for told in study.told],
            cure="look for a slip in what was read besides the audiogram",
        )  # fmt: skip
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    rows = _chosen(weights, seed, world)[:subjects]
    return {name: column[rows] for name, column in columns.items()}, 1.0 / np.sum(weights**2, axis=1)


def enrol(study: Study, subjects: int, seed: int, world: int) -> tuple[dict[str, Array], dict[str, object]]:
    """Ears of people who were taken in for what they were read at as they came, and what that alone makes of it.

    Who is read low by bad luck is taken in more often than who is read high, so that all seem better the next time:
    regression to the mean, the same in every arm.

    returns  a column per number, shape (subject,); the ``share`` of candidates taken in, the mean of what those
             were ``read`` at, and in each world how far their true mean lies from it (``regressed``)
    raises   BadInput where in some world nobody would have been taken in
    """
    many, worlds = CANDIDATES * world, -(-subjects // world)
    columns = draw_columns(study.parameters.values(), seed, 0, worlds * many, many)
    read, true = _screened(study, columns, seed)
    taken = _taken_in(study, read).reshape(worlds, many)
    if not np.all(taken.any(axis=1)):
        raise BadInput(
            "nobody would have been taken in", file=study.name, key="enrolment",
            given=f"readings from {read.min():g} to {read.max():g}",
            cure="widen what is taken in, or study people of whom more would be",
        )  # fmt: skip
    rows = _chosen(taken / taken.sum(axis=1, keepdims=True), seed, world)
    change = (true - read)[rows].reshape(worlds, world).mean(axis=1)
    told = {"share": float(taken.mean()), "read": float(read[rows].mean()), "regressed": change.tolist()}
    return {name: column[rows[:subjects]] for name, column in columns.items()}, told


def _screened(study: Study, columns: dict[str, Array], seed: int) -> tuple[Array, Array]:
    """What each ear was read at before anything was done, and what is true of it, mean over frequency: (subject,)."""
    assert study.tables.enrolment is not None  # asked for by who calls
    measure = study.tables.measure[study.tables.enrolment.measure]
    tones = np.array(measure.tones)
    read, true = [], []
    for start, block in _blocks(study, columns):
        bound, value = block.came(measure, tones)
        ends = tones.size * np.array([start, start + block.subjects])
        luck = uniforms(seed, "enrolment", int(ends[0]), int(ends[1])).reshape(value.shape)
        read.append(bound.read(value, luck).value[:, 0].mean(axis=-1))
        true.append(value[:, 0].mean(axis=-1))
    return np.concatenate(read), np.concatenate(true)


def _taken_in(study: Study, read: Array) -> NDArray[np.bool_]:
    stated = study.tables.enrolment
    assert stated is not None  # as above
    unit = study.unit(stated.measure)
    low, high = (
        beyond if text is None else quantity(text, unit)
        for text, beyond in ((stated.lowest, -np.inf), (stated.highest, np.inf))
    )
    return np.asarray((read >= low) & (read <= high))


def _chosen(weights: Plain, seed: int, world: int) -> NDArray[np.intp]:
    """Rows of candidates, as many for each world as it has ears; ``weights`` (world, candidate)."""
    many = weights.shape[1]
    return np.concatenate([again(one, world, seed, w) + w * many for w, one in enumerate(weights)])


def again(weights: Plain, number: int, seed: int, world: int) -> NDArray[np.intp]:
    """Candidates drawn again in proportion to their weights, in an order of no meaning: systematic resampling."""
    start = uniforms(seed, "arrival/start", world, world + 1)
    marks = (np.arange(number) + start) / number
    sums = np.cumsum(weights)
    found = np.searchsorted(sums / sums[-1], marks)
    order = np.argsort(uniforms(seed, "arrival/order", world * number, (world + 1) * number))
    return np.asarray(found[order], dtype=np.intp)


def likelihood(study: Study, columns: dict[str, Array]) -> Array:
    """Log-likelihood of what was told besides the audiogram, for each ear, shape (subject,)."""
    return np.concatenate([_of_block(block) for _, block in _blocks(study, columns)])


def _blocks(study: Study, columns: dict[str, Array]) -> Iterator[tuple[int, Block]]:
    """Candidates so many at a time, with the number of the first."""
    made, total = plan(study), next(iter(columns.values())).size
    for start in range(0, total, _TOGETHER):
        few = {name: column[start : start + _TOGETHER] for name, column in columns.items()}
        yield start, Block(made, few)


def _of_block(block: Block) -> Array:
    found = np.zeros(block.subjects)
    for told in block.study.told:
        bound, value = block.came(told.measure, told.frequency)
        reading = Reading(*(np.broadcast_to(part, value.shape) for part in (told.value, told.censored)))
        found += bound.log_likelihood(reading, value)[:, 0].sum(axis=-1)
    return found


def people(study: Study, columns: dict[str, Array]) -> dict[str, object]:
    """Who the subjects are beside whom a file recorded, or beside the norm they come from; nothing without either.

    returns  ``entry``; the one person's ``ear``; ``people`` in the file, none of a norm; how many different ones the
             subjects are worth, (subjects)^2 / sum of the squares of how often each is drawn (``effective``); by
             ``frequency``, kHz, 10, 50 and 90 % of the levels ``recorded``, or of the norm, and of those the subjects
             came with (``drawn``), dB HL, and how far the shares at or below a level of both lie apart at most
             (``apart``)
    """
    found, use = study.population(columns), study.tables.population
    if found is None or use is None:
        return {}
    told: dict[str, object] = {"entry": use.entry, "ear": study.ear}
    if found.recorded is None:
        beside = _by_norm(study, found, next(iter(columns.values())).size)
        return told | beside if beside else {}
    frequency, levels, drawn = found.recorded
    counts = np.bincount(drawn)
    told |= {
        "people": len(levels),
        "effective": float(drawn.size**2 / np.sum(counts.astype(float) ** 2)),
    }
    return told | _beside(frequency, levels, found.baseline(frequency)[:, 0], levels[drawn])


def _by_norm(study: Study, found: Population, subjects: int) -> dict[str, object]:
    """The subjects beside people of their norm who differ from each other, and in nothing that is not known."""
    low, high = found.covered
    frequency = np.array([tone for tone in _AT if low <= tone <= high])
    if not frequency.size:
        return {}
    own = [replace(p, shape="fixed") for p in study.parameters.values() if p.name.startswith("populations.")]
    like = study.population(draw_columns(own, 0, 0, _NORM, _NORM))
    assert like is not None  # the study has a population
    norm, came = (
        np.broadcast_to(one.baseline(frequency)[:, 0], (number, frequency.size))
        for one, number in ((like, _NORM), (found, subjects))
    )
    return {"people": None, "effective": float(subjects), **_beside(frequency, norm, came, came)}


def _beside(frequency: Array, levels: Array, came: Array, drawn: Array) -> dict[str, object]:
    """The levels of those recorded, or of a norm, and of the subjects; ``drawn`` without what a reading is off."""
    told: dict[str, object] = {
        "frequency": frequency.tolist(),
        "recorded": _tenths(levels),
        "drawn": _tenths(came),
    }
    if len(levels) > 1:
        told["apart"] = [_apart(*pair) for pair in zip(levels.T, drawn.T, strict=True)]
    return told


def _tenths(levels: Array) -> list[list[float]]:
    return [[float(v) for v in row] for row in np.quantile(levels, [0.1, 0.5, 0.9], axis=0)]


def _apart(recorded: Array, drawn: Array) -> float:
    """Largest difference between two samples' shares at or below a level."""
    marks = np.unique(recorded)
    below = [
        np.searchsorted(np.sort(sample), marks, side="right") / sample.size for sample in (recorded, drawn)
    ]
    return float(np.max(np.abs(below[0] - below[1])))
