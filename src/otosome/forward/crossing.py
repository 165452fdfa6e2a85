"""What of a dose to one ear reaches the other."""

from __future__ import annotations

import numpy as np

from otosome.ears import Ears
from otosome.forward.block import Block
from otosome.forward.planning import PlannedArm, plan, regimen
from otosome.study import Study

# Ears it is looked at in: one of each world.
_EARS = 16


def crossing(study: Study, ears: Ears) -> dict[str, dict[str, float]]:
    """Share of its vesicles that the other ear meets, at most, for each arm that gives some to one ear alone.

    ``ears``   of which the first ear of each world is taken, of sixteen worlds at most
    returns    by arm ``low``, ``median`` and ``high`` (5 and 95 % of the worlds) of ``Block.crossed``
    """
    made = plan(study)
    first = np.sort(np.unique(ears.world, return_index=True)[1])
    block = Block(made, ears.take(first[:_EARS]))
    found: dict[str, dict[str, float]] = {}
    known: dict[str, dict[str, float]] = {}
    for arm in made.arms:
        key = regimen(arm)
        if not _local(study, arm) or block.vesicles(arm) is None:
            continue
        if key not in known:
            low, median, high = np.quantile(block.crossed(arm), [0.05, 0.5, 0.95])
            known[key] = {"low": float(low), "median": float(median), "high": float(high)}
        found[arm.name] = known[key]
    return found


def _local(study: Study, arm: PlannedArm) -> bool:
    """Whether all the vesicles an arm gives begin in one ear."""
    routes = [given.treatment.route for given in arm.treatments]
    return bool(routes or arm.releasing) and all(study.is_local(route) for route in routes)
