"""Rows of cases simulated over draws of all that is not known, as they are qualified, with some numbers set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtr

from otosome.catalog import Catalog, Entry
from otosome.evidence import Parameter
from otosome.review.calibration.figure import Figure
from otosome.review.qualification.bench import Bench, Terms
from otosome.roles import CaseOptions
from otosome.units import Array


@dataclass(frozen=True)
class Simulated:
    """Cases with the figures of theirs that numbers are fitted to.

    ``free``   numbers that are set, by full name;  all others are drawn as their shelves have them
    ``draws``  of all that is not known, an even number, each with its typical ear, by ``seed``
    """

    catalog: Catalog
    cases: tuple[tuple[Entry[CaseOptions, object], tuple[Figure, ...]], ...]
    free: tuple[str, ...]
    draws: int
    seed: int

    @property
    def figures(self) -> list[Figure]:
        """All figures, in the order of ``misses``."""
        return [figure for _, figures in self.cases for figure in figures]

    @cached_property
    def numbers(self) -> dict[str, Parameter]:
        """Every number that a case rests on, by full name."""
        return {name: p for entry, _ in self.cases for name, p in self._bench(entry, {}).parameters.items()}

    @cached_property
    def owners(self) -> list[str]:
        """Every number but the free ones whose own deviate has a share in what is drawn, by full name."""
        others = [p for name, p in self.numbers.items() if p.shape != "fixed" and name not in self.free]
        named = [p.name for p in others] + [name for p in others for name, _ in p.linked]
        return [name for name in dict.fromkeys(named) if name not in self.free]

    @cached_property
    def beside(self) -> Array:
        """Their own deviates, (owner, draw)."""
        return balanced(len(self.owners), self.draws, self.seed)

    def values(self, numbers: Mapping[str, Array]) -> dict[str, Array]:
        """What each row reads in each draw, house units, (draw,) by the row's id.

        ``numbers``  values of the free ones in each draw, (draw,)
        """
        pinned = {**self._typical, **numbers}
        return {
            row: values
            for entry, figures in self.cases
            for row, values in self._bench(entry, pinned).replicate([f.case for f in figures]).items()
        }

    def misses(self, numbers: Mapping[str, Array]) -> Array:
        """How far each draw is from each figure, in its errors, shape (draw, figure)."""
        by_row = self.values(numbers)
        return np.stack([figure.misses(by_row[figure.case.id]) for figure in self.figures], axis=1)

    @cached_property
    def _typical(self) -> dict[str, Array]:
        """What is not known of all other numbers, (draw,): each ear is the typical one of its world.

        A number that is linked to a free one hangs here on its other shares alone.
        """
        own, none = dict(zip(self.owners, self.beside, strict=True)), np.zeros(self.draws)
        return {
            name: p.quantile(ndtr(p.mix(lambda other: own.get(other, none))))
            for name, p in self.numbers.items()
            if name not in self.free
        }

    def _bench(self, entry: Entry[CaseOptions, object], pinned: Mapping[str, Array]) -> Bench:
        return Bench(Terms(self.catalog, self.draws, self.seed), entry, 1, pinned=pinned)


def balanced(numbers: int, draws: int, seed: int) -> Array:
    """Standard normal deviates (number, draw) in pairs of opposite sign, of variance one and without correlation.

    So a regression on them errs by what bends oddly alone, and no slope takes part of another.
    """
    half = np.random.default_rng(seed).standard_normal((draws // 2, numbers))
    strength, turned = np.linalg.eigh(half.T @ half / len(half))
    half = half @ (turned / np.sqrt(strength)) @ turned.T
    return np.concatenate([half, -half]).T
