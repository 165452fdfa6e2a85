"""Write documents anew: ``python -m tools.documents [claims qualification quality schemas window]``, all by default."""

from __future__ import annotations

import sys
from pathlib import Path

from tools.documents import claims, qualification, quality, schemas, window

ROOT = Path(__file__).parents[2]
WRITERS = {
    "claims": claims.write,
    "qualification": qualification.write,
    "quality": quality.write,
    "schemas": schemas.write,
    "window": window.write,
}


def main(names: list[str]) -> None:
    """Write those named, or all; raises SystemExit for a name that is none."""
    unknown = [name for name in names if name not in WRITERS]
    if unknown:
        raise SystemExit(f"{unknown[0]} is no document; there are {', '.join(WRITERS)}")
    for name in names or WRITERS:
        print(f"writing {name}", file=sys.stderr, flush=True)
        WRITERS[name](ROOT)


if __name__ == "__main__":
    main(sys.argv[1:])
