"""The traps of laboratory files, each by the rule that is stated for it; real files where they are."""

import io
import re
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from laboratory import samples
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import LARGEST, Export, parse
from otosome.laboratory.levels import Codes, Level, doubtful, level
from otosome.laboratory.reading import read, read_batch
from otosome.laboratory.thresholds import estimate
from otosome.laboratory.voltage import EAR, believable
from samples.biosig_arf import archive
from samples.interacoustics import TEXT
from samples.nhanes import NAMES, transport
from samples.zetaview import size_file

CATALOG = Catalog()
REAL = Path(__file__).parents[2] / "shared" / "data"
SMALL = Path(__file__).parent / "samples" / "small"


def reader(name):
    return CATALOG.get("instruments", name).formula()


def tables(name, content, file="file"):
    return reader(name).read(Export(file, content))


def real(folder, file):
    path = REAL / folder / file
    if not path.is_file():
        pytest.skip(f"no {file} beside the repository (shared/data)")
    return read(path, CATALOG)


# Numbers


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [("2,325E+1", ",", 23.25), ("-5", ".", -5.0), ("1e-3", ".", 1e-3), ("0", ".", 0.0)],
)
def test_a_number_is_read_in_its_locale(text, decimal, value):
    assert parse(text, decimal) == value


@pytest.mark.parametrize("text", ["1_000", "0x10", "1e9999", "inf", "1,5", "٣", "1 2", "--1", "1e", "1" * 50])
def test_what_is_no_plain_finite_number_is_none(text):
    assert parse(text) is None


def test_thousands_and_decimal_marks_are_never_mixed():
    assert parse("1.234,5", ",") is None


# ZetaView


def test_zetaview_is_read_once_and_multiplied_by_its_dilution():
    table = tables("zetaview", size_file()).particles
    # Sixty bins of 100 exp(-((d - 100) / 40)^2) tracks, 1e4 per mL each, diluted 500 times.
    expected = np.round(100 * np.exp(-(((np.arange(2.5, 302.5, 5.0) - 100) / 40) ** 2))).sum()
    assert table["count"].sum() == pytest.approx(expected)
    assert table["concentration"].sum() * 1e3 == pytest.approx(expected * 1e4 * 500)


def test_zetaview_says_the_same_with_point_and_comma():
    comma, point = (tables("zetaview", size_file(mark)).particles for mark in ",.")
    columns = ["diameter", "count", "concentration", "dilution_applied"]
    assert comma[columns].equals(point[columns])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"Dilution::\t500,0", b"Dilution::\t0,5", "1 or more"),
        (b"-1,000E+0", b"", "cut short"),
        (b"Size / nm", b"Size / um", "Size / nm"),
        (b"Size Distribution", b"Profile Voltage:\t20", "no size distribution"),
    ],
)
def test_a_damaged_zetaview_file_is_refused_with_its_place(old, new, says):
    with pytest.raises(BadInput, match=says):
        tables("zetaview", size_file().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"mV:\t-22.2109", b"mV:\t-219.5466"),
        (b"mV:\t-22.2109", b"mV:\tNaN"),
        (b"Zeta Potential", b"Zeta"),
        (b"Traces:\t2235", b"Traces:\t0"),
    ],
)
def test_a_profile_that_tells_no_believable_potential_is_refused(old, new):
    content = samples("zetaview")[3].content
    assert old in content
    with pytest.raises(BadInput, match="Zeta Potential / mV"):
        tables("zetaview", content.replace(old, new))


def test_a_zetaview_run_without_a_particle_is_refused():
    head = size_file().split(b"Size / nm")[0] + b"Size / nm\tNumber\tConcentration / cm-3\n-1,0\t-1\t-1\n"
    with pytest.raises(BadInput, match="no particle was traced"):
        tables("zetaview", head)


def test_a_dilution_that_is_not_stated_is_flagged():
    table = tables("zetaview", size_file().replace(b"Dilution::\t500,0", b"")).particles
    assert table["dilution_applied"].isna().all()
    assert table["flag"].str.contains("Dilution: not stated").all()


