"""Laws of transport: mass, positivity, exact solutions, orders of accuracy, another solver's numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from otosome.model.lanes import LANES, aligned
from otosome.model.transport import (
    Anatomy,
    Delivery,
    Dose,
    Flow,
    Grid,
    Network,
    Solute,
    Transported,
    errors,
    schedule,
    solve,
)
from otosome.model.transport.axial import Tube
from otosome.model.transport.kernel import RODAS4, advance, room
from otosome.model.transport.solute import stokes_einstein

NEVER = np.inf
TRACER = np.array([3.636])  # TMPA, mm2/h
# An ear in round numbers near a guinea pig's; no number here is evidence.
COLUMNS = {
    "volume_scale": 1.0, "scala_tympani_length": 17.1, "vestibule_volume": 7.0, "vestibule_length": 5.0,
    "lateral_wall_area": 0.3, "organ_of_corti_area": 0.015, "rosenthals_canal_area": 0.05,
    "round_window_area": 1.18, "round_window_extent": 0.5, "oval_window_area": 1.0, "axial_flow": 0.1,
    "aqueduct_exchange": 1.8, "csf_volume": 1000.0, "csf_turnover": 180.0,
    "communication_half_time": 25 / 60, "tympani_clearance_half_time": 1.0,
    "vestibuli_clearance_half_time": 1.7, "corti_half_time": 0.1, "canal_half_time": 0.2,
    "nerve_canal_half_time": 2.0, "wall_blood_half_time": 0.5,
    "middle_ear_half_time": 1.2, "body_mass": 0.4,
}  # fmt: skip
CLOSED = {"csf_turnover": 0.0, "middle_ear_half_time": NEVER}
TUBE = CLOSED | {"aqueduct_exchange": 0.0, "axial_flow": 0.0} | {
    name: NEVER for name in COLUMNS if name.endswith("_half_time")
}  # fmt: skip
TAPER = {"distance": np.array([0.0, 1.0, 4.0, 17.1]), "area": np.array([1.0, 0.7, 0.3, 0.07])}
EVEN = {"distance": np.array([0.0, 17.1]), "area": np.array([0.3, 0.3])}
DRUG = {
    "diffusion": 2.9, "dispersion": 0.0, "hindrance": 0.3, "round_window_permeability": 0.36,
    "oval_window_permeability": 0.036,
    "exchange_scale": 1.0, "wall_partition": 0.8, "corti_partition": 1.0, "canal_partition": 0.7,
    "blood_partition": 0.2, "plasma_volume": 6e5, "plasma_clearance": 0.7, "uptake_capacity": 0.0,
    "uptake_half": 0.0, "degradation": 0.0, "loss": 0.05,
}  # fmt: skip
KEPT = {"plasma_clearance": 0.0, "loss": 0.0}
TAKEN = {"uptake_capacity": 1e6, "uptake_half": 1e7, "degradation": 0.05}
SLOW = {
    "exchange_scale": 0.1,
    "round_window_permeability": 3.6e-4,
    "oval_window_permeability": 3.6e-4,
    "blood_partition": 0.0,
}
SMALL = Grid(24, 2.0, 3)


def ear(grid: Grid = SMALL, profile: dict = TAPER, subjects: int = 1, **columns: object) -> Anatomy:
    table = {k: np.broadcast_to(v, (subjects,)).astype(float) for k, v in (COLUMNS | columns).items()}
    return Anatomy.build(table, {"scala_tympani": profile, "scala_vestibuli": profile}, grid, TRACER)


def drug(**numbers: float) -> Solute:
    return Solute(**{k: np.array([v]) for k, v in (DRUG | numbers).items()})


def vesicle(*nanometres: float, **numbers: float) -> Solute:
    diameter = np.array(nanometres or (60.0, 96.0, 150.0))[:, None] * 1e-6
    table = {k: np.array([v]) for k, v in (DRUG | SLOW | TAKEN | numbers).items() if k != "diffusion"}
    return Solute.sized(diameter, np.array([310.0]), np.array([0.7e-3 / 3600]), **table)


def niche(amount: float = 7e8, classes: int = 3, time: float = 0.0) -> Flow:
    return Flow("middle_ear", time, time, np.full((classes, 1), amount), np.array([5.0]))


def total(run: Transported) -> np.ndarray:
    return np.sum(list(run.ledger.values()), axis=0)


@settings(max_examples=15, deadline=None)
@given(
    flow=st.floats(-2.0, 2.0), dispersion=st.floats(0.0, 100.0), capacity=st.sampled_from([0.0, 1e4, 1e8]),
    into=st.sampled_from(["middle_ear", "scala_tympani", "plasma", "cerebrospinal_fluid"]),
)  # fmt: skip
def test_mass_is_conserved_in_a_closed_network_under_any_flow(flow, dispersion, capacity, into):
    closed = ear(axial_flow=flow, **CLOSED)
    solute = vesicle(dispersion=dispersion, uptake_capacity=capacity, degradation=0.0, **KEPT)
    dose = Flow(
        into, 0.0, 0.0, np.full((3, 1), 7e8), np.array([5.0 if into == "middle_ear" else 0.0]), at=0.4
    )
    run = solve(closed, solute, [dose], schedule([0.0], 72.0, growth=1.5))
    assert run.mass_balance_error.max() < 1e-10
    fates = ("cleared_middle_ear", "cleared_cerebrospinal_fluid", "eliminated", "reacted", "lost")
    assert all(run.ledger[fate].max() == 0.0 for fate in fates)


def test_the_ledger_of_an_open_ear_closes():
    run = solve(ear(), vesicle(), [niche()], schedule([0.0], 500.0))
    assert run.mass_balance_error.max() < 1e-10
    assert run.ledger["degraded_organ_of_corti"].min() > 0.0


@settings(max_examples=15, deadline=None)
@given(flow=st.floats(-2.0, 2.0), dispersion=st.floats(0.0, 100.0))
def test_a_uniform_concentration_stays_uniform(flow, dispersion):
    shut = ear(axial_flow=flow, **CLOSED)
    solute = drug(dispersion=dispersion, wall_partition=1.0, canal_partition=1.0, blood_partition=1.0, **KEPT)
    network = Network.build(shut, solute, np.zeros(1, int), [], 8).under(1.0, np.array([5.0]))
    volume = network.volume | {"middle_ear": np.array([[5.0]])}
    amounts = np.zeros((network.nodes.total, 1))
    for name, space in volume.items():
        amounts[network.nodes.index[name]] = space
    turnover = np.max(np.abs(network.flux.rate * amounts[network.flux.source]))
    assert np.max(np.abs(network.rates(amounts))) < 1e-12 * turnover


def wide_bolus() -> list[Flow]:
    return [Flow("scala_tympani", 0.0, 0.0, np.full((1, 1), 1e9), np.zeros(1), at=0.02)]


def injection(outlet: str) -> list[Flow]:
    return [Flow("scala_tympani", 0.0, 5 / 60, np.full((1, 1), 1e9), np.array([5.0]), at=0.05, outlet=outlet)]


@pytest.mark.parametrize("dispersion", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("flow", [0.0, 0.3])
@pytest.mark.parametrize(
    "flows",
    [[niche(classes=1)], wide_bolus(), injection("aqueduct"), injection("oval_window")],
    ids=["niche", "bolus", "base", "apex"],
)
def test_no_value_is_below_a_millionth_of_the_peak_and_none_is_clipped(flows, flow, dispersion):
    keep = (
        "scala_tympani",
        "scala_vestibuli",
        "vestibule",
        "organ_of_corti",
        "lateral_wall",
        "rosenthals_canal",
    )
    events = [flows[0].start, flows[0].stop]
    knots = schedule(events, 48.0, windows=[(flows[0].start, flows[0].stop)])
    run = solve(ear(Grid(), axial_flow=flow), vesicle(100.0, dispersion=dispersion), flows, knots, keep)
    for history in run.concentration.values():
        assert history.min() >= -1e-6 * history.max()
    # Not clipped either: what is kept is what the ledger, which closes, is made of.
    held = run.concentration["scala_tympani"][0, 0, -1] @ run.volume["scala_tympani"][0]
    assert held == pytest.approx(run.ledger["scala_tympani"][0, 0], rel=1e-12)
    assert run.mass_balance_error.max() < 1e-10


def test_a_plane_source_spreads_as_the_exact_solution_says():
    """pk:A1."""
    tube = ear(Grid(401, 0.0), EVEN, **TUBE)
    source = Flow("scala_tympani", 0.0, 0.0, np.ones((1, 1)), np.zeros(1), at=0.5)
    run = solve(tube, drug(diffusion=3.636, **KEPT), [source], schedule([0.0], 0.5))
    x = (run.grid.place - 0.5) * 17.1
    exact = np.exp(-(x**2) / (4 * 3.636 * 0.5)) / (0.3 * np.sqrt(4 * np.pi * 3.636 * 0.5))
    seen = run.concentration["scala_tympani"][0, 0, -1]
    assert np.linalg.norm(seen - exact) < 0.005 * np.linalg.norm(exact)


@pytest.mark.parametrize(
    ("diffusion", "minutes", "length"), [(1.01e-5, 60.0, 2.29), (0.65e-5, 120.0, 2.60), (6.6e-8, 230.0, 0.36)]
)
def test_a_steady_source_and_a_loss_give_the_decay_length(diffusion, minutes, length):
    """pk:A2: sqrt(D / k), in cm2/s and minutes; the printed lengths are rounded to two or three digits."""
    loss = np.log(2) * 60 / minutes
    tube = ear(Grid(200, 2.0), EVEN, round_window_extent=0.05, **TUBE)
    solute = drug(
        diffusion=diffusion * 3.6e5, plasma_clearance=0.0, loss=loss, round_window_permeability=1e-3
    )
    source = Flow("scala_tympani", 0.0, 100.0, np.ones((1, 1)), np.zeros(1), at=0.0)
    run = solve(tube, solute, [source], schedule([0.0], 100.0))
    x = run.grid.place * 17.1
    near = (x > 0.2) & (x < 1.5)
    slope = np.polyfit(x[near], np.log(run.concentration["scala_tympani"][0, 0, -1, near]), 1)[0]
    assert -1 / slope == pytest.approx(np.sqrt(diffusion * 3.6e5 / loss), rel=0.01)
    assert -1 / slope == pytest.approx(length, rel=0.02)


def test_mean_arrival_at_the_outlet_is_volume_over_flow():
    """pk:A4; the cell Peclet number of a 100-nm vesicle here is far above two."""
    flow = 1.0
    tube = ear(Grid(40, 0.0), EVEN, **(TUBE | {"axial_flow": flow, "csf_volume": 1e12}))
    source = Flow("scala_tympani", 0.0, 0.0, np.ones((1, 1)), np.zeros(1), at=0.0)
    knots = schedule([0.0], 60.0, first=0.01, longest=0.25)
    run = solve(tube, vesicle(100.0, uptake_capacity=0.0, **KEPT), [source], knots, ["cerebrospinal_fluid"])
    left = 1.0 - run.concentration["cerebrospinal_fluid"][0, 0] * 1e12
    assert left[-1] < 1e-6
    volume = 2 * 17.1 * 0.3 + 7.0
    assert np.trapezoid(left, knots) == pytest.approx(volume / flow, rel=0.01)


def smooth(places: int, knots: np.ndarray, refine: int = 1) -> np.ndarray:
    everywhere = ear(Grid(places, 2.0, places // 8), round_window_extent=17.1, axial_flow=0.05)
    run = solve(everywhere, drug(), [niche(1.0, 1)], knots, refine=refine)
    room = run.volume["scala_tympani"][0]
    amount = run.concentration["scala_tympani"][0, 0, -1] * room
    return amount.reshape(16, -1).sum(axis=1) / room.reshape(16, -1).sum(axis=1)


def blended(places: int = 24, **changes: float) -> tuple[Network, np.ndarray, np.ndarray]:
    """A network, its tube's nodes, and the amounts in it of a smooth concentration, (node, lane)."""
    made = Network.build(ear(Grid(places), **changes), vesicle(), np.zeros(LANES, int), [], 8)
    nodes, volumes = made.tube()
    amounts = aligned(made.nodes.total, LANES)
    passed = np.cumsum(volumes, axis=0) / volumes.sum(axis=0)
    amounts[nodes] = 1e3 * (1.0 + 0.5 * np.sin(6.0 * passed)) * volumes
    return made.blended(amounts), nodes, amounts


