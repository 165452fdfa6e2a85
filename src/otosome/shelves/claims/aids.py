"""Words that a hearing aid gives, and the cells it leaves as they were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.roles import Figure
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_PERCENT = 100.0


@dataclass(frozen=True)
class Aids:
    """Words understood with the aid less those without, in the same ears.

    ``study``    that has both arms;  ``of``, ``against``  with the aid, and without
    ``measure``, ``beside``  words in quiet, and in noise
    ``cell``     the kind of cell counted in both arms
    """

    study: str
    of: str
    against: str
    measure: str
    beside: str
    cell: str

    def figure(self, laboratory: Laboratory) -> Figure:
        """Words gained in quiet, with those gained in noise, the cells saved and who takes an aid up as parts."""
        study = laboratory.study(self.study)
        arms = [laboratory.arm(study, name) for name in (self.against, self.of)]
        quiet, noise = (_gained(*laboratory.ends(study, arms, name)) for name in (self.measure, self.beside))
        saved = _PERCENT * _gained(*laboratory.counted(study, arms, self.cell))
        adoption = laboratory.parameter("devices", "hearing_aid", "adoption")
        taken, least, most = (_PERCENT * share for share in (adoption.value, adoption.low, adoption.high))
        worn = "of people who hear poorly have taken an aid up; the words are theirs"
        parts = (
            Figure.over(noise, "points", "of words gained in noise"),
            Figure.over(saved, "% points", "outer hair cells saved; none, by construction"),
            Figure(taken, least, most, "%", worn),
        )
        return Figure.over(quiet, "points", "of words gained in quiet with a moderate loss", parts)


def _gained(without: Array, aided: Array) -> Array:
    """What each ear has more, shape (subject,)."""
    return np.asarray(aided - without).reshape(len(without), -1).mean(axis=1) + 0.0
