"""Groups as they were measured: their differences with the animal as the unit, beside what a study gives them.

The difference is that of the readings alone. Where a study gives two groups the same, a simulation of it says nothing
of their difference, and each row says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.numbers import Interval, written
from otosome.laboratory.animals import Animals
from otosome.laboratory.cohorts import Runs, apart, runs_of
from otosome.laboratory.groups import group_means
from otosome.laboratory.naming import strain_of
from otosome.laboratory.reading import readings_of
from otosome.study import Study

if TYPE_CHECKING:
    import pandas as pd


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


def strain_note(study: Study, table: Path) -> list[str]:
    """A sentence where the sheet beside readings names another strain than the study, or one that it leaves out."""
    sheet = _sheet(table)
    if sheet is None:
        return []
    words = sorted(set(sheet["strain"]) - {""})
    shelved = study.catalog.strains(study.tables.species)
    of_study = study.tables.strain
    if not words or {strain_of(word, shelved) for word in words} == {of_study}:
        return []
    simulated = "names none, so a mixture was simulated" if of_study is None else f"is of {of_study}"
    return [
        f"The animals sheet of the readings says {', '.join(words)}, and the study {simulated} (strains on the shelf: "
        f"{', '.join(shelved) or 'none'})."
    ]


def runs_beside(study: Study, table: Path) -> tuple[Runs, list[str]]:
    """In which run each animal of some readings was exposed, and sentences on runs that lie apart."""
    readings = readings_of(table, study.catalog)
    own = readings[readings["group"].isin([arm.name for arm in study.tables.arm])]
    if "subject" not in own or "censored" not in own:
        return Runs(), []
    runs = runs_of(sorted(set(map(str, own["subject"])) - {""}), _sheet(table))
    return runs, list(apart(own, runs))


def _sheet(table: Path) -> pd.DataFrame | None:
    """The rows of the animals sheet beside a table of readings; None where there is none."""
    file = (table if table.is_dir() else table.parent) / "animals.csv"
    return Animals.read(file).rows if file.is_file() else None
