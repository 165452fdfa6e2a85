"""otosome's own system, one ear, as the general solvers of today take it: y' = f(y), its Jacobian, its doses.

One drug, three classes of vesicles that share their uptake, and the injury of four kinds of cell; doses are instants
at which the solvers start anew. The numbers come from otosome's networks and shelves, so the system is the same, not
one like it. Unknowns are numbered cell by cell along the tube, so that the Jacobian is a band; the few entries that
join all places with plasma and cerebrospinal fluid lie outside of it and are left to Newton's iteration, as is usual.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, NamedTuple
from unittest import mock

import numpy as np
from numba import njit

from otosome import forward
from otosome.model import transport
from otosome.model.transport.axial import Tube
from otosome.model.transport.course import Transported, depots_of
from otosome.model.transport.kernel import Indices
from otosome.model.transport.network import MEMBRANE, Network
from otosome.study import Study, loads
from otosome.units import Array

STUDY = """
otosome = "study/1"
title = "Five doses against cisplatin"
question = "How long does it take to compute?"
species = "guinea_pig"
mechanisms = ["hsp70"]
until = "28 d"
insult.course = { entry = "cisplatin", route = "intraperitoneal", amount = "12 mg/kg", at = ["0 h"] }
[treatment.vesicles]
batch = "example_lot"
route = "round_window"
volume = "10 uL"
at = ["0 h", "120 h", "240 h", "360 h", "480 h"]
[[arm]]
name = "treated"
insults = ["course"]
treatments = ["vesicles"]
[measure.abr]
endpoint = "abr_threshold"
frequency = ["8 kHz"]
at = ["28 d"]
# The peers know neither the reserve that bound platinum uses up nor neurons that starve: both are off on all sides.
[numbers."insults.cisplatin.reserve"]
value = "1e9 uM"
basis = "assumed"
because = "So large that the gradient stays as it is."
subjects = 0.0
[numbers."cells.sgn.starvation"]
value = "1e-12 1/h"
basis = "assumed"
because = "So slow that no neuron starves in the study."
subjects = 0.0
"""
KINDS = ("ohc", "ihc", "synapse", "sgn")
# When concentrations are compared, h: around each dose and between doses.
MOMENTS = np.array(
    [t + d for t in (0.0, 120.0, 240.0, 360.0, 480.0) for d in (1.0, 6.0, 24.0, 96.0)] + [672.0]
)


class System(NamedTuple):
    """One ear's numbers in arrays, as compiled functions like them; unknowns in the order of the band."""

    source: Indices
    target: Indices
    rate: Array
    source_out: Indices
    rate_out: Array
    site: Indices
    capacity: Array
    half: Array
    wall: Indices
    corti: Indices
    vesicles: Indices
    volume_wall: Array
    volume_corti: Array
    first: Indices
    half_platinum: Array
    cisplatin: Array
    hsp70: Array
    cells: Array
    others: Array


@dataclass(frozen=True)
class Ear:
    """A system with its doses: (h, unknowns, amounts); ``width`` unknowns at a place, a band over ``reach`` places."""

    system: System
    doses: list[tuple[float, Indices, Array]]
    size: int
    width: int
    reach: int


@cache
def study() -> Study:
    """The study of the benchmark, read once: reading it is no part of what is timed, as nothing of a peer's is."""
    return loads(STUDY, "bench")


@contextmanager
def all_by(scheme: Literal["plain", "smooth"]) -> Iterator[None]:
    """While it lasts one scheme goes for every border of the tube, unlimited: a fixed system for general solvers."""
    other = {"plain": "smooth", "smooth": "plain"}[scheme]
    solving = sys.modules[Transported.__module__]
    with ExitStack() as patched:
        patched.enter_context(mock.patch.object(Tube, other, getattr(Tube, scheme)))
        # Both are one now; no step is done again because the choice between them has changed.
        patched.enter_context(mock.patch.object(Tube, "steep", _never))
        for name in ("LIMITS", "FAILED"):
            patched.enter_context(mock.patch.object(solving, name, (getattr(solving, name)[0], np.inf)))
        yield


