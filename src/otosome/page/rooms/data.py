"""The room of data: files read, unknown tables explained, thresholds and waves marked, groups compared."""

from __future__ import annotations

import csv
import functools
import io
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from otosome.errors import BadInput
from otosome.page.commands import Id, Word, line
from otosome.page.room import Bench, Query, Room, chosen
from otosome.page.workspace import Item, identity
from otosome.results import usual
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.jobs.marking import Marking
    from otosome.jobs.planning import NextStudy

IMPORT = "import"
_SHOWS = ("files", "traces", "groups", "export")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FIRST = 60  # refusals and figures that a page shows
_NO_DATA = (".toml", ".py", ".md", ".html", ".jsonl", ".lock", ".json")
_DIGEST = re.compile(r"-[0-9a-f]{8}$")
Reader = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$")]
Key = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]
Decibels = Annotated[float, Field(ge=-60, le=194, allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Reading(_Closed):
    """Files to be read, or a result whose files are to be read again with other options."""

    paths: Annotated[list[Id], Field(max_length=500)] = []
    result: Id | None = None
    animals: Id | None = None
    mapping: Id | None = None
    species: Annotated[Word, Field(max_length=20)] = ""
    voltage: Annotated[Word, Field(max_length=5)] = ""


class Mark(_Closed):
    """A threshold, or wave I of a level with P1 and N1 in ms; neither takes the reader's own mark away."""

    result: Id
    reader: Reader
    key: Key
    threshold: Decibels | Literal["above", "below"] | None = None
    level: Decibels | None = None
    peak: Milliseconds | None = None
    trough: Milliseconds | None = None


class Turn(_Closed):
    """What a reader does besides marking."""

    result: Id
    reader: Reader
    does: Literal["undo", "redo", "blind", "open", "lead"]


class Chosen(_Closed):
    """A result."""

    result: Id


class Statement(_Closed):
    """What a person says of tables, plates and animals: the keys of a mapping file.

    ``result``  an import whose own mapping is kept, but for what is said anew of the same
    """

    result: Id | None = None
    name: Annotated[Word, Field(min_length=1, max_length=80)]
    table: Annotated[list[Json], Field(max_length=100)] = []
    plate: Annotated[list[Json], Field(max_length=100)] = []
    animals: Annotated[dict[Word, Word], Field(max_length=5000)] = {}


class Sheet(_Closed):
    """The animals sheet of a result: a row a subject."""

    result: Id
    rows: Annotated[list[dict[Word, Word]], Field(min_length=1, max_length=5000)]


class Next(_Closed):
    """The next study, by the spread of an import: what is to be found of which quantity."""

    result: Id
    quantity: Annotated[Word, Field(min_length=1, max_length=80)]
    difference: Annotated[Word, Field(min_length=1, max_length=40)]
    time: Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)] | None = None
    comparisons: Annotated[int, Field(ge=1, le=20)] = 1


class Planned(TypedDict):
    """How many animals a group, why in a sentence, what the spread rests on, and power over their number."""

    animals: int
    says: str
    notes: list[str]
    svg: str
    about: str


class JobBegun(TypedDict):
    """The job that was question for."""

    job: str


class Written(TypedDict):
    """The file that was written."""

    id: str
    name: str


class Numbered(TypedDict):
    """The number of the line in the history."""

    line: int


class Agreed(TypedDict):
    """How far thresholds lie apart: bias and deviation in dB, shares within 5 and 10 dB; none for too few pairs."""

    pairs: int
    bias: float | None
    spread: float | None
    near: list[float]
    says: str
    svg: str


def view(bench: Bench, query: Query) -> Json:
    """The import that is shown, or what is question before there is one."""
    imports = bench.workspace.results(IMPORT)
    drop = bench.workspace.item(query["drop"]) if query.get("drop") else None
    begun = bool(drop or query.get("job") or query.get("new"))
    item = None if begun else chosen(bench, query, IMPORT)
    asks: Json = {"drop": drop, "imports": imports, "item": item, "loose": [] if item else _loose(bench)}
    return asks if item is None else {**asks, **_shown(bench, item, query)}


def _loose(bench: Bench) -> list[Item]:
    """Files of the folder that nothing has read: no results, no files of ours, none that were dropped."""
    return [item for item in bench.workspace.items("file") if item.path.suffix not in _NO_DATA][:500]


