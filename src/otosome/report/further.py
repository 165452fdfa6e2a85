"""Experiments that could be next, in tables and sentences: what each would narrow, by dose, day and reading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from otosome.answers.numbers import number, share
from otosome.report.summary import capital
from otosome.review.priors.further import Narrowing

# Animals a group of what the tables show; every number of them stands in the folder.
SHOWN = 12
_DOSES: Mapping[float, str] = {
    0.1: "a tenth of its dose",
    1.0: "its dose",
    3.0: "three times its dose",
    10.0: "ten times its dose",
}
_DAYS: Mapping[int, str] = {-1: "the day before", 1: "the day after", 3: "three days after"}


@dataclass(frozen=True)
class FurtherTable:
    """Experiments done like published ones: heads of doses, and a row for each of them, day and reading.

    A cell is the width of the benefit as expected after it, dB, and the chance that it finds vesicles better.
    """

    doses: list[str]
    rows: list[tuple[str, list[tuple[str, str]]]]


def further_table(
    rows: Sequence[Narrowing], likes: Mapping[str, str], prior: str = "as_printed"
) -> FurtherTable:
    """What experiments of twelve a group would change under a prior.

    ``likes``  how each published experiment is called
    """
    shown = [row for row in rows if (row.prior, row.n) == (prior, SHOWN)]
    cells = {(row.like, row.read, row.day, row.dose): row for row in shown}
    doses = sorted({row.dose for row in shown})
    lines = sorted(
        {(row.like, row.read, row.day) for row in shown},
        key=lambda line: (line[0], line[1] != "threshold", line[1], line[2]),
    )
    return FurtherTable(
        [capital(_DOSES[dose]) for dose in doses],
        [
            (
                f"{likes.get(line[0], line[0])}: {_read(line[1])}, {_DAYS[line[2]]}",
                [_cell(cells.get((*line, dose))) for dose in doses],
            )
            for line in lines
        ],
    )


def _cell(row: Narrowing | None) -> tuple[str, str]:
    return ("–", "") if row is None else (_width(row), share(row.finds).text)


def _width(row: Narrowing) -> str:
    return f"{number(row.after, 2)} dB"


def _read(kind: str) -> str:
    return "thresholds" if kind == "threshold" else kind


def further_lines(rows: Sequence[Narrowing], likes: Mapping[str, str]) -> list[str]:
    """Under each prior: how far the benefit is known now, what would narrow it most, by animals; and what least."""
    return [_line([row for row in rows if row.prior == name], likes) for name in {r.prior: 0 for r in rows}]


def _line(rows: Sequence[Narrowing], likes: Mapping[str, str]) -> str:
    shown = sorted((row for row in rows if row.n == SHOWN), key=lambda row: row.after)
    best, least = shown[0], shown[-1]
    keys = ("like", "dose", "day", "read")
    alike = [row for row in rows if all(getattr(row, key) == getattr(best, key) for key in keys)]
    sizes = ", ".join(
        f"{number(row.after, 2)} with {row.n} a group" for row in sorted(alike, key=lambda row: row.n)
    )
    return (
        f"{capital(best.prior.replace('_', ' '))}, the benefit in the published experiments is known to "
        f"{number(best.now, 2)} dB (5 to 95 %). Most is told by {_words(best, likes)}: {sizes}; it finds vesicles "
        f"better in {share(best.finds).text} with {SHOWN}. Least is told by {_words(least, likes)}: "
        f"{number(least.after, 2)} dB."
    )


def _words(row: Narrowing, likes: Mapping[str, str]) -> str:
    return f"{_read(row.read)} as in {likes.get(row.like, row.like)}, {_DOSES[row.dose]}, {_DAYS[row.day]}"
