"""Everything runs, writes and reads where the modules of POSIX systems are missing, as on an instrument's PC."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from laboratory import samples
from otosome.errors import BadInput
from otosome.laboratory.intake import files_in
from otosome.results import folder as folders
from otosome.results import usual, writing

POSIX = (
    "fcntl",
    "resource",
    "pwd",
    "grp",
    "termios",
    "tty",
    "pty",
    "syslog",
    "readline",
    "crypt",
    "spwd",
    "nis",
)
# Every verb that reads or writes, one after another in a Python that has none of these modules.
PROGRAM = """
import sys
sys.modules.update(dict.fromkeys({hidden!r}))
from otosome.cli import main
for command in {commands!r}:
    sys.argv = ["otosome", *command]
    try:
        main()
    except SystemExit as done:
        assert not done.code, (command, done.code)
"""


def hidden(commands, folder, **environment):
    """Those commands run one after another, with the modules hidden."""
    program = PROGRAM.format(hidden=POSIX, commands=commands)
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, timeout=300, check=False,
    )  # fmt: skip


def test_every_verb_works_without_the_modules_of_posix_systems(tmp_path):
    (sample,) = samples("biosig_csv")[:1]
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / sample.name).write_bytes(sample.content)
    study = Path(__file__).parent / "studies" / "valid" / "no_insult_no_treatment.toml"
    commands = [
        ["list", "studies"],
        ["run", str(study), "--subjects", "5", "--out", "result"],
        ["run", str(study), "--subjects", "5", "--out", "result", "--force"],
        ["show", "result"],
        ["check", "result"],
        ["import", "exports", "--out", "imported"],
        ["show", "imported"],
        ["check", "imported"],
        ["new", "study", "--out", "mine.toml"],
    ]
    done = hidden(commands, tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "result.old" / "report.html").is_file()
    assert (tmp_path / "imported" / "contact.html").is_file()


def test_a_terminal_without_the_letters_ends_no_verb(tmp_path):
    done = hidden([["list", "maps"]], tmp_path, PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr.decode()
    assert rb"M\xfcller" in done.stdout


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("cisplatin_guinea_pig", "cisplatin_guinea_pig"),
        ("nul", "nul_"),
        ("COM1.lot", "COM1.lot_"),
        ("a:b/c\\d?", "a_b_c_d_"),
        ("..", "result"),
        ("ends with a dot.", "ends with a dot"),
    ],
)
def test_a_folder_is_named_so_that_every_system_takes_it(name, folder):
    assert usual(name) == Path("results") / folder
    assert usual(name, "compare") == Path("results") / f"{folder}-compare"


def test_an_earlier_result_that_another_program_has_open_stays_and_the_cure_is_said(tmp_path, monkeypatch):
    out = tmp_path / "out"
    with writing(out) as part:
        (part / folders.MARK).write_text('{"otosome": "0"}', encoding="utf-8")

    def locked(self, target):
        raise PermissionError(13, "Permission denied")

    def replace():
        with writing(out, force=True) as part:
            monkeypatch.setattr(Path, "rename", locked)
            (part / "new").write_text("1", encoding="utf-8")

    with pytest.raises(BadInput, match=r"cannot be replaced.*close what has its files open"):
        replace()
    assert [file.name for file in out.iterdir()] == [folders.MARK]


def test_files_on_two_drives_are_refused_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("x", encoding="utf-8")

    def two_drives(paths):
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", two_drives)
    with pytest.raises(BadInput, match=r"different drives.*import each drive alone"):
        files_in([tmp_path / "a.csv"])


def test_files_end_their_lines_the_same_on_every_system(tmp_path):
    """No text is written through a translation of line ends, which Windows would make of it."""
    source = Path(folders.__file__).parents[1]
    written = [
        f"{file.relative_to(source)}: {line.strip()}"
        for file in sorted(source.rglob("*.py"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if ("write_text(" in line or '.open("x"' in line)
        and "newline=" not in line
        and line.rstrip().endswith(")")
    ]
    assert written == []
    opened = [
        f"{file.relative_to(source)}: {line.strip()}"
        for file in sorted(source.rglob("*.py"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if "read_text(" in line and "encoding=" not in line
    ]
    assert opened == []
