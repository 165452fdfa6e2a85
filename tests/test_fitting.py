"""A fit: its integrals and curvatures against exact ones, its sampler against known targets, its numbers recovered."""

import json
import shutil
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tomli_w
from scipy.optimize import minimize
from scipy.sparse import csr_array
from scipy.special import expit, log_expit
from scipy.stats import f as f_of
from scipy.stats import kstest, multivariate_normal, multivariate_t, norm

import fits
from otosome.catalog import get
from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.fitting.entry import _joint, numbers_hash, strain_of
from otosome.fitting.file import HoldOut, _parted, load_fit
from otosome.fitting.fit import problem_of
from otosome.fitting.free import Free
from otosome.fitting.levels import Level, animal_level, differing
from otosome.fitting.likelihood import Likelihood, summed
from otosome.fitting.lookup import Pairs, tabulated
from otosome.fitting.mode import _rounds, _scored, _search, laplace, mode
from otosome.fitting.observations import Observations, Readings
from otosome.fitting.posterior import Around, Hill, _near, bulk_ess, convergence, ess, rhat, sample, tail_ess
from otosome.fitting.score import group_score
from otosome.fitting.use import _notes
from otosome.forward import draw, simulate
from otosome.jobs import FitInputs, StudyInputs, check, fit, run, show
from otosome.roles import Reading
from otosome.study import Study, load

ERRORS = ("error", "error_between", "half_way", "half_width")


@pytest.fixture(scope="module")
def study():
    return fits.study()


def quiet(*_):
    pass


# ---------------------------------------------------------------- levels


def number(**changes):
    values = {
        "name": "endpoints.x.offset",
        "meaning": "",
        "value": 0.0,
        "unit": "dB",
        "low": 0.0,
        "high": 0.0,
        "shape": "fixed",
        "basis": "assumed",
        "given": "0 dB",
        "subjects": 3.0,
        "additive": True,
    }
    return Parameter(**{**values, **changes})


@pytest.mark.parametrize("readings", [1, 3, 15])
def test_an_ears_own_offset_is_integrated_as_the_normal_law_has_it(readings):
    """Readings that share a normal offset are jointly normal: their density is known exactly."""
    level, error = Level((number(),), np.eye(1), (7,)), 6.0
    values = np.random.default_rng(1).normal(4.0, 6.0, readings)
    nodes = level.columns({"endpoints.x.offset": np.zeros(7)}, level.deviates)["endpoints.x.offset"]
    logs = norm.logpdf(values[None, :], nodes[:, None], error).sum(axis=1)
    covariance = 9.0 * np.ones((readings, readings)) + error**2 * np.eye(readings)
    exact = multivariate_normal.logpdf(values, np.zeros(readings), covariance)
    assert level.integrated(logs[None, :, None])[0, 0] == pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("gathered", [0.0, 1.25])
def test_the_mean_over_a_level_is_that_of_a_log_normal_number(gathered):
    level = Level((number(additive=False, subjects=0.3),), np.eye(1), (9,), gathered=gathered)
    values = level.columns({"endpoints.x.offset": np.full(9, 2.0)}, level.deviates)["endpoints.x.offset"]
    assert level.mean(values[None])[0] == pytest.approx(2.0 * np.exp(0.3**2 / 2), rel=1e-3)


def test_a_level_without_numbers_integrates_nothing():
    logs = np.array([[[1.0, 2.0]]])
    assert Level().integrated(logs) == pytest.approx(logs[:, 0])


def test_what_differs_between_animals_is_all_that_the_shelves_say_does(study):
    names = {p.name for p in differing(study, None)}
    assert names >= {f"cells.{kind}.susceptibility" for kind in ("ohc", "ihc", "synapse", "sgn")}
    assert names >= {f"insults.noise.{key}" for key in ("susceptibility", "received", "upward")}
    assert not any(name.startswith("endpoints.") for name in names)
    with pytest.raises(BadInput, match="does not differ between subjects"):
        differing(study, ("insults.noise.ohc",))


def test_the_axes_are_those_along_which_readings_move_most():
    """Of readings that one direction of the numbers moves, that direction is the first axis, at length one."""
    numbers = tuple(number(name=f"endpoints.x.{key}") for key in "abc")
    slopes = np.outer([1.0, 2.0, 2.0, 4.0], [3.0, 0.0, 4.0]) + 1e-3 * np.outer([2, 0, 1, -1], [0.0, 1.0, 0.0])
    level = animal_level(numbers, slopes)
    assert level.axes[:, 0] == pytest.approx([0.6, 0.0, 0.8], abs=1e-3)
    assert level.axes.T @ level.axes == pytest.approx(np.eye(level.axes.shape[1]), abs=1e-12)
    assert level.share == pytest.approx(1.0, abs=1e-6)


def test_runs_share_what_differs_between_them_as_the_normal_law_has_it():
    """Units of one run, with a normal deviate of which a share is the run's: jointly normal, known exactly."""
    level, share, error = Level((number(),), np.eye(1), (13,)), 0.4, 1.5
    run = np.array([0, 0, 1, 0, 1])
    values = np.array([1.0, 2.5, -3.0, 0.0, 4.0])
    logs = norm.logpdf(values[None, :], 3.0 * level.deviates, error)[None]
    exact = np.zeros(5)
    for units in ([0, 1, 3], [2, 4]):
        before = 0.0
        for many, unit in enumerate(units, 1):
            covariance = 9.0 * (share * np.ones((many, many)) + (1.0 - share) * np.eye(many))
            own = values[units[:many]]
            so_far = multivariate_normal.logpdf(own, np.zeros(many), covariance + error**2 * np.eye(many))
            exact[unit], before = so_far - before, so_far
    assert level.integrated_by_run(logs, run, np.array([share]))[0] == pytest.approx(exact, abs=1e-3)
    alone = level.integrated_by_run(logs, np.arange(5), np.array([share]))
    assert alone[0] == pytest.approx(level.integrated(logs)[0], abs=1e-3)


def test_two_axes_are_integrated_as_the_normal_law_has_it():
    level = Level((number(), number()), np.eye(2), (9, 9))
    values, error = np.array([2.0, -1.0, 4.0]), 3.0
    loads = np.array([[3.0, 1.0], [2.0, -2.0], [1.0, 1.5]])
    logs = norm.logpdf(values, level.deviates @ loads.T, error).sum(axis=1)
    exact = multivariate_normal.logpdf(values, np.zeros(3), loads @ loads.T + error**2 * np.eye(3))
    assert level.integrated(logs[None, :, None])[0, 0] == pytest.approx(exact, abs=1e-3)


def test_an_animal_is_hardly_more_probable_than_at_some_node():
    """Next to an impossible node a spline of logarithms swings above all that is known; held cubics by one at most."""
    logs = np.full((1, 11, 1), -3.0)
    logs[0, [2, 4, 7]] = -1e4
    level = Level((number(),), np.eye(1), (11,), smooth=False)
    assert level.integrated(logs)[0, 0] <= -2.0
    assert replace(level, smooth=True).integrated(logs)[0, 0] > 100.0
    assert level._between(logs, 0.05).max() == pytest.approx(-2.0, abs=1e-9)


