"""Published long tables of ABR thresholds, with or without wave-I amplitudes at each level.

A threshold that is repeated on every level row of one series is one reading. ``inf`` (or ``NR``) is no
response, censored at the highest level the table says was tested; a blank is a threshold nobody gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import (
    FREQUENCY,
    NO_RESPONSE,
    SUBJECT,
    TIMES,
    Columns,
    possible,
)
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, readings
from otosome.units import Array

THRESHOLD = ("threshold", "manual threshold", "threshold_db_spl", "abr_threshold")
LEVEL = ("level_db", "level_db_spl", "level")
WAVE = {"wave1_amp_uv": 1.0, "wave1_uv": 1.0, "wave1_amp_nv": 1e-3, "wave1_nv": 1e-3}
BARE_WAVE = "wave1_amp"
LARGEST_WAVE = 20.0  # uV: beyond any wave I at the scalp of a rodent
# A column without unit is in the unit that puts its middle between these, uV.
USUAL_WAVE = (0.05, 50.0)
NOT_HERE = ("pathway", "audiogram_id", "quantity")


@dataclass(frozen=True)
class AbrTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects, frequencies and thresholds, and is no audiogram."""
        names = header(head)
        wanted = all(names.intersection(group) for group in (SUBJECT, FREQUENCY, THRESHOLD))
        return wanted and not names.intersection(NOT_HERE)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: a threshold for each series, and wave I in uV for each row that has one."""
        columns = Columns.of(export)
        series = _series(columns)
        frequency, about = columns.kilohertz()
        level = (
            columns.numbers(_level) if (_level := _first(columns, LEVEL)) else np.full(len(series), np.nan)
        )
        value, censored, rows = _thresholds(columns, series, level)
        wave, unit_said = _wave(columns)
        waves = np.flatnonzero(np.isfinite(wave))
        if rows.size + waves.size == 0:
            raise columns.nothing("no threshold and no wave I")
        both = np.concatenate([rows, waves])
        large = np.concatenate([np.zeros(rows.size, dtype=bool), np.abs(wave[waves]) > LARGEST_WAVE])
        is_wave = np.arange(both.size) >= rows.size
        table = readings(
            export,
            **columns.who(both),
            quantity=np.where(is_wave, "wave1", "abr_threshold"),
            frequency=frequency[both],
            value=np.concatenate([value, wave[waves]]),
            unit=np.where(is_wave, "uV", "dB SPL"),
            level=np.where(is_wave, level[both], np.nan),
            censored=[*censored, *["none"] * waves.size],
            flag=[
                flags(
                    said,
                    about[row],
                    unit_said if wave_row else "dB SPL: not stated in the header",
                    f"beyond {LARGEST_WAVE:g} uV" if beyond else "",
                )
                for row, said, wave_row, beyond in zip(both, columns.said(both), is_wave, large, strict=True)
            ],
        )
        return Tables(readings=table, refused=tuple(columns.refused))


def _first(columns: Columns, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def _series(columns: Columns) -> list[tuple[str, ...]]:
    """What is the same on all rows of one level series."""
    names = [columns.first(SUBJECT), columns.first(FREQUENCY)]
    more = (
        "file_number", "ear", "side", *TIMES, "date", "week", "session", "visit", "run", "noise_type", "noise_spl",
        "group", "substrain", "strain", "treatment",
    )  # fmt: skip
    return list(
        zip(*(columns.texts(name) for name in [*names, *(m for m in more if m in columns)]), strict=True)
    )


def _thresholds(
    columns: Columns, series: list[tuple[str, ...]], level: Array
) -> tuple[Array, list[str], Array]:
    """A value, its censoring and the row it stands on, for each series; what has none is listed."""
    name = columns.first(THRESHOLD)
    texts, numbers = columns.texts(name), columns.numbers(name)
    loudest = _highest(columns, series, level, np.fmax, "max_level")
    tested = dict.fromkeys(NO_RESPONSE, loudest)
    tested["-inf"] = _highest(columns, series, level, np.fmin, "min_level")
    first: dict[tuple[str, ...], int] = {}
    found: list[tuple[float, str, int]] = []
    for row, key in enumerate(series):
        before = first.setdefault(key, row)
        if before != row:
            if texts[before] != texts[row]:
                columns.leave_out(
                    row, name, texts[row], f"row {before + 1} of the same series says {texts[before]!r}"
                )
            continue
        text = texts[row].lower()
        if text in tested:
            limit = tested[text].get(key, np.nan)
            if np.isfinite(limit):
                found.append((limit, "below" if text == "-inf" else "above", row))
            else:
                columns.leave_out(
                    row, name, text, "no response, and the table does not say what levels were tested"
                )
        elif np.isnan(numbers[row]):
            columns.leave_out(row, name, texts[row], "no threshold, and no mark that there was no response")
        elif not possible(numbers[row]):
            columns.leave_out(row, name, texts[row], "a code, not a level")
        else:
            found.append((float(numbers[row]), "none", row))
    values, censored, rows = zip(*found, strict=True) if found else ((), (), ())
    return np.array(values, dtype=float), list(censored), np.array(rows, dtype=int)


def _highest(
    columns: Columns, series: list[tuple[str, ...]], level: Array, better: np.ufunc, stated: str
) -> dict[tuple[str, ...], float]:
    """The end of the levels tested in each series, by its own column or over its rows."""
    levels = columns.numbers(stated) if stated in columns else level
    ends: dict[tuple[str, ...], float] = {}
    for key, one in zip(series, levels, strict=True):
        ends[key] = float(better(ends.get(key, np.nan), one))
    return ends


def _wave(columns: Columns) -> tuple[Array, str]:
    """Wave I in uV, NaN where there is none, and how its unit is known."""
    for name, factor in WAVE.items():
        if name in columns:
            return columns.numbers(name) * factor, ""
    if BARE_WAVE not in columns:
        return np.full(len(columns.frame), np.nan), ""
    values = columns.numbers(BARE_WAVE)
    middle = float(np.nanmedian(np.abs(values))) if np.isfinite(values).any() else 0.0
    for unit, factor in (("nV", 1e-3), ("uV", 1.0), ("V", 1e6)):
        if USUAL_WAVE[0] <= middle * factor <= USUAL_WAVE[1]:
            return values * factor, f"wave1_amp without unit: read as {unit}, its median is {middle:.3g}"
    raise columns.export.refusal(
        BARE_WAVE, f"a median of {middle:.3g}, no unit", "wave1_amp_nv or wave1_amp_uv"
    )
