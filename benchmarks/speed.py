"""otosome's core beside the solvers people use: one ear, a population, a gradient, at matched error.

Writes docs/performance.md, or prints one JSON object with ``--json``. Times are CPU seconds of one thread, so that a
busy machine does not change them much; solvers take turns. Run it with ``make bench``.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import peers
import population as trial
from numba import njit

from otosome import forward
from otosome.lanes import LANES, aligned, every, get, put
from otosome.transport import kernel

PLACES, GROWTH, POPULATION, SAMPLE, TRIAL = 128, 1.18, 256, 2, 5000
DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
MATCHED = 1e-4


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of this thread, and what came out."""
    start = time.thread_time()
    result = work()
    return time.thread_time() - start, result


def say(text: str) -> None:
    """Progress, beside the result."""
    print(text, file=sys.stderr, flush=True)


def ear(table: Any, row: int, rtol: float) -> tuple[peers.Ear, peers.Peer, np.ndarray]:
    """An ear of a table as the peers see it, with a reference solution and the scales it shows."""
    made = peers.block(table.iloc[[row]], PLACES, watched=tuple(peers.MOMENTS))
    found = peers.bench_ear(made, 0)
    peer = peers.Peer(found, np.ones(found.size))
    peer.scale = peers.scales(found, peers.rough(found))
    reference = peers.cvode(peer, rtol, 0.01, sparse=True)
    peer.scale = peers.scales(found, reference)
    return found, peer, reference


def general(peer: peers.Peer) -> dict[str, Callable[[], np.ndarray]]:
    """The peers, each with the loosest tolerance of 1e-4, 3e-5, 1e-5 that reaches the error asked for."""
    return {
        "CVODE (scikit-sundae, band)": lambda: peers.cvode(peer, 1e-5, 0.1),
        "CVODE (scikit-sundae, sparse)": lambda: peers.cvode(peer, 1e-4, 0.1, sparse=True),
        "LSODA (SciPy, band)": lambda: peers.scipy_solver(peer, "LSODA", 3e-5, 0.1),
        "BDF (SciPy, sparse)": lambda: peers.scipy_solver(peer, "BDF", 3e-5, 0.1),
    }


def reached(found: peers.Ear, y: np.ndarray, reference: Any) -> tuple[float, float]:
    """Errors of a peer's solution."""
    return peers.misses(peers.readings(found, y), reference)


def ours(table: Any) -> Callable[[], Any]:
    """otosome on all ears of a table, block by block, keeping what is compared."""

    def run() -> Any:
        kept = []
        for rows, columns in forward.blocks(table, min(16, len(table))):
            made = peers.block(columns, PLACES, growth=GROWTH, watched=tuple(peers.MOMENTS))
            kept += peers.ours(made)[: rows.stop - rows.start]
        return kept

    return run


def single(result: dict[str, Any]) -> None:
    """The ear in which every number has its best value: references, then all solvers in turn."""
    table = forward.best(peers.study())
    say("references")
    found, peer, reference = ear(table, 0, 1e-10)
    first = peers.readings(found, reference)
    second = peers.readings(found, peers.scipy_solver(peer, "LSODA", 1e-10, 0.01))
    result["references_differ"], result["unknowns"] = peers.misses(first, second), found.size
    own, rows = ours(table), general(peer)
    own()
    times = []
    for name, work in rows.items():
        say(f"one ear: {name}")
        times.append(seconds(own)[0])
        peer.called, peer.jacobians, peer.steps = 0.0, 0, 0
        taken, y = seconds(work)
        miss = reached(found, y, first)
        result["single"][name] = {
            "seconds": taken, "vesicles": miss[0], "cells": miss[1],
            "rates": peer.steps, "jacobians": peer.jacobians, "called": peer.called,
        }  # fmt: skip
    miss = peers.misses(own()[0], first)
    result["single"]["otosome"] = {"seconds": statistics.median(times), "vesicles": miss[0], "cells": miss[1]}


