"""What each therapy is worth to each ear, and how likely each is best.

An ear's score in an arm is what it gains there over the study's first arm, in the units a study's preference states,
less what the arm's adverse events cost. No arm is called best: each has a probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.answers.band import world_means
from otosome.answers.contrast import benefit
from otosome.answers.numbers import WORTH, Interval, ShareInterval, difference, interval, share_interval
from otosome.ears import Columns, Rows
from otosome.study import Arm, Study
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    import xarray as xr

WORDS = "word_score"
# Without a stated preference so much of the words understood in quiet is worth one.
_TEN_POINTS = Quantity("10 %")
# Scores that differ by a tenth or less tie. By default that is a point of words, less than one word of a list of 50.
TIE = 0.1
# What the adverse events weigh beside what is stated: nothing, and ten times as much.
LEANINGS = {
    "as stated": 1.0,
    "adverse events weigh nothing": 0.0,
    "adverse events weigh ten times as much": 10.0,
}


@dataclass(frozen=True)
class Chance:
    """Probability that an arm is best: for one ear drawn, and on average over the ears of a world."""

    person: ShareInterval
    average: ShareInterval


@dataclass(frozen=True)
class Ahead:
    """By how much the arm likeliest best on average, ``of``, is ahead of the next, ``over``, in the mean of a world."""

    of: str
    over: str
    by: Interval


def worths(study: Study) -> dict[str, Quantity]:
    """How much of each measure is worth one: as the study states it, or ten points of words in quiet."""
    stated = study.tables.preference
    if stated is not None and stated.measures:
        return dict(stated.measures)
    return dict.fromkeys(in_quiet(study), _TEN_POINTS)


def in_quiet(study: Study) -> list[str]:
    """The measures of words understood in quiet."""
    return [n for n, m in study.tables.measure.items() if m.endpoint == WORDS and m.noise is None]


def reference(study: Study) -> str:
    """The arm that all others are held against: the first."""
    return study.tables.arm[0].name


def scores(
    study: Study, result: xr.Dataset, risks: Mapping[str, Mapping[str, Array]], leaning: float = 1.0
) -> Array:
    """What each ear gains in each arm over the reference, less what adverse events cost, shape (arm, ear).

    ``risks``    by arm and adverse event, events expected of one person, shape (ear,)
    ``leaning``  a factor on the weight of every adverse event
    """
    arms = [str(arm) for arm in result.arm.to_numpy()]
    return np.stack([_score(study, result, arm, risks[arm], leaning) for arm in arms])


def _score(study: Study, result: xr.Dataset, arm: str, risks: Mapping[str, Array], leaning: float) -> Array:
    gained = sum(gain(study, result, name, arm) / _worth(study, result, name) for name in worths(study))
    weights = weighed(study)
    # Fewer events than without, as trials of the gravely ill found, is no gain of a therapy of the ear.
    costs = sum(
        (leaning * weights[adverse_event] * np.maximum(risk, 0.0) for adverse_event, risk in risks.items()),
        np.zeros(result.sizes["subject"]),
    )
    return np.asarray(gained - costs)


def _worth(study: Study, result: xr.Dataset, name: str) -> float:
    return worths(study)[name].to(difference(str(result[name].attrs["unit"])))


def gain(study: Study, result: xr.Dataset, name: str, arm: str) -> Array:
    """What an arm gains over the reference in a measure, in the measure's unit, above zero where better: (ear,)."""
    of, against = (result[name].sel(arm=each).to_numpy() for each in (arm, reference(study)))
    return benefit(study, result, name, of, against)


def chances(scores: Array, world: Rows) -> list[Chance]:
    """Probability that each arm has the highest score; arms that tie share it.

    ``scores``  (arm, ear), higher is better;  ``world``  of each ear, shape (ear,)
    returns     for each arm its share, with the 95 % that as many worlds leave open
    """
    means = world_means(scores, world)
    worlds = means.shape[1]
    ear, average = _highest(scores), _highest(means)
    return [
        Chance(share_interval(float(p) * worlds, worlds), share_interval(float(q) * worlds, worlds))
        for p, q in zip(ear, average, strict=True)
    ]


def ahead(arms: Sequence[str], scores: Array, likely: Sequence[Chance], world: Rows) -> Ahead:
    """By how much the arm likeliest best on average is ahead of the next: a sure gain can be next to none.

    ``scores``  (arm, ear);  ``likely``  of ``chances``;  ``world``  of each ear
    """
    means = world_means(scores, world)
    order = sorted(
        range(len(means)), key=lambda arm: (-likely[arm].average.exact[0], -float(means[arm].mean()))
    )
    first = order[0]
    second = max(order[1:], key=lambda arm: float(means[arm].mean()))
    return Ahead(arms[first], arms[second], interval(means[first] - means[second], WORTH, gain=True))


def _highest(scores: Array) -> Array:
    """Share of columns in which each row is the highest, ties shared: (row,)."""
    # Two scores a tenth apart tie whatever rounding makes of their difference.
    top = scores >= scores.max(axis=0) - TIE * (1 + 1e-9)
    return np.asarray((top / top.sum(axis=0)).mean(axis=1))


def expected(study: Study, arm: Arm, columns: Columns) -> dict[str, Array]:
    """Events of each adverse event that an arm brings, expected of one person beyond none at all, shape (ear,)."""
    return {
        name: study.adverse_event(name, columns).excess(times)
        for name, times in study.adverse_events(arm).items()
    }


def weighed(study: Study) -> dict[str, float]:
    """What one adverse event of each kind costs: as the study's preference has it, or the shelf's own weight."""
    stated = {} if study.tables.preference is None else study.tables.preference.adverse_events
    names = {name for arm in study.tables.arm for name in study.adverse_events(arm)}
    own = {name: study.parameters[f"adverse_events.{name}.weight"].value for name in sorted(names)}
    return own | {name: weight for name, weight in stated.items() if name in own}
