"""Levels of what differs: world > exposure run > animal > ear, recovered from drawn ears by analysis of variance."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from otosome.errors import BadInput
from otosome.evidence import ALIKE, Cohort, Parameter, layout
from otosome.forward import draw, observe, simulate
from otosome.study import Study

RUN, ANIMAL, LOT, WORLDLY = 2.0, 1.5, 0.0, 3.0
NUMBER = Parameter(
    "shelf.entry.number",
    "a level",
    0.0,
    "dB",
    -1.645 * WORLDLY,
    1.645 * WORLDLY,
    "normal",
    "assumed",
    "0 dB",
    subjects=ANIMAL,
    runs=RUN,
    additive=True,
)
COHORT = Cohort(ears=2, animals=5)
WORLD = 40


def nested(values: np.ndarray, *sizes: int) -> list[float]:
    """Variance components of a balanced nested design from outermost to innermost, by its mean squares."""
    table = values.reshape(*sizes)
    squares = []
    for depth in range(len(sizes)):
        inner = table.mean(axis=tuple(range(depth + 1, len(sizes)))) if depth + 1 < len(sizes) else table
        off = inner - inner.mean(axis=-1, keepdims=True)
        freedom = np.prod(sizes[:depth]) * (sizes[depth] - 1)
        squares.append(float((off**2).sum() / freedom) * float(np.prod(sizes[depth + 1 :])))
    components = [
        (outer - inner) / float(np.prod(sizes[depth + 1 :]))
        for depth, (outer, inner) in enumerate(itertools.pairwise(squares))
    ]
    return [*components, squares[-1]]


def test_variance_components_come_back_from_the_draws():
    worlds = 1500
    values = NUMBER.draw(1, 0, worlds * WORLD, WORLD, COHORT)
    world, run, animal, ear = nested(values, worlds, 4, 5, 2)
    assert world == pytest.approx(WORLDLY**2, rel=0.12)
    assert run == pytest.approx(RUN**2, rel=0.08)
    assert animal == pytest.approx(ALIKE * ANIMAL**2, rel=0.06)
    assert ear == pytest.approx((1.0 - ALIKE) * ANIMAL**2, rel=0.04)


def test_both_ears_of_an_animal_are_alike_as_far_as_the_number_says():
    alone = replace(NUMBER, runs=0.0, low=0.0, high=0.0, shape="fixed")
    for alike in (0.0, ALIKE, 1.0):
        left, right = replace(alone, alike=alike).draw(1, 0, 20_000, WORLD, Cohort(ears=2)).reshape(-1, 2).T
        assert np.corrcoef(left, right)[0, 1] == pytest.approx(alike, abs=0.02)
        assert left.std() == pytest.approx(ANIMAL, rel=0.03)


def test_one_ear_of_an_animal_spreads_as_either_of_two():
    spread = [replace(NUMBER, runs=0.0).draw(1, 0, 40_000, WORLD, Cohort(ears=e)) for e in (1, 2)]
    inside = [values.reshape(-1, WORLD).std(axis=1, ddof=1).mean() for values in spread]
    assert inside[0] == pytest.approx(inside[1], rel=0.02)


def test_an_ear_is_the_same_in_any_part_of_a_draw():
    whole = NUMBER.draw(3, 0, 4 * WORLD, WORLD, COHORT)
    assert np.array_equal(NUMBER.draw(3, 37, 121, WORLD, COHORT), whole[37:121])


@pytest.mark.parametrize("cohort", [Cohort(), Cohort(2, 5), Cohort(1, 7), Cohort(2, 1000)])
def test_levels_nest_and_never_cross_a_world(cohort):
    kin = layout(0, 95, 19, cohort)
    for inner, outer in (
        (kin.person, kin.run),
        (kin.run, kin.world),
        (kin.person, kin.lot),
        (kin.lot, kin.world),
    ):
        for number in np.unique(inner):
            assert np.unique(outer[inner == number]).size == 1
    assert np.max(np.unique(kin.person, return_counts=True)[1]) == cohort.ears
    assert np.max(np.unique(kin.run, return_counts=True)[1]) <= cohort.ears * cohort.animals


def test_each_animal_alone_has_the_draws_it_had_before_there_were_levels():
    kin = layout(0, 30)
    assert np.array_equal(kin.person, kin.ear)
    assert np.array_equal(kin.run, kin.ear)
    assert np.array_equal(kin.lot, 3 * (kin.ear // 10) + kin.ear % 3)


STUDY = {
    "otosome": "study/1",
    "species": "mouse",
    "strain": "cba_jrj",
    "cohort": {"ears": 2, "animals": 5},
    "insult": {
        "noise": {
            "entry": "noise",
            "at": ["0 h"],
            "duration": "2 h",
            "level": "103 dB SPL",
            "band": ["8 kHz", "16 kHz"],
        }
    },
    "arm": [{"name": "noise", "insults": ["noise"]}],
    "measure": {
        "abr": {"endpoint": "abr_threshold", "frequency": ["12 kHz", "16 kHz", "24 kHz"], "at": ["1 d"]}
    },
}


def study(**changed):
    return Study.of({**STUDY, **changed})


def test_ears_of_one_run_and_of_one_animal_are_more_alike_than_others():
    ears = draw(study(), 400, seed=2, world=200)
    result = simulate(study(), ears, workers=1)
    assert np.array_equal(result["run"], ears.run)
    values = result.abr.to_numpy()[0, :, 0].mean(axis=-1)
    _, run, animal, ear = nested(values, 2, 20, 5, 2)
    assert run > 0.3 * (run + animal + ear)
    assert animal > 0.15 * (animal + ear)
    assert animal + ear > 1.0


def test_readings_of_one_session_share_a_part_of_their_error():
    one = study(insult={}, arm=[{"name": "quiet"}], cohort={"animals": 10})
    ears = draw(one, 2000, seed=1, world=2000)
    result = simulate(one, ears, workers=1)
    readings = observe(one, result, ears)
    value = readings.pivot(index="subject", columns="frequency", values="value").to_numpy()
    truth = result.abr.to_numpy()[0, :, 0]
    error = value - truth
    run, _, _ = nested(error, 200, 10, 3)
    own, between, middle, width = (
        ears[f"endpoints.abr_threshold.{key}"][:, None]
        for key in ("error", "error_between", "half_way", "half_width")
    )
    # The lowest healthy threshold of mice is 11.8 dB SPL.
    bell = np.exp(-0.5 * ((truth - 11.8 - middle) / width) ** 2)
    whole = float(np.mean(own**2 + (between * bell) ** 2))
    assert run == pytest.approx(0.1 * whole, rel=0.35)
    assert error.var() == pytest.approx(whole + 25.0 / 12.0, rel=0.06)


def test_a_study_without_a_strain_or_runs_says_so_and_one_with_both_does_not():
    plain = {key: value for key, value in STUDY.items() if key not in ("strain", "cohort")}
    notes = Study.of(plain).notes
    assert any("mixture of strains" in note and "cba_jrj" in note for note in notes)
    assert any("No [cohort]" in note and "an exposure run of its own" in note for note in notes)
    assert not study().notes


def test_a_strain_overrides_the_shelves_and_the_study_overrides_the_strain():
    named, mixed = study(), study(strain="cba_caj")
    name = "insults.noise.susceptibility"
    assert named.parameters[name].value != mixed.parameters[name].value
    stated = study(numbers={name: {"value": "7", "basis": "assumed", "because": "a test"}})
    assert stated.parameters[name].value == 7.0
    assert stated.parameters[name].subjects == named.parameters[name].subjects
    curve = "endpoints.abr_threshold.baseline"
    assert study(strain="c57bl6").curves[curve] != named.curves[curve]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"strain": "cba_x"}, "strain: is not known here; given: cba_x; allowed: c57bl6, cba_caj, cba_jrj"),
        ({"strain": "cba_jrj", "species": "guinea_pig"}, "strain: is a strain of another species, mouse"),
        ({"cohort": {"ears": 3}}, "cohort.ears"),
        ({"cohort": {"animals": 0}}, "cohort.animals"),
    ],
)
def test_what_is_no_strain_or_cohort_is_refused(changed, words):
    with pytest.raises(BadInput, match=words):
        study(**changed)
