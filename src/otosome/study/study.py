"""A checked study with the shelves it speaks of: which entries and numbers it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.cards import check_plain, make_card
from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput
from otosome.evidence import Curve, Parameter, Sourced, make_curve, without_source
from otosome.model.grades import Scale
from otosome.roles import Harm, Map, Population
from otosome.study.tables import (
    Arm,
    DeviceUse,
    InsultUse,
    Number,
    StatedCurve,
    Tables,
)
from otosome.units import (
    LEVELS,
    Array,
    same_kind,
)

if TYPE_CHECKING:
    from otosome.study.people import Told

_OTHER = {"left": "right", "right": "left"}
_IN_THE_EAR = ("middle_ear", "scala_tympani", "vestibule")
# A log-normal spread beyond this overflows.
_WIDEST = 20.0


@dataclass(frozen=True)
class Study:
    """A checked study with the shelves it speaks of.

    ``name``     the file's stem
    ``notes``    what was decided about its files, in sentences
    ``allowed``  keys of retracted sources that may be used all the same
    ``unreadable``  what could not be read in the audiogram file of its people, in words
    """

    name: str
    tables: Tables
    shelves: Catalog = Catalog()
    notes: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    unreadable: str = ""

    @classmethod
    def of(
        cls,
        values: Mapping[str, object],
        *,
        name: str = "study",
        folder: Path | None = None,
        shelves: tuple[Path, ...] = (),
        allow_retracted: tuple[str, ...] = (),
        despite_quality: bool = False,
    ) -> Study:
        """A study from plain values, the keys and texts of a study file, checked as a file is.

        ``folder``  where the files lie that it names; ``load`` explains the others
        raises      BadInput, with ``name`` where a file's name would stand
        """
        from otosome.study.files import checked
        from otosome.study.inputs import Inputs
        from otosome.study.reading import tables_of

        check_plain(values, name)
        study = cls(name, tables_of(values, name), Catalog(tuple(shelves)), allowed=allow_retracted)
        return checked(study, name, Inputs(folder, despite_quality=despite_quality))

    def as_dict(self) -> dict[str, object]:
        """The study as plain values, quantities as their texts: what ``of`` takes, and a study file holds."""
        return self.tables.model_dump(exclude_none=True)

    @cached_property
    def catalog(self) -> Catalog:
        """The shelves, with the curves the study states in place of theirs."""
        stated = {name: _curve(curve, name, self.name) for name, curve in self.tables.curves.items()}
        return replace(self.shelves, curves=stated)

    @property
    def species(self) -> Entry:
        """The species' entry."""
        return self.catalog.get("species", self.tables.species)

    @cached_property
    def mechanisms(self) -> tuple[str, ...]:
        """Every mechanism in play: those the study names, or the whole shelf."""
        named = self.tables.mechanisms
        return tuple(self.catalog.names("mechanisms") if named is None else named)

    def batch(self, name: str) -> Entry:
        """A batch: one the study holds itself, or one of the shelf."""
        if name in self.tables.batch:
            card = make_card(self.tables.batch[name], "batches", name, f"batch.{name}")
            return self.catalog.restated(Entry(card, None))
        return self.catalog.get("batches", name)

    def entries(self) -> Iterator[Entry]:
        """Every entry whose numbers this study rests on, each once."""
        yield self.species
        yield self.catalog.get("maps", str(self.species.card.options.get("map")))
        if self.tables.population is not None:
            yield self.catalog.get("populations", self.tables.population.entry)
        wanted: dict[tuple[str, str], None] = {}
        for kind in ("ohc", "ihc", "synapse", "sgn", "stria"):
            wanted["cells", kind] = None
        for use in self._uses():
            wanted["insults", use.entry] = None
            if use.route is not None:
                wanted["routes", use.route] = None
        for solute in self.solutes():
            wanted["solutes", solute] = None
        for name in self.mechanisms if self._gives else ():
            wanted["mechanisms", name] = None
        for measure in (*self.tables.measure.values(), *(one.measure for one in self.told)):
            for name in self.heard(measure.endpoint):
                wanted["endpoints", name] = None
            if measure.material is not None:
                wanted["materials", measure.material] = None
        for treatment in self.tables.treatment.values():
            wanted["routes", treatment.route] = None
            wanted["batches", treatment.batch] = None
        for device in self.tables.device.values():
            wanted["devices", device.entry] = None
            if device.batch is not None:
                wanted["batches", device.batch] = None
        if self.tables.recovery is not None:
            wanted["recoveries", self.tables.recovery.entry] = None
        for arm in self.tables.arm:
            wanted |= {("harms", name): None for name in self.harmed(arm)}
        measured = {measure.endpoint for measure in self.tables.measure.values()}
        for name in self.catalog.names("utilities"):
            if measured & set(texts(self.catalog.get("utilities", name).card.options.get("of", []))):
                wanted["utilities", name] = None
        for shelf, name in wanted:
            yield self.batch(name) if shelf == "batches" else self.catalog.get(shelf, name)

    def only(self, *arms: str) -> Study:
        """The same study with some of its arms, and with nothing given or suffered that they do not name."""
        chosen = [self.arm(name) for name in arms]
        named = {
            "insult": {one for arm in chosen for one in arm.insults},
            "treatment": {one for arm in chosen for one in arm.treatments},
            "device": {one for arm in chosen for one in arm.devices},
        }
        kept = {
            table: {name: use for name, use in getattr(self.tables, table).items() if name in names}
            for table, names in named.items()
        }
        return replace(self, tables=self.tables.model_copy(update={"arm": chosen, **kept}))

    def unit(self, measure: str) -> str:
        """The unit a measure is read in."""
        endpoint = self.catalog.get("endpoints", self.tables.measure[measure].endpoint)
        return str(endpoint.card.options.get("unit", ""))

    def heard(self, endpoint: str) -> list[str]:
        """An endpoint, and the one that it hears by, where its file says ``hears``."""
        hears = self.catalog.get("endpoints", endpoint).card.options.get("hears")
        return [endpoint] if hears is None else [endpoint, str(hears)]

    def solutes(self) -> list[str]:
        """The solutes that move: the insults' drugs, and what a batch holds."""
        drugs = {drug for use in self.tables.insult.values() for drug in self.drugs(use)}
        held = ["vesicle", "protein"] if self._gives else []
        return ["tmpa", *sorted(drugs), *held]

    @property
    def _gives(self) -> bool:
        """Whether it gives vesicles at all: by a route, or with a device that releases them."""
        released = any(device.batch is not None for device in self.tables.device.values())
        return bool(self.tables.treatment) or released

    def suffered(self, arm: Arm) -> list[InsultUse]:
        """The insults of an arm: those it names, and those its devices bring as they are put in."""
        brought = (self.brought(self.tables.device[name]) for name in arm.devices)
        return [*(self.tables.insult[name] for name in arm.insults), *(use for use in brought if use)]

    def brought(self, device: DeviceUse) -> InsultUse | None:
        """The event that putting a device in is, at its time and depth; None for one that is only worn."""
        entry = self.catalog.get("devices", device.entry).card.options.get("brings")
        return None if entry is None else InsultUse(entry=str(entry), at=[device.at], depth=device.depth)

    def _uses(self) -> list[InsultUse]:
        """Every insult it states, and those that its devices bring."""
        brought = (self.brought(device) for device in self.tables.device.values())
        return [*self.tables.insult.values(), *(use for use in brought if use)]

    def drugs(self, use: InsultUse) -> list[str]:
        """The solutes an insult needs in the ear (``cisplatin.lateral_wall`` needs cisplatin)."""
        solutes = self.catalog.names("solutes")
        return sorted({need.split(".")[0] for need in self.needs(use)} & set(solutes))

    def is_event(self, use: InsultUse) -> bool:
        """Whether an insult is a single event, such as surgery, rather than a drug or a noise."""
        return not self.drugs(use) and "noise.level" not in self.needs(use)

    def harmed(self, arm: Arm) -> dict[str, int]:
        """The harms that an arm's routes, devices and vesicles bring, each with how many times they do."""
        given = [self.tables.treatment[name] for name in arm.treatments]
        worn = [self.tables.device[name] for name in arm.devices]
        brings = [one for t in given for _ in t.at for one in (t.route, "vesicles")]
        brings += [device.entry for device in worn]
        # A coat is vesicles given; what a graft secretes is part of what is feared of living cells.
        brings += ["vesicles" for d in worn if d.amount is not None and d.amount.unit != "cells"]
        times = {
            name: sum(
                one in texts(self.catalog.get("harms", name).card.options.get("of", [])) for one in brings
            )
            for name in self.catalog.names("harms")
        }
        return {name: number for name, number in times.items() if number}

    def harm(self, name: str, columns: Mapping[str, Array]) -> Harm:
        """A harm of treatment, bound to people."""
        bound: Harm = self.catalog.get("harms", name).bind(columns, self.tables.species)
        return bound

    def needs(self, use: InsultUse) -> list[str]:
        """What an insult needs to know (``noise.level``, ``cisplatin.lateral_wall``)."""
        return texts(self.catalog.get("insults", use.entry).card.options.get("needs", []))

    def population(self, columns: Mapping[str, Array]) -> Population | None:
        """The population its subjects come from, bound to ears; raises BadInput for whom it does not know."""
        use = self.tables.population
        if use is None:
            return None
        stated: dict[str, object] = {
            "sex": use.sex, "ear": use.ear, "readings": use.readings, "interpolate": use.interpolate
        }  # fmt: skip
        if use.age is not None:
            ages = use.age if isinstance(use.age, list) else [use.age] * 2
            stated["age"] = [float(age) for age in ages]
        if use.noise_level is not None and use.noise_time is not None:
            stated |= {"noise_level": float(use.noise_level), "noise_time": float(use.noise_time)}
        stated = {key: value for key, value in stated.items() if value is not None}
        entry = self.catalog.get("populations", use.entry)
        bound: Population = entry.bind(columns, self.tables.species, **stated)
        return bound

    @property
    def told(self) -> tuple[Told, ...]:
        """What was read of the one person's ear besides the audiogram; none of many people."""
        return self._besides[0]

    @property
    def unread(self) -> tuple[str, ...]:
        """Quantities of the person's file that no measure or endpoint reads."""
        return self._besides[1]

    @cached_property
    def ear(self) -> str | None:
        """The ear of the one person that is studied, "left" or "right"; None of many people."""
        person = self._person
        return None if person is None else str(person.chosen)

    @cached_property
    def _person(self) -> Any:
        """The one person of best values; None where the study is of many, or of nobody in particular."""
        use = self.tables.population
        if use is None or use.readings is None:
            return None
        entry = self.catalog.get("populations", use.entry)
        if entry.card.options.get("people") != "one":
            return None
        parameters = entry.parameters(self.tables.species).values()
        return self.population({p.name: np.array([p.value]) for p in parameters})

    def other(self) -> Study | None:
        """The same study of the person's other ear; None where there is no one person, or that ear was not tested.

        Where the study says that it is untreated, it is spared what only reaches the one ear: devices, surgery, and
        what is given by a route that does not begin in blood or cerebrospinal fluid.
        """
        use, person = self.tables.population, self._person
        if use is None or person is None or not person.has(_OTHER[person.chosen]):
            return None
        changes: dict[str, Any] = {"population": use.model_copy(update={"ear": _OTHER[person.chosen]})}
        if use.other == "untreated":
            changes["arm"] = [self._spared(arm) for arm in self.tables.arm]
        return replace(self, tables=self.tables.model_copy(update=changes))

    def _spared(self, arm: Arm) -> Arm:
        """An arm without what only reaches one ear."""
        uses, treatments = self.tables.insult, self.tables.treatment
        insults = [n for n in arm.insults if not self.is_event(uses[n]) and not self.is_local(uses[n].route)]
        given = [n for n in arm.treatments if not self.is_local(treatments[n].route)]
        return arm.model_copy(update={"insults": insults, "treatments": given, "devices": []})

    @cached_property
    def perilymph(self) -> float:
        """Perilymph of the ear of best values, uL: both scalae, vestibule and canals."""
        species = self.tables.species
        number = {
            k: self.parameters[f"species.{species}.{k}"].value
            for k in ("scala_tympani_length", "vestibule_volume", "volume_scale")
        }
        curves = [self.species.card.profile(scala, species) for scala in ("scala_tympani", "scala_vestibuli")]
        areas = sum(_mean_area(curve["distance"], curve["area"]) for curve in curves)
        scalae = number["volume_scale"] * number["scala_tympani_length"] * areas
        return scalae + number["vestibule_volume"]

    def is_local(self, route: str | None) -> bool:
        """Whether a route begins in the ear, so that what it brings reaches the other ear only by a detour."""
        return route is not None and self.catalog.get("routes", route).card.options.get("into") in _IN_THE_EAR

    @cached_property
    def _besides(self) -> tuple[tuple[Told, ...], tuple[str, ...]]:
        use = self.tables.population
        if use is None or self.ear is None:
            return (), ()
        from otosome.study.people import besides

        told, unread = besides(use, self.ear, self.tables.measure, self.catalog)
        return tuple(told), tuple(unread)

    def tonotopy(self, columns: Mapping[str, Array]) -> Map:
        """The place map its species names, bound to ears."""
        bound: Map = self.catalog.get("maps", str(self.species.card.options.get("map"))).bind(
            columns, self.tables.species
        )
        return bound

    def scale(self, name: str) -> Scale:
        """A scale of hearing loss."""
        bound: Scale = self.catalog.get("scales", name).bind({}, self.tables.species)
        return bound

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every number the study rests on, by full name, pinned ones as the study states them."""
        found: dict[str, Parameter] = {}
        for entry in self.entries():
            for parameter in entry.parameters(self.tables.species).values():
                found[parameter.name] = self._standing(parameter)
                self._check_linked(parameter)
        for name, number in self.tables.numbers.items():
            if name not in found:
                raise BadInput(
                    "is not a number this study rests on", file=self.name, key=f"numbers.{name}", given=name
                )
            if number.source is not None:
                self.catalog.source(number.source)
            found[name] = _pinned(number, found[name], self.name)
        return found

    def _check_linked(self, parameter: Parameter) -> None:
        """What a number is linked to stands on some shelf, in the study or not."""
        for name, _ in parameter.linked:
            shelf, stem, key = name.split(".")
            if key not in self.catalog.get(shelf, stem).card.parameters:
                raise BadInput("is linked to a number that is on no shelf", key=parameter.name, given=name)

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """Every curve the study rests on, by full name; a species' own takes the place of an endpoint's."""
        brought = self.species.card.profiles
        found = [
            entry.card.curve(key, self.tables.species)
            for entry in self.entries()
            for key in entry.card.profiles
            if entry.card.shelf == "species" or key not in brought
        ]
        return {curve.name: self._standing(curve) for curve in found}

    def _standing(self, told: Sourced) -> Sourced:
        return standing(told, self.catalog, self.name, self.allowed)

    @cached_property
    def until(self) -> float:
        """End of the study, h."""
        if self.tables.until is not None:
            return float(self.tables.until)
        return max(float(t) for m in self.tables.measure.values() for t in m.at)

    def arm(self, name: str) -> Arm:
        """An arm by name."""
        return next(arm for arm in self.tables.arm if arm.name == name)


def _mean_area(distance: Array, area: Array) -> float:
    """Mean area of a scala whose profile is linear between its points, and before the first as there."""
    volume = area[0] * distance[0] + np.sum((area[1:] + area[:-1]) * np.diff(distance)) / 2
    return float(volume / distance[-1])


def _curve(stated: StatedCurve, name: str, file: str) -> Curve:
    told = {"basis": stated.basis, "source": stated.source or "", "because": stated.because}
    return make_curve({**stated.columns, **told}, name, stated.species, file, f"curves.{name}")


def standing(told: Sourced, catalog: Catalog, file: str, allowed: tuple[str, ...] = ()) -> Sourced:
    """A number or curve as far as its source still stands behind it.

    ``allowed``  keys of retracted sources that may be used all the same
    raises       BadInput for one that rests on another retracted source
    """
    if told.source is None:
        return told
    source = catalog.source(told.source)
    if source.standing == "retracted" and source.key not in allowed:
        raise BadInput(
            f"rests on a retracted source ({source.date}: {source.reason})",
            file=file,
            key=told.name,
            given=source.key,
            cure=f"replace the number, or allow the source by name: --allow-retracted {source.key}",
        )
    return without_source(told, source) if source.standing == "withdrawn" else told


def texts(value: object) -> list[str]:
    """An option of an entry as a list of words, empty where it is none."""
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else []


def _pinned(number: Number, shelf: Parameter, file: str) -> Parameter:
    values: dict[str, object] = {
        "about": "pinned",
        "it": {
            "meaning": shelf.meaning,
            **{
                k: v
                for k, v in number.model_dump(exclude_none=True).items()
                if k in ("value", "low", "high", "shape", "basis", "source", "because", "linked") and v != ""
            },
        },
    }
    card = make_card(values, "numbers", shelf.name, file)
    made = card.parameters["it"][""]
    if not same_kind(made.unit, shelf.unit):
        raise BadInput(
            f"unit is {made.unit!r}; expected one convertible to {shelf.unit!r}",
            file=file,
            key=f"numbers.{shelf.name}",
            given=number.value,
        )
    _check_pinned(number, made, shelf, file)
    return replace(
        made,
        name=shelf.name,
        subjects=shelf.subjects if number.subjects is None else number.subjects,
        lots=shelf.lots if number.lots is None else number.lots,
        additive=shelf.additive if number.additive is None else number.additive,
        species=number.species,
    )


def _check_pinned(number: Number, made: Parameter, shelf: Parameter, file: str) -> None:
    """A pinned number keeps the sign that the shelf's has, and a spread that can be drawn."""
    key = f"numbers.{shelf.name}"
    if shelf.low > 0 and made.low <= 0:
        raise BadInput("must lie above zero", file=file, key=key, given=number.low or number.value)
    if shelf.low == 0 and made.low < 0 and shelf.unit not in LEVELS:
        raise BadInput("must not be negative", file=file, key=key, given=number.low or number.value)
    widest = max(number.subjects or 0.0, number.lots or 0.0)
    if not number.additive and widest > _WIDEST:
        raise BadInput(
            f"a spread is at most {_WIDEST:g} (standard deviation of the logarithm)", file=file, key=key, given=widest
        )  # fmt: skip
