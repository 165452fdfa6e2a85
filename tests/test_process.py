"""What a process makes, what a history of lots shows, and what a change of process does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import f_oneway, linregress, ttest_ind
from scipy.stats import t as student

from otosome.catalog import Catalog, names
from otosome.errors import BadInput
from otosome.lots.history import (
    broken_rules,
    components,
    ewma,
    ewma_run_length,
    historical_range,
    shewhart,
    stability,
    tolerance_factor,
    trend,
)
from otosome.lots.process import (
    Process,
    comparable,
    make_lots,
    passes,
    released,
    right,
)
from otosome.lots.production import change, making, process_of

CATALOG = Catalog()
every_process = pytest.mark.parametrize("name", names("processes"))


def fixed(**changes):
    """A process of which everything is known, in 400 worlds."""
    values = {
        "harvest": 1e11, "harvests": 1.0, "recovery": 0.5, "donor_spread": 0.3, "run_spread": 0.2, "dose": 1e9,
        "retained": 0.2, "within_day": 0.05, "between_days": 0.1, "label_tolerance": 0.2, "consumer_risk": 0.05,
        "potency_donor_spread": 0.5, "potency_run_spread": 0.3, "storage_loss": 1e-5, "storage_limit": 0.8,
        "change_margin": 1.25, **changes,
    }  # fmt: skip
    return Process.of("fixed", {key: np.full(400, value) for key, value in values.items()})


@every_process
def test_a_process_makes_lots(name):
    process = process_of(name, CATALOG)
    lots = make_lots(process, 6)
    assert (lots.harvest > 0).all()
    assert (lots.doses >= 0).all()
    assert (process.shelf_life > 0).all()


def test_lots_differ_as_donors_runs_and_the_assay_say():
    process = fixed()
    lots = make_lots(process, 30, runs_a_donor=1)
    spread = np.log1p(0.3**2) + np.log1p(0.2**2)
    assert np.log(lots.harvest).var() == pytest.approx(spread, rel=0.05)
    error = np.log1p(0.05**2) + np.log1p(0.1**2)
    assert np.log(lots.true).var() == pytest.approx(error, rel=0.05)
    # A reading errs twice: at filling and at release.
    assert np.log(lots.read).var() == pytest.approx(2 * error, rel=0.05)
    parts = {k: float(v[0]) for k, v in process.components().items()}
    assert parts["donor"] + parts["run"] == pytest.approx(spread)


def test_lots_of_one_donor_are_more_alike_than_others():
    logs = np.log(make_lots(fixed(run_spread=0.0), 6, runs_a_donor=3).harvest)
    assert np.ptp(logs[:, :3], axis=1) == pytest.approx(np.zeros(400), abs=1e-9)
    assert (logs[:, 0] != logs[:, 3]).all()


def test_a_perfect_count_fills_every_vial_to_its_label_and_releases_every_lot():
    process = fixed(within_day=0.0, between_days=0.0)
    lots = make_lots(process, 5)
    assert lots.true == pytest.approx(1.0)
    assert lots.doses == pytest.approx(np.floor(lots.harvest * 0.8 / 1e9))
    assert released(process, lots, guarded=True).all() and right(process, lots).all()


def test_guard_bands_release_fewer_lots_and_fewer_wrong_ones():
    process = fixed(between_days=0.08)
    lots = make_lots(process, 50)
    wrong = ~right(process, lots)
    plain, guarded = (released(process, lots, guarded=g) for g in (False, True))
    assert guarded.sum() < plain.sum()
    assert (guarded & wrong).sum() < (plain & wrong).sum()


def test_a_lot_on_its_limit_is_released_as_often_as_the_consumers_risk_allows():
    process = fixed(between_days=0.04)
    assert passes(process, 0.8, 4, guarded=True) == pytest.approx(0.05, abs=1e-3)
    # As read it is a toss of a coin, however well it is counted.
    assert passes(process, 0.8, 4, guarded=False) == pytest.approx(0.5, abs=1e-3)


def test_the_chance_of_release_is_that_of_simulated_readings():
    process = fixed()
    error = np.sqrt(np.log1p(0.05**2) + np.log1p(0.1**2))
    read = np.exp(np.random.default_rng(9).normal(np.log(0.9), error, 200_000))
    share = ((read >= 0.8) & (read <= 1.2)).mean()
    assert passes(process, 0.9, 1, guarded=False)[0] == pytest.approx(share, abs=4e-3)


def test_a_shelf_life_leaves_what_it_must():
    process = fixed()
    assert np.exp(-1e-5 * process.shelf_life) == pytest.approx(0.8)


def test_a_process_without_a_harvest_or_a_number_is_refused():
    columns = dict(fixed().columns)
    with pytest.raises(BadInput, match="harvest"):
        Process.of("x", {k: v for k, v in columns.items() if k != "harvest"})
    with pytest.raises(BadInput, match="storage_loss"):
        Process.of("x", {k: v for k, v in columns.items() if k != "storage_loss"})


@every_process
def test_what_is_told_of_a_process_adds_up(name):
    told = making(name, CATALOG, lots=10)
    assert sum(told["share"][kind]["median"] for kind in told["share"]) == pytest.approx(1.0, abs=0.15)
    assert told["released_wrong_guarded"]["median"] <= told["released_wrong"]["median"]


def test_no_change_of_process_is_one_of_ratio_one():
    told = change("vertical_wheel_adipose", "vertical_wheel_adipose", CATALOG, lots=10)
    assert told["harvest"]["ratio"] == pytest.approx({"median": 1.0, "low": 1.0, "high": 1.0})


# Comparability


def test_comparable_is_the_two_one_sided_t_tests():
    chance = np.random.default_rng(1)
    before, after = np.exp(chance.normal(0, 0.1, 12)), np.exp(chance.normal(0.05, 0.15, 9))
    found = comparable(before, after, 1.25)
    theirs = ttest_ind(np.log(after), np.log(before), equal_var=False).confidence_interval(0.90)
    assert np.log([found.low, found.high]) == pytest.approx([theirs.low, theirs.high])
    assert found.comparable == (found.low >= 0.8 and found.high <= 1.25)


@pytest.mark.parametrize("spreads", [(0.1, 0.1), (0.05, 0.2)])
def test_lots_that_differ_by_the_margin_are_shown_comparable_as_seldom_as_the_tests_promise(spreads):
    """At the edge of the margin 5 % of comparisons may say comparable; of equal processes most of these do."""
    chance, margin, times = np.random.default_rng(3), 1.25, 2000

    def shown(ratio):
        before = np.exp(chance.normal(0, spreads[0], (times, 12)))
        after = np.exp(chance.normal(np.log(ratio), spreads[1], (times, 15)))
        return np.mean([comparable(a, b, margin).comparable for a, b in zip(before, after, strict=True)])

    # Two thousand have a standard deviation of 0.5 % at 5 %.
    assert 0.035 < shown(margin) < 0.065
    assert 0.035 < shown(1 / margin) < 0.065
    assert shown(1.0) > 0.9


def test_too_few_lots_show_nothing_however_alike():
    chance = np.random.default_rng(2)
    assert not comparable(np.exp(chance.normal(0, 0.4, 3)), np.exp(chance.normal(0, 0.4, 3)), 1.25).comparable
    with pytest.raises(BadInput, match="two lots"):
        comparable(np.array([1.0]), np.array([1.0, 2.0]), 1.25)


# History


@pytest.mark.parametrize(("weight", "width"), [(0.1, 2.814), (0.25, 2.998), (0.4, 3.054)])
def test_run_lengths_of_the_ewma_are_the_published_ones(weight, width):
    # Lucas and Saccucci 1990: these charts have an average run length of 500.
    assert ewma_run_length(weight, width) == pytest.approx(500, rel=0.01)


def test_an_ewma_of_weight_one_is_a_shewhart_chart():
    assert ewma_run_length(1.0, 3.0, states=2001) == pytest.approx(370.4, rel=0.01)
    chart = shewhart(np.random.default_rng(3).normal(size=20))
    assert chart.run_length == pytest.approx(370.4, rel=1e-3)


def test_the_false_alarm_of_limits_from_few_lots_is_what_is_simulated():
    chance = np.random.default_rng(4)
    lots = chance.normal(size=(40_000, 8))
    new = chance.normal(size=40_000)
    outside = np.abs(new - lots.mean(axis=1)) > 3 * lots.std(axis=1, ddof=1)
    said = shewhart(lots[0]).false_alarm
    # About 0.02 of 40,000, with a standard deviation of 0.0007.
    assert said == pytest.approx(outside.mean(), abs=0.003)


def test_charts_see_a_lot_far_out_and_a_lasting_shift():
    values = np.random.default_rng(5).normal(0, 0.1, 30)
    values[20] = 2.0
    assert shewhart(values).outside == [20]
    shifted = np.concatenate([np.tile([-1.0, 1.0], 20), np.full(12, 2.0)])
    assert ewma(shifted).outside and not shewhart(shifted).outside


@pytest.mark.parametrize(
    ("lots", "words"),
    [
        ([0, 3.1], "beyond three"),
        ([0.1] * 9, "nine lots in a row"),
        ([0.1] * 8, ""),
        ([-0.1] * 9, "nine lots in a row"),
        ([0, 0.1, 0.2, 0.3, 0.4, 0.5], "six lots in a row"),
        ([0.1, 0, 0.2, 0.3, 0.4, 0.5], ""),
        ([2.1, 0, 2.1], "two of three"),
        ([2.1, 0, -2.1], ""),
        ([2.1, 2.1, 0], ""),
    ],
)
def test_rules_of_a_chart_are_those_of_nelson(lots, words):
    broken = "; ".join(broken_rules(5 + 0.5 * np.array(lots, dtype=float), 5.0, 0.5))
    assert words in broken and bool(words) == bool(broken)


def test_a_trend_is_the_line_of_scipy():
    values = np.random.default_rng(3).normal(0, 0.1, 9) + 0.05 * np.arange(9)
    theirs = linregress(np.arange(9), values)
    ours = trend(values)
    off = student.ppf(0.95, 7) * theirs.stderr
    expected = np.exp([theirs.slope - off, theirs.slope, theirs.slope + off])
    assert [ours.low, ours.ratio, ours.high] == pytest.approx(expected)
    assert ours.clear == (abs(theirs.slope) > off)


@pytest.mark.parametrize(("lots", "factor"), [(10, 3.379), (20, 2.752), (30, 2.549)])
def test_tolerance_factors_are_the_tabled_ones(lots, factor):
    # Two-sided, 95 % of lots with 95 % confidence; Howe's formula is good to a fraction of a percent.
    assert tolerance_factor(lots) == pytest.approx(factor, rel=2e-3)


def test_the_range_of_history_holds_its_share_of_lots_with_its_confidence():
    chance = np.random.default_rng(6)
    held = []
    for _ in range(1000):
        low, high = historical_range(chance.normal(size=12))
        held.append(ndtr(high) - ndtr(low) >= 0.95)
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)


def test_spread_of_lots_and_of_counts_come_apart():
    chance = np.random.default_rng(7)
    lots = [chance.normal(chance.normal(0, 0.4), 0.1, chance.integers(1, 5)) for _ in range(2000)]
    found = components(lots)
    assert found is not None
    assert found.lots == pytest.approx(0.16, rel=0.08)
    assert found.counts == pytest.approx(0.01, rel=0.08)
    assert found.share == pytest.approx(0.16 / 0.17, rel=0.02)
    assert components([np.array([1.0]), np.array([2.0])]) is None


def test_a_loss_in_storage_is_the_slope_of_one_lot():
    chance = np.random.default_rng(8)
    times = np.array([0.0, 500.0, 1000.0, 2000.0, 4000.0])
    counts = 1e9 * np.exp(-1e-4 * times + chance.normal(0, 0.02, 5))
    found = stability([times], [counts], 0.8)
    line = linregress(times, np.log(counts))
    assert found.rate == pytest.approx(-line.slope)
    assert found.low < 1e-4 < found.high
    assert np.exp(-found.high * found.shelf_life) == pytest.approx(0.8)


def test_a_loss_common_to_several_lots_is_least_squares_with_a_start_for_each():
    chance = np.random.default_rng(9)
    times = [np.array([0.0, 700.0, 2000.0]), np.array([0.0, 1500.0]), np.array([100.0, 400.0, 900.0, 4000.0])]
    counts = [
        size * np.exp(-2e-4 * t + chance.normal(0, 0.05, t.size))
        for size, t in zip((1e9, 3e8, 5e9), times, strict=True)
    ]
    starts = np.repeat(np.eye(3), [t.size for t in times], axis=0)
    table, log = np.column_stack([np.concatenate(times), starts]), np.log(np.concatenate(counts))
    best, (squares,), *_ = np.linalg.lstsq(table, log, rcond=None)
    freedom = log.size - 4
    error = np.sqrt(squares / freedom * np.linalg.inv(table.T @ table)[0, 0])
    off = student.ppf(0.95, freedom) * error
    found = stability(times, counts, 0.7)
    assert [found.low, found.rate, found.high] == pytest.approx(
        -best[0] + off * np.array([-1, 0, 1]), rel=1e-6
    )
    assert found.shelf_life == pytest.approx(np.log(1 / 0.7) / found.high)


def test_spread_of_lots_is_that_of_scipys_analysis_of_variance():
    lots = [np.array([1.0, 1.4]), np.array([2.0, 2.1]), np.array([0.2, 0.8])]
    found = components(lots)
    assert found is not None
    # Counts of a lot, and the ratio of the mean squares: F = (counts + 2 lots) / counts.
    assert found.counts == pytest.approx(np.mean([np.var(lot, ddof=1) for lot in lots]))
    assert (found.counts + 2 * found.lots) / found.counts == pytest.approx(f_oneway(*lots).statistic)
    alike = components([np.array([1.0, 2.0]), np.array([1.1, 1.9])])
    assert alike is not None and (alike.lots, alike.share) == (0.0, 0.0)
    same = components([np.array([1.0, 1.0]), np.array([1.0, 1.0])])
    assert same is not None and same.share == 0.0
    assert components([np.array([1.0, 2.0])]) is None


def test_limits_are_three_deviations_of_the_history_either_side_and_a_new_lot_moves_none():
    history = np.array([9.0, 10.0, 11.0, 10.0])  # mean 10, deviation sqrt(2/3)
    chart = shewhart(history, 12.0)
    assert (chart.values.size, chart.baseline, chart.centre) == (5, 4, 10.0)
    assert chart.low == pytest.approx(10 - 3 * np.sqrt(2 / 3)) and chart.high == pytest.approx(20 - chart.low)
    assert (
        chart.outside == []
        and shewhart(history, 12.5).outside == [4]
        and shewhart(history, 7.5).outside == [4]
    )


def test_an_exponentially_weighted_mean_is_a_sum_over_all_lots_and_its_limits_their_spread():
    history, weight = np.array([1.0, 4.0, 2.0, 7.0]), 0.3
    chart = ewma(history, 5.0, weight=weight, width=2.0)
    lots, middle = np.append(history, 5.0), history.mean()
    for k in range(5):
        weights = weight * (1 - weight) ** np.arange(k, -1, -1)
        assert chart.values[k] == pytest.approx(weights @ lots[: k + 1] + (1 - weights.sum()) * middle)
        off = 2.0 * history.std(ddof=1) * np.sqrt(weights @ weights)
        assert (chart.low[k], chart.high[k]) == (pytest.approx(middle - off), pytest.approx(middle + off))
    # Weight and width as given have the run length of three standard deviations, 370.
    assert ewma(history).run_length == pytest.approx(370, rel=0.02)


def test_a_lot_that_loses_nothing_has_no_end_and_one_count_no_trend():
    times = np.array([0.0, 1.0, 2.0])
    assert stability([times], [np.array([1.0, 2.0, 4.0])], 0.8).shelf_life == np.inf
    with pytest.raises(BadInput, match="two storage times"):
        stability([np.array([0.0])], [np.array([1.0])], 0.8)


def test_a_history_has_three_lots_that_differ():
    with pytest.raises(BadInput, match="three lots"):
        shewhart(np.array([1.0, 2.0]))
    with pytest.raises(BadInput, match="differ"):
        ewma(np.ones(5))
