"""A certificate shows every number that its decision rests on: no number of a record moves it unseen."""

from __future__ import annotations

import re
import tomllib

import numpy as np
import pandas as pd
import pytest
import tomli_w
from typer.testing import CliRunner

from lots import LABEL, counts, record, wells
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.reading import read_particles
from otosome.lots.assessment import assess
from otosome.lots.counted import _profile
from otosome.lots.plate import Reading as PlateReading
from otosome.lots.plate import layout_text, read_plate
from otosome.lots.potency import Run, _stated
from otosome.lots.sizes import size_density
from otosome.lots.values import lot_values
from otosome.report.certificate import counted, grounds, heads, runs
from otosome.report.lot import certificate
from otosome.results.files import with_units
from otosome.shelves.instruments.nanosight import NanoSight
from otosome.units import convert

CATALOG = Catalog()
SPECIFICATION = {
    "about": "My own.",
    "label": ["particles"],
    **{
        key: {"meaning": key, "value": value, "basis": "assumed", "because": f"reason of {key}"}
        for key, value in {
            "particles": "30 %", "purity_least": "1e9 particles/ug", "size_window_least": "80 %",
            "window_low": "41 nm", "window_high": "307 nm", "potency_least": "0.51",
            "consumer_risk": "4.5 %", "producer_risk": "3.5 %", "not_vesicles_most": "35 %",
        }.items()
    },
}  # fmt: skip
ASKED = {"file": "plate.csv", "reference": "standard", "sample": "ours", "mechanisms": ["hsp70"]}


def lot(folder, **changes):
    """A lot whose dilutions, protein, label and windows are its record's and its specification's."""
    folder.mkdir(exist_ok=True)
    for n in range(2):
        counts(folder / f"count_{n}.csv", LABEL, seed=n, recorded=False)
    counts(folder / "before.csv", LABEL, seed=5)
    counts(folder / "after.csv", LABEL / 5, seed=6)
    wells(folder / "plate.csv", 0.8, names=("standard", "ours"))
    (folder / "mine.toml").write_text(tomli_w.dumps(changes.pop("limits", SPECIFICATION)), encoding="utf-8")
    file = record(folder, days=0)
    values = tomllib.loads(file.read_text(encoding="utf-8")) | {
        "count": [
            {"file": f"count_{n}.csv", "dilution": 1000.0, "day": f"2026-01-0{n + 1}"} for n in range(2)
        ],
        "specification": "mine.toml",
        "protein": "40 ug/mL +/- 10 %",
        "detergent": {"before": "before.csv", "after": "after.csv"},
        "assay": [ASKED],
        "findings": {},
        **changes,
    }
    file.write_text(tomli_w.dumps(values), encoding="utf-8")
    return file


def text_of(file):
    values = lot_values(assess(file, CATALOG))
    body = certificate(values).split("</head>")[1]
    return values, re.sub(r"<[^>]*>", " ", body).replace("&#39;", "'")


def test_every_number_that_a_decision_rests_on_stands_on_its_certificate(tmp_path):
    """Each number of the specification and of the record, moved alone: where a result moves, its new value is shown."""
    file = lot(tmp_path / "lot")
    before, page = text_of(file)
    for key, number in SPECIFICATION.items():
        if isinstance(number, dict):
            shown = "30" if key == "particles" else number["value"]
            assert shown in page, key
            other = {"particles": "29 %", "window_low": "43 nm", "window_high": "299 nm"}.get(
                key,
                f"{float(number['value'].split()[0]) * 0.9:g} {' '.join(number['value'].split()[1:])}".strip(),
            )
            limits = SPECIFICATION | {key: number | {"value": other}}
            (tmp_path / "lot" / "mine.toml").write_text(tomli_w.dumps(limits), encoding="utf-8")
            _, moved = text_of(file)
            assert moved != page and other.removesuffix(" %") in moved, key
    (tmp_path / "lot" / "mine.toml").write_text(tomli_w.dumps(SPECIFICATION), encoding="utf-8")
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    dilutions = [values["count"][0] | {"dilution": 1037.0}, values["count"][1]]
    for change, shown in (
        ({"count": dilutions}, "1,040"),
        ({"protein": "43 ug/mL +/- 12 %"}, "43 ug/mL +/- 12 %"),
        ({"label": "3.9e11 particles/mL"}, "3.9e11 particles/mL"),
    ):
        file.write_text(tomli_w.dumps(values | change), encoding="utf-8")
        after, moved = text_of(file)
        assert after["tests"] != before["tests"]
        assert shown in moved or shown.replace(",", "") in moved or "1037" in moved


