"""The folder that a page stands on: what lies in it, each with an id, by which alone the browser may name it."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from otosome.cards import read_toml
from otosome.errors import BadInput
from otosome.results import MARK, Record, is_ours, record_of

# The page's own records, below the folder; no scan looks into it.
OWN = ".otosome"
DROPPED = "files"
# Below OWN, a shelf: sources that a person of this folder takes as withdrawn, to see what moves.
DOUBTED = "doubted"
_DEEPEST = 8
_MOST = 20_000
_FRESH = 1.0
_LARGEST_TOML = 1_000_000
UNREAD = "unread"
_KINDS = {"study/1": "study", "batch/1": "lot", "fit/1": "fit", "mapping/1": "mapping"}


class NotHere(BadInput):
    """An id that nothing in the folder has."""


@dataclass(frozen=True)
class Item:
    """A file, or a result, below the folder.

    ``id``     what the browser calls it;  ``name``  its path from the folder, with ``/``
    ``kind``   result, study, lot, fit, mapping, design, dose, file, folder: one that was dropped; or unread
    ``title``  what it says of itself, its name where it says nothing; of what cannot be read the sentence why
    """

    id: str
    name: str
    kind: str
    title: str
    path: Path
    record: Record | None = None


@dataclass
class Workspace:
    """A folder and what lies in it, looked through anew when it was not for a second."""

    folder: Path
    _items: dict[str, Item] = field(default_factory=dict)
    _scanned: float = 0.0
    _kinds: dict[tuple[str, int, int], tuple[str, str]] = field(default_factory=dict)
    _promised: set[Path] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def own(self) -> Path:
        """Where the page keeps its records of jobs and uploads."""
        return self.folder / OWN

    def items(self, *kinds: str) -> list[Item]:
        """What lies in the folder, of these kinds or of all, by name."""
        if time.monotonic() - self._scanned > _FRESH:
            self._items = {item.id: item for item in self._scan()}
            self._scanned = time.monotonic()
        return [item for item in self._items.values() if not kinds or item.kind in kinds]

    def results(self, *verbs: str) -> list[Item]:
        """Results of these verbs or of all, the newest first."""
        rows = [
            item
            for item in self.items("result")
            if item.record is not None and (not verbs or item.record.verb in verbs)
        ]
        return sorted(rows, key=lambda item: item.record.written if item.record else "", reverse=True)

    def item(self, name: str) -> Item:
        """What has an id; raises BadInput where nothing has."""
        self.items()
        if name not in self._items:
            self.forget()
            self.items()
        if name not in self._items:
            raise NotHere(
                "is nothing in this folder (any more)", key="id", given=name, cure="load the page anew"
            )
        return self._items[name]

    def at(self, path: Path) -> Item | None:
        """The item a path leads to, None where it leads to none."""
        name = path.relative_to(self.folder).as_posix() if path.is_absolute() else path.as_posix()
        try:
            return self.item(identity(name))
        except NotHere:
            return None

    def free(self, file: Path) -> Path:
        """A name that no file has and that was promised to nobody, who may be about to write it: a, a_2, a_3 ..."""
        names = (file if n == 1 else file.with_stem(f"{file.stem}_{n}") for n in range(1, 100_000))
        with self._lock:
            free = next(name for name in names if not name.exists() and name not in self._promised)
            self._promised.add(free)
        return free

    def forget(self) -> None:
        """Look through the folder anew when it is next asked."""
        self._scanned = 0.0

    def _scan(self) -> Iterator[Item]:
        for path in islice(self._paths(self.folder, 0), _MOST):
            name = path.relative_to(self.folder).as_posix()
            if path.parent == self.folder / DROPPED and path.is_dir() and not (path / MARK).is_file():
                yield Item(identity(name), name, "folder", path.name, path)
            elif path.is_dir():
                yield _result(path, name)
            else:
                kind, title = self._kind(path)
                yield Item(identity(name), name, kind, title or name, path)

    def _paths(self, folder: Path, depth: int) -> Iterator[Path]:
        """Files, and result folders as a whole; never a link, which may lead elsewhere."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            path = Path(entry.path)
            if entry.is_file() or is_ours(path):
                yield path
            elif entry.is_dir() and depth < _DEEPEST:
                if folder == self.folder / DROPPED:
                    yield path
                yield from self._paths(path, depth + 1)

    def _kind(self, path: Path) -> tuple[str, str]:
        if path.suffix != ".toml":
            return "file", ""
        state = path.stat()
        key = (str(path), state.st_mtime_ns, state.st_size)
        if key not in self._kinds:
            self._kinds[key] = kind_of(path) if state.st_size <= _LARGEST_TOML else ("file", "")
        return self._kinds[key]


def identity(name: str) -> str:
    """The id of what has a path in the folder."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def kind_of(path: Path) -> tuple[str, str]:
    """Which kind of TOML a file is, and its title; ``file`` where it is none of ours; why, where it cannot be read."""
    try:
        table = read_toml(path)
    except BadInput as refusal:
        return UNREAD, str(BadInput(refusal.message, file=path.name, given=refusal.given, cure="mend it"))
    title = str(table.get("title") or table.get("name") or path.stem)
    stated = str(table.get("otosome", ""))
    if stated in _KINDS:
        return _KINDS[stated], title
    if stated:
        return UNREAD, str(
            BadInput(
                "is of another version", file=path.name, key="otosome", given=stated, allowed=list(_KINDS)
            )
        )
    if "design" in table:
        return "design", title
    return ("dose", title) if {"study", "treatment", "treated"} <= set(table) else ("file", "")


def _result(folder: Path, name: str) -> Item:
    """A result, or the sentence why it cannot be read."""
    try:
        record = record_of(folder)
    except BadInput as refusal:
        own = BadInput(
            refusal.message, file=name, given=refusal.given, allowed=refusal.allowed, cure=refusal.cure
        )
        return Item(identity(name), name, UNREAD, str(own), folder)
    return Item(identity(name), name, "result", record.name, folder, record)
