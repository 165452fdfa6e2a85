"""Numerical errors: what places and steps cost vesicles and the compared measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.numbers import difference
from otosome.ears import Columns, Ears, Rows, stacked
from otosome.forward import Cochleae, Fate, Plan, best, ears_at_once, plan, through, true_value
from otosome.model import transport
from otosome.model.team import Task, Team, team
from otosome.study import Measure, Study
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    import xarray as xr

_DAY = 24.0


@dataclass(frozen=True)
class Cost:
    """What a coarse calculation costs vesicles: a share of their peak, and powers of ten at the apex.

    ``apex_log10`` is None where nothing arrives at the apex, ``peak`` where it is no number.
    """

    peak: float | None
    apex_log10: float | None


@dataclass(frozen=True)
class Drawn:
    """Median and worst over drawn ears; None where nothing can be compared."""

    median: float | None
    worst: float | None


@dataclass(frozen=True)
class DrawnCost:
    """A cost over drawn ears."""

    peak: Drawn
    apex_log10: Drawn


@dataclass(frozen=True)
class DrawnErrors:
    """Errors of so many drawn ``ears``: of space, of time, and their sum."""

    ears: int
    space: DrawnCost
    time: DrawnCost
    total: DrawnCost


@dataclass(frozen=True)
class Beyond:
    """Whether the best-value ear's total passes a limit, and in how many drawn ears it does."""

    best: bool
    drawn: int


@dataclass(frozen=True)
class MeasureError:
    """How far steps three times as fine move the compared measure."""

    time: float
    unit: str


@dataclass(frozen=True)
class Accuracy:
    """Numerical errors of a result.

    The space error compares with twice the places, the time error with steps half as long; the total is their sum.

    ``arm``           whose vesicles are compared; it, the costs and ``beyond`` are None where no arm gets any
    ``limits``        what ``total`` may be
    ``mass_balance``  largest share of a dose that is unaccounted for
    ``flagged``       ears whose time steps may be too coarse
    """

    arm: str | None
    space: Cost | None
    time: Cost | None
    total: Cost | None
    drawn: DrawnErrors | None
    beyond: Beyond | None
    limits: Cost
    fineness: int
    mass_balance: float
    flagged: int
    measure: MeasureError | None


# What places and steps may cost together.
LIMITS = Cost(peak=1e-3, apex_log10=0.1)
_PARTS = ("space", "time", "total")


Costs = tuple[str, dict[str, dict[str, Array]]]


@dataclass(frozen=True)
class Begun:
    """The errors that need no simulation, in the making: of the measure, and of vesicles if all ``ears`` are sound."""

    ears: Rows
    measure: Task[Study, MeasureError | None]
    costs: Task[Rows, Costs]


def begin(study: Study, ears: Ears, helpers: Team) -> Begun:
    """Hand out what ``accuracy`` will want of these ears, by number."""
    (measure,) = helpers.begin(_measure_error, [study])
    (costs,) = helpers.begin(partial(_costs, study, ears), [ears.ear])
    return Begun(ears.ear, measure, costs)


def accuracy(study: Study, result: xr.Dataset, ears: Ears, begun: Begun | None = None) -> Accuracy:
    """What places and steps cost vesicles, the mass that is unaccounted for, and ears to look at twice.

    ``result``, ``ears``  of ``simulate``, and the ears it was given;  ``begun``  of ``begin``, for the same ears
    """
    computed = result["subject"].to_numpy()
    with team(2) as helpers:
        stepped = helpers.begin(_measure_error, [study])[0] if begun is None else begun.measure
        if begun is not None and np.array_equal(begun.ears, computed):
            arm, costs = begun.costs.result()
        else:
            helpers.withdraw([] if begun is None else [begun.costs])
            arm, costs = _costs(study, ears, computed)
        measure = stepped.result()
    nothing = dict.fromkeys(("arm", *_PARTS, "drawn", "beyond"))
    # The embedded estimate overstates a step's true error ten times and more.
    flagged = result["time_error"].to_numpy() > 0.1
    return Accuracy(
        **(_of_vesicles(arm, costs) if costs else nothing),
        limits=LIMITS,
        fineness=study.tables.fineness,
        mass_balance=float(result["mass_balance_error"].max()),
        flagged=int(flagged.sum()),
        measure=measure,
    )


