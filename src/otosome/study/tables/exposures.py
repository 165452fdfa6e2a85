"""What is done to an ear: insults, treatments, devices and samples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from otosome.errors import BadInput
from otosome.study.tables.base import (
    Amount,
    Concentration,
    DrugAmount,
    Duration,
    Frequency,
    Length,
    Level,
    Moment,
    Reference,
    Table,
    Volume,
    check_depth,
    check_fits,
    check_for_species,
    check_moment,
    check_words,
)
from otosome.study.tables.drugs import DrugUse, check_dose
from otosome.units import Quantity

if TYPE_CHECKING:
    from otosome.study.study import Study

_POTENCY = (
    "factor on what the batch can do: 1.0 as it is, 0.0 for the null twin that every effect is compared with"
)

# Of spheres, however they are packed.
_PACKING = math.pi / (3 * math.sqrt(2))


class InsultUse(Table):
    """One insult: a drug by a route, a noise at a level, or an event at a depth."""

    entry: str = Field(description='entry of the shelf insults: "cisplatin", "noise", "sham_surgery"')
    at: list[Moment] = Field(
        min_length=1, description='when it begins, from the first insult; each time anew: ["0 h", "7 d"]'
    )
    route: str | None = Field(
        default=None, description='of a drug, entry of the shelf routes: "intraperitoneal"'
    )
    amount: DrugAmount | None = Field(
        default=None,
        description='of a drug, each time: by body mass ("12 mg/kg"), body surface ("75 mg/m2") or in all ("3 mg")',
    )
    volume: Volume | None = Field(
        default=None,
        description='of a drug, the fluid it comes in each time: "5 uL"; a route that begins in the ear needs it',
    )
    concentration: Concentration | None = Field(
        default=None, description='of a drug, instead of an amount, in that volume: "40 mg/mL", "2 mM"'
    )
    duration: Duration | None = Field(
        default=None, description='how long a noise or an infusion lasts each time: "2 h"'
    )
    level: Level | None = Field(
        default=None, description='of a noise, its sound pressure level: "100 dB SPL"'
    )
    band: list[Frequency] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description='of a noise, its lowest and highest frequency: ["8 kHz", "16 kHz"]',
    )
    depth: Length | None = Field(
        default=None, description='of an event, how far an instrument goes from the round window: "20 mm"'
    )

    def references(self, study: Study) -> Iterator[Reference]:
        """Its entry and its route."""
        yield study.reference("insults", "entry", self.entry)
        if self.route is not None:
            yield study.reference("routes", "route", self.route)

    def moments(self) -> Sequence[Quantity]:
        """When it begins."""
        return self.at

    def check(self, study: Study) -> None:
        """It says all that its entry needs, and nothing its entry has no use for."""
        drugs = study.drugs(self)
        needs = ["route"] if drugs else []
        needs += ["level", "band", "duration"] if "noise.level" in study.needs(self) else []
        for key in needs:
            if getattr(self, key) is None:
                raise BadInput(f"{self.entry} needs it", key=key)
        useful = [*needs, "entry", "at"]
        useful += ["amount", "volume", "concentration", "duration"] if drugs else []
        useful += ["depth"] if study.is_event(self) else []
        for key in self.model_fields_set - set(useful):
            raise BadInput(f"{self.entry} has no use for it", key=key, allowed=useful)
        check_depth(study, self.depth)
        if self.band is not None and not self.band[0] < self.band[1]:
            raise BadInput("a band rises", key="band", given=[end.text for end in self.band])
        own = self.drug(study)
        if own is not None:
            check_dose(own, study, self.entry)

    def drug(self, study: Study) -> DrugUse | None:
        """The drug it states itself; None for what is no drug, and for what follows from one given elsewhere."""
        drugs = study.drugs(self)
        if not drugs or self.route is None:
            return None
        return DrugUse(
            solute=drugs[0],
            route=self.route,
            at=self.at,
            amount=self.amount,
            concentration=self.concentration,
            volume=self.volume,
            duration=self.duration,
        )


class Treatment(Table):
    """One treatment: a batch by a route; without an amount, the volume of the batch as it is."""

    batch: str = Field(
        description='entry of the shelf batches ("example_lot"), or a file beside the study: a lot\'s record, or an '
        'instrument\'s export ("lots/a.toml")'
    )
    route: str = Field(description='entry of the shelf routes: "round_window"')
    at: list[Moment] = Field(
        min_length=1, description='when it is given, from the first insult; each time anew: ["-24 h"]'
    )
    volume: Volume = Field(description='volume given each time: "2 uL"')
    amount: Amount | None = Field(
        default=None,
        description='vesicles given each time, counted ("2e9 particles") or by protein ("10 ug")',
    )
    duration: Duration | None = Field(
        default=None, description='how long each infusion lasts: "1 h"; left out, it is given at once'
    )
    potency: float = Field(default=1.0, ge=0.0, le=1e6, description=_POTENCY)

    def references(self, study: Study) -> Iterator[Reference]:
        """Its route and its batch."""
        yield study.reference("routes", "route", self.route)
        yield study.reference("batches", "batch", self.batch)

    def moments(self) -> Sequence[Quantity]:
        """When it is given."""
        return self.at

    def check(self, study: Study) -> None:
        """It is no more than the body, and its vesicles find room in it."""
        check_fits(study, self.volume)
        self._check_packing(study)

    def _check_packing(self, study: Study) -> None:
        """Spheres fill at most 0.74 of a volume, however they are packed (Kepler's conjecture; Hales 2005)."""
        if self.amount is None or self.amount.unit != "particles":
            return
        diameters = study.batch(self.batch).card.parameters.get("diameter")
        if diameters is None:
            return
        diameter = min(number.low for number in diameters.values())
        share = float(self.amount) * math.pi / 6 * diameter**3 / float(self.volume)
        if share > _PACKING:
            raise BadInput(
                "does not fit into its volume",
                key="amount",
                given=f"{self.amount.text} in {self.volume.text}",
                allowed=f"up to {_PACKING / share * float(self.amount):.1e} particles of {1e6 * diameter:.0f} nm",
                cure="give a larger volume or fewer particles",
            )


class DeviceUse(Table):
    """Something worn or put in: since when, how deep, and for a graft or a coat what it releases and how much it is."""

    entry: str = Field(description='entry of the shelf devices: "cochlear_implant", "hearing_aid"')
    at: Moment = Field(
        default=Quantity("0 h"),
        description='since when it is worn or in the ear, from the first insult: "0 d"',
    )
    depth: Length | None = Field(
        default=None, description='how far an electrode goes from the round window: "20 mm"'
    )
    batch: str | None = Field(
        default=None,
        description='what it releases: entry of the shelf batches ("example_lot"), or a file beside the study',
    )
    amount: Amount | None = Field(
        default=None,
        description='cells of a graft ("1e5 cells"), or what a coat holds ("2e9 particles", "10 ug")',
    )
    potency: float = Field(default=1.0, ge=0.0, le=1e6, description=_POTENCY)

    def references(self, study: Study) -> Iterator[Reference]:
        """Its entry, its batch, and the event that putting it in is."""
        yield study.reference("devices", "entry", self.entry)
        if self.batch is not None:
            yield study.reference("batches", "batch", self.batch)
        event = study.brought(self)
        if event is not None:
            yield study.reference("insults", "entry", event.entry)

    def moments(self) -> Sequence[Quantity]:
        """Since when it is there."""
        return [self.at]

    def check(self, study: Study) -> None:
        """Its words are those its entry asks for, and what it releases is stated whole."""
        check_for_species(study, "devices", self.entry, "entry")
        check_words(self, study, "devices", self.entry, {"entry", "at", "potency"})
        self._check_release(study)
        check_depth(study, self.depth)

    def _check_release(self, study: Study) -> None:
        """What releases vesicles has a batch, and an amount in a unit its entry knows; nothing else has a potency."""
        if (self.batch is None) != (self.amount is None):
            raise BadInput(
                "what releases vesicles has a batch and an amount, or neither",
                given=[key for key in ("batch", "amount") if getattr(self, key) is not None],
            )
        if self.amount is None:
            if self.potency != 1.0:
                raise BadInput("releases nothing", key="potency", given=self.potency)
            return
        # Cells that live on in the ear are another thing than what so many gave off in a dish.
        units = study.catalog.get("devices", self.entry).options.amounts
        if units and self.amount.unit not in units:
            raise BadInput(
                f"{self.entry} is given otherwise", key="amount", given=self.amount.text, allowed=list(units)
            )


class SampleUse(Table):
    """Perilymph drawn from an ear as a laboratory does: the volume is what is measured, and it is gone then."""

    at: list[Moment] = Field(
        min_length=1, description='when drawing begins, from the first insult: ["1 h", "24 h"]'
    )
    volume: Volume = Field(description='volume drawn each time: "1 uL"')
    of: Literal["scala_tympani", "scala_vestibuli", "vestibule"] = Field(
        default="scala_tympani", description='room it is drawn from: "scala_tympani"'
    )
    place: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="where along the scala, from 0.0 at the base to 1.0 at the apex; left out, of the scala tympani "
        "the middle of the round window, else 0.0",
    )
    duration: Duration | None = Field(
        default=None, description='how long drawing lasts: "10 min"; left out, it is drawn at once'
    )
    number: int = Field(
        default=1,
        ge=1,
        le=40,
        description="how many are drawn one right after another each time, as from the apex: 10",
    )
    animals: str | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        description='whose they are: "each", each time of an animal of its own; any other word, all times of animals '
        'that give the samples of this word alone: "second"; left out, of every ear, which goes on without the fluid',
    )

    def moments(self) -> Sequence[Quantity]:
        """When drawing begins."""
        return self.at

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Begin and end of each drawing, h."""
        duration = 0.0 if self.duration is None else float(self.duration)
        starts = [float(moment) + n * duration for moment in self.at for n in range(self.number)]
        return [(start, start + duration) for start in starts]

    def whose(self, name: str) -> list[str]:
        """For each drawing the animals it is of, in words that differ where they do; empty where it is of every ear.

        ``name``  the sample's own
        """
        if self.animals != "each":
            return [self.animals or ""] * len(self.spans)
        return [f"{name} {n}" for n in range(len(self.at)) for _ in range(self.number)]

    def check(self, study: Study) -> None:
        """Every drawing ends within the study, and none begins while another is drawn from the same place."""
        if self.number > 1 and not self.duration:
            raise BadInput(
                "samples one after another take time", key="duration", cure='state it: duration = "1 min"'
            )
        for moment, (_, end) in zip(self.at, self.spans[self.number - 1 :: self.number], strict=True):
            self._check_end(study, moment, end)
        self._check_volume(study)
        here = (self.of, study.drawn_at(self))
        drawn = [
            (span, whose)
            for name, use in study.tables.sample.items()
            if (use.of, study.drawn_at(use)) == here
            for span, whose in zip(use.spans, use.whose(name), strict=True)
        ]
        for ears in {whose for _, whose in drawn}:
            self._check_apart(sorted(span for span, whose in drawn if whose in ("", ears)))

    def _check_end(self, study: Study, moment: Quantity, end: float) -> None:
        """What is drawn is drawn before the study ends."""
        if self.duration and float(moment) <= study.until < end:
            raise BadInput(
                f"is drawn for {self.duration.text} each time, until after the end of the study",
                key="at",
                given=moment.text,
                allowed=f"to end by {study.until:g} h",
                cure=f'let the study end later: until = "{math.ceil(end + 1e-9):d} h"',
            )
        check_moment(study, moment, end)

    def _check_apart(self, spans: list[tuple[float, float]]) -> None:
        """None begins while another is drawn from the same place of the same ears."""
        own = {start for start, _ in self.spans}
        for (_, end), (start, _) in pairwise(spans):
            if start < end and start in own:
                raise BadInput(
                    "begins while another sample is drawn from the same place",
                    key="at",
                    given=f"{start:g} h",
                    allowed=f"from {end:g} h on",
                )

    def _check_volume(self, study: Study) -> None:
        """Drawn at once, it is no more than all perilymph: beyond it only cerebrospinal fluid would come."""
        if self.volume > study.perilymph:
            raise BadInput(
                "is more than all perilymph of the ear",
                key="volume",
                given=self.volume.text,
                allowed=f"up to {study.perilymph:.3g} uL; beyond it cerebrospinal fluid comes",
            )
