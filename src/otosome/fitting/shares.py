"""Readings in units of a laboratory's own as shares of the healthy number, which the model knows.

Wave I in uV and counts per inner hair cell have no healthy number that holds for every laboratory. They are taken
against the mean of the same table's own ears at that frequency and level: those before the first insult, or, where
there are none, those of groups without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from otosome.study import Study

BASELINE = "timepoint: baseline"
GROSS = "gross outlier"
LARGEST_WAVE = 10.0  # the largest share of the healthy wave, of the wave of a large animal
FEWEST = 3  # animals of a mean that others are taken against
SHARE = ""


def as_shares(study: Study, rows: pd.DataFrame, measures: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The rows with these quantities as shares of the healthy mean where the table has one, and what it is, in words.

    ``rows``      of a table of readings, text columns filled
    ``measures``  quantity -> measure of the study that is a share
    """
    rows, about = rows.copy(), list[str]()
    for quantity, measure in measures.items():
        own = (rows["quantity"] == quantity) & (rows["unit"] != SHARE)
        for unit in sorted(set(rows.loc[own, "unit"])):
            some = own & (rows["unit"] == unit)
            for healthy, words in _healthy(study, rows):
                count = _divide(
                    rows, some, some & healthy, counts=study.tables.measure[measure].cell is not None
                )
                if count:
                    about.append(
                        f"{quantity} in {unit} is taken as shares of the mean of {count} animals {words}"
                    )
                    break
    return rows, about


def _healthy(study: Study, rows: pd.DataFrame) -> list[tuple[pd.Series[bool], str]]:
    """Which rows are of healthy ears, the better kind first, with its name."""
    before = (rows["time"].astype(float) < 0) | rows["flag"].str.contains(BASELINE)
    unharmed = [arm.name for arm in study.tables.arm if not study.suffered(arm)]
    return [(before, "before the insult"), (rows["group"].isin(unharmed), "of groups without an insult")]


def _divide(rows: pd.DataFrame, some: pd.Series[bool], healthy: pd.Series[bool], counts: bool) -> int:
    """Divide rows by the mean of healthy ones of their frequency and level; how many animals these are, 0 for none.

    ``counts``  whether they are counts of cells, of which no ear has more than all
    """
    tone, level = (rows[key].astype(float).round(2).map("{:g}".format) for key in ("frequency", "level"))
    keys = rows.assign(place=tone + " " + level)
    gross = rows["flag"].str.contains(GROSS)
    clear = keys[healthy & rows["censored"].isin(["none", ""]) & ~gross]
    animals = clear.groupby("place")["subject"].nunique()
    means = clear.groupby("place")["value"].mean()[animals >= FEWEST]
    divisor = keys.loc[some, "place"].map(means).astype(float)
    known = divisor.index[divisor > 0]
    if not len(known):
        return 0
    share = rows.loc[known, "value"].astype(float) / divisor[known]
    rows["value"] = rows["value"].astype(float)
    rows.loc[known, "value"] = np.minimum(share, 1.0) if counts else share
    rows.loc[known, "unit"] = SHARE
    if not counts:
        rows.loc[share.index[share > LARGEST_WAVE], "flag"] += (
            f"; {GROSS}: beyond {LARGEST_WAVE:g} times the healthy mean"
        )
    return int(clear["subject"].nunique())
