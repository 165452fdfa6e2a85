"""Groups of people after cisplatin: integrated over as if they were drawn one by one, and what they rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otosome.catalog import Catalog
from otosome.evidence import Parameter
from otosome.fitting.file import FITS
from otosome.fitting.joint import read as read_draws
from otosome.forward import best as forward_best
from otosome.forward import simulate
from otosome.model import hearing
from otosome.review.qualification.bench import Bench, Terms
from otosome.shelves.cases import ear_d1 as people
from otosome.study import Study

CATALOG = Catalog()
CASE = CATALOG.get("cases", "ear_d1")
EC50, GRADIENT, CHILDHOOD = (f"insults.cisplatin.{key}" for key in ("ec50", "gradient", "childhood"))
SPREAD = "cases.ear_d1.spread"
# Draws of a test, of which a share errs by half a point at most.
MANY = 40_000


NAMED = {"ec50": EC50, "gradient": GRADIENT, "childhood": CHILDHOOD, "spread": SPREAD}


def lanes(**numbers: list[float]) -> Bench:
    """Lanes that have these numbers, and best values of all else."""
    count = len(next(iter(numbers.values())))
    bench = Bench(Terms(CATALOG, count), CASE, 1)
    pinned = {name: np.full(count, p.value) for name, p in bench.parameters.items()}
    pinned |= {NAMED.get(key, key): np.array(values) for key, values in numbers.items()}
    return replace(bench, pinned=pinned)


def figures(**numbers: list[float]) -> dict[str, np.ndarray]:
    """Each row of such lanes."""
    return dict(lanes(**numbers).replicate())


@pytest.fixture(scope="module")
def best() -> people.Best:
    return people.Best.of(Bench(Terms(CATALOG, 1), CASE, 1))


def read(best: people.Best, level: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Levels as an audiometer gives them."""
    return 5.0 * np.round((level + best.error * rng.standard_normal(level.shape)) / 5.0)


