"""People followed for adverse events, simulated: how often a ratio of rates is excluded, by belief about the true one.

A trial is a function of seed and its number alone. Rates differ between people by a gamma of mean 1; who is lost leaves
at a time that is exponential. What is analysed is the sum of events over the sum of years, as the design has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from pydantic import Field
from scipy.special import gammaincinv

from otosome.answers.numbers import number, share, share_interval, significant
from otosome.errors import BadInput
from otosome.roles import Options
from otosome.trials.animals import beliefs_of
from otosome.trials.kinds import NO_LOSS, Loss
from otosome.trials.operating import Flow, Operating, Simulated
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

    from otosome.evidence import Parameter

Ratio = Annotated[float, Field(ge=0.0, le=1000.0)]
NONE, MECHANISM = "none", "mechanism"


@dataclass(frozen=True)
class Followed(Options):
    """The table ``[followed]`` of a design that follows people.

    ``n``       people entered, the design's own size where none is stated;  ``lost``  share of them that leave a year
    ``between`` coefficient of variation of the rate between people
    ``adverse_event``    entry of the shelf of adverse events that one dose brings: what the mechanism says comes on top
    ``ratios``  of rates that are believed, by name: 5 %, best value, 95 %
    """

    n: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    lost: Loss = NO_LOSS
    between: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    adverse_event: str | None = None
    ratios: Annotated[Mapping[str, tuple[Ratio, Ratio, Ratio]], Field(max_length=10)] = field(
        default_factory=dict
    )
    trials: Annotated[int, Field(ge=100, le=100_000)] = 2_000
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1

    def check(self, adverse_events: list[str]) -> None:
        """Refuse an adverse event that is on no shelf, and beliefs whose ends do not rise; raises BadInput."""
        if self.adverse_event is not None and self.adverse_event not in adverse_events:
            raise BadInput(
                "is not known", key="adverse_event", given=self.adverse_event, allowed=adverse_events
            )
        for name, (low, best, high) in self.ratios.items():
            if name == NONE or not low <= best <= high:
                raise BadInput(
                    "is 5 %, best value and 95 % of a belief with a name of its own", key=f"ratios.{name}"
                )


@dataclass(frozen=True)
class Following:
    """What a design asks of people followed: ``years`` each, against a background ``rate`` a year.

    ``ratio``  of rates that is to be excluded;  ``alpha``  one-sided;  ``n``  people that its formula enters
    """

    years: float
    rate: float
    ratio: float
    alpha: float
    n: int

    def limit(self, events: Array, person_years: Array) -> Array:
        """Upper limit of the ratio of rates, were so many events seen (Garwood)."""
        return np.asarray(gammaincinv(events + 1.0, 1 - self.alpha) / (person_years * self.rate))

    def least(self, events: Array, person_years: Array) -> Array:
        """Lower limit of the same."""
        shape = np.maximum(events, 1.0)
        return np.where(events > 0, gammaincinv(shape, self.alpha) / (person_years * self.rate), 0.0)


@dataclass(frozen=True)
class _People:
    """People of a trial, (person,): ``years`` each was followed, and the ``events`` of each."""

    years: Array
    events: Array

    @property
    def sums(self) -> tuple[float, float]:
        """Years and events of all."""
        return float(self.years.sum()), float(self.events.sum())


def followed(terms: Followed, design: Following, excess: Parameter | None) -> tuple[Simulated, pd.DataFrame]:
    """Operating characteristics, and the people of the first trial under none, a row each.

    ``excess``  share of people whom the adverse event befalls once, on top of the background, None where none is named
    """
    import pandas as pd

    beliefs = {NONE: np.ones(1), f"{design.ratio:g} times": np.full(1, design.ratio)}
    if excess is not None:
        risk = excess.quantile((np.arange(41) + 0.5) / 41)
        beliefs[MECHANISM] = 1.0 + risk / (design.rate * design.years)
    beliefs |= {name: np.maximum(ratios, 0.0) for name, ratios in beliefs_of(terms.ratios).items()}
    rows = tuple(_operating(name, ratios, terms, design) for name, ratios in beliefs.items())
    first = _people(terms, design, 0, 1.0)
    years, events = first.years, first.events.astype(int)
    left = years < design.years
    sheet = pd.DataFrame(
        {"subject": np.arange(1, years.size + 1), "years": years, "events": events, "lost": left}
    )
    flow = (Flow("followed", years.size, years.size, int(left.sum()), years.size),)
    words = (
        f"{terms.trials} trials of {years.size} people for {design.years:g} years, background {design.rate:g} a year; "
        f"{share(terms.lost).text} leave a year, and rates differ between people by {share(terms.between).text}"
    )
    notes = (
        f"A trial is positive where it excludes {design.ratio:g} times the background; in the wrong direction, where "
        f"its lower limit lies above the background, it shows an adverse event. Under {design.ratio:g} times, positive "
        "trials are type I errors. Estimates are ratios of rates.",
    )
    return Simulated(terms.trials, years.size, 0, 0, 0, 0, "", rows, flow, notes, words=words), sheet


def _operating(belief: str, ratios: Array, terms: Followed, design: Following) -> Operating:
    """Trials in which the true ratio of rates is one of these, in turn."""
    true = ratios[np.arange(terms.trials) % ratios.size]
    sums = np.array([_people(terms, design, number, float(ratio)).sums for number, ratio in enumerate(true)])
    person_years, events = sums.T
    excluded = design.limit(events, person_years) < design.ratio
    wrong = design.least(events, person_years) > 1.0
    estimate = events / (person_years * design.rate)
    worlds = np.array(
        [excluded[np.arange(terms.trials) % ratios.size == place].mean() for place in range(ratios.size)]
    )
    low, median, high = (float(q) for q in np.quantile(worlds, [0.05, 0.5, 0.95]))
    mean = float(excluded.mean())
    monte_carlo = math.sqrt(mean * (1 - mean) / terms.trials)
    positive = share_interval(float(excluded.sum()), terms.trials)
    text = f"{positive.text} of trials exclude it; Monte-Carlo error {number(100 * monte_carlo, 2)} %"
    return Operating(
        belief,
        positive,
        float(wrong.mean()),
        (median, low, high),
        monte_carlo,
        0.0,
        significant(estimate, ""),
        float((estimate - true).mean()),
        float((design.limit(events, person_years) >= true).mean()),
        text,
    )


def _people(terms: Followed, design: Following, number: int, ratio: float) -> _People:
    """The people of a trial of this number, whose rate is so many times the background."""
    random = Generator(Philox(SeedSequence(terms.seed, spawn_key=(number,))))
    n = design.n if terms.n is None else terms.n
    luck, rates = random.random(n), np.ones(n)
    leaving = -math.log1p(-float(terms.lost))
    years = np.minimum(-np.log(luck) / leaving, design.years) if leaving > 0 else np.full(n, design.years)
    if terms.between > 0:
        shape = terms.between**-2
        rates = random.gamma(shape, 1 / shape, n)
    return _People(years, random.poisson(ratio * design.rate * rates * years).astype(float))
