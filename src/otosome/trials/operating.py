"""What trials simulated from a bank did, under each belief."""

from __future__ import annotations

from dataclasses import dataclass

from otosome.answers.numbers import Interval, ShareInterval
from otosome.trials.plan import Chart, Line


@dataclass(frozen=True)
class Operating:
    """Trials under one belief.

    ``positive``   share of trials that are significant in the right direction, with its Monte-Carlo interval
    ``wrong``      share that are significant in the wrong one
    ``worlds``     power in the worlds: median, 5 and 95 %
    ``monte_carlo``, ``bank``  standard errors of ``positive`` from so many trials, and from so many worlds and ears
    ``estimate``   what trials report;  ``bias``  mean of it less the truth;  ``coverage``  of the truth by intervals
    ``meets``      share of trials whose true difference is at least what the design is to find, where it states that
    """

    belief: str
    positive: ShareInterval
    wrong: float
    worlds: tuple[float, float, float]
    monte_carlo: float
    bank: float
    estimate: Interval
    bias: float
    coverage: float
    text: str
    meets: float | None = None


@dataclass(frozen=True)
class Flow:
    """Subjects of the first trial by group, after CONSORT: read for enrolment, enrolled, lost, analysed."""

    group: str
    assessed: int
    enrolled: int
    lost: int
    analysed: int


@dataclass(frozen=True)
class Prediction:
    """A published trial beside what is computed of it, shares of people who are worse.

    ``control``    published, which chose among the worlds;  ``before``  computed without that, ``after``  with it
    ``treated``    published, used for nothing;  ``predicted``  what a trial of so many finds, 5 to 95 %
    ``below``      chance of so few or fewer;  ``worlds``  how many count after the choice
    """

    control: str
    before: Interval
    after: Interval
    treated: str
    predicted: Interval
    below: float
    worlds: float
    text: str


@dataclass(frozen=True)
class Simulated:
    """Trials simulated.

    ``ears``  of the bank, in so many ``worlds``;  ``left_out``  of them;  ``shards``  computed now;  ``hash``  of it
    ``chances``  of a positive trial over subjects a group;  ``needed``  subjects for a chance of 80 %, by belief
    ``control``  what the control group shows, over worlds
    ``words`` what the trials are of, in a sentence
    """

    trials: int
    n: int
    ears: int
    worlds: int
    left_out: int
    shards: int
    hash: str
    operating: tuple[Operating, ...]
    flow: tuple[Flow, ...]
    notes: tuple[str, ...]
    chances: Chart | None = None
    needed: tuple[str, ...] = ()
    control: tuple[Line, ...] = ()
    prediction: Prediction | None = None
    words: str = ""
