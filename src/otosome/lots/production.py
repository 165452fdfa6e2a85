"""What a process makes: harvest, lots, what of them is released, and what a change of process does."""

from __future__ import annotations

import numpy as np

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.lots.process import (
    Process,
    comparable,
    make_lots,
    passes,
    released,
    right,
)
from otosome.units import Array, Json

WORLDS = 1000
DAYS = (1, 2, 3, 5, 10)
_WORDS = ("tissue", "vessel", "medium", "isolation", "formulation", "storage")


def process_of(name: str, catalog: Catalog, seed: int = 1) -> Process:
    """A process with a thousand draws of what is not known of it, its counting and its release.

    raises  BadInput if it names no instrument that counts, or no specification with a label claim
    """
    entry = catalog.get("processes", name)
    counted = catalog.get("instruments", entry.options.instrument).parameters("")
    limits = catalog.get("specifications", entry.options.specification).parameters("")
    beside = {
        "within_day": counted.get("within_day"),
        "between_days": counted.get("day_to_day"),
        "label_tolerance": limits.get("particles"),
        "consumer_risk": limits.get("consumer_risk"),
    }
    numbers = entry.parameters("") | {key: number for key, number in beside.items() if number is not None}
    return Process.of(name, {key: number.draw(seed, 0, WORLDS, world=1) for key, number in numbers.items()})


def making(name: str, catalog: Catalog, lots: int = 20, seed: int = 1) -> Json:
    """What a process makes, each number as a median with 5 and 95 % of what is not known."""
    _check(lots)
    process, entry = process_of(name, catalog, seed), catalog.get("processes", name)
    card = entry.card
    lots_made = make_lots(process, lots, seed=seed)
    good = right(process, lots_made)
    naive, guarded = (released(process, lots_made, guarded=g) for g in (False, True))
    variance = process.components()
    total = np.sum(list(variance.values()), axis=0)
    return {
        "process": name,
        "about": card.about,
        "lots": lots,
        **{key: getattr(entry.options, key) for key in _WORDS},
        "harvest": _interval(process.harvest),
        "doses": _interval(np.median(lots_made.doses, axis=1)),
        "doses_of_a_run": _interval(np.median(lots_made.doses, axis=1) * process.columns["harvests"]),
        "spread": {kind: _interval(np.sqrt(np.expm1(v))) for kind, v in variance.items()},
        "share": {kind: _interval(v / total) for kind, v in variance.items()},
        "right": _interval(good.mean(axis=1)),
        "released": _interval(naive.mean(axis=1)),
        "released_guarded": _interval(guarded.mean(axis=1)),
        "released_wrong": _interval((naive & ~good).mean(axis=1)),
        "released_wrong_guarded": _interval((guarded & ~good).mean(axis=1)),
        "refused_right": _interval((~naive & good).mean(axis=1)),
        "refused_right_guarded": _interval((~guarded & good).mean(axis=1)),
        "potency_spread": _interval(np.std(np.log(lots_made.potency), axis=1)),
        "label_claim": _label_claim(process),
        "shelf_life_days": _interval(process.shelf_life / 24),
        "assumed": sorted(k for k in card.parameters if card.parameter(k, "").basis == "assumed"),
    }


def _label_claim(process: Process) -> list[dict[str, float]]:
    """Chance of release by days of counting, averaged over what is not known: of a right lot, of one on its limit."""
    limit = 1 - float(process.columns["label_tolerance"].mean())
    return [
        {
            "days": days,
            **{
                f"{lot}_{rule}": float(passes(process, truth, days, guarded).mean())
                for lot, truth in (("right", 1.0), ("limit", limit))
                for rule, guarded in (("as_read", False), ("guarded", True))
            },
        }
        for days in DAYS
    ]


def change(before: str, after: str, catalog: Catalog, lots: int = 20, seed: int = 1) -> Json:
    """What a change of process does: the share of worlds in which so many lots of each show them comparable."""
    _check(lots)
    first, second = (make_lots(process_of(name, catalog, seed), lots, seed=seed) for name in (before, after))
    margin = catalog.get("processes", before).card.parameter("change_margin", "").value
    answer: Json = {"before": before, "after": after, "lots": lots, "margin": margin}
    for what in ("harvest", "potency"):
        comparisons = [
            comparable(a, b, margin) for a, b in zip(getattr(first, what), getattr(second, what), strict=True)
        ]
        answer[what] = {
            "ratio": _interval(np.array([c.ratio for c in comparisons])),
            "shown_comparable": float(np.mean([c.comparable for c in comparisons])),
        }
    return answer


def _check(lots: int) -> None:
    if not 2 <= lots <= 1000:
        raise BadInput("a process is shown by some lots", key="lots", given=lots, allowed="2 to 1000")


def _interval(values: Array) -> dict[str, float]:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {"median": float(median), "low": float(low), "high": float(high)}
