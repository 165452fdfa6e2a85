"""BioTek Gen5 exports as text: a grid whose rows end with the measurement, lists of wells, kinetics a column a well."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.plates import Grid, Rows, every_well, plate_tables, split
from otosome.laboratory.tables import Tables

AGAIN = "export the plate again from Gen5 as text, as a matrix or a list"


def _name(grid: Grid, label: str) -> str:
    """The label at the end of a row, else the last line above the grid."""
    above = grid.title[-1] if grid.title else ""
    return label or above or "Results"


def _begins(rows: Rows, index: int) -> str:
    """The plate that begins at a row."""
    row = rows[index]
    return row[1] if len(row) > 1 and row[0].lower() in ("plate number", "barcode id") else ""


@dataclass(frozen=True)
class Gen5:
    """The software, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its exports."""
        lines = head.lower().splitlines()[:30]
        return any(line.lstrip(b"\xef\xbb\xbf").startswith(b"software version") for line in lines) and any(
            word in head for word in (b"Experiment File Path", b"Reader Type", b"Gen5", b"Protocol File Path")
        )

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``wells``: a row a well and measurement."""
        rows = split(export)
        return plate_tables(export, every_well(rows, _begins, _name), AGAIN)
