"""Measured readings laid over a simulation: where they leave its bands, with counts, and how well it predicted them.

A band holds 5 to 95 % of the readings of single simulated ears, each with the error of its instrument. The log score is
the mean log-probability of a reading, given the simulated ears; the continuous ranked probability score (CRPS) is in
the measure's own unit. Higher is better of the first, lower of the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.numbers import Interval, ShareInterval, amount, interval, share_interval
from otosome.fitting.assays import written
from otosome.fitting.observations import Observations, Readings
from otosome.fitting.used import used
from otosome.forward import endpoint
from otosome.roles import Endpoint, Reading
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from otosome.ears import Ears
    from otosome.study import Study


# The numbers of an arm, a moment and a tone.
Place = tuple[int, int, int]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Cell:
    """The readings of one arm, measure, moment (h) and tone (kHz; None for words) beside what was simulated.

    ``readings``  how many;  ``median``  of them, printed in ``text``;  ``simulated``  readings of single ears
    ``below`` ``above``  how many leave the band;  ``inside``  whether their median lies in it
    """

    arm: str
    measure: str
    time: float
    tone: float | None
    readings: int
    median: float
    text: str
    simulated: Interval
    below: int
    above: int
    inside: bool


@dataclass(frozen=True)
class Total:
    """All readings of a measure: the share inside the bands, the medians inside, and both scores.

    ``log_score``  mean log-probability of a reading (density where readings are not on a grid), natural logarithm
    ``crps``       in ``unit``
    """

    measure: str
    unit: str
    readings: int
    animals: int
    inside: ShareInterval
    medians: int
    medians_inside: int
    log_score: float
    crps: float
    crps_text: str


@dataclass(frozen=True)
class Against:
    """Measured readings against a simulation, a row each arm, measure, moment and tone.

    ``unmatched``  how many readings have no place in the study, by the reason
    ``inputs``     SHA-256 of the files they came from
    ``basis``      how readings in a laboratory's own units became shares of the healthy number, in words
    ``used``       whether they can test the study at all, in sentences: none where its numbers are of no readings
    """

    cells: list[Cell]
    totals: list[Total]
    unmatched: dict[str, int]
    inputs: dict[str, str]
    basis: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)


def against(study: Study, result: xr.Dataset, ears: Ears, observed: Observations) -> Against:
    """Measured readings over the simulated ears of a result.

    ``ears``  the result was made with
    """
    cells, totals = list[Cell](), list[Total]()
    for readings in observed.readings:
        simulated = Simulated.of(study, result, ears, readings.measure)
        own = [simulated.cell(readings.take(same(readings, *place))) for place in distinct(readings)]
        cells += [cell for cell, _, _ in own]
        totals.append(_total(readings, simulated.unit, own))
    fitted_to = used(study, observed.inputs)
    return Against(cells, totals, observed.unmatched, observed.inputs, list(observed.basis), fitted_to)


def distinct(readings: Readings) -> list[Place]:
    """Where some readings are, each place once."""
    places = np.unique(np.stack([readings.arm, readings.time, readings.tone]), axis=1)
    return [(int(arm), int(time), int(tone)) for arm, time, tone in places.T]


def same(readings: Readings, arm: int, time: int, tone: int) -> Flags:
    """Which readings are of a place, shape (reading,)."""
    return (readings.arm == arm) & (readings.time == time) & (readings.tone == tone)


@dataclass(frozen=True)
class Simulated:
    """A measure of all ears of a result, with the endpoint that reads it.

    ``unit``  in which it is written, of which one of its own is ``scale``
    """

    study: Study
    result: xr.Dataset
    ears: Ears
    measure: str
    unit: str
    scale: float

    @classmethod
    def of(cls, study: Study, result: xr.Dataset, ears: Ears, measure: str) -> Simulated:
        """A measure of the ears that a result could compute."""
        sound = ears.pick(result["subject"].to_numpy())
        return cls(study, result, sound, measure, *written(study, measure))

    @cached_property
    def _bound(self) -> Endpoint:
        return endpoint(self.study, self.study.tables.measure[self.measure], self.ears)

    def _true(self, place: Place) -> Array:
        arm, at, tone = place
        kilohertz = self.study.tables.measure[self.measure].tones[tone]
        return np.asarray(
            self.result[self.measure].isel(arm=arm, time=at).sel(frequency=kilohertz).to_numpy()
        )

    def drawn(self, place: Place) -> Array:
        """A reading of each ear at a place, shape (ear,)."""
        true = self._true(place)
        # Luck of its own at each place: errors of one ear are independent.
        order = np.random.default_rng([self.ears.seed, *place]).permutation(true.size)
        luck = (order + 0.5) / true.size
        return self._bound.read(true[:, None, None], luck[:, None, None]).value.ravel()

    def band(self, place: Place) -> tuple[float, float]:
        """5 and 95 % of the readings of single ears at a place."""
        low, high = np.quantile(self.drawn(place), [0.05, 0.95])
        return float(low), float(high)

    @staticmethod
    def beyond(reading: Reading, low: float, high: float) -> tuple[Flags, Flags]:
        """Which readings lie below a band and which above; one beyond a limit may lie in any band on its far side."""
        value, censored = reading.value, reading.censored
        return (value < low) & (censored <= 0), (value > high) & (censored >= 0)

    def cell(self, readings: Readings) -> tuple[Cell, Array, Array]:
        """The readings of one place beside the simulated ones, with the log score and the CRPS of each."""
        arm, at, tone = place = distinct(readings)[0]
        measure = self.study.tables.measure[self.measure]
        kilohertz = measure.tones[tone]
        true, bound = self._true(place), self._bound
        drawn = self.drawn(place)
        value, censored = readings.reading.value, readings.reading.censored
        chance = bound.log_likelihood(
            Reading(value[None, None, :], censored[None, None, :]),
            np.broadcast_to(true[:, None, None], (true.size, 1, value.size)),
        )[:, 0]
        low, high = self.band(place)
        below, above = self.beyond(readings.reading, low, high)
        median = float(np.median(value))
        shown = self.scale * median
        cell = Cell(
            arm=str(self.result["arm"].to_numpy()[arm]),
            measure=self.measure,
            time=float(self.result["time"].to_numpy()[at]),
            tone=None if measure.frequency is None else float(kilohertz),
            readings=value.size,
            median=shown,
            text=amount(shown, self.unit),
            simulated=interval(self.scale * drawn, self.unit),
            below=int(below.sum()),
            above=int(above.sum()),
            inside=bool(low <= median <= high) or _open(readings, median, low, high),
        )
        return cell, _log_mean(chance), self.scale * _ranked(readings.reading, drawn)


def _open(readings: Readings, median: float, low: float, high: float) -> bool:
    """Whether a median that lies outside a band is only known to lie beyond a limit, on the side of the band."""
    at = readings.reading.censored[readings.reading.value == median]
    return bool((median > high and np.any(at < 0)) or (median < low and np.any(at > 0)))


def _ranked(reading: Reading, drawn: Array) -> Array:
    """CRPS of readings; of one beyond a limit, with what is simulated beyond it there as well."""
    ranked = np.empty(reading.value.size)
    for side, bound in ((-1.0, np.maximum), (0.0, None), (1.0, np.minimum)):
        for limit in np.unique(reading.value[reading.censored == side]) if bound else (np.nan,):
            rows = (reading.censored == side) & ((reading.value == limit) if bound else True)
            some = drawn if bound is None else bound(drawn, limit)
            ranked[rows] = crps(reading.value[rows], some)
    return ranked


def _log_mean(logs: Array) -> Array:
    """Logarithm of the mean over ears, shape (reading,), of log-probabilities of shape (ear, reading)."""
    top = np.maximum(logs.max(axis=0), -1e300)
    return np.asarray(top + np.log(np.mean(np.exp(logs - top), axis=0)))


def crps(value: Array, drawn: Array) -> Array:
    """Continuous ranked probability score of readings (reading,) under simulated ones (ear,), in their unit.

    E|X - y| - E|X - X'| / 2 (Gneiting and Raftery, J Am Stat Assoc 2007), both means over all ears.
    """
    order = np.sort(drawn)
    rank = 2.0 * np.arange(1, order.size + 1) - order.size - 1.0
    apart = float(rank @ order) / order.size**2
    return np.asarray(np.abs(value[:, None] - order[None, :]).mean(axis=1) - apart)


def _total(readings: Readings, unit: str, cells: list[tuple[Cell, Array, Array]]) -> Total:
    outside = sum(cell.below + cell.above for cell, _, _ in cells)
    score = float(np.mean(np.concatenate([logs for _, logs, _ in cells])))
    ranked = float(np.mean(np.concatenate([own for _, _, own in cells])))
    return Total(
        measure=readings.measure,
        unit=unit,
        readings=readings.size,
        animals=int(np.unique(readings.animal).size),
        inside=share_interval(readings.size - outside, readings.size),
        medians=len(cells),
        medians_inside=sum(cell.inside for cell, _, _ in cells),
        log_score=round(score, 3),
        crps=ranked,
        crps_text=amount(ranked, "dB" if unit.startswith("dB") else unit),
    )


def table(laid: Against) -> pd.DataFrame:
    """The rows as a table, the interval as three columns."""
    import pandas as pd

    rows = [
        {
            **vars(cell),
            **{f"simulated_{end}": getattr(cell.simulated.exact, end) for end in ("low", "median", "high")},
        }
        for cell in laid.cells
    ]
    return pd.DataFrame(rows).drop(columns=["simulated", "text"] if rows else [])


def notes(laid: Against) -> list[str]:
    """What was measured and has no place in the study, and what leaves the bands, in sentences."""
    gone = [f"{count} readings are not compared: {reason}." for reason, count in laid.unmatched.items()]
    apart = [
        f"{total.medians - total.medians_inside} of {total.medians} medians of groups lie outside what single "
        f"simulated ears read in {total.measure}."
        for total in laid.totals
        if total.medians_inside < total.medians
    ]
    return apart + [f"{words}." for words in laid.basis] + gone
