"""Free numbers given all else, as the normal distribution whose own draws meet the figures: for words that bend them.

Between the ends of a word nothing decides, and beyond them much: what figures leave of numbers is then bent, and the
normal distribution nearest to its draws lies outside of it for the most part. This one lies within: of all normal
distributions of the free numbers f given the own deviates d of all else, which are as their shelves have them, it has
the least mean misfit for its width (the least Kullback-Leibler divergence from it to the posterior). Its middle and
slopes move until the mean pull of the misfit, and its product with each deviate, are none; its precision is the mean
curvature, Gauss-Newton's. It is narrower than all that is known of the numbers.

It is sought with all else at its middle first; then deviates get the slopes that leave the figures where they are, at
the middle and again where all else is drawn; then both are moved over draws of all else, slopes along the few
directions alone in which deviates move the figures, since each direction more adds its chance.

Source: Opper and Archambeau 2009, The variational Gaussian approximation revisited, Neural Computation 21, 786;
Constantine 2015, Active subspaces, chapter 3 (directions)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from otosome.review.calibration.bench import balanced
from otosome.review.calibration.linear import Conditional
from otosome.units import Array

# How wide it begins and how far a number is moved for its slope, in its standard deviation before; and how far its
# middle, or what others do to it, moves at once.
_FIRST, _STEP, _FARTHEST = 0.3, 0.1, 1.0
# Errors from which a miss counts by its size, and not by its square: deviates with which nothing is met decide nothing.
_LOST = 3.0
# Rounds and draws with all else at its middle, and draws in which slopes along deviates are taken.
_TYPICAL, _ALONE, _SEEN = 10, 48, 32
# Directions are those that move all figures by so many errors a deviate.
_BEARS = 0.4
# The part of a step that is taken where draws bring chance.
_EASE = 0.5
# The part of the rounds over which it is averaged, with steps that grow shorter by this power; and what its middle may
# differ by between their halves, in its spread, where it stands still.
_AVERAGED, _SHORTER, _STILL = 1 / 3, 0.7, 0.1
# Figures in errors for free numbers on their own scale (draw, free) beside deviates (other, draw): (draw, figure).
Figures = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class _State:
    """So far: ``middle`` (free,), ``slopes`` (free, other), and ``precision`` (free, free)."""

    middle: Array
    slopes: Array
    precision: Array

    @property
    def root(self) -> Array:
        """Of the covariance, lower triangular."""
        return np.asarray(np.linalg.cholesky(np.linalg.inv(self.precision)))

    def drawn(self, beside: Array, luck: Array) -> Array:
        """Free numbers (draw, free) beside deviates (other, draw)."""
        return np.asarray(self.middle + (self.slopes @ beside).T + (self.root @ luck).T)


def within(
    misses: Figures,
    scaled: Figures,
    before: tuple[Array, Array],
    others: int,
    draws: int,
    rounds: int,
    seed: int,
    tick: Callable[[int, int], None],
) -> Conditional:
    """The normal distribution of the free numbers given ``others`` deviates that lies within what the figures leave.

    ``misses``  of all figures and of what was thought before;  ``scaled``  the figures themselves
    ``before``  middle and standard deviation of each number as it was thought, on its own scale
    ``draws``   in each round, more than twice all numbers;  ``tick``  called with rounds done and all rounds
    """
    start, width = before
    state = _State(start, np.zeros((start.size, others)), np.diag((_FIRST * width) ** -2.0))
    nowhere, typical = np.zeros((others, 0)), np.zeros((others, _ALONE))
    for done in range(_TYPICAL):
        tick(done, _TYPICAL + rounds)
        luck, ease = balanced(start.size, _ALONE, seed + done), 1.0 if done < _TYPICAL // 2 else _EASE
        state = _onward(state, misses, typical, luck, width, nowhere, ease)
    state, along = _answering(state, scaled, width, seed)
    later, averaged = list[_State](), max(2, round(_AVERAGED * rounds))
    for done in range(rounds):
        tick(_TYPICAL + done, _TYPICAL + rounds)
        beside, luck = np.split(balanced(others + start.size, draws, seed + done), [others])
        ease = _EASE * max(1, done - (rounds - averaged) + 2) ** -_SHORTER
        state = _onward(state, misses, beside, luck, width, along, ease)
        later = [*later, state][-averaged:]
    mean = _mean(later)
    apart = _mean(later[averaged // 2 :]).middle - _mean(later[: averaged // 2]).middle
    normal = Conditional(mean.middle, mean.slopes, mean.root, rounds, True)
    return replace(normal, still=bool(np.max(np.abs(apart) / normal.spread) < _STILL))


def _mean(state: list[_State]) -> _State:
    middle, slopes, precision = (
        np.mean([getattr(part, name) for part in state], axis=0) for name in ("middle", "slopes", "precision")
    )
    return _State(middle, slopes, precision)


def _answering(state: _State, scaled: Figures, width: Array, seed: int) -> tuple[_State, Array]:
    """With slopes by which figures stay, at the middle of all else and then where it is drawn; and directions."""
    half = np.random.default_rng(seed).standard_normal((state.slopes.shape[1], _SEEN // 2))
    half = half / np.sqrt(np.mean(half**2, axis=1, keepdims=True))
    drawn = np.concatenate([half, -half], axis=1)
    slopes, _ = _answered(scaled, state, np.zeros(drawn.shape), width, seed)
    slopes, along = _answered(scaled, replace(state, slopes=slopes), drawn, width, seed)
    return replace(state, slopes=slopes), along


def _onward(
    state: _State, misses: Figures, beside: Array, luck: Array, width: Array, along: Array, ease: float
) -> _State:
    """A step by the pull of the misfit in some draws; slopes along some directions (other, direction) alone."""
    own = state.drawn(beside, luck)
    here = misses(own, beside)
    rise = _rise(misses, own, beside, here, _STEP * width)
    weight = _LOST / np.maximum(np.abs(here), _LOST)
    curvature = np.einsum("dfk,dfl,df->kl", rise, rise, weight) / len(own)
    precision = (1.0 - ease) * state.precision + ease * curvature
    way = ease * np.linalg.solve(precision, np.einsum("dfk,df->kd", rise, weight * here))
    moved, turned = way.mean(axis=1), way @ (along.T @ beside).T / len(own)
    middle = state.middle - moved * _short(np.abs(moved) / width)
    turned = turned * _short(np.linalg.norm(turned, axis=1) / width)[:, None]
    return _State(middle, state.slopes - turned @ along.T, precision)


def _answered(scaled: Figures, state: _State, beside: Array, width: Array, seed: int) -> tuple[Array, Array]:
    """Slopes by which free numbers answer deviates so that figures stay; and directions along which figures move.

    As seen beside some deviates (other, draw), on the average. A figure that a number moves by many errors is lost to
    it, and counts no more than one that it moves by a few. Slopes (free, other); directions orthonormal (other,
    direction).
    """
    (free, others), many = state.slopes.shape, beside.shape[1]
    own = state.drawn(beside, np.random.default_rng(seed + 1).standard_normal((free, many)))
    here = scaled(own, beside)
    first = _rise(scaled, own, beside, here, _STEP * width)
    moved = np.concatenate([beside + _STEP * unit[:, None] for unit in np.eye(others)], axis=1)
    figures = scaled(np.tile(own, (others, 1)), moved).reshape(others, many, -1)
    other = np.moveaxis((figures - here) / _STEP, 0, 2)
    size = np.linalg.norm(other, axis=2, keepdims=True)
    first, other = (rise / np.maximum(1.0, size / _LOST) for rise in (first, other))
    curvature = np.einsum("dfk,dfl->kl", first, first) / many + np.diag(width**-2.0)
    slopes = -np.linalg.solve(curvature, np.einsum("dfk,dfo->ko", first, other) / many)
    strength, turned = np.linalg.eigh(np.einsum("dfo,dfp->op", other, other) / many)
    return slopes, np.asarray(turned[:, strength >= _BEARS**2])


def _rise(figures: Figures, own: Array, beside: Array, here: Array, steps: Array) -> Array:
    """Slopes of figures along each free number, (draw, figure, free)."""
    ahead = [figures(own + step, beside) - here for step in np.diag(steps)]
    return np.asarray(np.stack(ahead, axis=2) / steps)


def _short(far: Array) -> Array:
    """What is left of ways that are so ``far``."""
    return np.asarray(_FARTHEST / np.maximum(far, _FARTHEST))
