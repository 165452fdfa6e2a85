"""Forward: from a batch and an insult to hearing. The only file that knows the whole chain.

Ears go through in blocks of fixed width, padded to full; the knots of time depend on the study alone. So a
subject is the same in every arm, for any number of subjects, block or worker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome import __version__, transport
from otosome.evidence import BadInput, Parameter, draw_columns
from otosome.injury import LABELS, Cells, Harm, Protection, harm, protect, relax, survive
from otosome.quality import Batch, protein_given, vesicles_given
from otosome.roles import Ear, Exposure, Use
from otosome.scenario import Arm, InsultUse, Measure, Study, Treatment, saves
from otosome.units import LEVELS, Array, house, quantity, split

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

BLOCK = 16
# Knots whose histories of a whole block take some hundreds of megabytes.
_ROOMY = 1000
KINDS = tuple(LABELS)
# First step after an event and the longest one, h: with growth 1.2 the thresholds of the shipped study are
# within 1 dB, and its benefit within 0.1 dB, of steps three times as fine.
_FIRST, _LONGEST = 2e-3, 8.0
Columns = Mapping[str, Array]
Tick = Callable[[int, int], None]


def draw(study: Study, subjects: int = 200, seed: int = 1) -> pd.DataFrame:
    """A parameter table: a column per number, a row per ear.

    ``subjects``  at least 1; row i is the same ear for any number of them
    """
    import pandas as pd

    if subjects < 1:
        raise BadInput("must be at least 1", key="subjects", given=subjects)
    columns = draw_columns(study.parameters.values(), seed, 0, subjects)
    for parameter in study.parameters.values():
        _check_drawn(parameter, columns[parameter.name])
    table = pd.DataFrame(columns)
    table.attrs["seed"] = seed
    return table


def _check_drawn(parameter: Parameter, values: Array) -> None:
    """A number that is above zero is so in every ear."""
    least = float(np.min(values))
    negative = least < 0 <= parameter.low and parameter.unit not in LEVELS
    if not np.all(np.isfinite(values)) or negative or least <= 0 < parameter.low:
        raise BadInput(
            "is drawn as a number it cannot be", key=parameter.name, given=f"{least:g} {parameter.unit}".strip(),
            cure="give it a narrower range, or a shape that stays above zero (lognormal)",
        )  # fmt: skip


def best(study: Study) -> pd.DataFrame:
    """The parameter table of one ear in which every number has its best value."""
    import pandas as pd

    return pd.DataFrame({name: [p.value] for name, p in study.parameters.items()})


@dataclass(frozen=True)
class Plan:
    """What all blocks of a study share: places, knots, what is measured where and when."""

    study: Study
    arms: tuple[PlannedArm, ...]
    places: transport.Grid
    refine: int = 1
    growth: float = 1.2
    watched: tuple[float, ...] = ()

    @cached_property
    def knots(self) -> Array:
        """h, shape (time,): every event twice, every measured moment once at least."""
        scenario = self.study.scenario
        named = {name for arm in self.arms for name in arm.arm.insults}
        uses = [use_of(use) for name, use in scenario.insult.items() if name in named]
        given = [t for arm in self.arms for t in arm.treatments]
        events = [moment for use in uses for moment in (*use.start, *use.stop)]
        spans = [(t, t + _hours(g.treatment.duration)) for g in given for t in g.times]
        events += [moment for span in spans for moment in span]
        # An hour at least: a study that ends with its first moment still has one to begin with.
        events.append(min([0.0, *events, *self.times, self.study.until - 1.0]))
        windows = [span for span in spans if span[0] < span[1]]
        knots = transport.schedule(
            events, self.study.until, windows, first=_FIRST, growth=self.growth, longest=_LONGEST
        )
        extra = np.setdiff1d([*self.times, *self.watched], knots)
        return np.sort(np.concatenate([knots, extra]))

    @cached_property
    def times(self) -> Array:
        """Every measured moment, h, rising."""
        return np.unique([quantity(t, "h") for m in self.study.scenario.measure.values() for t in m.at])

    @cached_property
    def frequencies(self) -> Array:
        """Every measured frequency, kHz, rising."""
        measures = self.study.scenario.measure.values()
        return np.unique([quantity(f, "kHz") for m in measures for f in m.frequency])

    def at(self, times: Iterable[float]) -> Array:
        """The last knot not after each moment; the first for moments before it."""
        return np.maximum(np.searchsorted(self.knots, np.asarray(list(times)), side="right") - 1, 0)


@dataclass(frozen=True)
class Given:
    """A treatment of an arm with its times, which may be moved and kept to some rows."""

    treatment: Treatment
    times: tuple[float, ...]
    row: int | None = None


@dataclass(frozen=True)
class PlannedArm:
    """An arm with its treatments' times, and a factor on every largest effect."""

    arm: Arm
    treatments: tuple[Given, ...]
    efficacy: float = 1.0

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name


