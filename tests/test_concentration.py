"""What an assay reads of a drug: an endpoint with a likelihood, samples one after another, curves in a result."""

from __future__ import annotations

import numpy as np
import pytest

from otosome.catalog import get
from otosome.errors import BadInput
from otosome.forward import Cochleae, Fate, best, draw, evaluate, observe, plan, simulate
from otosome.forward.endpoints import endpoint
from otosome.roles import Reading
from otosome.study import loads
from test_drugs import DRUG, HEAD

DOSE = DRUG.format(
    route="round_window", solute="dexamethasone", dose='concentration = "4 mg/mL"\nvolume = "5 uL"'
)
MEASURE = """
[measure.base]
endpoint = "concentration"
solute = "dexamethasone"
place = 0.1
at = ["1 h", "4 h", "24 h"]
{more}
"""
APICAL = """
[sample.apex]
at = ["3 h"]
volume = "1 uL"
place = 1.0
duration = "1 min"
number = 10
[measure.tap]
endpoint = "concentration"
solute = "dexamethasone"
sample = "apex"
at = ["3 h", "3.05 h", "3.15 h"]
"""


def study(more="", name="drug.toml"):
    return loads(HEAD + DOSE + more, name)


def test_a_measure_of_a_concentration_is_that_of_its_place_at_its_times():
    chain = study(MEASURE.format(more=""))
    result = simulate(chain, best(chain), workers=1)
    run = Fate(Cochleae(plan(chain), best(chain)), plan(chain).arms[0])
    grid, at = run.ears.plan.places.place, run.ears.plan.at([1.0, 4.0, 24.0])
    along = run.concentration("dexamethasone", "scala_tympani")[0, at]
    expected = [np.interp(0.1, grid, row) for row in along]
    assert result["base"].values[0, 0, :, 0] == pytest.approx(expected, rel=1e-9)
    assert result["base"].attrs["unit"] == "uM"


def test_the_fast_core_gives_the_same_and_follows_the_dose():
    chain = plan(study(MEASURE.format(more="")))
    columns = best(chain.study)
    base = evaluate(chain, columns, [1.0, 4.0])["base"]
    weaker = evaluate(chain, {**columns, "drug.dose.onset": np.array([0.5])}, [1.0, 4.0])["base"]
    assert base.shape[:3] == (1, 1, 2)
    assert weaker[0, 0, 0, 0] != base[0, 0, 0, 0]
    result = simulate(chain.study, best(chain.study), workers=1)
    assert base[0, 0, :, 0] == pytest.approx(result["base"].values[0, 0, :2, 0], rel=1e-9)


@pytest.mark.parametrize("truth", [0.02, 0.1, 3.0])
def test_the_probability_of_all_readings_is_one(truth):
    bound = get("endpoints", "concentration").bind(
        {"endpoints.concentration.error": np.array([0.4])}, "mouse", limit=0.1
    )
    grid = np.exp(np.linspace(np.log(0.1), np.log(100.0), 20001))
    value = np.full((1, grid.size, 1), truth)
    density = bound.log_likelihood(Reading(grid[None, :, None], np.zeros_like(value)), value)
    below = bound.log_likelihood(Reading(np.full((1, 1, 1), 0.1), -np.ones((1, 1, 1))), value[:, :1])
    assert np.trapezoid(np.exp(density[0, :, 0]), grid) + np.exp(below[0, 0, 0]) == pytest.approx(
        1.0, abs=1e-4
    )


def test_what_is_read_spreads_as_the_likelihood_says_and_is_censored_at_the_limit():
    bound = get("endpoints", "concentration").bind(
        {"endpoints.concentration.error": np.array([0.4])}, "mouse", limit=0.1
    )
    luck = (np.arange(4000) + 0.5)[None, :, None] / 4000
    reading = bound.read(np.full(luck.shape, 0.1), luck)
    assert np.mean(reading.censored < 0) == pytest.approx(0.5, abs=0.001)
    assert reading.value.min() == 0.1
    assert np.log(bound.read(np.ones(luck.shape), luck).value).std() == pytest.approx(0.4, rel=0.01)


