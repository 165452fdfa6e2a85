"""Stories of the page, told in a real browser: what a person does, and the number it must lead to."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import hosted, served
from browser import SIZES, Complaints, needs_chromium, overhang, serious, until
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.jobs import show
from otosome.jobs.dosing import regimen_rows, weighed
from otosome.page.workspace import Workspace
from otosome.results import record_of
from otosome.study import load
from small_study import write_dose

pytestmark = needs_chromium
PROGRAMME = Path(__file__).parent.parent / "examples" / "programme"
ROOMS = [
    "",
    "lot",
    "evidence",
    "evidence?part=review",
    "evidence?part=map",
    "evidence?part=sources",
    "fit",
    "trial",
    "compare",
    "record",
]
PATIENCE = 120_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folder")
    shutil.copytree(PROGRAMME, folder / "programme")
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with hosted(folder) as address:
        yield address


@pytest.fixture(scope="module")
def state(browser, address):
    """The cookie that the opening address gave."""
    context = browser.new_context()
    context.new_page().goto(address)
    state = context.storage_state()
    context.close()
    return state


@contextmanager
def entered(browser, address, state):
    """A tab in the first room; whatever its console complained of fails the story."""
    context = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    tab, complaints = context.new_page(), Complaints()
    complaints.listen(tab)
    tab.goto(address.split("?")[0])
    yield tab
    context.close()
    assert complaints.lines == []


@pytest.fixture
def tab(browser, address, state):
    """A tab of a story's own."""
    with entered(browser, address, state) as tab:
        yield tab


@pytest.fixture(scope="module")
def visitor(browser, address, state):
    """A tab that goes from room to room."""
    with entered(browser, address, state) as tab:
        yield tab


def home(tab):
    return re.match(r"http://[^/]+/", tab.url).group()


def go(tab, path):
    tab.goto(home(tab) + path)


def drop(tab, files):
    """Files chosen for the box in which they are dropped."""
    tab.locator("[data-drop] input[multiple]").set_input_files(files)


def fits(tab):
    """What is shown fits a desk's window and a telephone's, and keeps nobody out."""
    for width, height in SIZES.values():
        tab.set_viewport_size({"width": width, "height": height})
        assert overhang(tab) <= 0, width
        assert serious(tab) == [], width


def result_of(tab):
    """The folder of the result that a page shows."""
    items = tab.evaluate("fetch('/api/folder').then((answer) => answer.json())")["items"]
    wanted = re.search(r"result=(\w+)", tab.url).group(1)
    return next(item["name"] for item in items if item["id"] == wanted)


def said(tab):
    tab.locator("#said:not([hidden])").wait_for()
    return tab.locator("#said").inner_text()


def test_files_of_a_lot_dropped_lead_to_a_release_with_the_numbers_of_the_command_line(tab, folder):
    go(tab, "lot")
    names = ["lot.toml", *(f"count_{n}.csv" for n in range(1, 5)), "lot_assay_1.csv", "lot_assay_2.csv"]
    drop(tab, [PROGRAMME / name for name in names])
    tab.get_by_role("button", name="Decide").click()
    tab.wait_for_url("**result=**")
    assert tab.locator(".decision").inner_text() == "Release"
    fits(tab)
    record = next((folder / "files").glob("*/lot.toml"))
    out = folder / "beside"
    line = CliRunner().invoke(app, ["quality", str(record), "--out", str(out), "--json"])
    expected = json.loads(line.stdout)["result"]
    lot = show(folder / result_of(tab)).as_dict()["result"]
    assert lot["tests"] == expected["tests"]
    shown = tab.locator("table.tests tbody tr").all_inner_texts()
    assert [test["found"] in row for test, row in zip(expected["tests"], shown, strict=True)] == [True] * len(
        shown
    )
    assert tab.request.get(tab.get_by_text("Certificate to print").evaluate("a => a.href")).status == 200
    shutil.rmtree(out)


