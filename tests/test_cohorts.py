"""Exposure runs and renamed animals, from a laboratory's ids and sheets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.animals import COLUMNS as SHEET
from otosome.laboratory.animals import Animals
from otosome.laboratory.cohorts import Runs, apart, components, notes, renamed, runs_of, spread
from otosome.laboratory.intake import AGREE, _read_again, intake
from otosome.laboratory.mapping import Meaning


def sheet_of(**columns: list[str]) -> pd.DataFrame:
    size = len(columns["subject"])
    return pd.DataFrame({name: columns.get(name, [""] * size) for name in SHEET})


def read(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Readings of an id at a visit."""
    return pd.DataFrame(
        {
            "subject": [row[0] for row in rows],
            "group": "noise",
            "time": np.nan,
            "quantity": "abr_threshold",
            "frequency": 16.0,
            "value": [row[2] for row in rows],
            "unit": "dB SPL",
            "level": np.nan,
            "censored": "none",
            "recorded": "",
            "flag": [f"timepoint: {row[1]}" for row in rows],
        }
    )


def test_a_number_that_begins_again_begins_a_run_and_numbers_go_by_size():
    runs = runs_of(["a_2", "a_10", "a_1", "b_1", "b_2", "c_3", "d_1", "d_2"], None)
    assert runs.by == "ids"
    assert runs.of == {
        "a_1": "run 1", "a_2": "run 1", "a_10": "run 1", "b_1": "run 2", "b_2": "run 2", "c_3": "run 2",
        "d_1": "run 3", "d_2": "run 3",
    }  # fmt: skip


@pytest.mark.parametrize("names", [["m1", "m2", "m3"], ["anna", "bert", "carl"], ["a1", "b1", "c1"], ["a7"]])
def test_ids_that_never_begin_again_or_always_do_say_nothing(names):
    assert runs_of(names, None) == Runs()


def test_the_sheet_speaks_before_the_ids_a_run_before_a_day_and_a_day_before_a_cage():
    names = ["a1", "a2", "b1", "b2"]
    stated = {"run": ["x", "y", "x", "y"], "day0": ["2025-01-01", "2025-01-01 09:00", "2025-02-01", "2025-02-01"],
              "cage": ["7", "8", "8", "8"]}  # fmt: skip
    for key, runs in (
        ("run", ["x", "y", "x", "y"]),
        ("day0", ["2025-01-01", "2025-01-01", "2025-02-01", "2025-02-01"]),
        ("cage", ["7", "8", "8", "8"]),
    ):
        found = runs_of(names, sheet_of(subject=names, **stated))
        assert (found.by, list(found.of.values())) == (key, runs)
        del stated[key]
    assert runs_of(names, sheet_of(subject=names)).by == "ids"


def test_components_are_those_that_were_drawn():
    rng = np.random.default_rng(1)
    run = np.repeat(np.arange(2000), 5)
    values = rng.normal(0.0, 9.0, 2000)[run] + rng.normal(0.0, 6.0, run.size)
    among, within = components(values, [str(r) for r in run])
    assert among == pytest.approx(9.0, rel=0.05)
    assert within == pytest.approx(6.0, rel=0.02)


def test_components_by_hand():
    # Means 10 and 20; 1 within; 2 of a run: (2 * 50 - 2) / 2 = 49 between.
    among, within = components(np.array([9.0, 11.0, 19.0, 21.0]), ["a", "a", "b", "b"])
    assert (among, within) == pytest.approx((7.0, np.sqrt(2.0)))
    assert np.isnan(components(np.array([1.0, 2.0]), ["a", "b"])).all()


def test_the_spread_is_not_split_where_no_run_is_known():
    rows = read(("anna", "2w", 40.0), ("bert", "2w", 60.0))
    (row,) = spread(rows, Runs()).to_dict("records")
    assert (row["by"], row["animals"], row["sd"]) == ("not split", 2, pytest.approx(np.sqrt(200.0)))
    assert np.isnan(row["between_runs"]) and np.isnan(row["runs"])
    (note,) = notes(Runs(), None, 2)
    assert "cannot be separated from that between animals" in note


def test_a_run_of_one_animal_and_two_strains_of_one_cage_are_named():
    names = ["a", "b", "c"]
    rows = sheet_of(subject=names, cage=["1", "1", "2"], strain=["cba_caj", "c57bl6", "cba_caj"])
    said = " ".join(notes(runs_of(names, rows), rows, 3))
    assert "Runs of a single animal, which say nothing of the spread within a run: 2." in said
    assert "Several strains in one run: 1 (cba_caj, c57bl6)" in said


