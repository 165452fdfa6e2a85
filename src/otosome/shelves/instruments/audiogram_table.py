"""Audiograms in CSV, long (a row per threshold) or wide (``l_air_1000``, ``r_bone_2000`` ...)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.columns import FREQUENCY, Columns, possible
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, readings
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

LEVEL = ("threshold_db", "threshold_db_hl", "level_db_hl", "threshold_dbhl")
PATHWAYS = {
    "": "audiogram", "air": "audiogram", "bone": "audiogram.bone", "soundfield": "audiogram.soundfield",
    "ci": "audiogram.ci",
}  # fmt: skip
WIDE = re.compile(r"([lr])_(air|bone|soundfield|ci)_(\d{3,5})", re.ASCII)
EARS = {"l": "left", "r": "right"}
YES = {"1", "true", "yes", "t"}
NOT_HERE = ("quantity",)


@dataclass(frozen=True)
class AudiogramTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so is a long audiogram or a wide one."""
        names = header(head)
        long = {"ear"} <= names and bool(names.intersection(LEVEL)) and bool(names.intersection(FREQUENCY))
        return (long or any(WIDE.fullmatch(name) for name in names)) and not names.intersection(NOT_HERE)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: hearing levels; ``nr`` is no response to the level it stands beside."""
        columns = Columns.of(export)
        wide = [m for name in columns.frame.columns if (m := WIDE.fullmatch(str(name)))]
        table = _wide(columns, wide) if wide else _long(columns)
        return Tables(readings=table, refused=tuple(columns.refused))


def _long(columns: Columns) -> pd.DataFrame:
    name = columns.first(LEVEL)
    frequency, about = columns.kilohertz()
    level = columns.numbers(name)
    pathway = [text.lower() for text in columns.texts("pathway")]
    silent = [text.lower() in YES for text in columns.texts("nr")]
    masked = [text.lower() in YES for text in columns.texts("masked")]
    rows = _levels(columns, name, level)
    for row in np.flatnonzero(np.isnan(level) & np.array(silent, dtype=bool)):
        columns.leave_out(
            int(row), name, "nr", "no response, and the table does not say what level was tested"
        )
    for row in [row for row in rows if pathway[row] not in PATHWAYS]:
        columns.leave_out(
            int(row), "pathway", pathway[row], f"is none of {', '.join(filter(None, PATHWAYS))}"
        )
    kept = [row for row in rows if pathway[row] in PATHWAYS]
    if not kept:
        raise columns.nothing("no level")
    unit = "" if "hl" in name else "dB HL: not stated, an audiogram"
    return readings(
        columns.export,
        **columns.who(kept),
        quantity=[PATHWAYS[pathway[row]] for row in kept],
        frequency=frequency[kept],
        value=level[kept],
        unit="dB HL",
        censored=["above" if silent[row] else "none" for row in kept],
        recorded=[columns.texts("performed_at")[row][:16] for row in kept],
        flag=[
            flags(about[row], "masked" if masked[row] else "", said, unit)
            for row, said in zip(kept, columns.said(kept), strict=True)
        ],
    )  # fmt: skip


def _wide(columns: Columns, tests: list[re.Match[str]]) -> pd.DataFrame:
    found = [(test, row, value) for test in tests for row, value in _cells(columns, test[0])]
    if not found:
        raise columns.nothing("no level")
    rows = [row for _, row, _ in found]
    return readings(
        columns.export,
        **{**columns.who(rows), "ear": [EARS[test[1]] for test, _, _ in found]},
        quantity=[PATHWAYS[test[2]] for test, _, _ in found],
        frequency=np.array([int(test[3]) / 1e3 for test, _, _ in found]),
        value=np.array([value for _, _, value in found]),
        unit="dB HL",
        flag=[flags(said, "dB HL: not stated, an audiogram") for said in columns.said(rows)],
    )


def _cells(columns: Columns, name: str) -> list[tuple[int, float]]:
    level = columns.numbers(name)
    return [(int(row), float(level[row])) for row in _levels(columns, name, level)]


def _levels(columns: Columns, name: str, level: Array) -> NDArray[np.intp]:
    """Rows that hold a level; codes are listed."""
    real = np.array([bool(possible(v)) for v in level], dtype=bool)
    for row in np.flatnonzero(np.isfinite(level) & ~real):
        columns.leave_out(int(row), name, f"{level[row]:g}", "a code, not a level")
    return np.flatnonzero(real)
