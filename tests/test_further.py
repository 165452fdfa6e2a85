"""Experiments that could be next: what each narrows, by exact solutions, published power and the published designs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri

from otosome.catalog import Catalog
from otosome.review.experiments import experiments
from otosome.review.priors.further import (
    DAYS,
    DOSES,
    READ,
    STORED,
    Candidate,
    Further,
    candidates,
    expected_width,
    narrowings,
    power,
    read,
    shipped,
    write,
)
from otosome.review.priors.posterior import SPREAD, results
from otosome.review.priors.stored import shipped as shipped_worlds
from otosome.review.priors.stored import simulated
from otosome.review.priors.worlds import DRAWS, compute_candidates

CATALOG = Catalog()
computed = pytest.mark.skipif(not STORED.is_file(), reason="python -m tools.worlds --further")
WORLDS = shipped_worlds()
NORMAL = ndtri((np.arange(4000) + 0.5) / 4000)
EVEN = np.full(4000, 1 / 4000)
NINETY = 2 * 1.6448536


@pytest.mark.parametrize(("before", "error"), [(10.0, 0.5), (10.0, 2.0), (3.0, 1.0)])
def test_a_normal_benefit_narrows_as_precisions_add(before, error):
    """Normal before, read with a normal error: what is left is exact, and the same whatever is read."""
    benefit = before * NORMAL
    now, after = expected_width(benefit / SPREAD, np.full(4000, error), EVEN, benefit)
    left = 1 / math.sqrt(before**-2 + (error * SPREAD) ** -2)
    # Sixty readings stand for all, and the ends are between 4,000 worlds.
    assert now == pytest.approx(NINETY * before, rel=2e-3)
    assert after == pytest.approx(NINETY * left, rel=0.02)


def test_what_has_nothing_to_do_with_the_benefit_narrows_nothing():
    benefit = 10 * NORMAL
    other = np.random.default_rng(3).permutation(NORMAL)
    now, after = expected_width(other, np.full(4000, 0.5), EVEN, benefit)
    # Some 1,800 worlds are left of 4,000 by such a reading, whose ends err by a few per cent.
    assert after == pytest.approx(now, rel=0.03)
    same, _ = expected_width(other, np.full(4000, 0.5), EVEN, benefit, readings=2)
    assert same == now


def test_an_endpoint_that_is_the_effect_with_its_sign_turned_tells_as_much():
    benefit = 10 * NORMAL
    error = np.full(4000, 0.4)
    widths = [expected_width(sign * benefit / SPREAD, error, EVEN, benefit)[1] for sign in (1, -1)]
    assert widths[0] == pytest.approx(widths[1], rel=0.02)


@pytest.mark.parametrize(("effect", "n", "published"), [(1.0, 17, 0.80), (0.8, 26, 0.80), (0.5, 64, 0.80)])
def test_the_chance_of_finding_an_effect_is_cohens_power(effect, n, published):
    """Cohen 1988, table 2.4.1: animals a group for a power of 0.80 at 0.05, two-sided."""
    assert power(np.full(1, effect), n, np.ones(1)) == pytest.approx(published, abs=0.01)
    assert power(np.zeros(1), n, np.ones(1)) == pytest.approx(0.025, abs=5e-4)


@computed
def test_candidates_are_every_dose_day_and_reading_of_experiments_with_one_dose_against_one_insult():
    names = {each.like for each in shipped().effects}
    assert names == {"warnecke_2020", "yang_2022"}
    assert set(shipped().effects) == {
        Candidate(name, dose, day, kind) for name in names for dose in DOSES for day in DAYS for kind in READ
    }
    assert all(effect.shape == (WORLDS.size,) for effect in shipped().effects.values())
    assert all(np.all(np.isfinite(effect)) for effect in shipped().effects.values())


@computed
@pytest.mark.parametrize(
    ("name", "treated", "control", "day"),
    [("warnecke_2020", "vesicles", "noise", 1), ("yang_2022", "plain", "cisplatin", -1)],
)
def test_a_candidate_like_the_published_one_has_its_effect_in_every_world(name, treated, control, day):
    (published,) = experiments(CATALOG, [name])
    ours = SPREAD * shipped().effects[Candidate(name, 1.0, day, "threshold")]
    theirs = WORLDS.benefit(published, treated, control)
    # Other arms put knots elsewhere, and both are stored rounded, effects to a hundredth of an SD.
    np.testing.assert_allclose(ours, theirs, atol=0.25)
    assert np.abs(ours - theirs).mean() < 0.06


@computed
def test_candidates_rest_on_the_same_numbers_as_the_worlds_they_are_weighed_with():
    assert shipped().evidence == WORLDS.evidence


@computed
@pytest.mark.slow
def test_a_few_candidates_computed_now_are_those_that_are_stored():
    now = compute_candidates(CATALOG, DRAWS)
    for each, effect in now.effects.items():
        if each.read == "threshold":
            # Counts are in SDs between animals of all worlds, of which these are few.
            np.testing.assert_allclose(shipped().effects[each][:DRAWS], effect, atol=0.006)


def test_the_published_experiments_done_again_are_candidates_at_their_dose_and_day():
    printed = results(WORLDS, simulated(CATALOG))
    again = candidates(WORLDS, printed).effects
    assert {
        Candidate("liu_2023", 1.0, -1, "threshold"),
        Candidate("tsai_2021", 1.0, -1, "threshold"),
        Candidate("warnecke_2020", 1.0, 1, "threshold"),
        Candidate("yang_2022", 1.0, -1, "threshold"),
        Candidate("yang_2022", 3.0, -1, "threshold"),
    } <= set(again)
    (yang,) = experiments(CATALOG, ["yang_2022"])
    heat = SPREAD * again[Candidate("yang_2022", 3.0, -1, "threshold")]
    assert np.allclose(heat, WORLDS.benefit(yang, "heat", "cisplatin"), atol=0.05)


def test_an_experiment_done_again_narrows_the_more_the_more_animals_it_has_and_finds_more_at_three_times_the_dose():
    printed = results(WORLDS, simulated(CATALOG))
    rows = narrowings("as_printed", WORLDS, printed, candidates(WORLDS, printed), (4, 12, 40))
    by = {(row.like, row.dose, row.n): row for row in rows if (row.read, row.day) == ("threshold", -1)}
    for dose in (1.0, 3.0):
        four, twelve, forty = (by["yang_2022", dose, n] for n in (4, 12, 40))
        assert four.now > four.after > twelve.after > forty.after
        assert four.finds < twelve.finds < forty.finds
    # Vesicles of heated cells are taken as three times as strong.
    assert by["yang_2022", 3.0, 12].finds > by["yang_2022", 1.0, 12].finds
    assert [row.after for row in rows] == sorted(
        (row.after for row in rows), key=lambda after: round(after, 1)
    )


def test_candidates_are_written_and_read_to_a_hundredth(tmp_path):
    some = Further({Candidate("a", 0.1, -1, "hair cells"): np.array([0.0, -0.004, 1.236])}, "made up")
    write(some, tmp_path / "f.csv")
    again = read(tmp_path / "f.csv")
    ((each, effect),) = again.effects.items()
    assert each == Candidate("a", 0.1, -1, "hair cells")
    assert effect.tolist() == [0.0, 0.0, 1.24]
    assert again.evidence == "made up"


@computed
def test_more_animals_narrow_more_and_find_more_and_what_cannot_be_read_narrows_nothing():
    printed = results(WORLDS, simulated(CATALOG))
    some = {key: shipped().effects[key] for key in shipped().effects if key.like == "yang_2022"}
    dead = Candidate("yang_2022", 0.0, 0, "threshold")
    rows = narrowings(
        "as_printed", WORLDS, printed, Further({**some, dead: np.zeros(WORLDS.size)}, ""), (4, 12, 40)
    )
    by = {(row.dose, row.day, row.read, row.n): row for row in rows}
    for dose in DOSES:
        four, twelve, forty = (by[dose, -1, "threshold", n] for n in (4, 12, 40))
        assert four.now > four.after > twelve.after > forty.after
        assert four.finds < twelve.finds < forty.finds
    assert by[0.0, 0, "threshold", 40].after == pytest.approx(four.now, rel=1e-6)
    # The published day tells more than three days late, when the insult is done.
    assert by[1.0, -1, "threshold", 12].after < by[1.0, 3, "threshold", 12].after
    assert [row.after for row in rows] == sorted(
        (row.after for row in rows), key=lambda after: round(after, 1)
    )
