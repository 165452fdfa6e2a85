"""A lot decided, or a process weighed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from otosome.cli.common import (
    Json,
    Shelves,
    carry_out,
    say,
)


def quality(
    batch: Annotated[Path | None, typer.Argument(help="The record of a lot.")] = None,
    reference: Annotated[
        Path | None, typer.Option(help="The record of a lot to compare the count and size with.")
    ] = None,
    history: Annotated[Path | None, typer.Option(help="A folder with the records of earlier lots.")] = None,
    study: Annotated[str | None, typer.Option(help="A study: what each limit is worth in it.")] = None,
    process: Annotated[str | None, typer.Option(help="A process instead: what it makes.")] = None,
    against: Annotated[str | None, typer.Option(help="Another process: what the change does.")] = None,
    lots: Annotated[int, typer.Option(help="Lots of the process.")] = 20,
    shelves: Shelves = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for certificate and report [default: results/<lot>].")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Move an earlier result aside.")] = False,
    as_json: Json = False,
) -> None:
    """Release, refuse or cannot decide: a lot from its files; or what a process makes."""

    def work() -> dict[str, Any]:
        from otosome.catalog import Catalog
        from otosome.errors import BadInput

        catalog = Catalog(tuple(shelves or ()))
        if (batch is None) == (process is None):
            raise BadInput(
                "asks for the record of a lot, or for --process", cure="otosome quality BATCH.toml"
            )
        if process is not None:
            return _process_answer(process, against, lots, catalog, as_json)
        assert batch is not None
        return _lot_answer(batch, (reference, history, study), (out, force), catalog, as_json)

    carry_out("quality", as_json, work)


def _process_answer(
    process: str, against: str | None, lots: int, catalog: Any, as_json: bool
) -> dict[str, Any]:
    from otosome.lots.production import change, making
    from otosome.lots.text import change_words, process_words

    told = making(process, catalog, lots)
    changed = None if against is None else change(process, against, catalog, lots)
    if not as_json:
        print(process_words(told))
        if changed is not None:
            print(change_words(changed))
    notes = [f"{len(told['assumed'])} numbers of {process} are assumed: {', '.join(told['assumed'])}."]
    return {"result": {**told, "change": changed}, "notes": notes}


def _lot_answer(
    batch: Path,
    beside: tuple[Path | None, Path | None, str | None],
    place: tuple[Path | None, bool],
    catalog: Any,
    as_json: bool,
) -> dict[str, Any]:
    from otosome.lots.assessment import assess
    from otosome.lots.text import lot_words
    from otosome.lots.values import lot_values
    from otosome.results import check_free, fill_lot, writing

    reference, folder, study = beside
    found = assess(batch, catalog)
    result = lot_values(found)
    out = place[0] if place[0] is not None else Path("results") / found.lot.name
    check_free(out, place[1])
    result["history"] = None if folder is None else _history(folder, batch, found, catalog)
    result["reference"] = None if reference is None else _compared(found, assess(reference, catalog))
    result["stakes"] = None if study is None else _stakes(found, batch, study, catalog)
    with writing(out, place[1]) as part:
        fill_lot(part, found, result)
    if not as_json:
        print(lot_words(result))
        print(f"report: {(out / 'report.html').resolve()}")
    for note in found.lot.notes:
        say(f"note: {note}")
    return {"out": str(out), "inputs": dict(found.inputs), "result": result, "notes": list(found.lot.notes)}


def _history(folder: Path, batch: Path, found: Any, catalog: Any) -> dict[str, Any]:
    from otosome.lots.earlier import history, read_history
    from otosome.lots.values import history_values

    return history_values(history(read_history(folder, catalog, but=batch), found))


def _compared(found: Any, reference: Any) -> dict[str, Any]:
    from otosome.lots.values import comparison_values

    return comparison_values(found, reference)


def _stakes(found: Any, batch: Path, study: str, catalog: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from otosome.lots.stakes import stakes

    return asdict(stakes(found, batch, study, catalog))
