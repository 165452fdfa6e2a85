"""The window: the best-value ear treated on each of some days, and where each place lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.forward import Cochleae, Fate, PlannedArm, PlannedTreatment, best, plan, planned
from otosome.model import hearing
from otosome.study import Compare, Study
from otosome.units import labels

if TYPE_CHECKING:
    import xarray as xr

WINDOW_DOSES = 21
# One treatment day to the next in the window: from three days before the insult to seventeen after it.
_WINDOW_START, _DAY = -72.0, 24.0


def places(study: Study) -> xr.Dataset:
    """Where each place lies (``place_distance``, mm) and what it hears best (``place_frequency``, kHz): best values."""
    import xarray as xr

    best_ear = best(study)
    ear = Cochleae(plan(study), best_ear).ear
    return xr.Dataset(
        {
            "place_frequency": (("place",), ear.frequency, labels("kHz")),
            "place_distance": (("place",), ear.place * ear.length[0], labels("mm")),
        }
    )


def has_window(study: Study) -> bool:
    """Whether the window is shown: it is of shifts by frequency, and words have none."""
    question = study.tables.compare
    return question is not None and study.tables.measure[question.measure].frequency is not None


def window(study: Study, question: Compare, days: Sequence[float] | None = None) -> xr.Dataset:
    """The window: the best-value ear treated on each of some days, cells and vesicles over place and time.

    ``days``  of the first dose, h; 21 from three days before the insult where none are named
    returns  ``window_cells`` (fraction of outer hair cells counted) and ``window_vesicles`` (organ of Corti,
             particles/uL) over (window_dose, window_time, place); ``window_shift`` (dB at the end) over
             (window_dose, window_frequency) and ``window_vehicle_shift`` over (window_frequency)
    """
    import xarray as xr

    arm = planned(study, study.arm(question.of))
    usual = _WINDOW_START + _DAY * np.arange(WINDOW_DOSES)
    days = [day for day in (usual if days is None else days) if day < study.until]
    treated = replace(arm, treatments=_on_days(arm, days, study.until))
    vehicle = replace(arm, treatments=())
    watched = np.arange(min(days), study.until + 1e-9, _DAY / 4)
    steps = replace(plan(study), arms=(treated, vehicle), growth=1.6, watched=tuple(watched))
    best_ear = best(study)
    ears = Cochleae(steps, {name: np.repeat(column, len(days)) for name, column in best_ear.items()})
    at = steps.at(watched)
    frequency = np.geomspace(ears.ear.frequency.min(), ears.ear.frequency.max(), 48)
    fate, without = Fate(ears, treated), Fate(ears, vehicle).cells
    cells, vesicles = fate.cells, fate.vesicles
    shape = (len(days), watched.size, steps.places.places)
    contact = (
        np.zeros(shape) if vesicles is None else vesicles.concentration["organ_of_corti"].sum(axis=0)[:, at]
    )
    end = np.array([-1])
    return xr.Dataset(
        {
            "window_cells": (
                ("window_dose", "window_time", "place"),
                cells.counted("ohc")[:, at].astype(np.float32),
            ),
            "window_vesicles": (("window_dose", "window_time", "place"), contact),
            "window_shift": (
                ("window_dose", "window_frequency"),
                hearing.shift(ears.ear, cells.at(end), frequency)[:, 0],
            ),
            "window_vehicle_shift": (
                ("window_frequency",),
                hearing.shift(ears.ear, without.at(end), frequency)[0, 0],
            ),
            "place_frequency": (("place",), ears.ear.frequency, labels("kHz")),
            "place_distance": (("place",), ears.ear.place * ears.ear.length[0], labels("mm")),
        },
        coords={
            "window_dose": ("window_dose", np.array(days), labels("h")),
            "window_time": ("window_time", watched, labels("h")),
            "window_frequency": ("window_frequency", frequency, labels("kHz")),
            "place": steps.places.place,
        },
    )


def _on_days(arm: PlannedArm, days: Sequence[float], until: float) -> tuple[PlannedTreatment, ...]:
    """The arm's treatments begun on each of some days, a row of ears each; none after the study's end."""
    first = arm.treatments[0].times[0]
    return tuple(
        replace(each, times=tuple(t - first + day for t in each.times if t - first + day <= until), row=row)
        for row, day in enumerate(days)
        for each in arm.treatments
    )
