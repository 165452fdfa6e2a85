"""Molecular Devices SoftMax Pro exports: blocks of plates, their wells a row a letter or a column a well.

A block's first line says the format, how and at which wavelengths it was read, and which rows and columns it holds.
Wavelengths stand side by side, moments of a kinetic run one below another; rows carry no letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from otosome.laboratory.file import Export
from otosome.laboratory.plates import ROWS, WELL, Well, plate_tables, split
from otosome.laboratory.tables import Tables

BLOCKS = "##blocks="
WAVELENGTH = re.compile(r"\d{3,4}(?:\s+\d{3,4})*")
TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
MODES = ("absorbance", "fluorescence", "luminescence")
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
        rows, decimal = split(export)
        values, index = list[Well](), 0
        while index < len(rows):
            first = rows[index][0] if rows[index] else ""
            if first.lower() == "plate:":
                stop = next((i for i in range(index + 1, len(rows)) if rows[i][:1] == ["~End"]), len(rows))
                values += _plate(rows[index], rows[index + 1 : stop])
                index = stop
            index += 1
        return plate_tables(export, values, decimal, cure=AGAIN)


def _plate(settings: Sequence[str], body: Sequence[Sequence[str]]) -> Iterator[Well]:
    """The wells of a block: below its header a row a letter (PlateFormat), or a row a moment (TimeFormat)."""
    start = next((i for i, row in enumerate(body) if TEMPERATURE.search("\t".join(row))), None)
    if start is None:
        return
    header = body[start]
    by_well, runs = any(WELL.fullmatch(cell) for cell in header), _runs(header)
    name, mode, waves = _settings(settings)
    for row, moment, line in _lines(body[start + 1 :], _start(settings)):
        letter = "" if by_well else ROWS[min(row, len(ROWS) - 1)]
        for number, run in enumerate(runs):
            read = _read(mode, waves, number, moment)
            yield from (Well(name, read, letter + header[i], line[i]) for i in run if i < len(line))


def _settings(settings: Sequence[str]) -> tuple[str, str, list[str]]:
    """The plate's name, how it was read, and at which wavelengths."""
    name = settings[1] if len(settings) > 1 and settings[1] else "Plate 1"
    mode = next((cell for cell in settings if cell.lower() in MODES), "")
    return name, mode, next((cell.split() for cell in settings[5:] if WAVELENGTH.fullmatch(cell)), [])


def _lines(body: Sequence[Sequence[str]], first: int) -> Iterator[tuple[int, str, Sequence[str]]]:
    """Each line with its row of the plate and its moment; a blank line ends a plate, and a moment stands once."""
    row, moment = first, ""
    for line in body:
        if not any(line):
            row, moment = first, ""
            continue
        moment = line[0] or moment
        yield row, moment, line
        row += 1


def _read(mode: str, waves: Sequence[str], number: int, moment: str) -> str:
    """The name of a measurement: how, at which wavelength, and when in a kinetic."""
    wave = f"{waves[number]} nm" if number < len(waves) else f"read {number + 1}"
    return " ".join(filter(None, (mode, wave, moment and f"at {moment}")))


def _runs(header: Sequence[str]) -> list[list[int]]:
    """Where the columns of each wavelength stand: numbers or wells, a blank between two wavelengths."""
    runs, before = list[list[int]](), -2
    for place, cell in enumerate(header):
        if cell.isdigit() or WELL.fullmatch(cell):
            if place != before + 1:
                runs.append([])
            runs[-1].append(place)
            before = place
    return runs


def _start(settings: Sequence[str]) -> int:
    """The first row of a plate that was read in part, from 0: the last but one of the numbers that end the settings."""
    numbers = [cell for cell in settings if cell][-5:]
    if len(numbers) == 5 and all(cell.isdigit() for cell in numbers) and 1 <= int(numbers[3]) <= len(ROWS):
        return int(numbers[3]) - 1
    return 0