def test_a_form_changes_the_record_and_the_decision(tab, folder):
    go(tab, "lot")
    tab.get_by_role("link", name="lot", exact=True).first.click()
    tab.get_by_label("Label").fill("1e9 particles/mL")
    tab.get_by_role("button", name="Decide").click()
    tab.wait_for_url("**result=**")
    assert tab.locator(".decision").inner_text() == "Refuse"
    assert 'label = "1e9 particles/mL"' in "".join(file.read_text() for file in folder.rglob("*.toml"))


def test_a_wrong_file_is_one_sentence_and_nothing_is_lost(tab, folder, tmp_path):
    wrong = tmp_path / "holiday.csv"
    wrong.write_text("day,place\n1,the sea\n")
    before = sorted(path for path in folder.rglob("*") if ".otosome" not in path.parts)
    go(tab, "lot")
    drop(tab, [wrong])
    sentence = said(tab)
    assert "holiday.csv" in sentence
    assert "\n" not in sentence.strip()
    assert "Traceback" not in sentence
    assert set(before) <= set(folder.rglob("*"))


def test_a_design_is_answered_by_keyboard_alone_as_the_command_line_answers_it(tab, folder):
    def press_until(key, holds):
        for _ in range(80):
            tab.keyboard.press(key)
            if tab.evaluate(holds):
                return
        raise AssertionError(holds)

    press_until("Tab", "document.activeElement.textContent === 'Trial and dose'")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/trial")
    press_until("Tab", "document.activeElement.dataset.begin === 'trial'")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**design=**")
    press_until("Tab", "document.activeElement.dataset.field === '|0|alpha'")
    tab.keyboard.press("Control+A")
    tab.keyboard.type("0.01")
    press_until("Tab", "document.activeElement.textContent === 'Answer'")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**result=**")
    line = CliRunner().invoke(app, ["trial", str(folder / "my_trial.toml"), "--formula", "--json"])
    (design,) = json.loads(line.stdout)["result"]["designs"]
    assert tab.locator(".conclusion").inner_text() == design["plan"]["headline"]
    assert "alpha = 0.01" in (folder / "my_trial.toml").read_text()
    cells = tab.locator(".pairs tr").all_inner_texts()
    lines = [row for part in design["plan"]["parts"] for row in part["lines"]]
    assert [f"{row['name']}\t{row['text']}" for row in lines] == [cell.strip() for cell in cells]


def test_a_dose_is_sought_weighed_by_sliders_and_its_regimen_opened_in_the_ear(tab, folder):
    write_dose(folder)
    begun = tab.get_by_role("link", name="The dose before noise").first
    # A file that another program writes is seen when the folder is looked through anew.
    until(lambda: go(tab, "trial") or begun.count() > 0)
    begun.click()
    tab.wait_for_url("**design=**")
    tab.get_by_label("scan", exact=True).fill("3")
    tab.locator("form[data-verb=optimise] button.main").click()
    tab.wait_for_url("**result=**", timeout=3 * PATIENCE)
    tab.locator("#front[data-best]").wait_for()
    out = folder / result_of(tab)
    rows = regimen_rows(out, record_of(out))
    assert "scan = 3" in (folder / "dose.toml").read_text()
    assert len(rows) == tab.locator(".regimen").count() == 3
    # By the keyboard alone: weights, then a point, then the room Ear.
    tab.locator("#adverse_events").focus()
    tab.keyboard.press("Home")
    tab.locator("#tenfold").focus()
    tab.keyboard.press("End")
    tab.locator("#tenfold-words", has_text="10 dB more").wait_for()
    best = weighed(rows, 0.0, 10.0).best
    tab.locator(f"#front[data-best='{'null' if best is None else best}']").wait_for()
    assert serious(tab) == []
    tab.locator("[data-regimen='1']").focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("button", name="Look at it in Ear").click()
    tab.wait_for_url("**/ear?study=*")
    study = load(folder / "dose_regimen_2.toml")
    assert float(study.tables.treatment["vesicles"].amount) == rows[1].particles
    assert study.tables.title in tab.locator("#kept-title").inner_text()


