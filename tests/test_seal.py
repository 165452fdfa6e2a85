"""A result that is as it was written, or says what of it is not; and what writers that were killed leave."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lots
from otosome import jobs
from otosome.cli import app
from otosome.errors import BadInput, OutOfSpace
from otosome.forward.lazy import lazy
from otosome.results import MARK, record_of, recover, unsealed, writing
from otosome.results.record import Record
from otosome.results.seal import Altered, altered, hashes

CASES = Path(__file__).parent / "studies" / "valid"
QUICK, NOISE = CASES / "no_insult_no_treatment.toml", CASES / "noise_mouse.toml"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A result of each kind."""
    folder = tmp_path_factory.mktemp("sealed")
    jobs.run(jobs.StudyInputs(study=str(NOISE), subjects=4, out=folder / "run"))
    jobs.import_(jobs.ImportInputs(paths=(CASES / "heard.csv",), species="human", out=folder / "import"))
    record = lots.record(folder / "lots", "new", runs=1, made="2026-05-31")
    jobs.assess(jobs.LotInputs(record=record, out=folder / "lot"))
    return folder


def finished(folder: Path, text: str = "a") -> Path:
    """A small result that is whole."""
    folder.mkdir(parents=True)
    (folder / "answer.json").write_text(text, encoding="utf-8")
    Record("run", "x", {}).write(folder)
    return folder


def replace_with(folder: Path, text: str) -> None:
    """Write another small result in its place."""
    with writing(folder, force=True) as part:
        (part / "answer.json").write_text(text, encoding="utf-8")
        (part / "more").write_bytes(b"a")
        Record("run", "x", {}).write(part)


@pytest.mark.parametrize("kind", ["run", "import", "lot"])
def test_each_file_of_a_result_that_is_changed_lost_or_added_is_named(results, tmp_path, kind):
    folder = tmp_path / kind
    shutil.copytree(results / kind, folder)
    (row,) = jobs.check([folder]).rows
    assert row.altered == [] or row.altered == ()
    names = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARK
    ]
    assert len(names) >= 3
    for name in names:
        content = (folder / name).read_bytes()
        # One bit, as a disk may rot.
        (folder / name).write_bytes(bytes([content[0] ^ 1, *content[1:]]))
        (row,) = jobs.check([folder]).rows
        assert (row.stands, row.altered) == (False, [Altered(name, "changed")])
        (folder / name).unlink()
        (row,) = jobs.check([folder]).rows
        assert row.altered == [Altered(name, "gone")]
        (folder / name).write_bytes(content)
    (folder / "more.csv").write_text("x", encoding="utf-8")
    (row,) = jobs.check([folder]).rows
    assert row.altered == [Altered("more.csv", "new")]


