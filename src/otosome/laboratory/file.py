"""A laboratory file as it arrives: its bytes, cells and lines are bounded, and what it says stays text.

A number is read by one strict rule; what cannot be read is a refusal with its place, never a guess.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome import files
from otosome.errors import BadInput
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 50_000_000  # bytes of a file
LARGEST_TREE = 5_000_000  # bytes of a JSON or XML file, which grows some twenty-fold when parsed
MOST_CELLS = 2_000_000
MOST_LINES = 60_000
LONGEST_LINE = 1_000_000  # characters
LONGEST_NAME = 120  # characters of a subject, sample or flag
HEAD = 4096  # bytes a reader may look at to know its files
_CSV = "save it as .xlsx or CSV"
_AVERAGES = (
    "export averaged waveforms as CSV or text, with level, frequency, sampling period and unit in the header"
)
# How a kind of file begins, what it is, and what to bring instead.
_MARKS = (
    (b"PK\x03\x04", "a ZIP archive", "unpack it, and import the folder"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", _CSV),
    (b"%PDF", "a PDF", "bring the numbers behind it as a table"),
    (b"\x89PNG", "an image", ""),
    (b"\xff\xd8\xff", "an image", ""),
    (b"II*\0", "an image", ""),
    (b"MM\0*", "an image", ""),
    (b"\x89HDF", "an HDF5 file, as NWB and MATLAB 7.3 files are", f"{_AVERAGES}; in MATLAB save with -v7"),
    (b"{\\rtf", "a formatted text", "save it as plain text"),
    (b"SQLite", "a database", "export its table as CSV"),
    (b"0       ", "an EDF recording", _AVERAGES),
    (b"\xffBIOSEMI", "a BDF recording", _AVERAGES),
    (b"S64", "a Spike2 recording (.smrx)", _AVERAGES),
    (b"MATLAB 7.3", "a MATLAB 7.3 file", "save it in MATLAB with -v7"),
    (b"\xff\xfe", "UTF-16 text", ""),
    (b"\xfe\xff", "UTF-16 text", ""),
)
_SPIKE2 = b"(C) CED"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOSE = re.compile(r"(subject|animal|mouse|rat|patient)[ .#-]*(?:id|no|nr|number|#)\.?")
_LEVEL = re.compile(r"threshold\s*[(\[]\s*db\s*(spl|hl)\s*[)\]]")
_MISSING = {"", "na", "nan", "none", "null", "n/a", "."}
_WORD = re.compile(r"[^\W\d_]")
_DATE = re.compile(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)", re.ASCII)


@dataclass(frozen=True)
class Refused:
    """Something in a file that did not become a row: where, what stood there, why."""

    file: str
    place: str
    given: str
    reason: str


@dataclass(frozen=True)
class Cells:
    """A table of text cells: ``frame`` under stripped lower-case names, ``decimal`` mark, ``lines`` of its rows."""

    frame: pd.DataFrame
    decimal: str = "."
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Export:
    """A file's name, without its folder, and its bytes; or one sheet of a workbook, as comma-separated text.

    ``sheet``   its name, blank for a whole file;  ``corner``  row and column in the sheet at which the text begins
    ``whole``   the sha256 of the workbook
    ``voltage`` the unit of voltage a person gave for files that state none, blank where none was given
    ``folder``  of a recording that is a folder: its content is the table of its trials
    """

    name: str
    content: bytes = field(repr=False)
    sheet: str = ""
    corner: tuple[int, int] = (0, 0)
    whole: str = ""
    voltage: str = ""
    folder: Path | None = None

    @classmethod
    def open(cls, file: Path, voltage: str = "") -> Export:
        """The file, whole; raises BadInput if it cannot be read, is empty or is too large."""
        name = printable(file.name)
        content = files.content(file, LARGEST, name=name, cure="export fewer measurements a file")
        if not content.strip(b" \t\r\n\0"):
            raise BadInput("is empty", file=name)
        return cls(name, content, voltage=voltage)

    @property
    def head(self) -> bytes:
        """Its first bytes, by which readers know it; of UTF-16 text, the same text in UTF-8."""
        if self.content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self.content[: 2 * HEAD].decode("utf-16", "replace").encode()[:HEAD]
        return self.content[:HEAD]

    @property
    def looks(self) -> str:
        """What kind of file it seems to be, without a word of what it says: that may be a name or a birth date."""
        kind = self._kind[0] or ("binary content" if b"\0" in self.content else "text")
        return f"{kind}, {len(self.content)} bytes"

    @property
    def title(self) -> str:
        """Its name, and the sheet where it is one."""
        return f"{self.name}, sheet {self.sheet}" if self.sheet else self.name

    @property
    def kind(self) -> str:
        """The kind of file that is known and not read, such as an EDF recording; else empty."""
        return self._kind[0]

    @property
    def instead(self) -> str:
        """What to bring in its place, where it is of a kind that is not read; else empty."""
        return self._kind[1]

    @property
    def _kind(self) -> tuple[str, str]:
        if _SPIKE2 in self.content[:64]:
            return "a Spike2 recording (.smr)", _AVERAGES
        return next(((kind, cure) for mark, kind, cure in _MARKS if self.content.startswith(mark)), ("", ""))

    @cached_property
    def sha256(self) -> str:
        """Of the whole file."""
        return self.whole or hashlib.sha256(self.content).hexdigest()

    def place(self, line: int, column: int, row: int, name: str) -> str:
        """Where a cell of a table stands: the sheet's cell by its name, else row and column by the table's.

        ``line``, ``column``  in the text, from 0;  ``row``  below the header, from 0;  ``name``  of the column
        """
        if not self.sheet:
            return f"row {row + 1}, {name}"
        number, letters = self.corner[1] + column + 1, ""
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord("A") + letter) + letters
        return f"sheet {self.sheet}, cell {letters}{self.corner[0] + line + 1}"

    @cached_property
    def text(self) -> str:
        """The file as text: UTF-8 (or UTF-16 with its mark), else Latin-1; raises BadInput for binary content."""
        if self.content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return self._decoded("utf-16")
        if b"\0" in self.content:
            raise self.refusal("file", "binary content", "text")
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self.content.decode("latin-1")

    def _decoded(self, encoding: str) -> str:
        try:
            text = self.content.decode(encoding)
        except UnicodeDecodeError as error:
            raise self.refusal("file", f"bytes that are no {encoding}", "text") from error
        if "\0" in text:
            raise self.refusal("file", "binary content", "text")
        return text

    def lines(self) -> list[str]:
        """The text's lines, whatever ends them; raises BadInput for too many."""
        marks = self.content.count(b"\n") + self.content.count(b"\r")
        if marks > 2 * MOST_LINES:
            raise self.refusal("file", f"more than {MOST_LINES} lines", f"at most {MOST_LINES}")
        lines = re.split(r"\r\n|\r|\n", self.text)
        if max(map(len, lines)) > LONGEST_LINE:
            raise self.refusal("file", f"a line of more than {LONGEST_LINE} characters", "shorter lines")
        return lines

    def line_with(self, *words: str, among: int) -> int:
        """Where the first line stands that holds all these words; raises BadInput if none of the first few does."""
        for number, line in enumerate(self.lines()[:among]):
            if all(word in line.lower() for word in words):
                return number
        raise self.refusal("header", "no such line", ", ".join(words))

    def below_title(self) -> Export:
        """The file without the lines above its table that hold one cell alone, such as a title."""
        rows = self.lines()
        mark = self.separator if self.sheet == "" else ","
        first = next((i for i, row in enumerate(rows) if sum(map(bool, row.split(mark))) > 1), 0)
        text = "\n".join(rows[first:])
        return replace(
            self, content=text.encode(), corner=(self.corner[0] + first, self.corner[1]), whole=self.sha256
        )

    def table(self, skip: int = 0, separator: str | None = None, names: Sequence[str] = ()) -> Cells:
        """The table of text cells under the header of line ``skip``; rows without a cell are dropped.

        ``names``  of its columns in place of that header, whose cells are then not looked at

        raises  BadInput for too many cells or lines, a row that is longer than the header, a name that stands twice
        """
        lines = self.lines()[skip:]
        mark = "," if self.sheet else separator or _separator(lines[0] if lines else "")
        if self.text.count(mark) + len(lines) > MOST_CELLS:
            raise self.refusal("file", f"more than {MOST_CELLS} cells", f"at most {MOST_CELLS}")
        table = self._parsed(lines, mark)
        table.columns = self._header(list(table.iloc[0]), skip, names)
        numbers = [number for number, line in enumerate(lines, start=skip) if line.strip(" \t")]
        body = table.iloc[1:].fillna("")
        full = (body != "").any(axis=1).to_numpy() & ~self._headers(table.iloc[0], body, skip)
        places = tuple(line for line, cells in zip(numbers[1:], full, strict=False) if cells)
        return Cells(body[full].reset_index(drop=True), "," if mark == ";" else ".", places)

    def _headers(self, head: pd.Series[str], body: pd.DataFrame, skip: int) -> NDArray[np.bool_]:
        """Which rows are the header again, as on each page of a print; raises BadInput for one of another table."""
        names = [
            (column, str(name))
            for column, name in zip(body.columns, head, strict=True)
            if _WORD.search(str(name))
        ]
        same = np.sum([(body[column] == name).to_numpy() for column, name in names], axis=0, dtype=int)
        cells = (body != "").sum(axis=1).to_numpy()
        again = np.broadcast_to(same, cells.shape) > 1
        other = np.flatnonzero(again & (same < cells))
        if other.size:
            cure = "put each table into a file or sheet of its own"
            raise self.refusal(f"row {skip + int(other[0]) + 2}", "a second header", "one table", cure)
        return again

    def _parsed(self, lines: list[str], mark: str) -> pd.DataFrame:
        import pandas as pd

        try:
            return pd.read_csv(
                io.BytesIO(b"\n".join(line.encode() for line in lines)),  # text takes four bytes a character
                sep=mark,
                header=None,
                dtype=str,
                keep_default_na=False,
                skip_blank_lines=True,
                skipinitialspace=True,
            )
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise self.refusal("table", str(error)[:200], "rows as long as their header") from error

    def _header(self, cells: list[object], skip: int, own: Sequence[str]) -> pd.Index[str]:
        """The columns' names; one without a letter or digit is numbered, and one that stands twice is refused."""
        import pandas as pd

        written = [spelled(str(cell).strip().strip("\ufeff").lower()) for cell in cells]
        if own:
            written = [*own, *[""] * len(cells)][: len(cells)]
        names = [name if any(map(str.isalnum, name)) else f"_{i}" for i, name in enumerate(written)]
        twice = next((name for i, name in enumerate(names) if name in names[:i]), "")
        if twice:
            raise self.refusal(f"line {skip + 1}", f"the column {twice[:60]!r} twice", "each column once")
        return pd.Index(names)

    @property
    def separator(self) -> str:
        """What parts the cells of its first line that has any: comma, semicolon or tab."""
        return max((_separator(line) for line in self.lines()[:20]), key=self.text.count)

    @property
    def is_table(self) -> bool:
        """Whether it looks like a table of text: a header of several names, and rows of as many cells."""
        if self.content.startswith(tuple(mark for mark, *_ in _MARKS[:8])) or b"\0" in self.content[:HEAD]:
            return False
        mark = self.separator
        lines = [line for line in self.lines()[:200] if line.strip(" ,;\t")]
        first = next((i for i, line in enumerate(lines) if mark in line), len(lines))
        counts = [line.count(mark) for line in lines[first : first + 20]]
        return len(counts) > 1 and sum(count == counts[0] for count in counts) > len(counts) / 2

    def rows(self, separator: str = ",") -> list[list[str]]:
        """Ragged rows of stripped cells, blank ones too; raises BadInput for too many cells."""
        if self.text.count(separator) + self.text.count("\n") > MOST_CELLS // 4:
            raise self.refusal("file", f"more than {MOST_CELLS // 4} cells", f"at most {MOST_CELLS // 4}")
        try:
            return [[c.strip() for c in row] for row in csv.reader(self.lines(), delimiter=separator)]
        except csv.Error as error:
            raise self.refusal("file", str(error), "separated text") from error

    def number(self, text: str, place: str, decimal: str = ".") -> float:
        """One number, strictly; NaN for a blank or a word for missing; raises BadInput for anything else."""
        stripped = text.strip()
        value = parse(stripped, decimal)
        if value is None:
            wanted = f"a finite number with a decimal {'comma' if decimal == ',' else 'point'}"
            raise self.refusal(place, stripped[:60], wanted)
        return value

    def refusal(self, place: str, text: str, allowed: str, cure: str | None = None) -> BadInput:
        """The error that says what is wrong with this file, to be raised."""
        if self.sheet and not place.startswith("sheet "):
            place = f"sheet {self.sheet}, {place}"
        return BadInput("cannot be used", file=self.name, key=place, given=text, allowed=allowed, cure=cure)

    def left_out(self, place: str, text: object, reason: str) -> Refused:
        """A part of this file that is not read, while the rest is."""
        return Refused(
            self.name, printable(place)[:LONGEST_NAME], printable(str(text))[:LONGEST_NAME], reason
        )

    def contradiction(self, recorded: str) -> str:
        """A flag where the name carries another date than the content's (``recorded``, ISO); else empty."""
        named = _DATE.search(self.name)
        if named is None or not recorded or "-".join(named.groups()) == recorded[:10]:
            return ""
        return f"name says {'-'.join(named.groups())}, content {recorded[:10]}: the content is taken"


