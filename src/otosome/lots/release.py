"""Release, refuse, or cannot decide: a lot against its own specification, knowing how well it was measured.

A test releases where the probability that the truth lies outside the limits (the consumer's risk of this lot) is
small enough, refuses where the probability that it lies inside (the producer's risk) is, and between the two
it cannot decide. The guard band is what this takes off the limits; the rule is that of JCGM 106.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from otosome.lots.belief import Belief
from otosome.lots.count import Count

Decision = Literal["release", "refuse", "cannot decide"]
# Beyond so many nobody counts a lot.
_MOST_DAYS, _MOST_A_DAY = 30, 3


@dataclass(frozen=True)
class Risks:
    """Largest probabilities of releasing what is not right, and of refusing what is."""

    consumer: float
    producer: float


@dataclass(frozen=True)
class Verdict:
    """One test: what was asked, found and decided, with the reason.

    ``consumer``, ``producer``  risk if this lot is released, or refused; None where a word was compared
    ``accept``  median within which the test would release, as well as it is measured now; None where none would
    ``limits``  between which the number must lie, the upper None where there is none;  ``known``  5, 50 and 95 % of
                what is known of it; None for a word, and where nothing is known
    ``unit``    in which the limit is stated, and JSON states these numbers; here they are in house units
    ``more``    further counts a day and further days that would make it decidable
    ``method``  what measured it, with the instrument; empty where the record does not say
    ``source``  where the limit comes from
    """

    test: str
    asked: str
    found: str
    decision: Decision
    reason: str
    consumer: float | None = None
    producer: float | None = None
    accept: tuple[float, float] | None = None
    limits: tuple[float, float | None] | None = None
    known: tuple[float, float, float] | None = None
    more: tuple[int, int] | None = None
    method: str = ""
    source: str = ""
    unit: str = ""


def decide(belief: Belief, least: float, most: float, risks: Risks) -> tuple[Decision, float]:
    """The decision, and the probability that the truth lies within the limits."""
    inside = belief.within(least, most)
    if inside >= 1 - risks.consumer:
        return "release", inside
    if inside <= risks.producer:
        return "refuse", inside
    return "cannot decide", inside


def acceptance(belief: Belief, least: float, most: float, risks: Risks) -> tuple[float, float] | None:
    """Between which medians a number known this well would be released; None where nowhere.

    ``least``  zero or above; ``most`` may be infinite
    """

    def short(median: float) -> float:
        return belief.moved(median).within(least, most) - (1 - risks.consumer)

    ceiling = 1 - 1e-9 if belief.scale == "logit" else np.inf
    if least <= 0:
        if most >= ceiling:
            return 0.0, most
        low, high = most * 1e-9, most * (1 - 1e-12)
        return (0.0, float(brentq(short, low, high))) if short(low) >= 0 else None
    if most >= ceiling:
        high = ceiling if np.isfinite(ceiling) else least * 1e9
        return (float(brentq(short, least, high)), float(min(most, ceiling))) if short(high) >= 0 else None
    best_fit = minimize_scalar(
        lambda z: -short(float(np.exp(z))), bounds=(np.log(least), np.log(most)), method="bounded"
    )
    best = float(np.exp(best_fit.x))
    if short(best) < 0:
        return None
    return float(brentq(short, least, best)), float(brentq(short, best, most))


def more_counts(counted: Count, least: float, most: float, risks: Risks) -> tuple[int, int] | None:
    """Fewest further counts (a day, days) after which the test would decide, if the count stayed what it is.

    None where no thirty days would: the count lies too near a limit.
    """
    plans = [(n, d) for d in range(1, _MOST_DAYS + 1) for n in range(1, _MOST_A_DAY + 1)]
    for n, d in sorted(plans, key=lambda plan: (plan[0] * plan[1], plan[1])):
        if decide(counted.after(n, d), least, most, risks)[0] != "cannot decide":
            return n, d
    return None


def overall(verdicts: Sequence[Verdict]) -> tuple[Decision, str]:
    """Refuse if any test refuses, release if all release, else cannot decide; and which tests made it so."""
    by: Mapping[str, list[Verdict]] = {
        name: [v for v in verdicts if v.decision == name] for name in ("refuse", "cannot decide")
    }
    for decision in ("refuse", "cannot decide"):
        if by[decision]:
            reasons = [f"{v.test}: {v.reason}" for v in by[decision]]
            many = f"{len(reasons)} tests: {', '.join(v.test for v in by[decision])}"
            reason = "; ".join(reasons) if len(reasons) < 4 else many
            return decision, reason  # type: ignore[return-value]  # a key of the two
    if not verdicts:
        return "cannot decide", "the specification asks for nothing"
    return "release", f"all {len(verdicts)} tests lie within their limits"