def test_log_likelihoods_between_nodes_are_cubics_but_in_the_outermost_gaps():
    level = Level((number(),), np.eye(1), (21,), smooth=False)
    x = level.deviates[:, 0]
    points = np.linspace(-4.0, 4.0, 161)
    inner = np.abs(points) <= 3.6

    def curve(z):
        return -3.0 * (z - 0.4) ** 2 - 0.1 * z**3

    between = level._between(curve(x)[None, :, None], 0.05)[0, :, 0]
    assert between[inner] == pytest.approx(curve(points[inner]), abs=1e-9)
    assert between[~inner] == pytest.approx(np.interp(points[~inner], x, curve(x)), abs=1e-9)


def test_log_likelihoods_that_bend_to_either_side_are_straight_between():
    level = Level((number(),), np.eye(1), (9,), smooth=False)
    logs = np.zeros((1, 9, 1))
    logs[0, 4:] = 1.0
    line = np.clip(np.linspace(-4.0, 4.0, 161) + 1.0, 0.0, 1.0)
    assert level._between(logs, 0.05)[0, :, 0] == pytest.approx(line, abs=1e-12)
    # One end bends four times as much as the other: it counts for three.
    logs = np.array([0.0, 0.0, 0.0, 0.0, -1.0, -6.0, -11.0, -16.0, -21.0])[None, :, None]
    half_way = level._between(logs, 0.05)[0, 70, 0]
    assert half_way == pytest.approx(-0.5 + (1.0 + 3.0) / 16.0)


@pytest.mark.parametrize("gathered", [0.0, 1.25])
def test_values_between_nodes_are_those_of_a_cubic_and_never_beyond_what_is_known(gathered):
    level = Level((number(), number()), np.eye(2), (5, 4), gathered=gathered)
    x, y = level.deviates.T
    fine_x, fine_y = level.fine().deviates.T
    cubic = level.between((x**3 + 2.0 * x * y + y**2)[None])[0]
    exact = fine_x**3 + 2.0 * fine_x * fine_y + fine_y**2
    known = (x**3 + 2.0 * x * y + y**2).min(), (x**3 + 2.0 * x * y + y**2).max()
    assert cubic == pytest.approx(np.clip(exact, *known), abs=1e-9)
    step = level.between((x > 0.0).astype(float)[None])[0]
    assert step.min() >= 0.0 and step.max() <= 1.0


def test_more_nodes_hardly_move_the_likelihood(study):
    own = fits.laboratory(study, [0.5, -0.5])
    near, far = (some.log_posterior(np.array([[0.5, -0.5]]))[0] for some in (own, own.denser()))
    assert near == pytest.approx(far, abs=0.2)


def test_nodes_gather_where_animals_are():
    """Half of what is normal lies within 0.67: there nodes are closer than even ones by what the sinh says."""
    places = Level((number(),), np.eye(1), (9,), gathered=1.25).deviates[:, 0]
    assert places[[0, 4, 8]] == pytest.approx([-4.0, 0.0, 4.0])
    assert places == pytest.approx(-places[::-1])
    assert places[5] == pytest.approx(4.0 * np.sinh(1.25 / 4.0) / np.sinh(1.25))


def test_the_floor_of_an_instrument_is_laid_on_between_nodes():
    """A kink that moves from node to node: between nodes true values are those simulated there."""
    measure = {**fits.VALUES["measure"]["abr"], "endpoint": "dpoae"}
    of = Study.of({**fits.VALUES, "measure": {"abr": measure}})
    blank = Observations((fits.matched_grid(of, 2),), ("m0", "m1", "m2", "m3"), {})
    own = Likelihood.of(Free.of(of, fits.FREE), blank)
    at = np.array([[0.0, 1.0]])
    (some,) = blank.readings
    fine = own.animal.fine()
    there = replace(own, animal=replace(own.animal, nodes=fine.nodes, gathered=0.0))
    exact = there._above_floor("abr", there._vectors(at), there.predicted(at)["abr"])
    where = own._at(some)
    exact = exact[:, :, :, where.arm, where.time, where.tone]
    between = own.true_values(at, some)
    floor = of.best_values["endpoints.dpoae.floor"].item()
    assert (between == floor).any() and (between > floor).any()
    assert between.min() == floor
    # Splines through floored values would swing by decibels beside the kink, and be off at the floor itself.
    apart = between - exact
    assert np.mean(apart[exact == floor] == 0.0) > 0.95
    chance = np.exp(-0.5 * np.sum(fine.deviates**2, axis=1))
    square = np.average(np.mean(apart**2, axis=(0, 2, 3)), weights=chance)
    floored = own.animal.between(own._above_floor("abr", own._vectors(at), own.predicted(at)["abr"]))
    worse = floored[:, :, :, where.arm, where.time, where.tone] - exact
    assert square < 0.3**2
    assert square < 0.8 * np.average(np.mean(worse**2, axis=(0, 2, 3)), weights=chance)


def test_a_vector_that_cannot_be_computed_is_impossible_and_leaves_the_others(study):
    own = fits.laboratory(study, [0.0, 0.0], animals=2)
    plain = own.log_posterior(np.zeros((1, 2)))[0]
    both = own.log_posterior(np.array([[np.nan, 0.0], [0.0, 0.0]]))
    assert both[0] < -1e11
    assert both[1] == pytest.approx(plain, abs=1e-9)
    assert own.log_posterior(np.array([[np.nan, 0.0]]))[0] < -1e11


def test_animals_without_susceptibility_are_independent_readings(study):
    """With no spread at all the log-likelihood is the plain sum of the endpoint's own."""
    own = fits.laboratory(study, [0.0, 0.0])
    bare = replace(own, animal=Level(), ears={"abr": Level()})
    (readings,) = own.observed.readings
    known = {key: study.best_values[f"endpoints.abr_threshold.{key}"].item() for key in ERRORS}
    true = bare.predicted(np.zeros((1, 2)))["abr"]
    truth = true[0, 0, 0, readings.arm, readings.time, readings.tone]
    # The lowest healthy threshold of mice is 11.8 dB SPL.
    bell = np.exp(-0.5 * ((truth - 11.8 - known["half_way"]) / known["half_width"]) ** 2)
    error = np.hypot(known["error"], known["error_between"] * bell)
    value, censored = readings.reading.value, readings.reading.censored
    low = np.where(censored < 0, -np.inf, np.where(censored > 0, value + 2.5, value - 2.5))
    high = np.where(censored > 0, np.inf, value + 2.5)
    exact = np.log(norm.cdf((high - truth) / error) - norm.cdf((low - truth) / error))
    by_animal = [exact[readings.animal == animal].sum() for animal in range(8)]
    assert bare.by_animal(np.zeros((1, 2)))[0] == pytest.approx(by_animal, abs=1e-6)


# ---------------------------------------------------------------- log-likelihoods looked up


def thresholds(lanes=2):
    """Thresholds whose error differs between lanes, and readings of all levels, one of them beyond the loudest."""
    columns = {
        p.name: np.full(lanes, p.value)
        for p in get("endpoints", "abr_threshold").parameters("mouse").values()
    }
    columns["endpoints.abr_threshold.error"] = np.linspace(3.0, 5.0, lanes)
    levels = np.append(np.arange(0.0, 91.0, 5.0), 90.0)
    censored = np.append(np.zeros(levels.size - 1), 1.0)
    return get("endpoints", "abr_threshold").bind(columns, "mouse"), Reading(
        levels[None, None], censored[None, None]
    )


