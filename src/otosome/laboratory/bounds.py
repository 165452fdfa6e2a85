"""What no measurement can be: a row with such a number is refused, whatever read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.file import Refused
from otosome.laboratory.tables import Tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Bound:
    """The least and the most that a number can be, in the unit of its table, and why."""

    low: float
    high: float
    why: str


_YEARS = 24.0 * 365.25
_SOUND = Bound(-60.0, 194.0, "sound in air ends at 194 dB SPL, where its pressure would fall below nothing")
COLUMNS = {
    "time": Bound(-10 * _YEARS, 100 * _YEARS, "an experiment lasts from ten years before to a hundred after"),
    "frequency": Bound(1e-3, 300.0, "no ear hears below 1 Hz or above 300 kHz"),
    "level": _SOUND,
    "diameter": Bound(1e-7, 10.0, "particles are from 0.1 nm to 1 cm wide"),
    # Spheres of 20 nm, packed as densely as can be (0.74 of the room).
    "concentration": Bound(0.0, 1.8e14, "no more of the smallest vesicles, 20 nm, fit into a microlitre"),
}
VALUES = {
    **dict.fromkeys(("dB SPL", "dB HL", "dB nHL", "dB peSPL", "dB"), _SOUND),
    "uV": Bound(-1e6, 1e6, "no ear makes a volt"),
    # Osmium, the densest of all things, weighs 22.6 g/mL.
    "ug/uL": Bound(0.0, 22_600.0, "nothing is denser than osmium, 22.6 g/mL"),
    "%": Bound(-1e4, 1e4, "a share of more than a hundred times the whole"),
}


def within(tables: Tables) -> Tables:
    """The tables without rows that no measurement can be, which are refused by name."""
    refused = list(tables.refused)
    sound: dict[str, pd.DataFrame] = {}
    for name, table in tables.each().items():
        impossible: dict[int, Refused] = {}
        for column, bound in COLUMNS.items():
            if column in table:
                _refuse(impossible, name, table, column, np.ones(len(table), dtype=bool), bound)
        if "value" in table and "unit" in table:
            units = table["unit"].to_numpy()
            for unit, bound in VALUES.items():
                _refuse(impossible, name, table, "value", units == unit, bound)
        refused += [impossible[row] for row in sorted(impossible)]
        possible = ~np.isin(np.arange(len(table)), list(impossible))
        sound[name] = table if possible.all() else table[possible].reset_index(drop=True)
    return replace(tables, **sound, refused=tuple(refused))


def _refuse(
    impossible: dict[int, Refused],
    name: str,
    table: pd.DataFrame,
    column: str,
    concerned: NDArray[np.bool_],
    bound: Bound,
) -> None:
    """Add the rows of a column that lie beyond a bound; what was not measured lies nowhere."""
    numbers = table[column].to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        beyond = concerned & ((numbers < bound.low) | (numbers > bound.high))
    for row in np.flatnonzero(beyond):
        place = f"{name}, row {row + 1}, {column}"
        impossible.setdefault(
            int(row),
            Refused(str(table["file"].iloc[row]), place, f"{numbers[row]:g}", f"cannot be: {bound.why}"),
        )
