"""A rival that any prediction must beat: the mean of a group with its standard deviation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from otosome.fitting.against import distinct, same
from otosome.fitting.observations import Observations, Readings
from otosome.forward import best, endpoint
from otosome.roles import Reading
from otosome.study import Study
from otosome.units import Array

_FEWEST = 3
# What spreads readings of an endpoint: in a rival its group's spread stands for all of it.
_ERRORS = ("error", "error_between", "error_share")


@dataclass(frozen=True)
class GroupScore:
    """Mean log-probability of readings under mean and SD of their group among the fitted animals.

    ``readings``  that such a group of three animals or more predicts;  ``log_score``  of these
    """

    measure: str
    readings: int
    log_score: float


def group_score(
    study: Study, fitted: Observations, left: Observations, beside: int | None = None
) -> list[GroupScore]:
    """The score of group means for readings left out, of endpoints whose readings have a normal error.

    ``beside``  as below
    """
    known = {some.measure: some for some in fitted.readings}
    return [
        score
        for some in left.readings
        if some.measure in known and (score := _score(study, known[some.measure], some, beside)) is not None
    ]


def _score(study: Study, fitted: Readings, left: Readings, beside: int | None) -> GroupScore | None:
    logs = group_logs(study, fitted, left, beside)
    logs = logs[np.isfinite(logs)]
    return GroupScore(left.measure, logs.size, float(np.mean(logs))) if logs.size else None


def group_logs(study: Study, fitted: Readings, left: Readings, beside: int | None = None) -> Array:
    """Log-probability of each reading under mean and SD of its group; NaN where the group has none, (reading,).

    ``beside``  number of another arm whose means stand for those of the reading's, with the SD of all its readings
                of the measure about their means
    """
    logs = np.full(left.size, np.nan)
    bound = endpoint(study, study.tables.measure[left.measure], best(study))
    if not hasattr(bound, "error") or not hasattr(bound, "offset"):
        return logs
    for row in range(left.size):
        arm = int(left.arm[row]) if beside is None else beside
        group = fitted.reading.value[same(fitted, arm, int(left.time[row]), int(left.tone[row]))]
        spread = _spread(group) if beside is None else _about_means(fitted, beside)
        if not group.size or not spread > 0:
            continue
        errors = {name: np.zeros((1, 1, 1)) for name in _ERRORS if hasattr(bound, name)}
        errors["error"] += spread
        reading = Reading(
            *(part[row].reshape(1, 1, 1) for part in (left.reading.value, left.reading.censored))
        )
        mean = np.full((1, 1, 1), group.mean())
        logs[row] = replace(bound, **errors).log_likelihood(reading, mean).item()  # type: ignore[type-var]
    return logs


def _spread(group: Array) -> float:
    """Standard deviation of readings of one place; NaN of too few."""
    return float(group.std(ddof=1)) if group.size >= _FEWEST else float("nan")


def _about_means(fitted: Readings, arm: int) -> float:
    """Standard deviation of an arm's readings about the mean of their place, all places together; NaN of too few."""
    squares, freedom = 0.0, 0
    for place in distinct(fitted):
        group = fitted.reading.value[same(fitted, *place)]
        if place[0] == arm:
            squares, freedom = squares + group.size * float(group.var()), freedom + group.size - 1
    return float(np.sqrt(squares / freedom)) if freedom >= _FEWEST else float("nan")
