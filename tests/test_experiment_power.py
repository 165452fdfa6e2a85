"""How many animals: exact power against statsmodels and SciPy, several frequencies against simulated laboratories."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from otosome.errors import BadInput
from otosome.trials import animals, power
from otosome.trials.frequencies import Together


# At noncentralities above 6 statsmodels gives no number.
@pytest.mark.parametrize(
    ("n", "effect"),
    [(n, effect) for n in (3, 6, 20, 60) for effect in (0.1, 0.5, 1.0, 1.5) if effect * n**0.5 < 6],
)
@pytest.mark.parametrize("alpha", [0.05, 0.005])
def test_power_of_a_t_test_is_statsmodels_power(n, effect, alpha):
    assert power.two_means(n, n, effect, 1.0, alpha) == pytest.approx(
        TTestIndPower().power(effect, n, alpha), abs=2e-9
    )
    assert power.one_mean(n, effect, 1.0, alpha) == pytest.approx(
        TTestPower().power(effect, n, alpha), abs=2e-9
    )


def test_groups_of_unequal_size_are_statsmodels_too():
    theirs = TTestIndPower().power(0.7, 10, 0.05, ratio=2.0)
    assert power.two_means(10, 20, 0.7, 1.0, 0.05) == pytest.approx(theirs, abs=1e-9)


# Another program's sizes: rpact 3, one-sided alpha .025; to 0.1 %.
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (lambda: 2 * power.least(lambda n: power.two_means(n, n, 10, 24, 0.05), 0.8, 2), 182.778888),
        (lambda: power.normal_size(10, 24, 0.05, 0.8), 180.838189),
        (lambda: power.shares_size(0.286, 0.564, 0.05, 0.8), 96.882012),
        (lambda: power.shares_size(0.4, 0.6, 0.05, 0.9), 258.505774),
        (lambda: power.least(lambda n: power.one_mean(n, 7, 10, 0.05), 0.9, 3), 23.449144),
        (lambda: power.events_needed(0.7, 0.05, 0.8), 246.787105),
    ],
    ids=["two means", "two means, normal", "shares", "shares at 90 %", "pairs", "events"],
)
def test_sizes_are_those_of_another_program(ours, theirs):
    assert ours() == pytest.approx(theirs, rel=1e-3)


def test_people_for_the_events_of_a_trial_are_those_of_another_program():
    rate = np.log(2) / 12
    share = (power.event_share(rate, 12, 12) + power.event_share(0.7 * rate, 12, 12)) / 2
    assert power.events_needed(0.7, 0.05, 0.8) / share == pytest.approx(428.596212, rel=1e-3)


def test_a_share_of_events_is_that_of_people_who_enter_one_by_one():
    entered = np.linspace(0, 12, 100_001)
    followed = 12 + 12 - entered
    assert power.event_share(0.03, 12, 12) == pytest.approx((1 - np.exp(-0.03 * followed)).mean(), rel=1e-5)
    assert power.event_share(0.03, 1e-9, 12) == pytest.approx(power.event_share(0.03, 0.0, 12), abs=1e-9)


def laboratories(n, difference, sd, ears=1, ear_correlation=0.0, tones=1, tone_correlation=0.0, count=20_000):
    """Simulated experiments: readings of two groups, shape (experiment, group, animal, ear, frequency)."""
    random = np.random.default_rng(5)
    shape = (count, 2, n)
    # An ear's deviation is made of its animal's and its own; a frequency's of its ear's and its own.
    own = {1: random.standard_normal((*shape, ears, tones)), 0: random.standard_normal((*shape, ears, 1))}
    both = {1: random.standard_normal((*shape, 1, tones)), 0: random.standard_normal((*shape, 1, 1))}

    def over_tones(part):
        return np.sqrt(tone_correlation) * part[0] + np.sqrt(1 - tone_correlation) * part[1]

    values = sd * (
        np.sqrt(ear_correlation) * over_tones(both) + np.sqrt(1 - ear_correlation) * over_tones(own)
    )
    values[:, 1] += difference
    return values


def significant_share(control, treated, alpha=0.05):
    return float((stats.ttest_ind(treated, control, axis=1).pvalue < alpha).mean())


# 20,000 simulated experiments: a standard error of at most 0.0036; ours has as many.
ERROR = 0.013


def test_the_animal_as_unit_has_its_power_and_ears_as_animals_their_false_positives():
    read = laboratories(6, 20.0, 15.0, ears=2, ear_correlation=0.54)[..., 0]
    plan = animals.Comparison((20.0,), 15.0, 2, 0.54, 1, 0.8, 0.7, "mean", 0.05)
    means = read.mean(axis=3)
    assert plan.power(6) == pytest.approx(significant_share(means[:, 0], means[:, 1]), abs=ERROR)
    null = laboratories(6, 0.0, 15.0, ears=2, ear_correlation=0.54)[..., 0].reshape(-1, 2, 12)
    naive = significant_share(null[:, 0], null[:, 1])
    assert power.ears_as_animals(6, 2, 0.54, 0.05) == pytest.approx(naive, abs=ERROR)
    assert naive > 0.1


def test_ears_as_animals_are_no_error_where_ears_are_independent_or_single():
    assert power.ears_as_animals(6, 1, 0.54, 0.05) == pytest.approx(0.05, abs=2e-4)
    assert power.ears_as_animals(6, 2, 0.0, 0.05) == pytest.approx(0.05, abs=2e-4)


@pytest.mark.parametrize("rule", ["mean", "any", "all"])
def test_frequencies_tested_together_have_the_power_of_simulated_laboratories(rule):
    read = laboratories(8, 18.0, 15.0, tones=4, tone_correlation=0.7, count=60_000)[:, :, :, 0]
    p = stats.ttest_ind(read[:, 1], read[:, 0], axis=1).pvalue
    theirs = {
        "mean": significant_share(read[:, 0].mean(axis=2), read[:, 1].mean(axis=2)),
        "any": float((p < 0.05 / 4).any(axis=1).mean()),
        "all": float((p < 0.05).all(axis=1).mean()),
    }
    plan = animals.Comparison((18.0,) * 4, 15.0, 1, 0.54, 1, 0.7, 0.7, rule, 0.05)
    assert plan.power(8) == pytest.approx(theirs[rule], abs=ERROR)


def test_one_frequency_tested_together_is_the_exact_t_test():
    assert Together((1.0,), 0.5, 0.05).power(6, "all") == pytest.approx(
        power.two_means(6, 6, 1.0, 1.0, 0.05), abs=ERROR
    )
    assert Together((1.0,), 0.5, 0.05, paired=True).power(6, "any") == pytest.approx(
        power.one_mean(6, 1.0, 1.0, 0.05), abs=ERROR
    )


@pytest.mark.parametrize("rule", ["mean", "any", "all"])
def test_a_size_reaches_the_power_and_a_smaller_does_not(rule):
    plan = animals.Comparison((12.0, 12.0), 15.0, 1, 0.5, 1, 0.6, 0.7, rule, 0.05)
    n = plan.size(0.8)
    assert plan.power(n) >= 0.8 > plan.power(n - 1)


def test_a_difference_nobody_finds_is_refused():
    plan = animals.Comparison((0.01,), 15.0, 1, 0.5, 1, 0.6, 0.7, "mean", 0.05)
    with pytest.raises(BadInput, match="no group of up to 2000 animals reaches this power"):
        plan.size(0.8)


def test_what_six_against_six_shows_is_what_simulated_experiments_show():
    read = laboratories(6, 10.0, 15.0, count=200_000)[:, :, :, 0, 0]
    test = stats.ttest_ind(read[:, 1], read[:, 0], axis=1)
    positive = test.pvalue < 0.05
    seen = (read[:, 1].mean(axis=1) - read[:, 0].mean(axis=1))[positive]
    what = animals.showing(6, 10.0, 15.0, 0.05, 0.8)
    assert what.power == pytest.approx(positive.mean(), abs=0.004)
    assert what.exaggeration == pytest.approx(np.abs(seen).mean() / 10.0, rel=0.01)
    assert what.wrong == pytest.approx((seen < 0).mean(), abs=0.003)
    assert power.two_means(6, 6, what.detectable, 15.0, 0.05) == pytest.approx(0.8, abs=1e-6)
    assert what.significant == pytest.approx(stats.t.isf(0.025, 10) * 15.0 * np.sqrt(1 / 3))


def test_positives_come_again_as_they_do_in_pairs_of_simulated_experiments():
    benefits = np.repeat([0.0, 10.0, 25.0], 1)
    pairs = [laboratories(6, b, 15.0, count=40_000)[:, :, :, 0, 0] for b in benefits]
    first, again = [], []
    for read in pairs:
        test = stats.ttest_ind(read[:, 1], read[:, 0], axis=1)
        positive = (test.pvalue < 0.05) & (test.statistic > 0)
        first.append(positive[:20_000]), again.append(positive[20_000:])
    first, again = np.concatenate(first), np.concatenate(again)
    what = animals.come_again(6, benefits, 15.0, 0.05)
    assert what.positive == pytest.approx(first.mean(), abs=0.006)
    assert what.again == pytest.approx(again[first].mean(), abs=0.02)


def test_a_belief_has_the_quantiles_it_states():
    values = animals.beliefs_of({"b": (0.5, 4.0, 16.0)}, points=2001)["b"]
    assert np.quantile(values, [0.05, 0.5, 0.95]) == pytest.approx([0.5, 4.0, 16.0], abs=0.05)


# ---------------------------------------------------------------- exposure runs


def in_runs(runs=None, difference=(10.0,), rule="mean", sd=12.0):
    return animals.Comparison(difference, sd, 1, 0.5, 1, 0.8, 0.7, rule, 0.05, runs)


def exposed(runs, each, share, blocked, difference, sd, count=20_000):
    """Simulated experiments of two groups in so many runs a group, shape (experiment, group, run, animal)."""
    random = np.random.default_rng(11)
    of_runs = random.standard_normal((count, 1 if blocked else 2, runs, 1))
    own = random.standard_normal((count, 2, runs, each))
    values = sd * (np.sqrt(share) * of_runs + np.sqrt(1 - share) * own)
    values[:, 1] += difference
    return values


@pytest.mark.parametrize(("runs", "each", "share"), [(3, 5, 0.67), (6, 2, 0.3), (4, 5, 0.0), (5, 1, 0.5)])
def test_groups_with_runs_of_their_own_have_the_power_of_simulated_means_of_runs(runs, each, share):
    means = exposed(runs, each, share, False, 15.0, 12.0).mean(axis=3)
    positive = stats.ttest_ind(means[:, 0], means[:, 1], axis=1).pvalue < 0.05
    found = in_runs(animals.Runs(each, share), (15.0,)).power(runs * each)
    # 20,000 experiments: a standard error of 0.35 points at most.
    assert positive.mean() == pytest.approx(found, abs=0.012)


@pytest.mark.parametrize(("runs", "each", "share"), [(2, 5, 0.67), (4, 2, 0.3), (8, 1, 0.5)])
def test_runs_that_hold_both_groups_have_the_power_of_a_simulated_analysis_by_blocks(runs, each, share):
    values = exposed(runs, each, share, True, 10.0, 12.0)
    n = runs * each
    both = values.mean(axis=(1, 3), keepdims=True)
    by_group = values.mean(axis=(2, 3), keepdims=True)
    left = values - both - by_group + values.mean(axis=(1, 2, 3), keepdims=True)
    freedom = 2 * n - runs - 1
    error = np.sqrt((left**2).sum(axis=(1, 2, 3)) / freedom * 2 / n)
    t = (by_group[:, 1] - by_group[:, 0])[:, 0, 0] / error
    positive = np.abs(t) > stats.t.ppf(0.975, freedom)
    assert positive.mean() == pytest.approx(
        in_runs(animals.Runs(each, share, blocked=True)).power(n), abs=0.012
    )


def test_runs_of_one_animal_of_each_group_are_pairs():
    found = in_runs(animals.Runs(1, 0.6, blocked=True)).power(9)
    assert found == pytest.approx(power.one_mean(9, 10.0, 12.0 * np.sqrt(2 * 0.4), 0.05), abs=1e-12)


def test_animals_exposed_one_by_one_are_as_without_runs():
    assert in_runs(animals.Runs(1, 0.6)).power(12) == pytest.approx(in_runs().power(12), abs=1e-12)
    assert in_runs(animals.Runs(1, 0.6)).size(0.8) == in_runs().size(0.8)


def test_the_size_grows_by_the_design_effect_and_is_of_whole_runs():
    apart, blocked = animals.Runs(5, 0.67), animals.Runs(5, 0.67, blocked=True)
    assert apart.design_effect == pytest.approx(1 + 4 * 0.67)
    assert blocked.design_effect == pytest.approx(1 - 0.67)
    alone = in_runs(sd=19.9).size(0.9)
    for runs in (apart, blocked):
        mine = in_runs(runs, sd=19.9)
        n = mine.size(0.9)
        assert n % 5 == 0
        assert mine.power(n) >= 0.9 > mine.power(n - 5)
        # A t test of few runs needs up to two runs more, and a size is of whole ones.
        assert n == pytest.approx(alone * runs.design_effect, abs=10)


@pytest.mark.parametrize("rule", ["any", "all"])
def test_several_frequencies_count_runs_too(rule):
    tones = (8.0, 10.0, 12.0)
    alone, apart, blocked = (
        in_runs(runs, tones, rule).power(30)
        for runs in (None, animals.Runs(5, 0.67), animals.Runs(5, 0.67, blocked=True))
    )
    assert apart < alone < blocked
    # Six runs are six units of the spread of a run's mean.
    sd = 12.0 * np.sqrt(0.67 + 0.33 / 5)
    assert apart == pytest.approx(in_runs(None, tones, rule, sd).power(6), abs=1e-12)


def test_animals_counted_in_the_place_of_runs_are_positive_as_often_as_simulated():
    for runs in (1, 3):
        flat = exposed(runs, 5, 0.67, False, 0.0, 1.0).reshape(20_000, 2, -1)
        positive = stats.ttest_ind(flat[:, 0], flat[:, 1], axis=1).pvalue < 0.05
        assert power.ears_as_animals(runs, 5, 0.67, 0.05) == pytest.approx(positive.mean(), abs=0.012)


# ---------------------------------------------------------------- the error of reading


@pytest.mark.parametrize(("rule", "tones"), [("mean", 3), ("any", 1), ("all", 1)])
def test_readings_without_error_leave_the_spread_that_is_the_animals(rule, tones):
    """Simulated: animals that differ by 10 dB at correlation 0.8, each tone read with 6 dB; 136 dB2 in all."""
    random = np.random.default_rng(2)
    true = 10.0 * (
        np.sqrt(0.8) * random.standard_normal((200_000, 1))
        + np.sqrt(0.2) * random.standard_normal((200_000, 3))
    )
    read = true + 6.0 * random.standard_normal(true.shape)
    of = np.mean if rule == "mean" else lambda values, axis: values[:, 0]
    whole = animals.Comparison((10.0,) * 3, read.std(), 1, 0.0, 1, 80 / 136, 0.0, rule, 0.05)
    share = 1 - of(true, axis=1).var() / of(read, axis=1).var()
    assert whole.read_share(6.0) == pytest.approx(share, abs=0.01)
    assert whole.exactly(6.0).animal_sd == pytest.approx(of(true, axis=1).std(), rel=0.01)


def test_the_variance_between_runs_stays_where_readings_are_exact():
    whole = in_runs(animals.Runs(5, 0.4))
    exact = whole.exactly(6.0)
    assert exact.runs.share * exact.animal_sd**2 == pytest.approx(0.4 * whole.animal_sd**2)
    assert exact.size(0.8) < whole.size(0.8)
