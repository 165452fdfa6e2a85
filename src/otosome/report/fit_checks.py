"""Pictures of how readings lie among those a fit predicts: predictive checks, prediction errors, residuals."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from scipy.special import ndtr

from otosome.answers.numbers import difference, number, unit_text
from otosome.fitting.assays import in_ratios, written
from otosome.fitting.diagnostics import LEVELS, Checked, Diagnostics, Residual
from otosome.report.drawing import COMPARED, INK, SOFT, TREATED, canvas, ratio_ticks, svg_text, tone_axis
from otosome.report.figures import Panel
from otosome.report.summary import words
from otosome.study import Study

_HOURS_A_DAY, _DAYS = 24.0, 3.0
_BINS = 10


def checks(tested: Diagnostics, study: Study) -> list[Panel]:
    """Visual predictive checks, a panel each measure and arm."""
    ordered = sorted(tested.checked, key=lambda row: (row.measure, row.arm, row.at))
    groups = groupby(ordered, key=lambda row: (row.measure, row.arm))
    return [_check(measure, arm, list(rows), study) for (measure, arm), rows in groups]


def _check(measure: str, arm: str, rows: list[Checked], study: Study) -> Panel:
    """5, 50 and 95 % of readings as lines with marks, over bands of what they are in simulated experiments."""
    at = np.array([row.at for row in rows])
    in_days = rows[0].over == "time" and np.abs(at).max() > _DAYS * _HOURS_A_DAY
    along = at / _HOURS_A_DAY if in_days else at
    unit, scale = written(study, measure)
    outside = 0
    with canvas(400, 270) as (figure, axes):
        for level in range(len(LEVELS)):
            low, middle, high, real = (
                scale * np.array([getattr(row, key)[level] for row in rows])
                for key in ("low", "median", "high", "observed")
            )
            colour = TREATED if level == 1 else SOFT
            axes.fill_between(along, low, high, color=colour, alpha=0.22, linewidth=0)
            axes.plot(along, middle, color=colour, linewidth=1, linestyle="dashed")
            axes.plot(along, real, color=INK, linewidth=1.2, marker="o", markersize=4)
            beyond = (real < low) | (real > high)
            outside += int(beyond.sum())
            axes.plot(along[beyond], real[beyond], color=COMPARED, marker="D", linestyle="none", markersize=6)
        if in_ratios(study, measure):
            axes.set_yscale("log")
            ratio_ticks(axes.yaxis)
        if rows[0].over == "tone":
            tone_axis(axes, along)
        else:
            axes.set_xlabel("time (d)" if in_days else "time (h)")
        axes.set_ylabel(unit_text(unit) or "share")
        svg = svg_text(figure, f"check {measure} {arm}")
    says = f"{arm}: {outside} of {3 * len(rows)} percentiles of readings lie outside."
    return Panel(f"{words(measure)}, {words(arm)}", says, svg)


def errors(tested: Diagnostics) -> list[Panel]:
    """Prediction errors, a panel each measure: their shares, flat where the fit is right."""
    panels = []
    for measure, rows in _by_measure(tested.residuals):
        shares = ndtr(np.array([row.npde for row in rows]))
        count = np.histogram(shares, np.linspace(0.0, 1.0, _BINS + 1))[0] / shares.size
        # Nine of ten bars lie within this where all shares are equally likely.
        even, within = 1.0 / _BINS, 1.645 * np.sqrt((1.0 - 1.0 / _BINS) / _BINS / shares.size)
        with canvas(400, 200) as (figure, axes):
            axes.axhspan(max(even - within, 0.0), even + within, color=SOFT, alpha=0.2, linewidth=0)
            axes.stairs(count, np.linspace(0.0, 1.0, _BINS + 1), color=TREATED, fill=True, alpha=0.5)
            axes.axhline(even, color=INK, linewidth=1)
            axes.set(
                xlabel="rank among predicted readings",
                ylabel="share of readings",
                xlim=(0, 1),
                ylim=(0, None),
            )
            svg = svg_text(figure, f"npde {measure}")
        text = next(row.text for row in tested.calibration if row.measure == measure)
        panels.append(Panel(words(measure), f"{measure}: npde {text}.", svg))
    return panels


def residuals(tested: Diagnostics, study: Study) -> list[Panel]:
    """Readings less the prediction, over the prediction, a panel each measure."""
    panels = []
    for measure, rows in _by_measure(tested.residuals):
        ratio = in_ratios(study, measure)
        across, up = (np.array([getattr(row, key) for row in rows]) for key in ("foretold", "residual"))
        open_ended = np.array([row.censored != 0 for row in rows])
        unit, scale = written(study, measure)
        across = scale * across
        with canvas(400, 270) as (figure, axes):
            axes.axhline(0.0, color=INK, linewidth=1)
            axes.plot(across[~open_ended], up[~open_ended], ".", color=TREATED, markersize=5, alpha=0.5)
            axes.plot(across[open_ended], up[open_ended], "x", color=SOFT, markersize=4)
            if ratio:
                axes.set_xscale("log")
                ratio_ticks(axes.xaxis)
            axes.set_xlabel(f"predicted ({unit_text(unit) or 'share'})")
            axes.set_ylabel("log of the ratio" if ratio else unit_text(difference(unit)) or "share")
            svg = svg_text(figure, f"residuals {measure}")
        says = (
            f"{measure}: {len(rows)} readings, root mean square {number(float(np.sqrt(np.mean(up**2))), 2)}."
        )
        panels.append(Panel(words(measure), says, svg))
    return panels


def _by_measure(rows: list[Residual]) -> Iterator[tuple[str, list[Residual]]]:
    ordered = sorted(rows, key=lambda row: row.measure)
    for measure, own in groupby(ordered, key=lambda row: row.measure):
        yield measure, list(own)
