"""Rows that a page draws as bars on one axis, with their positions in per cent of the width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from otosome.answers.headline import Headline
from otosome.answers.numbers import Interval, amount, is_fraction, number, unit_text
from otosome.answers.sensitivity import Mover
from otosome.report.provenance import BASES, MEANINGS

MOVERS_SHOWN = 5


@dataclass(frozen=True)
class Axis:
    """A horizontal axis whose positions are percentages of the width."""

    low: float
    high: float
    ticks: tuple[float, ...]
    unit: str = ""

    def at(self, value: float) -> float:
        """The position of a value, 0 to 100 %, held at the ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 3)

    def label(self, tick: float) -> str:
        """A tick's number; the last one names the unit."""
        factor, unit = (100, "%") if is_fraction(self.unit) else (1, self.unit)
        text = number(factor * tick)
        return f"{text} {unit}" if tick == self.ticks[-1] else text


def axis(values: Iterable[float | None], unit: str = "", least: float = 0.0) -> Axis:
    """An axis that holds all finite values and zero and is ``least`` wide or wider, with ticks at round numbers."""
    from matplotlib.ticker import MaxNLocator

    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    short = max(least - (high - low), 0.0) / 2
    low, high = low - short, high + short
    room = 0.06 * (high - low) or 1.0
    low, high = low - room, high + room
    ticks = [float(tick) for tick in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)]
    return Axis(low, high, tuple(tick for tick in ticks if low <= tick <= high), unit)


@dataclass(frozen=True)
class BenefitRow:
    """An interval of a benefit with its positions on the axis; ``kind`` is how it is drawn."""

    kind: str
    label: str
    band: Interval
    low: float
    median: float
    high: float

    @property
    def value(self) -> str:
        """The median as it is printed everywhere."""
        return self.band.text.partition(" (")[0]

    @property
    def interval(self) -> str:
        """The ends as they are printed everywhere."""
        return self.band.text.partition(" (")[2].removesuffix(")")


def comparison(compared: Headline) -> tuple[Axis, list[BenefitRow]]:
    """The benefit, its three spreads, the efficacy prior halved and doubled, null vesicles and other treated arms.

    returns  rows on one axis; every dot lies on its own line
    """
    late = compared.late
    bands = [
        ("main", f"{compared.of} against {compared.against}", compared.benefit),
        ("thin", "between ears of one lot", compared.between_ears),
        ("thin", "between lots", compared.between_lots),
        ("thin", "what we do not know", compared.between_worlds),
        ("other", "Largest effects halved", compared.halved),
        ("other", "Largest effects doubled", compared.doubled),
        ("other", "Late window closed", None if late is None else late.closed),
        ("other", "The strongest vesicles allowed", None if late is None else late.most),
        ("null", "Null vesicles: same particles, no effect by construction", compared.null_benefit),
        *(("arm", arm, band) for arm, band in compared.others.items()),
    ]
    # One world is one guess at everything: what is not known has no spread in it.
    unknown = None if compared.worlds > 1 else compared.between_worlds
    shown = [(kind, label, band) for kind, label, band in bands if band is not None and band is not unknown]
    ends = [end for _, _, band in shown for end in (band.exact.low, band.exact.high)]
    # What is printed as nothing must not look like something.
    scale = axis(ends, compared.unit, least=0.01 if is_fraction(compared.unit) else 1.0)
    return scale, [_benefit_row(kind, label, band, scale) for kind, label, band in shown]


def _benefit_row(kind: str, label: str, band: Interval, scale: Axis) -> BenefitRow:
    exact = band.exact
    return BenefitRow(kind, label, band, *(scale.at(end) for end in (exact.low, exact.median, exact.high)))


@dataclass(frozen=True)
class MoverRow:
    """A number that moves the answer as a bar: positions in %, and what is printed at its ends."""

    mover: Mover
    left: float
    width: float
    low_position: float
    high_position: float
    low_value: str
    high_value: str
    at_low: str
    at_high: str


def movers(rows: Sequence[Mover], unit: str) -> tuple[Axis, list[MoverRow]]:
    """The numbers that move the answer most, as bars on one axis."""
    shown = rows[:MOVERS_SHOWN]
    scale = axis((end for row in shown for end in (row.at_low, row.at_high)), unit)
    return scale, [_mover_row(row, scale, unit) for row in shown]


def _mover_row(row: Mover, scale: Axis, unit: str) -> MoverRow:
    low, high = scale.at(row.at_low), scale.at(row.at_high)
    return MoverRow(
        mover=row,
        left=min(low, high),
        width=round(abs(high - low), 3),
        low_position=low,
        high_position=high,
        low_value=f"{number(row.low)} {unit_text(row.unit)}".strip(),
        high_value=f"{number(row.high)} {unit_text(row.unit)}".strip(),
        at_low=amount(row.at_low, unit),
        at_high=amount(row.at_high, unit),
    )


@dataclass(frozen=True)
class BasisRow:
    """A basis in a stacked bar: start and width in %, and its amount as printed."""

    basis: str
    start: float
    width: float
    amount: str
    meaning: str


def stack(parts: Mapping[str, float], texts: Mapping[str, str]) -> list[BasisRow]:
    """A stacked bar: each basis present with its share of the whole, and its text."""
    total = sum(parts.values()) or 1.0
    rows, start = [], 0.0
    for basis in (name for name in BASES if parts.get(name)):
        width = 100 * parts[basis] / total
        rows.append(BasisRow(basis, round(start, 3), round(width, 3), texts[basis], MEANINGS[basis]))
        start += width
    return rows
