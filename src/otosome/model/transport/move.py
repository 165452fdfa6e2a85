"""Perilymph that moves on: a volume injected into the tube of scalae and vestibule, or aspirated from it."""

from __future__ import annotations

import numpy as np

from otosome.model.transport.delivery import Flow, Sample
from otosome.model.transport.displace import displace
from otosome.model.transport.grid import Grid
from otosome.model.transport.network import Network
from otosome.units import Array, Fraction, Microlitres

# Fluid on the far side of a point stays; a sliver on the near side keeps a cell to move.
SLIVER = 1e-6


def cell_of(compartment: str, at: float, places: Grid) -> int:
    """The cell a place lies in; compartments without places have one cell."""
    edges = _edges(compartment, places)
    return min(int(np.searchsorted(edges, at, side="right")) - 1, edges.size - 2)


def _edges(compartment: str, places: Grid) -> Fraction:
    if compartment == "vestibule":
        return places.vestibule_edges
    along = compartment in ("scala_tympani", "scala_vestibuli")
    return places.edges if along else np.array([0.0, 1.0])


def spot(compartment: str, at: float, places: Grid) -> tuple[int, float]:
    """A point of the tube that runs from the base over the apex to the vestibule's far end.

    returns  number of its cell along the tube, and the share of that cell which comes before it
    """
    edges, cell = _edges(compartment, places), cell_of(compartment, at, places)
    before = float((at - edges[cell]) / (edges[cell + 1] - edges[cell]))
    if compartment == "scala_vestibuli":
        return 2 * places.places - 1 - cell, 1.0 - before
    return cell + (2 * places.places if compartment == "vestibule" else 0), before


def inject(amounts: Array, network: Network, flow: Flow, amount: Array, volume: Microlitres) -> None:
    """Push perilymph from the place of a flow towards its outlet; ``amounts`` (node, lane) in place.

    ``amount``  entering, shape (classes, lane);  ``volume``  uL, shape (lane,)
    """
    places = network.grid
    head, before = spot(flow.into, flow.at, places)
    nodes, volumes = network.tube()
    if flow.into == "scala_tympani" and flow.outlet in ("oval_window", "vent"):
        way, ahead = slice(head, None), 1.0 - before
    else:
        # A vent near the place of injection spares the cochlea: the way ends with the vestibule.
        last = 2 * places.places - 1 if flow.outlet == "vent" else None
        way, ahead = slice(head, last, -1), before
    ahead = max(ahead, SLIVER)
    room = volumes[way].copy()
    room[0] *= ahead
    out = {"aqueduct": "cerebrospinal_fluid", "vent": "vented"}
    leaves = network.nodes.index[out.get(str(flow.outlet), "middle_ear")]
    moved = np.broadcast_to(volume, room.shape[1:]).copy()
    for k, row in enumerate(nodes[:, way]):
        path = amounts[row]
        stays = (1.0 - ahead) * path[0]
        path[0] *= ahead
        gone = displace(path, room, moved, np.ascontiguousarray(amount[k]))
        path[0] += stays
        amounts[row] = path
        amounts[leaves[k, 0]] += gone


def perforation(sample: Sample, places: Grid) -> tuple[int, float]:
    """Last cell on the way to a sample, and the share of it that lies on that way; more than nothing."""
    head, behind = spot(sample.of, sample.at, places)
    if behind >= SLIVER:
        return head, behind
    return (head - 1, 1.0) if head else (0, SLIVER)


def aspirate(
    amounts: Array, network: Network, sample: Sample, volume: Microlitres, beyond: Fraction
) -> Array:
    """Draw perilymph to the place of a sample and out, cerebrospinal fluid following from the aqueduct.

    ``amounts``  (node, lane), changed in place;  ``volume``  uL, shape (lane,)
    ``beyond``   share of the amount in the cell of the perforation that lies beyond it and stays, (classes,
                 lane), changed in place: fluid already drawn past must not mix with it
    returns      amount drawn, shape (classes, lane)
    """
    head, behind = perforation(sample, network.grid)
    nodes, volumes = network.tube()
    room = volumes[: head + 1].copy()
    room[-1] *= behind
    moved = np.broadcast_to(volume, room.shape[1:]).copy()
    drawn = np.empty((nodes.shape[0], moved.size))
    # What is drawn of cerebrospinal fluid is replaced by fluid without solute while it flows.
    share = -np.expm1(-moved / network.volume["cerebrospinal_fluid"][0])
    for k, row in enumerate(nodes[:, : head + 1]):
        outside = network.nodes.index["cerebrospinal_fluid"][k, 0]
        following = share * amounts[outside]
        amounts[outside] -= following
        path = amounts[row]
        stays = beyond[k] * path[-1]
        path[-1] -= stays
        drawn[k] = displace(path, room, moved, following)
        path[-1] += stays
        amounts[row] = path
        beyond[k] = np.divide(stays, path[-1], out=np.full_like(stays, 1.0 - behind), where=path[-1] > 0)
    amounts[network.nodes.index["sampled"][:, 0]] += drawn
    return drawn
