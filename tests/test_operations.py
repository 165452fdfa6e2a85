"""A route that opens the ear injures it, and an ear holds so much: a study that leaves either out is told so."""

import pytest

from otosome.catalog import Catalog, names
from otosome.forward import Cochleae, best, plan
from otosome.study import load, studies

ROUTES = [r for r in names("routes") if Catalog().get("routes", r).options.opens]


@pytest.mark.parametrize("name", studies())
def test_every_shipped_study_counts_the_harm_of_the_operations_it_takes(name):
    assert not any("takes an operation" in note for note in load(name).notes)


@pytest.mark.parametrize("route", ROUTES)
def test_what_opens_the_ear_is_an_insult(route):
    assert Catalog().get("routes", route).options.opens in names("insults")


def test_an_arm_without_the_harm_of_its_operation_is_told_so(tmp_path):
    text = (
        'otosome = "study/1"\nspecies = "guinea_pig"\n'
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


def injected(tmp_path, species, route, volume):
    """A study of one injection through an opened ear, from a file."""
    text = (
        f'otosome = "study/1"\nspecies = "{species}"\n'
        f'[treatment.ev]\nbatch = "example_lot"\nroute = "{route}"\nvolume = "{volume!r} uL"\nat = ["0 h"]\n'
        '[[arm]]\nname = "operated"\ntreatments = ["ev"]\ninsults = ["sham"]\n'
        '[insult.sham]\nentry = "sham_surgery"\nat = ["0 h"]\n'
        '[measure.ohc]\nendpoint = "cell_count"\ncell = "OHC"\nfrequency = ["8 kHz"]\nat = ["7 d"]\n'
    )
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def of_the_dose(study):
    """Its notes, but for the one of mice whose strain nobody names."""
    return [note for note in study.notes if not note.startswith("No strain is named")]


@pytest.mark.parametrize("species", names("species"))
def test_perilymph_is_what_the_anatomy_of_the_ear_holds(tmp_path, species):
    study = injected(tmp_path, species, "intracochlear", 0.1)
    one = best(study)
    anatomy = Cochleae(plan(study), one).anatomy
    areas = (anatomy.scala_tympani + anatomy.scala_vestibuli) @ anatomy.grid.width
    scalae = areas * anatomy.scala_tympani_length
    assert study.perilymph == pytest.approx(float((scalae + anatomy.vestibule_volume)[0]), rel=1e-9)


@pytest.mark.parametrize("species", names("species"))
@pytest.mark.parametrize("route", [r for r in names("routes") if Catalog().get("routes", r).options.outlet])
def test_more_than_all_perilymph_at_once_is_said_with_the_figure(tmp_path, species, route):
    whole = injected(tmp_path, species, route, 0.1).perilymph
    assert of_the_dose(injected(tmp_path, species, route, 0.99 * whole)) == []
    (note,) = of_the_dose(injected(tmp_path, species, route, 40 * whole))
    assert "“ev”" in note and "40 times all the perilymph" in note and f"{whole:.3g} uL" in note


@pytest.mark.parametrize("species", names("species"))
@pytest.mark.parametrize("route", names("routes"))
def test_more_than_any_middle_ear_holds_is_said_where_a_route_states_what_it_holds(tmp_path, species, route):
    study = injected(tmp_path, species, route, 0.1)
    held = study.parameters.get(f"routes.{route}.capacity")
    if held is None:
        assert not any("middle ear" in note for note in injected(tmp_path, species, route, 1e3).notes)
        return
    assert of_the_dose(injected(tmp_path, species, route, held.high)) == []
    (note,) = of_the_dose(injected(tmp_path, species, route, 1.01 * held.high))
    assert f"holds {held.value:g} ({held.low:g} to {held.high:g}) uL" in note


@pytest.mark.parametrize("name", studies())
def test_no_shipped_study_gives_more_than_the_ear_holds(name):
    assert not any("at a time" in note for note in load(name).notes)
