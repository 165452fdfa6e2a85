"""What a calibration computes for a table of draws: cells and shifts under an insult, by the shipped formulas."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from otosome.catalog import get
from otosome.injury import KINDS, Cells, harm, survive
from otosome.roles import Ear, Exposure
from otosome.units import Array

CELLS = (*KINDS, "stria")


def ear_of(species: str, table: Mapping[str, Array], places: Array) -> Ear:
    """An ear at some places (0 base to 1 apex), with the species' best map."""
    columns = get("species", species).columns(best("species", species) | dict(table), species)
    scale, slope, offset = (columns[f"map_{k}"][0] for k in ("scale", "slope", "offset"))
    frequency = scale * (10 ** (slope * (1.0 - places)) - offset)
    return Ear(species, places, frequency, columns["scala_tympani_length"], columns)


def best(shelf: str, species: str) -> dict[str, Array]:
    """Best values of all that a calibration may ask of a shelf, by name, shape (1,)."""
    entries = {"species": (species,), "cells": CELLS}.get(shelf, (shelf,))
    where = shelf if shelf in ("species", "cells") else "insults"
    cards = [get(where, name) for name in entries]
    return {p.name: np.array([p.value]) for card in cards for p in card.parameters(species).values()}


def fate(
    species: str, insult: str, table: Mapping[str, Array], ear: Ear, exposure: Exposure, strial: bool = True
) -> Cells:
    """Cells under an insult; what ``table`` does not hold has its best value."""
    subjects = max(np.size(column) for column in table.values())
    whole = best("species", species) | best("cells", species) | best(insult, species) | dict(table)
    full = {name: np.broadcast_to(column, (subjects,)) for name, column in whole.items()}
    rates = {kind: get("cells", kind).columns(full, species) for kind in CELLS}
    formula = get("insults", insult).bind(full, species)
    wide = Ear(ear.species, ear.place, ear.frequency, np.broadcast_to(ear.length, (subjects,)), ear.columns)
    done = harm(wide, exposure.knots, [(formula, exposure)])
    clearance = full[f"species.{species}.stress_clearance"]
    return survive(exposure.knots, rates, done, clearance, strial=strial)
