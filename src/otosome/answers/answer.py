"""What a simulation answers: the benefit with its interval, what it rests on, and what moves it most.

Three kinds of uncertainty are kept apart: between subjects, between lots (a column of every table), and what
is not known (worlds). How much a number moves the answer is the answer with it at its 5 and at its 95 %, all
else at best value; the share of the answer that rests on numbers of one basis is their part of all movement.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otosome.catalog import Catalog
from otosome.ears import Columns, Ears, Rows, stacked
from otosome.evidence import (
    BASES,
    BadInput,
    Curve,
    Parameter,
    provisional,
)
from otosome.forward import (
    TRANSPORT,
    Block,
    Given,
    Plan,
    Tick,
    best,
    crossing,
    ears_at_once,
    plan,
    planned,
    simulate,
    through,
)
from otosome.lots.counted import drawn_sizes
from otosome.model import hearing, transport
from otosome.study import Compare, DeviceUse, Study
from otosome.units import LEVELS, Array, quantity

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

WINDOW_DOSES = 21
# One treatment day to the next in the window: from three days before the insult to seventeen after it.
_WINDOW_START, _DAY = -72.0, 24.0
# Shelves whose numbers weigh what was measured and change nothing in it.
_WEIGHED = ("harms", "utilities")
# What places and steps may cost together: a share of the peak, and powers of ten at the apex.
LIMITS = {"peak": 1e-3, "apex_log10": 0.1}


def answer(
    study: Study, table: Ears | pd.DataFrame, workers: int = 2, tick: Tick | None = None
) -> xr.Dataset:
    """Simulate a study and everything its report says.

    ``table``  ears of ``draw``, or the same as a plain table (``Ears.of``)
    returns  the dataset of ``simulate`` with where each place lies, the window's variables where ``has_window``,
             and the headline, the sensitivities, what crosses to the other ear, the numerical errors and the
             sources as JSON attributes
    """
    ears = Ears.of(table)
    ears.alike("a report")
    result = simulate(study, ears, workers, tick)
    asked = study.scenario.compare
    with ThreadPoolExecutor(workers) as pool:
        seen = (
            pool.submit(window, study, asked) if asked and has_window(study) else pool.submit(places, study)
        )
        erred = pool.submit(errors, study, result, ears)
        moved = [] if asked is None else sensitivity(study, asked, workers)
    told = {
        **described(study),
        "errors": erred.result(),
        "crossing": crossing(study, ears),
        "sensitivity": moved,
        "headline": {} if asked is None else headline(study, result, asked, moved),
    }
    result.attrs |= {name: json.dumps(value) for name, value in told.items()}
    return result.merge(seen.result(), join="exact", combine_attrs="override")


def described(study: Study) -> dict[str, Any]:
    """What a report says of a study itself, as JSON holds it: sources, marks, arms, sizes and scales."""
    return {
        "sources": sources(study),
        "marks": _marks(study),
        "arms": _arms(study),
        "sizes": _sizes(study),
        "scales": _scales(study),
    }


def benefit(study: Study, result: xr.Dataset, measure: str, of: Array, against: Array) -> Array:
    """Benefit per subject: the mean over the measure's frequencies at its last time, positive if ``of`` is better.

    ``of``, ``against``  true values, shape (subject, time, frequency)
    returns              shape (subject,)
    """
    asked = study.scenario.measure[measure]
    time = int(np.searchsorted(result.time.to_numpy(), max(quantity(t, "h") for t in asked.at)))
    chosen = np.isin(result.frequency.to_numpy(), asked.tones)
    difference = (of - against)[:, time, chosen].mean(axis=1)
    # Plus zero, because a difference of nothing must not read -0.
    return (difference if result[measure].attrs["better"] == "higher" else -difference) + 0.0


def compare(study: Study, result: xr.Dataset, measure: str, of: str, against: str) -> dict[str, Any]:
    """The benefit of one arm against another in one measure, each subject with itself.

    returns  median and 5 to 95 % over everything; between subjects of one lot, and between lots, in a typical
             world; over worlds (what is not known); and how far other worlds would move the three shown
    raises   BadInput for an unknown measure or arm
    """
    if measure not in study.scenario.measure:
        raise BadInput("is not measured", key="measure", given=measure, allowed=list(study.scenario.measure))
    arms = [str(arm) for arm in result.arm.to_numpy()]
    for arm in (of, against):
        if arm not in arms:
            raise BadInput("is not an arm", key="arm", given=arm, allowed=arms)
    values = [result[measure].sel(arm=arm).to_numpy() for arm in (of, against)]
    return _told(benefit(study, result, measure, *values), result.world.to_numpy(), result.lot.to_numpy())


def _told(values: Array, worlds: Rows, lots: Rows) -> dict[str, Any]:
    """What ``compare`` tells of the values of some ears, with the world and lot of each."""
    first = np.unique(worlds, return_index=True)[1]
    means, of_lot = _group_means(values, worlds), _group_means(values, lots)
    median = float(np.median(values))
    return {
        "benefit": _interval(values),
        "between_subjects": _typical(values - of_lot, worlds, median),
        "between_lots": _typical(of_lot - means, worlds, median),
        "knowledge": {
            "low": float(np.quantile(means[first], 0.05)),
            "high": float(np.quantile(means[first], 0.95)),
            "worlds": int(first.size),
        },
        "resampled": _resampled([values[worlds == worlds[n]] for n in first]),
    }


def _group_means(values: Array, group: NDArray[np.int64]) -> Array:
    """Each value's own group's mean, same shape."""
    _, place = np.unique(group, return_inverse=True)
    return np.asarray((np.bincount(place, weights=values) / np.bincount(place))[place])


def _typical(deviation: Array, worlds: NDArray[np.int64], median: float) -> dict[str, float]:
    """The spread inside a typical world, around the median: the median over worlds of its 5 and 95 %."""
    ends = [np.quantile(deviation[worlds == w], [0.05, 0.95]) for w in np.unique(worlds)]
    low, high = np.median(ends, axis=0)
    return {"low": median + float(low), "high": median + float(high)}


def _resampled(worlds: list[Array], times: int = 2000) -> dict[str, list[float]] | None:
    """How far other worlds would move what is shown: 5 and 95 % of median, low and high over redrawn worlds.

    None for a single world, which cannot tell.
    """
    if len(worlds) < 2:
        return None
    chosen = np.random.default_rng(0).integers(len(worlds), size=(times, len(worlds)))
    found = [np.quantile(np.concatenate([worlds[w] for w in row]), [0.05, 0.5, 0.95]) for row in chosen]
    low, middle, high = np.quantile(found, [0.05, 0.95], axis=0).T
    return {"low": low.tolist(), "median": middle.tolist(), "high": high.tolist()}


def _interval(values: Array) -> dict[str, float]:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"median": float(median), "low": float(low), "high": float(high)}


def headline(study: Study, result: xr.Dataset, asked: Compare, moved: list[dict[str, Any]]) -> dict[str, Any]:
    """The benefit against vehicle with what it rests on, the prior halved and doubled, and the null twin."""
    measure = study.scenario.measure[asked.measure]
    against = result[asked.measure].sel(arm=asked.against).to_numpy()
    told = {
        "measure": asked.measure,
        "endpoint": measure.endpoint,
        "unit": _difference(str(result[asked.measure].attrs["unit"])),
        "time": max(quantity(t, "h") for t in measure.at),
        "frequency": [] if measure.frequency is None else measure.tones,
        "of": asked.of,
        "against": asked.against,
        "null": asked.null,
        **compare(study, result, asked.measure, asked.of, asked.against),
        "null_benefit": None,
        "share": share(moved),
        "counts": {basis: sum(row["basis"] == basis for row in sources(study)) for basis in BASES},
    }
    if asked.null is not None:
        told["null_benefit"] = compare(study, result, asked.measure, asked.null, asked.against)["benefit"]
    for name in ("halved", "doubled"):
        told[name] = _interval(benefit(study, result, asked.measure, result[name].to_numpy(), against))
    return told


def _difference(unit: str) -> str:
    """The unit of a difference: two levels differ by dB."""
    return "dB" if unit in LEVELS else unit


def share(moved: list[dict[str, Any]]) -> dict[str, float]:
    """Part of all movement of the answer that is due to numbers of each basis; all zero where nothing moves it."""
    by_basis = {basis: sum(_moves(row) for row in moved if row["basis"] == basis) for basis in BASES}
    total = sum(by_basis.values())
    return {basis: moves / total if total else 0.0 for basis, moves in by_basis.items()}


def _moves(row: Mapping[str, Any]) -> float:
    return abs(row["at_high"] - row["at_low"])


def sensitivity(study: Study, asked: Compare, workers: int = 2) -> list[dict[str, Any]]:
    """How much each unknown number that can reach the answer moves it, most first."""
    reached = _reached(study, asked)
    unknown = [
        p
        for p in study.parameters.values()
        if (p.low < p.high or p.lots) and p.name.rpartition(".")[0] in reached
    ]
    if not unknown:
        return []
    # Ears that share one solution of transport go through together.
    unknown.sort(key=lambda p: p.name.split(".")[0] not in TRANSPORT)
    table = {name: np.repeat(column, 2 * len(unknown)) for name, column in best(study).items()}
    for number, parameter in enumerate(unknown):
        table[parameter.name][2 * number : 2 * number + 2] = parameter.ends()
    answers = through(
        plan(study, [asked.of, asked.against], growth=1.3), table, _gain(study, asked), workers
    )["benefit"]
    rows = [
        {**_moved(p, *answers[2 * n : 2 * n + 2]), **_sourced(p, study.catalog)}
        for n, p in enumerate(unknown)
    ]
    return sorted(rows, key=_moves, reverse=True)


def _reached(study: Study, asked: Compare) -> set[str]:
    """The entries whose numbers can reach a comparison: none of other arms, other endpoints, harms or utilities.

    Soluble protein acts on nothing.
    """
    heard = study.heard(study.scenario.measure[asked.measure].endpoint)
    entries = [(e.card.shelf, e.name) for e in study.only(asked.of, asked.against).entries()]
    return {
        f"{shelf}.{name}"
        for shelf, name in entries
        if shelf not in _WEIGHED
        and (shelf, name) != ("solutes", "protein")
        and (shelf != "endpoints" or name in heard)
    }


def best_benefit(study: Study, asked: Compare) -> float:
    """The compared benefit of the ear in which every number has its best value."""
    return float(benefits(study, asked, best(study))[0])


def benefits(study: Study, asked: Compare, table: Columns) -> Array:
    """The compared benefit of every ear of some columns at the measure's last time, shape (subject,)."""
    return through(plan(study, [asked.of, asked.against]), table, _gain(study, asked), workers=1)["benefit"]


