"""Some ears of a study bound to their numbers: what fate and measures ask of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from otosome.catalog import Entry
from otosome.ears import Columns
from otosome.forward.carried import Carried
from otosome.forward.lazy import lazy
from otosome.forward.planning import Plan
from otosome.lots.batch import Batch
from otosome.model import transport
from otosome.model.injury import KINDS, Cells
from otosome.roles import Device, Ear, Population, Recovery
from otosome.study import DeviceUse, Study
from otosome.units import Array

Value = TypeVar("Value")
# What no number of a mechanism changes, once it is computed.
_STANDING = ("subjects", "species", "anatomy", "ear", "rates", "population", "arrived", "arrival")


@dataclass(frozen=True)
class Cochleae:
    """Some ears of a study: a column (ear,) per number, and in ``carried`` what has been solved of their transport.

    Columns may also set what a study's own tables say, ear by ear (``forward.evaluate``).
    """

    plan: Plan
    columns: Columns
    carried: Carried = field(default_factory=Carried)
    _shared: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def read_by(self, own: Columns) -> Cochleae:
        """The same ears read with other numbers of endpoints, (ear,) by full name: what they are stays as it is."""
        others = replace(self, columns={**self.columns, **own})
        others.__dict__.update(species=self.species, ear=self.ear, rates=self.rates, subjects=self.subjects)
        return others

    def acting(self, own: Columns) -> Cochleae:
        """The same ears in which mechanisms have other numbers, (ear,) by full name.

        What is carried to their cells, what they suffer and what becomes of cells that get no vesicles is shared.
        """
        others = replace(self, columns={**self.columns, **own})
        others.__dict__.update({name: self.__dict__[name] for name in _STANDING if name in self.__dict__})
        return others

    @property
    def study(self) -> Study:
        """The study."""
        return self.plan.study

    @property
    def name(self) -> str:
        """The species."""
        return self.study.tables.species

    @lazy
    def subjects(self) -> int:
        """How many ears."""
        return next(iter(self.columns.values())).size

    def once(self, key: Hashable, value: Callable[[], Value]) -> Value:
        """What arms that are alike share: computed once for each key, a frozen value of what it depends on."""
        if key not in self._shared:
            self._shared[key] = value()
        shared: Value = self._shared[key]
        return shared

    def entry(self, shelf: str, name: str) -> Entry[Any, Any]:
        """An entry of a shelf, or a batch of the study's own."""
        return self.study.batch(name) if shelf == "batches" else self.study.catalog.get(shelf, name)

    def numbers(self, shelf: str, name: str) -> dict[str, Array]:
        """An entry's columns by key, each (ear,)."""
        return self.entry(shelf, name).columns(self.columns, self.name)

    def bind(self, shelf: str, name: str, **options: object) -> Any:
        """An entry's formula with these ears' columns."""
        return self.entry(shelf, name).bind(self.columns, self.name, **options)

    def stated(self, table: str, name: str, key: str) -> Array | None:
        """What columns set a table's key to, ear by ear, shape (ear,); None where they leave it as stated."""
        return self.columns.get(f"{table}.{name}.{key}")

    @lazy
    def species(self) -> Columns:
        """The species' columns by key."""
        return self.study.species.columns(self.columns, self.name)

    @lazy
    def anatomy(self) -> transport.Anatomy:
        """The fluids and tissues of these ears."""
        card = self.study.species.card
        profiles = {name: card.profile(name, self.name) for name in card.profiles}
        tracer = self.numbers("solutes", "tmpa")["diffusion"]
        return transport.Anatomy.build(self.species, profiles, self.plan.places, tracer)

    @lazy
    def ear(self) -> Ear:
        """Places and their frequencies."""
        place = self.plan.place
        # One map for all ears: its numbers carry no spread between them.
        frequency = self.study.tonotopy(self.columns).frequency(place)[0, 0]
        length, people = self.species["scala_tympani_length"], self.population
        return Ear(self.name, place, frequency, length, self.species, None if people is None else people.ages)

    @lazy
    def rates(self) -> dict[str, Columns]:
        """The shelf of cell kinds as columns."""
        return {kind: self.numbers("cells", kind) for kind in (*KINDS, "stria")}

    @lazy
    def population(self) -> Population | None:
        """Whom these ears belong to, where the study says so."""
        return self.study.population(self.columns)

    @lazy
    def arrived(self) -> Mapping[str, Array]:
        """Share of each kind of cell the ears arrive with, (ear, place), by kind; all where none is named."""
        return {} if self.population is None else self.population.arrived(self.ear, self.rates)

    @lazy
    def arrival(self) -> Cells:
        """The cells the ears arrive with, at one moment."""
        whole = np.ones((self.subjects, 1, self.plan.place.size))
        intact = {kind: whole * self.arrived.get(kind, whole[:, 0])[:, None, :] for kind in KINDS}
        none = dict.fromkeys(KINDS, np.zeros_like(whole))
        return Cells(intact, none, none, whole, self.rates)

    def batch(self, name: str) -> Batch:
        """A batch with these ears' columns."""
        entry = self.study.batch(name)
        return Batch.of(name, entry.columns(self.columns, self.name), entry.options.class_ratio)

    def device(self, use: DeviceUse) -> Device:
        """A device bound to these ears."""
        options: dict[str, object] = {} if self.population is None else {"arrived": self.arrival}
        if use.depth is not None:
            options["depth"] = float(use.depth)
        bound: Device = self.bind("devices", use.entry, **options)
        return bound

    def recovery(self, times: Array) -> tuple[Recovery, Array] | None:
        """What every arm regains by itself, with the hours since time zero."""
        use = self.study.tables.recovery
        if use is None:
            return None
        entered = {} if use.entered is None else {"entered": float(use.entered)}
        return self.bind("recoveries", use.entry, **entered), times
