"""otosome's core beside the solvers people use: one ear, a population, a gradient, at matched error.

Times are CPU seconds of one thread, so that a busy machine does not change them much; solvers take turns.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal
from unittest import mock

import numpy as np
from numba import njit

from otosome import forward
from otosome.errors import BadInput
from otosome.model import transport
from otosome.model.lanes import LANES, aligned
from otosome.model.transport import Grid, kernel
from otosome.model.transport.pattern import BLOCK
from otosome.model.vectors import every, get, put
from otosome.units import Array
from tools.benchmark import many_ears, peers

# The peers by their key, and what a document calls them.
PEERS = {
    "cvode": "CVODE (scikit-sundae, sparse)",
    "cvode_band": "CVODE (scikit-sundae, band)",
    "lsoda": "LSODA (SciPy, band)",
    "bdf": "BDF (SciPy, sparse)",
}
MATCHED = 1e-4
Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much is measured: places, otosome's steps, drawn ears, those the peers get, ears of a large population."""

    places: int = 128
    first: float = forward.Plan.first
    growth: float = forward.Plan.growth
    longest: float = forward.Plan.longest
    population: int = 256
    sample: int = 2
    many: int = 5000
    grid: Grid = Grid()
    finest: int = 6

    @property
    def steps(self) -> dict[str, Any]:
        """How otosome steps, as it does by default."""
        return {"first": self.first, "growth": self.growth, "longest": self.longest}


def bench(size: Size | None = None, say: Say = lambda text: None) -> dict[str, Any]:
    """Time everything and compare: ``ratios``, and what they come from.

    ``say``   told what is being done
    returns   ``ratios``: ``single`` and ``population`` (how many times otosome's time each peer takes, by its key),
              ``equal_total_error`` (the same where the error of space counts too), ``gradient_forwards`` (forward
              runs that a gradient by 20 numbers costs); ``single``, ``population``, ``equal``, ``gradient``,
              ``profile`` and ``study`` hold what was measured
    raises    BadInput where scikit-sundae is not installed
    """
    if find_spec("sksundae") is None:
        raise BadInput("the solvers to compare with are not installed", cure='pip install "otosome[bench]"')
    size = size or Size()
    found: dict[str, Any] = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        **{name: value for name, value in vars(size).items() if name != "grid"},
    }
    for name, part in (("study", study), ("profile", profile), ("gradient", slopes)):
        found[name] = part(size, say)
    found["equal"] = equal(size, say)
    with peers.all_by("smooth"):
        found |= single(size, say)
        found["population_of"], found["population"] = size.population, population(size, say)
    found["ratios"] = {
        **{kind: _ratios(found[kind]) for kind in ("single", "population")},
        "equal_total_error": {
            key: row["seconds"] / found["equal"]["population"]
            for key, row in found["equal"]["rows"].items()
            if key != "otosome"
        },
        "gradient_forwards": found["gradient"]["seconds"] / found["gradient"]["run"],
    }
    return found


def _ratios(rows: dict[str, Any]) -> dict[str, float]:
    return {key: rows[key]["seconds"] / rows["otosome"]["seconds"] for key in PEERS}


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of this thread, and what came out."""
    start = time.thread_time()
    result = work()
    return time.thread_time() - start, result


def ear(table: Any, row: int, rtol: float, places: int) -> tuple[peers.Ear, peers.Peer, Array]:
    """An ear of a table as the peers see it, with a reference solution and the scales it shows."""
    made = peers.block(table.take([row]), Grid(places), watched=tuple(peers.MOMENTS))
    found = peers.bench_ear(made, 0)
    peer = peers.Peer(found, np.ones(found.size))
    peer.scale = peers.scales(found, peers.rough(found))
    reference = peers.cvode(peer, rtol, 0.01, sparse=True)
    peer.scale = peers.scales(found, reference)
    return found, peer, reference


def general(peer: peers.Peer) -> dict[str, Callable[[], Array]]:
    """The peers, each with the loosest tolerance of 2e-4, 1e-4, 5e-5 that reaches the error asked for."""
    return {
        "cvode_band": lambda: peers.cvode(peer, 5e-5, 0.1),
        "cvode": lambda: peers.cvode(peer, 1e-4, 0.1, sparse=True),
        "lsoda": lambda: peers.scipy_solver(peer, "LSODA", 2e-4, 0.1),
        "bdf": lambda: peers.scipy_solver(peer, "BDF", 5e-5, 0.1),
    }


def reached(found: peers.Ear, y: Array, reference: Any) -> tuple[float, float]:
    """Errors of a peer's solution."""
    return peers.misses(peers.readings(found, y), reference)


