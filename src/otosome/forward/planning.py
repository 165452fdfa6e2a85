"""What all ears of a study share: arms with their times, knots, places, what is measured where and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import chain, repeat

import numpy as np

from otosome.model import transport
from otosome.model.injury import KINDS
from otosome.roles import Use
from otosome.study import (
    Arm,
    DeviceUse,
    DrugUse,
    InsultUse,
    Probe,
    Study,
    Treatment,
)
from otosome.units import Array, Quantity

# What is moved in time, such as ("insult.noise.onset", 24.0).
Timing = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class PlannedInsult:
    """An insult of an arm: when, how loud, how deep. How much of a drug it is follows from what is given.

    ``name``  as the study calls it; empty for what a device brings as it is put in, and for what a drug is to the ear
    """

    name: str
    entry: str
    use: Use


@dataclass(frozen=True)
class PlannedDrug:
    """A drug of an arm with its times, which may be moved.

    ``table``, ``name``  where the study states it: "drug", or "insult" where an insult states its own
    """

    table: str
    name: str
    drug: DrugUse
    use: Use

    @property
    def spans(self) -> list[tuple[float, float]]:
        """When each dose begins and ends, h; a gel that is emptied evenly ends when it is empty."""
        return list(zip(self.use.start, self.use.stop, strict=True))


@dataclass(frozen=True)
class PlannedTreatment:
    """A treatment of an arm with its times, which may be moved.

    ``row``  the only ear of a block that gets it; all do without it
    """

    name: str
    treatment: Treatment
    times: tuple[float, ...]
    row: int | None = None

    def moved(self, onset: float) -> PlannedTreatment:
        """The same, given first at ``onset``, h, and as long after it as before."""
        return replace(self, times=tuple(t - self.times[0] + onset for t in self.times))

    @property
    def duration(self) -> float:
        """How long each of its doses lasts, h."""
        return hours(self.treatment.duration)


@dataclass(frozen=True)
class PlannedArm:
    """An arm with its insults, drugs and treatments in house units, and its devices."""

    arm: Arm
    insults: tuple[PlannedInsult, ...]
    drugs: tuple[PlannedDrug, ...]
    treatments: tuple[PlannedTreatment, ...]
    devices: tuple[DeviceUse, ...] = ()

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.arm.name

    @property
    def releasing(self) -> tuple[DeviceUse, ...]:
        """Its devices that release vesicles."""
        return tuple(device for device in self.devices if device.batch is not None)

    @property
    def lot(self) -> tuple[str, float] | None:
        """The batch it gets and its potency, by treatments and from devices alike; None for none."""
        lots = [(g.treatment.batch, g.treatment.potency) for g in self.treatments]
        lots += [(str(device.batch), device.potency) for device in self.releasing]
        return lots[0] if lots else None

    def timed(self, timing: Mapping[str, float]) -> PlannedArm:
        """The arm with the times of its insults, drugs and treatments moved, h, and some of other durations."""

        def moved(use: Use, key: str) -> Use:
            return use.timed(timing.get(f"{key}.onset"), timing.get(f"{key}.duration"))

        insults = tuple(replace(i, use=moved(i.use, f"insult.{i.name}")) for i in self.insults)
        drugs = tuple(replace(d, use=moved(d.use, f"{d.table}.{d.name}")) for d in self.drugs)
        treatments = tuple(
            treatment.moved(timing.get(f"treatment.{treatment.name}.onset", treatment.times[0]))
            for treatment in self.treatments
        )
        return replace(self, insults=insults, drugs=drugs, treatments=treatments)

    @property
    def spans(self) -> list[tuple[float, float]]:
        """When each dose begins and ends, and when each device is put in, h."""
        doses = [(t, t + dose.duration) for dose in self.treatments for t in dose.times]
        doses += [span for dose in self.drugs if dose.drug.fluid is not None for span in dose.spans]
        return doses + [(float(device.at), float(device.at)) for device in self.devices]


@dataclass(frozen=True)
class Drawing:
    """Samples that are drawn from the same ears, by their numbers among all of a plan.

    ``all``  in the order they are stated;  ``own``  those that no other ears give;  ``until``  when the last ends, h
    """

    all: tuple[int, ...]
    own: tuple[int, ...]
    until: float


@dataclass(frozen=True)
class Plan:
    """What all blocks of a study share: places, knots, what is measured where and when.

    ``first``, ``growth``, ``longest``  steps after an event: h, the ratio of each to the one before, and h. With these
                                        the thresholds of drawn ears of the shipped studies are within 0.1 dB, and
                                        the benefit within 0.02 dB, of steps three times as fine and more
    ``late``     a step lasts up to this share of the time since the event, where that is more than ``longest``
    ``watched``  moments that are knots besides, h
    ``sites``    where cells are followed, 0 base to 1 apex, rising; at every place of the grid where none are named
    ``kinds``    the kinds of cell that are followed
    """

    study: Study
    arms: tuple[PlannedArm, ...]
    places: transport.Grid
    refine: int = 1
    first: float = 5e-2
    growth: float = 1.2
    longest: float = 12.0
    late: float = 0.1
    watched: tuple[float, ...] = ()
    sites: tuple[float, ...] | None = None
    kinds: tuple[str, ...] = KINDS
    _timed: dict[Timing, Plan] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        """For another process: what is stated, and nothing that follows from it."""
        return Plan, tuple(getattr(self, f.name) for f in fields(self) if f.init)

    def stepped(self, times: int) -> Plan:
        """The plan with steps so many times as fine."""
        steps = {
            "first": self.first / times,
            "growth": self.growth ** (1 / times),
            "longest": self.longest / times,
            "late": self.late / times,
        }
        return replace(self, **steps)

    def timed(self, timing: Timing) -> Plan:
        """The plan with its insults and treatments at other times, by ``insult.<name>.onset`` and the like, h."""
        if timing not in self._timed:
            moved = tuple(arm.timed(dict(timing)) for arm in self.arms)
            self._timed[timing] = replace(self, arms=moved)
        return self._timed[timing]

    @cached_property
    def place(self) -> Array:
        """Where cells are followed, shape (place,), 0 base to 1 apex."""
        return self.places.place if self.sites is None else np.array(self.sites)

    @cached_property
    def knots(self) -> Array:
        """h, shape (time,): every event twice, every measured moment once at least."""
        spans = [span for arm in self.arms for span in arm.spans]
        spans += [(drawn.start, drawn.stop) for _, drawn in self.samples]
        events = [moment for span in spans for moment in span]
        events += [moment for use in self._uses for moment in (*use.start, *use.stop)]
        # An hour at least: a study that ends with its first moment still has one to begin with.
        begun = [t for measure in self.study.tables.measure.values() for t in measure.begun]
        events.append(min([0.0, *events, *self.times, *begun, self.study.until - 1.0]))
        windows = [span for span in spans if span[0] < span[1]]
        knots = transport.schedule(
            events,
            self.study.until,
            windows,
            first=self.first,
            growth=self.growth,
            longest=self.longest,
            late=self.late,
        )
        extra = np.setdiff1d([*self.times, *begun, *self.watched], knots)
        return np.sort(np.concatenate([knots, extra]))

    @property
    def _uses(self) -> list[Use]:
        """How the insults and drugs of all arms are used."""
        insults = [insult.use for arm in self.arms for insult in arm.insults]
        return insults + [drug.use for arm in self.arms for drug in arm.drugs]

    @property
    def begins(self) -> float:
        """When something is first done to an ear of any arm, h; never where nothing is."""
        starts = [start for use in self._uses for start in use.start]
        return min([np.inf, *starts, *(start for arm in self.arms for start, _ in arm.spans)])

    @cached_property
    def samples(self) -> tuple[tuple[str, transport.Sample], ...]:
        """Every sample with its name, in the order the study states them."""
        return tuple(
            (
                name,
                transport.Sample(use.of, start, stop, volume, self.study.drawn_at(use)),
            )
            for name, use in self.study.tables.sample.items()
            for start, stop in use.spans
            for volume in [np.array([float(use.volume)])]
        )

    @cached_property
    def drawings(self) -> tuple[Drawing, ...]:
        """Of every ear first, which goes on until the end; then of animals of their own, until their last sample."""
        whose = [own for name, use in self.study.tables.sample.items() for own in use.whose(name)]
        drawn = [sample for _, sample in self.samples]
        shared = tuple(n for n, own in enumerate(whose) if not own)
        drawings = [Drawing(shared, shared, np.inf)]
        for ears in dict.fromkeys(filter(None, whose)):
            own = tuple(n for n, of in enumerate(whose) if of == ears)
            last = max(drawn[n].stop for n in own)
            every = tuple(sorted({*own, *(n for n in shared if drawn[n].start < last)}))
            drawings.append(Drawing(every, own, max(drawn[n].stop for n in every)))
        return tuple(drawings)

    @cached_property
    def probes(self) -> dict[str, Probe]:
        """Where drugs are followed, by name; none where the study gives none by name."""
        return self.study.probes

    @cached_property
    def hours(self) -> Array:
        """Every moment at which drugs are followed, h, rising."""
        return np.unique(self.knots)

    @cached_property
    def times(self) -> Array:
        """Every measured moment, h, rising."""
        return np.unique([float(t) for m in self.study.tables.measure.values() for t in m.at])

    @cached_property
    def frequencies(self) -> Array:
        """Every measured frequency, kHz, rising."""
        measures = self.study.tables.measure.values()
        return np.unique([tone for m in measures for tone in m.tones])

    def at(self, times: Iterable[float]) -> Array:
        """The last knot not after each moment; the first for moments before it."""
        return np.maximum(np.searchsorted(self.knots, np.asarray(list(times)), side="right") - 1, 0)


def plan(
    study: Study, arms: Sequence[str] | None = None, growth: float | None = None, **changes: object
) -> Plan:
    """The plan of a study, of all its arms or of some; ``changes`` are fields of ``Plan``."""
    chosen = [planned(study, a) for a in study.tables.arm if arms is None or a.name in arms]
    times = study.tables.fineness
    whole = Plan(study, tuple(chosen), transport.Grid().finer(times)).stepped(times)
    if growth is not None:
        changes["growth"] = growth
    return replace(whole, **changes)  # type: ignore[arg-type]  # as dataclasses.replace checks them


def planned(study: Study, arm: Arm) -> PlannedArm:
    """An arm of a study as it stands."""
    tables = study.tables
    treatments = {name: tables.treatment[name] for name in arm.treatments}
    doses = tuple(PlannedTreatment(name, t, tuple(map(float, t.at))) for name, t in treatments.items())
    names = chain(arm.insults, repeat(""))
    suffered = (
        PlannedInsult(name, use.entry, use_of(use))
        for name, use in zip(names, study.suffered(arm), strict=False)
    )
    drugs = tuple(PlannedDrug(*key, use, _lasting(use)) for key, use in study.doses(arm).items())
    devices = tuple(tables.device[name] for name in arm.devices)
    return PlannedArm(arm, tuple(_of_one_drug(study, suffered)), drugs, doses, devices)


def _of_one_drug(study: Study, insults: Iterable[PlannedInsult]) -> Iterator[PlannedInsult]:
    """Insults, those by one drug as one: all of it that is in the ear injures once."""
    solutes, entries = set(study.catalog.names("solutes")), set[str]()
    for insult in insults:
        needs = study.catalog.get("insults", insult.entry).options.needs
        by_drug = bool({need.partition(".")[0] for need in needs} & solutes)
        if not (by_drug and insult.entry in entries):
            yield insult
        entries.add(insult.entry)


def _lasting(use: DrugUse) -> Use:
    """A drug's use in house units: while it is given, or let go evenly."""
    start = tuple(map(float, use.at))
    lasting = use.span if use.release is None or use.release.over is None else float(use.release.over)
    return Use(start, tuple(t + lasting for t in start))


def use_of(use: InsultUse) -> Use:
    """A study's use of an insult in house units."""
    start = tuple(map(float, use.at))
    band = None if use.band is None else (float(use.band[0]), float(use.band[1]))
    return Use(
        start=start,
        stop=tuple(t + hours(use.duration) for t in start),
        level=None if use.level is None else float(use.level),
        band=band,
        depth=None if use.depth is None else float(use.depth),
    )


def hours(duration: Quantity | None) -> float:
    """A duration in h, none where none is stated."""
    return 0.0 if duration is None else float(duration)
