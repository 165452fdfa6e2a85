"""Small static pictures as inline SVG: one thought each, so that a phone stacks and a stage lines them up."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from otosome.report import window
from otosome.report.summary import (
    Spread,
    amount,
    attribute,
    capital,
    headline,
    measured,
    number,
    percent,
    power,
    spread,
    title,
    when,
    words,
    worlds,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

INK, SOFT = "#1c2329", "#5c6770"
# Okabe and Ito's palette for colour-blind readers: the treated arm blue, its comparator vermilion.
TREATED, COMPARED = "#0072B2", "#D55E00"
OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4d4d4d", "#8a6d3b")
DOTS = 24  # readings drawn per frequency and panel; more only smear
FREQUENCIES = 4  # panels over time
OCTAVES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
KINDS = {
    "OHC": "Outer hair cells",
    "IHC": "Inner hair cells",
    "synapse": "Synapses per inner hair cell",
    "SGN": "Spiral ganglion neurons",
}
_XLINK, _SVG = "{http://www.w3.org/1999/xlink}href", "{http://www.w3.org/2000/svg}"
# Matplotlib types a style's keys as the list of all their names.
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.edgecolor": "#9aa3a8",
    "axes.labelcolor": SOFT,
    "axes.labelsize": 12,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e8eae7",
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.solid_capstyle": "round",
    "lines.linewidth": 2,
    "svg.fonttype": "none",
    "figure.dpi": 72,
    "savefig.dpi": 72,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "path.simplify": True,
    "image.composite_image": False,
}


@dataclass(frozen=True)
class Panel:
    """One picture: its heading, what it says in words, and the SVG text."""

    heading: str
    says: str
    svg: str


def arm_colours(result: xr.Dataset) -> dict[str, str]:
    """A colour per arm: the two compared first, the others in the order of the study."""
    asked = headline(result)
    colours = {asked["of"]: TREATED, asked["against"]: COMPARED} if asked else {}
    arms = [str(arm) for arm in result["arm"].values]
    rest = [arm for arm in arms if arm not in colours]
    colours.update({arm: OTHERS[index % len(OTHERS)] for index, arm in enumerate(rest)})
    return {arm: colours[arm] for arm in arms}


def banded(result: xr.Dataset) -> set[str]:
    """Arms drawn with a band where all arms share a picture: the two compared."""
    asked = headline(result)
    return {asked["of"], asked["against"]} if asked else set()


# ---------------------------------------------------------------- the panels


def by_frequency(result: xr.Dataset, readings: pd.DataFrame, name: str) -> list[Panel]:
    """A measure over frequency at its last time: a panel per arm, with bands and readings."""
    last = measured(result, name).isel(time=-1)
    seen = _at(readings, name, float(last["time"]))
    limits = _limits([last.values, seen["value"].to_numpy(dtype=float)])
    return [_frequency_panel(result, last, seen, str(arm), limits) for arm in result["arm"].values]


def together(result: xr.Dataset, names: Sequence[str]) -> list[Panel]:
    """Further measures over frequency at their last time: a panel per measure, a line per arm."""
    return [_together_panel(result, name) for name in names]


def over_time(result: xr.Dataset, name: str) -> list[Panel]:
    """A measure over time: a panel per frequency, spread over all, a line per arm; none for a single time."""
    asked = measured(result, name)
    if asked.sizes["time"] < 2:
        return []
    tones = asked["frequency"].values
    tones = tones[np.unique(np.linspace(0, tones.size - 1, FREQUENCIES).round().astype(int))]
    chosen = [asked.sel(frequency=tone) for tone in tones]
    limits = _limits([one.quantile([0.05, 0.95], "subject").values for one in chosen])
    return [_time_panel(result, one, limits) for one in chosen]


def cochleogram(result: xr.Dataset) -> list[Panel]:
    """Cells counted at the end along the duct: a panel per kind, a line per arm, bands for the compared."""
    return [_cell_panel(result, str(kind)) for kind in result["cell"].values]


def delivery(result: xr.Dataset) -> list[Panel]:
    """Where the dose ends: peak vesicles in the organ of Corti along the duct, with both bands."""
    reached = result["vesicles"].where(result["vesicles"] > 0)
    treated = [str(arm) for arm in result["arm"].values if reached.sel(arm=arm).notnull().any()]
    arm = headline(result).get("of", treated[0] if treated else None)
    if arm not in treated:
        return []
    # Where nothing at all arrives the logarithm stops at the smallest amount that does.
    logs = np.log10(reached.sel(arm=arm).fillna(float(reached.sel(arm=arm).min())).values)
    band = spread(logs, worlds(logs.shape[0]))
    with _figure(540, 300) as (figure, axes):
        _band(axes, _along(result), band, TREATED)
        _duct_axis(axes, result)
        axes.set_ylabel("vesicles per µL, highest reached")
        _decades(axes, np.stack([band.middle, *band.knowledge, *band.subjects]))
        svg = _svg(figure, "delivery")
    base, apex = (number(10 ** float(band.middle[place]), 2) for place in (0, -1))
    wide = float(band.knowledge[1][-1] - band.knowledge[0][-1])
    says = (
        f"“{arm}”: the highest concentration reached is {base} vesicles per µL at the base and {apex} at the apex "
        f"(medians); at the apex, what we do not know alone spans {wide:.1f} powers of ten."
        f"{_rival(result, arm)}"
    )
    return [Panel("Vesicles in the organ of Corti", says, svg)]


def _rival(result: xr.Dataset, arm: str) -> str:
    """What the dose's soluble protein does meanwhile, as far as the result holds it."""
    if "protein" not in result:
        return ""
    base, apex = (
        number(float(result["protein"].sel(arm=arm).median("subject")[place]), 2) for place in (0, -1)
    )
    return (
        f" The soluble protein that comes along, the rival explanation of any effect, reaches {base} µg per µL at the "
        f"base and {apex} at the apex; here it does nothing."
    )


