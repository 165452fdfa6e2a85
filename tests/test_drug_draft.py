"""A study drafted from a table of concentrations: its limit, and which of its lines are to be set."""

import numpy as np
import pandas as pd
import pytest

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.jobs.drafting import _own_solute
from otosome.laboratory.drug_draft import TO_SET, _limit, _marked, draft_drug
from otosome.laboratory.file import Export
from otosome.laboratory.mapping import Meaning
from otosome.laboratory.reading import contents, readings_of
from otosome.study import loads


def rows(*below: float) -> pd.DataFrame:
    """A sample above the limit, and some below limits."""
    values = [7.0, *below]
    return pd.DataFrame(
        {"value": values, "censored": ["none"] + ["below"] * len(below), "unit": ["ug/uL"] * len(values)}
    )


@pytest.mark.parametrize(
    ("below", "limit"),
    [
        ((), {}),
        ((0.02,), {"limit": "0.02 ug/uL"}),
        ((0.02, 0.02), {"limit": "0.02 ug/uL"}),
        ((0.02, 0.03), {}),
    ],
)
def test_a_limit_is_stated_where_all_samples_below_one_have_the_same(below, limit):
    assert _limit(rows(*below)) == limit


TEXT = """species = "mouse"
amount = "1 mg/kg"
concentration = "4 mg/mL"
volume = "5 uL"
at = ["0 h"]"""


@pytest.mark.parametrize(
    ("untold", "marked"),
    [([], []), (["species"], [0]), (["dose"], [1, 2]), (["volume", "species"], [0, 3])],
)
def test_the_lines_that_the_table_does_not_tell_are_marked_and_no_other(untold, marked):
    lines = _marked(TEXT, untold).split("\n")
    assert [i for i, line in enumerate(lines) if line.endswith(f"  # {TO_SET}")] == marked
    assert [line.removesuffix(f"  # {TO_SET}") for line in lines] == TEXT.split("\n")


# ---------------------------------------------------------------- headers as laboratories write them

BODY = "gp1,perilymph,basal,0.5,10,31.2\ngp2,perilymph,basal,4,10,<2.1\ngp1,plasma,,0.5,,0.05\n"


def readings(tmp_path, head, body=BODY):
    (tmp_path / "pk.csv").write_text(f"{head}\n{body}", encoding="utf-8")
    return readings_of(tmp_path / "pk.csv", Catalog())


@pytest.mark.parametrize(
    ("head", "drug", "times"),
    [
        ("animal,compartment,turn,time_h,volume_ul,concentration_ug_ml", "drug", 1.0),
        ("Animal,Sample,Turn,Time (h),Volume (uL),Otocaine (ug/mL)", "otocaine", 1.0),
        ("Animal ID,Matrix,Place,Time [min],Sample volume (µL),Otocaine conc. (µg/ml)", "otocaine", 1 / 60),
        ("mouse_id,fluid,site,time_min,vol_ul,conc_ug_ml", "drug", 1 / 60),
    ],
)
def test_a_table_is_read_under_the_headers_of_a_laboratory(tmp_path, head, drug, times):
    table = readings(tmp_path, head)
    assert list(table["quantity"]) == [f"{drug}.perilymph", f"{drug}.perilymph", f"{drug}.plasma"]
    assert table["value"].tolist() == pytest.approx([31.2e-3, 2.1e-3, 0.05e-3], rel=1e-12)
    assert table["censored"].tolist() == ["none", "below", "none"]
    assert table["time"].tolist() == pytest.approx([0.5 * times, 4 * times, 0.5 * times], rel=1e-12)
    assert table["place"].tolist()[:2] == [0.1, 0.1] and np.isnan(table["place"].iloc[2])
    assert table["flag"].str.contains("sample of 10 uL").tolist() == [True, True, False]


@pytest.mark.parametrize(("unit", "value"), [("uM", 31.2), ("nM", 0.0312), ("mM", 31200.0), ("umol/L", 31.2)])
def test_what_is_a_length_elsewhere_is_molar_in_a_table_of_samples(tmp_path, unit, value):
    table = readings(tmp_path, f"animal,sample,turn,time (h),volume (ul),otocaine ({unit})")
    assert (table["value"].iloc[0], table["unit"].iloc[0]) == (pytest.approx(value, rel=1e-12), "uM")


@pytest.mark.parametrize(
    "head",
    [
        "animal,tissue,side,time_h,slice,thickness (um)",
        "animal,sample,turn,time_h,otocaine (ug/mL),metabolite (ug/mL)",
    ],
)
def test_a_table_of_lengths_or_of_two_drugs_is_not_guessed_at(tmp_path, head):
    with pytest.raises(BadInput, match="table of unknown meaning"):
        readings(tmp_path, head)


def test_a_table_of_a_drug_that_is_not_read_is_told_the_plain_header(tmp_path):
    with pytest.raises(BadInput, match="name the columns animal, time_h, compartment, concentration_ug_ml"):
        readings(tmp_path, "who,what,turn,when,volume,otocaine (ug/mL)")


