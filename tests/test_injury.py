"""Exposure -> cells: laws of injury, protection and the insults that ship."""

from __future__ import annotations

import importlib
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from otosome.catalog import get, names
from otosome.errors import BadInput
from otosome.model.injury import (
    KINDS,
    Cells,
    Injury,
    Mechanism,
    Protection,
    elapsed,
    injury,
    protect,
    relax,
    survive,
)
from otosome.roles import Ear, Exposure, Use

SPECIES = ("guinea_pig", "mouse")
CLEARANCE = np.array([0.04])
PLACES = (np.arange(12) + 0.5) / 12
FIELDS = ("intact", "injured", "silent")


def ear_of(species: str) -> Ear:
    frequency = 9.8 * (10 ** (0.92 * (1 - PLACES)) - 0.68)
    return Ear(species, PLACES, frequency, np.array([7.0]), {"place_spread": np.array([0.04])})


def times(*events: float, stop: float, first: float = 0.05) -> np.ndarray:
    """Geometric steps after each event, every event twice."""
    found: list[float] = []
    for start, end in zip(events, (*events[1:], stop), strict=True):
        found += [start, start]
        step, now = first, start + first
        while now < end:
            found.append(now)
            step = min(1.25 * step, 4.0)
            now += step
    return np.array([*found, stop])


def best(shelf: str, species: str) -> dict[str, np.ndarray]:
    """The best value of every number of a shelf."""
    cards = (get(shelf, name) for name in names(shelf))
    return {p.name: np.array([p.value]) for card in cards for p in card.parameters(species).values()}


def rates_of(species: str) -> dict[str, dict[str, np.ndarray]]:
    table = best("cells", species)
    return {kind: get("cells", kind).columns(table, species) for kind in (*KINDS, "stria")}


def insult(name: str, species: str):
    return get("insults", name).bind(best("insults", species), species)


def mechanisms_of(species: str) -> dict[str, Mechanism]:
    table = best("mechanisms", species)
    return {name: get("mechanisms", name).bind(table, species) for name in names("mechanisms")}


def exposure_to(name: str, dose: float, knots: np.ndarray) -> Exposure:
    """Each insult at a dose: 1 is 5 uM of a drug for hours, 100 dB for 2 h, or the event."""
    drug = dose * 5.0 * np.exp(-knots / 2.0)[None, :, None] * np.ones((1, knots.size, PLACES.size))
    use = Use((0.0,), (2.0,), level=100.0 + 6.0 * np.log2(max(dose, 1e-9)), band=(8.0, 16.0))
    return Exposure(knots, dict.fromkeys(insult(name, "mouse").needs, drug), use)


def outcome(name: str, species: str, dose: float = 1.0, stop: float = 504.0, protection=None) -> Cells:
    knots, ear = times(0.0, 2.0, stop=stop), ear_of(species)
    done = injury(ear, knots, [(insult(name, species), exposure_to(name, dose, knots))])
    return survive(knots, rates_of(species), done, CLEARANCE, protection)


def contact(knots: np.ndarray, level: float) -> dict[str, np.ndarray]:
    present = np.full((1, knots.size, PLACES.size), level)
    return {"organ_of_corti": present, "rosenthals_canal": present}


def same(one: Cells, other: Cells) -> bool:
    """Whether two fates agree in every bit."""
    states = (getattr(c, f)[k].tobytes() for k in KINDS for f in FIELDS for c in (one, other))
    listed = list(states)
    return listed[::2] == listed[1::2] and one.stria.tobytes() == other.stria.tobytes()


@pytest.mark.parametrize("species", SPECIES)
def test_an_ear_without_insults_keeps_every_cell(species):
    knots, ear = times(0.0, stop=5000.0), ear_of(species)
    cells = survive(knots, rates_of(species), injury(ear, knots, []), CLEARANCE)
    for kind in KINDS:
        assert np.all(cells.intact[kind] == 1.0)
        assert np.all(cells.function(kind) == 1.0)
    assert np.all(cells.stria == 1.0)
    assert np.all(cells.afferents() == 1.0)


@pytest.mark.parametrize("name", names("insults"))
def test_no_exposure_no_hazard(name):
    knots, ear = times(0.0, 2.0, stop=100.0), ear_of("mouse")
    formula, nothing = insult(name, "mouse"), np.zeros((1, knots.size, PLACES.size))
    unused = Exposure(
        knots, dict.fromkeys(formula.needs, nothing), Use((), (), level=100.0, band=(8.0, 16.0))
    )
    assert not np.any(formula.stress(ear, unused))
    assert not any(np.any(hazard) for hazard in formula.hazards(ear, unused).values())


@pytest.mark.parametrize("name", ["cisplatin", "noise"])
@settings(max_examples=25, deadline=None)
@given(low=st.floats(0.01, 4.0), more=st.floats(1.0, 4.0))
def test_a_larger_dose_is_never_less_hazardous(name, low, more):
    knots, ear, formula = times(0.0, 2.0, stop=100.0), ear_of("mouse"), insult(name, "mouse")
    small, large = (exposure_to(name, dose, knots) for dose in (low, low * more))
    assert np.all(formula.stress(ear, large) >= formula.stress(ear, small) * (1 - 1e-12))
    for kind, hazard in formula.hazards(ear, small).items():
        assert np.all(formula.hazards(ear, large)[kind] >= hazard * (1 - 1e-12))