def _never(tube: Tube) -> Array:
    """For `Tube.steep`: a share of the smooth scheme that never changes."""
    return np.full((tube.volumes.shape[0] + 1, tube.volumes.shape[1]), -1e300)


def block(table: Any, grid: transport.Grid, **plan: Any) -> forward.Cochleae:
    """Ears of a table on a grid."""
    made = forward.plan(study(), places=grid, **plan)
    return forward.Cochleae(made, table)


def bench_ear(made: forward.Cochleae, row: int) -> Ear:
    """One ear of a block as a system: its networks of drug and vesicles, platinum, stress, effect and cells."""
    asked: list[tuple[Any, Any, Any]] = []
    solve, made = transport.solve, forward.Cochleae(made.plan, made.columns)

    def listen(anatomy: Any, solute: Any, flows: Any, *rest: Any, **more: Any) -> Any:
        asked.append((anatomy, solute, flows))
        return solve(anatomy, solute, flows, *rest, **more)

    arm = made.plan.arms[0]
    with mock.patch.object(transport, "solve", listen):
        fate = forward.Fate(made, arm)
        _ = fate.injury, fate.vesicles
    nets = [_network(*one, row, wet) for one, wet in zip(asked, (False, True), strict=True)]
    places = made.plan.places.places
    place_of, count = _order(nets, places)
    parts: dict[str, list[Any]] = {k: [] for k in ("source", "target", "rate", "source_out", "rate_out")}
    doses: dict[float, tuple[list[int], list[float]]] = {}
    for net, depots, flows, where in zip(*zip(*nets, strict=True), place_of, strict=True):
        flux, core = net.flux, net.nodes.sinks
        moves, along = flux.rate[:, 0] != 0.0, flux.target < core
        inner, out = moves & along, moves & ~along & (flux.source < core)
        parts["source"].append(where[flux.source[inner]])
        parts["target"].append(where[flux.target[inner]])
        parts["rate"].append(flux.rate[inner, 0])
        parts["source_out"].append(where[flux.source[out]])
        parts["rate_out"].append(flux.rate[out, 0])
        for number, flow in enumerate(flows):
            if flow.into == "lost":
                continue
            into = (
                net.nodes.index["depot"][:, depots[number]]
                if depots[number] >= 0
                else net.nodes.index[flow.into][:, 0]
            )
            amount = np.broadcast_to(flow.amount, (into.size, max(flow.amount.shape[-1], row + 1)))[:, row]
            given = doses.setdefault(flow.start, ([], []))
            given[0].extend(where[into])
            given[1].extend(amount)
    drug, vesicle = nets[0][0], nets[1][0]
    index = list(place_of)
    insult = made.bind("insults", "cisplatin")
    hsp = made.bind("mechanisms", "hsp70")

    def one_of(value: Any) -> float:
        flat = np.ravel(np.asarray(value, float))
        return float(flat[min(row, flat.size - 1)])

    potency = float(made.batch("example_lot").potency_of("hsp70")[row])
    cisplatin = [
        one_of(v)
        for v in (
            insult.uptake,
            insult.wall_share,
            np.log(2.0) / insult.reactive_half_life,
            insult.hill,
            insult.irritation,
        )
    ]
    clearance = one_of(made.species["stress_clearance"])
    effects = ("ec50", "onset", "offset", "prevent", "rescue", "revive")
    cells = np.array(
        [[one_of(rate) for rate in _rates(made.rates[kind], getattr(insult, kind))] for kind in KINDS]
    )
    stria = made.rates["stria"]
    system = System(
        **{name: np.concatenate(part) for name, part in parts.items()},
        site=index[1][vesicle.flux.site.reshape(-1, vesicle.flux.classes)],
        capacity=vesicle.flux.capacity[:, 0].reshape(-1, vesicle.flux.classes),
        half=vesicle.flux.half[:, 0].reshape(-1, vesicle.flux.classes),
        wall=index[0][drug.nodes.index["lateral_wall"][0]],
        corti=index[0][drug.nodes.index["organ_of_corti"][0]],
        vesicles=index[1][vesicle.nodes.index["organ_of_corti"].T],
        volume_wall=drug.volume["lateral_wall"][:, 0],
        volume_corti=drug.volume["organ_of_corti"][:, 0],
        first=place_of_injury(count, places),
        half_platinum=one_of(insult.ec50) * np.exp(one_of(insult.gradient) * made.ear.place),
        cisplatin=np.array([*cisplatin, clearance]),
        hsp70=np.array([potency, *(one_of(getattr(hsp, name)) for name in effects)]),
        cells=cells,
        others=np.array([one_of(made.rates["sgn"]["starvation"]), one_of(stria["injury"]), one_of(stria["recovery"])]),
    )  # fmt: skip
    found = [(t, np.array(n), np.array(a)) for t, (n, a) in sorted(doses.items())]
    size = count["head"] + places * count["place"]
    near = index[1][vesicle.nodes.index["scala_tympani"][0]]
    far = np.abs(np.subtract.outer(near[:3], near[:3]))[0, 2]
    joined = np.any(np.abs(system.source - system.target)[np.isin(system.source, near)] == far)
    return Ear(system, found, size, count["place"], 2 if joined else 1)


