"""Thermo SkanIt exports (Multiskan, Varioskan): grids whose corner names the measurement, and lists of wells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.plates import Grid, Rows, every_well, plate_tables, split
from otosome.laboratory.tables import Tables

AGAIN = "export the results again from SkanIt as a plate layout or a list"
PLATE = re.compile(r"Plate \d+.*")
WAVE = re.compile(r"(\d{3,4})\s*nm|wavelength\D*(\d{3,4})", re.IGNORECASE)


def _name(grid: Grid, label: str) -> str:
    """The grid's corner and its wavelength, else the last line above it."""
    waves = [match[1] or match[2] for line in grid.title if (match := WAVE.search(line))]
    own = grid.corner or (grid.title[-1] if grid.title else "Measurement")
    return f"{own} {waves[-1]} nm" if waves and waves[-1] not in own else own


def _begins(rows: Rows, index: int) -> str:
    """The plate whose values begin at a row; its name stands before each of its measurements."""
    cells = [cell for cell in rows[index] if cell]
    return cells[0] if len(cells) == 1 and PLATE.fullmatch(cells[0]) else ""


@dataclass(frozen=True)
class Skanit:
    """The software, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its exports."""
        text = head.removeprefix(b"\xef\xbb\xbf").replace(b'"', b"").lower()
        return b"skanit" in text or text.lstrip().startswith((b"measurement results", b"measured values"))

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``wells``: a row a well and measurement."""
        rows = split(export)
        return plate_tables(export, every_well(rows, _begins, _name), AGAIN)
