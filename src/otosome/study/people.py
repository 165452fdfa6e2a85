"""Audiograms a study names by file -> columns it holds itself, so that it runs again without the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.file import Export, header
from otosome.laboratory.reading import instrument_of, read_with
from otosome.laboratory.tables import Tables
from otosome.model.grades import PTA4
from otosome.model.hearing import between
from otosome.study.tables import Measure, PopulationUse
from otosome.units import Array, Quantity

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, list[float] | list[str]]
_AIR, _BONE = "audiogram", "audiogram.bone"
_EARS = ("left", "right")
# A gap between air and bone that repeats do not explain: two steps.
_GAP = 10.0
_SHOWN, _NAMED = 12, 3
_LEVELS = "-30 to 130 dB HL"


def with_readings(use: PopulationUse, file: Path, catalog: Catalog) -> tuple[PopulationUse, list[str], str]:
    """A population with what its audiogram file holds, and what was decided about the file, in sentences.

    returns besides  what of the file could not be read, in words; empty where all could
    raises  BadInput for a file without hearing levels in dB HL, of nobody or not of the person named, or whose
            better ear cannot be told
    """
    table, unread = _table(file, catalog)
    take: Callable[[PopulationUse, pd.DataFrame, str], tuple[Columns, list[str]]]
    take = _one_person if catalog.get("populations", use.entry).options.people == "one" else _many_people
    try:
        columns, notes = take(use, table, file.name)
    except BadInput as error:
        raise as_far_as_read(error, file.name, unread) from error
    if unread:
        notes.append(f"What could not be read in {file.name} counts as not tested: {unread}.")
    return use.model_copy(update={"audiogram": file.name, "readings": columns}), notes, unread


def as_far_as_read(error: BadInput, file: str, unread: str) -> BadInput:
    """The same refusal of what a file lacks; where something in it could not be read, it says what."""
    # A reading that is refused was read.
    if not unread or str(error.key).startswith("readings."):
        return error
    return BadInput(
        f"{error.message}, as far as {file} can be read ({unread})",
        file=error.file,
        key=error.key,
        given=error.given,
        allowed=error.allowed,
        cure=f"write hearing levels of {_LEVELS} there{'' if error.cure is None else f'; or {error.cure}'}",
    )


def _table(file: Path, catalog: Catalog) -> tuple[pd.DataFrame, str]:
    """The readings of a file, a hearing level in dB HL; and what of it could not be read."""
    export = Export.open(file)
    known = instrument_of(export, catalog)
    tables = Tables() if known is None else read_with(export, known, catalog)
    table = tables.readings
    if table is not None and (table["quantity"] == _AIR).any():
        nowhere = (table["quantity"] == _AIR) & table["frequency"].isna()
        return _in_hearing_levels(table, file.name)[~nowhere], _unread(tables, int(nowhere.sum()))
    if any(name.endswith("spl") for name in header(export.head)):
        raise _in_sound_pressure(file.name, "dB SPL")
    raise BadInput(
        "holds no audiogram that a reader knows",
        file=file.name,
        key="audiogram",
        allowed=catalog.names("instruments"),
    )


def _unread(tables: Tables, nowhere: int) -> str:
    """What of a file could not be read: the first few places, how many there are, and levels at no frequency."""
    cells = [f'{cell.place} "{cell.given}": {cell.reason}' for cell in tables.refused[:_NAMED]]
    cells += [f"{len(tables.refused)} in all"] if len(tables.refused) > _NAMED else []
    cells += [f"{nowhere} level{'s' if nowhere > 1 else ''} at no frequency"] if nowhere else []
    return "; ".join(cells)


def _in_hearing_levels(table: pd.DataFrame, file: str) -> pd.DataFrame:
    units = set(table.loc[table["quantity"] == _AIR, "unit"]) - {"dB HL"}
    if units:
        raise _in_sound_pressure(file, ", ".join(sorted(units)))
    return table


def _in_sound_pressure(file: str, unit: str) -> BadInput:
    return BadInput(
        "an audiogram is in hearing levels",
        file=file,
        key="audiogram",
        given=unit,
        allowed="dB HL",
        cure="export it in dB HL: what a level in dB SPL means depends on the earphone",
    )


# ---------------------------------------------------------------- one person


@dataclass(frozen=True)
class OtherReading:
    """What was read of a person's ear besides the audiogram, by one endpoint.

    ``measure``    the study's own of that name, or the endpoint alone
    ``frequency``  kHz;  ``value``, ``censored``  as ``roles.Reading`` has them; all of shape (reading,)
    """

    measure: Measure
    frequency: Array
    value: Array
    censored: Array


def other_readings(
    use: PopulationUse, ear: str, measures: Mapping[str, Measure], catalog: Catalog
) -> tuple[list[OtherReading], list[str]]:
    """Readings of one ear that can weigh the cells behind its audiogram, and quantities that nothing here reads.

    A quantity is a measure of the study, by its name, or an endpoint that asks for nothing but frequencies.

    raises  BadInput for a reading in another unit than its endpoint's
    """
    readings, unread = [], []
    columns = {name: np.asarray(column) for name, column in (use.readings or {}).items()}
    quantities = columns.get("quantity", np.array([], dtype=str))
    for name in sorted(set(quantities.tolist()) - {_AIR}):
        measure = measures[name] if name in measures else _alone(name, catalog)
        if measure is None:
            unread.append(name)
            continue
        here = (quantities == name) & np.isin(columns["ear"], [ear, ""])
        if np.any(here):
            _check_reading(measure, columns, here, catalog)
            signs = np.array([_SIGNS[str(text)] for text in columns["censored"][here]])
            readings.append(
                OtherReading(measure, columns["frequency"][here], columns["value"][here].astype(float), signs)
            )
    return readings, unread


_SIGNS = {"below": -1.0, "none": 0.0, "above": 1.0}


def _alone(name: str, catalog: Catalog) -> Measure | None:
    """A measure by an endpoint that needs no more than to be named."""
    if name not in catalog.names("endpoints"):
        return None
    asks = catalog.get("endpoints", name).options.asks
    if asks != ("frequency",):
        return None
    return Measure(endpoint=name, frequency=[Quantity("1 kHz")], at=[Quantity("0 h")])


def _check_reading(measure: Measure, columns: Mapping[str, Array], here: Array, catalog: Catalog) -> None:
    """A reading is in its endpoint's unit, at a frequency where that asks for one, and censored in a known way."""
    unit = catalog.get("endpoints", measure.endpoint).options.unit
    others = set(columns["unit"][here].tolist()) - {unit} if "unit" in columns else set()
    if others:
        raise BadInput(
            f"a reading of {measure.endpoint} is in another unit",
            key="readings.unit",
            given=min(others),
            allowed=unit or "a fraction, without unit",
        )
    tones = columns["frequency"][here]
    if measure.frequency is not None and not np.all((tones >= 0.05) & (tones <= 30.0)):
        raise BadInput(
            f"a reading of {measure.endpoint} has a frequency",
            key="readings.frequency",
            given=float(tones.min()),
            allowed="0.05 to 30 kHz",
        )
    for text in set(columns["censored"][here].tolist()) - set(_SIGNS):
        raise BadInput("is not known", key="readings.censored", given=str(text), allowed=list(_SIGNS))


