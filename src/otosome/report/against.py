"""Measured readings over a simulation, as a section of a report: a panel for each arm and moment, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers import stored
from otosome.answers.numbers import is_fraction, number, unit_text
from otosome.fitting.against import Against, Cell, Total
from otosome.fitting.measured import Difference
from otosome.fitting.outside import Outside
from otosome.report.drawing import COMPARED, INK, TREATED, canvas, ratio_ticks, svg_text, tone_axis
from otosome.report.figures import Panel
from otosome.report.summary import words
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

# Of concentrations, which differ by ratios.
_RATIOS = ("uM", "ug/mL")
_HOURS_A_DAY = 24.0
# More panels of one measure than this are read in the table beside the report.
_MOST = 24


@dataclass(frozen=True)
class Section:
    """A measure against its readings: the totals, and panels over frequency; none for words."""

    title: str
    total: Total
    panels: list[Panel]


def against(result: xr.Dataset) -> list[Section]:
    """The sections of a result that readings were laid over; none of any other."""
    if "against" not in result.attrs:
        return []
    laid = stored.read(result, "against", Against)
    return sections(laid, {name: str(result[name].attrs.get("long_name", name)) for name in map(str, result)})


def used(result: xr.Dataset) -> list[str]:
    """Whether the readings that were laid over a result can be a test of it, in sentences."""
    return stored.read(result, "against", Against).used if "against" in result.attrs else []


def outside(result: xr.Dataset) -> Outside | None:
    """The readings outside the bands, where any were laid over a result; None of any other, and of earlier ones."""
    return stored.read(result, "outside", Outside) if "outside" in result.attrs else None


def sections(laid: Against, titles: Mapping[str, str]) -> list[Section]:
    """A section for each measure, by what it is called."""
    return [
        Section(
            words(titles[total.measure]),
            total,
            list(_panels([cell for cell in laid.cells if cell.measure == total.measure], total.unit))[:_MOST],
        )
        for total in laid.totals
    ]


def measured(result: xr.Dataset) -> list[Difference]:
    """The measured differences of groups, where readings were laid over a result; none of any other."""
    return stored.read(result, "measured", list[Difference]) if "measured" in result.attrs else []


def _panels(cells: list[Cell], unit: str) -> Iterator[Panel]:
    """Over frequency, a panel each arm and moment; over time, a panel each arm, where there is no frequency."""
    tonal = [cell for cell in cells if cell.tone is not None]
    ordered = sorted(tonal, key=lambda cell: (cell.arm, cell.time, cell.tone or 0.0))
    limits = _limits(tonal) if tonal else (0.0, 1.0)
    for (arm, time), row in groupby(ordered, key=lambda cell: (cell.arm, cell.time)):
        day = number(time / _HOURS_A_DAY)
        yield _panel(f"{arm}, day {day}", list(row), unit, limits)
    timed = sorted((cell for cell in cells if cell.tone is None), key=lambda cell: (cell.arm, cell.time))
    for arm, row in groupby(timed, key=lambda cell: cell.arm):
        yield _over_time(arm, list(row), unit)


def _limits(cells: list[Cell]) -> tuple[float, float]:
    ends = [
        end for cell in cells for end in (cell.median, cell.simulated.exact.low, cell.simulated.exact.high)
    ]
    gap = 0.05 * (max(ends) - min(ends)) or 1.0
    return min(ends) - gap, max(ends) + gap


def _panel(where: str, cells: list[Cell], unit: str, limits: tuple[float, float]) -> Panel:
    """Medians over the band along frequency."""
    tones = np.array([cell.tone for cell in cells], dtype=float)
    with canvas(400, 270) as (figure, axes):
        _lay(axes, tones, cells)
        tone_axis(axes, tones)
        axes.set_ylim(*(reversed(limits) if unit == "dB HL" else limits))
        axes.set_ylabel("share" if is_fraction(unit) else unit_text(unit))
        svg = svg_text(figure, f"against {cells[0].measure} {where}")
    return Panel(words(where), _says(where, cells), svg)


def _over_time(arm: str, cells: list[Cell], unit: str) -> Panel:
    """Medians over the band along time, in hours or days; concentrations on a scale of ratios."""
    hours = np.array([cell.time for cell in cells])
    in_days = hours.max() > 3.0 * _HOURS_A_DAY
    with canvas(400, 270) as (figure, axes):
        _lay(axes, hours / _HOURS_A_DAY if in_days else hours, cells)
        if unit in _RATIOS:
            axes.set_yscale("log")
            ratio_ticks(axes.yaxis)
        axes.set(xlabel="time (d)" if in_days else "time (h)", ylabel=unit_text(unit))
        svg = svg_text(figure, f"against {cells[0].measure} {arm}")
    return Panel(words(arm), _says(arm, cells), svg)


def _lay(axes: Axes, along: Array, cells: list[Cell]) -> None:
    """Medians of measured groups as marks over the simulated median and band; those outside in their own."""
    ends = {end: [getattr(cell.simulated.exact, end) for cell in cells] for end in ("low", "median", "high")}
    axes.fill_between(along, ends["low"], ends["high"], color=TREATED, alpha=0.18, linewidth=0)
    axes.plot(along, ends["median"], color=TREATED, linewidth=1.4)
    for inside, colour, marker in ((True, INK, "o"), (False, COMPARED, "D")):
        some = [n for n, cell in enumerate(cells) if cell.inside == inside]
        medians = [cells[n].median for n in some]
        axes.plot(along[some], medians, color=colour, marker=marker, linestyle="none", markersize=7)


def _says(where: str, cells: list[Cell]) -> str:
    return f"{where}: {sum(not cell.inside for cell in cells)} of {len(cells)} medians outside."
