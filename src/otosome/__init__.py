"""otosome: exosome therapies for hearing loss, from a batch of vesicles to hearing, in silico."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.1"

if TYPE_CHECKING:
    from otosome.catalog import get, names
    from otosome.forward import draw, observe, simulate
    from otosome.intake import read
    from otosome.qualification import qualify
    from otosome.scenario import load, save
    from otosome.weigh import answer, compare, sources

_HOME = {
    "load": "scenario", "save": "scenario", "draw": "forward", "simulate": "forward",
    "observe": "forward", "answer": "weigh", "compare": "weigh", "sources": "weigh",
    "get": "catalog", "names": "catalog", "qualify": "qualification",
    "read": "intake",
}  # fmt: skip

__all__ = [
    "answer", "compare", "draw", "get", "load", "names", "observe", "qualify", "read", "save", "simulate", "sources",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'otosome' has no attribute {name!r}")
    return getattr(importlib.import_module(f"otosome.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
