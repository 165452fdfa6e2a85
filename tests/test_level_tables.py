"""Tables of levels as people write them: what is silently wrong in one column shows beside the others."""

import json
from pathlib import Path

import pytest

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.laboratory.levels import level
from otosome.laboratory.mapping import Meaning
from otosome.laboratory.reading import contents
from samples import epl_peaks, fhir, interacoustics, noah

CATALOG = Catalog()


def tables(text, meaning=None):
    return contents(Export("a.csv", text.encode()), CATALOG, meaning or Meaning()).tables


def levels(read):
    """Level by subject, ear and frequency."""
    rows = read.readings.to_dict("records")
    return {(row["subject"], row["ear"], row["frequency"]): row["value"] for row in rows}


def test_nought_in_a_deaf_ear_of_a_wide_table_is_asked_about():
    read = tables("id,R 500,R 1000,R 4000,L 500,L 1000,L 4000\nP1,60,65,0,10,5,0\n")
    assert [line.place for line in read.refused] == ["row 1, r 4000"]
    assert ("P1", "left", 4.0) in levels(read)


def test_an_ear_of_noughts_alone_is_asked_about():
    read = tables("id,R 500,R 1000,R 4000,L 500,L 1000,L 4000\nP1,10,15,40,0,0,0\n")
    assert {line.place for line in read.refused} == {"row 1, l 500", "row 1, l 1000", "row 1, l 4000"}


def test_one_level_off_the_steps_of_all_columns_is_asked_about():
    read = tables("id,R 500,R 1000,R 4000,L 500,L 1000,L 4000\nP1,10,15,40,20,57,60\n")
    assert [line.given for line in read.refused] == ["57"]


def test_a_masked_column_is_read_and_said_to_be():
    read = tables("id,R AC 500 Hz,L AC 4000 Hz (masked)\nP1,10,65\n").readings
    assert list(read["flag"].str.contains("masked")) == [False, True]


def test_a_column_that_measures_something_else_is_listed():
    text = "animal,frequency_khz,P1-N1 amplitude (nV),threshold_db_spl\nm1,8,2100,30\n"
    assert [line.place for line in tables(text).refused] == ["row 1, p1-n1 amplitude (nv)"]


@pytest.mark.parametrize(("word", "ear"), [("AD", "right"), ("AS", "left"), ("RE", "right"), ("Lt", "left")])
def test_ears_are_read_as_clinics_write_them(word, ear):
    read = tables(f"subject,ear,frequency_hz,threshold_db_hl\nP1,{word},500,25\n")
    assert levels(read) == {("P1", ear, 0.5): 25.0}


@pytest.mark.parametrize(
    ("text", "value", "censored"),
    [("25 dB", 25.0, "none"), ("\u2193110", 110.0, "above"), ("110\u2193", 110.0, "above")],
)
def test_levels_with_a_unit_or_an_arrow_are_read(text, value, censored):
    cell = level(text)
    assert (cell.value, cell.censored, cell.reason) == (value, censored, "")


ACROSS = """\
otosome = "mapping/1"
[[table]]
columns = ["khz", "m1", "m2"]
times = { baseline = "-24 h" }
[table.column.m1]
quantity = "abr_threshold"
unit = "dB SPL"
frequency = "khz"
subject = "M1"
group = "vehicle"
time = "d14"
[table.column.m2]
quantity = "abr_threshold"
unit = "dB SPL"
frequency = "khz"
subject = "M2"
time = "baseline"

"""


def test_a_table_with_a_column_an_animal_reads_by_a_mapping(tmp_path):
    (tmp_path / "m.toml").write_text(ACROSS)
    read = tables("kHz,M1,M2\n8,30,35\n16,20,25\n", Meaning.read(tmp_path / "m.toml"))
    assert levels(read) == {
        ("M1", "", 8.0): 30.0,
        ("M1", "", 16.0): 20.0,
        ("M2", "", 8.0): 35.0,
        ("M2", "", 16.0): 25.0,
    }
    about = {(row["subject"], row["group"], row["time"]) for row in read.readings.to_dict("records")}
    assert about == {("M1", "vehicle", 336.0), ("M2", "", -24.0)}


def test_biosig_records_without_the_lines_of_their_group_are_read():
    text = Path(__file__).with_name("samples").joinpath("small", "biosig_ascii.txt").read_text("latin-1")
    alone = text[text.index("   Record Number: 0") :]
    whole, part = (tables(one).waveforms for one in (text, alone))
    assert list(part["level"]) == list(whole["level"])
    assert set(part["subject"]) == {""}


# Codes in every reader of thresholds: a number that stands for no response or for not tested is no level.


def clarity_of(level):
    ears = {"audiogram_levels_l": [45, level], "audiogram_levels_r": [40, 45]}
    return json.dumps({"L1": {"name": "L1", "audiogram_cfs": [250, 500], **ears}})