def _in_time(figure: Path) -> tuple[str, float]:
    """Figures of one quantity stand together, the baseline first and then by day."""
    at = re.fullmatch(r"(.+)_(?:baseline|([\d.]+)_(h|d))", figure.stem)
    if at is None:
        return figure.stem, 0.0
    return at[1], -1.0 if at[2] is None else float(at[2]) * (24 if at[3] == "d" else 1)


def _shown(bench: Bench, item: Item, query: Query) -> Json:
    from otosome.jobs.laboratory import imported
    from otosome.report.groups import reading_title

    assert item.record is not None  # of a result
    read = imported(item.path, item.record)
    show = query.get("show", "")
    show = show if show in _SHOWS else _first_of(read.rows)
    figures = sorted((item.path / "figures").glob("*.svg"), key=_in_time)
    refused = _refused(read.refused)
    names = sorted(
        path.name for path in item.path.iterdir() if path.is_file() and path.name != "otosome.json"
    )
    return {
        "read": read,
        "show": show,
        "refused": refused[:_FIRST],
        "more_refused": max(0, len(refused) - _FIRST),
        "figures": [(reading_title(path.stem), f"figures/{path.name}") for path in figures[:_FIRST]],
        "title_of": reading_title,
        "has_groups": (item.path / "groups.svg").is_file(),
        **(_compared(item.path, read.groups) if show == "groups" else {}),
        "files": names,
        "figure_files": [f"figures/{path.name}" for path in figures],
        "sheets": [each for each in bench.workspace.items("file") if each.path.suffix == ".csv"],
        "mappings": bench.workspace.items("mapping"),
        "import_options": item.record.options,
        "command_line": shlex.join(["otosome", IMPORT, *_words(bench, Reading(result=item.id), marks=True)]),
    }


def _first_of(rows: dict[str, int]) -> str:
    """What of an import is shown first: traces, else groups, else what was read."""
    return "traces" if rows["waveforms"] else "groups" if rows["readings"] else "files"


def _compared(folder: Path, groups: Sequence[Json]) -> Json:
    """What an import says of groups, and for what its spread can plan a next study."""
    from otosome.jobs.planning import choices, groups_named

    return {
        "named": groups_named(folder),
        "contrasts": [row for row in groups if row["against"]],
        "methods": _text(folder / "methods.txt"),
        "choices": choices(folder),
    }


def _refused(lines: Sequence[dict[str, str]]) -> list[tuple[dict[str, str], int]]:
    """The first of all that was refused of a file for one reason, and how much that is."""
    by_file: dict[tuple[str, str], list[dict[str, str]]] = {}
    for refusal in lines:
        by_file.setdefault((refusal["file"], refusal["reason"]), []).append(refusal)
    return [(rows[0], len(rows)) for rows in by_file.values()]


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def _words(bench: Bench, question: Reading, marks: bool = False) -> list[str]:
    """The command line of an import, without the verb: of files, or of a result's files once more.

    ``marks``  with the history of a result's marks, where it has one
    """
    from otosome.laboratory.marks import beside

    own = bench.workspace.item
    stated: Json = {"paths": [own(name).name for name in question.paths]}
    out = _out(bench, own(question.paths[0])) if question.paths else usual(IMPORT)
    if question.result is not None:
        item = _import(bench, question.result)
        assert item.record is not None  # of an import
        out = Path(item.name)
        stated = {
            name: _near(bench, item.record.options.get(name))
            for name in ("paths", "animals", "mapping", "species", "voltage")
        }
        history = bench.workspace.at(beside(item.path))
        if marks and history is not None and history.name not in _listed(stated["paths"]):
            stated["paths"] = [*_listed(stated["paths"]), history.name]
    if not stated["paths"]:
        raise BadInput("names no file", key="paths", cure="drop files, or choose some")
    for name in ("animals", "mapping"):
        if (file := getattr(question, name)) is not None:
            stated[name] = own(file).name
    stated |= {name: word for name in ("species", "voltage") if (word := getattr(question, name))}
    return line(IMPORT, {"out": out.as_posix(), **{name: value for name, value in stated.items() if value}})


def _out(bench: Bench, first: Item) -> Path:
    """Where an import of some files goes: by the name of what was dropped, with its hash where that is another's."""
    short = usual(_DIGEST.sub("", first.path.stem) if first.kind == "folder" else IMPORT)
    there = bench.workspace.at(short)
    same = (
        there is not None
        and there.record is not None
        and _near(bench, there.record.option("paths")) == [first.name]
    )
    return short if there is None or same else usual(first.path.stem)


