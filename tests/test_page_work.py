"""Jobs of the page: the command line they show is the one that runs, and nothing of them is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from bench import page, served
from otosome.cli import app
from otosome.page import work as works
from otosome.page.commands import VERBS, arguments, line, question
from otosome.page.work import Work, wait
from otosome.page.workspace import Workspace
from otosome.results import record_of, unsealed

SLOW_STUDY = ["noise_mouse", "--subjects=4000", "--insist", "--force"]


@pytest.fixture
def work(tmp_path):
    work = Work(tmp_path, tmp_path / ".otosome", at_once=2)
    work.begin()
    yield work
    for job in work.jobs():
        work.cancel(job.id)
    work.end()


def until(what, seconds=60.0):
    """Wait until something holds; a fault where it never does."""
    end = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < end, "it never did"
        time.sleep(0.05)
    return value


def test_a_job_answers_what_the_command_line_it_shows_prints(work, tmp_path):
    done = wait(work, work.ask("list", ["studies"], "studies").id, 60)
    assert (done.state, done.command) == ("done", "otosome list studies")
    printed = CliRunner().invoke(app, ["list", "studies", "--json"]).stdout
    assert work.answer(done.id) == json.loads(printed)


def test_a_refusal_is_its_one_sentence(work):
    done = wait(work, work.ask("show", ["nothing"], "nothing").id, 60)
    assert done.state == "refused"
    assert work.answer(done.id)["error"]["message"] == "is not a result folder: nothing is there"


def test_a_file_in_the_folder_is_never_taken_for_a_module(work, tmp_path):
    for name in ("typer", "json", "otosome"):
        (tmp_path / f"{name}.py").write_text("import pathlib; pathlib.Path('hijacked').touch()")
    assert wait(work, work.ask("list", ["studies"], "studies").id, 60).state == "done"
    assert not (tmp_path / "hijacked").exists()


def test_a_job_shows_how_far_it_is_and_ends_when_it_is_cancelled(work, tmp_path):
    job = work.ask("run", SLOW_STUDY, "noise")
    progress = until(lambda: work.progress(job.id))
    assert progress["of"] > 0
    assert progress["doing"].startswith("simulating")
    work.cancel(job.id)
    done = wait(work, job.id, 60)
    assert (done.state, done.why) == ("cancelled", "cancelled")
    until(lambda: not psutil.pid_exists(done.pid) or psutil.Process(done.pid).status() == "zombie")
    assert not [path for path in (tmp_path / "results").iterdir() if not path.name.startswith(".")]


def test_jobs_beyond_those_at_once_wait_and_can_be_cancelled_there(tmp_path, monkeypatch):
    work = Work(tmp_path, tmp_path / ".otosome", at_once=1)
    work.begin()
    first, second = work.ask("run", SLOW_STUDY, "one"), work.ask("run", SLOW_STUDY, "two")
    until(lambda: work.job(first.id).state == "running")
    assert work.job(second.id).state == "waiting"
    assert work.cancel(second.id).state == "cancelled"
    work.cancel(first.id)
    assert wait(work, first.id, 60).state == "cancelled"
    work.end()


def test_jobs_asked_within_one_tick_of_the_clock_keep_their_order(tmp_path):
    work = Work(tmp_path, tmp_path / ".otosome", at_once=0)
    asked = [work.ask("list", ["studies"], str(number)) for number in range(200)]
    assert [job.id for job in work.jobs()] == [job.id for job in reversed(asked)]


def test_what_takes_too_long_or_too_much_memory_is_ended_and_says_so(work, monkeypatch):
    monkeypatch.setattr(works, "_LONGEST", 0.0)
    done = wait(work, work.ask("run", SLOW_STUDY, "noise").id, 60)
    assert (done.state, done.why) == ("cancelled", "it took longer than 0 hours")
    monkeypatch.setattr(works, "_LONGEST", 3600.0)
    monkeypatch.setattr(works, "_SHARE_OF_MEMORY", 1e-9)
    done = wait(work, work.ask("run", SLOW_STUDY, "noise").id, 60)
    assert (done.state, done.why) == ("cancelled", "it took more than 0 % of the memory")


def test_a_server_that_begins_anew_meets_the_jobs_that_run_and_names_those_that_ended(tmp_path):
    before = Work(tmp_path, tmp_path / ".otosome")
    before.begin()
    goes_on, killed = (
        before.ask("run", SLOW_STUDY, "goes on"),
        before.ask("fit", ["--force", "a.toml"], "killed"),
    )
    until(lambda: before.job(goes_on.id).state == "running")
    before.end()
    # As a machine that lost its power leaves it: a fit that ran, and whose process is no more.
    lost = replace(before.job(killed.id), state="running", pid=goes_on.pid or 1, born=1.0)
    (tmp_path / ".otosome" / "jobs" / killed.id / "answer.json").write_text("")
    before._keep(lost)
    after = Work(tmp_path, tmp_path / ".otosome")
    after.begin()
    ended = until(lambda: after.job(killed.id).state == "ended" and after.job(killed.id))
    assert ended.why == "it ended without an answer"
    assert after.job(goes_on.id).state == "running"
    again = after.again(killed.id)
    assert again.arguments == ("--resume", "--force", "a.toml")
    after.cancel(goes_on.id)
    assert wait(after, goes_on.id, 60).state == "cancelled"
    assert wait(after, again.id, 60).state == "refused"
    after.end()
    for process in before._processes.values():
        process.wait(30)


def test_jobs_outlive_a_server_that_is_killed(tmp_path):
    with served(tmp_path) as (_, process):
        work = Work(tmp_path, tmp_path / ".otosome")
        work.begin()
        job = work.ask("run", SLOW_STUDY, "noise")
        pid = until(lambda: work.job(job.id).pid)
        process.kill()
        assert psutil.Process(pid).is_running()
        work.cancel(job.id)
        wait(work, job.id, 60)
        work.end()


def test_command_line_and_page_at_once_lose_nothing(tmp_path):
    """Writers of one result: one writes it whole, another says that it is being written; no file is half."""
    CliRunner().invoke(app, ["new", "trial", "--out", str(tmp_path / "mine.toml")])
    work = Work(tmp_path, tmp_path / ".otosome", at_once=2)
    work.begin()
    words = ["--force", "--formula", "--out=results/mine", "mine.toml"]
    two = [work.ask("trial", words, "mine") for _ in range(2)]
    program = [sys.executable, "-P", "-m", "otosome.cli", "trial", *words, "--json"]
    beside = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    done = [wait(work, job.id, 300) for job in two]
    work.end()
    answers = [json.loads(beside.stdout), *(work.answer(job.id) for job in done)]
    refused = [answer["error"]["message"] for answer in answers if not answer["ok"]]
    assert set(refused) <= {"is being written by another otosome", "holds an earlier result"}
    assert len(refused) < len(answers)
    earlier = sorted(path for path in (tmp_path / "results").iterdir() if not path.name.startswith("."))
    assert len(earlier) == len(answers) - len(refused)
    assert [unsealed(folder, record_of(folder)) for folder in earlier] == [[] for _ in earlier]


VALUES = {"study": "noise_mouse", "kind": "trial", "endpoint": "abr_threshold", "at": ["7 d"]}


def one_value(schema, identity):
    """What a browser states of a field: a file's id, yes, a number, or words that look like an option."""
    kinds = {"id of a file": identity, "boolean": True, "integer": 7}
    return next((value for kind, value in kinds.items() if kind in schema), "-w x")


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_line_of_a_question_is_read_back_as_the_same_question(verb, tmp_path, monkeypatch):
    """Every field at once, stated by a browser: typer reads the line that is shown as those very inputs."""
    import otosome.cli.common as common

    (tmp_path / "-a b.toml").write_text("x = 1\n")
    workspace = Workspace(tmp_path)
    (item,) = workspace.items()
    stated = {}
    for name in question(verb).model_fields:
        schema = question(verb).model_json_schema()["properties"][name]
        plain = one_value(json.dumps(schema), item.id)
        stated[name] = VALUES.get(name, [plain] if schema.get("type") == "array" else plain)
    words = arguments(verb, question(verb).model_validate(stated), workspace)
    seen = {}

    def ask(verb, job, kind, values):
        seen.update(values)

    for module in ("study", "laboratory", "evidence"):
        monkeypatch.setattr(f"otosome.cli.{module}.ask", ask)
    for name in ("claims", "check"):
        monkeypatch.setattr(f"otosome.jobs.{name}", lambda *values, name=name: seen.update({name: values}))
        monkeypatch.setattr(
            "otosome.cli.evidence.carry_out", lambda command, as_json, job: job(common.Watch())
        )
    done = CliRunner().invoke(app, [verb, "--json", *words])
    assert done.exit_code == 0, done.output
    if verb in ("claims", "check"):
        flat = [value for values in seen.values() for value in values]
        assert ["-w x"] in flat if verb == "claims" else [Path("-a b.toml")] in flat and True in flat
        return
    for name, value in stated.items():
        paths = "id of a file" in json.dumps(question(verb).model_json_schema()["properties"][name])
        expected = (
            [Path("-a b.toml")]
            if paths and isinstance(value, list)
            else Path("-a b.toml")
            if paths
            else value
        )
        assert seen[name] == expected, name


