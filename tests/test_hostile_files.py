"""What a person names that is no plain file: pipes and devices never hang a verb, folders never vanish."""

from __future__ import annotations

import hashlib
import os
import re

import numpy as np
import pytest
import typer.testing

from otosome.cli import app
from otosome.errors import BadInput
from otosome.files import content, sha256
from otosome.laboratory import intake
from otosome.laboratory.file import Export
from otosome.laboratory.tables import waveforms

POSIX = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX systems only")


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@POSIX
@pytest.mark.parametrize(
    "words",
    [
        ["run", "PIPE"],
        ["run", "noise_mouse", "--batch", "PIPE"],
        ["run", "cisplatin_human", "--audiogram", "PIPE"],
        ["run", "noise_mouse", "--against", "PIPE"],
        ["sources", "PIPE"],
        ["compare", "PIPE"],
        ["quality", "PIPE"],
        ["trial", "PIPE"],
        ["fit", "PIPE"],
        ["new", "fit", "--from", "PIPE"],
        ["new", "animals", "PIPE"],
        ["new", "batch", "PIPE"],
        ["import", "PIPE"],
        ["show", "PIPE"],
        ["check", "PIPE"],
    ],
    ids=" ".join,
)
def test_a_pipe_is_refused_by_every_verb_and_never_waited_for(words, pipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = typer.testing.CliRunner().invoke(app, [str(pipe) if word == "PIPE" else word for word in words])
    assert answer.exit_code == 2, answer.output
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.suffix != ".lock"]


@POSIX
def test_a_pipe_and_a_device_are_named_as_what_they_are(pipe):
    for place in (pipe, type(pipe)("/dev/zero")):
        with pytest.raises(BadInput, match="is a pipe or a device"):
            content(place, 10)
        with pytest.raises(BadInput, match="is a pipe or a device"):
            sha256(place)


def test_a_file_is_read_up_to_its_limit_and_no_further(tmp_path):
    file = tmp_path / "ten"
    file.write_bytes(b"0123456789")
    assert content(file, 10) == b"0123456789"
    with pytest.raises(BadInput, match="more than 9 bytes"):
        content(file, 9)
    with pytest.raises(BadInput, match=f"^{re.escape(str(tmp_path / 'absent'))}: cannot be read"):
        content(tmp_path / "absent", 9)
    with pytest.raises(BadInput, match=r"^a name: cannot be read"):
        content(tmp_path / "absent", 9, name="a name")


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path):
    file = tmp_path / "long"
    file.write_bytes(bytes(range(256)) * 9000)
    assert sha256(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_folder_that_cannot_be_opened_is_listed_as_refused(tmp_path, monkeypatch):
    """Whoever runs the tests may be root, whom no mode keeps out: the system's own refusal is put in its place."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "shut").mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    named, refused = intake.files_in([tmp_path])
    assert [name for name, _ in named] == ["open/a.csv"]
    assert [(line.file, line.place) for line in refused] == [("shut", "folder")]
    assert "Permission denied" in refused[0].reason


@POSIX
def test_a_name_that_is_no_text_is_refused_before_anything_is_computed(tmp_path):
    file = tmp_path / os.fsdecode(b"st\xff.toml")
    try:
        file.write_text("otosome = 1")
    except OSError:
        pytest.skip("this file system takes no raw names")
    answer = typer.testing.CliRunner().invoke(app, ["run", str(file)])
    assert answer.exit_code == 2
    assert "has a name that is not UTF-8" in answer.output


@pytest.mark.parametrize(("sample", "unit"), [(1e10, "uV"), (1e4, "V"), (1e200, "nV")])
def test_a_sample_that_no_amplifier_gives_is_refused_at_any_level(sample, unit):
    wave = np.sin(np.arange(50.0)) * {"uV": 1.0, "V": 1e-6, "nV": 1e3}[unit]
    soft = wave.copy()
    soft[3] = sample
    with pytest.raises(BadInput, match="samples"):
        waveforms(Export("a.txt", b""), [soft, wave], unit, level=np.array([20.0, 80.0]), part="")