def population(result: dict[str, Any]) -> None:
    """Drawn ears: otosome on all, in turn with the peers on the first few."""
    table = forward.draw(peers.study(), POPULATION, 1)
    quarter = POPULATION // (2 * SAMPLE)
    kept, spent = [], 0.0
    others: dict[str, list[tuple[float, float, float]]] = {}
    for row in range(SAMPLE):
        say(f"population: part {row + 1} of {SAMPLE}")
        found, peer, reference = ear(table, row, 1e-8)
        exact = peers.readings(found, reference)
        for half, (name, work) in enumerate(general(peer).items()):
            if half < 2:
                start = (2 * row + half) * quarter
                taken, more = seconds(ours(table.iloc[start : start + quarter]))
                spent, kept = spent + taken, kept + more
            taken, y = seconds(work)
            others.setdefault(name, []).append((taken, *reached(found, y, exact)))
        others.setdefault("otosome", []).append((0.0, *peers.misses(kept[row], exact)))
    for name, runs in others.items():
        taken, vesicles, cells = np.array(runs).T
        result["population"][name] = {
            "seconds": float(taken.mean()), "vesicles": float(vesicles.max()), "cells": float(cells.max())
        }  # fmt: skip
    result["population"]["otosome"]["seconds"] = spent / POPULATION


def slopes(result: dict[str, Any]) -> None:
    """A threshold's slope by twenty numbers, against forward runs of one ear."""
    study = peers.study()
    table = forward.best(study)
    names = [
        name for name, p in study.parameters.items()
        if name.split(".")[0] in ("species", "solutes", "insults", "mechanisms", "cells") and p.value and p.value > 0
    ]  # fmt: skip
    made = forward.plan(study, places=peers.transport.Grid(PLACES), growth=GROWTH)

    def read(block: forward.Block) -> np.ndarray:
        cells = block.cells(made.arms[0])
        return np.mean([cells.counted(kind)[:, -1].mean(axis=1) for kind in peers.KINDS], axis=0)

    def one() -> Any:
        return read(forward.Block(made, {name: table[name].to_numpy() for name in table}))

    # All numbers once, to find the twenty that move the outcome most.
    every_slope = forward.gradient(made, table, names, read)[1] * table[names].iloc[0].to_numpy(dtype=float)
    chosen = [names[n] for n in np.argsort(-np.abs(every_slope))[:20]]
    one()
    runs, slopes_ = [], []
    for turn in range(3):
        say(f"gradient, turn {turn + 1}")
        runs.append(seconds(one)[0])
        spent, found = seconds(lambda: forward.gradient(made, table, chosen, read))
        slopes_.append(spent)
    result["gradient"] = {
        "names": chosen, "value": found[0], "slopes": [float(v) for v in found[1]],
        "run": statistics.median(runs), "seconds": statistics.median(slopes_),
    }  # fmt: skip


def study(result: dict[str, Any]) -> None:
    """Both compared arms of the shipped study, for a part of a large population."""
    result["study"] = trial.measure(TRIAL)


@njit
def _multiply(values: np.ndarray, times: int) -> None:
    for _ in range(times):
        for row in range(0, values.shape[0], 8):
            for k in range(8):
                put(values, row + k, get(values, row + k) * 0.999 + every(1e-3))


