"""What is measured, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from otosome.errors import BadInput
from otosome.study.tables.base import (
    Concentration,
    Duration,
    Frequency,
    Level,
    Moment,
    Reference,
    Table,
    check_for_species,
    check_kind,
    check_words,
)
from otosome.study.tables.drugs import Fluid, check_place, fluid_word
from otosome.units import LEVELS, Quantity

if TYPE_CHECKING:
    from otosome.study.study import Study


class Measure(Table):
    """What is measured, where and when."""

    endpoint: str = Field(
        description='entry of the shelf endpoints: "abr_threshold", "cell_count", "word_score"'
    )
    frequency: list[Frequency] | None = Field(
        default=None,
        min_length=1,
        description='frequencies it is measured at: ["8 kHz", "16 kHz"]; words have none',
    )
    at: list[Moment] = Field(
        min_length=1, description='when it is measured, from the first insult: ["-1 d", "14 d"]'
    )
    cell: Literal["OHC", "IHC", "synapse", "SGN"] | None = Field(
        default=None, description='what a cell count counts: "OHC", "IHC", "synapse" or "SGN"'
    )
    level: Level | None = Field(default=None, description='sound pressure level of the stimulus: "80 dB SPL"')
    material: str | None = Field(default=None, description='of words, entry of the shelf materials: "nu6"')
    speech: Level | None = Field(default=None, description='level at which words are spoken: "65 dB SPL"')
    noise: Level | None = Field(
        default=None,
        description='level of the noise that words are heard in: "60 dB SPL"; left out, in quiet',
    )
    solute: str | None = Field(
        default=None,
        description='of a concentration, a drug that is given or what it becomes: "dexamethasone"',
    )
    of: Fluid | Literal["scala_media"] | None = Field(
        default=None,
        description='of a concentration, the fluid or tissue: "plasma"; left out, the scala tympani; "scala_media", '
        "endolymph, of solutes that enter it",
    )
    place: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="of a concentration, where along the ear, 0.0 base to 1.0 apex; left out, the mean of all",
    )
    sample: str | None = Field(
        default=None,
        description='of a concentration, the [sample] that is assayed, at the times it is drawn: "tap"',
    )
    collected: Duration | None = Field(
        default=None,
        description="of a concentration, how long a microdialysate was collected until then, whose mean is read, "
        'corrected for recovery: "20 min"',
    )
    limit: Concentration | None = Field(
        default=None, description='of a concentration, the limit of quantification: "5 ng/mL", "0.01 uM"'
    )
    scales: list[str] | None = Field(
        default=None, min_length=1, description='scales of hearing loss to grade people by: ["who_2021"]'
    )

    @property
    def tones(self) -> list[float]:
        """Its frequencies, kHz, as stated. A score of speech has none: results keep it at 1 kHz, amid speech."""
        return [1.0] if self.frequency is None else [float(tone) for tone in self.frequency]

    @property
    def quantity(self) -> str:
        """What is read, in the words of every table of readings: abr_threshold, cell_count.ohc, cisplatin.perilymph."""
        if self.solute is not None:
            return f"{self.solute}.{fluid_word(self.of or 'scala_tympani')}"
        return self.endpoint if self.cell is None else f"{self.endpoint}.{self.cell.lower()}"

    def references(self, study: Study) -> Iterator[Reference]:
        """Its endpoint and the one that hears for it, its material, its scales, and what values such a measure."""
        yield study.reference("endpoints", "endpoint", self.endpoint)
        for name in study.heard(self.endpoint)[1:]:
            yield study.reference("endpoints", "endpoint", name)
        if self.solute is not None:
            yield Reference("solute", self.solute, study.drug_solutes)
        if self.sample is not None:
            yield Reference("sample", self.sample, list(study.tables.sample))
        if self.material is not None:
            yield study.reference("materials", "material", self.material)
        for scale in self.scales or []:
            yield Reference("scales", scale, study.catalog.names("scales"))
        for name in study.catalog.names("utilities"):
            if self.endpoint in study.catalog.get("utilities", name).options.of:
                yield study.reference("utilities", "endpoint", name)

    def moments(self) -> Sequence[Quantity]:
        """When it is measured."""
        return self.at

    def check(self, study: Study) -> None:
        """Its words are those its endpoint asks for, and species and people have what it is computed from."""
        check_for_species(study, "endpoints", self.endpoint, "endpoint")
        check_words(self, study, "endpoints", self.endpoint, {"endpoint", "at", "scales"})
        if self.material is not None:
            check_for_species(study, "materials", self.material, "material")
        if self.solute is not None:
            self._check_concentration(study)
        self._check_curves(study)
        self._check_places(study)
        self._check_norms(study)
        for scale in self.scales or []:
            self._check_scale(study, scale)

    def _check_concentration(self, study: Study) -> None:
        """It is of a fluid and place or of a sample, at the times this is drawn, with a limit that can be read."""
        if self.sample is not None:
            for key in ("of", "place"):
                if getattr(self, key) is not None:
                    raise BadInput("is where the sample is drawn", key=key, given=getattr(self, key))
            drawn = [start for start, _ in study.tables.sample[self.sample].spans]
            for moment in self.at:
                if not any(abs(float(moment) - start) < 1e-9 for start in drawn):
                    raise BadInput(
                        "no sample is drawn then",
                        key="at",
                        given=moment.text,
                        allowed=[f"{t:g} h" for t in drawn],
                    )
        check_place(self.of or "scala_tympani", self.place)
        numbers = study.catalog.get("solutes", str(self.solute)).card.parameters
        if self.of == "scala_media" and "media_entry" not in numbers:
            raise BadInput(
                f"{self.solute} does not say how it enters endolymph",
                key="of",
                given=self.of,
                cure="state media_entry",
            )
        self._check_collected(study)
        in_mass = self.limit is not None and self.limit.unit != "uM"
        if in_mass and "molar_mass" not in numbers:
            raise BadInput(f"{self.solute} has no molar_mass", key="limit", given=str(self.limit))

    def _check_collected(self, study: Study) -> None:
        """A dialysate is of a place, over a time that is above zero."""
        if self.collected is None:
            return
        if self.sample is not None:
            raise BadInput(
                "is of a probe in place, and a sample is drawn", key="collected", given=self.collected.text
            )
        if self.collected <= 0.0:
            raise BadInput("must lie above zero", key="collected", given=self.collected.text)

    @property
    def begun(self) -> list[float]:
        """When each dialysate began to be collected, h; none where none is."""
        return [] if self.collected is None else [float(moment) - float(self.collected) for moment in self.at]

    def _check_curves(self, study: Study) -> None:
        """The species has every curve that the endpoint is read from."""
        species = study.species.card
        for curve, by_species in study.catalog.get("endpoints", self.endpoint).card.profiles.items():
            if curve not in species.profiles and by_species.keys().isdisjoint((species.stem, "")):
                raise BadInput(
                    f"{species.stem} has no curve {curve} for {self.endpoint}",
                    file=species.file,
                    key=f"profile.{curve}",
                    cure=f"add [profile.{curve}] to species/{species.stem}.toml",
                )

    def _check_places(self, study: Study) -> None:
        """Every frequency has a place in the cochlea of the species."""
        high, low = study.tonotopy(study.best_values).frequency(np.array([0.0, 1.0])).ravel()
        for tone in self.frequency or []:
            if not low <= tone <= high:
                raise BadInput(
                    f"is beyond the place map of {study.tables.species}",
                    key="frequency",
                    given=tone.text,
                    allowed=f"{low:.3g} to {high:.3g} kHz",
                )

    def _check_norms(self, study: Study) -> None:
        """Where an endpoint asks for the level an ear arrives with, its population knows one at every frequency."""
        formula = study.catalog.get("endpoints", self.endpoint).formula
        asks = formula is not None and "population" in {field.name for field in fields(formula)}
        if not asks or self.frequency is None:
            return
        other = study.other()
        for people in (study.people, None if other is None else other.people):
            if people is not None:
                with study.as_far_as_read("frequency"):
                    people.check(np.array(self.tones))

    def _check_scale(self, study: Study, scale: str) -> None:
        """A scale is asked of levels in dB HL, once, with the frequencies and the baseline it needs."""
        if study.catalog.get("endpoints", self.endpoint).options.unit != "dB HL":
            raise BadInput("grades are of hearing levels in dB HL", key="scales", given=self.endpoint)
        measures = study.tables.measure
        names = [*measures, *(name for measure in measures.values() for name in measure.scales or [])]
        if names.count(scale) > 1:
            raise BadInput("names two things of a result", key="scales", given=scale)
        tested = np.unique(self.tones)
        level = np.zeros((1, tested.size))
        try:
            study.scale(scale).grade(level, tested, baseline=level)
        except BadInput as error:
            error.key = "scales"
            raise


class Preference(Table):
    """How what is measured and adverse events are weighed: so much of a measure is worth 1, and an event so many.

    Where no measure is named, ten points of words understood in quiet are worth 1; an event that is not, its own.
    """

    measures: dict[str, Quantity] = Field(
        default={}, description='how much of a measure is worth 1, in a unit of it: { words = "10 %" }'
    )
    adverse_events: dict[str, Annotated[float, Field(ge=0.0, le=1e6)]] = Field(
        default={}, description="what one adverse event costs, in the same worth: { infection = 5.0 }"
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """Measures of the study, and adverse events of the shelf adverse events."""
        for name in self.measures:
            yield Reference("measures", name, list(study.tables.measure))
        for name in self.adverse_events:
            yield Reference("adverse_events", name, study.catalog.names("adverse_events"))

    def check(self, study: Study) -> None:
        """What is preferred is worth something, in a unit of its kind."""
        for name, worth in self.measures.items():
            unit = study.unit(name)
            check_kind(worth, "dB" if unit in LEVELS else unit, f"measures.{name}")
            if worth <= 0:
                raise BadInput("must lie above zero", key=f"measures.{name}", given=worth.text)
