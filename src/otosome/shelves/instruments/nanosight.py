"""NanoSight experiment summaries (NTA 3.2 to 3.4): the number distribution of one sample, video by video.

The layout is found by section and key, never by line number: an export has ragged rows, keys that repeat in
other sections, and up to six distributions one below the other. Names in the file are text and nothing else.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.errors import BadInput
from otosome.laboratory.file import Export, Refused, moment, parse
from otosome.laboratory.tables import Tables, particles
from otosome.units import Array, convert

if TYPE_CHECKING:
    import pandas as pd

TITLE = b"NTA Experiment Summary File"
MOST_ROWS = 2_000  # rows before the distribution; exports seen have 90
MOST_VIDEOS = 500
FEWEST_BINS, MOST_BINS = 10, 20_000
WIDEST = 0.1  # mm: a hundred times the largest particle the method follows
AGREES = 0.02  # the bins add up to the printed concentration, which has three digits
NOT_RECORDED = "not recorded"
HEADING, EXPERIMENT, CONDITIONS, RESULTS, WARNINGS, INFORMATION, INCLUDED, SIZES = (
    "",
    "Experiment Details",
    "Conditions",
    "Results",
    "Concentration Warnings",
    "Information",
    "Data Included",
    "Size Data",
)
DILUTION = "Dilution factor (concentrations adjusted for this factor)"
TOTAL = "Concentration (Particles / ml)"
VALIDITY = "Validity of concentration measurement"
UNREMARKABLE = {"", "ok", "no"}
NO_WARNING = {VALIDITY, "Vibration correction applied"}
AGAIN = "export the experiment summary again from the NTA software, with size distribution by number"
_STAMP = re.compile(r"(.*?) ?(20\d\d-\d\d-\d\d \d\d-\d\d)-\d\d", re.ASCII)
_ONE_RUN = timedelta(minutes=30)


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
class Summary:
    """What an export says, by section and key.

    ``fields``     (section, key) -> row; the first where a key repeats inside a section
    ``videos``     names of the videos, as printed
    ``diameter``   nm, shape (bin,)
    ``bins``       particles/mL, shape (bin, reliable video)
    ``reliable``   places of the videos, from 0, that the instrument does not call unreliable
    """

    export: Export
    fields: dict[tuple[str, str], Row]
    videos: list[str]
    diameter: Array
    bins: Array
    reliable: tuple[int, ...]

    def values(self, section: str, key: str) -> list[str] | None:
        """A text for each reliable video; None where the file has no such row; raises BadInput if some are missing."""
        row = self.fields.get((section, key))
        if row is None:
            return None
        if len(row.cells) - 1 < len(self.videos):
            entry = f"{sum(map(bool, row.cells[1:]))} values"
            raise self.export.refusal(_place(row), entry, f"{len(self.videos)}, one a video", AGAIN)
        return [row.cells[k + 1] for k in self.reliable]

    def text(self, section: str, key: str) -> str:
        """The text behind a key, empty where there is none."""
        row = self.fields.get((section, key))
        return row.cells[1] if row is not None and len(row.cells) > 1 else ""


def recognises(head: bytes) -> bool:
    """Whether a file that begins with these bytes is an NTA experiment summary."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b' \t\r\n"').startswith(TITLE)


def read(file: Path) -> pd.DataFrame:
    """The number distribution of an export, as the tidy table ``particles``: a row per video and bin.

    ``file``  an ``...-ExperimentSummary.csv`` of NTA 3.2 to 3.4
    returns   columns sample; replicate (the video, from 1); diameter in mm; count (tracks credited to the
              bin: the video's valid tracks shared out as its concentration is, NaN where not stated);
              concentration in particles/uL, of the bin, as printed; dilution_applied (the factor the printed
              values already hold, NaN where "Not recorded"); recorded;
              flag (what the instrument warns of, empty where
              nothing); file (its name); sha256. ``attrs`` has the units and the analysis method.
    raises    BadInput (a ValueError) naming file, place, what was given, what is allowed and the cure, for
              anything that is not such a file or in which the instrument calls the count of every video unreliable
    """
    export = Export.open(file)
    return _table(export, _summary(export))


def _table(export: Export, summary: Summary) -> pd.DataFrame:
    _believable(summary)
    bins, videos = summary.bins.shape
    total = summary.bins.sum(axis=0)
    table = particles(
        export,
        sample=_sample(summary),
        replicate=np.repeat(np.array(summary.reliable) + 1, bins),
        diameter=np.tile(summary.diameter * convert(1.0, "nm", "mm"), videos),
        count=(_tracks(summary) * summary.bins / total).T.ravel(),
        concentration=summary.bins.T.ravel() * convert(1.0, "particles/mL", "particles/uL"),
        dilution_applied=np.repeat(_dilutions(summary), bins),
        recorded=np.repeat(np.array(_recorded(summary), dtype=object), bins),
        flag=np.repeat(np.array(_flags(summary), dtype=object), bins),
    )
    table.attrs["analysis"] = summary.text(SIZES, "Analysis Method")
    return table


