"""Laws of the pieces: the remap that moves perilymph, the elimination, the flux, the time scheme."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otosome.model.lanes import LANES, aligned
from otosome.model.transport.axial import fitted
from otosome.model.transport.displace import displace, reconstruct, within
from otosome.model.transport.kernel import (
    RODAS4,
    Flux,
    assemble,
    factor,
    solve,
)
from otosome.model.transport.kernel import room as room_for
from otosome.model.transport.pattern import eliminate

ROWS = st.lists(st.tuples(st.floats(0.01, 10.0), st.floats(0.0, 1e9)), min_size=2, max_size=30)


@settings(max_examples=200, deadline=None)
@given(row=ROWS, moved=st.floats(0.0, 500.0), entering=st.floats(0.0, 1e9))
def test_moving_fluid_conserves_amounts_and_makes_no_new_extremes(row, moved, entering):
    volumes = np.array([[v] for v, _ in row])
    before = np.array([[v * c] for v, c in row])
    after = before.copy()
    given = entering * moved
    gone = displace(after, volumes, np.array([moved]), np.array([given]))
    assert (after.sum() + gone.sum()) == pytest.approx(before.sum() + given, rel=1e-12)
    assert after.min() >= -1e-12 * before.max()
    assert gone.min() >= 0.0
    if moved > 0:
        highest = max(entering, np.max(before / volumes))
        assert np.max(after / volumes) <= highest * (1 + 1e-9)


@given(moved=st.floats(0.0, 20.0))
def test_a_uniform_fluid_is_not_changed_by_moving(moved):
    volumes = np.random.default_rng(3).uniform(0.1, 1.0, (20, 1))
    after = 4.0 * volumes
    displace(after, volumes, np.array([moved]), np.array([4.0 * moved]))
    assert after == pytest.approx(4.0 * volumes, rel=1e-12)


def test_a_full_turnover_leaves_only_what_entered():
    volumes = np.full((10, 1), 0.5)
    after = np.random.default_rng(4).uniform(0, 1, (10, 1))
    before = after.sum()
    gone = displace(after, volumes, np.array([5.0]), np.array([15.0]))
    assert gone[0] == pytest.approx(before, rel=1e-12)
    assert after == pytest.approx(3.0 * volumes, rel=1e-12)


def test_a_moved_wave_arrives_with_second_order_accuracy():
    def miss(cells: int) -> float:
        centre = (np.arange(cells) + 0.5) / cells
        volumes = np.full((cells, 1), 1.0 / cells)
        wave = np.exp(-(((centre - 0.3) / 0.08) ** 2))[:, None] / cells
        for _ in range(16):
            displace(wave, volumes, np.array([0.4 / 16]), np.zeros(1))
        return float(np.abs(wave[:, 0] * cells - np.exp(-(((centre - 0.7) / 0.08) ** 2))).mean())

    assert np.log2(miss(100) / miss(200)) > 1.7


def random_flux(core: int, sites: int, classes: int, rng: np.random.Generator, leaves: int = 0) -> Flux:
    """Edges at random between core nodes, and sites each of which exchanges with two blocks of them.

    ``leaves``  blocks of the core, the first ones, that do nothing but exchange with two later ones, class by class
    """
    pairs = {
        (int(a), int(b))
        for a, b in rng.integers(0, core, (4 * core, 2))
        if a != b and min(a, b) >= leaves * classes
    }
    for leaf in range(leaves):
        for block in rng.choice(np.arange(leaves, core // classes), 2, replace=False):
            ends = [(leaf * classes + k, int(block) * classes + k) for k in range(classes)]
            pairs |= {*ends, *((b, a) for a, b in ends)}
    site = core + np.arange(sites * classes)
    for first in site[::classes]:
        for block in rng.choice(core // classes, 2, replace=False) * classes:
            pairs |= {(first + k, block + k) for k in range(classes)} | {
                (block + k, first + k) for k in range(classes)
            }
    source, target = np.array(sorted(pairs, key=lambda pair: pair[1]), np.int32).T.copy()
    rate, capacity, half = (aligned(n, LANES) for n in (source.size, site.size, site.size))
    rate[:] = rng.uniform(0.1, 1.0, rate.shape)
    capacity[:], half[:] = rng.uniform(1.0, 9.0, capacity.shape), rng.uniform(1.0, 2.0, half.shape)
    leaving = aligned(core + site.size, LANES)
    np.add.at(leaving, source, rate)
    counts = np.bincount(target, minlength=core + site.size).astype(np.int32)
    rows = site.astype(np.int32)
    return Flux(source, target, rate, counts, leaving, classes, rows, rows, capacity, half, 1.0)


@pytest.mark.parametrize(
    ("sites", "classes", "leaves"),
    [(0, 3, 0), (5, 1, 0), (5, 3, 0), (4, 2, 0), (4, 1, 0), (5, 3, 4), (5, 3, 1)],
)
def test_the_elimination_solves_what_dense_algebra_solves(sites, classes, leaves):
    rng = np.random.default_rng(5)
    core, shift = 36, 2.0
    flux = random_flux(core, sites, classes, rng, leaves)
    nodes = core + sites * classes
    # Two rows of what nothing depends on follow, as in every network, and are left as they are.
    amounts, right = aligned(nodes + 2, LANES), aligned(nodes + 2, LANES)
    amounts[:], right[:] = rng.uniform(-0.1, 1.0, amounts.shape), rng.standard_normal(right.shape)
    dense = shift * np.eye(nodes) * np.ones((LANES, 1, 1))
    dense[:, np.arange(nodes), np.arange(nodes)] += flux.leaving.T
    np.subtract.at(dense, (slice(None), flux.target, flux.source), flux.rate.T)
    for first in range(core, nodes, classes):
        own, at = slice(first, first + classes), slice(first - core, first - core + classes)
        total = amounts[own].sum(axis=0)
        room = flux.half[at] + np.abs(total)
        for k in range(classes):
            slope = flux.capacity[at][k] / room[k]
            dense[:, first + k, first + k] += slope
            dense[:, first + k, own] -= (slope * amounts[first + k] * np.sign(total) / room[k])[:, None]
    expected = right.copy()
    expected[:nodes] = np.linalg.solve(dense, right[:nodes].T[:, :, None])[:, :, 0].T
    pattern = eliminate(nodes, nodes, flux)
    # What three classes exchange side by side takes three entries a block. (The last row has none beside its pivot.)
    assert pattern.plain[:-1].tolist() == [n < leaves for n in range(pattern.plain.size - 1)]
    blocks = pattern.pivot.size + int(pattern.left.sum() + pattern.right.sum())
    assert pattern.entries == 9 * blocks - 6 * int(pattern.right[:leaves].sum())
    work = room_for(pattern, nodes + 2)
    assemble(work.values, amounts, shift, flux, pattern)
    factor(work.values, pattern)
    solve(work.values, pattern, right)
    assert right == pytest.approx(expected, rel=1e-10, abs=1e-13)
    assert np.array_equal(right[nodes:], expected[nodes:])


@given(
    conductance=st.floats(0.0, 1e6, allow_subnormal=False), flow=st.floats(-1e3, 1e3, allow_subnormal=False)
)
def test_the_fitted_flux_is_never_negative_and_carries_the_flow(conductance, flow):
    onward, back = fitted(np.array([conductance]), np.array([flow]))
    assert onward[0] >= 0.0
    assert back[0] >= 0.0
    assert onward[0] - back[0] == pytest.approx(flow, rel=1e-9, abs=1e-9 * conductance)


def test_the_time_scheme_meets_its_order_conditions():
    """Orders one to four, in the textbook's alpha, beta and b."""
    inverse = np.linalg.inv(np.eye(6) / RODAS4.gamma - RODAS4.coupling)
    alpha = RODAS4.stage @ inverse
    b = (RODAS4.stage[5] + np.eye(6)[5]) @ inverse
    beta = alpha + inverse
    a, c = alpha.sum(axis=1), beta.sum(axis=1)
    assert b.sum() == pytest.approx(1, abs=1e-12)
    assert b @ c == pytest.approx(1 / 2, abs=1e-12)
    assert b @ a**2 == pytest.approx(1 / 3, abs=1e-12)
    assert b @ beta @ c == pytest.approx(1 / 6, abs=1e-12)
    assert b @ a**3 == pytest.approx(1 / 4, abs=1e-12)
    assert b @ (a * (alpha @ c)) == pytest.approx(1 / 8, abs=1e-12)
    assert b @ beta @ a**2 == pytest.approx(1 / 12, abs=1e-12)
    assert b @ beta @ beta @ c == pytest.approx(1 / 24, abs=1e-12)


