"""What papers print, typed into a fit file: means of groups with their spread, and comparisons of two groups.

``[[mean]]`` and ``[[comparison]]`` hold one group, or two, at one moment and all its tones: what animals read at these
goes together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from otosome.errors import BadInput
from otosome.fitting.assays import factor
from otosome.fitting.chances import Verdict
from otosome.fitting.observations import Readings
from otosome.roles import Reading
from otosome.study import Measure, Study
from otosome.study.tables.base import Frequency, Moment, Table
from otosome.units import Array

_P = re.compile(r"\s*([<>=])\s*(\d*\.?\d+(?:[eE]-?\d+)?)\s*", re.ASCII)
# Animals of a group a paper can have.
_MOST_ANIMALS = 100_000
# A spread of thresholds of single animals below it is that of a mean, dB.
_TOO_NARROW = 2.0
Direction = Literal["lower", "higher", "not stated"]
_SIDES = {"lower": -1, "higher": 1, "not stated": 0}


class _Printed(Table):
    """A measure at one moment and some of its tones."""

    measure: str = Field(description='a measure of the study: "abr_threshold"')
    at: Moment = Field(description='when, one of the moments of the measure: "14 d"')
    frequency: list[Frequency] | None = Field(
        default=None, min_length=1, description='tones, of those of the measure: ["8 kHz", "16 kHz"]'
    )

    @property
    def rows(self) -> int:
        """How many tones there are; one for a measure that has none."""
        return 1 if self.frequency is None else len(self.frequency)

    def where(self, study: Study, group: str, key: str, values: Array) -> Readings:
        """The places of a group's values; raises BadInput for names, a moment or a tone that the study has not."""
        measures, arms = study.tables.measure, [arm.name for arm in study.tables.arm]
        if self.measure not in measures:
            raise BadInput(
                "is no measure of the study", key="measure", given=self.measure, allowed=sorted(measures)
            )
        if group not in arms:
            raise BadInput("is no arm of the study", key=key, given=group, allowed=arms)
        measure = measures[self.measure]
        if float(self.at) not in [float(moment) for moment in measure.at]:
            allowed = [moment.text for moment in measure.at]
            raise BadInput(
                f"{self.measure} is not measured then", key="at", given=self.at.text, allowed=allowed
            )
        tones = self._tones(measure)
        moments = np.unique([float(t) for m in measures.values() for t in m.at])
        same, none = np.zeros(self.rows, dtype=np.intp), np.zeros(self.rows)
        return Readings(
            self.measure,
            same + arms.index(group),
            same + int(np.searchsorted(moments, float(self.at))),
            np.array([measure.tones.index(tone) for tone in tones], dtype=np.intp),
            same,
            same,
            Reading(values, none),
            np.arange(1, self.rows + 1),
        )

    def _tones(self, measure: Measure) -> list[float]:
        """Its tones, kHz, each once and one of the measure's."""
        if (self.frequency is None) != (measure.frequency is None):
            raise BadInput(f"{self.measure} has {'none' if self.frequency else 'some'}", key="frequency")
        tones = [1.0] if self.frequency is None else [float(tone) for tone in self.frequency]
        if unknown := [tone for tone in tones if tone not in measure.tones]:
            raise BadInput(
                f"{self.measure} is not measured there",
                key="frequency",
                given=f"{unknown[0]:g} kHz",
                allowed=[f"{tone:g} kHz" for tone in measure.tones],
            )
        if len(set(tones)) < len(tones):
            raise BadInput("holds a tone twice", key="frequency", given=[f"{tone:g} kHz" for tone in tones])
        return tones

    def per_tone(self, key: str, values: Sequence[object]) -> None:
        """Refuse a list that does not hold one value for each tone."""
        if len(values) != self.rows:
            raise BadInput("has not one value for each tone", key=key, given=len(values), allowed=self.rows)

    def label(self, row: int) -> str:
        """Which moment and tone a row is of."""
        tone = "" if self.frequency is None else f", {self.frequency[row].text}"
        return f"{self.measure} at {self.at.text}{tone}"