def plan(study: Study, arms: Sequence[str] | None = None, **changes: Any) -> Plan:
    """The plan of a study, of all its arms or of some."""
    chosen = [a for a in study.scenario.arm if arms is None or a.name in arms]
    return Plan(
        study, tuple(planned(study, arm) for arm in chosen), **{"places": transport.Grid(), **changes}
    )


def planned(study: Study, arm: Arm, efficacy: float = 1.0) -> PlannedArm:
    """An arm of a study as it stands."""
    treatments = [study.scenario.treatment[name] for name in arm.treatments]
    given = tuple(Given(t, tuple(quantity(m, "h") for m in t.at)) for t in treatments)
    return PlannedArm(arm, given, efficacy)


def use_of(use: InsultUse) -> Use:
    """A study's use of an insult in house units."""
    start = tuple(quantity(t, "h") for t in use.at)
    band = None if use.band is None else (quantity(use.band[0], "kHz"), quantity(use.band[1], "kHz"))
    return Use(
        start=start,
        stop=tuple(t + _hours(use.duration) for t in start),
        level=None if use.level is None else quantity(use.level, "dB SPL"),
        band=band,
        depth=None if use.depth is None else quantity(use.depth, "mm"),
    )


def _regimen(arm: PlannedArm) -> str:
    """What an arm is given and when, whatever its potency."""
    return repr([(g.treatment.model_copy(update={"potency": 1.0}), g.times, g.row) for g in arm.treatments])


def dosed(treatment: Treatment) -> dict[str, float]:
    """A treatment's amount by kind (particles, protein, cells), or its volume where it has none."""
    if treatment.amount is None:
        return {"volume": quantity(str(treatment.volume), "uL")}
    kinds = {"particles": "particles", "ug": "protein", "cells": "cells"}
    return {kinds[house(split(treatment.amount)[1])]: quantity(treatment.amount)}


def _hours(duration: str | None) -> float:
    return 0.0 if duration is None else quantity(duration, "h")


