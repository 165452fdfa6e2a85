"""Group means and contrasts as one figure for print: the animal as the unit, groups in the order of the study."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.report.drawing import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Eight groups that differ in print and to colour-blind readers; further ones are grey.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#1c2329", "#882255")
MARKERS = "osD^vP*X"
GREY = "#9aa3a8"
INCH = 25.4  # mm
COLUMN, ROW = 85.0, 60.0  # mm of a panel: a column of a journal wide
APART = 0.8  # of the room of a time that its groups take
MOST_QUANTITIES = 8
_TITLES = {
    "abr": "ABR",
    "dpoae": "DPOAE",
    "wave1": "wave I",
    "db": "dB",
    "spl": "SPL",
    "hl": "HL",
    "nhl": "nHL",
    "ohc": "OHC",
    "ihc": "IHC",
    "sgn": "SGN",
}
# What a printer wants: black on white, and text that stays text.
PRINT = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 9,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "pdf.fonttype": 42,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "lines.linewidth": 1.2,
    "svg.hashsalt": "groups",
}


def reading_title(name: str) -> str:
    """What was read as a reader knows it: ``abr_threshold`` is ABR threshold."""
    words = [_TITLES.get(word.lower(), word) for word in re.split(r"[_.\s]+", name.strip())]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def look(number: int) -> tuple[str, str]:
    """Colour and marker of a group by its place in the study."""
    return (COLOURS[number], MARKERS[number]) if number < len(COLOURS) else (GREY, ".")


def save_groups(means: pd.DataFrame, stem: Path) -> None:
    """Write the figure of ``laboratory.groups.group_means`` as SVG and PDF, the same for the same table."""
    with style(dict(PRINT)):
        figure = group_figure(means)
        for ending in ("svg", "pdf"):
            date = {"Date": None} if ending == "svg" else {"CreationDate": None}
            figure.savefig(stem.with_suffix(f".{ending}"), metadata=date)


def group_figure(means: pd.DataFrame) -> Figure:
    """For each quantity the means of the groups at each time, and beside them each contrast; bars hold 95 %.

    ``n`` of a group is its animals where it has most.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    kinds = list(means.groupby(["quantity", "unit"], sort=True))[:MOST_QUANTITIES]
    order = list(means.groupby("group", sort=False)["animals"].max().index)
    figure = Figure(figsize=(2 * COLUMN / INCH, ROW * len(kinds) / INCH), layout="constrained")
    rows = figure.subplots(len(kinds), 2, squeeze=False)
    for (left, right), ((quantity, unit), part) in zip(rows, kinds, strict=True):
        level = float(part["level"].iloc[0])
        at = "" if np.isnan(level) else f" at {level:g} dB"
        _draw(left, part[part["against"] == ""], order)
        left.set(title=reading_title(str(quantity)) + at, ylabel=f"mean, {unit}" if unit else "mean")
        contrasts = part[part["against"] != ""]
        _draw(right, contrasts, order)
        right.set_visible(bool(len(contrasts)))
        right.axhline(0.0, color=GREY, linewidth=0.8)
        against = ", ".join(dict.fromkeys(contrasts["against"].astype(str)))
        right.set(title=f"less {against}"[:60], ylabel=unit or "difference")
    most = means.groupby("group")["animals"].max()
    handles = [
        Line2D(
            [],
            [],
            color=look(i)[0],
            marker=look(i)[1],
            linestyle="none",
            label=f"{group} (n = {most[group]})",
        )
        for i, group in enumerate(order)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, order: list[str]) -> None:
    """A point and a bar for each group at each time, side by side; an open triangle where it lies beyond the limits."""
    times = list(dict.fromkeys(rows["time"]))
    for number, group in enumerate(order):
        own = rows[rows["group"] == group]
        if not len(own):
            continue
        shift = APART * ((number + 0.5) / len(order) - 0.5)
        across = np.array([times.index(time) for time in own["time"]]) + shift
        ends = own[["low", "mean", "high"]].to_numpy(dtype=float)
        colour, marker = look(number)
        for column, side in (
            (0, "^"),
            (2, "v"),
        ):  # a group beyond the limits, where the mean of its limits is
            beyond = np.isnan(ends[:, 1])
            axes.plot(
                across[beyond], ends[beyond, column], side, color=colour, fillstyle="none", markersize=6
            )
        axes.errorbar(
            across,
            ends[:, 1],
            yerr=np.abs(np.diff(ends, axis=1).T),
            color=colour,
            marker=marker,
            markersize=4,
            linestyle="none",
            capsize=2,
        )
    axes.set_xticks(range(len(times)), [time or "time not stated" for time in times])
    axes.set_xlim(-0.6, max(len(times), 1) - 0.4)
