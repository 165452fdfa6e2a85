"""People followed for adverse events: what a few can exclude, and the person-years that exclude a manifold rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field
from scipy.special import betaincinv, gammainccinv, pdtr, pdtrik

from otosome.answers.numbers import share
from otosome.errors import BadInput
from otosome.trials.following import Following
from otosome.trials.kinds import DesignBase
from otosome.trials.plan import Chart, Estimand, Part, Plan, Series, chance, counted, line
from otosome.trials.power import MOST, chi2_quantiles, feasible


@dataclass(frozen=True, kw_only=True)
class Safety(DesignBase):
    """A group followed without a control, against a background rate that is known.

    ``people``  followed, for so many ``years`` each;  ``events``  seen in them
    ``rate``    background events of a person in a year;  ``ratio``  of rates to be excluded
    ``alpha``   one-sided
    """

    people: Annotated[int, Field(ge=1, le=10_000_000)]
    years: Annotated[float, Field(gt=0.0, le=100.0)]
    rate: Annotated[float, Field(gt=0.0, lt=10.0)]
    ratio: Annotated[float, Field(gt=1.0, le=1000.0)] = 2.0
    events: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    def upper_share(self) -> float:
        """Upper limit of the share of people with an event, were ``events`` of them seen (Clopper and Pearson)."""
        return (
            1.0
            if self.events >= self.people
            else float(betaincinv(self.events + 1, self.people - self.events, 1 - self.alpha))
        )

    def upper_rate(self) -> float:
        """Upper limit of the rate a year, were so many events seen (Garwood)."""
        return float(chi2_quantiles(1 - self.alpha, 2 * (self.events + 1))) / 2 / (self.people * self.years)

    def excluded(self, person_years: float) -> float:
        """Probability that so many person-years exclude the ratio, if the rate is the background's."""
        most = _most_events(self.ratio * self.rate * person_years, self.alpha)
        return float(pdtr(most, self.rate * person_years)) if most >= 0 else 0.0

    def needed(self) -> float:
        """Person-years from which the ratio is excluded with the power wanted, whatever comes after."""
        count = 64
        while count <= MOST:
            events = np.arange(count)
            # Events expected without it from which so many seen still exclude the ratio; there the power saws up.
            first = gammainccinv(events + 1, self.alpha) / self.ratio
            low = np.flatnonzero(pdtr(events[:-1], first[1:]) < self.power)
            if low.size == 0 or low[-1] < count // 2:
                return feasible(float(first[low[-1] + 1 if low.size else 0]) / self.rate, self.power)
            count *= 2
        raise BadInput(
            f"no group with up to {MOST} events excludes it",
            key="ratio",
            given=self.ratio,
            cure="exclude a larger ratio, or take a lower power",
        )

    @property
    def following(self) -> Following:
        """What it asks of people who are simulated."""
        entered = math.ceil(self.needed() / self.years)
        return Following(self.years, self.rate, self.ratio, self.alpha, entered)

    def plan(self) -> Plan:
        """What these people can exclude, and how many would exclude the ratio."""
        needed, followed = self.needed(), self.people * self.years
        entered = math.ceil(needed / self.years)
        rows = (
            counted("people followed", self.people),
            counted("of them with an event", self.events),
            chance("share of people with an event, upper limit", self.upper_share()),
            line("events a person and year, upper limit", self.upper_rate()),
            line("which is so many times the background", self.upper_rate() / self.rate),
            chance(f"chance that they exclude {self.ratio:g} times the background", self.excluded(followed)),
        )
        more = (
            line("person-years", needed, digits=4),
            counted(f"people followed for {self.years:g} years", entered),
            line("events expected in them without it", needed * self.rate),
        )
        years = [needed * part / 20 for part in range(1, 41)]
        return Plan(
            f"{self.people} people with {self.events} events exclude no rate below {self.upper_rate() / self.rate:.3g} "
            f"times the background; {entered} people for {self.years:g} years exclude {self.ratio:g} times.",
            {"people": entered},
            (
                Part(f"What {self.people} people can exclude", rows),
                Part(f"To exclude {self.ratio:g} times the background, power {share(self.power).text}", more),
            ),
            (
                Chart(
                    "Exclusion",
                    "person-years",
                    f"chance to exclude {self.ratio:g} times the background",
                    (
                        Series(
                            "if nothing comes on top", tuple(years), tuple(self.excluded(y) for y in years)
                        ),
                    ),
                    self.power,
                ),
            ),
            Estimand(
                population="people as treated",
                treatments="treatment against a background rate that is taken as known",
                variable="adverse events of one kind",
                intercurrent="a person is followed until death or the end, on treatment or off",
                summary="ratio of rates",
            ),
            f"The upper {100 * (1 - self.alpha):g} % limit of the rate is Garwood's. The ratio of {self.ratio:g} is "
            f"excluded where it lies above that limit over the background of {self.rate:g} a year.",
        )


def _most_events(expected: float, alpha: float) -> int:
    """The most events at which a rate with so many expected is still excluded, -1 for none."""
    if math.exp(-expected) > alpha:
        return -1
    near = math.floor(float(pdtrik(alpha, expected)))
    return max(most for most in (near - 1, near, near + 1) if pdtr(most, expected) <= alpha)
