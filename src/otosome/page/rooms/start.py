"""The first room: what there is to do here, and what was done last."""

from __future__ import annotations

from otosome.page.room import Bench, Query, Room
from otosome.page.workspace import UNREAD
from otosome.units import Json

_RECENT = 8


def view(bench: Bench, query: Query) -> Json:
    """The newest results."""
    results = bench.workspace.results()
    return {
        "results": results[:_RECENT],
        "total": len(results),
        "unreadable": bench.workspace.items(UNREAD),
    }


ROOM = Room("start", "Start", "From a laboratory's files to a decision, on your own machine.", 0, view)
