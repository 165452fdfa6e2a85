"""The equations that are printed, evaluated: their rates are those of the model, and their LaTeX can be set."""

import math
from functools import cache

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser
from typer.testing import CliRunner

from otosome.answers.equations import equations
from otosome.catalog import get
from otosome.cli import app
from otosome.model import hearing
from otosome.model.equations import CELLS, DRUG, MECHANISM, NEURONS, STRESS, STRIA, THRESHOLDS
from otosome.model.injury import KINDS, DrugEffect, Injury, Mechanism, Protection, stress, survive
from otosome.report.equations import latex, latex_lines
from otosome.roles import Ear, Exposure, Use
from otosome.study import Study, load

KNOTS = np.linspace(0.0, 12.0, 2401)
STEP = KNOTS[1]
FUNCTIONS = {
    "exp": np.exp,
    "log": math.log,
    "log2": np.log2,
    "tanh": np.tanh,
    "min": np.minimum,
    "max": np.maximum,
}


def evaluated(printed, names):
    """Every left side of equations, in their order, where names have these values; dotted names with a _ instead."""
    values = dict(names)
    for equation in printed:
        values[equation.left] = eval(compiled(equation.right), {"__builtins__": {}}, FUNCTIONS | values)
    return values


@cache
def compiled(right):
    for kind in (*KINDS, "stria"):
        right = right.replace(f"{kind}.", f"{kind}_")
    return compile(right, "printed", "eval")


def slope(states):
    """Central differences along the knots, without the first and the last, shape (time,)."""
    return (states[2:] - states[:-2]) / (2.0 * STEP)


def numbers(kind):
    return {key: p.value for key, p in get("cells", kind).parameters("mouse").items()}


@pytest.fixture(scope="module")
def fates():
    """Cells of all kinds under waves of stress and hazard and every action of vesicles, at one place."""
    wave = np.reshape(1.0 + 0.5 * np.sin(KNOTS), (1, -1, 1))
    rates = {
        kind: {key: np.array([value]) for key, value in numbers(kind).items()} for kind in (*KINDS, "stria")
    }
    hazards = dict.fromkeys(KINDS, 0.05 * wave)
    actions = {"prevent": 0.7, "rescue": 0.6, "repair": 1.8, "support": 0.5, "revive": 0.3}
    factors = {(act, kind): factor * np.ones_like(wave) for act, factor in actions.items() for kind in KINDS}
    factors["clear", "stress"] = 1.4 * np.ones_like(wave)
    protection = Protection(factors)
    losses = {kind: 0.003 * np.ones_like(wave) for kind in ("ohc", "ihc", "synapse", "sgn")}
    stated = Injury(0.8 * wave, hazards, losses)
    cells = survive(KNOTS, rates, stated, np.array([0.1]), protection)
    return (
        cells,
        stress(KNOTS, stated.production, np.array([0.1]), protection)[0, :, 0],
        wave[0, :, 0],
        actions,
    )


