"""Numbers of pharmacokinetics against closed forms: one exponential, Bateman's curve, two exponentials."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.answers.exposure import exposure
from otosome.forward import best, simulate
from otosome.model.kinetics import kinetics
from otosome.study import loads
from test_drugs import DRUG, HEAD

HOURS = np.concatenate([[0.0], np.geomspace(1e-3, 48.0, 400)])


def test_an_exponential_has_its_own_area_half_life_and_peak():
    found = kinetics(HOURS, 3.0 * np.exp(-0.5 * HOURS)[None])
    assert found.peak[0] == 3.0
    assert found.peak_time[0] == 0.0
    # Logarithmic where it falls: exact at any spacing.
    assert found.area[0] == pytest.approx(3.0 / 0.5 * (1.0 - np.exp(-0.5 * 48.0)), rel=1e-9)
    assert found.whole[0] == pytest.approx(6.0, rel=1e-9)
    assert found.half_life[0] == pytest.approx(np.log(2.0) / 0.5, rel=1e-9)


def test_batemans_curve_has_its_peak_where_the_textbook_puts_it():
    """Absorbed at ka, lost at ke: highest after ln(ka / ke) / (ka - ke); area F D / (V ke)."""
    ka, ke = 1.5, 0.3
    curve = ka / (ka - ke) * (np.exp(-ke * HOURS) - np.exp(-ka * HOURS))
    found = kinetics(HOURS, curve[None])
    assert found.peak_time[0] == pytest.approx(np.log(ka / ke) / (ka - ke), rel=0.03)
    assert found.peak[0] == pytest.approx((ka / ke) ** (-ke / (ka - ke)), rel=1e-3)
    assert found.whole[0] == pytest.approx(1.0 / ke, rel=1e-3)
    assert found.half_life[0] == pytest.approx(np.log(2.0) / ke, rel=1e-3)


def test_of_two_exponentials_the_end_is_the_slow_one():
    curve = 5.0 * np.exp(-2.0 * HOURS) + 0.5 * np.exp(-0.1 * HOURS)
    assert kinetics(HOURS, curve[None]).half_life[0] == pytest.approx(np.log(2.0) / 0.1, rel=1e-3)


def test_a_curve_that_only_rises_has_no_half_life_and_one_of_nothing_no_area():
    found = kinetics(HOURS, np.stack([HOURS, np.zeros_like(HOURS)]))
    assert np.all(np.isnan(found.half_life))
    assert found.area == pytest.approx([48.0**2 / 2.0, 0.0])


def test_the_end_begins_after_the_last_dose():
    curve = np.where(HOURS < 24.0, 2.0 * np.exp(-1.0 * HOURS), np.exp(-0.2 * (HOURS - 24.0)))
    assert kinetics(HOURS, curve[None], 24.0).half_life[0] == pytest.approx(np.log(2.0) / 0.2, rel=1e-6)


def test_a_bolus_into_a_vein_is_the_compartment_it_says_it_is():
    """Plasma of the best guinea pig: dose over volume at first, and ln 2 over clearance as its half-life."""
    dose = DRUG.format(route="intravenous", solute="dexamethasone", dose='amount = "1 mg/kg"')
    study = loads(HEAD.replace("24 h", "12 h") + dose, "drug.toml")
    drugs = exposure(study, simulate(study, best(study), workers=1))
    plasma = next(row for row in drugs.exposures if row.probe == "plasma")
    value = {
        k: study.parameters[f"solutes.dexamethasone.{k}"].value for k in ("plasma_volume", "plasma_clearance")
    }
    # 1 mg/kg in 1 L/kg is 1 ug/mL; the ear takes and gives back less than a thousandth.
    assert plasma.peak.exact.median == pytest.approx(1e6 / value["plasma_volume"], rel=1e-3)
    assert plasma.peak.unit == "ug/mL"
    assert plasma.half_life.exact.median == pytest.approx(np.log(2.0) / value["plasma_clearance"], rel=0.02)
    whole = 1e6 / value["plasma_volume"] / value["plasma_clearance"]
    assert plasma.whole.exact.median == pytest.approx(whole, rel=0.02)


def test_at_the_window_the_base_holds_more_than_the_apex():
    dose = DRUG.format(route="round_window", solute="dexamethasone", dose='amount = "20 ug"\nvolume = "5 uL"')
    study = loads(HEAD + dose, "drug.toml")
    drugs = exposure(study, simulate(study, best(study), workers=1))
    gradient = drugs.gradients[0]
    assert (gradient.of, gradient.over) == ("base", "apex")
    assert gradient.peak.median > 10.0
    assert drugs.notes == []
