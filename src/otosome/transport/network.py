"""The inner ear as amounts at nodes and rates along edges: what leaves one node enters another, exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from otosome.lanes import aligned
from otosome.transport.anatomy import Anatomy, window_share
from otosome.transport.grid import Grid
from otosome.transport.kernel import Flux, Indices, Pattern, Rows
from otosome.transport.pattern import eliminate
from otosome.transport.solute import Solute
from otosome.units import Array, Microlitres, MicrolitresPerHour

TISSUES = ("organ_of_corti", "lateral_wall", "rosenthals_canal")
# Scala media only where a solute states how it gets there; first, as it hangs on the lateral wall alone.
ALONG = ("scala_media", *TISSUES, "scala_tympani", "scala_vestibuli")
LUMPED = ("middle_ear", "cerebrospinal_fluid", "plasma")
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
    """Numbers of the nodes, shape (classes, cell) by name; core nodes first, in the order of elimination."""

    index: dict[str, Indices]
    core: int
    ledger: int
    total: int

    @classmethod
    def number(
        cls, classes: int, places: int, vestibule: int, depots: int, uptake: bool, media: bool
    ) -> Nodes:
        """Depots, places from apex to base, vestibule, lumped fluids, internalised amounts, ledger."""
        index: dict[str, Indices] = {}
        index["depot"] = _block(0, classes, depots)
        start = classes * depots
        along = ALONG if media else ALONG[1:]
        for slot, name in enumerate(along):
            cells = (places - 1 - np.arange(places)) * len(along) + slot
            index[name] = start + cells * classes + np.arange(classes)[:, None]
        start += classes * places * len(along)
        for name, count in [("vestibule", vestibule), *((lumped, 1) for lumped in LUMPED)]:
            index[name] = _block(start, classes, count)
            start += classes * count
        core = start
        for tissue in TISSUES if uptake else ():
            index[f"{tissue}_inside"] = _block(start, classes, places)
            start += classes * places
        ledger = start
        for name in LEDGER:
            index[name] = _block(start, classes, 1)
            start += classes
        return cls(index, core, ledger, start)


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
        self, one: Indices, two: Indices, conductance: Array, room: tuple[Array, Array], group: int = 0
    ) -> None:
        """Exchange: conductance (uL/h) times amount over room, both ways; room is volume times partition."""
        self.add(one, two, conductance / room[0], group)
        self.add(two, one, conductance / room[1], group)


# Groups of edges whose rates change with time.
FIXED, BARRIER, FROM_MIDDLE_EAR, TO_MIDDLE_EAR = 0, 1, 2, 3


@dataclass(frozen=True)
class Network:
    """A block of inner ears for one solute: nodes, edges, uptake, and the matrix pattern they give.

    ``volume``  uL by fluid or tissue, shape (cell, lane); plasma is a solute's own, (classes, 1, lane)
    ``group``   which edges a leak of the barrier or the middle ear's volume rescales, shape (edge,)
    """

    grid: Grid
    nodes: Nodes
    volume: dict[str, Microlitres]
    flux: Flux
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
        uptake = bool(np.any(solute.uptake_capacity > 0))
        nodes = Nodes.number(
            solute.classes, ear.grid.places, ear.grid.vestibule, len(depots), uptake, solute.media
        )
        volume = _volumes(ear, solute, subjects)
        edges = Edges(solute.classes, lanes)
        _tube(edges, nodes, ear, volume, solute, subjects)
        _exchange(edges, nodes, ear, volume, solute, subjects)
        if solute.media:
            _media(edges, nodes, volume, solute, subjects)
        _windows(edges, nodes, ear, volume, solute, subjects, windows)
        _depots(edges, nodes, depots)
        _losses(edges, nodes, ear, volume, solute, subjects)
        flux, group = _sorted(edges, nodes, _uptake(nodes, volume, solute, subjects, lanes))
        inner = flux.target < nodes.core
        site = flux.site.reshape(-1, solute.classes)
        pattern = eliminate(nodes.core, flux.source[inner], flux.target[inner], site)
        return cls(ear.grid, nodes, volume, flux, group, pattern)

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
        leaving = _leaving(self.flux.source, rate, self.nodes.total)
        return replace(self, flux=self.flux._replace(rate=rate, leaving=leaving))

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
    areas = {tissue: getattr(ear, f"{tissue}_area") for tissue in TISSUES}
    if solute.media:
        if ear.scala_media_area is None:
            raise ValueError("scala_media_area: none; a solute that states media_entry needs it")
        areas["scala_media"] = ear.scala_media_area
    areas |= {"scala_tympani": ear.scala_tympani.T, "scala_vestibuli": ear.scala_vestibuli.T}
    volume = {name: np.ascontiguousarray(area * width) for name, area in areas.items()}
    cells = ear.grid.vestibule
    volume["vestibule"] = np.broadcast_to(ear.vestibule_volume / cells, (cells, ear.subjects))
    volume["cerebrospinal_fluid"] = ear.csf_volume[None]
    volume["plasma"] = solute.lanes("plasma_volume", subjects) * ear.body_mass
    return volume


def _chain(nodes: Nodes) -> Indices:
    parts = (nodes.index["scala_tympani"], nodes.index["scala_vestibuli"][:, ::-1], nodes.index["vestibule"])
    return np.concatenate(parts, axis=1)


def _along(volume: dict[str, Microlitres]) -> Microlitres:
    return np.concatenate([volume["scala_tympani"], volume["scala_vestibuli"][::-1], volume["vestibule"]])


def _tube(
    edges: Edges,
    nodes: Nodes,
    ear: Anatomy,
    volume: dict[str, Microlitres],
    solute: Solute,
    subjects: Indices,
) -> None:
    """Diffusion and flow along the tube, its end at the aqueduct, and the flow's return through CSF."""
    width = ear.grid.width[:, None] * ear.scala_tympani_length
    cell = ear.vestibule_length / ear.grid.vestibule
    lengths = np.concatenate([width, width[::-1], np.broadcast_to(cell, volume["vestibule"].shape)])
    chain, volumes = _chain(nodes), _along(volume)
    half = 0.5 * lengths**2 / volumes
    spread = solute.lanes("diffusion", subjects) * (1.0 + solute.lanes("dispersion", subjects))
    onward, back = fitted(spread / (half[1:] + half[:-1]), ear.axial_flow)
    edges.add(chain[:, :-1], chain[:, 1:], onward / volumes[:-1])
    edges.add(chain[:, 1:], chain[:, :-1], back / volumes[1:])
    # The aqueduct opens at the very base: half a cell of diffusion lies between it and the first centre.
    reach = np.maximum(spread[:, :1] / half[0], np.finfo(float).tiny)
    patent = ear.aqueduct_exchange * reach / (ear.aqueduct_exchange + reach)
    csf = nodes.index["cerebrospinal_fluid"]
    edges.join(chain[:, :1], csf, patent, (volumes[:1], ear.csf_volume))
    forth, ebb = np.maximum(ear.axial_flow, 0.0), np.maximum(-ear.axial_flow, 0.0)
    for end, into, out in ((0, forth, ebb), (-1, ebb, forth)):
        edges.add(csf, chain[:, [end]], into / ear.csf_volume)
        edges.add(chain[:, [end]], csf, out / volumes[end])


