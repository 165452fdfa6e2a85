"""A drug of one's own from an empty folder to a figure: begun, run, measured, written, run again; data is no code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from otosome import jobs
from otosome.answers.exposure import Assayed, course
from otosome.cli import app
from otosome.errors import BadInput
from otosome.forward import Cochleae, Fate, best, plan
from otosome.report.drugs import curves, draw_dots
from otosome.results import open_result
from otosome.study import load, loads
from test_drugs import DRUG, HEAD

DOSE = DRUG.format(
    route="round_window", solute="dexamethasone", dose='concentration = "4 mg/mL"\nvolume = "5 uL"'
)
TABLE = """animal,time_h,concentration_ug_ml,compartment
gp1,1,150,perilymph
gp2,4,<0.1,apex
gp2,4,0.05,plasma
"""
INNOCENT = 'raise SystemExit("code beside a study was run")\n'


def run(study: Path, out: Path, subjects: int = 3) -> jobs.StudyResult:
    return jobs.run(jobs.StudyInputs(study=str(study), subjects=subjects, seed=5, out=out))


def begin(folder: Path, name: str = "otocaine") -> Path:
    jobs.new(jobs.NewInputs(kind="drug", paths=(Path(name),), out=folder / f"{name}.toml"))
    return folder / f"{name}.toml"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A drug of one's own, run from an empty folder."""
    folder = tmp_path_factory.mktemp("own")
    study = begin(folder)
    return study, run(study, folder / "result")


def test_the_command_begins_a_drug_whose_study_runs_at_once(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["new", "drug", "otocaine"])
    assert done.exit_code == 0, done.output
    study, _ = own
    for name in ("otocaine.toml", "shelves/solutes/otocaine.toml"):
        assert (tmp_path / name).read_bytes() == (study.parent / name).read_bytes()
    again = CliRunner().invoke(app, ["new", "drug", "otocaine"])
    assert again.exit_code == 2 and "nothing is overwritten" in again.output


@pytest.mark.parametrize("name", ["../escape", "Otocaine", "1st", "cisplatin", "a.b", ""])
def test_what_cannot_name_a_drug_is_refused_and_nothing_is_written(name, tmp_path):
    with pytest.raises(BadInput):
        jobs.new(jobs.NewInputs(kind="drug", paths=(Path(name),), out=tmp_path / "in" / "study.toml"))
    assert not list(tmp_path.rglob("*.toml"))


def test_a_draft_is_the_solute_it_borrows_from_and_says_so_of_every_number(own):
    """Best values give the curves of dexamethasone; a decade either way where drugs differ most."""
    study = load(own[0])
    text = own[0].read_text(encoding="utf-8").replace('solute = "otocaine"', 'solute = "dexamethasone"')
    peaks = [course(s)[f"along_{n}"].max() for s, n in ((study, "otocaine"), (loads(text), "dexamethasone"))]
    assert float(peaks[0]) == pytest.approx(float(peaks[1]), rel=1e-6)
    numbers = {n: p for n, p in study.parameters.items() if n.startswith("solutes.otocaine.")}
    assert {p.basis for p in numbers.values()} == {"assumed"}
    assert all("Borrowed from dexamethasone" in p.because for p in numbers.values())
    window = numbers["solutes.otocaine.round_window_permeability"]
    assert window.high / window.low == pytest.approx(100.0)


def test_a_result_holds_its_own_drug_and_runs_again_by_itself(own, tmp_path):
    """The result's folder is moved away from the study: its own shelves come along."""
    _, done = own
    moved = tmp_path / "moved"
    done.folder.rename(moved)
    try:
        assert jobs.show(moved).lines()[1].startswith("otocaine in 'otocaine', base: peak")
        again = run(moved / "study.toml", tmp_path / "again")
        (row,) = jobs.check([moved]).rows
    finally:
        moved.rename(done.folder)
    assert row.stands
    name = "concentration_otocaine"
    assert np.array_equal(open_result(done.folder)[name], again.data[name])
    assert any(path.endswith("otocaine.toml") for path in done.record.inputs)


def test_code_beside_a_study_is_refused_and_never_run(tmp_path):
    study = begin(tmp_path)
    (tmp_path / "shelves" / "solutes" / "otocaine.py").write_text(INNOCENT, encoding="utf-8")
    with pytest.raises(BadInput, match="comes with code") as refused:
        load(study)
    assert "--shelves" in str(refused.value.cure)
    # Code of an entry that nobody names does nothing, and is not run either.
    (tmp_path / "shelves" / "solutes" / "otocaine.py").rename(tmp_path / "shelves" / "solutes" / "other.py")
    assert load(study).own_files() == [tmp_path / "shelves" / "solutes" / "otocaine.toml"]


def test_an_entry_that_leads_out_of_the_folder_is_refused(tmp_path):
    study = begin(tmp_path / "in")
    entry = tmp_path / "in" / "shelves" / "solutes" / "otocaine.toml"
    entry.rename(tmp_path / "outside.toml")
    try:
        entry.symlink_to(tmp_path / "outside.toml")
    except OSError:
        pytest.skip("no links here")
    with pytest.raises(BadInput, match="leads out of the study's folder"):
        load(study)


