"""A study file, key by key. Each table stands with its own checks in a module of its kind; here they come together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from otosome.errors import BadInput
from otosome.study.tables.arms import Arm, Compare
from otosome.study.tables.base import LONGEST, Moment, Reference, Table
from otosome.study.tables.drugs import DrugUse, Probe, Release
from otosome.study.tables.exposures import DeviceUse, InsultUse, SampleUse, Treatment
from otosome.study.tables.measures import Measure, Preference
from otosome.study.tables.people import CohortUse, Enrolment, PopulationUse, RecoveryUse
from otosome.study.tables.pins import Number, StatedCurve

if TYPE_CHECKING:
    from otosome.study.study import Study

__all__ = [
    "LONGEST",
    "Arm",
    "CohortUse",
    "Compare",
    "DeviceUse",
    "DrugUse",
    "Enrolment",
    "InsultUse",
    "Measure",
    "Number",
    "PopulationUse",
    "Preference",
    "Probe",
    "RecoveryUse",
    "Release",
    "SampleUse",
    "StatedCurve",
    "Table",
    "Tables",
    "Treatment",
]

# What a result holds beside its measures; a measure of such a name would be lost in it.
_TAKEN = (
    "arm subject world lot run person weight time frequency place cell cells intact injured silent stria arrived spare "
    "vesicles protein plasma signal where time_error mass_balance_error sample place_frequency place_distance hour "
    "probe"
).split()
_PREFIXES = ("window_", "sampled_", "other_", "concentration_", "along_")
_NAME = re.compile(r"\w[\w .+-]{0,59}")


def _name_in_result(name: str) -> str:
    if name in _TAKEN or name.startswith(_PREFIXES) or not _NAME.fullmatch(name):
        raise ValueError(
            "cannot name a measure or a sample: a name has letters, digits, blanks, '.', '+' and '-', "
            f"begins with none of {', '.join(_PREFIXES)}, and is none of {', '.join(_TAKEN)}"
        )
    return name


def _of_today(key: object) -> object:
    """The first key of a study file; "scenario/1" is what "study/1" was called, and is read as it."""
    return "study/1" if key == "scenario/1" else key


NameInResult = Annotated[str, AfterValidator(_name_in_result)]


class Tables(Table):
    """A study file, key by key."""

    otosome: Annotated[Literal["study/1"], BeforeValidator(_of_today)] = Field(
        description='what the file is and the edition of its keys: "study/1"'
    )
    version: str | None = Field(default=None, description='version of otosome that saved the study: "0.2.0"')
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="seed of the draws, where the command line names none: 1"
    )
    title: str = Field(default="", description='its title in reports: "Vesicles before noise in the mouse"')
    question: str = Field(default="", description="what it asks, in a sentence or two")
    readings: str | None = Field(
        default=None,
        description="what was measured of its arms, laid over every run of it: a table of readings, or the folder of "
        'an import, beside the study: "imported"',
    )
    species: str = Field(description='entry of the shelf species: "mouse", "guinea_pig", "human"')
    strain: str | None = Field(
        default=None,
        description='entry of the shelf strains: "cba_jrj"; left out, animals are of a mixture of strains',
    )
    cohort: CohortUse | None = Field(
        default=None, description="which ears are of one animal, and which animals were exposed together"
    )
    population: PopulationUse | None = Field(
        default=None, description="who the people are; animals need none"
    )
    until: Moment | None = Field(
        default=None,
        description='end of the study, from the first insult: "14 d"; left out, its last measure',
    )
    fineness: int = Field(
        default=1,
        ge=1,
        le=8,
        description="how many times as many places and steps as by default: 2; the time it takes grows as the square",
    )
    insult: dict[str, InsultUse] = Field(
        default={}, description="what injures the ear, by a name of one's own"
    )
    drug: dict[str, DrugUse] = Field(default={}, description="drugs that are given, by a name of one's own")
    probe: dict[NameInResult, Probe] = Field(
        default={},
        description="where drugs are followed over time, by a name of one's own; left out, base, middle and apex of "
        "the scala tympani, plasma and cerebrospinal fluid",
    )
    treatment: dict[str, Treatment] = Field(default={}, description="what treats it, by a name of one's own")
    device: dict[str, DeviceUse] = Field(
        default={}, description="what is worn or put in, by a name of one's own"
    )
    recovery: RecoveryUse | None = Field(
        default=None, description="what hearing regains by itself in every arm"
    )
    enrolment: Enrolment | None = Field(default=None, description="who of the people is taken in")
    sample: dict[NameInResult, SampleUse] = Field(
        default={}, description="perilymph that is drawn, by a name of one's own"
    )
    arm: list[Arm] = Field(
        min_length=1, max_length=200, description="the groups that are compared, each [[arm]]"
    )
    measure: dict[NameInResult, Measure] = Field(
        default={},
        description="what is measured, by a name of one's own; a study of drugs alone may have none",
    )
    compare: Compare | None = Field(
        default=None,
        description="the comparison that is the headline of the report, one a study; further arms that are treated "
        "stand beside it, against the same arm",
    )
    preference: Preference | None = Field(
        default=None, description="how measures and adverse events are weighed where therapies are compared"
    )
    mechanisms: list[str] | None = Field(
        default=None, description='mechanisms by which vesicles may act: ["hsp70"]; left out, the whole shelf'
    )
    batch: dict[str, dict[str, object]] = Field(
        default={}, description="batches that the study states itself, each as an entry of the shelf batches"
    )
    numbers: dict[str, Number] = Field(
        default={}, description='numbers stated in place of the shelves\', by full name: "insults.noise.ohc"'
    )
    curves: dict[str, StatedCurve] = Field(
        default={},
        description='curves stated in place of the shelves\', by full name: "species.human.scala_tympani"',
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """Its species, its strain and its mechanisms."""
        yield study.reference("species", "species", self.species)
        if self.strain is not None:
            yield study.reference("strains", "strain", self.strain)
        for name in study.mechanisms:
            yield Reference("mechanisms", name, study.catalog.names("mechanisms"))

    def check(self, study: Study) -> None:
        """Its strain is one of its species."""
        if self.strain is None:
            return
        species = study.catalog.get("strains", self.strain).options.species
        if species != self.species:
            raise BadInput(
                f"is a strain of another species, {species}",
                key="strain",
                given=self.strain,
                allowed=study.catalog.strains(self.species),
            )

    def each(self) -> Iterator[tuple[str, Table]]:
        """Every table with the key it stands under, ``insult.blast``; the study itself first, under ""."""
        yield "", self
        for key in type(self).model_fields:
            value = getattr(self, key)
            if isinstance(value, Table):
                yield key, value
            elif isinstance(value, dict):
                yield from (
                    (f"{key}.{name}", table) for name, table in value.items() if isinstance(table, Table)
                )
            elif key == "arm":
                yield from ((f"arm.{arm.name}", arm) for arm in self.arm)
