"""TDT BioSigRZ CSV ("SGI" table): a row per averaged waveform, its samples in numbered columns.

A tone that lasts less than one cycle is no tone: laboratories code clicks that way. Samples and cursors are in the
unit that the header states, ``Data(uv)...`` with ``V1(uv)``, or nV, mV, V. Cursors of -1 were not set.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.columns import Columns, tone
from otosome.laboratory.file import Export, flags, unix_moment
from otosome.laboratory.tables import Tables, readings, rows_of, waveforms
from otosome.laboratory.voltage import factor, one_unit
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

FIRST = ("sgi", "rec no.", "samp. per.", "no. samps.")
MOST_SAMPLES = 20_000
NEXT = (0.25, 1.0)  # ms from P1 to N1
# Headers that state a unit of voltage: of the samples, and of each cursor.
VOLTAGE = re.compile(r"(?:data|v\d+)\s*(?:\(([^()]*)\))?(?:\.\.\.)?")
AGAIN = "export the table again from BioSigRZ"
UNIT = "write the unit that the table was exported in into its header, such as Data(nv)... and V1(nv)"


@dataclass(frozen=True)
class BiosigCsv:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its tables; two lines may stand above it."""
        return any(line.lower().startswith(b"sgi,rec no.,") for line in head.splitlines()[:3])

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per record whose level and samples are stated."""
        skip = export.line_with("sgi,rec no.,", among=3)
        columns = Columns.of(export, skip, ",")
        columns.need(FIRST)
        level = columns.numbers(columns.first(["level(db)"]))
        names = [str(name) for name in columns.frame.columns]
        units = [(match[1] or "").strip() for name in names if (match := VOLTAGE.fullmatch(name))]
        voltage = one_unit(export, units, "header", UNIT)
        numbered = [name for name in names if name.isdigit()]
        if not 1 <= len(numbered) <= MOST_SAMPLES:
            raise export.refusal("header", f"{len(numbered)} numbered columns", f"1 to {MOST_SAMPLES}", AGAIN)
        sound = _sound(columns, numbered, level)
        if not sound:
            raise export.refusal("rows", "none with level, period and samples", "one or more", AGAIN)
        rows = rows_of([_row(columns, row, level[row], columns.numbers("samp. per.")[row]) for row in sound])
        table = waveforms(export, list(sound.values()), voltage, **rows)
        by_hand = _by_hand(columns, list(sound), table, voltage)
        return Tables(readings=by_hand, waveforms=table, refused=tuple(columns.refused))


def _sound(columns: Columns, numbered: Sequence[str], level: Array) -> dict[int, Array]:
    """The samples of each row that can be used."""
    before = [str(name) for name in columns.frame.columns if str(name).startswith("data")]
    cells = columns.frame[[*before, *numbered]].to_numpy()
    period = columns.numbers("samp. per.")
    samples = {row: _samples(columns, row, cells[row], level[row], period[row]) for row in range(len(cells))}
    return {row: wave for row, wave in samples.items() if wave is not None}


def _by_hand(columns: Columns, rows: Sequence[int], table: pd.DataFrame, voltage: str) -> pd.DataFrame | None:
    """The table ``readings`` of cursors that were set; None where none was."""
    records = zip(rows, table.to_dict("records"), strict=True)
    marks = [mark for row, record in records for mark in _marks(columns, row, record, voltage)]
    return readings(columns.export, **rows_of(marks)) if marks else None


def _marks(
    columns: Columns, row: int, record: Mapping[Hashable, object], voltage: str
) -> Iterator[dict[str, object]]:
    """Wave I as its first two cursors were set by hand: the latency of the first, and how far the second lies below."""
    peak, trough = (_cursor(columns, number, row) for number in (1, 2))
    if not peak[0] > 0:
        return
    who = {name: record[name] for name in ("subject", "frequency", "level", "recorded")}
    click = "click" if "click" in str(record["flag"]) else ""
    about = {**who, "flag": flags(click, "cursor 1, set by hand")}
    yield {**about, "quantity": "wave1_latency", "value": peak[0], "unit": "ms"}
    if NEXT[0] <= trough[0] - peak[0] <= NEXT[1]:
        high = (peak[1] - trough[1]) * (factor(voltage) or 1.0)
        remark = flags(click, "cursor 1 minus cursor 2, set by hand: taken as P1 and N1")
        yield {**about, "flag": remark, "quantity": "wave1", "value": high, "unit": "uV"}


def _cursor(columns: Columns, number: int, row: int) -> tuple[float, float]:
    """Time in ms and voltage of a cursor in a row, whatever unit its column states; -1 where it was not set."""
    names = [str(name) for name in columns.frame.columns]
    cells = [
        next((name for name in names if re.fullmatch(rf"{key}{number}\s*\(.*\)", name)), "") for key in "tv"
    ]
    time, volts = (float(columns.numbers(name)[row]) if name else -1.0 for name in cells)
    return time, volts


def _row(columns: Columns, row: int, level: float, period: float) -> dict[str, object]:
    """What a record's own cells say of it."""
    kilohertz, click = tone(_optional(columns, "freq(hz)")[row], _optional(columns, "duration(ms)")[row])
    recorded = unix_moment(_optional(columns, "time")[row])
    return {
        "subject": columns.texts("sub. id")[row],
        "frequency": kilohertz,
        "level": level,
        "unit": "dB",
        "rate": 1e3 / period,
        "onset": 0.0 - np.nan_to_num(_optional(columns, "o.s. time")[row]),
        "sweeps": _optional(columns, "no. avgs")[row],
        "recorded": recorded,
        "flag": flags(click, "level in dB, reference not stated", columns.export.contradiction(recorded)),
    }


def _optional(columns: Columns, name: str) -> Array:
    return columns.numbers(name) if name in columns else np.full(len(columns.frame), np.nan)


def _samples(columns: Columns, row: int, cells: Array, level: float, period: float) -> Array | None:
    """The samples of a row as written; None, and a line in the list, where it cannot be used.

    The first sample stands under ``Data(uv)...`` in some exports; in others that column is empty.
    """
    stated = columns.texts("no. samps.")[row]
    written = [cell for cell in map(str, cells) if cell]
    reason = ""
    if not (np.isfinite(level) and 0.1 < period < 1e4):
        reason = "no level or sampling period"
    elif stated.split(".")[0] != str(len(written)):
        reason = f"{len(written)} samples of {stated[:20]} stated"
    else:
        try:
            values = np.array([float(cell) for cell in written])
        except ValueError:
            reason = "a sample that is no number"
        else:
            if np.isfinite(values).all() and values.any():
                return values
            reason = "samples that are all zero or not finite"
    columns.leave_out(row, "samples", reason, "the waveform cannot be used")
    return None
