"""What of a dose to one ear reaches the other, by blood and cerebrospinal fluid."""

from dataclasses import replace

import pytest

from otosome.forward import (
    Cochleae,
    Fate,
    best,
    crossing,
    draw,
    plan,
)
from otosome.forward.crossing import crossed
from otosome.study import load

STUDY = "intravenous_guinea_pig"
VEIN, WINDOW = "cisplatin + vesicles, vein", "cisplatin + vesicles, round window"


def share(study, arm):
    table = best(study)
    ears = Cochleae(plan(study), table)
    return crossed(Fate(ears, next(one for one in ears.plan.arms if one.name == arm))).item()


def changed(change):
    study = load(STUDY)
    given = {n: type(t).model_validate(t.model_dump() | change) for n, t in study.tables.treatment.items()}
    return replace(study, tables=study.tables.model_copy(update={"treatment": given}))


def test_only_a_dose_to_one_ear_crosses():
    study = load(STUDY)
    found = crossing(study, draw(study, 40, seed=1))
    assert WINDOW in found and VEIN not in found
    one = found[WINDOW]
    assert 0.0 < one["low"] <= one["median"] <= one["high"] < 1.0


def test_of_ten_thousand_times_the_dose_the_same_share_crosses():
    # Uptake saturates a little: alike to some per cent. Of a thousand no place meets one whole.
    few, many = (share(changed({"amount": f"{count} particles"}), WINDOW) for count in ("1e3", "1e7"))
    assert few == pytest.approx(many, rel=0.1) and few > 0


def test_an_ear_that_gets_nothing_sends_nothing_across():
    study = load(STUDY)
    assert share(study, "cisplatin + vehicle, vein") == 0.0


def test_what_lies_in_the_fluid_both_ears_share_reaches_both_alike():
    # Put into cerebrospinal fluid, all of it passes there; the other ear meets about what this one does.
    met = share(changed({"route": "cisterna"}), WINDOW)
    assert met == pytest.approx(1.0, rel=0.25)
