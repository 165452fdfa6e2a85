"""Trials simulated from a bank: the same for any workers and after a stop, and right where the answer is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import OLS, add_constant
from typer.testing import CliRunner

from banked import ASKED, STUDY, quiet
from otosome import jobs
from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.study import load
from otosome.study.tables.people import CohortUse
from otosome.trials import bank as banks
from otosome.trials.animals import Comparison, Runs
from otosome.trials.bank import Bank, bank
from otosome.trials.characteristics import _notes, in_turn, truths
from otosome.trials.cluster import Crew
from otosome.trials.exposed import drawn, whole_runs
from otosome.trials.power import ears_as_animals, one_mean, two_means
from otosome.trials.published import predicted
from otosome.trials.reading import read_design
from otosome.trials.replicates import Subjects, analyse, subjects, trials, worse
from otosome.trials.simulated import FEWEST, Published, Simulate, cut_down
from otosome.trials.sizes import of_sizes
from otosome.units import Quantity


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """A bank of twenty ears in shards of eight, its folder and its hash."""
    folder = tmp_path_factory.mktemp("bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(banks, "SHARD", 8)
        return folder, bank(STUDY, (), ASKED, folder, Crew(1), False, quiet)


def test_a_bank_is_the_same_for_any_workers_and_any_shards(tmp_path, shards):
    one, two = (bank(STUDY, (), ASKED, tmp_path / str(n), Crew(n), False, quiet) for n in (1, 2))
    assert one.hash == two.hash
    assert np.array_equal(one.values, two.values)
    # Shards of another width hold the same ears, to the bit.
    assert np.array_equal(shards[1].values, one.values)
    assert shards[1].values.shape == (20, 2, 2, 5)
    # Ten ears a world, in the order in which they are drawn.
    assert one.world.tolist() == shards[1].world.tolist() == [0] * 10 + [1] * 10


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-8]),
        lambda file: file.unlink(),
        lambda file: file.with_suffix(".json").unlink(),
        lambda file: file.with_suffix(".json").write_text("{", encoding="utf-8"),
        lambda file: file.write_bytes(b"\0" + file.read_bytes()[1:]),
    ],
    ids=["truncated", "gone", "mark gone", "mark torn", "changed"],
)
def test_a_shard_that_is_not_whole_is_computed_again_and_no_other(shards, damage, monkeypatch):
    folder, whole = shards
    monkeypatch.setattr(banks, "SHARD", 8)
    damage(folder / "ears_00000008.npy")
    again = bank(STUDY, (), ASKED, folder, Crew(1), True, quiet)
    assert (again.computed, again.hash) == (1, whole.hash)
    assert bank(STUDY, (), ASKED, folder, Crew(1), True, quiet).computed == 0


def test_shards_of_another_trial_are_not_taken_up(shards, monkeypatch):
    monkeypatch.setattr(banks, "SHARD", 8)
    other = Simulate(**{**vars(ASKED), "seed": 2})
    work = banks.Work(STUDY, (), other, 0, 8, shards[0], banks.key_of(load(STUDY), other))
    assert not banks.is_whole(work)
    mine = banks.Work(STUDY, (), ASKED, 0, 8, shards[0], banks.key_of(load(STUDY), ASKED))
    assert banks.is_whole(mine)


def test_a_full_disk_is_said_and_gone_on_from(tmp_path, shards, monkeypatch):
    monkeypatch.setattr(banks, "SHARD", 8)
    write, calls = banks._write, []

    def full(work, table, about):
        calls.append(work.first)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        write(work, table, about)

    monkeypatch.setattr(banks, "_write", full)
    with pytest.raises(BadInput, match=r"No space left on device.*--resume"):
        bank(STUDY, (), ASKED, tmp_path, Crew(1), False, quiet)
    again = bank(STUDY, (), ASKED, tmp_path, Crew(1), True, quiet)
    assert (again.computed, again.hash) == (2, shards[1].hash)


def test_any_part_of_the_trials_alone_is_the_same_to_the_bit(shards):
    study = cut_down(load(STUDY), ASKED)
    none = np.zeros(50)
    whole = subjects(study, shards[1], ASKED, 0, 50, False, none)
    part = subjects(study, shards[1], ASKED, 20, 30, False, none[20:30])
    assert np.array_equal(whole.reading[20:30], part.reading)
    assert np.array_equal(whole.row[20:30], part.row)


def invented(benefit=0.0, ears=4000, worlds=4, seed=1):
    """A bank of one frequency: control thresholds around 40 dB that spread by 10, treated better by ``benefit``."""
    random = np.random.default_rng(seed)
    before = 20 + 3 * random.standard_normal(ears)
    after = 40 + 0.8 * (before - 20) + 10 * random.standard_normal(ears)
    values = np.stack([np.stack([before, after]), np.stack([before, after - benefit])])
    columns = {
        "endpoints.abr_threshold.offset": np.zeros(ears),
        "endpoints.abr_threshold.error": np.full(ears, 6.0),
        "endpoints.abr_threshold.error_between": np.zeros(ears),
        "endpoints.abr_threshold.half_way": np.full(ears, 28.0),
        "endpoints.abr_threshold.half_width": np.full(ears, 12.0),
        "endpoints.abr_threshold.grid": np.full(ears, 1e-3),
        "endpoints.abr_threshold.lowest": np.full(ears, -200.0),
        "endpoints.abr_threshold.highest": np.full(ears, 300.0),
    }
    return Bank(values.transpose(2, 0, 1)[..., None], np.arange(ears) % worlds, columns, "", 0, 0)


def ran(asked, ears, null=False):
    return trials(cut_down(load(STUDY), ASKED), ears, asked, null, np.zeros(asked.trials))


MANY = {**vars(ASKED), "trials": 4000, "n": 12}


def test_simulated_trials_say_that_runs_are_not_split_where_animals_differ_by_them():
    """Noise differs between runs in mice; a drug's insult does not, and people have none."""
    said = {
        name: " ".join(_notes((), ASKED, load(name)))
        for name in ("noise_mouse", "cisplatin_mouse_three_cycles")
    }
    assert "not split" in said["noise_mouse"]
    assert not said["cisplatin_mouse_three_cycles"]


