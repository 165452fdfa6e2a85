"""A dose as a question: what of a study's treatment may vary, between which ends, and under which limits."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np
from pydantic import Field

from otosome.answers.numbers import difference, number
from otosome.cards import checked, read_toml
from otosome.catalog import Catalog
from otosome.ears import Ears
from otosome.errors import BadInput, at
from otosome.files import sha256
from otosome.fitting.use import Known
from otosome.forward import draw
from otosome.lots.production import process_of
from otosome.roles import Options
from otosome.study import Study, load
from otosome.trials.beliefs import shelf_beliefs
from otosome.trials.kinds import Belief, Difference, same_unit
from otosome.units import Array, Quantity, bounded

Particles = Annotated[Quantity, bounded("particles", least=1.0, most=1e18)]
Moment = Annotated[Quantity, bounded("h")]
Near = Annotated[Quantity, bounded("dB", "%", least=0.0, most=1e4)]
Aim = Literal["mean", "lower", "target"]
UNHARMED = "without the insult"


@dataclass(frozen=True, kw_only=True)
class Dose(Options):
    """A dose's file.

    ``study``     a study's file, beside the dose's, or a shipped one;  ``treated``, ``control``  two of its arms
    ``treatment`` of the study, which the treated arm gets: what is varied;  ``measure``  of it, read ``at``
    ``routes``    by which it may be given;  ``particles``  given each time, the ends of a logarithmic scale
    ``first``     when it is first given, two ends;  ``times``  how often it may be given, ``every`` so long apart
    ``aim``       what is sought: ``mean`` over ears, ``lower`` tenth of them, or the share that reach a ``target``
    ``near``      of the best, a difference that does not matter
    ``fit``       the result folder of a fit, beside the dose's, whose numbers take the place of the shelf's
    ``process``   that makes the vesicles;  ``patients``  whom one of its runs must serve
    ``adverse_events``     what one event costs, in the unit of the measure, by the name of the adverse event
    ``belief``    true benefits of the best regimen by name: 5 %, best value, 95 %
    ``ears``      simulated, of which ``world`` share a world;  ``scan``  regimens spread evenly, ``more`` sought
    """

    study: str
    treated: str
    control: str
    treatment: str
    measure: str
    at: Moment
    particles: tuple[Particles, Particles]
    title: str = ""
    routes: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    first: tuple[Moment, Moment] | None = None
    times: Annotated[tuple[Annotated[int, Field(ge=1, le=50)], ...], Field(min_length=1, max_length=10)] = (
        1,
    )
    every: Moment | None = None
    aim: Aim = "mean"
    target: Difference | None = None
    near: Near = field(default_factory=lambda: Quantity("1 dB"))
    fit: str | None = None
    process: str | None = None
    patients: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    adverse_events: Mapping[str, Difference] = field(default_factory=dict)
    belief: Mapping[str, Belief] = field(default_factory=dict)
    ears: Annotated[int, Field(ge=4, le=100_000)] = 100
    world: Annotated[int, Field(ge=1, le=10_000)] = 5
    scan: Annotated[int, Field(ge=2, le=500)] = 16
    more: Annotated[int, Field(ge=0, le=500)] = 8
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1

    def check(self) -> None:
        """Refuse ends that do not rise, and keys that need another; raises BadInput."""
        for key, ends in (("particles", self.particles), ("first", self.first)):
            if ends is not None and ends[0] > ends[1]:
                raise BadInput("is from low to high", key=key, given=[end.text for end in ends])
        if list(self.times) != sorted(set(self.times)):
            raise BadInput("must rise", key="times", given=self.times)
        if max(self.times) > 1 and not (self.every is not None and self.every > 0):
            raise BadInput(
                "is how long lies between two times", key="every", given=self.every, allowed="above 0 h"
            )
        if (self.aim == "target") != (self.target is not None):
            raise BadInput('belongs to aim = "target", and to nothing else', key="target")
        if self.ears % self.world or self.ears < 2 * self.world:
            raise BadInput(
                "is a multiple of world", key="ears", given=self.ears, allowed=f"{self.world} times 2 or more"
            )


@dataclass(frozen=True)
class Regimen:
    """A dose as given: ``particles`` each of so many ``times``, ``first`` and ``every`` in h."""

    route: str
    particles: float
    first: float
    times: int
    every: float

    @property
    def total(self) -> float:
        """Particles in all."""
        return self.particles * self.times

    @property
    def text(self) -> str:
        """In words."""
        often = "once" if self.times == 1 else f"{self.times} times, {self.every:g} h apart"
        route = self.route.replace("_", " ")
        return f"{number(self.particles, 2)} particles by {route}, {often}, from {number(self.first, 3)} h"


@dataclass(frozen=True)
class DoseQuestion:
    """A dose's file read: the question, the study it is about, and how many particles a patient may get.

    ``folder``  of the study, if it is a file
    ``most``    particles a patient may get so that a run serves as many as wanted, infinite without a process
    ``inputs``  SHA-256 of each file that was read, by path
    ``believed``  whether some of its beliefs are those of the published experiments
    ``known``   a fit that states the study's numbers
    """

    name: str
    dose: Dose
    study: Study
    values: Mapping[str, object]
    folder: Path | None
    most: float
    inputs: Mapping[str, str]
    believed: bool
    known: Known | None = None

    @property
    def unit(self) -> str:
        """The unit in which readings differ, empty of a fraction."""
        return _unit(self.study, self.dose.measure)

    @property
    def sign(self) -> float:
        """1 where a higher reading is better, -1 where a lower one is."""
        endpoint = self.study.tables.measure[self.dose.measure].endpoint
        return -1.0 if self.study.catalog.get("endpoints", endpoint).options.better == "lower" else 1.0

    @property
    def routes(self) -> tuple[str, ...]:
        """Routes it may be given by."""
        return self.dose.routes or (self.study.tables.treatment[self.dose.treatment].route,)

    @property
    def first(self) -> tuple[float, float]:
        """Between when and when it is first given, h."""
        own = float(self.study.tables.treatment[self.dose.treatment].at[0])
        return (
            (own, own) if self.dose.first is None else (float(self.dose.first[0]), float(self.dose.first[1]))
        )

    def regimen(self, point: Array) -> Regimen:
        """The regimen a point of the unit cube stands for: particles, first time, how often, route."""
        low, high = (math.log(float(end)) for end in self.dose.particles)
        start, end = self.first
        return self.as_given(
            self.routes[_bin(point[3], len(self.routes))],
            float(math.exp(low + point[0] * (high - low))),
            float(start + point[1] * (end - start)),
            self.dose.times[_bin(point[2], len(self.dose.times))],
        )

    def standing(self, point: Array) -> Array | None:
        """The point that stands for all with the same regimen; None where the supply or the study's end forbids it."""
        regimen = self.regimen(point)
        last = regimen.first + (regimen.times - 1) * regimen.every
        if regimen.total > self.most or last > self.study.until:
            return None
        low, high = self.dose.particles
        return np.array(
            [
                point[0] if high > low else 0.5,
                point[1] if self.first[1] > self.first[0] else 0.5,
                _middle(point[2], len(self.dose.times)),
                _middle(point[3], len(self.routes)),
            ]
        )

    def as_given(self, route: str, particles: float, first: float, times: int) -> Regimen:
        """A regimen with the doses as far apart as the file has them."""
        return Regimen(
            route, particles, first, times, 0.0 if self.dose.every is None else float(self.dose.every)
        )

    @staticmethod
    def keys_of(regimen: Regimen) -> dict[str, object]:
        """What a regimen sets of the treatment in a study file."""
        return {
            "route": regimen.route,
            "amount": f"{regimen.particles!r} particles",
            "at": [f"{regimen.first + number * regimen.every!r} h" for number in range(regimen.times)],
        }

    def study_of(self, regimen: Regimen | None) -> Study:
        """The study with the treated arm alone, as a regimen has it; without one, the control and an unharmed arm."""
        values = deepcopy(dict(self.values))
        arms = {arm["name"]: arm for arm in cast(list[dict[str, object]], values["arm"])}
        if regimen is None:
            unharmed = {
                **arms[self.dose.control],
                "name": UNHARMED,
                "insults": [],
                "treatments": [],
                "drugs": [],
            }
            values["arm"] = [arms[self.dose.control], unharmed]
        else:
            values["arm"] = [arms[self.dose.treated]]
            treatments = cast(dict[str, dict[str, object]], values["treatment"])
            treatments[self.dose.treatment] |= self.keys_of(regimen)
        plain = Study.of(values, name=self.study.name, folder=self.folder, shelves=self.study.shelves.own)
        return plain if self.known is None else self.known.stated(plain)

    def ears(self, study: Study) -> Ears:
        """The ears of every regimen, drawn from the fit where there is one."""
        prior = None if self.known is None else self.known.draws
        return draw(study, self.dose.ears, seed=self.dose.seed, world=self.dose.world, prior=prior)


