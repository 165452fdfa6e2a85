"""A review: which experiments answer, what becomes of those that must not count, the page, whether it stands."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from otosome import jobs
from otosome.catalog import SHIPPED, Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.report.axes import Axis
from otosome.report.review import blocks, review_page
from otosome.report.terminal import review_lines
from otosome.review.experiments import experiments
from otosome.review.pooling.likelihood import Believed
from otosome.review.question import QUESTIONS, Question
from otosome.review.synthesis import UNITS, Review, Span, ends, in_sds, review
from otosome.review.tables import metafor_rows, revman_rows, rows
from test_experiments import HEAD, HIGH, LOW


@pytest.fixture(scope="module")
def hearing() -> Review:
    return review(Question.of("hearing"), Catalog())


def shelf(folder: Path, **texts: str) -> Catalog:
    (folder / "experiments").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / "experiments" / f"{name}.toml").write_text(text, encoding="utf-8")
    return Catalog((folder,))


def test_every_experiment_that_counts_and_was_asked_for_is_a_row_or_left_out(hearing):
    asked = {
        e.name
        for e in experiments(Catalog())
        if any(o.of in QUESTIONS["hearing"][0] and o.control for o in e.options.outcome.values())
    }
    assert {row.experiment for row in hearing.rows} | set(hearing.left_out) == asked
    assert not {row.experiment for row in hearing.rows} & set(hearing.left_out)


def test_a_row_names_its_source_and_where_it_was_read(hearing):
    assert all(row.link.startswith("http") and row.locator and row.read for row in hearing.rows)


def test_a_control_of_three_coats_is_a_row_of_each_and_one_effect_together(hearing):
    coats = [row for row in hearing.rows if row.experiment == "huang_2021"]
    assert sorted(row.product for row in coats) == ["antimitotic", "nucleotide", "steroid"]
    (in_db,) = (each for each in hearing.together if each.scale == "dB")
    assert [name for name in in_db.rows if name.startswith("huang")] == ["huang_2021.blank"]


def test_filters_leave_what_they_name(hearing):
    vesicles = review(Question.of("hearing", ["product=vesicles", "in=animals"]), Catalog())
    assert {row.experiment for row in vesicles.rows} == {
        row.experiment for row in hearing.rows if (row.product, row.place) == ("vesicles", "animals")
    }
    assert vesicles.blocks["vesicles in animals"] == vesicles.all


@pytest.mark.parametrize(
    ("question", "only", "key"),
    [
        ("taste", [], "question"),
        ("hearing", ["colour=red"], "--only"),
        ("hearing", ["product"], "--only"),
        ("hearing", ["product=homeopathy"], "--only product"),
        ("neurons", ["product=thiosulfate"], "question"),
    ],
)
def test_a_question_nobody_answers_is_refused_with_what_is_there(question, only, key):
    with pytest.raises(BadInput) as refusal:
        review(Question.of(question, only), Catalog())
    assert refusal.value.key == key


def test_an_unchecked_experiment_counts_nowhere_and_is_named(tmp_path, hearing):
    unread = HEAD.replace('checked = { by = "a person", on = "2026-01-31" }\n', "")
    mine = review(Question.of("hearing"), shelf(tmp_path, unread=unread + LOW))
    assert "checked" in mine.left_out["unread"]
    assert mine.all == hearing.all
    with pytest.raises(BadInput, match="cannot be used") as refusal:
        review(Question.of("hearing", ["study=unread"]), shelf(tmp_path))
    assert refusal.value.key == "checked"


def test_a_retracted_experiment_is_left_out_and_refused_where_it_is_asked_for(tmp_path, hearing):
    (tmp_path / "sources").mkdir()
    text = (SHIPPED / "sources" / "liu_neomycin.toml").read_text(encoding="utf-8")
    text = text.replace('"current"', '"retracted"') + 'date = "2026-02-01"\nreason = "Images."\n'
    (tmp_path / "sources" / "liu_neomycin.toml").write_text(text, encoding="utf-8")
    without = review(Question.of("hearing"), Catalog((tmp_path,)))
    assert without.left_out["liu_2023"] == "its source is retracted"
    assert without.all.median < hearing.all.median
    with pytest.raises(BadInput, match="retracted") as refusal:
        review(Question.of("hearing", ["study=liu_2023"]), Catalog((tmp_path,)))
    assert refusal.value.key == "source"
    assert refusal.value.file == "liu_2023.toml"


def test_an_own_experiment_with_means_moves_the_pool_in_decibels(tmp_path, hearing):
    mine = review(Question.of("hearing"), shelf(tmp_path, one=HEAD + LOW + HIGH))
    before, after = (next(t for t in r.together if t.scale == "dB") for r in (hearing, mine))
    assert after.pool.k == before.pool.k + 1
    assert before.pool.value < after.pool.value < 15.0


def test_a_group_in_two_files_is_refused_before_anything_is_pooled(tmp_path):
    with pytest.raises(BadInput, match="count twice"):
        review(Question.of("hearing"), shelf(tmp_path, one=HEAD + LOW, two=HEAD + HIGH))


def test_a_regression_says_how_many_experiments_lack(hearing):
    by = review(Question.of("hearing"), Catalog(), by=["year"])
    lacking = 10 - next(t for t in by.together if t.scale == "dB").pool.k
    assert by.regressed["year"].startswith(f"--by: {lacking} more studies are needed")
    with pytest.raises(BadInput, match="no moderator"):
        review(Question.of("hearing"), Catalog(), by=["moon"])


def test_silence_of_null_results_lowers_what_is_believed(hearing):
    medians = [row.median for row in hearing.curve]
    assert [row.share for row in hearing.curve] == sorted((row.share for row in hearing.curve), reverse=True)
    assert medians == sorted(medians, reverse=True)
    assert hearing.curve[0] == hearing.all


# ---------------------------------------------------------------- page and tables


def test_the_page_shows_every_experiment_with_its_mark_and_loads_nothing(hearing):
    page = review_page(hearing)
    assert page.count('<div class="study-row">') == len(hearing.rows)
    assert all(f'href="{row.link}"'.replace("&", "&amp;") in page for row in hearing.rows)
    assert not re.search(r'(src|href)="(?!http|#)', page)
    assert "<script" not in page
    assert page == review_page(hearing)


def test_an_effect_is_written_alike_in_every_place(hearing):
    written = f"{in_sds(hearing.all)} in"
    assert written in hearing.text
    page = review_page(hearing)
    assert f"<b>{in_sds(hearing.all)}</b>" in page
    (rare,) = (row for row in hearing.curve if row.share == 0.1)
    lines = "\n".join(review_lines(json.loads(json.dumps(asdict(hearing)))))
    assert in_sds(rare) in page
    assert f"10 % of null results printed: {in_sds(rare)}" in lines
    assert in_sds(Believed(1.0, 1.849, 0.04, -12.4, 1.0, 0.0, 0.0, 0.0)) == "1.8 SD (0 to −12)"
    assert ends(0.414, 3.36, "SD") == "0.4 to 3.4 SD"
    assert ends(-0.914, -0.206, UNITS["log risk ratio"]) == "−0.91 to −0.21"
    assert (
        Span.of(-0.5, -0.914, -0.206, UNITS["log risk ratio"]).text
        == "−0.5 (log risk ratio) (−0.91 to −0.21)"
    )


def test_the_forest_puts_every_row_where_its_numbers_are(hearing):
    scale = Axis(-2.5, 4.5, ())
    drawn = [line for block in blocks(hearing, scale) for line in block.rows]
    assert len(drawn) == len(hearing.rows)
    for line in drawn:
        assert line.low <= line.middle <= line.high
        assert line.low == scale.at(line.row.bounds[0])
        assert line.beyond == (line.row.bounds[2] > 4.5)


def test_text_of_an_entry_is_text_on_the_page(tmp_path):
    evil = HEAD.replace('species = "mouse"', 'species = "<script>alert(1)</script>"')
    page = review_page(review(Question.of("hearing"), shelf(tmp_path, evil=evil + LOW)))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_tables_hold_the_effects_as_other_programs_take_them(hearing):
    metafor = metafor_rows(hearing)
    (in_db,) = (each for each in hearing.together if each.scale == "dB")
    assert [row["yi"] for row in metafor if row["measure"] == "MD"] == list(in_db.values)
    np.testing.assert_allclose(
        [row["vi"] for row in metafor if row["measure"] == "MD"], np.square(in_db.errors)
    )
    assert [row["GIV SE"] for row in revman_rows(hearing)] == [e for t in hearing.together for e in t.errors]
    assert len(rows(hearing)) == len(hearing.rows)


# ---------------------------------------------------------------- as a job


def test_a_review_is_a_result_that_checks_whether_its_evidence_stands(tmp_path):
    own = tmp_path / "shelves"
    (own / "sources").mkdir(parents=True)
    shelf(own, mine=HEAD.replace("liu_neomycin", "my_source") + LOW)
    source = own / "sources" / "my_source.toml"
    source.write_text(
        'title = "Mine"\nlink = "https://example.org"\nstanding = "current"\n', encoding="utf-8"
    )
    out = tmp_path / "review"
    done = CliRunner().invoke(
        app, ["review", "--only", "insult=noise", "--shelves", str(own), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert {
        "report.html",
        "forest.svg",
        "forest.pdf",
        "metafor.csv",
        "revman.csv",
        "experiments.csv",
        "answer.json",
    } <= {file.name for file in out.iterdir()}
    with (out / "experiments.csv").open(encoding="utf-8") as stream:
        assert "mine" in {row["experiment"] for row in csv.DictReader(stream)}
    assert jobs.check([out]).rows[0].stands
    source.write_text(
        'standing = "withdrawn"\ndate = "2026-03-01"\nreason = "Withdrawn by its authors."\n',
        encoding="utf-8",
    )
    catalog_again(own)
    (row,) = jobs.check([out]).rows
    assert [(c["parameter"], c["what"], c["standing"]) for c in row.changed] == [
        ("sources/my_source.toml", "file", "withdrawn")
    ]
    assert row.refused == ["my_source"]
    shelf(own, another=HEAD + HIGH)
    (row,) = jobs.check([out]).rows
    assert ("experiments/another.toml", "new") in [(c["parameter"], c["what"]) for c in row.changed]


def catalog_again(folder: Path) -> None:
    """Entries are read once a process; a later process reads them anew."""
    from otosome import cards

    cards.read_source.cache_clear()
    assert folder.is_dir()


def test_the_template_is_an_experiment_once_its_source_stands_and_somebody_checked_it(tmp_path):
    file = tmp_path / "experiments" / "my_experiment.toml"
    done = CliRunner().invoke(app, ["new", "experiment", "--out", str(file)])
    assert done.exit_code == 0, done.output
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "my_source.toml").write_text(
        'title = "Mine"\nlink = "https://example.org"\nstanding = "current"\n', encoding="utf-8"
    )
    (experiment,) = experiments(Catalog((tmp_path,)), ["my_experiment"])
    assert "checked" in experiment.why_out
    file.write_text(file.read_text(encoding="utf-8").replace("# checked", "checked"), encoding="utf-8")
    (experiment,) = experiments(Catalog((tmp_path / ".." / tmp_path.name,)), ["my_experiment"])
    assert experiment.why_out == ""


def test_a_review_shown_again_says_the_same(tmp_path):
    out = tmp_path / "loss"
    first = jobs.review(jobs.ReviewInputs(question="loss", out=out))
    again = jobs.show(out)
    assert json.loads(json.dumps(again.as_dict())) == json.loads(json.dumps(first.as_dict()))
    assert first.lines()[0].startswith("Do fewer lose hearing?")
    shutil.rmtree(out)
