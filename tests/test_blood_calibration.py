"""Drugs from blood: the ear of best values holds what was measured where a number was calibrated on it."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.catalog import Catalog, get
from otosome.review.qualification.bench import Bench, Terms
from otosome.review.qualification.case import cases
from otosome.units import convert, house
from tools.calibrations import passage


def simulated(name):
    """A case's rows in the ear of best values, house units."""
    bench = Bench(Terms(Catalog()), get("cases", name), 1, drawn=False)
    return {row: float(values[0]) for row, values in bench.replicate().items()}


def figures(name):
    return {case.id: case for case in cases(get("cases", name))}


def test_the_rat_of_best_values_holds_gentamicin_as_measured_in_plasma_perilymph_and_endolymph():
    """The case runs its own study: what the shipped fits found stands there too."""
    found, asked = simulated("pk_c16"), figures("pk_c16")
    for row in ("pk:C16", "pk:C16.perilymph", "pk:C16.endolymph"):
        # 10 % are allowed; ug/uL in mg/L.
        assert 1e3 * found[row] == pytest.approx(asked[row].value, rel=0.1)


def test_the_person_of_best_values_holds_the_steroid_as_measured_by_eardrum_and_vein():
    found, asked = simulated("pk_c10"), figures("pk_c10")
    for row in ("pk:C10", "pk:C10.vein_low", "pk:C10.vein_high"):
        # The middle of what is drawn was put at the figure; the ear of best values lies within three of its errors.
        assert abs(np.log(1e3 * found[row] / asked[row].value)) < 3.0 * asked[row].doubt, row


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
