"""What an entry of each shelf states and offers: the options of its file, the role of its formula.

A shelf's options are one frozen dataclass: a key that is none of its fields, nor a field of the entry's own formula,
is refused. The role is what the engine calls of the formula. Beside them stand the few nouns they meet in.

Arrays are (subject, time, place) unless said otherwise; places run from base (0) to apex (1); times are
knots in h, each event twice (just before, just after). A bound parameter has shape (subject, 1, 1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, PlainValidator

from otosome.evidence import Basis
from otosome.units import Array, Fraction, Hours, Kilohertz, Millimetres, house

if TYPE_CHECKING:
    from otosome.laboratory.file import Export
    from otosome.laboratory.tables import Tables
    from otosome.model.transport import Anatomy, Dose, Flow
    from otosome.trials.plan import Plan

Kind = Literal["ohc", "ihc", "synapse", "sgn"]
Target = Literal["ohc", "ihc", "synapse", "sgn", "stress"]
Action = Literal["prevent", "rescue", "repair", "clear", "support", "revive"]
Compartment = Literal["middle_ear", "scala_tympani", "vestibule", "plasma", "cerebrospinal_fluid", "lost"]
Outlet = Literal["aqueduct", "round_window", "oval_window", "vent"]
# Where an insult can look the concentration of a solute up.
PLACES = (
    "scala_tympani",
    "scala_vestibuli",
    "vestibule",
    "middle_ear",
    "cerebrospinal_fluid",
    "plasma",
    "scala_media",
    *(
        f"{tissue}{part}"
        for tissue in ("organ_of_corti", "lateral_wall", "rosenthals_canal")
        for part in ("", "_inside")
    ),
)


@dataclass(frozen=True)
class On:
    """Of a word in an entry's file: it names an entry of one of these shelves, or is one of the words beside them.

    What follows a dot is no part of the name: ``cisplatin.lateral_wall`` names the solute cisplatin.
    """

    shelves: tuple[str, ...]
    words: tuple[str, ...] = ()

    def in_value(self, value: str | tuple[str, ...] | None) -> list[str]:
        """The names that an option holds."""
        words = [value] if isinstance(value, str) else value or ()
        return [word.partition(".")[0] for word in words]


def _known_unit(text: str) -> str:
    house(text)
    return text


def _need(text: str) -> str:
    solute, _, place = text.partition(".")
    allowed = ("level", "band") if solute == "noise" else PLACES
    if place not in allowed:
        raise ValueError(f"{place!r} is not known; after {solute}. stands one of {', '.join(allowed)}")
    return text


def _study(value: object) -> object:
    if not isinstance(value, (str, dict)):
        raise ValueError("names a study, or states one as a table")
    return value


UnitName = Annotated[str, AfterValidator(_known_unit)]
Need = Annotated[str, AfterValidator(_need), On(("solutes",), ("noise",))]
Species = Annotated[str, On(("species",))]


@dataclass(frozen=True)
class Options:
    """What an entry's file states besides numbers and curves; of a shelf that has no options, nothing."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = {"extra": "forbid"}


@dataclass(frozen=True)
class AskingOptions(Options):
    """Options of what a study uses with words of its own.

    ``species``  it is for; none named means any
    ``asks``     keys a study must state to use it;  ``takes``  keys it may state
    """

    species: tuple[Species, ...] = ()
    asks: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class BatchOptions(Options):
    """Options of a batch.

    ``mirna``        what its counted RNA is
    ``class_ratio``  diameter of each size class over the median, each an equal share, where counted; else log-normal
    ``base``         batch that what was not measured is taken from
    ``record``, ``sample``  names of the lot's record, and of the sample in its file
    ``decision``     of its assessment against a specification, with the ``reason``
    """

    mirna: str = ""
    base: str = ""
    record: str = ""
    sample: str = ""
    class_ratio: (
        Annotated[tuple[Annotated[float, Field(gt=0, lt=math.inf)], ...], Field(min_length=1, max_length=20)]
        | None
    ) = None
    decision: Literal["release", "refuse", "cannot decide"] | None = None
    reason: str = ""


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


@dataclass(frozen=True)
class SoluteOptions(Options):
    """Options of a solute.

    ``becomes``  the solute that it is in the body, where it is a prodrug
    ``caution``  what is known of it as a drug beyond the ear, and not computed: a note of every study that gives it
    """

    becomes: Annotated[str, On(("solutes",))] | None = None
    caution: str = ""