@dataclass
class Block:
    """Some ears going through the chain together; what arms share is computed once."""

    plan: Plan
    columns: Columns
    solved: dict[str, transport.Transported] = field(default_factory=dict)
    _harmed: dict[object, Harm] = field(default_factory=dict)
    _untreated: dict[object, Cells] = field(default_factory=dict)

    @property
    def study(self) -> Study:
        """The study."""
        return self.plan.study

    @cached_property
    def subjects(self) -> int:
        """Ears in the block."""
        return next(iter(self.columns.values())).size

    @cached_property
    def species(self) -> Columns:
        """The species' columns by key."""
        return self.study.species.columns(self.columns, self.study.scenario.species)

    @cached_property
    def anatomy(self) -> transport.Anatomy:
        """The fluids and tissues of these ears."""
        species = self.study.scenario.species
        card = self.study.species.card
        profiles = {name: card.profile(name, species) for name in card.profiles}
        tracer = self._entry("solutes", "tmpa").columns(self.columns, species)["diffusion"]
        return transport.Anatomy.build(self.species, profiles, self.plan.places, tracer)

    @cached_property
    def ear(self) -> Ear:
        """Places and their frequencies."""
        place = self.plan.places.place
        # The map is the species', the same for all subjects: its numbers carry no spread between subjects.
        scale, slope, offset = (self.species[k][0] for k in ("map_scale", "map_slope", "map_offset"))
        frequency = np.maximum(scale * (10 ** (slope * (1.0 - place)) - offset), 1e-3 * scale)
        return Ear(
            self.study.scenario.species, place, frequency, self.species["scala_tympani_length"], self.species
        )

    @cached_property
    def rates(self) -> dict[str, Columns]:
        """The shelf of cell kinds as columns."""
        species = self.study.scenario.species
        return {k: self._entry("cells", k).columns(self.columns, species) for k in (*KINDS, "stria")}

    @cached_property
    def alike(self) -> bool:
        """Whether all its ears carry fluids alike, so that one solution of transport serves them all."""
        moving = [c for name, c in self.columns.items() if name.split(".")[0] in TRANSPORT]
        return self.subjects > 1 and all(bool(np.all(c == c[0])) for c in moving)

    def _first(self) -> Block:
        return Block(self.plan, {name: column[:1] for name, column in self.columns.items()})

    def _entry(self, shelf: str, name: str) -> Any:
        return self.study.batch(name) if shelf == "batches" else self.study.catalog.get(shelf, name)

    def _bind(self, shelf: str, name: str, **options: object) -> Any:
        return self._entry(shelf, name).bind(self.columns, self.study.scenario.species, **options)

    def cells(self, arm: PlannedArm) -> Cells:
        """The fate of every kind of cell in an arm; arms that get no vesicles share it."""
        key, protection = self._suffered(arm), self.protection(arm)
        if protection.factors:
            return self._survive(arm, protection)
        if key not in self._untreated:
            self._untreated[key] = self._survive(arm, protection)
        return self._untreated[key]

    def _survive(self, arm: PlannedArm, protection: Protection) -> Cells:
        return survive(
            self.plan.knots,
            self.rates,
            self.harm(arm),
            self.species["stress_clearance"],
            protection,
            strial=bool(self.study.species.card.options.get("strial", False)),
        )

    def harm(self, arm: PlannedArm) -> Harm:
        """What the insults of an arm do together."""
        key = self._suffered(arm)
        if key not in self._harmed:
            uses = [self.study.scenario.insult[name] for name in arm.arm.insults]
            found = [(self._bind("insults", u.entry), self._exposure(u, arm)) for u in uses]
            self._harmed[key] = harm(self.ear, self.plan.knots, found)
        return self._harmed[key]

    def _suffered(self, arm: PlannedArm) -> str:
        """What decides the harm of an arm: its insults, and the fluid its treatments push through the cochlea."""
        return repr(arm.arm.insults) + (_regimen(arm) if self._pushes(arm) else "")

    def _pushes(self, arm: PlannedArm) -> list[transport.Flow]:
        """The volumes that an arm's treatments inject, as flows that hold nothing: they wash a drug out."""
        nothing = np.zeros((1, self.subjects))
        return [
            flow
            for given in arm.treatments
            for dose in self._timed(given, nothing)
            for flow in self._bind("routes", given.treatment.route).deliver(dose, self.anatomy)
            if flow.displaces
        ]

    def _exposure(self, use: InsultUse, arm: PlannedArm) -> Exposure:
        concentration = {}
        for drug in self.study.drugs(use):
            solved = self._drug(drug, use, arm)
            for need in self.study.needs(use):
                solute, _, tissue = need.partition(".")
                if solute == drug:
                    concentration[need] = solved.concentration[tissue][0]
        return Exposure(self.plan.knots, concentration, use_of(use))

    def _drug(self, drug: str, use: InsultUse, arm: PlannedArm) -> transport.Transported:
        pushes = self._pushes(arm)
        key = f"{drug} {use!r} {_regimen(arm) if pushes else ''}"
        alone = not any(given.row is not None for given in arm.treatments)
        if key not in self.solved and self.alike and (alone or not pushes):
            self.solved[key] = _shared(self._first()._drug(drug, use, arm), self.subjects)
        if key not in self.solved:
            entry, species = self._entry("solutes", drug), self.study.scenario.species
            solute = entry.bind(self.columns, species)
            amount = self._amount(use, entry.columns(self.columns, species))
            route = self._bind("routes", str(use.route))
            volume = np.zeros(self.subjects)
            doses = [
                transport.Dose(t, t + _hours(use.duration), amount[None], volume)
                for t in (quantity(m, "h") for m in use.at)
            ]
            keep = {need.partition(".")[2] for need in self.study.needs(use)}
            self.solved[key] = self._solve(solute, route, doses, sorted(keep), pushes)
        return self.solved[key]

    def _amount(self, use: InsultUse, solute: Columns) -> Array:
        """What one injection of a drug holds, pmol, shape (subject,)."""
        text = str(use.amount)
        value = quantity(text)
        micrograms = value * (self.species["body_mass"] if house(split(text)[1]) == "ug/kg" else 1.0)
        return np.broadcast_to(micrograms / solute["molar_mass"], (self.subjects,))

    def _solve(
        self,
        solute: transport.Solute,
        route: Any,
        doses: list[transport.Dose],
        keep: Sequence[str],
        others: Sequence[transport.Flow] = (),
    ) -> transport.Transported:
        flows = [*others, *(flow for dose in doses for flow in route.deliver(dose, self.anatomy))]
        return transport.solve(
            self.anatomy, solute, flows, self.plan.knots, keep=keep, refine=self.plan.refine
        )

    def vesicles(self, arm: PlannedArm) -> transport.Transported | None:
        """Vesicles of every size class over time and place, or None where an arm gets none.

        Potency plays no part, so an arm and its null twin share one solution.
        """
        if not arm.treatments:
            return None
        key = _regimen(arm)
        if key not in self.solved and self.alike and all(g.row is None for g in arm.treatments):
            one = self._first().vesicles(arm)
            if one is not None:
                self.solved[key] = _shared(one, self.subjects)
        if key not in self.solved:
            species = self.study.scenario.species
            numbers = dict(self._entry("solutes", "vesicle").columns(self.columns, species))
            solute = transport.Solute.sized(
                self.batch(arm.treatments[0].treatment.batch).diameter,
                numbers.pop("temperature"),
                numbers.pop("viscosity"),
                **{k: v for k, v in numbers.items() if k in _SOLUTE},
            )
            doses = [dose for given in arm.treatments for dose in self._doses(given)]
            if not any(np.any(dose.amount > 0) for dose in doses):
                return None
            route = self._bind("routes", arm.treatments[0].treatment.route)
            keep = ("organ_of_corti", "rosenthals_canal", "scala_tympani")
            self.solved[key] = self._solve(solute, route, doses, keep)
        return self.solved[key]

    def _doses(self, given: Given) -> list[transport.Dose]:
        treatment = given.treatment
        amount = vesicles_given(self.batch(treatment.batch), **dosed(treatment))
        return self._timed(given, amount)

    def _timed(self, given: Given, amount: Array) -> list[transport.Dose]:
        """One dose of an amount (classes, subject) at each time of a treatment."""
        amount = np.broadcast_to(amount, (amount.shape[0], self.subjects))
        if given.row is not None:
            amount = amount * (np.arange(self.subjects) == given.row)
        volume = np.full(self.subjects, quantity(str(given.treatment.volume), "uL"))
        if given.row is not None:
            volume = volume * (np.arange(self.subjects) == given.row)
        duration = _hours(given.treatment.duration)
        return [transport.Dose(t, t + duration, amount, volume) for t in given.times]

    def protein(self, arm: PlannedArm) -> transport.Transported | None:
        """Soluble protein that comes with the vesicles, over time and place: the rival explanation."""
        if not arm.treatments:
            return None
        key = f"protein {_regimen(arm)}"
        if key not in self.solved:
            doses = [dose for given in arm.treatments for dose in self._protein_doses(given)]
            if not any(np.any(dose.amount > 0) for dose in doses):
                return None
            route = self._bind("routes", arm.treatments[0].treatment.route)
            self.solved[key] = self._solve(
                self._bind("solutes", "protein"), route, doses, ("organ_of_corti",)
            )
        return self.solved[key]

    def _protein_doses(self, given: Given) -> list[transport.Dose]:
        batch = self.batch(given.treatment.batch)
        return self._timed(given, protein_given(batch, **dosed(given.treatment))[None])

    def batch(self, name: str) -> Batch:
        """A batch with this block's columns."""
        entry = self.study.batch(name)
        columns = entry.columns(self.columns, self.study.scenario.species)
        return Batch.of(name, columns, entry.card.options)

    def protection(self, arm: PlannedArm) -> Protection:
        """What the vesicles of an arm do to each rate; nothing where it gets none."""
        vesicles = self.vesicles(arm)
        if vesicles is None:
            return Protection()
        treatment = arm.treatments[0].treatment
        batch = self.batch(treatment.batch)
        potency = {
            name: treatment.potency * batch.potency_of(name)[:, None, None] for name in self.study.mechanisms
        }
        contact = {tissue: vesicles.concentration[tissue].sum(axis=0) for tissue in _TISSUES}
        cargo = {tissue: self._cargo(vesicles, tissue, batch) for tissue in _TISSUES}
        mechanisms = {name: self._mechanism(name, arm.efficacy) for name in self.study.mechanisms}
        return protect(self.plan.knots, mechanisms, contact, potency, cargo, arm.arm.without)

    def _cargo(self, vesicles: transport.Transported, tissue: str, batch: Batch) -> Array:
        """Copies of miRNA that vesicles taken up have released in a tissue, copies/uL, (subject, time, place)."""
        solute = self._entry("solutes", "vesicle").columns(self.columns, self.study.scenario.species)
        released = batch.mirna_copies[:, None, None] * vesicles.uptake(tissue).sum(axis=0)
        return relax(self.plan.knots, released, np.log(2.0) / solute["cargo_half_life"][:, None, None])

    def _mechanism(self, name: str, efficacy: float) -> Any:
        bound = self._bind("mechanisms", name)
        if efficacy == 1.0:
            return bound
        scaled = {a: np.minimum(efficacy * getattr(bound, a), 1.0) for a in bound.acts}
        return replace(bound, **scaled)

    def value(self, measure: Measure, cells: Cells, frequency: Array) -> Array:
        """The true value of a measure, shape (subject, time, frequency)."""
        return np.asarray(endpoint(self.study, measure, self.columns).value(self.ear, cells, frequency))


