"""Malvern Zetasizer record tables (Nano and ZS Xplorer exports): a row a measurement, size and zeta potential."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export, flags, header, moment
from otosome.laboratory.tables import Tables, readings, rows_of

# What a column holds by its name: quantity, unit, and the values it can have.
COLUMNS = (
    (re.compile(r"z-ave(?:rage)?(?: size)?\s*\((?:d\.?\s*)?nm\)"), "diameter", "nm", (0.3, 1e4)),
    (re.compile(r"pdi|polydispersity index(?:\s*\(pi\))?"), "polydispersity", "", (0.0, 1.0)),
    (re.compile(r"(?:zp|zeta potential)\s*\(mv\)"), "zeta_potential", "mV", (-150.0, 150.0)),
)
SAMPLE = ("sample name", "sample")
DATE = ("measurement date and time", "measurement start date and time", "date and time")
DATES = ("%d %B %Y %H:%M:%S", "%A, %B %d, %Y %I:%M:%S %p", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class Zetasizer:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has samples and a mean size or a zeta potential with its unit."""
        names = header(head)
        stated = [name for name in names for form, _, unit, _ in COLUMNS if unit and form.fullmatch(name)]
        return bool(stated) and bool(names.intersection(SAMPLE))

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: z-average diameter, polydispersity and zeta potential; the subject is the sample."""
        columns = Columns.of(export)
        samples, days = columns.texts(*SAMPLE), columns.texts(*DATE)
        rows = list[dict[str, object]]()
        for name in map(str, columns.frame.columns):
            match = next((kind[1:] for kind in COLUMNS if kind[0].fullmatch(name)), None)
            if match is None:
                continue
            quantity, unit, (lowest, highest) = match
            values = columns.numbers(name)
            for row in np.flatnonzero(np.isfinite(values)):
                if lowest <= values[row] <= highest:
                    about = {"subject": samples[row], "recorded": moment(days[row], *DATES)}
                    rows.append({**about, "quantity": quantity, "unit": unit, "value": float(values[row])})
                else:
                    columns.leave_out(
                        int(row), name, f"{values[row]:g}", "beyond what the instrument measures"
                    )
        if not rows:
            raise columns.nothing("no size and no zeta potential")
        table = readings(export, **rows_of(rows), flag=flags("subject is the sample"))
        return Tables(readings=table, refused=tuple(columns.refused))