def test_each_file_of_counts_is_shown_with_its_dilution_and_who_states_it(tmp_path):
    values, _ = text_of(lot(tmp_path / "lot"))
    rows = {row[0]: row for row in counted(values)}
    assert rows["count_0.csv"][3] == "1000, by the record"
    assert rows["before.csv (before detergent)"][3] == "1000, by its file"
    mean = assess(tmp_path / "lot" / "lot.toml", CATALOG).counts[0].counts().mean()
    assert (
        rows["count_0.csv"][4]
        == f"{convert(mean, 'particles/uL', 'particles/mL'):.3g} particles/mL, 5 videos"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("Concentration,OK", "Concentration,Low concentration", "Concentration: Low concentration (video 1)"),
        ("Vibration detected,No,No", "Vibration detected,No,High vibration", "High vibration (video 2)"),
    ],
)
def test_every_warning_of_the_instrument_stands_on_the_certificate(tmp_path, old, new, words):
    """Videos have the numbers of the file, whichever are left out."""
    file = record(tmp_path, days=1)
    text = (tmp_path / "lot_0.csv").read_text(encoding="utf-8")
    assert old in text
    text = text.replace(old, new, 1).replace("surement,OK,OK,OK", "surement,OK,OK,Unreliable")
    (tmp_path / "lot_0.csv").write_text(text, encoding="utf-8")
    values, page = text_of(file)
    assert words in page and words in counted(values)[0][5]
    assert "video 3" in page and values["counted"][0]["videos"] == [1, 2, 4, 5]


def test_files_of_several_samples_or_of_another_day_are_pooled_only_with_a_word(tmp_path):
    file = record(tmp_path, days=2)
    assert text_of(file)[0]["doubts"] == []
    name = "otosome example video 0"
    text = (tmp_path / "lot_1.csv").read_text(encoding="utf-8")
    text = text.replace("Sample Description,otosome example", "Sample Description,another")
    for video in range(5):
        text = text.replace(f"otosome example video {video}", f"v{video} 2026-02-01 11-37-2{video}")
    assert name not in text
    (tmp_path / "lot_1.csv").write_text(text, encoding="utf-8")
    _, page = text_of(file)
    assert "name 2 samples" in page and "otosome example, another" in page
    assert "says that it was measured on 2026-02-01; lot.toml says 2026-01-02" in page
    done = CliRunner().invoke(
        app,
        [
            "new",
            "batch",
            *(str(tmp_path / f"lot_{n}.csv") for n in (0, 1)),
            "--out",
            str(tmp_path / "n.toml"),
        ],
    )
    assert done.exit_code == 0 and "name 2 samples" in done.stderr
    written = (tmp_path / "n.toml").read_text(encoding="utf-8")
    assert 'day = "2026-02-01"  # as the file says' in written and "name 2 samples" in written


@pytest.mark.parametrize(
    ("captured", "day"),
    [("11:36:53  18/09/2020", "2020-09-18"), ("11:36:53 09/18/2020", "2020-09-18"), ("11:36:53 03/04/2020", ""),
     ("11:36:53 04/04/2020", "2020-04-04"), ("", "")],
)  # fmt: skip
def test_a_day_that_can_be_read_two_ways_is_not_taken(tmp_path, captured, day):
    counts(tmp_path / "a.csv")
    text = (
        (tmp_path / "a.csv")
        .read_text(encoding="utf-8")
        .replace("Time Captured,", f"Time Captured,{captured}")
    )
    particles = NanoSight.read(Export("a.csv", text.encode())).particles
    assert {recorded[:10] for recorded in particles["recorded"]} == {day}


def test_counts_without_a_day_are_of_the_days_that_their_files_say(tmp_path):
    file = record(tmp_path, days=3)
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    values["count"] = [{"file": count["file"]} for count in values["count"]]
    file.write_text(tomli_w.dumps(values), encoding="utf-8")
    assert assess(file, CATALOG).counted.days == 1
    for n in range(3):
        place = tmp_path / f"lot_{n}.csv"
        text = place.read_text(encoding="utf-8")
        text = text.replace("Time Captured,", f"Time Captured,10:00:00 {20 + n}/09/2020")
        place.write_text(text, encoding="utf-8")
    assert assess(file, CATALOG).counted.days == 3


