"""Ears drawn: every number of a study for each of them, and for any part of them alone."""

from __future__ import annotations

import numpy as np

from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.evidence import (
    WORLD,
    Parameter,
)
from otosome.forward.arrival import arrive, enrol, fresh
from otosome.study import Study
from otosome.units import LEVELS


def draw(
    study: Study,
    subjects: int = 200,
    seed: int = 1,
    world: int = WORLD,
    rows: slice | None = None,
    prior: Ears | None = None,
) -> Ears:
    """Ears of a study: a column per number.

    ``subjects``  how many, at least 1; ear i is the same for any number of them
    ``world``     so many neighbours share one draw of everything that is not known
    ``rows``      only these ears, instead of the first ``subjects``, such as ``slice(1000, 2000)``: the same to the
                  last bit as that part of the whole, which is never made
    ``prior``     draws of a posterior, such as the ears of a fit's result: each world has the numbers of one of them
                  in the place of the shelf's, numbers linked to these follow, and what differs between lots and
                  subjects comes on top as ever
    returns       of a person of whom more was read than the audiogram, ears chosen in proportion to their likelihood;
                  of people enrolled for a reading, those enrolled; both say in ``selection`` what that did
    raises        BadInput for no ears, for numbers drawn out of range, and where no candidate ear would do
    """
    part = slice(0, subjects) if rows is None else rows
    first, last = part.start or 0, part.stop
    if part.step not in (None, 1) or last is None or not 0 <= first < last:
        raise BadInput(
            "must be at least 1" if rows is None else "must be a rising range of ears",
            key="subjects" if rows is None else "rows",
            given=subjects if rows is None else str(rows),
        )
    if world < 1:
        raise BadInput("must be at least 1", key="world", given=world)
    if study.other_readings:
        ears = arrive(study, first, last, seed, world, prior)
    elif study.tables.enrolment is not None:
        ears = enrol(study, first, last, seed, world, prior)
    else:
        ears = fresh(study, first, last, seed, world, prior)
    for parameter in study.parameters.values():
        _check_drawn(parameter, ears)
    return ears


def _check_drawn(parameter: Parameter, ears: Ears) -> None:
    """A number that is above zero is so in every ear."""
    values = ears[parameter.name]
    least = float(np.min(values))
    negative = least < 0 <= parameter.low and parameter.unit not in LEVELS
    if not np.all(np.isfinite(values)) or negative or least <= 0 < parameter.low:
        raise BadInput(
            "is drawn as a number it cannot be",
            key=parameter.name,
            given=f"{least:g} {parameter.unit}".strip() + f" in ear {ears.ear[np.argmin(values)]}",
            cure="give it a narrower range, or a shape that stays above zero (lognormal)",
        )


def best(study: Study) -> Ears:
    """One ear in which every number has its best value."""
    return Ears.alone({name: np.array([p.value]) for name, p in study.parameters.items()})


def completed(study: Study, ears: Ears) -> Ears:
    """Ears with the numbers that a study rests on besides: as it would have drawn them with the rest."""
    missing = [p for p in study.parameters.values() if p.name not in ears]
    kin = ears.kin(study.cohort.ears)
    return ears.assign(**{p.name: p.drawn(ears.seed, kin) for p in missing})
