"""A hundred thousand ears of the shipped study, the compared arms: how long, and how much memory.

``python benchmarks/population.py [EARS]`` prints what it took; it measures and never fails. Progress on stderr.
"""

from __future__ import annotations

import sys
import time

from otosome.benchmark import trial


def main(ears: int) -> None:
    """Measure and print; of fewer ears than all also what all would take."""
    began = time.perf_counter()

    def tick(done: int, of: int) -> None:
        if done % max(of // 20, 1) == 0:
            print(f"{done} of {of} blocks, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)

    found = trial.measure(ears, tick)
    print(trial.line(found))
    if ears < trial.WHOLE:
        memory = found["memory"] + found["growth"] * (trial.WHOLE - ears) / ears
        print(
            f"at this rate {trial.WHOLE} ears take {trial.minutes(found):.1f} min on {trial.WORKERS} free cores, "
            f"and some {memory:.1f} GB"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else trial.WHOLE)
