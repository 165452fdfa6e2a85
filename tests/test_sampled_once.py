"""Animals that give one sample each, or samples of their own: no sample drains the ear of another animal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from otosome.errors import BadInput
from otosome.fitting.free import Free
from otosome.fitting.likelihood import Likelihood
from otosome.fitting.observations import matched
from otosome.forward import best, simulate
from otosome.study import loads
from test_drugs import DRUG, HEAD

DOSE = HEAD + DRUG.format(
    route="round_window", solute="dexamethasone", dose='concentration = "4 mg/mL"\nvolume = "10 uL"'
)
TIMES = (0.5, 1.0, 2.0, 4.0)
# Steps differ where there are other events: what is compared differs by that alone.
STEPS = 3e-3


def sample(name, times, animals="", number=1):
    """A sample of 10 uL and the measure that reads it, as text."""
    at = ", ".join(f'"{time:g} h"' for time in times)
    whose = f'animals = "{animals}"\n' if animals else ""
    return (
        f'[sample.{name}]\nat = [{at}]\nvolume = "{10 / number:g} uL"\nduration = "1 min"\nnumber = {number}\n{whose}'
        f'[measure.in_{name}]\nendpoint = "concentration"\nsolute = "dexamethasone"\nsample = "{name}"\nat = [{at}]\n'
    )


def read(text, measure):
    """What is true of a measure in the ear of best values, shape (time,), and the area of the curve at the base."""
    study = loads(DOSE + text, "drug.toml")
    result = simulate(study, best(study), workers=1)
    curve = result["concentration_dexamethasone"].sel(probe="base").values[0, 0]
    held = result[measure].sel(time=[float(time) for time in study.tables.measure[measure].at])
    return held.values[0, 0, :, 0], np.trapezoid(curve, result["hour"].values)


def test_animals_sampled_once_read_what_ears_sampled_once_hold():
    each, area = read(sample("basal", TIMES, "each"), "in_basal")
    alone = [read(sample("basal", [time]), "in_basal")[0][0] for time in TIMES]
    serial, drained = read(sample("basal", TIMES), "in_basal")
    assert each == pytest.approx(alone, rel=STEPS)
    assert serial[0] == pytest.approx(each[0], rel=STEPS), "the first is drawn from a whole ear in both"
    assert np.all(serial[1:] < 0.97 * each[1:]), "what was drawn before is missing from later samples"
    _, whole = read('[sample.late]\nat = ["23.9 h"]\nvolume = "1 uL"\n' + sample("b", [1.0], "each"), "in_b")
    assert area == pytest.approx(whole, rel=STEPS), "curves are of ears that nothing was drawn from"
    assert drained < 0.95 * area


def test_animals_of_their_own_schedule_read_what_such_ears_hold():
    """The same moment, in an ear from which one was drawn before and in one from which none was."""
    both = sample("early", [0.5, 2.0], "first") + sample("late", [2.0, 4.0], "second")
    early, late = read(both, "in_early")[0], read(both, "in_late")[0]
    assert early == pytest.approx(read(sample("early", [0.5, 2.0]), "in_early")[0], rel=STEPS)
    assert late == pytest.approx(read(sample("late", [2.0, 4.0]), "in_late")[0], rel=STEPS)
    assert early[1] < 0.97 * late[0]


def test_what_is_drawn_of_every_ear_is_missing_from_the_samples_of_some():
    shared = '[sample.all]\nat = ["1 h"]\nvolume = "10 uL"\nduration = "1 min"\n'
    after = read(shared + sample("basal", [0.5, 2.0], "each"), "in_basal")[0]
    alone = read(sample("basal", [0.5, 2.0], "each"), "in_basal")[0]
    serial = read(sample("basal", [1.0, 2.0]), "in_basal")[0]
    assert after == pytest.approx([alone[0], serial[1]], rel=STEPS)


def test_samples_one_right_after_another_are_of_one_animal_each_time():
    """Ten in a row from the base: the second is drawn after the first, and those of 4 h find a whole ear."""
    each = read(sample("basal", [1.0, 4.0], "each", number=4), "in_basal")[0]
    alone = [read(sample("basal", [time], number=4), "in_basal")[0][0] for time in (1.0, 4.0)]
    assert each == pytest.approx(alone, rel=STEPS)


def test_samples_of_different_animals_may_be_drawn_at_once_and_those_of_one_may_not():
    first, second = sample("a", [1.0], "first"), sample("b", [1.0], "second")
    loads(DOSE + first + second, "drug.toml")
    for others in ("first", ""):
        with pytest.raises(BadInput, match="while another sample is drawn from the same place"):
            loads(DOSE + first + sample("b", [1.0], others), "drug.toml")


# ---------------------------------------------------------------- whose samples a table holds

SOLUTE = "solutes.dexamethasone"
FREE = f"{SOLUTE}.round_window_permeability"


def table(given, value=100.0):
    """Samples as a laboratory's table holds them: animal and the hours at which it gave one."""
    rows = [
        {"subject": animal, "time": time, "value": value} for animal, times in given.items() for time in times
    ]
    blank = {"ear": "", "group": "", "flag": "", "censored": "none", "place": np.nan, "level": np.nan}
    return pd.DataFrame(rows).assign(**blank, quantity="dexamethasone.perilymph", unit="uM", frequency=np.nan)


