"""What was measured, each reading with its place among what a study measures: arm, measure, moment and frequency."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from otosome.errors import BadInput
from otosome.files import sha256
from otosome.fitting.assays import factor, in_ratios, is_assay_of
from otosome.fitting.schedules import by_schedule
from otosome.fitting.shares import BASELINE, GROSS, LARGEST_WAVE, SHARE, as_shares
from otosome.roles import Reading
from otosome.units import Array

if TYPE_CHECKING:
    import pandas as pd

    from otosome.fitting.printed import Compared, Means
    from otosome.study import Measure, Study

Rows = NDArray[np.intp]
# A reading is of a planned moment that differs by so many hours, or by so much of the moment, at most.
_HOURS, _SHARE = 1.0, 0.05
# Concentrations change within the hour: theirs agree within a minute, or by the share.
_ASSAYED_HOURS = 1.0 / 60.0
# Frequencies are written with three digits: 22.6 and 22.627 kHz are one.
_TONES_APART = 0.02
# Half a step of 5 dB: levels are stated as they were set, or as they were measured.
_DECIBELS = 2.5
_CELLS = {"synapse": "synapse", "ohc": "OHC", "ihc": "IHC", "sgn": "SGN"}
_CENSORED = {"below": -1.0, "none": 0.0, "": 0.0, "above": 1.0}
_TEXT = ("subject", "ear", "group", "quantity", "measure", "unit", "censored", "flag")
# The largest share of the healthy number that a count of cells can be.
_ALL_CELLS = 1.5


@dataclass(frozen=True)
class Readings:
    """Readings of one measure, arrays of shape (reading,).

    ``arm``      number of the study's arm;  ``time``  number of the planned moment;  ``tone``  of the measure's tones
    ``animal``   number among ``Observations.animals``;  ``ear``  number among all ears, two of an animal differ
    ``reading``  value, in the measure's unit, and whether it is censored
    ``row``      number in the table, from 1
    """

    measure: str
    arm: Rows
    time: Rows
    tone: Rows
    animal: Rows
    ear: Rows
    reading: Reading
    row: Rows

    @property
    def size(self) -> int:
        """How many."""
        return self.row.size

    def take(self, rows: NDArray[np.bool_]) -> Readings:
        """Some of them."""
        reading = Reading(self.reading.value[rows], self.reading.censored[rows])
        own = {key: getattr(self, key)[rows] for key in ("arm", "time", "tone", "animal", "ear", "row")}
        return replace(self, reading=reading, **own)


@dataclass(frozen=True)
class Observations:
    """The readings of a table that a study measures too, and how many it does not, by the reason.

    ``animals``  their names;  ``inputs``  SHA-256 of the file of readings, by path
    ``run``      with which others each animal was exposed at once, by number, (animal,); None where that is not known
    ``printed``  what papers print of groups
    ``basis``    how readings in a laboratory's own units became shares of the healthy number, in words
    ``ears``     which ear of its animal each is, by number, as it was written: "left"
    """

    readings: tuple[Readings, ...]
    animals: tuple[str, ...]
    unmatched: dict[str, int]
    inputs: dict[str, str] = field(default_factory=dict)
    run: Rows | None = None
    printed: tuple[Means | Compared, ...] = ()
    basis: tuple[str, ...] = ()
    ears: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[Readings, ...]:
        """Where anything was read, of single animals or of groups."""
        return (*self.readings, *(place for some in self.printed for place in some.places))

    @property
    def arms(self) -> frozenset[int]:
        """The numbers of the arms in which anything was read."""
        return frozenset(int(arm) for some in self.places for arm in some.arm)

    @property
    def size(self) -> int:
        """How many readings have their place."""
        return sum(some.size for some in self.readings)

    def of(self, animals: Iterable[int]) -> Observations:
        """The readings of some animals, which keep their numbers."""
        chosen = np.array(sorted(animals), dtype=int)
        parts = [some.take(np.isin(some.animal, chosen)) for some in self.readings]
        return replace(self, readings=tuple(part for part in parts if part.size))

    def without(self, measures: Iterable[str]) -> Observations:
        """The readings of all other measures."""
        gone = set(measures)
        return replace(self, readings=tuple(some for some in self.readings if some.measure not in gone))


def observations(study: Study, table: Path, some: bool = True) -> Observations:
    """The readings of a table or import, matched with a study.

    An arm is named as the group is; a moment agrees within an hour or 5 %, a frequency within 2 %; a baseline without
    a time is of the measure's only moment before the first insult.

    ``some``  whether a table of which no reading has a place in the study is refused
    raises    BadInput for a file that holds no readings, a quantity in two units and a value that is no number
    """
    from otosome.laboratory.reading import readings_file, readings_of

    rows = readings_of(table, study.catalog).reset_index(drop=True)
    file = readings_file(table)
    return replace(matched(study, rows, str(table), some), inputs={str(file): sha256(file)})


def exposed_at_once(observed: Observations, table: Path) -> Observations:
    """Observations whose animals' exposure runs are read from a table; an animal it does not name was exposed alone.

    ``table``  with the columns subject and run
    raises     BadInput for a table without them, a subject in two runs, and one that names no animal of these
    """
    from otosome.laboratory.file import Export

    rows = Export.open(table).table().frame
    missing = [name for name in ("subject", "run") if name not in rows]
    if missing:
        raise BadInput(
            "holds no such column", file=table.name, key=missing[0], allowed=sorted(map(str, rows))
        )
    run_of = dict[str, str]()
    for row, (subject, run) in enumerate(zip(rows["subject"].map(str), rows["run"].map(str), strict=True)):
        if run_of.setdefault(subject, run) != run:
            raise BadInput("is in two runs", file=table.name, key=f"row {row + 1}, subject", given=subject)
    if not run_of.keys() & set(observed.animals):
        raise BadInput(
            "names no animal of the readings", file=table.name, key="subject", allowed=observed.animals[:6]
        )
    alone = (f"\0{number}" for number in range(len(observed.animals)))
    runs = [run_of.get(animal, own) for animal, own in zip(observed.animals, alone, strict=True)]
    _, of_animal = np.unique(np.array(runs), return_inverse=True)
    numbers = np.asarray(of_animal, dtype=np.intp).reshape(-1)
    return replace(observed, run=numbers, inputs={**observed.inputs, str(table): sha256(table)})


def matched(study: Study, table: pd.DataFrame, name: str, some: bool = True) -> Observations:
    """The rows of a table of readings that a study measures too; ``name`` stands in errors, ``some`` as above."""
    rows = table.assign(**{key: table[key].fillna("").astype(str) for key in _TEXT if key in table})
    rows = rows.assign(**{key: "" for key in ("subject", "ear", "measure") if key not in rows})
    _check(rows, name)
    rows, basis = as_shares(study, rows, _shares(study, rows))
    rows["animal"], animals = _numbered(rows["subject"])
    rows["measure"] = by_schedule(study, rows, name)
    rows["side"], sides = _numbered(rows["subject"] + "\0" + rows["ear"])
    ears = tuple(side.partition("\0")[2] for side in sides)
    places, unmatched = _places(study, rows)
    if some and not places:
        raise BadInput(
            "holds no reading of what the study measures",
            file=name,
            key="quantity",
            given="; ".join(f"{count} x {reason}" for reason, count in list(unmatched.items())[:6]),
            cure=_cure(study, rows, name),
        )
    parts = (_readings(study, measure, rows, part, name) for measure, part in sorted(places.items()))
    return Observations(tuple(parts), tuple(animals), unmatched, basis=tuple(basis), ears=ears)


def _cure(study: Study, rows: pd.DataFrame, name: str) -> str:
    """What makes a table with no reading of the study's fit it: samples of a drug stand with the drug itself."""
    sampled = {str(quantity).partition(".")[0] for quantity in rows["quantity"]}
    for key, drug in study.tables.drug.items():
        if drug.solute in sampled:
            line = f'measured = "{Path(name).name}"'
            return f"samples of a drug are laid beside its curves: write {line} in [drug.{key}] of the study"
    return "name its groups as the study's arms, and measure the same endpoints at the same times and tones"


