"""What papers print, against simulated laboratories and exact laws."""

import numpy as np
import pytest
from scipy.stats import chi2, multivariate_normal, nct
from scipy.stats import t as student

from otosome.fitting.chances import Verdict, log_of_comparison, log_of_means, log_of_spreads

LABORATORIES = 200_000


def covariance(rho, rows, sd=1.0):
    return sd**2 * ((1 - rho) * np.eye(rows) + rho * np.ones((rows, rows)))


def statistics(rho, rows, n, effect, seed=1):
    """t of two groups in each laboratory and row; readings of one animal correlate, (laboratory, row)."""
    luck, lower = np.random.default_rng(seed), np.linalg.cholesky(covariance(rho, rows))
    groups = []
    for many, shift in ((n[0], effect), (n[1], 0.0)):
        total, squares = (np.zeros((LABORATORIES, rows)) for _ in range(2))
        for _ in range(many):
            reading = luck.normal(size=(LABORATORIES, rows)) @ lower.T + shift
            total += reading
            squares += reading**2
        groups.append((total / many, squares - total**2 / many))
    (one, first), (other, second) = groups
    freedom = n[0] + n[1] - 2
    return (one - other) / np.sqrt((first + second) / freedom * (1 / n[0] + 1 / n[1])), freedom


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize(("n", "effect"), [((6, 6), -1.6), ((8, 5), -1.2)])
def test_significance_at_four_tones_together_is_as_common_as_in_simulated_laboratories(rho, n, effect):
    t, freedom = statistics(rho, 4, n, effect)
    scale = 1.0 / np.sqrt(1 / n[0] + 1 / n[1])
    found = np.mean(np.all(t < -student.ppf(0.975, freedom), axis=1))
    verdicts = (Verdict.of(0.05, "<", -1, freedom),) * 4
    told = np.exp(log_of_comparison(verdicts, np.full((1, 4), effect * scale), np.array([rho]), freedom))[0]
    luck = 4.0 * np.sqrt(found / LABORATORIES)  # four standard errors of the simulation
    assert told == pytest.approx(found, rel=0.02 + luck / found)
    apart = np.exp(log_of_comparison(verdicts, np.full((1, 4), effect * scale), np.array([0.0]), freedom))[0]
    if rho >= 0.6 and effect:
        assert apart < 0.8 * found, "tones taken for independent evidence make it far too rare"


@pytest.mark.parametrize("rho", [0.3, 0.7])
def test_some_tones_significant_and_others_not_are_as_common_as_in_simulated_laboratories(rho):
    t, freedom = statistics(rho, 3, (6, 6), -1.0)
    edge = student.ppf(0.975, freedom)
    found = np.mean((t[:, 0] < -edge) & (np.abs(t[:, 1]) < edge) & (t[:, 2] < 0))
    verdicts = (
        Verdict.of(0.05, "<", -1, freedom),
        Verdict.of(0.05, ">", 0, freedom),
        Verdict.of(None, "", -1, freedom),
    )
    effect = np.full((1, 3), -1.0 / np.sqrt(2 / 6))
    told = np.exp(log_of_comparison(verdicts, effect, np.array([rho]), freedom))[0]
    assert told == pytest.approx(found, rel=0.02 + 4.0 / np.sqrt(found * LABORATORIES))


def test_verdicts_of_one_tone_are_the_noncentral_law_and_add_to_one():
    freedom, effect = 10, np.array([[-1.7]])
    edge = student.ppf(0.975, freedom)
    exact = {
        ("<", -1): nct.cdf(-edge, freedom, -1.7),
        ("<", 1): nct.sf(edge, freedom, -1.7),
        (">", 0): nct.cdf(edge, freedom, -1.7) - nct.cdf(-edge, freedom, -1.7),
    }
    told = {
        key: np.exp(log_of_comparison((Verdict.of(0.05, *key, freedom),), effect, np.zeros(1), freedom))[0]
        for key in exact
    }
    assert told == pytest.approx(exact, rel=1e-8)
    assert sum(told.values()) == pytest.approx(1.0, rel=1e-8)
    down = log_of_comparison((Verdict.of(None, "", -1, freedom),), effect, np.zeros(1), freedom)
    assert np.exp(down)[0] == pytest.approx(nct.cdf(0.0, freedom, -1.7), rel=1e-8)
    # A printed p is a density: over all of them, to both sides, it adds to one as well.
    grid = np.linspace(-30.0, 30.0, 6001)
    density = [
        np.exp(
            log_of_comparison(
                (Verdict(exactly=abs(t), side=-1 if t < 0 else 1),), effect, np.zeros(1), freedom
            )
        )[0]
        for t in grid[::10]
    ]
    assert np.trapezoid(density, grid[::10]) == pytest.approx(1.0, abs=1e-3)


