"""PerkinElmer EnSpire, EnVision and VICTOR exports: grids below ``Results for ...``, and lists of wells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otosome.laboratory.file import Export, parse
from otosome.laboratory.plates import ROWS, Grid, Rows, Well, every_well, plate_tables, plates_of, split
from otosome.laboratory.tables import Tables

AGAIN = "export the plate again from the EnSpire or EnVision software, with row letters and column numbers"
SHAPES = {12: 8, 24: 16, 48: 32}  # lines of a plate by its columns
RESULTS = re.compile(r"(?:calculated )?results?(?: for)?\s*(.*?)\s*-?\s*$", re.IGNORECASE)


def _name(grid: Grid, label: str) -> str:
    """What its results are for."""
    names = [match[1] for line in grid.title if (match := RESULTS.match(line)) and match[1]]
    if names:
        return names[-1]
    return "Results" if any(parse(text) for _, text, _ in grid.cells) else "plate map"


def _begins(rows: Rows, index: int) -> str:
    """The plate that begins at a row, by the number two lines below, or beside in the map of its samples."""
    row = rows[index]
    first = row[0].lower() if row else ""
    below = rows[index + 2][:1] if first == "plate information" and index + 2 < len(rows) else []
    cells = [cell for cell in row if cell]
    number = cells[1] if first == "plate" and len(cells) == 2 else "".join(below)
    return f"Plate {number}" if number.isdigit() else ""


def _bare(rows: Rows, plates: Sequence[str]) -> Iterator[Well]:
    """The wells of plates exported without letters and numbers: blocks of as many lines and values as a plate has.

    ``plates``  of each row
    """
    block, plate = list[Sequence[str]](), ""
    for row, own in zip((*rows, []), (*plates, ""), strict=True):
        line = row[:-1] if row and not row[-1] else row
        if len(line) in SHAPES and not any(any(map(str.isalpha, cell)) for cell in line):
            block.append(line)
            plate = own
            continue
        if block and [len(line) for line in block] == [len(block[0])] * SHAPES[len(block[0])]:
            for letter, values in zip(ROWS, block, strict=False):
                yield from (
                    Well(plate, "Results", f"{letter}{i}", text) for i, text in enumerate(values, start=1)
                )
        block = []


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
        rows = split(export)
        bare = _bare(rows, plates_of(rows, _begins))
        return plate_tables(export, [*every_well(rows, _begins, _name), *bare], AGAIN)
