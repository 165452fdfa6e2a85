"""The benefit by dose: at the dose given it is the benefit of the best-value ear; it begins where it is a tenth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otosome.answers.contrast import best_benefit
from otosome.answers.dose import MULTIPLES, TIMES, begin, by_day, by_dose
from otosome.answers.window import window
from otosome.report.window import hearing_kept
from otosome.study import load

STUDY = load("noise_mouse")
QUESTION = STUDY.tables.compare


@pytest.fixture(scope="module")
def doses():
    return by_dose(STUDY, QUESTION)


def test_at_the_dose_given_it_is_the_benefit_of_the_best_value_ear(doses):
    # The knots of the window's steps and of the study's differ.
    assert doses.benefit[doses.stated] == pytest.approx(best_benefit(STUDY, QUESTION), abs=0.03)
    assert doses.particles[doses.stated] == pytest.approx(2e13 / 1e3 * 2, rel=1e-9)  # 2 uL of 2e13 per mL


def test_vesicles_met_follow_the_dose_and_the_benefit_rises_with_it(doses):
    # The volume stays, and so does what washes out: transport is linear far below any capacity.
    assert np.allclose(np.divide(doses.arrivals[:3], doses.arrivals[1:4]), 0.1, rtol=0.01)
    assert np.all(np.diff(doses.benefit) > 0)
    assert str(TIMES[0]) == "0.001" and len(doses.benefit) == len(TIMES)


def test_an_amount_in_particles_and_a_volume_that_holds_it_are_the_same_dose(doses):
    treatments = dict(STUDY.tables.treatment)
    stated = treatments["vesicles"].model_copy(
        update={"amount": type(STUDY.tables.treatment["vesicles"].volume)("4e10 particles")}
    )
    tables = STUDY.tables.model_copy(update={"treatment": {**treatments, "vesicles": stated}})
    again = by_dose(replace(STUDY, tables=tables), QUESTION)
    assert again.benefit == pytest.approx(doses.benefit, rel=1e-6)


def test_without_vesicles_there_is_no_dose():
    nothing = QUESTION.model_copy(update={"of": QUESTION.against, "against": "106 dB"})
    assert by_dose(STUDY, nothing) is None


def test_the_effect_begins_at_a_tenth_of_the_most():
    doses = np.array([1e3, 1e4, 1e5, 1e6])
    assert begin(doses, np.array([0.0, 0.0, 10.0, 10.0]), "dB") == pytest.approx(10**4.1)
    assert begin(doses, np.array([5.0, 6.0, 10.0, 10.0]), "dB") == 1e3
    assert begin(doses, np.array([0.0, 0.0, 0.0, 0.01]), "dB") is None
    assert begin(doses, np.array([0.0, -1.0, -2.0, -3.0]), "dB") is None


def test_it_says_how_many_vesicles_are_met_and_where_the_effect_begins(doses):
    assert doses.text.startswith(
        "At this dose (4×10¹⁰ particles) no more than 3.7 vesicles are ever in a stretch"
    )
    assert "The effect begins at 7.7×10⁸ particles" in doses.text


@pytest.fixture(scope="module")
def days():
    return by_day(STUDY, QUESTION)


def test_on_the_study_s_own_day_the_map_is_the_line_by_dose(days, doses):
    own = [row[days.days.index(1.0)] for row in days.benefit]
    assert days.stated == pytest.approx((1.0, doses.particles[doses.stated]))
    # Doses on other days put knots elsewhere.
    assert own == pytest.approx([doses.benefit[TIMES.index(times)] for times in MULTIPLES], abs=0.05)


def test_the_map_agrees_with_the_window_on_every_day(days):
    shown = window(STUDY, QUESTION, [24 * day for day in days.days])
    kept = hearing_kept(shown, [float(tone) for tone in STUDY.tables.measure[QUESTION.measure].tones])
    at_dose = days.benefit[MULTIPLES.index(1.0)]
    # The window reads tones between its own 48, and its vehicle brings no fluid.
    assert at_dose == pytest.approx(list(kept), abs=0.3)


def test_before_the_noise_more_is_kept_than_after_it_and_more_by_more(days):
    benefit = np.array(days.benefit)
    before, after = (benefit[:, days.days.index(day)] for day in (-1.0, 1.0))
    assert np.all(before > 2 * after)
    assert np.all(np.diff(benefit, axis=0) >= 0)
    late = [days.days.index(day) for day in days.days if day > 0]
    assert np.all(np.diff(benefit[:, late], axis=1) <= 1e-6)
    assert days.text.startswith("Of these days, at the dose given most is kept on day −1")


def test_of_several_doses_all_begin_with_the_first(days):
    treatment = STUDY.tables.treatment["vesicles"]
    twice = treatment.model_copy(update={"at": [type(treatment.at[0])("1 d"), type(treatment.at[0])("3 d")]})
    tables = STUDY.tables.model_copy(update={"treatment": {**STUDY.tables.treatment, "vesicles": twice}})
    both = by_day(replace(STUDY, tables=tables), QUESTION)
    assert both.stated[0] == 1.0
    assert both.benefit[2][both.days.index(1.0)] > days.benefit[2][days.days.index(1.0)]
