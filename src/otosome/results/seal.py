"""The seal of a result: the hash of every file it holds, and which of them are others now."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from otosome.files import sha256

# Files that a disk is asked to hold at once.
_AT_ONCE = 8


@dataclass(frozen=True)
class Altered:
    """A file of a result that is not as it was written: ``what`` is changed, gone or new."""

    file: str
    what: str


def hashes(folder: Path, but: str) -> dict[str, str]:
    """SHA-256 of every file in a folder, by its path in it, with ``/`` on every system; without the file ``but``."""
    return {name: sha256(folder / name) for name in _names(folder) if name != but}


def altered(folder: Path, sealed: Mapping[str, str], but: str) -> list[Altered]:
    """The files that are not those that were sealed, by name.

    ``sealed``  what ``hashes`` gave when the result was written
    """
    now = hashes(folder, but)
    rows = [
        Altered(name, "gone" if name not in now else "changed")
        for name in sealed
        if now.get(name) != sealed[name]
    ]
    rows += [Altered(name, "new") for name in now if name not in sealed]
    return sorted(rows, key=lambda row: row.file)


def sync(folder: Path) -> None:
    """Have the disk hold every file of a folder, and the folder, before anything relies on them."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # a disk takes many at once in the time of one
        list(pool.map(_sync_file, [folder / name for name in _names(folder)]))
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_names(path)


def _sync_file(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_names(folder: Path) -> None:
    """Have the disk hold which names a folder has; Windows does so by itself and opens no folder."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix()