def test_a_simulated_t_test_has_the_power_of_the_formula():
    asked = Simulate(**{**MANY, "analysis": "t"})
    results = ran(asked, invented(benefit=12.0))
    # The reading adds its error: thresholds spread by 0.8 x 3, 10 and 6 dB.
    spread = np.sqrt(2.4**2 + 10**2 + 6**2)
    assert (results.p < 0.05).mean() == pytest.approx(two_means(12, 12, 12.0, spread, 0.05), abs=0.025)
    assert results.estimate.mean() == pytest.approx(-12.0, abs=0.3)
    truth = truths(cut_down(load(STUDY), ASKED), invented(benefit=12.0), asked)[results.world]
    assert ((results.low < truth) & (truth < results.high)).mean() == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("analysis", ["t", "ancova"])
def test_a_drug_without_effect_is_positive_as_often_as_alpha_says(analysis):
    results = ran(Simulate(**{**MANY, "analysis": analysis}), invented(benefit=12.0), null=True)
    assert (results.p < 0.05).mean() == pytest.approx(0.05, abs=0.011)


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_paired_ears_have_the_power_of_the_formula_and_their_alikeness(correlation):
    share = Quantity(f"{100 * correlation:g} %")
    asked = Simulate(**{**MANY, "analysis": "paired", "n": 15, "ear_correlation": share})
    results = ran(asked, invented(benefit=8.0))
    # What differs between people is shared as far as ears are alike; each ear's reading errs for itself by 6 dB.
    apart = np.sqrt(2 * (1 - correlation) * (2.4**2 + 10**2) + 2 * 6**2)
    # Their differences are a mixture of a narrow and a wide spread, which is found a little more often than one.
    wide = 0.025 if correlation == 0 else 0.05
    assert (results.p < 0.05).mean() == pytest.approx(one_mean(15, 8.0, apart, 0.05), abs=wide)
    assert np.sqrt(15 * (results.error**2).mean()) == pytest.approx(apart, rel=0.02)
    assert results.estimate.mean() == pytest.approx(-8.0, abs=0.3)
    nothing = ran(asked, invented(benefit=8.0), null=True)
    assert (nothing.p < 0.05).mean() == pytest.approx(0.05, abs=0.011)


