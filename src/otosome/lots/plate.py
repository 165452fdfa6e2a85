"""Wells of a potency assay, from any of the ways in which people have them.

- A long table has a row a well: ``well,sample,dose,unit,response`` and, if wanted, ``flag``; other names of columns
  are mapped by the record, and the unit may stand in the header (``dose (ug/mL)``) or in the record.
- Grids lie as the plate does, each under its title (``response``, ``sample``, ``dose (particles/mL)``, ``flag``), a row
  of column numbers and rows that begin with their letter. A grid without a title is the response.
- A plate reader's export has the responses. Samples and doses then come from a layout, a long table or grids.

Commas, semicolons or tabs part the cells; a decimal comma is read where semicolons or tabs do. A well with a flag, of
dose zero, without a dose (a blank has none) or without a sample is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from otosome.errors import BadInput
from otosome.files import tamed
from otosome.laboratory.file import Export, parse
from otosome.laboratory.tables import label
from otosome.lots.potency import Run
from otosome.units import house

COLUMNS = ("well", "sample", "dose", "unit", "response", "flag")
GRIDS = ("response", "sample", "dose (unit)", "flag")
LARGEST_PLATE = 100_000  # rows
_SMALLEST, _LARGEST = 1e-30, 1e30  # a dose or a response, in any unit
_WELL = re.compile(r"([A-Za-z]{1,2})0*([1-9]\d{0,2})", re.ASCII)
_DOSE = re.compile(r"dose\s*[(\[](.{1,40})[)\]]", re.IGNORECASE)
# What a file of wells says of each, by its name: sample, dose, unit, response, flag.
Cells = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Well:
    """One well: which preparation, at which dose, and what was read."""

    well: str
    sample: str
    dose: float
    unit: str
    response: float


@dataclass(frozen=True)
class Plate:
    """The wells of one run that count; ``left_out`` names those that carry a flag or have no dose, with the reason."""

    name: str
    wells: tuple[Well, ...]
    left_out: tuple[str, ...] = ()

    @property
    def samples(self) -> list[str]:
        """The preparations on it."""
        return sorted({well.sample for well in self.wells})

    def run(self, reference: str, sample: str) -> Run:
        """Two of its preparations; raises BadInput if they are one, or not on the plate."""
        if reference == sample:
            raise BadInput(
                "the reference is the sample itself",
                file=self.name,
                key="reference",
                given=reference,
                cure="name the preparation the lot is compared with",
            )
        for key, name in (("reference", reference), ("sample", sample)):
            if name not in self.samples:
                raise BadInput(
                    "is not on the plate", file=self.name, key=key, given=name, allowed=self.samples
                )
        both = [[w for w in self.wells if w.sample == name] for name in (reference, sample)]
        dose, response = (
            [np.array([getattr(w, key) for w in wells]) for wells in both] for key in ("dose", "response")
        )
        names = [tuple(w.well for w in wells) for wells in both]
        return Run(self.name, dose[0], response[0], dose[1], response[1], names[0], names[1])


@dataclass(frozen=True)
class Reading:
    """How a file of wells is to be read.

    ``columns``    the file's own name of each column of a long table: ``{"response": "RLU"}``
    ``unit``       of the doses, where the file states none
    ``responses``  of a plate reader, by well; None where the file itself has them
    ``layout``     samples and doses, where the file has none
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    responses: Mapping[str, float] | None = None
    layout: Export | None = None


def recognises_plate(export: Export) -> bool:
    """Whether a file may be a long table of wells, or grids."""
    head = Export(export.name, export.head)
    line = next((line for line in head.text.lower().splitlines() if line.strip(" \t,;\"'")), "")
    cells = [cell.strip(" \"'") for cell in re.split(r"[,;\t]", line)]
    return "well" in cells or _title(cells[0]) != "" or (cells[0] == "" and cells[1:2] == ["1"])


def read_plate(export: Export, reading: Reading | None = None) -> Plate:
    """The wells of a file; raises BadInput naming the well."""
    how = reading or Reading()
    decimal = "."
    if how.responses is None:
        cells, decimal = _cells(export, how)
    else:
        cells = {well: {"response": repr(value)} for well, value in how.responses.items()}
    if how.layout is not None:
        cells = _laid_out(cells, how, decimal)
    wells, left_out = _wells(cells, how.unit, export.name, decimal)
    if not wells:
        raise BadInput(
            "holds no well that counts",
            file=export.name,
            cure="wells need a sample and a dose: "
            + ("name a layout" if how.layout is None else f"fill them in in {how.layout.name}"),
        )
    _check_units(wells, export.name)
    return Plate(export.name, tuple(wells), tuple(left_out))


