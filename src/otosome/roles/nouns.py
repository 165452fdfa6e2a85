"""The nouns that formulas meet in: an ear, an exposure, cells, a reading, a figure.

Arrays are (subject, time, place) unless said otherwise; places run from base (0) to apex (1); times are
knots in h, each event twice (just before, just after). A bound parameter has shape (subject, 1, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from otosome.units import Array, Fraction, Hours, Kilohertz, Millimetres


@dataclass(frozen=True)
class Ear:
    """The cochlea a block of subjects shares: places, their best frequencies, its length.

    ``place``      centre of each place, shape (place,), 0 base to 1 apex
    ``frequency``  best frequency of each place in kHz, shape (place,), falling
    ``length``     length of the duct in mm, shape (subject,)
    ``years``      age in years, shape (subject,); None where it is not known
    """

    species: str
    place: Array
    frequency: Kilohertz
    length: Millimetres
    columns: Mapping[str, Array]
    years: Array | None = None

    def place_of(self, frequency: Array) -> Array:
        """Place (0 base to 1 apex) of each frequency in kHz; ends of the map beyond it."""
        return np.interp(np.log(frequency), np.log(self.frequency[::-1]), self.place[::-1])


@dataclass(frozen=True)
class Use:
    """How a study uses an insult, in house units: when, how much, how loud, how deep.

    ``level`` and ``band`` are of all ears, or of each, shape (subject, 1, 1)
    """

    start: tuple[float, ...]
    stop: tuple[float, ...]
    amount: float | None = None
    level: float | Array | None = None
    band: tuple[float | Array, float | Array] | None = None
    depth: float | None = None

    def timed(self, onset: float | None, duration: float | None) -> Use:
        """The same, begun at ``onset`` and each time for ``duration``, h; as it is where they are None."""
        off = 0.0 if onset is None else onset - self.start[0]
        start = tuple(t + off for t in self.start)
        lasting = (stop - begun for begun, stop in zip(self.start, self.stop, strict=True))
        stop = tuple(
            t + (own if duration is None else duration) for t, own in zip(start, lasting, strict=True)
        )
        return replace(self, start=start, stop=stop)


@dataclass(frozen=True)
class Exposure:
    """What an insult finds in the ear.

    ``knots``          h, shape (time,)
    ``concentration``  by need (``"cisplatin.lateral_wall"``), uM, shape (subject, time, place)
    """

    knots: Hours
    concentration: Mapping[str, Array]
    use: Use
    _known: dict[tuple[int, int], tuple[object, Ear, Array]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def once(self, formula: object, ear: Ear, value: Callable[[], Array]) -> Array:
        """What a formula makes of this exposure of an ear, for all that is asked of it; computed once."""
        key = id(formula), id(ear)
        if key not in self._known:
            # Both are kept with it, so that no other takes their number.
            self._known[key] = formula, ear, value()
        return self._known[key][2]

    def during(self) -> Array:
        """1 on the knots from each start to its stop, else 0; shape (time,)."""
        inside = np.zeros_like(self.knots)
        for start, stop in zip(self.use.start, self.use.stop, strict=True):
            first = np.searchsorted(self.knots, start, side="right") - 1
            last = np.searchsorted(self.knots, stop, side="left")
            inside[first : last + 1] = 1.0
        return inside


class Cells(Protocol):
    """What endpoints and devices ask of cells; arrays are (subject, time, place)."""

    @property
    def stria(self) -> Fraction:
        """Strial function, 0 to 1."""
        ...

    @property
    def tones(self) -> dict[Hashable, tuple[object, Array]]:
        """What tones met of them so far."""
        ...

    def function(self, kind: str) -> Fraction:
        """Working fraction of a kind."""
        ...

    def afferents(self) -> Fraction:
        """Fraction of nerve fibres that carry sound."""
        ...

    def rate(self, kind: str, key: str) -> Array:
        """A number of the shelf ``cells``, shape (subject, 1, 1)."""
        ...


@dataclass(frozen=True)
class Reading:
    """What an instrument or a person wrote down.

    ``value``     in the endpoint's unit
    ``censored``  same shape: -1 the truth lies below, 0 as read, 1 above
    """

    value: Array
    censored: Array


@dataclass(frozen=True)
class Figure:
    """A number computed about a claim, with its interval.

    ``value``, ``low``, ``high``  the middle, and 5 and 95 % unless ``words`` say otherwise; finite
    ``unit``                      as it is printed
    ``words``                     what the number is
    ``parts``                     figures beside it, such as one for each route or day
    """

    value: float
    low: float
    high: float
    unit: str
    words: str
    parts: tuple[Figure, ...] = ()

    @classmethod
    def over(cls, values: Array, unit: str, words: str, parts: tuple[Figure, ...] = ()) -> Figure:
        """The median of some values, any shape, with 5 and 95 % of them."""
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        return cls(float(middle), float(low), float(high), unit, words, parts)
