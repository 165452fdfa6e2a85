"""A fit proved on made-up laboratories: numbers recovered, ranks uniform, intervals that cover. ``make verify``."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import chi2

import fits
from otosome.fitting.free import Free
from otosome.fitting.likelihood import Likelihood, wide
from otosome.fitting.mode import mode
from otosome.fitting.observations import Observations
from otosome.fitting.posterior import Around, Hill, sample
from otosome.forward import Cochleae, Fate, endpoint, true_value
from otosome.roles import Reading

FREE = (
    "insults.noise.ohc",
    "insults.noise.irritation",
    "endpoints.abr_threshold.offset",
    "insults.noise.susceptibility.subjects",
)
ANIMAL = ("insults.noise.susceptibility",)
LABORATORIES, WALKERS, STEPS, BURN = 200, 12, 80, 40


@dataclass(frozen=True)
class Proof:
    """Of each laboratory and number (laboratory, number): the truth, draws' mean, and where the truth lies in them.

    ``rank``     share of the posterior's draws below the truth
    ``laplace``  the truth in standard deviations from the mode by Laplace's approximation; NaN where refused
    """

    truth: np.ndarray
    mean: np.ndarray
    rank: np.ndarray
    laplace: np.ndarray


def made_up(laboratories, first, animals=5):
    """Of each laboratory its numbers, drawn of the prior, and the likelihood of its readings."""
    study = fits.study()
    grid = fits.matched_grid(study, animals)
    names = tuple(f"m{n}" for n in range(2 * animals))
    like = Likelihood.of(Free.of(study, FREE), Observations((grid,), names, {}), ANIMAL)
    for number in range(first, first + laboratories):
        luck = np.random.default_rng(number)
        truth = luck.normal(size=len(FREE))
        yield truth, like.seeing(Observations((read(like, truth, grid, luck),), names, {}))


def proof(laboratories, folder):
    """What the fit says of each laboratory."""
    rows = [
        (truth, *said(own, folder / f"{number}.npz", number, truth))
        for number, (truth, own) in enumerate(made_up(laboratories, 1000))
    ]
    return Proof(*map(np.array, zip(*rows, strict=True)))


def read(like, truth, grid, luck):
    """Readings of animals that differ in susceptibility alone, and of ears in their offset."""
    study, count = like.free.study, len(like.observed.animals)
    columns = wide(like.free.columns(truth[None]), count)
    columns |= like.animal.columns(columns, luck.normal(size=(count, 1)))
    columns |= like.ears["abr"].columns(columns, luck.normal(size=(count, 1)))
    ears, measure = Cochleae(like.outlined, columns), study.tables.measure["abr"]
    true = [
        true_value(
            ears,
            measure,
            Fate(ears, arm).cells.at(like.outlined.at(like.times)),
            np.array(measure.tones),
            arm,
            like.times,
        )
        for arm in like.outlined.arms
    ]
    of = np.stack(true, axis=1)[grid.animal, grid.arm, grid.time, grid.tone]
    bound = endpoint(study, measure, {name: column[:1] for name, column in columns.items()})
    reading = bound.read(of[None, None], luck.uniform(size=of.size)[None, None])
    return replace(grid, reading=Reading(reading.value[0, 0], reading.censored[0, 0]))


def said(own, file, seed, truth):
    """The posterior's mean, the share of its draws below the truth, and the truth by Laplace's approximation."""
    summit = mode(own, len(FREE), 1, 1, lambda _: None)
    near = summit.spread if summit.covariance is None else summit.covariance
    begin = np.random.default_rng(seed).multivariate_normal(summit.deviates, near, WALKERS)
    around = Around(summit.deviates, near)
    chain = sample(Hill(own.log_posterior), begin, around, STEPS, seed, file, "proof", lambda *_: None)
    draws = chain.deviates[BURN:].reshape(-1, len(FREE))
    laplace = np.full(len(FREE), np.nan)
    if summit.covariance is not None:
        laplace = (truth - summit.deviates) / np.sqrt(np.diag(summit.covariance))
    return draws.mean(axis=0), np.mean(draws < truth, axis=0), laplace


def covered(done):
    """Share of 90 % intervals of the posterior, and of Laplace's where they are given, that hold the truth."""
    stated = np.isfinite(done.laplace)
    inside = (done.rank >= 0.05) & (done.rank <= 0.95)
    return float(inside.mean()), float(np.mean(np.abs(done.laplace[stated]) < 1.6449)), float(stated.mean())


def recovery(done):
    """By number: bias and root mean square error in standard deviations of the prior, and the correlation."""
    apart = done.mean - done.truth
    correlation = [np.corrcoef(done.truth[:, n], done.mean[:, n])[0, 1] for n in range(len(FREE))]
    return apart.mean(axis=0), np.sqrt(np.mean(apart**2, axis=0)), np.array(correlation)


def ranks(done, bins=10):
    """Of each number chi-squared of its ranks against uniform ones, on ``bins`` less one degrees of freedom."""
    expected = len(done.rank) / bins
    counts = [np.histogram(done.rank[:, n], bins, (0.0, 1.0))[0] for n in range(len(FREE))]
    return np.array([np.sum((count - expected) ** 2 / expected) for count in counts])


def scores(laboratories, width=0.1):
    """Of each laboratory the slope of the log-likelihood at its truth and its bend there, (laboratory, number)."""
    either_way = width * np.concatenate([np.zeros((1, len(FREE))), np.eye(len(FREE)), -np.eye(len(FREE))])
    heights = np.array(
        [own.terms(truth + either_way).sum(axis=1) for truth, own in made_up(laboratories, 5000)]
    )
    up, down = heights[:, 1:].reshape(-1, 2, len(FREE)).swapaxes(0, 1)
    return (up - down) / (2.0 * width), (2.0 * heights[:, :1] - up - down) / width**2


@pytest.mark.slow
def test_laboratories_are_of_the_model_that_is_fitted_to_them():
    """The slope of a log-likelihood at the truth is nothing on average, and varies by as much as it bends (Fisher).

    That needs no fit, so it sees a tenth of a standard error of one laboratory where a bias of posteriors does not.
    """
    slopes, bends = scores(600)
    for values in (slopes, slopes**2 - bends):
        assert np.all(np.abs(values.mean(axis=0)) < 4.0 * values.std(axis=0) / np.sqrt(len(values)))


@pytest.mark.slow
def test_known_numbers_come_back_from_two_hundred_laboratories(tmp_path):
    done = proof(LABORATORIES, tmp_path)
    bias, error, correlation = recovery(done)
    for row in zip(FREE, bias, error, correlation, strict=True):
        print("{}: bias {:+.2f}, error {:.2f} prior SD, correlation {:.2f}".format(*row))
    assert np.all(np.abs(bias) < 4.0 * error / np.sqrt(LABORATORIES))
    assert np.all(error < 1.0)
    # One in a thousand laboratories' worth of ranks is farther from uniform.
    assert np.all(ranks(done) < chi2.ppf(1.0 - 1e-3 / len(FREE), 9))
    posterior, laplace, stated = covered(done)
    print(f"covered: posterior {posterior:.3f}, Laplace {laplace:.3f} where stated ({stated:.2f} of all)")
    assert 0.87 <= posterior <= 0.93
    assert 0.85 <= laplace <= 0.95
