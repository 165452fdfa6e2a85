"""Contrast in the ears of two mice: a scanner's own units, one mouse fitted and the other's scalae foretold."""

from __future__ import annotations

import csv
import runpy
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from scipy.stats import norm
from typer.testing import CliRunner

from otosome.cli import app
from otosome.errors import BadInput
from otosome.fitting.file import load_fit
from otosome.fitting.foretelling import foretold, summary
from otosome.fitting.free import Free
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.mode import mode
from otosome.fitting.observations import matched
from otosome.fitting.score import group_logs
from otosome.forward import best, endpoint, evaluate, plan
from otosome.report.fit import _titles
from otosome.roles import Reading
from otosome.study import Study
from test_drug_fits import VALUES, rows

EXAMPLE = Path(__file__).parents[1] / "examples" / "contrast_ct"
REAL = Path(__file__).parents[2] / "shared" / "data" / "contrast_ct"
SCRIPT = runpy.run_path(str(EXAMPLE / "table.py"))
HOURS = np.arange(7) / 12.0
GAIN, OFFSET, ERROR, SHARE = (
    f"endpoints.contrast_signal.{key}" for key in ("gain", "offset", "error", "error_share")
)
EXCHANGE = "species.mouse.aqueduct_exchange"
# What is changed in the mice that are made up, each well inside what its shelf holds likely.
TRUE = {EXCHANGE: 0.4, GAIN: 3.0, "routes.aqueduct_m2.bioavailability": 1.4}
FREE = [*TRUE, OFFSET]


# ---------------------------------------------------------------- the endpoint


@pytest.fixture(scope="module")
def signals():
    """Dexamethasone in perilymph, assayed and imaged alike."""
    own = {"endpoint": "contrast_signal", "solute": "dexamethasone", "at": ["1 h", "2 h", "4 h", "8 h"]}
    return Study.of({**VALUES, "measure": {**VALUES["measure"], "image": own}})


def test_a_signal_is_an_offset_and_a_gain_times_the_concentration(signals):
    columns = {**best(signals), GAIN: np.array([0.02]), OFFSET: np.array([70.0])}
    values = evaluate(plan(signals), columns, [1.0, 2.0, 4.0, 8.0])
    assert values["ear"].max() > 100.0
    assert values["image"] == pytest.approx(70.0 + 0.02 * values["ear"], rel=1e-12)


def test_a_signal_is_as_likely_as_a_normal_error_that_grows_with_what_contrast_adds(signals):
    columns = {**best(signals), OFFSET: np.array([70.0]), ERROR: np.array([30.0]), SHARE: np.array([0.1])}
    bound = endpoint(signals, signals.tables.measure["image"], columns)
    value, true = np.array([-20.0, 480.0, 480.0]), np.array([70.0, 470.0, 470.0])
    spread = np.array([30.0, 50.0, 50.0])
    ends = np.array([0.0, 0.0, -1.0])
    own = bound.log_likelihood(Reading(value, ends), true)
    assert own[0, 0, :2] == pytest.approx(norm.logpdf(value, true, spread)[:2], rel=1e-12)
    assert own[0, 0, 2] == pytest.approx(norm.logcdf(480.0, 470.0, 50.0), rel=1e-12)
    above = bound.log_likelihood(Reading(value, np.ones(3)), true)
    assert above[0, 0] == pytest.approx(norm.logsf(value, true, spread), rel=1e-12)
    luck = np.array([0.1, 0.5, 0.9])
    assert bound.read(true, luck).value[0, 0] == pytest.approx(norm.ppf(luck, true, spread), rel=1e-12)


def test_a_signal_may_lie_below_zero_and_has_its_own_unit_alone(signals):
    (own,) = matched(signals, rows(quantity="image", unit="au", value=-40.0), "table").readings
    assert own.reading.value == pytest.approx([-40.0])
    with pytest.raises(BadInput, match="image is in 'uM', and the measure in 'au'"):
        matched(signals, rows(quantity="image", unit="uM", value=40.0), "table")


# ---------------------------------------------------------------- the authors' files


