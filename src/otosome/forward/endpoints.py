"""From cells to what is measured: endpoints bound to ears, and any of them from the cells that a result keeps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from otosome.ears import Columns, Ears
from otosome.errors import BadInput
from otosome.forward.cochleae import Cochleae
from otosome.forward.fate import Fate
from otosome.forward.planning import PlannedArm, plan
from otosome.model.hearing import shift
from otosome.model.injury import KINDS, Cells
from otosome.roles import Device, Endpoint
from otosome.study import Measure, Study
from otosome.units import Array, labels

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

# What a result keeps of cells: their states by kind and place, and the stria by place.
STATES = ("intact", "injured", "silent")


def endpoint(study: Study, measure: Measure, columns: Columns, **context: object) -> Endpoint:
    """A measure's endpoint bound to ears; a species may bring curves of its own, such as healthy thresholds.

    ``context``  what endpoints may ask of an ear: its ``population`` and the cells it ``arrived`` with, its
               ``devices`` and the ``recovery`` of its people, each with the hours since it began, shape (time,)
    """
    card, species = study.species.card, study.tables.species
    options: dict[str, object] = context | {name: card.profile(name, species) for name in card.profiles}
    if measure.cell is not None:
        options["cell"] = measure.cell
    options |= {
        key: float(value)
        for key in ("level", "speech", "noise")
        if (value := getattr(measure, key)) is not None
    }
    if measure.limit is not None:
        options["limit"] = _in_moles(study, measure, columns)
    if measure.material is not None:
        options["material"] = study.catalog.get("materials", measure.material).bind(columns, species)
    for hears in study.heard(measure.endpoint)[1:]:
        options[hears] = study.catalog.get("endpoints", hears).bind(columns, species, **options)
    bound: Endpoint = study.catalog.get("endpoints", measure.endpoint).bind(columns, species, **options)
    return bound


def _in_moles(study: Study, measure: Measure, columns: Columns) -> Array | float:
    """The limit of quantification of a measure, uM."""
    assert measure.limit is not None and measure.solute is not None  # by who calls
    if measure.limit.unit == "uM":
        return float(measure.limit)
    numbers = study.catalog.get("solutes", measure.solute).columns(columns, study.tables.species)
    return np.asarray(float(measure.limit) / numbers["molar_mass"])[:, None, None]


def true_value(
    ears: Cochleae,
    measure: Measure,
    cells: Cells,
    frequency: Array,
    arm: PlannedArm | None = None,
    times: Array | None = None,
) -> Array:
    """The true value of a measure, shape (ear, time, frequency); of words, the same at every frequency.

    ``arm``    the arm the cells are of, whose devices are heard with and whose people recover; none without it
    ``times``  the moments of the cells, h, shape (time,); asked where there is an arm
    """
    context: dict[str, object] = {}
    if ears.population is not None:
        context = {"population": ears.population, "arrived": ears.arrival}
    if arm is not None and times is not None:
        context |= {"devices": _worn(ears, arm, times), "recovery": ears.recovery(times)}
        if measure.solute is not None:
            context["concentration"] = Fate(ears, arm).assayed(measure, times)
    bound = endpoint(ears.study, measure, ears.columns, **context)
    true = np.asarray(bound.value(ears.ear, cells, frequency))
    return np.broadcast_to(true, (*true.shape[:2], np.size(frequency)))


def _worn(ears: Cochleae, arm: PlannedArm, times: Array) -> tuple[tuple[Device, Array], ...]:
    """The devices of an arm, each with the hours since its start."""
    return tuple((ears.device(use), times - float(use.at)) for use in arm.devices)


def came(ears: Cochleae, measure: Measure, frequency: Array) -> tuple[Endpoint, Array]:
    """A measure's endpoint bound to the ears as they came, with its true value, (ear, 1, frequency)."""
    bound = endpoint(ears.study, measure, ears.columns, population=ears.population, arrived=ears.arrival)
    true = np.asarray(bound.value(ears.ear, ears.arrival, frequency))
    return bound, np.broadcast_to(true, (ears.subjects, 1, np.size(frequency)))


