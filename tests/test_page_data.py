"""The room of data: what it asks is what the command line does, and what it shows is what the library says."""

import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import page
from browser import needs_chromium, opened, serious, until
from laboratory import samples
from level_series import export, imported
from otosome.jobs import ImportInputs, import_
from otosome.jobs.exporting import columns_by_group, workbook_of
from otosome.jobs.marking import marking
from otosome.laboratory.file import Export
from otosome.laboratory.workbook import sheets
from otosome.page.rooms.data import _in_time

HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A folder with an import of four level series of two animals, in results/import."""
    home = tmp_path_factory.mktemp("data")
    (home / "results").mkdir()
    imported(home)
    shutil.move(home / "import", home / "results" / "import")
    return home


@pytest.fixture
def folder(origin, tmp_path):
    shutil.copytree(origin, tmp_path / "lab")
    return tmp_path / "lab"


@pytest.fixture
def room(folder):
    whole = page(folder)
    return whole, whole.enter(), whole.id("results/import")


def test_every_part_of_an_import_is_shown(room):
    _, client, result = room
    for show, words in {
        "files": "recognised as",
        "traces": "You read as",
        "groups": "Animals sheet",
        "export": "Spreadsheet",
    }.items():
        answer = client.get(f"/data?result={result}&show={show}")
        assert answer.status_code == 200
        assert words.lower() in answer.text.lower()


def test_names_of_files_are_text(tmp_path):
    file = tmp_path / "r.csv"
    file.write_text(
        f"subject,quantity,value,unit,frequency\n{HOSTILE},abr_threshold,40,dB SPL,8\nm1,none,x,dB,8\n"
    )
    import_(ImportInputs(paths=(file,), out=tmp_path / "results" / HOSTILE.replace("/", "")))
    whole = page(tmp_path)
    client = whole.enter()
    for show in ("files", "groups", "export"):
        text = client.get(f"/data?show={show}").text
        assert "<img src=x" not in text


def test_files_are_read_by_the_command_line_that_is_shown(room):
    whole, client, result = room
    asked = client.post(
        "/api/data/read", json={"paths": [whole.id("exports/a.csv")], "species": "mouse"}
    ).json()
    job = whole.bench.work.job(asked["job"])
    assert job.command == "otosome import --force --out=results/a --species=mouse exports/a.csv"
    again = client.post("/api/data/read", json={"result": result, "voltage": "nV"}).json()
    words = whole.bench.work.job(again["job"]).arguments
    assert words[:-1] == ("--force", "--out=results/import", "--species=mouse", "--voltage=nV")
    assert client.post("/api/data/read", json={}).status_code == 422
    assert client.post("/api/data/read", json={"paths": ["0" * 16]}).status_code == 404


def test_marks_through_the_page_are_marks_of_the_library(room):
    whole, client, result = room
    seen = client.get(f"/api/data/series?result={result}&reader=A").json()
    key = seen["series"][0]["key"]
    body = {"result": result, "reader": "A", "key": key}
    assert client.post("/api/data/mark", json={**body, "threshold": 42.5}).json() == {"line": 1}
    assert client.post(
        "/api/data/mark", json={**body, "level": 90.0, "peak": 1.6, "trough": 2.05}
    ).json() == {"line": 2}
    own = marking(whole.folder / "results" / "import")
    assert client.get(f"/api/data/series?result={result}&reader=A").json() == own.sight("A")
    assert own.sight("A")["series"][0]["marks"]["A"]["threshold"]["value"] == 42.5
    client.post("/api/data/turn", json={"result": result, "reader": "A", "does": "undo"})
    client.post("/api/data/turn", json={"result": result, "reader": "A", "does": "undo"})
    assert client.get(f"/api/data/changes?result={result}&reader=A").json() == own.changes("A")
    assert own.sight("A")["series"][0]["marks"] == {}
    refused = client.post("/api/data/turn", json={"result": result, "reader": "A", "does": "undo"})
    assert refused.status_code == 422 and "no mark that stands" in refused.json()["error"]["message"]
    beyond = client.post("/api/data/mark", json={**body, "threshold": 120.0})
    assert beyond.status_code == 422 and "no level" in beyond.json()["error"]["message"]


def test_a_blinded_reader_is_told_nothing_by_any_address(room):
    _, client, result = room
    series = client.get(f"/api/data/series?result={result}&reader=A").json()["series"]
    client.post(
        "/api/data/mark", json={"result": result, "reader": "A", "key": series[0]["key"], "threshold": 41.0}
    )
    client.post("/api/data/turn", json={"result": result, "reader": "B", "does": "blind"})
    for address in ("series", "changes"):
        text = client.get(f"/api/data/{address}?result={result}&reader=B").text
        assert "41.5" not in text and '"A"' not in text
    wave = client.get(f"/api/data/waveforms?result={result}&key={series[0]['key']}").json()
    assert set(wave) == {"key", "levels", "time", "responses"}


def test_agreement_is_that_of_the_library(room):
    whole, client, result = room
    keys = [s["key"] for s in client.get(f"/api/data/series?result={result}&reader=A").json()["series"]]
    for number, key in enumerate(keys):
        for reader, value in (("A", 40.0), ("B", 42.0 + number)):
            body = {"result": result, "reader": reader, "key": key, "threshold": value}
            assert client.post("/api/data/mark", json=body).status_code == 200
    shown = client.get(f"/api/data/agreement?result={result}&first=A&second=B").json()
    own = marking(whole.folder / "results" / "import").agreement("A", "B")
    assert (shown["pairs"], shown["bias"], shown["spread"]) == (4, own.bias, own.spread)
    assert shown["bias"] == pytest.approx(3.5) and shown["near"] == [0.75 + 0.25, 1.0]
    few = client.get(f"/api/data/agreement?result={result}&first=A&second=C")
    assert few.status_code == 422


def test_the_spreadsheet_holds_the_tables_of_the_import(room):
    whole, client, result = room
    answer = client.get(f"/api/data/workbook?result={result}")
    assert "attachment" in answer.headers["content-disposition"]
    tables = {part.sheet: part for part in sheets(Export("i.xlsx", answer.content))}
    readings = pd.read_csv(whole.folder / "results" / "import" / "readings.csv")
    own = pd.read_csv(io.StringIO(tables["readings"].text))
    assert np.allclose(own["value"], readings["value"])
    assert own["subject"].tolist() == readings["subject"].tolist()
    assert answer.content == workbook_of(whole.folder / "results" / "import")


def test_figures_of_one_quantity_stand_in_time():
    names = ["abr_14_d", "abr_36_h", "abr_1_d", "wave1", "abr_baseline", "wave1_2.5_d"]
    order = [path.stem for path in sorted((Path(f"{name}.svg") for name in names), key=_in_time)]
    assert order == ["abr_baseline", "abr_1_d", "abr_36_h", "abr_14_d", "wave1", "wave1_2.5_d"]


def test_prism_gets_a_column_an_animal_with_the_groups_side_by_side():
    rows = [
        ("m1", "vehicle", 8.0, 30.0),
        ("m1", "vehicle", 8.0, 40.0),
        ("m2", "drug", 8.0, 50.0),
        ("m2", "drug", 16.0, 60.0),
        ("m3", "", 8.0, 99.0),
    ]
    table = pd.DataFrame(rows, columns=["subject", "group", "frequency", "value"]).assign(
        quantity="abr_threshold", unit="dB SPL", time=336.0, level=np.nan, flag=""
    )
    ((name, wide),) = columns_by_group(table).items()
    assert name == "abr_threshold 14 d"
    assert list(wide.columns) == ["frequency", "drug: m2", "vehicle: m1"]
    assert wide["vehicle: m1"].tolist()[0] == 35.0 and np.isnan(wide["vehicle: m1"].tolist()[1])
    assert wide["drug: m2"].tolist() == [50.0, 60.0]


def test_a_table_nobody_knows_is_explained_and_reads_as_with_a_mapping(tmp_path):
    (tmp_path / "odd.csv").write_text("animal,when,low tone,no tone\nM1,baseline,30,NR\nM1,post,45,90\n")
    whole = page(tmp_path)
    client = whole.enter()
    asked = client.get(f"/api/data/tables?id={whole.id('odd.csv')}").json()
    (table,) = asked["tables"]
    assert table["columns"] == ["animal", "when", "low tone", "no tone"]
    assert table["about"]["subject"] == "animal" and table["rows"][0] == ["M1", "baseline", "30", "NR"]
    column = {"quantity": "abr_threshold", "unit": "dB SPL"}
    said = {
        "name": "my",
        "table": [
            {
                "columns": table["columns"],
                "species": "mouse",
                "subject": "animal",
                "time": "when",
                "times": {"baseline": "-24 h", "post": "14 d"},
                "no_response": ["NR"],
                "loudest": "90 dB SPL",
                "column": {
                    "low tone": column | {"frequency": "8 kHz"},
                    "no tone": column | {"frequency": "click"},
                },
            }
        ],
    }
    written = client.post("/api/data/mapping", json=said).json()
    assert written["name"] == "my_mapping.toml"
    import_(
        ImportInputs(
            paths=(tmp_path / "odd.csv",), mapping=tmp_path / written["name"], out=tmp_path / "results" / "i"
        )
    )
    readings = pd.read_parquet(tmp_path / "results" / "i" / "readings.parquet")
    assert readings["value"].tolist() == [30.0, 45.0, 90.0, 90.0]
    assert readings["time"].tolist() == [-24.0, 336.0, -24.0, 336.0]
    # What was said is never replaced, and what a mapping cannot say is refused by its key.
    assert client.post("/api/data/mapping", json=said).json()["name"] == "my_mapping2.toml"
    said["table"][0]["column"]["low tone"]["unit"] = "dB HL and more"
    refused = client.post("/api/data/mapping", json=said)
    assert refused.status_code == 422 and "unit" in refused.json()["error"]["key"]
    for hostile in ({"table": [{"column": None}]}, {"table": [{}], "plate": [{"a": {"b": [None]}}]}):
        assert client.post("/api/data/mapping", json={"name": "x", **hostile}).status_code == 422


def test_the_animals_sheet_is_filled_in_and_groups_follow(room):
    whole, client, result = room
    sheet = client.get(f"/api/data/animals?result={result}").json()
    assert [row["subject"] for row in sheet["rows"]] == ["55", "56"]
    rows = [{**row, "group": group} for row, group in zip(sheet["rows"], ("vehicle", "drug"), strict=True)]
    written = client.post("/api/data/animals", json={"result": result, "rows": rows}).json()
    assert (whole.folder / written["name"]).read_text().splitlines()[1].startswith("55,")
    asked = client.post("/api/data/read", json={"result": result, "animals": written["id"]}).json()
    assert f"--animals={written['name']}" in whole.bench.work.job(asked["job"]).command
    rows[0]["day0"] = "some day"
    refused = client.post("/api/data/animals", json={"result": result, "rows": rows})
    assert refused.status_code == 422 and "day0" in refused.json()["error"]["key"]


# -- in a browser


def lines(folder):
    file = folder / "results" / "import.marks.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


@needs_chromium
def test_a_threshold_is_dragged_moved_by_keys_undone_and_applied_as_the_command_line_does(
    browser, folder, tmp_path
):
    with opened(browser, folder) as (tab, address):
        tab.goto(f"{address}/data?show=traces")
        tab.wait_for_selector("#stack polyline", timeout=120_000)
        assert serious(tab) == []
        circle = tab.locator("#stack .grip circle").bounding_box()
        tab.mouse.move(circle["x"] + 8, circle["y"] + 8)
        tab.mouse.down()
        tab.mouse.move(circle["x"] + 8, circle["y"] - 60, steps=4)
        tab.mouse.up()
        until(lambda: lines(folder))
        dragged = lines(folder)[0]["to"]["value"]
        assert dragged > marking(folder / "results" / "import").traces[_key(folder)].automatic.threshold.value
        assert f"{dragged:g} dB" in tab.inner_text("#beside tbody tr:last-child")
        # k goes to the next half step louder, u takes it back, all by keys alone.
        tab.keyboard.press("k")
        until(lambda: len(lines(folder)) == 2)
        assert lines(folder)[1]["to"]["value"] == (dragged // 5 + 1) * 5
        tab.keyboard.press("u")
        until(lambda: len(lines(folder)) == 3)
        until(lambda: f"{dragged:g} dB" in tab.inner_text("#beside tbody tr:last-child"))
        tab.click("#apply")
        tab.wait_for_url("**/data?result=*", timeout=180_000)
    folder_now = folder / "results" / "import"
    import_(
        ImportInputs(
            paths=(folder / "exports", folder / "results" / "import.marks.jsonl"),
            species="mouse",
            out=tmp_path / "cli",
        )
    )
    own, theirs = (pd.read_csv(place / "readings.csv") for place in (folder_now, tmp_path / "cli"))
    pd.testing.assert_frame_equal(own.drop(columns="file"), theirs.drop(columns="file"))
    assert dragged in own.loc[own["flag"].str.contains("by hand", na=False), "value"].tolist()


def _key(folder):
    return next(iter(marking(folder / "results" / "import").traces))


@needs_chromium
def test_a_folder_that_is_dropped_becomes_a_picture_and_a_wrong_file_a_sentence(browser, tmp_path):
    lab, mine = tmp_path / "lab", tmp_path / "mine"
    lab.mkdir()
    mine.mkdir()
    export(mine / "a.csv", {"55": {8: 35}})
    # A copy is not read, and its name is as long as those that instruments give.
    long = mine / "copy_of_what_the_second_recorder_wrote_2026-11-30T11-33-44.csv"
    long.write_bytes((mine / "a.csv").read_bytes())
    (tmp_path / "wrong.bin").write_bytes(b"\\0\\1\\2" * 40)
    with opened(browser, lab, width=390) as (tab, address):
        tab.goto(f"{address}/data")
        assert serious(tab) == []
        tab.set_input_files("input[webkitdirectory]", mine)
        tab.wait_for_url("**/data?result=*", timeout=180_000)
        tab.wait_for_selector("#stack polyline", timeout=120_000)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        for show in ("files", "groups", "export"):
            tab.click(f"nav.choices a[href*='show={show}']")
            tab.locator(f"nav.choices a[href*='show={show}'][aria-current]").wait_for()
            assert serious(tab) == []
            assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        tab.goto(f"{address}/data?new=1")
        tab.set_input_files("input[type=file]:not([webkitdirectory])", tmp_path / "wrong.bin")
        tab.wait_for_selector(".job.refused", timeout=180_000)
        assert "wrong.bin" in tab.inner_text(".job.refused")
    assert (lab / "results" / "mine" / "readings.csv").is_file()


def labelled(part, text):
    """The field whose label begins so."""
    own = part.locator("label").filter(has_text=re.compile(rf"^{re.escape(text)} "))
    return own.locator("select, input, textarea")


@needs_chromium
def test_an_unknown_table_a_code_and_a_plate_are_explained_by_a_person_and_groups_follow(browser, tmp_path):
    lab = tmp_path / "lab"
    lab.mkdir()
    rows = [
        f"{mouse},{day},{level}"
        for mouse, level in (("M1", 30), ("M2", 35), ("M3", 60), ("M4", "NR"))
        for day in ("post",)
    ]
    (lab / "odd.csv").write_text("\n".join(["animal,when,low tone", *rows]) + "\n")
    (plate,) = samples("bmg_mars")[:1]
    (lab / plate.name).write_bytes(plate.content)
    with opened(browser, lab) as (tab, address):
        tab.goto(f"{address}/data")
        tab.get_by_role("button", name="Read all 2").click()
        tab.wait_for_url("**/data?result=*")
        tab.click("nav.choices a[href*='show=files']")
        tab.get_by_role("button", name="Say what they hold").click()
        form = tab.locator("form.explain")
        table = form.locator("fieldset", has_text="odd.csv")
        labelled(table, "Species").select_option("mouse")
        labelled(table, "Time").select_option("when")
        labelled(table, "Times in words").fill("post = 14 d")
        labelled(table, "“No response” is written").fill("NR")
        labelled(table, "Loudest level, where it has none of its own").fill("90 dB SPL")
        tone = table.locator(".column", has_text="low tone")
        labelled(tone, "holds").select_option("abr_threshold")
        labelled(tone, "in").select_option("dB SPL")
        labelled(tone, "at frequency").fill("8 kHz")
        wells = form.locator("fieldset", has_text=plate.name).first
        labelled(wells, "Sample in each well").fill("ref\tlot")
        labelled(wells, "Dose in each well").fill("1e8\t2e8")
        labelled(wells, "Unit of the dose").fill("particles/mL")
        assert serious(tab) == []
        form.get_by_role("button", name="Keep this and read again").click()
        tab.wait_for_url("**job=**")
        tab.wait_for_url("**/data?result=*")
        # Who was in which group: typed into the sheet, cells beside one another.
        tab.click("nav.choices a[href*='show=groups']")
        for mouse, group in (("M1", "vehicle"), ("M3", "drug")):
            tab.get_by_label(f"group of {mouse}").fill(group)
        tab.get_by_role("button", name="Fill group down").click()
        assert tab.get_by_label("group of M4").input_value() == "drug"
        tab.get_by_role("button", name="Save the sheet and compare").click()
        tab.wait_for_url("**job=**")
        tab.wait_for_url("**/data?result=*")
        tab.click("nav.choices a[href*='show=groups']")
        tab.wait_for_selector("img[src$='groups.svg']")
        shown = tab.inner_text("main")
    out = lab / "results" / "import"
    import_(
        ImportInputs(
            paths=(lab / "odd.csv", lab / plate.name),
            mapping=lab / "my_mapping.toml",
            animals=next(lab.glob("*_animals.csv")),
            out=tmp_path / "cli",
        )
    )
    own, theirs = (pd.read_csv(place / "readings.csv") for place in (out, tmp_path / "cli"))
    pd.testing.assert_frame_equal(own.drop(columns="file"), theirs.drop(columns="file"))
    assert own["value"].tolist() == [30.0, 35.0, 60.0, 90.0]
    assert own["censored"].tolist() == ["none", "none", "none", "above"]
    (layout,), (same,) = ([*(place / "plates").iterdir()] for place in (out, tmp_path / "cli"))
    assert layout.read_bytes() == same.read_bytes()
    assert "ref" in layout.read_text() and "lot" in layout.read_text()
    assert "vehicle" in shown and "Animals sheet" in shown
