"""What the formulas of each shelf must offer, and the few nouns they meet in.

Arrays are (subject, time, place) unless said otherwise; places run from base (0) to apex (1); times are
knots in h, each event twice (just before, just after). A bound parameter has shape (subject, 1, 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from otosome.units import (
    Array,
    Hours,
    Kilohertz,
    Millimetres,
)


@dataclass(frozen=True)
class Ear:
    """The cochlea a block of subjects shares: places, their best frequencies, its length.

    ``place``      centre of each place, shape (place,), 0 base to 1 apex
    ``frequency``  best frequency of each place in kHz, shape (place,), falling
    ``length``     length of the duct in mm, shape (subject,)
    """

    species: str
    place: Array
    frequency: Kilohertz
    length: Millimetres
    columns: Mapping[str, Array]

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

    def during(self) -> Array:
        """1 on the knots from each start to its stop, else 0; shape (time,)."""
        inside = np.zeros_like(self.knots)
        for start, stop in zip(self.use.start, self.use.stop, strict=True):
            first = np.searchsorted(self.knots, start, side="right") - 1
            last = np.searchsorted(self.knots, stop, side="left")
            inside[first : last + 1] = 1.0
        return inside


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


class Route(Protocol):
    """A way into the ear. ``Dose``, ``Flow`` and ``Anatomy`` are those of ``otosome.model.transport``."""

    def deliver(self, dose: Any, anatomy: Any) -> Sequence[Any]:
        """Flows into compartments whose amounts sum to the dose; what spills or is lost is a flow too."""
        ...


class Insult(Protocol):
    """Something that harms the ear."""

    needs: tuple[str, ...]

    def hazards(self, ear: Ear, exposure: Exposure) -> Mapping[str, Array]:
        """Direct death rate of each cell kind it reaches, 1/h, not negative, zero without exposure."""
        ...

    def stress(self, ear: Ear, exposure: Exposure) -> Array:
        """Production of stress, 1/h, not negative, zero without exposure."""
        ...


class Mechanism(Protocol):
    """A way in which vesicles act on cells."""

    gates: bool
    acts: Mapping[str, tuple[str, ...]]

    def signal(self, contact: Array, cargo: Array) -> Array:
        """How strongly cells are told, 0 to 1; zero without vesicles."""
        ...


class Map(Protocol):
    """Where along a cochlea a frequency is heard."""

    def frequency(self, place: Array) -> Array:
        """Best frequency of each place (0 base to 1 apex), kHz, above zero, never rising towards the apex."""
        ...


class Population(Protocol):
    """People, or animals, as they arrive; its TOML names the ``species`` it knows."""

    @property
    def covered(self) -> tuple[float, float]:
        """Lowest and highest frequency it knows, kHz."""
        ...

    @property
    def recorded(self) -> tuple[Array, Array, NDArray[np.intp]] | None:
        """Frequencies, kHz, with the levels read of each person there, dB HL, (person, frequency), and which of them
        each subject is, (subject,); None where its people come from a norm and not from a file."""
        ...

    def check(self, frequency: Array) -> None:
        """Raise BadInput for a frequency in kHz that a study must not ask for: nobody's level is known there."""
        ...

    def baseline(self, frequency: Array) -> Array:
        """Hearing level of each subject at each frequency in kHz, dB HL, shape (subject, 1, frequency)."""
        ...

    def arrived(self, ear: Ear, rates: Mapping[str, Mapping[str, Array]]) -> Mapping[str, Array]:
        """Share left of each kind of cell, 0 to 1, shape (subject, place), by kind; a kind not named is whole.

        ``rates``  the shelf ``cells``: by kind and key, shape (subject,)
        """
        ...


class Recovery(Protocol):
    """What hearing regains by itself, whatever the arm: natural recovery, and the response to being treated at all."""

    def regained(self, level: Array, since: Array) -> Array:
        """Part of a hearing level that comes back, dB, never above the level; broadcasts to its shape.

        ``level``  dB HL without it, shape (subject, time, frequency)
        ``since``  h from the study's time zero, shape (time,); none before it
        """
        ...


class Harm(Protocol):
    """Something bad that a route or a device may bring; its TOML says ``of`` which, and its ``weight``."""

    def excess(self, times: int) -> Array:
        """Events expected of one person beyond what happens without it, shape (subject,); may be below zero.

        ``times``  how often the route was taken or the device put in, at least once
        """
        ...


class Material(Protocol):
    """The words of a speech test."""

    @property
    def importance(self) -> Mapping[str, Array]:
        """``weight`` of each third octave from 0.16 to 8 kHz (``frequency``), shape (band,), 1 in sum."""
        ...

    @property
    def words(self) -> Array:
        """Words in what a score rests on, shape (subject, 1, 1)."""
        ...

    @property
    def monosyllables(self) -> bool:
        """Whether each is a word of one syllable, as those heard through an electrode are counted."""
        ...

    def share(self, index: Array) -> Array:
        """Share of words understood at a Speech Intelligibility Index, 0 to 1; never falls; same shape."""
        ...


class Device(Protocol):
    """Something worn or put in that stays: a hearing aid, an implant, a graft of living cells."""

    def gain(self, level: Array, frequency: Array) -> Array:
        """Insertion gain, dB, same shape as ``level``; zero where it amplifies nothing.

        ``level``      dB HL, shape (subject, time, frequency);  ``frequency``  kHz, shape (frequency,)
        """
        ...

    def electric(self, ear: Ear, cells: Any, since: Array) -> Array | None:
        """Share of words (monosyllables in quiet) understood through an electrode; None where there is none.

        ``since``  h from its start, shape (time,), below zero before it
        returns    0 to 1, finite, zero before its start, shape (subject, time)
        """
        ...

    def flows(self, dose: Any, anatomy: Any) -> Sequence[Any]:
        """What it releases into the ear, as flows; none where it releases nothing.

        ``dose``  its start, and its amount (cells, or particles) shared out among the size classes of the vesicles
                  it releases, shape (classes, subject): a flow's amount is that times a number for each subject
        """
        ...


class Endpoint(Protocol):
    """Something measured, with its error.

    What it ``asks`` of a measure and what it ``takes`` besides stand in its TOML, as do its unit, what is better,
    and the endpoint it ``hears`` by, if another's value enters its own.
    """

    def value(self, ear: Ear, cells: object, frequency: Array) -> Array:
        """The true value, shape (subject, time, frequency)."""
        ...

    def read(self, value: Array, uniform: Array) -> Reading:
        """A reading of the true value; ``uniform`` in (0, 1), same shape."""
        ...

    def log_likelihood(self, reading: Reading, value: Array) -> Array:
        """Log-probability of each reading if the truth were ``value``, same shape."""
        ...


class Instrument(Protocol):
    """A laboratory instrument, or a published table, whose files are read. They meet in ``otosome.laboratory``."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins like this is one of its exports; no other instrument says so too."""
        ...

    def read(self, export: Any) -> Any:
        """The file's ``Tables``: what it holds, and what of it was refused; raises BadInput where all is."""
        ...


class Observation(Protocol):
    """A published case that no study file can state."""

    def replicate(self, bench: Any) -> Mapping[str, Array]:
        """What was published, by row: of each ear of the bench (``otosome.review.qualification``), or exact values."""
        ...


class Claim(Protocol):
    """Something said of the therapy, about which a figure can be computed."""

    def figure(self, laboratory: Any) -> Figure:
        """The figure now. ``laboratory`` is the ``Laboratory`` of ``otosome.review.claims``: it runs studies."""
        ...