def test_a_person_who_is_lost_loses_both_ears():
    asked = Simulate(**{**MANY, "analysis": "paired", "dropout": Quantity("30 %")})
    some = subjects(cut_down(load(STUDY), ASKED), invented(), asked, 0, 20, False, np.zeros(20))
    assert np.array_equal(some.analysed[:, 0], some.analysed[:, 1])
    assert some.analysed.mean() == pytest.approx(0.7, abs=0.09)


def people(seed=3, trials_=6, n=9):
    random = np.random.default_rng(seed)
    baseline = random.normal(20, 5, (trials_, 2, n))
    reading = baseline + random.normal(15, 8, baseline.shape)
    analysed = random.random(baseline.shape) > 0.15
    nobody = np.zeros(baseline.shape, dtype=np.int64)
    return Subjects(nobody, baseline, reading, analysed, analysed, reading > 40, nobody[:, :, 0])


def test_the_analyses_are_those_of_statsmodels_and_scipy():
    some = people()
    world = np.zeros(6, dtype=np.int64)
    t = analyse(some, Simulate(**{**MANY, "analysis": "t"}), world)
    ancova = analyse(some, Simulate(**{**MANY, "analysis": "ancova"}), world)
    change = analyse(some, Simulate(**{**MANY, "analysis": "change"}), world)
    for trial in range(6):
        mask = some.analysed[trial]
        control, treated = (some.reading[trial, group][mask[group]] for group in range(2))
        assert t.p[trial] == pytest.approx(stats.ttest_ind(treated, control).pvalue, rel=1e-9)
        group = np.repeat([0.0, 1.0], [control.size, treated.size])
        start = np.concatenate([some.baseline[trial, g][mask[g]] for g in range(2)])
        fit = OLS(np.concatenate([control, treated]), add_constant(np.column_stack([group, start]))).fit()
        assert (ancova.estimate[trial], ancova.error[trial], ancova.p[trial]) == pytest.approx(
            (fit.params[1], fit.bse[1], fit.pvalues[1]), rel=1e-8
        )
        off = (some.reading - some.baseline)[trial, 1][mask[1]]
        assert change.p[trial] == pytest.approx(stats.ttest_1samp(off, 0.0).pvalue, rel=1e-9)


@pytest.mark.parametrize("group", [0, 1])
@pytest.mark.parametrize("analysis", ["t", "ancova"])
def test_a_trial_of_which_either_group_is_too_small_finds_nothing(group, analysis):
    some = people()
    analysed = np.ones_like(some.analysed)
    analysed[2, group, FEWEST - 1 :] = False
    analysed[3, group, FEWEST:] = False
    results = analyse(
        replace(some, analysed=analysed),
        Simulate(**{**MANY, "analysis": analysis}),
        np.zeros(6, dtype=np.int64),
    )
    assert np.isnan(results.estimate).tolist() == [False, False, True, False, False, False]
    assert results.p[2] == 1.0


def test_enrolment_on_a_noisy_reading_makes_a_drug_of_nothing_and_a_lead_in_unmakes_it():
    steady = invented()
    # Hearing that stays: the reading later is of the same threshold as the reading before.
    values = steady.values.copy()
    values[:, :, 1] = values[:, :, 0]
    still = Bank(values, steady.world, steady.columns, "", 0, 0)
    trap = {**MANY, "analysis": "change", "least": Quantity("26 dB SPL"), "n": 20}
    without = ran(Simulate(**trap), still)
    with_lead_in = ran(Simulate(**{**trap, "lead_in": True}), still)
    assert ((without.p < 0.05) & (without.estimate < 0)).mean() > 0.9
    assert (with_lead_in.p < 0.05).mean() == pytest.approx(0.05, abs=0.012)


def test_a_trial_that_loses_too_many_failed_and_most_of_them_are_refused():
    with pytest.raises(BadInput, match="too few to analyse"):
        ran(Simulate(**{**MANY, "n": 3, "dropout": Quantity("60 %")}), invented())
    with pytest.raises(BadInput, match="too few to analyse"):
        ran(Simulate(**{**MANY, "least": Quantity("80 dB SPL")}), invented())


