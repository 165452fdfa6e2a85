"""One chain by the command line alone, from a lot to the next experiment: examples/programme, as its README says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from otosome.cli import app
from tools import commands

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """The folder after every command of its README, and what each of them answered, by its words."""
    home = tmp_path_factory.mktemp("chain")
    for part in ("programme", "tutorials"):
        shutil.copytree(EXAMPLES / part, home / part)
    answers = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home / "programme")
        for line in commands.lines((home / "programme" / "README.md").read_text(encoding="utf-8")):
            ran = CliRunner().invoke(app, [*line.split()[1:], "--json"])
            assert ran.exit_code == 0, f"{line}: {ran.output}"
            answers[line.removeprefix("otosome ")] = json.loads(ran.stdout)
    return home / "programme", answers


def answer(chain, beginning):
    (found,) = [each for line, each in chain[1].items() if line.startswith(beginning)]
    return found


def test_every_step_of_the_chain_is_taken_and_leaves_a_report(chain):
    folder, answers = chain
    verbs = [line.split()[0] for line in answers]
    assert verbs == [*3 * ["quality"], "import", "fit", "compare", "optimise", "trial", "trial", "next"]
    for line, each in answers.items():
        if not line.startswith(("import", "quality --process")):
            assert (folder / each["out"] / "report.html").is_file(), line


def test_half_the_potency_of_a_lot_lowers_the_power_of_a_trial(chain):
    lots = [answer(chain, f"quality {name}.toml")["result"] for name in ("lot", "half")]
    assert [lot["decision"] for lot in lots] == ["release", "release"]
    ratios = [lot["potency"]["hsp70"]["combined"]["r"] for lot in lots]
    assert ratios[1] / ratios[0] == pytest.approx(0.5, rel=0.02)
    designs = answer(chain, "trial trial_lot.toml")["result"]["designs"]
    lot, half = ({row["belief"]: row for row in design["simulated"]["operating"]} for design in designs)
    # The same ears and trials: what differs is what the lot does, and nothing else.
    assert lot["none"]["positive"] == half["none"]["positive"]
    assert lot["mechanism"]["positive"]["exact"][0] > half["mechanism"]["positive"]["exact"][0] + 0.02
    assert designs[0]["simulated"]["hash"] != designs[1]["simulated"]["hash"]


def test_each_step_rests_on_those_before_it(chain):
    fitted = {each["name"]: each for each in answer(chain, "fit")["result"]["estimates"]}
    assert set(fitted) == {"insults.noise.ohc", "insults.noise.irritation"}
    for step in ("trial trial_lot.toml", "optimise"):
        inputs = answer(chain, step)["inputs"]
        assert any(Path(file).parts[-2:] == ("fit", "answer.json") for file in inputs), step
        assert any(Path(file).name == "lot.toml" for file in inputs), step
    spread = answer(chain, "trial experiment.toml")
    assert any(Path(file).name == "readings.parquet" for file in spread["inputs"])
    assert any("From results/import, abr_threshold" in note for note in spread["notes"])
    # The noise of the laboratory's own mice takes more than that of the shelf.
    (dose,) = answer(chain, "optimise")["result"]["designs"]
    assert any("Fitted to readings" in note for note in dose["notes"])
