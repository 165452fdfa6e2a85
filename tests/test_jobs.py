"""Jobs: the same from a notebook as from the command line; watched, ended, and asked again by the verb they were."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import lots
from laboratory import samples
from otosome import jobs
from otosome.cli import app
from otosome.errors import BadInput
from otosome.jobs.calibrating import reporting
from otosome.jobs.options import inputs_again, options_of
from otosome.jobs.watch import Lines, left_text, rate_text
from otosome.results import ANSWER, DATA, MARK, STUDY, Record, open_result, record_of
from test_architecture import imported_by

CASES = Path(__file__).parent / "studies" / "valid"
QUICK = CASES / "no_insult_no_treatment.toml"
WORDS = CASES / "devices_and_words.toml"


def command(*arguments):
    """What the one object of a command says, and how it ended."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    return done.exit_code, json.loads(done.stdout or "null")


@pytest.fixture(scope="module")
def therapies(tmp_path_factory):
    """A stored comparison."""
    out = tmp_path_factory.mktemp("compare") / "out"
    return jobs.compare(jobs.StudyInputs(study=str(WORDS), subjects=4, out=out))


def fallen(folder: Path) -> None:
    """Make a result rest on a number that has another fingerprint today."""
    file = folder / ANSWER
    answer = json.loads(file.read_text(encoding="utf-8"))
    answer["sources"][0]["hash"] = "of old"
    file.write_text(json.dumps(answer), encoding="utf-8")
    record_of(folder).write(folder)


def test_a_notebook_and_the_command_line_are_given_the_same(tmp_path):
    done = jobs.run(jobs.StudyInputs(study=str(QUICK), subjects=2, seed=3, out=tmp_path / "a"))
    code, said = command("run", QUICK, "--subjects", 2, "--seed", 3, "--out", tmp_path / "b")
    assert code == 0
    here = {**done.as_dict(), "out": None}
    assert {key: said[key] for key in here} | {"out": None} == json.loads(json.dumps(here))
    assert open_result(tmp_path / "a").equals(open_result(tmp_path / "b"))


def test_a_comparison_asked_again_is_a_comparison(therapies, tmp_path):
    """It was run as a plain study, and lost its therapies."""
    folder = shutil.copytree(therapies.folder, tmp_path / "out")
    fallen(folder)
    (row,) = jobs.check([folder], rerun=True).rows
    assert (row.verb, row.stands) == ("compare", False)
    again = jobs.show(row.rerun)
    assert again.answer("therapies") == therapies.answer("therapies")
    assert again.record.verb == "compare"
    assert again.record.options == therapies.record.options


def withdrawn(folder, key):
    """A shelf of one's own on which the owner of a source has withdrawn it."""
    (folder / key / "sources").mkdir(parents=True)
    text = 'standing = "withdrawn"\ndate = "2026-01-01"\nreason = "Withdrawn."\n'
    (folder / key / "sources" / f"{key}.toml").write_text(text, encoding="utf-8")
    return folder / key


def test_a_withdrawn_experiment_reaches_the_results_whose_priors_it_weighs_and_no_others(therapies, tmp_path):
    behind = set(therapies.answer("priors")["rests_on"])
    assert {"experiments/liu_2023.toml", "sources/liu_neomycin.toml"} <= behind
    (row,) = jobs.check([therapies.folder], (withdrawn(tmp_path, "liu_neomycin"),)).rows
    changed = [
        (change["parameter"], change["standing"]) for change in row.changed if "/" in change["parameter"]
    ]
    assert changed == [("sources/liu_neomycin.toml", "withdrawn")]
    assert (row.stands, row.refused) == (False, ["liu_neomycin"])
    # A published experiment that weighs no prior, and a result that compares no vesicles.
    (other,) = jobs.check([therapies.folder], (withdrawn(tmp_path, "kil_2017"),)).rows
    assert (other.stands, other.refused) == (True, [])
    plain = jobs.run(jobs.StudyInputs(study=str(QUICK), subjects=2, out=tmp_path / "plain"))
    (untouched,) = jobs.check([plain.folder], (tmp_path / "liu_neomycin",)).rows
    assert plain.answer("priors") is None and untouched.stands


