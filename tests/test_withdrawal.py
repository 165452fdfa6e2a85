"""A source that is withdrawn reaches the reviews, priors, results and trials that rest on it, and no others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from otosome import jobs
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.review.question import Question
from otosome.review.synthesis import rests_on, review
from test_experiments import HEAD, HIGH, LOW

CASES = Path(__file__).parent / "studies" / "valid"
TOMBSTONE = 'standing = "withdrawn"\ndate = "2026-01-01"\nreason = "Withdrawn."\n'
BELIEVED = """design = "animal_experiment"
difference = ["10 dB"]
frequencies = ["8 kHz", "16 kHz"]
"""
OWN = BELIEVED + 'belief = { mine = ["0 dB", "5 dB", "10 dB"] }\n'


def without(folder: Path, key: str) -> tuple[Path, ...]:
    """Shelves on which the owner of a source has withdrawn it."""
    sources = folder / f"without {key}" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / f"{key}.toml").write_text(TOMBSTONE, encoding="utf-8")
    return (sources.parent,)


def fallen(result: Path, shelves: tuple[Path, ...]) -> list[str]:
    """The sources that changed under a result."""
    (row,) = jobs.check([result], shelves).rows
    assert row.stands == (not row.changed)
    return sorted({str(change["source"]) for change in row.changed})


# ---------------------------------------------------------------- reviews and their pools


@pytest.mark.parametrize(
    ("question", "only", "reached"),
    [
        ("hearing", ("product=vesicles",), True),
        ("hearing", ("insult=noise", "product=steroid"), False),
    ],
)
def test_a_review_falls_with_the_experiments_it_asks_for_and_no_others(tmp_path, question, only, reached):
    done = jobs.review(jobs.ReviewInputs(question=question, only=only, out=tmp_path / "review"))
    assert jobs.check([done.folder]).rows[0].stands
    assert fallen(done.folder, without(tmp_path, "liu_neomycin")) == (["liu_neomycin"] if reached else [])


def test_what_a_review_rests_on_is_what_moves_it(tmp_path):
    """Every source of a review of the losses of people, withdrawn, moves it; a paper on mice that hear does not."""
    question = Question.of("loss")
    before = review(question, Catalog())
    catalog = Catalog()
    for name in rests_on(question, catalog):
        source = catalog.get("experiments", name).options.source
        assert review(question, Catalog(without(tmp_path, source))) != before, name
    assert review(question, Catalog(without(tmp_path, "liu_neomycin"))) == before


def test_a_review_of_vesicles_after_one_harm_rests_on_all_that_its_worlds_are_weighed_by():
    names = set(rests_on(Question.of("hearing", ["product=vesicles", "insult=noise"]), Catalog()))
    assert {"warnecke_2020", "liu_2023", "tsai_2021", "yang_2022"} <= names


def test_changes_between_two_reviews_are_experiments_sources_and_pools(tmp_path):
    def asked(name: str, *shelves: Path) -> Path:
        inputs = jobs.ReviewInputs(
            only=("product=vesicles,nucleotide",), shelves=shelves, out=tmp_path / name
        )
        return jobs.review(inputs).folder

    own = tmp_path / "own"
    (own / "experiments").mkdir(parents=True)
    (own / "sources").mkdir()
    (own / "experiments" / "mine.toml").write_text(HEAD + LOW + HIGH, encoding="utf-8")
    shipped, more = asked("shipped"), asked("more", own)
    less = asked("less", *without(tmp_path, "liu_neomycin"))
    new = jobs.changes(shipped, more).as_dict()["result"]
    assert [(row["parameter"], row["what"]) for row in new["changed"]] == [("experiments/mine.toml", "new")]
    assert {"pool, dB", "mean, of every strength"} <= {row["name"] for row in new["moved"]}
    out = jobs.changes(shipped, less).as_dict()["result"]
    assert [row["parameter"] for row in out["changed"]] == ["sources/liu_neomycin.toml"]
    assert "mean, vesicles in animals" in {row["name"] for row in out["moved"]}
    # Liu 2023 printed a p, so no pool of decibels holds it.
    assert "pool, dB" not in {row["name"] for row in out["moved"]}
    same = jobs.changes(shipped, asked("again"))
    assert same.lines() == ["nothing changed"]
    other = jobs.review(
        jobs.ReviewInputs(question="loss", only=("insult=noise",), out=tmp_path / "loss")
    ).folder
    with pytest.raises(BadInput, match="different questions"):
        jobs.changes(shipped, other)


# ---------------------------------------------------------------- designs and doses


def design(folder: Path, text: str) -> Path:
    file = folder / "design.toml"
    file.write_text(text, encoding="utf-8")
    inputs = jobs.TrialInputs(designs=(file,), formula=True, out=folder / "answer")
    return jobs.trial(inputs).folder or folder


def test_a_design_that_believes_the_papers_falls_with_them(tmp_path):
    answer = design(tmp_path, BELIEVED)
    assert jobs.check([answer]).rows[0].stands
    assert fallen(answer, without(tmp_path, "liu_neomycin")) == ["liu_neomycin"]
    # The spread of its animals is the shelf's.
    assert fallen(answer, without(tmp_path, "cba_jrj_2021")) == ["cba_jrj_2021"]
    assert fallen(answer, without(tmp_path, "kil_2017")) == []


def test_a_design_with_beliefs_and_numbers_of_its_own_does_not(tmp_path):
    numbers = 'spread = "9 dB"\nspread_range = ["8 dB", "10 dB"]\nfrequency_correlation = "80 %"\n'
    answer = design(tmp_path, OWN + numbers)
    assert fallen(answer, without(tmp_path, "liu_neomycin")) == []
    assert fallen(answer, without(tmp_path, "cba_jrj_2021")) == []


def test_an_answer_about_a_study_falls_with_the_sources_of_its_numbers(tmp_path):
    inputs = jobs.StudyInputs(study="noise_mouse", subjects=4, out=tmp_path / "ledger")
    answer = jobs.ledger(inputs).folder
    assert answer is not None
    assert fallen(answer, without(tmp_path, "liu_neomycin")) == ["liu_neomycin"]
    assert fallen(answer, without(tmp_path, "kil_2017")) == []


def test_changes_between_two_answers_of_a_design_are_what_they_rest_on_and_say(tmp_path):
    file = tmp_path / "design.toml"
    file.write_text(BELIEVED, encoding="utf-8")
    then, now = (
        jobs.trial(
            jobs.TrialInputs(designs=(file,), formula=True, shelves=shelves, out=tmp_path / name)
        ).folder
        for name, shelves in (("then", ()), ("now", without(tmp_path, "liu_neomycin")))
    )
    assert then is not None and now is not None
    found = jobs.changes(then, now).as_dict()["result"]
    assert [row["parameter"] for row in found["changed"]] == ["sources/liu_neomycin.toml"]
    assert jobs.changes(then, then).lines() == ["nothing changed"]


def test_an_answer_of_an_earlier_version_is_checked_by_its_files(tmp_path):
    answer = design(tmp_path, BELIEVED)
    shutil.copytree(answer, tmp_path / "earlier")
    (tmp_path / "earlier" / "grounds.json").unlink()
    (row,) = jobs.check([tmp_path / "earlier"], without(tmp_path, "liu_neomycin")).rows
    # It is sealed, so that a file that is gone is said; what it rested on is not guessed.
    assert [change.file for change in row.altered] == ["grounds.json"] and not row.changed


# ---------------------------------------------------------------- runs


def test_changes_between_two_runs_are_the_experiments_behind_their_priors_too(tmp_path):
    def asked(name: str, *shelves: Path) -> Path:
        inputs = jobs.StudyInputs(
            study=str(CASES / "noise_mouse.toml"), subjects=2, shelves=shelves, out=tmp_path / name
        )
        return jobs.run(inputs).folder

    then, now = asked("then"), asked("now", *without(tmp_path, "tsai_2021"))
    found = jobs.changes(then, now).as_dict()["result"]
    assert "sources/tsai_2021.toml" in {row["parameter"] for row in found["changed"]}
    assert all(row["name"].startswith("under ") for row in found["moved"])
    assert "under none" not in {row["name"] for row in found["moved"]}