def test_log_likelihoods_looked_up_are_those_of_the_endpoint():
    bound, readings = thresholds()
    luck = np.random.default_rng(2)
    true = luck.uniform(-5.0, 95.0, (2, 4000, 3))
    place, which = luck.integers(0, 3, 40), luck.integers(0, readings.value.size, 40)
    counts = csr_array(luck.integers(0, 3, (5, 40)).astype(float))
    table = tabulated(bound, readings, true, place.size, -1e4)
    each = Reading(readings.value[:, :, which], readings.censored[:, :, which])
    exact = summed(np.maximum(bound.log_likelihood(each, true[:, :, place]), -1e4), counts)
    assert table.sums(true, place, which, counts) == pytest.approx(exact, rel=2e-5, abs=2e-4)


def test_some_nodes_of_some_ears_are_looked_up_as_all_are():
    bound, readings = thresholds()
    luck = np.random.default_rng(2)
    true = luck.uniform(-5.0, 95.0, (2, 800, 5, 3))
    place, which = luck.integers(0, 3, 40), luck.integers(0, readings.value.size, 40)
    counts = csr_array(luck.integers(0, 3, (5, 40)).astype(float))
    table = tabulated(bound, readings, true.reshape(2, 4000, 3), place.size, -1e4)
    every = table.sums(true.reshape(2, 4000, 3), place, which, counts).reshape(2, 800, 5, 5)
    pairs = Pairs(np.array([0, 3, 4]), np.array([799, 7, 7]))
    some = table.sums_at(true, place, which, counts, pairs)
    assert some == pytest.approx(
        np.stack([every[:, n, :, e] for e, n in zip(pairs.ear, pairs.node, strict=True)], axis=1), rel=1e-12
    )


def test_what_is_quick_near_a_vector_is_the_likelihood_there(study):
    whole = fits.laboratory(study, np.array([0.5, -0.5]))
    at = np.array([0.3, -0.2])
    near = whole.around(at)
    beside = at + 0.2 * np.random.default_rng(1).normal(size=(6, 2))
    # Nodes left as they were hold e^-12 of an animal each.
    assert near.terms(at[None]) == pytest.approx(whole.terms(at[None]), abs=1e-9)
    assert near.terms(beside) == pytest.approx(whole.terms(beside), abs=5e-3)
    many = whole._fine.size * whole._distinct["abr"].of_ear.shape[0]
    assert near.near["abr"].pairs.ear.size < 0.7 * many


def test_a_curve_that_cubics_miss_and_a_few_true_values_are_not_tabulated():
    bound, readings = thresholds()
    true = np.random.default_rng(2).uniform(-5.0, 95.0, (2, 4000, 3))
    sharp = replace(bound, error=np.full((2, 1, 1), 0.05), error_between=np.zeros((2, 1, 1)))
    assert tabulated(sharp, readings, true, 40, -1e4) is None
    assert tabulated(bound, readings, true[:, :50], 40, -1e4) is None


# ---------------------------------------------------------------- mode and curvature


def hill(covariance, centre):
    inverse = np.linalg.inv(covariance)
    return lambda z: -0.5 * np.einsum("li,ij,lj->l", z - centre, inverse, z - centre)


@dataclass(frozen=True)
class Land:
    """A log-posterior that is one term and its prior, or the terms given."""

    log_posterior: object
    parts: object = None

    def terms(self, z):
        if self.parts is not None:
            return self.parts(z)
        return (self.log_posterior(z) + 0.5 * np.sum(z**2, axis=1))[:, None]

    def around(self, _):
        return self

    def coarser(self):
        return self


def summit_of(log_posterior, numbers, starts, seed):
    return mode(Land(log_posterior), numbers, starts, seed, quiet)


def test_the_summit_of_a_parabola_and_its_covariance_are_exact():
    covariance, centre = np.array([[0.5, 0.3], [0.3, 0.4]]), np.array([1.0, -2.0])
    done = summit_of(hill(covariance, centre), 2, 3, 1)
    assert done.deviates == pytest.approx(centre, abs=1e-3)
    assert done.covariance == pytest.approx(covariance, abs=1e-6)
    assert (done.agreeing, done.refusal) == (3, "")


def test_scoring_comes_near_the_summit_of_logistic_terms_in_few_looks():
    """Thirty answers to thirty questions of four numbers: the summit as scipy finds it from the exact slopes."""
    luck = np.random.default_rng(3)
    design = luck.normal(size=(30, 4))
    sign = np.where(luck.uniform(size=30) < expit(design @ [1.5, -1.0, 0.5, 2.0]), 1.0, -1.0)

    def terms(z):
        return log_expit(sign * (z @ design.T))

    place, looks = _scored(terms, np.zeros(4))
    exact = minimize(
        lambda z: 0.5 * z @ z - terms(z[None]).sum(),
        np.zeros(4),
        jac=lambda z: z - design.T @ (sign * expit(-sign * (design @ z))),
        options={"gtol": 1e-10},
    )
    assert looks <= 60
    height = terms(place[None]).sum() - 0.5 * place @ place
    # It ends where a step gains less than some; the rounds that follow gain the rest.
    assert height == pytest.approx(-exact.fun, abs=0.5)


def test_every_look_of_a_search_is_counted():
    """A ridge of two numbers, so that a search takes steps of both kinds; what is counted is what was asked."""
    asked = list[int]()

    def terms(z):
        asked.append(len(z))
        return np.stack([-((z[:, 0] - z[:, 1]) ** 2), -0.1 * (z[:, 0] - 3.0) ** 4], axis=1)

    def log_posterior(z):
        return terms(z).sum(axis=1) - 0.5 * np.sum(z**2, axis=1)

    land = Land(log_posterior, terms)
    done, _ = _search(land, land, np.array([-2.0, 2.0]))
    assert done.evaluations == sum(asked)
    # Both slopes are nought there: 2 (x - y) = y, and 2 (x - y) + x = 0.4 (3 - x)^3.
    x, y = done.ended
    # A search ends where a two-thousandth is left to gain, some sixteenth of a standard deviation.
    assert y == pytest.approx(2 * x / 3, abs=0.06)
    assert 0.4 * (3.0 - x) ** 3 == pytest.approx(5 * x / 3, abs=0.05)


def test_what_was_learnt_of_a_curvature_is_dropped_where_a_step_gains_nothing():
    """A bent valley: steps by the curvature of where a search was gain nothing where it is, and it would stay there."""

    def valley(z):
        return -0.5 * z[:, 0] ** 2 - 2.0 * (z[:, 1] - 0.3 * z[:, 0] ** 2) ** 2

    place, height, _ = _rounds(Land(valley), np.array([-2.0, 4.0]), np.eye(2))
    # Its summit is nought at nought; a search ends where a twentieth is left to gain, a third of a standard deviation.
    assert height > -0.05
    assert np.all(np.abs(place) < 0.35)