def test_a_uniform_fluid_stays_uniform_by_both_schemes():
    made, _, amounts = blended(axial_flow=0.3)
    flat = np.zeros_like(amounts)
    for name in (*made.along, "cerebrospinal_fluid"):
        flat[made.nodes.index[name]] = 7.0 * made.volume[name]
    # A network is plain until it is blended.
    for one in (made.under(1.0, np.full(LANES, 5.0)), made.blended(flat)):
        tube_only = one.flux._replace(rate=np.zeros_like(one.flux.rate))
        tube_only.rate[one.axial.edge] = one.flux.rate[one.axial.edge]
        change = np.zeros_like(flat)
        moved = tube_only.rate * flat[tube_only.source]
        np.subtract.at(change, tube_only.source, moved)
        np.add.at(change, tube_only.target, moved)
        assert np.abs(change).max() < 1e-12 * np.abs(moved).max()


def test_the_blend_is_that_of_plain_numpy():
    """Smooth where no concentration is much smaller than its neighbour, plain where one is, in between both."""
    made, nodes, amounts = blended(axial_flow=0.1, volume_scale=1.1)
    fallen = amounts.copy()
    fallen[nodes[:, 20:24]] *= np.array([0.5, 0.15, 0.02, 0.0])[None, :, None]
    now, axial = made.blended(fallen), made.axial
    concentration = fallen[nodes] * axial.dilution
    low, high = (
        np.minimum(concentration[:, 1:], concentration[:, :-1]),
        np.maximum(concentration[:, 1:], concentration[:, :-1]),
    )
    ratio = np.pad((low / high).min(axis=0), ((2, 2), (0, 0)), constant_values=np.inf)
    least = np.min([ratio[k : k + axial.steep.shape[0]] for k in range(3)], axis=0)
    share = np.clip(least / axial.steep - 1.0, 0.0, 1.0)
    assert (share.min(), share.max()) == (0.0, 1.0)
    assert np.any((share > 0) & (share < 1))
    classes, borders = nodes.shape[0], share.shape[0]
    wide = np.repeat(np.tile(share, (classes, 1)), 4, axis=0)
    mixed = np.vstack(
        [axial.plain[:-1] + wide * (axial.smooth[:-1] - axial.plain[:-1]), np.zeros((1, LANES))]
    )
    assert mixed.shape[0] == classes * borders * 4 + 1
    expected = mixed[axial.left] - mixed[axial.right]
    assert now.flux.rate[axial.edge] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    leaving = np.zeros_like(now.flux.leaving)
    np.add.at(leaving, now.flux.source, now.flux.rate)
    assert now.flux.leaving == pytest.approx(leaving, rel=1e-9, abs=1e-9)


