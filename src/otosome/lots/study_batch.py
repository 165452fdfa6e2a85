"""The batch that a lot is in a study: what was measured of it, and everything else from its base."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from otosome.cards import make_card, read_toml
from otosome.catalog import SHIPPED, Catalog
from otosome.errors import BadInput
from otosome.lots.belief import Belief
from otosome.lots.count import Count
from otosome.lots.counted import EXPORT_SOURCE, Lot, measured_lot
from otosome.lots.files import Counted, scatter
from otosome.lots.potency import Potency, RunPotency
from otosome.lots.record import LotRecord
from otosome.lots.release import Decision
from otosome.lots.statement import stated
from otosome.units import Json

if TYPE_CHECKING:
    import pandas as pd

Potencies = Mapping[str, tuple[tuple[RunPotency, ...], Potency | None]]


def study_batch(
    record: LotRecord,
    file: str,
    counts: tuple[Counted, ...],
    counted: Count | None,
    remaining: Belief | None,
    potencies: Potencies,
    decided: tuple[Decision, str],
    catalog: Catalog,
) -> Lot:
    """The batch: what was measured of this lot, and everything else from its base."""
    base = read_toml(_base(record, file, catalog))
    between = scatter(counts, catalog)[1] if counts else ""
    sized, notes = _sized(record, base, counts, between)
    own = _counted_numbers(record, file, base, counted, between)
    if counts and counted is None:
        notes.append(f"{counts[0].undiluted}; until then its count is that of {record.base}.")
    if remaining is not None:
        own["vesicle_fraction"] = _fraction(base, remaining)
    own |= _potencies(potencies)
    notes += _silent_assays(record, potencies)
    if record.process is not None:
        own["storage_survival"] = _stored(base, record, catalog)
    for key, number in record.numbers.items():
        own[key] = {"meaning": _entry(base, key, file)["meaning"], **number}
    values = {
        **sized,
        **own,
        "about": record.about or f"Lot {record.name}: {decided[0]}.",
        "record": record.name,
        "decision": decided[0],
        "reason": decided[1],
    }
    make_card(values, "batches", record.name, file)
    measured = ", ".join([*(["diameter", "spread"] if counts else []), *own]) or "nothing"
    note = f"Of lot {record.name} itself: {measured}; all else is that of {record.base}."
    return Lot(record.name.lower().replace("-", "_"), values, (note, *notes))


def _sized(
    record: LotRecord, base: Json, counts: tuple[Counted, ...], between: str
) -> tuple[Json, list[str]]:
    """The base with the sizes that the files say, and what to tell of them; its count stays the base's."""
    if not counts:
        return dict(base), []
    sizes = measured_lot(_joined(counts, record.name), base, record.base, 0.0, between)
    count = {key: base[key] for key in ("particles", "count_error")}
    flagged = [f"Flagged in {file.file}: {warning}." for file in counts for warning in file.warnings]
    return {**sizes.values, **count}, flagged


def _counted_numbers(record: LotRecord, file: str, base: Json, counted: Count | None, between: str) -> Json:
    """What the count gives: itself, its error and, with the protein, the purity."""
    if counted is None:
        return {}
    numbers: Json = {
        "particles": _count(base, counted, record),
        "count_error": _count_error(base, counted, between),
    }
    if record.protein is not None:
        numbers["purity"] = _purity(base, counted, record, file)
    return numbers


def _potencies(potencies: Potencies) -> Json:
    return {
        f"potency_{mechanism}": _potency(mechanism, runs, potency)
        for mechanism, (runs, potency) in potencies.items()
        if potency is not None
    }


def _silent_assays(record: LotRecord, potencies: Potencies) -> list[str]:
    """What is to be known of each mechanism whose assay reports no potency."""
    return [
        f"The assay reports no potency for {mechanism}; that of {record.base} stands in for it, "
        "and the assay does not support it."
        for mechanism, (_, potency) in potencies.items()
        if potency is None and f"potency_{mechanism}" not in record.numbers
    ]


def _base(record: LotRecord, file: str, catalog: Catalog) -> Path:
    catalog.get("batches", record.base)
    cards = [root / "batches" / f"{record.base}.toml" for root in (*catalog.own, SHIPPED)]
    return next(card for card in cards if card.is_file())


def _entry(base: Mapping[str, object], key: str, file: str) -> Json:
    entry = base.get(key)
    if not isinstance(entry, dict) or "meaning" not in entry:
        known = [k for k, v in base.items() if isinstance(v, dict) and "meaning" in v]
        raise BadInput(
            "is not a number of a batch", file=file, key=f"numbers.{key}", given=key, allowed=known
        )
    return dict(entry)


def _joined(counts: tuple[Counted, ...], name: str) -> pd.DataFrame:
    """Every video of every file as one sample."""
    import pandas as pd

    first = 0
    parts = []
    for count in counts:
        parts.append(count.table.assign(replicate=count.table["replicate"] + first, sample=name))
        first = int(parts[-1]["replicate"].max())
    return pd.concat(parts, ignore_index=True)