def fitted(conductance: MicrolitresPerHour, flow: MicrolitresPerHour) -> tuple[Array, Array]:
    """Exponentially fitted flux between neighbours: uL/h onward and back, never negative.

    Exact for a steady flux between two cells; onward minus back is the flow.
    Source: Scharfetter and Gummel 1969
    """
    # Beyond this cell Peclet number the other direction is below the smallest number.
    mild = np.abs(flow) < 500.0 * conductance
    small = np.where(mild, flow, 0.0) / np.where(mild, conductance, 1.0)
    onward = np.where(mild, conductance * _bernoulli(-small), np.maximum(flow, 0.0))
    back = np.where(mild, conductance * _bernoulli(small), np.maximum(-flow, 0.0))
    return onward, back


def _bernoulli(z: Array) -> Array:
    """z / (exp(z) - 1), by its series where the quotient would cancel."""
    tiny = np.abs(z) < 1e-4
    return np.where(tiny, 1.0 - 0.5 * z + z * z / 12.0, z / np.expm1(np.where(tiny, 1.0, z)))


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
        name: volume[name][None] for name in ("scala_tympani", "scala_vestibuli", "cerebrospinal_fluid")
    }

    def join(one: str, two: str, of: str, half_time: Array, scale: Array) -> None:
        conductance = scale * volume[of] * np.log(2.0) / half_time
        edges.join(at[one], at[two], conductance, (room[one], room[two]))

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
    leak = tissue * volume[wall] * np.log(2.0) / ear.wall_blood_half_time
    # What the wall holds in equilibrium with plasma is in equilibrium with so much perilymph.
    blood = leak * solute.lanes("blood_partition", subjects)
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
    share = window_share(ear).T[:windows]
    ways = [
        (
            "scala_tympani",
            windows,
            solute.lanes("round_window_permeability", subjects) * ear.round_window_area * share,
        ),
        (
            "vestibule",
            ear.grid.vestibule,
            solute.lanes("oval_window_permeability", subjects) * ear.oval_window_area / ear.grid.vestibule,
        ),
    ]
    # Thin bone, as of rodents: fluid in the bulla lies on the whole of the scala tympani.
    if ear.otic_capsule_width is not None and solute.capsule_permeability is not None:
        bone = ear.otic_capsule_width * ear.scala_tympani_length * ear.grid.width[:, None]
        permeability = solute.lanes("capsule_permeability", subjects)
        ways.append(("scala_tympani", ear.grid.places, permeability * bone))
    for name, cells, conductance in ways:
        inside, outside = nodes.index[name][:, :cells], nodes.index["middle_ear"]
        edges.add(outside, inside, conductance, FROM_MIDDLE_EAR)
        edges.add(inside, outside, conductance / volume[name][:cells], TO_MIDDLE_EAR)


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
    edges.add(at["middle_ear"], at["cleared_middle_ear"], np.log(2.0) / ear.middle_ear_half_time)
    edges.add(at["cerebrospinal_fluid"], at["cleared_cerebrospinal_fluid"], ear.csf_turnover / ear.csf_volume)
    edges.add(at["plasma"], at["eliminated"], solute.lanes("plasma_clearance", subjects))
    for name in (*ALONG, "vestibule", "middle_ear", "cerebrospinal_fluid"):
        if name in at:
            edges.add(at[name], at["reacted"], solute.lanes("loss", subjects))
    for tissue in TISSUES:
        if f"{tissue}_inside" in at:
            edges.add(at[f"{tissue}_inside"], at[f"degraded_{tissue}"], solute.lanes("degradation", subjects))


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
    source = np.concatenate([p[0] for p in edges.parts])
    target = np.concatenate([p[1] for p in edges.parts])
    rate = np.concatenate([p[2] for p in edges.parts])
    group = np.concatenate([np.full(p[0].size, p[3]) for p in edges.parts])
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
    return flux, group[order]


def _leaving(source: Indices | Rows, rate: Array, nodes: int) -> Array:
    """Sum of the rates out of each node, (node, lane)."""
    return _aligned(np.stack([np.bincount(source, lane, nodes) for lane in rate.T], axis=1))


def _rows(numbers: Indices) -> Rows:
    return np.ascontiguousarray(numbers, np.int32)


def _aligned(values: Array) -> Array:
    copy = aligned(*values.shape)
    copy[:] = values
    return copy