def layout_text(samples: Mapping[str, str]) -> str:
    """Grids to fill in, as a layout is read: the sample and the dose of every well.

    ``samples``  what the plate's own file says of each well, empty where nothing
    """
    places = {well: _WELL.fullmatch(well) for well in samples}
    named = {well: (match[1].upper(), int(match[2])) for well, match in places.items() if match}
    rows = sorted({row for row, _ in named.values()}, key=lambda row: (len(row), row))
    columns = range(1, max(column for _, column in named.values()) + 1)
    by = {place: tamed(label(samples[well]).replace(",", " ")) for well, place in named.items()}
    lines = []
    for title in ("sample", "dose (ug/mL)"):
        lines += [title, ",".join(["", *map(str, columns)])]
        for row in rows:
            cells = (by.get((row, column), "") if title == "sample" else "" for column in columns)
            lines.append(",".join([row, *cells]))
        lines.append("")
    return "\n".join(lines)


def _laid_out(cells: Cells, how: Reading, decimal: str) -> Cells:
    """Responses with the samples and doses of a layout, doses rewritten to the decimal mark of the responses."""
    assert how.layout is not None  # asked where there is one
    layout, own = _cells(how.layout, Reading(unit=how.unit))
    joined: Cells = {}
    for well, statements in layout.items():
        if not statements.get("sample"):
            continue
        if well not in cells:
            raise BadInput(
                "has no response on its plate",
                file=how.layout.name,
                key=f"well {well}",
                given=statements["sample"],
            )
        if own != decimal and "dose" in statements:
            statements = {**statements, "dose": statements["dose"].replace(own, decimal)}
        joined[well] = {**cells[well], **statements}
    return joined


# Cells of a file


def _cells(export: Export, how: Reading) -> tuple[Cells, str]:
    """What a file says of every well, and its decimal mark."""
    separator = _separator(export)
    rows = [row for row in export.rows(separator) if any(row)]
    if len(rows) > LARGEST_PLATE:
        raise BadInput(
            "has too many rows", file=export.name, given=len(rows), allowed=f"up to {LARGEST_PLATE}"
        )
    if not rows:
        raise BadInput("is empty", file=export.name)
    named = how.columns.get("well", "well").lower()
    is_long = named in (cell.lower() for cell in rows[0])
    cells = _long(rows, how, export.name) if is_long else _grids(rows, export.name)
    return cells, _decimal(cells, separator)


def _separator(export: Export) -> str:
    """What parts the cells: the mark that stands in most lines; a comma only where no other does in as many."""
    lines = export.lines()
    return max((";", "\t", ","), key=lambda mark: sum(mark in line for line in lines))


def _decimal(cells: Cells, separator: str) -> str:
    """A comma where any number of the file has one and commas do not part its cells."""
    numbers = [statements.get(key, "") for statements in cells.values() for key in ("dose", "response")]
    return "," if separator != "," and any("," in number for number in numbers) else "."


def _long(rows: list[list[str]], how: Reading, file: str) -> Cells:
    header = rows[0]
    place, unit = _places(header, how, file)
    cells: Cells = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise BadInput(
                "a row has as many cells as the header",
                file=file,
                key=f"row {line}",
                given=len(row),
                allowed=str(len(header)),
            )
        statements = {column: row[k] for column, k in place.items()}
        if unit:
            statements["unit"] = unit
        _add(cells, statements.pop("well"), statements, file)
    return cells


def _places(header: list[str], how: Reading, file: str) -> tuple[dict[str, int], str]:
    """Where each column of wells stands, and the unit of doses that the header states."""
    names = [cell.lower() for cell in header]
    for column in names:
        if names.count(column) > 1 and column:
            raise BadInput("is a column that is there twice", file=file, key=column)
    place = _mapped(names, header, how, file)
    unit = ""
    if "dose" not in place:
        stated = [(k, match[1]) for k, cell in enumerate(header) if (match := _DOSE.fullmatch(cell))]
        if len(stated) == 1:
            place["dose"], unit = stated[0][0], _unit_as_written(stated[0][1])
    unknown = [cell for k, cell in enumerate(header) if k not in place.values()]
    if unknown and not how.columns:
        raise BadInput(
            "is not a column of wells",
            file=file,
            key=unknown[0],
            given=unknown[0],
            allowed=list(COLUMNS),
            cure='name your columns in the record: columns = { response = "RLU" }',
        )
    return place, unit


def _mapped(names: list[str], header: list[str], how: Reading, file: str) -> dict[str, int]:
    """The place of each column of wells by its own name or the one that the record gives it."""
    place = {}
    for column in COLUMNS:
        name = how.columns.get(column, column).lower()
        if name in names:
            place[column] = names.index(name)
        elif column in how.columns:
            raise BadInput(
                "has no such column",
                file=file,
                key=f"columns.{column}",
                given=how.columns[column],
                allowed=header,
            )
    return place


def _unit_as_written(text: str) -> str:
    """A unit of a header as otosome writes it: ug/ml is ug/mL."""
    return text.strip().replace("ml", "mL").replace("ul", "uL").replace("µ", "u").replace("μ", "u")


