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


PLACES = """
about = "A dose by vein, and what is read of it."
species = "guinea_pig"

[given.first]
solute = "{solute}"
route = "{route}"
amount = "1 umol"
at = "{at}"
{more}
[read.plasma]
of = "plasma"
solute = "dexamethasone"
at = "3 h"

[read.perilymph]
of = "scala_tympani"
solute = "dexamethasone"
at = "3 h"
place = "{place}"
volume = "1 uL"
duration = "1 min"

[row."my:plasma"]
found = "1 uM"
statistic = {{ of = "plasma" }}

[row."my:perilymph"]
found = "1 uM"
statistic = {{ of = "perilymph" }}
"""
LATER = """
[given.second]
solute = "dexamethasone"
route = "intravenous"
amount = "2 umol"
at = "1 h"
"""


def of_places(tmp_path, more="", solute="dexamethasone_phosphate", route="intravenous", **places):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    (folder / "cases").mkdir(parents=True)
    text = PLACES.format(more=more, solute=solute, route=route, **{"at": "0 h", "place": "4 mm"} | places)
    (folder / "cases" / "mine.toml").write_text(text, encoding="utf-8")
    catalog = Catalog((folder,))
    found = Bench(Terms(catalog), catalog.get("cases", "mine"), 1, drawn=False).replicate()
    return np.array([float(found[row][0]) for row in ("my:plasma", "my:perilymph")])


def test_what_a_prodrug_becomes_is_read_and_adds_to_what_is_given_as_such(tmp_path):
    """Carrying is linear: a prodrug and its drug together read the sum of each alone, in plasma and in a sample."""
    prodrug, both = of_places(tmp_path), of_places(tmp_path, LATER)
    # The drug alone is one class by itself and not the second of two; what it gives at its hour is a difference.
    first = of_places(tmp_path, solute="dexamethasone")
    drug = of_places(tmp_path, LATER, solute="dexamethasone") - first
    assert np.all(prodrug > 0.0) and np.all(drug > 0.0)
    assert both == pytest.approx(prodrug + drug, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"at": "4 h"}, "read.plasma.at", "before anything is given; given: 3 h; allowed: from 4 h on"),
        ({"place": "19 mm"}, "read.perilymph.place", "0 mm to 18 mm"),
        ({"solute": "dexametasone"}, "given.first.solute", "is it dexamethasone?"),
        ({"route": "vein"}, "given.first.route", "intravenous"),
        ({"solute": "gentamicin"}, "read.plasma.solute", "allowed: gentamicin"),
    ],
)
def test_a_place_or_a_name_that_is_none_is_refused_at_its_own_key(tmp_path, changes, key, words):
    with pytest.raises(BadInput, match=words) as refused:
        of_places(tmp_path, **changes)
    assert refused.value.file == "mine.toml" and str(refused.value.key).endswith(key)


HEARING = """
about = "Noise, and mice without it."

[study]
species = "mouse"
insult.noise = { entry = "noise", level = "103 dB SPL", band = ["8 kHz", "16 kHz"], duration = "2 h", at = ["0 h"] }
arm = [{ name = "no noise" }, { name = "noise", insults = ["noise"] }]
measure.abr = { endpoint = "abr_threshold", frequency = ["16 kHz"], at = ["1 d"] }

[row."my:1"]
FIGURE
statistic = { measure = "abr", of = "noise", against = "no noise" }
"""


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        ('found = "41 dB"\nsd = "8 dB"', 'row."my:1".n: is one, left out or stated'),
        ('found = "41 dB"\nsd = "8 %"\nn = 9', 'row."my:1".sd: is in another kind of unit than found'),
        ('found = "41 %"\nn = 9', 'row."my:1": is not in a unit of its statistic; given: %; allowed: dB'),
        ('found = "41 dB"\nsd = "8 dB"\nn = 9', 'row."my:1".sd: is the spread of one group'),
        ('below = "41 dB"\nsd = "8 dB"\nn = 9', 'row."my:1".sd: stands beside a bound'),
        ('value = "41 dB"\nn = 9', "row.my:1.value: is not a key here; given: 41 dB; allowed: about"),
        ('source = "nobody_2026"\nfound = "41 dB"', "source: no source 'nobody_2026'"),
    ],
)
def test_a_row_that_cannot_be_judged_names_file_key_and_cure(tmp_path, figure, words):
    (tmp_path / "cases").mkdir()
    file = tmp_path / "cases" / "mine.toml"
    file.write_text(HEARING.replace("FIGURE", figure), encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        qualify(["my:1"], worlds=2, catalog=Catalog((tmp_path,)))
    assert f"mine.toml: {words}" in str(refused.value)
