"""From a folder of exports to tables: every file by its reader, thresholds of its waveforms, the animals joined.

One bad file never stops a folder: what is refused is listed with file, place and reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from otosome import animals as sheet
from otosome import thresholds
from otosome.catalog import Catalog
from otosome.evidence import BadInput
from otosome.export import PARTICLES, READINGS, WAVEFORMS, Export, Refused
from otosome.readings import instrument_of, read_with

if TYPE_CHECKING:
    import pandas as pd

MOST_FILES = 5000
MOST_BYTES = 2_000_000_000


@dataclass
class Intake:
    """What a laboratory's files hold, together.

    ``readings`` ``particles`` ``waveforms``  the tables of ``otosome.export``; empty where no file has any
    ``estimated``  thresholds from waveforms, columns ``thresholds.COLUMNS``; manual ones stand beside
    ``refused``    what was not read;  ``files``  file -> instrument;  ``inputs``  file -> sha256
    """

    readings: pd.DataFrame
    particles: pd.DataFrame
    waveforms: pd.DataFrame
    estimated: pd.DataFrame
    refused: list[Refused] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def intake(paths: Sequence[Path], catalog: Catalog, animals: sheet.Animals | None = None) -> Intake:
    """Read files and folders of files into tables.

    ``paths``    files, or folders that are walked without following links
    ``animals``  the sheet that says which subject is in which group
    raises       BadInput if a path is not there, there are too many files, or not one of them could be read
    """
    files, refused = files_in(paths)
    parts: dict[str, list[pd.DataFrame]] = {"readings": [], "particles": [], "waveforms": []}
    read, inputs = dict[str, str](), dict[str, str]()
    for name, file in files:
        found = _tables(name, file, catalog, inputs, refused)
        if found is not None:
            read[name] = found[0]
            for key, tables in parts.items():
                table = getattr(found[1], key)
                if table is not None:
                    tables.append(table)
    if not read:
        reasons = "; ".join(f"{one.file}: {one.reason}" for one in refused[:3])
        raise BadInput("holds no file that could be read", file=str(paths[0]), given=reasons or "no file")
    columns = {"readings": READINGS, "particles": PARTICLES, "waveforms": WAVEFORMS}
    together = {key: _concat(tables, columns[key]) for key, tables in parts.items()}
    if animals is not None:
        for key in ("readings", "waveforms"):
            together[key] = sheet.join(together[key], animals) if len(together[key]) else together[key]
    made = Intake(
        together["readings"],
        together["particles"],
        together["waveforms"],
        _concat([], thresholds.COLUMNS),
        refused,
        read,
        inputs,
    )
    _estimate(made)
    _match(made, animals)
    return made


def read(*paths: str | Path, animals: str | Path | None = None, shelves: Sequence[Path] = ()) -> pd.DataFrame:
    """The table of readings of a laboratory's files, thresholds from waveforms among them.

    ``paths``    files or folders;  ``animals``  the sheet that says which subject is in which group
    returns      columns of ``otosome.export.READINGS``; what was refused stands in ``attrs["refused"]``
    raises       BadInput as ``intake`` does
    """
    known = None if animals is None else sheet.Animals.read(Path(animals))
    made = intake([Path(path) for path in paths], Catalog(tuple(shelves)), known)
    made.readings.attrs["refused"] = [vars(one) for one in made.refused]
    return made.readings


def files_in(paths: Sequence[Path]) -> tuple[list[tuple[str, Path]], list[Refused]]:
    """Every file, with a name below the path it was found by; links in folders are refused and listed."""
    found, refused = list[tuple[str, Path]](), list[Refused]()
    for path in paths:
        for name, file in _below(path):
            if file.is_symlink() and path != file:
                refused.append(Refused(name, "file", "a link", "links in folders are not followed"))
            elif file.is_file() and not file.name.startswith("."):
                found.append((name, file))
            if len(found) + len(refused) > MOST_FILES:
                given = f"more than {MOST_FILES} files"
                raise BadInput("holds too much", file=str(path), given=given, cure="import parts of it")
    total = sum(file.stat().st_size for _, file in found)
    if total > MOST_BYTES:
        raise BadInput(
            "is too much at once",
            given=f"{total} bytes",
            allowed=f"at most {MOST_BYTES}",
            cure="import parts",
        )
    return found, refused


def _below(path: Path) -> Iterator[tuple[str, Path]]:
    """A file, or what a folder and its folders hold, in order, with names below the path."""
    if not path.is_dir():
        if not path.is_file():
            raise BadInput("is no file or folder", file=str(path))
        yield path.name, path
        return
    for folder, inner, names in os.walk(path, followlinks=False):
        inner.sort()
        for name in sorted([*names, *inner]):
            file = Path(folder) / name
            yield str(file.relative_to(path)), file


def _tables(
    name: str, file: Path, catalog: Catalog, inputs: dict[str, str], refused: list[Refused]
) -> tuple[str, object] | None:
    """A file's instrument and tables, or None and a line in the list of what was refused."""
    try:
        export = Export.open(file)
        if export.sha256 in inputs.values():
            twin = next(other for other, known in inputs.items() if known == export.sha256)
            refused.append(Refused(name, "file", "a copy", f"same content as {twin}"))
            return None
        instrument = instrument_of(export, catalog)
        if instrument is None:
            refused.append(Refused(name, "file", repr(export.head[:40]), "no reader knows such a file"))
            return None
        tables = read_with(export, instrument, catalog)
    except BadInput as error:
        allowed = f"allowed: {error.allowed}" if error.allowed else ""
        reason = "; ".join(part for part in (error.message, allowed, error.cure or "") if part)
        refused.append(Refused(name, str(error.key or "file"), str(error.given or ""), reason))
        return None
    inputs[name] = export.sha256
    refused.extend(Refused(name, one.place, one.given, one.reason) for one in tables.refused)
    return instrument, tables


