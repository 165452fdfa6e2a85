"""Every published case simulated beside what was measured, as docs/validation.md with its figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome import __version__
from otosome.catalog import Catalog
from otosome.review.qualification import WORLDS, counts, coverage, evidence, qualify
from otosome.review.qualification.case import Z95
from otosome.review.qualification.text import measured, number, simulated
from otosome.review.qualification.verdict import (
    DECIBELS,
    RATIO,
    SHARE,
    SPREADS,
    SURE,
    VERDICTS,
    Row,
)
from otosome.units import LEVELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "# Held against published cases"
SEED = 1
_COLOURS = {"agrees": "#2a7f4f", "disagrees": "#b3261e", "uninformative": "#a5842f"}


def write_document(
    file: Path,
    rows: Sequence[Row],
    catalog: Catalog | None = None,
    worlds: int = WORLDS,
    seed: int = SEED,
) -> None:
    """Write the document and, beside it, the figure."""
    picture = file.with_suffix(".png")
    draw_rows(picture, rows)
    lines = [*_head(worlds, seed, evidence(catalog)), *_counted(rows)]
    lines += ["", f"![Simulated intervals and measured values, a line for each row]({picture.name})", ""]
    lines += [*_table(rows), *_disagreements(rows), *_untested(rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def write(root: Path) -> None:
    """Simulate every case, some minutes, and write docs/validation.md with its figure."""
    write_document(root / "docs" / "validation.md", qualify(worlds=WORLDS, seed=SEED))


def stated(file: Path) -> tuple[str, list[str]]:
    """The fingerprint and the ids a written document holds."""
    lines = file.read_text(encoding="utf-8").splitlines()
    mark = next(line.split("`")[1] for line in lines if line.startswith("Evidence: `"))
    return mark, [line.split("`")[1] for line in lines if line.startswith("| `")]


def _head(worlds: int, seed: int, mark: str) -> Iterator[str]:
    yield TITLE
    yield ""
    yield "Written by `make docs`; no number here is typed."
    yield ""
    yield f"Evidence: `{mark}`, otosome {__version__}, {worlds} worlds, seed {seed}."
    yield ""
    yield f"""Every published case is simulated as it was done: one replicate is one *world*, a single draw of
everything that is not known, with as many subjects as were published, and the reading error of the endpoint.
*Simulated* is the median of the published statistic over worlds with its 5 to 95 %.

- **agrees**: the interval meets the measured value with its own error. That error is {Z95:.3g} standard errors
  either way (from the SD and the number of ears where no SE is printed). Where a range of single ears stands beside
  a median, the range is not its error: that comes from the range and the number of ears, taken as log-normal. A
  range that is printed instead of a value is taken as it is; where nothing is printed, the value has no error.
- **disagrees**: it does not, however wide it is.
- **uninformative**: the interval meets it, but is too wide to tell. Whether a row covers or excludes what was measured
  and whether it is *sharp* are two marks. Too wide is 95 % over 5 % above {RATIO:.0f} for a positive number,
  {DECIBELS:.0f} dB for a level or a shift, {100 * SHARE:.0f} points for a share, or {SPREADS:.0f} times the measured
  spread between ears where one is known.
- A *direction* has a probability p, the share of worlds in which it holds. It is uncalibrated: no set of
  directions has shown that such probabilities come true as often as they say. From {SURE} it agrees, up to
  {1 - SURE:.1f} it disagrees.
- An *exact* row agrees if every value is within its tolerance; the one furthest off is shown.
- A row that something was **calibrated** on, or that is built in, is counted apart and is no evidence. A **weak**
  row could hardly fail: its tolerance includes zero, spans decades, or is ours.
