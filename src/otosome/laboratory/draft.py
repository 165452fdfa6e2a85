"""A study file from a laboratory's readings and animals: its groups as arms, what it measured as measures.

Time, frequency and group are those of the tables; insult and treatment those of the animals sheet. What a sheet
does not hold (a duration, a band, a volume) is written with a comment that says so, for the laboratory to set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import tomli_w

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.animals import VEHICLE, Animals, is_carrier
from otosome.laboratory.cohorts import runs_of
from otosome.laboratory.naming import entry_of, strain_of
from otosome.laboratory.reading import readings_of
from otosome.study import loads
from otosome.study.drafted import unset
from otosome.units import house, moment, split

if TYPE_CHECKING:
    import pandas as pd

CELLS = {"synapse": "synapse", "ohc": "OHC", "ihc": "IHC", "sgn": "SGN"}
ENDPOINTS = ("abr_threshold", "wave1", "dpoae", "cell_count", "audiogram")
MOST_FREQUENCIES, MOST_TIMES, MOST_GROUPS = 40, 40, 40
# Used where the sheet says only which insult or treatment it was; each line says that it is to be set.
NOISE = {"duration": "2 h", "band": ["8 kHz", "16 kHz"]}
UNTOLD = "14 d"
LOT = "example_lot"
VESICLES = re.compile(r"vesicle|exosom|(?<![a-z])s?evs?(?![a-z])", re.IGNORECASE)
DRUG_ROUTE, ROUTE, VOLUME = "intraperitoneal", "round_window", "2 uL"
TO_SET = "not in the tables: set it"
HEAD = """# A study drafted from {source}. Run it, its readings laid over it:  otosome run {file}
# Its groups, times and frequencies are the laboratory's. A line that ends in "{to_set}" is not.
"""


@dataclass(frozen=True)
class StudyDraft:
    """The text of a study, the keys that the tables do not tell, and what of the sheet is not in it, in sentences."""

    text: str
    untold: tuple[str, ...]
    notes: tuple[str, ...]


def draft(table: Path, catalog: Catalog, name: str = "my_study.toml") -> StudyDraft:
    """A study of what was imported.

    ``table``  a readings.csv or readings.parquet, or the folder that ``otosome import`` wrote; ``animals.csv`` stands
               beside it
    raises     BadInput where there is no reading of an endpoint, or the sheet lacks species or insult
    """
    folder = table if table.is_dir() else table.parent
    readings = readings_of(table, catalog)
    if not (folder / "animals.csv").is_file():
        cure = (
            "otosome new animals PATH... begins the sheet of your files; fill it in, and import again with --animals "
            "animals.csv --force"
        )
        raise BadInput(
            "has no animals.csv beside it: nothing says what each group got", file=str(table), cure=cure
        )
    animals = Animals.read(folder / "animals.csv")
    rows = animals.rows.assign(group=animals.groups())
    groups = [name for name in rows["group"].unique() if name and (readings["group"] == name).any()]
    if not 1 <= len(groups) <= MOST_GROUPS:
        cure = "fill in the column group and import again"
        raise BadInput(f"has {len(groups)} groups with readings", file=animals.name, key="group", cure=cure)
    study: dict[str, object] = {
        "otosome": "study/1",
        "title": f"Drafted from {folder.resolve().name}",
        "species": _single(rows, "species", animals.name, catalog.names("species")),
    }
    strain, notes = _strain(rows[rows["group"].isin(groups)], str(study["species"]), catalog)
    study |= strain | _cohort(readings, rows, str(study["species"]))
    insults, treatments, arms = dict[str, object](), dict[str, object](), list[dict[str, object]]()
    for group in groups:
        arms.append(_arm(group, rows[rows["group"] == group], animals.name, catalog, insults, treatments))
    study |= {"insult": insults, "treatment": treatments, "arm": arms}
    # What was measured only of subjects that are in no group is not asked of the arms.
    own = readings[readings["group"].isin(groups)]
    lowest, highest = _heard(study, catalog)
    measures, outside = _measures(own, lowest, highest)
    study |= {"measure": measures, "compare": _compared(arms, treatments, measures)}
    text = tomli_w.dumps({key: value for key, value in study.items() if value})
    undated = [f"[measure.{key}]" for key in measures if not _dated(own, key)]
    notes += [*_idle(rows, readings), *_unmodelled(rows, groups, catalog)]
    text = (
        HEAD.format(source=label(table), file=name, to_set=TO_SET)
        + outside
        + "".join(f"# {note}\n" for note in notes)
        + _commented(text, undated)
    )
    loads(text, name, shelves=catalog.own)
    return StudyDraft(text, tuple(dict.fromkeys(key for _, key in unset(text))), tuple(notes))


def _strain(rows: pd.DataFrame, species: str, catalog: Catalog) -> tuple[dict[str, object], list[str]]:
    """The strain of the shelf that the sheet names, and what is to be said of it."""
    words = sorted(set(rows["strain"]) - {""})
    shelved = catalog.strains(species)
    entries = {word: strain_of(word, shelved) for word in words}
    names = set(entries.values())
    allowed = f"(on the shelf: {', '.join(shelved) or 'none'})"
    mixture = "the study names none, and its animals are a mixture of strains"
    if not words:
        return {}, []
    if None in names:
        unknown = ", ".join(word for word, name in entries.items() if name is None)
        return {}, [f"The sheet's strain {unknown} is no entry of the shelf {allowed}: {mixture}."]
    if len(names) > 1 or (rows["strain"] == "").any():
        which = ", ".join(words) + (", and none in some rows" if (rows["strain"] == "").any() else "")
        return {}, [f"The sheet names several strains, {which}, and a study is of one: {mixture}."]
    (entry,) = names
    return {"strain": entry}, [f"The sheet's strain {', '.join(words)} is taken as {entry} {allowed}."]


def _idle(rows: pd.DataFrame, readings: pd.DataFrame) -> list[str]:
    """What stands in the sheet and has no part in a study: animals without a group, and the sex of any."""
    measured = set(map(str, readings["subject"]))
    alone = [name for name in rows["subject"][rows["group"] == ""].unique() if name in measured]
    notes = [f"In no group of the sheet, so in no arm: {', '.join(alone[:20])}."] if alone else []
    if (rows["sex"] != "").any():
        notes.append("The sheet's column sex has no part in a study: no number of the shelves differs by it.")
    return notes


def _cohort(readings: pd.DataFrame, rows: pd.DataFrame, species: str) -> dict[str, object]:
    """How many animals were exposed together, where the sheet or the ids say so: the middle one of the runs."""
    if species == "human":
        return {}
    runs = runs_of(sorted(set(map(str, readings["subject"])) & set(rows["subject"])), rows)
    return {"cohort": {"animals": int(np.median(list(runs.sizes.values())))}} if runs.by else {}


def _heard(study: dict[str, object], catalog: Catalog) -> tuple[float, float]:
    """The lowest and the highest frequency that have a place in the cochlea of the species, kHz."""
    measure = {"endpoint": "abr_threshold", "frequency": ["8 kHz"], "at": [UNTOLD]}
    text = tomli_w.dumps(
        {key: value for key, value in {**study, "measure": {"tried": measure}}.items() if value}
    )
    drafted = loads(text, "draft", shelves=catalog.own)
    high, low = drafted.tonotopy(drafted.best_values).frequency(np.array([0.0, 1.0])).ravel()
    return float(low), float(high)


def _compared(
    arms: list[dict[str, object]], treatments: dict[str, object], measures: dict[str, dict[str, object]]
) -> dict[str, object]:
    """What a vesicle group is compared with: one of the same insult that got the vehicle, or else nothing.

    returns  empty where there are no two such groups
    """

    def kind(arm: dict[str, object]) -> str:
        uses = [treatments[str(use)] for use in cast(list[str], arm.get("treatments", []))]
        batches = {str(cast(dict[str, object], use)["batch"]) for use in uses}
        return "vesicles" if batches - {VEHICLE} else VEHICLE if batches else "nothing"

    pairs = [
        (of["name"], against["name"])
        for other in (VEHICLE, "nothing")
        for of in arms
        for against in arms
        if (kind(of), kind(against)) == ("vesicles", other) and of.get("insults") == against.get("insults")
    ]
    if not pairs:
        return {}
    measure = "abr_threshold" if "abr_threshold" in measures else next(iter(measures))
    return {"measure": measure, "of": pairs[0][0], "against": pairs[0][1]}


def _dated(readings: pd.DataFrame, key: str) -> bool:
    """Whether the table says when a measure was read, in hours and not as a baseline."""
    rows = readings[readings["quantity"].str.replace(".", "_") == key]
    return bool(_times(rows)) and not _baseline(rows)


def label(table: Path) -> str:
    """The table's own name, for a comment."""
    return "".join(c for c in table.name if c.isprintable())[:80]