def test_a_deeper_instrument_harms_no_place_less():
    knots, ear, formula = times(0.0, stop=50.0), ear_of("mouse"), insult("implantation", "mouse")
    shallow, deep = (
        formula.stress(ear, Exposure(knots, {}, Use((0.0,), (0.0,), depth=d))) for d in (1.0, 3.0)
    )
    assert np.all(deep >= shallow)
    assert np.any(deep > shallow)


def test_an_event_harms_only_after_it():
    knots, ear, formula = times(0.0, 10.0, stop=50.0), ear_of("mouse"), insult("implantation", "mouse")
    production = formula.stress(ear, Exposure(knots, {}, Use((10.0,), (10.0,), depth=3.0)))
    before = knots < 10.0
    before[np.flatnonzero(knots == 10.0)[0]] = True
    assert not np.any(production[:, before])
    assert np.all(production[:, ~before, 0] > 0)


def test_elapsed_time_begins_at_the_last_of_the_events_knots():
    since = elapsed(np.array([0.0, 0.0, 1.0, 2.0, 2.0, 5.0]), 2.0)
    assert np.array_equal(since, [np.inf, np.inf, np.inf, np.inf, 0.0, 3.0])


@pytest.mark.parametrize("name", names("insults"))
@pytest.mark.parametrize("dose", [0.3, 1.0, 30.0])
def test_fractions_stay_between_none_and_all_and_no_cell_is_gained(name, dose):
    cells = outcome(name, "guinea_pig", dose)
    for kind in KINDS:
        alive = cells.counted(kind)
        for state in (cells.intact[kind], cells.injured[kind], cells.silent[kind]):
            assert state.min() >= 0.0
        assert alive.max() <= 1.0 + 1e-12
        assert np.diff(alive, axis=1).max() <= 1e-12
    assert cells.stria.min() >= 0.0
    assert cells.stria.max() <= 1.0


_RATE = st.floats(0.0, 50.0)


@settings(max_examples=150, deadline=None)
@given(
    production=st.floats(0.0, 5.0),
    direct=_RATE,
    changes=st.fixed_dictionaries(dict.fromkeys(("repair", "silencing", "death", "silent_death"), _RATE)),
    step=st.floats(1e-4, 500.0),
)
def test_any_rates_and_steps_keep_the_fractions_in_bounds(production, direct, changes, step):
    rates = rates_of("mouse")
    rates["ohc"] = rates["ohc"] | {key: np.array([value]) for key, value in changes.items()}
    knots = np.arange(6) * step
    flat = np.full((1, 6, 2), 1.0)
    cells = survive(knots, rates, Injury(production * flat, {"ohc": direct * flat}), CLEARANCE)
    states = [getattr(cells, f)["ohc"] for f in FIELDS]
    assert all(np.all(np.isfinite(s)) and s.min() >= 0.0 for s in states)
    assert sum(states).max() <= 1.0 + 1e-12


def test_constant_coefficients_give_the_exact_solution():
    rates = rates_of("mouse")
    chosen = {"repair": 0.03, "silencing": 0.02, "death": 0.05, "silent_death": 0.01, "susceptibility": 1.5,
              "sensitivity": 0.02, "half_stress": 1.0, "hill": 4.0}  # fmt: skip
    rates["ohc"] = rates["ohc"] | {key: np.array([value]) for key, value in chosen.items()}
    knots = np.linspace(0.0, 200.0, 2001)
    flat = np.ones((1, knots.size, 1))
    # So fast a clearance that stress is at its steady value of 2 from the first step on.
    production = Injury(2.0e6 * flat, {"ohc": 0.01 * flat})
    cells = survive(knots, rates, production, np.array([1.0e6]))
    alpha, deadly = 1.5 * (0.02 * 2.0 + 0.01), 16.0 / 17.0
    leave = 0.03 + (0.02 + 0.05) * deadly
    system = np.array([[-alpha, 0.03, 0.0], [alpha, -leave, 0.0], [0.0, 0.02 * deadly, -0.01]])
    exact = expm(system * 200.0)[:, 0]
    found = [getattr(cells, f)["ohc"][0, -1, 0] for f in FIELDS]
    # The first of 2,000 steps still sees stress rise from zero: half of 0.1 h at rates of 0.05 /h.
    assert np.allclose(found, exact, atol=3e-3)
    # The cubics of the next two intervals still reach back to that jump.
    one = survive(knots, rates, production, np.array([1.0e6])).at(slice(3, None))
    start = np.array([getattr(one, f)["ohc"][0, 0, 0] for f in FIELDS])
    later = expm(system * (knots[-1] - knots[3])) @ start
    assert np.allclose(found[:2], later[:2], rtol=1e-11)
    # The inflow of silent cells is spread evenly over a step.
    assert found[2] == pytest.approx(later[2], rel=1e-6)


