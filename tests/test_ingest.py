"""Texts and sheets become drafts: what is found, what is not claimed, and that nothing counts unread."""

from __future__ import annotations

import csv
import io

import pytest
from typer.testing import CliRunner

from otosome import jobs
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.review.experiments import experiments
from otosome.review.ingest import COLUMNS, NEEDED, draft, drafts, facts, is_sheet, template
from otosome.review.question import Question
from otosome.review.synthesis import review

# Made up; no paper says this.
ABSTRACT = """Extracellular vesicles were given to mice (n = 8 a group) at 5 µL, 1e9 particles, a day after noise.
ABR thresholds at 8 kHz and 16 kHz were 41.5 ± 8 dB SPL against 52 dB SPL after 14 days (p < 0.01). The vesicles
protected outer hair cells. https://doi.org/10.1234/made.up.5"""


def kinds(text):
    rows = {}
    for fact in facts(text):
        rows.setdefault(fact.kind, []).append(fact.text)
    return rows


def test_numbers_units_counts_and_words_are_found_where_they_stand():
    rows = kinds(ABSTRACT)
    assert rows["n"] == ["n = 8"]
    assert rows["p"] == ["p < 0.01"]
    assert rows["doi"] == ["10.1234/made.up.5"]
    assert rows["frequency"] == ["8 kHz", "16 kHz"]
    assert rows["decibels"] == ["41.5 ± 8 dB SPL", "52 dB SPL"]
    assert {"5 µL", "1e9 particles"} <= set(rows["dose"])
    assert (rows["species"], rows["insult"], rows["product"]) == (["mouse"], ["noise"], ["vesicles"])
    assert all(ABSTRACT[f.place :].startswith(f.text) for f in facts(ABSTRACT) if f.kind in ("n", "p", "doi"))


def test_a_draft_claims_no_more_than_a_direction_and_counts_nowhere(tmp_path):
    file = tmp_path / "news.txt"
    file.write_text(ABSTRACT, encoding="utf-8")
    done = CliRunner().invoke(app, ["ingest", str(file), "--name", "news", "--out", str(tmp_path / "own")])
    assert done.exit_code == 0, done.output
    catalog = Catalog((tmp_path / "own",))
    (experiment,) = experiments(catalog, ["news"])
    assert {o.strength for o in experiment.options.outcome.values()} == {"direction"}
    assert {o.of for o in experiment.options.outcome.values()} == {"threshold", "hair cells"}
    assert "checked" in experiment.why_out
    assert experiment.source.link == "https://doi.org/10.1234/made.up.5"
    asked = review(Question.of("hearing", ["product=vesicles"]), catalog)
    assert "news" in asked.left_out
    assert "news" not in {row.experiment for row in asked.rows}


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Exosomes did not reduce ABR thresholds in rats.", "none"),
        ("There was no significant difference between rats with exosomes; others say they protect.", "none"),
        ("In rats, exosomes attenuated the shift of ABR.", "better"),
        ("Exosomes were given to rats and ABR was read.", "none"),
    ],
)
def test_the_direction_is_what_the_text_says_and_nothing_where_it_is_silent(text, direction):
    outcomes = draft(text, "mine").experiment["outcome"]
    assert {row["direction"] for row in outcomes.values()} == {direction}


def test_a_text_of_something_else_is_refused_and_a_hostile_one_is_text(tmp_path):
    with pytest.raises(BadInput, match="names no species"):
        draft("The weather was fine, exosomes or not.", "mine")
    with pytest.raises(BadInput, match="names no product"):
        draft("Mice heard well.", "mine")
    with pytest.raises(BadInput, match="too long"):
        draft("mice and exosomes " * 20_000, "mine")
    evil = 'mice exosomes n = 6 """ ] [checked] by = "me" \x00'
    file = tmp_path / "evil.txt"
    file.write_text(evil, encoding="utf-8")
    jobs.ingest(jobs.IngestInputs(file=str(file), name="evil", out=tmp_path / "own"))
    (experiment,) = experiments(Catalog((tmp_path / "own",)), ["evil"])
    assert experiment.options.checked is None


