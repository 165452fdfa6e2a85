"""What of a dose to one ear reaches the other."""

from __future__ import annotations

import numpy as np

from otosome.ears import Ears
from otosome.forward.carried import Steps
from otosome.forward.cochleae import Cochleae
from otosome.forward.dosing import vesicle
from otosome.forward.fate import Fate
from otosome.forward.planning import PlannedArm, plan
from otosome.model import transport
from otosome.study import Study
from otosome.units import Array

# Ears it is looked at in: one of each world.
_EARS = 16


def crossing(study: Study, ears: Ears) -> dict[str, dict[str, float]]:
    """Share of its vesicles that the other ear meets, at most, for each arm that gives some to one ear alone.

    ``ears``   of which the first of each world is taken, of sixteen worlds at most
    returns    by arm ``low``, ``median`` and ``high`` (5 and 95 % of the worlds) of ``crossed``
    """
    chain = plan(study)
    first = np.sort(np.unique(ears.world, return_index=True)[1])
    some = Cochleae(chain, ears.take(first[:_EARS]))
    shares: dict[str, dict[str, float]] = {}
    for arm in chain.arms:
        fate = Fate(some, arm)
        if not _local(study, arm) or fate.vesicles is None:
            continue
        low, median, high = np.quantile(crossed(fate), [0.05, 0.5, 0.95])
        shares[arm.name] = {"low": float(low), "median": float(median), "high": float(high)}
    return shares


def crossed(fate: Fate) -> Array:
    """Vesicles of an arm that the other ear meets, as a share of what this one does, at most, shape (ear,).

    All that ever left this ear into blood and cerebrospinal fluid is put there at once, when the first dose is
    given, for an ear like this one; what is compared are the means along the duct of the highest concentrations
    in the organ of Corti. Zero where an arm gets no vesicles.
    """
    ears, arm, here = fate.ears, fate.arm, fate.vesicles
    if here is None or arm.lot is None:
        return np.zeros(ears.subjects)
    solute, ledger, anatomy = vesicle(ears, arm.lot[0]), here.ledger, ears.anatomy
    decayed = solute.loss * anatomy.csf_volume / anatomy.csf_turnover
    left = {
        "plasma": ledger["eliminated"] + ledger["plasma"],
        "cerebrospinal_fluid": ledger["cerebrospinal_fluid"]
        + ledger["cleared_cerebrospinal_fluid"] * (1.0 + decayed),
    }
    start = min(
        [t for treatment in arm.treatments for t in treatment.times]
        + [float(use.at) for use in arm.releasing]
    )
    nothing = np.zeros(ears.subjects)
    flows = [transport.Flow(into, start, start, amount, nothing) for into, amount in left.items()]
    there = ears.carried.solve(anatomy, solute, flows, Steps.of(ears.plan), ("organ_of_corti",))
    there_peak, here_peak = (
        solution.concentration["organ_of_corti"].sum(axis=0).max(axis=1).mean(axis=-1)
        for solution in (there, here)
    )
    return np.divide(there_peak, here_peak, out=np.zeros(ears.subjects), where=here_peak > 0)


def _local(study: Study, arm: PlannedArm) -> bool:
    """Whether all the vesicles an arm gives begin in one ear."""
    routes = [planned.treatment.route for planned in arm.treatments]
    return bool(routes or arm.releasing) and all(study.is_local(route) for route in routes)
