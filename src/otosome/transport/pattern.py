"""Which entries the elimination of a network fills, found once per topology."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from otosome.transport.kernel import Indices, Pattern, Rows


def eliminate(core: int, source: Rows, target: Rows, site: Rows) -> Pattern:
    """Pattern of a network whose core nodes are numbered in the order they are eliminated in.

    ``source``, ``target``  edges between core nodes, shape (edge,)
    ``site``                uptake sites, shape (site, classes): classes compete, so each row is a full block
    """
    wide = (np.asarray(part, np.int64).tobytes() for part in (source, target, site))
    return _eliminate(core, *wide, site.shape)


@lru_cache(maxsize=16)
def _eliminate(core: int, source: bytes, target: bytes, site: bytes, shape: tuple[int, int]) -> Pattern:
    sources, targets = np.frombuffer(source, np.int64), np.frombuffer(target, np.int64)
    sites = np.frombuffer(site, np.int64).reshape(shape)
    rows = np.concatenate([targets, np.repeat(sites, shape[1], axis=1).ravel()])
    columns = np.concatenate([sources, np.tile(sites, (1, shape[1])).ravel()])
    lower, upper = _fill(core, rows, columns)
    keys, diagonal = _number(core, lower, upper)
    order = np.argsort(keys)

    def position(row: Indices, column: Indices) -> Indices:
        return order[np.searchsorted(keys, row * core + column, sorter=order)].ravel()

    pairs = [(np.repeat(i, j.size), np.tile(j, i.size)) for i, j in zip(lower, upper, strict=True)]
    lists = (
        diagonal,
        np.array([part.size for part in upper]),
        np.array([part.size for part in lower]),
        np.concatenate(upper),
        np.concatenate(lower),
        position(np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])),
        position(targets, sources),
        position(sites[:, :, None], sites[:, None, :]),
    )
    return Pattern(keys.size, *(np.ascontiguousarray(part, np.int32) for part in lists))


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
