"""Numerical errors: what places and steps cost vesicles and the compared measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.answers.contrast import difference
from otosome.ears import Ears, stacked
from otosome.forward import Block, Plan, best, ears_at_once, plan, through
from otosome.model import transport
from otosome.study import Compare, Study
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    import xarray as xr

# What places and steps may cost together: a share of the peak, and powers of ten at the apex.
LIMITS = {"peak": 1e-3, "apex_log10": 0.1}
_DAY = 24.0


def errors(study: Study, result: xr.Dataset, ears: Ears) -> dict[str, Any]:
    """What places and steps cost vesicles, the mass that is unaccounted for, and ears to look at twice.

    The space error compares with twice the places, the time error with steps half as long; the total is their sum.

    ``result``, ``ears``  of ``simulate``, and the ears it was given
    returns  ``space``, ``time`` and ``total`` of the best-value ear, and in ``drawn`` their ``median`` and ``worst``
             over so many ``ears`` of the result; ``beyond``: whether the best-value ear's total passes one of the
             ``limits``, and in how many of the drawn; all None where no ``arm`` gets vesicles
    """
    # The embedded estimate overstates a step's true error ten times and more.
    flagged = result["time_error"].to_numpy() > 0.1
    told: dict[str, Any] = {
        "limits": LIMITS,
        "fineness": study.tables.fineness,
        "ledger": float(result["closure"].max()),
        "flagged": int(flagged.sum()),
        "measure": _step_error(study),
    }
    arm, costs = _costs(study, result, ears)
    if not costs:
        return dict.fromkeys(("arm", "space", "time", "total", "drawn", "beyond")) | told
    of_best = {part: {name: _known(v[0]) for name, v in cost.items()} for part, cost in costs.items()}
    of_drawn = {
        part: {name: _median_and_worst(v[1:], name) for name, v in cost.items()}
        for part, cost in costs.items()
    }
    total = costs["total"]
    passed = ~(total["peak"] <= LIMITS["peak"]) | (total["apex_log10"] > LIMITS["apex_log10"])
    beyond = {"best": bool(passed[0]), "drawn": int(passed[1:].sum())}
    return {"arm": arm, **of_best, "drawn": {"ears": passed.size - 1, **of_drawn}, "beyond": beyond, **told}


def _costs(study: Study, result: xr.Dataset, ears: Ears) -> tuple[str, dict[str, dict[str, Array]]]:
    """Space, time and total error of the best-value ear, and then of drawn ones, each shape (ear,)."""
    made, middle, kept = plan(study), best(study), result["subject"].to_numpy()
    # A block costs the same for one ear as for all its lanes. Neighbours are of one world, so the rest are far apart.
    count = min(ears_at_once(made) - 1, kept.size)
    drawn = ears.pick(kept[np.arange(count) * kept.size // max(count, 1)])
    columns = stacked([middle, drawn])
    arm, coarse = _carried(made, columns)
    if coarse is None:
        return arm, {}
    finer = replace(made, places=made.places.finer(2)), replace(made, refine=2)
    space, time = (_carried(one, columns)[1] for one in finer)
    assert space is not None and time is not None
    last = max(_given(study))
    costs = transport.errors(coarse, space, time, at=min(last + _DAY, study.until))
    return arm, {**costs, "total": {name: costs["space"][name] + costs["time"][name] for name in LIMITS}}


def _known(value: float) -> float | None:
    """A number as JSON holds it: None where nothing arrives at the apex, so that nothing can be compared."""
    return float(value) if np.isfinite(value) else None


def _median_and_worst(values: Array, name: str) -> dict[str, float | None]:
    """Over ears; at the apex over those in which something arrives there."""
    known = values[np.isfinite(values)] if name == "apex_log10" else values
    if not known.size:
        return {"median": None, "worst": None}
    return {"median": _known(np.median(known)), "worst": _known(np.max(known))}


def _given(study: Study) -> list[Quantity]:
    """Every moment at which vesicles are given, or something is put in that releases them."""
    released = [device.at for device in study.tables.device.values() if device.batch is not None]
    return [t for treatment in study.tables.treatment.values() for t in treatment.at] + released


def _step_error(study: Study) -> dict[str, Any] | None:
    """What the steps cost the compared measure in the best-value ear, against steps three times as fine."""
    asked = study.tables.compare
    if asked is None:
        return None
    one = best(study)
    work = _values(study, asked)
    made = plan(study, [asked.of])
    coarse, fine = (through(steps, one, work)["value"] for steps in (made, made.stepped(3)))
    unit = str(study.catalog.get("endpoints", study.tables.measure[asked.measure].endpoint).options.unit)
    return {"time": float(np.max(np.abs(coarse - fine))), "unit": difference(unit)}


def _values(study: Study, asked: Compare) -> Callable[[Block], dict[str, Array]]:
    measure = study.tables.measure[asked.measure]

    def work(block: Block) -> dict[str, Array]:
        plan_ = block.plan
        arm, times = plan_.arms[0], plan_.times
        cells = block.cells(arm).at(plan_.at(times))
        return {"value": block.value(measure, cells, plan_.frequencies, arm, times)}

    return work


def _carried(made: Plan, columns: Mapping[str, Array]) -> tuple[str, transport.Transported | None]:
    """Vesicles in the compared arm, or in the first arm that gets any where that one gets none, with its name."""
    block, asked = Block(made, columns), made.study.tables.compare
    arms = sorted(made.arms, key=lambda arm: asked is not None and arm.name != asked.of)
    found = ((arm.name, block.vesicles(arm)) for arm in arms)
    return next((one for one in found if one[1] is not None), ("", None))
