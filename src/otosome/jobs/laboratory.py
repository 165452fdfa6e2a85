"""A laboratory's files imported, and what is filled in by hand begun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from otosome.errors import BadInput
from otosome.jobs.drafting import Drafted, drafted, refuse_written, write
from otosome.jobs.options import options_of
from otosome.jobs.watch import SILENT, Watch
from otosome.results import ANSWER, Record, check_free, csv_text, fill_intake, usual, writing
from otosome.units import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from otosome.catalog import Catalog
    from otosome.laboratory.file import Export
    from otosome.laboratory.reading import Unsure

IMPORT = "import"
# The file that ``new`` writes of each kind, and what to do with it then.
NEW = {
    "study": ("my_study.toml", "run it with: otosome run"),
    "animals": ("animals.csv", "fill it in, then: otosome import PATH... --animals"),
    "mapping": ("mapping.toml", "say in it what each column holds, then: otosome import PATH... --mapping"),
    "fit": ("my_study.toml", ""),
    "batch": ("my_batch.toml", "fill it in, then decide with: otosome quality"),
    "case": (
        "shelves/cases/my_case.toml",
        "both stand as they are for otosome qualify ROW --shelves shelves; fill in",
    ),
    "drug": ("my_drug.toml", "replace what is borrowed in its solute, and run it: otosome run"),
    "experiment": (
        "shelves/experiments/my_experiment.toml",
        "fill it in, check it, then: otosome review --shelves shelves; it is",
    ),
    "trial": ("my_trial.toml", "put in your numbers, then: otosome trial --formula"),
    "dose": ("my_dose.toml", "put in your study and limits, then: otosome optimise"),
    "specification": ("my_specification.toml", "put in your limits, then name it in a lot's record:"),
}

# The template of each kind of published case, and the file it goes to.
CASES = {
    "drug": ("case.toml", NEW["case"][0]),
    "hearing": ("case_hearing.toml", "shelves/cases/my_hearing.toml"),
}


@dataclass(frozen=True, kw_only=True)
class ImportInputs:
    """Files and folders to read.

    ``animals``  the sheet that says which subject is in which group
    ``mapping``  what the columns of tables and the wells of plates hold
    ``species``  of subjects the sheet does not name;  ``voltage``  unit of waveforms whose file states none
    ``out``      folder for the tables;  ``force``  move an earlier import aside
    """

    paths: tuple[Path, ...]
    animals: Path | None = None
    mapping: Path | None = None
    species: str = ""
    voltage: str = ""
    shelves: tuple[Path, ...] = ()
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Imported:
    """An import: how many ``rows`` of each table, each file with its instrument, and what was refused.

    ``groups``  means and differences of groups with the animal as the unit, where an animals sheet names them
    ``unsure``  tables whose meaning a mapping could say, with their columns; ``mapping.toml`` asks about them
    """

    folder: Path
    record: Record
    rows: dict[str, int]
    files: dict[str, str]
    refused: list[dict[str, str]]
    notes: list[str]
    unsure: dict[str, list[str]]
    groups: list[Json]

    @property
    def contact_sheet(self) -> Path:
        """What was read, to look at."""
        return self.folder / "contact.html"

    def result(self) -> Json:
        """What was imported, as JSON holds it."""
        return {
            "rows": self.rows,
            "files": self.files,
            "refused": self.refused,
            "unsure": self.unsure,
            "groups": self.groups,
        }

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        return {
            "out": str(self.folder),
            "inputs": dict(self.record.inputs),
            "result": self.result(),
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """How much was read, and where to look at it."""
        from otosome.report.terminal import import_lines

        lines = [*import_lines(self.rows, self.refused), f"contact sheet: {self.contact_sheet.resolve()}"]
        if self.unsure:
            lines += [
                f"{name} has these columns: {', '.join(columns)}" for name, columns in self.unsure.items()
            ]
            lines.append(
                f"say in {self.folder / 'mapping.toml'} what they hold, then import again with --mapping"
            )
        return lines


def import_(inputs: ImportInputs, watch: Watch = SILENT) -> Imported:
    """Read files into one table with thresholds and a list of what was refused; raises BadInput, or Cancelled."""
    from otosome.catalog import Catalog
    from otosome.laboratory.animals import Animals
    from otosome.laboratory.intake import intake
    from otosome.laboratory.mapping import Meaning
    from otosome.laboratory.reading import Unsure

    folder = inputs.out if inputs.out is not None else usual(IMPORT)
    check_free(folder, inputs.force)
    sheet = None if inputs.animals is None else Animals.read(inputs.animals)
    _check_words(inputs)
    meaning = Meaning() if inputs.mapping is None else Meaning.read(inputs.mapping)
    with writing(folder, inputs.force) as part:
        ticks = (watch.ticks("reading files"), watch.stage)
        try:
            read = intake(
                inputs.paths, Catalog(inputs.shelves), sheet, meaning, inputs.species, inputs.voltage, *ticks
            )
        except Unsure as error:
            _begin_mapping(error, folder)
            raise
        watch.stage("drawing what was read")
        record = Record(IMPORT, folder.name, dict(read.inputs), options_of(inputs))
        rows = {
            "files": len(read.files),
            "readings": len(read.readings),
            "particles": len(read.particles),
            "waveforms": len(read.waveforms),
            "wells": len(read.wells),
            "thresholds": len(read.estimated),
            "refused": len(read.refused),
        }
        refused = [vars(refusal) for refusal in read.refused]
        imported = Imported(
            folder,
            record,
            rows,
            dict(read.files),
            refused,
            list(read.notes),
            _columns(read.unsure),
            _rows(read.groups),
        )
        answer = {**imported.result(), "notes": imported.notes}
        fill_intake(part, read, None if sheet is None else sheet.rows, answer, record)
    return imported


def _rows(means: pd.DataFrame | None) -> list[Json]:
    """Means of groups as plain values; what is not a number is null."""
    if means is None:
        return []
    rows = [{str(key): value for key, value in row.items()} for row in means.to_dict("records")]
    return [{key: None if value != value else value for key, value in row.items()} for row in rows]


def _check_words(inputs: ImportInputs) -> None:
    from otosome.laboratory.mapping import SPECIES, VOLTAGES

    for key, word, allowed in (
        ("species", inputs.species, SPECIES),
        ("voltage", inputs.voltage, ("", *VOLTAGES)),
    ):
        if word not in allowed:
            raise BadInput(
                f"is no {key} that is known", key=f"--{key}", given=word, allowed=list(allowed[1:])
            )


def _columns(tables: Sequence[Export]) -> dict[str, list[str]]:
    """The columns of each table, by the name of its file and sheet."""
    from otosome.laboratory.mapping import names_of

    return {table.title: names_of(table) for table in tables}


def _begin_mapping(error: Unsure, folder: Path) -> None:
    """Write a mapping beside the folder of results, for tables that nobody knows; the error says where and for what."""
    from otosome.laboratory.mapping import draft

    if not error.tables:
        return
    file = folder.with_name(f"{folder.name}_mapping.toml")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, draft(error.tables))
    columns = "; ".join(
        f"{name} has these columns: {', '.join(own)}" for name, own in _columns(error.tables).items()
    )
    error.cure = f"{columns}. Say in {file} what each holds, then import with --mapping {file}"


def imported(folder: Path, record: Record) -> Imported:
    """An import read back; raises BadInput where its files are gone, or are of an earlier version."""
    from otosome.results import read_answer

    paths = record.option("paths")
    again = f"otosome import {' '.join(paths) if isinstance(paths, list) else 'PATH...'}"
    answer = read_answer(folder / ANSWER, cure=f"import the files again: {again}")
    parts = {"rows": dict, "files": dict, "refused": list, "notes": list, "unsure": dict, "groups": list}
    for key, kind in parts.items():
        if not isinstance(answer.get(key), kind):
            raise BadInput("does not say what was imported", file=str(folder / ANSWER), key=key, cure=again)
    return Imported(folder, record, **{key: answer[key] for key in parts})


@dataclass(frozen=True, kw_only=True)
class NewInputs:
    """A file to begin: ``kind`` of ``NEW``, the files it is for, the import it is from, and where it goes.

    ``copy``       copy files of a lot that lie outside its record's folder beside it
    ``reference``  or name them where they are; without both such files are refused
    """

    kind: str
    paths: tuple[Path, ...] = ()
    source: Path | None = None
    shelves: tuple[Path, ...] = ()
    out: Path | None = None
    copy: bool = False
    reference: bool = False

    @property
    def outside(self) -> Literal["refuse", "copy", "reference"]:
        """What is done with files of a lot that lie outside its record's folder."""
        return "copy" if self.copy else "reference" if self.reference else "refuse"