def authors_files(folder: Path, ears: dict[str, np.ndarray], regions: list[str]) -> None:
    """Files in the authors' form: regions, their deviations, the minute; every other with a first column of numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (ear, values) in enumerate(ears.items()):
        blank = [""] * (number % 2)
        with (folder / f"20210120_{ear}_parsed.csv").open("w", newline="") as text:
            sheet = csv.writer(text)
            sheet.writerow([*blank, *regions, *(f"{name} std" for name in regions), "time"])
            for minute, row in zip(5 * np.arange(7), values, strict=True):
                sheet.writerow([*(["0"] * len(blank)), *row, *([280.0] * len(regions)), minute])


def test_signals_are_read_by_region_mouse_ear_and_minute(tmp_path):
    regions = [*SCRIPT["REGIONS"], "SM1"]
    ears = {
        f"{mouse}_{side}": np.arange(7 * len(regions)).reshape(7, -1) + 0.5
        for mouse in ("m1", "m2")
        for side in "lr"
    }
    authors_files(tmp_path, {**ears, "m3_l": ears["m1_l"]}, regions)
    assert SCRIPT["write"](tmp_path, tmp_path / "readings.csv") == 4 * 7 * 13
    with (tmp_path / "readings.csv").open() as text:
        table = list(csv.DictReader(text))
    row = next(
        r
        for r in table
        if (r["subject"], r["ear"], r["quantity"], float(r["time"])) == ("m2", "right", "st3", 0.25)
    )
    # The fourth region in the fourth row of fourteen.
    assert (float(row["value"]), row["group"], row["unit"]) == (3 * 14 + 3 + 0.5, "m2", "au")
    with pytest.raises(SystemExit, match="holds no file like"):
        SCRIPT["write"](EXAMPLE, tmp_path / "none.csv")


# ---------------------------------------------------------------- mice that are made up


def copied(folder: Path, **changes: object) -> Path:
    """The example in a folder, with another list of free numbers or other tables of its fit."""
    shutil.copytree(
        EXAMPLE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("results", "readings.csv")
    )
    tables = tomllib.loads((EXAMPLE / "fit.toml").read_text(encoding="utf-8"))
    tables.pop("posterior")
    (folder / "fit.toml").write_text(tomli_w.dumps(tables | {"starts": 1} | changes), encoding="utf-8")
    return folder / "fit.toml"


def load_copy(file: Path):
    return load_fit(file, (file.parent / "shelves",))


def made_up(folder: Path, **changes: object) -> Path:
    """Two mice, two ears each, of the study itself with the numbers of ``TRUE`` changed, in the authors' form."""
    from otosome.study import load

    file = copied(folder, free=FREE, **changes)
    study = load(folder / "study.toml", shelves=(folder / "shelves",))
    columns = best(study)
    columns = {**columns, OFFSET: np.array([200.0]), **{n: times * columns[n] for n, times in TRUE.items()}}
    values, luck = evaluate(plan(study), columns, HOURS), np.random.default_rng(5)
    ears = {}
    for arm, mouse in enumerate(("m1", "m2")):
        for side in "lr":
            read = []
            for name in SCRIPT["REGIONS"].values():
                bound = endpoint(study, study.tables.measure[name], columns)
                true = values[name][:, arm, :, 0]
                read.append(bound.read(true[:, :, None], luck.uniform(size=(1, 7, 1))).value[0, :, 0])
            ears[f"{mouse}_{side}"] = np.array(read).T
    authors_files(folder / "ct", ears, list(SCRIPT["REGIONS"]))
    SCRIPT["write"](folder / "ct", folder / "readings.csv")
    return file


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    file = load_copy(made_up(tmp_path_factory.mktemp("contrast")))
    free = Free.of(file.study, file.tables.free)
    return file, Likelihood.of(free, file.fitted, ())


def test_of_the_mouse_left_out_the_aqueduct_alone_is_fitted(laboratory):
    file, _ = laboratory
    assert (file.fitted.size, file.left.size) == (14 * 14, 12 * 14)
    m2 = file.fitted.animals.index("m2")
    assert {some.measure for some in file.fitted.readings if m2 in some.animal} == {"aqueduct"}
    assert {int(n) for some in file.left.readings for n in some.animal} == {m2}


