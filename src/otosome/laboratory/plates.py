"""Wells as plate readers export them: grids under column numbers, lists of wells, and wells over time.

A grid is found by its header, consecutive column numbers, and its rows by their letters; what stands above it names
the measurement. A grid or column of names says which sample is in which well. Values that a reader could not read
(OVER, ?????) are listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from otosome.laboratory.file import Export, Refused, parse
from otosome.laboratory.tables import Tables, wells

ROWS = (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *("A" + c for c in "ABCDEF"))
LATE = tuple("abcdef")  # as some write AA to AF
MOST_COLUMNS, MOST_WELLS = 48, 200_000
MOST_TITLE = 30  # lines above a grid that may name it
WELL = re.compile(r"([A-Z]|A[A-F])0*([1-9]\d?)(?:\s*\(.*\))?", re.ASCII)
WELLS_HEADER = ("well", "wells", "well id", "well position", "well positions", "well name")
ROW_HEADER, COLUMN_HEADER = ("well row", "row"), ("well col", "well column", "col", "column")
SAMPLE_HEADER = ("content", "well id", "sample", "sample name", "sample id", "name")
PLATE_HEADER = ("plate", "plate name", "plate id", "barcode")
LAYOUT = re.compile(
    r"well id|sample|content|group|name|.*\blayout|plate ?map|\u00e9chantillon|probe", re.IGNORECASE
)  # what a grid of samples is called
TIME_HEADER = re.compile(r"(?:time|zeit|temps)\b.*", re.IGNORECASE)
UNREAD = 4  # lines between the header of a list and its first well, such as times and temperatures
BLANKS = ("", "-", "--", "nan", "n/a", "empty")
POINT, COMMA = re.compile(r"-?\d*\.\d+"), re.compile(r"-?\d+,\d+")
THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3})+")
Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Well:
    """One value of one well as it is written.

    ``read``  which measurement of the plate;  ``text``  the value;  ``sample``  blank where its line names none
    """

    plate: str
    read: str
    well: str
    text: str
    sample: str = ""


@dataclass(frozen=True)
class Grid:
    """A grid of wells.

    ``row``  where its header stands;  ``title``  the lines above;  ``corner``  the cell before the first number
    ``cells``  (well, value, label at the end of its row)
    """

    row: int
    title: tuple[str, ...]
    corner: str
    cells: tuple[tuple[str, str, str], ...]


def split(export: Export) -> list[list[str]]:
    """A file's rows of cells, whatever parts them."""
    return export.rows(max("\t;,", key=export.text.count))


def _decimal(export: Export, texts: Sequence[str]) -> str:
    """The decimal mark of wells: a comma where more of them have one than a point.

    raises  BadInput where every comma could as well part thousands
    """
    commas = [text for text in texts if COMMA.fullmatch(text)]
    if len(commas) <= sum(POINT.fullmatch(text) is not None for text in texts):
        return "."
    if all(THOUSANDS.fullmatch(text) for text in commas):
        raise export.refusal(
            "plate", commas[0], "numbers without a mark of thousands", "export it without them, or as .xlsx"
        )
    return ","


def plates_of(rows: Rows, begins: Callable[[Rows, int], str]) -> list[str]:
    """The plate that each row of a file is of: the one named last, and above all names the first.

    ``begins``  the name of the plate that begins at a row; blank where none does
    """
    names, plate = [begins(rows, i) for i in range(len(rows))], ""
    first = next(filter(None, names), "Plate 1")
    return [plate := own or plate or first for own in names]


def every_well(
    rows: Rows, begins: Callable[[Rows, int], str], name: Callable[[Grid, str], str]
) -> list[Well]:
    """The wells of every plate of a file, of its grids and its lists.

    ``begins``  as in ``plates_of``;  ``name``  of the measurement of a grid and the label at the end of a row
    """
    plates = plates_of(rows, begins)
    return [*from_grids(rows, plates, name), *listed(rows, plates)]


def one_plate(rows: Rows, index: int) -> str:
    """A file of which each is one plate, without a name of its own."""
    return "" if index else "Plate 1"


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
                index,
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
        own = "A" + own.upper() if letter and own in LATE else own
        cells = row[first : first + len(numbers)]
        more = row[first + len(numbers)] if len(row) > first + len(numbers) else ""
        if own not in ROWS and not (own == "" and letter and more):
            break
        letter = own or letter
        lines.append([(f"{letter}{n}", cell, more) for n, cell in zip(numbers, cells, strict=False)])
    return lines


def listed(rows: Rows, plates: Sequence[str]) -> Iterator[Well]:
    """Wells of tables with a row or a column a well, and of those with a row or a column a moment.

    ``plates``  of each row
    """
    above = ""
    for index, plate in enumerate(plates):
        row = rows[index]
        yield from _below(rows, index, above, plate)
        if row[:1] != ["Cycle Nr."]:
            above = " ".join(filter(None, row)) or above


def _below(rows: Rows, index: int, title: str, plate: str) -> Iterator[Well]:
    """The wells of the table whose header stands at ``index``; none where no header does."""
    row = rows[index]
    places = _named(row)
    across = [i for i, cell in enumerate(row) if WELL.fullmatch(cell)]
    several = len(across) > 1 and len({row[i] for i in across}) == len(across)
    if places and several:
        return _across(rows, index, across, plate)
    if places:
        return _down(rows, index, places, plate)
    if several and min(across) > 0:
        return _over_time(rows, index, across, title, plate)
    if len(row) > 2 and TIME_HEADER.fullmatch(row[0]):
        return _moments(rows, index, title, plate)
    return iter(())


