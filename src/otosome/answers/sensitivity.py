"""How much each unknown number moves the answer, and what the answer rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from otosome.answers.contrast import gain
from otosome.answers.sources import sourced
from otosome.evidence import BASES, Parameter
from otosome.forward import Carried, best, plan, through
from otosome.study import Compare, Study

# Shelves whose numbers weigh what was measured and change nothing in it.
_WEIGHED = ("harms", "utilities")


def sensitivity(study: Study, asked: Compare, workers: int = 2) -> list[dict[str, Any]]:
    """How much each unknown number that can reach the answer moves it, most first."""
    reached = _reached(study, asked)
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
    chain = plan(study, [asked.of, asked.against], growth=1.3)
    # Numbers that move no solute share the solutions of the ear of best values.
    answers = through(chain, table, gain(study, asked), workers, carried=Carried())["benefit"]
    rows = [
        {**_moved(p, *answers[2 * n : 2 * n + 2]), **sourced(p, study.catalog)} for n, p in enumerate(unknown)
    ]
    return sorted(rows, key=_moves, reverse=True)


def _reached(study: Study, asked: Compare) -> set[str]:
    """The entries whose numbers can reach a comparison: none of other arms, other endpoints, harms or utilities.

    Soluble protein acts on nothing.
    """
    heard = study.heard(study.tables.measure[asked.measure].endpoint)
    entries = [(e.card.shelf, e.name) for e in study.only(asked.of, asked.against).entries()]
    return {
        f"{shelf}.{name}"
        for shelf, name in entries
        if shelf not in _WEIGHED
        and (shelf, name) != ("solutes", "protein")
        and (shelf != "endpoints" or name in heard)
    }


def _moved(parameter: Parameter, at_low: float, at_high: float) -> dict[str, Any]:
    low, high = parameter.ends()
    return {
        "parameter": parameter.name, "meaning": parameter.meaning, "unit": parameter.unit,
        "low": low, "high": high, "at_low": float(at_low), "at_high": float(at_high),
    }  # fmt: skip


def share(moved: list[dict[str, Any]]) -> dict[str, float]:
    """Part of all movement of the answer that is due to numbers of each basis; all zero where nothing moves it."""
    by_basis = {basis: sum(_moves(row) for row in moved if row["basis"] == basis) for basis in BASES}
    total = sum(by_basis.values())
    return {basis: moves / total if total else 0.0 for basis, moves in by_basis.items()}


def _moves(row: Mapping[str, Any]) -> float:
    return abs(row["at_high"] - row["at_low"])
