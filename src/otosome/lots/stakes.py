"""From a lot to a patient: what each release limit is worth in hearing, ear by ear in a study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otosome.answers.contrast import benefits
from otosome.catalog import Catalog
from otosome.ears import Ears, stacked
from otosome.errors import BadInput
from otosome.forward import draw, planned, simulate
from otosome.lots.assessment import Assessment
from otosome.study import Study, load
from otosome.units import LEVELS, Array, convert


@dataclass(frozen=True)
class Stake:
    """One end of a limit, or of what is known, and what it changes in the same ears.

    ``value``   of the batch's number, the same in every ear: true particles for each one counted, potency, share left
    ``change``, ``low``, ``high``  of the benefit, in the study's unit: median over ears, 5 and 95 %
    """

    limit: str
    value: float
    change: float
    low: float
    high: float


@dataclass(frozen=True)
class Stakes:
    """A study's benefit with this lot (median over ears, 5 and 95 %), and what every limit changes.

    ``reach``  vesicles in a nanolitre of the organ of Corti, at the place and time where there are most: median over
               ears of the compared arm
    """

    study: str
    unit: str
    ears: int
    benefit: float
    low: float
    high: float
    reach: float
    limits: tuple[Stake, ...]


def stakes(
    assessment: Assessment, file: Path, name: str, catalog: Catalog, ears: int = 40, seed: int = 1
) -> Stakes:
    """What each limit of a lot changes in a study's benefit: the same drawn ears with and without the change.

    raises  BadInput for a study that compares no arms, or whose compared arm gets nothing of the lot
    """
    study = load(name, shelves=catalog.own, batch=file, despite_quality=True)
    contrast = study.tables.compare
    if contrast is None:
        raise BadInput(
            "compares no arms, so no benefit is at stake in it",
            file=name,
            key="compare",
            cure="add a [compare] that names an arm which gets a lot",
        )
    moves = _moves(assessment, study, _lot(study, contrast.of, name), catalog)
    drawn = draw(study, ears, seed)
    moved = [drawn.assign(**{move.column: move.value}) for move in moves]
    outcomes = benefits(study, contrast, stacked([drawn, *moved])).reshape(1 + len(moves), ears)
    changes = [_middle(row - outcomes[0]) for row in outcomes[1:]]
    limits = tuple(
        Stake(move.words, move.value, *change) for move, change in zip(moves, changes, strict=True)
    )
    options = study.catalog.get("endpoints", study.tables.measure[contrast.measure].endpoint).options
    unit = options.unit
    benefit = _middle(outcomes[0])
    reach = _reach(study, drawn, contrast.of)
    return Stakes(study.name, "dB" if unit in LEVELS else unit, ears, *benefit, reach, limits)


def _reach(study: Study, ears: Ears, of: str) -> float:
    """Vesicles per nanolitre at the place of an arm's ears that most reach, median over ears."""
    peaks = simulate(study, ears, workers=1, keep=("vesicles",))["vesicles"].sel(arm=of)
    return convert(float(np.median(peaks.max("place").to_numpy())), "particles/uL", "particles/nL")


def _lot(study: Study, of: str, file: str) -> str:
    """The lot that an arm gets, by a treatment or from a device; raises BadInput where it gets none."""
    lots_given = {arm.name: planned(study, arm).lot for arm in study.tables.arm}
    # A vehicle holds nothing, so no lot is put in its place.
    lots = {
        arm: lot[0]
        for arm, lot in lots_given.items()
        if lot and study.parameters[f"batches.{lot[0]}.particles"].value
    }
    if of not in lots:
        raise BadInput(
            "the compared arm gets no vesicles, so no limit of a lot is at stake in it",
            file=file,
            key="compare.of",
            given=of,
            allowed=list(lots) or None,
            cure="compare an arm with a treatment, or with a device that releases a batch",
        )
    return lots[of]


def _middle(values: Array) -> tuple[float, float, float]:
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return float(middle), float(low), float(high)


@dataclass(frozen=True)
class _Move:
    """A limit in words, the number it sets in every ear, and to what."""

    words: str
    column: str
    value: float


def _moves(assessment: Assessment, study: Study, name: str, catalog: Catalog) -> list[_Move]:
    batch = f"batches.{name}."
    moves = []
    label = assessment.record.label
    of_count = label / study.parameters[f"{batch}particles"].value if label else np.nan
    tolerance = assessment.specification.label
    if label and tolerance is not None:
        for share in (-tolerance.value, tolerance.value):
            words = f"truth at label {100 * share:+.0f} %"
            moves.append(_Move(words, f"{batch}count_error", (1 + share) * of_count))
    error = study.parameters[f"{batch}count_error"]
    if error.low < error.high:
        low, high = error.ends()
        moves += [_Move("truth at 5 % of its count", f"{batch}count_error", low)]
        moves += [_Move("truth at 95 % of its count", f"{batch}count_error", high)]
    for mechanism, (_, potency) in assessment.potencies.items():
        if potency is not None:
            for end, value in (("lower", potency.low), ("upper", potency.high)):
                words = f"potency {mechanism} at the {end} end of its 95 % interval"
                moves.append(_Move(words, f"{batch}potency_{mechanism}", value))
    process = assessment.record.process
    if process is not None:
        left = catalog.get("processes", process).card.parameter("storage_limit", "").value
        moves.append(_Move("given the day it is made", f"{batch}storage_survival", 1.0))
        words = f"given at the end of its shelf life ({100 * left:.0f} % left)"
        moves.append(_Move(words, f"{batch}storage_survival", left))
    return moves
