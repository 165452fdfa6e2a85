"""From a lot's record to a decision and a batch: every file it names, every test it is released by."""

from pathlib import Path

from otosome.assess.dossier import KIND, Dossier, is_dossier, parse_dossier
from otosome.assess.lot import Assessment, assess
from otosome.catalog import Catalog
from otosome.evidence import parse_toml
from otosome.export import Export
from otosome.quality import Lot, recognises
from otosome.readings import read_batch

__all__ = ["KIND", "Assessment", "Dossier", "assess", "is_dossier", "parse_dossier", "read_lot"]


def read_lot(file: Path, catalog: Catalog) -> Lot:
    """A batch from the record of a lot, a batch TOML or an instrument export, told apart by content.

    A record is assessed: its ``decision`` and ``reason`` are options of the batch. raises BadInput
    """
    export = Export.open(file)
    if recognises(export.head) and is_dossier(parse_toml(export.content, file.name)):
        return assess(file, catalog).lot
    return read_batch(file, catalog)
