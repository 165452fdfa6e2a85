"""A hundred thousand ears of the shipped study, the compared arms: how long, and how much memory.

``python benchmarks/population.py [EARS]`` prints one line; it measures and never fails.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from typing import Any

import otosome
from otosome import forward

STUDY, WORKERS = "cisplatin_guinea_pig", 2


def measure(ears: int) -> dict[str, Any]:
    """Draw ears, simulate both arms, and say what it took."""
    study = otosome.load(STUDY)
    compared = study.scenario.compare
    arms = [arm for arm in study.scenario.arm if arm.name in (compared.of, compared.against)]
    two = replace(study, scenario=study.scenario.model_copy(update={"arm": arms, "compare": None}))
    start, before = time.perf_counter(), time.process_time()
    forward.simulate(two, forward.draw(two, ears, 1), WORKERS, keep=("cells",))
    return {
        "ears": ears,
        "seconds": time.perf_counter() - start,
        "processor": time.process_time() - before,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def line(found: dict[str, Any]) -> str:
    """What it took, in a sentence."""
    return (
        f"{found['ears']} ears, two arms: {found['seconds']:.0f} s on {WORKERS} workers, "
        f"{1e3 * found['processor'] / found['ears']:.1f} ms of processor per ear, {found['memory']:.2f} GB at most"
    )


if __name__ == "__main__":
    print(line(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
