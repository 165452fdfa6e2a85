"""Laboratory files in: which instrument wrote a file, and what batch it describes.

A file is told by its content, never by its name. It is hostile until parsed: its size is bounded, and what it
says stays text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.cards import make_card, parse_toml
from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory.assays import PLAIN, looks_assayed
from otosome.laboratory.bounds import within
from otosome.laboratory.file import HEAD, Export, Refused
from otosome.laboratory.mapping import Meaning, mapped, names_of
from otosome.laboratory.plates import grids, split
from otosome.laboratory.tables import Tables
from otosome.laboratory.workbook import is_workbook, sheets
from otosome.lots.counted import Lot, measured_lot
from otosome.lots.counted import recognises as is_batch_toml

if TYPE_CHECKING:
    import pandas as pd

_BASE = "example_lot"
_UNDILUTED = (
    "The dilution is not recorded, so the count is taken as printed; if the sample was diluted, the product holds more "
    "by that factor: record it in the instrument's software and export again."
)
HEADS = (
    "a table that was typed needs its headers: of sizes, diameter (nm) and concentration (particles/mL); of a plate, "
    "well, sample, dose (ug/mL) and response"
)
MAPPING = (
    "say what its columns hold in a mapping: otosome new mapping FILE writes one to fill in; "
    "a table of sizes needs none, with the headers diameter (nm) and concentration (particles/mL); "
    "a plate of wells goes to otosome new batch FILE"
)
_OF_A_DRUG = f"of samples of a drug, name the columns {PLAIN} (docs/drugs.md)"
PLATE_READERS = ("softmax", "gen5", "bmg_mars", "enspire", "tecan", "skanit")
# What lots read besides.
PLATES = "plates of wells (otosome new batch)"
FEWEST_SIZES = 10  # bins a distribution has at least


@dataclass(frozen=True)
class Contents:
    """What a file holds: its instrument, its tables, and the tables of text in it that no reader can be sure of."""

    instrument: str
    tables: Tables
    unsure: tuple[Export, ...] = ()


class Unsure(BadInput):
    """A table that no reader knows, or of which it does not say what it holds: a mapping can say it.

    ``tables``  the file, or the sheets of it
    """

    tables: tuple[Export, ...] = ()


def read(file: Path, catalog: Catalog) -> Tables:
    """A laboratory file as tidy tables, by the one instrument that knows its content.

    raises  BadInput for a file that no reader knows, or that its reader refuses, with the reason
    """
    return contents(Export.open(file), catalog, Meaning()).tables


def contents(export: Export, catalog: Catalog, meaning: Meaning) -> Contents:
    """What a file holds, sheet by sheet where it is a workbook, by a mapping where it has one for these columns.

    raises  BadInput where nothing in it can be read; ``Unsure`` where a mapping would help
    """
    parts, failed, unsure = list[tuple[str, Tables]](), list[BadInput](), list[Export]()
    for part in sheets(export) if is_workbook(export) else [export]:
        try:
            parts.append(_part(part, catalog, meaning))
        except BadInput as error:
            failed.append(error)
            if isinstance(error, Unsure):
                unsure.append(part)
    if not parts:
        first = next((error for error in failed if isinstance(error, Unsure)), failed[0])
        if isinstance(first, Unsure):
            first.tables = tuple(unsure)
        raise first
    refused = [
        Refused(export.name, str(error.key or "file"), str(error.given or ""), error.message)
        for error in failed
    ]
    names = sorted({name for name, _ in parts})
    tables = within(_together([tables for _, tables in parts], refused))
    return Contents(", ".join(names), tables, tuple(unsure))


def _part(part: Export, catalog: Catalog, meaning: Meaning) -> tuple[str, Tables]:
    """One file or sheet: its reader and its tables."""
    table = meaning.of(part) if meaning.tables and part.is_table else None
    if table is not None:
        return f"mapping {meaning.name}", mapped(part, table, meaning.name)
    names = instruments_of(part, catalog)
    if not names and part.is_table:
        part, names = part.below_title(), instruments_of(part.below_title(), catalog)
    if len(names) != 1:
        raise _unknown(part, names, catalog)
    try:
        return names[0], read_with(part, names[0], catalog)
    except BadInput as error:
        if not names[0].endswith("_table") or not part.is_table:
            raise
        cure = f"{error.cure}; or {MAPPING}" if error.cure else MAPPING
        raise Unsure(
            error.message, file=error.file, key=error.key, given=error.given, allowed=error.allowed, cure=cure
        ) from error


def _unknown(part: Export, names: list[str], catalog: Catalog) -> BadInput:
    """The error of a file or sheet that no reader knows, or that several could read."""
    what = f"one that {' and '.join(names)} could read" if names else part.looks
    where = f"sheet {part.sheet}" if part.sheet else None
    if _holds_plate(part):
        return BadInput(
            "holds a plate of wells, and no reader knows its words",
            file=part.name,
            key=where,
            given=what,
            allowed=[*PLATE_READERS, PLATES],
            cure="set the reader's program to English and export the plate again as text, or keep the grid alone with "
            "its numbers and letters and give it to otosome new batch FILE",
        )
    if part.is_table:
        drug = looks_assayed(names_of(part), part.text[:HEAD])
        cure = f"{_OF_A_DRUG}; or {MAPPING}" if drug else MAPPING
        return Unsure("is a table of unknown meaning", file=part.name, key=where, given=what, cure=cure)
    return BadInput(
        f"is {part.kind}, which is not read" if part.instead else "is no file that a reader knows",
        file=part.name,
        key=where,
        given=what,
        allowed=[*catalog.names("instruments"), PLATES],
        cure=part.instead or None,
    )


def _holds_plate(part: Export) -> bool:
    """Whether a text that no reader knows holds a grid of wells: two lines and two columns or more, and words above."""
    if b"\0" in part.content and not part.content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False
    try:
        each = list(grids(split(part)))
    except BadInput:
        return False
    return any(grid.title and len({well[0] for well, *_ in grid.cells}) > 1 for grid in each)


def _together(tables: list[Tables], refused: list[Refused]) -> Tables:
    """The tables of all sheets as one."""
    import pandas as pd

    if len(tables) == 1:
        return replace(tables[0], refused=(*tables[0].refused, *refused))
    parts: dict[str, list[pd.DataFrame]] = {}
    for part in tables:
        for name, table in part.each().items():
            parts.setdefault(name, []).append(table)
    whole = {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
    return Tables(**whole, refused=(*(line for part in tables for line in part.refused), *refused))


@dataclass(frozen=True)
class Distribution:
    """The size distribution in an instrument's file.

    ``table``    columns ``tables.PARTICLES``
    ``refused``  videos that the instrument calls unreliable
    """

    table: pd.DataFrame
    instrument: str
    refused: tuple[Refused, ...]


def read_particles(export: Export, catalog: Catalog) -> Distribution:
    """The size distribution in an instrument's file.

    raises  BadInput for a file that no reader knows, that its reader refuses, or that holds no size distribution
    """
    names = instruments_of(export, catalog)
    if len(names) != 1:
        raise BadInput(
            "is no file that a reader knows",
            file=export.name,
            given=export.looks,
            allowed=[*catalog.names("instruments"), PLATES],
            cure=export.instead or (HEADS if export.is_table else None),
        )
    return _distribution(export, names[0], catalog)


def instruments_of(export: Export, catalog: Catalog) -> list[str]:
    """The instruments whose file this may be, by content: one, none, or several for a table that two could read."""
    formulas = {name: catalog.get("instruments", name).formula for name in catalog.names("instruments")}
    return [
        name
        for name, formula in formulas.items()
        if formula is not None and formula().recognises(export.head)
    ]


def instrument_of(export: Export, catalog: Catalog) -> str | None:
    """The one instrument whose file this is, by content; None where no reader knows it, or several could."""
    names = instruments_of(export, catalog)
    return names[0] if len(names) == 1 else None


def read_with(export: Export, name: str, catalog: Catalog) -> Tables:
    """A file as its instrument reads it; raises BadInput."""
    instrument = catalog.get("instruments", name).formula
    assert instrument is not None  # instruments_of gave its name
    tables: Tables = instrument().read(export)
    return tables


def read_batch(file: Path, catalog: Catalog) -> Lot:
    """A batch from a batch TOML or an instrument export, told apart by content.

    An export gives size and count; every other number is that of the shelf's example lot, and the lot's notes
    say so.

    raises  BadInput for a file that is neither, or that its reader refuses, with the reason
    """
    export = Export.open(file)
    name = instrument_of(export, catalog)
    if name is not None:
        return _measured(_distribution(export, name, catalog), catalog)
    if is_batch_toml(export.head):
        values = parse_toml(export.content, file.name)
        make_card(values, "batches", file.stem, file.name)
        return Lot(_stem(file), values, ())
    raise BadInput(
        "is neither a batch TOML nor an instrument export that otosome reads",
        file=file.name,
        given=export.looks,
        allowed=["batch TOML", *catalog.names("instruments")],
    )


def _distribution(export: Export, name: str, catalog: Catalog) -> Distribution:
    tables = read_with(export, name, catalog)
    particles = tables.particles
    if particles is None or particles["diameter"].nunique() < FEWEST_SIZES:
        raise BadInput(
            "holds no size distribution of particles",
            file=export.name,
            given=name,
            cure="a batch needs one: export the size distribution",
        )
    return Distribution(particles, name, tables.refused)


def _measured(distribution: Distribution, catalog: Catalog) -> Lot:
    from otosome.cards import read_toml
    from otosome.catalog import SHIPPED

    day_to_day = catalog.get("instruments", distribution.instrument).card.parameter("day_to_day", "")
    particles = distribution.table
    base = read_toml(SHIPPED / "batches" / f"{_BASE}.toml")
    lot = measured_lot(particles, base, _BASE, day_to_day.value, str(day_to_day.source))
    undiluted = (_UNDILUTED,) if particles["dilution_applied"].isna().any() else ()
    refused = (
        f"Left out of {line.file}: {line.place}: {line.reason} ({line.given})."
        for line in distribution.refused
    )
    return replace(lot, notes=(*lot.notes, *undiluted, *refused))


def _stem(file: Path) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in file.stem.lower())[:40] or "batch"


_NEEDED = ("group", "time", "quantity", "frequency", "level", "flag")


def readings_of(table: Path, catalog: Catalog) -> pd.DataFrame:
    """The readings of a table, or of the folder that an import wrote; raises BadInput where it holds none.

    ``table``  a readings.parquet or readings.csv, any file that an instrument's reader knows, or such a folder
    """
    file = readings_file(table)
    readings = _parquet(file) if file.suffix == ".parquet" else read(file, catalog).readings
    missing = [name for name in _NEEDED if readings is None or name not in readings]
    if readings is None or missing:
        raise BadInput("holds no table of readings", file=str(file), key=(missing or ["readings"])[0])
    return readings


def readings_file(table: Path) -> Path:
    """The file of readings that a path means: itself, or the one in the folder that an import wrote."""
    if not table.is_dir():
        return table
    stored = (table / "readings.parquet", table / "readings.csv")
    return next((file for file in stored if file.is_file()), stored[1])


def _parquet(file: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(file)
    except (OSError, ValueError) as error:
        raise BadInput("cannot be read as Parquet", file=str(file), given=str(error)[:100]) from error
