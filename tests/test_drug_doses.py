"""A drug arrives by every route, whatever its dose is stated in; what would reach nowhere is refused with the cure."""

from __future__ import annotations

import pytest

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.forward import best, simulate
from otosome.study import loads

ROUTES = Catalog().names("routes")
DOSES = {
    "by mass": 'amount = "4 mg/kg"', "by surface": 'amount = "30 mg/m2"', "in all": 'amount = "1 mg"',
    "by mass in fluid": 'amount = "4 mg/kg"\nvolume = "3 uL"', "in all in fluid": 'amount = "1 mg"\nvolume = "3 uL"',
    "in mg/mL": 'concentration = "40 mg/mL"\nvolume = "3 uL"', "in mM": 'concentration = "80 mM"\nvolume = "3 uL"',
}  # fmt: skip
STUDY = """
otosome = "study/1"
species = "guinea_pig"
[insult.drug]
entry = "aminoglycoside"
route = "{route}"
at = ["0 h"]
duration = "{duration}"
{dose}
[sample.base]
at = ["4 h"]
volume = "0.5 uL"
place = 0.2
[[arm]]
name = "drug"
insults = ["drug"]
[measure.abr]
endpoint = "abr_threshold"
frequency = ["8 kHz"]
at = ["1 d"]
"""


def study(route, dose, duration="10 min"):
    return loads(STUDY.format(route=route, dose=dose, duration=duration), "drug.toml")


def sampled(route, dose, duration="10 min"):
    """Gentamicin in a sample of the best ear, uM."""
    stated = study(route, dose, duration)
    result = simulate(stated, best(stated), workers=1)
    return float(result["sampled_gentamicin"].values.ravel()[0])


@pytest.mark.parametrize("kind", DOSES)
@pytest.mark.parametrize("route", ROUTES)
def test_no_dose_reaches_nowhere_without_a_word(route, kind):
    """Either perilymph holds some of it, or the study is refused and told what to state."""
    into = Catalog().get("routes", route).options.into
    if into in ("middle_ear", "scala_tympani", "vestibule") and "volume" not in DOSES[kind]:
        with pytest.raises(BadInput, match="comes in a volume of fluid"):
            study(route, DOSES[kind])
    else:
        assert sampled(route, DOSES[kind]) > 0.0


@pytest.mark.parametrize("route", ["round_window", "intravenous", "cisterna"])
def test_what_arrives_is_proportional_to_the_dose_and_the_same_in_every_unit(route):
    one = sampled(route, 'amount = "1 mg"\nvolume = "3 uL"')
    assert sampled(route, 'amount = "3 mg"\nvolume = "3 uL"') == pytest.approx(3.0 * one, rel=1e-6)
    in_fluid = 'concentration = "333.333333333 mg/mL"\nvolume = "3 uL"'
    assert sampled(route, in_fluid) == pytest.approx(one, rel=1e-6)
    # The best guinea pig weighs 0.4 kg.
    assert sampled(route, 'amount = "2.5 mg/kg"\nvolume = "3 uL"') == pytest.approx(one, rel=1e-6)


def test_a_volume_above_what_the_space_holds_is_refused_with_figures():
    with pytest.raises(BadInput, match="more than all perilymph") as refused:
        study("intracochlear", 'amount = "1 mg"\nvolume = "40 uL"')
    assert "uL" in str(refused.value.allowed)


@pytest.mark.parametrize(
    ("dose", "key"),
    [("", "amount"), ('amount = "1 mg"\nconcentration = "2 mM"\nvolume = "3 uL"', "amount"),
     ('concentration = "2 mM"', "volume"), ('concentration = "2 mm"\nvolume = "3 uL"', "concentration")],
)  # fmt: skip
def test_a_dose_that_is_not_whole_says_what_it_lacks(dose, key):
    with pytest.raises(BadInput) as refused:
        study("intravenous", dose)
    assert str(refused.value.key).endswith(key)


def test_a_sample_without_a_place_is_drawn_under_the_window_and_is_not_cerebrospinal_fluid():
    text = STUDY.format(
        route="round_window", dose='amount = "1 mg"\nvolume = "3 uL"', duration="10 min"
    )  # fmt: skip
    drawn = {}
    for name, place in (("default", ""), ("base", "place = 0.0"), ("window", "place = 0.0292397660819")):
        stated = loads(text.replace("place = 0.2", place), "drug.toml")
        result = simulate(stated, best(stated), workers=1)
        drawn[name] = float(result["sampled_gentamicin"].values.ravel()[0])
    # Half of 1 mm over 17.1 mm.
    assert drawn["default"] == pytest.approx(drawn["window"], rel=1e-6)
    assert drawn["default"] > 3.0 * drawn["base"]
