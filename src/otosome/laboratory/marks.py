"""Thresholds and wave I marked by hand on level series: who, when, on which series, from what to what.

A history is a file of JSON lines beside an import. A line is added and never changed: an undo is a line of its own,
and the undo of an undo brings a mark back. A line that cannot be read, as one cut short by a crash, is named and left
out; all others stand.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from otosome import files
from otosome.errors import BadInput
from otosome.laboratory.file import Export, Refused, flags
from otosome.laboratory.tables import READINGS, Tables, marks, rows_of

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "marks/1"
ENDING = ".marks.jsonl"
ANEW = "import again, and begin a new history"
MOST_DAMAGED = 1000  # lines that cannot be read: more of them are another file
LARGEST = 20_000_000  # bytes of a history: some 40,000 marks
PATIENCE = 10.0  # s that a writer waits for another
CLICK = -1.0
THRESHOLD: Final = "abr_threshold"
WAVE: Final = "wave1"
Quantity = Literal["abr_threshold", "wave1"]
Deed = Literal["mark", "undo", "blind", "open", "lead"]
Place: TypeAlias = tuple[str, str, float | None]


class _Closed(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_by_name=True
    )


class SeriesName(_Closed):
    """Which level series: whose, of which stimulus (kHz, none for a click), when, in which file.

    ``sha256``  of the file, or of that with the softest level where several hold the series
    """

    subject: str
    ear: str
    recorded: str
    unit: str
    file: str
    sha256: str
    frequency: float | None = None

    @classmethod
    def of(cls, first: pd.Series) -> SeriesName:
        """The name of a series by its first recording, a row of the table ``waveforms``."""
        frequency = float(first["frequency"])
        texts = {key: str(first[key]) for key in ("subject", "ear", "recorded", "unit", "file", "sha256")}
        return cls(frequency=frequency if np.isfinite(frequency) else None, **texts)

    @property
    def stimulus(self) -> float:
        """Its frequency, kHz, rounded as series are told apart; ``CLICK`` for a click."""
        return CLICK if self.frequency is None else round(self.frequency, 4)

    @property
    def key(self) -> str:
        """A short word for it, the same whatever folder its file lies in."""
        parts = (self.sha256, self.subject, self.ear, f"{self.stimulus:g}", self.recorded[:10])
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class Value(_Closed):
    """What is marked: ``value`` in dB of a threshold, in uV of wave I from P1 to N1.

    ``censored``  above where no level showed a response, below where all did
    ``latency``   of P1, and ``trough`` of N1, ms after the onset; of wave I alone
    """

    value: float
    censored: Literal["none", "above", "below"] = "none"
    latency: float | None = None
    trough: float | None = None


class Line(_Closed):
    """A line of a history.

    ``does``      mark; undo; blind, as a second reader begins who sees nobody's marks; open, as they end it; lead, for
                  the reader whose marks stand in the readings
    ``before``    the reader's own mark until now, ``after`` the new one; none for none
    ``undoes``    the number of a line of the same reader
    """

    otosome: Literal["marks/1"] = "marks/1"
    at: Annotated[str, Field(max_length=40)]
    reader: Annotated[str, Field(min_length=1, max_length=60)]
    does: Deed
    series: SeriesName | None = None
    quantity: Quantity | None = None
    level: float | None = None
    before: Value | None = Field(default=None, alias="from")
    after: Value | None = Field(default=None, alias="to")
    undoes: int | None = None

    @model_validator(mode="after")
    def _whole(self) -> Line:
        if (self.does == "mark") != (self.series is not None and self.quantity is not None):
            raise ValueError("a mark, and nothing else, names a series and a quantity")
        if (self.does == "undo") != (self.undoes is not None):
            raise ValueError("an undo, and nothing else, names the line it undoes")
        wave = self.quantity == WAVE
        if wave != (self.level is not None) or (
            self.after and wave != (None not in (self.after.latency, self.after.trough))
        ):
            raise ValueError("wave I is marked at a level by its latency and trough, a threshold is not")
        if not self.reader.isprintable() or self.reader != self.reader.strip():
            raise ValueError("a reader is a name that prints, without blanks around it")
        return self

    @property
    def place(self) -> Place:
        """What a mark is on: series, quantity and level."""
        assert self.series is not None and self.quantity is not None  # of a mark
        return self.series.key, self.quantity, self.level


Standing: TypeAlias = dict[Place, tuple[int, Line]]


@dataclass(frozen=True)
class History:
    """The lines of a history by their number in the file, from 1, and the numbers of those that cannot be read."""

    name: str
    lines: dict[int, Line] = field(default_factory=dict)
    damaged: tuple[int, ...] = ()

    @classmethod
    def of(cls, text: str, name: str) -> History:
        """A history from its text; raises BadInput where so many lines cannot be read that it is none."""
        lines, damaged = dict[int, Line](), list[int]()
        for number, written in enumerate(io.StringIO(text, newline="\n"), start=1):
            if not written.strip():
                continue
            if len(damaged) > MOST_DAMAGED:
                raise BadInput(
                    "is no history of marks",
                    file=name,
                    key=f"line {number}",
                    given=f"{len(damaged)} lines before it that cannot be read",
                    allowed=f"at most {MOST_DAMAGED}",
                    cure=ANEW,
                )
            try:
                line = Line.model_validate_json(written)
            except ValidationError:
                damaged.append(number)
                continue
            if line.undoes is not None and not _may_undo(lines, line.reader, line.undoes):
                damaged.append(number)
            else:
                lines[number] = line
        return cls(name, lines, tuple(damaged))

    @classmethod
    def read(cls, file: Path) -> History:
        """The history in a file, empty where there is none yet; raises BadInput for one that is too large."""
        if not file.exists():
            return cls(file.name)
        content = files.content(file, LARGEST, cure=ANEW)
        return cls.of(content.decode("utf-8", "replace"), file.name)

    @property
    def notes(self) -> list[str]:
        """What cannot be read, by line."""
        numbers = ", ".join(map(str, self.damaged))
        return [f"{self.name}: line {numbers} cannot be read and is left out"] if self.damaged else []

    @property
    def readers(self) -> list[str]:
        """Everybody who added a line, the first first."""
        return list(dict.fromkeys(line.reader for line in self.lines.values()))

    @property
    def lead(self) -> str:
        """The reader whose marks stand in the readings: whoever took the lead last, else the first; blank for none."""
        leads = [line.reader for line in self.lines.values() if line.does == "lead"]
        return next(iter([*leads[-1:], *self.readers]), "")

    def blind(self, reader: str) -> bool:
        """Whether a reader reads without the marks of others."""
        return self._turns(reader)[-1:] == ["blind"]

    def _turns(self, reader: str) -> list[str]:
        return [
            line.does
            for line in self.lines.values()
            if line.reader == reader and line.does in ("blind", "open")
        ]

    @cached_property
    def undone(self) -> frozenset[int]:
        """The lines that no longer count."""
        return self._undone(None)

    def _undone(self, until: int | None) -> frozenset[int]:
        undone = set[int]()
        for number, line in reversed(self.lines.items()):
            counts = number not in undone and (until is None or number < until)
            if line.undoes is not None and counts:
                undone.add(line.undoes)
        return frozenset(undone)

    def standing(self, reader: str, until: int | None = None) -> Standing:
        """The marks of a reader that stand, by place, each with its number; ``until``  as before that line."""
        undone = self.undone if until is None else self._undone(until)
        last: Standing = {}
        for number, line in self.lines.items():
            early = until is None or number < until
            if line.does == "mark" and line.reader == reader and early and number not in undone:
                last[line.place] = (number, line)
        return {place: mark for place, mark in last.items() if mark[1].after is not None}

    def independent(self, reader: str) -> Standing:
        """The marks of a reader as they stood before the marks of others were shown, where they once were not."""
        opened = [n for n, line in self.lines.items() if line.reader == reader and line.does == "open"]
        return self.standing(reader, opened[0] if opened else None)

    def latest(self, reader: str) -> int | None:
        """The last mark of a reader that was not taken back; none where there is none."""
        marks = (n for n, line in self._backwards(reader) if line.does == "mark" and n not in self.undone)
        return next(marks, None)

    def recall(self, reader: str) -> int | None:
        """The last undo of a mark that a reader made since their last mark, and that still counts; none for none."""
        for number, line in self._backwards(reader):
            if line.does == "mark":
                return None
            counts = line.undoes is not None and number not in self.undone
            if counts and self.lines[line.undoes or 0].does == "mark":
                return number
        return None

    def _backwards(self, reader: str) -> Iterator[tuple[int, Line]]:
        return ((number, line) for number, line in reversed(self.lines.items()) if line.reader == reader)


def _may_undo(lines: Mapping[int, Line], reader: str, number: int) -> bool:
    line = lines.get(number)
    return line is not None and line.reader == reader and line.does in ("mark", "undo")


def beside(folder: Path) -> Path:
    """Where the history of an import stands: beside its folder, which is sealed."""
    return folder.with_name(folder.name + ENDING)


def add(
    file: Path,
    reader: str,
    does: Deed = "mark",
    *,
    series: SeriesName | None = None,
    quantity: Quantity | None = None,
    level: float | None = None,
    after: Value | None = None,
    undoes: int | None = None,
) -> int:
    """Add a line to a history, and have the disk hold it.

    ``undoes``  the line of the same reader that an undo takes back
    returns     the line's number
    raises      BadInput for a line that says nothing clear, an undo of none that stands, a file nobody may write
    """
    stated = {"series": series, "quantity": quantity, "level": level, "to": after, "undoes": undoes}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        line = Line.model_validate({"at": now, "reader": reader, "does": does, **stated})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or None
        raise BadInput(
            f"is no line of a history: {first['msg']}", file=file.name, key=key, given=reader
        ) from error
    with _locked(file):
        history = History.read(file)
        if undoes is not None and (undoes in history.undone or not _may_undo(history.lines, reader, undoes)):
            raise BadInput("is no current mark of this reader", file=file.name, key="undo", given=undoes)
        if does == "mark":
            own = history.standing(reader).get(line.place)
            line = line.model_copy(update={"before": None if own is None else own[1].after})
        return files.add_line(file, line.model_dump_json(by_alias=True, exclude_none=True))


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """One writer at a time, whichever program it is of."""
    from filelock import FileLock, Timeout

    lock = file.with_name(f".{file.name}.lock")
    if lock.is_symlink() or file.is_symlink():
        raise BadInput("cannot be written (it is a link)", file=str(file), cure="remove the link")
    try:
        with FileLock(lock, timeout=PATIENCE):
            yield
    except Timeout as error:
        raise BadInput("is being written by another otosome", file=str(file), cure="try again") from error
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=str(file)) from error


def recognises(head: bytes) -> bool:
    """Whether a file that begins so is a history of marks."""
    return head.lstrip().startswith(b'{"otosome":"%s"' % FORMAT.encode())


def tables(export: Export) -> Tables:
    """The leading reader's marks that stand, a row each, wave I with its latency; what cannot be read is listed."""
    history = History.of(export.text, export.name)
    rows = [row for _, line in history.standing(history.lead).values() for row in _rows(line)]
    if not rows:
        raise export.refusal("marks", "no mark that stands", "one or more")
    refused = tuple(
        export.left_out(f"line {number}", "a line", "cannot be read: cut short, or changed")
        for number in history.damaged
    )
    return Tables(marks=marks(export, **rows_of(rows)), refused=refused)


