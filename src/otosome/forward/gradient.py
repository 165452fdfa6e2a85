"""How a number that comes out moves with numbers that go in: neighbouring ears, eight to a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from otosome.ears import Columns
from otosome.errors import BadInput
from otosome.forward.block import Block
from otosome.forward.planning import Plan
from otosome.forward.run import blocks
from otosome.model.lanes import LANES
from otosome.units import Array

# Share of a number it is moved by: curvature costs about as much of the slope, rounding a thousandth of that.
_STEP = 1e-5


def gradient(
    plan: Plan, ears: Columns, names: Sequence[str], read: Callable[[Block], Array]
) -> tuple[float, Array]:
    """A scalar of one ear and its slope by each of some numbers.

    Knots depend on the study alone and schemes are mixed gradually, so ears that differ by little differ smoothly: a
    difference of neighbours is the slope. All neighbours are lanes of a few blocks, so twenty slopes cost three blocks.
    Only where one ear does a step again and its neighbour does not, they jump apart, by less than that step's error.

    ``ears``    one
    ``names``   columns that are not zero
    ``read``    block -> a value for each of its ears, shape (subject,)
    returns     the scalar, and its derivative by each name, shape (name,)
    raises      BadInput for a name that is no column or whose value is zero
    """
    wrong = [name for name in names if name not in ears or ears[name][0] == 0.0]
    if wrong:
        raise BadInput("has no slope: it is no number of this study, or zero", key=wrong[0])
    neighbours = {name: np.repeat(column[:1], len(names) + 1) for name, column in ears.items()}
    moved = _STEP * np.abs([ears[name][0] for name in names])
    for row, (name, step) in enumerate(zip(names, moved, strict=True), start=1):
        neighbours[name][row] += step
    parts = [read(Block(plan, part))[: rows.stop - rows.start] for rows, part in blocks(neighbours, LANES)]
    values = np.concatenate(parts)
    return float(values[0]), (values[1:] - values[0]) / moved
