"""The house: imports go one way only, and nothing heavy is imported before it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import otosome

ROOT = Path(otosome.__file__).parent
# A rung is a row of groups, a group some modules by the beginning of their names. Imports go to rungs further up in
# this list, or stay inside the group; each entry of a shelf is a group of its own.
ORDER = [
    ["units", "errors"],
    ["files", "model.team"],
    ["answers.numbers answers.notebook"],
    ["model.lanes model.vectors model.fates", "model.equations", "trials.plan"],
    ["evidence", "fitting.joint"],
    ["ears"],
    ["model.transport", "laboratory.file laboratory.tables laboratory.voltage"],
    ["roles"],
    ["cards"],
    [
        *(
            "model.injury",
            "model.hearing",
            "model.speech",
            "model.recovery",
            "model.tonotopy",
            "model.kinetics",
        ),
        *("model.adverse_events", "model.counts", "model.grades", "model.levels"),
        "laboratory.assays laboratory.bounds laboratory.columns laboratory.levels laboratory.trees"
        " laboratory.audiometry laboratory.plates laboratory.workbook laboratory.mapping laboratory.matlab"
        " laboratory.marks"
        " laboratory.records laboratory.recording laboratory.zarr",
        "lots.batch lots.belief lots.checklist lots.count lots.counted lots.curve lots.history lots.plate"
        " lots.potency lots.process lots.release lots.sizes",
        "trials.adaptation trials.animals trials.boundaries trials.escalating trials.escalation trials.frequencies"
        " trials.choice trials.following trials.kinds trials.operating trials.power trials.search trials.shapes",
    ],
    ["shelves"],
    ["catalog"],
    [
        "laboratory.thresholds laboratory.series laboratory.traces",
        "laboratory.animals",
        "laboratory.groups laboratory.cohorts",
        "laboratory.naming",
    ],
    ["laboratory.reading"],
    ["laboratory.intake", "lots"],
    ["study"],
    ["laboratory.draft laboratory.drug_draft"],
    ["forward"],
    [
        "answers.accuracy answers.answer answers.band answers.contrast answers.description answers.dose"
        " answers.equations answers.exposure answers.grades answers.headline answers.late answers.prior answers.scores"
        " answers.sensitivity answers.sources answers.preview answers.stored answers.therapies answers.window",
    ],
    ["fitting"],
    ["review.standing", "lots.stakes"],
    [
        "review.experiments review.pooling review.question review.synthesis review.tables review.priors"
        " review.forecasts review.ingest review.coverage"
    ],
    ["trials"],
    ["review.qualification"],
    ["review.calibration"],
    ["review.claims"],
    ["shelves.claims", "shelves.cases"],
    ["report"],
    ["results"],
    ["jobs"],
    ["page"],
    ["cli"],
    ["__main__"],
]
PLACE = {
    prefix: (rung, group) for rung, groups in enumerate(ORDER) for group in groups for prefix in group.split()
}
ROOMS = ("laboratory", "model", "trials", "answers", "review", "shelves")
HEAVY = ("xarray", "matplotlib", "pandas", "numba", "scipy", "pyarrow", "h5netcdf")


def place_of(module):
    """The rung and the group of a module, a tuple of names, by the longest beginning that is listed."""
    for length in range(len(module), 0, -1):
        prefix = ".".join(module[:length])
        if prefix in PLACE:
            rung, group = PLACE[prefix]
            return rung, module if prefix.startswith("shelves") else group
    return None


def imports_of(file):
    """Every otosome module a file imports, wherever the import stands, as a tuple of names."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports in full"
            # A name may be a module of the package it comes from.
            imported = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (tuple(name.split(".")[1:]) for name in imported if name.startswith("otosome."))


def module_of(file):
    """A file's module as a tuple of names, without ``otosome``."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def wrong_imports(file):
    own = place_of(module_of(file))
    for name in imports_of(file):
        # A package's own facts, such as its version, stand below everything.
        if name[0].startswith("__"):
            continue
        rung, group = place_of(name)
        if group[: len(own[1])] != own[1] if own[0] == rung else rung > own[0]:
            yield ".".join(name)


MODULES = sorted(file for file in ROOT.rglob("*.py") if file != ROOT / "__init__.py")


@pytest.mark.parametrize("file", MODULES, ids=[str(file.relative_to(ROOT)) for file in MODULES])
def test_imports_go_leftwards_only(file):
    assert list(wrong_imports(file)) == []


def test_every_module_has_its_rung():
    rooms = {(name,) for name in ROOMS}
    assert [
        module for module in map(module_of, MODULES) if module not in rooms and place_of(module) is None
    ] == []


def test_a_room_of_several_rungs_imports_nothing_itself():
    assert [list(imports_of(ROOT / room / "__init__.py")) for room in ROOMS[:-1]] == [[], [], [], [], []]


def test_an_import_to_the_right_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    (tmp_path / "shelves" / "insults").mkdir(parents=True)
    file = tmp_path / "shelves" / "insults" / "cisplatin.py"
    file.write_text("def f():\n    from otosome.forward import draw\n", encoding="utf-8")
    assert list(wrong_imports(file)) == ["forward.draw"]
    file.write_text(
        "from otosome.shelves.insults.noise import Noise\nfrom otosome.units import Array\n", encoding="utf-8"
    )
    assert list(wrong_imports(file)) == ["shelves.insults.noise.Noise"]
    (tmp_path / "model").mkdir()
    stage = tmp_path / "model" / "hearing.py"
    stage.write_text(
        "from otosome import roles\nfrom otosome.model import injury\nfrom otosome import __version__\n",
        encoding="utf-8",
    )
    assert list(wrong_imports(stage)) == ["model.injury"]


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


RUN = """
from otosome.catalog import Catalog
from otosome.forward import observe, simulate
from otosome.report.claims import claims
from otosome.review.priors.rows import drawn
from otosome.study import load

study = load("compare_moderate_loss")
ears, study = drawn(study, "as_printed", 2, 1, 1)
observe(study, simulate(study, ears, 1), ears)
claims("")
"""


def test_a_run_loads_no_distributions_or_optimisers_which_take_half_a_second():
    assert imported_by(RUN).isdisjoint({"scipy.stats", "scipy.optimize"})


def test_the_public_names_are_verbs_even_once_the_files_of_the_same_name_are_loaded():
    assert {"load", "draw", "simulate", "observe", "contrast", "sources"} <= set(otosome.__all__)
    assert all(callable(getattr(otosome, name)) for name in otosome.__all__)
    assert set(otosome.__all__) <= set(dir(otosome))


def test_a_name_the_package_lacks_is_said_to_be_missing():
    with pytest.raises(AttributeError, match="no attribute 'cure'"):
        _ = otosome.cure