def ours(table: Any, size: Size) -> Callable[[], Any]:
    """otosome on all ears of a table, block by block, keeping what is compared."""

    def run() -> Any:
        kept = []
        for rows, columns in forward.blocks(table, min(16, table.size)):
            made = peers.block(columns, Grid(size.places), **size.steps, watched=tuple(peers.MOMENTS))
            kept += peers.ours(made)[: rows.stop - rows.start]
        return kept

    return run


def single(size: Size, say: Say) -> dict[str, Any]:
    """The ear in which every number has its best value: references, then all solvers in turn."""
    table, rows = forward.best(peers.study()), {}
    say("one ear: references")
    found, peer, reference = ear(table, 0, 1e-10, size.places)
    first = peers.readings(found, reference)
    second = peers.readings(found, peers.scipy_solver(peer, "LSODA", 1e-10, 0.01))
    own, times = ours(table, size), []
    own()
    for name, work in general(peer).items():
        say(f"one ear: {PEERS[name]}")
        times.append(seconds(own)[0])
        peer.called, peer.jacobians, peer.steps = 0.0, 0, 0
        taken, y = seconds(work)
        miss = reached(found, y, first)
        rows[name] = {
            "seconds": taken, "vesicles": miss[0], "cells": miss[1],
            "rates": peer.steps, "jacobians": peer.jacobians, "called": peer.called,
        }  # fmt: skip
    miss = peers.misses(own()[0], first)
    rows["otosome"] = {"seconds": statistics.median(times), "vesicles": miss[0], "cells": miss[1]}
    return {"single": rows, "references_differ": peers.misses(first, second), "unknowns": found.size}


def population(size: Size, say: Say) -> dict[str, Any]:
    """Drawn ears: otosome on all, in turn with the peers on the first few."""
    table = forward.draw(peers.study(), size.population, 1)
    part = size.population // (2 * size.sample)
    kept: list[Any] = []
    spent = 0.0
    others: dict[str, list[tuple[float, float, float]]] = {}
    for row in range(size.sample):
        say(f"population: part {row + 1} of {size.sample}")
        found, peer, reference = ear(table, row, 1e-8, size.places)
        exact = peers.readings(found, reference)
        for half, (name, work) in enumerate(general(peer).items()):
            if half < 2:
                start = (2 * row + half) * part
                taken, more = seconds(ours(table.take(slice(start, start + part)), size))
                spent, kept = spent + taken, kept + more
            taken, y = seconds(work)
            others.setdefault(name, []).append((taken, *reached(found, y, exact)))
        others.setdefault("otosome", []).append((0.0, *peers.misses(kept[row], exact)))
    rows = {}
    for name, runs in others.items():
        taken, vesicles, cells = np.array(runs).T
        rows[name] = {
            "seconds": float(taken.mean()),
            "vesicles": float(vesicles.max()),
            "cells": float(cells.max()),
        }
    rows["otosome"]["seconds"] = spent / len(kept)
    return rows