def test_a_zetaview_export_is_a_batch_and_eleven_positions_are_none(tmp_path):
    (tmp_path / "lot.txt").write_bytes(size_file())
    lot = read_batch(tmp_path / "lot.txt", CATALOG)
    # The median of a symmetric distribution around 100 nm.
    assert float(str(lot.values["diameter"]["value"]).split()[0]) == pytest.approx(100, abs=2)
    (tmp_path / "eleven.txt").write_bytes(samples("zetaview")[2].content)
    with pytest.raises(BadInput, match="no size distribution"):
        read_batch(tmp_path / "eleven.txt", CATALOG)


def test_a_real_zetaview_export_holds_what_the_instrument_printed():
    table = real("nta_zetaview", "Sample1_35nm_1-5pool.txt").particles
    assert table["count"].sum() == 2235
    median = np.interp(0.5, np.cumsum(table["count"]) / 2235, table["diameter"] * 1e6)
    assert median == pytest.approx(99.147, abs=2.5)  # within half a bin of 5 nm
    assert set(table["dilution_applied"]) == {5000.0}
    assert table["flag"].str.contains("Drift Check Result: too high").all()


# Level series


def test_the_archive_of_both_processors_is_the_same():
    rz, rp = (tables("biosig_arf", content).waveforms for content in (archive(), archive("I", "h")))
    assert np.array_equal(np.stack(rz["samples"]), np.stack(rp["samples"]))
    assert rz["level"].equals(rp["level"])


def test_a_tone_shorter_than_one_cycle_is_a_click():
    for name in ("biosig_arf", "biosig_csv"):
        table = tables(name, samples(name)[0].content).waveforms
        click = table["flag"].str.contains("less than one cycle")
        assert click.sum() == 1
        assert table["frequency"][click].isna().all()


def in_unit(unit, factor):
    """A made-up table of one animal, written by BioSig in this unit of voltage."""
    lines = (SMALL / "biosig_uv.csv").read_text(encoding="utf-8").splitlines()
    cells = [line.split(",") for line in lines]
    first, volts = cells[0].index("0"), cells[0].index("V1(uv)")
    for row in cells[1:]:
        for i in (volts, *range(first, first + 100)):
            row[i] = repr(float(row[i]) * factor)
    header = lines[0].replace("(uv)", f"({unit})")
    return "\n".join([header, *(",".join(row) for row in cells[1:])]).encode()


def first_wave_of(content):
    _, waves, _ = estimate(tables("biosig_csv", content).waveforms)
    wave = waves[waves["quantity"] == "wave1"]
    return wave["level"].to_numpy(), wave["value"].to_numpy()


@pytest.mark.parametrize(("unit", "factor"), [("nV", 1e3), ("mV", 1e-3), ("V", 1e-6), ("µV", 1.0)])
def test_one_animal_has_one_wave_i_whatever_unit_of_voltage_its_table_is_in(unit, factor):
    levels, wave = first_wave_of((SMALL / "biosig_uv.csv").read_bytes())
    assert levels.size >= 3 and (wave < 10).all()
    again, twin = first_wave_of(in_unit(unit, factor))
    assert again.tolist() == levels.tolist()
    assert twin == pytest.approx(wave, rel=1e-9)


def test_the_twins_in_nanovolt_and_microvolt_hold_one_response():
    nano, micro = (
        tables("biosig_csv", (SMALL / name).read_bytes()).waveforms
        for name in ("biosig_nv.csv", "biosig_uv.csv")
    )
    assert np.stack(nano["samples"]) == pytest.approx(np.stack(micro["samples"]), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "given"),
    [
        ("(uv)", "", "no unit"), ("(uv)", "()", "no unit"), ("(uv)", "(kv)", "kv"), ("V1(uv)", "V1(nv)", "nv, uv"),
        ("Data(uv)...", "Data...", "no unit, uv"),
    ],
)  # fmt: skip
def test_a_table_without_one_known_unit_of_voltage_is_refused_with_the_cure(old, new, given):
    text = (SMALL / "biosig_uv.csv").read_text(encoding="utf-8")
    with pytest.raises(BadInput, match=re.escape(given)) as refusal:
        tables("biosig_csv", text.replace(old, new).encode())
    assert "nV, uV, mV, V" in str(refusal.value.allowed) and "Data(nv)" in str(refusal.value.cure)


