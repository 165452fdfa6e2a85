"""Electrodes of two lengths, and what low-frequency hearing is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from otosome.hearing import shift, together
from otosome.injury import KINDS, harm, survive
from otosome.roles import Ear, Exposure, Use
from otosome.transport import Grid, schedule
from otosome.units import Array, Decibels, DecibelsHL, Hours, Millimetres, Plain

# kHz; what the low frequencies are in adults, and in the children.
_LOW, _CHILDREN = (0.125, 0.25, 0.5), (0.25, 0.5, 1.0)
# Ears that go through together, so that their histories fit in memory.
_AT_ONCE = 200
# dB: within how much of their old hearing the children were counted.
_COUNTED = {"ear:E10.children_10": 10.0, "ear:E10.children_40": 40.0}


@dataclass(frozen=True)
class EarE10:
    """Hearing before, the shift after an electrode of some depth, and whether what is left still serves."""

    before: DecibelsHL
    serves: DecibelsHL
    limit: Decibels
    short: Millimetres
    long: Millimetres
    full: Millimetres
    activation: Hours
    later: Hours

    def replicate(self, bench: Any) -> dict[str, Array]:
        """Whether each person's hearing still serves (0 or 1), and shifts, dB."""
        times = [float(self.activation.ravel()[0]), float(self.later.ravel()[0])]
        soon, later = self.shifts(bench, self.short, times, _LOW)
        (long,) = self.shifts(bench, self.long, times[:1], _LOW)
        (full,) = self.shifts(bench, self.full, times[:1], _CHILDREN)
        counted = {row: (full <= most).astype(float) for row, most in _COUNTED.items()}
        return counted | {
            "ear:E10": self.kept(later),
            "ear:E10.s12": self.kept(later),
            "ear:E10.activation": self.kept(soon),
            "ear:E10.long": long,
            "ear:E10.children": full,
        }

    def kept(self, lost: Decibels) -> Plain:
        """1 where hearing before and a shift together still serve, else 0, shape (ears,)."""
        left = together(self.limit.ravel(), self.before.ravel(), lost)
        return (left <= self.serves.ravel()).astype(float)

    def shifts(
        self, bench: Any, depth: Millimetres, times: list[float], frequency: tuple[float, ...]
    ) -> list[Decibels]:
        """Mean shift over some frequencies at each time, an array (ears,) for each."""
        rows = [slice(first, first + _AT_ONCE) for first in range(0, bench.ears, _AT_ONCE)]
        deep = float(depth.ravel()[0])
        parts = [_shifts(bench, part, deep, times, np.array(frequency)) for part in rows]
        return list(np.concatenate(parts).T)


def _shifts(bench: Any, rows: slice, deep: float, times: list[float], frequency: Array) -> Decibels:
    columns = {name: column[rows] for name, column in bench.columns.items()}

    def numbers(shelf: str, name: str) -> dict[str, Array]:
        found: dict[str, Array] = bench.entry(shelf, name).columns(columns, bench.species)
        return found

    place, human = Grid().place, numbers("species", "human")
    heard = bench.entry("maps", "human_greenwood_1990").bind(columns, bench.species).frequency(place)[0, 0]
    ear = Ear(bench.species, place, heard, human["scala_tympani_length"], human)
    knots = schedule([0.0, *times], times[-1], first=2e-3, growth=1.4, longest=400.0)
    insult = bench.entry("insults", "implantation").bind(columns, bench.species)
    suffered = harm(ear, knots, [(insult, Exposure(knots, {}, Use((0.0,), (0.0,), depth=deep)))])
    rates = {kind: numbers("cells", kind) for kind in (*KINDS, "stria")}
    cells = survive(knots, rates, suffered, human["stress_clearance"], strial=False)
    at = np.searchsorted(knots, times, side="right") - 1
    whole: Array = shift(ear, cells, frequency)[:, at].mean(axis=2)
    return whole
