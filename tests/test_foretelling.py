"""Animals left out, foretold from a fit and from their run: against the likelihood itself, and made-up readings."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fits
from otosome.errors import BadInput
from otosome.fitting.file import FitTables, HoldOut, _parted, load_fit
from otosome.fitting.foretelling import Rows, foretold, summary
from otosome.fitting.free import Free
from otosome.fitting.observations import Observations
from otosome.study import load
from test_fitting import written

AT = np.array([[0.4, -0.3], [0.1, 0.2]])


@pytest.fixture(scope="module")
def laboratory():
    """Twelve animals of two arms, the even and the odd ones of each arm exposed together."""
    like = fits.laboratory(fits.study(), AT[0], animals=12)
    run = np.arange(24) % 2 + 2 * (np.arange(24) // 12)
    return like.seeing(replace(like.observed, run=run))


def parted(like, animal, place):
    """All but an animal's readings; and one reading of it."""
    (some,) = like.observed.readings
    own = some.animal == animal
    first = np.flatnonzero(own)[place]
    left = some.take(np.arange(some.size) == first)
    return replace(like.observed, readings=(some.take(~own),)), replace(like.observed, readings=(left,))


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("animal", "place"), [(3, 1), (14, 5)])
def test_a_reading_is_foretold_by_what_it_adds_to_the_likelihood(laboratory, known, animal, place):
    """log p(reading | others) = log p(reading and others) - log p(others), whatever the run."""
    like = laboratory if known else laboratory.seeing(replace(laboratory.observed, run=None))
    others, left = parted(like, animal, place)
    both = replace(others, readings=(_joined(others, left),))
    at = AT[:1]
    exact = like.seeing(both).terms(at).sum() - like.seeing(others).terms(at).sum()
    (rows,) = foretold(like.seeing(others), at, left)
    # What is looked up in tables is right within 2e-4.
    assert rows.log[0] == pytest.approx(exact, abs=3e-4)
    assert rows.unit[0] == (laboratory.observed.run[animal] if known else animal)


def _joined(others, left):
    (some,), (one,) = others.readings, left.readings
    own = {
        key: np.concatenate([getattr(some, key), getattr(one, key)])
        for key in ("arm", "time", "tone", "animal", "ear", "row")
    }
    both = (np.concatenate(pair) for pair in zip(*(_parts(r) for r in (some, one)), strict=True))
    return replace(some, reading=type(some.reading)(*both), **own)


def _parts(readings):
    return readings.reading.value, readings.reading.censored


def test_vectors_are_weighed_alike(laboratory):
    others, left = parted(laboratory, 5, 2)
    both, *each = (foretold(laboratory.seeing(others), at, left)[0].log for at in (AT, AT[:1], AT[1:]))
    assert both == pytest.approx(np.logaddexp(*each) - np.log(2.0), abs=1e-12)


def test_nine_of_ten_readings_of_the_model_itself_lie_inside(laboratory):
    """Every third animal foretold by the vector that made it: on a grid of 5 dB somewhat more than nine of ten."""
    fitted, left = _parted(laboratory.observed, HoldOut(every=3), 0)
    (row,) = summary(foretold(laboratory.seeing(fitted), AT[:1], left))
    assert row.readings == 48
    # Three standard errors of 48 readings of eight animals below, everything above.
    assert row.inside.exact[0] > 0.77
    assert row.log_score > row.rival - 0.3


def test_a_gain_and_its_error_are_those_of_means_of_runs():
    """Two readings a run: the error of the mean is that of the means of runs."""
    gains = np.array([0.4, 0.2, -0.1, 0.3, 0.9, 0.5])
    rows = Rows("abr", np.array([1, 1, 4, 4, 7, 7]), gains - 2.0, np.full(6, -2.0), np.ones(6, bool))
    (row,) = summary([rows])
    means = gains.reshape(3, 2).mean(axis=1)
    assert (row.gain, row.gain_error) == pytest.approx((means.mean(), means.std(ddof=1) / np.sqrt(3)))
    assert (row.log_score, row.rival) == pytest.approx((gains.mean() - 2.0, -2.0))
    both = summary([rows, replace(rows, measure="dpoae", rival=np.full(6, np.nan))])
    assert [(r.measure, r.readings) for r in both] == [("abr", 6), ("dpoae", 6), ("all", 12)]
    assert both[2].gain == pytest.approx(row.gain)


def test_every_animal_is_left_out_once_in_turn(tmp_path):
    observed = fits.laboratory(fits.study(), AT[0], animals=6).observed
    file = load_fit(written(tmp_path, fits.study(), observed, hold_out={"every": 3, "in_turn": True}))
    assert file.left.size == 0
    turns = file.turns()
    left = [sorted({int(n) for some in part.readings for n in some.animal}) for _, part in turns]
    assert sorted(animal for part in left for animal in part) == list(range(12))
    assert all(fitted.size + part.size == file.fitted.size for fitted, part in turns)
    with pytest.raises(BadInput, match=r"hold_out.in_turn: needs to know how many .* add every = 4"):
        load_fit(written(tmp_path / "b", fits.study(), observed, hold_out={"in_turn": True}))


def test_readings_of_a_measure_that_was_not_fitted_are_not_foretold(laboratory):
    others, left = parted(laboratory, 5, 2)
    unknown = Observations(tuple(replace(some, measure="other") for some in left.readings), left.animals, {})
    assert foretold(laboratory.seeing(others), AT[:1], unknown) == []
    assert summary([]) == []


def test_the_example_of_mice_in_noise_names_numbers_runs_and_ids_that_there_are():
    folder = Path(__file__).parents[1] / "examples" / "cba_jrj"
    study = load(folder / "study.toml")
    sampled, left_out = (
        FitTables.model_validate(tomllib.loads((folder / name).read_text(encoding="utf-8")))
        for name in ("fit.toml", "left_out.toml")
    )
    assert Free.of(study, sampled.free).names == tuple(sampled.free) == tuple(left_out.free)
    assert left_out.hold_out.in_turn and not sampled.hold_out.in_turn
    assert study.catalog.source(sampled.entry.source)
    runs = pd.read_csv(folder / "runs.csv")
    # No id that the mapping joins to another is left in the runs.
    joined = tomllib.loads((folder / "mapping.toml").read_text(encoding="utf-8"))["animals"]
    assert not set(joined) & set(runs["subject"])
    assert runs["subject"].is_unique
