"""The folder listing is the registry: what is on a shelf, and what a folder of one's own adds."""

import numpy as np
import pytest

from otosome.catalog import (
    SHELVES,
    SHIPPED,
    Catalog,
    get,
    names,
)
from otosome.errors import BadInput

TRAUMA = 'about = "A blow."\n'
NUMBER = """
[hazard]
meaning = "death rate"
value = "2 1/d"
basis = "assumed"
because = "for the test"
"""
FORMULA = '''
from dataclasses import dataclass

from otosome.units import PerHour


@dataclass(frozen=True)
class LoudBang:
    """A blow."""

    hazard: PerHour
    side: tuple[str, ...] = ("left",)
    absent: float = 3.0
'''


@pytest.fixture
def own(tmp_path):
    (tmp_path / "insults").mkdir()
    (tmp_path / "sources").mkdir()
    return tmp_path


def write(own, name, text):
    (own / "insults" / name).write_text(text, encoding="utf-8")


def loud_bang(own, toml=TRAUMA + NUMBER, code=FORMULA):
    write(own, "loud_bang.toml", toml)
    write(own, "loud_bang.py", code)
    return Catalog((own,)).get("insults", "loud_bang")


@pytest.mark.parametrize("shelf", SHELVES)
def test_the_names_of_a_shelf_are_the_files_in_its_folder(shelf):
    assert names(shelf) == sorted(file.stem for file in (SHIPPED / shelf).glob("*.toml"))


def test_an_unknown_shelf_or_entry_names_those_there_are():
    with pytest.raises(BadInput, match=r"no shelf 'potions'.*allowed: species, solutes"):
        names("potions")
    with pytest.raises(BadInput, match=r"routes: no 'nasal'.*allowed: .*round_window"):
        get("routes", "nasal")


@pytest.mark.parametrize("name", ["../species/mouse", "/etc/passwd", "", ".", "round_window.toml"])
def test_a_name_is_never_a_path(name):
    with pytest.raises(BadInput, match="no "):
        get("routes", name)
    with pytest.raises(BadInput, match="no source"):
        Catalog().source(name)


def test_a_folder_of_ones_own_adds_entries_and_edits_nothing(own):
    before = names("insults")
    entry = loud_bang(own)
    assert Catalog((own,)).names("insults") == sorted([*before, "loud_bang"])
    assert names("insults") == before
    assert entry.parameters("mouse")["hazard"].value == pytest.approx(2 / 24)


def test_a_bound_formula_has_a_column_a_subject_and_the_options_of_its_file(own):
    entry = loud_bang(own, TRAUMA + 'side = ["left", "right"]\n' + NUMBER)
    bound = entry.bind({"insults.loud_bang.hazard": np.array([1.0, 2.0, 3.0])}, "mouse")
    assert bound.hazard.shape == (3, 1, 1)
    assert bound.hazard.ravel().tolist() == [1.0, 2.0, 3.0]
    assert bound.side == ("left", "right")
    assert bound.absent == 3.0


def test_an_option_given_when_binding_goes_before_the_file(own):
    bound = loud_bang(own).bind({"insults.loud_bang.hazard": np.ones(2)}, "mouse", side=["up"])
    assert bound.side == ("up",)


def test_a_formula_that_asks_for_what_its_file_lacks_is_refused(own):
    entry = loud_bang(own, TRAUMA)
    with pytest.raises(BadInput, match=r"insults\.loud_bang lacks hazard"):
        entry.bind({}, "mouse")


def test_a_number_in_the_wrong_unit_for_its_formula_is_refused(own):
    with pytest.raises(BadInput, match="unit is 'mm'; expected one convertible to '1/h'"):
        loud_bang(own, TRAUMA + NUMBER.replace("2 1/d", "2 mm"))


def test_a_shipped_entry_is_never_shadowed(own):
    shipped = names("routes")[0]
    (own / "routes").mkdir()
    (own / "routes" / f"{shipped}.toml").write_text('about = "Mine."\n', encoding="utf-8")
    with pytest.raises(BadInput, match=f"routes.{shipped} would shadow a shipped entry.*another name"):
        Catalog((own,)).names("routes")


@pytest.mark.parametrize("stem", ["loud_bang", "noise"])
def test_a_formula_without_numbers_is_refused(own, stem):
    write(own, f"{stem}.py", FORMULA)
    with pytest.raises(BadInput, match=f"has a formula but no numbers.*add {stem}.toml"):
        Catalog((own,)).names("insults")


@pytest.mark.parametrize(
    "code", ["x = 1\n", FORMULA.replace("LoudBang", "Bang"), "class LoudBang:\n    pass\n"]
)
def test_a_formula_is_one_dataclass_named_like_its_file(own, code):
    with pytest.raises(BadInput, match="holds no frozen dataclass LoudBang"):
        loud_bang(own, code=code)


def test_a_source_of_ones_own_is_found(own):
    (own / "sources" / "me_2026.toml").write_text('title = "Notebook"\nlink = "page 3"\n', encoding="utf-8")
    assert Catalog((own,)).source("me_2026").title == "Notebook"
    with pytest.raises(BadInput, match=r"no source 'me_2026'.*add sources/me_2026\.toml"):
        Catalog().source("me_2026")


def test_an_entry_without_a_formula_is_not_bound():
    with pytest.raises(BadInput, match=r"species\..* has no formula"):
        get("species", names("species")[0]).bind({}, "mouse")
