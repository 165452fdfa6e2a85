"""Drugs from blood: the ear of best values holds what was measured where a number was calibrated on it."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.catalog import get
from otosome.review.qualification.case import cases
from tools.calibrations import blood


def figures(name):
    return {case.id: case for case in cases(get("observations", name))}


def test_the_rat_of_best_values_holds_gentamicin_as_measured_in_plasma_perilymph_and_endolymph():
    found, asked = blood.simulated("pk_c16"), figures("pk_c16")
    for row in ("pk:C16", "pk:C16.perilymph", "pk:C16.endolymph"):
        # 10 % are allowed; ug/uL in mg/L.
        assert 1e3 * found[row] == pytest.approx(asked[row].value, rel=0.1)


def test_the_person_of_best_values_lies_between_the_steroid_after_two_doses_into_a_vein():
    found, asked = blood.simulated("pk_c10"), figures("pk_c10")
    off = [np.log(1e3 * found[row] / asked[row].value) for row in ("pk:C10.vein_low", "pk:C10.vein_high")]
    # Linear here, not quite so there: one lies below, the other above, each within its error.
    assert off[0] < 0.0 < off[1]
    for row in ("pk:C10.vein_low", "pk:C10.vein_high"):
        low, high = asked[row].band()
        assert low < 1e3 * found[row] < high


def test_the_shelves_hold_what_the_calibration_finds():
    for name, row in (blood.gentamicin() | blood.steroid()).items():
        solute, key, *species = name.split(".")[1:]
        held = get("solutes", solute).card.parameter(key, species[0] if species else "human")
        # Two digits stand on a shelf.
        assert held.value == pytest.approx(float(row["value"].split()[0]), rel=0.06)
