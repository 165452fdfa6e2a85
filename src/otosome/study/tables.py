"""A study file, key by key: its tables and the quantities they hold, bounded before anything is computed."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from otosome.units import Quantity, house, split

# A knot list for a longer study would outgrow memory; no published animal study is longer.
LONGEST = 2 * 365 * 24.0


def _of(*units: str, least: float = -math.inf, most: float = math.inf) -> AfterValidator:
    """Accept a quantity of the kind of one of these units, within bounds in its house unit."""
    kinds = {house(unit) for unit in units}

    def check(quantity: Quantity) -> Quantity:
        if quantity.unit not in kinds:
            stated = split(quantity.text)[1]
            raise ValueError(f"unit is {stated!r}; expected one convertible to {' or '.join(units)}")
        if quantity < 0 <= least:
            raise ValueError("must not be negative")
        if not least <= quantity <= most:
            raise ValueError(f"must lie from {least:g} to {most:g} {quantity.unit}")
        return quantity

    return AfterValidator(check)


# Bounds far beyond any laboratory: what lies outside them is a slip, and numbers there can no longer be computed.
Moment = Annotated[Quantity, _of("h")]
Duration = Annotated[Quantity, _of("h", least=0.0, most=LONGEST)]
Volume = Annotated[Quantity, _of("uL", least=1e-3, most=1e6)]
InsultAmount = Annotated[Quantity, _of("mg/kg", "mg/m2", "ug", least=0.0, most=1e9)]
Amount = Annotated[Quantity, _of("particles", "ug", "cells", least=0.0, most=1e18)]
Level = Annotated[Quantity, _of("dB SPL", least=-100.0, most=250.0)]
Frequency = Annotated[Quantity, _of("kHz", least=1e-3, most=1e3)]
Age = Annotated[Quantity, _of("h", least=0.0, most=Quantity("150 year"))]
Loudness = Annotated[Quantity, _of("dB", least=0.0, most=250.0)]
Length = Annotated[Quantity, _of("mm", least=0.0, most=1e3)]


class Table(BaseModel):
    """A table of a study file: what it does not know is refused, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PopulationUse(Table):
    """Who the subjects are: people of an age, or of all ages between two, of one sex or both, who worked in noise;
    or those whose audiograms a file holds.

    ``audiogram``    a file beside the study;  ``readings``  what it held, by column: then it is not read again
    ``person``       whose audiogram, where the file holds those of several
    ``interpolate``  whether a frequency that was not tested may be taken from its neighbours where a mean needs it
    ``other``        whether the person's other ear gets what is given to the one studied, as if nothing is said
    """

    entry: str
    sex: Literal["male", "female", "both"] | None = None
    age: Age | Annotated[list[Age], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description='one age ("60 year"), or the youngest and the oldest (["60 year", "70 year"])',
    )
    noise_level: Loudness | None = None
    noise_time: Age | None = None
    audiogram: str | None = None
    person: str | None = Field(default=None, max_length=120)
    ear: Literal["left", "right", "better"] | None = None
    interpolate: bool | None = None
    other: Literal["treated", "untreated"] | None = None
    readings: dict[str, list[float] | list[str]] | None = None


class InsultUse(Table):
    """One insult: a drug by a route, a noise at a level, or an event at a depth."""

    entry: str
    at: list[Moment] = Field(min_length=1)
    route: str | None = None
    amount: InsultAmount | None = None
    duration: Duration | None = None
    level: Level | None = None
    band: list[Frequency] | None = Field(default=None, min_length=2, max_length=2)
    depth: Length | None = None


class Treatment(Table):
    """One treatment: a batch by a route; without an amount, the volume of the batch as it is."""

    batch: str
    route: str
    at: list[Moment] = Field(min_length=1)
    volume: Volume
    amount: Amount | None = None
    duration: Duration | None = None
    potency: float = Field(default=1.0, ge=0.0, le=1e6)


class DeviceUse(Table):
    """Something worn or put in: since when, how deep, and for a graft or a coat what it releases and how much it is."""

    entry: str
    at: Moment = Quantity("0 h")
    depth: Length | None = None
    batch: str | None = None
    amount: Amount | None = None
    potency: float = Field(default=1.0, ge=0.0, le=1e6)


