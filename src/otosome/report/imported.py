"""Figures of an import to work with: groups over frequency, and thresholds of hands against those of waveforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.numbers import number
from otosome.report.drawing import COMPARED, INK, SOFT, canvas, svg_text, tone_axis
from otosome.report.groups import COLOURS, look
from otosome.report.summary import words
from otosome.units import moment

if TYPE_CHECKING:
    import pandas as pd

APART = 0.03  # octaves by which groups stand side by side
# Thresholds of a published program beside those of people: evidence on 6,959 pairs of 351 mice.
BAR = "a published program beside people: +0.3 dB, SD 6.2 dB, 68 % within 5 dB, 91 % within 10 dB (ABRpresto, mice)"


@dataclass(frozen=True)
class Drawing:
    """A figure with what it says, and the numbers that it draws."""

    name: str
    says: str
    svg: str
    table: pd.DataFrame

    @property
    def stem(self) -> str:
        """Its name as a file's."""
        return "_".join("".join(c if c.isalnum() else " " for c in self.name.lower()).split())[:80]


def order_of(readings: pd.DataFrame, means: pd.DataFrame | None) -> list[str]:
    """The groups in the order of the study, others behind by name."""
    stated = [] if means is None else [str(name) for name in means["group"].unique()]
    return [*stated, *sorted({str(name) for name in readings["group"]} - {*stated, ""})]


def over_frequency(readings: pd.DataFrame, order: Sequence[str]) -> Iterator[Drawing]:
    """A drawing of each quantity at each time: medians of animals by group, with their quartiles; axes are shared.

    Of a quantity read at several levels the level read most often is drawn; a censored reading stands at its limit.
    """
    if not len(readings):
        return
    timepoints = readings["flag"].astype(str).str.extract(r"timepoint: ([^;]*)")[0].fillna("")
    hours = readings["time"].map(lambda hour: moment(hour) if np.isfinite(hour) else "")
    known = readings.assign(
        when=hours.where(hours != "", timepoints), order=readings["time"].fillna(-np.inf)
    ).dropna(subset=["frequency"])
    for (quantity, unit), rows in known.groupby(["quantity", "unit"], sort=True):
        level = rows["level"].mode().max()
        shown = rows if np.isnan(level) else rows[rows["level"] == level]
        if shown["frequency"].nunique() < 2:
            continue
        units = known.loc[known["quantity"] == quantity, "unit"].nunique()
        title = words(str(quantity).replace(".", " ")) + (f" in {unit}" if units > 1 else "")
        limits = _limits(shown["value"].to_numpy(dtype=float))
        for (_, when), now in shown.groupby(["order", "when"], sort=True):
            name = ", ".join(filter(None, (title, str(when))))
            at = "" if np.isnan(level) else f" at {level:g} dB"
            yield _panel(name, f"{unit}{at}", now, order, limits, shown["frequency"].unique())


