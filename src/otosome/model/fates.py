"""The compiled loops of cells and pools: each half of an interval solved exactly, eight places to a vector.

Kernels call only functions of this file and of ``vectors.py`` and read no globals of another, as a stale cache would
otherwise go unnoticed.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otosome.model.lanes import LANES
from otosome.model.vectors import doubled, every, get, larger, nearest, put, root, where
from otosome.units import Array

Indices = NDArray[np.int64]


@njit(cache=True, nogil=True)
def _decay(x: Array) -> tuple[Array, Array]:  # pragma: no cover
    """exp(-x) and the mean of exp(-s) for s from 0 to x, which is (1 - exp(-x)) / x; x is not negative."""
    # Below 1e-30 the mean is one all the same; beyond 700 the exponential is as good as none.
    x = larger(every(1e-30), x)
    minus = larger(every(-700.0), every(0.0) - x)
    power = nearest(minus * 1.4426950408889634)
    # ln 2 in two parts, so that what remains is exact; its exponential less one by Taylor, to the last digit.
    rest = minus - power * 0.6931471803691238
    rest = rest - power * 1.9082149292705877e-10
    series = every(1.0 / 13.0)
    for n in range(12, 1, -1):
        series = (series * rest + 1.0) * (1.0 / n)
    less = (series * rest + 1.0) * rest
    scale = doubled(power)
    return scale + scale * less, ((every(1.0) - scale) - scale * less) / x


@njit(cache=True, nogil=True)
def _mean(values: Array, row: int, stride: int, weights: Array, h: int) -> Array:  # pragma: no cover
    """Coefficient of half an interval from the knots around it, never negative."""
    total = every(weights[h, 0]) * get(values, row)
    for j in range(1, weights.shape[1]):
        total = total + every(weights[h, j]) * get(values, row + j * stride)
    return larger(total, every(0.0))


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
                    gone, mean = _decay(_mean(rate, row, rows, weights[t], h) * half)
                    now = now * gone + _mean(source, row, rows, weights[t], h) * mean * half
            put(y, here + (t + 1) * rows, now)
    return y


@njit(cache=True, nogil=True)
def decline(
    lengths: Array,
    first: Indices,
    weights: Array,
    injury: Array,
    repair: Array,
    silencing: Array,
    death: Array,
    silent_death: Array,
    revival: Array,
    removal: Array,
    initial: Array,
) -> tuple[Array, Array, Array]:  # pragma: no cover
    """Intact a, injured b and silent e on knots, from ``initial`` intact and the rest lost.

    da/dt = -injury a + repair b, db/dt = injury a - (repair + silencing + death) b + revival e,
    de/dt = silencing b - (silent_death + revival) e, and ``removal`` takes from all three. The 2x2 exponential of
    (a, b) is written without differences of like numbers, so that every entry of it is a sum of positive terms.
    Revival closes a ring and is split off, half before and half after each step: second order where it acts. An
    empty ``revival`` or ``removal`` does nothing.
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
                left, mean = _decay(every(silent_death[i] * 0.5 * lengths[t]))
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
                    asleep, _ = _decay(_mean(revival, row, rows, weights[t], h) * (0.5 * half))
                    awake = every(1.0) - asleep
                    b, e = b + e * awake, e * asleep
                alpha = _mean(injury, row, rows, weights[t], h)
                rho = _mean(repair, row, rows, weights[t], h)
                kappa = _mean(silencing, row, rows, weights[t], h)
                lethal = kappa + _mean(death, row, rows, weights[t], h)
                apart = (rho + lethal - alpha) * 0.5
                q = root(apart * apart + alpha * rho)
                total = (alpha + rho + lethal) * 0.5 + q
                grown, _ = _decay(alpha * lethal / (total + least) * half)
                faster, mean = _decay(q * (2.0 * half))
                fast, mix = grown * faster, grown * mean * half
                a_next = (fast + mix * larger(q + apart, none)) * a + mix * rho * b
                b_next = mix * alpha * a + (fast + mix * larger(q - apart, none)) * b
                entered = larger(a + b - a_next - b_next, none) * kappa / (lethal + least)
                # Where nothing injures and nothing is injured, nothing changes, not by rounding either.
                moves = alpha + b + e
                a, b, e = (
                    where(moves, a_next, a),
                    where(moves, b_next, b),
                    where(moves, e * get(remaining, t) + entered * get(mean_remaining, t), e),
                )
                if revival.size > 0:
                    b, e = b + e * awake, e * (every(1.0) - awake)
                if removal.size > 0:
                    remain, _ = _decay(_mean(removal, row, rows, weights[t], h) * half)
                    a, b, e = a * remain, b * remain, e * remain
            put(intact, here + (t + 1) * rows, a)
            put(injured, here + (t + 1) * rows, b)
            put(silent, here + (t + 1) * rows, e)
    return intact, injured, silent
