"""Study files: what they accept, what they refuse and in which words, and the form they are saved in."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from otosome.catalog import SHIPPED
from otosome.errors import BadInput
from otosome.laboratory.mapping import Meaning
from otosome.lots.record import parse_record
from otosome.study import (
    STUDIES,
    TEMPLATE,
    Study,
    Tables,
    load,
    loads,
    save,
    saves,
    studies,
)
from otosome.study import tables as study_tables
from otosome.study.reading import tables_of
from otosome.study.tables import Table
from otosome.units import Quantity

FOLDER = Path(__file__).parent / "studies"
VALID = sorted((FOLDER / "valid").glob("*.toml"))
INVALID = sorted((FOLDER / "invalid").glob("*.toml"))


@pytest.mark.parametrize("file", VALID, ids=lambda f: f.stem)
def test_a_valid_study_loads(file: Path) -> None:
    study = load(file)
    assert study.parameters
    assert study.until == 168.0 or study.until == 24.0


@pytest.mark.parametrize("file", INVALID, ids=lambda f: f.stem)
def test_an_invalid_study_is_refused_in_the_words_it_expects(file: Path) -> None:
    expected = file.read_text().splitlines()[0].removeprefix("# expect: ")
    with pytest.raises(BadInput) as refused:
        load(file)
    assert expected in str(refused.value)
    assert len(str(refused.value)) < 2000


OLD = (FOLDER / "invalid" / "population_of_one_age_in_a_list.toml").read_text()


@pytest.mark.parametrize(
    "age", ["[]", '["1 year", "2 year", "3 year"]', "60", "[60, 70]", '"old"', '["1 mm", "2 mm"]']
)
def test_whatever_is_no_age_is_refused_with_the_ages_there_may_be(age: str) -> None:
    with pytest.raises(BadInput, match=r"population\.age") as refused:
        loads(OLD.replace('["60 year"]', age))
    assert "the youngest and the oldest" in str(refused.value.allowed)


@pytest.mark.parametrize(("key", "given"), [("arm", []), ("measure", {})])
def test_a_table_without_an_entry_is_refused_with_how_many_it_takes(key: str, given: object) -> None:
    values = tomllib.loads(VALID[0].read_text()) | {key: given}
    with pytest.raises(BadInput, match=f"{key}: holds too few; .*allowed: at least 1"):
        loads(tomli_w.dumps(values))


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(b'otosome = "study/1"\ntitle = "\xff\xfe"\n')
    with pytest.raises(BadInput, match=r"is not UTF-8"):
        load(file)


def test_a_file_past_one_megabyte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(VALID[0].read_bytes() + b"#" * 1_000_001)
    with pytest.raises(BadInput, match="is too large"):
        load(file)


@pytest.mark.parametrize("name", studies())
def test_a_shipped_study_loads_by_name(name: str) -> None:
    assert load(name).name == name


def test_the_template_loads() -> None:
    assert load(TEMPLATE).tables.compare is not None


def test_an_unknown_name_lists_the_shipped_studies() -> None:
    with pytest.raises(BadInput) as refused:
        load("cisplatin_unicorn")
    assert "cisplatin_guinea_pig" in str(refused.value)


def test_the_explicit_form_says_every_number_and_loads_as_the_same_study(tmp_path: Path) -> None:
    study = load("cisplatin_guinea_pig")
    save(study, tmp_path / "explicit.toml", seed=5)
    again = load(tmp_path / "explicit.toml")
    assert again.tables.seed == 5
    assert saves(again, 5) == saves(study, 5)
    for name, parameter in study.parameters.items():
        kept = again.parameters[name]
        assert (kept.value, kept.low, kept.high, kept.shape, kept.subjects, kept.lots) == (
            parameter.value, parameter.low, parameter.high, parameter.shape, parameter.subjects, parameter.lots,
        ), name  # fmt: skip
        assert (kept.source, kept.basis, kept.unit) == (parameter.source, parameter.basis, parameter.unit)
    assert {curve.hash for curve in again.curves.values()} == {curve.hash for curve in study.curves.values()}


def test_a_pinned_number_replaces_the_shelfs() -> None:
    text = VALID[0].read_text() + (
        '\n[numbers."species.guinea_pig.stress_clearance"]\nvalue = "0.5 1/h"\nbasis = "assumed"\n'
        'because = "to see what it does"\n'
    )
    pinned = loads(text).parameters["species.guinea_pig.stress_clearance"]
    assert (pinned.value, pinned.low, pinned.high, pinned.shape) == (0.5, 0.5, 0.5, "fixed")


def test_a_stated_curve_replaces_the_shelfs() -> None:
    study = load("cisplatin_guinea_pig")
    name = "species.guinea_pig.scala_tympani"
    values = tomllib.loads(saves(study))
    columns = values["curves"][name]["columns"]
    columns["area"] = [2 * area for area in columns["area"]]
    wider = loads(tomli_w.dumps(values))
    profile = wider.species.card.profile("scala_tympani", "guinea_pig")
    shelf = study.species.card.profile("scala_tympani", "guinea_pig")
    assert profile["area"].tolist() == (2 * shelf["area"]).tolist()
    assert wider.curves[name].hash != study.curves[name].hash
    assert wider.curves.keys() == study.curves.keys()


def test_a_species_own_curve_takes_the_place_of_an_endpoints() -> None:
    names = [name.rpartition(".")[2] for name in load("cisplatin_guinea_pig").curves]
    assert sorted(names) == sorted(set(names))


def test_names_are_text_and_never_read_as_anything_else() -> None:
    name = "<script>alert(1)</script> [bold]{{7*7}}[/]"
    study = loads(VALID[0].read_text().replace('name = "cisplatin"\n', f'name = "{name}"\n').replace(
        'against = "cisplatin"', f'against = "{name}"'))  # fmt: skip
    assert study.tables.arm[0].name == name
    assert tomllib.loads(saves(study))["arm"][0]["name"] == name


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_study_or_one_clear_refusal(raw: bytes) -> None:
    text = raw.decode("utf-8", errors="replace")
    with pytest.raises(BadInput):
        loads(text)


@given(st.sampled_from(VALID), st.integers(0, 10_000), st.text(max_size=6))
@settings(max_examples=150, deadline=None)
def test_a_mutated_study_loads_or_is_refused(file: Path, place: int, inserted: str) -> None:
    text = file.read_text()
    place %= len(text)
    with suppress(BadInput):
        assert loads(text[:place] + inserted + text[place + 1 :]).parameters


def test_the_schema_for_editors_is_the_one_the_types_give() -> None:
    for place in (FOLDER.parents[1] / "docs", FOLDER.parents[1] / "src" / "otosome" / "study"):
        stored = json.loads((place / "study.schema.json").read_text(encoding="utf-8"))
        assert stored == Tables.model_json_schema()


def test_every_key_of_the_schema_says_what_it_is() -> None:
    schema = Tables.model_json_schema()
    tables = [("study", schema), *schema["$defs"].items()]
    keys = [(table, key, value) for table, of in tables for key, value in of.get("properties", {}).items()]
    assert len(keys) > 100
    assert [f"{table}.{key}" for table, key, value in keys if len(value.get("description", "")) < 10] == []


def test_a_file_of_the_former_first_key_is_the_same_study() -> None:
    text = (FOLDER / "valid" / "noise_mouse.toml").read_text(encoding="utf-8")
    former = loads(text.replace('otosome = "study/1"', 'otosome = "scenario/1"'))
    assert former.tables == loads(text).tables
    assert saves(former).startswith('otosome = "study/1"')


@pytest.mark.parametrize(
    "file", [*VALID, *(STUDIES / f"{name}.toml" for name in studies())], ids=lambda f: f.stem
)
def test_a_study_made_of_its_own_values_is_the_same_study(file: Path) -> None:
    study = load(file)
    again = Study.of(study.as_dict(), name=study.name)
    assert again.tables == study.tables
    assert again.as_dict() == study.as_dict()
    assert again.parameters == study.parameters
    assert again.curves.keys() == study.curves.keys()
    assert again.until == study.until


@pytest.mark.parametrize("file", VALID, ids=lambda f: f.stem)
def test_the_values_of_a_study_keep_the_text_of_its_file(file: Path) -> None:
    values = load(file).as_dict()
    for name, treatment in values_of(file.stem).get("treatment", {}).items():
        # A batch that the study names by file is the study's own now.
        values["treatment"][name]["batch"] = treatment["batch"]  # type: ignore[index]
    assert holds(values, values_of(file.stem))


def holds(values: object, written: object) -> bool:
    """Whether values hold all that is written, and perhaps more keys."""
    if isinstance(written, dict) and isinstance(values, dict):
        return all(holds(values[key], inner) for key, inner in written.items())
    if isinstance(written, list) and isinstance(values, list):
        return len(values) == len(written) and all(map(holds, values, written))
    return values == written


def values_of(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / "valid" / f"{name}.toml").read_text(encoding="utf-8"))


def test_a_study_made_in_python_is_refused_as_a_file_is() -> None:
    values = values_of("noise_mouse")
    values["insult"]["course"]["level"] = "100 dB HL"
    with pytest.raises(BadInput, match=r"made: insult\.course\.level: unit is 'dB HL'"):
        Study.of(values, name="made")
    values["insult"]["course"]["level"] = Quantity("100 dB SPL")
    assert Study.of(values).tables.insult["course"].level == 100.0
    values["insult"]["course"]["duration"] = "3 years"
    with pytest.raises(BadInput, match=r"duration: unit 'years' is not known"):
        Study.of(values)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_in_python_too(number: float) -> None:
    values = values_of("noise_mouse")
    values["numbers"] = {"insults.noise.ohc": {"value": "1 1/h", "subjects": number}}
    with pytest.raises(BadInput, match="is not finite"):
        Study.of(values)


def test_a_study_made_in_python_names_files_only_with_a_folder(tmp_path: Path) -> None:
    values = values_of("cisplatin_round_window")
    (batch,) = {
        treatment["batch"] for treatment in values["treatment"].values() if treatment["batch"] != "vehicle"
    }
    lot = (SHIPPED / "batches" / f"{batch}.toml").read_text(encoding="utf-8")
    (tmp_path / "lots").mkdir()
    (tmp_path / "lots" / "mine.toml").write_text(lot, encoding="utf-8")
    for treatment in values["treatment"].values():
        treatment["batch"] = "lots\\mine.toml"
    with pytest.raises(BadInput, match="has no folder"):
        Study.of(values)
    assert "mine" in Study.of(values, folder=tmp_path).tables.batch


@pytest.mark.parametrize(
    "name", ["..\\lots\\a.toml", "../a.toml", "C:\\lots\\a.toml", "\\\\server\\lots\\a.toml", "/etc/passwd"]
)
def test_a_study_reads_no_file_outside_its_folder(name: str, tmp_path: Path) -> None:
    values = values_of("cisplatin_round_window")
    for treatment in values["treatment"].values():
        treatment["batch"] = name
    folder = tmp_path / "studies"
    (tmp_path / "lots").mkdir()
    folder.mkdir()
    for file in (tmp_path / "lots" / "a.toml", tmp_path / "a.toml"):
        file.write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match=r"batch: (lies outside|is not a path from) the study's folder"):
        Study.of(values, folder=folder)


def test_a_study_written_on_windows_is_the_same_study(tmp_path: Path) -> None:
    text = (FOLDER / "valid" / "noise_mouse.toml").read_text(encoding="utf-8")
    file = tmp_path / "windows.toml"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(file).tables == loads(text).tables
    file.write_bytes(text.encode("utf-16"))
    with pytest.raises(BadInput, match=r"is not UTF-8 text.*save it as UTF-8"):
        load(file)


KEYS = [
    (table, key)
    for table in (
        Tables,
        *(table for table in vars(study_tables).values() if table in Table.__subclasses__()),
    )
    for key in table.model_fields
]


@pytest.mark.parametrize(("table", "key"), KEYS, ids=[f"{table.__name__}.{key}" for table, key in KEYS])
def test_every_key_says_what_it_takes_with_examples_that_it_takes(table: type[Table], key: str) -> None:
    field = table.model_fields[key]
    assert field.description
    if "Quantity" not in str(field.annotation) or "dict" in str(field.annotation):
        return
    examples = re.findall(r'\[".*?"\]|"[-0-9][^"]*"', field.description)
    assert examples
    # An age alone may be a single text; what else is listed is always a list.
    several = "list" in str(field.annotation) and key != "age"
    for example in map(json.loads, examples):
        value = [example] if several and isinstance(example, str) else example
        adapter: TypeAdapter[object] = TypeAdapter(Annotated[field.annotation, field])
        assert adapter.dump_python(adapter.validate_python(value)) == value


def packed(count: str) -> dict[str, Any]:
    values = values_of("noise_mouse")
    for use in values["treatment"].values():
        use |= {"amount": count, "volume": "1 uL"}
    return values


def test_spheres_fill_no_more_than_the_densest_packing_of_their_volume() -> None:
    """Kepler: pi / sqrt(18) of a volume; of spheres of 71 nm, the least that the lot's median may be."""
    sphere = 3.141592653589793 / 6 * 71e-6**3
    most = 3.141592653589793 / 18**0.5 / sphere
    Study.of(packed(f"{0.99 * most:.6e} particles"), name="dense")
    with pytest.raises(BadInput, match="does not fit into its volume"):
        Study.of(packed(f"{1.01 * most:.6e} particles"), name="denser")