def spare(ears: Cochleae, frequency: Array) -> Array:
    """What hearing would fall by if the outer hair cells the ears came with were lost, dB, (ear, frequency)."""
    gone = dict.fromkeys(("ohc",), np.zeros_like(ears.arrival.intact["ohc"]))
    without = replace(ears.arrival, intact={**ears.arrival.intact, **gone})
    fall: Array = shift(ears.ear, without, frequency) - shift(ears.ear, ears.arrival, frequency)
    return fall[:, 0]


def measure(study: Study, result: xr.Dataset, ears: Ears | pd.DataFrame, quantity: Measure) -> xr.DataArray:
    """Any endpoint of a result's cells, without simulating anew.

    The result keeps ``intact``, ``injured`` and ``silent`` (arm, subject, time, cell, place) and ``stria`` (arm,
    subject, time, place) at the moments its study measures; an endpoint is a function of these and of the ear.

    ``study``, ``ears``  of the result
    ``quantity``  a measure as a study states it: endpoint, frequency, at, and what its endpoint asks for. Numbers
                of an endpoint that the study does not measure are drawn as they would have been with the others
    returns     true values, dims arm, subject, time (h), frequency (kHz), with unit and name; to rounding what a
                simulation of the study with this measure gives, where that has the same knots
    raises      BadInput for other ears than the result's, for a moment of which no cells were kept, and for a result
                that kept none
    """
    import xarray as xr

    from otosome.forward.drawing import completed
    from otosome.forward.reading import ears_of

    if "intact" not in result:
        raise BadInput("keeps no cells to measure", key="keep", cure="simulate with keep = ('fate',) or all")
    asks = replace(
        study, tables=study.tables.model_copy(update={"measure": {**study.tables.measure, "asked": quantity}})
    )
    chain, own = plan(study), completed(asks, ears_of(study, result, ears))
    times, tones = np.unique([float(t) for t in quantity.at]), np.unique(quantity.tones)
    stored = result.time.to_numpy()
    if missing := sorted(set(times) - set(stored)):
        raise BadInput(
            "is no moment at which cells were kept",
            key="at",
            given=f"{missing[0]:g} h",
            allowed=[f"{t:g} h" for t in stored],
        )
    bound = Cochleae(chain, own)
    at = np.searchsorted(stored, times)
    values = np.stack(
        [
            true_value(bound, quantity, cells_of(result, n, at, bound), tones, arm, times)
            for n, arm in enumerate(chain.arms)
        ]
    )
    coords = {name: result[name] for name in ("arm", "subject", "world", "lot", "run", "person", "weight")}
    return xr.DataArray(
        values,
        dims=("arm", "subject", "time", "frequency"),
        name=quantity.endpoint,
        coords={**coords, "time": times, "frequency": tones},
        attrs=described(study, quantity),
    )


def cells_of(result: xr.Dataset, arm: int, at: Iterable[int], ears: Cochleae) -> Cells:
    """The cells that a result keeps of one arm at some of its moments."""
    part = result.isel(arm=arm, time=list(at))
    intact, injured, silent = ({k: part[s].to_numpy()[:, :, n] for n, k in enumerate(KINDS)} for s in STATES)
    return Cells(intact, injured, silent, part["stria"].to_numpy(), ears.rates)


def described(study: Study, quantity: Measure) -> dict[str, str]:
    """Endpoint, unit, which way is better, and the full name of a measure."""
    options = study.catalog.get("endpoints", quantity.endpoint).options
    label = options.label or quantity.endpoint
    return {
        "endpoint": quantity.endpoint,
        **labels(options.unit),
        "better": options.better,
        "long_name": f"{label} ({quantity.cell})" if quantity.cell else label,
    }
