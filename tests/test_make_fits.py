"""Fits run again and written on the shelves: which comes after which, and what of a row changes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from otosome.catalog import SHIPPED
from otosome.fitting.entry import numbers_hash
from otosome.fitting.file import FITS, fits, load_fit
from otosome.fitting.joint import read
from tools import fits as tool


def test_each_fit_comes_after_those_whose_numbers_it_hangs_on():
    """The strain begins from ranges of noise, and the fall of supply needs the tracer's window.

    People's ears are injured by rates that rodents gave; rodents read how much more children lose, and have none.
    """
    order = tool.ordered(fits())
    assert sorted(order) == sorted(fits())
    for first, then in (
        ("noise_mouse", "cba_jrj"),
        ("noise_mouse", "cisplatin_rodents"),
        ("cisplatin_rodents", "cisplatin_people"),
        ("tmpa_window", "cisplatin_supply_fall"),
    ):
        assert order.index(first) < order.index(then), (first, then)


def test_each_fit_is_run_by_a_process_that_reads_the_shelves_as_the_one_before_left_them(monkeypatch):
    begun = []
    monkeypatch.setattr(sys, "argv", ["fits", "build", "words_w22", "words_nu6"])
    monkeypatch.setattr(tool.subprocess, "run", lambda command, check: begun.append((command[1:], check)))
    tool.main()
    assert sorted(begun) == [
        (["-m", "tools.fits", "build", name], True) for name in ("words_nu6", "words_w22")
    ]


def test_a_fit_of_other_data_or_other_numbers_or_that_has_not_converged_is_run_again(tmp_path):
    name = "gentamicin_rat_plasma"
    result = tmp_path / name
    own = result / "entry" / "fits" / f"{name}.csv"
    assert not tool.is_current(result, name)
    own.parent.mkdir(parents=True)
    file = load_fit(Path(name))
    few = read(FITS / f"{name}.csv")
    for how, data, numbers, current in (
        ("posterior", file.data_hash, numbers_hash(file.study), True),
        ("posterior, not converged", file.data_hash, numbers_hash(file.study), False),
        ("posterior", "0" * 12, numbers_hash(file.study), False),
        ("posterior", file.data_hash, "0" * 12, False),
    ):
        origin = f"Fitted ({how}), SHA-256 {data}, over numbers {numbers}"
        own.write_text(replace(few, origin=origin).text, encoding="utf-8")
        assert tool.is_current(result, name) == current


def test_a_row_that_is_written_changes_its_ends_and_nothing_else(tmp_path):
    file = tmp_path / "shelves" / "materials" / "nu6.toml"
    file.parent.mkdir(parents=True)
    text = (SHIPPED / "materials" / "nu6.toml").read_text(encoding="utf-8")
    wrong = text.replace('value = "0.58"', 'value = "0.6"').replace('high = "4.2"', 'high = "9"')
    assert wrong != text
    file.write_text(wrong, encoding="utf-8")
    (line, other) = tool.restate("words_nu6", read(FITS / "words_nu6.csv"), tmp_path / "shelves")
    assert line.startswith("nu6: [q] ['0.49', '0.6', '0.68'] -> ['0.49', '0.58', '0.68']")
    assert other.startswith("nu6: [n] ")
    assert file.read_text(encoding="utf-8") == text
    assert tool.restate("words_nu6", read(FITS / "words_nu6.csv"), tmp_path / "shelves") == []


def test_a_row_keeps_the_unit_it_is_stated_in_and_a_strain_has_three_digits(tmp_path):
    """1.08 mm/h are 3e-5 cm/s; a strain's numbers were found together."""
    joint = read(FITS / "tmpa_window.csv")
    row = '[round_window_permeability]\nvalue = "1 cm/s"\nlow = "0.5 cm/s"\nhigh = "2 cm/s"\nfit = "tmpa_window"\n'
    solute = tool.section(row, tmp_path / "solutes" / "tmpa.toml", "tmpa_window", joint)
    _, value, high = joint.ends["solutes.tmpa.round_window_permeability"]
    assert f'value = "{value / 36000:.1e} cm/s"'.replace("e-05", "e-5").replace(".0e", "e") in solute
    strain = row.replace("[round", '[numbers."solutes.tmpa.round').replace("ability]", 'ability"]')
    strain = tool.section(strain, tmp_path / "strains" / "own.toml", "tmpa_window", joint)
    assert f'high = "{high / 36000:.2e} cm/s"'.replace("e-05", "e-5") in strain
    assert tool.section(row, tmp_path / "solutes" / "tmpa.toml", "another", joint) == row


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (2.713e-5, 2, "2.7e-5"),
        (0.0163, 2, "0.016"),
        (11.3, 2, "11"),
        (0.30, 2, "0.3"),
        (0.012345, 3, "0.0123"),
    ],
)
def test_a_number_is_rounded_as_it_stands_on_a_shelf(number, digits, text):
    assert tool.rounded(number, digits) == text