def _gain(study: Study, asked: Compare) -> Callable[[Block], dict[str, Array]]:
    """Benefit of a block in the asked measure, at its own frequencies and its last time."""
    measure = study.scenario.measure[asked.measure]
    better = study.catalog.get("endpoints", measure.endpoint).card.options.get("better", "lower")
    frequency = np.array(measure.tones)
    time = max(quantity(t, "h") for t in measure.at)
    sign = 1.0 if better == "higher" else -1.0

    shared: dict[str, transport.Transported] = {}

    def work(block: Block) -> dict[str, Array]:
        at = block.plan.at([time])
        if block.alike:
            # A number of transport moves two neighbouring ears apart, so a block of like ears is at best value.
            block.solved = shared
        found = {
            arm.name: block.value(measure, block.cells(arm).at(at), frequency, arm, np.array([time]))
            for arm in block.plan.arms
        }
        return {"benefit": sign * (found[asked.of] - found[asked.against])[:, 0].mean(axis=1)}

    return work


def _moved(parameter: Parameter, at_low: float, at_high: float) -> dict[str, Any]:
    low, high = parameter.ends()
    return {
        "parameter": parameter.name, "meaning": parameter.meaning, "unit": parameter.unit,
        "low": low, "high": high, "at_low": float(at_low), "at_high": float(at_high),
    }  # fmt: skip


