"""The share of people in each grade of each scale, as their last readings have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otosome.answers.description import Scale
from otosome.answers.numbers import ShareInterval, share_interval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Grades:
    """A scale with the shares of its grades, best first, by arm.

    Each share has the 95 % that so many people, read once, leave open: two arms that differ by less may differ by
    the error of reading alone.
    """

    scale: str
    about: str
    labels: list[str]
    shares: dict[str, list[ShareInterval]]


def grades(readings: pd.DataFrame, scales: Mapping[str, Scale], arms: Iterable[str]) -> list[Grades]:
    """The shares of every scale by the last readings of each arm; an arm without readings has none."""
    names = list(arms)
    return [
        Grades(name, scale.about, scale.labels, _shares(readings, name, len(scale.labels), names))
        for name, scale in scales.items()
    ]


def _shares(
    readings: pd.DataFrame, scale: str, steps: int, arms: list[str]
) -> dict[str, list[ShareInterval]]:
    graded = readings[readings["quantity"] == scale]
    last = graded[graded["time"] == graded["time"].max()]
    by_arm = {arm: last.loc[last["group"] == arm, "value"].to_numpy() for arm in arms}
    return {
        arm: [share_interval(float((values == step).sum()), values.size) for step in range(steps)]
        for arm, values in by_arm.items()
        if values.size
    }
