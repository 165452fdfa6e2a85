"""The lots before this one: charts, lot-to-lot spread, the range a new lot is to lie in, and storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otosome.cards import read_toml
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.lots.assessment import Assessment, assess
from otosome.lots.belief import Belief
from otosome.lots.history import (
    FEWEST,
    RULES,
    Chart,
    Components,
    Stability,
    Trend,
    broken_rules,
    components,
    ewma,
    historical_range,
    shewhart,
    stability,
    trend,
)
from otosome.lots.process import Comparison, comparable
from otosome.lots.record import is_lot_record
from otosome.units import Array

_MOST_LOTS = 1000


@dataclass(frozen=True)
class Series:
    """One quantity over earlier lots in their order: charts on its logarithm, the range of history, this lot within it.

    ``new``     this lot's value: the last place of each chart, whose limits are the history's alone; None where it
                was not measured
    ``inside``  probability that this lot lies in the range; None likewise
    ``trend``   of the earlier lots;  ``broken``  rules of the chart that the new lot breaks, by name
    """

    quantity: str
    lots: tuple[str, ...]
    values: Array
    new: float | None
    charts: tuple[Chart, Chart]
    range: tuple[float, float]
    inside: float | None
    components: Components | None
    trend: Trend
    broken: tuple[str, ...]

    @property
    def unlike(self) -> tuple[str, ...]:
        """The rules that the new lot breaks, by name; the weighted mean is a rule of its own."""
        if self.new is None:
            return ()
        drifted = self.charts[1].baseline in self.charts[1].outside
        return (
            *self.broken,
            *((RULES[-1],) if drifted else ()),
        )


@dataclass(frozen=True)
class History:
    """What earlier lots say, and where the lot ``new`` stands among them (None where there is none)."""

    lots: tuple[str, ...]
    new: str | None
    series: tuple[Series, ...]
    stability: Stability | None
    notes: tuple[str, ...]
    changes: tuple[Change, ...] = ()

    @property
    def conclusion(self) -> str:
        """Whether the new lot is like those before it, in one sentence."""
        if self.new is None or not any(series.new is not None for series in self.series):
            return f"{len(self.lots)} lots, and no new one that could be compared with them."
        broken = [
            f"{series.quantity.replace('_', ' ')}: {', '.join(series.unlike)}"
            for series in self.series
            if series.unlike
        ]
        if broken:
            return f"Lot {self.new} is unlike the {len(self.lots)} lots before it: {'; '.join(broken)}."
        return f"Lot {self.new} is like the {len(self.lots)} lots before it: no rule of their control charts is broken."


@dataclass(frozen=True)
class Change:
    """Lots of one process beside the lots of the process before it: whether they are shown comparable."""

    quantity: str
    before: str
    after: str
    lots: tuple[int, int]
    comparison: Comparison


@dataclass(frozen=True)
class Earlier:
    """Earlier lots in the order they were made, and the records that cannot stand among them, with the reason."""

    lots: tuple[Assessment, ...]
    left_out: tuple[str, ...] = ()


def read_history(folder: Path, catalog: Catalog, but: Path | None = None) -> Earlier:
    """Every lot's record in a folder and its folders; a record that cannot be used is left out and named.

    ``but``  a record that is not history
    raises   BadInput where there is no such folder, or too many files
    """
    if not folder.is_dir():
        raise BadInput("is not a folder", file=str(folder), cure="name a folder that holds records of lots")
    files = sorted(file for file in folder.rglob("*.toml") if file.resolve() != (but and but.resolve()))
    if len(files) > _MOST_LOTS:
        raise BadInput(
            "holds too many files", file=str(folder), given=len(files), allowed=f"up to {_MOST_LOTS}"
        )
    lots, left_out = [], []
    for file in files:
        try:
            lot = assess(file, catalog) if is_lot_record(read_toml(file)) else None
        except BadInput as error:
            left_out.append(f"Left out of the history: {file.name}: {error.message}")
            continue
        if lot is not None and lot.record.made is None:
            left_out.append(
                f'Left out of the history: {file.name} lacks the day it was made: made = "2026-03-31"'
            )
        elif lot is not None:
            lots.append(lot)
    return Earlier(
        tuple(sorted(lots, key=lambda lot: (str(lot.record.made), lot.record.name))), tuple(left_out)
    )


def history(earlier: Earlier, new: Assessment | None, catalog: Catalog, left: float = 0.8) -> History:
    """What earlier lots say, and where a new one stands.

    ``left``  share of a lot that must be left at the end of its shelf life
    raises    BadInput for fewer than three lots
    """
    lots = earlier.lots
    if len(lots) < FEWEST:
        cure = "; ".join(earlier.left_out[:5]) or None
        raise BadInput(
            "a history has three lots or more", key="history", given=f"{len(lots)} lots", cure=cure
        )
    counted, notes = _comparable(lots, new)
    charted = [_counts(counted, new)] if len(counted) >= FEWEST else []
    charted += _potency_series(lots, new)
    stored, unstored = _stability(lots if new is None else [*lots, new], left)
    names = tuple(lot.record.name for lot in lots)
    notes = (*earlier.left_out, *notes, *unstored)
    changes = _changes(lots if new is None else [*lots, new], catalog)
    return History(names, None if new is None else new.record.name, tuple(charted), stored, notes, changes)


def _counts(lots: Sequence[Assessment], new: Assessment | None) -> Series:
    known = [lot.counted.belief for lot in lots if lot.counted is not None]
    single = [
        np.log(
            [
                measurement.counts().mean()
                for measurement in lot.counts
                if measurement.stored == 0 and not measurement.undiluted
            ]
        )
        for lot in lots
    ]
    here = new.counted.belief if new is not None and new.counted is not None and _known(new) else None
    return _series("particles", lots, known, here, single)


def _comparable(
    lots: Sequence[Assessment], new: Assessment | None
) -> tuple[list[Assessment], tuple[str, ...]]:
    """Lots whose count is known, all by one instrument (the new lot's, else the last lot's), and which are left out."""
    counted = [lot for lot in lots if _known(lot)]
    if not counted:
        return [], ()
    instrument = _instrument(new if new is not None and _known(new) else counted[-1])
    others = [lot.record.name for lot in counted if _instrument(lot) != instrument]
    note = f"Left out of the chart of counts, as not counted by {instrument}: {', '.join(others)}."
    return [lot for lot in counted if _instrument(lot) == instrument], (note,) if others else ()


def _known(lot: Assessment) -> bool:
    """Whether a lot was counted and nothing of it lacks its dilution."""
    return lot.counted is not None and not any(
        measurement.undiluted for measurement in lot.counts if measurement.stored == 0
    )


def _instrument(lot: Assessment) -> str:
    return next(measurement.instrument for measurement in lot.counts if measurement.stored == 0)


def _potency_series(lots: Sequence[Assessment], new: Assessment | None) -> list[Series]:
    """A series of every mechanism whose potency enough lots have."""
    measured = {
        mechanism: [lot for lot in lots if lot.potencies.get(mechanism, ((), None))[1] is not None]
        for mechanism in sorted({mechanism for lot in lots for mechanism in lot.potencies})
    }
    return [_potency(mechanism, those, new) for mechanism, those in measured.items() if len(those) >= FEWEST]


def _potency(mechanism: str, lots: Sequence[Assessment], new: Assessment | None) -> Series:
    both = [lot.potencies[mechanism] for lot in lots]
    single = [np.array([run.log for run in runs if not run.refused]) for runs, _ in both]
    here = None if new is None else new.potencies.get(mechanism, ((), None))[1]
    known = [potency.belief for _, potency in both if potency is not None]
    return _series(f"potency_{mechanism}", lots, known, None if here is None else here.belief, single)


def _series(
    quantity: str,
    lots: Sequence[Assessment],
    known: Sequence[Belief],
    here: Belief | None,
    single: Sequence[Array],
) -> Series:
    values = np.array([belief.quantile(0.5) for belief in known])
    new = None if here is None else here.quantile(0.5)
    logs, log = np.log(values), None if new is None else float(np.log(new))
    low, high = historical_range(logs)
    inside = None if here is None else here.within(float(np.exp(low)), float(np.exp(high)))
    names = tuple(lot.record.name for lot in lots)
    charts = (shewhart(logs, log), ewma(logs, log))
    broken: tuple[str, ...] = ()
    if log is not None:
        broken = broken_rules(np.append(logs, log), float(logs.mean()), float(logs.std(ddof=1)))
    return Series(
        quantity, names, values, new, charts, (low, high), inside, components(single), trend(logs), broken
    )


def _changes(lots: Sequence[Assessment], catalog: Catalog) -> tuple[Change, ...]:
    """The last process's counts beside those of the process before it, where each has two lots or more."""
    named = [lot for lot in lots if _known(lot) and lot.record.process is not None]
    processes = list(dict.fromkeys(str(lot.record.process) for lot in named))
    if len(processes) < 2:
        return ()
    before, after = processes[-2:]
    groups = [
        np.array(
            [lot.counted.belief.quantile(0.5) for lot in named if lot.record.process == name and lot.counted]
        )
        for name in (before, after)
    ]
    if min(group.size for group in groups) < 2:
        return ()
    margin = catalog.get("processes", before).card.parameter("change_margin", "").value
    comparison = comparable(groups[0], groups[1], margin)
    return (Change("particles", before, after, (groups[0].size, groups[1].size), comparison),)


def _stability(lots: Sequence[Assessment], left: float) -> tuple[Stability | None, tuple[str, ...]]:
    """The trend of counts in storage over all lots counted at two times or more."""
    timed = [[measurement for measurement in lot.counts if not measurement.undiluted] for lot in lots]
    timed = [counts for counts in timed if len({measurement.stored for measurement in counts}) > 1]
    if sum(map(len, timed)) < len(timed) + 2 or not timed:
        return None, ("No trend in storage: no lots were counted often enough at two storage times.",)
    times = [np.array([measurement.stored for measurement in counts]) for counts in timed]
    values = [
        np.array([float(np.exp(np.log(measurement.counts()).mean())) for measurement in counts])
        for counts in timed
    ]
    return stability(times, values, left), ()