def test_a_comparison_after_a_run_of_one_study_finds_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command("run", WORDS, "--subjects", 2)[0] == 0
    code, said = command("compare", WORDS, "--subjects", 2)
    assert (code, said["out"]) == (0, str(Path("results") / "devices_and_words-compare"))
    assert record_of(tmp_path / "results" / "devices_and_words").verb == "run"


def test_progress_says_how_far_it_is_and_how_long_it_takes(tmp_path):
    shown = []
    jobs.run(jobs.StudyInputs(study=str(QUICK), subjects=20, out=tmp_path / "out"), jobs.Watch(shown.append))
    doing = shown[0].doing
    parts = [step for step in shown if step.doing == doing]
    # What is begun is said before the first part is done, and then nobody knows how long it takes.
    assert [step.done for step in parts] == list(range(parts[-1].of + 1))
    assert parts[-1].left == 0.0
    assert all(step.left is not None and step.left >= 0 for step in parts[1:])
    # What comes after the ears cannot say how long it takes, but what it is.
    assert [step.doing for step in shown if step not in parts] == [
        "comparing priors and papers",
        "drawing the report",
    ]
    assert re.fullmatch(r"simulating, about \d+ (s|min) and 0\.\d GB", doing)


@pytest.mark.parametrize("moment", ["before", "while"])
def test_a_cancelled_job_leaves_the_old_result_as_it_was(tmp_path, moment):
    out = tmp_path / "out"
    asked = jobs.StudyInputs(study=str(QUICK), subjects=2, out=out, force=True)
    jobs.run(asked)
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    watch = jobs.Watch(lambda step: watch.cancel())
    if moment == "before":
        watch.cancel()
    with pytest.raises(jobs.Cancelled):
        jobs.run(asked, watch)
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    assert sorted(file.name for file in tmp_path.iterdir() if not file.name.endswith(".lock")) == ["out"]


# Imports and lots


@pytest.fixture
def imported(tmp_path):
    (sample,) = samples("biosig_csv")[:1]
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / sample.name).write_bytes(sample.content)
    return jobs.import_(jobs.ImportInputs(paths=(tmp_path / "exports",), out=tmp_path / "imported"))


def test_an_import_is_shown_as_what_it_is(imported):
    code, said = command("show", imported.folder)
    assert code == 0
    assert said["result"] == json.loads(json.dumps(imported.result()))
    assert said["inputs"] == dict(imported.record.inputs)
    text = CliRunner().invoke(app, ["show", str(imported.folder)]).stdout
    assert "1 file, " in text and "contact sheet" in text


def test_an_import_stands_on_its_files_and_is_read_again(imported, tmp_path):
    assert jobs.check([imported.folder]).rows[0].stands
    (file,) = (tmp_path / "exports").iterdir()
    file.write_bytes(file.read_bytes() + b"\n")
    (row,) = jobs.check([imported.folder], rerun=True).rows
    assert [change["what"] for change in row.changed] == ["file"]
    again = jobs.show(row.rerun)
    assert (again.record.verb, again.rows) == ("import", imported.rows)
    assert again.record.inputs != imported.record.inputs
    file.unlink()
    assert jobs.check([imported.folder]).rows[0].changed[0]["what"] == "gone"


def test_a_lot_is_shown_as_what_it_is_and_stands_on_its_files(tmp_path):
    record = lots.record(tmp_path, "lot")
    lot = jobs.assess(jobs.LotInputs(record=record, out=tmp_path / "out"))
    code, said = command("show", tmp_path / "out")
    assert code == 0
    assert said["result"] == json.loads(json.dumps(lot.values))
    assert jobs.check([tmp_path / "out"]).rows[0].stands


# What is no result


def test_show_says_what_a_file_is_that_is_no_result(tmp_path, imported):
    (file,) = (tmp_path / "exports").iterdir()
    with pytest.raises(BadInput, match=r"a file that biosig_csv reads; otosome import"):
        jobs.show(file)
    with pytest.raises(BadInput, match=r"is a file of a result; otosome show"):
        jobs.show(imported.folder / "contact.html")
    with pytest.raises(BadInput, match="nothing is there"):
        jobs.show(tmp_path / "nowhere")
    (tmp_path / "letter.txt").write_text("dear", encoding="utf-8")
    for foreign in (tmp_path / "letter.txt", tmp_path / "exports"):
        with pytest.raises(BadInput, match="is not a result folder"):
            jobs.show(foreign)


