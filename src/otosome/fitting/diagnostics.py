"""How readings lie among those that a fit predicts: residuals, prediction errors, and a visual predictive check.

Each reading has its rank among simulated ones of the same place, as a normal deviate. Where a fit is right these are
standard normal; readings of one ear go together as those of simulated ears do, and without that they are independent:
normalised prediction distribution errors (npde; Brendel and others, Pharm Res 2006). A reading beyond a limit takes a
place at random among the simulated ones beyond it, and so do equal readings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from otosome.answers.numbers import number
from otosome.fitting.against import Place, Simulated, distinct, same
from otosome.fitting.assays import in_ratios
from otosome.fitting.observations import Observations, Readings
from otosome.roles import Reading
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr

    from otosome.ears import Ears
    from otosome.study import Study

# Percentiles of a visual predictive check, and replicates that say how far they vary.
LEVELS = (0.05, 0.5, 0.95)
_REPLICATES = 300
# Added to correlations of one with itself, so that an ear read twice at one place still has an inverse.
_RIDGE = 1e-3


@dataclass(frozen=True)
class Residual:
    """A reading beside the median of simulated ones.

    ``row``       of its table, from 1;  ``tone``  kHz, None for words and concentrations;  ``censored``  -1, 0 or 1
    ``residual``  value less the prediction; of a concentration the logarithm of their ratio
    ``rank``      share of simulated readings below it, 0 to 1;  ``npde``  see above
    """

    measure: str
    row: int
    subject: str
    arm: str
    time: float
    tone: float | None
    value: float
    censored: int
    foretold: float
    residual: float
    rank: float
    npde: float


@dataclass(frozen=True)
class Checked:
    """5, 50 and 95 % of the readings of an arm at one moment or tone, and what they are in simulated experiments.

    ``at``    h where ``over`` is "time", kHz where it is "tone"; readings of other tones or moments are moved by what
              was predicted there to the middle of all (prediction-corrected)
    ``observed`` ``low`` ``median`` ``high``  one for each percentile; 5, 50 and 95 % of 300 simulated experiments
    """

    measure: str
    arm: str
    over: str
    at: float
    readings: int
    observed: tuple[float, float, float]
    low: tuple[float, float, float]
    median: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True)
class Calibration:
    """Mean and standard deviation of a measure's npde, 0 and 1 where the fit is right, and what they say."""

    measure: str
    readings: int
    mean: float
    sd: float
    text: str


@dataclass(frozen=True)
class Diagnostics:
    """All readings of a fit among those it predicts."""

    residuals: list[Residual]
    checked: list[Checked]
    calibration: list[Calibration]


def diagnostics(
    study: Study, result: xr.Dataset, ears: Ears, observed: Observations, seed: int
) -> Diagnostics:
    """Residuals, npde and predictive checks of readings over simulated ears.

    ``ears``  the result was made with;  ``seed``  of places at random
    """
    luck = np.random.default_rng(seed)
    residuals, checked, calibration = list[Residual](), list[Checked](), list[Calibration]()
    for readings in observed.readings:
        simulated = Simulated.of(study, result, ears, readings.measure)
        drawn = {place: simulated.drawn(place) for place in distinct(readings)}
        ranks = _ranks(readings, drawn, luck)
        errors = _errors(readings, drawn, ndtri(ranks), luck)
        residuals += _residuals(study, result, observed, readings, drawn, ranks, errors)
        checked += _checked(study, result, readings, drawn, luck)
        calibration.append(_calibration(readings.measure, errors))
    return Diagnostics(residuals, checked, calibration)


def _places(readings: Readings) -> list[Place]:
    return [
        (int(a), int(t), int(f)) for a, t, f in zip(readings.arm, readings.time, readings.tone, strict=True)
    ]


def rank(reading: Reading, drawn: Array, luck: Array) -> Array:
    """Share of drawn readings (ear,) below each reading (reading,), 0 to 1; ``luck`` (reading,) places equal ones.

    A reading that is censored below lies among all that are as low, and one that is censored above among all as high.
    """
    order = np.sort(drawn)
    below = np.searchsorted(order, reading.value, side="left").astype(float)
    up_to = np.searchsorted(order, reading.value, side="right").astype(float)
    below = np.where(reading.censored < 0, 0.0, below)
    up_to = np.where(reading.censored > 0, order.size, up_to)
    return np.asarray((below + luck * (up_to - below + 1.0)) / (order.size + 1.0))


def _ranks(readings: Readings, drawn: Mapping[Place, Array], luck: np.random.Generator) -> Array:
    ranks = np.empty(readings.size)
    for place, values in drawn.items():
        rows = same(readings, *place)
        some = Reading(readings.reading.value[rows], readings.reading.censored[rows])
        ranks[rows] = rank(some, values, luck.uniform(size=int(rows.sum())))
    return ranks