def measures_of(text, rows):
    """By animal the measures its readings are of."""
    observed = matched(loads(DOSE + text, "drug.toml"), rows, "table")
    of = {}
    for some in observed.readings:
        for animal in some.animal:
            of.setdefault(observed.animals[animal], []).append(some.measure)
    return of


ONE_EACH = {"a": [0.5], "b": [1.0], "c": [2.0], "d": [4.0]}
BOTH = sample("early", [0.5, 2.0], "first") + sample("late", [2.0, 4.0], "second")


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (sample("basal", TIMES, "each"), ONE_EACH, {key: ["in_basal"] for key in "abcd"}),
        (sample("basal", TIMES), {"a": TIMES}, {"a": ["in_basal"] * 4}),
        (BOTH, {"a": [0.5, 2.0], "b": [2.0, 4.0]}, {"a": ["in_early"] * 2, "b": ["in_late"] * 2}),
        # One was drawn and not assayed: that of 4 h tells which animals it is of.
        (BOTH, {"a": [4.0]}, {"a": ["in_late"]}),
        # The same moment is of the animals that gave no more than this one did.
        (BOTH + sample("alone", [2.0], "third"), {"a": [2.0]}, {"a": ["in_alone"]}),
        (sample("basal", TIMES, "serial"), {"a": [0.5, 4.0]}, {"a": ["in_basal"] * 2}),
    ],
)
def test_a_reading_is_of_the_samples_its_animal_gave(text, given, expected):
    assert measures_of(text, table(given)) == expected


@pytest.mark.parametrize(
    ("animals", "given", "message"),
    [
        ("", ONE_EACH, 'draws 4 samples from every ear.*a gave 1 of them.*animals = "each"'),
        ("", {"a": TIMES, "b": [0.5, 1.0, 2.0]}, "b gave 3 of them"),
        ("each", {"a": TIMES}, "draws each sample from an animal of its own, and a gave 4"),
    ],
)
def test_an_animal_that_gave_other_samples_than_an_ear_of_the_study_is_no_reading_of_it(
    animals, given, message
):
    with pytest.raises(BadInput, match=message):
        measures_of(sample("basal", TIMES, animals), table(given))


def most_probable(text, rows):
    """The permeability, over its best value, at which samples are likeliest of sixteen that are 2 % apart."""
    study = loads(DOSE + text, "drug.toml")
    free = Free.of(study, [FREE])
    times = 1.02 ** np.arange(-4, 12)
    deviates = study.parameters[FREE].deviate(times * study.parameters[FREE].value)[:, None]
    likelihood = Likelihood.of(free, matched(study, rows, "table"), ())
    prior = -0.5 * np.sum(deviates**2, axis=1)
    return float(times[int(np.argmax(likelihood.log_posterior(deviates) - prior))])


def test_samples_of_one_each_find_the_true_permeability_which_serial_draws_miss():
    """Made-up animals whose true permeability is the best value, without an error: what they hold is exact."""
    truth, _ = read(sample("basal", TIMES, "each"), "in_basal")
    rows = table(ONE_EACH).assign(value=truth)
    assert most_probable(sample("basal", TIMES, "each"), rows) == pytest.approx(1.0)
    assert most_probable(sample("basal", TIMES), rows.assign(subject="a")) > 1.05