def sizes(result: xr.Dataset) -> list[Panel]:
    """The size distribution of the batch with its size classes."""
    batch = attribute(result, "sizes")
    if not batch:
        return []
    diameter, density = np.asarray(batch["diameter"], float), np.asarray(batch["density"], float)
    with _figure(540, 230) as (figure, axes):
        axes.fill_between(diameter, density, color=TREATED, alpha=0.18, linewidth=0)
        axes.plot(diameter, density, color=TREATED)
        for size in batch["classes"]:
            axes.axvline(size["diameter"], color=INK, linewidth=1, dashes=(2, 3))
            _label(axes, f"{number(size['diameter'])} nm", (size["diameter"], 1), (4, -4), va="top")
        axes.set(xlabel="diameter, nm", xlim=(0, _far(diameter, density)), yticks=[])
        axes.set_ylim(0, density.max() * 1.12)
        axes.spines["left"].set_visible(False)
        svg = _svg(figure, "sizes")
    drawn = ", ".join(
        f"{number(size['diameter'])} nm ({number(100 * size['weight'], 2)} %)" for size in batch["classes"]
    )
    origin = words(batch["origin"]).rstrip(".")
    says = f"Batch “{words(batch['name'])}”: {origin}. It is simulated as vesicles of {drawn}."
    return [Panel("Sizes of the vesicles", says, svg)]


def window_svg(result: xr.Dataset) -> str:
    """The window as one static SVG, for paper and for readers without scripts."""
    with _style(), _window_figure(result) as figure:
        return _svg(figure, "window")


def save_window(result: xr.Dataset, path: Path) -> None:
    """Write the static window with a white ground, as SVG or PNG by the path's ending.

    raises  ValueError for another ending
    """
    ending = path.suffix.lower()
    if ending not in (".svg", ".png"):
        raise ValueError(f"{path.name}: a picture of the window ends in '.png' or '.svg', not {ending!r}")
    with _style({"svg.hashsalt": "otosome"}), _window_figure(result) as figure:
        plain: dict[str, Any] = {"Date": None, "Creator": None} if ending == ".svg" else {"Software": None}
        figure.savefig(path, format=ending[1:], dpi=144, facecolor="white", metadata=plain)


