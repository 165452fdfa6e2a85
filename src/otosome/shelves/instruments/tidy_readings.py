"""The table ``readings`` itself: as ``otosome import`` writes it, or made by hand with the same columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export, header
from otosome.laboratory.tables import READINGS, Tables, readings

NEEDS = ("subject", "quantity", "value", "unit")
NUMBERS = ("time", "frequency", "place", "value", "level")
CENSORED = ("none", "above", "below")
NOT_KEPT = ("file", "sha256")


@dataclass(frozen=True)
class TidyReadings:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects, quantities, values and units."""
        return header(head).issuperset(NEEDS)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: every row with a value; ear as left or right; time in h, frequency in kHz."""
        columns = Columns.of(export)
        rows = _readable(columns)
        if not rows:
            raise export.refusal("value", "no reading", "one or more")
        numbers = {name: columns.numbers(name)[rows] for name in NUMBERS if name in columns}
        texts = {
            name: [_untamed(text) for text in columns.texts(name)]
            for name in READINGS
            if name in columns and name not in (*NUMBERS, *NOT_KEPT)
        }
        texts |= {"ear": columns.ears(), "censored": _censored(columns)}
        cells = {name: [column[row] for row in rows] for name, column in texts.items()}
        return Tables(readings=readings(export, **cells, **numbers), refused=tuple(columns.refused))


def _censored(columns: Columns) -> list[str]:
    return [text or "none" for text in columns.texts("censored")]


def _readable(columns: Columns) -> list[int]:
    """The rows with a value, an ear and a side of censoring that are any; the others are listed."""
    value, ears, written = columns.numbers("value"), columns.ears(), columns.texts("ear", "side")
    rows = list[int]()
    for row, censored in enumerate(_censored(columns)):
        if np.isnan(value[row]):
            columns.leave_out(row, "value", columns.texts("value")[row], "no value")
        elif censored not in CENSORED:
            columns.leave_out(row, "censored", censored, f"is none of {', '.join(CENSORED)}")
        elif written[row] and not ears[row]:
            columns.leave_out(row, "ear", written[row], "is neither left nor right")
        else:
            rows.append(row)
    return rows


def _untamed(text: str) -> str:
    """A cell without the apostrophe that writing put before what a spreadsheet would run."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text
