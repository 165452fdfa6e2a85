"""What a sheet's groups are drafted as: nothing becomes vesicles that is none, and vesicles have a comparison."""

import csv

import numpy as np
import pytest

from otosome.errors import BadInput
from otosome.jobs import ImportInputs, NewInputs, import_, new


def laboratory(folder, groups, true):
    """A table of mice with 3 kHz, below the place map, and a baseline in words; and the sheet of its animals."""
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
        dict(zip(names, (f"{group}{number}", group, "mouse", *facts), strict=True))
        for group, facts in groups.items()
        for number in range(6)
    ]
    with (folder.parent / "animals.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(sheet)
    return folder


def drafted(tmp_path, groups, true):
    """The text of the study that is drafted, and the folder of the import."""
    source, out = laboratory(tmp_path / "exports", groups, true), tmp_path / "imported"
    import_(ImportInputs(paths=(source,), animals=tmp_path / "animals.csv", out=out))
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
    with pytest.raises(BadInput, match="no animals"):
        new(NewInputs(kind="fit", source=out, out=tmp_path / "study.toml"))
