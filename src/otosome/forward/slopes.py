"""How what comes out moves with what goes in: many rows, many numbers and many outputs at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from otosome.ears import Columns
from otosome.errors import BadInput
from otosome.evidence import Parameter
from otosome.forward.carried import Carried
from otosome.forward.cochleae import Cochleae
from otosome.forward.planning import Plan
from otosome.forward.simulation import ears_at_once
from otosome.units import LEVELS, Array

# Steps are so many of the prior's own deviates: curvature costs its square, rounding a ten-thousandth of that.
_STEP = 1e-4
# Shelves of which a number may move transport: they come last, so that all others share one solution.
_UPSTREAM = ("species", "solutes", "routes", "batches", "devices")
# 5 to 95 % of a normal number, and a whole uniform one, in deviates.
_NORMAL, _UNIFORM = 2.0 * 1.6448536269514722, float(np.sqrt(12.0))


@dataclass(frozen=True)
class Jacobian:
    """Outputs of some rows and their slopes.

    ``values``    by output, shape (row, ...)
    ``slopes``    by output, shape (row, name, ...): per unit of each number
    ``deviates``  standard deviation of each number's prior at each row, shape (row, name)
    """

    values: Mapping[str, Array]
    slopes: Mapping[str, Array]
    deviates: Array


def jacobian(
    plan: Plan, rows: Columns, names: Sequence[str], of: Callable[[Cochleae], Mapping[str, Array]]
) -> Jacobian:
    """Outputs of some rows and their slopes by some numbers, from steps to both sides.

    Knots depend on the study alone and schemes are mixed gradually, so ears that differ by little differ smoothly.
    Only where one ear does a step again and its neighbour does not, they jump apart, by less than that step's error.
    A number at an end of what it can be is moved to the other side only, with the same order of error.

    ``rows``   a column (row,) per number of the study
    ``names``  numbers; zero is allowed
    ``of``     ears -> outputs by name, the ear first, such as ``partial(measures, at=plan.times)``
    raises     BadInput for a name that is no number of the study, or one that is zero and exactly known
    """
    numbers = [_number(plan, name) for name in names]
    order = sorted(range(len(names)), key=lambda n: names[n].split(".")[0] in _UPSTREAM)
    carried, parts = Carried(), []
    for row in range(next(iter(rows.values())).size):
        base = {name: column[row : row + 1] for name, column in rows.items()}
        parts.append(_row(plan, base, [numbers[n] for n in order], of, carried))
    back = np.argsort(order)
    return Jacobian(
        {name: np.stack([values[name] for values, _, _ in parts]) for name in parts[0][0]},
        {name: np.stack([slopes[name][back] for _, slopes, _ in parts]) for name in parts[0][1]},
        np.stack([deviates[back] for _, _, deviates in parts]),
    )


def _row(
    plan: Plan,
    base: Columns,
    numbers: Sequence[Parameter],
    of: Callable[[Cochleae], Mapping[str, Array]],
    carried: Carried,
) -> tuple[dict[str, Array], dict[str, Array], Array]:
    """Outputs of one row, their slopes by each number, shape (name, ...), and the numbers' deviates, (name,)."""
    deviates = np.array([deviate(number, float(base[number.name][0])) for number in numbers])
    steps = _STEP * deviates
    sides = [_sides(n, float(base[n.name][0]), step) for n, step in zip(numbers, steps, strict=True)]
    lanes = {name: np.repeat(column, 1 + 2 * len(numbers)) for name, column in base.items()}
    for n, (number, side) in enumerate(zip(numbers, sides, strict=True)):
        lanes[number.name][1 + 2 * n : 3 + 2 * n] += steps[n] * np.array(side)
    outputs = _in_parts(plan, lanes, of, carried)
    values = {name: output[0] for name, output in outputs.items()}
    slopes = {
        name: np.stack(
            [
                _slope(output[0], output[1 + 2 * n : 3 + 2 * n], side, step)
                for n, (side, step) in enumerate(zip(sides, steps, strict=True))
            ]
        )
        for name, output in outputs.items()
    }
    return values, slopes, deviates


def _in_parts(
    plan: Plan, lanes: Columns, of: Callable[[Cochleae], Mapping[str, Array]], carried: Carried
) -> dict[str, Array]:
    """Outputs of all lanes, as many at once as memory holds."""
    width, count = ears_at_once(plan), next(iter(lanes.values())).size
    parts = [
        of(Cochleae(plan, {name: column[start : start + width] for name, column in lanes.items()}, carried))
        for start in range(0, count, width)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sides(number: Parameter, at: float, step: float) -> tuple[int, int]:
    """Steps to both sides, or two to the one side where the number ends at the other."""
    if number.low >= 0 and number.unit not in LEVELS and at - step < 0:
        return (1, 2)
    if number.shape in ("uniform", "loguniform") and at + step > number.high:
        return (-1, -2)
    return (-1, 1)


def _slope(here: Array, moved: Array, sides: tuple[int, int], step: float) -> Array:
    """The slope of the parabola through three values."""
    if sides == (-1, 1):
        return np.asarray((moved[1] - moved[0]) / (2.0 * step))
    return np.asarray(sides[0] * (4.0 * moved[0] - 3.0 * here - moved[1]) / (2.0 * step))


def _number(plan: Plan, name: str) -> Parameter:
    number = plan.study.parameters.get(name)
    if number is None:
        raise BadInput("has no slope: it is no number of this study", key=name)
    return number


def deviate(number: Parameter, at: float) -> float:
    """Standard deviation of all that a number's prior spreads, near a value, in its unit.

    raises  BadInput for a number that is exactly known and zero: it has no step
    """
    here = abs(at) or abs(number.value)
    relative = number.shape in ("lognormal", "loguniform")
    width = np.log(number.high / number.low) * here if relative else number.high - number.low
    own = width / (_UNIFORM if number.shape in ("uniform", "loguniform") else _NORMAL)
    spread = float(np.hypot(number.subjects, number.lots)) * (1.0 if number.additive else here)
    whole = float(np.hypot(own, spread)) or here
    if not whole:
        raise BadInput("is zero and exactly known, so it has no step of its own", key=number.name)
    return whole
