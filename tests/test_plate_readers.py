"""Exports of plate readers as people have them: which value is of which well, plate, measurement and sample."""

import pytest

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.mapping import Meaning
from otosome.laboratory.reading import _holds_plate, contents
from samples import bmg_mars, gen5

CATALOG = Catalog()


def plate(text, name="plate.txt"):
    """The wells of an export by plate, measurement and well; what was listed is an error."""
    read = contents(Export(name, text.encode()), CATALOG, Meaning())
    assert read.tables.refused == ()
    table = read.tables.wells
    return {
        (row["plate"], row["read"], row["well"]): (row["value"], row["sample"]) for _, row in table.iterrows()
    }


GEN5 = """\
Software Version\t3.12.08

Experiment File Path:\ty.xpt
Plate Number\tPlate 1
Reader Type:\tSynergy H1

Layout
\t1\t2
A\tSTD1\tBLK\tWell ID

Results
\t1\t2
A\t0.1\t0.2\t450

Plate Number\tPlate 2
Reader Type:\tSynergy H1

Results
\t1\t2
A\t0.7\t0.8\t450
"""


def test_plates_of_one_gen5_file_keep_their_own_numbers_and_samples():
    assert plate(GEN5) == {
        ("Plate 1", "450", "A1"): (0.1, "STD1"),
        ("Plate 1", "450", "A2"): (0.2, "BLK"),
        ("Plate 2", "450", "A1"): (0.7, ""),
        ("Plate 2", "450", "A2"): (0.8, ""),
    }


def test_a_gen5_grid_that_begins_with_rows_nobody_read_is_read():
    text = GEN5.replace("A\t0.1\t0.2\t450", "A\t\t\t450\nB\t0.1\t0.2\t450")
    assert plate(text)["Plate 1", "450", "B1"] == (0.1, "")


def test_a_pair_of_wavelengths_is_no_number_with_a_comma():
    text = GEN5.replace("\t450", "\t485,528").replace("0.1\t0.2", "1200\t1300").replace("0.7\t0.8", "7\t8")
    assert plate(text)["Plate 1", "485,528", "A2"] == (1300.0, "BLK")


@pytest.mark.parametrize(("first", "value"), [("1,25", 1.25), ("0,146", 0.146)])
def test_a_decimal_comma_is_read(first, value):
    text = GEN5.replace("0.1\t0.2", f"{first}\t1,500").replace("0.7\t0.8", "7\t8")
    assert plate(text)["Plate 1", "450", "A1"][0] == value


def test_a_comma_that_could_part_thousands_is_asked_about():
    text = GEN5.replace("0.1\t0.2", "1,250\t1,500").replace("0.7\t0.8", "7\t8")
    with pytest.raises(BadInput, match="thousands"):
        plate(text)


ENSPIRE = """\
Plate information
Plate,Repeat,Barcode,
1,1,x,

Results for A450(1) - channel 1 (A)
,01,02,
A,0.1,0.2,

Plate information
Plate,Repeat,Barcode,
2,1,x,

Results for A450(1) - channel 1 (A)
,01,02,
A,0.7,0.8,

Basic assay information
Plate,,,,1
,01,02,
A,UN1,BL ,
"""


def test_plates_of_one_envision_file_keep_their_own_numbers_and_the_map_of_samples():
    read = plate(ENSPIRE, "a.csv")
    assert {name: value for (name, _, well), (value, _) in read.items() if well == "A1"} == {
        "Plate 1": 0.1,
        "Plate 2": 0.7,
    }
    assert [read[f"Plate {i}", "A450(1) - channel 1 (A)", "A1"][1] for i in (1, 2)] == ["UN1", ""]


def test_an_envision_plate_without_letters_and_numbers_begins_at_a1():
    lines = "\n".join(",".join(f"{12 * row + column}" for column in range(12)) + "," for row in range(8))
    head = "Plate information\nPlate,Repeat,Barcode,\n3,1,x,\n\n"
    read = plate(f"{head}{lines}\n\nBasic assay information\n", "a.csv")
    assert len(read) == 96
    assert read["Plate 3", "Results", "A12"] == (11.0, "")
    assert read["Plate 3", "Results", "H1"] == (84.0, "")


SOFTMAX = "##BLOCKS= 1\nPlate:\tP\t1.3\t{}\tEndpoint\t{}\t{}\tFALSE\t1\t\t\t\t\t\t{}\n{}\n~End\n"


def softmax(form, mode, settings, *lines):
    extra = "FALSE\tRaw" if mode != "Absorbance" else "Raw"
    body = "\n".join("\t".join(line) for line in lines)
    return plate(SOFTMAX.format(form, mode, extra, "\t".join(settings), body))


@pytest.mark.parametrize("column", ["\u00b9", "1" * 5000])
def test_a_column_that_is_no_count_is_refused_and_not_counted(column):
    with pytest.raises(BadInput):
        softmax(
            "PlateFormat", "Absorbance", ["1", "450 ", "1", column, "96", "1", "1"], ["", "25.0", column, "2"]
        )


def test_wavelengths_below_one_another_are_told_apart_and_what_was_computed_is_called_so():
    read = softmax(
        "TimeFormat",
        "Absorbance",
        ["2", "260 280 ", "1", "2", "96", "1", "1"],
        ["", "Temperature(C)", "A1", "A2"],
        ["", "25.0", "0.10", "0.20"],
        [],
        ["", "", "0.30", "0.40"],
        [],
        ["", "", "A1", "A2"],
        ["", "", "1.5", "2.5"],
    )
    assert read["P", "Absorbance 260 nm", "A2"][0] == 0.2
    assert read["P", "Absorbance 280 nm", "A2"][0] == 0.4
    assert read["P", "computed Absorbance 260 nm", "A2"][0] == 2.5


