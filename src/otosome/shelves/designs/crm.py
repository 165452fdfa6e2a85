"""Dose escalation by a curve of toxicity that is fitted after each cohort."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

from pydantic import Field

from otosome.errors import BadInput
from otosome.trials.escalating import EscalationBase, Toxicity
from otosome.trials.escalation import Reassessment
from otosome.trials.plan import Line, Plan, line


@dataclass(frozen=True, kw_only=True)
class Crm(EscalationBase):
    """The next dose is the one whose fitted toxicity is nearest the target, and none is skipped on the way up.

    ``skeleton``  toxicity of each dose as expected before the trial;  ``prior``  deviation of the log exponent
    """

    skeleton: Annotated[tuple[Toxicity, ...], Field(min_length=2, max_length=20)]
    prior: Annotated[float, Field(gt=0.01, lt=10.0)] = 1.1576

    def check(self) -> None:
        """Refuse a skeleton that does not rise, or has another number of doses."""
        super().check()
        if len(self.skeleton) != len(self.rates):
            raise BadInput(
                "has as many doses as rates", key="skeleton", given=self.skeleton, allowed=len(self.rates)
            )
        rising = all(a < b for a, b in zip(self.skeleton, self.skeleton[1:], strict=False))
        if not rising or self.skeleton[0] <= 0:
            raise BadInput("must rise from dose to dose, from above 0", key="skeleton", given=self.skeleton)

    @cached_property
    def rule(self) -> Reassessment:
        """The design as the engine follows it."""
        return Reassessment(self.target, self.skeleton, self.prior)

    def _lines(self) -> list[Line]:
        """What is expected before the trial."""
        nearest = min(range(len(self.skeleton)), key=lambda dose: abs(self.skeleton[dose] - self.target))
        return [line("dose expected at the target before the trial", nearest + 1)]

    def plan(self) -> Plan:
        """What simulated trials choose, and whom they treat."""
        return self.plan_of(self.rule, self._lines(), self._words())

    def _words(self) -> str:
        """The rule for the protocol."""
        expected = ", ".join(f"{100 * share:g} %" for share in self.skeleton)
        return (
            f"Toxicity is skeleton ** exp(a) with a normal around 0, standard deviation {self.prior:g}, and skeleton "
            f"{expected}. Each cohort gets the dose whose posterior mean is nearest the target, no dose is skipped "
            "on the way up, and the trial ends where the lowest is too toxic with 95 % probability."
        )
