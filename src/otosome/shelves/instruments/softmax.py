"""Molecular Devices SoftMax Pro exports: blocks of plates, their wells a row a letter or a column a well.

A block's first line says the format, how and at which wavelengths it was read, and which rows and columns it holds.
Wavelengths stand side by side, or one below another where wells are columns; moments of a kinetic run one below
another; rows carry no letter. A second table without temperatures holds what the program computed of the first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otosome.laboratory.file import Export, is_count
from otosome.laboratory.plates import MOST_COLUMNS, ROWS, WELL, Rows, Well, plate_tables, split
from otosome.laboratory.tables import Tables

BLOCKS = "##blocks="
WAVELENGTH = re.compile(r"\d{3,4}(?:\s+\d{3,4})*")
TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
MODES = ("absorbance", "fluorescence", "luminescence")
SIZES = ("6", "12", "24", "48", "96", "384", "1536")  # wells of a plate
BETWEEN = {
    "absorbance": 1,
    "fluorescence": 10,
    "luminescence": 10,
}  # cells from that number to the first row read
AGAIN = "export the plate again from SoftMax Pro as text"


@dataclass(frozen=True)
class Softmax:
    """The software, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its exports."""
        return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(BLOCKS.encode())

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``wells``: a row a well, wavelength and moment of every plate; groups and notes are not read."""
        rows = split(export)
        values, index = list[Well](), 0
        while index < len(rows):
            first = rows[index][0] if rows[index] else ""
            if first.lower() == "plate:":
                stop = next((i for i in range(index + 1, len(rows)) if rows[i][:1] == ["~End"]), len(rows))
                values += _plate(Settings.of(rows[index]), rows[index + 1 : stop])
                index = stop
            index += 1
        return plate_tables(export, values, AGAIN)


@dataclass(frozen=True)
class Settings:
    """What a block's first line says: the plate's name, how it was read, at which wavelengths, its first row from 0.

    ``count``  rows read, 0 where not stated
    """

    name: str
    mode: str
    kind: str
    waves: tuple[str, ...]
    first: int = 0
    count: int = 0

    @classmethod
    def of(cls, line: Sequence[str]) -> Settings:
        """The settings of a line."""
        name = line[1] if len(line) > 1 and line[1] else "Plate 1"
        mode = next((cell for cell in line if cell.lower() in MODES), "")
        kind = line[4] if len(line) > 4 else ""
        waves = next((cell.split() for cell in line[5:] if WAVELENGTH.fullmatch(cell)), [])
        return cls(name, mode, kind, tuple(waves), *_rows(line, mode))

    def read(self, wave: int, moment: str) -> str:
        """The name of a measurement: how, at which wavelength, and when in a kinetic."""
        if self.kind.lower() == "spectrum" and moment:
            return f"{self.mode} {moment} nm".strip()
        own = f"{self.waves[wave]} nm" if wave < len(self.waves) else f"read {wave + 1}"
        return " ".join(filter(None, (self.mode, own, moment and f"at {moment}")))


def _rows(line: Sequence[str], mode: str) -> tuple[int, int]:
    """The first row that was read, from 0, and how many: they stand behind columns and the size of the plate."""
    for i in range(5, len(line) - 3):
        columns = is_count(line[i]) and is_count(line[i + 1]) and int(line[i]) <= MOST_COLUMNS
        behind = WAVELENGTH.fullmatch(line[i - 1]) and is_count(line[i + 2])
        if columns and (behind or line[i + 2] in SIZES):
            place = i + 2 + BETWEEN.get(mode.lower(), 1)
            cells = line[place : place + 2]
            stated = len(cells) == 2 and all(map(is_count, cells)) and 1 <= int(cells[0]) <= len(ROWS)
            return (int(cells[0]) - 1, int(cells[1])) if stated else (0, 0)
    return 0, 0


def _plate(settings: Settings, body: Rows) -> Iterator[Well]:
    """The wells of a block, table by table; of one without temperatures the values are computed."""
    heads = [i for i, row in enumerate(body) if _is_header(row)]
    for start, stop in itertools.pairwise([*heads, len(body)]):
        header, groups = body[start], _groups(body[start + 1 : stop])
        computed = "" if any(TEMPERATURE.search(cell) for cell in header) else "computed "
        across = any(WELL.fullmatch(cell) for cell in header)
        table = _across(settings, header, groups) if across else _grid(settings, header, groups)
        for read, well, text in table:
            yield Well(settings.name, computed + read, well, text)


def _is_header(row: Sequence[str]) -> bool:
    """Whether a row names columns: numbers from its third cell on, or wells, and before them at most two words."""
    cells = [cell for cell in row[2:] if cell]
    wells = bool(cells) and all(WELL.fullmatch(cell) for cell in cells)
    numbers = [int(cell) for cell in cells if is_count(cell) and len(cell) < 3]
    counted = len(numbers) == len(cells) > 0 and numbers[0] >= 1 and not any(map(str.isdigit, row[1]))
    steps = all(b == a + 1 or b <= a for a, b in itertools.pairwise(numbers))
    return wells or (counted and steps)


def _groups(rows: Rows) -> list[list[Sequence[str]]]:
    """Lines that stand together; a line without any cell parts them, one of blank cells is a row of the plate."""
    groups, open_ = list[list[Sequence[str]]](), False
    for row in rows:
        if len(row) < 2:
            open_ = False
            continue
        if not open_:
            groups.append([])
        groups[-1].append(row)
        open_ = True
    return [group for group in groups if any(any(row) for row in group)]


def _grid(
    settings: Settings, header: Sequence[str], groups: Sequence[Rows]
) -> Iterator[tuple[str, str, str]]:
    """Measurement, well and value of tables with a row a letter: a group a moment, wavelengths side by side."""
    runs = _runs(header)
    for group in groups:
        moment = group[0][0]
        first = settings.first if len(group) == settings.count else 0
        for letter, line in zip(ROWS[first:], group, strict=False):
            for wave, run in enumerate(runs):
                read = settings.read(wave, moment)
                yield from ((read, letter + header[i], line[i]) for i in run if i < len(line))


def _across(
    settings: Settings, header: Sequence[str], groups: Sequence[Rows]
) -> Iterator[tuple[str, str, str]]:
    """Measurement, well and value of tables with a column a well: a group a wavelength, its lines moments."""
    wells = {i: match for i, cell in enumerate(header) if (match := WELL.fullmatch(cell))}
    for wave, group in enumerate(groups):
        for line in group:
            read = settings.read(wave, line[0])
            yield from ((read, f"{m[1]}{m[2]}", line[i]) for i, m in wells.items() if i < len(line))


def _runs(header: Sequence[str]) -> list[list[int]]:
    """Where the columns of each wavelength stand: numbers, a blank between two wavelengths."""
    runs, before = list[list[int]](), -2
    for place, cell in enumerate(header):
        if is_count(cell):
            if place != before + 1:
                runs.append([])
            runs[-1].append(place)
            before = place
    return runs
