"""Small static pictures as inline SVG: one thought each, so that a phone stacks and a stage lines them up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from otosome.answers.band import Band, band
from otosome.answers.numbers import Interval, amount, difference, interval, is_fraction, number, power
from otosome.report import summary, window
from otosome.report.drawing import (
    COMPARED,
    INK,
    TREATED,
    Array,
    along,
    canvas,
    draw_band,
    draw_line,
    duct_axis,
    label,
    name_of,
    svg_text,
    tone_axis,
    value_axis,
)
from otosome.report.summary import (
    attribute,
    capital,
    groups,
    headline,
    measured,
    tonal,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4d4d4d", "#8a6d3b")
DOTS = 24  # readings drawn per frequency and panel; more only smear
FREQUENCIES = 4  # panels over time
MARKED = 20  # points of a line that are marked one by one
# From none to all, %, with room for a dot.
_ALL = (-2.0, 102.0)
KINDS = {
    "OHC": "Outer hair cells",
    "IHC": "Inner hair cells",
    "synapse": "Synapses per inner hair cell",
    "SGN": "Spiral ganglion neurons",
}


@dataclass(frozen=True)
class Panel:
    """One picture: its heading, what it says in words, and the SVG text."""

    heading: str
    says: str
    svg: str


@dataclass(frozen=True)
class Dotted:
    """An arm in a panel of dots: all its ears, and the ear in which every number has its best value."""

    arm: str
    ears: Interval
    best_value: float | None


def arm_colours(result: xr.Dataset) -> dict[str, str]:
    """A colour per arm: the two compared first, the others in the order of the study."""
    compared = headline(result)
    colours = {compared.of: TREATED, compared.against: COMPARED} if compared else {}
    arms = [str(arm) for arm in result["arm"].values]
    rest = [arm for arm in arms if arm not in colours]
    colours.update({arm: OTHERS[index % len(OTHERS)] for index, arm in enumerate(rest)})
    return {arm: colours[arm] for arm in arms}


# ---------------------------------------------------------------- the panels


def by_frequency(result: xr.Dataset, readings: pd.DataFrame, name: str) -> list[Panel]:
    """A measure over frequency at its last time: the difference compared, then an arm each with bands and readings.

    A measure without frequencies, such as a score of words, has one panel with a line for each arm.
    """
    last = measured(result, name).isel(time=-1)
    if not tonal(result, name):
        return [_score_panel(result, last.isel(frequency=0))]
    shown = _at(readings, name, float(last["time"]))
    if f"other_{name}" in result:
        shown = shown[shown["ear"] == attribute(result, "people")["ear"]]
    limits = _limits([last.values, shown["value"].to_numpy(dtype=float)])
    panels = [_frequency_panel(result, last, shown, str(arm), limits) for arm in result["arm"].values]
    return [*_difference(result, last, last["frequency"].values, "", tone_axis), *panels]


def together(result: xr.Dataset, names: Sequence[str]) -> list[Panel]:
    """Further measures over frequency at their last time: a line per arm, then the difference compared."""
    return [panel for name in names for panel in _together_panels(result, name)]


def over_time(result: xr.Dataset, name: str) -> list[Panel]:
    """A measure over time at some frequencies: a line per arm, then the difference; none for a single time."""
    values = measured(result, name)
    if values.sizes["time"] < 2:
        return []
    tones = values["frequency"].values
    tones = tones[np.unique(np.linspace(0, tones.size - 1, FREQUENCIES).round().astype(int))]
    chosen = [values.sel(frequency=tone) for tone in tones]
    limits = _limits([panel.quantile([0.05, 0.95], "subject").values for panel in chosen])
    return [panel for values in chosen for panel in _time_panels(result, values, limits)]


def cochleogram(result: xr.Dataset) -> list[Panel]:
    """Cells counted at the end along the duct: for each kind a line per arm, then the difference compared."""
    return [panel for kind in result["cell"].values for panel in _cell_panels(result, str(kind))]


def delivery(result: xr.Dataset) -> list[Panel]:
    """Where the dose ends: peak vesicles in the organ of Corti along the duct, with both bands."""
    reached = result["vesicles"].where(result["vesicles"] > 0)
    treated = [str(arm) for arm in result["arm"].values if reached.sel(arm=arm).notnull().any()]
    compared = headline(result)
    arm = compared.of if compared else next(iter(treated), None)
    if arm not in treated:
        return []
    # Where nothing at all arrives the logarithm stops at the smallest amount that does.
    logs = np.log10(reached.sel(arm=arm).fillna(float(reached.sel(arm=arm).min())).values)
    spread = band(logs, groups(result))
    with canvas(540, 300) as (figure, axes):
        draw_band(axes, along(result), spread, TREATED)
        duct_axis(axes, result)
        axes.set_ylabel("vesicles per µL, highest reached")
        _decades(axes, np.stack([*spread.worlds, *spread.ears]))
        svg = svg_text(figure, "delivery")
    base, apex = (number(10 ** float(spread.typical[place]), 2) for place in (0, -1))
    wide = float(spread.worlds[1][-1] - spread.worlds[0][-1])
    unknown = f"; at the apex, what we do not know alone spans {wide:.1f} powers of ten" if wide > 0 else ""
    says = (
        f"“{arm}”: the highest concentration reached is {base} vesicles per µL at the base and {apex} at the apex "
        f"(typical ear){unknown}.{_rival(result, arm)}"
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
    batch = summary.sizes(result)
    if batch is None:
        return []
    diameter, density = np.asarray(batch.diameter), np.asarray(batch.density)
    with canvas(540, 230) as (figure, axes):
        axes.fill_between(diameter, density, color=TREATED, alpha=0.18, linewidth=0)
        axes.plot(diameter, density, color=TREATED)
        for size in batch.classes:
            axes.axvline(size.diameter, color=INK, linewidth=1, dashes=(2, 3))
            label(axes, f"{number(size.diameter)} nm", (size.diameter, 1), (4, -4), va="top")
        axes.set(xlabel="diameter, nm", xlim=(0, _far(diameter, density)), yticks=[])
        axes.set_ylim(0, density.max() * 1.12)
        axes.spines["left"].set_visible(False)
        svg = svg_text(figure, "sizes")
    drawn = ", ".join(
        f"{number(size.diameter)} nm ({number(100 * size.weight, 2)} %)" for size in batch.classes
    )
    origin = words(batch.origin).rstrip(".")
    says = f"Batch “{words(batch.name)}”: {origin}. It is simulated as vesicles of {drawn}."
    return [Panel("Sizes of the vesicles", says, svg)]


# ---------------------------------------------------------------- one panel each


def _frequency_panel(
    result: xr.Dataset, last: xr.DataArray, readings: pd.DataFrame, arm: str, limits: tuple[float, float]
) -> Panel:
    tones, colour, compared = last["frequency"].values, arm_colours(result)[arm], headline(result)
    spread = band(last.sel(arm=arm).values, groups(result))
    with canvas(400, 290) as (figure, axes):
        if compared is not None and compared.against != arm:
            other = band(last.sel(arm=compared.against).values, groups(result)).typical
            axes.plot(tones, other, color=COMPARED, linewidth=1.2, dashes=(1, 2.2))
        _dots(axes, readings[readings["group"] == arm], tones, colour)
        draw_band(axes, tones, spread, colour, marker="o")
        tone_axis(axes, tones)
        value_axis(axes, last, limits)
        svg = svg_text(figure, f"frequency {last.name} {arm}")
    unit = str(last.attrs.get("unit", ""))
    ends = [f"{amount(float(spread.typical[i]), unit)} at {number(float(tones[i]))} kHz" for i in (0, -1)]
    return Panel(arm, f"{arm}: typical ear {' and '.join(ends)}.", svg)


def _together_panels(result: xr.Dataset, name: str) -> list[Panel]:
    last = measured(result, name).isel(time=-1)
    if not tonal(result, name):
        return [_score_panel(result, last.isel(frequency=0))]
    tones, unit, ends = last["frequency"].values, str(last.attrs.get("unit", "")), []
    with canvas(400, 290) as (figure, axes):
        for arm, spread in _lines(axes, result, last, tones, marker="o"):
            ends.append(f"{arm} {amount(float(spread.typical.mean()), unit)}")
        tone_axis(axes, tones)
        value_axis(axes, last, _limits([last.quantile([0.05, 0.95], "subject").values], unit))
        svg = svg_text(figure, f"together {name}")
    day = number(float(last["time"]) / window.HOURS_A_DAY)
    heading = f"{capital(name_of(last))}, day {day}"
    lines = Panel(heading, f"Mean over frequency: {', '.join(ends)}.", svg)
    return [lines, *_difference(result, last, tones, heading, tone_axis)]


def _time_panels(result: xr.Dataset, values: xr.DataArray, limits: tuple[float, float]) -> list[Panel]:
    days, unit, ends = values["time"].values / window.HOURS_A_DAY, str(values.attrs.get("unit", "")), []
    tone, tones = float(values["frequency"]), tonal(result, str(values.name))
    with canvas(400, 270) as (figure, axes):
        for arm, spread in _lines(axes, result, values, days, marker="o"):
            ends.append(f"{arm} {amount(float(spread.typical[-1]), unit)}")
        _day_axis(axes, tones)
        value_axis(axes, values, limits if tones else _ALL)
        svg = svg_text(figure, f"time {values.name} {tone}")
    heading = f"{number(tone)} kHz" if tones else capital(words(str(values.name)))
    lines = Panel(heading, f"Day {number(float(days[-1]))}: {', '.join(ends)}.", svg)
    return [
        lines,
        *_difference(result, values, days, heading, lambda axes, _: _day_axis(axes, tones)),
    ]


def _day_axis(axes: "Axes", insulted: bool) -> None:
    axes.set_xlabel("days after the first insult" if insulted else "days")
    axes.locator_params(axis="x", steps=[1, 2, 5, 10], integer=True)


def _score_panel(result: xr.Dataset, last: xr.DataArray) -> Panel:
    """A score in % of (arm, subject): median and 5 to 95 % of the ears of each arm."""
    unit = str(last.attrs.get("unit", "%"))
    rows = [
        Dotted(str(arm), interval(values, unit), None)
        for arm, values in zip(result["arm"].values, last.values, strict=True)
    ]
    day = number(float(last["time"]) / window.HOURS_A_DAY)
    return dot_panel(f"{capital(words(str(last.name)))}, day {day}, %", rows, arm_colours(result))


def dot_panel(heading: str, rows: Sequence[Dotted], colours: Mapping[str, str]) -> Panel:
    """A line for each arm from none to all, %: median and 5 to 95 %; a diamond for the ear of best values."""
    with canvas(400, 46 + 30 * len(rows)) as (figure, axes):
        for height, row in enumerate(rows):
            colour, factor = colours[row.arm], 100 if is_fraction(row.ears.unit) else 1
            low, median, high = (
                factor * end for end in (row.ears.exact.low, row.ears.exact.median, row.ears.exact.high)
            )
            axes.plot([low, high], [height, height], color=colour, linewidth=4, alpha=0.5)
            axes.plot(median, height, marker="o", color=colour, markersize=9)
            if row.best_value is not None:
                axes.plot(
                    factor * row.best_value,
                    height,
                    marker="D",
                    color=colour,
                    markersize=5,
                    markerfacecolor="white",
                )
        axes.set(xlim=_ALL, ylim=(len(rows) - 0.5, -0.5))
        axes.set_yticks(range(len(rows)), [_short(row.arm) for row in rows])
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        svg = svg_text(figure, f"dots {heading}")
    medians = ", ".join(f"{row.arm} {amount(row.ears.exact.median, row.ears.unit)}" for row in rows)
    return Panel(heading, f"{heading}, medians: {medians}.", svg)


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


def _cell_panels(result: xr.Dataset, kind: str) -> list[Panel]:
    counted, ends = 100 * result["cells"].sel(cell=kind).astype(float), []
    with canvas(400, 290) as (figure, axes):
        for arm, spread in _lines(axes, result, counted, along(result)):
            ends.append(f"{arm} {number(float(spread.typical.mean()), 2)} %")
        duct_axis(axes, result)
        axes.set(ylabel="% counted at the end", ylim=(0, 104), yticks=[0, 25, 50, 75, 100])
        svg = svg_text(figure, f"cells {kind}")
    heading = KINDS.get(kind, kind)
    lines = Panel(heading, f"Mean along the duct: {', '.join(ends)}.", svg)
    counted = counted.assign_attrs(unit="%", better="higher")
    return [
        lines,
        *_difference(result, counted, along(result), heading, lambda axes, _: duct_axis(axes, result)),
    ]


def _difference(
    result: xr.Dataset,
    values: xr.DataArray,
    across: Array,
    heading: str,
    dress: "Callable[[Axes, Array], None]",
) -> list[Panel]:
    """The treated less the control, each ear with itself and above zero where better, with its bands.

    ``values``  (arm, subject, column);  ``dress``  the axis across;  returns  none where nothing is compared
    """
    compared = headline(result)
    if compared is None or compared.of == compared.against:
        return []
    unit = difference(str(values.attrs.get("unit", "")))
    factor = 100.0 if is_fraction(unit) else 1.0
    shown = "% points" if is_fraction(unit) or unit == "%" else unit
    sign = -1.0 if values.attrs.get("better") == "lower" else 1.0
    apart = factor * sign * (values.sel(arm=compared.of) - values.sel(arm=compared.against)).values + 0.0
    spread = band(apart, groups(result))
    with canvas(400, 290) as (figure, axes):
        axes.axhline(0, color=INK, linewidth=0.8)
        draw_band(axes, across, spread, TREATED, marker="" if across.size > MARKED else "o")
        dress(axes, across)
        axes.set_ylabel(f"better by, {shown}")
        axes.set_ylim(*_around_none(np.stack([*spread.worlds, *spread.ears])))
        svg = svg_text(figure, f"difference {values.name} {heading}")
    ends = ", ".join(amount(float(end[-1]), shown) for end in (spread.typical, *spread.worlds))
    title = f"{heading}: the difference" if heading else f"{compared.of}: better than {compared.against} by"
    return [Panel(title, f"“{compared.of}” over “{compared.against}” at the right end: {ends}.", svg)]


def _around_none(values: Array) -> tuple[float, float]:
    """Limits that hold none, and at least one unit, so that nothing looks like much."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    gap = max(0.06 * (high - low), (1.0 - (high - low)) / 2)
    return low - gap, high + gap