@pytest.mark.parametrize(
    ("place", "form", "value"),
    [
        (2, "<h", 300), (2, "<h", 0), (4, "<h", 2000), (4, "<h", 1), (6, "<i", 2_000_000_000), (6, "<i", -1),
        (806, "<i", 9000), (8811 + 4, "<h", 2000), (8811 + 4, "<h", -1), (8811 + 626 + 18, "<H", 65535),
        (8811 + 626 + 18, "<H", 0),
    ],
)  # fmt: skip
def test_an_archive_that_lies_about_counts_lengths_or_places_is_refused(place, form, value):
    content = bytearray(archive())
    struct.pack_into(form, content, place, value)
    with pytest.raises(BadInput, match="cannot be used"):
        tables("biosig_arf", bytes(content))


def test_a_sample_that_is_a_signalling_nan_is_no_voltage_and_raises_no_warning():
    content = bytearray(archive())
    struct.pack_into("<I", content, len(content) - 4, 0x7F800001)
    read = tables("biosig_arf", bytes(content))
    (lost,) = read.refused
    assert "no voltages" in lost.reason


def test_a_real_archive_and_table_hold_every_record():
    archive_ = real("abr_biosig", "20250616 WT.arf").waveforms
    assert len(archive_) == 204
    assert set(archive_["subject"]) == {"M1", "M2", "M3", "M4"}
    assert set(archive_["recorded"].str[:10]) == {"2025-06-16"}
    table = real("abr_biosig", "55.csv").waveforms
    assert len(table) == 156
    assert sorted(table["frequency"].dropna().unique()) == [3, 6, 12, 18, 24, 30, 36, 42]
    assert table["flag"].str.contains("click").sum() == 20


def test_real_averages_have_the_levels_another_program_reads():
    # abr 0.0.15 reads twelve waveforms of 10 to 80 dB from this file.
    table = real("abr_epl", "ABR-52-3").waveforms
    assert table["level"].tolist() == [10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80]
    assert set(table["frequency"]) == {16.0}
    assert set(table["rate"]) == {100.0}


def test_a_run_whose_name_belies_its_content_is_flagged():
    content = samples("epl")[0].content
    assert (
        tables("epl", content, "ABR-52-4").waveforms["flag"].str.contains("name says run 4, content 3").all()
    )
    assert not tables("epl", content, "ABR-52-3").waveforms["flag"].str.contains("name says").any()


def test_volts_that_cannot_be_volts_are_refused():
    content = samples("psiexperiment")[0].content
    large = content.replace(b"e-07", b"e+00").replace(b"e-08", b"e+00").replace(b"e-06", b"e+00")
    with pytest.raises(BadInput, match="volts"):
        tables("psiexperiment", large)


# Audiograms


def test_a_transport_file_holds_what_another_program_reads():
    frame = pd.read_sas(io.BytesIO(transport()), format="xport")
    ours = tables("nhanes", transport()).readings
    plain = ours[(ours["censored"] == "none") & (ours["subject"] == "62161")]["value"].tolist()
    assert plain == frame[NAMES[1:]].iloc[0].tolist()


def test_nought_decibels_are_nought_and_no_tiny_number():
    ours = tables("nhanes", transport()).readings
    assert ours[(ours["subject"] == "62164")]["value"].iloc[0] == 0.0
    assert ((ours["value"] == 0) | (ours["value"].abs() >= 5)).all()


def test_codes_of_a_national_survey_never_become_levels():
    table = real("audiograms_nhanes", "AUX_G_first_2250.csv")
    assert table.readings["value"].between(-20, 120).all()
    raw = pd.read_csv(REAL / "audiograms_nhanes" / "AUX_G_first_2250.csv")
    tests = raw.filter(regex=r"^AUX[UR](500|1K1|1K2|1K|5C|2K|3K|4K|6K|8K)[RL]$")
    assert len(table.readings) == tests.notna().sum().sum() - (tests == 888).sum().sum()
    assert (table.readings["censored"] == "above").sum() == (tests == 666).sum().sum()


