"""How a laboratory's own readings spread: between animals, between ears of one animal, between frequencies of one ear.

Deviations are taken from the mean of each group, time and frequency, so that what was done to a group is no spread.
Correlations are intraclass, pooled over all cells: of pairs of ears, and of pairs of frequencies.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.errors import BadInput
from otosome.files import sha256
from otosome.roles import Options
from otosome.trials.power import chi2_quantiles
from otosome.units import Array, moment

if TYPE_CHECKING:
    import pandas as pd

READINGS, SPREAD = "readings.parquet", "spread.csv"
FEWEST_ANIMALS, MOST_ROWS = 4, 2_000_000
_COLUMNS = ("subject", "ear", "group", "time", "quantity", "frequency", "value", "unit", "level", "censored")


@dataclass(frozen=True)
class SpreadFrom(Options):
    """Where readings stand: the ``folder`` that import wrote, the ``quantity``, and the ``time`` in h, if one alone."""

    folder: str
    quantity: str
    time: float | None = None


@dataclass(frozen=True)
class OwnSpread:
    """Numbers of a design by key, as its file would state them, in words, and the file they are from."""

    values: Mapping[str, str | int | list[str]]
    words: str
    inputs: Mapping[str, str]


def own_spread(beside: Path, where: SpreadFrom) -> OwnSpread:
    """The spread of a laboratory's own readings; raises BadInput where there are too few, or none of this kind.

    ``beside``  the folder of the design's file, from which a folder is named
    """
    file = beside / where.folder / READINGS
    table = _readings(file)
    part = _chosen(table, where, file)
    unit = "dB" if str(part["unit"].iloc[0]).startswith("dB") else str(part["unit"].iloc[0])
    if unit not in ("dB", "%", ""):
        raise BadInput(
            "is in a unit designs do not compare", file=str(file), key="unit", given=unit, allowed=["dB", "%"]
        )
    sd, freedom, animals = _between(part)
    low, high = _interval(sd, freedom)
    values: dict[str, str | int | list[str]] = {
        "spread": f"{sd:.3g} {unit}",
        "spread_range": [f"{low:.3g} {unit}", f"{high:.3g} {unit}"],
    }
    words = [f"spread {sd:.3g} {unit} ({low:.3g} to {high:.3g}, 90 %) from {animals} animals"]
    for key, across in (("ear_correlation", "ear"), ("frequency_correlation", "frequency")):
        correlation = _correlation(part, across)
        if correlation is not None:
            share = min(max(correlation, 0.0), 0.999)
            values[key] = f"{100 * share:.3g} %"
            words.append(f"{key.replace('_', ' ')} {share:.2f}")
    runs = _runs(beside / where.folder / SPREAD, where)
    if runs is None:
        words.append("exposure runs not split: nothing in the files tells runs of one group apart")
    else:
        each, part_between, by = runs
        values |= {"run_animals": each, "run_share": f"{100 * min(part_between, 0.99):.3g} %"}
        words.append(
            f"{100 * part_between:.0f} % of it between exposure runs of some {each} animals (by {by})"
        )
    summary = f"From {where.folder}, {where.quantity}: {'; '.join(words)}."
    return OwnSpread(values, summary, {str(file): sha256(file)})


def _runs(file: Path, where: SpreadFrom) -> tuple[int, float, str] | None:
    """Animals of a run, share of the variance of animals' means between runs, and what tells runs; None if nothing.

    Groups and times are pooled by their animals. A table of an older import has none.
    """
    import pandas as pd

    if not file.is_file():
        return None
    rows = pd.read_csv(file)
    rows = rows[rows["quantity"] == where.quantity].dropna(subset=["between_runs", "between_animals"])
    if where.time is not None:
        rows = rows[rows["time"].isin([moment(where.time), f"{where.time:g} h"])]
    if rows.empty:
        return None
    weight = rows["animals"] - 1
    among, within = ((weight * rows[key] ** 2).sum() for key in ("between_runs", "between_animals"))
    if among + within == 0:
        return None
    each = max(round(float((rows["animals"] / rows["runs"]).median())), 1)
    return each, float(among / (among + within)), str(rows["by"].iloc[0])


def _readings(file: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    if not file.is_file():
        raise BadInput("is not there", file=str(file), cure="name the folder that otosome import wrote")
    try:
        head = pq.ParquetFile(file)
        missing = [name for name in _COLUMNS if name not in head.schema_arrow.names]
        if missing or head.metadata.num_rows > MOST_ROWS:
            raise BadInput("is not a table of readings", file=str(file), key=(missing or ["rows"])[0])
        return pd.DataFrame(head.read(columns=list(_COLUMNS)).to_pandas())
    except (ArrowException, OSError) as error:
        raise BadInput(f"cannot be read ({str(error)[:100]})", file=str(file)) from error


def _chosen(table: pd.DataFrame, where: SpreadFrom, file: Path) -> pd.DataFrame:
    """Uncensored rows of one quantity, at one time where one is named, with deviations from their cell's mean."""
    part = table[table["quantity"] == where.quantity]
    if part.empty:
        raise BadInput(
            "was not imported",
            file=str(file),
            key="quantity",
            given=where.quantity,
            allowed=sorted(table["quantity"].unique()),
        )
    if where.time is not None:
        times = sorted(part["time"].dropna().unique())
        part = part[np.isclose(part["time"], where.time)]
        if part.empty:
            raise BadInput(
                "nothing was read then", file=str(file), key="time", given=where.time, allowed=times
            )
    part = part[(part["censored"] == "none") & (part["subject"] != "")].copy()
    part["frequency"], part["time"] = part["frequency"].fillna(0.0), part["time"].fillna(0.0)
    part["level"] = part["level"].fillna(0.0)
    cells = part.groupby(["group", "time", "frequency", "level"])["value"]
    part["off"] = part["value"] - cells.transform("mean")
    part["animals"] = part.groupby(["group", "time", "frequency", "level"])["subject"].transform("nunique")
    part = part[part["animals"] >= 2]
    if part["subject"].nunique() < FEWEST_ANIMALS:
        raise BadInput(
            "holds too few animals to say how they spread",
            file=str(file),
            key="quantity",
            given=int(part["subject"].nunique()),
            allowed=f"at least {FEWEST_ANIMALS}",
        )
    return part


