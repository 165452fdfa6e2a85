"""From a lot to a patient: what each release limit is worth in hearing, in a study at best values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otosome.assess import Assessment
from otosome.catalog import Catalog
from otosome.evidence import BadInput
from otosome.forward import best
from otosome.scenario import Study, load
from otosome.scenario.study import texts
from otosome.units import LEVELS, quantity
from otosome.weigh import benefits


@dataclass(frozen=True)
class Stake:
    """One end of a limit, or of what is known: the number moved, and the benefit it leaves.

    ``factor``  the number over what it is in this lot;  ``benefit``, ``change``  in the study's unit
    """

    limit: str
    factor: float
    benefit: float
    change: float


@dataclass(frozen=True)
class Stakes:
    """A study's benefit with this lot, its unit, and what every limit changes."""

    study: str
    unit: str
    benefit: float
    limits: tuple[Stake, ...]


def stakes(assessment: Assessment, file: Path, study: str, catalog: Catalog) -> Stakes:
    """What each limit of a lot changes in a study's benefit, all else at best value.

    raises  BadInput for a study that compares no treatment
    """
    made = load(study, shelves=catalog.own, batch=file, despite_quality=True)
    asked = made.scenario.compare
    treatments = [] if asked is None else made.arm(asked.of).treatments
    if asked is None or not treatments:
        raise BadInput("compares no treatment, so nothing is at stake in it", file=study, key="compare")
    batch = f"batches.{made.scenario.treatment[treatments[0]].batch}."
    moves = list(_moves(assessment, made, batch, catalog))
    table = best(made).iloc[np.zeros(1 + len(moves), dtype=int)].reset_index(drop=True)
    for row, (_, column, factor) in enumerate(moves, start=1):
        values = table[column].to_numpy(dtype=float, copy=True)
        values[row] *= factor
        table[column] = values
    found = benefits(made, asked, table)
    rows = tuple(
        Stake(limit, factor, float(value), float(value - found[0]))
        for (limit, _, factor), value in zip(moves, found[1:], strict=True)
    )
    options = made.catalog.get("endpoints", made.scenario.measure[asked.measure].endpoint).card.options
    unit = str(options.get("unit", ""))
    return Stakes(made.name, "dB" if unit in LEVELS else unit, float(found[0]), rows)


def _moves(assessment: Assessment, made: Study, batch: str, catalog: Catalog) -> list[tuple[str, str, float]]:
    """Each limit in words, the number it moves and by how much."""
    card = catalog.get("specifications", assessment.dossier.specification).card
    moves: list[tuple[str, str, float]] = []
    for name in texts(card.options.get("label")):
        tolerance = card.parameter(name, "").value
        for sign in (-1, 1):
            moves.append(
                (
                    f"count at label {100 * sign * tolerance:+.0f} %",
                    f"{batch}count_error",
                    1 + sign * tolerance,
                )
            )
    error = made.parameters[f"{batch}count_error"]
    if error.low < error.high:
        moves += [
            (f"count at its {end}", f"{batch}count_error", v)
            for end, v in zip(("5 %", "95 %"), error.ends(), strict=True)
        ]
    for mechanism, (_, potency) in assessment.potencies.items():
        if potency is not None:
            key = f"{batch}potency_{mechanism}"
            for words, end in (("lower", potency.low), ("upper", potency.high)):
                moves.append(
                    (f"potency {mechanism} at the {words} end of its 95 % interval", key, end / potency.r)
                )
    moves += _storage(assessment, batch, catalog)
    return moves


def _storage(assessment: Assessment, batch: str, catalog: Catalog) -> list[tuple[str, str, float]]:
    """Storage from the time of the dose to the end of the shelf life, where a process says how fast it is lost."""
    process = assessment.dossier.process
    if process is None:
        return []
    card = catalog.get("processes", process).card
    left, loss = card.parameter("storage_limit", "").value, card.parameter("storage_loss", "").value
    now = float(np.exp(-loss * quantity(assessment.dossier.stored, "h")))
    return [
        ("given the day it is made", f"{batch}storage_survival", 1 / now),
        (
            f"given at the end of its shelf life ({100 * left:.0f} % left)",
            f"{batch}storage_survival",
            left / now,
        ),
    ]
