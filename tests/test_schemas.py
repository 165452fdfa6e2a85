"""What a machine reads is what docs/schemas publishes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

import lots
from laboratory import samples
from otosome.cli import app
from otosome.jobs.outputs import ANSWERS
from tools.documents import schemas

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
CASES = Path(__file__).parent / "studies" / "valid"
QUICK, WORDS = CASES / "no_insult_no_treatment.toml", CASES / "devices_and_words.toml"
TREATED = CASES / "cisplatin_round_window.toml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with what the verbs read: results, exports, lots."""
    folder = tmp_path_factory.mktemp("schemas")
    (sample,) = samples("biosig_csv")[:1]
    (folder / "exports").mkdir()
    (folder / "exports" / sample.name).write_bytes(sample.content)
    lots.record(folder / "lots", "new", runs=1, made="2026-05-31")
    for number in range(4):
        lots.record(
            folder / "earlier", f"old{number}", runs=1, seed=number + 5, made=f"2026-0{number + 1}-28"
        )
    for verb, study in (("run", QUICK), ("compare", WORDS)):
        done = CliRunner().invoke(app, [verb, str(study), "--subjects", "2", "--out", str(folder / verb)])
        assert done.exit_code == 0, done.output
    return folder


REFERENCE = ["--reference", "{}/earlier/old0.toml"]
# Verb, arguments, and the exit code; {} is the folder.
COMMANDS = [
    ("run", [TREATED, "--subjects", 2, "--out", "{}/treated"], 0),
    ("run", [QUICK, "--out", "{}/run"], 2),
    ("run", ["nowhere"], 2),
    ("compare", [WORDS, "--subjects", 2, "--out", "{}/again"], 0),
    ("compare", [QUICK], 2),
    ("show", ["{}/run"], 0),
    ("show", ["{}/compare"], 0),
    ("import", ["{}/exports", "--out", "{}/imported"], 0),
    ("show", ["{}/imported"], 0),
    ("new", ["study", "--out", "{}/mine.toml"], 0),
    ("new", ["trial", "--out", "{}/my_trial.toml"], 0),
    ("trial", ["{}/my_trial.toml", "--formula", "--out", "{}/trial"], 0),
    ("trial", ["{}/nowhere.toml"], 2),
    ("optimise", ["{}/nowhere.toml"], 2),
    ("show", ["{}/trial"], 0),
    ("quality", ["{}/lots/new.toml", "--out", "{}/lot"], 0),
    ("show", ["{}/lot"], 0),
    ("quality", ["{}/lots/new.toml", "--out", "{}/among", "--history", "{}/earlier", *REFERENCE], 0),
    ("quality", ["--process", "flask_umbilical", "--against", "hollow_fibre_marrow", "--lots", 4], 0),
    ("list", [], 0),
    ("list", ["potions"], 2),
    ("sources", [WORDS], 0),
    ("qualify", ["pk:A1", "ear:D1", "--worlds", 2], 0),
    ("check", ["{}/run", "{}/compare", "{}/imported", "{}/lot"], 0),
    ("changes", ["{}/run", "{}/run"], 0),
    ("claims", ["no_tumour", "--ears", 2], 0),
    ("forecast", [], 0),
    ("new", ["experiment", "--out", "{}/sheet.csv"], 0),
    ("ingest", ["{}/sheet.csv", "--out", "{}/own"], 0),
    ("ingest", ["{}/nowhere.csv"], 2),
    ("review", ["loss", "--out", "{}/review"], 0),
    ("review", ["taste"], 2),
    ("show", ["{}/review"], 0),
    ("check", ["{}/review"], 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "arguments", "code"), COMMANDS, ids=[f"{n}-{c[0]}" for n, c in enumerate(COMMANDS)]
)
def test_a_verbs_object_is_as_its_schema_says(made, verb, arguments, code):
    texts = [str(argument).replace("{}", str(made)) for argument in arguments]
    done = CliRunner().invoke(app, [verb, *texts, "--json"])
    assert done.exit_code == code, done.output
    schema = json.loads((FOLDER / f"{verb}.json").read_text(encoding="utf-8"))
    answer = json.loads(done.stdout)
    Draft202012Validator(schema).validate(answer)
    assert answer["ok"] is (code == 0)
    # A schema that let anything through would say nothing.
    assert not Draft202012Validator(schema).is_valid({**answer, "surprise": 1})
    assert not Draft202012Validator(schema).is_valid({k: v for k, v in answer.items() if k != "ok"})


@pytest.mark.parametrize("verb", ANSWERS)
def test_the_schema_of_a_verb_is_the_one_of_its_types(verb):
    assert (FOLDER / f"{verb}.json").read_text(encoding="utf-8") == schemas.text(verb), "make docs"
    Draft202012Validator.check_schema(schemas.schema(verb))


def test_every_verb_has_a_schema_and_every_schema_a_verb():
    verbs = {command.name for command in app.registered_commands}
    assert verbs == set(ANSWERS) == {file.stem for file in FOLDER.glob("*.json")}
