"""What every picture is drawn with: colours, axes of the ear, and SVG that carries no style of its own."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from otosome.answers.band import Band
from otosome.answers.numbers import is_fraction, number
from otosome.report.saved import numbers_of
from otosome.report.summary import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

INK, SOFT = "#1c2329", "#5c6770"
# Okabe and Ito's palette for colour-blind readers: the treated arm blue, its comparator vermilion.
TREATED, COMPARED = "#0072B2", "#D55E00"
OCTAVES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
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


def label(
    axes: "Axes",
    text: str,
    at: tuple[float, float],
    off: tuple[float, float],
    across: str = "data",
    up: str = "axes fraction",
    **more: Any,
) -> None:
    """A text a few points off a place."""
    axes.annotate(text, at, off, xycoords=(across, up), textcoords="offset points", **{"color": SOFT, **more})


def draw_band(axes: "Axes", across: Array, band: Band, colour: str, marker: str = "") -> None:
    """The typical ear with what is not known shaded and the ears of a lot dashed."""
    for edge in band.ears:
        axes.plot(across, edge, color=colour, linewidth=0.9, dashes=(4, 2.5), alpha=0.9)
    draw_line(axes, across, band, colour, marker)


def draw_line(
    axes: "Axes", across: Array, band: Band, colour: str, marker: str = "", shaded: bool = True
) -> None:
    """The typical ear, and what is not known shaded: the line lies inside its shading."""
    if shaded:
        axes.fill_between(across, *band.worlds, color=colour, alpha=0.18, linewidth=0)
    axes.plot(across, band.typical, color=colour, marker=marker, markersize=4.5)


def along(result: xr.Dataset) -> Array:
    """Where each place lies: mm from the base, or the place itself where the study compares nothing."""
    return np.asarray(result["place_distance" if "place_distance" in result else "place"].values)


def duct_axis(axes: "Axes", result: xr.Dataset) -> None:
    """Millimetres from the base below, best frequency above."""
    distance = along(result)
    axes.set_xlim(distance[0], distance[-1])
    axes.set_xlabel("mm from the base" if "place_distance" in result else "place, 0 base to 1 apex")
    axes.locator_params(axis="x", steps=[1, 2, 5, 10])
    if "place_frequency" not in result:
        return
    best = result["place_frequency"].values
    order = np.argsort(best)
    tones = np.array([tone for tone in OCTAVES if best.min() <= tone <= best.max()])
    where = np.interp(np.log(tones), np.log(best[order]), distance[order])
    apart = _apart(where, 42 / float(axes.get_window_extent().width) * (distance[-1] - distance[0]))
    above = axes.secondary_xaxis("top")
    above.set_xticks([where[i] for i in apart], [f"{tones[i]:g}" for i in apart])
    above.tick_params(length=3)
    above.spines["top"].set_visible(False)
    above.set_xlabel("best frequency, kHz", labelpad=5)


def _apart(where: Array, least: float) -> list[int]:
    """Which marks to keep, from the base on, so that their labels do not meet."""
    chosen: list[int] = []
    for index in np.argsort(where):
        if not chosen or where[index] - where[chosen[-1]] >= least:
            chosen.append(int(index))
    return chosen


def tone_axis(axes: "Axes", tones: Array) -> None:
    """Frequencies in octaves, kHz."""
    axes.set_xscale("log", base=2)
    shown = tones if tones.size <= 7 else [t for t in OCTAVES if tones.min() <= t <= tones.max()]
    axes.set_xticks(list(shown), [f"{tone:g}" for tone in shown])
    axes.set_xlim(tones.min() / 1.13, tones.max() * 1.13)
    axes.set_xlabel("frequency, kHz")


def ratio_ticks(axis: "XAxis | YAxis") -> None:
    """Plain numbers at four places along an axis on a scale of ratios; called when all is drawn."""
    low, high = axis.get_view_interval()
    ticks = np.geomspace(max(low, high * 1e-9), high, 6)[1:-1]
    axis.set_ticks(list(ticks), [number(float(tick), 2) for tick in ticks])
    axis.set_ticks([], minor=True)


def value_axis(axes: "Axes", variable: xr.DataArray, limits: tuple[float, float]) -> None:
    """The endpoint's axis: fractions in per cent, and a hearing level downwards, as audiograms are drawn."""
    from matplotlib.ticker import PercentFormatter

    unit = str(variable.attrs.get("unit", ""))
    axes.set_ylim(*(reversed(limits) if unit == "dB HL" else limits))
    if is_fraction(unit):
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axes.set_ylabel(f"{name_of(variable)}, {'%' if is_fraction(unit) else unit}")


def name_of(variable: xr.DataArray) -> str:
    """What a measure is called, as words."""
    return words(str(variable.attrs.get("long_name", variable.name)))


# ---------------------------------------------------------------- SVG


@contextmanager
def style(more: dict[Any, Any] | None = None) -> "Iterator[None]":
    """Matplotlib as every picture here wants it."""
    from matplotlib import rc_context

    with rc_context({**_STYLE, **(more or {})}):
        yield


@contextmanager
def canvas(width: float, height: float) -> "Iterator[tuple[Figure, Axes]]":
    """A figure of this size, in CSS pixels, with one set of axes."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import TightLayoutEngine

    with style():
        # None is the whole figure, which "tight" names as a rectangle and lays out twice.
        layout = TightLayoutEngine(rect=None)  # type: ignore[arg-type]
        figure = Figure(figsize=(width / 72, height / 72), layout=layout)
        yield figure, figure.add_subplot()


def svg_text(figure: "Figure", name: str) -> str:
    """Inline SVG: no ids but the referenced, no style attributes, no metadata; the same every time.

    Its ``desc`` holds the numbers it is drawn from, which ``report.saved`` takes out of the page into a table.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    text = io.StringIO()
    with rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # The reader's browser brings the fonts; here they only measure.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # Laid out here, once: savefig would draw the whole figure for it a second time.
        if (layout := figure.get_layout_engine()) is not None:
            layout.execute(figure)
            figure.set_layout_engine("none")
        # As savefig does, which draws the whole figure twice.
        printed: Any = FigureCanvasSVG(figure)
        printed.print_svg(text, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ElementTree.fromstring(re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>", "", text.getvalue(), flags=re.DOTALL))
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", text.getvalue()))
    for element in root.iter():
        _plain(element, used)
    root.set("focusable", "false")
    root.set("aria-hidden", "true")
    numbers = ElementTree.Element("desc")
    numbers.text = numbers_of(figure, name)
    root.insert(0, numbers)
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
