"""What papers print of groups, against laboratories that are made up of the model itself."""

import numpy as np
import pytest
import tomli_w
from pydantic import ValidationError
from scipy.stats import t as student

import fits
from otosome.errors import BadInput
from otosome.fitting.file import load_fit
from otosome.fitting.observations import Observations
from otosome.fitting.printed import PrintedComparison, PrintedMean
from otosome.jobs import FitInputs, fit

TRUE = np.array([0.8, -0.6])
TONES = ["11.3 kHz", "22.6 kHz"]
ANIMALS = 1500


@pytest.fixture(scope="module")
def study():
    return fits.study()


@pytest.fixture(scope="module")
def many(study):
    """Readings of 1,500 animals in each arm, shape (arm, animal, moment, tone), and the likelihood they are of."""
    own = fits.laboratory(study, TRUE, animals=ANIMALS)
    (readings,) = own.observed.readings
    return readings.reading.value.reshape(2, ANIMALS, 3, 2), own


def mean(**changes):
    values = {
        "measure": "abr",
        "group": "loud",
        "at": "14 d",
        "frequency": TONES,
        "n": 8,
        "unit": "dB SPL",
        "mean": [45.0, 60.0],
        "sd": [6.0, 7.5],
    }
    return {key: value for key, value in {**values, **changes}.items() if value is not None}


def comparison(**changes):
    values = {
        "measure": "abr",
        "of": "soft",
        "against": "loud",
        "at": "1 d",
        "frequency": TONES,
        "n": [6, 6],
        "p": ["< 0.05", "< 0.05"],
        "direction": ["lower", "lower"],
    }
    return {key: value for key, value in {**values, **changes}.items() if value is not None}


def printed(study, own, *stated):
    some = tuple(each.checked(study) for each in stated)
    return own.seeing(Observations((), (), {}, printed=some)), some


def test_what_a_group_reads_is_foretold_as_a_large_laboratory_reads_it(study, many):
    """Means and the covariance between tones, of readings on a 5 dB grid, over all that differs between animals."""
    values, own = many
    likelihood, (of,) = printed(study, own, PrintedMean.model_validate(mean()))
    centre, covariance = likelihood.group(TRUE[None], of.where)
    read = values[1, :, 2]
    # Four standard errors; of variances they are sqrt(2 / n), of a covariance no more.
    assert centre[0] == pytest.approx(read.mean(axis=0), abs=4.0 * read.std() / np.sqrt(ANIMALS))
    sampled = np.cov(read.T)
    assert covariance[0] == pytest.approx(sampled, abs=4.0 * np.sqrt(2.0 / ANIMALS) * sampled.max() + 1.0)
    assert covariance[0, 0, 1] > 0.1 * covariance[0, 0, 0], "tones of one animal go together"


def test_significance_at_both_tones_is_as_common_as_in_laboratories_of_six(study, many):
    values, own = many
    likelihood, (compared,) = printed(study, own, PrintedComparison.model_validate(comparison()))
    luck, rounds = np.random.default_rng(3), 40_000
    told = float(np.exp(likelihood.of_printed(TRUE[None], compared)[0]))
    moments = [likelihood.group(TRUE[None], where) for where in compared.places]
    normal = [luck.multivariate_normal(m[0], c[0], size=(rounds, 6)) for m, c in moments]
    assert told == pytest.approx(significant(*normal), rel=0.05)
    # Thresholds of animals are no normal numbers: they stand on a grid, end at a floor and are skewed.
    drawn = [values[arm, :, 1][luck.integers(ANIMALS, size=(rounds, 6))] for arm in (0, 1)]
    assert told == pytest.approx(significant(*drawn), abs=0.06)


def significant(one, other):
    """The share of laboratories, (laboratory, animal, tone), in which the first group is lower at all tones."""
    pooled = (one.var(axis=1, ddof=1) + other.var(axis=1, ddof=1)) / 2
    t = (one.mean(axis=1) - other.mean(axis=1)) / np.sqrt(np.maximum(pooled, 1e-9) / 3)
    return np.mean(np.all(t < -student.ppf(0.975, 10), axis=1))


def test_a_direction_says_less_than_significance_and_both_less_than_certainty(study, many):
    _, own = many
    stated = [
        comparison(p=None),
        comparison(),
        comparison(p=["> 0.05", "> 0.05"], direction=["not stated", "not stated"]),
        comparison(direction=["higher", "higher"]),
    ]
    likelihood, some = printed(study, own, *map(PrintedComparison.model_validate, stated))
    down, found, none, up = (np.exp(likelihood.of_printed(TRUE[None], each)[0]) for each in some)
    assert 1.0 > down > found > up
    assert none + found + up < 1.0 + 1e-9
    assert likelihood.terms(TRUE[None]).shape == (1, 4)
    assert likelihood.terms(TRUE[None])[0] == pytest.approx(np.log([down, found, none, up]))


