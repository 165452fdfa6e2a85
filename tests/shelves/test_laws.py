"""What each role promises, asked of whatever the shelves hold; no entry is named, so a new one is taken up.

A law is a test whose arguments are roles (``insult``, ``route`` ...); it runs for every combination of entries
on those shelves. ``broken`` asks the same laws of a catalog with folders of one's own.
"""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest
import tomli_w
from scipy.integrate import cumulative_trapezoid

from otosome import forward
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.evidence import draw_columns
from otosome.forward import (
    Cochleae,
    best,
    draw,
    plan,
)
from otosome.forward.outcomes import outcomes
from otosome.model import transport
from otosome.model.injury import (
    KINDS,
    Cells,
    Injury,
    protect,
    protect_by_drugs,
    survive,
)
from otosome.roles import Exposure, Reading, Use
from otosome.study import loads

SHELF = {
    "species": "species", "insult": "insults", "route": "routes", "solute": "solutes",
    "mechanism": "mechanisms", "endpoint": "endpoints", "population": "populations",
    "material": "materials", "device": "devices", "recovery": "recoveries", "adverse_event": "adverse_events",
    "utility": "utilities", "drug": "effects",
}  # fmt: skip
# From an event before, over the two hours of an exposure, to its end: every event twice.
KNOTS = transport.schedule([-6.0, 0.0, 2.0], 60.0, growth=1.5)
BEFORE = np.arange(KNOTS.size) < np.searchsorted(KNOTS, 0.0, side="right") - 1
# What a measure may need to be told; an endpoint says which of these it asks for.
ASKED = {"frequency": ["8 kHz", "16 kHz"], "cell": "OHC", "level": "80 dB SPL", "solute": "dexamethasone"}
ROUNDING = 1e-12
READINGS = 4000


def pytest_generate_tests(metafunc):
    roles = roles_of(metafunc.function)
    if roles:
        entries = (Catalog().names(SHELF[role]) for role in roles)
        cases = [case for case in itertools.product(*entries) if known(Catalog(), roles, case)]
        metafunc.parametrize(roles, cases)


def known(catalog, roles, case):
    """Whether every entry is for the species of the case, as most are, and an endpoint one of cells."""
    named = dict(zip(roles, case, strict=True))
    if "endpoint" in named and "solute" in catalog.get("endpoints", named["endpoint"]).options.asks:
        return False  # what an assay reads of a drug has laws of its own
    species = named.get("species", "")
    return not species or all(
        species in (getattr(catalog.get(SHELF[role], name).options, "species", ()) or [species])
        for role, name in zip(roles, case, strict=True)
    )


@pytest.fixture
def catalog():
    return Catalog()


def roles_of(law):
    """The roles a law speaks of, in the order of its arguments."""
    return [argument for argument in inspect.signature(law).parameters if argument in SHELF]


def laws():
    """Every law of this file."""
    return [law for name, law in globals().items() if name.startswith("test_") and roles_of(law)]


def broken(catalog):
    """The laws that folders of one's own break: each new entry is tried with the others and with one shipped."""
    shipped = {role: Catalog().names(shelf) for role, shelf in SHELF.items()}
    new = {role: [n for n in catalog.names(SHELF[role]) if n not in shipped[role]] for role in SHELF}
    found = []
    for law in laws():
        roles = roles_of(law)
        for case in itertools.product(*([*new[role], shipped[role][0]] for role in roles)):
            if known(catalog, roles, case) and any(
                name in new[role] for role, name in zip(roles, case, strict=True)
            ):
                found += complaint(law, catalog, case)
    return found


def complaint(law, catalog, case):
    """What a law has against a combination of entries, if anything."""
    try:
        law(catalog, *case)
    except (AssertionError, ValueError) as error:
        return [f"{law.__name__}({', '.join(case)}): {error}"]
    return []


