"""What an arm brings into some ears, as flows: its drugs, and vesicles and protein of its treatments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from otosome.forward.cochleae import Cochleae
from otosome.forward.planning import PlannedArm, PlannedDrug, PlannedTreatment
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


def solute_of(ears: Cochleae, name: str) -> transport.Solute:
    """A drug as a solute; a prodrug with what it becomes, as a class of its own each."""
    solute, *products = (ears.bind("solutes", carried) for carried in ears.study.carried(name))
    return transport.paired(solute, products[0], ears.anatomy) if products else solute


def vesicle_flows(ears: Cochleae, arm: PlannedArm) -> list[transport.Flow]:
    """Vesicles of every size class that an arm gives, by route or from a device; none where it gives none."""
    flows = [
        flow
        for planned in arm.treatments
        for flow in _delivered(ears, planned.treatment.route, _vesicle_doses(ears, planned))
    ]
    flows += [flow for use in arm.releasing for flow in _released(ears, use)]
    if not any(np.any(flow.amount > 0) for flow in flows):
        return []
    return [*pushes(ears, arm, "vesicle", flows[0].amount.shape[0]), *flows]


def protein_flows(ears: Cochleae, arm: PlannedArm) -> list[transport.Flow]:
    """Soluble protein that comes with the vesicles given: the rival explanation.

    What the cells of a graft secrete besides vesicles is not followed.
    """
    doses = [dose for planned in arm.treatments for dose in _protein_doses(ears, planned)]
    if not any(np.any(dose.amount > 0) for dose in doses):
        return []
    return [*pushes(ears, arm, "vesicle"), *_delivered(ears, arm.treatments[0].treatment.route, doses)]


def drug_flows(ears: Cochleae, arm: PlannedArm, solute: str) -> list[transport.Flow]:
    """A solute that an arm's drugs are of, and the fluid that all else it gets pushes through the cochlea.

    What a prodrug becomes is a class of its own, and comes with none of it.
    """
    classes = len(ears.study.carried(solute))
    own = [flow for drug in arm.drugs if drug.drug.solute == solute for flow in _of_drug(ears, drug, classes)]
    return [*pushes(ears, arm, solute, classes), *own]


def pushes(ears: Cochleae, arm: PlannedArm, but: str = "", classes: int = 1) -> list[transport.Flow]:
    """The volumes that an arm's treatments and drugs inject, as flows that hold nothing: they wash a solute out.

    ``but``  the solute whose own doses are left out; "vesicle" for those of the treatments
    """
    nothing = np.zeros((classes, ears.subjects))
    treatments = arm.treatments if but != "vesicle" else ()
    flows = [
        flow
        for planned in treatments
        for flow in _delivered(ears, planned.treatment.route, _timed(ears, planned, nothing))
    ]
    flows += [flow for drug in arm.drugs if drug.drug.solute != but for flow in _laid(ears, drug, nothing)]
    return [flow for flow in flows if flow.displaces]


def _of_drug(ears: Cochleae, planned: PlannedDrug, classes: int) -> list[transport.Flow]:
    """The flows of a drug: all of it at once or through a pump, or as a gel or an implant lets it go."""
    content = np.zeros((classes, ears.subjects))
    content[0] = amount(ears, planned)
    release = planned.drug.release
    if release is None:
        return _laid(ears, planned, content)
    even = release.over is not None
    rest = _laid(ears, planned, (1.0 - release.burst) * content, at_once=not even)
    burst = _laid(ears, planned, release.burst * content, at_once=True) if release.burst else []
    return [
        *_laid(ears, planned, 0.0 * content, at_once=True),
        *(_let_go(flow, None if even else release.half_time) for flow in rest),
        *(_let_go(flow, release.burst_half_time) for flow in burst),
    ]


def _let_go(flow: transport.Flow, half_time: Quantity | None) -> transport.Flow:
    """A flow out of fluid that lies there already: from a depot with a half-time, or evenly while it lasts."""
    rate = None if half_time is None or flow.into == "lost" else np.full(1, np.log(2.0) / float(half_time))
    return replace(flow, volume=np.zeros_like(flow.volume), release=rate)


def _laid(
    ears: Cochleae, planned: PlannedDrug, content: Array, at_once: bool = False
) -> list[transport.Flow]:
    """What each dose of a drug brings by its route, with its fluid.

    ``content``  of each dose, pmol, shape (classes, ear)
    """
    use = planned.drug
    stated = {"at": use.place, "outlet": use.outlet}
    fluid = np.full(ears.subjects, 0.0 if use.fluid is None else use.fluid)
    doses = [transport.Dose(t, t if at_once else stop, content, fluid) for t, stop in planned.spans]
    options = {key: value for key, value in stated.items() if value is not None}
    return _delivered(ears, use.route, doses, **options)


def amount(ears: Cochleae, planned: PlannedDrug) -> Array:
    """What each dose of a drug holds, pmol, shape (ear,)."""
    use = planned.drug
    if use.concentration is not None:
        assert use.fluid is not None  # a concentration comes in one: check_dose
        content = float(use.concentration) * use.fluid
        moles = use.concentration.unit == "uM"
        mass = 1.0 if moles else ears.numbers("solutes", use.solute)["molar_mass"]
        return np.broadcast_to(content / mass, (ears.subjects,))
    assert use.amount is not None  # it has the one or the other: check_dose
    bodies = {
        "ug": np.ones(ears.subjects),
        "ug/kg": ears.species["body_mass"],
        "ug/m2": ears.species["body_mass"] / ears.species["mass_per_surface"],
    }
    set_by_ear = ears.stated(planned.table, planned.name, "amount")
    value = float(use.amount) if set_by_ear is None else set_by_ear
    micrograms = value * bodies[use.amount.unit]
    return np.broadcast_to(micrograms / ears.numbers("solutes", use.solute)["molar_mass"], (ears.subjects,))


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


def _delivered(
    ears: Cochleae, route: str, doses: Iterable[transport.Dose], **options: object
) -> list[transport.Flow]:
    bound = ears.bind("routes", route, **options)
    return [flow for dose in doses for flow in bound.deliver(dose, ears.anatomy)]


def _released(ears: Cochleae, use: DeviceUse) -> Sequence[transport.Flow]:
    """The vesicles a device releases: cells put in secrete all sizes of their batch, a coat is a dose of it."""
    assert use.amount is not None  # what releases has one: study.checks
    batch, each = ears.batch(str(use.batch)), _counted(use.amount)
    shared = each["cells"] * batch.weight if "cells" in each else vesicles_given(batch, **each)
    shared = np.broadcast_to(shared, (shared.shape[0], ears.subjects))
    dose = transport.Dose(float(use.at), float(use.at), shared, np.zeros(ears.subjects))
    return ears.device(use).flows(dose, ears.anatomy)
