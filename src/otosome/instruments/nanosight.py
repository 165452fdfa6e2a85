"""NanoSight experiment summaries (NTA 3.2 and 3.4): the number distribution of one sample, video by video.

The layout is found by section and key, never by line number: an export has ragged rows, keys that repeat in
other sections, and up to six distributions one below the other. Names in the file are text and nothing else.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome import export as laboratory
from otosome.evidence import BadInput
from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd

TITLE = b"NTA Experiment Summary File"
LARGEST = 50_000_000  # bytes: a hundred times the largest export seen
LONGEST_LINE = 100_000  # characters: 500 videos with long names
MOST_LINES = 200_000  # six distributions with the most bins, and their percentiles
MOST_ROWS = 2_000  # rows before the distribution; exports seen have 90
MOST_VIDEOS = 500
FEWEST_BINS, MOST_BINS = 10, 20_000
WIDEST = 0.1  # mm: a hundred times the largest particle the method follows
AGREES = 0.02  # the bins add up to the printed concentration, which has three digits
NOT_RECORDED = "not recorded"
HEADING, EXPERIMENT, CONDITIONS, RESULTS, WARNINGS, INFORMATION, INCLUDED, SIZES = (
    "", "Experiment Details", "Conditions", "Results", "Concentration Warnings", "Information",
    "Data Included", "Size Data",
)  # fmt: skip
DILUTION = "Dilution factor (concentrations adjusted for this factor)"
TOTAL = "Concentration (Particles / ml)"
VALIDITY = "Validity of concentration measurement"
UNREMARKABLE = {"", "ok", "no"}
NO_WARNING = {VALIDITY, "Vibration correction applied"}
AGAIN = "export the experiment summary again from the NTA software, with size distribution by number"
_STAMP = re.compile(r"(.*?) ?(20\d\d-\d\d-\d\d \d\d-\d\d)-\d\d", re.ASCII)
_ONE_RUN = timedelta(minutes=30)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One row of the file: the section it stands in, its line, its cells without outer blanks."""

    section: str
    line: int
    cells: list[str]

    @property
    def key(self) -> str:
        """Its first cell."""
        return self.cells[0] if self.cells else ""

    @property
    def blank(self) -> bool:
        """Whether all its cells are empty."""
        return not any(self.cells)


@dataclass(frozen=True)
class Export:
    """What an export says, by section and key.

    ``name``       the file's name, without its folder
    ``fields``     (section, key) -> row; the first where a key repeats inside a section
    ``videos``     names of the videos, as printed
    ``diameter``   nm, shape (bin,)
    ``bins``       particles/mL, shape (bin, video)
    """

    name: str
    fields: dict[tuple[str, str], Row]
    videos: list[str]
    diameter: Array
    bins: Array

    def values(self, section: str, key: str) -> list[str] | None:
        """A text for each video; None where the file has no such row; raises BadInput if some are missing."""
        row = self.fields.get((section, key))
        if row is None:
            return None
        if len(row.cells) - 1 < len(self.videos):
            raise _refusal(
                self.name,
                _place(row),
                f"{sum(map(bool, row.cells[1:]))} values",
                f"{len(self.videos)}, one a video",
                AGAIN,
            )
        return row.cells[1 : len(self.videos) + 1]

    def text(self, section: str, key: str) -> str:
        """The text behind a key, empty where there is none."""
        row = self.fields.get((section, key))
        return row.cells[1] if row is not None and len(row.cells) > 1 else ""