def measured(folder: Path, table: str, more: str = "", dose: str = DOSE):
    folder.mkdir(exist_ok=True)
    (folder / "pk.csv").write_text(table, encoding="utf-8")
    text = HEAD + dose.replace("at = [", 'measured = "pk.csv"\nat = [') + more
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return load(folder / "study.toml")


def test_a_table_of_samples_is_read_as_pharmacologists_write_it(tmp_path):
    """Microgram per millilitre is 1e-3 ug/uL; a fluid means its first probe, and a probe's name itself."""
    points = measured(tmp_path, TABLE).tables.drug["dose"].points
    rows = [(p.animal, float(p.time), float(p.value), p.value.unit, p.probe, p.censored) for p in points]
    assert rows == [
        ("gp1", 1.0, pytest.approx(0.15), "ug/uL", "base", "none"),
        ("gp2", 4.0, pytest.approx(1e-4), "ug/uL", "apex", "below"),
        ("gp2", 4.0, pytest.approx(5e-5), "ug/uL", "plasma", "none"),
    ]


@pytest.mark.parametrize(
    ("table", "more", "message"),
    [
        (TABLE.replace("apex", "urine"), "", "no fluid or place where the drug is followed"),
        (TABLE.replace("apex", "scala_vestibuli"), "", "no fluid or place where the drug is followed"),
        (
            "animal,time_h,concentration_ug_ml,compartment,solute\ngp1,1,2,plasma,aspirin\n",
            "",
            "holds no conc",
        ),
    ],
)
def test_a_table_that_no_curve_can_carry_is_refused(table, more, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        measured(tmp_path, table, more)


def test_of_a_prodrug_the_table_says_what_was_assayed(tmp_path):
    dose = DOSE.replace('"dexamethasone"', '"dexamethasone_phosphate"')
    with pytest.raises(BadInput, match="does not say what was assayed"):
        measured(tmp_path, TABLE, dose=dose)
    named = "\n".join(
        line + (",solute" if n == 0 else ",dexamethasone") for n, line in enumerate(TABLE.splitlines())
    )
    points = measured(tmp_path, named, dose=dose).tables.drug["dose"].points
    assert {p.solute for p in points} == {"dexamethasone"}


def test_mass_of_a_drug_without_a_molar_mass_has_no_place_on_its_curve(tmp_path):
    dose = DRUG.format(route="round_window", solute="tmpa", dose='concentration = "2 mM"\nvolume = "5 uL"')
    with pytest.raises(BadInput, match="tmpa has no molar_mass"):
        measured(tmp_path, TABLE, dose=dose)


def test_what_was_measured_is_in_the_report_the_tables_and_the_workbook(tmp_path):
    study = measured(tmp_path / "in", TABLE)
    done = run(tmp_path / "in" / "study.toml", tmp_path / "out", subjects=2)
    assert study.probes.keys() == {"base", "middle", "apex", "plasma", "cerebrospinal fluid"}
    says = {panel.heading: panel.says for panel in curves(done.data)}
    assert says["Dexamethasone, base"].endswith(" 1 measured.")
    assert says["Dexamethasone, apex"].endswith(" 1 measured, 1 of them beyond a limit of quantification.")
    book = CalamineWorkbook.from_path(str(tmp_path / "out" / "drugs.xlsx"))
    assert book.sheet_names == ["concentrations", "kinetics", "assayed"]
    for name in book.sheet_names:
        head, *rows = book.get_sheet_by_name(name).to_python()
        csv = pd.read_csv(tmp_path / "out" / f"{name}.csv", keep_default_na=False)
        assert head == list(csv.columns)
        for column, cells in zip(head, zip(*rows, strict=True), strict=True):
            both = csv[column].tolist()
            numeric = isinstance(both[0], float)
            assert list(cells) == (pytest.approx(both, rel=1e-12) if numeric else both)
    answer = json.loads((tmp_path / "out" / "answer.json").read_text(encoding="utf-8"))
    assert [row["value"] for row in answer["drugs"]["assayed"]] == pytest.approx([150.0, 0.1, 0.05])


def test_what_lies_below_a_limit_is_drawn_open_and_pointing_down_at_it():
    axes = Figure().add_subplot()
    dot = Assayed("dexamethasone", "base", "gp1", 48.0, 10.0, "none")
    draw_dots(
        axes, [dot, replace(dot, censored="below", value=0.1), replace(dot, censored="above")], True, 1e-3
    )
    full, below, above = axes.lines
    assert [line.get_marker() for line in axes.lines] == ["o", "v", "^"]
    assert full.get_markerfacecolor() != "none"
    assert below.get_markerfacecolor() == above.get_markerfacecolor() == "none"
    assert np.allclose([line.get_xydata()[0] for line in axes.lines], [[2, 1], [2, -1], [2, 1]])


def test_the_map_is_the_best_ear_that_the_curves_are_drawn_around():
    study = loads(HEAD + DOSE, "drug.toml")
    along = course(study)["along_dexamethasone"].values[0]
    chain = plan(study)
    fate = Fate(Cochleae(chain, best(study)), chain.arms[0])
    at_middle = [np.interp(0.5, chain.places.place, row) for row in along]
    followed = fate.followed(study.probes["middle"], "dexamethasone")[0, chain.at(chain.hours)]
    assert at_middle == pytest.approx(list(followed), rel=1e-9)
