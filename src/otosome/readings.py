"""Laboratory files in: which instrument wrote a file, and what batch it describes.

A file is told by its content, never by its name. It is hostile until parsed: its size is bounded, and what it
says stays text.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otosome.catalog import Catalog
from otosome.evidence import BadInput, make_card, parse_toml
from otosome.quality import Lot, measured_lot
from otosome.quality import recognises as is_batch_toml

if TYPE_CHECKING:
    import pandas as pd

LARGEST = 50_000_000
_HEAD = 4096
_BASE = "example_lot"


def read_batch(file: Path, catalog: Catalog) -> Lot:
    """A batch from a batch TOML or an instrument export, told apart by content.

    An export gives size and count; every other number is that of the shelf's example lot, and the lot's notes
    say so.

    raises  BadInput for a file that is neither, or that its reader refuses, with the reason
    """
    raw = content(file)
    for name in catalog.names("instruments"):
        instrument = catalog.get("instruments", name).formula
        reader = None if instrument is None else instrument()
        if reader is not None and reader.recognises(raw[:_HEAD]):
            return _measured(reader.read(file), name, catalog)
    if is_batch_toml(raw[:_HEAD]):
        values = parse_toml(raw, file.name)
        make_card(values, "batches", file.stem, file.name)
        return Lot(_stem(file), values, ())
    raise BadInput(
        "is neither a batch TOML nor an instrument export that otosome reads",
        file=file.name,
        given=repr(raw[:40]),
        allowed=["batch TOML", *catalog.names("instruments")],
    )


def read_particles(file: Path, catalog: Catalog) -> tuple[pd.DataFrame, str]:
    """An instrument's table of particles, and the instrument; raises BadInput for any other file."""
    raw = content(file)
    for name in catalog.names("instruments"):
        instrument = catalog.get("instruments", name).formula
        reader = None if instrument is None else instrument()
        if reader is not None and reader.recognises(raw[:_HEAD]):
            return reader.read(file), name
    raise BadInput(
        "is not an instrument export that otosome reads", file=file.name, given=repr(raw[:40]),
        allowed=catalog.names("instruments"),
    )  # fmt: skip


def content(file: Path) -> bytes:
    """A file's bytes; raises BadInput if it cannot be read, is empty or larger than 50 MB."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=str(file)) from error
    if len(raw) > LARGEST:
        raise BadInput(f"is larger than {LARGEST} bytes", file=str(file))
    if not raw:
        raise BadInput("is empty", file=str(file))
    return raw


def _measured(particles: object, instrument: str, catalog: Catalog) -> Lot:
    from otosome.catalog import SHIPPED
    from otosome.evidence import read_toml

    day_to_day = catalog.get("instruments", instrument).card.parameter("day_to_day", "")
    base = read_toml(SHIPPED / "batches" / f"{_BASE}.toml")
    return measured_lot(particles, base, _BASE, day_to_day.value, str(day_to_day.source))  # type: ignore[arg-type]


def _stem(file: Path) -> str:
    return "".join(c if c.isalnum() and c.isascii() else "_" for c in file.stem.lower())[:40] or "batch"
