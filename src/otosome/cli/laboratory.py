"""A laboratory's files in, and what is filled in by hand begun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otosome.cli.common import (
    Json,
    Shelves,
    carry_out,
    say,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otosome.catalog import Catalog
    from otosome.laboratory.file import Export
    from otosome.laboratory.reading import Unsure

# What ``new`` writes: where, and what to do with it then.
_NEW = {
    "study": ("my_study.toml", "run it with: otosome run"),
    "animals": ("animals.csv", "fill it in, then: otosome import PATH... --animals"),
    "mapping": ("mapping.toml", "say in it what each column holds, then: otosome import PATH... --mapping"),
    "fit": ("my_study.toml", "run it with: otosome run"),
    "batch": ("my_batch.toml", "fill it in, then decide with: otosome quality"),
}


def import_(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or folders of files, as instruments write them.")
    ],
    animals: Annotated[
        Path | None, typer.Option(help="The sheet that says which subject is in which group.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="What the columns of tables and the wells of plates hold.")
    ] = None,
    species: Annotated[
        str, typer.Option(help="Of subjects the sheet does not name: mouse, rat, guinea_pig, human.")
    ] = "",
    voltage: Annotated[
        str, typer.Option(help="Unit of waveforms whose file states none: nV, uV, mV, V.")
    ] = "",
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables [default: results/import].")] = None,
    force: Annotated[bool, typer.Option("--force", help="Move an earlier import aside.")] = False,
    as_json: Json = False,
) -> None:
    """Read a laboratory's files into one table, with thresholds and a list of what was refused."""

    def work() -> dict[str, Any]:
        from otosome.catalog import Catalog
        from otosome.laboratory.animals import Animals
        from otosome.laboratory.intake import intake
        from otosome.laboratory.mapping import Meaning
        from otosome.laboratory.reading import Unsure
        from otosome.results import check_free, fill_intake, writing

        folder = out if out is not None else Path("results") / "import"
        check_free(folder, force)
        _check_given(species, voltage)
        sheet = None if animals is None else Animals.read(animals)
        meaning = Meaning() if mapping is None else Meaning.read(mapping)
        try:
            with writing(folder, force) as part:
                results = intake(paths, Catalog(tuple(shelves or ())), sheet, meaning, species, voltage)
                fill_intake(part, results, None if sheet is None else sheet.rows)
        except Unsure as error:
            _begin_mapping(error, folder)
            raise
        rows = {
            "files": len(results.files), "readings": len(results.readings), "particles": len(results.particles),
            "waveforms": len(results.waveforms), "wells": len(results.wells), "thresholds": len(results.estimated),
            "refused": len(results.refused),
        }  # fmt: skip
        for note in results.notes:
            say(f"note: {note}")
        if not as_json:
            named = {"thresholds": "thresholds from waveforms"}
            print(", ".join(f"{count} {named.get(name, name)}" for name, count in rows.items()))
            print(f"contact sheet: {(folder / 'contact.html').resolve()}")
        if results.unsure:
            _print_columns(results.unsure, folder / "mapping.toml")
        refused = [vars(line) for line in results.refused]
        result = {"rows": rows, "files": results.files, "refused": refused}
        return {"out": str(folder), "inputs": results.inputs, "result": result, "notes": results.notes}

    carry_out("import", as_json, work)


def _check_given(species: str, voltage: str) -> None:
    from otosome.errors import BadInput
    from otosome.laboratory.mapping import SPECIES, VOLTAGES

    for key, value, allowed in (("species", species, SPECIES), ("voltage", voltage, ("", *VOLTAGES))):
        if value not in allowed:
            raise BadInput(
                f"is no {key} that is known", key=f"--{key}", given=value, allowed=list(allowed[1:])
            )


def _begin_mapping(error: Unsure, folder: Path) -> None:
    """Print the columns of the tables nobody knows, and write a mapping to fill in beside the folder of results."""
    from otosome.laboratory.mapping import draft

    if not error.tables:
        return
    file = folder.with_name(f"{folder.name}_mapping.toml")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(draft(error.tables))
    except FileExistsError:
        error.cure = f"fill in {file}, which is there already, then import with --mapping {file}"
    else:
        error.cure = f"say in {file} what each column holds, then import with --mapping {file}"
    _print_columns(error.tables, file)


