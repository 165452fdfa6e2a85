"""The room of the ear: what a slider shows is a run's own answer, at once where it is kept and never guessed."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from bench import page
from browser import needs_chromium, opened, serious, until
from otosome.answers.preview import Position
from otosome.files import add_line
from otosome.jobs import StudyInputs, run
from otosome.jobs.previewing import EARS
from otosome.page.rooms.ear import previews_of
from otosome.study import load
from small_study import STUDY

PROGRAMME = Path(__file__).parent.parent / "examples" / "programme"
DAYS = (-72.0, -48.0, -24.0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(STUDY))
    return tmp_path


@pytest.fixture
def room(folder):
    whole = page(folder)
    return whole, whole.enter(), whole.id("mine.toml")


def test_what_is_not_kept_is_said_to_be_missing_and_no_place_between_is_answered(room):
    _, client, study = room
    nothing = client.get(f"/api/ear/kept?study={study}").json()
    assert (nothing["answers"], nothing["windows"], nothing["fault"]) == ([], [], None)
    assert not nothing["computing"]
    assert nothing["sliders"]["days"][:3] == list(DAYS)
    missing = client.get(f"/api/ear/answer?study={study}&day=-24")
    assert missing.status_code == 404 and "not computed yet" in missing.json()["error"]["message"]
    between = client.get(f"/api/ear/answer?study={study}&day=-30")
    assert between.status_code == 422 and "no place" in between.json()["error"]["message"]
    assert client.get("/api/ear/kept?study=0000000000000000").status_code == 404
    assert client.get(f"/api/ear/kept?study={study}&prior=hope").status_code == 422


def test_a_kept_answer_comes_within_a_third_of_a_second(room, monkeypatch):
    whole, client, study = room
    previews = previews_of(whole.bench, study, "")
    for place in previews.sliders.near(previews.sliders.start):
        previews._keep(place) if place == previews.sliders.start else _as_if(previews, place)
    took = []
    for number in range(60):
        begin = time.process_time()
        answer = client.get(f"/api/ear/answer?study={study}&day={DAYS[number % 3]}")
        took.append(time.process_time() - begin)
        assert answer.status_code == 200
    assert np.quantile(took, 0.95) < 0.3


def _as_if(previews, place):
    """An answer kept under another place, for what is timed alone."""
    first = next(iter(previews.answers().values()))
    add_line(previews.file, json.dumps(first | {"position": vars(place)}))


def test_a_study_that_gives_nothing_says_so_and_one_of_words_alone_has_no_window(folder):
    (folder / "none.toml").write_text(
        tomli_w.dumps(
            STUDY
            | {
                "arm": [*STUDY["arm"], {"name": "c", "insults": ["blast"], "treatments": []}],
                "compare": {"measure": "abr", "of": "c", "against": "a"},
            }
        )
    )
    whole = page(folder)
    text = whole.enter().get(f"/ear?study={whole.id('none.toml')}").text
    assert "gives no vesicles that could be moved" in text


def test_another_route_or_harm_becomes_a_study_file_and_a_wrong_one_a_sentence(room):
    whole, client, study = room
    body = {"study": study, "name": "louder one", "route": "cochleostomy", "level": "112 dB SPL"}
    if "cochleostomy" not in client.get(f"/ear?study={study}").text:
        body["route"] = (
            "intratympanic" if "intratympanic" in client.get(f"/ear?study={study}").text else "round_window"
        )
    answer = client.post("/api/ear/vary", json=body).json()
    assert answer["name"] == "louder_one.toml"
    written = load(whole.folder / answer["name"]).tables
    assert {use.route for use in written.treatment.values()} == {body["route"]}
    assert str(written.insult["blast"].level) == "112 dB SPL"
    again = client.post("/api/ear/vary", json=body)
    assert again.status_code == 422
    wrong = client.post("/api/ear/vary", json=body | {"name": "wrong", "level": "loud"})
    assert wrong.status_code == 422 and not (whole.folder / "wrong.toml").exists()


def test_another_route_or_lot_is_a_preview_of_its_own_and_equals_the_run_it_begins(room, tmp_path):
    whole, client, study = room
    shutil.copytree(PROGRAMME, whole.folder / "programme")
    lot = whole.id("programme/half.toml")
    given = {"study": study, "route": "intracochlear", "lot": lot, "day": -24.0, "dose": 10.0}
    previews = previews_of(whole.bench, study, "", route="intracochlear", lot=lot)
    assert previews.key != previews_of(whole.bench, study, "").key
    place = Position(-24.0, dose=10.0)
    previews._keep(place)
    answer = client.get("/api/ear/answer", params=given).json()
    job = whole.bench.work.job(client.post("/api/ear/run", json=given | {"subjects": EARS}).json()["job"])
    assert job.arguments == (
        "--force",
        f"--subjects={EARS}",
        "--seed=1",
        "--batch=programme/half.toml",
        "mine_intracochlear_daym1_dose10_potency1.toml",
    )
    study_file = whole.folder / job.arguments[-1]
    asked = {"study": str(study_file), "batch": whole.folder / "programme" / "half.toml"}
    ran = run(StudyInputs(**asked, subjects=EARS, seed=previews.seed, out=tmp_path / "run")).as_dict()
    assert answer["contrast"]["benefit"] == ran["result"]["headline"]["benefit"]
    # A file of what was run then stays, whatever becomes of the study.
    stored = study_file.read_text()
    text = (whole.folder / "mine.toml").read_text()
    (whole.folder / "mine.toml").write_text(text.replace("106 dB", "104 dB"))
    again = whole.folder / client.post("/api/ear/run", json=given).json()["study"]
    assert again != study_file and study_file.read_text() == stored
    assert again.read_text() == stored.replace("106 dB", "104 dB")


@pytest.mark.parametrize("wrong", ["../mine", "a/b", "mine.toml", "x\ny", "-" * 81])
def test_a_route_and_a_batch_are_names_of_the_shelf_and_never_paths(room, wrong):
    _, client, study = room
    for key in ("route", "batch"):
        given = {"study": study, key: wrong}
        assert client.get("/api/ear/kept", params=given).status_code == 422
        assert client.post("/api/ear/run", json=given | {"day": -24.0}).status_code == 422
    unknown = client.get("/api/ear/kept", params={"study": study, "route": "by_dream"})
    assert unknown.status_code == 422 and "by_dream" in unknown.json()["error"]["given"]


def test_the_run_of_a_place_is_a_study_file_and_a_command_line(room):
    whole, client, study = room
    place = {"study": study, "day": -48.0, "dose": 10.0, "subjects": 200}
    begun = client.post("/api/ear/run", json=place).json()
    assert begun["study"] == "mine_daym2_dose10_potency1.toml"
    job = whole.bench.work.job(begun["job"])
    assert job.command == f"otosome run --force --subjects=200 --seed=1 {begun['study']}"
    there = load(whole.folder / begun["study"]).tables.treatment["vesicles"]
    assert [str(t) for t in there.at] == ["-2 d"] and there.amount is not None
    own = client.post("/api/ear/run", json={"study": study, "day": -24.0}).json()
    assert own["study"] == "mine.toml"


@pytest.mark.slow
@needs_chromium
def test_the_syringe_dragged_shows_the_number_that_a_run_of_the_same_ears_answers(browser, folder, tmp_path):
    with opened(browser, folder) as (tab, address):
        tab.goto(f"{address}/ear", timeout=240_000)
        until(lambda: tab.get_attribute("#ear", "data-kept") == "true")
        until(lambda: tab.is_visible("#stage"))
        assert serious(tab) == []
        # Two days earlier, by the keyboard and by the mouse on the map alike.
        tab.focus("#dose")
        tab.keyboard.press("ArrowLeft")
        assert tab.get_attribute("#ear", "data-place").startswith("-48 ")
        until(lambda: tab.get_attribute("#ear", "data-kept") == "true")
        number, ends = tab.inner_text("#benefit"), tab.inner_text("#range")
        tab.keyboard.press("ArrowLeft")
        until(lambda: tab.get_attribute("#ear", "data-kept") == "true")
        # Dragged over kept days, every move is drawn at once: by the browser's own clock.
        move = """(value) => {
            const slider = document.getElementById("dose"), begin = performance.now();
            slider.value = value;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            return [performance.now() - begin, document.getElementById("ear").dataset.kept];
        }"""
        moves = [tab.evaluate(move, number % 2) for number in range(40)]
        assert {kept for _, kept in moves} == {"true"}
        assert np.quantile([took for took, _ in moves], 0.95) < 300
        box = tab.locator("#dose").bounding_box()
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2, steps=5)
        tab.mouse.up()
        assert tab.get_attribute("#ear", "data-place").startswith("-72 ")
        # Another route: computed once, then as quick as a slider; what cannot be given so is a sentence.
        tab.select_option("#route", "intracochlear")
        until(lambda: "intracochlear" in tab.get_attribute("#ear", "data-treated"))
        until(lambda: tab.get_attribute("#ear", "data-kept") == "true")
        inside = tab.inner_text("#benefit"), tab.inner_text("#range")
        place = tab.get_attribute("#ear", "data-place")
        tab.select_option("#route", "round_window")
        until(lambda: tab.get_attribute("#ear", "data-treated").endswith("prior="))
        assert tab.get_attribute("#ear", "data-kept") == "true"
        assert serious(tab) == []
        tab.set_viewport_size({"width": 390, "height": 844})
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    whole = page(folder)
    previews = previews_of(whole.bench, whole.id("mine.toml"), "")
    file = previews.write(Position(-48.0), tmp_path / "there.toml")
    asked = StudyInputs(study=str(file), subjects=EARS, seed=previews.seed, out=tmp_path / "run")
    answer = run(asked).as_dict()["result"]["headline"]["benefit"]
    other = previews_of(whole.bench, whole.id("mine.toml"), "", route="intracochlear")
    at = Position(*map(float, place.split()))
    text = other.answers()[at]["contrast"]["benefit"]["text"]
    assert f"{inside[0]} ({inside[1].removeprefix('5 to 95 % of ears: ')})" == text
    assert f"{number} ({ends.removeprefix('5 to 95 % of ears: ')})" == answer["text"]
    assert previews.answers()[replace(previews.sliders.start, day=-48.0)]["contrast"]["benefit"] == answer
