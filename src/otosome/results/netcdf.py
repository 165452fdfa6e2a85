"""A NetCDF file written piece by piece: the same file as of everything at once, without holding everything at once.

xarray writes a file of one row in memory, which says everything but how long its dimensions are. The file on disk is
made like it with dimensions in full, and its long variables are filled a few rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr

# Rows and, by variable, their values.
Piece = tuple[slice, Mapping[str, Array]]
# Bytes of variables that are held at once.
_AT_ONCE = 1 << 22


def write_large(
    file: Path, head: xr.DataTree, lengths: Mapping[str, int], pieces: Mapping[str, Iterable[Piece]]
) -> None:
    """Write groups of which some have dimensions too long to be held in memory.

    ``head``     the groups with one row along these dimensions, or with none where none are to come
    ``lengths``  of the dimensions, by name
    ``pieces``   by group the rows along its one long dimension, in pieces
    raises       OSError where the disk does not take them
    """
    import h5netcdf

    with file.open("w+b", buffering=0) as opened:
        disk = _Disk(opened)
        short = h5netcdf.File(BytesIO(head.to_netcdf(None, engine="h5netcdf")), "r", decode_vlen_strings=True)
        with disk.watched(), short, h5netcdf.File(disk, "w") as large:
            _like(short, large, lengths)
            for group, rows in pieces.items():
                for piece in rows:
                    disk.check()
                    _fill(large[group], lengths, piece)


def of_ears(part: xr.Dataset, dimension: str) -> Iterator[Piece]:
    """The variables and coordinates of a group along a dimension, some rows at a time."""
    long = [name for name, variable in part.variables.items() if dimension in variable.dims]
    size = part.sizes[dimension]
    each = max(1, _AT_ONCE * size // max(1, sum(part.variables[name].nbytes for name in long)))
    for start in range(0, size, each):
        rows = slice(start, min(start + each, size))
        yield rows, {str(name): part.variables[name].isel({dimension: rows}).to_numpy() for name in long}


def _like(short: Any, large: Any, lengths: Mapping[str, int]) -> None:
    """Make the groups, dimensions and variables of a file in another; what is not long is copied."""
    large.attrs.update(short.attrs)
    for name, dimension in short.dimensions.items():
        large.dimensions[name] = None if dimension.isunlimited() else lengths.get(name, dimension.size)
    for name, variable in short.variables.items():
        attrs = dict(variable.attrs)
        # Every number is written, so none is filled in before; HDF5 wants texts to be.
        filling = {"fill_time": "never"} if np.dtype(variable.dtype).kind in "fiu" else {}
        none = attrs.pop("_FillValue", None)
        target = large.create_variable(name, variable.dimensions, variable.dtype, fillvalue=none, **filling)
        target.attrs.update(attrs)
        if not lengths.keys() & set(variable.dimensions):
            target[...] = variable[...]
    for name, group in short.groups.items():
        _like(group, large.create_group(name), lengths)


def _fill(group: Any, lengths: Mapping[str, int], piece: Piece) -> None:
    rows, columns = piece
    for name, values in columns.items():
        variable = group.variables[name]
        variable[tuple(rows if axis in lengths else slice(None) for axis in variable.dimensions)] = values


class _Disk:
    """A file that takes everything and says afterwards that it could not: HDF5 ends the whole program otherwise."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._failure: OSError | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise the first error there was, also where HDF5 stumbles over what is not there."""
        try:
            yield
        finally:
            self.check()

    def check(self) -> None:
        """Raise the first error there was."""
        if self._failure is not None:
            raise self._failure

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = rest.nbytes
        try:
            while rest.nbytes:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._failure = self._failure or error
        return size

    def truncate(self, size: int) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._failure = self._failure or error
            return size

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readinto(self, data: Any) -> int:
        return self._file.readinto(data)  # type: ignore[attr-defined]  # a file without a buffer has it

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Nothing waits to be written."""
