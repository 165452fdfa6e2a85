"""Level series to look at and to mark: the responses that thresholds are sought in, with what was found in them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from otosome.errors import BadInput
from otosome.laboratory.marks import THRESHOLD, WAVE, SeriesName, Value
from otosome.laboratory.series import PEOPLE, Window, prepared, series_of, window_of
from otosome.laboratory.thresholds import first_wave, upright
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Automatic:
    """What was estimated of a series: its threshold and 5 to 95 % in the unit of the levels, wave I by level."""

    threshold: Value
    low: float
    high: float
    waves: Mapping[float, Value]


@dataclass(frozen=True)
class Trace:
    """A level series as it is looked at.

    ``label``      whose, and of what stimulus
    ``levels``     rising, shape (level,);  ``responses``  uV, P1 upwards, shape (level, sample), empty where there are
                   none to be shown, from ``start`` ms after the onset;  ``rate``  kHz
    ``automatic``  what was estimated; none for the ``reason``
    """

    name: SeriesName
    label: str
    group: str
    levels: Array
    responses: Array
    start: float
    rate: float
    automatic: Automatic | None
    reason: str

    @cached_property
    def time(self) -> Array:
        """Of each sample, ms after the onset, shape (sample,)."""
        return np.asarray(self.start + np.arange(self.responses.shape[1]) / self.rate)

    def threshold(self, value: float | str) -> Value:
        """A threshold to be marked: dB, or ``above`` or ``below`` all levels; raises BadInput for one beyond them."""
        ends = {"above": self.levels[-1], "below": self.levels[0]} if self.levels.size else {}
        if isinstance(value, str):
            if value not in ends:
                raise BadInput("is no threshold", key=THRESHOLD, given=value, allowed=["a level", *ends])
            return Value(value=float(ends[value]), censored="above" if value == "above" else "below")
        if not ends or not ends["below"] <= value <= ends["above"]:
            allowed = f"{self.levels[0]:g} to {self.levels[-1]:g}" if ends else "none: it has no levels"
            raise BadInput("is no level of this series", key=THRESHOLD, given=value, allowed=allowed)
        return Value(value=round(value, 1))

    def wave(self, level: float, peak: float, trough: float) -> Value:
        """Wave I to be marked: P1 to N1 of a level, between two moments; raises BadInput for others.

        ``peak``, ``trough``  ms after the onset, each taken at the nearest sample
        """
        row = np.flatnonzero(np.isclose(self.levels, level))
        if not row.size or not self.time.size:
            raise BadInput("is no level of this series", key=WAVE, given=level, allowed=self.levels.tolist())
        if not self.time[0] <= peak < trough <= self.time[-1]:
            raise BadInput(
                "is no P1 with an N1 after it",
                key=WAVE,
                given=f"{peak:g} and {trough:g} ms",
                allowed=f"{self.time[0]:.3g} to {self.time[-1]:.3g} ms",
            )
        first, last = (int(np.abs(self.time - moment).argmin()) for moment in (peak, trough))
        wave = self.responses[row[0]]
        return Value(
            value=round(float(wave[first] - wave[last]), 4),
            latency=round(float(self.time[first]), 4),
            trough=round(float(self.time[last]), 4),
        )


def traces(waveforms: pd.DataFrame, estimated: pd.DataFrame, species: Mapping[str, str]) -> Iterator[Trace]:
    """Every level series of an import, in its order.

    ``waveforms``, ``estimated``  the tables of an import;  ``species``  of each subject, as far as it is known
    """
    known = {_key(row): row for row in estimated.to_dict("records")}
    for label, recordings in series_of(waveforms):
        first = recordings.iloc[0]
        window = window_of(species.get(str(first["subject"]), ""), float(first["frequency"]))
        series = prepared(recordings, window)
        name, group = SeriesName.of(first), str(first["group"])
        if series.reason:
            none = np.empty((0, 0))
            yield Trace(name, label, group, np.empty(0), none, window.start, 1.0, None, series.reason)
            continue
        responses, _ = upright(series, window)
        row = known.get(_key(first.to_dict()))
        reason = "" if row is not None else "no threshold: refused.csv says why"
        automatic = None if row is None else _automatic(row, series.levels, responses, series.rate, window)
        yield Trace(
            name, label, group, series.levels, responses, window.start, series.rate, automatic, reason
        )


def _automatic(
    row: Mapping[Hashable, object], levels: Array, responses: Array, rate: float, window: Window
) -> Automatic:
    value, low, high = (float(str(row[key])) for key in ("value", "low", "high"))
    threshold = Value.model_validate({"value": value, "censored": str(row["censored"])})
    waves = dict[float, Value]()
    if threshold.censored != "above" and window.stop <= PEOPLE[2.0].stop:
        for level, size, late, after in zip(levels, *first_wave(levels, responses, rate), strict=True):
            if level >= value and np.isfinite(size):
                waves[float(level)] = Value(value=float(size), latency=float(late), trough=float(after))
    return Automatic(threshold, low, high, waves)


def _key(row: Mapping[Hashable, object]) -> tuple[object, ...]:
    frequency = float(str(row["frequency"]))
    stimulus = round(frequency, 4) if np.isfinite(frequency) else -1.0
    return row["sha256"], row["subject"], row["ear"], str(row["recorded"])[:10], stimulus
