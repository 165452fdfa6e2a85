"""Single trials of one stimulus in CSV, as the program ABRpresto reads them: a row a trial, a column a moment.

Columns ``level`` (dB SPL), ``polarity`` and ``t0`` say which trial it is; every other column's name is a time in s
after the stimulus, and its cells are volts. Trials of a level are averaged; shares of them, with as many of either
polarity, stand beside the average as its parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.columns import EARS, FREQUENCY, Columns, possible, tone
from otosome.laboratory.file import Export, flags, header, parse
from otosome.laboratory.tables import FEWEST_SAMPLES, Tables, rows_of, waveforms
from otosome.units import Array

PARTS, FEWEST_TRIALS = 4, 8
TONE = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*(k?)hz", re.IGNORECASE)
BARE = re.compile(r"(?<![\w.-])(?!(?:19|20)\d\d\b)(\d{3,6})(?:\.0+)?(?![\w.-])")
NAMED = re.compile(r"(\w+)[ _-]+(?:.*[ _-])?(left|right)(?![a-z])", re.IGNORECASE)
AGAIN = "export the trials again: level, polarity, t0, then a column for each time in s"


@dataclass(frozen=True)
class SingleTrials:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has a level and a polarity for each row, and times for columns."""
        names = header(head)
        times = [name for name in names if parse(name) is not None and name]
        return {"level", "polarity"} <= names and len(times) > FEWEST_SAMPLES

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per level with its average, and one for each share of its trials."""
        columns = Columns.of(export)
        time, trials = _trials(columns)
        level, polarity = columns.numbers("level"), columns.numbers("polarity")
        sound = np.isfinite(trials).all(axis=1) & np.array([possible(value) for value in level], dtype=bool)
        for row in np.flatnonzero(~sound):
            columns.leave_out(
                int(row), "level", f"{level[row]:g}", "a trial without a level, or with a blank"
            )
        if not sound.any():
            raise columns.nothing("no trial")
        averages = [
            (decibels, part, trials[rows].mean(axis=0), len(rows))
            for decibels in np.unique(level[sound])
            for part, rows in enumerate(_shares(np.flatnonzero(sound & (level == decibels)), polarity))
        ]
        rate = 1e-3 * (len(time) - 1) / (time[-1] - time[0])
        about = {**_stimulus(export, columns), "rate": rate, "onset": -1e3 * time[0]}
        rows = [
            {**about, "level": decibels, "part": str(part or ""), "sweeps": count}
            for decibels, part, _, count in averages
        ]
        samples = [wave for _, _, wave, _ in averages]
        table = waveforms(export, samples, export.voltage or "V", **rows_of(rows))
        return Tables(waveforms=table, refused=tuple(columns.refused))


def _trials(columns: Columns) -> tuple[Array, Array]:
    """Times in s, shape (sample,), and volts, shape (trial, sample), in the order of time, whatever that of columns."""
    names = map(str, columns.frame.columns)
    order = sorted((moment, name) for name in names for moment in _moment(name))
    time = np.array([moment for moment, _ in order])
    steps = np.diff(time)
    if len(time) < FEWEST_SAMPLES or steps.min() <= 0 or np.ptp(steps) > 0.01 * steps.mean():
        raise columns.export.refusal("header", f"{len(time)} times, or uneven ones", "even times in s", AGAIN)
    return time, np.column_stack([columns.numbers(name) for _, name in order])


def _moment(name: str) -> list[float]:
    """The time that a column's name is; none where it is a word."""
    value = parse(name) if name else None
    return [] if value is None else [value]


def _shares(rows: NDArray[np.intp], polarity: Array) -> list[NDArray[np.intp]]:
    """The trials of a level, then, where there are enough, shares of them that hold either polarity alike."""
    if len(rows) < FEWEST_TRIALS:
        return [rows]
    turned = [rows[polarity[rows] < 0], rows[~(polarity[rows] < 0)]]
    return [rows, *(np.concatenate([side[part::PARTS] for side in turned]) for part in range(PARTS))]


def _stimulus(export: Export, columns: Columns) -> dict[str, object]:
    """Frequency, subject and ear, from columns where they stand there, else from the file's name, with a flag."""
    name = next((name for name in FREQUENCY if name in columns), "")
    stem = export.name.rsplit(".", 1)[0].replace("_", " ")
    word = TONE.search(stem) or BARE.search(stem)
    if name:
        kilohertz, remarks = columns.kilohertz()
        khz, about = float(kilohertz[0]), remarks[0]
        if len(np.unique(kilohertz[np.isfinite(kilohertz)])) > 1:
            raise export.refusal(name, "several frequencies", "one a file", AGAIN)
    elif "click" in stem.lower():
        khz, about = np.nan, "click"
    elif word:
        hertz = float(word[1]) * (1e3 if word.re is TONE and word[2] else 1.0)
        khz, about = tone(hertz, np.nan)[0], "frequency from the file's name"
    else:
        cure = "add a column frequency_khz, or write the frequency into the file's name, such as '16 kHz'"
        raise export.refusal("file", "no frequency", "the tone's frequency, or click", cure)
    who = NAMED.match(stem)
    return {
        "frequency": khz,
        "subject": who[1] if who else "",
        "ear": EARS[who[2].lower()] if who else "",
        "unit": "dB SPL",
        "flag": flags(
            about,
            "subject and ear from the file's name" if who else "no subject",
            "volt and dB SPL: not stated, by the program",
        ),
    }
