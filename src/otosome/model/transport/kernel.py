"""The compiled inner loops: sparse elimination on a fixed pattern and RODAS4 steps, eight ears to a vector.

Every lane is an ear; no operation mixes lanes, so a lane's numbers do not depend on its companions. Arrays are
(row, lane), contiguous; ``get`` and ``put`` read and write a row (see ``vectors.py``). Kernels call only functions of
this file and of that one and read no globals of another, as a stale cache would otherwise go unnoticed.
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

    ``entries``       of the matrix of the core nodes, fill included
    ``sinks``         the first node that only the ledger depends on, after the core and the sites of uptake;
                      ``to_sinks``  the first edge that leads into them;  ``ledger``, ``to_ledger``  of the ledger
    ``diagonal``      position of each pivot, shape (core,); after it stand the entries right of it, ``right`` in
                      number, then those below it, ``below`` in number
    ``column``        of each entry right of a pivot, in order;  ``row``  of each entry below a pivot
    ``update``        position each (below, right) pair of each pivot is subtracted from
    ``edge``, ``place``  each edge between core nodes, and the position of its (target, source)
    ``doors``         fluids around each site, in number, shape (site,)
    ``inward``, ``outward``  edges to and from them, (site, class, door) in order;  ``beyond``  the core node there
    ``block``         position of each pair of those core nodes, (site, class and door, class and door) in order
    """

    entries: int
    sinks: int
    to_sinks: int
    ledger: int
    to_ledger: int
    diagonal: Rows
    right: Rows
    below: Rows
    column: Rows
    row: Rows
    update: Rows
    edge: Rows
    place: Rows
    doors: Rows
    inward: Rows
    outward: Rows
    beyond: Rows
    block: Rows


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

    ``closed`` is what remains of the sites of uptake (row, lane): of each, by class, the inverse of its diagonal and
    the column of its inverse; then by class and door what leaves for there, and what enters times that inverse;
    ``error`` is of time; ``splitting`` what it costs that schemes are chosen at the start of a step
    """

    values: Array
    closed: Array
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
        aligned(2 * (pattern.sinks - pattern.diagonal.size + pattern.beyond.size), LANES),
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
def assemble(values: Array, shift: float, flux: Flux, pattern: Pattern) -> None:
    """Fill ``values`` (entry, lane) with shift * identity minus the Jacobian of the core nodes."""
    values[:] = 0.0
    for k in range(pattern.diagonal.size):
        put(values, pick(pattern.diagonal, k), every(shift) + get(flux.leaving, k))
    for n in range(pattern.edge.size):
        place = pick(pattern.place, n)
        put(values, place, get(values, place) - get(flux.rate, pick(pattern.edge, n)))


@njit(cache=True, nogil=True)
def close(values: Array, closed: Array, amounts: Array, shift: float, flux: Flux, pattern: Pattern) -> None:
    """Eliminate the sites of uptake, whose classes are a diagonal less one column: its inverse is a diagonal and one.

    ``values``  of the core (entry, lane): what goes through a site joins the fluids around it
    ``closed``  (row, lane), see ``Work``
    """
    classes = flux.classes
    row, way, entry = 0, 0, 0
    for site in range(pattern.doors.size):
        invert(closed, row, site * classes, amounts, shift, flux)
        doors = pick(pattern.doors, site)
        ways, column, out = classes * doors, row + classes, row + 2 * classes
        back = out + ways
        for k in range(classes):
            for j in range(k * doors, (k + 1) * doors):
                put(closed, out + j, get(flux.rate, pick(pattern.outward, way + j)))
                put(closed, back + j, get(flux.rate, pick(pattern.inward, way + j)) * get(closed, row + k))
        for k in range(classes):
            for j in range(k * doors, (k + 1) * doors):
                leaving = get(closed, out + j)
                shared = leaving * get(closed, column + k)
                for other in range(ways):
                    place = pick(pattern.block, entry + other)
                    put(values, place, get(values, place) - shared * get(closed, back + other))
                for own in range(k * doors, (k + 1) * doors):
                    place = pick(pattern.block, entry + own)
                    put(values, place, get(values, place) - leaving * get(closed, back + own))
                entry += ways
        row, way = back + ways, way + ways


@njit(cache=True, nogil=True)
def invert(closed: Array, row: int, first: int, amounts: Array, shift: float, flux: Flux) -> None:
    """The inverse of a site, from ``row`` of ``closed`` on: by class its diagonal, then its column.

    ``first``  of the site's classes among all sites'
    """
    classes = flux.classes
    total, competing = every(0.0), every(0.0)
    for k in range(first, first + classes):
        total = total + get(amounts, pick(flux.site, k))
    sign = signed(every(flux.competition), total)
    for k in range(classes):
        node = pick(flux.site, first + k)
        room = 1.0 / (get(flux.half, first + k) + sign * total)
        slope = get(flux.capacity, first + k) * room
        inverse = 1.0 / (every(shift) + get(flux.leaving, node) + slope)
        column = slope * room * sign * get(amounts, node) * inverse
        competing = competing + column
        put(closed, row + k, inverse)
        put(closed, row + classes + k, column)
    shared = 1.0 / (every(1.0) - competing)
    for k in range(row + classes, row + 2 * classes):
        put(closed, k, get(closed, k) * shared)


@njit(cache=True, nogil=True)
def factor(values: Array, pattern: Pattern) -> None:
    """Gaussian elimination in place, without pivoting (docs/transport.md says why)."""
    update = 0
    for k in range(pattern.diagonal.size):
        pivot, right = pick(pattern.diagonal, k), pick(pattern.right, k)
        below = pivot + 1 + right
        inverse = 1.0 / get(values, pivot)
        put(values, pivot, inverse)
        for low in range(below, below + pick(pattern.below, k)):
            multiplier = get(values, low) * inverse
            put(values, low, multiplier)
            for up in range(pivot + 1, below):
                place = pick(pattern.update, update)
                update += 1
                put(values, place, get(values, place) - multiplier * get(values, up))


@njit(cache=True, nogil=True)
def solve(values: Array, closed: Array, flux: Flux, pattern: Pattern, amounts: Array) -> None:
    """Solve for the nodes others depend on, in place of the first rows of ``amounts`` (node, lane)."""
    leave(closed, flux, pattern, amounts)
    substitute(values, pattern, amounts)
    enter(closed, flux, pattern, amounts)


@njit(cache=True, nogil=True)
def leave(closed: Array, flux: Flux, pattern: Pattern, amounts: Array) -> None:
    """Solve for the sites as if nothing entered them, and add what leaves them to the fluids around."""
    classes = flux.classes
    row, way = 0, 0
    for site in range(pattern.doors.size):
        first, doors, out = site * classes, pick(pattern.doors, site), row + 2 * classes
        total = every(0.0)
        for k in range(classes):
            total = total + get(closed, row + k) * get(amounts, pick(flux.site, first + k))
        for k in range(classes):
            node = pick(flux.site, first + k)
            left = get(closed, row + k) * get(amounts, node) + get(closed, row + classes + k) * total
            put(amounts, node, left)
            for j in range(k * doors, (k + 1) * doors):
                target = pick(pattern.beyond, way + j)
                put(amounts, target, get(amounts, target) + get(closed, out + j) * left)
        row, way = out + 2 * classes * doors, way + classes * doors


@njit(cache=True, nogil=True)
def enter(closed: Array, flux: Flux, pattern: Pattern, amounts: Array) -> None:
    """Add to the sites what enters them from the fluids around, which are solved."""
    classes = flux.classes
    row, way = 0, 0
    for site in range(pattern.doors.size):
        first, doors = site * classes, pick(pattern.doors, site)
        back = row + (2 + doors) * classes
        total = every(0.0)
        for k in range(classes):
            entering = every(0.0)
            for j in range(k * doors, (k + 1) * doors):
                entering = entering + get(closed, back + j) * get(amounts, pick(pattern.beyond, way + j))
            node = pick(flux.site, first + k)
            put(amounts, node, get(amounts, node) + entering)
            total = total + entering
        for k in range(classes):
            node = pick(flux.site, first + k)
            put(amounts, node, get(amounts, node) + get(closed, row + classes + k) * total)
        row, way = back + classes * doors, way + classes * doors


@njit(cache=True, nogil=True)
def substitute(values: Array, pattern: Pattern, amounts: Array) -> None:
    """Solve for the core nodes, in place of the first rows of ``amounts`` (node, lane)."""
    entry = 0
    for k in range(pattern.diagonal.size):
        known = get(amounts, k)
        low = pick(pattern.diagonal, k) + 1 + pick(pattern.right, k)
        for i in range(pick(pattern.below, k)):
            row = pick(pattern.row, entry + i)
            put(amounts, row, get(amounts, row) - get(values, low + i) * known)
        entry += pick(pattern.below, k)
    entry = pattern.column.size
    for k in range(pattern.diagonal.size - 1, -1, -1):
        known, pivot, right = get(amounts, k), pick(pattern.diagonal, k), pick(pattern.right, k)
        entry -= right
        # The farthest first: the nearest has only just been found.
        for j in range(right - 1, -1, -1):
            known = known - get(values, pivot + 1 + j) * get(amounts, pick(pattern.column, entry + j))
        put(amounts, k, known * get(values, pivot))


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
    values, closed, stages, inner = work.values, work.closed, work.stages, work.inner
    step = length / pieces
    shift = 1.0 / (scheme.gamma * step)
    work.error[:] = 0.0
    work.splitting[:] = 0.0
    for _ in range(pieces):
        blend(amounts, flux, axial)
        assemble(values, shift, flux, pattern)
        close(values, closed, amounts, shift, flux, pattern)
        factor(values, pattern)
        for s in range(6):
            combine(amounts, supply, stages, s, nodes, scheme, step, inner)
            right = stages[s]
            derive(inner, flux, nodes, right)
            solve(values, closed, flux, pattern, right)
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