def endpoint(study: Study, measure: Measure, columns: Columns) -> Any:
    """A measure's endpoint bound to ears; a species may bring curves of its own, such as healthy thresholds."""
    species = study.species.card
    options: dict[str, object] = {name: species.profile(name, species.stem) for name in species.profiles}
    if measure.cell is not None:
        options["cell"] = measure.cell
    if measure.level is not None:
        options["level"] = quantity(measure.level, "dB SPL")
    return study.catalog.get("endpoints", measure.endpoint).bind(columns, study.scenario.species, **options)


def _shared(one: transport.Transported, subjects: int) -> transport.Transported:
    """One ear's solution for a whole block."""
    wide = {
        name: np.broadcast_to(c, (c.shape[0], subjects, *c.shape[2:]))
        for name, c in one.concentration.items()
    }
    return replace(one, concentration=wide)


# Shelves whose numbers decide where a solute goes; all others only what it does there.
_TISSUES = ("organ_of_corti", "rosenthals_canal")
TRANSPORT = ("species", "solutes", "routes", "batches")
_SOLUTE = frozenset(transport.Solute.__dataclass_fields__) - {"diffusion"}


def blocks(table: pd.DataFrame, width: int) -> list[tuple[slice, Columns]]:
    """A table in blocks of full width: the last is padded with its own first row."""
    found: list[tuple[slice, Columns]] = []
    for start in range(0, len(table), width):
        rows = np.arange(start, min(start + width, len(table)))
        padded = np.concatenate([rows, np.full(width - rows.size, rows[0])])
        found.append(
            (slice(start, start + rows.size), {c: table[c].to_numpy()[padded] for c in table.columns})
        )
    return found


