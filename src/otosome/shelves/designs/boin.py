"""Dose escalation by intervals: when the dose rises and falls, and what simulated trials choose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import Field

from otosome.errors import BadInput
from otosome.trials.escalating import EscalationBase
from otosome.trials.escalation import Intervals
from otosome.trials.plan import Line, Plan, line


@dataclass(frozen=True, kw_only=True)
class Boin(EscalationBase):
    """The dose rises and falls by the share of toxicity seen at it.

    ``low``, ``high``  parts of the target below which a dose is too weak, and above which it is too toxic
    """

    low: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.6
    high: Annotated[float, Field(gt=1.0, lt=10.0)] = 1.4

    def check(self) -> None:
        """Refuse an upper end that is no share."""
        super().check()
        if self.high * self.target >= 1:
            raise BadInput("times the target must be below 1", key="high", given=self.high)

    @cached_property
    def rule(self) -> Intervals:
        """The design as the engine follows it."""
        return Intervals(self.target, self.low * self.target, self.high * self.target)

    def _lines(self) -> list[Line]:
        """When the dose rises and falls."""
        return [
            line("the dose rises up to a share seen of", self.rule.escalate, digits=4),
            line("the dose falls from a share seen of", self.rule.deescalate, digits=4),
        ]

    def plan(self) -> Plan:
        """What simulated trials choose, and whom they treat."""
        return self.plan_of(self.rule, self._lines(), self._words())

    def _words(self) -> str:
        """The rule for the protocol."""
        return (
            f"The dose rises where at most {100 * self.rule.escalate:.1f} % of those treated at it had a dose-limiting "
            f"toxicity, falls from {100 * self.rule.deescalate:.1f} % on, and stays between; a dose with 95 % "
            "probability of being above the target is dropped with all above it. The dose chosen has the isotonic "
            "estimate nearest the target."
        )