@dataclass(frozen=True)
class Begun:
    """A file begun, and what to do with it then.

    ``beside``  files that were begun with it;  ``hints``  what may stand in it, a line each
    ``notes``   what is to be known of what it was written from
    """

    kind: str
    file: Path
    beside: tuple[Path, ...] = ()
    hints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        return {"out": str(self.file), "result": {}, "notes": list(self.notes)}

    def lines(self) -> list[str]:
        """What was written, and the next command."""
        others = "".join(f" and {file}" for file in self.beside)
        wrote = f"wrote {self.file}{others}; {NEW[self.kind][1]} {self.file}"
        return [wrote, *(f"  {hint}" for hint in self.hints)]


def new(inputs: NewInputs, watch: Watch = SILENT) -> Begun | Drafted:
    """Begin a file: a study, an animals sheet, a lot's record, a case, a drug; raises BadInput if it is there."""
    from otosome.catalog import Catalog

    if inputs.kind not in NEW:
        raise BadInput("is not something new can write", given=inputs.kind, allowed=list(NEW))
    if inputs.copy and inputs.reference:
        raise BadInput("is one or the other", given="--copy and --reference")
    key = f"new {inputs.kind}"
    if inputs.outside != "refuse" and inputs.kind != "batch":
        raise BadInput("takes no --copy and no --reference", key=key)
    if inputs.kind == "drug":
        return _new_drug(inputs)
    if inputs.kind == "case":
        return _new_case(inputs)
    if inputs.paths and inputs.kind not in ("animals", "mapping", "batch", "trial"):
        raise BadInput("takes no files", key=key, given=str(inputs.paths[0]))
    if inputs.source is not None and inputs.kind != "fit":
        raise BadInput("takes no --from", key=key, given=str(inputs.source))
    watch.stage("drafting")
    if inputs.kind == "fit":
        return _fit(inputs)
    if inputs.kind == "batch":
        return _lot_record(inputs, Catalog(inputs.shelves))
    file = inputs.out if inputs.out is not None else Path(NEW[inputs.kind][0])
    catalog = Catalog(inputs.shelves)
    write(file, _begun(inputs, file, catalog))
    return Begun(inputs.kind, file, hints=_hints(inputs.kind, catalog))