# ---------------------------------------------------------------- one panel each


def _frequency_panel(
    result: xr.Dataset, last: xr.DataArray, seen: pd.DataFrame, arm: str, limits: tuple[float, float]
) -> Panel:
    tones, colour, against = (
        last["frequency"].values,
        arm_colours(result)[arm],
        headline(result).get("against"),
    )
    band = spread(last.sel(arm=arm).values, worlds(last.sizes["subject"]))
    with _figure(400, 290) as (figure, axes):
        if against not in (None, arm):
            other = last.sel(arm=against).median("subject").values
            axes.plot(tones, other, color=COMPARED, linewidth=1.2, dashes=(1, 2.2))
        _dots(axes, seen[seen["group"] == arm], tones, colour)
        _band(axes, tones, band, colour, marker="o")
        _tone_axis(axes, tones)
        _value_axis(axes, last, limits)
        svg = _svg(figure, f"frequency {last.name} {arm}")
    unit = str(last.attrs.get("unit", ""))
    ends = [f"{amount(float(band.middle[i]), unit)} at {number(float(tones[i]))} kHz" for i in (0, -1)]
    return Panel(arm, f"{arm}: median {' and '.join(ends)}.", svg)


def _together_panel(result: xr.Dataset, name: str) -> Panel:
    last = measured(result, name).isel(time=-1)
    tones, unit, ends = last["frequency"].values, str(last.attrs.get("unit", "")), []
    with _figure(400, 290) as (figure, axes):
        for arm, band in _lines(axes, result, last, tones, marker="o"):
            ends.append(f"{arm} {amount(float(band.middle.mean()), unit)}")
        _tone_axis(axes, tones)
        _value_axis(axes, last, _limits([last.quantile([0.05, 0.95], "subject").values], unit))
        svg = _svg(figure, f"together {name}")
    day = number(float(last["time"]) / window.HOURS_A_DAY)
    return Panel(f"{capital(_name(last))}, day {day}", f"Mean over frequency: {', '.join(ends)}.", svg)


def _time_panel(result: xr.Dataset, one: xr.DataArray, limits: tuple[float, float]) -> Panel:
    days, unit, ends = one["time"].values / window.HOURS_A_DAY, str(one.attrs.get("unit", "")), []
    tone = float(one["frequency"])
    with _figure(400, 270) as (figure, axes):
        for arm, band in _lines(axes, result, one, days, marker="o"):
            ends.append(f"{arm} {amount(float(band.middle[-1]), unit)}")
        axes.set_xlabel("days after the first insult")
        _value_axis(axes, one, limits)
        axes.locator_params(axis="x", steps=[1, 2, 5, 10], integer=True)
        svg = _svg(figure, f"time {one.name} {tone}")
    return Panel(f"{number(tone)} kHz", f"Day {number(float(days[-1]))}: {', '.join(ends)}.", svg)


def _cell_panel(result: xr.Dataset, kind: str) -> Panel:
    counted, ends = 100 * result["cells"].sel(cell=kind).astype(float), []
    with _figure(400, 290) as (figure, axes):
        for arm, band in _lines(axes, result, counted, _along(result)):
            ends.append(f"{arm} {number(float(band.middle.mean()), 2)} %")
        _duct_axis(axes, result)
        axes.set(ylabel="% counted at the end", ylim=(0, 104), yticks=[0, 25, 50, 75, 100])
        svg = _svg(figure, f"cells {kind}")
    return Panel(KINDS.get(kind, kind), f"Mean along the duct: {', '.join(ends)}.", svg)


def _lines(
    axes: "Axes", result: xr.Dataset, values: xr.DataArray, across: Array, marker: str = ""
) -> "Iterator[tuple[str, Spread]]":
    """A line per arm of (arm, subject, column), the compared on top and with a band."""
    colours, shaded = arm_colours(result), banded(result)
    for arm in sorted(colours, key=lambda arm: arm in shaded):
        band = spread(values.sel(arm=arm).values, worlds(values.sizes["subject"]))
        if arm in shaded:
            axes.fill_between(across, *band.knowledge, color=colours[arm], alpha=0.16, linewidth=0)
        axes.plot(across, band.middle, color=colours[arm], marker=marker, markersize=4)
        yield arm, band


