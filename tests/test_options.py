"""An option that a shelf does not know is refused, and so is one of a wrong type or value; no entry is named twice."""

import dataclasses
import json
import re
from typing import get_args, get_type_hints

import pytest
import tomli_w
from typer.testing import CliRunner

from otosome import roles
from otosome.cards import read_toml
from otosome.catalog import SHELVES, SHIPPED, Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.model.injury import KINDS
from otosome.model.transport.course import KEEP
from otosome.model.transport.delivery import INTO, OUTLETS
from otosome.study import tables

CATALOG = Catalog()
STATED = [
    (shelf, name, key)
    for shelf in SHELVES
    for name in CATALOG.names(shelf)
    for key in CATALOG.get(shelf, name).card.stated
]


ASKED = ["frequency", "cell", "level", "material", "speech", "noise"]
RULE = ["grade", "of", "at", "over", "run", "above", "reaches", "ears"]
STRANGE = {"item": {"a": {"name": "a", "asks": "b", "status": "maybe"}}}


def copied(folder, shelf, name, change, new="copied_entry"):
    """A copy of a shipped entry on a shelf of one's own, its file changed."""
    (folder / shelf).mkdir(parents=True, exist_ok=True)
    values = read_toml(SHIPPED / shelf / f"{name}.toml")
    (folder / shelf / f"{new}.toml").write_text(tomli_w.dumps(change(values)), encoding="utf-8")
    code = SHIPPED / shelf / f"{name}.py"
    if code.is_file():
        old, own = ("".join(part.capitalize() for part in stem.split("_")) for stem in (name, new))
        text = re.sub(rf"(?i)\b{old}\b", own, code.read_text(encoding="utf-8"))
        (folder / shelf / f"{new}.py").write_text(text, encoding="utf-8")
    return Catalog((folder,)).get(shelf, new)


def misspelt(key):
    return lambda values: {
        name.replace(key, f"{key[:-1]}q") if name == key else name: value for name, value in values.items()
    }


@pytest.mark.parametrize(("shelf", "name"), sorted({(shelf, name) for shelf, name, _ in STATED}))
def test_every_option_of_every_entry_misspelt_is_refused_with_those_allowed(tmp_path, shelf, name):
    keys = [key for of, entry, key in STATED if (of, entry) == (shelf, name)]
    assert copied(tmp_path / "whole", shelf, name, lambda values: values).options is not None
    for key in keys:
        with pytest.raises(BadInput) as refused:
            copied(tmp_path / key, shelf, name, misspelt(key))
        assert (refused.value.file, refused.value.key) == ("copied_entry.toml", f"{key[:-1]}q")
        assert refused.value.given is not None
        assert key in refused.value.allowed


def of_another_type(value):
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "seven" if number else -7.5


@pytest.mark.parametrize(
    ("shelf", "name", "key"), [case for case in STATED if case[0] not in ("claims", "cases")]
)
def test_every_option_of_another_type_is_refused(tmp_path, shelf, name, key):
    with pytest.raises(BadInput, match=rf"copied_entry\.toml: {key}") as refused:
        copied(tmp_path, shelf, name, lambda values: {**values, key: of_another_type(values[key])})
    assert refused.value.given is not None


def test_a_misspelt_better_is_refused_by_the_command_line_and_turns_no_benefit(tmp_path):
    own = tmp_path / "own"
    with pytest.raises(BadInput):
        copied(
            own,
            "endpoints",
            "wave1",
            lambda v: {("beter" if k == "better" else k): x for k, x in v.items()},
            "my_wave",
        )
    study = (SHIPPED / "studies" / "noise_mouse.toml").read_text(encoding="utf-8")
    assert '"wave1"' in study
    (tmp_path / "study.toml").write_text(study.replace('"wave1"', '"my_wave"'), encoding="utf-8")
    run = [
        "run",
        str(tmp_path / "study.toml"),
        "--shelves",
        str(own),
        "--out",
        str(tmp_path / "out"),
        "--json",
    ]
    done = CliRunner().invoke(app, run)
    assert done.exit_code == 2, done.output
    error = json.loads(done.stdout)["error"]
    assert (error["file"], error["key"], error["given"]) == ("my_wave.toml", "beter", "higher")
    assert "better" in error["allowed"]


