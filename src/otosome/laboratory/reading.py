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
from otosome.laboratory.file import Export, Refused
from otosome.laboratory.tables import Tables
from otosome.lots.counted import Lot, measured_lot
from otosome.lots.counted import recognises as is_batch_toml

if TYPE_CHECKING:
    import pandas as pd

_BASE = "example_lot"
_UNDILUTED = (
    "The dilution is not recorded, so the count is taken as printed; if the sample was diluted, the product holds more "
    "by that factor: record it in the instrument's software and export again."
)
FEWEST_SIZES = 10  # bins a distribution has at least


def read(file: Path, catalog: Catalog) -> Tables:
    """A laboratory file as tidy tables, by the one instrument that knows its content.

    raises  BadInput for a file that no reader knows, or that its reader refuses, with the reason
    """
    export = Export.open(file)
    return read_with(export, _known(export, catalog), catalog)


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
    return _distribution(export, _known(export, catalog), catalog)


def instrument_of(export: Export, catalog: Catalog) -> str | None:
    """The instrument whose file this is, by content; None where no reader knows it."""
    for name in catalog.names("instruments"):
        instrument = catalog.get("instruments", name).formula
        if instrument is not None and instrument().recognises(export.head):
            return name
    return None


def read_with(export: Export, name: str, catalog: Catalog) -> Tables:
    """A file as its instrument reads it; raises BadInput."""
    instrument = catalog.get("instruments", name).formula
    assert instrument is not None  # instrument_of gave its name
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


def _known(export: Export, catalog: Catalog) -> str:
    name = instrument_of(export, catalog)
    if name is None:
        raise BadInput(
            "is no file that a reader knows", file=export.name, given=export.looks,
            allowed=catalog.names("instruments"),
        )  # fmt: skip
    return name


def _distribution(export: Export, name: str, catalog: Catalog) -> Distribution:
    tables = read_with(export, name, catalog)
    particles = tables.particles
    if particles is None or particles["diameter"].nunique() < FEWEST_SIZES:
        raise BadInput(
            "holds no size distribution of particles", file=export.name, given=name,
            cure="a batch needs one: export the size distribution",
        )  # fmt: skip
    return Distribution(particles, name, tables.refused)


def _measured(distribution: Distribution, catalog: Catalog) -> Lot:
    from otosome.cards import read_toml
    from otosome.catalog import SHIPPED

    day_to_day = catalog.get("instruments", distribution.instrument).card.parameter("day_to_day", "")
    particles = distribution.table
    base = read_toml(SHIPPED / "batches" / f"{_BASE}.toml")
    made = measured_lot(particles, base, _BASE, day_to_day.value, str(day_to_day.source))
    undiluted = (_UNDILUTED,) if particles["dilution_applied"].isna().any() else ()
    refused = (
        f"Left out of {one.file}: {one.place}: {one.reason} ({one.given})." for one in distribution.refused
    )
    return replace(made, notes=(*made.notes, *undiluted, *refused))


def _stem(file: Path) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in file.stem.lower())[:40] or "batch"