def _of_vesicles(arm: str, costs: Mapping[str, Mapping[str, Array]]) -> dict[str, object]:
    """The fields of ``Accuracy`` that are of vesicles, from the errors of the best-value ear and then of drawn ones."""
    drawn = {
        part: DrawnCost(*(_drawn(costs[part][name][1:], name) for name in ("peak", "apex_log10")))
        for part in _PARTS
    }
    ears = costs["total"]["peak"].size - 1
    return {
        "arm": arm,
        **{part: Cost(**{name: _finite(v[0]) for name, v in costs[part].items()}) for part in _PARTS},
        "drawn": DrawnErrors(ears, **drawn),
        "beyond": _beyond(costs["total"]),
    }


def _beyond(total: Mapping[str, Array]) -> Beyond:
    assert LIMITS.peak is not None and LIMITS.apex_log10 is not None
    # An error that is no number is beyond the peak's limit.
    passed = ~(total["peak"] <= LIMITS.peak) | (total["apex_log10"] > LIMITS.apex_log10)
    return Beyond(bool(passed[0]), int(passed[1:].sum()))


def _costs(study: Study, ears: Ears, computed: Rows) -> Costs:
    """Space, time and total error of the best-value ear, and then of drawn ones, each shape (ear,).

    ``computed``  the numbers of those that could be
    """
    coarse_plan, middle = plan(study), best(study)
    # A block costs the same for one ear as for all its lanes. Neighbours are of one world, so the rest are far apart.
    count = min(ears_at_once(coarse_plan) - 1, computed.size)
    drawn = ears.pick(computed[np.arange(count) * computed.size // max(count, 1)])
    columns = stacked([middle, drawn])
    finer = replace(coarse_plan, places=coarse_plan.places.finer(2)), replace(coarse_plan, refine=2)
    with team(2) as helpers:
        (arm, space), (_, time), (_, coarse) = helpers.spread(
            partial(_carried, columns), [*finer, coarse_plan]
        )
    if space is None or time is None or coarse is None:
        return arm, {}
    costs = transport.errors(coarse, space, time, at=min(max(_dosed_at(study)) + _DAY, study.until))
    total = {name: costs["space"][name] + costs["time"][name] for name in ("peak", "apex_log10")}
    return arm, {**costs, "total": total}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _drawn(values: Array, name: str) -> Drawn:
    """Over ears; at the apex over those in which something arrives there."""
    compared = values[np.isfinite(values)] if name == "apex_log10" else values
    if not compared.size:
        return Drawn(None, None)
    return Drawn(_finite(np.median(compared)), _finite(np.max(compared)))


def _dosed_at(study: Study) -> list[Quantity]:
    """Every moment at which vesicles are given, or something is put in that releases them."""
    released = [device.at for device in study.tables.device.values() if device.batch is not None]
    return [t for treatment in study.tables.treatment.values() for t in treatment.at] + released


def _measure_error(study: Study) -> MeasureError | None:
    """What the steps cost the compared measure in the best-value ear, against steps three times as fine."""
    question = study.tables.compare
    if question is None:
        return None
    best_ears = best(study)
    work = partial(_values, study.tables.measure[question.measure])
    steps = plan(study, [question.of])
    coarse, fine = (through(each, best_ears, work)["value"] for each in (steps, steps.stepped(3)))
    endpoint = study.tables.measure[question.measure].endpoint
    unit = str(study.catalog.get("endpoints", endpoint).options.unit)
    return MeasureError(float(np.max(np.abs(coarse - fine))), difference(unit))


def _values(measure: Measure, ears: Cochleae) -> dict[str, Array]:
    chain = ears.plan
    arm, times = chain.arms[0], chain.times
    cells = Fate(ears, arm).cells.at(chain.at(times))
    return {"value": true_value(ears, measure, cells, chain.frequencies, arm, times)}


def _carried(columns: Columns, steps: Plan) -> tuple[str, transport.Transported | None]:
    """Vesicles in the compared arm, or in the first arm that gets any where that one gets none, with its name."""
    ears, question = Cochleae(steps, columns), steps.study.tables.compare
    arms = sorted(steps.arms, key=lambda arm: question is not None and arm.name != question.of)
    carried = ((arm.name, Fate(ears, arm).vesicles) for arm in arms)
    return next((pair for pair in carried if pair[1] is not None), ("", None))
