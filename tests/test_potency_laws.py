"""Potency against R and against simulation: no interval, weight or error may be another than it says."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, ttest_1samp
from scipy.stats import t as student

from otosome.lots.potency import Assay, Run, RunPotency, combine, fieller, measure
from r.potency import LOGS, VARIANCES, lines, wells

R = Path(__file__).parent / "r"
# Margins so wide that every check is made and passes.
WIDE = Assay("four_parameter", 10.0, 10.0, 5.0, 0.0, 10.0, 0.0)
LINE = replace(WIDE, model="parallel_line")


def numbers(text):
    return {name: float(value) for name, value in (line.split(",") for line in text.split("\n")[1:] if line)}


KEPT = numbers((R / "potency.csv").read_text(encoding="utf-8"))


def run_of(rows):
    parts = []
    for name in ("reference", "lot"):
        own = np.array([row[1:] for row in rows if row[0] == name])
        parts += [own[:, 0], own[:, 1]]
    return Run("run", *parts)


def checks(found):
    return {check.name: check for check in found.checks}


CURVES, LINES = measure(run_of(wells()), WIDE), measure(run_of(lines()), LINE)


# R: nls, lm and metafor (tests/r/potency.R)


@pytest.mark.parametrize(
    ("check", "key"),
    [
        ("ratio of slopes", "slope"),
        ("ratio of ranges", "range"),
        ("difference of lower ends over the range", "lower"),
    ],
)
def test_similarity_of_curves_and_its_interval_are_those_of_r(check, key):
    own = checks(CURVES)[check]
    assert [own.value, own.low, own.high] == pytest.approx(
        [KEPT[key], KEPT[f"{key}_low"], KEPT[f"{key}_high"]], abs=2e-5
    )


@pytest.mark.parametrize(
    ("check", "key"),
    [
        ("error of replicate wells over the range", "replicate"),
        ("fit of the reference (R squared)", "determination"),
        ("signal window (highest over lowest mean)", "window"),
    ],
)
def test_suitability_is_that_of_r(check, key):
    assert checks(CURVES)[check].value == pytest.approx(KEPT[key], rel=2e-5)


def test_relative_potency_of_curves_and_of_lines_is_that_of_r():
    assert [CURVES.r, CURVES.low, CURVES.high] == pytest.approx(
        [KEPT["r"], KEPT["r_low"], KEPT["r_high"]], rel=2e-5
    )
    line = [KEPT["line_r"], KEPT["line_low"], KEPT["line_high"]]
    assert [LINES.r, LINES.low, LINES.high] == pytest.approx(line, rel=1e-7)
    own = checks(LINES)["ratio of slopes"]
    slope = [KEPT["line_slope"], KEPT["line_slope_low"], KEPT["line_slope_high"]]
    assert [own.value, own.low, own.high] == pytest.approx(slope, rel=1e-7)


def runs_of(logs, variances):
    return [
        RunPotency(str(k), (), "", log, v, 40, 0.5, 2.0)
        for k, (log, v) in enumerate(zip(logs, variances, strict=True))
    ]


def test_combined_runs_are_those_of_metafor():
    found = combine(runs_of(LOGS, VARIANCES))
    expected = [KEPT["runs_r"], KEPT["runs_low"], KEPT["runs_high"], KEPT["runs_between"]]
    assert [found.r, found.low, found.high, found.between] == pytest.approx(expected, rel=1e-6)


@pytest.mark.skipif(
    shutil.which("Rscript") is None, reason="R is not installed (apt-get install r-cran-metafor)"
)
def test_r_still_says_so(tmp_path):
    rows = {"wells": wells(), "lines": lines()}
    for stem, own in rows.items():
        text = "\n".join(["sample,dose,response", *(f"{n},{d},{y}" for n, d, y in own)])
        (tmp_path / f"{stem}.csv").write_text(text + "\n", encoding="utf-8")
    table = "\n".join(["log,variance", *(f"{a},{b}" for a, b in zip(LOGS, VARIANCES, strict=True))])
    (tmp_path / "runs.csv").write_text(table + "\n", encoding="utf-8")
    said = subprocess.run(["Rscript", R / "potency.R", tmp_path], capture_output=True, text=True, check=False)
    if "there is no package" in said.stderr:
        pytest.skip("R has no metafor")
    assert said.returncode == 0, said.stderr
    # R starts from other values and stops where its own steps are small.
    assert numbers(said.stdout) == pytest.approx(KEPT, rel=1e-4)


# By hand


def test_paule_and_mandel_by_hand():
    """Two runs: the weighted squares are their difference squared over the sum of variances, which is to be one."""
    found = combine(runs_of([0.0, 0.5], [0.01, 0.03]))
    between = (0.25 - 0.04) / 2
    assert found.between**2 == pytest.approx(between)
    weights = np.array([1 / (0.01 + between), 1 / (0.03 + between)])
    middle = weights[1] * 0.5 / weights.sum()
    assert np.log(found.r) == pytest.approx(middle)
    squares = (weights @ (np.array([0.0, 0.5]) - middle) ** 2) / weights.sum()
    assert np.log(found.high) - middle == pytest.approx(student.ppf(0.975, 1) * np.sqrt(squares))


def test_a_precise_run_outweighs_a_vague_one_as_the_variances_say():
    # No more spread between the runs than within them: weights are those of the runs alone.
    found = combine(runs_of([0.0, 0.05], [0.01, 0.04]))
    assert found.between == 0
    assert np.log(found.r) == pytest.approx(0.05 * (1 / 0.04) / (1 / 0.01 + 1 / 0.04))


def test_the_error_of_replicate_wells_by_hand():
    """Pooled standard deviation within doses, over the range of the reference's means on a line."""
    doses = np.repeat([1.0, 2.0, 4.0], 2)
    response = np.array([1.0, 1.2, 2.0, 2.1, 3.2, 2.9])
    found = measure(Run("run", doses, response, doses, response), LINE)
    pairs = response.reshape(3, 2)
    pooled = np.sqrt(statistics.fmean(statistics.variance(pair) for pair in pairs.tolist()))
    expected = pooled / np.ptp(pairs.mean(axis=1))
    assert checks(found)["error of replicate wells over the range"].value == pytest.approx(expected)


