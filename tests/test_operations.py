"""A route that opens the ear harms it: an arm that leaves that out is told so."""

import pytest

from otosome.catalog import Catalog, names
from otosome.scenario import load, studies

ROUTES = [r for r in names("routes") if "opens" in Catalog().get("routes", r).card.options]


@pytest.mark.parametrize("name", studies())
def test_every_shipped_study_counts_the_harm_of_the_operations_it_takes(name):
    assert not any("takes an operation" in note for note in load(name).notes)


@pytest.mark.parametrize("route", ROUTES)
def test_what_opens_the_ear_is_an_insult(route):
    assert Catalog().get("routes", route).card.options["opens"] in names("insults")


def test_an_arm_without_the_harm_of_its_operation_is_told_so(tmp_path):
    text = (
        'otosome = "scenario/1"\nspecies = "guinea_pig"\n'
        '[treatment.ev]\nbatch = "example_lot"\nroute = "round_window"\nvolume = "5 uL"\nat = ["0 h"]\n'
        '[[arm]]\nname = "bare"\ntreatments = ["ev"]\n'
        '[[arm]]\nname = "operated"\ntreatments = ["ev"]\ninsults = ["sham"]\n'
        '[insult.sham]\nentry = "sham_surgery"\nat = ["0 h"]\n'
        '[measure.abr]\nendpoint = "abr_threshold"\nfrequency = ["8 kHz"]\nat = ["7 d"]\n'
    )
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    (note,) = load(file).notes
    assert "“bare”" in note and "sham_surgery" in note
