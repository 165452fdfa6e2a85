"""How a dose reaches the ear and a sample leaves it: flows of amount and volume, the formula of routes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from otosome.errors import BadInput
from otosome.model.transport.anatomy import Anatomy, flat
from otosome.model.transport.solute import by_class
from otosome.units import (
    Array,
    Fraction,
    Hours,
    Microlitres,
    PerHour,
    Place,
)

INTO = ("middle_ear", "scala_tympani", "vestibule", "plasma", "cerebrospinal_fluid", "lost")
# Where perilymph can leave that a volume into the tube displaces.
OUTLETS = {
    "scala_tympani": ("aqueduct", "round_window", "oval_window", "vent"),
    "vestibule": ("aqueduct", "round_window", "vent"),
}
# What a sample can be aspirated from.
SAMPLED = ("scala_tympani", "scala_vestibuli", "vestibule")


@dataclass(frozen=True)
class Flow:
    """An amount, with the volume it comes in, into one compartment.

    ``into``     "middle_ear", "scala_tympani", "vestibule", "plasma", "cerebrospinal_fluid" or "lost" (never
                 reaches the body)
    ``start``    h; equal to ``stop``: at once, else at constant rate
    ``amount``   in house amount, shape (classes, subject);  ``volume``  uL, shape (subject,)
    ``at``       place in the scala tympani, 0 base to 1 apex; in the vestibule 0 is its end at the scala
                 vestibuli and 1 its far end, the canals
    ``outlet``   where perilymph leaves that a volume into one of these displaces: "aqueduct" (into
                 cerebrospinal fluid), "round_window" (a leak at the base of the scala tympani, into the
                 middle ear), "oval_window" (from the scala tympani by apex, scala vestibuli and vestibule,
                 into the middle ear) or "vent" (a hole in the vestibule's wall, out of the body: for the
                 scala tympani at its far end, for the vestibule at its end at the scala vestibuli)
    ``release``  1/h, shape (subject,): the amount waits in a depot that empties at this rate
    raises       ValueError for a name, time or amount that is not allowed
    """

    into: str
    start: float
    stop: float
    amount: Array
    volume: Microlitres
    at: float = 0.0
    outlet: str | None = None
    release: PerHour | None = None

    def __post_init__(self) -> None:
        if self.into not in INTO:
            raise ValueError(f"flow into {self.into!r}; expected one of {INTO}")
        if not self.start <= self.stop or not 0.0 <= self.at <= 1.0:
            raise ValueError(
                f"flow from {self.start} h to {self.stop} h at place {self.at}; "
                "expected start <= stop and a place from 0 to 1"
            )
        object.__setattr__(self, "amount", by_class(self.amount))
        object.__setattr__(self, "volume", flat(self.volume))
        if np.any(self.amount < 0) or np.any(self.volume < 0):
            raise ValueError("flow of a negative amount or volume; expected neither")
        if self.displaces and self.outlet not in OUTLETS[self.into]:
            raise ValueError(
                f"outlet is {self.outlet!r}; a volume into {self.into!r} needs one of {OUTLETS[self.into]}"
            )
        if self.release is not None:
            object.__setattr__(self, "release", flat(self.release))

    @property
    def displaces(self) -> bool:
        """Whether it pushes perilymph on."""
        return self.into in OUTLETS and bool(np.any(self.volume > 0))


@dataclass(frozen=True)
class Sample:
    """Perilymph a laboratory aspirates: the volume, not the point, is what it measures.

    ``of``       "scala_tympani", "scala_vestibuli" or "vestibule"
    ``start``    h; equal to ``stop``: at once, else at constant rate
    ``volume``   uL, shape (subject,); cerebrospinal fluid follows through the aqueduct, along the scala
                 tympani and, for the others, over the apex
    ``at``       place of the perforation, 0 base to 1 apex; in the vestibule 1 is its far end, the canals
    raises       ValueError for a compartment, time, place or volume that is not allowed
    """

    of: str
    start: float
    stop: float
    volume: Microlitres
    at: float = 0.0

    def __post_init__(self) -> None:
        if self.of not in SAMPLED:
            raise ValueError(f"sample of {self.of!r}; expected one of {SAMPLED}")
        if not self.start <= self.stop or not 0.0 <= self.at <= 1.0:
            raise ValueError(
                f"sample from {self.start} h to {self.stop} h at place {self.at}; "
                "expected start <= stop and a place from 0 to 1"
            )
        object.__setattr__(self, "volume", flat(self.volume))
        if not np.all(np.isfinite(self.volume) & (self.volume > 0)):
            raise ValueError(f"sample of {self.volume.min()} uL; expected a positive volume")


@dataclass(frozen=True)
class Dose:
    """What is given: an amount in a volume, from ``start`` to ``stop`` (h; equal: at once).

    ``amount``  shape (classes, subject);  ``volume``  uL, shape (subject,)
    """

    start: float
    stop: float
    amount: Array
    volume: Microlitres


@dataclass(frozen=True)
class Delivery:
    """The shared formula of routes: a share arrives, at once or through a depot; the rest is lost with its fluid.

    ``bioavailability``  0 to 1;  ``absorption``  1/h out of the depot, or None without one
    """

    into: str
    bioavailability: Fraction
    absorption: PerHour | None = None
    at: Place = 0.0
    outlet: str | None = None

    def __post_init__(self) -> None:
        share = flat(self.bioavailability)
        if not np.all((share >= 0) & (share <= 1)):
            raise BadInput(
                "a share of the dose lies from 0 to 1", key="bioavailability", given=str(share.max())
            )

    def deliver(self, dose: Dose, anatomy: Anatomy) -> list[Flow]:
        """Flows whose amounts sum to the dose given; what is lost takes its share of the volume along."""
        amount = np.broadcast_to(by_class(dose.amount), (by_class(dose.amount).shape[0], anatomy.subjects))
        volume = np.broadcast_to(flat(dose.volume), (anatomy.subjects,))
        share = flat(self.bioavailability)
        arrives = amount * share
        timing = (dose.start, dose.stop)
        return [
            Flow(self.into, *timing, arrives, volume * share, self.at, self.outlet, self.absorption),
            Flow("lost", *timing, amount - arrives, np.zeros_like(volume)),
        ]


def hours(flows: Sequence[Flow | Sample]) -> Hours:
    """Times at which any of the flows or samples starts or stops, sorted, shape (event,)."""
    return np.unique([t for f in flows for t in (f.start, f.stop)])
