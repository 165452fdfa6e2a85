"""Effects from outcomes: dB, Hedges' g or log risk ratios, above zero where the treated are better; one a control.

Several frequencies, days and endpoints of one kind in the same subjects are one effect, and so are the arms that
share a control: their errors are correlated, so they are averaged with that correlation and enter a pool once.
Formulas: Borenstein et al. 2009, chapters 4, 5, 23 and 24 (https://doi.org/10.1002/9780470743386).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaln, ndtri, stdtrit

from otosome.evidence import ALIKE
from otosome.review.experiments.experiment import Experiment
from otosome.roles import OutcomeTable
from otosome.units import Array

Scale = Literal["dB", "g", "log risk ratio"]
# Correlation of readings of one subject at two frequencies or on two days, and the two others that are shown.
WITHIN, WITHINS = 0.5, (0.2, 0.5, 0.8)


@dataclass(frozen=True)
class Effect:
    """An effect of one experiment: above zero where the treated are better.

    ``variance``  of its error;  ``shared``  the part of it that comes from the control alone
    ``n``         units of the treated and of the control, none where they are not printed
    ``rows``      the outcomes it stands on, by key
    """

    experiment: Experiment
    control: str
    treated: tuple[str, ...]
    scale: Scale
    value: float
    variance: float
    shared: float
    n: tuple[float | None, float | None]
    rows: tuple[str, ...]

    @property
    def error(self) -> float:
        """Its standard error."""
        return math.sqrt(self.variance)


def correction(freedom: float) -> float:
    """Hedges' factor against the bias of a standardised difference, for so many degrees of freedom."""
    return float(math.exp(gammaln(freedom / 2) - gammaln((freedom - 1) / 2)) / math.sqrt(freedom / 2))


def standardised(difference: float, spread: float, n: tuple[float, float]) -> tuple[float, float]:
    """Hedges' g and its variance, of a difference in units of the pooled SD ``spread``, with ``n`` in each group."""
    g = correction(sum(n) - 2) * difference / spread
    return g, 1 / n[0] + 1 / n[1] + g**2 / (2 * sum(n))


def units(experiment: Experiment, group: str) -> float | None:
    """Independent units in a group: two ears of one animal are less than two animals, as they are alike."""
    count = experiment.count(group)
    if count is None or experiment.options.unit != "ear":
        return count
    return count / (1 + ALIKE)


def effect(experiment: Experiment, key: str, scale: Scale) -> Effect | None:
    """An outcome as an effect on a scale; None where it was printed too weakly for that."""
    outcome = experiment.options.outcome[key]
    if outcome.strength not in ("means", "individuals") or not outcome.control:
        return None
    pair = (outcome.treated, outcome.control)
    n = (units(experiment, pair[0]), units(experiment, pair[1]))
    numbers = _events(outcome, n, scale) if outcome.events else _difference(outcome, n, scale)
    if numbers is None:
        return None
    value, variance, shared = numbers
    return Effect(experiment, pair[1], pair[:1], scale, value, variance, shared, n, (key,))


# From the log of an odds ratio to a standardised difference (Chinn 2000).
_LOGISTIC = math.sqrt(3) / math.pi


def _events(
    outcome: OutcomeTable, n: tuple[float | None, float | None], scale: Scale
) -> tuple[float, float, float] | None:
    """Log of the control's risk over the treated's, or of the odds as a standardised difference; none in dB.

    Half an event is added to all cells where one is empty.
    """
    treated, control_n = n
    if treated is None or control_n is None or scale == "dB":
        return None
    events = (outcome.events[outcome.treated], outcome.events[outcome.control])
    empty = 0.5 if min(*events, treated - events[0], control_n - events[1]) == 0 else 0.0
    a, b = events[0] + empty, events[1] + empty
    of, against = treated + 2 * empty, control_n + 2 * empty
    sign = 1.0 if outcome.better == "lower" else -1.0
    if scale == "log risk ratio":
        control = 1 / b - 1 / against
        return sign * math.log(b / against / (a / of)), 1 / a - 1 / of + control, control
    control = _LOGISTIC**2 * (1 / b + 1 / (against - b))
    odds = _LOGISTIC * math.log(b / (against - b) / (a / (of - a)))
    return sign * odds, _LOGISTIC**2 * (1 / a + 1 / (of - a)) + control, control


