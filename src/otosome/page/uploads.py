"""Files dropped on the page: bounded, stored under their hash, and then laid together as they lay in their folder."""

from __future__ import annotations

import errno
import hashlib
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from otosome.errors import BadInput, OutOfSpace
from otosome.page.workspace import DROPPED, Workspace
from otosome.results.folder import usual

MOST_FILES = 2_000
_LARGEST_DROP = 500_000_000
_LONGEST_NAME = 200
_DEEPEST = 8
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class Dropped:
    """A file of a drop: where it lay, and the SHA-256 of its bytes, which came before."""

    path: str
    sha256: str


async def receive(workspace: Workspace, body: AsyncIterator[bytes]) -> tuple[str, int]:
    """A file's bytes stored under their SHA-256, and how many; raises OutOfSpace, and TooLarge from the body."""
    store = _store(workspace)
    part = store / f".{secrets.token_hex(8)}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("wb") as file:
            async for piece in body:
                digest.update(piece)
                size += len(piece)
                file.write(piece)
        part.replace(store / digest.hexdigest())
    except OSError as error:
        raise _full(workspace, error) from error
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest(), size


def lay(workspace: Workspace, name: str, files: list[Dropped]) -> Path:
    """The files of a drop in a folder of their own, named after it and its content; the same drop, the same folder."""
    if not 1 <= len(files) <= MOST_FILES:
        raise BadInput(
            "holds no files, or too many", given=len(files), allowed=f"1 to {MOST_FILES:,} at once"
        )
    places = {_place(file.path): _blob(workspace, file.sha256) for file in files}
    if len(places) != len(files):
        raise BadInput("holds two files of one name")
    size = sum(blob.stat().st_size for blob in places.values())
    if size > _LARGEST_DROP:
        raise BadInput("is too large", given=f"{size:,} bytes", allowed=f"{_LARGEST_DROP:,} bytes at once")
    content = "\n".join(sorted(f"{file.path} {file.sha256}" for file in files))
    digest = hashlib.sha256(content.encode()).hexdigest()[:8]
    folder = workspace.folder / DROPPED / f"{usual(name).name[:60]}-{digest}"
    if not folder.is_dir():
        part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
        try:
            for place, blob in places.items():
                (part / place).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(blob, part / place)
            part.replace(folder)
        except OSError as error:
            raise _full(workspace, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
    for blob in set(places.values()):
        blob.unlink(missing_ok=True)
    workspace.forget()
    return folder


def clear(workspace: Workspace) -> None:
    """Take away what arrived and was never laid together."""
    shutil.rmtree(workspace.own / "uploads", ignore_errors=True)


def _store(workspace: Workspace) -> Path:
    store = workspace.own / "uploads"
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _full(workspace, error) from error
    return store


def _blob(workspace: Workspace, digest: str) -> Path:
    blob = _store(workspace) / digest
    if not _DIGEST.fullmatch(digest) or not blob.is_file():
        raise BadInput("did not arrive", given=digest[:64], cure="drop the files again")
    return blob


def _place(path: str) -> Path:
    """A place inside the drop's folder; raises BadInput for a name that would lead elsewhere, or hides."""
    parts = path.split("/")
    if len(parts) > _DEEPEST or not all(_plain(part) for part in parts):
        raise BadInput(
            "is no name a file may have here",
            given=path[:_LONGEST_NAME],
            allowed=f"letters, digits, spaces and signs but \\ : * ? < > | and a dot first; {_DEEPEST} folders deep",
            cure="rename it",
        )
    return Path(*parts)


def _plain(part: str) -> bool:
    return (
        0 < len(part) <= _LONGEST_NAME
        and part.isprintable()
        and not part.startswith(".")
        and not part.endswith((".", " "))
        and not set(part) & set('\\:*?"<>|')
    )


def _full(workspace: Workspace, error: OSError) -> BadInput:
    if error.errno in _FULL:
        return OutOfSpace(
            "has no room for the files", file=workspace.folder.name, cure="free some, then drop them again"
        )
    return BadInput(f"cannot be written ({error.strerror})", file=workspace.folder.name)