def test_a_result_with_foreign_numbers_is_refused_in_one_line(tmp_path):
    Record("run", "study", {}).write(tmp_path)
    (tmp_path / DATA).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 40)
    with pytest.raises(BadInput, match=r"result\.nc: cannot be read") as refusal:
        jobs.show(tmp_path)
    assert len(str(refusal.value).splitlines()) == 1
    assert len(str(refusal.value)) < 600


def test_an_import_from_before_imports_could_be_shown_says_how_to_make_it_anew(tmp_path):
    (tmp_path / "study.json").write_text(
        json.dumps({"otosome": "0.1.0", "imported": {"a.csv": "biosig_csv"}, "inputs": {"a.csv": "0" * 64}}),
        encoding="utf-8",
    )
    with pytest.raises(BadInput, match=r"answer\.json: is not there; import the files again: otosome import"):
        jobs.show(tmp_path)
    with pytest.raises(BadInput, match="does not say with which paths its import was asked"):
        jobs.check([tmp_path])
    assert not (tmp_path / MARK).exists()


def test_an_answer_that_was_stored_otherwise_is_refused_with_the_command_that_makes_it_anew(
    therapies, tmp_path
):
    folder = tmp_path / "old"
    shutil.copytree(therapies.folder, folder)
    answer = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
    del answer["therapies"]["arms"][0]["score"]
    (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")
    record_of(folder).write(folder)
    command_anew = f"otosome compare {folder / STUDY} --subjects 4 --seed 1"
    for arguments in (["show", folder], ["changes", folder, folder]):
        code, said = command(*arguments)
        assert (code, said["error"]["file"]) == (2, str(folder))
        assert said["error"]["cure"] == f"make it anew: {command_anew}"
        assert CliRunner().invoke(app, list(map(str, arguments))).exit_code == 2


@pytest.mark.parametrize("verb", ["run", "compare"])
def test_a_result_of_the_format_before_is_shown_checked_and_asked_again_by_its_own_verb(
    tmp_path, verb, therapies
):
    """Format 1: one flat file with all text in its attributes, and study.json, which names no verb."""
    if verb == "compare":
        new = therapies
    else:
        new = jobs.run(jobs.StudyInputs(study=str(QUICK), subjects=4, out=tmp_path / "new"))
    old = tmp_path / "old"
    old.mkdir()
    data = open_result(new.folder).drop_vars(["world", "lot", "person", "weight"])
    rows = json.loads(data.attrs["sources"])
    data.attrs["sources"] = json.dumps([{**rows[0], "hash": "of old"}, *rows[1:]])
    data.to_netcdf(old / DATA, engine="h5netcdf")
    mark = {"otosome": "0.1.0", "study": new.record.name, "seed": new.seed, "subjects": 4, "inputs": {}}
    (old / "study.json").write_text(json.dumps(mark), encoding="utf-8")
    shown = jobs.show(old)
    assert shown.as_dict()["result"] == new.as_dict()["result"]
    assert (shown.verb, shown.ears) == (verb, 4)
    (row,) = jobs.check([old], rerun=True).rows
    assert (row.verb, [change["what"] for change in row.changed]) == (verb, ["value"])
    again = jobs.show(row.rerun)
    assert again.verb == again.record.verb == verb
    assert again.record.option("subjects") == 4
    assert again.as_dict()["result"] == new.as_dict()["result"]


def test_a_jobs_inputs_come_back_from_its_record_whole(tmp_path):
    inputs = jobs.ImportInputs(
        paths=(tmp_path / "a", tmp_path / "b"),
        animals=tmp_path / "animals.csv",
        species="mouse",
        shelves=(tmp_path,),
        out=tmp_path / "out",
    )
    Record("import", "import", {}, options_of(inputs)).write(tmp_path)
    again = inputs_again(jobs.ImportInputs, record_of(tmp_path), tmp_path / "now")
    assert again == replace(inputs, out=tmp_path / "now", force=True)
    with pytest.raises(BadInput, match="does not say with which paths"):
        inputs_again(jobs.ImportInputs, Record("import", "import", {}), tmp_path)


def test_an_endpoint_measured_afterwards_is_as_if_the_study_had_measured_it(tmp_path):
    # What is compared, and all that is computed for it, is no part of this.
    study = (CASES / "noise_mouse.toml").read_text(encoding="utf-8").partition("[compare]")[0]
    more = '[measure.emissions]\nendpoint = "dpoae"\nfrequency = ["8 kHz", "12 kHz"]\nat = ["7 d"]\n'
    for name, text in (("less", study), ("more", study + more)):
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
        jobs.run(jobs.StudyInputs(study=str(tmp_path / f"{name}.toml"), subjects=6, out=tmp_path / name))
    tones = ["--frequency", "8 kHz", "--frequency", "12 kHz", "--at", "7 d"]
    code, answer = command("measure", tmp_path / "less", "--endpoint", "dpoae", *tones)
    assert (code, answer["result"]["ears"], len(answer["result"]["rows"])) == (0, 6, 4)
    fresh = open_result(tmp_path / "more")["emissions"]
    for row in answer["result"]["rows"]:
        ears = fresh.sel(arm=row["arm"], time=row["time"], frequency=row["frequency"])
        assert row["value"]["exact"]["median"] == pytest.approx(float(ears.median()), rel=1e-12)
        assert row["value"]["unit"] == ears.attrs["unit"]


# Without the extra of clusters, whose arrays xarray would load beside its own.
MEASURE = """
import sys
sys.modules["dask"] = None
sys.argv = ["otosome", "measure", *{words!r}]
from otosome.cli import main
try:
    main()
except SystemExit as done:
    assert not done.code
"""


def test_measuring_afterwards_loads_nothing_that_carries_or_fits(tmp_path):
    folder = jobs.run(jobs.StudyInputs(study=str(QUICK), subjects=2, out=tmp_path / "out")).folder
    words = [str(folder), "--endpoint", "abr_threshold", "--frequency", "5 kHz", "--at", "1 d"]
    loaded = imported_by(MEASURE.format(words=words))
    assert "otosome.model.transport" in loaded
    solvers = {"otosome.model.transport.course", "otosome.model.transport.kernel", "otosome.model.fates"}
    assert (
        loaded & (solvers | {"numba", "scipy.special", "scipy.optimize", "scipy.stats", "matplotlib"})
        == set()
    )


def test_what_a_stored_result_cannot_tell_is_refused(therapies):
    code, answer = command(
        "measure", therapies.folder, "--endpoint", "dpoae", "--frequency", "8 kHz", "--at", "3 h"
    )
    assert (code, answer["error"]["key"], answer["error"]["given"]) == (2, "at", "3 h")
    code, answer = command("measure", therapies.folder, "--endpoint", "audiometer", "--at", "1 d")
    assert code == 2 and "audiogram" in str(answer["error"]["allowed"])


def test_the_time_left_is_that_of_the_parts_done_so_far(monkeypatch):
    clock = iter([100.0, 110.0, 130.0, 200.0, 200.0])
    monkeypatch.setattr("otosome.jobs.watch.time.monotonic", lambda: next(clock))
    shown = []
    watch = jobs.Watch(shown.append)
    tick = watch.ticks("simulating")
    for done in (1, 3):
        tick(done, 4)
    # One part took 10 s and three are to come; three took 30 s and one is to come.
    assert [step.left for step in shown] == [30.0, 10.0]
    watch.stage("writing")
    assert (shown[-1].doing, shown[-1].left) == ("writing", None)


def test_a_fit_that_goes_on_counts_no_steps_of_before_in_the_time_left(monkeypatch):
    clock = iter([100.0, 100.0, 130.0, 130.0, 190.0, 190.0])
    monkeypatch.setattr("otosome.jobs.calibrating.time.monotonic", lambda: next(clock))
    shown = []
    report = reporting(jobs.Watch(shown.append))
    for doing, done in (
        ("drawing, R-hat 1.06", 480),
        ("drawing, R-hat 1.05", 500),
        ("drawing, R-hat 1.04", 540),
    ):
        report(doing, done, 800)
    # 20 steps took 30 s and 300 are to come; 60 took 90 s and 260 are to come.
    assert [step.left for step in shown] == [None, 450.0, 390.0]


def test_what_is_counted_has_the_rate_of_the_last_seconds_and_not_of_what_was_there(monkeypatch):
    clock = iter([100.0, 104.0, 108.0, 112.0, 116.0])
    monkeypatch.setattr("otosome.jobs.watch.time.monotonic", lambda: next(clock))
    shown = []
    tick = jobs.Watch(shown.append).ticks("simulating", unit="people")
    for done in (400, 500, 520, 540, 560):
        tick(done, 1000)
    # 400 were there. The first 100 took 4 s, then 20 each 4 s; what is older than ten seconds counts no more.
    assert [step.rate for step in shown] == [None, 25.0, 15.0, 140 / 12, 5.0]
    assert [step.left for step in shown] == [None, 20.0, 32.0, 460 / (140 / 12), 88.0]
    assert {step.unit for step in shown} == {"people"}
    assert rate_text(shown[3].rate, "people") == "12 people a second"
    assert rate_text(71_234.0, "people") == "71,000 people a second"
    assert rate_text(0.047, "people") == "0.047 people a second"
    assert rate_text(661_000.0, "animals") == "660,000 animals a second"
    assert rate_text(None, "people") == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.4, "0 s left"), (59, "59 s left"), (300, "5 min left"), (5400, "1.5 h left")],
)
def test_the_time_left_is_said_in_words(seconds, text):
    assert left_text(seconds) == text


