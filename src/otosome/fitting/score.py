"""A rival that any prediction must beat: the mean of a group with its standard deviation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from otosome.fitting.observations import Observations, Readings
from otosome.forward import best, endpoint
from otosome.roles import Reading
from otosome.study import Study
from otosome.units import Array

_FEWEST = 3


@dataclass(frozen=True)
class GroupScore:
    """Mean log-probability of readings under mean and SD of their group among the fitted animals.

    ``readings``  that such a group of three animals or more predicts;  ``log_score``  of these
    """

    measure: str
    readings: int
    log_score: float


def group_score(study: Study, fitted: Observations, left: Observations) -> list[GroupScore]:
    """The score of group means for readings left out, of endpoints whose readings have a normal error."""
    known = {some.measure: some for some in fitted.readings}
    return [
        score
        for some in left.readings
        if some.measure in known and (score := _score(study, known[some.measure], some)) is not None
    ]


def _score(study: Study, fitted: Readings, left: Readings) -> GroupScore | None:
    logs = group_logs(study, fitted, left)
    logs = logs[np.isfinite(logs)]
    return GroupScore(left.measure, logs.size, float(np.mean(logs))) if logs.size else None


def group_logs(study: Study, fitted: Readings, left: Readings) -> Array:
    """Log-probability of each reading under mean and SD of its group; NaN where the group has none, (reading,)."""
    logs = np.full(left.size, np.nan)
    bound = endpoint(study, study.tables.measure[left.measure], best(study))
    if not hasattr(bound, "error") or not hasattr(bound, "offset"):
        return logs
    for row in range(left.size):
        place = (left.arm[row], left.time[row], left.tone[row])
        own = (fitted.arm == place[0]) & (fitted.time == place[1]) & (fitted.tone == place[2])
        group = fitted.reading.value[own]
        if group.size < _FEWEST or not group.std() > 0:
            continue
        errors = {name: np.zeros((1, 1, 1)) for name in ("error", "error_between") if hasattr(bound, name)}
        errors["error"] += group.std(ddof=1)
        reading = Reading(
            *(part[row].reshape(1, 1, 1) for part in (left.reading.value, left.reading.censored))
        )
        mean = np.full((1, 1, 1), group.mean())
        logs[row] = replace(bound, **errors).log_likelihood(reading, mean).item()  # type: ignore[type-var]
    return logs
