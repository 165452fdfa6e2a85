"""The ears people arrive with: norms of age and of noise, to the digits of the standards' examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from otosome.catalog import Catalog, get
from otosome.errors import BadInput
from otosome.evidence import draw_columns
from otosome.roles import Ear
from otosome.shelves.populations.otologically_normal import (
    age_median,
    age_spread,
    noise_median,
    noise_spread,
)
from otosome.units import quantity
from test_endpoints import EAR, cells_with

CATALOG = Catalog()
ENTRY = CATALOG.get("populations", "otologically_normal")
AUDIOMETRIC = np.array([0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0])
NOISY = np.array([0.5, 1.0, 2.0, 3.0, 4.0, 6.0])
YEAR = quantity("1 year")
WORST_TENTH = float(ndtri(0.9))


def column(values):
    return np.reshape(np.asarray(values, dtype=float), (-1, 1, 1))


def people(
    age=60.0, standing=0.0, noise_level=0.0, noise_time=0.0, sex="male", oldest=None, extended=False, **ranks
):
    numbers = {
        "standing": standing,
        "limit": 120.0,
        "age_rank": 0.0,
        "sex_rank": 0.0,
        "outer_share": 0.65,
        "lone": 0.65,
    }
    table = {f"populations.otologically_normal.{k}": np.ravel(v) for k, v in (numbers | ranks).items()}
    ages = [column(np.multiply(end, YEAR)) for end in (age, age if oldest is None else oldest)]
    noise = {"noise_level": noise_level, "noise_time": noise_time * YEAR}
    return ENTRY.bind(table, "human", sex=sex, age=tuple(ages), extended=extended, **noise)


def curve(name):
    return ENTRY.card.profile(name, "human")


def at(values, name, frequency):
    return float(np.ravel(values)[np.flatnonzero(curve(name)["frequency"] == frequency)[0]])


def test_a_man_of_60_hears_4_kHz_as_ISO_7029_says():
    # Case ear:A1.
    assert round(people().baseline(np.array([4.0])).item(), 4) == 20.2085
    assert round(at(age_median(curve("male"), 42.0), "male", 4.0), 4) == 20.2085
    assert round(at(age_spread(curve("male"), 42.0, "upper"), "male", 1.0), 4) == 10.1533


@pytest.mark.parametrize("standing", [-1.0, 0.0, 1.5])
def test_a_child_hears_as_at_18_where_the_norms_begin_and_keeps_its_age(standing):
    child, grown = (people(age=age, standing=standing) for age in (4.0, 18.0))
    assert np.array_equal(child.baseline(AUDIOMETRIC), grown.baseline(AUDIOMETRIC))
    assert (child.ages.item(), grown.ages.item()) == pytest.approx((4.0, 18.0))


NOISE = [
    (90.0, 20.0, 4.0, 0.0, 12.94, 13),
    (90.0, 20.0, 4.0, WORST_TENTH, 17.76, 18),
    (100.0, 40.0, 3.0, WORST_TENTH, 59.83, 60),
]


@pytest.mark.parametrize(("level", "years", "frequency", "standing", "expected", "printed"), NOISE)
def test_noise_at_work_shifts_as_annex_D_of_ISO_1999_prints(
    level, years, frequency, standing, expected, printed
):
    # Case ear:A2.
    shift = people(noise_level=level, noise_time=years, standing=standing).deafened(np.array([frequency]))
    assert round(shift.item(), 2) == expected
    assert round(shift.item()) == printed


@pytest.mark.parametrize("sex", ["male", "female"])
def test_at_18_years_the_median_is_audiometric_zero(sex):
    assert np.all(people(age=18.0, sex=sex).baseline(AUDIOMETRIC) == 0.0)


@pytest.mark.parametrize("sex", ["male", "female"])
def test_hearing_worsens_with_age_and_with_a_worse_standing(sex):
    by_age = people(age=np.arange(18.0, 81.0), sex=sex).baseline(AUDIOMETRIC)
    assert np.all(np.diff(by_age[:, 0], axis=0) >= 0)
    standing = np.linspace(-3.0, 3.0, 41)
    for age in (18.0, 45.0, 80.0):
        by_standing = people(age=age, sex=sex, standing=standing).baseline(AUDIOMETRIC)
        assert np.all(np.diff(by_standing[:, 0], axis=0) > 0)


@given(
    age=st.floats(18.0, 80.0),
    level=st.floats(75.0, 100.0),
    years=st.floats(0.0, 40.0),
    standing=st.floats(-1.6, 1.6),
    louder=st.floats(0.0, 25.0),
)
def test_more_noise_never_means_better_hearing(age, level, years, standing, louder):
    ears = [
        people(age=age, noise_level=loud, noise_time=years, standing=standing).baseline(NOISY)
        for loud in (0.0, level, min(level + louder, 100.0))
    ]
    assert np.all(ears[0] <= ears[1] + 1e-9)
    if standing >= 0:
        assert np.all(ears[1] <= ears[2] + 1e-9)


def test_age_and_noise_add_less_than_in_full():
    both = people(noise_level=100.0, noise_time=30.0, standing=1.0)
    aged, deafened = both.aged(NOISY), both.deafened(NOISY)
    assert np.allclose(both.baseline(NOISY), aged + deafened - aged * deafened / 120.0)


def test_below_ten_years_the_median_grows_as_the_standard_extrapolates_it():
    table = curve("noise")
    ten, three = (noise_median(table, 95.0, years) for years in (10.0, 3.0))
    assert np.allclose(three, ten * np.log10(4.0) / np.log10(11.0))
    assert np.allclose(noise_median(table, 95.0, 10.0 - 1e-9), ten)
    assert np.all(noise_median(table, 95.0, 0.0) == 0.0)
    assert np.all(noise_spread(table, 95.0, 0.5, "upper") >= 0.0)


def test_noise_below_75_dB_or_none_at_all_shifts_nothing():
    assert np.all(people(noise_level=75.0, noise_time=40.0, standing=2.0).deafened(NOISY) == 0.0)
    assert np.all(people(noise_level=100.0).deafened(NOISY) == 0.0)


def test_between_audiometric_frequencies_hearing_lies_between_theirs():
    three, between, four = people().baseline(np.array([3.0, np.sqrt(12.0), 4.0]))[0, 0]
    assert between == pytest.approx(0.5 * (three + four))


@pytest.mark.parametrize(
    ("given", "frequency", "told"),
    [
        ({}, 8.5, "no norm there.*0.125 to 8 kHz"),
        ({}, 0.1, "no norm there"),
        ({"noise_level": 90.0, "noise_time": 10.0}, 8.0, "no norm there.*0.5 to 6 kHz"),
        ({"age": 0.5}, 1.0, "age.*1 to 80 years"),
        ({"age": 81.0}, 1.0, "age.*1 to 80 years"),
        ({"noise_level": 101.0, "noise_time": 1.0}, 1.0, "noise_level.*0 to 100 dB"),
        ({"noise_level": 90.0, "noise_time": 41.0}, 1.0, "noise_time.*0 to 40 years"),
        ({"sex": "other"}, 1.0, "sex.*male, female, both"),
        ({"age": 71.0, "extended": True}, 1.0, "age.*1 to 70 years"),
        ({"extended": True}, 17.0, "no norm there.*0.125 to 16 kHz"),
        ({"age": 50.0, "oldest": 40.0}, 1.0, "age: rises, from the youngest to the oldest"),
    ],
)
def test_what_the_standards_do_not_cover_is_refused(given, frequency, told):
    with pytest.raises(BadInput, match=told):
        people(**given).baseline(np.array([frequency]))


def drawn(number, **stated):
    table = draw_columns(ENTRY.parameters("human").values(), 3, 0, number)
    return ENTRY.bind(table, "human", **stated)


SIXTY = (60.0 * YEAR, 60.0 * YEAR)


def test_drawn_people_stand_as_the_standard_spreads_them():
    heard = drawn(20_000, age=SIXTY, sex="male").baseline(np.array([4.0])).ravel()
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        limit = people(standing=float(ndtri(share))).baseline(np.array([4.0])).item()
        assert np.mean(heard <= limit) == pytest.approx(share, abs=0.01)


def test_ages_are_as_many_everywhere_between_the_youngest_and_the_oldest():
    found = drawn(20_000, age=(50.0 * YEAR, 70.0 * YEAR), sex="male").years.ravel() + 18.0
    assert found.min() >= 50.0 and found.max() <= 70.0
    for share in (0.1, 0.5, 0.9):
        assert np.mean(found <= 50.0 + 20.0 * share) == pytest.approx(share, abs=0.01)


def test_of_both_sexes_each_person_hears_as_one_of_them():
    both, men, women = (
        drawn(2000, age=SIXTY, sex=sex).baseline(AUDIOMETRIC)[:, 0] for sex in ("both", "male", "female")
    )
    is_woman = np.all(both == women, axis=1)
    assert np.all(is_woman | np.all(both == men, axis=1))
    assert np.mean(is_woman) == pytest.approx(0.5, abs=0.04)


def test_the_frequencies_of_a_population_are_those_with_a_norm_of_all_it_rests_on():
    assert people().covered == (0.125, 8.0)
    assert people(noise_level=90.0, noise_time=10.0).covered == (0.5, 6.0)


def test_an_ear_brings_its_age_to_the_audiogram():
    entry = get("endpoints", "audiogram")
    numbers = {p.name: np.array([p.value]) for p in entry.parameters("human").values()}
    old = people(age=70.0)
    audiogram = entry.bind(numbers, "human", population=old)
    frequency = np.array([4.0, 8.0])
    value = audiogram.value(EAR, cells_with(), frequency)
    assert np.allclose(value, old.baseline(frequency))
    assert np.all(audiogram.value(EAR, cells_with(ohc=0.5), frequency) > value)


def test_the_old_keep_most_neurons_though_few_have_a_synapse_and_the_audiogram_stays():
    """A quarter of the neurons go by 75 (makary_2011, unverified); past 60 most axons are gone (wu_2019)."""
    place = np.linspace(0.1, 0.9, 17)
    ear = Ear("human", place, 20.0 * 10.0 ** (-2.1 * place), np.array([31.5]), {})
    rates = {
        kind: get("cells", kind).columns(
            {p.name: np.array([p.value]) for p in get("cells", kind).parameters("human").values()},
            "human",
        )
        for kind in ("ohc", "ihc", "synapse", "sgn")
    }
    old, bare = (people(age=75.0, lone=lone).arrived(ear, rates) for lone in (0.65, 0.0))
    assert 0.6 < old["sgn"].mean() < 0.85
    assert np.median(1.0 - old["synapse"]) > 0.6
    # Fibres that carry sound, and so the audiogram, are the same.
    for kind in ("ohc", "synapse"):
        assert np.array_equal(old[kind], bare[kind])
    assert np.array_equal(np.minimum(old["synapse"], old["sgn"]), bare["synapse"])


def test_norms_go_on_to_16_khz_where_asked_for_with_the_medians_that_were_measured():
    """Jilek 2014: 0.021 (age - 18)^2 at 9 kHz, 0.24 and 0.36 (age - 18)^1.5 at 12.5 and 16 kHz, for both sexes."""
    tones = np.array([8.0, 9.0, 12.5, 16.0])
    heard = {sex: people(60.0, sex=sex, extended=True).baseline(tones)[0, 0] for sex in ("male", "female")}
    assert heard["male"][1:] == pytest.approx([0.021 * 42**2, 0.24 * 42**1.5, 0.36 * 42**1.5], rel=1e-9)
    assert np.all(heard["male"][1:] == heard["female"][1:])
    assert heard["male"][0] > heard["female"][0]
