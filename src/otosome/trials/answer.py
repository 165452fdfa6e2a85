"""What ``otosome trial`` answers of each design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.catalog import Catalog
from otosome.trials.credibility import Item, credibility
from otosome.trials.operating import Simulated
from otosome.trials.plan import Plan
from otosome.trials.reading import Question

if TYPE_CHECKING:
    import pandas as pd

    from otosome.trials.bank import Tick
    from otosome.trials.cluster import Crew


@dataclass(frozen=True)
class DesignAnswer:
    """A design answered: its file's name and title, its entry on the shelf, its plan by formula, and notes.

    ``simulated``    what trials simulated from a bank do, where it was asked
    ``credibility``  how far it can be relied on, item by item
    """

    name: str
    title: str
    design: str
    plan: Plan
    notes: tuple[str, ...]
    simulated: Simulated | None = None
    credibility: tuple[Item, ...] = ()


def answer(question: Question) -> DesignAnswer:
    """What a design needs and can show, by formula; raises BadInput outside what the design is for."""
    plan = question.design.plan()
    items = credibility(question.title, question.consequence, plan, None)
    notes = (*question.notes, *plan.notes)
    return DesignAnswer(question.name, question.title, question.entry, plan, notes, credibility=items)


def with_trials(
    by_formula: DesignAnswer,
    question: Question,
    catalog: Catalog,
    folder: Path,
    crew: Crew,
    resume: bool,
    tick: Tick,
) -> tuple[DesignAnswer, pd.DataFrame]:
    """The answer with the trials its file asks for, and the subjects of the first of them, a row each.

    ``folder``  for the bank of simulated ears
    """
    from otosome.trials.characteristics import simulated

    assert question.simulate is not None
    run, people = simulated(
        question.simulate, question.beside, catalog, _beliefs(question), folder, crew, resume, tick
    )
    notes = (*by_formula.notes, *run.simulated.notes)
    items = credibility(question.title, question.consequence, by_formula.plan, run)
    return replace(by_formula, simulated=run.simulated, notes=notes, credibility=items), people


def _beliefs(question: Question) -> dict[str, tuple[float, float, float]]:
    """The true benefits a design names, house units; none where it names none."""
    stated = getattr(question.design, "belief", {})
    assert isinstance(stated, Mapping)
    return {name: (float(low), float(best), float(high)) for name, (low, best, high) in stated.items()}
