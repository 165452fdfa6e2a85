"""A lot's certificate on one page, and its full report: HTML files that work offline and load nothing."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome import __version__
from otosome.answers.numbers import number
from otosome.lots.assessment import Assessment
from otosome.lots.curve import fit_line, fit_logistic, line, logistic
from otosome.lots.history import RULES
from otosome.lots.plate import Plate
from otosome.lots.record import AssayFile
from otosome.lots.text import answered, chart_words, quantity_words, stake_lines
from otosome.report import _policy, _templates
from otosome.report.drawing import (
    COMPARED,
    INK,
    TREATED,
    canvas,
    svg_text,
)
from otosome.report.figures import Panel
from otosome.report.guards import guard_lines
from otosome.report.saved import without_numbers
from otosome.units import Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HERE = Path(__file__).parent
_SHADES = (COMPARED, TREATED)
_NAMED = 6  # files of counts that a legend names


def certificate(values: Json) -> str:
    """The certificate of analysis as HTML text: what a customer reads, without what is still to be done.

    ``values``  what ``otosome.lots.values.lot_values`` says of the lot
    """
    from otosome.report import certificate as parts

    style = _style()
    panel = size_panel(values)
    return (
        _templates()
        .get_template("certificate.html.jinja")
        .render(
            lot=values,
            heads=parts.heads(values),
            conclusion=parts.conclusion(values),
            marks=parts.MARKS,
            lines=[*parts.grounds(values), *parts.potencies(values), *parts.runs(values)],
            titles=parts.COUNTED,
            counted=parts.counted(values),
            probabilities=parts.PROBABILITIES,
            sizes=None if panel is None else without_numbers(panel.svg),
            risk=parts.risk,
            risks=parts.RISKS,
            version=__version__,
            style=style,
            policy=_policy(style, ""),
        )
    )


def lot_report(assessment: Assessment, values: Json, history: Json) -> str:
    """The worksheet as HTML text: each test with its reason and what is still to be done, counts, runs, history.

    ``history``  what ``history_values`` says, empty where there is none
    """
    from otosome.report import certificate as parts

    panel = size_panel(values)
    panels = [*([] if panel is None else [panel]), *_runs(assessment)]
    style = _style()
    template = _templates().get_template("lot.html.jinja")
    return template.render(
        lot=values,
        lines=parts.grounds(values),
        titles=parts.COUNTED,
        counted=parts.counted(values),
        probabilities=parts.PROBABILITIES,
        risks=parts.RISKS,
        reporting={name: list_ for name, list_ in values["reporting"].items() if answered(list_)},
        guards=guard_lines(values["tests"]),
        history=history,
        stakes=stake_lines(values["stakes"]) if values.get("stakes") else (),
        panels=panels,
        version=__version__,
        style=style,
        policy=_policy(style, ""),
    )


def history_page(values: Json, history: Json) -> str:
    """Where a lot stands among those before it, as HTML text: the first line says whether it is like them."""
    style = _style()
    return (
        _templates()
        .get_template("history.html.jinja")
        .render(
            lot=values,
            history=history,
            panels=_charts(history),
            rules=RULES,
            version=__version__,
            style=style,
            policy=_policy(style, ""),
        )
    )


def size_panel(values: Json) -> Panel | None:
    """The size distribution in each file of the fresh lot, between the ends of the specification's window."""
    from otosome.report.certificate import SIZE_PICTURE

    if not values["sizes"]["files"]:
        return None
    with canvas(*SIZE_PICTURE) as (figure, axes):
        _draw_sizes(axes, values["sizes"])
        svg = svg_text(figure, "sizes")
    window = values["sizes"]["window_nm"]
    ends = "" if window is None else " Upright lines: the ends of the size window."
    return Panel(
        "Sizes", f"Particles per mL for each nm of diameter, mean of the videos of a file.{ends}", svg
    )


def size_picture(values: Json) -> bytes | None:
    """The same as a picture to print, PNG."""
    from otosome.report.certificate import SIZE_PICTURE

    if not values["sizes"]["files"]:
        return None
    stream = BytesIO()
    with canvas(*SIZE_PICTURE) as (figure, axes):
        _draw_sizes(axes, values["sizes"])
        figure.savefig(stream, format="png", dpi=220, metadata={"Software": None})
    return stream.getvalue()


