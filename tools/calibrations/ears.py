"""What a calibration computes for a table of draws: cells and shifts under an insult, by the shipped formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from otosome.catalog import get
from otosome.evidence import Parameter, draw_columns, uniforms
from otosome.model.injury import (
    KINDS,
    Cells,
    injury,
    survive,
)
from otosome.model.transport import (
    Anatomy,
    Dose,
    Grid,
    schedule,
    solve,
)
from otosome.roles import Ear, Exposure
from otosome.units import Array, Hours, Micromolar
from tools.calibrations.weigh import Z95

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
    name = card.options.map
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
    """Knots, and a drug in the tissues where it injures, by need, in the best ear; shape (1, time, place).

    ``dose``  of each injection, ug/kg;  ``times`` of them and ``duration`` of each, h
    """
    known = best(species, "species", f"solutes.{drug}", "solutes.tmpa", f"routes.{route}")
    return _solved(species, drug, route, known, dose, times, stop, ear, duration)


def _solved(
    species: str,
    drug: str,
    route: str,
    known: Mapping[str, Array],
    dose: float,
    times: Sequence[float],
    stop: float,
    ear: Ear,
    duration: float,
) -> tuple[Hours, dict[str, Micromolar]]:
    card, solute, way = get("species", species), get("solutes", drug), get("routes", route)
    columns, numbers = card.columns(known, species), solute.columns(known, species)
    profiles = {name: card.card.profile(name, species) for name in card.card.profiles}
    tracer = get("solutes", "tmpa").columns(known, species)["diffusion"]
    anatomy = Anatomy.build(columns, profiles, Grid(), tracer)
    amount = (dose * columns["body_mass"] / numbers["molar_mass"]).reshape(1, -1)
    bound = way.bind(known, species)
    flows = [
        f for t in times for f in bound.deliver(Dose(t, t + duration, amount, np.zeros(amount.size)), anatomy)
    ]
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
    found = {}
    for tissue in needs:
        along = run.concentration[tissue.partition(".")[2]][0]
        at = [np.interp(ear.place, run.grid.place, c) for c in along.reshape(-1, along.shape[-1])]
        found[tissue] = np.reshape(at, (*along.shape[:2], ear.place.size))
    return knots, found


@dataclass(frozen=True)
class Reach:
    """How much of a drug reaches the tissues where it injures, in an ear of each species, against the best ear.

    The logarithm of the area under its curve there, mean over places, as a plane in the own deviates of the numbers of
    transport (it is linear in dose, and the insult is slower than its course). What two species share is drawn once:
    ``axes`` are as many combinations of deviates as there are species, each standard normal by itself.

    ``share``  of the logarithm's variance that the plane has, by species
    """

    middle: Mapping[str, float]
    slope: Mapping[str, Mapping[str, float]]
    axes: Mapping[str, Mapping[str, float]]
    share: Mapping[str, float]

    def factor(self, species: str, table: Mapping[str, Array]) -> Array:
        """How many times as much as in the best ear, from columns of the axes, shape (draw,)."""
        parts = [slope * table[axis] for axis, slope in self.slope[species].items()]
        found: Array = np.exp(self.middle[species] + np.sum(parts, axis=0))
        return found

    def priors(self) -> dict[str, Parameter]:
        """The axes as standard normal numbers."""
        return {
            name: Parameter(name, "a combination of deviates", 0.0, "", -Z95, Z95, "normal", "computed", "0")
            for name in self.axes
        }


def reach(drug: str, routes: Mapping[str, str], draws: int = 300) -> Reach:
    """How much of a drug reaches the tissues, by species with the route it is given by."""
    middle, share, plane = {}, {}, {}
    for species, route in routes.items():
        cards = [get("species", species), get("solutes", drug)]
        drawn = [p for card in cards for p in card.parameters(species).values() if p.shape != "fixed"]
        table = draw_columns(drawn, 1, 0, draws, world=1)
        area = np.log(_area(species, drug, route, table) / _area(species, drug, route, {}))
        own = np.array([ndtri(uniforms(1, f"{p.name}/world", 0, draws)) for p in drawn])
        beside = np.vstack([np.ones(draws), own])
        found = np.linalg.lstsq(beside.T, area, rcond=None)[0]
        middle[species], share[species] = (
            float(found[0]),
            1.0 - float(np.var(area - found @ beside) / np.var(area)),
        )
        plane[species] = dict(zip([p.name for p in drawn], found[1:], strict=True))
    names = sorted({name for part in plane.values() for name in part})
    stacked = np.array([[part.get(name, 0.0) for name in names] for part in plane.values()])
    axes, slopes = np.linalg.qr(stacked.T)
    titles = [f"reach.{drug}.{n}" for n in range(len(plane))]
    slope = {s: dict(zip(titles, column, strict=True)) for s, column in zip(plane, slopes.T, strict=True)}
    combined = {t: dict(zip(names, a, strict=True)) for t, a in zip(titles, axes.T, strict=True)}
    return Reach(middle, slope, combined, share)


def _area(species: str, drug: str, route: str, table: Mapping[str, Array]) -> Array:
    """Area under a drug's curve over two days after one dose, mean of the tissues where it injures and of places."""
    known = best(species, "species", f"solutes.{drug}", "solutes.tmpa", f"routes.{route}", f"insults.{drug}")
    draws = max((column.size for column in table.values()), default=1)
    full = {name: np.broadcast_to(column, (draws,)) for name, column in (known | dict(table)).items()}
    ear = ear_of(species, np.linspace(0.1, 0.9, 9))
    knots, at = _solved(species, drug, route, full, 1000.0, [0.0], 48.0, ear, 0.0)
    areas = [np.trapezoid(c, knots, axis=1).mean(axis=1) for c in at.values()]
    wall = full.get(f"insults.{drug}.wall_share", np.array(0.5))
    # The insult's needs are the lateral wall and the organ of Corti, in this order.
    found: Array = wall * areas[0] + (1.0 - wall) * areas[1]
    return found


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
    done = injury(wide, exposure.knots, [(formula, exposure)])
    clearance = full[f"species.{species}.stress_clearance"]
    return survive(exposure.knots, rates, done, clearance, strial=strial)
