"""The prior of efficacy halved and doubled: two more tables of the same ears."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from otosome.ears import Ears
from otosome.forward import Cochleae, Fate, plan, through, true_value
from otosome.study import Compare, Study
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr

FACTORS = {"halved": 0.5, "doubled": 2.0}


def efficacies(
    study: Study, result: xr.Dataset, asked: Compare, ears: Ears, workers: int = 2
) -> dict[str, Array]:
    """The compared measure in the compared arm, with every largest effect ``halved``, and ``doubled``.

    ``result``, ``ears``  of ``simulate``
    returns  by name, shape (subject, time, frequency), for the subjects of the result
    """
    sound = ears.pick(result["subject"].to_numpy())
    return through(plan(study), sound, partial(_measured, asked), workers)


def scaled(ears: Cochleae, factor: float) -> dict[str, Array]:
    """Columns of ears with every largest effect of every mechanism so many times as large, and never above 1."""
    effects = [
        f"mechanisms.{name}.{action}"
        for name in ears.study.mechanisms
        for action in ears.bind("mechanisms", name).acts
    ]
    return dict(ears.columns) | {name: np.minimum(factor * ears.columns[name], 1.0) for name in effects}


def _measured(asked: Compare, ears: Cochleae) -> dict[str, Array]:
    """Both tables share one solution of transport: mechanisms lie downstream of it."""
    chain, measure = ears.plan, ears.study.tables.measure[asked.measure]
    arm = next(arm for arm in chain.arms if arm.name == asked.of)
    found = {}
    for name, factor in FACTORS.items():
        columns = scaled(ears, factor) if arm.lot else ears.columns
        changed = Cochleae(chain, columns, ears.carried)
        cells = Fate(changed, arm).cells.at(chain.at(chain.times))
        found[name] = true_value(changed, measure, cells, chain.frequencies, arm, chain.times)
    return found
