"""Laws of moving perilymph: injection through a semicircular canal, with and without a vent."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.transport import Flow, Grid, Transported, schedule, solve
from test_transport import CLOSED, EVEN, KEPT, TUBE, drug, ear, vesicle

STILL = {"diffusion": 0.0, "round_window_permeability": 0.0, "oval_window_permeability": 0.0, **KEPT}
ALL = ("scala_tympani", "scala_vestibuli", "vestibule", "organ_of_corti", "lateral_wall", "rosenthals_canal")
FULL = Grid()
SCALA, VESTIBULE = 17.1 * 0.3, 7.0


def still(grid: Grid = FULL, subjects: int = 1, **columns: object):
    """A tube of even width in which nothing moves by itself and cerebrospinal fluid is a vast clean sink."""
    return ear(grid, EVEN, subjects, **(TUBE | {"csf_volume": 1e12} | columns))


def canal(volume: float, outlet: str, minutes: float = 5.0, into: str = "vestibule", at: float = 1.0) -> Flow:
    amount = np.full((1, 1), 1e9 * volume)
    return Flow(into, 0.0, minutes / 60, amount, np.array([volume]), at=at, outlet=outlet)


def run_of(anatomy, solute, flows, stop: float = 24.0, keep=ALL) -> Transported:
    times = {t for f in flows for t in (f.start, f.stop)}
    return solve(anatomy, solute, flows, schedule(times, stop, [(f.start, f.stop) for f in flows]), keep)


@pytest.mark.parametrize(("minutes", "smeared"), [(0.0, 1e-9), (5.0, 0.02)])
def test_what_is_injected_into_a_canal_fills_vestibule_then_cochlea_as_far_as_it_reaches(minutes, smeared):
    """Half of the scala vestibuli is reached; nothing diffuses. In steps the front smears over some cells."""
    fine = still(Grid(72, 2.0, 36))
    run = run_of(fine, drug(**STILL), [canal(VESTIBULE + SCALA / 2, "aqueduct", minutes)], stop=1.0)
    place, last = run.grid.place, {name: run.concentration[name][0, 0, -1] for name in ALL}
    assert last["vestibule"] == pytest.approx(1e9, rel=smeared)
    assert last["scala_vestibuli"][place < 0.25] == pytest.approx(1e9, rel=smeared)
    assert last["scala_vestibuli"][place > 0.75].max() <= smeared * 1e9
    assert last["scala_tympani"].max() < 1e-6 * 1e9
    assert run.ledger["vented"].max() == run.ledger["cerebrospinal_fluid"].max() == 0.0
    assert run.closure.max() < 1e-10


def test_a_canal_injection_beyond_the_perilymph_leaves_by_the_aqueduct():
    given = VESTIBULE + 2 * SCALA + 10.0
    run = run_of(still(), drug(**STILL), [canal(given, "aqueduct")], stop=1.0)
    assert run.concentration["scala_tympani"][0, 0, -1] == pytest.approx(1e9, rel=1e-6)
    assert run.ledger["cerebrospinal_fluid"][0, 0] == pytest.approx(10.0 * 1e9, rel=1e-6)


def test_a_vent_spares_the_cochlea_and_takes_what_is_too_much():
    run = run_of(still(), drug(**STILL), [canal(VESTIBULE + 5.0, "vent")], stop=1.0)
    assert run.concentration["vestibule"][0, 0, -1] == pytest.approx(1e9, rel=1e-2)
    assert run.ledger["vented"][0, 0] == pytest.approx(5.0 * 1e9, rel=2e-3)
    assert run.concentration["scala_vestibuli"].max() == run.concentration["scala_tympani"].max() == 0.0
    assert run.closure.max() < 1e-10


def test_a_vent_in_a_canal_draws_a_round_window_injection_through_the_whole_cochlea():
    flow = canal(2 * SCALA + VESTIBULE, "vent", into="scala_tympani", at=0.0)
    run = run_of(still(), drug(**STILL), [flow], stop=1.0)
    assert run.concentration["scala_vestibuli"][0, 0, -1] == pytest.approx(1e9, rel=1e-2)
    assert run.ledger["cerebrospinal_fluid"][0, 0] == 0.0
    assert run.ledger["vented"][0, 0] < 0.05 * run.given[0, 0]


@pytest.mark.parametrize("outlet", ["aqueduct", "round_window", "vent"])
@pytest.mark.parametrize("dispersion", [0.0, 100.0])
def test_a_canal_injection_of_vesicles_stays_positive_and_closes(outlet, dispersion):
    run = run_of(
        ear(Grid(), dispersion=dispersion, **CLOSED), vesicle(100.0), [canal(1.0, outlet, 10.0)], stop=72.0
    )
    assert run.closure.max() < 1e-10
    for history in run.concentration.values():
        assert history.min() >= -1e-6 * history.max()
    assert run.concentration["organ_of_corti"].max() > 0.0


def test_a_vent_leaves_less_for_the_hair_cells():
    runs = {o: run_of(ear(Grid()), vesicle(100.0), [canal(8.0, o, 10.0)]) for o in ("aqueduct", "vent")}
    sealed, vented = (runs[o].concentration["organ_of_corti"].max(axis=2)[0, 0] for o in ("aqueduct", "vent"))
    assert np.all(vented[10:] < sealed[10:])


def test_a_bolus_or_a_depot_in_the_vestibule_is_where_it_was_put():
    still_ear, solute = still(), drug(**STILL)
    bolus = Flow("vestibule", 0.0, 0.0, np.ones((1, 1)), np.zeros(1), at=0.4)
    gel = Flow("vestibule", 0.0, 0.0, np.ones((1, 1)), np.zeros(1), at=0.4, release=np.array([1.0]))
    for flow, arrived in ((bolus, 1.0), (gel, 1.0 - np.exp(-2.0))):
        there = run_of(still_ear, solute, [flow], stop=2.0).concentration["vestibule"][0, 0, -1]
        assert there[2] * VESTIBULE / 6 == pytest.approx(arrived, rel=1e-4)
        assert np.delete(there, 2).max() == 0.0


def test_an_outlet_a_canal_does_not_have_is_refused():
    with pytest.raises(ValueError, match="vent"):
        canal(1.0, "oval_window")