def profile(result: dict[str, Any]) -> None:
    """Where a step of eight ears spends its time, and what the machine could do."""
    table = forward.draw(peers.study(), LANES, 1)
    columns = {name: table[name].to_numpy() for name in table}
    made = peers.block(columns, PLACES, growth=GROWTH)
    caught: list[Any] = []
    advance = kernel.march

    def listen(*arguments: Any) -> int:
        if arguments[3].site.size and arguments[1].size > 20 and not caught:
            caught.append((arguments[0].copy(), *arguments[2:9]))
        return advance(*arguments)

    solve = sys.modules["otosome.transport.solve"]
    solve.march = listen
    made.vesicles(made.plan.arms[0])
    solve.march = advance
    amounts, _, flux, pattern, scheme, supply, weight, work = caught[0]
    right, core, inner = work.stages[0], pattern.diagonal.size, pattern.edge.size

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
        "assemble the matrix": (best(lambda: kernel.assemble(matrix, amounts, shift, flux, pattern)), 1),
        "eliminate": (best(factor) - copying, 1),
        "substitute": (best(lambda: kernel.substitute(matrix, pattern, right)), 6),
        "rates of change": (best(lambda: kernel.derive(amounts, flux, right)), 6),
        "combine stages": (
            best(lambda: kernel.combine(amounts, supply, work.stages, 3, scheme, 1.0, work.inner)),
            6,
        ),
        "ledger": (best(lambda: kernel.absorb(right, amounts, shift, flux, core, inner)), 6),
    }
    whole = best(lambda: kernel.advance(amounts.copy(), 1e-3, 1, flux, pattern, scheme, supply, weight, work))
    nodes = amounts.shape[0]
    operations = LANES * (
        2 * pattern.update.size
        + 6 * (2 * (pattern.row.size + pattern.column.size) + 2 * flux.source.size + 2 * nodes)
        + 30 * 2 * nodes
    )
    moved = 8 * LANES * (3 * pattern.entries + 6 * (pattern.entries + flux.source.size) + 36 * nodes)
    small, large = aligned(256, LANES), aligned(pattern.entries // 8 * 8, LANES)
    peak = 2 * 256 * LANES * 400 / best(lambda: _multiply(small, 400))
    stream = 8 * LANES * 2 * large.shape[0] / best(lambda: _multiply(large, 1))
    result["profile"] = {
        "step": whole, "parts": {name: times * n for name, (times, n) in parts.items()},
        "operations": operations, "bytes": moved, "peak": peak, "stream": stream, "entries": pattern.entries,
        "updates": pattern.update.size,
    }  # fmt: skip


def seconds_wall(call: Callable[[], Any]) -> float:
    """Wall time of one call, for the shortest of many."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def table_of(rows: dict[str, Any]) -> str:
    """Rows of the document: seconds, errors, ratio to otosome."""
    base = rows["otosome"]["seconds"]
    order = sorted(rows, key=lambda name: rows[name]["seconds"])
    lines = [
        "| solver | CPU per ear | error of vesicles | error of cells | times otosome |",
        "|---|---|---|---|---|",
    ]
    for name in order:
        row = rows[name]
        errors = f"{row['vesicles']:.1e} | {row['cells']:.1e}"
        lines.append(f"| {name} | {row['seconds']:.3g} s | {errors} | {row['seconds'] / base:.0f} |")
    return "\n".join(lines)


def document(result: dict[str, Any]) -> str:
    """docs/performance.md."""
    slope, shape = result["gradient"], result["profile"]
    pace, flow = (shape[kind] / shape["step"] / 1e9 for kind in ("operations", "bytes"))
    parts = "\n".join(f"| {name} | {1e6 * taken:.0f} |" for name, taken in shape["parts"].items())
    band = result["single"]["CVODE (scikit-sundae, band)"]
    names = ", ".join(f"`{name}`" for name in slope["names"])
    return f"""# Performance

Written by `make bench` ({result["machine"]}); not by hand. Times are CPU seconds of one thread.

## The system

One guinea-pig ear at {PLACES} places: cisplatin, three size classes of vesicles that compete for uptake, the effect
of HSP70, stress, four kinds of cell and the stria; a dose into the blood and five onto the round window; 28 days.
{result["unknowns"]} unknowns as the general solvers see it. It is otosome's own network, handed over in arrays
(`benchmarks/peers.py`); the peers get a compiled right-hand side and Jacobian, numbered so that it is a band, and start
anew at each dose. They carry no ledger and no internalised amounts, which otosome does. Two later parts of the model
that the peers were not given are off on all sides: starving neurons, and bound platinum that flattens the gradient.

Reference: CVODE (sparse) and LSODA at a relative tolerance of 1e-10; they differ by
{result["references_differ"][0]:.0e} of the peak of vesicles in the organ of Corti, and by
{result["references_differ"][1]:.0e} of the cells. Errors below are against CVODE's, the largest over 21 moments, all
places and kinds: time error alone, on one grid. The peers' tolerances are such that about {MATCHED:.0e} is reached;
absolute ones are a tenth of that times each unknown's own scale. otosome's knots grow by {GROWTH}.

## One ear, every number at its best value

{table_of(result["single"])}

Of banded CVODE's {band["seconds"]:.3g} s, {band["called"]:.2g} s are spent in {band["rates"]} right-hand sides and
{band["jacobians"]} Jacobians; the rest is band algebra and the square template that scikit-sundae keeps for a banded
Jacobian, {8e-6 * result["unknowns"] ** 2:.0f} MB here. A C program with the packed band would not pay the latter. And
a band leaves out what joins all places, so Newton's iteration converges slowly where that is strong, as in some drawn
ears. The sparse rows have the whole Jacobian: they are the peers to be measured by, and CVODE's is the best of them.
otosome carries this one ear as eight lanes of which seven repeat it.

## A population of {POPULATION}

otosome on all of them, block by block; peers on the first {SAMPLE}, in turn with it. There errors are taken too,
against CVODE (sparse) at 1e-8.

{table_of(result["population"])}

## A trial

The compared arms of `cisplatin_guinea_pig` at its own grid and knots, all of it from the draw to thresholds:
{trial.line(result["study"])}. Of each ear its measures and cells are kept. At this rate of processor time 100,000 ears
take {1e5 * result["study"]["processor"] / result["study"]["ears"] / trial.WORKERS / 60:.0f} minutes on
{trial.WORKERS} free cores; `python benchmarks/population.py` measures it.

## A gradient

The mean share of cells left, by the {len(slope["names"])} numbers that move it most: {slope["seconds"]:.3g} s, or
**{slope["seconds"] / slope["run"]:.1f} forward runs** of one ear ({slope["run"]:.3g} s). Time steps never depend on an
ear's numbers, so neighbouring ears differ smoothly and go through as lanes: {len(slope["names"]) + 1} ears are
{-(-(len(slope["names"]) + 1) // LANES)} vectors, where one ear alone fills one. Numbers: {names}.

## Where a step goes

Eight ears, one step of vesicles: {1e6 * shape["step"]:.0f} microseconds.

| part | microseconds |
|---|---|
{parts}

The matrix has {shape["entries"]} entries of 64 bytes after fill; {shape["updates"]} updates eliminate it. A step does
{shape["operations"] / 1e6:.1f} million operations and touches {shape["bytes"] / 1e6:.0f} MB:

- {pace:.1f} GFLOP/s, where a plain loop of multiply and add in the first-level cache reaches {shape["peak"] / 1e9:.0f};
- {flow:.0f} GB/s, where such a loop over as many rows as the matrix has moves {shape["stream"] / 1e9:.0f}.

So neither limit is reached: short rows, lists of positions and the chain from pivot to pivot cost the rest. Joining
pivots to dense blocks (three classes, both scalae) was tried: it doubled the operations and was no faster. Fewer
entries would help: a tissue's block is a diagonal and one column, so its inverse need not be stored.

## What is not reached

Errors above are of time alone, on one grid. At the default grid space costs more than time: `docs/transport.md` says
how much. A flux of higher order that stays positive is nonlinear, and is not here.
"""


def main() -> None:
    """Measure all, then write or print."""
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}", "single": {}, "population": {},
    }  # fmt: skip
    for part in (study, profile, slopes, single, population):
        say(part.__name__)
        part(result)
    if "--json" in sys.argv:
        print(json.dumps(result))
    else:
        DOCUMENT.write_text(document(result), encoding="utf-8")
        say(f"wrote {DOCUMENT.name}")


if __name__ == "__main__":
    main()
