"""What all ears of a study share: arms with their times, knots, what is measured where and when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from otosome.model import transport
from otosome.roles import Use
from otosome.study import (
    Arm,
    DeviceUse,
    InsultUse,
    Study,
    Treatment,
)
from otosome.units import (
    Array,
    Quantity,
)


@dataclass(frozen=True)
class Plan:
    """What all blocks of a study share: places, knots, what is measured where and when.

    ``first``, ``growth``, ``longest``  steps after an event: h, the ratio of each to the one before, and h. With these
                                        the thresholds of drawn ears of the shipped studies are within 0.1 dB, and
                                        the benefit within 0.02 dB, of steps three times as fine and more
    """

    study: Study
    arms: tuple[PlannedArm, ...]
    places: transport.Grid
    refine: int = 1
    first: float = 2e-2
    growth: float = 1.2
    longest: float = 12.0
    watched: tuple[float, ...] = ()

    def stepped(self, times: int) -> Plan:
        """The plan with steps so many times as fine."""
        steps = {
            "first": self.first / times,
            "growth": self.growth ** (1 / times),
            "longest": self.longest / times,
        }
        return replace(self, **steps)

    @cached_property
    def knots(self) -> Array:
        """h, shape (time,): every event twice, every measured moment once at least."""
        uses = [use_of(use) for arm in self.arms for use in self.study.suffered(arm.arm)]
        given = [t for arm in self.arms for t in arm.treatments]
        events = [moment for use in uses for moment in (*use.start, *use.stop)]
        spans = [(t, t + hours(g.treatment.duration)) for g in given for t in g.times]
        spans += [(t, t) for arm in self.arms for device in arm.devices for t in [float(device.at)]]
        spans += [
            (t, t + hours(use.duration))
            for arm in self.arms
            for use in self.study.suffered(arm.arm)
            if use.volume is not None
            for t in map(float, use.at)
        ]
        spans += [(drawn.start, drawn.stop) for _, drawn in self.samples]
        events += [moment for span in spans for moment in span]
        # An hour at least: a study that ends with its first moment still has one to begin with.
        events.append(min([0.0, *events, *self.times, self.study.until - 1.0]))
        windows = [span for span in spans if span[0] < span[1]]
        knots = transport.schedule(
            events, self.study.until, windows, first=self.first, growth=self.growth, longest=self.longest
        )
        extra = np.setdiff1d([*self.times, *self.watched], knots)
        return np.sort(np.concatenate([knots, extra]))

    @cached_property
    def samples(self) -> tuple[tuple[str, transport.Sample], ...]:
        """Every sample with its name, in the order the study states them."""
        return tuple(
            (
                name,
                transport.Sample(
                    use.of, start, start + hours(use.duration), volume, self.study.drawn_at(use)
                ),
            )
            for name, use in self.study.tables.sample.items()
            for start in map(float, use.at)
            for volume in [np.array([float(use.volume)])]
        )

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


@dataclass(frozen=True)
class Given:
    """A treatment of an arm with its times, which may be moved and kept to some rows."""

    treatment: Treatment
    times: tuple[float, ...]
    row: int | None = None


@dataclass(frozen=True)
class PlannedArm:
    """An arm with its treatments' times and its devices."""

    arm: Arm
    treatments: tuple[Given, ...]
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


def plan(study: Study, arms: Sequence[str] | None = None, **changes: Any) -> Plan:
    """The plan of a study, of all its arms or of some."""
    chosen = [a for a in study.tables.arm if arms is None or a.name in arms]
    times = study.tables.fineness
    made = Plan(study, tuple(planned(study, arm) for arm in chosen), transport.Grid().finer(times))
    return replace(made.stepped(times), **changes)


def planned(study: Study, arm: Arm) -> PlannedArm:
    """An arm of a study as it stands."""
    treatments = [study.tables.treatment[name] for name in arm.treatments]
    given = tuple(Given(t, tuple(map(float, t.at))) for t in treatments)
    return PlannedArm(arm, given, tuple(study.tables.device[name] for name in arm.devices))


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


def regimen(arm: PlannedArm) -> str:
    """What an arm is given and when, whatever its potency."""
    alike = {"potency": 1.0}
    released = [device.model_copy(update=alike) for device in arm.releasing]
    return repr([(g.treatment.model_copy(update=alike), g.times, g.row) for g in arm.treatments] + released)


def dosed(treatment: Treatment) -> dict[str, float]:
    """A treatment's amount by kind (particles, protein, cells), or its volume where it has none."""
    if treatment.amount is None:
        return {"volume": float(treatment.volume)}
    return counted(treatment.amount)


def counted(amount: Quantity) -> dict[str, float]:
    """An amount by its kind: particles, protein or cells."""
    kinds = {"particles": "particles", "ug": "protein", "cells": "cells"}
    return {kinds[amount.unit]: float(amount)}


def hours(duration: Quantity | None) -> float:
    """A duration in h, none where none is stated."""
    return 0.0 if duration is None else float(duration)
