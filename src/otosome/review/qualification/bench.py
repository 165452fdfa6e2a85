"""A laboratory bench: worlds of subjects with every number drawn, for cases that no study file can state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput, at
from otosome.evidence import Curve, Parameter, Sourced, draw_columns
from otosome.model import transport
from otosome.review.qualification.case import Case, cases
from otosome.roles import CaseOptions, Options
from otosome.study.study import standing
from otosome.units import Array


@runtime_checkable
class CaseFormula(Protocol):
    """A published case that no study file can state, as its formula runs it again."""

    def replicate(self, bench: Bench) -> Mapping[str, Array]:
        """What was published, by row: of each ear of the bench, or exact values."""
        ...


@dataclass(frozen=True)
class Terms:
    """On what terms every case is simulated.

    ``worlds``   draws of everything that is not known
    ``allowed``  keys of retracted sources that may be used all the same
    """

    catalog: Catalog
    worlds: int = 40
    seed: int = 1
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bench:
    """Ears of one species in some worlds, with the entries a case says it rests on.

    ``subjects``  in each world
    ``drawn``     whether numbers are drawn; else every number has its best value, in one ear
    ``pinned``    numbers that have these values, by full name, shape (ears,)
    """

    terms: Terms
    case: Entry[CaseOptions, object]
    subjects: int
    drawn: bool = True
    pinned: Mapping[str, Array] = field(default_factory=dict)

    @property
    def species(self) -> str:
        """Whose ears they are."""
        return self.case.options.species

    @property
    def rests(self) -> tuple[str, ...]:
        """The entries the case says it rests on, as "solutes.tmpa": no other can be used."""
        options = self.case.options
        if not options.given:
            return options.rests
        from otosome.review.qualification.experiment import Experiment

        with at(self.case.card.file):
            needed = Experiment.of(options, self.terms.catalog).rests
        return tuple(dict.fromkeys((f"species.{self.species}", *needed, *options.rests)))

    @property
    def ears(self) -> int:
        """Worlds times subjects."""
        return self.terms.worlds * self.subjects if self.drawn else 1

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """Every number it rests on, by full name, as far as its source still stands behind it."""
        numbers = [p for entry in self.entries for p in entry.parameters(self.species).values()]
        return {p.name: self._stands(p) for p in numbers}

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """Every curve it rests on, by full name, likewise."""
        cards = [entry.card for entry in self.entries]
        curves = [card.curve(key, self.species) for card in cards for key in card.profiles]
        return {c.name: self._stands(c) for c in curves}

    def _stands(self, sourced: Sourced) -> Sourced:
        return standing(sourced, self.terms.catalog, self.case.card.file, self.terms.allowed)

    @property
    def entries(self) -> list[Entry[Options, object]]:
        """The case itself and the entries it rests on."""
        return [self.case, *(self.terms.catalog.get(*name.split(".", 1)) for name in self.rests)]

    @cached_property
    def columns(self) -> dict[str, Array]:
        """A column per number, shape (ears,)."""
        if self.drawn:
            drawn = [p for name, p in self.parameters.items() if name not in self.pinned]
            columns = draw_columns(drawn, self.terms.seed, 0, self.ears, self.subjects)
        else:
            columns = {name: np.array([p.value]) for name, p in self.parameters.items()}
        return {**columns, **self.pinned}

    @property
    def typical(self) -> Bench:
        """One ear of each world, whose numbers are the world's own before anything differs between subjects."""
        if not self.drawn:
            return self
        worlds = np.arange(self.terms.worlds)
        middle = {
            name: p.at(self.terms.seed, worlds)
            for name, p in self.parameters.items()
            if name not in self.pinned
        }
        first = {name: values[:: self.subjects] for name, values in self.pinned.items()}
        return replace(self, subjects=1, pinned=middle | first)

    def entry(self, shelf: str, name: str) -> Entry[Options, Any]:
        """An entry it rests on; raises BadInput for any other."""
        if f"{shelf}.{name}" not in self.rests:
            raise BadInput(
                "is not among what the case rests on",
                file=self.case.card.file,
                key="rests",
                given=f"{shelf}.{name}",
                allowed=list(self.rests),
            )
        return self.terms.catalog.get(shelf, name)

    def numbers(self, shelf: str, name: str) -> dict[str, Array]:
        """An entry's columns by key, each of shape (ears,)."""
        return self.entry(shelf, name).columns(self.columns, self.species)

    def bind(self, shelf: str, name: str, **options: object) -> Any:
        """An entry's formula with its columns."""
        return self.entry(shelf, name).bind(self.columns, self.species, **options)

    @cached_property
    def anatomy(self) -> transport.Anatomy:
        """The ears' fluids and tissues."""
        card = self.entry("species", self.species).card
        profiles = {name: card.profile(name, self.species) for name in card.profiles}
        tracer = self.numbers("solutes", "tmpa")["diffusion"]
        return transport.Anatomy.build(
            self.numbers("species", self.species), profiles, transport.Grid(), tracer
        )

    def replicate(self, rows: list[Case] | None = None) -> Mapping[str, Array]:
        """What the case finds here, by row: of each ear, or the exact values.

        ``rows``  those asked for, all of them by default
        """
        if self.case.formula is None:
            from otosome.review.qualification.experiment import Experiment

            with at(self.case.card.file):
                experiment = Experiment.of(self.case.options, self.terms.catalog)
                return experiment.statistics(self, cases(self.case) if rows is None else rows)
        formula = self.case.bind(self.columns, self.species)
        if not isinstance(formula, CaseFormula):
            raise BadInput("its formula has no replicate(bench)", file=self.case.card.file)
        return formula.replicate(self)


def summarise(values: Array, bench: Bench, n: int, summary: str) -> Array:
    """The statistic of each world over its first ``n`` subjects, shape (world,)."""
    by_world = values.reshape(bench.terms.worlds, bench.subjects)[:, :n]
    return np.asarray(np.median(by_world, axis=1) if summary == "median" else by_world.mean(axis=1))
