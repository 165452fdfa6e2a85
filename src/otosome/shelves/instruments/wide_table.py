"""Tables with a column a test: ``right_4000``, ``R AC 4000 Hz``, ``l_bone_500``, ``6kHz-evoked ABR Threshold``, ``8``.

A header's words say ear, pathway, frequency and unit. Of whom and what the levels are is said by the header, or by
what stands together in it: ears and the frequencies of audiometry, or an animal and a click. Else it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import (
    AUDIOMETRIC,
    CLICKS,
    EARS,
    FREQUENCY,
    HIGHEST_KILOHERTZ,
    LOWEST_TESTED,
    SUBJECT,
    Columns,
)
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.levels import level, sift
from otosome.laboratory.tables import Tables, readings

WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)?")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
PATHWAYS = {
    "ac": "audiogram",
    "air": "audiogram",
    "bc": "audiogram.bone",
    "bone": "audiogram.bone",
    "soundfield": "audiogram.soundfield",
    "ci": "audiogram.ci",
}
UNITS = {"hz": 1e-3, "khz": 1.0, "k": 1.0}
ABR = "abr"
SAID = {
    *EARS,
    *PATHWAYS,
    *UNITS,
    *CLICKS,
    ABR,
    "threshold",
    "thresholds",
    "thr",
    "evoked",
    "tone",
    "pip",
    "burst",
    "at",
    "ear",
    "hearing",
    "level",
    "db",
    "dbspl",
    "dbhl",
    "spl",
    "hl",
    "audiogram",
    "pta",
}
HIGHEST_OF_A_PERSON = 20.0  # kHz
NOT_HERE = ("quantity", "score", "cell_type", "cell", "counts", "f2", "seqn")
CURE = "say in a mapping whose thresholds they are and in which dB: otosome new mapping FILE writes one to fill in"


@dataclass(frozen=True)
class Column:
    """What a column's name says: ear (blank where not), frequency as written (NaN for a click), its unit, the words."""

    name: str
    ear: str
    number: float
    scale: float | None
    words: frozenset[str]

    @property
    def click(self) -> bool:
        """Whether the column is of clicks."""
        return bool(self.words.intersection(CLICKS))


@dataclass(frozen=True)
class WideTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects and a column for each of two tests or more."""
        names = header(head)
        tests = [test for name in names if (test := described(name)) is not None]
        return (
            (len(tests) > 1 or any(test.ear and test.words.intersection(PATHWAYS) for test in tests))
            and bool(names.intersection(SUBJECT))
            and not names.intersection((*NOT_HERE, *FREQUENCY))
        )

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: a threshold for each row and column that has one."""
        columns = Columns.of(export)
        tests = [test for name in columns.frame.columns if (test := described(str(name))) is not None]
        if not tests:
            raise columns.nothing("no column of a test", "two or more, such as right_4000")
        kilohertz = _kilohertz(columns, tests)
        person = _of_a_person(columns, tests, kilohertz)
        parts = [_column(columns, test, hertz, person) for test, hertz in zip(tests, kilohertz, strict=True)]
        merged = {key: [value for part in parts for value in part[key]] for key in parts[0]}
        if not merged["value"]:
            raise columns.nothing("no level")
        return Tables(readings=readings(export, **merged), refused=tuple(columns.refused))


def described(name: str) -> Column | None:
    """What a column's name says of a test; None where a word of it says something else."""
    text = name.lower()
    words = WORD.findall(re.sub(r"(?<=\d)\s*khz", " khz", text))
    numbers = [word for word in words if NUMBER.fullmatch(word)]
    said = frozenset(word for word in words if not NUMBER.fullmatch(word))
    if said - SAID or len(numbers) > 1 or bool(numbers) == bool(said.intersection(CLICKS)):
        return None
    sides = {EARS[word] for word in said if word in EARS}
    units = [UNITS[word] for word in said if word in UNITS]
    if len(sides) > 1 or len(units) > 1:
        return None
    number = float(numbers[0]) if numbers else np.nan
    return Column(name, sides.pop() if sides else "", number, units[0] if units else None, said)


def _kilohertz(columns: Columns, tests: Sequence[Column]) -> list[float]:
    """The frequency of each test in kHz; without a unit all are in Hz where one is above what any ear hears in kHz."""
    bare = [test.number for test in tests if test.scale is None and not test.click]
    usual = 1e-3 if bare and max(bare) > HIGHEST_KILOHERTZ else 1.0
    found = [test.number * (test.scale if test.scale is not None else usual) for test in tests]
    wrong = next(
        (test.name for test, khz in zip(tests, found, strict=True) if not (test.click or 0.05 <= khz <= 200)),
        "",
    )
    if wrong:
        raise columns.export.refusal("header", wrong, "frequencies of one unit, 50 Hz to 200 kHz", CURE)
    return found


def _of_a_person(columns: Columns, tests: Sequence[Column], kilohertz: Sequence[float]) -> bool:
    """Whether the table is a person's audiogram; raises BadInput where it says neither that nor an animal's ABR."""
    words = frozenset(word for test in tests for word in test.words)
    tones = np.array([khz for khz in kilohertz if np.isfinite(khz)])
    animal = columns.animal()
    stated = bool(words & {"hl", "dbhl", "audiogram", "pta", *PATHWAYS})
    eared = "ear" in columns or "side" in columns or any(test.ear for test in tests)
    usual = bool(tones.size) and bool(np.isclose(tones[:, None], AUDIOMETRIC, rtol=1e-3).any(axis=1).all())
    if stated and (animal or (tones > HIGHEST_OF_A_PERSON).any()):
        given = animal or f"{tones.max():g} kHz"
        raise columns.export.refusal(
            "header", f"{given}, which is of an animal", "a person's, in dB HL", CURE
        )
    if not animal and usual and ABR not in words and (stated or (eared and tones.min() <= LOWEST_TESTED)):
        return True
    if ABR in words or (animal and words.intersection(CLICKS)):
        return False
    given = f"{animal or 'columns of frequencies'}: neither what was measured nor in which dB"
    raise columns.export.refusal("header", given, "a header that says ABR, dB SPL or dB HL", CURE)


def _column(columns: Columns, test: Column, kilohertz: float, person: bool) -> dict[str, list[object]]:
    """The readings of one column, as columns of the table ``readings``."""
    ears = [test.ear or ear for ear in columns.ears()]
    subjects = columns.texts(*SUBJECT)
    found = [level(text, columns.decimal) for text in columns.texts(test.name)]
    levels = sift(columns, test.name, found, list(zip(subjects, ears, strict=True)), sure=False, blanks=False)
    rows = [row for row, one in enumerate(levels) if np.isfinite(one.value)]
    quantity = next((PATHWAYS[word] for word in test.words if word in PATHWAYS), "audiogram")
    reference = {"hl", "dbhl"} if person else {"spl", "dbspl"}
    usual = "dB HL: not stated, an audiogram" if person else "dB SPL: not stated in the header"
    unit = "" if test.words & reference else usual
    who = {key: list(values) for key, values in columns.who(rows).items()}  # type: ignore[call-overload]  # lists and arrays
    return {
        **who,
        "ear": [ears[row] for row in rows],
        "quantity": [quantity if person else "abr_threshold"] * len(rows),
        "frequency": [kilohertz] * len(rows),
        "value": [levels[row].value for row in rows],
        "unit": ["dB HL" if person else "dB SPL"] * len(rows),
        "censored": [levels[row].censored for row in rows],
        "flag": [flags("click" if test.click else "", said, unit) for said in columns.said(rows)],
    }
