"""The page for who comes from FluidSim or a spreadsheet: its studies give the figures it prints, its rows are there."""

from __future__ import annotations

import re
from math import log
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from otosome.cli import app
from otosome.forward import best, simulate
from otosome.model.kinetics import kinetics
from otosome.review.qualification import known
from otosome.study import loads
from tools import commands

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "from_fluidsim.md").read_text(encoding="utf-8")
VEIN, WINDOW = re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)


def printed(first):
    """The cells of a table's row by its first cell, as numbers where they begin with one."""
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| {first} |"))
    numbers = [re.match(r"[\d.]+(?:e[+-]?\d+)?", cell.strip()) for cell in row.strip("|").split("|")[1:]]
    return [float(number.group()) for number in numbers if number]


def followed(text, solute):
    """Hours, and by probe the curve of the best ear, ug/mL."""
    study = loads(text, "page.toml")
    result = simulate(study, best(study), workers=1)
    mass = study.parameters[f"solutes.{solute}.molar_mass"].value * 1e3
    curves = mass * result[f"concentration_{solute}"].values[0, 0].T
    return result["hour"].values, dict(zip(map(str, result["probe"].values), curves, strict=True))


def test_plasma_is_the_spreadsheet_and_the_page_prints_both():
    """Dose over volume, ln 2 over the rate, and peak over the rate: closed forms of one compartment."""
    hours, curves = followed(VEIN, "dexamethasone")
    plasma = kinetics(hours, curves["plasma"][None])
    for value, exact, row in (
        (plasma.peak, 4.0, "peak, dose / volume"),
        (plasma.half_life, log(2.0) / 0.24, "half-life, ln 2 / 0.24"),
        (plasma.whole, 4.0 / 0.24, "area to infinity, peak / 0.24"),
    ):
        assert value[0] == pytest.approx(exact, rel=5e-3)
        assert printed(row) == pytest.approx([exact, exact], rel=5e-3)
    for place in ("base", "middle", "apex"):
        there = kinetics(hours, curves[place][None])
        own = [there.peak[0], there.peak_time[0], there.whole[0] / plasma.whole[0]]
        assert printed(place)[:3] == pytest.approx(own, rel=5e-3)


def test_gentamicin_at_the_window_is_as_printed_and_steeper_than_published():
    hours, curves = followed(WINDOW, "gentamicin")
    at_three = {name: float(np.interp(3.0, hours, curve)) for name, curve in curves.items()}
    rows = [printed_in(row, after="| at 3 h |") for row in ("base", "second turn", "apex", "base over apex")]
    ratio = at_three["base"] / at_three["apex"]
    assert rows == pytest.approx([*at_three.values(), ratio], rel=5e-3)
    assert ratio > 4000.0
    human, there = followed(WINDOW.replace("guinea_pig", "human"), "gentamicin")
    assert float(np.interp(3.0, human, there["base"])) == pytest.approx(42.8, rel=5e-3)


def printed_in(first, after):
    """The first number of a row of the table that begins so."""
    lines = TEXT[TEXT.index(after) :].splitlines()
    row = next(line for line in lines if line.startswith(f"| {first} |"))
    return float(row.split("|")[2].split()[0])


def test_the_rows_of_the_page_are_those_of_the_validation():
    """Medians move by a tenth or so as numbers are read better; more is to be written anew."""
    rows = re.findall(r"\| `(pk:[\w.]+)` \|.*\| ([\d.e+]+)(?: \S+)? \|\n", TEXT)
    assert len(rows) == 5 and {row for row, _ in rows} <= set(known())
    validation = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    for row, median in rows:
        found = re.search(rf"\| `{re.escape(row)}` \|[^|]*\| ([\d.e+]+)", validation)
        assert found is not None
        assert float(median) == pytest.approx(float(found.group(1)), rel=0.3)


def test_the_commands_of_the_page_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in (("vein", VEIN), ("window", WINDOW)):
        Path(f"{name}.toml").write_text(text, encoding="utf-8")
    lines = commands.lines(TEXT)
    assert [line.split()[1] for line in lines] == ["run", "qualify", "run"]
    for line in lines:
        few = line.replace("pk:A5 pk:C01 pk:C02 pk:C03", "pk:A5") + (
            " --subjects 1" if " run " in line else ""
        )
        done = CliRunner().invoke(app, few.split()[1:])
        assert done.exit_code == 0, done.output