def _rows(line: Line) -> Iterator[dict[str, object]]:
    """A mark as readings have it."""
    assert line.series is not None and line.after is not None  # of a mark that stands
    series, mark = line.series, line.after
    both = {
        "subject": series.subject,
        "ear": series.ear,
        "frequency": np.nan if series.frequency is None else series.frequency,
        "recorded": series.recorded,
        "level": np.nan if line.level is None else line.level,
        "censored": mark.censored,
        "flag": flags("click" if series.frequency is None else "", f"by hand: {line.reader}"),
        "series": series.sha256,
        "scale": series.unit,
    }
    if line.quantity == THRESHOLD:
        yield {**both, "quantity": THRESHOLD, "value": mark.value, "unit": series.unit}
        return
    yield {**both, "quantity": WAVE, "value": mark.value, "unit": "uV"}
    yield {**both, "quantity": "wave1_latency", "value": mark.latency, "unit": "ms"}


def placed(table: pd.DataFrame, waveforms: pd.DataFrame) -> tuple[pd.DataFrame, list[Refused]]:
    """Marks as readings of the recordings they were set on, and those whose recording is not there.

    ``table``, ``waveforms``  tables of these names; a recording may have another subject by now, of the animals sheet
    returns                   columns ``READINGS``: subject, ear, group, time and file as the recording has them
    """
    import pandas as pd

    recordings: dict[tuple[object, ...], list[dict[Hashable, object]]] = {}
    for row in waveforms.drop(columns="samples").to_dict("records") if len(table) else []:
        recordings.setdefault(_recording(row, str(row["sha256"])), []).append(row)
    rows, refused = list[dict[Hashable, object]](), list[Refused]()
    for mark in table.to_dict("records"):
        there = recordings.get(_recording(mark, str(mark["series"])), [])
        same = [row for row in there if row["subject"] == mark["subject"]]
        if not same and len({row["subject"] for row in there}) == 1:
            same = there
        if same and same[0]["unit"] == mark["scale"]:
            names = ("subject", "ear", "group", "time", "frequency", "recorded", "file", "sha256")
            rows.append({**mark, **{name: same[0][name] for name in names}})
        else:
            reason = (
                f"its levels are in {same[0]['unit']} now" if same else "its recording is not among the files"
            )
            place = (
                f"{mark['subject'] or 'no subject'} {mark['ear']} {_stimulus(mark):g} kHz, {mark['quantity']}"
            )
            refused.append(Refused(str(mark["file"]), place, f"{mark['value']:g}", reason))
    return pd.DataFrame(rows, columns=pd.Index(READINGS)), refused


def _recording(row: Mapping[Hashable, object], sha256: str) -> tuple[object, ...]:
    return sha256, row["ear"], _stimulus(row), str(row["recorded"])[:10]


def _stimulus(row: Mapping[Hashable, object]) -> float:
    frequency = float(str(row["frequency"]))
    return round(frequency, 4) if np.isfinite(frequency) else CLICK
