"""Rows of cases simulated for values of all that is not known, as they are qualified: each with its typical ear."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.forward import Carried
from otosome.review.calibration.figure import Figure
from otosome.review.qualification.bench import Bench, Terms
from otosome.review.qualification.case import Z95
from otosome.review.qualification.rerun import Typical
from otosome.roles import CaseOptions
from otosome.units import Array

# Errors of a figure below which a number does not move it.
_MOVES = 0.05


@dataclass(frozen=True)
class Simulated:
    """Cases with the figures of theirs that numbers are fitted to.

    ``free``     numbers that are set, by full name;  all others are made of own deviates as their shelves have them,
                 one of each name, whatever a species or a strain makes of it
    ``carried``  transport that was solved: numbers of an insult alone do not change it
    """

    catalog: Catalog
    cases: tuple[tuple[Entry[CaseOptions, object], tuple[Figure, ...]], ...]
    free: tuple[str, ...]
    carried: Carried = field(default_factory=Carried, compare=False, repr=False)

    @property
    def figures(self) -> list[Figure]:
        """All figures, in the order of ``misses``."""
        return [figure for _, figures in self.cases for figure in figures]

    @cached_property
    def numbers(self) -> dict[str, Parameter]:
        """Every number that a case rests on, by full name; where cases have it otherwise, as the last of them."""
        return {name: p for own in self.by_case.values() for name, p in own.items()}

    @cached_property
    def by_case(self) -> dict[str, Mapping[str, Parameter]]:
        """Every number that each case rests on, by full name, by the case's."""
        return {entry.card.stem: self._numbers_of(entry) for entry, _ in self.cases}

    def _numbers_of(self, entry: Entry[CaseOptions, object]) -> Mapping[str, Parameter]:
        if _is_typical(entry):
            return self._typical[entry.card.stem].study.parameters
        return Bench(Terms(self.catalog, 1), entry, 1).parameters

    @cached_property
    def owners(self) -> list[str]:
        """Every number but the free ones whose own deviate has a share in what is drawn, by full name."""
        every = [p for own in self.by_case.values() for p in own.values()]
        others = [p for p in every if p.shape != "fixed" and p.name not in self.free]
        named = [p.name for p in others] + [name for p in others for name, _ in p.linked]
        return [name for name in dict.fromkeys(named) if name not in self.free]

    def values(self, numbers: Mapping[str, Array], own: Array | None) -> dict[str, Array]:
        """What each row reads in each lane, house units, (lane,) by the row's id.

        ``numbers``  values of the free ones, (lane,)
        ``own``      deviates of the owners, (owner, lane); None where all else has its best value
        """
        lanes, values = next(iter(numbers.values())).size, dict[str, Array]()
        for entry, figures in self.cases:
            known = self.by_case[entry.card.stem]
            mine = {name: column for name, column in numbers.items() if name in known}
            values |= self._rows(entry, figures, self._others(known, own, lanes) | mine, lanes)
        return values

    def _others(self, known: Mapping[str, Parameter], own: Array | None, lanes: int) -> dict[str, Array]:
        """Values (lane,) of all numbers of a case but the free ones.

        A number that is linked to a free one hangs here on its other shares alone.
        """
        others = {name: p for name, p in known.items() if name not in self.free}
        if own is None:
            return {name: np.full(lanes, p.value) for name, p in others.items()}
        by_owner, none = dict(zip(self.owners, own, strict=True)), np.zeros(lanes)
        return {
            name: p.quantile(ndtr(p.mix(lambda other: by_owner.get(other, none))))
            for name, p in others.items()
        }

    def misses(self, numbers: Mapping[str, Array], own: Array | None) -> Array:
        """How far each lane is from each figure, in its errors, shape (lane, figure)."""
        by_row = self.values(numbers, own)
        return np.stack([figure.misses(by_row[figure.case.id]) for figure in self.figures], axis=1)

    @property
    def ends(self) -> tuple[Array, Array]:
        """What is printed of each figure, low and high, in its errors, (figure,) each."""
        low, high = zip(
            *((figure.low / figure.error, figure.high / figure.error) for figure in self.figures), strict=True
        )
        return np.array(low), np.array(high)

    def scaled(self, numbers: Mapping[str, Array], own: Array) -> Array:
        """Each figure in each lane, in its errors, shape (lane, figure)."""
        by_row = self.values(numbers, own)
        return np.stack([figure.scaled(by_row[figure.case.id]) for figure in self.figures], axis=1)

    def moving(self, numbers: Mapping[str, float]) -> list[int]:
        """Owners whose own deviates move some figure by a little of its error, by number, from 5 to 95 %.

        ``numbers``  values of the free ones
        """
        many = len(self.owners)
        own = Z95 * np.concatenate([np.zeros((many, 1)), np.eye(many), -np.eye(many)], axis=1)
        scaled = self.scaled({name: np.full(own.shape[1], value) for name, value in numbers.items()}, own)
        apart = np.abs(scaled[1:] - scaled[:1]).max(axis=1).reshape(2, many).max(axis=0)
        return [int(k) for k in np.flatnonzero(apart > _MOVES)]

    def _rows(
        self,
        entry: Entry[CaseOptions, object],
        figures: tuple[Figure, ...],
        numbers: Mapping[str, Array],
        lanes: int,
    ) -> Mapping[str, Array]:
        if _is_typical(entry):
            return self._typical[entry.card.stem].values(numbers, self.carried)
        rows = [figure.case for figure in figures]
        by_row = Bench(Terms(self.catalog, lanes), entry, 1, pinned=numbers).replicate(rows)
        if unknown := [case.id for case in rows if case.id not in by_row]:
            raise BadInput(
                "is not computed by the formula of its case",
                file=entry.card.file,
                key="cases",
                given=unknown,
                allowed=sorted(by_row),
            )
        return by_row

    @cached_property
    def _typical(self) -> dict[str, Typical]:
        """The typical ear of each case that is a study: checking and planning one takes as long as many lanes."""
        terms = Terms(self.catalog, 1)
        return {
            entry.card.stem: Typical.of(entry, [figure.case for figure in figures], terms)
            for entry, figures in self.cases
            if _is_typical(entry)
        }


def _is_typical(entry: Entry[CaseOptions, object]) -> bool:
    """Whether rows are simulated with the typical ear of a study: its case has no formula."""
    return bool(entry.options.study) and entry.formula is None


def balanced(numbers: int, draws: int, seed: int) -> Array:
    """Standard normal deviates (number, draw) in pairs of opposite sign, of variance one and without correlation.

    So a regression on them errs by what bends oddly alone, and no slope takes part of another.

    ``draws``  an even number, twice as many as numbers and more
    """
    half = np.random.default_rng(seed).standard_normal((draws // 2, numbers))
    strength, turned = np.linalg.eigh(half.T @ half / len(half))
    half = half @ (turned / np.sqrt(strength)) @ turned.T
    return np.concatenate([half, -half]).T
