"""A folder of files to tables and a study: nothing stops a folder, nothing is lost, nothing leads out of it."""

import csv
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import otosome
from laboratory import SAMPLES, samples
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.laboratory import intake as module
from otosome.laboratory import thresholds
from otosome.laboratory.animals import COLUMNS, Animals
from otosome.laboratory.intake import intake, read
from otosome.laboratory.tables import READINGS
from otosome.report.contact import comparison, contact_sheet, drawings
from otosome.report.groups import look
from otosome.report.imported import agreement, over_frequency
from otosome.report.terminal import import_lines
from otosome.study import loads
from samples.biosig_arf import archive

CATALOG = Catalog()
REAL = Path(__file__).parents[2] / "shared" / "data" / "noise_cba_jrj"


def otosome_(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """A folder with a file of every instrument, and two that nobody reads; tests read it and change nothing."""
    folder = tmp_path_factory.mktemp("all") / "exports"
    for file in sorted(SAMPLES.glob("*.py")):
        (folder / file.stem).mkdir(parents=True)
        for sample in samples(file.stem):
            sample.write(folder / file.stem)
    (folder / "notes.txt").write_text("nothing a reader knows", encoding="utf-8")
    (folder / "empty.csv").write_bytes(b"")
    return folder


@pytest.fixture
def archives(tmp_path):
    """A small folder of a test's own, to change."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for sample in samples("biosig_arf"):
        sample.write(folder)
    return folder


@pytest.fixture(scope="module")
def abr_import(tmp_path_factory, exports):
    """An import of published thresholds, with a sheet that says nothing yet of what the animals got."""
    home = tmp_path_factory.mktemp("abr")
    animals = sheet(home, {"subject": "m1", "group": "a", "species": "mouse"})
    done = otosome_("import", exports / "abr_table", "--animals", animals, "--out", home / "out")
    assert done.exit_code == 0, done.output
    return home / "out"


def drafting(tmp_path, abr_import, row):
    """What ``new fit`` says of that import with this row in its animals sheet."""
    shutil.copytree(abr_import, tmp_path / "out")
    sheet(tmp_path / "out", row)
    return otosome_("new", "fit", "--from", tmp_path / "out", "--out", tmp_path / "s.toml", "--json")


def sheet(tmp_path, *rows, columns=COLUMNS):
    file = tmp_path / "animals.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


def test_every_file_of_a_folder_is_read_or_refused_with_a_reason(exports):
    made = intake([exports], CATALOG)
    counts = {name: [one.rows for one in samples(name)] for name in CATALOG.names("instruments")}
    assert sorted(made.files.values()) == sorted(name for name, rows in counts.items() for _ in rows)
    # Thresholds and wave I that are computed from waveforms stand in no file.
    stated = made.readings[~made.readings["flag"].str.contains("from waveforms")]
    tables = sum(map(len, (stated, made.particles, made.waveforms, made.wells)))
    # Marks of the samples are of a recording that is not among the files.
    lost = sum(one.reason == "its recording is not among the files" for one in made.refused)
    assert tables + lost == sum(map(sum, counts.values()))
    assert {"notes.txt", "empty.csv"} <= {one.file for one in made.refused}
    assert all(one.place and one.reason for one in made.refused)


def test_the_same_content_under_another_name_is_read_once(archives):
    (archives / "copy.arf").write_bytes(samples("biosig_arf")[0].content)
    made = intake([archives], CATALOG)
    assert [one.given for one in made.refused if "same content" in one.reason] == ["a copy"]


def test_two_files_that_tell_one_subject_s_threshold_are_named(tmp_path):
    for folder, threshold in (("first", 20), ("second", 35)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "abr.csv").write_text(
            f"subject,freq_khz,threshold_db_spl\nm1,8,{threshold}\n{folder},8,30\n", encoding="utf-8"
        )
    made = intake([tmp_path], CATALOG)
    assert len(made.readings) == 4
    assert [note for note in made.notes if "of one name, all kept: m1 (" in note]


def test_files_of_one_name_in_several_folders_stay_apart(tmp_path):
    sample = samples("biosig_arf")[0].content
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "export.arf").write_bytes(sample + folder.encode())
    names = ["first/export.arf", "second/export.arf"]
    for paths in ([tmp_path], [tmp_path / "first", tmp_path / "second"]):
        made = intake(paths, CATALOG)
        assert list(made.files) == names == sorted(made.waveforms["file"].unique())


def test_a_file_name_that_is_no_text_stops_nothing(tmp_path):
    file = tmp_path / os.fsdecode(b"a\xff\n.arf")
    try:
        file.write_bytes(samples("biosig_arf")[0].content)
    except OSError:
        pytest.skip("this file system holds only names that are text")
    assert list(intake([tmp_path], CATALOG).files) == ["a\\xdcff\\xa.arf"]


def test_a_table_that_a_spreadsheet_saved_as_unicode_text_is_read(tmp_path):
    sample = samples("synapse_table")[0]
    (tmp_path / sample.name).write_bytes(sample.content.decode().encode("utf-16"))
    assert len(intake([tmp_path], CATALOG).readings) == sample.rows


def test_links_out_of_a_folder_are_refused_and_not_followed(archives, tmp_path):
    (tmp_path / "secret.csv").write_bytes(samples("abr_table")[1].content)
    (archives / "link.csv").symlink_to(tmp_path / "secret.csv")
    (archives / "up").symlink_to(tmp_path)
    made = intake([archives], CATALOG)
    assert {one.file for one in made.refused if one.given == "a link"} == {"link.csv", "up"}


def test_too_many_files_and_a_folder_without_any_are_refused(exports, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MOST_FILES", 5)
    with pytest.raises(BadInput, match="more than 5 files"):
        intake([exports], CATALOG)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BadInput, match="no file that could be read"):
        intake([tmp_path / "nothing"], CATALOG)
    with pytest.raises(BadInput, match="is no file or folder"):
        intake([tmp_path / "gone"], CATALOG)


def test_the_sheet_gives_groups_times_and_names_and_lists_who_is_missing(exports, tmp_path):
    file = sheet(
        tmp_path,
        {"subject": "M1", "group": "treated", "day0": "2025-06-10"},
        {"subject": "cage 4 mouse", "file": "2.arf", "code": "B"},
        {"subject": "nobody", "group": "vehicle"},
    )
    made = intake([exports / "biosig_arf", exports / "epl"], CATALOG, Animals.read(file))
    first = made.waveforms[made.waveforms["subject"] == "M1"].iloc[0]
    # Recorded on the 16th; without a time of day 0 whole days count.
    assert (first["group"], first["time"]) == ("treated", 6 * 24.0)
    said = " ".join(made.notes)
    assert "Not in animals.csv: 52, 7" in said
    assert "in no file: cage 4 mouse, nobody" in said


def test_a_code_stands_for_the_group_while_the_study_is_blinded(exports, tmp_path):
    made = intake(
        [exports / "biosig_arf"], CATALOG, Animals.read(sheet(tmp_path, {"subject": "M1", "code": "B"}))
    )
    assert set(made.waveforms["group"]) == {"B"}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"subject": "", "group": "a"}, "row 1: has no subject"),
        ({"subject": "a", "ear": "both"}, "row 1, ear: is no ear"),
        ({"subject": "a", "day0": "31.12.2024"}, "day0: is no date"),
        ({"subject": "a", "dose": "5 drops"}, "dose"),
    ],
)
def test_a_wrong_sheet_is_refused_with_row_and_column(tmp_path, row, says):
    with pytest.raises(BadInput, match=says):
        Animals.read(sheet(tmp_path, row))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (({"subject": "a", "ear": "L", "group": "x"}, {"subject": "a", "ear": "left"}), "subject twice"),
        (({"subject": "a", "file": "1", "group": "x"}, {"subject": "a", "file": "2"}), "one ear differ"),
        (({"subject": "a", "file": "1"}, {"subject": "b", "file": "1"}), "belongs to two subjects"),
        (({"subject": "a", "code": "B", "group": "x"}, {"subject": "b", "code": "B"}), "in some rows"),
    ],
)
def test_a_sheet_that_says_two_things_is_refused(tmp_path, rows, says):
    with pytest.raises(BadInput, match=says):
        Animals.read(sheet(tmp_path, *rows))


def test_an_ear_the_sheet_lacks_and_a_day_it_lacks_are_told(exports, tmp_path):
    file = sheet(tmp_path, {"subject": "M1", "ear": "left", "group": "a"})
    said = " ".join(intake([exports / "biosig_arf"], CATALOG, Animals.read(file)).notes)
    assert "Not in animals.csv: M1 without an ear" in said
    assert "Without day0 in animals.csv, so without a time: M1" in said


def test_a_sheet_with_a_subject_twice_or_a_column_of_its_own_is_refused(tmp_path):
    with pytest.raises(BadInput, match="subject twice"):
        Animals.read(sheet(tmp_path, {"subject": "a"}, {"subject": "a"}))
    with pytest.raises(BadInput, match="allowed: subject, file, ear"):
        Animals.read(sheet(tmp_path, {"subject": "a"}, columns=(*COLUMNS, "weight")))


def test_manual_thresholds_stand_beside_and_are_never_overwritten(tmp_path):
    from samples.psiexperiment import averages

    for level, value in ((16000.0, 45),):
        (tmp_path / "20240102-101500 ab m1 left x abr_io ABR average waveforms.csv").write_bytes(
            averages(level).replace(b"level,20,40,60", b"level,20,40,60")
        )
        (tmp_path / "hand.csv").write_text(
            f"id,ear,frequency_khz,threshold_db_spl\nm1,left,16,{value}\n", encoding="utf-8"
        )
    made = intake([tmp_path], CATALOG)
    assert made.readings.loc[made.readings["quantity"] == "abr_threshold", "value"].tolist() == [45.0]
    assert "3 levels" in " ".join(one.reason for one in made.refused)


@pytest.mark.parametrize("value", ["45", "inf"])
def test_what_was_read_by_hand_is_not_read_again_from_its_waveforms(tmp_path, monkeypatch, value):
    records = [(8000.0, level, 5.0) for level in (20.0, 40.0, 60.0, 80.0)]
    (tmp_path / "a.arf").write_bytes(archive(records=records))
    hand = f"id,freq_khz,threshold,level,wave1_uv\nM1,8,{value},60,1.5\nM1,8,{value},80,2.5\n"
    (tmp_path / "hand.csv").write_text(hand, encoding="utf-8")
    both = {
        "subject": "M1",
        "ear": "",
        "group": "",
        "time": np.nan,
        "frequency": 8.0,
        "recorded": "",
        "file": "a.arf",
        "sha256": "0",
    }
    ours = pd.DataFrame([{**both, "value": 44.0, "censored": "none"}], columns=list(thresholds.COLUMNS))
    waves = pd.DataFrame(
        [{**both, "quantity": quantity, "value": 3.0} for quantity in ("wave1", "wave1_latency")]
    )
    monkeypatch.setattr(thresholds, "estimate", lambda *_: (ours, waves, []))
    made = intake([tmp_path], CATALOG)
    values = made.readings.groupby("quantity")["value"].agg(list).to_dict()
    assert values == {
        "abr_threshold": [80.0 if value == "inf" else 45.0], "wave1": [1.5, 2.5], "wave1_latency": [3.0],
    }  # fmt: skip
    assert made.estimated["value"].tolist() == [44.0]


def set_by_hand(monkeypatch, hand, *ours):
    """What of the thresholds by hand stands beside ours, each a subject, ear and unit at 16 kHz."""
    both = {
        "frequency": 16.0,
        "recorded": "",
        "group": "",
        "time": np.nan,
        "censored": "none",
        "file": "a",
        "flag": "",
    }
    names = ("subject", "ear", "unit")
    manual = [
        {
            **both,
            **dict(zip(names, one, strict=True)),
            "value": 45.0,
            "quantity": "abr_threshold",
            "sha256": "1",
        }
        for one in hand
    ]
    found = [{**both, **dict(zip(names, one, strict=True)), "value": 40.0, "sha256": "0"} for one in ours]
    table = pd.DataFrame(found, columns=list(thresholds.COLUMNS))
    monkeypatch.setattr(thresholds, "estimate", lambda *_: (table, pd.DataFrame(), []))
    readings, nothing = pd.DataFrame(manual, columns=list(READINGS)), pd.DataFrame()
    made = module.Intake(readings, nothing, pd.DataFrame({"subject": ["m"]}), nothing, nothing)
    module._estimate(made, {})
    return [
        (value, flag) for value, flag in zip(made.estimated["manual"], made.estimated["flag"], strict=True)
    ]


def test_a_threshold_by_hand_in_another_reference_of_decibels_is_flagged_and_not_compared(monkeypatch):
    ((value, flag),) = set_by_hand(monkeypatch, [("m", "left", "dB SPL")], ("m", "left", "dB"))
    assert np.isnan(value)
    assert flag == "threshold by hand in dB SPL, levels in dB: not compared"
    assert set_by_hand(monkeypatch, [("m", "left", "dB")], ("m", "left", "dB")) == [(45.0, "")]


def test_a_threshold_by_hand_without_an_ear_is_of_the_ear_recorded_and_of_none_where_both_were(monkeypatch):
    ((value, flag),) = set_by_hand(monkeypatch, [("m", "", "dB")], ("m", "left", "dB"), ("n", "right", "dB"))[
        :1
    ]
    assert value == 45.0 and "taken for the same ear" in flag
    found = set_by_hand(monkeypatch, [("m", "", "dB")], ("m", "left", "dB"), ("m", "right", "dB"))
    assert all(np.isnan(value) and "both were recorded" in flag for value, flag in found)
    ((value, flag),) = set_by_hand(monkeypatch, [("m", "left", "dB"), ("m", "right", "dB")], ("m", "", "dB"))
    assert np.isnan(value) and "several" in flag


def test_a_file_that_no_reader_knows_is_listed_without_a_word_of_what_it_says(tmp_path):
    (tmp_path / "a.arf").write_bytes(samples("biosig_arf")[0].content)
    (tmp_path / "patient.txt").write_text("Erika Mustermann; born 1964-08-12", encoding="utf-8")
    (tmp_path / "patient.xlsx").write_bytes(b"PK\x03\x04 Erika Mustermann")
    refused = intake([tmp_path], CATALOG).refused
    given = {one.file: one.given for one in refused if one.file.startswith("patient")}
    assert given == {
        "patient.txt": "text, 33 bytes",
        "patient.xlsx": "a ZIP archive, 21 bytes",
    }


def test_import_writes_tables_refusals_and_a_contact_sheet_that_loads_nothing(exports, tmp_path):
    done = otosome_("import", exports, "--out", tmp_path / "out", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["ok"], told["command"]) == (0, True, "import")
    assert told["result"]["rows"]["readings"] == len(pd.read_parquet(tmp_path / "out" / "readings.parquet"))
    assert len(pd.read_csv(tmp_path / "out" / "refused.csv")) == told["result"]["rows"]["refused"]
    page = (tmp_path / "out" / "contact.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "")
    assert otosome_("import", exports, "--out", tmp_path / "out").exit_code == 2


def test_what_was_refused_is_said_with_how_many_values_it_is_and_the_cure():
    def refusal(file, place, given, reason):
        return {"file": file, "place": place, "given": given, "reason": reason}

    refused = [
        *(refusal("a.csv", f"row {n}, threshold", "a blank", "no threshold") for n in range(3)),
        refusal("a.csv", "row 1, wave1_amp", "8489 values", "no unit; import with --voltage and the unit"),
        *(refusal(f"{n}.txt", "file", "12 values of it", "is no table") for n in range(6)),
    ]
    first, whole, blanks, *others, last = import_lines(
        {"files": 1, "readings": 5, "refused": len(refused)}, refused
    )
    assert first == "1 file, 5 readings, 10 refused"
    assert (
        whole
        == "  refused: 8,489 values, a.csv, row 1, wave1_amp: no unit; import with --voltage and the unit"
    )
    assert blanks == "  refused: a.csv, row 0, threshold and 2 more places: no threshold"
    assert len(others) == 3 and last == "  and 3 more reasons in refused.csv"


@pytest.mark.parametrize("species", ["human", "Human"])
def test_a_persons_wave_v_after_the_window_of_rodents_is_a_threshold_and_not_no_response(tmp_path, species):
    (tmp_path / "ihs.txt").write_bytes((SAMPLES / "small" / "ihs_500hz.txt").read_bytes())
    unknown = intake([tmp_path / "ihs.txt"], CATALOG)
    assert len(unknown.readings) == len(unknown.estimated) == 0
    assert "no animals sheet names the species" in unknown.refused[0].reason
    known = Animals.read(sheet(tmp_path, {"subject": "P1", "species": species}))
    (row,) = intake([tmp_path / "ihs.txt"], CATALOG, known).readings.to_dict("records")
    # Its wave V stands out of the noise down to 40 or 50 dB; the recording ends at 19.2 ms.
    assert (row["quantity"], row["censored"]) == ("abr_threshold", "none")
    assert 40 <= row["value"] <= 60
    assert "recorded to 19.2 ms" in row["flag"]


def test_names_from_files_run_nowhere(tmp_path):
    name = '=HYPERLINK("x")</td><script>alert(1)</script>'
    content = samples("tidy_readings")[0].content.replace(
        b"vehicle", b'"' + name.replace('"', '""').encode() + b'"'
    )
    (tmp_path / "=cmd|' -C0.csv").write_bytes(content)
    otosome_("import", tmp_path, "--out", tmp_path / "out")
    assert "<script>alert" not in (tmp_path / "out" / "contact.html").read_text(encoding="utf-8")
    with (tmp_path / "out" / "readings.csv").open(newline="", encoding="utf-8") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert any(name in cell for cell in cells)
    assert not [
        cell for cell in cells if cell[:1] in tuple("=@+") or (cell[:1] == "-" and not cell[1:2].isdigit())
    ]


def filled(file):
    """The sheet that `new animals` wrote, filled in as a laboratory would."""
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        level = next((word for word in row["group"].split() if word.isdigit()), "100")
        row.update(species="mouse", insult="noise", insult_dose=f"{level} dB SPL", group=f"noise {level} dB")
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return rows


def story(folder, tmp_path):
    """From a folder of published tables to a study, with nothing but the command line."""
    out, animals, study = tmp_path / "imported", tmp_path / "animals.csv", tmp_path / "study.toml"
    assert otosome_("new", "animals", folder, "--out", animals).exit_code == 0
    rows = filled(animals)
    assert otosome_("import", folder, "--animals", animals, "--out", out).exit_code == 0
    assert otosome_("new", "fit", "--from", out, "--out", study).exit_code == 0
    done = otosome_("run", study, "--subjects", 10, "--out", tmp_path / "result")
    assert done.exit_code == 0, done.output
    return rows, pd.read_parquet(out / "readings.parquet"), loads(study.read_text(encoding="utf-8"))


def test_from_a_folder_and_a_sheet_to_a_study_that_runs(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    for name in ("abr_table", "dpoae_table", "synapse_table"):
        (folder / samples(name)[0].name).write_bytes(samples(name)[0].content)
    rows, readings, study = story(folder, tmp_path)
    assert {row["subject"] for row in rows} == {"m1", "m2", "12911"}
    assert set(readings["group"]) == {"noise 100 dB"}
    assert [arm.name for arm in study.tables.arm] == ["noise 100 dB"]
    assert study.tables.measure["abr_threshold"].at == [-24.0, 336.0]


@pytest.mark.skipif(not REAL.is_dir(), reason="no real files beside the repository (shared/data)")
def test_the_same_on_data_nobody_here_made(tmp_path):
    rows, readings, study = story(REAL, tmp_path)
    # Every row of the four tables is a reading, a repeat of its series' threshold, or listed.
    assert len(rows) == len({row["subject"] for row in rows}) == 98
    assert {arm.name for arm in study.tables.arm} == {f"noise {level} dB" for level in (100, 103, 105)}
    # Nothing says in which unit wave I is: it is asked for, and read once it is said.
    assert not (readings["quantity"] == "wave1").any()
    results = intake([REAL / "ABR_JRj_raw.csv"], CATALOG, voltage="nV")
    wave = results.readings[results.readings["quantity"] == "wave1"]
    assert 0.05 < wave["value"].median() < 50
    # The published outliers stay, marked.
    beyond = wave["value"].abs() > 20
    assert beyond.any() and wave.loc[beyond, "flag"].str.contains("beyond").all()
    listed = pd.read_csv(tmp_path / "imported" / "refused.csv", dtype=str)
    (reason,) = listed["reason"][listed["place"].str.contains("wave1_amp")]
    assert "in nV" in reason and "--voltage" in reason
    assert np.isfinite(readings["value"]).all()


def test_a_study_needs_an_insult_and_says_where_it_is_missing(tmp_path, abr_import):
    done = drafting(tmp_path, abr_import, {"subject": "m1", "group": "a", "species": "mouse"})
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["key"]) == (2, "insult")
    assert "none" in error["cure"]


@pytest.mark.parametrize(
    ("insult", "dose", "says"),
    [
        ("noise", "", "such as 103 dB SPL"), ("noise", "12 mg/kg", "such as 103 dB SPL"),
        ("cisplatin", "", "such as 12 mg/kg"), ("cisplatin", "103 dB SPL", "such as 12 mg/kg"),
    ],
)  # fmt: skip
def test_an_insult_without_the_dose_it_is_given_by_is_refused_and_not_made_up(
    tmp_path, abr_import, insult, dose, says
):
    row = {"subject": "m1", "group": "a", "species": "mouse", "insult": insult, "insult_dose": dose}
    done = drafting(tmp_path, abr_import, row)
    error = json.loads(done.stdout)["error"]
    assert (done.exit_code, error["key"]) == (2, "insult_dose")
    assert says in error["cure"]


def test_hands_and_waveforms_are_compared_with_bias_spread_and_shares():
    table = pd.DataFrame(
        {"value": [30.0, 42.0, 55.0], "manual": [25.0, 40.0, np.nan], "censored": "none", "unit": "dB SPL"}
    )
    # 5 and 2 dB: 3.5 in the middle, limits 1.96 standard deviations (2.12) to either side.
    assert agreement(table).says == "+3.5 dB, limits -0.7 to +7.7 dB, 2 pairs in dB SPL"
    # SD of 5 and 2 is 3 / sqrt(2).
    assert agreement(table).beside.startswith("SD 2.1 dB, 100% within 5 dB, 100% within 10 dB; a published")
    mixed = pd.concat([table, table.iloc[:1].assign(unit="dB")])
    assert agreement(mixed).says.endswith("2 pairs in dB SPL; 1 in another reference left out")
    assert agreement(table.iloc[:1]) is None


def test_the_page_of_hands_names_every_pair_and_the_bar():
    table = pd.DataFrame(
        {"value": [30.0, 42.0], "manual": [25.0, 34.0], "low": 20.0, "high": 50.0, "censored": "none"}
    ).assign(unit="dB SPL", subject=["<i>m1", "m2"], ear="left", frequency=[8.0, np.nan], file="a.csv")
    page = comparison(agreement(table))
    assert "&lt;i&gt;m1" in page and "<i>m1" not in page
    assert "<td>8 kHz</td>" in page and "<td>click</td>" in page
    assert "<td>+6.5 dB</td><td>2.1 dB</td><td>50 %</td><td>100 %</td><td>2</td>" in page
    assert "<td>+0.3 dB</td><td>6.2 dB</td><td>68 %</td><td>91 %</td>" in page


def test_a_sheet_for_files_without_animals_is_refused(exports, tmp_path):
    done = otosome_("new", "animals", exports / "nanosight", "--out", tmp_path / "animals.csv", "--json")
    assert (done.exit_code, json.loads(done.stdout)["error"]["message"]) == (2, "holds nothing of an animal")


def test_the_contact_sheet_draws_readings_by_group_and_time_on_common_axes(tmp_path):
    rows = "".join(
        f"{group}1,{group},{day},{khz},{threshold + khz}\n"
        for group, threshold in (("treated", 20), ("<b>control", 30))
        for day in (1, 14)
        for khz in (8, 16, 32)
    )
    (tmp_path / "abr.csv").write_text(
        f"subject,group,day,freq_khz,threshold_db_spl\n{rows}", encoding="utf-8"
    )
    results = intake([tmp_path], CATALOG)
    page = contact_sheet(results)
    assert re.findall(r"<strong>(abr threshold, \d+ d)</strong>", page) == [
        "abr threshold, 1 d", "abr threshold, 14 d",
    ]  # fmt: skip
    assert "&lt;b&gt;control (n = 1)" in page and "<b>control" not in page
    assert "<td>12 of 2</td><td>42</td><td>0</td>" in page
    early, late = drawings(results)
    assert list(late.table["median"]) == [38.0, 46.0, 62.0, 28.0, 36.0, 52.0]
    assert early.stem == "abr_threshold_1_d"


def test_animals_count_once_and_their_spread_is_that_of_animals():
    values = {"a": (10.0, 20.0), "b": (30.0, 30.0), "c": (40.0, 50.0)}
    rows = [
        {"subject": subject, "group": group, "frequency": khz, "value": value}
        for group in ("second", "first")
        for subject, both in values.items()
        for khz in (8.0, 16.0)
        for value in both
    ]
    about = {"quantity": "abr_threshold", "unit": "dB SPL", "level": np.nan, "time": 24.0, "flag": ""}
    (drawn,) = over_frequency(pd.DataFrame(rows).assign(censored="none", **about), ["second", "first"])
    # Means of animals: 15, 30 and 45.
    assert drawn.table.iloc[0].to_dict() == {
        "group": "second", "frequency": 8.0, "low": 22.5, "median": 30.0, "high": 37.5, "animals": 3,
    }  # fmt: skip
    assert list(drawn.table["group"].unique()) == ["second", "first"]
    assert len({look(number) for number in range(8)}) == len({look(number)[0] for number in range(8)}) == 8


def test_the_contact_sheet_tells_a_reason_once_for_each_file(tmp_path):
    rows = "".join(f"p{i},left,1000,888\n" for i in range(30))
    (tmp_path / "a.csv").write_text(
        f"id,ear,freq_hz,threshold_db_hl\np,left,1000,20\n{rows}", encoding="utf-8"
    )
    made = intake([tmp_path], CATALOG)
    page = contact_sheet(made)
    assert len(made.refused) == 30
    assert page.count("a code, not a level") == 1 and "row 2, threshold_db_hl and 29 more" in page


def test_a_series_and_its_interval_are_drawn_where_they_lie(tmp_path):
    (tmp_path / "a.arf").write_bytes(
        archive(records=[(8000.0, level, 5.0) for level in (20.0, 40.0, 60.0, 80.0)])
    )
    page = contact_sheet(intake([tmp_path], CATALOG))
    assert page.count("<polyline") == 4
    assert "M1 8 kHz" in page and "no threshold" in page  # 30 samples at 24 kHz end after 1.2 ms


def test_python_reads_a_folder_into_readings_and_keeps_what_was_refused(exports, archives):
    shutil.copytree(exports / "abr_table", archives / "tables")
    (archives / "notes.txt").write_text("nothing a reader knows", encoding="utf-8")
    readings = otosome.read(archives)
    assert list(readings.columns) == list(READINGS)
    assert len(readings) and readings.attrs["refused"]


@pytest.mark.skipif(not REAL.is_dir(), reason="no real files beside the repository (shared/data)")
def test_published_tables_and_recordings_together_draft_a_study_that_the_next_command_takes(tmp_path):
    out, animals, study = tmp_path / "imported", tmp_path / "animals.csv", tmp_path / "study.toml"
    folders = (REAL, REAL.parent / "abr_biosig")
    assert otosome_("new", "animals", *folders, "--out", animals).exit_code == 0
    with animals.open(newline="", encoding="utf-8") as stream:
        rows = [
            row for row in csv.DictReader(stream) if "100 dB SPL" in row["group"] or row["subject"] == "55"
        ]
    for number, row in enumerate(rows):
        vehicle = bool(number % 2)
        row.update(
            species="mouse", insult="noise", insult_dose="100 dB SPL", group="vehicle" if vehicle else "vesicles",
            treatment="saline" if vehicle else "example_lot", dose="2 uL",
        )  # fmt: skip
    sheet(tmp_path, *rows)
    assert otosome_("import", *folders, "--animals", animals, "--out", out).exit_code == 0
    assert otosome_("new", "fit", "--from", out, "--out", study).exit_code == 0
    text = study.read_text(encoding="utf-8")
    drafted = loads(text)
    # 3 kHz of mouse 55 lies below the place map; a dose in uL is the volume; vesicles are set beside the vehicle.
    assert "# Left out: 3 kHz" in text
    assert {use.batch for use in drafted.tables.treatment.values()} == {"vehicle", "example_lot"}
    assert (drafted.tables.compare.of, drafted.tables.compare.against) == ("vesicles", "vehicle")
    done = otosome_("run", study, "--subjects", 5, "--out", tmp_path / "result")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("dose", "holds"),
    [
        ("2e9 particles", 'amount = "2e9 particles"'),
        ("10 ug", 'amount = "10 ug"'),
        ("3 uL", 'volume = "3 uL"'),
    ],
)
def test_a_dose_of_vesicles_is_an_amount_or_the_volume_that_carries_it(tmp_path, abr_import, dose, holds):
    row = {
        "subject": "m1",
        "group": "a",
        "species": "mouse",
        "insult": "none",
        "treatment": "evs",
        "dose": dose,
    }
    done = drafting(tmp_path, abr_import, row)
    assert done.exit_code == 0, done.output
    assert holds in (tmp_path / "s.toml").read_text(encoding="utf-8")


def test_a_dose_that_is_none_of_vesicles_is_refused(tmp_path, abr_import):
    row = {
        "subject": "m1",
        "group": "a",
        "species": "mouse",
        "insult": "none",
        "treatment": "evs",
        "dose": "2 h",
    }
    done = drafting(tmp_path, abr_import, row)
    assert (done.exit_code, json.loads(done.stdout)["error"]["key"]) == (2, "dose")


TABLE = "subject,group,ear,freq_khz,threshold_db_spl\n"


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        # The hand's 35 dB at 16 kHz beside a table of the same animal; and beside one that lies far off.
        ("12,a,left,16,40\n", None, "Read by two methods, both kept: 12 ("),
        ("12,a,left,16,70\n", None, "Perhaps two animals of one name, all kept: 12 ("),
        # One layout twice, and two groups.
        ("12,a,left,16,40\n", "12,a,left,16,45\n", "Perhaps two animals of one name"),
        ("12,a,left,16,40\n", "12,b,left,16,40\n", "Perhaps two animals of one name"),
        ("12,a,left,16,40\n", "12,a,left,8,45\n", ""),
        ("12,a,left,16,40\n", "12,a,right,16,45\n", ""),
    ],
)
def test_two_methods_of_an_animal_are_told_from_two_animals_of_a_name(tmp_path, first, second, note):
    (tmp_path / "first.csv").write_text(TABLE + first)
    if second is None:
        by_hand = samples("epl_peaks")[0]
        (tmp_path / by_hand.name).write_bytes(by_hand.content)
    else:
        (tmp_path / "second.csv").write_text(TABLE + second)
    notes = [line for line in intake([tmp_path], CATALOG).notes if "two" in line]
    assert [line[: len(note)] for line in notes] == ([note] if note else [])


@pytest.mark.parametrize(
    ("text", "quantity", "subject"),
    [
        ("Subject ID;Ear;Freq (Hz);Threshold (dB HL)\nA;R;500;10\n", "audiogram", "A"),
        ("Threshold [dB SPL]\tFreq (kHz)\tMouse No.\n40\t0.5\t7\n", "abr_threshold", "7"),
        ("Strain,16 kHz ABR,0.5 kHz ABR,Mouse ID\nB6,40,10,m1\n", "abr_threshold", "m1"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_names_of_columns_are_read_as_people_write_them(tmp_path, text, quantity, subject, encoding):
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    rows = intake([tmp_path], CATALOG).readings
    assert set(rows["quantity"]) == {quantity} and set(rows["subject"]) == {subject}
    assert dict(zip(rows["frequency"], rows["value"], strict=True)) in (
        {0.5: 10.0},
        {0.5: 40.0},
        {16.0: 40.0, 0.5: 10.0},
    )


@pytest.mark.parametrize(
    ("written", "hours", "flag"),
    [
        ("post 14d", 336.0, ""),
        ("14 days after noise", 336.0, ""),
        ("2 wk post-exposure", 336.0, ""),
        ("d14", 336.0, ""),
        ("24 h after", 24.0, ""),
        ("pre", np.nan, "timepoint: baseline"),
        ("Pre-noise", np.nan, "timepoint: baseline"),
        ("before", np.nan, "timepoint: baseline"),
        ("post", np.nan, "timepoint: post"),
        ("preterm", np.nan, "timepoint: preterm"),
    ],
)
def test_a_time_is_read_as_laboratories_write_it(tmp_path, written, hours, flag):
    head = "Mouse,Group,Timepoint,Frequency (kHz),Threshold (dB SPL)"
    (tmp_path / "abr.csv").write_text(f"{head}\n1,control,{written},8,30\n", encoding="utf-8")
    (row,) = read(tmp_path / "abr.csv").to_dict("records")
    assert row["time"] == pytest.approx(hours, nan_ok=True)
    assert flag in row["flag"] and ("timepoint" in row["flag"]) == bool(flag)


def test_a_column_of_days_may_hold_words(tmp_path):
    file = tmp_path / "thresholds.csv"
    days = {
        "baseline": (np.nan, "timepoint: baseline"),
        "-1 d": (-24.0, ""),
        "14 d": (336.0, ""),
        "21": (504.0, ""),
    }
    rows = [f"m1,{day},{25 + 5 * number},40" for number, day in enumerate(days)]
    head = "animal,day,8 kHz ABR threshold,16 kHz ABR threshold"
    file.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    table = read(file)
    assert table.attrs["refused"] == []
    first = table[table["frequency"] == 8.0]
    assert first["time"].tolist() == pytest.approx([time for time, _ in days.values()], nan_ok=True)
    assert [words in flag for (_, words), flag in zip(days.values(), first["flag"], strict=True)] == [
        True
    ] * 4
