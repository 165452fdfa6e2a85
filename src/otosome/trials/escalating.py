"""What designs of escalation share: the target, true rates to be simulated, and what the trials choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from otosome.errors import BadInput
from otosome.roles import Options
from otosome.trials.escalation import Rule, simulate
from otosome.trials.plan import Chart, Estimand, Line, Part, Plan, Series, chance, counted, line

Toxicity = Annotated[float, Field(ge=0.0, lt=1.0)]
# Within so much of the target, as a part of it, a dose is one that was sought.
_NEAR = 0.5


@dataclass(frozen=True, kw_only=True)
class EscalationBase(Options):
    """Cohorts at rising doses.

    ``target``   share of toxicity sought;  ``rates``  true toxicity of each dose, of the scenario simulated
    ``cohort``   people at a time;  ``cohorts``  of them at most;  ``trials``  simulated;  ``seed``  of them
    """

    target: Annotated[float, Field(ge=0.05, le=0.6)]
    rates: Annotated[tuple[Toxicity, ...], Field(min_length=2, max_length=20)]
    cohort: Annotated[int, Field(ge=1, le=20)] = 3
    cohorts: Annotated[int, Field(ge=1, le=100)] = 10
    trials: Annotated[int, Field(ge=100, le=200_000)] = 10_000
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1

    def check(self) -> None:
        """Refuse rates that fall, and a target that no dose is near."""
        if any(a > b for a, b in zip(self.rates, self.rates[1:], strict=False)):
            raise BadInput("must not fall from dose to dose", key="rates", given=self.rates)
        reach = min(abs(rate - self.target) for rate in self.rates)
        if reach > _NEAR * self.target:
            near = (1 - _NEAR) * self.target, (1 + _NEAR) * self.target
            raise BadInput(
                "no dose of the scenario is near it",
                key="target",
                given=self.target,
                allowed=f"a rate from {near[0]:.3g} to {near[1]:.3g}",
                cure="state doses that reach it, or another target",
            )

    def plan_of(self, rule: Rule, own: Sequence[Line], words: str) -> Plan:
        """What simulated trials choose, and whom they treat.

        ``rule``  the design as the engine follows it;  ``own``  its numbers;  ``words``  the rule for the protocol
        """
        done = simulate(rule, self.rates, self.cohort, self.cohorts, self.trials, self.seed)
        chosen, treated = done.shares_chosen(), done.treated.mean(axis=0)
        sought = int(np.argmin(np.abs(np.array(self.rates) - self.target)))
        over = treated[np.array(self.rates) > self.target + 1e-12].sum()
        error = math.sqrt(chosen[sought] * (1 - chosen[sought]) / self.trials)
        rows = [
            *own,
            chance(f"trials that choose dose {sought + 1}, the nearest to the target", float(chosen[sought])),
            chance("its Monte-Carlo error", error),
            chance("trials that choose none", float((done.chosen < 0).mean())),
            line("people treated above the target, on average", float(over)),
            line("people with a toxicity, on average", float(done.toxic.sum(axis=1).mean())),
            line("people treated, on average", float(treated.sum())),
        ]
        doses = [
            chance(f"dose {i + 1}, toxic in {100 * rate:g} %", float(chosen[i]))
            for i, rate in enumerate(self.rates)
        ]
        people = self.cohort * self.cohorts
        across = tuple(float(i + 1) for i in range(len(self.rates)))
        return Plan(
            f"With {people} people, {100 * chosen[sought]:.0f} % of trials choose dose {sought + 1}, whose toxicity of "
            f"{100 * self.rates[sought]:g} % is nearest the target of {100 * self.target:g} %.",
            {"people at most": people},
            (
                Part("What the design does", (counted("trials simulated", self.trials), *rows)),
                Part("How often each dose is chosen", tuple(doses)),
            ),
            (
                Chart(
                    "Choice of dose",
                    "dose",
                    "share of trials",
                    (
                        Series("chosen", across, tuple(map(float, chosen))),
                        Series("true toxicity", across, self.rates),
                    ),
                    self.target,
                ),
            ),
            Estimand(
                population="people as the protocol enrols them",
                treatments=f"{len(self.rates)} doses",
                variable="dose-limiting toxicity within its window",
                intercurrent="whoever leaves within the window without a toxicity is replaced",
                summary="the dose whose probability of toxicity is nearest the target",
            ),
            f"Cohorts of {self.cohort} begin at the lowest dose. {words}",
        )
