"""The page as an application: rooms as HTML, the same as a JSON API with its schema, and files of results."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

import otosome.report
from otosome import __version__, jobs
from otosome.errors import BadInput, Fault, OutOfSpace
from otosome.jobs.watch import rate_text
from otosome.page import fields, uploads, work
from otosome.page.commands import VERBS, Id, arguments, question
from otosome.page.guard import REPORT_HEADERS, Guard, TooLarge, token_of
from otosome.page.keys import Keys
from otosome.page.room import Bench, Room, rooms
from otosome.page.workspace import Item, NotHere, identity
from otosome.units import Json

_HERE = Path(__file__).parent
_REPORTS = Path(otosome.report.__file__).parent
_TEXTS = (".txt", ".csv", ".toml", ".log")
_PICTURES = {
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
}


class Entry(BaseModel):
    """A file or a result in the folder."""

    id: str
    name: str
    kind: str
    title: str
    verb: str | None
    written: str | None


class Folder(BaseModel):
    """What lies in the folder."""

    folder: str
    items: list[Entry]


class Progress(BaseModel):
    """How far a job is; ``left`` in seconds; ``rate`` of a ``unit`` a second, and the ``pace`` in words."""

    doing: str
    done: int
    of: int
    left: float | None
    unit: str = ""
    rate: float | None = None
    pace: str = ""


class JobState(BaseModel):
    """A job: the command line that does the same, how far it is, and where its answer is shown."""

    id: str
    verb: str
    title: str
    command: str
    state: work.State
    asked: str
    ended: str | None
    why: str
    progress: Progress | None
    error: Fault | None
    result: str | None
    link: str | None
    resumes: bool


class Arrived(BaseModel):
    """A file that arrived."""

    sha256: str
    size: int


class File(BaseModel):
    """A file of a drop: its path in it, and the hash it arrived under."""

    model_config = ConfigDict(extra="forbid")

    path: Annotated[str, Field(min_length=1, max_length=2000)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Drop(BaseModel):
    """Files dropped together."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    files: Annotated[list[File], Field(min_length=1, max_length=uploads.MOST_FILES)]


class Laid(BaseModel):
    """A drop that lies in the folder: the id of its own folder, where that is, and its files."""

    id: str
    folder: str
    files: list[Entry]


class Set(BaseModel):
    """A key of a file as a form names it, set to a text, or left out."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=300)]
    value: Annotated[str, Field(max_length=2_000)] | None


class Form(BaseModel):
    """Keys to be set in a file; ``mark`` tells whether it is still the one that the form was drawn of."""

    model_config = ConfigDict(extra="forbid")

    mark: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    changes: Annotated[list[Set], Field(max_length=500)]


class Text(BaseModel):
    """A file's text in full."""

    model_config = ConfigDict(extra="forbid")

    mark: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    text: Annotated[str, Field(max_length=500_000)]


class Saved(BaseModel):
    """A file that was written: the mark of its text now."""

    mark: str


class Refused(BaseModel):
    """Why a question was not answered."""

    ok: Literal[False] = False
    error: Fault


def application(bench: Bench, keys: Keys, hosts: frozenset[str]) -> Guard:
    """The page over a folder, behind its guard."""
    every = rooms()
    house = House(bench, every)
    api = FastAPI(
        title="otosome",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        responses={422: {"model": Refused}, 404: {"model": Refused}},
    )
    _refusals(api, house)
    _folder_routes(api, bench)
    _job_routes(api, house)
    _result_routes(api, bench)
    for room in every:
        if room.routes is not None:
            api.include_router(room.routes(bench), prefix="/api")
    _pages(api, house)
    api.openapi = functools.partial(_schema, api)  # type: ignore[method-assign]

    @api.post("/enter", include_in_schema=False)
    async def enter(request: Request) -> Response:
        if keys.open(token_of(await request.body())):
            return keys.admit(RedirectResponse("/", 303))
        return house.entrance("That is not the token.", bool(keys.stated))

    return Guard(api, hosts, keys, lambda sentence: house.entrance(sentence, bool(keys.stated)))


