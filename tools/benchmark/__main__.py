"""Measure, print the ratios and write docs/performance.md: ``python -m tools.benchmark``; some minutes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# One thread is what is measured; libraries read this once, when they are first loaded.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"


def progress(text: str) -> None:
    """A line for who waits, on standard error."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure, print, write."""
    from otosome.model.team import use_again
    from tools.benchmark.document import by_hand, document, ratios
    from tools.benchmark.timing import bench

    use_again()
    measured = bench(say=progress)
    rest = by_hand(DOCUMENT.read_text(encoding="utf-8"))
    DOCUMENT.write_text(document(measured, rest), encoding="utf-8", newline="\n")
    print(ratios(measured["ratios"]))


if __name__ == "__main__":
    main()
