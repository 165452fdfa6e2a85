"""The map of what was measured as a figure for print: a dot an experiment, and fields that nobody filled."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.report.drawing import COMPARED, INK, SOFT, TREATED, style
from otosome.report.groups import INCH, PRINT
from otosome.report.summary import capital
from otosome.review.coverage import AXES, Coverage, Mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What a mark looks like: better, none of the outcomes better, some of them.
MARKS = {"better": "●", "none": "○", "mixed": "◐"}
SAYS = {
    "better": "better than the control",
    "none": "no better than the control",
    "mixed": "better in some outcomes",
}
_WIDTH, _ROW, _ABOVE, _BELOW = 174.0, 11.0, 14.0, 14.0  # mm; the width of two columns of a journal
_LABELS = 34.0  # mm for the words at the left
_GAP = "#eceeea"
_DOT = 0.32
_IN_A_ROW, _MANY = 5, 8


def map_figure(map_: Coverage) -> Figure:
    """A field for each pair of words: its experiments as dots, a grey field where there is none."""
    from matplotlib.figure import Figure

    high = _ABOVE + _BELOW + _ROW * len(map_.rows)
    figure = Figure(figsize=(_WIDTH / INCH, high / INCH))
    axes = figure.add_axes(
        (_LABELS / _WIDTH, _BELOW / high, 1 - (_LABELS + 2) / _WIDTH, 1 - (_ABOVE + _BELOW) / high)
    )
    across, down = len(map_.columns), len(map_.rows)
    # Fields are as wide and high as these units say, so that dots are round.
    wide = (_WIDTH - _LABELS - 2) / _ROW / across
    for place, row in enumerate(map_.rows):
        for number, column in enumerate(map_.columns):
            marks = map_.fields.get((row, column), ())
            _field(axes, (wide * number, place), wide, marks)
    axes.set(xlim=(0, wide * across), ylim=(down, 0))
    axes.set_xticks([wide * (number + 0.5) for number in range(across)], [_broken(c) for c in map_.columns])
    axes.set_yticks([place + 0.5 for place in range(down)], [capital(row) for row in map_.rows])
    axes.tick_params(length=0, labelcolor=INK, labeltop=True, labelbottom=False)
    axes.tick_params(axis="x", labelsize=7 if across <= _MANY else 5.5)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    words = "; ".join(f"{MARKS[kind]} {says}" for kind, says in SAYS.items())
    figure.text(0.01, 0.25 * _BELOW / high, f"{words}. Grey: no experiment.", fontsize=6.5, color=SOFT)
    sides = f"{capital(AXES[map_.down])}, by {AXES[map_.across]}"
    figure.text(0.99, 0.25 * _BELOW / high, sides, fontsize=6.5, color=SOFT, ha="right")
    return figure


def _broken(word: str) -> str:
    """A heading in two lines where it is long."""
    half = word.find(" ", len(word) // 3)
    return word if len(word) < 11 or half < 0 else f"{word[:half]}\n{word[half + 1 :]}"


def _field(axes: Axes, corner: tuple[float, float], wide: float, marks: tuple[Mark, ...]) -> None:
    from matplotlib.patches import Circle, Rectangle, Wedge

    left, top = corner
    colour = "none" if marks else _GAP
    axes.add_patch(
        Rectangle(
            (left + 0.03, top + 0.03), wide - 0.06, 0.94, facecolor=colour, edgecolor="#c9cec9", linewidth=0.5
        )
    )
    size = min(_DOT, wide / (_IN_A_ROW + 1))
    for number, mark in enumerate(marks):
        line, place = divmod(number, _IN_A_ROW)
        lines, beside = -(-len(marks) // _IN_A_ROW), min(len(marks) - line * _IN_A_ROW, _IN_A_ROW)
        at = (
            left + wide / 2 + (place - (beside - 1) / 2) * size,
            top + 0.5 + (line - (lines - 1) / 2) * size,
        )
        edge = COMPARED if mark.direction == "none" else TREATED
        filling = TREATED if mark.direction == "better" else "white"
        axes.add_patch(Circle(at, 0.38 * size, facecolor=filling, edgecolor=edge, linewidth=0.9))
        if mark.direction == "mixed":
            axes.add_patch(Wedge(at, 0.38 * size, 90, 270, facecolor=TREATED, linewidth=0))


def map_svg(map_: Coverage) -> bytes:
    """The figure as SVG, the same for the same map."""
    buffer = io.BytesIO()
    with style({**PRINT, "svg.hashsalt": "map"}):
        map_figure(map_).savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def save_map(map_: Coverage, stem: Path) -> None:
    """Write the figure as SVG and PDF."""
    stem.with_suffix(".svg").write_bytes(map_svg(map_))
    with style({**PRINT, "svg.hashsalt": "map"}):
        map_figure(map_).savefig(stem.with_suffix(".pdf"), metadata={"CreationDate": None})
