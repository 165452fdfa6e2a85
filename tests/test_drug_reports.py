"""What a fit of a drug and the report of a run say of samples, of the shelf, and of what is known only together."""

import numpy as np
import pytest

from otosome import answer
from otosome.errors import BadInput
from otosome.fitting.fit import Estimate, Pair, _lit, _tells
from otosome.forward import draw, observe
from otosome.report import page as page_text
from otosome.study import loads
from test_drugs import DRUG, HEAD

DOSE = HEAD + DRUG.format(
    route="round_window", solute="dexamethasone", dose='concentration = "4 mg/mL"\nvolume = "10 uL"'
)
SAMPLE = """
[sample.basal]
at = ["1 h", "4 h"]
volume = "10 uL"
{more}
[measure.in_basal]
endpoint = "concentration"
solute = "dexamethasone"
sample = "basal"
at = ["1 h", "4 h"]
"""
EACH = SAMPLE.format(more='animals = "each"')


def estimate(name="a", learnt=0.95, deviate=0.0, light="green"):
    return Estimate(
        name, "", "", 1.0, 1.0, 0.9, 1.1, "1 (0.9 to 1.1)", "1 (0.1 to 10)", 0.1, learnt, light, deviate, None
    )


@pytest.mark.parametrize(
    ("deviate", "pairs", "light", "words"),
    [
        (1.9, [], "green", "Your data tell a"),
        (2.1, [], "yellow", "Your data tell against the shelf a"),
        (-2.1, [], "yellow", "Your data tell against the shelf a"),
        (0.0, [Pair("a", "b", -0.92)], "yellow", "Your data tell together with another a"),
        (0.0, [Pair("b", "c", -0.92)], "green", "Your data tell a"),
    ],
)
def test_a_number_at_odds_with_the_shelf_or_known_only_with_another_is_not_green(
    deviate, pairs, light, words
):
    own = _lit(estimate(deviate=deviate), pairs)
    assert own.light == light
    assert _tells(own).startswith(words)


def test_a_number_that_is_hardly_told_keeps_its_light():
    assert _lit(estimate(learnt=0.1, deviate=3.0, light="red"), []).light == "red"


@pytest.fixture(scope="module")
def result():
    study = loads(DOSE + EACH, "drug.toml")
    return study, answer(study, draw(study, subjects=4, seed=1))


def test_the_report_of_a_drug_shows_no_cells_and_assays_in_hours_and_mass(result):
    study, told = result
    page = page_text(told, observe(study, told, draw(study, subjects=4, seed=1)))
    assert "Cells along the cochlea" not in page
    assert "What is assayed over time" in page
    assert "day 0.167" not in page
    assert "Median at 4 h, µg/mL" in page


def test_the_report_says_how_a_sample_differs_from_the_curve_of_a_place(result):
    _, told = result
    curve = told["concentration_dexamethasone"].sel(probe="base", hour=1.0)
    share = (told["in_basal"].sel(time=1.0).isel(frequency=0) / curve).values
    (note,) = [note for note in _drugs(told).notes if "as it brings fluid" in note]
    assert "A sample “basal” of 10 uL holds" in note
    assert float(note.split("holds ")[1].split(" ")[0]) == pytest.approx(float(np.median(share)), rel=0.06)


def _drugs(told):
    from otosome.report import summary

    return summary.drugs(told)


def test_a_study_whose_samples_drain_every_ear_says_so_and_one_of_animals_of_their_own_does_not():
    words = "Every ear gives the sample “basal” (10 uL at 1 h, 4 h), and goes on without it"
    assert any(note.startswith(words) for note in loads(DOSE + SAMPLE.format(more=""), "s.toml").notes)
    assert not any("goes on without it" in note for note in loads(DOSE + EACH, "s.toml").notes)


def test_a_sample_that_ends_after_the_study_is_told_that_its_drawing_does():
    late = SAMPLE.replace("4 h", "24 h").format(more='duration = "1 min"')
    with pytest.raises(BadInput, match=r'at.*is drawn for 1 min.*24 h.*until = "25 h"'):
        loads(DOSE + late, "s.toml")
    loads(DOSE + late.replace('duration = "1 min"', ""), "s.toml")


def test_a_study_of_a_drug_alone_is_not_told_of_the_operation():
    assert not any("takes an operation" in note for note in loads(DOSE + EACH, "s.toml").notes)
