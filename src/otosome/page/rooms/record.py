"""The room of records: every result there is, and each with its report, its files and whether it still stands."""

from __future__ import annotations

from otosome.page.room import Bench, Query, Room
from otosome.units import Json


def view(bench: Bench, query: Query) -> Json:
    """All results, and the chosen one."""
    item = bench.workspace.item(query["result"]) if query.get("result") else None
    return {"results": bench.workspace.results(), "item": item}


ROOM = Room(
    "record", "Record", "What was done here, from which files, and whether it still stands.", 90, view
)
