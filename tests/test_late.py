"""Treatment after the insult: what of its answer is built in."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.answers.contrast import benefits
from otosome.answers.late import benefits_late, closed, late, most
from otosome.forward import draw, plan, through
from otosome.study import Study


def after_noise(first: str) -> Study:
    given = {"route": "round_window", "volume": "2 uL", "at": [first]}
    noise = {
        "entry": "noise",
        "level": "106 dB SPL",
        "band": ["8 kHz", "16 kHz"],
        "duration": "2 h",
        "at": ["0 h"],
    }
    return Study.of(
        {
            "otosome": "study/1",
            "species": "mouse",
            "strain": "cba_caj",
            "mechanisms": ["anti_inflammatory", "anti_apoptotic"],
            "until": "14 d",
            "insult": {"noise": noise, "sham": {"entry": "sham_surgery", "at": [first]}},
            "treatment": {
                "vesicles": {"batch": "example_lot", **given},
                "vehicle": {"batch": "vehicle", **given},
            },
            "arm": [
                {"name": "vesicles", "insults": ["noise", "sham"], "treatments": ["vesicles"]},
                {"name": "vehicle", "insults": ["noise", "sham"], "treatments": ["vehicle"]},
            ],
            "measure": {
                "abr": {"endpoint": "abr_threshold", "frequency": ["16 kHz", "32 kHz"], "at": ["14 d"]}
            },
            "compare": {"measure": "abr", "of": "vesicles", "against": "vehicle"},
        }
    )


@pytest.fixture(scope="module")
def study() -> Study:
    return after_noise("1 d")


@pytest.fixture(scope="module")
def columns(study):
    return dict(draw(study, 40, seed=1))


def test_only_treatment_after_the_insult_is_late_and_an_operation_is_no_insult(study, columns):
    question = study.tables.compare
    found = late(study, question, through(plan(study), columns, benefits_late(study, question)), "dB")
    assert found is not None
    assert found.delay == pytest.approx(22.0)  # a day, less the two hours of noise
    assert "22 h after the insult" in found.text
    assert found.closed.text in found.text and found.most.text in found.text
    for first in ("-1 d", "1 h"):
        early = after_noise(first)
        assert late(early, early.tables.compare, {}, "dB") is None


def test_closing_the_window_costs_every_ear_and_the_strongest_vesicles_are_the_best_of_each(study, columns):
    question = study.tables.compare
    drawn, shut, best = (benefits(study, question, c) for c in (
        columns, closed(study, columns), most(study, columns)
    ))  # fmt: skip
    assert np.all(shut <= drawn + 1e-9)
    assert np.all(best >= drawn - 1e-9)


def test_a_late_benefit_can_be_seen_by_an_experiment_where_it_could_not_with_the_window_closed(
    study, columns
):
    """More than a reading's error of 4 dB in one world of twenty or more; with the window closed in none of them."""
    question = study.tables.compare
    reached = benefits(study, question, most(study, columns))
    shut = benefits(study, question, closed(study, most(study, columns)))
    assert np.mean(reached > 4.0) > 0.05
    assert np.mean(shut > 4.0) < np.mean(reached > 4.0) / 2
    assert reached.min() >= -1e-9  # and may be next to nothing: the window is wide, not open
    # A quarter of a reading's error.
    assert np.quantile(reached, 0.05) < 1.0


def test_a_closed_window_has_no_revival_and_at_most_twice_the_rate(study, columns):
    shut = closed(study, columns)
    assert not np.any(shut["mechanisms.anti_inflammatory.revive"])
    assert shut["mechanisms.anti_inflammatory.clear"].max() <= 1.0
    assert columns["mechanisms.anti_inflammatory.clear"].max() > 1.0
    assert np.array_equal(
        shut["mechanisms.anti_inflammatory.rescue"], columns["mechanisms.anti_inflammatory.rescue"]
    )
