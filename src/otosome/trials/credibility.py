"""How far an answer can be relied on, item by item after ASME V&V 40 and ICH M15, from what was run for it.

Each item says what was done and what was not; none is filled in where nothing was run.
Source: ASME V&V 40-2018 (credibility by model risk) and ICH M15, draft of 2024 (assessment of models), by their items.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otosome.answers.numbers import number, share
from otosome.answers.sources import Grounds, sources
from otosome.catalog import Catalog

if TYPE_CHECKING:
    from otosome.study import Study
    from otosome.trials.operating import Simulated
    from otosome.trials.plan import Plan

NOT_STATED = 'not stated: consequence = "..." in the design\'s file says it'
_KNOWN = ("measured", "secondary")


@dataclass(frozen=True)
class Item:
    """An item of credibility: what was ``done``, and what is left ``open``."""

    item: str
    done: str
    open: str


@dataclass(frozen=True)
class Run:
    """What was run for an answer: the study of its ears, the trials, and the numerical errors of the bank.

    ``balance``  largest part of a dose that is unaccounted for;  ``steps``  largest error of time steps, of the peak
    """

    study: Study
    simulated: Simulated
    balance: float
    steps: float


def credibility(question: str, consequence: str, plan: Plan, run: Run | None) -> tuple[Item, ...]:
    """The items of an answer; ``run``  None for one by formula alone.

    ``question``  its title;  ``consequence``  of a wrong decision, as the design's file states it
    """
    estimand = plan.estimand
    use = f"{estimand.treatments}; {estimand.variable}; in {estimand.population}"
    rows = [
        Item("question of interest", question, ""),
        Item("context of use", use, "treating anyone: research only"),
        Item("consequence of a wrong decision", consequence or NOT_STATED, ""),
    ]
    if run is None:
        return (
            *rows,
            Item(
                "model influence",
                "none: the answer is of formulas, with the numbers stated",
                "no ear was simulated",
            ),
        )
    return (*rows, *_of_run(run))


def _of_run(run: Run) -> Iterator[Item]:
    done, study = run.simulated, run.study
    first = done.operating[0]
    yield Item(
        "model influence",
        f"power and assurance are of {done.trials} trials from simulated ears alone",
        "the size by formula does not use them",
    )
    yield Item(
        "verification: conservation and steps",
        f"at most {number(run.balance, 1)} of a dose unaccounted for, {share(run.steps).text} of the peak by steps in "
        f"time, over {done.ears - done.left_out} ears",
        f"{done.left_out} ears could not be computed and are left out" if done.left_out else "",
    )
    error = share(first.positive.exact[0] + first.wrong).text
    yield Item(
        "verification: the trials",
        f"under no effect {error} significant, either way; Monte-Carlo error {number(100 * first.monte_carlo, 1)} %",
        "",
    )
    yield inputs_item(sources(study))
    beside = "" if done.prediction is None else done.prediction.text
    insults = {use.entry for use in study.tables.insult.values()}
    yield validation_item(insults, study.tables.species, study.catalog, beside)
    worlds = f"{done.worlds} draws of all that is not known"
    yield Item(
        "uncertainty",
        f"{worlds}; between them power goes from {share(done.operating[1].worlds[1]).text} to "
        f"{share(done.operating[1].worlds[2]).text}",
        f"bank error {number(100 * done.operating[1].bank, 1)} %",
    )
    yield applicability_item(study.tables.species)


def inputs_item(rows: Sequence[Grounds]) -> Item:
    """How many of the numbers that an answer rests on were measured."""
    by_basis = Counter(row.basis for row in rows)
    words = ", ".join(f"{count} {basis}" for basis, count in by_basis.most_common())
    known = sum(by_basis[basis] for basis in _KNOWN) / by_basis.total()
    return Item(
        "inputs", f"{by_basis.total()} numbers and curves: {words}", f"{share(1 - known).text} not measured"
    )


def validation_item(insults: Collection[str], species: str, catalog: Catalog, beside: str = "") -> Item:
    """Published cases of the same insults in the same species; ``beside``  a trial laid beside, in words."""
    rows = list(_cases(insults, species, catalog))
    fitted = sum(used for _, used in rows)
    names = " ".join(name for name, _ in rows[:4])
    if not rows:
        return Item(
            "validation", beside, "no published case of these insults in this species is on the shelf"
        )
    cases = f"{len(rows)} published cases of these insults in this species, {fitted} of them used to fit"
    return Item(
        "validation",
        f"{beside}; {cases}" if beside else cases,
        f"not run here: otosome qualify {names}{' ...' if len(rows) > 4 else ''}",
    )


def applicability_item(species: str) -> Item:
    """Of whom an answer is."""
    return Item(
        "applicability",
        f"a {species.replace('_', ' ')}, as the study states it",
        "" if species == "human" else "nothing here is of people: no number is carried over",
    )


def _cases(insults: Collection[str], species: str, catalog: Catalog) -> Iterator[tuple[str, bool]]:
    """Rows of the shelf of published cases that suffer one of these insults in this species, and whether used."""
    for name in catalog.names("cases"):
        options = catalog.get("cases", name).options
        stated = options.study or {}
        own = stated.get("insult", {})
        entries = {use["entry"] for use in own.values()} if isinstance(own, dict) else set()
        if stated.get("species") == species and entries & set(insults):
            yield from ((row, bool(case.used)) for row, case in options.row.items() if not case.no_test)
