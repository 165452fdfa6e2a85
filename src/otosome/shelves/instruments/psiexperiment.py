"""psiexperiment averages (``... ABR average waveforms.csv``): a column per frequency and level, in volts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import tone
from otosome.laboratory.file import Export, flags
from otosome.laboratory.recording import named
from otosome.laboratory.tables import Tables, waveforms
from otosome.units import Array

LOUDEST = 1e-2  # V: an average above it is not in volts
MOST_HEADER, MOST_COLUMNS = 12, 2000
AGAIN = "average the experiment again"


@dataclass(frozen=True)
class Psiexperiment:
    """The program, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is a table of its averages."""
        lines = head.split(b"\n", 2)
        return len(lines) > 2 and lines[0].startswith(b"frequency,") and lines[1].startswith(b"level,")

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``waveforms``: a row per column, samples in uV."""
        rows = export.rows()
        start = next((i for i, row in enumerate(rows[:MOST_HEADER]) if row[:1] == ["time"]), None)
        if start is None:
            raise export.refusal("header", "no line 'time'", f"one within {MOST_HEADER} lines", AGAIN)
        head = {row[0]: row[1:] for row in rows[:start] if row}
        kinds, levels = head.get("frequency", []), head.get("level", [])
        if not 1 <= len(kinds) == len(levels) <= MOST_COLUMNS:
            counts = f"{len(kinds)} frequencies, {len(levels)} levels"
            raise export.refusal("header", counts, f"as many of each, 1 to {MOST_COLUMNS}", AGAIN)
        table = _table(export, rows[start + 1 :], len(kinds))
        who, whose = named(export.name)
        sweeps = [export.number(text, "epoch_n") for text in head.get("epoch_n", [])]
        stimuli = [tone(_hertz(export, kind), np.nan) for kind in kinds]
        return Tables(
            waveforms=waveforms(
                export,
                list(table[:, 1:].T.copy()),
                "V",
                **who,
                frequency=[kilohertz for kilohertz, _ in stimuli],
                level=[export.number(level, "level") for level in levels],
                unit="dB SPL",
                rate=1e-3 / float(np.diff(table[:, 0]).mean()),
                onset=-1e3 * table[0, 0],
                sweeps=sweeps if len(sweeps) == len(kinds) else np.nan,
                flag=[
                    flags(click, whose, "volt and dB SPL: not stated, by the program") for _, click in stimuli
                ],
            )
        )


def _hertz(export: Export, kind: str) -> float:
    """The frequency of a column; the program writes -1 for a click."""
    return np.nan if kind == "click" else export.number(kind, "frequency")


def _table(export: Export, rows: list[list[str]], columns: int) -> Array:
    """Time in s and volts, shape (sample, 1 + column); raises BadInput for gaps, and steps that are not even."""
    body = [row for row in rows if any(row)]
    if len(body) < 2 or any(len(row) != columns + 1 for row in body):
        short = f"a row of other length, or fewer than 2 rows ({len(body)})"
        raise export.refusal("time", short, "a whole table", AGAIN)
    table = np.array([[export.number(cell, f"time {row[0][:20]}") for cell in row] for row in body])
    steps = np.diff(table[:, 0])
    even = steps[0] > 0 and np.abs(steps - steps.mean()).max() <= 0.01 * steps.mean()
    if not np.isfinite(table).all() or not even:
        raise export.refusal("time", "blanks or uneven steps", "even steps, a value in every cell", AGAIN)
    if np.abs(table[:, 1:]).max() > LOUDEST:
        largest = f"{np.abs(table[:, 1:]).max():g}"
        raise export.refusal("waveforms", largest, f"volts, below {LOUDEST:g}", AGAIN)
    return table