def _hints(kind: str, catalog: Catalog) -> tuple[str, ...]:
    """What may stand in a file that says nothing of it itself, as a sheet of animals is."""
    from otosome.laboratory.naming import column_hints

    return tuple(column_hints(catalog)) if kind == "animals" else ()


def _new_drug(inputs: NewInputs) -> Begun:
    """A solute of one's own, and a study beside it that runs at once; named by the word after ``new drug``."""
    from otosome.catalog import Catalog
    from otosome.study.solute_draft import check_name, drug_study, solute_text

    name = _named(inputs, "my_drug")
    catalog = Catalog(inputs.shelves)
    check_name(name, catalog)
    file = inputs.out if inputs.out is not None else Path(f"{name}.toml")
    own = file.parent / "shelves" / "solutes" / f"{name}.toml"
    for wanted in (file, own):
        refuse_written(wanted)
    write(own, solute_text(name, catalog))
    write(file, drug_study(name, file.name))
    return Begun("drug", file, (own,))


def _new_case(inputs: NewInputs) -> Begun:
    """A published case that runs as it is, of a drug or of hearing, and its source; one that is there stays."""
    from otosome.study import TEMPLATE

    kind = _named(inputs, "drug")
    if kind not in CASES:
        raise BadInput("is no kind of case to begin", key="new case", given=kind, allowed=list(CASES))
    template, usual = CASES[kind]
    file = inputs.out if inputs.out is not None else Path(usual)
    write(file, TEMPLATE.with_name(template).read_text(encoding="utf-8"))
    source = file.parent.parent / "sources" / "my_source.toml"
    if source.exists():
        return Begun("case", file)
    write(source, TEMPLATE.with_name("source.toml").read_text(encoding="utf-8"))
    return Begun("case", file, (source,))