@lru_cache(maxsize=65_536)
def parse(text: str, decimal: str = ".") -> float | None:
    """A number written with this decimal mark: NaN for missing, None for what is no finite number."""
    if text.lower() in _MISSING:
        return np.nan
    if decimal == ",":
        if "." in text:
            return None
        text = text.replace(",", ".")
    value = float(text) if len(text) < 40 and _NUMBER.fullmatch(text) else np.nan
    return value if np.isfinite(value) else None


def doubles(content: bytes, kind: str | np.dtype[np.generic], count: int = -1, offset: int = 0) -> Array:
    """Binary numbers as doubles; a NaN of any bits, signalling ones too, is NaN and raises no warning."""
    with np.errstate(invalid="ignore"):
        return np.frombuffer(content, kind, count, offset).astype(float)


def is_count(text: str) -> bool:
    """Whether a text is a whole number of at most nine plain digits; one raised to a power, as in 10\u00b2, is none."""
    return text.isascii() and text.isdigit() and len(text) < 10


@lru_cache(maxsize=4096)
def moment(text: str, *forms: str) -> str:
    """A date as ISO text, by the first form that fits; empty where none does. Rows of one day are read once."""
    for form in forms:
        try:
            return datetime.strptime(text.strip(), form).isoformat(timespec="minutes")
        except ValueError:
            continue
    return ""


