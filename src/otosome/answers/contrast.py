"""The benefit of one arm against another, each ear with itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.ears import Columns, Rows
from otosome.errors import BadInput
from otosome.forward import Block, best, plan, through
from otosome.model import transport
from otosome.study import Compare, Study
from otosome.units import LEVELS, Array

if TYPE_CHECKING:
    import xarray as xr


def benefit(study: Study, result: xr.Dataset, measure: str, of: Array, against: Array) -> Array:
    """Benefit per subject: the mean over the measure's frequencies at its last time, positive if ``of`` is better.

    ``of``, ``against``  true values, shape (subject, time, frequency)
    returns              shape (subject,)
    """
    asked = study.tables.measure[measure]
    time = int(np.searchsorted(result.time.to_numpy(), max(asked.at)))
    chosen = np.isin(result.frequency.to_numpy(), asked.tones)
    difference = (of - against)[:, time, chosen].mean(axis=1)
    # Plus zero, because a difference of nothing must not read -0.
    return (difference if result[measure].attrs["better"] == "higher" else -difference) + 0.0


def compare(study: Study, result: xr.Dataset, measure: str, of: str, against: str) -> dict[str, Any]:
    """The benefit of one arm against another in one measure, each subject with itself.

    returns  median and 5 to 95 % over everything; between subjects of one lot, and between lots, in a typical
             world; over worlds (what is not known); and how far other worlds would move the three shown
    raises   BadInput for an unknown measure or arm
    """
    if measure not in study.tables.measure:
        raise BadInput("is not measured", key="measure", given=measure, allowed=list(study.tables.measure))
    arms = [str(arm) for arm in result.arm.to_numpy()]
    for arm in (of, against):
        if arm not in arms:
            raise BadInput("is not an arm", key="arm", given=arm, allowed=arms)
    values = [result[measure].sel(arm=arm).to_numpy() for arm in (of, against)]
    return _told(benefit(study, result, measure, *values), result.world.to_numpy(), result.lot.to_numpy())


def _told(values: Array, worlds: Rows, lots: Rows) -> dict[str, Any]:
    """What ``compare`` tells of the values of some ears, with the world and lot of each."""
    first = np.unique(worlds, return_index=True)[1]
    means, of_lot = _group_means(values, worlds), _group_means(values, lots)
    median = float(np.median(values))
    return {
        "benefit": interval(values),
        "between_subjects": _typical(values - of_lot, worlds, median),
        "between_lots": _typical(of_lot - means, worlds, median),
        "knowledge": {
            "low": float(np.quantile(means[first], 0.05)),
            "high": float(np.quantile(means[first], 0.95)),
            "worlds": int(first.size),
        },
        "resampled": _resampled([values[worlds == worlds[n]] for n in first]),
    }


def _group_means(values: Array, group: Rows) -> Array:
    """Each value's own group's mean, same shape."""
    _, place = np.unique(group, return_inverse=True)
    return np.asarray((np.bincount(place, weights=values) / np.bincount(place))[place])


def _typical(deviation: Array, worlds: Rows, median: float) -> dict[str, float]:
    """The spread inside a typical world, around the median: the median over worlds of its 5 and 95 %."""
    ends = [np.quantile(deviation[worlds == w], [0.05, 0.95]) for w in np.unique(worlds)]
    low, high = np.median(ends, axis=0)
    return {"low": median + float(low), "high": median + float(high)}


def _resampled(worlds: list[Array], times: int = 2000) -> dict[str, list[float]] | None:
    """How far other worlds would move what is shown: 5 and 95 % of median, low and high over redrawn worlds.

    None for a single world, which cannot tell.
    """
    if len(worlds) < 2:
        return None
    chosen = np.random.default_rng(0).integers(len(worlds), size=(times, len(worlds)))
    found = [np.quantile(np.concatenate([worlds[w] for w in row]), [0.05, 0.5, 0.95]) for row in chosen]
    low, middle, high = np.quantile(found, [0.05, 0.95], axis=0).T
    return {"low": low.tolist(), "median": middle.tolist(), "high": high.tolist()}


def interval(values: Array) -> dict[str, float]:
    """Median, 5 and 95 % of some values."""
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"median": float(median), "low": float(low), "high": float(high)}


def best_benefit(study: Study, asked: Compare) -> float:
    """The compared benefit of the ear in which every number has its best value."""
    return float(benefits(study, asked, best(study))[0])


def benefits(study: Study, asked: Compare, table: Columns) -> Array:
    """The compared benefit of every ear of some columns at the measure's last time, shape (subject,)."""
    return through(plan(study, [asked.of, asked.against]), table, gain(study, asked), workers=1)["benefit"]


def gain(study: Study, asked: Compare) -> Callable[[Block], dict[str, Array]]:
    """Benefit of a block in the asked measure, at its own frequencies and its last time."""
    measure = study.tables.measure[asked.measure]
    better = study.catalog.get("endpoints", measure.endpoint).options.better
    frequency = np.array(measure.tones)
    time = float(max(measure.at))
    sign = 1.0 if better == "higher" else -1.0

    shared: dict[str, transport.Transported] = {}

    def work(block: Block) -> dict[str, Array]:
        at = block.plan.at([time])
        if block.alike:
            # A number of transport moves two neighbouring ears apart, so a block of like ears is at best value.
            block.solved = shared
        found = {
            arm.name: block.value(measure, block.cells(arm).at(at), frequency, arm, np.array([time]))
            for arm in block.plan.arms
        }
        return {"benefit": sign * (found[asked.of] - found[asked.against])[:, 0].mean(axis=1)}

    return work


def difference(unit: str) -> str:
    """The unit of a difference: two levels differ by dB."""
    return "dB" if unit in LEVELS else unit