def test_where_no_bar_is_seen_lines_say_what_is_done_how_far_it_is_and_how_long_it_takes():
    lines, said = Lines(began=0.0), []
    for at in range(400):
        # A part takes 100 s, and the next thing begins when three are done.
        part = at // 100
        progress = (
            jobs.Progress("searching", part, 3, 100.0 * (3 - part) if part else None)
            if part < 3
            else jobs.Progress(f"drawing, R-hat {at}", 0, 1, None)
        )
        said.append(lines.line(progress, float(at), ago=float(at % 100)))
    when = [at for at, text in enumerate(said) if text]
    # Nothing of the first seconds; then each ten; a long job each minute; and at once where it does something else.
    assert when == [*range(3, 120, 10), 173, 233, 293, 300, 360]
    assert said[3] == "searching: 0 of 3, 3 s so far"
    assert said[113] == "searching: 1 of 3, 3 min left, 2 min so far"
    assert said[233] == "searching: 2 of 3, 1 min left, 4 min so far"
    assert said[360] == "drawing, R-hat 360: 6 min so far"


def test_a_short_job_writes_no_line():
    lines = Lines(began=10.0)
    assert not any(lines.line(jobs.Progress(f"part {n}", n, 9, 1.0), 10.0 + 0.3 * n) for n in range(9))


