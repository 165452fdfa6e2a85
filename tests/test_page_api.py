"""The JSON API: its schema is that of ``--json``, and no question it allows brings it to fall."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from bench import HERE, page
from otosome.cli import app
from otosome.jobs import ReviewInputs, review
from otosome.page.rooms.record import _by_folder

MANY = 2_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folder")
    review(ReviewInputs(question="loss", out=folder / "results" / "loss"))
    (folder / "a.toml").write_text(tomli_w.dumps({"otosome": "study/1", "title": "a"}), encoding="utf-8")
    return page(folder)


@pytest.fixture(scope="module")
def client(served):
    return served.enter()


def test_a_result_is_what_show_prints_and_what_the_schema_says(served, client):
    answer = client.get(f"/api/results/{served.id('results/loss')}").json()
    printed = json.loads(
        CliRunner().invoke(app, ["show", str(served.folder / "results" / "loss"), "--json"]).stdout
    )
    assert answer == printed
    schema = client.get("/api/openapi.json").json()
    own = schema["paths"]["/api/results/{result}"]["get"]["responses"]["200"]["content"]["application/json"][
        "schema"
    ]
    Draft202012Validator({**own, "components": schema["components"]}).validate(answer)


def test_the_types_of_answers_are_those_of_docs_schemas(client):
    """The same definitions, word for word: the schemas of ``--json`` and of the API are made from one type."""
    components = client.get("/api/openapi.json").json()["components"]["schemas"]
    kept = json.loads((Path(__file__).parent.parent / "docs" / "schemas" / "check.json").read_text())["$defs"]
    for name in ("StandingRow", "ChangedRow", "AlteredRow"):
        assert set(components[name]["properties"]) == set(kept[name]["properties"])
        assert components[name]["required"] == kept[name]["required"]


def test_the_record_lists_every_file_by_its_folder(served, client):
    result = served.id("results/loss")
    text = client.get(f"/record?result={result}").text
    files = [path for path in (served.folder / "results" / "loss").rglob("*") if path.is_file()]
    assert text.count(f'href="/results/{result}/') >= len(files)
    assert _by_folder([("a", 1), ("f/b", 2), ("f/g/c", 3)]) == {
        "": [("a", 1)],
        "f": [("f/b", 2)],
        "f/g": [("f/g/c", 3)],
    }


def test_every_route_that_is_a_question_says_what_it_takes_and_refuses_the_rest(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    asked = [path for path in paths if path.startswith("/api/ask/")]
    assert len(asked) > 10
    for path in asked:
        answer = client.post(path, json={"surprise": 1})
        assert answer.status_code == 422, path
        assert set(answer.json()["error"]) == {"message", "file", "key", "given", "allowed", "cure"}


@pytest.mark.slow
def test_two_thousand_questions_by_the_schema_bring_nothing_to_fall(tmp_path):
    """Made by schemathesis from the schema, those it allows and those it does not: every answer is below 500."""
    import schemathesis

    (tmp_path / "a.toml").write_text('otosome = "study/1"\ntitle = "a"\n', encoding="utf-8")
    client = page(tmp_path).enter()
    schema = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    operations = [result.ok() for result in schema.get_all_operations()]
    each = -(-MANY // len(operations))
    assert sum(fallen(client, operation, each) for operation in operations) >= MANY


def fallen(client, operation, count):
    """Questions of one kind asked, some as the schema allows and some not; how many."""
    import schemathesis

    modes = schemathesis.GenerationMode
    asked = 0
    for mode, share in ((modes.POSITIVE, count - count // 3), (modes.NEGATIVE, count // 3)):

        @settings(max_examples=share, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            nonlocal asked
            asked += 1
            answer = client.request(**request_of(case))
            assert answer.status_code < 500, (operation.method, operation.path, case.body, answer.text[:300])

        try:
            ask()
        except Unsatisfiable:
            # A question without inputs has none that the schema forbids.
            assert mode is modes.NEGATIVE
    # Few inputs there are of a question that has none: what is left of its share is asked as it stands.
    for _ in range(max(0, count - asked)):
        asked += 1
        assert (
            client.request(operation.method, operation.path.replace("{", "").replace("}", "")).status_code
            < 500
        )
    return asked


def request_of(case):
    """A case as a request of the client."""
    parts = case.as_transport_kwargs(base_url=HERE)
    kept = ("method", "url", "params", "json", "headers")
    request = {key: value for key, value in parts.items() if key in kept and value is not None}
    if "data" in parts:
        request["content"] = parts["data"]
    own = {
        key: value for key, value in dict(request.pop("headers", {})).items() if key.lower() == "content-type"
    }
    return {**request, "headers": own}


def test_a_result_is_given_as_a_zip_with_every_file(served, client):
    folder = served.folder / "results" / "loss"
    answer = client.get(f"/api/results/{served.id('results/loss')}/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = {path.relative_to(folder.parent).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert set(archive.namelist()) == names
        assert archive.read("loss/otosome.json") == (folder / "otosome.json").read_bytes()
