"""Every file on every shelf against what a file promises; no entry is named here, so a new one is taken up."""

import dataclasses

import numpy as np
import pytest

from otosome import catalog, evidence, units

CATALOG = catalog.Catalog()
ENTRIES = [(shelf, name) for shelf in catalog.SHELVES for name in CATALOG.names(shelf)]
PARAMETERS = [
    parameter
    for shelf, name in ENTRIES
    for by_species in CATALOG.get(shelf, name).card.parameters.values()
    for parameter in by_species.values()
]
SPECIES = CATALOG.names("species")
every_entry = pytest.mark.parametrize(("shelf", "name"), ENTRIES, ids=[".".join(entry) for entry in ENTRIES])
every_parameter = pytest.mark.parametrize(
    "parameter", PARAMETERS, ids=[f"{p.name}.{p.species}".rstrip(".") for p in PARAMETERS]
)
every_source = pytest.mark.parametrize(
    "file", sorted((catalog.SHIPPED / "sources").glob("*.toml")), ids=lambda file: file.stem
)


def species_of(entry):
    """The species an entry has every number for."""
    for species in SPECIES:
        if all("" in by or species in by for by in entry.card.parameters.values()):
            yield species


@every_entry
def test_an_entry_loads_and_says_what_it_is_in_one_sentence(shelf, name):
    about = CATALOG.get(shelf, name).card.about
    assert about.endswith(".")
    assert "\n" not in about


@every_entry
def test_an_entry_has_its_numbers_for_some_species(shelf, name):
    assert list(species_of(CATALOG.get(shelf, name)))


@every_entry
def test_an_entry_binds_every_number_as_a_column(shelf, name):
    entry = CATALOG.get(shelf, name)
    if entry.formula is None:
        without = (
            "species",
            "cells",
            "batches",
            "cases",
            "claims",
            "measurements",
            "tolerances",
            "utilities",
            "strains",
            "experiments",
            "forecasts",
            "resolutions",
        )
        made = ("assays", "specifications", "checklists", "processes")
        assert shelf in (*without, *made), "no formula"
        return
    for species in species_of(entry):
        table = evidence.draw_columns(entry.parameters(species).values(), 1, 0, 5)
        bound = entry.bind(table, species, **dict.fromkeys(unbound(entry), np.full((5, 1, 1), 50.0)))
        for key in entry.card.parameters.keys() & {f.name for f in dataclasses.fields(entry.formula)}:
            assert np.array_equal(np.ravel(getattr(bound, key)), table[f"{shelf}.{name}.{key}"]), key


def unbound(entry):
    """What a formula asks of the study rather than of its file."""
    given = {*entry.card.parameters, *entry.card.stated, *entry.card.profiles}
    fields = dataclasses.fields(entry.formula)
    return [
        f.name
        for f in fields
        if f.name not in given and f.default is f.default_factory is dataclasses.MISSING
    ]


@every_parameter
def test_a_number_says_what_it_means_and_where_it_is_from(parameter):
    assert parameter.meaning
    if parameter.source is None:
        assert parameter.basis in ("assumed", "direction")
    else:
        assert CATALOG.source(parameter.source).title
    assert parameter.because or parameter.source


@every_parameter
def test_a_number_is_in_the_house_unit_and_says_what_its_file_says(parameter):
    assert units.house(parameter.unit) == parameter.unit
    assert units.quantity(parameter.given) == parameter.value


@every_parameter
def test_what_a_number_is_linked_to_stands_on_a_shelf(parameter):
    for name, _ in parameter.linked:
        shelf, stem, key = name.split(".")
        assert key in CATALOG.get(shelf, stem).card.parameters, name


@every_parameter
def test_a_draw_is_finite_and_keeps_the_sign_its_range_has(parameter):
    values = parameter.draw(1, 0, 4000)
    assert np.all(np.isfinite(values))
    if parameter.low >= 0 and parameter.unit not in units.LEVELS:
        assert np.all(values >= 0), f"{parameter.name} is drawn as low as {values.min()}"


@every_source
def test_a_source_reads_and_something_rests_on_it(file):
    assert CATALOG.source(file.stem).link
    files = [other for kind in ("*.toml", "*.py") for other in catalog.SHIPPED.parent.rglob(kind)]
    texts = (other.read_text(encoding="utf-8") for other in files if other.parent.name != "sources")
    assert any(file.stem in text for text in texts)


@every_entry
def test_a_curve_names_a_source_that_is_there_or_says_why(shelf, name):
    for key, by_species in CATALOG.get(shelf, name).card.profiles.items():
        for curve in by_species.values():
            if curve.source is not None:
                assert CATALOG.source(curve.source).title
            assert curve.source or curve.because, key
