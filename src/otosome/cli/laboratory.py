"""A laboratory's files read, begun and fitted, and lots decided."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otosome import jobs
from otosome.cli.common import Force, Json, Shelves, ask


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders, as instruments write them.")],
    animals: Annotated[Path | None, typer.Option(help="The sheet with the group of each subject.")] = None,
    mapping: Annotated[Path | None, typer.Option(help="What columns and wells hold.")] = None,
    species: Annotated[str, typer.Option(help="Species of subjects not in the sheet, such as mouse.")] = "",
    voltage: Annotated[str, typer.Option(help="Unit where a file states none: nV, uV, mV, V.")] = "",
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the tables [default: results/import].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Read a laboratory's files into one table, with thresholds and a list of what was refused."""
    ask("import", jobs.import_, jobs.ImportInputs, locals())


def new(
    kind: Annotated[str, typer.Argument(help=f"What to begin: {', '.join(jobs.NEW)}.")],
    paths: Annotated[list[Path] | None, typer.Argument(help="Files it is for; its own name.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="For fit: a table or an import.")] = None,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="The file to write [default: my_study.toml ...].")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="For a batch: copy its files beside it.")] = False,
    reference: Annotated[bool, typer.Option("--reference", help="For a batch: leave its files.")] = False,
    as_json: Json = False,
) -> None:
    """Begin a file that you then fill in: a study, an animals sheet, a lot's record, a trial and more."""
    ask("new", jobs.new, jobs.NewInputs, locals())


def quality(
    batch: Annotated[Path | None, typer.Argument(help="The record of a lot.")] = None,
    reference: Annotated[Path | None, typer.Option(help="The record of a lot to compare with.")] = None,
    history: Annotated[Path | None, typer.Option(help="A folder with the records of earlier lots.")] = None,
    study: Annotated[str | None, typer.Option(help="A study: what is each limit worth in it?")] = None,
    process: Annotated[str | None, typer.Option(help="A process instead: what does it make?")] = None,
    against: Annotated[str | None, typer.Option(help="Another process: what would the change do?")] = None,
    lots: Annotated[int, typer.Option(help="Lots of the process.")] = 20,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Its folder [default: results/<lot>].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Release, refuse or cannot decide: a lot from its files; or what a process makes."""
    ask("quality", jobs.quality, jobs.QualityInputs, locals())


def fit(
    file: Annotated[Path, typer.Argument(metavar="FIT.toml", help="A fit file: otosome new fit drafts one.")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue where it stopped.")] = False,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Result folder [default: results/<fit>].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Fit a study's numbers to a laboratory's readings: intervals, and what the data cannot tell."""
    ask("fit", jobs.fit, jobs.FitInputs, {**locals(), "fit": file})
