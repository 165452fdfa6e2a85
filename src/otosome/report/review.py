"""A review as one page that works offline: forest, funnel, map of evidence, risk of bias, and every source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome import __version__
from otosome.answers.numbers import amount, share
from otosome.report import _policy, _templates
from otosome.report.axes import Axis
from otosome.report.drawing import INK, SOFT, TREATED, canvas, label, style, svg_text
from otosome.report.further import SHOWN, further_lines, further_table
from otosome.report.groups import INCH, PRINT
from otosome.report.summary import capital
from otosome.review.pooling.likelihood import Believed
from otosome.review.synthesis import UNITS, Dot, Review, Row, Together, ends, in_sds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HERE = Path(__file__).parent
# A mark for each strength, so that a weak print is not read as a strong one: on the page, and in a figure.
MARKS = {"individuals": ("■", "s"), "means": ("●", "o"), "p": ("◆", "D"), "direction": ("▷", ">")}
STRENGTHS = {
    "individuals": "a value or an event for each subject",
    "means": "means with a spread",
    "p": "a p, or a bound on it",
    "direction": "a direction alone",
}
LIGHTS = {"yes": "✓", "no": "✗", "not stated": "?"}
# Effects further out are drawn at the edge, with an arrow.
_FROM, _TO = -2.5, 4.5
_WIDTH = 174.0  # mm, two columns of a journal


@dataclass(frozen=True)
class ForestRow:
    """A row of the forest with its positions in %: ``beyond`` where its upper end lies outside the axis."""

    row: Row
    mark: str
    low: float
    middle: float
    high: float
    beyond: bool
    text: str


@dataclass(frozen=True)
class Block:
    """Rows that belong together, with their mean effect in SDs below them."""

    heading: str
    rows: list[ForestRow]
    mean: Believed | None
    positions: tuple[float, float, float]
    text: str


def review_page(review: Review) -> str:
    """The page of a review as HTML text, the same for the same review."""
    css = "".join((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "review.css"))
    scale = Axis(_FROM, _TO, (-2.0, 0.0, 2.0, 4.0), "SD")
    return (
        _templates()
        .get_template("review.html.jinja")
        .render(
            review=review,
            version=__version__,
            style=css,
            policy=_policy(css, ""),
            scale=scale,
            blocks=blocks(review, scale),
            marks=MARKS,
            strengths=STRENGTHS,
            lights=LIGHTS,
            share=share,
            map=evidence_map(review.map),
            funnels=[(each, funnel_svg(each)) for each in review.together if each.pool.k > 1],
            curve=curve_svg(review.curve),
            further=further_table(review.further, likes(review)) if review.further else None,
            further_lines=further_lines(review.further, likes(review)),
            further_n=SHOWN,
            in_sds=in_sds,
            amount=amount,
            ends=ends,
            units=UNITS,
            items=list(dict.fromkeys(light.item for row in review.lights.values() for light in row)),
        )
    )


def likes(review: Review) -> dict[str, str]:
    """How the experiments of a review are called."""
    return {row.experiment: f"{row.short} ({row.insult})" for row in review.rows}


def blocks(review: Review, scale: Axis) -> list[Block]:
    """The forest by where and by product: animals first, then people, then culture."""
    order = {"animals": 0, "people": 1, "culture": 2}
    words = list(dict.fromkeys((row.place, row.product) for row in review.rows))
    groups = []
    for place, product in sorted(words, key=lambda pair: (order[pair[0]], pair[1] != "vesicles", pair[1])):
        rows = [row for row in review.rows if (row.place, row.product) == (place, product)]
        mean = review.blocks.get(f"{product} in {place}")
        groups.append(
            Block(
                f"{capital(product)}, {place}",
                [_forest_row(row, scale) for row in rows],
                mean,
                (0.0, 0.0, 0.0) if mean is None else _positions(scale, mean.low, mean.median, mean.high),
                "" if mean is None else in_sds(mean),
            )
        )
    return groups


def _positions(scale: Axis, low: float, middle: float, high: float) -> tuple[float, float, float]:
    return scale.at(low), scale.at(middle), scale.at(high)


def _forest_row(row: Row, scale: Axis) -> ForestRow:
    low, middle, high = row.bounds
    bounded = row.g is not None or high < _TO
    # What is bounded on one side has no middle of its own: its mark stands at the bound.
    shown = _positions(scale, low, middle if bounded else low, high)
    return ForestRow(row, MARKS[row.strength][0], *shown, high > _TO, row.text)


def evidence_map(dots: Sequence[Dot]) -> tuple[list[str], list[tuple[str, list[list[Dot]]]]]:
    """Products down and insults across: in each cell the dots of its routes."""
    insults = sorted({dot.insult for dot in dots})
    rows = []
    for place, product in sorted({(dot.place, dot.product) for dot in dots}):
        mine = [dot for dot in dots if (dot.place, dot.product) == (place, product)]
        rows.append(
            (
                f"{capital(product)}, {place}",
                [[dot for dot in mine if dot.insult == insult] for insult in insults],
            )
        )
    return insults, rows


# ---------------------------------------------------------------- figures


def funnel_svg(each: Together) -> str:
    """Effects over their errors, with the pool and where 95 % would lie without differences between studies."""
    with canvas(460, 300) as (figure, axes):
        _funnel(axes, each)
        return svg_text(figure, f"funnel {each.scale}")


def _funnel(axes: Axes, each: Together) -> None:
    errors = np.array(each.errors)
    top = 1.15 * errors.max()
    left, right = ([each.pool.value, each.pool.value + side * top] for side in (-1.96, 1.96))
    axes.fill_betweenx([0, top], left, right, color=TREATED, alpha=0.12, linewidth=0)
    axes.axvline(each.pool.value, color=TREATED, linewidth=1)
    axes.axvline(0, color=SOFT, linewidth=0.8, linestyle=(0, (2, 3)))
    axes.plot(each.values, errors, "o", color=INK, markersize=6)
    axes.set(xlabel=f"effect, {each.scale}", ylabel="standard error", ylim=(top, 0))


def curve_svg(curve: Sequence[Believed]) -> str:
    """The mean effect over the share of results without significance that is printed."""
    with canvas(460, 300) as (figure, axes):
        across = [row.share for row in curve]
        low, high = [row.low for row in curve], [row.high for row in curve]
        axes.fill_between(across, low, high, color=TREATED, alpha=0.18, linewidth=0)
        axes.plot(across, [row.median for row in curve], color=TREATED, marker="o", markersize=5)
        axes.axhline(0, color=SOFT, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.set_xscale("log")
        axes.set_xticks(across, [share(part).text for part in across])
        axes.minorticks_off()
        axes.set(
            xlabel="results without significance that get printed", ylabel="mean effect, SD of an animal"
        )
        axes.set_xlim(1.15, 0.0085)
        return svg_text(figure, "selection")


def save_forest(review: Review, stem: Path) -> None:
    """Write the forest as a figure for print, SVG and PDF, the same for the same review."""
    with style({**PRINT, "svg.hashsalt": "forest"}):
        figure = forest_figure(review)
        for ending in ("svg", "pdf"):
            date = {"Date": None} if ending == "svg" else {"CreationDate": None}
            figure.savefig(stem.with_suffix(f".{ending}"), metadata=date)


def forest_figure(review: Review) -> Figure:
    """Every experiment in SDs of an animal, by product, with the mean of each group as a diamond."""
    from matplotlib.figure import Figure

    groups = blocks(review, Axis(_FROM, _TO, ()))
    lines = sum(len(group.rows) + 2 for group in groups)
    figure = Figure(figsize=(_WIDTH / INCH, (4.4 * lines + 22) / INCH), layout="constrained")
    axes = figure.add_subplot()
    at = 0.0
    for group in groups:
        _text(axes, at, group.heading, "", weight="bold")
        for row in group.rows:
            at += 1
            _draw_row(axes, at, row)
        at += 1
        if group.mean is not None and len(group.rows) > 1:
            _diamond(axes, at, group.mean, group.text)
        at += 1
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.set(
        xlim=(_FROM, _TO),
        ylim=(at, -1),
        yticks=[],
        xlabel="effect, SD of an animal: to the right the treated are better",
    )
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    figure.supxlabel(
        "; ".join(f"{mark} {STRENGTHS[name]}" for name, (mark, _) in MARKS.items()), fontsize=6.5, color=SOFT
    )
    return figure


def _text(axes: Axes, at: float, left: str, right: str, weight: str = "normal", color: str = INK) -> None:
    for text, across, off in ((left, 0.0, -150.0), (right, 1.0, 6.0)):
        look = {"va": "center", "fontsize": 7, "weight": weight, "color": color}
        label(axes, text, (across, at), (off, 0), across="axes fraction", up="data", **look)


def _draw_row(axes: Axes, at: float, row: ForestRow) -> None:
    low, middle, high = row.row.bounds
    n = "–".join(str(count) if count is not None else "?" for count in row.row.n)
    _text(axes, at, f"{row.row.short}, {row.row.species}, {row.row.insult} (n {n})", row.text)
    axes.plot([max(low, _FROM), min(high, _TO)], [at, at], color=SOFT, linewidth=1)
    place = middle if not row.beyond or row.row.g is not None else low
    hollow = row.row.p_is == "assumed" or row.row.strength == "direction"
    filling = "white" if hollow else INK
    mark, shown = MARKS[row.row.strength][1], min(max(place, _FROM), _TO)
    axes.plot([shown], [at], mark, color=INK, markersize=4, markerfacecolor=filling)
    if row.beyond:
        axes.annotate(
            "", (_TO, at), (_TO - 0.12, at), arrowprops={"arrowstyle": "->", "color": SOFT, "lw": 1}
        )


def _diamond(axes: Axes, at: float, mean: Believed, text: str) -> None:
    ends = [min(max(end, _FROM), _TO) for end in (mean.low, mean.median, mean.high, mean.median)]
    axes.fill(ends, [at, at - 0.35, at, at + 0.35], color=TREATED)
    _text(axes, at, "Mean of these", text, color=TREATED)
