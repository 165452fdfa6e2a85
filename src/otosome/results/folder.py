"""A result's folder: written beside and renamed, never over anything that is not otosome's own."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from otosome.errors import BadInput, OutOfSpace
from otosome.results.record import MARK, is_ours, record_of, unsealed
from otosome.results.seal import sync, sync_names

# Names that Windows keeps for devices, whatever their ending.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
_FULL = (errno.ENOSPC, errno.EDQUOT)
_OPEN = "close what has its files open (a spreadsheet, a viewer), or name another --out"


def usual(name: str, verb: str = "") -> Path:
    """Where a result goes unless told otherwise: ``results/<name>``, or ``results/<name>-<verb>``.

    ``name``  what was asked about: a study, a lot, an import
    ``verb``  where a second verb answers about the same thing
    """
    safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in name).strip(" .") or "result"
    if safe.partition(".")[0].lower() in _DEVICES:
        safe = f"{safe}_"
    return Path("results") / (f"{safe}-{verb}" if verb else safe)


def check_free(folder: Path, force: bool) -> None:
    """Refuse a folder that must not be written; raises BadInput."""
    try:
        _check_free(folder, force)
    except OSError as error:
        raise BadInput(
            f"cannot be used ({error.strerror})", file=str(folder), cure="name another --out"
        ) from error


def _check_free(folder: Path, force: bool) -> None:
    if not folder.exists():
        if folder.is_symlink():
            raise BadInput("is a link to nowhere", file=str(folder), cure="remove it, or name another --out")
        return
    if not folder.is_dir():
        raise BadInput("is a file, not a folder", file=str(folder), cure="name another --out")
    if folder.resolve() == Path.cwd():
        raise BadInput(
            "is the folder you work in, and would be put in another's place",
            file=str(folder),
            cure="name a folder below it",
        )
    if not any(folder.iterdir()):
        return
    if not is_ours(folder):
        raise BadInput(
            f"holds something that is not otosome's (no {MARK}); it is never replaced",
            file=str(folder),
            cure="name another --out",
        )
    if not force:
        raise BadInput(
            "holds an earlier result", file=str(folder), cure="--force moves it aside, --out names another"
        )


@contextmanager
def writing(folder: Path, force: bool = False) -> Iterator[Path]:
    """A new folder to fill; it takes the name ``folder`` only once everything is written.

    An earlier result is moved aside to ``folder.old`` (``.old2`` and so on) and an interruption leaves it where
    it was. One writer at a time; what a writer that was killed has left is cleared away.

    raises  BadInput if the folder is not free or cannot be written, OutOfSpace where the disk is full
    """
    check_free(folder, force)
    # What a link leads to is moved aside and written anew; the link stays.
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    part = _part(folder)
    try:
        with _locked(_lock(folder)):
            _clear(folder, but=part)
            check_free(folder, force)
            yield part
            sync(part)
            check_free(folder, force)
            _move_in(part, folder)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def scratch(part: Path) -> Iterator[Path]:
    """An empty folder beside one that is filled, on its disk, for what is needed on the way; taken away at the end."""
    with tempfile.TemporaryDirectory(prefix=f"{part.name}-", dir=part.parent) as room:
        yield Path(room)


def recover(folder: Path) -> None:
    """Finish what a writer that was killed between its last two steps has left; nothing where there is nothing to do.

    A result that replaces another is first whole beside it, then the other goes aside, then it takes the name. A kill
    in between leaves no result under the name.
    """
    if folder.exists() or folder.is_symlink() or not any(_parts(folder.absolute())):
        return
    with _locked(_lock(folder.absolute())):
        _clear(folder.absolute())


def _clear(folder: Path, but: Path | None = None) -> None:
    """Take away the unfinished parts of writers that were killed; one that is whole takes its name, if that is free."""
    for part in (part for part in _parts(folder) if part != but):
        if _whole(part) and not folder.exists():
            part.rename(folder)
        else:
            shutil.rmtree(part, ignore_errors=True)


def _parts(folder: Path) -> list[Path]:
    """What writers of this folder have left."""
    if not folder.parent.is_dir():
        return []
    return sorted(
        path for path in folder.parent.iterdir() if path.name.startswith(_prefix(folder)) and path.is_dir()
    )


def _whole(part: Path) -> bool:
    """Whether a part was finished: it has its record, and every file is as it was sealed."""
    try:
        return bool(record_of(part).files) and not unsealed(part, record_of(part))
    except BadInput:
        return False


def _part(folder: Path) -> Path:
    """A new folder beside, for the parts of a result until it is whole."""
    try:
        part = Path(tempfile.mkdtemp(prefix=_prefix(folder), dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    # A folder of one user alone would stay so after it is renamed.
    part.chmod(0o755)
    return part


def _prefix(folder: Path) -> str:
    return f".{folder.name}.part-"


def _lock(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.lock")


def _unwritable(folder: Path, error: OSError) -> BadInput:
    if error.errno in _FULL:
        return OutOfSpace(
            "has no room for a result", file=str(folder), cure="free some, or name another --out"
        )
    return BadInput(f"cannot be made ({error.strerror})", file=str(folder), cure="name another --out")


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """The lock of a folder; its file is never emptied or followed, for what has this name may be somebody else's."""
    from filelock import FileLock, Timeout

    if lock.is_symlink():
        raise BadInput("cannot be opened as a lock (it is a link)", file=str(lock), cure="remove it")
    exclusive = FileLock(lock, timeout=0)
    try:
        exclusive.acquire()
    except Timeout as error:
        raise BadInput("is being written by another otosome", file=str(lock), cure="wait for it") from error
    except OSError as error:
        raise BadInput(f"cannot be opened as a lock ({error.strerror})", file=str(lock)) from error
    try:
        yield
    finally:
        exclusive.release()


def _move_in(part: Path, folder: Path) -> None:
    """Give the new folder its name; an earlier result goes aside first, and comes back if that fails."""
    old = None
    try:
        if folder.exists() and any(folder.iterdir()):
            old = _aside(folder)
            folder.rename(old)
            sync_names(folder.parent)
        elif folder.exists():
            folder.rmdir()
        part.rename(folder)
        sync_names(folder.parent)
    except OSError as error:
        if old is not None and not folder.exists():
            old.rename(folder)
        raise BadInput(f"cannot be replaced ({error.strerror})", file=str(folder), cure=_OPEN) from error


def _aside(folder: Path) -> Path:
    """The first free name for an earlier result."""
    names = (folder.with_name(f"{folder.name}.old{n or ''}") for n in (0, *range(2, 10_000)))
    return next(name for name in names if not name.exists() and not name.is_symlink())
