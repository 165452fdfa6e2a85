"""A published case without Python: laws of its readings, and what a file that cannot be read is told."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.review.qualification import qualify
from otosome.review.qualification.bench import Bench, Terms

CASE = """
about = "Gentamicin on the round window."
species = "guinea_pig"

[given.dose]
solute = "gentamicin"
route = "round_window"
{dose}
volume = "5 uL"
at = "0 h"

[read.base]
of = "scala_tympani"
at = "1 h"
place = "0 mm"
reach = "2 mm"

[read.whole]
of = "scala_tympani"
at = "1 h"

[read.highest]
of = "scala_tympani"
at = ["30 min", "1 h", "6 h"]
take = "peak"

[read.when]
of = "scala_tympani"
at = ["30 min", "1 h", "6 h"]
take = "time of peak"

[read.drawn]
of = "scala_tympani"
at = "1 h"
place = "17 mm"
volume = "1 uL"
duration = "1 min"
{more}
"""
ROWS = {"base": "uM", "whole": "uM", "highest": "uM", "when": "h", "drawn": "uM"}


def bench(tmp_path, dose='amount = "1 mg"', rows=ROWS, more=""):
    """The best ear under a case with a row for each reading."""
    # A folder of its own each time: an entry is read once.
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    (folder / "cases").mkdir(parents=True)
    text = CASE.format(dose=dose, more=more)
    for name, unit in rows.items():
        text += f'[row."my:1.{name}"]\nfound = "1 {unit}"\nstatistic = {{ of = "{name}" }}\n'
    (folder / "cases" / "mine.toml").write_text(text, encoding="utf-8")
    catalog = Catalog((folder,))
    return Bench(Terms(catalog), catalog.get("cases", "mine"), 1, drawn=False)


def read(tmp_path, **changes):
    return {row.split(".")[-1]: float(v[0]) for row, v in bench(tmp_path, **changes).replicate().items()}


def test_a_reading_is_proportional_to_the_dose_and_a_time_is_not(tmp_path):
    one, three = read(tmp_path), read(tmp_path, dose='amount = "3 mg"')
    for name in ("base", "whole", "highest", "drawn"):
        assert three[name] == pytest.approx(3.0 * one[name], rel=1e-6)
    assert three["when"] == one["when"]


def test_near_the_window_there_is_more_than_on_the_whole_and_a_peak_is_no_less_than_a_value(tmp_path):
    found = read(tmp_path)
    assert found["base"] > found["whole"] > 0.0
    assert found["highest"] >= found["whole"]
    assert found["when"] in (0.5, 1.0, 6.0)


def test_a_concentration_in_a_volume_is_the_amount_it_holds(tmp_path):
    in_fluid = read(tmp_path, dose='concentration = "200 mg/mL"')
    assert in_fluid == pytest.approx(read(tmp_path), rel=1e-9)


def test_what_is_read_in_mass_is_the_amount_times_its_molar_mass(tmp_path):
    moles = read(tmp_path)["base"]
    mass = read(tmp_path, rows={"base": "mg/L"})["base"]
    # Gentamicin: 477.6 ug/umol; a reading in mass is in ug/uL.
    assert mass == pytest.approx(moles * 477.6e-6, rel=1e-9)


@pytest.mark.parametrize(
    ("words", "ids"),
    [([], ["my:1", "my:1.sample"]), (["hearing"], ["my:H1", "my:H1.shift", "my:H1.synapses"])],
)
def test_a_case_that_new_writes_runs_as_it_stands_with_its_source(tmp_path, words, ids):
    file = tmp_path / "cases" / "my_case.toml"
    answer = CliRunner().invoke(app, ["new", "case", *words, "--out", str(file)])
    assert answer.exit_code == 0, answer.output
    rows = qualify([ids[0]], worlds=4, catalog=Catalog((tmp_path,)))
    assert [row.id for row in rows] == ids
    assert all(row.simulated is not None and np.isfinite(row.simulated["median"]) for row in rows)


def test_the_source_of_ones_second_case_is_left_as_it_was_filled_in(tmp_path):
    (tmp_path / "sources").mkdir()
    source = tmp_path / "sources" / "my_source.toml"
    source.write_text('title = "A"\nlink = "https://example.org"\n', encoding="utf-8")
    file = tmp_path / "cases" / "another.toml"
    answer = CliRunner().invoke(app, ["new", "case", "--out", str(file)])
    assert answer.exit_code == 0 and file.is_file()
    assert source.read_text(encoding="utf-8").startswith('title = "A"')


def test_a_kind_of_case_that_is_none_is_refused_with_those_there_are(tmp_path):
    answer = CliRunner().invoke(app, ["new", "case", "balance", "--out", str(tmp_path / "c.toml")])
    assert answer.exit_code != 0
    assert "drug" in answer.output and "hearing" in answer.output


def test_a_drug_that_new_writes_is_a_solute_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["new", "drug", "salve"])
    assert answer.exit_code == 0, answer.output
    mine = Catalog((tmp_path / "shelves",)).get("solutes", "salve")
    theirs = Catalog().get("solutes", "dexamethasone")
    assert mine.card.parameters.keys() == theirs.card.parameters.keys()
    assert all(
        number.basis == "assumed" and number.because for number in mine.parameters("guinea_pig").values()
    )


@pytest.mark.parametrize(
    ("dose", "more", "words"),
    [
        ('amount = "1 mm"', "", "allowed"),
        ("", "", "states an amount, or a concentration"),
        ('amount = "1 mg"\ncolour = "red"', "", "is not a key here"),
        ('amount = "1 mg"', '[read.odd]\nof = "brain"\nat = "1 h"\n', "is no fluid or tissue"),
        ('amount = "1 mg"', '[read.odd]\nof = "plasma"\nat = ["1 h", "2 h"]\n', "read at one moment"),
        ('amount = "1 mg"', '[read.odd]\nof = "plasma"\nat = "1 h"\nsolute = "tmpa"\n', "is not given"),
        ('amount = "1 mg"', '[read.odd]\nof = "plasma"\nat = "-1 h"\n', "must not be negative"),
    ],
)
def test_a_case_that_cannot_be_read_says_why_and_in_which_file(tmp_path, dose, more, words):
    with pytest.raises(BadInput, match=words) as refused:
        read(tmp_path, dose=dose, more=more)
    assert refused.value.file == "mine.toml"
