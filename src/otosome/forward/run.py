"""Every ear of a table through the chain, in blocks of fixed width padded to full, and what comes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome import __version__, transport
from otosome.evidence import BadInput
from otosome.forward.arrival import people
from otosome.forward.block import KINDS, Block, Columns
from otosome.forward.planning import Plan, PlannedArm, plan, planned
from otosome.injury import LABELS
from otosome.scenario import Study, saves
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

BLOCK = 16
# Knots whose histories of a whole block take some hundreds of megabytes.
_ROOMY = 1000
_UNITS = {"sampled_vesicle": "particles/uL", "sampled_protein": "ug/uL"}
# Fewer candidates than ears in a world: some ears are there twice.
_FEW_CANDIDATES = 10
Tick = Callable[[int, int], None]
# What is kept of each ear by place, besides its measures.
KEPT = ("cells", "vesicles", "protein")


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

    # Room for all ears once: a list of blocks to be joined at the end would take it twice.
    joined: dict[str, Array] = {}
    with ThreadPoolExecutor(workers) as pool:
        for done, (part, result) in enumerate(zip(parts, pool.map(one, parts), strict=True), start=1):
            for name, values in result.items():
                if name not in joined:
                    joined[name] = np.empty((len(table), *values.shape[1:]), values.dtype)
                joined[name][part[0]] = values
            if tick is not None:
                tick(done, len(parts))
    return joined


def forward(block: Block, keep: Collection[str] = KEPT, full: int | None = None) -> dict[str, Array]:
    """Every measure of every arm of a block, and by place what is kept.

    ``keep``  any of ``cells`` (counted at the end), ``vesicles`` and ``protein`` (peaks in the organ of Corti)
    ``full``  arms from this number on give their measures only; none do by default
    """
    plan, study = block.plan, block.study
    out: dict[str, Array] = {name: np.zeros(block.subjects) for name in ("time_error", "closure")}
    for number, arm in enumerate(plan.arms):
        cells = block.cells(arm)
        measured = cells.at(plan.at(plan.times))
        for name, measure in study.scenario.measure.items():
            out[f"{name}/{number}"] = block.value(measure, measured, plan.frequencies, arm, plan.times)
        kept = keep if full is None or number < full else ()
        if "cells" in kept:
            ends = cells.at(np.array([-1]))
            counted = np.stack([ends.counted(k)[:, 0] for k in KINDS], axis=1)
            out[f"cells/{number}"] = counted.astype(np.float32)
        if "vesicles" in kept:
            out[f"vesicles/{number}"] = _peak(block, block.vesicles(arm))
            out[f"plasma/{number}"] = block.blood(arm)
            out[f"told/{number}"] = block.told(arm)
        if "protein" in kept:
            out[f"protein/{number}"] = _peak(block, block.protein(arm))
        for solute, drawn in block.sampled(arm).items() if plan.samples else ():
            out[f"sampled_{solute}/{number}"] = drawn
    if "cells" in keep and block.population is not None:
        out["arrived"] = np.stack([block.arrival.counted(k)[:, 0] for k in KINDS], axis=1).astype(np.float32)
        out["spare"] = block.spare(plan.frequencies)
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
    keep: Collection[str] = KEPT,
) -> xr.Dataset:
    """Every arm of a study for every ear of a table.

    ``table``    from ``draw``: a column per number, a row per ear
    ``keep``     which of ``cells``, ``vesicles`` and ``protein`` to keep by place: all, or for very many ears fewer
    returns      dims arm, subject, time (h), frequency (kHz), place, cell; a variable per measure, ``cells``
                 (fraction counted at the end), ``vesicles`` and ``protein`` (peaks in the organ of Corti,
                 particles/uL and ug/uL), ``plasma`` (vesicles in blood over time, particles h/uL) and ``told``
                 (strongest signal of any mechanism, 0 to 1, ``where``: organ of Corti or blood);
                 of a population, ``arrived``: the cells as they came (subject, cell, place),
                 and ``spare``: dB that its last outer hair cells still hold (subject, frequency);
                 of a person whose other ear's audiogram is known ``other_<measure>``, what that ear is read at;
                 where perilymph is drawn, ``sampled_<solute>`` (arm, subject, sample);
                 where arms are compared, ``halved`` and ``doubled``: the measure
                 with the efficacy prior so changed
    """
    import xarray as xr

    made = plan(study)
    count = range(len(made.arms))
    extra = _efficacies(study)
    if unknown := set(keep) - set(KEPT):
        raise BadInput("cannot be kept", key="keep", given=sorted(unknown), allowed=KEPT)
    work = partial(forward, keep=keep, full=len(made.arms))
    found = through(replace(made, arms=(*made.arms, *extra.values())), table, work, workers, tick)
    _check_computed(found)
    coords: dict[str, Any] = {
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
    for name, unit in (("cells", ""), ("vesicles", "particles/uL"), ("protein", "ug/uL")):
        if name in keep:
            along = ("cell", "place") if name == "cells" else ("place",)
            values = np.stack([found.pop(f"{name}/{n}") for n in count])
            variables[name] = (("arm", "subject", *along), values, {"unit": unit})
    if "vesicles" in keep:
        coords["where"] = ["organ of Corti", "blood"]
        exposed, told = (np.stack([found[f"{name}/{n}"] for n in count]) for name in ("plasma", "told"))
        variables["plasma"] = (("arm", "subject"), exposed, {"unit": "particles h/uL"})
        variables["told"] = (("arm", "subject", "where"), told, {"unit": ""})
    if "arrived" in found:
        variables["arrived"] = (("subject", "cell", "place"), found["arrived"], {"unit": ""})
        variables["spare"] = (("subject", "frequency"), found["spare"], {"unit": "dB"})
    for name, values in _beside(study, table, workers).items():
        said = {"unit": variables[name][2]["unit"]}
        variables[f"other_{name}"] = (("arm", "subject", "time", "frequency"), values, said)
    if made.samples:
        coords["sample"] = [name for name, _ in made.samples]
        coords["sampled_at"] = ("sample", [drawn.stop for _, drawn in made.samples], {"unit": "h"})
        for name in [name for name in found if name.startswith("sampled_") and name.endswith("/0")]:
            solute = name.removesuffix("/0")
            drawn = np.stack([found[f"{solute}/{n}"] for n in count])
            said = {"unit": _UNITS.get(solute, "uM")}
            variables[solute] = (("arm", "subject", "sample"), drawn, said)
    variables["time_error"] = (("subject",), found["time_error"], {"unit": ""})
    variables["closure"] = (("subject",), found["closure"], {"unit": ""})
    seed = int(table.attrs.get("seed", 0))
    attrs: dict[str, Any] = {
        "name": study.name, "version": __version__, "seed": seed, "species": study.scenario.species,
        "study": saves(study, seed), "notes": json.dumps([*study.notes, *_weighed(table)]),
        "people": json.dumps(people(study, {c: table[c].to_numpy() for c in table.columns})),
    }  # fmt: skip
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _beside(study: Study, table: pd.DataFrame, workers: int) -> dict[str, Array]:
    """What is read at both ears, of the person's other ear: (arm, subject, time, frequency) by measure."""
    endpoints = {name: measure.endpoint for name, measure in study.scenario.measure.items()}
    both = [n for n, e in endpoints.items() if "ears" in study.catalog.get("endpoints", e).card.options]
    aside = study.other() if both else None
    if aside is None:
        return {}
    made = plan(aside)
    found = through(made, table, partial(forward, keep=()), workers)
    return {name: np.stack([found[f"{name}/{n}"] for n in range(len(made.arms))]) for name in both}


