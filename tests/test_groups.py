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
    assert (row["high"] - row["low"]) / (2 * 1.959964) == pytest.approx(error, rel=1e-3)
    assert row["method"] == MIXED


def test_readings_of_one_animal_do_not_count_as_animals():
    random = np.random.default_rng(2)
    false = 0
    for _ in range(60):
        row = difference(animals(random, 6, 0.0))
        false += not row["low"] <= 0 <= row["high"]
    # 5 % expected, with a normal interval on 10 degrees of freedom 8 %; readings as units would give some 60 %.
    assert false <= 12


def test_animals_read_once_are_compared_by_their_means():
    readings = animals(np.random.default_rng(3), 5, 4.0, ears=1, tones=(8.0,))
    row = difference(readings)
    own = readings.groupby("group")["value"].mean()
    assert row["mean"] == pytest.approx(own["vesicles"] - own["vehicle"])
    assert row["method"] == MEANS


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
