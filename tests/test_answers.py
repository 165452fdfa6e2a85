"""What a simulation answers: three kinds of uncertainty, what the answer rests on, and what moves it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import xarray as xr

from otosome.answers import accuracy
from otosome.answers.accuracy import errors
from otosome.answers.answer import answer
from otosome.answers.contrast import benefit, compare
from otosome.answers.sensitivity import sensitivity, share
from otosome.answers.sources import sources
from otosome.answers.window import window
from otosome.errors import BadInput
from otosome.evidence import BASES, LOTS, WORLD
from otosome.forward import (
    Block,
    best,
    draw,
    observe,
    simulate,
)
from otosome.report import page, write_window
from otosome.results import Record, fill, open_result, writing
from otosome.study import load, loads, saves

VALID = Path(__file__).parent / "studies" / "valid"
FULL, NONE, NULL = "cisplatin + vesicles", "cisplatin", "cisplatin + null vesicles"
# Numbers that bear on the benefit in thresholds: where vesicles go, what they find there, and what they do.
MATTER = [
    "solutes.vesicle.exchange_scale", "routes.round_window.bioavailability", "batches.example_lot.count_error",
    "insults.cisplatin.ec50", "cells.ohc.death", "mechanisms.hsp70.ec50", "mechanisms.hsp70.prevent",
    "mechanisms.autophagy.gate", "cells.ohc.anchor_shift",
]  # fmt: skip
# Numbers that cannot: of the reading and not of the ear, or the same in both arms.
IDLE = ["endpoints.abr_threshold.error", "endpoints.abr_threshold.offset"]
# Numbers of other endpoints, which cannot reach the measure and are not moved at all.
ELSEWHERE = ["endpoints.wave1.scale", "endpoints.wave1.floor", "endpoints.cell_count.counted"]


def certain(values, known):
    """The explicit form of a study with every number known but some."""
    explicit = tomllib.loads(saves(loads(tomli_w.dumps(values))))
    for name, number in explicit["numbers"].items():
        if name not in known:
            fixed = {"low": number["value"], "high": number["value"], "shape": "fixed"}
            explicit["numbers"][name] = number | fixed | {"subjects": 0.0, "lots": 0.0}
    return loads(tomli_w.dumps(explicit))


def potent(values):
    """A week in which vesicles meet cells at a concentration that acts."""
    values = {**values, "numbers": {"mechanisms.hsp70.ec50": EC50}}
    null = values["treatment"]["ev"] | {"potency": 0.0}
    values["treatment"] = values["treatment"] | {"null": null}
    arm = {"name": NULL, "insults": ["course"], "treatments": ["null"]}
    return values | {"arm": [*values["arm"], arm], "compare": values["compare"] | {"null": NULL}}


EC50 = {
    "value": "1 particles/uL", "low": "0.1 particles/uL", "high": "10 particles/uL", "shape": "loguniform",
    "basis": "assumed", "because": "So low that the few vesicles of the week act.",
}  # fmt: skip


@pytest.fixture(scope="module")
def study():
    values = tomllib.loads((VALID / "counts_and_wave1.toml").read_text(encoding="utf-8"))
    return certain(potent(values), [*MATTER, *IDLE, *ELSEWHERE])


@pytest.fixture(scope="module")
def result(study):
    return answer(study, draw(study, 12, seed=3))


@pytest.fixture(scope="module")
def told(result):
    keys = ("headline", "sensitivity", "errors", "sources")
    return {key: json.loads(result.attrs[key]) for key in keys}


# The benefit and its three kinds of uncertainty


def made_up(gains):
    """A result of two arms in which vesicles lower the threshold of each subject by so much at the last time."""
    study = load(VALID / "counts_and_wave1.toml")
    abr = np.full((2, gains.size, 2, 3), 30.0)
    abr[1, :, 1, :2] -= gains[:, None]
    # Before the last time, and at a frequency the measure does not ask for, the arms differ by something else.
    abr[1, :, 0], abr[1, :, :, 2] = 7.0, 99.0
    variable = (("arm", "subject", "time", "frequency"), abr, {"better": "lower", "unit": "dB SPL"})
    coords = {
        "arm": [NONE, FULL],
        "subject": np.arange(gains.size),
        "world": ("subject", np.arange(gains.size) // WORLD),
        "lot": ("subject", LOTS * (np.arange(gains.size) // WORLD) + np.arange(gains.size) % LOTS),
        "time": [24.0, 168.0],
        "frequency": [8.0, 16.0, 32.0],
    }
    return study, xr.Dataset({"abr": variable}, coords=coords)


def test_spread_between_subjects_and_lack_of_knowledge_are_told_apart():
    world = np.array([-6.0, -2.0, 2.0, 6.0])
    # Row i has lot i % 3; of one world's ten rows each lot's animals lie at -3, 0 and 3 around the lot.
    rows = np.arange(40)
    lot = np.array([-1.0, 0.0, 1.0])[rows % LOTS]
    animal = np.array([-3.0, 0.0, 3.0])[(rows % WORLD) // LOTS % 3] * ((rows % WORLD) < 9)
    gains = 10.0 + np.repeat(world, 10) + lot + animal
    found = compare(*made_up(gains), "abr", FULL, NONE)
    assert found["benefit"]["median"] == pytest.approx(10.0)
    assert found["benefit"]["low"] == pytest.approx(np.quantile(gains, 0.05))
    assert found["benefit"]["high"] == pytest.approx(np.quantile(gains, 0.95))
    # The tenth animal of a world and the unequal lots move a lot's mean by less than one.
    for kind, width in (("between_subjects", 6.0), ("between_lots", 2.0), ("knowledge", 10.8)):
        assert found[kind]["high"] - found[kind]["low"] == pytest.approx(width, abs=1.0), kind
    assert found["knowledge"]["worlds"] == 4
    low, high = found["resampled"]["median"]
    assert low < 10.0 < high


@pytest.mark.parametrize("kind", ["between_lots", "knowledge"])
def test_one_kind_of_spread_leaves_the_others_narrow(kind):
    rows = np.arange(30)
    gains = {"between_lots": 9.0 * (rows % LOTS), "knowledge": 4.0 * (rows // WORLD)}[kind]
    found = compare(*made_up(gains), "abr", FULL, NONE)
    width = {k: found[k]["high"] - found[k]["low"] for k in ("between_subjects", "between_lots", "knowledge")}
    assert width.pop(kind) > 5.0
    # Ten rows hold one lot four times and the others three times, which moves a world's mean by less than 1.
    assert max(width.values()) < 2.0


def test_ears_that_are_left_out_leave_the_others_in_their_worlds_and_lots():
    rows = np.arange(40)
    world, lot = np.array([-6.0, -2.0, 2.0, 6.0])[rows // WORLD], np.array([-1.0, 0.0, 1.0])[rows % LOTS]
    study, result = made_up(10.0 + world + lot)
    told = compare(study, result.isel(subject=np.setdiff1d(rows, [0, 1, 13, 28])), "abr", FULL, NONE)
    # No animal differs from its lot; a wrong world or lot would make it.
    assert told["between_subjects"]["low"] == pytest.approx(told["between_subjects"]["high"])
    assert told["between_lots"]["high"] - told["between_lots"]["low"] == pytest.approx(2.0, abs=0.2)
    assert told["knowledge"]["worlds"] == 4


def test_one_world_has_no_error_of_its_own():
    found = compare(*made_up(np.arange(7.0)), "abr", FULL, NONE)
    assert found["knowledge"]["worlds"] == 1
    assert found["resampled"] is None


def test_a_benefit_turned_round_is_a_harm_of_the_same_size():
    study, made = made_up(np.array([3.0, 5.0, 11.0]))
    forth, back = (compare(study, made, "abr", *arms)["benefit"] for arms in ((FULL, NONE), (NONE, FULL)))
    assert forth["median"] == 5.0
    assert back["median"] == -5.0
    assert forth["low"] == pytest.approx(-back["high"])


def test_more_cells_are_a_benefit_and_a_higher_threshold_is_none():
    study, made = made_up(np.array([3.0]))
    made["sgn"] = made.abr.assign_attrs(better="higher")
    arms = [made.abr.sel(arm=arm).to_numpy() for arm in (FULL, NONE)]
    assert benefit(study, made, "abr", *arms).tolist() == [3.0]
    assert benefit(study, made, "sgn", *arms).tolist() == [-3.0]


def test_an_unknown_measure_or_arm_is_refused():
    study, made = made_up(np.array([3.0]))
    with pytest.raises(BadInput, match=r"measure: is not measured; given: dpoae; allowed: abr, sgn, wave1"):
        compare(study, made, "dpoae", FULL, NONE)
    with pytest.raises(BadInput, match=r"arm: is not an arm; given: placebo; allowed: cisplatin, "):
        compare(study, made, "abr", FULL, "placebo")


# What it rests on


def row(basis, at_low, at_high):
    return {"basis": basis, "at_low": at_low, "at_high": at_high}


def test_the_share_of_a_basis_is_its_part_of_all_movement():
    found = share([row("measured", 1.0, 2.0), row("assumed", 4.0, 1.0), row("measured", 0.0, -2.0)])
    assert found == dict.fromkeys(BASES, 0.0) | {"measured": 0.5, "assumed": 0.5}
    assert sum(share([row(basis, 0.0, 1.0 + n) for n, basis in enumerate(BASES)]).values()) == pytest.approx(
        1
    )


def test_an_answer_that_nothing_moves_rests_on_nothing():
    assert share([]) == share([row("assumed", 2.0, 2.0)]) == dict.fromkeys(BASES, 0.0)


def test_the_headline_says_what_was_compared_and_what_that_rests_on(study, told):
    headline = told["headline"]
    assert (headline["measure"], headline["endpoint"], headline["unit"]) == ("abr", "abr_threshold", "dB")
    assert (headline["of"], headline["against"], headline["null"]) == (FULL, NONE, NULL)
    assert (headline["time"], headline["frequency"]) == (168.0, [8.0, 16.0])
    assert sum(headline["share"].values()) == pytest.approx(1.0)
    assert sum(headline["counts"].values()) == len(study.parameters) + len(study.curves)
    assert headline["knowledge"]["worlds"] == 2


def test_the_null_twin_has_no_benefit_to_rounding(told):
    assert all(abs(value) < 1e-9 for value in told["headline"]["null_benefit"].values())
    assert "-0.0" not in json.dumps(told["headline"]["null_benefit"])


def test_half_the_efficacy_is_no_better_and_twice_is_no_worse(study, result, told):
    against = result.abr.sel(arm=NONE).to_numpy()
    values = [result.halved, result.abr.sel(arm=FULL), result.doubled]
    halved, full, doubled = (benefit(study, result, "abr", v.to_numpy(), against) for v in values)
    assert np.all(halved <= full) and np.all(full <= doubled)
    assert np.median(halved) < np.median(full) < np.median(doubled)
    headline = told["headline"]
    assert headline["halved"]["median"] == pytest.approx(np.median(halved))
    assert headline["benefit"]["median"] == pytest.approx(np.median(full))
    assert headline["doubled"]["median"] == pytest.approx(np.median(doubled))


# What moves it


def test_every_unknown_number_is_moved_once_and_the_first_moves_most(study, told):
    rows = told["sensitivity"]
    assert sorted(r["parameter"] for r in rows) == sorted([*MATTER, *IDLE])
    moves = [abs(r["at_high"] - r["at_low"]) for r in rows]
    assert moves == sorted(moves, reverse=True)
    for found in rows:
        parameter = study.parameters[found["parameter"]]
        ends = parameter.quantile(np.array([0.05, 0.95]))
        assert [found["low"], found["high"]] == pytest.approx(list(ends))
        assert found["basis"] == parameter.basis


def test_a_number_that_cannot_matter_moves_nothing(told):
    moved = {r["parameter"]: abs(r["at_high"] - r["at_low"]) for r in told["sensitivity"]}
    # The offset of an ear is in both thresholds: what is left is the rounding of their difference.
    assert all(moved[name] < 1e-11 for name in IDLE)
    assert all(moved[name] > 1e-6 for name in MATTER)


def test_more_efficacy_moves_the_answer_up_and_more_needed_for_it_down(told):
    rows = {r["parameter"]: r for r in told["sensitivity"]}
    assert rows["mechanisms.hsp70.prevent"]["at_high"] > rows["mechanisms.hsp70.prevent"]["at_low"]
    assert rows["mechanisms.hsp70.ec50"]["at_high"] < rows["mechanisms.hsp70.ec50"]["at_low"]


def test_the_answer_at_an_end_is_what_a_simulation_gives_there(study, told):
    for name in ("mechanisms.hsp70.prevent", "solutes.vesicle.exchange_scale"):
        (found,) = [r for r in told["sensitivity"] if r["parameter"] == name]
        table = best(study).assign(**{name: study.parameters[name].quantile(np.array([0.95]))})
        there = simulate(study, table, workers=1)
        # Sensitivities go in longer steps, which cost less than a tenth of what they find.
        assert found["at_high"] == pytest.approx(
            compare(study, there, "abr", FULL, NONE)["benefit"]["median"], rel=0.1
        )


def test_ears_that_share_a_solution_of_transport_answer_as_if_each_had_its_own(study, told, monkeypatch):
    monkeypatch.setattr(Block, "alike", False)
    asked = study.tables.compare
    alone = {r["parameter"]: (r["at_low"], r["at_high"]) for r in sensitivity(study, asked, workers=1)}
    shared = {r["parameter"]: (r["at_low"], r["at_high"]) for r in told["sensitivity"]}
    assert shared == alone


def test_a_study_in_which_all_is_known_has_nothing_to_move(study):
    values = tomllib.loads(saves(study))
    values["batch"] = values.get("batch", {})
    known = certain(values, [])
    assert sensitivity(known, known.tables.compare) == []


# Sources, errors, window


def test_every_number_is_listed_once_with_its_paper_or_its_reason(study, told):
    assert [r["parameter"] for r in told["sources"]] == [*study.parameters, *study.curves]
    assert told["sources"] == sources(study)
    for found in told["sources"]:
        assert found["because"] or (found["title"] and found["link"]), found["parameter"]
        assert found["basis"] in BASES
        assert found["meaning"] and found["hash"]
    assert len({r["hash"] for r in told["sources"]}) == len(told["sources"])


def test_the_explicit_form_rests_on_the_same_and_is_as_provisional(study, told):
    again = {row["parameter"]: row for row in sources(loads(saves(study)))}
    for row in told["sources"]:
        kept = ("hash", "basis", "provisional", "source", "standing")
        assert [again[row["parameter"]][key] for key in kept] == [row[key] for key in kept], row["parameter"]


def test_a_number_of_ones_own_paper_is_provisional_until_it_is_the_shelfs_again():
    name, week = "species.guinea_pig.round_window_area", VALID / "counts_and_wave1.toml"
    pin = f'\n[numbers."{name}"]\nvalue = "1.2 mm2"\nbasis = "measured"\nsource = "ghiz_2001"\n'
    studies = load(week), loads(week.read_text(encoding="utf-8") + pin), loads(saves(load(week)))
    found = [{row["parameter"]: row for row in sources(study)}[name]["provisional"] for study in studies]
    assert found == [False, True, False]


def test_the_errors_of_a_run_are_small_and_told(told):
    found = told["errors"]
    for of, limit in {"peak": 1e-3, "apex_log10": 0.1}.items():
        assert found["space"][of] + found["time"][of] == found["total"][of] < limit
        assert min(found[part][of] for part in ("space", "time")) > 0.0
        for part in ("space", "time", "total"):
            assert 0.0 < found["drawn"][part][of]["median"] <= found["drawn"][part][of]["worst"]
    assert found["drawn"]["ears"] == 7 and found["arm"] == FULL
    assert found["limits"] == {"peak": 1e-3, "apex_log10": 0.1} and not found["beyond"]["best"]
    assert 0.0 <= found["ledger"] < 1e-10
    assert found["flagged"] in range(13)


def test_all_of_a_finer_studys_answer_lies_on_its_places(study):
    asked = replace(study, tables=study.tables.model_copy(update={"fineness": 2}))
    found = answer(asked, draw(asked, 2, seed=3))
    for name in ("cells", "vesicles", "place_distance", "window_cells", "window_vesicles"):
        assert found.sizes["place"] == 160 and np.isfinite(found[name].to_numpy()).all(), name


def test_a_finer_study_misses_less_in_space_and_in_time(study, result, told):
    asked = replace(study, tables=study.tables.model_copy(update={"fineness": 2}))
    fine = errors(asked, result, draw(study, 12, seed=3))
    # Orders of three in space at least, of four in time; drawn ears where fronts are steep gain less.
    assert fine["space"]["peak"] < 0.25 * told["errors"]["space"]["peak"]
    assert fine["time"]["peak"] < 0.25 * told["errors"]["time"]["peak"]
    for part in ("space", "time", "total"):
        assert fine["drawn"][part]["peak"]["median"] < told["errors"]["drawn"][part]["peak"]["median"]


@pytest.fixture(scope="module")
def three(study, result):
    """The errors of three drawn ears in one block, and of each of them with the best-value ear alone."""
    table, ears = draw(study, 12, seed=3), [1, 6, 11]
    together = errors(study, result.isel(subject=ears), table)
    return together, [errors(study, result.isel(subject=[ear]), table) for ear in ears]


def test_the_errors_of_drawn_ears_are_each_ears_own(three):
    together, alone = three
    assert together["drawn"]["ears"] == 3
    for part in ("space", "time", "total"):
        assert all(one[part] == together[part] for one in alone), (
            "the best-value ear is the same in any company"
        )
        for of, both in together["drawn"][part].items():
            own = sorted(one["drawn"][part][of]["worst"] for one in alone)
            assert own[0] < own[2] and both == {"median": own[1], "worst": own[2]}


def test_an_ear_beyond_a_limit_is_counted(study, result, three, monkeypatch):
    together, alone = three
    for of in ("peak", "apex_log10"):
        own = [one["drawn"]["total"][of]["worst"] for one in alone]
        monkeypatch.setattr(accuracy, "LIMITS", {"peak": 1.0, "apex_log10": 9.0} | {of: min(own)})
        found = errors(study, result.isel(subject=[1, 6, 11]), draw(study, 12, seed=3))["beyond"]
        assert found["best"] == (together["total"][of] > min(own))
        assert 0 < found["drawn"] == sum(one > min(own) for one in own)


def test_an_ear_that_is_left_out_has_no_errors(study):
    table = draw(study, 2, seed=3)
    whole = errors(study, simulate(study, table, workers=1).isel(subject=[1]), table)
    table = table.assign(
        **{"solutes.vesicle.exchange_scale": [np.nan, table["solutes.vesicle.exchange_scale"][1]]}
    )
    found = simulate(study, table, workers=1)
    assert found.subject.values.tolist() == [1] and errors(study, found, table) == whole


def test_where_the_compared_arm_gets_no_vesicles_the_errors_are_of_one_that_does(study, three):
    values = tomllib.loads(saves(study))
    asked = {"measure": values["compare"]["measure"], "of": NONE, "against": FULL}
    other = loads(tomli_w.dumps(values | {"compare": asked}))
    table = best(other)
    found = errors(other, simulate(other, table, workers=1), table)
    assert found["arm"] == FULL and found["total"] == three[0]["total"]


@pytest.fixture(scope="module")
def pictured(study):
    return window(study, study.tables.compare)


def test_the_window_moves_the_dose_over_the_days_of_the_study(pictured):
    days = pictured.window_dose.to_numpy()
    assert days.tolist() == [-72 + 24 * n for n in range(10)], "until the study's end at 168 h"
    assert pictured.window_time.to_numpy()[-1] == 168.0
    vesicles, times = pictured.window_vesicles.to_numpy(), pictured.window_time.to_numpy()
    for row_, day in enumerate(days):
        assert not np.any(vesicles[row_, times < day]), "no vesicles before they are given"
        assert np.all(vesicles[row_, times > day].max(axis=-1) > 0)
    assert np.allclose(
        vesicles[0, times == 24.0], vesicles[1, times == 48.0], rtol=0.05, atol=vesicles.max() * 1e-3
    )


def test_in_the_window_late_doses_help_less_and_none_is_worse_than_no_dose(pictured):
    shift = pictured.window_shift.to_numpy()
    without = pictured.window_vehicle_shift.to_numpy()
    assert np.all(shift <= without + 1e-9)
    assert shift[1].mean() < shift[-1].mean(), "a day before cisplatin against the last day"
    cells = pictured.window_cells.to_numpy()
    assert cells.min() >= 0.0 and cells.max() <= 1.0
    assert np.all(np.diff(cells, axis=1) <= 1e-6), "no cell comes back"


@pytest.fixture(scope="module")
def in_words():
    """A fortnight of an aid, compared in words, of which everything is known."""
    words = {"endpoint": "word_score", "material": "nu6", "at": ["14 d"]}
    values = {
        "otosome": "study/1",
        "species": "human",
        "mechanisms": [],
        "population": {"entry": "otologically_normal", "sex": "male", "age": "75 year"},
        "device": {"aid": {"entry": "hearing_aid"}},
        "arm": [{"name": "nothing"}, {"name": "an aid", "devices": ["aid"]}],
        "measure": {"words": words},
        "compare": {"measure": "words", "of": "an aid", "against": "nothing"},
    }
    made = certain(values, [])
    table = draw(made, 2, 1)
    return made, answer(made, table), table


def test_the_window_is_computed_where_it_is_shown_and_nowhere_else(result, in_words, tmp_path):
    made, words, table = in_words
    # A window is of levels by frequency, which words have not; where each place lies is drawn in any case.
    for one, shown in ((result, True), (words, False)):
        assert any(str(name).startswith("window_") for name in one.variables) == shown
        assert {"place_distance", "place_frequency"} <= set(one.data_vars)
    assert 'id="window-title"' not in page(words, observe(made, words, table))
    with pytest.raises(ValueError, match="words, which have no frequency"):
        write_window(words, tmp_path / "window.svg")


def test_the_window_agrees_with_the_simulation_of_its_day(study, pictured):
    # The study treats at -24 h, the window's second day. Its longer steps cost a few cells of a hundred.
    ohc = simulate(study, best(study), workers=1).cells.sel(arm=FULL, cell="OHC").to_numpy()[0]
    assert np.max(np.abs(pictured.window_cells.to_numpy()[1, -1] - ohc)) < 0.04


def test_a_study_that_compares_nothing_still_says_what_it_rests_on():
    study = load(VALID / "no_insult_no_treatment.toml")
    result = answer(study, draw(study, 2, seed=1))
    assert json.loads(result.attrs["headline"]) == {}
    assert json.loads(result.attrs["sensitivity"]) == []
    found = json.loads(result.attrs["errors"])
    assert all(found[part] is None for part in ("arm", "space", "time", "total", "drawn", "beyond"))
    assert found["ledger"] == 0.0
    assert len(json.loads(result.attrs["sources"])) == len(study.parameters) + len(study.curves)
    assert "window_cells" not in result


def test_an_answer_without_an_ear_says_so_in_its_report_and_can_be_read_again(study, tmp_path):
    table = draw(study, 12, seed=3)
    table = table.assign(**{"cells.ohc.death": np.where(table.ear == 4, 1e300, table["cells.ohc.death"])})
    result = answer(study, table)
    folder = tmp_path / "result"
    with writing(folder) as part:
        fill(part, result, observe(study, result, table), table, Record("run", study.name, {}))
    assert "1 of 12 ears is left out" in (folder / "report.html").read_text(encoding="utf-8")
    again = open_result(folder)
    assert again.subject.values.tolist() == [n for n in range(12) if n != 4]
    assert json.loads(again.attrs["masked"])[0]["subject"] == 4


def test_an_answer_is_plain_text_that_a_file_can_keep(result):
    for name in ("study", "name", "version", "species", "notes", "marks", "arms", "sizes"):
        assert isinstance(result.attrs[name], str)
    marks = json.loads(result.attrs["marks"])
    assert marks == [{"name": "course", "entry": "cisplatin", "time": 0.0, "event": False}]
    sizes = json.loads(result.attrs["sizes"])
    assert sum(part["weight"] for part in sizes["classes"]) == pytest.approx(1.0)
    assert max(sizes["density"]) == 1.0
