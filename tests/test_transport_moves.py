"""Laws of moving perilymph: injection through a semicircular canal, and sampling as laboratories do it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otosome.model.transport import (
    Flow,
    Grid,
    Sample,
    Transported,
    schedule,
    solve,
)
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


def run_of(anatomy, solute, flows, stop: float = 24.0, keep=ALL, samples=()) -> Transported:
    spans = [(f.start, f.stop) for f in (*flows, *samples)]
    times = {t for span in spans for t in span}
    return solve(anatomy, solute, flows, schedule(times, stop, spans), keep, samples=samples)


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
    assert run.mass_balance_error.max() < 1e-10


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
    assert run.mass_balance_error.max() < 1e-10


def test_a_vent_in_a_canal_draws_a_round_window_injection_through_the_whole_cochlea():
    flow = canal(2 * SCALA + VESTIBULE, "vent", into="scala_tympani", at=0.0)
    run = run_of(still(), drug(**STILL), [flow], stop=1.0)
    assert run.concentration["scala_vestibuli"][0, 0, -1] == pytest.approx(1e9, rel=1e-2)
    assert run.ledger["cerebrospinal_fluid"][0, 0] == 0.0
    assert run.ledger["vented"][0, 0] < 0.05 * run.dose[0, 0]


@pytest.mark.parametrize("outlet", ["aqueduct", "round_window", "vent"])
@pytest.mark.parametrize("dispersion", [0.0, 100.0])
def test_a_canal_injection_of_vesicles_stays_positive_and_closes(outlet, dispersion):
    run = run_of(
        ear(Grid(), **CLOSED), vesicle(100.0, dispersion=dispersion), [canal(1.0, outlet, 10.0)], stop=72.0
    )
    assert run.mass_balance_error.max() < 1e-10
    peak = max(history.max() for history in run.concentration.values())
    for history in run.concentration.values():
        assert history.min() >= -1e-6 * peak
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
        run = run_of(still_ear, solute, [flow], stop=2.0)
        there = run.concentration["vestibule"][0, 0, -1] * run.volume["vestibule"][0]
        cell = int(np.searchsorted(run.grid.vestibule_edges, 0.4)) - 1
        assert there[cell] == pytest.approx(arrived, rel=1e-4)
        assert np.delete(there, cell).max() == 0.0


def test_an_outlet_a_canal_does_not_have_is_refused():
    with pytest.raises(ValueError, match="vent"):
        canal(1.0, "oval_window")


def aspirated(volume: float, of: str = "scala_tympani", at: float = 1.0, start: float = 1.0, minutes=1.0):
    return Sample(of, start, start + minutes / 60, np.array([volume]), at)


def filled(cerebrospinal: float = 0.0, into: str = "vestibule") -> list[Flow]:
    """Everything from the canals to the aqueduct (or only scala tympani) at 1e9 per uL, at once."""
    tube = Flow("vestibule", 0.0, 0.0, np.full((1, 1), 1e11), np.array([100.0]), at=1.0, outlet="aqueduct")
    scala = Flow("scala_tympani", 0.0, 0.0, np.full((1, 1), 1e9 * SCALA), np.array([SCALA]), 1.0, "aqueduct")
    around = Flow("cerebrospinal_fluid", 0.0, 0.0, np.full((1, 1), cerebrospinal), np.zeros(1))
    return [tube if into == "vestibule" else scala, around]


@settings(max_examples=20, deadline=None)
@given(
    of=st.sampled_from(["scala_tympani", "scala_vestibuli", "vestibule"]), at=st.floats(0.0, 1.0),
    volume=st.floats(0.01, 40.0), minutes=st.sampled_from([0.0, 1.0, 20.0]), flow=st.sampled_from([0.0, 0.3]),
)  # fmt: skip
def test_a_sample_of_uniform_fluid_has_its_concentration(of, at, volume, minutes, flow):
    ears = still(csf_volume=1e9, axial_flow=flow)
    sample = aspirated(volume, of, at, minutes=minutes)
    run = run_of(ears, drug(**STILL), filled(1e9 * 1e9), stop=2.0, samples=[sample])
    assert run.samples[0, 0, 0] == pytest.approx(1e9, rel=1e-6)
    assert run.sampled[0, 0, 0] == pytest.approx(1e9 * volume, rel=1e-6)
    assert run.mass_balance_error.max() < 1e-10


@pytest.mark.parametrize(("minutes", "smeared"), [(0.0, 1e-9), (2.0, 1e-6)])
@pytest.mark.parametrize(
    ("of", "at", "behind"),
    [
        ("scala_tympani", 1.0, SCALA),
        ("scala_tympani", 0.4, 0.4 * SCALA),
        ("scala_tympani", 0.41, 0.41 * SCALA),
        ("scala_vestibuli", 0.0, 2 * SCALA),
        ("vestibule", 1.0, 2 * SCALA + VESTIBULE),
    ],
)
def test_cerebrospinal_fluid_dilutes_a_large_sample_by_exactly_the_ratio_of_volumes(
    of, at, behind, minutes, smeared
):
    """Nothing diffuses. At 0.4 a cell of the grid ends; at 0.41 the perforation cuts one."""
    volume = 2.5 * behind
    sample = aspirated(volume, of, at, minutes=minutes)
    run = run_of(still(Grid(40, 0.0, 24)), drug(**STILL), filled(), stop=2.0, samples=[sample])
    assert run.samples[0, 0, 0] == pytest.approx(1e9 * behind / volume, rel=smeared)
    assert run.ledger["sampled"][0, 0] == pytest.approx(run.sampled[0, 0, 0], rel=1e-14)
    assert run.mass_balance_error.max() < 1e-10


def test_a_small_sample_is_not_diluted_and_reports_the_fluid_not_the_point():
    run = run_of(still(), drug(**STILL), filled(into="scala_tympani"), stop=2.0, samples=[aspirated(1.0)])
    assert run.samples[0, 0, 0] == pytest.approx(1e9, rel=1e-9)
    half = run_of(
        still(), drug(**STILL), filled(into="scala_tympani"), stop=2.0,
        samples=[aspirated(2.0 + SCALA, "scala_vestibuli", at=0.0, minutes=0.0)],
    )  # fmt: skip
    assert half.samples[0, 0, 0] == pytest.approx(1e9 * 2.0 / (2.0 + SCALA), rel=1e-9)


def test_aspirating_at_the_apex_pushes_basal_fluid_apically():
    """The basal third is full; a sample of a third of the scala moves it on by as much."""
    basal = Flow(
        "scala_tympani", 0.0, 0.0, np.full((1, 1), 1e9 * SCALA / 3), np.array([SCALA / 3]), 1 / 3, "aqueduct"
    )
    sample = aspirated(SCALA / 3, minutes=0.0)
    run = run_of(still(), drug(**STILL), [basal], stop=2.0, samples=[sample])
    place, last = run.grid.place, run.concentration["scala_tympani"][0, 0, -1]
    assert run.samples[0, 0, 0] == 0.0
    assert last[(place > 0.4) & (place < 0.6)] == pytest.approx(1e9, rel=1e-6)
    assert last[(place < 0.25) | (place > 0.75)].max() < 1e-6 * 1e9


def test_sequential_samples_from_a_canal_read_the_ear_backwards():
    """Vestibule first, then scala vestibuli, then scala tympani, then cerebrospinal fluid."""
    ears = still(Grid(72, 2.0, 40))
    samples = [aspirated(1.0, "vestibule", start=1.0 + k / 60) for k in range(24)]
    run = run_of(ears, drug(**STILL), filled(into="scala_tympani"), stop=2.0, samples=samples)
    read = run.samples[0, 0]
    assert read.shape == (24,)
    assert read[:10].max() < 1e-3 * 1e9
    assert read[13:16] == pytest.approx(1e9, rel=0.02)
    assert read[20:].max() < 1e-3 * 1e9
    assert read.sum() == pytest.approx(1e9 * SCALA, rel=1e-9)
    at_once = run_of(
        ears, drug(**STILL), filled(into="scala_tympani"), stop=2.0, samples=[aspirated(24.0, "vestibule")]
    )
    assert at_once.sampled.sum() == pytest.approx(run.sampled.sum(), rel=1e-9)


def test_samples_of_vesicles_close_the_ledger_and_no_ear_depends_on_its_companions():
    samples = [aspirated(1.0, start=24.0 + k / 60) for k in range(4)]
    samples += [aspirated(2.0, "vestibule", 0.5, start=30.0, minutes=0.0)]
    rng = np.random.default_rng(9)
    many = ear(FULL, subjects=18, volume_scale=rng.lognormal(0, 0.2, 18), axial_flow=rng.uniform(0, 0.3, 18))
    flow = [Flow("middle_ear", 0.0, 0.0, np.full((3, 1), 7e8), np.array([5.0]))]
    run = run_of(many, vesicle(), flow, stop=48.0, keep=("scala_tympani", "organ_of_corti"), samples=samples)
    assert run.mass_balance_error.max() < 1e-10
    assert run.samples.shape == run.sampled.shape == (3, 18, 5)
    assert np.all(run.sampled > 0)
    assert run.sampled.sum(axis=2) == pytest.approx(run.ledger["sampled"], rel=1e-12)
    for history in run.concentration.values():
        assert history.min() >= -1e-6 * history.max()
    alone = run_of(
        many.take(slice(16, 18)), vesicle(), flow, stop=48.0, keep=("scala_tympani",), samples=samples
    )
    assert np.array_equal(alone.samples, run.samples[:, 16:])


def test_a_sample_while_the_solute_spreads_lies_between_the_lowest_and_the_highest_point():
    sample = aspirated(3.0, at=0.0, start=3.0)
    flow = [Flow("middle_ear", 0.0, 0.0, np.ones((1, 1)), np.array([5.0]))]
    basal = run_of(ear(FULL), drug(), flow, samples=[sample])
    apical = run_of(ear(FULL), drug(), flow, samples=[aspirated(3.0, at=1.0, start=3.0)])
    then = np.searchsorted(basal.knots, 3.0)
    profile = basal.concentration["scala_tympani"][0, 0, then]
    # At the very base nearly all is cerebrospinal fluid; from the apex most of the scala is read.
    assert basal.samples[0, 0, 0] < 0.1 * profile[0]
    assert profile[-1] < apical.samples[0, 0, 0] < profile[0]


def test_without_samples_there_are_none():
    run = run_of(still(), drug(**STILL), filled(), stop=1.0)
    assert run.samples.shape == (1, 1, 0)
    assert run.ledger["sampled"][0, 0] == 0.0


def test_a_sample_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="scala_tympani"):
        aspirated(1.0, of="scala_media")
    with pytest.raises(ValueError, match="positive"):
        aspirated(0.0)
    with pytest.raises(ValueError, match="place from 0 to 1"):
        aspirated(1.0, at=2.0)
    with pytest.raises(ValueError, match="not a double knot"):
        solve(still(), drug(**STILL), filled(), schedule([0.0], 2.0), samples=[aspirated(1.0)])
    with pytest.raises(ValueError, match="not within"):
        solve(still(), drug(**STILL), filled(), schedule([0.0], 0.5), samples=[aspirated(1.0)])
