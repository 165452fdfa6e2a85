"""The room of evidence: what is claimed, what the world published, every source, and which results still stand."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from otosome.errors import BadInput
from otosome.page.room import Bench, Query, Room, chosen
from otosome.page.workspace import DOUBTED
from otosome.units import Json

PARTS = {"claims": "Claims", "review": "Studies", "map": "Map", "sources": "Sources"}
_FIRST = 25  # sources that a page shows before it is asked for all
Side = Literal["product", "endpoint", "read_on", "moment", "dose", "insult", "route", "species"]
Place = Literal["", "animals", "people", "culture"]


class Doubt(BaseModel):
    """A source taken as withdrawn, with the reason; or no longer."""

    model_config = ConfigDict(extra="forbid")

    withdrawn: bool
    reason: Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


class Doubted(BaseModel):
    """The sources that are taken as withdrawn here."""

    keys: list[str]


def view(bench: Bench, query: Query) -> Json:
    """Claims as cards, a review, or the sources; by the address's ``part``."""
    part = "review" if query.get("result") else query.get("part", "claims")
    values: Json = {
        "part": part if part in PARTS else "claims",
        "parts": PARTS,
        "waits": bool(query.get("job")),
    }
    if values["part"] == "review":
        return {**values, **_studies(bench, query)}
    if values["part"] == "map":
        return {**values, **_map(query)}
    if values["part"] == "sources":
        return {**values, **_sources(bench, query)}
    return {**values, **_claims(bench, query)}


def _claims(bench: Bench, query: Query) -> Json:
    """The table that came with otosome, or one that was computed here."""
    from otosome.report.claims import printed

    computed = bench.work.answer(query["computed"]) if query.get("computed") else {}
    stored = _shipped_claims()
    rows = printed(computed["result"]["rows"]) if computed.get("ok") else stored["rows"]
    return {
        "rows": [{**row, "figure": _written(row["figure"]), "words": _written(row["words"])} for row in rows],
        "version": stored["version"],
        "stale": stored["stale"],
        "computed": bool(computed.get("ok")),
    }


def _written(text: str) -> str:
    """Numbers of a claim as reports write them: powers of ten raised, and a true minus."""
    from otosome.answers.numbers import power

    raised = re.sub(r"(?<=\d)e([+-]?\d+)", lambda part: f"×10{power(int(part[1]))}", text)
    return re.sub(r"(?<![\w.])-(?=\d)", "−", raised)


@functools.cache
def _shipped_claims() -> Json:
    """The table that came with otosome; whether it is stale takes a look at every shelf, so once."""
    from otosome.report.claims import claims

    return claims("")


def _studies(bench: Bench, query: Query) -> Json:
    from otosome.jobs import show
    from otosome.review.question import QUESTIONS

    item = chosen(bench, query, "review")
    return {
        "item": item,
        "questions": {name: heading for name, (_, heading) in QUESTIONS.items()},
        "review": None if item is None else show(item.path).as_dict()["result"],
    }


def _map(query: Query) -> Json:
    """What was measured, laid out as the address says; the findings of the field or the experiment it names."""
    from otosome.jobs.reviewing import evidence_map
    from otosome.report.coverage import MARKS, SAYS
    from otosome.review.coverage import AXES, PLACES

    sides = {
        "down": query.get("down", "product"),
        "across": query.get("across", "endpoint"),
        "place": query.get("place", ""),
    }
    refusal = ""
    try:
        drawn = evidence_map(**sides)
    except BadInput as fault:
        refusal, sides = str(fault), {"down": "product", "across": "endpoint", "place": ""}
        drawn = evidence_map(**sides)
    row, column, experiment = (query.get(name, "") for name in ("row", "column", "experiment"))
    field = row in drawn.map.rows and column in drawn.map.columns
    inside = [
        each
        for each in drawn.findings
        if each.experiment == experiment
        or (
            not experiment and (getattr(each, sides["down"]), getattr(each, sides["across"])) == (row, column)
        )
    ]
    return {
        **sides,
        "refusal": refusal,
        "map": drawn.map,
        "axes": AXES,
        "places": PLACES,
        "marks": MARKS,
        "says": SAYS,
        "experiments": len({each.experiment for each in drawn.findings}),
        "row": row if field else "",
        "column": column if field else "",
        "chosen": inside,
    }


