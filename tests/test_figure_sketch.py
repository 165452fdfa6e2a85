"""A sketch of figures and what is printed of them, and draws that walkers rehearse on it: against exact laws."""

import numpy as np
import pytest
from scipy.integrate import cumulative_trapezoid
from scipy.stats import norm, t

from otosome.fitting.posterior import convergence
from otosome.review.calibration.sampled import Figures, chain
from otosome.review.calibration.sketched import FigureSketch

NUMBERS = 20
RISE = np.linspace(1.0, -1.0, NUMBERS)


def landscape(scaled, low, high):
    return Figures(scaled, (np.array(low), np.array(high)))


def plane(z):
    """Two figures that all numbers move evenly."""
    return np.stack([2.0 + z @ RISE, z[:, 0] - 3.0 * z[:, 1]], axis=1)


def bent(z):
    """Two figures that two of many numbers move, and not evenly."""
    return np.stack([4.0 * np.sin(z[:, 0] + 0.5 * z[:, 3]), np.exp(z[:, 3])], axis=1)


def looked(scaled, many, seed=1, width=1.0):
    places = np.random.default_rng(seed).normal(0.0, width, (many, NUMBERS))
    return places, scaled(places)


def test_what_is_printed_of_a_figure_is_normal_beyond_its_ends_and_flat_between_them():
    """A range of 1 to 3 errors and a bound above -1: half the square of the errors beyond, by hand."""
    own = landscape(plane, [1.0, -1.0], [3.0, np.inf])
    seen = np.array([[2.0, 5.0], [0.0, 5.0], [4.5, 5.0], [2.0, -3.0], [0.0, -2.0]])
    places = np.full((5, NUMBERS), 0.1)
    told = np.array([0.0, -0.5, -1.125, -2.0, -1.0])
    assert own.heights(places, seen) == pytest.approx(told - 0.5 * NUMBERS * 0.01)


def test_beyond_six_standard_deviations_nothing_is_looked_at_or_believed():
    asked = []

    def scaled(z):
        asked.append(z)
        return plane(z)

    own = landscape(scaled, [0.0, 0.0], [0.0, 0.0])
    places = np.zeros((3, NUMBERS))
    places[1, 4] = -6.5
    places[2, 4] = 5.5
    seen = own.look(places)
    assert [len(z) for z in asked] == [2]
    assert np.isneginf(own.heights(places, seen)).tolist() == [False, True, False]
    assert seen[[0, 2]] == pytest.approx(plane(places[[0, 2]]))


def test_planes_are_sketched_exactly_with_the_kinks_of_what_is_printed():
    own = landscape(plane, [1.0, -np.inf], [3.0, 0.5])
    sketch = own.sketch(*looked(plane, 200))
    inside, there = looked(plane, 100, seed=2, width=0.7)
    assert sketch.figures(inside) == pytest.approx(there, abs=1e-6)
    for flat in (1.0, 0.4):
        # What was thought before is never flattened; figures are missed with a t of two degrees of freedom.
        told = np.sum(t.logpdf(own.misses(there), 2.0) - t.logpdf(0.0, 2.0), axis=1)
        exact = flat**2 * told - 0.5 * np.sum(inside**2, axis=1)
        assert sketch.flattened(inside, flat) == pytest.approx(exact, abs=1e-5)


def test_of_many_numbers_what_bends_is_learnt_along_those_that_move_a_figure():
    """Of 20 numbers two count: 1,200 looks tell the curves, which alike in all directions they could not."""
    own = landscape(bent, [1.0, 1.0], [1.0, 1.0])
    inside, there = looked(bent, 300, seed=2, width=0.7)
    few, many = (np.std(own.sketch(*looked(bent, n)).figures(inside) - there, axis=0) for n in (150, 1200))
    assert np.all(many < 0.1 * np.std(there, axis=0))
    assert np.all(many < 0.6 * few)


def test_few_looks_or_what_cannot_be_foretold_give_no_sketch():
    own = landscape(plane, [0.0, 0.0], [0.0, 0.0])
    assert own.sketch(*looked(plane, 4 * NUMBERS)) is None
    places, seen = looked(plane, 400)
    assert own.sketch(places, seen) is not None
    noise = np.random.default_rng(3).normal(0.0, 8.0, seen.shape)
    assert own.sketch(places, seen + noise) is None


