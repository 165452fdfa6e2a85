"""Who the ears belong to: a population, what its hearing regains by itself, and who of it is taken in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from otosome.errors import BadInput
from otosome.study.tables.base import (
    Age,
    Duration,
    Loudness,
    Reference,
    Table,
    check_for_species,
    check_kind,
    check_words,
)
from otosome.units import Quantity

if TYPE_CHECKING:
    from otosome.study.study import Study


class CohortUse(Table):
    """Which ears are of one animal, which animals were exposed together; left out, each alone and with one ear."""

    ears: int = Field(default=1, ge=1, le=2, description="ears of each animal that are studied: 1 or 2")
    animals: int = Field(default=1, ge=1, le=1000, description="animals exposed together, in one run: 5")

    def check(self, study: Study) -> None:
        """It is about animals."""
        if study.tables.population is not None:
            raise BadInput("is about animals, and this study is of people", cure="leave the table out")


class PopulationUse(Table):
    """Who the subjects are: people of an age and sex, who may have worked in noise; or those of an audiogram file."""

    entry: str = Field(description='entry of the shelf populations: "otologically_normal"')
    sex: Literal["male", "female", "both"] | None = Field(
        default=None, description='sex of the people: "male", "female" or "both"'
    )
    age: Age | Annotated[list[Age], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description='one age ("60 year"), or the youngest and the oldest (["60 year", "70 year"])',
    )
    noise_level: Loudness | None = Field(
        default=None, description='level of the noise they worked in, dB(A) written as dB: "90 dB"'
    )
    noise_time: Age | None = Field(default=None, description='how long they worked in noise: "20 year"')
    extended: bool | None = Field(
        default=None,
        description="whether the norms go on from 8 to 16 kHz, with medians of 411 people up to 70 years: true",
    )
    audiogram: str | None = Field(
        default=None, description='file of audiograms beside the study: "audiogram.csv"; it is read once'
    )
    person: str | None = Field(
        default=None,
        max_length=120,
        description='whose audiogram, where the file holds several people: "A17"',
    )
    ear: Literal["left", "right", "better"] | None = Field(
        default=None, description='ear that is studied: "left", "right" or the "better" one'
    )
    interpolate: bool | None = Field(
        default=None,
        description="whether a mean may take an untested frequency from its neighbours: true",
    )
    other: Literal["treated", "untreated"] | None = Field(
        default=None,
        description='the person\'s other ear: "treated" like the one studied (by default), or "untreated"',
    )
    readings: dict[str, list[float] | list[str]] | None = Field(
        default=None,
        description="what the audiogram file held, by column, as a saved study states it; the file is not read again",
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """Its entry."""
        yield study.reference("populations", "entry", self.entry)

    def check(self, study: Study) -> None:
        """Its words are those its entry asks for, and its entry knows these people."""
        check_for_species(study, "populations", self.entry, "entry")
        if "readings" in study.catalog.get("populations", self.entry).options.asks and self.readings is None:
            raise BadInput(
                f"{self.entry} needs a file",
                key="audiogram",
                cure='audiogram = "..." names one beside the study; or run a study with --audiogram FILE',
            )
        check_words(self, study, "populations", self.entry, {"entry", "readings"})
        if (self.noise_level is None) != (self.noise_time is None):
            raise BadInput("a noise at work has a level and a time, or neither")
        with study.as_far_as_read():
            people = study.people
            # What its file holds is looked at once it is asked what it covers.
            _ = people is None or people.covered

    def words(self) -> dict[str, object]:
        """What it says to its entry, ages and times in h."""
        words: dict[str, object] = {
            "sex": self.sex,
            "ear": self.ear,
            "readings": self.readings,
            "interpolate": self.interpolate,
            "extended": self.extended,
        }
        if self.age is not None:
            ages = self.age if isinstance(self.age, list) else [self.age] * 2
            words["age"] = [float(age) for age in ages]
        if self.noise_level is not None and self.noise_time is not None:
            words |= {"noise_level": float(self.noise_level), "noise_time": float(self.noise_time)}
        return {key: value for key, value in words.items() if value is not None}


class RecoveryUse(Table):
    """What hearing regains by itself in every arm, and how long after onset its people entered the study."""

    entry: str = Field(description='entry of the shelf recoveries: "sudden_loss"')
    entered: Duration | None = Field(
        default=None, description='time from the onset of the loss to time zero of the study: "3 d"'
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """Its entry."""
        yield study.reference("recoveries", "entry", self.entry)

    def check(self, study: Study) -> None:
        """Its words are those its entry asks for."""
        check_for_species(study, "recoveries", self.entry, "entry")
        check_words(self, study, "recoveries", self.entry, {"entry"})


class Enrolment(Table):
    """Who is taken in: people of whom a measure, read once as they come, lies between two ends, both included."""

    measure: str = Field(
        description='measure of the study that decides, its mean where it has several frequencies: "words"'
    )
    lowest: Quantity | None = Field(
        default=None, description='lowest reading taken in, in a unit of the measure: "10 %"'
    )
    highest: Quantity | None = Field(
        default=None, description='highest reading taken in, in a unit of the measure: "60 %"'
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """The measure that decides."""
        yield Reference("measure", self.measure, list(study.tables.measure))

    def check(self, study: Study) -> None:
        """There are people to choose among, and its ends are of the measure's kind and rise."""
        if study.ear is not None:
            raise BadInput("chooses among people, and this study is of one")
        if self.lowest is None and self.highest is None:
            raise BadInput("excludes nobody", cure="give it a lowest, a highest or both")
        for key, end in (("lowest", self.lowest), ("highest", self.highest)):
            if end is not None:
                check_kind(end, study.unit(self.measure), key)
        if self.lowest is not None and self.highest is not None and self.lowest > self.highest:
            raise BadInput("lies above the highest", key="lowest", given=self.lowest.text)
