"""The animals sheet: which subject was in which group, and what it got; it joins files to an experiment.

One row a subject, or a subject and ear. ``day0`` is the day of the first insult, so that dated files get a time;
animals of one ``run`` were exposed together. While a study is blinded ``code`` stands for the group; ``group`` is
filled in when it is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from otosome.errors import BadInput
from otosome.laboratory.file import Export, moment
from otosome.laboratory.tables import label
from otosome.units import convert, split

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple(
    ("subject file ear group code species insult insult_dose treatment dose day0 sex strain cage run").split()
)
EARS = {"": "", "l": "left", "left": "left", "r": "right", "right": "right"}
DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
MOST = 20_000
VEHICLE = "vehicle"
CARRIERS = (VEHICLE, "saline", "pbs", "buffer", "medium", "control", "sham", "artificial perilymph")


@dataclass(frozen=True)
class Animals:
    """A checked sheet: a row per subject (or subject and ear), all ``COLUMNS`` as text."""

    name: str
    rows: pd.DataFrame

    @classmethod
    def read(cls, file: Path) -> Animals:
        """The sheet from a CSV; raises BadInput naming row and column."""
        return cls.of(Export.open(file))

    @classmethod
    def of(cls, export: Export) -> Animals:
        """The sheet in what a CSV holds; raises BadInput naming row and column."""
        table = export.table().frame
        known = [str(name) for name in table.columns if not str(name).startswith("_")]
        unknown = [name for name in known if name not in COLUMNS]
        if "subject" not in known or unknown:
            raise BadInput(
                "is not an animals sheet",
                file=export.name,
                key=unknown[0] if unknown else "subject",
                given=", ".join(known)[:200],
                allowed=list(COLUMNS),
                cure="otosome new animals PATH... writes one",
            )
        written = table[known].reindex(columns=list(COLUMNS), fill_value="").map(_untamed)
        rows = written.map(label).assign(file=written["file"])
        for row in range(len(rows)):
            _check(export.name, row, {key: str(rows[key][row]) for key in COLUMNS})
        rows["ear"] = [EARS[ear.lower()] for ear in rows["ear"]]
        _check_together(export.name, rows)
        return cls(export.name, rows)

    def groups(self) -> list[str]:
        """The group of each row; its code while the group is blinded."""
        return [group or code for group, code in zip(self.rows["group"], self.rows["code"], strict=True)]

    def order(self) -> list[str]:
        """The groups as the sheet has them, those that got a vehicle first: others are compared with the first."""
        rows = self.rows.assign(name=self.groups())
        names = [name for name in rows["name"].unique() if name]
        treated = zip(rows["name"], rows["treatment"], strict=True)
        carried = {name for name, treatment in treated if is_carrier(name, treatment)}
        return sorted(names, key=lambda name: name not in carried)

    def species(self) -> dict[str, str]:
        """Subject -> species, as the shelf spells it; subjects of none are left out."""
        named = zip(self.rows["subject"], self.rows["species"], strict=True)
        return {subject: word.lower().replace(" ", "_") for subject, word in named if word}


def is_carrier(*names: str) -> bool:
    """Whether the name of a treatment or group is that of a vehicle or control."""
    return any(name.strip().lower() in CARRIERS for name in names)


def _untamed(cell: object) -> str:
    text = str(cell).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@") else text


def _check(file: str, row: int, cells: dict[str, str]) -> None:
    place = f"row {row + 1}"
    if not cells["subject"]:
        raise BadInput("has no subject", file=file, key=place)
    if cells["ear"].lower() not in EARS:
        raise BadInput(
            "is no ear", file=file, key=f"{place}, ear", given=cells["ear"], allowed="left, right or blank"
        )
    if cells["day0"] and not moment(cells["day0"], *DATES):
        cure = "write it as 2024-05-31, or 2024-05-31 14:30"
        raise BadInput("is no date", file=file, key=f"{place}, day0", given=cells["day0"], cure=cure)
    for key in ("dose", "insult_dose"):
        try:
            unit = split(cells[key])[1] if cells[key] else ""
            convert(1.0, unit, unit)
        except ValueError as error:
            raise BadInput(str(error), file=file, key=f"{place}, {key}", given=cells[key]) from error


def _check_together(file: str, rows: pd.DataFrame) -> None:
    """Rows that cannot all be true: a subject, a file or a code that stands for two things."""
    twice = rows.duplicated(["subject", "file", "ear"])
    if twice.any() or not 1 <= len(rows) <= MOST:
        entry = rows["subject"][twice].iloc[0] if twice.any() else len(rows)
        raise BadInput("holds a subject twice, or none", file=file, key="subject", given=entry)
    one_thing = (
        (["subject", "ear"], ["group", "code", "day0"], "two rows of one ear differ"),
        (["subject"], ["species"], "is of two species, or of none in some rows"),
        (["file"], ["subject"], "belongs to two subjects"),
        (["code"], ["group"], "is opened in some rows, or to several groups"),
        (["subject"], ["run"], "was exposed in two runs, or in none in some rows"),
        (
            ["run"],
            ["strain"],
            "holds animals of several strains, or of none in some rows: a run of each strain tells them apart",
        ),
    )
    for keys, facts, message in one_thing:
        named = rows[(rows[keys[0]] != "")]
        several = named.groupby(keys)[facts].nunique().max(axis=1)
        if (several > 1).any():
            entry = several.index[several > 1][0]
            entry = entry if isinstance(entry, str) else " ".join(entry).strip()
            cure = "make them the same in every row"
            raise BadInput(message, file=file, key=keys[0], given=entry, cure=cure)


def join(table: pd.DataFrame, animals: Animals) -> pd.DataFrame:
    """A table of readings or waveforms with the sheet's subject, group and time where the sheet says them.

    A file gets the subject whose row names it, and one that names no subject that whose row names its folder. A time
    that the file states itself stays.
    """
    joined = table.copy()
    sheet = zip(animals.rows["file"], animals.rows["subject"], strict=True)
    by_file = {str(file).rstrip("/"): str(subject) for file, subject in sheet if file}
    measured = zip(map(str, joined["subject"].fillna("")), map(str, joined["file"]), strict=True)
    joined["subject"] = [
        by_file.get(file) or subject or _of_folder(file, by_file) for subject, file in measured
    ]
    rows = animals.rows.assign(told=animals.groups())
    by_ear = {(row.subject, row.ear): (str(row.told), str(row.day0)) for row in rows.itertuples()}
    places = [
        by_ear.get((subject, ear), by_ear.get((subject, ""), ("", "")))
        for subject, ear in zip(joined["subject"], joined["ear"], strict=True)
    ]
    joined["group"] = [group or old for (group, _), old in zip(places, joined["group"], strict=True)]
    joined["time"] = [
        _hours(recorded, day0) if np.isnan(time) else time
        for time, recorded, (_, day0) in zip(joined["time"], joined["recorded"], places, strict=True)
    ]
    return joined


def _of_folder(file: str, by_file: Mapping[str, str]) -> str:
    """The subject of the innermost folder of a file that is named; blank where none is."""
    folders = map(str, PurePosixPath(file).parents)
    return next((by_file[folder] for folder in folders if folder in by_file), "")


def _hours(recorded: str, day0: str) -> float:
    """Hours from day 0 to a recording; whole days where one of them has no time of day."""
    begin = moment(day0, *DATES)
    if not recorded or not begin:
        return np.nan
    if len(recorded) < 16 or len(day0) < 16:
        recorded, begin = recorded[:10], begin[:10]
    return (datetime.fromisoformat(recorded) - datetime.fromisoformat(begin)).total_seconds() / 3600


def unmatched(measured: set[tuple[str, str]], animals: Animals) -> tuple[list[str], list[str]]:
    """Subjects and ears of the files that the sheet lacks, and those of the sheet that no file has.

    ``found``  subject and ear, blank where not stated; a row of the sheet without an ear stands for both
    """
    sheet = set(zip(animals.rows["subject"], animals.rows["ear"], strict=True))
    several = {subject for subject, ear in sheet if ear}
    missing = {
        f"{subject} {ear or 'without an ear'}" if subject in several else subject
        for subject, ear in measured
        if not sheet & {(subject, ear), (subject, "")}
    }
    subjects = {subject for subject, _ in measured}
    idle = {
        f"{subject} {ear}".strip()
        for subject, ear in sheet
        if subject not in subjects or (ear and (subject, ear) not in measured)
    }
    return sorted(missing), sorted(idle)


def template(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """A sheet with the subjects that were found, for the laboratory to fill in; files without one stand by name."""
    import pandas as pd

    subjects = pd.concat([table[["subject", "file", "group"]] for table in tables], ignore_index=True)
    named = subjects[subjects["subject"] != ""].groupby("subject", sort=True)["group"].agg(_only)
    rows = [{"subject": subject, "group": group} for subject, group in named.items()]
    nameless = sorted(set(subjects["file"][subjects["subject"] == ""]))
    rows += [{"subject": f"subject-{i}", "file": file} for i, file in enumerate(nameless, start=1)]
    return pd.DataFrame([{**dict.fromkeys(COLUMNS, ""), **row} for row in rows], columns=pd.Index(COLUMNS))


def _only(groups: pd.Series) -> str:
    """The one group a subject's files tell; blank where they tell several."""
    names = set(map(str, groups)) - {""}
    return names.pop() if len(names) == 1 else ""
