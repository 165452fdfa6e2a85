"""A question asked: run it, see what it rests on, read its answer again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from otosome.cli.common import Json, Shelves, carry_out, progress, say

# With fewer, an end of the interval is the one world that happened to lie there.
_FEW_WORLDS = 5


def run(
    study: Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")],
    subjects: Annotated[int, typer.Option(min=1, max=1_000_000, help="Ears to simulate.")] = 200,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")] = None,
    batch: Annotated[
        Path | None, typer.Option(help="A lot's record, a batch TOML or an instrument export.")
    ] = None,
    despite_quality: Annotated[
        bool, typer.Option("--despite-quality", help="Run a lot that its own specification refuses.")
    ] = False,
    shelves: Shelves = None,
    allow_retracted: Annotated[
        list[str] | None, typer.Option(help="A retracted source that may be used all the same.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Result folder [default: results/<study>].")] = None,
    force: Annotated[bool, typer.Option("--force", help="Move an earlier result aside.")] = False,
    as_json: Json = False,
) -> None:
    """Simulate a study and write its report."""

    def work() -> dict[str, Any]:
        from otosome.results import check_free, fill, writing
        from otosome.scenario import load

        made = load(
            study,
            shelves=tuple(shelves or ()),
            batch=batch,
            allow_retracted=tuple(allow_retracted or ()),
            despite_quality=despite_quality,
        )
        folder = out if out is not None else Path("results") / made.name
        check_free(folder, force)
        chosen = seed if seed is not None else made.scenario.seed if made.scenario.seed is not None else 1
        with writing(folder, force) as part:
            from otosome.forward import draw, observe
            from otosome.weigh import answer

            table = draw(made, subjects=subjects, seed=chosen)
            with progress() as tick:
                result = answer(made, table, tick=tick)
            fill(part, result, observe(made, result, table), dict(made.inputs))
        report = (folder / "report.html").resolve()
        headline = json.loads(result.attrs["headline"])
        notes = json.loads(result.attrs["notes"])
        for note in notes:
            say(f"note: {note}")
        if not as_json:
            print(_headline(headline))
            print(f"report: {report}")
        return {
            "out": str(folder), "inputs": dict(made.inputs), "seed": chosen,
            "result": {
                "headline": headline, "errors": json.loads(result.attrs["errors"]),
                "masked": json.loads(result.attrs["masked"]),
            },
            "notes": notes,
        }  # fmt: skip

    carry_out("run", as_json, work)


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


def sources(
    study: Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")],
    batch: Annotated[
        Path | None, typer.Option(help="A lot's record, a batch TOML or an instrument export.")
    ] = None,
    shelves: Shelves = None,
    as_json: Json = False,
) -> None:
    """The papers a study rests on, and which of its numbers are only assumed."""

    def work() -> dict[str, Any]:
        from otosome.report.summary import read_once
        from otosome.scenario import load
        from otosome.weigh import sources as rows_of

        loaded = load(study, shelves=tuple(shelves or ()), batch=batch, despite_quality=True)
        rows = rows_of(loaded)
        counts = {
            basis: sum(row["basis"] == basis for row in rows) for basis in {row["basis"] for row in rows}
        }
        if not as_json:
            print(f"* {read_once(rows)}")
            for row in rows:
                print(_source_line(row))
            print(", ".join(f"{n} {basis}" for basis, n in sorted(counts.items())))
        for note in loaded.notes:
            say(f"note: {note}")
        once = sum(row["provisional"] for row in rows)
        return {"result": {"rows": rows, "counts": counts, "provisional": once}, "notes": list(loaded.notes)}

    carry_out("sources", as_json, work)


def _source_line(row: dict[str, Any]) -> str:
    from otosome.report.summary import standing

    mark = f"{row['basis']}{'*' if row['provisional'] else ''}"
    shown = row["given"] if row["value"] is None else f"{row['value']:.4g} {row['unit']}"
    stands = f"  [{standing(row)}]" if standing(row) else ""
    return f"{mark:<11} {row['parameter']:<58} {shown}  {row['source'] or ''}{stands}"


def show(
    result: Annotated[Path, typer.Argument(help="A result folder.")],
    as_json: Json = False,
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

    carry_out("show", as_json, work)