def test_where_all_files_of_counts_are_left_out_the_test_says_why(tmp_path):
    file = record(tmp_path, days=1)
    text = (tmp_path / "lot_0.csv").read_text(encoding="utf-8")
    text = text.replace("surement,OK,OK,OK,OK,OK", "surement" + ",Unreliable" * 5)
    (tmp_path / "lot_0.csv").write_text(text, encoding="utf-8")
    (verdict,) = [v for v in assess(file, CATALOG).verdicts if v.test == "particles"]
    assert verdict.decision == "cannot decide"
    assert "lot_0.csv is left out" in verdict.reason and "Unreliable" in verdict.reason
    assert "add a [[count]]" not in verdict.reason


def test_numbers_of_a_test_are_in_the_unit_of_its_limit(tmp_path):
    values, _ = text_of(lot(tmp_path / "lot"))
    by = {test["test"]: test for test in values["tests"]}
    assert by["purity"]["limits"][0] == pytest.approx(1e9) and by["purity"]["unit"] == "particles/ug"
    assert by["size_window"]["limits"][0] == pytest.approx(80) and by["size_window"]["unit"] == "%"
    assert by["particles"]["limits"] == pytest.approx([0.7 * LABEL, 1.3 * LABEL])
    assert by["particles"]["unit"] == "particles/mL"


def test_ones_own_limits_are_the_specifications_and_no_assumption(tmp_path):
    _, page = text_of(lot(tmp_path / "lot"))
    assert "assumed" not in page
    for key in ("purity_least", "consumer_risk", "particles"):
        assert f"mine: reason of {key}" in page


def test_a_density_of_sizes_holds_all_particles_whatever_the_bins(tmp_path):
    """A trapezoid over the drawn points is the count, of fine bins and of typed ones of unequal width."""
    counts(tmp_path / "fine.csv")
    typed = "diameter (nm),concentration (particles/mL)\n" + "".join(
        f"{d},{w * np.exp(-(((d - 120) / 40) ** 2)) * 1e8}\n"
        for d, w in zip(
            (40, 60, 80, 100, 120, 140, 170, 200, 240, 300), (20,) * 6 + (30, 35, 50, 60), strict=True
        )
    )
    (tmp_path / "typed.csv").write_text(typed, encoding="utf-8")
    for name in ("fine.csv", "typed.csv"):
        table = read_particles(Export.open(tmp_path / name), CATALOG).table
        total = (
            table["concentration"].sum()
            / table["replicate"].nunique()
            * convert(1, "particles/uL", "particles/mL")
        )
        diameter, density = size_density(table)
        assert diameter.size <= 150
        assert np.trapezoid(density, diameter) == pytest.approx(total, rel=0.03)


def test_imported_sizes_name_their_units_and_are_read_again(tmp_path):
    counts(tmp_path / "a.csv")
    once = read_particles(Export.open(tmp_path / "a.csv"), CATALOG).table
    table = with_units(once)
    assert {"diameter (nm)", "concentration (particles/mL)"} < set(table.columns)
    table.to_csv(tmp_path / "again.csv", index=False)
    again = read_particles(Export.open(tmp_path / "again.csv"), CATALOG).table
    columns = ["replicate", "diameter", "concentration"]
    pd.testing.assert_frame_equal(
        again[columns].astype(float), once[columns].astype(float), rtol=1e-9, check_like=True
    )


@pytest.mark.parametrize("corner", ["B4", "H12", "P24", "AF48"])
def test_a_layout_to_fill_in_has_every_well_and_is_read_once_it_is_filled(corner):
    rows = ["A", *([corner[:-1].rstrip("0123456789")] if corner else [])]
    last = int(re.sub(r"\D", "", corner))
    samples = {f"{row}{column}": "" for row in rows for column in range(1, last + 1)} | {
        "A1": "blank, of <all>"
    }
    text = layout_text(samples)
    lines = text.splitlines()
    assert lines[0] == "sample" and lines[1].split(",")[-1] == str(last)
    assert lines[2].startswith("A,blank  of <all>,")
    dosed = text.replace("\nA,", "\nA,", 1).splitlines()
    row = dosed.index("dose (ug/mL)") + 2
    dosed[row] = "A," + ",".join(str(n) for n in range(1, last + 1))
    dosed[2] = "A," + ",".join("lot" for _ in range(last))
    responses = dict.fromkeys(samples, 1.0)
    layout = Export("layout.csv", "\n".join(dosed).encode())
    plate = read_plate(Export("p", b""), PlateReading(responses=responses, layout=layout))
    assert [well.well for well in plate.wells] == [f"A{n}" for n in range(1, last + 1)]