def test_a_job_that_says_nothing_more_is_not_taken_for_dead(monkeypatch, capsys):
    monkeypatch.setattr("otosome.jobs.watch._QUIET", 0.0)
    monkeypatch.setattr("otosome.jobs.watch._OFTEN", 0.0)
    monkeypatch.setattr("otosome.jobs.watch._BEAT", 0.001)
    monkeypatch.delenv("OTOSOME_PROGRESS", raising=False)
    # One part is told; more than one line comes of it, on standard error alone.
    with jobs.watched("fit") as watch:
        watch.stage("searching")
        told = ""
        while told.count("\n") < 3:
            told += capsys.readouterr().err
    assert set(told.splitlines()) == {"otosome fit: searching: 0 s so far"}
    assert capsys.readouterr().out == ""


def test_an_import_counts_its_files_and_then_says_what_it_does(tmp_path):
    (sample,) = samples("biosig_csv")[:1]
    (tmp_path / sample.name).write_bytes(sample.content)
    shown = []
    asked = jobs.ImportInputs(paths=(tmp_path / sample.name,), out=tmp_path / "out")
    jobs.import_(asked, jobs.Watch(shown.append))
    assert [step.doing for step in shown] == [
        "reading files",
        "estimating thresholds and means",
        "drawing what was read",
    ]
