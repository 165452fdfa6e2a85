"""Which kind of cell explains a shift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.hearing import shift
from otosome.model.injury import LABELS, Cells
from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.forward import Cochleae
    from otosome.review.claims import Laboratory

_PERCENT = 100.0
_STRIA = "stria"


@dataclass(frozen=True)
class Cause:
    """The share of the simulated shift that would go if one kind of cell were whole, all others as they are.

    ``study``  whose arm without vesicles is looked at, at its compared measure's frequencies and last time
    """

    study: str

    def figure(self, laboratory: Laboratory) -> Figure:
        """Share of hair cells and nerve together, with every kind as a part."""
        study = laboratory.study(self.study)
        measure = laboratory.measured(study)
        frequency = np.array(measure.tones)
        last = max(measure.at)
        against, _ = laboratory.compared(study)

        def work(ears: Cochleae) -> dict[str, Array]:
            cells = laboratory.fate(ears, against).cells.at(ears.plan.at([last]))
            whole = shift(ears.ear, cells, frequency)
            return {
                kind: (whole - shift(ears.ear, mended(cells, kind), frequency)).mean(axis=(1, 2))
                for kind in (*LABELS, _STRIA)
            }

        gone = laboratory.run(study, [against], work)
        total = np.maximum(sum(gone.values()), np.finfo(float).tiny)
        parts = tuple(
            Figure.over(_PERCENT * gone[kind] / total, "%", LABELS.get(kind, kind)) for kind in gone
        )
        cells = _PERCENT * (1.0 - gone[_STRIA] / total)
        return Figure.over(
            cells, "%", "of the simulated shift is due to hair cells, synapses and neurons", parts
        )


def mended(cells: Cells, kind: str) -> Cells:
    """The same cells with one kind, or the stria, whole."""
    if kind == _STRIA:
        return replace(cells, stria=np.ones_like(cells.stria))
    none = np.zeros_like(cells.intact[kind])
    return replace(
        cells,
        intact={**cells.intact, kind: none + 1.0},
        injured={**cells.injured, kind: none},
        silent={**cells.silent, kind: none},
    )
