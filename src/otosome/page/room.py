"""A room of the page: a module in ``rooms/`` with a ``ROOM``, and a template of the same name; no list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.page.work import Work
from otosome.page.workspace import Item, Workspace
from otosome.units import Json

if TYPE_CHECKING:
    from fastapi import APIRouter

Query = Mapping[str, str]


@dataclass(frozen=True)
class Bench:
    """What every room stands on: the folder, and the jobs in it."""

    workspace: Workspace
    work: Work


@dataclass(frozen=True)
class Room:
    """A room: its ``name`` in addresses, its ``title``, a sentence ``about`` it, and its ``place`` in the list.

    ``view``    what its template shows, of the bench and the address's question
    ``verbs``   whose results it shows, at ``/<name>?result=ID``
    ``routes``  its own part of the JSON API, where it has one
    """

    name: str
    title: str
    about: str
    place: int
    view: Callable[[Bench, Query], Json]
    verbs: tuple[str, ...] = ()
    routes: Callable[[Bench], APIRouter] | None = None


def rooms() -> list[Room]:
    """Every room there is, in order: the modules of ``rooms/``."""
    folder = str(Path(__file__).parent / "rooms")
    modules = (
        importlib.import_module(f"otosome.page.rooms.{module.name}")
        for module in pkgutil.iter_modules([folder])
    )
    listed: list[Room] = [module.ROOM for module in modules]
    return sorted(listed, key=lambda room: room.place)


def chosen(bench: Bench, query: Query, *verbs: str) -> Item | None:
    """The result an address asks for, else the newest of these verbs; None where there is none."""
    if query.get("result"):
        return bench.workspace.item(query["result"])
    return next(iter(bench.workspace.results(*verbs)), None)


def title_of(item: Item) -> str:
    """What the study of a result is called; the result's own name where that cannot be read."""
    from otosome.cards import read_toml
    from otosome.results import STUDY

    file = item.path / STUDY
    return str(read_toml(file).get("title", item.title)) if file.is_file() else item.title