def interacoustics_of(level):
    points = "".join(
        interacoustics.POINT.format(hertz, interacoustics.NO, "Undefined", own, "Heard")
        for hertz, own in ((250, 45), (500, level), (1000, 50))
    )
    tone = interacoustics.TONE.format("AC", "HL", points)
    head, _, rest = interacoustics.TEXT.partition("<Tone>")
    return head + tone + rest[rest.rindex("</Tone>") + len("</Tone>") :]


def noah_of(level):
    tones = (noah.tone(hertz, own) for hertz, own in ((250, "45"), (500, level), (1000, "50")))
    return noah.export(noah.curve("AirConductorRight", *tones)).decode()


def fhir_of(level):
    return fhir.bundle(
        *(
            fhir.observation(
                f"Hearing threshold {hertz} Hz Ear - right", valueQuantity=fhir.quantity(own, "dB HL")
            )
            for hertz, own in ((250, 45), (500, level), (1000, 50))
        )
    ).decode()


CODED = {
    "audiogram": lambda code: (
        f"subject,ear,frequency_hz,threshold_db_hl\nP1,left,250,45\nP1,left,500,{code}\nP1,left,1000,50\n"
    ),
    "wide": lambda code: f"id,R 250,R 500,R 1000\nP1,45,{code},50\n",
    "off steps": lambda code: f"mouse,6kHz ABR,12kHz ABR,24kHz ABR\nm1,43.1,{code},52.7\nm2,41.6,38.2,47.9\n",
    "abr": lambda code: f"mouse,freq_khz,threshold_db_spl\nm1,8,43.1\nm1,16,{code}\nm1,32,52.7\n",
    "clarity": clarity_of,
    "interacoustics": interacoustics_of,
    "noah": noah_of,
    "fhir": fhir_of,
}


@pytest.mark.parametrize("code", [-10, -1, 0, 99, 130, 666, 888, 999, -99])
@pytest.mark.parametrize("reader", CODED)
def test_a_code_is_no_level_in_any_reader(reader, code):
    read = tables(CODED[reader](code))
    assert code not in set(read.readings["value"])
    assert len(read.readings) >= 2
    assert sum(str(code) in line.given for line in read.refused) == 1


@pytest.mark.parametrize("code", [-1, -10])
def test_a_soft_level_beside_others_as_soft_is_one(code):
    others = {-1: (-2, 3), -10: (-5, 0)}[code]
    read = tables(f"id,R 250,R 500,R 1000\nP1,{others[0]},{code},{others[1]}\n")
    assert code in set(read.readings["value"])


@pytest.mark.parametrize("code", ["999", "-1", "99.00"])
def test_a_stored_threshold_that_is_a_code_is_none(code):
    peaks = epl_peaks.HEAD.format(code, "Frequency (kHz): 16.00")
    read = contents(Export("ABR-12-1-analyzed.txt", peaks.encode()), CATALOG, Meaning()).tables
    assert "abr_threshold" not in set(read.readings["quantity"])
    assert [line.place for line in read.refused] == ["Threshold (dB SPL)"]


@pytest.mark.parametrize(
    "text",
    [
        "mouse,freq_khz,threshold,unit\nm1,8,30,dB HL\n",
        "mouse,8 kHz ABR,16 kHz ABR,units\nm1,30,35,dB nHL\n",
        "subject,ear,frequency_hz,threshold_db_hl,unit\nP1,left,500,20,dB SPL\n",
    ],
)
def test_a_column_of_units_is_not_passed_over(text):
    with pytest.raises(BadInput, match="row 1, unit"):
        tables(text)


def test_a_column_of_units_that_says_the_same_is_one():
    assert len(tables("mouse,freq_khz,threshold,unit\nm1,8,30,dB SPL\nm1,16,30,\n").readings) == 2


def test_each_frequency_is_in_the_unit_of_its_own_row():
    read = tables("mouse,freq,freq_unit,threshold_db_spl\nm1,8,kHz,30\nm1,500,Hz,35\nm1,16,,40\n").readings
    assert read["frequency"].tolist() == pytest.approx([8.0, 0.5, float("nan")], nan_ok=True)


def test_a_withdrawn_observation_is_no_reading():
    tones = [
        fhir.observation(
            f"Hearing threshold {hertz} Hz Ear - right masked", valueQuantity=fhir.quantity(45, "dB HL")
        )
        for hertz in (500, 1000)
    ]
    read = tables(fhir.bundle({**tones[0], "status": "entered-in-error"}, tones[1]).decode())
    assert read.readings["frequency"].tolist() == [1.0] and len(read.refused) == 1
    assert read.readings["flag"].str.contains("masked").all()
