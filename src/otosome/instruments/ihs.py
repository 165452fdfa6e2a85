"""Intelligent Hearing Systems text exports: twenty lines of settings, then six columns for each waveform.

Only the raw averages of channel 1 are read. Their scale is the one a laboratory states (674 counts per nV, half
of it at 110 dB); the file states none, so every waveform says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.export import Export, Refused, Tables, flags, waveforms
from otosome.units import Array

SETTINGS = 20
COUNTS, COUNTS_LOUD, LOUD = 674.0, 337.0, 110.0  # counts per nV; at 110 dB
NANOVOLTS = 1e-3  # uV
ONSET = 12.5  # ms of recording before the stimulus
MOST = 2000
AGAIN = "export the waveforms again as text"
WANTED = ("intensity", "channel", "smp. period", "stim. freq.")


@dataclass(frozen=True)
class Ihs:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its text exports."""
        return head.removeprefix(b"\xef\xbb\xbf").startswith(b"Identifier:,") and b"ntensity" in head

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per average of channel 1, samples in uV."""
        rows = export.rows()
        settings = {row[0].strip(":").lower(): [c for c in row[1:] if c] for row in rows[:SETTINGS] if row}
        level, channel, period, hertz = (_setting(export, settings, name) for name in WANTED)
        head = rows[SETTINGS] if len(rows) > SETTINGS else []
        averages = [i for i, name in enumerate(head) if name.startswith("Average:")]
        if not 1 <= len(averages) <= MOST or len(averages) != level.size:
            given = f"{len(averages)} columns 'Average:' for {level.size} intensities"
            raise export.refusal(f"line {SETTINGS + 1}", given, f"one each, 1 to {MOST}", AGAIN)
        body = [row for row in rows[SETTINGS + 1 :] if any(row)]
        counts = np.array([[_count(export, row, i) for i in averages] for row in body]).reshape(
            -1, len(averages)
        )
        kept = np.flatnonzero((channel == 1) & counts.any(axis=0)) if counts.size else np.array([], dtype=int)
        if kept.size == 0:
            raise export.refusal("waveforms", "none of channel 1", "one or more", AGAIN)
        if not ((period > 0.1) & (period < 1e4)).all() or not np.isfinite(level).all():
            raise export.refusal(
                "smp. period, intensity", "a value that cannot be", "microseconds and dB", AGAIN
            )
        named = _named(settings.get("identifier", []), level.size)
        scale = np.where(np.abs(level - LOUD) < 5, COUNTS_LOUD, COUNTS)
        click = ~(hertz > 0)
        table = waveforms(
            export,
            [counts[:, i] / scale[i] * NANOVOLTS for i in kept],
            subject=[named[i] for i in kept],
            frequency=np.where(click, np.nan, hertz / 1e3)[kept],
            level=level[kept],
            unit="dB",
            rate=1e3 / period[kept],
            onset=ONSET,
            flag=[
                flags(
                    "click" if click[i] else "",
                    f"scale not stated: {scale[i]:g} counts per nV, stimulus at {ONSET:g} ms, as one laboratory has it",
                    "level in dB, reference not stated",
                    "" if named[i] else "no subject",
                )
                for i in kept
            ],
        )
        others = [i for i in range(len(averages)) if i not in kept]
        return Tables(waveforms=table, refused=tuple(_other(export, i, channel[i]) for i in others))


def _named(told: list[str], waveforms: int) -> list[str]:
    """The animal of each waveform: one name stands for all, and as many as waveforms for each."""
    if len(told) == waveforms:
        return told
    return told * waveforms if len(told) == 1 else [""] * waveforms


def _setting(export: Export, settings: dict[str, list[str]], name: str) -> Array:
    values = [export.number(text, name) for text in settings.get(name, [])]
    intensities = len(settings.get("intensity", []))
    if not values or len(values) != intensities:
        raise export.refusal(
            name, f"{len(values)} values", f"{intensities or 'one or more'}, one a waveform", AGAIN
        )
    return np.array(values)


def _count(export: Export, row: list[str], column: int) -> float:
    value = export.number(row[column] if column < len(row) else "", f"column {column + 1}")
    if np.isnan(value):
        raise export.refusal(f"column {column + 1}", "a blank", "a count in every row", AGAIN)
    return value


def _other(export: Export, waveform: int, channel: float) -> Refused:
    return export.left_out(f"waveform {waveform + 1}", f"channel {channel:g}", "not channel 1, or all zero")
