"""psiexperiment averages (``... ABR average waveforms.csv``): a column per frequency and level, in volts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.file import Export, flags, moment
from otosome.laboratory.tables import Tables, waveforms

LOUDEST = 1e-2  # V: an average above it is not in volts
MOST_HEADER, MOST_COLUMNS = 12, 2000
NAMED = re.compile(r"(\d{8}-\d{6}) (\w+) ([-\w]+) (?:(left|right) )?", re.ASCII)
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
            given = f"{len(kinds)} frequencies, {len(levels)} levels"
            raise export.refusal("header", given, f"as many of each, 1 to {MOST_COLUMNS}", AGAIN)
        body = [row for row in rows[start + 1 :] if any(row)]
        short = next((i for i, row in enumerate(body) if len(row) != len(kinds) + 1), None)
        if short is not None or len(body) < 2:
            given = f"a row of other length, or fewer than 2 rows ({len(body)})"
            raise export.refusal("time", given, "a whole table", AGAIN)
        table = np.array([[export.number(cell, f"time {row[0][:20]}") for cell in row] for row in body])
        steps = np.diff(table[:, 0])
        if (
            not np.isfinite(table).all()
            or not steps[0] > 0
            or np.abs(steps - steps.mean()).max() > 0.01 * steps.mean()
        ):
            raise export.refusal("time", "blanks or uneven steps", "even steps, a value in every cell", AGAIN)
        if np.abs(table[:, 1:]).max() > LOUDEST:
            raise export.refusal(
                "waveforms", f"{np.abs(table[:, 1:]).max():g}", f"volts, below {LOUDEST:g}", AGAIN
            )
        hertz = np.array([np.nan if kind == "click" else export.number(kind, "frequency") for kind in kinds])
        click = ~(hertz > 0)  # the program writes -1 for one
        named = NAMED.match(export.name)
        told = f"subject{' and ear' if named[4] else ''} from the file's name" if named else "no subject"
        return Tables(
            waveforms=waveforms(
                export,
                list(table[:, 1:].T.copy()),
                voltage="V",
                subject=named[3] if named else "",
                ear=(named[4] or "") if named else "",
                frequency=np.where(click, np.nan, hertz) / 1e3,
                level=[export.number(level, "level") for level in levels],
                unit="dB SPL",
                rate=1e-3 / steps.mean(),
                onset=-1e3 * table[0, 0],
                recorded=moment(named[1], "%Y%m%d-%H%M%S") if named else "",
                flag=[
                    flags("click" if c else "", told, "volt and dB SPL: not stated, by the program")
                    for c in click
                ],
            )
        )
