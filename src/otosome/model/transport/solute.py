"""What is carried: a drug, a protein, or vesicles in size classes."""

from __future__ import annotations

from dataclasses import Field, dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from otosome.model.transport.anatomy import Anatomy
from otosome.units import (
    Array,
    Fraction,
    Hours,
    Kelvin,
    MicrolitresPerKilogram,
    Millimetres,
    MillimetresPerHour,
    PascalHours,
    PerHour,
    Plain,
    SquareMillimetresPerHour,
)

# J/K, exact: the SI of 2019 defines the kelvin by it.
BOLTZMANN = 1.380649e-23
# Diffusion of albumin, 66.5 kDa, mm2/h: the law D = 1.01e-5 (mass / 136.2)^-0.35 cm2/s of the shelf.
ALBUMIN = 0.417
# Where a prodrug becomes a drug: the fluids and tissues by the number that says how fast.
CONVERSIONS = {
    "conversion_middle_ear": ("middle_ear",),
    "conversion_perilymph": ("scala_tympani", "scala_vestibuli", "vestibule"),
    "conversion_tissue": ("organ_of_corti", "lateral_wall", "rosenthals_canal"),
    "conversion_csf": ("cerebrospinal_fluid",),
    "conversion_plasma": ("plasma",),
}


@dataclass(frozen=True)
class Solute:
    """A solute in one or more size classes; every field (classes, subject), (subject,) or (subject, 1, 1).

    After construction every field has shape (classes or 1, subject or 1).

    ``dispersion``      what flow back and forth adds to mixing along the scalae, as a multiple of ``diffusion``: the
                        more the slower the solute diffuses, so it is the solute's and not the ear's
    ``hindrance``       diffusion in tissue over diffusion in fluid; scales every exchange with a tissue
    ``exchange_scale``  multiplies exchange that has been scaled from the tracer by diffusion
    ``*_partition``     tissue over perilymph at equilibrium; ``blood_partition`` perilymph over plasma, where nothing
                        but the lateral wall lies between
    ``uptake_capacity`` amount/uL/h at saturation in organ of Corti, lateral wall and Rosenthal's canal
    ``uptake_half``     amount/uL, over all classes together, at half of it
    ``degradation``     1/h, of what was internalised;  ``loss``  1/h, chemical, in fluids and tissues
    ``media_entry``     1/h, out of the lateral wall's fluid into endolymph, per volume of endolymph; with
    ``media_partition`` endolymph over perilymph at equilibrium with the wall, which sets the way back; and
    ``media_loss``      1/h, from endolymph into cells. Without the first two nothing enters scala media
    ``capsule_permeability``  of the otic capsule, where a species' is thin enough to state its width
    ``middle_ear_half_time``  of this product in the middle ear, where it has one of its own; else the species'
    ``middle_ear_absorbed``   what the middle ear loses to plasma over what it loses otherwise; None: nothing to plasma
    ``perilymph_free``, ``plasma_free``  share that is not bound to protein there, 0 to 1: only it crosses walls, and in
                        perilymph what is bound diffuses as albumin does. Concentrations are of both. None: all is free
    ``conversion_*``    1/h, at which a prodrug becomes the next class in a fluid or in all tissues (``paired``)
    ``plasma_exchange``  1/h, out of plasma into the rest of the body, and ``plasma_return`` back: two compartments
    raises              ValueError for negative or non-finite numbers, or a partition or half-amount of zero
    """

    diffusion: SquareMillimetresPerHour
    dispersion: Plain
    hindrance: Plain
    round_window_permeability: MillimetresPerHour
    oval_window_permeability: MillimetresPerHour
    exchange_scale: Plain
    wall_partition: Plain
    corti_partition: Plain
    canal_partition: Plain
    blood_partition: Plain
    plasma_volume: MicrolitresPerKilogram
    plasma_clearance: PerHour
    uptake_capacity: Array
    uptake_half: Array
    degradation: PerHour
    loss: PerHour
    media_partition: Plain | None = None
    media_entry: PerHour | None = None
    media_loss: PerHour | None = None
    capsule_permeability: MillimetresPerHour | None = None
    middle_ear_half_time: Hours | None = None
    middle_ear_absorbed: Plain | None = None
    plasma_exchange: PerHour | None = None
    plasma_return: PerHour | None = None
    perilymph_free: Fraction | None = None
    plasma_free: Fraction | None = None
    conversion_middle_ear: PerHour | None = None
    conversion_perilymph: PerHour | None = None
    conversion_tissue: PerHour | None = None
    conversion_csf: PerHour | None = None
    conversion_plasma: PerHour | None = None

    def __post_init__(self) -> None:
        if (self.media_partition is None) != (self.media_entry is None) or (
            self.media_loss is not None and self.media_entry is None
        ):
            raise ValueError("solute: media_partition and media_entry go together, and media_loss with them")
        if (self.plasma_exchange is None) != (self.plasma_return is None):
            raise ValueError("solute: plasma_exchange and plasma_return go together")
        for field in self.stated:
            value = by_class(getattr(self, field.name))
            if not np.all(np.isfinite(value) & (value >= 0)):
                raise ValueError(
                    f"solute: {field.name} is {value.min()} to {value.max()}; expected finite, not negative"
                )
            object.__setattr__(self, field.name, value)
        positive = ["wall_partition", "corti_partition", "canal_partition", "plasma_volume"]
        optional = [n for n in ("media_partition", "middle_ear_half_time") if getattr(self, n) is not None]
        for name in (*positive, *optional):
            if np.any(getattr(self, name) == 0):
                raise ValueError(f"solute: {name} is zero; expected a positive number")
        for name in ("perilymph_free", "plasma_free"):
            if getattr(self, name) is not None and np.any(
                (getattr(self, name) <= 0) | (getattr(self, name) > 1)
            ):
                raise ValueError(f"solute: {name} is a share above zero, up to one")
        if np.any((self.uptake_capacity > 0) & (self.uptake_half == 0)):
            raise ValueError(
                "solute: uptake_half is zero where uptake_capacity is not; expected a positive number"
            )

    @cached_property
    def classes(self) -> int:
        """Number of size classes."""
        return max(int(getattr(self, f.name).shape[0]) for f in self.stated)

    @property
    def stated(self) -> list[Field[Any]]:
        """Fields that have a number."""
        return [f for f in fields(self) if getattr(self, f.name) is not None]

    @property
    def media(self) -> bool:
        """Whether it enters scala media."""
        return self.media_entry is not None

    @property
    def converts(self) -> bool:
        """Whether a class becomes the next on its way."""
        return any(getattr(self, name) is not None for name in CONVERSIONS)

    def free(self, where: str, subjects: slice | NDArray[np.int64]) -> Array:
        """The share that is not bound to protein in ``perilymph`` or ``plasma``, shape (classes, 1, subject or 1)."""
        return (
            np.ones((1, 1, 1))
            if getattr(self, f"{where}_free") is None
            else self.lanes(f"{where}_free", subjects)
        )

    def spreading(self, subjects: slice | NDArray[np.int64]) -> SquareMillimetresPerHour:
        """Diffusion in perilymph, free and bound, shape (classes, 1, subject or 1)."""
        free = self.free("perilymph", subjects)
        return np.asarray(free * self.lanes("diffusion", subjects) + (1.0 - free) * ALBUMIN)

    @classmethod
    def sized(
        cls, diameter: Millimetres, temperature: Kelvin, viscosity: PascalHours, **numbers: Array
    ) -> Self:
        """Particles of given diameters, diffusing as Stokes and Einstein say; other fields by name.

        ``diameter``  mm, shape (classes, subject); ``temperature``, ``viscosity`` (subject,) or (subject, 1,
                      1)
        """
        diffusion = stokes_einstein(by_class(diameter), by_class(temperature), by_class(viscosity))
        return cls(diffusion=diffusion, **numbers)

    def lanes(self, name: str, subjects: slice | NDArray[np.int64]) -> Array:
        """A field for some subjects, shape (classes, 1, subject or 1)."""
        value: Array = getattr(self, name)
        chosen = value if value.shape[1] == 1 else value[:, subjects]
        return np.broadcast_to(chosen, (self.classes, chosen.shape[1]))[:, None, :]


