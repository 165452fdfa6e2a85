"""Some ears going through the chain together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from otosome.ears import Columns
from otosome.forward.planning import (
    Given,
    Plan,
    PlannedArm,
    counted,
    dosed,
    hours,
    regimen,
    use_of,
)
from otosome.lots.batch import Batch, protein_given, vesicles_given
from otosome.model import transport
from otosome.model.hearing import shift
from otosome.model.injury import (
    LABELS,
    Cells,
    Harm,
    Protection,
    harm,
    protect,
    relax,
    survive,
)
from otosome.roles import (
    Device,
    Ear,
    Exposure,
    Population,
    Recovery,
)
from otosome.study import (
    DeviceUse,
    InsultUse,
    Measure,
    Study,
)
from otosome.units import (
    Array,
)

KINDS = tuple(LABELS)
# Shelves whose numbers decide where a solute goes; all others only what it does there.
_TISSUES = ("organ_of_corti", "rosenthals_canal")
TRANSPORT = ("species", "solutes", "routes", "batches", "devices")
_SOLUTE = frozenset(transport.Solute.__dataclass_fields__) - {"diffusion"}


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
        return self.study.species.columns(self.columns, self.study.tables.species)

    @cached_property
    def anatomy(self) -> transport.Anatomy:
        """The fluids and tissues of these ears."""
        species = self.study.tables.species
        card = self.study.species.card
        profiles = {name: card.profile(name, species) for name in card.profiles}
        tracer = self._entry("solutes", "tmpa").columns(self.columns, species)["diffusion"]
        return transport.Anatomy.build(self.species, profiles, self.plan.places, tracer)

    @cached_property
    def ear(self) -> Ear:
        """Places and their frequencies."""
        place = self.plan.places.place
        # One map for all subjects: its numbers carry no spread between them.
        frequency = self.study.tonotopy(self.columns).frequency(place)[0, 0]
        return Ear(
            self.study.tables.species, place, frequency, self.species["scala_tympani_length"], self.species
        )

    @cached_property
    def rates(self) -> dict[str, Columns]:
        """The shelf of cell kinds as columns."""
        species = self.study.tables.species
        return {k: self._entry("cells", k).columns(self.columns, species) for k in (*KINDS, "stria")}

    @cached_property
    def population(self) -> Population | None:
        """Whom these ears belong to, where the study says so."""
        return self.study.population(self.columns)

    @cached_property
    def arrived(self) -> Mapping[str, Array]:
        """Share of each kind of cell the ears arrive with, (subject, place), by kind; all where none is named."""
        return {} if self.population is None else self.population.arrived(self.ear, self.rates)

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
        return self._entry(shelf, name).bind(self.columns, self.study.tables.species, **options)

    def cells(self, arm: PlannedArm) -> Cells:
        """The fate of every kind of cell in an arm; arms that get no vesicles share it."""
        key, protection = self._suffered(arm), self.protection(arm)
        if protection.factors:
            return self.survived(arm, protection)
        if key not in self._untreated:
            self._untreated[key] = self.survived(arm, protection)
        return self._untreated[key]

    def survived(self, arm: PlannedArm, protection: Protection) -> Cells:
        """The fate of every kind of cell under an arm's insults and any protection."""
        return survive(
            self.plan.knots,
            self.rates,
            self.harm(arm),
            self.species["stress_clearance"],
            protection,
            strial=self.study.species.options.strial,
            arrived=self.arrived,
        )

    def harm(self, arm: PlannedArm) -> Harm:
        """What the insults of an arm do together."""
        key = self._suffered(arm)
        if key not in self._harmed:
            uses = self.study.suffered(arm.arm)
            found = [(self._bind("insults", u.entry), self._exposure(u, arm)) for u in uses]
            self._harmed[key] = harm(self.ear, self.plan.knots, found)
        return self._harmed[key]

    def _suffered(self, arm: PlannedArm) -> str:
        """What decides the harm of an arm: its insults, and the fluid its treatments push through the cochlea."""
        return repr(self.study.suffered(arm.arm)) + (regimen(arm) if self._pushes(arm) else "")

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
        key = f"{drug} {use!r} {regimen(arm) if pushes else ''}"
        alone = not any(given.row is not None for given in arm.treatments)
        if key not in self.solved and self.alike and (alone or not pushes):
            self.solved[key] = _shared(self._first()._drug(drug, use, arm), self.subjects)
        if key not in self.solved:
            entry, species = self._entry("solutes", drug), self.study.tables.species
            solute = entry.bind(self.columns, species)
            amount = self.amount(use, entry.columns(self.columns, species))
            route = self._bind("routes", str(use.route))
            volume = np.full(self.subjects, 0.0 if use.volume is None else float(use.volume))
            doses = [
                transport.Dose(t, t + hours(use.duration), amount[None], volume) for t in map(float, use.at)
            ]
            flows = [*pushes, *self._delivered(route, doses)]
            keep = {need.partition(".")[2] for need in self.study.needs(use)}
            self.solved[key] = self._solve(solute, flows, sorted(keep))
        return self.solved[key]

    def sampled(self, arm: PlannedArm) -> dict[str, Array]:
        """Mean concentration of each sample of an arm by solute, all size classes together, (subject, sample)."""
        uses = [self.study.tables.insult[name] for name in arm.arm.insults]
        found = [(drug, self._drug(drug, use, arm)) for use in uses for drug in self.study.drugs(use)]
        found += [(n, c) for n, c in (("vesicle", self.vesicles(arm)), ("protein", self.protein(arm))) if c]
        # The tracer scales exchange; none of it is given.
        solutes = [name for name in self.study.solutes() if name != "tmpa"]
        total = dict.fromkeys(solutes, np.zeros((self.subjects, len(self.plan.samples))))
        for name, carried in found:
            total[name] = total[name] + carried.samples.sum(axis=0)
        return total

    def amount(self, use: InsultUse, solute: Columns) -> Array:
        """What one injection of a drug holds, pmol, shape (subject,).

        ``solute``  the drug's numbers, with its ``molar_mass``
        """
        if use.concentration is not None:
            assert use.volume is not None  # a concentration comes in one: InsultUse.check
            per_microlitre = float(use.concentration) * float(use.volume)
            moles = 1.0 if use.concentration.unit == "uM" else solute["molar_mass"]
            return np.broadcast_to(per_microlitre / moles, (self.subjects,))
        assert use.amount is not None  # it has the one or the other: InsultUse.check
        bodies = {
            "ug": np.ones(self.subjects),
            "ug/kg": self.species["body_mass"],
            "ug/m2": self.species["body_mass"] / self.species["mass_per_surface"],
        }
        micrograms = float(use.amount) * bodies[use.amount.unit]
        return np.broadcast_to(micrograms / solute["molar_mass"], (self.subjects,))

    def _delivered(self, route: Any, doses: Iterable[transport.Dose]) -> list[transport.Flow]:
        return [flow for dose in doses for flow in route.deliver(dose, self.anatomy)]

    def _solve(
        self, solute: transport.Solute, flows: Sequence[transport.Flow], keep: Sequence[str]
    ) -> transport.Transported:
        return transport.solve(
            self.anatomy,
            solute,
            flows,
            self.plan.knots,
            keep=keep,
            refine=self.plan.refine,
            samples=[sample for _, sample in self.plan.samples],
        )

    def vesicles(self, arm: PlannedArm) -> transport.Transported | None:
        """Vesicles of every size class over time and place, or None where an arm gets none.

        Potency plays no part, so an arm and its null twin share one solution.
        """
        if arm.lot is None:
            return None
        key = regimen(arm)
        if key not in self.solved and self.alike and all(g.row is None for g in arm.treatments):
            one = self._first().vesicles(arm)
            if one is not None:
                self.solved[key] = _shared(one, self.subjects)
        if key not in self.solved:
            flows = [
                flow
                for given in arm.treatments
                for flow in self._delivered(self._bind("routes", given.treatment.route), self._doses(given))
            ]
            flows += [flow for use in arm.releasing for flow in self._released(use)]
            if not any(np.any(flow.amount > 0) for flow in flows):
                return None
            keep = ("organ_of_corti", "rosenthals_canal", "scala_tympani", "plasma")
            self.solved[key] = self._solve(self._vesicle(arm.lot[0]), flows, keep)
        return self.solved[key]

    def _vesicle(self, lot: str) -> transport.Solute:
        """The vesicles of a lot as a solute, by size class."""
        numbers = dict(self._entry("solutes", "vesicle").columns(self.columns, self.study.tables.species))
        return transport.Solute.sized(
            self.batch(lot).diameter,
            numbers.pop("temperature"),
            numbers.pop("viscosity"),
            **{k: v for k, v in numbers.items() if k in _SOLUTE},
        )

    def crossed(self, arm: PlannedArm) -> Array:
        """Vesicles of an arm that the other ear meets, as a share of what this one does, at most, shape (subject,).

        All that ever left this ear into blood and cerebrospinal fluid is put there at once, when the first dose is
        given, for an ear like this one; what is compared are the means along the duct of the highest concentrations
        in the organ of Corti. Zero where an arm gets no vesicles.
        """
        here = self.vesicles(arm)
        if here is None or arm.lot is None:
            return np.zeros(self.subjects)
        solute, ledger = self._vesicle(arm.lot[0]), here.ledger
        decayed = solute.loss * self.anatomy.csf_volume / self.anatomy.csf_turnover
        left = {
            "plasma": ledger["eliminated"] + ledger["plasma"],
            "cerebrospinal_fluid": ledger["cerebrospinal_fluid"]
            + ledger["cleared_cerebrospinal_fluid"] * (1.0 + decayed),
        }
        start = min(
            [t for given in arm.treatments for t in given.times] + [float(use.at) for use in arm.releasing]
        )
        nothing = np.zeros(self.subjects)
        flows = [transport.Flow(into, start, start, amount, nothing) for into, amount in left.items()]
        there = self._solve(solute, flows, ("organ_of_corti",))
        met = [
            one.concentration["organ_of_corti"].sum(axis=0).max(axis=1).mean(axis=-1) for one in (there, here)
        ]
        return np.divide(met[0], met[1], out=np.zeros(self.subjects), where=met[1] > 0)

    def _released(self, use: DeviceUse) -> Sequence[transport.Flow]:
        """The vesicles a device releases: cells put in secrete all sizes of their batch, a coat is a dose of it."""
        assert use.amount is not None  # what releases has one: study.checks
        batch, amount = self.batch(str(use.batch)), counted(use.amount)
        shared = amount["cells"] * batch.weight if "cells" in amount else vesicles_given(batch, **amount)
        shared = np.broadcast_to(shared, (shared.shape[0], self.subjects))
        start = float(use.at)
        dose = transport.Dose(start, start, shared, np.zeros(self.subjects))
        flows: Sequence[transport.Flow] = self._device(use).flows(dose, self.anatomy)
        return flows

    def _doses(self, given: Given) -> list[transport.Dose]:
        treatment = given.treatment
        amount = vesicles_given(self.batch(treatment.batch), **dosed(treatment))
        return self._timed(given, amount)

    def _timed(self, given: Given, amount: Array) -> list[transport.Dose]:
        """One dose of an amount (classes, subject) at each time of a treatment."""
        amount = np.broadcast_to(amount, (amount.shape[0], self.subjects))
        if given.row is not None:
            amount = amount * (np.arange(self.subjects) == given.row)
        volume = np.full(self.subjects, float(given.treatment.volume))
        if given.row is not None:
            volume = volume * (np.arange(self.subjects) == given.row)
        duration = hours(given.treatment.duration)
        return [transport.Dose(t, t + duration, amount, volume) for t in given.times]

    def protein(self, arm: PlannedArm) -> transport.Transported | None:
        """Soluble protein that comes with the vesicles given, over time and place: the rival explanation.

        What the cells of a graft secrete besides vesicles is not followed.
        """
        if not arm.treatments:
            return None
        key = f"protein {regimen(arm)}"
        if key not in self.solved:
            doses = [dose for given in arm.treatments for dose in self._protein_doses(given)]
            if not any(np.any(dose.amount > 0) for dose in doses):
                return None
            route = self._bind("routes", arm.treatments[0].treatment.route)
            flows = self._delivered(route, doses)
            self.solved[key] = self._solve(self._bind("solutes", "protein"), flows, ("organ_of_corti",))
        return self.solved[key]

    def _protein_doses(self, given: Given) -> list[transport.Dose]:
        batch = self.batch(given.treatment.batch)
        return self._timed(given, protein_given(batch, **dosed(given.treatment))[None])

    def batch(self, name: str) -> Batch:
        """A batch with this block's columns."""
        entry = self.study.batch(name)
        columns = entry.columns(self.columns, self.study.tables.species)
        return Batch.of(name, columns, entry.options.class_ratio)

    def protection(self, arm: PlannedArm) -> Protection:
        """What the vesicles of an arm do to each rate; nothing where it gets none."""
        vesicles = self.vesicles(arm)
        if vesicles is None:
            return Protection()
        batch, potency = self._potency(arm)
        contact = {tissue: vesicles.concentration[tissue].sum(axis=0) for tissue in _TISSUES}
        cargo = {tissue: self._cargo(vesicles, tissue, batch) for tissue in _TISSUES}
        mechanisms = {name: self._bind("mechanisms", name) for name in self.study.mechanisms}
        return protect(self.plan.knots, mechanisms, contact, potency, cargo, arm.arm.without)

    def _potency(self, arm: PlannedArm) -> tuple[Batch, dict[str, Array]]:
        """The batch of an arm that gets vesicles, and its relative potency by mechanism, (subject, 1, 1)."""
        assert arm.lot is not None
        lot, strength = arm.lot
        batch = self.batch(lot)
        return batch, {
            name: strength * batch.potency_of(name)[:, None, None] for name in self.study.mechanisms
        }

    def blood(self, arm: PlannedArm) -> Array:
        """Vesicles in plasma over time, particles h/uL, shape (subject,)."""
        vesicles = self.vesicles(arm)
        if vesicles is None:
            return np.zeros(self.subjects)
        plasma = vesicles.concentration["plasma"].sum(axis=0)
        pieces = 0.5 * (plasma[:, 1:] + plasma[:, :-1]) * np.diff(self.plan.knots)
        return np.asarray(pieces.sum(axis=1))

    def told(self, arm: PlannedArm) -> Array:
        """Strongest signal of any mechanism at the peak, 0 to 1, in the organ of Corti and in blood, (subject, 2).

        A tumour that blood feeds is told what blood is: a dose that shields the ear may shield it too.
        """
        vesicles = self.vesicles(arm)
        if vesicles is None:
            return np.zeros((self.subjects, 2))
        _, potency = self._potency(arm)
        peaks = [
            vesicles.concentration["organ_of_corti"].sum(axis=0).max(axis=1),
            vesicles.concentration["plasma"].sum(axis=0).max(axis=1)[:, None],
        ]
        bound = {name: self._bind("mechanisms", name) for name in self.study.mechanisms}
        acting = {name: mechanism for name, mechanism in bound.items() if not mechanism.gates}
        silent = np.zeros((1, 1, 1))
        strongest = [np.zeros((self.subjects, 1, peak.shape[1])) for peak in peaks]
        for name, mechanism in acting.items():
            for where, peak in enumerate(peaks):
                signal = mechanism.signal(potency[name] * peak[:, None, :], silent)
                strongest[where] = np.maximum(strongest[where], signal)
        return np.stack([signal.mean(axis=(1, 2)) for signal in strongest], axis=1)

    def _cargo(self, vesicles: transport.Transported, tissue: str, batch: Batch) -> Array:
        """Copies of miRNA that vesicles taken up have released in a tissue, copies/uL, (subject, time, place)."""
        solute = self._entry("solutes", "vesicle").columns(self.columns, self.study.tables.species)
        released = batch.mirna_copies[:, None, None] * vesicles.uptake(tissue).sum(axis=0)
        return relax(self.plan.knots, released, np.log(2.0) / solute["cargo_half_life"][:, None, None])

    def value(
        self,
        measure: Measure,
        cells: Cells,
        frequency: Array,
        arm: PlannedArm | None = None,
        times: Array | None = None,
    ) -> Array:
        """The true value of a measure, shape (subject, time, frequency); of words, the same at every frequency.

        ``arm``    the arm the cells are of, whose devices are heard with and whose people recover; none without it
        ``times``  the moments of the cells, h, shape (time,); asked where there is an arm
        """
        given: dict[str, object] = {}
        if self.population is not None:
            given = {"population": self.population, "arrived": self.arrival}
        if arm is not None and times is not None:
            given |= {"devices": self._worn(arm, times), "recovery": self._recovery(times)}
        bound = endpoint(self.study, measure, self.columns, **given)
        value = np.asarray(bound.value(self.ear, cells, frequency))
        return np.broadcast_to(value, (*value.shape[:2], np.size(frequency)))

    def came(self, measure: Measure, frequency: Array) -> tuple[Any, Array]:
        """A measure's endpoint bound to the ears as they came, with its true value, (subject, 1, frequency)."""
        bound = endpoint(self.study, measure, self.columns, population=self.population, arrived=self.arrival)
        value = np.asarray(bound.value(self.ear, self.arrival, frequency))
        return bound, np.broadcast_to(value, (self.subjects, 1, np.size(frequency)))

    def spare(self, frequency: Array) -> Array:
        """What hearing would fall by if the outer hair cells the ears came with were lost, dB, (subject, frequency)."""
        gone = dict.fromkeys(("ohc",), np.zeros_like(self.arrival.intact["ohc"]))
        without = replace(self.arrival, intact={**self.arrival.intact, **gone})
        fall: Array = shift(self.ear, without, frequency) - shift(self.ear, self.arrival, frequency)
        return fall[:, 0]

    def _worn(self, arm: PlannedArm, times: Array) -> tuple[tuple[Device, Array], ...]:
        """The devices of an arm, each with the hours since its start."""
        return tuple((self._device(use), times - float(use.at)) for use in arm.devices)

    def _device(self, use: DeviceUse) -> Any:
        given: dict[str, object] = {} if self.population is None else {"arrived": self.arrival}
        if use.depth is not None:
            given["depth"] = float(use.depth)
        return self._bind("devices", use.entry, **given)

    def _recovery(self, times: Array) -> tuple[Recovery, Array] | None:
        """What every arm regains by itself, with the hours since time zero."""
        use = self.study.tables.recovery
        if use is None:
            return None
        entered = {} if use.entered is None else {"entered": hours(use.entered)}
        return self._bind("recoveries", use.entry, **entered), times

    @cached_property
    def arrival(self) -> Cells:
        """The cells the ears arrive with, at one moment."""
        whole = np.ones((self.subjects, 1, self.plan.places.places))
        intact = {kind: whole * self.arrived.get(kind, whole[:, 0])[:, None, :] for kind in KINDS}
        none = dict.fromkeys(KINDS, np.zeros_like(whole))
        return Cells(intact, none, none, whole, self.rates)


