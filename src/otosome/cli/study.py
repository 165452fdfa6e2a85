"""A question asked: run it, see what it rests on, read its answer again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otosome.cli.common import (
    Json,
    Shelves,
    carry_out,
    progress,
    say,
)

if TYPE_CHECKING:
    import xarray as xr

    from otosome.study import Study

# With fewer, an end of the interval is the one world that happened to lie there.
_FEW_WORLDS = 5
# A share of fewer moves in steps of more than 5 %: one that reads 100 % may be 95 %.
_FEW_FOR_A_SHARE = 20


Asked = Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")]
Subjects = Annotated[int, typer.Option(min=1, max=1_000_000, help="Ears to simulate.")]
Seed = Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="Seed of every draw.")]
Batch = Annotated[Path | None, typer.Option(help="A lot's record, a batch TOML or an instrument export.")]
Despite = Annotated[
    bool, typer.Option("--despite-quality", help="Run a lot that its own specification refuses.")
]
Retracted = Annotated[
    list[str] | None, typer.Option(help="A retracted source that may be used all the same.")
]
Out = Annotated[Path | None, typer.Option(help="Result folder [default: results/<study>].")]
Force = Annotated[bool, typer.Option("--force", help="Move an earlier result aside.")]
Audiogram = Annotated[
    Path | None, typer.Option(help="A person's audiogram, in the place of the study's people.")
]
Person = Annotated[str | None, typer.Option(help="Whose, where the file holds several.")]
Side = Annotated[str | None, typer.Option(help="left, right or better [default: better].")]
Interpolate = Annotated[
    bool, typer.Option("--interpolate", help="Take a frequency that a mean needs from its neighbours.")
]


def run(
    study: Asked,
    subjects: Subjects = 200,
    seed: Seed = None,
    batch: Batch = None,
    despite_quality: Despite = False,
    audiogram: Audiogram = None,
    person: Person = None,
    ear: Side = None,
    interpolate: Interpolate = False,
    shelves: Shelves = None,
    allow_retracted: Retracted = None,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Simulate a study and write its report."""

    def work() -> dict[str, Any]:
        from otosome.answers.answer import answer

        listened = {"audiogram": audiogram, "person": person, "ear": ear, "interpolate": interpolate}
        made = _loaded(
            study, shelves, allow_retracted, batch=batch, despite_quality=despite_quality, **listened
        )
        folder, result = _written(made, answer, out, force, subjects, seed)
        headline = json.loads(result.attrs["headline"])
        if not as_json:
            print(_headline(headline))
        return _answered(made, folder, result, {"headline": headline}, as_json)

    carry_out("run", as_json, work)


