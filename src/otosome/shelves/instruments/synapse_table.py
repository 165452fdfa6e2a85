"""Published long tables of synapse or ribbon counts per inner hair cell.

Such tables do not say what was counted: their name does, or they are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import FREQUENCY, SUBJECT, Columns
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, readings

COUNTS = ("counts", "synapses_per_ihc", "ribbons_per_ihc")
NOT_HERE = ("cell_type",)  # a cochleogram says of each row what was counted
MOST = 100.0  # per inner hair cell
KINDS = {"synaps": "cell_count.synapse", "ribbon": "cell_count.ribbon"}


@dataclass(frozen=True)
class SynapseTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects, frequencies and counts without kinds of cells."""
        names = header(head)
        wanted = all(names.intersection(group) for group in (SUBJECT, FREQUENCY, COUNTS))
        return wanted and not names.intersection(NOT_HERE)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: counts per inner hair cell at each frequency."""
        columns = Columns.of(export)
        name = columns.first(COUNTS)
        quantity, named = _kind(export, name)
        value = columns.numbers(name)
        frequency, about = columns.kilohertz()
        right = np.isfinite(value) & (value >= 0) & (value <= MOST)
        for row in np.flatnonzero(~right):
            columns.leave_out(int(row), name, columns.texts(name)[row], "no count per inner hair cell")
        usable = np.flatnonzero(right)
        if usable.size == 0:
            raise export.refusal(name, "no count", f"0 to {MOST:g} per inner hair cell")
        return Tables(
            readings=readings(
                export,
                **columns.who(usable),
                quantity=quantity,
                frequency=frequency[usable],
                value=value[usable],
                unit="per IHC",
                flag=[
                    flags(named, remark, about[row])
                    for row, remark in zip(usable, columns.remarks(usable), strict=True)
                ],
            ),
            refused=tuple(columns.refused),
        )


def _kind(export: Export, column: str) -> tuple[str, str]:
    for word, quantity in KINDS.items():
        if word in column:
            return quantity, ""
        if word in export.name.lower():
            return quantity, "what was counted: from the file's name"
    cure = "name the file, or the column, after what was counted"
    raise export.refusal("counts", export.name, "synapses or ribbons", cure)
