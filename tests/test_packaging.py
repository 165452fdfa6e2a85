"""What a person installs holds everything, and runs from any folder; the locks are complete and name no address."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import otosome

ROOT = Path(__file__).parent.parent
PACKAGE = Path(otosome.__file__).parent
LOCKS = [ROOT / f"requirements{kind}.lock" for kind in ("", "-dev", "-docs")]


def built(folder):
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("wheel"))


def test_a_wheel_built_again_is_the_same_to_the_byte(wheel, tmp_path):
    assert built(tmp_path).read_bytes() == wheel.read_bytes()


def test_a_wheel_carries_every_shelf_study_and_template(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    ours = [file.relative_to(PACKAGE.parent).as_posix() for file in PACKAGE.rglob("*") if file.is_file()]
    assert {name for name in ours if "__pycache__" not in name} <= held
    assert not [name for name in held if not name.startswith("otosome")]


def test_an_installed_wheel_speaks_from_a_folder_with_spaces_and_umlauts(wheel, tmp_path):
    site, here = tmp_path / "sité päckages", tmp_path / "ein leerer Ördner"
    here.mkdir()
    zipfile.ZipFile(wheel).extractall(site)
    program = "import sys; sys.argv = ['otosome', 'list', 'studies']; from otosome.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "cisplatin_guinea_pig" in done.stdout


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_by_hash_and_names_no_address(lock):
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    packages = re.split(r"\n(?=[a-z])", text.split("make lock\n")[1])
    assert all(re.match(r"[a-z0-9-]+==[^ ]+ ", package) for package in packages)
    assert all("--hash=sha256:" in package for package in packages)


def test_the_locks_agree_and_hold_what_the_project_asks_for():
    pins = [
        set(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))
        for lock in LOCKS
    ]
    assert pins[0] < pins[1] and pins[0] < pins[2]
    versions = [dict(lock) for lock in pins]
    shared = versions[1].keys() & versions[2].keys()
    assert {name: versions[1][name] for name in shared} == {name: versions[2][name] for name in shared}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["build"], *extras["page"]]
    assert {re.split(r"[><=]", name)[0] for name in wanted} <= {name for name, _ in pins[0]}
    for extra, lock in (("dev", pins[1]), ("docs", pins[2])):
        assert {re.split(r"[><=]", name)[0] for name in extras[extra]} <= {name for name, _ in lock}