def read_dose(file: Path, catalog: Catalog) -> DoseQuestion:
    """A dose's file; raises BadInput before any work, naming file, key, value given and values allowed."""
    values = read_toml(file)
    with at(str(file)):
        dose = cast(Dose, checked(Dose, values))
        dose.check()
        beside = file.parent / dose.study
        is_file = beside.is_file()
        study = load(beside if is_file else dose.study, shelves=catalog.own)
        _fit(dose, study, catalog)
        believed = False
        if _unit(study, dose.measure) == "dB":
            # What the file states stands in the place of the shelf's.
            shelf = {
                n: cast(Belief, tuple(map(Quantity, ends))) for n, ends in shelf_beliefs(catalog).items()
            }
            believed = bool(shelf.keys() - dose.belief.keys())
            dose = replace(dose, belief={**shelf, **dose.belief})
        question = DoseQuestion(
            file.stem,
            dose,
            study,
            _plain(dose, study),
            beside.parent if is_file else None,
            _most(dose, catalog),
            {
                **{str(path): sha256(path) for path in ((file, beside) if is_file else (file,))},
                **study.inputs,
            },
            believed,
        )
        for route in question.routes:
            question.study_of(Regimen(route, float(dose.particles[0]), question.first[0], 1, 0.0))
        question.study_of(None)
    return question


