"""The compiled inner loops: sparse elimination on a fixed pattern and RODAS4 steps, eight ears to a vector.

Every lane is an ear; no operation mixes lanes, so a lane's numbers do not depend on its companions. Arrays are
(row, lane), contiguous; ``get`` and ``put`` read and write a row (see ``vectors.py``). Kernels call only functions of
this file and of that one and read no globals of another, as a stale cache would otherwise go unnoticed. What the
innermost loops call is written into them: a call would put every vector back to memory.

The matrix is in blocks of three nodes by three, nine rows each: as many as stay in registers while they are multiplied.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from otosome.model.lanes import LANES, aligned
from otosome.model.vectors import every, get, larger, magnitude, pick, put, signed, smaller
from otosome.units import Array

Indices = NDArray[np.int64]
# Positions within one network: short, because the elimination reads a hundred thousand of them in each step.
Rows = NDArray[np.int32]


class Pattern(NamedTuple):
    """Where the entries of the matrix lie and in which order they are eliminated (see ``pattern.py``).

    ``entries``       of the matrix, fill included: those of blocks left of the diagonal, row of blocks by row from the
                      first on; then from the last on each row's blocks right of it, the farthest first, and its pivot
    ``sinks``         the first node that only the ledger depends on, after those that are eliminated;
                      ``to_sinks``  the first edge that leads into them;  ``ledger``, ``to_ledger``  of the ledger
    ``pivot``         position of the block on the diagonal;  ``left``, ``right``  number of blocks beside it
    ``plain``         whether those right of it have entries on their own diagonals alone, three to a block, as where
                      classes move side by side
    ``column``        of each block beside a pivot, in the order they lie in
    ``update``        position of each block that one left of a pivot and one right of that column's pivot change
    ``own``           position of each node's entry on the diagonal, those that fill the last block included
    ``edge``, ``place``  each edge between eliminated nodes, and the position of its (target, source)
    ``shared``        position of each pair of the classes that share a site of uptake, (site, class, class) in order
    """

    entries: int
    sinks: int
    to_sinks: int
    ledger: int
    to_ledger: int
    pivot: Rows
    left: Rows
    right: Rows
    plain: Rows
    column: Rows
    update: Rows
    own: Rows
    edge: Rows
    place: Rows
    shared: Rows


class Flux(NamedTuple):
    """What moves: edges ``source`` to ``target`` at ``rate`` (edge, lane) in 1/h, and saturable uptake.

    Edges are sorted by target, ``entering`` (node,) of them into each: first those into the core, last the ledger's;
    ``leaving`` (node, lane) is the sum of the rates out of each node. ``site`` and ``inside`` are the nodes uptake
    leaves and enters, ``classes`` in turn of each site, which share one capacity; ``capacity`` and ``half`` (site
    and class, lane) are amounts per h and amounts. ``competition`` is one; zero leaves ``half`` alone in the
    denominator, which makes uptake linear.
    """

    source: Rows
    target: Rows
    rate: Array
    entering: Rows
    leaving: Array
    classes: int
    site: Rows
    inside: Rows
    capacity: Array
    half: Array
    competition: float


class Axial(NamedTuple):
    """What crosses the borders of the tube: smoothly, of fourth order; or plainly, so that nothing turns negative.

    ``node``      of each cell along the tube, (classes, cell) in order;  ``dilution``  1 / volume (cell, lane)
    ``smooth``, ``plain``  1/h per amount in the four cells around a border, (classes, border, 4) in order and lane,
                           and a row of zeros; the ends of the tube are borders too
    ``edge``      the edges it makes, shape (edge,): what crosses at ``left`` less what crosses at ``right``
    ``leaving``   sum of all other rates out of each node, (node, lane)
    ``steep``     of two neighbouring concentrations, the smaller over the larger: so far the plain scheme is needed
                  at a border, and the smooth one holds from twice that, (border, lane)
    ``share``     of the smooth scheme at each border (border, lane), at the start of a step and ``later`` at its end;
                  and ``mixed`` both schemes: room to work in
    """

    node: Rows
    dilution: Array
    smooth: Array
    plain: Array
    edge: Rows
    left: Rows
    right: Rows
    leaving: Array
    steep: Array
    share: Array
    later: Array
    mixed: Array


class Scheme(NamedTuple):
    """Coefficients of a Rosenbrock method in the form without matrix products.

    ``mean``  weights of the stages: with the start they make the mean state of a step, whose rates fill the ledger
    """

    gamma: float
    stage: Array
    coupling: Array
    mean: Array


def scheme(gamma: float, stage: Array, coupling: Array) -> Scheme:
    """A stiffly accurate method; what follows of its coefficients is added."""
    whole = np.eye(stage.shape[0])
    quadrature = (stage[-1] + whole[-1]) @ np.linalg.inv(whole / gamma - coupling)
    return Scheme(gamma, stage, coupling, quadrature @ (stage + whole))


# Hairer and Wanner, Solving Ordinary Differential Equations II (1996), section IV.10.
RODAS4 = scheme(
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


class Work(NamedTuple):
    """Room for a step: the matrix (entry, lane), stages (6, node, lane), states (node, lane), errors (1, lane).

    ``error`` is of time; ``splitting`` what it costs that schemes are chosen at the start of a step
    """

    values: Array
    stages: Array
    inner: Array
    mean: Array
    error: Array
    splitting: Array
    before: Array


class Record(NamedTuple):
    """What is written of a block on its way: ``peak`` and ``error`` (1, lane), and concentrations of some nodes.

    ``nodes``     those kept, shape (kept,);  ``dilution``  1 / volume (kept, lane)
    ``history``   amount/uL, shape (time, kept, lane)
    """

    peak: Array
    error: Array
    nodes: Rows
    dilution: Array
    history: Array


def room(pattern: Pattern, nodes: int) -> Work:
    """Room for the steps of a network."""
    return Work(
        aligned(pattern.entries, LANES),
        aligned(6, nodes, LANES),
        aligned(nodes, LANES),
        aligned(nodes, LANES),
        aligned(1, LANES),
        aligned(1, LANES),
        aligned(nodes, LANES),
    )


@njit(cache=True, nogil=True)
def derive(amounts: Array, flux: Flux, nodes: int, out: Array) -> None:
    """Add the rates of change of the first ``nodes`` amounts to ``out``; both (node, lane)."""
    edge = 0
    for node in range(nodes):
        change = get(out, node) - get(flux.leaving, node) * get(amounts, node)
        last = edge + pick(flux.entering, node)
        for e in range(edge, last):
            change = change + get(flux.rate, e) * get(amounts, pick(flux.source, e))
        edge = last
        put(out, node, change)
    classes = flux.classes
    for first in range(0, flux.site.size, classes):
        total = every(0.0)
        for k in range(first, first + classes):
            total = total + get(amounts, pick(flux.site, k))
        # Odd in the total, so that an undershoot meets no pole and is answered by no more than capacity.
        competing = flux.competition * magnitude(total)
        for k in range(first, first + classes):
            source, target = pick(flux.site, k), pick(flux.inside, k)
            moved = get(flux.capacity, k) * get(amounts, source) / (get(flux.half, k) + competing)
            put(out, source, get(out, source) - moved)
            put(out, target, get(out, target) + moved)


# What a border's wrong scheme may cost, as a share of the concentration there.
SPLITTING = 0.02


@njit(cache=True, nogil=True)
def judge(amounts: Array, axial: Axial, share: Array) -> None:
    """Set the ``share`` of the smooth scheme at each border, by the steepest step between the four cells around it."""
    borders, cells = share.shape[0], axial.dilution.shape[0]
    for border in range(borders):
        put(share, border, every(1.0))
    for k in range(axial.node.size // cells):
        before = get(amounts, pick(axial.node, k * cells)) * get(axial.dilution, 0)
        for cell in range(1, cells):
            here = get(amounts, pick(axial.node, k * cells + cell)) * get(axial.dilution, cell)
            ratio = smaller(here, before) / (larger(here, before) + 1e-300)
            for border in range(max(cell - 1, 0), min(cell + 2, borders)):
                put(share, border, smaller(get(share, border), ratio))
            before = here
    for border in range(borders):
        steep = get(axial.steep, border)
        part = (get(share, border) - steep) / steep
        put(share, border, smaller(larger(part, every(0.0)), every(1.0)))


@njit(cache=True, nogil=True)
def splitting_error(amounts: Array, axial: Axial) -> Array:
    """How far the shares chosen at the start of a step are from those of its end, times the concentrations there."""
    borders, cells = axial.share.shape[0], axial.dilution.shape[0]
    judge(amounts, axial, axial.later)
    worst = every(0.0)
    for border in range(borders):
        apart = magnitude(get(axial.later, border) - get(axial.share, border))
        for k in range(axial.node.size // cells):
            for cell in (max(border - 1, 0), min(border, cells - 1)):
                here = get(amounts, pick(axial.node, k * cells + cell)) * get(axial.dilution, cell)
                worst = larger(worst, apart * here)
    return worst


@njit(cache=True, nogil=True)
def blend(amounts: Array, flux: Flux, axial: Axial) -> None:
    """Set the rates along the tube in ``flux``, smooth where the amounts (node, lane) are and plain where not."""
    judge(amounts, axial, axial.share)
    borders = axial.share.shape[0]
    for row in range(axial.smooth.shape[0] - 1):
        share = get(axial.share, (row // 4) % borders)
        plain = get(axial.plain, row)
        put(axial.mixed, row, plain + share * (get(axial.smooth, row) - plain))
    flux.leaving[:] = axial.leaving
    for e in range(axial.edge.size):
        rate = get(axial.mixed, pick(axial.left, e)) - get(axial.mixed, pick(axial.right, e))
        edge = pick(axial.edge, e)
        source = pick(flux.source, edge)
        put(flux.rate, edge, rate)
        put(flux.leaving, source, get(flux.leaving, source) + rate)


@njit(cache=True, nogil=True)
def assemble(values: Array, amounts: Array, shift: float, flux: Flux, pattern: Pattern) -> None:
    """Fill ``values`` (entry, lane) with shift * identity minus the Jacobian of the nodes that are eliminated."""
    values[:] = 0.0
    for node in range(pattern.own.size):
        filler = node >= pattern.sinks
        put(values, pick(pattern.own, node), every(1.0) if filler else every(shift) + get(flux.leaving, node))
    for n in range(pattern.edge.size):
        place = pick(pattern.place, n)
        put(values, place, get(values, place) - get(flux.rate, pick(pattern.edge, n)))
    classes = flux.classes
    for first in range(0, flux.site.size, classes):
        total = every(0.0)
        for k in range(first, first + classes):
            total = total + get(amounts, pick(flux.site, k))
        sign = signed(every(flux.competition), total)
        for k in range(first, first + classes):
            room = 1.0 / (get(flux.half, k) + sign * total)
            slope = get(flux.capacity, k) * room
            competing = slope * room * sign * get(amounts, pick(flux.site, k))
            for other in range(classes):
                place = pick(pattern.shared, k * classes + other)
                own = slope if first + other == k else every(0.0)
                put(values, place, get(values, place) + own - competing)


@njit(cache=True, nogil=True, forceinline=True)
def block(values: Array, first: int) -> tuple[Array, ...]:
    """The nine rows of a block, its own rows one after another."""
    return (
        get(values, first),
        get(values, first + 1),
        get(values, first + 2),
        get(values, first + 3),
        get(values, first + 4),
        get(values, first + 5),
        get(values, first + 6),
        get(values, first + 7),
        get(values, first + 8),
    )


@njit(cache=True, nogil=True, forceinline=True)
def write_row(values: Array, first: int, a: Array, b: Array, c: Array) -> None:
    """Three rows one after another."""
    put(values, first, a)
    put(values, first + 1, b)
    put(values, first + 2, c)


@njit(cache=True, nogil=True, forceinline=True)
def times(a: Array, b: Array, c: Array, m: tuple[Array, ...]) -> tuple[Array, Array, Array]:
    """A row of a block times a block."""
    return (a * m[0] + b * m[3] + c * m[6], a * m[1] + b * m[4] + c * m[7], a * m[2] + b * m[5] + c * m[8])


@njit(cache=True, nogil=True, forceinline=True)
def scaled(values: Array, first: int, m: tuple[Array, ...]) -> tuple[Array, ...]:
    """A block times another, in its place."""
    v = block(values, first)
    a, b, c = times(v[0], v[1], v[2], m), times(v[3], v[4], v[5], m), times(v[6], v[7], v[8], m)
    write_row(values, first, a[0], a[1], a[2])
    write_row(values, first + 3, b[0], b[1], b[2])
    write_row(values, first + 6, c[0], c[1], c[2])
    return a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2]


@njit(cache=True, nogil=True, forceinline=True)
def lessen_row(values: Array, first: int, a: Array, b: Array, c: Array, u: tuple[Array, ...]) -> None:
    """Take a row times a block from a row of a block."""
    put(values, first, get(values, first) - a * u[0] - b * u[3] - c * u[6])
    put(values, first + 1, get(values, first + 1) - a * u[1] - b * u[4] - c * u[7])
    put(values, first + 2, get(values, first + 2) - a * u[2] - b * u[5] - c * u[8])


@njit(cache=True, nogil=True, forceinline=True)
def lessen_plainly(
    values: Array, first: int, a: Array, b: Array, c: Array, u: Array, v: Array, w: Array
) -> None:
    """Take a row times a block of three entries, on its diagonal, from a row of a block."""
    put(values, first, get(values, first) - a * u)
    put(values, first + 1, get(values, first + 1) - b * v)
    put(values, first + 2, get(values, first + 2) - c * w)


@njit(cache=True, nogil=True, forceinline=True)
def invert(values: Array, first: int) -> None:
    """The inverse of a block, in its place, by Gauss and Jordan without pivoting."""
    a, b, c, d, e, f, g, h, i = block(values, first)
    none = every(0.0)
    a = 1.0 / a
    b, c = a * b, a * c
    e, f, h, i = e - d * b, f - d * c, h - g * b, i - g * c
    d, g = none - d * a, none - g * a
    e = 1.0 / e
    d, f = e * d, e * f
    a, c, g, i = a - b * d, c - b * f, g - h * d, i - h * f
    b, h = none - b * e, none - h * e
    i = 1.0 / i
    g, h = i * g, i * h
    a, b, d, e = a - c * g, b - c * h, d - f * g, e - f * h
    c, f = none - c * i, none - f * i
    write_row(values, first, a, b, c)
    write_row(values, first + 3, d, e, f)
    write_row(values, first + 6, g, h, i)


@njit(cache=True, nogil=True)
def factor(values: Array, pattern: Pattern) -> None:
    """Gaussian elimination in place, row of blocks by row, without pivoting (docs/transport.md says why)."""
    entry, update = 0, 0
    for row in range(pattern.pivot.size):
        last = entry + pick(pattern.left, row)
        for n in range(entry, last):
            column = pick(pattern.column, n)
            pivot = pick(pattern.pivot, column)
            m = scaled(values, 9 * n, block(values, pivot))
            if pick(pattern.plain, column):
                for right in range(pivot - 3 * pick(pattern.right, column), pivot, 3):
                    a, b, c = get(values, right), get(values, right + 1), get(values, right + 2)
                    place = pick(pattern.update, update)
                    lessen_plainly(values, place, m[0], m[1], m[2], a, b, c)
                    lessen_plainly(values, place + 3, m[3], m[4], m[5], a, b, c)
                    lessen_plainly(values, place + 6, m[6], m[7], m[8], a, b, c)
                    update += 1
                continue
            for right in range(pivot - 9 * pick(pattern.right, column), pivot, 9):
                u, place = block(values, right), pick(pattern.update, update)
                lessen_row(values, place, m[0], m[1], m[2], u)
                lessen_row(values, place + 3, m[3], m[4], m[5], u)
                lessen_row(values, place + 6, m[6], m[7], m[8], u)
                update += 1
        entry = last
        invert(values, pick(pattern.pivot, row))


@njit(cache=True, nogil=True, forceinline=True)
def lessened(
    known: tuple[Array, Array, Array], values: Array, first: int, amounts: Array, node: int
) -> tuple[Array, Array, Array]:
    """Three amounts less a block times the three from ``node`` on."""
    u, v, w = get(amounts, node), get(amounts, node + 1), get(amounts, node + 2)
    m = block(values, first)
    return (
        known[0] - m[0] * u - m[1] * v - m[2] * w,
        known[1] - m[3] * u - m[4] * v - m[5] * w,
        known[2] - m[6] * u - m[7] * v - m[8] * w,
    )


@njit(cache=True, nogil=True)
def solve(values: Array, pattern: Pattern, amounts: Array) -> None:
    """Solve for the nodes that are eliminated, in place of the first rows of ``amounts`` (node, lane).

    The matrix is read from its first entry to its last. What fills the last block is left as it is.
    """
    entry, at, rows = 0, 0, pattern.pivot.size
    for row in range(rows):
        known = get(amounts, 3 * row), get(amounts, 3 * row + 1), get(amounts, 3 * row + 2)
        last = entry + pick(pattern.left, row)
        for n in range(entry, last):
            known = lessened(known, values, at, amounts, 3 * pick(pattern.column, n))
            at += 9
        entry = last
        write_row(amounts, 3 * row, known[0], known[1], known[2])
    for row in range(rows - 1, -1, -1):
        known = get(amounts, 3 * row), get(amounts, 3 * row + 1), get(amounts, 3 * row + 2)
        last = entry + pick(pattern.right, row)
        if pick(pattern.plain, row):
            for n in range(entry, last):
                node = 3 * pick(pattern.column, n)
                known = (
                    known[0] - get(values, at) * get(amounts, node),
                    known[1] - get(values, at + 1) * get(amounts, node + 1),
                    known[2] - get(values, at + 2) * get(amounts, node + 2),
                )
                at += 3
        else:
            for n in range(entry, last):
                known = lessened(known, values, at, amounts, 3 * pick(pattern.column, n))
                at += 9
        entry = last
        m = block(values, at)
        at += 9
        u, v, w = known
        put(amounts, 3 * row, m[0] * u + m[1] * v + m[2] * w)
        put(amounts, 3 * row + 1, m[3] * u + m[4] * v + m[5] * w)
        put(amounts, 3 * row + 2, m[6] * u + m[7] * v + m[8] * w)


@njit(cache=True, nogil=True)
def absorb(right: Array, amounts: Array, shift: float, flux: Flux, pattern: Pattern) -> None:
    """Solve for what cells have internalised, from the nodes that are solved."""
    classes = flux.classes
    for first in range(0, flux.site.size, classes):
        total, change = every(0.0), every(0.0)
        for k in range(first, first + classes):
            total = total + get(amounts, pick(flux.site, k))
            change = change + get(right, pick(flux.site, k))
        sign = signed(every(flux.competition), total)
        total, change = sign * total, sign * change
        for k in range(first, first + classes):
            source, target = pick(flux.site, k), pick(flux.inside, k)
            room = 1.0 / (get(flux.half, k) + total)
            own = get(right, source) - get(amounts, source) * change * room
            put(right, target, get(right, target) + get(flux.capacity, k) * own * room)
    edge = pattern.to_sinks
    for node in range(pattern.sinks, pattern.ledger):
        known = get(right, node)
        last = edge + pick(flux.entering, node)
        for e in range(edge, last):
            known = known + get(flux.rate, e) * get(right, pick(flux.source, e))
        edge = last
        put(right, node, known / (every(shift) + get(flux.leaving, node)))


@njit(cache=True, nogil=True)
def combine(
    amounts: Array,
    supply: Array,
    stages: Array,
    s: int,
    nodes: int,
    scheme: Scheme,
    step: float,
    inner: Array,
) -> None:
    """Where stage ``s`` looks, into ``inner``, and what earlier ones leave to it, into ``stages[s]``."""
    stride = amounts.shape[0]
    for node in range(nodes):
        at, right = get(amounts, node), get(supply, node)
        for j in range(s):
            stage = get(stages, j * stride + node)
            at = at + scheme.stage[s, j] * stage
            right = right + (scheme.coupling[s, j] / step) * stage
        put(inner, node, at)
        put(stages, s * stride + node, right)


@njit(cache=True, nogil=True)
def collect(
    amounts: Array,
    supply: Array,
    stages: Array,
    scheme: Scheme,
    step: float,
    flux: Flux,
    pattern: Pattern,
    mean: Array,
) -> None:
    """Fill the ledger with what enters it in a step: the rates of its mean state, as nothing depends on the ledger.

    ``mean``  room for that state, (node, lane)
    """
    stride = amounts.shape[0]
    for node in range(pattern.ledger):
        state = get(amounts, node)
        for j in range(scheme.mean.size):
            state = state + scheme.mean[j] * get(stages, j * stride + node)
        put(mean, node, state)
    edge = pattern.to_ledger
    for node in range(pattern.ledger, stride):
        entering = get(supply, node)
        last = edge + pick(flux.entering, node)
        for e in range(edge, last):
            entering = entering + get(flux.rate, e) * get(mean, pick(flux.source, e))
        edge = last
        put(amounts, node, get(amounts, node) + step * entering)


@njit(cache=True, nogil=True)
def advance(
    amounts: Array,
    length: float,
    pieces: int,
    flux: Flux,
    pattern: Pattern,
    scheme: Scheme,
    axial: Axial,
    supply: Array,
    weight: Array,
    work: Work,
) -> None:
    """Advance ``amounts`` (node, lane) in place by ``length`` h, in equal pieces.

    ``supply``  amounts per h from outside, (node, lane)
    ``weight``  1 / volume of the nodes errors are judged in (node, lane), else 0
    ``work``    room to work in; its ``error`` becomes the sum over pieces of the largest concentration error, its
                ``splitting`` the largest that the choice of schemes at the start of a piece may have cost
    """
    nodes, stride = pattern.ledger, amounts.shape[0]
    values, stages, inner = work.values, work.stages, work.inner
    step = length / pieces
    shift = 1.0 / (scheme.gamma * step)
    work.error[:] = 0.0
    work.splitting[:] = 0.0
    for _ in range(pieces):
        blend(amounts, flux, axial)
        assemble(values, amounts, shift, flux, pattern)
        factor(values, pattern)
        for s in range(6):
            combine(amounts, supply, stages, s, nodes, scheme, step, inner)
            right = stages[s]
            derive(inner, flux, nodes, right)
            solve(values, pattern, right)
            absorb(right, amounts, shift, flux, pattern)
        collect(amounts, supply, stages, scheme, step, flux, pattern, work.mean)
        # Stiffly accurate: the last stage starts from the embedded third-order result and is its error.
        worst, whole = every(0.0), every(0.0)
        for node in range(nodes):
            last = get(stages, 5 * stride + node)
            put(amounts, node, get(inner, node) + last)
            worst = larger(worst, magnitude(last * get(weight, node)))
            whole = whole + last
        # Nothing, unless a stage is no number, which the larger of two would hide.
        put(work.error, 0, get(work.error, 0) + worst + 0.0 * whole)
        put(work.splitting, 0, larger(get(work.splitting, 0), SPLITTING * splitting_error(amounts, axial)))


@njit(cache=True, nogil=True)
def march(
    amounts: Array,
    lengths: Array,
    pieces: int,
    flux: Flux,
    pattern: Pattern,
    scheme: Scheme,
    axial: Axial,
    supply: Array,
    weight: Array,
    work: Work,
    record: Record,
    limits: tuple[float, float],
) -> int:
    """Advance over intervals, recording each, until one upsets a lane.

    ``lengths``  h, shape (interval,)
    ``limits``   a lane is upset where its error or its undershoot passes these shares of its peak
    returns      number of intervals done; of one that upset a lane ``amounts`` holds the failed end,
                 ``work.before`` the start, ``work.error`` the error, and nothing is recorded
    """
    for i in range(lengths.size):
        work.before[:] = amounts
        advance(amounts, lengths[i], pieces, flux, pattern, scheme, axial, supply, weight, work)
        if np.any(upset(amounts, weight, np.maximum(work.error, work.splitting), record.peak, limits)):
            return i
        write(amounts, weight, work.error, record, i)
    return lengths.size


@njit(cache=True, nogil=True)
def upset(amounts: Array, weight: Array, error: Array, peak: Array, limits: tuple[float, float]) -> Array:
    """Lanes whose error or undershoot is too large a share of their peak so far, shape (lane,)."""
    lowest, highest = every(0.0), get(peak, 0)
    for node in range(amounts.shape[0]):
        here = get(amounts, node) * get(weight, node)
        lowest, highest = larger(lowest, every(0.0) - here), larger(highest, here)
    under, over = np.empty_like(error), np.empty_like(error)
    put(under, 0, lowest)
    put(over, 0, highest)
    return (~((error <= limits[0] * over) & (under <= limits[1] * over)))[0]


@njit(cache=True, nogil=True)
def write(amounts: Array, weight: Array, error: Array, record: Record, i: int) -> None:
    """Add an interval to the record: its error, the peak, the concentrations kept."""
    put(record.error, 0, get(record.error, 0) + get(error, 0))
    highest = get(record.peak, 0)
    for node in range(amounts.shape[0]):
        highest = larger(highest, get(amounts, node) * get(weight, node))
    put(record.peak, 0, highest)
    count = record.nodes.size
    for n in range(count):
        put(record.history, i * count + n, get(amounts, record.nodes[n]) * get(record.dilution, n))
