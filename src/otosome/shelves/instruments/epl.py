"""Averages of the EPL Cochlear Function Test Suite: one ear, one frequency, a column of samples per level.

The header's lines end with a carriage return alone. It names no animal, so the subject is the number in the
file's name (``ABR-<subject>-<run>``). A column of zeros is a known defect of the acquisition and is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.columns import EARS, unknown_ear
from otosome.laboratory.file import (
    Export,
    Refused,
    flags,
    moment,
    parse,
)
from otosome.laboratory.levels import coded
from otosome.laboratory.tables import Tables, readings, waveforms
from otosome.laboratory.voltage import EAR
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 100
LARGEST = 5_000_000  # bytes: twenty times the largest average seen
AGAIN = "copy the file again from the acquisition computer"
STORED = r":Threshold:[ \t]*(-?[\d.]+)"
NAMED = re.compile(r"(ABR|CAP)-(\w+)-(\d+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Epl:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its averages."""
        return head.startswith(b":RUN-") and b":LEVELS:" in head

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per level, samples as they stand (microvolt by the program's analysis)."""
        if len(export.content) > LARGEST:
            raise export.refusal("file", f"{len(export.content)} bytes", f"at most {LARGEST}", AGAIN)
        head, _, body = export.text.partition(":DATA")
        levels = [
            export.number(cell, ":LEVELS:")
            for cell in _stated(export, head, r":LEVELS:([^\r\n]*)").strip("; ").split(";")
        ]
        if not 1 <= len(levels) <= MOST_LEVELS:
            raise export.refusal(":LEVELS:", f"{len(levels)} levels", f"1 to {MOST_LEVELS}", AGAIN)
        period = export.number(_stated(export, head, r"SAMPLE \([^)]{1,3}sec\):\s*([\d.]+)"), "SAMPLE")
        samples = _samples(export, body, len(levels))
        silent = [not column.any() for column in samples]
        refused = tuple(
            export.left_out(
                f"level {level:g}", "all samples zero", "a known defect of the acquisition program"
            )
            for level, zero in zip(levels, silent, strict=True)
            if zero
        )
        return _tables(export, head, np.array(levels), _positive(export, period), samples, refused)


def _tables(
    export: Export,
    head: str,
    levels: Array,
    period: float,
    samples: list[Array],
    refused: tuple[Refused, ...],
) -> Tables:
    loud = [i for i, column in enumerate(samples) if column.any()]
    if not loud:
        raise export.refusal(":DATA", "only zeros", "one level or more with a response", AGAIN)
    kilohertz = _kilohertz(export, head)
    subject, whose = _subject(export, head)
    sweeps = _sweeps(head, levels.size)
    recorded, side = _recorded(head), _field(head, r"EAR:[ ]*(\w*)")
    table = waveforms(
        export,
        [samples[i] for i in loud],
        "uV",
        EAR if _of_a_nerve(export.name) else 1.0,
        sweeps=[sweeps[i] for i in loud],
        subject=subject,
        ear=EARS.get(side.lower(), ""),
        frequency=kilohertz,
        level=levels[loud],
        unit="dB SPL",
        rate=1e3 / period,
        recorded=recorded,
        flag=flags(
            "click" if np.isnan(kilohertz) else "",
            unknown_ear(side),
            whose,
            "microvolt and dB SPL: not stated, by the program's own analysis",
            "date read as month/day" if recorded else "",
        ),
    )
    return Tables(readings=_stored(export, head, table), waveforms=table, refused=refused)


def _of_a_nerve(name: str) -> bool:
    """Whether a file's name says that it holds compound action potentials, which are recorded at the ear."""
    named = NAMED.search(name)
    return named is not None and named[1].upper() == "CAP"


def _kilohertz(export: Export, head: str) -> float:
    """The tone's frequency; NaN for a click, which stands as a word or as 0."""
    stimulus = _stated(export, head, r"FREQ:\s*([^\t\r\n]+)").strip()
    kilohertz = export.number(stimulus, "FREQ") if stimulus[:1].isdigit() else np.nan
    return kilohertz if kilohertz > 0 else np.nan


def _subject(export: Export, head: str) -> tuple[str, str]:
    """The animal's number in the file's name, and a flag; another where name and content disagree on the run."""
    named, run = NAMED.search(export.name), re.search(r":RUN-(\d+)", head)
    if named is None:
        return "", "no subject in name or content"
    other = f"name says run {named[3]}, content {run[1]}" if run and named[3] != run[1] else ""
    return named[2], flags("subject from the file's name", other)


def _stored(export: Export, head: str, table: pd.DataFrame) -> pd.DataFrame | None:
    """The threshold that was set when it was recorded or analysed, where the header holds one that is no code."""
    value = parse(_field(head, STORED))
    if value is None or coded(value):
        return None
    first = table.iloc[0]
    return readings(
        export,
        subject=first["subject"],
        ear=first["ear"],
        quantity="abr_threshold",
        frequency=first["frequency"],
        value=[value],
        unit="dB SPL",
        recorded=first["recorded"],
        flag=flags("stored in the file (:Threshold:)", "click" if np.isnan(first["frequency"]) else ""),
    )


def _sweeps(head: str, levels: int) -> list[float]:
    """Sweeps in the average of each level: its own where the file lists them, else those it was set to; NaN if none."""
    own = [parse(text.strip()) for text in _field(head, r":Avgs:\s*([\d;. ]+)").strip("; ").split(";")]
    if len(own) == levels and None not in own:
        return [float(count or np.nan) for count in own]
    setting = parse(_field(head, r"AVERAGES:\s*(\d+)"))
    return [setting if setting else np.nan] * levels


def _samples(export: Export, body: str, levels: int) -> list[Array]:
    """An array per level; the text is a row per sample."""
    try:
        flat = np.array(body.split(), dtype=float)
    except ValueError as error:
        raise export.refusal(":DATA", str(error)[:100], "numbers", AGAIN) from error
    if flat.size == 0 or flat.size % levels or not np.isfinite(flat).all():
        raise export.refusal(
            ":DATA", f"{flat.size} numbers", f"finite ones, rows of {levels}, one a level", AGAIN
        )
    return list(flat.reshape(-1, levels).T.copy())


def _field(head: str, pattern: str) -> str:
    match = re.search(pattern, head)
    return match[1] if match else ""


def _stated(export: Export, head: str, pattern: str) -> str:
    text = _field(head, pattern)
    if not text:
        raise export.refusal("header", f"nothing like {pattern!r}", "an EPL average", AGAIN)
    return text


def _positive(export: Export, period: float) -> float:
    if not 0 < period < 1e4:
        raise export.refusal("SAMPLE", str(period), "microseconds between samples", AGAIN)
    return period


def _recorded(head: str) -> str:
    match = re.search(r"(\d+/\d+/\d{4})\t(\d+:\d\d [AP]M)", head)
    return moment(f"{match[1]} {match[2]}", "%m/%d/%Y %I:%M %p") if match else ""
