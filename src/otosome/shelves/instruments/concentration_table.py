"""Concentrations in a fluid or tissue in CSV: who, when, what, where, how much.

A value written ``<0.1`` lies below the limit of quantification and is censored there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from otosome.laboratory.assays import SUBSTANCE, UNNAMED, WHERE, Layout, layout, quantity_word, sites
from otosome.laboratory.columns import UNCLEAR, Columns
from otosome.laboratory.file import (
    Export,
    flags,
    header,
    parse,
)
from otosome.laboratory.tables import Tables, readings
from otosome.units import as_written, convert, house

SIGNS = {"<": "below", ">": "above"}


@dataclass(frozen=True)
class ConcentrationTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects, fluids and concentrations."""
        return layout(header(head)) is not None

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: quantity ``solute.compartment``, in house units."""
        columns = Columns.of(export)
        names = list(map(str, columns.frame.columns))
        known = layout(names)
        if known is None:
            raise export.refusal(
                "header",
                ", ".join(names)[:200],
                "animal, time_h, compartment, concentration_ug_ml, or the like",
            )
        columns.frame = columns.frame.rename(columns=known.names)
        values = list(_values(columns, known))
        if not values:
            raise columns.nothing("no concentration with a unit", "one or more, such as concentration_um")
        rows = [row for row, *_ in values]
        named = any(name in columns for name in SUBSTANCE)
        what = columns.texts(*SUBSTANCE) if named else [known.solute] * len(columns.frame)
        what, where = (list(map(quantity_word, texts)) for texts in (what, columns.texts(*WHERE)))
        place, drawn = sites(columns)
        return Tables(
            readings=readings(
                export,
                **columns.who(rows),
                quantity=[f"{what[row] or UNNAMED}.{where[row]}" for row in rows],
                place=[place[row] for row in rows],
                value=np.array([value for _, value, *_ in values]),
                unit=[unit for _, _, unit, _ in values],
                censored=[sign for *_, sign in values],
                flag=[
                    flags(remark, drawn[row]) for row, remark in zip(rows, columns.remarks(rows), strict=True)
                ],
            ),
            refused=tuple(columns.refused),
        )


def _values(columns: Columns, known: Layout) -> Iterator[tuple[int, float, str, str]]:
    """Row, value and house unit of each concentration, and the side on which it is censored; others are listed."""
    name = known.column
    stated = [known.unit] * len(columns.frame) if known.unit else columns.texts("unit")
    units, sides = [as_written(text) for text in stated], columns.sides("below")
    for row, text in enumerate(columns.texts(name)):
        value = parse(text.lstrip("<> "), columns.decimal)
        unit = _unit(units[row])
        if value is None or np.isnan(value) or value < 0:
            columns.leave_out(row, name, text, "is no concentration")
        elif unit is None:
            columns.leave_out(row, "unit", units[row], "is no unit of concentration that is known")
        elif sides[row] != UNCLEAR:
            side = SIGNS.get(text[:1]) or sides[row] or "none"
            yield row, convert(value, units[row], unit), unit, side


def _unit(text: str) -> str | None:
    """The house unit for a concentration's unit, None for anything else."""
    try:
        kind = house(text)
    except ValueError:
        return None
    return kind if kind in ("uM", "ug/uL") else None