def _print_columns(tables: Sequence[Export], file: Path) -> None:
    """On the terminal's error stream, so that a program's output stays one JSON document."""
    from otosome.laboratory.mapping import names_of

    for table in tables:
        where = f", sheet {table.sheet}" if table.sheet else ""
        say(f"{table.name}{where} has these columns: {', '.join(names_of(table))}")
    say(f"mapping to fill in: {file}")


def new(
    kind: Annotated[str, typer.Argument(help="study, animals, mapping, fit or batch")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="For animals: the files the sheet is for; for a batch: its exports and plates."),
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="For fit: the table that import wrote.")
    ] = None,
    shelves: Shelves = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write [default: my_study.toml, animals.csv or my_batch.toml]."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Begin a file: a study, an animals sheet, a study to fit, a lot's record."""

    def work() -> dict[str, Any]:
        from otosome.catalog import Catalog
        from otosome.errors import BadInput

        if kind not in _NEW:
            raise BadInput("is not something new can write", given=kind, allowed=list(_NEW))
        if paths and kind in ("study", "fit"):
            raise BadInput("takes no files", key=f"new {kind}", given=str(paths[0]))
        if source is not None and kind != "fit":
            raise BadInput("takes no --from", key=f"new {kind}", given=str(source))
        usual, then = _NEW[kind]
        file = out if out is not None else Path(usual)
        _write_new(file, _begun(kind, paths or [], source, file, Catalog(tuple(shelves or ()))))
        if not as_json:
            print(f"wrote {file}; {then} {file}")
        return {"out": str(file), "result": {}, "notes": []}

    carry_out("new", as_json, work)


def _begun(kind: str, paths: list[Path], source: Path | None, file: Path, catalog: Catalog) -> str:
    """The text of what ``new`` writes into a file."""
    if kind == "animals":
        return _animals(paths, catalog)
    if kind == "mapping":
        return _mapping(paths)
    if kind == "fit":
        return _fit(source, file, catalog)
    if kind == "batch":
        return _record(paths, file, catalog)
    from otosome.study import TEMPLATE

    return TEMPLATE.read_text(encoding="utf-8")


def _animals(paths: list[Path], catalog: Catalog) -> str:
    from otosome.errors import BadInput
    from otosome.laboratory.animals import template
    from otosome.laboratory.intake import intake
    from otosome.results import tame

    if not paths:
        raise BadInput(
            "needs the files the sheet is for", key="new animals", cure="otosome new animals PATH..."
        )
    results = intake(paths, catalog)
    tables = [table for table in (results.readings, results.waveforms) if len(table)]
    if not tables:
        raise BadInput(
            "holds nothing of an animal", file=str(paths[0]),
            cure="name files of readings or waveforms; a batch of particles needs no sheet",
        )  # fmt: skip
    return tame(template(tables)).to_csv(index=False)


def _mapping(paths: list[Path]) -> str:
    from otosome.errors import BadInput
    from otosome.laboratory.file import Export
    from otosome.laboratory.mapping import draft
    from otosome.laboratory.workbook import is_workbook, sheets

    if not paths:
        raise BadInput("needs the tables it is for", key="new mapping", cure="otosome new mapping FILE...")
    exports = [Export.open(path) for path in paths]
    return draft(
        [part for export in exports for part in (sheets(export) if is_workbook(export) else [export])]
    )


def _fit(source: Path | None, file: Path, catalog: Catalog) -> str:
    from otosome.errors import BadInput
    from otosome.laboratory.draft import draft

    if source is None:
        raise BadInput("needs a table", key="new fit", cure="otosome new fit --from results/import")
    return draft(source, catalog, file.name)


def _record(paths: list[Path], file: Path, catalog: Catalog) -> str:
    from otosome.lots.template import template

    name = "".join(c if c.isalnum() and c.isascii() else "_" for c in file.stem)[:40].strip("_") or "lot"
    return template(paths, file.parent, name, catalog)


def _write_new(file: Path, text: str) -> None:
    """A file that was not there before; raises BadInput if it was."""
    from otosome.errors import BadInput

    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise BadInput(
            "is there already; nothing is overwritten", file=str(file), cure="name another --out"
        ) from error
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=str(file)) from error
