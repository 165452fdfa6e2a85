"""A fit to published cases: as lines, and as one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otosome import __version__
from otosome.answers.numbers import share

if TYPE_CHECKING:
    from otosome.review.calibration.fit import CaseFit


def case_fit_lines(fit: CaseFit) -> list[str]:
    """What published figures say of numbers, a line a number and a line a figure."""
    numbers, figures = _many(len(fit.numbers), "number"), _many(len(fit.figures), "published figure")
    lines = [f"{numbers} from {figures}, given {fit.beside} others that are drawn ({fit.draws} draws)"]
    for row in fit.numbers:
        lines.append(
            f"  {row.name}: {row.text}  (shelf: {row.shelf}); {share(row.alone).text} of its variance its own"
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
        methods=methods(fit),
    )


def methods(fit: CaseFit) -> str:
    """The sentence for a paper."""
    rows = ", ".join(figure.row for figure in fit.figures)
    ended = f"{'' if fit.settled else 'not '}in {_many(fit.rounds, 'round')}"
    return (
        f"{_many(len(fit.numbers), 'number')} of otosome {__version__} {'was' if len(fit.numbers) == 1 else 'were'} "
        f"fitted to published figures ({rows}) by statistical linearisation: how far each was missed, in errors, was "
        f"regressed on the standard normal deviates of {fit.beside} other numbers over {fit.draws} draws, and what is "
        f"fitted moved until neither the middle nor any deviate moved the misfit ({ended}). Intervals are 5 to 95 % of "
        "a normal distribution, in which each number is linked to the deviates that move the figures; what was thought "
        f"before entered of {', '.join(fit.thought) or 'none'}."
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
