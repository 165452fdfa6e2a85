"""Drugs that are given: which solute, by which route, how much, and how it is let go; and where it is followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from math import log
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from otosome.errors import BadInput
from otosome.model.transport.solute import CONVERSIONS, Solute
from otosome.study.tables.base import (
    Concentration,
    DrugAmount,
    Duration,
    Moment,
    Reference,
    Table,
    Volume,
    VolumeRate,
    check_fits,
    check_moment,
)
from otosome.units import Quantity

if TYPE_CHECKING:
    from otosome.study.study import Study

Fluid = Literal[
    "scala_tympani",
    "scala_vestibuli",
    "vestibule",
    "organ_of_corti",
    "lateral_wall",
    "rosenthals_canal",
    "middle_ear",
    "cerebrospinal_fluid",
    "plasma",
]
_PERILYMPH = ("scala_tympani", "vestibule")
# What laboratories call the fluids that drugs are measured in.
FLUIDS = {"perilymph": "scala_tympani", "st": "scala_tympani", "sv": "scala_vestibuli", "blood": "plasma"}
FLUIDS |= {"endolymph": "scala_media", "serum": "plasma", "cp": "plasma", "csf": "cerebrospinal_fluid"}


def fluid_word(fluid: str) -> str:
    """How tables of readings name a fluid: what a laboratory draws of the scala tympani is perilymph."""
    return {"scala_tympani": "perilymph", "scala_media": "endolymph"}.get(fluid, fluid)


class Release(Table):
    """How a gel or an implant lets a drug go: by a half-time, evenly over a time, or either after a burst."""

    half_time: Duration | None = Field(
        default=None, description='first order, half of what is left in each: "12 h"'
    )
    over: Duration | None = Field(default=None, description='zero order, evenly until it is empty: "5 d"')
    burst: float = Field(default=0.0, ge=0.0, le=1.0, description="share that leaves in a burst: 0.3")
    burst_half_time: Duration | None = Field(default=None, description='half-time of the burst: "1 h"')

    def check(self, study: Study) -> None:
        """One way to let it go, and a burst with its half-time."""
        if (self.half_time is None) == (self.over is None):
            raise BadInput("is by a half_time or over a time", key="release", given=self._stated)
        if (self.burst > 0.0) != (self.burst_half_time is not None):
            raise BadInput("a burst has a burst_half_time", key="release.burst", given=self._stated)
        for key in ("half_time", "over", "burst_half_time"):
            if getattr(self, key) is not None and getattr(self, key) <= 0.0:
                raise BadInput("must lie above zero", key=f"release.{key}", given=getattr(self, key).text)

    @property
    def _stated(self) -> list[str]:
        return sorted(self.model_fields_set)


class Point(Table):
    """A concentration that was measured: when, of what, where, of whom."""

    time: Moment = Field(description='when, from time zero: "4 h"')
    value: Concentration = Field(
        description='how much: "1.2 ug/mL", "3 uM"; the limit, of what lies beyond it'
    )
    censored: Literal["none", "below", "above"] = Field(
        default="none",
        description='whether it lies "below" a limit of quantification, "above" one, or "none"',
    )
    solute: str = Field(description='the drug, or what it becomes: "dexamethasone"')
    probe: str = Field(description='the [probe] it is drawn at: "base"')
    animal: str = Field(default="", description='of whom: "gp 3"')


class DrugUse(Table):
    """A drug that is given: a solute by a route, in an amount or at a concentration, each time anew."""

    solute: str = Field(description='entry of the shelf solutes: "dexamethasone", "gentamicin"')
    route: str = Field(description='entry of the shelf routes: "round_window", "intravenous"')
    at: list[Moment] = Field(
        min_length=1, description='when it is given, from time zero; each time anew: ["0 h", "24 h"]'
    )
    amount: DrugAmount | None = Field(
        default=None,
        description='each time: by body mass ("4 mg/kg"), body surface ("75 mg/m2") or in all ("3 mg")',
    )
    concentration: Concentration | None = Field(
        default=None, description='instead of an amount, in its volume: "4 mg/mL", "2 mM"'
    )
    volume: Volume | None = Field(
        default=None,
        description='the fluid it comes in each time: "5 uL"; a route that begins in the ear needs it',
    )
    rate: VolumeRate | None = Field(
        default=None,
        description='of a pump, instead of a volume, with a concentration and a duration: "1 uL/h"',
    )
    duration: Duration | None = Field(
        default=None,
        description='how long an infusion or a pump lasts each time: "10 min"; left out, at once',
    )
    release: Release | None = Field(
        default=None, description="how a gel or an implant lets it go; left out, all of it is free at once"
    )
    place: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="where along the scala or canal it enters, 0.0 to 1.0; left out, as the route has it",
    )
    outlet: Literal["aqueduct", "round_window", "oval_window", "vent"] | None = Field(
        default=None,
        description='where perilymph leaves that its fluid pushes on: "round_window"; left out, as the route has it',
    )

    measured: str | None = Field(
        default=None,
        description='a table beside the study of what was measured of it, drawn on its curves: "pk.csv"; columns '
        "animal, time_h, concentration_ug_ml, compartment (a fluid, or the name of a probe)",
    )
    points: list[Point] = Field(default=[], description="what that table holds, once it is read")

    def references(self, study: Study) -> Iterator[Reference]:
        """Its solute, what the body makes of it, its route, and the insults that follow from it."""
        for name in dict.fromkeys((self.solute, *study.carried(self.solute))):
            yield study.reference("solutes", "solute", name)
        yield study.reference("routes", "route", self.route)
        for name in study.following(self.solute) if study.tables.measure else ():
            yield study.reference("insults", "solute", name)

    def moments(self) -> Sequence[Quantity]:
        """When it is given."""
        return self.at

    @property
    def fluid(self) -> float | None:
        """The fluid of each time, uL: its volume, or what a pump drives in; None where none is stated."""
        if self.rate is not None and self.duration is not None:
            return float(self.rate) * float(self.duration)
        return None if self.volume is None else float(self.volume)

    @property
    def span(self) -> float:
        """How long each time lasts, h."""
        return 0.0 if self.duration is None else float(self.duration)

    def check(self, study: Study) -> None:
        """It is stated whole, in a space that holds it, and let go in one way."""
        self._check_numbers(study)
        self._check_pump(study)
        check_dose(self, study, self.solute)
        into = study.catalog.get("routes", self.route).options.into
        for key in ("place", "outlet"):
            if getattr(self, key) is not None and into not in _PERILYMPH:
                raise BadInput(f"{self.route} does not begin in perilymph", key=key, given=getattr(self, key))
        if self.release is not None:
            self.release.check(study)
            if self.duration is not None:
                raise BadInput(
                    "what is released is laid in at once", key="duration", given=self.duration.text
                )
        for moment in self.at:
            check_moment(study, moment, float(moment) + self.span)

    def _check_numbers(self, study: Study) -> None:
        """Its solute has every number this dose needs; one that lacks is named, with a solute to borrow it from."""
        mass = [quantity for quantity in (self.amount, self.concentration) if quantity is not None]
        in_mass = ["molar_mass"] if any(quantity.unit != "uM" for quantity in mass) else []
        for name in study.carried(self.solute):
            entry = study.catalog.get("solutes", name)
            needs = [field.name for field in fields(Solute) if field.default is MISSING]
            for number in [*needs, *(in_mass if name == self.solute else [])]:
                if number not in entry.card.parameters:
                    raise BadInput(
                        f"{name} has no {number}",
                        file=entry.card.file,
                        key=number,
                        cure=f"state it with its source, or borrow it aloud from {_nearest(study, name, number)}, the "
                        "nearest solute that has one: basis assumed, scaled_from, rule and because",
                    )
        converts = any(
            number in CONVERSIONS for number in study.catalog.get("solutes", self.solute).card.parameters
        )
        if converts != (len(study.carried(self.solute)) == 2):
            words = "a prodrug says what it becomes and how fast"
            raise BadInput(words, key="solute", given=self.solute, allowed=list(CONVERSIONS))

    def _check_pump(self, study: Study) -> None:
        """A pump has a concentration and a duration, and no volume or amount besides."""
        if self.rate is None:
            return
        if self.duration is None or self.duration <= 0.0:
            raise BadInput("a pump runs for a time", key="duration", cure='state it: duration = "7 d"')
        if self.volume is not None or self.concentration is None:
            raise BadInput("a pump has a concentration, and its rate and duration are its volume", key="rate")
        if self.rate <= 0.0:
            raise BadInput("must lie above zero", key="rate", given=self.rate.text)


def _nearest(study: Study, solute: str, number: str) -> str:
    """The solute nearest by diffusion that has a number; a solute without one is taken for a common small drug."""

    def diffusion(name: str) -> float:
        known = study.catalog.get("solutes", name).card.parameters.get("diffusion")
        return log(next(iter(known.values())).value) if known else log(2.5)

    others = [
        name
        for name in study.catalog.names("solutes")
        if name != solute
        and {number, "diffusion"} <= study.catalog.get("solutes", name).card.parameters.keys()
    ]
    return min(others, key=lambda name: abs(diffusion(name) - diffusion(solute)))


def check_dose(use: DrugUse, study: Study, entry: str) -> None:
    """A dose is an amount, or a concentration in a volume; in a space of the ear it comes in a volume that fits."""
    if (use.amount is None) == (use.concentration is None):
        raise BadInput(f"{entry} needs an amount, or a concentration with its volume", key="amount")
    # Without fluid nothing crosses the windows of a dry middle ear, and in the duct nothing is pushed on.
    if use.fluid is None and (use.concentration is not None or study.is_local(use.route)):
        raise BadInput("comes in a volume of fluid", key="volume", cure='state it: volume = "5 uL"')
    if use.volume is not None:
        check_fits(study, use.volume)
    into = study.catalog.get("routes", use.route).options.into
    if use.volume is not None and into in _PERILYMPH and use.volume > study.perilymph:
        raise BadInput(
            "is more than all perilymph of the ear",
            key="volume",
            given=use.volume.text,
            allowed=f"up to {study.perilymph:.3g} uL",
        )


class Probe(Table):
    """Where a drug's concentration is followed over time: a fluid or tissue, at a place or all along it."""

    of: Fluid = Field(default="scala_tympani", description='the fluid or tissue: "scala_tympani", "plasma"')
    place: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="where along the ear, from 0.0 at the base to 1.0 at the apex; left out, the mean of all",
    )

    def check(self, study: Study) -> None:
        """A fluid that is one for the whole ear has no place."""
        check_place(self.of, self.place)


def check_place(of: str, place: float | None) -> None:
    """A fluid without places is asked at none."""
    if place is not None and of in ("vestibule", "middle_ear", "cerebrospinal_fluid", "plasma"):
        raise BadInput(f"{of} has no places", key="place", given=place)
