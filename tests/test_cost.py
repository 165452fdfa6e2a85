"""What a run is foreseen to take: in proportion to its parts, and with a limit that can be insisted on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otosome import jobs
from otosome.errors import BadInput
from otosome.forward import cost, draw, simulate
from otosome.forward.cost import LONGEST_SECONDS, Cost, check_cost, forecast
from otosome.forward.planning import plan
from otosome.forward.simulation import ears_at_once
from otosome.study import Study, load

NAME = "noise_mouse"


@pytest.fixture(scope="module")
def study():
    return load(NAME)


def shorter(study, arms):
    return replace(study, tables=study.tables.model_copy(update={"arm": study.tables.arm[:arms]}))


def test_time_grows_with_ears_and_falls_with_workers(study):
    width = ears_at_once(plan(study))
    one = forecast(study, width)
    assert forecast(study, 7 * width).seconds == pytest.approx(7 * one.seconds)
    # A block is padded to full: its last ear costs as much as its first.
    assert forecast(study, 1).seconds == one.seconds
    assert forecast(study, width, workers=1).seconds == pytest.approx(2 * one.seconds)


def test_the_size_is_that_of_the_cells_a_result_keeps(study):
    whole = simulate(study, draw(study, 3, seed=1), workers=1)
    by_place = [variable for variable in whole.data_vars.values() if "place" in variable.dims]
    # As if each number took eight bytes; counts take four.
    assert forecast(study, 3).size == 8 * sum(variable.size for variable in by_place)
    # All else, such as readings, is small beside it.
    assert forecast(study, 3).size > 0.9 * whole.nbytes
    assert forecast(study, 30).size == pytest.approx(10 * forecast(study, 3).size)


def test_a_long_run_is_refused_with_its_figures_and_may_be_insisted_on(study, tmp_path):
    many = 1_000_000
    with pytest.raises(
        BadInput, match=r"is a long run; given: about \d+ (h|days) and \d+\.\d GB: 1000000 ears"
    ) as refusal:
        check_cost(study, many)
    assert "--insist" in str(refusal.value)
    assert check_cost(study, 200).seconds < LONGEST_SECONDS
    with pytest.raises(BadInput, match="is a long run"):
        jobs.run(jobs.StudyInputs(study=NAME, subjects=many, out=tmp_path / "long"))
    assert list(tmp_path.iterdir()) == []


def test_more_than_two_hundred_arms_are_refused(study):
    arm = study.tables.arm[0].model_dump(exclude_defaults=True)
    values = {**study.tables.model_dump(exclude_defaults=True, by_alias=True)}
    values["arm"] = [{**arm, "name": f"arm {k}"} for k in range(201)]
    with pytest.raises(BadInput, match="holds too many"):
        Study.of(values, name="many")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3.0, "3 s"),
        (89.0, "89 s"),
        (91.0, "2 min"),
        (5399.0, "90 min"),
        (5401.0, "2 h"),
        (36 * 3600.0 - 1, "36 h"),
        (36 * 3600.0 + 1, "2 days"),
        (10 * 86400.0, "10 days"),
    ],
)
def test_a_time_is_said_in_the_unit_people_count_it_in(seconds, words):
    assert str(Cost(seconds, 2.5e9)) == f"about {words} and 2.5 GB"


@pytest.mark.parametrize(
    ("foreseen", "long"),
    [
        (Cost(3599.0, 7.9e9), False),
        (Cost(3601.0, 1.0), True),
        (Cost(1.0, 8.1e9), True),
        (Cost(1.0, 7.9e9), False),
    ],
)
def test_an_hour_and_eight_gigabytes_are_the_limits_each_alone(study, monkeypatch, foreseen, long):
    monkeypatch.setattr(cost, "forecast", lambda *_: foreseen)
    if long:
        with pytest.raises(BadInput, match="is a long run"):
            check_cost(study, 1)
    else:
        assert check_cost(study, 1) == foreseen
