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
    LOWEST_KILOHERTZ,
    LOWEST_TESTED,
    SUBJECT,
    Columns,
)
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.levels import Level, level, sift
from otosome.laboratory.tables import Tables, at_rows, readings
from otosome.units import Array

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
SIDES = set(EARS) - {"re", "le"}  # in a header "re" may as well be a reference
CLINICAL = {*PATHWAYS, "hl", "dbhl", "audiogram", "pta"}  # words that only audiometry has
# Quantity (blank: by the pathway), unit, and the words that state it: of an animal, of a person.
KINDS = {False: ("abr_threshold", "dB SPL", {"spl", "dbspl"}), True: ("", "dB HL", {"hl", "dbhl"})}
WORDS = {
    *SIDES,
    "masked",
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
SIDE = ("ear", "side")
NAMELESS = "add a column that says whose row each is, or keep one subject a file"
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
        """Whether a table that begins so has a column for each of two tests or more, of subjects or of one."""
        names = header(head)
        tests = [test for name in names if (test := described(name)) is not None]
        worded = [test for test in tests if test.words]
        if names.intersection((*NOT_HERE, *FREQUENCY)):
            return False
        if names.intersection((*SUBJECT, *SIDE)):
            return len(tests) > 1 or any(test.ear and test.words.intersection(PATHWAYS) for test in tests)
        return len(worded) > 1

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: a threshold for each row and column that has one."""
        columns = Columns.of(export)
        tests = [test for name in columns.frame.columns if (test := described(str(name))) is not None]
        if not tests:
            raise columns.nothing("no column of a test", "two or more, such as right_4000")
        _check_subjects(columns)
        kilohertz = _kilohertz(columns, tests)
        person = _of_a_person(columns, tests, kilohertz)
        columns.check_reference(KINDS[person][1], CURE)
        levels = _levels(columns, tests)
        parts = [
            _column(columns, test, hertz, person, levels[test.name])
            for test, hertz in zip(tests, kilohertz, strict=True)
        ]
        merged = {key: [value for part in parts for value in part[key]] for key in parts[0]}
        if not merged["value"]:
            raise columns.nothing("no level")
        columns.list_unread()
        return Tables(readings=readings(export, **merged), refused=tuple(columns.refused))


def _check_subjects(columns: Columns) -> None:
    """Raise BadInput for rows of several ears that no column tells apart; one row, or one an ear, is one subject."""
    ears = columns.ears()
    single = len(ears) == 1 or (all(ears) and len(set(ears)) == len(ears))
    if not (single or any(name in columns for name in SUBJECT)):
        rows = f"{len(ears)} rows and no column of subjects"
        raise columns.export.refusal("header", rows, f"one of {', '.join(SUBJECT)}", NAMELESS)


def described(name: str) -> Column | None:
    """What a column's name says of a test; None where a word of it says something else."""
    parts = WORD.findall(name.lower())
    numbers = [part for part in parts if NUMBER.fullmatch(part)]
    words = frozenset(parts).difference(numbers)
    sides = {EARS[word] for word in words.intersection(SIDES)}
    units = [UNITS[word] for word in words.intersection(UNITS)]
    stimuli = len(numbers) + bool(words.intersection(CLICKS))
    if words - WORDS or stimuli != 1 or len(sides) > 1 or len(units) > 1:
        return None
    number = float(numbers[0]) if numbers else np.nan
    return Column(name, sides.pop() if sides else "", number, units[0] if units else None, words)


def _kilohertz(columns: Columns, tests: Sequence[Column]) -> list[float]:
    """The frequency of each test in kHz; without a unit all are in Hz where one is above what any ear hears in kHz."""
    bare = [test.number for test in tests if test.scale is None and not test.click]
    usual = 1e-3 if bare and max(bare) > HIGHEST_KILOHERTZ else 1.0
    frequencies = [test.number * (usual if test.scale is None else test.scale) for test in tests]
    for test, khz in zip(tests, frequencies, strict=True):
        if not (test.click or LOWEST_KILOHERTZ <= khz <= HIGHEST_KILOHERTZ):
            raise columns.export.refusal(
                "header", test.name, "frequencies of one unit, 50 Hz to 200 kHz", CURE
            )
    return frequencies


def _of_a_person(columns: Columns, tests: Sequence[Column], kilohertz: Sequence[float]) -> bool:
    """Whether the table is a person's audiogram; raises BadInput where it says neither that nor an animal's ABR."""
    words = frozenset().union(*(test.words for test in tests))
    tones = np.array([khz for khz in kilohertz if np.isfinite(khz)])
    animal = columns.animal()
    if words.intersection(CLINICAL):
        _check_person(columns, tones, animal)
        return True
    if ABR in words or (animal and words.intersection(CLICKS)):
        return False
    eared = any(columns.ears()) or any(test.ear for test in tests)
    if eared and not animal and _audiometric(tones):
        return True
    what = f"{animal or 'columns of frequencies'}: neither what was measured nor in which dB"
    raise columns.export.refusal("header", what, "a header that says ABR, dB SPL or dB HL", CURE)


def _check_person(columns: Columns, tones: Array, animal: str) -> None:
    """Raise BadInput where a table of audiometry is of an animal, or of tones that no person hears."""
    what = animal or (f"{tones.max():g} kHz" if (tones > HIGHEST_OF_A_PERSON).any() else "")
    if what:
        raise columns.export.refusal("header", f"{what}, which is of an animal", "a person's, in dB HL", CURE)


def _audiometric(tones: Array) -> bool:
    """Whether these are frequencies of the audiometer, kHz, one of them too low for any rodent."""
    usual = np.isclose(tones[:, None], AUDIOMETRIC, rtol=1e-3).any(axis=1).all()
    return bool(tones.size and usual and tones.min() <= LOWEST_TESTED)


def _levels(columns: Columns, tests: Sequence[Column]) -> dict[str, list[Level]]:
    """What the cells of each test say, those of all tests judged together."""
    subjects, sides = columns.texts(*SUBJECT), columns.ears()
    cells = {test.name: [level(text, columns.decimal) for text in columns.texts(test.name)] for test in tests}
    whose = {
        test.name: [(who, test.ear or ear) for who, ear in zip(subjects, sides, strict=True)]
        for test in tests
    }
    return sift(columns, cells, whose, sure=False, blanks=False)


def _column(
    columns: Columns, test: Column, kilohertz: float, person: bool, levels: Sequence[Level]
) -> dict[str, list[object]]:
    """The readings of one column, as columns of the table ``readings``."""
    ears = [test.ear or ear for ear in columns.ears()]
    rows = [row for row, cell in enumerate(levels) if np.isfinite(cell.value)]
    pathway = next((PATHWAYS[word] for word in sorted(test.words.intersection(PATHWAYS))), "audiogram")
    quantity, unit, stated = KINDS[person]
    about = "" if test.words & stated else f"{unit}: not stated in the header"
    remarks = columns.remarks(range(len(ears)))
    nameless = "" if any(name in columns for name in SUBJECT) else "no subject in the table"
    return {
        **columns.who(rows),
        **at_rows(
            rows,
            ear=ears,
            quantity=[quantity or pathway] * len(ears),
            frequency=[kilohertz] * len(ears),
            value=[cell.value for cell in levels],
            unit=[unit] * len(ears),
            censored=[cell.censored for cell in levels],
            flag=[
                flags(
                    "click" if test.click else "",
                    "masked" if "masked" in test.words else "",
                    remark,
                    about,
                    nameless,
                )
                for remark in remarks
            ],
        ),
    }
