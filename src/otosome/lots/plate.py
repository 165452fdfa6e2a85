"""Wells of a potency assay, from a long table or from a plate as it lies on the bench.

A long file has a row per well and names its columns: ``well,sample,dose,unit,response`` and, if wanted,
``flag``. A plate file holds grids, each under its title (``response``, ``sample``, ``dose (particles/mL)``), a
row of column numbers and rows that begin with their letter. A well with a flag, or without a sample, is left out.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from otosome.errors import BadInput
from otosome.lots.potency import Run
from otosome.units import house

COLUMNS = ("well", "sample", "dose", "unit", "response")
LARGEST_PLATE = 100_000
_WELL = re.compile(r"([A-Za-z]{1,2})0*([1-9]\d{0,2})", re.ASCII)
_DOSE = re.compile(r"dose\s*\((.{1,40})\)", re.IGNORECASE)
_GRIDS = ("response", "sample", "dose (unit)")


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
    """The wells of one run that count; ``left_out`` names those that carry a flag."""

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


def recognises_plate(head: bytes) -> bool:
    """Whether a file that begins so may be a plate or a long table of wells."""
    first = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace").lstrip().lower()
    title = first[:100].split("\n")[0].split(",")[0].strip().strip('"')
    return title in ("well", "response", "sample") or _DOSE.fullmatch(title) is not None


def read_plate(raw: bytes, name: str) -> Plate:
    """The wells of a file; raises BadInput naming the well."""
    rows = _rows(raw, name)
    header = [cell.lower() for cell in rows[0]]
    wells = _long(rows, header, name) if header[0] == "well" else _grids(rows, name)
    kept = [well for well, flag in wells if not flag]
    if not kept:
        raise BadInput("holds no well that counts", file=name)
    _check_units(kept, name)
    return Plate(name, tuple(kept), tuple(well.well for well, flag in wells if flag))


def _rows(raw: bytes, name: str) -> list[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), strict=True)]
    except UnicodeDecodeError as error:
        raise BadInput(f"is not UTF-8 text (byte {error.start})", file=name) from error
    except csv.Error as error:
        raise BadInput(f"is not a table of comma-separated values ({error})", file=name) from error
    if len(rows) > LARGEST_PLATE:
        raise BadInput("has too many rows", file=name, given=len(rows), allowed=f"up to {LARGEST_PLATE}")
    rows = [row for row in rows if any(row)]
    if not rows:
        raise BadInput("is empty", file=name)
    return rows


def _long(rows: list[list[str]], header: list[str], name: str) -> list[tuple[Well, str]]:
    for column in header:
        if column not in (*COLUMNS, "flag") or header.count(column) > 1:
            raise BadInput(
                "is not a column of wells", file=name, key=column, given=column, allowed=[*COLUMNS, "flag"]
            )
    for column in COLUMNS:
        if column not in header:
            raise BadInput("lacks a column", file=name, key=column, allowed=[*COLUMNS, "flag"])
    found: dict[str, tuple[Well, str]] = {}
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise BadInput(
                "a row has as many cells as the header",
                file=name,
                key=f"row {line}",
                given=len(row),
                allowed=str(len(header)),
            )
        cells = dict(zip(header, row, strict=True))
        _take(found, cells["well"], cells, name)
    return list(found.values())


def _take(found: dict[str, tuple[Well, str]], label: str, cells: Mapping[str, str], name: str) -> None:
    match = _WELL.fullmatch(label)
    if match is None:
        raise BadInput(
            "is not the name of a well", file=name, key=label, given=label, allowed="such as A1 or H12"
        )
    well = f"{match[1].upper()}{match[2]}"
    if well in found:
        raise BadInput(
            "is there twice",
            file=name,
            key=f"well {well}",
            given=label,
            cure="one file holds one plate; give a second plate as a file of its own",
        )
    if not cells["sample"]:
        return
    place = f"well {well}"
    flag = cells.get("flag", "")
    response = math.nan if flag else _number(cells["response"], "response", name, place)
    dose = _number(cells["dose"], "dose", name, place)
    if dose <= 0:
        raise BadInput(
            "a dose lies above zero",
            file=name,
            key=place,
            given=cells["dose"],
            cure="leave the sample of a blank or vehicle well empty: it stands on no curve over the log dose",
        )
    if response < 0:
        raise BadInput(
            "a response is not negative",
            file=name,
            key=place,
            given=cells["response"],
            cure="give responses as read, without a blank taken off, or flag the well",
        )
    found[well] = (Well(well, cells["sample"][:80], dose, _unit(cells["unit"], name, place), response), flag)


def _number(text: str, what: str, name: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BadInput(f"its {what} is not a number", file=name, key=place, given=text or "empty") from error
    if not math.isfinite(value):
        raise BadInput(f"its {what} is not finite", file=name, key=place, given=text)
    return value


def _unit(text: str, name: str, place: str) -> str:
    try:
        house(text)
    except ValueError as error:
        raise BadInput(str(error), file=name, key=place, given=text) from error
    return text


def _check_units(wells: list[Well], name: str) -> None:
    first = wells[0]
    for well in wells:
        if well.unit != first.unit:
            raise BadInput(
                "doses of one plate are in one unit",
                file=name,
                key=f"well {well.well}",
                given=well.unit,
                allowed=f"{first.unit}, as well {first.well}",
            )


def _grids(rows: list[list[str]], name: str) -> list[tuple[Well, str]]:
    grids: dict[str, dict[str, str]] = {}
    unit, cells, columns = "", dict[str, str](), list[str]()
    for row in rows:
        title = _title(row[0])
        if title is not None:
            if title in grids:
                raise BadInput("is there twice", file=name, key=title)
            unit = _DOSE.fullmatch(row[0])[1].strip() if title == "dose" else unit  # type: ignore[index]  # a title is one
            cells = grids[title] = {}
            columns = []
        elif not columns:
            columns = row[1:]
            if row[0] or not all(cell.isdigit() for cell in columns if cell):
                raise BadInput(
                    "under a title stands a row of column numbers", file=name, given=", ".join(row)[:80]
                )
        else:
            _fill(cells, row, columns, name)
    for title in ("response", "sample", "dose"):
        if title not in grids:
            raise BadInput("lacks a grid", file=name, key=title, given=sorted(grids), allowed=list(_GRIDS))
    found: dict[str, tuple[Well, str]] = {}
    for well, sample in grids["sample"].items():
        own = {title: grids[title].get(well, "") for title in ("response", "dose")}
        _take(found, well, {**own, "sample": sample, "unit": unit}, name)
    return list(found.values())


def _fill(cells: dict[str, str], row: list[str], columns: list[str], name: str) -> None:
    for column, cell in zip(columns, row[1:], strict=False):
        well = f"{row[0]}{column}"
        if column and cell and well in cells:
            raise BadInput("is there twice", file=name, key=f"well {well}", given=cell)
        if column and cell:
            cells[well] = cell


def _title(cell: str) -> str | None:
    if cell.lower() in ("response", "sample"):
        return cell.lower()
    return "dose" if _DOSE.fullmatch(cell) else None