def test_a_line_can_be_pasted_into_a_shell(tmp_path):
    words = line("quality", {"batch": "lots/a b'c.toml", "study": "noise_mouse"})
    job = works.Job("1", "quality", tuple(words), "", "done", "")
    printed = subprocess.run(
        ["bash", "-c", f"otosome() {{ printf '%s\\n' \"$@\"; }}; {job.command}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert printed == ["quality", *words]


def test_files_begun_at_once_have_names_of_their_own(tmp_path):
    client = page(tmp_path).enter()
    lines = [client.post("/api/ask/new", json={"kind": "trial"}).json()["command"] for _ in range(5)]
    names = ["my_trial.toml", *(f"my_trial_{n}.toml" for n in range(2, 6))]
    assert lines == [f"otosome new --out={name} trial" for name in names]


def test_a_question_by_the_api_becomes_that_job(tmp_path):
    served = page(tmp_path)
    client = served.enter()
    answer = client.post("/api/ask/run", json={"study": "noise_mouse", "subjects": 4}).json()
    assert answer["command"] == "otosome run --force --subjects=4 noise_mouse"
    assert client.get(f"/api/jobs/{answer['id']}").json()["state"] == "waiting"
    assert client.post(f"/api/jobs/{answer['id']}/cancel").json()["state"] == "cancelled"
    assert client.post(f"/api/jobs/{answer['id']}/again").json()["state"] == "waiting"
    assert client.get("/api/jobs/nothing").status_code == 404
    assert [path.name for path in tmp_path.iterdir()] == [".otosome"]
