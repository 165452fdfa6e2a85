"""Plates as people have them: below a blank, grids and layouts, readers' exports, decimal commas, other columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lots import record
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.lots.assessment import assess
from otosome.lots.files import read_responses
from otosome.lots.plate import Reading, _columns, read_plate, recognises_plate

CATALOG = Catalog()
DOSES = [8.0, 4.0, 2.0, 1.0, 0.5, 0.25]
# Two preparations in duplicate, rows A and B the reference, C and D the lot; the lowest wells lie below their blank.
RESPONSES = [[2.1, 1.9, 1.2, 0.5, 0.1, -0.03], [2.0, 1.8, 1.1, 0.45, 0.05, -0.02]] * 2
SAMPLES = ["reference", "reference", "lot", "lot"]
LONG = [
    ("ABCD"[row] + str(k + 1), SAMPLES[row], dose, RESPONSES[row][k])
    for row in range(4)
    for k, dose in enumerate(DOSES)
]


def export(text, name="plate.csv"):
    return Export(name, text.encode())


def long_table(separator=",", decimal=".", header=("well", "sample", "dose", "unit", "response")):
    rows = [(well, sample, f"{dose:g}", "ug/mL", f"{y:g}") for well, sample, dose, y in LONG]
    if "unit" not in header:
        rows = [(*row[:3], row[4]) for row in rows]
    swapped = [[cell.replace(".", decimal) if k > 1 else cell for k, cell in enumerate(row)] for row in rows]
    return "\n".join(separator.join(row) for row in (header, *swapped)) + "\n"


def grid(values, title=None, separator=",", decimal="."):
    lines = [] if title is None else [title]
    lines.append(separator.join(["", *(str(k + 1) for k in range(6))]))
    for letter, row in zip("ABCD", values, strict=True):
        lines.append(separator.join([letter, *(str(v).replace(".", decimal) for v in row)]))
    return "\n".join(lines) + "\n"


def layout(separator=",", decimal="."):
    samples = grid([[name] * 6 for name in SAMPLES], "sample", separator)
    return samples + grid([DOSES] * 4, "dose (ug/mL)", separator, decimal)


WELLS = read_plate(export(long_table())).wells


def test_values_below_a_blank_are_read():
    assert len(WELLS) == 24
    assert min(well.response for well in WELLS) == -0.03
    assert {well.unit for well in WELLS} == {"ug/mL"}


@pytest.mark.parametrize(("separator", "decimal"), [(";", ","), ("\t", ","), (";", "."), ("\t", ".")])
def test_semicolons_tabs_and_decimal_commas_hold_the_same_wells(separator, decimal):
    assert read_plate(export(long_table(separator, decimal))).wells == WELLS
    whole = grid(RESPONSES, "response", separator, decimal) + layout(separator, decimal)
    assert set(read_plate(export(whole)).wells) == set(WELLS)


def test_a_decimal_comma_and_a_point_in_one_file_are_not_guessed():
    text = long_table(";", ",").replace("2,1", "2.1")
    with pytest.raises(BadInput, match=r"well A1.*decimal comma"):
        read_plate(export(text))


def test_a_grid_without_a_title_and_its_layout_are_the_plate():
    for mark, decimal in ((",", "."), (";", ",")):
        for own, comma in ((",", "."), (";", ",")):
            how = Reading(layout=export(layout(own, comma), "layout.csv"))
            assert set(read_plate(export(grid(RESPONSES, None, mark, decimal)), how).wells) == set(WELLS)
    assert recognises_plate(export(grid(RESPONSES)))


def test_a_layout_of_a_well_that_was_not_read_is_refused_by_its_name():
    few = grid([[*row[:5], ""] for row in RESPONSES])
    with pytest.raises(BadInput, match=r"layout.csv: well A6: has no response.*reference"):
        read_plate(export(few), Reading(layout=export(layout(), "layout.csv")))


def test_other_names_of_columns_are_mapped_and_others_may_stand_beside_them():
    text = long_table(header=("Position", "Name", "Conc", "RLU"))
    columns = {"well": "Position", "sample": "name", "dose": "Conc", "response": "RLU"}
    assert read_plate(export(text), Reading(columns, "ug/mL")).wells == WELLS
    lines = [
        f"{line},{extra}" for line, extra in zip(text.splitlines(), ["Operator", *["x"] * 24], strict=True)
    ]
    assert read_plate(export("\n".join(lines)), Reading(columns, "ug/mL")).wells == WELLS
    with pytest.raises(BadInput, match=r'dose has no unit.*unit = "ug/mL"'):
        read_plate(export(text), Reading(columns))
    with pytest.raises(BadInput, match=r"columns.response.*no such column.*given: OD"):
        read_plate(export(text), Reading({**columns, "response": "OD"}))


@pytest.mark.parametrize("title", ["Dose (ug/mL)", "dose [µg/ml]", "DOSE (ug/ml)"])
def test_a_unit_in_the_header_of_doses_is_taken(title):
    assert read_plate(export(long_table(header=("well", "sample", title, "response")))).wells == WELLS


def test_a_vehicle_of_dose_zero_and_a_flagged_well_are_left_out_with_the_reason():
    extra = "E1,reference,0,ug/mL,0.01,\nE2,lot,1,ug/mL,9,bubble; edge\n"
    text = long_table().replace("response\n", "response,flag\n").replace("\n", ",\n")
    text = text.replace("flag,", "flag") + extra
    plate = read_plate(export(text))
    assert plate.wells == WELLS
    assert plate.left_out == ("E1 (dose 0 stands on no curve over the log dose)", "E2 (bubble; edge)")


# Plate readers


BMG = """Test name: X,Date: 5/14/2021,Time: 3:29:50 PM