def endpoint(study: Study, measure: Measure, columns: Columns, **given: object) -> Any:
    """A measure's endpoint bound to ears; a species may bring curves of its own, such as healthy thresholds.

    ``given``  what endpoints may ask of an ear: its ``population`` and the cells it ``arrived`` with, its
               ``devices`` and the ``recovery`` of its people, each with the hours since it began, shape (time,)
    """
    species = study.species.card
    options: dict[str, object] = given | {
        name: species.profile(name, species.stem) for name in species.profiles
    }
    if measure.cell is not None:
        options["cell"] = measure.cell
    if measure.level is not None:
        options["level"] = float(measure.level)
    if measure.speech is not None:
        options["speech"] = float(measure.speech)
    if measure.noise is not None:
        options["noise"] = float(measure.noise)
    if measure.material is not None:
        options["material"] = study.catalog.get("materials", measure.material).bind(
            columns, study.tables.species
        )
    for hears in study.heard(measure.endpoint)[1:]:
        options[hears] = study.catalog.get("endpoints", hears).bind(columns, study.tables.species, **options)
    return study.catalog.get("endpoints", measure.endpoint).bind(columns, study.tables.species, **options)


def _shared(one: transport.Transported, subjects: int) -> transport.Transported:
    """One ear's solution for a whole block."""
    wide = {
        name: np.broadcast_to(c, (c.shape[0], subjects, *c.shape[2:]))
        for name, c in one.concentration.items()
    }
    samples = np.broadcast_to(one.samples, (one.samples.shape[0], subjects, *one.samples.shape[2:]))
    return replace(one, concentration=wide, samples=samples)