class RecoveryUse(Table):
    """What hearing regains by itself in every arm, and how long after onset its people entered the study."""

    entry: str
    entered: Duration | None = None


class Enrolment(Table):
    """Who is taken in: people of whom a measure, read once as they come, lies between two ends, both included.

    Of a measure at several frequencies it is the mean over these.
    """

    measure: str
    lowest: Quantity | None = None
    highest: Quantity | None = None


class Preference(Table):
    """How what is measured and harms are weighed: so much of a measure is worth 1, and an event of a harm so many.

    Where no measure is named, ten points of words understood in quiet are worth 1; where a harm is not, its own weight.
    """

    measures: dict[str, Quantity] = {}
    harms: dict[str, Annotated[float, Field(ge=0.0, le=1e6)]] = {}


class SampleUse(Table):
    """Perilymph drawn from every ear as a laboratory does: the volume is what is measured, and it is gone then."""

    at: list[Moment] = Field(min_length=1)
    volume: Volume
    of: Literal["scala_tympani", "scala_vestibuli", "vestibule"] = "scala_tympani"
    place: float = Field(default=0.0, ge=0.0, le=1.0)
    duration: Duration | None = None


class Arm(Table):
    """One group: what it suffers, what it gets and wears, and which mechanisms are knocked out."""

    name: str = Field(min_length=1, max_length=120)
    insults: list[str] = []
    treatments: list[str] = []
    devices: list[str] = []
    without: list[str] = []


class Measure(Table):
    """What is measured, where and when."""

    endpoint: str
    frequency: list[Frequency] | None = Field(default=None, min_length=1)
    at: list[Moment] = Field(min_length=1)
    cell: Literal["OHC", "IHC", "synapse", "SGN"] | None = None
    level: Level | None = None
    material: str | None = None
    speech: Level | None = None
    noise: Level | None = None
    scales: list[str] | None = Field(default=None, min_length=1)

    @property
    def tones(self) -> list[float]:
        """Its frequencies, kHz, as stated. A score of speech has none: results keep it at 1 kHz, amid speech."""
        return [1.0] if self.frequency is None else [float(tone) for tone in self.frequency]


class Compare(Table):
    """The headline: which measure, of which arm, against which; and the null-vesicle twin."""

    measure: str
    of: str
    against: str
    null: str | None = None


class Number(Table):
    """A number pinned in the study: it replaces the shelf's."""

    value: str
    low: str | None = None
    high: str | None = None
    shape: str | None = None
    subjects: float | None = Field(default=None, ge=0.0)
    lots: float | None = Field(default=None, ge=0.0)
    additive: bool | None = None
    basis: str
    meaning: str = ""
    source: str | None = None
    because: str = ""
    species: str = ""
    linked: dict[str, float] = {}
    shelf: bool = False


class StatedCurve(Table):
    """A curve stated in the study: it replaces the shelf's."""

    columns: dict[str, list[float]]
    basis: str
    source: str | None = None
    because: str = ""
    species: str = ""
    shelf: bool = False


def _of_today(key: object) -> object:
    """The first key of a study file; "scenario/1" is what "study/1" was called, and is read as it."""
    return "study/1" if key == "scenario/1" else key


class Tables(Table):
    """A study file, key by key.

    ``fineness``  how many times the default number of places and of steps it is computed with; time grows as its square
    """

    otosome: Annotated[Literal["study/1"], BeforeValidator(_of_today)]
    version: str | None = None
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    title: str = ""
    question: str = ""
    species: str
    population: PopulationUse | None = None
    until: Moment | None = None
    fineness: int = Field(default=1, ge=1, le=8)
    insult: dict[str, InsultUse] = {}
    treatment: dict[str, Treatment] = {}
    device: dict[str, DeviceUse] = {}
    recovery: RecoveryUse | None = None
    enrolment: Enrolment | None = None
    sample: dict[str, SampleUse] = {}
    arm: list[Arm] = Field(min_length=1)
    measure: dict[str, Measure] = Field(min_length=1)
    compare: Compare | None = None
    preference: Preference | None = None
    mechanisms: list[str] | None = None
    batch: dict[str, dict[str, Any]] = {}
    numbers: dict[str, Number] = {}
    curves: dict[str, StatedCurve] = {}
