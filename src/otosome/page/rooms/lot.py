"""The room of lots: from a lot's files to a record, and from the record to a decision with its certificate."""

from __future__ import annotations

from pathlib import Path

from otosome.page.fields import sheet
from otosome.page.room import Bench, Query, Room
from otosome.report.guards import guard_lines
from otosome.units import Json


def view(bench: Bench, query: Query) -> Json:
    """A decided lot, a record to fill in, or what there is to begin with."""
    item = bench.workspace.item(query["result"]) if query.get("result") else None
    record = bench.workspace.item(query["lot"]) if query.get("lot") else None
    lot = None if item is None else _decided(item.path)
    return {
        "item": item,
        "lot": lot,
        "guards": [] if lot is None else guard_lines(lot["tests"]),
        "record": record,
        "sheet": None if record is None else sheet(record.path, record.name),
        "records": bench.workspace.items("lot"),
        "results": bench.workspace.results("quality"),
        "studies": _studies(bench) if record else [],
        "waits": bool(query.get("job")),
    }


def _decided(folder: Path) -> Json:
    """What was decided, as ``otosome show --json`` says it."""
    from otosome.jobs import show

    values: Json = show(folder).as_dict()["result"]
    return values


def _studies(bench: Bench) -> list[tuple[str, str]]:
    """Studies that a lot may be tried in: those of the folder by id, those that came with otosome by name."""
    from otosome.study.files import titles

    own = [(item.id, item.title) for item in bench.workspace.items("study")]
    return [*own, *titles().items()]


ROOM = Room(
    "lot", "Lot", "Is this batch good enough to give? From its files to a decision.", 20, view, ("quality",)
)