@dataclass(frozen=True)
class RouteOptions(Options):
    """Options of a route.

    ``into``    compartment it ends in;  ``outlet``  where perilymph leaves that its volume displaces
    ``opens``   insult that stands for the operation it takes
    """

    into: Compartment | None = None
    outlet: Outlet | None = None
    opens: Annotated[str, On(("insults",))] | None = None


class Route(Protocol):
    """A way into the ear."""

    def deliver(self, dose: Dose, anatomy: Anatomy) -> Sequence[Flow]:
        """Flows into compartments whose amounts sum to the dose; what spills or is lost is a flow too."""
        ...


@dataclass(frozen=True)
class InsultOptions(Options):
    """Options of an insult: what it ``needs`` to know (``noise.level``, ``cisplatin.lateral_wall``).

    ``meets``  solutes in places that take of its poison where they are given (``thiosulfate.organ_of_corti``)
    """

    needs: tuple[Need, ...] = ()
    meets: tuple[Need, ...] = ()


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


@dataclass(frozen=True)
class EffectOptions(Options):
    """Options of a drug's effect: the solute it is ``of``."""

    of: Annotated[str, On(("solutes",))]


class Effect(Protocol):
    """What a drug does to cells."""

    acts: Mapping[str, tuple[str, ...]]

    def signal(self, concentration: Array) -> Array:
        """How strongly cells respond to a concentration in uM, 0 to 1; zero without the drug."""
        ...


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
class HarmOptions(Options):
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


# What an endpoint may ask of a measure.
Word = Literal[
    "frequency",
    "cell",
    "level",
    "material",
    "speech",
    "noise",
    "solute",
    "of",
    "place",
    "sample",
    "collected",
    "limit",
]


@dataclass(frozen=True)
class EndpointOptions(AskingOptions):
    """Options of an endpoint.

    ``unit``    it is read in;  ``better``  which way is better
    ``label``   its name on an axis;  ``ears``  sides it is read of;  ``hears``  endpoint whose value enters its own
    ``session``  share of a reading's error variance that all readings of one session by one reader have in common
    ``stimulus``  level it is read at where a measure names none, dB SPL (of f2 for emissions): others are not compared
    """

    unit: UnitName = field(kw_only=True)
    better: Literal["lower", "higher"] = field(kw_only=True)
    label: str = ""
    asks: tuple[Word, ...] = ()
    takes: tuple[Word, ...] = ()
    ears: tuple[Literal["left", "right"], ...] = ("left",)
    session: Annotated[float, Field(ge=0, lt=1)] = 0.0
    hears: Annotated[str, On(("endpoints",))] | None = None
    stimulus: Annotated[float, Field(ge=-30, le=140)] | None = None


class Endpoint(Protocol):
    """Something measured, with its error.

    What it ``asks`` of a measure and what it ``takes`` besides stand in its TOML, as do its unit, what is better,
    and the endpoint it ``hears`` by, if another's value enters its own.
    """

    def value(self, ear: Ear, cells: Cells, frequency: Array) -> Array:
        """The true value, shape (subject, time, frequency)."""
        ...

    def read(self, value: Array, uniform: Array) -> Reading:
        """A reading of the true value; ``uniform`` in (0, 1), same shape."""
        ...

    def log_likelihood(self, reading: Reading, value: Array) -> Array:
        """Log-probability of each reading if the truth were ``value``, same shape."""
        ...


@dataclass(frozen=True)
class InstrumentOptions(Options):
    """Options of an instrument: the ``layouts`` it reads, and the sources that describe them."""

    layouts: tuple[str, ...] = ()
    layout_sources: tuple[str, ...] = ()


class Instrument(Protocol):
    """A laboratory instrument, or a published table, whose files are read."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins like this is one of its exports; no other instrument says so too."""
        ...

    def read(self, export: Export) -> Tables:
        """The file's ``Tables``: what it holds, and what of it was refused; raises BadInput where all is."""
        ...


@dataclass(frozen=True)
class RowTable(Options):
    """A row of an observation as its file states it (``otosome.review.qualification.case`` says what each is)."""

    about: str = ""
    source: str = ""
    locator: str = ""
    value: Annotated[str, Field(alias="found")] = ""
    se: str = ""
    sd: str = ""
    low: str = ""
    high: str = ""
    above: str = ""
    below: str = ""
    expect: tuple[str, ...] = ()
    tolerance: str = ""
    n: Annotated[int, Field(ge=1)] = 1
    summary: Literal["mean", "median"] = "mean"
    statistic: Mapping[str, object] = field(default_factory=dict)
    used: str = ""
    weak: str = ""
    why: str = ""
    no_test: str = ""