def test_show_says_that_a_result_is_not_as_it_was_written(results, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(results / "run", folder)
    (folder / "readings.csv").write_text("time,value\n", encoding="utf-8")
    shown = CliRunner().invoke(app, ["show", str(folder)])
    assert shown.exit_code == 0
    assert f"{folder / 'readings.csv'} is changed" in shown.stderr


def test_a_headline_that_its_ears_do_not_give_is_named_even_under_a_new_seal(results, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(results / "run", folder)
    answer = (folder / "answer.json").read_text(encoding="utf-8")
    text = jobs.show(folder).answer("headline")["benefit"]["text"]
    (folder / "answer.json").write_text(
        answer.replace(f'"{text}"', '"+40 dB (39 to 41)"', 1), encoding="utf-8"
    )
    record_of(folder).write(folder)
    assert unsealed(folder, record_of(folder)) == []
    (row,) = jobs.check([folder]).rows
    assert not row.stands
    assert [(r["parameter"], r["then"], r["now"]) for r in row.changed] == [
        ("headline", "+40 dB (39 to 41)", text)
    ]


def test_a_headline_whose_exact_number_was_changed_alone_is_named(results, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(results / "run", folder)
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    answer["headline"]["benefit"]["exact"]["high"] += 0.001
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    record_of(folder).write(folder)
    (row,) = jobs.check([folder]).rows
    assert [change["parameter"] for change in row.changed] == ["headline"]


def test_a_lazy_property_is_computed_once_for_each_object():
    class Ear:
        computed = 0

        @lazy
        def cells(self):
            """What it says of itself stays."""
            self.computed += 1
            return object()

    first, second = Ear(), Ear()
    assert first.cells is first.cells and first.cells is not second.cells
    assert (first.computed, second.computed) == (1, 1)
    assert Ear.cells.__doc__ == "What it says of itself stays."


def test_a_record_without_its_seal_is_refused(tmp_path):
    folder = finished(tmp_path / "out")
    (folder / MARK).write_text((folder / MARK).read_text().replace('"files"', '"other"'), encoding="utf-8")
    with pytest.raises(BadInput, match="does not hold the hashes"):
        record_of(folder)


def test_a_hash_is_that_of_the_whole_file(tmp_path):
    (tmp_path / "large").write_bytes(b"\0" * (1 << 20) + b"end")
    before = hashes(tmp_path, MARK)
    (tmp_path / "large").write_bytes(b"\0" * (1 << 20) + b"End")
    assert altered(tmp_path, before, MARK) == [Altered("large", "changed")]


def test_what_a_killed_writer_left_is_cleared_by_the_next(tmp_path):
    left = tmp_path / ".out.part-abc"
    left.mkdir()
    (left / "answer.json").write_text("half", encoding="utf-8")
    other = tmp_path / ".another.part-abc"
    other.mkdir()
    with writing(tmp_path / "out") as part:
        Record("run", "x", {}).write(part)
    assert not left.exists() and other.exists()
    assert record_of(tmp_path / "out").name == "x"


def test_a_kill_between_the_last_two_steps_is_mended_by_the_next_reader(tmp_path):
    """The earlier result has gone aside, and the new one has not its name yet."""
    finished(tmp_path / "out.old", "earlier")
    finished(tmp_path / ".out.part-abc", "new")
    recover(tmp_path / "out")
    assert (tmp_path / "out" / "answer.json").read_text(encoding="utf-8") == "new"
    assert (tmp_path / "out.old").is_dir()
    assert not list(tmp_path.glob(".out.part-*"))


def test_a_part_that_is_not_whole_never_takes_the_name(tmp_path):
    part = finished(tmp_path / ".out.part-abc")
    (part / "answer.json").write_text("b", encoding="utf-8")
    recover(tmp_path / "out")
    assert not (tmp_path / "out").exists() and not part.exists()


@pytest.mark.parametrize("step", ["write_bytes", "write_text", "fsync"])
def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, monkeypatch, step):
    folder = finished(tmp_path / "out", "earlier")
    full = OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_, **__):
        raise full

    place = os if step == "fsync" else Path
    with monkeypatch.context() as patch:
        patch.setattr(place, step, refuse)
        with pytest.raises(OutOfSpace, match="has no room"):
            replace_with(folder, "new")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["out"]
    assert (folder / "answer.json").read_text(encoding="utf-8") == "earlier"


def test_every_write_sync_and_rename_that_fails_loses_nothing(tmp_path, monkeypatch):
    """Each of them fails once, in the order in which they come."""
    steps = 0

    def failing(function, at):
        def step(*arguments, **named):
            nonlocal steps
            steps += 1
            if steps == at:
                raise OSError(errno.EIO, "Input/output error")
            return function(*arguments, **named)

        return step

    for at in range(1, 40):
        folder = finished(tmp_path / str(at) / "out", "earlier")
        steps = 0
        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", failing(Path.rename, at))
            patch.setattr(Path, "write_text", failing(Path.write_text, at))
            patch.setattr(os, "fsync", failing(os.fsync, at))
            with contextlib.suppress(OSError, BadInput):
                replace_with(folder, "new")
        texts = {
            path.name: (path / "answer.json").read_text() for path in folder.parent.iterdir() if path.is_dir()
        }
        assert "earlier" in texts.values()
        assert texts["out"] in ("earlier", "new")
        assert unsealed(folder, record_of(folder)) == []
        if steps < at:
            break
    else:
        pytest.fail("there are more steps than were tried")
    assert at > 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGTERM")
def test_a_run_that_is_asked_to_end_says_so_and_leaves_nothing(tmp_path):
    run = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "otosome.cli",
            "run",
            str(NOISE),
            "--subjects",
            "2000",
            "--out",
            str(tmp_path / "out"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob(".out.part-*")):
        time.sleep(0.05)
        assert run.poll() is None
    run.send_signal(signal.SIGTERM)
    _, stderr = run.communicate(timeout=60)
    assert run.returncode == 143
    assert stderr.strip().splitlines()[-1] == "otosome run: ended from outside; nothing was replaced"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
def test_a_run_killed_at_any_moment_leaves_a_whole_result_or_none(tmp_path):
    finished(tmp_path / "out", "earlier")
    command = [sys.executable, "-m", "otosome.cli", "run", str(QUICK), "--subjects", "2", "--force"]
    for moment in range(50):
        run = subprocess.Popen(
            [*command, "--out", str(tmp_path / "out")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        time.sleep(0.15 * moment)
        run.kill()
        run.wait()
        recover(tmp_path / "out")
        assert unsealed(tmp_path / "out", record_of(tmp_path / "out")) == []
    with writing(tmp_path / "out", force=True) as part:
        Record("run", "x", {}).write(part)
    assert not list(tmp_path.glob(".out.part-*"))
    assert (tmp_path / "out.old" / "answer.json").read_text(encoding="utf-8") == "earlier"