def through(
    plan: Plan,
    table: pd.DataFrame,
    work: Callable[[Block], dict[str, Array]],
    workers: int = 2,
    tick: Tick | None = None,
) -> dict[str, Array]:
    """Send every block of a table through ``work`` and join what comes back along the subjects.

    ``work``  block -> arrays whose first axis is the subject
    """
    # Fewer ears at once in a study of many events, so that its histories fit in memory.
    parts = blocks(table, max(1, min(BLOCK, BLOCK * _ROOMY // plan.knots.size)))

    def one(part: tuple[slice, Columns]) -> dict[str, Array]:
        rows, columns = part
        return {k: v[: rows.stop - rows.start] for k, v in work(Block(plan, columns)).items()}

    results = []
    with ThreadPoolExecutor(workers) as pool:
        for done, result in enumerate(pool.map(one, parts), start=1):
            results.append(result)
            if tick is not None:
                tick(done, len(parts))
    return {name: np.concatenate([r[name] for r in results]) for name in results[0]}


def forward(block: Block) -> dict[str, Array]:
    """Every measure, the cells counted at the end and the vesicles' peak, of every arm of a block."""
    plan, study = block.plan, block.study
    out: dict[str, Array] = {name: np.zeros(block.subjects) for name in ("time_error", "closure")}
    for number, arm in enumerate(plan.arms):
        cells = block.cells(arm)
        measured = cells.at(plan.at(plan.times))
        for name, measure in study.scenario.measure.items():
            out[f"{name}/{number}"] = block.value(measure, measured, plan.frequencies)
        ends = cells.at(np.array([-1]))
        out[f"cells/{number}"] = np.stack([ends.counted(k)[:, 0] for k in KINDS], axis=1)
        out[f"vesicles/{number}"] = _peak(block, block.vesicles(arm))
        out[f"protein/{number}"] = _peak(block, block.protein(arm))
    for solved in block.solved.values():
        out["time_error"] = np.maximum(out["time_error"], solved.time_error)
        out["closure"] = np.maximum(out["closure"], np.abs(solved.closure))
    return out


def _peak(block: Block, carried: transport.Transported | None) -> Array:
    """Highest concentration in the organ of Corti, all size classes together, shape (subject, place)."""
    if carried is None:
        return np.zeros((block.subjects, block.plan.places.places))
    return np.asarray(carried.concentration["organ_of_corti"].sum(axis=0).max(axis=1))


def simulate(
    study: Study,
    table: pd.DataFrame,
    workers: int = 2,
    tick: Tick | None = None,
) -> xr.Dataset:
    """Every arm of a study for every ear of a table.

    ``table``    from ``draw``: a column per number, a row per ear
    returns      dims arm, subject, time (h), frequency (kHz), place, cell; a variable per measure, ``cells``
                 (fraction counted at the end), ``vesicles`` and ``protein`` (peaks in the organ of Corti,
                 particles/uL and ug/uL); where arms are compared, ``halved`` and ``doubled``: the measure
                 with the efficacy prior so changed
    """
    import xarray as xr

    made = plan(study)
    count = range(len(made.arms))
    extra = _efficacies(study)
    found = through(replace(made, arms=(*made.arms, *extra.values())), table, forward, workers, tick)
    _check_computed(found)
    coords = {
        "arm": [arm.name for arm in made.arms],
        "subject": np.arange(len(table)),
        "time": ("time", made.times, {"unit": "h"}),
        "frequency": ("frequency", made.frequencies, {"unit": "kHz"}),
        "place": ("place", made.places.place, {"unit": "", "long_name": "0 base to 1 apex"}),
        "cell": [LABELS[k] for k in KINDS],
    }
    variables: dict[str, Any] = {}
    for name, measure in study.scenario.measure.items():
        options = study.catalog.get("endpoints", measure.endpoint).card.options
        said = {
            "endpoint": measure.endpoint,
            "unit": str(options.get("unit", "")),
            "better": str(options.get("better", "lower")),
            "long_name": f"{options.get('label', measure.endpoint)}{f' ({measure.cell})' if measure.cell else ''}",
        }
        values = np.stack([found[f"{name}/{n}"] for n in count])
        variables[name] = (("arm", "subject", "time", "frequency"), values, said)
    for number, name in enumerate(extra, start=len(count)):
        measure_of = str(study.scenario.compare and study.scenario.compare.measure)
        dims = ("subject", "time", "frequency")
        variables[name] = (dims, found[f"{measure_of}/{number}"], {"unit": variables[measure_of][2]["unit"]})
    cells = np.stack([found[f"cells/{n}"] for n in count])
    variables["cells"] = (("arm", "subject", "cell", "place"), cells.astype(np.float32), {"unit": ""})
    for name, unit in (("vesicles", "particles/uL"), ("protein", "ug/uL")):
        peaks = np.stack([found[f"{name}/{n}"] for n in count])
        variables[name] = (("arm", "subject", "place"), peaks, {"unit": unit})
    variables["time_error"] = (("subject",), found["time_error"], {"unit": ""})
    variables["closure"] = (("subject",), found["closure"], {"unit": ""})
    seed = int(table.attrs.get("seed", 0))
    attrs: dict[str, Any] = {
        "name": study.name, "version": __version__, "seed": seed, "species": study.scenario.species,
        "study": saves(study, seed), "notes": json.dumps(list(study.notes)),
    }  # fmt: skip
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _check_computed(found: Mapping[str, Array]) -> None:
    """Refuse numbers so far out that what follows from them is none."""
    lost = float(np.max(found["closure"]))
    # A thousand times what rounding may cost; no number is no less.
    if not (lost <= 1e-7 and np.all(np.isfinite(found["time_error"]))):
        raise BadInput(
            "cannot be carried through the ear: a dose or a number of the study is out of all range",
            given=f"{lost:.1g} of the dose unaccounted for",
        )
    for name, values in found.items():
        if not np.all(np.isfinite(values)):
            raise BadInput("cannot be computed from these numbers", key=name.split("/")[0])


def _efficacies(study: Study) -> dict[str, PlannedArm]:
    """The compared arm with every largest effect halved, and doubled (never above 1)."""
    asked = study.scenario.compare
    if asked is None:
        return {}
    arm = study.arm(asked.of)
    return {name: planned(study, arm, factor) for name, factor in (("halved", 0.5), ("doubled", 2.0))}


def observe(study: Study, result: xr.Dataset, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """What a laboratory would have written down: a row per reading (the ``readings`` table of the contracts).

    ``table``  the ears' parameters; drawn again from the result's seed if not given
    """
    import pandas as pd

    from otosome.evidence import uniforms

    seed = int(result.attrs["seed"])
    ears = draw(study, result.sizes["subject"], seed) if table is None else table
    columns = {c: ears[c].to_numpy() for c in ears.columns}
    frames = []
    for name, measure in study.scenario.measure.items():
        bound = endpoint(study, measure, columns)
        times = np.unique([quantity(t, "h") for t in measure.at])
        wanted = np.unique([quantity(f, "kHz") for f in measure.frequency])
        for number, arm in enumerate(result.arm.to_numpy()):
            value = result[name].sel(arm=arm, time=times, frequency=wanted).to_numpy()
            uniform = uniforms(seed, f"readings/{name}/{number}", 0, value.size).reshape(value.shape)
            reading = bound.read(value, uniform)
            index = pd.MultiIndex.from_product(
                [result.subject.to_numpy(), times, wanted], names=["subject", "time", "frequency"]
            )
            frame = index.to_frame(index=False)
            frame["group"], frame["quantity"] = str(arm), name
            frame["value"], frame["censored"] = reading.value.ravel(), reading.censored.ravel()
            frame["unit"] = result[name].attrs["unit"]
            frame["level"] = np.nan if measure.level is None else quantity(measure.level, "dB SPL")
            frames.append(frame)
    readings = pd.concat(frames, ignore_index=True)
    readings["censored"] = readings["censored"].map({-1: "below", 0: "none", 1: "above"})
    readings["ear"], readings["flag"], readings["file"], readings["sha256"] = "left", "", "", ""
    ear = Block(plan(study), {c: v[:1] for c, v in columns.items()}).ear
    readings["place"] = ear.place_of(readings["frequency"].to_numpy())
    return readings[
        ["subject", "ear", "group", "time", "quantity", "frequency", "place", "value", "unit", "level",
         "censored", "flag", "file", "sha256"]
    ]  # fmt: skip