@dataclass(frozen=True)
class ObservationOptions(Options):
    """Options of a published case: a ``study`` that states it, or what was ``given`` and ``read``, or a formula.

    ``row``      by id: what was measured, as ``otosome.review.qualification.case`` reads it
    ``given``, ``read``  by name: as ``otosome.review.qualification.experiment`` reads them
    ``rests``    the entries that its own formula uses
    ``species``  whose ears its formula is given
    """

    row: Annotated[Mapping[str, RowTable], Field(min_length=1)]
    source: str = ""
    locator: str = ""
    study: Mapping[str, object] | None = None
    species: Species = "guinea_pig"
    rests: tuple[Annotated[str, Field(pattern=r"^[a-z_]+\.[A-Za-z0-9_]+$")], ...] = ()
    given: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    read: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class Grounds(Options):
    """One thing a claim stands on.

    ``kind``  in the file ``is``: measured, direction or none;  ``says``  for, against or open
    ``rows``  of the shelf ``observations`` that run it again
    """

    words: str
    kind: Annotated[Literal["measured", "direction", "none"], Field(alias="is")]
    says: Literal["for", "against", "open"]
    sources: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClaimOptions(Options):
    """Options of a claim.

    ``by``        source that makes it;  ``test``  the experiment that would settle it
    ``needs``     line its figure must reach for the claim to hold: ``above`` or ``below`` a number
    ``built_in``  why the figure follows from the structure and decides nothing
    ``missing``   what is wanting where no figure can be computed yet
    ``study``     its figure asks;  ``uses``  entries its figure rests on besides (``scales.who_2021``)
    ``review``    what papers did: a question of ``otosome review`` and its filters (``product=vesicles``)
    ``by_prior``  whether its figure is computed under every prior on efficacy
    """

    by: str
    test: str
    stands_on: Annotated[tuple[Grounds, ...], Field(min_length=1)]
    needs: Annotated[Mapping[Literal["above", "below"], float], Field(min_length=1, max_length=1)] | None = (
        None
    )
    built_in: str = ""
    missing: str = ""
    study: Annotated[str | Mapping[str, object], PlainValidator(_study)] = ""
    uses: tuple[Annotated[str, Field(pattern=r"^[a-z_]+\.[A-Za-z0-9_]+$")], ...] = ()
    review: tuple[str, ...] = ()
    by_prior: bool = False


@dataclass(frozen=True)
class RuleTable(Options):
    """A rule of a scale as its file states it: the ``grade``, and the level that is passed for it."""

    grade: int
    of: Literal["threshold", "shift", "response"] = "threshold"
    at: tuple[str, ...] = ()
    over: Literal["any", "all", "mean"] = "any"
    run: Annotated[int, Field(ge=0)] = 0
    above: str | None = None
    reaches: str | None = None
    ears: Literal["worse", "better"] = "worse"


@dataclass(frozen=True)
class ScaleOptions(Options):
    """Options of a scale of hearing loss.

    ``labels``  of its grades, best first;  ``needs``  frequencies without which it does not grade
    """

    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    rule: Annotated[tuple[RuleTable, ...], Field(min_length=1)]
    basis: Basis
    needs: tuple[str, ...] = ()
    source: str = ""
    locator: str = ""
    because: str = ""


@dataclass(frozen=True)
class AssayOptions(Options):
    """Options of a potency assay: the ``model`` of its dose-response curve."""

    model: Literal["parallel_line", "four_parameter"]


Tests = tuple[Annotated[str, Field(min_length=1)], ...]


@dataclass(frozen=True)
class SpecificationOptions(Options):
    """Options of a specification: its tests by what they ask; those compared with a number have one of that name.

    ``label``     near the label;  ``recorded``  no limit
    ``negative``, ``absent``, ``positive``, ``present``  a word
    """

    at_least: Tests = ()
    at_most: Tests = ()
    equal: Tests = ()
    label: Tests = ()
    negative: Tests = ()
    absent: Tests = ()
    positive: Tests = ()
    present: Tests = ()
    recorded: Tests = ()


@dataclass(frozen=True)
class ChecklistItem(Options):
    """One item of a checklist: its ``name``, what it ``asks``, and how binding it is."""

    name: str
    asks: str
    status: Literal["mandatory", "expected", "encouraged", "where it applies"]


@dataclass(frozen=True)
class ChecklistOptions(Options):
    """Options of a checklist: its items by key, its sources, and whether the share present is a ``score``."""

    item: Annotated[Mapping[str, ChecklistItem], Field(min_length=1)]
    source: str
    secondary: str = ""
    score: bool = False


