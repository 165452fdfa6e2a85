"""Electrodes of two lengths, and what low-frequency hearing is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.model.hearing import (
    apart,
    arriving,
    shift,
    together,
)
from otosome.model.injury import KINDS, injury, survive
from otosome.model.transport import Grid, schedule
from otosome.roles import Ear, Exposure, Use
from otosome.units import (
    Array,
    Decibels,
    DecibelsHL,
    Fraction,
    Hours,
    Millimetres,
)

if TYPE_CHECKING:
    from otosome.review.qualification.bench import Bench

# kHz; what the low frequencies are in adults, and in the children.
_LOW, _CHILDREN = (0.125, 0.25, 0.5), (0.25, 0.5, 1.0)
# Ears that go through together, so that their histories fit in memory.
_AT_ONCE = 200
# dB: within how much of their old hearing the children were counted.
_COUNTED = {"ear:E10.children_10": 10.0, "ear:E10.children_40": 40.0}


@dataclass(frozen=True)
class EarE10:
    """Hearing levels before and after an electrode of some depth, by the cells they come with and are left with.

    ``before``  hearing level, alike at all frequencies: only the low ones are read
    ``serves``  hearing level up to which what is left serves
    """

    before: DecibelsHL
    outer_share: Fraction
    serves: DecibelsHL
    limit: Decibels
    short: Millimetres
    long: Millimetres
    full: Millimetres
    activation: Hours
    later: Hours

    def replicate(self, bench: Bench) -> dict[str, Array]:
        """Whether each person's hearing still serves (0 or 1), and how far it fell, dB."""
        before, serves = self.before.ravel(), self.serves.ravel()
        times = [float(self.activation.ravel()[0]), float(self.later.ravel()[0])]
        soon, later = self.levels(bench, self.short, times, _LOW)
        (long,) = self.levels(bench, self.long, times[:1], _LOW)
        (full,) = self.levels(bench, self.full, times[:1], _CHILDREN)
        fell = full - before
        counted = {row: (fell <= most).astype(float) for row, most in _COUNTED.items()}
        return counted | {
            "ear:E10": (later <= serves).astype(float),
            "ear:E10.s12": (later <= serves).astype(float),
            "ear:E10.activation": (soon <= serves).astype(float),
            "ear:E10.long": long - before,
            "ear:E10.children": fell,
        }

    def levels(
        self, bench: Bench, depth: Millimetres, times: list[float], frequency: tuple[float, ...]
    ) -> list[DecibelsHL]:
        """Mean hearing level over some frequencies at each time, an array (ears,) for each."""
        parts = [
            self._levels(bench, slice(n, n + _AT_ONCE), float(depth.ravel()[0]), times, np.array(frequency))
            for n in range(0, bench.ears, _AT_ONCE)
        ]
        return list(np.concatenate(parts).T)

    def _levels(
        self, bench: Bench, rows: slice, deep: float, times: list[float], frequency: Array
    ) -> DecibelsHL:
        columns = {name: column[rows] for name, column in bench.columns.items()}

        def numbers(shelf: str, name: str) -> dict[str, Array]:
            numbers: dict[str, Array] = bench.entry(shelf, name).columns(columns, bench.species)
            return numbers

        place, human = Grid().place, numbers("species", "human")
        heard = bench.entry("maps", "human_greenwood_1990").bind(columns, bench.species).frequency(place)
        ear = Ear(bench.species, place, heard[0, 0], human["scala_tympani_length"], human)
        knots = schedule([0.0, *times], times[-1], first=2e-3, growth=1.4, longest=400.0)
        insult = bench.entry("insults", "implantation").bind(columns, bench.species)
        suffered = injury(ear, knots, [(insult, Exposure(knots, {}, Use((0.0,), (0.0,), depth=deep)))])
        rates = {kind: numbers("cells", kind) for kind in (*KINDS, "stria")}
        before, limit = self.before[rows], self.limit[rows]
        came = arriving(before + np.zeros((1, 1, place.size)), self.outer_share[rows], rates)
        cells = survive(knots, rates, suffered, human["stress_clearance"], strial=False, arrived=came)
        shifts = shift(ear, cells, frequency)
        # As an audiogram has it: what the cells at the first knot, before the operation, do not explain stays.
        rest = apart(limit, before, shifts[:, :1])
        level: Array = together(limit, rest, shifts[:, np.searchsorted(knots, times, side="right") - 1])
        return level.mean(axis=2)
