"""Place maps: the published ones to the digits given, and what every map must do."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.catalog import Catalog

CATALOG = Catalog()
every_map = pytest.mark.parametrize("name", CATALOG.names("maps"))
PLACES = np.linspace(0.0, 1.0, 201)[None, None, :]


def map_of(name):
    entry = CATALOG.get("maps", name)
    return entry.bind({p.name: np.array([p.value]) for p in entry.parameters("").values()}, "")


# Place of 16 kHz, % from the base: case ear:A7, and below it the other published maps, worked out by hand.
AT_16_KHZ = [
    ("mouse_muller_2005", 57.2), ("mouse_epl", 60.4), ("mouse_muniak_2013", 55.5), ("rat_epl", 46.2),
    ("guinea_pig_epl", 20.4), ("cat_liberman_1982", 26.0), ("gerbil_epl", 26.8), ("chinchilla_epl", 4.9),
    ("human_greenwood_1990", 5.3),
    ("human_epl", 4.7), ("mouse_ehret_1975", 53.8), ("guinea_pig_greenwood_1990", 20.6), ("rhesus_epl", 21.1),
    ("marmoset_epl", 14.2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "place"), AT_16_KHZ)
def test_16_kHz_lies_where_the_map_was_published_to_put_it(name, place):
    assert round(100 * float(map_of(name).place(16.0).item()), 1) == place


@every_map
def test_frequencies_are_above_zero_and_never_rise_towards_the_apex(name):
    frequency = map_of(name).frequency(PLACES)
    assert frequency.shape == PLACES.shape
    assert np.all(frequency > 0)
    assert np.all(np.diff(frequency) <= 0)
    assert frequency[0, 0, 0] > 8 * frequency[0, 0, -1]


@every_map
def test_the_place_of_a_frequency_has_that_frequency(name):
    tonotopy = map_of(name)
    heard = np.unique(tonotopy.frequency(PLACES))[1:]
    assert np.allclose(tonotopy.frequency(tonotopy.place(heard)), heard, rtol=1e-9)


def test_the_rats_apex_has_a_frequency_though_its_formula_falls_below_zero_there():
    assert map_of("rat_epl").frequency(np.array([0.98, 1.0])).ravel() == pytest.approx([0.1, 0.1])
    assert map_of("rat_epl").frequency(np.array([0.9])).item() > 0.1


# Ends of each species' map in kHz, worked out by hand from a second reading of the formulas. The rat's formula
# has no frequency at the apex.
ENDS = [
    ("guinea_pig", "0.132", "54.7"), ("mouse", "3.14", "74.8"), ("human", "0.0198", "20.7"),
    ("rat", None, "71.0"),
]  # fmt: skip


@pytest.mark.parametrize(("species", "lowest", "highest"), ENDS)
def test_a_species_hears_as_low_and_as_high_as_the_map_it_names(species, lowest, highest):
    named = CATALOG.get("species", species).options.map
    found = map_of(named).frequency(np.array([1.0, 0.0])).ravel()
    for end, expected in zip(found, (lowest, highest), strict=True):
        # To half a unit of the last digit.
        digits = 0.5 * 10.0 ** -len((expected or ".").partition(".")[2])
        assert expected is None or abs(end - float(expected)) <= digits * (1 + 1e-9)


def test_every_species_names_a_map_of_its_own_kind():
    for species in CATALOG.names("species"):
        named = CATALOG.get("species", species).options.map
        assert CATALOG.get("maps", named).options.animal == species