@pytest.mark.parametrize(
    "bomb",
    [
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_entities_and_document_types_are_refused(bomb):
    content = TEXT.replace("<SaData", bomb + "<SaData", 1)
    with pytest.raises(BadInput, match="without entities"):
        tables("interacoustics", content.encode())


def test_a_masked_threshold_stands_for_the_unmasked_one():
    table = tables("interacoustics", TEXT.encode()).readings
    assert table[table["frequency"] == 0.5]["value"].tolist() == [40.0]
    assert table[table["frequency"] == 0.5]["flag"].str.contains("masked").all()


def test_a_real_audiogram_lacks_the_frequency_that_was_not_tested():
    table = real("audiogram_xml", "aud_001.xml").readings
    assert len(table) == 29
    tested = table.groupby("ear")["frequency"].agg(set)
    assert tested["left"] ^ tested["right"] == {2.0}


# Any file


def test_deep_and_large_trees_are_refused():
    deep = b'{"audiogram_cfs": ' + b"[" * 200_000
    with pytest.raises(BadInput, match="JSON"):
        tables("clarity", deep)
    with pytest.raises(BadInput, match="at most 5000000"):
        tables("clarity", b'{"audiogram_cfs": 1' + b" " * 5_000_001)


def test_a_file_larger_than_any_export_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "large.csv").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    with pytest.raises(BadInput, match="too large"):
        read(tmp_path / "large.csv", CATALOG)


def test_a_table_nobody_knows_is_asked_about(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(BadInput, match=r"table of unknown meaning.*new mapping"):
        read(tmp_path / "x.csv", CATALOG)


@pytest.mark.parametrize("column", ["percent", "position"])
def test_a_place_without_direction_is_refused_or_another_table(column):
    content = f"animal,{column},cell_type,count\ng1,25,OHC,60\n".encode()
    if column == "percent":
        with pytest.raises(BadInput, match="percent_from_base"):
            tables("cochleogram", content)
    else:
        assert not reader("cochleogram").recognises(content)


def test_a_count_that_does_not_say_of_what_is_refused():
    with pytest.raises(BadInput, match="synapses or ribbons"):
        tables("synapse_table", samples("synapse_table")[0].content, "counts.csv")


def test_events_that_a_cytometry_file_cannot_hold_are_refused():
    content = samples("fcs")[0].content.replace(b"$TOT/50/", b"$TOT/99/")
    with pytest.raises(BadInput, match=r"\$TOT"):
        tables("fcs", content)


# Ears


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("interacoustics", b"<Earside>Right", b"<Earside>Binaural"), ("epl", b"EAR: R", b"EAR: Both"),
     ("cochleogram", b",L,", b",both,"), ("audiogram_table", b",left,", b",both,")],
)  # fmt: skip
def test_a_word_for_the_ear_that_is_neither_left_nor_right_is_flagged(name, old, new):
    sample = next(one for one in samples(name) if old in one.content)
    found = tables(name, sample.content.replace(old, new), sample.name)
    table = found.waveforms if found.readings is None else found.readings
    unknown = table[table["ear"] == ""]
    assert len(unknown)
    assert unknown["flag"].str.contains("neither left nor right").all()


@pytest.mark.parametrize("written", ["-1", "0", "click", "8000"])
def test_a_frequency_that_can_be_none_is_flagged_and_never_a_number(written):
    text = f"subject,freq_khz,threshold_db_spl\nm1,{written},30\nm1,16,40\n".encode()
    found = tables("abr_table", text)
    assert found.refused == ()
    assert found.readings["frequency"].tolist() == pytest.approx([np.nan, 16.0], nan_ok=True)
    said = "click" if written == "click" else f"frequency given as {written}: none"
    assert said in found.readings["flag"][0].split("; ")
    assert "given" not in found.readings["flag"][1]


def test_a_count_below_none_makes_no_share():
    text = b"subject,freq_khz,cell_type,present,missing\nm1,8,OHC1,45,-5\nm1,8,OHC1,45,5\n"
    found = tables("cochleogram", text)
    assert (found.readings["value"].tolist(), len(found.refused)) == ([0.9], 1)


@pytest.mark.parametrize(("told", "subjects"), [("abb", ["a", "b"]), ("a b", ["a", ""]), ("   ", ["", ""])])
def test_waveforms_of_one_export_keep_their_own_animals(told, subjects):
    before, after = (",,,,,,".join(map(str.strip, names)).encode() for names in (["rat7"] * 3, told))
    found = tables("ihs", samples("ihs")[0].content.replace(before, after))
    assert found.waveforms["subject"].tolist() == subjects
    assert [one.place for one in found.refused] == ["waveform 3"]


