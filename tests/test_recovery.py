"""What comes back by itself: laws of the return, and the placebo arms of published trials."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.evidence import draw_columns
from otosome.forward import draw, observe, simulate
from otosome.study import loads, saves
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


# Enrolment by one reading

CHOSEN = """
otosome = "study/1"
species = "human"
[population]
entry = "recorded"
ear = "better"
[population.readings]
"1 kHz" = {levels}
[numbers."populations.recorded.rank"]
value = "0"
low = "-1e-6"
high = "1e-6"
basis = "assumed"
because = "people stand as those recorded"
[enrolment]
measure = "hearing"
{ends}
[[arm]]
name = "nothing"
[measure.hearing]
endpoint = "audiogram"
frequency = ["1 kHz"]
at = ["0 d", "7 d"]
"""
# Hearing levels of 999 people, normal about 60 dB HL.
LEVELS = [round(float(level), 3) for level in 60.0 + 8.0 * ndtri(np.arange(1, 1000) / 1000)]


def chosen(ends='lowest = "70 dB HL"'):
    return loads(CHOSEN.format(levels=LEVELS, ends=ends), "chosen")


def test_people_chosen_by_a_bad_reading_read_better_next_time_by_as_much_as_normal_errors_have_it():
    study = chosen()
    table = draw(study, 4000, 1, world=4000)
    read, regressed = table.selection["read"], np.mean(table.selection["truth"] - table.selection["read"])
    # One world, so what all ears share is one number: the error of reading, and where the recorded truly lie.
    error, off = (table[name] for name in ("endpoints.audiogram.error", "populations.recorded.off"))
    noise = np.mean(error) ** 2 + 5.0**2 / 12
    truth = 8.0**2 + 1.5**2
    expected = (1 - truth / (truth + noise)) * (60.0 + off.mean() - read.mean())
    assert expected < -1.0
    # Half a dB: readings are rounded to 5 dB, and what is off is not known better from those chosen.
    assert regressed == pytest.approx(expected, abs=0.5)
    again = observe(study, simulate(study, table.take(slice(1000)), 1), table)
    seen = again[(again["quantity"] == "audiogram") & (again["ear"] == "left")]["value"]
    # Readings differ from the truth by some 4 dB: the standard error of the mean of 2,000 is a tenth of one.
    assert seen.mean() - read.mean() == pytest.approx(regressed, abs=0.5)


def test_who_is_taken_in_whatever_they_are_read_at_does_not_change():
    selection = draw(chosen('lowest = "-30 dB HL"'), 200, 1).selection
    assert np.all(selection["share"] == 1.0)
    assert abs(np.mean(selection["truth"] - selection["read"])) < 0.5


def test_an_ear_taken_in_is_the_same_for_any_number_of_ears():
    few, many = (draw(chosen(), number, 1) for number in (7, 30))
    assert few == many.take(slice(7))
    assert draw(chosen(), seed=1, rows=slice(13, 28)) == many.take(slice(13, 28))


def test_a_result_says_what_choosing_people_did():
    study = chosen()
    result = simulate(study, draw(study, 10, 1), 1)
    assert any("regression to the mean" in note for note in json.loads(result.attrs["notes"]))
    again = loads(saves(study, 1), "chosen")
    assert again.tables.enrolment == study.tables.enrolment


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ("", "excludes nobody"),
        ('lowest = "70 dB"', "unit"),
        ('lowest = "70 dB HL"\nhighest = "60 dB HL"', "above the highest"),
    ],
)
def test_an_enrolment_that_chooses_nobody_or_everybody_is_refused(ends, told):
    with pytest.raises(BadInput, match=told):
        chosen(ends)


def test_where_nobody_would_be_taken_in_it_says_so():
    with pytest.raises(BadInput, match="nobody would have been taken in"):
        draw(chosen('highest = "-10 dB HL"'), 10, 1)