class House:
    """The rooms with what draws them."""

    def __init__(self, bench: Bench, every: list[Room]) -> None:
        self.bench, self.rooms = bench, every
        loader = ChoiceLoader([FileSystemLoader(_HERE / "templates"), FileSystemLoader(_REPORTS)])
        self._templates: Environment = otosome.report.environment(loader)
        self._templates.filters.update(moment=moment)
        self._templates.globals.update(version=__version__, rooms=every, folder=bench.workspace.folder.name)

    def page(self, room: Room, query: Json) -> str:
        """A room as HTML."""
        values = room.view(self.bench, query)
        own = [
            f"{room.name}.{ending}"
            for ending in ("css", "js")
            if (_HERE / "static" / f"{room.name}.{ending}").is_file()
        ]
        template = self._templates.get_template(f"{room.name}.html.jinja")
        return template.render(**values, room=room, own=own, query=query, link_of=self.link)

    def entrance(self, sentence: str, asks: bool) -> HTMLResponse:
        """What a visitor without leave is shown; it asks for the token where there is one to know."""
        template = self._templates.get_template("entrance.html.jinja")
        return HTMLResponse(template.render(sentence=sentence, asks=asks), 401)

    def fault(self, sentence: str, status: int) -> HTMLResponse:
        """A page that says in a sentence what is wrong."""
        return HTMLResponse(
            self._templates.get_template("fault.html.jinja").render(sentence=sentence), status
        )

    def link(self, item: Item) -> str:
        """Where a result is shown."""
        verb = item.record.verb if item.record else ""
        name = next((room.name for room in self.rooms if verb in room.verbs), "record")
        return f"/{name}?result={item.id}"

    def state(self, job: work.Job) -> JobState:
        """A job as the browser is told of it."""
        bench = self.bench
        answer = bench.work.answer(job.id) if job.state in ("done", "refused") else {}
        out = answer.get("out")
        item = bench.workspace.at(Path(out)) if isinstance(out, str) else None
        link = None if item is None else self.link(item) if item.kind == "result" else None
        progress = bench.work.progress(job.id) if job.state == "running" else {}
        return JobState(
            **{
                name: getattr(job, name)
                for name in ("id", "verb", "title", "command", "state", "asked", "ended", "why")
            },
            progress=_paced(Progress(**progress)) if progress else None,
            error=answer.get("error"),
            result=None if item is None else item.id,
            link=link,
            resumes=job.verb in work.RESUMES and job.state in ("cancelled", "ended"),
        )


def _paced(progress: Progress) -> Progress:
    """With its rate in words."""
    return progress.model_copy(update={"pace": rate_text(progress.rate, progress.unit)})


def moment(text: str) -> str:
    """A moment as a person writes it, on the clock of this machine; as it stands where it is none."""
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%d %b %Y, %H:%M")
    except ValueError:
        return text


def _entry(item: Item) -> Entry:
    record = item.record
    verb, written = (None, None) if record is None else (record.verb, record.written)
    return Entry(id=item.id, name=item.name, kind=item.kind, title=item.title, verb=verb, written=written)


def _folder_routes(api: FastAPI, bench: Bench) -> None:
    @api.get("/api/folder")
    def folder() -> Folder:
        """What lies in the folder."""
        items = [_entry(item) for item in bench.workspace.items()]
        return Folder(folder=bench.workspace.folder.name, items=items)

    @api.post("/api/files")
    async def files(request: Request) -> Arrived:
        """A file's bytes, as the body; they are stored under their hash until ``/api/drops`` names them."""
        digest, size = await uploads.receive(bench.workspace, request.stream())
        return Arrived(sha256=digest, size=size)

    @api.post("/api/drops")
    def drops(drop: Drop) -> Laid:
        """Files that arrived, laid together in a folder of their own."""
        rows = [uploads.Dropped(file.path, file.sha256) for file in drop.files]
        laid = uploads.lay(bench.workspace, drop.name, rows)
        items = [item for item in bench.workspace.items() if laid in (item.path, *item.path.parents)]
        name = laid.relative_to(bench.workspace.folder).as_posix()
        return Laid(
            id=identity(name), folder=name, files=[_entry(item) for item in items if item.path != laid]
        )

    @api.post("/api/texts/{file}/fields")
    def form(file: Id, filled: Form) -> Saved:
        """Set keys of a TOML file; everything else in it stays as it is."""
        item = _editable(bench, file)
        before = fields.text_of(item.path, item.name)
        changes = [fields.Change(change.name, change.value) for change in filled.changes]
        return _saved(item, filled.mark, fields.amended(before, changes, item.name))

    @api.post("/api/texts/{file}")
    def text(file: Id, written: Text) -> Saved:
        """Write a TOML file anew, if nobody else has meanwhile."""
        return _saved(_editable(bench, file), written.mark, written.text)

    @api.get("/api/shelves")
    def shelves(shelf: str | None = None) -> Response:
        """What is on a shelf, or on all."""
        return _answer("list", jobs.entries(shelf))


