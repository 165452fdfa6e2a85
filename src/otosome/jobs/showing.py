"""A result folder of any verb, read back; and what a file is that is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from otosome.errors import BadInput
from otosome.jobs import calibrating, fitting, laboratory, lots, reviewing, study, trials
from otosome.results import is_ours, record_of, recover, unsealed

Shown = (
    study.StudyResult
    | fitting.FitResult
    | calibrating.CaseFitResult
    | laboratory.Imported
    | lots.Lot
    | trials.Trial
    | reviewing.Reviewed
)


def show(path: Path) -> Shown:
    """A result of any verb that writes one; raises BadInput where the path leads to none, saying what it is."""
    recover(path)
    if not path.is_dir():
        raise _no_folder(path)
    record = record_of(path)
    warnings = [
        f"{path / row.file} is {row.what}: this result is not as otosome wrote it"
        for row in unsealed(path, record)
    ]
    if record.verb == laboratory.IMPORT:
        imported = laboratory.imported(path, record)
        return replace(imported, notes=[*imported.notes, *warnings])
    if record.verb == fitting.FIT:
        return replace(fitting.shown_fit(path), notes=warnings)
    if record.verb == lots.QUALITY:
        lot = lots.lot(path, record)
        return replace(lot, notes=[*lot.notes, *warnings])
    if record.verb in trials.VERBS:
        trial = trials.stored(path, record)
        return replace(trial, notes=[*trial.notes, *warnings])
    if record.verb == reviewing.REVIEW:
        reviewed = reviewing.stored(path, record)
        return replace(reviewed, notes=[*reviewed.notes, *warnings])
    return replace(study.shown(path), warnings=tuple(warnings))


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
