"""Tubes with closed forms: the transport of the ear with all but one process closed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.transport import (
    Anatomy,
    Flow,
    Grid,
    Network,
    Solute,
    schedule,
    solve,
)
from otosome.units import Array, quantity

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# mm2 everywhere along a tube of the species' length.
_AREA = 0.3
# Diffusion in cm2/s and half-time in min of the three decay lengths, as printed beside them.
_DECAYS = ((1.01e-5, 60.0), (0.65e-5, 120.0), (6.6e-8, 230.0))
# mm along the scala tympani of mouse, guinea pig and man, as printed beside the times.
_LENGTHS = (4.7, 17.1, 28.5)


@dataclass(frozen=True)
class PkExact:
    """The ear of best values, reduced to a tube."""

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Each row's exact values, in house units."""
        ear, drug = bench.anatomy, _inert(bench.bind("solutes", "tmpa"))
        return {
            "pk:A1": _spread(ear, drug),
            "pk:A2": np.array([_decay(ear, drug, *numbers) for numbers in _DECAYS]),
            "pk:A3": _conserved(ear, drug),
            "pk:A4": _arrival(ear, drug),
            "pk:A5": _times(bench),
        }


def _inert(solute: Solute) -> Solute:
    """A solute that nothing clears, degrades, stirs or holds back."""
    nothing = dict.fromkeys(("plasma_clearance", "loss", "uptake_capacity", "dispersion"), np.zeros(1))
    alike = dict.fromkeys(
        ("wall_partition", "corti_partition", "canal_partition", "blood_partition"), np.ones(1)
    )
    return replace(solute, **nothing, **alike)


def _tube(ear: Anatomy, grid: Grid, **numbers: float) -> Anatomy:
    """One even tube: nothing leaves, nothing flows and nothing mixes but molecules, unless said."""
    shut = dict.fromkeys((f.name for f in fields(ear) if f.name.endswith("half_time")), np.inf)
    still = dict.fromkeys(("axial_flow", "aqueduct_exchange", "csf_turnover"), 0.0)
    set_to = {name: np.array([value]) for name, value in {**shut, **still, **numbers}.items()}
    even = np.full((1, grid.places), _AREA)
    return replace(ear, grid=grid, scala_tympani=even, scala_vestibuli=even, **set_to)


def _pulse(at: float, stop: float) -> Flow:
    """One unit at a place of the scala tympani, at once or over a while."""
    return Flow("scala_tympani", 0.0, stop, np.ones((1, 1)), np.zeros(1), at=at)


def _spread(ear: Anatomy, drug: Solute) -> Array:
    """L2 error of a plane source half an hour old against the Gaussian, as a share of it."""
    tube = _tube(ear, Grid(401, 0.0))
    run = solve(tube, drug, [_pulse(0.5, 0.0)], schedule([0.0], 0.5))
    spread = 4.0 * drug.diffusion[0, 0] * 0.5
    x = (run.grid.place - 0.5) * tube.scala_tympani_length[0]
    exact = np.exp(-(x**2) / spread) / (_AREA * np.sqrt(np.pi * spread))
    solved = run.concentration["scala_tympani"][0, 0, -1]
    return np.array([np.linalg.norm(solved - exact) / np.linalg.norm(exact)])


def _decay(ear: Anatomy, drug: Solute, diffusion: float, half_time: float) -> float:
    """Length over which a steady source at the base falls by e, mm."""
    tube = _tube(ear, Grid(200, 2.0))
    loss = np.log(2.0) / quantity(f"{half_time} min")
    lost = replace(drug, diffusion=np.array([quantity(f"{diffusion} cm2/s")]), loss=np.array([loss]))
    # Long enough for twenty half-times of the slowest.
    run = solve(tube, lost, [_pulse(0.0, 100.0)], schedule([0.0], 100.0))
    x = run.grid.place * tube.scala_tympani_length[0]
    near = (x > 0.2) & (x < 1.5)
    slope = np.polyfit(x[near], np.log(run.concentration["scala_tympani"][0, 0, -1, near]), 1)[0]
    return float(-1.0 / slope)


def _conserved(ear: Anatomy, drug: Solute) -> Array:
    """Mass unaccounted for after three days, and the largest change of a uniform concentration over its turnover."""
    closed = replace(
        ear, axial_flow=np.ones(1), csf_turnover=np.zeros(1), middle_ear_half_time=np.array([np.inf])
    )
    run = solve(closed, drug, [_pulse(0.4, 0.0)], schedule([0.0], 72.0, growth=1.5))
    network = Network.build(closed, drug, np.zeros(1, int), [], 8).under(1.0, np.array([5.0]))
    amounts = np.zeros((network.nodes.total, 1))
    for name, room in {**network.volume, "middle_ear": np.array([[5.0]])}.items():
        amounts[network.nodes.index[name]] = room
    turnover = np.max(np.abs(network.flux.rate * amounts[network.flux.source]))
    return np.array([run.mass_balance_error.max(), np.max(np.abs(network.rates(amounts))) / turnover])


def _arrival(ear: Anatomy, drug: Solute) -> Array:
    """Mean time in which vesicles leave a tube with flow, over its volume by the flow."""
    flow = 1.0
    # So much cerebrospinal fluid that none comes back.
    sink = 1e12
    tube = _tube(ear, Grid(40, 0.0), axial_flow=flow, csf_volume=sink)
    slow = replace(drug, diffusion=np.array([quantity("6.6e-8 cm2/s")]))
    knots = schedule([0.0], 60.0, first=0.01, longest=0.25)
    run = solve(tube, slow, [_pulse(0.0, 0.0)], knots, ["cerebrospinal_fluid"])
    inside = 1.0 - run.concentration["cerebrospinal_fluid"][0, 0] * sink
    volume = 2.0 * tube.scala_tympani_length[0] * _AREA + tube.vestibule_volume[0]
    return np.array([np.trapezoid(inside, knots) / (volume / flow)])


def _times(bench: Bench) -> Array:
    """Diffusion time of the tracer over each length, h."""
    times: Array = np.square(_LENGTHS) / (2.0 * bench.numbers("solutes", "tmpa")["diffusion"][0])
    return times
