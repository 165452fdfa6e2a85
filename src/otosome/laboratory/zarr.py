"""A recorded signal in a folder of zarr, format 2 or 3: one channel, chunk by chunk, within bounds.

Hostile until parsed: numbers alone, compressed by one of a few codecs, each chunk as large as its description says.
Filters, objects and pickles are refused, and nothing outside the folder is read.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from otosome.errors import BadInput
from otosome.laboratory.file import doubles
from otosome.units import Array

LARGEST_CHUNK = 64_000_000  # bytes, unpacked
LONGEST = 1_000_000_000  # samples of a channel
LARGEST = 1e9  # of a sample, in any unit: beyond it, as where it is none, a chunk is damaged
LARGEST_TEXT = 1_000_000  # bytes of a description
SLOWEST, FASTEST = 7.5e3, 1e6  # Hz: slower ones cannot hold a response, whose band ends at 3 kHz
DTYPES = {"float64": "<f8", "float32": "<f4", "int16": "<i2", "int32": "<i4"}
CODECS = ("blosc", "zstd", "lz4", "zlib", "gzip")
BLOSC_HEADER = 16  # bytes, which state what follows: sizes unpacked, of a block, and packed
AGAIN = "copy the recording again, or average it with the program that recorded it"


@dataclass(frozen=True)
class Signal:
    """The first channel of a recorded signal.

    ``rate``  Hz;  ``size``  samples;  ``chunk``  samples of one;  ``channels``  of a chunk, 0 where it has no such axis
    ``dtype``  of the samples, little endian;  ``codec``  of ``CODECS``, blank where chunks are not packed
    ``keys``  what parts the numbers of a chunk's name, and what stands before them
    """

    folder: Path
    rate: float
    size: int
    chunk: int
    channels: int
    dtype: str
    codec: str
    keys: tuple[str, str]

    @classmethod
    def open(cls, folder: Path) -> Signal:
        """The signal in a folder; raises BadInput for what is none, or is not read."""
        newer = (folder / "zarr.json").is_file()
        about = _json(folder / ("zarr.json" if newer else ".zarray"))
        stated = _inside(about, "attributes") if newer else _json(folder / ".zattrs")
        dtype, codec, chunks, keys = (_of_three if newer else _of_two)(folder, about)
        shape = _counts(about.get("shape"))
        if not (shape and chunks and len(shape) == len(chunks) < 3 and min(chunks)):
            raise _refusal(
                folder, "shape", f"{shape} in chunks of {chunks}", "one signal, or channels of one"
            )
        if shape[-1] > LONGEST or math.prod(chunks) * np.dtype(dtype).itemsize > LARGEST_CHUNK:
            largest = f"{LONGEST} samples in chunks of {LARGEST_CHUNK} bytes"
            raise _refusal(folder, "shape", f"{shape} in chunks of {chunks}", largest)
        rate = stated.get("fs")
        if not (type(rate) in (int, float) and SLOWEST <= float(str(rate)) <= FASTEST):
            raise _refusal(folder, "fs", str(rate)[:40], f"{SLOWEST:g} to {FASTEST:g} Hz")
        channels = chunks[0] if len(shape) == 2 else 0
        return cls(folder, float(str(rate)), shape[-1], chunks[-1], channels, dtype, codec, keys)

    def blocks(self) -> Iterator[tuple[int, Array]]:
        """Each chunk in order: where it begins, and its samples; raises BadInput for one that is missing or damaged."""
        for number in range(math.ceil(self.size / self.chunk)):
            start = number * self.chunk
            wave = self._chunk(number)[: self.size - start]
            if not (np.abs(wave) < LARGEST).all():
                raise _refusal(self.folder, f"chunk {number}", "a sample that is none", f"below {LARGEST:g}")
            yield start, wave

    def _chunk(self, number: int) -> Array:
        separator, before = self.keys
        name = separator.join([*([before] if before else []), *(["0"] if self.channels else []), str(number)])
        size = self.chunk * max(self.channels, 1) * np.dtype(self.dtype).itemsize
        packed = _bytes(self.folder / name, 2 * size + LARGEST_TEXT)
        unpacked = _unpacked(self.folder, name, self.codec, packed, size)
        if len(unpacked) != size:
            raise _refusal(self.folder, name, f"{len(unpacked)} bytes", f"{size}")
        return doubles(unpacked, self.dtype).reshape(max(self.channels, 1), -1)[0]


def _of_two(folder: Path, about: Mapping[str, object]) -> tuple[str, str, list[int], tuple[str, str]]:
    """Type, codec, chunks and keys by a description of format 2."""
    compressor = about.get("compressor")
    codec = str(_inside(about, "compressor").get("id", ""))
    dtype = str(about.get("dtype"))
    plain = about.get("filters") in (None, []) and about.get("order") == "C" and about.get("zarr_format") == 2
    if dtype not in DTYPES.values() or not plain or (compressor is not None and codec not in CODECS):
        raise _unread(folder, f"dtype {dtype}, filters {about.get('filters')}, compressor {codec}")
    separator = str(about.get("dimension_separator", "."))
    return dtype, codec, _counts(about.get("chunks")), ("/" if separator == "/" else ".", "")


def _of_three(folder: Path, about: Mapping[str, object]) -> tuple[str, str, list[int], tuple[str, str]]:
    """The same by one of format 3."""
    codecs = [str(step.get("name")) for step in _list(about.get("codecs")) if isinstance(step, dict)]
    big = any(_inside(step, "configuration").get("endian") == "big" for step in _list(about.get("codecs")))
    dtype = DTYPES.get(str(about.get("data_type")), "")
    known = codecs[:1] == ["bytes"] and len(codecs) < 3 and all(codec in CODECS for codec in codecs[1:])
    if not dtype or not known or big or about.get("node_type") != "array":
        raise _unread(folder, f"data_type {about.get('data_type')}, codecs {', '.join(codecs)}")
    chunks = _inside(_inside(about, "chunk_grid"), "configuration").get("chunk_shape")
    encoding = _inside(about, "chunk_key_encoding")
    older = encoding.get("name") == "v2"
    separator = _inside(encoding, "configuration").get("separator", "." if older else "/")
    return (
        dtype,
        (codecs[1:] or [""])[0],
        _counts(chunks),
        ("/" if separator == "/" else ".", "" if older else "c"),
    )


def _unpacked(folder: Path, name: str, codec: str, packed: bytes, size: int) -> bytes:
    """A chunk unpacked into so many bytes and no more."""
    if not codec:
        return packed
    if codec in ("zlib", "gzip"):
        try:
            return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(packed, size + 1)
        except zlib.error as error:
            raise _refusal(folder, name, "damaged compression", "a sound chunk") from error
    import numcodecs

    if codec == "blosc" and not _sound_blosc(packed, size):
        raise _refusal(folder, name, "sizes that are not its own", "a sound chunk")
    room = np.empty(size, dtype=np.uint8)
    decoders = {"blosc": numcodecs.Blosc, "zstd": numcodecs.Zstd, "lz4": numcodecs.LZ4}
    try:
        decoders[codec]().decode(packed, out=room)
    except (RuntimeError, ValueError) as error:
        raise _refusal(folder, name, "damaged compression", "a sound chunk") from error
    return room.tobytes()


def _sound_blosc(packed: bytes, size: int) -> bool:
    """Whether a chunk is as long as it says and unpacks to so many bytes, which its decoder takes for granted."""
    if len(packed) < BLOSC_HEADER:
        return False
    unpacked, block, length = struct.unpack_from("<III", packed, 4)
    return (unpacked, length) == (size, len(packed)) and 0 < block <= max(size, 1)


def _json(file: Path) -> dict[str, object]:
    """A description; raises BadInput for what is none."""
    try:
        value = json.loads(_bytes(file, LARGEST_TEXT).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _refusal(file.parent, file.name, str(error)[:60], "JSON") from error
    if not isinstance(value, dict):
        raise _refusal(file.parent, file.name, type(value).__name__, "a JSON object")
    return value


def _bytes(file: Path, most: int) -> bytes:
    """A file's bytes; raises BadInput where it is missing, a link or too large."""
    if file.is_symlink() or not file.is_file():
        raise _refusal(file.parent, file.name, "no file", "a file of its own")
    with file.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise _refusal(file.parent, file.name, f"more than {most} bytes", f"at most {most}")
    return content


def _refusal(folder: Path, key: str, entry: str, allowed: str) -> BadInput:
    return BadInput(
        "cannot be used", file=f"{folder.name}", key=key, given=entry, allowed=allowed, cure=AGAIN
    )


def _unread(folder: Path, entry: str) -> BadInput:
    allowed = f"{', '.join(DTYPES)} without filters, packed by {', '.join(CODECS)} or by nothing"
    return _refusal(folder, "array", entry[:120], allowed)


def _counts(value: object) -> list[int]:
    """Whole numbers of a list, none where one is another thing."""
    counts = [number for number in _list(value) if type(number) is int and number >= 0]
    return counts if len(counts) == len(_list(value)) else []


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _inside(value: object, key: str) -> Mapping[str, object]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}