def _unmodelled(rows: pd.DataFrame, groups: list[str], catalog: Catalog) -> list[str]:
    """A sentence on treatments that are no vesicles: the model is given nothing in their place."""
    pairs = sorted(
        {
            (treatment, group)
            for treatment, group in zip(rows["treatment"], rows["group"], strict=True)
            if group in groups and treatment.lower() not in ("", "none") and not _batch(treatment, catalog)
        }
    )
    named = "; ".join(f"{treatment} of {group}" for treatment, group in pairs)
    return [f"No vesicles and no vehicle, so the model is given nothing for it: {named}."] if named else []


def _batch(treatment: str, catalog: Catalog) -> str:
    """The batch that a treatment is: one of the shelf, the vehicle, or a lot of vesicles; blank for any other."""
    shelved = entry_of(treatment, catalog.names("batches"))
    if shelved is not None:
        return shelved
    if is_carrier(treatment):
        return VEHICLE
    return LOT if VESICLES.search(treatment) else ""


def _single(rows: pd.DataFrame, column: str, file: str, allowed: list[str]) -> str:
    values = sorted(set(rows[column]) - {""})
    entries = {entry_of(value, allowed) for value in values}
    (entry,) = entries if len(entries) == 1 else (None,)
    if entry is None:
        cure = f"write one {column} in every row"
        raise BadInput(
            f"does not tell one {column}", file=file, key=column, given=values, allowed=allowed, cure=cure
        )
    return entry