def _weighed(table: pd.DataFrame) -> list[str]:
    """How far candidates for a person's ear agree with all that was read of it."""
    effective = table.attrs.get("effective")
    if not effective:
        return []
    middle = float(np.median(effective))
    said = f"What was read besides the audiogram weighs the ears: in the typical world {middle:.0f} candidates count."
    if middle < _FEW_CANDIDATES:
        said += " That is few: the readings lie far out among ears that hear so, and the spread is unsure."
    return [said]


def _check_computed(found: Mapping[str, Array]) -> None:
    """Refuse numbers so far out that what follows from them is none, and say in which ear."""
    lost, error = found["closure"], found["time_error"]
    # A thousand times what rounding may cost; what is no number is more.
    astray = np.flatnonzero(~((lost <= 1e-7) & np.isfinite(error)))
    if astray.size:
        raise BadInput(
            "cannot be carried through the ear: a dose or a number of the study is out of all range",
            given=f"{lost[astray[0]]:.1g} of the dose unaccounted for in ear {astray[0]} ({astray.size} in all)",
        )
    for name, values in found.items():
        astray = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        if astray.size:
            raise BadInput(
                "cannot be computed from these numbers",
                key=name.split("/")[0],
                given=f"no number in ear {astray[0]} ({astray.size} in all)",
            )


def _efficacies(study: Study) -> dict[str, PlannedArm]:
    """The compared arm with every largest effect halved, and doubled (never above 1)."""
    asked = study.scenario.compare
    if asked is None:
        return {}
    arm = study.arm(asked.of)
    return {name: planned(study, arm, factor) for name, factor in (("halved", 0.5), ("doubled", 2.0))}
