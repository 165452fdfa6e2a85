"""A NetCDF file written piece by piece: the same file as of everything at once, without holding everything at once.

xarray says how a group of one row is encoded; the file is made like it with dimensions in full, by the library of HDF5
itself, as those above it look up every name they are given (`tests/test_memory.py` compares the files object by
object). Then its long variables are filled a few rows at a time.
"""

from __future__ import annotations

import io
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome import __version__
from otosome.units import Array

if TYPE_CHECKING:
    import xarray as xr

# Rows and, by variable, their values.
Piece = tuple[slice, Mapping[str, Array]]
# Bytes of variables that are held at once.
_AT_ONCE = 1 << 22
# How NetCDF calls a dimension of whose name there is no variable, before its size.
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable."


def write_large(
    file: Path,
    heads: Mapping[str, xr.Dataset],
    lengths: Mapping[str, int],
    pieces: Mapping[str, Iterable[Piece]],
) -> None:
    """Write groups of which some have dimensions too long to be held in memory.

    ``heads``    by the name of a group, ``/`` the file itself: all of it with one row along these dimensions, or with
                 none where none are to come
    ``lengths``  of the dimensions, by name
    ``pieces``   by group the rows along its one long dimension, in pieces
    raises       OSError where the disk does not take them
    """
    import h5py

    with file.open("w+b", buffering=0) as opened:
        disk = _Disk(opened)
        with disk.watched(), h5py.File(disk, "w", track_order=True) as root:
            layout = _Layout(lengths)
            for name, head in heads.items():
                group = root if name == "/" else root.create_group(name, track_order=True)
                layout.make(name, group, head)
            root.attrs["_NCProperties"] = np.bytes_(
                f"version=2,otosome={__version__},hdf5={h5py.version.hdf5_version},h5py={h5py.__version__}"
            )
            for name, rows in pieces.items():
                for piece in rows:
                    disk.check()
                    layout.fill(name, piece)


