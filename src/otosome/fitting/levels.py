"""What differs between animals, between runs and between ears, integrated: nodes, interpolated, and summed finely.

Nobody simulates an animal of a fit. All are read from the same lanes, one for each node of what differs between
animals, closer together where most animals are. Between nodes true values are cubic splines within what is known; at
nodes denser than these likelihoods are those of the endpoints, and between them cubics of their logarithm, held to what
both neighbours bend by. So next to a node that is impossible no animal is much more probable than at some node; a
spline of logarithms was, and a search went there. Twice as many nodes say whether they are dense enough.

Many numbers differ between animals, each by itself; what is read of an animal moves along few directions of them. The
standard normal deviates of all numbers, turned to any right-angled axes, are standard normal again: so the axes along
which readings move most are integrated, and how much of the variance these hold is stated (``Level.share``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.stats import norm

from otosome.errors import BadInput
from otosome.evidence import RUNS, SUBJECTS, Parameter
from otosome.study import Study
from otosome.units import Array

_WIDEST = 4.0
# Nodes along the first axis of what differs between animals, and the second; of ears along each.
ANIMAL_NODES, EAR_NODES = (11, 7), 5
# How much closer nodes of animals are in the middle than at the ends: the middle's distance is a / sinh a of even ones.
_GATHERED = 1.25
# Nodes at which likelihoods are computed, for each simulated one.
_FINER = (3, 2)
# A log-likelihood between two nodes bends as at the less bent one times this at most, and by so much at most.
_UNLIKE, _MOST_BENT = 3.0, 8.0
# Steps of the sums over what an animal may be along its first axis, over all else of it, and over what is an ear's own.
_STEP, _COARSE, _OWN = 0.05, 0.2, 0.4
# Axes that hold this much of the variance are enough.
_ENOUGH = 0.99
# A run's own deviate.
_RUN = np.linspace(-_WIDEST, _WIDEST, 41)


@dataclass(frozen=True, eq=False)
class Level:
    """Standard normal deviates of each animal, or each ear, one along each axis.

    ``numbers``  that they move, each by its own spread between runs and subjects
    ``axes``     what each number's deviate has of that of each axis, shape (number, axis), columns at right angles
    ``nodes``    along each axis, at least 4
    ``share``    of the variance of readings between animals that the axes hold
    ``step``     of the sum along the first axis
    ``smooth``   whether log-likelihoods between nodes are cubic splines, and not cubics that are held
    ``gathered``  how much closer nodes are in the middle; 0 for even ones
    """

    numbers: tuple[Parameter, ...] = ()
    axes: Array = field(default_factory=lambda: np.zeros((0, 0)))
    nodes: tuple[int, ...] = ()
    share: float = 1.0
    step: float = _COARSE
    smooth: bool = True
    gathered: float = 0.0

    @property
    def size(self) -> int:
        """How many nodes there are of all axes; one where nothing differs."""
        return int(np.prod(self.nodes))

    @cached_property
    def deviates(self) -> Array:
        """The deviates of each node, shape (node, axis); neighbours differ along the last axis."""
        if not self.nodes:
            return np.zeros((1, 0))
        each = np.meshgrid(*(_places(many, self.gathered) for many in self.nodes), indexing="ij")
        return np.stack([axis.ravel() for axis in each], axis=1)

    def denser(self) -> Level:
        """The same with a node more between any two."""
        return replace(self, nodes=tuple(2 * many - 1 for many in self.nodes))

    def coarser(self) -> Level:
        """The same with about three quarters of the nodes along each axis, from the fewest that splines can have."""
        return replace(self, nodes=tuple(max((3 * many + 1) // 4, 4) for many in self.nodes))

    def fine(self) -> Level:
        """The level at whose nodes likelihoods are computed: even ones, with cubics between them that are held."""
        nodes = tuple(times * (many - 1) + 1 for many, times in zip(self.nodes, _FINER, strict=False))
        return replace(self, nodes=nodes, smooth=False, gathered=0.0)

    def between(self, values: Array) -> Array:
        """Values at the nodes of ``fine``, by splines kept within those known: (lane, node, ...) to the same."""
        each = [
            _through(many, self.gathered, _places(fine))
            for many, fine in zip(self.nodes, self.fine().nodes, strict=True)
        ]
        moved = np.moveaxis(np.tensordot(values, _kronecker(each), axes=(1, 1)), -1, 1)
        return np.clip(moved, values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True))

    def columns(self, columns: Mapping[str, Array], deviates: Array) -> dict[str, Array]:
        """The level's numbers at deviates (lane, axis) around columns (lane,) or (1,)."""
        moved = {}
        for p, axes in zip(self.numbers, self.axes, strict=True):
            apart = np.hypot(*_spreads(columns, p)) * (deviates @ axes)
            moved[p.name] = columns[p.name] + apart if p.additive else columns[p.name] * np.exp(apart)
        return moved

    def between_runs(self, columns: Mapping[str, Array]) -> Array:
        """Of the variance along the first axis the share that lies between runs, 0 to 1, shape (lane,) or (1,)."""
        total = np.zeros(1)
        for p, axes in zip(self.numbers, self.axes, strict=True):
            runs, subjects = _spreads(columns, p)
            total = total + axes[0] ** 2 * runs**2 / (runs**2 + subjects**2)
        return np.asarray(total)

    def integrated(self, logs: Array) -> Array:
        """Log-likelihoods with all deviates integrated out: from shape (lane, node, unit) to (lane, unit)."""
        return _summed(self._along(logs), _line(self.step)[1]) if self.nodes else logs[:, 0]

    def integrated_by_run(self, logs: Array, run: NDArray[np.intp], share: Array) -> Array:
        """Log-likelihoods of units whose runs share a part of the deviate along the first axis.

        ``logs``   of units, shape (lane, node, unit);  ``run``  of each unit, by number, (unit,)
        ``share``  of the variance that is between runs, (lane,) or (1,)
        returns    of each unit, given those of its run that stand before it, shape (lane, unit)
        """
        each, _ = self._of_runs(logs, share)
        density = norm.logpdf(_RUN)
        weights = density - np.log(np.exp(density).sum())
        terms = np.empty((each.shape[0], run.size))
        for number in range(run.max() + 1):
            so_far = _summed(np.cumsum(each[:, :, run == number], axis=2), weights)
            terms[:, run == number] = np.diff(so_far, axis=1, prepend=0.0)
        return terms

    def _of_runs(self, logs: Array, share: Array) -> tuple[Array, Array]:
        """Log-likelihoods of units at each deviate of a run, (lane, run deviate, unit).

        Besides, what share of a run's animals is at each point, (lane, run deviate, point).
        """
        along = self._along(logs)
        points = _line(self.step)[0]
        share = np.broadcast_to(share, len(along))[:, None, None]
        at = (points - np.sqrt(share) * _RUN[:, None]) / np.sqrt(1.0 - share)
        within = np.exp(-0.5 * at**2)
        within /= within.sum(axis=2, keepdims=True)
        top = along.max(axis=1, keepdims=True)
        return np.log(within @ np.exp(along - top) + 1e-300) + top, within

    def by_mates(self, logs: Array, run: NDArray[np.intp], share: Array) -> Array:
        """Where along the first axis units are, by what the others of their run read, (lane, point, unit).

        ``logs``, ``run``, ``share``  as above
        """
        each, within = self._of_runs(logs, share)
        chance = np.empty((len(logs), within.shape[2], run.size))
        for unit in range(run.size):
            mates = (run == run[unit]) & (np.arange(run.size) != unit)
            weights = norm.logpdf(_RUN) + each[:, :, mates].sum(axis=2)
            weights = np.exp(weights - weights.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            chance[:, :, unit] = np.einsum("lr,lrp->lp", weights, within)
        return chance

    def alike(self, lanes: int, units: int) -> Array:
        """The same where nothing is known of units, (lane, point, unit)."""
        weights = np.exp(_line(self.step)[1]) if self.nodes else np.ones(1)
        return np.broadcast_to(weights[None, :, None], (lanes, weights.size, units))

    def weighed(self, logs: Array, chance: Array) -> Array:
        """Log of the mean over points of the first axis, from (lane, node, unit) to (lane, unit).

        ``chance``  of each point, (lane, point, unit)
        """
        along = self._along(logs) if self.nodes else logs
        top = along.max(axis=1, keepdims=True)
        return np.asarray(np.log(np.sum(chance * np.exp(along - top), axis=1) + 1e-300) + top[:, 0])

    def _along(self, logs: Array) -> Array:
        """Log-likelihoods (lane, node, unit) along the first axis, the others integrated out: (lane, point, unit)."""
        lanes, _, units = logs.shape
        for many in reversed(self.nodes[1:]):
            fine = self._between(logs.reshape(-1, many, units), _COARSE)
            logs = _summed(fine, _line(_COARSE)[1])
        return self._between(logs.reshape(lanes, -1, units), self.step)

    def _between(self, logs: Array, step: float) -> Array:
        """Log-likelihoods along one axis in even steps, from (..., node, unit) to (..., point, unit)."""
        if self.smooth:
            return np.asarray(_line_through(logs.shape[-2], step, self.gathered) @ logs)
        return cubics(logs, *_gaps(logs.shape[-2], step))

    def mean(self, values: Array) -> Array:
        """The mean over the level of values that are smooth along it: from (lane, node, ...) to (lane, ...)."""
        each = [
            np.exp(_line(_COARSE)[1])[None] @ _line_through(many, _COARSE, self.gathered)
            for many in self.nodes
        ]
        return np.asarray(np.tensordot(values, _kronecker(each)[0], axes=(1, 0)))


@lru_cache
def _line(step: float) -> tuple[Array, Array]:
    """Deviates in even steps, and the log of each one's share of a standard normal."""
    points = np.linspace(-_WIDEST, _WIDEST, round(2 * _WIDEST / step) + 1)
    density = norm.pdf(points)
    return points, np.log(density / density.sum())


def _places(nodes: int, gathered: float = 0.0) -> Array:
    """Nodes from one end to the other, the closer in the middle the more they are gathered there."""
    even = np.linspace(-1.0, 1.0, nodes)
    return _WIDEST * (even if gathered == 0.0 else np.sinh(gathered * even) / np.sinh(gathered))


@lru_cache
def _line_through(nodes: int, step: float, gathered: float) -> Array:
    """Values in even steps, shape (point, node), of splines that are 1 at one node."""
    return _through(nodes, gathered, _line(step)[0])


def _through(nodes: int, gathered: float, points: Array) -> Array:
    """Values at points (point, node) of splines that are 1 at one node: a spline is linear in its nodes."""
    return np.asarray(CubicSpline(_places(nodes, gathered), np.eye(nodes))(points))


@lru_cache
def _gaps(nodes: int, step: float) -> tuple[Array, Array, Array]:
    """What points in even steps have of even nodes, (point, node), and of the bends left and right of them.

    A cubic through four points is the straight line between the inner two and a part of the second difference at each
    (Everett): of that at the left and at the right node of each gap, (point, gap).
    """
    points = _line(step)[0]
    along = (points + _WIDEST) * (nodes - 1) / (2.0 * _WIDEST)
    gap = np.clip(along.astype(int), 0, nodes - 2)
    t = along - gap
    each = np.arange(points.size)
    line, left, right = np.zeros((points.size, nodes)), *np.zeros((2, points.size, nodes - 1))
    line[each, gap], line[each, gap + 1] = 1.0 - t, t
    left[each, gap] = t * (t - 1.0) * (2.0 - t) / 6.0
    right[each, gap] = t * (t - 1.0) * (1.0 + t) / 6.0
    return line, left, right


def cubics(logs: Array, line: Array, left: Array, right: Array) -> Array:
    """Curves between even nodes (..., node, unit) by cubics, which bend like the straighter end and not beyond measure.

    Where the ends of a gap bend to either side, and in the outermost gaps, curves are straight lines.
    """
    bend = np.clip(np.diff(logs, 2, axis=-2), -_MOST_BENT, _MOST_BENT)
    none = np.zeros((*logs.shape[:-2], 1, logs.shape[-1]))
    before, after = (np.concatenate(ends, axis=-2) for ends in ((none, bend), (bend, none)))
    most = np.where(before * after > 0.0, _UNLIKE * np.minimum(np.abs(before), np.abs(after)), 0.0)
    return np.asarray(line @ logs + left @ np.clip(before, -most, most) + right @ np.clip(after, -most, most))


def _kronecker(each: Sequence[Array]) -> Array:
    """The Kronecker product of matrices, one for each axis."""
    product: Array = np.eye(1)
    for matrix in each:
        product = np.asarray(np.kron(product, matrix))
    return product


def _summed(logs: Array, weights: Array) -> Array:
    """Log of a weighted sum along the middle axis, from (..., point, unit) to (..., unit)."""
    top = logs.max(axis=-2, keepdims=True)
    return np.asarray(np.log(np.exp(weights) @ np.exp(logs - top)) + top[..., 0, :])


def _spreads(columns: Mapping[str, Array], p: Parameter) -> tuple[Array, Array]:
    """A number's spread between runs and between subjects, as columns set them or as its shelf has them."""
    runs, subjects = (
        np.asarray(columns.get(f"{p.name}.{kind}", own))
        for kind, own in ((RUNS, p.runs), (SUBJECTS, p.subjects))
    )
    return runs, subjects


def differing(study: Study, names: Sequence[str] | None) -> tuple[Parameter, ...]:
    """The numbers that differ between animals, or the named ones of them.

    raises  BadInput for a name that is no number of the study, or does not differ between animals
    """
    differ = {
        n: p for n, p in study.parameters.items() if (p.subjects or p.runs) and not n.startswith("endpoints.")
    }
    for name in names or ():
        if name not in differ:
            raise BadInput(
                "does not differ between subjects", key="animal", given=name, allowed=sorted(differ)
            )
    return tuple(differ[name] for name in (differ if names is None else names))


def animal_level(numbers: tuple[Parameter, ...], slopes: Array) -> Level:
    """The axes of what differs between animals along which readings move most.

    ``slopes``  of readings with the deviate of each number, shape (reading, number)
    """
    if not numbers or not slopes.any():
        return Level()
    _, strength, turned = np.linalg.svd(slopes, full_matrices=False)
    holding = np.cumsum(strength**2) / np.sum(strength**2)
    many = min(int(np.argmax(holding >= _ENOUGH)) + 1, len(ANIMAL_NODES))
    # An axis points to where its largest part is positive, so that it is the same everywhere.
    axes = turned[:many] * np.sign(turned[np.arange(many), np.abs(turned[:many]).argmax(axis=1)])[:, None]
    return Level(numbers, axes.T, ANIMAL_NODES[:many], float(holding[many - 1]), _STEP, gathered=_GATHERED)


def ear_level(study: Study, measure: str) -> Level:
    """What of a measure's endpoint is each ear's own, such as the offset of its healthy threshold."""
    stem = f"endpoints.{study.tables.measure[measure].endpoint}."
    own = tuple(p for n, p in study.parameters.items() if n.startswith(stem) and p.subjects > 0)
    return Level(own, np.eye(len(own)), (EAR_NODES,) * len(own), step=_OWN)