def test_a_source_withdrawn_makes_what_rests_on_it_stale_and_can_be_undone(tab, folder):
    done = CliRunner().invoke(app, ["review", "loss", "--out", str(folder / "results" / "loss"), "--json"])
    experiment = json.loads(done.stdout)["result"]["rows"][0]["experiment"]
    source = Catalog().get("experiments", experiment).options.source
    go(tab, "evidence?part=sources")
    tab.get_by_label("Find").fill(source)
    tab.locator(f"[data-doubt={source}]").click()
    tab.locator(f"[data-doubt={source}][data-withdrawn=false]").wait_for()
    tab.get_by_role("button", name="Check the results").click()
    tab.wait_for_url("**checked=**")
    row = tab.locator(".checked tr", has_text="loss")
    assert row.locator(".badge").inner_text() == "stale"
    assert source in row.inner_text()
    tab.locator(f"[data-doubt={source}]").click()
    tab.locator(f"[data-doubt={source}][data-withdrawn=true]").wait_for(state="attached")
    assert not [*(folder / ".otosome").rglob(f"sources/{source}.toml")]
    result = next(item.id for item in Workspace(folder).items() if item.name == "results/loss")
    (standing,) = tab.request.get(f"{home(tab)}api/results/{result}/standing").json()["result"]["rows"]
    assert standing["stands"]


def test_two_tabs_lose_nothing(tab, folder, address, browser):
    go(tab, "trial")
    tab.get_by_role("link", name="Mice given the lot of half the potency").first.click()
    tab.wait_for_url("**design=**")
    other = tab.context.new_page()
    other.goto(tab.url)
    tab.get_by_label("Title").fill("Of the first tab")
    tab.get_by_role("button", name="Answer").click()
    tab.wait_for_url("**=**")
    tab.wait_for_url(lambda url: "?design" not in url)
    other.get_by_label("Title").fill("Of the second tab")
    other.get_by_role("button", name="Answer").click()
    assert "was changed meanwhile" in said(other)
    assert 'title = "Of the first tab"' in (folder / "programme" / "trial_half.toml").read_text()


def test_another_site_gets_nothing_from_the_page(browser, address, state, tmp_path):
    """A page of another origin, in the same browser with the cookie: it reads nothing, asks nothing, frames nothing."""
    home = re.match(r"http://[^/]+", address).group()
    (tmp_path / "evil.html").write_text("<p>evil</p>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *request, **more):
            super().__init__(*request, directory=str(tmp_path), **more)

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        context = browser.new_context(storage_state=state)
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/evil.html")
        attempt = """async ([url, method]) => {
            try { return (await fetch(url, {method, credentials: 'include', mode: 'cors'})).status; }
            catch { return 'refused'; }
        }"""
        assert page.evaluate(attempt, [f"{home}/api/folder", "GET"]) == "refused"
        assert page.evaluate(attempt, [f"{home}/api/ask/claims", "POST"]) == "refused"
        socket = """(url) => new Promise((done) => {
            const line = new WebSocket(url); line.onopen = () => done('open'); line.onerror = () => done('refused');
        })"""
        assert page.evaluate(socket, f"{home.replace('http', 'ws')}/api/jobs") == "refused"
        page.evaluate(f"document.body.innerHTML = '<iframe src=\"{home}/record\"></iframe>'")
        page.frames[-1].wait_for_load_state()
        assert "Record" not in page.frames[-1].content()
        context.close()
        server.shutdown()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_fits_its_window_and_keeps_nobody_out(visitor, room):
    go(visitor, room)
    fits(visitor)


def test_the_server_killed_in_mid_run_loses_nothing(browser, tmp_path):
    with served(tmp_path) as (address, process):
        tab = browser.new_page()
        tab.set_default_timeout(PATIENCE)
        tab.goto(address)
        tab.evaluate("bench.ask('run', {study: 'noise_mouse', subjects: 4000, insist: true})")
        tab.locator("#jobs li[data-state=running]").wait_for()
        process.kill()
        process.wait(30)
        assert "it was ended" in said(tab)
    with served(tmp_path) as (address, _):
        tab.goto(address)
        running = tab.locator("#jobs li[data-state=running]")
        running.wait_for()
        assert "noise_mouse" in running.inner_text()
        running.get_by_role("button", name="Cancel").click()
        tab.get_by_role("button", name="Run again").wait_for()
        tab.close()