def test_starts_that_end_on_two_hills_do_not_agree():
    def two(z):
        return np.logaddexp(-8.0 * (z[:, 0] - 3.0) ** 2, -8.0 * (z[:, 0] + 3.0) ** 2 - 2.0)

    done = summit_of(two, 1, 8, 3)
    assert done.deviates == pytest.approx([3.0], abs=1e-3)
    assert 1 <= done.agreeing < 8


@pytest.mark.parametrize(
    ("log_posterior", "reason"),
    [
        (lambda z: z[:, 0] ** 2 - z[:, 1] ** 2, "not that of a summit"),
        (lambda z: -10.0 * np.abs(z[:, 0]) - z[:, 1] ** 2, "a kink lies at the summit"),
    ],
)
def test_no_interval_is_given_where_the_summit_is_no_parabola(log_posterior, reason):
    covariance, refusal = laplace(Land(log_posterior), np.zeros(2))
    assert covariance is None
    assert reason in refusal


def test_ripples_neither_lead_a_search_astray_nor_bend_an_interval():
    """Ripples of a hundredth and a half, two in a standard deviation: they bend three times as much as the hill."""
    root = np.linalg.cholesky(np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.2], [0.0, 0.2, 0.3]]) / 9.0)
    centre = np.array([0.5, -1.0, 2.0])

    def rippled(z):
        along = (z - centre) @ np.linalg.inv(root).T
        return -0.5 * np.sum(along**2, axis=1) + 0.015 * np.sum(np.sin(12.0 * along + 1.0), axis=1)

    done = summit_of(rippled, 3, 1, 1)
    # Ripples add and take a tenth in three directions at most: within half a standard deviation.
    assert np.linalg.norm(np.linalg.inv(root) @ (done.deviates - centre)) < 0.45
    assert done.refusal == ""
    # A second difference over a standard deviation is off by four times a hundredth and a half, 0.06, at most.
    own = np.linalg.inv(root) @ done.covariance @ np.linalg.inv(root).T
    assert np.diag(own) == pytest.approx(np.ones(3), abs=0.2)


def test_a_summit_at_the_end_of_the_search_gives_no_interval():
    _, refusal = laplace(Land(lambda z: -0.5 * (z[:, 0] - 6.0) ** 2), np.array([6.0]))
    assert "where nothing is believed" in refusal


# ---------------------------------------------------------------- draws


def autoregressive(rho, chains=4, draws=4000, seed=1):
    luck = np.random.default_rng(seed).normal(size=(chains, draws))
    values = np.empty_like(luck)
    values[:, 0] = luck[:, 0]
    for step in range(1, draws):
        values[:, step] = rho * values[:, step - 1] + np.sqrt(1 - rho**2) * luck[:, step]
    return values


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_effective_draws_of_a_chain_with_known_memory(rho):
    """Of an autoregressive chain N (1 - rho) / (1 + rho) draws count."""
    exact = 16_000 * (1 - rho) / (1 + rho)
    assert ess(autoregressive(rho)) == pytest.approx(exact, rel=0.15)
    assert bulk_ess(autoregressive(rho)) == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize(("chains", "draws"), [(1, 10), (4, 25), (3, 7)])
def test_draws_that_never_change_all_count(chains, draws):
    assert ess(np.full((chains, draws), 2.5)) == chains * draws


OWN = autoregressive(0.3)
# Of arviz 0.23.4: rank-normalised split R-hat, effective draws in the bulk and in the tails.
ARVIZ = {
    "independent": (autoregressive(0.0), 0.999825, 16445.5, 15475.8),
    "of some memory": (autoregressive(0.5), 0.999921, 5370.14, 9039.45),
    "of much memory": (autoregressive(0.9), 1.002134, 852.441, 2077.55),
    "one apart": (OWN + np.array([0.0, 0.0, 0.0, 1.0])[:, None], 1.101929, 24.5094, 80.8014),
    "one wider": (OWN * np.array([1.0, 1.0, 1.0, 3.0])[:, None], 1.140680, 8652.23, 33.1983),
    "walks": (np.cumsum(autoregressive(0.0), axis=1), 1.606938, 7.05024, 24.5209),
    "Cauchy": (np.tan(np.pi * (norm.cdf(autoregressive(0.5)) - 0.5)), 0.999919, 5370.14, 9039.45),
    "of odd length": (autoregressive(0.5, chains=3, draws=1001, seed=2), 1.005035, 1157.84, 1912.57),
}


@pytest.mark.parametrize("name", ARVIZ)
def test_diagnostics_are_those_of_arviz(name):
    """R-hat to rounding; effective draws to 1 %, as arviz adds one lag more of Geyer's sequence."""
    chains, hat, bulk, tail = ARVIZ[name]
    assert rhat(chains) == pytest.approx(hat, abs=1e-6)
    assert (bulk_ess(chains), tail_ess(chains)) == pytest.approx((bulk, tail), rel=0.01)


def test_chains_that_are_apart_or_of_other_widths_are_seen():
    own = autoregressive(0.3)
    assert rhat(own) < 1.005
    assert rhat(own + np.array([0.0, 0.0, 0.0, 1.0])[:, None]) > 1.1
    assert rhat(own * np.array([1.0, 1.0, 1.0, 3.0])[:, None]) > 1.1
    assert rhat(np.cumsum(autoregressive(0.0), axis=1)) > 1.1


TARGET = np.array([[1.0, 0.9], [0.9, 1.0]])


def walk(file, steps, tick=quiet, problem="one"):
    begin = np.random.default_rng(0).normal(size=(16, 2))
    near = Around(np.array([1.5, 0.5]), np.diag([2.0, 1.0]))
    return sample(Hill(hill(TARGET, np.array([2.0, 0.0]))), begin, near, steps, 5, file, problem, tick)


def test_draws_have_the_mean_and_covariance_of_their_target(tmp_path):
    steps = walk(tmp_path / "chain.npz", 800).deviates[400:]
    told = convergence(steps)
    assert told.reached
    draws = steps.reshape(-1, 2)
    # Four standard errors at 400 effective draws and more.
    assert draws.mean(axis=0) == pytest.approx([2.0, 0.0], abs=4.0 / np.sqrt(min(told.bulk)))
    assert np.cov(draws.T) == pytest.approx(TARGET, abs=0.2)


def test_leaps_near_the_posterior_need_few_steps_for_many_draws(tmp_path):
    """Where what they leap around is the posterior a tenth of all steps counts; of emcee's own moves a fiftieth."""
    begin = np.random.default_rng(0).multivariate_normal([2.0, 0.0], TARGET, 16)
    target = hill(TARGET, np.array([2.0, 0.0]))
    own = Around(np.array([2.0, 0.0]), TARGET)
    steps = sample(Hill(target), begin, own, 400, 5, tmp_path / "leaps.npz", "one", quiet).deviates
    assert min(convergence(steps).bulk) > 0.1 * 400 * 16


