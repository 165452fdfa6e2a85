"""Pooling: another program's numbers, exact cases, and simulated laboratories."""

from __future__ import annotations

import math
import shutil
import subprocess
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm, t

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.review.experiments import experiments
from otosome.review.experiments.effects import standardised
from otosome.review.pooling.likelihood import (
    GRID,
    Evidence,
    Outcome,
    believed,
    chance,
    ends,
    evidence,
    one_more,
    results,
)
from otosome.review.pooling.printing import curve, minus_log_likelihood, selected
from otosome.review.pooling.random_effects import cumulative, pool, regression, reml, without_each

FOLDER = Path(__file__).parent / "metafor"
EFFECTS = pd.read_csv(FOLDER / "effects.csv")
POOLS = pd.read_csv(FOLDER / "pools.csv").set_index("set")
SETS = {name: (table["yi"].to_numpy(), table["vi"].to_numpy()) for name, table in EFFECTS.groupby("set")}
every_set = pytest.mark.parametrize("name", POOLS.index)
ABLAT = np.array([44, 55, 42, 52, 13, 44, 19, 13, 27, 42, 18, 33, 33], dtype=float)


# ---------------------------------------------------------------- metafor's numbers


@every_set
def test_the_pool_is_metafors_to_four_digits(name):
    ours = pool(*SETS[name])
    for key in ("value", "error", "low", "high", "tau2", "q", "q_p", "next_low", "next_high"):
        assert getattr(ours, key) == pytest.approx(POOLS.loc[name, key], rel=1e-5, abs=1e-7), key
    assert ours.i2 == pytest.approx(POOLS.loc[name, "i2"], rel=1e-5, abs=1e-4)
    assert ours.k == POOLS.loc[name, "k"]


@lru_cache
def one_in_ten(name: str):
    return selected(*SETS[name], 0.1)


@every_set
def test_the_pool_with_one_null_in_ten_printed_is_metafors_or_more_likely(name):
    values, variances = SETS[name]
    ours, (theirs, tau2) = one_in_ten(name), POOLS.loc[name, ["selected", "selected_tau2"]]
    near = ours.value == pytest.approx(theirs, abs=2e-3)
    least = minus_log_likelihood(ours.value, ours.tau2, values, variances, 0.1)
    assert near or least < minus_log_likelihood(theirs, tau2, values, variances, 0.1) - 1e-6


def test_only_one_of_107_sets_has_another_best_place():
    apart = [n for n in SETS if abs(one_in_ten(n).value - POOLS.loc[n, "selected"]) > 2e-3]
    assert len(apart) <= 1


def test_effects_are_escalcs():
    table = pd.read_csv(FOLDER / "normand1999.csv")
    spread = np.sqrt(
        ((table.n1i - 1) * table.sd1i**2 + (table.n2i - 1) * table.sd2i**2) / (table.n1i + table.n2i - 2)
    )
    ours = [
        standardised(row.m1i - row.m2i, float(s), (row.n1i, row.n2i))
        for row, s in zip(table.itertuples(), spread, strict=True)
    ]
    np.testing.assert_allclose(ours, np.column_stack(SETS["normand1999_smd"]), rtol=1e-9)


def test_a_regression_is_metafors():
    fit = regression(*SETS["bcg"], ABLAT[:, None], ["latitude"])
    np.testing.assert_allclose(fit.coefficients, [0.25146821001, -0.02910172501], rtol=1e-6)
    np.testing.assert_allclose(fit.errors, [0.283925283744, 0.008201417411], rtol=1e-6)
    np.testing.assert_allclose(fit.p, [0.394737072448, 0.004565051542], rtol=1e-6)
    assert fit.tau2 == pytest.approx(0.07634796396, rel=1e-6)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not here")
def test_the_values_beside_are_what_metafor_gives_now(tmp_path):
    there = subprocess.run(["Rscript", "-e", "library(metafor)"], capture_output=True, check=False)
    if there.returncode:
        pytest.skip("metafor is not here (Debian: r-cran-metafor)")
    shutil.copy(FOLDER / "metafor.R", tmp_path)
    subprocess.run(["Rscript", "metafor.R"], cwd=tmp_path, check=True, capture_output=True, timeout=300)
    now = pd.read_csv(tmp_path / "pools.csv").set_index("set")
    pd.testing.assert_frame_equal(now, POOLS, rtol=1e-6, atol=1e-8)


# ---------------------------------------------------------------- exact cases


def test_alike_studies_have_no_variance_between_them_and_the_mean_of_all():
    same = pool(np.full(5, 2.0), np.full(5, 0.5))
    assert (same.tau2, same.value) == (0.0, pytest.approx(2.0))
    assert same.plain_high - same.plain_low == pytest.approx(2 * 1.96 * math.sqrt(0.1), rel=1e-4)
    # Hartung and Knapp's error is of what the studies differ by: here of nothing; so the wider one is shown.
    assert same.high - same.low < same.safe[1] - same.safe[0]


