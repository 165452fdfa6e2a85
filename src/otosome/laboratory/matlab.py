"""Variables of a MATLAB file (version 5 to 7) as plain values, bounded before SciPy reads them; objects are refused."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator

from otosome.laboratory.file import LARGEST, Export

MAGIC = b"MATLAB 5.0 MAT-file"
HEADER = 128
MATRIX, COMPRESSED = 14, 15
CELL, STRUCT, OBJECT, SPARSE, FUNCTION, OPAQUE = 1, 2, 3, 5, 16, 17
REFUSED = {OBJECT: "an object", SPARSE: "a sparse matrix", FUNCTION: "a function", OPAQUE: "an object"}
MOST_ENTRIES = 100_000  # of a cell array or an array of structs
MOST_MATRICES = 200_000
DEEPEST = 12
AGAIN = "save numbers, texts and structs alone in MATLAB, with -v7"


def variables(export: Export) -> dict[str, object]:
    """The variables by name: arrays, texts, structs as dictionaries, arrays of structs as lists of them.

    raises  BadInput for what is no sound file, unpacks to more than its size allows, or has objects or functions
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    _check(export)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: dict[str, object] = loadmat(io.BytesIO(export.content), simplify_cells=True)  # type: ignore[arg-type]  # its types know paths alone
    except (MatReadError, ValueError, TypeError, KeyError, IndexError, OverflowError, OSError) as error:
        raise _damaged(export, str(error)[:100]) from error
    except (NotImplementedError, EOFError, zlib.error, AttributeError, struct.error) as error:
        raise _damaged(export, str(error)[:100]) from error
    return {name: value for name, value in content.items() if not name.startswith("__")}


def _damaged(export: Export, what: str) -> Exception:
    return export.refusal("file", what or "a damaged part", "a sound MATLAB file", AGAIN)


def _check(export: Export) -> None:
    """Walk through the file's elements without building any of them; refuse what is too large, too deep or no data."""
    order = {b"IM": "<", b"MI": ">"}.get(export.content[HEADER - 2 : HEADER])
    if order is None:
        raise _damaged(export, "no mark of byte order")
    room, count = LARGEST, 0
    for kind, data in _elements(export.content[HEADER:], order):
        if kind == COMPRESSED:
            data = _unpacked(export, data, room)
            room -= len(data)
        inner = _elements(data, order) if kind == COMPRESSED else iter([(kind, data)])
        for own, body in inner:
            if own == MATRIX:
                count += _matrix(export, body, order, 0)
    if count > MOST_MATRICES:
        raise export.refusal("file", f"{count} matrices", f"at most {MOST_MATRICES}", AGAIN)


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


def _matrix(export: Export, body: bytes, order: str, depth: int) -> int:
    """How many matrices one holds, itself among them; raises BadInput for one that is not read."""
    parts = _elements(body, order)
    flags, dimensions = next(parts, (0, b""))[1], next(parts, (0, b""))[1]
    if not body:
        return 1
    if depth > DEEPEST or len(flags) < 4 or len(dimensions) < 4:
        raise _damaged(export, "a matrix without its size, or too deep")
    kind = struct.unpack_from(f"{order}I", flags)[0] & 0xFF
    if kind in REFUSED:
        raise export.refusal("file", REFUSED[kind], "numbers, texts and structs", AGAIN)
    entries = 1
    for size in struct.unpack_from(f"{order}{len(dimensions) // 4}i", dimensions):
        entries *= size
    if min(entries, *struct.unpack_from(f"{order}{len(dimensions) // 4}i", dimensions)) < 0 or (
        entries > (MOST_ENTRIES if kind in (CELL, STRUCT) else LARGEST)
    ):
        raise export.refusal("file", f"{entries} entries in a variable", f"at most {MOST_ENTRIES}", AGAIN)
    return 1 + sum(_matrix(export, data, order, depth + 1) for own, data in parts if own == MATRIX)