# ---------------------------------------------------------------- the window, standing still


@contextmanager
def _window_figure(result: xr.Dataset) -> "Iterator[Figure]":
    from matplotlib.figure import Figure

    dose = window.start(result)
    given, species = when(float(result["window_dose"][dose])), words(result.attrs["species"])
    figure = Figure(figsize=(1080 / 72, 520 / 72))
    layout = figure.add_gridspec(
        2, 2, width_ratios=(1.75, 1), height_ratios=(2.6, 1),
        left=0.06, right=0.985, top=0.8, bottom=0.09, wspace=0.19, hspace=0.62,
    )  # fmt: skip
    where = (layout[:, 0], layout[0, 1], layout[1, 1])
    map_axes, audiogram, strip = (figure.add_subplot(cell) for cell in where)
    told = f"Vesicles {given}, in one simulated {species} ear at the best value of every number."
    figure.text(0.06, 0.95, title(result), size=19, weight="bold")
    figure.text(0.06, 0.905, f"{told} Research only, not for treating anyone.", color=SOFT)
    _map(figure, map_axes, result, dose)
    _audiogram(audiogram, result, dose)
    _strip(strip, result, dose)
    yield figure


def _map(figure: "Figure", axes: "Axes", result: xr.Dataset, dose: int) -> None:
    hours, distance = window.grid(result)
    cells, logs = window.image(result, dose)
    days, given = hours / window.HOURS_A_DAY, float(result["window_dose"][dose]) / window.HOURS_A_DAY
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
    later = days >= given - 1e-9
    exponents = window.levels(window.log_vesicles(result, hours, distance))
    _contours(axes, distance, days[later], logs[later], exponents)
    marks = window.marks(result)
    first = min((mark["time"] / window.HOURS_A_DAY for mark in marks), default=given)
    for index, mark in enumerate(marks):
        day = mark["time"] / window.HOURS_A_DAY
        axes.axhline(day, color="white", linewidth=1.2, dashes=(4, 3), alpha=0.85)
        if mark["name"] not in [other["name"] for other in marks[:index]]:
            _on_line(axes, mark["name"], day, above=given > day)
    axes.axhline(given, color="white", linewidth=2.6)
    _on_line(axes, "vesicles given", given, above=given <= first and given > days[0] + 0.05 * np.ptp(days))
    axes.grid(False)
    axes.set(ylabel="days after the first insult")
    _duct_axis(axes, result)
    axes.set_ylim(days[-1], days[0])
    bar = figure.colorbar(shown, ax=axes, orientation="horizontal", fraction=0.035, pad=0.13, aspect=50)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.set_label("% of outer hair cells left. White lines: vesicles per µL in the organ of Corti")


def _on_line(axes: "Axes", text: str, day: float, above: bool) -> None:
    _label(axes, text, (1, day), (-7, 4 if above else -4), across="axes fraction", up="data", ha="right",
           va="bottom" if above else "top", color="white", weight="bold")  # fmt: skip


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
    _tone_axis(axes, tones)
    deepest = max(10.0, float(result["window_shift"].max()), float(vehicle.max()))
    axes.set(ylim=(1.08 * deepest, -0.04 * deepest), ylabel="threshold shift, dB")
    axes.set_title("Hearing lost at the end", loc="left", size=13, weight="bold")
    for text, height, colour in (("- - vehicle", 0.13, COMPARED), ("— vesicles", 0.05, TREATED)):
        axes.text(0.03, height, text, transform=axes.transAxes, color=colour, weight="bold")


