"""A laboratory's own data change the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otosome import jobs
from otosome.cli.common import Force, Json, Shelves, carry_out


def fit(
    file: Annotated[Path, typer.Argument(metavar="FIT.toml", help="A fit file: otosome new fit drafts one.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with walkers that were ended, or with more steps.")
    ] = False,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Result folder [default: results/<fit>].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Fit a study's numbers to a laboratory's readings: intervals, and what the data cannot tell."""
    inputs = jobs.FitInputs(fit=file, resume=resume, shelves=tuple(shelves or ()), out=out, force=force)
    carry_out("fit", as_json, lambda watch: jobs.fit(inputs, watch))
