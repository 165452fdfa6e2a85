"""Dose finding by multiple comparisons and modelling (MCP-Mod): contrasts, their joint test, and the curve.

Bretz, Pinheiro and Branson, Biometrics 2005; Pinheiro et al., Statistics in Medicine 2014. A shape is what the mean
response is of the dose, up to a shift and a factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator, Philox
from scipy.optimize import brentq, minimize_scalar
from scipy.special import fdtrc, ndtri
from scipy.stats.qmc import Sobol

from otosome.errors import BadInput
from otosome.units import Array

# Directions over which the joint test is averaged, a power of two.
_DIRECTIONS = 16
Name = Literal["linear", "log_linear", "emax", "exponential", "quadratic", "umbrella"]


@dataclass(frozen=True)
class Shape:
    """A candidate: its name, and the number that bends it, in units of dose.

    ``bend``  of emax the dose of half the effect, of the exponential the dose over which it grows e-fold, of the
              logarithm the dose added, of the quadratic and the umbrella the dose of the peak
    """

    name: Name
    bend: float = 1.0

    def response(self, dose: Array) -> Array:
        """What the mean response follows, up to a shift and a factor, any shape."""
        if self.name == "linear":
            return dose
        if self.name == "log_linear":
            return np.log(dose + self.bend)
        if self.name == "emax":
            return dose / (self.bend + dose)
        if self.name == "exponential":
            return np.expm1(dose / self.bend)
        if self.name == "quadratic":
            return dose / self.bend * (2 - dose / self.bend)
        return np.where(dose <= self.bend, dose / self.bend, (2 * self.bend - dose) / self.bend)


def contrasts(shapes: Sequence[Shape], doses: Array, n: Array) -> Array:
    """The contrast with the most power for each shape, squares sum to one, shape (shape, dose).

    ``n``  animals or people at each dose, shape (dose,)
    """
    rows = []
    for shape in shapes:
        mean = shape.response(doses)
        row = n * (mean - (n * mean).sum() / n.sum())
        norm = np.sqrt((row**2).sum())
        if not norm > 0:
            raise BadInput("is the same at every dose", key=f"shape.{shape.name}", given=shape.bend)
        rows.append(row / norm)
    return np.array(rows)


@dataclass(frozen=True)
class Joint:
    """Contrasts tested together, one-sided.

    ``rows``  shape (shape, dose);  ``n``  at each dose
    """

    rows: Array
    n: Array
    alpha: float

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the spread."""
        return int(self.n.sum()) - self.n.size

    @property
    def correlation(self) -> Array:
        """Between the tests of the shapes, shape (shape, shape)."""
        covariance = (self.rows / self.n) @ self.rows.T
        deviation = np.sqrt(np.diag(covariance))
        return np.asarray(covariance / np.outer(deviation, deviation))

    def critical(self) -> float:
        """The value that the largest t statistic of no effect exceeds with probability alpha."""
        rank, reach = self._reach()
        scale = rank * reach[reach > 0] ** 2

        def over(edge: float) -> float:
            # Along a direction the statistic is the root of an F variable times its reach.
            return float(fdtrc(rank, self.freedom, edge**2 / scale).sum()) / reach.size - self.alpha

        return float(brentq(over, 0.0, 100.0, xtol=1e-9)) if over(0.0) > 0 else 0.0

    def _reach(self) -> tuple[int, Array]:
        """Dimensions that the tests span, and the largest of them along directions spread evenly, (direction,)."""
        values, vectors = np.linalg.eigh(self.correlation)
        own = values > 1e-10 * values.max()
        root = vectors[:, own] * np.sqrt(values[own])
        points = ndtri(Sobol(int(own.sum()), rng=1).random_base2(_DIRECTIONS))
        directions = points / np.linalg.norm(points, axis=1, keepdims=True)
        return int(own.sum()), np.asarray((directions @ root.T).max(axis=1))

    def power(self, mean: Array, sd: float, edge: float, draws: int = 50_000, seed: int = 1) -> float:
        """Probability that some shape is found where the true means are these, by simulation."""
        random = Generator(Philox(seed))
        errors = random.standard_normal((draws, self.n.size)) / np.sqrt(self.n)
        spread = np.sqrt(random.chisquare(self.freedom, draws) / self.freedom)
        scale = np.sqrt((self.rows**2 / self.n).sum(axis=1))
        statistics = (mean / sd + errors) @ self.rows.T / scale / spread[:, None]
        return float((statistics.max(axis=1) > edge).mean())