def test_two_printed_p_values_are_jointly_a_density():
    """The copula moves mass and makes none: the joint density of two exact t adds to one."""
    freedom, effect, rho = 12, np.array([[0.5, -0.5]]), np.array([0.6])
    grid = np.linspace(-9.0, 9.0, 73)
    total = np.array(
        [
            [
                np.exp(
                    log_of_comparison(
                        tuple(Verdict(exactly=abs(t), side=-1 if t < 0 else 1) for t in (a, b)),
                        effect,
                        rho,
                        freedom,
                    )
                )[0]
                for b in grid
            ]
            for a in grid
        ]
    )
    assert np.trapezoid(np.trapezoid(total, grid), grid) == pytest.approx(1.0, abs=0.01)


def test_means_of_a_group_are_jointly_normal():
    together, mean = covariance(0.5, 3, 6.0), np.array([40.0, 45.0, 50.0])
    of = np.array([[42.0, 44.0, 47.0], [30.0, 40.0, 50.0]])
    exact = [multivariate_normal.logpdf(mean, row, together / 8) for row in of]
    assert log_of_means(mean, of, np.stack([together, together]), 8) == pytest.approx(exact, rel=1e-12)


def test_the_spread_of_one_tone_is_chi_squared():
    told = log_of_spreads(np.array([5.0]), np.full((1, 1, 1), 36.0), 8)[0]
    # d(7 s² / 36) / ds = 14 s / 36.
    assert told == pytest.approx(chi2.logpdf(7 * 25 / 36, 7) + np.log(14 * 5 / 36), rel=1e-12)
    grid = np.linspace(0.01, 40.0, 20001)
    density = [np.exp(log_of_spreads(np.array([s]), np.full((1, 1, 1), 36.0), 8)[0]) for s in grid[::20]]
    assert np.trapezoid(density, grid[::20]) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_small_spreads_at_two_tones_together_are_as_common_as_in_simulated_laboratories(rho):
    """P(both spreads below their median) from the joint density against simulated groups of six."""
    luck, lower, n = np.random.default_rng(2), np.linalg.cholesky(covariance(rho, 2)), 6
    total, squares = (np.zeros((LABORATORIES, 2)) for _ in range(2))
    for _ in range(n):
        reading = luck.normal(size=(LABORATORIES, 2)) @ lower.T
        total += reading
        squares += reading**2
    sd = np.sqrt((squares - total**2 / n) / (n - 1))
    median = np.sqrt(chi2.median(n - 1) / (n - 1))
    found = np.mean(np.all(sd < median, axis=1))
    grid = np.linspace(1e-3, median, 60)
    density = np.array(
        [
            [np.exp(log_of_spreads(np.array([a, b]), covariance(rho, 2)[None], n)[0]) for b in grid]
            for a in grid
        ]
    )
    told = np.trapezoid(np.trapezoid(density, grid), grid)
    assert told == pytest.approx(found, rel=0.02)


def test_a_certain_effect_is_certain_and_an_impossible_one_finite():
    verdicts = (Verdict.of(0.05, "<", -1, 10),) * 3
    sure, never = (
        log_of_comparison(verdicts, np.full((1, 3), effect), np.array([0.5]), 10)[0]
        for effect in (-60.0, 60.0)
    )
    assert sure == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(never) and never < -30.0
