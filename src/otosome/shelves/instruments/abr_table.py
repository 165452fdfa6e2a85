"""Published long tables of ABR thresholds, with or without wave-I amplitudes at each level.

A threshold that is repeated on every level row of one series is one reading. ``inf`` (or ``NR``) is no
response, censored at the highest level the table says was tested; a blank is a threshold nobody gave.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.columns import (
    FREQUENCY,
    SUBJECT,
    TIMES,
    Columns,
)
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.levels import CURE as DOUBT_CURE
from otosome.laboratory.levels import Level, doubtful, limited
from otosome.laboratory.levels import level as level_of
from otosome.laboratory.tables import Tables, readings
from otosome.laboratory.voltage import SCALP, TOLERATED, factor, likely_unit, unit_in
from otosome.units import Array

THRESHOLD = ("threshold", "manual threshold", "threshold_db_spl", "abr_threshold")
LEVEL = ("level_db", "level_db_spl", "level")
WAVE = re.compile(r"wave_?(?:1|i)(?:_amp(?:litude)?)?(?:_[np\u00b5\u03bcum]?v|\s*[(\[][^()\[\]]*[)\]])?")
LARGEST_WAVE = 20.0  # uV: beyond any wave I at the scalp of a rodent
# Columns that say that the thresholds are an animal's or of ABR; without one they may be a person's hearing levels.
SAYS = ("threshold_db_spl", "abr_threshold", "manual threshold", "level_db_spl", "noise_spl")
CURE = "call the column threshold_db_spl if its levels are an animal's ABR, threshold_db_hl if they are a person's"
WAVE_CURE = "call the column wave1_amp_nv or wave1_amp_uv, or import with --voltage and the unit"
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
        _of_an_animal(columns)
        columns.check_reference("dB SPL", CURE)
        series = _series(columns)
        frequency, about = columns.kilohertz()
        level = (
            columns.numbers(_level) if (_level := _first(columns, LEVEL)) else np.full(len(series), np.nan)
        )
        value, censored, rows = _thresholds(columns, series, level)
        wave, unit_said = _wave(columns)
        reference = "" if "threshold_db_spl" in columns else "dB SPL: not stated in the header"
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
                    about_row,
                    about[row],
                    unit_said if wave_row else reference,
                    f"beyond {LARGEST_WAVE:g} uV" if beyond else "",
                )
                for row, about_row, wave_row, beyond in zip(
                    both, columns.remarks(both), is_wave, large, strict=True
                )
            ],
        )
        columns.list_unread()
        return Tables(readings=table, refused=tuple(columns.refused))


def _first(columns: Columns, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in columns), None)


def _series(columns: Columns) -> list[tuple[str, ...]]:
    """What is the same on all rows of one level series."""
    names = [columns.first(SUBJECT), columns.first(FREQUENCY)]
    more = (
        "file_number",
        "ear",
        "side",
        *TIMES,
        "date",
        "week",
        "session",
        "visit",
        "run",
        "noise_type",
        "noise_spl",
        "group",
        "substrain",
        "strain",
        "treatment",
    )
    return list(
        zip(*(columns.texts(name) for name in [*names, *(m for m in more if m in columns)]), strict=True)
    )


def _thresholds(
    columns: Columns, series: list[tuple[str, ...]], level: Array
) -> tuple[Array, list[str], Array]:
    """A value, its censoring and the row it stands on, for each series; what has none is listed."""
    name = columns.first(THRESHOLD)
    texts = columns.texts(name)
    ends = {
        side: _highest(columns, series, level, better, stated)
        for side, better, stated in (("above", np.fmax, "max_level"), ("below", np.fmin, "min_level"))
    }
    first = dict[tuple[str, ...], int]()
    for row, key in enumerate(series):
        before = first.setdefault(key, row)
        if texts[before] != texts[row]:
            reason = f"row {before + 1} of the same series says {texts[before]!r}"
            columns.leave_out(row, name, texts[row], reason)
    rows = np.array(sorted(first.values()), dtype=int)
    cells = [_threshold(texts[row], columns.decimal, ends, series[row]) for row in rows]
    if _first(columns, LEVEL) is None:  # beside levels a column of responses is of each of them
        sides = columns.sides("above")
        cells = limited(cells, [sides[row] for row in rows])
    levels = _sifted(columns, name, rows, cells)
    places = [i for i, cell in enumerate(levels) if np.isfinite(cell.value)]
    return np.array([levels[i].value for i in places]), [levels[i].censored for i in places], rows[places]


def _threshold(
    text: str, decimal: str, ends: dict[str, dict[tuple[str, ...], float]], key: tuple[str, ...]
) -> Level:
    """What one cell says; no response, and a response at every level, are censored at that end of the levels tested."""
    cell = level_of(text, decimal, loudest=ends["above"].get(key, np.nan))
    softest = ends["below"].get(key, np.nan)
    return (
        Level(softest, "below") if cell.censored == "below" and cell.reason and np.isfinite(softest) else cell
    )


def _sifted(columns: Columns, name: str, rows: NDArray[np.intp], cells: list[Level]) -> list[Level]:
    """The thresholds that may be read; the others are listed at their rows."""
    subject = columns.texts(*SUBJECT)
    doubts = doubtful(cells, [subject[row] for row in rows])
    for row, cell, doubt in zip(rows, cells, doubts, strict=True):
        reason = cell.reason or (f"{doubt}: {DOUBT_CURE}" if doubt else "")
        if reason:
            columns.leave_out(int(row), name, columns.texts(name)[row] or "a blank", reason)
    return [
        Level(np.nan) if cell.reason or doubt else cell for cell, doubt in zip(cells, doubts, strict=True)
    ]


def _highest(
    columns: Columns, series: list[tuple[str, ...]], level: Array, better: np.ufunc, stated: str
) -> dict[tuple[str, ...], float]:
    """The end of the levels tested in each series, by its own column or over its rows."""
    levels = columns.numbers(stated) if stated in columns else level
    ends: dict[tuple[str, ...], float] = {}
    for key, decibels in zip(series, levels, strict=True):
        ends[key] = float(better(ends.get(key, np.nan), decibels))
    return ends


def _wave(columns: Columns) -> tuple[Array, str]:
    """Wave I in uV, NaN where there is none, and a flag; a column without unit is asked about, and not read."""
    nothing = np.full(len(columns.frame), np.nan)
    name = next((str(name) for name in columns.frame.columns if WAVE.fullmatch(str(name))), "")
    if not name:
        return nothing, ""
    values, unit = columns.numbers(name), unit_in(name) or columns.export.voltage
    reason = _doubt(values, unit)
    if reason:
        columns.leave_out(0, name, f"{np.isfinite(values).sum()} values", f"{reason}: {WAVE_CURE}")
        return nothing, ""
    return values * (factor(unit) or np.nan), "" if unit_in(
        name
    ) else f"{name} without unit: {unit}, as it was said"


def _doubt(values: Array, unit: str) -> str:
    """Why a column is not read as wave I, with the unit that it is likely in; empty where it can be."""
    if not np.isfinite(values).any():
        return ""
    middle = float(np.nanmedian(np.abs(values)))
    if not unit:
        return f"no unit; its median of {middle:.3g} would be a wave I in {likely_unit(middle, '') or 'none'}"
    scaled = middle * (factor(unit) or np.nan)
    if SCALP[0] / TOLERATED <= scaled <= SCALP[1] * TOLERATED or not middle:
        return ""
    likely = likely_unit(scaled, unit)
    return f"a median of {middle:.3g} {unit} is no wave I" + (f"; is it {likely}?" if likely else "")


def _of_an_animal(columns: Columns) -> None:
    """Raise BadInput where nothing says that the thresholds are an animal's: they may be a person's hearing levels."""
    wave = any(WAVE.fullmatch(str(name)) for name in columns.frame.columns)
    if not (wave or columns.animal() or any(name in columns for name in SAYS)):
        entry = f"a column {columns.first(THRESHOLD)!r}: neither species nor reference"
        raise columns.export.refusal("header", entry, "a header that says dB SPL or dB HL", CURE)
