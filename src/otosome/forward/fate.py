"""What becomes of some ears in an arm: solutes carried, injury, protection, and the fate of every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from otosome.forward.carried import Steps, frozen
from otosome.forward.cochleae import Cochleae
from otosome.forward.dosing import drug_flows, protein_flows, pushes, solute_of, vesicle, vesicle_flows
from otosome.forward.lazy import lazy
from otosome.forward.planning import Plan, PlannedArm, PlannedInsult
from otosome.lots.batch import Batch
from otosome.model import transport
from otosome.model.injury import (
    Cells,
    Injury,
    Mechanism,
    Protection,
    injury,
    protect,
    protect_by_drugs,
    relax,
    survive,
)
from otosome.roles import Exposure, Use
from otosome.study import Measure, Probe
from otosome.units import Array

# Tissues in which vesicles meet cells.
TISSUES = ("organ_of_corti", "rosenthals_canal")


@dataclass(frozen=True)
class Fate:
    """What becomes of some ears in an arm, each part computed when it is first asked for.

    Arms that suffer the same share their injury, and those that get no vesicles their cells. Potency plays no part in
    transport, so an arm and its null twin share one solution.
    """

    ears: Cochleae
    arm: PlannedArm

    @lazy
    def cells(self) -> Cells:
        """The fate of every kind of cell."""
        if self.protection.factors:
            return self.under(self.protection)
        return self.ears.once(("cells", self._suffered), lambda: self.under(Protection()))

    def under(self, protection: Protection) -> Cells:
        """The fate of every kind of cell under the arm's insults and any protection."""
        plan = self.ears.plan
        return survive(
            plan.knots,
            self.ears.rates,
            self.injury,
            self.ears.species["stress_clearance"],
            protection,
            strial=self.ears.study.species.options.strial,
            arrived=self.ears.arrived,
            kinds=plan.kinds,
        )

    @lazy
    def injury(self) -> Injury:
        """What the insults of the arm do together."""
        return self.ears.once(("injury", self._suffered), self._injury)

    def _injury(self) -> Injury:
        ears = self.ears
        insults = [(ears.bind("insults", use.entry), self.exposure(use)) for use in self.arm.insults]
        return injury(ears.ear, ears.plan.knots, insults)

    @lazy
    def _suffered(self) -> object:
        """All that decides the injury: insults, drugs, and the fluid that treatments push through the cochlea."""
        drugs = tuple((drug.table, drug.name, drug.use) for drug in self.arm.drugs)
        return frozen((self.arm.insults, drugs, pushes(self.ears, self.arm)))

    def exposure(self, insult: PlannedInsult) -> Exposure:
        """What an insult finds in the ear."""
        solutes = self.ears.study.catalog.names("solutes")
        needs = [need.split(".", 1) for need in self._needs(insult)]
        concentration = {
            f"{solute}.{where}": at_sites(self.ears.plan, self.concentration(solute, where))
            for solute, where in needs
            if solute in solutes
        }
        return Exposure(self.ears.plan.knots, concentration, exposed(self.ears, insult))

    def concentration(self, solute: str, where: str) -> Array:
        """Of a solute, given or made of a prodrug, in a fluid or tissue, uM, shape (ear, time, place).

        A fluid that has no places has shape (ear, time).
        """
        carried = self.ears.study.carried
        parts = [
            run.concentration[where][carried(drug).index(solute)]
            for drug, run in self.drugs.items()
            if solute in carried(drug)
        ]
        return np.asarray(reduce(np.add, parts)) if parts else self._none(where)

    def followed(self, probe: Probe | Measure, solute: str) -> Array:
        """A solute at a place of a fluid or tissue, the mean along it where none is stated, uM, shape (ear, time)."""
        where = probe.of or "scala_tympani"
        values = self.concentration(solute, where)
        if values.ndim == 2 or not self.drugs:
            return values.reshape(values.shape[0], values.shape[1], -1)[..., 0]
        if probe.place is None:
            volume = next(iter(self.drugs.values())).volume[where][:, None, :]
            return np.asarray(np.sum(values * volume, axis=-1) / volume.sum(axis=-1))
        return at_place(self.ears.plan, values, probe.place)

    def assayed(self, measure: Measure, times: Array) -> Array:
        """A measure of a concentration, uM, shape (ear, time): of a sample, what the latest held that was begun."""
        solute, plan = str(measure.solute), self.ears.plan
        if measure.collected is not None:
            return self._dialysed(measure, times)
        if measure.sample is None:
            return self.followed(measure, solute)[:, plan.at(times)]
        drawn = [(n, draw.start) for n, (name, draw) in enumerate(plan.samples) if name == measure.sample]
        runs = {n: run for n, run in self.drugs.items() if solute in self.ears.study.carried(n)}
        total = np.zeros((self.ears.subjects, len(plan.samples)))
        for name, run in runs.items():
            total = total + run.samples[self.ears.study.carried(name).index(solute)]
        numbers, starts = np.array([n for n, _ in drawn]), np.array([start for _, start in drawn])
        order = np.argsort(starts, kind="stable")
        latest = np.searchsorted(starts[order], times + 1e-9, side="right") - 1
        values = total[:, numbers[order][np.maximum(latest, 0)]]
        return np.asarray(np.where(latest >= 0, values, 0.0))

    def _dialysed(self, measure: Measure, times: Array) -> Array:
        """Mean over the time a dialysate is collected until each moment, uM, shape (ear, time).

        What dialysis itself takes away is not followed: a fraction of a microlitre's content an hour.
        """
        values, knots = self.followed(measure, str(measure.solute)), self.ears.plan.knots
        pieces = 0.5 * (values[:, 1:] + values[:, :-1]) * np.diff(knots)
        whole = np.concatenate([np.zeros((values.shape[0], 1)), np.cumsum(pieces, axis=1)], axis=1)
        assert measure.collected is not None  # by who calls
        span = float(measure.collected)
        first = np.searchsorted(knots, times - span)
        return np.asarray((whole[:, np.searchsorted(knots, times)] - whole[:, first]) / span)

    def _none(self, where: str) -> Array:
        shape = (self.ears.subjects, self.ears.plan.knots.size)
        return np.zeros(shape if where in transport.LUMPED else (*shape, self.ears.plan.places.places))

    @lazy
    def drugs(self) -> dict[str, transport.Transported]:
        """Every solute that the arm is given as a drug, carried through the ear; a prodrug with what it becomes."""
        ears = self.ears
        return {
            solute: self._solve(
                solute_of(ears, solute), drug_flows(ears, self.arm, solute), self._followed_in(solute)
            )
            for solute in dict.fromkeys(drug.drug.solute for drug in self.arm.drugs)
        }

    def _followed_in(self, solute: str) -> list[str]:
        """The fluids and tissues in which a drug is followed: where it injures, at probes, along the scala."""
        carried = set(self.ears.study.carried(solute))
        needs = [need.split(".", 1) for insult in self.arm.insults for need in self._needs(insult)]
        tissues = {where for name, where in needs if name in carried}
        tissues |= {where for of in self._effects.values() if of in carried for where in TISSUES}
        measures = self.ears.study.tables.measure.values()
        read = {measure.of or "scala_tympani" for measure in measures if measure.solute in carried}
        probed = {probe.of for probe in self.ears.plan.probes.values()}
        return sorted(tissues | read | probed | ({"scala_tympani"} if probed else set()))

    def _needs(self, insult: PlannedInsult) -> list[str]:
        """What an insult must know, and of what takes of its poison that which the arm is given."""
        options = self.ears.study.catalog.get("insults", insult.entry).options
        drugs = {solute for drug in self.arm.drugs for solute in self.ears.study.carried(drug.drug.solute)}
        return [*options.needs, *(need for need in options.meets if need.partition(".")[0] in drugs)]

    @lazy
    def vesicles(self) -> transport.Transported | None:
        """Vesicles of every size class over time and place, or None where an arm gets none."""
        flows = [] if self.arm.lot is None else vesicle_flows(self.ears, self.arm)
        if self.arm.lot is None or not flows:
            return None
        keep = (*TISSUES, "scala_tympani", "plasma")
        return self._solve(vesicle(self.ears, self.arm.lot[0]), flows, keep)

    @lazy
    def protein(self) -> transport.Transported | None:
        """Soluble protein that comes with the vesicles given, over time and place, or None where there is none."""
        flows = protein_flows(self.ears, self.arm)
        return (
            self._solve(self.ears.bind("solutes", "protein"), flows, ("organ_of_corti",)) if flows else None
        )

    def _solve(
        self, solute: transport.Solute, flows: Sequence[transport.Flow], keep: Sequence[str]
    ) -> transport.Transported:
        """A solute of the arm in ears that go on, with every sample as the animals hold it that give it."""
        ears, (of_every, *others) = self.ears, self.ears.plan.drawings
        own = ears.carried.solve(ears.anatomy, solute, flows, Steps.of(ears.plan), keep)
        if not others:
            return own
        sampled, samples = (np.zeros((*own.dose.shape, len(ears.plan.samples))) for _ in range(2))
        error = own.time_error
        for drawing in (of_every, *others):
            steps = Steps.of(ears.plan, drawing)
            run = own if drawing is of_every else ears.carried.solve(ears.anatomy, solute, flows, steps, ())
            which = np.isin(drawing.all, drawing.own)
            sampled[:, :, drawing.own], samples[:, :, drawing.own] = (
                run.sampled[:, :, which],
                run.samples[:, :, which],
            )
            error = np.maximum(error, run.time_error)
        return replace(own, sampled=sampled, samples=samples, time_error=error)

    @lazy
    def protection(self) -> Protection:
        """What the vesicles and the drugs of the arm do to each rate; nothing where it gets none."""
        return self._by_vesicles().times(self._by_drugs())

    def _by_drugs(self) -> Protection:
        plan, of = self.ears.plan, self._effects
        bound = {name: self.ears.bind("effects", name) for name in of}
        concentration = {
            name: {t: at_sites(plan, self.concentration(solute, t)) for t in TISSUES}
            for name, solute in of.items()
        }
        return protect_by_drugs(plan.knots, bound, concentration)

    @lazy
    def _effects(self) -> dict[str, str]:
        """The effects of the arm's drugs that are not knocked out, each with its solute."""
        study = self.ears.study
        carried = {solute for drug in self.arm.drugs for solute in study.carried(drug.drug.solute)}
        of = {name: study.catalog.get("effects", name).options.of for name in study.effects}
        return {n: solute for n, solute in of.items() if solute in carried and n not in self.arm.arm.without}

    def _by_vesicles(self) -> Protection:
        if self.vesicles is None:
            return Protection()
        plan, batch = self.ears.plan, self.batch
        contact = {t: at_sites(plan, self.vesicles.concentration[t].sum(axis=0)) for t in TISSUES}
        cargo = {t: at_sites(plan, self._cargo(self.vesicles, t, batch)) for t in TISSUES}
        return protect(plan.knots, self.mechanisms, contact, self.potency, cargo, self.arm.arm.without)

    @lazy
    def batch(self) -> Batch:
        """The batch of an arm that gets vesicles."""
        assert self.arm.lot is not None  # asked for where there are vesicles
        return self.ears.batch(self.arm.lot[0])

    @lazy
    def potency(self) -> dict[str, Array]:
        """Relative potency of that batch by mechanism, shape (ear, 1, 1)."""
        assert self.arm.lot is not None  # as above
        strength = self.arm.lot[1]
        return {
            name: strength * self.batch.potency_of(name)[:, None, None] for name in self.ears.study.mechanisms
        }

    @lazy
    def mechanisms(self) -> dict[str, Mechanism]:
        """Every mechanism in play, by name."""
        return {name: self.ears.bind("mechanisms", name) for name in self.ears.study.mechanisms}

    def _cargo(self, vesicles: transport.Transported, tissue: str, batch: Batch) -> Array:
        """Copies of miRNA that vesicles taken up have released in a tissue, copies/uL, (ear, time, place)."""
        half_life = self.ears.numbers("solutes", "vesicle")["cargo_half_life"][:, None, None]
        released = batch.mirna_copies[:, None, None] * vesicles.uptake(tissue).sum(axis=0)
        return relax(self.ears.plan.knots, released, np.log(2.0) / half_life)


