"""What a simulation answers: three kinds of uncertainty, what the answer rests on, and what moves it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tomli_w
import xarray as xr

from otosome.answers import accuracy, prior
from otosome.answers.accuracy import Cost
from otosome.answers.answer import answer
from otosome.answers.contrast import benefit, benefits, contrast
from otosome.answers.headline import _also_treated, benefits_beside, headline
from otosome.answers.prior import benefits_by_prior, with_efficacy
from otosome.answers.sensitivity import movement, sensitivity
from otosome.answers.sources import sources
from otosome.answers.window import window
from otosome.errors import BadInput
from otosome.evidence import BASES, LOTS, WORLD
from otosome.forward import (
    best,
    carried,
    draw,
    observe,
    observed,
    plan,
    simulate,
    through,
)
from otosome.model.team import team
from otosome.report import page, summary, write_window
from otosome.results import Record, fill, open_result, writing
from otosome.study import load, loads, saves

PARTS = ("space", "time", "total")
VALID = Path(__file__).parent / "studies" / "valid"
FULL, NONE, NULL = "cisplatin + vesicles", "cisplatin", "cisplatin + null vesicles"
# Numbers that bear on the benefit in thresholds: where vesicles go, what they find there, and what they do.
MATTER = [
    "solutes.vesicle.exchange_scale", "routes.round_window.bioavailability", "batches.example_lot.count_error",
    "insults.cisplatin.ec50", "cells.ohc.death", "mechanisms.hsp70.ec50", "mechanisms.hsp70.prevent",
    "mechanisms.autophagy.gate", "cells.ohc.anchor_shift",
]  # fmt: skip
# Numbers that cannot: of the reading and not of the ear, or the same in both arms.
IDLE = [f"endpoints.abr_threshold.{key}" for key in ("error", "error_between", "offset")]
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
def answers(result):
    return SimpleNamespace(
        headline=summary.headline(result),
        movers={row.parameter: row for row in summary.movers(result)},
        errors=summary.accuracy(result),
        sources=summary.sources(result),
    )


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


def width(found, kind):
    """How wide an interval of a contrast is."""
    exact = getattr(found, kind).exact
    return exact.high - exact.low


def test_spread_between_subjects_and_lack_of_knowledge_are_told_apart():
    world = np.array([-6.0, -2.0, 2.0, 6.0])
    # Row i has lot i % 3; of one world's ten rows each lot's animals lie at -3, 0 and 3 around the lot.
    rows = np.arange(40)
    lot = np.array([-1.0, 0.0, 1.0])[rows % LOTS]
    animal = np.array([-3.0, 0.0, 3.0])[(rows % WORLD) // LOTS % 3] * ((rows % WORLD) < 9)
    gains = 10.0 + np.repeat(world, 10) + lot + animal
    found = contrast(*made_up(gains), "abr", FULL, NONE)
    assert found.benefit.exact.median == pytest.approx(10.0)
    assert found.benefit.exact.low == pytest.approx(np.quantile(gains, 0.05))
    assert found.benefit.exact.high == pytest.approx(np.quantile(gains, 0.95))
    # The tenth animal of a world moves a lot's median by less than one.
    for kind, wide in (("between_ears", 6.0), ("between_lots", 2.0), ("between_worlds", 10.8)):
        assert width(found, kind) == pytest.approx(wide, abs=1.0), kind
    assert found.worlds == 4
    low, high = found.resampled.median
    assert low < 10.0 < high


@pytest.mark.parametrize("kind", ["between_lots", "between_worlds"])
def test_one_kind_of_spread_leaves_the_others_narrow(kind):
    rows = np.arange(30)
    gains = {"between_lots": 9.0 * (rows % LOTS), "between_worlds": 4.0 * (rows // WORLD)}[kind]
    found = contrast(*made_up(gains), "abr", FULL, NONE)
    wide = {k: width(found, k) for k in ("between_ears", "between_lots", "between_worlds")}
    assert wide.pop(kind) > 5.0
    # No ear differs from its lot, no lot or no world from another: nothing else is left, to rounding.
    assert max(wide.values()) < 1e-12


def test_ears_that_are_left_out_leave_the_others_in_their_worlds_and_lots():
    rows = np.arange(40)
    world, lot = np.array([-6.0, -2.0, 2.0, 6.0])[rows // WORLD], np.array([-1.0, 0.0, 1.0])[rows % LOTS]
    study, result = made_up(10.0 + world + lot)
    found = contrast(study, result.isel(subject=np.setdiff1d(rows, [0, 1, 13, 28])), "abr", FULL, NONE)
    # No animal differs from its lot; a wrong world or lot would make it.
    assert width(found, "between_ears") == pytest.approx(0.0, abs=1e-12)
    # Between the outer two of three lots, 5 to 95 % is nine tenths of the way.
    assert width(found, "between_lots") == pytest.approx(0.9 * 2.0)
    assert found.worlds == 4


def test_sixty_ears_in_ten_worlds_of_six_are_ten_worlds():
    study, result = made_up(np.repeat(np.arange(10.0), 6))
    result = result.assign_coords(world=("subject", np.repeat(np.arange(10), 6)))
    found = contrast(study, result, "abr", FULL, NONE)
    assert found.worlds == 10
    assert width(found, "between_ears") == width(found, "between_lots") == 0.0
    assert width(found, "between_worlds") == pytest.approx(8.1)


def test_an_arm_gains_nothing_over_itself():
    found = contrast(*made_up(np.array([3.0, 5.0, 11.0])), "abr", FULL, FULL)
    for kind in ("benefit", "between_ears", "between_lots", "between_worlds"):
        shown = getattr(found, kind)
        assert vars(shown.exact) == {"median": 0.0, "low": 0.0, "high": 0.0}
        assert shown.text == "0 dB (0 to 0)"


def test_one_world_has_no_error_of_its_own():
    found = contrast(*made_up(np.arange(7.0)), "abr", FULL, NONE)
    assert found.worlds == 1
    assert found.resampled is None


def test_a_benefit_turned_round_is_a_harm_of_the_same_size():
    study, made = made_up(np.array([3.0, 5.0, 11.0]))
    forth, back = (contrast(study, made, "abr", *arms) for arms in ((FULL, NONE), (NONE, FULL)))
    assert (forth.benefit.median, back.benefit.median) == (5.0, -5.0)
    for kind in ("benefit", "between_ears", "between_lots", "between_worlds"):
        one, other = getattr(forth, kind).exact, getattr(back, kind).exact
        turned = [-other.high, -other.median, -other.low]
        assert [one.low, one.median, one.high] == pytest.approx(turned, abs=1e-12), kind


def test_more_cells_are_a_benefit_and_a_higher_threshold_is_none():
    study, made = made_up(np.array([3.0]))
    made["sgn"] = made.abr.assign_attrs(better="higher")
    arms = [made.abr.sel(arm=arm).to_numpy() for arm in (FULL, NONE)]
    assert benefit(study, made, "abr", *arms).tolist() == [3.0]
    assert benefit(study, made, "sgn", *arms).tolist() == [-3.0]


def test_an_unknown_measure_or_arm_is_refused():
    study, made = made_up(np.array([3.0]))
    with pytest.raises(BadInput, match=r"measure: is not measured; given: dpoae; allowed: abr, sgn, wave1"):
        contrast(study, made, "dpoae", FULL, NONE)
    with pytest.raises(BadInput, match=r"arm: is not an arm; given: placebo; allowed: cisplatin, "):
        contrast(study, made, "abr", FULL, "placebo")


# What it rests on


def mover(basis, at_low, at_high):
    return SimpleNamespace(basis=basis, moves=abs(at_high - at_low))


def test_the_share_of_a_basis_is_its_part_of_all_movement():
    rows = [mover("measured", 1.0, 2.0), mover("assumed", 4.0, 1.0), mover("measured", 0.0, -2.0)]
    assert movement(rows) == dict.fromkeys(BASES, 0.0) | {"measured": 0.5, "assumed": 0.5}
    every = movement([mover(basis, 0.0, 1.0 + n) for n, basis in enumerate(BASES)])
    assert sum(every.values()) == pytest.approx(1)


def test_an_answer_that_nothing_moves_rests_on_nothing():
    assert movement([]) == movement([mover("assumed", 2.0, 2.0)]) == dict.fromkeys(BASES, 0.0)


def test_the_headline_says_what_was_compared_and_what_that_rests_on(study, answers):
    headline = answers.headline
    assert (headline.measure, headline.endpoint, headline.unit) == ("abr", "abr_threshold", "dB")
    assert (headline.of, headline.against, headline.null) == (FULL, NONE, NULL)
    assert (headline.time, headline.frequency) == (168.0, [8.0, 16.0])
    assert sum(share.exact for share in headline.share.values()) == pytest.approx(1.0)
    assert sum(headline.counts.values()) == len(study.parameters) + len(study.curves)
    assert headline.worlds == 2
    assert headline.others == {}


def test_further_treated_arms_are_those_of_neither_side_and_no_untreated_one():
    values = potent(tomllib.loads((VALID / "counts_and_wave1.toml").read_text(encoding="utf-8")))
    more = [
        {"name": "vesicles alone", "treatments": ["ev"]},
        {"name": "quiet"},
        {"name": "null alone", "treatments": ["null"]},
    ]
    study = loads(tomli_w.dumps(values | {"arm": [*values["arm"], *more]}))
    assert _also_treated(study, study.tables.compare) == ["vesicles alone", "null alone"]


def test_the_headline_is_of_the_last_time(monkeypatch):
    values = tomllib.loads((VALID / "counts_and_wave1.toml").read_text(encoding="utf-8"))
    values["measure"]["abr"]["at"] = ["3 d", "7 d", "5 d"]
    study = loads(tomli_w.dumps(values))
    ears = draw(study, 2, seed=1)
    question = study.tables.compare
    whole = simulate(study, ears, also=benefits_beside(study, question))
    assert headline(study, whole, question, [], whole).time == 168.0


def test_the_null_twin_has_no_benefit_to_rounding(answers):
    null = answers.headline.null_benefit
    assert all(abs(value) < 1e-9 for value in vars(null.exact).values())
    assert null.text == "0 dB (0 to 0)"


def test_half_the_efficacy_is_no_better_and_twice_is_no_worse(study, result, answers):
    asked, ears = study.tables.compare, draw(study, 12, seed=3)
    full = benefit(study, result, "abr", *(result.abr.sel(arm=arm).to_numpy() for arm in (FULL, NONE)))
    by_prior = through(plan(study), ears, benefits_by_prior(study, asked))
    halved, doubled = by_prior["halved"], by_prior["doubled"]
    assert np.all(halved <= full) and np.all(full <= doubled)
    assert np.median(halved) < np.median(full) < np.median(doubled)
    headline = answers.headline
    assert headline.halved.exact.median == np.median(halved)
    assert headline.benefit.exact.median == pytest.approx(np.median(full))
    assert headline.doubled.exact.median == np.median(doubled)


def test_the_prior_times_one_is_the_benefit_itself(study, result, monkeypatch):
    monkeypatch.setattr(prior, "FACTORS", {"same": 1.0})
    work = benefits_by_prior(study, study.tables.compare)
    same = through(plan(study), draw(study, 12, seed=3), work)["same"]
    full = benefit(study, result, "abr", *(result.abr.sel(arm=arm).to_numpy() for arm in (FULL, NONE)))
    assert same == pytest.approx(full, rel=1e-12)


def test_what_stands_beside_the_benefit_is_what_such_ears_have_by_themselves(study):
    asked, ears = study.tables.compare, draw(study, 12, seed=3)
    beside = through(plan(study), ears, benefits_beside(study, asked))
    assert set(beside) == {"halved", "doubled"}
    for name, factor in prior.FACTORS.items():
        assert np.array_equal(beside[name], benefits(study, asked, with_efficacy(study, ears, factor))), name


def test_no_effect_is_larger_than_all(study):
    doubled = with_efficacy(study, draw(study, 12, seed=3), 2.0)
    name = "mechanisms.hsp70.prevent"
    drawn = draw(study, 12, seed=3)[name]
    assert doubled[name] == pytest.approx(np.minimum(2 * drawn, 1.0))
    assert doubled["mechanisms.hsp70.ec50"] == pytest.approx(draw(study, 12, seed=3)["mechanisms.hsp70.ec50"])


# What moves it


def test_every_unknown_number_is_moved_once_and_the_first_moves_most(study, answers):
    rows = list(answers.movers.values())
    assert sorted(answers.movers) == sorted([*MATTER, *IDLE])
    moves = [row.moves for row in rows]
    assert moves == sorted(moves, reverse=True)
    for row in rows:
        parameter = study.parameters[row.parameter]
        assert [row.low, row.high] == pytest.approx(list(parameter.quantile(np.array([0.05, 0.95]))))
        assert row.basis == parameter.basis


def test_a_number_that_cannot_matter_moves_nothing(answers):
    # The offset of an ear is in both thresholds: what is left is the rounding of their difference.
    assert all(answers.movers[name].moves < 1e-11 for name in IDLE)
    assert all(answers.movers[name].moves > 1e-6 for name in MATTER)


def test_more_efficacy_moves_the_answer_up_and_more_needed_for_it_down(answers):
    more, needed = (answers.movers[f"mechanisms.hsp70.{key}"] for key in ("prevent", "ec50"))
    assert more.at_high > more.at_low
    assert needed.at_high < needed.at_low


def test_the_answer_at_an_end_is_what_a_simulation_gives_there(study, answers):
    for name in ("mechanisms.hsp70.prevent", "solutes.vesicle.exchange_scale"):
        end = study.parameters[name].quantile(np.array([0.95]))
        there = simulate(study, best(study).assign(**{name: end}), workers=1)
        # Sensitivities go in longer steps, which cost less than a tenth of what they find.
        exact = contrast(study, there, "abr", FULL, NONE).benefit.exact
        assert answers.movers[name].at_high == pytest.approx(exact.median, rel=0.1)


def test_ears_that_share_a_solution_of_transport_answer_as_if_each_had_its_own(study, answers, monkeypatch):
    apart = lambda anatomy, *rest: (np.arange(anatomy.subjects), np.arange(anatomy.subjects))  # noqa: E731
    monkeypatch.setattr(carried, "different", apart)
    alone = {row.parameter: row for row in sensitivity(study, study.tables.compare, workers=1)}
    assert alone == answers.movers


def test_a_study_in_which_all_is_known_has_nothing_to_move(study):
    values = tomllib.loads(saves(study))
    values["batch"] = values.get("batch", {})
    known = certain(values, [])
    assert sensitivity(known, known.tables.compare) == []


# Sources, errors, window


def test_every_number_is_listed_once_with_its_paper_or_its_reason(study, answers):
    assert [row.parameter for row in answers.sources] == [*study.parameters, *study.curves]
    assert answers.sources == sources(study)
    for row in answers.sources:
        assert row.because or (row.title and row.link), row.parameter
        assert row.basis in BASES
        assert row.meaning and row.hash
    assert len({row.hash for row in answers.sources}) == len(answers.sources)


def test_the_explicit_form_rests_on_the_same_and_is_as_provisional(study, answers):
    again = {row.parameter: row for row in sources(loads(saves(study)))}
    for row in answers.sources:
        for key in ("hash", "basis", "provisional", "source", "standing"):
            assert getattr(again[row.parameter], key) == getattr(row, key), row.parameter


def test_a_number_of_ones_own_paper_is_provisional_until_it_is_the_shelfs_again():
    name, week = "species.guinea_pig.round_window_area", VALID / "counts_and_wave1.toml"
    pin = f'\n[numbers."{name}"]\nvalue = "1.2 mm2"\nbasis = "measured"\nsource = "ghiz_2001"\n'
    studies = load(week), loads(week.read_text(encoding="utf-8") + pin), loads(saves(load(week)))
    found = [{row.parameter: row for row in sources(study)}[name].provisional for study in studies]
    assert found == [False, True, False]


def test_the_errors_of_a_run_are_small_and_within_their_limits(answers):
    found = answers.errors
    for of, limit in {"peak": 1e-3, "apex_log10": 0.1}.items():
        space, time, total = (getattr(getattr(found, part), of) for part in PARTS)
        assert space + time == total < limit
        assert min(space, time) > 0.0
        for part in PARTS:
            drawn = getattr(getattr(found.drawn, part), of)
            assert 0.0 < drawn.median <= drawn.worst
    assert found.drawn.ears == 7 and found.arm == FULL
    assert found.limits == Cost(1e-3, 0.1) and not found.beyond.best
    assert 0.0 <= found.mass_balance < 1e-10
    assert found.flagged in range(13)


def test_all_of_a_finer_studys_answer_lies_on_its_places(study):
    asked = replace(study, tables=study.tables.model_copy(update={"fineness": 2}))
    found = answer(asked, draw(asked, 2, seed=3))
    for name in ("cells", "vesicles", "place_distance", "window_cells", "window_vesicles"):
        assert found.sizes["place"] == 160 and np.isfinite(found[name].to_numpy()).all(), name


def test_a_finer_study_misses_less_in_space_and_in_time(study, result, answers):
    asked = replace(study, tables=study.tables.model_copy(update={"fineness": 2}))
    fine, coarse = accuracy.accuracy(asked, result, draw(study, 12, seed=3)), answers.errors
    # An order of two in space, of four in time; drawn ears where fronts are steep gain less.
    assert fine.space.peak < 0.35 * coarse.space.peak
    assert fine.time.peak < 0.25 * coarse.time.peak
    for part in PARTS:
        assert getattr(fine.drawn, part).peak.median < getattr(coarse.drawn, part).peak.median


@pytest.fixture(scope="module")
def three(study, result):
    """The errors of three drawn ears in one block, and of each of them with the best-value ear alone."""
    table, ears = draw(study, 12, seed=3), [1, 6, 11]
    together = accuracy.accuracy(study, result.isel(subject=ears), table)
    return together, [accuracy.accuracy(study, result.isel(subject=[ear]), table) for ear in ears]


def test_the_errors_of_drawn_ears_are_each_ears_own(three):
    together, alone = three
    assert together.drawn.ears == 3
    for part in PARTS:
        for one in alone:
            assert getattr(one, part) == getattr(together, part), "the best-value ear is the same anywhere"
        for of in ("peak", "apex_log10"):
            both = getattr(getattr(together.drawn, part), of)
            own = sorted(getattr(getattr(one.drawn, part), of).worst for one in alone)
            assert own[0] < own[2] and (both.median, both.worst) == (own[1], own[2])


def test_an_ear_beyond_a_limit_is_counted(study, result, three, monkeypatch):
    together, alone = three
    for of in ("peak", "apex_log10"):
        own = [getattr(one.drawn.total, of).worst for one in alone]
        monkeypatch.setattr(accuracy, "LIMITS", Cost(**({"peak": 1.0, "apex_log10": 9.0} | {of: min(own)})))
        ears = draw(study, 12, seed=3)
        beyond = accuracy.accuracy(study, result.isel(subject=[1, 6, 11]), ears).beyond
        assert beyond.best == (getattr(together.total, of) > min(own))
        assert 0 < beyond.drawn == sum(one > min(own) for one in own)


def test_an_ear_that_is_left_out_has_no_errors(study):
    table = draw(study, 2, seed=3)
    whole = accuracy.accuracy(study, simulate(study, table, workers=1).isel(subject=[1]), table)
    table = table.assign(
        **{"solutes.vesicle.exchange_scale": [np.nan, table["solutes.vesicle.exchange_scale"][1]]}
    )
    found = simulate(study, table, workers=1)
    assert found.subject.values.tolist() == [1] and accuracy.accuracy(study, found, table) == whole


def test_errors_begun_before_a_simulation_are_those_of_the_ears_that_could_be_computed(study):
    table = draw(study, 2, seed=3)
    scale = table["solutes.vesicle.exchange_scale"]
    said = []
    for ears in (table, table.assign(**{"solutes.vesicle.exchange_scale": [np.nan, scale[1]]})):
        found = simulate(study, ears, workers=1)
        with team(1) as alone:
            begun = accuracy.begin(study, ears, alone)
            said.append(accuracy.accuracy(study, found, ears, begun))
        assert said[-1] == accuracy.accuracy(study, found, ears)
    assert [errors.drawn.ears for errors in said] == [2, 1]


def test_where_the_compared_arm_gets_no_vesicles_the_errors_are_of_one_that_does(study, three):
    values = tomllib.loads(saves(study))
    asked = {"measure": values["compare"]["measure"], "of": NONE, "against": FULL}
    other = loads(tomli_w.dumps(values | {"compare": asked}))
    table = best(other)
    found = accuracy.accuracy(other, simulate(other, table, workers=1), table)
    assert found.arm == FULL and found.total == three[0].total


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
    found = summary.accuracy(result)
    assert all(getattr(found, part) is None for part in ("arm", *PARTS, "drawn", "beyond"))
    assert found.mass_balance == 0.0
    assert len(json.loads(result.attrs["sources"])) == len(study.parameters) + len(study.curves)
    assert "window_cells" not in result


def test_an_answer_without_an_ear_says_so_in_its_report_and_can_be_read_again(study, tmp_path):
    table = draw(study, 12, seed=3)
    table = table.assign(**{"cells.ohc.death": np.where(table.ear == 4, 1e300, table["cells.ohc.death"])})
    result = answer(study, table)
    folder = tmp_path / "result"
    with writing(folder) as part:
        fill(part, result, observed(study, result, table), table, Record("run", study.name, {}))
    assert "1 of 12 ears is left out" in (folder / "report.html").read_text(encoding="utf-8")
    again = open_result(folder)
    assert again.subject.values.tolist() == [n for n in range(12) if n != 4]
    assert json.loads(again.attrs["rejected"])[0]["subject"] == 4


def test_an_answer_is_plain_text_that_a_file_can_keep(result):
    for name in ("study", "name", "version", "species", "notes", "marks", "arms", "sizes"):
        assert isinstance(result.attrs[name], str)
    marks = json.loads(result.attrs["marks"])
    assert marks == [{"name": "course", "entry": "cisplatin", "time": 0.0, "event": False}]
    sizes = json.loads(result.attrs["sizes"])
    assert sum(part["weight"] for part in sizes["classes"]) == pytest.approx(1.0)
    assert max(sizes["density"]) == 1.0


def test_ears_whose_steps_err_by_more_than_a_tenth_are_flagged(study, monkeypatch):
    monkeypatch.setattr(accuracy, "_costs", lambda *asked: ("", {}))
    monkeypatch.setattr(accuracy, "_measure_error", lambda asked: None)
    columns = {"time_error": [0.0, 0.09, 0.101, 0.11, 5.0], "mass_balance_error": [0.0, 3e-9, 0.0, 1e-9, 0.0]}
    result = xr.Dataset({name: ("subject", values) for name, values in columns.items()})
    said = accuracy.accuracy(study, result, None)
    assert (said.flagged, said.mass_balance) == (3, 3e-9)
