"""How likely a trial succeeds with how many, and what its control group shows: against banks whose answer is known."""

import math
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from typer.testing import CliRunner

from banked import ASKED, STUDY, quiet
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.jobs.trials import NOT_SIMULATED, TrialInputs, trial
from otosome.study import load
from otosome.trials.bank import Bank
from otosome.trials.beliefs import Beliefs
from otosome.trials.characteristics import NOT_BELIEVED, _beyond, _rows
from otosome.trials.plan import Chart, Line, Series
from otosome.trials.power import two_means
from otosome.trials.reading import TEMPLATES, design_template, read_design
from otosome.trials.simulated import Simulate, cut_down
from otosome.trials.sizes import (
    SPREAD,
    TRIALS,
    chart,
    control_group,
    control_loss,
    needed,
    of_sizes,
    reaching,
    sizes,
    spreads,
    unlike,
)
from otosome.units import Quantity

SMALL = cut_down(load(STUDY), ASKED)
CATALOG = Catalog()
NOISE = 6.0


def bank_of(values, worlds=2):
    """Ears of these true thresholds, (ear, arm, moment, 1), read with an error of 6 dB on a grid that is hardly one."""
    read = {"offset": 0, "error": NOISE, "error_between": 0, "half_way": 28, "half_width": 12}
    read |= {"grid": 1e-3, "lowest": -900, "highest": 900}
    columns = {f"endpoints.abr_threshold.{key}": np.full(len(values), float(v)) for key, v in read.items()}
    return Bank(values, np.arange(len(values)) % worlds, columns, "", 0, 0)


def loses(lost, benefit, sd, ears=4000):
    """Ears that lose so much on average, and so much less where they are treated; they differ by ``sd`` afterwards."""
    after = 20.0 + lost + sd * np.random.default_rng(5).standard_normal(ears)
    before = np.full(ears, 20.0)
    return np.stack([np.stack([before, after]), np.stack([before, after - benefit])]).transpose(2, 0, 1)[
        ..., None
    ]


def test_sizes_lie_around_the_one_that_was_asked_for():
    assert sizes(40) == [10, 20, 40, 80, 160]
    # A group of fewer than four is none, and nobody enters more than a hundred thousand.
    assert sizes(6) == [4, 6, 12, 24]
    assert sizes(100_000) == [25_000, 50_000, 100_000]


def test_where_a_chance_is_reached_lies_on_a_line_over_the_logarithm():
    # Half way from 0.7 to 0.9 is half way from 10 to 40 in the logarithm: 20.
    assert reaching((10.0, 40.0, 80.0), (0.7, 0.9, 0.95)) == pytest.approx(20.0)
    assert reaching((10.0, 40.0), (0.85, 0.9)) == 10.0
    assert reaching((10.0, 40.0), (0.1, 0.79)) == math.inf
    # A chance that falls again, as few trials make it, is reached where it first is.
    assert reaching((10.0, 40.0, 160.0), (0.2, 0.8, 0.7)) == pytest.approx(40.0)


def test_needed_is_said_of_every_belief_but_none():
    lines = tuple(
        Series(name, (10.0, 40.0), up)
        for name, up in {"none": (0, 0), "mechanism": (0.7, 0.9), "sceptic": (0.1, 0.2)}.items()
    )
    assert needed(Chart("", "", "", lines, 0.8)) == (
        "80 % under mechanism: about 20 a group",
        "80 % under sceptic: not with 40 a group",
    )


def test_the_chance_over_n_is_the_power_of_the_t_test_where_worlds_are_alike():
    """Readings spread by sqrt(8^2 + 6^2) = 10 dB and the benefit is 6 dB in every world: mechanism is plain power."""
    ears = bank_of(loses(30, 6, 8.0))
    protocol = replace(ASKED, n=40, trials=4000)
    nothing = Beliefs({}, "dB")

    def rows_of(size):
        return _rows(SMALL, ears, size, nothing, None, quiet)

    by_size = of_sizes(protocol, rows_of(protocol), rows_of)
    line = next(each for each in chart(by_size).series if each.label == "mechanism")
    assert line.across == (10.0, 20.0, 40.0, 80.0, 160.0)
    for n, chance in zip(line.across, line.up, strict=True):
        # Four binomial errors of so many trials.
        error = 4 * math.sqrt(0.25 / (4000 if n == 40 else TRIALS))
        assert chance == pytest.approx(two_means(n, n, 6.0, 10.0, 0.05), abs=error)
    none = next(each for each in chart(by_size).series if each.label == "none")
    # Half of the false positives are in the right direction.
    assert max(none.up) == pytest.approx(0.025, abs=0.02)


def test_the_control_group_shows_what_was_put_into_it():
    ears = bank_of(loses(30, 6, 8.0))
    assert control_loss(ears) == pytest.approx(30.0, abs=0.6)
    assert spreads(SMALL, ears, replace(ASKED, n=2000)) == pytest.approx(10.0, rel=0.05)
    # A hundred subjects are drawn where fewer are asked for; their deviation errs by 7 %.
    assert spreads(SMALL, ears, ASKED) == pytest.approx(10.0, rel=0.25)
    change, spread = control_group(SMALL, ears, replace(ASKED, n=2000), "dB SPL")
    assert (change.value, spread.name) == (pytest.approx(30.0, abs=1.0), SPREAD)
    last = bank_of(loses(30, 6, 8.0)[:, :, 1:])
    (only,) = control_group(SMALL, last, replace(ASKED, n=2000, baseline=None), "dB SPL")
    assert (only.name, only.value) == (SPREAD, pytest.approx(10.0, rel=0.05))
    # A loss of 20 dB or more: with a mean of 30 and 8 dB between ears 89 %.
    (worse,) = control_group(SMALL, ears, replace(ASKED, analysis="shares", loss=Quantity("20 dB")), "dB SPL")
    assert worse.value == pytest.approx(stats.norm.cdf(10 / 8), abs=0.02)


