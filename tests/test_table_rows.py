"""What a row of a laboratory's table is: a subject, a mean of several, a second header; its day, and only a limit."""

import io

import pytest
import xlsxwriter

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.mapping import Meaning
from otosome.laboratory.reading import contents
from otosome.units import as_written

CATALOG = Catalog()
HEAD = "mouse,group,freq_hz,threshold_db_spl"


def tables(text, name="a.csv"):
    return contents(
        Export(name, text if isinstance(text, bytes) else text.encode()), CATALOG, Meaning()
    ).tables


def rows(read, *columns):
    return list(read.readings[list(columns)].itertuples(index=False, name=None))


def spreadsheet(fill):
    """A workbook of one sheet."""
    packed = io.BytesIO()
    book = xlsxwriter.Workbook(packed, {"in_memory": True})
    fill(book.add_worksheet())
    book.close()
    return packed.getvalue()


@pytest.mark.parametrize("word", ["Mean", "sem", "mean (veh)", "Average", "Group mean"])
@pytest.mark.parametrize("beside", ["SD", "n", "total"])
def test_a_row_that_sums_animals_up_is_no_animal(word, beside):
    read = tables(f"{HEAD}\nm1,v,8000,35\nm2,v,8000,45\n{word},v,8000,40\n{beside},v,8000,5\n")
    assert rows(read, "subject", "value") == [("m1", 35.0), ("m2", 45.0)]
    assert [line.given for line in read.refused] == [word, beside]
    assert {line.reason for line in read.refused} == {"is of several subjects"}


@pytest.mark.parametrize("name", ["Max", "n1", "Sem1", "Mean2", "n", "SD"])
def test_an_animal_whose_name_is_like_a_mean_stays(name):
    assert rows(tables(f"{HEAD}\n{name},v,8000,35\nm2,v,8000,45\n"), "subject")[0] == (name,)


def test_a_second_table_below_the_first_is_refused_and_not_read_as_levels():
    with pytest.raises(BadInput) as refusal:
        tables(f"{HEAD}\nm1,v,8000,35\n\nmouse,group,freq_hz,wave1_amp_uv\nm2,v,8000,4.5\n")
    assert "table of its own" not in str(refusal.value) and "file or sheet of its own" in str(refusal.value)


def test_a_header_that_is_printed_again_is_left_out():
    read = tables(f"{HEAD}\nm1,v,8000,35\n{HEAD}\nm2,v,8000,45\n")
    assert rows(read, "subject", "value") == [("m1", 35.0), ("m2", 45.0)] and not read.refused


@pytest.mark.parametrize(
    ("column", "deaf", "hears"),
    [("NR", "1", "0"), ("no_response", "true", ""), ("censored", "above", "none"), ("response", "no", "yes")],
)
def test_a_column_that_says_that_there_was_no_response_makes_a_limit(column, deaf, hears):
    read = tables(f"{HEAD},{column}\nm1,v,8000,90,{deaf}\nm2,v,8000,40,{hears}\n")
    assert rows(read, "value", "censored") == [(90.0, "above"), (40.0, "none")]


def test_an_answer_that_is_neither_yes_nor_no_is_listed_with_its_row():
    read = tables(f"{HEAD},NR\nm1,v,8000,90,perhaps\nm2,v,8000,40,no\n")
    assert rows(read, "subject") == [("m2",)]
    assert {line.given for line in read.refused} == {"perhaps", "90"}


def test_a_concentration_below_its_limit_by_a_column_is_censored():
    read = tables("animal,time_h,concentration_ug_ml,compartment,BLQ\na,1,0.1,plasma,yes\na,2,3,plasma,no\n")
    assert rows(read, "value", "censored") == [(pytest.approx(1e-4), "below"), (pytest.approx(3e-3), "none")]


def test_frequencies_with_their_unit_in_the_cell_are_read():
    read = tables(
        "mouse,group,frequency,threshold_db_spl\nm,v,8 kHz,35\nm,v,500 Hz,40\nm,v,22.6kHz,45\nm,v,Click,20\n"
    )
    assert [tone for (tone,) in rows(read, "frequency")][:3] == [8.0, 0.5, 22.6]
    assert read.readings["flag"].tolist()[3] == "click"


@pytest.mark.parametrize(
    ("stated", "day"),
    [
        ("2024-06-01", "2024-06-01"),
        ("13.06.2024", "2024-06-13"),
        ("06/13/2024", "2024-06-13"),
        ("05/06/2024", ""),
    ],
)
def test_the_day_of_a_reading_is_read_where_its_month_is_clear(stated, day):
    read = tables(f"patient,date,R 500,R 1000,L 500\nP1,{stated},5,10,0\n")
    assert set(rows(read, "recorded")) == {(day,)}
    assert all(("not read" in flag) == (not day) for (flag,) in rows(read, "flag"))


def test_an_id_that_was_merged_beside_its_rows_is_of_each_of_them():
    def fill(sheet):
        for number, line in enumerate(
            [HEAD.split(","), ["", "v", 8000, 35], ["", "v", 16000, 40], ["m2", "v", 8000, 45]]
        ):
            sheet.write_row(number, 0, line)
        sheet.merge_range(1, 0, 2, 0, "m1")

    read = tables(spreadsheet(fill), "a.xlsx")
    assert rows(read, "subject", "value") == [("m1", 35.0), ("m1", 40.0), ("m2", 45.0)]


def test_merged_cells_over_one_another_are_refused_before_they_take_time(monkeypatch):
    def fill(sheet):
        for number in range(9):
            sheet.write_row(number, 0, [f"m{number}", 1])
        sheet.merge_range(1, 0, 8, 0, "m1")

    monkeypatch.setattr("otosome.laboratory.workbook.MOST_CELLS", 7)
    with pytest.raises(BadInput):
        tables(spreadsheet(fill), "a.xlsx")


def test_a_day_in_the_place_of_an_id_is_flagged():
    (flag,) = rows(tables(f"{HEAD}\n2024-01-02,v,8000,35\n"), "flag")[0]
    assert "a spreadsheet may have taken an id" in flag


def test_a_columns_unit_of_peak_to_peak_voltage_is_not_passed_over():
    read = tables(f"{HEAD},P1-N1 (\u00b5Vpp)\nm1,v,8000,35,3.2\nm2,v,8000,45,3.1\n")
    assert [line.given for line in read.refused] == ["a column"]


@pytest.mark.parametrize(
    ("stated", "plain"),
    [
        ("\u00b5g/ml", "ug/mL"),
        ("\u03bcM", "uM"),
        ("mcg/mL", "ug/mL"),
        ("nmol/l", "nmol/L"),
        ("ng/ul", "ng/uL"),
    ],
)
def test_units_as_laboratories_write_them(stated, plain):
    assert as_written(stated) == plain
