"""Intelligent Hearing Systems text exports (SmartEP): settings, then six columns of samples for each waveform.

A setting stands above the first column of its waveform, so blanks shift nothing. The columns are sums of counts
and the same in a unit of voltage, of the average and of two buffers: those in a unit are read, each half of the sweeps
a buffer.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.columns import EARS, tone, unknown_ear
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.tables import Tables, rows_of, waveforms
from otosome.laboratory.voltage import STATED, one_unit
from otosome.units import Array

TABLE = "Data Pnt:"
SAMPLES = re.compile(r"(Average|Buffer\s*\d+)\s*\(([^()]*)\)\s*:?", re.IGNORECASE)
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
        waves = _waves(rows[start])
        if not 1 <= len(waves) <= MOST:
            entry = f"{len(waves)} columns like 'Average(uV):'"
            raise export.refusal(TABLE, entry, f"1 to {MOST}, with {STATED}", AGAIN)
        voltage = one_unit(export, [unit for wave in waves for unit in wave.units], TABLE, AGAIN)
        stated = {row[0].strip(":. ").lower(): _above(waves, row) for row in rows[:start] if row}
        body = [row for row in rows[start + 1 :] if any(row)]
        samples = [[_samples(export, body, column) for column in wave.columns] for wave in waves]
        return _tables(export, stated, voltage, samples)


@dataclass(frozen=True)
class Wave:
    """A waveform's columns: where its settings stand, and of average and buffers the place and the unit."""

    first: int
    columns: tuple[int, ...]
    units: tuple[str, ...]


def _waves(header: list[str]) -> list[Wave]:
    """The waveforms of a table, each from its average to the next one's."""
    places = [(i, match) for i, name in enumerate(header) if (match := SAMPLES.fullmatch(name))]
    starts = [n for n, (_, match) in enumerate(places) if match[1].lower() == "average"]
    waves = list[Wave]()
    for start, stop in itertools.pairwise([*starts, len(places)]):
        place = places[start][0]
        counts = place > 0 and header[place - 1].strip(": ").lower() == "average"
        own = places[start:stop]
        waves.append(Wave(place - counts, tuple(i for i, _ in own), tuple(match[2] for _, match in own)))
    return waves


def _above(waves: list[Wave], row: list[str]) -> list[str]:
    """A setting of each waveform: it stands above the first of its columns."""
    return [row[wave.first] if wave.first < len(row) else "" for wave in waves]


def _tables(export: Export, stated: dict[str, list[str]], voltage: str, samples: list[list[Array]]) -> Tables:
    level, channel, period, zero = (
        _numbers(export, stated, name) for name in ("intensity", "channel", "smp. period", "zero position")
    )
    _check_times(export, period, zero, samples[0][0].size)
    sides = stated.get("ear", [""] * level.size)
    heard = np.array([bool(parts[0].any()) for parts in samples])
    own = [i for i in range(level.size) if heard[i] and _first(i, sides, channel, heard)]
    if not own:
        raise export.refusal("waveforms", "only zeros", "one or more with a response", AGAIN)
    parts = [(i, part) for i in own for part, wave in enumerate(samples[i]) if not part or wave.any()]
    rows = [
        {
            "level": level[i],
            "rate": 1e3 / period[i],
            "onset": zero[i] * period[i] / 1e3,
            **_row(export, stated, i, part, samples[i]),
        }
        for i, part in parts
    ]
    table = waveforms(export, [samples[i][part] for i, part in parts], voltage, **rows_of(rows))
    others = tuple(_other(export, i, channel[i], bool(heard[i])) for i in range(level.size) if i not in own)
    return Tables(waveforms=table, refused=others)


def _check_times(export: Export, period: Array, zero: Array, length: int) -> None:
    if not ((period > 0.1) & (period < 1e4)).all():
        raise export.refusal("Smp. Period", f"{period.min():g}", "microseconds between samples", AGAIN)
    if not ((zero >= 0) & (zero < length)).all():
        where = f"{zero.max():g} of {length} samples"
        raise export.refusal("Zero Position", where, "a sample of the recording", AGAIN)


def _row(
    export: Export, stated: dict[str, list[str]], waveform: int, part: int, samples: list[Array]
) -> dict[str, object]:
    """What the settings say of a waveform's average (part 0) or of a buffer, which shares out the average's sweeps."""
    words = {name: values[waveform] for name, values in stated.items()}
    hertz = export.number(words.get("stim. freq", ""), "Stim. Freq.")
    named = words.get("identifier", "")
    subject = "" if SYSTEM.match(named) else named
    buffers = max(sum(bool(wave.any()) for wave in samples[1:]), 1)
    kilohertz, click = tone(hertz, np.nan)
    return {
        "subject": subject,
        "ear": EARS.get(words.get("ear", "").lower(), ""),
        "frequency": kilohertz,
        "unit": "dB",
        "sweeps": export.number(words.get("sweeps", ""), "Sweeps") / (buffers if part else 1),
        "part": str(part or ""),
        "flag": flags(
            click,
            unknown_ear(words.get("ear", "")),
            "level in dB, reference not stated",
            "" if subject else "no subject",
        ),
    }


def _numbers(export: Export, stated: dict[str, list[str]], name: str) -> Array:
    values = np.array([export.number(text, name) for text in stated.get(name, [""])])
    if not np.isfinite(values).all():
        raise export.refusal(name, "a blank, or no such line", "a number for each waveform", AGAIN)
    return values


def _samples(export: Export, body: list[list[str]], column: int) -> Array:
    """The samples of a column; a blank is refused."""
    place = f"column {column + 1}"
    values = np.array([export.number(row[column] if column < len(row) else "", place) for row in body])
    if not np.isfinite(values).all() or not values.size:
        raise export.refusal(place, "a blank", "a voltage in every row", AGAIN)
    return values


def _first(waveform: int, sides: list[str], channel: Array, heard: NDArray[np.bool_]) -> bool:
    """Whether a waveform is of the first channel of its ear: further ones are the same response elsewhere."""
    same_ear = heard & np.array([side == sides[waveform] for side in sides])
    return bool(channel[waveform] == channel[same_ear].min())


def _other(export: Export, waveform: int, channel: float, heard: bool) -> Refused:
    reason = "a further channel of the same ear" if heard else "all samples zero"
    return export.left_out(f"waveform {waveform + 1}", f"channel {channel:g}", reason)