def test_the_first_channel_of_each_ear_is_read_whatever_its_number():
    content = samples("ihs")[0].content.replace(b"Ear:,L,,,,,,L,,,,,,L", b"Ear:,L,,,,,,L,,,,,,R")
    found = tables("ihs", content)
    assert (found.waveforms["ear"].tolist(), found.refused) == (["left", "left", "right"], ())


def test_the_animal_of_a_cell_table_is_a_species_and_no_subject():
    table = tables("hcat", samples("hcat")[1].content).readings
    assert set(table["subject"]) == {""}


def test_an_average_without_an_ear_in_its_name_has_its_subject():
    content = samples("psiexperiment")[0].content
    table = tables(
        "psiexperiment", content, "20240102-101500 ab B12-3 abr_io ABR average waveforms.csv"
    ).waveforms
    assert set(zip(table["subject"], table["ear"], strict=True)) == {("B12-3", "")}


def test_kilohertz_under_a_header_that_says_hertz_are_no_frequencies():
    mixed = tables("abr_table", b"subject,frequency,threshold_db_spl\nm1,8,20\nm1,16000,30\n").readings
    assert mixed["frequency"].tolist() == pytest.approx([np.nan, 16.0], nan_ok=True)
    assert "frequency given as 8: none" in mixed["flag"][0]
    emissions = tables("dpoae_table", b"subject,f2_hz,l2,dp_level\nm1,8,60,10\nm1,16000,60,12\n")
    assert (emissions.readings["frequency"].tolist(), len(emissions.refused)) == ([16.0], 1)


@pytest.mark.parametrize("said", ["inf", "NR", "No response"])
def test_no_response_in_words_is_censored_at_the_loudest_level_tested(said):
    text = f"subject,freq_khz,level_db,threshold_db_spl\nm1,8,80,{said}\nm1,8,90,{said}\n".encode()
    table = tables("abr_table", text).readings
    assert (table["value"].tolist(), table["censored"].tolist()) == ([90.0], ["above"])


def test_a_table_of_which_nothing_can_be_read_says_why():
    with pytest.raises(BadInput, match="'20,5' is neither a level"):
        tables("abr_table", b'subject,freq_khz,threshold_db_spl\nm1,8,"20,5"\n')


@pytest.mark.parametrize("column", ["day", "time_h", "time_d", "timepoint", "date", "session"])
def test_the_same_threshold_on_another_day_is_another_reading(column):
    text = f"subject,{column},freq_khz,threshold_db_spl\nm1,1,8,30\nm1,14,8,30\n".encode()
    found = tables("abr_table", text)
    assert (found.readings["value"].tolist(), found.refused) == ([30.0, 30.0], ())


# Whose thresholds, and over what


def refusal_of(name, text):
    with pytest.raises(BadInput) as refusal:
        tables(name, text.encode())
    said = str(refusal.value)
    assert "threshold_db_hl" in said and "threshold_db_spl" in said
    return said


MOUSE, PERSON = (
    (SMALL / f"{name}.csv").read_text(encoding="utf-8")
    for name in ("mouse_threshold_db", "audiogram_threshold")
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MOUSE, "a column animal"), (MOUSE.replace("animal", "mouse"), "a column mouse"),
        (MOUSE.replace("animal", "subject"), "32 kHz"), (MOUSE.replace("_db", "_db_hl"), "a column animal"),
        (MOUSE.replace("animal", "subject").replace("_db", "_db_hl"), "32 kHz"),
        (MOUSE.replace("animal", "subject").replace("m1,L,32,90,cisplatin\n", ""), "dB, and not of what"),
        ("id,ear,freq_hz,threshold_db\np,left,500,20\np,left,5600,20\n", "dB, and not of what"),
        ("id,ear,freq_hz,threshold_db,strain\np,left,500,20,CBA\n", "a column strain"),
    ],
)  # fmt: skip
def test_a_table_that_is_not_surely_a_persons_is_no_audiogram(text, says):
    assert says in refusal_of("audiogram_table", text)