def _between(part: pd.DataFrame) -> tuple[float, float, int]:
    """Standard deviation of one ear's reading between animals, its degrees of freedom, and the animals.

    Cells share animals, so the freedom is that of the animals and not of the readings.
    """
    n = part["animals"].to_numpy(dtype=float)
    scaled = part["off"].to_numpy() / np.sqrt(1 - 1 / n)
    animals = int(part.groupby("group")["subject"].nunique().sum())
    groups = part["group"].nunique()
    return float(np.sqrt((scaled**2).mean())), float(max(animals - groups, 1)), animals


def _interval(sd: float, freedom: float) -> tuple[float, float]:
    """5 and 95 % of a standard deviation known from so many degrees of freedom."""
    low, high = (sd * math.sqrt(freedom / float(q)) for q in chi2_quantiles(np.array([0.95, 0.05]), freedom))
    return low, high


def _correlation(part: pd.DataFrame, across: str) -> float | None:
    """Correlation of two readings of one animal that differ only in ``across``; None where there are no pairs."""
    others = [name for name in ("subject", "group", "time", "level", "ear", "frequency") if name != across]
    wide = part.pivot_table(index=others, columns=across, values="off", aggfunc="mean")
    columns = [wide[name].to_numpy() for name in wide.columns]
    pairs = [_pair(first, second) for first, second in itertools.combinations(columns, 2)]
    covariance, variance, count = (
        (float(sum(part)) for part in zip(*pairs, strict=True)) if pairs else (0, 0, 0)
    )
    return covariance / variance if count >= FEWEST_ANIMALS and variance > 0 else None


def _pair(first: Array, second: Array) -> tuple[float, float, int]:
    """Products, half the squares, and pairs of two columns with gaps."""
    both = np.isfinite(first) & np.isfinite(second)
    a, b = first[both], second[both]
    return float((a * b).sum()), float(((a**2).sum() + (b**2).sum()) / 2), int(both.sum())