def sources(study: Study) -> list[dict[str, Any]]:
    """Every number and curve a study rests on, with its paper or the reason it was assumed.

    returns  a row each; ``value``, ``low`` and ``high`` are None for a curve
    """
    numbers = [
        {
            "parameter": p.name, "meaning": p.meaning, "value": p.value, "unit": p.unit, "low": p.low, "high": p.high,
            "given": p.given, "linked": ", ".join(name for name, _ in p.linked), **_sourced(p, study.catalog),
        }
        for p in study.parameters.values()
    ]  # fmt: skip
    curves = [
        {
            "parameter": c.name, "meaning": c.meaning, "value": None, "unit": "", "low": None, "high": None,
            "given": f"a curve of {c.points} points", "linked": "", **_sourced(c, study.catalog),
        }
        for c in study.curves.values()
    ]  # fmt: skip
    return numbers + curves


def _sourced(told: Parameter | Curve, catalog: Catalog) -> dict[str, Any]:
    """What a row says of where a number or curve comes from, and how its source stands."""
    source = None if told.source is None else catalog.source(told.source)
    kept = ("title", "link", "standing", "date", "reason", "superseded_by")
    return {
        "basis": told.basis, "provisional": provisional(told), "source": told.source,
        **{key: "" if source is None else getattr(source, key) for key in kept},
        "locator": told.locator, "because": told.because, "species": told.species, "hash": told.hash,
    }  # fmt: skip


