"""Readings left out, foretold from a fit and from the animals of the same run that were fitted.

Animals exposed at once are alike: what the others of its run read says where an animal may be. A reading is foretold by
itself, as any one of an animal of which nothing else is known; the mean and standard deviation of its group among the
fitted animals is the rival.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from otosome.answers.numbers import ShareInterval, share_interval
from otosome.fitting.likelihood import IMPOSSIBLE, Likelihood
from otosome.fitting.observations import Observations, Readings
from otosome.fitting.score import group_logs
from otosome.forward import endpoint
from otosome.roles import Endpoint, Reading
from otosome.units import Array

# A reading is inside where so much lies to either side of it.
_OUTSIDE = 0.05


@dataclass(frozen=True)
class Rows:
    """Readings of one measure left out, arrays of shape (reading,).

    ``unit``  whose readings these are, for the error of a mean: the run, or the animal where runs are not known, or
              the ear of a single animal
    ``log``   log-probability by the fit;  ``rival``  by mean and SD of the group, NaN where that is of too few
    ``inside``  whether it lies within 5 to 95 % of what is foretold
    """

    measure: str
    unit: Array
    log: Array
    rival: Array
    inside: Array


@dataclass(frozen=True)
class LeftOut:
    """How well readings that were left out were foretold, of a measure or of all.

    ``log_score``  mean log-probability of a reading
    ``rival``      the same by mean and SD of its group, of readings that have these
    ``gain``       mean of log-probability less the rival's, of these;  ``gain_error``  its standard error, from how
                   much ``units`` (runs, animals or ears) differ
    ``inside``     share of all readings within 5 to 95 % of what was foretold
    """

    measure: str
    readings: int
    units: int
    log_score: float
    rival: float
    gain: float
    gain_error: float
    inside: ShareInterval


def foretold(
    likelihood: Likelihood, vectors: Array, left: Observations, beside: int | None = None
) -> list[Rows]:
    """Readings left out, under vectors of deviates (lane, number) of equal weight, by a likelihood of those fitted.

    ``beside``  number of the arm whose means are the rival; None for those of each reading's own
    """
    rows = list[Rows]()
    study, observed = likelihood.free.study, likelihood.observed
    fitted = {some.measure: some for some in observed.readings}
    points = [likelihood.points(vector[None]) for vector in vectors]
    for some in left.readings:
        if some.measure not in fitted:
            continue
        each = [
            _of_vector(likelihood, vector[None], chance, some)
            for vector, chance in zip(vectors, points, strict=True)
        ]
        own, below, above = (np.mean(np.exp(parts), axis=0) for parts in zip(*each, strict=True))
        rows.append(
            Rows(
                some.measure,
                _units(some, observed),
                np.log(own + 1e-300),
                group_logs(study, fitted[some.measure], some, beside),
                (below >= _OUTSIDE) & (above >= _OUTSIDE),
            )
        )
    return rows


def _units(some: Readings, observed: Observations) -> Array:
    """Whose readings these are: of which run or animal, or of which ear where all are of one animal."""
    if observed.run is not None:
        return np.asarray(observed.run[some.animal])
    return np.asarray(some.animal if np.unique(some.animal).size > 1 else some.ear)


def _of_vector(
    likelihood: Likelihood, vector: Array, chance: Array, some: Readings
) -> tuple[Array, Array, Array]:
    """Log-probabilities (reading,) of each reading, of one as low, and of one as high, under one vector (1, number).

    ``chance``  of each point along the animals' first axis, for each animal, (1, point, animal)
    """
    study = likelihood.free.study
    bound = endpoint(study, study.tables.measure[some.measure], likelihood.free.columns(vector))
    true = likelihood.true_values(vector, some)
    lanes, nodes, ears = true.shape[:3]
    logs = []
    for censored in (some.reading.censored, np.full(some.size, -1.0)):
        reading = Reading(some.reading.value[None, None], censored[None, None])
        with np.errstate(divide="ignore"):
            each = bound.log_likelihood(reading, true.reshape(lanes, nodes * ears, -1))
        of_animals = chance[:, :, some.animal]
        logs.append(likelihood.animal_mean(np.maximum(each, IMPOSSIBLE), of_animals, some.measure)[0])
    own, low = logs
    return own, *_sides(bound, some.reading, own, low)


def _sides(bound: Endpoint, reading: Reading, own: Array, low: Array) -> tuple[Array, Array]:
    """Log-probabilities of a reading as low as each and of one as high; one beyond a limit is as far as any."""
    atom = np.exp(own) if hasattr(bound, "grid") else 0.0
    with np.errstate(divide="ignore"):
        high = np.log(np.clip(1.0 - np.exp(low) + atom, 0.0, 1.0))
    below = np.where(reading.censored > 0, 0.0, np.where(reading.censored < 0, own, low))
    above = np.where(reading.censored < 0, 0.0, np.where(reading.censored > 0, own, high))
    return below, above


def summary(rows: Iterable[Rows]) -> list[LeftOut]:
    """Of each measure, and of all where there are several, how well it was foretold."""
    by_measure: dict[str, list[Rows]] = {}
    for some in rows:
        by_measure.setdefault(some.measure, []).append(some)
    each = {measure: _joined(parts) for measure, parts in by_measure.items()}
    if len(each) > 1:
        each["all"] = replace(_joined(list(each.values())), measure="all")
    return [_summary(some) for some in each.values()]


def _joined(parts: list[Rows]) -> Rows:
    keys = ("unit", "log", "rival", "inside")
    return Rows(parts[0].measure, *(np.concatenate([getattr(part, key) for part in parts]) for key in keys))


def _summary(rows: Rows) -> LeftOut:
    known = np.isfinite(rows.rival)
    gains, units = rows.log[known] - rows.rival[known], rows.unit[known]
    names, unit = np.unique(units, return_inverse=True)
    many = gains.size
    mean = float(gains.mean()) if many else float("nan")
    # A mean over readings whose errors go together within a unit.
    sums = np.bincount(unit.reshape(-1), gains - mean, names.size)
    freedom = names.size / max(names.size - 1, 1)
    error = float(np.sqrt(freedom * np.sum(sums**2)) / many) if names.size > 1 else float("nan")
    return LeftOut(
        rows.measure,
        rows.log.size,
        int(np.unique(rows.unit).size),
        float(rows.log.mean()),
        float(rows.rival[known].mean()) if many else float("nan"),
        mean,
        error,
        share_interval(int(rows.inside.sum()), rows.inside.size),
    )
