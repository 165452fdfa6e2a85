"""What a report says of a study itself: insults and their times, arms, the batch's sizes, scales."""

from __future__ import annotations

from typing import Any

from otosome.answers.sources import sources
from otosome.forward import Cochleae, best, plan, planned
from otosome.lots.counted import drawn_sizes
from otosome.study import DeviceUse, InsultUse, Study


def described(study: Study) -> dict[str, Any]:
    """What a report says of a study itself, as JSON holds it: sources, marks, arms, sizes and scales."""
    return {
        "sources": sources(study),
        "marks": _marks(study),
        "arms": _arms(study),
        "sizes": _sizes(study),
        "scales": _scales(study),
    }


def _marks(study: Study) -> list[dict[str, Any]]:
    """When each insult of the compared arm (or of any arm) happens, those its devices bring among them."""
    asked = study.tables.compare
    arms = study.tables.arm if asked is None else [study.arm(asked.of)]
    names = {name for arm in arms for name in arm.insults}
    uses = [(name, use) for name, use in study.tables.insult.items() if name in names]
    worn = {name for arm in arms for name in arm.devices}
    brought = [(name, study.brought(device)) for name, device in study.tables.device.items() if name in worn]
    uses += [(name, use) for name, use in brought if use is not None]
    return [
        {"name": name, "entry": use.entry, "time": float(t), "event": study.is_event(use)}
        for name, use in uses
        for t in use.at
    ]


def _arms(study: Study) -> list[dict[str, Any]]:
    tables = study.tables
    return [
        {
            "name": arm.name,
            "insults": [_suffered(tables.insult[i]) for i in arm.insults],
            "treatments": [
                f"{tables.treatment[t].batch}, {tables.treatment[t].volume}, {tables.treatment[t].route}"
                for t in arm.treatments
            ],
            "devices": [_worn(tables.device[d]) for d in arm.devices],
            "without": arm.without,
        }
        for arm in tables.arm
    ]


def _suffered(use: InsultUse) -> str:
    strength = use.level if use.amount is None else use.amount
    return use.entry if strength is None else f"{use.entry} {strength}"


def _worn(device: DeviceUse) -> str:
    told = (device.entry, device.amount, device.batch, device.depth, device.at)
    return ", ".join(str(value) for value in told if value is not None)


def _sizes(study: Study) -> dict[str, Any]:
    """The size distribution of the compared arm's batch (of the first vesicle batch where none is compared)."""
    asked = study.tables.compare
    chosen = [planned(study, a) for a in study.tables.arm if asked is None or a.name == asked.of]
    lots = dict.fromkeys(arm.lot[0] for arm in chosen if arm.lot is not None)
    one = best(study)
    ears = Cochleae(plan(study), one)
    for name in lots:
        entry = study.batch(name)
        batch = ears.batch(entry.name)
        if batch.particles[0] > 0:
            profile = entry.card.profile("sizes", "") if "sizes" in entry.card.profiles else None
            return drawn_sizes(batch, entry.card.about, profile)
    return {}


def _scales(study: Study) -> dict[str, dict[str, Any]]:
    """The scales that grade what is measured, with what they are and the labels of their grades, best first."""
    names = {name for measure in study.tables.measure.values() for name in measure.scales or []}
    return {
        name: {
            "about": study.catalog.get("scales", name).card.about,
            "labels": list(study.scale(name).labels),
        }
        for name in sorted(names)
    }
