"""Free numbers given all else that is drawn: the normal distribution nearest to what figures leave of them.

Each figure's misfit is made a plane in the own deviates of all else by regression over their draws, while the free
numbers follow what was found so far, so that the plane lies where the figures are met. Of a plane the distribution of
the free numbers f given the deviates d of all else is exact, and normal: of a joint precision P it has the slopes
-P_ff^-1 P_fd and the covariance P_ff^-1.

Where nothing else is drawn, figures are missed least where least squares ends, with the slopes there.

Source: Sarkka 2013, Bayesian filtering and smoothing, chapter 5 (statistical linearisation)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from otosome.units import Array

# Rounds, the share of a standard deviation at which they end, and how far a free number is moved for its slope.
_ROUNDS, _STILL, _STEP = 8, 0.03, 0.1
# Rounds in which slopes along the free numbers are taken; later ones keep the last.
_RISES = 3
# Slopes below so many of their standard errors are what draws give by chance.
_CHANCE = 2.5
# Standard deviations of a number from where it began, or between draws, beyond which it runs off; back to where it is
# then set once; and errors of all figures together that a number must move in one of its own.
_FAR, _BACK, _FAINT = 4.0, 1.0, 0.02
# Share in the direction that moves nothing from which a number is part of it, and the strongest others that are named.
_PART, _NAMED = 0.2, 8
# Looks of least squares, the share of what is missed at which they end, and deviates to either side between which
# slopes are taken: as few as figures are smooth.
_LOOKS, _FLAT, _SHORT = 60, 1e-5, 0.02
# Misfits in errors of free numbers on their own scale, (draw, free) -> (draw, figure).
Misses = Callable[[Array], Array]


@dataclass(frozen=True)
class Conditional:
    """Free numbers on their own scale given the own deviates d of all else: ``middle + slopes d``, and luck.

    ``middle``  (free,);  ``slopes``  (free, other);  ``root``  of their covariance, lower triangular (free, free)
    ``rounds``  until nothing moved;  ``still``  whether nothing did
    """

    middle: Array
    slopes: Array
    root: Array
    rounds: int
    still: bool

    @property
    def spread(self) -> Array:
        """Standard deviation of each free number by itself, (free,)."""
        return np.asarray(np.sqrt(np.sum(self.slopes**2, axis=1) + np.sum(self.root**2, axis=1)))


@dataclass(frozen=True)
class Open:
    """Free numbers that the figures do not hold.

    ``numbers``    which of them, by place;  ``faint``  whether each by itself moves no figure
    ``away``       of one that runs off: standard deviations that it went, else 0
    ``strongest``  others that move the figures most, by place
    """

    numbers: list[int]
    faint: bool
    away: float
    strongest: list[int]


def conditional(misses: Misses, start: Array, width: Array, beside: Array) -> Conditional | Open:
    """The free numbers given all else, or which of them the figures leave open.

    ``start``   of the free numbers, on their own scale;  ``width``  of each, of which a part is a step for its slope
    ``beside``  own deviates of all else, (other, draw)
    """
    middle, slopes, steps = start, np.zeros((start.size, len(beside))), _STEP * np.diag(width)
    rise, still, strongest, was_back = np.zeros((0, start.size)), False, [], False
    for done in range(1, _ROUNDS + 1):
        now = middle + (slopes @ beside).T
        plane = _plane(misses(now), beside)
        if done == 1:
            strongest = [int(k) for k in np.argsort(-np.linalg.norm(plane[:, 1:], axis=0))[:_NAMED]]
        if done <= _RISES:
            ahead = [np.mean(misses(now + step), axis=0) - plane[:, 0] for step in steps]
            rise = np.stack(ahead, axis=1) / (_STEP * width)
        unheld = _unheld(rise * width, strongest)
        if unheld is not None:
            # What moves a figure where it began, and not where it went, has run off.
            gone = np.max(np.abs(middle - start)[unheld.numbers] / width[unheld.numbers])
            return replace(unheld, faint=unheld.faint and done == 1, away=float(gone))
        covariance = np.linalg.inv(rise.T @ rise)
        moved = -covariance @ rise.T @ plane
        middle, slopes = middle + moved[:, 0], slopes + moved[:, 1:]
        far = np.maximum(np.abs(middle - start), np.linalg.norm(slopes, axis=1)) / width
        if np.max(far) > _FAR:
            # The first time it may be a step too long, from where figures bend.
            if was_back:
                return Open([int(np.argmax(far))], False, float(np.max(far)), strongest)
            middle, slopes, was_back = start + (middle - start) * _back(far)[:, 0], slopes * _back(far), True
            continue
        spread = np.sqrt(np.diag(covariance) + np.sum(slopes**2, axis=1))
        still = bool(np.max(np.abs(moved) / spread[:, None]) < _STILL)
        if still:
            break
    return Conditional(middle, slopes, np.linalg.cholesky(covariance), done, still)


@dataclass(frozen=True)
class Summit:
    """Deviates of free numbers where figures are missed least.

    ``at``  (free,);  ``root``  of their covariance by the slopes there, (free, free)
    ``rounds``  until the search ended;  ``still``  whether it did
    """

    at: Array
    root: Array
    rounds: int
    still: bool


def summit(misses: Misses, free: int) -> Summit | Open:
    """Where so many free numbers, in standard normal deviates, miss figures least, or which of them are left open."""
    steps = _SHORT * np.eye(free)

    def missed(at: Array) -> Array:
        return np.asarray(misses(at[None])[0])

    def slopes(at: Array) -> Array:
        up, down = np.split(misses(np.concatenate([at + steps, at - steps])), 2)
        return np.asarray((up - down).T / (2.0 * _SHORT))

    search = least_squares(missed, np.zeros(free), slopes, ftol=_FLAT, max_nfev=_LOOKS)
    rise = np.asarray(search.jac, dtype=np.float64)
    unheld = _unheld(rise, [])
    if unheld is not None:
        return unheld
    root = np.linalg.inv(np.linalg.cholesky(rise.T @ rise)).T
    return Summit(search.x, root, search.nfev, bool(search.success))


def _back(far: Array) -> Array:
    """What is left (free, 1) of ways that are so ``far``, in standard deviations: at most one."""
    return np.asarray(_BACK / np.maximum(far, _BACK))[:, None]


def _unheld(rise: Array, strongest: list[int]) -> Open | None:
    """Free numbers that move no figure, or together none; None where there are none.

    ``rise``  errors of each figure for a standard deviation of each free number, (figure, free)
    """
    faint = np.flatnonzero(np.linalg.norm(rise, axis=0) < _FAINT)
    if faint.size:
        return Open([int(k) for k in faint], True, 0.0, strongest)
    strength, turned = np.linalg.eigh(rise.T @ rise)
    if strength[0] >= 1e-8:
        return None
    return Open([int(k) for k in np.flatnonzero(np.abs(turned[:, 0]) > _PART)], False, 0.0, strongest)


def _plane(misses: Array, beside: Array) -> Array:
    """Constant and slopes of each figure's misfit, (figure, 1 + other); none of what does not stand out of chance."""
    whole = np.vstack([np.ones(len(misses)), beside]).T
    plane = np.asarray(np.linalg.lstsq(whole, misses, rcond=None)[0])
    chance = _CHANCE * np.sqrt(np.mean((misses - whole @ plane) ** 2, axis=0) / len(misses))
    plane[1:] *= np.abs(plane[1:]) >= chance
    return np.asarray(plane.T)
