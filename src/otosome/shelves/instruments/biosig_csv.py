"""TDT BioSigRZ CSV ("SGI" table): a row per averaged waveform, its samples in numbered columns.

A tone that lasts less than one cycle is no tone: laboratories code clicks that way. Samples and cursors are in the
unit that the header states, ``Data(uv)...`` with ``V1(uv)``, or nV, mV, V. Cursors of -1 were not set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import Columns, tone
from otosome.laboratory.file import Export, flags, unix_moment
from otosome.laboratory.tables import Tables, rows_of, waveforms
from otosome.laboratory.voltage import one_unit
from otosome.units import Array

FIRST = ("sgi", "rec no.", "samp. per.", "no. samps.")
MOST_SAMPLES = 20_000
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
        cells = columns.frame[[*(name for name in names if name.startswith("data")), *numbered]].to_numpy()
        period = columns.numbers("samp. per.")
        samples = {
            row: _samples(columns, row, cells[row], level[row], period[row]) for row in range(len(cells))
        }
        sound = {row: wave for row, wave in samples.items() if wave is not None}
        if not sound:
            raise export.refusal("rows", "none with level, period and samples", "one or more", AGAIN)
        rows = rows_of([_row(columns, row, level[row], period[row]) for row in sound])
        table = waveforms(export, list(sound.values()), voltage, **rows)
        return Tables(waveforms=table, refused=tuple(columns.refused))


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
