"""Published experiments in many worlds, computed anew: ``python -m tools.worlds [WORLDS]``; minutes of both cores."""

from __future__ import annotations

import sys

from otosome.catalog import Catalog
from otosome.review.priors.stored import STORED, write
from otosome.review.priors.worlds import compute

WORLDS = 2000


def main() -> None:
    """Compute the worlds and write them where the package keeps them."""
    worlds = int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS
    write(compute(Catalog(), worlds, tick=lambda done, of: print(f"{done} of {of}", file=sys.stderr)))
    print(f"wrote {STORED}")


if __name__ == "__main__":
    main()
