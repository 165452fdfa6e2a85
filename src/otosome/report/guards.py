"""How near each limit a lot lies: the limits, what a guard band takes off them, and what is known, on one line each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from otosome.units import Json

# Of the width of a line, beyond what is drawn on it.
_MARGIN = 0.12


@dataclass(frozen=True)
class GuardLine:
    """A test as a line; places are in per cent of its width, from the left.

    ``inside``  the limits;  ``accept``  medians that would release, None where none would;  ``known``  5, 50 and 95 %
    ``judged``  whether an error is known, and with it a guard band
    ``open_low``, ``open_high``  whether there is no limit on that side
    """

    test: str
    limit: str
    result: str
    decision: str
    inside: tuple[float, float]
    accept: tuple[float, float] | None
    known: tuple[float, float, float]
    judged: bool
    open_low: bool
    open_high: bool


def guard_lines(tests: Sequence[Json]) -> list[GuardLine]:
    """The tests of a lot that ask for a number within limits, as lines; none for words and where nothing is known.

    ``tests``  of ``otosome.lots.values.lot_values``; results of an earlier version hold no limits, and give no line
    """
    return [_line(test) for test in tests if test.get("limits") and test.get("known")]


def _line(test: Json) -> GuardLine:
    least, most = test["limits"]
    accept, known = test["accept"], test["known"]
    place = _Scale([least, most, *known, *(accept or ())])
    low, high = place(least), place(most)
    # Where there is no limit no guard band is taken off.
    ends = None if accept is None else (0.0 if least <= 0 else accept[0], None if most is None else accept[1])
    return GuardLine(
        test["test"],
        test["asked"],
        test["found"],
        test["decision"],
        (low, high),
        None if ends is None else (place(ends[0]), place(ends[1])),
        (place(known[0]), place(known[1]), place(known[2])),
        test["consumer"] is not None,
        least <= 0,
        most is None,
    )


class _Scale:
    """Places of numbers on a line that holds all of them: by ratios, the ends of the line for zero and infinity."""

    def __init__(self, numbers: Sequence[float | None]) -> None:
        logs = [math.log(n) for n in numbers if n is not None and 0 < n < math.inf] or [0.0]
        width = max(max(logs) - min(logs), 0.2)
        self._low = min(logs) - _MARGIN * width
        self._high = max(logs) + _MARGIN * width

    def __call__(self, number: float | None) -> float:
        if number is None or math.isinf(number):
            return 100.0
        if number <= 0:
            return 0.0
        share = (math.log(number) - self._low) / (self._high - self._low)
        return round(100 * min(max(share, 0.0), 1.0), 2)
