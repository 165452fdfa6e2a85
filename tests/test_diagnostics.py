"""Residuals, prediction errors and predictive checks: what they are where the model is right, and where it is not."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm

import fits
from otosome.fitting.diagnostics import _calibration, _errors, diagnostics, rank
from otosome.fitting.observations import Readings, matched
from otosome.forward import draw, observe, simulate
from otosome.roles import Reading


def test_the_rank_of_a_reading_is_the_share_below_it_and_uniform_among_equals():
    drawn, luck = np.arange(99.0), np.full(3, 0.5)
    told = rank(Reading(np.array([9.5, 49.0, 200.0]), np.zeros(3)), drawn, luck)
    assert told == pytest.approx([0.105, 0.5, 0.995])
    many = np.random.default_rng(1).uniform(size=4000)
    equal = rank(Reading(np.full(4000, 7.0), np.zeros(4000)), np.full(99, 7.0), many)
    assert kstest(equal, "uniform").pvalue > 0.01


def test_a_censored_reading_has_a_place_among_all_beyond_its_limit():
    drawn, many = np.arange(100.0), np.random.default_rng(1).uniform(size=4000)
    below = rank(Reading(np.full(4000, 29.0), -np.ones(4000)), drawn, many)
    above = rank(Reading(np.full(4000, 70.0), np.ones(4000)), drawn, many)
    assert kstest(below / 0.31, "uniform").pvalue > 0.001
    assert below.max() < 0.31
    assert above.min() > 0.69
    assert kstest((above - 0.693) / 0.307, "uniform").pvalue > 0.001


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_prediction_errors_of_an_ears_readings_are_independent_where_its_readings_are_not(rho):
    """Readings of one ear that correlate by 0.8: their deviates do, their npde do not."""
    luck = np.random.default_rng(4)
    lower = np.linalg.cholesky(rho * np.ones((3, 3)) + (1 - rho) * np.eye(3))
    simulated, ears = luck.normal(size=(4000, 3)) @ lower.T, 1500
    values = luck.normal(size=(ears, 3)) @ lower.T
    ear, tone = (index.ravel() for index in np.indices((ears, 3)))
    same = np.zeros(3 * ears, dtype=np.intp)
    readings = Readings(
        "x", same, same, tone, ear, ear, Reading(values.ravel(), np.zeros(3 * ears)), np.arange(3 * ears)
    )
    drawn = {(0, 0, n): simulated[:, n] for n in range(3)}
    errors = _errors(readings, drawn, values.ravel(), luck).reshape(ears, 3)
    assert np.corrcoef(errors.T) == pytest.approx(np.eye(3), abs=4.0 / np.sqrt(ears))
    assert errors.std(axis=0) == pytest.approx(np.ones(3), abs=4.0 / np.sqrt(2 * ears))


def test_a_reading_twice_of_one_ear_and_place_tells_nothing_more_the_second_time():
    """What goes together wholly has no inverse: a thousandth of its own is left to each."""
    none, luck = np.zeros(2, dtype=np.intp), np.random.default_rng(4)
    deviates = np.array([1.3, 1.3])
    readings = Readings("x", none, none, none, none, none, Reading(deviates, np.zeros(2)), np.arange(2))
    first, second = _errors(readings, {(0, 0, 0): luck.normal(size=500)}, deviates, luck)
    assert first == pytest.approx(1.3)
    # Of correlation c the second is left (1 - c) / sqrt(1 - c^2), here with c = 1 / 1.001.
    assert second == pytest.approx(1.3 * np.sqrt(0.0005), rel=0.01)


@pytest.fixture(scope="module")
def laboratory():
    study = fits.study()
    ears, other = draw(study, 300, seed=1, world=1), draw(study, 200, seed=2, world=1)
    result = simulate(study, ears, keep=())
    return study, ears, result, observe(study, simulate(study, other, keep=()), other)


def told(laboratory, table):
    study, ears, result, _ = laboratory
    return diagnostics(study, result, ears, matched(study, table, "other ears"), 1)


def test_readings_of_the_model_itself_are_as_foretold(laboratory):
    _, _, _, table = laboratory
    own = told(laboratory, table)
    rows = pd.DataFrame([vars(row) for row in own.residuals])
    assert len(rows) == len(table)
    # One reading of each ear is independent of all others: its ranks are uniform.
    once = rows[(rows["arm"] == "loud") & (rows["time"] == 336.0) & (rows["tone"] == rows["tone"].iloc[0])]
    assert kstest(once["rank"], "uniform").pvalue > 0.01
    assert own.calibration[0].mean == pytest.approx(0.0, abs=0.15)
    assert own.calibration[0].sd == pytest.approx(1.0, abs=0.1)
    inside = [
        low <= mid <= high
        for c in own.checked
        for low, mid, high in zip(c.low, c.observed, c.high, strict=True)
    ]
    assert np.mean(inside) > 0.7
    assert {c.over for c in own.checked} == {"time"}
    assert {c.at for c in own.checked} == {-24.0, 24.0, 336.0}


def test_readings_that_are_shifted_or_spread_are_named(laboratory):
    _, _, _, table = laboratory
    shifted = told(laboratory, table.assign(value=table["value"] + 15.0, censored="none"))
    assert "lie higher than predicted" in shifted.calibration[0].text
    assert shifted.calibration[0].mean > 0.3
    assert all(c.observed[1] > c.high[1] for c in shifted.checked)
    middle = table.groupby(["group", "time", "frequency"])["value"].transform("median")
    spread = told(laboratory, table.assign(value=middle + 2.5 * (table["value"] - middle), censored="none"))
    assert "spread more than predicted" in spread.calibration[0].text
    assert norm.cdf(spread.calibration[0].sd) > norm.cdf(1.1)


@pytest.mark.parametrize(
    ("mean", "sd", "words"),
    [
        (0.5, 1.0, "lie higher"), (-0.5, 1.0, "lie lower"), (0.0, 1.5, "spread more"), (0.0, 0.6, "spread less"),
        (0.0, 1.0, ""), (0.19, 1.0, ""), (0.21, 1.0, "lie higher"), (0.0, 1.13, ""), (0.0, 1.15, "spread more"),
    ],
)  # fmt: skip
def test_what_lies_beyond_twice_its_error_is_named_with_its_side(mean, sd, words):
    """Of a hundred errors the mean is known to 0.1 and the spread to 0.0707."""
    even = np.repeat([-1.0, 1.0], 50)
    told = _calibration("abr", mean + sd * even)
    assert (told.readings, told.mean, told.sd) == (100, pytest.approx(mean), pytest.approx(sd))
    said = [w for w in ("lie higher", "lie lower", "spread more", "spread less") if w in told.text]
    assert said == [words] * bool(words)
