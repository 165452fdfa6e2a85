"""Measured readings over a simulation: each in its place, counted where they leave it, scored by exact formulas."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from otosome.answers.answer import answer
from otosome.catalog import get
from otosome.errors import BadInput
from otosome.fitting.against import against, crps, notes
from otosome.fitting.observations import _moment, matched
from otosome.fitting.outside import outside
from otosome.fitting.outside import table as outside_table
from otosome.fitting.used import used
from otosome.forward import draw, observe
from otosome.jobs import StudyInputs, compare, run
from otosome.laboratory.cohorts import Runs
from otosome.laboratory.intake import read
from otosome.roles import Reading
from otosome.study import Study, load

VALUES = {
    "otosome": "study/1",
    "title": "Two noises",
    "species": "mouse",
    "insult": {
        name: {
            "entry": "noise",
            "level": level,
            "band": ["8 kHz", "16 kHz"],
            "duration": "2 h",
            "at": ["0 h"],
        }
        for name, level in (("soft", "95 dB SPL"), ("loud", "106 dB SPL"))
    },
    "arm": [{"name": "soft", "insults": ["soft"]}, {"name": "loud", "insults": ["loud"]}],
    "measure": {
        "abr": {
            "endpoint": "abr_threshold",
            "frequency": ["8 kHz", "22.6 kHz"],
            "at": ["-1 d", "1 d", "14 d"],
        },
        "ohc": {"endpoint": "cell_count", "cell": "OHC", "frequency": ["22.6 kHz"], "at": ["14 d"]},
    },
}


@pytest.fixture(scope="module")
def study():
    return Study.of(VALUES)


def readings(**changes):
    row = {
        "subject": "m1",
        "ear": "left",
        "group": "loud",
        "time": 24.0,
        "quantity": "abr_threshold",
        "frequency": 8.0,
        "value": 40.0,
        "unit": "dB SPL",
        "level": np.nan,
        "censored": "none",
        "flag": "",
    }
    return pd.DataFrame([{**row, **changes}])


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, ("abr", 1, 1, 0)),
        ({"quantity": "abr"}, ("abr", 1, 1, 0)),
        ({"time": 24.9}, ("abr", 1, 1, 0)),
        ({"time": 336.0 * 1.04, "frequency": 22.627}, ("abr", 1, 2, 1)),
        ({"time": np.nan, "flag": "timepoint: baseline", "group": "soft"}, ("abr", 0, 0, 0)),
        (
            {"quantity": "cell_count.ohc", "unit": "", "value": 0.8, "time": np.nan, "frequency": 22.6},
            ("ohc", 1, 2, 0),
        ),
    ],
)
def test_a_reading_has_the_place_that_its_words_say(study, changes, place):
    (own,) = matched(study, readings(**changes), "table").readings
    assert (own.measure, own.arm[0], own.time[0], own.tone[0]) == place


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"group": "other"}, "the group 'other' is no arm"),
        ({"group": ""}, "no group is stated"),
        ({"time": 26.0}, "is not measured when"),
        ({"time": np.nan}, "is not measured when"),
        ({"frequency": 9.0}, "not measured at that frequency"),
        ({"quantity": "wave1"}, "no measure of the study reads wave1"),
        ({"level": 80.0}, "read at levels of its own"),
        ({"quantity": "cell_count.ohc", "unit": "per IHC", "frequency": 22.6}, "in 'per IHC'"),
        ({"unit": "dB HL"}, "in 'dB HL'"),
    ],
)
def test_a_reading_without_a_place_is_counted_with_its_reason(study, changes, reason):
    observed = matched(study, pd.concat([readings(), readings(**changes)]).reset_index(drop=True), "table")
    assert observed.size == 1
    assert [count for text, count in observed.unmatched.items() if reason in text] == [1]


def shares(table, **measure):
    """The readings of a table by a study with this measure alone and a group without an insult."""
    values = {**VALUES, "arm": [*VALUES["arm"], {"name": "quiet"}], "measure": {"own": measure}}
    return matched(Study.of(values), pd.concat(table, ignore_index=True), "table")


WAVE = {"endpoint": "wave1", "level": "80 dB SPL", "frequency": ["8 kHz", "16 kHz"], "at": ["-1 d", "1 d"]}
COUNTED = {"endpoint": "cell_count", "cell": "synapse", "frequency": ["8 kHz"], "at": ["1 d"]}


def wave(subject, time, frequency, value, level=80.0):
    about = {"quantity": "wave1", "unit": "uV", "level": level}
    return readings(subject=subject, time=time, frequency=frequency, value=value, **about)


def test_wave_one_is_taken_against_the_same_ears_before_the_insult():
    before = [
        wave(f"m{number}", -24.0, tone, mean + number - 1)
        for tone, mean in ((8.0, 4.0), (16.0, 8.0))
        for number in range(3)
    ]
    after = [wave("m0", 24.0, 8.0, 1.0), wave("m0", 24.0, 16.0, 1.0), wave("m0", 24.0, 16.0, 2.0, level=70.0)]
    observed = shares([*before, *after], **WAVE)
    (own,) = observed.readings
    # 1 uV of 4 at 8 kHz, of 8 at 16 kHz; at 70 dB nobody was read before, and the measure is of 80.
    assert list(own.reading.value) == pytest.approx([0.75, 1.0, 1.25, 7 / 8, 1.0, 9 / 8, 0.25, 0.125])
    assert observed.basis == ("wave1 in uV is taken as shares of the mean of 3 animals before the insult",)
    assert sum(observed.unmatched.values()) == 1


@pytest.mark.parametrize("name", ["own", "wave1"])
def test_a_wave_read_at_another_level_than_the_measures_has_no_place_whatever_the_measure_is_called(name):
    before = [
        wave(f"m{number}", -24.0, 8.0, 4.0, level=level) for number in range(3) for level in (15.0, 80.0)
    ]
    values = {**VALUES, "arm": [*VALUES["arm"], {"name": "quiet"}], "measure": {name: WAVE}}
    observed = matched(Study.of(values), pd.concat(before, ignore_index=True), "table")
    assert [list(own.row) for own in observed.readings] == [[2, 4, 6]]


def test_a_gross_outlier_is_no_reading_and_no_part_of_the_healthy_mean():
    before = [wave(f"m{number}", -24.0, 8.0, 2.0) for number in range(3)]
    flagged = wave("m3", -24.0, 8.0, 900.0).assign(flag="beyond 20 uV; gross outlier: a wave I")
    after = [wave("m0", 24.0, 8.0, 19.9), wave("m1", 24.0, 8.0, 20.1)]
    observed = shares([*before, flagged, *after], **WAVE)
    (own,) = observed.readings
    # 19.9 uV of 2 are 9.95 of the healthy wave; 20.1 are more than ten of it, which no wave is.
    assert list(own.reading.value) == pytest.approx([1.0, 1.0, 1.0, 9.95])
    assert observed.unmatched == {"wave1 is flagged as a gross outlier": 2}


def test_counts_without_a_baseline_are_taken_against_the_group_without_an_insult():
    about = {"quantity": "cell_count.synapse", "unit": "per IHC", "frequency": 8.0, "time": np.nan}
    table = [
        readings(subject=f"q{n}", group="quiet", value=v, **about) for n, v in enumerate((14.0, 16.0, 18.0))
    ]
    observed = shares([*table, readings(subject="m1", value=8.0, **about)], **COUNTED)
    (own,) = observed.readings
    # No ear has more synapses than all, so 18 of 16 are all.
    assert list(own.reading.value) == pytest.approx([14 / 16, 1.0, 1.0, 0.5])


@pytest.mark.parametrize("few", [0, 2])
def test_counts_with_nothing_to_be_taken_against_are_named_with_the_reason(few):
    about = {"quantity": "cell_count.synapse", "unit": "per IHC", "frequency": 8.0, "time": np.nan}
    table = [readings(subject=f"q{n}", group="quiet", value=16.0, **about) for n in range(few)]
    share = readings(**{**about, "unit": "", "value": 0.5})
    observed = shares([share, readings(subject="m1", value=8.0, **about), *table], **COUNTED)
    assert observed.size == 1 and observed.basis == ()
    assert any("no group without one" in reason for reason in observed.unmatched)


def test_emissions_at_other_primaries_than_the_measures_have_no_place():
    measure = {"endpoint": "dpoae", "frequency": ["8 kHz"], "at": ["1 d"]}
    table = [
        readings(quantity="dpoae", level=level, value=10.0, subject=f"m{level}")
        for level in (45.0, 52.5, 55.0, 58.0)
    ]
    observed = shares(table, **measure)
    # Within half a step of 5 dB, its end included.
    assert observed.size == 2 and list(observed.readings[0].row) == [2, 3]
    reason = "dpoae was read at other levels than 55 dB SPL, at which alone the measure is simulated"
    assert observed.unmatched == {reason: 2}


def test_a_count_above_the_healthy_number_is_as_likely_as_all():
    cells = get("endpoints", "cell_count").formula(counted=np.array([60.0]), cell="OHC")
    truth = np.full((1, 1, 2), 0.9)
    chance = cells.log_likelihood(Reading(np.array([[[1.0, 1.2]]]), np.zeros((1, 1, 2))), truth)
    assert chance.ravel() == pytest.approx([60 * np.log(0.9)] * 2)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"value": np.nan}, "row 2, value"),
        ({"censored": "perhaps"}, "row 2, censored"),
    ],
)
def test_contradictory_readings_are_refused_with_their_row(study, changes, key):
    with pytest.raises(BadInput) as refusal:
        matched(study, pd.concat([readings(), readings(**changes)]).reset_index(drop=True), "table")
    assert refusal.value.key == key


def test_a_table_of_other_things_is_refused_with_the_reasons(study):
    with pytest.raises(BadInput, match="1 x the group 'other' is no arm"):
        matched(study, readings(group="other"), "table")


def test_a_share_above_one_and_a_half_is_refused(study):
    with pytest.raises(BadInput, match="row 1, value"):
        matched(study, readings(quantity="ohc", unit="", value=14.0, time=336.0, frequency=22.6), "table")


def test_a_simulated_table_joins_an_imported_one_by_quantity(study, tmp_path):
    ears = draw(study, subjects=2, seed=1)
    simulated = observe(study, answer(study, ears), ears)
    assert set(simulated["quantity"]) == {"abr_threshold", "cell_count.ohc"}
    file = tmp_path / "readings.csv"
    readings().to_csv(file, index=False)
    imported = read(file)
    assert set(simulated.columns) - {"recorded"} == set(imported.columns) - {"recorded"}
    both = imported.merge(simulated, on=["quantity", "unit", "group", "time", "frequency"])
    assert sorted(both["subject_y"]) == [0, 1]
    # Written and read back as text, it goes to the same measures.
    simulated.to_csv(tmp_path / "simulated.csv", index=False)
    again = matched(study, read(tmp_path / "simulated.csv"), "simulated.csv")
    assert {part.measure: part.size for part in again.readings} == simulated.groupby(
        "measure"
    ).size().to_dict()
    assert again.unmatched == {}


def test_words_in_quiet_and_in_noise_go_each_to_their_own_measure():
    case = load(Path(__file__).parent / "studies" / "valid" / "devices_and_words.toml")
    words = [name for name, use in case.tables.measure.items() if use.endpoint == "word_score"]
    assert len(words) > 1
    rows = pd.concat(
        [
            readings(
                quantity="word_score",
                measure=name,
                unit="%",
                group=case.tables.arm[0].name,
                time=float(case.tables.measure[name].at[0]),
                level=float(case.tables.measure[name].speech or np.nan),
                frequency=np.nan,
            )
            for name in words
        ]
    )
    observed = matched(case, rows.reset_index(drop=True), "words")
    assert sorted(part.measure for part in observed.readings) == sorted(words)
    assert all(part.size == 1 for part in observed.readings)


def test_the_ranked_score_is_that_of_a_normal_distribution():
    drawn = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    value = np.array([-1.5, 0.0, 2.0])
    exact = value * (2 * norm.cdf(value) - 1) + 2 * norm.pdf(value) - 1 / np.sqrt(np.pi)
    assert crps(value, drawn) == pytest.approx(exact, abs=1e-3)


def test_the_ranked_score_is_its_two_means_over_pairs_whatever_the_level():
    random = np.random.default_rng(4)
    drawn, value = random.normal(60.0, 15.0, 23), np.array([-10.0, 55.0, 60.0, 140.0])
    brute = np.abs(value[:, None] - drawn).mean(axis=1) - np.abs(drawn[:, None] - drawn).mean() / 2
    assert crps(value, drawn) == pytest.approx(brute, rel=1e-12)
    # The same of a shift of all, and of one ear alone the plain distance.
    assert crps(value + 100.0, drawn + 100.0) == pytest.approx(brute, rel=1e-10)
    assert crps(value, drawn[:1]) == pytest.approx(np.abs(value - drawn[0]), rel=1e-12)


def test_readings_of_the_same_model_lie_in_its_bands_and_others_do_not(study):
    ears = draw(study, subjects=300, seed=1)
    result = answer(study, ears)
    other = draw(study, subjects=300, seed=2)
    true = observe(study, answer(study, other), other)
    own = against(study, result, ears, matched(study, true, "other ears"))
    # 90 % by construction; 300 ears in 30 worlds leave a few per cent, and grids hold more than their ends say.
    assert all(0.85 < total.inside.exact[0] < 0.99 for total in own.totals)
    assert all(total.medians == total.medians_inside for total in own.totals)
    assert [total.animals for total in own.totals] == [300, 300]
    shifted = true.assign(value=np.where(true["measure"] == "abr", true["value"] + 40.0, true["value"]))
    apart = against(study, result, ears, matched(study, shifted, "shifted"))
    assert apart.totals[0].medians_inside < 4 < apart.totals[0].medians
    assert apart.totals[0].log_score < own.totals[0].log_score - 1.0
    assert apart.totals[0].crps > own.totals[0].crps + 5.0
    assert apart.totals[1] == own.totals[1]
    assert "medians of groups lie outside" in notes(apart)[0]
    cell = next(cell for cell in apart.cells if cell.arm == "soft" and cell.time == -24.0)
    # A reading that is only known to lie below a level far above the band is not outside it.
    row = true[(true["measure"] == "abr") & (true["group"] == "soft") & (true["time"] == -24.0)]
    known = row[(row["frequency"].round(1) == round(cell.tone, 1)) & (row["censored"] != "below")]
    assert (cell.below, cell.above) == (0, len(known))


def test_every_reading_outside_is_named_with_its_animal_ear_run_and_band(study):
    ears = draw(study, subjects=60, seed=1)
    result = answer(study, ears)
    other = draw(study, subjects=20, seed=2)
    true = observe(study, answer(study, other), other)
    hurt = true["subject"].astype(str) == str(true["subject"].iloc[0])
    shifted = true.assign(
        value=np.where(hurt & (true["measure"] == "abr"), true["value"] + 60.0, true["value"])
    )
    observed = matched(study, shifted.assign(ear="left"), "shifted")
    name = str(true["subject"].iloc[0])
    laid, beyond = (
        against(study, result, ears, observed),
        outside(study, result, ears, observed, Runs({name: "r"}, "run")),
    )
    # Each cell's counts are those of its rows, and each row lies outside its own band.
    for cell in laid.cells:
        rows = [
            r
            for r in beyond.readings
            if (r.arm, r.measure, r.time, r.tone) == (cell.arm, cell.measure, cell.time, cell.tone)
        ]
        assert [sum(r.side == side for r in rows) for side in ("below", "above")] == [cell.below, cell.above]
        for row in rows:
            assert (row.low, row.high) == pytest.approx(
                (cell.simulated.exact.low, cell.simulated.exact.high), rel=1e-3
            )
            assert row.value < row.low if row.side == "below" else row.value > row.high
    # The animal that was shifted has most of them, in its run; all its thresholds that are no limits are too high.
    first = beyond.animals[0]
    assert (first.animal, first.run) == (name, "r")
    assert {row.ear for row in beyond.readings} == {"left"}
    assert {row.run for row in beyond.readings if row.animal != name} == {""}
    assert (
        sum(a.below + a.above for a in beyond.animals) == len(beyond.readings) == len(outside_table(beyond))
    )


def test_readings_that_numbers_were_computed_from_are_perhaps_no_test():
    own = Study.of({**VALUES, "strain": "cba_jrj"})
    (sentence,) = used(own, {"readings.parquet": "f" * 64})
    computed = [
        each for each in (*own.parameters.values(), *own.curves.values())
        if each.basis == "computed" and each.source == "cba_jrj_2021"
    ]  # fmt: skip
    assert len(computed) > 30
    assert sentence.startswith("Perhaps no test")
    assert (
        f"{len(computed)} numbers from cba_jrj_2021 (https://doi.org/10.1016/j.heares.2021.108395)"
        in sentence
    )
    # The error of two readers was computed too, and says nothing of what injures an ear.
    assert "two_readers_mouse" in {p.source for p in own.parameters.values() if p.basis == "computed"}
    assert "two_readers_mouse" not in sentence


def test_a_study_whose_injury_is_of_no_readings_is_tested_by_any():
    quiet = {key: part for key, part in VALUES.items() if key not in ("insult", "arm")}
    pins = {
        name: {"value": str(p.value) + f" {p.unit}", "basis": "assumed", "because": "made up"}
        for name, p in Study.of({**quiet, "arm": [{"name": "quiet"}]}).parameters.items()
        if p.basis == "computed" and name.startswith(("insults.", "cells."))
    }
    assert pins
    assert used(Study.of({**quiet, "arm": [{"name": "quiet"}], "numbers": pins}), {}) == []


def test_readings_that_a_fit_saw_are_said_to_be_no_test_and_others_are_one(study):
    reason = "Fitted (laplace) to 72 readings of 12 animals, SHA-256 0123456789ab, in results/fit."
    pins = {
        name: {
            "value": "1",
            "low": "0.5",
            "high": "2",
            "basis": "computed",
            "source": "own_fit",
            "because": reason,
        }
        for name in ("insults.noise.susceptibility", "cells.ohc.susceptibility")
    }
    own = Study.of({**VALUES, "numbers": pins})
    (first, *_) = used(own, {"a.parquet": "0123456789ab" + "c" * 52})
    assert first.startswith("No test: 2 numbers of this run were fitted to these very readings")
    assert not [s for s in used(own, {"a.parquet": "1123456789ab" + "c" * 52}) if s.startswith("No test")]


def test_the_log_score_of_one_ear_is_the_probability_of_its_bin(study):
    """Ears that are all alike: the score is the normal's share of the 5 dB bin around the reading."""
    ears = draw(study, subjects=20, seed=1)
    alike = ears.assign(**{name: float(column[0]) for name, column in ears.items()})
    result = answer(study, alike)
    true = float(result["abr"].sel(arm="loud", time=24.0, frequency=8.0)[0])
    error, between, middle, width = (
        float(ears[f"endpoints.abr_threshold.{key}"][0])
        for key in ("error", "error_between", "half_way", "half_width")
    )
    # The lowest healthy threshold of mice is 11.8 dB SPL.
    error = np.hypot(error, between * np.exp(-0.5 * ((true - 11.8 - middle) / width) ** 2))
    laid = against(study, result, alike, matched(study, readings(value=40.0), "one"))
    exact = np.log(norm.cdf((42.5 - true) / error) - norm.cdf((37.5 - true) / error))
    assert laid.totals[0].log_score == pytest.approx(exact, abs=1e-3)


