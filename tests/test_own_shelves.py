"""A second folder of shelves: a new insult, mechanism, route and species run, and nothing that is there is edited."""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from typer.testing import CliRunner

import otosome
from otosome.answers.sources import sources
from otosome.catalog import SHIPPED, Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.forward import draw, observe, simulate
from otosome.study import load, loads
from shelves import test_laws as laws

ROOT = Path(__file__).parents[1]
ASSUMED = {"basis": "assumed", "because": "Made up for the test."}

PRESSURE = '''
"""Pressure: a blast wave that injures the base while it lasts."""

from dataclasses import dataclass

import numpy as np

from otosome.roles import Ear, Exposure
from otosome.units import Array, Fraction, PerHour


@dataclass(frozen=True)
class PressureWave:
    """Direct injury of outer hair cells at the base."""

    ohc: PerHour
    reach: Fraction
    needs: tuple[str, ...] = ()

    def hazards(self, ear: Ear, exposure: Exposure) -> dict[str, Array]:
        """1/h, shape (subject, time, place)."""
        return {"ohc": self.ohc * self._where(ear) * self._when(exposure)}

    def stress(self, ear: Ear, exposure: Exposure) -> Array:
        """1/h, shape (subject, time, place)."""
        return 0.3 * self.ohc * self._where(ear) * self._when(exposure)

    def _where(self, ear: Ear) -> Array:
        return np.exp(-ear.place[None, None, :] / self.reach)

    def _when(self, exposure: Exposure) -> Array:
        total = np.zeros((1, exposure.knots.size, 1))
        for start in exposure.use.start:
            since = exposure.knots - start
            since[np.searchsorted(exposure.knots, start)] = -1.0
            total = total + np.where(since < 0, 0.0, np.exp(-np.abs(since)))[None, :, None]
        return total
'''


def number(value, low=None, high=None, meaning="made up", **more):
    ends = {} if low is None else {"low": low, "high": high}
    return {"meaning": meaning, "value": value, **ends, **ASSUMED, **more}


ENTRIES = {
    "insults/pressure_wave": {
        "about": "A blast wave.",
        "needs": [],
        "ohc": number("6 1/h", "3 1/h", "9 1/h", subjects="20 %"),
        "reach": number("0.3"),
    },
    "mechanisms/scavenger": {
        "about": "Vesicles bring an enzyme that takes radicals away.",
        "gates": False,
        "acts": {"prevent": ["ohc"], "clear": ["stress"], "repair": ["ohc"]},
        "ec50": number("1e-3 particles/uL", "1e-4 particles/uL", "1e-2 particles/uL", source="own_notebook"),
        "onset": number("2 h"),
        "offset": number("200 h"),
        "prevent": number("0.9", "0.5", "1", shape="uniform"),
        "clear": number("0.5"),
        "repair": number("0.5"),
    },
    "routes/gel": {
        "about": "A gel in the niche that lets go of what it holds.",
        "into": "middle_ear",
        "bioavailability": number("0.9", "0.5", "1", shape="uniform"),
        "absorption": number("0.1 1/h", "0.05 1/h", "0.2 1/h"),
    },
    "recoveries/rest": {
        "about": "Half of it comes back with rest.",
        "share": number("0.5", "0.3", "0.7", shape="normal"),
        "turning": number("80 dB HL"),
        "fall": number("1"),
        "own": number("0 dB", "-5 dB", "5 dB", shape="normal"),
        "pace": number("5 d"),
    },
    "adverse_events/boredom": {
        "about": "A patient who is bored by a gel.",
        "of": ["gel"],
        "per": "procedure",
        "risk": number("10 %", "5 %", "20 %"),
        "weight": number("0.1"),
    },
}
BASELINE = {"frequency": [1, 8, 32], "threshold": [20, 10, 25], **ASSUMED}

