"""Arrays of many ears laid into files, a block of ears behind the other: so that memory does not grow with ears."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from otosome.units import Array

if TYPE_CHECKING:
    from otosome.forward.unread import Key


# What has one of these dimensions is most of a result.
_LARGE = {"place", "hour"}


def is_large(dims: Iterable[Hashable]) -> bool:
    """Whether what has these dimensions stays in a file until it is asked for: what each ear has at places or hours."""
    return "subject" in (among := set(dims)) and bool(_LARGE & among)


@dataclass(frozen=True)
class Laid:
    """An array in a file, as it stands in memory: its first axis is the ear."""

    file: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __call__(self, key: Key) -> Array:
        """A part of it."""
        if 0 in self.shape:  # no moment is measured; a file of nothing cannot be mapped
            return np.zeros(self.shape, self.dtype)[key]
        return np.array(np.memmap(self.file, self.dtype, "r", shape=self.shape)[key])


@dataclass(frozen=True)
class Stacked:
    """Arrays alike with a first axis for which of them."""

    each: tuple[Laid, ...]

    def __call__(self, key: Key) -> Array:
        """A part of them."""
        first, *rest = key
        if not isinstance(first, slice):
            return self.each[first](tuple(rest))
        return np.stack([laid(tuple(rest)) for laid in self.each[first]])


class Depot:
    """A folder in which blocks of ears are laid down, an array a file."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is empty and on a disk with room; whoever made it takes it away."""
        self._folder = folder
        self._laid: dict[str, Laid] = {}

    def lay(self, name: str, values: Array) -> None:
        """Add some ears to an array."""
        before = self._laid.get(name)
        if before is None:
            before = Laid(self._folder / f"{len(self._laid)}.raw", (0, *values.shape[1:]), values.dtype)
        with before.file.open("ab") as file:
            file.write(np.ascontiguousarray(values).data)
        ears = before.shape[0] + values.shape[0]
        self._laid[name] = Laid(before.file, (ears, *before.shape[1:]), before.dtype)

    def __contains__(self, name: object) -> bool:
        """Whether an array lies here."""
        return name in self._laid

    def values(self, names: Sequence[str]) -> Any:
        """Arrays alike as the values of a variable of xarray, stacked along a first axis."""
        from otosome.forward.unread import unread

        each = tuple(self._laid[name] for name in names)
        return unread((len(each), *each[0].shape), each[0].dtype, Stacked(each))

    def single(self, name: str) -> Any:
        """An array as the values of a variable of xarray."""
        from otosome.forward.unread import unread

        laid = self._laid[name]
        return unread(laid.shape, laid.dtype, laid)
