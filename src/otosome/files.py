"""A user's file, whole: never a pipe or device, which may never end, and never more than its reader can use."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from otosome.errors import BadInput

_PIECE = 1 << 20
# How a cell begins that a spreadsheet runs.
_RUN = tuple("=+-@\t\r")


def tamed(text: str) -> str:
    """A cell's text with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(_RUN) else text


def content(file: Path, most: int, *, name: str = "", cure: str | None = None) -> bytes:
    """The bytes of a file.

    most  the largest size that is read, bytes
    name  what a refusal calls the file, its path where blank
    cure  what to do about a file that is larger

    raises  BadInput for what is no file, cannot be read or is larger
    """
    named = name or str(file)
    regular(file, name=named)
    try:
        with file.open("rb") as stream:
            raw = stream.read(most + 1)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", file=named) from error
    if len(raw) > most:
        raise BadInput(
            "is too large",
            file=named,
            given=f"more than {most:,} bytes",
            allowed=f"at most {most:,} bytes",
            cure=cure,
        )
    return raw


def add_line(file: Path, line: str) -> int:
    """Add a line to a file and have the disk hold it; returns its number, from 1.

    It stands on a line of its own even where the one before was cut short, as by a crash.
    """
    with file.open("ab+") as stream:
        stream.seek(0)
        before = stream.read()
        gap = b"\n" if before and not before.endswith(b"\n") else b""
        stream.write(gap + line.encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return (before + gap).count(b"\n") + 1


def regular(file: Path, *, name: str = "") -> None:
    """Refuse a pipe, a socket or a device: reading one may never end."""
    named = name or str(file)
    try:
        there, plain = file.exists(), file.is_file() or file.is_dir()
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be read ({error})", file=named) from error
    if there and not plain:
        raise BadInput(
            "is a pipe or a device, not a file",
            file=named,
            cure="save what it holds as a file, and name that",
        )


def named_in_text(file: Path) -> None:
    """Refuse a name that no result can hold, before it is computed."""
    try:
        os.fsencode(file).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("has a name that is not UTF-8", file=ascii(str(file)), cure="rename it") from error


def fingerprint(parts: Iterable[str]) -> str:
    """What some texts say in this order, in twelve digits: another where one of them is."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def sha256(file: Path) -> str:
    """SHA-256 of a file, as a result records its inputs; raises BadInput for a pipe or a device."""
    regular(file)
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
