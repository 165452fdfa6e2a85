"""Weights of the tube against polynomials integrated over its cells: borders, joints, ends and what leans upstream."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import Polynomial

from otosome.model.transport.axial import (
    Tube,
    _area,
    _bernoulli,
    _derivatives,
    _extrapolated,
    _leaning,
    _of_cells,
    _slope,
    _upstream,
    fitted,
    neighbours,
)

VOLUMES = np.array([[0.3], [0.5]])  # uL, unequal, so that no cell passes for the other
CUBIC = Polynomial([5.0, -1.0, 0.8, -0.2])


def amounts(of: Polynomial, edges: np.ndarray) -> np.ndarray:
    """What cells between edges hold of a concentration."""
    return np.diff(of.integ()(edges))


def ends() -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(VOLUMES[:, 0])])


@pytest.mark.parametrize("slope", [-3.0, 0.0, 2.0])
def test_a_line_through_two_cells_ends_where_the_line_does(slope):
    line = Polynomial([4.0, slope])
    assert _extrapolated(VOLUMES)[:, 0] @ amounts(line, ends()) == pytest.approx(4.0, rel=1e-12)


@pytest.mark.parametrize("coefficients", [(4.0, 0.0, 0.0), (4.0, 2.0, 0.0), (1.0, -2.0, 7.0)])
def test_the_slope_at_an_end_is_that_of_a_parabola(coefficients):
    parabola = Polynomial(coefficients)
    by_cells, by_end = _slope(VOLUMES)
    slope = by_cells[:, 0] @ amounts(parabola, ends()) - by_end[0] * parabola(0.0)
    assert slope == pytest.approx(parabola.deriv()(0.0), rel=1e-12, abs=1e-12)


def test_the_cross_section_at_an_end_is_that_of_a_line_and_never_below_half_of_its_cells():
    lengths = np.array([[0.2], [0.7]])
    edges = np.concatenate([[0.0], np.cumsum(lengths[:, 0])])
    widening, falling = Polynomial([1.0, 0.6]), Polynomial([3.0, -1.0])
    for line in (widening, falling):
        assert _area(amounts(line, edges)[:, None], lengths) == pytest.approx(line(0.0), rel=1e-12)
    steep = _area(np.array([[0.2], [7.0]]), lengths)  # cells of 1 and 10 mm2: the line is at -1 there
    assert steep == pytest.approx(0.5)


@pytest.mark.parametrize("offsets", [(-0.7, 0.0, 0.4), (-0.7, -0.3, 0.0, 0.4, 1.1), (0.0, 0.4, 0.9)])
def test_derivatives_are_exact_for_every_polynomial_that_so_many_values_determine(offsets):
    at = np.array(offsets)
    first, second = _derivatives(at[:, None, None])[..., 0, 0]
    for degree in range(at.size):
        power = Polynomial([0.0] * degree + [1.0])
        assert first @ power(at) == pytest.approx(power.deriv()(0.0), abs=1e-12)
        assert second @ power(at) == pytest.approx(power.deriv(2)(0.0), abs=1e-11)


@pytest.mark.parametrize("flow", [-1.0, 1.0])
def test_upstream_is_the_parabola_of_two_cells_before_and_one_after(flow):
    """The difference to the value of all four cells, found by solving for the polynomials' coefficients."""
    edges = np.array([-0.9, -0.4, 0.0, 0.3, 1.1])

    def at_border(cells: np.ndarray, held: np.ndarray) -> float:
        degree = np.arange(cells.size - 1)
        powers = np.diff(cells[:, None] ** (degree + 1) / (degree + 1), axis=0)
        return float(np.linalg.solve(powers, held)[0])

    held = amounts(CUBIC, edges)
    three = (edges[:4], held[:3]) if flow > 0 else (edges[1:], held[1:])
    weights = _upstream(edges[:, None, None], np.array([flow]))[:, 0, 0]
    assert weights @ held == pytest.approx(CUBIC(0.0) - at_border(*three), rel=1e-10)
    value = _of_cells(_derivatives(edges[:, None, None]))[0, :, 0, 0]
    assert value @ held == pytest.approx(CUBIC(0.0), rel=1e-12)


def test_what_leans_is_half_at_a_cell_peclet_number_of_two_and_nothing_in_still_fluid():
    carried = np.array([0.0, 2.0, 1e9])
    assert _leaning(carried, np.ones(3)) == pytest.approx([0.0, 0.5, 1.0], abs=1e-8)
    assert _leaning(np.zeros(1), np.zeros(1)) == 0.0


def test_the_fitted_flux_is_the_exact_one_between_two_cells():
    """At a cell Peclet number P nothing crosses where the far cell holds exp(P) times the near one."""
    flow = np.array([-20.0, -2.0, -1e-5, 1e-5, 0.3, 3.0, 700.0, -700.0])
    onward, back = fitted(np.ones(flow.size), flow)
    assert onward - back == pytest.approx(flow, rel=1e-9)
    mild = np.abs(flow) < 100
    assert onward[mild] / back[mild] == pytest.approx(np.exp(flow[mild]), rel=1e-9)
    assert (onward[-2:], back[-2:]) == (pytest.approx([700.0, 0.0]), pytest.approx([0.0, 700.0]))


