"""Drugs by a table of their own: every route and dose, what follows of them, pumps, gels, prodrugs, binding."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from otosome.catalog import SHIPPED, Catalog
from otosome.errors import BadInput
from otosome.forward import Cochleae, Fate, best, plan, simulate
from otosome.forward.dosing import drug_flows
from otosome.model.transport import Flow, Network, paired, schedule, solve
from otosome.study import loads
from test_drug_doses import DOSES, ROUTES
from test_transport import CLOSED, KEPT, NEVER, TUBE, drug, ear

HEAD = """
otosome = "study/1"
species = "guinea_pig"
until = "24 h"
"""
DRUG = """
[drug.dose]
solute = "{solute}"
route = "{route}"
at = ["0 h"]
{dose}
[[arm]]
name = "drug"
drugs = ["dose"]
"""
ABR = """
[measure.abr]
endpoint = "abr_threshold"
frequency = ["8 kHz"]
at = ["24 h"]
"""
LOCAL = ("middle_ear", "scala_tympani", "vestibule")


def stated(dose, route="round_window", solute="dexamethasone", more=""):
    return loads(HEAD + more + DRUG.format(route=route, dose=dose, solute=solute), "drug.toml")


def fate(study):
    ears = Cochleae(plan(study), best(study))
    return Fate(ears, ears.plan.arms[0])


def peak(study, solute="dexamethasone", where="scala_tympani"):
    return float(fate(study).concentration(solute, where).max())


@pytest.mark.parametrize("kind", DOSES)
@pytest.mark.parametrize("route", ROUTES)
def test_a_drug_reaches_perilymph_by_every_route_in_every_kind_of_dose_or_is_refused(route, kind):
    lasting = DOSES[kind] + '\nduration = "10 min"'
    if Catalog().get("routes", route).options.into in LOCAL and "volume" not in DOSES[kind]:
        with pytest.raises(BadInput, match="comes in a volume of fluid"):
            stated(lasting, route)
    else:
        assert peak(stated(lasting, route)) > 0.0


OVER_TIME = {
    "again": ('concentration = "1 mM"\nvolume = "3 uL"', '["0 h", "4 h"]'),
    "by a pump": ('concentration = "1 mM"\nrate = "0.1 uL/h"\nduration = "6 h"', '["0 h"]'),
    "of a gel": ('concentration = "1 mM"\nvolume = "3 uL"\nrelease = { half_time = "6 h" }', '["0 h"]'),
    "of an implant": ('amount = "1 ug"\nvolume = "3 uL"\nrelease = { over = "12 h" }', '["0 h"]'),
    "with a burst": (
        'amount = "1 ug"\nvolume = "3 uL"\nrelease = { over = "9 h", burst = 0.5, burst_half_time = "1 h" }',
        '["0 h"]',
    ),
}


@pytest.mark.parametrize("kind", OVER_TIME)
@pytest.mark.parametrize("route", ROUTES)
def test_a_drug_that_is_given_over_time_reaches_perilymph_by_every_route(route, kind):
    dose, at = OVER_TIME[kind]
    text = HEAD + DRUG.format(route=route, dose=dose, solute="dexamethasone")
    assert peak(loads(text.replace('at = ["0 h"]', f"at = {at}"), "drug.toml")) > 0.0


@pytest.mark.parametrize(
    "solute", [name for name in Catalog().names("solutes") if name not in ("vesicle", "protein")]
)
def test_every_solute_of_the_shelf_can_be_given(solute):
    study = stated('concentration = "1 mM"\nvolume = "3 uL"', solute=solute)
    assert peak(study, solute) > 0.0


def test_a_number_that_lacks_is_named_with_the_nearest_solute_that_has_it(tmp_path):
    with pytest.raises(BadInput, match="tmpa has no molar_mass") as refused:
        stated('amount = "1 mg"\nvolume = "3 uL"', solute="tmpa")
    # The law of its shelf: diffusion 1.01e-5 cm2/s, next to D-methionine's 9.78e-6.
    assert "from d_methionine" in str(refused.value.cure)
    own = (Path(SHIPPED) / "solutes" / "dexamethasone.toml").read_text(encoding="utf-8")
    for folder in ("cut", "whole"):
        (tmp_path / folder / "solutes").mkdir(parents=True)
    cut = own.replace("[corti_partition]", "[corti_partitions]")
    (tmp_path / "cut" / "solutes" / "mine.toml").write_text(cut, encoding="utf-8")
    text = HEAD + DRUG.format(route="round_window", dose='amount = "1 mg"\nvolume = "3 uL"', solute="mine")
    with pytest.raises(BadInput, match="mine has no corti_partition") as lacking:
        loads(text, "drug.toml", shelves=(tmp_path / "cut",))
    assert "from dexamethasone" in str(lacking.value.cure)
    (tmp_path / "whole" / "solutes" / "mine.toml").write_text(own, encoding="utf-8")
    study = loads(text, "drug.toml", shelves=(tmp_path / "whole",))
    assert peak(study, "mine") == peak(stated('amount = "1 mg"\nvolume = "3 uL"'))


def test_an_insult_that_states_its_drug_and_a_drug_that_is_given_harm_alike():
    """Gentamicin as an insult, as it was always stated, and as a drug, which brings the insult with it."""
    dose = 'route = "round_window"\nat = ["0 h"]\namount = "1 mg"\nvolume = "3 uL"\n'
    as_insult = f'[insult.g]\nentry = "aminoglycoside"\n{dose}[[arm]]\nname = "a"\ninsults = ["g"]\n'
    as_drug = f'[drug.g]\nsolute = "gentamicin"\n{dose}[[arm]]\nname = "a"\ndrugs = ["g"]\n'
    runs = []
    for text in (as_insult, as_drug):
        study = loads(HEAD + text + ABR, "drug.toml")
        runs.append(simulate(study, best(study), workers=1)["abr"].values)
    assert np.array_equal(*runs)
    none = loads(HEAD + '[[arm]]\nname = "a"\n' + ABR, "none.toml")
    assert runs[0].max() > simulate(none, best(none), workers=1)["abr"].values.max() + 1.0


def test_what_two_tables_give_of_a_drug_harms_as_their_sum():
    dose = 'solute = "gentamicin"\nroute = "intravenous"\nat = ["0 h"]\namount = "{}"\n'
    arms = '[[arm]]\nname = "a"\ndrugs = {}\n'
    two = HEAD + "[drug.x]\n" + dose.format("80 mg/kg") + "[drug.y]\n" + dose.format("240 mg/kg")
    one = HEAD + "[drug.x]\n" + dose.format("320 mg/kg")
    values = []
    for text in (two + arms.format('["x", "y"]'), one + arms.format('["x"]')):
        study = loads(text + ABR, "drug.toml")
        values.append(simulate(study, best(study), workers=1)["abr"].values)
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_a_pump_brings_its_rate_times_its_time_and_pushes_as_much_out():
    pump = 'concentration = "100 uM"\nrate = "1 uL/h"\nduration = "12 h"\noutlet = "round_window"'
    study = stated(pump, "intracochlear")
    run = fate(study).drugs["dexamethasone"]
    share = study.best_values["routes.intracochlear.bioavailability"][0]
    # 100 uM in 12 uL.
    assert run.dose[0, 0] == pytest.approx(1200.0, rel=1e-9)
    assert run.ledger["lost"][0, 0] == pytest.approx(1200.0 * (1.0 - share), rel=1e-9)
    # A leak at the window loses what the pump displaces into the middle ear; a sealed ear hardly anything.
    sealed = fate(stated(pump.replace("round_window", "aqueduct"), "intracochlear")).drugs["dexamethasone"]
    leaked, kept = (r.ledger["middle_ear"] + r.ledger["cleared_middle_ear"] for r in (run, sealed))
    assert leaked[0, 0] > 10.0 * kept[0, 0]
    assert sealed.ledger["cleared_cerebrospinal_fluid"] > run.ledger["cleared_cerebrospinal_fluid"]
    assert run.mass_balance_error.max() < 1e-10


def test_a_pump_of_a_time_is_an_infusion_of_its_volume():
    pump = stated('concentration = "100 uM"\nrate = "2 uL/h"\nduration = "30 min"', "intracochlear")
    infusion = stated('concentration = "100 uM"\nvolume = "1 uL"\nduration = "30 min"', "intracochlear")
    assert peak(pump) == peak(infusion)


@pytest.mark.parametrize(
    ("release", "left"),
    [
        ('half_time = "6 h"', 0.5 ** (24.0 / 6.0)),
        ('over = "48 h"', 0.5),
        ('burst = 0.3\nburst_half_time = "2 h"\nhalf_time = "12 h"', 0.3 * 0.5**12 + 0.7 * 0.25),
        ('burst = 0.3\nburst_half_time = "2 h"\nover = "48 h"', 0.3 * 0.5**12 + 0.7 * 0.5),
    ],
)
def test_a_gel_lets_go_by_its_law(release, left):
    """First order, zero order, and either after a burst: what is still in the gel after a day."""
    more = f"[drug.dose.release]\n{release}\n"
    text = DRUG.format(route="round_window", dose='amount = "1 mg"\nvolume = "5 uL"', solute="dexamethasone")
    study = loads(HEAD + text.replace("[[arm]]", more + "[[arm]]"), "gel.toml")
    run = fate(study).drugs["dexamethasone"]
    # 1 mg over 392.47 g/mol in pmol.
    whole = 1e9 / 392.47 * study.best_values["routes.round_window.bioavailability"][0]
    assert study.parameters["solutes.dexamethasone.molar_mass"].value == pytest.approx(392.47e-6)
    let_go = run.dose[0, 0] - run.ledger["lost"][0, 0] - run.ledger["depot"][0, 0]
    assert let_go / whole == pytest.approx(1.0 - left, rel=1e-4)


def test_a_prodrug_in_plasma_and_its_drug_fall_by_the_textbook():
    """Bateman: made at kc from a prodrug that leaves at kc + ka, and leaving at kb."""
    shut = ear(**(TUBE | {"wall_blood_half_time": NEVER}))
    conversion, away, gone = 2.0, 0.5, 0.3
    first = drug(plasma_clearance=away, loss=0.0, conversion_plasma=conversion)
    both = paired(first, drug(plasma_clearance=gone, loss=0.0), shut)
    bolus = Flow("plasma", 0.0, 0.0, np.array([[1e6], [0.0]]), np.zeros(1))
    run = solve(shut, both, [bolus], schedule([0.0], 12.0), ["plasma"])
    after = run.knots > 0.0
    t = run.knots[after]
    leaves = conversion + away
    scale = 1e6 / 2.4e5
    assert run.concentration["plasma"][0, 0, after] == pytest.approx(
        scale * np.exp(-leaves * t), rel=1e-4, abs=1e-5 * scale
    )
    made = conversion / (leaves - gone) * (np.exp(-gone * t) - np.exp(-leaves * t))
    assert run.concentration["plasma"][1, 0, after] == pytest.approx(scale * made, rel=1e-4, abs=1e-5 * scale)
    assert run.mass_balance_error.max() < 1e-10


def test_moles_of_prodrug_and_drug_are_kept_together():
    closed = ear(**CLOSED)
    both = paired(
        drug(conversion_perilymph=1.0, conversion_middle_ear=0.2, **KEPT), drug(diffusion=1.0, **KEPT), closed
    )
    laid = Flow("middle_ear", 0.0, 0.0, np.array([[7e8], [0.0]]), np.array([5.0]))
    run = solve(closed, both, [laid], schedule([0.0], 48.0), ["scala_tympani"])
    assert run.mass_balance_error.max() < 1e-10
    assert np.all(run.concentration["scala_tympani"][1, 0, -1] > 0.0)


def test_what_is_bound_stays_and_equilibrium_is_of_what_is_free():
    """A wall that holds 0.8 of free perilymph, and perilymph of which a quarter is free: total over wall is 5."""
    shut = ear(**CLOSED)
    even = drug(
        wall_partition=0.8, corti_partition=1.0, canal_partition=1.0, blood_partition=1.0, perilymph_free=0.25,
        plasma_free=0.25, **KEPT
    )  # fmt: skip
    network = Network.build(shut, even, np.zeros(1, int), [], 8).under(1.0, np.array([5.0]))
    amounts = np.zeros((network.nodes.total, 1))
    holds = {
        "lateral_wall": 0.8,
        "scala_tympani": 4.0,
        "scala_vestibuli": 4.0,
        "vestibule": 4.0,
        "plasma": 4.0,
    }
    for name, volume in {**network.volume, "middle_ear": np.array([[5.0]])}.items():
        # The aqueduct moves fluid with all that is in it, so it is judged apart.
        amounts[network.nodes.index[name]] = volume * holds.get(name, 1.0)
    rates = network.rates(amounts)
    wall = network.nodes.index["lateral_wall"]
    turnover = np.max(np.abs(network.flux.rate * amounts[network.flux.source]))
    assert np.max(np.abs(rates[wall])) < 1e-10 * turnover


def test_a_drug_that_injects_fluid_washes_another_out():
    text = (
        HEAD
        + """
