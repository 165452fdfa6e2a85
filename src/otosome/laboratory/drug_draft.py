"""A study of a drug from a table of its concentrations: groups as arms, fluids as measures, its samples' times.

What a table states of species, route, dose and volume is taken from it. The rest is written with a comment that says
so, for the laboratory to set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
import tomli_w

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.assays import AT_THE_BASE, DRAWN
from otosome.laboratory.columns import Columns
from otosome.laboratory.file import Export
from otosome.study import loads
from otosome.study.tables.drugs import FLUIDS, Fluid
from otosome.units import house, split

if TYPE_CHECKING:
    import pandas as pd

TO_SET = "not in the table: set it"
# What is written where a table does not say it; each line says that it is to be set.
_UNTOLD = {"species": "guinea_pig", "route": "round_window", "dose": "4 mg/mL", "volume": "5 uL"}
_MOST_TIMES, _MOST_GROUPS = 40, 40
# How long a sample is drawn, which no table says and what it holds depends on.
_DRAWN_FOR = "1 min"
# Fluids that have places.
_ALONG = ("scala_tympani", "scala_vestibuli")
# A compartment of a data set of the trade, known by its number alone.
_BY_NUMBER = re.compile(r"(cmt|dvid|compartment)_\d+", re.ASCII)


@dataclass(frozen=True)
class DrugDraft:
    """A study of a drug, as text, and what of it the table did not say.

    ``solute``  that was given and read;  ``untold``  species, route, dose and volume where they are to be set
    """

    text: str
    solute: str
    untold: tuple[str, ...]


def fluid_of(quantity: str) -> str:
    """The fluid or tissue of a quantity such as ``dexamethasone.perilymph``; empty where it is of none."""
    _, _, where = quantity.partition(".")
    fluid = FLUIDS.get(where, where)
    return fluid if fluid in get_args(Fluid) else ""


def is_of_a_drug(readings: pd.DataFrame) -> bool:
    """Whether a table of readings holds concentrations, and no reading of hearing or cells."""
    return bool(len(readings)) and all(unit in ("uM", "ug/uL") for unit in readings["unit"].unique())


def _by_number(quantity: str) -> bool:
    return bool(_BY_NUMBER.fullmatch(quantity.partition(".")[2]))


def drug_of(readings: pd.DataFrame, unnamed: str) -> str:
    """The one drug that a table is of; ``unnamed`` where it names none.

    raises  BadInput for several drugs, and a name that cannot be that of an entry
    """
    names = sorted({str(quantity).partition(".")[0] for quantity in readings["quantity"].unique()})
    if len(names) > 1:
        cure = "draft a study of each: one table a drug"
        raise BadInput("holds several drugs", file="readings", key="drug", given=names, cure=cure)
    name = unnamed if names[0] == "drug" else names[0]
    if not (name.isascii() and name.isidentifier()):
        cure = "write it in letters a to z, digits and underscores"
        raise BadInput("cannot be the name of a solute", file="readings", key="drug", given=name, cure=cure)
    return name


def draft_drug(table: Path, readings: pd.DataFrame, solute: str, catalog: Catalog, name: str) -> DrugDraft:
    """A study of a drug whose concentrations a table holds.

    ``solute``  on a shelf of ``catalog``;  ``name``  of the study's file
    raises      BadInput for facts of a group that contradict each other, and a table of no fluid that is followed
    """
    groups = sorted(readings["group"].unique()) or [""]
    if len(groups) > _MOST_GROUPS:
        raise BadInput(
            f"has {len(groups)} groups", file=table.name, key="group", allowed=f"up to {_MOST_GROUPS}"
        )
    stated = _Stated.of(table)
    doses = {group: _dose(stated, group, solute, catalog) for group in groups}
    keys = {group: f"dose_{n}" if len(groups) > 1 else "dose" for n, group in enumerate(groups, 1)}
    study: dict[str, object] = {
        "otosome": "study/1",
        "title": f"Drafted from {table.resolve().stem}: {solute}",
        "species": stated.fact("species", "", catalog.names("species")),
        "drug": {keys[group]: dose for group, dose in doses.items()},
        "arm": [{"name": (group or solute)[:120], "drugs": [keys[group]]} for group in groups],
        **_read(readings, solute, table.name),
    }
    if until := _until(doses.values(), float(readings["time"].max()), "sample" in study):
        study["until"] = until
    untold = [*stated.untold, *_unsaid(study, readings)]
    text = _head(table, name, study) + _marked(tomli_w.dumps(study), untold)
    loads(text, name, shelves=catalog.own)
    return DrugDraft(text, solute, tuple(untold))


def _until(doses: Iterable[Mapping[str, object]], read: float, drawn: bool) -> str:
    """An hour after the last dose or sample, as drawing lasts; empty for a study that ends with a reading."""
    last = max(split(at)[0] for dose in doses for at in cast(list[str], dose["at"]))
    return f"{max(last, read) + 1:g} h" if last >= read or drawn else ""


def _unsaid(study: Mapping[str, object], readings: pd.DataFrame) -> list[str]:
    """What no table says of how a fluid was drawn, and of which fluid a number is."""
    drawn = ["duration of drawing"] if "sample" in study else []
    return [*drawn, *(["of"] if any(_by_number(name) for name in readings["quantity"]) else [])]


@dataclass(frozen=True)
class _Stated:
    """The columns of a table that say what was given, as text, and of which group each row is."""

    file: str
    group: list[str]
    columns: dict[str, list[str]]
    untold: list[str]

    @classmethod
    def of(cls, table: Path) -> _Stated:
        """The columns of a file; none where the table is no text, or the folder of an import."""
        if table.is_dir() or not (export := Export.open(table)).is_table:
            return cls(table.name, [], {}, [])
        columns = Columns.of(export)
        texts = {key: columns.texts(key) for key in _UNTOLD}
        untold = list[str]()
        if "amt" in columns and not any(texts["dose"]):
            # Such a table does not say the unit of its doses.
            amounts = np.nan_to_num(columns.numbers("amt"))
            texts["dose"] = [
                f"{amount:g} {text or 'mg'}" if amount > 0 else ""
                for amount, text in zip(amounts, columns.texts("amt_unit"), strict=True)
            ]
            untold = [] if any(columns.texts("amt_unit")) else ["dose"]
            times = columns.texts("time")
            texts["at"] = [
                f"{time} h" if amount > 0 else "" for amount, time in zip(amounts, times, strict=True)
            ]
        # Beside doses a volume is theirs; in a table of samples alone it is what was drawn.
        if "volume_ul" in columns and {"dose", "amt"}.intersection(columns.frame):
            texts["volume"] = _in_microlitres(columns)
        return cls(table.name, columns.groups(), texts, untold)

    def fact(self, key: str, group: str, allowed: list[str] | None = None) -> str:
        """What the rows of a group, or of all, say of one thing; what stands in for it where they say nothing."""
        rows = zip(self.group, self.columns.get(key, []), strict=False)
        values = sorted({text for own, text in rows if text and (not group or own == group)})
        if len(values) > 1:
            where = f" of group {group!r}" if group else ""
            cure = "give each its own group"
            raise BadInput(f"has several values{where}", file=self.file, key=key, given=values, cure=cure)
        if not values:
            if key not in self.untold:
                self.untold.append(key)
            return _UNTOLD[key]
        value = values[0] if allowed is None else values[0].lower().replace(" ", "_").replace("-", "_")
        if allowed is not None and value not in allowed:
            raise BadInput("is not on the shelf", file=self.file, key=key, given=values[0], allowed=allowed)
        return value

    def times(self, group: str) -> list[str]:
        """When a group's doses were given, the earliest first; at once where the table does not say."""
        rows = zip(self.group, self.columns.get("at", []), strict=False)
        own = {text for of, text in rows if text and (not group or of == group)}
        return sorted(own, key=lambda text: split(text)[0])[:_MOST_TIMES] or ["0 h"]


