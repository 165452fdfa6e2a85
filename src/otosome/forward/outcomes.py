"""What a simulation keeps of some ears: every measure of every arm, cells, and what reached the ear and blood."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from otosome.forward.cochleae import Cochleae
from otosome.forward.endpoints import STATES, spare, true_value
from otosome.forward.fate import Fate
from otosome.model import transport
from otosome.model.injury import KINDS, Cells
from otosome.units import Array

# What is kept of each ear by place, besides its measures.
KEPT = ("cells", "fate", "vesicles", "protein", "drugs")


def outcomes(ears: Cochleae, keep: Collection[str] = KEPT) -> dict[str, Array]:
    """Every measure of every arm, and by place what is kept; the ear is the first axis, and arms are numbered.

    ``keep``  any of ``cells`` (counted at the end), ``fate`` (every state at the moments measured), ``vesicles`` and
              ``protein`` (peaks in the organ of Corti), ``drugs`` (over time at the study's probes)
    returns   ``<measure>/<arm>`` and the like, and of all solutions together the ``time_error`` and the mass-balance
              error (``mass_balance_error``)
    """
    plan, measures = ears.plan, ears.study.tables.measure
    out: dict[str, Array] = {name: np.zeros(ears.subjects) for name in ("time_error", "mass_balance_error")}
    for number, arm in enumerate(plan.arms):
        fate = Fate(ears, arm)
        measured = fate.cells.at(plan.at(plan.times))
        each = {
            name: true_value(ears, measure, measured, plan.frequencies, arm, plan.times)
            for name, measure in measures.items()
        }
        each |= _store(fate, measured, keep)
        if plan.samples:
            each |= {f"sampled_{solute}": drawn for solute, drawn in sampled(fate).items()}
        out |= {f"{name}/{number}": values for name, values in each.items()}
        for solution in solutions(fate, protein="protein" in keep or bool(plan.samples)):
            out["time_error"] = np.maximum(out["time_error"], solution.time_error)
            out["mass_balance_error"] = np.maximum(
                out["mass_balance_error"], np.abs(solution.mass_balance_error)
            )
    if "cells" in keep and ears.population is not None:
        out["arrived"] = np.stack([ears.arrival.counted(k)[:, 0] for k in KINDS], axis=1).astype(np.float32)
        out["spare"] = spare(ears, plan.frequencies)
    return out


def _store(fate: Fate, measured: Cells, keep: Collection[str]) -> dict[str, Array]:
    out: dict[str, Array] = {}
    if "cells" in keep:
        ends = fate.cells.at(np.array([-1]))
        out["cells"] = np.stack([ends.counted(k)[:, 0] for k in KINDS], axis=1).astype(np.float32)
    if "fate" in keep:
        out |= {s: np.stack([getattr(measured, s)[k] for k in KINDS], axis=2) for s in STATES}
        out["stria"] = measured.stria
    if "vesicles" in keep:
        out["vesicles"] = _peak(fate, fate.vesicles)
        out["plasma"] = blood(fate)
        out["signal"] = receptor_signal(fate)
    if "protein" in keep:
        out["protein"] = _peak(fate, fate.protein)
    if "drugs" in keep:
        out |= {f"concentration_{solute}": values for solute, values in followed(fate).items()}
    return out


def followed(fate: Fate) -> dict[str, Array]:
    """Concentrations of every drug of the study, and of what it becomes, at its probes: uM, (ear, hour, probe)."""
    study, chain = fate.ears.study, fate.ears.plan
    at = chain.at(chain.hours)
    solutes = dict.fromkeys(name for use in study.tables.drug.values() for name in study.carried(use.solute))
    return {
        solute: np.stack([fate.followed(probe, solute)[:, at] for probe in chain.probes.values()], axis=2)
        for solute in solutes
    }


def solutions(fate: Fate, protein: bool) -> list[transport.Transported]:
    """Every solution of transport that an arm rests on; that of protein only where it is asked for."""
    others = [fate.vesicles, fate.protein if protein else None]
    return [*fate.drugs.values(), *(solution for solution in others if solution is not None)]


def _peak(fate: Fate, carried: transport.Transported | None) -> Array:
    """Highest concentration in the organ of Corti, all size classes together, shape (ear, place)."""
    if carried is None:
        return np.zeros((fate.ears.subjects, fate.ears.plan.places.places))
    return np.asarray(carried.concentration["organ_of_corti"].sum(axis=0).max(axis=1))


def sampled(fate: Fate) -> dict[str, Array]:
    """Mean concentration of each sample of an arm by solute, all size classes together, (ear, sample)."""
    ears = fate.ears
    carried = [
        (name, run.samples[n])
        for drug, run in fate.drugs.items()
        for n, name in enumerate(ears.study.carried(drug))
    ]
    others = (("vesicle", fate.vesicles), ("protein", fate.protein))
    carried += [(name, run.samples.sum(axis=0)) for name, run in others if run is not None]
    # The tracer scales exchange; it counts where it is given.
    drugs = {use.solute for use in ears.study.tables.drug.values()}
    solutes = [name for name in ears.study.solutes() if name != "tmpa" or name in drugs]
    total = dict.fromkeys(solutes, np.zeros((ears.subjects, len(ears.plan.samples))))
    for name, samples in carried:
        total[name] = total[name] + samples
    return total


def blood(fate: Fate) -> Array:
    """Vesicles in plasma over time, particles h/uL, shape (ear,)."""
    if fate.vesicles is None:
        return np.zeros(fate.ears.subjects)
    plasma = fate.vesicles.concentration["plasma"].sum(axis=0)
    pieces = 0.5 * (plasma[:, 1:] + plasma[:, :-1]) * np.diff(fate.ears.plan.knots)
    return np.asarray(pieces.sum(axis=1))


def receptor_signal(fate: Fate) -> Array:
    """Strongest signal of any mechanism at the peak, 0 to 1, in the organ of Corti and in blood, (ear, 2).

    A tumour that blood feeds gets the signal of blood: a dose that shields the ear may shield it too.
    """
    if fate.vesicles is None:
        return np.zeros((fate.ears.subjects, 2))
    peaks = [
        fate.vesicles.concentration["organ_of_corti"].sum(axis=0).max(axis=1),
        fate.vesicles.concentration["plasma"].sum(axis=0).max(axis=1)[:, None],
    ]
    silent = np.zeros((1, 1, 1))
    strongest = [np.zeros((fate.ears.subjects, 1, peak.shape[1])) for peak in peaks]
    acting = {name: each for name, each in fate.mechanisms.items() if not each.gates}
    for name, mechanism in acting.items():
        for where, peak in enumerate(peaks):
            signal = mechanism.signal(fate.potency[name] * peak[:, None, :], silent)
            strongest[where] = np.maximum(strongest[where], signal)
    return np.stack([signal.mean(axis=(1, 2)) for signal in strongest], axis=1)
