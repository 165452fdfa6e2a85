"""Experiments and trials: how many, and what a design can show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otosome import jobs
from otosome.cli.common import Force, Json, Shelves, carry_out


def trial(
    designs: Annotated[
        list[Path], typer.Argument(help="Designs (otosome new trial); several stand side by side.")
    ],
    formula: Annotated[
        bool, typer.Option("--formula", help="Without simulated patients: in a second.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that simulate.")] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with ears that were simulated.")] = False,
    shelves: Shelves = None,
    out: Annotated[Path | None, typer.Option(help="Result folder [default: results/<design>-trial].")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """How many animals or people an experiment needs, and what it can show."""
    inputs = jobs.TrialInputs(
        designs=tuple(designs),
        formula=formula,
        workers=workers,
        resume=resume,
        shelves=tuple(shelves or ()),
        out=out,
        force=force,
    )
    carry_out("trial", as_json, lambda watch: jobs.trial(inputs, watch))
