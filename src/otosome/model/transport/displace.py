"""Moving perilymph on by a volume: a conservative, monotone remap along the cumulative volume."""

from __future__ import annotations

import numpy as np
from numba import njit

from otosome.units import Array


@njit(cache=True, nogil=True)
def displace(amounts: Array, volumes: Array, moved: Array, entering: Array) -> Array:
    """Push the fluid of a row of cells on by a volume, any number of cells far.

    Within a cell concentration is a monotone parabola between its neighbours' values, so no new extremes
    arise and nothing turns negative. Parts of a cell are moved whole, so the amounts sum as before.

    ``amounts``   along the way the fluid goes, shape (cell, lane); changed in place
    ``volumes``   uL, shape (cell, lane), positive;  ``moved``  uL, shape (lane,), not negative
    ``entering``  amount in the volume that enters at the first cell, shape (lane,)
    returns       what has left the last cell, shape (lane,)
    """
    lanes = amounts.shape[1]
    gone = np.zeros(lanes)
    for lane in range(lanes):
        if moved[lane] > 0.0:
            gone[lane] = push(amounts[:, lane], volumes[:, lane], moved[lane], entering[lane])
        else:
            amounts[0, lane] += entering[lane]
    return gone


@njit(cache=True, nogil=True)
def push(amount: Array, volume: Array, moved: float, entering: float) -> float:
    """One lane of ``displace``; the volume that enters is a cell of its own in front of the first."""
    cells = amount.size
    old = np.empty(cells + 1)
    size = np.empty(cells + 1)
    old[0], size[0] = entering, moved
    old[1:], size[1:] = amount, volume
    before, after = reconstruct(old, size)
    amount[:] = 0.0
    gone = 0.0
    # Old cells and new cells (the last without end) share borders on one axis that starts at the head.
    into, ends, position = 0, volume[0], 0.0
    for cell in range(cells + 1):
        done, begin = 0.0, position
        position += size[cell]
        while into < cells and ends < position:
            upto = (
                within((ends - begin) / size[cell], before[cell], old[cell] / size[cell], after[cell])
                * size[cell]
            )
            amount[into] += upto - done
            done = upto
            into += 1
            if into < cells:
                ends += volume[into]
        rest = old[cell] - done
        if into < cells:
            amount[into] += rest
        else:
            gone += rest
    return gone


@njit(cache=True, nogil=True)
def reconstruct(amount: Array, size: Array) -> tuple[Array, Array]:
    """Concentration just inside the two borders of each cell, so that the parabola between is monotone.

    The first cell, of fluid that enters, is uniform.  Source: Colella and Woodward 1984, equation 1.10
    """
    cells = amount.size
    before, after = np.empty(cells), np.empty(cells)
    for k in range(cells):
        mean = amount[k] / size[k]
        left = right = mean
        if 0 < k < cells - 1:
            low, high = amount[k - 1] / size[k - 1], amount[k + 1] / size[k + 1]
            left = (low * size[k] + mean * size[k - 1]) / (size[k] + size[k - 1])
            right = (mean * size[k + 1] + high * size[k]) / (size[k + 1] + size[k])
        rise = right - left
        bend = 6.0 * (mean - 0.5 * (left + right))
        if (right - mean) * (mean - left) <= 0.0:
            left = right = mean
        elif rise * bend > rise * rise:
            left = 3.0 * mean - 2.0 * right
        elif rise * bend < -rise * rise:
            right = 3.0 * mean - 2.0 * left
        before[k], after[k] = left, right
    return before, after


@njit(cache=True, nogil=True)
def within(s: float, left: float, mean: float, right: float) -> float:
    """Integral of the parabola over the first fraction ``s`` of a cell; ``mean`` at one."""
    return s * (left * (1.0 - s) ** 2 + mean * s * (3.0 - 2.0 * s) - right * s * (1.0 - s))