def _editable(bench: Bench, name: str) -> Item:
    item = bench.workspace.item(name)
    if item.path.suffix != ".toml":
        raise BadInput("is not changed here", file=item.name, allowed="files in TOML")
    return item


def _saved(item: Item, mark: str, text: str) -> Saved:
    fields.save(item.path, item.name, mark, text)
    return Saved(mark=fields.mark(text))


def _job_routes(api: FastAPI, house: House) -> None:
    bench = house.bench

    @api.get("/api/jobs")
    def listed(most: Annotated[int, Field(ge=1, le=500)] = 50) -> list[JobState]:
        """Jobs, the newest first."""
        return [house.state(job) for job in bench.work.jobs()[:most]]

    @api.get("/api/jobs/{job}")
    def job_state(job: str) -> JobState:
        """A job, how far it is."""
        return house.state(bench.work.job(job))

    @api.get("/api/jobs/{job}/log")
    def log(job: str) -> dict[str, str]:
        """What a job printed for a person."""
        return {"log": bench.work.log(job)}

    @api.post("/api/jobs/{job}/cancel")
    def cancel(job: str) -> JobState:
        """End a job; nothing that was there is replaced."""
        return house.state(bench.work.cancel(job))

    @api.post("/api/jobs/{job}/again")
    def again(job: str) -> JobState:
        """Ask the same once more; a fit or a trial goes on where it was ended."""
        return house.state(bench.work.again(job))

    for verb in VERBS:
        api.post(f"/api/ask/{verb}", name=f"ask_{verb}")(_asking(verb, house))


def _asking(verb: str, house: House) -> Callable[..., JobState]:
    body = question(verb)

    def ask(inputs: Any) -> JobState:
        bench = house.bench
        words = arguments(verb, inputs, bench.workspace)
        title = next((word for word in reversed(words) if not word.startswith("-")), verb)
        return house.state(bench.work.ask(verb, words, title))

    ask.__annotations__ = {"inputs": Annotated[body, Body()], "return": JobState}
    ask.__doc__ = f"Do what ``otosome {verb}`` does, as a job."
    return ask


def _result_routes(api: FastAPI, bench: Bench) -> None:
    @api.get("/api/results/{result}")
    def show(result: Id) -> Response:
        """What a result says: what ``otosome show --json`` prints."""
        return _answer("show", jobs.show(_result(bench, result).path))

    @api.get("/api/results/{result}/standing")
    def standing(result: Id) -> Response:
        """Whether a result still stands: what ``otosome check --json`` prints."""
        return _answer("check", jobs.check([_result(bench, result).path]))

    @api.get("/api/changes")
    def changes(old: Id, new: Id) -> Response:
        """What changed between two results: what ``otosome changes --json`` prints."""
        return _answer("changes", jobs.changes(_result(bench, old).path, _result(bench, new).path))


def _result(bench: Bench, name: str) -> Item:
    item = bench.workspace.item(name)
    if item.record is None:
        raise BadInput("is no result", file=item.name, cure="choose a result")
    return item


# Which verb's answer a route gives: its type makes the schema, when the schema is asked for.
_ANSWERS = {
    "/api/shelves": "list",
    "/api/results/{result}": "show",
    "/api/results/{result}/standing": "check",
    "/api/changes": "changes",
}


