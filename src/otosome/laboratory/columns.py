"""The columns of a published long table, by the names laboratories give them, in house units.

A unit is taken from the column's name. Where the name states none, one rule decides and says so in a flag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otosome.errors import BadInput
from otosome.laboratory.file import (
    Export,
    Refused,
    flags,
    moment,
    parse,
)
from otosome.laboratory.tables import label
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

Rows = Sequence[int] | NDArray[np.signedinteger[Any]]
SUBJECT = (
    "subject",
    "subject_id",
    "animal",
    "animal_id",
    "mouse",
    "mouse_id",
    "rat",
    "rat_id",
    "patient",
    "patient_id",
    "participant",
    "id",
)
# Columns that only a table of animals has, and what a column of species calls one.
ANIMAL = ("animal", "animal_id", "mouse", "mouse_id", "rat", "rat_id", "strain", "substrain", "genotype")
ANIMALS = ("mouse", "mice", "rat", "guinea pig", "guinea_pig", "gerbil", "chinchilla", "cat", "mus musculus")
FREQUENCY = (
    "freq_hz",
    "frequency_hz",
    "frequency (hz)",
    "freq(hz)",
    "freq (hz)",
    "freq (khz)",
    "freq(khz)",
    "freq_khz",
    "frequency_khz",
    "frequency (khz)",
    "frequency[khz]",
    "frequency",
    "freq",
)
# No ear tested hears 200 kHz: a bare frequency above it is in Hz. Nor is one tested below 50 Hz: one of 8 is in kHz,
# whatever the header says, and which rows share its mistake the file does not tell.
LOWEST_KILOHERTZ, HIGHEST_KILOHERTZ = 0.05, 200.0
# Frequencies of the audiometer, kHz, and the highest of those that no rodent is tested at.
AUDIOMETRIC = (
    0.125,
    0.25,
    0.5,
    0.75,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    6.0,
    8.0,
    9.0,
    10.0,
    11.2,
    12.5,
    14.0,
    16.0,
)
LOWEST_TESTED = 0.5
SOFTEST, LOUDEST = -30.0, 140.0  # dB: outside it a number is a code
# An ear as laboratories and clinics write it: auris sinistra and dextra, left and right ear.
EARS = {
    **dict.fromkeys(("l", "left", "as", "le", "lt", "left ear"), "left"),
    **dict.fromkeys(("r", "right", "ad", "re", "rt", "right ear"), "right"),
}
CLICKS = ("click", "clicks")
# Columns that state the unit of a table's levels, and of its frequencies.
LEVEL_UNIT = ("unit", "units", "threshold_unit", "threshold unit", "level_unit", "level unit", "reference")
FREQUENCY_UNIT = (
    "freq_unit",
    "frequency_unit",
    "freq unit",
    "frequency unit",
    "freq_units",
    "frequency_units",
)
NO_RESPONSE = ("inf", "nr", "no response")
# Columns that say whether a value is only a limit, and whether it is one where they say yes; and their words.
LIMITS = {
    **dict.fromkeys(
        ("censored", "is_censored", "censoring", "cens", "nr", "no_response", "no response"), True
    ),
    **dict.fromkeys(("blq", "bloq", "bql", "below_loq", "below_lloq", "below loq", "below lloq"), True),
    **dict.fromkeys(("response", "responded", "response_present", "detected", "quantifiable"), False),
}
YES, NO = ("true", "yes", "y", "t", "1", "1.0"), ("false", "no", "n", "f", "0", "0.0", "none", "")
UNCLEAR = "unclear"
SIDES = {"above": "above", "right": "above", ">": "above", "below": "below", "left": "below", "<": "below"}
_WORDS = (
    *NO_RESPONSE,
    "-inf",
    *CLICKS,
)  # that stand for a number and are none; who reads the column says of what
# Columns that tell the day of a reading, and how it is written where day and month are clear.
DATES = (
    *("date", "recorded", "test_date", "test date", "date_of_test", "date of test", "exam_date", "exam date"),
    *("visit_date", "visit date", "recording_date", "recording date"),
)
_DAYS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%d.%m.%Y", "%Y/%m/%d")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}", re.ASCII)
# What stands for a subject where a row sums others up, and how a spreadsheet writes a name it took for a day.
_MEAN = re.compile(
    r"(?:group |grand |overall )?(?:mean|average|avg\.?|median|std|st\.? ?dev\.?|stdev|sem|s\.e\.m\.?"
    r"|mittelwert|moyenne)(?:\s*[(:\u00b1+=].*)?"
)
_BESIDE_A_MEAN = ("sd", "se", "n", "count", "total", "sum")  # alone they may be names of animals
_DAY = re.compile(r"\d{4}-\d\d-\d\d(?:T00:00:00)?", re.ASCII)
_IN_HOURS = {"time_h": 1.0, "time_d": 24.0, "day": 24.0, "time_min": 1 / 60}
_IN_WORDS = ("abr_time", "timepoint", "time")
TIMES = (*_IN_HOURS, *_IN_WORDS)  # columns that tell when
_HOURS = {"h": 1.0, "d": 24.0, "w": 168.0}
_MANGLED = re.compile(r"^(\d+)\.0$")  # a name that a spreadsheet took for a number
_CLOCK = re.compile(r"ZT\d{1,2}")  # the hour of the exposure, counted from lights on
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?")
_MEASURED = re.compile(
    r"(?<![a-z])(?:k?hz|db|[num\u00b5\u03bc]v(?:pp)?|threshold|amplitude|latency|nr|blq)(?![a-z])"
    r"|censor|respon|exclu|valid|outlier|saturat"
)
_TONE = re.compile(r"(\d+(?:[.,]\d+)?) ?(k?)hz", re.ASCII)
UNREAD = "its name says more than this layout holds; a mapping can say what it is"
_UNIT = r"(?P<unit>hours?|hrs?|h|days?|d|weeks?|wks?|w)"
_SPAN = re.compile(rf"(?P<number>-?\d+(?:\.\d+)?)\s*{_UNIT}", re.ASCII)
# What laboratories write around a time after the insult, and in place of one before it.
_STATED = r"(?:noise|exposure|treatment|insult|drug|surgery)"
_AFTER = re.compile(rf"\b(?:post|after|later)\b[\s-]*(?:{_STATED}\b)?[\s-]*")
_BEFORE = re.compile(rf"(?:pre|before|baseline)[\s-]*{_STATED}?")
_SPAN_AHEAD = re.compile(rf"{_UNIT}\s*(?P<number>-?\d+(?:\.\d+)?)", re.ASCII)


@dataclass
class Columns:
    """A table of text with its refusals: columns come out as arrays, cells that are no number are listed.

    ``decimal``  the decimal mark;  ``lines``  of the text that hold the rows
    ``refused``  grows as columns are read
    """

    export: Export
    frame: pd.DataFrame
    decimal: str = "."
    lines: tuple[int, ...] = ()
    refused: list[Refused] = field(default_factory=list)
    _listed: set[str] = field(default_factory=set, repr=False)
    _texts: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _numbers: dict[str, Array] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, export: Export, skip: int = 0, separator: str | None = None) -> Columns:
        """The columns of the table below line ``skip``, without rows that sum others up, which are listed.

        raises  BadInput as ``Export.table`` does
        """
        table = export.table(skip, separator)
        whole = cls(export, table.frame, table.decimal, table.lines)
        return whole._of_subjects()

    def _of_subjects(self) -> Columns:
        """The table without means, deviations and counts of its subjects, which stand where a subject would."""
        name = next((name for name in SUBJECT if name in self), "")
        sums = _sums([text.lower() for text in self.texts(name)] if name else [])
        if not any(sums) or all(sums):
            return self
        for row in np.flatnonzero(sums):
            self.leave_out(int(row), name, self.texts(name)[row], "is of several subjects")
        rest = [row for row, of_several in enumerate(sums) if not of_several]
        lines = tuple(self.lines[row] for row in rest) if self.lines else ()
        frame = self.frame.iloc[rest].reset_index(drop=True)
        return Columns(self.export, frame, self.decimal, lines, self.refused)

    def __contains__(self, name: str) -> bool:
        return name in self.frame.columns

    def first(self, names: Sequence[str]) -> str:
        """The first of these columns that there is; raises BadInput where there is none."""
        for name in names:
            if name in self:
                return name
        raise self.export.refusal(
            "header", ", ".join(map(str, self.frame.columns))[:200], f"one of {', '.join(names)}"
        )

    def need(self, names: Sequence[str]) -> None:
        """Raise BadInput where one of these columns is not there."""
        for name in names:
            self.first([name])

    def texts(self, *names: str) -> list[str]:
        """The first of these columns that there is, as stripped text; blanks where there is none."""
        name = next((name for name in names if name in self), None)
        if name is None:
            return self._blank
        if name not in self._texts:
            self._texts[name] = [str(cell).strip() for cell in self.frame[name].to_numpy(dtype=object)]
        return self._texts[name]

    @cached_property
    def _blank(self) -> list[str]:
        return [""] * len(self.frame)

    def numbers(self, name: str) -> Array:
        """A column as numbers: NaN where missing, and where a cell is no number, which is listed once."""
        if name not in self._numbers:
            self._numbers[name] = self._read(name)
        return self._numbers[name].copy()

    def _read(self, name: str) -> Array:
        texts = self.texts(name)
        values = [parse(text, self.decimal) for text in texts]
        for row, value in enumerate(values):
            if value is None and texts[row].lower() not in _WORDS:
                self.leave_out(row, name, texts[row], "is not a finite number")
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    def leave_out(self, row: int, name: str, text: object, reason: str) -> None:
        """List a row that is not read, with the first reason there is."""
        names = list(self.frame.columns)
        column = names.index(name) if name in names else 0
        line = self.lines[row] if row < len(self.lines) else row + 1
        place = self.export.place(line, column, row, name)
        if place not in self._listed:
            self._listed.add(place)
            self.refused.append(self.export.left_out(place, text, reason))

    def list_unread(self) -> None:
        """List the columns that nobody looked at and whose name says that something was measured."""
        for name in map(str, self.frame.columns):
            if name not in self._texts and _MEASURED.search(name):
                self.leave_out(0, name, "a column", f"is not read: {UNREAD}")

    def sides(self, yes: str) -> list[str]:
        """On which side of each value the truth lies by a column of the table's own; blank where none says it.

        A row whose word is neither yes nor no is listed, and ``unclear``.

        ``yes``  the side of a value that is only said to be a limit: "above" or "below"
        """
        name = next((name for name in LIMITS if name in self), "")
        sides = list[str]()
        for row, text in enumerate(self.texts(name)):
            word = text.lower()
            if word not in (*SIDES, *YES, *NO):
                self.leave_out(row, name, text, f"is no answer: {', '.join((YES[0], NO[0], *SIDES))}")
            limit = (word in YES) == LIMITS.get(name, True)
            known = (yes if limit else "") if word in (*YES, *NO) else UNCLEAR
            sides.append("" if not name or (word == "" and not LIMITS[name]) else SIDES.get(word, known))
        return sides

    def nothing(self, what: str, allowed: str = "one or more") -> BadInput:
        """The error that says the table holds no row that can be read, with the first reason there was."""
        first = self.refused[0] if self.refused else None
        why = f"; {first.place}: {first.given!r} {first.reason}" if first else ""
        return self.export.refusal("rows", what + why, allowed)

    def kilohertz(self) -> tuple[Array, list[str]]:
        """The stimulus' frequency in kHz, NaN for a click and for what can be none, and flags that say so."""
        return self.kilohertz_of(self.first(FREQUENCY))

    def kilohertz_of(self, name: str) -> tuple[Array, list[str]]:
        """The same of one column, whose name may state its unit."""
        texts, unit = self.texts(name), ""
        values = _tones(texts)
        if values is None:
            values = self.numbers(name)
            in_hertz = "hz" in name and "khz" not in name
            scales = self._scales()
            if scales is not None:
                values, in_hertz = values * scales, False
            elif "hz" not in name:
                in_hertz = bool(np.nanmax(values, initial=0.0) > HIGHEST_KILOHERTZ)
                unit = f"frequency without unit: read as {'Hz' if in_hertz else 'kHz'}"
            values = values / (1e3 if in_hertz else 1.0)
        wrong = ~np.isnan(values) & ~((values >= LOWEST_KILOHERTZ) & (values <= HIGHEST_KILOHERTZ))
        about = [
            "click" if text.lower() in CLICKS else f"frequency given as {text}: none" if none else unit
            for text, none in zip(texts, wrong, strict=True)
        ]
        return np.where(wrong, np.nan, values), about

    def _scales(self) -> Array | None:
        """Kilohertz in the unit that each row states in a column of its own, NaN for no unit; None without such."""
        words = self.texts(*FREQUENCY_UNIT)
        if not any(words):
            return None
        return np.array([{"hz": 1e-3, "khz": 1.0}.get(word.lower(), np.nan) for word in words])

    def check_reference(self, reference: str, cure: str) -> None:
        """Raise BadInput where a column of units says that levels are in another reference, such as ``dB HL``."""
        name = next((name for name in LEVEL_UNIT if name in self), "")
        for row, text in enumerate(self.texts(name)) if name else ():
            if text and text.lower().replace(" ", "") not in ("db", reference.lower().replace(" ", "")):
                raise self.export.refusal(f"row {row + 1}, {name}", text[:60], reference, cure)

    def animal(self) -> str:
        """What says that the table is of animals: a column only such a table has, or a species; else empty."""
        species = {text.lower() for text in self.texts("species")} & set(ANIMALS)
        column = next((name for name in ANIMAL if name in self), "")
        return f"a column {column}" if column else f"species {species.pop()}" if species else ""

    def ears(self) -> list[str]:
        """left, right, or blank where not stated."""
        return [EARS.get(text.lower(), "") for text in self.texts("ear", "side")]

    def hours(self) -> tuple[Array, list[str]]:
        """Time after the first insult in h where the table states it, and a flag where it says it in words."""
        for name, factor in _IN_HOURS.items():
            if name in self and not (name == "day" and self._has_words(name)):
                return self.numbers(name) * factor, [""] * len(self.frame)
        days = [f"{word} d" if _NUMBER.fullmatch(word) else word for word in self.texts("day")]
        words = days if "day" in self else self.texts(*_IN_WORDS)
        times = np.array([self.span(word) for word in words], dtype=float)
        words = ["baseline" if _BEFORE.fullmatch(word.strip().lower()) else word for word in words]
        return times, [
            f"timepoint: {word[:40]}" if word and np.isnan(time) and not _CLOCK.fullmatch(word) else ""
            for word, time in zip(words, times, strict=True)
        ]

    def _has_words(self, name: str) -> bool:
        """Whether a column of numbers holds words too, such as baseline or 14 d."""
        return any(word and not _NUMBER.fullmatch(word) for word in self.texts(name))

    @staticmethod
    def span(word: str) -> float:
        """Hours of a time in words, such as ``14 d``, ``d14``, ``2wk`` or ``day 3``; NaN where it is none."""
        text = _AFTER.sub("", word.strip().lower()).strip()
        match = _SPAN.fullmatch(text) or _SPAN_AHEAD.fullmatch(text)
        return float(match["number"]) * _HOURS[match["unit"][0]] if match else float("nan")

    def groups(self) -> list[str]:
        """The group as the table tells it, else what it says of strain, treatment and noise.

        A baseline is a time and no group: such a row takes what the same subject's other rows say.
        """
        if "group" in self:
            return self.texts("group")
        level = [f"{level} dB SPL" if level else "" for level in self.texts("noise_spl")]
        strain = self.texts("substrain", "strain", "genotype")
        parts = (strain, self.texts("treatment"), self._noise(), level)
        return [" ".join(part for part in words if part) for words in zip(*parts, strict=True)]

    def _noise(self) -> list[str]:
        """The noise of each row: as it stands, else the hour of exposure, else that of the subject's other rows."""
        subjects = self.texts(*SUBJECT)
        kind = [word if word.lower() != "baseline" else "" for word in self.texts("noise_type")]
        clock = [word if _CLOCK.fullmatch(word) else "" for word in self.texts("abr_time")]
        later = {who: word for who, word in zip(subjects, kind, strict=True) if word}
        return [k or c or later.get(who, "") for k, c, who in zip(kind, clock, subjects, strict=True)]

    def who(self, rows: Rows) -> dict[str, list[object]]:
        """Subject, ear, group and time of some rows, as the table ``readings`` wants them."""
        subjects = [_MANGLED.sub(r"\1", text) for text in self.texts(*SUBJECT)]
        columns = {"subject": subjects, "ear": self.ears(), "group": self.groups()}
        if any(name in self for name in DATES):
            columns["recorded"] = [day for day, _ in self._days()]
        times = self.hours()[0]
        return {
            **{k: [v[row] for row in rows] for k, v in columns.items()},
            "time": list(times[np.asarray(rows, dtype=int)]),
        }

    def remarks(self, rows: Rows) -> list[str]:
        """Flags on those four: a time in words, a subject that a spreadsheet made a number, an ear that is none.

        A decimal comma is named, too.
        """
        words, names = self.hours()[1], self.texts(*SUBJECT)
        mangled = [_name_remark(name) for name in names]
        dates = [about for _, about in self._days()]
        sides = [unknown_ear(text) for text in self.texts("ear", "side")]
        comma = "decimal comma" if self.decimal == "," else ""
        return [flags(words[row], mangled[row], sides[row], dates[row], comma) for row in rows]

    def _days(self) -> list[tuple[str, str]]:
        """The day each row was recorded, ISO, and a flag where it is not clear which of two numbers is the month."""
        texts = self.texts(*DATES)
        pairs = [(int(match[1]), int(match[2])) for text in texts if (match := _SLASHED.fullmatch(text))]
        orders = (
            (max((day for day, _ in pairs), default=0) > 12, "%d/%m/%Y"),
            (max((day for _, day in pairs), default=0) > 12, "%m/%d/%Y"),
        )
        forms = [form for clear, form in orders if clear]
        days = [
            moment(text, *_DAYS, *(forms if len(forms) == 1 else ())).removesuffix("T00:00") for text in texts
        ]
        return [
            (day, f"date given as {label(text)[:40]}: not read" if text and not day else "")
            for day, text in zip(days, texts, strict=True)
        ]