def _plain(dose: Dose, study: Study) -> dict[str, object]:
    """The study's values with what the dose is about: one measure, read once."""
    values = study.as_dict()
    measures = cast(dict[str, dict[str, object]], values["measure"])
    values["measure"] = {dose.measure: {**measures[dose.measure], "at": [dose.at.text]}}
    return {key: value for key, value in values.items() if key not in ("compare", "preference")}


def _fit(dose: Dose, study: Study, catalog: Catalog) -> None:
    """Refuse what the study, or a shelf, lacks."""
    arms = {arm.name: arm for arm in study.tables.arm}
    named: list[tuple[str, str, Collection[str]]] = [
        ("treated", dose.treated, arms),
        ("control", dose.control, arms),
        ("measure", dose.measure, study.tables.measure),
        ("treatment", dose.treatment, study.tables.treatment),
        *(("routes", route, catalog.names("routes")) for route in dose.routes),
        *(
            ("adverse_events", adverse_event, catalog.names("adverse_events"))
            for adverse_event in dose.adverse_events
        ),
        *(("process", name, catalog.names("processes")) for name in (dose.process,) if name is not None),
    ]
    for key, name, allowed in named:
        if name not in allowed:
            raise BadInput("is not known", key=key, given=name, allowed=sorted(allowed))
    own = arms[dose.treated].treatments
    if dose.treatment not in own:
        raise BadInput("the treated arm does not get it", key="treatment", given=dose.treatment, allowed=own)
    if not 0 <= dose.at <= study.until:
        raise BadInput(
            "lies outside the study", key="at", given=dose.at.text, allowed=f"0 h to {study.until:g} h"
        )
    if study.tables.measure[dose.measure].frequency is None:
        raise BadInput("has no frequencies", key="measure", given=dose.measure)
    costs = {f"adverse_events.{name}": cost for name, cost in dose.adverse_events.items()}
    beliefs = {f"belief.{name}": ends[1] for name, ends in dose.belief.items()}
    same_unit(_unit(study, dose.measure), {"near": dose.near, "target": dose.target, **costs, **beliefs})


def _unit(study: Study, measure: str) -> str:
    """The unit in which two readings of a measure differ."""
    return difference(study.catalog.get("endpoints", study.tables.measure[measure].endpoint).options.unit)


def _most(dose: Dose, catalog: Catalog) -> float:
    """Particles a patient may get where a run serves as many as wanted; raises BadInput below the smallest dose."""
    if dose.process is None:
        return math.inf
    process = process_of(dose.process, catalog)
    left = process.harvest * process.columns["harvests"] * (1 - process.columns["retained"])
    run = float(np.median(left))
    smallest = float(dose.particles[0]) * min(dose.times)
    if smallest * dose.patients > run:
        raise BadInput(
            f"a run of {dose.process} serves fewer with the smallest dose",
            key="patients",
            given=dose.patients,
            allowed=f"up to {math.floor(run / smallest)}",
        )
    return run / dose.patients


def _bin(share: float, count: int) -> int:
    return min(int(share * count), count - 1)


def _middle(share: float, count: int) -> float:
    return (_bin(share, count) + 0.5) / count
