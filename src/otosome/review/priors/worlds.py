"""Worlds, each one draw of everything that is not known: what published experiments read in them, and their numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from otosome.catalog import Catalog
from otosome.ears import Ears
from otosome.errors import BadInput, at
from otosome.evidence import draw_columns, first_name
from otosome.forward import Plan, draw, plan
from otosome.forward.carried import Carried
from otosome.forward.evaluation import evaluate, outline
from otosome.review.experiments.experiment import Experiment
from otosome.review.priors.further import DAYS, DOSES, READ, Candidate, Further
from otosome.review.priors.posterior import SPREAD
from otosome.review.priors.stored import Worlds, simulated
from otosome.roles import SimulateTable
from otosome.study import Study
from otosome.study.tables.pins import Number
from otosome.units import Array

SEED = 20_261_129
ANIMALS = 2
# Worlds that share all but what vesicles do to cells, and worlds of those computed at once.
DRAWS, _TOGETHER = 8, 8
# Those that the shipped studies use; which of them acts the papers cannot tell.
MECHANISMS = ("anti_inflammatory", "autophagy", "hsp70")
# By these a level is read; the worlds hold true levels, which none of them moves.
_OF_READING = {
    f"endpoints.abr_threshold.{key}"
    for key in ("error", "error_between", "half_way", "half_width", "grid", "lowest", "highest")
}
# Cells a laboratory counts for a share.
COUNTED = 60.0
# Seven decades, from one vesicle in a microlitre to what cultures are given: centred on no experiment.
_LOW, _MIDDLE, _HIGH = "1 particles/uL", "3.2e3 particles/uL", "1e7 particles/uL"
_BECAUSE = (
    "From one vesicle of potency 1 in a microlitre to what cultures are given (1e10 per mL): seven decades, centred on "
    "no experiment, because those that could be read are used after it."
)
Tick = Callable[[int, int], None]


def uncentred(study: Study) -> Study:
    """A study whose half-effect concentrations are as wide as is known without any experiment in an ear.

    Those that the study states itself stay as they are.
    """
    pin = Number(value=_MIDDLE, low=_LOW, high=_HIGH, shape="loguniform", basis="assumed", because=_BECAUSE)
    names = [f"mechanisms.{name}.ec50" for name in study.mechanisms]
    pins = {name: pin for name in names if name in study.parameters and name not in study.tables.numbers}
    tables = study.tables.model_copy(update={"numbers": {**study.tables.numbers, **pins}})
    return replace(study, tables=tables)


def informs(study: Study) -> bool:
    """Whether published experiments say anything of a study: it rests on a mechanism they were computed with."""
    return any(f"mechanisms.{name}.ec50" in study.parameters for name in MECHANISMS)


def study_of(experiment: Experiment, catalog: Catalog) -> Study:
    """A published experiment as a study; raises BadInput where its table cannot be simulated."""
    table = experiment.options.simulate
    if table is None:
        raise BadInput("is not in the model", file=experiment.entry.card.file, key="simulate")
    return _of_tables(experiment, catalog, table.study)


def _of_tables(experiment: Experiment, catalog: Catalog, study: Mapping[str, object]) -> Study:
    tables = {
        "otosome": "study/1",
        "title": experiment.entry.card.about,
        "question": "",
        "mechanisms": list(MECHANISMS),
        **study,
    }
    with at(experiment.entry.card.file, "simulate.study"):
        return uncentred(Study.of(tables, name=experiment.name, shelves=catalog.own))


def compute(
    catalog: Catalog, worlds: int, animals: int = ANIMALS, seed: int = SEED, tick: Tick | None = None
) -> Worlds:
    """Every experiment of the model in so many worlds, as the mean of some animals in each.

    ``worlds``  a multiple of ``DRAWS``: so many neighbours share all but what vesicles do to cells, which is what is
                cheap to compute and most in doubt
    """
    levels: dict[str, Array] = {}
    every = simulated(catalog)
    for number, experiment in enumerate(every):
        if tick is not None:
            tick(number, len(every))
        levels |= _levels(experiment, study_of(experiment, catalog), worlds // DRAWS, animals, seed)
    return Worlds(levels, fingerprint(catalog))


def _levels(experiment: Experiment, study: Study, shared: int, animals: int, seed: int) -> dict[str, Array]:
    (values,) = _read(study, shared, animals, seed).values()
    means = values.mean(axis=1)
    return {f"{experiment.name}/{arm.name}": means[:, place] for place, arm in enumerate(study.tables.arm)}


def _read(study: Study, shared: int, animals: int, seed: int) -> dict[str, Array]:
    """True values at the last time by measure, mean over frequencies, (world, animal, arm)."""
    short = outline(plan(study), draw(study, 4, seed, world=1)).plan
    parts = [
        _part(short, study, range(first, min(first + _TOGETHER, shared)), animals, seed)
        for first in range(0, shared, _TOGETHER)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _part(short: Plan, study: Study, shared: range, animals: int, seed: int) -> dict[str, Array]:
    """The same of some worlds: what is carried to the cells is computed once for its neighbours."""
    rows = slice(shared.start * animals, shared.stop * animals)
    ears = draw(study, seed=seed, world=animals, rows=rows)
    when = [max(float(max(measure.at)) for measure in study.tables.measure.values())]
    acting = [p for p in study.parameters.values() if p.name.startswith("mechanisms.")]
    drawn = draw_columns(acting, seed, shared.start * DRAWS, shared.stop * DRAWS, world=1)
    carried = Carried()
    levels: dict[str, list[Array]] = {name: [] for name in study.tables.measure}
    for place in range(DRAWS):
        own = {n: np.repeat(column[place::DRAWS], animals) for n, column in drawn.items()}
        for name, values in evaluate(short, {**ears, **own}, when, carried).items():
            levels[name].append(values[:, :, 0].mean(axis=2).reshape(len(shared), animals, -1))
    worlds = len(shared) * DRAWS
    return {name: np.stack(each, axis=1).reshape(worlds, animals, -1) for name, each in levels.items()}


def compute_candidates(
    catalog: Catalog, worlds: int, animals: int = ANIMALS, seed: int = SEED, tick: Tick | None = None
) -> Further:
    """What every experiment that could be done next would find in the same worlds, in SDs of an animal."""
    effects: dict[Candidate, Array] = {}
    every = [experiment for experiment in simulated(catalog) if _single(experiment)]
    for number, experiment in enumerate(every):
        if tick is not None:
            tick(number, len(every))
        effects |= _effects(experiment, catalog, worlds // DRAWS, animals, seed)
    return Further(effects, fingerprint(catalog))


def _single(experiment: Experiment) -> bool:
    """Whether one dose was given against one insult, so that a day says how far they lie apart."""
    table = experiment.options.simulate
    return table is not None and all(len(_first(table, key)["at"]) == 1 for key in ("insult", "treatment"))


def _first(table: SimulateTable, key: str) -> Mapping[str, Sequence[str]]:
    """The first insult or treatment of an experiment."""
    each = cast("Mapping[str, Mapping[str, Sequence[str]]]", table.study[key])
    return next(iter(each.values()))


def study_of_candidates(experiment: Experiment, catalog: Catalog) -> Study:
    """A published experiment with its dose at every strength and on every day, and cells counted besides."""
    table = experiment.options.simulate
    assert table is not None
    arms = cast("Sequence[Mapping[str, object]]", table.study["arm"])
    control = next(arm for arm in arms if "treatments" not in arm)
    (levels,) = cast("Mapping[str, Mapping[str, object]]", table.study["measure"]).values()
    doses = {
        f"{dose:g} on {day}": {**_first(table, "treatment"), "at": [f"{day} d"], "potency": dose}
        for day in DAYS
        for dose in DOSES
    }
    counts = {
        name.replace(" ", "_"): {**levels, "endpoint": "cell_count", "cell": cell}
        for name, cell in READ.items()
        if cell
    }
    study = {
        **table.study,
        "treatment": doses,
        "arm": [control, *({**control, "name": name, "treatments": [name]} for name in doses)],
        "measure": {"threshold": levels, **counts},
    }
    return _of_tables(experiment, catalog, study)


def _effects(
    experiment: Experiment, catalog: Catalog, shared: int, animals: int, seed: int
) -> dict[Candidate, Array]:
    """Effects in worlds by candidate: better is above zero, in SDs between animals, (world,)."""
    study = study_of_candidates(experiment, catalog)
    read = _read(study, shared, animals, seed)
    effects: dict[Candidate, Array] = {}
    for name, values in read.items():
        kind, levels = name.replace("_", " "), values.mean(axis=1)
        spread = SPREAD if kind == "threshold" else _between(values)
        sign = -1.0 if kind == "threshold" else 1.0
        of_arm = sign * (levels[:, 1:] - levels[:, :1]) / spread
        places = [(dose, day) for day in DAYS for dose in DOSES]
        effects |= {
            Candidate(experiment.name, dose, day, kind): of_arm[:, place]
            for place, (dose, day) in enumerate(places)
        }
    return effects


def _between(values: Array) -> float:
    """SD of a share counted: between animals of a group and world, and by chance; ``values`` (world, animal, arm)."""
    by_chance = values * (1 - values) / COUNTED
    return float(np.sqrt(values.var(axis=1, ddof=1).mean() + np.maximum(by_chance, 0).mean()))


def fingerprint(catalog: Catalog) -> str:
    """Differs where a number that the experiments rest on does, or how one of them is simulated."""
    digest = hashlib.sha256()
    for experiment in simulated(catalog):
        study = study_of(experiment, catalog)
        for name, p in sorted((first_name(name), p) for name, p in study.parameters.items()):
            if name in _OF_READING:
                continue
            digest.update(f"{name} {p.value!r} {p.low!r} {p.high!r} {p.shape}\n".encode())
        digest.update(repr(experiment.options.simulate).encode())
    return digest.hexdigest()[:16]


def numbers(study: Study, worlds: Sequence[int] | NDArray[np.intp], seed: int = SEED) -> Ears:
    """The numbers of vesicles in some of these worlds, as the study's numbers have them, a row a world."""
    chosen = np.asarray(worlds, dtype=np.int64)
    columns: dict[str, Array] = {}
    for shelf, rows in (("mechanisms.", chosen), ("solutes.vesicle.", chosen // DRAWS)):
        some = [p for name, p in study.parameters.items() if name.startswith(shelf)]
        columns |= {n: c[rows] for n, c in draw_columns(some, seed, 0, int(rows.max()) + 1, world=1).items()}
    return Ears.alone(columns, seed)