def _draw_sizes(axes: Axes, sizes: Json) -> None:
    for curve in sizes["files"]:
        axes.plot(curve["diameter_nm"], curve["per_mL_nm"], linewidth=1.4, label=_short(curve["file"]))
    for end in sizes["window_nm"] or ():
        if end:
            axes.axvline(end, color=INK, linewidth=1, dashes=(2, 3))
    axes.set(xlabel="diameter, nm", ylabel="particles/mL for each nm", xlim=(0, None), ylim=(0, None))
    axes.yaxis.set_major_formatter(lambda density, _: number(float(density), 2))
    if len(sizes["files"]) <= _NAMED:
        axes.legend(frameon=False, fontsize=9)


def _short(name: str) -> str:
    return name if len(name) <= 48 else f"{name[:45]}…"


def _style() -> str:
    return "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "lot.css"))


def _runs(assessment: Assessment) -> list[Panel]:
    return [
        _run(run.entry, run.plate, run.assay.model)
        for run in assessment.runs
        if run.plate is not None and run.assay is not None
    ]


def _run(assay: AssayFile, plate: Plate, model: str) -> Panel:
    """Wells of reference and sample with the curve of each on its own."""
    run = plate.run(assay.reference, assay.sample)
    with canvas(520, 260) as (figure, axes):
        for dose, response, colour, name in (
            (run.reference_dose, run.reference, _SHADES[0], assay.reference),
            (run.sample_dose, run.sample, _SHADES[1], assay.sample),
        ):
            axes.plot(dose, response, "o", color=colour, markersize=4, label=name)
            x = np.linspace(np.log(dose.min()), np.log(dose.max()), 100)
            fit = (fit_line if model == "parallel_line" else fit_logistic)(np.log(dose), response)
            if fit is not None:
                drawn = line(x, *fit.estimate) if model == "parallel_line" else logistic(x, *fit.estimate)
                axes.plot(np.exp(x), drawn, color=colour)
        axes.set(xscale="log", xlabel=f"dose, {plate.wells[0].unit}", ylabel="response")
        # The style draws text as it is, and a power in a tick's label would be markup.
        axes.xaxis.set_major_formatter(lambda dose, _: number(float(dose)))
        axes.minorticks_off()
        axes.legend(frameon=False)
        svg = svg_text(figure, f"run {plate.name}")
    left = f" Left out: {', '.join(plate.left_out)}." if plate.left_out else ""
    return Panel(plate.name, f"{assay.sample} beside {assay.reference}, each with its own curve.{left}", svg)


def _charts(history: Json) -> list[Panel]:
    return [
        _chart(series["quantity"], chart)
        for series in history.get("series", [])
        for chart in series["charts"]
    ]


def _chart(quantity: str, chart: Json) -> Panel:
    """Earlier lots in their order within the limits they give, and the new lot after them as a ring."""
    lots = np.arange(1, len(chart["values"]) + 1)
    before = chart["baseline"]
    with canvas(520, 220) as (figure, axes):
        axes.plot(lots[:before], chart["values"][:before], "o-", color=TREATED, linewidth=1, markersize=4)
        axes.plot(lots[before:], chart["values"][before:], "o", color=INK, markersize=8, fillstyle="none")
        axes.axhline(chart["centre"], color=INK, linewidth=1)
        for side in ("low", "high"):
            axes.step(lots, chart[side], where="mid", color=COMPARED, linewidth=1)
        axes.set(xlabel="lot", xticks=lots[:: max(1, lots.size // 12)])
        axes.yaxis.set_major_formatter(lambda value, _: number(float(value)))
        svg = svg_text(figure, f"{quantity} {chart['name']}")
    ring = "The ring is this lot; it did not make the limits. " if chart["new"] else ""
    words = chart_words(chart)
    return Panel(f"{quantity_words(quantity)}: {chart['name']}", f"{ring}{words[0].upper()}{words[1:]}.", svg)
