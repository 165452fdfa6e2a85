"""A large population of the shipped study, the compared arms: how long it takes, and how much memory."""

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
    asked = study.scenario.compare
    arms = [arm for arm in study.scenario.arm if asked and arm.name in (asked.of, asked.against)]
    two = replace(study, scenario=study.scenario.model_copy(update={"arm": arms, "compare": None}))
    # Compiling and room for a block of each worker are paid once, and not by each ear.
    forward.simulate(two, forward.draw(two, 64, 1), WORKERS, keep=("cells",))
    start, before, held = time.perf_counter(), time.process_time(), memory()
    forward.simulate(two, forward.draw(two, ears, 1), WORKERS, tick, keep=("cells",))
    return {
        "ears": ears,
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - before,
        "memory": memory(),
        "growth": memory() - held,
    }


def memory() -> float:
    """The most memory this program has held, GB."""
    # Linux counts in kilobytes, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)


def line(found: dict[str, Any]) -> str:
    """What it took, in a sentence."""
    return (
        f"{found['ears']} ears, two arms: {found['seconds']:.0f} s on {WORKERS} workers, "
        f"{1e3 * found['processor'] / found['ears']:.1f} ms of processor per ear, {found['memory']:.2f} GB at most"
    )


def minutes(found: dict[str, Any]) -> float:
    """What the whole population would take at this rate of processor time, on free cores."""
    return float(WHOLE * found["processor"] / found["ears"] / WORKERS / 60.0)