def test_silent_cells_come_back_as_the_exact_solution_has_it():
    rates = rates_of("mouse")
    chosen = {"repair": 0.03, "silencing": 0.02, "death": 0.05, "silent_death": 0.01, "susceptibility": 1.0,
              "sensitivity": 0.02, "half_stress": 2.0, "hill": 4.0, "revival": 0.04}  # fmt: skip
    rates["ohc"] = rates["ohc"] | {key: np.array([value]) for key, value in chosen.items()}
    deadly, back = 0.5, 0.04 * 0.75 * 0.5  # stress at its half; a quarter of silence is left

    def states(steps: int) -> np.ndarray:
        knots = np.linspace(0.0, 200.0, steps + 1)
        flat = np.ones((1, knots.size, 1))
        protection = Protection({("revive", "ohc"): 0.25 * flat})
        cells = survive(knots, rates, Injury(2.0e9 * flat, {}), np.array([1.0e9]), protection)
        return np.array([getattr(cells, f)["ohc"][0, [8 * steps // 200, -1], 0] for f in FIELDS])

    alpha, leave = 0.02 * 2.0, 0.03 + (0.02 + 0.05) * deadly
    system = np.array([[-alpha, 0.03, 0.0], [alpha, -leave, back], [0.0, 0.02 * deadly, -0.01 - back]])
    off = [np.abs(s[:, 1] - expm(system * 192.0) @ s[:, 0]).max() for s in (states(200), states(400))]
    assert off[0] < 2e-5
    # Split off half before and half after each step: second order.
    assert np.log2(off[0] / off[1]) == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize("name", ["cisplatin", "noise"])
def test_what_an_untreated_ear_hears_says_nothing_of_the_late_window(name):
    def function(**numbers: float) -> dict[str, np.ndarray]:
        knots, ear, rates = times(0.0, 2.0, stop=504.0), ear_of("mouse"), rates_of("mouse")
        for kind in ("ohc", "ihc", "synapse"):
            rates[kind] = rates[kind] | {
                key: np.array([v]) for key, v in numbers.items() if key in rates[kind]
            }
        done = injury(ear, knots, [(insult(name, "mouse"), exposure_to(name, 1.5, knots))])
        cells = survive(knots, rates, done, CLEARANCE)
        counted = {"counted synapses": cells.counted("synapse"), "neurons": cells.counted("sgn")}
        return {kind: cells.function(kind) for kind in KINDS} | counted

    short = function(revival=0.0, silent_death=0.5, withdrawn=0.0)
    long = function(revival=0.1, silent_death=1e-4, withdrawn=1.0)
    for what in ("ohc", "ihc", "synapse", "counted synapses"):
        assert short[what] == pytest.approx(long[what], abs=1e-12), what
    # A neuron goes with its inner hair cell, so it may live a little longer where that is silent for longer.
    assert np.all(long["neurons"] >= short["neurons"] - 1e-12)


@settings(max_examples=20, deadline=None)
@given(
    less=st.floats(0.0, 1.0),
    more=st.floats(0.0, 1.0),
    dose=st.floats(0.2, 3.0),
    name=st.sampled_from(["cisplatin", "noise"]),
)
def test_reviving_more_is_never_worse_for_hearing(less, more, dose, name):
    weak, strong = sorted((less, more))

    def working(strength: float, kind: str) -> np.ndarray:
        factor = np.full((1, 1, 1), 1.0 - strength)
        return outcome(name, "mouse", dose, 504.0, Protection({("revive", kind): factor})).function(kind)

    for kind in ("ohc", "ihc", "synapse"):
        assert np.all(working(strong, kind) >= working(weak, kind) - 1e-12)


def test_nothing_is_revived_while_stress_kills():
    knots, rates = times(0.0, stop=100.0), rates_of("mouse")
    flat = np.ones((1, knots.size, PLACES.size))
    done = Injury(
        1e3 * CLEARANCE[0] * flat, {"ohc": 0.1 * flat}
    )  # stress towards a thousand: deadly everywhere
    awake, left = (survive(knots, rates, done, CLEARANCE, p) for p in (
        Protection({("revive", "ohc"): np.zeros((1, 1, 1))}), Protection()
    ))  # fmt: skip
    assert awake.silent["ohc"].max() > 0.1
    assert awake.silent["ohc"] == pytest.approx(left.silent["ohc"], abs=1e-3)


def test_clearing_and_repair_have_no_upper_end_and_a_share_has():
    formula = mechanisms_of("mouse")["anti_inflammatory"]
    assert replace(formula, clear=np.array([20.0])).largest("clear") == 20.0
    with pytest.raises(BadInput, match="not below 0"):
        replace(formula, clear=np.array([-0.1]))
    with pytest.raises(BadInput, match="from 0 to 1"):
        replace(formula, revive=np.array([1.1]))


def test_a_pool_with_constant_coefficients_is_exact():
    knots = np.array([0.0, 0.0, 0.5, 3.0, 30.0])
    found = relax(knots, np.full((1, 5, 1), 2.0), np.full((1, 1, 1), 0.3), 1.0)[0, :, 0]
    assert np.allclose(found, 2 / 0.3 + (1 - 2 / 0.3) * np.exp(-0.3 * knots), rtol=1e-13)


def test_the_error_falls_with_the_fourth_power_of_the_step():
    def counted(steps: int) -> np.ndarray:
        knots = np.linspace(0.0, 100.0, steps + 1)
        production = 0.3 * np.sin(np.pi * knots / 100.0)[None, :, None] ** 2 * np.ones((1, 1, 1))
        cells = survive(knots, rates_of("mouse"), Injury(production, {"ohc": 0.1 * production}), CLEARANCE)
        return np.array([getattr(cells, f)["ohc"][0, -1, 0] for f in FIELDS])

    fine = counted(6400)
    coarse, half = (np.abs(counted(n) - fine) for n in (50, 100))
    assert np.log2(coarse[1] / half[1]) == pytest.approx(4.0, abs=0.3)
    # What falls silent is spread evenly over half a step: second order, though of a small part.
    assert np.log2(coarse[2] / half[2]) == pytest.approx(2.0, abs=0.15)
    assert coarse.max() < 1e-6


def test_subjects_do_not_see_each_other():
    knots = times(0.0, stop=100.0)
    production = np.array([0.1, 0.4])[:, None, None] * np.ones((1, knots.size, 3))
    rates = {k: {key: np.repeat(v, 2) for key, v in r.items()} for k, r in rates_of("mouse").items()}
    both = survive(knots, rates, Injury(production, {}), np.repeat(CLEARANCE, 2))
    second = survive(knots, rates_of("mouse"), Injury(production[1:], {}), CLEARANCE)
    assert all(both.intact[k][1].tobytes() == second.intact[k][0].tobytes() for k in KINDS)


def test_hazards_of_several_insults_add():
    knots, ear = times(0.0, 2.0, stop=50.0), ear_of("mouse")
    pairs = [(insult(n, "mouse"), exposure_to(n, 1.0, knots)) for n in ("noise", "cisplatin")]
    both, each = injury(ear, knots, pairs), [injury(ear, knots, [pair]) for pair in pairs]
    assert np.allclose(both.production, each[0].production + each[1].production)
    assert np.allclose(both.hazards["ohc"], each[0].hazards["ohc"] + each[1].hazards["ohc"])


# Protection


@pytest.mark.parametrize("without", ["no vesicles", "no potency", "all knocked out", "no mechanism"])
def test_no_vesicles_no_protection_to_the_last_bit(without):
    knots = times(0.0, 2.0, stop=504.0)
    mechanisms = mechanisms_of("mouse")
    absent = {
        "no vesicles": protect(knots, mechanisms, contact(knots, 0.0)),
        "no potency": protect(
            knots, mechanisms, contact(knots, 1e9), dict.fromkeys(mechanisms, np.zeros((1, 1, 1)))
        ),
        "all knocked out": protect(knots, mechanisms, contact(knots, 1e9), without=mechanisms),
        "no mechanism": protect(knots, {}, contact(knots, 1e9)),
    }[without]
    for name in ("noise", "cisplatin"):
        assert same(outcome(name, "mouse", protection=absent), outcome(name, "mouse"))


@pytest.mark.parametrize("mechanism", names("mechanisms"))
def test_a_mechanism_at_zero_dose_gives_no_signal(mechanism):
    nothing = np.zeros((1, 3, 2))
    signal = mechanisms_of("mouse")[mechanism].signal(nothing, nothing)
    assert not np.any(signal)


@pytest.mark.parametrize("mechanism", names("mechanisms"))
def test_signals_rise_with_vesicles_and_stay_below_all(mechanism):
    levels = np.geomspace(1e2, 1e12, 30).reshape(1, -1, 1)
    signal = mechanisms_of("mouse")[mechanism].signal(levels, np.zeros_like(levels))
    assert np.all(np.diff(signal, axis=1) >= 0)
    assert signal.max() <= 1.0
    assert signal[0, 0, 0] < 0.1


def test_half_the_potency_is_twice_the_dose():
    knots = times(0.0, stop=50.0)
    mechanisms = mechanisms_of("mouse")
    half = dict.fromkeys(mechanisms, np.full((1, 1, 1), 0.5))
    one = protect(knots, mechanisms, contact(knots, 1e6))
    other = protect(knots, mechanisms, contact(knots, 2e6), half)
    assert all(np.allclose(one.factors[key], other.factors[key]) for key in one.factors)


@pytest.mark.parametrize("name", ["cisplatin", "noise"])
@pytest.mark.parametrize("mechanism", ["hsp70", "anti_inflammatory"])
def test_more_vesicles_are_never_worse(name, mechanism):
    knots = times(0.0, 2.0, stop=504.0)
    acting = {mechanism: mechanisms_of("mouse")[mechanism]}
    levels = (0.0, 1e5, 1e6, 1e7, 1e9)
    cells = [
        outcome(name, "mouse", 2.0, protection=protect(knots, acting, contact(knots, x))) for x in levels
    ]
    for worse, better in itertools.pairwise(cells):
        for kind in ("ohc", "ihc", "synapse"):
            assert np.all(better.counted(kind)[:, -1] >= worse.counted(kind)[:, -1] - 1e-12)
            assert np.all(better.function(kind)[:, -1] >= worse.function(kind)[:, -1] - 1e-12)
        assert np.all(better.stria >= worse.stria - 1e-12)
    assert cells[-1].counted("ohc")[0, -1, 0] > cells[0].counted("ohc")[0, -1, 0]


@pytest.mark.parametrize("action", ["prevent", "rescue", "repair", "clear"])
@settings(max_examples=20, deadline=None)
@given(less=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0), dose=st.floats(0.2, 5.0))
def test_a_stronger_action_is_never_worse(action, less, more, dose):
    weak, strong = sorted((less, more))
    kind = "stress" if action == "clear" else "ohc"
    up = action in ("repair", "clear")

    def counted(strength: float) -> np.ndarray:
        factor = np.full((1, 1, 1), 1.0 + strength if up else 1.0 - strength)
        return outcome("cisplatin", "mouse", dose, 200.0, Protection({(action, kind): factor})).counted("ohc")

    assert np.all(counted(strong) >= counted(weak) - 1e-12)


def test_a_gate_shut_weakens_the_others_and_does_nothing_by_itself():
    knots = times(0.0, 2.0, stop=504.0)
    mechanisms = mechanisms_of("mouse")
    present = contact(knots, 1e8)
    opened = protect(knots, mechanisms, present)
    shut = protect(knots, mechanisms, present, without=["autophagy"])
    alone = protect(knots, {"autophagy": mechanisms["autophagy"]}, present)
    prevented = [1.0 - p.factors["prevent", "ohc"][0, -1, 0] for p in (opened, shut)]
    assert prevented[0] > prevented[1] > 0.0
    assert not alone.factors


@pytest.mark.parametrize("level", [1e3, 1e6, 1e12])
def test_without_a_gate_of_one_nothing_is_left_however_strong_the_dose(level):
    knots = times(0.0, 2.0, stop=504.0)
    mechanisms = mechanisms_of("mouse")
    needed = replace(mechanisms["autophagy"], gate=np.ones((1, 1, 1)))
    shut = protect(knots, mechanisms | {"autophagy": needed}, contact(knots, level), without=["autophagy"])
    assert shut.factors
    assert all(np.all(factor == 1.0) for factor in shut.factors.values())


@settings(max_examples=30, deadline=None)
@given(gate=st.floats(0.0, 1.0), level=st.floats(1e2, 1e10))
def test_a_gate_knocked_out_leaves_its_share_of_every_effect(gate, level):
    knots = times(0.0, 2.0, stop=504.0)
    mechanisms = {n: m for n, m in mechanisms_of("mouse").items() if n in ("autophagy", "hsp70")}
    gated = mechanisms | {"autophagy": replace(mechanisms["autophagy"], gate=np.full((1, 1, 1), gate))}
    without = protect(knots, gated, contact(knots, level), without=["autophagy"])
    free = protect(knots, {"hsp70": mechanisms["hsp70"]}, contact(knots, level))
    for key, factor in free.factors.items():
        assert np.allclose(1.0 - without.factors[key], (1.0 - gate) * (1.0 - factor), atol=1e-12)


def test_a_gate_may_act_itself_and_does_not_wait_for_itself():
    knots = times(0.0, 2.0, stop=504.0)
    hsp70 = mechanisms_of("mouse")["hsp70"]
    needed = replace(hsp70, gates=True, gate=np.ones((1, 1, 1)))
    acting = protect(knots, {"hsp70": needed}, contact(knots, 1e6))
    free = protect(knots, {"hsp70": hsp70}, contact(knots, 1e6))
    assert all(np.array_equal(acting.factors[key], free.factors[key]) for key in free.factors)


def test_spared_synapses_outlive_any_insult_and_go_with_what_takes_them_unharmed():
    knots = times(0.0, 2.0, stop=504.0)
    rates = rates_of("mouse")
    shape = (1, knots.size, 2)
    deadly = Injury(np.full(shape, 50.0), {"synapse": np.full(shape, 50.0)})
    left = survive(knots, rates, deadly, np.full(1, 0.01)).counted("synapse")
    assert np.allclose(left[:, -1], rates["synapse"]["spared"], atol=1e-6)
    ageing = Injury(np.zeros(shape), {}, {"synapse": np.full(shape, 0.002)})
    gone = survive(knots, rates, ageing, np.full(1, 0.01)).counted("synapse")
    assert np.allclose(gone[0, :, 0], np.exp(-0.002 * (knots - knots[0])), atol=1e-6)


def test_one_susceptibility_multiplies_stress_hair_cells_and_synapses_alike():
    entry = get("insults", "noise")
    best = {p.name: np.array([p.value]) for p in entry.parameters("mouse").values()}
    ear = ear_of("mouse")
    exposure = Exposure(times(0.0, 2.0, stop=24.0), {}, Use((0.0,), (2.0,), level=100.0, band=(8.0, 16.0)))

    def injured(**changed: float) -> list[np.ndarray]:
        columns = best | {f"insults.noise.{key}": np.array([value]) for key, value in changed.items()}
        noise = entry.bind(columns, "mouse")
        return [noise.stress(ear, exposure), *noise.hazards(ear, exposure).values()]

    for twice, once in zip(injured(susceptibility=2.0), injured(susceptibility=1.0), strict=True):
        assert np.array_equal(twice, 2.0 * once)
    # A decibel more that is received is a decibel more.
    louder = replace(exposure, use=replace(exposure.use, level=103.0))
    noise = entry.bind(best, "mouse")
    assert np.allclose(
        injured(received=3.0, susceptibility=float(best["insults.noise.susceptibility"][0]))[0],
        noise.stress(ear, louder),
    )
    # One that is shaded is one less.
    for shaded, softer in zip(injured(shading=3.0), injured(received=-3.0), strict=True):
        assert np.array_equal(shaded, softer)


def test_one_dose_goes_on_protecting_after_the_vesicles_are_gone():
    knots = times(0.0, 24.0, stop=400.0)
    gone = {tissue: c * (knots <= 24.0)[None, :, None] for tissue, c in contact(knots, 1e8).items()}
    effect = 1.0 - protect(knots, mechanisms_of("mouse"), gone).factors["prevent", "ohc"][0, :, 0]
    at = {t: effect[np.searchsorted(knots, t)] for t in (24.0, 120.0, 390.0)}
    assert at[24.0] > at[120.0] > 0.2 * at[24.0] > at[390.0]


def test_neurons_are_kept_by_what_reaches_their_canal_not_the_organ_of_corti():
    knots = times(0.0, 2.0, stop=5000.0)
    present = contact(knots, 1e9)
    none = np.zeros_like(present["organ_of_corti"])
    acting = {"anti_inflammatory": mechanisms_of("mouse")["anti_inflammatory"]}

    def neurons(tissue: dict[str, np.ndarray]) -> float:
        cells = outcome("noise", "mouse", stop=5000.0, protection=protect(knots, acting, tissue))
        return float(cells.counted("sgn")[0, -1, 3])

    nothing = neurons({"organ_of_corti": none, "rosenthals_canal": none})
    canal = neurons({"organ_of_corti": none, "rosenthals_canal": present["rosenthals_canal"]})
    assert canal > nothing + 0.02


def test_natural_cargo_is_nearly_silent():
    mechanism = mechanisms_of("mouse")["anti_inflammatory"]
    nothing = np.zeros((1, 1, 1))
    # 0.008 copies in each of 1e7 vesicles per uL.
    assert mechanism.signal(nothing, np.full((1, 1, 1), 0.008 * 1e7)) < 0.001


# What the shipped numbers do: they were tuned to these, so this guards the files and is no evidence


def test_noise_at_100_dB_recovers_and_costs_synapses_while_106_dB_leaves_a_loss():
    low, high = (outcome("noise", "mouse", dose, 720.0) for dose in (1.0, 2.0))
    at = np.argmin(np.abs(ear_of("mouse").frequency - 16.0))
    knots = times(0.0, 2.0, stop=720.0)
    day, fortnight = np.searchsorted(knots, (24.0, 336.0))
    assert low.function("ohc")[0, day, at] < 0.6 < 0.9 < low.function("ohc")[0, fortnight, at]
    # Up to 45 % are lost; the ear of middle numbers is no middle ear, so three and a half errors of 5 points.
    assert 0.375 < low.counted("synapse")[0, fortnight, at] < 0.75
    assert high.function("ohc")[0, -1, at] < 0.75
    assert high.counted("synapse")[0, -1, at] < 0.5


def after_cisplatin(dose: float) -> Cells:
    """A guinea pig after a dose; 1 is 12 mg/kg once, as transport brings it there at best values.

    12 uM at the base, 18 in the middle and 6 at the apex at the peak, fading within hours.
    """
    knots, ear = times(0.0, stop=504.0), ear_of("guinea_pig")
    peak = np.interp(PLACES, [0.0, 0.5, 1.0], [11.9, 17.6, 5.7])
    drug = dose * peak * np.exp(-knots / 1.4)[None, :, None]
    formula = insult("cisplatin", "guinea_pig")
    exposure = Exposure(knots, dict.fromkeys(formula.needs, drug), Use((0.0,), (0.0,)))
    done = injury(ear, knots, [(formula, exposure)])
    return survive(knots, rates_of("guinea_pig"), done, CLEARANCE)


def test_cisplatin_takes_the_base_first_and_spares_inner_hair_cells():
    # The ear of middle numbers is at the edge of loss after one dose.
    once = after_cisplatin(2.0)
    outer = once.counted("ohc")[0, -1]
    # What the calibration reads in "partial loss throughout": 20 to 80 % in the basal third.
    assert 0.2 < outer[:4].mean() < 0.8
    assert outer[-1] > outer[:4].mean() + 0.1
    assert once.counted("ihc")[0, -1].min() > 0.95


def test_the_apex_follows_with_more_cisplatin():
    apex = [after_cisplatin(dose).counted("ohc")[0, -1, -1] for dose in (2.0, 4.0, 8.0)]
    assert apex[0] > apex[1] > apex[2]
    assert apex[2] < 0.7


def test_bound_platinum_brings_the_apex_nearer_to_the_base():
    knots, ear, formula = times(0.0, 336.0, stop=672.0), ear_of("mouse"), insult("cisplatin", "mouse")
    drug = sum(np.exp(-elapsed(knots, start) / 2.0) for start in (0.0, 336.0))
    at = drug[None, :, None] * np.ones((1, 1, PLACES.size))
    effect = formula.stress(ear, Exposure(knots, dict.fromkeys(formula.needs, at), Use((0.0,), (0.0,))))[0]
    second = knots >= 336.0
    first_peak, second_peak = effect[~second].max(axis=0), effect[second].max(axis=0)
    # At the base no rise is left to shrink; towards the apex the same dose does more the second time.
    gain = second_peak / first_peak
    assert gain[0] < 1.1
    assert np.all(np.diff(gain) > 0.0)


@pytest.mark.parametrize("name", ["cisplatin", "aminoglycoside"])
def test_what_stress_and_hazards_rest_on_is_computed_once_for_an_exposure_of_an_ear(name, monkeypatch):
    knots, ear, formula = times(0.0, 2.0, stop=100.0), ear_of("mouse"), insult(name, "mouse")
    other = replace(ear, place=0.5 * ear.place)
    exposure, again = (exposure_to(name, 1.0, knots) for _ in range(2))
    of_other = formula.stress(other, again)
    module, pools = importlib.import_module(type(formula).__module__), []
    monkeypatch.setattr(module, "relax", lambda *pool: pools.append(pool) or relax(*pool))
    stress = formula.stress(ear, exposure)
    each = len(pools)
    hazards = formula.hazards(ear, exposure)
    assert each > 0
    assert len(pools) == each
    # To the bit what each makes of an exposure that nothing was asked of before.
    assert stress.tobytes() == formula.stress(ear, exposure_to(name, 1.0, knots)).tobytes()
    assert hazards["ohc"].tobytes() == formula.hazards(ear, again)["ohc"].tobytes()
    # Neither another ear nor another formula is answered with it.
    assert formula.stress(other, exposure).tobytes() == of_other.tobytes()
    fiercer = replace(formula, uptake=2.0 * formula.uptake)
    assert fiercer.stress(ear, exposure).max() > 1.01 * stress.max()


def test_bound_platinum_stays_when_the_reactive_is_gone():
    knots, formula = times(0.0, stop=1000.0), insult("cisplatin", "mouse")
    exposure = exposure_to("cisplatin", 1.0, knots)
    reactive, bound = formula.reactive(exposure)[0, :, 0], formula.bound(exposure)[0, :, 0]
    assert reactive[-1] < 1e-6 * reactive.max()
    assert bound[-1] > 0.9 * bound.max() > 0


def test_thiosulfate_takes_reactive_platinum_away_at_its_own_rate_and_it_does_not_end_bound():
    knots, formula = (
        times(0.0, stop=1000.0),
        replace(insult("cisplatin", "human"), neutralising=np.array([2e-4])),
    )
    around = 5.0 * np.ones((1, knots.size, PLACES.size))
    alone = dict.fromkeys(formula.needs, around)
    both = alone | {"thiosulfate.organ_of_corti": 1000.0 * np.ones_like(around)}
    found, plain = (formula.reactive(Exposure(knots, given, Use((0.0,), (0.0,)))) for given in (both, alone))
    uptake, binding = formula.uptake.item() * 5.0, np.log(2.0) / formula.reactive_half_life.item()
    for reactive, rate in ((found, binding + 0.2), (plain, binding)):
        assert reactive[0, :, 0] == pytest.approx(uptake / rate * -np.expm1(-rate * knots), rel=1e-10)
    ends = [formula.bound(Exposure(knots, given, Use((0.0,), (0.0,))))[0, -1, 0] for given in (both, alone)]
    assert ends[0] / ends[1] == pytest.approx(binding / (binding + 0.2), rel=0.15)


def test_thiosulfate_helps_less_the_later_it_comes_once_platinum_is_in():
    knots, formula = times(0.0, 6.0, 24.0, 48.0, stop=504.0), insult("cisplatin", "human")
    drug = 5.0 * np.exp(-knots / 2.0)[None, :, None] * np.ones((1, knots.size, PLACES.size))
    areas = []
    for after in (6.0, 24.0, 48.0, np.inf):
        since = np.where(elapsed(knots, after) < np.inf, elapsed(knots, after), 0.0)
        there = np.where(np.isfinite(elapsed(knots, after)), 5e3 * np.exp(-since), 0.0)[None, :, None]
        given = dict.fromkeys(formula.needs, drug) | {
            "thiosulfate.organ_of_corti": there * np.ones_like(drug)
        }
        stress = formula.stress(ear_of("guinea_pig"), Exposure(knots, given, Use((0.0,), (0.0,))))
        areas.append(np.trapezoid(stress[0, :, 0], knots))
    assert areas == sorted(areas)
    assert areas[0] < areas[-1]


def test_the_young_are_harmed_by_less_cisplatin_and_an_unknown_age_is_grown():
    knots, formula = times(0.0, stop=100.0), insult("cisplatin", "human")
    exposure = exposure_to("cisplatin", 0.5, knots)

    def stress(years) -> np.ndarray:
        aged = replace(ear_of("human"), years=None if years is None else np.array([years]))
        return formula.stress(aged, exposure)

    newborn, child, grown, old = (stress(age) for age in (0.0, 6.0, 18.0, 60.0))
    assert np.array_equal(grown, stress(None)) and np.array_equal(grown, old)
    after = np.searchsorted(knots, 1.0)
    assert np.all(newborn[:, after:] > child[:, after:]) and np.all(child[:, after:] > grown[:, after:])
    # Straight in age: at six years two thirds of what a newborn's lies lower.
    stronger = replace(formula, ec50=formula.ec50 * np.exp(-formula.childhood * 12.0 / 18.0))
    aged = replace(ear_of("human"), years=np.array([18.0]))
    assert stronger.stress(aged, exposure) == pytest.approx(child, rel=1e-12)


def test_neurons_die_slowly_after_their_synapses():
    knots = times(0.0, 2.0, stop=5000.0)
    neurons = outcome("noise", "mouse", 2.0, 5000.0).counted("sgn")[0, :, 4]
    day, week, year = neurons[np.searchsorted(knots, (24.0, 168.0, 4999.0))]
    assert day > 0.97
    assert week > 0.9
    assert year < 0.7


def test_a_noise_without_level_or_band_is_refused():
    knots, ear = times(0.0, stop=10.0), ear_of("mouse")
    with pytest.raises(ValueError, match="level"):
        insult("noise", "mouse").stress(ear, Exposure(knots, {}, Use((0.0,), (2.0,), band=(8.0, 16.0))))
    with pytest.raises(ValueError, match="band"):
        insult("noise", "mouse").stress(ear, Exposure(knots, {}, Use((0.0,), (2.0,), level=100.0)))


def test_an_action_without_a_largest_effect_is_refused():
    broken = Mechanism(acts={"prevent": ("ohc",)}, onset=np.ones((1, 1, 1)), offset=np.ones((1, 1, 1)))
    knots = times(0.0, stop=10.0)
    with pytest.raises(ValueError, match="prevent"):
        protect(knots, {"broken": broken}, contact(knots, 1e6))


def test_an_ear_keeps_the_cells_it_arrives_with_and_its_lone_neurons_have_died_before():
    knots = times(0.0, stop=24 * 365.0)
    share = np.linspace(0.0, 1.0, 12)[None]
    nothing = Injury(np.zeros((1, knots.size, 12)), {})
    arrived = {"ohc": share, "synapse": share, "sgn": share}
    cells = survive(knots, rates_of("mouse"), nothing, CLEARANCE, arrived=arrived)
    for kind in ("ohc", "synapse", "sgn"):
        assert np.all(cells.intact[kind] == share[:, None, :])
    assert np.all(cells.intact["ihc"] == 1.0)


def test_an_insult_takes_the_same_share_of_what_an_ear_arrived_with():
    knots = times(0.0, stop=240.0)
    rate = np.full((1, knots.size, 12), 0.05)
    suffered = Injury(rate, dict.fromkeys(KINDS, rate))
    whole, half = (
        survive(knots, rates_of("mouse"), suffered, CLEARANCE, arrived=dict.fromkeys(KINDS, np.array([[s]])))
        for s in (1.0, 0.5)
    )
    for kind in KINDS:
        assert np.allclose(half.counted(kind), 0.5 * whole.counted(kind), rtol=1e-12)


def test_neurons_starve_until_those_with_a_connection_are_left():
    knots = np.linspace(0.0, 24 * 365 * 20.0, 4000)
    rate = np.where(knots < 24.0 * 365, 1e-4, 0.0)[None, :, None] * np.ones((1, 1, 2))
    nothing = np.zeros((1, knots.size, 2))
    cells = survive(knots, rates_of("mouse"), Injury(nothing, {}, {"synapse": rate}), CLEARANCE)
    synapses, neurons = cells.counted("synapse")[0, :, 0], cells.counted("sgn")[0, :, 0]
    # Steps of two days cost some 1e-5.
    assert np.all(neurons >= synapses - 1e-4)
    # Starvation at 0.0002 /h for 19 years: e**-33 of the lone ones are left.
    assert neurons[-1] == pytest.approx(synapses[-1], rel=1e-3)


def test_sixty_years_of_slow_ageing_leave_what_was_counted_in_people():
    """Past 60: 30 to 40 % of outer hair cells lost, inner ones rarely above 15 %, axons above 60 % (wu_2019)."""
    knots, ear = np.linspace(0.0, 60 * 8766.0, 600), ear_of("human")
    use = Use((0.0,), (0.0,))
    aged = injury(ear, knots, [(insult("slow_ageing", "human"), Exposure(knots, {}, use))])
    cells = survive(knots, rates_of("human"), aged, CLEARANCE, strial=False)
    lost = {kind: 1.0 - cells.counted(kind)[0, -1, 0] for kind in KINDS}
    assert 0.3 < lost["ohc"] < 0.4
    assert lost["ihc"] == pytest.approx(0.15, abs=0.005)
    axons = 1.0 - (1.0 - lost["ihc"]) * (1.0 - lost["synapse"])
    assert axons > 0.6
    # Almost 3 to 1 was counted; with the two figures above it is at least 4.
    assert 3.0 < axons / lost["ihc"] < 5.0


def aged(
    level: float | None, species: str = "mouse", years: float = 20.0 / 12.0, **numbers: float
) -> tuple[np.ndarray, Cells]:
    """An ear that ages slowly, after two hours of noise at a level or without."""
    knots = np.unique(np.concatenate([times(0.0, 2.0, stop=500.0), np.linspace(500.0, years * 8766.0, 60)]))
    ear, use = ear_of(species), Use((0.0,), (2.0,), level=level, band=(8.0, 16.0))
    insults = [(insult("slow_ageing", species), Exposure(knots, {}, Use((0.0,), (0.0,))))]
    if level is not None:
        insults.append((insult("noise", species), Exposure(knots, {}, use)))
    rates = rates_of(species)
    for kind in ("ohc", "synapse"):
        rates[kind] = rates[kind] | {key: np.array([v]) for key, v in numbers.items()}
    return knots, survive(knots, rates, injury(ear, knots, insults), CLEARANCE)


def test_noise_leaves_ears_that_age_faster_which_shows_after_a_year_and_not_early():
    knots, worn = aged(100.0)
    _, unworn = aged(100.0, wear=0.0)
    extra = (unworn.counted("ohc") - worn.counted("ohc"))[0].max(axis=1)
    month, last = extra[np.searchsorted(knots, 730.0)], extra[-1]
    # Some ten per cent more outer hair cells at 20 months (fernandez_2015), and nothing in the first month.
    assert month < 0.01
    assert 0.04 < last < 0.2
    assert np.all(np.diff(extra) >= -1e-12)


def test_an_ear_without_stress_ages_at_its_own_rate_to_the_last_bit():
    _, with_wear = aged(None, wear=5.0)
    _, without = aged(None, wear=0.0)
    assert same(with_wear, without)


def test_mice_lose_synapses_with_age_before_hair_cells_and_neurons_follow_months_later():
    """sergeyenko_2013: synapses go first, nerve loss follows after several months, hair cells stay for long."""
    knots, cells = aged(None, years=2.0)
    year = np.searchsorted(knots, 8766.0)
    synapses, neurons, outer = (1.0 - cells.counted(k)[0, :, 0] for k in ("synapse", "sgn", "ohc"))
    assert synapses[year] > 0.15 and outer[year] < 0.1
    assert np.all(neurons[1:] <= synapses[1:] + 0.03)
    delay = (
        np.interp(synapses[year], neurons, knots) - knots[year] if neurons[-1] > synapses[year] else np.inf
    )
    assert 3 * 730.0 < delay < 14 * 730.0
    # Two thirds of the neurons of a mouse are left at two years; by life span scaled from people a third were.
    assert 0.6 < 1.0 - neurons[-1] < 0.85
