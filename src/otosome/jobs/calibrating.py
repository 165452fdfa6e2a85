"""Numbers fitted to published cases, and the result read back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
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

CHAIN = "chain.npz"
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

    watch.stage("reading the cases")
    file = load_case_fit(path, inputs.shelves)
    folder = inputs.out if inputs.out is not None else usual(file.name)
    check_free(folder, inputs.force)
    walked = walked_of(folder, inputs.resume)
    with writing(folder, inputs.force) as part:
        answer, joint = fit_cases(file, walked, reporting(watch))
        if walked.is_file():
            shutil.copyfile(walked, part / CHAIN)
        record = Record("fit", file.name, file.inputs, options_of(inputs))
        fill_case_fit(part, answer, joint, record)
        watch.check()
    walked.unlink(missing_ok=True)
    return CaseFitResult(folder, record, answer)


def reporting(watch: Watch) -> Callable[[str, int, int], None]:
    """What a fit calls with what it does, parts done and all parts."""

    firsts = dict[str, tuple[float, int]]()

    def report(doing: str, done: int, of: int) -> None:
        # "drawing, R-hat 1.02": what stands after the comma changes while the same is done. Parts that are there at
        # first are those of a fit that was begun before.
        began, before = firsts.setdefault(doing.partition(",")[0], (time.monotonic(), done))
        watch.ticks(doing, began, before=before)(done, of)

    return report


def walked_of(folder: Path, resume: bool) -> Path:
    """The file beside a result in which walkers' steps are kept; begun anew unless they are to be resumed."""
    beside = folder.with_name(f"{folder.name}.{CHAIN}")
    beside.parent.mkdir(parents=True, exist_ok=True)
    stored = folder / CHAIN
    if not resume:
        beside.unlink(missing_ok=True)
    elif not beside.is_file() and stored.is_file():
        shutil.copyfile(stored, beside)
    elif not beside.is_file():
        raise BadInput(
            "holds no walkers to go on with", file=str(folder), key="--resume", cure="leave it out"
        )
    return beside


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
