"""Help at the keyboard: examples that parse, names completed and guessed, things that show themselves."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from typer.main import get_command
from typer.testing import CliRunner

import otosome
from otosome.answers.contrast import contrast
from otosome.catalog import SHELVES
from otosome.cli import app
from otosome.errors import BadInput
from otosome.forward import draw, simulate
from otosome.jobs.examples import EXAMPLES, files_like
from otosome.study import load, studies

QUICK = Path(__file__).parent / "studies" / "valid" / "cisplatin_round_window.toml"
PROGRAM = get_command(app)
VERBS = PROGRAM.commands


@pytest.fixture(scope="module")
def small():
    study = load(QUICK)
    ears = draw(study, 4, seed=1)
    return study, ears, simulate(study, ears, workers=1)


@pytest.mark.parametrize("verb", [*VERBS, ""])
def test_the_help_of_every_verb_ends_in_examples_that_the_command_line_takes(verb):
    shown = CliRunner().invoke(app, [*([verb] if verb else []), "--help"]).stdout
    assert EXAMPLES[verb]
    for command, does in EXAMPLES[verb]:
        assert f"  {command}\n" in shown and does in shown
        program, name, *words = shlex.split(command)
        assert program == "otosome" and name in VERBS and verb in ("", name)
        # Parsing refuses an option that there is not, and an argument too many.
        VERBS[name].make_context(name, words)


def test_the_module_is_the_program():
    asked = [sys.executable, "-m", "otosome", "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"otosome {otosome.__version__}\n"


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("otosome qual", {"qualify", "quality"}),
        ("otosome run noi", {"noise_mouse"}),
        ("otosome list insu", {"insults"}),
        ("otosome run --despite", {"--despite-quality"}),
    ],
)
def test_a_shell_completes_verbs_options_studies_and_shelves(typed, completed, tmp_path):
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    ask = {**os.environ, **words, "_OTOSOME_COMPLETE": "complete_bash"}
    program = "import sys; sys.argv = ['otosome']; from otosome.cli import app; app(prog_name='otosome')"
    done = subprocess.run(
        [sys.executable, "-c", program], env=ask, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert set(done.stdout.split()) == completed, done.stderr


def test_a_shell_completes_study_files_and_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.toml").touch()
    (tmp_path / "mine.txt").touch()
    assert files_like("mi") == ["mine/"]
    assert files_like("mine/st") == ["mine/study.toml"]
    assert files_like("nowhere/") == []


STUDY = QUICK.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("cisplatin_guineapig", "cisplatin_guinea_pig"),
        ("Noise_Mouse", "noise_mouse"),
        (STUDY.replace('"cisplatin"', '"cisplatine"', 1), "cisplatin"),
        (STUDY.replace('"round_window"', '"round_windw"', 1), "round_window"),
        (STUDY.replace("frequency =", "freqency =", 1), "frequency"),
        (STUDY.replace('species = "', 'species = "m', 1), "guinea_pig"),
    ],
)
def test_a_near_miss_is_suggested_for_studies_entries_and_keys(given, near, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(given, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        load(file if "\n" in given else given)
    assert f"is it {near}?" in str(refused.value)
    assert refused.value.as_dict()["cure"].startswith(f"is it {near}?")


def test_what_is_like_nothing_is_suggested_nothing():
    for given in ("quite another thing", 3, None):
        assert BadInput("is unknown", given=given, allowed=studies()).near is None
    assert BadInput("is unknown", given="insult", allowed=list(SHELVES)).near == "insults"
    # A name that is allowed was refused for another reason.
    assert BadInput("twice", given="insults", allowed=list(SHELVES)).near is None


def test_a_study_shows_itself_in_a_few_lines_and_its_words_are_never_markup(small):
    study, ears, result = small
    for shown in (study, ears, contrast(study, result, "abr", *[arm.name for arm in study.tables.arm[:2]])):
        lines = repr(shown).splitlines()
        assert 3 <= len(lines) <= 12 and max(map(len, lines)) < 400
        assert shown._repr_html_().startswith("<table>")
    assert "4 of 4 subjects" in repr(ears)
    assert all(arm.name in repr(study) for arm in study.tables.arm)
    title = study.tables.model_copy(update={"title": "<script>alert(1)</script>"})
    hostile = type(study)(study.name, title)._repr_html_()
    assert "<script" not in hostile and "&lt;script" in hostile


def test_plots_of_a_result_are_labelled_with_their_units(small):
    _, _, result = small
    label = xr.plot.utils.label_from_attrs
    assert label(result["abr"]) == "ABR threshold [dB SPL]"
    assert label(result["frequency"]) == "frequency [kHz]"
    for name in result.variables:
        if "unit" in result[name].attrs:
            assert result[name].attrs["units"] == (result[name].attrs["unit"] or "1"), name
