"""Inner hair cells lost, nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.hearing import inner_shift
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench


@dataclass(frozen=True)
class EarC1:
    """The inner part of a shift at two losses."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Shift at 80 % lost, and what 90 % add, dB."""
        ihc = bench.numbers("cells", "ihc")
        some, more = (
            inner_shift(np.full(bench.ears, loss), ihc["knee"], ihc["knee_shift"], ihc["ceiling"])
            for loss in (0.8, 0.9)
        )
        return {"ear:C1": some, "ear:C1.beyond": more - some}
