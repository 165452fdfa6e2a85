"""Sources have standing: what is refused, what becomes assumed, and which results rest on what changed."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import tomli_w
import xarray as xr

from otosome.answers import stored as answers
from otosome.answers.contrast import contrast
from otosome.answers.sources import sources
from otosome.cards import read_source
from otosome.errors import BadInput
from otosome.forward import draw, simulate
from otosome.review.standing import between, changed, check
from otosome.study import (
    Study,
    load,
    loads,
    saves,
)

STUDY = Path(__file__).parent / "studies" / "valid" / "cisplatin_round_window.toml"
TOMBSTONE = 'standing = "withdrawn"\ndate = "2026-11-01"\nreason = "the owner took it back"\n'
RETRACTED = (
    'title = "x"\nlink = "y"\nstanding = "retracted"\ndate = "2026-11-01"\nreason = "figures reused"\n'
)


def stored(study: Study) -> xr.Dataset:
    """What a result folder keeps of one ear: the measures, the study, its sources and its headline."""
    result = simulate(study, draw(study, subjects=1, seed=3))
    compared = contrast(study, result, "abr", "cisplatin + vesicles", "cisplatin")
    answers.write(result, sources=sources(study), headline={"unit": "dB", **vars(compared)})
    return result


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return stored(load(STUDY))


def own(folder: Path, key: str, text: str) -> tuple[Path, ...]:
    """A folder of one's own in which one source is stated anew."""
    (folder / "sources").mkdir(exist_ok=True)
    (folder / "sources" / f"{key}.toml").write_text(text)
    return (folder,)


def resting_on(key: str) -> set[str]:
    return {p.name for p in load(STUDY).parameters.values() if p.source == key}


def test_a_result_stands_on_the_shelves_it_was_made_from(result: xr.Dataset) -> None:
    told = check(result)
    assert told["stands"] and told["changed"] == [] and told["then"] == told["now"]


def test_exactly_the_numbers_resting_on_a_changed_source_are_named(
    result: xr.Dataset, tmp_path: Path
) -> None:
    shelves = own(tmp_path, "salt_2015", (RETRACTED).replace("retracted", "disputed"))
    told = check(result, shelves)
    assert {row["parameter"] for row in told["changed"]} == resting_on("salt_2015") != set()
    assert {row["what"] for row in told["changed"]} == {"standing"}


def test_a_result_that_rests_on_none_of_it_still_stands(result: xr.Dataset, tmp_path: Path) -> None:
    assert resting_on("iso_7029") == set()
    assert check(result, own(tmp_path, "iso_7029", TOMBSTONE))["stands"]


def test_a_withdrawn_number_becomes_assumed_and_wider(tmp_path: Path) -> None:
    before = load(STUDY).parameters
    after = load(STUDY, shelves=own(tmp_path, "salt_2015", TOMBSTONE)).parameters
    for name in resting_on("salt_2015"):
        assert after[name].basis == "assumed" and "withdrawn on 2026-11-01" in after[name].because
        assert after[name].value == before[name].value
        assert after[name].low < before[name].low <= before[name].high < after[name].high


def test_a_tombstone_keeps_nothing_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "gone.toml"
    file.write_text(TOMBSTONE + 'title = "what it was called"\n')
    with pytest.raises(BadInput, match="not a key of a withdrawn source"):
        read_source(file)


def test_a_change_of_standing_says_when_and_why(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text('title = "x"\nlink = "y"\nstanding = "retracted"\n')
    with pytest.raises(BadInput, match="a retracted source states it"):
        read_source(file)


def test_a_retracted_source_is_refused_unless_allowed_by_name(result: xr.Dataset, tmp_path: Path) -> None:
    shelves = own(tmp_path, "liu_neomycin", RETRACTED)
    with pytest.raises(BadInput, match="rests on a retracted source") as refused:
        load(STUDY, shelves=shelves)
    assert "--allow-retracted liu_neomycin" in str(refused.value)
    assert load(STUDY, shelves=shelves, allow_retracted=("liu_neomycin",)).parameters
    assert check(result, shelves)["refused"] == ["liu_neomycin"]


def test_a_number_a_person_pinned_stays_pinned(tmp_path: Path) -> None:
    pin = '\n[numbers."species.guinea_pig.stress_clearance"]\nvalue = "0.5 1/h"\nbasis = "assumed"\nbecause = "mine"\n'
    study = loads(STUDY.read_text() + pin)
    assert check(stored(study))["stands"]


def curve_of(study: Study, **changes: object) -> Study:
    """A study whose scala tympani is as wide as the explicit form of another says."""
    values = tomllib.loads(saves(study))
    values["numbers"] = {}
    stated = values["curves"]["species.guinea_pig.scala_tympani"]
    stated["columns"]["area"] = [1.5 * area for area in stated["columns"]["area"]]
    values["curves"] = {"species.guinea_pig.scala_tympani": stated | changes}
    return loads(tomli_w.dumps(values), study.name)


def test_a_curve_that_changed_since_is_named_and_then_is_computed_with_that_of_then() -> None:
    then = stored(curve_of(load(STUDY), shelf=True))
    told = check(then)
    assert [(row["parameter"], row["what"]) for row in told["changed"]] == [
        ("species.guinea_pig.scala_tympani", "value")
    ]
    assert told["changed"][0]["then"] != told["changed"][0]["now"]
    assert told["then"] != told["now"]


def test_a_curve_a_person_stated_stays_stated() -> None:
    mine = {"shelf": False, "basis": "assumed", "source": "", "because": "mine"}
    assert check(stored(curve_of(load(STUDY), **mine)))["stands"]


def test_a_curve_of_a_retracted_source_is_refused_and_of_a_withdrawn_one_assumed(tmp_path: Path) -> None:
    wave1 = STUDY.with_name("counts_and_wave1.toml")
    with pytest.raises(BadInput, match=r"endpoints\.wave1\.growth: rests on a retracted source"):
        load(wave1, shelves=own(tmp_path, "abr_epl_example", RETRACTED))
    (tmp_path / "later").mkdir()
    study = load(wave1, shelves=own(tmp_path / "later", "abr_epl_example", TOMBSTONE))
    curve = study.curves["endpoints.wave1.growth"]
    assert curve.basis == "assumed" and "withdrawn on 2026-11-01" in curve.because


def test_a_moved_value_moves_the_headline_of_the_best_value_ear(result: xr.Dataset, tmp_path: Path) -> None:
    rows = json.loads(result.attrs["sources"])
    study = load(STUDY)
    harsher = replace(
        study,
        tables=loads(
            STUDY.read_text()
            + '\n[numbers."mechanisms.hsp70.prevent"]\nvalue = "0"\nbasis = "assumed"\nbecause = "x"\n'
        ).tables,
    )
    assert [row["parameter"] for row in changed(rows, [asdict(row) for row in sources(harsher)])] == [
        "mechanisms.hsp70.prevent"
    ]
    told = between(result, stored(harsher))
    assert [row["what"] for row in told["changed"]] == ["source"]
    assert told["now"]["high"] <= told["then"]["high"]


def test_results_of_different_studies_are_not_compared():
    one, other = (
        xr.Dataset(attrs={"headline": json.dumps({"of": of}), "sources": "[]"})
        for of in ("vesicles", "vehicle")
    )
    with pytest.raises(BadInput, match="different studies"):
        between(one, other)
