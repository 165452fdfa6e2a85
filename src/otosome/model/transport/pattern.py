"""Which entries the elimination of a network fills, found once per topology."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, chain

import numpy as np

from otosome.model.transport.kernel import Flux, Indices, Pattern

# Nodes to a block of the matrix: the kernel has its loops over them written out.
BLOCK = 3


def eliminate(sinks: int, ledger: int, flux: Flux) -> Pattern:
    """Pattern of a network whose nodes up to ``sinks`` are numbered in the order they are eliminated in.

    They are eliminated in blocks of three; where their number is none of threes, the last is filled up. The ledger
    begins at node ``ledger``.
    """
    parts = (flux.source, flux.target, flux.site, flux.entering)
    return _eliminate(sinks, ledger, flux.classes, *(np.asarray(part, np.int64).tobytes() for part in parts))


@lru_cache(maxsize=16)
def _eliminate(sinks: int, ledger: int, classes: int, *topology: bytes) -> Pattern:
    source, target, site, entering = (np.frombuffer(part, np.int64) for part in topology)
    inner = np.flatnonzero((source < sinks) & (target < sinks))
    own, other = np.repeat(site, classes), np.repeat(site.reshape(-1, classes), classes, axis=0).ravel()
    rows, columns = np.concatenate([target[inner], own]), np.concatenate([source[inner], other])
    lower, upper = _fill(-(-sinks // BLOCK), rows // BLOCK, columns // BLOCK)
    straight = rows % BLOCK == columns % BLOCK
    bent = set(zip((rows[~straight] // BLOCK).tolist(), (columns[~straight] // BLOCK).tolist(), strict=True))
    plain = _plain(lower, upper, bent)
    first, column, entries = _number(lower, upper, plain)

    def position(row: Indices, column: Indices) -> Indices:
        blocks = list(zip((row // BLOCK).tolist(), (column // BLOCK).tolist(), strict=True))
        start = np.array([first[pair] for pair in blocks], np.int64)
        lone = np.array([i < j and plain[i] for i, j in blocks], bool)
        return start + np.where(lone, row % BLOCK, BLOCK * (row % BLOCK) + column % BLOCK)

    whole = np.arange(BLOCK * len(lower))
    update = [first[i, u] for i, left in enumerate(lower) for j in left for u in reversed(upper[j])]
    lists = (
        position(whole[::BLOCK], whole[::BLOCK]),
        [len(part) for part in lower],
        [len(part) for part in upper],
        plain,
        column,
        update,
        position(whole, whole),
        inner,
        position(target[inner], source[inner]),
        position(own, other),
    )
    to_sinks, to_ledger = (int(entering[:node].sum()) for node in (sinks, ledger))
    short = (np.ascontiguousarray(part, np.int32) for part in lists)
    return Pattern(entries, sinks, to_sinks, ledger, to_ledger, *short)


def _fill(count: int, rows: Indices, columns: Indices) -> tuple[list[list[int]], list[list[int]]]:
    """Of each row of blocks the columns left of its pivot and those right of it, rising, fill included."""
    below: list[set[int]] = [set() for _ in range(count)]
    right: list[set[int]] = [set() for _ in range(count)]
    for i, j in set(zip(rows.tolist(), columns.tolist(), strict=True)):
        if i > j:
            below[j].add(i)
        elif i < j:
            right[i].add(j)
    left: list[list[int]] = [[] for _ in range(count)]
    for k in range(count):
        for i in below[k]:
            left[i].append(k)
            right[i].update(j for j in right[k] if j > i)
        for j in right[k]:
            below[j].update(i for i in below[k] if i > j)
    return left, [sorted(part) for part in right]


def _plain(lower: list[list[int]], upper: list[list[int]], bent: set[tuple[int, int]]) -> list[bool]:
    """Of each row of blocks whether those right of its pivot hold nothing beside their diagonals, fill included.

    ``bent``  the blocks that hold something beside it before anything is eliminated
    """
    filled = bent | {(i, u) for i, left in enumerate(lower) for j in left for u in upper[j]}
    return [all((i, j) not in filled for j in part) for i, part in enumerate(upper)]


def _number(
    lower: list[list[int]], upper: list[list[int]], plain: list[bool]
) -> tuple[dict[tuple[int, int], int], list[int], int]:
    """Where each block begins, (row, column), in the order a solution reads them; the columns of all but pivots; and
    how many entries there are."""
    count = len(lower)
    before = [(i, j) for i in range(count) for j in lower[i]]
    after = [[*((i, j) for j in reversed(upper[i])), (i, i)] for i in reversed(range(count))]
    order = [*before, *chain.from_iterable(after)]
    sizes = [BLOCK if i < j and plain[i] else BLOCK**2 for i, j in order]
    starts = [0, *accumulate(sizes)]
    return dict(zip(order, starts, strict=False)), [j for i, j in order if i != j], starts[-1]
