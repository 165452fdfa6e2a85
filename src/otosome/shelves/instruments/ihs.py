"""Intelligent Hearing Systems text exports (SmartEP): settings, then six columns of samples for each waveform.

A setting stands above the first column of its waveform, so blanks shift nothing. The columns are sums of counts
and the same in microvolts, of the average and of two buffers; the average in microvolts is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.columns import EARS, unknown_ear
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.tables import Tables, waveforms
from otosome.units import Array

AVERAGE, TABLE = "Average(uV):", "Data Pnt:"
MOST, MOST_SETTINGS = 2000, 60
SYSTEM = re.compile(r"IHS\d+[-_]", re.ASCII)  # an identifier that tells the machine and the day
AGAIN = "export the waveforms again as text, with microvolts"


@dataclass(frozen=True)
class Ihs:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its text exports."""
        return head.removeprefix(b"\xef\xbb\xbf").startswith(b"Identifier:,") and b"\n" in head

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per average of an ear's first channel, samples in uV."""
        rows = export.rows()
        start = next((i for i, row in enumerate(rows[:MOST_SETTINGS]) if row[:1] == [TABLE]), None)
        if start is None:
            raise export.refusal("header", f"no line {TABLE!r}", f"one within {MOST_SETTINGS} lines", AGAIN)
        columns = [i for i, name in enumerate(rows[start]) if name == AVERAGE]
        if not 1 <= len(columns) <= MOST:
            raise export.refusal(TABLE, f"{len(columns)} columns {AVERAGE!r}", f"1 to {MOST}", AGAIN)
        told = {row[0].strip(":. ").lower(): _above(columns, row) for row in rows[:start] if row}
        samples = np.array(
            [[_sample(export, row, i) for i in columns] for row in rows[start + 1 :] if any(row)]
        ).reshape(-1, len(columns))
        return _tables(export, told, samples)


def _above(columns: list[int], row: list[str]) -> list[str]:
    """A setting of each waveform: it stands above the first column, one before the average in microvolts."""
    return [row[i - 1] if i - 1 < len(row) else "" for i in columns]


def _tables(export: Export, told: dict[str, list[str]], samples: Array) -> Tables:
    level, channel, period, zero = (
        _numbers(export, told, name) for name in ("intensity", "channel", "smp. period", "zero position")
    )
    if not ((period > 0.1) & (period < 1e4)).all():
        raise export.refusal("Smp. Period", f"{period.min():g}", "microseconds between samples", AGAIN)
    if not ((zero >= 0) & (zero < len(samples))).all():
        given = f"{zero.max():g} of {len(samples)} samples"
        raise export.refusal("Zero Position", given, "a sample of the recording", AGAIN)
    blank = [""] * level.size
    sides, heard = told.get("ear", blank), np.abs(samples).max(axis=0) > 0
    kept = [i for i in range(level.size) if heard[i] and _first(i, sides, channel, heard)]
    if not kept:
        raise export.refusal("waveforms", "only zeros", "one or more with a response", AGAIN)
    hertz = [export.number(text, "Stim. Freq.") for text in told.get("stim. freq", blank)]
    named = ["" if SYSTEM.match(name) else name for name in told.get("identifier", blank)]
    table = waveforms(
        export,
        [samples[:, i].copy() for i in kept],
        subject=[named[i] for i in kept],
        ear=[EARS.get(sides[i].lower(), "") for i in kept],
        frequency=[hertz[i] / 1e3 if hertz[i] > 0 else np.nan for i in kept],
        level=level[kept],
        unit="dB",
        rate=1e3 / period[kept],
        onset=(zero * period)[kept] / 1e3,
        flag=[
            flags(
                "" if hertz[i] > 0 else "click",
                unknown_ear(sides[i]),
                "level in dB, reference not stated",
                "" if named[i] else "no subject",
            )
            for i in kept
        ],
    )
    others = [i for i in range(level.size) if i not in kept]
    return Tables(
        waveforms=table, refused=tuple(_other(export, i, channel[i], bool(heard[i])) for i in others)
    )


def _numbers(export: Export, told: dict[str, list[str]], name: str) -> Array:
    values = np.array([export.number(text, name) for text in told.get(name, [""])])
    if not np.isfinite(values).all():
        raise export.refusal(name, "a blank, or no such line", "a number for each waveform", AGAIN)
    return values


def _sample(export: Export, row: list[str], column: int) -> float:
    value = export.number(row[column] if column < len(row) else "", f"column {column + 1}")
    if np.isnan(value):
        raise export.refusal(f"column {column + 1}", "a blank", "microvolts in every row", AGAIN)
    return value


def _first(waveform: int, sides: list[str], channel: Array, heard: NDArray[np.bool_]) -> bool:
    """Whether a waveform is of the first channel of its ear: further ones are the same response elsewhere."""
    same_ear = heard & np.array([side == sides[waveform] for side in sides])
    return bool(channel[waveform] == channel[same_ear].min())


def _other(export: Export, waveform: int, channel: float, heard: bool) -> Refused:
    reason = "a further channel of the same ear" if heard else "all samples zero"
    return export.left_out(f"waveform {waveform + 1}", f"channel {channel:g}", reason)
