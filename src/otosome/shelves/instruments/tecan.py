"""Tecan exports, i-control and Magellan: grids with the corner ``<>``, lists of wells, kinetics a column a well."""

from __future__ import annotations

import re
from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.plates import Grid, every_well, one_plate, plate_tables, split
from otosome.laboratory.tables import Tables

AGAIN = "export the plate again from i-control or Magellan"
LABEL = re.compile(r"label\s*:\s*(.+)", re.IGNORECASE)
WAVE = re.compile(r"(?:measurement )?wavelength\D*(\d{3,4})", re.IGNORECASE)


def _name(grid: Grid, label: str) -> str:
    """The label of the measurement and its wavelength, from the settings above the grid."""
    labels = [match[1] for line in grid.title if (match := LABEL.match(line))]
    waves = [f"{match[1]} nm" for line in grid.title if (match := WAVE.search(line))]
    own = f"{labels[-1] if labels else ''} {waves[-1] if waves else ''}".strip()
    return own or (grid.title[-1] if grid.title else "Measurement")


@dataclass(frozen=True)
class Tecan:
    """The software, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its exports."""
        first = head.removeprefix(b"\xef\xbb\xbf").lstrip(b'" \r\n')
        named = (
            first.lower().startswith((b"application: tecan", b"programm: tecan")) or b"Tecan" in head[:300]
        )
        lines = [line.lower().lstrip(b'" ') for line in head.splitlines()[:60]]
        magellan = any(b"well positions" in line for line in lines[:3])
        return named or magellan or any(line.startswith(b"<>") for line in lines)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``wells``: a row a well and measurement."""
        rows = split(export)
        return plate_tables(export, every_well(rows, one_plate, _name), AGAIN)
