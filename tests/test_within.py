"""A normal distribution within what figures leave: exact where they are planes, inside where words bend."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from otosome.review.calibration.sampled import regressed
from otosome.review.calibration.within import within


def sought(misses, free, others, rounds=30, draws=400, seed=1):
    before = np.zeros(free), np.ones(free)
    return within(misses, misses, before, others, draws, rounds, seed, lambda *_: None)


def test_of_planes_it_is_the_exact_normal_distribution_given_all_else():
    """Of one number twice itself less a deviate is read, 1 with an error of 0.5, and it was thought 0 to within 2."""

    def misses(own, beside):
        return np.stack([(2.0 * own[:, 0] - beside[0] - 1.0) / 0.5, own[:, 0] / 2.0], axis=1)

    found = sought(misses, 1, 2)
    precision = 16.0 + 0.25
    assert found.middle == pytest.approx([4.0 * 2.0 / precision], rel=1e-3)
    assert found.slopes == pytest.approx(np.array([[4.0 * 2.0 / precision, 0.0]]), abs=1e-3)
    assert found.root[0, 0] == pytest.approx(precision**-0.5, rel=1e-3)
    assert found.still


def test_inside_a_word_nothing_decides_but_how_often_draws_leave_it():
    """Between -1 and 1, with an error of 0.1 beyond, thought 0 to within 3: the precision is the mean curvature, of the
    share of its own draws that lie outside; those that lie more than three errors out count by their size."""

    def misses(own, beside):
        return np.stack([np.maximum(np.abs(own[:, 0]) - 1.0, 0.0) / 0.1, own[:, 0] / 3.0], axis=1)

    def lacking(spread):
        far = np.linspace(1.0, 1.0 + 8.0 * spread, 4001)
        weight = np.minimum(1.0, 3.0 / np.maximum((far - 1.0) / 0.1, 1e-9))
        outside = 2.0 * np.trapezoid(weight * norm.pdf(far / spread) / spread, far) / 0.01
        return outside + 1.0 / 9.0 - spread**-2.0

    found = sought(misses, 1, 1)
    # The mean of ten rounds of 400 draws, of which a twentieth are outside: 7 % of the precision.
    assert found.root[0, 0] == pytest.approx(brentq(lacking, 0.1, 2.0), rel=0.1)
    assert np.abs(found.middle) < 0.1


def test_its_draws_meet_what_bends_and_those_of_a_normal_one_as_wide_as_the_posterior_do_not():
    """Of two numbers a + b^2 is read, 0.5 with an error of 0.1, and both were thought 0 to within 1."""

    def misses(own, beside):
        read = own[:, 0] + own[:, 1] ** 2
        return np.stack([(read - 0.5) / 0.1, own[:, 0], own[:, 1]], axis=1)

    def share(normal):
        luck = np.random.default_rng(3).standard_normal((4000, 2))
        return np.mean(np.abs(misses(normal.middle + luck @ normal.root.T, None)[:, 0]) < 2.0)

    found = sought(misses, 2, 1)
    luck = np.random.default_rng(2).standard_normal((200_000, 2))
    weight = np.exp(-0.5 * misses(luck, None)[:, 0] ** 2)
    posterior = luck[np.random.default_rng(4).choice(len(luck), 4000, p=weight / weight.sum())]
    wide = regressed(posterior, np.random.default_rng(5).standard_normal((4000, 1)))
    assert share(wide) < 0.4
    assert share(found) > 0.85


def test_what_moves_no_figure_has_no_slope_and_what_moves_it_together_has_its_part():
    """Of one number and two of forty deviates, three parts and four, the sum is read."""

    def misses(own, beside):
        return np.stack([(own[:, 0] + 3.0 * beside[0] + 4.0 * beside[1]) / 0.5, own[:, 0] / 10.0], axis=1)

    found = sought(misses, 1, 40, draws=100)
    # Of a plane nothing is left to chance.
    assert found.slopes[0, :2] == pytest.approx(np.array([-3.0, -4.0]) * (4.0 / 4.01), rel=1e-3)
    assert np.abs(found.slopes[0, 2:]).max() < 1e-6


def test_deviates_with_which_nothing_is_met_do_not_decide():
    """One in forty ears is off by a hundred errors whatever the number: its middle hardly follows it."""

    def misses(own, beside):
        lost = 100.0 * (beside[0] > 1.96)
        return np.stack([own[:, 0] / 0.5 + lost, own[:, 0] / 10.0], axis=1)

    found = sought(misses, 1, 1)
    # Squares would put it at -100 x 0.025 x 0.5 = -1.25; by its size at -3 x 0.025 x 0.5.
    assert found.middle[0] == pytest.approx(-0.0375, abs=0.03)
