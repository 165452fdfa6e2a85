"""Wells as plate readers export them: grids under column numbers, lists of wells, and a column a well over time.

A grid is found by its header, consecutive column numbers, and its rows by their letters; what stands above it names
the measurement. Values that a reader could not read (OVER, ?????) are listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.file import Export, Refused, flags, parse
from otosome.laboratory.tables import Tables, wells

ROWS = (*"ABCDEFGHIJKLMNOP", *("A" + c for c in "ABCDEFGHIJKLMNOP"))
MOST_COLUMNS, MOST_WELLS = 48, 200_000
MOST_TITLE = 30  # lines above a grid that may name it
WELL = re.compile(r"([A-P]|A[A-P])0*([1-9]\d?)(?:\s*\(.*\))?", re.ASCII)
WELLS_HEADER = ("well", "wells", "well id", "well position", "well positions", "well name")
ROW_HEADER, COLUMN_HEADER = ("well row", "row"), ("well col", "well column", "col", "column")
SAMPLE_HEADER = ("content", "well id", "sample", "sample name", "sample id", "name")
BLANKS = ("", "-", "--", "nan", "n/a", "empty")
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Well:
    """One value of one well as it is written.

    ``read``  which measurement of the plate;  ``text``  the value
    """

    plate: str
    read: str
    well: str
    text: str
    sample: str = ""


@dataclass(frozen=True)
class Grid:
    """A grid of wells: the lines above it, its corner cell, and (well, value, label at the end of its row)."""

    title: tuple[str, ...]
    corner: str
    cells: tuple[tuple[str, str, str], ...]


def split(export: Export) -> tuple[list[list[str]], str]:
    """A file's rows of cells, and its decimal mark: a comma where semicolons or tabs part the cells and it uses one."""
    text = export.text
    separator = max("\t;,", key=text.count)
    rows = export.rows(separator)
    cells = [cell for row in rows for cell in row]
    comma = separator != "," and any(re.fullmatch(r"-?\d+,\d+", cell) for cell in cells)
    return rows, "," if comma else "."


def grids(rows: Rows) -> Iterator[Grid]:
    """Every grid of a file, those that stand side by side each for itself."""
    above, index = list[str](), 0
    while index < len(rows):
        heads = list(_heads(rows[index]))
        bodies = [
            (head, cells, size) for head in heads if (size := len(cells := _body(rows, index + 1, *head)))
        ]
        if not bodies:
            above.append(" ".join(filter(None, rows[index])))
            index += 1
            continue
        for (first, _), lines, _ in bodies:
            corner = rows[index][first - 1] if first else ""
            yield Grid(
                tuple(filter(None, above))[-MOST_TITLE:],
                corner,
                tuple(cell for line in lines for cell in line),
            )
        above = []
        index += 1 + max(size for *_, size in bodies)


def _heads(row: Sequence[str]) -> Iterator[tuple[int, list[int]]]:
    """Runs of consecutive column numbers in a row: where each begins, and the numbers."""
    numbers = [int(float(cell)) if re.fullmatch(r"0*\d{1,2}(\.0+)?", cell) else -1 for cell in row]
    start = 0
    for i in range(len(numbers)):
        if i + 1 == len(numbers) or numbers[i] < 1 or numbers[i + 1] != numbers[i] + 1:
            run = numbers[start : i + 1]
            if start and run[0] >= 1 and run[-1] <= MOST_COLUMNS and (len(run) > 1 or len(row) == start + 1):
                yield start, run
            start = i + 1


def _from(rows: Rows, index: int) -> Iterator[Sequence[str]]:
    """The rows from one on, one by one: a copy for each grid of a long file would take its square in time."""
    return (rows[number] for number in range(index, len(rows)))


def _body(rows: Rows, index: int, first: int, numbers: list[int]) -> list[list[tuple[str, str, str]]]:
    """The lines of a grid, from ``index`` down to the first that does not begin with the next letter."""
    lines, letter = list[list[tuple[str, str, str]]](), ""
    for row in _from(rows, index):
        own = next((cell for cell in reversed(row[:first]) if cell), "")
        cells = row[first : first + len(numbers)]
        more = row[first + len(numbers)] if len(row) > first + len(numbers) else ""
        if own not in ROWS and not (own == "" and letter and more and any(cells)):
            break
        letter = own or letter
        lines.append([(f"{letter}{n}", cell, more) for n, cell in zip(numbers, cells, strict=False)])
    return lines


