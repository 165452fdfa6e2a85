"""HCAT (hair cell analysis toolbox) exports, versions 0.2 and 2: a row per hair cell the program found.

By its code frequencies are in kHz on its map of the mouse, and places are shares of the length from the base. Neither
version names an animal: the column ``animal`` of version 2 holds the species whose map was used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export, flags
from otosome.laboratory.tables import Tables, readings

MARKS = (b"cellID,type,score", b"state_item,object_id,cell_type")
PLACE = ("percent_loc", "percentage")
KINDS = {"ohc": "cell_count.ohc", "ihc": "cell_count.ihc"}
MOST_HEADER = 6


@dataclass(frozen=True)
class Hcat:
    """The program, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its tables of cells, below two lines of its own."""
        return any(line.startswith(MARKS) for line in head.splitlines()[:MOST_HEADER])

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: a row per cell, value 1; folders and people in the header are not kept."""
        skip = export.line_with("frequency", "score", among=MOST_HEADER)
        columns = Columns.of(export, skip, ",")
        kinds = [KINDS.get(text.lower(), "") for text in columns.texts("cell_type", "type")]
        frequency, score = columns.numbers("frequency"), columns.numbers("score")
        place = columns.numbers(columns.first(PLACE))
        edited = columns.texts("was_edited")
        for row, kind in enumerate(kinds):
            if not kind:
                columns.leave_out(
                    row, "type", columns.texts("cell_type", "type")[row], "is neither OHC nor IHC"
                )
        rows = [row for row, kind in enumerate(kinds) if kind]
        if not rows:
            raise export.refusal("rows", "no hair cell", "one or more")
        return Tables(
            readings=readings(
                export,
                quantity=[kinds[row] for row in rows],
                frequency=frequency[rows],
                place=np.where((place >= 0) & (place <= 1), place, np.nan)[rows],
                value=np.ones(len(rows)),
                unit="cells",
                flag=[
                    flags(
                        "not mapped to a frequency"
                        if np.isnan(frequency[row])
                        else "kHz: not stated, by the program",
                        f"score {score[row]:.2f}" if np.isfinite(score[row]) else "",
                        "edited by hand" if edited[row].lower() == "true" else "",
                    )
                    for row in rows
                ],
            ),
            refused=tuple(columns.refused),
        )
