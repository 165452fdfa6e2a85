"""Which regimen to choose, and whether what is known supports a choice: by world, under each prior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otosome.units import Array

# A choice is supported where the regimen is near the best this surely, and giving nothing this surely is not.
SURE = 0.8


@dataclass(frozen=True)
class Table:
    """Regimens computed, each with every ear: ``benefit`` and ``cost``, (regimen, ear), and its ``world``, (ear,).

    ``cost``  of adverse events, in the unit of the benefit
    """

    benefit: Array
    cost: Array
    world: NDArray[np.int64]

    def by_world(self, values: Array) -> Array:
        """Means over the ears of each world, (regimen, world)."""
        return np.stack(
            [values[:, self.world == world].mean(axis=1) for world in np.unique(self.world)], axis=1
        )


@dataclass(frozen=True)
class Choice:
    """What is chosen under a prior.

    ``best``    the regimen with the largest mean;  ``near``  chance of each to be near the best, (regimen,)
    ``nothing`` the same of giving none;  ``net``  mean of each, benefit less cost, (regimen,)
    """

    best: int
    near: Array
    nothing: float
    net: Array

    @property
    def supported(self) -> bool:
        """Whether what is known supports a choice."""
        return bool(self.near[self.best] >= SURE and self.nothing <= 1 - SURE)


def chosen(table: Table, near: float) -> Choice:
    """The choice where treatment does what the study says."""
    return _of(table.by_world(table.benefit - table.cost), near)


def believed(table: Table, benefits: Array, near: float) -> Choice:
    """The choice where the best regimen has, on average, one of these equally likely benefits, (belief,).

    How benefit follows the regimen, and how it differs between worlds, stays as the study has it; its size is believed.
    """
    benefit, cost = table.by_world(table.benefit), table.by_world(table.cost)
    largest = float(benefit.mean(axis=1).max())
    scale = benefits / largest if largest > 0 else np.zeros_like(benefits)
    net = benefit[:, :, None] * scale - cost[:, :, None]
    return _of(net.reshape(len(net), -1), near)


def _of(net: Array, near: float) -> Choice:
    """``net``  of each regimen in every state of the world, (regimen, state)"""
    top = np.maximum(net.max(axis=0), 0.0)
    mean = net.mean(axis=1)
    return Choice(int(mean.argmax()), (net >= top - near).mean(axis=1), float((top <= near).mean()), mean)


def front(gain: Array, *prices: Array) -> NDArray[np.intp]:
    """Regimens of which no other has as much gain at no higher price, by falling gain, each array (regimen,)."""
    losses = np.column_stack([-gain, *prices])
    bettered = [((losses <= own).all(axis=1) & (losses < own).any(axis=1)).any() for own in losses]
    rows = np.flatnonzero(~np.array(bettered))
    return rows[np.argsort(losses[rows, 0], kind="stable")]
