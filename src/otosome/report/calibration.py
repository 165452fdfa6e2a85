"""A fit to published cases: as lines, and as one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otosome import __version__
from otosome.answers.numbers import number, share
from otosome.fitting.posterior import LARGEST_RHAT, LEAST_ESS
from otosome.report.drawing import SOFT, canvas, svg_text
from otosome.report.figures import Panel
from otosome.report.groups import COLOURS
from otosome.review.calibration.fit import MISSED

if TYPE_CHECKING:
    from otosome.review.calibration.fit import CaseFit


def case_fit_lines(fit: CaseFit) -> list[str]:
    """What published figures say of numbers, a line a number and a line a figure."""
    numbers, figures = _many(len(fit.numbers), "number"), _many(len(fit.figures), "published figure")
    others = (
        f"{fit.beside} others that are drawn ({fit.draws} draws)"
        if fit.draws
        else "all else at its best value"
    )
    lines = [f"{numbers} from {figures}, given {others}"]
    for row in fit.numbers:
        lines.append(
            f"  {row.name}: {row.text}  (shelf: {row.shelf}); {share(row.alone).text} of its variance is of the "
            "figures' errors, the rest of other numbers"
        )
    lines += [
        f"  {figure.row}: printed {figure.printed} (error {figure.error}), simulated {figure.simulated.text}"
        for figure in fit.figures
    ]
    return [*lines, *(f"  {sentence}" for sentence in fit.sentences)]


def case_fit_report(fit: CaseFit) -> str:
    """The page of a fit to cases as HTML."""
    from otosome.report import page_of

    return page_of(
        "calibration.html.jinja",
        title=fit.title or ", ".join(row.name for row in fit.numbers),
        version=__version__,
        fit=fit,
        alone={row.name: share(row.alone).text for row in fit.numbers},
        panels=[missed(fit)],
        shares={row.name: _by_size(row.linked) for row in fit.numbers},
        methods=methods(fit),
    )


def missed(fit: CaseFit) -> Panel:
    """A line for each published figure: how far it is missed, in its errors, middle and 5 to 95 %."""
    heading = "How far each figure is missed, in its errors"
    with canvas(620, 62 + 24 * len(fit.figures)) as (figure, axes):
        axes.axvspan(-MISSED, MISSED, color=SOFT, alpha=0.15, linewidth=0)
        axes.axvline(0.0, color=SOFT, linewidth=1)
        for height, row in enumerate(fit.figures):
            axes.plot(row.ends, [height, height], color=COLOURS[0], linewidth=4, alpha=0.5, label=row.row)
            axes.plot(row.off, height, marker="o", color=COLOURS[0], markersize=8, label=row.row)
        axes.set_ylim(len(fit.figures) - 0.5, -0.5)
        axes.set_yticks(range(len(fit.figures)), [row.row for row in fit.figures])
        axes.set_xlabel("errors above what is printed (band: within two)")
        axes.grid(visible=False, axis="y")
        svg = svg_text(figure, heading)
    middles = ", ".join(f"{row.row} {number(row.off, 2)}" for row in fit.figures)
    return Panel(heading, f"{heading}, middles: {middles}.", svg)


def _by_size(shares: dict[str, float]) -> list[tuple[str, float]]:
    """Shares with the largest first, whatever their sign."""
    return sorted(shares.items(), key=lambda item: -abs(item[1]))


def methods(fit: CaseFit) -> str:
    """The sentence for a paper."""
    rows = ", ".join(figure.row for figure in fit.figures)
    was = "was" if len(fit.numbers) == 1 else "were"
    ended = f"{'' if fit.settled else 'not '}in {_many(fit.rounds, 'round')}"
    if fit.method == "posterior":
        how = (
            "draws of the joint posterior of them and of all else (emcee; "
            + ("converged by" if fit.settled else "not converged by")
            + f" rank-normalised R-hat under {LARGEST_RHAT:g} and {LEAST_ESS:g} effective draws), in which they were "
            f"regressed on the standard normal deviates of {fit.beside} other numbers"
        )
    elif fit.method == "within":
        how = (
            "the normal distribution, given the standard normal deviates of all else, with the least mean misfit of "
            f"its own draws for its width (Opper and Archambeau 2009), found {ended}; it lies within "
            "the posterior, and is narrower than it"
        )
    elif fit.method == "least squares":
        how = (
            f"least squares with all else at its best value ({ended}), in standard normal deviates; how sharply they "
            "are told is of the slopes there"
        )
    else:
        how = (
            "statistical linearisation: how far each was missed, in errors, was regressed on the standard normal "
            f"deviates of {fit.beside} other numbers over {fit.draws} draws, and what is fitted moved until neither "
            f"the middle nor any deviate moved the misfit ({ended})"
        )
    stated = (
        "" if fit.narrow == 1.0 else f", of whose spread beside links {share(fit.narrow).text} are stated"
    )
    return (
        f"{_many(len(fit.numbers), 'number')} of otosome {__version__} {was} fitted to published figures ({rows}) by "
        f"{how}. Intervals are 5 to 95 % of a normal distribution, in which each number is linked to the deviates that "
        f"move the figures{stated}; what was thought before entered of {', '.join(fit.thought) or 'none'}."
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
