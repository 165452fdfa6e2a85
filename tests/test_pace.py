"""On which knots steps end, and what is between: the events of others are passed, a solute's own never."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from otosome.forward import Cochleae, Fate, best, plan
from otosome.model.transport import Pace, schedule
from otosome.model.transport.pace import ends, spread
from otosome.study import load

PACE = Pace(0.05, 1.2, 12.0)
OWN, OTHERS = 0.0, (24.0, 48.0, 72.0)
KNOTS = schedule([OWN, *OTHERS], 240.0, first=0.05, growth=1.2, longest=12.0)


def chosen(*spans, knots=KNOTS, pace=PACE):
    return ends(knots, spans, pace)


def test_a_solute_that_has_an_event_alone_ends_a_step_on_every_knot():
    knots = schedule([OWN], 240.0, first=0.05, growth=1.2, longest=12.0)
    assert chosen((OWN, OWN), knots=knots).tolist() == list(range(knots.size))
    assert chosen(*((t, t) for t in (OWN, *OTHERS))).tolist() == list(range(KNOTS.size))


def test_past_what_happens_to_others_a_step_is_half_as_long_as_it_would_be_without_it():
    rows = chosen((OWN, OWN))
    steps, since = np.diff(KNOTS[rows]), KNOTS[rows][:-1]
    passing = np.diff(rows) > 1
    assert rows[0] == 0 and rows[-1] == KNOTS.size - 1
    assert passing.sum() > 5 and rows.size < 0.6 * KNOTS.size
    longest = 0.5 * np.minimum(0.05 + 0.2 * since, 12.0)
    assert np.all(steps[passing] <= longest[passing])
    # As far as that allows: one knot more would have been too far.
    beyond = KNOTS[rows[:-1] + np.diff(rows) + 1 - (rows[1:] == KNOTS.size - 1)] - since
    assert np.all(beyond[passing][:-1] > longest[passing][:-1])


def test_long_after_an_event_a_step_is_a_tenth_of_the_time_since():
    knots = schedule([0.0, 4000.0], 8000.0, first=0.05, growth=1.2, longest=12.0, late=0.1)
    for event in (0.0, 4000.0):
        row = knots[(knots > event) & (knots < event + 4000.0)]
        since, steps = row[:-1] - event, np.diff(row)
        usual = np.minimum(0.05 + 0.2 * since, np.maximum(12.0, 0.1 * since))
        assert np.all(steps <= usual * (1 + 1e-9))
        assert np.all(steps[since > 200.0] > 0.09 * since[since > 200.0])
        assert np.all(steps[since < 100.0] <= 12.0 + 1e-9)
    pushed = schedule([0.0], 480.0, [(0.0, 480.0)], first=0.05, growth=1.2, longest=12.0, late=0.1)
    assert np.diff(pushed).max() <= 12.0 + 1e-9
    # A solute passes what happens to others in steps of half of that.
    rows = ends(knots, [(0.0, 0.0)], Pace(0.05, 1.2, 12.0, 0.1))
    passing = np.diff(rows) > 1
    assert np.diff(knots[rows])[passing].max() > 150.0
    assert np.all(np.diff(knots[rows])[passing] <= 0.05 * knots[rows][:-1][passing] + 6.0)


def test_no_step_passes_an_own_event_and_none_a_knot_while_something_lasts():
    rows = chosen((OWN, OWN), (24.0, 48.0))
    inside = np.flatnonzero((KNOTS >= 24.0) & (KNOTS <= 48.0))
    assert set(inside) <= set(rows)
    assert np.count_nonzero(KNOTS[rows] == 48.0) == 2
    # After it steps grow anew from its end.
    after = rows[KNOTS[rows] >= 48.0][1:]
    passing = np.diff(after) > 1
    assert passing.any()
    assert np.all(np.diff(KNOTS[after])[passing] <= 0.5 * (0.05 + 0.2 * (KNOTS[after][:-1] - 48.0))[passing])


def test_what_is_between_is_exact_for_powers_of_time_up_to_the_fifth():
    rows = chosen((OWN, OWN))
    x = KNOTS / 100.0
    values = np.stack([x**power for power in range(6)], axis=1)
    assert spread(values[rows], KNOTS, rows) == pytest.approx(values, rel=1e-9, abs=1e-9)
    sixth = (x**6)[:, None]
    assert spread(sixth[rows], KNOTS, rows) != pytest.approx(sixth, rel=1e-9, abs=1e-9)


def test_what_decays_is_met_to_a_ten_thousandth_of_its_peak():
    rows = chosen((OWN, OWN))
    for half_life in (1.0, 6.0, 24.0, 96.0):
        values = np.exp2(-KNOTS / half_life)[:, None]
        assert spread(values[rows], KNOTS, rows) == pytest.approx(values, abs=1e-4)


def test_nothing_is_taken_across_an_own_event():
    rows = chosen((OWN, OWN), (48.0, 48.0))
    jump = np.where(np.arange(KNOTS.size) > np.flatnonzero(KNOTS == 48.0)[0], 7.0, 3.0)[:, None]
    assert spread(jump[rows], KNOTS, rows) == pytest.approx(jump, rel=1e-12)


def test_nothing_is_made_negative():
    rows = chosen((OWN, OWN))
    front = np.where(KNOTS > 100.0, 1.0, 0.0)[:, None]
    assert spread(front[rows], KNOTS, rows).min() >= 0.0
    below = np.where(KNOTS > 100.0, 1.0, -1e-9)[:, None]
    assert spread(below[rows], KNOTS, rows).min() >= -1e-9


def test_vesicles_are_the_same_whether_others_have_events_or_not_to_a_thousandth_of_their_peak():
    study = load("cisplatin_guinea_pig")
    whole = plan(study, ["cisplatin + vesicles, one day before", "cisplatin + vesicles, ten days after"])
    alone = replace(whole, arms=whole.arms[:1])
    lone = replace(alone, arms=(replace(alone.arms[0], insults=(), drugs=()),))
    moments = [-20.0, -4.0, 3.0, 24.0, 120.0, 239.0, 241.0, 260.0, 480.0]
    values = []
    for each in (whole, lone):
        watched = replace(each, watched=tuple(moments))
        met = Fate(Cochleae(watched, best(study)), watched.arms[0]).vesicles
        values.append(met.concentration["organ_of_corti"].sum(axis=0)[0][watched.at(moments)])
    assert np.any(values[1] > 0)
    assert values[0] == pytest.approx(values[1], abs=1e-3 * values[1].max())
