"""The room of trials and doses: designs filled in, answered by formula or with simulated patients, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from otosome.page.fields import sheet
from otosome.page.room import Bench, Query, Room
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.trials.answer import DesignAnswer


def view(bench: Bench, query: Query) -> Json:
    """Designs answered, a design or dose to fill in, or what there is to begin with."""
    item = bench.workspace.item(query["result"]) if query.get("result") else None
    file = bench.workspace.item(query["design"]) if query.get("design") else None
    return {
        "item": item,
        **({"answers": [], "panels": {}} if item is None else _answered(item.path)),
        "file": file,
        "sheet": None if file is None else sheet(file.path, file.name),
        "designs": bench.workspace.items("design"),
        "doses": bench.workspace.items("dose"),
        "results": bench.workspace.results("trial", "optimise"),
        "waits": bool(query.get("job")),
    }


def _answered(folder: Path) -> Json:
    """The answers of a result, with their charts drawn as in its report."""
    from pydantic import TypeAdapter

    from otosome.jobs import show
    from otosome.report.trial import panels
    from otosome.trials.answer import DesignAnswer

    stored = show(folder).as_dict()["result"]["designs"]
    answers: list[DesignAnswer] = TypeAdapter(list[DesignAnswer]).validate_python(stored)
    return {"answers": answers, "panels": {each.name: panels(each) for each in answers}}


ROOM = Room(
    "trial",
    "Trial and dose",
    "How many animals or people show it, and which dose does most within its limits?",
    60,
    view,
    ("trial", "optimise"),
)
