"""The window: one ear unrolled, for every treatment time, packed small enough to ride in the page."""

import base64
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from otosome.report import summary
from otosome.report.summary import (
    headline,
    study,
    when,
    words,
)
from otosome.study import Treatment
from otosome.units import Json

Array = NDArray[np.float64]

ROWS, COLUMNS = 132, 96  # finer than a phone shows, and 21 treatment times still fit in half a megabyte
DECADES = 8  # vesicles this many powers of ten below their peak are drawn as none
LEVELS = 5  # contour lines, one every power of ten, down to one vesicle per uL
HOURS_A_DAY = 24.0
COLOURS = "viridis_r"  # whole cells dark, so that loss lights up and white contours show


def pack(result: xr.Dataset) -> Json:
    """Everything the page's script draws of a result, ready for JSON, as ``packed`` has it."""
    return packed(result, compared_at(result), start(result), [vars(mark) for mark in marks(result)])


def packed(window: xr.Dataset, tones: list[float], first: int, marks: list[Json]) -> Json:
    """A window as the page's script draws it, ready for JSON.

    ``window``  of ``answers.window``;  ``tones``  compared, kHz;  ``first``  the treatment time shown at first
    ``marks``   name and time, h, of each insult
    returns  times in h, distances in mm, frequencies in kHz, shifts in dB; `cells` and `vesicles` are base64
             bytes in the order (dose, time, place): cells = byte / 255; vesicles = none where the byte is 0,
             else log10(particles/uL) = floor + (byte - 1) * step
    """
    hours, distance = _grid(window)
    cells = np.stack([_resample(values, window, hours, distance) for values in window["window_cells"].values])
    logs = log_vesicles(window, hours, distance)
    floor, step = _scale(logs)
    shift, vehicle = window["window_shift"].values, window["window_vehicle_shift"].values
    return {
        "doses": _rounded(window["window_dose"].values, 3),
        "given": [when(float(hour)) for hour in window["window_dose"].values],
        "start": first,
        "hours": [float(hours[0]), float(hours[-1])],
        "rows": hours.size,
        "columns": distance.size,
        "distance": _rounded(distance, 4),
        "kilohertz": _rounded(_kilohertz(window, distance), 4),
        "cells": _text(np.clip(np.rint(cells * 255), 0, 255)),
        "vesicles": {"bytes": _text(_quantised(logs, floor, step)), "floor": floor, "step": step},
        "levels": levels(logs),
        "frequency": _rounded(window["window_frequency"].values, 4),
        "shift": [_rounded(row, 2) for row in shift],
        "vehicle": _rounded(vehicle, 2),
        "kept": _rounded(hearing_kept(window, tones), 3),
        "means": [
            _rounded(mean_shift(window, shift, tones), 2),
            round(float(mean_shift(window, vehicle, tones)), 2),
        ],
        "tones": tones,
        "marks": marks,
        "colours": _text(np.array(palette()) * 255),
    }


def hearing_kept(result: xr.Dataset, tones: list[float]) -> Array:
    """Hearing kept against vehicle at each treatment time, mean over some frequencies, kHz: (dose,) dB."""
    return mean_shift(result, result["window_vehicle_shift"].values, tones) - mean_shift(
        result, result["window_shift"].values, tones
    )


def compared_at(result: xr.Dataset) -> list[float]:
    """The headline's frequencies, kHz; none where nothing is compared."""
    compared = headline(result)
    return [] if compared is None else [float(tone) for tone in compared.frequency]


def mean_shift(result: xr.Dataset, shift: Array, tones: list[float]) -> Array:
    """Mean over some frequencies of shifts (..., window_frequency), read between octaves: (...) dB."""
    known = np.log(result["window_frequency"].values)
    wanted = np.clip(np.log(tones), known[0], known[-1])
    return np.asarray((shift @ _weights(known, wanted).T).mean(axis=-1))


def start(result: xr.Dataset) -> int:
    """The treatment time shown first: the one nearest to when the compared arm is first treated."""
    tables, compared = study(result), headline(result)
    arm = next(arm for arm in tables["arm"] if compared is not None and arm["name"] == compared.of)
    treatments = [Treatment.model_validate(tables["treatment"][name]) for name in arm.get("treatments", [])]
    moments = [moment for treatment in treatments for moment in treatment.at]
    return int(np.argmin(np.abs(result["window_dose"].values - min(moments, default=0.0))))


@dataclass(frozen=True)
class InsultMark:
    """An insult in words, and when it strikes, h."""

    name: str
    time: float


