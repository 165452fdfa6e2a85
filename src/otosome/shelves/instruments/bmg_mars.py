"""BMG LABTECH MARS exports (CLARIOstar, FLUOstar and others): grids below ``Raw Data (...)``, or a table of wells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.plates import Grid, Rows, every_well, plate_tables, split, stated
from otosome.laboratory.tables import Tables

AGAIN = "export the plate again from MARS, the microplate view or the table view"
NUMBERED = re.compile(r"\d+\.\s+")
MEASURED = re.compile(r"raw data|blank corrected|average|based on|\(\d{3}", re.IGNORECASE)


def _name(grid: Grid, label: str) -> str:
    """The last line above the grid that says what was measured, without the number that MARS puts before it."""
    own = [line for line in grid.title[-1:] if NUMBERED.match(line)]
    match = own or [line for line in grid.title if MEASURED.search(line)] or ["Raw Data", *grid.title[-1:]]
    return NUMBERED.sub("", match[-1])


def _plate(rows: Rows) -> str:
    """The name a person gave to the plate: of its three identifiers the one that speaks of a plate, else the first."""
    names = list(filter(None, (stated(rows, key) for key in ("id2", "id1", "id3"))))
    return next((name for name in names if "plate" in name.lower()), [*names, "Plate 1"][0])


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
        rows = split(export)
        plate = _plate(rows)
        values = every_well(rows, lambda _, index: "" if index else plate, _name)
        return plate_tables(export, values, AGAIN)
