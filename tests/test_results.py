"""A result folder: what stands in it, that it says the same in every form, and how it comes to stand there."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomli_w
import xarray as xr

import otosome
from otosome.answers.answer import answer
from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.forward import draw, observed
from otosome.results import (
    EARS,
    MARK,
    Record,
    check_free,
    fill,
    is_ours,
    open_result,
    record_of,
    writing,
)
from otosome.study import load, loads

WEEK = Path(__file__).parent / "studies" / "valid" / "counts_and_wave1.toml"
COLUMNS = [
    "subject", "ear", "group", "time", "quantity", "measure", "frequency", "place", "value", "unit", "level",
    "censored", "flag", "file", "sha256",
]  # fmt: skip
FORMULA = '=HYPERLINK("http://example.org";"vesicles")'


@pytest.fixture(scope="module")
def study():
    """A week that compares nothing, with an arm whose name a spreadsheet would run."""
    values = tomllib.loads(WEEK.read_text(encoding="utf-8"))
    del values["compare"]
    values["arm"][1]["name"] = FORMULA
    return loads(tomli_w.dumps(values), "week")


@pytest.fixture(scope="module")
def result(study):
    return answer(study, draw(study, 2, seed=5))


@pytest.fixture(scope="module")
def folder(study, result, tmp_path_factory):
    out = tmp_path_factory.mktemp("result")
    record = Record("run", study.name, {"my study.toml": "0" * 64}, {"seed": 5, "subjects": 2})
    fill(out, result, observed(study, result), draw(study, 2, seed=5), record)
    return out


@pytest.fixture(scope="module")
def readings(folder):
    return pd.read_parquet(folder / "readings.parquet")


# What stands in it


def test_a_result_read_back_is_the_result_bit_for_bit(folder, result):
    stored = open_result(folder)
    assert set(stored.data_vars) == set(result.data_vars)
    for name in stored.data_vars:
        assert stored[name].dims == result[name].dims
        assert stored[name].to_numpy().tobytes() == result[name].to_numpy().tobytes(), name
        assert stored[name].attrs.items() >= result[name].attrs.items()
    assert list(stored.arm.to_numpy()) == list(result.arm.to_numpy())
    assert {name: stored.attrs[name] for name in result.attrs} == result.attrs


def test_a_result_is_closed_once_it_is_read(folder):
    open_result(folder)
    with xr.open_datatree(folder / "result.nc", engine="h5netcdf") as again:
        assert again["measures"].sizes["subject"] == 2


def test_readings_are_tidy_and_one_row_a_reading(readings, study):
    assert list(readings.columns) == COLUMNS
    counts = readings.groupby("measure").size()
    for name, measure in study.tables.measure.items():
        assert counts[name] == 2 * 2 * len(measure.frequency) * len(measure.at)
    keys = readings[["subject", "ear", "group", "time", "measure", "frequency"]]
    assert not keys.duplicated().any()
    assert set(readings.censored) <= {"none", "above", "below"}
    assert readings.place.between(0.0, 1.0).all()
    assert set(readings.groupby("quantity").unit.first()) == {"dB SPL", ""}
    assert readings.query("quantity == 'wave1'").level.eq(80.0).all()
    assert readings.query("quantity == 'abr_threshold'").level.isna().all()


def test_the_table_for_spreadsheets_says_the_same_and_runs_nothing(folder, readings):
    table = pd.read_csv(folder / "readings.csv", keep_default_na=False, na_values={"level": ""})
    assert np.array_equal(table.value, readings.value)
    assert list(table.quantity) == list(readings.quantity)
    assert list(table.measure) == list(readings.measure)
    assert set(readings.group) == {"cisplatin", FORMULA}
    assert set(table.group) == {"cisplatin", f"'{FORMULA}"}
    for name in ("readings.csv", "sources.csv"):
        cells = pd.read_csv(folder / name, dtype=str, keep_default_na=False).to_numpy().ravel()
        assert not [c for c in cells if c[:1] in tuple("=@+") or (c[:1] == "-" and not c[1:2].isdigit())]


def test_the_sources_of_a_result_are_those_of_its_study(folder, study):
    table = pd.read_csv(folder / "sources.csv", keep_default_na=False)
    assert list(table.parameter) == [*study.parameters, *study.curves]
    assert (table.because.str.len() + table.title.str.len() > 0).all()


def test_the_study_in_a_result_is_explicit_and_loads(folder, study):
    kept = load(folder / "study.toml")
    assert set(kept.parameters) == set(study.parameters)
    assert kept.tables.seed == 5
    assert kept.tables.version == otosome.__version__
    assert [arm.name for arm in kept.tables.arm] == ["cisplatin", FORMULA]


def test_the_record_says_which_job_wrote_the_folder_and_of_what(folder):
    record = record_of(folder)
    assert (record.verb, record.name, record.otosome) == ("run", "week", otosome.__version__)
    assert (record.option("seed"), record.option("subjects")) == (5, 2)
    assert record.inputs == {"my study.toml": "0" * 64}
    assert datetime.fromisoformat(record.written).tzinfo is not None
    assert is_ours(folder)


def test_a_record_of_a_later_version_is_refused_with_what_to_install(tmp_path):
    Record("run", "week", {}, format=99, otosome="9.1").write(tmp_path)
    with pytest.raises(BadInput, match=r"later otosome.*given: 99.*install otosome 9\.1"):
        record_of(tmp_path)


def test_the_ears_of_a_result_are_read_back_to_the_last_bit(folder, study, result):
    assert Ears.read(folder / EARS).fingerprint == result.attrs["ears"]
    assert result.attrs["ears"] == draw(study, 2, seed=5).fingerprint


def test_the_groups_of_the_file_explain_themselves(folder, result, readings):
    with xr.open_datatree(folder / "result.nc", engine="h5netcdf") as tree:
        groups = {group.name: group.to_dataset().load() for group in tree.leaves}
    assert {"ears", "cells", "measures", "readings", "sources"} <= set(groups)
    for name, group in groups.items():
        for variable in group.variables.values():
            assert {"unit", "long_name"} <= set(variable.attrs), name
            assert all(len(str(text)) < 4000 for text in variable.attrs.values())
        assert all(len(str(text)) < 4000 for text in group.attrs.values())
    assert np.array_equal(groups["readings"]["value"], readings["value"])
    assert groups["cells"]["cells"].attrs["long_name"] == "fraction of cells counted at the end"
    assert list(groups["sources"]["parameter"].to_numpy()) == [
        row["parameter"] for row in json.loads(result.attrs["sources"])
    ]


def test_the_report_is_one_page_that_runs_no_name(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert FORMULA not in page, "quotes are escaped"


# How it comes to stand there


def test_a_folder_takes_its_name_only_once_it_is_whole(tmp_path):
    out = tmp_path / "out"
    with writing(out) as part:
        (part / "one").write_text("1")
        assert not out.exists()
        assert part.parent == out.parent, "a rename within one disk"
    assert (out / "one").read_text() == "1"
    assert not part.exists()
    assert out.stat().st_mode & 0o777 == 0o755


def test_folders_above_are_made(tmp_path):
    with writing(tmp_path / "a" / "b" / "c") as part:
        (part / "one").write_text("1")
    assert (tmp_path / "a" / "b" / "c" / "one").is_file()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, BadInput])
def test_what_is_not_finished_is_not_there(tmp_path, error):
    def half_done():
        with writing(tmp_path / "out") as part:
            (part / "half").write_text("1")
            raise error("in the middle")

    with pytest.raises(error):
        half_done()
    assert [file.name for file in tmp_path.iterdir() if not file.name.endswith(".lock")] == []


def test_every_earlier_result_is_kept_under_a_name_of_its_own(tmp_path):
    for number in range(4):
        with writing(tmp_path / "out", force=True) as part:
            (part / MARK).write_text(json.dumps({"otosome": "0", "number": number}))
    kept = {f.parent.name: json.loads(f.read_text())["number"] for f in tmp_path.glob(f"*/{MARK}")}
    assert kept == {"out.old": 0, "out.old2": 1, "out.old3": 2, "out": 3}


def test_a_name_that_somebody_elses_file_has_is_passed_over(tmp_path):
    (tmp_path / "out.old").write_text("a letter")
    for _ in range(2):
        with writing(tmp_path / "out", force=True) as part:
            (part / MARK).write_text('{"otosome": "0"}')
    assert (tmp_path / "out.old").read_text() == "a letter"
    assert (tmp_path / "out.old2" / MARK).is_file()


def test_a_lock_that_leads_elsewhere_is_refused_and_what_it_leads_to_is_left(tmp_path):
    letter = tmp_path / "letter"
    letter.write_text("dear")
    (tmp_path / ".out.lock").symlink_to(letter)
    with pytest.raises(BadInput, match="cannot be opened as a lock"), writing(tmp_path / "out"):
        pass
    assert letter.read_text() == "dear"
    assert not (tmp_path / "out").exists()


def test_a_second_writer_is_refused_and_the_first_finishes(tmp_path):
    out = tmp_path / "out"
    with writing(out) as part:
        with pytest.raises(BadInput, match="is being written by another otosome"), writing(out):
            pass
        (part / "one").write_text("1")
    assert (out / "one").read_text() == "1"


def test_a_free_name_is_free_and_a_result_is_only_with_force(tmp_path, folder):
    check_free(tmp_path / "new", force=False)
    check_free(tmp_path, force=False)
    check_free(folder, force=True)
    with pytest.raises(BadInput, match=r"holds an earlier result.*--force moves it aside"):
        check_free(folder, force=False)
