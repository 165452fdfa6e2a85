"""Draws from a posterior by an ensemble of walkers (emcee), kept on disk as they come, and whether they have converged.

Foreman-Mackey et al., PASP 2013 (emcee); Vehtari et al., Bayesian Analysis 2021 (rank-normalised split R-hat and ESS);
Kamatani, Scandinavian Journal of Statistics 2018 (leaps that leave a Student's t as it is). What walkers rehearse on is
in ``sketch.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from zipfile import BadZipFile

import numpy as np
from scipy.stats import norm, rankdata

from otosome.errors import BadInput
from otosome.fitting.sketch import Rehearsal, Sketch
from otosome.units import Array

# Vehtari et al. ask for 400 effective draws and, of four chains, for an R-hat under 1.01: 50 effective draws of each
# half have that. The halves of thirty walkers have it with some 3,000; 600 of them have 1.05.
LARGEST_RHAT, LEAST_ESS = 1.05, 400.0
# Steps between two writes of the chain.
PART = 20
# Writes after which leaps learn from the walkers, until half of the chain is over, when they learn for the last time: a
# chain's later half has one kind.
_LEARNING = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
# Degrees of freedom of what leaps leave as it is, and how much wider it is than walkers were: where the posterior has
# more than it, walkers stay long.
_TAILS, _WIDER = 20.0, 1.3
# Rehearsals: their steps, the share of these that go anywhere, how flat the sketch is taken, and the share of all steps
# that are rehearsed so; while a sketch is learnt, and afterwards. Steep ones are turned back seldom. From far out,
# where a sketch is too low, flat ones lead away and short ones about. The flattest look where it is learnt least.
_LEARNT_BY = ((25, 0.7, 0.9, 0.3), (25, 0.7, 0.5, 0.3), (25, 0.7, 0.3, 0.25))
_REHEARSALS = ((25, 0.7, 0.9, 0.45), (25, 0.7, 0.5, 0.3), (4, 0.0, 0.9, 0.1))


@dataclass(frozen=True)
class Chain:
    """Walkers' steps: ``deviates`` (step, walker, number) and ``logs``, their log-posterior (step, walker).

    ``looks``    where the log-posterior was looked at while more was learnt of it, in turn, (look, number)
    ``views``    what its landscape saw there, (look,) or (look, part)
    """

    deviates: Array
    logs: Array
    looks: Array
    views: Array

    @classmethod
    def none(cls, walkers: int, numbers: int) -> Chain:
        """Of no step yet."""
        each = ((0, walkers, numbers), (0, walkers), (0, numbers), (0,))
        return cls(*map(np.empty, each))

    def onward(self, deviates: Array, logs: Array, looked: Sequence[tuple[Array, Array]]) -> Chain:
        """With more steps, and more looks (each of several places) with what was seen there."""
        # Before the first look nobody knows of how many parts a view will be.
        looks, views = zip(*([(self.looks, self.views)] if len(self.looks) else []), *looked, strict=True)
        return Chain(
            np.concatenate([self.deviates, deviates]),
            np.concatenate([self.logs, logs]),
            np.concatenate(looks),
            np.concatenate(views),
        )


class Landscape(Protocol):
    """A log-posterior as walkers see it, and how it is sketched."""

    def look(self, places: Array) -> Array:
        """What is seen at places (place, number): (place,), or of several parts (place, part)."""
        ...

    def heights(self, places: Array, views: Array) -> Array:
        """The log-posteriors of places where this is seen, (place,)."""
        ...

    def sketch(self, looks: Array, views: Array) -> Rehearsal | None:
        """A sketch of looks in the order they came; None where they are too few, or it would be far off."""
        ...


@dataclass(frozen=True)
class Hill:
    """A log-posterior of which nothing but its height is seen."""

    log_posterior: Callable[[Array], Array]

    def look(self, places: Array) -> Array:
        """Its heights."""
        return self.log_posterior(places)

    def heights(self, places: Array, views: Array) -> Array:
        """The same."""
        return views

    def sketch(self, looks: Array, views: Array) -> Rehearsal | None:
        """A sketch of its heights."""
        return Sketch.of(looks, views)


@dataclass(frozen=True)
class Around:
    """A Student's t near a posterior: ``centre`` (number,), ``scale`` (number, number)."""

    centre: Array
    scale: Array

    def leap(self, places: Array, luck: np.random.RandomState) -> tuple[Array, Array]:
        """New places for walkers (walker, number), and the log-ratio of going back to going there.

        A leap goes anywhere around the centre, as wide as the t is at the distance it comes from: of walkers that are
        spread like the t nobody could tell that they have moved.
        """
        apart = places - self.centre
        width = (
            0.5
            * (_TAILS + self._far(apart))
            / luck.gamma(0.5 * (_TAILS + self.centre.size), size=len(places))
        )
        anywhere = luck.normal(size=places.shape) @ np.linalg.cholesky(self.scale).T
        new = np.sqrt(width)[:, None] * anywhere
        return self.centre + new, self._log(apart) - self._log(new)

    def learning(self, deviates: Array) -> Around:
        """As the later half of steps (step, walker, number) has it, somewhat wider, with a little of this one."""
        later = deviates[len(deviates) // 2 :].reshape(-1, self.centre.size)
        apart = later - later.mean(axis=0)
        many = len(later) + self.centre.size
        return Around(later.mean(axis=0), (_WIDER * apart.T @ apart + self.centre.size * self.scale) / many)

    def _far(self, apart: Array) -> Array:
        """Squared distance from the centre in standard deviations, (walker,)."""
        return np.asarray(np.sum(apart * np.linalg.solve(self.scale, apart.T).T, axis=1))

    def _log(self, apart: Array) -> Array:
        """Log-density, but for a constant, (walker,)."""
        return -0.5 * (_TAILS + self.centre.size) * np.log1p(self._far(apart) / _TAILS)


@dataclass(frozen=True)
class Convergence:
    """Of each number the rank-normalised split R-hat, and the effective number of draws in the bulk and the tails."""

    rhat: list[float]
    bulk: list[float]
    tail: list[float]

    @property
    def reached(self) -> bool:
        """Whether the draws may be called converged."""
        return max(self.rhat) < LARGEST_RHAT and min(*self.bulk, *self.tail) >= LEAST_ESS


def sample(
    landscape: Landscape,
    begin: Array,
    around: Around,
    steps: int,
    seed: int,
    file: Path,
    problem: str,
    tick: Callable[[int, int, float | None], None],
) -> Chain:
    """Steps of walkers; what stands in ``file`` of the same problem is continued to the same chain, to the last bit.

    ``begin``    first places of the walkers, (walker, number)
    ``around``   what the posterior is near, as far as is known; in the first half of the steps more is learnt of it
    ``problem``  fingerprint of what is sampled
    ``tick``     called with steps done, all steps, and the largest R-hat of the later half so far, None at first
    raises       BadInput for a file of another problem
    """
    import emcee

    chain, state = _stored(file, problem) or (
        Chain.none(*begin.shape),
        emcee.State(begin, random_state=np.random.RandomState(seed).get_state()),
    )
    sketch, learnt = None, 0
    while (done := len(chain.deviates)) < steps:
        tick(done, steps, agreement(chain.deviates[done // 2 :]) if done else None)
        looked = list[tuple[Array, Array]]()

        def look(places: Array, looked: list[tuple[Array, Array]] = looked) -> Array:
            views = landscape.look(places)
            heights = landscape.heights(places, views)
            # emcee writes over both.
            looked.append((places.copy(), views.copy()))
            return heights

        if (last := _learnt(done, steps)) != learnt:
            sketch, learnt = _sketch(landscape, chain, last), last
        moves = _moves(around, chain, steps, sketch)
        sampler = emcee.EnsembleSampler(*begin.shape, look, moves=moves, vectorize=True)
        state = sampler.run_mcmc(state, min(PART, steps - done), skip_initial_state_check=True)
        learning = looked if done < max(steps // 2, 1) else []
        chain = chain.onward(sampler.get_chain(), sampler.get_log_prob(), learning)
        _store(file, problem, chain, state.random_state)
    tick(steps, steps, agreement(chain.deviates[steps // 2 :]))
    return chain


def _sketch(landscape: Landscape, chain: Chain, learnt: int) -> Rehearsal | None:
    """The sketch of what was seen in the first ``learnt`` steps."""
    # Walkers looked where they began, and once a step.
    looks = chain.deviates.shape[1] * (learnt + 1)
    return landscape.sketch(chain.looks[:looks], chain.views[:looks])


def _moves(around: Around, chain: Chain, steps: int, sketch: Rehearsal | None) -> list[tuple[object, float]]:
    """What walkers do next, each with its share of the steps, by what was learnt of ``chain`` so far.

    Leaps, and steps that they take from each other where the posterior is far from normal. Where there is a sketch
    most are rehearsed on it.
    """
    import emcee

    near = _near(around, chain.deviates, steps)
    learning = len(chain.deviates) < steps // 2 // PART * PART
    leaps, differences = emcee.moves.MHMove(near.leap), emcee.moves.DEMove()
    if sketch is None:
        return [(leaps, 0.8), (differences, 0.15), (emcee.moves.DESnookerMove(), 0.05)]
    rehearsals = [
        (emcee.moves.MHMove(sketch.rehearsed(near.leap, near.scale, many, anywhere, flat)), share)
        for many, anywhere, flat, share in (_LEARNT_BY if learning else _REHEARSALS)
    ]
    return [*rehearsals, (leaps, 0.1), (differences, 0.05)]


def _near(around: Around, deviates: Array, steps: int) -> Around:
    """What leaps go by after so many steps (step, walker, number): what was learnt last of these alone."""
    learnt = _learnt(len(deviates), steps)
    return around.learning(deviates[:learnt]) if learnt else around


def _learnt(done: int, steps: int) -> int:
    """After how many steps walkers' moves were learnt last, of so many that are done; 0 before the first time."""
    last = steps // 2 // PART * PART
    return (
        last if done >= last else max((PART * many for many in _LEARNING if PART * many <= done), default=0)
    )


def _store(file: Path, problem: str, chain: Chain, luck: tuple[str, Array, int, int, float]) -> None:
    """Write a chain beside its place and rename it into it: what stands there is whole at every moment."""
    beside = file.with_name(f"{file.name}.part")
    _, keys, position, has_normal, normal = luck
    with beside.open("wb") as stream:
        np.savez(
            stream,
            deviates=chain.deviates,
            logs=chain.logs,
            looks=chain.looks,
            views=chain.views,
            keys=keys,
            problem=np.array(problem),
            place=np.array([position, has_normal]),
            normal=np.array(normal),
        )
    beside.replace(file)


def _stored(file: Path, problem: str) -> tuple[Chain, object] | None:
    """The chain of a file and the state after its last step; None where there is no file."""
    import emcee

    if not file.is_file():
        return None
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as parts:
            names = ("deviates", "logs", "looks", "views", "keys", "problem", "place", "normal")
            own = {name: parts[name] for name in names}
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise BadInput(f"is not a chain of otosome ({error})", file=str(file), cure="remove it") from error
    if str(own["problem"]) != problem:
        cure = "go on with the fit file and the data it was begun with, or begin anew without --resume"
        raise BadInput("is of another fit", file=str(file), cure=cure)
    position, has_normal = own["place"].tolist()
    luck = ("MT19937", own["keys"], position, has_normal, float(own["normal"]))
    chain = Chain(own["deviates"], own["logs"], own["looks"], own["views"])
    return chain, emcee.State(chain.deviates[-1], log_prob=chain.logs[-1], random_state=luck)


def convergence(deviates: Array) -> Convergence:
    """Diagnostics of draws (step, walker, number)."""
    each = [deviates[:, :, number].T for number in range(deviates.shape[2])]
    return Convergence(*([measure(chains) for chains in each] for measure in (rhat, bulk_ess, tail_ess)))


def agreement(deviates: Array) -> float:
    """The largest R-hat of all numbers, of draws (step, walker, number); 1 where the walkers agree."""
    return max(rhat(deviates[:, :, number].T) for number in range(deviates.shape[2]))


def split(chains: Array) -> Array:
    """Chains (chain, draw) cut in two halves each; the middle draw of an odd number is left out."""
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, chains.shape[1] - half :]])


def ranked(chains: Array) -> Array:
    """Draws (chain, draw) as normal scores of their ranks."""
    ranks = rankdata(chains).reshape(chains.shape)
    return np.asarray(norm.ppf((ranks - 0.375) / (chains.size + 0.25)))


def rhat(chains: Array) -> float:
    """Rank-normalised split R-hat: the larger of that of the draws and of their distance from the median."""
    halves = split(chains)
    return max(_rhat(ranked(halves)), _rhat(ranked(np.abs(halves - np.median(halves)))))


def _rhat(chains: Array) -> float:
    draws = chains.shape[1]
    within = float(chains.var(axis=1, ddof=1).mean())
    between = draws * float(chains.mean(axis=1).var(ddof=1))
    return float(np.sqrt((draws - 1) / draws + between / within / draws))


def bulk_ess(chains: Array) -> float:
    """Effective number of draws for what is typical."""
    return ess(ranked(split(chains)))


def tail_ess(chains: Array) -> float:
    """Effective number of draws for 5 and 95 %: the smaller of both."""
    halves = split(chains)
    return min(ess((halves <= np.quantile(halves, end)).astype(float)) for end in (0.05, 0.95))


def ess(chains: Array) -> float:
    """Effective number of draws of chains (chain, draw), by Geyer's initial monotone sequence."""
    count, draws = chains.shape
    centred = chains - chains.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * draws, axis=1)
    lagged = np.fft.irfft(spectrum * np.conj(spectrum), axis=1)[:, :draws].mean(axis=0) / draws
    within = lagged[0] * draws / (draws - 1.0)
    whole = within * (draws - 1.0) / draws + float(chains.mean(axis=1).var(ddof=1) if count > 1 else 0.0)
    if whole == 0:
        return float(count * draws)
    correlation = 1.0 - (within - lagged * draws / (draws - 1.0)) / whole
    correlation[0] = 1.0
    pairs = correlation[: draws // 2 * 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0)
    positive = np.minimum.accumulate(pairs[: ends[0] if ends.size else pairs.size])
    time = -1.0 + 2.0 * float(positive.sum())
    total = count * draws
    return float(total / max(time, 1.0 / np.log10(total)))
