"""The wheel as a stranger gets it: in a fresh environment, in a folder with spaces and umlauts, it runs a study."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUDY = ROOT / "tests" / "studies" / "valid" / "no_insult_no_treatment.toml"
# Seconds that a first run may take beside a second one, which has the compiled kernels.
COLD = 60.0


def built(kind, folder):
    """What hatchling makes of the sources."""
    make = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    subprocess.run(make, cwd=ROOT, check=True, capture_output=True, timeout=300)
    (file,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return file


def test_the_sources_build_the_same_package_as_the_wheel(tmp_path):
    """Every file of the package is in both."""
    wheel, sources = built("wheel", tmp_path / "wheel"), built("sdist", tmp_path / "sources")
    in_wheel = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("otosome/")}
    with tarfile.open(sources) as archive:
        paths = [Path(name).parts[1:] for name in archive.getnames()]
    in_sources = {"/".join(parts[1:]) for parts in paths if parts[:1] == ("src",)}
    assert len(in_wheel) > 300 and in_wheel <= in_sources
    assert ("examples", "tutorials", "make.py") in paths and ("docs", "index.md") in paths


@pytest.mark.slow
def test_the_wheel_runs_from_a_fresh_environment_in_a_folder_with_spaces_and_umlauts(tmp_path):
    home = tmp_path / "Ein Ördner mit Größe"
    home.mkdir()
    venv.create(home / "otosome env", with_pip=True)
    scripts = home / "otosome env" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    clean["NUMBA_CACHE_DIR"] = str(home / "kernels für alle")

    def call(*words):
        began, cpu = time.monotonic(), os.times()
        done = subprocess.run(
            list(map(str, words)),
            cwd=home,
            env=clean,
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        after = os.times()
        return time.monotonic() - began, sum(after[2:4]) - sum(cpu[2:4]), done.stdout

    wheel = built("wheel", home / "wheel")
    call(python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", wheel)
    for words in ((scripts / "otosome", "--version"), (python, "-m", "otosome", "--version")):
        assert call(*words)[2].startswith("otosome ")
    run = (scripts / "otosome", "run", STUDY, "--subjects", 2, "--out", "ein Ergebnis", "--force")
    cold, warm = (call(*run)[1] for _ in range(2))
    assert (home / "ein Ergebnis" / "report.html").is_file()
    print(f"first run {cold:.0f} s of the processor, second {warm:.0f} s")
    # Of the processor, so that a busy machine does not count; os.times has no children's on Windows.
    assert cold - warm < COLD
    assert str(ROOT) not in call(python, "-c", "import otosome; print(otosome.__file__)")[2]