def compare(
    study: Asked,
    subjects: Subjects = 200,
    seed: Seed = None,
    batch: Batch = None,
    despite_quality: Despite = False,
    audiogram: Audiogram = None,
    person: Person = None,
    ear: Side = None,
    interpolate: Interpolate = False,
    shelves: Shelves = None,
    allow_retracted: Retracted = None,
    out: Out = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Lay the arms of a study side by side as therapies: words, cells, harms, and how likely each is best."""

    def work() -> dict[str, Any]:
        from otosome.answers.therapies import therapies

        listened = {"audiogram": audiogram, "person": person, "ear": ear, "interpolate": interpolate}
        made = _loaded(
            study, shelves, allow_retracted, batch=batch, despite_quality=despite_quality, **listened
        )
        folder, result = _written(made, therapies, out, force, subjects, seed)
        told = json.loads(result.attrs["therapies"])
        if not as_json:
            print(_side_by_side(told))
        return _answered(made, folder, result, {"therapies": told}, as_json)

    carry_out("compare", as_json, work)


def _loaded(
    study: str, shelves: list[Path] | None, allow_retracted: list[str] | None, **options: Any
) -> Study:
    from otosome.study import load

    return load(study, shelves=tuple(shelves or ()), allow_retracted=tuple(allow_retracted or ()), **options)


def _written(
    made: Study,
    verb: Callable[..., xr.Dataset],
    out: Path | None,
    force: bool,
    subjects: int,
    seed: int | None,
) -> tuple[Path, xr.Dataset]:
    """The result folder, filled by a verb that takes a study and a table of ears; and what it gave."""
    from otosome.results import check_free, fill, writing

    folder = out if out is not None else Path("results") / made.name
    check_free(folder, force)
    chosen = seed if seed is not None else made.tables.seed if made.tables.seed is not None else 1
    with writing(folder, force) as part:
        from otosome.forward import draw, observe

        table = draw(made, subjects=subjects, seed=chosen)
        with progress() as tick:
            result = verb(made, table, tick=tick)
        fill(part, result, observe(made, result, table), dict(made.inputs))
    return folder, result


def _answered(
    made: Study, folder: Path, result: xr.Dataset, told: dict[str, Any], as_json: bool
) -> dict[str, Any]:
    """What a program is told; the person is told its notes, and where the report is."""
    notes = json.loads(result.attrs["notes"])
    for note in notes:
        say(f"note: {note}")
    if not as_json:
        print(_exactness(json.loads(result.attrs["errors"]), result.sizes["subject"]))
        print(f"report: {(folder / 'report.html').resolve()}")
    return {
        "out": str(folder), "inputs": dict(made.inputs), "seed": int(result.attrs["seed"]),
        "result": {
            **told, "errors": json.loads(result.attrs["errors"]), "masked": json.loads(result.attrs["masked"])
        },
        "notes": notes,
    }  # fmt: skip


def _exactness(errors: dict[str, Any], subjects: int) -> str:
    """How exact the calculation is, and whether that is within its limits."""
    from otosome.report.summary import exactness, limits

    return f"{exactness(errors, subjects)}\n{limits(errors)}".rstrip()


def _side_by_side(told: dict[str, Any]) -> str:
    """Every therapy with the probability that it is best, the words it gains and the cells it saves."""
    words = [name for name, row in told["arms"][0]["measures"].items() if row["endpoint"] == "word_score"]
    lines = [
        f"against '{told['reference']}', medians of {told['ears']} ears (5 to 95 %), "
        f"probabilities over {_worlds(told['worlds'])} (95 %):"
    ]
    for arm in told["arms"]:
        average, one = (_share(arm["best"]["as stated"][of]) for of in ("average", "one"))
        gains = [f"{name} {_band(arm['measures'][name]['gain'], ' points')}" for name in words]
        saved = [f"{kind} {_band(_hundred(cell['saved']), ' %')}" for kind, cell in arm["cells"].items()]
        lines += [
            f"  {arm['name']}: worth {_band(arm['score'])}; best on average with {average}, for one person "
            f"with {one}",
            *(f"    {gain}" for gain in gains),
            f"    cells saved: {', '.join(saved)}",
        ]
    lead = told["ahead"]
    lines.append(
        f"  '{lead['of']}' is worth {_band(lead['by'])} more on average than the next, '{lead['over']}'"
    )
    lines += _too_few(told["worlds"], _FEW_FOR_A_SHARE, "to tell 95 % from certain")
    return "\n".join([*lines, "  research only; not for treating anyone"])


def _share(found: dict[str, float]) -> str:
    """A probability with the 95 % that as many worlds leave open."""
    value, low, high = (f"{100 * found[end]:.0f}" for end in ("value", "low", "high"))
    return f"{value} % ({low} to {high} %)"


def _too_few(worlds: int, least: int, for_what: str) -> list[str]:
    """A line that warns where an answer rests on fewer worlds than it takes."""
    if worlds >= least:
        return []
    return [
        f"  {_worlds(worlds)}, each one draw of what is not known: too few {for_what}; take more --subjects"
    ]


def _worlds(number: int) -> str:
    return f"{number} world{'s' if number > 1 else ''}"


def _hundred(band: dict[str, float]) -> dict[str, float]:
    return {end: 100 * value for end, value in band.items()}


def _band(band: dict[str, float], unit: str = "") -> str:
    return f"{_sign(band['median'])}{unit} ({_sign(band['low'])} to {_sign(band['high'])})"


def _sign(value: float) -> str:
    """To a tenth, with its sign; nothing reads 0.0, never -0.0."""
    tenth = round(value, 1)
    return f"{tenth:+.1f}" if tenth else "0.0"


def _headline(headline: dict[str, Any]) -> str:
    if not headline:
        return "no comparison was asked for (the study has no [compare])"
    null = headline.get("null_benefit")
    text = f"benefit of '{headline['of']}' against '{headline['against']}': {_told(headline, 'benefit')}"
    share = ", ".join(f"{100 * v:.0f} % {k}" for k, v in headline["share"].items() if v >= 0.005)
    text += f"\n  rests on: {share or 'nothing that moves it'}"
    if null is not None:
        text += f"\n  null-vesicle twin: {_told(headline, 'null_benefit')}"
    warned = _too_few(headline["knowledge"]["worlds"], _FEW_WORLDS, "for this interval to hold")
    return "\n".join([text, *warned, "  research only; not for treating anyone"])


def _told(headline: dict[str, Any], key: str) -> str:
    """Median and ends to a tenth; nothing reads 0.0, never -0.0."""
    median, low, high = (round(headline[key][end], 1) + 0.0 for end in ("median", "low", "high"))
    return f"{median:.1f} {headline['unit']} ({low:.1f} to {high:.1f})"


def sources(
    study: Asked,
    batch: Batch = None,
    shelves: Shelves = None,
    as_json: Json = False,
) -> None:
    """The papers a study rests on, and which of its numbers are only assumed."""

    def work() -> dict[str, Any]:
        from otosome.answers.sources import sources as rows_of
        from otosome.report.summary import read_once
        from otosome.study import load

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
        beside = json.loads(stored.attrs["therapies"]) if "therapies" in stored.attrs else None
        notes = json.loads(stored.attrs["notes"])
        errors = json.loads(stored.attrs.get("errors", "{}"))
        if not as_json:
            print(f"{stored.attrs['name']}: {stored.sizes['subject']} ears, seed {stored.attrs['seed']}")
            print(_headline(headline) if beside is None else _side_by_side(beside))
            # A result of an earlier version states them otherwise.
            if "limits" in errors:
                print(_exactness(errors, stored.sizes["subject"]))
            print(f"report: {(result / 'report.html').resolve()}")
        return {
            "out": str(result),
            "seed": int(stored.attrs["seed"]),
            "result": {
                **({"headline": headline} if beside is None else {"therapies": beside}),
                "errors": errors,
            },
            "notes": notes,
        }

    carry_out("show", as_json, work)