def test_the_variance_of_a_parallel_lines_potency_is_that_of_least_squares():
    """Doses that differ between the preparations, so that shift and slope are correlated; slopes by differences."""
    chance = np.random.default_rng(33)
    doses = [np.repeat(2.0 ** np.arange(start, start + 4), 3) for start in (0, 2)]
    x = [np.log(dose) for dose in doses]
    y = [
        1 + 0.5 * (z + shift) + chance.normal(0, 0.05, z.size) for z, shift in zip(x, (0.0, 0.4), strict=True)
    ]
    found = measure(Run("run", doses[0], y[0], doses[1], y[1]), LINE)
    design = np.zeros((24, 3))
    design[:12, 0], design[12:, 1], design[:, 2] = 1, 1, np.concatenate(x)
    estimate, (left,), _, _ = np.linalg.lstsq(design, np.concatenate(y), rcond=None)
    covariance = left / 21 * np.linalg.inv(design.T @ design)

    def log(point):
        return (point[1] - point[0]) / point[2]

    slope = np.array([(log(estimate + d) - log(estimate - d)) / 2e-6 for d in 1e-6 * np.eye(3)])
    assert found.log == pytest.approx(log(estimate))
    assert found.variance == pytest.approx(slope @ covariance @ slope, rel=1e-5)


# Simulation


@pytest.mark.parametrize("correlation", [-0.6, 0.0, 0.6])
def test_ninety_percent_of_fiellers_intervals_hold_the_ratio(correlation):
    """Two numbers with known errors, the divisor a tenth uncertain, where a linear expansion would be off."""
    chance, truth = np.random.default_rng(30), np.array([1.4, 1.0])
    spread = np.array([[0.04, correlation * 0.04], [correlation * 0.04, 0.04]])
    draws = chance.multivariate_normal(truth, spread, 20_000)
    quantile = norm.ppf(0.95)
    ends = np.array([fieller(a, b, spread[0, 0], spread[1, 1], spread[0, 1], quantile) for a, b in draws])
    held = (ends[:, 0] <= 1.4) & (ends[:, 1] >= 1.4)
    # Twenty thousand intervals of 90 % have a standard deviation of 0.21 %.
    assert 0.893 < held.mean() < 0.907


