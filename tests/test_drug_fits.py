"""A drug of a laboratory's own: from its table of samples to numbers, with samples of a drug that is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import lognorm
from typer.testing import CliRunner

from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.fitting.against import _ranked, against, crps
from otosome.fitting.diagnostics import Residual
from otosome.fitting.drafting import choices, draft_fit
from otosome.fitting.free import Free
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.observations import matched, observations
from otosome.fitting.trade import events
from otosome.forward import best, evaluate, plan, simulate
from otosome.jobs import NewInputs, fit, new
from otosome.jobs.fitting import FitInputs
from otosome.roles import Reading
from otosome.study import Study, load
from otosome.units import convert

SOLUTE = "solutes.dexamethasone"
MASS = 392.47e-3  # ug/mL of a uM
TRUE = {"round_window_permeability": 3.0, "exchange_scale": 0.5, "plasma_clearance": 2.0}
VALUES = {
    "otosome": "study/1",
    "title": "Samples",
    "species": "guinea_pig",
    "drug": {
        "dose": {
            "solute": "dexamethasone",
            "route": "round_window",
            "at": ["0 h"],
            "concentration": "4 mg/mL",
            "volume": "5 uL",
        }
    },
    "arm": [{"name": "drug", "drugs": ["dose"]}],
    "measure": {
        "ear": {"endpoint": "concentration", "solute": "dexamethasone", "at": ["1 h", "2 h", "4 h", "8 h"]},
        "blood": {
            "endpoint": "concentration",
            "solute": "dexamethasone",
            "of": "plasma",
            "at": ["1 h", "2 h", "4 h", "8 h"],
        },
    },
}
FLUIDS = {"perilymph": "ear", "plasma": "blood"}


@pytest.fixture(scope="module")
def study():
    return Study.of(VALUES)


def samples(of, seed=1, animals=8, limit=0.005, drug="mydrug"):
    """A table of samples of eight guinea pigs: dexamethasone with three of its numbers changed, under another name."""
    columns = {**best(of)}
    for name, times in TRUE.items():
        columns[f"{SOLUTE}.{name}"] = times * columns[f"{SOLUTE}.{name}"]
    hours, luck = [1.0, 2.0, 4.0, 8.0], np.random.default_rng(seed)
    values = evaluate(plan(of), columns, hours)
    rows = []
    for animal in range(animals):
        for fluid, measure in FLUIDS.items():
            for hour, truth in zip(hours, values[measure][0, 0, :, 0], strict=True):
                read = truth * MASS * np.exp(0.15 * luck.normal())
                text = f"{read:.4g}" if read > limit else f"<{limit}"
                rows.append(f"gp{animal},guinea_pig,{drug},round_window,4 mg/mL,5 uL,{hour:g},{fluid},{text}")
    head = "animal,species,drug,route,dose,volume,time_h,compartment,concentration_ug_ml"
    return "\n".join([head, *rows]) + "\n"


def rows(**changes):
    """One reading of a drug in perilymph, as the readers give it."""
    row = {
        "subject": "gp1",
        "ear": "",
        "group": "",
        "time": 2.0,
        "quantity": "dexamethasone.perilymph",
        "frequency": np.nan,
        "place": np.nan,
        "value": 0.39247,
        "unit": "ug/uL",
        "level": np.nan,
        "censored": "none",
        "flag": "",
    }
    return pd.DataFrame([{**row, **changes}])


# ---------------------------------------------------------------- a place for each sample


@pytest.mark.parametrize(
    ("changes", "measure", "value"),
    [
        ({}, "ear", 1000.0),
        ({"unit": "uM", "value": 3.0}, "ear", 3.0),
        ({"quantity": "drug.st"}, "ear", 1000.0),
        ({"quantity": "dexamethasone.serum"}, "blood", 1000.0),
        ({"quantity": "drug.plasma", "group": "drug"}, "blood", 1000.0),
    ],
)
def test_a_sample_finds_its_fluid_and_mass_becomes_moles(study, changes, measure, value):
    (own,) = matched(study, rows(**changes), "table").readings
    assert own.measure == measure
    # 392.47 ug are a umol.
    assert own.reading.value == pytest.approx([value], rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantity": "gentamicin.perilymph"}, "no measure of the study reads gentamicin"),
        ({"quantity": "dexamethasone.csf"}, "no measure of the study reads dexamethasone.csf"),
        ({"time": 2.5}, "ear is not measured when"),
        ({"unit": "dB SPL"}, "is in 'dB SPL'"),
        ({"group": "other"}, "the group 'other' is no arm"),
        ({"value": 0.0}, "row 1, value.*write what lies below the limit of quantification as <LIMIT"),
    ],
)
def test_a_sample_without_a_place_says_why(study, changes, message):
    with pytest.raises(BadInput, match=message):
        matched(study, rows(**changes), "table")


def test_an_unnamed_drug_has_no_place_where_two_are_measured():
    drug = VALUES["drug"]["dose"]
    two = {
        **VALUES,
        "drug": {"dose": drug, "other": {**drug, "solute": "gentamicin"}},
        "arm": [{"name": "drug", "drugs": ["dose", "other"]}],
        "measure": {
            **VALUES["measure"],
            "second": {"endpoint": "concentration", "solute": "gentamicin", "at": ["2 h"]},
        },
    }
    both = pd.concat([rows(quantity="drug.perilymph"), rows()], ignore_index=True)
    observed = matched(Study.of(two), both, "table")
    assert observed.size == 1
    assert observed.unmatched == {"no measure of the study reads drug.perilymph": 1}


def test_samples_are_as_likely_as_a_log_normal_assay_has_them(study):
    table = pd.concat([rows(), rows(time=4.0, value=0.05, censored="below")], ignore_index=True)
    free = Free.of(study, [f"{SOLUTE}.exchange_scale"])
    likelihood = Likelihood.of(free, matched(study, table, "table"), ())
    truth = evaluate(plan(study), best(study), [2.0, 4.0])["ear"][0, 0, :, 0]
    exact = lognorm.logpdf(1000.0, 0.15, scale=truth[0]) + lognorm.logcdf(50.0 / MASS, 0.15, scale=truth[1])
    assert likelihood.log_posterior(np.zeros((1, 1)))[0] == pytest.approx(exact, rel=1e-3)


def test_a_sample_below_its_limit_is_no_misfit_of_a_band_below_it(study):
    """Limits far above all that is simulated say nothing against it; read as numbers they would."""
    ears = best(study)
    result = simulate(study, ears, workers=1)
    high = rows(time=2.0, value=1e6, censored="below")
    told = against(study, result, ears, matched(study, high, "table"))
    assert (told.cells[0].above, told.cells[0].inside) == (0, True)
    assert told.totals[0].crps == 0.0
    read = against(study, result, ears, matched(study, high.assign(censored="none"), "table"))
    assert (read.cells[0].above, read.cells[0].inside) == (1, False)


def test_readings_and_what_is_simulated_are_written_as_a_laboratory_writes_them(study):
    """In ug/mL, though a model counts molecules: what is read is what was stated, and scores are in that unit too."""
    ears = best(study)
    result = simulate(study, ears, workers=1)
    table = rows(time=2.0, value=31.2, unit="ug/mL")
    laid = against(study, result, ears, matched(study, table, "table"))
    (cell,), (total,) = laid.cells, laid.totals
    assert (cell.median, cell.text, total.unit) == (pytest.approx(31.2, rel=1e-12), "31 \u00b5g/mL", "ug/mL")
    molar = evaluate(plan(study), best(study), [2.0])["ear"][0, 0, 0, 0]
    # One ear: its reading at the middle of its error is the truth, and the score is how far apart both are.
    assert cell.simulated.exact.median == pytest.approx(molar * MASS, rel=1e-6)
    assert total.crps == pytest.approx(abs(31.2 - molar * MASS), rel=1e-6)


def test_the_ranked_score_of_a_censored_reading_looks_no_further_than_its_limit():
    drawn = np.random.default_rng(1).normal(size=4000)
    reading = Reading(np.array([0.5, 0.5, 0.5]), np.array([-1.0, 0.0, 1.0]))
    below, read, beyond = _ranked(reading, drawn)
    assert below == pytest.approx(crps(np.array([0.5]), np.maximum(drawn, 0.5))[0])
    assert read == pytest.approx(crps(np.array([0.5]), drawn)[0])
    assert beyond == pytest.approx(crps(np.array([0.5]), np.minimum(drawn, 0.5))[0])
    # Two thirds lie below 0.5, so that the reading below it is the less surprising one.
    assert below < beyond < read


# ---------------------------------------------------------------- what is worth setting free


def one_sample():
    own = {"endpoint": "concentration", "solute": "dexamethasone", "of": "plasma", "at": ["4 h"]}
    return Study.of({**VALUES, "measure": {"blood": own}})


def test_one_sample_tells_one_number_and_the_one_that_does_most():
    """All numbers move one value of one fluid alike, up to their size: one can be told, and only one is freed."""
    study = one_sample()
    chosen, left = choices(study)
    assert len(chosen) == 1
    names = [
        n for n, p in study.parameters.items() if p.shape != "fixed" and n.startswith(("solutes.", "routes."))
    ]
    apart = np.empty(len(names))
    for n, name in enumerate(names):
        columns = Free.of(study, [name]).columns(np.array([[1.6448536269514722], [-1.6448536269514722]]))
        high, low = evaluate(plan(study), columns, [4.0])["blood"][:, 0, 0, 0]
        apart[n] = abs(np.log(high / low))
    assert names[int(np.argmax(apart))] == chosen[0].name
    assert chosen[0].new == pytest.approx(apart.max() / 0.15, rel=0.01)
    assert not {choice.name for choice in left} & {chosen[0].name}


def test_a_draft_names_what_moves_its_readings_and_reads_back(study):
    text = draft_fit(study, "f.toml", "s.toml", "pk.csv")
    chosen, _ = choices(study)
    assert {f"{SOLUTE}.round_window_permeability", f"{SOLUTE}.plasma_clearance"} <= {c.name for c in chosen}
    assert all(f'"{choice.name}",  # {choice.reason}' in text for choice in chosen)
    assert '"endpoints.concentration.error"' in text


# ---------------------------------------------------------------- from a table to its numbers


def test_a_drug_of_ones_own_is_drafted_fitted_and_its_numbers_are_recovered(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pk.csv").write_text(samples(study), encoding="utf-8")
    done = CliRunner().invoke(app, ["new", "fit", "--from", "pk.csv"])
    assert done.exit_code == 0, done.output
    command = next(line for line in done.stdout.split("\n") if line.startswith("fit its numbers: "))
    words = command.removeprefix("fit its numbers: otosome ").split()
    assert words == ["fit", "my_fit.toml"], "the shelves beside it are its own"
    drafted = load("my_study.toml", shelves=(Path("shelves"),))
    assert drafted.tables.drug["dose"].solute == "mydrug"
    assert drafted.tables.measure["in_plasma"].limit.unit == "ug/uL"
    # One start is enough for numbers that are told.
    file = Path("my_fit.toml")
    file.write_text(file.read_text(encoding="utf-8").replace("starts = 3", "starts = 1"), encoding="utf-8")
    result = fit(FitInputs(fit=file, shelves=(Path("shelves"),)))
    told = result.fit
    found = {estimate.name.removeprefix("solutes.mydrug."): estimate for estimate in told.estimates}
    own = Catalog().get("solutes", "dexamethasone").card
    inside = 0
    for name, times in TRUE.items():
        shelved = own.parameter(name, "guinea_pig")
        truth = times * convert(shelved.value, shelved.unit, found[name].unit)
        shared = any(f"solutes.mydrug.{name}" in (pair.first, pair.second) for pair in told.pairs)
        assert found[name].light == ("yellow" if shared else "green")
        assert found[name].median == pytest.approx(truth, rel=0.4)
        inside += found[name].low <= truth <= found[name].high
    assert inside >= 2
    assert told.fit.totals[0].inside.exact[0] > 0.8
    # The fit's own study has its numbers and finds its drug, wherever the folder goes.
    again = load(str(result.folder / "study.toml"))
    for name, estimate in found.items():
        if name in TRUE:
            own = again.parameters[f"solutes.mydrug.{name}"]
            ends = [convert(end, own.unit, estimate.unit) for end in (own.low, own.value, own.high)]
            assert ends == pytest.approx([estimate.low, estimate.median, estimate.high], rel=1e-6)
            assert own.source == "own_fit"
    assert Path("results/my_fit/report.html").exists()


def test_what_the_table_does_not_say_is_marked_and_named(tmp_path):
    table = tmp_path / "pk.csv"
    table.write_text("animal,time_h,concentration_ug_ml,compartment\na,1,3.0,perilymph\nb,2,2.0,perilymph\n")
    drafted = new(NewInputs(kind="fit", source=table, out=tmp_path / "study.toml"))
    assert drafted.untold == ("route", "dose", "volume", "species")
    text = (tmp_path / "study.toml").read_text(encoding="utf-8")
    marked = [
        line.split(" = ")[0] for line in text.split("\n") if line.endswith("# not in the table: set it")
    ]
    assert marked == ["species", "route", "concentration", "volume"]
    assert 'solute = "my_drug"' in text
    assert any("set it in" in note for note in drafted.as_dict()["notes"])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("animal,time_h,drug,concentration_um,fluid\na,1,x,3,plasma\na,1,y,3,plasma\n", "several drugs"),
        ("animal,time_h,concentration_um,fluid\na,1,3,bile\n", "no concentration of a fluid at a time"),
        ("animal,time_h,route,concentration_um,fluid\na,1,nose,3,plasma\n", "route: is not on the shelf"),
        ("animal,time_h,dose,concentration_um,fluid\na,1,3 dB SPL,3,plasma\n", "is no dose of a drug"),
        (
            "animal,time_h,dose,concentration_um,fluid\na,1,3 mg,3,plasma\nb,1,4 mg,3,plasma\n",
            "several values",
        ),
    ],
)
def test_tables_of_which_no_study_can_be_drafted_are_refused(tmp_path, table, message):
    (tmp_path / "pk.csv").write_text(table)
    with pytest.raises(BadInput, match=message):
        new(NewInputs(kind="fit", source=tmp_path / "pk.csv", out=tmp_path / "s.toml"))
    assert not (tmp_path / "s.toml").exists()


def test_a_study_is_drafted_where_its_table_can_be_named(tmp_path, monkeypatch):
    table = tmp_path / "data" / "pk.csv"
    table.parent.mkdir()
    table.write_text("animal,time_h,concentration_ug_ml,compartment\na,1,3.0,perilymph\nb,2,2.0,perilymph\n")
    (tmp_path / "else where").mkdir()
    monkeypatch.chdir(tmp_path / "else where")
    with pytest.raises(BadInput, match="lies outside the folder of the study") as refusal:
        new(NewInputs(kind="fit", source=table, out=Path("s.toml")))
    assert str(table.parent.resolve()) in str(refusal.value.cure)
    drafted = new(NewInputs(kind="fit", source=table))
    assert drafted.file.parent == table.parent.resolve()
    with pytest.raises(BadInput, match="is there already"):
        new(NewInputs(kind="fit", source=table))


# ---------------------------------------------------------------- files of the trade

NONMEM = """ID,TIME,AMT,DV,EVID,MDV,CMT,CENS,UNIT
1,0,2,.,1,1,1,0,mg/L
1,1,0,3.0,0,0,2,0,mg/L
1,4,0,0.5,0,0,2,1,mg/L
2,0,2,.,1,1,1,0,mg/L
2,1,0,2.5,0,0,2,0,mg/L
2,12,2,.,1,1,1,0,mg/L
"""


def test_a_data_set_of_the_trade_is_drafted_with_its_doses_and_what_it_does_not_say(tmp_path):
    (tmp_path / "pk.csv").write_text(NONMEM)
    drafted = new(NewInputs(kind="fit", source=tmp_path / "pk.csv", out=tmp_path / "study.toml"))
    assert set(drafted.untold) == {"dose", "species", "route", "volume", "of"}
    own = load(tmp_path / "study.toml", shelves=drafted.shelves)
    dose = own.tables.drug["dose"]
    assert [moment.text for moment in dose.at] == ["0 h", "12 h"]
    assert dose.amount.text == "2 mg"
    table = pd.concat([rows(quantity="drug.cmt_2", time=1.0, value=0.003)], ignore_index=True)
    (found,) = matched(own, table, "table").readings
    assert (found.measure, own.tables.measure[found.measure].of) == ("drug.cmt_2", "plasma")


def test_a_data_set_without_a_unit_is_refused_with_the_cure(tmp_path):
    lines = [line.rsplit(",", 1)[0] for line in NONMEM.splitlines()]
    (tmp_path / "pk.csv").write_text("\n".join(lines))
    with pytest.raises(BadInput, match="UNIT"):
        new(NewInputs(kind="fit", source=tmp_path / "pk.csv", out=tmp_path / "study.toml"))


def test_what_is_written_for_the_trade_reads_back_as_the_same_samples(study, tmp_path):
    own = [
        Residual("blood", 1, "gp1", "drug", 2.0, None, 0.25, 0, 0.2, 0.1, 0.5, 0.0),
        Residual("ear", 2, "gp1", "drug", 4.0, None, 30.0, -1, 20.0, 0.1, 0.5, 0.0),
    ]
    table = events(study, own)
    doses = table[table["EVID"] == 1]
    # 5 uL of 4 mg/mL are 20 ug.
    assert doses[["TIME", "AMT", "AMT_UNIT", "MDV"]].to_numpy().tolist() == [
        [0.0, pytest.approx(20.0), "ug", 1]
    ]
    table.to_csv(tmp_path / "nonmem.csv", index=False)
    observed = observations(study, tmp_path / "nonmem.csv")
    found = {some.measure: (some.reading.value[0], some.reading.censored[0]) for some in observed.readings}
    assert found == {"blood": (pytest.approx(0.25), 0.0), "ear": (pytest.approx(30.0), -1.0)}


def test_samples_laid_against_a_study_of_curves_are_sent_to_the_drug(tmp_path):
    curves = {key: value for key, value in VALUES.items() if key != "measure"}
    curves |= {"until": "8 h", "probe": {"base": {"of": "scala_tympani", "place": 0.1}}}
    table = pd.DataFrame(
        {
            "group": ["drug"],
            "quantity": ["dexamethasone.perilymph"],
            "value": [1.0],
            "unit": ["uM"],
            "time": [1.0],
        }
    ).assign(frequency=np.nan, level=np.nan, flag="", censored="none")
    with pytest.raises(BadInput, match=r'measured = "samples.csv" in \[drug.dose\]'):
        matched(Study.of(curves), table, "/own/samples.csv")
    with pytest.raises(BadInput, match="name its groups as the study's arms"):
        matched(Study.of(curves), table.assign(quantity="gentamicin.perilymph"), "/own/samples.csv")
