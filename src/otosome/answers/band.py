"""Medians and intervals of ears that share lots and worlds: between ears, between lots, between worlds.

A world is one draw of everything that is not known. Whatever is drawn or printed of many ears is a ``Band``, so a
line lies inside its own band by construction: the typical ear is the median over worlds of each world's median,
and the ends of every interval are medians, or quantiles, over the same worlds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.ears import Rows
from otosome.errors import BadInput
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr

_ENDS = (0.05, 0.95)
Range = tuple[Array, Array]


@dataclass(frozen=True)
class Groups:
    """The world and the lot of each ear, shape (ear,): any labels, a lot's is its own within its world."""

    world: Rows
    lot: Rows

    @classmethod
    def of(cls, result: xr.Dataset) -> Groups:
        """The groups of a result's ears; raises BadInput where weights differ, ValueError without groups."""
        missing = [name for name in ("world", "lot") if name not in result.coords]
        if missing:
            raise ValueError(f"this result does not state the {' and '.join(missing)} of each ear")
        weight = result["weight"].to_numpy() if "weight" in result.coords else np.ones(1)
        if np.any(weight != weight[0]):
            raise BadInput(
                "differs between ears, and an interval counts each ear once",
                key="weight",
                given=f"{weight.min():g} to {weight.max():g}",
                cure="draw ears again in proportion to their weights",
            )
        return cls(result["world"].to_numpy(), result["lot"].to_numpy())

    @property
    def worlds(self) -> int:
        """How many worlds there are."""
        return int(np.unique(self.world).size)

    def each_world(self) -> Iterator[tuple[NDArray[np.intp], Rows]]:
        """The rows of each world, and the lots of these rows counted from 0."""
        for world in np.unique(self.world):
            rows = np.flatnonzero(self.world == world)
            yield rows, np.unique(self.lot[rows], return_inverse=True)[1]


@dataclass(frozen=True)
class Band:
    """The typical ear and three intervals that hold it, each of shape (column,) in the unit of the values.

    ``typical``  median over worlds of the median ear of each
    ``ears``     5 to 95 % of the ears of a typical lot
    ``lots``     5 to 95 % of the lots of a typical world
    ``worlds``   5 to 95 % of worlds, each by its median ear: what is not known
    """

    typical: Array
    ears: Range
    lots: Range
    worlds: Range

    def powers(self) -> Band:
        """The band of ten to the power of the values: of what was taken as decimal logarithms."""
        ranges = [(10.0**low, 10.0**high) for low, high in (self.ears, self.lots, self.worlds)]
        return Band(10.0**self.typical, *ranges)


def band(values: Array, groups: Groups) -> Band:
    """The band of some values.

    ``values``  (ear, column) or (ear,), finite
    """
    medians, ears, lots = [], [], []
    for inside, lot in _worlds_alike(values, groups):
        of_lot = np.stack([np.median(inside[:, rows], axis=1) for rows in _lots(lot)], axis=1)
        middle = np.median(inside, axis=1)
        medians.append(middle)
        ears.append(np.quantile(inside - of_lot[:, lot], _ENDS, axis=1))
        lots.append(np.quantile(of_lot - np.median(of_lot, axis=1, keepdims=True), _ENDS, axis=1))
    typical = np.asarray(np.median(np.concatenate(medians), axis=0))
    return Band(
        typical,
        _around(typical, np.concatenate(ears, axis=1)),
        _around(typical, np.concatenate(lots, axis=1)),
        _ends(np.concatenate(medians)),
    )


def _lots(lot: Rows) -> list[NDArray[np.intp]]:
    """The rows of each lot, counted from 0."""
    return [np.flatnonzero(lot == number) for number in range(int(lot.max()) + 1)]


def _worlds_alike(values: Array, groups: Groups) -> Iterator[tuple[Array, Rows]]:
    """Values of worlds that have lots alike, (world, ear, ...), with the lot of each ear: all at once where all do."""
    alike: dict[bytes, tuple[Rows, list[NDArray[np.intp]]]] = {}
    for rows, lot in groups.each_world():
        alike.setdefault(lot.tobytes(), (lot, []))[1].append(rows)
    for lot, worlds in alike.values():
        yield values[np.stack(worlds)], lot


def _around(typical: Array, ends: Array) -> Range:
    """The interval of the typical world, laid around the typical ear; ``ends``  low and high of each world."""
    low, high = np.median(ends, axis=1)
    return typical + low, typical + high


def _ends(values: Array) -> Range:
    low, high = np.quantile(values, _ENDS, axis=0)
    return low, high


def world_means(values: Array, world: Rows) -> Array:
    """Mean of the ears of each world, shape (row, world), of values of shape (row, ear).

    ``world``  of each ear, shape (ear,)
    """
    _, place = np.unique(world, return_inverse=True)
    return np.stack([np.bincount(place, row) for row in values]) / np.bincount(place)


@dataclass(frozen=True)
class Resampled:
    """How far other worlds would move a median and its interval: 5 and 95 % of each over redrawn worlds."""

    low: tuple[float, float]
    median: tuple[float, float]
    high: tuple[float, float]


def resampled(values: Array, groups: Groups, times: int = 2000) -> Resampled | None:
    """How far other worlds would move what is shown of values (ear,); None for one world, which cannot tell."""
    worlds = [values[rows] for rows, _ in groups.each_world()]
    if len(worlds) < 2:
        return None
    chosen = np.random.default_rng(0).integers(len(worlds), size=(times, len(worlds)))
    alike = len({world.size for world in worlds}) == 1
    # Worlds of one size are drawn many at a time.
    some = (np.stack(worlds)[rows].reshape(len(rows), -1) for rows in np.array_split(chosen, -(-times // 50)))
    each = (np.concatenate([worlds[w] for w in row])[None] for row in chosen)
    drawn = np.concatenate([np.quantile(v, [0.05, 0.5, 0.95], axis=1).T for v in (some if alike else each)])
    low, median, high = ((float(a), float(b)) for a, b in np.quantile(drawn, _ENDS, axis=0).T)
    return Resampled(low, median, high)
