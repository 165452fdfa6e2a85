"""Tables that no reader is sure of, to be asked about, and what a person says of them as a mapping file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.jobs.drafting import write
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.laboratory.file import Export

SHOWN_ROWS, SHOWN_PLATES = 6, 24


@dataclass(frozen=True)
class TableQuestion:
    """A table to be asked about: its columns, its first rows, and what its header seems to say of them.

    ``about``  column of subject, ear, group, time and date, and of the frequency, blank where no name says it
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    about: dict[str, str]


@dataclass(frozen=True)
class PlateQuestion:
    """A measurement of a plate whose layout is to be said: its file, what was read, its rows and columns of wells."""

    file: str
    read: str
    rows: int
    columns: int


@dataclass(frozen=True)
class Questions:
    """What of some files a person can say the meaning of, and among what they choose."""

    tables: list[TableQuestion]
    plates: list[PlateQuestion]
    quantities: dict[str, list[str]]
    species: list[str]

    def as_dict(self) -> Json:
        """As a browser shows it."""
        return asdict(self)


def questions(paths: Sequence[Path], wells: Path | None = None, doubted: Collection[str] = ()) -> Questions:
    """The tables of some files that no reader is sure of, and the plates of an import.

    ``wells``    the table of wells of an import, where it has one
    ``doubted``  files of it of which values were refused: a table among them is asked about too
    """
    from otosome.catalog import Catalog
    from otosome.laboratory.file import Export
    from otosome.laboratory.intake import files_in
    from otosome.laboratory.mapping import QUANTITIES, SPECIES, Meaning
    from otosome.laboratory.reading import Unsure, contents

    tables, catalog = list[Export](), Catalog()
    for name, file in files_in(paths)[0]:
        if file.is_dir():
            continue
        try:
            export = Export.open(file)
            read = contents(export, catalog, Meaning())
            tables += read.unsure or (
                [export] if name in doubted and _explainable(export, read.instrument) else []
            )
        except Unsure as error:
            tables += error.tables
        except BadInput:
            continue  # what is no table is listed by the import
    quantities = {name: list(units) for name, units in QUANTITIES.items()}
    plates = [] if wells is None or not wells.is_file() else _plates(wells)
    return Questions([_table(each) for each in tables], plates, quantities, list(SPECIES[1:]))


def _explainable(export: Export, instrument: str) -> bool:
    """Whether a person can say what the columns of a file hold that was read: an instrument's own they need not."""
    return instrument.endswith("_table") and export.is_table


def _table(export: Export) -> TableQuestion:
    from otosome.laboratory.mapping import names_of, proposed

    names = names_of(export)
    rows = export.rows("," if export.sheet else export.separator)
    full = [row for row in rows if any(cell.strip() for cell in row)]
    return TableQuestion(
        export.title, names, [row[: len(names)] for row in full[1 : 1 + SHOWN_ROWS]], proposed(names)
    )


def _plates(wells: Path) -> list[PlateQuestion]:
    import pandas as pd

    plates = list[PlateQuestion]()
    for (file, read), own in pd.read_parquet(wells).groupby(["file", "read"], sort=False):
        names = own["well"].astype(str)
        rows = max(ord(name[0]) - ord("A") + 1 for name in names)
        plates.append(PlateQuestion(str(file), str(read), rows, max(int(name[1:]) for name in names)))
    return plates[:SHOWN_PLATES]


def say(values: Json, file: Path, before: Path | None = None) -> Path:
    """Write what a person says of tables and plates as a mapping, as ``import --mapping`` takes it.

    ``values``  keys ``table``, ``plate`` and ``animals`` of a mapping file
    ``before``  a mapping that was said before, all of which is kept but what is said anew of the same
    raises      BadInput, naming the key, for what a mapping cannot say, and where the file is there
    """
    from otosome.laboratory.mapping import mapping_text

    whole = values if before is None else _together(_statements(before), values)
    text = mapping_text(whole, file.name)
    write(file, text)
    return file


def _statements(file: Path) -> Json:
    from otosome.cards import read_toml

    values: Json = read_toml(file)
    return values


def _together(before: Json, now: Json) -> Json:
    """Two mappings as one: of the same columns, plate or animal what is said now."""
    parts: Json = {"animals": {**before.get("animals", {}), **now.get("animals", {})}}
    for key, same in (("table", ("columns",)), ("plate", ("file", "read"))):
        new = now.get(key, [])
        known = [[each.get(name) for name in same] for each in new]
        old = [each for each in before.get(key, []) if [each.get(name) for name in same] not in known]
        parts[key] = [*old, *new]
    return parts