def _tones(texts: Sequence[str]) -> Array | None:
    """Frequencies in kHz of cells with their unit (``8 kHz``, ``500 Hz``), NaN for a click; None for other cells."""
    words = [text.lower() for text in texts]
    tones = [_TONE.fullmatch(word) for word in words]
    if not any(tones) or any(
        not tone and word not in CLICKS for tone, word in zip(tones, words, strict=True)
    ):
        return None
    hertz = [
        float(tone[1].replace(",", ".")) * (1e3 if tone[2] else 1.0) if tone else np.nan for tone in tones
    ]
    return np.array(hertz) / 1e3


def _name_remark(name: str) -> str:
    """A flag on a subject that a spreadsheet took for a number or a day; else empty."""
    if _DAY.fullmatch(name):
        return (
            f"subject given as the day {name[:10]}: a spreadsheet may have taken an id, such as 1-2, for it"
        )
    return f"subject given as {name}" if _MANGLED.fullmatch(name) else ""


def tone(hertz: float, duration: float) -> tuple[float, str]:
    """The frequency of a tone burst in kHz and a flag: one shorter than a cycle of it is a click (NaN) coded as a tone.

    ``hertz``  0 or NaN for a click;  ``duration``  ms, NaN where not stated
    """
    if not hertz > 0:
        return np.nan, "click"
    if hertz * duration < 1e3:
        return np.nan, f"click; coded as {hertz:g} Hz: less than one cycle in {duration:g} ms"
    return hertz / 1e3, ""


def unknown_ear(text: str) -> str:
    """A flag where a file's word for the ear is neither left nor right; else empty."""
    return (
        "" if not text or text.lower() in EARS else f"ear given as {label(text)[:40]}: neither left nor right"
    )


def possible(value: float) -> bool:
    """Whether a level can have been measured; a number beyond is a code."""
    return SOFTEST <= value <= LOUDEST


def _sums(words: Sequence[str]) -> list[bool]:
    """Which subjects are no subjects: a mean, and what stands beside one."""
    means = [_MEAN.fullmatch(word) is not None for word in words]
    several = any(means)
    return [mean or (several and word in _BESIDE_A_MEAN) for mean, word in zip(means, words, strict=True)]
