"""Group means of what was measured, with the animal as the unit: ears, frequencies and days of one are not independent.

For each endpoint a linear mixed model has the group at each time and the frequency as they were measured, and an
animal's own level as its random part (restricted maximum likelihood, statsmodels). A contrast is the difference of two
groups at one time; intervals hold 95 %.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.tables import when
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple(
    "quantity unit level time group against mean low high animals readings between within method".split()
)
FEWEST_ANIMALS, MOST_READINGS = 2, 20_000
COVERED = 1.959964  # standard errors to either side of 95 % of a normal distribution
NO_SPREAD = 1e-8  # of the variance between animals
MIXED, MEANS = "mixed model, animal as random part", "means of animals"


def group_means(readings: pd.DataFrame, order: Sequence[str] = ()) -> pd.DataFrame:
    """Means of groups at each time, and differences from the first group at the same time, of each quantity.

    ``readings``  uncensored rows with a subject and a group are used, at the level read most often
    ``order``     groups as the study has them, the one compared with first; others follow by name
    returns       columns ``COLUMNS``: ``time`` in words, ``against`` blank for a mean; ``between`` and ``within`` are
                  the standard deviations of animals and of readings of one animal, in the unit of the quantity
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
        used = used.assign(when=when(used), hours=used["time"].fillna(-np.inf))
        used = used[used.groupby(["group", "when"])["subject"].transform("nunique") >= FEWEST_ANIMALS]
        if 0 < len(used) <= MOST_READINGS:
            about = {"quantity": quantity, "unit": unit, "level": level}
            rows += [{**about, **row} for row in _fitted(used, order)]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _fitted(readings: pd.DataFrame, order: Sequence[str]) -> list[dict[str, object]]:
    """The rows of one quantity: a mean of each group at each time, and its difference from the first group then."""
    place = {name: number for number, name in enumerate(order)}
    cells = [
        (str(word), str(group))
        for _, word, group in sorted(
            set(zip(readings["hours"], readings["when"], readings["group"], strict=True)),
            key=lambda cell: (cell[0], cell[1], place.get(cell[2], len(place)), cell[2]),
        )
    ]
    own = list(zip(readings["when"], readings["group"], strict=True))
    design = _design(readings, own, cells)
    subject = (readings["group"] + "\0" + readings["subject"]).to_numpy()
    effects, covariance, between, within, method = _model(
        readings["value"].to_numpy(dtype=float), design, subject
    )
    centre = np.append(np.zeros(len(cells)), design[:, len(cells) :].mean(axis=0))
    first = {word: number for number, (word, _) in reversed(list(enumerate(cells)))}
    animals, counts = (
        readings.groupby(["when", "group"])["subject"].agg(how).to_dict() for how in ("nunique", "size")
    )
    rows = list[dict[str, object]]()
    for number, (word, group) in enumerate(cells):
        pick = np.eye(1, design.shape[1], number).ravel()
        apart = pick - np.eye(1, design.shape[1], first[word]).ravel()
        for weights, other in ((pick + centre, ""), (apart, cells[first[word]][1])):
            if other == group:
                continue
            mean, variance = float(weights @ effects), float(weights @ covariance @ weights)
            error = math.sqrt(max(variance, 0.0))
            rows.append(
                {
                    "time": word,
                    "group": group,
                    "against": other,
                    "mean": mean,
                    "low": mean - COVERED * error,
                    "high": mean + COVERED * error,
                    "animals": int(animals[word, group]),
                    "readings": int(counts[word, group]),
                    "between": between,
                    "within": within,
                    "method": method,
                }
            )
    return rows


def _design(
    readings: pd.DataFrame, own: Sequence[tuple[str, str]], cells: Sequence[tuple[str, str]]
) -> Array:
    """A column for each group at each time, and one for each further frequency, shape (reading, effect)."""
    import pandas as pd

    columns = [np.array([cell == place for place in own], dtype=float) for cell in cells]
    tones = pd.Categorical(readings["frequency"].round(3).fillna(-1e9))
    columns += [(tones == tone).astype(float) for tone in tones.categories[1:]]
    design = np.column_stack(columns)
    # A frequency that only one group has says nothing apart from that group.
    useful = list(range(len(cells)))
    for i in range(len(cells), design.shape[1]):
        if np.linalg.matrix_rank(design[:, [*useful, i]]) > len(useful):
            useful.append(i)
    return np.asarray(design[:, useful])


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


def methods(means: pd.DataFrame, readings: pd.DataFrame) -> str:
    """The sentence of a paper's methods for these means; empty where there are none.

    ``readings``  from which they are
    """
    if means.empty:
        return ""
    contrasts = means[means["against"] != ""]
    parts = [f"means with 95 % intervals were estimated for {means['quantity'].nunique()} endpoints"]
    if (means["method"] == MIXED).any():
        parts.append(
            "by linear mixed models with the group at each time and the frequency as fixed effects and the animal as "
            "random effect (restricted maximum likelihood, statsmodels)"
        )
    if (means["method"] == MEANS).any():
        parts.append("by least squares on the means of animals where each was read once")
    if len(contrasts):
        parts.append(f"groups were compared with {contrasts['against'].iloc[0]}")
    return f"The animal was the unit of analysis: {'; '.join([*parts, _left_out(means, readings)])}."


def _left_out(means: pd.DataFrame, readings: pd.DataFrame) -> str:
    """What is said of censored readings: how many of which group, and which way the means are off without them."""
    own = readings[readings["quantity"].isin(means["quantity"]) & (readings["group"] != "")]
    sides = {"above": "low", "below": "high"}
    parts = [
        f"{', '.join(f'{count} of {group}' for group, count in counts.items())} (means without them are too {off})"
        for side, off in sides.items()
        if (counts := own.loc[own["censored"] == side, "group"].value_counts(sort=False).to_dict())
    ]
    return f"censored readings were left out: {'; '.join(parts)}" if parts else "no reading was censored"
