"""The table of ears: no part of it travels unseen, and any part can be made alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from otosome.cards import read_toml
from otosome.catalog import SHIPPED
from otosome.ears import INDEX, Ears, stacked
from otosome.errors import BadInput
from otosome.forward import best, draw, observe, simulate
from otosome.forward.crossing import crossing
from otosome.study import Study, load, loads

WEEK = """
otosome = "study/1"
species = "mouse"
mechanisms = []

[insult.noise]
entry = "noise"
level = "100 dB SPL"
band = ["8 kHz", "16 kHz"]
duration = "2 h"
at = ["0 h"]

[[arm]]
name = "quiet"

[[arm]]
name = "noise"
insults = ["noise"]

[measure.abr]
endpoint = "abr_threshold"
frequency = ["16 kHz", "32 kHz"]
at = ["1 d", "7 d"]
"""


@pytest.fixture(scope="module")
def study():
    return loads(WEEK, "noise_week")


@pytest.fixture(scope="module")
def ears(study):
    return draw(study, 24, seed=5)


@pytest.mark.parametrize("part", [slice(0, 1), slice(9, 13), slice(10, 24), slice(23, 24)])
@pytest.mark.parametrize("world", [1, 6, 10])
def test_a_part_made_alone_is_that_part_of_the_whole(study, part, world):
    whole = draw(study, 24, seed=5, world=world)
    assert draw(study, seed=5, world=world, rows=part) == whole.take(part)


@pytest.mark.parametrize("rows", [slice(4, 4), slice(-2, 4), slice(0, 4, 2), slice(3, None)])
def test_a_part_that_is_no_rising_range_is_refused(study, rows):
    with pytest.raises(BadInput, match="rows: must be a rising range of ears"):
        draw(study, rows=rows)


def test_worlds_are_of_the_size_asked_for(study):
    ears = draw(study, 60, seed=1, world=6)
    assert np.unique(ears.world, return_counts=True)[1].tolist() == [6] * 10
    # What is not known is the same in a world, and another in the next.
    unknown = next(n for n, p in study.parameters.items() if p.low < p.high and not p.subjects and not p.lots)
    assert np.unique(ears[unknown]).size == 10
    assert all(np.unique(ears[unknown][ears.world == w]).size == 1 for w in range(10))


def test_lots_of_a_world_take_turns(study):
    ears = draw(study, 40, seed=1)
    assert all(np.unique(ears.lot[ears.world == w]).size == 3 for w in range(4))
    assert np.unique(ears.lot).size == 12


def test_a_result_has_the_world_and_lot_of_each_of_its_ears(study):
    ears = draw(study, 12, seed=1, world=6)
    result = simulate(study, ears, workers=1)
    for name in ("world", "lot", "person", "weight"):
        assert np.array_equal(result[name], getattr(ears, name))


def test_a_table_made_anew_without_seed_and_worlds_is_refused_by_name(study, ears):
    anew = pd.DataFrame(dict(ears.items()))
    with pytest.raises(BadInput, match=r"^ear: is no column of this table of ears; .*Ears\.of"):
        simulate(study, anew, workers=1)
    result = simulate(study, ears, workers=1)
    with pytest.raises(BadInput, match="is no column of this table of ears"):
        observe(study, result, anew)
    for name in (*INDEX, "seed"):
        with pytest.raises(BadInput, match=f"^{name}: is no column"):
            simulate(study, ears.frame().drop(columns=name), workers=1)


def test_a_table_made_anew_with_its_index_keeps_seed_and_worlds_and_reads_the_same(study, ears):
    result = simulate(study, ears, workers=1)
    frame = ears.frame()
    anew = pd.DataFrame({name: frame[name].to_numpy() for name in frame.columns})
    joined = frame.merge(anew[["ear", "world"]], on=["ear", "world"])
    for table in (anew, joined):
        assert Ears.of(table) == ears
        again = simulate(study, table, workers=1)
        assert again.attrs["seed"] == 5
        assert observe(study, again, table).equals(observe(study, result))


def test_readings_are_of_the_ears_a_result_was_made_with_or_refused(study, ears):
    more = ears.assign(**{"cells.ohc.susceptibility": 2.0 * ears["cells.ohc.susceptibility"]})
    result = simulate(study, more, workers=1)
    for wrong in (None, ears, draw(study, 24, seed=6)):
        with pytest.raises(BadInput, match="ears: are not those the result was made with"):
            observe(study, result, wrong)
    assert len(observe(study, result, more)) == 24 * 2 * 2 * 2
    # Of any worlds: drawn again, they would be others.
    six = draw(study, 24, seed=5, world=6)
    with pytest.raises(BadInput, match="are not those"):
        observe(study, simulate(study, six, workers=1))


def test_ears_in_another_order_have_the_same_readings(study, ears):
    order = np.random.default_rng(0).permutation(24)[:15]
    mixed = ears.take(order)
    keys = ["group", "subject", "time", "frequency"]
    some, whole = (
        observe(study, simulate(study, table, workers=1), table).set_index(keys)["value"]
        for table in (mixed, ears)
    )
    assert some.sort_index().equals(whole[whole.index.get_level_values("subject").isin(order)].sort_index())


def test_ears_are_written_and_read_back_to_the_last_bit(study, tmp_path):
    ears = draw(study, 7, seed=2**63 - 1)
    ears.write(tmp_path / "ears.parquet")
    assert Ears.read(tmp_path / "ears.parquet") == ears
    (tmp_path / "no.parquet").write_bytes(b"no table")
    with pytest.raises(BadInput, match=r"no\.parquet: cannot be read as a Parquet table"):
        Ears.read(tmp_path / "no.parquet")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("seed", [1] * 23 + [2], "seed: is one number"),
        ("seed", -1, "seed: is one number"),
        ("world", 0.5, "world: is a whole number"),
        ("lot", "a", "lot: is a number for each ear"),
        ("weight", -1.0, "weight: is finite and not negative"),
        ("weight", np.nan, "weight: is finite and not negative"),
        ("ear", 3, "ear: is there twice; given: 3"),
        ("cells.ohc.nothing", 1.0, "cells.ohc.nothing: is a column of the ears and no number of the study"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_by_name(study, ears, column, value, said):
    with pytest.raises(BadInput, match=said):
        simulate(study, ears.frame().assign(**{column: value}), workers=1)


def test_ears_that_lack_a_number_are_refused_by_its_name(study, ears):
    with pytest.raises(BadInput, match=r"cells\.ohc\.death: is a number of the study and no column"):
        simulate(study, ears.frame().drop(columns="cells.ohc.death"), workers=1)


def test_weights_are_kept_with_a_result_and_refused_where_ears_are_counted(study, ears):
    weighed = Ears.of(ears.frame().assign(weight=np.linspace(0.5, 2.0, 24)))
    assert np.array_equal(simulate(study, weighed, workers=1).weight, weighed.weight)
    weighed.take(slice(1)).alike("this")
    with pytest.raises(BadInput, match=r"weight: differs between ears, and this counts each ear once"):
        weighed.alike("this")


def test_columns_go_under_each_other(study):
    one = best(study)
    both = stacked([one, one.assign(**{"cells.ohc.susceptibility": 7.0})])
    assert both["cells.ohc.susceptibility"].tolist() == [one["cells.ohc.susceptibility"][0], 7.0]
    assert all(column.shape == (2,) for column in both.values())


def test_picked_ears_come_in_the_order_asked_for(ears):
    assert ears.take([9, 2, 5]).pick(np.array([5, 9])).ear.tolist() == [5, 9]
    with pytest.raises(BadInput, match="ear: is not in this table of ears; given: 24"):
        ears.pick(np.array([3, 24]))


def test_what_crosses_is_looked_at_in_one_ear_of_each_world():
    shipped = load("cisplatin_guinea_pig")
    ears = draw(shipped, 12, seed=1, world=6)
    alone = Ears.alone({name: column[[0, 6]] for name, column in ears.items()})
    assert crossing(shipped, ears) == crossing(shipped, alone)


def with_lots(*names, particles="2e13 particles/mL"):
    """The study of mice in noise with so many lots of its own, each given by a treatment; one is linked to itself."""
    study = load("noise_mouse").as_dict()
    lot = read_toml(SHIPPED / "batches" / "example_lot.toml")
    lot["particles"]["value"] = particles
    values = {}
    for name in names:
        linked = {f"batches.{name}.vesicle_fraction": 0.9}
        values[name] = {**lot, "count_error": {**lot["count_error"], "linked": linked}}
    vesicles = study["treatment"]["vesicles"]
    given = {f"vesicles {place}": {**vesicles, "batch": name} for place, name in enumerate(names)}
    arms = [{"name": key, "insults": list(study["insult"]), "treatments": [key]} for key in given]
    rest = {key: value for key, value in study.items() if key not in ("compare", "preference")}
    return Study.of({**rest, "treatment": given, "arm": arms, "batch": values})


def columns(ears, name):
    return {key.removeprefix(f"batches.{name}."): ears[key] for key in ears if f"batches.{name}." in key}


def test_what_a_lot_is_called_changes_no_draw():
    north, south = (draw(with_lots(name), 40, seed=3) for name in ("north", "south"))
    one, other = columns(north, "north"), columns(south, "south")
    assert len(one) > 8
    assert all(np.array_equal(values, other[key]) for key, values in one.items())
    # Two lots of one study are two, and the first is drawn as if it were alone.
    both = draw(with_lots("north", "south"), 40, seed=3)
    assert all(np.array_equal(values, one[key]) for key, values in columns(both, "north").items())
    assert not np.any(columns(both, "south")["particles"] == one["particles"])
    # A link follows the lot: the deviates of both numbers go together.
    many = columns(draw(with_lots("x"), 4000, seed=3), "x")
    error, share = many["count_error"][::10], many["vesicle_fraction"][::10]
    assert stats.spearmanr(error, share).statistic == pytest.approx(0.89, abs=0.03)