def _shares(study: Study, rows: pd.DataFrame) -> dict[str, str]:
    """The measure of each quantity that is a share of the healthy number."""
    named = {
        str(quantity): [name for name in study.tables.measure if _is_of(study, name, str(quantity), None)]
        for quantity in rows["quantity"].unique()
    }
    return {
        quantity: names[0] for quantity, names in named.items() if names and study.unit(names[0]) == SHARE
    }


def _check(rows: pd.DataFrame, name: str) -> None:
    """Values are numbers, and censored on a side that there is."""
    values = rows["value"].to_numpy(dtype=float)
    if not np.all(np.isfinite(values)):
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise BadInput("is no number", file=name, key=f"row {row + 1}, value", given=str(values[row]))
    unknown = ~rows["censored"].isin(list(_CENSORED))
    if unknown.any():
        row = int(np.flatnonzero(unknown)[0])
        raise BadInput(
            "is not how a reading can be censored",
            file=name,
            key=f"row {row + 1}, censored",
            given=str(rows["censored"].iloc[row]),
            allowed=list(_CENSORED),
        )


def _numbered(names: pd.Series[str]) -> tuple[Rows, list[str]]:
    known, number = np.unique(names.to_numpy(dtype=str), return_inverse=True)
    return number.reshape(-1), [str(name) for name in known]