def _strip(axes: "Axes", result: xr.Dataset, dose: int) -> None:
    days, kept = result["window_dose"].values / window.HOURS_A_DAY, window.kept(result)
    axes.fill_between(days, 0, kept, color=TREATED, alpha=0.13, linewidth=0)
    axes.plot(days, kept, color=TREATED)
    axes.plot(days[dose], kept[dose], color=TREATED, marker="o", markersize=8)
    axes.set(xlabel="vesicles given, days after the first insult", ylabel="dB kept")
    axes.set_ylim(min(0.0, 1.15 * kept.min()), max(1.0, 1.15 * kept.max()))
    axes.set_title("Hearing kept, by day of treatment", loc="left", size=13, weight="bold")


# ---------------------------------------------------------------- marks and axes


def _label(axes: "Axes", text: str, at: tuple[float, float], off: tuple[float, float], across: str = "data",
           up: str = "axes fraction", **more: Any) -> None:  # fmt: skip
    axes.annotate(text, at, off, xycoords=(across, up), textcoords="offset points", **{"color": SOFT, **more})


def _band(axes: "Axes", across: Array, band: Spread, colour: str, marker: str = "") -> None:
    axes.fill_between(across, *band.knowledge, color=colour, alpha=0.2, linewidth=0)
    for edge in band.subjects:
        axes.plot(across, edge, color=colour, linewidth=0.9, dashes=(4, 2.5), alpha=0.9)
    axes.plot(across, band.middle, color=colour, marker=marker, markersize=4.5)


def _dots(axes: "Axes", seen: pd.DataFrame, tones: Array, colour: str) -> None:
    """Readings, thinned evenly and spread sideways by the golden ratio so that none hides another."""
    for censored, symbol, size in (("none", "o", 2.6), ("above", "^", 4), ("below", "v", 4)):
        part = seen[seen["censored"].fillna("none") == censored]
        x, y = [], []
        for tone in tones:
            here = part.loc[np.isclose(part["frequency"].astype(float), tone), "value"].to_numpy(dtype=float)
            here = here[np.linspace(0, here.size - 1, min(DOTS, here.size)).astype(int)]
            side = (np.arange(here.size) * 0.6180339887 % 1 - 0.5) * 0.13
            x.append(tone * np.exp(side))
            y.append(here)
        axes.plot(np.concatenate(x), np.concatenate(y), linestyle="none", marker=symbol, markersize=size,
                  color=colour, alpha=0.45, markeredgewidth=0)  # fmt: skip


def _along(result: xr.Dataset) -> Array:
    """Where each place lies: mm from the base, or the place itself where the study compares nothing."""
    return np.asarray(result["place_distance" if "place_distance" in result else "place"].values)


def _duct_axis(axes: "Axes", result: xr.Dataset) -> None:
    """Millimetres from the base below, best frequency above."""
    distance = _along(result)
    axes.set_xlim(distance[0], distance[-1])
    axes.set_xlabel("mm from the base" if "place_distance" in result else "place, 0 base to 1 apex")
    axes.locator_params(axis="x", steps=[1, 2, 5, 10])
    if "place_frequency" not in result:
        return
    best = result["place_frequency"].values
    order = np.argsort(best)
    tones = np.array([tone for tone in OCTAVES if best.min() <= tone <= best.max()])
    where = np.interp(np.log(tones), np.log(best[order]), distance[order])
    kept = _apart(where, 42 / float(axes.get_window_extent().width) * (distance[-1] - distance[0]))
    above = axes.secondary_xaxis("top")
    above.set_xticks([where[i] for i in kept], [f"{tones[i]:g}" for i in kept])
    above.tick_params(length=3)
    above.spines["top"].set_visible(False)
    above.set_xlabel("best frequency, kHz", labelpad=5)


def _apart(where: Array, least: float) -> list[int]:
    """Which marks to keep, from the base on, so that their labels do not meet."""
    kept: list[int] = []
    for index in np.argsort(where):
        if not kept or where[index] - where[kept[-1]] >= least:
            kept.append(int(index))
    return kept


def _tone_axis(axes: "Axes", tones: Array) -> None:
    axes.set_xscale("log", base=2)
    shown = tones if tones.size <= 7 else [t for t in OCTAVES if tones.min() <= t <= tones.max()]
    axes.set_xticks(list(shown), [f"{tone:g}" for tone in shown])
    axes.set_xlim(tones.min() / 1.13, tones.max() * 1.13)
    axes.set_xlabel("frequency, kHz")


