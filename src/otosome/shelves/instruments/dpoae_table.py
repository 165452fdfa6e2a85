"""Published long tables of distortion-product emissions: a row per pair of primaries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from otosome.laboratory.columns import (
    HIGHEST_KILOHERTZ,
    LOWEST_KILOHERTZ,
    SUBJECT,
    Columns,
    possible,
)
from otosome.laboratory.file import Export, flags, header
from otosome.laboratory.tables import Tables, readings
from otosome.units import Array

EMISSION = ("level_distprod", "dp_level", "dpoae_level", "level_dp")
SET, MEASURED = "level_db", "level_f2"
LEVEL = (SET, MEASURED, "l2")
F2 = ("f2", "f2_hz", "f2_khz")


@dataclass(frozen=True)
class DpoaeTable:
    """The layout, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a table that begins so has subjects, f2 and the level of the emission."""
        names = header(head)
        return all(names.intersection(group) for group in (SUBJECT, F2, EMISSION))

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: the emission's level at f2, for the level of its primaries."""
        columns = Columns.of(export)
        name = columns.first(EMISSION)
        value, (level, called) = columns.numbers(name), _level(columns)
        stated = columns.first(F2)
        f2 = columns.numbers(stated)
        in_hertz = stated == "f2_hz" or (
            stated == "f2" and bool(np.nanmax(f2, initial=0.0) > HIGHEST_KILOHERTZ)
        )
        f2 = f2 / (1e3 if in_hertz else 1.0)
        f2 = np.where((f2 >= LOWEST_KILOHERTZ) & (f2 <= HIGHEST_KILOHERTZ), f2, np.nan)
        for row in np.flatnonzero(~np.isfinite(value) | ~np.isfinite(f2)):
            columns.leave_out(int(row), name, columns.texts(name)[row], "no emission level, or no f2")
        codes = np.isfinite(value) & ~np.array([possible(v) or -60 < v < 0 for v in value], dtype=bool)
        for row in np.flatnonzero(codes):
            columns.leave_out(int(row), name, value[row], "a code, not a level")
        usable = np.flatnonzero(np.isfinite(value) & np.isfinite(f2) & ~codes)
        if usable.size == 0:
            raise columns.nothing("no emission")
        unit = f"f2 without unit: read as {'Hz' if in_hertz else 'kHz'}" if stated == "f2" else ""
        return Tables(
            readings=readings(
                export,
                **columns.who(usable),
                quantity="dpoae",
                frequency=f2[usable],
                value=value[usable],
                unit="dB SPL",
                level=level[usable],
                flag=[
                    flags(remark, called[row], unit, "dB SPL: not stated in the header")
                    for row, remark in zip(usable, columns.remarks(usable), strict=True)
                ],
            ),
            refused=tuple(columns.refused),
        )


def _level(columns: Columns) -> tuple[Array, list[str]]:
    """The level of f2 in dB, and a flag where a table has it as it was measured, to whole dB, and as it was set."""
    nominal = columns.numbers(columns.first(LEVEL))
    if SET not in columns or MEASURED not in columns:
        return nominal, [""] * nominal.size
    microphone, level = columns.numbers(MEASURED), nominal.copy()
    for decibels in np.unique(nominal[np.isfinite(nominal)]):
        at = nominal == decibels
        if np.isfinite(microphone[at]).any():
            level[at] = np.round(np.nanmedian(microphone[at]))
    differ = np.isfinite(nominal) & (level != nominal)
    return level, [
        f"level of f2 as measured; set to {decibels:g} dB" if apart else ""
        for decibels, apart in zip(nominal, differ, strict=True)
    ]
