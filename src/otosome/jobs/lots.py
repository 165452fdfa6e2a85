"""A lot assessed, or a process's lots."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.jobs.options import inputs_of, options_of
from otosome.jobs.watch import SILENT, Watch
from otosome.results import Record, check_free, fill_lot, usual, writing
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.catalog import Catalog
    from otosome.lots.assessment import Assessment

QUALITY = "quality"


@dataclass(frozen=True, kw_only=True)
class LotInputs:
    """A lot to decide.

    ``record``     the file of the lot's record;  ``reference``  of a lot to compare the count and size with
    ``history``    a folder with the records of earlier lots
    ``study``      what each limit is worth in it
    ``out``        folder for certificate and report;  ``force``  move an earlier result aside
    """

    record: Path
    reference: Path | None = None
    history: Path | None = None
    study: str | None = None
    shelves: tuple[Path, ...] = ()
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class QualityInputs:
    """A lot to decide, or a process whose lots are made: the one or the other.

    ``batch``    the file of the lot's record;  ``reference``  ``history``  ``study``  as of ``LotInputs``
    ``process``  of the shelf;  ``against``  another, for what the change does;  ``lots``  how many
    """

    batch: Path | None = None
    reference: Path | None = None
    history: Path | None = None
    study: str | None = None
    process: str | None = None
    against: str | None = None
    lots: int = 20
    shelves: tuple[Path, ...] = ()
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Lot:
    """A lot decided: ``values`` of ``otosome.lots.values``, with ``history``, ``reference`` and ``stakes``."""

    folder: Path
    record: Record
    values: Json
    notes: list[str]

    @property
    def report(self) -> Path:
        """Its report."""
        return self.folder / "report.html"

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        inputs = dict(self.record.inputs)
        return {"out": str(self.folder), "inputs": inputs, "result": self.values, "notes": self.notes}

    def lines(self) -> list[str]:
        """The decision with its reason, each test, and what else was asked for."""
        from otosome.lots.text import lot_words

        return [lot_words(self.values), f"report: {self.report.resolve()}"]


def assess(inputs: LotInputs, watch: Watch = SILENT) -> Lot:
    """Release, refuse or cannot decide: a lot from its files; raises BadInput, or Cancelled."""
    from otosome.catalog import Catalog
    from otosome.lots.assessment import assess as decide
    from otosome.lots.values import lot_values

    watch.stage("deciding the lot")
    catalog = Catalog(inputs.shelves)
    assessment = decide(inputs.record, catalog)
    folder = inputs.out if inputs.out is not None else usual(assessment.record.name)
    try:
        check_free(folder, inputs.force)
    except BadInput as error:
        if inputs.out is None:
            error.cure = f"{error.cure}; or another name in the record, after which the folder is named"
        raise
    values = {**lot_values(assessment), **_beside(inputs, assessment, catalog)}
    watch.stage("drawing the report")
    record = Record(QUALITY, assessment.record.name, dict(assessment.inputs), options_of(inputs))
    with writing(folder, inputs.force) as part:
        fill_lot(part, assessment, values, record)
    return Lot(folder, record, values, assessment.notes)


def _beside(inputs: LotInputs, assessment: Assessment, catalog: Catalog) -> Json:
    """What stands beside a lot: earlier lots, a reference lot, what its limits are worth."""
    from otosome.lots.assessment import assess as decide
    from otosome.lots.earlier import history, read_history
    from otosome.lots.stakes import stakes
    from otosome.lots.values import comparison_values, history_values

    beside: Json = dict.fromkeys(("history", "reference", "stakes"))
    if inputs.history is not None:
        earlier = read_history(inputs.history, catalog, but=inputs.record)
        beside["history"] = history_values(history(earlier, assessment, catalog))
    if inputs.reference is not None:
        beside["reference"] = comparison_values(assessment, decide(inputs.reference, catalog))
    if inputs.study is not None:
        beside["stakes"] = asdict(stakes(assessment, inputs.record, inputs.study, catalog))
    return beside


def lot(folder: Path, record: Record) -> Lot:
    """A lot read back; raises BadInput where its file is gone."""
    from otosome.results import read_answer

    file = folder / "lot.json"
    values = read_answer(file, cure="decide the lot again: otosome quality RECORD")
    for key in ("lot", "decision", "reason", "tests"):
        if key not in values:
            raise BadInput("does not say what was decided", file=str(file), key=key)
    notes = values.pop("notes", [])
    return Lot(folder, record, values, notes)


@dataclass(frozen=True)
class Process:
    """What a process makes, and what a change of process does."""

    values: Json
    change: Json | None

    @property
    def notes(self) -> list[str]:
        """Which of its numbers are only assumed."""
        assumed = self.values["assumed"]
        return [f"{len(assumed)} numbers of {self.values['process']} are assumed: {', '.join(assumed)}."]

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        return {"result": {**self.values, "change": self.change}, "notes": self.notes}

    def lines(self) -> list[str]:
        """What the process makes, and what the change does."""
        from otosome.lots.text import change_words, process_words

        return [process_words(self.values), *([] if self.change is None else [change_words(self.change)])]


def process(name: str, against: str | None = None, lots: int = 20, shelves: tuple[Path, ...] = ()) -> Process:
    """What a process makes over so many lots, and what another one would change; raises BadInput."""
    from otosome.catalog import Catalog
    from otosome.lots.production import change, making

    catalog = Catalog(shelves)
    values = making(name, catalog, lots)
    return Process(values, None if against is None else change(name, against, catalog, lots))


def quality(inputs: QualityInputs, watch: Watch = SILENT) -> Lot | Process:
    """Decide a lot, or say what a process makes; raises BadInput, or Cancelled."""
    if inputs.process is not None and inputs.batch is None:
        return process(inputs.process, inputs.against, inputs.lots, inputs.shelves)
    if inputs.batch is None or inputs.process is not None:
        raise BadInput("asks for a lot's record, or for --process", cure="otosome quality BATCH.toml")
    return assess(inputs_of(LotInputs, {**vars(inputs), "record": inputs.batch}), watch)