QUESTION = """
otosome = "study/1"
species = "chinchilla"
until = "5 d"

[insult.blast]
entry = "pressure_wave"
at = ["0 h"]

[treatment.ev]
batch = "example_lot"
route = "gel"
volume = "10 uL"
at = ["-24 h"]

[recovery]
entry = "rest"

[[arm]]
name = "blast"
insults = ["blast"]

[[arm]]
name = "blast + vesicles"
insults = ["blast"]
treatments = ["ev"]

[[arm]]
name = "blast + vesicles without scavenger"
insults = ["blast"]
treatments = ["ev"]
without = ["scavenger"]

[measure.abr]
endpoint = "abr_threshold"
frequency = ["8 kHz", "16 kHz"]
at = ["5 d"]

[measure.ohc]
endpoint = "cell_count"
cell = "OHC"
frequency = ["8 kHz", "16 kHz"]
at = ["5 d"]

[compare]
measure = "ohc"
of = "blast + vesicles"
against = "blast"
"""


def shelve(folder, entries):
    for place, values in entries.items():
        file = folder / f"{place}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(tomli_w.dumps(values), encoding="utf-8")


def chinchilla():
    """A species made from a shipped one: another length, another place map, and a baseline of its own."""
    values = tomllib.loads((SHIPPED / "species" / "guinea_pig.toml").read_text(encoding="utf-8"))
    values["about"] = "The chinchilla's inner ear, for a test."
    values["name"] = "chinchilla"
    values["scala_tympani_length"] |= {"value": "18.4 mm", "low": "17 mm", "high": "20 mm"}
    values["map"] = "chinchilla_epl"
    values["profile"]["baseline"] = BASELINE
    values["profile"]["healthy"] = {"frequency": [1, 32], "level": [15, 15], **ASSUMED}
    return values


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("my shelves ö")
    shelve(folder, ENTRIES | {"species/chinchilla": chinchilla()})
    (folder / "insults" / "pressure_wave.py").write_text(PRESSURE, encoding="utf-8")
    shelve(folder, {"sources/own_notebook": {"title": "My notebook", "link": "page 3"}})
    (folder / "question.toml").write_text(QUESTION, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def study(own):
    return load(own / "question.toml", shelves=(own,))


@pytest.fixture(scope="module")
def result(study):
    return simulate(study, draw(study, 3, seed=2), workers=1)


def shipped():
    """Every file of the package with its contents."""
    files = (
        f for f in Path(otosome.__file__).parent.rglob("*") if f.is_file() and "__pycache__" not in f.parts
    )
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_study_runs_on_an_insult_a_mechanism_a_route_and_a_species_of_ones_own(own):
    before = shipped()
    study = load(own / "question.toml", shelves=(own,))
    table = draw(study, 2, seed=1)
    result = simulate(study, table, workers=1)
    assert shipped() == before
    assert all(np.all(np.isfinite(result[name])) for name in result.data_vars)
    assert len(observe(study, result, table)) == 2 * 3 * (2 + 2)


def test_the_new_insult_harms_the_base_and_the_new_mechanism_spares_it(result):
    cells = result.cells.sel(cell="OHC")
    blast, saved, without = (cells.sel(arm=arm).to_numpy() for arm in result.arm.to_numpy())
    assert np.all(blast[:, 0] < 0.9) and np.all(blast[:, -1] > blast[:, 0])
    # The gel empties for days into an ear whose vesicles reach hair cells at the base first.
    assert np.all(saved[:, 0] > blast[:, 0])
    assert np.all(without[:, 0] < saved[:, 0])


def test_the_new_route_and_the_new_species_decide_where_vesicles_go(own):
    peaks = []
    for old, new in [("gel", "gel"), ("gel", "round_window"), ("chinchilla", "guinea_pig")]:
        changed = loads(QUESTION.replace(f'"{old}"', f'"{new}"'), shelves=(own,))
        one = simulate(changed, draw(changed, 1, seed=1), workers=1)
        peaks.append(float(one.vesicles.sel(arm="blast + vesicles").max()))
    assert len(set(peaks)) == 3
    assert min(peaks) > 0


def test_the_new_species_brings_its_own_healthy_thresholds(own):
    pinned = {"value": "0 dB", "subjects": 0.0, **ASSUMED}
    text = QUESTION.replace('insults = ["blast"]', "") + '[numbers."endpoints.abr_threshold.offset"]\n'
    healthy = loads(text + tomli_w.dumps(pinned), shelves=(own,))
    abr = simulate(healthy, draw(healthy, 1, seed=1), workers=1).abr.sel(arm="blast").to_numpy()
    assert np.allclose(abr.ravel(), np.interp(np.log([8, 16]), np.log([1, 8, 32]), [20, 10, 25]))


CURVE = r"chinchilla has no curve baseline for abr_threshold.*add \[profile.baseline\] to species/chinchilla"
NUMBER = r"axial_flow\.chinchilla: chinchilla has no value for chinchilla\.axial_flow.*allowed: mouse"
NOTHING = r"chinchilla has no value for axial_flow; add it"
SCALA = r"chinchilla has no value for profile\.scala_tympani; add it"


@pytest.mark.parametrize(
    "key, left, said",
    [
        ("profile.baseline", None, CURVE),
        ("axial_flow", {"meaning": "flow", "mouse": {"value": "0.1 uL/h", **ASSUMED}}, NUMBER),
        ("axial_flow", None, NOTHING),
        ("profile.scala_tympani", None, SCALA),
    ],
    ids=["no healthy thresholds", "of another species only", "no number", "no cross-section"],
)
def test_a_species_that_lacks_a_number_or_a_curve_says_which(tmp_path, key, left, said):
    values = chinchilla()
    table = values["profile"] if key.startswith("profile.") else values
    table[key.removeprefix("profile.")] = left
    shelve(tmp_path, {"species/chinchilla": without_nothing(values)})
    text = QUESTION.replace("pressure_wave", "implantation").replace("scavenger", "hsp70")
    text = text.replace('"rest"', '"chronic"')
    with pytest.raises(BadInput, match=said):
        loads(text.replace('"gel"', '"round_window"'), shelves=(tmp_path,))


def without_nothing(values):
    """The same tables without the keys that hold None."""
    return {
        key: without_nothing(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("        return 1 / 0 + (", "raised ZeroDivisionError: division by zero"),
        (
            "        return self.reech + (",
            "raised AttributeError: 'PressureWave' object has no attribute 'reech'",
        ),
        ("        return = (", "is not Python: invalid syntax"),
    ],
    ids=["a division by zero", "a slip of the pen", "not Python"],
)
def test_an_error_in_a_formula_of_ones_own_is_told_with_its_file_and_line(tmp_path, own, wrong, said):
    mine = tmp_path / "mine"
    shutil.copytree(own, mine)
    code = mine / "insults" / "pressure_wave.py"
    right = "        return np.exp("
    line = code.read_text(encoding="utf-8").split(right)[0].count("\n") + 1
    code.write_text(code.read_text(encoding="utf-8").replace(right, f"{wrong}"), encoding="utf-8")
    asked = ["run", mine / "question.toml", "--shelves", mine, "--subjects", 1, "--out", tmp_path / "out"]
    done = CliRunner().invoke(app, [*map(str, asked), "--json"])
    assert done.exit_code == 2, done.output
    error = json.loads(done.stdout)["error"]
    assert error["message"].startswith(said)
    assert (error["file"], error["key"]) == (str(code), f"line {line}")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_every_number_of_ones_own_is_among_the_sources(study):
    rows = {row.parameter: row for row in sources(study)}
    for place, values in ENTRIES.items():
        for key, value in values.items():
            if isinstance(value, dict) and "value" in value:
                assert f"{place.replace('/', '.')}.{key}" in rows
    assert rows["mechanisms.scavenger.ec50"].title == "My notebook"


def test_the_laws_of_the_shelves_hold_for_entries_of_ones_own(own):
    assert laws.broken(Catalog((own,))) == []


LEAK = '''
"""Leak: a route that does not say where the rest goes."""

from dataclasses import dataclass

from otosome.model.transport import Anatomy, Dose, Flow
from otosome.units import Fraction


@dataclass(frozen=True)
class Leak:
    """Half of a dose."""

    bioavailability: Fraction

    def deliver(self, dose: Dose, anatomy: Anatomy) -> list[Flow]:
        """One flow."""
        share = self.bioavailability.ravel()
        return [Flow("middle_ear", dose.start, dose.stop, dose.amount * share, dose.volume)]
'''

SLOPPY = '''
"""Sloppy: hair cells read with twice the error that its likelihood believes in."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm

from otosome.roles import Reading
from otosome.units import Plain


@dataclass(frozen=True)
class Sloppy:
    """A count of no good."""

    error: Plain

    def value(self, ear, cells, frequency):
        """At every frequency the same."""
        return cells.counted("ohc").mean(axis=2, keepdims=True) * np.ones(len(frequency))

    def read(self, value, uniform):
        """Twice the error."""
        found = value + 2.0 * self.error * ndtri(uniform)
        return Reading(found, np.zeros_like(found))

    def log_likelihood(self, reading, value):
        """Once."""
        return norm.logpdf(reading.value, value, self.error)
'''

PLACEBO = '''
"""Placebo: a mechanism that helps whoever believes in it."""

from dataclasses import dataclass

from otosome.model.injury import Mechanism


@dataclass(frozen=True)
class Placebo(Mechanism):
    """It needs no vesicles."""

    def signal(self, contact, cargo):
        """Never nothing."""
        return 0.01 + 0.99 * super().signal(contact, cargo)
'''


HUM = '''
"""Hum: an electrode that is heard before it is put in."""

from dataclasses import dataclass

import numpy as np

from otosome.units import Fraction


@dataclass(frozen=True)
class Hum:
    """Half of all words, always."""

    share: Fraction

    def gain(self, level, frequency):
        """None."""
        return np.zeros_like(level)

    def electric(self, ear, cells, since):
        """At any time."""
        return self.share[:, :, 0] * np.ones(since.size)

    def flows(self, dose, anatomy):
        """None."""
        return []
'''


def test_the_laws_see_entries_that_break_their_promise(tmp_path):
    always = PRESSURE.replace("total = np.zeros(", "total = 1e-9 * np.ones(")
    leak = {"about": "Half of it is gone.", "bioavailability": number("0.5")}
    sloppy = {"about": "A count.", "label": "cells", "unit": "", "better": "higher", "error": number("0.05")}
    entries = {
        "insults/pressure_wave": (ENTRIES["insults/pressure_wave"], always),
        "routes/leak": (leak, LEAK),
        "endpoints/sloppy": (sloppy, SLOPPY),
        "mechanisms/placebo": (ENTRIES["mechanisms/scavenger"], PLACEBO),
        "devices/hum": ({"about": "A hum.", "share": number("0.5")}, HUM),
    }
    for place, (values, code) in entries.items():
        shelve(tmp_path, {place: values})
        (tmp_path / f"{place}.py").write_text(code, encoding="utf-8")
    found = "\n".join(laws.broken(Catalog((tmp_path,))))
    assert "test_no_exposure_no_hazard_and_no_stress(guinea_pig, pressure_wave)" in found
    assert "test_what_a_route_delivers_is_what_was_given(guinea_pig, leak)" in found
    assert "test_readings_come_as_often_as_their_likelihood_says(guinea_pig, sloppy)" in found
    assert "test_no_vesicles_and_no_potency_change_nothing_bit_for_bit(guinea_pig, placebo)" in found
    assert "test_a_device_does_nothing_before_it_is_there(hum)" in found


@pytest.mark.parametrize(
    "line",
    ['shelves = ["{own}"]', '[shelves]\nown = "{own}"', '[insult.blast]\nshelves = "{own}"\nentry = "noise"'],
)
def test_a_study_file_cannot_name_a_folder_of_shelves(own, line):
    named = line.replace("{own}", own.as_posix())
    text = QUESTION.replace('species = "chinchilla"', f'species = "guinea_pig"\n{named}', 1)
    if "[insult.blast]" in line:
        text = QUESTION.replace('[insult.blast]\nentry = "pressure_wave"', named)
    with pytest.raises(BadInput, match="is not a key here"):
        loads(text)


def test_without_its_folder_an_entry_of_ones_own_is_not_known(own):
    with pytest.raises(BadInput, match=r"species: .*given: chinchilla; allowed: .*guinea_pig.*mouse"):
        load(own / "question.toml")
    for name in (f"../../{own.name}/insults/pressure_wave", (own / "insults" / "pressure_wave").as_posix()):
        text = QUESTION.replace('"pressure_wave"', json.dumps(name)).replace("chinchilla", "mouse")
        text = text.replace("scavenger", "hsp70").replace('"gel"', '"round_window"')
        with pytest.raises(BadInput, match=r"insult\.blast\.entry: is not known here"):
            loads(text)


def test_the_explicit_form_of_a_study_runs_again_with_the_same_folder(own, study, result, tmp_path):
    file = tmp_path / "again.toml"
    file.write_text(result.attrs["study"], encoding="utf-8")
    again = load(file, shelves=(own,))
    repeated = simulate(again, draw(again, 3, seed=2), workers=1)
    for name in result.data_vars:
        assert repeated[name].to_numpy().tobytes() == result[name].to_numpy().tobytes(), name


OLD_LAYOUT = [
    ("mechanisms", "from otosome.injury import Mechanism", "from otosome.model.injury import Mechanism"),
    (
        "routes",
        "from otosome.transport import Dose, Flow",
        "from otosome.model.transport.delivery import Dose",
    ),
    ("routes", "from otosome import transport", "from otosome.model import transport"),
    ("routes", "import otosome.transport as carried", "import otosome.model.transport"),
    ("instruments", "from otosome.export import Export", "from otosome.laboratory.file import Export"),
    ("instruments", "from otosome.evidence import read_toml", "from otosome.cards import read_toml"),
    ("maps", "from otosome.tonotopy import Greenwood", "from otosome.model.tonotopy import Greenwood"),
    ("insults", "from otosome.gone import entirely", "docs/architecture.md says where otosome keeps"),
]


@pytest.mark.parametrize(("shelf", "line", "cure"), OLD_LAYOUT, ids=[line for _, line, _ in OLD_LAYOUT])
def test_a_formula_written_for_an_older_layout_is_refused_with_the_import_it_needs(
    tmp_path, shelf, line, cure
):
    (tmp_path / shelf).mkdir()
    (tmp_path / shelf / "mine.toml").write_text('about = "Mine."\n', encoding="utf-8")
    code = tmp_path / shelf / "mine.py"
    code.write_text(f'"""Mine."""\n\n{line}\n', encoding="utf-8")
    done = CliRunner().invoke(app, ["list", shelf, "--shelves", str(tmp_path), "--json"])
    assert done.exit_code == 2, done.output
    error = json.loads(done.stdout)["error"]
    assert (error["file"], error["key"]) == (str(code), "line 3")
    assert cure in error["cure"]


def test_a_formula_that_needs_a_package_that_is_not_installed_says_which(tmp_path):
    (tmp_path / "insults").mkdir()
    (tmp_path / "insults" / "mine.toml").write_text('about = "Mine."\n', encoding="utf-8")
    (tmp_path / "insults" / "mine.py").write_text("import no_such_package\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"mine\.py: cannot import.*no_such_package"):
        Catalog((tmp_path,)).get("insults", "mine")