@pytest.mark.parametrize("correlation", [-0.6, 0.6])
def test_fieller_holds_the_ratios_that_a_test_of_the_difference_does_not_reject(correlation):
    a, b, va, vb, q = 1.4, 1.0, 0.04, 0.02, 1.7
    vab = correlation * np.sqrt(va * vb)
    low, high = fieller(a, b, va, vb, vab, q)
    ratios = np.linspace(0.2, 6, 20_001)
    alike = np.abs(a - ratios * b) <= q * np.sqrt(va - 2 * ratios * vab + ratios**2 * vb)
    assert [low, high] == pytest.approx([ratios[alike].min(), ratios[alike].max()], abs=1e-3)


def test_ninety_percent_of_similarity_intervals_hold_the_truth():
    """Alike curves: ratios are 1 and the lower ends do not differ. 0.8 of the width would hold 81 %."""
    chance = np.random.default_rng(31)
    doses = np.repeat(16.0 / 2.0 ** np.arange(8), 3)
    truth = {"ratio of slopes": 1.0, "ratio of ranges": 1.0, "difference of lower ends over the range": 0.0}
    held = dict.fromkeys(truth, 0)
    times = 800
    for _ in range(times):
        response = 0.1 + 1.9 / (1 + np.exp(-1.2 * (np.log(doses) - np.log(1.4))))
        both = response + chance.normal(0, 0.04, (2, doses.size))
        found = checks(measure(Run("run", doses, both[0], doses, both[1]), WIDE))
        for name, value in truth.items():
            held[name] += found[name].low <= value <= found[name].high
    # Eight hundred have a standard deviation of 1.1 %; the expansion of a curve is itself a little off.
    assert all(0.87 < count / times < 0.935 for count in held.values()), held


@pytest.mark.parametrize("between", [0.0, 0.05, 0.2])
def test_intervals_of_runs_of_like_precision_hold_the_truth(between):
    """Runs of one assay, whose errors differ by a factor of two: 93 to 97 %, as docs/quality.md promises."""
    assert 0.93 < coverage(np.array([0.04, 0.05, 0.06, 0.08]), between) < 0.97


@pytest.mark.parametrize("errors", [[0.02, 0.1, 0.2], [0.02, 0.2], [0.02, 0.2, 0.2, 0.2]])
def test_intervals_of_runs_of_tenfold_differing_precision_hold_the_truth(errors):
    """Weighed by their variances they would hold it with 71 to 81 %; the t interval holds it as often as it says."""
    assert 0.945 < coverage(np.array(errors), 0.1) < 0.97
    # Without spread between runs the vague ones make the interval wider than it need be.
    assert 0.97 < coverage(np.array(errors), 0.0) <= 1


def test_runs_whose_errors_differ_more_than_twofold_weigh_the_same():
    logs = np.array([0.0, 0.3, 0.1])
    found = combine(runs_of(logs, [0.001, 0.04, 0.02]))
    expected = ttest_1samp(logs, 0).confidence_interval(0.95)
    assert np.log([found.low, found.high]) == pytest.approx([expected.low, expected.high])
    assert not found.alike
    assert combine(runs_of(logs, np.square([0.1, 0.199, 0.15]))).alike
    assert not combine(runs_of(logs, np.square([0.1, 0.201, 0.15]))).alike


def coverage(errors, between, times=4000):
    chance = np.random.default_rng(32)
    held = 0
    for _ in range(times):
        logs = chance.normal(0, between, errors.size) + chance.normal(0, errors)
        found = combine(runs_of(logs, errors**2))
        held += found.low <= 1 <= found.high
    return held / times


# A blank taken off


def test_a_blank_taken_off_moves_neither_potency_nor_its_interval():
    rows = wells()
    less = measure(run_of([(name, dose, y - 0.31) for name, dose, y in rows]), WIDE)
    assert [less.r, less.low, less.high] == pytest.approx([CURVES.r, CURVES.low, CURVES.high], rel=1e-6)


def test_a_signal_window_over_a_lowest_mean_of_nothing_is_over_its_error():
    doses = np.repeat([1.0, 2.0, 4.0, 8.0], 4)
    response = np.repeat([-0.01, 0.4, 0.8, 1.2], 4) + np.tile([0.02, -0.02, 0.01, -0.01], 4)
    found = checks(measure(Run("run", doses, response, doses, response), LINE))
    error = np.sqrt((0.02**2 + 0.02**2 + 0.01**2 + 0.01**2) / 3)
    assert found["signal window (highest over lowest mean)"].value == pytest.approx(1.2 / (error / 2))
    # Nothing above the blank is no window at all.
    none = measure(Run("run", doses, response - 5, doses, response - 5), replace(LINE, window=2.0))
    assert "signal window" in none.refused