def test_looks_that_were_not_believed_or_lie_far_off_hardly_move_a_sketch():
    places, seen = looked(plane, 400)
    own = landscape(plane, [0.0, 0.0], [0.0, 0.0])
    spoilt = seen.copy()
    spoilt[::10] = np.nan
    inside, there = looked(plane, 50, seed=2, width=0.5)
    assert own.sketch(places, spoilt).figures(inside) == pytest.approx(there, abs=1e-6)
    # A simulated nothing, of whose logarithm a figure is a thousand errors off: held to twelve.
    spoilt = seen.copy()
    spoilt[::40] = -1000.0
    assert np.std(own.sketch(places, spoilt).figures(inside) - there) < 2.0


def cumulative(log_density):
    grid = np.linspace(-6.0, 6.0, 4001)
    heights = np.exp(log_density(grid) - 0.5 * grid**2)
    whole = cumulative_trapezoid(heights, grid, initial=0.0)
    return lambda z: np.interp(z, grid, whole / whole[-1])


def test_draws_of_figures_are_those_of_their_exact_posterior(tmp_path):
    """A bound above 2, a printed e^0.5, and an idle rest, each by quadrature: 5, 50 and 95 % within four errors.

    A fifth of what was looked at counts.
    """

    def scaled(z):
        return np.stack([z[:, 0] / 0.3, np.exp(z[:, 1]) / 0.4], axis=1)

    ends = [2.0 / 0.3, np.exp(0.5) / 0.4], [np.inf, np.exp(0.5) / 0.4]
    begun = np.random.default_rng(2).normal(0.3, 0.8, (200, 6))
    walk = chain(landscape(scaled, *ends), begun, 14, 320, 5, tmp_path / "chain.npz", "one", lambda *_: None)
    later = walk.deviates[160:]
    told = convergence(later)
    assert told.reached
    assert min(told.bulk) > 0.2 * 160 * 14
    exact = [
        cumulative(lambda z: -0.5 * (np.maximum(2.0 - z, 0.0) / 0.3) ** 2),
        cumulative(lambda z: -0.5 * ((np.exp(z) - np.exp(0.5)) / 0.4) ** 2),
        *[norm.cdf] * 4,
    ]
    for number, ranks in enumerate(exact):
        for end, effective in ((0.05, told.tail), (0.5, told.bulk), (0.95, told.tail)):
            share = np.mean(ranks(later[:, :, number]) < end)
            assert share == pytest.approx(end, abs=4.0 * np.sqrt(end * (1.0 - end) / effective[number]))


def test_a_wrong_sketch_still_gives_the_exact_posterior(tmp_path):
    """Figures sketched half an error off and a fifth too flat: draws are those of the figures themselves."""

    def scaled(z):
        return np.stack([2.0 * z[:, 0] + z[:, 1]], axis=1)

    class Wrong(Figures):
        def sketch(self, looks, seen):
            return FigureSketch.of(looks, 0.8 * seen + 0.5, self.misses, self.ends)

    own = Wrong(scaled, (np.array([3.0]), np.array([3.0])))
    begun = np.random.default_rng(2).normal(0.0, 1.0, (200, 4))
    walk = chain(own, begun, 12, 280, 5, tmp_path / "chain.npz", "one", lambda *_: None)
    told = convergence(walk.deviates[140:])
    # By hand: precision 1 + h h' of h = (2, 1), so means 3 h / (1 + h'h) and variances 1 - h^2 / (1 + h'h).
    means, variances = np.array([1.0, 0.5, 0.0, 0.0]), np.array([1.0 - 4.0 / 6.0, 1.0 - 1.0 / 6.0, 1.0, 1.0])
    each = walk.deviates[140:].reshape(-1, 4)
    assert np.all(np.abs(each.mean(axis=0) - means) < 4.0 * np.sqrt(variances / told.bulk))
    assert np.all(np.abs(each.var(axis=0) / variances - 1.0) < 4.0 * np.sqrt(2.0 / np.array(told.bulk)))
