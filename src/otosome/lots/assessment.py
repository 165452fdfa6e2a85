"""A lot assessed: what was measured, the decision with its reason, and the batch that goes into a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from otosome.cards import read_card
from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput
from otosome.laboratory.file import Export
from otosome.lots.belief import Belief
from otosome.lots.checklist import Item, checked
from otosome.lots.count import (
    Count,
    Scatter,
    count,
    ratio,
)
from otosome.lots.counted import Lot
from otosome.lots.files import (
    Counted,
    Files,
    LeftOut,
    doubts,
    read_files,
    reason_of,
    refuse_contradiction,
    scatter,
)
from otosome.lots.measured import Measured
from otosome.lots.plate import Plate
from otosome.lots.potency import (
    Assay,
    Potency,
    RunPotency,
    assay_of,
    combine,
    measure,
)
from otosome.lots.record import AssayFile, LotRecord, beside, parse_record
from otosome.lots.release import Decision, Verdict, overall
from otosome.lots.specification import Specification, read_specification
from otosome.lots.study_batch import protein, study_batch
from otosome.lots.verdicts import Stated, beyond, verdicts
from otosome.roles import SpecificationOptions

Potencies = Mapping[str, tuple[tuple[RunPotency, ...], Potency | None]]


@dataclass(frozen=True)
class AssayRun:
    """A run of an assay: its wells and limits, None where they cannot be read, and what it says."""

    entry: AssayFile
    plate: Plate | None
    assay: Assay | None
    says: RunPotency


@dataclass(frozen=True)
class Assessment:
    """A lot: its record, what its files say, each test's verdict, the decision, and its batch.

    ``beyond``      results that the record states and the specification does not ask for
    ``potencies``   by mechanism: every run, and the runs combined (None where none counts)
    ``runs``        every assay of the record
    ``checklists``  by entry: every item with whether it is reported
    ``lot``         plain values as ``batches/*.toml`` holds them, and what to tell the user
    ``inputs``      sha256 of every file by its path
    ``counts``      every file of counts, of the fresh lot and of the stored;  ``controls``  before and after detergent
    ``left_out``    files and videos that do not count, with the reasons
    ``doubts``      where the record and its files of counts do not fit together
    """

    record: LotRecord
    file: str
    specification: Specification
    decision: Decision
    reason: str
    verdicts: tuple[Verdict, ...]
    beyond: Mapping[str, str]
    counted: Count | None
    counts: tuple[Counted, ...]
    controls: tuple[Counted, ...]
    vesicles: Belief | None
    potencies: Potencies
    runs: tuple[AssayRun, ...]
    checklists: Mapping[str, tuple[Item, ...]]
    lot: Lot
    inputs: Mapping[str, str]
    left_out: tuple[LeftOut, ...]
    doubts: tuple[str, ...]

    @property
    def notes(self) -> list[str]:
        """What is to be known of the files that the decision rests on: doubts, warnings, what is left out."""
        read = (*self.counts, *self.controls)
        flagged = [f"{file.file}: {'; '.join(file.warnings)}." for file in read if file.warnings]
        return [*self.doubts, *flagged, *(f"{part.words}." for part in self.left_out)]


def assess(file: Path, catalog: Catalog) -> Assessment:
    """A lot from its record; raises BadInput for a record or a file of it that cannot be used."""
    export = Export.open(file)
    record = parse_record(export.content, file.name)
    files = read_files(record, file.parent, file.name, catalog)
    fresh = tuple(measurement for measurement in files.counts if measurement.stored == 0)
    undiluted = next((measurement.undiluted for measurement in fresh if measurement.undiluted), "")
    known = tuple(measurement for measurement in fresh if not measurement.undiluted)
    counted = _count(known, fresh, file.name, catalog)
    runs = tuple(_run(entry, plate, catalog) for entry, plate in zip(record.assay, files.plates, strict=True))
    potencies = _potencies(runs, file.name, catalog)
    vesicles, uncontrolled = _not_vesicles(files, catalog)
    measured = Measured(
        counted,
        undiluted,
        fresh,
        None if record.label is None else float(record.label),
        vesicles,
        protein(record, file.name),
        potencies,
        _assay_names(record),
        record.protein or "",
        _reasons(files.left_out, "count."),
        _reasons(files.left_out, "detergent.") or uncontrolled,
    )
    specification = read_specification(_specification(record, file, catalog))
    answered = verdicts(specification, measured, Stated(record.findings, record.methods, file.name))
    decision, reason = overall(answered)
    lot = study_batch(
        record, file.name, known or fresh, counted, vesicles, potencies, (decision, reason), catalog
    )
    lists = _checklists(record, file.name, catalog)
    inputs = {str(file): export.sha256, **files.inputs}
    if record.specification.endswith(".toml"):
        own = file.parent / record.specification
        inputs[str(own)] = Export.open(own).sha256
    return Assessment(
        record,
        file.name,
        specification,
        decision,
        reason,
        tuple(answered),
        beyond(specification, record.findings),
        counted,
        files.counts,
        files.detergent or (),
        vesicles,
        potencies,
        runs,
        lists,
        replace(lot, notes=(*lot.notes, *(part.words for part in files.left_out))),
        inputs,
        files.left_out,
        tuple(doubts(files.read, file.name)),
    )


def _reasons(left_out: tuple[LeftOut, ...], key: str) -> str:
    """Why the files that the record names under a key are left out."""
    own = [part for part in left_out if part.key.startswith(key) and not part.place]
    return "; ".join(f"{part.file} is left out: {part.reason}" for part in own)


def _count(
    known: tuple[Counted, ...], fresh: tuple[Counted, ...], file: str, catalog: Catalog
) -> Count | None:
    """The count of the files whose dilution is known; raises BadInput where two of them contradict each other."""
    if not known:
        return None
    spread = scatter(fresh, catalog)[0]
    refuse_contradiction(known, spread, file)
    return count([measurement.measurement() for measurement in known], spread)


def _specification(record: LotRecord, file: Path, catalog: Catalog) -> Entry[SpecificationOptions, Any]:
    """The specification that the record names: a file beside it, or an entry of the shelf."""
    name = record.specification
    if not name.endswith(".toml"):
        return catalog.get("specifications", name)
    place = beside(file.parent, name, "specification", file.name, record.folders)
    return Entry(read_card(place, "specifications"), None)


def _assay_names(record: LotRecord) -> dict[str, str]:
    """The assays that speak for each mechanism, in words."""
    names: dict[str, list[str]] = {}
    for run in record.assay:
        for mechanism in run.mechanisms:
            names.setdefault(mechanism, []).append(run.assay)
    return {mechanism: ", ".join(dict.fromkeys(assays)) for mechanism, assays in names.items()}


def _run(entry: AssayFile, plate: Plate | BadInput, catalog: Catalog) -> AssayRun:
    """What a run says; one that cannot be judged says why, and stops nothing else."""
    name = Path(entry.file).name
    if isinstance(plate, BadInput):
        return AssayRun(entry, None, None, _unjudged(name, plate))
    try:
        assay = _assay(entry.assay, catalog)
        return AssayRun(entry, plate, assay, measure(plate.run(entry.reference, entry.sample), assay))
    except BadInput as error:
        return AssayRun(entry, plate, None, _unjudged(name, error))


def _unjudged(name: str, error: BadInput) -> RunPotency:
    return RunPotency(name, (), reason_of(error, name, cured=False), cure=error.cure or "")


def _potencies(every: tuple[AssayRun, ...], file: str, catalog: Catalog) -> Potencies:
    """Runs by mechanism; a run may speak for several."""
    runs: dict[str, list[RunPotency]] = {}
    for n, run in enumerate(every):
        mechanisms = run.entry.mechanisms
        for mechanism in mechanisms:
            if mechanism not in catalog.names("mechanisms") or mechanisms.count(mechanism) > 1:
                raise BadInput(
                    "is not a mechanism, or is named twice",
                    file=file,
                    key=f"assay.{n}.mechanisms",
                    given=mechanism,
                    allowed=catalog.names("mechanisms"),
                )
            runs.setdefault(mechanism, []).append(run.says)
    return {mechanism: (tuple(own), combine(own)) for mechanism, own in runs.items()}


def _assay(name: str, catalog: Catalog) -> Assay:
    entry = catalog.get("assays", name)
    values = {key: entry.card.parameter(key, "").value for key in entry.card.parameters}
    return assay_of(values, entry.options.model)


def _not_vesicles(files: Files, catalog: Catalog) -> tuple[Belief | None, str]:
    """Share of the particles that detergent leaves; None, and why where it was measured, where it cannot be told."""
    if files.detergent is None:
        return None, ""
    undiluted = next((control.undiluted for control in files.detergent if control.undiluted), "")
    if undiluted:
        return None, undiluted
    try:
        known: Scatter = scatter(files.detergent, catalog)[0]
    except BadInput as error:
        return None, str(error)
    before, after = files.detergent
    return ratio(after.counts(), before.counts(), known.within), ""


def _checklists(record: LotRecord, file: str, catalog: Catalog) -> dict[str, tuple[Item, ...]]:
    for name in record.reporting:
        catalog.get("checklists", name)
    states = {}
    for name in catalog.names("checklists"):
        items = catalog.get("checklists", name).options.item
        states[name] = tuple(checked(items, record.reporting.get(name, {}), file))
    return states