class PrintedMean(_Printed):
    """Means of a group of n animals, with standard deviations or standard errors."""

    group: str = Field(description='an arm of the study: "noise"')
    n: int = Field(ge=1, le=_MOST_ANIMALS, description="animals of the group: 8")
    unit: str = Field(description='of mean and spread: "dB SPL"')
    mean: list[float] = Field(min_length=1, description="a mean for each tone: [45.0, 52.0]")
    sd: list[float] | None = Field(
        default=None, description="standard deviations between animals: [6.0, 7.5]"
    )
    sem: list[float] | None = Field(
        default=None, description="or standard errors of the means, where a paper prints these: [2.1, 2.7]"
    )

    def checked(self, study: Study) -> Means:
        """It in the measure's unit; raises BadInput for what cannot be."""
        self.per_tone("mean", self.mean)
        where = self.where(study, self.group, "group", np.array(self.mean))
        if (self.sd is None) == (self.sem is None):
            raise BadInput("is stated as sd or as sem, one of the two", key="sd")
        if self.n < 2:
            raise BadInput(
                "one animal has no spread", key="n", given=self.n, cure="name it among the readings"
            )
        key, spread = ("sd", self.sd) if self.sd is not None else ("sem", self.sem or [])
        self.per_tone(key, spread)
        if min(spread) <= 0:
            raise BadInput("a spread lies above zero", key=key, given=min(spread))
        times = factor(study, self.measure, self.unit)
        if times is None:
            raise BadInput(
                f"is no unit of {self.measure}", key="unit", given=self.unit, allowed=study.unit(self.measure)
            )
        sd = times * np.array(spread) * (1.0 if key == "sd" else np.sqrt(self.n))
        if key == "sd" and study.unit(self.measure).startswith("dB") and sd.min() < _TOO_NARROW:
            raise BadInput(
                f"animals differ by more than {_TOO_NARROW:g} dB: this is the spread of a mean",
                key="sd",
                given=f"{sd.min():g} dB",
                cure="write it as sem",
            )
        where = self.where(study, self.group, "group", times * np.array(self.mean))
        return Means(where, sd, self.n, tuple(f"{self.group}: {self.label(row)}" for row in range(self.rows)))


class PrintedComparison(_Printed):
    """What a paper prints of two groups: at each tone the p of a two-sided t test, the direction, or both."""

    of: str = Field(description='an arm of the study: "vesicles"')
    against: str = Field(description='the arm it is compared with: "vehicle"')
    n: list[int] = Field(min_length=2, max_length=2, description="animals of both groups: [8, 8]")
    p: list[str] | None = Field(
        default=None, description='of each tone, as printed: ["< 0.05", "> 0.05", "= 0.013"]'
    )
    direction: list[Direction] = Field(
        min_length=1, description='which way "of" lies, at each tone: "lower", "higher" or "not stated"'
    )

    def checked(self, study: Study) -> Compared:
        """It with a verdict for each tone; raises BadInput for a comparison that cannot have been made."""
        values = np.zeros(self.rows)
        both = self.where(study, self.of, "of", values), self.where(study, self.against, "against", values)
        if self.of == self.against:
            raise BadInput("is compared with itself", key="against", given=self.of)
        self.per_tone("direction", self.direction)
        if self.p is None and "not stated" in self.direction:
            raise BadInput("states neither p nor a direction", key="direction")
        self.per_tone("p", self.p if self.p is not None else self.direction)
        if min(self.n) < 1 or max(self.n) > _MOST_ANIMALS:
            raise BadInput("is no number of animals", key="n", given=self.n)
        if min(self.n) < 2:
            what = f"p {self.p[0]}" if self.p is not None else "a direction"
            raise BadInput(
                f"{what} cannot come of a t test with one animal in a group",
                key="n",
                given=self.n,
                allowed="2 and more",
            )
        freedom = sum(self.n) - 2
        verdicts = [self._verdict(row, freedom) for row in range(self.rows)]
        says = tuple(
            f"{self.of} {self._words(row)} {self.against}: {self.label(row)}" for row in range(self.rows)
        )
        return Compared(*both, tuple(verdicts), (self.n[0], self.n[1]), says)

    def _verdict(self, row: int, freedom: int) -> Verdict:
        side = _SIDES[self.direction[row]]
        if self.p is None:
            return Verdict.of(None, "", side, freedom)
        match = _P.fullmatch(self.p[row])
        value = float(match[2]) if match else 0.0
        if match is None or not 0.0 < value < 1.0:
            raise BadInput(
                "is no p value as a paper prints one",
                key="p",
                given=self.p[row],
                allowed=["< 0.05", "> 0.05", "= 0.013"],
            )
        return Verdict.of(value, match[1], side, freedom)

    def _words(self, row: int) -> str:
        direction = {"not stated": "against"}.get(self.direction[row], f"{self.direction[row]} than")
        return direction if self.p is None else f"{direction} (p {self.p[row].strip()})"


@dataclass(frozen=True)
class Means:
    """Means of a group at places, with standard deviations (row,) of its n animals, in the measure's unit."""

    where: Readings
    sd: Array
    n: int
    labels: tuple[str, ...]

    @property
    def places(self) -> tuple[Readings, ...]:
        """Where animals were read."""
        return (self.where,)


@dataclass(frozen=True)
class Compared:
    """Two groups at the same places, a verdict for each, and how many animals each has."""

    of: Readings
    against: Readings
    verdicts: tuple[Verdict, ...]
    n: tuple[int, int]
    labels: tuple[str, ...]

    @property
    def places(self) -> tuple[Readings, ...]:
        """Where animals were read."""
        return self.of, self.against
