"""Slopes of what comes out, on curves whose slopes are known."""

from dataclasses import replace

import numpy as np
import pytest

from otosome.evidence import Parameter
from otosome.forward.slopes import _sides, _slope

NUMBER = Parameter("cells.ohc.x", "", 1.0, "1/h", 0.5, 2.0, "uniform", "assumed", "1 1/h")


@pytest.mark.parametrize("sides", [(-1, 1), (1, 2), (-1, -2)])
@pytest.mark.parametrize("step", [0.5, 0.01])
def test_the_slope_of_a_parabola_is_exact_from_either_side_and_from_both(sides, step):
    curve = np.polynomial.Polynomial([3.0, -2.0, 5.0])
    moved = np.array([curve(0.7 + side * step) for side in sides])
    assert _slope(np.array(curve(0.7)), moved, sides, step) == pytest.approx(curve.deriv()(0.7), rel=1e-9)


@pytest.mark.parametrize("sides", [(-1, 1), (1, 2), (-1, -2)])
def test_of_other_curves_the_error_falls_with_the_square_of_the_step(sides):
    def error(step: float) -> float:
        moved = np.array([np.exp(0.7 + side * step) for side in sides])
        return abs(float(_slope(np.array(np.exp(0.7)), moved, sides, step)) - np.exp(0.7))

    assert error(0.01) / error(0.005) == pytest.approx(4.0, rel=0.05)


@pytest.mark.parametrize(
    ("changes", "at", "sides"),
    [
        ({}, 1.0, (-1, 1)),
        ({}, 1.95, (-1, -2)),
        ({"shape": "normal"}, 1.95, (-1, 1)),
        ({}, 0.05, (1, 2)),
        ({}, 0.1, (-1, 1)),
        ({"low": -1.0}, 0.05, (-1, 1)),
        ({"unit": "dB"}, 0.05, (-1, 1)),
    ],
)
def test_no_step_leaves_where_a_number_can_be(changes, at, sides):
    number = replace(NUMBER, **changes)
    assert _sides(number, at, 0.1) == sides
    ends = [at + side * 0.1 for side in sides]
    assert number.low < 0 or number.unit == "dB" or min(ends) >= 0
    assert number.shape == "normal" or max(ends) <= number.high