def test_stress_goes_as_printed(fates):
    _, s, wave, _ = fates
    names = {"production": 0.8 * wave, "stress_clearance": 0.1, "clear": 1.4, "s": s}
    assert evaluated(STRESS, names)["ds/dt"][1:-1] == pytest.approx(slope(s), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_go_as_printed(fates, kind):
    cells, s, wave, actions = fates
    own = {"spared": 0.0, "withdrawn": 0.0, "revival": 0.0, "wear": 0.0} | numbers(kind)
    a, b, e = (state[kind][0, :, 0] for state in (cells.intact, cells.injured, cells.silent))
    past = np.concatenate([[0.0], np.cumsum(0.5 * STEP * (s[1:] + s[:-1]))])
    loss = 0.003 * (1.0 + own["wear"] * past / (past + own.get("worn", 1.0)))
    if kind == "sgn":
        alive = sum(state["ihc"][0, :, 0] for state in (cells.intact, cells.injured, cells.silent))
        connected = alive * (cells.intact["synapse"] + cells.injured["synapse"])[0, :, 0]
        loss = loss + starved(connected, own)
    lasting = own["spared"] * np.exp(-np.concatenate([[0.0], np.cumsum(0.5 * STEP * (loss[1:] + loss[:-1]))]))
    states = {"a": a - lasting, "b": b, "e": e, "s": s, "hazard": 0.05 * wave, "loss": loss}
    acts = {"prevent": actions["prevent"], "rescue": actions["rescue"], "mend": actions["repair"]}
    rates = evaluated(CELLS, own | states | acts | {"revive": actions["revive"]})
    for left, state in (("da/dt", a - lasting), ("db/dt", b), ("de/dt", e)):
        assert rates[left][1:-1] == pytest.approx(slope(state), abs=1e-5), left
    assert rates["working"] == pytest.approx(cells.function(kind)[0, :, 0] - lasting, abs=1e-12)


def starved(connected, own):
    """What neurons lose for want of a connection: the printed rates, stepped by Heun's rule."""
    own = own | {"support": 0.5}
    dead = np.zeros(KNOTS.size)
    for i in range(KNOTS.size - 1):
        here = evaluated(NEURONS, own | {"connected": connected[i], "d": dead[i]})["dd/dt"]
        guess = dead[i] + STEP * here
        there = evaluated(NEURONS, own | {"connected": connected[i + 1], "d": guess})["dd/dt"]
        dead[i + 1] = dead[i] + 0.5 * STEP * (here + there)
    return evaluated(NEURONS, own | {"connected": connected, "d": dead})["loss_starved"]


def test_the_stria_goes_as_printed(fates):
    cells, s, _, _ = fates
    v = cells.stria[0, :, 0]
    assert evaluated(STRIA, numbers("stria") | {"s": s, "v": v})["dv/dt"][1:-1] == pytest.approx(
        slope(v), abs=1e-5
    )


def test_mechanisms_go_as_printed():
    own = {"ec50": 2e4, "n50": 3.0, "onset": 2.0, "offset": 9.0}
    column = {key: np.full((1, 1, 1), value) for key, value in own.items()}
    mechanism = Mechanism(acts={"prevent": ("ohc",)}, **column)
    vesicles = np.reshape(1e4 * (1.0 + np.sin(KNOTS)), (1, -1, 1))
    signal = mechanism.signal(0.7 * vesicles, 0.7 * 2e-4 * vesicles)
    effect = mechanism.effect(KNOTS, signal)[0, :, 0]
    given = {"vesicles": vesicles[0, :, 0], "copies": 2e-4 * vesicles[0, :, 0], "potency": 0.7}
    rest = {"E": effect, "gate": 0.4, "largest": 0.8}
    rates = evaluated(MECHANISM, own | given | rest)
    assert rates["signal"] == pytest.approx(signal[0, :, 0], abs=1e-12)
    assert rates["dE/dt"][1:-1] == pytest.approx(slope(effect), abs=1e-5)


def test_drugs_that_act_go_as_printed():
    own = {"ec50": 0.3, "onset": 2.0, "offset": 9.0}
    column = {key: np.full((1, 1, 1), value) for key, value in own.items()}
    drug = DrugEffect(acts={"prevent": ("ohc",)}, **column)
    c = np.reshape(0.5 * (1.0 + np.sin(KNOTS)), (1, -1, 1))
    effect = drug.effect(KNOTS, drug.signal(c))[0, :, 0]
    rates = evaluated(DRUG, own | {"c": c[0, :, 0], "E": effect, "largest": 0.8})
    assert rates["signal"] == pytest.approx(drug.signal(c)[0, :, 0], abs=1e-12)
    assert rates["dE/dt"][1:-1] == pytest.approx(slope(effect), abs=1e-5)


def test_thresholds_are_as_printed(fates):
    cells, *_ = fates
    v = cells.stria[0, :, 0]
    working = {f"working_{kind}": cells.function(kind)[0, :, 0] for kind in KINDS}
    own = {f"{kind}_{key}": value for kind in (*KINDS, "stria") for key, value in numbers(kind).items()}
    shift = evaluated(THRESHOLDS, own | working | {"v": v})["shift"]
    assert shift == pytest.approx(hearing.shift_by_place(cells)[0, :, 0], abs=1e-9)
    assert shift.max() > 20.0


# ---------------------------------------------------------------- insults


def bound(name, **changes):
    entry = get("insults", name)
    table = {p.name: np.array([p.value]) for p in entry.parameters("mouse").values()} | changes
    own = {key: p.value for key, p in entry.parameters("mouse").items()}
    return entry.bind(table, "mouse"), own


PLACES = np.array([0.1, 0.4, 0.8])
EAR = Ear("mouse", PLACES, np.array([50.0, 18.0, 5.0]), np.array([7.0]), {})


def test_noise_does_as_printed():
    # Both are zero at best, which would hide their signs.
    apart = {"received": 1.5, "shading": 4.0}
    formula, own = bound("noise", **{f"insults.noise.{key}": np.array([v]) for key, v in apart.items()})
    own |= apart
    knots = np.array([0.0, 1.0, 2.0])
    exposure = Exposure(knots, {}, Use((0.0,), (2.0,), level=103.0, band=(8.0, 16.0)))
    stated = {"frequency": EAR.frequency, "low": 8.0, "high": 16.0, "level": 103.0, "during": 1.0}
    printed = evaluated(formula.EQUATIONS, own | stated)
    assert printed["production"] == pytest.approx(formula.stress(EAR, exposure)[0, 1], rel=1e-12)
    for kind, rate in formula.hazards(EAR, exposure).items():
        assert printed[f"hazard_{kind}"] == pytest.approx(rate[0, 1], rel=1e-12)


def flat(value):
    return np.full((1, KNOTS.size, PLACES.size), value) * (1.0 + 0.3 * np.sin(KNOTS))[None, :, None]


def compare_hazards(printed, formula, exposure):
    assert printed["production"] == pytest.approx(formula.stress(EAR, exposure)[0], rel=1e-9)
    for kind, rate in formula.hazards(EAR, exposure).items():
        assert printed[f"hazard_{kind}"] == pytest.approx(rate[0], rel=1e-9)


def test_cisplatin_does_as_printed():
    formula, own = bound("cisplatin")
    names = ("cisplatin.lateral_wall", "cisplatin.organ_of_corti", "thiosulfate.organ_of_corti")
    concentration = {name: flat(value) for name, value in zip(names, (3.0, 1.0, 20.0), strict=True)}
    exposure = Exposure(KNOTS, concentration, Use((0.0,), (2.0,)))
    r, p = formula.reactive(exposure)[0], formula.bound(exposure)[0]
    stated = dict(
        zip(("wall", "corti", "thiosulfate"), (part[0] for part in concentration.values()), strict=True)
    )
    printed = evaluated(formula.EQUATIONS, own | stated | {"r": r, "p": p, "x": PLACES, "youth": 0.0})
    assert printed["dr/dt"][1:-1] == pytest.approx(slope(r), rel=1e-4, abs=1e-7)
    assert printed["dp/dt"][1:-1] == pytest.approx(slope(p), rel=1e-4, abs=1e-7)
    compare_hazards(printed, formula, exposure)


def test_gentamicin_does_as_printed():
    formula, own = bound("aminoglycoside")
    concentration = {"gentamicin.scala_media": flat(2.0), "gentamicin.organ_of_corti": flat(30.0)}
    exposure = Exposure(KNOTS, concentration, Use((0.0,), (2.0,)))
    g = formula.hoarded(exposure)[0]
    stated = {"media": flat(2.0)[0], "corti": flat(30.0)[0], "g": g, "x": PLACES}
    printed = evaluated(formula.EQUATIONS, own | stated)
    assert printed["dg/dt"][1:-1] == pytest.approx(slope(g), rel=1e-4, abs=1e-7)
    compare_hazards(printed, formula, exposure)


@pytest.mark.parametrize("name", ["implantation", "sham_surgery"])
def test_instruments_do_as_printed(name):
    formula, own = bound(name)
    exposure = Exposure(KNOTS, {}, Use((0.0,), (0.0,)))
    stated = {"x": PLACES, "length": 7.0, "since": KNOTS[:, None]}
    printed = evaluated(formula.EQUATIONS, own | stated)
    assert printed["production"] == pytest.approx(formula.stress(EAR, exposure)[0], rel=1e-9)
    for rate in formula.hazards(EAR, exposure).values():
        assert printed["hazard"] == pytest.approx(rate[0], rel=1e-9)


def test_years_do_as_printed_and_an_ear_that_reacts_loses_cells_as_printed():
    ageing, own = bound("slow_ageing")
    exposure = Exposure(KNOTS, {}, Use((0.0,), (0.0,)))
    printed = evaluated(ageing.EQUATIONS, own | {"begun": 1.0})
    for kind, rate in ageing.losses(EAR, exposure).items():
        assert printed[f"loss_{kind}"] == pytest.approx(rate[0, 1, 0], rel=1e-12)
    stem = "insults.implantation"
    reacting, own = bound("implantation", **{f"{stem}.reacting": np.array([-9.0])})
    loss = evaluated(reacting.EQUATIONS, own | {"x": 0.5, "length": 7.0, "since": 1.0})["loss"]
    assert reacting.losses(EAR, exposure)["ohc"][0, 100, 0] == pytest.approx(loss, rel=1e-12)


# ---------------------------------------------------------------- as text and LaTeX


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a - b - c", "a - b - c"),
        ("a * (b + c) / d", r"\frac{a \, \left(b + c\right)}{d}"),
        ("(a + b) ** hill", r"\left(a + b\right)^{\mathrm{hill}}"),
        ("-(a + b)", r"-\left(a + b\right)"),
        ("exp(-t / half_life)", r"\exp\left(\frac{-t}{\mathrm{half\_life}}\right)"),
        ("ohc.ceiling * a", r"\mathrm{ceiling}_{\mathrm{ohc}} \, a"),
    ],
)
def test_latex_keeps_what_belongs_together(expression, written):
    assert latex(expression) == written


