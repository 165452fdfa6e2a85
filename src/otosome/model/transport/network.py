"""The inner ear as amounts at nodes and rates along edges: what leaves one node enters another, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.lanes import aligned
from otosome.model.transport.anatomy import Anatomy, window_share
from otosome.model.transport.axial import Tube, neighbours
from otosome.model.transport.grid import Grid
from otosome.model.transport.kernel import (
    Axial,
    Flux,
    Indices,
    Pattern,
    Rows,
    blend,
)
from otosome.model.transport.pattern import eliminate
from otosome.model.transport.solute import CONVERSIONS, Solute
from otosome.units import Array, Microlitres

if TYPE_CHECKING:
    from scipy.sparse import csr_array

TISSUES = ("organ_of_corti", "lateral_wall", "rosenthals_canal")
# Scala media only where a solute states how it gets there; first, as it hangs on the lateral wall alone.
ALONG = ("scala_media", *TISSUES, "scala_tympani", "scala_vestibuli")
LUMPED = ("middle_ear", "cerebrospinal_fluid", "plasma")
# Only where a solute states how it comes and goes.
REST = "rest_of_body"
# Only where a species states how thick it is; one node for each place under the window.
MEMBRANE = "round_window_membrane"
LEDGER = (
    *(f"degraded_{tissue}" for tissue in TISSUES),
    "cleared_scala_media",
    "cleared_middle_ear",
    "cleared_cerebrospinal_fluid",
    "eliminated",
    "reacted",
    "vented",
    "sampled",
    "lost",
)


@dataclass(frozen=True)
class Nodes:
    """Numbers of the nodes, shape (classes, cell) by name.

    First those that are eliminated, in order; then what nothing depends on: from ``sinks`` what cells have
    internalised, from ``ledger`` the ledger.
    """

    index: dict[str, Indices]
    sinks: int
    ledger: int
    total: int

    @classmethod
    def number(cls, solute: Solute, grid: Grid, depots: int, membrane: int) -> Nodes:
        """Tissues, depots, membrane, scalae, vestibule, lumped fluids; internalised amounts, ledger.

        Places go from apex to base. The tissues of a place, or the classes in one, make whole blocks of the matrix.

        ``depots``, ``membrane``  how many nodes of each, in each class
        """
        classes, places = solute.classes, grid.places
        index: dict[str, Indices] = {}
        start = 0

        def add(names: Sequence[str], cells: int) -> int:
            first = start
            for name in names:
                index[name] = _block(first, classes, cells)
                first += classes * cells
            return first

        def weave(names: Sequence[str]) -> int:
            for slot, name in enumerate(names):
                cells = (places - 1 - np.arange(places)) * len(names) + slot
                index[name] = start + cells * classes + np.arange(classes)[:, None]
            return start + classes * places * len(names)

        start = weave(ALONG[:-2] if solute.media else ALONG[1:-2])
        start = add(["depot"], depots)
        if membrane:
            start = add([MEMBRANE], membrane)
        start = weave(ALONG[-2:])
        start = add(["vestibule"], grid.vestibule)
        sinks = start = add((*LUMPED, REST) if solute.plasma_exchange is not None else LUMPED, 1)
        taken = TISSUES if np.any(solute.uptake_capacity > 0) else ()
        ledger = start = add([f"{tissue}_inside" for tissue in taken], places)
        return cls(index, sinks, ledger, add(LEDGER, 1))


def _block(start: int, classes: int, cells: int) -> Indices:
    return start + np.arange(cells) * classes + np.arange(classes)[:, None]


class Edges:
    """A growing list of edges, each with the group its rate may be rescaled with later."""

    def __init__(self, classes: int, lanes: int) -> None:
        self.shape = (classes, lanes)
        self.parts: list[tuple[Indices, Indices, Array, int]] = []

    def add(self, source: Indices, target: Indices, rate: Array, group: int = 0) -> None:
        """Edges from ``source`` to ``target``, (classes, cell or 1), at ``rate`` (.., cell, lane)."""
        cells = max(source.shape[1], target.shape[1])
        shape = (self.shape[0], cells)
        rates = np.broadcast_to(rate, (*shape, self.shape[1])).reshape(-1, self.shape[1])
        ends = (np.broadcast_to(source, shape).ravel(), np.broadcast_to(target, shape).ravel())
        self.parts.append((*ends, rates, group))

    def join(
        self, left: Indices, right: Indices, conductance: Array, room: tuple[Array, Array], group: int = 0
    ) -> None:
        """Exchange: conductance (uL/h) times amount over room, both ways; room is volume times partition."""
        self.add(left, right, conductance / room[0], group)
        self.add(right, left, conductance / room[1], group)


# Groups of edges whose rates change with time.
FIXED, BARRIER, FROM_MIDDLE_EAR, TO_MIDDLE_EAR = 0, 1, 2, 3


@dataclass(frozen=True)
class Network:
    """A block of inner ears for one solute: nodes, edges, uptake, and the matrix pattern they give.

    ``volume``  uL by fluid or tissue, shape (cell, lane); plasma is a solute's own, (classes, 1, lane)
    ``axial``   what crosses the borders of the tube
    ``group``   which edges a leak of the barrier or the middle ear's volume rescales, shape (edge,)
    """

    grid: Grid
    nodes: Nodes
    volume: dict[str, Microlitres]
    flux: Flux
    axial: Axial
    group: Indices
    pattern: Pattern

    @classmethod
    def build(
        cls,
        anatomy: Anatomy,
        solute: Solute,
        subjects: Indices,
        depots: list[tuple[str, Array]],
        windows: int,
    ) -> Network:
        """Network of some subjects.

        ``subjects`` shape (lane,): one each, or one again to fill the block
        ``depots``   where each depot empties into (``"scala_tympani:3"`` is its fourth place) and at what 1/h
        ``windows``  number of basal places the round window may lie over
        """
        ear, lanes = anatomy.take(subjects), subjects.size
        membrane = 0 if ear.round_window_thickness is None else windows
        nodes = Nodes.number(solute, ear.grid, len(depots), membrane)
        volume = _volumes(ear, solute, subjects)
        if ear.round_window_thickness is not None:
            area = (ear.round_window_area[:, None] * window_share(ear)).T[:windows]
            volume[MEMBRANE] = ear.round_window_thickness * area
        edges = Edges(solute.classes, lanes)
        axial = _crossed(edges, nodes, _tube(ear, volume, solute, subjects))
        _exchange(edges, nodes, ear, volume, solute, subjects)
        if solute.media:
            _media(edges, nodes, volume, solute, subjects)
        _windows(edges, nodes, ear, volume, solute, subjects, windows)
        _depots(edges, nodes, depots)
        _losses(edges, nodes, ear, volume, solute, subjects)
        _conversion(edges, nodes, solute, subjects)
        flux, order = _sorted(edges, nodes, _uptake(nodes, volume, solute, subjects, lanes))
        group = np.concatenate([np.full(part[0].size, part[3]) for part in edges.parts])[order]
        axial = axial._replace(edge=_rows(np.argsort(order)[axial.edge]))
        pattern = eliminate(nodes.sinks, nodes.ledger, flux)
        return cls(ear.grid, nodes, volume, flux, axial, group, pattern)._settled(flux.rate)

    @property
    def along(self) -> tuple[str, ...]:
        """Fluids and tissues along the ear that this network has."""
        return tuple(name for name in (*ALONG, "vestibule") if name in self.nodes.index)

    def under(self, leak: float, middle_ear: Microlitres) -> Network:
        """The network while the barrier leaks ``leak`` times as much and the middle ear holds this volume.

        ``middle_ear``  uL, shape (lane,); without fluid nothing crosses the windows
        """
        wet = middle_ear > 0
        rate = _aligned(self.flux.rate)
        rate[self.group == BARRIER] *= leak
        rate[self.group == FROM_MIDDLE_EAR] *= wet / np.where(wet, middle_ear, 1.0)
        rate[self.group == TO_MIDDLE_EAR] *= wet
        return self._settled(rate)

    def _settled(self, rate: Array) -> Network:
        """The network with other rates (edge, lane); those along the tube are plain until they are blended."""
        others = _aligned(rate)
        others[self.axial.edge] = 0.0
        axial = self.axial._replace(leaving=_leaving(self.flux.source, others, self.nodes.total))
        others[axial.edge] = axial.plain[axial.left] - axial.plain[axial.right]
        leaving = _leaving(self.flux.source, others, self.nodes.total)
        return replace(self, axial=axial, flux=self.flux._replace(rate=others, leaving=leaving))

    def alone(self) -> Network:
        """The same network with room of its own to work in: several blocks may go through it at a time."""
        flux = self.flux._replace(rate=_aligned(self.flux.rate), leaving=_aligned(self.flux.leaving))
        share, later, mixed = (
            _aligned(room) for room in (self.axial.share, self.axial.later, self.axial.mixed)
        )
        return replace(self, flux=flux, axial=self.axial._replace(share=share, later=later, mixed=mixed))

    def blended(self, amounts: Array) -> Network:
        """The network with the rates along the tube that these amounts (node, lane) let be smooth."""
        flux = self.flux._replace(rate=_aligned(self.flux.rate), leaving=_aligned(self.flux.leaving))
        blend(amounts, flux, self.axial)
        return replace(self, flux=flux)

    def rates(self, amounts: Array) -> Array:
        """Rate of change of every amount in plain NumPy, (node, lane) to (node, lane)."""
        flux = self.flux
        change = np.zeros_like(amounts)
        moved = flux.rate * amounts[flux.source]
        np.subtract.at(change, flux.source, moved)
        np.add.at(change, flux.target, moved)
        taken = flux.capacity * amounts[flux.site] / (flux.half + np.abs(self.competing(amounts)))
        np.subtract.at(change, flux.site, taken)
        np.add.at(change, flux.inside, taken)
        return change

    def jacobian(self, amounts: Array, lane: int) -> csr_array:
        """Derivative of the rates of one lane by its amounts, (node, node); ``amounts`` (node, lane)."""
        from scipy.sparse import csr_array

        flux = self.flux
        here, total = amounts[flux.site, lane], self.competing(amounts)[:, lane]
        room = flux.half[:, lane] + np.abs(total)
        shape = (-1, flux.classes)
        competes = (np.where(total > 0, here, -here) / room).reshape(*shape, 1)
        slope = (flux.capacity[:, lane] / room).reshape(*shape, 1) * (np.eye(flux.classes) - competes)
        by = np.broadcast_to(flux.site.reshape(*shape)[:, None, :], slope.shape)
        of, to = (np.broadcast_to(n.reshape(*shape, 1), slope.shape) for n in (flux.site, flux.inside))
        rate = flux.rate[:, lane]
        values = [-rate, rate, -slope.ravel(), slope.ravel()]
        rows = [flux.source, flux.target, of.ravel(), to.ravel()]
        columns = [flux.source, flux.source, by.ravel(), by.ravel()]
        shape = (self.nodes.total, self.nodes.total)
        return csr_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=shape
        )

    def competing(self, amounts: Array) -> Array:
        """All classes together at each uptake site, once for each class, (site and class, lane)."""
        total = amounts[self.flux.site].reshape(-1, self.flux.classes, amounts.shape[1]).sum(axis=1)
        return np.repeat(total, self.flux.classes, axis=0)

    def weight(self) -> Array:
        """1 / volume of every place along the ear, (node, lane), zero elsewhere: where errors are judged."""
        lanes = self.flux.rate.shape[1]
        weight = aligned(self.nodes.total, lanes)
        for name in self.along:
            weight[self.nodes.index[name]] = 1.0 / self.volume[name]
        return weight

    def tube(self) -> tuple[Indices, Microlitres]:
        """Nodes (classes, cell) and volumes (cell, lane) from the base over the apex to the vestibule."""
        return _chain(self.nodes), _along(self.volume)


def _volumes(ear: Anatomy, solute: Solute, subjects: Indices) -> dict[str, Microlitres]:
    width = ear.grid.width[:, None] * ear.scala_tympani_length
    areas = {tissue: getattr(ear, f"{tissue}_area") for tissue in TISSUES} | {
        "lateral_wall": ear.lateral_wall.T
    }
    if solute.media:
        if ear.scala_media_area is None:
            raise ValueError("scala_media_area: none; a solute that states media_entry needs it")
        areas["scala_media"] = ear.scala_media_area
    areas |= {"scala_tympani": ear.scala_tympani.T, "scala_vestibuli": ear.scala_vestibuli.T}
    volume = {name: np.ascontiguousarray(area * width) for name, area in areas.items()}
    volume["vestibule"] = np.diff(ear.grid.vestibule_edges)[:, None] * ear.vestibule_volume
    volume["cerebrospinal_fluid"] = ear.csf_volume[None]
    volume["plasma"] = solute.lanes("plasma_volume", subjects) * ear.body_mass
    return volume


def _chain(nodes: Nodes) -> Indices:
    parts = (nodes.index["scala_tympani"], nodes.index["scala_vestibuli"][:, ::-1], nodes.index["vestibule"])
    return np.concatenate(parts, axis=1)


def _along(volume: dict[str, Microlitres]) -> Microlitres:
    return np.concatenate([volume["scala_tympani"], volume["scala_vestibuli"][::-1], volume["vestibule"]])


def _tube(ear: Anatomy, volume: dict[str, Microlitres], solute: Solute, subjects: Indices) -> Tube:
    """The tube with cerebrospinal fluid behind both ends: the aqueduct, and where axial flow returns."""
    width = ear.grid.width[:, None] * ear.scala_tympani_length
    cell = np.diff(ear.grid.vestibule_edges)[:, None] * ear.vestibule_length
    return Tube(
        _along(volume),
        np.concatenate([width, width[::-1], cell]),
        (ear.grid.places, ear.grid.places, ear.grid.vestibule),
        solute.spreading(subjects) * (1.0 + solute.lanes("dispersion", subjects)),
        ear.axial_flow,
        ear.aqueduct_exchange,
        ear.csf_volume,
    )


def _crossed(edges: Edges, nodes: Nodes, tube: Tube) -> Axial:
    """What crosses the borders of the tube, as edges between cells one and two apart; they are the first."""
    smooth, plain = tube.smooth(), tube.plain()
    classes, borders, around, lanes = smooth.shape
    outside = nodes.index["cerebrospinal_fluid"]
    chain = np.concatenate([outside, _chain(nodes), outside], axis=1)
    places, nothing = [], classes * borders * around
    for distance, source, *parts in neighbours(borders):
        edges.add(chain[:, source], chain[:, source + distance], np.ones(1))
        start = np.arange(classes)[:, None] * borders * around
        places.append(np.stack([np.where(part < 0, nothing, start + part).ravel() for part in parts]))
    left, right = np.concatenate(places, axis=1)

    def rows(crossing: Array) -> Array:
        return _aligned(np.concatenate([crossing.reshape(-1, lanes), np.zeros((1, lanes))]))

    return Axial(
        _rows(_chain(nodes).ravel()),
        _aligned(1.0 / tube.volumes),
        rows(smooth),
        rows(plain),
        _rows(np.arange(left.size)),
        _rows(left),
        _rows(right),
        aligned(nodes.total, lanes),
        _aligned(tube.steep()),
        aligned(borders, lanes),
        aligned(borders, lanes),
        aligned(nothing + 1, lanes),
    )


def _exchange(
    edges: Edges,
    nodes: Nodes,
    ear: Anatomy,
    volume: dict[str, Microlitres],
    solute: Solute,
    subjects: Indices,
) -> None:
    """Exchange across the walls at each place: volume ln 2 / half-time of the fluid named, uL/h."""
    at = nodes.index
    scaled = (
        solute.lanes("diffusion", subjects) / ear.tracer_diffusion * solute.lanes("exchange_scale", subjects)
    )
    tissue = scaled * solute.lanes("hindrance", subjects)
    partition = dict(zip(TISSUES, ("corti_partition", "wall_partition", "canal_partition"), strict=True))
    room = {t: volume[t] * solute.lanes(partition[t], subjects) for t in TISSUES} | {
        name: volume[name][None] / solute.free("perilymph", subjects)
        for name in ("scala_tympani", "scala_vestibuli")
    }
    room["cerebrospinal_fluid"] = volume["cerebrospinal_fluid"][None]

    def join(left: str, right: str, of: str, half_time: Array, scale: Array) -> None:
        conductance = scale * volume[of] * np.log(2.0) / half_time
        edges.join(at[left], at[right], conductance, (room[left], room[right]))

    st, sv = "scala_tympani", "scala_vestibuli"
    corti, wall, canal = TISSUES
    join(st, sv, st, ear.communication_half_time, scaled)
    join(st, wall, st, ear.tympani_clearance_half_time, tissue)
    join(sv, wall, sv, ear.vestibuli_clearance_half_time, tissue)
    join(st, corti, corti, ear.corti_half_time, tissue)
    # The canal's half-time is into both scalae together; each takes half.
    join(st, canal, canal, ear.canal_half_time, 0.5 * tissue)
    join(sv, canal, canal, ear.canal_half_time, 0.5 * tissue)
    join(canal, "cerebrospinal_fluid", canal, ear.nerve_canal_half_time, tissue)
    leak = tissue * volume[wall] * ear.supply.T * np.log(2.0) / ear.wall_blood_half_time
    # What the wall holds in equilibrium with plasma is in equilibrium with so much perilymph.
    blood = leak * solute.lanes("blood_partition", subjects) * solute.free("plasma", subjects)
    edges.add(at[wall], at["plasma"], leak / room[wall], BARRIER)
    edges.add(at["plasma"], at[wall], blood / volume["plasma"], BARRIER)


def _media(
    edges: Edges, nodes: Nodes, volume: dict[str, Microlitres], solute: Solute, subjects: Indices
) -> None:
    """Endolymph: into it from the lateral wall, back against another conductance, and lost from it."""
    at, room = nodes.index, volume["scala_media"]
    entry, partition = (solute.lanes(name, subjects) for name in ("media_entry", "media_partition"))
    wall = volume["lateral_wall"] * solute.lanes("wall_partition", subjects)
    edges.join(at["lateral_wall"], at["scala_media"], entry * room, (wall, room * partition))
    if solute.media_loss is not None:
        edges.add(at["scala_media"], at["cleared_scala_media"], solute.lanes("media_loss", subjects))


def _windows(
    edges: Edges,
    nodes: Nodes,
    ear: Anatomy,
    volume: dict[str, Microlitres],
    solute: Solute,
    subjects: Indices,
    windows: int,
) -> None:
    """Round window over the basal places, oval window over the vestibule; per uL of middle-ear fluid."""
    # What is bound to protein does not come back out.
    perilymph = {
        name: volume[name] / solute.free("perilymph", subjects) for name in ("scala_tympani", "vestibule")
    }
    round_window = solute.lanes("round_window_permeability", subjects) * ear.windows
    conductance = round_window * (ear.round_window_area[:, None] * window_share(ear)).T[:windows]
    if ear.round_window_thickness is None:
        _open(edges, nodes, "scala_tympani", conductance, perilymph["scala_tympani"])
    else:
        _through_membrane(edges, nodes, ear, perilymph["scala_tympani"], solute, subjects, conductance)
    oval = ear.oval_window_area * np.diff(ear.grid.vestibule_edges)[:, None]
    permeability = solute.lanes("oval_window_permeability", subjects) * ear.windows
    _open(edges, nodes, "vestibule", permeability * oval, perilymph["vestibule"])
    # Thin bone, as of rodents: fluid in the bulla lies on the whole of the scala tympani.
    if ear.otic_capsule_width is not None and solute.capsule_permeability is not None:
        bone = ear.otic_capsule_width * ear.scala_tympani_length * ear.grid.width[:, None]
        permeability = solute.lanes("capsule_permeability", subjects)
        _open(edges, nodes, "scala_tympani", permeability * bone, perilymph["scala_tympani"])


def _open(edges: Edges, nodes: Nodes, into: str, conductance: Array, volume: Microlitres) -> None:
    """From the middle ear into the first cells of a fluid and back, both at once."""
    cells = conductance.shape[-2]
    inside, outside = nodes.index[into][:, :cells], nodes.index["middle_ear"]
    edges.add(outside, inside, conductance, FROM_MIDDLE_EAR)
    edges.add(inside, outside, conductance / volume[..., :cells, :], TO_MIDDLE_EAR)


def _through_membrane(
    edges: Edges,
    nodes: Nodes,
    ear: Anatomy,
    perilymph: Microlitres,
    solute: Solute,
    subjects: Indices,
    conductance: Array,
) -> None:
    """Through a membrane that holds what is on its way: half of its resistance lies before its middle, half behind.

    Steady, as much passes as without it. The first of it is late by thickness x partition / (4 permeability): seconds
    for a small ion, hours for a protein. It holds of a solute what the lateral wall holds.
    """
    assert ear.round_window_thickness is not None
    cells = conductance.shape[-2]
    permeability = solute.lanes("round_window_permeability", subjects) * ear.windows
    out = 2.0 * permeability / (ear.round_window_thickness * solute.lanes("wall_partition", subjects))
    inside, membrane = nodes.index["scala_tympani"][:, :cells], nodes.index[MEMBRANE]
    outside = nodes.index["middle_ear"]
    edges.add(outside, membrane, 2.0 * conductance, FROM_MIDDLE_EAR)
    edges.add(membrane, outside, out, TO_MIDDLE_EAR)
    edges.add(membrane, inside, out)
    edges.add(inside, membrane, 2.0 * conductance / perilymph[..., :cells, :])


def _depots(edges: Edges, nodes: Nodes, depots: list[tuple[str, Array]]) -> None:
    for number, (into, release) in enumerate(depots):
        name, _, cell = into.partition(":")
        target = nodes.index[name][:, [int(cell or 0)]]
        edges.add(nodes.index["depot"][:, [number]], target, release)


def _losses(
    edges: Edges,
    nodes: Nodes,
    ear: Anatomy,
    volume: dict[str, Microlitres],
    solute: Solute,
    subjects: Indices,
) -> None:
    at = nodes.index
    half_time = ear.middle_ear_half_time
    if solute.middle_ear_half_time is not None:
        half_time = solute.lanes("middle_ear_half_time", subjects)
    lost, absorbed = np.log(2.0) / half_time, np.zeros(1)
    if solute.middle_ear_absorbed is not None:
        ratio = solute.lanes("middle_ear_absorbed", subjects)
        absorbed = ratio / (1.0 + ratio)
    edges.add(at["middle_ear"], at["cleared_middle_ear"], (1.0 - absorbed) * lost)
    edges.add(at["middle_ear"], at["plasma"], absorbed * lost)
    if solute.plasma_exchange is not None:
        edges.add(at["plasma"], at[REST], solute.lanes("plasma_exchange", subjects))
        edges.add(at[REST], at["plasma"], solute.lanes("plasma_return", subjects))
    edges.add(at["cerebrospinal_fluid"], at["cleared_cerebrospinal_fluid"], ear.csf_turnover / ear.csf_volume)
    edges.add(at["plasma"], at["eliminated"], solute.lanes("plasma_clearance", subjects))
    for name in (*ALONG, "vestibule", "middle_ear", "cerebrospinal_fluid"):
        if name in at:
            edges.add(at[name], at["reacted"], solute.lanes("loss", subjects))
    for tissue in TISSUES:
        if f"{tissue}_inside" in at:
            edges.add(at[f"{tissue}_inside"], at[f"degraded_{tissue}"], solute.lanes("degradation", subjects))


def _conversion(edges: Edges, nodes: Nodes, solute: Solute, subjects: Indices) -> None:
    """A prodrug that becomes the next class where it is."""
    for number, places in CONVERSIONS.items():
        if getattr(solute, number) is None:
            continue
        for here in (nodes.index[name] for name in places):
            last = np.broadcast_to(nodes.index["reacted"][-1:], (1, here.shape[1]))
            edges.add(here, np.concatenate([here[1:], last]), solute.lanes(number, subjects))


def _uptake(
    nodes: Nodes, volume: dict[str, Microlitres], solute: Solute, subjects: Indices, lanes: int
) -> tuple[Indices, Indices, Array, Array]:
    """Sites and what they fill (site, classes); capacity in amount/h and half-amount (.., lane)."""
    tissues = [t for t in TISSUES if f"{t}_inside" in nodes.index]
    classes = solute.classes
    if not tissues:
        none = np.zeros((0, classes), np.int64)
        return none, none, np.zeros((0, classes, lanes)), np.zeros((0, classes, lanes))
    site = np.concatenate([nodes.index[t].T for t in tissues])
    inside = np.concatenate([nodes.index[f"{t}_inside"].T for t in tissues])
    space = np.concatenate([volume[t] for t in tissues])[:, None, :]
    full = solute.lanes("uptake_capacity", subjects)[None, :, 0]
    # Where nothing is taken up the half-amount is immaterial; one keeps 0 / 0 away.
    half = np.where(full > 0, solute.lanes("uptake_half", subjects)[None, :, 0], 1.0)
    return site, inside, full * space, half * space


def _sorted(
    edges: Edges, nodes: Nodes, uptake: tuple[Indices, Indices, Array, Array]
) -> tuple[Flux, Indices]:
    """The flux, and which edge as added each of its edges is."""
    source, target, rate = (np.concatenate([part[n] for part in edges.parts]) for n in range(3))
    order = np.argsort(target, kind="stable")
    site, inside, capacity, half = uptake
    flat = (-1, rate.shape[1])
    flux = Flux(
        _rows(source[order]),
        _rows(target[order]),
        _aligned(rate[order]),
        _rows(np.bincount(target, minlength=nodes.total)),
        _leaving(source, rate, nodes.total),
        site.shape[1],
        _rows(site.ravel()),
        _rows(inside.ravel()),
        _aligned(capacity.reshape(flat)),
        _aligned(half.reshape(flat)),
        1.0,
    )
    return flux, order


def _leaving(source: Indices | Rows, rate: Array, nodes: int) -> Array:
    """Sum of the rates out of each node, (node, lane)."""
    return _aligned(np.stack([np.bincount(source, lane, nodes) for lane in rate.T], axis=1))


def _rows(numbers: Indices) -> Rows:
    return np.ascontiguousarray(numbers, np.int32)


def _aligned(values: Array) -> Array:
    copy = aligned(*values.shape)
    copy[:] = values
    return copy