def at_place(plan: Plan, values: Array, place: float) -> Array:
    """Values along the grid at one place, 0 base to 1 apex: linear between its places, whose axis is the last."""
    grid = plan.places.place
    right = int(np.clip(np.searchsorted(grid, place), 1, grid.size - 1))
    share = float(np.clip((place - grid[right - 1]) / (grid[right] - grid[right - 1]), 0.0, 1.0))
    return np.asarray(values[..., right - 1] * (1.0 - share) + values[..., right] * share)


def at_sites(plan: Plan, values: Array) -> Array:
    """Values along the grid where cells are followed: linear between its places; last axis the places."""
    if plan.sites is None:
        return values
    grid, site = plan.places.place, np.array(plan.sites)
    right = np.clip(np.searchsorted(grid, site), 1, grid.size - 1)
    share = np.clip((site - grid[right - 1]) / (grid[right] - grid[right - 1]), 0.0, 1.0)
    return np.asarray(values[..., right - 1] * (1.0 - share) + values[..., right] * share)


def exposed(ears: Cochleae, insult: PlannedInsult) -> Use:
    """How an insult is used, with the level and band that columns set for each ear."""
    level, low, high = (ears.stated("insult", insult.name, key) for key in ("level", "band_low", "band_high"))
    use = insult.use
    if level is not None:
        use = replace(use, level=level[:, None, None])
    if use.band is not None:
        ends = [
            stated if column is None else column[:, None, None]
            for stated, column in zip(use.band, (low, high), strict=True)
        ]
        use = replace(use, band=(ends[0], ends[1]))
    return use