def _lines(
    axes: "Axes", result: xr.Dataset, values: xr.DataArray, across: Array, marker: str = ""
) -> "Iterator[tuple[str, Band]]":
    """A line per arm of (arm, subject, column), the compared on top; two bands over each other would show neither."""
    colours, compared = arm_colours(result), headline(result)
    above = {compared.of, compared.against} if compared else set()
    for arm in sorted(colours, key=lambda arm: arm in above):
        spread = band(values.sel(arm=arm).values, groups(result))
        draw_line(axes, across, spread, colours[arm], marker, shaded=False)
        yield arm, spread


# ---------------------------------------------------------------- marks and limits


def _dots(axes: "Axes", readings: pd.DataFrame, tones: Array, colour: str) -> None:
    """Readings, thinned evenly and spread sideways by the golden ratio so that none hides another."""
    for censored, symbol, size in (("none", "o", 2.6), ("above", "^", 4), ("below", "v", 4)):
        part = readings[readings["censored"].fillna("none") == censored]
        x, y = [], []
        for tone in tones:
            here = part.loc[np.isclose(part["frequency"].astype(float), tone), "value"].to_numpy(dtype=float)
            here = here[np.linspace(0, here.size - 1, min(DOTS, here.size)).astype(int)]
            side = (np.arange(here.size) * 0.6180339887 % 1 - 0.5) * 0.13
            x.append(tone * np.exp(side))
            y.append(here)
        style: dict[str, Any] = {
            "linestyle": "none",
            "marker": symbol,
            "markersize": size,
            "markeredgewidth": 0,
        }
        axes.plot(np.concatenate(x), np.concatenate(y), color=colour, alpha=0.45, **style)


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
    gap = max(0.06 * (high - low), (0.1 - (high - low)) / 2 if is_fraction(unit) else 1e-6)
    return float(low - gap), float(high + gap)


def _far(diameter: Array, density: Array) -> float:
    """The diameter below which 99.5 % of the vesicles lie."""
    share = np.cumsum(density * np.gradient(diameter))
    return float(diameter[np.searchsorted(share, 0.995 * share[-1])])


def _at(readings: pd.DataFrame, name: str, time: float) -> pd.DataFrame:
    chosen = (readings["measure"] == name) & np.isclose(readings["time"].astype(float), time)
    return readings[chosen & np.isfinite(readings["value"].astype(float))]
