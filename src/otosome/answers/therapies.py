"""Therapies side by side: what each does to words, to cells and to a life, what it may cost, and how sure that is.

Every ear goes through every arm, so arms differ by what is done in them and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.answers import stored
from otosome.answers.accuracy import accuracy, begin
from otosome.answers.description import described, scales
from otosome.answers.grades import Grades, grades
from otosome.answers.numbers import EVENTS, UTILITY, WORTH, Interval, difference, interval
from otosome.answers.scores import (
    LEANINGS,
    WORDS,
    Ahead,
    Chance,
    ahead,
    chances,
    expected,
    gain,
    in_quiet,
    reference,
    scores,
    weighed,
    worths,
)
from otosome.answers.sources import sources
from otosome.answers.window import places
from otosome.ears import Columns, Ears
from otosome.errors import BadInput
from otosome.forward import Tick, best, crossing, observed, simulate
from otosome.model.team import team
from otosome.study import Study
from otosome.units import Array, convert, house

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

# People whose adverse events are counted.
PEOPLE = 1000


@dataclass(frozen=True)
class MeasureResult:
    """A measure in an arm at its last time.

    ``frequency``   kHz, None for words;  ``best_value``  of the ear in which every number has its best value, at each
    ``ears``        of all ears, mean over frequencies;  ``gain``  over the reference, above zero where better
    """

    unit: str
    endpoint: str
    cell: str | None
    noise: str | None
    frequency: list[float] | None
    best_value: list[float]
    ears: Interval
    gain: Interval


@dataclass(frozen=True)
class CellResult:
    """Cells of a kind counted at the end, a share of all, mean along the duct; ``saved`` is over the reference."""

    best_value: float
    ears: Interval
    saved: Interval


@dataclass(frozen=True)
class AdverseEventResult:
    """An adverse event an arm may bring: events in 1,000 people beyond what happens anyway, and what one weighs."""

    adverse_event: str
    about: str
    counted: str
    note: str
    events: Interval
    weight: float


@dataclass(frozen=True)
class ArmResult:
    """A therapy: what it is worth, how likely it is best by each leaning, and all that goes into it.

    ``utilities``  quality of life gained, by instrument
    ``signal``     strongest receptor signal of its vesicles in the ear and in blood, 0 to 1
    """

    name: str
    score: Interval
    best: dict[str, Chance]
    measures: dict[str, MeasureResult]
    cells: dict[str, CellResult]
    utilities: dict[str, Interval]
    adverse_events: list[AdverseEventResult]
    signal: dict[str, Interval]


@dataclass(frozen=True)
class Preference:
    """How much of each measure is worth one, what each adverse event costs, and whether the study says so."""

    stated: bool
    measures: dict[str, str]
    adverse_events: dict[str, float]


@dataclass(frozen=True)
class Instrument:
    """An instrument that values what is understood: the utility its first aids gained, and why that number."""

    label: str
    about: str
    because: str
    gain: float


@dataclass(frozen=True)
class SideBySide:
    """Every arm of a study beside its first, ``reference``."""

    reference: str
    ears: int
    worlds: int
    preference: Preference
    instruments: dict[str, Instrument]
    arms: list[ArmResult]
    ahead: Ahead
    grades: list[Grades]


def therapies(
    study: Study,
    table: Ears | pd.DataFrame,
    workers: int = 2,
    tick: Tick | None = None,
    store: Path | None = None,
) -> xr.Dataset:
    """Simulate a study whose arms are therapies and lay them side by side.

    ``table``  ears of ``draw``, or the same as a plain table (``Ears.of``);  ``store``  as of ``simulate``
    returns  the dataset of ``simulate`` with everything a report says in its attributes (``answers.stored``),
             ``therapies`` among them (a ``SideBySide``)
    raises   BadInput for a study with one arm, or one that weighs nothing
    """
    _check(study)
    ears = Ears.of(table)
    ears.alike("a comparison")
    with team(workers) as helpers:
        begun = helpers.begin(partial(_part, study, ears), list(_PARTS))
        exact = begin(study, ears, helpers)
        result = simulate(study, ears, workers, tick, store=store)
        errors = accuracy(study, result, ears, exact)
        done = {part: task.result() for part, task in zip(_PARTS, begun, strict=True)}
    result = result.merge(done["places"], join="exact", combine_attrs="override")
    stored.write(
        result,
        **vars(described(study)),
        sources=sources(study),
        errors=errors,
        crossing=done["crossing"],
        sensitivity=[],
        headline={},
        therapies=side_by_side(study, result, done["best value"], ears),
    )
    return result


# Parts of a comparison that need no ear of the simulation, those that take longest first.
_PARTS: dict[str, Callable[[Study, Ears], Any]] = {
    "best value": lambda study, ears: simulate(study, best(study), 1),
    "crossing": crossing,
    "places": lambda study, ears: places(study),
}


def _part(study: Study, ears: Ears, name: str) -> Any:
    return _PARTS[name](study, ears)


def _check(study: Study) -> None:
    if len(study.tables.arm) < 2:
        raise BadInput("has one arm, so there is nothing to compare", file=study.name, key="arm")
    if not worths(study):
        raise BadInput(
            "measures no words understood in quiet, and states nothing else that is worth something",
            file=study.name,
            key="preference.measures",
            cure=f"add a measure of {WORDS}, or say how much of another measure is worth one",
        )


def side_by_side(study: Study, result: xr.Dataset, best_value: xr.Dataset, ears: Ears) -> SideBySide:
    """Every arm with its measures, cells, adverse events, quality of life and the probability that it is best.

    ``result``      of ``simulate``;  ``best_value``  the same of the one ear in which every number has its best value
    """
    world = result["world"].to_numpy()
    columns = ears.pick(result["subject"].to_numpy())
    arms = study.tables.arm
    names = [arm.name for arm in arms]
    risks = {arm.name: expected(study, arm, columns) for arm in arms}
    scored = {name: scores(study, result, risks, factor) for name, factor in LEANINGS.items()}
    likely = {name: chances(values, world) for name, values in scored.items()}
    return SideBySide(
        reference=reference(study),
        ears=result.sizes["subject"],
        worlds=int(np.unique(world).size),
        preference=_preference(study),
        instruments=_instruments(study),
        arms=[
            ArmResult(
                name=arm,
                score=interval(scored["as stated"][number], WORTH, gain=True),
                best={leaning: chance[number] for leaning, chance in likely.items()},
                measures={m: _measured(study, result, best_value, m, arm) for m in study.tables.measure},
                cells=_cells(study, result, best_value, arm),
                utilities=_utilities(study, result, columns, arm),
                adverse_events=[_adverse_event(study, name, risk) for name, risk in risks[arm].items()],
                signal=_signal(result, arm),
            )
            for number, arm in enumerate(names)
        ],
        ahead=ahead(names, scored["as stated"], likely["as stated"], world),
        grades=_grades(study, result, ears),
    )


def _preference(study: Study) -> Preference:
    measures = {name: worth.text for name, worth in worths(study).items()}
    return Preference(study.tables.preference is not None, measures, weighed(study))


def _adverse_event(study: Study, name: str, risk: Array) -> AdverseEventResult:
    entry = study.catalog.get("adverse_events", name)
    return AdverseEventResult(
        adverse_event=name,
        about=entry.card.about,
        counted=entry.options.counted,
        note=entry.options.note,
        events=interval(PEOPLE * risk, EVENTS),
        weight=weighed(study)[name],
    )


def _signal(result: xr.Dataset, arm: str) -> dict[str, Interval]:
    """Strongest signal that vesicles give in the ear and in blood: what shields one may shield a tumour."""
    signal = result["signal"].sel(arm=arm)
    return {
        str(where): interval(signal.sel(where=where).to_numpy(), "") for where in signal["where"].to_numpy()
    }


def _measured(study: Study, result: xr.Dataset, best_value: xr.Dataset, name: str, arm: str) -> MeasureResult:
    quantity = study.tables.measure[name]
    unit = str(result[name].attrs["unit"])
    chosen = np.isin(result.frequency.to_numpy(), quantity.tones)
    time = int(np.searchsorted(result.time.to_numpy(), max(quantity.at)))
    ears, middle = (each[name].sel(arm=arm).to_numpy()[:, time, chosen] for each in (result, best_value))
    return MeasureResult(
        unit=unit,
        endpoint=quantity.endpoint,
        cell=quantity.cell,
        noise=None if quantity.noise is None else quantity.noise.text,
        frequency=None if quantity.frequency is None else result.frequency.to_numpy()[chosen].tolist(),
        best_value=middle[0].tolist(),
        ears=interval(ears.mean(axis=1), unit),
        gain=interval(gain(study, result, name, arm), _points(difference(unit)), gain=True),
    )


def _points(unit: str) -> str:
    """Two scores in per cent differ by points."""
    return "points" if unit == "%" else unit


def _cells(study: Study, result: xr.Dataset, best_value: xr.Dataset, arm: str) -> dict[str, CellResult]:
    return {
        kind: _cell(study, result.sel(cell=kind), best_value.sel(cell=kind), arm)
        for kind in map(str, result["cell"].to_numpy())
    }


def _cell(study: Study, result: xr.Dataset, best_value: xr.Dataset, arm: str) -> CellResult:
    left, against = (
        result["cells"].sel(arm=name).to_numpy().mean(axis=-1, dtype=float)
        for name in (arm, reference(study))
    )
    middle = float(best_value["cells"].sel(arm=arm).to_numpy().mean(dtype=float))
    return CellResult(middle, interval(left, ""), interval(left - against + 0.0, "", gain=True))


def _utilities(study: Study, result: xr.Dataset, columns: Columns, arm: str) -> dict[str, Interval]:
    """Quality of life gained, by instrument: the utility of a share of words, times the words gained in quiet."""
    names = valued(study)
    if not names:
        return {}
    words = in_quiet(study)[0]
    unit = str(result[words].attrs["unit"])
    gained = convert(1.0, unit, house(unit)) * gain(study, result, words, arm)
    return {name: interval(gained * per_word(study, name, columns), UTILITY, gain=True) for name in names}


def valued(study: Study) -> list[str]:
    """The instruments that can value a study: all there are, where it measures words understood in quiet."""
    return study.catalog.names("utilities") if in_quiet(study) else []


def _instruments(study: Study) -> dict[str, Instrument]:
    entries = {name: study.catalog.get("utilities", name) for name in valued(study)}
    return {
        name: Instrument(
            label=entry.options.label,
            about=entry.card.about,
            because=entry.card.parameter("gain", "").because,
            gain=entry.card.parameter("gain", "").value,
        )
        for name, entry in entries.items()
    }


def per_word(study: Study, name: str, columns: Columns) -> Array:
    """Utility that an instrument gives to understanding all words rather than none, shape (ear,)."""
    numbers = study.catalog.get("utilities", name).columns(columns, study.tables.species)
    return numbers["gain"] / numbers["words"]


def _grades(study: Study, result: xr.Dataset, ears: Ears) -> list[Grades]:
    import pandas as pd

    graded = scales(study)
    if not graded:
        return []
    names = [name for name, measure in study.tables.measure.items() if measure.scales]
    readings = (rows[rows["quantity"].isin(list(graded))] for rows in observed(study, result, ears, names))
    return grades(pd.concat(readings), graded, map(str, result.arm.to_numpy()))
