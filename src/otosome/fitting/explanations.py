"""Which mechanisms explain readings best: each animal predicted from all others, and "cannot tell" as an answer.

Every explanation is a list of mechanisms by which vesicles may act, fitted by itself with the same free numbers. Its
score is the log-probability of each animal's readings under the draws that the other animals leave, which are the
draws of all with each one's own likelihood taken out again (importance sampling; Gelfand, Dey and Chang 1992).
Weights are cut at the square root of their number (Ionides 2008). Animals differ in how much better one
explanation predicts them; that gives the difference its error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import multivariate_t

from otosome.answers.numbers import number
from otosome.fitting.free import Free, numbers_of
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.mode import Mode, mode
from otosome.fitting.observations import Observations
from otosome.study import Study
from otosome.units import Array

# Draws of each explanation.
_DRAWS = 400
# An explanation is told from the best where it is worse by so many standard errors, and by so much at least.
_ERRORS, _LEAST = 2.0, 2.0
# Draws that must count, below which a score is not trusted.
_FEWEST = 40.0


@dataclass(frozen=True)
class Explanation:
    """How well a list of mechanisms predicts each animal from the others.

    ``score``   sum over animals of the log-probability of their readings
    ``behind``  what that is less than the best, with its standard ``error``; 0 for the best
    ``worse``   whether the readings tell that it is worse than the best;  ``effective``  draws that count
    """

    name: str
    mechanisms: list[str]
    score: float
    behind: float
    error: float
    worse: bool
    effective: float


def explanations(
    study: Study,
    observed: Observations,
    free: Sequence[str],
    animal: tuple[str, ...] | None,
    named: Mapping[str, Sequence[str]],
    seed: int,
    tick: Callable[[int], None],
) -> list[Explanation]:
    """Explanations of the same readings, the best first.

    ``free``   numbers that are free in each explanation that has them
    ``named``  mechanisms of each explanation, by its name
    ``tick``   called with how many are done
    """
    scores, effective = [], []
    for mechanisms in named.values():
        tables = study.tables.model_copy(update={"mechanisms": list(mechanisms)})
        own = replace(study, tables=tables)
        known = numbers_of(own)
        likelihood = Likelihood.of(Free.of(own, [name for name in free if name in known]), observed, animal)
        each, count = _by_animal(likelihood, seed)
        scores.append(each)
        effective.append(count)
        tick(len(scores))
    best = int(np.argmax([each.sum() for each in scores]))
    rows = [
        _against(name, list(mechanisms), each, scores[best], count)
        for (name, mechanisms), each, count in zip(named.items(), scores, effective, strict=True)
    ]
    return sorted(rows, key=lambda row: -row.score)


def _against(name: str, mechanisms: list[str], each: Array, best: Array, effective: float) -> Explanation:
    apart = best - each
    behind, error = float(apart.sum()), float(np.sqrt(apart.size * apart.var(ddof=1)))
    worse = behind > max(_ERRORS * error, _LEAST) and effective >= _FEWEST
    return Explanation(name, mechanisms, float(each.sum()), behind, error, worse, effective)


def _by_animal(likelihood: Likelihood, seed: int) -> tuple[Array, float]:
    """Log-probability of each animal's readings given all others', (animal,), and how many draws count."""
    numbers = len(likelihood.free.names)
    summit = mode(likelihood, numbers, 1, seed, lambda done: None)
    draws, log_chance = _around(summit, seed)
    terms = likelihood.terms(draws)
    weights = _weights(likelihood.posterior(draws, terms) - log_chance)
    return left_out(terms, weights), float(1.0 / np.sum(weights**2))


def _around(summit: Mode, seed: int) -> tuple[Array, Array]:
    """Draws of a Student's t of five degrees of freedom around a summit, (draw, number), and their log-density."""
    scale = summit.spread if summit.covariance is None else summit.covariance
    t = multivariate_t(summit.deviates, scale, df=5)
    draws = np.reshape(t.rvs(_DRAWS, random_state=np.random.default_rng(seed)), (_DRAWS, -1))
    return draws, np.asarray(t.logpdf(draws)).reshape(-1)


def _weights(logs: Array) -> Array:
    """Weights, 1 in sum, from their logarithms; none above what the square root of their number allows."""
    weights = np.exp(logs - logs.max())
    weights = np.minimum(weights, weights.mean() * np.sqrt(weights.size))
    return np.asarray(weights / weights.sum())


def left_out(terms: Array, weights: Array) -> Array:
    """Log-probability of each term given all others, (term,), from terms under draws of all, (draw, term).

    ``weights``  of the draws, (draw,), 1 in sum
    """
    logs = np.log(weights + 1e-300)[:, None] - terms
    own = np.apply_along_axis(_weights, 0, logs)
    return np.asarray(np.log(np.sum(own * np.exp(terms - terms.max(axis=0)), axis=0)) + terms.max(axis=0))


def sentences(rows: Sequence[Explanation]) -> list[str]:
    """What the readings tell of explanations, and what they cannot."""
    best, *others = rows
    lines = [
        f"Mechanisms: your data tell {best.name} from {row.name}: animals predicted from the others are "
        f"e^{number(row.behind)} times as probable with it (standard error of the power {number(row.error)})."
        for row in others
        if row.worse
    ]
    alike = [row for row in others if not row.worse]
    if alike:
        words = ", ".join(f"{row.name} ({number(row.behind)} ± {number(row.error)} behind)" for row in alike)
        lines.append(f"Mechanisms: your data cannot tell {best.name} from {words}.")
    lines += [
        f"Only {row.effective:.0f} draws count for {row.name}: its score is not to be trusted."
        for row in rows
        if row.effective < _FEWEST
    ]
    return lines
