"""The room of records: every result there is; each with its inputs, its seal, what went before it, and all as a zip."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import FileResponse
from pydantic import Field
from starlette.background import BackgroundTask

from otosome.errors import BadInput
from otosome.page.room import Bench, Query, Room
from otosome.page.workspace import UNREAD, Item
from otosome.units import Json

_LARGEST_ZIP = 2_000_000_000


def view(bench: Bench, query: Query) -> Json:
    """All results; the chosen one in full; or what differs between two."""
    item = _result(bench, query["result"]) if query.get("result") else None
    other = _result(bench, query["with"]) if query.get("with") else None
    return {
        "results": bench.workspace.results(),
        "unreadable": bench.workspace.items(UNREAD),
        "item": item,
        **({} if item is None else _record(bench, item)),
        "other": other,
        "changes": None if item is None or other is None else _changes(other, item),
        **({"credibility": {}, "unread": ""} if item is None else _credibility(item)),
    }


def _result(bench: Bench, name: str) -> Item:
    item = bench.workspace.item(name)
    if item.record is None:
        raise BadInput("is no result", file=item.name, cure="choose one in the room Record")
    return item


def _record(bench: Bench, item: Item) -> Json:
    """What a result says of itself, its files, its seal, and other results of the same question."""
    from otosome.results import unsealed

    record = item.record
    assert record is not None  # asked of results alone
    files = sorted(path for path in item.path.rglob("*") if path.is_file() and not path.is_symlink())
    same = [
        each
        for each in bench.workspace.results(record.verb)
        if each.record and each.record.name == record.name
    ]
    return {
        "record": record,
        "files": _by_folder((path.relative_to(item.path).as_posix(), path.stat().st_size) for path in files),
        "altered": unsealed(item.path, record),
        "others": [each for each in same if each.id != item.id],
        "report": next(
            (name for name in ("report.html", "contact.html") if (item.path / name).is_file()), None
        ),
    }


def _by_folder(files: Iterable[tuple[str, int]]) -> dict[str, list[tuple[str, int]]]:
    """Files with their sizes by the folder they lie in, those beside the report first."""
    folders: dict[str, list[tuple[str, int]]] = {"": []}
    for name, size in files:
        folders.setdefault(name.rpartition("/")[0], []).append((name, size))
    return folders


def _credibility(item: Item) -> Json:
    """Tables of credibility by title, or the sentence why the result cannot be read any more."""
    from otosome.jobs.crediting import credibility

    try:
        return {"credibility": credibility(item.path), "unread": ""}
    except BadInput as refusal:
        return {"credibility": {}, "unread": str(refusal)}


def _changes(old: Item, new: Item) -> Json:
    from otosome.jobs import changes

    values: Json = changes(old.path, new.path).as_dict()["result"]
    return values


def routes(bench: Bench) -> APIRouter:
    """A result as one file."""
    router = APIRouter()

    @router.get("/results/{result}/zip", response_class=FileResponse)
    def whole(result: Annotated[str, Field(pattern="^[0-9a-f]{16}$")]) -> FileResponse:
        """A result with all its files, as a zip."""
        item = _result(bench, result)
        file = _zipped(item.path)
        gone = BackgroundTask(file.unlink, missing_ok=True)
        return FileResponse(
            file, media_type="application/zip", filename=f"{item.path.name}.zip", background=gone
        )

    return router


def _zipped(folder: Path) -> Path:
    """A temporary zip of a folder; raises BadInput for one that is too large."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    if sum(path.stat().st_size for path in paths) > _LARGEST_ZIP:
        raise BadInput("is too large for a zip", file=folder.name, cure="copy the folder itself")
    handle, name = tempfile.mkstemp(suffix=".zip")
    os.close(handle)
    with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            archive.write(path, f"{folder.name}/{path.relative_to(folder).as_posix()}")
    return Path(name)


ROOM = Room(
    "record",
    "Record",
    "What was done here, from which files, and whether it is as it was written.",
    90,
    view,
    routes=routes,
)