@dataclass(frozen=True)
class NanoSight:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins with these bytes is one of its experiment summaries."""
        return recognises(head)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``particles``: a row per reliable video and bin; raises BadInput that says what is wrong."""
        summary = _summary(export)
        return Tables(particles=_table(export, summary), refused=_unreliable(summary))


def _summary(export: Export) -> Summary:
    if not recognises(export.head):
        cure = "give an experiment summary of the NanoSight NTA software"
        raise export.refusal("line 1", _short(export.lines()[0]), repr(TITLE.decode()), cure)
    rows = _rows(export)
    fields: dict[tuple[str, str], Row] = {}
    for row in rows:
        if row.section == SIZES and row.key == "Graph Data" and _weighting(fields) == "number":
            return _distribution(export, rows, fields)
        if row.section == SIZES and row.key == "Weighting":
            fields[SIZES, "Weighting"] = row
        elif not row.blank:
            fields.setdefault((row.section, row.key), row)
        if len(fields) > MOST_ROWS:
            raise export.refusal(
                _place(row), f"more than {MOST_ROWS} keys", "an NTA experiment summary", AGAIN
            )
    have = ", ".join(sorted({section for section, _ in fields if section}))
    raise export.refusal(
        "[Size Data] Graph Data",
        f"none weighted by number (sections: {have[:200] or 'none'})",
        "one distribution by number",
        f"the file is cut short or lacks it: {AGAIN}",
    )


def _rows(export: Export) -> Iterator[Row]:
    """Rows in order; a section lasts from its ``[Name]`` to the next."""
    reader, section = csv.reader(export.lines()), HEADING
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if cells and cells[0].startswith("["):
                if ";" in cells[0]:
                    raise export.refusal(
                        f"line {reader.line_num}",
                        _short(cells[0]),
                        "cells separated by commas",
                        "export with a comma between cells and a point in numbers",
                    )
                section = cells[0].strip("[]")
            yield Row(section, reader.line_num, cells)
    except csv.Error as error:
        raise export.refusal(f"line {reader.line_num}", str(error), "comma-separated text", AGAIN) from error


def _weighting(fields: dict[tuple[str, str], Row]) -> str:
    row = fields.get((SIZES, "Weighting"))
    return row.cells[1].lower() if row is not None and len(row.cells) > 1 else ""


def _distribution(export: Export, rows: Iterator[Row], fields: dict[tuple[str, str], Row]) -> Summary:
    """The distribution below ``Graph Data``: header, bins, and percentiles as proof of its end."""
    header = next(rows, None)
    if header is None or _plain(header.key) != "bincentre(nm)":
        entry = "the end of the file" if header is None else _short(header.key)
        raise export.refusal("[Size Data] Graph Data", entry, "'Bin centre (nm)'", AGAIN)
    videos = _videos(export, header, fields)
    lines: list[list[float]] = []
    for row in rows:
        if row.blank or row.key == "Percentile":
            _complete(export, row, rows, fields, len(videos))
            table = _bins(export, lines)
            whole = Summary(export, fields, videos, table[:, 0], table[:, 1:], tuple(range(len(videos))))
            return _reliable(whole)
        if len(lines) == MOST_BINS:
            break
        lines.append(_numbers(export, row, len(videos)))
    if len(lines) == MOST_BINS:
        raise export.refusal("[Size Data] bins", f"more than {MOST_BINS}", f"at most {MOST_BINS}", AGAIN)
    raise _truncated(export, f"the file ends in the distribution, after {len(lines)} bins")


def _videos(export: Export, header: Row, fields: dict[tuple[str, str], Row]) -> list[str]:
    columns = [i for i, cell in enumerate(header.cells) if _plain(cell) == "concentration(particles/ml)"]
    names = fields.get((SIZES, "Filename"))
    known = [c for c in names.cells[1:] if c and c not in ("Average", "Standard Error")] if names else []
    if not 1 <= len(columns) <= MOST_VIDEOS or columns != list(range(1, len(columns) + 1)):
        raise export.refusal(
            _place(header),
            f"{len(columns)} columns 'Concentration (particles / ml)' behind the bin centre",
            f"1 to {MOST_VIDEOS}, one a video, side by side",
            AGAIN,
        )
    if len(known) != len(columns):
        raise export.refusal(
            "[Size Data] Filename",
            f"{len(known)} videos",
            f"{len(columns)}, as the distribution has",
            "rename videos that have a comma in their name and export again",
        )
    return known


