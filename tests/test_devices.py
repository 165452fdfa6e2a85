"""Devices in the whole chain: what they bring, release and amplify, and words kept beside cells."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest
import tomli_w

from otosome.answers.accuracy import accuracy
from otosome.answers.contrast import benefits, contrast
from otosome.answers.description import described
from otosome.answers.sensitivity import sensitivity
from otosome.catalog import SHIPPED
from otosome.ears import stacked
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
from otosome.forward.outcomes import outcomes
from otosome.study import load, loads, saves

STUDY = """
otosome = "study/1"
species = "human"
[population]
entry = "otologically_normal"
sex = "both"
age = "70 year"
[insult.insertion]
entry = "implantation"
at = ["0 h"]
depth = "15 mm"
[device.aid]
entry = "hearing_aid"
[device.implant]
entry = "cochlear_implant"
depth = "15 mm"
[device.graft]
entry = "cell_graft"
batch = "example_lot"
amount = "1e5 cells"
[device.idle]
entry = "cell_graft"
batch = "example_lot"
amount = "1e5 cells"
potency = 0.0
[[arm]]
name = "nothing"
[[arm]]
name = "aid"
devices = ["aid"]
[[arm]]
name = "implant"
devices = ["implant"]
[[arm]]
name = "insertion"
insults = ["insertion"]
[[arm]]
name = "graft"
devices = ["graft"]
[[arm]]
name = "idle graft"
devices = ["idle"]
[measure.words]
endpoint = "word_score"
material = "nu6"
at = ["-1 d", "30 d"]
[measure.hearing]
endpoint = "audiogram"
frequency = ["0.5 kHz", "2 kHz"]
at = ["-1 d", "30 d"]
"""


@pytest.fixture(scope="module")
def study():
    return loads(STUDY)


@pytest.fixture(scope="module")
def result(study):
    return simulate(study, draw(study, 12, seed=3), workers=1)


def changed(**tables):
    """The study with tables in place of its own."""
    return loads(tomli_w.dumps(tomllib.loads(STUDY) | tables))


def test_an_implant_brings_the_insertion_it_names_at_its_depth(result):
    assert np.array_equal(result["cells"].sel(arm="implant"), result["cells"].sel(arm="insertion"))
    assert np.array_equal(result["hearing"].sel(arm="implant"), result["hearing"].sel(arm="insertion"))
    assert not np.array_equal(result["words"].sel(arm="implant"), result["words"].sel(arm="insertion"))
    assert (
        result["cells"].sel(arm="implant", cell="OHC").min()
        < result["cells"].sel(arm="nothing", cell="OHC").min()
    )


def test_an_aid_is_heard_with_and_saves_no_cell(result):
    aided, plain = (result.sel(arm=arm) for arm in ("aid", "nothing"))
    for kept in ("cells", "hearing"):
        assert np.array_equal(aided[kept], plain[kept])
    gained = (aided["words"] - plain["words"]).sel(time=720.0)
    assert gained.min() >= -1e-9 and gained.max() > 1.0


def test_a_graft_gives_off_what_its_cells_secrete_before_they_are_gone(study):
    table = best(study)
    ears = Cochleae(plan(study), table)
    graft = next(arm for arm in ears.plan.arms if arm.name == "graft")
    numbers = {
        k: study.parameters[f"devices.cell_graft.{k}"].value for k in ("taken", "secretion", "half_life")
    }
    in_all = 1e5 * numbers["taken"] * numbers["secretion"] * numbers["half_life"] / np.log(2.0)
    assert np.isclose(Fate(ears, graft).vesicles.dose.sum(), in_all, rtol=1e-9)


def test_an_idle_graft_is_the_null_twin_of_one_that_works(result):
    idle, working = (result.sel(arm=arm) for arm in ("idle graft", "graft"))
    assert np.array_equal(idle["vesicles"], working["vesicles"])
    assert idle["vesicles"].max() > 0
    assert np.all(working["cells"].sel(cell="OHC") >= idle["cells"].sel(cell="OHC") - 1e-6)
    assert np.any(working["cells"] != idle["cells"])


def test_words_have_no_frequency_in_what_is_read_and_one_value_at_all_in_the_result(study, result):
    assert np.ptp(result["words"].to_numpy(), axis=3).max() == 0.0
    read = observe(study, result).query("measure == 'words'")
    assert len(read) == 6 * 12 * 2
    assert read["frequency"].isna().all() and read["place"].isna().all()
    right = read["value"] / 2.0  # of a list of 50
    assert np.allclose(right, right.round()) and right.between(0, 50).all()


def test_what_comes_back_by_itself_does_so_in_every_arm_and_saves_no_cell(study, result):
    recovering = changed(recovery={"entry": "sudden_loss", "entered": "3 d"})
    table = draw(recovering, 12, seed=3)
    back = simulate(recovering, table, workers=1)
    assert np.array_equal(back["cells"], result["cells"])
    gained = (result["hearing"] - back["hearing"]).sel(time=720.0)
    assert gained.min() >= 0
    assert np.all(gained.mean(["subject", "frequency"]) > 1.0)
    assert np.array_equal(back["hearing"].sel(time=-24.0), result["hearing"].sel(time=-24.0))


def test_words_are_compared_as_any_measure_is_and_more_is_better(study, result):
    gained = contrast(study, result, "words", "aid", "nothing").benefit.exact
    assert gained.low >= 0 < gained.high


def test_a_graft_alone_has_its_numerical_errors_told(study):
    found = accuracy(study, simulate(study, best(study), workers=1), best(study))
    assert found.space is not None and found.mass_balance < 1e-10


def test_the_explicit_form_of_a_study_of_devices_runs_as_the_study_does(study):
    again = loads(saves(study, 3))
    table = draw(study, 2, seed=3)
    first, second = (simulate(one, draw(one, 2, seed=3), workers=1) for one in (study, again))
    assert draw(again, 2, seed=3) == table
    for name in ("words", "hearing", "cells"):
        assert np.array_equal(first[name], second[name])


def test_a_graft_secretes_a_batch_from_a_file_beside_the_study(tmp_path):
    values = tomllib.loads(STUDY)
    (tmp_path / "mine.toml").write_bytes((SHIPPED / "batches" / "example_lot.toml").read_bytes())
    for name in ("graft", "idle"):
        values["device"][name]["batch"] = "mine.toml"
    (tmp_path / "study.toml").write_text(tomli_w.dumps(values))
    made = load(tmp_path / "study.toml")
    assert made.tables.device["graft"].batch == made.tables.device["idle"].batch == "mine"
    assert "mine" in made.tables.batch
    values["device"]["graft"]["batch"] = "../mine.toml"
    (tmp_path / "study.toml").write_text(tomli_w.dumps(values))
    with pytest.raises(BadInput, match=r"device\.graft\.batch: lies outside"):
        load(tmp_path / "study.toml")


def test_devices_leave_the_ears_of_other_arms_as_they_are(study, result):
    alone = changed(arm=[{"name": "nothing"}, {"name": "aid", "devices": ["aid"]}])
    kept = {c: v for c, v in draw(study, 12, seed=3).items() if c in alone.parameters}
    few = simulate(alone, draw(alone, 12, seed=3).assign(**kept), workers=1)
    # Fewer events, so other steps of time.
    assert np.allclose(few["words"].sel(arm="aid"), result["words"].sel(arm="aid"), atol=0.05)


def test_every_arm_of_a_study_of_devices_is_finite(study):
    ears = Cochleae(plan(study), best(study))
    assert all(np.all(np.isfinite(values)) for values in outcomes(ears).values())


def test_vesicles_that_no_mechanism_hears_tell_nothing():
    values = tomllib.loads(STUDY) | {"mechanisms": [], "arm": [{"name": "graft", "devices": ["graft"]}]}
    quiet = loads(tomli_w.dumps(values))
    signal = simulate(quiet, best(quiet), workers=1)["signal"]
    assert not np.any(signal)


def test_the_insertion_an_implant_brings_is_marked_where_insults_are(study):
    marks = {mark.name: mark for mark in described(study).marks}
    assert vars(marks["implant"]) == {"name": "implant", "entry": "implantation", "time": 0.0, "event": True}
    assert "aid" not in marks


@pytest.mark.parametrize(("of", "against"), [("aid", "nothing"), ("graft", "idle graft")])
def test_a_number_that_is_not_on_the_list_of_what_moves_an_answer_moves_nothing(of, against):
    asked = {"measure": "words", "of": of, "against": against}
    study = changed(compare=asked, mechanisms=["hsp70"])
    listed = {row.parameter for row in sensitivity(study, study.tables.compare)}
    left = [p for p in study.parameters.values() if p.low < p.high and p.name not in listed]
    assert {"devices.cochlear_implant.typical", "insults.implantation.damage"} & {p.name for p in left}
    one = best(study)
    rows = [one] + [one.assign(**{p.name: end}) for p in left for end in p.ends()]
    found = benefits(study, study.tables.compare, stacked(rows))
    assert np.all(found == found[0])