def recognises(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an NTA experiment summary."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b' \t\r\n"').startswith(TITLE)


def read(file: Path) -> pd.DataFrame:
    """The number distribution of an export, as the tidy table ``particles``: a row per video and bin.

    ``file``  an ``...-ExperimentSummary.csv`` of NTA 3.2 or 3.4
    returns   columns sample; replicate (the video, from 1); diameter in mm; count (tracks credited to the
              bin: the video's valid tracks shared out as its concentration is, NaN where not stated);
              concentration in particles/uL, of the bin, as printed; dilution_applied (the factor the printed
              values already hold, NaN where "Not recorded"); flag (what the instrument warns of, empty where
              nothing); file (its name); sha256. ``attrs`` has the units and the analysis method.
    raises    BadInput (a ValueError) naming file, place, what was given, what is allowed and the cure, for
              anything that is not such a file or whose concentration the instrument itself calls unreliable
    """
    return _table(file.name, _content(file))


def _table(name: str, content: bytes) -> pd.DataFrame:
    import pandas as pd

    export = _export(name, content)
    _believable(export)
    dilution, flags = _dilutions(export), _flags(export)
    tracks = _tracks(export)
    bins, videos = export.bins.shape
    total = export.bins.sum(axis=0)
    table = pd.DataFrame(
        {
            "sample": _sample(export),
            "replicate": np.repeat(np.arange(1, videos + 1), bins),
            "diameter": np.tile(export.diameter * convert(1.0, "nm", "mm"), videos),
            "count": (tracks * export.bins / total).T.ravel(),
            "concentration": export.bins.T.ravel() * convert(1.0, "particles/mL", "particles/uL"),
            "dilution_applied": np.repeat(dilution, bins),
            "flag": np.repeat(np.array(flags, dtype=object), bins),
            "file": name,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    )
    table.attrs["units"] = {"diameter": "mm", "concentration": "particles/uL"}
    table.attrs["analysis"] = export.text(SIZES, "Analysis Method")
    return table


@dataclass(frozen=True)
class NanoSight:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins with these bytes is one of its experiment summaries."""
        return recognises(head)

    @staticmethod
    def read(export: laboratory.Export) -> laboratory.Tables:
        """The table ``particles``: a row per video and bin; raises BadInput that says what is wrong with it."""
        return laboratory.Tables(particles=_table(export.name, _checked(export.name, export.content)))


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=file.name) from error
    if len(content) > LARGEST:
        raise _refusal(
            file.name,
            "file",
            f"more than {LARGEST} bytes",
            f"at most {LARGEST}",
            "export one experiment a file",
        )
    return _checked(file.name, content)


def _checked(name: str, content: bytes) -> bytes:
    """The content, if it can be a summary's."""
    if not content.strip():
        raise _refusal(name, "file", "an empty file", "an NTA experiment summary", AGAIN)
    if b"\0" in content:
        raise _refusal(
            name, "file", "binary content", "comma-separated text",
            "give the -ExperimentSummary.csv, not the .nano, .xlsx or video file",
        )  # fmt: skip
    if not recognises(content[:200]):
        first = content[:200].decode("latin-1").strip().splitlines()[0]
        maker = "a ZetaView export, " if b"ZetaView" in content[:2000] else ""
        raise _refusal(
            name, "line 1", f"{maker}{_short(first)}", repr(TITLE.decode()),
            "give an experiment summary of the NanoSight NTA software",
        )  # fmt: skip
    return content


def _export(name: str, content: bytes) -> Export:
    rows = _rows(name, content)
    fields: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.section == SIZES and row.key == "Graph Data" and _weighting(fields) == "number":
            return _distribution(name, rows, fields)
        if row.section == SIZES and row.key == "Weighting":
            fields[SIZES, "Weighting"] = row
        elif not row.blank:
            fields.setdefault((row.section, row.key), row)
        if len(fields) > MOST_ROWS:
            raise _refusal(
                name, _place(row), f"more than {MOST_ROWS} keys", "an NTA experiment summary", AGAIN
            )
    have = ", ".join(sorted({section for section, _ in fields if section}))
    raise _refusal(
        name, "[Size Data] Graph Data", f"none weighted by number (sections: {have[:200] or 'none'})",
        "one distribution by number", f"the file is cut short or lacks it: {AGAIN}",
    )  # fmt: skip


def _rows(name: str, content: bytes) -> Iterator[Row]:
    """Rows in order; a section lasts from its ``[Name]`` to the next."""
    reader, section = csv.reader(_lines(name, content)), HEADING
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if cells and cells[0].startswith("["):
                if ";" in cells[0]:
                    raise _refusal(
                        name, f"line {reader.line_num}", _short(cells[0]), "cells separated by commas",
                        "export with a comma between cells and a point in numbers",
                    )  # fmt: skip
                section = cells[0].strip("[]")
            yield Row(section, reader.line_num, cells)
    except csv.Error as error:
        raise _refusal(name, f"line {reader.line_num}", str(error), "comma-separated text", AGAIN) from error


def _lines(name: str, content: bytes) -> Iterator[str]:
    # Decoded line by line: a whole text in memory takes four bytes a character.
    text = io.TextIOWrapper(io.BytesIO(content.removeprefix(b"\xef\xbb\xbf")), encoding="latin-1", newline="")
    for line, characters in enumerate(text, start=1):
        if len(characters) > LONGEST_LINE:
            given = f"a line of more than {LONGEST_LINE} characters"
            raise _refusal(name, f"line {line}", given, "shorter lines", AGAIN)
        if line > MOST_LINES:
            given = f"more than {MOST_LINES} lines and no distribution by number"
            raise _refusal(name, "file", given, "an NTA experiment summary", AGAIN)
        yield characters


def _weighting(fields: dict[tuple[str, str], Row]) -> str:
    row = fields.get((SIZES, "Weighting"))
    return row.cells[1].lower() if row is not None and len(row.cells) > 1 else ""


def _distribution(name: str, rows: Iterator[Row], fields: dict[tuple[str, str], Row]) -> Export:
    """The distribution below ``Graph Data``: header, bins, and percentiles as proof of its end."""
    header = next(rows, None)
    if header is None or _plain(header.key) != "bincentre(nm)":
        given = "the end of the file" if header is None else _short(header.key)
        raise _refusal(name, "[Size Data] Graph Data", given, "'Bin centre (nm)'", AGAIN)
    videos = _videos(name, header, fields)
    lines: list[list[float]] = []
    for row in rows:
        if row.blank or row.key == "Percentile":
            _complete(name, row, rows, fields, len(videos))
            table = _bins(name, lines)
            return Export(name, fields, videos, table[:, 0], table[:, 1:])
        if len(lines) == MOST_BINS:
            break
        lines.append(_numbers(name, row, len(videos)))
    if len(lines) == MOST_BINS:
        raise _refusal(name, "[Size Data] bins", f"more than {MOST_BINS}", f"at most {MOST_BINS}", AGAIN)
    raise _truncated(name, f"the file ends in the distribution, after {len(lines)} bins")


def _videos(name: str, header: Row, fields: dict[tuple[str, str], Row]) -> list[str]:
    columns = [i for i, cell in enumerate(header.cells) if _plain(cell) == "concentration(particles/ml)"]
    names = fields.get((SIZES, "Filename"))
    known = [c for c in names.cells[1:] if c and c not in ("Average", "Standard Error")] if names else []
    if not 1 <= len(columns) <= MOST_VIDEOS or columns != list(range(1, len(columns) + 1)):
        raise _refusal(
            name, _place(header),
            f"{len(columns)} columns 'Concentration (particles / ml)' behind the bin centre",
            f"1 to {MOST_VIDEOS}, one a video, side by side", AGAIN,
        )  # fmt: skip
    if len(known) != len(columns):
        raise _refusal(
            name, "[Size Data] Filename", f"{len(known)} videos", f"{len(columns)}, as the distribution has",
            "rename videos that have a comma in their name and export again",
        )  # fmt: skip
    return known


def _numbers(name: str, row: Row, videos: int) -> list[float]:
    """Bin centre and a value for each video."""
    if len(row.cells) <= videos:
        raise _truncated(name, f"{_place(row)} has {len(row.cells)} cells of {videos + 1}")
    return [_number(name, _place(row), cell) for cell in row.cells[: videos + 1]]


def _number(name: str, place: str, text: str) -> float:
    value = float(text) if len(text) < 40 and _NUMBER.fullmatch(text) else np.nan
    if not np.isfinite(value) or value < 0:
        raise _refusal(
            name, place, _short(text), "a finite number, not negative, with a decimal point",
            "correct the export's number format, or export again",
        )  # fmt: skip
    return value


def _complete(
    name: str, row: Row, rows: Iterator[Row], fields: dict[tuple[str, str], Row], videos: int
) -> None:
    """Refuse a file that promises percentiles below the bins and does not bring them to the hundredth."""
    promised = any("with percentiles" in key.lower() for section, key in fields if section == INCLUDED)
    last = row if row.key == "Percentile" else None
    if not promised and last is None:
        return
    for later in rows:
        if later.key == "Percentile" and last is None:
            last = later
        elif later.blank and last is None:
            continue
        elif later.blank or last is None or not _NUMBER.fullmatch(later.key):
            break
        else:
            last = later
    if (
        last is None
        or last.key not in ("100", "100.0")
        or len(last.cells) <= videos
        or not last.cells[videos]
    ):
        raise _truncated(name, "the percentiles below the distribution do not reach 100")


def _bins(name: str, lines: list[list[float]]) -> Array:
    place = "[Size Data] bins"
    if len(lines) < FEWEST_BINS:
        raise _refusal(name, place, f"{len(lines)}", f"{FEWEST_BINS} to {MOST_BINS}", AGAIN)
    table = np.array(lines)
    centres = table[:, 0] * convert(1.0, "nm", "mm")
    if centres[0] <= 0 or centres[-1] > WIDEST or (np.diff(centres) <= 0).any():
        raise _refusal(
            name, place, f"centres from {table[0, 0]:g} to {table[-1, 0]:g} nm, or out of order",
            f"rising, above 0, to {WIDEST / convert(1.0, 'nm', 'mm'):g} nm", AGAIN,
        )  # fmt: skip
    return table


def _believable(export: Export) -> None:
    """Refuse what the instrument calls unreliable, what holds nothing, and bins that belie their sum."""
    _reliable(export)
    total = export.bins.sum(axis=0)
    printed = export.values(RESULTS, TOTAL)
    if printed is None:
        raise _refusal(export.name, "[Results]", f"no row {TOTAL!r}", "one value a video", AGAIN)
    for video, (sum_, text) in enumerate(zip(total, printed, strict=True), start=1):
        place = f"[Results] {TOTAL}, video {video}"
        stated = _number(export.name, place, text)
        if not sum_ > 0:
            raise _refusal(
                export.name, place, "no particle in any bin", "at least one",
                "leave the video out and export again; a blank is the batch 'vehicle'",
            )  # fmt: skip
        if abs(sum_ - stated) > AGREES * max(stated, sum_):
            raise _refusal(
                export.name, place, f"{text}, while the bins add up to {sum_:.3g}",
                f"the same within {AGREES:.0%}", f"the file is cut short or edited: {AGAIN}",
            )  # fmt: skip
    filled = (export.bins * (np.pi / 6) * (export.diameter * convert(1.0, "nm", "mm"))[:, None] ** 3).sum(
        axis=0
    )
    if (filled > convert(1.0, "mL", "uL")).any():
        raise _refusal(
            export.name, f"[Results] {TOTAL}", f"{total.max():.3g}", "no more than fit into a millilitre",
            "check the dilution factor in the NTA software and export again",
        )  # fmt: skip


def _reliable(export: Export) -> None:
    place = f"[{WARNINGS}] {VALIDITY}"
    for video, text in enumerate(export.values(WARNINGS, VALIDITY) or [], start=1):
        if text.lower().startswith("unreliable"):
            name = export.videos[video - 1]
            raise _refusal(
                export.name, f"{place}, video {video} ({_short(name)})", repr(text),
                "'OK', or 'Be cautious of data due to noise' (read and flagged)",
                "measure again within the instrument's range, or leave that video out and export again",
            )  # fmt: skip


def _dilutions(export: Export) -> Array:
    """Factor the printed concentrations already hold, per video; NaN where not recorded."""
    texts = export.values(RESULTS, DILUTION) or [NOT_RECORDED] * len(export.videos)
    place = f"[Results] {DILUTION}"
    known = [np.nan if t.lower() in (NOT_RECORDED, "") else _number(export.name, place, t) for t in texts]
    if any(factor < 1 for factor in known):
        raise _refusal(
            export.name, place, str(min(known)), "1 or more, or 'Not recorded'",
            "correct the dilution in the NTA software and export again",
        )  # fmt: skip
    return np.array(known)


def _flags(export: Export) -> list[str]:
    """What the instrument warns of, video by video, as printed."""
    flags: list[dict[str, None]] = [{} for _ in export.videos]
    for video, text in enumerate(export.values(WARNINGS, VALIDITY) or ["not stated"] * len(flags)):
        if text.lower() != "ok":
            flags[video][f"{VALIDITY}: {text or 'not stated'}"] = None
    for section, key in export.fields:
        if section in (WARNINGS, INFORMATION) and key not in NO_WARNING and not key.startswith("["):
            for video, text in enumerate(export.values(section, key) or []):
                if text.lower() not in UNREMARKABLE:
                    flags[video][f"{key}: {text}"] = None
    for video, factor in enumerate(_dilutions(export)):
        if np.isnan(factor):
            flags[video]["Dilution factor: Not recorded"] = None
    levels = export.values(CONDITIONS, "Camera Level") or []
    if len(set(levels)) > 1:
        for video, level in enumerate(levels):
            flags[video][f"Camera Level: {level}, others differ"] = None
    other = _other_name(export)
    for flag in flags if other else []:
        flag[other] = None
    return ["; ".join(flag) for flag in flags]


def _other_name(export: Export) -> str:
    """A flag where the file's name holds another measurement than its videos' names; else empty."""
    name, video = _STAMP.search(export.name), _STAMP.search(export.videos[0])
    if name is None or video is None:
        return ""
    times = [laboratory.moment(found[2], "%Y-%m-%d %H-%M") for found in (name, video)]
    if not all(times):
        return ""
    apart = datetime.fromisoformat(times[1]) - datetime.fromisoformat(times[0])
    if name[1] == video[1] and abs(apart) < _ONE_RUN:
        return ""
    return f"name says {name[0]}, content {video[0]}: the content is taken"


def _tracks(export: Export) -> Array:
    texts = export.values(SIZES, "Valid Tracks")
    if texts is None:
        return np.full(len(export.videos), np.nan)
    return np.array([_number(export.name, "[Size Data] Valid Tracks", text) for text in texts])


def _sample(export: Export) -> str:
    """The sample's own name (3.4, then 3.2), else the experiment's: never the file's, which may disagree."""
    keys = ("Sample Description", "Sample Name", "Experiment Name")
    return next((name for key in keys if (name := export.text(EXPERIMENT, key))), "")


def _plain(text: str) -> str:
    return text.replace(" ", "").lower()


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _place(row: Row) -> str:
    return f"line {row.line}, [{row.section}] {row.key[:60]}"


def _truncated(name: str, given: str) -> BadInput:
    return _refusal(name, "[Size Data]", given, "a whole distribution", f"the file is cut short: {AGAIN}")


def _refusal(file: str, place: str, given: str, allowed: str, cure: str) -> BadInput:
    return BadInput(
        "cannot be used as a NanoSight export", file=file, key=place, given=given, allowed=allowed, cure=cure
    )
