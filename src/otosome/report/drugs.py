"""Where drugs go as inline SVG: curves at each probe, a line for each arm, and maps over place and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from otosome.answers.band import band
from otosome.answers.exposure import Assayed, Drugs, Followed
from otosome.answers.numbers import number, power, unit_text
from otosome.report import summary
from otosome.report.drawing import INK, SOFT, along, canvas, draw_band, svg_text
from otosome.report.figures import Panel, arm_colours
from otosome.report.summary import capital, groups, words
from otosome.units import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# What lies so far below the highest of a panel is not drawn.
_DECADES = 5
# Longer studies have an axis in days.
_DAYS = 96.0
# How a measured value is drawn: as it is, or as the limit that it lies beyond.
_MARKERS = {"none": "o", "below": "v", "above": "^"}
# From little to much, light to dark, for readers who see no colour as well.
_SHADES = "YlGnBu"


def curves(result: xr.Dataset) -> list[Panel]:
    """Concentration over time of every solute at every probe, with both bands, and what was measured there as dots."""
    drugs = summary.drugs(result)
    return [
        _panel(result, drugs, solute, str(probe))
        for solute in drugs.followed
        for probe in result["probe"].values
        if float(result[f"concentration_{solute.solute}"].sel(probe=probe).max()) > 0.0
    ]


def maps(result: xr.Dataset) -> list[Panel]:
    """Concentration in the scala tympani over place and time: a panel for each solute and arm that gets it."""
    return [
        _map(result, solute, str(arm))
        for solute in summary.drugs(result).followed
        for arm in result["arm"].values
        if float(result[f"along_{solute.solute}"].sel(arm=arm).max()) > 0.0
    ]


def _panel(result: xr.Dataset, drugs: Drugs, solute: Followed, probe: str) -> Panel:
    values = solute.scale * result[f"concentration_{solute.solute}"].sel(probe=probe)
    across, days = _time(result)
    dots = [dot for dot in drugs.assayed if (dot.solute, dot.probe) == (solute.solute, probe)]
    top, peaks = float(values.median("subject").max()), []
    top = max([top if top > 0.0 else float(values.max()), *(dot.value for dot in dots)])
    floor = min([top * 10.0**-_DECADES, *(dot.value / 2.0 for dot in dots if dot.value > 0.0)])
    with canvas(400, 290) as (figure, axes):
        for arm, colour in arm_colours(result).items():
            of_arm = values.sel(arm=arm).values
            if np.any(of_arm > floor):
                draw_band(
                    axes, across, band(np.log10(np.maximum(of_arm, floor / 10.0)), groups(result)), colour
                )
                peaks.append(f"{arm} {number(float(np.median(of_arm.max(axis=1))), 2)}")
        draw_dots(axes, dots, days, floor)
        _decades(axes, floor, max(top, float(values.quantile(0.95, "subject").max())))
        axes.set_xlim(across[0], across[-1])
        axes.set_xlabel("days" if days else "hours")
        axes.set_ylabel(f"{words(solute.solute)}, {unit_text(solute.unit)}")
        svg = svg_text(figure, f"drug {solute.solute} {probe}")
    heading = f"{capital(words(solute.solute))}, {words(probe)}"
    says = f"Median peak, {unit_text(solute.unit)}: {', '.join(peaks) or 'none'}."
    return Panel(heading, says + _told_by(dots), svg)


def assays(result: xr.Dataset, names: Sequence[str]) -> list[Panel]:
    """Measures of concentrations over time, in the unit their solute is written in, with both bands of each arm."""
    return [_assay(result, name) for name in names]


def _assay(result: xr.Dataset, name: str) -> Panel:
    solute = summary.drugs(result).unit(summary.assayed(result, name))
    values = solute.scale * summary.measured(result, name).isel(frequency=0)
    hours = values["time"].values
    days = bool(hours[-1] > _DAYS)
    across, medians = hours / 24.0 if days else hours, []
    top = float(values.quantile(0.95, "subject").max())
    floor = max(float(values.quantile(0.05, "subject").min()), top * 10.0**-_DECADES)
    with canvas(400, 290) as (figure, axes):
        for arm, colour in arm_colours(result).items():
            of_arm = values.sel(arm=arm).values
            if np.any(of_arm > 0.0):
                spread = band(np.log10(np.maximum(of_arm, floor / 10.0)), groups(result))
                draw_band(axes, across, spread, colour, marker="o")
                medians.append(f"{arm} {number(float(np.median(of_arm[:, -1])), 2)}")
        _decades(axes, floor, top)
        axes.set_xlabel("days" if days else "hours")
        axes.set_ylabel(f"{words(solute.solute)}, {unit_text(solute.unit)}")
        svg = svg_text(figure, f"assay {name}")
    last = f"{number(float(across[-1]))} {'d' if days else 'h'}"
    says = f"Median at {last}, {unit_text(solute.unit)}: {', '.join(medians) or 'none'}."
    return Panel(capital(words(name)), says, svg)


def draw_dots(axes: Axes, dots: list[Assayed], days: bool, floor: float) -> None:
    """Measured values as full dots; what lies beyond a limit as an open triangle at it, pointing where it lies."""
    for dot in dots:
        open_ = dot.censored != "none" or dot.value <= 0.0
        axes.plot(
            [dot.time / 24.0 if days else dot.time],
            [np.log10(max(dot.value, floor))],
            marker=_MARKERS["below" if dot.value <= 0.0 else dot.censored],
            color=INK,
            markerfacecolor="none" if open_ else INK,
            markersize=6 if open_ else 4,
            zorder=5,
            clip_on=False,
        )


def _told_by(dots: list[Assayed]) -> str:
    """How many values were measured there, in words."""
    if not dots:
        return ""
    beyond = sum(dot.censored != "none" for dot in dots)
    return f" {len(dots)} measured" + (
        f", {beyond} of them beyond a limit of quantification." if beyond else "."
    )


def _map(result: xr.Dataset, solute: Followed, arm: str) -> Panel:
    values = solute.scale * result[f"along_{solute.solute}"].sel(arm=arm)
    across, days = _time(result)
    distance, top = along(result), float(values.max())
    high = int(np.ceil(np.log10(top)))
    low = high - _DECADES
    logs = np.log10(np.maximum(values.transpose("place", "hour").values, 10.0 ** (low - 1)))
    with canvas(540, 300) as (figure, axes):
        axes.grid(visible=False)
        shading = axes.contourf(across, distance, logs, levels=np.arange(low, high + 0.5, 0.5), cmap=_SHADES)
        lines = axes.contour(
            across, distance, logs, levels=list(range(low, high)), colors=SOFT, linewidths=0.7
        )
        bar = figure.colorbar(shading, ax=axes, pad=0.02)
        bar.add_lines(lines)
        bar.set_ticks(list(range(low, high + 1)), labels=[f"10{power(n)}" for n in range(low, high + 1)])
        bar.set_label(unit_text(solute.unit))
        axes.set_xlabel("days" if days else "hours")
        axes.set_ylabel("mm from the base" if "place_distance" in result else "place, 0 base to 1 apex")
        svg = svg_text(figure, f"map {solute.solute} {arm}")
    peak = values.max("hour").values
    says = (
        f"Highest reached in the scala tympani, {unit_text(solute.unit)}: {number(float(peak[0]), 2)} at the base, "
        f"{number(float(peak[-1]), 2)} at the apex."
    )
    return Panel(f"{capital(words(solute.solute))} along the cochlea, {arm}", says, svg)


def _time(result: xr.Dataset) -> tuple[Array, bool]:
    """When drugs are followed, in hours or, of a long study, in days; and whether in days."""
    hours = result["hour"].values
    days = bool(hours[-1] > _DAYS)
    return (hours / 24.0 if days else hours), days


def _decades(axes: Axes, floor: float, top: float) -> None:
    """An axis of logarithms, written as powers of ten."""
    low, high = float(np.log10(floor)), float(np.log10(top)) + 0.2
    ticks = range(int(np.ceil(low)), int(np.floor(high)) + 1)
    axes.set_yticks(list(ticks), [f"10{power(tick)}" for tick in ticks])
    axes.set_ylim(low, high)