def test_a_reader_export_brings_a_layout_and_an_earlier_one_stays(tmp_path):
    bmg = (
        "Test name: X\n\nID1: x,ID2: Plate 1\nAbsorbance\n\nRaw Data (450 1)\n\n,1,2\nA,0.1,0.2\nB,0.3,0.4\n"
    )
    (tmp_path / "plate.csv").write_text(bmg, encoding="utf-8")
    asked = ["new", "batch", str(tmp_path / "plate.csv"), "--out"]
    done = CliRunner().invoke(app, [*asked, str(tmp_path / "lot.toml")])
    assert done.exit_code == 0 and "plate_layout.csv" in done.stdout and "needs no dose" in done.stderr
    assert 'layout = "plate_layout.csv"' in (tmp_path / "lot.toml").read_text(encoding="utf-8")
    (tmp_path / "plate_layout.csv").write_text("mine", encoding="utf-8")
    assert CliRunner().invoke(app, [*asked, str(tmp_path / "other.toml")]).exit_code == 0
    assert (tmp_path / "plate_layout.csv").read_text(encoding="utf-8") == "mine"


def test_what_new_batch_leaves_out_is_told_on_the_screen(tmp_path):
    counts(tmp_path / "a.csv")
    (tmp_path / "sizes.csv").write_text("size;amount\n" + "1;2\n" * 12, encoding="utf-8")
    both = [str(tmp_path / name) for name in ("a.csv", "sizes.csv")]
    done = CliRunner().invoke(app, ["new", "batch", *both, "--out", str(tmp_path / "lot.toml")])
    assert done.exit_code == 0
    assert '"sizes.csv" is left out' in done.stderr and "diameter (nm)" in done.stderr


def test_a_run_is_shown_with_the_limits_of_its_checks(tmp_path):
    values, page = text_of(lot(tmp_path / "lot"))
    (line,) = runs(values)
    assert line in page and "ours beside standard, assay four_parameter" in line
    for check in values["potency"]["hsp70"]["runs"][0]["checks"]:
        assert check["name"] in line
    assert "allowed" in line


def test_heads_and_grounds_hold_protein_and_both_accepted_risks(tmp_path):
    values, _ = text_of(lot(tmp_path / "lot"))
    assert dict(heads(values))["Protein"] == "40 ug/mL +/- 10 %"
    assert "4.5 %, mine: reason of consumer_risk" in grounds(values)[0]
    assert "3.5 %, mine: reason of producer_risk" in grounds(values)[0]


@pytest.mark.parametrize("lost", ["undiluted", "unreadable"])
def test_a_control_with_detergent_that_cannot_be_used_says_why_and_stops_nothing(tmp_path, lost):
    file = lot(tmp_path / "lot")
    if lost == "undiluted":
        counts(tmp_path / "lot" / "after.csv", LABEL / 5, recorded=False)
    else:
        (tmp_path / "lot" / "after.csv").write_text("NTA Experiment Summary File\ncut", encoding="utf-8")
    by = {verdict.test: verdict for verdict in assess(file, CATALOG).verdicts}
    assert by["not_vesicles"].decision == "cannot decide" and "after.csv" in by["not_vesicles"].reason
    assert by["purity"].decision == "release"
    assert "dilution_after = 1000.0" in by["not_vesicles"].reason or lost == "unreadable"


def test_typed_sizes_are_drawn_without_gaps_between_their_bins():
    """Bins of unequal width: each is drawn as its count over its width, and none between them as nothing."""
    size = np.array([40.0, 60, 80, 100, 150, 200]) * convert(1.0, "nm", "mm")
    drawn = _profile(size, np.array([20.0, 20, 20, 35, 50, 50]))
    assert drawn["diameter"] == pytest.approx([40, 60, 80, 100, 150, 200])
    assert np.ptp(drawn["concentration"]) == pytest.approx(0, abs=1e-3 * max(drawn["concentration"]))


@pytest.mark.parametrize(("dose", "read"), [(1e-31, False), (1e-30, True), (1e30, True), (1.1e30, False)])
def test_a_dose_that_nobody_gives_is_refused_by_its_well(dose, read):
    plate = Export("p.csv", f"well,sample,dose,unit,response\nA1,lot,{dose:g},ug/mL,1\n".encode())
    if read:
        assert read_plate(plate).wells[0].dose == dose
        return
    with pytest.raises(BadInput, match="well A1: its dose is none that is ever measured"):
        read_plate(plate)


@pytest.mark.parametrize(("fold", "stated"), [(0.9e9, True), (1.1e9, False)])
def test_a_shift_that_may_be_a_billionfold_is_none(fold, stated):
    run = Run("run", *(np.array([1.0]),) * 4)
    for ends in ((-np.log(fold), 0.0), (0.0, np.log(fold))):
        assert bool(_stated(run, (), 0.0, 0.1, ends, 3).refused) is not stated