def test_a_limit_in_mass_is_the_same_in_moles():
    # 392.47 ng/mL of dexamethasone are 1 uM.
    for text in ("392.47 ng/mL", "1 uM"):
        chain = study(MEASURE.format(more=f'limit = "{text}"'))
        table = draw(chain, subjects=2, seed=1)
        bound = endpoint(chain, chain.tables.measure["base"], best(chain))
        assert np.ravel(bound.limit)[0] == pytest.approx(1.0, rel=1e-6)
    readings = observe(chain, simulate(chain, table, workers=1), table)
    base = readings[readings.measure == "base"]
    assert base.value.min() >= 1.0
    assert set(base.censored) == {"none", "below"}


def test_ten_samples_from_the_apex_go_from_apex_to_base_and_past_it():
    """Salt's way: each microlitre comes from nearer the base, until cerebrospinal fluid follows."""
    chain = study(APICAL)
    result = simulate(chain, best(chain), workers=1)
    drawn = result["sampled_dexamethasone"].values[0, 0]
    assert drawn.size == 10
    assert np.allclose(np.diff(result["sampled_at"].values), 1 / 60)
    rises = np.diff(drawn[:4])
    assert np.all(rises > 0.0), "the first come from the apex, and the dose was at the base"
    assert drawn[-1] < drawn.max() / 2, "the last are cerebrospinal fluid for the most part"
    assert result["tap"].values[0, 0, :, 0] == pytest.approx(drawn[[0, 3, 9]], rel=1e-12)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (MEASURE.format(more='sample = "apex"'), "is not known here"),
        (APICAL.replace('at = ["3 h", "3.05 h", "3.15 h"]', 'at = ["4 h"]'), "no sample is drawn then"),
        (APICAL.replace('duration = "1 min"', ""), "take time"),
        (APICAL.replace('volume = "1 uL"', 'volume = "40 uL"'), "more than all perilymph"),
        (MEASURE.format(more="").replace('"dexamethasone"', '"gentamicin"'), "is not known here"),
        (MEASURE.format(more='of = "plasma"'), "has no places"),
        ('[probe.here]\nof = "plasma"\nplace = 0.3\n', "has no places"),
    ],
)
def test_what_cannot_be_assayed_is_refused(more, message):
    with pytest.raises(BadInput, match=message):
        study(more)


def test_a_result_follows_drugs_at_the_probes_and_arms_without_them_hold_none():
    chain = study(
        '[[arm]]\nname = "none"\n[probe.here]\nplace = 0.3\n[probe.blood]\nof = "plasma"\n'
        + MEASURE.format(more="")
    )
    result = simulate(chain, draw(chain, subjects=3, seed=1), workers=1)
    curves = result["concentration_dexamethasone"]
    assert curves.dims == ("arm", "subject", "hour", "probe")
    assert list(result["probe"].values) == ["here", "blood"]
    assert curves.sel(arm="none").max() == 0.0
    assert np.all(curves.sel(arm="drug").max("hour") > 0.0)
    assert curves.sel(arm="drug", hour=0.0).max() == 0.0


def test_a_microdialysate_is_the_mean_of_the_time_it_was_collected():
    """Of a bolus the mean from a to b is C0 (exp(-k a) - exp(-k b)) / (k (b - a)); the first straddles it."""
    bolus = DRUG.format(route="intravenous", solute="dexamethasone", dose='amount = "4 mg/kg"')
    measure = (
        '[measure.dialysate]\nendpoint = "concentration"\nsolute = "dexamethasone"\nof = "plasma"\n'
        'collected = "20 min"\nat = ["10 min", "20 min", "2 h", "18 h"]\n'
    )
    chain = loads(HEAD + bolus + measure, "drug.toml")
    read = simulate(chain, best(chain), workers=1)["dialysate"].values[0, 0, :, 0]
    k, c0, width = 0.24, 4e-3 / chain.parameters["solutes.dexamethasone.molar_mass"].value, 1 / 3
    ends = np.array([1 / 6, 1 / 3, 2.0, 18.0])
    begins = np.maximum(ends - width, 0.0)
    exact = c0 * (np.exp(-k * begins) - np.exp(-k * ends)) / (k * width)
    assert read == pytest.approx(exact, rel=5e-3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('collected = "0 min"', "must lie above zero"),
        ('collected = "10 min"\nsample = "apex"', "is of a probe in place"),
    ],
)
def test_a_dialysate_that_cannot_be_is_refused(more, message):
    text = APICAL.replace('sample = "apex"\n', more + "\n")
    with pytest.raises(BadInput, match=message):
        study(text)