def question(catalog, species, *insults, route=None):
    """A week of a species, each insult untreated and treated, in everything that can be measured."""
    lots = (catalog.get("batches", name) for name in catalog.names("batches"))
    lot = next(lot.name for lot in lots if lot.card.parameters["particles"][""].value > 0)
    route = route or catalog.names("routes")[0]
    # Ten minutes, and less than a mouse's scala holds: every route can take it.
    given = {"batch": lot, "route": route, "volume": "0.2 uL", "duration": "10 min", "at": ["-24 h"]}
    measured = {
        name: {
            "endpoint": name,
            "at": ["-1 d", "7 d"],
            **asked(catalog, name),
        }
        for name in catalog.names("endpoints")
        if known(catalog, ["species", "endpoint"], [species, name])
    }
    values = {
        "otosome": "study/1",
        "species": species,
        "insult": {insult: use_of(catalog, insult, carrier(catalog, route)) for insult in insults},
        "drug": {
            "steroid": {"solute": "dexamethasone", "route": "intravenous", "at": ["0 h"], "amount": "1 mg/kg"}
        },
        "treatment": {"given": given},
        "arm": [
            {"name": f"{insult}, {treated}", "insults": [insult], "treatments": given}
            for insult in insults
            for treated, given in (("alone", []), ("treated", ["given"]))
        ]
        or [{"name": "treated", "treatments": ["given"]}],
        "measure": measured,
    }
    return loads(tomli_w.dumps(values), shelves=catalog.own)


def carrier(catalog, route):
    """A route by which a drug can be given: this one, or the first that does not begin in the ear."""
    ear = {"middle_ear", "scala_tympani", "vestibule"}
    routes = [route, *catalog.names("routes")]
    return next(one for one in routes if catalog.get("routes", one).options.into not in ear)


def use_of(catalog, insult, route):
    """An insult as a study states it: a drug by a route, a noise of a level, or an event."""
    needs = catalog.get("insults", insult).options.needs
    use = {"entry": insult, "at": ["0 h"]}
    if {need.split(".")[0] for need in needs} & set(catalog.names("solutes")):
        return use | {"route": route, "amount": "5 mg/kg"}
    if "noise.level" in needs:
        return use | {"level": "100 dB SPL", "band": ["8 kHz", "16 kHz"], "duration": "2 h"}
    return use


def asked(catalog, endpoint):
    asks = catalog.get("endpoints", endpoint).options.asks
    told = ASKED | {"material": next(iter(catalog.names("materials")), "")}
    return {key: told[key] for key in asks}


def ears(study, subjects=None):
    """A block of drawn ears, or the one ear in which every number has its best value."""
    table = best(study) if subjects is None else draw(study, subjects, seed=1)
    return Cochleae(plan(study), table)


def bound(block, shelf, name):
    """An entry's formula with the block's columns."""
    return block.study.catalog.get(shelf, name).bind(block.columns, block.study.tables.species)


def exposed(formula, block, dose):
    """An exposure of two hours from time zero at a dose: uM of a drug, 6 dB a doubling, or mm of depth."""
    decay = np.where(BEFORE, 0.0, np.exp(-np.maximum(KNOTS, 0.0) / 2.0))
    drug = dose * decay[None, :, None] * np.ones((block.subjects, 1, block.ear.place.size))
    moments = ((0.0,), (2.0,)) if dose > 0 else ((), ())
    level = 100.0 + 6.0 * np.log2(max(dose, 1e-6))
    return Exposure(
        KNOTS, dict.fromkeys(formula.needs, drug), Use(*moments, level=level, band=(8.0, 16.0), depth=dose)
    )


def injuries(catalog, species, insult, *doses):
    """Stress, hazards and losses of drawn ears at each dose, as full arrays by name."""
    block = ears(question(catalog, species, insult), subjects=4)
    formula = bound(block, "insults", insult)
    shape = (4, KNOTS.size, block.ear.place.size)
    for dose in doses:
        exposure = exposed(formula, block, dose)
        found = {"stress": formula.stress(block.ear, exposure), **formula.hazards(block.ear, exposure)}
        losses = formula.losses(block.ear, exposure) if hasattr(formula, "losses") else {}
        found |= {f"{kind} lost": rate for kind, rate in losses.items()}
        yield {name: np.broadcast_to(rate, shape) for name, rate in found.items()}


# Insults


def test_no_exposure_no_hazard_and_no_stress(catalog, species, insult):
    (none,) = injuries(catalog, species, insult, 0.0)
    assert not any(np.any(rate) for rate in none.values())


def test_an_insult_harms_known_cells_at_finite_rates_and_only_once_it_has_begun(catalog, species, insult):
    (done,) = injuries(catalog, species, insult, 3.0)
    assert set(done) <= {"stress", *KINDS, *(f"{kind} lost" for kind in KINDS)}
    for rate in done.values():
        assert np.all(np.isfinite(rate)) and np.all(rate >= 0)
        assert not np.any(rate[:, BEFORE])
    assert any(np.any(rate) for rate in done.values())