def test_many_links_are_followed_once_each() -> None:
    """A chain of numbers each linked to all before it: as many steps as links, where paths are without number."""
    study = load("cisplatin_guinea_pig")
    number = next(iter(study.parameters.values()))
    names = [f"a.b.n{k}" for k in range(40)]
    numbers = {
        name: dataclasses.replace(number, name=name, linked=tuple((other, 0.01) for other in names[:k]))
        for k, name in enumerate(names)
    }
    sound: set[str] = set()
    study._check_links(names[-1], numbers, (), sound)
    assert sound == set(names)


def test_as_much_fluid_as_the_body_weighs_is_the_most_that_is_given_at_a_time() -> None:
    """A litre weighs a kilogram."""
    values = values_of("noise_mouse")
    for use in values["treatment"].values():
        use["route"] = "intravenous"
        use.pop("amount", None)
    heaviest = Study.of(values, name="a").species.card.parameter("body_mass", "mouse").high

    def of_litres(litres: float) -> Study:
        for use in values["treatment"].values():
            use["volume"] = f"{litres} L"
        return Study.of(values, name="b")

    with pytest.raises(BadInput, match="would kill the mouse"):
        of_litres(0.99 * heaviest)
    with pytest.raises(BadInput, match="is more than the whole mouse"):
        of_litres(1.01 * heaviest)


