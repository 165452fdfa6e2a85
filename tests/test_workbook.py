"""Spreadsheets, mapping files and plates: any layout reads without code, and nothing hostile is opened."""

import csv
import io
import tomllib

import numpy as np
import pytest
from typer.testing import CliRunner

from laboratory import samples
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.intake import intake
from otosome.laboratory.mapping import Meaning, draft
from otosome.laboratory.reading import Unsure, contents
from otosome.laboratory.workbook import sheets
from otosome.lots.plate import read_plate
from spreadsheet import NAMESPACE, workbook

CATALOG = Catalog()


def of_csv(sample):
    """The cells of a made-up table, numbers as numbers."""
    rows = csv.reader(io.StringIO(sample.content.decode()))
    return [[float(v) if v.replace(".", "", 1).isdigit() else v for v in row] for row in rows]


TABLES = [
    (name, sample)
    for name in (
        "abr_table",
        "audiogram_table",
        "wide_table",
        "dpoae_table",
        "synapse_table",
        "cochleogram",
        "tidy_readings",
    )
    for sample in samples(name)
    if sample.content.count(b";") < 3
]


@pytest.mark.parametrize(("name", "sample"), TABLES, ids=[f"{n}-{s.name}" for n, s in TABLES])
def test_a_table_reads_the_same_from_a_spreadsheet_as_from_csv(name, sample):
    file = sample.name.replace(".csv", ".xlsx")
    content = contents(Export(file, workbook({"Sheet1": of_csv(sample)})), CATALOG, Meaning())
    plain = contents(Export(file, sample.content), CATALOG, Meaning()).tables
    assert content.instrument == name
    columns = [
        "subject",
        "ear",
        "group",
        "time",
        "quantity",
        "frequency",
        "value",
        "unit",
        "level",
        "censored",
    ]
    assert content.tables.readings[columns].equals(plain.readings[columns])
    assert len(content.tables.refused) == len(plain.refused)


def test_refusals_name_sheet_and_cell_where_the_table_does_not_begin_at_the_corner():
    rows = [["subject", "freq_khz", "threshold_db_spl"], ["m1", 8, 30], ["m1", 16, "high"]]
    content = contents(
        Export("a.xlsx", workbook({"ABR day 1": rows}, first=4, column="C")), CATALOG, Meaning()
    )
    (line,) = content.tables.refused
    assert line.place == "sheet ABR day 1, cell E6"


def test_a_title_above_a_table_is_passed_over(tmp_path):
    rows = [["Noise study"], [], ["mouse", "freq_khz", "threshold"], ["m1", 8, "soft"], ["m1", 16, 30]]
    content = contents(Export("a.xlsx", workbook({"s": rows})), CATALOG, Meaning())
    assert content.tables.readings["value"].tolist() == [30.0]
    assert content.tables.refused[0].place == "sheet s, cell C4"
    plain = contents(
        Export("a.csv", b"Noise study\n\nmouse,freq_khz,threshold\nm1,8,30\n"), CATALOG, Meaning()
    )
    assert plain.tables.readings["value"].tolist() == [30.0]


def test_every_sheet_is_read_and_one_of_unknown_meaning_is_listed():
    tables = {
        "abr": [["mouse", "freq_khz", "threshold"], ["m1", 8, 30]],
        "notes": [["who", "what"], ["me", "this"], ["you", "that"]],
        "hl": [["id", "right_500", "left_500"], ["p1", 10, 15]],
    }
    content = contents(Export("a.xlsx", workbook(tables)), CATALOG, Meaning())
    assert set(content.tables.readings["quantity"]) == {"abr_threshold", "audiogram"}
    assert [one.sheet for one in content.unsure] == ["notes"]
    assert [one.place for one in content.tables.refused] == ["sheet notes"]


FAR = (
    f'<worksheet {NAMESPACE}><sheetData><row r="1"><c r="A1"><v>1</v></c></row>'
    '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
)
# Places that the reader of spreadsheets takes for far ones, and would make room for: it ends the program.
PLACES = ['r="ABCDEFG2"', 'r="A20000000000"', "r='&#65;1'", 'r\t=\n"A4000000000"', 'r="A4000000000']
BOMB = f"<worksheet {NAMESPACE}><sheetData>{' ' * 60_000_000}</sheetData></worksheet>"
ENTITY = f'<!DOCTYPE a [<!ENTITY a "ha">]><worksheet {NAMESPACE}><sheetData/></worksheet>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (workbook({"a": FAR}), "cells"),
        (workbook({"a": BOMB}), "bytes unpacked"),
        (workbook({"a": ENTITY}), "document type"),
        (workbook({"a": [["x"]]}, [("xl/vbaProject.bin", b"x")]), "macros"),
        (workbook({"a": [["x"]]}, [("xl/externalLinks/externalLink1.xml", b"<a/>")]), "links to other files"),
        (workbook({"a": [["x"]]}, [("xl/embeddings/oleObject1.bin", b"x")]), "embedded"),
        (workbook({"a": [[""]]}), "no cell"),
        (workbook({"a": [["x"]]})[:-40], "workbook"),
        (b"PK\x03\x04xl/" + b"\0" * 100, "workbook"),
    ],
    ids=["far", "bomb", "entity", "macros", "links", "embedded", "blank", "cut", "none"],
)
def test_a_hostile_spreadsheet_is_refused(content, says):
    with pytest.raises(BadInput, match=says):
        sheets(Export("a.xlsx", content))


