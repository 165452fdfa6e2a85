"""Eight numbers go through a kernel together, one machine vector: a lane is an ear or a place; lanes never meet."""

from __future__ import annotations

import numpy as np

from otosome.units import Array

LANES = 8


def aligned(*shape: int) -> Array:
    """Zeros that begin where a cache line does, so that no row lies across two."""
    size = int(np.prod(shape))
    room = np.zeros(size + LANES)
    first = -room.ctypes.data // room.itemsize % LANES
    return room[first : first + size].reshape(shape)