def _add(cells: Cells, name: str, statements: dict[str, str], file: str) -> None:
    match = _WELL.fullmatch(name)
    if match is None:
        raise BadInput(
            "is not the name of a well", file=file, key=name, given=name, allowed="such as A1 or H12"
        )
    well = f"{match[1].upper()}{match[2]}"
    if well in cells:
        raise BadInput(
            "is there twice",
            file=file,
            key=f"well {well}",
            given=name,
            cure="one file holds one plate; give a second plate as a file of its own",
        )
    cells[well] = statements


def _grids(rows: list[list[str]], file: str) -> Cells:
    grids: dict[str, Cells] = {}
    unit, columns = "", list[str]()
    title = "" if _title(rows[0][0]) else "response"
    if title:
        grids[title] = {}
    for row in rows:
        if _title(row[0]):
            title, columns = _title(row[0]), []
            if title in grids:
                raise BadInput("is there twice", file=file, key=title)
            grids[title] = {}
            match = _DOSE.fullmatch(row[0])
            unit = _unit_as_written(match[1]) if match else unit
        elif not columns:
            columns = _columns(row, file)
        else:
            for column, cell in zip(columns, row[1:], strict=False):
                if column and cell:
                    _add(grids[title], f"{row[0]}{column}", {title: cell}, file)
    cells: Cells = {}
    for grid in grids.values():
        for well, statements in grid.items():
            cells.setdefault(well, {"unit": unit} if unit else {}).update(statements)
    return cells


def _columns(row: list[str], file: str) -> list[str]:
    """The column numbers above a grid."""
    columns = row[1:]
    while columns and not columns[-1]:
        columns.pop()
    if row[0] or not columns or not all(cell.isdigit() for cell in columns if cell):
        raise BadInput(
            "is neither a long table of wells nor a grid with a row of column numbers",
            file=file,
            given=", ".join(row)[:80],
            allowed=[", ".join(COLUMNS[:5]), *GRIDS],
        )
    return columns


def _title(cell: str) -> str:
    """Which grid a line heads; empty for any other line."""
    word = cell.strip().lower()
    if word in ("response", "sample", "flag"):
        return word
    return "dose" if _DOSE.fullmatch(cell.strip()) else ""


# Wells


def _wells(cells: Cells, unit: str, file: str, decimal: str) -> tuple[list[Well], list[str]]:
    wells, left_out = [], []
    for name, statements in cells.items():
        if not statements.get("sample"):
            continue
        well, reason = _well(name, statements, unit, file, decimal)
        if reason:
            left_out.append(f"{name} ({reason})")
        else:
            wells.append(well)
    return wells, left_out


def _well(name: str, statements: Mapping[str, str], unit: str, file: str, decimal: str) -> tuple[Well, str]:
    """A well, and why it is left out: empty where it counts."""
    place = f"well {name}"
    flag = label(statements.get("flag", ""))
    sample = label(statements["sample"])[:80]
    stated_dose = parse(statements.get("dose", "").strip(), decimal)
    if stated_dose is not None and math.isnan(stated_dose):
        return Well(name, sample, math.nan, "", math.nan), flag or f"{sample} without a dose"
    response = math.nan if flag else _number(statements.get("response", ""), "response", file, place, decimal)
    dose = _number(statements.get("dose", ""), "dose", file, place, decimal)
    if dose < 0:
        raise BadInput("a dose is not below zero", file=file, key=place, given=statements["dose"])
    stated = statements.get("unit", "") or unit
    if not stated:
        raise BadInput(
            "its dose has no unit",
            file=file,
            key=place,
            given=statements.get("dose"),
            cure='add to the [[assay]]: unit = "ug/mL"',
        )
    _check_unit(stated, file, place)
    reason = flag or ("dose 0 stands on no curve over the log dose" if dose == 0 else "")
    return Well(name, sample, dose, stated, response), reason


def _number(text: str, what: str, file: str, place: str, decimal: str) -> float:
    value = parse(text.strip(), decimal)
    if value is None or math.isnan(value):
        mark = " with a decimal comma, as others in this file" if decimal == "," else ""
        raise BadInput(
            f"its {what} is not a finite number{mark}", file=file, key=place, given=text or "empty"
        )
    if value and not _SMALLEST <= abs(value) <= _LARGEST:
        raise BadInput(f"its {what} is none that is ever measured", file=file, key=place, given=text)
    return value


def _check_unit(unit: str, file: str, place: str) -> None:
    try:
        house(unit)
    except ValueError as error:
        raise BadInput(str(error), file=file, key=place, given=unit) from error


def _check_units(wells: list[Well], file: str) -> None:
    first = wells[0]
    for well in wells:
        if well.unit != first.unit:
            raise BadInput(
                "doses of one plate are in one unit",
                file=file,
                key=f"well {well.well}",
                given=well.unit,
                allowed=f"{first.unit}, as well {first.well}",
            )