def test_equal_variances_give_the_variance_of_the_values():
    values = np.array([1.0, 4.0, 2.0, 9.0, 5.0])
    assert reml(values, np.full(5, 0.7), np.ones((5, 1))) == pytest.approx(values.var(ddof=1) - 0.7)


def test_a_single_study_is_itself():
    one = pool(np.array([3.0]), np.array([4.0]))
    assert (one.value, one.tau2, one.next_low) == (3.0, 0.0, None)
    assert one.high == pytest.approx(3 + 1.959964 * 2)


def test_fewer_than_ten_studies_are_not_regressed_and_how_many_lack_is_said():
    values, variances = (part[:7] for part in SETS["bcg"])
    with pytest.raises(BadInput, match="3 more studies are needed") as refusal:
        regression(values, variances, ABLAT[:7, None], ["dose"])
    assert "dose" in refusal.value.message
    with pytest.raises(BadInput, match="does not differ"):
        regression(*SETS["bcg"], np.ones((13, 1)), ["dose"])


def test_leaving_each_out_and_adding_year_by_year_are_pools_of_the_rest():
    values, variances = SETS["bcg"]
    assert without_each(values, variances)[3] == pool(np.delete(values, 3), np.delete(variances, 3))
    years = np.arange(13)[::-1]
    steps = cumulative(values, variances, years)
    assert [year for year, _ in steps] == list(range(13))
    assert steps[-1][1] == pool(values, variances)
    assert steps[1][1] == pool(values[-2:], variances[-2:])


def test_fewer_nulls_printed_never_raise_the_pool_and_all_printed_is_the_plain_one():
    values, variances = np.array([2.5, 3.0, 2.2, 4.1]), np.array([1.0, 1.1, 0.9, 2.0])
    means = [row.value for row in curve(values, variances)]
    assert all(a >= b - 1e-6 for a, b in pairwise(means))
    plain = selected(values, variances, 1.0)
    assert plain.tau2 == pytest.approx(0.0, abs=1e-4)
    assert plain.value == pytest.approx(np.average(values, weights=1 / variances), abs=1e-4)


def test_a_share_of_nulls_that_is_right_recovers_the_effect():
    """Of many simulated laboratories with a true effect of 0.3 all significant and a fifth of the others print."""
    rng = np.random.default_rng(11)
    variances = np.full(4000, 0.16)
    values = rng.normal(0.3, np.sqrt(variances))
    printed = (values / 0.4 > norm.ppf(0.975)) | (rng.random(4000) < 0.2)
    values, variances = values[printed], variances[printed]
    assert values.mean() > 0.45
    assert selected(values, variances, 0.2).value == pytest.approx(0.3, abs=0.05)


# ---------------------------------------------------------------- p and direction as likelihoods


def laboratories(effect: float, n: int, tones: int, within: float, runs: int = 40_000):
    """t of simulated laboratories, (run, tone): readings of an animal correlate by ``within``."""
    rng = np.random.default_rng(19)

    def group(mean):
        own = rng.normal(size=(runs, n, 1))
        return mean + math.sqrt(within) * own + math.sqrt(1 - within) * rng.normal(size=(runs, n, tones))

    treated, control = group(effect), group(0.0)
    spread = np.sqrt((treated.var(axis=1, ddof=1) + control.var(axis=1, ddof=1)) / n)
    return (treated.mean(axis=1) - control.mean(axis=1)) / spread


def significant(n: int) -> Outcome:
    return Outcome(float(t.isf(0.025, 2 * n - 2)), math.inf, math.sqrt(n / 2), 2 * n - 2)


@pytest.mark.parametrize("effect", [0.0, 0.8, 1.6])
@pytest.mark.parametrize("n", [4, 6, 12])
def test_the_chance_of_significance_is_that_of_simulated_laboratories(effect, n):
    test = significant(n)
    simulated = (laboratories(effect, n, 1, 0.5) > test.low).mean()
    assert chance([test], np.array([effect]))[0] == pytest.approx(simulated, abs=0.01)


@pytest.mark.parametrize("effect", [0.5, 1.2])
def test_four_frequencies_together_are_not_their_product(effect):
    test, within = significant(6), 0.5
    simulated = (laboratories(effect, 6, 4, within) > test.low).all(axis=1).mean()
    joint = chance([test] * 4, np.array([effect]), within)[0]
    assert joint == pytest.approx(simulated, rel=0.12)
    single = chance([test], np.array([effect]))[0]
    assert single**4 < 0.6 * joint
    assert joint < single