def test_shares_of_children_are_those_of_audiograms_that_are_read_and_graded(best):
    rng, (half, steep, spread, childhood) = np.random.default_rng(1), (np.log(2.5), 4.0, 1.2, 0.4)
    children = best.children
    own = half + spread * children.deviate - childhood * children.youth
    shift = people.shifts(best, 6.0, (4,))(steep, own)
    level = hearing.together(best.limit, children.level, shift[:, 0, :7])
    # A first reading errs as a later one.
    assert np.std(children.before - children.level) == pytest.approx(
        np.hypot(best.error, 5.0 / 12**0.5), rel=0.05
    )
    after = read(best, np.broadcast_to(level, (MANY // 500, *level.shape)), rng)
    known = figures(ec50=[2.5], gradient=[steep], spread=[spread], childhood=[childhood])
    for row, name, grade in (
        ("ear:D3", "siop_boston", "2"),
        ("ear:D3.ctcae", "ctcae_5_child", "2"),
        ("ear:D3.brock", "brock", "2"),
        ("ear:D3.chang", "chang", "2a"),
    ):
        scale = CATALOG.get("scales", name).bind({}, "human")
        graded = scale.grade(after, people._FREQUENCY[:7], np.broadcast_to(children.before, after.shape))
        share = (graded >= scale.labels.index(grade)).mean()
        # Forty thousand audiograms of the same children err by a fifth of a point.
        assert known[row][0] == pytest.approx(share, abs=0.005), row


def test_figures_of_men_are_those_of_men_drawn_one_by_one(best):
    rng, (half, steep, spread) = np.random.default_rng(2), (np.log(2.5), 4.0, 1.2)
    cycles, share = np.array([2, 4, 6, 8]), np.array([0.2, 0.5, 0.2, 0.1])
    given = rng.choice(4, MANY, p=share)
    shifts = people.shifts(best, 2.0, (2, 4, 6, 8))(steep, half + spread * rng.standard_normal(MANY))
    shift = shifts[np.arange(MANY), given]
    men = best.people(
        "male", (25.0, 50.0), standing=rng.standard_normal(MANY), age_rank=rng.standard_normal(MANY)
    )
    level = hearing.together(best.limit, men.baseline(np.array([4.0, 6.0, 8.0]))[:, 0], shift[:, 4:7])
    worst = read(best, level, rng).max(axis=1)
    known = figures(ec50=[2.5], gradient=[steep], spread=[spread])
    # Means of four and ten thousand men whose shifts spread by 20 dB, over 600 mg/m2.
    slope = np.polyfit(cycles[given], shift[:, 4:9].mean(axis=1), 1)[0]
    assert known["ear:D1"][0] == pytest.approx(slope, abs=0.2)
    # Nine standings and five ages stand for all, of whom the worst are few: 1 point.
    assert known["ear:D1.severe"][0] == pytest.approx((worst >= 75.0).mean(), abs=0.01)
    worse = [(worst[part] >= 45.0).mean() for part in (given > 0, given == 0)]
    odds = [p / (1.0 - p) for p in worse]
    assert known["ear:D1.odds"][0] == pytest.approx(odds[0] / odds[1], rel=0.08)


def test_a_reading_on_a_border_is_one_or_the_other_half_of_the_time(best):
    assert best.reads(np.array([42.5]), 45.0) == pytest.approx(0.5)
    assert best.reads(np.array([42.5, 42.5, -10.0]), 45.0) == pytest.approx(0.75)
    assert best.reads(np.array([42.5 + best.error]), 45.0) == pytest.approx(0.8413, abs=1e-4)
    assert best.reads(np.array([42.5, 80.0]), np.array([45.0, np.inf])) == pytest.approx(0.5)


def test_between_what_is_computed_shifts_are_as_if_it_were_computed_there(best, monkeypatch):
    """Half a dB, off all nodes: a line between nodes as far apart would be off by 2 dB."""
    known = {(half, steep): people.shifts(best, 2.0, (2, 8))(steep, np.log([half])) for half, steep in
             ((0.31, 2.2), (1.7, 3.3), (4.1, 5.7))}  # fmt: skip
    for (half, steep), found in known.items():
        monkeypatch.setattr(people, "_HALF", half * np.array([0.9, 1.0, 1.1]))
        monkeypatch.setattr(people, "_STEEP", steep * np.array([0.9, 1.0, 1.1]))
        exact = people.shifts.__wrapped__(best, 2.0, (2, 8))(steep, np.log([half]))
        assert found == pytest.approx(exact, abs=0.5)
        # High tones first, and eight cycles more than two.
        assert np.all(np.diff(exact[0], axis=1) >= -1e-9)
        assert np.all(exact[0, 1] >= exact[0, 0])
    # Beyond what is computed nothing changes.
    monkeypatch.undo()
    at = people.shifts(best, 2.0, (2, 8))
    assert at(3.0, np.log([1e3])) == pytest.approx(at(3.0, np.log([60.0])))
    assert at(50.0, np.log([1.0])) == pytest.approx(at(20.0, np.log([1.0])))


def test_shifts_of_the_ear_of_best_values_are_those_of_a_study_of_it(best):
    """Four cycles of 100 mg/m2 over six hours, by the program's own way from a study file to an audiogram."""
    days = ["0 d", "21 d", "42 d", "63 d"]
    course = {
        "entry": "cisplatin",
        "route": "intravenous",
        "amount": "100 mg/m2",
        "duration": "6 h",
        "at": days,
    }
    read = {"endpoint": "audiogram", "frequency": ["2 kHz", "4 kHz", "8 kHz"], "at": ["-1 d", "84 d"]}
    study = Study.of(
        {
            "otosome": "study/1",
            "species": "human",
            "insult": {"course": course},
            "arm": [{"name": "cisplatin", "insults": ["course"]}],
            "measure": {"hearing": read},
        }
    )
    level = simulate(study, forward_best(study), workers=1)["hearing"].to_numpy().reshape(2, 3)
    insult = best.bench.numbers("insults", "cisplatin")
    shift = people.shifts(best, 6.0, (4,))(float(insult["gradient"][0]), np.log(insult["ec50"]))[0, 0]
    # Coarser steps and places, and cubics between points; steps that grow by 1.7 would cost 1.7 dB.
    assert shift[[2, 4, 6]] == pytest.approx(level[1] - level[0], abs=0.3)
    assert shift[6] > 10.0


def test_as_much_more_as_reaches_the_cells_injures_as_so_much_less_at_half_effect(best):
    names = ("solutes.cisplatin.wall_partition", "solutes.cisplatin.corti_partition")
    held = {name: [times * best.bench.parameters[name].value for times in (1.0, 3.0)] for name in names}
    once, more = people.reached(best, lanes(**held))
    assert once == pytest.approx(people.reached(best, best.bench)[0])
    # Tissues that hold three times as much, and fill no faster: more, by less than three.
    assert 1.3 < more / once < 3.1
    ec50 = best.bench.parameters[EC50].value
    sensitive = figures(ec50=[ec50, ec50 * once / more])
    for row, both in figures(**held).items():
        assert both == pytest.approx(sensitive[row], rel=1e-9), row


def test_people_on_the_shelf_lose_what_was_found_and_alike_none_would_be_deaf():
    shelf = CATALOG.get("insults", "cisplatin").card.parameter("ec50", "human")
    found = figures(spread=[shelf.subjects, 1e-6])
    # Within twice the errors that the fit gives.
    assert found["ear:D1"][0] == pytest.approx(3.2, abs=1.8)
    assert np.log(found["ear:D1.odds"][0]) == pytest.approx(np.log(1.59), abs=0.34)
    assert found["ear:D1.severe"][0] == pytest.approx(0.18, abs=0.1)
    for row, share in (("", 0.482), (".ctcae", 0.575), (".brock", 0.405), (".chang", 0.403)):
        assert found[f"ear:D3{row}"][0] == pytest.approx(share, abs=0.134)
    # A quarter of what was measured at most.
    assert found["ear:D1.severe"][1] < 0.18 / 4, (
        "without a spread between people hardly anybody would be deaf"
    )
    assert "used, hence no evidence" in shelf.because


def test_people_on_the_shelf_differ_as_the_draws_of_the_fit_say():
    """Stated in two digits, as a coefficient of variation: no tool writes it."""
    shelf = CATALOG.get("insults", "cisplatin").card.parameter("ec50", "human")
    assert shelf.subjects == pytest.approx(
        read_draws(FITS / "cisplatin_people.csv").ends[SPREAD][1], rel=0.03
    )


def test_childhood_is_the_childrens_alone_and_costs_them_hearing():
    found = figures(childhood=[0.0, 0.8])
    # From 1 to 18 years alike: the youngest has 17 of the 18 before it, the eldest none.
    youth = np.sort(people.Best.of(lanes(spread=[1.0])).children.youth)
    assert youth == pytest.approx(np.linspace(0.0, 17.0 / 18.0, youth.size), abs=0.01)
    for row, (without, much) in found.items():
        if row.startswith("ear:D1"):
            assert without == much, row
        else:
            assert much > without + 0.05, row


def test_a_world_has_one_figure_of_its_own_numbers_however_many_it_has():
    """Half-effects differ between people, and the group is integrated over: it begins at no person of it."""
    one, three = (Bench(Terms(CATALOG, 3), CASE, count).replicate() for count in (1, 3))
    assert all(np.array_equal(np.repeat(one[row], 3), three[row]) for row in one)
    assert len(set(one["ear:D1"])) == 3
    bench = Bench(Terms(CATALOG, 3), CASE, 2)
    p, middle = bench.parameters[EC50], bench.typical
    assert np.array_equal(middle.columns[EC50], p.at(1, np.arange(3)))
    assert not np.any(np.isin(bench.columns[EC50], middle.columns[EC50]))
    pinned = replace(bench, pinned={EC50: np.repeat([1.0, 2.0, 3.0], 2)}).typical
    assert list(pinned.columns[EC50]) == [1.0, 2.0, 3.0]


def test_shifts_are_computed_anew_where_a_number_that_they_rest_on_is_another(monkeypatch, best):
    same = people.Best.of(Bench(Terms(Catalog(), 5), CASE, 2))
    assert same == best
    assert hash(same) == hash(best)

    def steeper(self: Bench, stated: Parameter) -> Parameter:
        return replace(stated, value=2.0) if stated.name == "cells.ohc.hill" else stated

    monkeypatch.setattr(Bench, "_stands", steeper)
    other = people.Best.of(Bench(Terms(CATALOG, 1), CASE, 1))
    assert other != best
    now, then = (people.shifts(one, 6.0, (4,))(3.0, np.log([2.0])) for one in (other, best))
    assert np.max(np.abs(now - then)) > 1.0