def _named(inputs: NewInputs, usual: str) -> str:
    """The word after ``new drug``, ``new case`` or ``new trial``; raises BadInput for several."""
    if len(inputs.paths) > 1:
        raise BadInput("takes one name", key=f"new {inputs.kind}", given=str(inputs.paths[1]))
    return str(inputs.paths[0]) if inputs.paths else usual


def _begun(inputs: NewInputs, file: Path, catalog: Catalog) -> str:
    """The text of what ``new`` writes into a file."""
    if inputs.kind == "animals":
        return _animals(inputs.paths, catalog)
    if inputs.kind == "mapping":
        return _mapping(inputs.paths)
    if inputs.kind == "specification":
        from otosome.lots.template import specification_template

        return specification_template(file)
    if inputs.kind in ("trial", "dose"):
        from otosome.trials.reading import USUAL, design_template, dose_template

        return dose_template() if inputs.kind == "dose" else design_template(_named(inputs, USUAL))
    if inputs.kind == "experiment":
        from otosome.review.experiments.experiment import TEMPLATE as EXPERIMENT
        from otosome.review.ingest import template as sheet

        if file.suffix.lower() == ".csv":
            return sheet()
        return EXPERIMENT.read_text(encoding="utf-8")
    from otosome.study import TEMPLATE

    return TEMPLATE.read_text(encoding="utf-8")


def _animals(paths: tuple[Path, ...], catalog: Catalog) -> str:
    from otosome.laboratory.animals import template
    from otosome.laboratory.intake import intake

    if not paths:
        raise BadInput(
            "needs the files the sheet is for", key="new animals", cure="otosome new animals PATH..."
        )
    read = intake(paths, catalog)
    tables = [table for table in (read.readings, read.waveforms) if len(table)]
    if not tables:
        raise BadInput(
            "holds nothing of an animal",
            file=str(paths[0]),
            cure="name files of readings or waveforms; a batch of particles needs no sheet",
        )
    return csv_text(template(tables))


def _mapping(paths: tuple[Path, ...]) -> str:
    from otosome.laboratory.file import Export
    from otosome.laboratory.mapping import draft
    from otosome.laboratory.workbook import is_workbook, sheets

    if not paths:
        raise BadInput("needs the tables it is for", key="new mapping", cure="otosome new mapping FILE...")
    files = [Export.open(path) for path in paths]
    return draft([part for file in files for part in (sheets(file) if is_workbook(file) else [file])])


def _fit(inputs: NewInputs) -> Drafted:
    if inputs.source is None:
        raise BadInput("needs a table", key="new fit", cure="otosome new fit --from results/import")
    return drafted(inputs.source, inputs.out, inputs.shelves)


def _lot_record(inputs: NewInputs, catalog: Catalog) -> Begun:
    """A lot's record, and beside it the layouts of its plates that are to be filled in; one that is there stays."""
    from otosome.lots.template import template

    file = inputs.out if inputs.out is not None else Path(NEW["batch"][0])
    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in file.stem)[:40].strip("_") or "lot"
    refuse_written(file)
    record = template(list(inputs.paths), file.parent, name, catalog, inputs.outside)
    write(file, record.text)
    layouts = [file.parent / layout for layout in record.layouts]
    new_ones = [layout for layout in layouts if not layout.exists()]
    for layout in new_ones:
        write(layout, record.layouts[layout.name])
    return Begun("batch", file, tuple(new_ones), notes=record.notes)
