"""The shelves, and what stands on them: published cases, stored results, claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otosome import jobs
from otosome.cli.common import Force, Json, Result, Retracted, Seed, Shelves, ask, carry_out
from otosome.page.opening import PageInputs, open_page

Shelf = Annotated[str | None, typer.Argument(help="All if left out.", autocompletion=jobs.shelves_like)]


def list_(
    shelf: Shelf = None,
    shelves: Shelves = None,
    as_json: Json = False,
) -> None:
    """List what is on a shelf; of SHELF/ENTRY (strains/cba_jrj) what that entry states."""
    carry_out("list", as_json, lambda watch: jobs.entries(shelf, tuple(shelves or ())))


def qualify(
    rows: Annotated[list[str] | None, typer.Argument(help="Rows such as pk:C03 [default: all].")] = None,
    worlds: Annotated[int, typer.Option(min=2, max=10_000, help="Draws of what is not known.")] = 40,
    seed: Seed = 1,
    shelves: Shelves = None,
    allow_retracted: Retracted = None,
    as_json: Json = False,
) -> None:
    """Simulate every published case and compare it with what was measured."""
    own, allowed = tuple(shelves or ()), tuple(allow_retracted or ())
    carry_out("qualify", as_json, lambda watch: jobs.qualify(rows, worlds, seed, own, allowed, watch))


def check(
    results: Annotated[list[Path], typer.Argument(help="Result folders.")],
    shelves: Shelves = None,
    rerun: Annotated[bool, typer.Option("--rerun", help="Compute changed ones anew as well.")] = False,
    as_json: Json = False,
) -> None:
    """Whether results still stand on the evidence as it is now."""
    carry_out("check", as_json, lambda watch: jobs.check(results, tuple(shelves or ()), rerun, watch))


def changes(old: Result, new: Result, as_json: Json = False) -> None:
    """What evidence changed between two results of one study, old and new, and how their conclusions moved."""
    carry_out("changes", as_json, lambda watch: jobs.changes(old, new))


def claims(
    claim: Annotated[list[str] | None, typer.Argument(help="Claims by name [default: all].")] = None,
    ears: Annotated[int, typer.Option(min=2, max=100_000, help="Ears of each figure; an even number.")] = 40,
    seed: Seed = 1,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Write them as cards too: claims.html.")] = None,
    as_json: Json = False,
) -> None:
    """What is claimed of this therapy: what it stands on, the figure now, the verdict."""
    carry_out("claims", as_json, lambda watch: jobs.claims(claim, ears, seed, shelves, watch, out))


def review(
    question: Annotated[str, typer.Argument(help="hearing, hair_cells, neurons or loss.")] = "hearing",
    only: Annotated[list[str] | None, typer.Option(help="product=vesicles, in=animals ...")] = None,
    by: Annotated[list[str] | None, typer.Option(help="Regress effects on year, day or n.")] = None,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Its folder [default: results/<question>-review].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """What all published experiments say together: forest, funnel, map of evidence, risk of bias."""
    ask("review", jobs.review, jobs.ReviewInputs, locals())


def forecast(shelves: Shelves = None, as_json: Json = False) -> None:
    """Dated questions about what will be published: what is expected, and how the resolved ones did."""
    carry_out("forecast", as_json, lambda watch: jobs.forecast(tuple(shelves or ())))


def ingest(
    file: Annotated[str, typer.Argument(help="A text, or a sheet of experiments; - for a pipe.")],
    name: Annotated[str, typer.Option(help="Name of the draft, for a text.")] = "my_draft",
    out: Annotated[Path, typer.Option(help="Your folder of shelves.")] = Path("shelves"),
    as_json: Json = False,
) -> None:
    """Turn a pasted abstract, or a sheet, into drafts of experiments; unchecked, they count nowhere."""
    ask("ingest", lambda inputs, watch: jobs.ingest(inputs), jobs.IngestInputs, locals())


def open_(
    folder: Annotated[Path, typer.Argument(help="A folder of studies [default: this one].")] = Path(),
    port: Annotated[int, typer.Option(min=0, max=65535, help="[default: a free one]")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    listen: Annotated[str | None, typer.Option(help="An address that other machines can reach.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the token that visitors need.")] = None,
    as_json: Json = False,
) -> None:
    """Open a folder in the browser: every verb as a page, on your own machine."""
    ask("open", open_page, PageInputs, locals())
