"""PerkinElmer EnSpire, EnVision and VICTOR exports: grids below ``Results for ...``, and lists of wells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.plates import Grid, from_grids, listed, plate_tables, split
from otosome.laboratory.tables import Tables

AGAIN = "export the plate again from the EnSpire or EnVision software, with row letters and column numbers"
RESULTS = re.compile(r"(?:calculated )?results?(?: for)?\s*(.*?)\s*-?\s*$", re.IGNORECASE)


def _name(grid: Grid, label: str) -> str:
    """What its results are for."""
    names = [match[1] for line in grid.title if (match := RESULTS.match(line)) and match[1]]
    return names[-1] if names else "Results"


@dataclass(frozen=True)
class Enspire:
    """The software, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its exports."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip(b'" \r\n').lower().startswith(b"plate information")

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``wells``: a row a well and measurement."""
        rows, decimal = split(export)
        plate = "Plate 1"
        values = [*from_grids(rows, plate, _name), *listed(rows, plate)]
        return plate_tables(export, values, decimal, cure=AGAIN)