def _limits(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    gap = 0.05 * float(np.ptp(values)) or 1.0
    return float(values.min()) - gap, float(values.max()) + gap


def _panel(
    name: str,
    unit: str,
    rows: pd.DataFrame,
    order: Sequence[str],
    limits: tuple[float, float],
    tones: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> Drawing:
    """Groups over frequency at one time."""
    table = _quartiles(rows, order)
    with canvas(380, 340) as (figure, axes):
        for place, (group, points) in enumerate(table.groupby("group", sort=False)):
            number = order.index(str(group)) if group in order else len(COLOURS)
            colour, marker = look(number) if group else (INK, "o")
            middle = points["median"].to_numpy(dtype=float)
            axes.errorbar(
                points["frequency"] * 2 ** (APART * place),
                middle,
                [middle - points["low"], points["high"] - middle],
                color=colour,
                marker=marker,
                markersize=5,
                linewidth=1.4,
                elinewidth=0.9,
                label=f"{str(group) or 'no group'} (n = {points['animals'].max()})",
            )
        tone_axis(axes, np.sort(tones))
        axes.set_ylim(*limits)
        axes.set_ylabel(unit)
        axes.legend(fontsize=9, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        svg = svg_text(figure, f"imported {name}")
    censored = int((rows["censored"] != "none").sum())
    limit = f", {censored} at their limit" if censored else ""
    says = f"{len(rows)} readings of {rows['subject'].nunique()} animals{limit}"
    return Drawing(name, says, svg, table)


def _quartiles(rows: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Median and quartiles of animals at each frequency, groups in order; each animal counts once by its mean."""
    animals = rows.groupby(["group", "frequency", "subject"])["value"].mean()
    by = animals.groupby(level=["group", "frequency"])
    table = by.quantile(np.array([0.25, 0.5, 0.75])).unstack().set_axis(["low", "median", "high"], axis=1)
    table = table.assign(animals=by.size()).reset_index()
    rank = {name: place for place, name in enumerate(order)}
    return table.sort_values("group", key=lambda names: names.map(rank).fillna(len(rank)), kind="stable")


@dataclass(frozen=True)
class Agreement:
    """Thresholds by two ways, dB, the first of ``names`` less the second (Bland and Altman).

    ``near``  share of pairs within 5 and within 10 dB;  ``others``  pairs in another reference of dB, left out
    ``pairs`` subject, ear, frequency, value, low, high, manual, difference and file of each
    """

    unit: str
    bias: float
    spread: float
    near: tuple[float, float]
    others: int
    pairs: pd.DataFrame
    names: tuple[str, str] = ("waveforms", "hand")

    @property
    def limits(self) -> tuple[float, float]:
        """Between which 95 % of differences lie."""
        return self.bias - 1.96 * self.spread, self.bias + 1.96 * self.spread

    @property
    def says(self) -> str:
        """Bias, limits of agreement and how many pairs."""
        low, high = self.limits
        others = f"; {self.others} in another reference left out" if self.others else ""
        pairs = f"{len(self.pairs)} pairs in {self.unit}{others}"
        return f"{self.bias:+.1f} dB, limits {low:+.1f} to {high:+.1f} dB, {pairs}"

    @property
    def beside(self) -> str:
        """Its deviation and shares, beside those of a published program."""
        shares = [f"{share:.0%} within {limit} dB" for share, limit in zip(self.near, (5, 10), strict=True)]
        return f"SD {self.spread:.1f} dB, {shares[0]}, {shares[1]}; {BAR}"

    def drawing(self) -> Drawing:
        """Differences over the mean of both, with bias and limits."""
        middle = (self.pairs["value"] + self.pairs["manual"]) / 2
        with canvas(520, 320) as (figure, axes):
            axes.plot(middle, self.pairs["difference"], "o", color=INK, markersize=4, alpha=0.7)
            for line in (*self.limits, self.bias):
                axes.axhline(line, color=COMPARED, linewidth=1.2)
                axes.annotate(f"{line:+.1f}", (1.0, line), xycoords=("axes fraction", "data"), color=COMPARED)
            axes.axhline(0.0, color=SOFT, linewidth=0.8, dashes=(2, 3))
            axes.set_xlabel(f"mean of both, {self.unit}")
            axes.set_ylabel(f"{self.names[0]} minus {self.names[1]}, dB")
            svg = svg_text(figure, "agreement")
        return Drawing(f"Thresholds by {self.names[0]} and by {self.names[1]}", self.says, svg, self.pairs)


def agreement(estimated: pd.DataFrame, names: tuple[str, str] = ("waveforms", "hand")) -> Agreement | None:
    """The agreement of thresholds with those set by hand; None for fewer than two pairs.

    Differences are in dB whatever the levels refer to; pairs of another reference than most have are left out.

    ``names``  of the columns ``value`` and ``manual``, as a figure says them
    """
    if not len(estimated):
        return None
    both = estimated[estimated["manual"].notna() & (estimated["censored"] == "none")]
    unit = "" if both.empty else str(both["unit"].mode().iloc[0])
    own = both[both["unit"] == unit]
    if len(own) < 2:
        return None
    apart = (own["value"] - own["manual"]).to_numpy(dtype=float)
    near = (float((np.abs(apart) <= 5).mean()), float((np.abs(apart) <= 10).mean()))
    columns = ("subject", "ear", "frequency", "value", "low", "high", "manual", "file")
    pairs = own[[name for name in columns if name in own]].assign(difference=apart)
    return Agreement(
        unit, float(apart.mean()), float(apart.std(ddof=1)), near, len(both) - len(own), pairs, names
    )


def rows_of_pairs(shown: Agreement) -> list[list[str]]:
    """The pairs as a page prints them."""
    keys = [name for name in ("value", "low", "high", "manual", "difference") if name in shown.pairs]
    return [
        [
            *(str(row.get(key, "")) for key in ("subject", "ear")),
            "click" if np.isnan(row.get("frequency", np.nan)) else f"{row['frequency']:g} kHz",
            *(number(float(row[key])) for key in keys),
            str(row.get("file", "")),
        ]
        for row in shown.pairs.to_dict("records")
    ]
