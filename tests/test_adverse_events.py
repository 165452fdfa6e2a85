"""What routes and devices may do to a person: counts leave bounds, ratios leave differences."""

import numpy as np
import pytest
from scipy.stats import beta, norm

from otosome.catalog import get, names
from otosome.errors import BadInput
from otosome.evidence import draw_columns
from otosome.model.adverse_events import AdverseEvent

COUNTED = [name for name in names("adverse_events") if get("adverse_events", name).options.counted]
TRIALS = {  # relative risks of 55 randomised trials with the 95 % intervals they were published with
    "fever": (2.48, 1.27, 4.86),
    "thromboembolism": (1.14, 0.67, 1.95),
    "death": (0.78, 0.65, 0.94),
    "malignancy": (0.93, 0.60, 1.45),
}


def bound(name, people=1000):
    entry = get("adverse_events", name)
    return entry.bind(draw_columns(entry.parameters("human").values(), 1, 0, people, 1), "human")


@pytest.mark.parametrize("name", COUNTED)
def test_a_risk_from_counts_is_what_they_leave_possible(name):
    risk = get("adverse_events", name).card.parameter("risk", "human")
    events, people = map(int, get("adverse_events", name).options.counted.split(" of "))
    left = beta(events + 1, people - events + 1).ppf([0.05, 0.5, 0.95])
    # To the two digits a file states.
    assert np.allclose([risk.low, risk.value, risk.high], left, rtol=0.03)
    if events == 0:
        # One-sided 95 %: about three over n.
        assert risk.high == pytest.approx(3.0 / people, rel=0.2)


@pytest.mark.parametrize("name", TRIALS)
def test_a_published_interval_of_95_percent_is_kept(name):
    ratio = get("adverse_events", name).card.parameter("ratio", "human")
    value, low, high = TRIALS[name]
    inner = norm.ppf(0.95) / norm.ppf(0.975) * np.log(high / low) / 2.0
    assert ratio.value == value
    # To the two digits a file states.
    assert np.allclose([ratio.low, ratio.high], value * np.exp([-inner, inner]), rtol=0.01)


def test_live_cells_show_no_excess_of_tumours_that_vesicles_could_avoid():
    excess = bound("malignancy").excess(1)
    assert np.quantile(excess, 0.05) < 0.0 < np.quantile(excess, 0.95)
    assert np.median(excess) < 0.0
    # Fever is what they do bring: its interval leaves no adverse event out.
    assert np.quantile(bound("fever").excess(1), 0.05) > 0.0


@pytest.mark.parametrize("name", names("adverse_events"))
def test_a_harm_is_a_share_of_people_and_costs_something(name):
    adverse_event = bound(name)
    once, thrice = adverse_event.excess(1), adverse_event.excess(3)
    assert once.shape == (1000,) and np.all(np.isfinite(once)) and np.all(np.abs(once) < 1.0)
    assert np.all(adverse_event.weight > 0)
    assert np.all(thrice >= once) if adverse_event.per == "procedure" else np.array_equal(thrice, once)


def test_a_second_dose_may_be_riskier_than_the_first_and_none_is_free():
    adverse_event = bound("vesicle_reaction")
    first, second = adverse_event.excess(1), adverse_event.excess(2) - adverse_event.excess(1)
    assert np.all(second > 0)
    assert np.any(second > first) and np.any(second < first)


def test_what_a_harm_is_made_of_is_asked_for():
    with pytest.raises(BadInput, match="a risk, or a ratio and a background"):
        AdverseEvent(of=("x",), per="person", weight=np.ones(1))
    with pytest.raises(BadInput, match="a risk, or a ratio and a background"):
        AdverseEvent(of=("x",), per="person", weight=np.ones(1), ratio=np.ones(1))


@pytest.mark.parametrize("name", names("adverse_events"))
def test_what_brings_a_harm_is_a_route_a_device_or_vesicles(name):
    assert set(get("adverse_events", name).options.of) <= {*names("routes"), *names("devices"), "vesicles"}
