"""Group means of what was measured, with the animal as the unit: ears, frequencies and days of one are not independent.

For each endpoint a linear mixed model has the group, the frequency and the time as they were measured and an animal's
own level as its random part (restricted maximum likelihood, statsmodels). A group's mean is that of its cells with
equal weight, a contrast the difference of two groups; their intervals hold 95 %.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple(
    "quantity unit level group against mean low high animals readings between within method".split()
)
FEWEST_ANIMALS, MOST_READINGS = 2, 20_000
COVERED = 1.959964  # standard errors to either side of 95 % of a normal distribution
NO_SPREAD = 1e-8  # of the variance between animals
MIXED, MEANS = "mixed model, animal as random part", "means of animals"


def group_means(readings: pd.DataFrame, order: Sequence[str] = ()) -> pd.DataFrame:
    """Means of groups, and differences from the first group, of each quantity of a table of readings.

    ``readings``  uncensored rows with a subject and a group are used, at the level read most often
    ``order``     of the groups; others come behind, by name
    returns       columns ``COLUMNS``: ``against`` is blank for a mean; ``between`` and ``within`` are the standard
                  deviations of animals and of readings of one animal, in the unit of the quantity
    """
    import pandas as pd

    known = readings[
        (readings["censored"] == "none") & (readings["subject"] != "") & (readings["group"] != "")
    ]
    rows = list[dict[str, object]]()
    for (quantity, unit), part in known.groupby(["quantity", "unit"], sort=True):
        level = float(part["level"].mode().to_numpy(dtype=float).max(initial=-np.inf))
        level = level if np.isfinite(level) else np.nan
        used = part if np.isnan(level) else part[part["level"] == level]
        animals = used.groupby("group")["subject"].nunique()
        used = used[used["group"].isin(animals.index[animals >= FEWEST_ANIMALS])]
        if 0 < len(used) <= MOST_READINGS:
            about = {"quantity": quantity, "unit": unit, "level": level}
            rows += [{**about, **row} for row in _fitted(used, order)]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _fitted(readings: pd.DataFrame, order: Sequence[str]) -> list[dict[str, object]]:
    """The rows of one quantity: a mean for each group and a difference of each from the first."""
    present = sorted(readings["group"].unique())
    groups = [*(name for name in order if name in present), *(name for name in present if name not in order)]
    design = _design(readings, groups)
    subject = (readings["group"] + "\0" + readings["subject"]).to_numpy()
    effects, covariance, between, within, method = _model(
        readings["value"].to_numpy(dtype=float), design, subject
    )
    centre = design[:, len(groups) :].mean(axis=0)
    counts = readings.groupby("group")
    rows = list[dict[str, object]]()
    for number, group in enumerate(groups):
        pick = np.zeros(design.shape[1])
        pick[number] = 1.0
        against = pick - np.eye(1, design.shape[1]).ravel()
        pick[len(groups) :] = centre
        for weights, other in ((pick, ""), (against, groups[0])):
            if other == group:
                continue
            mean, variance = float(weights @ effects), float(weights @ covariance @ weights)
            error = math.sqrt(max(variance, 0.0))
            rows.append(
                {
                    "group": group,
                    "against": other,
                    "mean": mean,
                    "low": mean - COVERED * error,
                    "high": mean + COVERED * error,
                    "animals": int(counts["subject"].nunique()[group]),
                    "readings": int(counts.size()[group]),
                    "between": between,
                    "within": within,
                    "method": method,
                }
            )
    return rows


def _design(readings: pd.DataFrame, groups: list[str]) -> Array:
    """A column a group, and one for each further frequency and time, shape (reading, effect)."""
    import pandas as pd

    columns = [(readings["group"] == group).to_numpy(dtype=float) for group in groups]
    for name in ("frequency", "time"):
        cells = pd.Categorical(readings[name].round(3).fillna(-1e9))
        columns += [(cells == cell).astype(float) for cell in cells.categories[1:]]
    design = np.column_stack(columns)
    # A frequency or time that only one group has says nothing apart from that group.
    kept_columns = list(range(len(groups)))
    for i in range(len(groups), design.shape[1]):
        if np.linalg.matrix_rank(design[:, [*kept_columns, i]]) > len(kept_columns):
            kept_columns.append(i)
    return np.asarray(design[:, kept_columns])


def _model(
    value: Array, design: Array, subject: NDArray[np.object_]
) -> tuple[Array, Array, float, float, str]:
    """Effects, their covariance, the deviations between and within animals, and how they were found.

    Where every animal was read once, or the model does not settle, animals' means stand for their readings.
    """
    names, index = np.unique(subject, return_inverse=True)
    mixed = _mixed(value, design, index) if len(names) < len(value) else None
    if mixed is not None:
        return *mixed, MIXED
    means = np.bincount(index, value) / np.bincount(index)
    rows = np.array([design[index == i].mean(axis=0) for i in range(len(names))])
    inverse = np.linalg.pinv(rows.T @ rows)
    effects = inverse @ rows.T @ means
    free = len(names) - int(np.linalg.matrix_rank(rows))
    scale = float(((means - rows @ effects) ** 2).sum()) / free if free else np.nan
    return effects, inverse * scale, math.sqrt(scale), 0.0, MEANS


def _mixed(
    value: Array, design: Array, subject: NDArray[np.intp]
) -> tuple[Array, Array, float, float] | None:
    """Effects, covariance and deviations of the mixed model; None where it has no solution, or does not settle."""
    import statsmodels.api as sm  # type: ignore[import-untyped]  # it ships no types

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = sm.MixedLM(value, design, groups=subject).fit(reml=True)
    except np.linalg.LinAlgError:
        return None
    covariance = np.asarray(fit.cov_params(), dtype=float)[: design.shape[1], : design.shape[1]]
    if not fit.converged or not np.isfinite(covariance).all():
        return None
    between, within = float(np.asarray(fit.cov_re)[0, 0]), float(fit.scale)
    if within < NO_SPREAD * between:
        return None  # readings of one animal do not differ: the likelihood has no top
    return np.asarray(fit.fe_params, dtype=float), covariance, math.sqrt(max(between, 0.0)), math.sqrt(within)


def methods(means: pd.DataFrame) -> str:
    """The sentence of a paper's methods for these means; empty where there are none."""
    if means.empty:
        return ""
    contrasts = means[means["against"] != ""]
    parts = [f"means with 95 % intervals were estimated for {means['quantity'].nunique()} endpoints"]
    if (means["method"] == MIXED).any():
        parts.append(
            "by linear mixed models with group, frequency and time as fixed and the animal as random effect "
            "(restricted maximum likelihood, statsmodels)"
        )
    if (means["method"] == MEANS).any():
        parts.append("by least squares on the means of animals where each was read once")
    if len(contrasts):
        parts.append(f"groups were compared with {contrasts['against'].iloc[0]}")
    return f"The animal was the unit of analysis: {'; '.join(parts)}; censored readings were left out."