def test_more_of_an_insult_never_harms_less(catalog, species, insult):
    ladder = list(injuries(catalog, species, insult, 0.1, 0.5, 1.0, 2.0, 8.0))
    for less, more in itertools.pairwise(ladder):
        for name, rate in less.items():
            assert np.all(more[name] >= rate * (1 - ROUNDING)), name


# Routes and solutes


def test_what_a_route_delivers_is_what_was_given(catalog, species, route):
    block = ears(question(catalog, species, route=route), subjects=6)
    amount = np.array([[1.0], [2e9], [3e-4]]) * np.arange(1.0, 7.0)
    for lasting in (0.0, 0.5):
        dose = transport.Dose(0.0, lasting, amount, np.full(6, 2.0))
        flows = bound(block, "routes", route).deliver(dose, block.anatomy)
        total = sum(np.broadcast_to(flow.amount, amount.shape) for flow in flows)
        assert np.allclose(total, amount, rtol=ROUNDING, atol=0.0)
        assert all(np.all(flow.amount >= 0) for flow in flows)


def carried(catalog, route, solute):
    """A day of a solute in drawn ears, injected by a route over a quarter of an hour."""
    # Every species has its turn, so that a longer shelf does not multiply the work of three.
    turn = catalog.names("routes").index(route) + catalog.names("solutes").index(solute)
    species = catalog.names("species")[turn % len(catalog.names("species"))]
    block = ears(question(catalog, species, route=route), subjects=3)
    entry = catalog.get("solutes", solute)
    table = draw_columns(entry.parameters(species).values(), 1, 0, 3)
    columns = entry.columns(table, species)
    fields = transport.Solute.__dataclass_fields__.keys()
    numbers = {name: column for name, column in columns.items() if name in fields}
    if "diffusion" in numbers:
        made = transport.Solute(**numbers)
    else:
        diameter = np.array([[60e-6], [96e-6], [150e-6]])
        made = transport.Solute.sized(diameter, columns["temperature"], columns["viscosity"], **numbers)
    dose = transport.Dose(0.0, 0.25, np.full((made.classes, 3), 1e6), np.full(3, 0.2))
    flows = bound(block, "routes", route).deliver(dose, block.anatomy)
    knots = transport.schedule([0.0, 0.25], 24.0, windows=[(0.0, 0.25)], growth=1.4)
    return transport.solve(block.anatomy, made, flows, knots, keep=KEPT)


KEPT = (
    "scala_tympani", "scala_vestibuli", "organ_of_corti", "lateral_wall", "rosenthals_canal", "vestibule",
    "plasma", "cerebrospinal_fluid",
)  # fmt: skip


def test_a_solute_is_conserved_and_never_negative_by_any_route(catalog, route, solute):
    run = carried(catalog, route, solute)
    assert np.allclose(run.dose, 1e6, rtol=1e-10)
    assert run.mass_balance_error.max() < 1e-10
    assert np.allclose(sum(run.ledger.values()), run.dose, rtol=1e-10)
    # Each ear against its own peak, the highest concentration anywhere along the cochlea or in that fluid.
    highest = {name: over_all(np.max, run.concentration[name]) for name in KEPT}
    peak = np.max([highest[name] for name in KEPT[:6]], axis=0)
    assert np.all(np.isfinite(peak))
    for name in KEPT:
        lowest = over_all(np.min, run.concentration[name])
        assert np.all(lowest > -1e-6 * np.maximum(peak, highest[name])), name


def over_all(of, concentration):
    """A maximum or minimum over classes, times and places, an ear each."""
    return of(concentration.reshape(*concentration.shape[:2], -1), axis=(0, 2))


# Mechanisms


def mechanisms_of(catalog, species):
    block = ears(question(catalog, species), subjects=4)
    return block, {name: bound(block, "mechanisms", name) for name in catalog.names("mechanisms")}


def contact_of(*levels):
    """Vesicles where cells are, particles/uL, from time zero on; a level to a place, the same in every ear."""
    present = np.where(BEFORE, 0.0, 1.0)[None, :, None] * np.array(levels)[None, None, :] * np.ones((4, 1, 1))
    return {"organ_of_corti": present, "rosenthals_canal": 0.1 * present}