def shared(shares, ears=400):
    """A bank of worlds in which these shares of ears, control and treated, are 30 dB worse, and read as they are."""
    values = np.zeros((ears * len(shares), 2, 2, 1))
    for world, both in enumerate(shares):
        for arm, share_of in enumerate(both):
            values[world * ears : world * ears + round(share_of * ears), arm, 1] = 30.0
    world = np.repeat(np.arange(len(shares)), ears)
    columns = {name: np.full(world.size, column[0]) for name, column in invented().columns.items()}
    return Bank(
        values, world, columns | {"endpoints.abr_threshold.error": np.full(world.size, 1e-6)}, "", 0, 0
    )


SHARES = {**MANY, "analysis": "shares", "loss": Quantity("20 dB"), "n": 50, "trials": 1000}


def test_a_published_control_arm_chooses_the_worlds_that_explain_it_and_the_treated_arm_is_predicted():
    bank_of = shared([(0.05, 0.04), (0.55, 0.30), (0.98, 0.90)])
    protocol = Simulate(**SHARES)
    chosen, beside = predicted(cut_down(load(STUDY), ASKED), bank_of, protocol, Published("31/55", "14/49"))
    # Only the middle world gives 31 of 55; then 49 are beta-binomial about its 120 of 400.
    assert chosen.counted.tolist() == [0, 3, 0]
    assert (chosen.distinct, beside.worlds) == (1, pytest.approx(1.0, abs=1e-6))
    law = stats.betabinom(49, 120.5, 280.5)
    ends = [100 * law.ppf(level) / 49 for level in (0.05, 0.5, 0.95)]
    exact = beside.predicted.exact
    assert [exact.low, exact.median, exact.high] == pytest.approx(ends, abs=100 / 49 + 0.01)
    assert beside.below == pytest.approx(law.cdf(14), abs=1e-6)
    # Before the choice all worlds count alike.
    assert beside.before.exact.median == pytest.approx(56, abs=6)
    assert beside.before.exact.high == pytest.approx(98, abs=3)


def test_a_published_treated_arm_is_used_for_nothing():
    bank_of, study = shared([(0.3, 0.1), (0.5, 0.3), (0.7, 0.2)]), cut_down(load(STUDY), ASKED)
    both = [
        predicted(study, bank_of, Simulate(**SHARES), Published("31/55", seen)) for seen in ("0/49", "49/49")
    ]
    assert both[0][0].counted.tolist() == both[1][0].counted.tolist()
    assert both[0][1].predicted == both[1][1].predicted
    assert both[0][1].below < 1e-4
    assert both[1][1].below == pytest.approx(1.0)


def test_a_risk_ratio_of_one_changes_nothing_and_one_of_none_spares_all():
    bank_of, study = shared([(0.5, 0.5)]), cut_down(load(STUDY), ASKED)
    protocol, none = Simulate(**SHARES), np.zeros(1000)
    alike, same = (trials(study, bank_of, protocol, True, none, ratio) for ratio in (None, none + 1.0))
    assert np.array_equal(alike.estimate, same.estimate)
    assert (alike.p < 0.05).mean() == pytest.approx(0.05, abs=0.025)
    spared = trials(study, bank_of, protocol, True, none, none)
    assert spared.estimate.mean() == pytest.approx(-0.5, abs=0.01)
    half = trials(study, bank_of, protocol, True, none, none + 0.5)
    assert half.estimate.mean() == pytest.approx(-0.25, abs=0.01)


def test_each_value_of_a_belief_meets_every_world_before_the_next_one_does():
    assert in_turn(np.array([1.0, 2.0, 3.0]), 14, 2).tolist() == [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 1, 1]
    assert in_turn(np.array([1.0, 2.0]), 3, 5).tolist() == [1, 1, 1]
    # Of as many trials as values times worlds, all meet all once.
    values, worlds = np.arange(7.0), np.arange(5)
    pairs = set(zip(in_turn(values, 35, 5).tolist(), np.resize(worlds, 35).tolist(), strict=True))
    assert len(pairs) == 35


def test_a_grade_of_a_scale_is_what_the_scale_says_of_each_subject():
    study = load("compare_cisplatin_child")
    asked = Simulate(
        "compare_cisplatin_child",
        "hearing aid",
        "untreated",
        "hearing",
        Quantity("91 d"),
        6,
        baseline=Quantity("-2 d"),
        analysis="shares",
        scale="asha_1994",
        grade="loss",
    )
    asked.check(study)
    before = np.zeros((4, 7))
    now = before + np.array(
        [[0, 0, 0, 0, 0, 0, 15], [0, 0, 0, 0, 0, 0, 20], [0, 0, 0, 0, 10, 10, 0], [10] + [0] * 6]
    )
    assert worse(study, asked, before, now).tolist() == [False, True, True, False]


