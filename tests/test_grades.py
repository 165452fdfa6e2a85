"""Grades: the same audiogram by every scale, to the letter of each, and never better for a worse ear."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.model.grades import (
    HIGH_PTA,
    PTA4,
    OneEar,
    Rule,
    pure_tone_average,
)

CATALOG = Catalog()
SCALES = CATALOG.names("scales")
every_scale = pytest.mark.parametrize("name", SCALES)
SIX = np.array([1.0, 2.0, 3.0, 4.0, 6.0, 8.0])
ALL = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])


def scale(name):
    return CATALOG.get("scales", name).bind({}, "human")


def label(name, *levels, frequency=SIX, **given):
    found = scale(name)
    return found.labels[int(found.grade(np.array(levels, dtype=float), frequency, **given))]


def shifted(name, *levels, **given):
    return label(name, *levels, baseline=np.zeros(len(levels)), **given)


# Case ear:A8.
SIOP = [
    ((10, 10, 15, 20, 20, 20), "0"),
    ((10, 10, 15, 20, 25, 30), "1"),
    ((10, 10, 20, 25, 40, 50), "2"),
    ((10, 25, 30, 40, 60, 70), "3"),
    ((20, 45, 50, 60, 70, 80), "4"),
]


@pytest.mark.parametrize(("levels", "expected"), SIOP)
def test_SIOP_Boston_grades_as_published(levels, expected):
    assert label("siop_boston", *levels) == expected


def test_SIOP_Boston_counts_from_25_dB_and_its_worst_grade_from_45_dB():
    assert label("siop_boston", 0, 0, 0, 0, 25, 0) == label("siop_boston", 0, 0, 0, 0, 0, 25) == "1"
    assert label("siop_boston", 0, 0, 25, 25, 25, 25) == "3"
    assert label("siop_boston", 0, 40, 60, 60, 60, 60) == "3"
    assert label("siop_boston", 0, 45, 60, 60, 60, 60) == "4"


def test_a_notch_has_the_grade_of_its_frequency():
    assert label("siop_boston", 0, 0, 0, 30, 10, 10) == "2"
    assert label("brock", 0, 0, 0, 40, 10, 10) == "2"


def test_Brock_begins_at_40_dB_and_goes_from_high_to_low_frequency():
    assert label("brock", 35, 35, 35, 35, 35, 35) == "0"
    assert label("brock", 0, 0, 0, 0, 80, 40) == "1"
    assert label("brock", 0, 0, 60, 40, 60, 60) == "2"
    assert label("brock", 0, 40, 60, 60, 60, 60) == "3"
    assert label("brock", 40, 60, 60, 60, 60, 60) == "4"


def test_Chang_tells_milder_losses_and_the_frequencies_between():
    assert label("chang", 20, 20, 20, 20, 35, 35) == "0"
    assert label("chang", 0, 0, 0, 20, 40, 0) == "1a"
    assert label("chang", 0, 0, 0, 25, 40, 40) == "1b"
    assert label("chang", 0, 0, 0, 35, 40, 40) == "1b"
    assert label("chang", 0, 0, 0, 40, 50, 60) == "2a"
    assert label("chang", 0, 0, 25, 40, 50, 60) == "2b"
    assert label("chang", 0, 0, 40, 50, 60, 70) == "3"
    assert label("chang", 40, 50, 60, 60, 60, 60) == "4"


def test_CTCAE_averages_the_shifts_of_neighbours():
    assert shifted("ctcae_5_adult", 0, 0, 0, 0, 10, 15) == "0"
    assert shifted("ctcae_5_adult", 0, 0, 0, 0, 10, 20) == "1"
    assert shifted("ctcae_5_adult", 0, 0, 0, 0, 25, 25) == "1"
    assert shifted("ctcae_5_adult", 0, 0, 0, 0, 25, 30) == "2"
    assert shifted("ctcae_5_adult", 0, 0, 0, 20, 25, 30) == "2"
    assert shifted("ctcae_5_adult", 0, 0, 0, 25, 25, 30) == "3"
    assert shifted("ctcae_5_adult", 0, 80, 85, 85, 85, 85) == "3"
    assert shifted("ctcae_5_adult", 0, 85, 85, 85, 85, 85) == "4"


def test_CTCAE_judges_what_changed_and_not_what_was_there():
    old = np.array([40.0, 45, 50, 55, 60, 65])
    assert label("ctcae_5_adult", *old, baseline=old) == "0"
    assert label("ctcae_5_child", *old, baseline=old) == "0"
    assert label("siop_boston", *old) == "4"


def test_CTCAE_asks_both_ears_for_its_worst_grade_and_one_for_the_others():
    bad, good = np.full(6, 90.0), np.zeros(6)
    one = OneEar(good, good)
    assert label("ctcae_5_adult", *bad, baseline=good, other=one) == "3"
    assert label("ctcae_5_adult", *bad, baseline=good, other=OneEar(bad, good)) == "4"


def test_CTCAE_of_children_goes_by_frequency_from_25_dB():
    assert shifted("ctcae_5_child", 0, 0, 0, 0, 20, 20) == "0"
    assert shifted("ctcae_5_child", 0, 0, 0, 0, 0, 25) == "1"
    assert shifted("ctcae_5_child", 0, 0, 0, 25, 40, 40) == "2"
    assert shifted("ctcae_5_child", 0, 0, 25, 40, 40, 40) == "3"
    assert shifted("ctcae_5_child", 90, 90, 90, 90, 90, 90) == "3"


def test_ASHA_asks_for_20_dB_once_or_10_dB_twice_side_by_side_or_three_lost_responses():
    assert shifted("asha_1994", 0, 0, 0, 15, 5, 15) == "no change"
    assert shifted("asha_1994", 0, 0, 0, 0, 20, 0) == "loss"
    assert shifted("asha_1994", 0, 10, 10, 0, 0, 0) == "loss"
    assert shifted("asha_1994", 10, 0, 10, 0, 10, 0) == "no change"
    gone = np.array([False, False, False, True, True, True])
    assert shifted("asha_1994", 0, 0, 0, 5, 5, 5, lost=gone) == "loss"
    assert shifted("asha_1994", 0, 0, 0, 5, 5, 5, lost=gone & (SIX != 6.0)) == "no change"


WHO = [(19.75, "normal"), (20, "mild"), (34.75, "mild"), (35, "moderate"), (50, "moderately severe"), (65, "severe"),
       (80, "profound"), (94.75, "profound"), (95, "complete")]  # fmt: skip


@pytest.mark.parametrize(("average", "expected"), WHO)
def test_WHO_grades_begin_at_their_lower_ends(average, expected):
    assert label("who_2021", *np.full(8, average), frequency=ALL) == expected


def test_WHO_grades_go_by_the_better_ear():
    deaf, mild = np.full(8, 100.0), np.full(8, 25.0)
    assert label("who_2021", *deaf, frequency=ALL, other=OneEar(mild)) == "mild"
    assert label("who_2021", *mild, frequency=ALL, other=OneEar(deaf)) == "mild"


def test_averages_are_over_their_frequencies_alone():
    levels = np.array([90.0, 10, 20, 30, 90, 40, 50, 60])
    assert pure_tone_average(levels, ALL) == 25.0
    assert pure_tone_average(levels, ALL, HIGH_PTA) == 50.0
    assert pure_tone_average(np.stack([levels, levels + 5]), ALL, PTA4).tolist() == [25.0, 30.0]


def test_the_same_ears_are_lost_by_one_scale_and_not_by_another():
    # A loss of 25 to 35 dB at high frequency: of the kind on which scales disagree.
    levels = (10, 15, 25, 30, 35, 35)
    assert label("siop_boston", *levels) == "3"
    assert label("brock", *levels) == "0"
    assert label("chang", *levels) == "2b"


LEVELS = st.lists(st.integers(-2, 24).map(lambda step: 5.0 * step), min_size=8, max_size=8).map(np.array)
RISES = st.lists(st.integers(0, 8).map(lambda step: 5.0 * step), min_size=8, max_size=8).map(np.array)


@every_scale
@given(before=LEVELS, shift=RISES, worse=RISES, other=LEVELS)
def test_a_worse_ear_never_grades_better(name, before, shift, worse, other):
    found, second = scale(name), OneEar(other, before)
    for given_other in (None, second):
        less = found.grade(before + shift, ALL, baseline=before, other=given_other)
        more = found.grade(before + shift + worse, ALL, baseline=before, other=given_other)
        assert 0 <= less <= more < len(found.labels)


@every_scale
def test_a_whole_ear_has_no_grade_and_a_dead_one_has_the_worst(name):
    found, none = scale(name), np.zeros((3, 2, 8))
    assert np.array_equal(found.grade(none, ALL, baseline=none), np.zeros((3, 2)))
    worst = found.grade(none + 110.0, ALL, baseline=none)
    assert np.all(worst == len(found.labels) - 1)


@every_scale
@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_gap_in_an_audiogram_is_refused(name, gap):
    levels = np.array([0.0, 0, 0, gap, 0, 0, 0, 0])
    for given_levels in ((levels, np.zeros(8)), (np.zeros(8), levels)):
        with pytest.raises(BadInput, match="gaps"):
            scale(name).grade(given_levels[0], ALL, baseline=given_levels[1])
    with pytest.raises(BadInput, match="gaps"):
        scale(name).grade(np.zeros(8), ALL, baseline=np.zeros(8), other=OneEar(levels, np.zeros(8)))
    with pytest.raises(BadInput, match="gaps"):
        pure_tone_average(levels, ALL)


@every_scale
def test_a_scale_says_which_frequency_or_baseline_it_lacks(name):
    found = scale(name)
    if found.needs:
        with pytest.raises(BadInput, match="was not tested at"):
            found.grade(np.zeros(1), np.array([0.25]), baseline=np.zeros(1))
    if found.asks_baseline:
        with pytest.raises(BadInput, match="baseline"):
            found.grade(np.zeros(8), ALL)


@every_scale
def test_a_scale_names_its_source_and_how_it_was_read(name):
    options = CATALOG.get("scales", name).options
    assert CATALOG.source(options.source).title
    assert options.basis in ("measured", "secondary", "unverified")
    assert options.because
    grades = {rule.grade for rule in scale(name).rules}
    assert grades == set(range(1, len(scale(name).labels)))


def test_frequencies_that_do_not_fit_the_audiogram_are_refused():
    for frequency in (SIX[::-1], SIX[:5], np.ones((6, 1))):
        with pytest.raises(BadInput, match="frequencies rise"):
            scale("siop_boston").grade(np.zeros(6), frequency)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"grade": 1, "above": "20 dB HL", "where": "4 kHz"}, "is not a key of a rule"),
        ({"grade": 1, "above": "20 dB HL", "over": "most"}, "is not known"),
        ({"grade": 1}, "above, or reaches"),
        ({"grade": 1, "above": "20 dB HL", "reaches": "20 dB HL"}, "above, or reaches"),
        ({"grade": 1, "above": "20 dB"}, "dB HL"),
        ({"grade": 1, "of": "shift", "above": "20 dB HL"}, "'dB'"),
    ],
)
def test_a_rule_that_cannot_be_read_says_why(table, told):
    with pytest.raises(ValueError, match=told):
        Rule.of_table(table)


@pytest.mark.parametrize(
    "name, grade", [("siop_boston", "2"), ("ctcae_5_child", "2"), ("brock", "2"), ("chang", "2a")]
)
def test_the_least_reading_of_a_grade_has_it_at_one_frequency_and_a_step_below_has_not(name, grade):
    scale = CATALOG.get("scales", name).bind({}, "human")
    tested = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])
    before = np.array([0.0, 5.0, 10.0, 0.0, -5.0, 15.0, 0.0])
    least = scale.least(grade, tested, before, 5.0)
    assert np.any(np.isfinite(least))
    for k, reading in enumerate(least):
        for passed, level in ((np.isfinite(reading), min(reading, 120.0)), (False, reading - 5.0)):
            if np.isfinite(level):
                after = np.where(np.arange(7) == k, level, before)
                assert (scale.grade(after, tested, before) >= scale.labels.index(grade)) == passed


def test_a_scale_of_means_or_of_neighbours_has_no_least_reading_of_a_frequency():
    for name in ("who_2021", "asha_1994"):
        scale = CATALOG.get("scales", name).bind({}, "human")
        with pytest.raises(BadInput, match="passed by frequencies together"):
            scale.least(scale.labels[1], np.array([0.5, 1.0, 2.0, 4.0]), np.zeros(4), 5.0)