def _schema(api: FastAPI) -> Json:
    """The API's schema, with the answers of verbs by the types that ``docs/schemas`` is made from."""
    from pydantic import TypeAdapter

    from otosome.jobs.outputs import ANSWERS

    schema = get_openapi(title=api.title, version=api.version, routes=api.routes)
    for path, verb in _ANSWERS.items():
        answer = TypeAdapter(ANSWERS[verb]).json_schema(ref_template="#/components/schemas/{model}")
        schema["components"]["schemas"].update(answer.pop("$defs", {}))
        schema["paths"][path]["get"]["responses"]["200"]["content"] = {"application/json": {"schema": answer}}
    return schema


def _answer(command: str, done: jobs.Done) -> JSONResponse:
    """A job's answer as ``--json`` prints it; the type it is declared by makes the schema."""
    return JSONResponse({"otosome": __version__, "command": command, "ok": True, **done.as_dict()})


def _pages(api: FastAPI, house: House) -> None:
    """Rooms, what they load, and files of results: no part of the JSON API."""
    bench = house.bench
    for room in house.rooms:
        api.get("/" if room.name == "start" else f"/{room.name}", include_in_schema=False)(
            _shown(house, room)
        )
    api.mount("/static/report", StaticFiles(directory=_REPORTS), name="report")
    api.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")

    @api.get("/results/{result}/{name:path}", include_in_schema=False)
    def part(result: Id, name: str) -> Response:
        return _file(parts_of(_result(bench, result).path), name)

    @api.get("/files/{file}", include_in_schema=False)
    def file(file: Id) -> Response:
        item = bench.workspace.item(file)
        if item.record is not None:
            raise NotHere("is a result, not a file", key="id", given=file)
        return FileResponse(item.path, media_type="application/octet-stream", filename=item.path.name)


def _shown(house: House, room: Room) -> Callable[[Request], HTMLResponse]:
    def show(request: Request) -> HTMLResponse:
        return HTMLResponse(house.page(room, dict(request.query_params)))

    return show


def parts_of(folder: Path) -> dict[str, Path]:
    """The files of a result by name: what is asked for is looked up in this list, and never joined to a path."""
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _file(parts: dict[str, Path], name: str) -> Response:
    if name not in parts:
        raise NotHere("is no file of this result", key="name", given=name)
    path = parts[name]
    if path.suffix in _TEXTS or path.suffix == ".json":
        return FileResponse(path, media_type="text/plain; charset=utf-8")
    if path.suffix in _PICTURES:
        return FileResponse(path, media_type=_PICTURES[path.suffix], headers=REPORT_HEADERS)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


def _refusals(api: FastAPI, house: House) -> None:
    """What cannot be answered is said in one sentence: as JSON to a program, as a page to a person."""

    def refuse(request: Request, fault: BadInput, status: int) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse({"ok": False, "error": fault.as_dict()}, status)
        return house.fault(str(fault), status)

    @api.exception_handler(BadInput)
    def bad(request: Request, error: BadInput) -> Response:
        status = 404 if isinstance(error, NotHere) else 507 if isinstance(error, OutOfSpace) else 422
        return refuse(request, error, status)

    @api.exception_handler(RequestValidationError)
    def unfit(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"][1:])
        return refuse(request, BadInput(str(first["msg"]), key=_plain(key)), 422)

    @api.exception_handler(TooLarge)
    def large(request: Request, error: TooLarge) -> Response:
        return refuse(request, BadInput(str(error), cure="split it"), 413)

    @api.exception_handler(OSError)
    def unwritten(request: Request, error: OSError) -> Response:
        fault = work.unwritten(error, "what was to be written", house.bench.workspace.folder.name)
        return bad(request, fault)

    @api.exception_handler(Exception)
    def defect(request: Request, error: Exception) -> Response:
        return refuse(
            request, BadInput("this is a defect of otosome, not of what you gave; please report it"), 500
        )

    @api.exception_handler(HTTPException)
    def other(request: Request, error: HTTPException) -> Response:
        return refuse(request, BadInput(f"{error.detail}."), error.status_code)


def _plain(text: str) -> str:
    """Text that any encoding holds."""
    return text.encode("ascii", "backslashreplace").decode()
