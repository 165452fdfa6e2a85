"""Which entries the elimination of a network fills, found once per topology."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from otosome.model.transport.kernel import Flux, Indices, Pattern


def eliminate(core: int, ledger: int, flux: Flux) -> Pattern:
    """Pattern of a network whose core nodes are numbered in the order they are eliminated in.

    What is a site of uptake comes after the core and is eliminated before it: its classes compete, so all that is
    around it becomes one full block. The ledger begins at node ``ledger``.

    raises  ValueError for a site that core nodes give to and take from in different ways
    """
    parts = (flux.source, flux.target, flux.site, flux.entering)
    return _eliminate(core, ledger, flux.classes, *(np.asarray(part, np.int64).tobytes() for part in parts))


@lru_cache(maxsize=16)
def _eliminate(core: int, ledger: int, classes: int, *topology: bytes) -> Pattern:
    source, target, site, entering = (np.frombuffer(part, np.int64) for part in topology)
    sinks = core + site.size
    inner = np.flatnonzero((source < core) & (target < core))
    doors, inward, outward, beyond = _doors(core, classes, source, target, site)
    rows, columns = _blocks(beyond, classes * doors)
    lower, upper = _fill(
        core, np.concatenate([target[inner], rows]), np.concatenate([source[inner], columns])
    )
    keys, diagonal = _number(core, lower, upper)
    order = np.argsort(keys)

    def position(row: Indices, column: Indices) -> Indices:
        return order[np.searchsorted(keys, row * core + column, sorter=order)].ravel()

    updates = [(np.repeat(i, j.size), np.tile(j, i.size)) for i, j in zip(lower, upper, strict=True)]
    lists = (
        diagonal,
        np.array([part.size for part in upper]),
        np.array([part.size for part in lower]),
        np.concatenate(upper),
        np.concatenate(lower),
        position(np.concatenate([u[0] for u in updates]), np.concatenate([u[1] for u in updates])),
        inner,
        position(target[inner], source[inner]),
        doors,
        inward,
        outward,
        beyond,
        position(rows, columns),
    )
    to_sinks, to_ledger = (int(entering[:node].sum()) for node in (sinks, ledger))
    short = (np.ascontiguousarray(part, np.int32) for part in lists)
    return Pattern(keys.size, sinks, to_sinks, ledger, to_ledger, *short)


def _doors(
    core: int, classes: int, source: Indices, target: Indices, site: Indices
) -> tuple[Indices, Indices, Indices, Indices]:
    """Fluids around each site, in number; and by (class, door) of each the edge in, the edge out and the node there."""
    number = np.full(max(int(target.max()), int(source.max())) + 1, -1)
    number[site] = np.arange(site.size)
    inward = np.flatnonzero((number[target] >= 0) & (source < core))
    outward = np.flatnonzero((number[source] >= 0) & (target < core))
    inward = inward[np.lexsort((source[inward], number[target[inward]]))]
    outward = outward[np.lexsort((target[outward], number[source[outward]]))]
    between = (number[source] >= 0) & (number[target] >= 0)
    ways = (source[inward], number[target[inward]]), (target[outward], number[source[outward]])
    if between.any() or not np.array_equal(*ways):
        raise ValueError(
            "a site of uptake must give to the same fluids that give to it, and to no other site"
        )
    doors = np.bincount(number[target[inward]], minlength=site.size)[::classes]
    return doors, inward, outward, source[inward]


def _blocks(beyond: Indices, ways: Indices) -> tuple[Indices, Indices]:
    """Row and column of each pair of nodes around a site, all sites one after another."""
    around = np.split(beyond, np.cumsum(ways)[:-1]) if ways.size else []
    none = np.zeros(0, np.int64)
    rows = np.concatenate([none, *(np.repeat(part, part.size) for part in around)])
    return rows, np.concatenate([none, *(np.tile(part, part.size) for part in around)])


def _fill(core: int, rows: Indices, columns: Indices) -> tuple[list[Indices], list[Indices]]:
    """Rows below and columns right of each pivot, fill included."""
    below: list[set[int]] = [set() for _ in range(core)]
    right: list[set[int]] = [set() for _ in range(core)]
    for i, j in zip(rows.tolist(), columns.tolist(), strict=True):
        if i > j:
            below[j].add(i)
        elif i < j:
            right[i].add(j)
    for k in range(core):
        for i in below[k]:
            right[i].update(j for j in right[k] if j > i)
        for j in right[k]:
            below[j].update(i for i in below[k] if i > j)
    return ([np.array(sorted(s), np.int64) for s in below], [np.array(sorted(s), np.int64) for s in right])


def _number(core: int, lower: list[Indices], upper: list[Indices]) -> tuple[Indices, Indices]:
    """Entries in the order they are used, row * core + column: each pivot, what is right of it, what is below.

    returns  these keys, and the position of each pivot
    """
    keys = [np.concatenate([[k * core + k], k * core + upper[k], lower[k] * core + k]) for k in range(core)]
    start = np.cumsum([0, *(part.size for part in keys)])
    return np.concatenate(keys), start[:-1]