def _numbers(export: Export, row: Row, videos: int) -> list[float]:
    """Bin centre and a value for each video."""
    if len(row.cells) <= videos:
        raise _truncated(export, f"{_place(row)} has {len(row.cells)} cells of {videos + 1}")
    return [_number(export, _place(row), cell) for cell in row.cells[: videos + 1]]


def _number(export: Export, place: str, text: str) -> float:
    value = parse(text)
    if value is None or not value >= 0:
        raise export.refusal(
            place,
            _short(text),
            "a finite number, not negative, with a decimal point",
            "correct the export's number format, or export again",
        )
    return value


def _complete(
    export: Export, row: Row, rows: Iterator[Row], fields: dict[tuple[str, str], Row], videos: int
) -> None:
    """Refuse a file that promises percentiles below the bins and does not bring them to the hundredth."""
    promised = any("with percentiles" in key.lower() for section, key in fields if section == INCLUDED)
    if not promised and row.key != "Percentile":
        return
    last = _last_percentile(itertools.chain([row], rows))
    if last is None or len(last.cells) <= videos or not last.cells[videos]:
        raise _truncated(export, "the percentiles below the distribution do not reach 100")


def _last_percentile(rows: Iterator[Row]) -> Row | None:
    """The row of the hundredth percentile, if rows begin with percentiles and bring them to it; else None."""
    last = next((row for row in rows if not row.blank), None)
    if last is None or last.key != "Percentile":
        return None
    for row in rows:
        if not row.key or parse(row.key) is None:
            break
        last = row
    return last if last.key in ("100", "100.0") else None


def _bins(export: Export, lines: list[list[float]]) -> Array:
    place = "[Size Data] bins"
    if len(lines) < FEWEST_BINS:
        raise export.refusal(place, f"{len(lines)}", f"{FEWEST_BINS} to {MOST_BINS}", AGAIN)
    table = np.array(lines)
    centres = table[:, 0] * convert(1.0, "nm", "mm")
    if centres[0] <= 0 or centres[-1] > WIDEST or (np.diff(centres) <= 0).any():
        raise export.refusal(
            place,
            f"centres from {table[0, 0]:g} to {table[-1, 0]:g} nm, or out of order",
            f"rising, above 0, to {WIDEST / convert(1.0, 'nm', 'mm'):g} nm",
            AGAIN,
        )
    return table


def _believable(summary: Summary) -> None:
    """Refuse what holds nothing, and bins that belie their sum."""
    total = summary.bins.sum(axis=0)
    printed = summary.values(RESULTS, TOTAL)
    if printed is None:
        raise summary.export.refusal("[Results]", f"no row {TOTAL!r}", "one value a video", AGAIN)
    for video, (sum_, text) in enumerate(zip(total, printed, strict=True), start=1):
        place = f"[Results] {TOTAL}, video {video}"
        stated = _number(summary.export, place, text)
        if not sum_ > 0:
            raise summary.export.refusal(
                place,
                "no particle in any bin",
                "at least one",
                "leave the video out and export again; a blank is the batch 'vehicle'",
            )
        if abs(sum_ - stated) > AGREES * max(stated, sum_):
            raise summary.export.refusal(
                place,
                f"{text}, while the bins add up to {sum_:.3g}",
                f"the same within {AGREES:.0%}",
                f"the file is cut short or edited: {AGAIN}",
            )
    filled = (summary.bins * (np.pi / 6) * (summary.diameter * convert(1.0, "nm", "mm"))[:, None] ** 3).sum(
        axis=0
    )
    if (filled > convert(1.0, "mL", "uL")).any():
        raise summary.export.refusal(
            f"[Results] {TOTAL}",
            f"{total.max():.3g}",
            "no more than fit into a millilitre",
            "check the dilution factor in the NTA software and export again",
        )


def _reliable(summary: Summary) -> Summary:
    """Without the videos that the instrument calls unreliable; raises BadInput where it calls all of them so."""
    texts = summary.values(WARNINGS, VALIDITY) or ["not stated"] * len(summary.videos)
    reliable = tuple(k for k, text in enumerate(texts) if not text.lower().startswith("unreliable"))
    if not reliable:
        raise summary.export.refusal(
            f"[{WARNINGS}] {VALIDITY}, video 1 ({_short(summary.videos[0])})",
            repr(texts[0]),
            "'OK', or 'Be cautious of data due to noise' (read and flagged), at one video or more",
            "measure again within the instrument's range",
        )
    return replace(summary, bins=summary.bins[:, list(reliable)], reliable=reliable)