def of_ears(part: xr.Dataset, dimension: str) -> Iterator[Piece]:
    """The variables and coordinates of a group along a dimension, some rows at a time."""
    long = [name for name, variable in part.variables.items() if dimension in variable.dims]
    size = part.sizes[dimension]
    each = max(1, _AT_ONCE * size // max(1, sum(part.variables[name].nbytes for name in long)))
    for start in range(0, size, each):
        rows = slice(start, min(start + each, size))
        yield rows, {str(name): part.variables[name].isel({dimension: rows}).to_numpy() for name in long}


@dataclass
class _Layout:
    """What NetCDF asks of a file of HDF5: dimensions are scales with a number, and variables are attached to theirs.

    ``lengths``  of the long dimensions;  ``numbers``  of dimensions that are to come
    ``long``     by group and name the variables along them, with which of their axes they are
    """

    lengths: Mapping[str, int]
    numbers: Iterator[int] = field(default_factory=count)
    long: dict[tuple[str, str], tuple[Any, list[bool]]] = field(default_factory=dict)

    def make(self, name: str, group: Any, head: xr.Dataset) -> None:
        """Make a group with its dimensions, variables and attributes, and write what is not long."""
        from xarray.conventions import cf_encoder, encode_dataset_coordinates

        encoded, attrs = cf_encoder(*encode_dataset_coordinates(head))
        variables = {name: encoded[name] for name in (*head.data_vars, *head.coords)}
        _describe(group, attrs)
        dims = dict.fromkeys(dim for variable in variables.values() for dim in variable.dims)
        sizes = {dim: self.lengths.get(str(dim), head.sizes[dim]) for dim in dims}
        each = {
            dim: _create(group, dim, (size,), ">f4") for dim, size in sizes.items() if dim not in variables
        }
        for key, variable in variables.items():
            each[key] = self._variable(group, key, variable, tuple(sizes[dim] for dim in variable.dims))
            along = [dim in self.lengths for dim in variable.dims]
            if any(along):
                self.long[name, str(key)] = each[key], along
        self._attach(each, variables, sizes)

    def _attach(
        self,
        each: Mapping[Hashable, Any],
        variables: Mapping[Hashable, xr.Variable],
        sizes: Mapping[Hashable, int],
    ) -> None:
        """Make scales of dimensions and attach the variables along them."""
        numbers = {dim: np.int32(next(self.numbers)) for dim in sizes}
        for dim, number in numbers.items():
            each[dim].attrs["_Netcdf4Dimid"] = number
            each[dim].make_scale(dim if dim in variables else f"{_NO_VARIABLE}{sizes[dim]:10}")
        for name, variable in variables.items():
            if variable.dims:
                each[name].attrs["_Netcdf4Coordinates"] = np.array([numbers[dim] for dim in variable.dims])
                if sizes[variable.dims[0]]:
                    each[name].attrs["_Netcdf4Dimid"] = numbers[variable.dims[0]]
            for axis, dim in enumerate(variable.dims if name not in sizes else ()):
                each[name].dims[axis].attach_scale(each[dim])

    def _variable(self, group: Any, name: Hashable, variable: xr.Variable, shape: tuple[int, ...]) -> Any:
        import h5py

        attrs, text = dict(variable.attrs), variable.dtype.kind in "OU"
        # Every number is written, so none is filled in before; HDF5 wants texts to be.
        filling: dict[str, Any] = {} if text else {"fill_time": "never"}
        filled = {"_FillValue": attrs.pop("_FillValue")} if "_FillValue" in attrs else {}
        if filled:
            filling["fillvalue"] = filled["_FillValue"]
        dataset = _create(group, name, shape, h5py.string_dtype() if text else variable.dtype, **filling)
        _describe(dataset, {**filled, **attrs})
        if not self.lengths.keys() & set(variable.dims) and variable.size:
            dataset[...] = variable.values.astype(object) if text else variable.values
        return dataset

    def fill(self, name: str, piece: Piece) -> None:
        """Write some rows of a group."""
        rows, columns = piece
        for key, values in columns.items():
            dataset, along = self.long[name, key]
            if values.size:
                dataset[tuple(rows if long else slice(None) for long in along)] = values


def _describe(of: Any, attrs: Mapping[Any, Any]) -> None:
    """Write attributes; a number is an array of one, as NetCDF has it."""
    for name, value in attrs.items():
        of.attrs[name] = value if isinstance(value, str) else np.atleast_1d(value)


def _create(group: Any, name: Hashable, shape: tuple[int, ...], dtype: Any, **more: Any) -> Any:
    """A variable, or a dimension without one; what is empty may grow."""
    if 0 in shape:
        more |= {"maxshape": tuple(size or None for size in shape)}
    return group.create_dataset(name, shape, dtype, track_order=True, **more)


class _Disk:
    """A file that takes everything and says afterwards that it could not.

    HDF5 ends the whole program where a file that it closes is not as it wrote it. So what the disk did not take is
    remembered and read back, which is little, as nothing more is begun then.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._failure: OSError | None = None
        self._beside: list[tuple[int, bytes]] = []

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
        """Write at the place, or remember what was to be written."""
        start, whole = self._file.tell(), memoryview(data).cast("B")
        rest = whole if self._failure is None else whole[:0]
        try:
            while rest.nbytes:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._failure = error
        if self._failure is not None:
            self._beside.append((start, bytes(whole)))
            self._file.seek(start + whole.nbytes)
        return whole.nbytes

    def readinto(self, data: Any) -> int:
        """Read at the place, nothing for what was never written."""
        start, whole = self._file.tell(), memoryview(data).cast("B")
        read = self._file.readinto(whole) or 0
        whole[read:] = bytes(whole.nbytes - read)
        for place, piece in self._beside:
            first, last = max(start, place), min(start + whole.nbytes, place + len(piece))
            if first < last:
                whole[first - start : last - start] = piece[first - place : last - place]
        self._file.seek(start + whole.nbytes)
        return whole.nbytes

    def read(self, size: int) -> bytes:
        """Read at the place."""
        data = bytearray(size)
        self.readinto(data)
        return bytes(data)

    def truncate(self, size: int) -> int:
        """Make the file as long as HDF5 says."""
        try:
            self._file.truncate(size)
        except OSError as error:
            self._failure = self._failure or error
        return size

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()

    def flush(self) -> None:
        """Nothing waits to be written."""