DESIGN = """
design = "animal_experiment"
difference = ["10 dB"]
[simulate]
study = "noise_mouse"
treated = "106 dB + vesicles"
control = "106 dB + vehicle"
measure = "abr"
baseline = "-1 d"
at = "14 d"
n = 6
bank = 20
world = 10
trials = 200
"""


def test_the_command_line_simulates_and_goes_on(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(DESIGN, encoding="utf-8")
    arguments = ["trial", str(file), "--out", str(tmp_path / "out"), "--json"]
    answers = []
    for more in ([], ["--resume", "--force", "--workers", "2"]):
        done = CliRunner().invoke(app, arguments + more)
        assert done.exit_code == 0, done.output
        answers.append(json.loads(done.stdout)["result"]["designs"][0]["simulated"])
    assert answers[0]["hash"] == answers[1]["hash"]
    assert (answers[0]["shards"], answers[1]["shards"]) == (1, 0)
    assert answers[0]["operating"] == answers[1]["operating"]
    assert [row["belief"] for row in answers[0]["operating"]][:2] == ["none", "mechanism"]
    assert len((tmp_path / "out" / "mine_subjects.csv").read_text(encoding="utf-8").splitlines()) == 13
    assert "Flow of the first trial" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_trial_counts_the_animals_it_simulates_and_those_it_enters(tmp_path, monkeypatch):
    monkeypatch.setattr(banks, "SHARD", 8)
    file, out = tmp_path / "mine.toml", tmp_path / "out"
    file.write_text(DESIGN, encoding="utf-8")
    shown = []
    jobs.trial(jobs.TrialInputs(designs=(file,), out=out), jobs.Watch(shown.append))
    ears = [step for step in shown if step.doing == "simulating 20 ears"]
    assert [step.done for step in ears] == [0, 8, 16, 20]
    entered = [step for step in shown if step.doing == "simulating 200 trials"]
    beliefs = len(jobs.show(out).designs[0]["simulated"]["operating"])
    # Each trial has two groups of six, under each belief.
    assert entered[-1].done == entered[-1].of == beliefs * 200 * 12
    assert {(step.unit, step.of) for step in ears} == {("animals", 20)}
    assert all(step.rate > 0 for step in (*ears[1:], *entered[1:]))
    again = []
    asked = jobs.TrialInputs(designs=(file,), out=out, force=True, resume=True)
    jobs.trial(asked, jobs.Watch(again.append))
    there = next(step for step in again if step.doing == "simulating 20 ears")
    assert (there.done, there.rate) == (20, None)


@pytest.mark.parametrize(("analysis", "groups"), [("t", 2), ("ancova", 2), ("paired", 1), ("change", 1)])
def test_a_trial_enters_both_groups_or_the_one_there_is(analysis, groups):
    assert Simulate(**{**vars(ASKED), "analysis": analysis}).entered == groups * 6


def test_a_bank_grows_until_its_error_is_the_smaller_and_no_further(tmp_path):
    file = tmp_path / "mine.toml"
    small = DESIGN.replace("bank = 20", "bank = 20\ngrow_to = 40").replace("world = 10", "world = 5")
    file.write_text(small, encoding="utf-8")
    done = CliRunner().invoke(app, ["trial", str(file), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    grown = json.loads(done.stdout)["result"]["designs"][0]["simulated"]
    larger = any(row["bank"] > row["monte_carlo"] for row in grown["operating"])
    assert grown["ears"] == 40 if larger else grown["ears"] in (20, 40)
    # It is the bank that would have been simulated at once.
    at_once = Simulate(**{**vars(ASKED), "world": 5, "bank": grown["ears"]})
    assert bank(STUDY, (), at_once, tmp_path / "once", Crew(1), False, quiet).hash == grown["hash"]


def test_a_design_without_beliefs_of_its_own_is_run_under_the_four_priors(tmp_path):
    file = tmp_path / "mine.toml"
    text = DESIGN.replace("animal_experiment", "parallel").replace('["10 dB"]', '"10 dB"\nspread = "12 dB"')
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["trial", str(file), "--out", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 0, done.output
    (mine,) = json.loads(done.stdout)["result"]["designs"]
    rows = {row["belief"]: row for row in mine["simulated"]["operating"]}
    assert list(rows) == ["none", "mechanism", "as_printed", "sceptic"]
    assert rows["as_printed"]["positive"]["exact"][0] > rows["none"]["positive"]["exact"][0] + 0.2
    assert any("of experiments in animals" in note for note in mine["notes"])


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("n = 6", 'n = 6\nanalysis = "paired"\nleast = "20 dB SPL"', "simulate.analysis"),
        ("n = 6", 'n = 6\near_correlation = "20 %"', "simulate.ear_correlation"),
        ("bank = 20", "bank = 20\ngrow_to = 25", "simulate.grow_to"),
        ("bank = 20", "bank = 40\ngrow_to = 20", "simulate.grow_to"),
        ("n = 6", "n = 1", "simulate.n"),
        ("n = 6", 'n = 6\ndropout = "100 %"', "simulate.dropout"),
        ("n = 6", "n = 6\nalpha = 0.7", "simulate.alpha"),
        ("trials = 200", "trials = 10", "simulate.trials"),
        ("[simulate]", "[followed]\n[simulate]", "followed"),
        ('"noise_mouse"', '"nowhere"', "simulate"),
        ("106 dB + vesicles", "106 dB + hope", "simulate.treated"),
        ('"abr"', '"words"', "simulate.measure"),
        ('"14 d"', '"13 d"', "simulate.at"),
        ('baseline = "-1 d"', 'analysis = "ancova"', "simulate.baseline"),
        ('baseline = "-1 d"', 'baseline = "30 d"', "simulate.baseline"),
        ("bank = 20", "bank = 25", "simulate.bank"),
        ("n = 6", 'n = 6\nloss = "10 dB"', "simulate.loss"),
        ("n = 6", "n = 6\nenrolment = 3", "simulate.enrolment"),
    ],
)
def test_a_design_and_a_study_that_do_not_fit_are_refused_before_any_work(tmp_path, old, new, key):
    file = tmp_path / "mine.toml"
    file.write_text(DESIGN.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput) as refusal:
        read_design(file, Catalog())
    assert (refusal.value.key or "").startswith(key)


def test_simulated_trials_draw_whole_runs_where_the_study_or_the_protocol_has_them():
    study = load(STUDY)
    of_five = Simulate(**{**vars(ASKED), "run_animals": 5, "n": 15, "world": 20})
    of_five.check(study)
    assert (cut_down(study, of_five).cohort.animals, cut_down(study, ASKED).cohort.animals) == (5, 1)
    blocked = replace(of_five, runs="blocked")
    assert cut_down(study, blocked).cohort.animals == 10
    assert "whole exposure runs of 5" in " ".join(_notes((), of_five, study))
    assert "3 a group" in " ".join(_notes((), of_five, study))
    assert "5 of each group in every run" in " ".join(_notes((), blocked, study))
    tables = study.tables.model_copy(update={"cohort": CohortUse(animals=4)})
    assert replace(of_five, run_animals=None).together(replace(study, tables=tables)) == 4


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"n": 10}, r"n: is fewer than 3 exposure runs of 5.*given: 10; allowed: from 11 on; .*blocked"),
        ({"world": 5}, "world: holds fewer than two exposure runs of 5 ears"),
        ({"world": 10, "runs": "blocked"}, "world: holds fewer than two exposure runs of 10 ears"),
        ({"run_animals": 1, "runs": "blocked"}, "runs: are runs of several animals"),
        ({"analysis": "paired"}, "run_animals: is of groups of animals"),
    ],
)
def test_runs_that_cannot_be_drawn_or_analysed_are_refused(changed, words):
    asked = Simulate(**{**vars(ASKED), "run_animals": 5, "n": 15, "world": 20, **changed})
    with pytest.raises(BadInput, match=words):
        asked.check(load(STUDY))


