"""Variables of a MATLAB file (version 5 to 7) as plain values, within bounds; objects and functions are refused.

Decoded here and not by SciPy, whose reader ends the whole program at some damaged files.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from otosome.errors import BadInput
from otosome.laboratory.file import LARGEST, Export, doubles
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
MOST_NUMBERS = LARGEST // 8  # of an array
MOST_AXES = 8
MOST_ELEMENTS = 400_000  # of a file: its tags, not its numbers
DEEPEST = 12
AGAIN = "save numbers, texts and structs alone in MATLAB, with -v7"


def variables(export: Export) -> dict[str, object]:
    """The variables by name: arrays, texts, structs as dictionaries, arrays of structs and cells as lists.

    raises  BadInput for what is no sound file, unpacks to more than its size allows, or has objects or functions
    """
    order = {b"IM": "<", b"MI": ">"}.get(export.content[HEADER - 2 : HEADER])
    if order is None:
        raise _damaged(export, "no mark of byte order")
    decoder, room, values = _Decoder(export, order), LARGEST, dict[str, object]()
    for kind, data in decoder.elements(export.content[HEADER:]):
        if kind == COMPRESSED:
            data = _unpacked(export, data, room)
            room -= len(data)
        elif kind != MATRIX:
            raise _damaged(export, f"an element of kind {kind} between the variables")
        for own, body in decoder.elements(data) if kind == COMPRESSED else [(kind, data)]:
            if own == MATRIX:
                name, value = decoder.matrix(body, 0)
                values[name] = value
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


@dataclass
class _Decoder:
    """Reads the elements of one file, so many of them and no more.

    ``order``  of bytes, as ``struct`` writes it;  ``left``  elements it may still read
    """

    export: Export
    order: str
    left: int = MOST_ELEMENTS

    def elements(self, content: bytes) -> Iterator[tuple[int, bytes]]:
        """Kind and bytes of each element; of up to four bytes they stand in the tag itself."""
        place = 0
        while place + 8 <= len(content):
            self.left -= 1
            if self.left < 0:
                raise self.export.refusal("file", f"more than {MOST_ELEMENTS} elements", "fewer", AGAIN)
            kind, size = struct.unpack_from(f"{self.order}II", content, place)
            if kind >> 16:
                yield kind & 0xFFFF, content[place + 4 : place + 4 + min(kind >> 16, 4)]
                place += 8
                continue
            yield kind, content[place + 8 : place + 8 + size]
            place += 8 + size + (0 if kind == COMPRESSED else -size % 8)

    def matrix(self, body: bytes, depth: int) -> tuple[str, object]:
        """Name and value of a matrix; raises BadInput for one that is not read."""
        if not body:
            return "", np.empty(0)
        parts = list(self.elements(body))
        if depth > DEEPEST or len(parts) < 3 or len(parts[0][1]) < 4 or len(parts[1][1]) < 4:
            raise _damaged(self.export, "a matrix without its size, or too deep")
        (flags,) = struct.unpack_from(f"{self.order}I", parts[0][1])
        kind, name = flags & 0xFF, parts[2][1].decode("latin-1")
        if kind in REFUSED or flags & COMPLEX:
            what = REFUSED.get(kind, "complex numbers")
            raise self.export.refusal("file", what, "numbers, texts, structs", AGAIN)
        sizes = self._sizes(parts[1][1], MOST_ENTRIES if kind in (CELL, STRUCT) else MOST_NUMBERS)
        if kind == CHAR:
            return name, _text(parts[3:4], self.order)
        if kind not in (CELL, STRUCT):
            return name, self._numbers(parts[3:4], sizes)
        inner = [self.matrix(data, depth + 1)[1] for own, data in parts[3:] if own == MATRIX]
        if kind == CELL:
            return name, inner
        return name, self._structs(_fields(parts[3:5], self.order), inner, math.prod(sizes))

    def _structs(self, fields: list[str], inner: list[object], count: int) -> object:
        """A struct as a dictionary, several as a list of them; their values stand one struct behind another."""
        if not fields or len(inner) != count * len(fields):
            raise _damaged(self.export, "a struct without all of its fields")
        width = len(fields)
        rows = [dict(zip(fields, inner[i * width : (i + 1) * width], strict=True)) for i in range(count)]
        return rows[0] if count == 1 else rows

    def _sizes(self, data: bytes, most: int) -> tuple[int, ...]:
        """The lengths of a matrix's axes; raises BadInput for more entries than it may have."""
        sizes = struct.unpack_from(f"{self.order}{len(data) // 4}i", data)
        if len(sizes) > MOST_AXES:
            raise _damaged(self.export, f"{len(sizes)} axes")
        if min(sizes) < 0 or math.prod(sizes) > most:
            entries = f"{math.prod(sizes)} entries in a variable"
            raise self.export.refusal("file", entries, f"at most {most}", AGAIN)
        return sizes

    def _numbers(self, parts: list[tuple[int, bytes]], sizes: tuple[int, ...]) -> Array:
        """An array of numbers without its axes of one."""
        kind, data = parts[0] if parts else (9, b"")
        if kind not in NUMBERS:
            raise _damaged(self.export, f"numbers of the unknown kind {kind}")
        stored = np.dtype(self.order + NUMBERS[kind])
        if len(data) != stored.itemsize * math.prod(sizes):
            shape = " x ".join(map(str, sizes))
            raise _damaged(self.export, f"{len(data)} bytes of an array of {shape}")
        return doubles(data, stored).reshape(sizes, order="F").squeeze()


def _fields(parts: list[tuple[int, bytes]], order: str) -> list[str]:
    """The names of a struct's fields, each in as many bytes as the first part says."""
    if len(parts) < 2 or len(parts[0][1]) < 4:
        return []
    (length,) = struct.unpack_from(f"{order}i", parts[0][1])
    names = parts[1][1]
    if not 1 <= length <= LONGEST_FIELD:
        return []
    return [names[i : i + length].split(b"\0")[0].decode("latin-1") for i in range(0, len(names), length)]


def _text(parts: list[tuple[int, bytes]], order: str) -> str:
    kind, data = parts[0] if parts else (16, b"")
    wide = {4: "utf-16", 17: "utf-16", 18: "utf-32"}.get(kind)
    encoding = f"{wide}-{'le' if order == '<' else 'be'}" if wide else "utf-8"
    return data.decode(encoding, "replace")