def _concat(tables: list[pd.DataFrame], columns: Sequence[str] = ()) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=pd.Index(columns))


def _estimate(made: Intake) -> None:
    """Thresholds and wave I of the waveforms: beside the manual ones, and among the readings where there are none."""
    if not len(made.waveforms):
        return
    estimated, waves, failed = thresholds.estimate(made.waveforms)
    made.refused.extend(Refused(file, series, "no threshold", reason) for file, series, reason in failed)
    manual = (
        made.readings[made.readings["quantity"] == "abr_threshold"] if len(made.readings) else made.readings
    )
    estimated["manual"] = [_by_hand(row, manual) for _, row in estimated.iterrows()]
    made.estimated = estimated
    alone = estimated[estimated["manual"].isna()].assign(quantity="abr_threshold")
    new = _concat([one.reindex(columns=list(READINGS)) for one in (alone, waves) if len(one)])
    made.readings = _concat([one for one in (made.readings, new) if len(one)], READINGS)


def _by_hand(row: pd.Series, manual: pd.DataFrame) -> float:
    """The one manual threshold of the same subject, ear and stimulus (and day, where both are dated); else NaN."""
    if not len(manual):
        return np.nan
    same = (manual["subject"] == row["subject"]) & (manual["ear"].isin(["", row["ear"]]) | (row["ear"] == ""))
    same &= np.isclose(manual["frequency"].fillna(-1.0), np.nan_to_num(row["frequency"], nan=-1.0), rtol=1e-3)
    same &= (
        (manual["recorded"].str[:10] == row["recorded"][:10])
        | (manual["recorded"] == "")
        | (not row["recorded"])
    )
    values = manual["value"][same & (manual["censored"] == "none")]
    return float(values.iloc[0]) if len(values) == 1 else np.nan


def _match(made: Intake, animals: sheet.Animals | None) -> None:
    """Notes on subjects that stand on one side only."""
    tables = [one for one in (made.readings, made.waveforms) if len(one)]
    subjects = {str(one) for table in tables for one in table["subject"].unique()}
    if "" in subjects:
        made.notes.append("Some files name no subject: give them one in the animals sheet, column file.")
    if animals is None:
        return
    missing, idle = sheet.unmatched(subjects - {""}, animals)
    if missing:
        made.notes.append(f"Not in {animals.name}: {_some(missing)}.")
    if idle:
        made.notes.append(f"In {animals.name} and in no file: {_some(idle)}.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
