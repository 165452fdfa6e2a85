"""A hundred thousand ears of the shipped study, the compared arms: how long, and how much memory.

``python benchmarks/population.py [EARS]`` prints one line; it measures and never fails.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

import otosome
from otosome import forward

STUDY = "cisplatin_guinea_pig"
WORKERS = 2


def main() -> None:
    """Draw, simulate two arms, print."""
    ears = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    study = otosome.load(STUDY)
    compared = study.scenario.compare
    arms = [arm for arm in study.scenario.arm if arm.name in (compared.of, compared.against)]
    two = replace(study, scenario=study.scenario.model_copy(update={"arm": arms, "compare": None}))
    start = time.perf_counter()
    table = forward.draw(two, ears, 1)
    result = forward.simulate(two, table, WORKERS, keep=("cells",))
    taken = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    processor = time.process_time()
    print(
        f"{ears} ears x {result.sizes['arm']} arms: {taken:.0f} s on {WORKERS} workers, "
        f"{processor:.0f} s of processor, {1e3 * processor / ears:.1f} ms per ear, {peak:.2f} GB"
    )


if __name__ == "__main__":
    main()
