"""Variables of a MATLAB file (version 5 to 7) as plain values, within bounds; objects and functions are refused.

Decoded here and not by SciPy, whose reader ends the whole program at some damaged files.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator

import numpy as np

from otosome.errors import BadInput
from otosome.laboratory.file import LARGEST, Export
from otosome.units import Array

MAGIC = b"MATLAB 5.0 MAT-file"
HEADER = 128
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, OBJECT, CHAR, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 4, 5, 16, 17
COMPLEX = 0x800
# How numbers are stored, by the number that the format gives each kind.
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
LONGEST_FIELD = 64
REFUSED = {OBJECT: "an object", SPARSE: "a sparse matrix", FUNCTION: "a function", OPAQUE: "an object"}
MOST_ENTRIES = 100_000  # of a cell array or an array of structs
DEEPEST = 12
AGAIN = "save numbers, texts and structs alone in MATLAB, with -v7"


def variables(export: Export) -> dict[str, object]:
    """The variables by name: arrays, texts, structs as dictionaries, arrays of structs and cells as lists.

    raises  BadInput for what is no sound file, unpacks to more than its size allows, or has objects or functions
    """
    order = {b"IM": "<", b"MI": ">"}.get(export.content[HEADER - 2 : HEADER])
    if order is None:
        raise _damaged(export, "no mark of byte order")
    room, values = LARGEST, dict[str, object]()
    for kind, data in _elements(export.content[HEADER:], order):
        if kind == COMPRESSED:
            data = _unpacked(export, data, room)
            room -= len(data)
        for own, body in _elements(data, order) if kind == COMPRESSED else [(kind, data)]:
            if own == MATRIX:
                name, value = _matrix(export, body, order, 0)
                values[name] = value
        if len(values) > MOST_ENTRIES:
            raise export.refusal("file", f"{len(values)} variables", f"at most {MOST_ENTRIES}", AGAIN)
    return values


def _damaged(export: Export, what: str) -> BadInput:
    return export.refusal("file", what, "a sound MATLAB file", AGAIN)


def _unpacked(export: Export, data: bytes, room: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        body = stream.decompress(data, max(room, 1))
    except zlib.error as error:
        raise _damaged(export, "damaged compression") from error
    if stream.unconsumed_tail:
        raise export.refusal("file", f"more than {LARGEST} bytes unpacked", f"at most {LARGEST}", AGAIN)
    return body


def _elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Kind and bytes of each element; of up to four bytes they stand in the tag itself."""
    place = 0
    while place + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, place)
        if kind >> 16:
            yield kind & 0xFFFF, content[place + 4 : place + 4 + min(kind >> 16, 4)]
            place += 8
            continue
        yield kind, content[place + 8 : place + 8 + size]
        place += 8 + size + (0 if kind == COMPRESSED else -size % 8)


def _matrix(export: Export, body: bytes, order: str, depth: int) -> tuple[str, object]:
    """Name and value of a matrix; raises BadInput for one that is not read."""
    if not body:
        return "", np.empty(0)
    parts = list(_elements(body, order))
    if depth > DEEPEST or len(parts) < 3 or len(parts[0][1]) < 4 or len(parts[1][1]) < 4:
        raise _damaged(export, "a matrix without its size, or too deep")
    (flags,) = struct.unpack_from(f"{order}I", parts[0][1])
    kind, name = flags & 0xFF, parts[2][1].decode("latin-1")
    if kind in REFUSED or flags & COMPLEX:
        raise export.refusal("file", REFUSED.get(kind, "complex numbers"), "numbers, texts, structs", AGAIN)
    sizes = _sizes(export, parts[1][1], order, MOST_ENTRIES if kind in (CELL, STRUCT) else LARGEST)
    if kind == CHAR:
        return name, _text(parts[3:4], order)
    if kind not in (CELL, STRUCT):
        return name, _numbers(export, parts[3:4], order, sizes)
    inner = [_matrix(export, data, order, depth + 1)[1] for own, data in parts[3:] if own == MATRIX]
    return name, inner if kind == CELL else _structs(
        export, _fields(parts[3:5], order), inner, math.prod(sizes)
    )


def _structs(export: Export, fields: list[str], inner: list[object], count: int) -> object:
    """A struct as a dictionary, several as a list of them; their values stand one struct behind another."""
    if not fields or len(inner) != count * len(fields):
        raise _damaged(export, "a struct without all of its fields")
    rows = [dict(zip(fields, inner[i * len(fields) :], strict=False)) for i in range(count)]
    return rows[0] if count == 1 else rows


def _sizes(export: Export, data: bytes, order: str, most: int) -> tuple[int, ...]:
    """The lengths of a matrix's axes; raises BadInput for more entries than it may have."""
    sizes = struct.unpack_from(f"{order}{len(data) // 4}i", data)
    if min(sizes) < 0 or math.prod(sizes) > most:
        raise export.refusal("file", f"{math.prod(sizes)} entries in a variable", f"at most {most}", AGAIN)
    return sizes


def _fields(parts: list[tuple[int, bytes]], order: str) -> list[str]:
    """The names of a struct's fields, each in as many bytes as the first part says."""
    if len(parts) < 2 or len(parts[0][1]) < 4:
        return []
    (length,) = struct.unpack_from(f"{order}i", parts[0][1])
    names = parts[1][1]
    if not 1 <= length <= LONGEST_FIELD:
        return []
    return [names[i : i + length].split(b"\0")[0].decode("latin-1") for i in range(0, len(names), length)]


def _numbers(export: Export, parts: list[tuple[int, bytes]], order: str, sizes: tuple[int, ...]) -> Array:
    """An array of numbers without its axes of one."""
    kind, data = parts[0] if parts else (9, b"")
    if kind not in NUMBERS:
        raise _damaged(export, f"numbers of the unknown kind {kind}")
    stored = np.dtype(order + NUMBERS[kind])
    if len(data) != stored.itemsize * math.prod(sizes):
        raise _damaged(export, f"{len(data)} bytes of an array of {' x '.join(map(str, sizes))}")
    return np.frombuffer(data, stored).astype(float).reshape(sizes, order="F").squeeze()


def _text(parts: list[tuple[int, bytes]], order: str) -> str:
    kind, data = parts[0] if parts else (16, b"")
    wide = {4: "utf-16", 17: "utf-16", 18: "utf-32"}.get(kind)
    encoding = f"{wide}-{'le' if order == '<' else 'be'}" if wide else "utf-8"
    return data.decode(encoding, "replace")
