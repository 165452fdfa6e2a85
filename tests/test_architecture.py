"""The house: imports go one way only, and nothing heavy is imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import otosome
from otosome.catalog import SHELVES

ROOT = Path(otosome.__file__).parent
# Leftwards only. Stage modules share a rung and so never import each other; so do the entries of all shelves.
ORDER = [
    {"units"}, {"lanes"}, {"evidence"}, {"roles"},
    {
        "quality", "transport", "injury", "hearing", "speech", "recovery", "harming", "tonotopy", "grades", "levels",
        "export",
    },
    set(SHELVES),
    {"catalog"}, {"thresholds", "animals"}, {"readings"}, {"intake", "assess"}, {"scenario"}, {"draft"}, {"forward"},
    {"weigh", "benchmark"}, {"therapies"}, {"standing", "stakes"}, {"qualification"}, {"claimed"}, {"report"},
    {"results"}, {"cli"},
]  # fmt: skip
RUNG = {name: rung for rung, names in enumerate(ORDER) for name in names}
HEAVY = ("xarray", "matplotlib", "pandas", "numba", "scipy", "pyarrow", "h5netcdf")


def module_of(file):
    """The top module a file belongs to, and the part that may import itself: a package, or one entry."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[0], parts[:2] if parts[0] in SHELVES else parts[:1]


def imports_of(file):
    """Every otosome module a file imports, wherever the import stands, as a tuple of names."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            found = (
                [f"otosome.{a.name}" for a in node.names] if node.module == "otosome" else [str(node.module)]
            )
        else:
            continue
        yield from (tuple(name.split(".")[1:]) for name in found if name.startswith("otosome."))


def wrong_imports(file):
    own, itself = module_of(file)
    for name in imports_of(file):
        inside = name[: len(itself)] == itself
        # A package's own facts, such as its version, stand below everything.
        if not inside and not name[0].startswith("__") and RUNG[name[0]] >= RUNG[own]:
            yield ".".join(name)


MODULES = sorted(file for file in ROOT.rglob("*.py") if file != ROOT / "__init__.py")


@pytest.mark.parametrize("file", MODULES, ids=[str(file.relative_to(ROOT)) for file in MODULES])
def test_imports_go_leftwards_only(file):
    assert list(wrong_imports(file)) == []


def test_every_module_has_its_rung():
    folders = {file.relative_to(ROOT).parts[0].removesuffix(".py") for file in MODULES}
    assert folders <= set(RUNG)


def test_an_import_to_the_right_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "insults").mkdir()
    file = tmp_path / "insults" / "cisplatin.py"
    file.write_text("def f():\n    from otosome.forward import draw\n", encoding="utf-8")
    assert list(wrong_imports(file)) == ["forward"]
    file.write_text(
        "from otosome.insults.noise import Noise\nfrom otosome.units import Array\n", encoding="utf-8"
    )
    assert list(wrong_imports(file)) == ["insults.noise"]
    stage = tmp_path / "hearing.py"
    stage.write_text("from otosome import injury, roles\nfrom otosome import __version__\n", encoding="utf-8")
    assert list(wrong_imports(stage)) == ["injury"]


def imported_by(program):
    """The modules another Python has loaded after running a program."""
    after = f"{program}\nimport sys\nprint('loaded', *sorted(sys.modules), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", after], capture_output=True, text=True, check=True, timeout=120
    )
    return set(done.stdout.split("loaded\n", 1)[1].splitlines())


HELP = """
import sys
sys.argv = ["otosome", "--help"]
from otosome.cli import main
try:
    main()
except SystemExit as done:
    assert done.code == 0
"""


@pytest.mark.parametrize("program", ["import otosome", HELP], ids=["import", "help"])
def test_nothing_heavy_is_imported_before_it_is_needed(program):
    assert imported_by(program).isdisjoint(HEAVY)


def test_the_public_names_are_verbs_even_once_the_files_of_the_same_name_are_loaded():
    assert {"load", "draw", "simulate", "observe", "compare", "sources"} <= set(otosome.__all__)
    assert all(callable(getattr(otosome, name)) for name in otosome.__all__)
    assert set(otosome.__all__) <= set(dir(otosome))


def test_a_name_the_package_lacks_is_said_to_be_missing():
    with pytest.raises(AttributeError, match="no attribute 'cure'"):
        _ = otosome.cure
