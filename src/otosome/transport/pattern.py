"""Which entries the elimination of a network fills, found once per topology."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from otosome.transport.kernel import Indices, Pattern


def eliminate(core: int, source: Indices, target: Indices, site: Indices) -> Pattern:
    """Pattern of a network whose core nodes are numbered in the order they are eliminated in.

    ``source``, ``target``  edges between core nodes, shape (edge,)
    ``site``                uptake sites, shape (site, classes): classes compete, so each row is a full block
    """
    return _eliminate(core, source.tobytes(), target.tobytes(), site.tobytes(), site.shape)


@lru_cache(maxsize=16)
def _eliminate(core: int, source: bytes, target: bytes, site: bytes, shape: tuple[int, int]) -> Pattern:
    sources, targets = np.frombuffer(source, np.int64), np.frombuffer(target, np.int64)
    sites = np.frombuffer(site, np.int64).reshape(shape)
    rows = np.concatenate([targets, np.repeat(sites, shape[1], axis=1).ravel()])
    columns = np.concatenate([sources, np.tile(sites, (1, shape[1])).ravel()])
    lower, upper = _fill(core, rows, columns)
    keys, diagonal, low, up = _number(core, lower, upper)
    order = np.argsort(keys)

    def position(row: Indices, column: Indices) -> Indices:
        return order[np.searchsorted(keys, row * core + column, sorter=order)]

    pairs = [(np.repeat(i, j.size), np.tile(j, i.size)) for i, j in zip(lower, upper, strict=True)]
    return Pattern(
        keys.size,
        diagonal,
        *_runs(lower),
        low,
        *_runs(upper),
        up,
        position(np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])),
        position(targets, sources),
        position(sites[:, :, None], sites[:, None, :]),
    )


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


def _number(
    core: int, lower: list[Indices], upper: list[Indices]
) -> tuple[Indices, Indices, Indices, Indices]:
    """Entries in the order they are used: keys (row * core + column), and positions of the three kinds."""
    keys, kinds = [], []
    for k in range(core):
        keys += [np.array([k * core + k]), k * core + upper[k], lower[k] * core + k]
        kinds += [np.array([0]), np.full(upper[k].size, 1), np.full(lower[k].size, 2)]
    kind = np.concatenate(kinds)
    diagonal, up, low = (np.flatnonzero(kind == which).astype(np.int64) for which in (0, 1, 2))
    return np.concatenate(keys), diagonal, low, up


def _runs(parts: list[Indices]) -> tuple[Indices, Indices]:
    """Start of each part in their concatenation, shape (core + 1,), and the concatenation."""
    start = np.concatenate([[0], np.cumsum([p.size for p in parts])]).astype(np.int64)
    return start, np.concatenate(parts)
