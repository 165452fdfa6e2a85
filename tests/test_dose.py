"""The dose sought: toys with known optima, laws of the choice, and a study's dose from its file to a folder."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from otosome.catalog import Catalog
from otosome.cli import app
from otosome.errors import BadInput
from otosome.lots.production import process_of
from otosome.trials.beliefs import shelf_beliefs
from otosome.trials.choice import SURE, Table, believed, chosen, front
from otosome.trials.optimum import MECHANISM, _alike_once, _region, compute
from otosome.trials.regimens import Regimen, _most, read_dose
from otosome.trials.search import seek

CATALOG = Catalog()
MINE = """
study = "noise_mouse"
treated = "106 dB + vesicles"
control = "106 dB + vehicle"
treatment = "vesicles"
measure = "abr"
at = "3 d"
routes = ["round_window", "intracochlear"]
particles = ["1e7 particles", "1e10 particles"]
ears = 8
world = 4
scan = 3
more = 1
"""


def asked(tmp_path, text=MINE):
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


def otosome(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


# ---------------------------------------------------------------- the search, on functions whose optimum is known


def anywhere(point):
    return point


def even(point):
    """The third dimension is one of three, the fourth one of two."""
    return np.array(
        [*point[:2], (min(int(3 * point[2]), 2) + 0.5) / 3, (min(int(2 * point[3]), 1) + 0.5) / 2]
    )


def hill(point):
    """A summit of 1 at (0.3, 0.8), on the second of three and the first of two; 0 far from it."""
    across = np.exp(-((point[0] - 0.3) ** 2) / 0.08 - (point[1] - 0.8) ** 2 / 0.3)
    return across * (1.0, 0.6)[int(point[3] > 0.5)] * (0.5, 1.0, 0.7)[int(3 * point[2])]


@pytest.mark.parametrize("seed", range(4))
def test_a_known_optimum_is_missed_by_less_than_two_per_cent(seed):
    points, values = seek(hill, even, 4, scan=16, more=16, seed=seed)
    assert len(points) == len(values) == 32
    assert len(np.unique(points, axis=0)) == 32
    assert 1 - values.max() < 0.02


def test_seeking_beats_an_even_scan_of_as_many_points():
    def narrow(point):
        return float(np.exp(-((point - [0.62, 0.17]) ** 2).sum() / 0.02))

    sought = [seek(narrow, anywhere, 2, 12, 20, seed)[1].max() for seed in range(3)]
    scanned = [seek(narrow, anywhere, 2, 32, 0, seed)[1].max() for seed in range(3)]
    assert min(sought) > 0.98
    assert np.mean(sought) > np.mean(scanned)


def test_no_point_outside_the_limits_is_computed():
    points, values = seek(lambda p: p[0], lambda p: p if p[0] < 0.4 else None, 2, 10, 6, 1)
    assert (points[:, 0] < 0.4).all()
    assert values.max() > 0.36
    with pytest.raises(BadInput, match="leaves no regimen"):
        seek(lambda p: p[0], lambda p: None, 2, 10, 6, 1)


def test_a_few_regimens_are_each_computed_once():
    points, _ = seek(lambda p: p[0], lambda p: np.round(p), 2, 50, 50, 1)
    assert sorted(map(tuple, points.tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1)]


# ---------------------------------------------------------------- the choice


def table(benefit, cost=0.0):
    """Regimens whose benefit differs between ten worlds of one ear."""
    benefit = np.asarray(benefit, dtype=float)
    return Table(benefit, np.full_like(benefit, cost), np.arange(benefit.shape[1]))


def test_a_choice_is_supported_where_it_is_near_the_best_and_nothing_is_not():
    clear = chosen(table([[10.0] * 10, [4.0] * 10]), 1.0)
    assert clear.best == 0
    assert clear.supported
    assert clear.near.tolist() == [1.0, 0.0]
    assert clear.nothing == 0.0


def test_no_choice_is_supported_where_nothing_helps_or_worlds_disagree():
    assert not chosen(table([[0.5] * 10, [0.2] * 10]), 1.0).supported
    split = chosen(table([[12.0] * 5 + [0.0] * 5, [0.0] * 5 + [10.0] * 5]), 1.0)
    assert split.near.tolist() == [0.5, 0.5]
    assert not split.supported


def test_harm_beyond_the_benefit_makes_giving_nothing_the_best():
    harmful = chosen(table([[5.0] * 10], cost=7.0), 1.0)
    assert harmful.nothing == 1.0
    assert harmful.near.tolist() == [0.0]
    assert harmful.net.tolist() == [-2.0]


def test_a_belief_sets_the_mean_benefit_of_the_best_and_keeps_the_order():
    own = table(np.random.default_rng(1).gamma(2.0, size=(3, 10)) * [[1.0], [2.0], [0.5]])
    choice = believed(own, np.array([6.0, 8.0, 10.0]), 1.0)
    assert choice.net.max() == pytest.approx(8.0)
    assert choice.net / choice.net.max() == pytest.approx(
        own.benefit.mean(axis=1) / own.benefit.mean(axis=1).max()
    )
    harmful = believed(Table(own.benefit, own.cost + 3.0, own.world), np.array([6.0, 8.0, 10.0]), 1.0)
    assert harmful.net == pytest.approx(choice.net - 3.0)
    none = believed(own, np.zeros(3), 1.0)
    assert (none.nothing, none.supported) == (1.0, False)


def test_the_front_is_what_none_betters_with_as_little():
    gain, price = np.array([3.0, 5.0, 4.0, 5.0, 1.0]), np.array([1.0, 4.0, 5.0, 6.0, 1.0])
    assert front(gain, price).tolist() == [1, 0]
    random = np.random.default_rng(2)
    gain, price = random.random(60), random.random(60)
    rows = set(front(gain, price).tolist())
    for row in range(60):
        better = (gain >= gain[row]) & (price <= price[row]) & ((gain > gain[row]) | (price < price[row]))
        assert (row in rows) == (not better.any())


# ---------------------------------------------------------------- from a file


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    return compute(read_dose(asked(tmp_path_factory.mktemp("dose")), CATALOG), 1, lambda done, of: None)


def test_no_regimen_regains_more_than_the_insult_takes(computed):
    assert (computed.table.benefit.mean(axis=1) <= computed.lost.mean()).all()
    assert (computed.lost > 0).any()
    assert len(computed.regimens) == 4


def test_what_is_computed_of_a_regimen_is_what_a_run_of_its_study_gives(computed):
    from otosome.forward import draw, simulate
    from otosome.study import load

    regimen, study = computed.regimens[0], load("noise_mouse").as_dict()
    study["treatment"]["vesicles"] |= {"route": regimen.route, "amount": f"{regimen.particles!r} particles"}
    from otosome.study import Study

    whole = Study.of(study)
    result = simulate(whole, draw(whole, 8, seed=1, world=4), workers=1, keep=())
    read = result["abr"].sel(time=72.0).mean("frequency")
    apart = read.sel(arm="106 dB + vehicle") - read.sel(arm="106 dB + vesicles")
    # The knots of a study of one moment and those of the whole study differ.
    assert computed.table.benefit[0] == pytest.approx(apart.to_numpy(), abs=0.02)


def test_the_priors_are_those_of_the_designs(computed):
    assert set(computed.choices) == {MECHANISM, "none", "as_printed", "sceptic"}
    assert not computed.choices["none"].supported
    assert set(shelf_beliefs(CATALOG)) == set(computed.choices)


def test_a_run_serves_as_many_as_wanted_with_every_regimen(tmp_path):
    text = MINE + 'process = "vertical_wheel_adipose"\npatients = 40\ntimes = [1, 2]\nevery = "1 h"\n'
    question = read_dose(asked(tmp_path, text.replace("1e10", "1e13")), CATALOG)
    process = process_of("vertical_wheel_adipose", CATALOG)
    run = np.median(process.harvest * process.columns["harvests"] * (1 - process.columns["retained"]))
    points = np.random.default_rng(3).random((300, 4))
    allowed = [question.regimen(p) for p in points if question.standing(p) is not None]
    assert all(regimen.total * 40 <= run for regimen in allowed)
    assert len(allowed) < 300
    assert max(regimen.total for regimen in allowed) * 40 > run / 2


def test_a_run_that_cannot_serve_all_with_the_smallest_dose_given_least_often_is_refused():
    process = process_of("vertical_wheel_adipose", CATALOG)
    run = float(np.median(process.harvest * process.columns["harvests"] * (1 - process.columns["retained"])))

    def most(patients):
        dose = SimpleNamespace(
            process="vertical_wheel_adipose", particles=[1e10, 1e11], times=[4, 2, 3], patients=patients
        )
        return _most(dose, CATALOG)

    served = int(run / 2e10)
    assert most(served) == pytest.approx(run / served)
    with pytest.raises(BadInput) as refusal:
        most(served + 1)
    assert refusal.value.allowed == f"up to {served}"
    assert _most(SimpleNamespace(process=None), CATALOG) == np.inf


def test_points_that_stand_for_others_have_their_regimen(tmp_path):
    text = MINE + 'times = [1, 2, 4]\nevery = "12 h"\nfirst = ["1 h", "2 d"]\n'
    question = read_dose(asked(tmp_path, text), CATALOG)
    for point in np.random.default_rng(4).random((50, 4)):
        assert question.regimen(question.standing(point)) == question.regimen(point)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"106 dB + vesicles"', '"110 dB"', "treated"),
        ('treatment = "vesicles"', 'treatment = "vehicle"', "treatment"),
        ('measure = "abr"', 'measure = "words"', "measure"),
        ('at = "3 d"', 'at = "90 d"', "at"),
        ('"intracochlear"]', '"by_mouth"]', "routes"),
        ('["1e7 particles", "1e10 particles"]', '["1e10 particles", "1e7 particles"]', "particles"),
        ("ears = 8", "ears = 9", "ears"),
        ("scan = 3", 'scan = 3\naim = "target"', "target"),
        ("scan = 3", "scan = 3\ntimes = [1, 2]", "every"),
        ("scan = 3", 'scan = 3\nnear = "10 %"', "near"),
        ("scan = 3", 'scan = 3\nprocess = "flask_umbilical"\npatients = 1000000', "patients"),
        ("scan = 3", 'scan = 3\n[adverse_events]\nnothing = "1 dB"', "adverse_events"),
        ("scan = 3", "scan = 3\npotency = 2", "potency"),
    ],
)
def test_a_dose_that_does_not_fit_its_study_is_refused_before_any_work(tmp_path, old, new, key):
    assert old in MINE
    with pytest.raises(BadInput) as refusal:
        read_dose(asked(tmp_path, MINE.replace(old, new, 1)), CATALOG)
    assert refusal.value.key.startswith(key)
    assert refusal.value.file.endswith("mine.toml")


def test_a_target_no_dose_reaches_is_refused_before_any_regimen(tmp_path):
    text = MINE.replace("scan = 3", 'scan = 3\naim = "target"\ntarget = "200 dB"')
    ticks = []
    with pytest.raises(BadInput, match="no ear without the insult is so much better"):
        compute(read_dose(asked(tmp_path, text), CATALOG), 1, lambda done, of: ticks.append(done))
    assert ticks == []


def test_regimens_that_read_alike_are_named_once_by_the_best_of_them():
    regimens = [Regimen("round_window", amount, 2.0, 1, 0.0) for amount in (5.0e8, 4.999e8, 1.0e7)]
    named = _alike_once(SimpleNamespace(regimens=regimens, front=np.array([0, 1, 2])))
    assert list(named.values()) == [0, 2]
    assert next(iter(named)) == "5×10⁸ particles by round window, once, from 2 h"


def test_a_dose_is_sought_by_the_command_line_and_shown_again(tmp_path):
    text = MINE.replace("scan = 3", "scan = 2").replace(
        "more = 1", 'more = 0\n[adverse_events]\nvesicle_reaction = "1 dB"'
    )
    done = otosome("optimise", asked(tmp_path, text), "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    (mine,) = json.loads(done.stdout)["result"]["designs"]
    assert "do not support a choice" in mine["plan"]["headline"]
    rows = pd.read_csv(tmp_path / "out" / "mine_regimens.csv")
    assert len(rows) == 2
    assert (rows["adverse_events_cost"] > 0).all()
    assert rows["sought"].tolist() == pytest.approx(
        (rows["benefit_mean"] - rows["adverse_events_cost"]).tolist(), abs=1e-9
    )
    assert otosome("show", tmp_path / "out").exit_code == 0
    assert otosome("check", tmp_path / "out").exit_code == 0
    begun = otosome("new", "dose", "--out", tmp_path / "begun.toml")
    assert begun.exit_code == 0
    read_dose(tmp_path / "begun.toml", CATALOG)


def test_the_region_of_good_regimens_is_that_of_those_near_the_best_and_of_no_other():
    def regimen(particles, first, times, route):
        return SimpleNamespace(particles=particles, first=first, times=times, route=route)

    regimens = [
        regimen(1e8, -24.0, 1, "round_window"),
        regimen(1e9, 2.0, 3, "intracochlear"),
        regimen(1e10, 48.0, 2, "round_window"),
        regimen(1e6, -99.0, 9, "cisterna"),
    ]
    near = np.array([SURE, 1.0, 0.97, SURE - 1e-6])
    computed = SimpleNamespace(regimens=regimens, choices={MECHANISM: SimpleNamespace(near=near)})
    inside, particles, first, often, routes = _region(computed)
    assert inside.value == 3
    assert (particles.value, particles.text) == (1e8, "10⁸ to 10¹⁰")
    assert (first.value, first.text) == (-24.0, "−24 to 48 h")
    assert (often.value, often.text) == (1.0, "1, 2, 3")
    assert (routes.value, routes.text) == (2.0, "intracochlear, round window")
    computed.choices[MECHANISM].near = np.full(4, 0.1)
    assert [row.value for row in _region(computed)] == [0]


def test_worlds_count_alike_however_many_ears_each_has():
    table = Table(np.array([[1.0, 3.0, 10.0], [0.0, 0.0, 4.0]]), np.zeros((2, 3)), np.array([5, 5, 2]))
    # World 2 stands before world 5.
    assert table.by_world(table.benefit).tolist() == [[10.0, 2.0], [4.0, 0.0]]
    choice = chosen(table, 0.5)
    assert (choice.best, choice.near.tolist(), choice.nothing) == (0, [1.0, 0.0], 0.0)
    assert choice.net.tolist() == [6.0, 2.0]


def test_nothing_is_as_good_as_the_best_where_the_best_is_worth_no_more_than_what_is_near():
    table = Table(np.array([[1.0, -2.0, 5.0, 2.0]]), np.zeros((1, 4)), np.arange(4))
    choice = chosen(table, 2.0)
    # Beside giving none: within 2 dB of it in three worlds; the regimen itself in all four, in one of them just.
    assert (choice.nothing, choice.near.tolist()) == (0.75, [1.0])
    assert chosen(table, 1.9).near.tolist() == [0.75]
