"""Curves of drugs as inline SVG: a panel for each probe, a line for each arm, on a logarithmic axis."""

from __future__ import annotations

import numpy as np
import xarray as xr

from otosome.answers.band import band
from otosome.answers.numbers import number, unit_text
from otosome.report import summary
from otosome.report.drawing import INK, canvas, draw_band, svg_text
from otosome.report.figures import Panel, arm_colours
from otosome.report.summary import capital, groups, words

# What lies so far below the highest of a panel is not drawn.
_DECADES = 5
# Longer studies have an axis in days.
_DAYS = 96.0


def curves(result: xr.Dataset) -> list[Panel]:
    """Concentration over time of every solute at every probe, with both bands, and what was measured there as dots."""
    names = [str(name) for name in result.data_vars if str(name).startswith("concentration_")]
    return [
        _panel(result, name, str(probe))
        for name in names
        for probe in result["probe"].values
        if float(result[name].sel(probe=probe).max()) > 0.0
    ]


def _panel(result: xr.Dataset, name: str, probe: str) -> Panel:
    solute = name.removeprefix("concentration_")
    scale, unit = _in_mass(result, solute)
    values, hours = scale * result[name].sel(probe=probe), result["hour"].values
    days = hours[-1] > _DAYS
    across = hours / 24.0 if days else hours
    top, peaks = float(values.median("subject").max()), []
    floor = top * 10.0**-_DECADES if top > 0.0 else float(values.max()) * 10.0**-_DECADES
    with canvas(400, 290) as (figure, axes):
        axes.set_yscale("log")
        for arm, colour in arm_colours(result).items():
            of_arm = values.sel(arm=arm).values
            if not np.any(of_arm > floor):
                continue
            spread = band(np.log10(np.maximum(of_arm, floor / 10.0)), groups(result))
            draw_band(axes, across, spread.powers(), colour)
            peaks.append(f"{arm} {number(float(np.median(of_arm.max(axis=1))), 2)}")
        for time, value in summary.measured_points(result, solute, probe):
            axes.plot(
                [time / 24.0 if days else time], [scale * value], "o", color=INK, markersize=4, zorder=5
            )
        axes.set_ylim(bottom=floor)
        axes.set_xlim(across[0], across[-1])
        axes.set_xlabel("days" if days else "hours")
        axes.set_ylabel(f"{words(solute)}, {unit_text(unit)}")
        svg = svg_text(figure, f"drug {name} {probe}")
    heading = f"{capital(words(solute))}, {probe}"
    return Panel(heading, f"Median peak, {unit_text(unit)}: {', '.join(peaks) or 'none'}.", svg)


def _in_mass(result: xr.Dataset, solute: str) -> tuple[float, str]:
    """What 1 uM of a solute is in the unit that its numbers are written in."""
    from otosome.answers.exposure import in_mass

    return in_mass(summary.load(result), solute)