def test_a_part_whose_size_lies_is_refused():
    content = bytearray(workbook({"a": [["x", "y"], [1, 2]]}))
    place = content.rfind(b"PK\x01\x02")
    content[place + 24 : place + 28] = (10).to_bytes(4, "little")
    with pytest.raises(BadInput, match="workbook"):
        sheets(Export("a.xlsx", bytes(content)))


# Mapping

WIDE = b"animal,8,16,click,weight\nm1,25,99,NR,20\nm2,30,ND,40,21\n"
LINES = """
otosome = "mapping/1"
[[table]]
columns = ["animal", "8", "16", "click", "weight"]
species = "mouse"
subject = "animal"
no_response = ["NR", 99]
not_tested = ["ND"]
loudest = "90 dB SPL"
[table.column."8"]
quantity = "abr_threshold"
unit = "dB SPL"
frequency = "8 kHz"
ear = "left"
[table.column."16"]
quantity = "abr_threshold"
unit = "dB SPL"
frequency = "16 kHz"
[table.column."click"]
quantity = "abr_threshold"
unit = "dB SPL"
frequency = "click"
"""


def meaning(tmp_path, text):
    file = tmp_path / "mapping.toml"
    file.write_text(text, encoding="utf-8")
    return Meaning.read(file)


def test_a_mapping_says_what_columns_and_codes_mean(tmp_path):
    table = contents(Export("a.csv", WIDE), CATALOG, meaning(tmp_path, LINES)).tables.readings
    rows = table[["subject", "ear", "frequency", "value", "censored", "unit"]].to_numpy().tolist()
    assert rows[:2] == [
        ["m1", "left", 8.0, 25.0, "none", "dB SPL"],
        ["m2", "left", 8.0, 30.0, "none", "dB SPL"],
    ]
    assert [row[3:5] for row in rows[2:]] == [[90.0, "above"], [90.0, "above"], [40.0, "none"]]
    assert table["frequency"].isna().sum() == 2


def test_a_mapping_reads_a_header_of_two_rows_units_and_times(tmp_path):
    rows = [
        ["", "Left", "", "Right"],
        ["id", "wave I (nV)", "when", "wave I (nV)"],
        ["m1", 1500, "post", 900],
    ]
    text = """
otosome = "mapping/1"
[[table]]
columns = ["id", "Left wave I (nV)", "Left when", "Right wave I (nV)"]
header_rows = 2
subject = "id"
time = "Left when"
times = { post = "14 d" }
[table.column."Left wave I (nV)"]
quantity = "wave1"
unit = "nV"
frequency = "16 kHz"
level = "80 dB SPL"
ear = "left"
[table.column."Right wave I (nV)"]
quantity = "wave1"
unit = "nV"
frequency = "16 kHz"
level = "80 dB SPL"
ear = "right"
"""
    table = contents(
        Export("a.xlsx", workbook({"s": rows})), CATALOG, meaning(tmp_path, text)
    ).tables.readings
    assert table["value"].tolist() == pytest.approx([1.5, 0.9])
    assert (set(table["unit"]), set(table["time"]), set(table["level"])) == ({"uV"}, {336.0}, {80.0})
    assert table["ear"].tolist() == ["left", "right"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"mapping/1"', '"mapping/2"', "otosome"),
        ('species = "mouse"', 'species = "dog"', "species"),
        ('subject = "animal"', 'subject = "id"', "table 1.subject"),
        ('frequency = "8 kHz"', 'frequenzy = "8 kHz"', "frequenzy"),
        ('unit = "dB SPL"', 'unit = "uV"', "no unit of abr_threshold"),
        ('quantity = "abr_threshold"', 'quantity = "audiogram"', "table 1.column.8"),
        ('quantity = "abr_threshold"', 'quantity = "hearing"', "no quantity"),
    ],
)
def test_a_mapping_that_says_something_impossible_is_refused_with_its_key(tmp_path, old, new, says):
    with pytest.raises(BadInput, match=says):
        meaning(tmp_path, LINES.replace(old, new, 1))