def test_bernoullis_function_is_one_at_nought_smooth_across_its_series_and_mirrored():
    z = np.array([0.0, 9.9e-5, 1.01e-4, 0.5, 4.0])
    assert _bernoulli(z)[0] == 1.0
    assert _bernoulli(-z) - _bernoulli(z) == pytest.approx(z, abs=1e-12)
    # Its series to the sixth order: 1 - z/2 + z2/12 - z4/720 + z6/30240.
    z = z[:4]
    assert _bernoulli(z) == pytest.approx(1 - z / 2 + z**2 / 12 - z**4 / 720 + z**6 / 30240, rel=1e-8)
    assert np.diff(_bernoulli(z[1:3]))[0] / np.diff(z[1:3])[0] == pytest.approx(-0.5, rel=1e-3)


def even(flow: float, spread: float, cells: int = 8) -> Tube:
    one = np.ones(1)
    return Tube(
        np.full((cells, 1), 0.2),
        np.full((cells, 1), 0.2),
        (cells,),
        np.full((1, 1, 1), spread),
        flow * one,
        one,
        one,
    )


@pytest.mark.parametrize(
    ("flow", "spread", "least", "most"), [(0.0, 1.0, 1 / 16, 0.1), (9.0, 0.0, 0.2, 0.25)]
)
def test_where_the_smooth_scheme_is_safe_no_border_sends_back_down_a_slope(flow, spread, least, most):
    """A concentration that falls by the same share from cell to cell: what crosses is onward, if not by much."""
    tube = even(flow, spread)
    share = float(tube.steep()[4, 0])
    assert least < share < most
    assert np.all((tube.steep() > 0) & (tube.steep() <= 2.7 / 12.0 + 1e-12))
    crossing = tube.smooth()[0, 4, :, 0]
    falling = share ** np.arange(4.0)
    assert crossing @ falling > 0
    # Below half of the share it no longer is.
    assert crossing @ (share / 2) ** np.arange(4.0) < 0


@pytest.mark.parametrize("scheme", ["plain", "smooth"])
def test_a_tube_turned_round_sends_the_same_the_other_way(scheme):
    """Inner borders know no direction but that of the flow."""
    volumes = np.geomspace(0.1, 0.5, 9)[:, None]
    lengths = np.geomspace(0.3, 0.2, 9)[:, None]
    one = np.ones(1)

    def crossing(turn: int) -> np.ndarray:
        parts = (5, 4)[::turn]
        tube = Tube(
            volumes[::turn],
            lengths[::turn],
            parts,
            np.full((1, 1, 1), 0.7),
            turn * 0.4 * one,
            0.0 * one,
            2.0 * one,
        )
        return getattr(tube, scheme)()[0, :, :, 0]

    assert -crossing(-1)[::-1, ::-1] == pytest.approx(crossing(1), rel=1e-9, abs=1e-9)


def test_an_end_that_exchanges_alone_is_in_series_with_half_a_cell():
    """Fluid of one outside and of none within, nothing flowing: conductances in series, in both schemes near it."""
    tube = even(0.0, 2.0)
    # Half a cell of 0.2 mm and 1 mm2: 2.0 / 0.1 = 20 uL/h, in series with 1 uL/h.
    in_series = 20.0 / 21.0
    assert tube.plain()[0, 0, 1, 0] == pytest.approx(in_series, rel=1e-12)
    assert tube.plain()[0, 0, 2, 0] == pytest.approx(-in_series / 0.2, rel=1e-12)
    sent = tube.smooth()[0, 0, :, 0]
    assert sent[0] == 0.0
    # A uniform fluid sends nothing.
    assert sent[1] * 1.0 + sent[2:] @ [0.2, 0.2] == pytest.approx(0.0, abs=1e-12)
    assert in_series < sent[1] < 1.0


@pytest.mark.parametrize("borders", [2, 3, 7])
def test_each_cell_gains_what_crosses_its_left_border_and_loses_what_crosses_its_right(borders):
    """Against a sum over borders, each of which takes from the one before its two cells to the one after them."""
    cells = borders + 1
    crossing = np.random.default_rng(2).normal(size=(borders, 4))
    gained = np.zeros((cells, cells))
    for border in range(borders):
        for k in range(4):
            source = border - 1 + k
            if 0 <= source < cells:
                gained[border + 1, source] += crossing[border, k]
                gained[border, source] -= crossing[border, k]
    rates = np.zeros((cells, cells))
    flat = np.append(crossing.ravel(), 0.0)
    for distance, source, left, right in neighbours(borders):
        rates[source + distance, source] = flat[left] - flat[right]
    apart = ~np.eye(cells, dtype=bool)
    assert rates[apart] == pytest.approx(gained[apart])