def test_the_smooth_scheme_sends_what_a_cubic_concentration_sends():
    """Even cross-section, uneven cells: value and slope of a cubic are exact inside each part."""
    lanes, cells = LANES, 12
    lengths = np.repeat(np.geomspace(0.1, 0.4, cells)[:, None], lanes, axis=1)
    tube = Tube(
        0.7 * lengths, lengths, (cells,), np.full((1, 1, 1), 0.05), np.full(lanes, 0.02), np.zeros(lanes),
        np.ones(lanes),
    )  # fmt: skip
    edges = np.concatenate([[0.0], np.cumsum(lengths[:, 0])])
    cubic = np.polynomial.Polynomial([5.0, -1.0, 0.8, -0.2])
    amounts = 0.7 * np.diff(cubic.integ()(edges))
    inside = edges[2:-2]
    sent = np.array([tube.smooth()[0, b, :, 0] @ amounts[b - 2 : b + 2] for b in range(2, cells - 1)])
    # Where flow leans upstream a cubic is no longer exact, by the part that leans.
    exact = 0.02 * cubic(inside) - 0.05 * 0.7 * cubic.deriv()(inside)
    assert sent == pytest.approx(exact, rel=2e-3)
    still = dataclasses.replace(tube, flow=np.zeros(lanes))
    sent = np.array([still.smooth()[0, b, :, 0] @ amounts[b - 2 : b + 2] for b in range(2, cells - 1)])
    assert sent == pytest.approx(-0.05 * 0.7 * cubic.deriv()(inside), rel=1e-10)


LONG, WIDE = (17.0, 17.0, 5.0), (1.0, 0.4, 1.4)