MAPPED = """
otosome = "mapping/1"
[[table]]
columns = ["who", "what", "turn", "when", "volume", "level"]
subject = "who"
time = "when"
times = {"0.5" = "0.5 h", "4" = "4 h"}
[table.column.level]
quantity = "concentration"
unit = "ug/mL"
fluid = "what"
solute = "otocaine"
"""


def test_a_mapping_says_what_is_a_concentration_and_of_which_fluid(tmp_path):
    (tmp_path / "pk.csv").write_text(f"who,what,turn,when,volume,level\n{BODY}", encoding="utf-8")
    (tmp_path / "m.toml").write_text(MAPPED, encoding="utf-8")
    meaning = Meaning.read(tmp_path / "m.toml")
    table = contents(Export.open(tmp_path / "pk.csv"), Catalog(), meaning).tables.readings
    assert list(table["quantity"]) == ["otocaine.perilymph"] * 2 + ["otocaine.plasma"]
    assert table["value"].tolist() == pytest.approx([31.2e-3, 2.1e-3, 0.05e-3], rel=1e-12)
    assert table["censored"].tolist() == ["none", "below", "none"]
    (tmp_path / "m.toml").write_text(MAPPED.replace('fluid = "what"\n', ""), encoding="utf-8")
    with pytest.raises(BadInput, match=r"table 1\.column\.level.*fluid.*is of a fluid"):
        Meaning.read(tmp_path / "m.toml")


# ---------------------------------------------------------------- samples, as they were drawn


def drafted(tmp_path, body, head="animal,drug,compartment,turn,time_h,volume_ul,concentration_ug_ml"):
    table = readings(tmp_path, head, body)
    text = draft_drug(tmp_path / "pk.csv", table, "dexamethasone", Catalog(), "s.toml").text
    return loads(text, "s.toml"), text


def given(*samples, drug="dexamethasone"):
    rows = [f"{animal},{drug},perilymph,{turn},{time},{volume},5" for animal, turn, time, volume in samples]
    return "\n".join(rows) + "\n"


def drawn(study):
    return {
        name: ([float(at) for at in use.at], float(use.volume), use.place, use.animals)
        for name, use in study.tables.sample.items()
    }


def test_a_sample_each_is_drafted_as_of_animals_of_their_own_in_the_volume_drawn(tmp_path):
    study, text = drafted(
        tmp_path, given(("a", "basal", 0.5, 10), ("b", "basal", 4, 10), ("c", "basal", 4, 10))
    )
    assert drawn(study) == {"perilymph": ([0.5, 4.0], 10.0, None, "each")}
    assert study.tables.measure["in_perilymph"].sample == "perilymph"
    assert study.until > 4.0, "a sample that takes time ends within the study"
    assert f'duration = "1 min"  # {TO_SET}' in text, (
        "no table says how long it is drawn, and much depends on it"
    )
    assert f'volume = "10 uL"  # {TO_SET}' not in text, "the table says what was drawn"
    assert f'volume = "5 uL"  # {TO_SET}' in text, "and not in what volume the drug was given"


def test_animals_of_like_schedule_share_it_and_others_have_their_own(tmp_path):
    body = given(
        *(("a", "basal", 1, 2), ("a", "basal", 4, 2), ("b", "basal", 1, 2), ("b", "basal", 4, 2)),
        *(("c", "apical", 2, 1), ("c", "basal", 4, 2)),
    )
    assert drawn(drafted(tmp_path, body)[0]) == {
        "perilymph_1": ([1.0, 4.0], 2.0, None, "schedule 1"),
        "perilymph_2": ([2.0], 1.0, 0.9, "schedule 2"),
        "perilymph_3": ([4.0], 2.0, None, "schedule 2"),
    }


def test_a_place_without_a_volume_is_read_there_and_a_volume_beside_doses_is_theirs(tmp_path):
    study, _ = drafted(tmp_path, given(("a", "middle", 1, ""), ("b", "middle", 2, "")))
    assert (study.tables.measure["in_perilymph"].place, study.tables.sample) == (0.5, {})
    head = "animal,drug,compartment,turn,time_h,volume_ul,concentration_ug_ml,dose"
    body = given(("a", "", 1, 5), ("b", "", 2, 5)).replace(",5\n", ",5,4 mg/mL\n")
    study, _ = drafted(tmp_path, body, head)
    assert study.tables.sample == {}
    assert float(study.tables.drug["dose"].volume) == 5.0


@pytest.mark.parametrize(
    ("own", "name"), [([], "my_drug"), (["otocaine"], "otocaine"), (["otocaine", "other"], "my_drug")]
)
def test_a_drug_that_its_table_does_not_name_is_the_only_one_of_the_folder(tmp_path, own, name):
    for stem in own:
        (tmp_path / "shelves" / "solutes").mkdir(parents=True, exist_ok=True)
        (tmp_path / "shelves" / "solutes" / f"{stem}.toml").write_text("", encoding="utf-8")
    assert _own_solute(tmp_path) == name
