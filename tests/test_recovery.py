"""What comes back by itself: laws of the return, and the placebo arms of published trials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otosome.catalog import Catalog
from otosome.evidence import draw_columns
from otosome.recovery import regressed
from test_audiogram import FREQUENCY, Arrived
from test_endpoints import EAR, cells_with, endpoint

CATALOG = Catalog()
PEOPLE = 4000
DAYS = 24.0 * np.array([-3.0, 0.0, 1.0, 7.0, 28.0, 400.0])


def recovery(name, entered=2.0, people=PEOPLE):
    entry = CATALOG.get("recoveries", name)
    table = draw_columns(entry.parameters("human").values(), 3, 0, people)
    return entry.bind(table, "human", entered=24.0 * entered)


def regained(level, entered, day, name="sudden_loss"):
    """dB of each person, one level a person."""
    levels = np.broadcast_to(level, (PEOPLE,))[:, None, None]
    return recovery(name, entered).regained(levels, np.array([24.0 * day])).ravel()


@pytest.mark.parametrize("name", CATALOG.names("recoveries"))
@given(level=st.floats(-20.0, 120.0), entered=st.floats(0.0, 60.0))
def test_what_comes_back_grows_from_nothing_at_entry_and_never_beyond_the_loss(name, level, entered):
    back = recovery(name, entered, 60).regained(np.full((60, 1, 1), level), DAYS)
    assert np.all(back[:, DAYS <= 0.0] == 0.0)
    assert np.all(np.diff(back, axis=1) >= 0.0)
    assert np.all(back >= 0.0) and np.all(back <= max(level, 0.0) + 1e-9)


def test_who_enters_later_has_less_to_regain():
    early, late = (regained(70.0, day, 90.0) for day in (1.0, 14.0))
    assert np.all(late <= early)
    assert late.mean() < 0.6 * early.mean()


def test_a_loss_of_long_standing_regains_nothing():
    assert not np.any(regained(60.0, 2.0, 90.0, "chronic"))


# Levels are not published person by person: even spreads over the ranges that the trials took in are assumed. The
# tolerance is what placebo arms of one kind differ by among each other, 14 to 33 dB, a quarter either way.
RNG = np.random.default_rng(4)
SEVERE, PROFOUND = RNG.uniform(60.0, 90.0, PEOPLE), RNG.uniform(90.0, 115.0, PEOPLE)
TRIALS = {
    "HEALOS, within 3 days, day 28": (np.where(RNG.uniform(size=PEOPLE) < 98 / 256, PROFOUND, SEVERE), 2.0, 28.0, 33.4),
    "its profoundly deaf": (PROFOUND, 2.0, 28.0, 26.8),
    "older placebo arms, a week or so": (RNG.uniform(35.0, 85.0, PEOPLE), 7.0, 60.0, 14.3),
    "untreated people, months": (RNG.uniform(40.0, 100.0, PEOPLE), 5.0, 75.0, 24.0),
}  # fmt: skip


@pytest.mark.parametrize(("level", "entered", "day", "published"), TRIALS.values(), ids=list(TRIALS))
def test_untreated_people_regain_what_placebo_arms_did(level, entered, day, published):
    assert regained(level, entered, day).mean() == pytest.approx(published, abs=5.0)


def test_as_many_untreated_people_as_published_regain_10_dB_and_30_dB():
    # Ying 2024: 70 % (95 % 57 to 82) and 36 % (28 to 44).
    found = regained(RNG.uniform(40.0, 100.0, PEOPLE), 5.0, 75.0)
    assert 0.57 < np.mean(found >= 10.0) < 0.82
    assert 0.28 < np.mean(found >= 30.0) < 0.44


def test_people_differ_in_what_they_regain_by_tens_of_decibels():
    # 27 dB, derived from p-values at an assumed number of people; that none regains less than nothing narrows it.
    assert 15.0 < regained(SEVERE, 2.0, 28.0).std() < 30.0


def test_an_audiogram_regains_it_in_whatever_state_the_cells_are():
    back = recovery("sudden_loss", people=1)
    since = np.array([-24.0, 0.0, 672.0])
    for cells in (cells_with(), cells_with(ohc=0.6)):
        without, with_it = (
            endpoint("audiogram", "human", population=Arrived(70.0), recovery=how).value(
                EAR, cells, FREQUENCY
            )
            for how in (None, (back, since))
        )
        gain = back.regained(np.full((1, 1, FREQUENCY.size), 70.0), since)
        assert np.allclose(without - with_it, gain)


def test_people_chosen_by_a_bad_score_read_better_next_time_though_nothing_changed():
    rng = np.random.default_rng(8)
    truth = rng.normal(60.0, 15.0, 400_000)
    first, second = (truth + rng.normal(0.0, 7.0, truth.size) for _ in range(2))
    chosen = first < 45.0
    expected = regressed(first[chosen], 60.0, 15.0, 7.0)
    assert expected.mean() > first[chosen].mean() + 2.0
    # Standard error of the mean of some 70,000 differences.
    assert second[chosen].mean() == pytest.approx(expected.mean(), abs=0.1)