def graded_tube(cells: int, flow: float, exchange: float, spread: float) -> Tube:
    """Three parts whose cross-sections jump, as scala tympani, scala vestibuli and vestibule, graded as an ear is."""
    widths = np.diff(Grid(cells, 2.5).edges)
    parts = (cells, cells, cells // 4)
    last = np.diff(Grid(8, 2.5, parts[2]).vestibule_edges)
    lengths = np.concatenate([LONG[0] * widths, LONG[1] * widths[::-1], LONG[2] * last])[:, None]
    one = np.ones(1)
    areas = np.repeat(WIDE, parts)[:, None]
    return Tube(
        areas * lengths, lengths, parts, np.full((1, 1, 1), spread), flow * one, exchange * one, 1000.0 * one
    )


def steady(tube: Tube, crossing: np.ndarray, loss: float) -> np.ndarray:
    """Concentrations of the cells where the fluid before the first holds one and that after the last nothing."""
    sent = np.zeros((crossing.shape[0], crossing.shape[0] + 3))
    for border, around in enumerate(crossing):
        sent[border, border : border + 4] = around
    change = (sent[:-1] - sent[1:])[:, 1:-1]
    matrix = change[:, 1:-1] - loss * np.eye(len(change))
    return np.linalg.solve(matrix, -change[:, 0] * tube.outside) / tube.volumes[:, 0]


def steadily(tube: Tube, loss: float) -> np.ndarray:
    """The same from the exact solution: two exponentials in each part, joined in concentration and flux."""
    flow, exchange, spread = float(tube.flow[0]), float(tube.exchange[0]), float(tube.spread[0, 0, 0])
    root = [np.sqrt((flow / a) ** 2 + 4 * spread * loss) for a in WIDE]
    rates = [np.array([flow / a + r, flow / a - r]) / (2 * spread) for a, r in zip(WIDE, root, strict=True)]
    # The growing exponential is one at a part's end, the falling one at its start.
    origin = [np.array([x, 0.0]) for x in LONG]

    def at(part: int, x: float) -> np.ndarray:
        """Concentration and slope there, of each exponential: (2, exponential)."""
        value = np.exp(rates[part] * (x - origin[part]))
        return np.stack([value, rates[part] * value])

    matrix, right = np.zeros((6, 6)), np.zeros(6)
    enters, leaves = at(0, 0.0), at(2, LONG[2])
    matrix[0, :2] = (exchange + max(flow, 0.0)) * enters[0] - spread * WIDE[0] * enters[1]
    right[0] = exchange + max(flow, 0.0)
    for joint in (0, 1):
        here, there = at(joint, LONG[joint]), at(joint + 1, 0.0)
        rows, columns = slice(1 + 2 * joint, 3 + 2 * joint), slice(2 * joint, 2 * joint + 4)
        sides = (np.array([[1.0], [WIDE[joint + k]]]) for k in (0, 1))
        matrix[rows, columns] = np.hstack([next(sides) * here, -next(sides) * there])
    matrix[5, 4:] = min(flow, 0.0) * leaves[0] - spread * WIDE[2] * leaves[1]
    size = np.linalg.solve(matrix, right).reshape(3, 2)
    first, means = 0, []
    for part, count in enumerate(tube.parts):
        lengths = tube.lengths[first : first + count, 0]
        edges = np.concatenate([[0.0], np.cumsum(lengths)])
        passed = np.exp(rates[part] * (edges[:, None] - origin[part])) / rates[part]
        means.append(np.diff(passed, axis=0) @ size[part] / lengths)
        first += count
    return np.concatenate(means)


@pytest.mark.parametrize(
    ("flow", "exchange", "spread"),
    [(0.1, 1.8, 2.9), (-0.1, 1.8, 2.9), (0.0, 1.8, 2.9), (1.0, 0.0, 2.9), (-1.0, 1.8, 2.9), (-1.0, 0.5, 0.3)],
)
def test_joints_and_ends_are_those_of_the_exact_steady_solution(flow, exchange, spread):
    """Flow either way, what is exchanged, enters and leaves at the ends, cross-sections that jump."""
    missed = {}
    for cells in (48, 96):
        tube = graded_tube(cells, flow, exchange, spread)
        exact = steadily(tube, 0.05)
        for scheme in ("smooth", "plain"):
            seen = steady(tube, getattr(tube, scheme)()[0, :, :, 0], 0.05)
            missed[scheme, cells] = np.max(np.abs(seen - exact)) / exact.max()
    assert missed["smooth", 96] < missed["plain", 96] / 10
    assert missed["smooth", 96] < 3e-4
    # Second order at least where few cells are seen; the plain scheme's upwind ends are of first.
    assert missed["smooth", 48] > 4 * missed["smooth", 96]
    assert missed["plain", 48] > 1.7 * missed["plain", 96]


def test_third_order_in_space():
    """Fourth inside, and the borders beside an end are of less."""
    knots = schedule([0.0], 4.0)
    coarse, medium, fine, exact = (smooth(n, knots) for n in (32, 64, 128, 512))
    first, second = np.linalg.norm(coarse - exact), np.linalg.norm(medium - exact)
    third = np.linalg.norm(fine - exact)
    assert np.log2(first / second) > 2.6
    # From here on only what is of second order at the ends is left, 1e-7 of the whole: smaller steps change nothing.
    assert np.log2(second / third) > 2.4


def test_fourth_order_in_time(monkeypatch):
    """Of one fixed scheme; where both are mixed, the mixture changes a little with the steps."""
    monkeypatch.setattr(Tube, "smooth", Tube.plain)
    knots = np.array([0.0, 0.0, *np.linspace(0.0, 2.0, 9)[1:]])
    runs = {refine: smooth(16, knots, refine) for refine in (4, 8, 64)}
    coarse, fine = (np.linalg.norm(runs[refine] - runs[64]) for refine in (4, 8))
    assert np.log2(coarse / fine) > 3.6


def test_agrees_with_another_solver_on_the_same_equations(monkeypatch):
    """SciPy's BDF with tight tolerances, three competing classes, near saturation; the plain scheme all along."""
    monkeypatch.setattr(Tube, "smooth", Tube.plain)
    anatomy, solute = ear(Grid(12, 2.0, 2)), vesicle(uptake_half=1e3, round_window_permeability=3.6e-2)
    flow, knots = niche(), schedule([0.0], 24.0)
    network = Network.build(anatomy, solute, np.zeros(1, int), [], 8).under(1.0, flow.volume)
    start = np.zeros(network.nodes.total)
    start[network.nodes.index["middle_ear"][:, 0]] = flow.amount[:, 0]
    other = solve_ivp(
        lambda _, y: network.rates(y[:, None])[:, 0], (0.0, 24.0), start, "BDF", [1.0, 24.0],
        jac=lambda _, y: network.jacobian(y[:, None], 0), rtol=1e-9, atol=1e-6,
    )  # fmt: skip
    keep = ("scala_tympani", "organ_of_corti", "rosenthals_canal", "organ_of_corti_inside")
    run = solve(anatomy, solute, [flow], knots, keep, refine=2)
    hour = np.argmin(np.abs(knots - 1.0))
    assert other.success
    assert hour > 0
    for name in keep:
        theirs = other.y[network.nodes.index[name], -1] / network.volume[name.removesuffix("_inside")][:, 0]
        ours = run.concentration[name][:, 0, -1]
        assert np.max(np.abs(ours - theirs)) < 1e-5 * theirs.max()


def test_the_matrix_is_the_derivative_of_the_rates():
    network = Network.build(ear(Grid(8, 2.0, 2)), vesicle(uptake_half=1e3), np.zeros(1, int), [], 8).under(
        1.0, np.array([5.0])
    )
    amounts = np.random.default_rng(1).uniform(1.0, 2.0, (network.nodes.total, 1)) * 1e3
    direction = np.random.default_rng(2).standard_normal(amounts.shape)
    change = (network.rates(amounts + 1e-3 * direction) - network.rates(amounts - 1e-3 * direction)) / 2e-3
    product = network.jacobian(amounts, 0) @ direction[:, 0]
    assert np.max(np.abs(product - change[:, 0])) < 1e-6 * np.max(np.abs(product))


def plainly(network: Network, amounts: np.ndarray, step: float, supply: np.ndarray) -> np.ndarray:
    """The same step in plain NumPy, all nodes of one lane at once: the dense matrix, no elimination order."""
    scheme, wide = RODAS4, np.ones(LANES)
    matrix = np.eye(amounts.size) / (scheme.gamma * step)
    matrix -= network.jacobian(amounts[:, None] * wide, 0).toarray()
    stages: list[np.ndarray] = []
    for s in range(6):
        at = amounts + sum((scheme.stage[s, j] * stages[j] for j in range(s)), np.zeros_like(amounts))
        right = network.rates(at[:, None] * wide)[:, 0] + supply
        right += sum((scheme.coupling[s, j] / step * stages[j] for j in range(s)), np.zeros_like(amounts))
        stages.append(np.linalg.solve(matrix, right))
    return at + stages[5]


@pytest.mark.parametrize(
    "solute",
    [
        vesicle(uptake_half=1e3),
        vesicle(100.0, uptake_half=1e3),
        vesicle(uptake_half=1e3, media_entry=0.05, media_partition=0.2),
        drug(),
    ],
    ids=["competing classes", "one class", "into endolymph too", "a drug"],
)
def test_a_compiled_step_is_the_step_in_plain_numpy(solute):
    anatomy = ear(Grid(8, 2.0, 2), scala_media_area=0.1)
    network = Network.build(anatomy, solute, np.zeros(LANES, int), [], 8)
    network = network.under(1.0, np.full(LANES, 5.0))
    rng = np.random.default_rng(11)
    start = rng.uniform(0.0, 2e3, network.nodes.total)
    supply = np.zeros_like(start)
    supply[network.nodes.index["plasma"][:, 0]] = 7e2
    amounts, given = aligned(start.size, LANES), aligned(start.size, LANES)
    amounts[:], given[:] = start[:, None], supply[:, None]
    work = room(network.pattern, start.size)
    advance(
        amounts, 0.7, 1, network.flux, network.pattern, RODAS4, network.axial, given, network.weight(), work
    )
    expected = plainly(network.blended(start[:, None] * np.ones(LANES)), start, 0.7, supply)
    assert np.max(np.abs(amounts - expected[:, None])) < 1e-12 * np.max(expected)


def test_a_subject_is_the_same_in_any_company():
    rng = np.random.default_rng(7)
    spread = {
        name: COLUMNS[name] * rng.lognormal(0, 0.3, 21)
        for name in ("axial_flow", "volume_scale", "scala_tympani_length")
    }
    many = ear(subjects=21, **spread)
    flows = [niche(), injection("aqueduct")[0]]
    knots = schedule([0.0, 5 / 60], 12.0, windows=[(0.0, 5 / 60)])
    together = solve(many, vesicle(), flows, knots)
    for alone in (slice(0, 1), slice(5, 9), slice(16, 21)):
        apart = solve(many.take(alone), vesicle(), flows, knots)
        for name, history in apart.concentration.items():
            assert np.array_equal(history, together.concentration[name][:, alone])


def test_a_refined_schedule_changes_little():
    ears, mixed = ear(Grid()), vesicle(dispersion=1.0)
    coarse = solve(ears, mixed, [niche()], schedule([0.0], 240.0))
    fine = solve(ears, mixed, [niche()], schedule([0.0], 240.0), refine=2)
    doubled = solve(ear(Grid().finer(2)), mixed, [niche()], schedule([0.0], 240.0))
    cost = errors(coarse, doubled, fine, at=24.0)
    assert cost["time"]["peak"] < 5e-4
    assert cost["space"]["peak"] < 2.5e-3
    # So little spreads here that the apex holds a ten-thousandth of the peak, ahead of the front.
    assert cost["time"]["apex_log10"] < 0.05
    assert cost["space"]["apex_log10"] < 0.2
    assert coarse.time_error.max() > cost["time"]["peak"] * 0.1


def test_a_step_within_which_a_front_moves_on_is_done_again():
    """A bolus on knots as far apart as a study's: schemes chosen at the knots alone missed 6e-3 of the peak."""
    ears, solute = ear(Grid(), axial_flow=0.0), vesicle(dispersion=1.0)
    flows = [Flow("scala_tympani", 0.0, 0.0, np.full((3, 1), 1e9), np.zeros(1), at=0.02)]
    knots = schedule([0.0], 240.0, first=0.02, growth=1.2, longest=12.0)
    kept = ("scala_tympani", "scala_vestibuli", "vestibule", "organ_of_corti", "rosenthals_canal")
    coarse, fine = (solve(ears, solute, flows, knots, kept, refine=refine) for refine in (1, 6))
    peak = fine.concentration["scala_tympani"].sum(axis=0).max()
    missed = [np.abs(coarse.concentration[n] - fine.concentration[n]).sum(axis=0).max() for n in kept]
    assert max(missed) < 1.5e-3 * peak


def test_the_middle_ear_loses_exactly_what_others_gain():
    run = solve(ear(), vesicle(), [niche()], schedule([0.0], 6.0))
    others = sum(amount for name, amount in run.ledger.items() if name != "middle_ear")
    assert others == pytest.approx(run.dose - run.ledger["middle_ear"], rel=1e-12)


def test_a_dry_middle_ear_takes_nothing_from_the_cochlea():
    run = solve(ear(), drug(), wide_bolus(), schedule([0.0], 24.0))
    assert run.ledger["middle_ear"].max() == 0.0
    assert run.ledger["cleared_middle_ear"].max() == 0.0


@settings(max_examples=20, deadline=None)
@given(bioavailability=st.floats(0.0, 1.0), into=st.sampled_from(["middle_ear", "scala_tympani", "plasma"]))
def test_flows_of_a_route_sum_to_the_dose(bioavailability, into):
    route = Delivery(into, np.full((1, 1, 1), bioavailability), outlet="aqueduct")
    dose = Dose(0.0, 1.0, np.array([[3.0], [5.0]]), np.array([2.0]))
    flows = route.deliver(dose, ear())
    assert sum(flow.amount for flow in flows) == pytest.approx(dose.amount, rel=1e-15)


def test_what_does_not_arrive_is_lost_and_in_the_ledger():
    route = Delivery("plasma", np.array([0.4]), absorption=np.array([3.0]))
    flows = route.deliver(Dose(0.0, 0.0, np.array([[10.0]]), np.zeros(1)), ear())
    run = solve(ear(), drug(), flows, schedule([0.0], 24.0))
    assert run.ledger["lost"][0, 0] == pytest.approx(6.0, rel=1e-14)
    assert run.dose[0, 0] == pytest.approx(10.0, rel=1e-14)


def test_a_depot_into_plasma_gives_the_exact_one_compartment_curve():
    sealed = ear(wall_blood_half_time=NEVER)
    flow = Flow("plasma", 0.0, 0.0, np.ones((1, 1)), np.zeros(1), release=np.array([3.0]))
    knots = schedule([0.0], 12.0)
    seen = solve(sealed, drug(), [flow], knots, ["plasma"]).concentration["plasma"][0, 0]
    exact = 3.0 / (3.0 - 0.7) * (np.exp(-0.7 * knots) - np.exp(-3.0 * knots)) / (6e5 * 0.4)
    assert np.max(np.abs(seen[2:] - exact[2:])) < 1e-5 * exact.max()


def test_doses_overlap_and_an_infusion_gives_what_it_says():
    flows = [
        niche(1.0, 1),
        niche(2.0, 1, time=5.0),
        Flow("plasma", 2.0, 8.0, np.full((1, 1), 4.0), np.zeros(1)),
    ]
    run = solve(ear(), drug(), flows, schedule([0.0, 2.0, 5.0, 8.0], 24.0))
    assert run.dose[0, 0] == pytest.approx(7.0, rel=1e-13)
    assert run.mass_balance_error.max() < 1e-10


def test_a_leaking_barrier_brings_more_drug_to_the_wall():
    flow = Flow("plasma", 0.0, 0.0, np.ones((1, 1)), np.zeros(1))
    knots = schedule([0.0], 1.0)
    tight, same, leaky = (
        solve(ear(), drug(), [flow], knots, ["lateral_wall"], leak=leak)
        for leak in (None, np.ones(knots.size), np.full(knots.size, 6.0))
    )
    assert np.array_equal(tight.concentration["lateral_wall"], same.concentration["lateral_wall"])
    assert np.all(leaky.concentration["lateral_wall"][:, :, 5] > tight.concentration["lateral_wall"][:, :, 5])


def test_perilymph_and_tissue_settle_at_their_partition():
    still = ear(profile=EVEN, **(TUBE | {"tympani_clearance_half_time": 1.0, "corti_half_time": 0.1}))
    run = solve(
        still,
        drug(hindrance=1.0, **KEPT),
        wide_bolus(),
        schedule([0.0], 3000.0),
        ["scala_tympani", "lateral_wall"],
    )
    ratio = run.concentration["lateral_wall"][0, 0, -1] / run.concentration["scala_tympani"][0, 0, -1]
    assert ratio == pytest.approx(0.8, rel=1e-6)


@pytest.mark.parametrize("wall", [0.2, 5.0])
def test_perilymph_settles_at_its_share_of_plasma_whatever_the_wall_holds(wall):
    still = TUBE | {"tympani_clearance_half_time": 1.0, "wall_blood_half_time": 0.25}
    solute = drug(hindrance=1.0, wall_partition=wall, **KEPT)
    infusion = Flow("plasma", 0.0, 0.0, np.full((1, 1), 1e9), np.zeros(1))
    kept = ["scala_tympani", "lateral_wall", "plasma"]
    run = solve(ear(profile=EVEN, **still), solute, [infusion], schedule([0.0], 3000.0), kept)
    plasma, fluid, tissue = (
        run.concentration[name][0, 0, -1] for name in ("plasma", "scala_tympani", "lateral_wall")
    )
    assert fluid == pytest.approx(0.2 * plasma, rel=1e-6)
    assert tissue == pytest.approx(wall * fluid, rel=1e-6)


def test_a_half_time_is_of_a_fluid_that_decays_into_an_empty_neighbour():
    """A wall so large that it stays empty; perilymph of the tracer halves in one half-time."""
    still = ear(profile=EVEN, **(TUBE | {"tympani_clearance_half_time": 1.0, "lateral_wall_area": 1e9}))
    tracer = drug(diffusion=TRACER[0], hindrance=1.0, **KEPT)
    run = solve(still, tracer, wide_bolus(), schedule([0.0], 1.0))
    assert run.ledger["lateral_wall"][0, 0] == pytest.approx(0.5e9, rel=1e-6)


def test_injection_towards_an_outlet_leaves_the_other_end_alone():
    knots = schedule([0.0, 5 / 60], 5 / 60 + 1e-3, windows=[(0.0, 5 / 60)])
    solute = vesicle(100.0)
    runs = {
        outlet: solve(ear(Grid()), solute, injection(outlet), knots)
        for outlet in ("aqueduct", "oval_window", "round_window")
    }
    profiles = {outlet: run.concentration["scala_tympani"][0, 0, -1] for outlet, run in runs.items()}
    assert profiles["oval_window"][40] > 0.5 * profiles["oval_window"].max()
    assert profiles["aqueduct"][40] < 1e-3 * profiles["aqueduct"].max()
    assert runs["aqueduct"].ledger["cerebrospinal_fluid"][0, 0] > 0.8e9
    assert runs["round_window"].ledger["middle_ear"][0, 0] > 0.7e9
    assert all(run.mass_balance_error.max() < 1e-10 for run in runs.values())


def test_uptake_saturates_and_is_what_fills_the_cells():
    solute = vesicle(uptake_capacity=10.0, uptake_half=1e-3)
    knots = schedule([0.0], 12.0, growth=1.03, longest=0.2)
    run = solve(ear(), solute, [niche()], knots, ["organ_of_corti", "organ_of_corti_inside"])
    rate = run.uptake("organ_of_corti")
    assert 9.99 < rate.sum(axis=0).max() <= 10.0
    taken = np.trapezoid(rate, run.knots, axis=2)[:, 0] @ run.volume["organ_of_corti"][0]
    filled = run.ledger["organ_of_corti_inside"] + run.ledger["degraded_organ_of_corti"]
    assert taken == pytest.approx(filled[:, 0], rel=1e-2)


@pytest.mark.parametrize("half", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("capacity", [1e7, 1e8, 1e9])
def test_uptake_that_runs_dry_upsets_neither_the_ear_nor_its_companions(capacity, half):
    """The fluid holds far more than half-saturates uptake, then nothing, within a step or less."""
    keep = ("scala_tympani", "organ_of_corti", "lateral_wall", "rosenthals_canal", "organ_of_corti_inside")
    table = {k: np.array([v]) for k, v in (DRUG | SLOW | TAKEN).items() if k != "diffusion"}
    table |= {"uptake_capacity": np.array([1e5, capacity]), "uptake_half": np.array([1e8, half])}
    diameter, flows = np.array([[6e-5], [9.6e-5], [1.5e-4]]), injection("aqueduct")
    knots = schedule([0.0, 5 / 60], 48.0, windows=[(0.0, 5 / 60)])

    def run(lanes: slice) -> Transported:
        chosen = {k: v[lanes] if v.size > 1 else v for k, v in table.items()}
        solute = Solute.sized(diameter, np.array([310.0]), np.array([0.7e-3 / 3600]), **chosen)
        return solve(ear(subjects=2).take(lanes), solute, flows, knots, keep)

    both, calm, dry = run(slice(0, 2)), run(slice(0, 1)), run(slice(1, 2))
    assert both.mass_balance_error.max() < 1e-10
    for name, history in both.concentration.items():
        assert np.array_equal(
            history, np.concatenate([calm.concentration[name], dry.concentration[name]], axis=1)
        )
        assert np.all(history.min(axis=(2, 3)) >= -1e-6 * history.max(axis=(2, 3)))


def test_no_dose_gives_nothing_at_all():
    run = solve(ear(), vesicle(), [niche(0.0)], schedule([0.0], 24.0))
    assert all(history.max() == history.min() == 0.0 for history in run.concentration.values())
    assert run.mass_balance_error.max() == run.time_error.max() == 0.0


def test_a_hundred_nanometre_particle_diffuses_as_computed_elsewhere():
    """Evidence: 6.57e-8 cm2/s at 37 degrees, 0.692 mPa s."""
    seen = stokes_einstein(np.array(1e-4), np.array(310.15), np.array(0.692e-3 / 3600)) / 3.6e5
    assert float(seen) == pytest.approx(6.57e-8, rel=2e-3)


def test_a_time_that_is_no_event_of_the_schedule_is_refused():
    with pytest.raises(ValueError, match="not a double knot"):
        solve(ear(), drug(), [niche(1.0, 1, time=1.5)], schedule([0.0], 24.0))


def test_wrong_words_are_answered_with_the_right_ones():
    with pytest.raises(ValueError, match="scala_tympani"):
        solve(ear(), drug(), [], schedule([0.0], 1.0), ["scala_typmani"])
    with pytest.raises(ValueError, match="middle_ear"):
        Flow("nose", 0.0, 0.0, np.ones((1, 1)), np.ones(1))
    with pytest.raises(ValueError, match="aqueduct"):
        Flow("scala_tympani", 0.0, 0.0, np.ones((1, 1)), np.ones(1))
    with pytest.raises(KeyError, match="volume_scale"):
        Anatomy.build({}, {}, SMALL, TRACER)
    with pytest.raises(ValueError, match="uptake_half"):
        drug(uptake_capacity=1.0)


@given(
    events=st.lists(st.floats(-100.0, 400.0), min_size=1, max_size=6, unique=True),
    stop=st.floats(410.0, 600.0), length=st.floats(0.01, 5.0),
)  # fmt: skip
def test_a_schedule_holds_every_event_twice_and_fills_injections(events, stop, length):
    window = (events[0], events[0] + length)
    knots = schedule(events, stop, [window])
    assert np.all(np.diff(knots) >= 0)
    assert knots[-1] == stop
    assert knots[0] == min(events)
    assert all(np.count_nonzero(knots == time) == 2 for time in (*events, window[1]))
    assert np.count_nonzero((knots > window[0]) & (knots < window[1])) >= 15


def test_what_is_given_at_once_is_there_at_the_knot_after_it():
    """The first dose as any later one: amount over the volume it comes in, and over plasma."""
    wet = ear(middle_ear_half_time=NEVER, round_window_area=0.0, oval_window_area=0.0)
    for into, volume in (("middle_ear", 5.0), ("plasma", 2.4e5)):
        flows = [Flow(into, t, t, np.full((1, 1), 1e9), np.array([5.0])) for t in (0.0, 1.0)]
        run = solve(wet, drug(**KEPT), flows, schedule([0.0, 1.0], 2.0), [into])
        after = [np.flatnonzero(run.knots == t)[-1] for t in (0.0, 1.0)]
        first, second = run.concentration[into][0, 0, after]
        assert first == pytest.approx(1e9 / volume, rel=1e-12)
        assert second > first


THICK = {"round_window_thickness": 0.04}


def steady_bath(anatomy: Anatomy, solute: Solute, until: float) -> Transported:
    """Fluid at the window that neither empties nor clears, one everywhere in it."""
    bath = Flow("middle_ear", 0.0, 0.0, np.full((1, 1), 1e9), np.array([1e9]))
    return solve(anatomy, solute, [bath], schedule([0.0], until, first=1e-3), ["scala_tympani"])


def test_a_membrane_that_fills_lets_as_much_through_once_it_is_full():
    still = CLOSED | {"middle_ear_half_time": NEVER}
    through, beside = (
        steady_bath(ear(**still, **more), drug(**KEPT), 300.0).concentration["scala_tympani"][0, 0, -1]
        for more in (THICK, {})
    )
    assert through == pytest.approx(beside, rel=1e-4)


def test_a_membrane_holds_up_what_crosses_slowly_by_its_thickness_over_four_permeabilities():
    """Into a scala so large that it stays empty: the inflow rises as 1 - exp(-4 P t / (h K))."""
    late, slow = 1.0, drug(round_window_permeability=0.008, wall_partition=0.8, **KEPT)
    empty = ear(profile={**EVEN, "area": np.array([1e6, 1e6])}, **(TUBE | {"oval_window_area": 0.0}), **THICK)
    run = steady_bath(empty, slow, late)
    delay = 0.04 * 0.8 / (4.0 * 0.008)
    entered = 0.008 * 1.18 * (late + delay * np.expm1(-late / delay))
    assert run.ledger["scala_tympani"][0, 0] == pytest.approx(entered, rel=2e-3)
    at_once = steady_bath(replace(empty, round_window_thickness=None), slow, late)
    assert at_once.ledger["scala_tympani"][0, 0] == pytest.approx(0.008 * 1.18 * late, rel=2e-3)


def test_a_uniform_fluid_stays_uniform_with_a_membrane_in_between():
    shut = ear(**CLOSED, **THICK)
    even = drug(wall_partition=1.0, corti_partition=1.0, canal_partition=1.0, blood_partition=1.0, **KEPT)
    network = Network.build(shut, even, np.zeros(1, int), [], 8).under(1.0, np.array([5.0]))
    amounts = np.zeros((network.nodes.total, 1))
    for name, volume in {**network.volume, "middle_ear": np.array([[5.0]])}.items():
        amounts[network.nodes.index[name]] = volume
    turnover = np.max(np.abs(network.flux.rate * amounts[network.flux.source]))
    assert np.max(np.abs(network.rates(amounts))) < 1e-10 * turnover


def test_windows_of_a_species_let_in_in_proportion_while_nothing_comes_back():
    tight, open_ = (
        solve(ear(window_factor=f, **THICK), drug(), [niche(classes=1)], schedule([0.0], 0.01, first=1e-4))
        for f in (0.01, 0.02)
    )
    # So early that the membrane still fills, what has passed it goes with the square.
    ratio = (
        open_.concentration["scala_tympani"][0, 0, -1, 0] / tight.concentration["scala_tympani"][0, 0, -1, 0]
    )
    assert 2.0 < ratio < 4.0
    thin = [
        solve(ear(window_factor=f), drug(), [niche(classes=1)], schedule([0.0], 0.01, first=1e-4))
        .concentration["scala_tympani"][0, 0, -1, 0] for f in (0.01, 0.02)
    ]  # fmt: skip
    assert thin[1] / thin[0] == pytest.approx(2.0, rel=1e-3)


def test_supply_that_falls_keeps_its_whole_and_favours_the_base():
    alike, falling = ear(Grid()), ear(Grid(), supply_fall=2.0)
    weight = alike.lateral_wall * alike.grid.width
    assert np.sum(falling.supply * weight) == pytest.approx(np.sum(weight), rel=1e-12)
    assert falling.supply[0, 0] / falling.supply[0, -1] == pytest.approx(
        np.exp(2.0 * (alike.grid.place[-1] - alike.grid.place[0])), rel=1e-12
    )
    infusion = Flow("plasma", 0.0, 0.0, np.full((1, 1), 1e9), np.zeros(1))
    base_over_apex = [
        c[0, 0, -1, 10] / c[0, 0, -1, -1]
        for anatomy in (alike, falling)
        for c in [solve(anatomy, drug(), [infusion], schedule([0.0], 0.2)).concentration["scala_tympani"]]
    ]
    assert base_over_apex[1] > 3.0 * base_over_apex[0]


def test_the_wall_narrows_as_the_scala_does_and_keeps_its_mean():
    one = ear(Grid())
    assert np.ptp(one.lateral_wall / one.scala_tympani) == pytest.approx(0.0, abs=1e-12)
    assert np.sum(one.lateral_wall * one.grid.width) == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize("ratio", [0.0, 0.25, 3.0])
def test_of_what_the_middle_ear_loses_so_much_reaches_plasma(ratio):
    dry = ear(oval_window_area=0.0, round_window_area=0.0, middle_ear_half_time=1.0)
    absorbed = drug(middle_ear_absorbed=ratio, **KEPT)
    run = solve(dry, absorbed, [niche(classes=1)], schedule([0.0], 3.0))
    lost = 7e8 * (1.0 - 0.5**3)
    reached = lost * ratio / (1.0 + ratio)
    assert run.ledger["cleared_middle_ear"][0, 0] == pytest.approx(lost - reached, rel=1e-6)
    in_body = sum(
        run.ledger[name][0, 0] for name in ("plasma", "lateral_wall", "scala_tympani", "scala_vestibuli")
    )
    assert (in_body > 0.0) == (ratio > 0.0)
    assert run.mass_balance_error.max() < 1e-10


def test_a_product_that_stays_in_the_middle_ear_has_a_half_time_of_its_own():
    dry = ear(oval_window_area=0.0, round_window_area=0.0, middle_ear_half_time=1.0)
    run = solve(dry, drug(middle_ear_half_time=24.0), [niche(classes=1)], schedule([0.0], 24.0))
    left = 7e8 * 0.5 * np.exp(-0.05 * 24.0)
    assert run.ledger["middle_ear"][0, 0] == pytest.approx(left, rel=1e-5)


def test_plasma_of_two_compartments_falls_as_the_sum_of_two_exponentials():
    shut = ear(**(TUBE | {"wall_blood_half_time": NEVER}))
    out, back, gone = 1.5, 0.4, 0.7
    solute = drug(plasma_exchange=out, plasma_return=back, plasma_clearance=gone, loss=0.0)
    dose = Flow("plasma", 0.0, 0.0, np.full((1, 1), 1e9), np.zeros(1))
    run = solve(shut, solute, [dose], schedule([0.0], 12.0), ["plasma"])
    after = run.knots > 0.0
    seen, knots = run.concentration["plasma"][0, 0, after], run.knots[after]
    total = out + back + gone
    fast, slow = (0.5 * (total + sign * np.sqrt(total**2 - 4 * back * gone)) for sign in (1.0, -1.0))
    share = (fast - back) / (fast - slow)
    exact = share * np.exp(-fast * knots) + (1.0 - share) * np.exp(-slow * knots)
    # 0.6 L/kg in 0.4 kg.
    assert seen == pytest.approx(exact * 1e9 / 2.4e5, rel=1e-4)


def test_a_barrier_that_leaks_for_a_while_is_felt_from_then_on_and_not_before():
    """Leaky at two hours, so in the intervals before and after that knot; or from then on."""
    flow = Flow("plasma", 0.0, 0.0, np.ones((1, 1)), np.zeros(1))
    knots = np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0])
    leak = np.array([1.0, 1.0, 1.0, 8.0, 1.0, 1.0])
    tight, short, always = (
        solve(ear(), drug(), [flow], knots, ["lateral_wall"], leak=factors).concentration["lateral_wall"][
            0, 0
        ]
        for factors in (np.ones(6), leak, np.where(knots < 2.0, 1.0, 8.0))
    )
    total = [run.sum(axis=-1) for run in (tight, short, always)]
    assert total[1][:3] == pytest.approx(total[0][:3], rel=1e-6)
    assert total[1][3] > 1.05 * total[0][3] and total[2][3] == total[1][3]
    assert total[2][:3] == pytest.approx(total[0][:3], rel=1e-6)
    # What leaks in leaks out again, once plasma holds less: sooner where it goes on leaking.
    assert total[2][-1] < 0.95 * total[1][-1] < total[1][-1]
