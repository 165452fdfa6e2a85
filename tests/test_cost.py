"""What a run is foreseen to take: in proportion to its parts, and with a limit that can be insisted on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otosome import jobs
from otosome.errors import BadInput
from otosome.forward import draw, simulate
from otosome.forward.cost import LONGEST_SECONDS, check_cost, forecast
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
    assert forecast(study, 3).size == pytest.approx(whole.nbytes, rel=0.2)
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
