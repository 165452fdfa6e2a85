"""How many people have a hearing loss depends on where it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.grades import Grades
from otosome.roles import Figure
from otosome.units import quantity

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0
_PEOPLE = 100


@dataclass(frozen=True)
class Burden:
    """The share of simulated people beyond a scale's grades, by age; no disease, no noise, both ears alike.

    ``population``, ``scale``  entries of their shelves
    ``ages``                   years: of each part; the figure is of all from the first to the last
    """

    population: str
    scale: str
    ages: tuple[float, ...]

    def figure(self, laboratory: Laboratory) -> Figure:
        """From the share beyond the second grade's limit (low) to that beyond the first one's (high)."""
        labels = laboratory.catalog.get("scales", self.scale).options.labels
        everyone = self._graded(laboratory, self.ages[0], self.ages[-1])
        mild, worse = (_PERCENT * float(np.mean(everyone >= grade)) for grade in (1, 2))
        parts = tuple(
            Figure.over(
                _PERCENT * np.mean(grades >= grade, axis=1),
                "%",
                f"at {age:g} years, {labels[grade]} or worse",
            )
            for age, grades in ((age, self._graded(laboratory, age, age)) for age in self.ages)
            for grade in (1, 2)
        )
        words = (
            f"of people of {self.ages[0]:g} to {self.ages[-1]:g} years with no cause but age: "
            f"{labels[2]} or worse (low) to {labels[1]} or worse (high)"
        )
        return Figure((mild + worse) / 2, worse, mild, "%", words, parts)

    def _graded(self, laboratory: Laboratory, youngest: float, oldest: float) -> Grades:
        """Grades of people between two ages, shape (world, person)."""
        entry = laboratory.catalog.get("populations", self.population)
        columns = laboratory.columns(entry, _PEOPLE * laboratory.ears, world=_PEOPLE)
        year = quantity("1 year")
        people = entry.bind(columns, "", age=(youngest * year, oldest * year))
        scale = laboratory.catalog.get("scales", self.scale).bind({}, "")
        frequency = np.array(scale.needed)
        grades = scale.grade(people.baseline(frequency)[:, 0], frequency)
        return grades.reshape(laboratory.ears, _PEOPLE)
