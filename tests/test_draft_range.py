"""Which frequencies have a place in a species' cochlea, and how many a study takes that is drafted from tables."""

import pandas as pd
import pytest

from otosome.catalog import Catalog
from otosome.laboratory.draft import _heard, _measure


@pytest.mark.parametrize(
    ("species", "low", "high"),
    [
        # Ou, Harding and Bohne 2000, base and apex: 9.8 (10^0.92 - 0.68) and 9.8 (1 - 0.68) kHz.
        ("mouse", 3.136, 74.85),
        # The map of the Eaton-Peabody plug-in: 0.132 kHz at the apex, 2.618 decades above it at the base.
        ("guinea_pig", 0.132, 54.73),
    ],
)
def test_the_frequencies_heard_are_those_of_the_whole_duct(species, low, high):
    head = {"otosome": "study/1", "species": species, "until": "15 d", "arm": [{"name": "a"}]}
    assert _heard(head, Catalog()) == (pytest.approx(low, rel=1e-3), pytest.approx(high, rel=1e-3))


@pytest.mark.parametrize(("given", "taken"), [(1, 1), (39, 39), (40, 40), (41, 40), (200, 40)])
def test_a_drafted_measure_has_the_first_forty_of_its_frequencies_and_of_its_times(given, taken):
    numbers = [float(n) for n in range(given)]
    rows = pd.DataFrame({"frequency": numbers, "time": numbers, "flag": ""})
    measure = _measure("abr_threshold", "", rows.iloc[::-1])
    assert measure["frequency"] == [f"{n} kHz" for n in range(taken)]
    # Whole days are written as days.
    assert measure["at"] == [f"{n // 24} d" if n and n % 24 == 0 else f"{n} h" for n in range(taken)]
    # A baseline that has no date is one moment more, a day before.
    assert _measure("abr_threshold", "", rows.assign(flag="timepoint: baseline"))["at"][:2] == [
        "-1 d",
        "0 h",
    ]