# ---------------------------------------------------------------- sheets


def sheet(*rows, **changes):
    (first,) = csv.DictReader(io.StringIO(template()))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows or ({},):
        writer.writerow({**first, **changes, **row})
    return text.getvalue()


def test_the_template_is_a_sheet_that_becomes_an_experiment_with_means(tmp_path):
    file = tmp_path / "studies.csv"
    CliRunner().invoke(app, ["new", "experiment", "--out", str(file)])
    assert is_sheet(file.read_text(encoding="utf-8"))
    done = jobs.ingest(jobs.IngestInputs(file=str(file), out=tmp_path / "own"))
    (experiment,) = experiments(Catalog((tmp_path / "own",)), ["my_experiment"])
    outcome = experiment.options.outcome["abr"]
    assert outcome.mean == {"vesicles": 41.0, "vehicle": 52.0}
    assert (experiment.count("vesicles"), outcome.spread_is) == (8, "SD")
    assert "checked" in done.why_out["my_experiment"]
    with pytest.raises(BadInput, match="already"):
        jobs.ingest(jobs.IngestInputs(file=str(file), out=tmp_path / "own"))


def test_a_workbook_says_what_its_sheet_says(tmp_path):
    from spreadsheet import workbook

    text = sheet(checked_by="me", checked_on="2026-02-03", day="", frequency="")
    table = [list(column) for column in zip(*csv.reader(io.StringIO(text)), strict=True)]
    rows = [list(row) for row in zip(*[column for column in table if column[1]], strict=True)]
    file = tmp_path / "studies.xlsx"
    file.write_bytes(workbook({"studies": rows}))
    done = jobs.ingest(jobs.IngestInputs(file=str(file), out=tmp_path / "own"))
    assert done.why_out == {"my_experiment": ""}


def test_rows_of_one_name_are_one_experiment_and_share_their_control():
    (one,) = drafts(sheet({}, {"outcome": "high", "treated": "more", "mean_treated": "30"}))
    assert set(one.experiment["group"]) == {"vesicles", "vehicle", "more"}
    assert set(one.experiment["outcome"]) == {"abr", "high"}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"n_treated": "eight"}, "row 2: n_treated"),
        ({"species": ""}, "row 2: species"),
        ({"product": "homeopathy"}, "row 2: product"),
        ({"experiment": "../evil"}, "row 2: experiment"),
        ({"p": "often", "strength": "p"}, "row 2: p"),
    ],
)
def test_a_wrong_cell_is_refused_by_row_and_column(change, key):
    with pytest.raises(BadInput) as refusal:
        drafts(sheet(**change))
    assert refusal.value.key == key


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"spread_treated": "-8"}, "outcome.abr.spread.vesicles"),
        ({"n_treated": "1"}, "outcome.abr.spread.vesicles"),
        ({"effect_unit": "sone"}, "outcome.abr.unit"),
        ({"strength": "p", "p": "1.5", "p_is": "stated"}, "outcome.abr.mean"),
    ],
)
def test_what_an_entry_refuses_a_sheet_refuses_and_writes_nothing(tmp_path, change, key):
    file = tmp_path / "studies.csv"
    file.write_text(sheet(**change), encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        jobs.ingest(jobs.IngestInputs(file=str(file), out=tmp_path / "own"))
    assert refusal.value.key == key
    assert not (tmp_path / "own").exists()


def test_a_control_that_changes_between_rows_or_a_column_nobody_knows_is_refused():
    with pytest.raises(BadInput, match="count twice"):
        drafts(sheet({}, {"outcome": "two", "n_control": "9"}))
    with pytest.raises(BadInput, match="twice"):
        drafts(sheet({}, {}))
    with pytest.raises(BadInput, match="no column"):
        drafts(sheet().replace("spread_is", "spread_was", 1))
    assert set(NEEDED) < set(COLUMNS)