def _value_axis(axes: "Axes", variable: xr.DataArray, limits: tuple[float, float]) -> None:
    """The endpoint's axis; fractions are labelled in per cent."""
    from matplotlib.ticker import PercentFormatter

    unit = str(variable.attrs.get("unit", ""))
    axes.set_ylim(*limits)
    if percent(unit):
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axes.set_ylabel(f"{_name(variable)}, {'%' if percent(unit) else unit}")


def _name(variable: xr.DataArray) -> str:
    return words(str(variable.attrs.get("long_name", variable.name)))


def _decades(axes: "Axes", logs: Array) -> None:
    low, high = int(np.floor(logs.min())), int(np.ceil(logs.max()))
    step = max(1, round((high - low) / 6))
    ticks = list(range(high, low - 1, -step))
    axes.set_yticks(ticks, [f"10{power(tick)}" for tick in ticks])
    axes.set_ylim(low - 0.2, high + 0.2)


def _limits(groups: Sequence[Array], unit: str = "dB") -> tuple[float, float]:
    """Limits with a little room; fractions show a tenth at least, so that nothing looks like much."""
    values = np.concatenate([np.ravel(group) for group in groups])
    low, high = np.quantile(values[np.isfinite(values)], [0.002, 0.998])
    gap = max(0.06 * (high - low), (0.1 - (high - low)) / 2 if percent(unit) else 1e-6)
    return float(low - gap), float(high + gap)


def _far(diameter: Array, density: Array) -> float:
    """The diameter below which 99.5 % of the vesicles lie."""
    share = np.cumsum(density * np.gradient(diameter))
    return float(diameter[np.searchsorted(share, 0.995 * share[-1])])


def _at(readings: pd.DataFrame, name: str, time: float) -> pd.DataFrame:
    chosen = (readings["quantity"] == name) & np.isclose(readings["time"].astype(float), time)
    return readings[chosen & np.isfinite(readings["value"].astype(float))]


# ---------------------------------------------------------------- SVG


@contextmanager
def _style(more: dict[Any, Any] | None = None) -> "Iterator[None]":
    from matplotlib import rc_context

    with rc_context({**_STYLE, **(more or {})}):
        yield


@contextmanager
def _figure(width: float, height: float) -> "Iterator[tuple[Figure, Axes]]":
    from matplotlib.figure import Figure

    with _style():
        figure = Figure(figsize=(width / 72, height / 72), layout="tight")
        yield figure, figure.add_subplot()


def _svg(figure: "Figure", salt: str) -> str:
    """Inline SVG: no ids but the referenced, no style attributes, no metadata; the same every time."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context({"svg.hashsalt": salt}), warnings.catch_warnings():
        # The reader's browser brings the fonts; here they only measure.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    root = ElementTree.fromstring(re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>", "", text.getvalue(), flags=re.DOTALL))
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", text.getvalue()))
    for element in root.iter():
        _plain(element, used)
    root.set("focusable", "false")
    root.set("aria-hidden", "true")
    return ElementTree.tostring(root, encoding="unicode")


def _plain(element: ElementTree.Element, used: set[str]) -> None:
    element.tag = element.tag.removeprefix(_SVG)
    for child in [child for child in element if child.tag in (f"{_SVG}metadata", f"{_SVG}style")]:
        element.remove(child)
    if element.get("id") not in used:
        element.attrib.pop("id", None)
    if _XLINK in element.attrib:
        element.set("href", element.attrib.pop(_XLINK))
    for rule in element.attrib.pop("style", "").split(";"):
        key, _, value = rule.partition(":")
        key, value = key.strip(), value.strip()
        if key == "font":
            element.set("font-size", value.split("px")[0].split()[-1])
            if "bold" in value.split("px")[0] or "700" in value.split("px")[0]:
                element.set("font-weight", "bold")
        elif key and key != "font-family":
            element.set(key, value)