def _rates(own: Mapping[str, Any], hazard: Any) -> list[Any]:
    """What moves a kind of cell, in the order of the compiled loops; what does not withdraw or revive says nothing."""
    keys = (
        "susceptibility",
        "sensitivity",
        "repair",
        "silencing",
        "death",
        "half_stress",
        "hill",
        "silent_death",
    )
    return [*(own[key] for key in keys), hazard, *(own.get(key, 0.0) for key in ("withdrawn", "revival"))]


INJURY = 16


def _network(anatomy: Any, solute: Any, flows: Any, row: int, wet: bool) -> tuple[Network, list[int], Any]:
    """An ear's network as its doses leave it: the middle ear of a round-window dose holds fluid."""
    subjects = np.full(1, row)
    keys, depots = depots_of(flows, anatomy.grid, subjects)
    reached = int(np.max(np.count_nonzero(transport.anatomy.window_share(anatomy), axis=1)))
    windows = min(-(-reached // 8) * 8, anatomy.grid.places)
    net = Network.build(anatomy, solute, subjects, list(keys.values()), windows)
    volume = np.zeros(1)
    if wet:
        given = next(f.volume for f in flows if f.into == "middle_ear")
        volume = np.broadcast_to(given, (anatomy.subjects,))[[row]]
    return net.under(1.0, volume), depots, flows


def _order(nets: list[Any], places: int) -> tuple[list[Indices], dict[str, int]]:
    """Number of each core node of both networks: what is not along the ear, then cell by cell of the tube.

    The vestibule's cells come first, that beside the base of the scala vestibuli last of them, so that neighbours are
    near one another and a band holds them. So is the window's membrane, which has a number at each place and is only
    at some: elsewhere nothing enters it.
    """
    lumped, along, rooms, membranes = [], [], [], []
    for net, _, _ in nets:
        index = net.nodes.index
        names = [n for n in net.along if n != "vestibule"]
        along.append(np.stack([np.concatenate([index[n][:, p] for n in names]) for p in range(places)]))
        rooms.append(index["vestibule"].T[::-1])
        membranes.append(index.get(MEMBRANE, np.zeros((0, 0), np.int64)).T)
        placed = np.concatenate([part[-1].ravel() for part in (along, rooms, membranes)])
        lumped.append(np.setdiff1d(np.arange(net.nodes.sinks), placed))
    cells, in_room = rooms[0].shape[0], sum(room.shape[1] for room in rooms)
    start = sum(part.size for part in lumped)
    head = start + cells * in_room
    width = sum(part.shape[1] for part in (*along, *membranes)) + INJURY
    found, before, across, first = [], 0, 0, 0
    for (net, _, _), rest, room, a, m in zip(nets, lumped, rooms, along, membranes, strict=True):
        where = np.zeros(net.nodes.total, np.int64)
        where[rest] = before + np.arange(rest.size)
        where[room] = start + np.arange(cells)[:, None] * in_room + across + np.arange(room.shape[1])
        where[a] = head + np.arange(places)[:, None] * width + first + np.arange(a.shape[1])
        first += a.shape[1]
        where[m] = head + np.arange(m.shape[0])[:, None] * width + first + np.arange(m.shape[1])
        found.append(where)
        before, across, first = before + rest.size, across + room.shape[1], first + m.shape[1]
    return found, {"head": head, "place": width}


def place_of_injury(count: dict[str, int], places: int) -> Indices:
    """Number of the first unknown of injury at each place."""
    return count["head"] + np.arange(places) * count["place"] + count["place"] - INJURY


@njit(cache=True)
def power(x: float, half: float, hill: float) -> tuple[float, float]:
    """Sigmoid response and its slope."""
    if x <= 0.0:
        return 0.0, 0.0
    ratio = (x / half) ** hill
    e = ratio / (1.0 + ratio)
    return e, e * (1.0 - e) * hill / x


@njit(cache=True)
def rhs(y: Array, out: Array, s: System) -> None:
    """Rate of change of all unknowns."""
    out[:] = 0.0
    for e in range(s.source.size):
        moved = s.rate[e] * y[s.source[e]]
        out[s.source[e]] -= moved
        out[s.target[e]] += moved
    for e in range(s.source_out.size):
        out[s.source_out[e]] -= s.rate_out[e] * y[s.source_out[e]]
    classes = s.site.shape[1]
    for i in range(s.site.shape[0]):
        total = 0.0
        for k in range(classes):
            total += y[s.site[i, k]]
        for k in range(classes):
            out[s.site[i, k]] -= s.capacity[i, k] * y[s.site[i, k]] / (s.half[i, k] + abs(total))
    uptake, share, leaving, hill, irritation, clearance = s.cisplatin
    potency, ec50, onset, offset, prevent, rescue, revive = s.hsp70
    for p in range(s.first.size):
        f = s.first[p]
        around = share * y[s.wall[p]] / s.volume_wall[p] + (1.0 - share) * y[s.corti[p]] / s.volume_corti[p]
        effect, _ = power(y[f], s.half_platinum[p], hill)
        out[f] = uptake * around - leaving * y[f]
        out[f + 1] = irritation * effect - clearance * y[f + 1]
        contact = 0.0
        for k in range(classes):
            contact += y[s.vesicles[p, k]]
        contact *= potency / s.volume_corti[p]
        told = max(contact, 0.0) / (ec50 + max(contact, 0.0)) / onset
        out[f + 2] = told * (1.0 - y[f + 2]) - y[f + 2] / offset
        for k in range(4):
            susceptibility, sensitivity, repair, silencing, death, half, steep, silent_death = s.cells[k, :8]
            direct, withdrawn, revival = s.cells[k, 8:]
            most = revival * revive if k < 2 else 0.0
            shield = 1.0 - prevent * y[f + 2] if k < 3 else 1.0
            saved = 1.0 - rescue * y[f + 2] if k < 2 else 1.0
            deadly, _ = power(y[f + 1], half, steep)
            injury = susceptibility * (sensitivity * y[f + 1] + direct * effect) * shield
            gone = 0.0
            if k == 3:
                inner = y[f + 6] + y[f + 7] + y[f + 8]
                contacts = y[f + 9] + y[f + 10]
                gone = s.others[0] * max(1.0 - inner * contacts, 0.0)
            a, b, c = y[f + 3 + 3 * k], y[f + 4 + 3 * k], y[f + 5 + 3 * k]
            out[f + 3 + 3 * k] = -injury * a + repair * b - gone * a
            back = most * y[f + 2] * (1.0 - deadly) * c
            out[f + 4 + 3 * k] = (
                injury * a - (repair + (silencing + death * saved) * deadly + gone) * b + back
            )
            still = silencing + withdrawn * death * saved
            out[f + 5 + 3 * k] = still * deadly * b - (silent_death + gone) * c - back
        hurt = s.others[1] * y[f + 1]
        out[f + 15] = hurt - (hurt + s.others[2]) * y[f + 15]


@njit(cache=True)
def cell_slopes(
    y: Array,
    s: System,
    f: int,
    k: int,
    platinum: tuple[float, float],
    n: int,
    row: Indices,
    column: Indices,
    value: Array,
) -> int:
    """Entries of a kind of cell at a place from ``n`` on; ``platinum``: its effect and the slope of that."""
    effect, steepness = platinum
    prevent, rescue, revive = s.hsp70[4], s.hsp70[5], s.hsp70[6]
    susceptibility, sensitivity, repair, silencing, death, half, steep, silent_death = s.cells[k, :8]
    direct, withdrawn, revival = s.cells[k, 8:]
    most = revival * revive if k < 2 else 0.0
    shield = 1.0 - prevent * y[f + 2] if k < 3 else 1.0
    saved = 1.0 - rescue * y[f + 2] if k < 2 else 1.0
    deadly, rise = power(y[f + 1], half, steep)
    raw = susceptibility * (sensitivity * y[f + 1] + direct * effect)
    injury = raw * shield
    gone = 0.0
    inner = y[f + 6] + y[f + 7] + y[f + 8]
    contacts = y[f + 9] + y[f + 10]
    if k == 3:
        gone = s.others[0] * max(1.0 - inner * contacts, 0.0)
    ia, ib, ic = f + 3 + 3 * k, f + 4 + 3 * k, f + 5 + 3 * k
    a, b, c = y[ia], y[ib], y[ic]
    bys = (f, f + 1, f + 2)
    injuries = (
        susceptibility * direct * steepness * shield,
        susceptibility * sensitivity * shield,
        -raw * prevent if k < 3 else 0.0,
    )
    kills = (0.0, (silencing + death * saved) * rise, -death * rescue * deadly if k < 2 else 0.0)
    awake = most * y[f + 2] * (1.0 - deadly)
    backs = (0.0, -most * y[f + 2] * rise * c, most * (1.0 - deadly) * c)
    for j in range(3):
        row[n], column[n], value[n] = ia, bys[j], -injuries[j] * a
        row[n + 1], column[n + 1], value[n + 1] = ib, bys[j], injuries[j] * a - kills[j] * b + backs[j]
        n += 2
    # Rescue reaches none of the cells whose loss is a withdrawal.
    still = silencing + withdrawn * death * saved
    row[n], column[n], value[n] = ic, f + 1, still * rise * b - backs[1]
    row[n + 1], column[n + 1], value[n + 1] = ia, ia, -injury - gone
    row[n + 2], column[n + 2], value[n + 2] = ia, ib, repair
    row[n + 3], column[n + 3], value[n + 3] = ib, ia, injury
    row[n + 4], column[n + 4], value[n + 4] = (
        ib,
        ib,
        -(repair + (silencing + death * saved) * deadly + gone),
    )
    row[n + 5], column[n + 5], value[n + 5] = ic, ib, still * deadly
    row[n + 6], column[n + 6], value[n + 6] = ic, ic, -silent_death - gone - awake
    row[n + 7], column[n + 7], value[n + 7] = ib, ic, awake
    row[n + 8], column[n + 8], value[n + 8] = ic, f + 2, -backs[2]
    n += 9
    if k == 3:
        lone = s.others[0] if inner * contacts < 1.0 else 0.0
        for j in range(3):
            for i in range(3):
                mine = f + 12 + i
                row[n], column[n], value[n] = mine, f + 6 + j, lone * contacts * y[mine]
                row[n + 1], column[n + 1], value[n + 1] = (
                    mine,
                    f + 9 + j,
                    lone * inner * y[mine] * (j < 2),
                )
                n += 2
    return n


@njit(cache=True)
def slopes(y: Array, s: System, row: Indices, column: Indices, value: Array) -> int:
    """Entries of the Jacobian, some in parts: row, column and value of each; returns how many."""
    n = 0
    for e in range(s.source.size):
        row[n], column[n], value[n] = s.source[e], s.source[e], -s.rate[e]
        row[n + 1], column[n + 1], value[n + 1] = s.target[e], s.source[e], s.rate[e]
        n += 2
    for e in range(s.source_out.size):
        row[n], column[n], value[n] = s.source_out[e], s.source_out[e], -s.rate_out[e]
        n += 1
    classes = s.site.shape[1]
    for i in range(s.site.shape[0]):
        total = 0.0
        for k in range(classes):
            total += y[s.site[i, k]]
        sign = 1.0 if total > 0.0 else -1.0
        for k in range(classes):
            room = s.half[i, k] + abs(total)
            for j in range(classes):
                slope = sign * s.capacity[i, k] * y[s.site[i, k]] / (room * room)
                if j == k:
                    slope -= s.capacity[i, k] / room
                row[n], column[n], value[n] = s.site[i, k], s.site[i, j], slope
                n += 1
    uptake, share, leaving, hill, irritation, clearance = s.cisplatin
    potency, ec50, onset, offset = s.hsp70[0], s.hsp70[1], s.hsp70[2], s.hsp70[3]
    for p in range(s.first.size):
        f = s.first[p]
        effect, steepness = power(y[f], s.half_platinum[p], hill)
        row[n], column[n], value[n] = f, s.wall[p], uptake * share / s.volume_wall[p]
        row[n + 1], column[n + 1], value[n + 1] = f, s.corti[p], uptake * (1.0 - share) / s.volume_corti[p]
        row[n + 2], column[n + 2], value[n + 2] = f, f, -leaving
        row[n + 3], column[n + 3], value[n + 3] = f + 1, f, irritation * steepness
        row[n + 4], column[n + 4], value[n + 4] = f + 1, f + 1, -clearance
        n += 5
        contact = 0.0
        for k in range(classes):
            contact += y[s.vesicles[p, k]]
        contact *= potency / s.volume_corti[p]
        told = max(contact, 0.0) / (ec50 + max(contact, 0.0)) / onset
        row[n], column[n], value[n] = f + 2, f + 2, -told - 1.0 / offset
        n += 1
        for k in range(classes):
            slope = (
                0.0 if contact <= 0.0 else ec50 / (ec50 + contact) ** 2 / onset * potency / s.volume_corti[p]
            )
            row[n], column[n], value[n] = f + 2, s.vesicles[p, k], slope * (1.0 - y[f + 2])
            n += 1
        for k in range(4):
            n = cell_slopes(y, s, f, k, (effect, steepness), n, row, column, value)
        row[n], column[n], value[n] = f + 15, f + 1, s.others[1] * (1.0 - y[f + 15])
        row[n + 1], column[n + 1], value[n + 1] = f + 15, f + 15, -s.others[1] * y[f + 1] - s.others[2]
        n += 2
    return n


@njit(cache=True)
def scatter(value: Array, which: Indices, row: Indices, column: Indices, out: Array) -> None:
    """Add some of the entries to a matrix."""
    for n in which:
        out[row[n], column[n]] = 0.0
    for n in which:
        out[row[n], column[n]] += value[n]


class Peer:
    """An ear before a general solver: what solvers call, and the loop over doses."""

    def __init__(self, ear: Ear, scale: Array) -> None:
        """``scale``: what is large for each unknown; absolute tolerances are relative to it."""
        self.ear, self.scale = ear, scale
        room = 30 * ear.system.source.size + 300 * ear.system.first.size
        self.row, self.column = np.zeros(room, np.int64), np.zeros(room, np.int64)
        self.value = np.zeros(room)
        count = slopes(np.zeros(ear.size), ear.system, self.row, self.column, self.value)
        self.row, self.column = self.row[:count], self.column[:count]
        distance = np.abs(self.row - self.column)
        self.band = ear.reach * ear.width
        self.inside = np.flatnonzero(distance <= self.band)
        self.packed = self.row - self.column + self.band
        self.start = np.zeros(ear.size)
        for k in range(4):
            self.start[ear.system.first + 3 + 3 * k] = 1.0
        self.steps = self.jacobians = 0
        self.called = 0.0

    def fill(self, y: Array) -> None:
        """Entries of the Jacobian into ``value``."""
        slopes(y, self.ear.system, self.row, self.column, self.value)

    def through(self, solve: Callable[[float, float, Array, Array], Array]) -> Array:
        """Unknowns at each moment, shape (moment, unknown); ``solve(start, stop, y, wanted)`` between two doses."""
        y, out = self.start.copy(), np.zeros((MOMENTS.size, self.ear.size))
        times = [t for t, _, _ in self.ear.doses]
        for (time_now, where, amount), stop in zip(self.ear.doses, [*times[1:], MOMENTS[-1]], strict=True):
            np.add.at(y, where, amount)
            inside = np.greater(MOMENTS, time_now) & np.less_equal(MOMENTS, stop)
            wanted = np.unique([*MOMENTS[inside], stop])
            found = solve(time_now, stop, y, wanted)
            out[inside] = found[np.isin(wanted, MOMENTS[inside])]
            y = found[-1].copy()
        return out


def cvode(peer: Peer, rtol: float, floor: float, sparse: bool = False) -> Array:
    """scikit-sundae's CVODE: BDF, banded or sparse, right-hand side and Jacobian compiled."""
    from scipy.sparse import csc_array
    from sksundae.cvode import CVODE

    system, size, band = peer.ear.system, peer.ear.size, peer.band
    keys, slot = np.unique(peer.column * size + peer.row, return_inverse=True)

    def rates(t: float, y: Array, out: Array) -> None:
        began = time.thread_time()
        rhs(y, out, system)
        peer.called += time.thread_time() - began

    def jacobian(t: float, y: Array, yp: Array, out: Array) -> None:
        began = time.thread_time()
        peer.fill(y)
        if sparse:
            out[:] = np.bincount(slot, peer.value[: slot.size], keys.size)
        else:
            scatter(peer.value, peer.inside, peer.row, peer.column, out)
        peer.jacobians += 1
        peer.called += time.thread_time() - began

    shape: dict[str, Any] = {"linsolver": "band", "lband": band, "uband": band}
    if sparse:
        ones = csc_array((np.ones(keys.size), (keys % size, keys // size)), shape=(size, size))
        ones.indices, ones.indptr = ones.indices.astype(np.int32), ones.indptr.astype(np.int32)
        shape = {"linsolver": "sparse", "sparsity": ones}
    with warnings.catch_warnings():
        # Of a Jacobian it says that it needs no pattern; it needs it all the same.
        warnings.filterwarnings("ignore", "Custom sparse Jacobian")
        solver = CVODE(
            rates, jacfn=jacobian, rtol=rtol, atol=rtol * floor * peer.scale, max_num_steps=1_000_000, **shape
        )

    def solve(start: float, stop: float, y: Array, wanted: Array) -> Array:
        run = solver.solve(np.concatenate([[start], wanted]), y)
        if not run.success:
            raise RuntimeError(run.message)
        peer.steps += int(run.nfev)
        return np.asarray(run.y[1:])

    return peer.through(solve)


def scipy_solver(peer: Peer, method: Literal["LSODA", "BDF"], rtol: float, floor: float) -> Array:
    """SciPy's LSODA with a packed band, or BDF with a sparse Jacobian."""
    from scipy.integrate import solve_ivp
    from scipy.sparse import csc_array

    system, size, band = peer.ear.system, peer.ear.size, peer.band
    out, packed = np.zeros(size), np.zeros((2 * band + 1, size))

    def rates(t: float, y: Array) -> Array:
        rhs(y, out, system)
        return out.copy()

    def jacobian(t: float, y: Array) -> Any:
        peer.fill(y)
        if method == "LSODA":
            scatter(peer.value, peer.inside, peer.packed, peer.column, packed)
            return packed
        count = peer.row.size
        return csc_array((peer.value[:count], (peer.row, peer.column)), shape=(size, size))

    more: dict[str, Any] = {"lband": band, "uband": band} if method == "LSODA" else {}

    def solve(start: float, stop: float, y: Array, wanted: Array) -> Array:
        # A step far too long may leave all range on its way; the solver rejects it and takes a shorter one.
        with np.errstate(all="ignore"):
            run = solve_ivp(
                rates, (start, stop), y, method, wanted, jac=jacobian, rtol=rtol, atol=rtol * floor * peer.scale,
                **more,
            )  # fmt: skip
        if not run.success:
            raise RuntimeError(run.message)
        peer.steps += run.nfev
        return np.asarray(run.y.T)

    return peer.through(solve)


def readings(ear: Ear, y: Array) -> tuple[Array, Array]:
    """Vesicles in the organ of Corti (moment, place), and cells counted (moment, kind, place)."""
    vesicles = y[:, ear.system.vesicles].sum(axis=2) / ear.system.volume_corti
    first = ear.system.first[:, None] + 3 + np.arange(3)
    # A silent synapse has come apart and is not counted.
    alive = [2 if kind == "synapse" else 3 for kind in KINDS]
    counted = [y[:, first[:, :some] + 3 * k].sum(axis=2) for k, some in enumerate(alive)]
    return vesicles, np.stack(counted, axis=1)


def on_places(reading: tuple[Array, Array], volume: Array, places: int) -> tuple[Array, Array]:
    """Readings on a grid of fewer places, whose borders are borders of theirs: means by ``volume``, shape (place,)."""
    weights = volume.reshape(places, -1)

    def mean(values: Array) -> Array:
        parts = values.reshape(*values.shape[:-1], *weights.shape)
        return np.asarray((parts * weights).sum(axis=-1) / weights.sum(axis=-1))

    return mean(reading[0]), mean(reading[1])


def misses(one: tuple[Array, Array], two: tuple[Array, Array]) -> tuple[float, float]:
    """Largest difference of vesicles relative to their peak, and of cells as a fraction."""
    return (
        float(np.max(np.abs(one[0] - two[0])) / np.max(np.abs(two[0]))),
        float(np.max(np.abs(one[1] - two[1]))),
    )


def ours(made: forward.Cochleae) -> list[tuple[Array, Array]]:
    """The same readings of each ear from otosome's own chain."""
    arm = made.plan.arms[0]
    at = made.plan.at(MOMENTS)
    fate = forward.Fate(made, arm)
    cells, carried = fate.cells, fate.vesicles
    assert carried is not None
    vesicles = carried.concentration["organ_of_corti"].sum(axis=0)[:, at]
    counted = np.stack([cells.counted(kind)[:, at] for kind in KINDS], axis=2)
    return list(zip(vesicles, counted, strict=True))


def scales(ear: Ear, y: Array) -> Array:
    """What is large for each unknown of a solution (moment, unknown): its own largest value, or a thousandth of
    the largest of its like at any place."""
    own = np.max(np.abs(y), axis=0)
    head = ear.size - ear.width * ear.system.first.size
    alike = own.copy()
    alike[head:] = np.tile(own[head:].reshape(-1, ear.width).max(axis=0), ear.system.first.size)
    return np.maximum(np.maximum(own, 1e-3 * alike), 1e-12 * alike.max())


def rough(ear: Ear) -> Array:
    """A loose solution, for the scales alone."""
    peer = Peer(ear, np.ones(ear.size))
    dose = max(float(amount.max()) for _, _, amount in ear.doses)
    injury = (ear.system.first[:, None] + np.arange(INJURY)).ravel()
    peer.scale = np.full(ear.size, 1e-6 * dose)
    peer.scale[injury] = 1.0
    return scipy_solver(peer, "BDF", 1e-3, 1.0)
