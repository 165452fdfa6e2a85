"""What of a dose blood meets: a dose that shields the ear from a drug may shield a tumour from it too."""

import numpy as np
import pytest

from otosome.forward import (
    Cochleae,
    Fate,
    best,
    draw,
    plan,
    simulate,
)
from otosome.forward.outcomes import blood
from otosome.study import load

VEIN, WINDOW = "cisplatin + vesicles, vein", "cisplatin + vesicles, round window"
NULL = "cisplatin + null vesicles, vein"


@pytest.fixture(scope="module")
def result():
    study = load("intravenous_guinea_pig")
    return simulate(study, draw(study, 4, seed=1), workers=1)


def test_without_vesicles_nothing_is_told_and_idle_ones_reach_as_far_and_say_nothing(result):
    none = result.sel(arm="cisplatin + vehicle, vein")
    assert not np.any(none.plasma) and not np.any(none.signal)
    assert np.allclose(result.plasma.sel(arm=NULL), result.plasma.sel(arm=VEIN), rtol=1e-6)
    assert np.all(result.plasma.sel(arm=NULL) > 0) and not np.any(result.signal.sel(arm=NULL))


def test_a_dose_into_a_vein_tells_blood_more_than_the_ear_and_more_than_one_at_the_window_does(result):
    vein, window = (result.signal.sel(arm=arm) for arm in (VEIN, WINDOW))
    assert np.all((vein >= 0) & (vein <= 1))
    assert np.all(vein.sel(where="blood") > vein.sel(where="organ of Corti"))
    # What the middle ear loses reaches plasma in part, so a dose at the window tells blood too.
    assert np.all(window.sel(where="blood") > 0.0)
    assert np.all(window.sel(where="blood") < vein.sel(where="blood"))
    assert np.all(result.plasma.sel(arm=VEIN) > result.plasma.sel(arm=WINDOW))


def test_what_blood_meets_is_the_dose_over_its_clearance():
    study = load("intravenous_guinea_pig")
    table = best(study)
    ears = Cochleae(plan(study), table)
    arm = next(arm for arm in ears.plan.arms if arm.name == VEIN)
    fate = Fate(ears, arm)
    carried = fate.vesicles
    room = table["solutes.vesicle.plasma_volume"] * table["species.guinea_pig.body_mass"]
    arrived = carried.dose.sum() - carried.ledger["lost"].sum()
    expected = arrived / (room * table["solutes.vesicle.plasma_clearance"])
    # The trapezium over steps that grow by a fifth; the ear takes next to nothing.
    assert blood(fate) == pytest.approx(expected, rel=0.02)