@dataclass(frozen=True)
class ProcessOptions(Options):
    """Options of a process: the ``instrument`` that counts its lots, their ``specification``, and its words."""

    instrument: Annotated[str, On(("instruments",))]
    specification: Annotated[str, On(("specifications",))]
    tissue: str = ""
    vessel: str = ""
    medium: str = ""
    isolation: str = ""
    formulation: str = ""
    storage: str = ""


@dataclass(frozen=True)
class MeasurementOptions(Options):
    """Options of a measurement that a laboratory can make: the ``numbers`` it tells, by key, and what it costs.

    ``animals``  it takes;  ``days``  of work;  ``because``  why so much
    """

    numbers: Annotated[tuple[str, ...], Field(min_length=1)]
    animals: Annotated[int, Field(ge=0)]
    days: Annotated[float, Field(gt=0)]
    because: str


@dataclass(frozen=True)
class ToleranceOptions(Options):
    """Options of a tolerance: ``of`` which solute ("fluid", "noise"), in which ``species``, by which ``routes``.

    None named means any. Its number ``most`` is what kills about half, or the most that is given at all; ``duration``
    is how long a noise of that level may last.
    """

    of: Annotated[str, On(("solutes",), ("fluid", "noise"))]
    species: tuple[Species, ...] = ()
    routes: tuple[Annotated[str, On(("routes",))], ...] = ()


@dataclass(frozen=True)
class UtilityOptions(Options):
    """Options of a utility: its ``label``, and the endpoints it is ``of``."""

    label: str
    of: Annotated[tuple[Annotated[str, On(("endpoints",))], ...], Field(min_length=1)]


@dataclass(frozen=True)
class SubjectTable(Options):
    """Who was treated in a published experiment; a species need be on no shelf."""

    species: Annotated[str, Field(min_length=1)]
    strain: str = ""
    age: str = ""
    sex: str = ""


@dataclass(frozen=True)
class HarmTable(Options):
    """What harmed the ears of a published experiment: its ``kind``, and amount and schedule as printed."""

    kind: Literal[
        "cisplatin",
        "aminoglycoside",
        "noise",
        "ischaemia",
        "ouabain",
        "implantation",
        "heredity",
        "other",
        "none",
    ]
    about: str = ""
    amount: str = ""
    schedule: str = ""


Product = Literal[
    "vesicles", "live cells", "steroid", "antioxidant", "thiosulfate", "nucleotide", "antimitotic", "mixture"
]


@dataclass(frozen=True)
class GroupTable(Options):
    """A group of a published experiment.

    ``n``        units of analysis in it, none where it is not printed;  ``n_is``  whose count that is: stated for the
                 group, assumed by the reader, or the total of all groups
    ``product``  what it got, none for a control;  ``cells``, ``dose``, ``volume``, ``route``, ``when``  as printed
    """

    about: Annotated[str, Field(min_length=1)]
    n: Annotated[int, Field(ge=1)] | None = None
    n_is: Literal["stated", "assumed", "total"] = "stated"
    product: Product | None = None
    cells: str = ""
    dose: str = ""
    volume: str = ""
    route: str = ""
    when: str = ""


@dataclass(frozen=True)
class OutcomeTable(Options):
    """What was read of two groups of a published experiment, in the strength it was printed.

    ``of``           what was read, in ``unit`` ("" where no number was);  ``better``  which way is better
    ``strength``     individuals (``each`` or ``events`` by group), means (``mean`` with ``spread`` by group, or the
                     ``difference`` with its 95 % ends ``low`` and ``high``), p (``p``, or a bound ``p_below`` or
                     ``p_above``, with its ``test``) or direction
    ``p_is``         stated by the paper, or assumed by the reader;  ``paired``  two ears of one subject
    ``direction``    of the treated against the control
    ``primary``      whether it is the outcome the study was planned for, or the reader's first choice
    """

    of: Literal["threshold", "emission", "hair cells", "neurons", "hearing loss", "adverse events"]
    treated: str
    strength: Literal["individuals", "means", "p", "direction"]
    direction: Literal["better", "worse", "none"]
    control: str = ""
    unit: Literal["dB", "%", "cells", "events", ""] = ""
    better: Literal["lower", "higher"] = "lower"
    about: str = ""
    frequency: tuple[str, ...] = ()
    day: str = ""
    each: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    events: Mapping[str, Annotated[int, Field(ge=0)]] = field(default_factory=dict)
    mean: Mapping[str, float] = field(default_factory=dict)
    spread: Mapping[str, float] = field(default_factory=dict)
    spread_is: Literal["SD", "SEM", "95 %", ""] = ""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_below: float | None = None
    p_above: float | None = None
    p_is: Literal["stated", "assumed", ""] = ""
    test: str = ""
    paired: bool = False
    primary: bool = True


