"""What differs between animals and between ears, integrated: nodes, interpolated, and summed over a fine grid.

Nobody simulates an animal of a fit. All are read from the same lanes, one for each node of susceptibility, and the
log-likelihood of each animal between the nodes is a cubic spline through them, integrated over 8 standard deviations
in steps of a tenth. So the nodes need only be as dense as the log-likelihood is curved, not as its peak is narrow; that
they are dense enough is measured by twice as many (``fit``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import logsumexp

from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.study import Study
from otosome.units import Array

_WIDEST, _STEP = 4.0, 0.1


@dataclass(frozen=True)
class Level:
    """One standard normal deviate for each animal, or each ear, that some numbers share.

    ``numbers``  that it moves, each by its own spread between subjects;  ``nodes``  at least 4, or 1 for no spread
    """

    numbers: tuple[Parameter, ...]
    nodes: int

    @cached_property
    def deviates(self) -> Array:
        """The deviate of each node, shape (node,)."""
        return np.linspace(-_WIDEST, _WIDEST, self.nodes) if self.numbers else np.zeros(1)

    def columns(self, columns: Mapping[str, Array], deviate: Array) -> dict[str, Array]:
        """The level's numbers at a deviate (lane,) around columns (lane,) or (1,)."""
        moved = {}
        for p in self.numbers:
            apart = p.subjects * deviate
            moved[p.name] = columns[p.name] + apart if p.additive else columns[p.name] * np.exp(apart)
        return moved

    def integrated(self, logs: Array) -> Array:
        """Log-likelihoods with the deviate integrated out: from shape (lane, node, unit) to (lane, unit)."""
        if logs.shape[1] == 1:
            return logs[:, 0]
        return np.asarray(logsumexp(self._spline @ logs + self._weights[:, None], axis=1))

    def mean(self, values: Array) -> Array:
        """The mean over the level of values that are smooth along it: from (lane, node, ...) to (lane, ...)."""
        if values.shape[1] == 1:
            return values[:, 0]
        weights = np.exp(self._weights) @ self._spline
        return np.asarray(np.tensordot(values, weights, axes=(1, 0)))

    @cached_property
    def _grid(self) -> Array:
        return np.linspace(-_WIDEST, _WIDEST, round(2 * _WIDEST / _STEP) + 1)

    @cached_property
    def _spline(self) -> Array:
        """Values on the grid, of shape (grid, node), of splines that are 1 at one node: it is linear in the nodes."""
        return np.asarray(CubicSpline(self.deviates, np.eye(self.nodes))(self._grid))

    @cached_property
    def _weights(self) -> Array:
        """Log of the share of a standard normal at each point of the grid."""
        density = -0.5 * self._grid**2
        return np.asarray(density - logsumexp(density))


def animal_level(study: Study, names: Sequence[str] | None, nodes: int) -> Level:
    """Susceptibility: the named numbers, or every frailty of the shelf of cells, that all move together.

    raises  BadInput for a name that is no number of the study, or does not differ between subjects
    """
    numbers = study.parameters
    if names is None:
        names = [n for n, p in numbers.items() if n.startswith("cells.") and p.subjects > 0]
    return Level(tuple(_differing(numbers, name) for name in names), nodes)


def _differing(numbers: Mapping[str, Parameter], name: str) -> Parameter:
    differ = sorted(n for n, p in numbers.items() if p.subjects > 0 and not n.startswith("endpoints."))
    if name not in differ:
        raise BadInput("does not differ between subjects", key="animal", given=name, allowed=differ)
    return numbers[name]


def ear_level(study: Study, measure: str, nodes: int) -> Level:
    """What of a measure's endpoint is each ear's own, such as the offset of its healthy threshold."""
    stem = f"endpoints.{study.tables.measure[measure].endpoint}."
    own = tuple(p for n, p in study.parameters.items() if n.startswith(stem) and p.subjects > 0)
    return Level(own, nodes)
