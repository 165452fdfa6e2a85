"""The same ears with every largest effect of every mechanism halved, and doubled: what the efficacy prior decides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from otosome.answers.contrast import gain
from otosome.ears import Columns
from otosome.forward import Cochleae
from otosome.model.injury import RAISED
from otosome.study import Compare, Study
from otosome.units import Array

FACTORS = {"halved": 0.5, "doubled": 2.0}


def with_efficacy(study: Study, columns: Columns, factor: float) -> dict[str, Array]:
    """Columns of ears whose mechanisms' largest effects are so many times as large, no share above 1."""
    species = study.tables.species
    effects = [
        (f"mechanisms.{name}.{action}", np.inf if action in RAISED else 1.0)
        for name in study.mechanisms
        for action in study.catalog.get("mechanisms", name).bind(columns, species).acts
    ]
    return {**columns, **{name: (factor * columns[name]).clip(max=end) for name, end in effects}}


def benefits_by_prior(study: Study, question: Compare) -> Callable[[Cochleae], dict[str, Array]]:
    """The compared benefit of some ears with the prior halved and doubled, each shape (ear,)."""
    return partial(_by_prior, study, gain(study, question))


def _by_prior(study: Study, of: Callable[[Cochleae], dict[str, Array]], ears: Cochleae) -> dict[str, Array]:
    return {
        name: of(ears.acting(with_efficacy(study, ears.columns, factor)))["benefit"]
        for name, factor in FACTORS.items()
    }
