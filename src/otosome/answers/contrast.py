"""The benefit of one arm against another, each ear with itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers import notebook
from otosome.answers.band import Groups, Range, Resampled, band, resampled
from otosome.answers.numbers import Interval, difference, interval, written
from otosome.ears import Columns
from otosome.errors import BadInput
from otosome.forward import Cochleae, Fate, best, plan, through, true_value
from otosome.study import Compare, Study
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Contrast:
    """The benefit of one arm against another: above zero where ``of`` is better.

    ``benefit``         median and 5 to 95 % of all ears, everything that is not known included
    ``between_ears``    the typical ear, and 5 to 95 % of ears of a typical lot
    ``between_lots``    the typical ear, and 5 to 95 % of lots of a typical world
    ``between_worlds``  the typical ear, and 5 to 95 % of worlds by their median ear: what is not known
    ``worlds``          how many worlds that rests on
    ``resampled``       how far other worlds would move ``benefit``; None for a single world
    """

    benefit: Interval
    between_ears: Interval
    between_lots: Interval
    between_worlds: Interval
    worlds: int
    resampled: Resampled | None

    def _rows(self) -> dict[str, str]:
        names = ("benefit", "between_ears", "between_lots", "between_worlds")
        return {
            **{name.replace("_", " "): getattr(self, name).text for name in names},
            "rests on": f"{self.worlds} worlds",
        }

    def __repr__(self) -> str:
        return notebook.text("Contrast, median (5 to 95 %)", self._rows())

    def _repr_html_(self) -> str:
        return notebook.table("Contrast, median (5 to 95 %)", self._rows())


def contrast(study: Study, result: xr.Dataset, measure: str, of: str, against: str) -> Contrast:
    """The benefit of one arm against another in one measure, each ear with itself.

    raises  BadInput for an unknown measure or arm
    """
    if measure not in study.tables.measure:
        raise BadInput("is not measured", key="measure", given=measure, allowed=list(study.tables.measure))
    arms = [str(arm) for arm in result.arm.to_numpy()]
    for arm in (of, against):
        if arm not in arms:
            raise BadInput("is not an arm", key="arm", given=arm, allowed=arms)
    values = [result[measure].sel(arm=arm).to_numpy() for arm in (of, against)]
    unit = difference(str(result[measure].attrs["unit"]))
    return contrast_of(benefit(study, result, measure, *values), Groups.of(result), unit)


def contrast_of(benefits: Array, groups: Groups, unit: str) -> Contrast:
    """A contrast from the benefit of each ear, shape (ear,), in ``unit``."""
    spread = band(benefits, groups)

    def around(ends: Range) -> Interval:
        return written(float(spread.typical), float(ends[0]), float(ends[1]), unit, gain=True)

    return Contrast(
        benefit=interval(benefits, unit, gain=True),
        between_ears=around(spread.ears),
        between_lots=around(spread.lots),
        between_worlds=around(spread.worlds),
        worlds=groups.worlds,
        resampled=resampled(benefits, groups),
    )


def benefit(study: Study, result: xr.Dataset, measure: str, of: Array, against: Array) -> Array:
    """Benefit per ear: the mean over the measure's frequencies at its last time, positive if ``of`` is better.

    ``of``, ``against``  true values, shape (ear, time, frequency)
    returns              shape (ear,)
    """
    return benefit_of(study, measure, result.time.to_numpy(), result.frequency.to_numpy(), of, against)


def benefit_of(
    study: Study, measure: str, times: Array, frequencies: Array, of: Array, against: Array
) -> Array:
    """The same of values at ``times``, h, and ``frequencies``, kHz, that are all of those of the study."""
    quantity = study.tables.measure[measure]
    time = int(np.searchsorted(times, max(quantity.at)))
    apart = (of - against)[:, time, np.isin(frequencies, quantity.tones)].mean(axis=1)
    better = study.catalog.get("endpoints", quantity.endpoint).options.better
    # Plus zero, because a difference of nothing must not read -0.
    return (apart if better == "higher" else -apart) + 0.0


def best_benefit(study: Study, question: Compare) -> float:
    """The compared benefit of the ear in which every number has its best value."""
    return float(benefits(study, question, best(study))[0])


def benefits(study: Study, question: Compare, table: Columns) -> Array:
    """The compared benefit of every ear of some columns at the measure's last time, shape (ear,)."""
    return through(plan(study, [question.of, question.against]), table, gain(study, question), workers=1)[
        "benefit"
    ]


def gain(study: Study, question: Compare) -> Callable[[Cochleae], dict[str, Array]]:
    """Benefit of some ears in the compared measure, at its own frequencies and its last time."""
    return partial(_gain, study, question)


def _gain(study: Study, question: Compare, ears: Cochleae) -> dict[str, Array]:
    measure = study.tables.measure[question.measure]
    better = study.catalog.get("endpoints", measure.endpoint).options.better
    frequency = np.array(measure.tones)
    time = float(max(measure.at))
    sign = 1.0 if better == "higher" else -1.0
    at = ears.plan.at([time])
    value = {
        arm.name: true_value(ears, measure, Fate(ears, arm).cells.at(at), frequency, arm, np.array([time]))
        for arm in ears.plan.arms
        if arm.name in (question.of, question.against)
    }
    return {"benefit": sign * (value[question.of] - value[question.against])[:, 0].mean(axis=1)}