def test_what_made_the_mice_is_found_and_the_second_is_foretold(laboratory):
    file, likelihood = laboratory
    found = mode(likelihood, len(FREE), 1, 1, lambda _: None)
    assert found.covariance is not None
    truth = np.array(
        [
            p.deviate(np.array([TRUE.get(p.name, 1.0) * p.value if p.name != OFFSET else 200.0]))[0]
            for p in likelihood.free.numbers
        ]
    )
    apart = (found.deviates - truth) / np.sqrt(np.diag(found.covariance))
    # Four numbers: beyond three standard deviations in one laboratory of a hundred.
    assert np.abs(apart).max() < 3.0
    assert found.covariance[0, 0] < 0.05
    row = summary(foretold(likelihood, found.deviates[None], file.left, file.beside))[-1]
    assert (row.measure, row.readings, row.units) == ("all", 168, 2)
    # 90 % of 168, three standard errors to either side.
    assert row.inside.exact[0] < 0.9 < row.inside.exact[-1]
    assert row.gain > 0.0


def test_a_walker_that_strays_far_is_unlikely_and_no_error(laboratory):
    """Thirty standard deviations out a log-normal number has no end in double precision."""
    _, likelihood = laboratory
    out = np.full((1, len(FREE)), 30.0)
    assert all(np.isfinite(values).all() for values in likelihood.free.values(out).values())
    far = likelihood.log_posterior(out)[0]
    assert np.isfinite(far)
    assert far < likelihood.log_posterior(np.zeros((1, len(FREE))))[0] - 0.5 * len(FREE) * 30.0**2


def test_a_reading_left_out_is_as_likely_as_its_endpoint_has_it_and_its_rival_is_the_other_mouse(laboratory):
    file, likelihood = laboratory
    at = np.array([[0.3, -0.2, 0.1, 0.5]])
    left = replace(file.left, readings=tuple(some for some in file.left.readings if some.measure == "st2"))
    (rows_,) = foretold(likelihood, at, left, file.beside)
    (some,) = left.readings
    columns = likelihood.free.columns(at)
    true = evaluate(plan(file.study), columns, HOURS)["st2"][0, 1, :, 0]
    spread = np.hypot(columns[ERROR], columns[SHARE] * (true - columns[OFFSET]))
    exact = norm.logpdf(some.reading.value, true[some.time], spread[some.time])
    # The likelihood's outline is somewhat coarser than the plan.
    assert rows_.log == pytest.approx(exact, abs=0.02)
    (other,) = (one for one in file.fitted.readings if one.measure == "st2")
    values = np.stack([other.reading.value[(other.arm == 0) & (other.time == n)] for n in range(7)])
    pooled = np.sqrt(np.mean(values.var(axis=1, ddof=1)))
    rival = norm.logpdf(some.reading.value, values.mean(axis=1)[some.time], pooled)
    assert rows_.rival == pytest.approx(rival, rel=1e-9)
    # Ears are the units where all readings are of one animal.
    assert (rows_.unit == some.ear).all()
    assert np.unique(some.ear).size == 2
    # Beside its own group a mouse that was not fitted has no rival.
    assert np.isnan(group_logs(file.study, other, some)).all()


def test_measures_that_read_one_thing_alike_are_called_by_their_names_too(laboratory):
    titles = _titles(laboratory[0])
    assert titles["aqueduct"] == "signal of contrast (cerebrospinal fluid)"
    assert titles["st3"] == "signal of contrast (scala tympani), st3"


