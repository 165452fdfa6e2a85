"""Sheets of a spreadsheet file (.xlsx) as text tables: checked against bombs first, macros and outside links refused.

Only values are read, by calamine; a formula counts as what it last gave. A merged cell holds its value at its top left,
and in each of its rows where it is one column wide and stands below the header.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.laboratory.file import LARGEST, MOST_CELLS, Export

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAGIC = b"PK\x03\x04"
MOST_PARTS, MOST_SHEETS = 2000, 60
CELL = re.compile(rb"<(?:[\w.-]+:)?(?:c|row)(?:\s([^<>]*))?>")  # a cell or row, and its attributes
STANDS = re.compile(rb"""(?<![\w:.-])r\s*=\s*["']?([^"'<>]*)""")  # where it says it stands
PLACE = re.compile(rb"\$?([A-Za-z]{0,3})\$?(\d{0,9})")
AGAIN = "save the sheet as a new .xlsx with values alone, or as CSV"
OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def is_workbook(export: Export) -> bool:
    """Whether a file is a ZIP archive that says it is a spreadsheet."""
    return export.content.startswith(MAGIC) and b"xl/" in export.content


def sheets(export: Export) -> list[Export]:
    """The sheets that hold anything, each as a file of comma-separated text whose refusals name sheet and cell.

    raises  BadInput for what is no sound workbook, or has macros, links to other files, or more than its size allows
    """
    from python_calamine import CalamineError, CalamineWorkbook

    _check(export)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(export.content)) as book:
            names = book.sheet_names
            if len(names) > MOST_SHEETS:
                raise export.refusal("workbook", f"{len(names)} sheets", f"at most {MOST_SHEETS}", AGAIN)
            tables = {name: book.get_sheet_by_name(name) for name in names}
            parts = [
                _sheet(export, name, _filled(export, table), table.start or (0, 0))
                for name, table in tables.items()
            ]
    except BadInput:
        raise
    except (CalamineError, ValueError, OSError) as error:
        raise export.refusal("workbook", str(error)[:100], "a sound .xlsx", AGAIN) from error
    full = [part for part in parts if part.content]
    if not full:
        raise export.refusal("workbook", "no cell with a value", "one sheet or more with a table", AGAIN)
    return full


def _filled(export: Export, table: CalamineSheet) -> Sequence[Sequence[object]]:
    """The cells of a sheet; one merged downwards below its header, as an id beside its rows, stands in each of them."""
    rows, (above, left), room = table.to_python(), table.start or (0, 0), MOST_CELLS
    for (first, column), (last, other) in table.merged_cell_ranges or ():
        top, side = first - above, column - left
        if column != other or not (0 < top < len(rows) and 0 <= side < len(rows[top])):
            continue
        cells = rows[top + 1 : last - above + 1]
        room -= 1 + len(cells)
        if room < 0:
            raise export.refusal("workbook", "merged cells over one another", f"at most {MOST_CELLS}", AGAIN)
        for row in cells:
            row[side] = rows[top][side]
    return rows


def _sheet(export: Export, name: str, rows: Sequence[Sequence[object]], start: tuple[int, int]) -> Export:
    """A sheet as CSV from its first row that holds anything; without content where none does."""
    texts = [[_text(cell) for cell in row] for row in rows]
    above = next((i for i, row in enumerate(texts) if any(row)), len(texts))
    packed = io.StringIO()
    csv.writer(packed, lineterminator="\n").writerows(texts[above:])
    corner = (start[0] + above, start[1])
    return replace(export, content=packed.getvalue().encode(), sheet=name, corner=corner, whole=export.sha256)


def _text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, (date, datetime, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return " ".join(str(cell).split())


def _check(export: Export) -> None:
    """Refuse an archive whose parts are too many, too large or false, and whose cells lie too far out."""
    try:
        with zipfile.ZipFile(io.BytesIO(export.content)) as archive:
            parts = archive.infolist()
            _allowed(export, parts)
            total = 0
            for part in parts:
                total += _part(export, archive, part, LARGEST - total)
    except BadInput:
        raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise export.refusal(
            "workbook", str(error)[:100], "a sound .xlsx without a password", AGAIN
        ) from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]  # zipfile lets it through
        raise export.refusal("workbook", "damaged compression", "a sound .xlsx", AGAIN) from error


def _allowed(export: Export, parts: list[zipfile.ZipInfo]) -> None:
    names = [part.filename.lower() for part in parts]
    if len(parts) > MOST_PARTS or len(set(names)) < len(names):
        raise export.refusal("workbook", f"{len(parts)} parts, or one twice", f"at most {MOST_PARTS}", AGAIN)
    for word, what in (
        ("vbaproject", "macros"),
        ("externallinks/", "links to other files"),
        ("embeddings/", "embedded files"),
    ):
        if any(word in name for name in names):
            raise export.refusal("workbook", what, "values alone", AGAIN)


def _part(export: Export, archive: zipfile.ZipFile, part: zipfile.ZipInfo, room: int) -> int:
    """Read a part to its end, so that its size is what it is and not what it says; bytes of it."""
    with archive.open(part) as stream:
        content = stream.read(room + 1)
    if len(content) > room:
        raise export.refusal("workbook", f"more than {LARGEST} bytes unpacked", f"at most {LARGEST}", AGAIN)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise export.refusal("workbook", "a document type", "none", AGAIN)
    if b"\0" in content and part.filename.lower().endswith((".xml", ".rels")):
        raise export.refusal(part.filename[-60:], "bytes that are no UTF-8", "a sound .xlsx", AGAIN)
    _check_cells(
        export, part.filename[-60:], content
    )  # whatever its name is: a workbook may call any part a sheet
    return len(content)


def _check_cells(export: Export, name: str, content: bytes) -> None:
    """Refuse cells that lie too far out, and any whose place is not written as one: the reader makes room for them."""
    rows, columns = 0, 0
    for attributes in CELL.findall(content):
        if attributes.count(b'"') % 2 or attributes.count(b"'") % 2:
            raise export.refusal(name, "an attribute without its end", "a sound .xlsx", AGAIN)
        for place in STANDS.findall(attributes):
            match = PLACE.fullmatch(place)
            if match is None:
                raise export.refusal(
                    name, f"the place {place[:20].decode('latin-1')!r}", "such as B12", AGAIN
                )
            columns, rows = max(columns, _number(match[1])), max(rows, int(match[2] or 1))
    if rows * max(columns, 1) > MOST_CELLS:
        raise export.refusal(name, f"{rows} rows, {columns} columns", f"at most {MOST_CELLS} cells", AGAIN)


def _number(letters: bytes) -> int:
    value = 0
    for letter in letters.upper():
        value = 26 * value + letter - ord("A") + 1
    return value
