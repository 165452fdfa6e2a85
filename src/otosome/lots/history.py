"""Lots one after another: control charts with what they cost in false alarms, lot-to-lot spread, stability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, ndtr, ndtri, stdtr, stdtrit

from otosome.errors import BadInput
from otosome.units import Array

FEWEST = 3
# What a new lot can break, by the names that a report gives.
RULES = (
    "one lot beyond three standard deviations",
    "nine lots in a row on one side of the mean",
    "six lots in a row rising or falling",
    "two of three lots beyond two standard deviations on one side",
    "the exponentially weighted mean is outside its limits",
)


@dataclass(frozen=True)
class Chart:
    """A control chart of lots: what is plotted, its limits, and which lots lie outside.

    ``values``, ``low``, ``high``  a place for every lot of the history, and one more where a new lot was given
    ``baseline``     lots the limits come from: those of the history
    ``false_alarm``  probability that a next lot of an unchanged process lies outside (Shewhart)
    ``run_length``   lots of an unchanged process until the first false alarm, on average
    """

    name: str
    values: Array
    centre: float
    low: Array
    high: Array
    run_length: float
    baseline: int
    false_alarm: float | None = None

    @property
    def outside(self) -> list[int]:
        """Places of the lots outside the limits, from 0."""
        return [int(k) for k in np.flatnonzero((self.values < self.low) | (self.values > self.high))]


def shewhart(history: Array, new: float | None = None, width: float = 3.0) -> Chart:
    """Every lot beside mean and ``width`` standard deviations of the history (of the logarithm, for counts).

    With limits from few lots a false alarm is likelier than the 0.27 % of known limits: the probability is exact
    for a new lot (Student's t), averaged over what the limits might have been.
    """
    n = _enough(history)
    middle, spread = float(history.mean()), float(history.std(ddof=1))
    alarm = float(2 * stdtr(n - 1, -width / np.sqrt(1 + 1 / n)))
    values = _followed(history, new)
    low, high = (np.full(values.size, middle + side * width * spread) for side in (-1, 1))
    return Chart("Shewhart", values, middle, low, high, 1 / float(2 * ndtr(-width)), n, alarm)


def ewma(history: Array, new: float | None = None, weight: float = 0.2, width: float = 2.86) -> Chart:
    """Exponentially weighted mean of the lots so far, which sees a small lasting shift sooner.

    Mean and spread are those of the history alone. ``run_length`` holds where both are known; with few lots behind
    them alarms come sooner. Weight and width as given have the run length of Shewhart's three standard deviations.
    """
    n = _enough(history)
    middle, spread = float(history.mean()), float(history.std(ddof=1))
    path = _followed(history, new)
    last = middle
    for k, value in enumerate(path):
        last = path[k] = weight * float(value) + (1 - weight) * last
    share = weight / (2 - weight) * (1 - (1 - weight) ** (2 * np.arange(1, path.size + 1)))
    off = width * spread * np.sqrt(share)
    return Chart("EWMA", path, middle, middle - off, middle + off, ewma_run_length(weight, width), n)


def _followed(history: Array, new: float | None) -> Array:
    return np.append(history, [] if new is None else [new])


def ewma_run_length(weight: float, width: float, shift: float = 0.0, states: int = 201) -> float:
    """Average number of lots until an EWMA chart with its final limits gives an alarm.

    ``shift``  of the mean, in standard deviations
    source     Markov chain of Brook and Evans (1972), as Lucas and Saccucci (1990) use it
    """
    limit = width * np.sqrt(weight / (2 - weight))
    step = 2 * limit / states
    centres = -limit + step * (np.arange(states) + 0.5)
    # From a state the next value must bring the mean between the edges of another.
    edges = (-limit + step * np.arange(states + 1))[None, :]
    chance = np.diff(ndtr((edges - (1 - weight) * centres[:, None]) / weight - shift), axis=1)
    length = np.linalg.solve(np.eye(states) - chance, np.ones(states))
    return float(length[states // 2])


def _enough(values: Array) -> int:
    if values.size < FEWEST or not np.isfinite(values).all():
        raise BadInput("a history has three lots or more", key="history", given=f"{values.size} lots")
    if not values.std() > 0:
        raise BadInput("lots of a history differ", key="history", given=f"{values.size} lots of one value")
    return values.size


def broken_rules(values: Array, centre: float, deviation: float) -> tuple[str, ...]:
    """The rules of a control chart that the last of these lots breaks.

    ``values``  lots in their order;  ``centre``, ``deviation``  of the lots that made the limits
    source      Nelson (1984), rules 1, 2, 3 and 5
    """
    z = (values - centre) / deviation
    steps = np.sign(np.diff(values[-6:]))
    breaks = (
        abs(z[-1]) > 3,
        z.size >= 9 and abs(np.sign(z[-9:]).sum()) == 9,
        steps.size == 5 and abs(steps.sum()) == 5,
        any(side * z[-1] > 2 and (side * z[-3:] > 2).sum() >= 2 for side in (-1, 1)),
    )
    return tuple(rule for rule, broken in zip(RULES, breaks, strict=False) if broken)


@dataclass(frozen=True)
class Trend:
    """Change from lot to lot, as a ratio, with its 90 % interval (straight line through the logarithms)."""

    ratio: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes no change."""
        return not self.low <= 1 <= self.high


def trend(values: Array) -> Trend:
    """The trend of lots in their order; ``values`` are logarithms, three or more."""
    _enough(values)
    place = np.arange(values.size) - (values.size - 1) / 2
    slope = float(place @ values / (place @ place))
    left = values - values.mean() - slope * place
    error = np.sqrt(left @ left / (values.size - 2) / (place @ place))
    off = float(stdtrit(values.size - 2, 0.95)) * error
    low, ratio, high = np.exp([slope - off, slope, slope + off])
    return Trend(float(ratio), float(low), float(high))


@dataclass(frozen=True)
class Components:
    """Variances between lots and between counts of a lot (of the logarithm); ``share`` that is of lots."""

    lots: float
    counts: float

    @property
    def share(self) -> float:
        """Part of the variance of one count that is the lots' own."""
        total = self.lots + self.counts
        return self.lots / total if total > 0 else 0.0


def components(lots: Sequence[Array]) -> Components | None:
    """Lot-to-lot and counting variance by analysis of variance (lots of unequal numbers of counts allowed).

    returns  None where no lot was counted twice, or there is one lot
    """
    sizes = np.array([lot.size for lot in lots], dtype=float)
    total, groups = sizes.sum(), len(lots)
    if groups < 2 or total <= groups:
        return None
    means = np.array([lot.mean() for lot in lots])
    grand = float(sizes @ means / total)
    between = float(sizes @ (means - grand) ** 2) / (groups - 1)
    within = float(sum(((lot - mean) ** 2).sum() for lot, mean in zip(lots, means, strict=True))) / (
        total - groups
    )
    typical = (total - float(sizes @ sizes) / total) / (groups - 1)
    return Components(max((between - within) / typical, 0.0), float(within))


def tolerance_factor(lots: int, share: float = 0.95, confidence: float = 0.95) -> float:
    """Standard deviations either side of the mean that hold this share of lots with this confidence.

    source  Howe (1969), two-sided, normal
    """
    freedom = lots - 1
    return float(ndtri((1 + share) / 2) * np.sqrt(freedom * (1 + 1 / lots) / chdtri(freedom, confidence)))


def historical_range(values: Array) -> tuple[float, float]:
    """Between which values 95 % of lots lie, with 95 % confidence: what a new lot is to be equivalent to."""
    n = _enough(values)
    off = tolerance_factor(n) * float(values.std(ddof=1))
    return float(values.mean()) - off, float(values.mean()) + off


@dataclass(frozen=True)
class Stability:
    """What is left of a lot in storage: rate of loss (1/h) with its 90 % interval, and the shelf life it allows.

    ``shelf_life``  h until the one-sided 95 % lower bound of what is left meets the limit; infinite where even the
                    fastest believable loss is none
    """

    rate: float
    low: float
    high: float
    shelf_life: float


def stability(times: Sequence[Array], counts: Sequence[Array], limit: float) -> Stability:
    """First-order loss common to all lots, each with a start of its own (ln count over time, pooled slope).

    ``times``   h in storage, an array for each lot;  ``counts``  above zero, likewise
    ``limit``   share that must be left, 0 to 1
    raises      BadInput where no lot was counted at two times, or too few counts are left to tell an error
    """
    off = np.concatenate([t - t.mean() for t in times])
    log = np.concatenate([np.log(c) - np.log(c).mean() for c in counts])
    freedom = off.size - len(times) - 1
    width = float(off @ off)
    if freedom < 1 or not width > 0:
        raise BadInput(
            "a trend needs lots counted at two storage times or more, and one count more than lots and slope",
            key="stored",
            given=f"{off.size} counts of {len(times)} lots",
        )
    slope = float(off @ log) / width
    left = log - slope * off
    error = float(np.sqrt(left @ left / freedom / width))
    band = float(stdtrit(freedom, 0.95)) * error
    fastest = -slope + band
    life = -np.log(limit) / fastest if fastest > 0 else np.inf
    return Stability(-slope, -slope - band, fastest, float(life))