# By measure, the rows that are of it, with the numbers of arm, time and tone of each.
_Places = dict[str, list[tuple[int, int, int, int]]]


def _places(study: Study, rows: pd.DataFrame) -> tuple[_Places, dict[str, int]]:
    """Where each row belongs, and why the others belong nowhere."""
    arms = {arm.name: number for number, arm in enumerate(study.tables.arm)}
    if len(arms) == 1 and (rows["group"] == "").all():
        arms[""] = 0
    moments = np.unique([float(t) for m in study.tables.measure.values() for t in m.at])
    places: _Places = {}
    unmatched: dict[str, int] = {}
    known: dict[tuple[object, ...], tuple[str, int, int, int] | str] = {}
    columns = ("group", "quantity", "measure", "unit", "time", "frequency", "level", "flag")
    for row, cells in enumerate(zip(*(rows[key].tolist() for key in columns), strict=True)):
        key = tuple("" if cell != cell else cell for cell in cells)
        if key not in known:
            known[key] = _place(study, arms, moments, dict(zip(columns, cells, strict=True)))
        place = known[key]
        if isinstance(place, str):
            unmatched[place] = unmatched.get(place, 0) + 1
        else:
            places.setdefault(place[0], []).append((row, *place[1:]))
    return places, unmatched


def _place(
    study: Study, arms: dict[str, int], moments: Array, cells: dict[str, object]
) -> tuple[str, int, int, int] | str:
    """Measure, arm, moment and tone of a row; or the reason why it has none."""
    group, quantity = str(cells["group"])[:120], str(cells["quantity"])
    if group not in arms:
        return f"the group {group!r} is no arm of the study" if group else "no group is stated"
    if GROSS in str(cells["flag"]):
        return f"{quantity} is flagged as a {GROSS}"
    measures = study.tables.measure
    named = [name for name in measures if _is_of(study, name, quantity, cells["level"])]
    if not named:
        return f"no measure of the study reads {quantity}"
    # Of several measures of one quantity, such as words in quiet and in noise, the one a simulated table names.
    name = next((name for name in named if name == cells["measure"]), named[0])
    reason = _other_level(study, name, quantity, cells["level"]) or _other_unit(
        study, name, quantity, str(cells["unit"])
    )
    if reason:
        return reason
    at = _moment(measures[name], moments, cells)
    if at is None:
        return f"{name} is not measured when {quantity} was read"
    tone = _tone(measures[name], cells["frequency"])
    return (name, arms[group], at, tone) if tone is not None else f"{name} is not measured at that frequency"


def _other_level(study: Study, name: str, quantity: str, level: object) -> str:
    """Why a reading at a level is none of a measure at another, or at none; empty where it is one."""
    measure = study.tables.measure[name]
    if not isinstance(level, float) or not np.isfinite(level):
        return ""
    own = _level(measure)
    if own is None:
        own = study.catalog.get("endpoints", measure.endpoint).options.stimulus
    if own is None:
        return f"{quantity} was read at levels of its own, and the measure names none"
    apart = abs(level - own) > _DECIBELS
    return (
        f"{quantity} was read at other levels than {own:g} dB SPL, at which alone the measure is simulated"
        if apart
        else ""
    )


