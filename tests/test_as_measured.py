"""What a sheet's groups are drafted as: nothing becomes vesicles that is none, and vesicles have a comparison."""

import csv

import numpy as np
import pytest

from otosome.errors import BadInput
from otosome.fitting.measured import strain_note
from otosome.jobs import ImportInputs, NewInputs, import_, new
from otosome.study import load, loads


def laboratory(folder, groups, true, **columns):
    """A table of mice with 3 kHz, below the place map, and a baseline in words; and the sheet of its animals.

    ``columns``  of the sheet, the same of all animals
    """
    random = np.random.default_rng(3)
    folder.mkdir()
    lines = ["subject,group,timepoint,freq_hz,threshold_db_spl"]
    for group, mean in true.items():
        for number in range(6):
            own = random.normal(0, 3)
            lines += [
                f"{group}{number},{group},{day},{hertz},{5 * round((level + own + random.normal(0, 2)) / 5)}"
                for day, level in (("baseline", 25.0), ("14d", mean))
                for hertz in (3000, 8000, 16000)
            ]
    (folder / "abr.csv").write_text("\n".join(lines) + "\n")
    names = ("subject", "group", "species", "insult", "insult_dose", "treatment", "dose")
    sheet = [
        {**dict(zip(names, (f"{group}{number}", group, "mouse", *facts), strict=True)), **columns}
        for group, facts in groups.items()
        for number in range(6)
    ]
    with (folder.parent / "animals.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, sheet[0])
        writer.writeheader()
        writer.writerows(sheet)
    return folder


def imported(tmp_path, groups, true, **columns):
    """The folder of an import of a table and its sheet."""
    source, out = laboratory(tmp_path / "exports", groups, true, **columns), tmp_path / "imported"
    import_(ImportInputs(paths=(source,), animals=tmp_path / "animals.csv", out=out))
    return out


def drafted(tmp_path, groups, true):
    """The text of the study that is drafted, and the folder of the import."""
    out = imported(tmp_path, groups, true)
    new(NewInputs(kind="fit", source=out, out=tmp_path / "study.toml"))
    return (tmp_path / "study.toml").read_text(), out


def test_a_drug_is_not_drafted_as_vesicles(tmp_path):
    groups = {
        "dex": ("noise", "100 dB SPL", "dexamethasone", ""),
        "bare": ("noise", "100 dB SPL", "none", ""),
    }
    study, _ = drafted(tmp_path, groups, {"dex": 40.0, "bare": 50.0})
    assert "[treatment" not in study and "[compare" not in study
    assert "given nothing for it: dexamethasone of dex." in study


@pytest.mark.parametrize(("treatment", "batch"), [("PBS", "vehicle"), ("none", None)])
def test_vesicles_are_compared_with_the_vehicle_or_else_with_nothing(tmp_path, treatment, batch):
    groups = {
        "evs": ("noise", "100 dB SPL", "MSC-EVs", "2 uL"),
        "other": ("noise", "100 dB SPL", treatment, "2 uL" if batch else ""),
    }
    study, _ = drafted(tmp_path, groups, {"evs": 40.0, "other": 50.0})
    assert 'of = "evs"' in study and 'against = "other"' in study
    assert ('batch = "vehicle"' in study) == (batch is not None)


def test_the_groups_of_a_paper_stand_in_the_order_of_the_sheet_behind_the_vehicle(tmp_path):
    groups = {
        "zeta": ("noise", "100 dB SPL", "MSC-EVs", "2 uL"),
        "alpha": ("noise", "100 dB SPL", "exosomes", "4 uL"),
        "carrier": ("noise", "100 dB SPL", "saline", "2 uL"),
    }
    _, out = drafted(tmp_path, groups, {"zeta": 40.0, "alpha": 45.0, "carrier": 55.0})
    with (out / "groups.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(dict.fromkeys(row["group"] for row in rows)) == ["carrier", "zeta", "alpha"]
    last = {row["group"]: float(row["mean"]) for row in rows if row["against"] and row["time"] == "14 d"}
    # Six animals with a level of their own of 3 dB, and steps of 5 dB.
    assert last == pytest.approx({"zeta": -15.0, "alpha": -10.0}, abs=5.0)
    assert {row["time"] for row in rows} == {"baseline", "14 d"}
    assert (out / "groups.svg").is_file() and (out / "groups.pdf").is_file()


def test_an_import_without_a_group_is_refused_with_the_cure(tmp_path):
    source = laboratory(tmp_path / "exports", {"a": ("none", "", "", "")}, {"a": 30.0})
    out = tmp_path / "imported"
    import_(ImportInputs(paths=(source,), out=out))
    with pytest.raises(BadInput, match="no animals") as refusal:
        new(NewInputs(kind="fit", source=out, out=tmp_path / "study.toml"))
    assert "otosome new animals" in str(refusal.value) and "--animals" in str(refusal.value)


@pytest.mark.parametrize(
    ("columns", "strain", "says"),
    [
        ({"strain": "CBA/JRj"}, "cba_jrj", "CBA/JRj is taken as cba_jrj"),
        ({"strain": "C57BL/6J", "species": "Mouse"}, "c57bl6", "C57BL/6J is taken as c57bl6"),
        ({"strain": "CBA/J"}, None, "CBA/J is no entry of the shelf"),
        ({"sex": "F"}, None, "sex has no part in a study"),
    ],
)
def test_every_word_of_the_sheet_acts_or_is_said_not_to(tmp_path, columns, strain, says):
    out = imported(tmp_path, {"a": ("Noise", "100 dB SPL", "None", "")}, {"a": 50.0}, **columns)
    begun = new(NewInputs(kind="fit", source=out, out=tmp_path / "study.toml"))
    study = load(tmp_path / "study.toml")
    assert study.tables.strain == strain
    assert study.tables.insult["noise_100_db_spl"].entry == "noise"
    assert any(says in note for note in begun.as_dict()["notes"])


def test_strains_of_two_groups_are_no_one_strain(tmp_path):
    out = imported(
        tmp_path, {"a": ("noise", "100 dB SPL", "", ""), "b": ("none", "", "", "")}, {"a": 50.0, "b": 20.0}
    )
    sheet = (out / "animals.csv").read_text().split("\n")
    column = sheet[0].split(",").index("strain")
    rows = [line.split(",") for line in sheet if line]
    for row in rows[1:]:
        row[column] = "CBA/CaJ" if row[0].startswith("a") else "CBA/JRj"
    (out / "animals.csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    begun = new(NewInputs(kind="fit", source=out, out=tmp_path / "study.toml"))
    study = load(tmp_path / "study.toml")
    assert study.tables.strain is None
    assert any("several strains, CBA/CaJ, CBA/JRj" in note for note in begun.about)
    assert any("says CBA/CaJ, CBA/JRj" in note for note in strain_note(study, out))


def test_a_study_of_another_strain_than_the_readings_says_so(tmp_path):
    out = imported(tmp_path, {"a": ("noise", "100 dB SPL", "", "")}, {"a": 50.0}, strain="CBA/JRj")
    new(NewInputs(kind="fit", source=out, out=tmp_path / "study.toml"))
    text = (tmp_path / "study.toml").read_text()
    drafted_as = load(tmp_path / "study.toml")
    assert strain_note(drafted_as, out) == []
    none, other = (
        loads(text.replace('"cba_jrj"', own) if own else text.replace('strain = "cba_jrj"', ""))
        for own in ("", '"cba_caj"')
    )
    assert "CBA/JRj, and the study names none" in strain_note(none, out)[0]
    assert "CBA/JRj, and the study is of cba_caj" in strain_note(other, out)[0]


def test_what_no_table_told_is_said_until_it_is_set(tmp_path):
    out = imported(tmp_path, {"a": ("noise", "100 dB SPL", "", "")}, {"a": 50.0})
    file = tmp_path / "study.toml"
    begun = new(NewInputs(kind="fit", source=out, out=file))
    assert {"duration", "band"} <= set(begun.untold)
    (note,) = (note for note in load(file).notes if note.startswith("Left as drafted"))
    assert "duration, band of [insult.noise_100_db_spl]" in note and "study.toml" in note
    text = file.read_text()
    file.write_text(text.replace('duration = "2 h"  # not in the tables: set it', 'duration = "1 h"'))
    (note,) = (note for note in load(file).notes if note.startswith("Left as drafted"))
    assert "duration" not in note and "band of [insult.noise_100_db_spl]" in note
    file.write_text(text.replace("  # not in the tables: set it", ""))
    assert not [note for note in load(file).notes if note.startswith("Left as drafted")]


def test_an_animal_without_a_group_is_said_when_it_is_read(tmp_path):
    source = laboratory(tmp_path / "exports", {"a": ("none", "", "", "")}, {"a": 30.0})
    sheet = (tmp_path / "animals.csv").read_text()
    (tmp_path / "animals.csv").write_text(sheet.replace("a3,a,", "a3,,"))
    done = import_(ImportInputs(paths=(source,), animals=tmp_path / "animals.csv", out=tmp_path / "imported"))
    assert "Without a group in animals.csv, so in none: a3." in done.notes
    begun = new(NewInputs(kind="fit", source=tmp_path / "imported", out=tmp_path / "study.toml"))
    assert any(note.endswith("so in no arm: a3.") for note in begun.about)