@pytest.mark.parametrize(
    "text",
    [
        "id,ear,freq_hz,threshold_db\np,left,500,20\np,left,16000,20\n",
        "id,ear,freq_khz,threshold_db_hl\np,left,8,20\n",
        "id,ear,freq_hz,threshold_db,masked\np,left,8000,20,0\n",
    ],
)  # fmt: skip
def test_a_table_that_says_it_is_a_persons_is_an_audiogram(text):
    readings = tables("audiogram_table", text.encode()).readings
    assert set(readings["quantity"]) == {"audiogram"} and set(readings["unit"]) == {"dB HL"}


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("id,l_air_500,l_air_32000", "32 kHz"), ("mouse,l_air_500,l_air_4000", "a column mouse"),
        ("id,right_8000,left_16000", "in which dB"), ("id,8,16", "in which dB"), ("animal,8,16", "a column animal"),
    ],
)  # fmt: skip
def test_a_column_a_test_whose_meaning_nothing_says_is_asked_about(header, says):
    with pytest.raises(BadInput, match=says):
        tables("wide_table", f"{header}\np,10,20\n".encode())


@pytest.mark.parametrize(
    "header", ["id,l_air_2000,x", "id,right_500,left_500", "id,4 kHz (dB HL),x", "id,R AC 4000 Hz,x"]
)
def test_a_column_a_test_with_ear_pathway_or_reference_is_a_persons(header):
    readings = tables("wide_table", f"{header}\np,20,\n".encode()).readings
    assert set(readings["quantity"]) == {"audiogram"} and set(readings["unit"]) == {"dB HL"}


# Levels and codes


@pytest.mark.parametrize(
    ("text", "value", "censored"),
    [
        ("40", 40, "none"), ("-10", -10, "none"), ("110+", 110, "above"), (">100", 100, "above"),
        (">= 100", 100, "above"),
        ("NR 110", 110, "above"), ("NR@110", 110, "above"), ("110 NR", 110, "above"), ("NR (105)", 105, "above"),
        ("no response at 95 dB", 95, "above"), ("<-10", -10, "below"),
    ],
)  # fmt: skip
def test_a_limit_is_censored_at_its_level(text, value, censored):
    one = level(text)
    assert (one.value, one.censored, one.reason) == (value, censored, "")


@pytest.mark.parametrize(
    "text", ["DNT", "CNT", "not tested", "NR", "inf", "666", "888", "-99", "n/a", "", "forty"]
)
def test_a_word_or_a_code_is_never_a_level(text):
    one = level(text)
    assert np.isnan(one.value) and one.reason


def test_no_response_is_censored_at_the_loudest_level_where_that_is_known():
    assert level("NR", loudest=90.0) == Level(90.0, "above")
    assert level("99", codes=Codes(no_response=frozenset({"99"})), loudest=95.0) == Level(95.0, "above")
    assert level("0", codes=Codes(not_tested=frozenset({"0"}))).reason == "not tested"


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ((10, 99, 15, 130), [1, 3]), ((10, 15, 37, 40), [2]), ((12, 17, 23, 41), []), ((40, 0, 55, 60), [1]),
        ((5, 0, 10, 15), []), ((10.0, 12.5, 20, 25), [1]),
    ],
)  # fmt: skip
def test_codes_values_off_the_steps_and_nought_in_a_deaf_ear_are_asked_about(values, asked):
    doubts = doubtful([Level(float(value)) for value in values], ["p left"] * len(values))
    assert [i for i, doubt in enumerate(doubts) if doubt] == asked


@pytest.mark.parametrize(
    "text", [PERSON, PERSON.replace("subject", "id"), "id,freq_khz,threshold\nm,8,20\nm,32,30\n"]
)
def test_thresholds_of_neither_species_nor_reference_are_no_abr(text):
    assert "neither species nor reference" in refusal_of("abr_table", text)


@pytest.mark.parametrize(
    "name", ["mouse,freq_khz,threshold", "id,freq_khz,threshold_db_spl", "id,freq_khz,abr_threshold"]
)
def test_thresholds_of_an_animal_or_of_a_named_reference_are_those_of_abr(name):
    (row,) = tables("abr_table", f"{name}\nm,8,20\n".encode()).readings.to_dict("records")
    assert (row["quantity"], row["unit"], row["value"]) == ("abr_threshold", "dB SPL", 20.0)
    assert ("not stated" in row["flag"]) == ("spl" not in name)


