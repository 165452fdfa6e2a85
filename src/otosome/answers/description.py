"""What a report says of a study itself: insults and their times, arms, the batch's sizes, scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from otosome.forward import Cochleae, best, plan, planned
from otosome.lots.counted import drawn_sizes
from otosome.study import DeviceUse, DrugUse, InsultUse, Study, Treatment


@dataclass(frozen=True)
class Mark:
    """An insult at one of its times, h; an ``event`` is surgery and the like."""

    name: str
    entry: str
    time: float
    event: bool


@dataclass(frozen=True)
class ArmContent:
    """What an arm gets, in the words of the study, and the mechanisms it is ``without``."""

    name: str
    insults: list[str]
    drugs: list[str]
    treatments: list[str]
    devices: list[str]
    without: list[str]


@dataclass(frozen=True)
class SizeClass:
    """Vesicles of one diameter, nm, and their share of all."""

    diameter: float
    weight: float


@dataclass(frozen=True)
class Sizes:
    """The size distribution of a batch: density, 1 at its peak, by diameter, nm, and the classes simulated."""

    name: str
    origin: str
    diameter: list[float]
    density: list[float]
    classes: list[SizeClass]


@dataclass(frozen=True)
class Scale:
    """A scale that grades what is measured, with the labels of its grades, best first."""

    about: str
    labels: list[str]


@dataclass(frozen=True)
class Description:
    """What a report says of a study itself."""

    marks: list[Mark]
    arms: list[ArmContent]
    sizes: Sizes | None
    scales: dict[str, Scale]


def described(study: Study) -> Description:
    """What a report says of a study itself: insults and their times, arms, the batch's sizes, scales."""
    return Description(list(_marks(study)), _arms(study), _sizes(study), scales(study))


def _marks(study: Study) -> Iterator[Mark]:
    """When each insult of the compared arm (or of any arm) happens, those its devices bring among them."""
    for name, use in _suffered(study):
        for time in use.at:
            yield Mark(name, use.entry, float(time), study.is_event(use))


def _suffered(study: Study) -> Iterator[tuple[str, InsultUse]]:
    """The insults of the compared arm, or of any, by name, and then those of its devices."""
    question = study.tables.compare
    arms = study.tables.arm if question is None else [study.arm(question.of)]
    insults = {name for arm in arms for name in arm.insults}
    yield from ((name, use) for name, use in study.tables.insult.items() if name in insults)
    devices = {name for arm in arms for name in arm.devices}
    for name, device in study.tables.device.items():
        use = study.brought(device) if name in devices else None
        if use is not None:
            yield name, use


def _arms(study: Study) -> list[ArmContent]:
    tables = study.tables
    return [
        ArmContent(
            name=arm.name,
            insults=[_insult(tables.insult[name]) for name in arm.insults],
            drugs=[_drug(tables.drug[name]) for name in arm.drugs],
            treatments=[_treatment(tables.treatment[name]) for name in arm.treatments],
            devices=[_worn(tables.device[name]) for name in arm.devices],
            without=list(arm.without),
        )
        for arm in tables.arm
    ]


def _insult(use: InsultUse) -> str:
    strength = use.level if use.amount is None else use.amount
    return use.entry if strength is None else f"{use.entry} {strength}"


def _drug(use: DrugUse) -> str:
    strength = use.amount if use.concentration is None else use.concentration
    times = f"{len(use.at)} times" if len(use.at) > 1 else None
    parts = (use.solute, strength, use.volume, use.rate, use.route, times)
    return ", ".join(str(value) for value in parts if value is not None)


def _treatment(treatment: Treatment) -> str:
    return f"{treatment.batch}, {treatment.volume}, {treatment.route}"


def _worn(device: DeviceUse) -> str:
    parts = (device.entry, device.amount, device.batch, device.depth, device.at)
    return ", ".join(str(value) for value in parts if value is not None)


def _sizes(study: Study) -> Sizes | None:
    """The size distribution of the compared arm's batch (of the first vesicle batch where none is compared)."""
    from pydantic import TypeAdapter

    question = study.tables.compare
    chosen = [planned(study, a) for a in study.tables.arm if question is None or a.name == question.of]
    lots = dict.fromkeys(arm.lot[0] for arm in chosen if arm.lot is not None)
    ears = Cochleae(plan(study), best(study))
    for name in lots:
        entry = study.batch(name)
        batch = ears.batch(entry.name)
        if batch.particles[0] > 0:
            profile = entry.card.profile("sizes", "") if "sizes" in entry.card.profiles else None
            return TypeAdapter(Sizes).validate_python(drawn_sizes(batch, entry.card.about, profile))
    return None


def scales(study: Study) -> dict[str, Scale]:
    """The scales that grade what is measured."""
    names = {name for measure in study.tables.measure.values() for name in measure.scales or []}
    return {
        name: Scale(study.catalog.get("scales", name).card.about, list(study.scale(name).labels))
        for name in sorted(names)
    }
