"""The compiled loops of cells and pools: each half of an interval solved exactly, eight places to a vector.

Kernels call only functions of this file and of ``vectors.py`` and read no globals of another, as a stale cache would
otherwise go unnoticed. What a loop calls is written into it: a call would put every vector back to memory.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otosome.model.lanes import LANES
from otosome.model.vectors import (
    doubled,
    every,
    get,
    larger,
    magnitude,
    nearest,
    put,
    root,
    smaller,
    some,
    where,
)
from otosome.units import Array

Indices = NDArray[np.int64]


@njit(cache=True, nogil=True, forceinline=True)
def _powers(x: Array) -> tuple[Array, Array]:  # pragma: no cover
    """Two numbers s and r with exp(-x) = s + s r and r small, for an x from 0 to 700."""
    minus = every(0.0) - x
    power = nearest(minus * 1.4426950408889634)
    # ln 2 in two parts, so that what remains is exact; its exponential less one by Taylor, to the last digit.
    rest = minus - power * 0.6931471803691238
    rest = rest - power * 1.9082149292705877e-10
    series = every(1.0 / 6227020800.0)
    series = series * rest + 1.0 / 479001600.0
    series = series * rest + 1.0 / 39916800.0
    series = series * rest + 1.0 / 3628800.0
    series = series * rest + 1.0 / 362880.0
    series = series * rest + 1.0 / 40320.0
    series = series * rest + 1.0 / 5040.0
    series = series * rest + 1.0 / 720.0
    series = series * rest + 1.0 / 120.0
    series = series * rest + 1.0 / 24.0
    series = series * rest + 1.0 / 6.0
    series = series * rest + 0.5
    return doubled(power), (series * rest + 1.0) * rest


@njit(cache=True, nogil=True, forceinline=True)
def _left(x: Array) -> Array:  # pragma: no cover
    """exp(-x); x is not negative, and beyond 700 as good as nothing is left."""
    scale, less = _powers(smaller(every(700.0), x))
    return scale + scale * less


@njit(cache=True, nogil=True, forceinline=True)
def _decay(x: Array) -> tuple[Array, Array]:  # pragma: no cover
    """exp(-x) and the mean of exp(-s) for s from 0 to x, which is (1 - exp(-x)) / x; x is not negative."""
    # Below 1e-30 the mean is one all the same.
    x = larger(every(1e-30), x)
    scale, less = _powers(smaller(every(700.0), x))
    return scale + scale * less, ((every(1.0) - scale) - scale * less) / x


@njit(cache=True, nogil=True, forceinline=True)
def _change(values: Array, row: int, stride: int, weights: Array, h: int) -> Array:  # pragma: no cover
    """Coefficient of half an interval from the knots around it."""
    total = every(weights[h, 0]) * get(values, row)
    for j in range(1, weights.shape[1]):
        total = total + every(weights[h, j]) * get(values, row + j * stride)
    return total


@njit(cache=True, nogil=True, forceinline=True)
def _mean(values: Array, row: int, stride: int, weights: Array, h: int) -> Array:  # pragma: no cover
    """The same, never negative."""
    return larger(_change(values, row, stride, weights, h), every(0.0))


@njit(cache=True, nogil=True)
def relax(
    lengths: Array, first: Indices, weights: Array, source: Array, rate: Array, initial: Array
) -> Array:  # pragma: no cover
    """dy/dt = source - rate y on knots, exact for the source and rate of each half of an interval."""
    subjects, times, places = source.shape
    rows = places // LANES
    y = np.empty((subjects, times, places))
    for n in range(subjects * rows):
        i, lane = n // rows, n % rows
        here = i * times * rows + lane
        now = get(initial, n)
        put(y, here, now)
        for t in range(times - 1):
            half = 0.5 * lengths[t]
            if half > 0.0:
                for h in range(2):
                    row = here + first[t] * rows
                    enters = _mean(source, row, rows, weights[t], h)
                    if some(magnitude(now) + enters):
                        gone, mean = _decay(_mean(rate, row, rows, weights[t], h) * half)
                        now = now * gone + enters * mean * half
            put(y, here + (t + 1) * rows, now)
    return y


@njit(cache=True, nogil=True)
def decline(
    lengths: Array,
    first: Indices,
    weights: Array,
    injury: Array,
    deadly: Array,
    rates: Array,
    mended: Array,
    rescued: Array,
    revival: Array,
    removal: Array,
    initial: Array,
) -> tuple[Array, Array, Array]:  # pragma: no cover
    """Intact a, injured b and silent e on knots, from ``initial`` intact and the rest lost.

    da/dt = -injury a + repair b, db/dt = injury a - (repair + silencing + death) b + revival e,
    de/dt = silencing b - (silent_death + revival) e, and ``removal`` takes from all three. The 2x2 exponential of
    (a, b) is written without differences of like numbers, so that every entry of it is a sum of positive terms.
    Revival closes a ring and is split off, half before and half after each step: second order where it acts.

    ``rates``   of each ear, shape (ear, 5): repair, silencing, death, silent_death and the ``withdrawn`` share of
                death that is silencing instead; silencing and death go with ``deadly``, which has the shape of
                ``injury``
    ``mended``  what repair gains, as a share of it;  ``rescued``  in the place of ``deadly`` for death. Neither where
                it is empty, and an empty ``revival`` or ``removal`` does nothing
    """
    subjects, times, places = injury.shape
    rows = places // LANES
    # What silent cells keep in half an interval, and the mean of that, is the same at all places of an ear.
    remaining, mean_remaining = np.empty((times, LANES)), np.empty((times, LANES))
    none, least = every(0.0), every(1e-300)
    intact = np.empty((subjects, times, places))
    injured = np.empty((subjects, times, places))
    silent = np.empty((subjects, times, places))
    for n in range(subjects * rows):
        i, lane = n // rows, n % rows
        here = i * times * rows + lane
        if lane == 0:
            for t in range(times - 1):
                left, mean = _decay(every(rates[i, 3] * 0.5 * lengths[t]))
                put(remaining, t, left)
                put(mean_remaining, t, mean)
        a, b, e = get(initial, n), none, none
        put(intact, here, a)
        put(injured, here, b)
        put(silent, here, e)
        for t in range(times - 1):
            half = 0.5 * lengths[t]
            for h in range(2 if half > 0.0 else 0):
                row = here + first[t] * rows
                awake = none
                if revival.size > 0:
                    asleep = _left(_mean(revival, row, rows, weights[t], h) * (0.5 * half))
                    awake = every(1.0) - asleep
                    b, e = b + e * awake, e * asleep
                alpha = _mean(injury, row, rows, weights[t], h)
                # Where nothing injures and nothing is injured, nothing changes, not by rounding either.
                moves = alpha + b + e
                if some(moves):
                    lethality = _mean(deadly, row, rows, weights[t], h)
                    lethal, rho = lethality * rates[i, 1], every(rates[i, 0])
                    if mended.size > 0:
                        rho = larger(rho + rho * _change(mended, row, rows, weights[t], h), none)
                    if rescued.size > 0:
                        lethality = _mean(rescued, row, rows, weights[t], h)
                    dying = lethality * rates[i, 2]
                    kappa = lethal + dying * rates[i, 4]
                    lethal = lethal + dying
                    apart = (rho + lethal - alpha) * 0.5
                    q = root(apart * apart + alpha * rho)
                    total = (alpha + rho + lethal) * 0.5 + q
                    grown = _left(alpha * lethal / (total + least) * half)
                    faster, mean = _decay(q * (2.0 * half))
                    fast, mix = grown * faster, grown * mean * half
                    a_next = (fast + mix * larger(q + apart, none)) * a + mix * rho * b
                    b_next = mix * alpha * a + (fast + mix * larger(q - apart, none)) * b
                    entered = larger(a + b - a_next - b_next, none) * kappa / (lethal + least)
                    a, b, e = (
                        where(moves, a_next, a),
                        where(moves, b_next, b),
                        where(moves, e * get(remaining, t) + entered * get(mean_remaining, t), e),
                    )
                if revival.size > 0:
                    b, e = b + e * awake, e * (every(1.0) - awake)
                if removal.size > 0:
                    remain = _left(_mean(removal, row, rows, weights[t], h) * half)
                    a, b, e = a * remain, b * remain, e * remain
            put(intact, here + (t + 1) * rows, a)
            put(injured, here + (t + 1) * rows, b)
            put(silent, here + (t + 1) * rows, e)
    return intact, injured, silent