def test_leaps_leave_a_students_t_as_it_is():
    """Walkers drawn of the t that leaps go by are drawn of it still: the same squared distances, which are F."""
    near = Around(np.array([1.0, -2.0, 0.5]), np.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 0.5]]))
    t = multivariate_t(near.centre, near.scale, df=20)
    places = t.rvs(40_000, random_state=3)
    new, ratio = near.leap(places, np.random.RandomState(4))
    assert ratio == pytest.approx(t.logpdf(places) - t.logpdf(new), abs=1e-9)
    # Proposals of a kernel that is in balance with the t need no correction: moved, they are spread like it.
    was, far = (
        np.einsum("wi,ij,wj->w", z - near.centre, np.linalg.inv(near.scale), z - near.centre) / 3.0
        for z in (places, new)
    )
    assert kstest(far, f_of(3, 20).cdf).pvalue > 1e-3
    # Four standard errors: a leap keeps nothing of the place it comes from but its distance.
    assert abs(np.corrcoef(places[:, 0], new[:, 0])[0, 1]) < 0.02 < np.corrcoef(was, far)[0, 1]


def test_leaps_learn_the_width_of_the_posterior_and_then_no_more(tmp_path):
    """From a guess ten times too narrow and off; in the later half of the steps leaps go by one thing alone."""
    guess, steps = Around(np.array([3.0, 1.0]), 0.01 * np.eye(2)), 240
    begin = np.random.default_rng(0).multivariate_normal(guess.centre, guess.scale, 16)
    target = hill(TARGET, np.array([2.0, 0.0]))
    chain = sample(Hill(target), begin, guess, steps, 5, tmp_path / "chain.npz", "one", quiet).deviates
    near = _near(guess, chain, steps)
    assert near.centre == pytest.approx([2.0, 0.0], abs=0.15)
    assert near.scale == pytest.approx(1.3 * TARGET, abs=0.3)
    assert min(convergence(chain[steps // 2 :]).bulk) > 0.1 * 120 * 16
    assert all(
        np.array_equal(_near(guess, chain[:done], steps).scale, near.scale) for done in (120, 160, 240)
    )
    assert _near(guess, chain[:19], steps) is guess
    assert not np.array_equal(_near(guess, chain[:80], steps).scale, near.scale)


def test_a_chain_that_was_ended_goes_on_as_if_it_had_not_been(tmp_path):
    whole = walk(tmp_path / "whole.npz", 100)

    def end(done, of, hat):
        if done >= 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path / "ended.npz", 100, end)
    again = walk(tmp_path / "ended.npz", 100)
    assert np.array_equal(again.deviates, whole.deviates)
    assert np.array_equal(again.logs, whole.logs)


def test_who_watches_a_chain_is_shown_the_agreement_of_its_later_half(tmp_path):
    shown = []
    steps = walk(tmp_path / "chain.npz", 120, lambda *progress: shown.append(progress)).deviates
    assert shown[0] == (0, 120, None)
    done, of, hat = shown[-1]
    assert (done, of) == (120, 120)
    assert hat == max(convergence(steps[60:]).rhat)


@pytest.mark.parametrize(
    ("method", "converged", "said"),
    [
        ("posterior", True, ["whole range"]),
        ("posterior", False, ["had not converged", "whole range"]),
        ("laplace", True, ["Laplace's", "whole range"]),
        ("laplace", False, ["Laplace's", "whole range"]),
    ],
)
def test_who_uses_a_fit_is_told_of_draws_that_had_not_converged_and_of_laplaces_intervals(
    method, converged, said
):
    fit = SimpleNamespace(method=method, converged=converged, data_hash="0a1b")
    first, *more = _notes(fit, ["a", "b"])
    assert "0a1b" in first and first.endswith("a, b.")
    assert len(more) == len(said) and all(words in note for words, note in zip(said, more, strict=True))


def test_a_short_chain_is_not_called_converged(tmp_path):
    assert not convergence(walk(tmp_path / "short.npz", 40).deviates).reached


def test_the_chain_of_another_fit_or_no_chain_is_refused(tmp_path):
    walk(tmp_path / "chain.npz", 20)
    with pytest.raises(BadInput, match="is of another fit"):
        walk(tmp_path / "chain.npz", 40, problem="other")
    (tmp_path / "none.npz").write_bytes(b"PK\x03\x04 no chain")
    with pytest.raises(BadInput, match="is not a chain"):
        walk(tmp_path / "none.npz", 40)


# ---------------------------------------------------------------- free numbers, and a posterior as a prior


@pytest.mark.parametrize(
    ("shape", "low", "value", "high"),
    [
        ("normal", -1.0, 0.0, 3.0),
        ("lognormal", 0.5, 1.0, 9.0),
        ("uniform", 0.0, 1.0, 3.0),
        ("loguniform", 0.1, 1.0, 3.0),
    ],
)
def test_a_deviate_is_the_inverse_of_the_quantile(shape, low, value, high):
    p = number(shape=shape, low=low, value=value, high=high)
    deviates = np.array([-2.0, -0.5, 0.0, 1.0, 2.5])
    assert p.deviate(p.quantile(norm.cdf(deviates))) == pytest.approx(deviates, abs=1e-9)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["insults.noise.ohcs"], "is no number of the study.*insults.noise.ohc"),
        (["insults.noise.ohc", "insults.noise.ohc"], "is named twice"),
        (["endpoints.abr_threshold.grid"], "leaves no room"),
    ],
)
def test_numbers_that_cannot_be_free_are_refused(study, names, message):
    with pytest.raises(BadInput, match=message):
        Free.of(study, names)


def test_worlds_take_a_posteriors_draws_and_all_else_stays(study):
    own = draw(study, 40, seed=3)
    values = np.array([0.4, 0.5, 0.6])
    prior = Ears.alone({"insults.noise.ohc": values, "cells.ohc.susceptibility": np.array([1.1, 1.2, 1.3])})
    told = draw(study, 40, seed=3, prior=prior)
    assert np.array_equal(told["insults.noise.ohc"], values[own.world % 3])
    # What differs between animals comes on top as it was drawn.
    p = study.parameters["cells.ohc.susceptibility"]
    apart = own["cells.ohc.susceptibility"] / p.at(3, own.world)
    assert told["cells.ohc.susceptibility"] == pytest.approx(np.array([1.1, 1.2, 1.3])[own.world % 3] * apart)
    followers = {p.name for p in study.parameters.values() if {n for n, _ in p.linked} & prior.keys()}
    changed = {name for name in own if not np.array_equal(own[name], told[name])}
    assert changed == {"insults.noise.ohc", "cells.ohc.susceptibility"} | followers


def test_a_posterior_as_wide_as_the_prior_changes_no_distribution(study):
    """Draws of the shelf itself as a prior: every number keeps its spread, linked ones their correlation."""
    names = [n for n, p in study.parameters.items() if n.startswith("insults.noise.") and p.shape != "fixed"]
    plain = draw(study, 4000, seed=1, world=1)
    prior = Ears.alone({n: plain[n] for n in names})
    again = draw(study, 4000, seed=2, world=1, prior=prior)
    deviates = {
        n: p for n, p in study.parameters.items() if p.shape != "fixed" and not p.subjects and not p.lots
    }
    for name, p in deviates.items():
        assert np.std(p.deviate(again[name])) == pytest.approx(1.0, abs=0.06), name
    linked = study.parameters["insults.noise.irritation_doubling"]
    other = max((n for n, _ in linked.linked if n in names), key=lambda n: abs(dict(linked.linked)[n]))
    assert dict(linked.linked)[other] > 0.3
    pair = [
        np.corrcoef(linked.deviate(e[linked.name]), study.parameters[other].deviate(e[other]))[0, 1]
        for e in (plain, again)
    ]
    assert pair[1] == pytest.approx(pair[0], abs=0.06)


