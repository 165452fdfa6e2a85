"""Every command that README and docs print runs: a part of ``make verify``, on fewer ears than printed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import commands

ROOT = Path(__file__).parents[1]
FEWER = {
    "run": " --subjects 4",
    "compare": " --subjects 4",
    "qualify": " pk:A1 --worlds 2",
    "claims": " no_tumour --ears 2",
    "import": " --force",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The project as somebody else gets it: what is committed, and nothing more."""
    folder = tmp_path_factory.mktemp("fresh") / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True, timeout=120)
    return folder


def fewer(command):
    """The same command on fewer ears; a second result of one name moves the first aside."""
    verb = command.split()[1]
    more = FEWER.get(verb, "")
    again = (
        " --force" if verb in ("run", "compare", "quality", "review") and "--process" not in command else ""
    )
    return command if command.startswith("make") else f"{command}{more}{again}"


@pytest.mark.slow
@pytest.mark.parametrize("document", commands.DOCUMENTS)
def test_the_commands_of_a_document_run_one_after_another(document, clone, tmp_path):
    folder = tmp_path / "here"
    commands.prepare(folder, clone)
    if document == "README.md":
        commands.fill_in_record(folder, clone)
    steps = [step for step in commands.steps(document, clone) if step.command.startswith("otosome")]
    assert len(steps) >= 2
    assert [fault for step in steps if (fault := commands.run(step, folder, clone, fewer))] == []


def test_commands_are_told_from_prose_and_tables():
    prose = "otosome is a word here.\n\n    otosome run STUDY [--seed S]  # a comment\n\n"
    text = prose + '```toml\notosome = "study/1"\n```\n'
    assert commands.lines(text) == ["otosome run STUDY [--seed S]"]
    assert commands.plain("otosome run STUDY [--seed S]") == "otosome run cisplatin_guinea_pig"
    assert commands.plain("otosome review neurons | loss") == "otosome review neurons"


def test_every_document_with_commands_is_run_here_or_by_tests_that_are_named():
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    printing = {
        file.relative_to(ROOT).as_posix()
        for file in files
        if any(line.startswith("otosome") for line in commands.lines(file.read_text(encoding="utf-8")))
    }
    run = {*commands.DOCUMENTS, commands.LONG}
    assert run.isdisjoint(commands.ELSEWHERE)
    assert printing == run | set(commands.ELSEWHERE)
    named = {name for names in commands.ELSEWHERE.values() for name in names}
    assert [name for name in sorted(named) if not (ROOT / "tests" / name).is_file()] == []


def test_the_commands_of_claims_are_claims_there_are():
    named = {line.split()[2] for line in commands.lines((ROOT / commands.LONG).read_text(encoding="utf-8"))}
    assert named == {file.stem for file in (ROOT / "src/otosome/shelves/claims").glob("*.toml")}
