"""The compiled inner loops: sparse elimination on a fixed pattern and one RODAS4 step, lanes innermost.

Every lane is a subject; no operation mixes lanes, so a lane's numbers do not depend on its companions.
Kernels call only functions of this file and read no globals, as a stale cache would otherwise go unnoticed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otosome.units import Array

Indices = NDArray[np.int64]


class Pattern(NamedTuple):
    """Where the entries of the matrix lie and in which order they are eliminated (see ``pattern.py``).

    ``diagonal``      position of each pivot, shape (core,)
    ``lower``         row and position of each entry below a pivot; ``lower_start`` (core + 1,)
    ``upper``         column and position of each entry right of a pivot; ``upper_start`` (core + 1,)
    ``update``        position each (lower, upper) pair of each pivot is subtracted from
    ``edge``          position of (target, source) of each edge between core nodes
    ``site``          position of (class, class) of each uptake site, shape (site, classes, classes)
    """

    entries: int
    diagonal: Indices
    lower_start: Indices
    lower_row: Indices
    lower: Indices
    upper_start: Indices
    upper_column: Indices
    upper: Indices
    update: Indices
    edge: Indices
    site: Indices


class Flux(NamedTuple):
    """What moves: edges ``source`` to ``target`` at ``rate`` (edge, lane) in 1/h, and saturable uptake.

    Edges come in three runs: between core nodes (``inner`` of them), from core to ledger (up to ``outer``),
    from internalised to ledger. ``site`` and ``inside`` (site, classes) are the nodes uptake leaves and
    enters;
    ``capacity`` and ``half`` (site, classes, lane) are amounts per h and amounts. ``competition`` is one; zero
    leaves ``half`` alone in the denominator, which makes uptake linear.
    """

    source: Indices
    target: Indices
    rate: Array
    inner: int
    outer: int
    site: Indices
    inside: Indices
    capacity: Array
    half: Array
    competition: float


class Scheme(NamedTuple):
    """Coefficients of a Rosenbrock method in the form without matrix products."""

    gamma: float
    stage: Array
    coupling: Array


# RODAS4, Hairer and Wanner, Solving Ordinary Differential Equations II (1996), section IV.10.
RODAS4 = Scheme(
    0.25,
    np.array(
        [
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [1.544, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.9466785280815826, 0.2557011698983284, 0.0, 0.0, 0.0, 0.0],
            [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0.0, 0.0, 0.0],
            [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 0.0, 0.0],
            [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0, 0.0],
        ]
    ),
    np.array(
        [
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [-5.6688, 0.0, 0.0, 0.0, 0.0, 0.0],
            [-2.430093356833875, -0.2063599157091915, 0.0, 0.0, 0.0, 0.0],
            [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0.0, 0.0, 0.0],
            [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0.0, 0.0],
            [
                8.083246795921522,
                -7.981132988064893,
                -31.52159432874371,
                16.31930543123136,
                -6.058818238834054,
                0.0,
            ],
        ]
    ),
)


@njit(cache=True, nogil=True)
def derive(amounts: Array, flux: Flux, supply: Array, out: Array) -> None:
    """Rate of change of every amount, into ``out``; all (node, lane)."""
    lanes = amounts.shape[1]
    out[:] = supply
    for edge in range(flux.source.size):
        source, target = flux.source[edge], flux.target[edge]
        for m in range(lanes):
            moved = flux.rate[edge, m] * amounts[source, m]
            out[source, m] -= moved
            out[target, m] += moved
    total = np.empty(lanes)
    for s in range(flux.site.shape[0]):
        total[:] = 0.0
        for k in range(flux.site.shape[1]):
            total += amounts[flux.site[s, k]]
        for k in range(flux.site.shape[1]):
            source, target = flux.site[s, k], flux.inside[s, k]
            for m in range(lanes):
                # Odd in the total, so that an undershoot meets no pole and is answered by no more than capacity.
                room = flux.half[s, k, m] + flux.competition * abs(total[m])
                moved = flux.capacity[s, k, m] * amounts[source, m] / room
                out[source, m] -= moved
                out[target, m] += moved


@njit(cache=True, nogil=True)
def assemble(values: Array, amounts: Array, shift: float, flux: Flux, pattern: Pattern) -> None:
    """Fill ``values`` (entry, lane) with shift * identity minus the Jacobian of the core nodes."""
    lanes = amounts.shape[1]
    values[:] = 0.0
    for k in range(pattern.diagonal.size):
        values[pattern.diagonal[k]] = shift
    for edge in range(flux.outer):
        place = pattern.diagonal[flux.source[edge]]
        for m in range(lanes):
            values[place, m] += flux.rate[edge, m]
    for edge in range(flux.inner):
        place = pattern.edge[edge]
        for m in range(lanes):
            values[place, m] -= flux.rate[edge, m]
    classes = flux.site.shape[1]
    for s in range(flux.site.shape[0]):
        for m in range(lanes):
            total = 0.0
            for k in range(classes):
                total += amounts[flux.site[s, k], m]
            for k in range(classes):
                room = flux.half[s, k, m] + flux.competition * abs(total)
                values[pattern.diagonal[flux.site[s, k]], m] += flux.capacity[s, k, m] / room
                sign = flux.competition if total > 0.0 else -flux.competition
                slope = sign * flux.capacity[s, k, m] * amounts[flux.site[s, k], m] / (room * room)
                for j in range(classes):
                    values[pattern.site[s, k, j], m] -= slope


@njit(cache=True, nogil=True)
def factor(values: Array, pattern: Pattern) -> None:
    """Gaussian elimination in place, without pivoting: columns of the matrix are diagonally dominant."""
    lanes = values.shape[1]
    multiplier = np.empty(lanes)
    update = 0
    for k in range(pattern.diagonal.size):
        pivot = pattern.diagonal[k]
        for m in range(lanes):
            values[pivot, m] = 1.0 / values[pivot, m]
        for i in range(pattern.lower_start[k], pattern.lower_start[k + 1]):
            low = pattern.lower[i]
            for m in range(lanes):
                multiplier[m] = values[low, m] * values[pivot, m]
                values[low, m] = multiplier[m]
            for j in range(pattern.upper_start[k], pattern.upper_start[k + 1]):
                target, up = pattern.update[update], pattern.upper[j]
                update += 1
                for m in range(lanes):
                    values[target, m] -= multiplier[m] * values[up, m]


@njit(cache=True, nogil=True)
def substitute(values: Array, pattern: Pattern, right: Array) -> None:
    """Solve for the core nodes, in place of the first rows of ``right`` (node, lane)."""
    lanes = right.shape[1]
    known = np.empty(lanes)
    for k in range(pattern.diagonal.size):
        known[:] = right[k]
        for i in range(pattern.lower_start[k], pattern.lower_start[k + 1]):
            row, low = pattern.lower_row[i], pattern.lower[i]
            for m in range(lanes):
                right[row, m] -= values[low, m] * known[m]
    for k in range(pattern.diagonal.size - 1, -1, -1):
        known[:] = right[k]
        for j in range(pattern.upper_start[k], pattern.upper_start[k + 1]):
            column, up = pattern.upper_column[j], pattern.upper[j]
            for m in range(lanes):
                known[m] -= values[up, m] * right[column, m]
        for m in range(lanes):
            right[k, m] = known[m] * values[pattern.diagonal[k], m]


@njit(cache=True, nogil=True)
def absorb(right: Array, amounts: Array, shift: float, flux: Flux, ledger: int) -> None:
    """Solve for internalised and ledger nodes, which nothing else depends on, from the solved core."""
    lanes = right.shape[1]
    for edge in range(flux.inner, flux.outer):
        source, target = flux.source[edge], flux.target[edge]
        for m in range(lanes):
            right[target, m] += flux.rate[edge, m] * right[source, m]
    classes = flux.site.shape[1]
    for s in range(flux.site.shape[0]):
        for m in range(lanes):
            total, change = 0.0, 0.0
            for k in range(classes):
                total += amounts[flux.site[s, k], m]
                change += right[flux.site[s, k], m]
            sign = flux.competition if total > 0.0 else -flux.competition
            total, change = sign * total, sign * change
            for k in range(classes):
                room = flux.half[s, k, m] + total
                own = right[flux.site[s, k], m] - amounts[flux.site[s, k], m] * change / room
                right[flux.inside[s, k], m] += flux.capacity[s, k, m] * own / room
    for edge in range(flux.outer, flux.source.size):
        source, target = flux.source[edge], flux.target[edge]
        for m in range(lanes):
            right[source, m] /= shift + flux.rate[edge, m]
            right[target, m] += flux.rate[edge, m] * right[source, m]
    for node in range(ledger, right.shape[0]):
        for m in range(lanes):
            right[node, m] /= shift


@njit(cache=True, nogil=True)
def advance(
    amounts: Array,
    length: float,
    pieces: int,
    flux: Flux,
    pattern: Pattern,
    scheme: Scheme,
    supply: Array,
    ledger: int,
    weight: Array,
) -> Array:
    """Advance ``amounts`` (node, lane) in place by ``length`` h, in equal pieces.

    ``supply``  amounts per h from outside, (node, lane);  ``ledger``  first ledger node
    ``weight``  1 / volume of the nodes errors are judged in (node, lane), else 0
    returns     sum over pieces of the largest concentration error, shape (lane,)
    """
    nodes, lanes = amounts.shape
    values = np.empty((pattern.entries, lanes))
    stages = np.zeros((6, nodes, lanes))
    inner = np.empty((nodes, lanes))
    error = np.zeros(lanes)
    step = length / pieces
    shift = 1.0 / (scheme.gamma * step)
    for _ in range(pieces):
        assemble(values, amounts, shift, flux, pattern)
        factor(values, pattern)
        for s in range(6):
            inner[:] = amounts
            for j in range(s):
                if scheme.stage[s, j] != 0.0:
                    add(inner, scheme.stage[s, j], stages[j])
            derive(inner, flux, supply, stages[s])
            for j in range(s):
                add(stages[s], scheme.coupling[s, j] / step, stages[j])
            substitute(values, pattern, stages[s])
            absorb(stages[s], amounts, shift, flux, ledger)
        # Stiffly accurate: the last stage starts from the embedded third-order result and is its error.
        for node in range(nodes):
            for m in range(lanes):
                amounts[node, m] = inner[node, m] + stages[5, node, m]
        error += largest(stages[5], weight)
    return error


@njit(cache=True, nogil=True)
def add(total: Array, scale: float, part: Array) -> None:
    """total += scale * part, (node, lane)."""
    for node in range(total.shape[0]):
        for m in range(total.shape[1]):
            total[node, m] += scale * part[node, m]


@njit(cache=True, nogil=True)
def largest(part: Array, weight: Array) -> Array:
    """Largest |part * weight| over nodes, shape (lane,)."""
    out = np.zeros(part.shape[1])
    for node in range(part.shape[0]):
        for m in range(part.shape[1]):
            out[m] = max(out[m], abs(part[node, m] * weight[node, m]))
    return out
