"""The ear a solute is carried in: lengths, cross-sections, windows, barriers, one value per subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otosome.model.transport.grid import Grid
from otosome.units import (
    Array,
    Fraction,
    Hours,
    Kilograms,
    Microlitres,
    MicrolitresPerHour,
    Millimetres,
    Plain,
    SquareMillimetres,
    SquareMillimetresPerHour,
)

Profile = Mapping[str, Array]


@dataclass(frozen=True)
class Anatomy:
    """Inner ears on one grid; every number has shape (subject,), every area (subject, place).

    A half-time is of the tracer (``tracer_diffusion``) and means: the concentration of the fluid named first
    decays so into an empty neighbour. Infinity closes a barrier.

    communication   scala tympani into scala vestibuli
    clearance       scala tympani, scala vestibuli into the lateral wall
    corti           organ of Corti into scala tympani (it is the small fluid)
    canal           Rosenthal's canal into both scalae together
    nerve_canal     Rosenthal's canal into cerebrospinal fluid
    wall_blood      lateral wall into plasma

    ``scala_media_area`` may be None; only a solute that enters endolymph asks for it. ``otic_capsule_width`` is
    the bone between scala tympani and middle ear, per length, and None where it is too thick to cross.

    ``lateral_wall_area`` is the mean along the duct: the wall narrows as the scala tympani does. ``supply_fall`` is the
    logarithm of how much better blood supplies a volume of it at the base than at the apex (None: alike).
    ``window_factor`` multiplies the permeability of both windows, that of the guinea pig's being one.
    ``round_window_thickness`` is that of its membrane, which fills before it lets anything through (None: it does not).
    """

    grid: Grid
    scala_tympani: SquareMillimetres
    scala_vestibuli: SquareMillimetres
    scala_tympani_length: Millimetres
    vestibule_volume: Microlitres
    vestibule_length: Millimetres
    lateral_wall_area: SquareMillimetres
    organ_of_corti_area: SquareMillimetres
    rosenthals_canal_area: SquareMillimetres
    round_window_area: SquareMillimetres
    round_window_extent: Millimetres
    oval_window_area: SquareMillimetres
    axial_flow: MicrolitresPerHour
    aqueduct_exchange: MicrolitresPerHour
    csf_volume: Microlitres
    csf_turnover: MicrolitresPerHour
    communication_half_time: Hours
    tympani_clearance_half_time: Hours
    vestibuli_clearance_half_time: Hours
    corti_half_time: Hours
    canal_half_time: Hours
    nerve_canal_half_time: Hours
    wall_blood_half_time: Hours
    middle_ear_half_time: Hours
    body_mass: Kilograms
    tracer_diffusion: SquareMillimetresPerHour
    scala_media_area: SquareMillimetres | None = None
    otic_capsule_width: Millimetres | None = None
    supply_fall: Plain | None = None
    window_factor: Plain | None = None
    round_window_thickness: Millimetres | None = None

    @property
    def subjects(self) -> int:
        """Number of subjects."""
        return self.scala_tympani_length.size

    @property
    def lateral_wall(self) -> SquareMillimetres:
        """Cross-section of the lateral wall at each place, shape (subject, place)."""
        mean = np.sum(self.scala_tympani * self.grid.width, axis=1)
        return np.asarray((self.lateral_wall_area / mean)[:, None] * self.scala_tympani)

    @property
    def supply(self) -> Plain:
        """Supply from blood per volume of the lateral wall over its mean, shape (subject, place)."""
        if self.supply_fall is None:
            return np.ones_like(self.scala_tympani)
        falling = np.exp(-self.supply_fall[:, None] * self.grid.place)
        weight = self.scala_tympani * self.grid.width
        mean = np.sum(falling * weight, axis=1) / np.sum(weight, axis=1)
        return np.asarray(falling / mean[:, None])

    @property
    def windows(self) -> Plain:
        """Permeability of its windows over the guinea pig's, shape (subject,)."""
        return np.ones(self.subjects) if self.window_factor is None else self.window_factor

    @classmethod
    def build(
        cls,
        columns: Mapping[str, Array],
        profiles: Mapping[str, Profile],
        places: Grid,
        tracer_diffusion: Array,
    ) -> Anatomy:
        """Anatomy of a block of subjects from the columns of a species.

        ``columns``           species' parameters by name, house units, shape (subject,) or (subject, 1, 1);
                              others than the fields above are ignored; ``volume_scale`` multiplies both profiles
        ``profiles``          ``scala_tympani`` and ``scala_vestibuli``: ``distance`` from the base in mm and
                              ``area`` in mm2, shape (point,)
        ``tracer_diffusion``  mm2/h, of the substance the half-times were measured with
        raises                KeyError naming a column that is missing
        """
        names = [f.name for f in fields(cls) if f.default is MISSING][3:-1]
        optional = [f.name for f in fields(cls) if f.default is None and f.name in columns]
        missing = sorted({*names, "volume_scale"} - columns.keys())
        if missing:
            raise KeyError(f"anatomy: no {', '.join(missing)}; there are {sorted(columns)}")
        scale = flat(columns["volume_scale"])
        values = {name: flat(columns[name]) for name in (*names, *optional)}
        subjects = max(scale.size, *(v.size for v in values.values()))
        tracer = np.broadcast_to(flat(tracer_diffusion), (subjects,))
        areas = [
            np.broadcast_to(scale[:, None] * mean_area(profiles[name], places), (subjects, places.places))
            for name in ("scala_tympani", "scala_vestibuli")
        ]
        numbers = {name: np.broadcast_to(value, (subjects,)) for name, value in values.items()}
        return cls(
            grid=places, scala_tympani=areas[0], scala_vestibuli=areas[1], tracer_diffusion=tracer, **numbers
        )

    def take(self, subjects: slice | NDArray[np.int64]) -> Anatomy:
        """Some of the subjects."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "grid"}
        wide: dict[str, Any] = {
            name: np.broadcast_to(c, (self.subjects, *c.shape[1:]))
            for name, c in columns.items()
            if c is not None
        }
        return replace(self, **{name: c[subjects] for name, c in wide.items()})


def flat(column: Array) -> Array:
    """A column of shape (subject,), (subject, 1, 1) or () as (subject,)."""
    return np.atleast_1d(np.asarray(column, dtype=np.float64)).reshape(-1)


def mean_area(profile: Profile, places: Grid) -> SquareMillimetres:
    """Mean cross-section of each place of a profile that is linear between its points, shape (place,).

    raises  ValueError unless distances rise and areas are positive
    """
    distance, area = np.asarray(profile["distance"], float), np.asarray(profile["area"], float)
    if distance.shape != area.shape or np.any(np.diff(distance) <= 0) or np.any(area <= 0):
        raise ValueError(
            "area profile: expected as many areas as distances, rising distances, positive areas"
        )
    fraction = distance / distance[-1]
    points = np.union1d(fraction[(fraction > 0) & (fraction < 1)], places.edges)
    heights = np.interp(points, fraction, area)
    volume = np.concatenate([[0.0], np.cumsum(0.5 * (heights[1:] + heights[:-1]) * np.diff(points))])
    return np.asarray(np.diff(np.interp(places.edges, points, volume)) / places.width)


def window_share(anatomy: Anatomy) -> Fraction:
    """Share of the round window over each place, shape (subject, place), each row summing to one.

    Its width is taken as a parabola along its extent: an oval is widest in its middle.
    """
    reach = np.minimum(anatomy.round_window_extent / anatomy.scala_tympani_length, 1.0)[:, None]
    along = np.minimum(anatomy.grid.edges / reach, 1.0)
    return np.diff(along * along * (3.0 - 2.0 * along), axis=1)
