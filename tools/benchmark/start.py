"""How long a person waits: for the import, for the help, and for the shipped study with 200 ears.

Prints each time beside its target; it measures and never fails. Run it with ``make bench``.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

STUDY = "cisplatin_guinea_pig"


def call(*arguments: str) -> None:
    """Run another Python; its output is not of interest."""
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def otosome(*arguments: str) -> None:
    """Run the command line."""
    call("-c", "from otosome.cli import main; main()", *arguments)


def seconds(work: Callable[[], None], times: int) -> float:
    """Median wall time of a few runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def study(subjects: int) -> None:
    """Run the shipped study into a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        otosome("run", STUDY, "--subjects", str(subjects), "--out", str(Path(folder, "result")))


def row(what: str, measured: float, target: str) -> None:
    """One line of the table."""
    print(f"{what:<52} {measured:8.2f} s   target {target}", flush=True)


def main() -> None:
    """Measure and print."""
    row("bare Python, for comparison", seconds(lambda: call("-c", "pass"), 7), "none")
    row("import otosome", seconds(lambda: call("-c", "import otosome"), 7), "0.5 s")
    row("otosome --help", seconds(lambda: otosome("--help"), 7), "0.4 s")
    row(f"{STUDY}, 10 ears, compiles if nothing is cached", seconds(lambda: study(10), 1), "90 s")
    row(f"{STUDY}, 200 ears, compiled", seconds(lambda: study(200), 1), "30 s")


if __name__ == "__main__":
    main()
