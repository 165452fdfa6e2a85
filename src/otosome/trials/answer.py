"""What ``otosome trial`` answers of each design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.catalog import Catalog
from otosome.trials.beliefs import Beliefs, grounds, shelf_beliefs
from otosome.trials.credibility import Item, credibility
from otosome.trials.following import Following, followed
from otosome.trials.operating import Simulated
from otosome.trials.plan import Plan
from otosome.trials.reading import Question
from otosome.units import Quantity

if TYPE_CHECKING:
    import pandas as pd

    from otosome.fitting.use import Known
    from otosome.trials.bank import Ticks
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
    ticks: Ticks,
    known: Known | None = None,
) -> tuple[DesignAnswer, pd.DataFrame]:
    """The answer with the trials its file asks for, and the subjects of the first of them, a row each.

    ``folder``  for the bank of simulated ears;  ``ticks``  makes what is called with subjects simulated and all of them
    ``known``  a fit that states the numbers of their study
    """
    from otosome.trials.characteristics import simulated
    from otosome.trials.sizes import unlike

    assert question.simulate is not None
    protocol, beliefs = question.simulate, _beliefs(question, catalog)
    wanted = _wanted(question.design)
    run, people = simulated(
        protocol, question.beside, catalog, beliefs, folder, crew, resume, ticks, known, wanted
    )
    added = protocol.analysis != "shares" and len(run.simulated.operating) > 2
    notes = [*by_formula.notes, *([beliefs.note] if added and beliefs.note else [])]
    notes += known.notes if known else []
    deviation = getattr(question.design, "deviation", 0.0)
    notes += [] if wanted is None else unlike(run.simulated.control, deviation, wanted.unit)
    items = credibility(question.title, question.consequence, by_formula.plan, run)
    return replace(
        by_formula, simulated=run.simulated, notes=(*notes, *run.simulated.notes), credibility=items
    ), people


def with_people(
    by_formula: DesignAnswer, question: Question, catalog: Catalog
) -> tuple[DesignAnswer, pd.DataFrame]:
    """The answer with the people its file asks to follow, and those of the first trial, a row each."""
    terms, design = question.followed, getattr(question.design, "following", None)
    assert terms is not None
    assert isinstance(design, Following)
    adverse_event = (
        None
        if terms.adverse_event is None
        else catalog.get("adverse_events", terms.adverse_event).card.parameter("risk", "human")
    )
    done, people = followed(terms, design, adverse_event)
    wrong = done.operating[1].positive.text
    tried = Item(
        "verification: the trials", f"of an adverse event of {design.ratio:g} times {wrong} exclude it", ""
    )
    return replace(by_formula, simulated=done, credibility=(*by_formula.credibility, tried)), people


def _wanted(design: object) -> Quantity | None:
    """The true difference that a design is to find, of several the smallest; None where it states none."""
    stated = getattr(design, "difference", None)
    several = stated if isinstance(stated, tuple) else () if stated is None else (stated,)
    return min(several, key=lambda each: abs(float(each)), default=None)


def _beliefs(question: Question, catalog: Catalog) -> Beliefs:
    """The true benefits a design names, house units; of one that names none, those of the published experiments."""
    stated = getattr(question.design, "belief", None)
    note = ""
    if stated is None:
        stated = {name: tuple(map(Quantity, ends)) for name, ends in shelf_beliefs(catalog).items()}
        ends = ", ".join(f"{name} {best} ({low} to {high})" for name, (low, best, high) in stated.items())
        note = f"Believed of the true benefit, of experiments in animals: {ends} ({grounds(catalog)})."
    assert isinstance(stated, Mapping)
    units = {end.unit for ends in stated.values() for end in ends}
    values = {name: (float(low), float(best), float(high)) for name, (low, best, high) in stated.items()}
    return Beliefs(values, units.pop() if len(units) == 1 else "", note)