def test_draws_of_other_numbers_are_no_prior(study):
    with pytest.raises(BadInput, match="holds none of the numbers"):
        draw(study, 10, prior=Ears.alone({"a.b.c": np.ones(3)}))


def unread(arms):
    """The study of two noises with a third that nobody read, before or behind them, and a laboratory of the two."""
    third = {"name": "louder", "insults": ["louder"]}
    order = [third, *fits.VALUES["arm"]] if arms == "before" else [*fits.VALUES["arm"], third]
    louder = {**fits.VALUES["insult"]["loud"], "level": "108 dB SPL"}
    values = {**fits.VALUES, "insult": {**fits.VALUES["insult"], "louder": louder}, "arm": order}
    more = Study.of(values)
    (some,) = fits.laboratory(fits.study(), [0.5, -0.5], animals=2).observed.readings
    moved = replace(some, arm=some.arm + 1) if arms == "before" else some
    return more, Observations((moved,), tuple("abcd"), {})


@pytest.mark.parametrize("arms", ["before", "behind"])
def test_an_arm_that_nobody_read_is_not_simulated_and_moves_no_likelihood(arms):
    more, observed = unread(arms)
    own = Likelihood.of(Free.of(more, fits.FREE), observed)
    assert own.unlike == ([1, 2] if arms == "before" else [0, 1])
    every = replace(own, arms=frozenset(range(3)))
    assert every.unlike == [0, 1, 2]
    at = np.array([[0.3, -0.2], [1.0, 0.5]])
    # Readings are looked up in a table over what is true in any arm, which costs a millionth.
    np.testing.assert_allclose(own.log_posterior(at), every.log_posterior(at), atol=1e-4)
    # What is left out of a fit is foretold by it, so its arms are simulated.
    behind = replace(
        observed.readings[0], arm=np.full(observed.readings[0].size, 0 if arms == "before" else 2)
    )
    left = replace(observed, readings=(behind,))
    assert Likelihood.of(Free.of(more, fits.FREE), observed, left=left).unlike == [0, 1, 2]


def test_some_arms_are_simulated_as_all_are():
    more, _ = unread("before")
    ears = draw(more, 4, seed=1)
    some, every = simulate(more, ears, keep=(), arms=["loud"]), simulate(more, ears, keep=())
    assert some["arm"].values.tolist() == ["loud"]
    np.testing.assert_allclose(some["abr"].sel(arm="loud"), every["abr"].sel(arm="loud"), atol=0.1)


# ---------------------------------------------------------------- a fit from file to file


def written(folder, of, observed, **changes):
    """A study, a table and a fit file in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "two.toml").write_text(tomli_w.dumps(fits.VALUES), encoding="utf-8")
    fits.table(of, observed).to_parquet(folder / "readings.parquet")
    values = {
        "otosome": "fit/1",
        "study": "two.toml",
        "readings": "readings.parquet",
        "free": list(fits.FREE),
        "starts": 1,
        **changes,
    }
    (folder / "fit.toml").write_text(tomli_w.dumps(values), encoding="utf-8")
    return folder / "fit.toml"


TRUE = np.array([0.8, -0.6])


@pytest.fixture(scope="module")
def stored(tmp_path_factory, study):
    folder = tmp_path_factory.mktemp("fit")
    file = written(folder, study, fits.laboratory(study, TRUE, animals=8).observed, hold_out={"every": 4})
    return fit(FitInputs(fit=file, out=folder / "result"))


def test_known_numbers_are_recovered(stored, study):
    assert stored.fit.method == "laplace"
    assert (stored.fit.animals, stored.fit.readings) == (12, 72)
    for estimate, deviate in zip(stored.fit.estimates, TRUE, strict=True):
        exact = float(study.parameters[estimate.name].quantile(norm.cdf(deviate)))
        p = study.parameters[estimate.name]
        ends = [float(p.deviate(np.array(end))) for end in (estimate.low, estimate.high)]
        spread = (ends[1] - ends[0]) / (2 * 1.645)
        # Three standard deviations: one laboratory of four hundred is farther off.
        assert abs(float(p.deviate(np.array(exact))) - np.mean(ends)) < 3 * spread
        assert spread < 0.7


def test_a_fit_brings_the_bands_to_the_readings_and_foretells_what_it_did_not_see(stored):
    before, after = stored.fit.prior_fit.totals[0], stored.fit.fit.totals[0]
    assert after.log_score > before.log_score
    assert after.crps < before.crps
    assert stored.fit.held_out.foretold.totals[0].readings == 24
    assert stored.fit.held_out.foretold.totals[0].inside.exact[2] > 0.85
    assert stored.fit.held_out.rival[0].readings > 0


def test_a_result_is_read_back_shown_and_checked(stored):
    assert show(stored.folder).fit == stored.fit
    assert check([stored.folder]).rows[0].stands
    page = stored.report.read_text(encoding="utf-8")
    assert all(estimate.name in page for estimate in stored.fit.estimates)
    assert stored.fit.data_hash in page
    assert "mathdefault" not in page
    rows = pd.read_csv(stored.folder / "estimates.csv")
    assert rows["name"].tolist() == list(fits.FREE)


def test_a_run_uses_the_fit_and_its_sources_say_so(stored, tmp_path):
    done = run(
        StudyInputs(
            study=str(stored.folder.parent / "two.toml"), subjects=20, fit=stored.folder, out=tmp_path / "run"
        )
    )
    rows = {row["parameter"]: row for row in json.loads(done.data.attrs["sources"])}
    for name in fits.FREE:
        assert rows[name]["basis"] == "computed"
        assert stored.fit.data_hash in rows[name]["because"]
    drawn = Ears.read(tmp_path / "run" / "ears.parquet")["insults.noise.ohc"]
    assert set(drawn) <= set(Ears.read(stored.folder / "ears.parquet")["insults.noise.ohc"])
    assert any(path.endswith("answer.json") for path in done.record.inputs)


def test_a_fit_is_a_strain_whose_draws_are_its_own(stored, tmp_path, study):
    """A shelf of one's own, the folder beside a fit gives ears with its medians, ranges and correlation."""
    (entry,) = (stored.folder / "entry" / "strains").iterdir()
    of = Study.of({**fits.VALUES, "strain": entry.stem}, shelves=(stored.folder / "entry",))
    assert of.parameters["insults.noise.ohc"].fit == entry.stem
    ours, theirs = Ears.read(stored.folder / "ears.parquet"), draw(of, 4000, seed=1, world=1)
    own = [study.parameters[name] for name in fits.FREE]
    pairs = [np.array([p.deviate(ears[p.name]) for p in own]) for ears in (ours, theirs)]
    # Four standard errors of 400 draws, in deviates of the prior.
    errors = 4.0 * pairs[0].std(axis=1) / np.sqrt(400)
    assert np.all(np.abs(pairs[0].mean(axis=1) - pairs[1].mean(axis=1)) < errors)
    assert pairs[1].std(axis=1) == pytest.approx(pairs[0].std(axis=1), rel=0.15)
    assert np.corrcoef(*pairs[1])[0, 1] == pytest.approx(np.corrcoef(*pairs[0])[0, 1], abs=0.15)
    assert stored.fit.data_hash in of.parameters["insults.noise.ohc"].because
    assert f"over numbers {numbers_hash(study)}" in of.parameters["insults.noise.ohc"].because
    # With one number another all are.
    assert numbers_hash(of) != numbers_hash(study) == numbers_hash(Study.of(fits.VALUES))