def _errors(
    readings: Readings, drawn: Mapping[Place, Array], deviates: Array, luck: np.random.Generator
) -> Array:
    """The deviates of each ear's readings without what goes together in simulated ears, shape (reading,)."""
    order = {place: number for number, place in enumerate(drawn)}
    scores = np.stack([_scores(values, luck) for values in drawn.values()], axis=1)
    errors, at = np.empty(readings.size), np.array([order[place] for place in _places(readings)])
    for ear in np.unique(readings.ear):
        rows = np.flatnonzero(readings.ear == ear)
        together = np.atleast_2d(np.corrcoef(scores[:, at[rows]].T)) + _RIDGE * np.eye(rows.size)
        errors[rows] = np.linalg.solve(np.linalg.cholesky(together / (1.0 + _RIDGE)), deviates[rows])
    return errors


def _scores(values: Array, luck: np.random.Generator) -> Array:
    """Normal deviates of the ranks of values; equal ones stand in random order."""
    order = np.lexsort((luck.uniform(size=values.size), values))
    ranks = np.empty(values.size)
    ranks[order] = (np.arange(values.size) + 0.5) / values.size
    return np.asarray(ndtri(ranks))


def _residuals(
    study: Study,
    result: xr.Dataset,
    observed: Observations,
    readings: Readings,
    drawn: Mapping[Place, Array],
    ranks: Array,
    errors: Array,
) -> list[Residual]:
    measure, times = study.tables.measure[readings.measure], result["time"].to_numpy()
    ratio = in_ratios(study, readings.measure)
    foretold = {place: float(np.median(values)) for place, values in drawn.items()}
    rows = list[Residual]()
    for n, place in enumerate(_places(readings)):
        value, middle = float(readings.reading.value[n]), foretold[place]
        apart = float(np.log(value / max(middle, 1e-300))) if ratio else value - middle
        rows.append(
            Residual(
                readings.measure,
                int(readings.row[n]),
                observed.animals[int(readings.animal[n])],
                study.tables.arm[place[0]].name,
                float(times[place[1]]),
                None if measure.frequency is None else float(measure.tones[place[2]]),
                value,
                int(readings.reading.censored[n]),
                middle,
                apart,
                float(ranks[n]),
                float(errors[n]),
            )
        )
    return rows


def _checked(
    study: Study,
    result: xr.Dataset,
    readings: Readings,
    drawn: Mapping[Place, Array],
    luck: np.random.Generator,
) -> list[Checked]:
    """A check of each arm over its moments, or over its tones where it has one moment."""
    measure, times = study.tables.measure[readings.measure], result["time"].to_numpy()
    ratio = in_ratios(study, readings.measure)
    rows = list[Checked]()
    for arm in np.unique(readings.arm):
        places = [place for place in drawn if place[0] == arm]
        over = "time" if len({place[1] for place in places}) > 1 or measure.frequency is None else "tone"
        axis = 1 if over == "time" else 2
        for step in sorted({place[axis] for place in places}):
            some = {place: drawn[place] for place in places if place[axis] == step}
            at = float(times[step]) if over == "time" else float(measure.tones[step])
            count = int(sum(same(readings, *place).sum() for place in some))
            ends = _ends(*_percentiles(readings, some, ratio, luck))
            rows.append(Checked(readings.measure, study.tables.arm[arm].name, over, at, count, *ends))
    return rows


def _ends(of_readings: Array, simulated: Array) -> list[tuple[float, float, float]]:
    """Percentiles of readings, and 5, 50 and 95 % of those of replicates (replicate, level), a triple each."""
    return [
        (float(a), float(b), float(c)) for a, b, c in (of_readings, *np.quantile(simulated, LEVELS, axis=0))
    ]


def _percentiles(
    readings: Readings, drawn: Mapping[Place, Array], ratio: bool, luck: np.random.Generator
) -> tuple[Array, Array]:
    """Percentiles of readings moved to the middle of all places, (level,), and of replicates, (replicate, level)."""
    scale = (lambda v: np.log(np.maximum(v, 1e-300))) if ratio else np.asarray
    middles = {place: float(np.median(scale(values))) for place, values in drawn.items()}
    middle = float(np.median(list(middles.values())))
    real, replicates = list[Array](), list[Array]()
    for place, values in drawn.items():
        own, shift = readings.reading.value[same(readings, *place)], middle - middles[place]
        real.append(scale(own) + shift)
        replicates.append(scale(luck.choice(values, (_REPLICATES, own.size))) + shift)
    of_readings = np.quantile(np.concatenate(real), LEVELS)
    simulated = np.quantile(np.concatenate(replicates, axis=1), LEVELS, axis=1).T
    return (np.exp(of_readings), np.exp(simulated)) if ratio else (of_readings, simulated)


def _calibration(measure: str, errors: Array) -> Calibration:
    """What npde say; a mean or spread beyond twice its own error from 0 and 1 is named."""
    mean, sd, n = float(errors.mean()), float(errors.std()), errors.size
    words = []
    if abs(mean) > 2.0 / np.sqrt(n):
        words.append(
            "readings lie higher than predicted" if mean > 0 else "readings lie lower than predicted"
        )
    if abs(sd - 1.0) > 2.0 / np.sqrt(2.0 * n):
        words.append("they spread more than predicted" if sd > 1 else "they spread less than predicted")
    says = " and ".join(words) or "as predicted"
    return Calibration(measure, n, mean, sd, f"mean {number(mean, 2)} (0), SD {number(sd, 2)} (1): {says}")
