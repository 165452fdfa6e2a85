"""What docs/quality.md shows is what its commands print: ``python -m tools.documents quality`` writes it."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import tomli_w
from jsonschema import Draft202012Validator

import otosome.lots
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.lots.editors import record_schema, specification_schema
from otosome.lots.record import parse_record
from otosome.lots.specification import FILE_TESTS, LISTS, read_specification
from otosome.lots.template import SPECIFICATION as TEMPLATE
from tools.documents.quality import SHOWN, filled

DOCUMENT = Path(__file__).parent.parent / "docs" / "quality.md"
SCHEMAS = {"batch": record_schema(), "specification": specification_schema()}


def read(text, folder):
    """A specification as the reader takes it from a shelf of one's own."""
    (folder / "specifications").mkdir()
    (folder / "specifications" / "mine.toml").write_text(text, encoding="utf-8")
    return read_specification(Catalog((folder,)).get("specifications", "mine"))


def test_the_document_shows_what_its_command_prints():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(SHOWN.findall(text)) == 1
    assert filled(text) == text


RECORD, SPECIFICATION = re.findall(
    r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL
)


def test_the_record_of_the_document_is_one():
    assert parse_record(RECORD.encode(), "quality.md").name == "lot_7"


def test_the_specification_of_the_document_is_one_and_shows_every_list(tmp_path):
    specification = read(SPECIFICATION, tmp_path)
    assert set(LISTS) <= set(tomllib.loads(SPECIFICATION))
    assert {"viability", "endotoxin", "passage", "potency"} == set(specification.limits)


def test_the_document_names_every_test_that_files_answer():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(f"| `{test}` |" in text for test in FILE_TESTS)


def keys(schema):
    """Every key of a schema and of its definitions, with what is said of it."""
    tables = {"": schema, **schema.get("$defs", {})}
    return {
        f"{name}.{key}": value for name, table in tables.items() for key, value in table["properties"].items()
    }


@pytest.mark.parametrize(("name", "count"), [("batch", 38), ("specification", 19)])
def test_every_key_of_the_schemas_for_editors_is_described(name, count):
    described = keys(SCHEMAS[name])
    assert len(described) == count
    assert [key for key, value in described.items() if len(value.get("description", "")) < 10] == []


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_the_schemas_for_editors_are_those_of_the_types_and_lie_in_the_package(name, schema):
    Draft202012Validator.check_schema(schema)
    for place in (DOCUMENT.parent, Path(otosome.lots.__file__).parent):
        assert json.loads((place / f"{name}.schema.json").read_text(encoding="utf-8")) == schema


def record_of(change):
    values = tomllib.loads(RECORD)
    change(values)
    return values


@pytest.mark.parametrize(
    "change",
    [
        lambda values: None,
        lambda values: values.update(prodct="a"),
        lambda values: values.pop("specification"),
        lambda values: values["count"][0].update(dilution=0.1),
        lambda values: values["count"][0].update(dilutoin=2.0),
        lambda values: values["assay"][0].update(mechanisms=[]),
        lambda values: values["assay"][0].update(columns={"respons": "RLU"}),
        lambda values: values.update(name="a/b"),
        lambda values: values.update(otosome="batch/2"),
    ],
)
def test_the_schema_of_a_record_takes_and_refuses_what_the_reader_does(change):
    values = record_of(change)
    valid = Draft202012Validator(SCHEMAS["batch"]).is_valid(values)
    try:
        parse_record(tomli_w.dumps(values).encode(), "lot.toml")
        taken = True
    except BadInput:
        taken = False
    assert valid == taken


@pytest.mark.parametrize(
    "change",
    [
        lambda values: None,
        lambda values: values.update(at_leest=["viability"]),
        lambda values: values["endotoxin"].update(vaule="1 EU/mL"),
        lambda values: values["endotoxin"].pop("value"),
        lambda values: values["endotoxin"].update(low="0.1 EU/mL"),
        lambda values: values.pop("consumer_risk"),
        lambda values: values["endotoxin"].update(basis="guessed"),
        lambda values: values.update(negative="sterility"),
    ],
)
def test_the_schema_of_a_specification_takes_and_refuses_what_the_reader_does(change, tmp_path):
    values = tomllib.loads(SPECIFICATION)
    change(values)
    valid = Draft202012Validator(SCHEMAS["specification"]).is_valid(values)
    try:
        read(tomli_w.dumps(values), tmp_path)
        taken = True
    except BadInput:
        taken = False
    assert valid == taken


def test_the_draft_of_a_specification_is_as_its_schema_says():
    draft = tomllib.loads(TEMPLATE.read_text(encoding="utf-8"))
    assert Draft202012Validator(SCHEMAS["specification"]).is_valid(draft)