def listed(rows: Rows, plate: str) -> Iterator[Well]:
    """Wells of tables with a row a well, and of tables with a column a well and a row a moment."""
    above = ""
    for index, row in enumerate(rows):
        names, across = _named(row), [i for i, cell in enumerate(row) if WELL.fullmatch(cell)]
        if names:
            yield from _down(rows, index, names, plate)
        elif len(across) > 1 and min(across) > 0:
            yield from _over_time(rows, index, across, above, plate)
        above = " ".join(filter(None, row)) or above


def _named(row: Sequence[str]) -> list[int]:
    """Where a header names the well: in one column, or in one of rows and one of columns; empty where it does not."""
    names = [cell.lower() for cell in row]
    for headers in ((WELLS_HEADER,), (ROW_HEADER, COLUMN_HEADER)):
        places = [i for words in headers for i in [i for i, name in enumerate(names) if name in words][:1]]
        if len(places) == len(headers):
            return places
    return []


def _down(rows: Rows, index: int, places: list[int], plate: str) -> Iterator[Well]:
    header = rows[index]
    samples = [i for i, name in enumerate(header) if name.lower() in SAMPLE_HEADER]
    for row in _from(rows, index + 1):
        name = "".join(row[i] for i in places if i < len(row))
        match = WELL.fullmatch(name)
        if match is None:
            return
        sample = row[samples[0]] if samples and samples[0] < len(row) else ""
        for i, text in enumerate(row[: len(header)]):
            if i not in (*places, *samples) and header[i] and parse(text.replace(",", ".")) is not None:
                yield Well(plate, header[i], f"{match[1]}{match[2]}", text, sample)


def _over_time(rows: Rows, index: int, across: list[int], title: str, plate: str) -> Iterator[Well]:
    header = rows[index]
    before = [i for i in range(min(across)) if "cycle" not in header[i].lower()]
    wells = {i: match for i in across if (match := WELL.fullmatch(header[i]))}
    for row in _from(rows, index + 1):
        moment = next((row[i] for i in before if i < len(row) and row[i]), "")
        if not any(map(str.isdigit, moment)) or WELL.fullmatch(moment):
            return
        for i, match in wells.items():
            if i < len(row):
                yield Well(plate, f"{title} at {moment}".strip(), f"{match[1]}{match[2]}", row[i])


def from_grids(rows: Rows, plate: str, name: Callable[[Grid, str], str]) -> Iterator[Well]:
    """The wells of every grid; ``name`` gives the measurement of a grid and of the label at the end of a row."""
    for grid in grids(rows):
        for well, text, label in grid.cells:
            yield Well(plate, name(grid, label), well, text)


def plate_tables(
    export: Export, values: Sequence[Well], decimal: str, flag: str = "", cure: str = ""
) -> Tables:
    """The table ``wells``; a measurement of one name that stands twice is numbered.

    raises  BadInput where no well has a value
    """
    refused, rows = list[Refused](), list[tuple[Well, float]]()
    times = dict[tuple[str, str, str], int]()
    for well in values:
        value = parse(well.text.strip(), decimal)
        if well.text.strip().lower() in BLANKS:
            continue
        if value is None or np.isnan(value):
            refused.append(export.left_out(f"{well.read}, well {well.well}", well.text, "is no number"))
            continue
        key = (well.plate, well.read, well.well)
        times[key] = times.get(key, 0) + 1
        read = well.read if times[key] == 1 else f"{well.read} ({times[key]})"
        rows.append((Well(well.plate, read, well.well, well.text, well.sample), value))
    if not rows or len(rows) > MOST_WELLS:
        raise export.refusal(
            "plate", f"{len(rows)} wells", f"1 to {MOST_WELLS}", cure or "export the plate again"
        )
    comma = "decimal comma" if decimal == "," else ""
    return Tables(
        wells=wells(
            export,
            plate=[well.plate for well, _ in rows],
            well=[well.well for well, _ in rows],
            sample=[well.sample for well, _ in rows],
            read=[well.read for well, _ in rows],
            value=np.array([value for _, value in rows]),
            flag=flags(flag, comma),
        ),
        refused=tuple(refused),
    )


def stated(rows: Rows, *keys: str) -> str:
    """What stands behind the first cell that is one of these keys, in its own cell or in the next that is not blank."""
    for row in rows:
        for i, cell in enumerate(row):
            key, mark, rest = cell.partition(":")
            if key.strip().lower() in keys and (mark or i == 0):
                return rest.strip() or next((other for other in row[i + 1 :] if other), "")
    return ""
