"""Event tables of the pharmacometric trade in CSV: ID TIME DV, with AMT EVID MDV CMT DVID CENS LLOQ where there are.

Such a table states no unit: a column ``UNIT`` (or ``DV_UNIT``) beside DV says it. Times are hours, as a flag on each
reading says. Doses are read by who drafts a study; here they are no readings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, readings
from otosome.units import Array, as_written, convert, house

NEEDS = ("id", "time", "dv")
EVENTS = ("amt", "evid", "mdv", "cmt", "dvid")
# CENS of Monolix and nlmixr2: the truth lies below DV, is DV, lies above it.
CENSORED = {"1": "below", "0": "none", "": "none", "-1": "above"}
MISSING = ("", ".", "na")
LIMITS = ("lloq", "limit_of_quantification")


@dataclass(frozen=True)
class NonmemTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects, times, a dependent variable and a column of events."""
        names = header(head)
        return names.issuperset(NEEDS) and bool(names.intersection(EVENTS))

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: quantity ``drug.<compartment>``, in house units; rows of doses are none."""
        columns = Columns.of(export)
        if "unit" not in columns and "dv_unit" not in columns:
            raise export.refusal(
                "UNIT", "DV without a unit", "a column UNIT that says it, such as ug/mL", "add it beside DV"
            )
        rows = [row for row in range(len(columns.frame)) if observed(columns, row)]
        concentration, limit = columns.numbers("dv"), _limits(columns)
        values = list[tuple[int, float, str, str]]()
        for row in rows:
            read = _value(columns, row, float(concentration[row]), float(limit[row]))
            if read is not None:
                values.append((row, *read))
        if not values:
            raise columns.nothing("no observation (EVID 0, MDV 0)", "one or more")
        rows_read = [row for row, *_ in values]
        return Tables(
            readings=readings(
                export,
                subject=[columns.texts("id")[row] for row in rows_read],
                group=[columns.texts("group", "arm", "trt")[row] for row in rows_read],
                time=columns.numbers("time")[rows_read],
                quantity=[f"drug.{compartment(columns, row)}" for row in rows_read],
                value=np.array([value for _, value, *_ in values]),
                unit=[unit for _, _, unit, _ in values],
                censored=[side for *_, side in values],
                flag=[flags("TIME taken as hours")] * len(rows_read),
            ),
            refused=tuple(columns.refused),
        )


def observed(columns: Columns, row: int) -> bool:
    """Whether a row is an observation: EVID 0 or none, MDV 0 or none, no AMT, and not commented out."""
    zero = (*MISSING, "0", "0.0")
    if columns.texts("c")[row].lower() == "c":
        return False
    return all(columns.texts(name)[row].lower() in zero for name in ("evid", "mdv", "amt"))


def compartment(columns: Columns, row: int) -> str:
    """Where an observation is of: CMT or DVID by name, else ``cmt_2`` or ``dvid_2`` by number."""
    for name in ("compartment", "dvid", "cmt"):
        text = columns.texts(name)[row].lower()
        if text not in MISSING:
            word = "_".join("".join(c if c.isalnum() else " " for c in text).split())[:30]
            return f"{name}_{word}" if word.isdigit() else word
    return "cmt_1"


def _limits(columns: Columns) -> Array:
    """The limit of quantification of each row; NaN where none is stated."""
    name = next((name for name in LIMITS if name in columns), "")
    return columns.numbers(name) if name else np.full(len(columns.frame), np.nan)


def _value(columns: Columns, row: int, value: float, limit: float) -> tuple[float, str, str] | None:
    """A DV in its house unit, with the side on which it is censored; None for one that is left out, and listed."""
    text, stated, cens = (columns.texts(*names)[row] for names in (("dv",), ("unit", "dv_unit"), ("cens",)))
    if cens.removesuffix(".0") not in CENSORED:
        columns.leave_out(row, "cens", cens, "is none of 1 (below DV), 0, -1 (above DV)")
        return None
    side = CENSORED[cens.removesuffix(".0")]
    if side == "below" and np.isfinite(limit):
        value = limit
    stated = as_written(stated)
    try:
        unit = house(stated)
    except ValueError:
        unit = ""
    if unit not in ("uM", "ug/uL"):
        columns.leave_out(row, "unit", stated, "is no unit of concentration that is known")
    elif not value >= 0 or text.lower() in MISSING:
        columns.leave_out(row, "dv", text, "is no concentration (MDV says 1 where DV is missing)")
    else:
        return convert(value, stated, unit), unit, side
    return None
