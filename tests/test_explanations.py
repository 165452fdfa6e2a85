"""Mechanisms compared by how well each animal is foretold from the others."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from otosome.ears import Ears
from otosome.errors import BadInput
from otosome.fitting.explanations import _against, _weights, explanations, left_out, sentences
from otosome.fitting.file import load_fit
from otosome.fitting.observations import matched
from otosome.forward import draw, observe, simulate
from otosome.study import Study

NOISE = {
    "entry": "noise",
    "level": "103 dB SPL",
    "band": ["8 kHz", "16 kHz"],
    "duration": "2 h",
    "at": ["0 h"],
}
VALUES = {
    "otosome": "study/1",
    "title": "Vesicles before noise",
    "species": "mouse",
    "insult": {"noise": NOISE},
    "treatment": {
        "vesicles": {
            "batch": "example_lot",
            "route": "round_window",
            "volume": "2 uL",
            "at": ["-1 d"],
            "potency": 30.0,
        }
    },
    "arm": [
        {"name": "vehicle", "insults": ["noise"]},
        {"name": "vesicles", "insults": ["noise"], "treatments": ["vesicles"]},
    ],
    "measure": {
        "abr": {"endpoint": "abr_threshold", "frequency": ["11.3 kHz", "22.6 kHz"], "at": ["1 d", "14 d"]}
    },
}
FREE = ["insults.noise.irritation"]
ANIMAL = ("insults.noise.susceptibility",)


def test_a_term_left_out_is_foretold_as_the_normal_law_has_it():
    """Six normal readings of one normal mean: each given the five others is known exactly."""
    values, draws = np.array([0.3, -0.8, 1.9, 0.1, -0.4, 0.9]), 200_000
    precision = 1.0 + values.size
    theta = np.random.default_rng(1).normal(values.sum() / precision, precision**-0.5, draws)
    terms = -0.5 * (values - theta[:, None]) ** 2 - 0.5 * np.log(2.0 * np.pi)
    covariance = np.ones((6, 6)) + np.eye(6)
    whole = multivariate_normal.logpdf(values, np.zeros(6), covariance)
    exact = [
        whole - multivariate_normal.logpdf(np.delete(values, i), np.zeros(5), covariance[:5, :5])
        for i in range(6)
    ]
    weights = np.full(draws, 1.0 / draws)
    assert left_out(terms, weights) == pytest.approx(exact, abs=0.01)
    # Draws of another width, with weights that make up for it, say the same.
    wide = np.random.default_rng(2).normal(values.sum() / precision, 1.5 * precision**-0.5, draws)
    logs = 0.5 * precision * (wide - values.sum() / precision) ** 2 * (1.0 / 1.5**2 - 1.0)
    weights = np.exp(logs) / np.exp(logs).sum()
    terms = -0.5 * (values - wide[:, None]) ** 2 - 0.5 * np.log(2.0 * np.pi)
    assert left_out(terms, weights) == pytest.approx(exact, abs=0.01)


def test_a_difference_smaller_than_its_error_tells_nothing():
    best, other = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 3.0, 1.0, 4.5])
    row = _against("b", [], other, best, 300.0)
    assert row.behind == pytest.approx(1.5)
    assert row.error == pytest.approx(np.sqrt(4.0 * np.var([1.0, -1.0, 2.0, -0.5], ddof=1)))
    assert not row.worse
    sure = _against("c", [], best - 2.0 + 0.1 * np.arange(4), best, 300.0)
    assert sure.worse
    assert not _against("c", [], best - 2.0 + 0.1 * np.arange(4), best, 10.0).worse, "hardly a draw counts"
    first = _against("a", ["hsp70"], best, best, 300.0)
    lines = sentences([first, row, sure])
    assert lines[0].startswith("Mechanisms: your data tell a from c")
    assert "cannot tell a from b" in lines[1]


@pytest.fixture(scope="module")
def readings():
    """Fourteen animals of each arm, all of whose vesicles prevent nearly all stress from injuring."""
    study = Study.of(VALUES | {"mechanisms": ["hsp70"]})
    drawn = draw(study, 14, seed=3, world=14)
    known = {name: study.parameters[name].value for name in study.parameters if name not in ANIMAL}
    strong = {"mechanisms.hsp70.prevent": 0.95, "mechanisms.hsp70.ec50": 1e3, "insults.noise.irritation": 0.5}
    ears: Ears = drawn.assign(**{name: np.full(14, value) for name, value in (known | strong).items()})
    table = observe(study, simulate(study, ears, keep=(), workers=1), ears)
    return table.assign(subject=table["subject"].astype(str) + table["group"])


def compared(readings, named, animals=14):
    study = Study.of(VALUES)
    some = readings[readings["subject"].str.extract(r"(\d+)", expand=False).astype(int) < animals]
    observed = matched(study, some.reset_index(drop=True), "table")
    return explanations(study, observed, FREE, ANIMAL, named, 1, lambda done: None)


@pytest.mark.slow
def test_a_mechanism_that_acted_is_told_from_none(readings):
    best, other = compared(readings, {"none": [], "heat shock": ["hsp70"]})
    assert (best.name, best.mechanisms, best.behind) == ("heat shock", ["hsp70"], 0.0)
    assert (other.name, other.worse) == ("none", True)
    assert other.behind > 2.0 * other.error


@pytest.mark.slow
def test_of_two_mechanisms_that_do_the_same_the_data_cannot_tell(readings):
    """Both prevent: which of them does is nothing that thresholds show."""
    rows = compared(readings, {"heat shock": ["hsp70"], "both": ["hsp70", "neurotrophic"]}, animals=6)
    assert not rows[1].worse
    assert "cannot tell" in sentences(rows)[0]


@pytest.mark.parametrize(
    ("study", "named", "message"),
    [
        ({}, {"a": ["hsp71"], "none": []}, "hsp71"),
        ({}, {"none": []}, "the only explanation"),
        (
            {"treatment": {}, "arm": [{"name": "vehicle", "insults": ["noise"]}]},
            {"a": ["hsp70"], "none": []},
            "no arm of the study gets any",
        ),
    ],
)
def test_explanations_that_compare_nothing_are_refused(tmp_path, readings, study, named, message):
    import tomli_w

    (tmp_path / "s.toml").write_text(tomli_w.dumps(VALUES | study), encoding="utf-8")
    readings.to_csv(tmp_path / "r.csv", index=False)
    fit = {"otosome": "fit/1", "study": "s.toml", "readings": "r.csv", "free": FREE, "explanations": named}
    (tmp_path / "f.toml").write_text(tomli_w.dumps(fit), encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        load_fit(tmp_path / "f.toml")


def test_weights_are_cut_at_the_square_root_of_their_number_times_their_mean():
    """Ionides 2008: of a hundred draws, one a million times as likely as the others."""
    logs = np.zeros(100)
    logs[3] = np.log(1e6)
    weights = _weights(logs)
    assert weights.sum() == pytest.approx(1.0) and weights.argmax() == 3
    most = 10 * np.exp(logs).mean()
    assert weights[3] / weights[0] == pytest.approx(most)
    assert _weights(logs - 900.0) == pytest.approx(weights)
    assert _weights(np.zeros(7)) == pytest.approx(1 / 7)
    # Where none is above it, they stand in the proportion of their likelihoods.
    assert _weights(np.log([1.0, 2.0, 3.0, 2.0])) == pytest.approx([0.125, 0.25, 0.375, 0.25])
