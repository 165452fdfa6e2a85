"""Groups as they were measured: their differences with the animal as the unit, beside what a study gives them.

The difference is that of the readings alone. Where a study gives two groups the same, a simulation of it says nothing
of their difference, and each row says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otosome.answers.numbers import Interval, written
from otosome.laboratory.groups import group_means
from otosome.laboratory.reading import readings_of
from otosome.study import Study


@dataclass(frozen=True)
class Difference:
    """What a group was measured to differ from another at one time, 95 %.

    ``time``     hours or the words of the file, blank where not stated
    ``level``    dB SPL at which it was read, None where it has none
    ``animals`` ``readings``  of the group
    ``alike``    whether the study gives both groups the same
    """

    quantity: str
    level: float | None
    time: str
    group: str
    against: str
    difference: Interval
    animals: int
    readings: int
    alike: bool


def measured(study: Study, table: Path) -> list[Difference]:
    """The measured differences of a study's groups from the one it compares with, else from its first.

    ``table``  of readings, or an import, whose groups are named as the study's arms
    """
    arms = [arm.name for arm in study.tables.arm]
    compare = study.tables.compare
    if compare is not None:
        arms.sort(key=lambda name: name != compare.against)
    readings = readings_of(table, study.catalog)
    means = group_means(readings[readings["group"].isin(arms)], arms)
    rows = means[means["against"] != ""].to_dict("records")
    return [
        Difference(
            quantity=str(row["quantity"]),
            level=float(row["level"]) if np.isfinite(row["level"]) else None,
            time=str(row["time"]),
            group=str(row["group"]),
            against=str(row["against"]),
            difference=written(row["mean"], row["low"], row["high"], str(row["unit"]), gain=True),
            animals=int(row["animals"]),
            readings=int(row["readings"]),
            alike=study.alike(str(row["group"]), str(row["against"])),
        )
        for row in rows
    ]