@dataclass(frozen=True)
class Curve:
    """A shape fitted: ``start`` at no dose, ``factor`` of the shape, its ``bend``, with standard errors."""

    name: Name
    start: float
    factor: float
    bend: float
    errors: tuple[float, ...]
    squares: float
    aic: float


def fit(name: Name, doses: Array, means: Array, sds: Array, n: Array, bends: tuple[float, float]) -> Curve:
    """A shape through means of groups, by least squares; the bend is sought between two ends.

    ``means``, ``sds``, ``n``  of each dose, shape (dose,)
    """
    within = float(((n - 1) * sds**2).sum())

    def line(bend: float) -> tuple[Array, float]:
        design = np.column_stack([np.ones_like(doses), Shape(name, bend).response(doses)])
        weighted = design * np.sqrt(n)[:, None]
        effects, *_ = np.linalg.lstsq(weighted, means * np.sqrt(n), rcond=None)
        return np.asarray(effects, dtype=np.float64), float(
            (n * (means - design @ effects) ** 2).sum()
        ) + within

    if name == "linear":
        bend, count = 1.0, 2
    else:
        grid = np.geomspace(*bends, 200)
        nearest = int(np.argmin([line(b)[1] for b in grid]))
        ends = grid[max(nearest - 1, 0)], grid[min(nearest + 1, grid.size - 1)]
        best = minimize_scalar(lambda b: line(b)[1], bounds=ends, method="bounded", options={"xatol": 1e-10})
        bend, count = float(best.x), 3
    effects, squares = line(bend)
    total = float(n.sum())
    aic = total * (math.log(2 * math.pi) + math.log(squares / total) + 1) + 2 * (count + 1)
    errors = _errors(name, doses, n, effects, bend, count, squares / (total - count))
    return Curve(name, float(effects[0]), float(effects[1]), bend, errors, squares, aic)


def _errors(
    name: Name, doses: Array, n: Array, effects: Array, bend: float, count: int, variance: float
) -> tuple[float, ...]:
    """Standard errors of start, factor and bend, from the slopes of the curve."""
    step = 1e-5 * bend
    columns = [np.ones_like(doses), Shape(name, bend).response(doses)]
    if count == 3:
        off = Shape(name, bend + step).response(doses) - Shape(name, bend - step).response(doses)
        columns.append(effects[1] * off / (2 * step))
    slopes = np.column_stack(columns)
    information = slopes.T @ (slopes * n[:, None])
    return tuple(float(e) for e in np.sqrt(variance * np.diag(np.linalg.pinv(information))))


def dose_for(curve: Shape, effect: float, largest: float, doses: tuple[float, float]) -> float:
    """The dose at which a shape that reaches ``largest`` at most within the doses has an effect above none."""
    grid = np.linspace(*doses, 2001)
    rise = curve.response(grid) - curve.response(grid[:1])
    scaled = rise / rise.max() * largest
    if scaled.max() < effect:
        raise BadInput(
            "is reached at no dose of the design",
            key="target",
            given=effect,
            allowed=f"up to {scaled.max():g}",
        )
    return float(grid[np.argmax(scaled >= effect)])


def named(shapes: Mapping[str, float]) -> tuple[Shape, ...]:
    """Candidates from names with their bends."""
    return tuple(Shape(name, bend) for name, bend in shapes.items())  # type: ignore[arg-type]  # checked as read