def errors(study: Study, result: xr.Dataset, ears: Ears) -> dict[str, Any]:
    """What places and steps cost vesicles, the mass that is unaccounted for, and ears to look at twice.

    The space error compares with twice the places, the time error with steps half as long; the total is their sum.

    ``result``, ``ears``  of ``simulate``, and the ears it was given
    returns  ``space``, ``time`` and ``total`` of the best-value ear, and in ``drawn`` their ``median`` and ``worst``
             over so many ``ears`` of the result; ``beyond``: whether the best-value ear's total passes one of the
             ``limits``, and in how many of the drawn; all None where no ``arm`` gets vesicles
    """
    # The embedded estimate overstates a step's true error ten times and more.
    flagged = result["time_error"].to_numpy() > 0.1
    told: dict[str, Any] = {
        "limits": LIMITS,
        "fineness": study.scenario.fineness,
        "ledger": float(result["closure"].max()),
        "flagged": int(flagged.sum()),
        "measure": _step_error(study),
    }
    arm, costs = _costs(study, result, ears)
    if not costs:
        return dict.fromkeys(("arm", "space", "time", "total", "drawn", "beyond")) | told
    of_best = {part: {name: _known(v[0]) for name, v in cost.items()} for part, cost in costs.items()}
    of_drawn = {
        part: {name: _median_and_worst(v[1:], name) for name, v in cost.items()}
        for part, cost in costs.items()
    }
    total = costs["total"]
    passed = ~(total["peak"] <= LIMITS["peak"]) | (total["apex_log10"] > LIMITS["apex_log10"])
    beyond = {"best": bool(passed[0]), "drawn": int(passed[1:].sum())}
    return {"arm": arm, **of_best, "drawn": {"ears": passed.size - 1, **of_drawn}, "beyond": beyond, **told}


