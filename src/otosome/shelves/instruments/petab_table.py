"""Measurement tables of PEtab: an observable in a condition at a time, tab-separated.

A condition is a group, an observable a quantity by the study's own name of the measure (or ``drug.plasma``). PEtab
knows no animals and no units: ``datasetId`` or ``replicateId`` is the subject, and a column ``unit`` says the unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, readings
from otosome.units import as_written, convert, house

NEEDS = ("observableid", "simulationconditionid", "measurement", "time")


@dataclass(frozen=True)
class PetabTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has observables, conditions, measurements and times."""
        return header(head).issuperset(NEEDS)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``, times in hours; a steady state (time inf) is left out, and listed."""
        columns = Columns.of(export)
        if "unit" not in columns:
            raise export.refusal(
                "unit",
                "measurements without a unit",
                "a column unit, such as ug/mL",
                "add it beside measurement",
            )
        times, values = columns.numbers("time"), columns.numbers("measurement")
        units, rows = [as_written(text) for text in columns.texts("unit")], list[int]()
        converted = list[tuple[float, str]]()
        for row, value in enumerate(values):
            unit = _house(units[row])
            if not np.isfinite(times[row]):
                columns.leave_out(row, "time", columns.texts("time")[row], "is no time in hours")
            elif not np.isfinite(value):
                columns.leave_out(row, "measurement", columns.texts("measurement")[row], "is no number")
            elif unit is None:
                columns.leave_out(row, "unit", units[row], "is no unit that is known")
            else:
                rows.append(row)
                converted.append((convert(float(value), units[row], unit), unit))
        if not rows:
            raise columns.nothing("no measurement with a time and a unit")
        return Tables(
            readings=readings(
                export,
                subject=[columns.texts("datasetid", "replicateid")[row] for row in rows],
                group=[columns.texts("simulationconditionid")[row] for row in rows],
                time=times[rows],
                quantity=[columns.texts("observableid")[row] for row in rows],
                value=np.array([value for value, _ in converted]),
                unit=[unit for _, unit in converted],
                flag=[flags("time taken as hours")] * len(rows),
            ),
            refused=tuple(columns.refused),
        )


def _house(text: str) -> str | None:
    """The house unit of a unit, None for one that is not known."""
    try:
        return house(text)
    except ValueError:
        return None
