"""From a batch to the dose: size classes, vesicles given, soluble protein given, relative potency.

A batch is a column per number (``batches/*.toml`` says what each means); a measured batch is the same table
with size and count taken from an instrument export. Vesicles given are the particles of the dose times what
the count errs by, the share that are vesicles, and the shares that survive storage, tubes and needle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from otosome.errors import BadInput
from otosome.lots.sizes import lognormal_classes
from otosome.units import (
    Array,
    Fraction,
    Micrograms,
    Millimetres,
    Particles,
    ParticlesPerMicrogram,
    ParticlesPerMicrolitre,
    Plain,
)

GENERIC = "potency"
# Least and largest value of a number; others need only be finite and not negative.
_SMALLEST = np.finfo(float).tiny
_RANGE = {
    "diameter": (_SMALLEST, np.inf),
    "purity": (_SMALLEST, np.inf),
    "spread": (1.0, np.inf),
    **dict.fromkeys(
        ("vesicle_fraction", "storage_survival", "adsorption_survival", "needle_survival", "soluble_protein"),
        (0.0, 1.0),
    ),
}


@dataclass(frozen=True)
class Batch:
    """One vesicle product, a column per number; shape (subject,) unless said.

    ``diameter``     of each size class, mm, shape (class, subject)
    ``weight``       share of the particles in each class, same shape, sums to 1 over classes
    ``spread``       geometric standard deviation of the diameters, 1 or more
    ``particles``    counted per uL
    ``count_error``  true particles for each one counted
    ``purity``       particles counted per ug protein
    ``hsp70``        content relative to the reference lot, a marker: what acts is ``potency_of("hsp70")``
    ``potencies``    relative potency by key (``"potency_hsp70"``; ``"potency"`` for all others)
    """

    name: str
    diameter: Millimetres
    weight: Fraction
    spread: Plain
    particles: ParticlesPerMicrolitre
    count_error: Plain
    purity: ParticlesPerMicrogram
    vesicle_fraction: Fraction
    storage_survival: Fraction
    adsorption_survival: Fraction
    needle_survival: Fraction
    soluble_protein: Fraction
    yield_per_cell: Plain
    mirna_copies: Plain
    hsp70: Plain
    potencies: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, columns: Mapping[str, Array], class_ratio: Sequence[float] | None = None) -> Batch:
        """A batch from the columns of its entry.

        ``columns``      key of the entry's TOML -> house units, shape (subject,) or (subject, 1, 1)
        ``class_ratio``  each size class's diameter over the median, above zero; log-normal classes where None
        raises           BadInput if a number is missing or cannot be one of a batch
        """
        flat = {key: np.asarray(value, dtype=float).reshape(-1) for key, value in columns.items()}
        wanted = [key for key in cls.__dataclass_fields__ if key not in ("name", "weight", "potencies")]
        _check(name, flat, [*wanted, GENERIC])
        diameter, weight = _sizes(flat["diameter"], flat["spread"], class_ratio)
        potencies = {key: value for key, value in flat.items() if key.split("_")[0] == GENERIC}
        rest = {key: flat[key] for key in wanted if key != "diameter"}
        return cls(name=name, diameter=diameter, weight=weight, potencies=potencies, **rest)

    def potency_of(self, mechanism: str) -> Plain:
        """Relative potency of a mechanism, shape (subject,): its own if there is one, else the generic."""
        return self.potencies.get(f"{GENERIC}_{mechanism}", self.potencies[GENERIC])

    @property
    def intact(self) -> Fraction:
        """Vesicles that reach the ear for each true particle of the dose, shape (subject,)."""
        survive = self.storage_survival * self.adsorption_survival * self.needle_survival
        return self.vesicle_fraction * survive


def vesicles_given(
    batch: Batch,
    *,
    particles: Array | float | None = None,
    protein: Array | float | None = None,
    cells: Array | float | None = None,
    volume: Array | float | None = None,
) -> Particles:
    """Intact vesicles of a dose in each size class.

    ``particles``  counted particles; or
    ``protein``    ug, converted by the batch's purity; or
    ``cells``      producer cells, converted by its yield; or
    ``volume``     uL of the product as it is, where no amount is given
    returns        particles, shape (class, subject), not negative
    raises         BadInput unless there is one amount, or a volume, and none is negative
    """
    counted = _counted(batch, particles, protein, cells, volume)
    return counted * batch.count_error * batch.intact * batch.weight


def protein_given(
    batch: Batch,
    *,
    particles: Array | float | None = None,
    protein: Array | float | None = None,
    cells: Array | float | None = None,
    volume: Array | float | None = None,
) -> Micrograms:
    """Dissolved protein that comes with a dose: the rival explanation of what vesicles seem to do.

    Arguments as in ``vesicles_given``. Nothing is lost on the way (the worst case for the vesicles), and the
    counting error cancels: purity is counted particles over protein, and the dose is counted by the same eye.

    returns  ug, shape (subject,), not negative
    """
    counted = _counted(batch, particles, protein, cells, volume)
    return counted / batch.purity * batch.soluble_protein


def _check(name: str, columns: Mapping[str, Array], wanted: list[str]) -> None:
    for key in wanted:
        if key not in columns:
            raise BadInput("a batch lacks a number", file=f"batches.{name}", key=key, allowed=sorted(columns))
    for key, column in columns.items():
        least, most = _RANGE.get(key, (0.0, np.inf))
        if not (np.isfinite(column).all() and (column >= least).all() and (column <= most).all()):
            raise BadInput(
                "is not a number a batch can have",
                file=f"batches.{name}",
                key=key,
                given=f"{column.min():g} to {column.max():g}",
                allowed=f"{least:g} to {most:g}",
                cure="for a fraction, give low and high with shape = 'uniform'" if most == 1 else None,
            )


def _sizes(median: Array, spread: Array, ratio: Sequence[float] | None) -> tuple[Array, Array]:
    if ratio is None:
        return lognormal_classes(median, spread)
    classes_ = np.asarray(ratio, dtype=float)[:, None] * median
    return classes_, np.full(classes_.shape, 1.0 / len(classes_))


def _counted(
    batch: Batch,
    particles: Array | float | None,
    protein: Array | float | None,
    cells: Array | float | None,
    volume: Array | float | None,
) -> Array:
    """Particles of the dose as a count would show them, shape (subject,)."""
    amounts = {"particles": particles, "protein": protein, "cells": cells}
    stated = {key: np.asarray(value, dtype=float) for key, value in amounts.items() if value is not None}
    if not stated and volume is not None:
        stated = {"volume": np.asarray(volume, dtype=float)}
    if len(stated) != 1:
        raise BadInput(
            "a dose has one amount, or only a volume",
            file=f"batches.{batch.name}",
            given=sorted(stated) or "none",
            allowed=[*amounts, "volume"],
        )
    ((kind, amount),) = stated.items()
    if not (np.isfinite(amount).all() and (amount >= 0).all()):
        raise BadInput(
            "a dose is finite and not negative", file=f"batches.{batch.name}", key=kind, given=str(amount)
        )
    each: dict[str, Array] = {
        "particles": np.ones_like(batch.particles),
        "protein": batch.purity,
        "cells": batch.yield_per_cell,
        "volume": batch.particles,
    }
    return amount * each[kind]