def _near(bench: Bench, value: object) -> object:
    """Paths as a record has them, in full, from the folder where they lie in it."""
    if isinstance(value, list):
        return [_near(bench, inner) for inner in value]
    root = bench.workspace.folder.resolve()
    path = Path(value) if isinstance(value, str) else None
    inside = path is not None and path.is_absolute() and path.is_relative_to(root)
    return path.relative_to(root).as_posix() if path is not None and inside else value


def _import(bench: Bench, name: str) -> Item:
    item = bench.workspace.item(name)
    if item.record is None or item.record.verb != IMPORT:
        raise BadInput("is no import", file=item.name, cure="choose an import")
    return item


def marking_of(bench: Bench, result: str) -> Marking:
    """The level series of an import, prepared once."""
    item = _import(bench, result)
    assert item.record is not None  # of an import
    return _marking(item.path, item.record.written)


@functools.lru_cache(maxsize=4)
def _marking(folder: Path, written: str) -> Marking:
    from otosome.jobs.marking import marking

    return marking(folder)


def routes(bench: Bench) -> APIRouter:
    """What the room's script asks."""
    api = APIRouter(prefix="/data", tags=["data"])
    _reading(api, bench)
    _marks(api, bench)
    _meaning(api, bench)
    _planning(api, bench)

    @api.get("/workbook", response_class=Response, responses={200: {"content": {_XLSX: {}}}})
    def workbook(result: Id) -> Response:
        """The tables of an import as sheets of one spreadsheet, and each endpoint as Prism takes it."""
        from otosome.jobs.exporting import workbook_of

        item = _import(bench, result)
        name = "".join(c if c.isalnum() and c.isascii() else "_" for c in item.path.name)
        return Response(
            workbook_of(item.path),
            media_type=_XLSX,
            headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'},
        )

    return api


def _reading(api: APIRouter, bench: Bench) -> None:
    @api.post("/read")
    def read(question: Reading) -> JobBegun:
        """Read files into one import, or those of an import again with other options, as a job."""
        words = _words(bench, question)
        out = next(word for word in words if word.startswith("--out="))
        return JobBegun(job=bench.work.ask(IMPORT, words, Path(out.partition("=")[2]).name).id)

    @api.post("/apply")
    def apply(question: Chosen) -> JobBegun:
        """Import the files again with the marks that stand, as a job."""
        item, words = (
            _import(bench, question.result),
            _words(bench, Reading(result=question.result), marks=True),
        )
        return JobBegun(job=bench.work.ask(IMPORT, words, item.path.name).id)


def _marks(api: APIRouter, bench: Bench) -> None:
    @api.get("/series")
    def series(result: Id, reader: Reader) -> Json:
        """The level series of an import with the marks that a reader may see."""
        return marking_of(bench, result).sight(reader)

    @api.get("/waveforms")
    def waveforms(result: Id, key: Key) -> Json:
        """The responses of a level series, uV."""
        return marking_of(bench, result).waveforms(key)

    @api.post("/mark")
    def mark(question: Mark) -> Numbered:
        """Add a mark to the history."""
        wave = None
        if question.peak is not None and question.trough is not None:
            wave = (question.peak, question.trough)
        whole = marking_of(bench, question.result)
        number = whole.mark(
            question.reader, question.key, question.threshold, level=question.level, wave=wave
        )
        return Numbered(line=number)

    @api.post("/turn")
    def turn(question: Turn) -> Numbered:
        """Undo, redo, read blinded, open the marks of others, or take the lead."""
        whole = marking_of(bench, question.result)
        if question.does == "undo":
            return Numbered(line=whole.undo(question.reader))
        if question.does == "redo":
            return Numbered(line=whole.redo(question.reader))
        return Numbered(line=whole.turn(question.reader, question.does))

    @api.get("/changes")
    def changes(result: Id, reader: Reader) -> list[Json]:
        """Who changed what when, the latest first."""
        return marking_of(bench, result).changes(reader)

    @api.get("/agreement")
    def agreement(result: Id, first: Reader, second: Reader) -> Agreed:
        """How far two readers lie apart, or a reader and the estimates."""
        shown = marking_of(bench, result).agreement(first, second)
        if shown is None:
            says = "fewer than two series that both gave a threshold"
            return Agreed(pairs=0, bias=None, spread=None, near=[], says=says, svg="")
        drawn = shown.drawing()
        return Agreed(
            pairs=len(shown.pairs),
            bias=shown.bias,
            spread=shown.spread,
            near=list(shown.near),
            says=shown.says,
            svg=drawn.svg,
        )