def _named(row: Sequence[str]) -> list[int]:
    """Where a header names the well: in one column, or in one of rows and one of columns; empty where it does not."""
    names = [cell.lower() for cell in row]
    for headers in ((WELLS_HEADER,), (ROW_HEADER, COLUMN_HEADER)):
        places = [i for words in headers for i in [i for i, name in enumerate(names) if name in words][:1]]
        if len(places) == len(headers):
            return places
    return []


def _lines(rows: Rows, index: int, places: list[int]) -> Iterator[tuple[str, Sequence[str]]]:
    """Well and cells of the lines below a header; the first of them may hold times and temperatures of its columns.

    ``places``  of the cells that name the well
    """
    begun = False
    for number, row in enumerate(_from(rows, index + 1)):
        match = WELL.fullmatch("".join(row[i] for i in places if i < len(row)))
        if match:
            begun = True
            yield f"{match[1]}{match[2]}", row
        elif begun or number >= UNREAD or not any(row):
            return


def _down(rows: Rows, index: int, places: list[int], plate: str) -> Iterator[Well]:
    """A row a well, which may name its sample and its plate."""
    header = rows[index]
    samples, plates = (
        [i for i, name in enumerate(header) if name.lower() in words and i not in places]
        for words in (SAMPLE_HEADER, PLATE_HEADER)
    )
    values = [i for i, name in enumerate(header) if name and i not in (*places, *samples, *plates)]
    for well, row in _lines(rows, index, places):
        cells = [*row, *[""] * (len(header) - len(row))]
        sample, own = ("".join(cells[i] for i in some[:1]) for some in (samples, plates))
        for i in values:
            if parse(cells[i].replace(",", ".")) is not None:
                yield Well(own or plate, header[i], well, cells[i], sample)


def _across(rows: Rows, index: int, across: list[int], plate: str) -> Iterator[Well]:
    """A column a well, and a row a measurement below a header of wells; a row of samples names them."""
    header, samples = rows[index], dict[int, str]()
    for row in _from(rows, index + 1):
        read = row[0] if row else ""
        if not read or not any(row[i] for i in across if i < len(row)):
            return
        if read.lower() in SAMPLE_HEADER:
            samples = {i: row[i] for i in across if i < len(row)}
            continue
        for i in across:
            if i < len(row) and (match := WELL.fullmatch(header[i])):
                yield Well(plate, read, f"{match[1]}{match[2]}", row[i], samples.get(i, ""))


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


def _moments(rows: Rows, index: int, title: str, plate: str) -> Iterator[Well]:
    """A row a well and a column a moment, below a line of times; temperatures may stand between."""
    for well, row in _lines(rows, index, [0]):
        for moment, text in zip(rows[index][1:], row[1:], strict=False):
            if moment:
                yield Well(plate, f"{title} at {moment}".strip(), well, text)


def from_grids(rows: Rows, plates: Sequence[str], name: Callable[[Grid, str], str]) -> Iterator[Well]:
    """The wells of every grid; ``name`` gives the measurement of a grid and of the label at the end of a row.

    ``plates``  of each row
    """
    for grid in grids(rows):
        for well, text, label in grid.cells:
            yield Well(plates[grid.row], name(grid, label), well, text)


def with_samples(values: Sequence[Well]) -> list[Well]:
    """The measured wells with the samples that grids of names give to them, by the name of such a grid."""
    names = {
        (well.plate, well.well): well.text
        for well in values
        if LAYOUT.fullmatch(well.read) and well.text.lower() not in BLANKS
    }
    return [
        replace(well, sample=well.sample or names.get((well.plate, well.well), ""))
        for well in values
        if not LAYOUT.fullmatch(well.read)
    ]


def plate_tables(export: Export, values: Sequence[Well], cure: str) -> Tables:
    """The table ``wells``; a measurement of one name that stands twice is numbered.

    raises  BadInput where no well has a value
    """
    refused, rows = list[Refused](), list[tuple[Well, float]]()
    times = dict[tuple[str, str, str], int]()
    measured = with_samples(values)
    decimal = _decimal(export, [well.text for well in measured])
    for well in measured:
        value = parse(well.text.strip(), decimal)
        if well.text.strip().lower() in BLANKS:
            continue
        if value is None or np.isnan(value):
            refused.append(export.left_out(f"{well.read}, well {well.well}", well.text, "is no number"))
            continue
        key = (well.plate, well.read, well.well)
        times[key] = times.get(key, 0) + 1
        read = well.read if times[key] == 1 else f"{well.read} ({times[key]})"
        rows.append((replace(well, read=read), value))
    if not rows or len(rows) > MOST_WELLS:
        raise export.refusal("plate", f"{len(rows)} wells", f"1 to {MOST_WELLS}", cure)
    return Tables(
        wells=wells(
            export,
            plate=[well.plate for well, _ in rows],
            well=[well.well for well, _ in rows],
            sample=[well.sample for well, _ in rows],
            read=[well.read for well, _ in rows],
            value=np.array([value for _, value in rows]),
            flag="decimal comma" if decimal == "," else "",
        ),
        refused=tuple(refused),
    )


def stated(rows: Rows, *keys: str) -> str:
    """What stands behind the first cell that is one of these keys, in its own cell or in the next that is not blank.

    A cell that is a key itself (``ID3:``) says nothing of another.
    """
    for row in rows:
        for i, cell in enumerate(row):
            key, mark, rest = cell.partition(":")
            if key.strip().lower() in keys and (mark or i == 0):
                behind = next((other for other in row[i + 1 :] if other), "")
                return rest.strip() or ("" if re.fullmatch(r"\w+:.*", behind) else behind)
    return ""
