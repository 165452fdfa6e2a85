"""Shipped fits: each gives the row of the shelf that names it, within the digits that stand there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from otosome.cards import read_toml
from otosome.catalog import SHIPPED, get
from otosome.errors import BadInput
from otosome.fitting.file import FITS, fit_titles, fits, load_fit
from otosome.fitting.free import Free
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.mode import mode
from otosome.jobs import FitInputs, entries, fit
from otosome.review.calibration.file import MARK, load_case_fit
from otosome.review.calibration.fit import fit_cases
from otosome.study import load
from otosome.units import split

Z95 = 1.6448536269514722
NAMED = re.compile(r'locator = "fits/(\w+);')
# Weighed before a part of the synapses could be spared, which the fit draws: more than it is needed by a half now.
EARLIER = ("insults.noise.synapse",)
TO_CASES = [name for name in fits() if MARK in read_toml(FITS / f"{name}.toml")]


# Of a strain that a fit gives: its rows, and where each number of the case that is a spread stands in them.
STRAINS = {"cba_jrj": "cba_jrj"}
SPREADS = {
    "shading": ("insults.noise.shading", "value"),
    "runs": ("insults.noise.shading", "runs"),
    "animal": ("insults.noise.received", "subjects"),
    "own": ("insults.noise.susceptibility", "subjects"),
}


def shelved(name: str, species: str):
    shelf, entry, key = name.split(".")
    return get(shelf, entry).card.parameter(key, species)


def step(value: float) -> float:
    """One in the second digit: shelves state two."""
    return float(10.0 ** (np.floor(np.log10(value)) - 1))


@pytest.mark.parametrize("name", [name for name in fits() if name not in TO_CASES])
def test_a_fit_gives_the_row_that_names_it(name):
    file = load_fit(Path(name))
    species = file.study.tables.species
    likelihood = Likelihood.of(Free.of(file.study, file.tables.free), file.fitted, ())
    summit = mode(likelihood, len(file.tables.free), 1, 1, lambda _: None)
    assert summit.covariance is not None
    spread = np.sqrt(np.diag(summit.covariance))
    for number, p in enumerate(likelihood.free.numbers):
        # What a fit thought before is no evidence: thirty times wider than what it finds.
        assert np.log(p.high / p.low) > 4.0 > 30 * spread[number] * 0.1
        row = shelved(p.name, species)
        assert row.locator.startswith(f"fits/{name};")
        assert "used, hence no evidence" in row.because
        ends = summit.deviates[number] + Z95 * spread[number] * np.array([0.0, -1.0, 1.0])
        for end, stated in zip(p.quantile(ndtr(ends)), (row.value, row.low, row.high), strict=True):
            assert abs(end - stated) <= step(stated), (p.name, end, stated)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TO_CASES if name not in STRAINS])
def test_a_fit_to_published_cases_gives_the_rows_that_name_it(name, tmp_path):
    """Ends within 0.3 of the spread, shares within 0.1: what two seeds of 240 draws differ by, and what shelves
    that were written by few weighed draws are off by. Of a posterior that is drawn 0.8 and 0.25: the shelf's rows are
    those of draws of another sampler, weighed by words at each frequency, that were worth a hundred or so."""
    file = load_case_fit(FITS / f"{name}.toml")
    answer = fit_cases(file, tmp_path / "chain.npz", lambda *report: None)
    drawn = answer.mixing is not None
    assert max(answer.mixing.rhat) < 1.3 if drawn else answer.settled
    for number in answer.numbers:
        row = file.simulated.numbers[number.name]
        assert row.locator.startswith(f"fits/{name};")
        assert row.shape == number.shape
        ends, stated = (np.array([p.value, p.low, p.high]) for p in (number, row))
        if number.shape == "lognormal":
            ends, stated = np.log(ends), np.log(stated)
        apart = np.abs(ends - stated) / (ends[2] - ends[1]) * (2 * Z95)
        if number.name in EARLIER:
            assert apart[0] < 1.0, number
            continue
        assert np.all(apart < (0.8 if drawn else 0.3)), number
        linked = dict(row.linked)
        # What came to the shelves later has no share in a row that was drawn before it.
        for other in linked if drawn else linked.keys() | number.linked.keys():
            share = pytest.approx(linked.get(other, 0.0), abs=0.25 if drawn else 0.1)
            assert number.linked.get(other, 0.0) == share, other


@pytest.mark.slow
@pytest.mark.parametrize("name", STRAINS)
def test_a_fit_of_a_strain_gives_the_rows_of_the_strain(name, tmp_path):
    """Within a quarter of what figures leave of each number, of which rows state a fifth; spreads in parts."""
    answer = fit_cases(load_case_fit(FITS / f"{name}.toml"), tmp_path / "chain.npz", lambda *report: None)
    assert answer.settled
    stated = get("strains", STRAINS[name]).options.numbers
    spreads = {p.name.rpartition(".")[2]: p for p in answer.numbers if p.name.startswith("cases.")}
    for key, (of, where) in SPREADS.items():
        assert spreads[key].value == pytest.approx(float(str(stated[of][where]).split()[0]), rel=0.2), key
    numbers = [p for p in answer.numbers if p not in spreads.values()]
    assert {p.name for p in numbers} == stated.keys() - {of for of, _ in SPREADS.values()} | {
        SPREADS["own"][0]
    }
    for p in numbers:
        ends = np.log([p.value, p.low, p.high])
        rows = np.log([split(stated[p.name][key])[0] for key in ("value", "low", "high")])
        assert np.all(np.abs(ends - rows) < 1.25 * (rows[2] - rows[1]) / (2 * Z95)), p.name
        linked = stated[p.name].get("linked", {})
        for other in linked.keys() | p.linked.keys():
            assert p.linked.get(other, 0.0) == pytest.approx(linked.get(other, 0.0), abs=0.2), (p.name, other)


def test_every_fit_that_a_number_names_is_shipped():
    named = {
        name for file in SHIPPED.rglob("*.toml") for name in NAMED.findall(file.read_text(encoding="utf-8"))
    }
    assert named | STRAINS.keys() == set(fits())


def test_shipped_fits_are_listed_by_title_and_run_by_name():
    assert entries("fits").abouts == {"fits": fit_titles()}
    assert all(fit_titles().values())
    with pytest.raises(BadInput, match="gentamicin: is not there; allowed: cba_jrj, cisplatin_supply_fall, "):
        load_fit(Path("gentamicin"))


def test_a_fit_states_what_was_thought_before_and_keeps_the_shelf_for_all_else():
    file = load_fit(Path("gentamicin_rat_plasma"))
    before = file.study.parameters["solutes.gentamicin.plasma_clearance"]
    assert (before.value, before.low, before.high) == (0.5, 0.05, 5.0)
    kept = file.study.parameters["solutes.gentamicin.blood_partition"]
    assert kept.value == shelved("solutes.gentamicin.blood_partition", "rat").value


def test_a_fitted_number_is_written_in_the_unit_in_which_it_was_stated(tmp_path):
    shutil.copytree(SHIPPED / "fits", tmp_path / "fits")
    own = tmp_path / "fits" / "own.toml"
    text = own.with_name("gentamicin_rat_plasma.toml").read_text(encoding="utf-8")
    for value in (0.5, 0.05, 5):
        text = text.replace(f'"{value} 1/h"', f'"{24 * value:g} 1/d"')
    own.write_text(text, encoding="utf-8")
    result = fit(FitInputs(fit=own, out=tmp_path / "result"))
    (row,) = result.fit.estimates
    assert row.unit == "1/d"
    assert row.text.endswith(" 1/d")
    assert row.prior == "12 (1.2 to 120) 1/d"
    hourly = shelved("solutes.gentamicin.plasma_clearance", "rat")
    ends = zip((row.median, row.low, row.high), (hourly.value, hourly.low, hourly.high), strict=True)
    for fitted, stated in ends:
        assert abs(fitted / 24.0 - stated) <= 1.5 * step(stated)
    # What comes out goes in, whatever it was written in, and not what was thought before.
    study = load(str(result.folder / "study.toml"))
    again = study.parameters["solutes.gentamicin.plasma_clearance"]
    assert 24.0 * np.array([again.low, again.value, again.high]) == pytest.approx(
        [row.low, row.median, row.high], rel=1e-9
    )