def _sources(bench: Bench, query: Query) -> Json:
    """Every paper on the shelf: where, how far it was read and how it stands; and what a check has said."""
    from otosome.catalog import SHIPPED, Catalog
    from otosome.report.provenance import address

    catalog, doubted = Catalog(), _doubted(bench)
    keys = sorted(file.stem for file in (SHIPPED / "sources").glob("*.toml"))
    sources = sorted(
        (catalog.source(key) for key in keys), key=lambda source: (-(source.year or 0), source.key)
    )
    checked = bench.work.answer(query["checked"]) if query.get("checked") else {}
    return {
        "rows": [
            {
                "key": source.key,
                "title": source.title,
                "authors": source.authors,
                "year": source.year,
                "href": address(source.link),
                "read": source.read,
                "standing": source.standing,
                "doubted": source.key in doubted,
            }
            for source in sources
        ],
        "doubted": doubted,
        "first": _FIRST,
        "results": bench.workspace.results("run", "compare", "review"),
        "checked": [_checked(bench, row) for row in checked["result"]["rows"]] if checked.get("ok") else None,
    }


def _checked(bench: Bench, row: Json) -> Json:
    """A row of a check with the result it is of."""
    return {**row, "item": bench.workspace.at(Path(row["result"]))}


def _doubted(bench: Bench) -> list[str]:
    return sorted(file.stem for file in (bench.workspace.own / DOUBTED / "sources").glob("*.toml"))


def routes(bench: Bench) -> APIRouter:
    """A source taken as withdrawn, and as it stands again; the map as files."""
    from otosome.jobs.reviewing import evidence_map

    router = APIRouter()

    @router.get("/map.csv", response_class=Response)
    def findings(down: Side = "product", across: Side = "endpoint", place: Place = "") -> Response:
        """What published experiments measured, as CSV."""
        drawn = evidence_map(down, across, place)
        return _file(drawn.csv().encode("utf-8"), "text/csv; charset=utf-8", "map.csv")

    @router.get("/map.svg", response_class=Response)
    def drawing(down: Side = "product", across: Side = "endpoint", place: Place = "") -> Response:
        """The map of it, as a figure for print."""
        return _file(evidence_map(down, across, place).svg(), "image/svg+xml", "map.svg")

    @router.post("/sources/{key}")
    def doubt(key: Annotated[str, Field(pattern="^[a-z0-9_]{1,100}$")], stated: Doubt) -> Doubted:
        """Take a source as withdrawn in this folder, to see which results move; or undo that."""
        from otosome.catalog import Catalog

        source = Catalog().source(key)
        file = bench.workspace.own / DOUBTED / "sources" / f"{source.key}.toml"
        if stated.withdrawn:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_withdrawn(stated.reason), encoding="utf-8", newline="\n")
        else:
            file.unlink(missing_ok=True)
        return Doubted(keys=_doubted(bench))

    return router


def _file(content: bytes, kind: str, name: str) -> Response:
    """A file that a browser stores."""
    return Response(
        content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _withdrawn(reason: str) -> str:
    """A source's file that says it was withdrawn today."""
    import tomli_w

    today = datetime.now(UTC).date().isoformat()
    return tomli_w.dumps(
        {"standing": "withdrawn", "date": today, "reason": reason or "taken so, to see what moves"}
    )


ROOM = Room(
    "evidence",
    "Evidence",
    "What is claimed of this therapy, what was published, and what each number stands on.",
    40,
    view,
    ("review",),
    routes,
)