def test_a_stated_run_of_two_strains_or_an_animal_of_two_runs_is_refused(tmp_path):
    file = tmp_path / "animals.csv"
    for text, words in (
        ("subject,run,strain\na,1,cba_caj\nb,1,c57bl6\n", "several strains"),
        ("subject,ear,run\na,left,1\na,right,2\n", "two runs"),
    ):
        file.write_text(text)
        with pytest.raises(BadInput, match=words):
            Animals.read(file)


def test_an_id_that_changes_between_visits_is_asked_about_once_with_the_mapping_that_says_so():
    rows = read(
        ("I-1655_11", "baseline", 10.0), ("I-1657_11", "24h", 60.0), ("E1-1657_11", "2w", 40.0),
        ("I-1655_12", "baseline", 10.0), ("I-1655_12", "24h", 60.0), ("I-1655_12", "2w", 40.0),
        ("m-07", "baseline", 10.0), ("M 7", "24h", 60.0),
    )  # fmt: skip
    (note,) = renamed(rows)
    assert "I-1655_11 (baseline) = I-1657_11 (24h) = E1-1657_11 (2w)" in note
    assert "m-07 (baseline) = M 7 (24h)" in note
    assert '[animals] "I-1657_11" = "I-1655_11", "E1-1657_11" = "I-1655_11", "M 7" = "m-07"' in note
    assert "_12" not in note


@pytest.mark.parametrize(
    "rows",
    [
        [("a_1", "baseline", 1.0), ("b_2", "24h", 1.0)],  # other numbers
        [
            ("a_1", "24h", 1.0),
            ("A_1", "24h", 1.0),
            ("a_2", "baseline", 1.0),
            ("a_2", "24h", 1.0),
        ],  # at one visit
        [("a_1", "24h", 1.0), ("a_2", "24h", 1.0)],  # nobody is missing
    ],
)
def test_animals_that_are_two_are_not_asked_about(rows):
    assert not list(renamed(read(*rows)))


TABLE = "id,freq_hz,threshold,abr_time\na_1,8000,20,baseline\na_2,8000,25,baseline\nA1,8000,60,24h\na_2,8000,55,24h\n"
MAPPING = """otosome = "mapping/1"
[[table]]
columns = ["id", "freq_hz", "threshold", "abr_time"]
subject = "id"
time = "abr_time"
species = "mouse"
times = { baseline = "-24 h", "24h" = "24 h" }
codes = []
[table.column.threshold]
quantity = "abr_threshold"
unit = "dB SPL"
frequency = "freq_hz"
"""


def imported(tmp_path, animals: str):
    table, file = tmp_path / "abr.csv", tmp_path / "map.toml"
    table.write_text(TABLE)
    file.write_text(MAPPING + animals)
    return intake([table], Catalog(), meaning=Meaning.read(file))


def test_a_mapping_joins_the_visits_of_a_renamed_animal(tmp_path):
    asked = imported(tmp_path, "")
    assert any("a_1 (-1 d) = A1 (1 d)" in note for note in asked.notes)
    mended = imported(tmp_path, '[animals]\nA1 = "a_1"\n')
    assert sorted(set(mended.readings["subject"])) == ["a_1", "a_2"]
    assert not any("changed between visits" in note for note in mended.notes)


@pytest.mark.parametrize(
    ("animals", "words"),
    [('B9 = "a_1"', "B9"), ('A1 = "a_1"\na_1 = "a_2"', "first id"), ('A1 = ""', "no first id")],
)
def test_a_mapping_of_animals_that_are_not_there_or_go_round_is_refused(tmp_path, animals, words):
    with pytest.raises(BadInput, match=words):
        imported(tmp_path, f"[animals]\n{animals}\n")


