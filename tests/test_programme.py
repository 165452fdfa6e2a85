"""One chain by the command line alone, from a lot's files to the power of a trial: examples/programme."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from otosome.cli import app

PROGRAMME = Path(__file__).parents[1] / "examples" / "programme"


def otosome(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["result"]


def test_half_the_potency_of_a_lot_lowers_the_power_of_a_trial(tmp_path):
    ratios = []
    for name in ("lot", "half"):
        lot = otosome("quality", PROGRAMME / f"{name}.toml", "--out", tmp_path / name)
        assert lot["decision"] == "release"
        ratios.append(lot["potency"]["hsp70"]["combined"]["r"])
    assert ratios[1] / ratios[0] == pytest.approx(0.5, rel=0.02)
    assert otosome("run", PROGRAMME / "study.toml", "--subjects", 4, "--out", tmp_path / "run")
    files = [PROGRAMME / f"trial_{name}.toml" for name in ("lot", "half")]
    designs = otosome("trial", *files, "--out", tmp_path / "trial")["designs"]
    lot, half = ({row["belief"]: row for row in design["simulated"]["operating"]} for design in designs)
    # The same ears and trials: what differs is what the lot does, and nothing else.
    assert lot["none"]["positive"] == half["none"]["positive"]
    assert lot["mechanism"]["positive"]["exact"][0] > half["mechanism"]["positive"]["exact"][0] + 0.02
    assert designs[0]["simulated"]["hash"] != designs[1]["simulated"]["hash"]
