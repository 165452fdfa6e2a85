"""A fit as one page: what the data tell, number by number, over its own pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome import __version__
from otosome.answers.numbers import number, unit_text
from otosome.fitting.fit import Estimate, Fit, Outcome
from otosome.fitting.free import numbers_of
from otosome.fitting.posterior import LARGEST_RHAT, LEAST_ESS
from otosome.report.against import sections
from otosome.report.drawing import COMPARED, INK, SOFT, TREATED, canvas, style, svg_text
from otosome.report.figures import Panel
from otosome.report.fit_checks import checks, errors, residuals
from otosome.report.summary import words
from otosome.units import Array, convert

if TYPE_CHECKING:
    from otosome.fitting.file import FitFile

_BINS = 40
# More numbers than this make pairs too small to read.
_MOST_PAIRS = 6


@dataclass(frozen=True)
class Row:
    """An estimate as the table prints it."""

    estimate: Estimate
    value: str
    rse: str
    learnt: str


def fit_report(outcome: Outcome, file: FitFile) -> str:
    """The page of a fit as HTML."""
    from otosome.report import page_of

    fit, study = outcome.fit, file.study
    titles = _titles(file)
    drawn = {} if outcome.ears is None else {name: outcome.ears[name] for name in outcome.ears}
    return page_of(
        "fit.html.jinja",
        title=study.tables.title,
        species=words(study.tables.species),
        version=__version__,
        fit=fit,
        rows=[_row(estimate) for estimate in fit.estimates],
        methods=methods(fit, file),
        against=sections(fit.fit, titles),
        before={total.measure: total for total in fit.prior_fit.totals},
        foretold=sections(fit.held_out.foretold, titles) if fit.held_out and fit.held_out.foretold else [],
        rival={} if fit.held_out is None else {row.measure: row for row in fit.held_out.rival},
        densities=[_density(file, estimate, drawn[estimate.name]) for estimate in fit.estimates if drawn],
        pairs=_pairs(fit, outcome.deviates) if len(outcome.deviates) else [],
        checks=checks(outcome.diagnostics, study),
        errors=errors(outcome.diagnostics),
        residuals=residuals(outcome.diagnostics, study),
    )


def _titles(file: FitFile) -> dict[str, str]:
    """What each measure is called on the page; of several that read one thing alike, with its own name besides."""
    titles = {name: _title(file, name) for name in file.study.tables.measure}
    alike = {title for title in titles.values() if list(titles.values()).count(title) > 1}
    return {name: f"{title}, {name}" if title in alike else title for name, title in titles.items()}


def _title(file: FitFile, name: str) -> str:
    measure = file.study.tables.measure[name]
    label = file.study.catalog.get("endpoints", measure.endpoint).options.label or measure.endpoint
    of = measure.cell or (measure.of or "scala_tympani" if measure.solute else "")
    return f"{label} ({words(of)})" if of else label


def _row(estimate: Estimate) -> Row:
    return Row(
        estimate,
        unit_text(estimate.text),
        "–" if estimate.rse is None else f"{100 * estimate.rse:.0f} %",
        "–" if estimate.learnt is None else f"{100 * estimate.learnt:.0f} %",
    )


def methods(fit: Fit, file: FitFile) -> str:
    """The sentence for a paper."""
    how = {
        "posterior": f"draws of an ensemble sampler (emcee, {fit.steps} steps; "
        + ("converged by" if fit.converged else "not converged by")
        + f" rank-normalised R-hat under {LARGEST_RHAT:g} and {LEAST_ESS:g} effective draws)",
        "laplace": "Laplace's approximation at the most probable values",
        "mode": "the most probable values alone",
    }[fit.method]
    who = ", ".join(fit.differing) or "nothing"
    starts = f"{fit.search.starts} start{'s' if fit.search.starts > 1 else ''}"
    return (
        f"{len(fit.estimates)} numbers of otosome {__version__} were fitted to {fit.readings} readings of "
        f"{fit.animals} animals (SHA-256 {fit.data_hash}), all others standing at their best value, with the shelf's "
        f"ranges as priors; {who} differ between animals, and each ear has its own offset, both "
        f"integrated. The most probable values were sought by quasi-Newton steps (BFGS) from {starts}; intervals (90 "
        f"%) are those of {how}."
    )


def _density(file: FitFile, estimate: Estimate, drawn: Array) -> Panel:
    """A number before and after, as histograms; on a scale of ratios where it lies above zero."""
    p = numbers_of(file.study)[estimate.name]
    scale = convert(1.0, p.unit, estimate.unit)
    before, drawn = scale * p.quantile((np.arange(2000) + 0.5) / 2000), scale * drawn
    ratio = bool(min(before.min(), drawn.min()) > 0)
    low, high = min(before.min(), drawn.min()), max(before.max(), drawn.max())
    edges = np.geomspace(low, high, _BINS) if ratio else np.linspace(low, high, _BINS)
    with canvas(400, 200) as (figure, axes):
        for values, colour in ((before, SOFT), (drawn, TREATED)):
            share = np.histogram(values, edges)[0] / values.size
            axes.stairs(share, edges, color=colour, fill=True, alpha=0.35)
        if ratio:
            axes.set_xscale("log")
            ticks = np.geomspace(low, high, 4)
            axes.set_xticks(ticks, [number(float(tick), 2) for tick in ticks])
        axes.axvline(estimate.mode, color=INK, linewidth=1)
        axes.set(yticks=[], xlabel=unit_text(estimate.unit) or "share")
        axes.minorticks_off()
        axes.spines["left"].set_visible(False)
        svg = svg_text(figure, f"density {estimate.name}")
    return Panel(estimate.name, f"{estimate.name}: {estimate.text}; shelf: {estimate.prior}.", svg)


def _pairs(fit: Fit, deviates: Array) -> list[Panel]:
    """Draws of every two of the numbers best tested, in deviates of their priors."""
    from matplotlib.figure import Figure

    order = sorted(range(len(fit.estimates)), key=lambda n: -(fit.estimates[n].learnt or 0.0))[:_MOST_PAIRS]
    if len(order) < 2:
        return []
    rows = np.linspace(0, len(deviates) - 1, min(300, len(deviates))).astype(int)
    size = len(order) - 1
    with style({"font.size": 9}):
        figure = Figure(figsize=(680 / 72, 680 / 72), layout="tight")
        for i in range(size):
            for j in range(i + 1):
                axes = figure.add_subplot(size, size, i * size + j + 1)
                across, up = order[j], order[i + 1]
                axes.plot(*deviates[rows][:, [across, up]].T, ".", color=TREATED, markersize=2, alpha=0.5)
                axes.plot(0, 0, "+", color=COMPARED, markersize=8)
                axes.set(xticks=[], yticks=[])
                if i == size - 1:
                    axes.set_xlabel(_short(fit.estimates[across].name), fontsize=8)
                if j == 0:
                    axes.set_ylabel(_short(fit.estimates[up].name), fontsize=8)
        svg = svg_text(figure, "pairs")
    says = ", ".join(f"{pair.first} and {pair.second} {number(pair.correlation, 2)}" for pair in fit.pairs)
    return [Panel("Pairs", f"Numbers that go together: {says or 'none closely'}.", svg)]


def _short(name: str) -> str:
    return name.split(".", 1)[1]
