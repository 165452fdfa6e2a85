"""What an experiment with animals can show: its spread, its power, and what became of published ones."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import nctdtr, ndtri

from otosome.errors import BadInput
from otosome.trials.frequencies import Rule, Together
from otosome.trials.power import detectable, exaggeration, significant, t_edge, t_power, two_means
from otosome.units import Array

MOST_ANIMALS = 2000
_Z95 = 1.6448536269514722


@dataclass(frozen=True)
class Runs:
    """Exposure runs: ``animals`` of a group are exposed together, and ``share`` of their variance lies between runs.

    ``blocked``  every run holds animals of both groups, so that what a run does cancels; else each group has runs of
                 its own, and the run is the unit of analysis
    """

    animals: int
    share: float
    blocked: bool = False

    @property
    def design_effect(self) -> float:
        """By how much the variance of a difference exceeds that of animals exposed one by one."""
        return 1 - self.share if self.blocked else 1 + (self.animals - 1) * self.share

    def of(self, n: float) -> float:
        """Runs that hold so many animals of a group."""
        return n / self.animals


@dataclass(frozen=True)
class Comparison:
    """Two groups of animals, each read at one or both ears, some frequencies and some days.

    ``difference``  at each frequency, shape (frequency,);  ``sd``  of one ear's reading between animals
    ``rule``        ``mean`` over all readings of an animal, ``any`` or ``all`` of its frequencies
    ``runs``        who was exposed together; left out, each animal counts as exposed alone: not split
    """

    difference: tuple[float, ...]
    sd: float
    ears: int
    ear_correlation: float
    days: int
    frequency_correlation: float
    day_correlation: float
    rule: Rule
    alpha: float
    runs: Runs | None = None

    @property
    def design_effect(self) -> float:
        """By how much the variance of an animal's mean exceeds that of independent ears."""
        return 1 + (self.ears - 1) * self.ear_correlation

    @property
    def animal_sd(self) -> float:
        """Standard deviation between animals of what is tested: of each frequency, or of their mean."""
        ears, days = mean_share(self.ears, self.ear_correlation), mean_share(self.days, self.day_correlation)
        tones = mean_share(len(self.difference), self.frequency_correlation) if self.rule == "mean" else 1.0
        return self.sd * math.sqrt(ears * days * tones)

    def read_share(self, error: float) -> float:
        """Share of the variance of what is tested that is the error of reading, ``error`` of one reading."""
        tones = len(self.difference) if self.rule == "mean" else 1
        return error**2 / (self.ears * self.days * tones) / self.animal_sd**2

    def exactly(self, error: float) -> Comparison:
        """The same, were readings without this error; runs then have a larger share of what is left."""
        left = 1 - self.read_share(error)
        runs = self.runs and replace(self.runs, share=min(self.runs.share / left, 0.999))
        return replace(self, sd=self.sd * math.sqrt(left), runs=runs)

    @property
    def effective_sd(self) -> float:
        """The same with what exposure runs do to a difference, as if of animals exposed one by one."""
        return self.animal_sd * math.sqrt(1.0 if self.runs is None else self.runs.design_effect)

    def power(self, n: float) -> float:
        """Power with ``n`` animals in each group."""
        if self._several:
            return self._together.power(max(round(self._units(n)), self._fewest_units), self.rule)
        if self.runs is None:
            return two_means(n, n, self.mean_difference, self.animal_sd, self.alpha)
        if not self.runs.blocked:
            k = self.runs.of(n)
            return two_means(k, k, self.mean_difference, self._unit_sd, self.alpha)
        shift = self.mean_difference / (self._unit_sd * math.sqrt(2 / n))
        return t_power(shift, 2 * n - self.runs.of(n) - 1, self.alpha)

    @property
    def _several(self) -> bool:
        return self.rule != "mean" and len(self.difference) > 1

    @property
    def _unit_sd(self) -> float:
        """Standard deviation of what is the unit: a run's mean where groups have runs of their own, else an animal."""
        if self.runs is None:
            return self.animal_sd
        part = self.runs.design_effect / (1 if self.runs.blocked else self.runs.animals)
        return self.animal_sd * math.sqrt(part)

    def _units(self, n: float) -> float:
        """Units of analysis of ``n`` animals; of blocked runs those whose freedom two groups then have."""
        if self.runs is None:
            return n
        return n - (self.runs.of(n) - 1) / 2 if self.runs.blocked else self.runs.of(n)

    @property
    def mean_difference(self) -> float:
        """Difference of the mean over the frequencies."""
        return float(np.mean(self.difference))

    @property
    def _fewest_units(self) -> int:
        return 2 + len(self.difference) // 2 if self._several else 2

    @property
    def fewest(self) -> int:
        """The smallest group whose spreads can be estimated; where groups have runs of their own, of two runs."""
        if self.runs is None:
            return self._fewest_units
        each = self.runs.animals
        return each * (-(-self._fewest_units // each) if self.runs.blocked else self._fewest_units)

    def size(self, power: float) -> int:
        """Animals in each group for this power, in whole runs; raises BadInput where no group reaches it."""
        each = 1 if self.runs is None else self.runs.animals
        sizes = range(self.fewest, MOST_ANIMALS + 1, each)
        if self.power(sizes[-1]) < power:
            raise BadInput(
                f"no group of up to {MOST_ANIMALS} animals reaches this power",
                key="power",
                given=power,
                cure="state a larger difference, or a smaller spread",
            )
        return sizes[bisect_left(sizes, power, key=self.power)]

    @cached_property
    def _together(self) -> Together:
        scaled = tuple(difference / self._unit_sd for difference in self.difference)
        return Together(scaled, self.frequency_correlation, self.alpha)


def mean_share(count: int, correlation: float) -> float:
    """Variance of a mean of so many alike readings, as a part of that of one."""
    return (1 + (count - 1) * correlation) / count


@dataclass(frozen=True)
class Showing:
    """What ``n`` animals against ``n`` can show.

    ``power``         at the difference stated;  ``detectable``  true difference found with the power wanted
    ``significant``   smallest difference seen that is significant
    ``exaggeration``  by which significant results overstate;  ``wrong``  share of them of the wrong sign
    """

    n: int
    power: float
    detectable: float
    significant: float
    exaggeration: float
    wrong: float


def showing(n: int, difference: float, sd: float, alpha: float, power: float) -> Showing:
    """What so many animals in each group can show of a difference, ``sd`` between animals."""
    shift = abs(difference) / (sd * math.sqrt(2 / n))
    over, wrong = exaggeration(shift, 2 * n - 2, alpha)
    return Showing(
        n,
        two_means(n, n, difference, sd, alpha),
        detectable(n, n, sd, alpha, power),
        significant(n, n, sd, alpha),
        over,
        wrong,
    )


@dataclass(frozen=True)
class Again:
    """Published positive experiments done again, of one belief about the true benefit.

    ``positive``  share of such experiments that are positive, in the right direction
    ``again``     share of the positive ones that would be positive again
    """

    positive: float
    again: float


def come_again(n: int, benefits: Array, sd: float, alpha: float) -> Again:
    """Positive experiments of ``n`` against ``n`` done again in the same way.

    ``benefits``  equally likely true benefits, any shape
    """
    shifts = np.ravel(benefits) / (sd * math.sqrt(2 / n))
    edge = t_edge(alpha / 2, 2 * n - 2)
    up = np.atleast_1d(1 - nctdtr(2 * n - 2, np.minimum(shifts, 200.0), edge))
    return Again(float(up.mean()), float((up**2).mean() / up.mean()))


def beliefs_of(stated: Mapping[str, tuple[float, float, float]], points: int = 41) -> dict[str, Array]:
    """Equally likely values of beliefs, each stated by its 5 %, its best value and its 95 %."""
    deviates = ndtri((np.arange(points) + 0.5) / points) / _Z95
    return {
        name: best + np.where(deviates < 0, best - low, high - best) * deviates
        for name, (low, best, high) in stated.items()
    }
