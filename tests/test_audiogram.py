"""Audiogram and emissions: what a clinic writes down of an ear, and what it depends on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import norm

from otosome.roles import Reading
from test_endpoints import EAR, cells_with, endpoint

FREQUENCY = np.array([4.0, 8.0, 16.0])


@dataclass(frozen=True)
class Arrived:
    """A population whose every ear arrives with one loss."""

    loss: float

    def baseline(self, frequency):
        return np.full((1, 1, frequency.size), self.loss)


def audiogram(loss=None):
    return endpoint("audiogram", "human", population=None if loss is None else Arrived(loss))


def test_a_whole_ear_without_a_population_hears_at_audiometric_zero():
    value = audiogram().value(EAR, cells_with(), FREQUENCY)
    assert value.shape == (1, 3, 3)
    assert np.allclose(value, 0.0, atol=1e-12)


def test_an_ear_of_a_population_keeps_what_it_arrived_with():
    assert np.allclose(audiogram(27.5).value(EAR, cells_with(), FREQUENCY), 27.5)
    assert np.allclose(audiogram(-8.0).value(EAR, cells_with(), FREQUENCY), -8.0)


def test_a_shift_adds_to_what_the_ear_arrived_with_as_age_and_noise_do():
    lost = cells_with(ohc=0.6)
    alone = audiogram().value(EAR, lost, FREQUENCY)
    both = audiogram(40.0).value(EAR, lost, FREQUENCY)
    assert np.allclose(both, 40.0 + alone - 40.0 * alone / 120.0)
    assert np.all(both < 40.0 + alone)


def test_hearing_levels_are_read_in_steps_of_5_dB_up_to_the_loudest_the_audiometer_has():
    uniform = (np.arange(2000)[None, :, None] + 0.5) / 2000
    for truth in (-30.0, 3.0, 52.0, 108.0, 120.0):
        reading = audiogram().read(np.full(uniform.shape, truth), uniform)
        assert np.all(reading.value % 5.0 == 0.0)
        assert np.all(reading.value[reading.censored > 0] == 110.0)
        assert np.all(reading.value[reading.censored < 0] == -10.0)
    assert np.mean(reading.censored == 1.0) > 0.99


def test_repeats_of_a_normal_ear_agree_as_often_as_published():
    # 91.5 % within 5 dB and 98.1 % within 10 dB, in steps of 1 dB; here of 5 dB, so the bins are wider.
    found = audiogram()
    rng = np.random.default_rng(5)
    truth = np.broadcast_to(rng.uniform(0.0, 10.0, (1, 20_000, 1)), (1, 20_000, 1))
    first, second = (found.read(truth, rng.uniform(size=truth.shape)).value for _ in range(2))
    apart = np.abs(first - second)
    assert 0.88 < np.mean(apart <= 5.0) < 0.99
    assert np.mean(apart <= 10.0) > 0.981


def test_the_likelihood_of_hearing_levels_sums_to_one():
    levels = np.arange(-10.0, 111.0, 5.0)
    values, censored = np.append(levels, 110.0), np.zeros(levels.size + 1)
    censored[0], censored[-1] = -1.0, 1.0
    every = Reading(values[None, :, None], censored[None, :, None])
    for truth in (-40.0, 0.0, 47.7, 111.0, 300.0):
        probability = np.exp(audiogram().log_likelihood(every, np.full(every.value.shape, truth)))
        assert probability.sum() == pytest.approx(1.0, abs=1e-12)


def emission(species="human"):
    return endpoint("dpoae", species, level=None)


def test_an_ear_without_outer_hair_cells_sends_nothing_back_but_noise():
    value = emission().value(EAR, cells_with(ohc=1.0), FREQUENCY)
    assert np.all(value == emission().floor)


def test_emissions_fall_with_outer_hair_cells_and_with_the_stria():
    levels = [
        emission("mouse").value(EAR, cells_with(ohc=lost), FREQUENCY)[0, 0, 0] for lost in (0, 0.1, 0.2, 0.35)
    ]
    assert np.all(np.diff(levels) < 0)
    # So much of the 25 dB that a third of outer hair cells cost.
    assert levels[0] - levels[-1] == pytest.approx(0.85 * 25.0, abs=0.1)
    flat = replace(cells_with(), stria=np.full((1, 3, EAR.place.size), 0.5))
    assert emission("mouse").value(EAR, flat, FREQUENCY)[0, 0, 0] < levels[0]


def test_emissions_do_not_tell_of_the_nerve():
    whole = emission().value(EAR, cells_with(), FREQUENCY)
    for lost in ({"ihc": 0.9}, {"synapse": 1.0}, {"sgn": 1.0}):
        assert np.array_equal(emission().value(EAR, cells_with(**lost), FREQUENCY), whole)


def test_a_level_below_the_noise_is_read_as_the_noise_and_is_as_likely_as_it_should_be():
    found, uniform = emission(), (np.arange(10_000)[None, :, None] + 0.5) / 10_000
    for truth in (-20.0, -18.0, 8.0):
        value = np.full(uniform.shape, truth)
        reading = found.read(value, uniform)
        assert np.all(reading.value >= -20.0)
        unseen = Reading(np.full((1, 1, 1), -20.0), np.full((1, 1, 1), -1.0))
        probability = np.exp(found.log_likelihood(unseen, np.full((1, 1, 1), truth))).item()
        assert np.mean(reading.censored < 0) == pytest.approx(probability, abs=1e-3)
        seen = Reading(np.full((1, 1, 1), 9.0), np.zeros((1, 1, 1)))
        density = found.log_likelihood(seen, np.full((1, 1, 1), truth)).item()
        assert density == pytest.approx(norm.logpdf(9.0, truth, found.error.item()))


def test_noise_that_is_quieter_shows_smaller_emissions():
    quiet = replace(emission(), floor=np.full((1, 1, 1), -40.0))
    lost = cells_with(ohc=0.9)
    assert np.all(quiet.value(EAR, lost, FREQUENCY) < emission().value(EAR, lost, FREQUENCY))