def test_a_threshold_stored_with_an_average_is_read_beside_its_waveforms():
    found = tables("epl", (SMALL / "ABR-7-1").read_bytes(), "ABR-7-1")
    (row,) = found.readings.to_dict("records")
    assert (row["value"], row["unit"], row["frequency"], row["ear"]) == (55.3, "dB SPL", 8.0, "right")
    assert len(found.waveforms) == 7 and found.waveforms["sweeps"].tolist() == [512.0] * 7
    plain = (SMALL / "ABR-7-1").read_bytes().replace(b":Threshold: 55.3", b":Threshold: None")
    assert tables("epl", plain, "ABR-7-1").readings is None


@pytest.mark.parametrize(
    ("factor", "likely"),
    [(1e3, "nV"), (1e-3, "mV"), (1e-6, "V")],
    ids=["too large", "too small", "far too small"],
)
def test_voltages_that_no_response_has_are_refused_with_the_unit_they_are_likely_in(factor, likely):
    text = in_unit("uV", factor)
    with pytest.raises(BadInput, match=f"look like {likely}"):
        tables("biosig_csv", text)


def test_a_unit_that_a_file_does_not_state_is_asked_for_and_may_be_given():
    bare = (SMALL / "biosig_nv.csv").read_bytes().replace(b"(nv)", b"")
    with pytest.raises(BadInput, match="--voltage"):
        tables("biosig_csv", bare)
    said = reader("biosig_csv").read(Export("file", bare, voltage="nV")).waveforms
    stated = tables("biosig_csv", (SMALL / "biosig_nv.csv").read_bytes()).waveforms
    assert np.array_equal(np.stack(said["samples"]), np.stack(stated["samples"]))


def test_the_twins_of_one_animal_in_text_and_table_have_one_wave_i():
    levels, wave = first_wave_of((SMALL / "biosig_uv.csv").read_bytes())
    _, waves, _ = estimate(tables("biosig_ascii", (SMALL / "biosig_ascii.txt").read_bytes()).waveforms)
    ascii_wave = waves[waves["quantity"] == "wave1"]
    assert ascii_wave["level"].tolist() == levels.tolist()
    assert ascii_wave["value"].to_numpy() == pytest.approx(wave, rel=1e-3)


@pytest.mark.parametrize(
    ("ear", "asked"),
    [
        ((0, 25, 60), False),
        ((0, 30, 60), True),
        ((0, 0), False),
        ((0, 0, 0), True),
        ((0, 5, 0), False),
        ((0,), False),
    ],
)
def test_nought_is_asked_about_from_thirty_decibels_below_or_three_noughts_alone(ear, asked):
    doubts = doubtful([Level(float(value)) for value in ear], ["p left"] * len(ear))
    assert [bool(doubt) for doubt in doubts] == [asked and not value for value in ear]


def test_one_ear_of_noughts_casts_no_doubt_on_another():
    levels = [Level(0.0), Level(40.0), Level(0.0), Level(5.0)]
    assert [bool(doubt) for doubt in doubtful(levels, ["a", "a", "b", "b"])] == [True, False, False, False]
    with pytest.raises(ValueError, match="zip"):
        doubtful(levels, ["a", "a", "b"])


@pytest.mark.parametrize(
    ("size", "largest", "words"),
    [
        (50.0, 1.0, ""), (51.0, 1.0, "0.05 to 50 uV"), (199.0, 1.0, "0.05 to 50 uV"), (201.0, 1.0, None),
        (0.05, 1.0, ""), (0.049, 1.0, "0.05 to 50 uV"), (0.0124, 1.0, None),
        (1000.0, EAR, ""), (1010.0, EAR, "0.05 to 50 uV"),
    ],
)  # fmt: skip
def test_a_response_has_up_to_fifty_microvolts_at_the_scalp_and_a_millivolt_in_the_ear(size, largest, words):
    """The median of the loudest recordings, to four times which a file is flagged and beyond which it is refused."""
    waves = [size * np.array([0.0, 1.0]), np.array([0.0, 1e-9])]
    asked = (Export("file", b""), waves, np.array([80.0, 60.0]), "uV", largest)
    if words is None:
        with pytest.raises(BadInput, match="voltage"):
            believable(*asked)
    else:
        assert words in believable(*asked) and bool(words) == bool(believable(*asked))
