"""What ``otosome trial`` answers of each design."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.trials.plan import Plan
from otosome.trials.reading import Question


@dataclass(frozen=True)
class DesignAnswer:
    """A design answered: its file's name and title, its entry on the shelf, its plan by formula, and notes."""

    name: str
    title: str
    design: str
    plan: Plan
    notes: tuple[str, ...]


def answer(question: Question) -> DesignAnswer:
    """What a design needs and can show, by formula; raises BadInput outside what the design is for."""
    plan = question.design.plan()
    return DesignAnswer(question.name, question.title, question.entry, plan, (*question.notes, *plan.notes))
