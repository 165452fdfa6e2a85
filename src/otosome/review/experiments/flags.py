"""What looks wrong in a published experiment's numbers: SEM for SD, ears for animals, a total for a group's count."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

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
    return float(2 * t.sf(value, counts.sum() - 2))


def check_once(every: Sequence[Experiment]) -> None:
    """Refuse the same group entered in two files: it would count twice; raises BadInput naming both."""
    owners: dict[object, str] = {}
    for experiment in every:
        for key, outcome in experiment.options.outcome.items():
            for name in outcome.mean:
                print_of = (
                    experiment.options.source,
                    outcome.of,
                    outcome.frequency,
                    outcome.day,
                    outcome.mean[name],
                    outcome.spread[name],
                )
                other = owners.setdefault(print_of, experiment.name)
                if other != experiment.name:
                    raise BadInput(
                        f"is the group that {other} has already: it would count twice",
                        file=experiment.entry.card.file,
                        key=f"outcome.{key}.mean.{name}",
                        given=outcome.mean[name],
                        cure="enter arms that share a control in one file",
                    )
