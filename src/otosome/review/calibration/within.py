"""Free numbers given all else, as the normal distribution whose own draws meet the figures: for words that bend them.

Between the ends of a word nothing decides, and beyond them much: what figures leave of numbers is then bent, and the
normal distribution nearest to its draws lies outside of it for the most part. This one lies within: of all normal
distributions of the free numbers f given the own deviates d of all else, which are as their shelves have them, it has
the least mean misfit for its width (the least Kullback-Leibler divergence from it to the posterior). Its middle and
slopes move until the mean pull of the misfit, and its product with each deviate, are none; its precision is the mean
curvature, Gauss-Newton's. It is narrower than all that is known of the numbers.

Source: Opper and Archambeau 2009, The variational Gaussian approximation revisited, Neural Computation 21, 786
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from otosome.review.calibration.bench import balanced
from otosome.review.calibration.linear import Conditional
from otosome.units import Array

# How wide it begins and how far a number is moved for its slope, in its standard deviation before; and how far its
# middle, or what others do to it, moves at once.
_FIRST, _STEP, _FARTHEST = 0.3, 0.1, 1.0
# Errors from which a miss counts by its size, and not by its square: deviates with which nothing is met decide nothing.
_LOST = 3.0
# The part of the rounds over which it is averaged, with steps that grow shorter by this power; and what its middle may
# differ by between their halves, in its spread, where it stands still.
_AVERAGED, _SHORTER, _STILL = 1 / 3, 0.7, 0.1
# Slopes below so many of their standard errors are what draws give by chance.
_CHANCE = 2.0
# Misfits in errors of free numbers on their own scale (draw, free) beside deviates (other, draw): (draw, figure).
Misses = Callable[[Array, Array], Array]


def within(
    misses: Misses,
    start: Array,
    width: Array,
    others: int,
    draws: int,
    rounds: int,
    seed: int,
    tick: Callable[[int, int], None],
) -> Conditional:
    """The normal distribution of the free numbers given ``others`` deviates that lies within what the figures leave.

    ``misses``  of all figures and of what was thought before
    ``start``   of the free numbers, on their own scale;  ``width``  of each, before
    ``draws``   in each round, more than twice all numbers;  ``tick``  called with rounds done and all rounds
    """
    middle, slopes, held = start, np.zeros((start.size, others)), np.diag((_FIRST * width) ** -2.0)
    averaged = max(2, round(_AVERAGED * rounds))
    later, error = list[tuple[Array, Array, Array]](), np.zeros(start.size)
    for done in range(rounds):
        tick(done, rounds)
        beside, luck = np.split(balanced(others + start.size, draws, seed + done), [others])
        own = middle + (slopes @ beside).T + (np.linalg.cholesky(np.linalg.inv(held)) @ luck).T
        pull, curvature = _pulled(misses, own, beside, _STEP * width)
        ease = max(1, done - (rounds - averaged) + 2) ** -_SHORTER
        held = (1.0 - ease) * held + ease * curvature
        way = np.linalg.solve(held, pull.T)
        moved, turned = ease * way.mean(axis=1), ease * way @ beside.T / draws
        middle = middle - moved * _short(np.abs(moved) / width)
        slopes = slopes - turned * _short(np.linalg.norm(turned, axis=1) / width)[:, None]
        if done >= rounds - averaged:
            later.append((middle, slopes, held))
            error = way.std(axis=1) / np.sqrt(draws * len(later))
    middles, turns, helds = (np.array(part) for part in zip(*later, strict=True))
    slopes = turns.mean(axis=0)
    slopes = np.where(np.abs(slopes) >= _CHANCE * error[:, None], slopes, 0.0)
    root = np.linalg.cholesky(np.linalg.inv(helds.mean(axis=0)))
    normal = Conditional(middles.mean(axis=0), slopes, root, rounds, True)
    apart = middles[averaged // 2 :].mean(axis=0) - middles[: averaged // 2].mean(axis=0)
    still = bool(np.max(np.abs(apart) / normal.spread) < _STILL)
    return Conditional(normal.middle, slopes, root, rounds, still)


def _pulled(misses: Misses, own: Array, beside: Array, steps: Array) -> tuple[Array, Array]:
    """Slopes of the misfit at each draw (draw, free), and its mean curvature (free, free)."""
    here = misses(own, beside)
    rise = np.stack([misses(own + step, beside) - here for step in np.diag(steps)], axis=2) / steps
    weight = np.minimum(1.0, _LOST / np.maximum(np.abs(here), _LOST))
    pull = np.einsum("dfk,df->dk", rise, weight * here)
    curvature = np.einsum("dfk,dfl,df->kl", rise, rise, weight) / len(own)
    return np.asarray(pull), np.asarray(curvature)


def _short(far: Array) -> Array:
    """What is left of ways that are so ``far``."""
    return np.asarray(_FARTHEST / np.maximum(far, _FARTHEST))
