"""Where and when: the places along the cochlea and the knots of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from otosome.units import Fraction, Hours


@dataclass(frozen=True)
class Grid:
    """Places along the duct, base (0) to apex (1), as fractions of its length, finest at the base.

    ``places``     number of places
    ``grading``    logarithm of the ratio of the widest to the finest place; 0 is uniform
    ``vestibule``  number of cells of the vestibule's short tube, finest where it meets the scala vestibuli
    raises         ValueError for fewer than eight places, two vestibule cells, or a negative grading
    """

    places: int = 80
    grading: float = 2.5
    vestibule: int = 10

    def __post_init__(self) -> None:
        if self.places < 8 or self.vestibule < 2 or self.grading < 0:
            raise ValueError(f"{self}: expected at least 8 places, 2 vestibule cells, grading not negative")

    @cached_property
    def edges(self) -> Fraction:
        """Borders of the places, shape (place + 1,), rising from 0 to 1."""
        return _graded(self.places, self.grading)

    @cached_property
    def vestibule_edges(self) -> Fraction:
        """Borders of the vestibule's cells, shape (cell + 1,), from 0 at the scala vestibuli to 1 at the canals."""
        # Milder than along the cochlea: injections and samples through the canals meet its far end.
        return _graded(self.vestibule, 0.6 * self.grading)

    @property
    def place(self) -> Fraction:
        """Centre of each place, shape (place,)."""
        return 0.5 * (self.edges[1:] + self.edges[:-1])

    @property
    def width(self) -> Fraction:
        """Width of each place, shape (place,), summing to 1."""
        return np.diff(self.edges)

    def finer(self, times: int) -> Grid:
        """The same grid with every place and vestibule cell split in so many."""
        return Grid(times * self.places, self.grading, times * self.vestibule)


def _graded(cells: int, grading: float) -> Fraction:
    even = np.linspace(0.0, 1.0, cells + 1)
    return even if grading == 0 else np.expm1(grading * even) / np.expm1(grading)


def schedule(
    events: Iterable[float],
    stop: float,
    windows: Iterable[tuple[float, float]] = (),
    first: float = 5e-4,
    growth: float = 1.12,
    longest: float = 6.0,
    substeps: int = 16,
    late: float = 0.0,
) -> Hours:
    """Knots from the first event to ``stop``: steps that grow after each event, every event twice.

    ``events``   times in h at which something starts or stops
    ``windows``  (start, stop) in h of each injection that moves perilymph: at least ``substeps`` knots
                 inside; both ends are events
    ``late``     the share of the time since an event that a step may always last: past ``longest`` / ``late`` steps
                 grow on. Not while fluid is injected
    returns      h, shape (time,), not falling; equal neighbours are just before and just after an event
    raises       ValueError without an event before ``stop``
    """
    spans = sorted((float(a), float(b)) for a, b in windows if b > a)
    times = sorted({float(t) for t in events if t <= stop} | {min(t, stop) for s in spans for t in s})
    if not times or times[0] >= stop:
        raise ValueError(f"schedule: no event before its end at {stop} h (events: {times})")
    knots: list[float] = []
    for time, following in zip(times, [*times[1:], stop], strict=True):
        knots += [time, time]
        if following > time:
            inside = [b - a for a, b in spans if a <= time < b]
            most = min([longest, *(b / substeps for b in inside)])
            knots += _steps(time, following, first, growth, most, late * (not inside))
    if times[-1] < stop:
        knots.append(float(stop))
    return np.array(knots)


def _steps(
    start: float, stop: float, first: float, growth: float, longest: float, late: float
) -> list[float]:
    """Knots strictly between two events: geometric steps, stretched a little to end on the second event."""
    steps, total = [min(first, longest)], min(first, longest)
    while total < stop - start:
        steps.append(min(steps[-1] * growth, max(longest, late * total)))
        total += steps[-1]
    scale = (stop - start) / total
    return list(start + scale * np.cumsum(steps)[:-1])
