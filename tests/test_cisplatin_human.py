"""Cisplatin in people's plasma: what a dose per body surface gives, and how it depends on the infusion."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.forward import (
    Cochleae,
    best,
    draw,
    plan,
)
from otosome.forward.dosing import amount
from otosome.model import transport
from otosome.study import load
from otosome.units import quantity

# Parts of cisplatin's mass that are platinum.
PLATINUM = 195.08 / 300.05


@pytest.fixture(scope="module")
def infused():
    """Cisplatin in plasma over time, ug/mL, at best values: by length of infusion, h."""
    study = load("cisplatin_human")
    table = best(study)
    ears = Cochleae(plan(study), table)
    (drug,) = ears.plan.arms[-1].drugs
    solute = study.catalog.get("solutes", "cisplatin")
    mass = solute.columns(ears.columns, "human")["molar_mass"]
    route = study.catalog.get("routes", "intravenous").bind(ears.columns, "human")
    given = amount(ears, drug)
    found = {}
    for length in (0.0, 1.0, 3.0, 24.0):
        knots = transport.schedule([0.0, length], 72.0, windows=[(0.0, length)] if length else [])
        flows = route.deliver(transport.Dose(0.0, length, given[None], np.zeros(1)), ears.anatomy)
        bound = solute.bind(ears.columns, "human")
        solved = transport.solve(ears.anatomy, bound, flows, knots, keep=["plasma"])
        # A ug/uL is 1000 ug/mL.
        found[length] = knots, solved.concentration["plasma"][0, 0] * mass[0] * 1000.0
    return found


def areas(infused):
    """Area under each curve, ug min/mL."""
    return {length: 60.0 * np.trapezoid(plasma, knots) for length, (knots, plasma) in infused.items()}


def test_intact_cisplatin_has_the_clearance_and_the_volume_that_were_measured(infused):
    # Case ear:B2: 0.32, SD 0.05, L/min/m2 and 11, SD 2, L/m2 in seven patients; one hour, 100 mg/m2.
    clearance = 100e3 / areas(infused)[1.0] / 1000.0
    assert clearance == pytest.approx(0.32, abs=0.05)
    _, rapid = infused[0.0]
    assert 100.0 / rapid.max() == pytest.approx(11.0, abs=2.0)
    knots, hour = infused[1.0]
    late = (knots > 2.0) & (knots < 4.0)
    rate = -np.polyfit(60.0 * knots[late], np.log(hour[late]), 1)[0]
    # Two figures are given.
    assert rate == pytest.approx(0.030, abs=0.001)


def test_the_peak_falls_with_the_length_of_the_infusion_and_the_area_does_not(infused):
    # Case ear:B1, free platinum of three patients: peaks 8.62, 1.96 and 0.27 ug/mL after rapid, 3 h and 24 h
    # infusions, areas 290 to 325 ug min/mL.
    area = areas(infused)
    assert max(area.values()) / min(area.values()) < 1.02
    peak = {length: plasma.max() for length, (_, plasma) in infused.items()}
    # Intact cisplatin is not free platinum and "rapid" is no instant: each fall within a factor of 1.5.
    assert np.log(peak[0.0] / peak[3.0]) == pytest.approx(np.log(8.62 / 1.96), abs=np.log(1.5))
    assert np.log(peak[0.0] / peak[24.0]) == pytest.approx(np.log(8.62 / 0.27), abs=np.log(1.5))
    # Free platinum is cleared at 0.21 L/min/m2, intact cisplatin at 0.32: more platinum is free than is intact.
    share = PLATINUM * area[3.0] / 321.0
    assert share == pytest.approx(0.21 / 0.32, abs=0.1)


def test_a_dose_per_surface_is_a_concentration_whatever_the_body(infused):
    study = load("cisplatin_human")
    table = draw(study, 8, seed=2)
    ears = Cochleae(plan(study), table)
    (drug,) = ears.plan.arms[-1].drugs
    molar = study.catalog.get("solutes", "cisplatin").columns(ears.columns, "human")
    given = amount(ears, drug) / (table["species.human.body_mass"] * molar["plasma_volume"])
    dose = quantity("100 mg/m2") / quantity("37 kg/m2") / quantity("300.05 ug/umol")
    assert np.allclose(given * molar["plasma_volume"], dose, rtol=1e-12)