@pytest.mark.slow
def test_the_page_shows_what_was_left_out_over_what_was_predicted(laboratory, tmp_path):
    shutil.copytree(Path(next(iter(laboratory[0].inputs))).parent, tmp_path / "ct")
    file = tmp_path / "ct" / "fit.toml"
    done = CliRunner().invoke(
        app, ["fit", str(file), "--shelves", str(file.parent / "shelves"), "--out", str(tmp_path / "fit")]
    )
    assert done.exit_code == 0, done.output
    assert "animals left out: all: 168 readings" in done.output
    page = (tmp_path / "fit" / "report.html").read_text(encoding="utf-8")
    assert "signal of contrast (scala tympani), st8: left out, predicted" in page
    assert {f"against_st8_{mouse}.svg" for mouse in ("m1", "m2")} <= {
        drawn.name for drawn in (tmp_path / "fit" / "figures").iterdir()
    }


def test_a_mouse_that_is_named_without_measures_is_left_out_whole(laboratory, tmp_path):
    shutil.copytree(Path(next(iter(laboratory[0].inputs))).parent, tmp_path / "ct")
    file = load_copy(copied(tmp_path / "ct", hold_out={"animals": ["m2"]}))
    assert (file.fitted.size, file.left.size) == (13 * 14, 13 * 14)
    assert {int(n) for some in file.fitted.readings for n in some.animal} == {file.fitted.animals.index("m1")}


@pytest.mark.parametrize(
    ("hold_out", "message"),
    [
        ({"animals": ["m9"]}, r"hold_out.animals: is not among the readings; given: m9; allowed: m1, m2"),
        ({"animals": ["m2"], "beside": "m3"}, r"hold_out.beside: is no arm of the study; given: m3"),
        ({"animals": ["m2"], "every": 2}, r"hold_out.animals: leaves out animals that are named"),
    ],
)
def test_what_is_left_out_is_there(laboratory, tmp_path, hold_out, message):
    shutil.copytree(Path(next(iter(laboratory[0].inputs))).parent, tmp_path / "ct")
    with pytest.raises(BadInput, match=message):
        load_copy(copied(tmp_path / "ct", hold_out=hold_out))


def test_one_mouse_cannot_tell_what_differs_between_mice(laboratory, tmp_path):
    shutil.copytree(Path(next(iter(laboratory[0].inputs))).parent, tmp_path / "ct")
    file = copied(tmp_path / "ct", hold_out={"animals": ["m2"]})
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("animal = []\n", "", 1), encoding="utf-8")
    with pytest.raises(BadInput, match=r"has one animal in .* or write animal = \[\]"):
        load_copy(file)


# ---------------------------------------------------------------- the real mice


# Medians that the example's README rests on, house units.
FITTED = {
    EXCHANGE: 0.0455,
    "species.mouse.axial_flow": 0.0198,
    "species.mouse.csf_turnover": 207.0,
    "species.mouse.communication_half_time": 0.469,
    "species.mouse.tympani_clearance_half_time": 1.09,
    "solutes.iohexol.dispersion": 0.838,
    GAIN: 0.0625,
    OFFSET: 262.0,
    ERROR: 181.0,
    "routes.aqueduct_m1.absorption": 33.1,
    "routes.aqueduct_m2.bioavailability": 0.666,
    "routes.aqueduct_m2.absorption": 58.7,
}


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL.name} is not there")
def test_the_real_mouse_is_foretold_at_the_numbers_that_the_example_found(tmp_path):
    file = copied(tmp_path)
    assert SCRIPT["write"](REAL, tmp_path / "readings.csv") == 364
    own = load_copy(file)
    assert (own.fitted.size, own.left.size) == (196, 168)
    free = Free.of(own.study, own.tables.free)
    vector = np.array([[p.deviate(np.array([FITTED[p.name]]))[0] for p in free.numbers]])
    rows_ = {
        row.measure: row
        for row in summary(foretold(Likelihood.of(free, own.fitted, ()), vector, own.left, own.beside))
    }
    # The rival rests on the readings alone; the fit's own score is that of one vector of many.
    assert rows_["all"].rival == pytest.approx(-6.83, abs=0.005)
    assert rows_["all"].log_score == pytest.approx(-6.68, abs=0.05)
    assert rows_["all"].inside.exact[0] < 0.92 < rows_["all"].inside.exact[-1]
    assert rows_["st1"].gain < 0.0 < rows_["all"].gain
