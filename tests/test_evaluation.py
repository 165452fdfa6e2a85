"""Fate and measure apart, transport carried on, and evaluation of columns: each against the long way round."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tomli_w

from otosome.errors import BadInput
from otosome.forward import (
    Carried,
    Cochleae,
    Fate,
    best,
    draw,
    evaluate,
    jacobian,
    measure,
    outline,
    plan,
    simulate,
)
from otosome.forward.evaluation import measures
from otosome.study import STUDIES, load, loads
from otosome.study.tables import Measure
from otosome.units import Quantity

NOISE = {
    "otosome": "study/1",
    "species": "mouse",
    "mechanisms": [],
    "insult": {
        "noise": {
            "entry": "noise", "level": "100 dB SPL", "band": ["8 kHz", "16 kHz"], "duration": "2 h", "at": ["0 h"]
        }
    },
    "arm": [{"name": "noise", "insults": ["noise"]}],
    "measure": {
        "abr": {
            "endpoint": "abr_threshold",
            "frequency": ["5.6 kHz", "11.3 kHz", "16 kHz", "22.6 kHz", "32 kHz", "45.2 kHz"],
            "at": ["1 d", "14 d"],
        }
    },
}  # fmt: skip
SHIPPED = "cisplatin_guinea_pig"
FULL = "cisplatin + vesicles, one day before"


def noisy(**changes):
    return loads(tomli_w.dumps(NOISE | changes), "noisy")


@pytest.fixture(scope="module")
def noise():
    return noisy()


@pytest.fixture(scope="module")
def shipped():
    """The shipped study with three of its arms."""
    return load(SHIPPED).only("cisplatin + vehicle", FULL, "cisplatin + null vesicles")


# Measure


def test_any_endpoint_of_a_result_is_that_of_a_fresh_simulation(shipped):
    ears = draw(shipped, 3, seed=4)
    result = simulate(shipped, ears, workers=1)
    asked = {
        "emissions": Measure(
            endpoint="dpoae", frequency=[Quantity("4 kHz"), Quantity("12 kHz")],
            at=[Quantity(f"{t:g} h") for t in result.time.to_numpy()],
        ),
        "fibres": Measure(
            endpoint="cell_count", cell="SGN", frequency=[Quantity("8 kHz")],
            at=[Quantity(f"{result.time.to_numpy()[-1]:g} h")],
        ),
    }  # fmt: skip
    again = replace(
        shipped, tables=shipped.tables.model_copy(update={"measure": {**shipped.tables.measure, **asked}})
    )
    # The study itself rests on no number of these endpoints.
    assert not any(name.startswith("endpoints.dpoae.") for name in ears)
    fresh = simulate(again, draw(again, 3, seed=4), workers=1)
    for name, one in asked.items():
        found = measure(shipped, result, ears, one)
        same = fresh[name].sel(time=found.time, frequency=found.frequency)
        # Products with other numbers of frequencies: rounding.
        assert np.allclose(found, same, rtol=1e-12, atol=0)
        assert found.attrs == fresh[name].attrs
        assert np.ptp(found.to_numpy()) > 0


def test_measuring_a_result_takes_no_transport(noise, monkeypatch):
    ears = draw(noise, 20, seed=1)
    result = simulate(noise, ears)
    asked = Measure(endpoint="abr_threshold", frequency=[Quantity("20 kHz")], at=[Quantity("14 d")])

    def never(*_, **__):
        raise AssertionError("fate is asked for")

    monkeypatch.setattr(Fate, "cells", property(never))
    monkeypatch.setattr(Carried, "solve", never)
    found = measure(noise, result, ears, asked)
    assert found.shape == (1, 20, 1, 1)


def test_what_a_result_cannot_measure_is_refused(noise):
    ears = draw(noise, 2, seed=1)
    result = simulate(noise, ears, workers=1)
    asked = noise.tables.measure["abr"]
    with pytest.raises(
        BadInput, match=r"at: is no moment at which cells were kept; given: 48 h; allowed: 24 h, 336 h"
    ):
        measure(noise, result, ears, asked.model_copy(update={"at": [Quantity("2 d")]}))
    with pytest.raises(BadInput, match="are not those the result was made with"):
        measure(noise, result, draw(noise, 2, seed=2), asked)
    with pytest.raises(BadInput, match="keeps no cells to measure"):
        measure(noise, simulate(noise, ears, workers=1, keep=()), ears, asked)


# Carried


def test_a_vector_that_changes_a_mechanism_only_reuses_transport(shipped):
    chain, one, carried = plan(shipped, growth=1.6), best(shipped), Carried()
    at = chain.times[-1:]
    first = evaluate(chain, one, at, carried)["abr"]
    solved = carried.solved
    # Cisplatin, vesicles of the full and of the null lot; soluble protein moves nothing and is not asked for.
    assert 2 <= solved <= 3
    for name in ("mechanisms.hsp70.prevent", "cells.ohc.death", "endpoints.abr_threshold.offset"):
        other = evaluate(chain, one.assign(**{name: 0.5 * one[name] + 0.1}), at, carried)["abr"]
        assert carried.solved == solved
        assert not np.array_equal(other, first)
    evaluate(chain, one.assign(**{"solutes.vesicle.exchange_scale": 2.0}), at, carried)
    assert carried.solved > solved


def test_lanes_that_carry_alike_are_solved_once_and_to_the_same_bits(shipped, monkeypatch):
    from otosome.forward import carried as module

    chain, one, at = plan(shipped, growth=1.6), best(shipped), [plan(shipped).times[-1]]
    columns = {name: np.repeat(column, 5) for name, column in one.items()}
    columns["mechanisms.hsp70.prevent"] = np.linspace(0.1, 0.9, 5)
    columns["solutes.vesicle.exchange_scale"] = columns["solutes.vesicle.exchange_scale"] * [
        1.0,
        2.0,
        1.0,
        2.0,
        1.0,
    ]
    asked = []
    solve = module.transport.solve

    def counted(anatomy, *rest, **more):
        asked.append(anatomy.subjects)
        return solve(anatomy, *rest, **more)

    monkeypatch.setattr(module.transport, "solve", counted)
    found = evaluate(chain, columns, at)["abr"]
    assert max(asked) == 2
    alone = [
        evaluate(chain, {n: c[lane : lane + 1] for n, c in columns.items()}, at)["abr"] for lane in range(5)
    ]
    assert np.array_equal(found, np.concatenate(alone))


def test_what_was_not_asked_for_longest_goes_where_room_is_short(shipped):
    chain, one, at = plan(shipped, [FULL], growth=1.6), best(shipped), [plan(shipped).times[-1]]
    small = Carried(room=1)
    evaluate(chain, one, at, small)
    assert len(small._known) == 1
    solved = small.solved
    evaluate(chain, one, at, small)
    assert small.solved > solved


# Evaluation


def test_a_simulation_is_its_evaluation(noise):
    ears, chain = draw(noise, 11, seed=2), plan(noise)
    result = simulate(noise, ears, workers=1)
    found = evaluate(chain, ears, chain.times)["abr"]
    # Eleven at once and eight at a time: sums over places in another order.
    assert np.allclose(found.transpose(1, 0, 2, 3), result.abr, rtol=1e-12, atol=0)


def test_level_band_onset_and_duration_may_be_columns(noise):
    one = best(noise)
    exposures = [
        ("94 dB SPL", ["8 kHz", "16 kHz"], "2 h", "0 h"),
        ("106 dB SPL", ["4 kHz", "8 kHz"], "2 h", "0 h"),
        ("100 dB SPL", ["8 kHz", "16 kHz"], "4 h", "12 h"),
        ("98 dB SPL", ["11 kHz", "22 kHz"], "2 h", "12 h"),
    ]
    quantities = [(Quantity(a), *map(Quantity, b), Quantity(c), Quantity(d)) for a, b, c, d in exposures]
    keys = ("level", "band_low", "band_high", "duration", "onset")
    columns = {name: np.repeat(column, 4) for name, column in one.items()}
    by_key = zip(keys, zip(*quantities, strict=True), strict=True)
    columns |= {f"insult.noise.{key}": np.array(values, float) for key, values in by_key}
    at = [24.0, 336.0]
    found = evaluate(plan(noise), columns, at)["abr"]
    for lane, (level, band, duration, _) in enumerate(exposures):
        use = {"entry": "noise", "level": level, "band": band, "duration": duration, "at": ["0 h"]}
        stated = plan(noisy(insult={"noise": use}))
        onset, lasting = (columns[f"insult.noise.{key}"][lane] for key in ("onset", "duration"))
        (insult,) = stated.arms[0].insults
        moved = replace(insult, use=replace(insult.use, start=(onset,), stop=(onset + lasting,)))
        alone = evaluate(replace(stated, arms=(replace(stated.arms[0], insults=(moved,)),)), one, at)["abr"]
        assert np.allclose(found[lane], alone[0], rtol=1e-12, atol=0)
    assert len({row.tobytes() for row in found}) == 4


def test_a_dose_may_be_a_column_where_one_is_stated():
    values = tomllib.loads((STUDIES / f"{SHIPPED}.toml").read_text(encoding="utf-8"))
    (full,) = [arm for arm in values["arm"] if arm["name"] == FULL]
    (name,) = full["treatments"]
    values |= {"arm": [full], "treatment": {name: values["treatment"][name] | {"amount": "1e9 particles"}}}
    del values["compare"]
    study = loads(tomli_w.dumps(values))
    chain, one, at = plan(study, growth=1.6), best(study), [plan(study).times[-1]]
    columns = {key: np.repeat(column, 3) for key, column in one.items()}
    columns[f"treatment.{name}.amount"] = 1e9 * np.array([1.0, 0.0, 10.0])
    found = evaluate(chain, columns, at)["abr"]
    assert np.allclose(found[0], evaluate(chain, one, at)["abr"][0], rtol=1e-12)
    # No vesicles protect nothing, and ten times as many no less than one.
    assert np.all(found[2] <= found[0] + 1e-9) and np.all(found[0] <= found[1] + 1e-9)
    assert np.mean(found[1] - found[2]) > 0.1
    unstated = load(SHIPPED)
    with pytest.raises(BadInput, match=r"amount: is no number of the study and no key of its exposures"):
        evaluate(plan(unstated, [FULL]), {**best(unstated), f"treatment.{name}.amount": np.ones(1)}, at)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"insult.noise.loudness": np.ones(1)},
            r"insult\.noise\.loudness: is no number of the study",
        ),
        ({"insult.other.level": np.ones(1)}, r"insult\.other\.level: is no number"),
        ({"cells.ohc.death": np.ones(3)}, r"is not one value for each lane"),
        ({"cells.ohc.death": None}, r"cells\.ohc\.death: is a number of the study and no column"),
    ],
)
def test_columns_that_are_none_of_the_plan_are_refused(noise, change, said):
    columns = {name: np.repeat(column, 2) for name, column in best(noise).items()} | change
    columns = {name: column for name, column in columns.items() if column is not None}
    if "cells.ohc.death" in change and change["cells.ohc.death"] is not None:
        columns["cells.ihc.death"] = np.ones(2)
    with pytest.raises(BadInput, match=said):
        evaluate(plan(noise), columns, [24.0])


def test_a_moment_that_is_not_planned_is_refused(noise):
    with pytest.raises(BadInput, match="at: is no moment the plan measures or watches; given: 25 h"):
        evaluate(plan(noise), best(noise), [25.0])
    watched = plan(noise, watched=(25.0,))
    assert evaluate(watched, best(noise), [25.0])["abr"].shape == (1, 1, 1, 6)


# Outline


def test_an_outline_says_what_its_few_places_and_knots_cost(noise):
    chain = plan(noise)
    short = outline(chain)
    assert short.plan.knots.size <= 30 and short.plan.place.size == 24
    assert 0.0 < short.errors["abr"] < 0.1
    # Of other ears than those it was stated for the error is of the same order.
    ears = draw(noise, 16, seed=9)
    whole, few = (evaluate(one, ears, chain.times)["abr"] for one in (chain, short.plan))
    assert np.max(np.abs(few - whole)) < 5.0 * short.errors["abr"]


def test_an_outline_follows_the_cells_that_are_read_and_no_others():
    emissions = {"endpoint": "dpoae", "frequency": ["8 kHz", "16 kHz"], "at": ["7 d"]}
    assert outline(plan(noisy(measure={"dp": emissions}))).plan.kinds == ("ohc",)
    counted = {"endpoint": "cell_count", "cell": "SGN", "frequency": ["8 kHz"], "at": ["7 d"]}
    short = outline(plan(noisy(measure={"count": counted})))
    assert short.plan.kinds == ("sgn",)
    assert short.errors["count"] < 0.01


def test_an_outline_keeps_the_places_and_knots_of_what_is_carried(shipped):
    chain = plan(shipped, [FULL], growth=1.6)
    short = outline(chain, best(shipped))
    assert np.array_equal(short.plan.knots, chain.knots) and short.plan.places == chain.places
    assert short.plan.place.size < chain.place.size
    assert short.errors["abr"] < 1.0


# Slopes


def test_slopes_of_several_outputs_for_several_rows_are_central_differences(noise):
    chain, rows = plan(noise), draw(noise, 2, seed=8)
    names = [
        "cells.ohc.susceptibility", "insults.noise.ohc", "cells.ihc.knee", "endpoints.abr_threshold.offset",
        "cells.synapse.repair", "insults.noise.irritation",
    ]  # fmt: skip
    rows = rows.assign(**{"endpoints.abr_threshold.offset": 0.0})

    def outputs(ears):
        cells = Fate(ears, ears.plan.arms[0]).cells.at(np.array([-1]))
        return {**measures(ears, chain.times), "ohc": cells.counted("ohc")[:, 0].mean(axis=1)}

    found = jacobian(chain, rows, names, outputs)
    assert found.slopes["abr"].shape == (2, len(names), 1, 2, 6) and found.slopes["ohc"].shape == (
        2,
        len(names),
    )
    for n, name in enumerate(names):
        step = 3e-4 * found.deviates[:, n]
        up, down = (
            outputs(Cochleae(chain, rows.assign(**{name: rows[name] + s * step}))) for s in (1.0, -1.0)
        )
        for output, slopes in found.slopes.items():
            shape = (-1, *[1] * (slopes.ndim - 2))
            central = (up[output] - down[output]) / (2.0 * step.reshape(shape))
            scale = np.max(np.abs(central))
            assert np.allclose(slopes[:, n], central, rtol=1e-4, atol=1e-4 * scale), (name, output)
    # An offset moves a threshold by as much as it is moved.
    offset = names.index("endpoints.abr_threshold.offset")
    assert np.allclose(found.slopes["abr"][:, offset], 1.0, rtol=1e-9)
    assert np.any(found.slopes["ohc"] != 0)


def test_slopes_downstream_share_one_solution_and_those_of_transport_are_right(shipped, monkeypatch):
    from otosome.forward import slopes as module

    carried = []
    monkeypatch.setattr(module, "Carried", lambda: carried.append(Carried()) or carried[-1])
    chain, one = plan(shipped, [FULL], growth=1.6), best(shipped)
    of = partial(measures, at=chain.times[-1:])
    downstream = [
        "mechanisms.hsp70.prevent",
        "mechanisms.hsp70.ec50",
        "cells.ohc.susceptibility",
        "cells.ohc.death",
    ]
    jacobian(chain, one, downstream, of)
    assert carried[-1].solved == 2
    name = "solutes.vesicle.exchange_scale"
    found = jacobian(chain, one, [*downstream[:1], name], of)
    step = 1e-3 * found.deviates[0, 1]
    up, down = (of(Cochleae(chain, one.assign(**{name: one[name] + s * step})))["abr"][0] for s in (1, -1))
    assert np.allclose(found.slopes["abr"][0, 1], (up - down) / (2 * step), rtol=1e-3, atol=1e-4)
    assert np.mean(found.slopes["abr"][0, 0]) < 0


def test_a_number_at_an_end_is_moved_to_the_other_side(noise):
    chain, one = plan(noise), best(noise)

    def square(ears):
        return {"it": (ears.columns["cells.ohc.injured_function"] - 0.3) ** 2}

    number = noise.parameters["cells.ohc.injured_function"]
    for at in (0.0, number.value, number.high):
        found = jacobian(chain, one.assign(**{number.name: at}), [number.name], square)
        assert found.slopes["it"].item() == pytest.approx(2.0 * (at - 0.3), rel=1e-6, abs=1e-9)


def test_what_has_no_slope_is_refused(noise):
    with pytest.raises(BadInput, match=r"cells\.ohc\.nothing: has no slope: it is no number of this study"):
        jacobian(plan(noise), best(noise), ["cells.ohc.nothing"], lambda ears: {})