def test_readings_that_are_one_reading_are_one_and_others_multiply():
    test, effect = significant(6), np.array([0.9])
    single = chance([test], effect)[0]
    many = Outcome(test.low, test.high, test.scale, 1e4)
    # The least of three readings that correlate by 0.99 lies 0.085 of an SD below one.
    apart = norm.isf(chance([many], effect)[0]) + 0.0846
    assert chance([many] * 3, effect, 0.99)[0] == pytest.approx(norm.sf(apart), rel=0.01)
    assert chance([test] * 3, effect, 1e-9)[0] == pytest.approx(single**3, rel=1e-4)


def test_the_three_ways_a_result_can_come_out_are_certain_together():
    critical = float(t.isf(0.025, 10))
    parts = [
        Outcome(a, b, math.sqrt(3), 10)
        for a, b in ((-math.inf, -critical), (-critical, critical), (critical, math.inf))
    ]
    np.testing.assert_allclose(sum(chance([part], GRID) for part in parts), 1.0, atol=1e-6)


def test_a_density_at_a_printed_p_is_the_slope_of_its_bound():
    effect, scale, freedom = np.array([0.7]), math.sqrt(3), 10
    point, step = 2.4, 1e-4
    bound = [chance([Outcome(point + s, math.inf, scale, freedom)], effect)[0] for s in (-step, step)]
    assert chance([Outcome(point, point, scale, freedom)], effect)[0] == pytest.approx(
        (bound[0] - bound[1]) / (2 * step), rel=1e-4
    )


def shelf(*names: str) -> list[Evidence]:
    return [
        row
        for e in experiments(Catalog(), list(names))
        for row in evidence(e, [key for key, o in e.options.outcome.items() if o.control and o.primary])
    ]


def test_a_direction_alone_says_less_than_significance():
    direction, p = shelf("tsai_2021"), shelf("liu_2023")[:1]
    assert direction[0].strength, p[0].strength == ("direction", "p")
    assert believed(direction).median < believed(p).median
    assert believed(direction).better < believed(p).better


def test_ears_are_tested_in_pairs_and_what_did_not_differ_lies_between():
    (e,) = experiments(Catalog(), ["riga_2013"])
    outcome = e.options.outcome["eight"]
    (test,) = results(e, outcome)
    assert test.freedom == 19
    assert 2 * t.sf(test.low, 19) == pytest.approx(0.005)
    (yoo,) = experiments(Catalog(), ["yoo_2014"])
    low, high = ends(yoo.options.outcome["pta"], 10)
    assert (low, high) == (pytest.approx(-t.isf(0.025, 10)), pytest.approx(t.isf(0.025, 10)))


def test_more_of_the_same_experiments_narrow_what_is_believed_and_silence_lowers_it():
    rows = shelf("liu_2023", "it_steroids_rat_2016", "gumrukcu_2018")
    once, thrice = believed(rows), believed(rows * 3)
    assert thrice.high - thrice.low < once.high - once.low
    medians = [believed(rows, share).median for share in (1.0, 0.1, 0.01)]
    assert medians[0] > medians[1] > medians[2]


def test_one_more_experiment_narrows_the_more_animals_it_has_and_little_where_much_is_known():
    few = shelf("tsai_2021", "chen_2024")
    widths = [one_more(few, n).after for n in (4, 12, 40)]
    assert one_more(few, 4).now > widths[0] > widths[1] > widths[2]
    many = shelf("huang_2021", "gerbil_electrode_2015", "it_steroids_rat_2016", "campbell_met_2022") * 3
    known, unknown = one_more(many, 12), one_more(few, 12)
    assert known.after / known.now > unknown.after / unknown.now


def test_without_experiments_believed_is_what_was_thought_before():
    before = believed([])
    assert before.median == pytest.approx(0.0, abs=0.03)
    assert before.high == pytest.approx(1.645, abs=0.05)
    assert before.better == pytest.approx(0.5, abs=0.01)


def test_the_mean_effect_is_covered_over_simulated_papers():
    """Papers of effects drawn around a mean that is itself drawn from what is thought before: 90 % hold it."""
    rng = np.random.default_rng(23)
    (like,) = shelf("huang_2021")[:1]
    inside, runs = 0, 200
    for _ in range(runs):
        mean, between = rng.normal(), abs(rng.normal())
        rows = []
        for effect in rng.normal(mean, between, 6):
            n = int(rng.integers(4, 12))
            a, b = rng.normal(effect, 1, n), rng.normal(0, 1, n)
            value = float((a.mean() - b.mean()) / math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / n))
            better = value > t.isf(0.025, 2 * n - 2)
            test = Outcome(
                *(
                    (float(t.isf(0.025, 2 * n - 2)), math.inf)
                    if better
                    else (-math.inf, float(t.isf(0.025, 2 * n - 2)))
                ),
                math.sqrt(n / 2),
                2 * n - 2,
            )
            likely = chance([test], GRID)
            rows.append(Evidence(like.experiment, "", (), "p", likely, likely, likely, (), ""))
        row = believed(rows)
        inside += row.low <= mean <= row.high
    assert 0.84 <= inside / runs <= 0.96
