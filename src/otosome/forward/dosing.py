"""What an arm brings into some ears, as flows: drugs of its insults, vesicles and protein of its treatments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from otosome.forward.cochleae import Cochleae
from otosome.forward.planning import PlannedArm, PlannedInsult, PlannedTreatment
from otosome.lots.batch import protein_given, vesicles_given
from otosome.model import transport
from otosome.study import DeviceUse, Treatment
from otosome.units import Array, Quantity

_KINDS = {"particles": "particles", "ug": "protein", "cells": "cells"}
_SOLUTE = frozenset(transport.Solute.__dataclass_fields__) - {"diffusion"}


def vesicle(ears: Cochleae, lot: str) -> transport.Solute:
    """The vesicles of a lot as a solute, by size class."""
    numbers = ears.numbers("solutes", "vesicle")
    return transport.Solute.sized(
        ears.batch(lot).diameter,
        numbers["temperature"],
        numbers["viscosity"],
        **{key: value for key, value in numbers.items() if key in _SOLUTE},
    )


def vesicle_flows(ears: Cochleae, arm: PlannedArm) -> list[transport.Flow]:
    """Vesicles of every size class that an arm gives, by route or from a device; none where it gives none."""
    flows = [
        flow
        for planned in arm.treatments
        for flow in _delivered(ears, planned.treatment.route, _vesicle_doses(ears, planned))
    ]
    flows += [flow for use in arm.releasing for flow in _released(ears, use)]
    return flows if any(np.any(flow.amount > 0) for flow in flows) else []


def protein_flows(ears: Cochleae, arm: PlannedArm) -> list[transport.Flow]:
    """Soluble protein that comes with the vesicles given: the rival explanation.

    What the cells of a graft secrete besides vesicles is not followed.
    """
    doses = [dose for planned in arm.treatments for dose in _protein_doses(ears, planned)]
    if not any(np.any(dose.amount > 0) for dose in doses):
        return []
    return _delivered(ears, arm.treatments[0].treatment.route, doses)


def drug_flows(ears: Cochleae, drug: str, insult: PlannedInsult, arm: PlannedArm) -> list[transport.Flow]:
    """A drug of an insult, and the fluid that the arm's treatments push through the cochlea."""
    volume = np.full(ears.subjects, 0.0 if insult.volume is None else float(insult.volume))
    each = amount(ears, insult, drug)[None]
    doses = [
        transport.Dose(*span, each, volume) for span in zip(insult.use.start, insult.use.stop, strict=True)
    ]
    return [*pushes(ears, arm), *_delivered(ears, str(insult.route), doses)]


def pushes(ears: Cochleae, arm: PlannedArm) -> list[transport.Flow]:
    """The volumes that an arm's treatments inject, as flows that hold nothing: they wash a drug out."""
    nothing = np.zeros((1, ears.subjects))
    return [
        flow
        for planned in arm.treatments
        for flow in _delivered(ears, planned.treatment.route, _timed(ears, planned, nothing))
        if flow.displaces
    ]


def amount(ears: Cochleae, insult: PlannedInsult, drug: str) -> Array:
    """What one injection of a drug holds, pmol, shape (ear,)."""
    if insult.concentration is not None:
        assert insult.volume is not None  # a concentration comes in one: InsultUse.check
        content = float(insult.concentration) * float(insult.volume)
        mass = 1.0 if insult.concentration.unit == "uM" else ears.numbers("solutes", drug)["molar_mass"]
        return np.broadcast_to(content / mass, (ears.subjects,))
    assert insult.amount is not None  # it has the one or the other: InsultUse.check
    bodies = {
        "ug": np.ones(ears.subjects),
        "ug/kg": ears.species["body_mass"],
        "ug/m2": ears.species["body_mass"] / ears.species["mass_per_surface"],
    }
    set_by_ear = ears.stated("insult", insult.name, "amount")
    value = float(insult.amount) if set_by_ear is None else set_by_ear
    micrograms = value * bodies[insult.amount.unit]
    return np.broadcast_to(micrograms / ears.numbers("solutes", drug)["molar_mass"], (ears.subjects,))


def dosed(treatment: Treatment, value: Array | None = None) -> dict[str, Array | float]:
    """A treatment's amount by kind (particles, protein, cells), or its volume where it has none.

    ``value``  in place of the amount stated, in its house unit, shape (ear,)
    """
    if treatment.amount is None:
        return {"volume": float(treatment.volume)}
    return _counted(treatment.amount, value)


def _counted(stated: Quantity, value: Array | None = None) -> dict[str, Array | float]:
    return {_KINDS[stated.unit]: float(stated) if value is None else value}


def _vesicle_doses(ears: Cochleae, planned: PlannedTreatment) -> list[transport.Dose]:
    treatment = planned.treatment
    each = dosed(treatment, ears.stated("treatment", planned.name, "amount"))
    return _timed(ears, planned, vesicles_given(ears.batch(treatment.batch), **each))


def _protein_doses(ears: Cochleae, planned: PlannedTreatment) -> list[transport.Dose]:
    treatment = planned.treatment
    each = dosed(treatment, ears.stated("treatment", planned.name, "amount"))
    return _timed(ears, planned, protein_given(ears.batch(treatment.batch), **each)[None])


def _timed(ears: Cochleae, planned: PlannedTreatment, each: Array) -> list[transport.Dose]:
    """One dose of an amount (classes, ear) at each time of a treatment."""
    each = np.broadcast_to(each, (each.shape[0], ears.subjects))
    volume = np.full(ears.subjects, float(planned.treatment.volume))
    if planned.row is not None:
        only = np.arange(ears.subjects) == planned.row
        each, volume = each * only, volume * only
    return [transport.Dose(t, t + planned.duration, each, volume) for t in planned.times]


def _delivered(ears: Cochleae, route: str, doses: Iterable[transport.Dose]) -> list[transport.Flow]:
    bound = ears.bind("routes", route)
    return [flow for dose in doses for flow in bound.deliver(dose, ears.anatomy)]


def _released(ears: Cochleae, use: DeviceUse) -> Sequence[transport.Flow]:
    """The vesicles a device releases: cells put in secrete all sizes of their batch, a coat is a dose of it."""
    assert use.amount is not None  # what releases has one: study.checks
    batch, each = ears.batch(str(use.batch)), _counted(use.amount)
    shared = each["cells"] * batch.weight if "cells" in each else vesicles_given(batch, **each)
    shared = np.broadcast_to(shared, (shared.shape[0], ears.subjects))
    dose = transport.Dose(float(use.at), float(use.at), shared, np.zeros(ears.subjects))
    return ears.device(use).flows(dose, ears.anatomy)
