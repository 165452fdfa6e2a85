"""Words of a laboratory for entries of the shelves, and what a sheet's columns may hold."""

import pytest

from otosome.catalog import Catalog
from otosome.laboratory.animals import COLUMNS
from otosome.laboratory.naming import column_hints, entry_of, strain_of

STRAINS = ["c57bl6", "cba_caj", "cba_jrj"]


@pytest.mark.parametrize("name", STRAINS)
@pytest.mark.parametrize("signs", ["/", " ", "-", ""])
def test_signs_and_capitals_tell_no_two_names_apart(name, signs):
    assert entry_of(signs.join(name.upper().split("_")), STRAINS) == name


@pytest.mark.parametrize(
    ("word", "strain"),
    [
        ("CBA/JRj", "cba_jrj"), ("CBA/CaJ", "cba_caj"), ("C57BL/6J", "c57bl6"), ("C57Bl/6NRj", "c57bl6"),
        # A strain of its own, a cross, and a strain that is no substrain of one that is shorter.
        ("CBA/J", None), ("C57BL/6J x CBA/CaJ", None), ("C57BL/60", None), ("CBA/CaJx", None), ("", None),
    ],
)  # fmt: skip
def test_a_substrain_is_of_its_strain_and_a_relative_is_not(word, strain):
    assert strain_of(word, STRAINS) == strain


def test_what_a_sheet_may_hold_names_its_columns_and_every_entry():
    catalog = Catalog()
    hints = {line.partition(":")[0]: line for line in column_hints(catalog)}
    assert set(hints) <= set(COLUMNS)
    for column in ("species", "strain", "insult"):
        assert all(
            name in hints[column] for name in catalog.names({"species": "species"}.get(column, f"{column}s"))
        )