def fate(block, protection, places=8):
    """Cells under an injury that all kinds feel, as bytes."""
    rate = np.full((block.subjects, KNOTS.size, places), 0.05)
    hurt = Injury(rate, dict.fromkeys(KINDS, rate))
    cells = survive(KNOTS, block.rates, hurt, block.species["stress_clearance"], protection)
    return [state[kind].tobytes() for state in (cells.intact, cells.injured, cells.silent) for kind in KINDS]


def bits(protection):
    return {key: factor.tobytes() for key, factor in protection.factors.items()}


def test_no_vesicles_and_no_potency_change_nothing_bit_for_bit(catalog, species, mechanism):
    block, every = mechanisms_of(catalog, species)
    alone, none = {mechanism: every[mechanism]}, np.zeros((4, 1, 1))
    nobody = protect(KNOTS, alone, contact_of(*[0.0] * 8))
    inert = protect(KNOTS, alone, contact_of(*np.geomspace(1.0, 1e9, 8)), {mechanism: none})
    for protection in (nobody, inert):
        assert all(np.all(factor == 1.0) for factor in protection.factors.values())
        assert fate(block, protection) == fate(block, None)


def test_more_vesicles_and_more_cargo_never_signal_less(catalog, species, mechanism):
    _, every = mechanisms_of(catalog, species)
    ladder, none = np.concatenate([[0.0], np.geomspace(1e-3, 1e12, 40)])[None, None, :], np.zeros((1, 1, 41))
    for signal in (every[mechanism].signal(ladder, none), every[mechanism].signal(none, ladder)):
        assert not np.any(signal[..., 0])
        assert np.all(np.diff(signal, axis=2) >= 0)
        assert signal.max() <= 1.0


def test_more_vesicles_never_protect_less(catalog, species, mechanism):
    _, every = mechanisms_of(catalog, species)
    protection = protect(KNOTS, {mechanism: every[mechanism]}, contact_of(0.0, *np.geomspace(1.0, 1e9, 7)))
    for (action, kind), factor in protection.factors.items():
        helps = np.diff(factor, axis=2) * (1.0 if action in ("repair", "clear") else -1.0)
        assert helps.min() >= -ROUNDING, (action, kind)
        assert factor.min() >= 0.0


def test_a_mechanism_knocked_out_is_one_that_vesicles_do_not_reach(catalog, species, mechanism):
    _, every = mechanisms_of(catalog, species)
    reached = contact_of(*np.geomspace(1.0, 1e9, 8))
    deaf = protect(KNOTS, every, reached, {mechanism: np.zeros((4, 1, 1))})
    out = protect(KNOTS, every, reached, without=[mechanism])
    assert bits(out) == bits(deaf)
    if not every[mechanism].gates:
        others = {name: formula for name, formula in every.items() if name != mechanism}
        assert acting(out) == acting(protect(KNOTS, others, reached))


# Effects of drugs


def drug_in(catalog, species, drug, *levels):
    """A block of ears, an effect bound to them, and its factors at these levels of its drug, one a place."""
    block, _ = mechanisms_of(catalog, species)
    entry = catalog.get("effects", drug)
    columns = draw_columns(entry.parameters(species).values(), 1, 0, 4)
    bound = entry.bind(columns, species)
    return block, bound, protect_by_drugs(KNOTS, {drug: bound}, {drug: contact_of(*levels)})


def test_no_drug_changes_nothing_bit_for_bit(catalog, species, drug):
    block, _, nothing = drug_in(catalog, species, drug, *[0.0] * 8)
    assert nothing.factors
    assert all(np.all(factor == 1.0) for factor in nothing.factors.values())
    assert fate(block, nothing) == fate(block, None)


def test_more_of_a_drug_never_protects_less_and_ends_at_the_largest_effect(catalog, species, drug):
    _, bound, some = drug_in(catalog, species, drug, 0.0, *np.geomspace(1e-6, 1e9, 7))
    for (action, kind), factor in some.factors.items():
        sign = 1.0 if action in ("repair", "clear") else -1.0
        assert (sign * np.diff(factor, axis=2)).min() >= -ROUNDING, (action, kind)
        # At a thousand times the half-effect level and more another tenfold adds less than a hundredth of the whole.
        gained = sign * (factor - 1.0)
        assert np.all(gained <= bound.largest(action) * (1.0 + ROUNDING))
        assert np.all(gained[..., -1] - gained[..., -2] <= 0.01 * bound.largest(action))
    assert any(np.any(factor != 1.0) for factor in some.factors.values())


