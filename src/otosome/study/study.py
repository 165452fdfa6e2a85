"""A checked study with the shelves it speaks of: which entries and numbers it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np

from otosome.answers import notebook
from otosome.cards import check_plain
from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput
from otosome.evidence import Cohort, Curve, Parameter, Sourced, near, without_source
from otosome.fitting.joint import FITS
from otosome.model.grades import Scale
from otosome.roles import AdverseEvent, BatchOptions, Map, Options, Population, SpeciesOptions
from otosome.study.strain import Strain
from otosome.study.tables import (
    Arm,
    DeviceUse,
    DrugUse,
    InsultUse,
    Probe,
    SampleUse,
    Tables,
)
from otosome.study.tables.base import Reference
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    from otosome.study.people import OtherReading


class _Person(Population, Protocol):
    """The one person whose ear is studied."""

    @property
    def chosen(self) -> str: ...

    def has(self, ear: str) -> bool: ...


_OTHER = {"left": "right", "right": "left"}
_IN_THE_EAR = ("middle_ear", "scala_tympani", "vestibule")


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

    def __reduce__(self) -> tuple[object, ...]:
        """For another process: what it states, and nothing that follows from it."""
        return Study, tuple(getattr(self, f.name) for f in fields(self))

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
        study = cls(
            name, tables_of(values, name), Catalog.of_study(folder, tuple(shelves)), allowed=allow_retracted
        )
        return checked(study, name, Inputs(folder, despite_quality=despite_quality))

    def as_dict(self) -> dict[str, object]:
        """The study as plain values, quantities as their texts: what ``of`` takes, and a study file holds."""
        return self.tables.model_dump(exclude_none=True)

    def _title(self) -> str:
        return f"Study {self.name}" + (f": {self.tables.title}" if self.tables.title else "")

    def _rows(self) -> dict[str, str]:
        tables = self.tables
        measures = [f"{name} ({use.quantity})" for name, use in tables.measure.items()]
        rows = {
            "asks": tables.question,
            "species": tables.species,
            "arms": notebook.few([arm.name for arm in tables.arm]),
            "measures": notebook.few(measures),
        }
        if (compare := tables.compare) is not None:
            rows["compares"] = f"{compare.measure} of {compare.of!r} against {compare.against!r}"
        return {name: value for name, value in rows.items() if value}

    def __repr__(self) -> str:
        return notebook.text(self._title(), self._rows())

    def _repr_html_(self) -> str:
        return notebook.table(self._title(), self._rows())

    @cached_property
    def catalog(self) -> Catalog:
        """The shelves, with the curves that its strain and the study state in place of theirs."""
        own = {} if self.strain is None else self.strain.curves()
        stated = {name: curve.curve(name, self.name) for name, curve in self.tables.curves.items()}
        return replace(self.shelves, curves={**own, **stated})

    @cached_property
    def strain(self) -> Strain | None:
        """What its strain states in place of the shelves; None where it names none or one that is not known."""
        name = self.tables.strain
        if name is None or name not in self.shelves.names("strains"):
            return None
        return Strain.of(self.shelves.get("strains", name))

    @property
    def cohort(self) -> Cohort:
        """Which ears are of one animal, and which animals were exposed together."""
        use = self.tables.cohort
        return Cohort() if use is None else Cohort(use.ears, use.animals)

    @property
    def species(self) -> Entry[SpeciesOptions, object]:
        """The species' entry."""
        return self.catalog.get("species", self.tables.species)

    @cached_property
    def mechanisms(self) -> tuple[str, ...]:
        """Every mechanism in play: those the study names, or the whole shelf."""
        named = self.tables.mechanisms
        return tuple(self.catalog.names("mechanisms") if named is None else named)

    @property
    def measures_cells(self) -> bool:
        """Whether cells, or what is heard by them, are measured, and not concentrations alone."""
        return any(measure.solute is None for measure in self.tables.measure.values())

    @cached_property
    def effects(self) -> tuple[str, ...]:
        """What its drugs do to cells: every entry that is of one of them; none where no cell is measured."""
        if not self.measures_cells:
            return ()
        return tuple(
            name
            for name in self.catalog.names("effects")
            if self.catalog.get("effects", name).options.of in self.drug_solutes
        )

    def batch(self, name: str) -> Entry[BatchOptions, object]:
        """A batch: one the study holds itself, or one of the shelf."""
        if name in self.tables.batch:
            return self.catalog.batch(self.tables.batch[name], name, f"batch.{name}")
        return self.catalog.get("batches", name)

    def reference(self, shelf: str, key: str, name: str) -> Reference:
        """A name, stated under a key, of an entry whose numbers the study rests on."""
        shelved = self.catalog.names(shelf)
        return Reference(key, name, [*self.tables.batch, *shelved] if shelf == "batches" else shelved, shelf)

    def entries(self) -> Iterator[Entry[Options, object]]:
        """Every entry whose numbers this study rests on, each once."""
        references = (name for _, table in self.tables.each() for name in table.references(self))
        named = [(reference.shelf, reference.name) for reference in references if reference.shelf]
        names = dict.fromkeys([*named, *self._implied()])
        for shelf, name in names:
            yield self.batch(name) if shelf == "batches" else self.catalog.get(shelf, name)

    def own_files(self) -> list[Path]:
        """The files beside the study that it rests on: its entries there, their sources, and draws of their fits."""
        root = self.shelves.beside
        if root is None:
            return []
        stated: list[Parameter | Curve] = [*self.parameters.values(), *self.curves.values()]
        sources = {number.source for number in stated if number.source is not None}
        names = [(entry.card.shelf, entry.name) for entry in self.entries()]
        names += [("sources", key) for key in sorted(sources)]
        fits = sorted({p.fit for p in self.parameters.values() if p.fit})
        files = [root / shelf / f"{name}.toml" for shelf, name in names]
        files += [root / FITS / f"{name}.csv" for name in fits]
        return [file for file in files if file.is_file()]

    def _implied(self) -> Iterator[tuple[str, str]]:
        """Shelf and name of the entries that no table of the study names."""
        yield "maps", self.species.options.map
        for kind in ("ohc", "ihc", "synapse", "sgn", "stria"):
            yield "cells", kind
        for solute in self.solutes():
            yield "solutes", solute
        for name in self.mechanisms if self._gives else ():
            yield "mechanisms", name
        for name in self.effects:
            yield "effects", name
        for reading in self.other_readings:
            for name in self.heard(reading.measure.endpoint):
                yield "endpoints", name
            if reading.measure.material is not None:
                yield "materials", reading.measure.material

    def only(self, *arms: str) -> Study:
        """The same study with some of its arms, and with nothing given or suffered that they do not name."""
        chosen = [self.arm(name) for name in arms]
        names = {
            "insult": {name for arm in chosen for name in arm.insults},
            "drug": {name for arm in chosen for name in arm.drugs},
            "treatment": {name for arm in chosen for name in arm.treatments},
            "device": {name for arm in chosen for name in arm.devices},
        }
        used = {
            table: {name: use for name, use in getattr(self.tables, table).items() if name in names[table]}
            for table in names
        }
        return replace(self, tables=self.tables.model_copy(update={"arm": chosen, **used}))

    def unit(self, measure: str) -> str:
        """The unit a measure is read in."""
        endpoint = self.catalog.get("endpoints", self.tables.measure[measure].endpoint)
        return endpoint.options.unit

    def alike(self, arm: str, other: str) -> bool:
        """Whether two arms suffer, get, wear and lack the same: no simulation tells them apart."""
        arms = {each.name: each.model_copy(update={"name": ""}) for each in self.tables.arm}
        return arms[arm] == arms[other]

    def heard(self, endpoint: str) -> list[str]:
        """An endpoint, and the one that it hears by, where its file says ``hears``."""
        hears = self.catalog.get("endpoints", endpoint).options.hears
        return [endpoint] if hears is None else [endpoint, hears]

    def solutes(self) -> list[str]:
        """The solutes that move: the insults' drugs, those given, and what a batch holds."""
        drugs = {drug for use in self.tables.insult.values() for drug in self.drugs(use)}
        drugs |= {name for use in self.tables.drug.values() for name in self.carried(use.solute)}
        content = ["vesicle", "protein"] if self._gives else []
        return ["tmpa", *sorted(drugs - {"tmpa"}), *content]

    @property
    def _gives(self) -> bool:
        """Whether it gives vesicles at all: by a route, or with a device that releases them."""
        released = any(device.batch is not None for device in self.tables.device.values())
        return bool(self.tables.treatment) or released

    def suffered(self, arm: Arm) -> list[InsultUse]:
        """The insults of an arm: those it names, and those its devices bring and its drugs are."""
        brought = (self.brought(self.tables.device[name]) for name in arm.devices)
        named = [self.tables.insult[name] for name in arm.insults]
        return [*named, *(use for use in brought if use), *self._follow(arm, {use.entry for use in named})]

    def _follow(self, arm: Arm, named: set[str]) -> list[InsultUse]:
        """The insults that an arm's drugs are to the ear, one of an entry, but for those it names itself.

        Where nothing of hearing or cells is measured none is computed.
        """
        times: dict[str, list[Quantity]] = {}
        for use in (self.tables.drug[name] for name in arm.drugs) if self.tables.measure else ():
            for entry in self.following(use.solute):
                times.setdefault(entry, []).extend(use.at)
        return [InsultUse(entry=entry, at=sorted(at)) for entry, at in times.items() if entry not in named]

    def carried(self, solute: str) -> list[str]:
        """A solute, and what the body makes of it."""
        product = self.catalog.get("solutes", solute).options.becomes
        return [solute] if product is None else [solute, product]

    @property
    def drug_solutes(self) -> list[str]:
        """The solutes that are drugs here, and what they become."""
        uses = [
            *self.tables.drug.values(),
            *filter(None, (u.drug(self) for u in self.tables.insult.values())),
        ]
        return list(dict.fromkeys(name for use in uses for name in self.carried(use.solute)))

    def following(self, solute: str) -> list[str]:
        """The insults that a drug is to the ear: entries that need to know where it, or what it becomes, is."""
        solutes = set(self.carried(solute))
        shelf = {
            name: self.catalog.get("insults", name).options.needs for name in self.catalog.names("insults")
        }
        return [name for name, needs in shelf.items() if solutes & {need.partition(".")[0] for need in needs}]

    def doses(self, arm: Arm) -> dict[tuple[str, str], DrugUse]:
        """The drugs an arm gets, by table and name: those it names, and those its insults state themselves."""
        named = {("drug", name): self.tables.drug[name] for name in arm.drugs}
        own = {("insult", name): self.tables.insult[name].drug(self) for name in arm.insults}
        return named | {key: use for key, use in own.items() if use is not None}

    def brought(self, device: DeviceUse) -> InsultUse | None:
        """The event that putting a device in is, at its time and depth; None for one that is only worn."""
        entry = self.catalog.get("devices", device.entry).options.brings
        return None if entry is None else InsultUse(entry=entry, at=[device.at], depth=device.depth)

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

    def adverse_events(self, arm: Arm) -> dict[str, int]:
        """The adverse events that an arm's routes, drugs, devices and vesicles may bring, each with how many times.

        A study that follows drugs and measures nothing counts none of them.
        """
        causes = self._causes(arm)
        times = {
            name: sum(cause in self.catalog.get("adverse_events", name).options.of for cause in causes)
            for name in self.catalog.names("adverse_events")
        }
        return {name: number for name, number in times.items() if number}

    def _causes(self, arm: Arm) -> list[str]:
        """What may bring adverse events in an arm, as often as it comes: routes, drugs, devices, vesicles."""
        treatments = [self.tables.treatment[name] for name in arm.treatments]
        drugs = [self.tables.drug[name] for name in arm.drugs] if self.tables.measure else []
        devices = [self.tables.device[name] for name in arm.devices]
        causes = [cause for use in treatments for _ in use.at for cause in (use.route, "vesicles")]
        causes += [cause for use in drugs for _ in use.at for cause in (use.route, use.solute)]
        causes += [device.entry for device in devices]
        # A coat is vesicles given; what a graft secretes is part of what is feared of living cells.
        causes += ["vesicles" for use in devices if use.amount is not None and use.amount.unit != "cells"]
        return causes

    def adverse_event(self, name: str, columns: Mapping[str, Array]) -> AdverseEvent:
        """An adverse event of a treatment, bound to people."""
        bound: AdverseEvent = self.catalog.get("adverse_events", name).bind(columns, self.tables.species)
        return bound

    def needs(self, use: InsultUse) -> tuple[str, ...]:
        """What an insult needs to know (``noise.level``, ``cisplatin.lateral_wall``)."""
        return self.catalog.get("insults", use.entry).options.needs

    def population(self, columns: Mapping[str, Array]) -> Population | None:
        """The population its subjects come from, bound to ears; raises BadInput for whom it does not know."""
        use = self.tables.population
        if use is None:
            return None
        entry = self.catalog.get("populations", use.entry)
        bound: Population = entry.bind(columns, self.tables.species, **use.words())
        return bound

    @cached_property
    def best_values(self) -> dict[str, Array]:
        """Every number at its best value, shape (1,)."""
        return {name: np.array([p.value]) for name, p in self.parameters.items()}

    @cached_property
    def people(self) -> Population | None:
        """The population of best values."""
        return self.population(self.best_values)

    @contextmanager
    def as_far_as_read(self, key: str | None = None) -> Iterator[None]:
        """Where people cannot be computed, say what could not be read in their file; ``key`` replaces the error's."""
        from otosome.study.people import as_far_as_read

        try:
            yield
        except BadInput as error:
            use = self.tables.population
            full = error if use is None else as_far_as_read(error, str(use.audiogram), self.unreadable)
            raise BadInput(
                full.message, key=key or full.key, given=full.given, allowed=full.allowed, cure=full.cure
            ) from error

    @property
    def other_readings(self) -> tuple[OtherReading, ...]:
        """What was read of the one person's ear besides the audiogram; none of many people."""
        return self._readings[0]

    @property
    def unread(self) -> tuple[str, ...]:
        """Quantities of the person's file that no measure or endpoint reads."""
        return self._readings[1]

    @cached_property
    def ear(self) -> str | None:
        """The ear of the one person that is studied, "left" or "right"; None of many people."""
        return None if self._person is None else self._person.chosen

    @cached_property
    def _person(self) -> _Person | None:
        """The one person of best values; None where the study is of many, or of nobody in particular."""
        use = self.tables.population
        if use is None or use.readings is None:
            return None
        entry = self.catalog.get("populations", use.entry)
        if entry.options.people != "one":
            return None
        parameters = entry.parameters(self.tables.species).values()
        return cast(_Person, self.population({p.name: np.array([p.value]) for p in parameters}))

    def other(self) -> Study | None:
        """The same study of the person's other ear; None where there is no one person, or that ear was not tested.

        Where the study says that it is untreated, it is spared what only reaches the one ear: devices, surgery, and
        what is given by a route that does not begin in blood or cerebrospinal fluid.
        """
        use, person = self.tables.population, self._person
        if use is None or person is None or not person.has(_OTHER[person.chosen]):
            return None
        changes: dict[str, object] = {"population": use.model_copy(update={"ear": _OTHER[person.chosen]})}
        if use.other == "untreated":
            changes["arm"] = [self._spared(arm) for arm in self.tables.arm]
        return replace(self, tables=self.tables.model_copy(update=changes))

    def _spared(self, arm: Arm) -> Arm:
        """An arm without what only reaches one ear."""
        uses, treatments = self.tables.insult, self.tables.treatment
        insults = [n for n in arm.insults if not self.is_event(uses[n]) and not self.is_local(uses[n].route)]
        spread = [n for n in arm.treatments if not self.is_local(treatments[n].route)]
        drugs = [n for n in arm.drugs if not self.is_local(self.tables.drug[n].route)]
        return arm.model_copy(
            update={"insults": insults, "treatments": spread, "drugs": drugs, "devices": []}
        )

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

    def drawn_at(self, sample: SampleUse) -> float:
        """Place a sample is drawn from: as stated, else in the ear of best values the middle of the round window.

        At the very base, where the aqueduct opens, a sample would be cerebrospinal fluid.
        """
        if sample.place is not None or sample.of != "scala_tympani":
            return sample.place or 0.0
        species = self.tables.species
        extent, length = (
            self.parameters[f"species.{species}.{key}"].value
            for key in ("round_window_extent", "scala_tympani_length")
        )
        return min(0.5 * extent / length, 1.0)

    def is_local(self, route: str | None) -> bool:
        """Whether a route begins in the ear, so that what it brings reaches the other ear only by a detour."""
        return route is not None and self.catalog.get("routes", route).options.into in _IN_THE_EAR

    @cached_property
    def _readings(self) -> tuple[tuple[OtherReading, ...], tuple[str, ...]]:
        use = self.tables.population
        if use is None or self.ear is None:
            return (), ()
        from otosome.study.people import other_readings

        readings, unread = other_readings(use, self.ear, self.tables.measure, self.catalog)
        return tuple(readings), tuple(unread)

    def tonotopy(self, columns: Mapping[str, Array]) -> Map:
        """The place map its species names, bound to ears."""
        bound: Map = self.catalog.get("maps", self.species.options.map).bind(columns, self.tables.species)
        return bound

    def scale(self, name: str) -> Scale:
        """A scale of hearing loss."""
        bound: Scale = self.catalog.get("scales", name).bind({}, self.tables.species)
        return bound

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every number the study rests on, by full name, pinned ones as the study states them."""
        numbers: dict[str, Parameter] = {}
        general: dict[str, Parameter] = {}
        for entry in self.entries():
            for parameter in entry.parameters(self.tables.species).values():
                numbers[parameter.name] = self._standing(self._of_strain(parameter))
                general[parameter.name] = parameter
        for name, number in self.tables.numbers.items():
            if name not in numbers:
                raise BadInput(
                    "is not a number this study rests on",
                    file=self.name,
                    key=f"numbers.{name}",
                    given=name,
                    allowed=near(name, numbers),
                )
            if number.source is not None:
                self.catalog.source(number.source)
            numbers[name] = general[name] = number.pinned(numbers[name], self.name)
        sound = set[str]()
        # A strain's numbers were found together: their links are of one set, in an order of its own.
        for name in general:
            self._check_links(name, general, (), sound)
        return self._keyed(numbers) if self.tables.batch else numbers

    def _keyed(self, numbers: Mapping[str, Parameter]) -> dict[str, Parameter]:
        """Numbers of lots it holds, and those linked to them, drawn by the lots' order, whatever they are called."""
        streams = tuple(
            (f"batches.{name}.", f"batches.#{place}.")
            for place, name in enumerate(self.tables.batch, start=1)
        )
        lots = tuple(name for name, _ in streams)
        return {
            name: replace(number, streams=streams)
            if any(each.startswith(lots) for each in (name, *(other for other, _ in number.linked)))
            else number
            for name, number in numbers.items()
        }

    def _of_strain(self, parameter: Parameter) -> Parameter:
        return parameter if self.strain is None else self.strain.restated(parameter)

    def _check_links(
        self, name: str, numbers: Mapping[str, Parameter], before: tuple[str, ...], sound: set[str]
    ) -> None:
        """Follow the links of a number: each ends at one on some shelf, in the study or not, and none in a circle.

        ``sound``  numbers that were followed to their ends, each once
        """
        if name in before:
            circle = " -> ".join((*before[before.index(name) :], name))
            raise BadInput(
                "is linked in a circle",
                file=self.name,
                key=name,
                given=circle,
                cure="take one of these links out",
            )
        if name in sound:
            return
        for other, _ in self._linkable(name, numbers).linked:
            self._check_links(other, numbers, (*before, name), sound)
        sound.add(name)

    def _linkable(self, name: str, numbers: Mapping[str, Parameter]) -> Parameter:
        """A number of the study, or of a shelf."""
        if name in numbers:
            return numbers[name]
        shelf, stem, key = name.split(".")
        by_species = self.catalog.get(shelf, stem).card.parameters.get(key)
        if by_species is None:
            raise BadInput("is linked to, and on no shelf", file=self.name, key=name, given=name)
        return by_species.get(self.tables.species) or next(iter(by_species.values()))

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """Every curve the study rests on, by full name; a species' own takes the place of an endpoint's."""
        own = self.species.card.profiles
        curves = [
            entry.card.curve(key, self.tables.species)
            for entry in self.entries()
            for key in entry.card.profiles
            if entry.card.shelf == "species" or key not in own
        ]
        return {curve.name: self._standing(curve) for curve in curves}

    def _standing(self, item: Sourced) -> Sourced:
        return standing(item, self.catalog, self.name, self.allowed)

    @cached_property
    def probes(self) -> dict[str, Probe]:
        """Where drugs are followed, by name: as stated, else where most people look; nowhere without a drug."""
        if not self.tables.drug:
            return {}
        places = {"base": 0.1, "middle": 0.5, "apex": 0.9}
        usual = {name: Probe(place=place) for name, place in places.items()}
        usual |= {"plasma": Probe(of="plasma"), "cerebrospinal fluid": Probe(of="cerebrospinal_fluid")}
        return self.tables.probe or usual

    @cached_property
    def until(self) -> float:
        """End of the study, h."""
        if self.tables.until is not None:
            return float(self.tables.until)
        if not self.tables.measure:
            raise BadInput(
                "nothing is measured, so its end must be stated", key="until", cure='until = "24 h"'
            )
        return max(float(t) for m in self.tables.measure.values() for t in m.at)

    def arm(self, name: str) -> Arm:
        """An arm by name."""
        return next(arm for arm in self.tables.arm if arm.name == name)


def _mean_area(distance: Array, area: Array) -> float:
    """Mean area of a scala whose profile is linear between its points, and before the first as there."""
    volume = area[0] * distance[0] + np.sum((area[1:] + area[:-1]) * np.diff(distance)) / 2
    return float(volume / distance[-1])


def standing(item: Sourced, catalog: Catalog, file: str, allowed: tuple[str, ...] = ()) -> Sourced:
    """A number or curve as far as its source still stands behind it.

    ``allowed``  keys of retracted sources that may be used all the same
    raises       BadInput for one that rests on another retracted source
    """
    if item.source is None:
        return item
    source = catalog.source(item.source)
    if source.standing == "retracted" and source.key not in allowed:
        raise BadInput(
            f"rests on a retracted source ({source.date}: {source.reason})",
            file=file,
            key=item.name,
            given=source.key,
            cure=f"replace the number, or allow the source by name: --allow-retracted {source.key}",
        )
    return without_source(item, source) if source.standing == "withdrawn" else item
