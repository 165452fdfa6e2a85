"""Measured readings over a simulation: each in its place, counted where they leave it, scored by exact formulas."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from otosome.answers.answer import answer
from otosome.errors import BadInput
from otosome.fitting.against import against, crps, notes
from otosome.fitting.observations import matched
from otosome.forward import draw, observe
from otosome.jobs import StudyInputs, compare, run
from otosome.study import Study

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


@pytest.mark.parametrize(("stated", "share"), [(None, 0.6), ("18", 0.5)])
def test_synapses_per_inner_hair_cell_become_shares_of_a_healthy_cells(stated, share):
    """Nine of 15, which is assumed; or of what the study says its own controls have."""
    synapse = {"endpoint": "cell_count", "cell": "synapse", "frequency": ["22.6 kHz"], "at": ["14 d"]}
    values = {**VALUES, "measure": {**VALUES["measure"], "synapse": synapse}}
    if stated is not None:
        number = {"value": stated, "basis": "assumed", "because": "our controls"}
        values = {**values, "numbers": {"endpoints.cell_count.per_inner_hair_cell": number}}
    row = {
        "quantity": "cell_count.synapse",
        "unit": "per IHC",
        "frequency": 22.6,
        "time": 336.0,
        "value": 9.0,
    }
    (own,) = matched(Study.of(values), readings(**row), "table").readings
    assert own.measure == "synapse"
    assert own.reading.value == pytest.approx([share])


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


def test_the_ranked_score_is_that_of_a_normal_distribution():
    drawn = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    value = np.array([-1.5, 0.0, 2.0])
    exact = value * (2 * norm.cdf(value) - 1) + 2 * norm.pdf(value) - 1 / np.sqrt(np.pi)
    assert crps(value, drawn) == pytest.approx(exact, abs=1e-3)


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
    shifted = true.assign(value=np.where(true["quantity"] == "abr", true["value"] + 40.0, true["value"]))
    apart = against(study, result, ears, matched(study, shifted, "shifted"))
    assert apart.totals[0].medians_inside < 4 < apart.totals[0].medians
    assert apart.totals[0].log_score < own.totals[0].log_score - 1.0
    assert apart.totals[0].crps > own.totals[0].crps + 5.0
    assert apart.totals[1] == own.totals[1]
    assert "medians of groups lie outside" in notes(apart)[0]
    cell = next(cell for cell in apart.cells if cell.arm == "soft" and cell.time == -24.0)
    # A reading that is only known to lie below a level far above the band is not outside it.
    row = true[(true["quantity"] == "abr") & (true["group"] == "soft") & (true["time"] == -24.0)]
    known = row[(row["frequency"].round(1) == round(cell.tone, 1)) & (row["censored"] != "below")]
    assert (cell.below, cell.above) == (0, len(known))


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
    assert json.loads((tmp_path / "out" / "answer.json").read_text(encoding="utf-8"))["against"] == laid
    with pytest.raises(BadInput, match="is asked of otosome run"):
        compare(StudyInputs(study=str(file), against=table, out=tmp_path / "beside"))
