"""A lot from any file that describes one: its record, a batch TOML or an instrument export."""

from pathlib import Path

from otosome.cards import parse_toml
from otosome.catalog import Catalog
from otosome.laboratory.file import Export
from otosome.laboratory.reading import read_batch
from otosome.lots.assessment import assess
from otosome.lots.counted import Lot, recognises
from otosome.lots.record import is_lot_record


def read_lot(file: Path, catalog: Catalog) -> Lot:
    """A batch from the record of a lot, a batch TOML or an instrument export, told apart by content.

    A record is assessed: its ``decision`` and ``reason`` are options of the batch. raises BadInput
    """
    export = Export.open(file)
    if recognises(export.head) and is_lot_record(parse_toml(export.content, file.name)):
        return assess(file, catalog).lot
    return read_batch(file, catalog)
