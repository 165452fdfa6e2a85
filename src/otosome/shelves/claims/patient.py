"""What two implanted ears of one person can show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.evidence import uniforms
from otosome.model.counts import binomial
from otosome.roles import Figure
from otosome.shelves.devices.cochlear_implant import CochlearImplant
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.review.claims import Laboratory

_POINTS = 100.0
# Of a two-sided test at 5 % with a power of 80 %, as trials are sized: 1.96 and 0.84 standard deviations together.
_REACH = 2.80


@dataclass(frozen=True)
class Patient:
    """Two implanted ears of each of many people, the second some years later, and no vesicle in any of them.

    ``worlds``, ``people``  draws of what is not known, and people in each
    ``words``               in each list
    ``gain``                a gain worth showing, points
    """

    worlds: int
    people: int
    words: int
    gain: float

    def figure(self, laboratory: Laboratory) -> Figure:
        """Score of the second ear less that of the first, in points, and what follows for a trial."""
        apart = self.differences(laboratory).reshape(self.worlds, self.people)
        spread = apart.std(axis=1, ddof=1)
        better, clearly = apart > 0, apart > 1.96 * self._chance
        parts = (
            Figure.over(_POINTS * better.mean(axis=1), "%", "of such people score higher in the second ear"),
            Figure.over(
                _POINTS * clearly.mean(axis=1),
                "%",
                f"of them beyond what two lists of {self.words} words differ by at chance",
            ),
            Figure.over(
                np.ceil((_REACH * spread / self.gain) ** 2),
                "people",
                f"with two implants each, one with vesicles, to show a gain of {self.gain:g} points",
            ),
        )
        words = (
            "second implanted ear less the first of one person, four years apart, with no vesicle in either"
        )
        return Figure.over(apart, "points", words, parts)

    @property
    def _chance(self) -> float:
        """Standard deviation of the difference of two lists about the middle, points."""
        return _POINTS * (0.5 / self.words) ** 0.5

    def differences(self, laboratory: Laboratory) -> Array:
        """Second ear less first of each person, points, shape (worlds times people,)."""
        number = self.worlds * self.people
        catalog = laboratory.catalog
        drawn: dict[str, Array] = {}
        for shelf, name in (("devices", "cochlear_implant"), ("claims", "patient")):
            drawn |= laboratory.columns(catalog.get(shelf, name), number, self.people)
        device = catalog.get("devices", "cochlear_implant").bind(drawn, "")
        assert isinstance(device, CochlearImplant)  # no shelf of one's own can stand in its place

        def own(key: str) -> Array:
            return drawn[f"claims.patient.{key}"][:, None, None]

        # What the delay does is as if this ear stood so much better, or worse, among ears.
        ear = own("other_ear") + own("delay") / device.ear_spread
        other = replace(device, ear=ear, path=own("other_path"))
        came, half = own("came")[:, 0], np.exp(0.5 * own("apart") * own("side"))[:, 0]
        scores = (
            device.understood(came, np.minimum(came * half, 1.0)),
            other.words(came, np.minimum(came / half, 1.0), own("tested")[:, :, 0]),
        )
        heard = [
            binomial(uniforms(laboratory.seed, f"claims.patient/{n}", 0, number), self.words, score[:, 0])
            for n, score in enumerate(scores)
        ]
        return np.asarray(_POINTS * (heard[1] - heard[0]) / self.words)