@pytest.mark.parametrize(
    ("mode", "settings"),
    [
        ("Absorbance", ["1", "450 ", "3", "2", "96", "3", "2"]),
        ("Fluorescence", "1|535 |3|2|96|485 |Manual||||6||||3|2".split("|")),
        ("Luminescence", "1|0 |3|2|96||||||6||||3|2".split("|")),
    ],
)
def test_a_plate_read_in_part_begins_at_its_own_row(mode, settings):
    head, tail = ["", "Temperature(C)", "3", "4"], ["", "", "3.0", "4.0"]
    part = softmax("PlateFormat", mode, settings, head, ["", "25.0", "1.0", "2.0"], tail)
    assert {well for _, _, well in part} == {"C3", "C4", "D3", "D4"}
    blank = [["", "25.0", "", ""], ["", "", "", ""]]
    whole = softmax("PlateFormat", mode, settings, head, *blank, ["", "", "1.0", "2.0"], tail, *blank[1:] * 4)
    assert {key: value for (_, _, key), (value, _) in whole.items()} == {
        key: value for (_, _, key), (value, _) in part.items()
    }


MARS = "Test name: X,Date: 5/14/2021\n\nID1: lot 7,ID2:,ID3:,\nLuminescence\n\n{}"


def test_a_mars_plate_of_1536_wells_has_rows_to_af_and_a_blank_identifier_is_no_name():
    read = plate(MARS.format("Raw Data (No filter)\n\n,1,2\nS,1,2\nY,3,4\ne,5,6\n"), "a.csv")
    assert {(name, well) for name, _, well in read} == {
        ("lot 7", own) for own in ("S1", "S2", "Y1", "Y2", "AE1", "AE2")
    }


def test_mars_concentrations_are_no_raw_data_and_its_layout_names_the_samples():
    grids = "1. Layout\n,1,2\nA,X1,B\n\n2. Dilutions\n,1,2\nA,500,1\n\n3. Raw Data (450)\n,1,2\nA,1.5,0.1\n"
    read = plate(MARS.format(grids), "a.csv")
    assert read["lot 7", "Raw Data (450)", "A1"] == (1.5, "X1")
    assert read["lot 7", "Dilutions", "A1"] == (500.0, "X1")


def test_a_mars_table_with_a_column_a_well_is_read():
    read = plate(MARS.format("Well,A01,A02\nContent,Standard S1,Blank B\nRaw Data (450),1.5,0.1\n"), "a.csv")
    assert read["lot 7", "Raw Data (450)", "A2"] == (0.1, "Blank B")


def test_a_kinetic_with_a_row_a_well_is_read_moment_by_moment():
    text = "Application: Tecan i-control,,\n\nOD600\nCycle Nr.,1,2\nTime [s],0,300\nTemp. [C],37,37\nA1,0.1,0.2\n"
    assert plate(text, "a.csv") == {
        ("Plate 1", "OD600 at 0", "A1"): (0.1, ""),
        ("Plate 1", "OD600 at 300", "A1"): (0.2, ""),
    }


def test_a_magellan_list_is_read_with_its_plate_below_times_and_temperatures():
    text = "Label1,Well positions,Plate\n0s,,\n24.8 C,96 well,\n0.1462,A1,96WEL008\n0.2118,B1,96WEL008\n"
    assert plate(text, "a.csv") == {
        ("96WEL008", "Label1", "A1"): (0.1462, ""),
        ("96WEL008", "Label1", "B1"): (0.2118, ""),
    }


SKANIT = "Measurement results\nx.skax\n\nAbsorbance 1\n"


def test_plates_of_one_skanit_file_keep_their_own_names_and_samples():
    grid = "Wavelength: 450 nm\n\nPlate {0}\n\nAbs;1;2\nA;0,{0}5;0,75\n\nSample;1;2\nA;Un{0};Blank1\n\n"
    read = plate(SKANIT + grid.format(1) + grid.format(2), "a.csv")
    assert read["Plate 1", "Abs 450 nm", "A1"] == (0.15, "Un1")
    assert read["Plate 2", "Abs 450 nm", "A1"][1] == "Un2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (gen5.A_FILE, {"Software Version": "Version du logiciel", "Reader Type": "Type de lecteur"}),
        (bmg_mars.A_FILE, {"Test name": "Testname", "Raw Data": "Rohdaten"}),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_plate_in_words_that_no_reader_knows_says_what_to_export(text, words, encoding):
    for english, other in words.items():
        text = text.replace(english, other)
    with pytest.raises(BadInput, match="holds a plate of wells") as refused:
        contents(Export("plate.txt", text.encode(encoding)), CATALOG, Meaning())
    assert "English" in str(refused.value.cure)


GRID = ";1;2\nA;0,1;0,2\nB;0,3;0,4\n"


@pytest.mark.parametrize(
    ("content", "holds"),
    [
        (f"Rohdaten\n\n{GRID}".encode(), True),
        # Words above it are what a program wrote; a grid alone may be any table.
        (GRID.encode(), False),
        (b"Rohdaten\n\n;1;2\nA;0,1;0,2\n", False),
        (b"Rohdaten\n\n0,1;0,2\n0,3;0,4\n", False),
        (f"Rohdaten\n\n{GRID}".encode("utf-16"), True),
        (f"Rohdaten\n\n{GRID}\0".encode(), False),
    ],
    ids=["titled", "alone", "one line", "no wells", "wide characters", "no text"],
)
def test_a_plate_of_no_known_program_is_a_grid_of_lines_with_words_above(content, holds):
    assert _holds_plate(Export("plate.txt", content)) is holds
