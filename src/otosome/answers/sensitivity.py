"""How much each unknown number moves the answer, and what the answer rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from otosome.answers.contrast import gain
from otosome.answers.sources import Grounds, grounds
from otosome.catalog import Catalog
from otosome.evidence import BASES, Parameter
from otosome.forward import Carried, best, plan, through
from otosome.study import Compare, Study

# Shelves whose numbers weigh what was measured and change nothing in it.
_WEIGHED = ("adverse_events", "utilities")


@dataclass(frozen=True)
class Mover(Grounds):
    """An unknown number at its 5 and at its 95 %, and the benefit there with all others at their best value."""

    parameter: str
    meaning: str
    unit: str
    low: float
    high: float
    at_low: float
    at_high: float

    @property
    def moves(self) -> float:
        """How far the benefit moves."""
        return abs(self.at_high - self.at_low)


def sensitivity(study: Study, question: Compare, workers: int = 2) -> list[Mover]:
    """How much each unknown number that can reach the answer moves it, most first."""
    reached = _reached(study, question)
    unknown = [
        p
        for p in study.parameters.values()
        if (p.low < p.high or p.lots) and p.name.rpartition(".")[0] in reached
    ]
    if not unknown:
        return []
    table = {name: np.repeat(column, 2 * len(unknown)) for name, column in best(study).items()}
    for number, parameter in enumerate(unknown):
        table[parameter.name][2 * number : 2 * number + 2] = parameter.ends()
    chain = plan(study, [question.of, question.against], growth=1.3)
    # Numbers that move no solute share the solutions of the ear of best values.
    moved = through(chain, table, gain(study, question), workers, carried=Carried())["benefit"]
    ends = moved.reshape(-1, 2)
    rows = [
        _mover(parameter, float(low), float(high), study.catalog)
        for parameter, (low, high) in zip(unknown, ends, strict=True)
    ]
    return sorted(rows, key=lambda row: row.moves, reverse=True)


def _reached(study: Study, question: Compare) -> set[str]:
    """The entries whose numbers can reach a comparison: none of other arms, endpoints, adverse events or utilities.

    Soluble protein acts on nothing.
    """
    heard = study.heard(study.tables.measure[question.measure].endpoint)
    entries = [(e.card.shelf, e.name) for e in study.only(question.of, question.against).entries()]
    return {
        f"{shelf}.{name}"
        for shelf, name in entries
        if shelf not in _WEIGHED
        and (shelf, name) != ("solutes", "protein")
        and (shelf != "endpoints" or name in heard)
    }


def _mover(parameter: Parameter, at_low: float, at_high: float, catalog: Catalog) -> Mover:
    low, high = parameter.ends()
    return Mover(
        **vars(grounds(parameter, catalog)),
        parameter=parameter.name,
        meaning=parameter.meaning,
        unit=parameter.unit,
        low=low,
        high=high,
        at_low=at_low,
        at_high=at_high,
    )


def movement(movers: Iterable[Mover]) -> dict[str, float]:
    """Part of all movement of the answer that is due to numbers of each basis; all zero where nothing moves it."""
    by_basis: dict[str, float] = dict.fromkeys(BASES, 0.0)
    for row in movers:
        by_basis[row.basis] += row.moves
    total = sum(by_basis.values())
    return {basis: moves / total if total else 0.0 for basis, moves in by_basis.items()}