def test_a_study_with_such_a_strain_beside_it_takes_the_draws_into_its_result(stored, tmp_path):
    """So that the result is run again by itself, with the same links."""
    shutil.copytree(stored.folder / "entry", tmp_path / "shelves")
    (entry,) = (tmp_path / "shelves" / "strains").iterdir()
    (tmp_path / "study.toml").write_text(
        tomli_w.dumps({**fits.VALUES, "strain": entry.stem}), encoding="utf-8"
    )
    run(StudyInputs(study=str(tmp_path / "study.toml"), subjects=10, out=tmp_path / "result"))
    copied = tmp_path / "result" / "shelves" / "fits" / f"{entry.stem}.csv"
    assert copied.read_bytes() == (tmp_path / "shelves" / "fits" / copied.name).read_bytes()
    again = load(str(tmp_path / "result" / "study.toml")).parameters["insults.noise.irritation"]
    assert again.fit == entry.stem
    assert dict(again.linked) == dict(load(str(tmp_path / "study.toml")).parameters[again.name].linked)


def test_a_number_of_a_study_that_names_a_fit_states_its_shares(study):
    row = {"value": "2 1/h", "basis": "assumed", "because": "A test.", "fit": "mine"}
    wrong = {**fits.VALUES, "numbers": {"insults.noise.ohc": row}}
    with pytest.raises(BadInput, match="is of a fit whose shares are missing"):
        _ = Study.of(wrong).parameters
    of = Study.of({**fits.VALUES, "numbers": {"insults.noise.ohc": {**row, "linked": {}}}})
    assert of.parameters["insults.noise.ohc"].fit == "mine"


def test_few_draws_of_a_fit_are_stored_as_they_are():
    """Whatever is taken out of them, middle, spread and luck, is put back."""
    luck = np.random.default_rng(8)
    draws = Ears.alone({"a.b.c": np.exp(luck.normal(size=40)), "a.b.d": luck.normal(size=40) ** 3})
    stored_draws = _joint("of a test", {"a.b.c": "ratio", "a.b.d": "plain"}, draws).draws
    assert stored_draws == pytest.approx(np.transpose([draws["a.b.c"], draws["a.b.d"]]), rel=1e-9)


def test_an_entry_says_where_its_readings_come_from_and_that_draws_had_not_converged(stored, study):
    short = replace(stored.fit, converged=False, method="posterior")
    draws = Ears.read(stored.folder / "ears.parquet")
    entry, joint = strain_of(study, short, draws, "cba_jrj_2021", "Mice of our own", "mine")
    rows = entry["numbers"]
    assert entry["about"] == "Mice of our own"
    assert {row["source"] for row in rows.values()} == {"cba_jrj_2021"}
    assert all("(posterior, not converged)" in row["because"] for row in rows.values())
    assert {row["fit"] for row in rows.values()} == {"mine"}
    assert "fit: mine; Fitted (posterior, not converged)" in joint.origin
    assert list(joint.free) == list(rows)


def test_a_number_whose_spread_alone_was_fitted_keeps_its_links_and_needs_no_draws_of_another_fit(stored):
    row = {"value": "2 1/h", "low": "1 1/h", "high": "4 1/h", "basis": "assumed", "because": "A test."}
    linked = {"insults.noise.irritation": 0.5}
    of = Study.of(
        {**fits.VALUES, "numbers": {"insults.noise.ohc": {**row, "fit": "theirs", "linked": linked}}}
    )
    draws = Ears.read(stored.folder / "ears.parquet")
    spread = replace(draws, numbers={"insults.noise.ohc.subjects": np.full(draws.ear.size, 0.3)})
    entry, joint = strain_of(of, stored.fit, spread, "own_fit", "Mice of our own", "mine")
    stated = entry["numbers"]["insults.noise.ohc"]
    assert joint is None
    assert (stated["linked"], stated["subjects"]) == (linked, 0.3)
    assert "fit" not in stated


def test_a_row_of_a_strain_that_links_by_lists_is_refused_with_its_number_and_the_form(tmp_path):
    (tmp_path / "strains").mkdir()
    row = 'value = "2 1/h"\nbasis = "assumed"\nbecause = "A test."\n'
    text = f'about = "Ours."\nspecies = "mouse"\n[numbers."insults.noise.ohc"]\n{row}'
    old = 'linked = [["insults.noise.irritation", 0.5]]\n'
    (tmp_path / "strains" / "ours.toml").write_text(text + old, encoding="utf-8")
    with pytest.raises(
        BadInput, match=r"ours.toml: numbers.insults.noise.ohc.linked: .*\{ \"insults.noise.ihc\" ="
    ):
        _ = Study.of({**fits.VALUES, "strain": "ours"}, shelves=(tmp_path,)).parameters


def test_a_fit_of_other_numbers_is_refused(stored, tmp_path):
    with pytest.raises(BadInput, match="fitted no number that this study rests on"):
        run(StudyInputs(study="cisplatin_guinea_pig", subjects=10, fit=stored.folder, out=tmp_path / "run"))


