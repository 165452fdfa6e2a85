"""Shelves of whose ears they are: species, strains, maps, populations, recoveries, adverse events, words, devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from otosome.roles.nouns import Cells, Ear
from otosome.roles.options import AskingOptions, On, Options, Species
from otosome.units import Array

if TYPE_CHECKING:
    from otosome.model.transport import Anatomy, Dose, Flow


@dataclass(frozen=True)
class SpeciesOptions(Options):
    """Options of a species: its ``map`` of places, and whether its stria answers to stress (``strial``)."""

    map: Annotated[str, On(("maps",))]
    name: str = ""
    strial: bool = False


@dataclass(frozen=True)
class StrainOptions(Options):
    """Options of a strain: its ``species``, and what it states in place of the shelves' own.

    ``numbers``  by full name ("insults.noise.susceptibility"), each with the keys of a number a study states
    ``curves``   by full name ("endpoints.abr_threshold.baseline"), each with columns, basis and source
    """

    species: str
    numbers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    curves: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class MapOptions(Options):
    """Options of a place map: the ``animal`` it was measured in."""

    animal: str = ""


class Map(Protocol):
    """Where along a cochlea a frequency is heard."""

    def frequency(self, place: Array) -> Array:
        """Best frequency of each place (0 base to 1 apex), kHz, above zero, never rising towards the apex."""
        ...


@dataclass(frozen=True)
class PopulationOptions(AskingOptions):
    """Options of a population: whether it is of ``many`` people or of ``one``."""

    asks: tuple[Literal["sex", "age", "readings", "ear"], ...] = ()
    takes: tuple[
        Literal["noise_level", "noise_time", "extended", "audiogram", "person", "interpolate", "other"], ...
    ] = ()
    people: Literal["many", "one"] = "many"


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

    @property
    def ages(self) -> Array | None:
        """Age of each subject in years, shape (subject,); None where it is not known."""
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


@dataclass(frozen=True)
class RecoveryOptions(AskingOptions):
    """Options of a recovery."""

    asks: tuple[Literal["entered"], ...] = ()
    takes: tuple[Literal["entered"], ...] = ()


class Recovery(Protocol):
    """What hearing regains by itself, whatever the arm: natural recovery, and the response to being treated at all."""

    def regained(self, level: Array, since: Array) -> Array:
        """Part of a hearing level that comes back, dB, never above the level; broadcasts to its shape.

        ``level``  dB HL without it, shape (subject, time, frequency)
        ``since``  h from the study's time zero, shape (time,); none before it
        """
        ...


@dataclass(frozen=True)
class AdverseEventOptions(Options):
    """Options of an adverse event.

    ``of``       routes and devices that bring it, or ``vesicles``: any dose, and any coat of a device
    ``counted``  events and people it was counted in, in words;  ``note``  what a reader must know of it
    """

    of: tuple[Annotated[str, On(("routes", "devices"), ("vesicles",))], ...]
    counted: str = ""
    note: str = ""


class AdverseEvent(Protocol):
    """Something bad that a route or a device may bring; its TOML says ``of`` which, and its ``weight``."""

    def excess(self, times: int) -> Array:
        """Events expected of one person beyond what happens without it, shape (subject,); may be below zero.

        ``times``  how often the route was taken or the device put in, at least once
        """
        ...


@dataclass(frozen=True)
class MaterialOptions(Options):
    """Options of the words of a speech test: the ``species`` it is for."""

    species: tuple[Species, ...] = ()


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


@dataclass(frozen=True)
class DeviceOptions(AskingOptions):
    """Options of a device.

    ``brings``   insult that putting it in is;  ``amounts``  units its dose may be stated in
    """

    asks: tuple[Literal["depth", "batch", "amount"], ...] = ()
    takes: tuple[Literal["depth", "batch", "amount"], ...] = ()
    brings: Annotated[str, On(("insults",))] | None = None
    amounts: tuple[Literal["particles", "ug", "cells"], ...] = ()


class Device(Protocol):
    """Something worn or put in that stays: a hearing aid, an implant, a graft of living cells."""

    def gain(self, level: Array, frequency: Array) -> Array:
        """Insertion gain, dB, same shape as ``level``; zero where it amplifies nothing.

        ``level``      dB HL, shape (subject, time, frequency);  ``frequency``  kHz, shape (frequency,)
        """
        ...

    def electric(self, ear: Ear, cells: Cells, since: Array) -> Array | None:
        """Share of words (monosyllables in quiet) understood through an electrode; None where there is none.

        ``since``  h from its start, shape (time,), below zero before it
        returns    0 to 1, finite, zero before its start, shape (subject, time)
        """
        ...

    def flows(self, dose: Dose, anatomy: Anatomy) -> Sequence[Flow]:
        """What it releases into the ear, as flows; none where it releases nothing.

        ``dose``  its start, and its amount (cells, or particles) shared out among the size classes of the vesicles
                  it releases, shape (classes, subject): a flow's amount is that times a number for each subject
        """
        ...


@dataclass(frozen=True)
class UtilityOptions(Options):
    """Options of a utility: its ``label``, and the endpoints it is ``of``."""

    label: str
    of: Annotated[tuple[Annotated[str, On(("endpoints",))], ...], Field(min_length=1)]
