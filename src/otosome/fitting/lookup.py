"""Log-likelihoods of many readings at many true values, looked up in tables of a few hundred true values each.

A reading's log-likelihood is a smooth curve over what is true. Ears at nodes need it at millions of true values, and
the same few readings come again and again: so each is computed at evenly spaced true values, and cubics through four
of these give it between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from otosome.roles import Endpoint, Reading
from otosome.units import Array

Indices = NDArray[np.int64]
# True values of a table, as many as are needed; those next to the ends are there for the cubics alone.
_POINTS = (41, 81, 161, 321)
# A table that misses curves half-way between its points by more than this is not used.
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Table:
    """Log-likelihoods of some readings over evenly spaced true values.

    ``first`` ``step``  of the true values of each lane, (lane,);  ``logs``  (lane, reading, point)
    """

    first: Array
    step: Array
    logs: Array

    def sums(self, true: Array, place: Indices, reading: Indices, counts: csr_array) -> Array:
        """Log-likelihoods of ears, shape (lane, node, ear).

        ``true``    inside the table, (lane, node, place)
        ``place`` ``reading``  where each item was read, and which of the table's it is, (item,)
        ``counts``  how often each ear has each item, (ear, item)
        """
        values, whose = np.ascontiguousarray(true), (counts.indptr, counts.indices)
        start, item = (part.astype(np.int64) for part in whose)
        return np.asarray(
            _sums(values, self.first, self.step, self.logs, place, reading, start, item, counts.data)
        )

    def sums_at(self, true: Array, place: Indices, reading: Indices, counts: csr_array, at: Pairs) -> Array:
        """The same at some nodes of each ear alone, shape (lane, pair, ear node).

        ``true``  (lane, node, ear node, place)
        """
        values, whose = np.ascontiguousarray(true), (counts.indptr, counts.indices)
        start, item = (part.astype(np.int64) for part in whose)
        some = (self.first, self.step, self.logs, place, reading, start, item, counts.data, at.ear, at.node)
        return np.asarray(_sums_at(values, *some))


@dataclass(frozen=True)
class Pairs:
    """Ears and the nodes at which they are computed, (pair,) each."""

    ear: Indices
    node: Indices


def tabulated(bound: Endpoint, readings: Reading, true: Array, items: int, least: float) -> Table | None:
    """The log-likelihoods of readings over all that is true in each lane; None where cubics would miss them.

    ``bound``  an endpoint, its numbers of shape (lane, 1, 1);  ``readings``  shape (1, 1, reading)
    ``true``   shape (lane, node, place);  ``items``  how many are looked up at each node
    ``least``  what log-likelihoods are raised to at least
    """
    lanes, many = len(true), readings.value.size
    low, high = (end(true.reshape(lanes, -1), axis=1) for end in (np.min, np.max))
    for points in _POINTS:
        if many * 2 * points > items * true.shape[1]:
            return None
        step = np.maximum((high - low) / (points - 3), 1e-12)
        # Every other one lies half-way between two of the table.
        places = (low - step)[:, None] + 0.5 * step[:, None] * np.arange(2 * points - 1)
        each = np.broadcast_to(places[:, :, None], (lanes, 2 * points - 1, many))
        logs = np.maximum(bound.log_likelihood(readings, each), least).transpose(0, 2, 1)
        known, between = logs[..., ::2], logs[..., 3:-3:2]
        cubics = (9.0 * (known[..., 1:-2] + known[..., 2:-1]) - known[..., :-3] - known[..., 3:]) / 16.0
        # What next to no ear can have read may be off by its own small part.
        if np.max(np.abs(cubics - between) / np.maximum(1.0, -0.02 * between)) <= _TOLERANCE:
            return Table(low - step, step, np.ascontiguousarray(known))
    return None


@njit(cache=True, nogil=True)
def _cubic(along: float, last: int) -> tuple[int, float, float, float, float]:  # pragma: no cover
    """The first of the four points around a place in a table, and what the cubic through them has of each there."""
    i = min(max(int(along), 1), last)
    t = along - i
    # The points lie at -1, 0, 1 and 2 (Lagrange).
    outer, inner = t * (t - 1.0), (t + 1.0) * (t - 2.0)
    return (
        i - 1,
        -outer * (t - 2.0) / 6.0,
        inner * (t - 1.0) / 2.0,
        -inner * t / 2.0,
        outer * (t + 1.0) / 6.0,
    )


@njit(cache=True, nogil=True)
def _sums(
    true: Array,
    first: Array,
    step: Array,
    logs: Array,
    place: Indices,
    reading: Indices,
    start: Indices,
    item: Indices,
    times: Array,
) -> Array:  # pragma: no cover
    """Sums over each ear's items of the cubic through four points of a table around what is true."""
    lanes, nodes, places = true.shape
    ears, last = start.size - 1, logs.shape[2] - 3
    sums, each = np.zeros((lanes, nodes, ears)), np.empty(place.size)
    left, share = np.empty(places, np.int64), np.empty((places, 4))
    for lane in range(lanes):
        for node in range(nodes):
            for p in range(places):
                along = (true[lane, node, p] - first[lane]) / step[lane]
                left[p], share[p, 0], share[p, 1], share[p, 2], share[p, 3] = _cubic(along, last)
            for j in range(place.size):
                p, r = place[j], reading[j]
                i = left[p]
                each[j] = (
                    share[p, 0] * logs[lane, r, i]
                    + share[p, 1] * logs[lane, r, i + 1]
                    + share[p, 2] * logs[lane, r, i + 2]
                    + share[p, 3] * logs[lane, r, i + 3]
                )
            for ear in range(ears):
                total = 0.0
                for n in range(start[ear], start[ear + 1]):
                    total += times[n] * each[item[n]]
                sums[lane, node, ear] = total
    return sums


@njit(cache=True, nogil=True)
def _sums_at(
    true: Array,
    first: Array,
    step: Array,
    logs: Array,
    place: Indices,
    reading: Indices,
    start: Indices,
    item: Indices,
    times: Array,
    ear: Indices,
    node: Indices,
) -> Array:  # pragma: no cover
    """Sums as above at some nodes of each ear, with all nodes of what is its own."""
    lanes, own, last = true.shape[0], true.shape[2], logs.shape[2] - 3
    sums = np.zeros((lanes, ear.size, own))
    for lane in range(lanes):
        for pair in range(ear.size):
            for e in range(own):
                total = 0.0
                for n in range(start[ear[pair]], start[ear[pair] + 1]):
                    j = item[n]
                    r = reading[j]
                    along = (true[lane, node[pair], e, place[j]] - first[lane]) / step[lane]
                    i, a, b, c, d = _cubic(along, last)
                    total += times[n] * (
                        a * logs[lane, r, i]
                        + b * logs[lane, r, i + 1]
                        + c * logs[lane, r, i + 2]
                        + d * logs[lane, r, i + 3]
                    )
                sums[lane, pair, e] = total
    return sums