@pytest.mark.parametrize(
    ("changes", "table", "message"),
    [
        ({"free": ["insults.noise.x"]}, {}, "is no number of the study"),
        ({"frees": []}, {}, "frees: is not a key here.*hold_out"),
        ({"readings": "../readings.parquet"}, {}, "lies outside the folder"),
        ({"study": "other.toml"}, {}, "there is no study file"),
        ({"hold_out": {"measures": ["abrs"]}}, {}, "is no measure of the study"),
        ({"hold_out": {"measures": ["abr"]}}, {}, "leaves no reading to fit"),
        (
            {"entry": {"about": "Ours", "source": "nowhere"}},
            {},
            "fit.toml.*entry.source.*no source 'nowhere'",
        ),
        ({}, {"value": 40.0}, "a constant column"),
        ({}, {"subject": "m1"}, "has one animal"),
        ({}, {"group": "other"}, "holds no reading of what the study measures"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_its_place(tmp_path, study, changes, table, message):
    observed = fits.laboratory(study, TRUE, animals=2).observed
    file = written(tmp_path / "lab", study, observed, **changes)
    fits.table(study, observed).assign(**table).to_parquet(tmp_path / "lab" / "readings.parquet")
    with pytest.raises(BadInput, match=message):
        Free.of(load_fit(file).study, load_fit(file).tables.free)


def test_animals_of_a_measure_left_out_do_not_move_which_others_are(study):
    """Four animals that were only counted come before eight that were heard: of the eight the first and the fifth."""

    def readings(measure, animals):
        none = np.zeros(len(animals), dtype=np.intp)
        of = np.array(animals, dtype=np.intp)
        return Readings(measure, none, none, none, of, of, Reading(none + 40.0, none * 1.0), none + 1)

    heard, counted = readings("abr", range(4, 12)), readings("ohc", range(4))
    observed = Observations((heard, counted), tuple(f"m{n}" for n in range(12)), {})
    fitted, left = _parted(observed, HoldOut(every=4, measures=["ohc"]))
    assert [some.animal.tolist() for some in fitted.readings] == [[5, 6, 7, 9, 10, 11]]
    assert {some.measure: some.animal.tolist() for some in left.readings} == {
        "ohc": [0, 1, 2, 3],
        "abr": [4, 8],
    }


def test_a_fit_with_more_steps_is_the_same_problem_and_one_of_another_seed_is_not(tmp_path, study):
    """So that a chain goes on when its fit file asks for more steps."""
    observed = fits.laboratory(study, TRUE).observed

    def problem(seed, **sampling):
        return problem_of(load_fit(written(tmp_path / "lab", study, observed, seed=seed, posterior=sampling)))

    first = problem(1, steps=40)
    assert problem(1, steps=60) == first
    assert problem(2, steps=40) != first
    assert problem(1, steps=40, walkers=30) != first


def test_there_is_nothing_to_resume_where_nothing_was_begun(tmp_path, study):
    file = written(tmp_path / "lab", study, fits.laboratory(study, TRUE, animals=2).observed)
    with pytest.raises(BadInput, match="holds no walkers"):
        fit(FitInputs(fit=file, resume=True, out=tmp_path / "result"))


def test_spreads_of_a_posterior_take_the_place_of_the_shelfs(study):
    """A world whose draw has twice the spread differs between its animals by twice as much, to the bit."""
    name = "insults.noise.susceptibility"
    p = study.parameters[name]
    own = draw(study, 40, seed=3)
    prior = Ears.alone({f"{name}.subjects": np.array([2.0 * p.subjects, 0.0])})
    again = draw(study, 40, seed=3, prior=prior)
    apart = np.log(own[name] / p.at(3, own.world))
    assert np.log(again[name] / p.at(3, own.world)) == pytest.approx(
        np.where(own.world % 2 == 0, 2.0, 0.0) * apart, abs=1e-12
    )
    assert all(np.array_equal(own[n], again[n]) for n in own if n != name)


def test_animals_of_one_run_are_read_from_a_table(tmp_path, study):
    observed = fits.laboratory(study, TRUE, animals=2).observed
    file = written(tmp_path / "lab", study, observed, runs="runs.csv")
    runs = tmp_path / "lab" / "runs.csv"
    runs.write_text("subject,run\nm0,a\nm2,a\nm1,b\n", encoding="utf-8")
    some = load_fit(file)
    assert some.fitted.run[0] == some.fitted.run[2]
    assert len(set(some.fitted.run.tolist())) == 3
    assert str(runs.resolve()) in some.inputs
    runs.write_text("subject,run\nm0,a\nm0,b\n", encoding="utf-8")
    with pytest.raises(BadInput, match="row 2, subject: is in two runs"):
        load_fit(file)
    runs.write_text("subject,run\nx,a\n", encoding="utf-8")
    with pytest.raises(BadInput, match="names no animal of the readings"):
        load_fit(file)
    runs.write_text("subject,day\nm0,a\n", encoding="utf-8")
    with pytest.raises(BadInput, match="holds no such column"):
        load_fit(file)


def test_vectors_computed_together_are_those_computed_alone(study):
    """Threads and blocks change no bit."""
    own = fits.laboratory(study, [0.3, 0.1], animals=2)
    vectors = np.random.default_rng(1).normal(size=(9, 2))
    alone = np.concatenate([own.log_posterior(vector[None]) for vector in vectors])
    assert np.array_equal(own.log_posterior(vectors), alone)


def test_a_fit_with_a_free_spread_goes_from_file_to_file(tmp_path, study):
    spread = "insults.noise.susceptibility.subjects"
    observed = fits.laboratory(study, TRUE, animals=4).observed
    file = written(tmp_path / "lab", study, observed, free=[fits.FREE[0], spread])
    done = fit(FitInputs(fit=file, out=tmp_path / "lab" / "result")).fit
    assert [estimate.name for estimate in done.estimates] == [fits.FREE[0], spread]
    assert done.fit.totals[0].log_score > done.prior_fit.totals[0].log_score


def test_the_part_of_the_spread_between_runs_is_that_of_readings_of_one_run():
    """Correlation of two subjects of one run: none, half, all; whatever the scale, and by the axes of each number."""

    def part(axes=((1.0,),), **spreads):
        numbers = tuple(number(name=f"endpoints.x.{key}", **spreads) for key in "ab"[: len(axes)])
        level = Level(numbers, np.array(axes), (7,))
        return float(level.between_runs({})[0])

    assert part(runs=0.0, subjects=3.0) == 0.0
    assert part(runs=3.0, subjects=0.0) == pytest.approx(1.0)
    assert part(runs=3.0, subjects=3.0) == pytest.approx(0.5)
    assert part(runs=40.0, subjects=30.0) == part(runs=4.0, subjects=3.0) == pytest.approx(0.64)
    assert part(((0.6,), (0.8,)), runs=4.0, subjects=3.0) == pytest.approx(0.64)
    random = np.random.default_rng(2)
    run = 4.0 * random.normal(size=100_000)
    one, other = (run + 3.0 * random.normal(size=run.size) for _ in range(2))
    assert part(runs=4.0, subjects=3.0) == pytest.approx(np.corrcoef(one, other)[0, 1], abs=0.01)


def test_the_rival_of_a_prediction_is_the_normal_law_of_a_group_of_three_or_more_that_differ(study):
    """Readings left out under mean and deviation of the fitted animals of their arm, moment and tone."""

    def readings(rows):
        arm, time, tone, value = (np.array(column) for column in zip(*rows, strict=True))
        each = np.arange(arm.size)
        reading = Reading(value.astype(float), np.zeros(arm.size))
        return Readings("abr", arm, time, tone, each, each, reading, each + 1)

    group = [31.2, 31.5, 31.9, 31.4]
    fitted = readings(
        [(0, 1, 0, v) for v in group]
        + [(1, 1, 0, v) for v in (40.0, 60.0)]  # two are too few
        + [(0, 2, 0, 50.0)] * 3  # and alike they tell no spread
        + [(0, 1, 1, v) for v in (20.0, 30.0, 40.0)]
    )
    left = readings([(0, 1, 0, 30.7), (1, 1, 0, 50.0), (0, 2, 0, 50.0), (0, 1, 1, 35.0), (1, 2, 1, 9.0)])
    (score,) = group_score(study, Observations((fitted,), (), {}), Observations((left,), (), {}))
    laws = [(30.7, norm(np.mean(group), np.std(group, ddof=1))), (35.0, norm(30.0, 10.0))]
    # Thresholds are read in steps of 5 dB: a reading is a truth within half of one.
    exact = [np.log(law.cdf(value + 2.5) - law.cdf(value - 2.5)) for value, law in laws]
    assert (score.measure, score.readings) == ("abr", 2)
    assert score.log_score == pytest.approx(np.mean(exact), rel=1e-6)
