"""The room of trials and doses: designs answered side by side; a dose sought, its regimens weighed and opened."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from otosome.errors import BadInput
from otosome.page.commands import Id
from otosome.page.fields import sheet
from otosome.page.room import Bench, Query, Room
from otosome.page.workspace import Item, identity
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.trials.answer import DesignAnswer

TRIAL, OPTIMISE = "trial", "optimise"
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Chosen(BaseModel):
    """A regimen of a dose that was sought, by its number from 0."""

    model_config = ConfigDict(extra="forbid")

    result: Id
    regimen: Annotated[int, Field(ge=0, le=10_000)]


class Front(TypedDict):
    """Regimens by a preference: what each is worth, which are not bettered with fewer particles, and the best."""

    values: list[float]
    front: list[int]
    best: int | None


class StudyWritten(TypedDict):
    """The study file that a regimen became."""

    id: str
    name: str


def view(bench: Bench, query: Query) -> Json:
    """Designs answered, a design or dose to fill in, or what there is to begin with."""
    item = bench.workspace.item(query["result"]) if query.get("result") else None
    file = bench.workspace.item(query["design"]) if query.get("design") else None
    sought = item is not None and item.record is not None and item.record.verb == OPTIMISE
    return {
        "item": item,
        **({"answers": [], "panels": {}} if item is None else _answered(item.path)),
        "sought": _sought(item) if item is not None and sought else None,
        "file": file,
        "sheet": None if file is None else sheet(file.path, file.name),
        "designs": bench.workspace.items("design"),
        "doses": bench.workspace.items("dose"),
        "results": bench.workspace.results(TRIAL, OPTIMISE),
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


def _sought(item: Item) -> Json:
    """The regimens of a dose, for the figure whose points are chosen; the unit they are compared in."""
    from otosome.jobs import show
    from otosome.jobs.dosing import regimen_rows

    assert item.record is not None  # of a dose that was sought
    rows = [asdict(row) for row in regimen_rows(item.path, item.record)]
    lines = show(item.path).as_dict()["result"]["designs"][0]["plan"]["parts"][0]["lines"]
    unit = next((line["unit"] for line in lines if line["unit"]), "")
    return {"rows": rows, "unit": unit, "adverse_events": any(row["adverse_events"] for row in rows)}


def routes(bench: Bench) -> APIRouter:
    """What the room's script asks."""
    api = APIRouter(prefix="/trial", tags=["trial"])

    @api.get("/front")
    def front(result: Id, adverse_events: Weight = 1.0, tenfold: Weight = 0.0) -> Front:
        """Regimens by what adverse events weigh, and what ten times the particles must bring."""
        from otosome.jobs.dosing import regimen_rows, weighed

        item = _dose(bench, result)
        assert item.record is not None  # of a dose
        own = weighed(regimen_rows(item.path, item.record), adverse_events, tenfold)
        return Front(values=own.values, front=own.front, best=own.best)

    @api.post("/regimen")
    def regimen(question: Chosen) -> StudyWritten:
        """Write a regimen as a study of its own, beside the dose's file."""
        from otosome.jobs.dosing import dose_file, regimen_study

        item = _dose(bench, question.result)
        assert item.record is not None  # of a dose
        root, dose = bench.workspace.folder.resolve(), dose_file(item.record)
        if not dose.is_relative_to(root):
            raise BadInput(
                "was not sought in this folder", file=item.name, cure="open the folder of its file"
            )
        file = bench.workspace.free(dose.with_name(f"{dose.stem}_regimen_{question.regimen + 1}.toml"))
        regimen_study(item.path, item.record, question.regimen, file)
        bench.workspace.forget()
        name = file.relative_to(root).as_posix()
        return StudyWritten(id=identity(name), name=name)

    return api


def _dose(bench: Bench, name: str) -> Item:
    item = bench.workspace.item(name)
    if item.record is None or item.record.verb != OPTIMISE:
        raise BadInput("is no dose that was sought", file=item.name, cure="choose one in Trial and dose")
    return item


ROOM = Room(
    "trial",
    "Trial and dose",
    "How many animals or people show it, and which dose does most within its limits?",
    60,
    view,
    (TRIAL, OPTIMISE),
    routes,
)
