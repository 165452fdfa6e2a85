"""Group means of what was measured, with the animal as the unit: ears, frequencies and days of one are not independent.

For each endpoint a linear mixed model has the group at each time and the frequency as they were measured, and an
animal's own level as its random part (restricted maximum likelihood, statsmodels). A contrast is the difference of two
groups at one time; intervals hold 95 % of Student's t with the animals' degrees of freedom: animals less groups.
A group of which every reading lies beyond a limit has no mean; its row says so.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.laboratory.tables import when
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple(
    (
        "quantity unit level time group against mean low high freedom animals readings censored between within "
        "method about"
    ).split()
)
FEWEST_ANIMALS, MOST_READINGS = 2, 20_000
COVERED = 0.95
NO_SPREAD = 1e-8  # of the variance between animals
MIXED, MEANS, LIMITED = (
    "mixed model, animal as random part",
    "means of animals",
    "none: readings beyond a limit",
)
# A group at a time: hours, the time in words, the group.
Cell = tuple[float, str, str]
Row = dict[str, object]


def group_means(readings: pd.DataFrame, order: Sequence[str] = ()) -> pd.DataFrame:
    """Means of groups at each time, and differences from the first group at the same time, of each quantity.

    ``readings``  rows with a subject and a group are used, at the level read most often; means are of uncensored ones
    ``order``     groups as the study has them, the one compared with first; others follow by name
    returns       columns ``COLUMNS``: ``time`` in words, ``against`` blank for a mean; ``between`` and ``within`` are
                  the standard deviations of animals and of readings of one animal, in the unit of the quantity;
                  ``freedom`` the degrees of freedom of the interval; ``censored`` how many readings the mean leaves
                  out. A group beyond the limits has no ``mean`` and the mean of its limits as ``low`` or ``high``,
                  and ``about`` says what is known of it
    """
    import pandas as pd

    own = readings[(readings["subject"] != "") & (readings["group"] != "")]
    rows = list[Row]()
    for (quantity, unit), part in own.groupby(["quantity", "unit"], sort=True):
        clear = part[part["censored"] == "none"]
        level = float(
            (clear if len(clear) else part)["level"].mode().to_numpy(dtype=float).max(initial=-np.inf)
        )
        level = level if np.isfinite(level) else np.nan
        used = part if np.isnan(level) else part[part["level"] == level]
        used = used.assign(when=when(used), hours=used["time"].fillna(-np.inf))
        about = {"quantity": quantity, "unit": unit, "level": level}
        rows += [{**about, **row} for row in _rows(used, order, str(unit))]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def _rows(readings: pd.DataFrame, order: Sequence[str], unit: str) -> list[Row]:
    """The rows of one quantity, group by group at each time: those with a mean, and those beyond the limits."""
    clear = _of_enough(readings[readings["censored"] == "none"])
    beyond = readings[readings["censored"] != "none"]
    counts = beyond.groupby(["when", "group"]).size().to_dict()
    cells = _cells(_of_enough(readings), order)
    limited = [cell for cell in cells if cell[1:] in counts and cell not in set(_cells(clear, order))]
    # Where the group that others are compared with is beyond the limits, no other takes its place.
    lost = {word for _, word, group in limited if group == _first(cells, word)}
    of_cell = dict[tuple[str, str], list[Row]]()
    if 0 < len(clear) <= MOST_READINGS:
        of_cell = _fitted(clear, _cells(clear, order), lost)
    for _, word, group in limited:
        mine = readings[(readings["when"] == word) & (readings["group"] == group)]
        of_cell[word, group] = [_limited(mine, word, group, unit)]
    return [
        {**row, "censored": counts.get(cell[1:], 0)} for cell in cells for row in of_cell.get(cell[1:], [])
    ]


def _of_enough(readings: pd.DataFrame) -> pd.DataFrame:
    """The readings of groups that have enough animals at a time."""
    return readings[readings.groupby(["group", "when"])["subject"].transform("nunique") >= FEWEST_ANIMALS]


def _cells(readings: pd.DataFrame, order: Sequence[str]) -> list[Cell]:
    """The groups at each time, in time and in the order of the study."""
    place = {name: number for number, name in enumerate(order)}
    return sorted(
        {
            (float(hours), str(word), str(group))
            for hours, word, group in zip(readings["hours"], readings["when"], readings["group"], strict=True)
        },
        key=lambda cell: (cell[0], cell[1], place.get(cell[2], len(place)), cell[2]),
    )


def _first(cells: Iterable[Cell], word: str) -> str:
    """The group that the others of a time are compared with."""
    return next(group for _, own, group in cells if own == word)


def _limited(readings: pd.DataFrame, word: str, group: str, unit: str) -> Row:
    """The row of a group at a time of which too few animals are left for a mean."""
    sides = readings.groupby("subject")["censored"].agg(lambda own: own.iloc[0] if own.nunique() == 1 else "")
    counts = {side: int((sides == side).sum()) for side in ("above", "below")}
    limits = {side: readings.loc[readings["censored"] == side].groupby("subject")["value"] for side in counts}
    whole = next((side for side, count in counts.items() if count == len(sides)), "")
    mean = float(limits[whole].mean().mean()) if whole else np.nan
    return {
        "time": word,
        "group": group,
        "against": "",
        "mean": np.nan,
        "low": mean if whole == "above" else np.nan,
        "high": mean if whole == "below" else np.nan,
        "freedom": np.nan,
        "animals": len(sides),
        "readings": int((readings["censored"] == "none").sum()),
        "between": np.nan,
        "within": np.nan,
        "method": LIMITED,
        "about": "; ".join(
            f"{'all' if count == len(sides) else f'{count} of'} {len(sides)} animals {side} "
            f"{_span(limits[side].min().min(), limits[side].max().max())} {unit}".rstrip()
            for side, count in counts.items()
            if count
        )
        or f"too few of {len(sides)} animals have a reading within the limits",
    }


def _span(low: float, high: float) -> str:
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _fitted(
    readings: pd.DataFrame, cells: Sequence[Cell], lost: set[str]
) -> dict[tuple[str, str], list[Row]]:
    """By time and group the rows of one quantity: the mean, and its difference from the first group then.

    ``lost``  times at which the first group has no mean
    """
    from scipy.stats import t as student

    own = list(zip(readings["when"], readings["group"], strict=True))
    design = _design(readings, own, [cell[1:] for cell in cells])
    subject = (readings["group"] + "\0" + readings["subject"]).to_numpy()
    model = _model(readings["value"].to_numpy(dtype=float), design, subject, readings["group"].nunique())
    half = float(student.ppf((1 + COVERED) / 2, model.freedom)) if model.freedom else np.nan
    centre = np.append(np.zeros(len(cells)), design[:, len(cells) :].mean(axis=0))
    first = {word: number for number, (_, word, _) in reversed(list(enumerate(cells)))}
    animals, counts = (
        readings.groupby(["when", "group"])["subject"].agg(how).to_dict() for how in ("nunique", "size")
    )
    rows = dict[tuple[str, str], list[Row]]()
    for number, (_, word, group) in enumerate(cells):
        pick = np.eye(1, design.shape[1], number).ravel()
        apart = pick - np.eye(1, design.shape[1], first[word]).ravel()
        contrasts = [] if number == first[word] or word in lost else [(apart, cells[first[word]][2])]
        rows[word, group] = [
            {
                "time": word,
                "group": group,
                "against": other,
                **model.interval(weights, half),
                "animals": int(animals[word, group]),
                "readings": int(counts[word, group]),
                "about": "",
            }
            for weights, other in [(pick + centre, ""), *contrasts]
        ]
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


@dataclass(frozen=True)
class Model:
    """Effects of shape (effect,), their covariance, and the deviations between and within animals.

    ``freedom``  degrees of freedom: animals less what was estimated of them;  ``method``  how they were found
    """

    effects: Array
    covariance: Array
    between: float
    within: float
    freedom: int
    method: str

    def interval(self, weights: Array, half: float) -> Row:
        """A weighted sum of the effects, shape (effect,), and ``half`` standard errors to either side."""
        mean, variance = float(weights @ self.effects), float(weights @ self.covariance @ weights)
        error = half * math.sqrt(max(variance, 0.0))
        about = {key: getattr(self, key) for key in ("freedom", "between", "within", "method")}
        return {"mean": mean, "low": mean - error, "high": mean + error, **about}


def _model(value: Array, design: Array, subject: NDArray[np.object_], groups: int) -> Model:
    """The mixed model; where every animal was read once, or it does not settle, animals' means for their readings."""
    names, index = np.unique(subject, return_inverse=True)
    mixed = _mixed(value, design, index) if len(names) < len(value) else None
    if mixed is not None:
        return Model(*mixed, freedom=len(names) - groups, method=MIXED)
    means = np.bincount(index, value) / np.bincount(index)
    rows = np.array([design[index == i].mean(axis=0) for i in range(len(names))])
    inverse = np.linalg.pinv(rows.T @ rows)
    effects = inverse @ rows.T @ means
    free = len(names) - int(np.linalg.matrix_rank(rows))
    scale = float(((means - rows @ effects) ** 2).sum()) / free if free else np.nan
    return Model(effects, inverse * scale, math.sqrt(scale), 0.0, free, MEANS)


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
    count = means.loc[means["method"] != LIMITED, "quantity"].nunique()
    plural = "" if count == 1 else "s"
    parts = [f"means with 95 % intervals were estimated for {count} endpoint{plural}"]
    if (means["method"] == MIXED).any():
        parts.append(
            "by linear mixed models with the group at each time and the frequency as fixed effects and the animal as "
            "random effect (restricted maximum likelihood, statsmodels)"
        )
    if (means["method"] == MEANS).any():
        parts.append("by least squares on the means of animals where each was read once")
    if (means["freedom"] > 0).any():
        parts.append("intervals are of Student's t with the degrees of freedom of the animals")
    if len(contrasts):
        parts.append(f"groups were compared with {' and '.join(contrasts['against'].unique())}")
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
    lost = means[means["method"] == LIMITED]
    parts += [
        f"{group} {f'at {time} ' if time else ''}has no mean of {quantity} ({about})"
        for group, time, quantity, about in zip(
            lost["group"], lost["time"], lost["quantity"].str.replace("_", " "), lost["about"], strict=True
        )
    ]
    return f"censored readings were left out: {'; '.join(parts)}" if parts else "no reading was censored"
