"""Shelves of what a lot is held against: assays, specifications, checklists, processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from otosome.roles.options import On, Options


@dataclass(frozen=True)
class AssayOptions(Options):
    """Options of a potency assay: the ``model`` of its dose-response curve."""

    model: Literal["parallel_line", "four_parameter"]


Tests = tuple[Annotated[str, Field(min_length=1)], ...]


@dataclass(frozen=True)
class SpecificationOptions(Options):
    """Options of a specification: its tests by what they ask; those compared with a number have one of that name.

    ``label``     near the label;  ``recorded``  no limit
    ``negative``, ``absent``, ``positive``, ``present``  a word
    """

    at_least: Tests = ()
    at_most: Tests = ()
    equal: Tests = ()
    label: Tests = ()
    negative: Tests = ()
    absent: Tests = ()
    positive: Tests = ()
    present: Tests = ()
    recorded: Tests = ()


@dataclass(frozen=True)
class ChecklistItem(Options):
    """One item of a checklist: its ``name``, what it ``asks``, and how binding it is."""

    name: str
    asks: str
    status: Literal["mandatory", "expected", "encouraged", "where it applies"]


@dataclass(frozen=True)
class ChecklistOptions(Options):
    """Options of a checklist: its items by key, its sources, and whether the share present is a ``score``."""

    item: Annotated[Mapping[str, ChecklistItem], Field(min_length=1)]
    source: str
    secondary: str = ""
    score: bool = False


@dataclass(frozen=True)
class ProcessOptions(Options):
    """Options of a process: the ``instrument`` that counts its lots, their ``specification``, and its words."""

    instrument: Annotated[str, On(("instruments",))]
    specification: Annotated[str, On(("specifications",))]
    tissue: str = ""
    vessel: str = ""
    medium: str = ""
    isolation: str = ""
    formulation: str = ""
    storage: str = ""
