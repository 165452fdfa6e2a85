"""The table of credibility says what was run and counts what is there: nothing is filled in that was not."""

from __future__ import annotations

import dataclasses
import re

import pytest

from otosome.answers.numbers import interval, share_interval
from otosome.answers.sources import sources
from otosome.catalog import Catalog
from otosome.study import load
from otosome.trials.credibility import NOT_STATED, Run, credibility
from otosome.trials.operating import Operating, Prediction, Simulated
from otosome.trials.plan import Estimand, Plan

PLAN = Plan("", {}, (), (), Estimand("mice", "a against b", "threshold", "none", "mean"), "")


def operating(belief, positive, wrong):
    worlds = (0.5, 0.25, 0.75)
    share = share_interval(positive * 1000, 1000)
    return Operating(
        belief, share, wrong, worlds, 0.01, 0.02, interval([1.0], "dB", gain=True), 0.0, 0.95, ""
    )


def run_of(name, prediction=None, left_out=0):
    rows = (operating("none", 0.03, 0.025), operating("mechanism", 0.5, 0.0))
    done = Simulated(1000, 6, 40, 4, left_out, 1, "", rows, (), (), prediction=prediction)
    return Run(load(name), done, 3e-12, 0.004)


def items(run, consequence=""):
    return {row.item: row for row in credibility("Do they?", consequence, PLAN, run)}


def test_a_formula_has_no_influence_of_the_model_and_claims_no_run():
    rows = items(None)
    assert rows["model influence"].done.startswith("none")
    assert not any(name.startswith(("verification", "validation", "inputs", "uncertainty")) for name in rows)
    assert rows["consequence of a wrong decision"].done == NOT_STATED
    assert items(None, "animals in vain")["consequence of a wrong decision"].done == "animals in vain"


def test_the_errors_are_those_of_the_run():
    rows = items(run_of("noise_mouse", left_out=2))
    steps = rows["verification: conservation and steps"]
    assert "3×10⁻¹²" in steps.done and "over 38 ears" in steps.done
    assert steps.open.startswith("2 ears")
    # Positive and wrong under no effect are both errors of the first kind: 3 % and 2.5 %.
    assert re.search(r"under no effect [56] % significant", rows["verification: the trials"].done)
    assert "25 % to 75 %" in rows["uncertainty"].done


def test_the_inputs_are_counted_by_what_they_stand_on():
    rows = sources(load("noise_mouse"))
    measured = sum(row.basis in ("measured", "secondary") for row in rows)
    item = items(run_of("noise_mouse"))["inputs"]
    assert item.done.startswith(f"{len(rows)} numbers and curves")
    assert item.open == f"{round(100 * (1 - measured / len(rows)))} % not measured"


def test_the_published_cases_are_those_of_the_same_insult_in_the_same_species():
    item = items(run_of("noise_mouse"))["validation"]
    named = re.findall(r"ear:\S+", item.open)
    assert named
    catalog = Catalog()
    for row in named:
        (entry,) = (
            each for name in catalog.names("cases") if row in (each := catalog.get("cases", name)).options.row
        )
        study = entry.options.study
        assert study["species"] == "mouse"
        assert "noise" in {use["entry"] for use in study["insult"].values()}


@pytest.mark.parametrize(("name", "people"), [("noise_mouse", False), ("cisplatin_human", True)])
def test_what_is_of_animals_is_not_said_to_be_of_people(name, people):
    item = items(run_of(name))["applicability"]
    assert (item.open == "") is people


def test_a_trial_laid_beside_is_part_of_the_validation():
    middle = interval([0.4], "%")
    beside = Prediction("31/55", middle, middle, "14/49", middle, 0.1, 3.0, "published 14/49 = 29 % worse")
    assert items(run_of("cisplatin_human", beside))["validation"].done.startswith("published 14/49")
    assert {f.name for f in dataclasses.fields(Prediction)} >= {"treated", "predicted"}
