"""On which of a study's knots a solute's steps end, and what it is on the others.

Knots are dense after every event of every arm. To a solute only its own doses and samples are events; those of others
it passes in longer steps, and between the ends of these a polynomial through six of them holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from otosome.units import Array, Hours

Rows = NDArray[np.intp]
# Points that a value between the ends of steps is taken from, and how long these steps are beside those that knots
# would have without the events of others: with these it is as exact as at the ends (docs/transport.md).
_POINTS, _PART = 6, 0.5


class Pace(NamedTuple):
    """How steps grow after an event: as ``schedule`` has it, by its ``first``, ``growth``, ``longest`` and ``late``."""

    first: float
    growth: float
    longest: float
    late: float = 0.0

    def reach(self, since: float) -> float:
        """The longest step that passes knots so many hours after an event, h."""
        return _PART * min(self.first + (self.growth - 1.0) * since, max(self.longest, self.late * since))


def ends(knots: Hours, spans: Iterable[tuple[float, float]], pace: Pace) -> Rows:
    """The knots that steps end on, rising: every one of an event, and while something lasts all of them.

    ``spans``  when each event begins and ends, h
    """
    own = np.zeros(knots.size, bool)
    for start, stop in spans:
        own |= (start <= knots) & (knots <= stop)
    chosen, begun = [0], knots[0]
    while (here := chosen[-1]) < knots.size - 1:
        if own[here]:
            begun = knots[here]
        furthest, following = knots[here] + pace.reach(knots[here] - begun), here + 1
        while following < knots.size - 1 and not own[following] and knots[following + 1] <= furthest:
            following += 1
        chosen.append(following)
    return np.array(chosen)


def spread(values: Array, knots: Hours, rows: Rows) -> Array:
    """Values on all knots from those on some of them, shape (row, ..) to (knot, ..). Nothing is made negative.

    ``rows``  of ``ends``. Nothing is taken across two of one moment, as something may happen between them
    """
    if rows.size == knots.size:
        return values
    others, points, weights = _points(knots.tobytes(), rows.tobytes())
    whole = np.empty((knots.size, *values.shape[1:]))
    whole[rows] = values
    # One knot after another, so that what is added up stays in the nearest cache.
    between, part = np.empty((2, *values.shape[1:]))
    for knot, after, of, by in zip(others, np.searchsorted(rows, others), points, weights, strict=True):
        np.multiply(values[of[0]], by[0], out=between)
        for point, weight in zip(of[1:], by[1:], strict=True):
            between += np.multiply(values[point], weight, out=part)
        least = np.minimum(np.minimum(values[after - 1], values[after]), 0.0)
        np.maximum(between, least, out=whole[knot])
    return whole


@lru_cache(maxsize=64)
def _points(raw: bytes, chosen: bytes) -> tuple[Rows, Rows, Array]:
    """The knots that are no rows, and of each the rows it is taken from with their weights (Lagrange's), (knot, point).

    Every block of a study asks for the same.
    """
    knots, rows = np.frombuffer(raw), np.frombuffer(chosen, np.intp)
    few, others = knots[rows], np.setdiff1d(np.arange(knots.size), rows)
    edges = np.array([0, *(np.flatnonzero(np.diff(few) == 0.0) + 1), few.size])
    points, weights = np.zeros((others.size, _POINTS), np.intp), np.zeros((others.size, _POINTS))
    for n, after in enumerate(np.searchsorted(rows, others)):
        part = np.searchsorted(edges, after, side="right")
        begin, end = edges[part - 1], edges[part]
        first = max(begin, min(after - _POINTS // 2, end - _POINTS))
        of = np.arange(first, min(first + _POINTS, end))
        points[n, : of.size] = of
        for number, row in enumerate(of):
            rest = few[of[of != row]]
            weights[n, number] = np.prod((knots[others[n]] - rest) / (few[row] - rest))
    return others, points, weights
