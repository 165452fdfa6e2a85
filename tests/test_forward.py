"""The whole chain: no vesicles no change, the same subject everywhere, and every bit the same again."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tomli_w

from otosome import forward
from otosome.catalog import Catalog
from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.forward import (
    Cochleae,
    Fate,
    best,
    draw,
    observe,
    plan,
    simulate,
)
from otosome.forward.fate import at_place, at_sites
from otosome.forward.outcomes import sampled
from otosome.forward.reading import _luck
from otosome.model.grades import OneEar
from otosome.study import STUDIES, load, loads

SHIPPED = "cisplatin_guinea_pig"
WEEK = Path(__file__).parent / "studies" / "valid" / "counts_and_wave1.toml"
FULL, VEHICLE, NULL = (
    "cisplatin + vesicles, one day before",
    "cisplatin + vehicle",
    "cisplatin + null vesicles",
)
POTENCIES = [0.0, 1e-3, 1e-2, 0.1, 1.0, 10.0, 1e3, 1e5]
# Sums of a few hundred numbers of order one.
ROUNDING = 1e-12


def values_of(name=SHIPPED):
    return tomllib.loads((STUDIES / f"{name}.toml").read_text(encoding="utf-8"))


def knocked_out(mechanism):
    return f"without {mechanism}"


@pytest.fixture(scope="module")
def shipped():
    """The shipped study with a dose of nothing, every mechanism out, each of them out, and a baseline before all."""
    values = values_of()
    every = values["mechanisms"] = Catalog().names("mechanisms")
    given = values["treatment"]["vesicles_before"]
    values["treatment"]["nothing"] = given | {"amount": "0 particles"}
    (full,) = [arm for arm in values["arm"] if arm["name"] == FULL]
    values["arm"] += [
        full | {"name": "zero dose", "treatments": ["nothing"]},
        full | {"name": "without any", "without": every},
        *(full | {"name": knocked_out(mechanism), "without": [mechanism]} for mechanism in every),
    ]
    for measure in values["measure"].values():
        measure["at"] = ["-2 d", *measure["at"]]
    study = loads(tomli_w.dumps(values))
    return study, simulate(study, draw(study, 4, seed=1), workers=2)


def measures(study):
    return [*study.tables.measure, "cells"]


def differ(study, result, one, other):
    """The largest difference between two arms in anything measured or counted."""
    arms = (result.sel(arm=one), result.sel(arm=other))
    return max(float(np.max(np.abs(arms[0][m] - arms[1][m]))) for m in measures(study))


@pytest.mark.parametrize("arm", ["zero dose", NULL, "without any"])
def test_no_dose_no_potency_and_no_mechanism_are_the_vehicle(shipped, arm):
    study, result = shipped
    assert differ(study, result, arm, VEHICLE) < ROUNDING


def test_the_null_twin_gets_the_same_vesicles_and_a_dose_of_nothing_gets_none(shipped):
    _, result = shipped
    full, null, zero, vehicle = (
        result.vesicles.sel(arm=a).to_numpy() for a in (FULL, NULL, "zero dose", VEHICLE)
    )
    assert null.tobytes() == full.tobytes()
    assert np.all(full.max(axis=1) > 0)
    assert not np.any(zero) and not np.any(vehicle)


@pytest.mark.parametrize("mechanism", Catalog().names("mechanisms"))
def test_an_arm_without_a_mechanism_differs_from_the_full_arm(shipped, mechanism):
    study, result = shipped
    assert differ(study, result, knocked_out(mechanism), FULL) > 0
    assert differ(study, result, FULL, VEHICLE) > 0


def test_before_anything_is_done_a_subject_is_the_same_in_every_arm(shipped):
    study, result = shipped
    for name in study.tables.measure:
        before = result[name].sel(time=-48.0).to_numpy()
        assert all(arm.tobytes() == before[0].tobytes() for arm in before)
    apart = result.abr.sel(time=-48.0, arm="untreated").to_numpy()
    assert np.unique(apart[:, 0]).size == apart.shape[0], "subjects differ from one another"


def test_an_untreated_ear_stays_as_it_was(shipped):
    study, result = shipped
    for name in study.tables.measure:
        over_time = result[name].sel(arm="untreated").to_numpy()
        assert np.max(np.abs(over_time - over_time[:, :1])) < ROUNDING
    assert np.all(result.cells.sel(arm="untreated") == 1)


def test_every_number_of_a_result_is_finite(shipped):
    _, result = shipped
    assert all(np.all(np.isfinite(result[name])) for name in result.data_vars)
    assert result.mass_balance_error.max() < 1e-10


@pytest.fixture(scope="module")
def week():
    return load(WEEK)


@pytest.fixture(scope="module")
def many(week):
    return simulate(week, draw(week, 21, seed=7), workers=2)


def same_bits(one, other):
    """The variables in which two results differ by a bit, over the subjects both have."""
    subjects = min(one.sizes["subject"], other.sizes["subject"])
    first = [result.isel(subject=slice(subjects)) for result in (one, other)]
    assert set(one.data_vars) == set(other.data_vars)
    return [n for n in one.data_vars if first[0][n].to_numpy().tobytes() != first[1][n].to_numpy().tobytes()]


@pytest.mark.parametrize("subjects", [1, 5, 16, 17])
def test_a_subject_is_the_same_for_any_number_of_subjects(week, many, subjects):
    assert same_bits(simulate(week, draw(week, subjects, seed=7), workers=1), many) == []


@pytest.mark.parametrize("block", [1, 3, 24])
def test_a_subject_is_the_same_for_any_size_of_block(week, many, block, monkeypatch):
    monkeypatch.setattr(forward.simulation, "BLOCK", block)
    assert same_bits(simulate(week, draw(week, 21, seed=7), workers=1), many) == []


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_a_subject_is_the_same_for_any_number_of_workers(week, many, workers, monkeypatch):
    monkeypatch.setattr(forward.simulation, "BLOCK", 3)
    again = simulate(week, draw(week, 21, seed=7), workers=workers)
    assert same_bits(again, many) == []
    assert observe(week, again).equals(observe(week, many))


def test_a_shard_of_the_table_gives_its_own_subjects(week, many):
    shard = simulate(week, draw(week, seed=7, rows=slice(9, 13)), workers=1)
    assert shard.subject.values.tolist() == [9, 10, 11, 12]
    assert same_bits(shard, many.isel(subject=slice(9, 13))) == []
    readings, whole = observe(week, shard), observe(week, many)
    assert readings.equals(whole[whole["subject"].isin(range(9, 13))].reset_index(drop=True))


def test_readings_of_the_first_subjects_do_not_depend_on_how_many_follow(week, many):
    few = simulate(week, draw(week, 5, seed=7), workers=1)
    first, all_ = observe(week, few), observe(week, many)
    kept = all_[all_.subject < 5].reset_index(drop=True)
    order = ["measure", "group", "subject", "time", "frequency"]
    # Byte for byte: equal even where pandas would call two numbers close.
    texts = [frame.sort_values(order).to_csv(index=False) for frame in (first, kept)]
    assert texts[0] == texts[1]


def test_readings_scatter_around_the_truth_and_are_other_ones_in_every_arm(week, many):
    abr = observe(week, many).query("measure == 'abr' and censored == 'none'")
    truth = many.abr.to_series().rename("truth").reset_index().rename(columns={"arm": "group"})
    both = abr.merge(truth, on=["group", "subject", "time", "frequency"])
    error = both.value - both.truth
    # Some eighty readings with a standard deviation of about 6 dB.
    assert abs(error.mean()) < 3.0
    assert 3.0 < error.std() < 10.0
    by_arm = [group["value"].to_numpy() for _, group in abr.groupby("group")]
    assert by_arm[0].tolist() != by_arm[1].tolist()


def test_a_more_potent_batch_never_protects_less():
    values = values_of()
    (full,) = [arm for arm in values["arm"] if arm["name"] == FULL]
    given = values["treatment"]["vesicles_before"]
    values["treatment"] = {f"at {p}": given | {"potency": p} for p in POTENCIES}
    values["arm"] = [full | {"name": name, "treatments": [name]} for name in values["treatment"]]
    del values["compare"]
    study = loads(tomli_w.dumps(values))
    # Beside a stretch that fails wave I grows, so less injury may mean less of it: the law is of what is left without.
    ears = best(study).assign(**{"endpoints.wave1.release": 0.0})
    result = simulate(study, ears, workers=1)
    assert np.all(np.diff(result.abr.to_numpy(), axis=0) <= ROUNDING * 100)
    for better in (result.wave1, result.ohc, result.sgn):
        assert np.all(np.diff(better.to_numpy(), axis=0) >= -ROUNDING)
    gained = result.ohc.to_numpy()[-1] - result.ohc.to_numpy()[0]
    assert gained.max() > 0.01


def test_the_explicit_form_runs_again_to_the_same_bits(week, many):
    again = loads(many.attrs["study"], "counts_and_wave1")
    assert again.tables.seed == 7
    repeated = simulate(again, draw(again, 21, seed=7), workers=1)
    assert same_bits(repeated, many) == []
    assert repeated.attrs["study"] == many.attrs["study"]


def test_another_seed_gives_other_subjects(week, many):
    other = simulate(week, draw(week, 2, seed=8), workers=1)
    assert "abr" in same_bits(other, many)


def test_progress_is_told_block_by_block(week):
    told = []
    simulate(week, draw(week, 17, seed=7), workers=1, tick=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_no_subjects_are_refused(week):
    with pytest.raises(BadInput, match="subjects: must be at least 1; given: 0"):
        draw(week, 0)


PEOPLE = Path(__file__).parent / "studies" / "valid" / "people_with_grades.toml"


@pytest.fixture(scope="module")
def people():
    """Thirty people in noise that costs some of them what they had, read and graded."""
    values = tomllib.loads(PEOPLE.read_text(encoding="utf-8"))
    loud = {
        "entry": "noise",
        "level": "118 dB SPL",
        "band": ["2 kHz", "4 kHz"],
        "duration": "2 h",
        "at": ["0 h"],
    }
    values["insult"] = {"noise": loud}
    values["arm"].append({"name": "noise", "insults": ["noise"]})
    values["measure"]["hearing"]["at"] = ["-1 d", "1 d", "7 d"]
    study = loads(tomli_w.dumps(values), "people_with_grades")
    table = draw(study, 30, seed=3)
    result = simulate(study, table, workers=1)
    return study, result, observe(study, result, table)


def test_a_person_has_two_ears_that_share_the_truth_and_not_the_error(people):
    _, result, readings = people
    heard = readings[readings.quantity == "audiogram"]
    sides = {side: rows["value"].to_numpy() for side, rows in heard.groupby("ear")}
    assert sorted(sides) == ["left", "right"]
    truth = result.hearing.transpose("arm", "subject", "time", "frequency").to_numpy().ravel()
    seen = (truth > 0) & (truth < 100)
    errors = [(sides[side] - truth)[seen] for side in ("left", "right")]
    # Some hundreds of readings of some 3 dB of error and grid; twice what chance allows.
    assert abs(np.corrcoef(*errors)[0, 1]) < 0.15
    assert 1.5 < np.std(errors[0]) < 6.0


def test_grades_are_those_of_the_readings_against_the_earliest_of_each_ear(people):
    study, _, readings = people
    scales = study.tables.measure["hearing"].scales
    heard = readings[readings.quantity == "audiogram"]
    frequency = np.unique(heard.frequency)
    top = heard.value.max()
    graded = readings[readings.quantity.isin(scales)]
    assert set(graded.ear) == {"both"} and set(graded.unit) == {"grade"}
    assert len(graded) == len(scales) * 2 * 30 * 3
    seen = set()
    for row in graded[graded.subject < 12].itertuples():
        ears = []
        for side in ("left", "right"):
            mine = heard[(heard.subject == row.subject) & (heard.ear == side) & (heard.group == row.group)]
            now, first = (mine[mine.time == t].sort_values("frequency") for t in (row.time, mine.time.min()))
            lost = (now.censored.to_numpy() == "above") & (first.censored.to_numpy() != "above")
            ears.append(OneEar(now.value.to_numpy(), first.value.to_numpy(), lost))
        one, other = ears
        scale = Catalog().get("scales", row.quantity).bind({}, "human")
        found = scale.grade(one.audiogram, frequency, one.baseline, one.lost, other)
        assert found == row.value, row
        seen.add((row.quantity, row.value))
    assert len(seen) > len(scales), f"all grades alike up to {top} dB"


def test_a_study_of_people_runs_again_from_its_explicit_form(people):
    study, result, _ = people
    again = loads(result.attrs["study"], "people_with_grades")
    assert again.tables.population == study.tables.population
    assert same_bits(simulate(again, draw(again, 30, seed=3), workers=1), result) == []


SAMPLED = WEEK.parent / "perilymph_samples.toml"


def test_a_small_sample_reads_the_perilymph_where_it_is_drawn():
    values = tomllib.loads(SAMPLED.read_text(encoding="utf-8"))
    values["sample"] = {"middle": {"volume": "0.001 uL", "at": ["6 h"], "place": 0.5}}
    study = loads(tomli_w.dumps(values))
    table = best(study)
    ears = Cochleae(plan(study), table)
    fate = Fate(ears, ears.plan.arms[-1])
    scala = fate.vesicles.concentration["scala_tympani"].sum(axis=0)[0]
    before = scala[np.searchsorted(ears.plan.knots, 6.0)]
    # A nanolitre is a few micrometres of this scala; the perforation lies between two cells of the grid.
    around = before[np.abs(ears.plan.places.place - 0.5) < 1.5 / ears.plan.places.places]
    assert around.min() <= sampled(fate)["vesicle"].item() <= around.max()


def test_what_is_sampled_is_of_the_solutes_an_arm_is_given_and_is_the_same_for_ears_that_are_alike():
    study = load(SAMPLED)
    alone = simulate(study, best(study), workers=1)
    table = Ears.alone({name: np.repeat(column, 3) for name, column in best(study).items()})
    alike = simulate(study, table, workers=1)
    for name in ("sampled_cisplatin", "sampled_vesicle", "sampled_protein"):
        drawn = alone[name].to_numpy()
        assert np.array_equal(np.broadcast_to(drawn, alike[name].shape), alike[name].to_numpy())
        assert not np.any(drawn[0])
        assert np.all(drawn[2] > 0)
    assert np.array_equal(alone.sampled_cisplatin[1], alone.sampled_cisplatin[2])
    assert not np.any(alone.sampled_vesicle[1])
    assert alone.mass_balance_error.max() < 1e-10
    rows = observe(study, alone, best(study))
    drawn = rows[rows.quantity == "vesicle.perilymph"].sort_values(["group", "time"])
    assert (
        drawn[drawn.group == "cisplatin + vesicles"].value.tolist()
        == alone.sampled_vesicle[2, 0].values.tolist()
    )
    # Half of the window's extent of 1 mm over 17.1 mm, and the apex.
    assert drawn.place.unique().tolist() == pytest.approx([0.5 / 17.1, 1.0], rel=1e-3)


def pinned(name, value, **more):
    """The week with one number of the shelf replaced."""
    values = tomllib.loads(WEEK.read_text(encoding="utf-8"))
    values["numbers"] = {name: {"value": value, "basis": "assumed", "because": "To see.", **more}}
    return loads(tomli_w.dumps(values))


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("cells.ohc.susceptibility", "1e300", "cannot be computed from these numbers"),
        ("species.guinea_pig.axial_flow", "1e300 uL/h", "cannot be carried through the ear"),
        ("mechanisms.hsp70.prevent", "1.5", "a largest effect lies from 0 to 1"),
        ("routes.round_window.bioavailability", "1.5", "a share of the dose lies from 0 to 1"),
    ],
)
def test_what_numbers_out_of_all_range_lead_to_is_refused_and_never_reported(name, value, said):
    study = pinned(name, value)
    with pytest.raises(BadInput, match=said):
        simulate(study, best(study), workers=1)


@pytest.mark.parametrize(
    "name, value, reason",
    [
        ("insults.cisplatin.ec50", np.nan, "insults.cisplatin.ec50: is no number; given: nan"),
        ("cells.ohc.susceptibility", 1e300, "cannot be computed from these numbers"),
        ("species.guinea_pig.axial_flow", 1e300, "cannot be carried through the ear"),
        ("routes.round_window.bioavailability", 1.5, "a share of the dose lies from 0 to 1"),
        ("solutes.vesicle.corti_partition", 0.0, "corti_partition is zero"),
    ],
)
@pytest.mark.parametrize("workers, block", [(1, 8), (7, 3)])
def test_an_ear_that_cannot_be_computed_is_left_out_and_harms_no_other(
    week, many, name, value, reason, workers, block, monkeypatch
):
    monkeypatch.setattr(forward.simulation, "BLOCK", block)
    table = draw(week, 21, seed=7)
    table = table.assign(**{name: np.where(np.isin(table.ear, [2, 20]), value, table[name])})
    result = simulate(week, table, workers=workers)
    others = np.setdiff1d(np.arange(21), [2, 20])
    assert result.subject.values.tolist() == others.tolist()
    assert same_bits(result, many.isel(subject=others)) == []
    masked = json.loads(result.attrs["rejected"])
    assert [one["subject"] for one in masked] == [2, 20]
    assert all(reason in one["reason"] for one in masked)
    (note,) = [n for n in json.loads(result.attrs["notes"]) if n.startswith("2 of 21 ears are left out")]
    assert "ear 2: " in note
    readings, all_ = observe(week, result, table), observe(week, many)
    assert readings.equals(all_[all_["subject"].isin(others)].reset_index(drop=True))


def test_a_number_that_is_drawn_below_zero_is_refused_by_name():
    study = pinned(
        "solutes.cisplatin.diffusion", "1e-5 cm2/s", low="1e-8 cm2/s", high="5e-5 cm2/s", shape="normal"
    )
    with pytest.raises(BadInput, match=r"solutes\.cisplatin\.diffusion: is drawn as a number it cannot be"):
        draw(study, 400, seed=1)


def test_a_level_at_which_no_healthy_ear_answers_is_refused():
    values = tomllib.loads(WEEK.read_text(encoding="utf-8"))
    values["measure"]["wave1"]["level"] = "10 dB SPL"
    study = loads(tomli_w.dumps(values))
    with pytest.raises(BadInput, match="level: no wave is seen at it even in a healthy ear; given: 10"):
        simulate(study, best(study), workers=1)


@pytest.mark.parametrize("moment", ["0 h", "-5 d", "1 s"])
def test_a_study_may_end_with_its_first_moment(moment):
    values = tomllib.loads((WEEK.parent / "no_insult_no_treatment.toml").read_text(encoding="utf-8"))
    values["measure"]["abr"]["at"] = [moment]
    study = loads(tomli_w.dumps(values))
    assert np.all(np.isfinite(simulate(study, best(study), workers=1).abr))


def test_a_study_of_many_events_goes_in_smaller_blocks_to_the_same_bits(week, many, monkeypatch):
    widths = []
    monkeypatch.setattr(forward.simulation, "_ROOMY", 20)
    narrow = simulate(week, draw(week, 3, seed=7), workers=1, tick=lambda done, of: widths.append(of))
    assert widths[0] > 1
    assert same_bits(narrow, many) == []


def test_steps_that_suit_the_best_values_cost_a_drawn_ear_no_more_than_a_thousandth_of_its_peak():
    """Of a thousand drawn ears these had the largest errors, up to 0.0035, before they did coarse steps again."""
    study = load(SHIPPED)
    drawn = draw(study, 170, seed=1).take([158, 160, 163, 166, 169])

    def vesicles(refine, rows):
        ears = Cochleae(plan(study, [FULL], refine=refine), drawn.take(rows))
        return Fate(ears, ears.plan.arms[0]).vesicles

    all_, fine = vesicles(1, slice(None)), vesicles(4, slice(None))
    coarse, exact = (run.concentration["organ_of_corti"].sum(axis=0) for run in (all_, fine))
    missed = np.max(np.abs(coarse - exact), axis=(1, 2)) / np.max(exact, axis=(1, 2))
    assert np.all(missed < 1e-3)
    # The embedded estimate is no smaller than what is missed.
    assert np.all(missed < all_.time_error)
    alone = vesicles(1, slice(2, 3))
    assert np.array_equal(alone.concentration["organ_of_corti"], all_.concentration["organ_of_corti"][:, 2:3])


@pytest.mark.parametrize("insult", ["cisplatin", "aminoglycoside"])
@pytest.mark.parametrize("route", Catalog().names("routes"))
def test_a_drug_arrives_by_every_route_that_a_study_may_name_and_any_other_is_refused(route, insult):
    into = Catalog().get("routes", route).options.into
    given = {"entry": insult, "route": route, "amount": "5 mg/kg", "at": ["0 h"]}
    cells = {"endpoint": "cell_count", "cell": "OHC", "frequency": ["8 kHz"], "at": ["7 d"]}
    text = tomli_w.dumps({
        "otosome": "study/1", "species": "guinea_pig", "insult": {"drug": given},
        "arm": [{"name": "given", "insults": ["drug"]}], "measure": {"cells lost": cells},
    })  # fmt: skip
    if into not in ("plasma", "cerebrospinal_fluid"):
        with pytest.raises(BadInput, match=r"insult\.drug\.volume: comes in a volume of fluid"):
            loads(text)
        text = text.replace('amount = "5 mg/kg"', 'amount = "1 ug"\nvolume = "2 uL"')
    study = loads(text)
    chain, use = forward.plan(study), study.tables.insult["drug"]
    fate = Fate(Cochleae(chain, best(study)), chain.arms[0])
    (drug,) = study.drugs(use)
    concentrations = fate.exposure(fate.arm.insults[0]).concentration
    assert concentrations and all(name.startswith(drug) for name in concentrations)
    assert all((along.max(axis=1) > 0).all() for along in concentrations.values())


@pytest.mark.parametrize("place", [-0.5, 0.0, 0.13, 0.5, 0.87, 1.0, 1.5])
def test_a_value_at_a_place_is_on_the_line_between_its_neighbours_and_at_the_ends_the_last(place):
    grid = np.array([0.1, 0.2, 0.5, 0.9])
    at = SimpleNamespace(places=SimpleNamespace(place=grid), sites=(place, 0.3))
    line = np.stack([2.0 + 3.0 * grid, 5.0 - grid])
    inside = np.clip(place, 0.1, 0.9)
    assert at_place(at, line, place) == pytest.approx([2.0 + 3.0 * inside, 5.0 - inside])
    assert at_sites(at, line)[0] == pytest.approx([2.0 + 3.0 * inside, 2.9])
    curved = grid**2
    assert at_place(at, curved, 0.3) == pytest.approx(np.interp(0.3, grid, curved))


def test_the_luck_of_an_ear_is_its_numbers_alone_with_gaps_and_in_any_order():
    ears = SimpleNamespace(seed=5)
    whole = _luck(ears, np.arange(12), "key", (2, 3))
    some = np.array([7, 3, 4, 11, 3])
    assert np.array_equal(_luck(ears, some, "key", (2, 3)), whole[some])
    assert whole.shape == (12, 2, 3) and np.unique(whole).size == whole.size
