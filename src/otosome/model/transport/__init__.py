"""Dose to concentration over time and place: one network of fluids and tissues, solved exactly book-kept.

What solves is loaded when something is carried, for its compiled loops take longer to load than all else here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from otosome.model.transport.anatomy import Anatomy
from otosome.model.transport.delivery import (
    Delivery,
    Dose,
    Flow,
    Sample,
)
from otosome.model.transport.grid import Grid, schedule
from otosome.model.transport.pace import Pace
from otosome.model.transport.solute import Solute, paired

if TYPE_CHECKING:
    from otosome.model.transport.course import Transported, errors, solve
    from otosome.model.transport.network import LUMPED, Network

_HOME = {
    "LUMPED": "network",
    "Network": "network",
    "Transported": "course",
    "errors": "course",
    "solve": "course",
}

__all__ = [
    "LUMPED",
    "Anatomy",
    "Delivery",
    "Dose",
    "Flow",
    "Grid",
    "Network",
    "Pace",
    "Sample",
    "Solute",
    "Transported",
    "errors",
    "paired",
    "schedule",
    "solve",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