def acting(protection):
    """The factors that are not one everywhere, as bytes: a factor of one is as good as none."""
    return {key: factor.tobytes() for key, factor in protection.factors.items() if np.any(factor != 1.0)}


# Endpoints


def cells_of(block, lost):
    """Ears that have lost a share of every kind of cell, at one moment."""
    here = np.full((block.subjects, 1, block.ear.place.size), 1.0 - lost)
    none = dict.fromkeys(KINDS, np.zeros_like(here))
    return Cells(dict.fromkeys(KINDS, here), none, none, np.ones_like(here), block.rates)


def truths(catalog, species, endpoint):
    """The endpoint in one ear, with its true values from a healthy ear to one without a cell."""
    block = ears(question(catalog, species))
    measure = block.study.tables.measure[endpoint]
    frequency = np.array([8.0, 16.0])
    values = [
        forward.true_value(block, measure, cells_of(block, lost), frequency) for lost in (0.0, 0.2, 0.6, 1.0)
    ]
    return forward.endpoint(block.study, measure, block.columns), values


def test_an_ear_with_fewer_cells_never_measures_better(catalog, species, endpoint):
    _, values = truths(catalog, species, endpoint)
    sign = 1.0 if catalog.get("endpoints", endpoint).options.better == "higher" else -1.0
    for more, fewer in itertools.pairwise(values):
        assert more.shape == (1, 1, 2)
        assert np.all(np.isfinite(fewer))
        assert np.all(sign * (more - fewer) >= 0)
    assert np.all(sign * (values[0] - values[-1]) > 0)


def test_readings_are_finite_and_none_lies_beyond_a_censored_one(catalog, species, endpoint):
    formula, values = truths(catalog, species, endpoint)
    ends = [2.0**-53, 1.0 - 2.0**-53]
    uniform = np.concatenate([ends, np.linspace(0.001, 0.999, 200)])[None, :, None]
    readings = [formula.read(np.full(uniform.shape, value[0, 0, 0]), uniform) for value in values]
    read, censored = (
        np.concatenate([getattr(r, f).ravel() for r in readings]) for f in ("value", "censored")
    )
    assert np.all(np.isfinite(read))
    assert set(censored) <= {-1.0, 0.0, 1.0}
    assert np.all(read[censored < 0] == read.min())
    assert np.all(read[censored > 0] == read.max())


def test_readings_come_as_often_as_their_likelihood_says(catalog, species, endpoint):
    formula, values = truths(catalog, species, endpoint)
    for value in values:
        truth = np.full((1, READINGS, 1), value[0, 0, 0])
        # Every quantile once instead of at chance: what differs is then no more than a reading or two.
        reading = formula.read(truth, (np.arange(READINGS)[None, :, None] + 0.5) / READINGS)
        assert np.all(np.isfinite(formula.log_likelihood(reading, truth)))
        assert worst_share(formula, reading, value[0, 0, 0]) < 2.5 / READINGS


def worst_share(formula, reading, truth):
    """Largest difference between a share of the readings and its probability."""
    pairs = np.stack([reading.value.ravel(), reading.censored.ravel()])
    kinds, seen = np.unique(pairs, axis=1, return_counts=True)
    if kinds.shape[1] < READINGS / 10:
        return np.max(np.abs(seen / READINGS - probability(formula, *kinds, truth)))
    off = [
        abs(count / READINGS - probability(formula, *kind[:, None], truth)[0])
        for kind, count in zip(kinds.T, seen, strict=True)
        if kind[1] != 0
    ]
    return max([worst_step(formula, np.sort(pairs[0, pairs[1] == 0]), truth), *off])


def worst_step(formula, sorted_values, truth):
    """Largest difference between shares of readings on a continuous scale and the integral of their density."""
    fine = np.linspace(sorted_values[0], sorted_values[-1], 20_001)
    integral = cumulative_trapezoid(probability(formula, fine, np.zeros_like(fine), truth), fine, initial=0.0)
    expected = np.interp(sorted_values, fine, integral)
    return np.max(np.abs(np.arange(sorted_values.size) / READINGS - expected))


def probability(formula, values, censored, truth):
    """Probability (or density) of each reading."""
    reading = Reading(values[None, :, None], censored[None, :, None])
    return np.exp(formula.log_likelihood(reading, np.full(reading.value.shape, truth))).ravel()


