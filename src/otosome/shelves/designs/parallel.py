"""Two groups compared once: by a mean, by a share of people, or by the time to an event."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from otosome.answers.numbers import share
from otosome.errors import BadInput
from otosome.trials import power
from otosome.trials.kinds import (
    NO_LOSS,
    DesignBase,
    Difference,
    Loss,
    Share,
    Span,
    Spread,
    not_zero,
    only_with,
    same_unit,
)
from otosome.trials.plan import Chart, Estimand, Part, Plan, Series, chance, counted, line
from otosome.units import Quantity

Compares = Literal["means", "shares", "times"]
_KEYS = {
    "means": ("difference", "spread"),
    "shares": ("share", "against"),
    "times": ("ratio", "median", "accrual", "follow_up"),
}
_SUMMARY = {
    "means": "difference of means",
    "shares": "difference of shares",
    "times": "hazard ratio",
}
_TEST = {
    "means": "a two-sided t test",
    "shares": "a two-sided normal test of two shares, the variance pooled under no difference",
    "times": "a two-sided log-rank test",
}


@dataclass(frozen=True, kw_only=True)
class Parallel(DesignBase):
    """Two groups of equal size.

    ``compares``   ``means`` (``difference``, ``spread``, and ``correlation`` with a baseline that is adjusted for),
                   ``shares`` (``share``, ``against``), or ``times`` (hazard ``ratio``, ``median`` of the control,
                   ``accrual`` and ``follow_up``)
    ``attrition``  share of people lost before they are read
    """

    compares: Compares = "means"
    difference: Difference | None = None
    spread: Spread | None = None
    correlation: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    share: Share | None = None
    against: Share | None = None
    ratio: Annotated[float, Field(gt=0.0, lt=100.0)] | None = None
    median: Span | None = None
    accrual: Span | None = None
    follow_up: Span | None = None
    attrition: Loss = NO_LOSS

    def check(self) -> None:
        """Refuse keys that belong to another comparison, or are missing for this one."""
        super().check()
        only_with(self, self.compares, _KEYS)
        if self.difference is not None and self.spread is not None:
            not_zero("difference", self.difference)
            same_unit(self.difference.unit, {"spread": self.spread})
        if self.share is not None and self.share == self.against:
            raise BadInput("is the same in both groups", key="share", given=self.share.text)
        if self.ratio == 1.0:
            raise BadInput("no size finds a difference that is not there", key="ratio", given=self.ratio)
        if self.follow_up is not None and self.follow_up + (self.accrual or 0.0) <= 0:
            raise BadInput("nobody is followed", key="follow_up", given=self.follow_up.text)

    @property
    def deviation(self) -> float:
        """Standard deviation left once the baseline is adjusted for."""
        return float(self.spread or 0.0) * math.sqrt(1 - self.correlation**2)

    def size(self) -> float:
        """People in each group, not rounded."""
        if self.difference is not None:
            return power.least(self.reached, self.power, 2.0)
        if self.share is not None and self.against is not None:
            n = power.shares_size(float(self.share), float(self.against), self.alpha, self.power) / 2
        else:
            n = self._events() / self._event_share() / 2
        return power.feasible(n, self.power)

    def reached(self, n: float) -> float:
        """Power with ``n`` people in each group."""
        if self.difference is not None:
            return power.two_means(n, n, float(self.difference), self.deviation, self.alpha)
        if self.share is not None and self.against is not None:
            return power.shares_power(n, float(self.share), float(self.against), self.alpha)
        events = 2 * n * self._event_share()
        return power.normal_power(abs(math.log(self.ratio or 1.0)) * math.sqrt(events) / 2, self.alpha)

    def _events(self) -> float:
        return power.events_needed(self.ratio or 1.0, self.alpha, self.power)

    def _event_share(self) -> float:
        """Share of people of both groups who have had the event at the end."""
        rate = math.log(2) / float(self.median or math.nan)
        times = float(self.accrual or 0.0), float(self.follow_up or 0.0)
        return (power.event_share(rate, *times) + power.event_share(rate * (self.ratio or 1.0), *times)) / 2

    def plan(self) -> Plan:
        """How many people, and the power of other numbers of them."""
        exact = self.size()
        n = math.ceil(exact - 1e-9)
        entered = math.ceil(n / (1 - self.attrition) - 1e-9)
        rows = [
            line("people in both groups, not rounded", 2 * exact, digits=6),
            counted("people a group, read", n),
            counted("people a group, entered", entered),
            chance("power with these", self.reached(n)),
        ]
        if self.compares == "times":
            rows.append(line("events needed", self._events(), digits=6))
        if self.compares == "means" and self.correlation:
            rows.append(
                line(
                    "spread left beside the baseline", self.deviation, self.spread.unit if self.spread else ""
                )
            )
        sought = self._sought()
        return Plan(
            f"{entered} people a group, {2 * entered} in all, find {sought} with a power of "
            f"{share(self.reached(n)).text}.",
            {"each group": entered},
            (Part("How many people", tuple(rows)),),
            (self._chart(n),),
            Estimand(
                population="people as the protocol enrols them",
                treatments="treatment against control, one to one",
                variable={
                    "means": "the reading at the end",
                    "shares": "whether it happened",
                    "times": "time to it",
                }[self.compares],
                intercurrent="whoever stops treatment is read all the same (treatment policy)",
                summary=_SUMMARY[self.compares],
            ),
            f"Groups are compared by {_TEST[self.compares]} at {self.alpha:g}"
            f"{', the baseline as a covariate' if self.correlation else ''}. {entered} people a group are entered "
            f"so that {n} are read after a loss of {self.attrition.text}: a power of "
            f"{share(self.power).text} for {sought}.",
        )

    def _sought(self) -> str:
        """What is to be found, in words."""
        texts: dict[str, Quantity | float | None] = {
            "means": self.difference,
            "shares": self.share,
            "times": self.ratio,
        }
        text = texts[self.compares]
        words = text.text if isinstance(text, Quantity) else f"{text:g}"
        if self.compares == "shares":
            return f"{words} against {self.against.text if self.against else ''}"
        return f"a difference of {words}" if self.compares == "means" else f"a hazard ratio of {words}"

    def _chart(self, n: int) -> Chart:
        sizes = sorted({max(2, round(n * k / 10)) for k in range(2, 21)})
        line_of = Series("power", tuple(map(float, sizes)), tuple(self.reached(size) for size in sizes))
        return Chart("Power", "people a group, read", "power", (line_of,), self.power)