SHARE = 0.6


def in_runs(size, benefit=0.0, ears=4000, worlds=4, seed=1):
    """The bank above in runs of neighbours of one world, of whose variance at the end ``SHARE`` lies between runs."""
    alone, random = invented(benefit, ears, worlds, seed), np.random.default_rng(seed + 1)
    run = np.arange(ears) // size
    # Points of a normal in any order, so that the bank spreads as it says.
    of_runs, of_animals = (
        stats.norm.ppf((random.permutation(n) + 0.5) / n) for n in (int(run[-1]) + 1, ears)
    )
    after = 40 + 10 * (np.sqrt(SHARE) * of_runs[run] + np.sqrt(1 - SHARE) * of_animals)
    values = alone.values.copy()
    values[:, 0, 1, 0], values[:, 1, 1, 0] = after, after - benefit
    world = run * size * worlds // ears
    quiet_ears = alone.columns | {"endpoints.abr_threshold.error": np.full(ears, 1e-6)}
    return Bank(values, world, quiet_ears, "", 0, 0, run=run, together=size)


def test_runs_apart_have_the_power_of_the_formula_which_counts_runs():
    asked = Simulate(**{**MANY, "analysis": "t", "n": 30, "run_animals": 5})
    results = ran(asked, in_runs(5, benefit=12.0))
    of_runs = Comparison((12.0,), 10.0, 1, 0.5, 1, 0.5, 0.5, "mean", 0.05, Runs(5, SHARE))
    assert (results.p < 0.05).mean() == pytest.approx(of_runs.power(30), abs=0.03)
    assert results.estimate.mean() == pytest.approx(-12.0, abs=0.5)