def _difference(
    outcome: OutcomeTable, n: tuple[float | None, float | None], scale: Scale
) -> tuple[float, float, float] | None:
    """Difference in dB, or standardised, with its variance and the control's part."""
    if scale == "log risk ratio" or (scale == "dB" and outcome.unit != "dB"):
        return None
    sign = -1.0 if outcome.better == "lower" else 1.0
    if outcome.difference is not None and outcome.low is not None and outcome.high is not None:
        error = (outcome.high - outcome.low) / (2 * ndtri(0.975))
        return None if scale == "g" else (sign * outcome.difference, error**2, 0.0)
    means, deviations, errors = _moments(outcome, n)
    difference = sign * (means[0] - means[1])
    if scale == "dB":
        return difference, float(np.sum(errors**2)), float(errors[1] ** 2)
    if n[0] is None or n[1] is None or deviations is None or min(n[0], n[1]) < 2:
        return None
    freedom = np.array([n[0] - 1, n[1] - 1])
    pooled = math.sqrt(float(np.sum(freedom * deviations**2) / np.sum(freedom)))
    g, variance = standardised(difference, pooled, (n[0], n[1]))
    return g, variance, 1 / n[1]


def _moments(
    outcome: OutcomeTable, n: tuple[float | None, float | None]
) -> tuple[Array, Array | None, Array]:
    """Means, SDs (None where a count is wanting) and standard errors of the treated and the control, each (2,)."""
    pair = (outcome.treated, outcome.control)
    counts = None if n[0] is None or n[1] is None else np.array([n[0], n[1]])
    if outcome.each:
        values = [np.array(outcome.each[name]) for name in pair]
        deviations = np.array([v.std(ddof=1) for v in values])
        return (
            np.array([v.mean() for v in values]),
            deviations,
            deviations / np.sqrt([v.size for v in values]),
        )
    means, spread = (np.array([table[name] for name in pair]) for table in (outcome.mean, outcome.spread))
    if outcome.spread_is == "SD":
        assert counts is not None
        return means, spread, spread / np.sqrt(counts)
    if outcome.spread_is == "95 %":
        spread = spread / (ndtri(0.975) if counts is None else stdtrit(counts - 1, 0.975))
    return means, None if counts is None else spread * np.sqrt(counts), spread


def effects(
    experiment: Experiment, keys: Sequence[str], scale: Scale, within: float = WITHIN
) -> list[Effect]:
    """The effects of an experiment on a scale, one for each control: outcomes and arms that share it are averaged.

    ``keys``    of its outcomes that count;  ``within``  correlation of two readings of one group
    """
    each = [row for key in keys if (row := effect(experiment, key, scale)) is not None]
    return [
        averaged([one_arm(arm, within) for arm in _by(group, lambda e: e.treated)], within)
        for group in _by(each, lambda e: e.control)
    ]


def _by(each: Sequence[Effect], key: Callable[[Effect], object]) -> list[list[Effect]]:
    groups: dict[object, list[Effect]] = {}
    for row in each:
        groups.setdefault(key(row), []).append(row)
    return list(groups.values())


def one_arm(rows: Sequence[Effect], within: float) -> Effect:
    """Several readings of one treated group against one control, as their mean."""
    errors = np.array([row.error for row in rows])
    shared = np.array([math.sqrt(row.shared) for row in rows])
    return _mean(rows, _correlated(errors, within), float(_correlated(shared, within).mean()))


def averaged(arms: Sequence[Effect], within: float) -> Effect:
    """Several treated groups against one control, as their mean: what the control errs by is in all of them."""
    shared = np.array([math.sqrt(arm.shared) for arm in arms])
    covariance = np.outer(shared, shared)
    np.fill_diagonal(covariance, [arm.variance for arm in arms])
    return _mean(arms, covariance, float(np.outer(shared, shared).mean()))


def _correlated(errors: Array, correlation: float) -> Array:
    matrix = correlation * np.outer(errors, errors)
    np.fill_diagonal(matrix, errors**2)
    return matrix


def _mean(rows: Sequence[Effect], covariance: Array, shared: float) -> Effect:
    treated = tuple(dict.fromkeys(name for row in rows for name in row.treated))
    counts = [row.n[0] for row in {row.treated: row for row in rows}.values()]
    n = None if None in counts else float(sum(count for count in counts if count is not None))
    return Effect(
        rows[0].experiment,
        rows[0].control,
        treated,
        rows[0].scale,
        float(np.mean([row.value for row in rows])),
        float(covariance.mean()),
        shared,
        (n, rows[0].n[1]),
        tuple(key for row in rows for key in row.rows),
    )
