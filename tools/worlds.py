"""Published experiments, and those that could be next, in many worlds: ``python -m tools.worlds [WORLDS] [--further]``.

Takes minutes of both cores; with ``--further`` only those that could be next are computed anew.
"""

from __future__ import annotations

import sys

from otosome.catalog import Catalog
from otosome.review.priors import further, stored
from otosome.review.priors.worlds import compute, compute_candidates

WORLDS = 4000


def main() -> None:
    """Compute the worlds and write them where the package keeps them."""
    words = sys.argv[1:]
    worlds = next((int(word) for word in words if word.isdigit()), WORLDS)
    if "--further" not in words:
        stored.write(compute(Catalog(), worlds, tick=_tick))
        print(f"wrote {stored.STORED}")
    further.write(compute_candidates(Catalog(), worlds, tick=_tick))
    print(f"wrote {further.STORED}")


def _tick(done: int, of: int) -> None:
    print(f"{done} of {of}", file=sys.stderr)


if __name__ == "__main__":
    main()