def test_an_endpoint_that_names_its_species_is_refused_for_every_other(catalog, endpoint):
    named = catalog.get("endpoints", endpoint).options.species or catalog.names("species")
    assert set(named) <= set(catalog.names("species")) and named
    for species in set(catalog.names("species")) - set(named):
        asking = {"endpoint": endpoint, "at": ["0 d"], **asked(catalog, endpoint)}
        values = {
            "otosome": "study/1",
            "species": species,
            "arm": [{"name": "a"}],
            "measure": {"m": asking},
        }
        with pytest.raises(BadInput, match=f"measure.m.endpoint: {endpoint} is not for {species}"):
            loads(tomli_w.dumps(values), shelves=catalog.own)


# Populations

LEVELS = {"0.5 kHz": 10.0, "1 kHz": 15.0, "2 kHz": 30.0, "4 kHz": 45.0, "8 kHz": 50.0}


def people(catalog, entry, loss=1.0):
    """What a study states of people: all that their population asks for, with a share of a common loss."""
    options = catalog.get("populations", entry).options
    stated = {"entry": entry}
    if "sex" in options.asks:
        stated |= {"sex": "both", "age": ["30 year", "70 year"] if loss else "18 year"}
    if "ear" in options.asks:
        stated |= {"ear": "left", "readings": audiograms(options.people == "one", loss)}
    return stated


def audiograms(of_one, loss):
    """One ear's audiogram by row, or those of seven people by column."""
    heard = {tone: loss * level for tone, level in LEVELS.items()}
    if not of_one:
        return {tone: [level + 5.0 * loss * worse for worse in range(7)] for tone, level in heard.items()}
    return {
        "quantity": ["audiogram"] * len(heard), "ear": ["left"] * len(heard), "value": list(heard.values()),
        "frequency": [float(tone.removesuffix(" kHz")) for tone in heard], "censored": ["none"] * len(heard),
    }  # fmt: skip


def of_people(catalog, entry, species, **more):
    """Two months of a population without insult, and after a noise, in every level a person is tested for."""
    ears = [n for n in catalog.names("endpoints") if len(catalog.get("endpoints", n).options.ears) > 1]
    heard = {"frequency": list(LEVELS), "at": ["-1 d", "1 d", "60 d"]}
    loud = {
        "entry": "noise",
        "at": ["0 h"],
        "level": "112 dB SPL",
        "band": ["1 kHz", "2 kHz"],
        "duration": "2 h",
    }
    values = {
        "otosome": "study/1", "species": species, "population": people(catalog, entry),
        "insult": {"noise": loud}, "arm": [{"name": "nothing"}, {"name": "noise", "insults": ["noise"]}],
        "measure": {name: {"endpoint": name, **heard} for name in ears}, **more,
    }  # fmt: skip
    return loads(tomli_w.dumps(values), shelves=catalog.own)


def test_people_whom_nothing_harms_keep_the_audiogram_they_came_with(catalog, population):
    (species,) = catalog.get("populations", population).options.species
    study = of_people(catalog, population, species)
    table = draw(study, 12, seed=2)
    result = forward.simulate(study, table, workers=1)
    block = Cochleae(plan(study), table)
    for name in study.tables.measure:
        heard = result[name]
        came = study.population(block.columns).baseline(heard.frequency.to_numpy())
        # Rounding; the promise is a tenth of a decibel.
        assert np.allclose(heard.sel(arm="nothing"), came, atol=1e-9)
        assert np.allclose(heard.sel(time=-24.0), came[:, 0], atol=1e-9)
        assert np.unique(came[:, 0, 0]).size == 12, "people differ"


def test_a_person_with_a_loss_hears_after_an_insult_no_better_than_before_and_than_a_whole_ear(
    catalog, population
):
    (species,) = catalog.get("populations", population).options.species
    study = of_people(catalog, population, species)
    whole = of_people(catalog, population, species, population=people(catalog, population, loss=0.0))
    table = draw(study, 12, seed=2)
    # At the median of 18 years, and where nothing was read or is hidden, an ear has no loss: the insult alone.
    own = [name for name in table if name.startswith(f"populations.{population}.")]
    ranks = [name for name in own if not np.any(study.parameters[name].value) and "sex" not in name]
    none = dict.fromkeys([*ranks, *(name for name in own if name.endswith(".hidden"))], 0.0)
    results = [
        forward.simulate(asked, table.assign(**none if asked is whole else {}), workers=1)
        for asked in (study, whole)
    ]
    for name in study.tables.measure:
        before, after = (results[0][name].sel(arm="noise", time=t).to_numpy() for t in (-24.0, 1440.0))
        alone = results[1][name].sel(arm="noise", time=1440.0).to_numpy()
        assert np.all(after >= before - 1e-9)
        worse = before >= 0
        # What an ear's cells leave unexplained, by smoothing over places, is below half a decibel.
        assert np.all(after[worse] >= alone[worse] - 0.5)


