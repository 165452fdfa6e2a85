"""What looks wrong in a published experiment's numbers: SEM for SD, ears for animals, a total for a group's count."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from otosome.errors import BadInput
from otosome.review.experiments.experiment import Experiment
from otosome.roles import OutcomeTable

# Thresholds of animals differ by more than this, dB; a smaller SD is a SEM (the least of 16 strains is 2.6 dB).
LEAST_SD = 2.0


@dataclass(frozen=True)
class Flag:
    """Something a reader must know before believing an outcome: its experiment, the field, and the words."""

    experiment: str
    field: str
    words: str


def flags(experiment: Experiment) -> list[Flag]:
    """Everything that looks wrong in an experiment."""
    each = [*_spreads(experiment), *_units(experiment), *_tests(experiment)]
    return [Flag(experiment.name, field, words) for field, words in each]


def _spreads(experiment: Experiment) -> Iterator[tuple[str, str]]:
    for key, outcome in experiment.options.outcome.items():
        small = [name for name, spread in outcome.spread.items() if spread < LEAST_SD]
        if outcome.spread_is == "SD" and outcome.unit == "dB" and small:
            yield (
                f"outcome.{key}.spread",
                f"An SD of thresholds below {LEAST_SD:g} dB ({', '.join(small)}) is most likely a SEM.",
            )


def _units(experiment: Experiment) -> Iterator[tuple[str, str]]:
    if experiment.options.unit == "ear":
        yield (
            "unit",
            "Ears are counted as if they were animals; two ears of one animal are weighed as less than two.",
        )
    if any(group.n_is == "total" for group in experiment.options.group.values()):
        yield "group", "Only the count of all groups together is printed; equal groups are assumed."
    if any(group.n_is == "assumed" for group in experiment.options.group.values()):
        yield "group", "A group's count is assumed by the reader."


def _tests(experiment: Experiment) -> Iterator[tuple[str, str]]:
    """Where the printed p does not follow from the printed means, spreads and counts, and what would give it."""
    for key, outcome in experiment.options.outcome.items():
        counts = [experiment.count(name) for name in (outcome.treated, outcome.control) if name]
        if outcome.mean and None not in counts:
            words = _why_not(outcome, [float(count) for count in counts if count is not None])
            field = "p" if outcome.p_below is None else "p_below"
            yield from [(f"outcome.{key}.{field}", words)] if words else []


def _why_not(outcome: OutcomeTable, n: Sequence[float]) -> str:
    """What is wrong with a printed p; empty where it follows from the numbers, or none is printed."""
    bound = outcome.p_below if outcome.p_below is not None else outcome.p
    if bound is None or _p(outcome, n, 1.0) <= bound:
        return ""
    others = {
        "spreads that are SEM": _p(outcome, n, 1.0, as_error=True),
        "two ears of each animal counted as animals": _p(outcome, n, 2.0),
    }
    would = " or ".join(words for words, p in others.items() if p <= bound)
    return f"The printed means, spreads and counts give p = {_p(outcome, n, 1.0):.2g}, not {bound:g}" + (
        f"; {would} would give it." if would else "."
    )


def _p(outcome: OutcomeTable, n: Sequence[float], times: float, as_error: bool = False) -> float:
    """Two-sided p of a t test between the groups, with so many times the counts, or the spreads taken as SEM."""
    means, spread = (
        np.array([table[name] for name in (outcome.treated, outcome.control)])
        for table in (outcome.mean, outcome.spread)
    )
    counts = times * np.array(n)
    is_error = as_error or outcome.spread_is == "SEM"
    errors = spread if is_error else spread / np.sqrt(counts)
    value = abs(means[0] - means[1]) / math.sqrt(float(np.sum(errors**2)))
    return float(2 * stdtr(counts.sum() - 2, -value))


def check_once(every: Sequence[Experiment]) -> None:
    """Refuse the same group entered in two files: it would count twice; raises BadInput naming both.

    A paper is the same by its link, whatever its source is called; a group by its mean and spread, and where none was
    printed by its words.
    """
    owners: dict[object, str] = {}
    for experiment in every:
        for field, value, print_of in _prints(experiment):
            other = owners.setdefault(print_of, experiment.name)
            if other != experiment.name:
                raise BadInput(
                    f"is the group that {other} has already: it would count twice",
                    file=experiment.entry.card.file,
                    key=field,
                    given=value,
                    cure="enter arms that share a control in one file",
                )


def _prints(experiment: Experiment) -> Iterator[tuple[str, object, object]]:
    """Every group as it was printed in an outcome: its field, what is given there, and what makes it the same group."""
    paper = experiment.source.link.strip().lower().rstrip("/") or experiment.options.source
    for key, outcome in experiment.options.outcome.items():
        read = (paper, outcome.of, outcome.frequency, outcome.day)
        for name in outcome.mean:
            value = outcome.mean[name]
            yield f"outcome.{key}.mean.{name}", value, (*read, value, outcome.spread[name])
        if not outcome.mean and outcome.control:
            words = tuple(experiment.group(name).about.lower() for name in (outcome.treated, outcome.control))
            ends = (outcome.p, outcome.p_below, outcome.p_above, outcome.direction)
            yield f"outcome.{key}.treated", outcome.treated, (*read, words, ends)
