"""A sketch of a log-posterior, and draws of what walkers rehearse on it: against exact targets and laws."""

import emcee
import numpy as np
import pytest
from scipy.stats import chi2, kstest, norm, skewnorm, t

from otosome.fitting.posterior import Around, Chain, Hill, _learnt, _moves, _sketch, convergence, sample
from otosome.fitting.sketch import Sketch

COVARIANCE = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.3], [0.0, 0.3, 0.5]])
CENTRE = np.array([2.0, 0.0, -1.0])
WALKERS = 12


def normal(z):
    return -0.5 * np.einsum("li,ij,lj->l", z - CENTRE, np.linalg.inv(COVARIANCE), z - CENTRE)


def looked(log_posterior, many, numbers, seed=1, width=1.5):
    """Places around the middle of a target and its heights there."""
    places = np.random.default_rng(seed).normal(0.0, width, (many, numbers))
    if log_posterior is normal:
        places = CENTRE + places @ np.linalg.cholesky(COVARIANCE).T
    return places, log_posterior(places)


# ---------------------------------------------------------------- the sketch


def test_a_parabola_is_sketched_exactly():
    places, heights = looked(normal, 200, 3)
    own = Sketch.of(places, heights)
    inside, there = looked(normal, 50, 3, seed=2, width=1.0)
    # Kriging adds nothing to what the parabola has: rounding alone.
    assert own.heights(inside) == pytest.approx(there, abs=1e-6)


def test_what_is_no_parabola_is_sketched_the_better_the_more_was_looked_at():
    def bent(z):
        return -0.5 * np.sum(z**2, axis=1) + 0.5 * np.sin(z[:, 0]) + 0.1 * z[:, 1] ** 3 / (1.0 + z[:, 1] ** 2)

    inside, there = looked(bent, 200, 3, seed=2, width=1.0)
    few, many = (np.std(Sketch.of(*looked(bent, n, 3)).heights(inside) - there) for n in (60, 1000))
    assert many < 0.3 * few
    assert many < 0.02


def test_a_sketch_falls_off_beyond_what_was_looked_at():
    """A ridge that rises for ever by its parabola: farther out than any look it does not."""

    def ridge(z):
        return z[:, 0] - 0.5 * z[:, 1] ** 2

    places, heights = looked(ridge, 200, 2)
    own = Sketch.of(places, heights)
    out = np.array([[20.0, 0.0], [40.0, 0.0]])
    near, far = own.heights(out)
    assert far < near < heights.max() - 50.0


def test_what_is_next_to_impossible_hardly_moves_a_sketch():
    places, heights = looked(normal, 400, 3)
    spoilt = np.where(np.arange(400) % 10 == 0, -1e12, heights)
    inside, there = looked(normal, 50, 3, seed=2, width=1.0)
    # Of looks at the summit's own flank a tenth is a lie of sixty: the others, so much more trusted, carry it.
    assert np.std(Sketch._through(places, spoilt).heights(inside) - there) < 1.5


def test_few_looks_or_what_cannot_be_foretold_give_no_sketch():
    assert Sketch.of(*looked(normal, 14, 3)) is None
    noise = np.random.default_rng(3).normal(0.0, 4.0, 300)
    places, heights = looked(normal, 300, 3)
    assert Sketch.of(places, heights) is not None
    assert Sketch.of(places, heights + noise) is None


# ---------------------------------------------------------------- rehearsals


def test_a_rehearsal_says_how_much_likelier_it_goes_than_comes_back():
    own = Sketch.of(*looked(normal, 300, 3))
    near = Around(CENTRE, COVARIANCE)
    places = np.random.default_rng(4).multivariate_normal(CENTRE, COVARIANCE, 50)
    new, ratio = own.rehearsed(near.leap, near.scale, 25, 0.7, 0.6)(places, np.random.RandomState(1))
    assert ratio == pytest.approx(0.6 * (own.heights(places) - own.heights(new)), abs=1e-9)
    assert np.mean(np.any(new != places, axis=1)) > 0.9