def test_the_time_scheme_forgets_infinitely_fast_decay():
    """Stability function at minus infinity is zero: stiffly accurate, so b is the last row of beta."""
    inverse = np.linalg.inv(np.eye(6) / RODAS4.gamma - RODAS4.coupling)
    b = (RODAS4.stage[5] + np.eye(6)[5]) @ inverse
    beta = RODAS4.stage @ inverse + inverse
    assert b == pytest.approx(beta[5], abs=1e-12)
    assert 1.0 - b @ np.linalg.solve(beta, np.ones(6)) == pytest.approx(0.0, abs=1e-10)


@pytest.mark.parametrize("ends", [(1.0, 1.0), (0.2, 3.0), (2.0, -1.0)])
def test_a_part_of_a_cell_holds_the_integral_of_the_parabola_through_its_ends_and_mean(ends):
    """The parabola of this mean between these ends, integrated by Gauss's rule, which is exact for it."""
    left, right, mean = *ends, 1.3
    bend = 6.0 * (mean - 0.5 * (left + right))
    at, weight = np.polynomial.legendre.leggauss(3)
    for s in (0.0, 0.25, 0.7, 1.0):
        x = 0.5 * s * (at + 1.0)
        exact = 0.5 * s * weight @ (left + x * (right - left) + bend * x * (1.0 - x))
        assert within.py_func(s, left, mean, right) == pytest.approx(exact, rel=1e-12, abs=1e-15)
    assert within(1.0, left, mean, right) == pytest.approx(mean)


