"""Peaks marked with the program abr (EPL ``...-analyzed.txt``): a threshold, and P1, N1 of each level.

``None`` is a threshold that nobody scored; ``inf`` is no response to the highest level; a negative latency is a
place where no peak was seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.levels import coded
from otosome.laboratory.tables import Tables, readings
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

MOST_LEVELS = 200
AGAIN = "save the analysis again from the program abr"
NAMED = re.compile(r"(ABR|CAP)-(\w+)-(\d+)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class EplPeaks:
    """The program, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its analyses."""
        return head.startswith(b"Threshold (dB SPL):") and b"Filter history" in head

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: the threshold, and wave I (P1 minus N1) and its latency at each level."""
        lines = export.lines()
        start = next((i + 1 for i, line in enumerate(lines) if line.startswith("NOTE")), len(lines))
        if start >= len(lines) or not lines[start].startswith("Level"):
            raise export.refusal("NOTE", "no table of levels below it", "Level, P1 Latency, ...", AGAIN)
        columns = Columns.of(export, start, "\t")
        for name in ("level", "p1 latency", "p1 amplitude", "n1 amplitude"):
            columns.first([name])
        level = columns.numbers("level")
        if not np.isfinite(level).all() or not 1 <= level.size <= MOST_LEVELS:
            entry = f"{level.size} rows, or a blank"
            raise export.refusal("Level", entry, f"the level of 1 to {MOST_LEVELS} rows", AGAIN)
        kind, about = _stimulus(export, lines[:start])
        values, censored, refused = _threshold(export, lines[0], level)
        table = _rows(export, columns, level, kind, about, values, censored)
        return Tables(readings=table, refused=(*refused, *columns.refused))


def _rows(
    export: Export,
    columns: Columns,
    level: Array,
    kind: float,
    about: str,
    values: list[float],
    censored: list[str],
) -> pd.DataFrame:
    latency = columns.numbers("p1 latency")
    wave = columns.numbers("p1 amplitude") - columns.numbers("n1 amplitude")
    sides = ["below" if late < 0 else "none" for late in latency]
    scored = np.isfinite(wave)
    usable = scored & (latency > 0)
    count = len(values), int(scored.sum()), int(usable.sum())
    quantity = ("abr_threshold", "wave1", "wave1_latency")
    remark = ("", "P1 minus N1; microvolt: not stated, by the program", "")
    named = NAMED.search(export.name)
    cap = named is not None and named[1].upper() == "CAP"
    common = flags(
        about, "subject from the file's name" if named else "no subject", "name says CAP" if cap else ""
    )
    spread = [i for i, n in enumerate(count) for _ in range(n)]
    return readings(
        export,
        subject=named[2] if named else "",
        quantity=[quantity[i] for i in spread],
        frequency=kind,
        value=np.concatenate([values, wave[scored], latency[usable]]),
        unit=[("dB SPL", "uV", "ms")[i] for i in spread],
        level=np.concatenate([np.full(count[0], np.nan), level[scored], level[usable]]),
        censored=[*censored, *np.array(sides)[scored], *["none"] * count[2]],
        flag=[flags(remark[i], common) for i in spread],
    )


def _stimulus(export: Export, lines: list[str]) -> tuple[float, str]:
    """Frequency in kHz (NaN for a click) and what is said of it."""
    for line in lines:
        match = re.match(r"(?:Frequency \(kHz\)|Stimulus):\s*([\w.]+)", line)
        if match and match[1].lower() == "click":
            return np.nan, "click"
        if match:
            return export.number(match[1], "Frequency"), ""
    raise export.refusal("header", "neither Frequency (kHz) nor Stimulus", "one of them", AGAIN)


def _threshold(export: Export, line: str, level: Array) -> tuple[list[float], list[str], list[Refused]]:
    text = line.partition(":")[2].strip().lower()
    if text == "inf":
        return [float(level.max())], ["above"], []
    if text == "-inf":
        return [float(level.min())], ["below"], []
    value = export.number(text, "Threshold (dB SPL)")
    if np.isnan(value):
        return [], [], [export.left_out("Threshold (dB SPL)", text or "a blank", "nobody scored it")]
    if reason := coded(value):
        return [], [], [export.left_out("Threshold (dB SPL)", text, reason)]
    return [value], ["none"], []