def _count(base: Mapping[str, object], counted: Count, record: LotRecord) -> dict[str, str]:
    return {
        "meaning": _entry(base, "particles", record.name)["meaning"],
        "value": f"{counted.belief.quantile(0.5):.6g} particles/uL",
        "basis": "measured",
        "source": EXPORT_SOURCE,
        "locator": counted.taken,
    }


def _count_error(base: Mapping[str, object], counted: Count, source: str) -> dict[str, str]:
    middle = counted.belief.quantile(0.5)
    low, high = (counted.belief.quantile(p) / middle for p in (0.05, 0.95))
    return {
        "meaning": _entry(base, "count_error", "")["meaning"],
        "value": "1",
        "low": f"{low:.6g}",
        "high": f"{high:.6g}",
        "shape": "lognormal",
        "basis": "computed",
        "source": source,
        "because": f"{counted.taken}; within a day {100 * counted.within:.1f} %, "
        f"between days {100 * counted.between:.1f} % (the published ranges, as far as these counts narrow them).",
    }


def _purity(base: Mapping[str, object], counted: Count, record: LotRecord, file: str) -> dict[str, str]:
    """Particles counted over protein; where the protein's error is stated, with that of both."""
    measured = protein(record, file)
    assert measured is not None  # asked of a record that states it
    amount, error = measured
    low, middle, high = (counted.belief.quantile(p) for p in (0.05, 0.5, 0.95))
    off = ndtri(0.95) * (error or 0.0)
    down, up = (float(np.exp(np.hypot(np.log(end / middle), off))) for end in (low, high))
    unit = "particles/ug"
    return {
        "meaning": _entry(base, "purity", file)["meaning"],
        "value": f"{middle / amount:.6g} {unit}",
        "low": f"{middle / amount / down:.6g} {unit}",
        "high": f"{middle / amount * up:.6g} {unit}",
        "shape": "lognormal",
        "basis": "computed",
        "source": EXPORT_SOURCE,
        "because": f"The count over {record.protein} of protein"
        + ("." if error else ", whose error is not stated."),
    }


def _fraction(base: Mapping[str, object], remaining: Belief) -> dict[str, str]:
    """One less the share that detergent leaves, as the uniform range of the same 5 and 95 %."""
    high, middle, low = (1 - remaining.quantile(p) for p in (0.05, 0.5, 0.95))
    off = (high - low) / 0.9 / 2
    ends = [min(max((high + low) / 2 + sign * off, 0.0), 1.0) for sign in (-1, 1)]
    return {
        "meaning": _entry(base, "vesicle_fraction", "")["meaning"],
        "value": f"{min(max(middle, ends[0]), ends[1]):.6g}",
        "low": f"{ends[0]:.6g}",
        "high": f"{ends[1]:.6g}",
        "shape": "uniform" if ends[0] < ends[1] else "fixed",
        "basis": "computed",
        "source": EXPORT_SOURCE,
        "because": "One less what detergent leaves of the count; what withstands it is taken for no vesicle.",
    }


def _potency(mechanism: str, runs: tuple[RunPotency, ...], potency: Potency) -> dict[str, str]:
    low, high = (potency.belief.quantile(p) for p in (0.05, 0.95))
    return {
        "meaning": f"relative potency of the mechanism {mechanism}",
        "value": f"{potency.r:.6g}",
        "low": f"{low:.6g}",
        "high": f"{high:.6g}",
        "shape": "lognormal",
        "basis": "measured",
        "source": "potency_assay",
        "locator": ", ".join(run.run for run in runs if not run.refused),
    }


def _stored(base: Mapping[str, object], record: LotRecord, catalog: Catalog) -> dict[str, str]:
    """What storage until the dose leaves, at the process's rate of loss."""
    loss = catalog.get("processes", str(record.process)).card.parameter("storage_loss", "")
    time = float(record.stored)
    low, middle, high = (float(np.exp(-rate * time)) for rate in (loss.high, loss.value, loss.low))
    return {
        "meaning": _entry(base, "storage_survival", "")["meaning"],
        "value": f"{middle:.6g}",
        "low": f"{low:.6g}",
        "high": f"{high:.6g}",
        "shape": "uniform" if low < high else "fixed",
        "basis": "assumed",
        "because": f"{record.stored} of storage at {record.process}'s rate of loss, which is assumed.",
    }


def protein(record: LotRecord, file: str) -> tuple[float, float | None] | None:
    """Protein of the product in ug/uL with its coefficient of variation; None where the record states none."""
    if record.protein is None:
        return None
    sign, amount, error = stated(record.protein, "ug/uL", "40 ug/mL", file, "protein")
    if sign or not amount > 0:
        raise BadInput("is a number above zero", file=file, key="protein", given=record.protein)
    return amount, error
