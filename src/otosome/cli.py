"""The command line: every verb, one message on bad input, one JSON object for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from otosome import __version__

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Develop exosome therapies for hearing loss in silico. Research only; not for treating anyone.",
)

_Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
# With fewer, an end of the interval is the one world that happened to lie there.
_FEW_WORLDS = 5
_Shelves = Annotated[
    list[Path] | None,
    typer.Option("--shelves", help="A folder of your own shelves (it holds code: trust it)."),
]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"otosome {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    pass


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _answer(command: str, as_json: bool, work: Callable[[], dict[str, Any]]) -> None:
    """Run a verb; print its answer, or the one message that says what was wrong with the input."""
    from otosome.catalog import own_fault
    from otosome.evidence import BadInput

    try:
        answer = work()
    except KeyboardInterrupt:
        _say(f"otosome {command}: interrupted; nothing was replaced")
        raise typer.Exit(130) from None
    except Exception as error:
        told = error if isinstance(error, BadInput) else own_fault(error)
        if told is None:
            raise
        if as_json:
            _refuse(command, told.as_dict())
        _say(f"otosome {command}: {told}")
        raise typer.Exit(2) from error
    if as_json:
        head = {"otosome": __version__, "command": command, "ok": True}
        print(json.dumps({**head, **answer}))


def _refuse(command: str, error: dict[str, object]) -> None:
    """The one object for machines; in ASCII, which every terminal and every file name survives."""
    print(json.dumps({"otosome": __version__, "command": command, "ok": False, "error": error}))


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")],
    subjects: Annotated[int, typer.Option(min=1, max=1_000_000, help="Ears to simulate.")] = 200,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")] = None,
    batch: Annotated[Path | None, typer.Option(help="A batch TOML or an instrument export.")] = None,
    shelves: _Shelves = None,
    allow_retracted: Annotated[
        list[str] | None, typer.Option(help="A retracted source that may be used all the same.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Result folder [default: results/<study>].")] = None,
    force: Annotated[bool, typer.Option("--force", help="Move an earlier result aside.")] = False,
    as_json: _Json = False,
) -> None:
    """Simulate a study and write its report."""

    def work() -> dict[str, Any]:
        from otosome.results import check_free, fill, writing
        from otosome.scenario import load

        made = load(
            study, shelves=tuple(shelves or ()), batch=batch, allow_retracted=tuple(allow_retracted or ())
        )
        folder = out if out is not None else Path("results") / made.name
        check_free(folder, force)
        chosen = seed if seed is not None else made.scenario.seed if made.scenario.seed is not None else 1
        with writing(folder, force) as part:
            from otosome.forward import draw, observe
            from otosome.weigh import answer

            table = draw(made, subjects=subjects, seed=chosen)
            with _progress() as tick:
                result = answer(made, table, tick=tick)
            fill(part, result, observe(made, result, table), dict(made.inputs))
        report = (folder / "report.html").resolve()
        headline = json.loads(result.attrs["headline"])
        notes = json.loads(result.attrs["notes"])
        for note in notes:
            _say(f"note: {note}")
        if not as_json:
            print(_headline(headline))
            print(f"report: {report}")
        return {
            "out": str(folder), "inputs": dict(made.inputs), "seed": chosen,
            "result": {"headline": headline, "errors": json.loads(result.attrs["errors"])}, "notes": notes,
        }  # fmt: skip

    _answer("run", as_json, work)


def _headline(headline: dict[str, Any]) -> str:
    if not headline:
        return "no comparison was asked for (the study has no [compare])"
    null, worlds = headline.get("null_benefit"), headline["knowledge"]["worlds"]
    text = f"benefit of '{headline['of']}' against '{headline['against']}': {_told(headline, 'benefit')}"
    share = ", ".join(f"{100 * v:.0f} % {k}" for k, v in headline["share"].items() if v >= 0.005)
    text += f"\n  rests on: {share or 'nothing that moves it'}"
    if null is not None:
        text += f"\n  null-vesicle twin: {_told(headline, 'null_benefit')}"
    if worlds < _FEW_WORLDS:
        text += (
            f"\n  {worlds} world{'s' if worlds > 1 else ''}, each one draw of what is not known: "
            "too few for this interval to hold; take more --subjects"
        )
    return text + "\n  research only; not for treating anyone"


def _told(headline: dict[str, Any], key: str) -> str:
    """Median and ends to a tenth; nothing reads 0.0, never -0.0."""
    median, low, high = (round(headline[key][end], 1) + 0.0 for end in ("median", "low", "high"))
    return f"{median:.1f} {headline['unit']} ({low:.1f} to {high:.1f})"


def _progress(doing: str = "simulating") -> Any:
    """A progress bar on standard error, silent where nobody watches."""
    from contextlib import contextmanager

    @contextmanager
    def bar() -> Any:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(doing, total=None)

            def tick(done: int, of: int) -> None:
                progress.update(task, completed=done, total=of)

            yield tick

    return bar()


@app.command(name="import")
def import_(
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or folders of files, as instruments write them.")
    ],
    animals: Annotated[
        Path | None, typer.Option(help="The sheet that says which subject is in which group.")
    ] = None,
    shelves: _Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables [default: results/import].")] = None,
    force: Annotated[bool, typer.Option("--force", help="Move an earlier import aside.")] = False,
    as_json: _Json = False,
) -> None:
    """Read a laboratory's files into one table, with thresholds and a list of what was refused."""

    def work() -> dict[str, Any]:
        from otosome.animals import Animals
        from otosome.catalog import Catalog
        from otosome.intake import intake
        from otosome.results import check_free, fill_intake, writing

        folder = out if out is not None else Path("results") / "import"
        check_free(folder, force)
        sheet = None if animals is None else Animals.read(animals)
        with writing(folder, force) as part:
            made = intake(paths, Catalog(tuple(shelves or ())), sheet)
            fill_intake(part, made, None if sheet is None else sheet.rows)
        rows = {
            "files": len(made.files), "readings": len(made.readings), "particles": len(made.particles),
            "waveforms": len(made.waveforms), "thresholds": len(made.estimated), "refused": len(made.refused),
        }  # fmt: skip
        for note in made.notes:
            _say(f"note: {note}")
        if not as_json:
            print(", ".join(f"{count} {name}" for name, count in rows.items()))
            print(f"contact sheet: {(folder / 'contact.html').resolve()}")
        refused = [vars(one) for one in made.refused]
        result = {"rows": rows, "files": made.files, "refused": refused}
        return {"out": str(folder), "inputs": made.inputs, "result": result, "notes": made.notes}

    _answer("import", as_json, work)


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="scenario, animals or fit")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="For animals: the files the sheet is for.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option("--from", help="For fit: the table that import wrote.")
    ] = None,
    shelves: _Shelves = None,
    out: Annotated[
        Path | None, typer.Option(help="The file to write [default: my_study.toml, or animals.csv].")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Write a commented study that runs as it is, an animals sheet to fill in, or a study of what was imported."""

    def work() -> dict[str, Any]:
        from otosome.evidence import BadInput

        if kind not in ("scenario", "animals", "fit"):
            raise BadInput(
                "is not something new can write", given=kind, allowed=["scenario", "animals", "fit"]
            )
        file = out if out is not None else Path("animals.csv" if kind == "animals" else "my_study.toml")
        _write_new(file, _drafted(kind, paths or [], source, tuple(shelves or ()), file.name))
        if not as_json:
            then = (
                "fill it in, then: otosome import PATH... --animals"
                if kind == "animals"
                else "run it with: otosome run"
            )
            print(f"wrote {file}; {then} {file}")
        return {"out": str(file), "result": {}, "notes": []}

    _answer("new", as_json, work)


def _drafted(kind: str, paths: list[Path], source: Path | None, shelves: tuple[Path, ...], name: str) -> str:
    """The text of what ``new`` writes."""
    from otosome.catalog import Catalog
    from otosome.evidence import BadInput

    if kind != "animals" and paths:
        raise BadInput("takes no files", key=f"new {kind}", given=str(paths[0]))
    if kind == "animals":
        from otosome.animals import template
        from otosome.intake import intake
        from otosome.results import tame

        if not paths:
            raise BadInput(
                "needs the files the sheet is for", key="new animals", cure="otosome new animals PATH..."
            )
        made = intake(paths, Catalog(shelves))
        return tame(template([one for one in (made.readings, made.waveforms) if len(one)])).to_csv(
            index=False
        )
    if kind == "fit":
        from otosome.draft import draft

        if source is None:
            raise BadInput("needs a table", key="new fit", cure="otosome new fit --from results/import")
        return draft(source, Catalog(shelves), name)
    from otosome.scenario import TEMPLATE

    return TEMPLATE.read_text(encoding="utf-8")


def _write_new(file: Path, text: str) -> None:
    """A file that was not there before; raises BadInput if it was."""
    from otosome.evidence import BadInput

    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise BadInput(
            "is there already; nothing is overwritten", file=str(file), cure="name another --out"
        ) from error
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", file=str(file)) from error


@app.command(name="list")
def list_(
    shelf: Annotated[str | None, typer.Argument(help="A shelf [default: all of them].")] = None,
    shelves: _Shelves = None,
    as_json: _Json = False,
) -> None:
    """List what is on a shelf."""

    def work() -> dict[str, Any]:
        from otosome.catalog import SHELVES, Catalog
        from otosome.scenario import titles

        catalog = Catalog(tuple(shelves or ()))
        wanted = list(SHELVES) if shelf is None else [] if shelf == "studies" else [shelf]
        found = {one: {n: catalog.get(one, n).card.about for n in catalog.names(one)} for one in wanted}
        if shelf in (None, "studies"):
            found["studies"] = titles()
        if not as_json:
            for one, entries in found.items():
                print(one)
                for name, about in entries.items():
                    print(f"  {name:<28} {about}")
        return {"result": found, "notes": []}

    _answer("list", as_json, work)


@app.command()
def sources(
    study: Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")],
    shelves: _Shelves = None,
    as_json: _Json = False,
) -> None:
    """The papers a study rests on, and which of its numbers are only assumed."""

    def work() -> dict[str, Any]:
        from otosome.report.summary import read_once
        from otosome.scenario import load
        from otosome.weigh import sources as rows_of

        rows = rows_of(load(study, shelves=tuple(shelves or ())))
        counts = {
            basis: sum(row["basis"] == basis for row in rows) for basis in {row["basis"] for row in rows}
        }
        if not as_json:
            print(f"* {read_once(rows)}")
            for row in rows:
                print(_source_line(row))
            print(", ".join(f"{n} {basis}" for basis, n in sorted(counts.items())))
        once = sum(row["provisional"] for row in rows)
        return {"result": {"rows": rows, "counts": counts, "provisional": once}, "notes": []}

    _answer("sources", as_json, work)


def _source_line(row: dict[str, Any]) -> str:
    from otosome.report.summary import standing

    mark = f"{row['basis']}{'*' if row['provisional'] else ''}"
    shown = row["given"] if row["value"] is None else f"{row['value']:.4g} {row['unit']}"
    stands = f"  [{standing(row)}]" if standing(row) else ""
    return f"{mark:<11} {row['parameter']:<58} {shown}  {row['source'] or ''}{stands}"


@app.command()
def qualify(
    rows: Annotated[
        list[str] | None, typer.Argument(help="Rows such as pk:C03 or ear:B10 [default: all].")
    ] = None,
    worlds: Annotated[
        int, typer.Option(min=2, max=10_000, help="Draws of everything that is not known.")
    ] = 40,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")] = 1,
    shelves: _Shelves = None,
    allow_retracted: Annotated[
        list[str] | None, typer.Option(help="A retracted source that may be used all the same.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", help="Write the table as a document, with a figure beside it.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Every published case simulated beside what was measured."""

    def work() -> dict[str, Any]:
        from otosome.catalog import Catalog
        from otosome.qualification import counts
        from otosome.qualification import qualify as examine
        from otosome.qualification.document import check_writable, print_rows, write_document

        catalog, allowed = Catalog(tuple(shelves or ())), tuple(allow_retracted or ())
        if write is not None:
            check_writable(write, rows)
        with _progress("qualifying") as tick:
            found = examine(rows or None, worlds, seed, catalog, tick, allowed)
        if write is not None:
            write_document(write, found, worlds, seed, catalog, allowed)
        if not as_json:
            print_rows(found)
        told = {"rows": [row.as_dict() for row in found], "counts": counts(found), "worlds": worlds}
        out = {} if write is None else {"out": str(write)}
        return {**out, "seed": seed, "result": told, "notes": []}

    _answer("qualify", as_json, work)


@app.command()
def show(
    result: Annotated[Path, typer.Argument(help="A result folder.")],
    as_json: _Json = False,
) -> None:
    """What a result says."""

    def work() -> dict[str, Any]:
        from otosome.results import open_result

        stored = open_result(result)
        headline = json.loads(stored.attrs["headline"])
        notes = json.loads(stored.attrs["notes"])
        if not as_json:
            print(f"{stored.attrs['name']}: {stored.sizes['subject']} ears, seed {stored.attrs['seed']}")
            print(_headline(headline))
            print(f"report: {(result / 'report.html').resolve()}")
        return {
            "out": str(result),
            "seed": int(stored.attrs["seed"]),
            "result": {"headline": headline},
            "notes": notes,
        }

    _answer("show", as_json, work)


@app.command()
def check(
    results: Annotated[list[Path], typer.Argument(help="Result folders.")],
    shelves: _Shelves = None,
    rerun: Annotated[bool, typer.Option("--rerun", help="Make changed ones anew, beside the old.")] = False,
    as_json: _Json = False,
) -> None:
    """Whether results still stand on the evidence as it is now."""

    def work() -> dict[str, Any]:
        from otosome.results import open_result
        from otosome.standing import check as examine

        rows = []
        for folder in results:
            told = {"result": str(folder), **examine(open_result(folder), tuple(shelves or ()))}
            if rerun and not told["stands"]:
                told["rerun"] = str(_again(folder, tuple(shelves or ())))
            rows.append(told)
            if not as_json:
                _print_standing(told)
        return {"result": {"rows": rows}, "notes": []}

    _answer("check", as_json, work)


def _again(folder: Path, shelves: tuple[Path, ...]) -> Path:
    """Run a result's question with the numbers of now, beside the old result."""
    from otosome.forward import draw, observe
    from otosome.results import fill, open_result, writing
    from otosome.standing import asked_now
    from otosome.weigh import answer

    stored = open_result(folder)
    study = replace(asked_now(stored, shelves), allowed=())
    table = draw(study, stored.sizes["subject"], int(stored.attrs["seed"]))
    beside = folder.with_name(f"{folder.name}.now")
    with writing(beside, force=True) as part:
        result = answer(study, table)
        fill(part, result, observe(study, result, table), {})
    return beside


def _print_standing(told: dict[str, Any]) -> None:
    print(f"{told['result']}: {'stands' if told['stands'] else 'rests on evidence that changed'}")
    for row in told["changed"]:
        print(f"  {row['what']:<9} {row['parameter']}: {row['then']} -> {row['now']}")
    if told["then"] is not None and not told["stands"]:
        print(f"  best-value benefit: {told['then']:.2f} {told['unit']} then, {told['now']:.2f} now")
    for key in told["refused"]:
        print(f"  {key} is retracted: a new run refuses it unless it is allowed by name")
    if "rerun" in told:
        print(f"  made anew: {told['rerun']}")


@app.command()
def changes(
    old: Annotated[Path, typer.Argument(help="A result folder.")],
    new: Annotated[Path, typer.Argument(help="A later one of the same study.")],
    as_json: _Json = False,
) -> None:
    """What evidence changed between two results, and how their conclusions moved."""

    def work() -> dict[str, Any]:
        from otosome.results import open_result
        from otosome.standing import between

        told = between(open_result(old), open_result(new))
        if not as_json:
            for row in told["changed"]:
                print(f"{row['what']:<9} {row['parameter']}: {row['then']} -> {row['now']}")
            for name in ("then", "now"):
                if told[name] is not None:
                    b = told[name]
                    print(f"{name}: {b['median']:.2f} ({b['low']:.2f} to {b['high']:.2f}) {told['unit']}")
        return {"result": told, "notes": []}

    _answer("changes", as_json, work)


@app.command()
def claims(
    claim: Annotated[list[str] | None, typer.Argument(help="Claims by name [default: all].")] = None,
    ears: Annotated[int, typer.Option(min=2, max=100_000, help="Ears of each figure; an even number.")] = 40,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")] = 1,
    shelves: _Shelves = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", help="A README whose table is written anew, docs/claims.md with it."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """What is claimed of this therapy: what it stands on, the figure now, the verdict."""

    def work() -> dict[str, Any]:
        from otosome.claimed import check_writable, evidence_hash
        from otosome.claimed import claims as examine
        from otosome.claimed import write as put

        if write is not None:
            check_writable(write, claim, shelves)
        before = evidence_hash()
        with _progress("looking into claims") as tick:
            rows = examine(claim or None, ears, seed, tuple(shelves or ()), tick)
        files = [] if write is None else put(rows, write, seed, ears, before)
        if not as_json:
            _print_claims(rows)
            for file in files:
                print(f"wrote {file}")
        out = {} if write is None else {"out": str(write)}
        return {**out, "seed": seed, "result": {"rows": rows}, "notes": []}

    _answer("claims", as_json, work)


def _print_claims(rows: list[dict[str, Any]]) -> None:
    from otosome.claimed import said

    for row in rows:
        print(f"{row['claim']}: {row['about']}")
        for ground in row["stands_on"]:
            print(f"  stands on ({ground['is']}, {ground['says']}): {ground['words']}")
        figure = row["figure"]
        print(
            f"  not computed here yet: {row['missing']}"
            if figure is None
            else f"  now: {said(figure)}: {figure['words']}"
        )
        for part in [] if figure is None else figure["parts"]:
            print(f"       {said(part)}: {part['words']}")
        print(f"  verdict: {row['verdict']} ({row['why']})")
        print(f"  test: {row['test']}\n  again: {row['command']}\n")


def main() -> None:
    """Entry point: exit 0 done, 2 bad input, 130 interrupted, 1 a defect of ours."""
    try:
        app()
    except SystemExit as done:
        # Typer itself tells a person what is wrong with the command line, but no machine.
        usage = getattr(done.__context__, "format_message", None)
        if usage is not None:
            _tell_machine(usage())
        raise
    except Exception:
        told = "this is a defect of otosome, not of what you gave; please report it with the lines below"
        _tell_machine(told)
        _say(f"otosome: {told}")
        raise


def _tell_machine(message: str) -> None:
    """The one object, where the command line asks for it but was not understood or not carried out."""
    if "--json" in sys.argv:
        from otosome.evidence import BadInput

        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        _refuse(command, BadInput(message).as_dict())


if __name__ == "__main__":
    main()
