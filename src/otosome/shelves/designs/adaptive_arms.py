"""Several arms allotted by what is seen: what simulated trials find, and whom they treat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import Field

from otosome.errors import BadInput
from otosome.roles import Options
from otosome.trials.adaptation import ALIKE, Adaptation, Adapted, calibrated, simulate
from otosome.trials.kinds import Share
from otosome.trials.plan import Chart, Estimand, Line, Part, Plan, Series, chance, counted, line

MOST_PEOPLE = 20_000
Probability = Annotated[float, Field(gt=0.5, lt=1.0)]


@dataclass(frozen=True, kw_only=True)
class AdaptiveArms(Options):
    """Arms looked at several times.

    ``shares``    true share of people of each arm with the event that is to be avoided
    ``looks``     people read at each, the last of them the most entered;  ``ahead``  entered by then, not yet read
    ``superior``  probability of being best that ends the trial; not stated, it is calibrated to ``error``
    ``error``     share of trials of equal arms, with the first arm's share, that may call one superior
    ``fewest``    smallest share of people allotted to an arm
    ``alike``     probability that all arms lie ``within`` so much of one another, which ends the trial
    ``trials``    simulated;  ``seed``  of them
    """

    shares: Annotated[tuple[Share, ...], Field(min_length=2, max_length=8)]
    looks: Annotated[
        tuple[Annotated[int, Field(ge=2, le=MOST_PEOPLE)], ...], Field(min_length=1, max_length=40)
    ]
    within: Share
    ahead: Annotated[int, Field(ge=0, le=MOST_PEOPLE)] = 0
    superior: Probability | None = None
    error: Annotated[float, Field(ge=0.001, le=0.3)] = 0.05
    fewest: Share
    alike: Probability = 0.9
    trials: Annotated[int, Field(ge=100, le=20_000)] = 1000
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1

    def check(self) -> None:
        """Refuse looks that do not rise, and a smallest share that leaves nothing to be allotted."""
        if any(a >= b for a, b in zip(self.looks, self.looks[1:], strict=False)):
            raise BadInput("must rise", key="looks", given=self.looks)
        if len(self.shares) * self.fewest >= 1:
            raise BadInput(
                "leaves nothing to be allotted by what is seen",
                key="fewest",
                given=self.fewest.text,
                allowed=f"below {100 / len(self.shares):.3g} %",
            )

    @cached_property
    def rule(self) -> Adaptation:
        """The rules, with the limit stated or calibrated."""
        limit = 1.0 if self.superior is None else self.superior
        rule = Adaptation(self.looks, self.ahead, limit, float(self.fewest), self.alike, float(self.within))
        if self.superior is not None:
            return rule
        return calibrated(rule, float(self.shares[0]), len(self.shares), self.error, self.trials, self.seed)

    def plan(self) -> Plan:
        """What simulated trials find, with these shares and with none that differs."""
        shares = tuple(float(share) for share in self.shares)
        true, equal = (
            simulate(self.rule, s, self.trials, self.seed) for s in (shares, shares[:1] * len(shares))
        )
        best = int(np.argmin(shares))
        right = float((true.ending == best).mean())
        arms = [
            row
            for arm, share in enumerate(self.shares)
            for row in (
                chance(f"arm {arm + 1}, {share.text}: found superior", float((true.ending == arm).mean())),
                line(f"arm {arm + 1}: people, on average", float(true.treated[:, arm].mean())),
            )
        ]
        sizes = np.array(sorted({min(look + self.ahead, self.looks[-1]) for look in self.looks}))
        charts = [
            Series(words, tuple(map(float, sizes)), tuple(float((done.size <= n).mean()) for n in sizes))
            for words, done in (("with these shares", true), ("with equal arms", equal))
        ]
        return Plan(
            f"With at most {self.looks[-1]} people, {100 * right:.0f} % of trials find arm {best + 1} superior, after "
            f"{true.size.mean():.0f} people on average.",
            {"people at most": self.looks[-1]},
            (
                Part("The limits", self._limits()),
                Part("With these shares", (*_ends(true), *arms)),
                Part("With equal arms", _ends(equal)),
            ),
            (Chart("When trials end", "people entered", "share of trials that have ended", tuple(charts)),),
            Estimand(
                population="people as the protocol enrols them",
                treatments=f"{len(self.shares)} arms, none of them the control",
                variable="whether the event to be avoided happened",
                intercurrent="whoever stops treatment is read all the same (treatment policy)",
                summary="the arm with the lowest share",
            ),
            f"After {', '.join(map(str, self.looks))} people read, an arm that is best with a probability above "
            f"{self.rule.superior:.3f} ends the trial, one below {1 - self.rule.superior:.3f} is dropped, and arms "
            f"that lie within {self.within.text} of one another with a probability above {self.alike:g} end it. "
            f"Priors are uniform. People are allotted by the probability of being best, at least {self.fewest.text} "
            "to each arm that goes on.",
        )

    def _limits(self) -> tuple[Line, ...]:
        words = "stated" if self.superior is not None else f"calibrated to {100 * self.error:g} %"
        return (
            counted("trials simulated", self.trials),
            line(f"probability of being best that ends the trial, {words}", self.rule.superior, digits=4),
        )


def _ends(done: Adapted) -> tuple[Line, ...]:
    """How trials end, and how many people they take."""
    positive = float(done.superior.mean())
    return (
        chance("trials that find a superior arm", positive),
        chance("its Monte-Carlo error", math.sqrt(positive * (1 - positive) / done.ending.size)),
        chance("trials that find all arms alike", float((done.ending == ALIKE).mean())),
        line("people entered, on average", float(done.size.mean()), digits=4),
        line("their standard deviation", float(done.size.std(ddof=1))),
    )
