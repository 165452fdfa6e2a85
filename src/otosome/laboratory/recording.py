"""A recording that is a folder and not a file, as psiexperiment writes it: a table of trials and a signal in zarr."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from otosome.errors import BadInput
from otosome.laboratory.file import Export, moment, printable

TRIALS, SIGNAL = "erp_metadata.csv", "eeg.zarr"
MOST_PARTS = 20_000
NAMED = re.compile(r"(\d{8}-\d{4,6}) (\w+) ([-\w]+) (?:(left|right)\b)?", re.ASCII)


def is_recording(folder: Path) -> bool:
    """Whether a folder holds the trials and the signal of a recording; links count as neither."""
    trials, signal = folder / TRIALS, folder / SIGNAL
    return trials.is_file() and signal.is_dir() and not (trials.is_symlink() or signal.is_symlink())


def parts_of(folder: Path) -> Iterator[Path]:
    """The files a recording is read from, in order; raises BadInput for too many."""
    yield folder / TRIALS
    signal = sorted(file for file in (folder / SIGNAL).rglob("*") if file.is_file() and not file.is_symlink())
    if len(signal) > MOST_PARTS:
        entry = f"{len(signal)} files"
        raise BadInput("holds too much", file=folder.name, given=entry, allowed=f"at most {MOST_PARTS}")
    yield from signal


def open_export(path: Path, voltage: str = "") -> Export:
    """A file, or a recording as one: named as its folder, its text the table of trials, its hash that of all parts.

    raises  BadInput as ``Export.open`` does
    """
    return _recording(path, voltage) if path.is_dir() else Export.open(path, voltage)


def _recording(folder: Path, voltage: str) -> Export:
    digest = hashlib.sha256()
    for part in parts_of(folder):
        digest.update(part.relative_to(folder).as_posix().encode())
        with part.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    trials = Export.open(folder / TRIALS, voltage)
    return replace(trials, name=printable(folder.name), whole=digest.hexdigest(), folder=folder)


def named(name: str) -> tuple[dict[str, str], str]:
    """Subject, ear and time of recording in a name as the program gives it, and a flag that says so."""
    match = NAMED.match(name)
    if match is None:
        return {"subject": "", "ear": "", "recorded": ""}, "no subject"
    when = moment(match[1], "%Y%m%d-%H%M%S", "%Y%m%d-%H%M")
    about = {"subject": match[3], "ear": match[4] or "", "recorded": when}
    return about, f"subject{' and ear' if match[4] else ''} from the file's name"