@pytest.mark.parametrize("flat", [0.9, 0.6])
def test_walkers_that_are_spread_like_a_sketch_are_so_after_a_rehearsal(flat):
    """Of a normal target flattened by 0.9 the spread is that of the normal over 0.9, before and after."""
    own = Sketch.of(*looked(normal, 400, 3, width=2.0))
    # Leaps around another place, of another width: it is the sketch that decides.
    near = Around(CENTRE + 0.5, 2.0 * COVARIANCE)
    places = np.random.default_rng(5).multivariate_normal(CENTRE, COVARIANCE / flat, 20_000)
    new, _ = own.rehearsed(near.leap, near.scale, 25, 0.7, flat)(places, np.random.RandomState(2))
    far = -2.0 * flat * normal(new)
    assert kstest(far, chi2(3).cdf).pvalue > 1e-3
    assert np.all(np.abs(new.mean(axis=0) - CENTRE) < 4.0 * np.sqrt(np.diag(COVARIANCE) / 20_000))


def drawn(log_posterior, rehearsal, numbers, steps=1500, seed=3):
    """Draws by rehearsals alone."""
    begin = np.random.default_rng(seed).normal(size=(WALKERS, numbers))
    moves = [emcee.moves.MHMove(rehearsal)]
    sampler = emcee.EnsembleSampler(WALKERS, numbers, log_posterior, moves=moves, vectorize=True)
    luck = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(emcee.State(begin, random_state=luck), steps)
    return sampler.get_chain()[steps // 10 :]


@pytest.mark.parametrize("flat", [0.9, 0.6])
def test_a_wrong_sketch_still_gives_the_exact_posterior(flat):
    """Rehearsed on a normal that is off by half a standard deviation and a fifth too narrow: draws are the target's."""

    def target(z):
        return np.sum(norm.logpdf(z), axis=1)

    def wrong(z):
        return np.sum(norm.logpdf(z, 0.5, 0.8), axis=1)

    own = Sketch.of(*looked(wrong, 300, 2))
    near = Around(np.array([0.3, 0.3]), 1.5 * np.eye(2))
    draws = drawn(target, own.rehearsed(near.leap, near.scale, 25, 0.7, flat), 2)
    told = convergence(draws)
    each = draws.reshape(-1, 2)
    # Four standard errors at the effective draws there are; a mean of the sketch's own would be off by half.
    assert min(told.bulk) > 500
    assert np.all(np.abs(each.mean(axis=0)) < 4.0 / np.sqrt(min(told.bulk)))
    assert np.all(np.abs(each.var(axis=0) - 1.0) < 4.0 * np.sqrt(2.0 / min(told.bulk)))
    for tail in (0.05, 0.95):
        share = np.mean(each < norm.ppf(tail))
        assert share == pytest.approx(tail, abs=4.0 * np.sqrt(0.05 * 0.95 / min(told.tail)))


def skewed(z):
    return np.sum(skewnorm.logpdf(z, 5.0), axis=1)


def kinked(z):
    return -np.sum(np.abs(z), axis=1)


@pytest.mark.parametrize(
    ("target", "numbers", "cumulative"),
    [
        (lambda z: normal(z + CENTRE), 3, lambda z: norm.cdf(z, 0.0, np.sqrt(np.diag(COVARIANCE)))),
        (skewed, 4, lambda z: skewnorm.cdf(z, 5.0)),
        (kinked, 3, lambda z: np.where(z < 0.0, 0.5 * np.exp(z), 1.0 - 0.5 * np.exp(-z))),
        (lambda z: np.sum(t.logpdf(z, 6.0), axis=1), 3, lambda z: t.cdf(z, 6.0)),
    ],
    ids=["correlated", "skewed", "kinked", "with long tails"],
)
def test_draws_are_those_of_their_exact_target(tmp_path, target, numbers, cumulative):
    """All of a chain: its moves are learnt, then frozen; each number's draws have the target's exact distribution."""
    begin = np.random.default_rng(0).normal(0.5, 0.5, (WALKERS, numbers))
    near = Around(np.full(numbers, 0.5), 0.3 * np.eye(numbers))
    steps = 400
    chain = sample(Hill(target), begin, near, steps, 5, tmp_path / "chain.npz", "one", lambda *_: None)
    later = chain.deviates[steps // 2 :]
    told = convergence(later)
    assert told.reached
    ranks = cumulative(later.reshape(-1, numbers))
    for number in range(numbers):
        for end, effective in ((0.05, told.tail), (0.5, told.bulk), (0.95, told.tail)):
            share = np.mean(ranks[:, number] < end)
            # Four standard errors of a share of so many effective draws.
            assert share == pytest.approx(end, abs=4.0 * np.sqrt(end * (1.0 - end) / effective[number]))


def test_a_good_sketch_gives_many_effective_draws_a_look(tmp_path):
    """Ten numbers, correlated and bent: a third of what was looked at counts, where leaps alone have a twentieth."""
    luck = np.random.default_rng(1)
    root = luck.normal(size=(10, 10)) / 3.0 + np.eye(10)

    def target(z):
        y = z @ root
        return -0.5 * np.sum(y**2, axis=1) - 0.05 * y[:, 0] ** 4 + 0.3 * np.sin(y[:, 1])

    begin = luck.normal(size=(24, 10))
    near = Around(np.zeros(10), np.linalg.inv(root @ root.T))
    chain = sample(Hill(target), begin, near, 160, 5, tmp_path / "chain.npz", "one", lambda *_: None)
    later = chain.deviates[80:]
    assert min(convergence(later).bulk) > 0.3 * 80 * 24


def test_moves_are_frozen_for_the_later_half_and_looks_of_the_first_alone_are_remembered(tmp_path):
    begin = np.random.default_rng(0).normal(size=(WALKERS, 3))
    near = Around(CENTRE, COVARIANCE)
    chain = sample(Hill(normal), begin, near, 160, 5, tmp_path / "chain.npz", "one", lambda *_: None)
    # Where walkers began, and a look a step.
    assert len(chain.looks) == len(chain.views) == WALKERS * (80 + 1)
    assert chain.views == pytest.approx(normal(chain.looks))

    def leads(done):
        so_far = Chain(chain.deviates[:done], chain.logs[:done], chain.looks, chain.views)
        sketch = _sketch(Hill(normal), so_far, _learnt(done, 160))
        rehearsed = _moves(near, so_far, 160, sketch)[0][0]
        return rehearsed.get_proposal(begin, np.random.RandomState(1))[0]

    assert np.array_equal(leads(80), leads(140))
    assert not np.array_equal(leads(40), leads(80))


def test_moves_are_learnt_for_the_last_time_at_half_of_the_steps(tmp_path):
    """Of 200 steps after 100, which no other chain learns after; of 90 after 40: moves change between writes alone."""
    assert [_learnt(done, 200) for done in (0, 20, 80, 100, 120, 200)] == [0, 20, 80, 100, 100, 100]
    assert [_learnt(done, 90) for done in (20, 40, 60, 80)] == [20, 40, 40, 40]


NUMBERS, STEPS = 14, 240


def told(done):
    """A chain of so many steps that knows a normal of many numbers, of unit width."""
    luck = np.random.default_rng(1)
    walked, places = luck.normal(size=(done, WALKERS, NUMBERS)), luck.normal(0.0, 1.2, (1500, NUMBERS))
    return Chain(walked, np.zeros((done, WALKERS)), places, np.sum(norm.logpdf(places), axis=1))


def rehearsed_from(place, done):
    """Where each kind of rehearsal leads from a place, the log-ratio of going back to going there, and its share."""
    begun = np.full((400, NUMBERS), place)
    chain = told(done)
    sketch = _sketch(Hill(norm.logpdf), chain, _learnt(done, STEPS))
    for move, share in _moves(Around(np.zeros(NUMBERS), np.eye(NUMBERS)), chain, STEPS, sketch)[:3]:
        yield *move.get_proposal(begun, np.random.RandomState(1)), share


def test_a_walker_far_out_where_the_sketch_is_too_low_is_led_back():
    """The sketch is a normal, exact but at one place 21 below its summit, where it is 7 too low.

    Steep rehearsals are accepted there once in hundreds, so that a walker would stay for most of a chain.
    """
    out = np.sqrt(2.0 * 21.0 / NUMBERS)
    led = [
        share * np.mean(np.minimum(1.0, np.exp(21.0 - 0.5 * np.sum(new**2, axis=1) - 7.0 + ratio)))
        for new, ratio, share in rehearsed_from(out, STEPS)
    ]
    # Once in fifty steps, a fifth of the half of 480 that counts; steep ones alone lead back once in 240.
    assert sum(led) > 1.0 / 50.0


def test_a_sketch_is_learnt_from_looks_farther_out_than_draws():
    """Draws of so many numbers lie half as deep below the summit as there are numbers; tails are looked at as well."""
    learnt, drawn_of = (
        [np.mean(np.sum(new**2, axis=1)) / NUMBERS for new, _, _ in rehearsed_from(0.5, done)]
        for done in (STEPS // 4, STEPS)
    )
    assert max(learnt) > 1.2 * max(drawn_of) > 1.2 * 1.5
