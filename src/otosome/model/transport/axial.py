"""Diffusion and flow along the tube of scalae and vestibule: what crosses each border between two cells.

Two schemes: the plain one lets no concentration turn negative and is of second order at best; the other is of fourth
order. It puts a polynomial through the amounts of the cells around a border, as a function of the volume
passed, so that cells of unequal width and cross-section are told apart exactly; where the cross-section jumps
(helicotrema, vestibule), the polynomials of both sides meet in one concentration and one flux.

Both ends are borders too, with cerebrospinal fluid behind them: of a tube of n cells there are n + 1 borders. What
crosses a border is given per amount in four cells, from the one before its two to the one after them, 1/h.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from otosome.model.transport.kernel import Indices
from otosome.units import (
    Array,
    Microlitres,
    MicrolitresPerHour,
    Millimetres,
)

_TINY = np.finfo(float).tiny


@dataclass(frozen=True)
class Tube:
    """A row of cells, with what flows and spreads along it and the fluid behind its ends.

    ``volumes``   uL, shape (cell, lane);  ``lengths``  mm, the same
    ``parts``     number of cells of each part of smooth cross-section, two at least
    ``spread``    diffusion along the tube, mm2/h, shape (classes, 1, 1 or lane)
    ``flow``      uL/h, shape (lane,), positive from the first cell to the last, in and out through the ends
    ``exchange``  of the first cell's end with the fluid outside, uL/h, shape (lane,)
    ``outside``   volume of that fluid, uL, shape (lane,)
    """

    volumes: Microlitres
    lengths: Millimetres
    parts: Sequence[int]
    spread: Array
    flow: MicrolitresPerHour
    exchange: MicrolitresPerHour
    outside: Microlitres

    def plain(self) -> Array:
        """What crosses each border by the exponentially fitted scheme, (classes, border, 4, lane).

        Each rate has the sign that takes from where it leaves. An end's exchange is in series with half a cell.
        """
        rates = self._room()
        half = 0.5 * self.lengths**2 / self.volumes
        onward, back = fitted(self.spread / (half[1:] + half[:-1]), self.flow)
        rates[:, 1:-1, 1], rates[:, 1:-1, 2] = onward / self.volumes[:-1], -back / self.volumes[1:]
        reach = np.maximum(self.spread[:, 0] / half[0], _TINY)
        patent = self.exchange * reach / (self.exchange + reach)
        forth, ebb = np.maximum(self.flow, 0.0), np.maximum(-self.flow, 0.0)
        rates[:, 0, 1], rates[:, 0, 2] = (forth + patent) / self.outside, -(ebb + patent) / self.volumes[0]
        rates[:, -1, 1], rates[:, -1, 2] = forth / self.volumes[-1], -ebb / self.outside
        return rates

    def smooth(self) -> Array:
        """What crosses each border by the scheme of fourth order, (classes, border, 4, lane)."""
        rates = self._room()
        for (low, high), borders in _inner(tuple(self.parts)):
            crossing = self._within(borders, np.arange(low, high + 1))
            rates[:, borders + 1, 2 + low : 2 + high] = crossing.swapaxes(1, 2)
        for joint in np.cumsum(self.parts)[:-1]:
            rates[:, joint] = self._joint(int(joint))
        forth, ebb = np.maximum(self.flow, 0.0), np.maximum(-self.flow, 0.0)
        rates[:, 0, 1:] = self._end(slice(0, 2), self.exchange, forth, ebb)
        rates[:, -1, 2::-1] = -self._end(slice(-1, -3, -1), np.zeros_like(ebb), ebb, forth)
        return rates

    def steep(self) -> Array:
        """How much smaller a concentration may be than its neighbour for the smooth scheme to be safe, (border, lane).

        Where diffusion rules, four cells send a negative amount down a slope below a sixteenth, and where flow does
        below a fifth; the shares are a little larger, as shapes are not exponential.
        """
        conductance = self.spread * (self.volumes / self.lengths) ** 2
        leaning = _leaning(np.abs(self.flow) * self.volumes, conductance).max(axis=0)
        leaning = np.concatenate([leaning[:1], np.maximum(leaning[1:], leaning[:-1]), leaning[-1:]])
        return np.asarray((1.1 + 1.6 * leaning) / 12.0)

    def _room(self) -> Array:
        cells, lanes = self.volumes.shape
        return np.zeros((self.spread.shape[0], cells + 1, 4, lanes))

    def _end(self, cells: slice, exchange: Array, entering: Array, leaving: Array) -> Array:
        """What enters through an end, per amount outside and in the two cells there, (classes, 3, lane).

        What arrives along the tube and from outside meets in one concentration, which is what leaves.
        """
        volumes, lengths = self.volumes[cells], self.lengths[cells]
        by_cells, by_end = _slope(volumes)
        conductance = np.maximum(self.spread[:, 0] * _area(volumes, lengths) ** 2, _TINY)
        carried = leaving * _leaning(leaving * 0.5 * volumes[0], conductance)
        total = exchange + entering + carried + conductance * by_end
        inner = (carried[:, None] * _extrapolated(volumes) + conductance[:, None] * by_cells) / total[:, None]
        outer = (exchange + entering) / total
        from_outside = (exchange + entering - (exchange + leaving) * outer) / self.outside
        return np.concatenate([from_outside[:, None], -(exchange + leaving) * inner], axis=1)

    def _within(self, borders: Indices, reach: Indices) -> Array:
        """What crosses some borders, by the cells between the edges in reach, (classes, cell, border, lane)."""
        edge = borders + 1
        passed, along = _passed(self.volumes), _passed(self.lengths)
        volume, length = (a[edge + reach[:, None]] - a[edge] for a in (passed, along))
        area = np.sum(_derivatives(length)[0] * volume, axis=0)
        value, slope = _of_cells(_derivatives(volume))
        conductance = self.spread * area**2
        if reach.size == 5:
            apart = 0.5 * (self.volumes[borders] + self.volumes[edge])
            share = _leaning(np.abs(self.flow) * apart, conductance)
            value = value - share[:, None] * _upstream(volume, self.flow)
        return self.flow * value - conductance[:, None] * slope

    def _joint(self, cell: int) -> Array:
        """What crosses the border before a cell, where the cross-section jumps, (classes, 4, lane)."""
        sides = [slice(cell - 1, cell - 3, -1), slice(cell, cell + 2)]
        volumes, lengths = ([a[side] for side in sides] for a in (self.volumes, self.lengths))
        slopes, ends = zip(*(_slope(v) for v in volumes), strict=True)
        squares = [_area(v, x) ** 2 for v, x in zip(volumes, lengths, strict=True)]
        total = squares[0] * ends[0] + squares[1] * ends[1]
        nothing = np.zeros_like(slopes[0])
        before = np.concatenate([slopes[0][::-1], nothing])
        after = np.concatenate([nothing, slopes[1]])
        meeting = (squares[0] * before + squares[1] * after) / total
        conductance = np.maximum(self.spread[:, 0] * np.maximum(*squares), _TINY)
        share = _leaning(np.abs(self.flow) * 0.5 * (volumes[0][0] + volumes[1][0]), conductance)[:, None]
        upstream = np.where(
            self.flow < 0,
            np.concatenate([nothing, _extrapolated(volumes[1])]),
            np.concatenate([_extrapolated(volumes[0])[::-1], nothing]),
        )
        value = meeting + share * (upstream - meeting)
        slope = self.spread * squares[1] * (after - ends[1] * meeting)
        return self.flow * value - slope


@lru_cache(maxsize=16)
def _inner(parts: tuple[int, ...]) -> list[tuple[tuple[int, int], Indices]]:
    """Borders within parts of so many cells, (border,), with the first and the last edge they reach in their part."""
    by_reach: dict[tuple[int, int], list[int]] = {}
    first = 0
    for count in parts:
        for n in range(count - 1):
            by_reach.setdefault((max(-2, -n - 1), min(2, count - 1 - n)), []).append(first + n)
        first += count
    return [(reach, np.array(borders)) for reach, borders in by_reach.items()]


def neighbours(borders: int) -> Iterator[tuple[int, Indices, Indices, Indices]]:
    """How what crosses borders makes rates from each cell to those one and two on (positive) or back.

    Some rates are negative: what a farther cell sends is set against what a nearer one does.

    yields  for each distance the cells rates come from, where what is outside counts as cell 0 and as the last; and
             where among (border, 4) the two parts stand, of the border left of the cell they go to and right of
             it; -1 for none
    """
    for distance in (-2, -1, 1, 2):
        target = np.arange(max(distance, 0), borders + 1 + min(distance, 0))
        left = np.where((target > 0) & (distance > -2), 4 * (target - 1) + 2 - distance, -1)
        right = np.where((target < borders) & (distance < 2), 4 * target + 1 - distance, -1)
        yield distance, target - distance, left, right


def fitted(conductance: MicrolitresPerHour, flow: MicrolitresPerHour) -> tuple[Array, Array]:
    """Exponentially fitted flux between neighbours: uL/h onward and back, never negative.

    Exact for a steady flux between two cells; onward minus back is the flow.
    Source: Scharfetter and Gummel 1969
    """
    # Beyond this cell Peclet number the other direction is below the smallest number.
    mild = np.abs(flow) < 500.0 * conductance
    small = np.where(mild, flow, 0.0) / np.where(mild, conductance, 1.0)
    onward = np.where(mild, conductance * _bernoulli(-small), np.maximum(flow, 0.0))
    back = np.where(mild, conductance * _bernoulli(small), np.maximum(-flow, 0.0))
    return onward, back


def _bernoulli(z: Array) -> Array:
    """z / (exp(z) - 1), by its series where the quotient would cancel."""
    tiny = np.abs(z) < 1e-4
    return np.where(tiny, 1.0 - 0.5 * z + z * z / 12.0, z / np.expm1(np.where(tiny, 1.0, z)))


def _leaning(carried: Array, conductance: Array) -> Array:
    """Share of what flows that is taken from upstream: half of it at a cell Peclet number of two."""
    return carried / np.maximum(carried + 2.0 * conductance, _TINY)


def _passed(sizes: Array) -> Array:
    """Sum of sizes up to each edge, (edge, lane)."""
    return np.concatenate([np.zeros_like(sizes[:1]), np.cumsum(sizes, axis=0)])


def _derivatives(offset: Array) -> Array:
    """Weights of values at some offsets (node, border, lane) for the first and second derivative at 0.

    One of the offsets is 0. The weights are those of the polynomial through all values (Lagrange's form).
    returns  shape (2, node, border, lane)
    """
    here = int(np.flatnonzero(~offset.any(axis=(1, 2)))[0])
    others = np.delete(np.arange(len(offset)), here)
    weights = np.zeros((2, *offset.shape))
    for node in others:
        rest = offset[others[others != node]]
        first = np.prod(rest / (rest - offset[node]), axis=0) / offset[node]
        weights[:, node] = first, -2.0 * first * np.sum(1.0 / rest, axis=0)
    weights[:, here] = -weights.sum(axis=1)
    return weights


def _of_cells(weights: Array) -> Array:
    """Weights of sums up to each edge, as weights of the cells between the edges, (2, cell, border, lane)."""
    return np.asarray(np.cumsum(weights[:, :0:-1], axis=1)[:, ::-1])


def _upstream(offset: Array, flow: MicrolitresPerHour) -> Array:
    """What the concentration at a border exceeds that from two cells upstream and one downstream by, by cell.

    ``offset``  of the five edges around, (5, border, lane)
    returns     weights, (cell, border, lane)
    """
    apart = offset[:, None] - offset[None]
    apart[np.arange(5), np.arange(5)] = 1.0
    divided = 1.0 / np.prod(apart, axis=1)
    near = offset[1] * offset[3]
    bent = -near * np.where(flow < 0, offset[4], offset[0]) * divided
    return _of_cells(bent[None])[0]


def _slope(volumes: Microlitres) -> tuple[Array, Array]:
    """Slope of concentration at an end, inwards along the volume, from the two cells there and the end's own.

    ``volumes``  of the outer and the inner cell, (2, lane)
    returns      by the two amounts, (2, lane), less so many times the concentration at the end, (lane,)
    """
    near, far = volumes[0], volumes[0] + volumes[1]
    inner = -2.0 * near / (far**2 * volumes[1])
    return np.stack([2.0 * far / (near**2 * volumes[1]) + inner, inner]), 2.0 * (near + far) / (near * far)


def _extrapolated(volumes: Microlitres) -> Array:
    """Concentration at an end on a line through the two cells there, by their amounts, (2, lane)."""
    ratio = volumes[0] / (volumes[0] + volumes[1])
    return np.stack([(1.0 + ratio) / volumes[0], -ratio / volumes[1]])


def _area(volumes: Microlitres, lengths: Millimetres) -> Array:
    """Cross-section at an end on a line through those of the two cells there, (lane,), positive."""
    end, second = volumes / lengths
    ratio = lengths[0] / (lengths[0] + lengths[1])
    return np.asarray(np.maximum(end + ratio * (end - second), 0.5 * end))
