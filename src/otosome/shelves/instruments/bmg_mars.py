"""BMG LABTECH MARS exports (CLARIOstar, FLUOstar and others): grids below ``Raw Data (...)``, or a table of wells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.plates import Grid, from_grids, listed, plate_tables, split, stated
from otosome.laboratory.tables import Tables

AGAIN = "export the plate again from MARS, the microplate view or the table view"
MEASURED = re.compile(r"raw data|blank corrected|average|based on|\(\d{3}", re.IGNORECASE)


def _name(grid: Grid, label: str) -> str:
    """The last line above the grid that says what was measured, without the number that MARS puts before it."""
    match = [line for line in grid.title if MEASURED.search(line)]
    return re.sub(r"^\d+\.\s*", "", (match or [*grid.title, "Raw Data"])[-1])


@dataclass(frozen=True)
class BmgMars:
    """The software, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its exports."""
        return b"Test name:" in head.replace(b"Test Name", b"Test name") and (
            b"ID1" in head or b"ID2" in head
        )

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``wells``: a row a well and measurement."""
        rows, decimal = split(export)
        plate = stated(rows, "id2") or stated(rows, "id1") or "Plate 1"
        values = [*from_grids(rows, plate, _name), *listed(rows, plate)]
        return plate_tables(export, values, decimal, cure=AGAIN)