def _other_unit(study: Study, name: str, quantity: str, stated: str) -> str:
    """Why a reading in a unit is none of a measure; empty where it is one."""
    if factor(study, name, stated) is not None:
        return ""
    unit = study.unit(name)
    healthy = (
        "shares of the healthy number, and the table has no animals at that frequency before the insult, and no group "
        "without one, to take them against"
    )
    return f"{quantity} is in {stated!r}, and the measure in {repr(unit) if unit else healthy}"


def _is_of(study: Study, name: str, quantity: str, level: object) -> bool:
    """Whether a quantity of a table is a measure: by its name, by solute and fluid, or by endpoint, cell and level."""
    measure = study.tables.measure[name]
    if name == quantity:
        return True
    if measure.solute is not None:
        return is_assay_of(study, measure, quantity)
    endpoint, _, cell = quantity.partition(".")
    if measure.endpoint != endpoint or (measure.cell or "") != _CELLS.get(cell, cell):
        return False
    return measure.level is None or level is None or level == float(measure.level)


def _level(measure: Measure) -> float | None:
    """The level at which a measure is read, of a tone or of words; None where it names none."""
    level = measure.speech if measure.level is None else measure.level
    return None if level is None else float(level)


def _moment(measure: Measure, moments: Array, cells: dict[str, object]) -> int | None:
    """The number of the planned moment a row is of; None for none."""
    own = np.array(sorted(float(t) for t in measure.at))
    time = cells["time"]
    if not isinstance(time, float) or not np.isfinite(time):
        before = own[own < 0] if BASELINE in str(cells["flag"]) else own
        return int(np.searchsorted(moments, before[0])) if before.size == 1 else None
    nearest = own[np.argmin(np.abs(own - time))]
    hours = _HOURS if measure.solute is None else _ASSAYED_HOURS
    if abs(nearest - time) > max(hours, _SHARE * abs(nearest)):
        return None
    return int(np.searchsorted(moments, nearest))


def _tone(measure: Measure, frequency: object) -> int | None:
    """The number of the measure's tone a row is of; of words there is one."""
    if measure.frequency is None:
        return 0
    if not isinstance(frequency, float) or not np.isfinite(frequency) or frequency <= 0:
        return None
    apart = np.abs(np.log(np.array(measure.tones) / frequency))
    return int(np.argmin(apart)) if apart.min() <= _TONES_APART else None


def _readings(
    study: Study, measure: str, rows: pd.DataFrame, places: list[tuple[int, int, int, int]], name: str
) -> Readings:
    """The rows of one measure as arrays, in its unit."""
    at, arm, time, tone = np.array(places, dtype=np.intp).T
    own = rows.iloc[at]
    units = own["unit"].drop_duplicates()
    if len(units) > 1:
        raise BadInput(
            f"{own['quantity'].iloc[0]} stands in two units",
            file=name,
            key=f"row {int(units.index[1]) + 1}, unit",
            given=units.tolist(),
            cure="write all readings of one quantity in one unit",
        )
    times = factor(study, measure, str(units.iloc[0]))
    assert times is not None  # a row in a unit of another kind has no place
    value = times * own["value"].to_numpy(dtype=float)
    censored = np.array([_CENSORED[word] for word in own["censored"]])
    _check_values(study, measure, Reading(value, censored), at, name)
    animal, ear = (own[key].to_numpy(dtype=np.intp) for key in ("animal", "side"))
    return Readings(measure, arm, time, tone, animal, ear, Reading(value, censored), at + 1)


def _check_values(study: Study, measure: str, reading: Reading, row: Rows, name: str) -> None:
    """Fractions and shares of words lie in their range; a concentration of nothing is below a limit."""
    share = LARGEST_WAVE if study.tables.measure[measure].cell is None else _ALL_CELLS
    highest = {SHARE: share, "%": 100.0}.get(study.unit(measure), np.inf)
    value, cure = reading.value, None
    wrong = (value < 0) | (value > highest) if np.isfinite(highest) else np.zeros(value.size, bool)
    if in_ratios(study, measure):
        wrong = value <= 0
        cure = (
            "no assay reads nothing: write what lies below the limit of quantification as <LIMIT, or censored"
        )
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise BadInput(
            f"cannot be a reading of {measure}",
            file=name,
            key=f"row {int(row[first]) + 1}, value",
            given=f"{value[first]:g}",
            allowed=f"0 to {highest:g}" if np.isfinite(highest) else "above 0",
            cure=cure,
        )
