"""A hundred thousand ears of the shipped study, the compared arms: how long it takes, and how much memory.

``python -m tools.benchmark.many_ears [EARS]`` prints it; it measures and never fails. Progress on standard error.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from typing import Any

from otosome import forward
from otosome.study import load

STUDY, WORKERS = "cisplatin_guinea_pig", 2
WHOLE = 100_000


def measure(ears: int, tick: forward.Tick | None = None) -> dict[str, Any]:
    """Draw ears, simulate both arms, and say what it took: seconds, processor seconds, GB and by how much they grew."""
    study = load(STUDY)
    asked = study.tables.compare
    arms = [arm for arm in study.tables.arm if asked and arm.name in (asked.of, asked.against)]
    two = replace(study, tables=study.tables.model_copy(update={"arm": arms, "compare": None}))
    # Compiling and room for a block of each worker are paid once, and not by each ear.
    forward.simulate(two, forward.draw(two, 64, 1), WORKERS, keep=("cells",))
    start, before, least = time.perf_counter(), time.process_time(), memory()
    forward.simulate(two, forward.draw(two, ears, 1), WORKERS, tick, keep=("cells",))
    return {
        "ears": ears,
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - before,
        "memory": memory(),
        "growth": memory() - least,
    }


def memory() -> float:
    """The most memory this program has taken so far, GB."""
    # Linux counts in kilobytes, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def line(measured: dict[str, Any]) -> str:
    """What it took, in a sentence."""
    return (
        f"{measured['ears']} ears, two arms: {measured['seconds']:.0f} s on {WORKERS} workers, "
        f"{1e3 * measured['processor'] / measured['ears']:.1f} ms of processor per ear, "
        f"{measured['memory']:.2f} GB at most"
    )


def minutes(measured: dict[str, Any]) -> float:
    """What the whole population would take at this rate of processor time, on free cores."""
    return float(WHOLE * measured["processor"] / measured["ears"] / WORKERS / 60.0)


def main(ears: int) -> None:
    """Measure and print; of fewer ears than all also what all would take."""
    began = time.perf_counter()

    def tick(done: int, of: int) -> None:
        if done % max(of // 20, 1) == 0:
            print(f"{done} of {of} blocks, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)

    measured = measure(ears, tick)
    print(line(measured))
    if ears < WHOLE:
        most = measured["memory"] + measured["growth"] * (WHOLE - ears) / ears
        print(
            f"at this rate {WHOLE} ears take {minutes(measured):.1f} min on {WORKERS} free cores, "
            f"and some {most:.1f} GB"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else WHOLE)
