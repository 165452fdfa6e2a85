"""Therapies side by side as one page: pictures first, then tables; no therapy without its probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import xarray as xr

from otosome.answers.numbers import UTILITY, Interval, number
from otosome.answers.scores import WORDS
from otosome.answers.therapies import (
    PEOPLE,
    AdverseEventResult,
    ArmResult,
    Instrument,
    MeasureResult,
    SideBySide,
)
from otosome.report import figures, window
from otosome.report.axes import Axis, axis
from otosome.report.figures import Dotted, Panel
from otosome.report.summary import capital, measured, words
from otosome.units import Json

# From a point of words on it is hearing better.
_POINT = 1.0


@dataclass(frozen=True)
class Bar:
    """An interval as a bar: positions in %, its colour, and what is printed beside it; ``other`` is a hollow dot."""

    label: str
    swatch: bool
    colour: str
    low: float
    median: float
    high: float
    value: str
    range: str
    other: float | None = None


@dataclass(frozen=True)
class Bars:
    """Bars on one axis, under a heading; of an instrument with what it is."""

    name: str
    axis: Axis
    rows: list[Bar]
    instrument: Instrument | None = None


def side_by_side(beside: SideBySide, result: xr.Dataset) -> Json:
    """What the template prints of a result of ``otosome.answers.therapies`` beside its pictures."""
    colours, heard = figures.arm_colours(result), audiogram(beside)
    others = [arm for arm in beside.arms if arm.name != beside.reference]
    return {
        "beside": beside,
        "colours": colours,
        "likely": _likely(beside, colours),
        "likeliest": likeliest(beside),
        "preference": _preference(beside),
        "tale": [(arm.name, _tale(arm)) for arm in others],
        "day": 0.0 if heard is None else float(measured(result, heard)["time"][-1]) / window.HOURS_A_DAY,
        "adverse_events": _adverse_events(beside, colours),
        "adverse_event_notes": list(_adverse_event_notes(beside).values()),
        "signals": [arm for arm in beside.arms if arm.signal["blood"].exact.high > 0],
        "lives": _lives(beside, others, colours),
    }


def audiogram(beside: SideBySide) -> str | None:
    """The measure of hearing levels, where one is compared."""
    return next((name for name, row in beside.arms[0].measures.items() if row.unit == "dB HL"), None)


def scored(beside: SideBySide) -> list[str]:
    """The measures that are words understood."""
    return [name for name, row in beside.arms[0].measures.items() if row.endpoint == WORDS]


def _adverse_event_notes(beside: SideBySide) -> dict[str, AdverseEventResult]:
    return {row.adverse_event: row for arm in beside.arms for row in arm.adverse_events}


# ---------------------------------------------------------------- how likely


def _likely(beside: SideBySide, colours: Mapping[str, str]) -> Bars:
    scale = Axis(-0.02, 1.04, (0.0, 0.25, 0.5, 0.75, 1.0))
    rows = []
    for arm in beside.arms:
        chance = arm.best["as stated"]
        value, low, high = (scale.at(end) for end in chance.average.exact)
        rows.append(
            Bar(
                label=arm.name,
                swatch=True,
                colour=colours[arm.name],
                low=low,
                median=value,
                high=high,
                value=chance.average.text.partition(" (")[0],
                range=f"one person: {chance.person.text.partition(' (')[0]}",
                other=scale.at(chance.person.exact[0]),
            )
        )
    return Bars("best", scale, rows)


def likeliest(beside: SideBySide) -> str:
    """Which therapies may be best on average, each with its probability, in one or two sentences."""
    ranked = sorted(beside.arms, key=lambda arm: -arm.best["as stated"].average.exact[0])
    first, *others = [arm for arm in ranked if arm.best["as stated"].average.exact[0] > 0]
    rest = "".join(f", “{arm.name}” {_chance(arm)}" for arm in others[:3])
    likely = max(beside.arms, key=lambda arm: arm.best["as stated"].person.exact[0])
    return (
        f"Under the preference stated below, “{first.name}” is best on average over people with a probability of "
        f"{first.best['as stated'].average.text}{rest.replace(',', ';', 1)}. It is worth {beside.ahead.by.text} more "
        f"than the next, “{beside.ahead.over}”. For one person drawn, “{likely.name}” is best with "
        f"{likely.best['as stated'].person.text}: people differ, and so does what we do not know."
    )


def _chance(arm: ArmResult) -> str:
    return arm.best["as stated"].average.text.partition(" (")[0]


def _preference(beside: SideBySide) -> str:
    preference = beside.preference
    worth = "; ".join(f"{text} of “{words(name)}” is worth 1" for name, text in preference.measures.items())
    costs = ", ".join(f"{words(name)} {number(weight)}" for name, weight in preference.adverse_events.items())
    whose = (
        "The study states what counts"
        if preference.stated
        else "The study states no preference, so by default"
    )
    events = f"One event costs: {costs}." if costs else "No adverse event is counted."
    return f"{whose}: {worth}. {events} Nothing else counts."


# ---------------------------------------------------------------- words and cells


def _tale(arm: ArmResult) -> str:
    """What a therapy does to words and to cells, in one line."""
    scored = [row for row in arm.measures.values() if row.endpoint == WORDS]
    better = any(row.gain.median >= _POINT for row in scored)
    return f"{'; '.join([*map(_words_gained, scored), _cells_saved(arm, better)])}."


def _cells_saved(arm: ArmResult, better: bool) -> str:
    """What becomes of the cells that may change most: where most ears lose none, a few can lose much."""
    most = max(arm.cells, key=lambda kind: _widest(arm.cells[kind].saved))
    saved = arm.cells[most].saved
    if _is_nothing(saved):
        return "hears better, no cell saved" if better else "no cell saved or lost"
    return f"{figures.KINDS.get(most, most).lower()} {saved.text}"


def _widest(band: Interval) -> float:
    return max(abs(end) for end in (band.exact.low, band.exact.median, band.exact.high))


def _is_nothing(band: Interval) -> bool:
    """Whether all of an interval prints as nothing."""
    return band.low == band.median == band.high == 0


def _words_gained(row: MeasureResult) -> str:
    if _is_nothing(row.gain):
        return f"no word gained {_where(row)}"
    gained, _, ends = row.gain.text.partition(" (")
    return f"{gained} of words {_where(row)} ({ends}"


def _where(row: MeasureResult) -> str:
    return f"in noise of {row.noise}" if row.noise else "in quiet"


def dots(beside: SideBySide, colours: Mapping[str, str]) -> list[Panel]:
    """A panel for every word score and every kind of cell: a line for each therapy."""
    first = beside.arms[0]
    of_words = [
        figures.dot_panel(
            f"{capital(words(name))}: words understood {_where(row)}, %",
            [
                Dotted(arm.name, arm.measures[name].ears, arm.measures[name].best_value[0])
                for arm in beside.arms
            ],
            colours,
        )
        for name, row in first.measures.items()
        if row.endpoint == WORDS
    ]
    of_cells = [
        figures.dot_panel(
            f"{figures.KINDS.get(kind, kind)} left, %",
            [Dotted(arm.name, arm.cells[kind].ears, arm.cells[kind].best_value) for arm in beside.arms],
            colours,
        )
        for kind in first.cells
    ]
    return of_words + of_cells


# ---------------------------------------------------------------- adverse events and quality of life


def _adverse_events(beside: SideBySide, colours: Mapping[str, str]) -> list[Bars]:
    """For each therapy that brings any, its adverse events in so many people, all on one axis."""
    events = {
        arm.name: [(words(row.adverse_event), row.events) for row in arm.adverse_events]
        for arm in beside.arms
    }
    return _bars({name: rows for name, rows in events.items() if rows}, colours, f"per {PEOPLE:,}")


def _lives(beside: SideBySide, others: Sequence[ArmResult], colours: Mapping[str, str]) -> list[Bars]:
    """For each instrument what each therapy gains, all on one axis."""
    gains = {name: [(arm.name, arm.utilities[name]) for arm in others] for name in beside.instruments}
    groups = _bars(gains, colours, UTILITY)
    return [Bars(g.name, g.axis, g.rows, beside.instruments[g.name]) for g in groups]


def _bars(
    groups: Mapping[str, Sequence[tuple[str, Interval]]],
    colours: Mapping[str, str],
    unit: str,
) -> list[Bars]:
    """Groups of intervals on one axis; a row or its whole group has the colour of the therapy it is named after."""
    bands = [band.exact for rows in groups.values() for _, band in rows]
    if not bands:
        return []
    scale = axis((end for band in bands for end in (band.low, band.median, band.high)), unit)
    return [
        Bars(name, scale, [_bar(label, band, colours, name, scale) for label, band in rows])
        for name, rows in groups.items()
    ]


def _bar(label: str, band: Interval, colours: Mapping[str, str], group: str, scale: Axis) -> Bar:
    value, _, ends = band.text.partition(" (")
    low, median, high = (scale.at(end) for end in (band.exact.low, band.exact.median, band.exact.high))
    colour = colours.get(label) or colours[group]
    return Bar(label, label in colours, colour, low, median, high, value, ends.removesuffix(")"))
