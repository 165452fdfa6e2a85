"""What xarray holds of an array that stays in its file until a part of it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from otosome.units import Array

# Which part of an array: a number or a slice for each axis.
Key = tuple[int | slice, ...]


class Unread(BackendArray):
    """An array of a file: read when it is asked for, as far as it is, and never remembered."""

    __slots__ = ("dtype", "read", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], read: Callable[[Key], Array]) -> None:
        """``read`` gives a part: something that can be sent to another process, as a dataclass that is called."""
        self.shape, self.dtype, self.read = shape, dtype, read

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """The part that xarray asks for."""
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._part)

    def _part(self, key: Key) -> Array:
        return np.asarray(self.read(key))


def unread(shape: tuple[int, ...], dtype: np.dtype[Any], read: Callable[[Key], Array]) -> Any:
    """The same as the values of a variable."""
    return indexing.LazilyIndexedArray(Unread(shape, dtype, read))