[drug.first]
solute = "dexamethasone"
route = "intracochlear"
at = ["0 h"]
amount = "1 ug"
volume = "0.5 uL"
duration = "10 min"
[drug.second]
solute = "gentamicin"
route = "intracochlear"
at = ["1 h"]
amount = "1 ug"
volume = "5 uL"
duration = "10 min"
[[arm]]
name = "one"
drugs = ["first"]
[[arm]]
name = "both"
drugs = ["first", "second"]
"""
    )
    study = loads(text, "wash.toml")
    ears = Cochleae(plan(study), best(study))
    at = int(ears.plan.at([1.3])[0])
    lone, both = (
        Fate(ears, arm).concentration("dexamethasone", "scala_tympani")[0, at, 5] for arm in ears.plan.arms
    )
    assert both < 0.5 * lone
    assert not any(flow.amount.any() for flow in drug_flows(ears, ears.plan.arms[1], "dexamethasone")[:1])
    assert replace(ears.plan.arms[1]).spans


def test_dexamethasone_phosphate_at_the_window_becomes_the_steroid_that_is_measured():
    dose = 'concentration = "10 mM"\nvolume = "5 uL"'
    phosphate = fate(stated(dose, solute="dexamethasone_phosphate"))
    given, steroid = (
        phosphate.concentration(name, "scala_tympani").max()
        for name in ("dexamethasone_phosphate", "dexamethasone")
    )
    split = fate(stated(dose)).concentration("dexamethasone", "scala_tympani").max()
    assert given > 0.0
    # Some of as many moles is split at the window, less than if all were split before.
    assert 0.01 * split < steroid < split
    assert phosphate.drugs["dexamethasone_phosphate"].mass_balance_error.max() < 1e-10


def test_a_prodrug_that_does_not_say_how_fast_is_refused(tmp_path):
    (tmp_path / "solutes").mkdir()
    own = (Path(SHIPPED) / "solutes" / "dexamethasone.toml").read_text(encoding="utf-8")
    (tmp_path / "solutes" / "mine.toml").write_text('becomes = "gentamicin"\n' + own, encoding="utf-8")
    text = HEAD + DRUG.format(route="round_window", dose='amount = "1 mg"\nvolume = "3 uL"', solute="mine")
    with pytest.raises(BadInput, match="what it becomes and how fast"):
        loads(text, "drug.toml", shelves=(tmp_path,))


@pytest.mark.parametrize(
    ("dose", "route", "words"),
    [
        ('concentration = "1 mM"\nrate = "60 uL/h"\nduration = "1 h"', "intracochlear", "60 uL/h.*lets 27"),
        ('concentration = "1 mM"\nvolume = "5 uL"\nduration = "5 min"', "intracochlear", "60 uL/h.*lets 27"),
        ('concentration = "1 mM"\nvolume = "900 uL"', "intratympanic", "holds 200 .*spilt"),
    ],
)
def test_more_than_the_outlet_or_the_space_takes_is_flagged_with_figures(dose, route, words):
    assert any(re.search(words, note) for note in stated(dose, route).notes)


def test_a_pump_within_what_the_aqueduct_takes_or_through_a_vent_is_not_flagged():
    slow = 'concentration = "1 mM"\nrate = "1 uL/h"\nduration = "1 h"'
    assert stated(slow, "intracochlear").notes == ()
    fast = 'concentration = "1 mM"\nrate = "60 uL/h"\nduration = "1 h"\noutlet = "vent"'
    assert stated(fast, "intracochlear").notes == ()


@pytest.mark.parametrize(
    ("dose", "message"),
    [
        ('amount = "1 mg"\nvolume = "5 uL"\nplace = 0.3', "does not begin in perilymph"),
        ('concentration = "1 mM"\nrate = "1 uL/h"', "runs for a time"),
        ('amount = "1 mg"\nrate = "1 uL/h"\nduration = "1 h"', "a pump has a concentration"),
        (
            'concentration = "1 mM"\nvolume = "5 uL"\nrelease = { burst = 0.2, half_time = "2 h" }',
            "burst_half_time",
        ),
        ('concentration = "1 mM"\nvolume = "5 uL"\nrelease = {}', "by a half_time or over a time"),
        ('concentration = "1 mM"\nvolume = "5 uL"\nduration = "1 h"\nrelease = { over = "2 h" }', "at once"),
        ("", "needs an amount"),
    ],
)
def test_a_drug_that_is_not_stated_whole_is_refused(dose, message):
    with pytest.raises(BadInput, match=message):
        stated(dose)