def test_a_population_is_refused_for_species_it_does_not_know(catalog, population):
    knows = catalog.get("populations", population).options.species
    for species in set(catalog.names("species")) - set(knows):
        with pytest.raises(BadInput, match=f"population.entry: {population} is not for {species}"):
            of_people(catalog, population, species, measure={"abr": ABR})


ABR = {"endpoint": "abr_threshold", "frequency": ["8 kHz"], "at": ["0 d"]}


# Words, devices and what comes back by itself

LOSSES = np.array([0.0, 20.0, 40.0, 60.0, 80.0, 110.0])[:, None, None] * np.ones((1, 1, 4))
HEARD = np.array([0.5, 1.0, 2.0, 4.0])


def wearing(catalog, device, at="0 d", **more):
    """A week of four people, without a device and with it."""
    return ears(worn_by(catalog, device, at, **more), subjects=4)


def worn_by(catalog, device, at="0 d", worn=("it",), **more):
    """The study of that week; devices of several names are all the one."""
    (species, *_) = catalog.get("devices", device).options.species or ["human"]
    lots = (catalog.get("batches", name) for name in catalog.names("batches"))
    lot = next(lot.name for lot in lots if lot.card.parameters["particles"][""].value > 0)
    told = {"depth": "15 mm", "batch": lot, "amount": "1e5 cells"}
    asks = catalog.get("devices", device).options.asks
    material = next(name for name in catalog.names("materials"))
    values = {
        "otosome": "study/1", "species": species,
        "device": {n: {"entry": device, "at": at, **{key: told[key] for key in asks}, **more} for n in worn},
        "arm": [{"name": "without"}, {"name": "with", "devices": list(worn)}],
        "measure": {
            "words": {"endpoint": "word_score", "material": material, "at": ["-1 d", "7 d"]},
            "hearing": {"endpoint": "audiogram", "frequency": ["0.5 kHz", "2 kHz"], "at": ["-1 d", "7 d"]},
        },
    }  # fmt: skip
    return loads(tomli_w.dumps(values), shelves=catalog.own)


def test_an_ear_holds_one_of_a_device_unless_it_is_given_by_an_amount(catalog, device):
    asks = catalog.get("devices", device).options.asks
    if "amount" in asks:
        assert worn_by(catalog, device, worn=("first", "second")).parameters
        return
    with pytest.raises(BadInput, match=f"an ear holds one {device}") as told:
        worn_by(catalog, device, worn=("first", "second"))
    assert told.value.given == ["first", "second"] and told.value.cure


def of_people_with(catalog, shelf, name):
    """An entry's formula for six drawn people."""
    entry = catalog.get(shelf, name)
    (species, *_) = getattr(entry.options, "species", ()) or ["human"]
    return entry.bind(draw_columns(entry.parameters(species).values(), 1, 0, 6), species)


def test_a_device_does_nothing_before_it_is_there(catalog, device):
    found = outcomes(wearing(catalog, device), keep=())
    for measure in ("words", "hearing"):
        without, worn = found[f"{measure}/0"], found[f"{measure}/1"]
        assert np.allclose(worn[:, 0], without[:, 0], rtol=0.0, atol=1e-9)
        assert np.all(np.isfinite(worn))
    assert found["mass_balance_error"].max() < 1e-10


def test_a_device_amplifies_never_less_for_a_greater_loss(catalog, device):
    gain = of_people_with(catalog, "devices", device).gain(LOSSES, HEARD)
    assert gain.shape == LOSSES.shape
    assert np.all(np.isfinite(gain)) and np.all(gain >= 0)
    assert np.all(np.diff(gain, axis=0)[:, 0] >= -ROUNDING) or np.ptp(gain) == 0


