"""Laboratories that are made up of the model itself, whose true numbers are known."""

import numpy as np
import pandas as pd

from otosome.fitting.free import Free
from otosome.fitting.levels import differing
from otosome.fitting.likelihood import Likelihood, wide
from otosome.fitting.observations import Observations, Readings
from otosome.forward import endpoint, evaluate, plan
from otosome.roles import Reading
from otosome.study import Study

FREE = ("insults.noise.ohc", "insults.noise.irritation")
VALUES = {
    "otosome": "study/1",
    "title": "Two noises",
    "species": "mouse",
    "insult": {
        name: {
            "entry": "noise",
            "level": level,
            "band": ["8 kHz", "16 kHz"],
            "duration": "2 h",
            "at": ["0 h"],
        }
        for name, level in (("soft", "97 dB SPL"), ("loud", "104 dB SPL"))
    },
    "arm": [{"name": "soft", "insults": ["soft"]}, {"name": "loud", "insults": ["loud"]}],
    "measure": {
        "abr": {
            "endpoint": "abr_threshold",
            "frequency": ["11.3 kHz", "22.6 kHz"],
            "at": ["-1 d", "1 d", "14 d"],
        },
    },
}


def study():
    return Study.of(VALUES)


def matched_grid(of, animals):
    """Where every animal of every arm is read once: a ``Readings`` without values."""
    moments, tones = 3, 2
    shape = (2, animals, moments, tones)
    arm, animal, time, tone = (index.ravel() for index in np.indices(shape))
    number = arm * animals + animal
    blank = Reading(np.zeros(arm.size), np.zeros(arm.size))
    return Readings("abr", arm, time, tone, number, number, blank, np.arange(1, arm.size + 1))


def laboratory(of, deviates, animals=4, seed=1):
    """Readings of so many animals in each arm, under deviates of ``FREE``."""
    free = Free.of(of, FREE)
    grid = matched_grid(of, animals)
    names = tuple(f"m{n}" for n in range(2 * animals))
    blank = Observations((grid,), names, {})
    likelihood = Likelihood.of(free, blank)
    luck = np.random.default_rng(seed)
    count = 2 * animals
    columns = free.columns(np.repeat(np.atleast_2d(deviates), count, axis=0))
    for p in differing(of, None):
        apart = np.hypot(p.runs, p.subjects) * luck.normal(size=count)
        columns[p.name] = columns[p.name] + apart if p.additive else columns[p.name] * np.exp(apart)
    columns = {**columns, **likelihood.ears["abr"].columns(columns, luck.normal(size=(count, 1)))}
    whole, measure = wide(columns, count), of.tables.measure["abr"]
    # Each animal goes through its own arm alone.
    true = np.concatenate([_through(of, arm, whole, grid) for arm in range(len(of.tables.arm))])
    own = true[grid.animal, grid.time, grid.tone]
    bound = endpoint(of, measure, {n: c[:1] for n, c in whole.items()})
    reading = bound.read(own[None, None], luck.uniform(size=own.size)[None, None])
    readings = Readings(
        "abr",
        grid.arm,
        grid.time,
        grid.tone,
        grid.animal,
        grid.ear,
        Reading(reading.value[0, 0], reading.censored[0, 0]),
        grid.row,
    )
    return likelihood.seeing(Observations((readings,), names, {}))


def _through(of, arm, columns, grid):
    """True values of the animals of an arm, which stand beside each other: (animal, moment, tone)."""
    rows = np.unique(grid.animal[grid.arm == arm])
    steps = plan(of, [of.tables.arm[arm].name])
    some = {name: column[rows] for name, column in columns.items()}
    return evaluate(steps, some, steps.times)["abr"][:, 0]


def table(of, observed):
    """Observations as the table that an import writes."""
    words = {-1.0: "below", 0.0: "none", 1.0: "above"}
    (some,) = observed.readings
    measure = of.tables.measure["abr"]
    times = np.array([float(t) for t in measure.at])
    return pd.DataFrame(
        {
            "subject": [observed.animals[n] for n in some.animal],
            "ear": "left",
            "group": [of.tables.arm[n].name for n in some.arm],
            "time": times[some.time],
            "quantity": "abr_threshold",
            "frequency": np.array(measure.tones)[some.tone],
            "place": np.nan,
            "value": some.reading.value,
            "unit": "dB SPL",
            "level": np.nan,
            "censored": [words[c] for c in some.reading.censored],
            "flag": "",
            "file": "made_up.csv",
            "sha256": "0",
        }
    )