def unix_moment(seconds: float) -> str:
    """Seconds since 1970 as ISO text in UTC; empty outside 1980 to 2100."""
    if not 315532800 < seconds < 4102444800:
        return ""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="minutes")


def _decoded(line: bytes) -> str:
    """A line in UTF-8, or in the older Latin-1 where it is none."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def header(head: bytes) -> set[str]:
    """The column names of a table that begins so: its first line's cells, lower case."""
    line = re.split(rb"[\r\n]", head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n"), maxsplit=1)[0]
    first = _decoded(line)
    return {spelled(cell.strip().strip('"').lower()) for cell in first.split(_separator(first))}


def spelled(name: str) -> str:
    """A column's name as readers know it: ``mouse id`` is ``mouse_id``, ``threshold (dB HL)`` ``threshold_db_hl``."""
    whose = _WHOSE.fullmatch(name)
    level = _LEVEL.fullmatch(name)
    return f"{whose[1]}_id" if whose else f"threshold_db_{level[1]}" if level else name


def _separator(line: str) -> str:
    return max(",;\t", key=line.count)


def printable(text: str) -> str:
    """Text that any file can hold: what does not print, such as half a character, stands as its number."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):x}" for c in text)


def flags(*remarks: str) -> str:
    """Several flags as one, empty ones left out."""
    return "; ".join(remark for remark in remarks if remark)
