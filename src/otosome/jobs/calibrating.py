"""Numbers fitted to published cases, and the result read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.results import ANSWER, Record, check_free, fill_case_fit, read_answer, usual, writing
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.jobs.fitting import FitInputs
    from otosome.jobs.watch import Watch
    from otosome.review.calibration.fit import CaseFit

# What an answer of a fit to cases has, and none to readings.
_FIGURES = "figures"


@dataclass(frozen=True)
class CaseFitResult:
    """A stored fit to published cases: its folder, the job that wrote it, what it says, and notes on the folder."""

    folder: Path
    record: Record
    fit: CaseFit
    notes: list[str] = field(default_factory=list)

    @property
    def report(self) -> Path:
        """Its report."""
        return self.folder / "report.html"

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        from pydantic_core import to_jsonable_python

        return {
            "out": str(self.folder),
            "inputs": dict(self.record.inputs),
            "result": to_jsonable_python(self.fit),
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """The answer for a person."""
        from otosome.report.calibration import case_fit_lines

        rows = (self.folder / "numbers.toml").resolve()
        return [*case_fit_lines(self.fit), f"rows of the numbers: {rows}", f"report: {self.report.resolve()}"]


def calibrate(inputs: FitInputs, path: Path, watch: Watch) -> CaseFitResult:
    """Fit numbers to published cases and write the result; raises BadInput, or Cancelled."""
    from otosome.jobs.options import options_of
    from otosome.review.calibration.file import load_case_fit
    from otosome.review.calibration.fit import fit_cases

    if inputs.resume:
        raise BadInput(
            "there are no walkers to go on with", file=path.name, key="--resume", cure="leave it out"
        )
    watch.stage("reading the cases")
    file = load_case_fit(path, inputs.shelves)
    folder = inputs.out if inputs.out is not None else usual(file.name)
    check_free(folder, inputs.force)
    with writing(folder, inputs.force) as part:
        answer = fit_cases(file, watch.stage)
        record = Record("fit", file.name, file.inputs, options_of(inputs))
        fill_case_fit(part, answer, record)
        watch.check()
    return CaseFitResult(folder, record, answer)


def is_case_fit(folder: Path) -> bool:
    """Whether the result of a fit is of one to published cases."""
    return _FIGURES in read_answer(folder / ANSWER)


def stored_case_fit(folder: Path, record: Record) -> CaseFitResult:
    """A fit to cases read back; raises BadInput for an answer of another version."""
    from pydantic import TypeAdapter, ValidationError

    from otosome.review.calibration.fit import CaseFit

    answer: Mapping[str, object] = read_answer(folder / ANSWER)
    try:
        return CaseFitResult(folder, record, TypeAdapter(CaseFit).validate_python(answer))
    except ValidationError as error:
        raise BadInput(
            f"was written by otosome {record.otosome}, which stored its answer otherwise",
            file=str(folder),
            cure=f"fit again: otosome fit {record.option('fit')}",
        ) from error