def test_a_wave_larger_than_any_at_a_scalp_is_flagged_and_kept(tmp_path):
    table, file = tmp_path / "wave.csv", tmp_path / "map.toml"
    table.write_text("id,freq_hz,amp,db\nm,16000,1200,80\nn,16000,31000,80\n")
    file.write_text(
        'otosome = "mapping/1"\n[[table]]\ncolumns = ["id", "freq_hz", "amp", "db"]\nsubject = "id"\ncodes = []\n'
        'species = "mouse"\n[table.column.amp]\nquantity = "wave1"\nunit = "nV"\nfrequency = "freq_hz"\nlevel = "db"\n'
    )
    read = intake([table], Catalog(), meaning=Meaning.read(file))
    gross = read.readings["flag"].str.contains("gross outlier")
    assert read.readings["subject"][gross].tolist() == ["n"]
    assert len(read.readings) == 2
    assert any(note.startswith("1 readings of wave I lie above 20 uV") for note in read.notes)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ([("a", "x", "epl", 40.0), ("b", "x", "biosig", 43.0)], "two methods"),
        ([("a", "x", "epl", 40.0), ("b", "x", "biosig", 40.0 + AGREE)], "two methods"),
        ([("a", "x", "epl", 40.0), ("b", "x", "biosig", 40.5 + AGREE)], "two animals"),
        ([("a", "x", "epl", 40.0), ("b", "x", "epl", 40.0)], "two animals"),
        ([("a", "x", "epl", 40.0), ("b", "y", "biosig", 40.0)], "two animals"),
        ([("a", "x", "epl", 40.0), ("b", "", "biosig", 40.0)], "two methods"),
        ([("a", "x", "epl", 40.0)], ""),
    ],
)
def test_a_threshold_in_two_files_is_of_two_methods_where_they_differ_and_agree_in_one_group(own, words):
    files, groups, instruments, values = zip(*own, strict=True)
    readings = pd.DataFrame(
        {
            "quantity": "abr_threshold", "subject": "m1", "ear": "left", "frequency": 8.0, "time": 0.0,
            "recorded": "", "file": files, "group": groups, "value": values,
        }
    )  # fmt: skip
    notes = list(_read_again(readings, dict(zip(files, instruments, strict=True))))
    assert len(notes) == bool(words)
    assert all(words in note and "m1" in note for note in notes)


def test_spreads_of_runs_and_animals_are_those_of_scipys_analysis_of_variance():
    runs = {"a": [30.0, 34.0], "b": [50.0, 44.0], "c": [20.0, 22.0]}
    values, names = np.concatenate(list(runs.values())), np.repeat(list(runs), 2)
    among, within = components(values, names)
    assert within**2 == pytest.approx(np.mean([np.var(own, ddof=1) for own in runs.values()]))
    assert (within**2 + 2 * among**2) / within**2 == pytest.approx(f_oneway(*runs.values()).statistic)
    # Runs that differ less than their animals do not differ.
    assert components(np.array([1.0, 9.0, 2.0, 8.0]), ["a", "a", "b", "b"])[0] == 0.0
    # Of animals of no stated run nothing is told.
    assert components(np.append(values, 99.0), [*names, ""]) == (among, within)
    assert np.isnan(components(values[:3], ["a", "b", "c"])).all()


def exposed(low: float, others: float, spread_: float) -> tuple[pd.DataFrame, Runs]:
    """Readings of three runs of four animals, one at a level of its own; animals of a run lie that far apart."""
    levels = {"quiet": low, "first": others, "second": others}
    rows, of = [], {}
    for run, level in levels.items():
        for number, off in enumerate((-1.0, -0.5, 0.5, 1.0)):
            of[f"{run}{number}"] = run
            rows.append((f"{run}{number}", "day 14", level + spread_ * off))
    return read(*rows), Runs(of, "run")


@pytest.mark.parametrize(
    ("low", "spread_", "far"),
    [
        # Animals of a run have an SD of 0.913 times the spread: 40 dB are 7.3 of them, 18 dB 3.3 and 16 dB 2.9.
        (20.0, 6.0, True), (42.0, 6.0, True), (44.0, 6.0, False),
        # Below 10 dB no run lies apart, however alike its animals are.
        (51.0, 0.1, False), (49.0, 0.1, True), (60.0, 6.0, False),
    ],
)  # fmt: skip
def test_a_run_lies_apart_by_three_sds_of_animals_of_one_run_and_by_ten_decibels(low, spread_, far):
    readings, runs = exposed(low, 60.0, spread_)
    said = list(apart(readings, runs))
    assert len(said) == far
    if far:
        assert "“quiet” of noise (quiet0, quiet1, quiet2, quiet3: abr_threshold" in said[0]
        assert f"{low:.0f} dB SPL, the others 60" in said[0]
        assert f"differ by {spread_ * np.sqrt(10 / 12):.1f} dB" in said[0]


def test_no_run_lies_apart_where_runs_are_not_known_or_hold_one_animal():
    readings, runs = exposed(20.0, 60.0, 6.0)
    assert not list(apart(readings, Runs()))
    alone = readings[~readings["subject"].isin(["quiet1", "quiet2", "quiet3"])]
    assert not list(apart(alone, runs))
