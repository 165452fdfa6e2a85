"""The shelves, and what stands on them: published cases, stored results, claims."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from otosome.cli.common import (
    Json,
    Shelves,
    carry_out,
    progress,
)


def list_(
    shelf: Annotated[str | None, typer.Argument(help="A shelf [default: all of them].")] = None,
    shelves: Shelves = None,
    as_json: Json = False,
) -> None:
    """List what is on a shelf."""

    def work() -> dict[str, Any]:
        from otosome.catalog import SHELVES, Catalog
        from otosome.study import titles

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

    carry_out("list", as_json, work)


def qualify(
    rows: Annotated[
        list[str] | None, typer.Argument(help="Rows such as pk:C03 or ear:B10 [default: all].")
    ] = None,
    worlds: Annotated[
        int, typer.Option(min=2, max=10_000, help="Draws of everything that is not known.")
    ] = 40,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")] = 1,
    shelves: Shelves = None,
    allow_retracted: Annotated[
        list[str] | None, typer.Option(help="A retracted source that may be used all the same.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Every published case simulated beside what was measured."""

    def work() -> dict[str, Any]:
        from otosome.catalog import Catalog
        from otosome.review.qualification import counts, coverage
        from otosome.review.qualification import qualify as examine
        from otosome.review.qualification.text import print_rows

        catalog, allowed = Catalog(tuple(shelves or ())), tuple(allow_retracted or ())
        with progress("qualifying") as tick:
            found = examine(rows or None, worlds, seed, catalog, tick, allowed)
        if not as_json:
            print_rows(found)
        told = {
            "rows": [row.as_dict() for row in found], "counts": counts(found), "coverage": coverage(found),
            "worlds": worlds,
        }  # fmt: skip
        return {"seed": seed, "result": told, "notes": []}

    carry_out("qualify", as_json, work)


def check(
    results: Annotated[list[Path], typer.Argument(help="Result folders.")],
    shelves: Shelves = None,
    rerun: Annotated[bool, typer.Option("--rerun", help="Make changed ones anew, beside the old.")] = False,
    as_json: Json = False,
) -> None:
    """Whether results still stand on the evidence as it is now."""

    def work() -> dict[str, Any]:
        from otosome.results import open_result
        from otosome.review.standing import check as examine

        rows = []
        for folder in results:
            told = {"result": str(folder), **examine(open_result(folder), tuple(shelves or ()))}
            if rerun and not told["stands"]:
                told["rerun"] = str(_again(folder, tuple(shelves or ())))
            rows.append(told)
            if not as_json:
                _print_standing(told)
        return {"result": {"rows": rows}, "notes": []}

    carry_out("check", as_json, work)


def _again(folder: Path, shelves: tuple[Path, ...]) -> Path:
    """Run a result's question with the numbers of now, beside the old result."""
    from otosome.answers.answer import answer
    from otosome.forward import draw, observe
    from otosome.results import fill, open_result, writing
    from otosome.review.standing import asked_now

    stored = open_result(folder)
    study = replace(asked_now(stored, shelves), allowed=())
    drawn = stored.sizes["subject"] + len(json.loads(stored.attrs.get("masked", "[]")))
    table = draw(study, drawn, int(stored.attrs["seed"]))
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


def changes(
    old: Annotated[Path, typer.Argument(help="A result folder.")],
    new: Annotated[Path, typer.Argument(help="A later one of the same study.")],
    as_json: Json = False,
) -> None:
    """What evidence changed between two results, and how their conclusions moved."""

    def work() -> dict[str, Any]:
        from otosome.results import open_result
        from otosome.review.standing import between

        told = between(open_result(old), open_result(new))
        if not as_json:
            for row in told["changed"]:
                print(f"{row['what']:<9} {row['parameter']}: {row['then']} -> {row['now']}")
            for name in ("then", "now"):
                if told[name] is not None:
                    b = told[name]
                    print(f"{name}: {b['median']:.2f} ({b['low']:.2f} to {b['high']:.2f}) {told['unit']}")
        return {"result": told, "notes": []}

    carry_out("changes", as_json, work)


def claims(
    claim: Annotated[list[str] | None, typer.Argument(help="Claims by name [default: all].")] = None,
    ears: Annotated[int, typer.Option(min=2, max=100_000, help="Ears of each figure; an even number.")] = 40,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")] = 1,
    shelves: Shelves = None,
    as_json: Json = False,
) -> None:
    """What is claimed of this therapy: what it stands on, the figure now, the verdict."""

    def work() -> dict[str, Any]:
        from otosome.review.claims import claims as examine

        with progress("looking into claims") as tick:
            rows = examine(claim or None, ears, seed, tuple(shelves or ()), tick)
        if not as_json:
            _print_claims(rows)
        return {"seed": seed, "result": {"rows": rows}, "notes": []}

    carry_out("claims", as_json, work)


def _print_claims(rows: list[dict[str, Any]]) -> None:
    from otosome.review.claims import said

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
