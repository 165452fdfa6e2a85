"""An import for other programs: one spreadsheet of its tables, endpoints as Prism takes them; and its animals sheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("readings", "thresholds", "groups", "spread", "particles", "wells", "refused")
# What a spreadsheet holds, rows of a sheet.
_MOST_ROWS = 200_000


def workbook_of(folder: Path) -> bytes:
    """The tables of an import as sheets of one spreadsheet, and a sheet for each endpoint and time as Prism takes it.

    raises  BadInput where a table is too long for a sheet
    """
    import pandas as pd

    from otosome.results.files import tame, workbook

    sheets = dict[str, pd.DataFrame]()
    for name in TABLES:
        packed, text = (folder / f"{name}.{ending}" for ending in ("parquet", "csv"))
        if packed.is_file():
            sheets[name] = pd.read_parquet(packed)
        elif text.is_file():
            sheets[name] = pd.read_csv(text)
    if "readings" in sheets:
        sheets |= columns_by_group(sheets["readings"])
    long = [name for name, table in sheets.items() if len(table) > _MOST_ROWS]
    if long:
        raise BadInput(
            "is too long for a spreadsheet", file=str(folder / f"{long[0]}.csv"), cure="take the CSV"
        )
    return workbook({name: tame(table) for name, table in sheets.items()})


def columns_by_group(readings: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Each endpoint at each time with a row a frequency and a column an animal, animals of a group side by side.

    Prism's grouped tables, and what a person pastes; an animal's readings at one frequency are their mean, and a
    reading beyond the levels stands at its limit. Rows without a group or frequency are left out.
    """
    import pandas as pd

    from otosome.laboratory.tables import when

    known = readings[(readings["group"] != "") & readings["frequency"].notna()]
    sheets = dict[str, "pd.DataFrame"]()
    for (quantity, word), rows in known.groupby(["quantity", pd.Series(when(known), known.index)], sort=True):
        level = rows["level"].mode().max()
        own = rows if level != level else rows[rows["level"] == level]
        wide = own.pivot_table(
            index="frequency", columns=["group", "subject"], values="value", aggfunc="mean"
        )
        wide.columns = wide.columns.map(": ".join)
        name = "".join(c if c.isalnum() or c in " ." else "_" for c in f"{quantity} {word}".strip())[:31]
        sheets[name] = wide.reset_index()
    return sheets


def sheet_of(folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The animals sheet of an import, or one with its subjects to be filled in: columns, and rows as text."""
    import pandas as pd

    from otosome.laboratory.animals import COLUMNS, template

    written = folder / "animals.csv"
    if written.is_file():
        rows = pd.read_csv(written, dtype=str, keep_default_na=False)
    else:
        files = [folder / f"{name}.parquet" for name in ("readings", "waveforms")]
        tables = [
            pd.read_parquet(file, columns=["subject", "file", "group"]) for file in files if file.is_file()
        ]
        if not tables:
            raise BadInput(
                "holds nothing of an animal", file=str(folder), cure="a batch of particles needs no sheet"
            )
        rows = template(tables)
    plain = rows.reindex(columns=list(COLUMNS), fill_value="").to_dict("records")
    return list(COLUMNS), [{str(key): str(value) for key, value in row.items()} for row in plain]


def check_sheet(text: str, name: str) -> None:
    """Refuse an animals sheet that an import would refuse; raises BadInput naming row and column."""
    from otosome.laboratory.animals import Animals
    from otosome.laboratory.file import Export

    Animals.of(Export(name, text.encode()))
