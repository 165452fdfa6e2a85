"""The command line as a person and as a program meet it: exit codes, one message, one object, nothing lost."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import xarray as xr
from typer.testing import CliRunner

import otosome
from otosome.answers import answer as weigh
from otosome.catalog import SHELVES, Catalog, get
from otosome.cli import app, main
from otosome.errors import BadInput
from otosome.forward import (
    Cochleae,
    Fate,
    best,
    draw,
    plan,
    simulate,
)
from otosome.results import MARK, open_result, record_of, writing
from otosome.study import (
    load,
    loads,
    saves,
    studies,
)

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "studies"
INVALID = sorted((CASES / "invalid").glob("*.toml"))
QUICK = CASES / "valid" / "no_insult_no_treatment.toml"
EXPORT = ROOT / "examples" / "nanosight_export.csv"
MEASURED = sorted((ROOT.parent / "shared" / "data").glob("nta_nanosight*/*.csv"))
FILES = {
    "report.html",
    "study.toml",
    "result.nc",
    "answer.json",
    "ears.parquet",
    "readings.parquet",
    "readings.csv",
    "sources.csv",
    "otosome.json",
}
ERROR = {"message", "file", "key", "given", "allowed", "cure"}


def otosome_(*arguments):
    """A command, run in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def program(*arguments, **options):
    """A command, run as a program of its own."""
    command = [sys.executable, "-m", "otosome.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


def told(done):
    """The one object on standard output."""
    (line,) = done.stdout.splitlines()
    return json.loads(line)


def refused(done):
    """The one message of a refusal, after checking that it is one."""
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("otosome ")
    return done.stderr


def inside(folder):
    """Every file of a folder with its bytes."""
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def left_over(folder):
    """What stands beside the results in a folder; the lock, which is empty, may stay."""
    return [f.name for f in folder.iterdir() if not (f.name.endswith(".lock") and f.stat().st_size == 0)]


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A study that compares, in which all is known but two numbers, so that it is told in seconds."""
    study = load(CASES / "valid" / "cisplatin_round_window.toml")
    values = tomllib.loads(saves(study))
    for name, number in values["numbers"].items():
        if name not in ("mechanisms.hsp70.prevent", "cells.ohc.death"):
            fixed = {"low": number["value"], "high": number["value"], "shape": "fixed"}
            values["numbers"][name] = number | fixed | {"subjects": 0.0, "lots": 0.0}
    file = tmp_path_factory.mktemp("Größe und Maß") / "compared.toml"
    file.write_text(tomli_w.dumps(values), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def made(compared):
    """That study's result, in a folder with blanks and umlauts, and what the program said."""
    out = compared.parent / "Ergebnis für Ohren"
    return out, otosome_("run", compared, "--subjects", 3, "--out", out, "--json")


# Done


def test_a_run_writes_every_file_of_a_result_and_says_one_object(made, compared):
    out, done = made
    assert done.exit_code == 0, done.output
    object_ = told(done)
    assert {"otosome", "command", "ok", "out", "inputs", "seed", "result", "notes"} == set(object_)
    assert (object_["otosome"], object_["command"], object_["ok"]) == (otosome.__version__, "run", True)
    assert object_["out"] == str(out)
    assert object_["inputs"] == {str(compared): hashlib.sha256(compared.read_bytes()).hexdigest()}
    assert object_["seed"] == 1
    assert {"benefit", "share", "halved", "doubled", "null_benefit"} <= set(object_["result"]["headline"])
    assert set(object_["result"]["errors"]) >= {"space", "time", "total", "drawn", "beyond", "flagged"}
    assert {file.name for file in out.iterdir()} == {*FILES, "figures"}
    assert all(file.stat().st_size > 100 for file in out.rglob("*") if file.is_file())
    assert set(left_over(out.parent)) == {"compared.toml", out.name}


def test_a_person_is_told_the_benefit_what_it_rests_on_and_where_the_report_is(made):
    out, _ = made
    done = otosome_("show", out)
    assert done.exit_code == 0
    benefit = "benefit of 'cisplatin + vesicles' against 'cisplatin'"
    exact = "Numerical error ", "% of the vesicles' peak", "details in the report"
    for words in (
        "3 ears, seed 1",
        benefit,
        "rests on, by what moves it:",
        "no error of a group's mean",
        "research only",
        *exact,
    ):
        assert words in done.stdout
    assert str(out / "report.html") in done.stdout


def test_show_says_to_a_program_what_the_run_said(made):
    out, done = made
    shown = told(otosome_("show", out, "--json"))
    assert shown["command"] == "show"
    assert shown["result"]["headline"] == told(done)["result"]["headline"]
    assert shown["result"]["errors"] == told(done)["result"]["errors"]
    assert shown["seed"] == told(done)["seed"]


def test_a_study_that_compares_nothing_says_so(tmp_path):
    done = otosome_("run", QUICK, "--subjects", 2, "--seed", 9, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert "no comparison: the study names none" in done.stdout
    assert f"report: {(tmp_path / 'out' / 'report.html').resolve()}" in done.stdout
    assert record_of(tmp_path / "out").option("seed") == 9


def test_without_out_a_result_goes_into_results_under_the_studys_name(tmp_path, monkeypatch):
    folder = tmp_path / "leer, mit Ümläuten"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert otosome_("run", QUICK, "--subjects", 1).exit_code == 0
    assert (folder / "results" / QUICK.stem / "report.html").is_file()
    for name in studies():
        assert otosome_("sources", name).exit_code == 0, "a shipped study is known by name from any folder"


def test_the_seed_of_a_study_holds_unless_another_is_given(tmp_path):
    file = tmp_path / "seeded.toml"
    file.write_text("seed = 4\n" + QUICK.read_text(encoding="utf-8"), encoding="utf-8")
    seeds = [
        told(otosome_("run", file, "--subjects", 1, "--out", tmp_path / str(n), "--json", *given))["seed"]
        for n, given in enumerate(([], ["--seed", 6]))
    ]
    assert seeds == [4, 6]


def test_a_result_runs_again_from_its_own_folder_to_the_same_readings(made, tmp_path):
    out, _ = made
    done = otosome_("run", out / "study.toml", "--subjects", 3, "--out", tmp_path / "again")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again" / "readings.csv").read_bytes() == (out / "readings.csv").read_bytes()
    first, again = (open_result(folder) for folder in (out, tmp_path / "again"))
    assert all(first[n].to_numpy().tobytes() == again[n].to_numpy().tobytes() for n in first.data_vars)


# Refused


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_an_invalid_study_is_refused_with_one_message_and_writes_nothing(file, tmp_path):
    expected = file.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ")
    assert expected in refused(otosome_("run", file, "--out", tmp_path / "out"))
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("name", ["unknown_key", "not_toml", "hostile_unit", "path_out_of_the_folder"])
def test_a_refusal_is_one_object_for_a_program(name, tmp_path):
    done = otosome_("run", CASES / "invalid" / f"{name}.toml", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 2
    object_ = told(done)
    assert set(object_) == {"otosome", "command", "ok", "error"}
    assert object_["ok"] is False
    assert set(object_["error"]) == ERROR
    assert object_["error"]["message"]


def test_the_object_of_a_refusal_names_file_key_given_and_allowed(tmp_path):
    file = CASES / "invalid" / "unknown_route.toml"
    error = told(otosome_("run", file, "--out", tmp_path / "out", "--json"))["error"]
    assert error["file"] == file.name
    assert error["key"].endswith(".route")
    assert "round_window" in error["allowed"]
    assert error["given"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["run", "cisplatin_unicorn"], "allowed: cisplatin_guinea_pig"),
        (["run", QUICK, "--shelves", "nowhere"], "is not a folder"),
        (["run", QUICK, "--batch", "nowhere.csv"], None),
        (["new", "unicorn"], "allowed: study"),
        (["new", "study", "count.csv"], "takes no files"),
        (["new", "batch", "--from", "imported"], "takes no --from"),
        (["new", "animals"], "needs the files"),
        (["new", "fit"], "needs a table"),
        (["list", "potions"], "no shelf 'potions'"),
        (["list", "--shelves", "nowhere"], "is not a folder"),
        (["run", QUICK, "--out", "."], "is the folder you work in"),
        (["sources", "cisplatin_unicorn"], "there is no study file"),
        (["show", "nowhere"], "is not a result folder"),
        (["show", ROOT / "tests"], "is not a result folder"),
    ],
)
def test_nonsense_is_refused_in_words(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = otosome_(*arguments)
    if said is None:
        assert done.exit_code == 0, "a study without treatment has no batch to replace"
    else:
        assert said in refused(done)


def test_programs_end_with_the_exit_code_of_the_contract_and_never_a_traceback(tmp_path):
    name = tmp_path / os.fsdecode(b"no\xfftext.toml")
    cases = [
        (["--version"], 0),
        (["--help"], 0),
        (["run", name, "--json"], 2),
        (["run", "--json", "--subjects", "0", "x"], 2),
    ]
    for arguments, code in cases:
        done = program(*arguments, cwd=tmp_path, env={**os.environ, "PYTHONUTF8": "1"})
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        if "--json" in arguments:
            assert json.loads(done.stdout)["ok"] is False
            assert len(done.stdout.splitlines()) == 1


# Nothing half-written, nothing lost


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A result, which nobody writes to."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert otosome_("run", QUICK, "--subjects", 1, "--out", out).exit_code == 0
    return out


@pytest.fixture
def earlier(whole, tmp_path):
    """A folder that holds an earlier result, and what is in it."""
    out = shutil.copytree(whole, tmp_path / "out")
    return out, inside(out)


def fails(monkeypatch, error):
    def failing(*arguments, **options):
        raise error

    monkeypatch.setattr(weigh, "answer", failing)


def test_an_interrupt_leaves_the_old_result_as_it_was_and_exits_130(earlier, monkeypatch):
    out, before = earlier
    fails(monkeypatch, KeyboardInterrupt())
    done = otosome_("run", QUICK, "--out", out, "--force", "--json")
    assert done.exit_code == 130
    assert done.stdout == ""
    assert "interrupted; nothing was replaced" in done.stderr
    assert inside(out) == before
    assert left_over(out.parent) == ["out"]


def test_an_interrupt_while_files_are_written_leaves_nothing_behind(earlier, monkeypatch):
    import otosome.report

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    out, before = earlier
    monkeypatch.setattr(otosome.report, "write_report", interrupted)
    assert otosome_("run", QUICK, "--subjects", 1, "--out", out, "--force").exit_code == 130
    assert otosome_("run", QUICK, "--subjects", 1, "--out", out.parent / "new").exit_code == 130
    assert inside(out) == before
    assert left_over(out.parent) == ["out"]


@pytest.mark.parametrize("error", [BadInput("is too odd"), ZeroDivisionError("ours")])
def test_a_failure_half_way_leaves_nothing_half_written(earlier, monkeypatch, error):
    out, before = earlier
    fails(monkeypatch, error)
    done = otosome_("run", QUICK, "--out", out, "--force")
    assert done.exit_code == (2 if isinstance(error, BadInput) else 1)
    assert inside(out) == before
    assert left_over(out.parent) == ["out"]


def test_a_real_interrupt_ends_a_long_run_soon_and_leaves_the_old_result(earlier):
    out, before = earlier
    command = [
        sys.executable,
        "-c",
        # A shell that starts the tests in the background has them ignore interrupts, and so would the program.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from otosome.cli import main; main()",
        "run",
        "cisplatin_guinea_pig",
        "--out",
        str(out),
        "--force",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        begun = time.monotonic()
        while not list(out.parent.glob(".out.part*")) and time.monotonic() < begun + 60:
            time.sleep(0.1)
        time.sleep(1.0)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "interrupted" in said[1]
    assert "Traceback" not in said[1]
    assert inside(out) == before
    assert left_over(out.parent) == ["out"]


def test_an_earlier_result_is_replaced_only_with_force_and_moved_aside(earlier):
    out, before = earlier
    assert "holds an earlier result" in refused(otosome_("run", QUICK, "--out", out))
    assert inside(out) == before
    for aside in ("out.old", "out.old2"):
        kept = inside(out)
        assert otosome_("run", QUICK, "--subjects", 2, "--out", out, "--force").exit_code == 0
        assert inside(out.parent / aside) == kept


@pytest.mark.parametrize("mark", [None, "", "[]", '{"another": "program"}', "{", "x" * 4_000_001])
def test_a_folder_that_is_not_otosomes_is_never_replaced_even_with_force(tmp_path, mark):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter.txt").write_text("Ten years of work.")
    if mark is not None:
        (out / MARK).write_text(mark)
    before = inside(out)
    for force in ([], ["--force"]):
        assert "is not otosome's" in refused(otosome_("run", QUICK, "--out", out, *force))
    assert inside(out) == before
    assert left_over(tmp_path) == ["thesis"]


def test_a_folder_that_fills_while_a_study_runs_is_not_replaced(tmp_path, monkeypatch):
    out = tmp_path / "out"
    answer = weigh.answer

    def meanwhile(*arguments, **options):
        out.mkdir()
        (out / "letter.txt").write_text("Written just now.")
        return answer(*arguments, **options)

    monkeypatch.setattr(weigh, "answer", meanwhile)
    assert "is not otosome's" in refused(otosome_("run", QUICK, "--subjects", 1, "--out", out, "--force"))
    assert inside(out) == {Path("letter.txt"): b"Written just now."}
    assert left_over(tmp_path) == ["out"]


def test_an_empty_folder_is_used(tmp_path):
    out = tmp_path / "empty"
    out.mkdir()
    assert otosome_("run", QUICK, "--subjects", 1, "--out", out).exit_code == 0
    assert {file.name for file in out.iterdir()} == {*FILES, "figures"}


def test_two_writers_of_one_folder_refuse(tmp_path):
    with writing(tmp_path / "out") as part:
        assert "is being written by another otosome" in refused(
            otosome_("run", QUICK, "--out", tmp_path / "out")
        )
        assert part.is_dir(), "the first writer's work is not cleared away"
        (part / MARK).write_text('{"otosome": "0"}')
    assert left_over(tmp_path) == ["out"]
    assert otosome_("run", QUICK, "--subjects", 1, "--out", tmp_path / "out", "--force").exit_code == 0


def test_an_out_that_can_be_no_folder_is_refused(tmp_path):
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("not a folder")
    link.symlink_to(tmp_path / "nowhere")
    cases = {
        file: "is a file",
        link: "is a link to nowhere",
        file / "below": "cannot be",
        tmp_path / ("x" * 300): "cannot be",
        Path("/proc/otosome"): "cannot be",
    }
    for out, said in cases.items():
        assert said in refused(otosome_("run", QUICK, "--subjects", 1, "--out", out))
    assert file.read_text() == "not a folder"
    assert link.is_symlink()


def test_a_link_stays_and_what_it_leads_to_becomes_the_result(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    for force in ([], ["--force"]):
        done = otosome_("run", QUICK, "--subjects", 1, "--out", tmp_path / "link", *force)
        assert done.exit_code == 0, done.output
    assert (tmp_path / "link").is_symlink()
    assert {file.name for file in (tmp_path / "link").iterdir()} == {*FILES, "figures"}
    assert sorted(left_over(tmp_path)) == ["disk", "disk.old", "link"]


# new, list, sources, show


def test_new_writes_a_study_that_runs_and_never_overwrites(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "otosome run my_study.toml" in otosome_("new", "study").stdout
    file = tmp_path / "my_study.toml"
    study = load(file)
    result = simulate(study, draw(study, 1, seed=1), workers=1)
    assert np.all(np.isfinite(result[study.tables.compare.measure]))
    file.write_text("mine now")
    assert "nothing is overwritten" in refused(otosome_("new", "study"))
    assert file.read_text() == "mine now"
    assert "cannot be written" in refused(otosome_("new", "study", "--out", file / "within" / "where.toml"))
    done = otosome_("new", "study", "--out", tmp_path / "zwei Wörter.toml", "--json")
    assert told(done)["out"] == str(tmp_path / "zwei Wörter.toml")


def test_list_names_every_entry_with_what_it_is():
    done = otosome_("list")
    for shelf in SHELVES:
        assert shelf in done.stdout.splitlines()
        for name in Catalog().names(shelf):
            assert f"  {name}" in done.stdout
    assert set(told(otosome_("list", "routes", "--json"))["result"]) == {"routes"}
    assert list(told(otosome_("list", "studies", "--json"))["result"]["studies"]) == studies()


def test_list_shows_of_a_case_its_rows_as_printed_and_of_a_fit_how_it_is_run():
    case = told(otosome_("list", "cases/ear_b9", "--json"))["result"]["cases/ear_b9"]
    assert case[
        "ear:B9"
    ] == "largest threshold shift a day after 100 dB, mouse: low 35 dB, high 50 dB, n 6, " + (
        "used noise at 100 and 106 dB"
    )
    fit = told(otosome_("list", "fits/noise_mouse", "--json"))["result"]["fits/noise_mouse"]
    assert fit["again"] == "otosome fit noise_mouse"
    assert "is it noise_mouse?" in refused(otosome_("list", "fits/noise_mous"))


@pytest.mark.parametrize(("former", "now"), [("observations", "cases"), ("harms", "adverse_events")])
def test_a_shelf_by_the_name_it_had_is_refused_with_its_name_of_now(former, now, tmp_path):
    (tmp_path / former).mkdir()
    with pytest.raises(BadInput, match=f"{former}: is the shelf {now} now; rename it {now}"):
        Catalog((tmp_path,))


def test_list_shows_what_an_entry_states():
    (entry,) = told(otosome_("list", "insults/cisplatin", "--json"))["result"].values()
    card = get("insults", "cisplatin").card
    assert entry["about"] == card.about
    assert {key.partition(" ")[0] for key in entry} == {"about", *card.parameters}
    for key, by_species in card.parameters.items():
        number = by_species.get("")
        assert number is None or (number.basis in entry[key] and (number.source or "") in entry[key])
    # A strain states numbers of other entries.
    (strain,) = told(otosome_("list", "strains/cba_caj", "--json"))["result"].values()
    assert strain["insults.noise.susceptibility"] == "1 (0.8 to 1.25), computed, fernandez_2015"
    assert "otosome list strains/ENTRY" in otosome_("list", "strains").stdout
    refused = otosome_("list", "strains/cba_jr")
    assert refused.exit_code == 2 and "is it cba_jrj?" in refused.output
    assert otosome_("list", "studies/noise_mose").exit_code == 2
    assert told(otosome_("list", "studies/noise_mouse", "--json"))["result"]["studies/noise_mouse"]["about"]


def test_list_shows_shelves_of_ones_own(tmp_path):
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "nasal.toml").write_text('about = "By the nose."\n')
    assert "By the nose." in otosome_("list", "routes", "--shelves", tmp_path).stdout
    assert "By the nose." not in otosome_("list", "routes").stdout


def test_sources_names_paper_or_assumption_of_every_number():
    study = load("cisplatin_guinea_pig")
    rows = told(otosome_("sources", "cisplatin_guinea_pig", "--json"))["result"]["rows"]
    assert [row["parameter"] for row in rows] == [*study.parameters, *study.curves]
    top, *lines, _ = otosome_("sources", "cisplatin_guinea_pig").stdout.splitlines()
    assert "provisional: read in it once" in top
    marked = [[row["basis"] + "*" * row["provisional"], row["parameter"]] for row in rows]
    assert [line.split()[:2] for line in lines] == marked
    named = {row["parameter"]: row["fit"] for row in rows if row["fit"]}
    assert named
    assert {
        line.split()[1]: line.split("  fit ")[1].split()[0] for line in lines if "  fit " in line
    } == named


def test_a_defect_of_ours_is_said_to_be_one_and_leaves_with_one(monkeypatch, capsys):
    def broken(study):
        raise RuntimeError("a screw loose")

    monkeypatch.setattr("otosome.answers.sources.sources", broken)
    monkeypatch.setattr(sys, "argv", ["otosome", "sources", "cisplatin_guinea_pig", "--json"])
    with pytest.raises(RuntimeError, match="a screw loose"):
        main()
    said = capsys.readouterr()
    assert "a defect of otosome" in json.loads(said.out)["error"]["message"]
    assert "please report it" in said.err


def test_show_refuses_a_result_that_is_cut_short_or_another_files(made, tmp_path):
    out, _ = made
    for name, raw in [
        ("cut", (out / "result.nc").read_bytes()[:4000]),
        ("text", b"not a result"),
        ("empty", b""),
    ]:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "study.json").write_text('{"otosome": "0.1.0"}')
        (folder / "result.nc").write_bytes(raw)
        assert "result.nc" in refused(otosome_("show", folder))
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "study.json").write_text('{"otosome": "0.1.0"}')
    assert "result.nc" in refused(otosome_("show", strange))
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(strange / "result.nc", engine="h5netcdf")
    assert "is not a result of otosome" in refused(otosome_("show", strange))


# Batches


@pytest.fixture
def treated(tmp_path):
    """A study of a week with vesicles and vehicle that compares nothing, in a folder of its own."""
    values = tomllib.loads((CASES / "valid" / "cisplatin_round_window.toml").read_text(encoding="utf-8"))
    del values["compare"]
    values["treatment"]["vehicle"] = values["treatment"]["ev"] | {"batch": "vehicle"}
    values["arm"].append({"name": "vehicle", "insults": ["course"], "treatments": ["vehicle"]})
    file = tmp_path / "treated.toml"
    file.write_text(tomli_w.dumps(values), encoding="utf-8")
    return file


def export(count=4e11, median=96.0):
    """A NanoSight export of another lot, written as the shipped one is."""
    write = runpy.run_path(str(ROOT / "examples" / "make_nanosight_export.py"))["export"]
    write.__globals__.update(COUNT=count, MEDIAN=median)
    return write()


def carried(study, arm="cisplatin + vesicles"):
    """The best-value ear's vesicles in an arm."""
    table = best(study)
    ears = Cochleae(plan(study, [arm]), table)
    return Fate(ears, ears.plan.arms[0]).vesicles


def lot(folder, **changes):
    """A batch TOML of one's own: the example lot with some values changed."""
    values = tomllib.loads(
        (Path(otosome.__file__).parent / "shelves" / "batches" / "example_lot.toml").read_text(
            encoding="utf-8"
        )
    )
    for key, value in changes.items():
        values[key] = {k: v for k, v in values[key].items() if k not in ("low", "high", "shape")} | {
            "value": value
        }
    file = folder / "my lot.toml"
    file.write_text(tomli_w.dumps(values), encoding="utf-8")
    return file


@pytest.mark.parametrize("kind", ["toml", "nanosight"])
def test_a_batch_of_ones_own_runs(treated, tmp_path, kind):
    file = EXPORT if kind == "nanosight" else lot(tmp_path, particles="1e12 particles/mL")
    out = tmp_path / "out"
    done = otosome_("run", treated, "--subjects", 1, "--batch", file, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    object_ = told(done)
    assert object_["inputs"][str(file)] == hashlib.sha256(file.read_bytes()).hexdigest()
    # The study's own: it opens the ear and counts no adverse event of it, and its dose kills more than half of rats.
    own = ("takes an operation", "no death is counted")
    of_lot = [note for note in object_["notes"] if not any(words in note for words in own)]
    assert bool(of_lot) == (kind == "nanosight")
    assert all(f"note: {note}" in done.stderr for note in object_["notes"])
    kept = tomllib.loads((out / "study.toml").read_text(encoding="utf-8"))
    assert kept["treatment"]["vehicle"]["batch"] == "vehicle"
    (name,) = kept["batch"]
    assert kept["treatment"]["ev"]["batch"] == name != "example_lot"


def test_the_count_of_an_export_makes_the_dose(treated, tmp_path):
    given = []
    for n, count in enumerate((2e11, 4e11, 8e11)):
        file = tmp_path / f"export{n}.csv"
        file.write_text(export(count), encoding="latin-1")
        given.append(carried(load(treated, batch=file)).dose.sum())
    # Counts are written as whole particles in a thousand bins.
    assert np.allclose(np.divide(given[1:], given[0]), [2.0, 4.0], rtol=1e-3)


def test_the_sizes_of_an_export_change_how_its_vesicles_diffuse(treated, tmp_path):
    diffusion = []
    for n, median in enumerate((96.0, 192.0)):
        file = tmp_path / f"export{n}.csv"
        file.write_text(export(median=median), encoding="latin-1")
        diffusion.append(carried(load(treated, batch=file)).solute.diffusion[:, 0])
    assert diffusion[0].size == diffusion[1].size == 3
    assert np.all(np.diff(diffusion[0]) < 0), "larger classes are slower"
    # Twice the size, half the diffusion; each export blurs and bins its tracks.
    assert np.allclose(diffusion[0] / diffusion[1], 2.0, rtol=0.02)


def test_the_vehicle_stays_the_vehicle_whatever_a_batch_is_called(treated, tmp_path):
    for name in ("vehicle", "example_lot"):
        file = tmp_path / f"{name}.toml"
        file.write_bytes(lot(tmp_path).read_bytes())
        study = load(treated, batch=file)
        assert carried(study, "vehicle") is None
        assert carried(study).dose.sum() > 0


def test_a_vehicle_of_ones_own_is_not_replaced_by_the_batch_given(treated, tmp_path):
    own = lot(tmp_path, particles="0 particles/mL").rename(tmp_path / "saline.toml")
    values = tomllib.loads(treated.read_text(encoding="utf-8"))
    values["treatment"]["vehicle"]["batch"] = own.name
    treated.write_text(tomli_w.dumps(values), encoding="utf-8")
    study = load(treated, batch=EXPORT)
    assert carried(study, "vehicle") is None
    assert carried(study).dose.sum() > 0
    treated.write_text(saves(study, 1), encoding="utf-8")
    again = load(treated, batch=lot(tmp_path, particles="1e12 particles/mL"))
    assert carried(again, "vehicle") is None
    assert carried(again).dose.sum() != carried(study).dose.sum()


def test_two_files_of_one_name_beside_a_study_are_two_batches(treated, tmp_path):
    values = tomllib.loads(treated.read_text(encoding="utf-8"))
    for number, count in enumerate(("1e11 particles/mL", "3e11 particles/mL")):
        folder = tmp_path / f"freezer {number}"
        folder.mkdir()
        lot(folder, particles=count)
        values["treatment"][f"lot {number}"] = values["treatment"]["ev"] | {
            "batch": f"freezer {number}/my lot.toml"
        }
        values["arm"].append({"name": f"lot {number}", "treatments": [f"lot {number}"]})
    treated.write_text(tomli_w.dumps(values), encoding="utf-8")
    study = load(treated)
    given = [carried(study, f"lot {number}").dose.sum() for number in (0, 1)]
    assert given[1] == pytest.approx(3 * given[0])


@pytest.mark.parametrize(
    "name, raw",
    [
        ("letter.txt", b"Dear colleague,\nplease find the vesicles attached.\n"),
        ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
        ("nothing.csv", b""),
        ("cut.csv", EXPORT.read_bytes()[:20_000]),
        ("other.csv", b"a,b,c\n1,2,3\n"),
        ("lot.toml", b'about = "A lot."\n'),
        ("broken.toml", b'about = "A lot\n'),
    ],
)
def test_a_file_that_is_no_batch_is_refused_with_its_name(treated, tmp_path, name, raw):
    file = tmp_path / name
    file.write_bytes(raw)
    out = tmp_path / "out"
    said = refused(otosome_("run", treated, "--subjects", 1, "--batch", file, "--out", out))
    assert name in said or Path(name).stem in said
    assert not out.exists()


@pytest.mark.skipif(
    not MEASURED, reason="the public NanoSight exports are not here: they are not ours to pass on"
)
def test_there_are_real_exports_that_run_and_some_that_say_why_not():
    assert len(MEASURED) > 5


def loaded(study, batch):
    """The study with a batch, or the refusal."""
    try:
        return load(study, batch=batch)
    except BadInput as refusal:
        return refusal


@pytest.mark.parametrize("file", MEASURED, ids=lambda file: file.name)
def test_a_real_export_runs_or_is_refused_for_a_stated_reason(treated, file):
    study = loaded(treated, file)
    if isinstance(study, BadInput):
        assert study.file == file.name
        assert study.key and study.given and study.cure
        return
    solved = carried(study)
    assert solved.dose.sum() > 0
    assert np.all(np.isfinite(solved.concentration["organ_of_corti"]))
    assert any(file.name in note for note in study.notes)


def test_an_explicit_study_keeps_its_measured_batch_and_needs_the_export_no_more(treated):
    study = load(treated, batch=EXPORT)
    again = loads(saves(study, 1))
    assert carried(again).dose.tobytes() == carried(study).dose.tobytes()