def test_a_formula_of_other_animals_is_named():
    control = [Line("change", 30.0, "dB", "30 dB"), Line(SPREAD, 10.0, "dB", "10 dB")]
    assert unlike(control, 14.0, "dB") == unlike(control, 7.0, "dB") == []
    assert "10 dB" in unlike(control, 16.0, "dB")[0]
    assert unlike(control, 6.0, "dB")
    assert unlike(control, 16.0, "points") == unlike(control, 0.0, "dB") == []


def test_a_benefit_beyond_the_loss_is_named_and_one_within_it_is_not():
    """None can be spared more than the control group loses; the beliefs are 5 %, best value and 95 %."""
    beliefs = Beliefs({"none": (0, 0, 0), "as_printed": (9.9, 10.0, 10.1)}, "dB")
    (note,) = _beyond(SMALL, bank_of(loses(5, 0, 1.0)), ASKED, beliefs)
    assert "as printed in 100 %" in note
    assert _beyond(SMALL, bank_of(loses(30, 0, 1.0)), ASKED, beliefs) == []
    shares = replace(ASKED, analysis="shares", loss=Quantity("20 dB"))
    assert _beyond(SMALL, bank_of(loses(5, 0, 1.0)), shares, beliefs) == [NOT_BELIEVED]
    assert (
        _beyond(SMALL, bank_of(loses(5, 0, 1.0)), replace(shares, ratios={"a": (0.4, 0.5, 0.6)}), beliefs)
        == []
    )


def test_how_often_the_truth_is_what_the_design_is_to_find():
    """A believed benefit of 10 dB is at least 9 in every trial and at least 11 in none; no benefit never is."""
    ears, beliefs = bank_of(loses(30, 6, 8.0)), Beliefs({"sure": (9.9, 10.0, 10.1)}, "dB")
    for wanted, expected in (("9 dB", [0, 0, 1]), ("11 dB", [0, 0, 0]), ("5 dB", [0, 1, 1])):
        rows = _rows(SMALL, ears, ASKED, beliefs, Quantity(wanted), quiet)
        assert [row.meets for row in rows] == pytest.approx(expected)
    assert _rows(SMALL, ears, ASKED, beliefs, None, quiet)[0].meets is None


def test_every_file_to_fill_in_is_a_design_that_is_answered():
    names = {file.stem for file in TEMPLATES.glob("*.toml")} - {"dose"}
    assert names == {"animal_experiment", "parallel"}
    for name in names:
        assert tomllib.loads(design_template(name))["design"] == name
        assert read_design(TEMPLATES / f"{name}.toml", CATALOG).design.plan().n
    with pytest.raises(BadInput, match="has no file to fill in"):
        design_template("dose")


def test_the_table_that_a_file_holds_as_a_comment_is_one(tmp_path):
    head, mark, table = design_template().partition("# [simulate]")
    file = tmp_path / "mine.toml"
    file.write_text(head + mark.removeprefix("# ") + table.replace("\n# ", "\n"), encoding="utf-8")
    assert isinstance(read_design(file, CATALOG).simulate, Simulate)


def test_a_design_begun_by_name_and_one_that_is_not_there(tmp_path):
    runner, file = CliRunner(), tmp_path / "people.toml"
    assert runner.invoke(app, ["new", "trial", "parallel", "--out", str(file)]).exit_code == 0
    assert file.read_text(encoding="utf-8") == design_template("parallel")
    refused = runner.invoke(app, ["new", "trial", "crossover", "--out", str(tmp_path / "other.toml")])
    assert (refused.exit_code, "animal_experiment, parallel" in refused.output) == (2, True)


def test_an_answer_by_formula_where_trials_were_asked_for_says_that_nothing_was_simulated(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(design_template(), encoding="utf-8")
    asked = TrialInputs(designs=(file,), out=tmp_path / "out")
    assert any(NOT_SIMULATED in note for note in trial(asked).notes)
    assert not any(NOT_SIMULATED in note for note in trial(replace(asked, formula=True, force=True)).notes)


def test_a_key_that_is_none_is_answered_with_the_tables_too_and_all_that_is_missing_at_once(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(design_template() + 'insult = "cisplatin"\n', encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        read_design(file, CATALOG)
    assert {"simulate", "spread_from", "spread"} <= set(refusal.value.allowed)
    file.write_text(design_template() + '[simulate]\nstudy = "noise_mouse"\n', encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        read_design(file, CATALOG)
    assert refusal.value.key == ", ".join(
        f"simulate.{key}" for key in ("treated", "control", "measure", "at", "n")
    )
    assert "are missing" in str(refusal.value)
    file.write_text(design_template("parallel").replace("\nn = 60", "\n# n = 60"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"simulate\.n: is missing"):
        read_design(file, CATALOG)