def equal(size: Size, say: Say) -> dict[str, Any]:
    """One ear at its default grid and steps, its error of space and time together, and what that costs a peer.

    The peer is CVODE: banded with the smooth scheme on the same grid, unlimited, so that some concentrations turn
    negative; sparse, as its banded template grows as a square, with the plain one on as many places as it needs, up
    to ``size.finest`` times the default.
    """
    table, grid = forward.best(peers.study()), size.grid
    fine = grid.finer(4)

    def own(on: Grid, rows: Any = table, **steps: int) -> forward.Cochleae:
        return peers.block(rows, on, **steps, watched=tuple(peers.MOMENTS))

    def read(made: forward.Cochleae) -> tuple[Array, Array]:
        carried = forward.Fate(made, made.plan.arms[0]).vesicles
        assert carried is not None
        return peers.on_places(peers.ours(made)[0], carried.volume["organ_of_corti"][0], grid.places)

    say("total error: reference")
    reference = read(own(fine, refine=2))
    read(own(grid))
    taken, here = seconds(lambda: read(own(grid)))
    many = forward.draw(peers.study(), 2 * LANES, 1)
    shared, _ = seconds(lambda: peers.ours(own(grid, many)))
    rows = {"otosome": _row(taken, grid.places, peers.misses(here, reference))}
    least = rows["otosome"]["vesicles"]
    for times in (1, *range(2, size.finest + 1, 2)):
        scheme: Literal["smooth", "plain"] = "smooth" if times == 1 else "plain"
        say(f"total error: CVODE, {scheme} scheme, {times * grid.places} places")
        on = grid.finer(times)
        with peers.all_by(scheme):
            found = peers.bench_ear(own(on), 0)
        peer = peers.Peer(found, np.ones(found.size))
        peer.scale = peers.scales(found, peers.rough(found))
        spent, y = seconds(lambda: peers.cvode(peer, 2e-4, 0.1, scheme == "plain"))  # noqa: B023
        miss = peers.misses(
            peers.on_places(peers.readings(found, y), found.system.volume_corti, grid.places), reference
        )
        rows[f"cvode_{scheme}"] = _row(spent, on.places, miss)
        if scheme == "plain" and miss[0] <= least:
            break
    return {"rows": rows, "population": shared / (2 * LANES)}


def _row(taken: float, places: int, miss: tuple[float, float]) -> dict[str, Any]:
    return {"seconds": taken, "places": places, "vesicles": miss[0], "cells": miss[1]}


def slopes(size: Size, say: Say) -> dict[str, Any]:
    """The slope of the cells left by the twenty numbers that move them most, against forward runs of one ear."""
    asked = peers.study()
    table = forward.best(asked)
    names = [
        name for name, p in asked.parameters.items()
        if name.split(".")[0] in ("species", "solutes", "insults", "mechanisms", "cells") and p.value and p.value > 0
    ]  # fmt: skip
    made = forward.plan(asked, places=Grid(size.places), **size.steps)

    def read(ears: forward.Cochleae) -> dict[str, Array]:
        cells = forward.Fate(ears, made.arms[0]).cells
        left = np.mean([cells.counted(kind)[:, -1].mean(axis=1) for kind in peers.KINDS], axis=0)
        return {"left": left}

    def one() -> Any:
        return read(forward.Cochleae(made, table))

    def by(numbers: list[str]) -> tuple[float, Array]:
        found = forward.jacobian(made, table, numbers, read)
        return float(found.values["left"][0]), found.slopes["left"][0]

    # All numbers once, to find the twenty that move the outcome most.
    every_slope = by(names)[1] * np.array([table[name][0] for name in names])
    chosen = [names[n] for n in np.argsort(-np.abs(every_slope))[:20]]
    one()
    runs, slopes_ = [], []
    for turn in range(3):
        say(f"gradient: turn {turn + 1}")
        runs.append(seconds(one)[0])
        spent, found = seconds(lambda: by(chosen))
        slopes_.append(spent)
    return {
        "names": chosen, "value": found[0], "slopes": [float(v) for v in found[1]],
        "run": statistics.median(runs), "seconds": statistics.median(slopes_),
    }  # fmt: skip


def study(size: Size, say: Say) -> dict[str, Any]:
    """Both compared arms of the shipped study, for a part of a large population."""
    say(f"{size.many} ears of the shipped study")
    return many_ears.measure(size.many)


