"""A result folder of any verb, read back; and what a file is that is none."""

from __future__ import annotations

from pathlib import Path

from otosome.errors import BadInput
from otosome.jobs import laboratory, lots, study, trials
from otosome.results import is_ours, record_of

Shown = study.StudyResult | laboratory.Imported | lots.Lot | trials.Trial


def show(path: Path) -> Shown:
    """A result of any verb that writes one; raises BadInput where the path leads to none, saying what it is."""
    if not path.is_dir():
        raise _no_folder(path)
    record = record_of(path)
    if record.verb == laboratory.IMPORT:
        return laboratory.imported(path, record)
    if record.verb == lots.QUALITY:
        return lots.lot(path, record)
    if record.verb == trials.TRIAL:
        return trials.stored(path, record)
    return study.shown(path)


def _no_folder(path: Path) -> BadInput:
    """Why a path is no result folder, and what to do with it."""
    if not path.exists():
        return BadInput(
            "is not a result folder: nothing is there",
            file=str(path),
            cure="name a result folder, such as results/STUDY",
        )
    if is_ours(path.parent):
        return BadInput("is a file of a result", file=str(path), cure=f"otosome show {path.parent}")
    instrument = _instrument(path)
    if instrument is not None:
        return BadInput(
            f"is not a result folder, but a file that {instrument} reads",
            file=str(path),
            cure=f"otosome import {path}",
        )
    return BadInput(
        "is not a result folder of otosome", file=str(path), cure="name one such as results/STUDY"
    )


def _instrument(path: Path) -> str | None:
    """The reader that knows a file; None where none does."""
    from otosome.catalog import Catalog
    from otosome.laboratory.file import Export
    from otosome.laboratory.reading import instrument_of

    try:
        return instrument_of(Export.open(path), Catalog())
    except BadInput:
        return None
