"""Designs answered, as one HTML page that works offline: fit for the appendix of a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from otosome import __version__
from otosome.answers.numbers import share
from otosome.report import _policy, _templates
from otosome.report.drawing import INK, SOFT, canvas, svg_text
from otosome.report.figures import Panel
from otosome.trials.answer import DesignAnswer
from otosome.trials.plan import Chart

_HERE = Path(__file__).parent
# Okabe and Ito's palette, told apart by the dashes too.
_LINES = (("#0072B2", ""), ("#D55E00", "6 3"), ("#009E73", "2 3"), ("#CC79A7", "8 3 2 3"), (INK, "1 2"))
_ATTRIBUTES = ("population", "treatments", "variable", "intercurrent", "summary")


def trial_report(answers: Sequence[DesignAnswer]) -> str:
    """The page of designs side by side, each with its tables, curves, estimand and analysis."""
    style = "".join(
        (_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "lot.css", "trial.css")
    )
    template = _templates().get_template("trial.html.jinja")
    return template.render(
        answers=answers,
        panels={each.name: panels(each) for each in answers},
        percent=lambda value: share(value).text,
        attributes=_ATTRIBUTES,
        version=__version__,
        style=style,
        policy=_policy(style, ""),
    )


def panels(answer: DesignAnswer) -> list[Panel]:
    """The charts of a design's answer, drawn: of trials simulated first."""
    done = answer.simulated
    simulated = () if done is None or done.chances is None else (done.chances,)
    return [_panel(answer.name, chart) for chart in (*simulated, *answer.plan.charts)]


def _panel(name: str, chart: Chart) -> Panel:
    ends = "; ".join(
        f"{line.label}: {line.up[0]:.2g} at {line.across[0]:g} to {line.up[-1]:.2g} at {line.across[-1]:g}"
        for line in chart.series
    )
    return Panel(chart.heading, f"{chart.up} over {chart.across}. {ends}.", _chart(name, chart))


def _chart(name: str, chart: Chart) -> str:
    with canvas(560, 330) as (figure, axes):
        for line, (colour, dashes) in zip(chart.series, _cycled(len(chart.series)), strict=True):
            style = (0, tuple(map(float, dashes.split()))) if dashes else "solid"
            axes.plot(line.across, line.up, color=colour, linestyle=style, label=line.label)
        if chart.mark is not None:
            axes.axhline(chart.mark, color=SOFT, linewidth=0.9)
        axes.set(xlabel=chart.across, ylabel=chart.up)
        if max(value for line in chart.series for value in line.up) <= 1:
            axes.set_ylim(0, 1.02)
        if len(chart.series) > 1:
            axes.legend(frameon=False)
        return svg_text(figure, f"{name} {chart.heading}")


def _cycled(count: int) -> list[tuple[str, str]]:
    return [_LINES[number % len(_LINES)] for number in range(count)]