def _in_microlitres(columns: Columns) -> list[str]:
    """The volume of each row's dose, as text."""
    return [f"{text} uL" if text else "" for text in columns.texts("volume_ul")]


def _dose(stated: _Stated, group: str, solute: str, catalog: Catalog) -> dict[str, object]:
    """A group's dose: by mass, or at a concentration in a volume."""
    route = stated.fact("route", group, catalog.names("routes"))
    dose = stated.fact("dose", group)
    in_ear = catalog.get("routes", route).options.into in ("middle_ear", "scala_tympani", "vestibule")
    try:
        kind = house(split(dose)[1])
    except ValueError as error:
        raise BadInput(str(error), file=stated.file, key="dose", given=dose) from error
    if kind not in {"uM", "ug/uL", *(house(unit) for unit in ("mg/kg", "mg/m2", "mg"))}:
        cure = "write it with its unit: 4 mg/kg, 2 mg, 4 mg/mL"
        raise BadInput("is no dose of a drug", file=stated.file, key="dose", given=dose, cure=cure)
    by_concentration = kind in ("uM", "ug/uL")
    use: dict[str, object] = {"solute": solute, "route": route, "at": stated.times(group)}
    use |= {"concentration" if by_concentration else "amount": dose}
    return use | ({"volume": stated.fact("volume", group)} if by_concentration or in_ear else {})