def paired(prodrug: Solute, drug: Solute, anatomy: Anatomy) -> Solute:
    """A prodrug and what it becomes as the two classes of a solute.

    ``anatomy``  of the ears, whose middle ear keeps what states no half-time of its own
    """
    absent: dict[str, Array] = {name: np.zeros(1) for name in (*CONVERSIONS, "media_entry", "media_loss")}
    absent |= {name: np.zeros(1) for name in ("capsule_permeability", "middle_ear_absorbed")}
    absent |= {name: np.zeros(1) for name in ("plasma_exchange", "plasma_return")}
    absent |= {name: np.ones(1) for name in ("media_partition", "perilymph_free", "plasma_free")}
    absent["middle_ear_half_time"] = anatomy.middle_ear_half_time

    def stacked(name: str) -> Array | None:
        own = [getattr(solute, name) for solute in (prodrug, drug)]
        if all(value is None for value in own):
            return None
        rows = [by_class(absent[name]) if value is None else value for value in own]
        return np.concatenate(np.broadcast_arrays(*rows))

    numbers = {f.name: stacked(f.name) for f in fields(Solute)}
    for name in CONVERSIONS:
        rates = numbers[name]
        if rates is not None:
            # A drug becomes nothing more.
            numbers[name] = rates * np.array([[1.0], [0.0]])
    return Solute(**numbers)  # type: ignore[arg-type]  # each field of one solute or of the other is there


def by_class(column: Array) -> Array:
    """A column of shape (), (subject,), (subject, 1, 1) or (classes, subject) as (classes or 1, subject)."""
    value = np.asarray(column, dtype=np.float64)
    return value if value.ndim == 2 else value.reshape(1, -1)


def stokes_einstein(
    diameter: Millimetres, temperature: Kelvin, viscosity: PascalHours
) -> SquareMillimetresPerHour:
    """Diffusion of a sphere in mm2/h: D = k T / (3 pi eta d).

    ``viscosity``  Pa h (the house unit); source: Einstein 1905
    """
    # J = Pa m3 = 1e9 Pa mm3
    return 1e9 * BOLTZMANN * temperature / (3 * np.pi * viscosity * diameter)
