"""Shipped fits: draws stand beside each, are of it as it is now, and give the rows of the shelves that name it."""

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
from otosome.evidence import Parameter
from otosome.fitting.file import FITS, fit_titles, fits, load_fit
from otosome.fitting.free import Free
from otosome.fitting.joint import RATIO, Joint, read
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.mode import mode
from otosome.jobs import FitInputs, entries, fit
from otosome.review.calibration.file import MARK, load_case_fit
from otosome.review.calibration.fit import fit_cases
from otosome.study import load
from otosome.study.strain import Strain
from otosome.units import convert, split

Z95 = 1.6448536269514722
NAMED = re.compile(r'(?m)^fit = "(\w+)"$')
TO_CASES = [name for name in fits() if MARK in read_toml(FITS / f"{name}.toml")]
TO_READINGS = [name for name in fits() if name not in TO_CASES]
DRAWN = [name for name in TO_CASES if "posterior" in read_toml(FITS / f"{name}.toml")]
# Entries state two digits, strains three.
DIGITS = {"strains": 3}


def draws(name: str) -> Joint:
    return read(FITS / f"{name}.csv")


def rows(name: str) -> list[tuple[Parameter, int]]:
    """Every number on a shelf that names a fit, as its file states it, with its digits."""
    named = []
    for file in sorted(SHIPPED.glob("*/*.toml")):
        if name not in NAMED.findall(file.read_text(encoding="utf-8")):
            continue
        shelf = file.parent.name
        entry = get(shelf, file.stem)
        stated = [p for by_species in entry.card.parameters.values() for p in by_species.values()]
        if shelf == "strains":
            strain, species = Strain.of(entry), entry.options.species
            names = (name.split(".") for name in strain.numbers)
            stated = [strain.restated(get(*at).card.parameter(key, species)) for *at, key in names]
        named += [(p, DIGITS.get(shelf, 2)) for p in stated if p.fit == name]
    return named


def shelved(name: str, species: str) -> Parameter:
    shelf, entry, key = name.split(".")
    return get(shelf, entry).card.parameter(key, species)


def step(value: float, digits: int) -> float:
    """One in the last digit that stands on a shelf."""
    return float(10.0 ** (np.floor(np.log10(abs(value))) - digits + 1))


@pytest.mark.parametrize("name", fits())
def test_a_number_that_names_a_fit_states_what_its_draws_say(name):
    """Middle, 5 and 95 % of the draws where all else is as its shelf has it, and shares that are those of the draws."""
    joint = draws(name)
    named = rows(name)
    assert named
    for p, digits in named:
        assert p.shape == ("lognormal" if joint.free[p.name] == RATIO else "normal")
        unit = split(p.given)[1]
        for end, stated in zip(joint.ends[p.name], (p.low, p.value, p.high), strict=True):
            end, stated = convert(end, p.unit, unit), convert(stated, p.unit, unit)
            assert abs(end - stated) <= 0.51 * step(stated, digits), (p.name, end, stated)
        assert p.linked == tuple(sorted(joint.shares[p.name]))
        assert "used, hence no evidence" in p.because


@pytest.mark.parametrize("name", TO_CASES)
def test_draws_on_the_shelf_are_of_the_fit_as_its_file_and_its_cases_are_now(name):
    """Whoever changes a figure, an error or what was thought before, fits again: ``make fits``."""
    file = load_case_fit(FITS / f"{name}.toml")
    joint = draws(name)
    assert f"fit: {name};" in joint.origin
    assert f"data: {file.data_hash};" in joint.origin
    assert list(joint.free) == file.tables.free
    assert ("posterior, converged" in joint.origin) == (name in DRAWN)


@pytest.mark.parametrize("name", TO_READINGS)
def test_a_fit_to_readings_gives_the_draws_that_stand_beside_it(name):
    file = load_fit(Path(name))
    likelihood = Likelihood.of(Free.of(file.study, file.tables.free), file.fitted, ())
    summit = mode(likelihood, len(file.tables.free), 1, 1, lambda _: None)
    assert summit.covariance is not None
    spread = np.sqrt(np.diag(summit.covariance))
    for number, p in enumerate(likelihood.free.numbers):
        # What a fit thought before is no evidence: thirty times wider than what it finds.
        assert np.log(p.high / p.low) > 4.0 > 30 * spread[number] * 0.1
        ends = summit.deviates[number] + Z95 * spread[number] * np.array([-1.0, 0.0, 1.0])
        # Four thousand draws: a middle errs by a sixtieth of their spread, which itself errs by a ninetieth.
        apart = np.log(p.quantile(ndtr(ends)) / draws(name).ends[p.name])
        width = np.log(p.quantile(ndtr(ends[2])) / p.quantile(ndtr(ends[1])))
        assert np.all(np.abs(apart) < 0.1 * width)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TO_CASES if name not in DRAWN])
def test_a_fit_to_published_cases_gives_the_draws_that_stand_beside_it(name, tmp_path):
    """Ends within a tenth of the spread, shares within 0.05: numbers that came to shelves since move no more."""
    answer, joint = fit_cases(load_case_fit(FITS / f"{name}.toml"), tmp_path / "chain", lambda *report: None)
    assert answer.settled
    shelved = draws(name)
    for number in answer.numbers:
        ends, stated = np.array([joint.ends[number.name], shelved.ends[number.name]])
        if joint.free[number.name] == RATIO:
            ends, stated = np.log(ends), np.log(stated)
        assert np.abs(ends - stated) / (ends[2] - ends[0]) * (2 * Z95) == pytest.approx(0.0, abs=0.1)
        now, then = dict(joint.shares[number.name]), dict(shelved.shares[number.name])
        for other in now | then:
            assert now.get(other, 0.0) == pytest.approx(then.get(other, 0.0), abs=0.05), other


def test_every_fit_is_named_by_a_number_and_has_draws():
    named = {
        name for file in SHIPPED.rglob("*.toml") for name in NAMED.findall(file.read_text(encoding="utf-8"))
    }
    assert named == set(fits()) == {file.stem for file in FITS.glob("*.csv")}


def test_what_a_number_is_linked_to_by_hand_is_assumed_and_not_of_a_fit():
    """A regression is stored as draws; ``linked`` in a row is somebody's judgement, and says so."""
    for file in sorted(SHIPPED.glob("*/*.toml")):
        for section in re.split(r"(?m)^(?=\[)", file.read_text(encoding="utf-8")):
            if re.search(r"(?m)^linked = ", section):
                assert re.search(r'(?m)^basis = "(assumed|direction)"$', section), (file.name, section[:40])


def test_shipped_fits_are_listed_by_title_and_run_by_name():
    assert entries("fits").abouts == {"fits": fit_titles()}
    assert all(fit_titles().values())
    with pytest.raises(BadInput, match="gentamicin: is not there; allowed: cba_jrj, "):
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
        assert abs(fitted / 24.0 - stated) <= 1.5 * step(stated, 2)
    # What comes out goes in, whatever it was written in, and not what was thought before.
    study = load(str(result.folder / "study.toml"))
    again = study.parameters["solutes.gentamicin.plasma_clearance"]
    assert 24.0 * np.array([again.low, again.value, again.high]) == pytest.approx(
        [row.low, row.median, row.high], rel=1e-9
    )
