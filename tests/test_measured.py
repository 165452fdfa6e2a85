"""A laboratory's own groups over a simulation: what was measured comes first."""

import itertools
import re
import tomllib

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from otosome.cli import app
from otosome.errors import BadInput
from otosome.fitting.measured import measured
from otosome.fitting.observations import matched
from otosome.study import Study, load, loads

TONES, EFFECT = (8.0, 16.0), 12.0
HEAD = """
otosome = "study/1"
title = "As measured: import"
species = "mouse"
insult.noise = { entry = "noise", at = ["0 h"], level = "100 dB SPL", duration = "2 h", band = ["8 kHz", "16 kHz"] }
arm = [{ name = "control", insults = ["noise"] }, { name = "knockout", insults = ["noise"] }, { name = "quiet" }]
measure.abr_threshold = { endpoint = "abr_threshold", frequency = ["8 kHz", "16 kHz"], at = ["336 h"] }
"""
COMPARE = 'compare = { measure = "abr_threshold", of = "knockout", against = "control" }\n'


def readings():
    """Six animals a group: knockouts 12 dB worse than controls, quiet ones 20 dB better; and one of no group in dB."""
    shifts, spreads = {"control": 0.0, "knockout": EFFECT, "quiet": -20.0}, (-5, -3, -1, 1, 3, 5)
    rows = [
        {
            "subject": f"{group}{i}",
            "group": group,
            "frequency": tone,
            "value": 40.0 + shift + spread + (tone - 12.0) / 4 * (-1) ** i,
            "unit": "dB SPL",
        }
        for (group, shift), (i, spread), tone in itertools.product(shifts.items(), enumerate(spreads), TONES)
    ]
    rows.append({"subject": "55", "group": "", "frequency": 8.0, "value": 30.0, "unit": "dB"})
    about = {"ear": "left", "time": 336.0, "quantity": "abr_threshold", "level": np.nan, "censored": "none"}
    return pd.DataFrame(
        [{**about, **row, "recorded": "", "flag": "", "file": "a", "sha256": "0"} for row in rows]
    )


@pytest.fixture
def table(tmp_path):
    readings().to_csv(tmp_path / "readings.csv", index=False)
    return tmp_path / "readings.csv"


def test_the_measured_difference_is_that_of_the_animals_and_says_what_the_study_gives_both(table):
    rows = {row.group: row for row in measured(loads(HEAD), table)}
    assert set(rows) == {"knockout", "quiet"}
    assert {row.against for row in rows.values()} == {"control"}
    assert rows["knockout"].difference.exact.median == pytest.approx(EFFECT)
    # Means of six animals lie -5 to 5 dB about their group's: variance 14, so an error of the difference of 2.16 dB,
    # and Student's t of 18 animals less 3 groups is 2.131.
    assert rows["knockout"].difference.exact.high - EFFECT == pytest.approx(
        2.131 * np.sqrt(2 * 14 / 6), rel=0.01
    )
    assert rows["quiet"].difference.exact.median == pytest.approx(-20.0)
    assert (rows["knockout"].alike, rows["quiet"].alike) == (True, False)
    assert rows["knockout"].animals == 6


def test_another_reference_is_the_one_the_study_compares_with(table):
    study = loads(HEAD + COMPARE.replace('against = "control"', 'against = "quiet"'))
    assert {row.against for row in measured(study, table)} == {"quiet"}


def test_a_reading_in_another_unit_of_a_group_that_is_no_arm_stops_nothing():
    laid = matched(loads(HEAD), readings(), "a")
    assert laid.size == 36
    assert laid.unmatched == {"no group is stated": 1}


def test_a_page_shows_what_was_measured_first_and_no_benefit_of_groups_that_are_given_the_same(
    table, tmp_path
):
    study, out = tmp_path / "study.toml", tmp_path / "result"
    study.write_text(f'readings = "{table.name}"\n' + HEAD + COMPARE, encoding="utf-8")
    words = ("run", study, "--subjects", 4, "--out", out)
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    assert "benefit" not in done.output.replace("no comparison", "")
    assert "given the same here" in done.output
    page = (out / "report.html").read_text(encoding="utf-8")
    headings = re.findall(r'<h2 id="([\w-]+)">', page)
    assert headings[:2] == ["measured", "against"]
    assert "answer" not in headings and "claims" not in headings
    above = page.split('<h2 id="sources"')[0]
    said = re.sub(r"<(svg|style|script).*?</\1>|<[^>]*>", " ", above, flags=re.DOTALL)
    assert "+12 dB SPL (7.4 to 17)" in said
    assert "both groups get the same in it, so no simulation tells them apart" in said
    assert "esicle" not in said and "no benefit" not in said
    # The result's own study runs elsewhere; where the readings were is recorded.
    assert "readings" not in tomllib.loads((out / "study.toml").read_text(encoding="utf-8"))
    assert str(table) in (out / "otosome.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "message"), [("gone.csv", "is no table"), ("../readings.csv", "outside the study's folder")]
)
def test_readings_that_are_not_beside_the_study_are_refused(table, tmp_path, name, message):
    study = tmp_path / "inner" / "study.toml"
    study.parent.mkdir()
    study.write_text(f'readings = "{name}"\n{HEAD}', encoding="utf-8")
    with pytest.raises(BadInput, match=message) as refusal:
        load(study)
    assert refusal.value.key == "readings"


def test_a_draft_runs_though_the_model_has_a_place_for_none_of_its_readings():
    laid = matched(loads(HEAD), readings().assign(unit="dB"), "a", some=False)
    assert laid.size == 0 and sum(laid.unmatched.values()) == 37


def test_arms_are_alike_by_what_they_are_given_and_not_by_their_names():
    study = Study.of(loads(HEAD).as_dict())
    assert study.alike("control", "knockout")
    assert not study.alike("control", "quiet")
