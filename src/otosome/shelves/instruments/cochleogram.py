"""Cochleograms as laboratories tabulate them: cells present and missing, or counted, at a frequency or place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import FREQUENCY, SUBJECT, Columns
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, readings
from otosome.units import Array

CELL = ("cell_type", "cell")
COUNT = ("present", "count", "counts")
PLACE = {"percent_from_base": (0.0, 0.01), "percent_from_apex": (1.0, -0.01)}
CELLS = {
    "ihc": "ihc",
    "ohc": "ohc",
    "ohc1": "ohc",
    "ohc2": "ohc",
    "ohc3": "ohc",
    "sgn": "sgn",
    "synapse": "synapse",
    "synapses": "synapse",
    "ribbon": "ribbon",
    "ribbons": "ribbon",
}
LENGTH = ("length_mm", "length_um")
NOT_HERE = ("score", "quantity")


@dataclass(frozen=True)
class Cochleogram:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects, kinds of cells and counts at a frequency or a place."""
        names = header(head)
        where = {*FREQUENCY, *PLACE, "percent"}
        wanted = all(names.intersection(group) for group in (SUBJECT, CELL, COUNT, where))
        return wanted and not names.intersection(NOT_HERE)

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: the share of cells present, else cells per mm, else cells."""
        columns = Columns.of(export)
        place = _place(columns)
        frequency, about = (
            columns.kilohertz()
            if any(n in columns for n in FREQUENCY)
            else (place * np.nan, [""] * place.size)
        )
        value, unit = _value(columns)
        kinds = [CELLS.get(text.lower(), "") for text in columns.texts(*CELL)]
        rows = [text.upper() for text in columns.texts(*CELL)]
        for row, kind in enumerate(kinds):
            if not kind:
                columns.leave_out(row, "cell_type", rows[row], f"is none of {', '.join(sorted(CELLS))}")
            elif not (np.isfinite(value[row]) and value[row] >= 0):
                columns.leave_out(row, "count", value[row], "no count")
        usable = np.flatnonzero(
            np.array([bool(kind) for kind in kinds], dtype=bool) & np.isfinite(value) & (value >= 0)
        )
        if usable.size == 0:
            raise columns.nothing("no count of a known cell")
        return Tables(
            readings=readings(
                export,
                **columns.who(usable),
                quantity=[f"cell_count.{kinds[row]}" for row in usable],
                frequency=frequency[usable],
                place=place[usable],
                value=value[usable],
                unit=unit,
                flag=[
                    flags(f"row {rows[row]}" if rows[row][-1:].isdigit() else "", remark, about[row])
                    for row, remark in zip(usable, columns.remarks(usable), strict=True)
                ],
            ),
            refused=tuple(columns.refused),
        )


def _place(columns: Columns) -> Array:
    """0 base to 1 apex, NaN where only a frequency is given; a bare percentage has no direction and is refused."""
    for name, (start, factor) in PLACE.items():
        if name in columns:
            place = start + factor * columns.numbers(name)
            return np.where((place >= 0) & (place <= 1), place, np.nan)
    if "percent" in columns and not any(name in columns for name in FREQUENCY):
        cure = "name the column percent_from_base or percent_from_apex"
        raise columns.export.refusal("percent", "no direction", "percent_from_base, percent_from_apex", cure)
    return np.full(len(columns.frame), np.nan)


def _value(columns: Columns) -> tuple[Array, str]:
    count = columns.numbers(columns.first(COUNT))
    if "missing" in columns:
        missing = columns.numbers("missing")
        known = np.where((count >= 0) & (missing >= 0), count + missing, 0.0)
        return np.divide(count, known, out=np.full_like(count, np.nan), where=known > 0), ""
    for name, scale in zip(LENGTH, (1.0, 1e3), strict=True):
        if name in columns:
            length = columns.numbers(name) / scale
            return np.divide(count, length, out=np.full_like(count, np.nan), where=length > 0), "cells/mm"
    return count, "cells"