def test_an_electrode_gives_a_share_of_words_once_it_is_there_and_more_with_more_neurons(catalog, device):
    block = wearing(catalog, device)
    formula = bound(block, "devices", device)
    before, after = np.array([-24.0]), np.array([8760.0])
    shares = [formula.electric(block.ear, cells_of(block, lost), after) for lost in (0.0, 0.3, 0.6, 1.0)]
    if all(share is None for share in shares):
        return
    assert not np.any(formula.electric(block.ear, cells_of(block, 0.0), before))
    for more, fewer in itertools.pairwise(shares):
        assert more.shape == (4, 1)
        assert np.all((fewer >= 0) & (fewer <= more) & (more <= 1))


def test_what_a_device_releases_goes_by_what_there_is_of_it(catalog, device):
    block = wearing(catalog, device)
    formula = bound(block, "devices", device)
    amount = np.array([[1.0], [2e5], [3e4]]) * np.arange(1.0, 5.0)
    one, ten, none = (
        formula.flows(transport.Dose(0.0, 0.0, factor * amount, np.zeros(4)), block.anatomy)
        for factor in (1, 10, 0)
    )
    assert not any(np.any(flow.amount) for flow in none)
    for less, more in zip(one, ten, strict=True):
        assert np.allclose(more.amount, 10 * less.amount, rtol=ROUNDING)
        assert np.all(np.isfinite(less.amount)) and less.start == 0.0


def test_what_comes_back_is_part_of_what_was_lost_and_stays(catalog, recovery):
    since = np.array([-24.0, 0.0, 24.0, 240.0, 2400.0, 24000.0])
    level = np.repeat(LOSSES, since.size, axis=1)
    back = np.broadcast_to(
        of_people_with(catalog, "recoveries", recovery).regained(level, since), level.shape
    )
    assert np.all((back >= 0) & (back <= level))
    assert not np.any(back[:, since <= 0])
    assert np.all(np.diff(back, axis=1) >= 0)


def test_words_of_a_material_are_understood_by_how_much_of_them_is_heard(catalog, material):
    words = of_people_with(catalog, "materials", material)
    # A source may have bands beyond the standard's, whose share is not counted.
    assert 0.95 <= np.sum(words.importance["weight"]) <= 1.0 + 1e-3
    assert np.all(words.words >= 1)
    share = words.share(np.linspace(0.0, 1.0, 101)[None, None, :] * np.ones((6, 1, 1)))
    assert np.all((share >= 0) & (share <= 1)) and np.all(np.diff(share, axis=2) >= 0)
    assert np.all(share[..., -1] > 0.9) and not np.any(share[..., 0])


def test_a_harm_names_what_brings_it_and_has_a_finite_excess(catalog, adverse_event):
    card = catalog.get("adverse_events", adverse_event).card
    assert set(card.options.of) <= {*catalog.names("routes"), *catalog.names("devices"), "vesicles"}
    assert card.parameters["weight"][""].low >= 0
    formula = of_people_with(catalog, "adverse_events", adverse_event)
    for times in (1, 3):
        excess = formula.excess(times)
        assert excess.shape == (6,) and np.all(np.isfinite(excess))


def test_a_utility_names_the_endpoint_it_is_of(catalog, utility):
    card = catalog.get("utilities", utility).card
    assert set(card.options.of) <= set(catalog.names("endpoints"))
    assert {"gain", "words"} <= card.parameters.keys()


# The whole chain


def ran(catalog, species, route, *insults):
    """What the chain gives for some insults in the best-value ear, or the refusal."""
    try:
        return outcomes(ears(question(catalog, species, *insults, route=route)))
    except BadInput as refused:
        return refused


def test_every_species_route_and_insult_run_together_or_say_which_number_is_missing(catalog, species, route):
    insults = catalog.names("insults")
    together = ran(catalog, species, route, *insults)
    if isinstance(together, BadInput):
        for insult in insults:
            runs_or_says_why(ran(catalog, species, route, insult), species)
    else:
        runs_or_says_why(together, species)


def runs_or_says_why(found, species):
    if isinstance(found, BadInput):
        assert "has no value for" in found.message or "has no curve" in found.message
        assert species in found.message
        assert found.file is not None
        return
    assert all(np.all(np.isfinite(values)) for values in found.values())
    assert np.all(found["mass_balance_error"] < 1e-10)
    vesicles = [values for name, values in found.items() if name.startswith("vesicles/")]
    # Arms go in pairs, alone and treated.
    assert not np.any(vesicles[::2])
    assert all(np.any(treated > 0) for treated in vesicles[1::2])
    for name, alive in found.items():
        assert not name.startswith("cells/") or (alive.min() >= 0.0 and alive.max() <= 1.0 + ROUNDING)