@dataclass(frozen=True)
class ForecastOptions(Options):
    """Options of a forecast: a dated question, what is expected, and how it will be resolved; never edited.

    ``dated``, ``by``  the days it was stated and is to be resolved;  ``how``  by what
    ``chance``     that it is so;  or ``quantiles``  of a number in ``unit``, by share, rising
    ``hash``       of all of that, so that a later edit shows
    """

    question: Annotated[str, Field(min_length=1)]
    dated: str
    by: str
    how: Annotated[str, Field(min_length=1)]
    because: Annotated[str, Field(min_length=1)]
    hash: str
    chance: Annotated[float, Field(gt=0, lt=1)] | None = None
    quantiles: Mapping[str, float] = field(default_factory=dict)
    unit: str = ""
    source: str = ""


@dataclass(frozen=True)
class ResolutionOptions(Options):
    """Options of a resolution: the ``forecast`` it resolves, ``on`` which day, what happened, by which ``source``."""

    forecast: Annotated[str, On(("forecasts",))]
    on: str
    source: str
    happened: bool | None = None
    number: float | None = None


@dataclass(frozen=True)
class BiasTable(Options):
    """One item of the risk of bias: its ``answer``, and what in the paper it rests on, in the reader's words."""

    answer: Literal["yes", "no", "not stated"]
    because: str = ""


@dataclass(frozen=True)
class CheckTable(Options):
    """Who compared an entry with its source, and ``on`` which day (2026-11-29)."""

    by: Annotated[str, Field(min_length=1)]
    on: str


@dataclass(frozen=True)
class SimulateTable(Options):
    """A published experiment in the model.

    ``study``    a study file's tables whose arms are named as its groups;  ``because``  what of it was not printed
    ``same``     groups that were done as another, by the name of that arm
    """

    study: Mapping[str, object]
    because: Annotated[str, Field(min_length=1)]
    same: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExperimentOptions(Options):
    """Options of a published experiment.

    ``read``     how far it was read, at its ``locator``;  ``checked``  by whom and when; none counts nowhere
    ``unit``     of analysis: what one of its n is
    ``bias``     by item of SYRCLE (animals) or RoB 2 (people); an item that is not there is not stated
    ``simulate``  the experiment in the model, where that has its insult and its route
    """

    source: Annotated[str, Field(min_length=1)]
    read: Literal["full text", "figure", "abstract", "headings", "second hand", "draft"]
    subject: SubjectTable
    harm: HarmTable
    unit: Literal["animal", "ear", "person", "well", "not stated"]
    group: Annotated[Mapping[str, GroupTable], Field(min_length=1)]
    outcome: Annotated[Mapping[str, OutcomeTable], Field(min_length=1)]
    locator: str = ""
    checked: CheckTable | None = None
    bias: Mapping[str, BiasTable] = field(default_factory=dict)
    note: str = ""
    simulate: SimulateTable | None = None


class Design(Protocol):
    """An experiment or a trial as its file states it: its keys are the fields of the formula."""

    def check(self) -> None:
        """Refuse what single keys do not show; raises BadInput naming the key."""
        ...

    def plan(self) -> Plan:
        """How many are needed and what they can show, by formula; raises BadInput outside what the design is for."""
        ...


# The options of a shelf's entries; of a shelf that is not named, only what their own formulas ask.
OPTIONS: Mapping[str, type[Options]] = {
    "species": SpeciesOptions,
    "strains": StrainOptions,
    "maps": MapOptions,
    "batches": BatchOptions,
    "solutes": SoluteOptions,
    "routes": RouteOptions,
    "insults": InsultOptions,
    "effects": EffectOptions,
    "populations": PopulationOptions,
    "recoveries": RecoveryOptions,
    "harms": HarmOptions,
    "materials": MaterialOptions,
    "devices": DeviceOptions,
    "endpoints": EndpointOptions,
    "instruments": InstrumentOptions,
    "observations": ObservationOptions,
    "claims": ClaimOptions,
    "scales": ScaleOptions,
    "assays": AssayOptions,
    "specifications": SpecificationOptions,
    "checklists": ChecklistOptions,
    "processes": ProcessOptions,
    "tolerances": ToleranceOptions,
    "utilities": UtilityOptions,
    "measurements": MeasurementOptions,
    "experiments": ExperimentOptions,
    "forecasts": ForecastOptions,
    "resolutions": ResolutionOptions,
}
