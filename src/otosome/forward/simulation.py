"""Every ear of a table through the chain, in blocks of fixed width padded to full, and what comes out."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome import __version__
from otosome.ears import Columns, Ears
from otosome.errors import BadInput, placed
from otosome.forward.arrival import people
from otosome.forward.carried import Carried
from otosome.forward.cochleae import Cochleae
from otosome.forward.depot import Depot, is_large
from otosome.forward.drawing import best
from otosome.forward.endpoints import STATES, described
from otosome.forward.outcomes import KEPT, outcomes
from otosome.forward.planning import Plan, plan
from otosome.model import transport
from otosome.model.injury import KINDS, LABELS
from otosome.model.lanes import LANES
from otosome.model.team import team
from otosome.study import Study, saves
from otosome.units import LEVELS, Array, labels

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

# One vector: a wider block costs the memory's caches more than it saves Python.
BLOCK = LANES
# Knots whose histories of a whole block take some hundreds of megabytes.
_ROOMY = 1000
_UNITS = {
    "sampled_vesicle": "particles/uL",
    "sampled_protein": "ug/uL",
    "vesicles": "particles/uL",
    "protein": "ug/uL",
    "plasma": "particles h/uL",
    "spare": "dB",
}
_BY_CELL, _BY_PLACE = ("arm", "subject", "time", "cell", "place"), ("arm", "subject", "place")
_DIMS: dict[str, tuple[str, ...]] = {
    "measure": ("arm", "subject", "time", "frequency"),
    "cells": ("arm", "subject", "cell", "place"),
    **dict.fromkeys(STATES, _BY_CELL),
    "stria": ("arm", "subject", "time", "place"),
    **dict.fromkeys(("vesicles", "protein"), _BY_PLACE),
    "plasma": ("arm", "subject"),
    "signal": ("arm", "subject", "where"),
    "sampled": ("arm", "subject", "sample"),
    "concentration": ("arm", "subject", "hour", "probe"),
    "arrived": ("subject", "cell", "place"),
    "spare": ("subject", "frequency"),
    **dict.fromkeys(("time_error", "mass_balance_error"), ("subject",)),
}
# What a result holds of each solute, by its name.
_OF_SOLUTES = ("sampled", "concentration")
Variable = tuple[tuple[str, ...], Any, dict[str, str]]
# Fewer candidates than ears in a world: some ears are there twice.
_FEW_CANDIDATES = 10
Tick = Callable[[int, int], None]
# What comes of a block: rows with their arrays, or a row with the reason why it is rejected.
Parts = list[tuple[slice, dict[str, Array] | ValueError]]
# Called with the row of each rejected ear, and with the reason.
Refuse = Callable[[int, ValueError], None]
# Called with rows and their arrays, in order; what it gives back is joined.
Sift = Callable[[slice, dict[str, Array]], dict[str, Array]]


def blocks(columns: Columns, width: int) -> Iterator[tuple[slice, Columns]]:
    """Columns in blocks of full width, one by one: the last is padded with its own first row."""
    return (_block(columns, start, width) for start in range(0, count(columns), width))


def count(columns: Columns) -> int:
    """How many ears some columns are of."""
    return next(iter(columns.values())).size


def _block(whole: Columns, start: int, width: int) -> tuple[slice, Columns]:
    rows = slice(start, min(start + width, count(whole)))
    lacking = start + width - rows.stop
    padded = np.r_[start : rows.stop, np.full(lacking, start)] if lacking else rows
    return rows, {name: column[padded] for name, column in whole.items()}


def ears_at_once(plan: Plan) -> int:
    """Ears in a block: fewer in a study of many events or places, so that its histories fit in memory."""
    full = plan.knots.size * plan.places.places // transport.Grid().places
    return max(1, min(BLOCK, BLOCK * _ROOMY // full))


def through(
    plan: Plan,
    whole: Columns,
    work: Callable[[Cochleae], dict[str, Array]],
    workers: int = 2,
    tick: Tick | None = None,
    refuse: Refuse | None = None,
    carried: Carried | None = None,
    sift: Sift | None = None,
) -> dict[str, Array]:
    """Send every block of some ears through ``work`` and join what comes back along the subjects.

    ``work``    block -> arrays whose first axis is the subject; with several workers a function of a module, or a
                dataclass that is called
    ``refuse``  called with the row of each rejected ear, whose place in the arrays is left as it is. Without it, or if
                the best-value ear is rejected too, the reason is raised
    ``carried``  solutions of transport that all blocks share, where most of them carry alike; else each has its own
    ``sift``    looks at every part on its way and gives back what of it is to be joined
    """
    starts = range(0, count(whole), ears_at_once(plan))
    # Room for all ears once: a list of blocks to be joined at the end would take it twice.
    joined: dict[str, Array] = {}
    with team(workers) as helpers:
        blocks = helpers.spread(_Blocks(plan, whole, work, refuse is not None, carried), starts)
        for done, parts in enumerate(blocks, start=1):
            for rows, result in parts:
                if isinstance(result, ValueError):
                    assert refuse is not None  # or it would have been raised
                    refuse(rows.start, result)
                    continue
                for name, values in (result if sift is None else sift(rows, result)).items():
                    if name not in joined:
                        joined[name] = np.empty((count(whole), *values.shape[1:]), values.dtype)
                    joined[name][rows] = values
            if tick is not None:
                tick(done, len(starts))
    return joined


@dataclass(frozen=True)
class _Blocks:
    """Work on the block of ears that begins with a row; where it fails and may, on each of its ears alone."""

    plan: Plan
    whole: Columns
    work: Callable[[Cochleae], dict[str, Array]]
    lenient: bool
    carried: Carried | None

    def __call__(self, start: int) -> Parts:
        rows, columns = _block(self.whole, start, ears_at_once(self.plan))
        try:
            done = self.work(self._bound(columns))
        except ValueError:
            if not self.lenient:
                raise
            return self._alone(rows)
        return [(rows, {name: values[: rows.stop - rows.start] for name, values in done.items()})]

    def _bound(self, columns: Columns) -> Cochleae:
        return Cochleae(self.plan, columns, Carried() if self.carried is None else self.carried)

    def _alone(self, rows: slice) -> Parts:
        self.work(self._bound(best(self.plan.study)))
        parts: Parts = []
        for row in range(rows.start, rows.stop):
            part, columns = _block(self.whole, row, 1)
            try:
                parts.append((part, self.work(self._bound(columns))))
            except ValueError as refusal:
                parts.append((part, placed(refusal)))
        return parts


def simulate(
    study: Study,
    table: Ears | pd.DataFrame,
    workers: int = 2,
    tick: Tick | None = None,
    keep: Collection[str] = KEPT,
    also: Callable[[Cochleae], dict[str, Array]] | None = None,
    arms: Collection[str] | None = None,
    store: Path | None = None,
) -> xr.Dataset:
    """Every arm of a study for every ear; or some of its arms, by name.

    ``table``    ears of ``draw``, or the same as a plain table (``Ears.of``)
    ``keep``     which of ``cells``, ``fate``, ``vesicles`` and ``protein`` to keep by place: all, or for very many ears
                 fewer
    ``also``     further work on each block of ears, which shares what is solved of them: variables (ear,) by name
    ``store``    an empty folder, into which all that has places or hours is laid, block by block: memory then hardly
                 grows with ears, and these variables are read from there for as long as it is there
    returns      dims arm, subject (the ear's number; with its ``world``, ``lot``, ``person`` and ``weight``), time (h),
                 frequency (kHz), place, cell; a variable per measure, ``cells`` (fraction counted at the end);
                 ``intact``, ``injured``, ``silent`` and ``stria``, of which ``measure`` makes any other endpoint;
                 ``vesicles`` and ``protein`` (peaks in the organ of Corti, particles/uL and ug/uL), ``plasma``
                 (vesicles in blood over time, particles h/uL) and ``signal`` (strongest receptor signal of any
                 mechanism, 0 to 1, ``where``: organ of Corti or blood);
                 of a population, ``arrived``: the cells as they came (subject, cell, place),
                 and ``spare``: dB that its last outer hair cells still hold (subject, frequency);
                 of a person whose other ear's audiogram is known ``other_<measure>``, what that ear is read at;
                 where perilymph is drawn, ``sampled_<solute>`` (arm, subject, sample). A rejected ear, which cannot be
                 computed, is missing: ``rejected`` (JSON) has its number and the reason, and a note says so
    raises       BadInput, or what a formula raised, where no ear can be computed; BadInput for a table that does not
                 say seed and worlds, two ears of one number, and columns that are not the numbers of the study
    """
    import xarray as xr

    if unknown := set(keep) - set(KEPT):
        raise BadInput("cannot be kept", key="keep", given=sorted(unknown), allowed=KEPT)
    ears, chain = _checked(study, Ears.of(table)), plan(study, None if arms is None else list(arms))
    depot = None if store is None else Depot(store)
    computed, rejected = _computed(chain, ears, partial(_quietly, keep, also), workers, tick, depot)
    sound = ears.take(np.setdiff1d(np.arange(ears.size), list(rejected)))
    variables = {name: _variable(study, name, values) for name, values in computed.items()}
    for name, values in _beside(study, sound, workers, chain).items():
        variables[f"other_{name}"] = (_DIMS["measure"], values, labels(variables[name][2]["unit"]))
    reasons = {int(ears.ear[row]): str(rejected[row]) for row in sorted(rejected)}
    notes = [*study.notes, *_weighed(ears), *_taken_in(study, ears), *_left_out(reasons, ears.size)]
    attrs = {
        "name": study.name,
        "version": __version__,
        "seed": ears.seed,
        "ears": sound.fingerprint,
        "species": study.tables.species,
        "study": saves(study, ears.seed),
        "notes": json.dumps(notes),
        "rejected": json.dumps([{"subject": ear, "reason": reason} for ear, reason in reasons.items()]),
        "people": json.dumps(people(study, sound)),
    }
    return xr.Dataset(variables, coords=_coordinates(chain, sound, keep), attrs=attrs)


def _by_name(keys: Iterable[str], joined: dict[str, Array], depot: Depot | None) -> dict[str, Any]:
    """What was computed arm by arm, ``name/0`` and so on, with the arms as a first axis, and all else as it is.

    ``joined``  is emptied on the way, so that no two of all ears are held;  ``depot``  has what is not in it
    """
    arms: dict[str, list[str]] = {}
    for key in keys:
        arms.setdefault(_name(key), []).append(key)
    whole: dict[str, Any] = {}
    for name, each in arms.items():
        if depot is not None and each[0] in depot:
            whole[name] = depot.single(name) if each == [name] else depot.values(each)
        else:
            whole[name] = joined.pop(name) if each == [name] else np.stack([joined.pop(key) for key in each])
    return whole


def _name(key: str) -> str:
    """The variable that something computed is of, without the number of its arm."""
    return key.rpartition("/")[0] or key


def _dims(study: Study, name: str) -> tuple[str, ...]:
    """The dimensions of a variable."""
    return _DIMS["measure"] if name in study.tables.measure else _DIMS.get(_kind(name), ("subject",))


def _kind(name: str) -> str:
    """A variable's name without the solute it is of."""
    return next((kind for kind in _OF_SOLUTES if name.startswith(f"{kind}_")), name)


def _variable(study: Study, name: str, values: Any) -> Variable:
    """A variable of a result: its dimensions, its values, its unit and, of a measure, its name."""
    if name in study.tables.measure:
        return _dims(study, name), values, described(study, study.tables.measure[name])
    unit = _UNITS.get(name, "uM" if _kind(name) in _OF_SOLUTES else "")
    return _dims(study, name), values, labels(unit)


def _coordinates(chain: Plan, ears: Ears, keep: Collection[str]) -> dict[str, Any]:
    coords: dict[str, Any] = {
        "arm": [arm.name for arm in chain.arms],
        "subject": ears.ear,
        **{name: ("subject", getattr(ears, name)) for name in ("world", "lot", "run", "person", "weight")},
        "time": ("time", chain.times, labels("h")),
        "frequency": ("frequency", chain.frequencies, labels("kHz")),
        "place": ("place", chain.places.place, {**labels(""), "long_name": "0 base to 1 apex"}),
        "cell": [LABELS[k] for k in KINDS],
    }
    if "vesicles" in keep:
        coords["where"] = ["organ of Corti", "blood"]
    if "drugs" in keep and chain.probes:
        coords |= {"hour": ("hour", chain.hours, labels("h")), "probe": list(chain.probes)}
    if chain.samples:
        coords["sample"] = [name for name, _ in chain.samples]
        coords["sampled_at"] = ("sample", [drawn.stop for _, drawn in chain.samples], labels("h"))
    return coords


def _checked(study: Study, ears: Ears) -> Ears:
    """The ears, if they are those of the study and each is there once."""
    wanted = study.parameters
    for name in sorted(wanted.keys() ^ ears.keys()):
        lacks = "is a number of the study and no column of its ears"
        raise BadInput(
            lacks if name in wanted else "is a column of the ears and no number of the study", key=name
        )
    numbers, times = np.unique(ears.ear, return_counts=True)
    if np.any(times > 1):
        raise BadInput("is there twice", key="ear", given=int(numbers[np.argmax(times > 1)]))
    return ears


def _beside(study: Study, ears: Ears, workers: int, whole: Plan) -> dict[str, Array]:
    """What is read at both ears, of the person's other ear: (arm, subject, time, frequency) by measure."""
    endpoints = {name: measure.endpoint for name, measure in study.tables.measure.items()}
    both = [n for n, e in endpoints.items() if len(study.catalog.get("endpoints", e).options.ears) > 1]
    aside = study.other() if both else None
    if aside is None:
        return {}
    chain = plan(aside, [arm.name for arm in whole.arms])
    sides = through(chain, ears, partial(outcomes, keep=()), workers)
    return {name: np.stack([sides[f"{name}/{n}"] for n in range(len(chain.arms))]) for name in both}


def _weighed(ears: Ears) -> list[str]:
    """How far candidates for a person's ear agree with all that was read of it."""
    if "candidates" not in ears.selection:
        return []
    first = np.unique(ears.world, return_index=True)[1]
    middle = float(np.median(ears.selection["candidates"][first]))
    note = f"What was read besides the audiogram weighs the ears: in the typical world {middle:.0f} candidates count."
    if middle < _FEW_CANDIDATES:
        note += " That is few: the readings lie far out among ears that hear so, and the spread is unsure."
    return [note]


def _taken_in(study: Study, ears: Ears) -> list[str]:
    """What choosing people by one reading alone does to the next, in every arm; none where nobody was chosen."""
    stated = study.tables.enrolment
    if stated is None or "share" not in ears.selection:
        return []
    read, change = ears.selection["read"], ears.selection["truth"] - ears.selection["read"]
    _, first, world = np.unique(ears.world, return_index=True, return_inverse=True)
    share = ears.selection["share"][first].mean()
    unit = study.unit(stated.measure)
    ends = [f"{key} {text}" for key in ("lowest", "highest") if (text := getattr(stated, key)) is not None]
    apart = "dB" if unit in LEVELS else {"%": "points"}.get(unit, unit)
    low, middle, high = np.quantile(np.bincount(world, change) / np.bincount(world), [0.05, 0.5, 0.95])
    return [
        f"People were taken in for one reading of '{stated.measure}' ({', '.join(ends)}): {100 * share:.0f} % "
        f"of all. They read {read.mean():.1f} {unit} on average, and will differ from that by {middle:+.1f} {apart} "
        f"({low:+.1f} to {high:+.1f} in 5 to 95 % of worlds) when read again, in every arm, though nothing changed: "
        "regression to the mean."
    ]


def _computed(
    plan: Plan,
    ears: Ears,
    work: Callable[[Cochleae], dict[str, Array]],
    workers: int,
    tick: Tick | None,
    depot: Depot | None,
) -> tuple[dict[str, Any], dict[int, ValueError]]:
    """What comes out of the ears that can be computed, by name, and of each other one why it cannot, by its row.

    ``depot``  where what has places or hours is laid; all is joined in memory without one
    """
    rejected: dict[int, ValueError] = {}
    for name, column in ears.items():
        for row in np.flatnonzero(~np.isfinite(column)):
            rejected.setdefault(int(row), BadInput("is no number", key=name, given=float(column[row])))
    rows = np.setdiff1d(np.arange(ears.size), list(rejected))
    keys: dict[str, None] = {}

    def refuse(row: int, refusal: ValueError) -> None:
        rejected[int(rows[row])] = refusal

    def sift(part: slice, values: dict[str, Array]) -> dict[str, Array]:
        keys.update(dict.fromkeys(values))
        for place, why in _incomputable(values).items():
            refuse(part.start + place, why)
        if depot is None:
            return values
        sound = ~np.isin(rows[part], list(rejected))
        large = {key for key in values if is_large(_dims(plan.study, _name(key)))}
        for key in sorted(large):
            depot.lay(key, values[key][sound])
        return {key: values[key] for key in values.keys() - large}

    joined = through(plan, ears.take(rows) if rejected else ears, work, workers, tick, refuse, sift=sift)
    if len(rejected) == ears.size:
        raise rejected[min(rejected)]
    if rejected:
        sound = np.flatnonzero(~np.isin(rows, list(rejected)))
        joined = {name: values[sound] for name, values in joined.items()}
    return _by_name(keys, joined, depot), rejected


def _quietly(
    keep: Collection[str], also: Callable[[Cochleae], dict[str, Array]] | None, ears: Cochleae
) -> dict[str, Array]:
    """Outcomes; numbers out of all range overflow on the way, and what comes of them is looked at afterwards."""
    with np.errstate(all="ignore"):
        return outcomes(ears, keep) | ({} if also is None else also(ears))


def _incomputable(computed: Mapping[str, Array]) -> dict[int, BadInput]:
    """Ears whose numbers are so far out that what follows from them is none, by row."""
    rejected: dict[int, BadInput] = {}
    if not computed:
        return rejected
    lost, error = computed["mass_balance_error"], computed["time_error"]
    # A thousand times what rounding may cost; what is no number is more.
    for row in np.flatnonzero(~((lost <= 1e-7) & np.isfinite(error))):
        left = f"{lost[row]:.1g} of the dose unaccounted for" if np.isfinite(lost[row]) else "no number"
        rejected[int(row)] = BadInput(
            "cannot be carried through the ear: a dose or a number of the study is out of all range",
            given=left,
        )
    for name, values in computed.items():
        for row in np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1)):
            why = BadInput("cannot be computed from these numbers", key=name.split("/")[0], given="no number")
            rejected.setdefault(int(row), why)
    return rejected


def _left_out(rejected: Mapping[int, str], ears: int) -> list[str]:
    """A note on the ears that are left out, with the first few of them by number; none where all are there."""
    if not rejected:
        return []
    first = "; ".join(f"ear {ear}: {rejected[ear]}" for ear in list(rejected)[:3])
    more = f"; and {len(rejected) - 3} more" if len(rejected) > 3 else ""
    verb = "is" if len(rejected) == 1 else "are"
    return [
        f"{len(rejected)} of {ears} ears {verb} left out, as no number can be given for them ({first}{more})"
    ]
