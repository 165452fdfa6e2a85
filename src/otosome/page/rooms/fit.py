"""The room of fits: readings to a draft, the draft to a fit that is watched, ended and resumed, and what it tells."""

from __future__ import annotations

from pathlib import Path

from otosome.page.fields import sheet
from otosome.page.room import Bench, Query, Room, title_of
from otosome.page.workspace import Item
from otosome.units import Json

_TABLES = (".csv", ".xlsx", ".xls", ".tsv")


def view(bench: Bench, query: Query) -> Json:
    """A fit's answer, a draft to look through, or the readings to begin with."""
    item = bench.workspace.item(query["result"]) if query.get("result") else None
    study = bench.workspace.item(query["study"]) if query.get("study") else None
    file = bench.workspace.item(query["fit"]) if query.get("fit") else _fit_of(bench, study)
    if study is None and file is not None:
        study = _study_of(bench, file)
    return {
        "item": item,
        "title": "" if item is None else title_of(item),
        "fit": None if item is None else _fitted(item.path),
        "file": file,
        "sheet": None if file is None else sheet(file.path, file.name),
        "study": study,
        "question": None if study is None else sheet(study.path, study.name),
        "fits": bench.workspace.items("fit"),
        "sources": [*bench.workspace.results("import"), *_tables(bench)],
        "results": bench.workspace.results("fit"),
        "waits": bool(query.get("job")),
    }


def _fitted(folder: Path) -> Json:
    from otosome.jobs import show

    values: Json = show(folder).as_dict()["result"]
    return values


def _fit_of(bench: Bench, study: Item | None) -> Item | None:
    """The fit file that asks about a study beside it."""
    if study is None:
        return None
    return next((file for file in bench.workspace.items("fit") if _study_of(bench, file) == study), None)


def _study_of(bench: Bench, file: Item) -> Item | None:
    """The study a fit file asks about, where it lies beside it."""
    from otosome.cards import read_toml

    named = file.path.parent / str(read_toml(file.path).get("study", ""))
    return next((item for item in bench.workspace.items("study") if item.path == named), None)


def _tables(bench: Bench) -> list[Item]:
    """Tables that may hold readings."""
    return [item for item in bench.workspace.items("file") if item.path.suffix.lower() in _TABLES]


ROOM = Room(
    "fit",
    "Fit",
    "What do your own readings tell of the model, and what can they not tell?",
    50,
    view,
    ("fit",),
)
