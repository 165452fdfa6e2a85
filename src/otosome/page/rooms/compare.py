"""The room of comparisons: a person's audiogram, therapies side by side, and what the choice turns on."""

from __future__ import annotations

from pathlib import Path

from otosome.page.room import Bench, Query, Room, title_of
from otosome.units import Json


def view(bench: Bench, query: Query) -> Json:
    """Therapies laid side by side, or the studies and audiograms to begin with."""
    item = bench.workspace.item(query["result"]) if query.get("result") else None
    drop = bench.workspace.item(query["drop"]) if query.get("drop") else None
    return {
        "item": item,
        "title": "" if item is None else title_of(item),
        "beside": None if item is None else _beside(item.path),
        "studies": _studies(bench),
        "audiograms": _audiograms(bench, drop.path if drop else None),
        "results": bench.workspace.results("compare"),
        "waits": bool(query.get("job")),
    }


def _beside(folder: Path) -> Json:
    from otosome.jobs import show

    values: Json = show(folder).as_dict()["result"]["therapies"]
    return values


def _studies(bench: Bench) -> list[tuple[str, str]]:
    """Studies whose arms may be therapies: those that came with otosome, by name, then the folder's own, by id."""
    from otosome.study.files import titles

    shipped = sorted(titles().items(), key=lambda pair: (not pair[0].startswith("compare_"), pair[0]))
    return [*shipped, *((item.id, item.title) for item in bench.workspace.items("study"))]


def _audiograms(bench: Bench, first: Path | None) -> list[tuple[str, str]]:
    """Files that may hold an audiogram, those just dropped first."""
    files = [
        item
        for item in bench.workspace.items("file")
        if item.path.suffix.lower() in (".csv", ".xml", ".json")
    ]
    ordered = sorted(files, key=lambda item: first is None or first not in item.path.parents)
    return [(item.id, item.name) for item in ordered]


ROOM = Room(
    "compare",
    "Compare",
    "Which therapy for this person: words, cells and adverse events, side by side.",
    70,
    view,
    ("compare",),
)
