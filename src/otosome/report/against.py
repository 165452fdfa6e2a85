"""Measured readings over a simulation, as a section of a report: a panel for each arm and moment, and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers import stored
from otosome.answers.numbers import is_fraction, number
from otosome.fitting.against import Against, Cell, Total
from otosome.fitting.measured import Difference
from otosome.report.drawing import COMPARED, INK, TREATED, canvas, svg_text, tone_axis
from otosome.report.figures import Panel
from otosome.report.summary import words

if TYPE_CHECKING:
    import xarray as xr

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
    tonal = [cell for cell in cells if cell.tone is not None]
    ordered = sorted(tonal, key=lambda cell: (cell.arm, cell.time, cell.tone or 0.0))
    limits = _limits(tonal) if tonal else (0.0, 1.0)
    for (arm, time), row in groupby(ordered, key=lambda cell: (cell.arm, cell.time)):
        yield _panel(arm, time, list(row), unit, limits)


def _limits(cells: list[Cell]) -> tuple[float, float]:
    ends = [
        end for cell in cells for end in (cell.median, cell.simulated.exact.low, cell.simulated.exact.high)
    ]
    gap = 0.05 * (max(ends) - min(ends)) or 1.0
    return min(ends) - gap, max(ends) + gap


def _panel(arm: str, time: float, cells: list[Cell], unit: str, limits: tuple[float, float]) -> Panel:
    tones = np.array([cell.tone for cell in cells], dtype=float)
    ends = {end: [getattr(cell.simulated.exact, end) for cell in cells] for end in ("low", "median", "high")}
    day = number(time / _HOURS_A_DAY)
    with canvas(400, 270) as (figure, axes):
        axes.fill_between(tones, ends["low"], ends["high"], color=TREATED, alpha=0.18, linewidth=0)
        axes.plot(tones, ends["median"], color=TREATED, linewidth=1.4)
        for inside, colour, marker in ((True, INK, "o"), (False, COMPARED, "D")):
            some = [cell for cell in cells if cell.inside == inside]
            axes.plot(
                [float(cell.tone or 0.0) for cell in some],
                [cell.median for cell in some],
                color=colour,
                marker=marker,
                linestyle="none",
                markersize=7,
            )
        tone_axis(axes, tones)
        axes.set_ylim(*(reversed(limits) if unit == "dB HL" else limits))
        axes.set_ylabel("share" if is_fraction(unit) else unit)
        svg = svg_text(figure, f"against {cells[0].measure} {arm} {time}")
    outside = sum(not cell.inside for cell in cells)
    says = f"{arm}, day {day}: {outside} of {len(cells)} medians outside."
    return Panel(f"{words(arm)}, day {day}", says, svg)
