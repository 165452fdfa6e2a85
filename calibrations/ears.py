"""What a calibration computes for a table of draws: cells and shifts under an insult, by the shipped formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from otosome.catalog import get
from otosome.injury import KINDS, Cells, harm, survive
from otosome.roles import Ear, Exposure
from otosome.transport import Anatomy, Dose, Grid, schedule, solve
from otosome.units import Array, Hours, Micromolar

CELLS = (*KINDS, "stria")


def best(species: str, *names: str) -> dict[str, Array]:
    """Best values of all numbers of ``species``, ``cells`` or an entry such as ``solutes.cisplatin``, shape (1,)."""
    entries = {"species": [("species", species)], "cells": [("cells", kind) for kind in CELLS]}
    wanted = [entry for name in names for entry in entries.get(name, [tuple(name.split("."))])]
    cards = [get(shelf, name) for shelf, name in wanted]
    return {p.name: np.array([p.value]) for card in cards for p in card.parameters(species).values()}


def ear_of(species: str, places: Array) -> Ear:
    """The species' best ear at some places (0 base to 1 apex)."""
    card = get("species", species)
    columns = card.columns(best(species, "species"), species)
    name = str(card.card.options["map"])
    tonotopy = get("maps", name).bind(best(species, f"maps.{name}"), species)
    frequency = tonotopy.frequency(places)[0, 0]
    return Ear(species, places, frequency, columns["scala_tympani_length"], columns)


def carried(
    species: str,
    drug: str,
    route: str,
    dose: float,
    times: Sequence[float],
    stop: float,
    ear: Ear,
    duration: float = 0.0,
) -> tuple[Hours, dict[str, Micromolar]]:
    """Knots, and a drug in the tissues where it harms, by need, in the best ear; shape (1, time, place).

    ``dose``  of each injection, ug/kg;  ``times`` of them and ``duration`` of each, h
    """
    card, solute, way = get("species", species), get("solutes", drug), get("routes", route)
    known = best(species, "species", f"solutes.{drug}", "solutes.tmpa", f"routes.{route}")
    columns, numbers = card.columns(known, species), solute.columns(known, species)
    profiles = {name: card.card.profile(name, species) for name in card.card.profiles}
    tracer = get("solutes", "tmpa").columns(known, species)["diffusion"]
    anatomy = Anatomy.build(columns, profiles, Grid(), tracer)
    amount = (dose * columns["body_mass"] / numbers["molar_mass"])[None]
    bound = way.bind(known, species)
    flows = [f for t in times for f in bound.deliver(Dose(t, t + duration, amount, np.zeros(1)), anatomy)]
    knots = schedule([*times, *(t + duration for t in times)], stop, first=0.2, growth=1.7, longest=12.0)
    needs = get("insults", drug).formula.needs
    run = solve(
        anatomy,
        solute.bind(known, species),
        flows,
        knots,
        keep=[n.partition(".")[2] for n in needs],
        refine=4,
    )
    at = np.array(
        [
            np.interp(ear.place, run.grid.place, c)
            for tissue in needs
            for c in run.concentration[tissue.partition(".")[2]][0, 0]
        ]
    )
    return knots, dict(zip(needs, at.reshape(len(needs), 1, knots.size, -1), strict=True))


def fate(
    species: str, insult: str, table: Mapping[str, Array], ear: Ear, exposure: Exposure, strial: bool = True
) -> Cells:
    """Cells under an insult; what ``table`` does not hold has its best value."""
    subjects = max(np.size(column) for column in table.values())
    whole = best(species, "species", "cells", f"insults.{insult}") | dict(table)
    full = {name: np.broadcast_to(column, (subjects,)) for name, column in whole.items()}
    rates = {kind: get("cells", kind).columns(full, species) for kind in CELLS}
    formula = get("insults", insult).bind(full, species)
    wide = Ear(ear.species, ear.place, ear.frequency, np.broadcast_to(ear.length, (subjects,)), ear.columns)
    done = harm(wide, exposure.knots, [(formula, exposure)])
    clearance = full[f"species.{species}.stress_clearance"]
    return survive(exposure.knots, rates, done, clearance, strial=strial)
