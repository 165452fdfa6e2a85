"""One ear treated, the other its control: how many people, and what two groups would take."""

from __future__ import annotations

import math
from dataclasses import dataclass

from otosome.answers.numbers import share
from otosome.errors import BadInput
from otosome.trials.kinds import (
    NO_LOSS,
    Correlation,
    DesignBase,
    Difference,
    Loss,
    Share,
    Spread,
    not_zero,
    same_unit,
)
from otosome.trials.plan import Chart, Estimand, Part, Plan, Series, chance, counted, line
from otosome.trials.power import least, one_mean, two_means


@dataclass(frozen=True, kw_only=True)
class PairedEars(DesignBase):
    """A split body: each person is their own control.

    ``difference``  true effect in the treated ear;  ``spread``  of one ear between people
    ``crossover``   share of the effect that the untreated ear has too
    """

    difference: Difference
    spread: Spread
    ear_correlation: Correlation
    crossover: Share
    attrition: Loss = NO_LOSS

    def check(self) -> None:
        """Refuse an effect that is none, or of another kind than the spread, or whole in the other ear."""
        super().check()
        not_zero("difference", self.difference)
        same_unit(self.difference.unit, {"spread": self.spread})
        if self.crossover >= 1:
            raise BadInput("leaves no difference between ears", key="crossover", given=self.crossover.text)

    @property
    def between_ears(self) -> float:
        """True difference between the ears of one person."""
        return float(self.difference) * (1 - self.crossover)

    @property
    def deviation(self) -> float:
        """Standard deviation of the difference between the ears of one person."""
        return float(self.spread) * math.sqrt(2 * (1 - self.ear_correlation))

    def reached(self, n: float) -> float:
        """Power with ``n`` people."""
        return one_mean(n, self.between_ears, self.deviation, self.alpha)

    def grouped(self, n: float) -> float:
        """Power with so many people in each of two groups, one ear read of each."""
        return two_means(n, n, float(self.difference), float(self.spread), self.alpha)

    def plan(self) -> Plan:
        """How many people, beside what two groups take."""
        exact, groups = least(self.reached, self.power, 3.0), least(self.grouped, self.power, 2.0)
        n, each = math.ceil(exact - 1e-9), math.ceil(groups - 1e-9)
        entered = math.ceil(n / (1 - self.attrition) - 1e-9)
        grouped = 2 * math.ceil(each / (1 - self.attrition) - 1e-9)
        unit = self.difference.unit
        rows = (
            line("people, not rounded", exact, digits=6),
            counted("people, both ears read", n),
            counted("people, entered", entered),
            chance("power with these", self.reached(n)),
            line("spread of the difference between ears", self.deviation, unit),
            counted("people in two groups instead", grouped),
        )
        sizes = sorted({max(3, round(2 * each * k / 20)) for k in range(1, 21)})
        series = (
            Series("ears of one person", tuple(map(float, sizes)), tuple(self.reached(m) for m in sizes)),
            Series(
                "two groups", tuple(map(float, sizes)), tuple(self.grouped(max(m / 2, 1.5)) for m in sizes)
            ),
        )
        return Plan(
            f"{entered} people find a difference of {self.difference.text} with one ear as control; "
            f"two groups take {grouped}.",
            {"people": entered},
            (Part("How many people", rows),),
            (Chart("Power", "people, read", "power", series, self.power),),
            Estimand(
                population="people with two ears exposed alike",
                treatments="the treated ear against the other ear of the same person, side drawn at random",
                variable="reading of each ear at the end",
                intercurrent="a person with one ear unread is left out and counted",
                summary="mean difference between ears",
            ),
            f"The person is the unit. Differences between ears are tested by a two-sided one-sample t test at "
            f"{self.alpha:g}. {entered} people are entered so that {n} are read after a loss of {self.attrition.text}: "
            f"a power of {share(self.power).text} for {self.difference.text} at a spread of {self.spread.text} and a "
            f"correlation of {self.ear_correlation.text} between ears. An effect that reaches the other ear "
            f"({self.crossover.text} assumed) is taken from the difference.",
        )
