"""The window standing still: one ear unrolled, its audiogram, and the benefit by day of treatment."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from otosome.answers.numbers import power
from otosome.report import window
from otosome.report.drawing import (
    COMPARED,
    SOFT,
    TREATED,
    Array,
    duct_axis,
    label,
    style,
    svg_text,
    tone_axis,
)
from otosome.report.summary import (
    title,
    when,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def window_svg(result: xr.Dataset) -> str:
    """The window as one static SVG, for paper and for readers without scripts."""
    with style(), _window_figure(result) as figure:
        return svg_text(figure, "window")


def save_window(result: xr.Dataset, path: Path) -> None:
    """Write the static window with a white ground, as SVG or PNG by the path's ending.

    raises  ValueError for another ending
    """
    ending = path.suffix.lower()
    if ending not in (".svg", ".png"):
        raise ValueError(f"{path.name}: a picture of the window ends in '.png' or '.svg', not {ending!r}")
    with style({"svg.hashsalt": "otosome"}), _window_figure(result) as figure:
        plain: dict[str, Any] = {"Date": None, "Creator": None} if ending == ".svg" else {"Software": None}
        figure.savefig(path, format=ending[1:], dpi=144, facecolor="white", metadata=plain)


@contextmanager
def _window_figure(result: xr.Dataset) -> "Iterator[Figure]":
    from matplotlib.figure import Figure

    dose = window.start(result)
    moment, species = when(float(result["window_dose"][dose])), words(result.attrs["species"])
    figure = Figure(figsize=(1080 / 72, 520 / 72))
    margins = {"left": 0.06, "right": 0.985, "top": 0.8, "bottom": 0.09, "wspace": 0.19, "hspace": 0.62}
    layout = figure.add_gridspec(2, 2, width_ratios=(1.75, 1), height_ratios=(2.6, 1), **margins)
    where = (layout[:, 0], layout[0, 1], layout[1, 1])
    map_axes, audiogram, strip = (figure.add_subplot(cell) for cell in where)
    subtitle = f"Vesicles {moment}, in one simulated {species} ear at the best value of every number."
    figure.text(0.06, 0.95, title(result), size=19, weight="bold")
    figure.text(0.06, 0.905, f"{subtitle} Research only, not for treating anyone.", color=SOFT)
    _map(figure, map_axes, result, dose)
    _audiogram(audiogram, result, dose)
    _strip(strip, result, dose)
    yield figure


def _map(figure: "Figure", axes: "Axes", result: xr.Dataset, dose: int) -> None:
    hours, distance = window.grid(result)
    cells, logs = window.image(result, dose)
    days, dosed = hours / window.HOURS_A_DAY, float(result["window_dose"][dose]) / window.HOURS_A_DAY
    extent = (distance[0], distance[-1], days[-1], days[0])
    shown = axes.imshow(
        100 * cells,
        extent=extent,
        aspect="auto",
        cmap=window.COLOURS,
        vmin=0,
        vmax=100,
        interpolation="bilinear",
    )
    later = days >= dosed - 1e-9
    exponents = window.levels(window.log_vesicles(result, hours, distance))
    _contours(axes, distance, days[later], logs[later], exponents)
    marks = window.marks(result)
    first = min((mark.time / window.HOURS_A_DAY for mark in marks), default=dosed)
    for index, mark in enumerate(marks):
        day = mark.time / window.HOURS_A_DAY
        axes.axhline(day, color="white", linewidth=1.2, dashes=(4, 3), alpha=0.85)
        if mark.name not in [other.name for other in marks[:index]]:
            _on_line(axes, mark.name, day, above=dosed > day)
    axes.axhline(dosed, color="white", linewidth=2.6)
    # Beside the marks' names, so that the two stay apart where their times do not.
    above = dosed <= first and dosed > days[0] + 0.05 * np.ptp(days)
    _on_line(axes, "vesicles given", dosed, above, end=0.8)
    axes.grid(False)
    axes.set(ylabel="days after the first insult")
    duct_axis(axes, result)
    axes.set_ylim(days[-1], days[0])
    bar = figure.colorbar(shown, ax=axes, orientation="horizontal", fraction=0.035, pad=0.13, aspect=50)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.set_label("% of outer hair cells left. White lines: vesicles per µL in the organ of Corti")


def _on_line(axes: "Axes", text: str, day: float, above: bool, end: float = 1.0) -> None:
    off, anchor = (4, "bottom") if above else (-4, "top")
    where: dict[str, Any] = {"across": "axes fraction", "up": "data", "ha": "right", "va": anchor}
    label(axes, text, (end, day), (-7, off), **where, color="white", weight="bold")


def _contours(axes: "Axes", distance: Array, days: Array, logs: Array, exponents: Sequence[int]) -> None:
    wanted = [exponent for exponent in sorted(exponents) if logs.size and logs.min() < exponent < logs.max()]
    if not wanted or days.size < 2:
        return
    floored = np.maximum(logs, wanted[0] - 2)
    lines = axes.contour(
        distance, days, floored, levels=wanted, colors="white", linewidths=1.1, linestyles="solid"
    )
    for index, exponent in enumerate(reversed(wanted)):
        # On the later branch, each a little nearer to the base than the one before.
        column = int((0.75 - 0.13 * index) * np.flatnonzero((logs >= exponent).any(axis=0))[-1])
        rows = np.flatnonzero(logs[:, column] >= exponent)
        if rows.size:
            where = [(float(distance[column]), float(days[min(rows[-1] + 1, days.size - 1)]))]
            axes.clabel(
                lines, [exponent], fmt={float(exponent): f"10{power(exponent)}"}, fontsize=10, manual=where
            )


def _audiogram(axes: "Axes", result: xr.Dataset, dose: int) -> None:
    tones = result["window_frequency"].values
    treated, vehicle = result["window_shift"].values[dose], result["window_vehicle_shift"].values
    axes.fill_between(tones, vehicle, treated, color=TREATED, alpha=0.13, linewidth=0)
    axes.plot(tones, treated, color=TREATED, linewidth=2.6)
    axes.plot(tones, vehicle, color=COMPARED, dashes=(4, 2))
    tone_axis(axes, tones)
    deepest = max(10.0, float(result["window_shift"].max()), float(vehicle.max()))
    axes.set(ylim=(1.08 * deepest, -0.04 * deepest), ylabel="threshold shift, dB")
    axes.set_title("Hearing lost at the end", loc="left", size=13, weight="bold")
    for text, height, colour in (("- - vehicle", 0.13, COMPARED), ("— vesicles", 0.05, TREATED)):
        axes.text(0.03, height, text, transform=axes.transAxes, color=colour, weight="bold")


def _strip(axes: "Axes", result: xr.Dataset, dose: int) -> None:
    days, saved = (
        result["window_dose"].values / window.HOURS_A_DAY,
        window.hearing_kept(result, window.compared_at(result)),
    )
    axes.fill_between(days, 0, saved, color=TREATED, alpha=0.13, linewidth=0)
    axes.plot(days, saved, color=TREATED)
    axes.plot(days[dose], saved[dose], color=TREATED, marker="o", markersize=8)
    axes.set(xlabel="vesicles given, days after the first insult", ylabel="dB kept")
    axes.set_ylim(min(0.0, 1.15 * saved.min()), max(1.0, 1.15 * saved.max()))
    axes.set_title("Hearing kept, by day of treatment", loc="left", size=13, weight="bold")