def test_blocked_runs_have_the_power_of_the_formula_in_which_runs_cancel():
    asked = Simulate(**{**MANY, "analysis": "t", "n": 15, "run_animals": 5, "runs": "blocked"})
    results = ran(asked, in_runs(10, benefit=6.0))
    of_runs = Comparison((6.0,), 10.0, 1, 0.5, 1, 0.5, 0.5, "mean", 0.05, Runs(5, SHARE, True))
    assert (results.p < 0.05).mean() == pytest.approx(of_runs.power(15), abs=0.03)
    assert results.estimate.mean() == pytest.approx(-6.0, abs=0.2)


@pytest.mark.parametrize("runs", ["apart", "blocked"])
@pytest.mark.parametrize("analysis", ["t", "ancova", "shares"])
def test_in_runs_too_a_drug_without_effect_is_positive_as_often_as_alpha_says(analysis, runs):
    loss = {"loss": Quantity("20 dB")} if analysis == "shares" else {}
    stated = {"analysis": analysis, "n": 30, "run_animals": 5, "runs": runs, **loss}
    results = ran(Simulate(**{**MANY, **stated}), in_runs(10 if runs == "blocked" else 5, 12.0), null=True)
    # Shares of so few are steps of a thirtieth, of which a test of 5 % takes those that it may.
    assert (results.p < 0.05).mean() == pytest.approx(0.05, abs=0.03 if analysis == "shares" else 0.012)


def test_animals_of_runs_counted_one_by_one_are_positive_too_often():
    """What the runs are for: the same draws, analysed as if each animal had been exposed alone."""
    study, asked = (
        cut_down(load(STUDY), ASKED),
        Simulate(**{**MANY, "analysis": "t", "n": 30, "run_animals": 5}),
    )
    some = subjects(study, in_runs(5), asked, 0, 2000, True, np.zeros(2000))
    wrong = analyse(replace(some, run=None), asked, np.zeros(2000, dtype=np.int64))
    assert (wrong.p < 0.05).mean() == pytest.approx(ears_as_animals(6, 5, SHARE, 0.05), abs=0.03)


def test_a_trial_of_runs_holds_no_animal_twice_and_the_runs_it_says():
    study, asked = cut_down(load(STUDY), ASKED), Simulate(**{**MANY, "n": 15, "run_animals": 5})
    for runs, size in (("apart", 5), ("blocked", 10)):
        whole = in_runs(size)
        some = subjects(study, whole, replace(asked, runs=runs), 0, 8, False, np.zeros(8))
        assert all(np.unique(rows).size == 30 for rows in some.row)
        of = whole.run[some.row]
        assert [np.unique(rows).size for rows in of] == [6 if runs == "apart" else 3] * 8
        # Runs are numbered from 0 in each group, five animals each.
        assert np.array_equal(some.run[0], np.tile(np.repeat([0, 1, 2], 5), (2, 1)))
        assert (np.array_equal(of[:, 0], of[:, 1])) == (runs == "blocked")
        assert all(np.unique(whole.world[rows]).size == 1 for rows in some.row)