def test_borders_of_a_slope_are_where_it_is_and_a_peak_is_flat():
    size = np.array([1.0, 0.5, 0.5, 1.5, 1.0])
    edges = np.concatenate([[0.0], np.cumsum(size)])
    slope = 2.0 + 3.0 * 0.5 * (edges[1:] + edges[:-1])
    before, after = reconstruct.py_func(slope * size, size)
    # Where three cells are even, exactly; and no border leaves what lies beside it.
    assert after[1] == before[2] == pytest.approx(2.0 + 3.0 * edges[2])
    assert np.all((before[1:-1] >= slope[:-2]) & (after[1:-1] <= slope[2:]))
    assert np.all((before <= slope) & (slope <= after))
    peak = np.array([1.0, 1.0, 5.0, 1.0, 1.0])
    before, after = reconstruct.py_func(peak, np.ones(5))
    assert before[2] == after[2] == 5.0
    steep = np.array([0.0, 0.0, 1.0, 10.0, 10.0])
    for before, after in (
        reconstruct.py_func(steep, np.ones(5)),
        reconstruct.py_func(steep[::-1], np.ones(5)),
    ):
        middle = np.array([within.py_func(s, before[2], 1.0, after[2]) for s in np.linspace(0, 1, 101)])
        # The parabola rises or falls throughout: its integral bends one way.
        assert len(set(np.sign(np.round(np.diff(middle, 2), 12))) - {0.0}) == 1
