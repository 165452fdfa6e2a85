"""Which frequencies have a place in a species' cochlea, for a study drafted from tables."""

import pytest

from otosome.catalog import Catalog
from otosome.laboratory.draft import _heard


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