def test_run_lays_a_table_over_its_result_and_records_its_hash(tmp_path, study):
    file = tmp_path / "two.toml"
    import tomli_w

    file.write_text(tomli_w.dumps(VALUES), encoding="utf-8")
    table = tmp_path / "readings.parquet"
    rows = pd.concat([readings(), readings(group="<b>")])
    rows.assign(file="a.csv", sha256="0").to_parquet(table)
    inputs = StudyInputs(study=str(file), subjects=20, against=table, out=tmp_path / "out")
    done = run(inputs)
    laid = done.as_dict()["result"]["against"]
    assert laid["totals"][0]["readings"] == 1
    assert str(table) in done.record.inputs
    assert "not compared: the group '<b>' is no arm" in " ".join(done.as_dict()["notes"])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Measured readings over this simulation" in page
    assert "'<b>'" not in page
    assert len(pd.read_csv(tmp_path / "out" / "against.csv")) == 1
    beyond = pd.read_csv(tmp_path / "out" / "outside.csv")
    assert len(beyond) == laid["cells"][0]["below"] + laid["cells"][0]["above"]
    assert json.loads((tmp_path / "out" / "answer.json").read_text(encoding="utf-8"))["against"] == laid
    with pytest.raises(BadInput, match="belongs to otosome run"):
        compare(StudyInputs(study=str(file), against=table, out=tmp_path / "beside"))


@pytest.mark.parametrize(
    ("solute", "time", "moment"),
    [
        ("dexamethasone", 24.0, 1), ("dexamethasone", 25.1, 1), ("dexamethasone", 25.3, None),
        ("dexamethasone", 0.1, 0), ("dexamethasone", 0.115, 0), ("dexamethasone", 0.12, None),
        (None, 0.9, 0), (None, 1.2, None), (None, 23.0, 1), (None, 22.7, None), (None, 25.2, 1),
    ],
)  # fmt: skip
def test_a_reading_is_of_the_moment_it_is_near_and_concentrations_agree_within_a_minute(solute, time, moment):
    """Within an hour, of concentrations a minute, or a twentieth of the moment where that is more."""
    measure = SimpleNamespace(at=[0.1, 24.0], solute=solute)
    assert _moment(measure, np.array([0.1, 24.0]), {"time": time, "flag": ""}) == moment