def written(folder, **tables):
    (folder / "two.toml").write_text(tomli_w.dumps(fits.VALUES), encoding="utf-8")
    values = {"otosome": "fit/1", "study": "two.toml", "free": list(fits.FREE), "starts": 1, **tables}
    (folder / "fit.toml").write_text(tomli_w.dumps(values), encoding="utf-8")
    return folder / "fit.toml"


def test_numbers_are_recovered_from_printed_means_alone(many, tmp_path, monkeypatch):
    values, _ = many
    monkeypatch.chdir(tmp_path)
    means = [
        mean(
            group=group,
            at=at,
            n=60,
            mean=read.mean(axis=0).tolist(),
            sem=(read.std(axis=0, ddof=1) / np.sqrt(60)).tolist(),
            sd=None,
        )
        for arm, group in enumerate(("soft", "loud"))
        # Each day's animals are others, as a paper's printed means are taken to be.
        for read, at in ((values[arm, :60, 1], "1 d"), (values[arm, 60:120, 2], "14 d"))
    ]
    told = fit(FitInputs(fit=written(tmp_path, mean=means, comparison=[comparison()]))).fit
    assert (told.readings, told.animals) == (0, 0)
    for estimate, true in zip(told.estimates, TRUE, strict=True):
        assert estimate.light in ("green", "yellow")
        width = np.sqrt(1.0 - estimate.learnt)
        assert abs(estimate.deviate - true) < 3.5 * max(width, 0.1)
    assert len(told.printed) == 4 * 2 + 1
    assert max(abs(row.apart) for row in told.printed if row.apart is not None) < 4.0
    assert told.printed[-1].chance is not None
    assert "What papers print" in (tmp_path / "results" / "fit" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("tables", "key", "message"),
    [
        ({"mean": [mean(group="quiet")]}, "mean.1.group", "is no arm"),
        ({"mean": [mean(measure="dpoae")]}, "mean.1.measure", "is no measure"),
        ({"mean": [mean(at="3 d")]}, "mean.1.at", "not measured then"),
        ({"mean": [mean(frequency=["11.3 kHz", "8 kHz"])]}, "mean.1.frequency", "not measured there"),
        ({"mean": [mean(frequency=["11.3 kHz"] * 2)]}, "mean.1.frequency", "a tone twice"),
        ({"mean": [mean(mean=[40.0])]}, "mean.1.mean", "one value for each tone"),
        ({"mean": [mean(sem=[2.0, 2.0])]}, "mean.1.sd", "one of the two"),
        ({"mean": [mean(n=1)]}, "mean.1.n", "no spread"),
        ({"mean": [mean(sd=[0.0, 5.0])]}, "mean.1.sd", "above zero"),
        ({"mean": [mean(sd=[1.1, 5.0])]}, "mean.1.sd", "write it as sem"),
        ({"mean": [mean(unit="uV")]}, "mean.1.unit", "is no unit of abr"),
        ({"comparison": [comparison(n=[1, 8])]}, "comparison.1.n", "p < 0.05 cannot come of a t test"),
        ({"comparison": [comparison(p=["< 0.05", "about 0.1"])]}, "comparison.1.p", "is no p value"),
        ({"comparison": [comparison(p=["< 0.05", "< 1.5"])]}, "comparison.1.p", "is no p value"),
        ({"comparison": [comparison(against="soft")]}, "comparison.1.against", "compared with itself"),
        (
            {"comparison": [comparison(p=None, direction=["lower", "not stated"])]},
            "comparison.1.direction",
            "neither p nor a direction",
        ),
        ({}, "readings", "names nothing that was measured"),
    ],
)
def test_what_no_paper_can_print_is_refused(tmp_path, tables, key, message):
    with pytest.raises(BadInput, match=message) as refusal:
        load_fit(written(tmp_path, **tables))
    assert refusal.value.key == key


@pytest.mark.parametrize("n", [[], [6], [6, 6, 6]])
def test_a_comparison_has_the_animals_of_two_groups(n):
    with pytest.raises(ValidationError):
        PrintedComparison.model_validate(comparison(n=n))
    assert PrintedComparison.model_validate(comparison(n=[6, 7])).n == [6, 7]
