"""Endpoints: what a laboratory writes down, and the probability that it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, chi2, kstest, lognorm, norm

from otosome.catalog import get
from otosome.model.injury import KINDS, Cells
from otosome.roles import Ear, Reading

PLACES = (np.arange(48) + 0.5) / 48
EAR = Ear(
    "mouse",
    PLACES,
    9.8 * (10 ** (0.92 * (1 - PLACES)) - 0.68),
    np.array([7.0]),
    {"place_spread": np.array([0.04])},
)
FREQUENCY = np.array([8.0, 12.0, 16.0, 24.0, 32.0])
OPTIONS = {"abr_threshold": {}, "wave1": {"level": 80.0}, "cell_count": {"cell": "OHC"}}
TRUTHS = {
    "abr_threshold": [-20.0, 1.3, 12.0, 44.9, 87.6, 96.0, 130.0],
    "wave1": [0.0, 0.02, 0.4, 1.1],
    "cell_count": [0.0, 0.02, 0.5, 0.97, 1.0],
}


def endpoint(name: str, species: str = "mouse", **options: object):
    entry = get("endpoints", name)
    table = {p.name: np.array([p.value]) for p in entry.parameters(species).values()}
    return entry.bind(table, species, **(options or OPTIONS[name]))


def cells_with(**lost: float | np.ndarray) -> Cells:
    flat = np.ones((1, 3, PLACES.size))
    rates = {
        kind: {key: np.array([p.value]) for key, p in get("cells", kind).parameters("mouse").items()}
        for kind in (*KINDS, "stria")
    }
    none = dict.fromkeys(KINDS, 0.0 * flat)
    return Cells({k: flat - flat * lost.get(k, 0.0) for k in KINDS}, none, none, flat, rates)


def readings_of(name: str, truth: float, number: int, seed: int = 3) -> tuple[object, np.ndarray, Reading]:
    found = endpoint(name)
    value = np.full((1, number, 1), truth)
    uniform = np.random.default_rng(seed).uniform(size=value.shape)
    return found, value, found.read(value, uniform)


@pytest.mark.parametrize("name", sorted(OPTIONS))
@pytest.mark.parametrize("species", ["guinea_pig", "mouse"])
def test_values_are_by_subject_time_and_frequency(name, species):
    value = endpoint(name, species).value(EAR, cells_with(ohc=0.4), FREQUENCY)
    assert value.shape == (1, 3, FREQUENCY.size)
    assert np.all(np.isfinite(value))


def test_healthy_mice_hear_at_their_published_thresholds():
    value = endpoint("abr_threshold").value(EAR, cells_with(), FREQUENCY)
    assert np.allclose(value[0, 0], [15.2, 11.8, 12.5, 16.0, 26.6])


def test_a_lost_third_of_outer_hair_cells_raises_thresholds_by_25_dB():
    found = endpoint("abr_threshold")
    rise = found.value(EAR, cells_with(ohc=0.35), FREQUENCY) - found.value(EAR, cells_with(), FREQUENCY)
    assert np.allclose(rise, 25.0, atol=0.1)


@pytest.mark.parametrize("truth", TRUTHS["abr_threshold"])
def test_thresholds_are_read_on_the_grid_and_censored_at_its_ends(truth):
    _found, _, reading = readings_of("abr_threshold", truth, 400)
    assert np.all(reading.value % 5.0 == 0.0)
    assert reading.value.min() >= 0.0
    assert reading.value.max() <= 90.0
    assert np.all(reading.value[reading.censored > 0] == 90.0)
    assert np.all(reading.value[reading.censored < 0] == 0.0)


def test_a_deaf_ear_gives_no_response_and_is_censored_above():
    _, _, reading = readings_of("abr_threshold", 130.0, 200)
    assert np.all(reading.censored == 1.0)
    assert np.all(reading.value == 90.0)


def all_thresholds() -> Reading:
    """Every reading there can be: below, each level between, the top, and no response."""
    levels = np.arange(0.0, 91.0, 5.0)
    values, censored = np.append(levels, 90.0), np.zeros(levels.size + 1)
    censored[0], censored[-1] = -1.0, 1.0
    return Reading(values[None, :, None], censored[None, :, None])


@pytest.mark.parametrize("truth", TRUTHS["abr_threshold"])
def test_the_likelihood_of_thresholds_sums_to_one(truth):
    found, every = endpoint("abr_threshold"), all_thresholds()
    probability = np.exp(found.log_likelihood(every, np.full(every.value.shape, truth)))
    assert probability.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("truth", [1.3, 44.9, 87.6])
def test_simulated_thresholds_follow_their_likelihood(truth):
    found, _, reading = readings_of("abr_threshold", truth, 20_000)
    every = all_thresholds()
    expected = 20_000 * np.exp(found.log_likelihood(every, np.full(every.value.shape, truth))).ravel()
    pairs = zip(every.value.ravel(), every.censored.ravel(), strict=True)
    seen = np.array([np.sum((reading.value == v) & (reading.censored == c)) for v, c in pairs])
    assert seen.sum() == 20_000
    common = expected > 5
    statistic = np.sum((seen[common] - expected[common]) ** 2 / expected[common])
    assert statistic < chi2.ppf(0.999, common.sum() - 1)


@pytest.mark.parametrize(
    ("above", "bell"), [(-12.0, 0.0), (0.0, 0.0657), (28.0, 1.0), (40.0, 0.6065), (70.0, 0.0022)]
)
def test_thresholds_that_are_raised_half_way_are_read_less_exactly(above, bell):
    """3.6 dB in a healthy ear and one without an amplifier; 9.0 dB besides, as a bell of 12 dB around 28 dB."""
    found = replace(endpoint("abr_threshold"), grid=1e-6, lowest=-200.0, highest=300.0)
    value = np.full((1, 20_000, 1), 11.8 + above)
    luck = (np.arange(20_000) + 0.5)[None, :, None] / 20_000
    error = found.read(value, luck).value - value
    assert error.std() == pytest.approx(np.hypot(3.6, 9.0 * bell), rel=2e-3)


def test_the_likelihood_keeps_its_digits_far_from_the_truth():
    found = endpoint("abr_threshold")
    far = Reading(np.full((1, 1, 1), 85.0), np.zeros((1, 1, 1)))
    logarithm = float(found.log_likelihood(far, np.full((1, 1, 1), -200.0))[0, 0, 0])
    assert logarithm == pytest.approx(norm.logsf((82.5 + 200.0) / 3.6), rel=1e-6)
    mirrored = Reading(np.full((1, 1, 1), 5.0), np.zeros((1, 1, 1)))
    assert found.log_likelihood(mirrored, np.full((1, 1, 1), 290.0))[0, 0, 0] == pytest.approx(
        logarithm, rel=1e-12
    )


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_readings_rise_with_their_uniform_number_and_repeat(name):
    found = endpoint(name)
    uniform = np.linspace(0.001, 0.999, 301)[None, :, None]
    for truth in TRUTHS[name]:
        value = np.full(uniform.shape, truth)
        reading = found.read(value, uniform)
        assert np.all(np.diff(reading.value, axis=1) >= 0)
        assert np.array_equal(found.read(value, uniform).value, reading.value)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_reading_made_has_a_likelihood(name):
    for truth in TRUTHS[name]:
        found, value, reading = readings_of(name, truth, 300)
        logarithm = found.log_likelihood(reading, value)
        assert logarithm.shape == value.shape
        assert np.all(np.isfinite(logarithm))


def test_wave_one_readings_are_log_normal_and_the_smallest_are_not_seen():
    _found, _, reading = readings_of("wave1", 0.5, 5_000)
    assert kstest(reading.value.ravel(), lognorm(s=0.25, scale=0.5).cdf).pvalue > 0.001
    _, _, nothing = readings_of("wave1", 0.0, 50)
    assert np.all(nothing.censored == -1.0)
    assert np.all(nothing.value == 0.03)


def test_the_likelihood_of_wave_one_sums_to_one():
    found = endpoint("wave1")
    grid = np.geomspace(0.03, 5.0, 20_001)[None, :, None]
    for truth in (0.02, 0.4, 1.1):
        density = np.exp(
            found.log_likelihood(Reading(grid, np.zeros(grid.shape)), np.full(grid.shape, truth))
        )
        unseen = Reading(np.full((1, 1, 1), 0.03), np.full((1, 1, 1), -1.0))
        below = np.exp(found.log_likelihood(unseen, np.full((1, 1, 1), truth)))
        total = np.trapezoid(density.ravel(), grid.ravel()) + below.item()
        assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("truth", TRUTHS["cell_count"])
def test_the_likelihood_of_counts_sums_to_one_and_is_binomial(truth):
    found = endpoint("cell_count")
    counts = np.arange(61)[None, :, None]
    logarithm = found.log_likelihood(
        Reading(counts / 60.0, np.zeros(counts.shape)), np.full(counts.shape, truth)
    )
    assert np.allclose(np.exp(logarithm), binom.pmf(counts, 60, truth), atol=1e-12)
    assert np.exp(logarithm).sum() == pytest.approx(1.0)


def test_simulated_counts_follow_their_likelihood():
    _, _, reading = readings_of("cell_count", 0.9, 20_000)
    seen = np.bincount(np.rint(reading.value.ravel() * 60).astype(int), minlength=61)
    expected = 20_000 * binom.pmf(np.arange(61), 60, 0.9)
    common = expected > 5
    statistic = np.sum((seen[common] - expected[common]) ** 2 / expected[common])
    assert statistic < chi2.ppf(0.999, common.sum() - 1)


def test_a_count_above_the_healthy_one_is_as_likely_as_a_healthy_one():
    found = endpoint("cell_count")
    counts = Reading(np.array([1.0, 1.2]).reshape(1, 1, 2), np.zeros((1, 1, 2)))
    logs = found.log_likelihood(counts, np.full((1, 1, 2), 0.97))[0, 0]
    assert logs == pytest.approx([60 * np.log(0.97)] * 2)


@pytest.mark.parametrize(
    ("cell", "kind"), [("OHC", "ohc"), ("IHC", "ihc"), ("synapse", "synapse"), ("SGN", "sgn")]
)
def test_each_kind_of_cell_is_counted_at_its_place(cell, kind):
    loss = np.linspace(0.9, 0.1, PLACES.size)
    value = endpoint("cell_count", cell=cell).value(EAR, cells_with(**{kind: loss}), FREQUENCY)
    assert np.allclose(value[0, 0], 1.0 - np.interp(EAR.place_of(FREQUENCY), PLACES, loss))