@pytest.mark.parametrize("name", ["noise_mouse", "cisplatin_guinea_pig"])
def test_every_equation_of_a_study_can_be_set_and_every_name_in_it_is_a_number_or_explained(name):
    answer = equations(load(name))
    parser = MathTextParser("path")
    for part in answer.parts:
        assert part.equations or part.note
        for equation in part.equations:
            parser.parse(f"${latex(equation.right)}$")
    known = {quantity.name for part in answer.parts for quantity in part.numbers}
    assert {"cells.ohc.sensitivity", "cells.synapse.half_stress", "cells.stria.gain"} <= known
    assert known <= load(name).parameters.keys()
    assert len(latex_lines(answer)) > 60


def test_the_verb_prints_states_numbers_and_units_and_latex(tmp_path):
    text = CliRunner().invoke(app, ["equations", "noise_mouse"])
    assert text.exit_code == 0
    assert "ds/dt = production - stress_clearance * clear * s  [1/h]" in text.stdout
    assert (
        "ohc.sensitivity = 0.0097 1/h  cells.ohc.sensitivity: injury rate per unit of stress" in text.stdout
    )
    assert r"\frac{ds}{dt} &= \mathrm{production}" in text.stdout
    refused = CliRunner().invoke(app, ["equations", "noise_mouse", "--prior", "sceptic"])
    assert refused.exit_code == 2
    assert "--prior" in refused.stderr


def test_an_insult_of_ones_own_without_equations_says_where_its_formula_is(tmp_path):
    shelf = tmp_path / "insults"
    shelf.mkdir()
    (shelf / "blast.toml").write_text('about = "A blast."\n', encoding="utf-8")
    (shelf / "blast.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass(frozen=True)\nclass Blast:\n"
        "    needs: tuple[str, ...] = ()\n"
        "    def hazards(self, ear, exposure):\n        return {}\n"
        "    def stress(self, ear, exposure):\n        return 0.0\n",
        encoding="utf-8",
    )
    asked = {
        "otosome": "study/1",
        "species": "mouse",
        "insult": {"b": {"entry": "blast", "at": ["0 h"]}},
        "arm": [{"name": "only", "insults": ["b"]}],
        "measure": {"abr": {"endpoint": "abr_threshold", "frequency": ["8 kHz"], "at": ["1 d"]}},
    }
    own = equations(Study.of(asked, shelves=(tmp_path,))).parts[0]
    assert own.equations == []
    assert "its formula is code" in own.note and "blast.toml" in own.note