def _one_person(use: PopulationUse, table: pd.DataFrame, file: str) -> tuple[Columns, list[str]]:
    """Every reading of one person, the latest session of each quantity."""
    person = _person(use, sorted(set(table["subject"])), file)
    mine = _latest(table[table["subject"] == person])
    tested = set(mine.loc[mine["quantity"] == _AIR, "ear"])
    if not tested:
        raise BadInput("holds no audiogram of this person", file=file, key="audiogram", given=person)
    rows = mine[~mine["quantity"].str.startswith("audiogram.")]
    # Words have no frequency; a study's file holds finite numbers alone.
    numbers = {"frequency": rows["frequency"].fillna(0.0), "value": rows["value"]}
    columns: Columns = {
        key: [str(text) for text in rows[key]] for key in ("quantity", "ear", "censored", "unit")
    }
    columns |= {key: [float(number) for number in column] for key, column in numbers.items()}
    notes = [f"The audiogram of {person} was read from {file}."]
    sides = sorted(tested & set(_EARS))
    if len(sides) == 1:
        notes.append(f"Only the {sides[0]} ear was tested: grades take the other to be like it.")
    return columns, [*notes, *_gaps(mine)]


def _person(use: PopulationUse, people: list[str], file: str) -> str:
    """Whose audiogram is read: the person the study names, or the only one in the file."""
    if use.person is None and len(people) > 1:
        raise BadInput(
            f"holds {len(people)} people",
            file=file,
            key="person",
            allowed=people[:_SHOWN],
            cure='name one: person = "..." in [population], or --person',
        )
    person = people[0] if use.person is None else use.person
    if person not in people:
        raise BadInput("is not in the file", file=file, key="person", given=person, allowed=people[:_SHOWN])
    return person


