"""Counts by luck: SciPy's own distribution, and what it is by definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from otosome.model.counts import binomial


@pytest.mark.parametrize("number", [1.0, 3.0, 25.0, 133.0, 2000.0])
def test_a_count_is_that_of_scipy_whatever_the_share(number):
    random = np.random.default_rng(1)
    luck, share = random.random((2, 20_000))
    share[:5000] **= 6
    share[5000:10_000] = 1.0 - share[5000:10_000] ** 6
    luck[::7] = np.where(luck[::7] < 0.5, 1e-12 + luck[::7] ** 9, 1.0 - 1e-12 - luck[::7] ** 9)
    share[:4] = 0.0, 1.0, 1e-300, 1.0 - 1e-16
    assert np.array_equal(binomial(luck, number, share), binom.ppf(luck, number, share))


def test_a_count_has_the_shape_of_all_three():
    luck = np.linspace(0.01, 0.99, 12).reshape(2, 3, 2)
    number, share = np.array([10.0, 50.0]).reshape(2, 1, 1), np.array([0.2, 0.9])
    counts = binomial(luck, number, share)
    assert counts.shape == luck.shape
    for place in np.ndindex(luck.shape):
        alone = binomial(luck[place], number[place[0], 0, 0], share[place[2]])
        assert alone.shape == ()
        assert alone == counts[place]


def test_nobody_counts_less_than_none_or_more_than_there_are():
    edge = np.array([1e-16, 1.0 - 1e-16])
    for share in (0.0, 1e-9, 0.5, 1.0):
        counts = binomial(edge, 7.0, share)
        assert np.all((counts >= 0) & (counts <= 7))
    assert binomial(edge, 7.0, 1.0).tolist() == [7.0, 7.0]
    assert binomial(edge, 7.0, 0.0).tolist() == [0.0, 0.0]
