"""A study's numbers fitted to a laboratory's readings, and the result read back."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.jobs.calibrating import (
    CHAIN,
    CaseFitResult,
    calibrate,
    is_case_fit,
    reporting,
    stored_case_fit,
    walked_of,
)
from otosome.jobs.options import options_of
from otosome.jobs.watch import SILENT, Watch
from otosome.results import ANSWER, EARS, Record, check_free, fill_fit, read_answer, record_of, usual, writing
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.ears import Ears
    from otosome.fitting.fit import Fit

FIT = "fit"


@dataclass(frozen=True, kw_only=True)
class FitInputs:
    """What is fitted.

    ``fit``      a fit file;  ``shelves``  folders of one's own shelves
    ``resume``   go on with the walkers of a fit that was ended, or with more steps than it had
    ``out``      the result folder;  ``force``  move an earlier result aside
    """

    fit: Path
    shelves: tuple[Path, ...] = ()
    resume: bool = False
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class FitResult:
    """A stored fit: its folder, the job that wrote it, what it says, and notes on the folder itself."""

    folder: Path
    record: Record
    fit: Fit
    notes: list[str] = field(default_factory=list)

    @property
    def report(self) -> Path:
        """Its report."""
        return self.folder / "report.html"

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        from pydantic_core import to_jsonable_python

        answer = to_jsonable_python(self.fit)
        return {
            "out": str(self.folder),
            "inputs": dict(self.record.inputs),
            "result": answer,
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """The answer for a person."""
        from otosome.report.terminal import fit_lines

        return [*fit_lines(self.fit), f"report: {self.report.resolve()}"]


def fit(inputs: FitInputs, watch: Watch = SILENT) -> FitResult | CaseFitResult:
    """Fit a study's numbers to readings, or numbers to published cases, and write the result.

    raises  BadInput, or Cancelled
    """
    from otosome.cards import read_toml
    from otosome.fitting.file import fit_path, load_fit
    from otosome.fitting.fit import fit as fitted
    from otosome.review.calibration.file import MARK

    path = fit_path(inputs.fit)
    if MARK in read_toml(path):
        return calibrate(inputs, path, watch)
    watch.stage("reading the readings")
    file = load_fit(path, inputs.shelves)
    folder = inputs.out if inputs.out is not None else usual(file.name)
    check_free(folder, inputs.force)
    chain = walked_of(folder, inputs.resume)
    with writing(folder, inputs.force) as part:
        outcome = fitted(file, chain, reporting(watch))
        record = Record(FIT, file.name, file.inputs, options_of(inputs))
        if chain.is_file():
            shutil.copyfile(chain, part / CHAIN)
        fill_fit(part, outcome, file, record)
    chain.unlink(missing_ok=True)
    return FitResult(folder, record, outcome.fit)


def stored_fit(folder: Path) -> FitResult:
    """A fit read back; raises BadInput where the folder holds none."""
    from pydantic import TypeAdapter, ValidationError

    from otosome.fitting.fit import Fit

    record = record_of(folder)
    if record.verb != FIT:
        raise BadInput(
            "is no fit", file=str(folder), given=record.verb, cure="name the folder that otosome fit wrote"
        )
    if is_case_fit(folder):
        raise BadInput(
            "is a fit to published cases, and holds no draws",
            file=str(folder),
            cure=f"put the rows of {folder / 'numbers.toml'} into the study",
        )
    answer: Mapping[str, object] = read_answer(folder / ANSWER)
    try:
        return FitResult(folder, record, TypeAdapter(Fit).validate_python(answer))
    except ValidationError as error:
        cure = f"fit again: otosome fit {record.option('fit')}"
        raise BadInput(
            f"was written by otosome {record.otosome}, which stored its answer otherwise",
            file=str(folder),
            cure=cure,
        ) from error


def shown_fit(folder: Path) -> FitResult | CaseFitResult:
    """A fit of either kind read back; raises BadInput where the folder holds none."""
    record = record_of(folder)
    return stored_case_fit(folder, record) if is_case_fit(folder) else stored_fit(folder)


def draws_of(result: FitResult) -> Ears:
    """The draws of a fit; raises BadInput for one that gives no interval."""
    from otosome.ears import Ears

    file = result.folder / EARS
    if not file.is_file():
        raise BadInput(
            "gives no interval, so that nothing can be drawn from it",
            file=str(result.folder),
            given=result.fit.refusal,
            cure="ask for a posterior: [posterior] in the fit file",
        )
    return Ears.read(file)
