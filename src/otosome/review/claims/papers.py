"""What papers did that bear on a claim: a card an experiment, and what all of them say together."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.catalog import Catalog
from otosome.review.question import Question
from otosome.review.synthesis import in_sds, review


@dataclass(frozen=True)
class Paper:
    """An experiment in a line: who, what injured them, what they got, how many, and what was printed."""

    short: str
    link: str
    about: str
    printed: str
    strength: str


@dataclass(frozen=True)
class Papers:
    """All experiments on a claim: together, and to whom who thinks that of null results one in ten is printed."""

    command: str
    together: str
    sceptic: str
    rows: list[Paper]


def papers(catalog: Catalog, request: tuple[str, ...]) -> Papers | None:
    """The experiments of a question and its filters; None where a claim asks none."""
    if not request:
        return None
    question, *only = request
    whole = review(Question.of(question, only), catalog, further=False)
    (rare,) = (row for row in whole.curve if row.share == 0.1)
    rows = [
        Paper(
            row.short,
            row.link,
            f"{row.species}, {row.insult}, {row.product} ({' and '.join('?' if n is None else str(n) for n in row.n)})",
            row.text,
            row.strength,
        )
        for row in whole.rows
    ]
    command = " ".join(["otosome review", question, *(f"--only {each}" for each in only)])
    return Papers(command, whole.text, in_sds(rare), rows)