def _meaning(api: APIRouter, bench: Bench) -> None:
    @api.get("/tables")
    def tables(id: Id) -> Json:
        """Tables of a drop or an import that nobody is sure of, and plates without a layout."""
        from otosome.jobs.meanings import questions

        item = bench.workspace.item(id)
        if item.record is None:
            return questions([item.path]).as_dict()
        from otosome.jobs.laboratory import imported

        record = _import(bench, id).record
        assert record is not None  # of an import
        paths = [Path(str(path)) for path in _listed(record.options.get("paths"))]
        doubted = {row["file"] for row in imported(item.path, record).refused}
        return questions(paths, item.path / "wells.parquet", doubted).as_dict()

    @api.post("/mapping")
    def mapping(statement: Statement) -> Written:
        """Write what a person says of tables and plates as a mapping file."""
        from otosome.jobs.meanings import say

        stem = usual(statement.name).name
        values = {"table": statement.table, "plate": statement.plate, "animals": statement.animals}
        before = None if statement.result is None else _mapping_of(bench, statement.result)
        return _written(bench, say(values, _free(bench, f"{stem}_mapping", ".toml"), before))

    @api.get("/animals")
    def animals(result: Id) -> Json:
        """The animals sheet of an import, or one to be filled in with its subjects."""
        from otosome.jobs.exporting import sheet_of

        columns, rows = sheet_of(_import(bench, result).path)
        return {"columns": columns, "rows": rows}

    @api.post("/animals")
    def write_animals(sheet: Sheet) -> Written:
        """Write the animals sheet as a CSV file, checked as an import checks it."""
        from otosome.jobs.exporting import check_sheet

        item = _import(bench, sheet.result)
        columns = list(dict.fromkeys(name for row in sheet.rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({str(k): str(v) for k, v in row.items()} for row in sheet.rows)
        file = _free(bench, f"{usual(item.path.name).name}_animals", ".csv")
        check_sheet(text.getvalue(), file.name)
        file.write_text(text.getvalue(), encoding="utf-8", newline="\n")
        return _written(bench, file)


def _mapping_of(bench: Bench, result: str) -> Path | None:
    """The mapping an import was read with, where it had one that lies in the folder."""
    record = _import(bench, result).record
    assert record is not None  # of an import
    name = _near(bench, record.options.get("mapping"))
    item = bench.workspace.at(Path(name)) if isinstance(name, str) and not Path(name).is_absolute() else None
    return None if item is None else item.path


def _planning(api: APIRouter, bench: Bench) -> None:
    @api.post("/power")
    def power(question: Next) -> Planned:
        """How many animals the next study needs, by formula, from the spread of these."""
        from otosome.jobs.planning import plan
        from otosome.report.trial import panels

        answer = plan(_import(bench, question.result).path, _next(question))
        (panel,) = panels(answer)
        return Planned(
            animals=next(iter(answer.plan.n.values())),
            says=answer.plan.headline,
            notes=list(answer.notes),
            svg=panel.svg,
            about=panel.says,
        )

    @api.post("/plan")
    def keep(question: Next) -> Written:
        """Keep the next study as a design's file, to be answered in Trial and dose."""
        from otosome.jobs.planning import keep

        item = _import(bench, question.result)
        file = bench.workspace.free(bench.workspace.folder / f"{usual(item.path.name).name}_next.toml")
        return _written(bench, keep(item.path, _next(question), file))


def _next(question: Next) -> NextStudy:
    from otosome.jobs.planning import NextStudy

    return NextStudy(
        quantity=question.quantity,
        difference=question.difference,
        time=question.time,
        comparisons=question.comparisons,
    )


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else []


def _free(bench: Bench, stem: str, ending: str) -> Path:
    """A name in the folder that nothing has yet: what a person wrote before is never replaced."""
    names = (f"{stem}{number or ''}{ending}" for number in (0, *range(2, 10_000)))
    return next(file for name in names if not (file := bench.workspace.folder / name).exists())


def _written(bench: Bench, file: Path) -> Written:
    bench.workspace.forget()
    name = file.relative_to(bench.workspace.folder).as_posix()
    return Written(id=identity(name), name=name)


ROOM = Room(
    "data",
    "Data",
    "Drop what your instruments wrote. See what was read and what was not, set thresholds, compare groups.",
    10,
    view,
    verbs=(IMPORT,),
    routes=routes,
)
