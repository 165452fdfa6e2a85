"""otosome: exosome therapies for hearing loss, from a batch of vesicles to hearing, in silico."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from otosome.answers.answer import answer
    from otosome.answers.contrast import contrast
    from otosome.answers.sources import sources
    from otosome.catalog import get, names
    from otosome.forward import draw, measure, observe, simulate
    from otosome.laboratory.intake import read
    from otosome.review.qualification import qualify
    from otosome.study import load, save

_HOME = {
    "load": "study",
    "save": "study",
    "draw": "forward",
    "simulate": "forward",
    "observe": "forward",
    "measure": "forward",
    "answer": "answers.answer",
    "contrast": "answers.contrast",
    "sources": "answers.sources",
    "get": "catalog",
    "names": "catalog",
    "qualify": "review.qualification",
    "read": "laboratory.intake",
}

__all__ = [
    "answer",
    "contrast",
    "draw",
    "get",
    "load",
    "measure",
    "names",
    "observe",
    "qualify",
    "read",
    "save",
    "simulate",
    "sources",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'otosome' has no attribute {name!r}")
    return getattr(importlib.import_module(f"otosome.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