def _unreliable(summary: Summary) -> tuple[Refused, ...]:
    """The videos that are left out."""
    row = summary.fields.get((WARNINGS, VALIDITY))
    return tuple(
        summary.export.left_out(
            f"video {k + 1} ({name})",
            row.cells[k + 1] if row else "",
            "the instrument calls its count unreliable",
        )
        for k, name in enumerate(summary.videos)
        if k not in summary.reliable
    )


def _dilutions(summary: Summary) -> Array:
    """Factor the printed concentrations already hold, per video; NaN where not recorded."""
    texts = summary.values(RESULTS, DILUTION) or [NOT_RECORDED] * len(summary.reliable)
    place = f"[Results] {DILUTION}"
    known = [np.nan if t.lower() in (NOT_RECORDED, "") else _number(summary.export, place, t) for t in texts]
    if any(factor < 1 for factor in known):
        raise summary.export.refusal(
            place,
            str(min(known)),
            "1 or more, or 'Not recorded'",
            "correct the dilution in the NTA software and export again",
        )
    return np.array(known)


def _recorded(summary: Summary) -> list[str]:
    """When each video was taken: by its name, else by the file where its date can be read one way only."""
    printed = summary.text(EXPERIMENT, "Time Captured")
    ways = {moment(printed, f"%H:%M:%S {day}") for day in ("%d/%m/%Y", "%m/%d/%Y")} - {""}
    captured = ways.pop() if len(ways) == 1 else ""
    stamps = [_STAMP.search(summary.videos[k]) for k in summary.reliable]
    return [moment(stamp[2], "%Y-%m-%d %H-%M") if stamp else captured for stamp in stamps]


def _flags(summary: Summary) -> list[str]:
    """What the instrument warns of, video by video, as printed."""
    everywhere = [_other_name(summary)] * len(summary.reliable)
    columns = (_doubts(summary), *_warnings(summary), _undiluted(summary), _levels(summary), everywhere)
    return ["; ".join(dict.fromkeys(filter(None, video))) for video in zip(*columns, strict=True)]


def _doubts(summary: Summary) -> list[str]:
    """A flag for each video whose count the instrument does not call valid."""
    texts = summary.values(WARNINGS, VALIDITY) or ["not stated"] * len(summary.reliable)
    return ["" if text.lower() == "ok" else f"{VALIDITY}: {text or 'not stated'}" for text in texts]


def _warnings(summary: Summary) -> Iterator[list[str]]:
    """What each other row of warnings says of each video; empty where it is nothing remarkable."""
    for section, key in summary.fields:
        if section in (WARNINGS, INFORMATION) and key not in NO_WARNING and not key.startswith("["):
            texts = summary.values(section, key) or []
            yield ["" if text.lower() in UNREMARKABLE else f"{key}: {text}" for text in texts]


def _undiluted(summary: Summary) -> list[str]:
    """A flag for each video whose dilution is not recorded."""
    return ["Dilution factor: Not recorded" if np.isnan(factor) else "" for factor in _dilutions(summary)]


def _levels(summary: Summary) -> list[str]:
    """A flag for each video where the camera's level was changed between videos."""
    levels = summary.values(CONDITIONS, "Camera Level") or [""] * len(summary.reliable)
    differ = len(set(levels)) > 1
    return [f"Camera Level: {level}, others differ" if differ else "" for level in levels]


def _other_name(summary: Summary) -> str:
    """A flag where the file's name holds another measurement than its videos' names; else empty."""
    name, video = _STAMP.search(summary.export.name), _STAMP.search(summary.videos[0])
    if name is None or video is None:
        return ""
    times = [moment(stamp[2], "%Y-%m-%d %H-%M") for stamp in (name, video)]
    if not all(times):
        return ""
    apart = datetime.fromisoformat(times[1]) - datetime.fromisoformat(times[0])
    if name[1] == video[1] and abs(apart) < _ONE_RUN:
        return ""
    return f"name says {name[0]}, content {video[0]}: the content is taken"


def _tracks(summary: Summary) -> Array:
    texts = summary.values(SIZES, "Valid Tracks")
    if texts is None:
        return np.full(len(summary.reliable), np.nan)
    return np.array([_number(summary.export, "[Size Data] Valid Tracks", text) for text in texts])


def _sample(summary: Summary) -> str:
    """The sample's own name (3.4, then 3.2), else the experiment's: never the file's, which may disagree."""
    keys = ("Sample Description", "Sample Name", "Experiment Name")
    return next((name for key in keys if (name := summary.text(EXPERIMENT, key))), "")


def _plain(text: str) -> str:
    return text.replace(" ", "").lower()


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _place(row: Row) -> str:
    return f"line {row.line}, [{row.section}] {row.key[:60]}"


def _truncated(export: Export, entry: str) -> BadInput:
    return export.refusal("[Size Data]", entry, "a whole distribution", f"the file is cut short: {AGAIN}")
