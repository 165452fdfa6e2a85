"""What is known of a count, and what may be decided with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t

from otosome.errors import BadInput
from otosome.lots.belief import Belief
from otosome.lots.checklist import checked, share_present
from otosome.lots.count import (
    Count,
    Measurement,
    Scatter,
    count,
    ratio,
    share,
)
from otosome.lots.release import (
    Risks,
    Verdict,
    acceptance,
    decide,
    more_counts,
    overall,
)
from otosome.roles import ChecklistItem

# Published: 1 to 12 % within a day, 2 to 25 % between days.
NTA = Scatter((0.01, 0.12), (0.02, 0.25))
RISKS = Risks(0.05, 0.05)
LABEL = (0.8, 1.2)


def days(n, chance, videos=5, middle=1.0, between=0.0):
    for k in range(n):
        yield Measurement(str(k), middle * np.exp(chance.normal(chance.normal(0, between), 0.03, videos)))


# Knowledge of one number


@given(st.floats(-3, 3), st.floats(0.01, 1), st.floats(0.01, 0.99))
def test_quantiles_are_those_of_the_log_normal(middle, spread, probability):
    belief = Belief.student(middle, spread, np.inf)
    assert belief.quantile(probability) == pytest.approx(
        np.exp(norm.ppf(probability, middle, spread)), rel=1e-6
    )


def test_a_mixture_lies_below_its_own_quantile_as_often_as_it_says():
    belief = Belief(np.array([0.3, 0.7]), np.array([0.0, 1.0]), np.array([0.1, 0.5]), np.array([np.inf, 4.0]))
    for probability in (0.01, 0.3, 0.5, 0.9):
        assert belief.below(belief.quantile(probability)) == pytest.approx(probability)
    expected = 0.3 * norm.cdf((0.5 - 0) / 0.1) + 0.7 * t.cdf((0.5 - 1) / 0.5, 4)
    assert belief.below(np.exp(0.5)) == pytest.approx(expected)


def test_a_share_stays_between_nothing_and_all():
    belief = share({1: 0.97, 2: 0.99, 3: 0.98})
    assert belief is not None
    assert 0 < belief.quantile(0.01) < 0.97 < 0.99 < belief.quantile(0.99) < 1
    assert share({1: 0.97}) is None


# Counting


def test_with_every_spread_known_the_count_is_the_textbook_mean():
    exact = Scatter((0.05, 0.05), (0.1, 0.1))
    chance = np.random.default_rng(1)
    lots = [Measurement(day, np.exp(chance.normal(0, 1e-9, 2))) for day in ("a", "a", "b")]
    within, between = np.log1p(0.05**2), np.log1p(0.1**2)
    precision = 1 / (within / 2 + between) + 1 / (within + between)
    found = count(lots, exact).belief
    assert np.log(found.quantile(0.95)) == pytest.approx(norm.ppf(0.95) / np.sqrt(precision), rel=1e-3)


def test_a_second_count_on_the_same_day_tells_less_than_one_on_another():
    chance = np.random.default_rng(2)
    videos = [np.exp(chance.normal(0, 0.02, 5)) for _ in range(2)]
    same = count([Measurement("a", v) for v in videos], NTA).belief
    other = count([Measurement(day, v) for day, v in zip("ab", videos, strict=True)], NTA).belief
    assert other.quantile(0.95) / other.quantile(0.05) < same.quantile(0.95) / same.quantile(0.05)


def test_the_interval_of_a_count_holds_the_truth_as_often_as_it_says():
    chance = np.random.default_rng(3)
    held = []
    for _ in range(200):
        within, between = chance.uniform(0.01, 0.12), chance.uniform(0.02, 0.25)
        lots = []
        for k in range(3):
            off = chance.normal(0, between) + chance.normal(0, within)
            lots.append(Measurement(str(k), np.exp(off + chance.normal(0, 0.03, 5))))
        belief = count(lots, NTA).belief
        held.append(belief.quantile(0.05) <= 1 <= belief.quantile(0.95))
    # 90 % of 200, give or take two standard deviations.
    assert 0.855 < np.mean(held) < 0.945


def test_what_more_counts_would_tell_is_what_they_tell():
    chance = np.random.default_rng(4)
    exact = Scatter((0.05, 0.05), (0.1, 0.1))
    now = count([Measurement(str(k), np.exp(chance.normal(0, 0.02, 5))) for k in range(2)], exact)
    later = count([Measurement(str(k), np.exp(chance.normal(0, 0.02, 5))) for k in range(6)], exact)
    said = now.after(1, 4)
    widths = [np.log(b.quantile(0.95) / b.quantile(0.05)) for b in (said, later.belief)]
    assert widths[0] == pytest.approx(widths[1], rel=0.02)


def test_what_detergent_leaves_is_known_without_the_error_of_the_day():
    left = ratio(np.array([10.0, 11.0, 9.0]), np.array([100.0, 98.0, 104.0]), NTA.within)
    assert left.quantile(0.5) == pytest.approx(0.0988, rel=0.01)
    single = count([Measurement("a", np.array([10.0, 11.0, 9.0]))], NTA).belief
    assert left.quantile(0.95) / left.quantile(0.05) < single.quantile(0.95) / single.quantile(0.05)


# Deciding


def test_one_count_cannot_release_a_label_claim_of_twenty_percent_however_right_the_lot_is():
    counted = count(list(days(1, np.random.default_rng(5))), NTA)
    decision, inside = decide(counted.belief.moved(1.0), *LABEL, RISKS)
    assert decision == "cannot decide"
    assert 0.7 < inside < 0.9
    assert acceptance(counted.belief, *LABEL, RISKS) is None


def test_more_counts_on_more_days_make_it_decidable_and_as_few_as_can_be():
    counted = count(list(days(1, np.random.default_rng(6))), NTA)
    more = more_counts(counted, *LABEL, RISKS)
    assert more is not None
    assert decide(counted.after(*more), *LABEL, RISKS)[0] == "release"
    assert decide(counted.after(more[0], more[1] - 1), *LABEL, RISKS)[0] == "cannot decide"


def test_a_lot_on_its_limit_is_never_decided():
    counted = count(list(days(2, np.random.default_rng(7), videos=4)), NTA)
    edge = counted.belief.quantile(0.5)
    assert more_counts(counted, edge, 10 * edge, RISKS) is None


@given(st.floats(0.05, 3.0), st.floats(0.01, 0.5), st.floats(0.01, 0.3), st.floats(0.01, 0.3))
@settings(max_examples=40)
def test_released_and_refused_lots_carry_no_more_than_their_risk(median, spread, consumer, producer):
    risks = Risks(consumer, producer)
    decision, inside = decide(Belief.student(np.log(median), spread, np.inf), *LABEL, risks)
    assert decision != "release" or 1 - inside <= consumer
    assert decision != "refuse" or inside <= producer


@pytest.mark.parametrize(
    ("deviations", "decision"),
    [(2.4, "release"), (2.2, "cannot decide"), (-1.2, "cannot decide"), (-1.4, "refuse")],
)
def test_either_risk_decides_on_its_own_side(deviations, decision):
    """A limit of 1 and a normal error: risks of 1 and 10 % turn at 2.33 and -1.28 standard deviations."""
    belief = Belief.student(0.1 * deviations, 0.1, np.inf)
    assert decide(belief, 1.0, np.inf, Risks(consumer=0.01, producer=0.1))[0] == decision


@pytest.mark.parametrize("limits", [(0.8, 1.2), (0.9, np.inf), (0.0, 0.25)])
def test_the_guard_band_is_where_the_decision_turns(limits):
    belief = Belief.student(0.0, 0.05, np.inf)
    accept = acceptance(belief, *limits, RISKS)
    assert accept is not None
    for end in accept:
        if 0 < end < 1e6:
            assert belief.moved(end).within(*limits) == pytest.approx(0.95, abs=1e-6)
    # Known limits of a normal error: 1.645 standard deviations inside.
    if limits == (0.9, np.inf):
        assert np.log(accept[0] / 0.9) == pytest.approx(1.645 * 0.05, rel=1e-3)


def test_one_refusal_refuses_and_one_doubt_leaves_it_open():
    good, bad = Verdict("a", "", "", "release", ""), Verdict("b", "", "", "refuse", "too few")
    doubt = Verdict("c", "", "", "cannot decide", "not measured")
    assert overall([good])[0] == "release"
    assert overall([good, doubt])[0] == "cannot decide"
    assert overall([good, doubt, bad]) == ("refuse", "b: too few")
    assert overall([])[0] == "cannot decide"


# Reporting

ITEMS = {k: ChecklistItem(name=k, asks="it", status="mandatory") for k in ("M1", "M2", "M3")}


def test_an_item_is_present_missing_or_not_applicable_and_never_passed():
    found = checked(ITEMS, {"M1": "3e8 cells", "M3": "not applicable: no plasma"}, "lot.toml")
    assert [item.state for item in found] == ["present", "missing", "not applicable"]
    assert share_present(found) == 0.5


def test_what_does_not_apply_says_why():
    with pytest.raises(BadInput, match="says why"):
        checked(ITEMS, {"M1": "not applicable"}, "lot.toml")
    with pytest.raises(BadInput, match=r"M9.*not an item"):
        checked(ITEMS, {"M9": "x"}, "lot.toml")


def test_what_further_counts_would_leave_unknown_falls_to_nothing_with_days_and_not_with_counts_of_a_day():
    one = np.array([0.02]), np.array([0.03]), np.array([0.05])
    belief = Belief.student(0.0, 1.0, np.inf)
    counted = Count(belief, 1, 1, 0.1, 0.1, 0.1, one, np.array([4.0]))

    def spread(more, days, per_measurement=5):
        return float(counted.after(more, days, per_measurement).spread[0])

    # A day of one measurement of five videos: 0.02 / 5 + 0.03 + 0.05; precisions add to what is known.
    assert spread(1, 1) ** -2 == pytest.approx(4.0 + 1 / 0.084)
    assert spread(2, 3) ** -2 == pytest.approx(4.0 + 3 / 0.067)
    assert spread(1, 1, 1) ** -2 == pytest.approx(4.0 + 1 / 0.1)
    assert spread(10**9, 1) ** -2 == pytest.approx(4.0 + 1 / 0.05)
    assert spread(1, 10**9) < 1e-4
    assert spread(1, 0) == 0.5
    wide = replace(counted, _precision=np.array([1e-9]))
    assert float(wide.after(1, 1).spread[0]) ** 2 == pytest.approx(0.084, rel=1e-6)


def test_a_count_is_the_mixed_model_of_dense_algebra_at_every_point_of_its_grid():
    """Means of measurements as one normal vector: errors of their own, and a day's that those of a day share.

    Its mean is free, so that the likelihood is the restricted one (Patterson and Thompson 1971).
    """
    chance = np.random.default_rng(8)
    when = np.array(["a", "a", "b", "c", "c", "c"])
    lots = [Measurement(day, np.exp(chance.normal(0.3, 0.2, 3 + n % 2))) for n, day in enumerate(when)]
    told = count(lots, NTA)
    means = np.array([np.log(lot.counts).mean() for lot in lots])
    sizes, ones = np.array([lot.counts.size for lot in lots]), np.ones(len(lots))
    logs, middles, spreads = [], [], []
    for video, within, between in zip(*told._grid, strict=True):
        whole = np.diag(video / sizes + within) + between * (when[:, None] == when)
        solved = np.linalg.solve(whole, np.column_stack([ones, means]))
        precision = ones @ solved[:, 0]
        middle = ones @ solved[:, 1] / precision
        left = means - middle
        fit = left @ np.linalg.solve(whole, left)
        logs.append(-0.5 * (np.linalg.slogdet(whole)[1] + np.log(precision) + fit))
        middles.append(middle)
        spreads.append(precision**-0.5)
    weight = np.exp(np.array(logs) - max(logs))
    assert told.belief.weight == pytest.approx(weight / weight.sum(), rel=1e-8)
    assert told.belief.middle == pytest.approx(np.array(middles), rel=1e-9)
    assert told.belief.spread == pytest.approx(np.array(spreads), rel=1e-9)
