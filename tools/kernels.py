"""Compile what is compiled: ``python -m tools.kernels``, beside the checks of types that ``make test`` begins with.

Tests that begin with an empty cache would compile it in every process that runs them.
"""

from __future__ import annotations

from pathlib import Path

from otosome.forward import best, simulate
from otosome.study import load

VALID = Path(__file__).parents[1] / "tests" / "studies" / "valid"
# Between them they carry drugs and vesicles, displace fluid, draw samples and injure cells.
STUDIES = ("cisplatin_round_window", "intracochlear_injection", "perilymph_samples")


def main() -> None:
    """Carry one ear through each study."""
    for name in STUDIES:
        study = load(VALID / f"{name}.toml")
        simulate(study, best(study), workers=1)


if __name__ == "__main__":
    main()