def test_an_unfilled_mapping_is_toml_that_asks_for_a_quantity(tmp_path):
    text = draft([Export('a "b".csv', b'subject,freq_hz,"odd ""name""",\xc3\xa9\n1,2,3,4\n')])
    (table,) = tomllib.loads(text)["table"]
    assert table["subject"] == "subject" and table["columns"][1] == "freq_hz"
    with pytest.raises(BadInput, match="no column with a quantity"):
        meaning(tmp_path, text)


def otosome_(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_table_that_nobody_knows_is_read_once_its_mapping_is_filled_in(tmp_path):
    (tmp_path / "odd.csv").write_bytes(b"who,pitch,soft\nm1,8,25\nm2,16,30\n")
    done = otosome_("import", tmp_path / "odd.csv", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "who, pitch, soft" in done.output
    file = tmp_path / "out_mapping.toml"
    text = file.read_text(encoding="utf-8").replace('subject = ""', 'subject = "who"')
    head, _, tail = text.partition('[table.column."soft"]')
    tail = tail.replace('quantity = ""', 'quantity = "abr_threshold"', 1).replace(
        'unit = ""', 'unit = "dB SPL"', 1
    )
    tail = tail.replace('frequency = ""', 'frequency = "pitch"', 1)
    file.write_text(f'{head}[table.column."soft"]{tail}', encoding="utf-8")
    done = otosome_("import", tmp_path / "odd.csv", "--out", tmp_path / "out", "--mapping", file)
    assert done.exit_code == 0, done.output
    assert "2 readings" in done.output


def test_a_table_two_readers_could_read_is_asked_about():
    both = b"id,ear,freq_hz,threshold_db_hl,threshold,strain\np,left,500,10,20,x\nq,left,500,10,20,x\n"
    with pytest.raises(Unsure, match="abr_table and audiogram_table"):
        contents(Export("a.csv", both), CATALOG, Meaning())


# Plates

LAYOUT = """
otosome = "mapping/1"
[[plate]]
file = "plate.txt"
read = "450"
unit = "particles/mL"
sample = [["ref", "ref", "lot"], ["ref", "lot", ""]]
dose = [[1e8, 2e8, 1e8], [4e8, 2e8, ""]]
"""


def test_a_plate_and_its_layout_become_the_wells_of_an_assay(tmp_path):
    (tmp_path / "plate.txt").write_bytes(samples("gen5")[0].content)
    results = intake([tmp_path / "plate.txt"], CATALOG, meaning=meaning(tmp_path, LAYOUT))
    (table,) = results.plates.values()
    assert table["sample"].tolist() == ["ref", "ref", "lot", "ref", "lot"]
    assert table["response"].tolist() == [0.1, 0.2, 0.3, 1.1, 1.2]
    assert np.array_equal(table["dose"], [1e8, 2e8, 1e8, 4e8, 2e8])
    wells = Export("plate.csv", table.to_csv(index=False).encode())
    assert sorted(read_plate(wells).samples) == ["lot", "ref"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("particles/mL", "drops", "drops"),
        ('[4e8, 2e8, ""]', "[4e8, 2e8]", "another form"),
        ("[4e8, ", "[0.0, ", "above zero"),
        ("plate.txt", "other.txt", "fits no plate"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(tmp_path, old, new, says):
    (tmp_path / "plate.txt").write_bytes(samples("gen5")[0].content)
    with pytest.raises(BadInput, match=says):
        intake([tmp_path / "plate.txt"], CATALOG, meaning=meaning(tmp_path, LAYOUT.replace(old, new)))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"0       X X X X", "EDF"),
        (b"\xffBIOSEMI", "BDF"),
        (b"\x06\0(C) CED 87", "Spike2"),
        (b"\x89HDF\r\n\x1a\n", "NWB"),
        (b"\xd0\xcf\x11\xe0", "old Excel"),
        (b"MATLAB 7.3 MAT-file", "-v7"),
    ],
)
def test_a_recording_that_is_not_read_is_named_with_what_to_bring_instead(tmp_path, head, says):
    (tmp_path / "a.bin").write_bytes(head + b"\0" * 600)
    with pytest.raises(BadInput, match="no file that could be read") as refusal:
        intake([tmp_path / "a.bin"], CATALOG)
    assert says in str(refusal.value) and ("export" in str(refusal.value) or "save" in str(refusal.value))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/a.bin"])
def test_a_cell_whose_place_is_not_written_as_one_is_refused(place, part):
    sheet = f'<worksheet {NAMESPACE}><sheetData><row r="1"><c {place} t="n"><v>1</v></c></row></sheetData></worksheet>'
    sheets_of = {"a": sheet if part.endswith("xml") else [["x"]]}
    content = workbook(sheets_of, [] if part.endswith("xml") else [(part, sheet.encode())])
    with pytest.raises(BadInput, match=r"place|attribute"):
        sheets(Export("a.xlsx", content))