@pytest.mark.parametrize(
    ("tables", "key", "cure"),
    [
        (
            {"compare": [{"measure": "abr", "of": "a", "against": "b"}] * 2},
            "compare",
            "write [compare], once",
        ),
        ({"cohort": [{"animals": 2}]}, "cohort", "write [cohort], once"),
        ({"insult": [{"entry": "noise"}]}, "insult", "write [insult.NAME], a name of your own for each"),
        ({"insult": {"blast": [{"entry": "noise"}]}}, "insult.blast", "write [insult.blast], once"),
        (
            {"insult": {"entry": "noise", "at": ["0 h"]}},
            "insult.entry",
            "write [insult.NAME], with a name of your own",
        ),
        ({"arm": {"name": "a"}}, "arm", "write [[arm]] for each"),
        ({"mechanisms": "hsp70"}, "mechanisms", 'write mechanisms = ["hsp70"]'),
    ],
)
def test_a_table_in_the_place_of_a_list_or_a_list_in_that_of_a_table_is_said_how_to_write(tables, key, cure):
    plain = {"otosome": "study/1", "species": "mouse", "arm": [{"name": "a"}]}
    with pytest.raises(BadInput) as refusal:
        tables_of({**plain, **tables}, "study.toml")
    assert refusal.value.key == key
    assert cure in str(refusal.value) and "Input" not in str(refusal.value)


@pytest.mark.parametrize(
    ("read", "text", "cure"),
    [
        (
            parse_record,
            'otosome = "batch/1"\nname = "lot"\nspecification = "a"\n[[detergent]]\n',
            "write [detergent], once",
        ),
        (Meaning.parse, 'otosome = "mapping/1"\n[table]\nfile = "a"\n', "write [[table]] for each"),
    ],
)
def test_files_of_other_kinds_say_it_alike(read: Any, text: str, cure: str) -> None:
    with pytest.raises(BadInput) as refusal:
        read(text.encode() if read is parse_record else text, "file.toml")
    assert cure in str(refusal.value) and "Input" not in str(refusal.value)


def test_a_key_by_the_name_it_had_is_refused_with_its_name_of_now():
    values = tomllib.loads(TEMPLATE.read_text(encoding="utf-8")) | {"preference": {"harms": {"fever": 1.0}}}
    with pytest.raises(BadInput, match=r"preference\.harms: is not a key here.*it is adverse_events now"):
        Study.of(values)
