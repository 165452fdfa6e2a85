"""Numbers that fits to published cases gave: the ear of best values holds what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from otosome.catalog import Catalog, get
from otosome.fitting.file import FITS
from otosome.review.calibration.file import load_case_fit
from otosome.review.qualification.bench import Bench, Terms
from otosome.review.qualification.case import cases

FITTED = (
    "cisplatin_supply_fall",
    "dexamethasone_absorbed",
    "methylprednisolone_blood",
    "methylprednisolone_windows",
)


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


@pytest.mark.parametrize("material", ["nu6", "w22"])
def test_words_of_the_best_ear_rise_with_level_as_published(material):
    values = {row.removeprefix(f"ear:E11.{material}"): value for row, value in simulated("ear_e11").items()}
    assert 0.041 < values[""] < 0.049
    assert values["_half"] == pytest.approx(21.0, abs=2.5)
    assert values["_spondees"] == pytest.approx(0.95, abs=0.02)
    assert 0.95 < values["_loud"] < 1.0


@pytest.mark.parametrize("name", FITTED)
def test_what_shelves_draw_meets_the_figure_a_number_was_put_at(name):
    file = load_case_fit(FITS / Path(f"{name}.toml"))
    for entry, rows in file.simulated.cases:
        made = Bench(Terms(Catalog(), 64, 3), entry, 1).replicate([figure.case for figure in rows])
        for figure in rows:
            # The middle of 64 draws errs by some tenth of their spread; several rows share one number.
            assert abs(np.median(figure.misses(made[figure.case.id]))) < 1.7
    for number in file.numbers:
        assert number.linked
        assert "used, hence no evidence" in number.because
