"""Group means with the animal as the unit: on made-up animals whose truth is known, and where an exact answer is."""

import numpy as np
import pandas as pd
import pytest

from otosome.laboratory.groups import MEANS, MIXED, group_means, methods
from otosome.laboratory.tables import READINGS


def table(rows):
    frame = pd.DataFrame(rows)
    return frame.assign(quantity="abr_threshold", unit="dB SPL", censored="none", level=np.nan).reindex(
        columns=list(READINGS)
    )


def animals(random, count, effect, between=8.0, within=4.0, ears=2, tones=(8.0, 16.0, 32.0)):
    """Two groups of animals with a level of their own; their readings share it."""
    rows = []
    for group, mean in (("vehicle", 50.0), ("vesicles", 50.0 + effect)):
        for animal in range(count):
            own = random.normal(mean, between)
            for ear in ("left", "right")[:ears]:
                for number, tone in enumerate(tones):
                    value = own + 5.0 * number + random.normal(0, within)
                    rows.append(
                        {
                            "subject": f"{group}{animal}",
                            "ear": ear,
                            "group": group,
                            "frequency": tone,
                            "value": value,
                        }
                    )
    return table(rows)


def difference(readings):
    means = group_means(readings)
    return means[means["against"] != ""].iloc[0]


def test_in_a_balanced_table_the_difference_and_its_error_are_those_of_the_animals_means():
    readings = animals(np.random.default_rng(1), 8, -10.0)
    row = difference(readings)
    own = readings.groupby(["group", "subject"])["value"].mean()
    vehicle, vesicles = own["vehicle"], own["vesicles"]
    assert row["mean"] == pytest.approx(vesicles.mean() - vehicle.mean(), abs=1e-6)
    # Exact for balanced data: the pooled variance of the animals' means over 8 and 8.
    error = np.sqrt((vehicle.var(ddof=1) + vesicles.var(ddof=1)) / 2 * (2 / 8))
    # Of Student's t with 14 degrees of freedom: 2.1448 standard errors (any table of the distribution).
    assert (row["high"] - row["low"]) / (2 * 2.144787) == pytest.approx(error, rel=1e-3)
    assert row["freedom"] == 14
    assert row["method"] == MIXED


def test_readings_of_one_animal_do_not_count_as_animals():
    random = np.random.default_rng(2)
    false = 0
    for _ in range(60):
        row = difference(animals(random, 6, 0.0))
        false += not row["low"] <= 0 <= row["high"]
    # 5 % expected, so 8 or more with a chance of 1.5 %; with a normal interval 8 %, readings as units some 60 %.
    assert false <= 7


def test_animals_read_once_are_compared_by_their_means():
    readings = animals(np.random.default_rng(3), 5, 4.0, ears=1, tones=(8.0,))
    row = difference(readings)
    own = readings.groupby("group")["value"].mean()
    assert row["mean"] == pytest.approx(own["vesicles"] - own["vehicle"])
    assert row["method"] == MEANS


def test_the_mean_of_six_animals_has_the_interval_of_student():
    readings = animals(np.random.default_rng(9), 6, 0.0)
    mean = group_means(readings[readings["group"] == "vehicle"]).iloc[0]
    own = readings[readings["group"] == "vehicle"].groupby("subject")["value"].mean()
    # Exact for balanced animals: 2.5706 standard errors of six means (1.96 would be of very many).
    assert (mean["high"] - mean["low"]) / 2 == pytest.approx(
        2.570582 * own.std(ddof=1) / np.sqrt(6), rel=1e-3
    )


def test_a_group_beyond_the_limits_has_its_row_and_no_mean():
    readings = animals(np.random.default_rng(4), 6, 0.0)
    deaf = readings[readings["group"] == "vehicle"].assign(group="deaf", value=90.0, censored="above")
    deaf.loc[deaf["frequency"] == 8.0, "value"] = 80.0
    means = group_means(pd.concat([readings, deaf], ignore_index=True), ["vehicle", "deaf", "vesicles"])
    row = means[means["group"] == "deaf"].squeeze()
    assert row["about"] == "all 6 animals above 80 to 90 dB SPL"
    assert np.isnan(row["mean"]) and np.isnan(row["high"]) and row["against"] == ""
    assert row["low"] == pytest.approx((80 + 90 + 90) / 3)
    assert (row["animals"], row["readings"], row["censored"]) == (6, 0, 36)
    assert list(means["group"]) == ["vehicle", "deaf", "vesicles", "vesicles"]
    assert "deaf has no mean of abr threshold (all 6 animals above 80 to 90 dB SPL)" in methods(means, deaf)


def test_nobody_takes_the_place_of_a_reference_group_beyond_the_limits():
    readings = animals(np.random.default_rng(4), 6, 0.0)
    more = readings[readings["group"] == "vehicle"].assign(group="other")
    deaf = readings["group"] == "vehicle"
    readings = readings.assign(censored=np.where(deaf, "above", "none"))
    means = group_means(pd.concat([readings, more], ignore_index=True), ["vehicle", "vesicles", "other"])
    assert (means["against"] == "").all() and len(means) == 3


def test_animals_left_in_a_group_that_is_mostly_deaf_are_counted():
    readings = animals(np.random.default_rng(4), 6, 0.0)
    deaf = (readings["group"] == "vehicle") & (readings["subject"] != "vehicle0")
    readings = readings.assign(
        censored=np.where(deaf, "above", "none"), value=np.where(deaf, 90.0, readings["value"])
    )
    row = group_means(readings).iloc[0]
    assert (row["about"], row["readings"]) == ("5 of 6 animals above 90 dB SPL", 6)
    assert np.isnan([row["mean"], row["low"], row["high"]]).all()


def test_censored_readings_and_groups_of_one_animal_are_left_out():
    readings = animals(np.random.default_rng(4), 4, 0.0)
    more = readings[readings["subject"] == "vehicle0"].assign(group="alone", subject="z")
    lost = readings.assign(value=500.0, censored="above")
    means = group_means(pd.concat([readings, more, lost], ignore_index=True))
    assert set(means["group"]) == {"vehicle", "vesicles"}
    assert means["mean"].abs().max() < 100


def test_the_methods_are_said_in_one_sentence():
    readings = animals(np.random.default_rng(5), 4, 0.0)
    sentence = methods(group_means(readings), readings)
    assert sentence.count(". ") == 0 and sentence.endswith(".")
    assert "mixed models" in sentence and "compared with vehicle" not in sentence.split("compared")[0]
    assert sentence.endswith("no reading was censored.")
    assert methods(group_means(table([]).iloc[:0]), table([])) == ""


def test_a_mean_without_its_deaf_ears_is_said_to_be_too_low():
    readings = animals(np.random.default_rng(6), 4, 0.0)
    deaf = readings[readings["subject"] == "vehicle0"].assign(value=90.0, censored="above")
    both = pd.concat([readings, deaf, deaf.assign(group="deaf")], ignore_index=True)
    sentence = methods(group_means(both), both)
    assert f"{len(deaf)} of vehicle, {len(deaf)} of deaf (means without them are too low)" in sentence