@pytest.mark.parametrize(
    ("shelf", "name", "change", "key", "allowed"),
    [
        ("endpoints", "wave1", {"better": "bigger"}, "better", ["lower", "higher"]),
        ("endpoints", "wave1", {"unit": "parsec"}, "unit", None),
        (
            "endpoints",
            "wave1",
            {"asks": ["frequncy"]},
            "asks.0",
            [
                "frequency",
                "cell",
                "level",
                "material",
                "speech",
                "noise",
                "solute",
                "of",
                "place",
                "sample",
                "limit",
                "collected",
            ],
        ),
        ("endpoints", "word_score", {"hears": "audiogran"}, "hears", CATALOG.names("endpoints")),
        ("species", "mouse", {"map": "mouse_map"}, "map", CATALOG.names("maps")),
        ("species", "mouse", {"strial": "yes"}, "strial", None),
        ("routes", "round_window", {"into": "middle_er"}, "into", list(INTO)),
        ("routes", "intracochlear", {"at": 1.5}, "at", None),
        ("routes", "round_window", {"opens": "surgery"}, "opens", CATALOG.names("insults")),
        (
            "insults",
            "cisplatin",
            {"needs": ["cisplatn.lateral_wall"]},
            "needs",
            [*CATALOG.names("solutes"), "noise"],
        ),
        ("insults", "cisplatin", {"needs": ["cisplatin.wall"]}, "needs.0", None),
        ("insults", "sham_surgery", {"cells": ["OHC"]}, "cells.0", list(KINDS)),
        ("mechanisms", "hsp70", {"acts": {"resque": ["ohc"]}}, "acts.resque", list(get_args(roles.Action))),
        ("mechanisms", "hsp70", {"acts": {"rescue": ["hair cells"]}}, "acts.rescue.0", [*KINDS, "stress"]),
        ("adverse_events", "perforation", {"per": "day"}, "per", ["procedure", "person"]),
        ("adverse_events", "perforation", {"of": ["nasal"]}, "of", None),
        ("populations", "recorded", {"people": "few"}, "people", ["many", "one"]),
        ("devices", "cell_graft", {"place": -0.1}, "place", None),
        (
            "scales",
            "who_2021",
            {"rule": [{"grade": 1, "abve": "20 dB HL"}]},
            "rule.0.abve",
            RULE,
        ),
        (
            "checklists",
            "misev_2023",
            {"item": {"a": {"name": "a", "asks": "b", "status": "maybe"}}},
            "item.a.status",
            None,
        ),
        (
            "processes",
            "stirred_tank_umbilical",
            {"instrument": "microscope"},
            "instrument",
            CATALOG.names("instruments"),
        ),
        ("utilities", "hui3", {"of": []}, "of", None),
    ],
)
def test_a_value_that_an_option_cannot_have_is_refused_with_those_it_can(
    tmp_path, shelf, name, change, key, allowed
):
    with pytest.raises(BadInput) as refused:
        copied(tmp_path, shelf, name, lambda values: values | change)
    assert (refused.value.file, refused.value.key) == (
        "copied_entry.toml",
        key,
    )
    if allowed is not None:
        assert set(refused.value.allowed) - {"copied_entry"} == set(allowed)


def test_an_option_that_every_entry_of_a_shelf_states_may_not_be_missing(tmp_path):
    with pytest.raises(BadInput, match=r"copied_entry\.toml: better: is missing"):
        copied(
            tmp_path, "endpoints", "dpoae", lambda values: {k: v for k, v in values.items() if k != "better"}
        )


def test_a_number_whose_table_is_misspelt_is_no_option():
    assert "map" in {f.name for f in dataclasses.fields(roles.SpeciesOptions)}
    values = {"meening": "m", "vaule": "3 mm", "basis": "assumed", "because": "b"}
    from otosome.cards import make_card

    with pytest.raises(BadInput, match=r"a\.toml: length: is not an option of species"):
        make_card({"about": "A.", "map": "x", "length": values}, "species", "a", "a.toml")


def test_a_formulas_own_words_are_options_of_its_entry_alone(tmp_path):
    assert copied(tmp_path, "claims", "trials", lambda v: v | {"power": 0.9}).card.stated["power"] == 0.9
    with pytest.raises(BadInput, match="power: must be a number"):
        copied(tmp_path / "text", "claims", "trials", lambda v: v | {"power": "high"})
    with pytest.raises(BadInput, match="power: is not an option of claims"):
        copied(tmp_path / "other", "claims", "burden", lambda v: v | {"power": 0.9})


def test_every_shelf_that_has_options_is_one_that_is_there():
    assert set(roles.OPTIONS) <= set(SHELVES)


def test_words_of_a_schema_are_those_of_the_engine():
    assert get_args(roles.Compartment) == INTO
    assert set(get_args(roles.Outlet)) == {outlet for outlets in OUTLETS.values() for outlet in outlets}
    assert get_args(roles.Kind) == KINDS
    assert set(roles.PLACES) == set(KEEP)


@pytest.mark.parametrize(
    ("schema", "table"),
    [
        (roles.EndpointOptions, tables.Measure),
        (roles.PopulationOptions, tables.PopulationUse),
        (roles.DeviceOptions, tables.DeviceUse),
        (roles.RecoveryOptions, tables.RecoveryUse),
    ],
)
def test_what_an_entry_may_ask_of_a_study_is_a_key_of_its_table(schema, table):
    hints = get_type_hints(schema)
    for option in ("asks", "takes"):
        assert set(get_args(get_args(hints[option])[0])) <= set(table.model_fields)