def _costs(study: Study, result: xr.Dataset, ears: Ears) -> tuple[str, dict[str, dict[str, Array]]]:
    """Space, time and total error of the best-value ear, and then of drawn ones, each shape (ear,)."""
    made, middle, kept = plan(study), best(study), result["subject"].to_numpy()
    # A block costs the same for one ear as for all its lanes. Neighbours are of one world, so the rest are far apart.
    count = min(ears_at_once(made) - 1, kept.size)
    drawn = ears.pick(kept[np.arange(count) * kept.size // max(count, 1)])
    columns = stacked([middle, drawn])
    arm, coarse = _carried(made, columns)
    if coarse is None:
        return arm, {}
    finer = replace(made, places=made.places.finer(2)), replace(made, refine=2)
    space, time = (_carried(one, columns)[1] for one in finer)
    assert space is not None and time is not None
    last = max(quantity(t, "h") for t in _given(study))
    costs = transport.errors(coarse, space, time, at=min(last + _DAY, study.until))
    return arm, {**costs, "total": {name: costs["space"][name] + costs["time"][name] for name in LIMITS}}


def _known(value: float) -> float | None:
    """A number as JSON holds it: None where nothing arrives at the apex, so that nothing can be compared."""
    return float(value) if np.isfinite(value) else None


def _median_and_worst(values: Array, name: str) -> dict[str, float | None]:
    """Over ears; at the apex over those in which something arrives there."""
    known = values[np.isfinite(values)] if name == "apex_log10" else values
    if not known.size:
        return {"median": None, "worst": None}
    return {"median": _known(np.median(known)), "worst": _known(np.max(known))}


def _given(study: Study) -> list[str]:
    """Every moment at which vesicles are given, or something is put in that releases them."""
    released = [device.at for device in study.scenario.device.values() if device.batch is not None]
    return [t for treatment in study.scenario.treatment.values() for t in treatment.at] + released


def _step_error(study: Study) -> dict[str, Any] | None:
    """What the steps cost the compared measure in the best-value ear, against steps three times as fine."""
    asked = study.scenario.compare
    if asked is None:
        return None
    one = best(study)
    work = _values(study, asked)
    made = plan(study, [asked.of])
    coarse, fine = (through(steps, one, work)["value"] for steps in (made, made.stepped(3)))
    unit = str(
        study.catalog.get("endpoints", study.scenario.measure[asked.measure].endpoint).card.options["unit"]
    )
    return {"time": float(np.max(np.abs(coarse - fine))), "unit": _difference(unit)}


def _values(study: Study, asked: Compare) -> Callable[[Block], dict[str, Array]]:
    measure = study.scenario.measure[asked.measure]

    def work(block: Block) -> dict[str, Array]:
        plan_ = block.plan
        arm, times = plan_.arms[0], plan_.times
        cells = block.cells(arm).at(plan_.at(times))
        return {"value": block.value(measure, cells, plan_.frequencies, arm, times)}

    return work


def _carried(made: Plan, columns: Mapping[str, Array]) -> tuple[str, transport.Transported | None]:
    """Vesicles in the compared arm, or in the first arm that gets any where that one gets none, with its name."""
    block, asked = Block(made, columns), made.study.scenario.compare
    arms = sorted(made.arms, key=lambda arm: asked is not None and arm.name != asked.of)
    found = ((arm.name, block.vesicles(arm)) for arm in arms)
    return next((one for one in found if one[1] is not None), ("", None))


def places(study: Study) -> xr.Dataset:
    """Where each place lies (``place_distance``, mm) and what it hears best (``place_frequency``, kHz): best values."""
    import xarray as xr

    one = best(study)
    ear = Block(plan(study), one).ear
    return xr.Dataset(
        {
            "place_frequency": (("place",), ear.frequency, {"unit": "kHz"}),
            "place_distance": (("place",), ear.place * ear.length[0], {"unit": "mm"}),
        }
    )


def has_window(study: Study) -> bool:
    """Whether the window is shown: it is of shifts by frequency, and words have none."""
    asked = study.scenario.compare
    return asked is not None and study.scenario.measure[asked.measure].frequency is not None


def window(study: Study, asked: Compare) -> xr.Dataset:
    """The window: the best-value ear treated on each of 21 days, cells and vesicles over place and time.

    returns  ``window_cells`` (fraction of outer hair cells counted) and ``window_vesicles`` (organ of Corti,
             particles/uL) over (window_dose, window_time, place); ``window_shift`` (dB at the end) over
             (window_dose, window_frequency) and ``window_vehicle_shift`` over (window_frequency)
    """
    import xarray as xr

    arm = planned(study, study.arm(asked.of))
    days = [day for day in _WINDOW_START + _DAY * np.arange(WINDOW_DOSES) if day < study.until]
    given = [
        Given(
            g.treatment,
            tuple(
                t - arm.treatments[0].times[0] + day
                for t in g.times
                if t - arm.treatments[0].times[0] + day <= study.until
            ),
            row,
        )
        for row, day in enumerate(days)
        for g in arm.treatments
    ]
    treated = replace(arm, treatments=tuple(given))
    vehicle = replace(arm, treatments=())
    watched = np.arange(min(days), study.until + 1e-9, _DAY / 4)
    made = replace(plan(study), arms=(treated, vehicle), growth=1.6, watched=tuple(watched))
    one = best(study)
    block = Block(made, {name: np.repeat(column, len(days)) for name, column in one.items()})
    at = made.at(watched)
    frequency = np.geomspace(block.ear.frequency.min(), block.ear.frequency.max(), 48)
    cells, without = block.cells(treated), block.cells(vehicle)
    vesicles = block.vesicles(treated)
    shape = (len(days), watched.size, made.places.places)
    contact = (
        np.zeros(shape) if vesicles is None else vesicles.concentration["organ_of_corti"].sum(axis=0)[:, at]
    )
    end = np.array([-1])
    return xr.Dataset(
        {
            "window_cells": (
                ("window_dose", "window_time", "place"),
                cells.counted("ohc")[:, at].astype(np.float32),
            ),
            "window_vesicles": (("window_dose", "window_time", "place"), contact),
            "window_shift": (
                ("window_dose", "window_frequency"),
                hearing.shift(block.ear, cells.at(end), frequency)[:, 0],
            ),
            "window_vehicle_shift": (
                ("window_frequency",),
                hearing.shift(block.ear, without.at(end), frequency)[0, 0],
            ),
            "place_frequency": (("place",), block.ear.frequency, {"unit": "kHz"}),
            "place_distance": (("place",), block.ear.place * block.ear.length[0], {"unit": "mm"}),
        },
        coords={
            "window_dose": ("window_dose", np.array(days), {"unit": "h"}),
            "window_time": ("window_time", watched, {"unit": "h"}),
            "window_frequency": ("window_frequency", frequency, {"unit": "kHz"}),
            "place": made.places.place,
        },
    )


def _marks(study: Study) -> list[dict[str, Any]]:
    """When each insult of the compared arm (or of any arm) happens, those its devices bring among them."""
    asked = study.scenario.compare
    arms = study.scenario.arm if asked is None else [study.arm(asked.of)]
    names = {name for arm in arms for name in arm.insults}
    uses = [(name, use) for name, use in study.scenario.insult.items() if name in names]
    worn = {name for arm in arms for name in arm.devices}
    brought = [
        (name, study.brought(device)) for name, device in study.scenario.device.items() if name in worn
    ]
    uses += [(name, use) for name, use in brought if use is not None]
    return [
        {"name": name, "entry": use.entry, "time": quantity(t, "h"), "event": study.is_event(use)}
        for name, use in uses
        for t in use.at
    ]


def _sizes(study: Study) -> dict[str, Any]:
    """The size distribution of the compared arm's batch (of the first vesicle batch where none is compared)."""
    asked = study.scenario.compare
    chosen = [planned(study, a) for a in study.scenario.arm if asked is None or a.name == asked.of]
    lots = dict.fromkeys(arm.lot[0] for arm in chosen if arm.lot is not None)
    one = best(study)
    block = Block(plan(study), one)
    for name in lots:
        entry = study.batch(name)
        batch = block.batch(entry.name)
        if batch.particles[0] > 0:
            profile = entry.card.profile("sizes", "") if "sizes" in entry.card.profiles else None
            return drawn_sizes(batch, entry.card.about, profile)
    return {}


def _scales(study: Study) -> dict[str, dict[str, Any]]:
    """The scales that grade what is measured, with what they are and the labels of their grades, best first."""
    names = {name for measure in study.scenario.measure.values() for name in measure.scales or []}
    return {
        name: {
            "about": study.catalog.get("scales", name).card.about,
            "labels": list(study.scale(name).labels),
        }
        for name in sorted(names)
    }


def _worn(device: DeviceUse) -> str:
    told = (device.entry, device.amount, device.batch, device.depth, device.at)
    return ", ".join(text for text in told if text is not None)


def _arms(study: Study) -> list[dict[str, Any]]:
    scenario = study.scenario
    return [
        {
            "name": arm.name,
            "insults": [
                f"{scenario.insult[i].entry} {scenario.insult[i].amount or scenario.insult[i].level or ''}".strip()
                for i in arm.insults
            ],
            "treatments": [
                f"{scenario.treatment[t].batch}, {scenario.treatment[t].volume}, {scenario.treatment[t].route}"
                for t in arm.treatments
            ],
            "devices": [_worn(scenario.device[d]) for d in arm.devices],
            "without": arm.without,
        }
        for arm in scenario.arm
    ]
