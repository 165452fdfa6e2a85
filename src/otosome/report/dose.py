"""How the benefit follows the dose, drawn: the best-value ear, the dose given, and the headline beside it."""

import numpy as np
import xarray as xr

from otosome.answers import stored
from otosome.answers.dose import ByDay, ByDose
from otosome.answers.numbers import amount, is_fraction, number, power, rounded
from otosome.report.drawing import COMPARED, INK, TREATED, canvas, svg_text
from otosome.report.figures import Panel
from otosome.report.summary import headline

# Side of a field of the map, in points.
_SIDE = 34.0


def by_dose(result: xr.Dataset) -> Panel | None:
    """The picture with what it says; None where no dose is given, or by a result of an earlier version."""
    if result.attrs.get("doses", "null") == "null":
        return None
    doses = stored.read(result, "doses", ByDose)
    return Panel("Benefit by dose", f"{doses.text} {_agreement(doses, result)}", _drawn(doses, result))


def by_day(result: xr.Dataset) -> Panel | None:
    """The window by day and dose, drawn as a map; None by a result of an earlier version, or where there is none."""
    if result.attrs.get("days", "null") == "null":
        return None
    days = stored.read(result, "days", ByDay)
    return Panel("Benefit by day and dose", days.text, _map(days))


def _map(days: ByDay) -> str:
    """Days across, doses up; darker where more is kept, with the study framed."""
    values = (100.0 if is_fraction(days.unit) else 1.0) * np.asarray(days.benefit)
    top = max(1.0, float(values.max()))
    doses = np.log10(days.particles)
    with canvas(540, 300) as (figure, axes):
        across, up = np.meshgrid(days.days, doses)
        axes.scatter(
            across, up, c=values, s=_SIDE**2, marker="s", cmap="Blues", vmin=0, vmax=top, linewidths=0
        )
        for row, dose in enumerate(doses):
            for column, day in enumerate(days.days):
                value = float(values[row, column])
                axes.text(
                    day,
                    dose,
                    number(rounded(value, "dB")),
                    ha="center",
                    va="center",
                    fontsize=9,
                    color="white" if value > 0.6 * top else INK,
                )
        first, dose = days.stated
        axes.plot(
            [first],
            [np.log10(dose)],
            "s",
            markersize=_SIDE,
            markerfacecolor="none",
            markeredgecolor=COMPARED,
        )
        axes.grid(visible=False)
        axes.set_xticks(days.days, [number(day) for day in days.days])
        axes.set_yticks(list(doses), [f"{number(10**dose, 1)}" for dose in doses])
        axes.set_xlim(days.days[0] - 1.2, days.days[-1] + 1.2)
        axes.set_ylim(doses[0] - 0.5, doses[-1] + 0.5)
        axes.set(xlabel="day of the first dose, after the first insult", ylabel="particles each time")
        return svg_text(figure, "day and dose")


def insight(result: xr.Dataset) -> str:
    """What the dose does, in words; empty where none is given, or by a result of an earlier version."""
    return "" if result.attrs.get("doses", "null") == "null" else stored.read(result, "doses", ByDose).text


def _agreement(doses: ByDose, result: xr.Dataset) -> str:
    """Whether this ear and the headline agree, and why where they do not."""
    compared = headline(result)
    assert compared is not None
    shown, best = compared.benefit, doses.benefit[doses.stated]
    inside = shown.exact.low <= best <= shown.exact.high
    where = "inside its interval" if inside else "outside its interval"
    why = (
        "It is one ear: the headline is the median of ears whose unknown numbers are drawn, and where the dose lies on "
        "the steep part of this line the middle of many ears is not the ear in the middle."
    )
    near = abs(best - shown.exact.median) <= 0.1 * (shown.exact.high - shown.exact.low)
    return f"The headline is {shown.text}; this ear's {amount(best, doses.unit, sign=True)} lies {where}." + (
        "" if near else f" {why}"
    )


def _drawn(doses: ByDose, result: xr.Dataset) -> str:
    compared = headline(result)
    assert compared is not None
    logs, factor = np.log10(doses.particles), 100.0 if doses.unit in ("", "1", "fraction") else 1.0
    stated, shown = float(logs[doses.stated]), compared.benefit.exact
    with canvas(540, 260) as (figure, axes):
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.plot(logs, factor * np.asarray(doses.benefit), color=TREATED, marker="o", markersize=5)
        ends = [[factor * (shown.median - shown.low)], [factor * (shown.high - shown.median)]]
        axes.errorbar([stated], [factor * shown.median], yerr=ends, color=COMPARED, marker="s", capsize=4)
        axes.annotate(
            "headline, 5–95 %", (stated, factor * shown.high), (6, -4), textcoords="offset points", size=11
        )
        ticks = range(int(np.ceil(logs[0])), int(np.floor(logs[-1])) + 1)
        axes.set_xticks(list(ticks), [f"10{power(tick)}" for tick in ticks])
        axes.set(
            xlabel="particles given each time, as counted",
            ylabel=f"benefit, {'%' if factor > 1 else doses.unit}",
        )
        return svg_text(figure, "dose")