def _latest(mine: pd.DataFrame) -> pd.DataFrame:
    """Of each quantity the last day that the file states."""
    last = mine.groupby("quantity")["recorded"].transform("max")
    return mine[mine["recorded"] == last]


def _gaps(mine: pd.DataFrame) -> list[str]:
    """What bone conduction says against: a loss that is not all of the inner ear."""
    notes = []
    for ear in _EARS:
        air, bone = (
            mine[(mine["ear"] == ear) & (mine["quantity"] == kind)].groupby("frequency")["value"].mean()
            for kind in (_AIR, _BONE)
        )
        apart = (air - bone).dropna()
        wide = [f"{tone:g} kHz" for tone, gap in apart.items() if gap > _GAP]
        if wide:
            notes.append(
                f"Bone conduction of the {ear} ear is better by more than {_GAP:g} dB at {', '.join(wide)}: a part "
                "of the loss there is not of the inner ear, and cells are made to explain all of it."
            )
    return notes


# ---------------------------------------------------------------- many people


def _many_people(use: PopulationUse, table: pd.DataFrame, file: str) -> tuple[Columns, list[str]]:
    """A row per person without gaps, a column per frequency that every one of them was tested at."""
    air = table[(table["quantity"] == _AIR) & table["ear"].isin(_EARS)]
    air = air.assign(silent=(air["censored"] == "above").astype(float))
    means = air.groupby(["subject", "ear", "frequency"])[["value", "silent"]].mean()
    levels, silent = means["value"].unstack("frequency"), means["silent"].unstack("frequency")
    full = levels.dropna().index
    if full.empty:
        raise BadInput("holds nobody tested at every frequency it has", file=file, key="audiogram")
    chosen = _ears(use, levels.loc[full], file)
    levels, silent = levels.loc[chosen], silent.loc[chosen]
    columns: Columns = {f"{tone:g} kHz": [float(v) for v in levels[tone]] for tone in levels}
    columns |= {
        f"{tone:g} kHz, no response": [float(v == 1.0) for v in silent[tone]]
        for tone in silent
        if (silent[tone] == 1.0).any()
    }
    people = air["subject"].nunique()
    return columns, [
        f"{len(levels)} of {people} people were taken from {file}, the {use.ear} ear of each; the others lack a level."
    ]


def _ears(use: PopulationUse, levels: pd.DataFrame, file: str) -> list[tuple[str, str]]:
    """The ear of each person: one side, or of those with both the better."""
    if use.ear != "better":
        return [key for key in levels.index if key[1] == use.ear]
    means = _averages(use, levels, file)
    both = [key[0] for key in levels.index if key[1] == "left" and (key[0], "right") in levels.index]
    return [min(((person, ear) for ear in _EARS), key=lambda key: means[key]) for person in both]


def _averages(use: PopulationUse, levels: pd.DataFrame, file: str) -> dict[tuple[str, str], float]:
    """Mean level at 0.5, 1, 2 and 4 kHz of each ear."""
    tones: Array = levels.columns.to_numpy(dtype=float)
    missing = [tone for tone in PTA4 if not np.any(np.isclose(tones, tone))]
    outside = [tone for tone in missing if not tones[0] < tone < tones[-1]]
    if missing and (not use.interpolate or outside):
        raise BadInput(
            "is needed to tell the better ear, and was not tested",
            file=file,
            key="audiogram",
            given=f"{(outside or missing)[0]:g} kHz",
            allowed=[f"{tone:g} kHz" for tone in tones],
            cure="name an ear, or, between two that were tested, ask for it: interpolate = true",
        )
    mean = between(tones, levels.to_numpy(dtype=float), np.array(PTA4)).mean(axis=-1)
    return dict(zip(levels.index, mean.tolist(), strict=True))
