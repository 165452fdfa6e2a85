"""Drugs from blood: the ear of best values holds what was measured where a number was calibrated on it."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.catalog import Catalog, get
from otosome.review.qualification.bench import Bench, Terms
from otosome.review.qualification.case import cases
from otosome.units import convert, house
from tools.calibrations import blood, passage


def figures(name):
    return {case.id: case for case in cases(get("cases", name))}


def test_the_rat_of_best_values_holds_gentamicin_as_measured_in_plasma_perilymph_and_endolymph():
    found, asked = blood.simulated("pk_c16"), figures("pk_c16")
    for row in ("pk:C16", "pk:C16.perilymph", "pk:C16.endolymph"):
        # 10 % are allowed; ug/uL in mg/L.
        assert 1e3 * found[row] == pytest.approx(asked[row].value, rel=0.1)


def test_the_person_of_best_values_holds_the_steroid_as_measured_by_eardrum_and_vein():
    found, asked = blood.simulated("pk_c10"), figures("pk_c10")
    for row in ("pk:C10", "pk:C10.vein_low", "pk:C10.vein_high"):
        # The middle of what is drawn was put at the figure; the ear of best values lies within three of its errors.
        assert abs(np.log(1e3 * found[row] / asked[row].value)) < 3.0 * asked[row].doubt, row


def test_the_shelves_hold_what_the_calibration_finds():
    for name, row in blood.gentamicin().items():
        solute, key, species = name.split(".")[1:]
        held = get("solutes", solute).card.parameter(key, species)
        # Two digits stand on a shelf.
        assert held.value == pytest.approx(float(row["value"].split()[0]), rel=0.06)


@pytest.mark.parametrize("aim", passage.AIMS, ids=lambda aim: aim.number)
def test_what_shelves_draw_meets_the_figure_a_number_of_passage_was_put_at(aim):
    bench = Bench(Terms(Catalog(), 64, 3), get("cases", aim.case), 1)
    made = bench.replicate(passage.published(aim))
    for case in passage.published(aim):
        off = np.log(made[case.id] / convert(case.value, case.unit, house(case.unit)))
        # The middle of 64 draws errs by some tenth of their spread; several rows share one number.
        assert abs(np.median(off)) < 1.7 * passage.error(aim, case)
    held = passage.parameter(aim)
    assert held.linked
    assert "used, hence no evidence" in held.because