def _arm(
    group: str,
    rows: pd.DataFrame,
    file: str,
    catalog: Catalog,
    insults: dict[str, object],
    treatments: dict[str, object],
) -> dict[str, object]:
    """A group as an arm; its insult and treatment are added to those of the study."""
    arm: dict[str, object] = {"name": group[:120]}
    facts = {key: sorted(set(rows[key]) - {""}) for key in ("insult", "insult_dose", "treatment", "dose")}
    several = next((key for key, values in facts.items() if len(values) > 1), None)
    if several:
        cure = "give each its own group"
        raise BadInput(
            f"group {group!r} has several", file=file, key=several, given=facts[several], cure=cure
        )
    insult, insult_dose, treatment, dose = (values[0] if values else "" for values in facts.values())
    if not insult:
        cure = "write what injured the ears of each group; 'none' for no insult"
        raise BadInput(f"group {group!r} has no insult", file=file, key="insult", cure=cure)
    if insult.lower() != "none":
        arm["insults"] = [_use(insults, insult, insult_dose, _insult(insult, insult_dose, file, catalog))]
    batch = _batch(treatment, catalog)
    if batch:
        use: dict[str, object] = {"batch": batch, "route": ROUTE, "at": ["0 h"], "volume": VOLUME}
        arm["treatments"] = [_use(treatments, treatment, dose, {**use, **_dosed(dose, batch, file)})]
    return arm


def _dosed(dose: str, batch: str, file: str) -> dict[str, object]:
    """A dose as the amount of vesicles, or as the volume that carries them."""
    if not dose:
        return {}
    unit = split(dose)[1]
    if house(unit) == house("uL"):
        return {"volume": dose}
    if house(unit) not in {house("particles"), house("ug"), house("cells")}:
        cure = "write a volume (2 uL), a number (2e9 particles) or a protein (10 ug)"
        raise BadInput("is no dose of vesicles", file=file, key="dose", given=dose, cure=cure)
    return {} if batch == VEHICLE else {"amount": dose}