def marks(result: xr.Dataset) -> list[InsultMark]:
    """When each insult strikes; surgery only where there is nothing else."""
    every = summary.marks(result)
    chosen = [mark for mark in every if not mark.event] or every
    return [InsultMark(words(mark.entry), mark.time) for mark in chosen]


def log_vesicles(result: xr.Dataset, hours: Array, distance: Array) -> Array:
    """log10 of vesicles in the organ of Corti on the display grid, the highest in each interval.

    returns  (dose, row, column), log10 particles/uL; -inf where there are none
    """
    fine = np.linspace(hours[0], hours[-1], 8 * (hours.size - 1) + 1)
    logs = []
    for dose, values in zip(result["window_dose"].values, result["window_vesicles"].values, strict=True):
        # Before the dose there is nothing, also where the line between two moments would say so.
        finest = np.where(fine[:, None] < dose, 0.0, _resample(values, result, fine, distance))
        with np.errstate(divide="ignore"):
            logs.append(np.log10(_highest(finest, hours.size)))
    return np.stack(logs)


def levels(logs: Array) -> list[int]:
    """Contour levels as powers of ten, highest first, all seen by at least one treatment time."""
    top = float(logs.max(initial=-np.inf))
    if not np.isfinite(top):
        return []
    highest = int(np.ceil(top)) - 1
    return [level for level in range(highest, highest - LEVELS, -1) if level >= min(0, highest)]


def palette() -> list[tuple[float, float, float]]:
    """Colours of the map from 0 to 100 % of cells, 256 steps, red-green-blue 0 to 1."""
    from matplotlib import colormaps

    return [tuple(float(part) for part in colormaps[COLOURS](step / 255)[:3]) for step in range(256)]  # type: ignore[misc]


def grid(result: xr.Dataset) -> tuple[Array, Array]:
    """The display grid: hours (row,) and distance from the base in mm (column,), both even."""
    return _grid(result)


def image(result: xr.Dataset, dose: int) -> tuple[Array, Array]:
    """One treatment time on the display grid: cells 0..1 and log10 vesicles, both (row, column)."""
    hours, distance = _grid(result)
    treated = result.isel(window_dose=[dose])
    cells = _resample(treated["window_cells"].values[0], result, hours, distance)
    return cells, log_vesicles(treated, hours, distance)[0]


def _grid(result: xr.Dataset) -> tuple[Array, Array]:
    time, distance = result["window_time"].values, result["place_distance"].values
    rows, columns = min(ROWS, max(time.size, 2)), min(COLUMNS, distance.size)
    return np.linspace(time[0], time[-1], rows), np.linspace(distance[0], distance[-1], columns)


def _kilohertz(result: xr.Dataset, distance: Array) -> Array:
    logs = np.interp(distance, result["place_distance"].values, np.log(result["place_frequency"].values))
    return np.asarray(np.exp(logs))


def _resample(values: Array, result: xr.Dataset, hours: Array, distance: Array) -> Array:
    """Linear in time, then along the duct: (time, place) -> (row, column)."""
    rows = _weights(result["window_time"].values, hours) @ np.asarray(values, dtype=float)
    return np.asarray(rows @ _weights(result["place_distance"].values, distance).T)


def _weights(known: Array, wanted: Array) -> Array:
    """Matrix (wanted, known) of linear interpolation; a doubled knot counts as its later twin."""
    after = np.clip(np.searchsorted(known, wanted, side="right"), 1, known.size - 1)
    width = known[after] - known[after - 1]
    share = np.divide(wanted - known[after - 1], width, out=np.ones_like(wanted), where=width > 0)
    matrix = np.zeros((wanted.size, known.size))
    matrix[np.arange(wanted.size), after - 1] = 1 - np.clip(share, 0, 1)
    matrix[np.arange(wanted.size), after] += np.clip(share, 0, 1)
    return matrix


def _highest(values: Array, rows: int) -> Array:
    """The highest of the fine rows since the display row before, so that no short peak is lost."""
    pad = np.concatenate([np.repeat(values[:1], 7, axis=0), values])
    return np.asarray(pad.reshape(rows, 8, -1).max(axis=1))


def _scale(logs: Array) -> tuple[float, float]:
    top = float(logs.max(initial=-np.inf))
    top = top if np.isfinite(top) else 0.0
    return round(top - DECADES, 3), DECADES / 254


def _quantised(logs: Array, floor: float, step: float) -> Array:
    return np.clip(1 + np.rint((np.maximum(logs, floor - 10) - floor) / step), 0, 255)


def _text(values: Array) -> str:
    return base64.b64encode(np.rint(values).astype(np.uint8).tobytes()).decode("ascii")


def _rounded(values: Array, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]