def test_runs_cut_short_are_left_out_and_few_runs_come_again():
    rows = np.array([2, 3, 5, 6, 7, 8])
    run = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4])
    assert whole_runs(rows, run, 2).tolist() == [[2, 3], [6, 7]]
    both = drawn(np.random.default_rng(0), np.array([[2, 3], [6, 7]]), 6, False)
    assert both.shape == (2, 6)
    assert set(both.ravel()) <= {2, 3, 6, 7}


@pytest.mark.parametrize("analysis", ["t", "ancova", "shares"])
def test_blocked_analyses_are_least_squares_of_run_and_group(analysis):
    some = people(n=12)
    run = np.broadcast_to(np.arange(12) // 4, some.reading.shape)
    asked = Simulate(**{**MANY, "analysis": analysis, "n": 12, "run_animals": 4, "runs": "blocked"})
    results = analyse(replace(some, run=run), asked, np.zeros(6, dtype=np.int64))
    for trial in range(6):
        mask = some.analysed[trial]
        group = np.broadcast_to(np.arange(2.0)[:, None], mask.shape)[mask]
        columns = [group, *((run[trial][mask] == r).astype(float) for r in range(3))]
        if analysis == "ancova":
            columns.append(some.baseline[trial][mask])
        end = some.worse[trial][mask].astype(float) if analysis == "shares" else some.reading[trial][mask]
        fit = OLS(end, np.column_stack(columns)).fit()
        assert (results.estimate[trial], results.error[trial], results.p[trial]) == pytest.approx(
            (fit.params[0], fit.bse[0], fit.pvalues[0]), rel=1e-8
        )


@pytest.mark.parametrize("analysis", ["t", "change", "shares"])
def test_apart_analyses_are_those_of_means_of_runs(analysis):
    some = people(n=12)
    run = np.broadcast_to(np.arange(12) // 3, some.reading.shape)
    asked = Simulate(**{**MANY, "analysis": analysis, "n": 12, "run_animals": 3})
    results = analyse(replace(some, run=run), asked, np.zeros(6, dtype=np.int64))
    values = {"t": some.reading, "change": some.reading - some.baseline, "shares": some.worse.astype(float)}
    for trial in range(6):
        of_runs = [
            [
                values[analysis][trial, g, 3 * r : 3 * r + 3][
                    some.analysed[trial, g, 3 * r : 3 * r + 3]
                ].mean()
                for r in range(4)
                if some.analysed[trial, g, 3 * r : 3 * r + 3].any()
            ]
            for g in range(2)
        ]
        test = stats.ttest_1samp(of_runs[1], 0.0) if analysis == "change" else stats.ttest_ind(*of_runs[::-1])
        assert results.p[trial] == pytest.approx(test.pvalue, rel=1e-8)


def test_a_design_that_states_runs_hands_them_to_its_simulated_trials(tmp_path):
    head = 'design = "animal_experiment"\ndifference = ["10 dB"]\n'
    head += 'run_animals = 5\nrun_share = "67 %"\nruns = "blocked"\n'
    stated = {**vars(ASKED), "n": 15, "world": 20}
    keys = ("study", "treated", "control", "measure", "n", "world", "bank")
    lines = [f"{key} = {json.dumps(stated[key])}" for key in keys]
    own = "\nrun_animals = 4\n"
    asked = []
    for more in ("", own):
        file = tmp_path / "design.toml"
        file.write_text(head + "[simulate]\nat = '14 d'\n" + "\n".join(lines) + more, encoding="utf-8")
        asked.append(read_design(file, Catalog(())).simulate)
    # The protocol's own statement stands before the design's.
    assert [(a.run_animals, a.runs) for a in asked] == [(5, "blocked"), (4, "apart")]


def test_other_sizes_of_a_trial_in_runs_hold_three_runs_at_least():
    asked = Simulate(**{**vars(ASKED), "n": 20, "run_animals": 5})
    assert list(of_sizes(asked, (), lambda size: (), 5)) == [15, 20, 40, 80]
    assert list(of_sizes(asked, (), lambda size: ())) == [5, 10, 20, 40, 80]
    assert list(of_sizes(replace(asked, runs="blocked"), (), lambda size: (), 5)) == [5, 10, 20, 40, 80]