def _insult(insult: str, dose: str, file: str, catalog: Catalog) -> dict[str, object]:
    entry = entry_of(insult, catalog.names("insults"))
    if entry is None:
        allowed = [*catalog.names("insults"), "none"]
        raise BadInput("is no insult on the shelf", file=file, key="insult", given=insult, allowed=allowed)
    use: dict[str, object] = {"entry": entry, "at": ["0 h"]}
    needs = catalog.get("insults", entry).options.needs
    by_level = "noise.level" in needs
    if needs and (not dose or by_level != ("dB" in dose)):
        raise BadInput(
            f"{insult} is given by a {'level' if by_level else 'dose'}",
            file=file,
            key="insult_dose",
            given=dose or "nothing",
            cure=f"write it, such as {'103 dB SPL' if by_level else '12 mg/kg'}",
        )
    if by_level:
        return {**use, "level": dose, **NOISE}
    return {**use, "amount": dose, "route": DRUG_ROUTE} if needs else use


def _use(uses: dict[str, object], name: str, dose: str, use: dict[str, object]) -> str:
    """The key of a use in the study; the same use stands once."""
    key = "_".join(
        "".join(c if c.isascii() and c.isalnum() else " " for c in f"{name} {dose}".lower()).split()
    )[:60]
    uses[key] = use
    return key


def _measures(
    readings: pd.DataFrame, lowest: float, highest: float
) -> tuple[dict[str, dict[str, object]], str]:
    """A measure for each endpoint, and a comment on frequencies that have no place in the cochlea of the species."""
    tested = readings["frequency"].round(4)
    outside = sorted({float(khz) for khz in tested[(tested < lowest) | (tested > highest)]})
    heard = readings[tested.between(lowest, highest)].assign(frequency=tested)
    measures = dict[str, dict[str, object]]()
    for quantity, rows in heard.groupby("quantity", sort=True):
        endpoint, _, cell = str(quantity).partition(".")
        if endpoint in ENDPOINTS and (not cell or cell in CELLS):
            measures["_".join(filter(None, (endpoint, cell)))] = _measure(endpoint, cell, rows)
    if not measures:
        raise BadInput(
            "holds no reading of an endpoint at a frequency", file="readings", allowed=list(ENDPOINTS)
        )
    # Counts are of the end of an experiment where a table does not say when; the line says that it is to be set.
    last = moment(readings["time"].max()) if readings["time"].notna().any() else UNTOLD
    for measure in measures.values():
        measure["at"] = measure["at"] or [last]
    named = ", ".join(f"{khz:g} kHz" for khz in outside)
    comment = (
        f"# Left out: {named}, beyond the place map ({lowest:.3g} to {highest:.3g} kHz).\n" if named else ""
    )
    return measures, comment


def _measure(endpoint: str, cell: str, rows: pd.DataFrame) -> dict[str, object]:
    """One endpoint at the frequencies and times of its readings; its times are empty where no reading has one."""
    frequencies = np.unique(rows["frequency"])[:MOST_FREQUENCIES]
    measure: dict[str, object] = {
        "endpoint": endpoint,
        "frequency": [f"{khz:g} kHz" for khz in frequencies],
        "at": _times(rows),
    }
    if cell:
        measure["cell"] = CELLS[cell]
    if endpoint == "wave1":
        measure["level"] = f"{rows['level'].mode().iloc[-1]:g} dB SPL"
    return measure


def _times(rows: pd.DataFrame) -> list[str]:
    """Times of the readings; a baseline without a date stands a day before the first insult."""
    times = np.unique(rows["time"].dropna().round(2))
    return (["-1 d"] if _baseline(rows) else []) + [moment(time) for time in times[:MOST_TIMES]]


def _baseline(rows: pd.DataFrame) -> bool:
    return bool(rows["flag"].astype(str).str.contains("timepoint: baseline").any())


def _commented(text: str, undated: list[str]) -> str:
    """The lines whose values no table holds, marked; of these measures the time too."""
    marks = ("duration =", "route =", "volume =", 'batch = "example_lot"')
    lines, opened, table = list[str](), "", ""
    for line in text.split("\n"):
        table = line if line.startswith("[") and line.endswith("]") else table
        opened = line if line.endswith("= [") else opened
        open_list = opened.startswith("band") or (opened.startswith("at =") and table in undated)
        mark = line.startswith(marks) or (line == "]" and open_list)
        lines.append(f"{line}  # {TO_SET}" if mark else line)
    return "\n".join(lines)