ID1: x,ID2: Plate 1,ID3: x,
Absorbance

Raw Data (450 1)

"""
HEAD = ["Plate:", "Plate01", "1.3", "PlateFormat", "Endpoint", "Absorbance", "Raw", "FALSE", "1", *[""] * 5]
SOFTMAX = "##BLOCKS= 1\n" + "\t".join([*HEAD, "1", "450 ", "1", "6", "8", "1", "4", "", ""]) + "\n"


def softmax():
    lines = ["\tTemperature(°C)\t" + "\t".join(str(k + 1) for k in range(6))]
    for k, row in enumerate(RESPONSES):
        lines.append(("\t25.0\t" if k == 0 else "\t\t") + "\t".join(map(str, row)))
    return SOFTMAX + "\n".join(lines) + "\n\n~End\n"


@pytest.mark.parametrize("text", [BMG + grid(RESPONSES), softmax()], ids=["bmg_mars", "softmax"])
def test_a_plate_readers_export_has_the_responses_of_its_wells(text):
    reader = Export("plate.txt", text.encode("latin-1"))
    responses = read_responses(reader, "", CATALOG)
    assert responses == {well: pytest.approx(y) for well, _, _, y in LONG}
    how = Reading(responses=responses, layout=export(layout(";", ","), "layout.csv"))
    plate = read_plate(reader, how)
    assert [well.response for well in plate.wells] == pytest.approx([well.response for well in WELLS])
    assert {(well.well, well.sample, well.dose) for well in plate.wells} == {
        (well.well, well.sample, well.dose) for well in WELLS
    }


def test_of_several_measurements_one_is_named():
    text = BMG + grid(RESPONSES) + "\nBlank corrected based on Raw Data (450 1)\n\n" + grid(RESPONSES)
    reader = export(text)
    with pytest.raises(BadInput, match=r"several measurements.*allowed:.*Raw Data"):
        read_responses(reader, "", CATALOG)
    assert read_responses(reader, "Raw Data (450 1)", CATALOG) is not None
    with pytest.raises(BadInput, match="no such measurement"):
        read_responses(reader, "600", CATALOG)


def test_a_lot_is_judged_from_a_readers_export_and_a_layout(tmp_path):
    file = record(tmp_path, "lot", days=1)
    text = file.read_text(encoding="utf-8").replace("assay = []\n", "")
    chance = np.random.default_rng(1).normal(0, 0.004, (2, 6))
    curve = (np.array(DOSES) ** 2 / (1.4**2 + np.array(DOSES) ** 2) - 0.05 + chance).round(4).tolist()
    (tmp_path / "plate.csv").write_text(BMG + grid(curve * 2), encoding="utf-8")
    (tmp_path / "layout.csv").write_text(layout(), encoding="utf-8")
    run = ["[[assay]]", 'file = "plate.csv"', 'layout = "layout.csv"', 'reference = "reference"']
    run += ['sample = "lot"', 'mechanisms = ["hsp70"]']
    file.write_text("\n".join([text, *run]), encoding="utf-8")
    found = assess(file, CATALOG)
    assert found.left_out == ()
    runs, potency = found.potencies["hsp70"]
    assert runs[0].refused == ""
    # The lot's wells are those of the reference.
    assert potency.r == pytest.approx(1.0, abs=1e-6)
    assert {Path(name).name for name in found.inputs} >= {"plate.csv", "layout.csv"}
    assert np.isfinite(potency.low)


@pytest.mark.parametrize("row", [["A", "1", "2"], [""], ["", "", ""], ["", "1", "x"], ["", "1.5", "2"]])
def test_a_row_above_a_grid_is_a_blank_corner_and_whole_numbers(row):
    with pytest.raises(BadInput, match="neither a long table of wells nor a grid"):
        _columns(row, "plate.csv")


def test_a_row_above_a_grid_may_leave_columns_out_and_end_in_blanks():
    assert _columns(["", "1", "", "3", "", ""], "plate.csv") == ["1", "", "3"]