def _read(readings: pd.DataFrame, solute: str, file: str) -> dict[str, object]:
    """The tables ``measure`` and, where volumes of perilymph were drawn, ``sample``."""
    of_volumes = readings["flag"].map(lambda flag: DRAWN.search(flag) is not None)
    drawn = (readings["quantity"].map(fluid_of) == "scala_tympani") & of_volumes
    some = readings[drawn & readings["time"].notna()]
    samples, of_samples = _samples(some, solute, file)
    rest = readings if some.empty else readings[~drawn]
    measures = {**of_samples, **_measures(rest, solute, file)}
    if not measures:
        allowed = [*get_args(Fluid), *FLUIDS]
        raise BadInput(
            "holds no concentration of a fluid at a time", file=file, key="compartment", allowed=allowed
        )
    return {"measure": measures, **({"sample": samples} if samples else {})}


# What was drawn where: the volume, the place (-1 for one that is not said), and whether that is the base.
_Site = tuple[str, float, bool]
_Schedule = frozenset[tuple[_Site, float]]
_Tables = dict[str, dict[str, object]]


def _samples(rows: pd.DataFrame, solute: str, file: str) -> tuple[_Tables, _Tables]:
    """The samples of perilymph that animals gave, those of like schedule together, and a measure of each.

    Where every animal gave one, each time is of animals of its own; else each schedule is.
    """
    samples, measures = _Tables(), _Tables()
    schedules = _schedules(rows)
    single = all(len(schedule) == 1 for schedule in schedules)
    whole = [_Schedule().union(*schedules)] if single else schedules
    parts = [
        (
            "each" if single else f"schedule {n}",
            site,
            sorted(time for where, time in schedule if where == site),
        )
        for n, schedule in enumerate(whole, 1)
        for site in sorted({where for where, _ in schedule})
    ]
    for n, (animals, (volume, place, at_the_base), times) in enumerate(parts, 1):
        _check_times(times, file)
        name = "perilymph" if len(parts) == 1 else f"perilymph_{n}"
        # The base is the default of a sample: the middle of the round window.
        where = {} if at_the_base or place < 0 else {"place": place}
        at = [f"{time:g} h" for time in times]
        samples[name] = {"at": at, "volume": volume, "duration": _DRAWN_FOR, **where, "animals": animals}
        read: dict[str, object] = {"endpoint": "concentration", "solute": solute, "sample": name}
        measures[f"in_{name}"] = {**read, **_limit(rows), "at": at}
    return samples, measures


