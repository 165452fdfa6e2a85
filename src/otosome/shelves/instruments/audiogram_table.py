"""Audiograms in CSV with a row a threshold; a column a test is the reader ``wide_table``.

That a table is of a person and in dB HL is read from its header, or from ears and the frequencies of audiometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import AUDIOMETRIC, FREQUENCY, LOWEST_TESTED, SUBJECT, YES, Columns
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.levels import Level, level, limited, sift
from otosome.laboratory.tables import Tables, readings, rows_of
from otosome.units import Array

LEVEL = ("threshold_db", "threshold_db_hl", "level_db_hl", "threshold_dbhl")
PATHWAYS = {
    "": "audiogram",
    "air": "audiogram",
    "ac": "audiogram",
    "bone": "audiogram.bone",
    "bc": "audiogram.bone",
    "soundfield": "audiogram.soundfield",
    "ci": "audiogram.ci",
}
NOT_HERE = ("quantity",)
CLINICAL = ("pathway", "masked", "audiogram_id")  # columns that only audiometry has
HIGHEST = 20.0  # kHz that a person hears
CURE = "call the column threshold_db_hl if its levels are a person's, threshold_db_spl if they are an animal's ABR"


@dataclass(frozen=True)
class AudiogramTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has ears, frequencies and hearing levels."""
        names = header(head)
        wanted = {"ear"} <= names and names.intersection(LEVEL) and names.intersection(FREQUENCY)
        return bool(wanted) and not names.intersection(NOT_HERE)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: hearing levels; ``nr`` is no response to the level it stands beside."""
        columns = Columns.of(export)
        name = columns.first(LEVEL)
        frequency, about = columns.kilohertz()
        _of_a_person(columns, name, frequency)
        columns.check_reference("dB HL", CURE)
        pathway = [text.lower() for text in columns.texts("pathway")]
        masked = [text.lower() in YES for text in columns.texts("masked")]
        levels = _levels(columns, name)
        for row, word in enumerate(pathway):
            if word not in PATHWAYS:
                columns.leave_out(row, "pathway", word, f"is none of {', '.join(filter(None, PATHWAYS))}")
        rows = [
            row for row, cell in enumerate(levels) if np.isfinite(cell.value) and pathway[row] in PATHWAYS
        ]
        if not rows:
            raise columns.nothing("no level")
        unit = "" if "hl" in name else "dB HL: not stated, an audiogram"
        columns.list_unread()
        who, remarks, days = columns.who(rows), columns.remarks(rows), columns.texts("performed_at")
        values = [
            {
                "quantity": PATHWAYS[pathway[row]],
                "frequency": frequency[row],
                "value": levels[row].value,
                "unit": "dB HL",
                "censored": levels[row].censored,
                "recorded": days[row][:16],
                "flag": flags(about[row], "masked" if masked[row] else "", remark, unit),
            }
            for row, remark in zip(rows, remarks, strict=True)
        ]
        table = readings(export, **{**rows_of(values), **who})
        return Tables(readings=table, refused=tuple(columns.refused))


def _levels(columns: Columns, name: str) -> list[Level]:
    """What each cell says, with the answer of a column such as ``nr`` beside it."""
    cells = limited([level(text, columns.decimal) for text in columns.texts(name)], columns.sides("above"))
    ears = list(zip(columns.texts(*SUBJECT), columns.ears(), strict=True))
    return sift(columns, {name: cells}, {name: ears}, sure=False)[name]


def _of_a_person(columns: Columns, level: str, frequency: Array) -> None:
    """Raise BadInput unless the table says that it is a person's, in dB HL, and nothing in it says otherwise.

    ``level``  the column of the levels;  ``frequency``  kHz, NaN where there is none
    """
    tested = frequency[np.isfinite(frequency)]
    stated = "hl" in level or any(name in columns for name in CLINICAL)
    usual = bool(tested.size) and np.isclose(tested[:, None], AUDIOMETRIC, rtol=1e-3).any(axis=1).all()
    animal = columns.animal()
    if animal or (tested > HIGHEST).any():
        entry = animal or f"{tested.max():g} kHz"
        raise columns.export.refusal(level, f"{entry}, which is of an animal", "a person's, in dB HL", CURE)
    if not (stated or (usual and (tested <= LOWEST_TESTED).any())):
        raise columns.export.refusal(level, "dB, and not of what", "a header that says dB HL or dB SPL", CURE)