- **no test**: the case cannot be simulated; the reason is given at the end."""
    yield ""


def _counted(rows: Sequence[Row]) -> Iterator[str]:
    names = {
        "evidence": "evidence", "exact": "of these, exact arithmetic", "weak": "of these, weak",
        "calibration": "calibrated on, or built in",
    }  # fmt: skip
    yield f"| Rows | {' | '.join(VERDICTS)} |"
    yield "|---" * (len(VERDICTS) + 1) + "|"
    for name, by_verdict in counts(rows).items():
        yield f"| {names[name]} | {' | '.join(str(by_verdict[v]) for v in VERDICTS)} |"
    yield ""
    yield "| Intervals of | covering | of these, sharp | excluding | of these, sharp |"
    yield "|---|---|---|---|---|"
    for name, marks in coverage(rows).items():
        yield f"| {names[name]} | {' | '.join(str(number) for number in marks.values())} |"
    values = [row for row in rows if row.inside is not None and not row.used]
    yield ""
    yield (
        f"Of {len(values)} measured values that are evidence, {sum(bool(row.inside) for row in values)} lie inside "
        "their interval themselves, whatever their error."
    )


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "| Row | What | Simulated | Measured | Verdict | Width / spread | Score | Note |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        cells = [
            f"`{row.id}`", row.about, simulated(row), measured(row), row.verdict, number(row.widths),
            number(row.score), _note(row),
        ]  # fmt: skip
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
    yield ""
    yield "Score: the interval score at 90 %, in the row's unit; less is better."


def _note(row: Row) -> str:
    notes = [f"used: {row.used}"] if row.used else []
    if row.sharp is False:
        notes.append(row.reason)
    return "; ".join([*notes, *(["weak"] if row.weak else [])])


def _disagreements(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("", "## Disagreements", "")
    found = [row for row in rows if row.verdict == "disagrees"]
    for row in found:
        apart = " (calibrated on, or built in)" if row.used else ""
        why = f" Our reading: {row.why}" if row.why else " We do not know why."
        yield f"- `{row.id}`{apart}: {row.about}. Simulated {simulated(row)}, measured {measured(row)}.{why}"
    if not found:
        yield "None."


def _untested(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("", "## No test", "")
    for row in rows:
        if row.verdict == "no test":
            yield f"- `{row.id}`: {row.reason}"
    yield from ("", "## Weak rows", "")
    for row in rows:
        if row.weak:
            yield f"- `{row.id}`: {row.weak}"


def draw_rows(file: Path, rows: Sequence[Row]) -> None:
    """Every row on one axis: 0 and 1 are the ends of its simulated interval, the dot is what was measured."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [row for row in rows if row.simulated is not None and row.kind != "exact"]
    figure = Figure(figsize=(8, 1.2 + 0.24 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for line, row in enumerate(reversed(shown)):
        _draw_row(axes, line, row)
    axes.set_yticks(range(len(shown)), [row.id + (" *" if row.used else "") for row in reversed(shown)])
    axes.tick_params(axis="y", labelsize=7, length=0)
    axes.set_xticks([0, 1], ["5 %", "95 %"])
    axes.set_xlim(-1.6, 2.6)
    axes.set_ylim(-1, len(shown))
    axes.set_xlabel("simulated interval; dot: measured, triangle: a bound; * calibrated on it, or built in")
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(file, dpi=110, metadata={"Software": None})


def _draw_row(axes: Axes, line: int, row: Row) -> None:
    assert row.simulated is not None
    colour, alpha = _COLOURS[row.verdict], 0.45 if row.used else 1.0
    at = _axis(row)
    axes.plot([0, 1], [line, line], color=colour, alpha=0.35 * alpha, linewidth=6, solid_capstyle="butt")
    axes.plot([at(row.simulated["median"])], [line], "|", color=colour, alpha=alpha, markersize=7)
    bound = row.measured.get("above"), row.measured.get("below")
    if bound != (None, None):
        value, marker = (bound[0], ">") if bound[0] is not None else (bound[1], "<")
        assert value is not None
        axes.plot([at(value)], [line], marker, color=colour, alpha=alpha, markersize=5)
        return
    value, ends = row.measured["value"], [row.measured[key] for key in ("from", "to")]
    if value is not None:
        axes.plot([at(value)], [line], "o", color=colour, alpha=alpha, markersize=4)
    if ends[0] is not None and ends[1] is not None:
        axes.plot([at(ends[0]), at(ends[1])], [line, line], color=colour, alpha=alpha, linewidth=1)


def _axis(row: Row) -> Callable[[float], float]:
    """A row's own axis: 0 and 1 at the ends of its interval, logarithmic where ratios count, kept on the page."""
    assert row.simulated is not None
    low, high = row.simulated["low"], row.simulated["high"]
    ratios = row.unit not in (*LEVELS, "%") and low > 0
    width = np.log(high / low) if ratios else high - low

    def at(value: float) -> float:
        if width == 0:
            return 0.5
        found = np.log(max(value, 1e-12 * low) / low) / width if ratios else (value - low) / width
        return float(np.clip(found, -1.5, 2.5))

    return at