@njit(cache=True)
def _multiply(values: Array, times: int) -> None:
    for _ in range(times):
        for row in range(0, values.shape[0], 8):
            for k in range(8):
                put(values, row + k, get(values, row + k) * 0.999 + every(1e-3))


def profile(size: Size, say: Say) -> dict[str, Any]:
    """Where a step of eight ears spends its time, and what the machine could do."""
    say("where a step goes")
    table = forward.draw(peers.study(), LANES, 1)
    made = peers.block(table, Grid(size.places), **size.steps)
    caught: list[Any] = []

    def listen(*arguments: Any) -> int:
        if arguments[3].site.size and arguments[1].size > 20 and not caught:
            caught.append((arguments[0].copy(), *arguments[2:10]))
        return kernel.march(*arguments)

    with mock.patch.object(sys.modules[transport.solve.__module__], "march", listen):
        _ = forward.Fate(made, made.plan.arms[0]).vesicles
    amounts, _, flux, pattern, scheme, axial, supply, weight, work = caught[0]
    right = work.stages[0]

    def best(call: Callable[[], Any]) -> float:
        call()
        return min(seconds_wall(call) for _ in range(30))

    shift = 8.0
    matrix = work.values
    kernel.assemble(matrix, amounts, shift, flux, pattern)
    built = matrix.copy()

    def factor() -> None:
        matrix[:] = built
        kernel.factor(matrix, pattern)

    copying = best(lambda: matrix.__setitem__(slice(None), built))
    parts = {
        "judge and blend": (best(lambda: kernel.blend(amounts, flux, axial)), 1),
        "assemble the matrix": (best(lambda: kernel.assemble(matrix, amounts, shift, flux, pattern)), 1),
        "eliminate": (best(factor) - copying, 1),
        "substitute": (best(lambda: kernel.solve(matrix, pattern, right)), 6),
        "rates of change": (best(lambda: kernel.derive(amounts, flux, pattern.ledger, right)), 6),
        "combine stages": (
            best(
                lambda: kernel.combine(
                    amounts, supply, work.stages, 3, pattern.ledger, scheme, 1.0, work.inner
                )
            ),
            6,
        ),
        "internalise": (best(lambda: kernel.absorb(right, amounts, shift, flux, pattern)), 6),
        "ledger": (
            best(
                lambda: kernel.collect(amounts, supply, work.stages, scheme, 1e-9, flux, pattern, work.mean)
            ),
            1,
        ),
    }
    whole = best(
        lambda: kernel.advance(amounts.copy(), 1e-3, 1, flux, pattern, scheme, axial, supply, weight, work)
    )
    nodes, count = pattern.ledger, int(pattern.left.sum())
    column = pattern.column[:count]
    # A block with entries on its diagonal alone takes a third of the products.
    lone = int((pattern.right * pattern.plain)[column].sum())
    updates = BLOCK**3 * (pattern.update.size + count) - (BLOCK**3 - BLOCK**2) * lone
    operations = LANES * 2 * (
        updates + 6 * (pattern.entries + pattern.to_ledger + nodes)
        + 36 * nodes + flux.source.size - pattern.to_ledger
    )  # fmt: skip
    read = 3 * pattern.entries + 6 * (pattern.entries + pattern.to_ledger) + 42 * nodes
    moved = 8 * LANES * read
    small, large = aligned(256, LANES), aligned(pattern.entries // 8 * 8, LANES)
    peak = 2 * 256 * LANES * 400 / best(lambda: _multiply(small, 400))
    stream = 8 * LANES * 2 * large.shape[0] / best(lambda: _multiply(large, 1))
    return {
        "step": whole, "parts": {name: times * n for name, (times, n) in parts.items()},
        "operations": operations, "bytes": moved, "peak": peak, "stream": stream, "entries": pattern.entries,
        "updates": updates,
    }  # fmt: skip


def seconds_wall(call: Callable[[], Any]) -> float:
    """Wall time of one call, for the shortest of many."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