def _schedules(rows: pd.DataFrame) -> list[_Schedule]:
    """What each animal gave, where and when; each schedule once."""
    by_ear = dict[tuple[str, str], set[tuple[_Site, float]]]()
    cells = (rows[key].tolist() for key in ("subject", "ear", "time", "place", "flag"))
    for row, (subject, ear, time, place, flag) in enumerate(zip(*cells, strict=True)):
        match = DRAWN.search(flag)
        assert match is not None  # those rows are handed over
        site = (match["volume"], -1.0 if np.isnan(place) else place, AT_THE_BASE in flag)
        # Whose it is where no animal is named is not known: each counts as one of its own.
        by_ear.setdefault((subject or f"\0{row}", ear), set()).add((site, round(time, 3)))
    return list(dict.fromkeys(frozenset(each) for each in by_ear.values()))


def _check_times(times: Sequence[float], file: str) -> None:
    if len(times) > _MOST_TIMES:
        cure = "write the times as they were planned"
        raise BadInput(
            f"has {len(times)} times", file=file, key="time", allowed=f"up to {_MOST_TIMES}", cure=cure
        )


def _measures(readings: pd.DataFrame, solute: str, file: str) -> dict[str, dict[str, object]]:
    """A measure for each fluid, and each place of the ear that a table states, at the times of its samples."""
    measures = dict[str, dict[str, object]]()
    for quantity, rows in readings.groupby("quantity", sort=True):
        where, times = str(quantity).partition(".")[2], np.unique(rows["time"].dropna().round(3))
        fluid = "plasma" if _by_number(str(quantity)) else fluid_of(str(quantity))
        if not fluid or not times.size:
            continue
        _check_times(list(times), file)
        own: dict[str, object] = {"endpoint": "concentration", "solute": solute}
        own |= {} if fluid == "scala_tympani" else {"of": fluid}
        places = set(rows["place"].dropna().tolist()) if fluid in _ALONG else set()
        own |= {"place": places.pop()} if len(places) == 1 else {}
        own |= _limit(rows)
        # A compartment that has a number alone keeps it as its name, by which its samples find it.
        name = str(quantity) if _by_number(str(quantity)) else f"in_{where}"
        measures[name] = {**own, "at": [f"{time:g} h" for time in times]}
    return measures


def _limit(rows: pd.DataFrame) -> dict[str, object]:
    """The limit of quantification, where all samples below it have the same."""
    below = rows[rows["censored"] == "below"]
    limits = np.unique(below["value"].round(12))
    return {"limit": f"{limits[0]:g} {below['unit'].iloc[0]}"} if limits.size == 1 else {}


def _head(table: Path, name: str, study: Mapping[str, object]) -> str:
    lines = [
        f"A study drafted from {table.name}. Run it, its samples laid over it:  otosome run {name}",
        f'Groups, fluids and times are the laboratory\'s. A line that ends in "{TO_SET}" is not.',
        *(_OF_SAMPLES if "sample" in study else _OF_PERILYMPH),
    ]
    return "".join(f"# {line}\n" for line in lines)


_OF_PERILYMPH = (
    "Perilymph is read as the mean of scala tympani, or at the place that the table states (0 base, 1 apex). For fluid",
    "that was drawn out, which brings what lies behind it, write a column volume_ul, or a [sample] (docs/drugs.md).",
)
_OF_SAMPLES = (
    "Perilymph is read in the volumes that were drawn, at the round window unless a place stands there (1: the apex).",
    'animals = "each": each sample is of an animal of its own; "schedule 1": of animals that gave those of schedule 1.',
    "The curves are of ears from which nothing was drawn. A sample that is drawn more slowly gathers more of what",
    "crosses the window and leaves tissue meanwhile: set its duration.",
)


def _marked(text: str, untold: list[str]) -> str:
    """The lines whose values the table does not state, marked."""
    written = {"dose": ("concentration =", "amount =")}
    marks = tuple(mark for key in untold for mark in written.get(key, (f"{key} =",)))
    doses, samples, drawn = text.partition("\n[sample.")
    lines = doses.split("\n")
    marked = [f"{line}  # {TO_SET}" if marks and line.startswith(marks) else line for line in lines]
    lasting = f'duration = "{_DRAWN_FOR}"'
    return "\n".join(marked) + samples + drawn.replace(lasting, f"{lasting}  # {TO_SET}")
